#ifndef TEST_SUPPORT_SERVICE_RIG_H
#define TEST_SUPPORT_SERVICE_RIG_H

/*
 * A service with one worker over a real store in a folder of its own and the
 * catalog that ships, and calls to its methods as rpc makes them.
 */

#include <pthread.h>

#include "proto/bytes.h"
#include "service/internal.h"
#include "store/store.h"

#define SERVICE_RIG_MESSAGES 4096
#define SERVICE_RIG_MAIL 64

/* 2026-11-22T12:00:00Z, at which the clock is stopped. */
#define SERVICE_RIG_NOW INT64_C(1795348800000000)

/* What the sink was told. */
struct service_rig_sink {
    struct buf *sent[SERVICE_RIG_MESSAGES];     /* packed; owned */
    size_t n;
    int finished;
    size_t may_tell;
    struct grpc_status status;
    size_t backlog;             /* what it claims to hold */
    size_t grow;                /* backlog that each message adds */
    int refuse;                 /* send() fails with E_NOMEM */
};

struct service_rig {
    char dir[64];
    struct service_options options;
    char keys[96];
    struct store *store;
    struct seal_keys *seal_keys;
    struct service *service;
    struct service_worker *worker;
    struct identity identity;
    struct caller caller;
    struct service_rig_sink sink;
    const struct method *method;
    void *call;

    /* The worker's mailbox. */
    pthread_mutex_t lock;
    pthread_cond_t mail;
    struct {
        void (*fn)(void *cookie);
        void *cookie;
    } box[SERVICE_RIG_MAIL];
    size_t nbox;
};

/**
 * rig_open(rig, role, id):
 * Set everything up for a caller who is ${role}/${id}.  Ends with rig_close().
 */
void rig_open(struct service_rig *rig, enum role role, const char *id);
void rig_close(struct service_rig *rig);

/**
 * rig_restart(rig, why, size):
 * Free worker and service and create them anew over the same store.  If the
 * service is not created both are NULL, and the error is returned.
 */
enum err rig_restart(struct service_rig *rig, char *why, size_t size);

/**
 * rig_start(rig, path), rig_say(rig, message), rig_half_close(rig) and
 * rig_cancel(rig):
 * The parts of a call.  What the sink was told before is forgotten by the
 * first.
 */
enum err rig_start(struct service_rig *rig, const char *path);
void rig_say(struct service_rig *rig, const ProtobufCMessage *message);
void rig_half_close(struct service_rig *rig);
void rig_cancel(struct service_rig *rig);

/**
 * rig_settle(rig):
 * Tick, and deliver what comes by mail, until the call has ended.
 */
void rig_settle(struct service_rig *rig);

/**
 * rig_mail(rig):
 * Wait for one piece of mail, deliver it, and tick.
 */
void rig_mail(struct service_rig *rig);

/**
 * rig_ask(rig, path, request, descriptor):
 * Make a whole unary call and return its response, to be freed with
 * protobuf_c_message_free_unpacked(); NULL: the status says why.
 */
ProtobufCMessage *rig_ask(struct service_rig *rig, const char *path,
    const ProtobufCMessage *request,
    const ProtobufCMessageDescriptor *descriptor);

/**
 * rig_response(rig, i, descriptor):
 * Return the ${i}th message sent; to be freed as above.
 */
ProtobufCMessage *rig_response(struct service_rig *rig, size_t i,
    const ProtobufCMessageDescriptor *descriptor);

#endif /* !TEST_SUPPORT_SERVICE_RIG_H */
