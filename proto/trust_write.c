#include "proto/trust.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 640      /* what is put at a time */
#define BASE64_MAX(n) (((n) + 2) / 3 * 4 + 1)

/* The two forms of what is written of a key. */
struct key_text {
    char id[2 * ED25519_KEY_ID + 1];
    char public_key[BASE64_MAX(ED25519_PUBLIC_KEY)];
    char from[TRUST_TIME_MAX + 1];
    char until[TRUST_TIME_MAX + 1];
    char compromised[TRUST_TIME_MAX + 1];
};

static enum err MUST_USE PRINTF_LIKE(2, 3)
put(struct buf *out, const char *format, ...)
{
    char text[LINE_MAX_BYTES];
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof(text))
        return (E_TOOBIG);
    return (buf_add(out, (struct slice){(const uint8_t *)text, (size_t)n}));
}

static enum err
describe_key(const struct trust_key *key, struct key_text *text)
{
    bytes_to_hex((struct slice){key->id, sizeof(key->id)}, text->id);
    trust_time(key->from_us, text->from);
    trust_time(key->until_us, text->until);
    trust_time(key->compromised_us, text->compromised);
    return (bytes_to_base64((struct slice){key->public_key,
        sizeof(key->public_key)}, text->public_key, sizeof(text->public_key),
        1));
}

static enum err
sign_key(const struct trust_key *key, int first, struct buf *out)
{
    struct key_text text;
    enum err err;

    if ((err = describe_key(key, &text)) != E_OK ||
        (err = put(out, "%s{\"algorithm\":\"ed25519\"", first ? "" : ",")) !=
            E_OK)
        return (err);
    if (key->state == TRUST_COMPROMISED && (err = put(out,
        ",\"compromised_since\":\"%s\"", text.compromised)) != E_OK)
        return (err);
    return (put(out, ",\"id\":\"%s\",\"public_key\":\"%s\",\"state\":\"%s\","
        "\"use\":\"%s\",\"valid_from\":\"%s\",\"valid_until\":\"%s\"}",
        text.id, text.public_key, trust_state_name(key->state),
        trust_use_name(key->use), text.from, text.until));
}

static enum err
sign_all(const struct trust_content *content, struct buf *out)
{
    char issued[TRUST_TIME_MAX + 1], expires[TRUST_TIME_MAX + 1];
    enum err err;
    size_t i;

    trust_time(content->issued_us, issued);
    trust_time(content->expires_us, expires);
    if ((err = buf_add(out, (struct slice){(const uint8_t *)TRUST_DOMAIN,
        sizeof(TRUST_DOMAIN)})) != E_OK ||      /* and its NUL */
        (err = put(out, "{\"expires_at\":\"%s\",\"issued_at\":\"%s\","
            "\"keys\":[", expires, issued)) != E_OK)
        return (err);
    for (i = 0; i < content->nkeys; i++) {
        if ((err = sign_key(&content->keys[i], i == 0, out)) != E_OK)
            return (err);
    }
    return (put(out, "],\"origin\":\"%s\",\"type\":\"" TRUST_DOMAIN "\","
        "\"version\":%" PRId64 "}", content->origin, content->version));
}

enum err
trust_signed_bytes(const struct trust_content *content, struct buf *out)
{
    const size_t before = out->n;
    enum err err;

    if ((err = trust_check(content, NULL, 0)) != E_OK)
        return (err);
    if ((err = sign_all(content, out)) != E_OK)
        out->n = before;
    return (err);
}

static enum err
write_key(const struct trust_key *key, int first, struct buf *out)
{
    struct key_text text;
    enum err err;

    if ((err = describe_key(key, &text)) != E_OK ||
        (err = put(out, "%s\n"
            "      {\n"
            "        \"id\": \"%s\",\n"
            "        \"use\": \"%s\",\n"
            "        \"algorithm\": \"ed25519\",\n"
            "        \"public_key\": \"%s\",\n"
            "        \"valid_from\": \"%s\",\n"
            "        \"valid_until\": \"%s\",\n"
            "        \"state\": \"%s\"", first ? "" : ",", text.id,
            trust_use_name(key->use), text.public_key, text.from, text.until,
            trust_state_name(key->state))) != E_OK)
        return (err);
    if (key->state == TRUST_COMPROMISED && (err = put(out, ",\n"
        "        \"compromised_since\": \"%s\"", text.compromised)) != E_OK)
        return (err);
    return (put(out, "\n      }"));
}

static enum err
write_head(const struct trust_content *content,
    const uint8_t root_key[ED25519_PUBLIC_KEY],
    const uint8_t signature[ED25519_SIGNATURE], struct buf *out)
{
    char root[BASE64_MAX(ED25519_PUBLIC_KEY)];
    char sign[BASE64_MAX(ED25519_SIGNATURE)];
    char issued[TRUST_TIME_MAX + 1], expires[TRUST_TIME_MAX + 1];
    enum err err;

    trust_time(content->issued_us, issued);
    trust_time(content->expires_us, expires);
    if ((err = bytes_to_base64((struct slice){root_key, ED25519_PUBLIC_KEY},
        root, sizeof(root), 1)) != E_OK ||
        (err = bytes_to_base64((struct slice){signature, ED25519_SIGNATURE},
            sign, sizeof(sign), 1)) != E_OK)
        return (err);
    return (put(out, "{\n"
        "  \"root_key\": \"%s\",\n"
        "  \"signature\": \"%s\",\n"
        "  \"signed\": {\n"
        "    \"type\": \"" TRUST_DOMAIN "\",\n"
        "    \"origin\": \"%s\",\n"
        "    \"version\": %" PRId64 ",\n"
        "    \"issued_at\": \"%s\",\n"
        "    \"expires_at\": \"%s\",\n"
        "    \"keys\": [", root, sign, content->origin, content->version,
        issued, expires));
}

static enum err
write_all(const struct trust_content *content,
    const uint8_t root_key[ED25519_PUBLIC_KEY],
    const uint8_t signature[ED25519_SIGNATURE], struct buf *out)
{
    enum err err;
    size_t i;

    if ((err = write_head(content, root_key, signature, out)) != E_OK)
        return (err);
    for (i = 0; i < content->nkeys; i++) {
        if ((err = write_key(&content->keys[i], i == 0, out)) != E_OK)
            return (err);
    }
    return (put(out, "%s]\n  }\n}\n", i > 0 ? "\n    " : ""));
}

enum err
trust_write(const struct trust_content *content,
    const uint8_t root_key[ED25519_PUBLIC_KEY],
    const uint8_t signature[ED25519_SIGNATURE], struct buf *out)
{
    const size_t before = out->n;
    enum err err;

    if ((err = trust_check(content, NULL, 0)) != E_OK)
        return (err);
    if ((err = write_all(content, root_key, signature, out)) != E_OK)
        out->n = before;
    return (err);
}
