#ifndef SERVICE_ANSWERS_H
#define SERVICE_ANSWERS_H

/*
 * What an upload is told while it lasts: the lines that were taken and each
 * one that was not.  Kept small until the client has room for it.
 */

#include "service/method.h"
#include "service/publish_row.h"

struct answer_range {
    int64_t first;
    int64_t last;
};

/* {0} holds nothing. */
struct answers {
    struct answer_range *ranges;    /* owned */
    size_t nranges;
    size_t ranges_size;
    struct row_reject *rejects;     /* owned */
    size_t nrejects;
    size_t rejects_size;
    size_t ranges_sent;
    size_t rejects_sent;
    int open;                       /* the last range may still grow */
};

/**
 * answers_accept(answers, line):
 * The row of ${line} was taken; lines grow.
 *
 * Fails: E_NOMEM.
 */
enum err MUST_USE answers_accept(struct answers *answers, int64_t line);

/**
 * answers_reject(answers, reject):
 * A row was not taken.
 *
 * Fails: E_NOMEM.
 */
enum err MUST_USE answers_reject(struct answers *answers,
    const struct row_reject *reject);

/**
 * answers_send(answers, sink, all):
 * Send what there is until ${sink} is full; ${*all} tells whether that was
 * everything.
 *
 * Fails: as the sink's send().
 */
enum err MUST_USE answers_send(struct answers *answers, struct sink sink,
    int *all);

/**
 * answers_free(answers):
 * Free what ${answers} holds and make it empty.
 */
void answers_free(struct answers *answers);

#endif /* !SERVICE_ANSWERS_H */
