#ifndef TEST_FAULT_QUESTION_H
#define TEST_FAULT_QUESTION_H

/*
 * What is asked of the daemon while memory fails.
 */

#include <stdint.h>

#include "proto/bytes.h"

#include "vouch/v1/publishing_service.pb-c.h"
#include "vouch/v1/verification_service.pb-c.h"

/* A request whose right answer is always the same: see question_same(). */
struct question {
    const char *name;
    const char *who;            /* certificate */
    const char *method;
    void (*write)(struct buf *out);
    int code;                   /* gRPC's, of the right answer */
    int verdict;                /* of the right answer; 0: has none */
    int watch;                  /* asked until the first message only */
};

extern const struct question questions[];
extern const size_t question_count;

#define QUESTION_PUBLISH "/vouch.v1.PublishingService/PublishCredentials"
#define QUESTION_GET "/vouch.v1.PublishingService/GetPublication"
#define QUESTION_DECLARE "/vouch.v1.PublishingService/DeclareCurrent"
#define QUESTION_VERIFY "/vouch.v1.VerificationService/VerifyCredential"
#define QUESTION_WATCH "/grpc.health.v1.Health/Watch"
#define QUESTION_WHOAMI "/vouch.v1.AccessService/WhoAmI"

/* The upload that the right answers are of. */
void question_write_base(struct buf *out);
#define QUESTION_BASE_EVENTS 4

/* Upload number ${serial} of that many rows, and what is asked of it. */
#define QUESTION_ROWS 5
void question_write_upload(unsigned long serial, struct buf *out);
void question_write_get(unsigned long serial, struct buf *out);
void question_write_claim(unsigned long serial, int row, struct buf *out);

/* Declaration number ${serial}, of ${now_us}. */
void question_write_declaration(unsigned long serial, int64_t now_us,
    struct buf *out);

/* The frame of a message that says nothing. */
void question_write_empty(struct buf *out);

/**
 * question_message(body, i):
 * Return the ${i}th message of a response; its p is NULL if there is none.
 */
struct slice question_message(struct slice body, size_t i);

/**
 * question_same(body, right):
 * Return non-zero if both responses are the same bytes; or else, if both are
 * receipts, whole and of the same question and answer: no seal comes twice.
 */
int question_same(struct slice body, struct slice right);

/* Return the verdict in the response ${body}; 0: it has none. */
int question_verdict(struct slice body);

#endif /* !TEST_FAULT_QUESTION_H */
