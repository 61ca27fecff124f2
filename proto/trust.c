#include "proto/trust.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/civil.h"
#include "proto/trust_json.h"

#define VERSION_MAX (((int64_t)1 << 53) - 1)    /* what every JSON can say */
#define US_PER_S 1000000
#define FIRST_S INT64_C(-62135596800)           /* 0001-01-01T00:00:00Z */
#define LAST_S INT64_C(253402300799)            /* 9999-12-31T23:59:59Z */

struct trust {
    struct trust_file file;
};

static const char *const uses[] = {
    [TRUST_SEAL] = "seal",
    [TRUST_CHECKPOINT] = "checkpoint",
};

static const char *const states[] = {
    [TRUST_ACTIVE] = "active",
    [TRUST_RETIRED] = "retired",
    [TRUST_COMPROMISED] = "compromised",
};

const char *
trust_use_name(enum trust_use use)
{
    return ((unsigned)use < TRUST_USES ? uses[use] : NULL);
}

const char *
trust_state_name(enum trust_state state)
{
    return ((unsigned)state < TRUST_STATES ? states[state] : NULL);
}

void
trust_time(int64_t us, char text[TRUST_TIME_MAX + 1])
{
    char whole[CIVIL_TIME_TEXT];

    if (us < FIRST_S * US_PER_S)
        us = FIRST_S * US_PER_S;
    if (us > LAST_S * US_PER_S)
        us = LAST_S * US_PER_S;
    civil_format_time(us, 0, whole);
    memcpy(text, whole, TRUST_TIME_MAX);
    text[TRUST_TIME_MAX] = '\0';
}

enum err
trust_time_read(const char *text, int64_t *us)
{
    char again[TRUST_TIME_MAX + 1];

    if (civil_parse_time(text, us) != E_OK)
        return (E_INVAL);

    /* Of the forms of RFC 3339 only ours: it is what is signed. */
    trust_time(*us, again);
    return (strcmp(text, again) == 0 ? E_OK : E_INVAL);
}

int
trust_is_origin(const char *text)
{
    size_t n = 0;

    for (; n <= TRUST_ORIGIN_MAX && text[n] != '\0'; n++) {
        if (text[n] < ' ' || text[n] > '~' || text[n] == '"' ||
            text[n] == '\\')
            return (0);
    }
    return (n > 0 && n <= TRUST_ORIGIN_MAX);
}

/* Can ${us} be written, and is nothing lost? */
static int
is_time(int64_t us)
{
    return (us % US_PER_S == 0 && us >= FIRST_S * US_PER_S &&
        us <= LAST_S * US_PER_S);
}

static const char *
check_key(const struct trust_key *key, const char **member)
{
    uint8_t id[ED25519_KEY_ID];

    *member = "id";
    ed25519_key_id(key->public_key, id);
    if (memcmp(key->id, id, sizeof(id)) != 0)
        return ("is not the SHA-256 of public_key");
    *member = "use";
    if (trust_use_name(key->use) == NULL)
        return ("is not known");
    *member = "state";
    if (trust_state_name(key->state) == NULL)
        return ("is not known");
    *member = "valid_from";
    if (!is_time(key->from_us))
        return ("is no time of a whole second");
    *member = "valid_until";
    if (!is_time(key->until_us))
        return ("is no time of a whole second");
    if (key->until_us <= key->from_us)
        return ("is not after valid_from");
    *member = "compromised_since";
    if (!is_time(key->compromised_us))
        return ("is no time of a whole second");
    if (key->state != TRUST_COMPROMISED && key->compromised_us != 0)
        return ("is there, but the key is not compromised");
    return (NULL);
}

static int
is_twice(const struct trust_content *content, size_t i)
{
    size_t j;

    for (j = 0; j < i; j++) {
        if (memcmp(content->keys[j].id, content->keys[i].id,
            ED25519_KEY_ID) == 0)
            return (1);
    }
    return (0);
}

static const char *
check_head(const struct trust_content *content, const char **member)
{
    *member = "origin";
    if (!trust_is_origin(content->origin))
        return ("is not 1 to 128 bytes of printable ASCII without \" and \\");
    *member = "version";
    if (content->version < 1 || content->version > VERSION_MAX)
        return ("is not from 1 to 2^53 - 1");
    *member = "issued_at";
    if (!is_time(content->issued_us))
        return ("is no time of a whole second");
    *member = "expires_at";
    if (!is_time(content->expires_us))
        return ("is no time of a whole second");
    if (content->expires_us <= content->issued_us)
        return ("is not after issued_at");
    *member = "keys";
    if (content->nkeys > TRUST_KEYS_MAX)
        return ("are too many");
    return (NULL);
}

enum err
trust_check(const struct trust_content *content, char *why, size_t size)
{
    const char *member, *what;
    size_t i;

    if ((what = check_head(content, &member)) != NULL) {
        (void)snprintf(why, size, "signed.%s %s", member, what);
        return (E_INVAL);
    }
    for (i = 0; i < content->nkeys; i++) {
        what = check_key(&content->keys[i], &member);
        if (what == NULL && is_twice(content, i)) {
            member = "id";
            what = "comes twice";
        }
        if (what != NULL) {
            (void)snprintf(why, size, "signed.keys[%zu].%s %s", i, member,
                what);
            return (E_INVAL);
        }
    }
    return (E_OK);
}

static enum err
check_signature(const struct trust_file *file, char *why, size_t size)
{
    struct buf bytes;
    enum err err;

    buf_init(&bytes, TRUST_BYTES_MAX);
    err = trust_signed_bytes(&file->content, &bytes);
    if (err == E_OK && (err = ed25519_verify(file->root_key,
        buf_slice(&bytes), file->signature)) != E_OK)
        (void)snprintf(why, size,
            "signature is not that of root_key over what is signed");
    else if (err != E_OK)
        (void)snprintf(why, size, "%s", err_text(err));
    buf_free(&bytes);
    return (err);
}

enum err
trust_read(struct slice bytes, struct trust **trust, char *why, size_t size)
{
    struct trust *t = NULL;
    enum err err;

    *trust = NULL;
    err = E_NOMEM;
    if ((t = calloc(1, sizeof(*t))) == NULL) {
        (void)snprintf(why, size, "%s", err_text(err));
        goto out;
    }
    if ((err = trust_json_read(bytes, &t->file, why, size)) != E_OK ||
        (err = trust_check(&t->file.content, why, size)) != E_OK ||
        (err = check_signature(&t->file, why, size)) != E_OK)
        goto out;

    *trust = t;
    t = NULL;

out:
    trust_free(t);
    return (err);
}

const struct trust_content *
trust_content(const struct trust *trust)
{
    return (&trust->file.content);
}

const uint8_t *
trust_root_key(const struct trust *trust)
{
    return (trust->file.root_key);
}

const struct trust_key *
trust_find(const struct trust *trust, enum trust_use use,
    const uint8_t id[ED25519_KEY_ID])
{
    const struct trust_content *content = &trust->file.content;
    size_t i;

    for (i = 0; i < content->nkeys; i++) {
        if (content->keys[i].use == use &&
            memcmp(content->keys[i].id, id, ED25519_KEY_ID) == 0)
            return (&content->keys[i]);
    }
    return (NULL);
}

void
trust_free(struct trust *trust)
{
    free(trust);
}
