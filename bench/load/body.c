#include "bench/load/body.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/load/fatal.h"
#include "bench/records/record.h"

enum { PREFIX = 5, ID = 36 };

/* Of a file of messages, all together. */
enum { FILE_MOST = 1 << 30 };

struct body_source {
    uint64_t random;
    uint32_t records;
    uint8_t *file;          /* owned; NULL: claims */
    size_t n, at;
};

/* ---- claims ------------------------------------------------------------ */

/* Every text is shorter than 128 bytes, so that a length is one byte. */
static uint8_t *
put_text(uint8_t *at, unsigned field, const char *text)
{
    size_t n = strlen(text);

    *at++ = (uint8_t)(field << 3 | 2);
    *at++ = (uint8_t)n;
    memcpy(at, text, n);
    return (at + n);
}

/* A UUID of version 4. */
static uint8_t *
put_id(uint8_t *at, unsigned field, uint64_t *random)
{
    static const char hex[] = "0123456789abcdef";
    static const char form[] = "xxxxxxxx-xxxx-4xxx-axxx-xxxxxxxxxxxx";
    uint64_t bits = 0;
    char id[ID + 1];

    for (unsigned i = 0, used = 0; i <= ID; i++) {
        if (form[i] != 'x') {
            id[i] = form[i];
            continue;
        }
        if (used++ % 16 == 0)
            bits = record_random(random);
        id[i] = hex[bits & 15];
        bits >>= 4;
    }
    return (put_text(at, field, id));
}

/* The length of a message that begins at ${begin}, now that it is known. */
static void
put_length(uint8_t *begin, const uint8_t *end)
{
    begin[-1] = (uint8_t)(end - begin);
}

static uint8_t *
put_claim(uint8_t *at, const struct record *r)
{
    uint8_t *name;

    at = put_text(at, 1, RECORD_ASSOCIATION);
    at = put_text(at, 2, r->type);
    at = put_text(at, 3, r->number);
    *at++ = 4 << 3 | 2;
    name = ++at;
    at = put_text(at, 1, r->family);
    at = put_text(at, 2, r->given);
    put_length(name, at);
    *at++ = 5 << 3 | 2;
    *at++ = 3;
    *at++ = 1 << 3;
    *at++ = (uint8_t)(r->birth_year & 127) | 128;
    *at++ = (uint8_t)(r->birth_year >> 7);
    return (at);
}

/* Claims stay below 128 bytes (the longest texts are those of record.c). */
static void
make_claim(struct body_source *source, struct body *body)
{
    uint64_t random = record_random(&source->random);
    uint8_t *at = body->claim + PREFIX, *claim;
    struct record r;

    record_make((uint32_t)((random >> 32) * source->records >> 32), &r);
    body->verdict = random % 10 == 0 ? BODY_NO_MATCH : BODY_CONFIRMED;
    if (body->verdict == BODY_NO_MATCH && random % 20 == 0)
        record_spoil_number(&r);
    else if (body->verdict == BODY_NO_MATCH)
        record_spoil_person(&r);

    at = put_id(at, 1, &source->random);
    *at++ = 2 << 3 | 2;
    claim = ++at;
    at = put_claim(at, &r);
    put_length(claim, at);
    body->n = (size_t)(at - body->claim);
    memset(body->claim, 0, PREFIX - 1);
    body->claim[PREFIX - 1] = (uint8_t)(body->n - PREFIX);
    body->p = body->claim;
}

/* ---- a file ------------------------------------------------------------ */

static size_t
message_size(const uint8_t *p)
{
    return (PREFIX + ((size_t)p[1] << 24 | (size_t)p[2] << 16 |
        (size_t)p[3] << 8 | p[4]));
}

static void
read_file(struct body_source *source, const char *path)
{
    FILE *f = fopen(path, "re");
    size_t size = 0;

    if (f == NULL)
        fatal("cannot open %s", path);
    do {
        size = size * 2 + 65536;
        if (size > FILE_MOST ||
            (source->file = realloc(source->file, size)) == NULL)
            fatal("%s is too long", path);
        source->n += fread(source->file + source->n, 1, size - source->n, f);
    } while (source->n == size);
    if (ferror(f) || source->n == 0)
        fatal("cannot read %s, or it is empty", path);
    (void)fclose(f);
    for (size_t at = 0; at < source->n;
        at += message_size(source->file + at))
        if (source->n - at < PREFIX ||
            source->n - at < message_size(source->file + at))
            fatal("%s does not end with a whole message", path);
}

/* ------------------------------------------------------------------------ */

struct body_source *
body_open(const char *file, uint32_t records, uint64_t seed)
{
    struct body_source *source = fatal_alloc(1, sizeof(*source));

    source->random = seed;
    source->records = records;
    if (file != NULL)
        read_file(source, file);
    return (source);
}

void
body_next(struct body_source *source, struct body *body)
{
    if (source->file == NULL) {
        make_claim(source, body);
        return;
    }
    body->p = source->file + source->at;
    body->n = message_size(body->p);
    body->verdict = BODY_ANY;
    source->at += body->n;
    if (source->at == source->n)
        source->at = 0;
}

int
body_verdict_of(const uint8_t *bytes, size_t n)
{
    size_t at = PREFIX + 1;

    if (n <= at || bytes[PREFIX] != (1 << 3 | 2))
        return (0);
    while (at < n && (bytes[at] & 128) != 0)
        at++;
    at++;
    return (at + 1 < n && bytes[at] == 1 << 3 ? bytes[at + 1] : 0);
}

void
body_close(struct body_source *source)
{
    if (source == NULL)
        return;
    free(source->file);
    free(source);
}
