#include "client/encoding.h"

#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_CONVERTER ((iconv_t)-1)
#define CHARACTER_MAX 8     /* bytes, in any of the encodings */

const char *const encoding_names[] = {"utf-8", "us-ascii", "windows-1252",
    "windows-1250", "iso-8859-1", "iso-8859-2", "iso-8859-15", "macintosh",
    "cp437", "cp850", "utf-16le", "utf-16be"};
const size_t encoding_count = sizeof(encoding_names) /
    sizeof(encoding_names[0]);

struct encoding {
    const char *name;           /* borrowed */
    encoding_fn *fn;
    void *cookie;
    iconv_t converter;          /* owned; NO_CONVERTER: UTF-8 as it is */
    char part[CHARACTER_MAX];   /* the beginning of a character */
    size_t nparts;
    long line;                  /* of what comes next */
    int begun;
};

enum err
encoding_create(const char *name, encoding_fn *fn, void *cookie,
    struct encoding **encoding)
{
    struct encoding *e;

    *encoding = NULL;
    if ((e = calloc(1, sizeof(*e))) == NULL)
        return (E_NOMEM);
    e->name = name;
    e->fn = fn;
    e->cookie = cookie;
    e->line = 1;
    e->converter = NO_CONVERTER;
    if (strcmp(name, "utf-8") != 0 &&
        (e->converter = iconv_open("UTF-8", name)) == NO_CONVERTER) {
        free(e);
        return (errno == ENOMEM ? E_NOMEM : E_NOTFOUND);
    }
    *encoding = e;
    return (E_OK);
}

static enum err
refuse(const struct encoding *e, const char *what,
    struct encoding_fault *fault)
{
    fault->line = e->line;
    (void)snprintf(fault->what, sizeof(fault->what), "%s", what);
    return (E_INVAL);
}

/* A mark at the very beginning that speaks of another encoding. */
static enum err
check_mark(struct encoding *e, struct slice bytes,
    struct encoding_fault *fault)
{
    const char *mark = NULL;

    if (e->begun || bytes.n < 3)
        return (E_OK);
    e->begun = 1;
    if (memcmp(bytes.p, "\xef\xbb\xbf", 3) == 0)
        mark = "utf-8";
    else if (memcmp(bytes.p, "\xff\xfe", 2) == 0)
        mark = "utf-16le";
    else if (memcmp(bytes.p, "\xfe\xff", 2) == 0)
        mark = "utf-16be";
    if (mark == NULL || strcmp(mark, e->name) == 0)
        return (E_OK);
    (void)snprintf(fault->what, sizeof(fault->what), "it begins with the "
        "mark of %s, but the mapping says that it is %s", mark, e->name);
    fault->line = 1;
    return (E_INVAL);
}

static enum err
hand_on(struct encoding *e, const char *utf8, size_t n)
{
    const char *p = utf8, *end = utf8 + n;

    while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        e->line++;
        p++;
    }
    return (n == 0 ? E_OK : e->fn(e->cookie,
        (struct slice){(const uint8_t *)utf8, n}));
}

/*
 * Convert as much as there are whole characters of ${*n} bytes at ${*in}.
 * What is converted is handed on in any case, so that the line is known.
 */
static enum err
convert(struct encoding *e, char **in, size_t *n,
    struct encoding_fault *fault)
{
    char out[4096], what[160];
    enum err err;

    while (*n > 0) {
        char *to = out;
        size_t room = sizeof(out);
        int failed = iconv(e->converter, in, n, &to, &room) == (size_t)-1;
        int why = errno;

        if ((err = hand_on(e, out, sizeof(out) - room)) != E_OK)
            return (err);
        if (failed && why == EINVAL)        /* a character goes on */
            return (E_OK);
        if (failed && why != E2BIG) {
            (void)snprintf(what, sizeof(what), "the byte 0x%02x is not of "
                "the encoding %s", (unsigned)(uint8_t)**in, e->name);
            return (refuse(e, what, fault));
        }
    }
    return (E_OK);
}

/* Complete the character that has begun, if ${*bytes} are enough for it. */
static enum err
complete(struct encoding *e, struct slice *bytes,
    struct encoding_fault *fault)
{
    enum err err = E_OK;

    while (err == E_OK && e->nparts > 0 && bytes->n > 0) {
        char *in = e->part;
        size_t n;

        if (e->nparts == CHARACTER_MAX)
            return (refuse(e, "a character that never ends", fault));
        e->part[e->nparts++] = (char)bytes->p[0];
        bytes->p++;
        bytes->n--;
        n = e->nparts;
        err = convert(e, &in, &n, fault);
        memmove(e->part, in, n);
        e->nparts = n;
    }
    return (err);
}

enum err
encoding_feed(struct encoding *e, struct slice bytes,
    struct encoding_fault *fault)
{
    char piece[4096], *in;
    enum err err;
    size_t n;

    *fault = (struct encoding_fault){0};
    if ((err = check_mark(e, bytes, fault)) != E_OK)
        return (err);
    if (e->converter == NO_CONVERTER)
        return (bytes.n > 0 ? e->fn(e->cookie, bytes) : E_OK);
    if ((err = complete(e, &bytes, fault)) != E_OK)
        return (err);
    while (bytes.n > 0) {               /* iconv() wants bytes to write to */
        n = bytes.n < sizeof(piece) ? bytes.n : sizeof(piece);
        memcpy(piece, bytes.p, n);
        bytes.p += n;
        bytes.n -= n;
        in = piece;
        if ((err = convert(e, &in, &n, fault)) != E_OK)
            return (err);
        if (n > sizeof(e->part))        /* less than a character, surely */
            return (refuse(e, "a character that never ends", fault));
        memcpy(e->part, in, n);
        e->nparts = n;
        if ((err = complete(e, &bytes, fault)) != E_OK)
            return (err);
    }
    return (E_OK);
}

enum err
encoding_end(struct encoding *e, struct encoding_fault *fault)
{
    *fault = (struct encoding_fault){0};
    return (e->nparts > 0 ?
        refuse(e, "it ends within a character", fault) : E_OK);
}

void
encoding_free(struct encoding *e)
{
    if (e == NULL)
        return;
    if (e->converter != NO_CONVERTER)
        (void)iconv_close(e->converter);
    free(e);
}
