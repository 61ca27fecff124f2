#include "client/vouch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/error.h"
#include "client/judgment.h"
#include "client/whole_file.h"

struct vouch_trust {
    struct trust *trust;        /* owned */
    char root_key[2 * ED25519_KEY_ID + 1];
};

static const char ask_operator[] = "ask the operator for trust.json again, and "
    "for the id of its root key by another way";

static int
parse_trust(struct vouch_trust *t, const char *path, const char *root_key,
    struct slice bytes, struct vouch_error *error)
{
    uint8_t id[ED25519_KEY_ID];
    char why[256];
    enum err err = trust_read(bytes, &t->trust, why, sizeof(why));

    if (err == E_NOMEM)
        return (error_memory(error));
    if (err != E_OK) {
        (void)error_set(error, err == E_CORRUPT ? VOUCH_FAILURE_EVIDENCE :
            VOUCH_FAILURE_SETUP, "the trust file %s: %s", path, why);
        error_next(error, "%s", ask_operator);
        return (-1);
    }
    ed25519_key_id(trust_root_key(t->trust), id);
    bytes_to_hex((struct slice){id, sizeof(id)}, t->root_key);
    if (root_key == NULL || strcasecmp(root_key, t->root_key) == 0)
        return (0);
    (void)error_set(error, VOUCH_FAILURE_EVIDENCE,
        "the trust file %s is signed by the root key %s, not by %s", path,
        t->root_key, root_key);
    error_next(error, "%s", ask_operator);
    return (-1);
}

int
vouch_trust_read(const char *path, const char *root_key,
    struct vouch_trust **trust, struct vouch_error *error)
{
    struct vouch_trust *t = NULL;
    struct buf bytes;
    int status = -1;
    enum err err;

    *trust = NULL;
    buf_init(&bytes, TRUST_BYTES_MAX);
    if ((t = calloc(1, sizeof(*t))) == NULL) {
        (void)error_memory(error);
        goto out;
    }
    if ((err = whole_file_read(path, &bytes)) == E_NOMEM) {
        (void)error_memory(error);
        goto out;
    }
    if (err != E_OK) {
        (void)error_set(error, VOUCH_FAILURE_SETUP,
            "cannot read the trust file %s: %s", path, whole_file_fault(err));
        error_next(error, "%s", ask_operator);
        goto out;
    }
    if (parse_trust(t, path, root_key, buf_slice(&bytes), error) != 0)
        goto out;

    *trust = t;
    t = NULL;
    status = 0;

out:
    vouch_trust_free(t);
    buf_free(&bytes);
    return (status);
}

const char *
vouch_trust_root_key(const struct vouch_trust *t)
{
    return (t->root_key);
}

const char *
vouch_trust_origin(const struct vouch_trust *t)
{
    return (trust_content(t->trust)->origin);
}

int64_t
vouch_trust_version(const struct vouch_trust *t)
{
    return (trust_content(t->trust)->version);
}

void
vouch_trust_free(struct vouch_trust *t)
{
    if (t == NULL)
        return;
    trust_free(t->trust);
    free(t);
}

static enum vouch_receipt_state
state_of(enum receipt_state state)
{
    switch (state) {
    case RECEIPT_VERIFIED:
        return (VOUCH_RECEIPT_VERIFIED);
    case RECEIPT_SEAL_BROKEN:
        return (VOUCH_RECEIPT_SEAL_BROKEN);
    case RECEIPT_TRUST_TOO_OLD:
        return (VOUCH_RECEIPT_TRUST_TOO_OLD);
    case RECEIPT_KEY_UNKNOWN:
        return (VOUCH_RECEIPT_KEY_UNKNOWN);
    case RECEIPT_KEY_COMPROMISED:
        return (VOUCH_RECEIPT_KEY_COMPROMISED);
    case RECEIPT_KEY_NOT_VALID:
        return (VOUCH_RECEIPT_KEY_NOT_VALID);
    case RECEIPT_MALFORMED:
    case RECEIPT_STATES:
    default:
        return (VOUCH_RECEIPT_MALFORMED);
    }
}

static void
tell(const struct judgment *j, struct vouch_judgment *out)
{
    memset(out, 0, sizeof(*out));
    out->state = state_of(j->state);
    (void)snprintf(out->reason, sizeof(out->reason), "%s", j->why);
    if (!j->readable)
        return;
    bytes_to_hex((struct slice){j->receipt.id.bytes, MERKLE_HASH}, out->id);
    bytes_to_hex((struct slice){j->receipt.batch->key_id.data,
        ED25519_KEY_ID}, out->key_id);
    out->sealed_at_us = j->receipt.batch->sealed_at_us;
    out->answer_redacted = j->receipt.answer == NULL;
    out->question_redacted = j->receipt.question == NULL;
}

int
vouch_receipt_judge(const uint8_t *bytes, size_t n,
    const struct vouch_trust *trust, int64_t now_us,
    struct vouch_judgment *judgment,
    Vouch__V1__VerifyCredentialResponse **response,
    struct vouch_error *error)
{
    struct judgment j;
    struct arena *arena = NULL;
    enum err err;

    if (response != NULL)
        *response = NULL;
    if ((err = arena_create(JUDGMENT_ARENA_MAX, &arena)) == E_OK &&
        (err = judgment_make((struct slice){bytes, n}, trust->trust, now_us,
            arena, &j)) == E_OK) {
        tell(&j, judgment);
        /* What was verified is canonical: it cannot be read another way. */
        if (response != NULL && j.state == RECEIPT_VERIFIED &&
            (*response = vouch__v1__verify_credential_response__unpack(NULL,
                n, bytes)) == NULL)
            err = E_NOMEM;
    }
    arena_free(arena);
    return (err == E_OK ? 0 : error_memory(error));
}

const char *
vouch_receipt_state_name(enum vouch_receipt_state state)
{
    switch (state) {
    case VOUCH_RECEIPT_VERIFIED:
        return ("VERIFIED");
    case VOUCH_RECEIPT_SEAL_BROKEN:
        return ("SEAL_BROKEN");
    case VOUCH_RECEIPT_TRUST_TOO_OLD:
        return ("TRUST_TOO_OLD");
    case VOUCH_RECEIPT_KEY_UNKNOWN:
        return ("KEY_UNKNOWN");
    case VOUCH_RECEIPT_KEY_COMPROMISED:
        return ("KEY_COMPROMISED");
    case VOUCH_RECEIPT_KEY_NOT_VALID:
        return ("KEY_NOT_VALID");
    case VOUCH_RECEIPT_MALFORMED:
    default:
        return ("MALFORMED");
    }
}
