#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/utf8.h"

#define FILES_MAX 4

static char folder[256];
static char paths[FILES_MAX][300];      /* to be removed */
static size_t npaths;

_Noreturn void
fuzz_fail(const char *file, int line, const char *promise)
{
    fprintf(stderr, "%s:%d: not kept: %s\n", file, line, promise);
    abort();
}

uint8_t
fuzz_byte(struct slice *in)
{
    struct slice one = fuzz_take(in, 1);

    return (one.n > 0 ? one.p[0] : 0);
}

struct slice
fuzz_take(struct slice *in, size_t n)
{
    struct slice taken = {in->p, n < in->n ? n : in->n};

    in->n -= taken.n;
    if (taken.n > 0)
        in->p += taken.n;
    return (taken);
}

struct slice
fuzz_part(struct slice *in)
{
    const uint8_t *end = in->n > 0 ? memchr(in->p, 0xff, in->n) : NULL;
    struct slice part = fuzz_take(in,
        end != NULL ? (size_t)(end - in->p) : in->n);

    (void)fuzz_take(in, 1);
    return (part);
}

struct slice
fuzz_own(struct slice bytes)
{
    uint8_t *copy = malloc(bytes.n > 0 ? bytes.n : 1);

    FUZZ_CHECK(copy != NULL);
    if (bytes.n > 0)
        memcpy(copy, bytes.p, bytes.n);
    return ((struct slice){copy, bytes.n});
}

void
fuzz_disown(struct slice bytes)
{
    union {
        const uint8_t *in;
        uint8_t *out;
    } u = {.in = bytes.p};

    free(u.out);
}

char *
fuzz_text(struct slice bytes)
{
    char *text = malloc(bytes.n + 1);

    FUZZ_CHECK(text != NULL);
    if (bytes.n > 0)
        memcpy(text, bytes.p, bytes.n);
    text[bytes.n] = '\0';
    return (text);
}

struct fuzz_cuts
fuzz_cuts(struct slice *in)
{
    size_t n = fuzz_byte(in) % 16;

    return ((struct fuzz_cuts){fuzz_take(in, n), 0});
}

struct slice
fuzz_piece(struct fuzz_cuts *cuts, struct slice *rest)
{
    size_t n = rest->n;

    if (cuts->plan.n > 0)
        n = (size_t)cuts->plan.p[cuts->at++ % cuts->plan.n] + 1;
    return (fuzz_take(rest, n));
}

void
fuzz_frames(struct slice in, struct buf *out)
{
    while (in.n > 0) {
        uint8_t head[9] = {0};
        struct slice payload;
        size_t n;

        head[3] = fuzz_byte(&in) % 12;
        head[4] = fuzz_byte(&in);
        head[8] = fuzz_byte(&in);
        n = fuzz_byte(&in);
        n += (size_t)(fuzz_byte(&in) % 16) << 8;
        payload = fuzz_take(&in, n);
        head[1] = (uint8_t)(payload.n >> 8);
        head[2] = (uint8_t)payload.n;
        FUZZ_CHECK(buf_add(out, (struct slice){head, 9}) == E_OK);
        FUZZ_CHECK(buf_add(out, payload) == E_OK);
    }
}

int
fuzz_is_text(const char *text, size_t size)
{
    return (memchr(text, '\0', size) != NULL && utf8_is_text(slice_of(text)));
}

/* ---- files ------------------------------------------------------------- */

static void
clean_up(void)
{
    while (npaths > 0)
        (void)unlink(paths[--npaths]);
    (void)rmdir(folder);
}

const char *
fuzz_file_folder(void)
{
    const char *tmp = getenv("TMPDIR");

    if (folder[0] == '\0') {
        FUZZ_CHECK((size_t)snprintf(folder, sizeof(folder),
            "%s/vouch-fuzz-XXXXXX", tmp != NULL ? tmp : "/tmp") <
            sizeof(folder));
        FUZZ_CHECK(mkdtemp(folder) != NULL);
        FUZZ_CHECK(atexit(clean_up) == 0);
    }
    return (folder);
}

void
fuzz_file_make(const char *name, struct fuzz_file *file)
{
    FUZZ_CHECK(npaths < FILES_MAX);
    FUZZ_CHECK((size_t)snprintf(file->path, sizeof(file->path), "%s/%s",
        fuzz_file_folder(), name) < sizeof(file->path));
    file->fd = open(file->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    FUZZ_CHECK(file->fd >= 0);
    memcpy(paths[npaths++], file->path, sizeof(file->path));
}

void
fuzz_file_put(const struct fuzz_file *file, struct slice bytes)
{
    FUZZ_CHECK(ftruncate(file->fd, 0) == 0);
    if (bytes.n > 0)
        FUZZ_CHECK(pwrite(file->fd, bytes.p, bytes.n, 0) ==
            (ssize_t)bytes.n);
}
