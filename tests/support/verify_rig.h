#ifndef TEST_SUPPORT_VERIFY_RIG_H
#define TEST_SUPPORT_VERIFY_RIG_H

/*
 * A service with one worker over a real store in a folder of its own, what is
 * published in it, and calls to VerifyCredential as rpc makes them.
 *
 * The catalog: `abc` (policy BIRTH_YEAR, UTC, 35 days) with types `abc-pbt` and
 * `abc-mlt`, recognized by ncca since 2000 but for `abc-mlt`; `def` with type
 * `def-pbt`, which has published nothing.
 */

#include "proto/bytes.h"
#include "service/internal.h"
#include "store/store.h"
#include "support/decide_world.h"

#include "vouch/v1/verification_service.pb-c.h"

/* What the sink was told. */
struct rig_outcome {
    int sent;
    int finished;
    size_t may_tell;
    struct grpc_status status;
    struct buf bytes;               /* of the response; owned */
    Vouch__V1__VerifyCredentialResponse *response;  /* owned; NULL: none */
};

struct rig {
    char dir[64];
    struct store *store;
    struct seal_keys *seal_keys;
    struct service *service;
    struct service_worker *worker;
    struct world world;             /* the claim, and events to publish */
    struct factor_key *own_key;     /* the world's */
    struct identity identity;
    struct caller caller;
    Vouch__V1__VerifyCredentialRequest request;
    struct rig_outcome outcome;
};

#define RIG_REQUEST_ID "0195f0c4-1111-7abc-8def-0123456789ab"

/**
 * rig_open(rig):
 * Set everything up, with the clock stopped at noon UTC of WORLD_TODAY and
 * nothing published; rig->request holds the world's claim of `abc-pbt`.  Ends
 * with rig_close().
 */
void rig_open(struct rig *rig);
void rig_close(struct rig *rig);

/**
 * rig_publish(rig, number_key):
 * Put the events of the world that have not been published into the log and,
 * under ${number_key}, into the index, as the last word of `abc` as of now.
 */
void rig_publish(struct rig *rig, const char *number_key);

/**
 * rig_publish_bytes(rig, number_key, bytes, n):
 * Put ${n} events of the same ${bytes}, good or bad, under ${number_key}.
 */
void rig_publish_bytes(struct rig *rig, const char *number_key,
    struct slice bytes, size_t n);

/**
 * rig_start(rig, call):
 * Begin a call and hand it the request; it is then in the queue, or answered.
 */
enum err rig_start(struct rig *rig, void **call);

/**
 * rig_ask(rig):
 * Make a whole call, the tick included, and return the response; NULL: the
 * status in rig->outcome says why.  Borrowed until the next call.
 */
const Vouch__V1__VerifyCredentialResponse *rig_ask(struct rig *rig);

#endif /* !TEST_SUPPORT_VERIFY_RIG_H */
