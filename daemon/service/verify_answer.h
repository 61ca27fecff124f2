#ifndef SERVICE_VERIFY_ANSWER_H
#define SERVICE_VERIFY_ANSWER_H

/*
 * From a decision to the message that the asker gets.
 */

#include <stdint.h>

#include "decide/decide.h"
#include "proto/arena.h"
#include "proto/err.h"
#include "store/store.h"

/* Everything is borrowed. */
struct verify_facts {
    const struct decide_claim *claim;
    const struct decision *decision;
    Vouch__V1__FreshnessState freshness;
    Vouch__V1__Recognition *const *recognitions;    /* of the association */
    size_t nrecognitions;
    struct store_source source;
    int64_t log_size;
    int64_t answered_at_us;     /* microseconds UTC */
};

/**
 * verify_answer_make(facts, arena, answer):
 * Make the answer in ${arena} and store it in ${*answer}.  It borrows from
 * ${facts} and lives as long as both.
 *
 * Fails: E_NOMEM.  On failure ${*answer} is NULL.
 */
enum err MUST_USE verify_answer_make(const struct verify_facts *facts,
    struct arena *arena, Vouch__V1__Answer **answer);

#endif /* !SERVICE_VERIFY_ANSWER_H */
