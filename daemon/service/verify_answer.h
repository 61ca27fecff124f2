#ifndef SERVICE_VERIFY_ANSWER_H
#define SERVICE_VERIFY_ANSWER_H

/*
 * From a decision to the bytes of the answer that the asker gets.
 */

#include <stdint.h>

#include "decide/decide.h"
#include "proto/bytes.h"
#include "proto/err.h"
#include "service/recognized.h"
#include "store/store.h"

/* Everything is borrowed. */
struct verify_facts {
    const struct decide_claim *claim;
    const struct decision *decision;
    struct recognized recognized;   /* of a CONFIRMED or NOT_CURRENT */
    Vouch__V1__FreshnessState freshness;
    struct store_source source;
    int64_t log_size;
    int64_t answered_at_us;     /* microseconds UTC */
};

/**
 * verify_answer_pack(facts, out):
 * Append the answer's canonical bytes to ${out}.
 *
 * Fails: E_NOMEM, E_TOOBIG; ${out} is then as it was.
 */
enum err MUST_USE verify_answer_pack(const struct verify_facts *facts,
    struct buf *out);

#endif /* !SERVICE_VERIFY_ANSWER_H */
