#ifndef PROTO_RECEIPT_H
#define PROTO_RECEIPT_H

/*
 * Receipts, as docs/receipt.md specifies them: what a commitment is, and how
 * the bytes that were filed are read.  Pure: no I/O, no clock.
 *
 *   q    = SHA-256("vouch/question/v1" || 0x00 || question salt || question)
 *   a    = SHA-256("vouch/answer/v1" || 0x00 || answer salt || q || answer)
 *   leaf = SHA-256(0x00 || q || a)
 *
 * The leaf is the receipt's id: it stays when parts are redacted.
 */

#include "proto/arena.h"
#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/merkle.h"
#include "proto/trust.h"

#include "vouch/v1/receipt.pb-c.h"
#include "vouch/v1/verification.pb-c.h"

#define RECEIPT_SALT 16
#define RECEIPT_BATCH_MAX 256           /* leaves */
#define RECEIPT_BYTES_MAX ((size_t)1024 * 1024)
#define RECEIPT_DOMAIN "vouch/seal/v1"

/* One that was read; everything is in the arena. */
struct receipt {
    struct slice answer_bytes;          /* empty: redacted */
    struct slice question_bytes;        /* likewise */
    const Vouch__V1__Answer *answer;    /* NULL: redacted */
    const Vouch__V1__Question *question;
    const Vouch__V1__Seal *seal;
    const Vouch__V1__SealBatch *batch;
    struct merkle_hash answer_commitment;
    struct merkle_hash question_commitment;
    struct merkle_hash id;
};

/* What becomes of a receipt. */
enum receipt_state {
    RECEIPT_VERIFIED,           /* perhaps with parts redacted: see there */
    RECEIPT_MALFORMED,          /* these bytes are no receipt */
    RECEIPT_SEAL_BROKEN,        /* something was changed */
    RECEIPT_TRUST_TOO_OLD,      /* expired: it could not know of a
                                   compromise */
    RECEIPT_KEY_UNKNOWN,        /* not in the trust file, for this use */
    RECEIPT_KEY_COMPROMISED,    /* whoever has the key could have made it */
    RECEIPT_KEY_NOT_VALID,      /* sealed before or after the key's time, or
                                   under another origin */
    RECEIPT_STATES
};

/**
 * receipt_commit_question(salt, question, commitment):
 * receipt_commit_answer(salt, question_commitment, answer, commitment):
 * receipt_leaf(question_commitment, answer_commitment, leaf):
 * Write q, a and leaf as above.
 */
void receipt_commit_question(const uint8_t salt[RECEIPT_SALT],
    struct slice question, struct merkle_hash *commitment);
void receipt_commit_answer(const uint8_t salt[RECEIPT_SALT],
    const struct merkle_hash *question_commitment, struct slice answer,
    struct merkle_hash *commitment);
void receipt_leaf(const struct merkle_hash *question_commitment,
    const struct merkle_hash *answer_commitment, struct merkle_hash *leaf);

/**
 * receipt_read(bytes, arena, receipt, why, size):
 * Read ${bytes}, and check everything about them that needs no key: that they
 * are canonical, that salts, hashes and batch are what they must be, and that
 * the path leads from the leaf to the batch's root.  ${*receipt} lives as long
 * as what ${arena} handed out; ${bytes} are not needed any longer.
 *
 * Fails: E_INVAL (malformed), E_CORRUPT (the path leads to another root;
 * ${*receipt} is all there, to show what was tampered with),
 * E_TOOBIG (above RECEIPT_BYTES_MAX, or the arena's cap), E_NOMEM.  ${why}, of
 * ${size} bytes, says what and where for a person; it never quotes a value.
 */
enum err MUST_USE receipt_read(struct slice bytes, struct arena *arena,
    struct receipt *receipt, char *why, size_t size);

/**
 * receipt_verify(receipt, trust, now_us, why, size):
 * Judge a receipt that receipt_read() has taken by ${trust}, at ${now_us}
 * (microseconds UTC); INT64_MIN: whatever the time, so that an expired trust
 * file does.  Where several hold, the first of: KEY_UNKNOWN, SEAL_BROKEN (the
 * signature), KEY_COMPROMISED, KEY_NOT_VALID, TRUST_TOO_OLD.  ${why} as above,
 * empty if verified.
 */
enum receipt_state receipt_verify(const struct receipt *receipt,
    const struct trust *trust, int64_t now_us, char *why, size_t size);

/**
 * receipt_state_name(state):
 * Return the state's name, as in "SEAL_BROKEN", or NULL if there is no such
 * state; a constant.
 */
const char *receipt_state_name(enum receipt_state state);

/* What receipt_redact() takes out. */
enum receipt_part { RECEIPT_ANSWER = 1, RECEIPT_QUESTION = 2 };

/**
 * receipt_redact(receipt, parts, out):
 * Append to ${out} the receipt without those ${parts} (or-ed together), in
 * canonical form.  A part that was redacted before stays so.
 *
 * Fails: E_NOMEM, E_TOOBIG; ${out} is then as it was.
 */
enum err MUST_USE receipt_redact(const struct receipt *receipt, unsigned parts,
    struct buf *out);

#endif /* !PROTO_RECEIPT_H */
