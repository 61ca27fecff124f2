#ifndef SERVICE_HEALTH_H
#define SERVICE_HEALTH_H

/*
 * grpc.health.v1: whether this daemon serves, as a whole ("") and each of its
 * services.  All of them do until the worker drains.
 */

struct service_worker;

/**
 * health_tell(worker):
 * Tell everybody who watches how it is now; while the worker drains, end the
 * watches as well, which would otherwise hold it until its grace is over.
 */
void health_tell(struct service_worker *worker);

#endif /* !SERVICE_HEALTH_H */
