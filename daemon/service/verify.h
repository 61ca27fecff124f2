#ifndef SERVICE_VERIFY_H
#define SERVICE_VERIFY_H

/*
 * One verification, from its claim to its sealed answer: verify.c has it looked
 * up and decided, verify_reply.c packed, sealed and sent.
 */

#include "decide/decide.h"
#include "proto/arena.h"
#include "proto/bytes.h"
#include "proto/err.h"
#include "seal/batch.h"
#include "service/unary.h"
#include "service/verify_answer.h"

#include "vouch/v1/verification_service.pb-c.h"

/* A claim, a record and what is said of an association are far below this. */
#define VERIFY_RESPONSE_MAX ((size_t)1024 * 1024)

/* What a call keeps until its answer has been sealed. */
struct verify {
    struct unary_call call;         /* which this is the state of */
    struct verify *next;            /* among the spare */
    struct arena *arena;            /* owned; the request is decoded there */
    const Vouch__V1__VerifyCredentialRequest *request;
    size_t request_size;            /* as it came */
    int place;                      /* of the association in the catalog */
    struct decide_claim prepared;   /* borrows its claim */
    struct buf response;            /* owned; all of it but the seal */
    struct batch_item item;         /* of it, in the batcher if ... */
    struct unary_call *sealing;     /* ... this is not NULL */
};

/**
 * verify_reply(call, facts):
 * Pack the answer and have it sealed; ${call} ends with it at the end of the
 * tick.  ${facts} are needed for this call only, but for its claim, which is
 * set here.
 */
void verify_reply(struct unary_call *call, struct verify_facts *facts);

/**
 * verify_fail(call, err):
 * End ${call} with what the asker may know of ${err}; the log is told the rest.
 */
void verify_fail(struct unary_call *call, enum err err);

#endif /* !SERVICE_VERIFY_H */
