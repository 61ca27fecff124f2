#ifndef SERVICE_VERIFY_QUESTION_H
#define SERVICE_VERIFY_QUESTION_H

/*
 * What was asked, and by whom, as the answer repeats it.
 */

#include "proto/bytes.h"
#include "proto/err.h"

#include "vouch/v1/verification.pb-c.h"

/**
 * verify_question_pack(claim, claim_max, asker, request_id, out):
 * Append the canonical bytes of the Question to ${out}.  ${claim} was read from
 * ${claim_max} bytes: there is no longer form of it than a sender's.
 *
 * Fails: E_NOMEM, E_TOOBIG; ${out} is then as it was.
 */
enum err MUST_USE verify_question_pack(const Vouch__V1__Claim *claim,
    size_t claim_max, struct slice asker, struct slice request_id,
    struct buf *out);

#endif /* !SERVICE_VERIFY_QUESTION_H */
