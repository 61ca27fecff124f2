#include "proto/trust_json.h"

#include <stdio.h>
#include <string.h>

#define TEXT_MAX TRUST_ORIGIN_MAX       /* the longest there is */
#define PATH_MAX_BYTES (TEXT_MAX + 40)
#define NUMBER_MAX (((int64_t)1 << 53) - 1)
#define BASE64_MAX(n) (((n) + 2) / 3 * 4 + 1)

struct reader {
    const uint8_t *p, *end;
    unsigned line;
    char path[PATH_MAX_BYTES];          /* of the member being read */
    size_t npath;
    char *why;
    size_t size;
};

struct member {
    const char *name;
    enum err (*take)(struct reader *r, const struct member *member, void *at);
    size_t offset;                      /* in what the object becomes */
    size_t size;                        /* of bytes that are written */
    int optional;
};

static enum err
refuse(const struct reader *r, const char *what)
{
    (void)snprintf(r->why, r->size, "line %u: %s %s", r->line,
        r->npath > 0 ? r->path : "the file", what);
    return (E_INVAL);
}

/* Go on to a member or element; leave() goes back to where ${before} was. */
static size_t
enter(struct reader *r, const char *name)
{
    const size_t before = r->npath, room = sizeof(r->path) - before;
    int n = snprintf(r->path + before, room, "%s%s",
        before > 0 && name[0] != '[' ? "." : "", name);

    r->npath += (size_t)n < room ? (size_t)n : room - 1;
    return (before);
}

static void
leave(struct reader *r, size_t before)
{
    r->path[before] = '\0';
    r->npath = before;
}

static void
skip_blanks(struct reader *r)
{
    for (; r->p < r->end; r->p++) {
        if (*r->p == '\n')
            r->line++;
        else if (*r->p != ' ' && *r->p != '\t' && *r->p != '\r')
            return;
    }
}

static int
take(struct reader *r, char c)
{
    skip_blanks(r);
    if (r->p == r->end || *r->p != (uint8_t)c)
        return (0);
    r->p++;
    return (1);
}

/* A character of a text, or -1 for an escape of what is none of ours. */
static int
take_char(struct reader *r)
{
    uint8_t code[2];
    int c = *r->p++;

    if (c != '\\')
        return (c == '"' ? -1 : c);
    if (r->p == r->end)
        return (-1);
    c = *r->p++;
    if (c == '/')
        return (c);
    if (c != 'u' || r->end - r->p < 4 ||
        bytes_from_digits(r->p, code, sizeof(code)) != E_OK)
        return (-1);
    r->p += 4;
    return (code[0] == 0 && code[1] != '"' && code[1] != '\\' ? code[1] : -1);
}

static enum err
take_text(struct reader *r, char text[TEXT_MAX + 1])
{
    size_t n = 0;
    int c;

    if (!take(r, '"'))
        return (refuse(r, "is no text in quotes"));
    while (r->p < r->end && *r->p != '"') {
        if ((c = take_char(r)) < ' ' || c > '~')
            return (refuse(r, "is not printable ASCII without \" and \\"));
        if (n == TEXT_MAX)
            return (refuse(r, "is too long"));
        text[n++] = (char)c;
    }
    if (r->p == r->end)
        return (refuse(r, "has no quote at its end"));
    r->p++;
    text[n] = '\0';
    return (E_OK);
}

static enum err
take_origin(struct reader *r, const struct member *member, void *at)
{
    (void)member;
    return (take_text(r, at));
}

/* A text that can be but one. */
static enum err
take_constant(struct reader *r, const char *constant)
{
    char text[TEXT_MAX + 1];
    enum err err;

    if ((err = take_text(r, text)) != E_OK)
        return (err);
    return (strcmp(text, constant) == 0 ? E_OK : refuse(r, "is not known"));
}

static enum err
take_type(struct reader *r, const struct member *member, void *at)
{
    (void)member, (void)at;
    return (take_constant(r, TRUST_DOMAIN));
}

static enum err
take_algorithm(struct reader *r, const struct member *member, void *at)
{
    (void)member, (void)at;
    return (take_constant(r, "ed25519"));
}

static enum err
take_use(struct reader *r, const struct member *member, void *at)
{
    char text[TEXT_MAX + 1];
    enum trust_use use;
    enum err err;

    (void)member;
    if ((err = take_text(r, text)) != E_OK)
        return (err);
    for (use = 0; use < TRUST_USES; use++) {
        if (strcmp(text, trust_use_name(use)) == 0) {
            memcpy(at, &use, sizeof(use));
            return (E_OK);
        }
    }
    return (refuse(r, "is not known"));
}

static enum err
take_state(struct reader *r, const struct member *member, void *at)
{
    char text[TEXT_MAX + 1];
    enum trust_state state;
    enum err err;

    (void)member;
    if ((err = take_text(r, text)) != E_OK)
        return (err);
    for (state = 0; state < TRUST_STATES; state++) {
        if (strcmp(text, trust_state_name(state)) == 0) {
            memcpy(at, &state, sizeof(state));
            return (E_OK);
        }
    }
    return (refuse(r, "is not known"));
}

static enum err
take_time(struct reader *r, const struct member *member, void *at)
{
    char text[TEXT_MAX + 1];
    enum err err;

    (void)member;
    if ((err = take_text(r, text)) != E_OK)
        return (err);
    return (trust_time_read(text, at) == E_OK ? E_OK :
        refuse(r, "is no time such as 2026-11-22T23:00:00Z"));
}

static enum err
take_number(struct reader *r, const struct member *member, void *at)
{
    int64_t value = 0;

    (void)member;
    skip_blanks(r);
    for (; r->p < r->end && *r->p >= '0' && *r->p <= '9'; r->p++) {
        /* No digit behind a leading 0, nor beyond what fits. */
        if ((value = 10 * value + (*r->p - '0')) < 1 || value > NUMBER_MAX)
            break;
    }
    if (value < 1 || value > NUMBER_MAX)
        return (refuse(r, "is no integer from 1 to 2^53 - 1"));
    memcpy(at, &value, sizeof(value));
    return (E_OK);
}

/* Lower case and whole: what is signed is written that way. */
static enum err
take_hex(struct reader *r, const struct member *member, void *at)
{
    char text[TEXT_MAX + 1], again[TEXT_MAX + 1];
    enum err err;

    if ((err = take_text(r, text)) != E_OK)
        return (err);
    if (bytes_from_hex(text, at, member->size) == E_OK) {
        bytes_to_hex((struct slice){at, member->size}, again);
        if (strcmp(text, again) == 0)
            return (E_OK);
    }
    return (refuse(r, "is not 64 digits of lower-case hexadecimal"));
}

/* Padded, and not base64url, for the same reason. */
static enum err
take_base64(struct reader *r, const struct member *member, void *at)
{
    char text[TEXT_MAX + 1], again[BASE64_MAX(ED25519_SIGNATURE)];
    size_t n;
    enum err err;

    if ((err = take_text(r, text)) != E_OK)
        return (err);
    if (bytes_from_base64(slice_of(text), at, member->size, &n) == E_OK &&
        n == member->size && bytes_to_base64((struct slice){at, n}, again,
        sizeof(again), 1) == E_OK && strcmp(text, again) == 0)
        return (E_OK);
    (void)snprintf(again, sizeof(again), "is not the base64 of %zu bytes",
        member->size);
    return (refuse(r, again));
}

/* One member of an object; ${seen} has a bit of each. */
static enum err
take_member(struct reader *r, const struct member *members, size_t n,
    void *into, unsigned *seen)
{
    char name[TEXT_MAX + 1];
    size_t i, before;
    enum err err;

    skip_blanks(r);
    if (r->p == r->end || *r->p != '"')
        return (refuse(r, "goes on with no name of a member"));
    if ((err = take_text(r, name)) != E_OK)
        return (err);
    for (i = 0; i < n && strcmp(name, members[i].name) != 0;)
        i++;
    before = enter(r, name);
    if (i == n)
        return (refuse(r, "is not known"));
    if ((*seen & 1U << i) != 0)
        return (refuse(r, "comes twice"));
    *seen |= 1U << i;
    if (!take(r, ':'))
        return (refuse(r, "is not followed by a colon"));
    if ((err = members[i].take(r, &members[i],
        (char *)into + members[i].offset)) != E_OK)
        return (err);
    leave(r, before);
    return (E_OK);
}

static enum err
take_object(struct reader *r, const struct member *members, size_t n,
    void *into, unsigned *seen)
{
    enum err err;
    size_t i;

    *seen = 0;
    if (!take(r, '{'))
        return (refuse(r, "is no object in braces"));
    if (!take(r, '}')) {
        do {
            if ((err = take_member(r, members, n, into, seen)) != E_OK)
                return (err);
        } while (take(r, ','));
        if (!take(r, '}'))
            return (refuse(r, "goes on with neither comma nor brace"));
    }
    for (i = 0; i < n; i++) {
        if (!members[i].optional && (*seen & 1U << i) == 0) {
            (void)enter(r, members[i].name);
            return (refuse(r, "is missing"));
        }
    }
    return (E_OK);
}

enum { COMPROMISED_SINCE = 7, KEY_MEMBERS };

static const struct member key_members[KEY_MEMBERS] = {
    {"id", take_hex, offsetof(struct trust_key, id), ED25519_KEY_ID, 0},
    {"use", take_use, offsetof(struct trust_key, use), 0, 0},
    {"algorithm", take_algorithm, 0, 0, 0},
    {"public_key", take_base64, offsetof(struct trust_key, public_key),
        ED25519_PUBLIC_KEY, 0},
    {"valid_from", take_time, offsetof(struct trust_key, from_us), 0, 0},
    {"valid_until", take_time, offsetof(struct trust_key, until_us), 0, 0},
    {"state", take_state, offsetof(struct trust_key, state), 0, 0},
    [COMPROMISED_SINCE] = {"compromised_since", take_time,
        offsetof(struct trust_key, compromised_us), 0, 1},
};

static enum err
take_key(struct reader *r, struct trust_key *key)
{
    unsigned seen;
    enum err err;

    if ((err = take_object(r, key_members, KEY_MEMBERS, key, &seen)) != E_OK)
        return (err);
    if ((key->state == TRUST_COMPROMISED) ==
        ((seen & 1U << COMPROMISED_SINCE) != 0))
        return (E_OK);
    (void)enter(r, key_members[COMPROMISED_SINCE].name);
    return (refuse(r, key->state == TRUST_COMPROMISED ? "is missing" :
        "is there, but the key is not compromised"));
}

static enum err
take_keys(struct reader *r, const struct member *member, void *at)
{
    struct trust_content *content = at;
    char index[32];
    size_t before;
    enum err err;

    (void)member;
    if (!take(r, '['))
        return (refuse(r, "is no array in brackets"));
    if (take(r, ']'))
        return (E_OK);
    do {
        if (content->nkeys == TRUST_KEYS_MAX) {
            (void)refuse(r, "are too many");
            return (E_TOOBIG);
        }
        (void)snprintf(index, sizeof(index), "[%zu]", content->nkeys);
        before = enter(r, index);
        if ((err = take_key(r, &content->keys[content->nkeys])) != E_OK)
            return (err);
        leave(r, before);
        content->nkeys++;
    } while (take(r, ','));
    return (take(r, ']') ? E_OK :
        refuse(r, "goes on with neither comma nor bracket"));
}

static const struct member content_members[] = {
    {"type", take_type, 0, 0, 0},
    {"origin", take_origin, offsetof(struct trust_content, origin), 0, 0},
    {"version", take_number, offsetof(struct trust_content, version), 0, 0},
    {"issued_at", take_time, offsetof(struct trust_content, issued_us), 0, 0},
    {"expires_at", take_time, offsetof(struct trust_content, expires_us), 0,
        0},
    {"keys", take_keys, 0, 0, 0},
};

static enum err
take_content(struct reader *r, const struct member *member, void *at)
{
    unsigned seen;

    (void)member;
    return (take_object(r, content_members,
        sizeof(content_members) / sizeof(content_members[0]), at, &seen));
}

static const struct member file_members[] = {
    {"root_key", take_base64, offsetof(struct trust_file, root_key),
        ED25519_PUBLIC_KEY, 0},
    {"signature", take_base64, offsetof(struct trust_file, signature),
        ED25519_SIGNATURE, 0},
    {"signed", take_content, offsetof(struct trust_file, content), 0, 0},
};

enum err
trust_json_read(struct slice bytes, struct trust_file *file, char *why,
    size_t size)
{
    struct reader r = {.line = 1, .why = why, .size = size};
    unsigned seen;
    enum err err;

    memset(file, 0, sizeof(*file));
    if (bytes.n > TRUST_BYTES_MAX) {
        (void)snprintf(why, size, "the file has more than %zu bytes",
            TRUST_BYTES_MAX);
        return (E_TOOBIG);
    }
    if (bytes.n == 0)
        return (refuse(&r, "is empty"));
    r.p = bytes.p;
    r.end = bytes.p + bytes.n;
    if ((err = take_object(&r, file_members,
        sizeof(file_members) / sizeof(file_members[0]), file, &seen)) != E_OK)
        return (err);
    skip_blanks(&r);
    return (r.p == r.end ? E_OK :
        refuse(&r, "goes on behind its closing brace"));
}
