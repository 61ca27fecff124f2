#ifndef SERVICE_HEALTH_H
#define SERVICE_HEALTH_H

/*
 * grpc.health.v1: whether this daemon serves, as a whole ("") and each of its
 * services.  All of them do until the worker drains.
 */

struct service_worker;

/**
 * health_tell(worker):
 * Tell everybody who watches that what he watches has changed.
 */
void health_tell(struct service_worker *worker);

#endif /* !SERVICE_HEALTH_H */
