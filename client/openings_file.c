#include "client/openings_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/text.h"

/* What may follow the last whole line, and that line. */
#define TAIL_MAX (2 * (size_t)OPENING_LINE_MAX)

struct openings_file {
    FILE *f;                    /* owned */
    int fd;                     /* owned until ${f} is there */
    int regular;
    int64_t size;               /* when it was opened */
    int64_t mended;
    struct buf line;
};

/* ---- what was left at the end ------------------------------------------ */

static int
read_tail(struct openings_file *o, uint8_t *tail, size_t n, off_t from)
{
    while (n > 0) {
        ssize_t got = pread(o->fd, tail, n, from);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return (-1);
        tail += got;
        from += got;
        n -= (size_t)got;
    }
    return (0);
}

/* Where the last line of ${text} begins, its line feed left aside. */
static size_t
last_line(const uint8_t *text, size_t n)
{
    while (n > 0 && text[n - 1] != '\n')
        n--;
    return (n);
}

/*
 * How much of the end of ${tail} is half a line, and whether only its line feed
 * is missing; SIZE_MAX: it is no file of ours.  After a power failure there may
 * be zeros where a line was to be.
 */
static size_t
half_of(const uint8_t *tail, size_t n, int *unended)
{
    size_t whole = last_line(tail, n), half = n, begin;
    enum opening_line is;
    int64_t index;

    while (half > whole && tail[half - 1] == '\0')
        half--;
    is = opening_line_scan((struct slice){tail + whole, half - whole},
        &index);
    if (is == OPENING_LINE_NONE)
        return (SIZE_MAX);
    *unended = is == OPENING_LINE_WHOLE;
    if (whole > 0) {
        begin = last_line(tail, whole - 1);
        if (opening_line_scan((struct slice){tail + begin, whole - 1 - begin},
            &index) != OPENING_LINE_WHOLE)
            return (SIZE_MAX);
    }
    return (*unended ? n - half : n - whole);
}

static int
mend(struct openings_file *o, char *why, size_t size)
{
    size_t n = o->size < (int64_t)TAIL_MAX ? (size_t)o->size : TAIL_MAX;
    uint8_t *tail = malloc(n + 1);
    int unended = 0, status = -1;
    size_t half;

    if (tail == NULL ||
        read_tail(o, tail, n, (off_t)(o->size - (int64_t)n)) != 0) {
        (void)snprintf(why, size, "%s", strerror(errno));
        goto out;
    }
    if ((half = half_of(tail, n, &unended)) == SIZE_MAX) {
        (void)snprintf(why, size, "its end is not that of a file of openings");
        goto out;
    }
    if ((half > 0 && ftruncate(o->fd,
        (off_t)(o->size - (int64_t)half)) != 0) ||
        (unended && write(o->fd, "\n", 1) != 1)) {
        (void)snprintf(why, size, "%s", strerror(errno));
        goto out;
    }
    o->mended = (int64_t)half;
    status = 0;

out:
    free(tail);
    return (status);
}

/* ---- opening ----------------------------------------------------------- */

/* A name that was made is on disk when its folder is. */
static int
sync_folder(const char *path)
{
    char *copy = text_copy(path);
    int fd = -1, status = -1;

    if (copy != NULL)
        fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        status = fsync(fd);
    if (fd >= 0)
        (void)close(fd);
    free(copy);
    return (status);
}

static int
open_it(struct openings_file *o, const char *path)
{
    struct stat st;

    o->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY,
        0600);
    if (o->fd < 0 || fstat(o->fd, &st) != 0)
        return (-1);
    o->regular = S_ISREG(st.st_mode);
    if (!o->regular)
        return (0);
    if (flock(o->fd, LOCK_EX | LOCK_NB) != 0)
        return (-1);
    if ((st.st_mode & 077) != 0 && fchmod(o->fd, 0600) != 0)
        return (-1);
    /* Nobody else has written since: only now is the size what it stays. */
    if (fstat(o->fd, &st) != 0 || sync_folder(path) != 0)
        return (-1);
    o->size = (int64_t)st.st_size;
    return (0);
}

int
openings_file_open(const char *path, struct openings_file **file, char *why,
    size_t size)
{
    struct openings_file *o = calloc(1, sizeof(*o));
    int status = -1;

    *file = NULL;
    if (o == NULL) {
        (void)snprintf(why, size, "%s", strerror(ENOMEM));
        return (-1);
    }
    buf_init(&o->line, OPENING_LINE_MAX);
    if (open_it(o, path) != 0) {
        (void)snprintf(why, size, "%s", errno == EWOULDBLOCK ?
            "another vouch is at work on it" : strerror(errno));
        goto out;
    }
    if (o->size > 0 && mend(o, why, size) != 0)
        goto out;
    if ((o->f = fdopen(o->fd, "a")) == NULL) {
        (void)snprintf(why, size, "%s", strerror(errno));
        goto out;
    }

    *file = o;
    o = NULL;
    status = 0;

out:
    if (o != NULL && o->fd >= 0)
        (void)close(o->fd);
    free(o);
    return (status);
}

int64_t
openings_file_mended(const struct openings_file *o)
{
    return (o->mended);
}

/* ---- adding ------------------------------------------------------------ */

enum err
openings_file_add(struct openings_file *o, const struct opening *opening)
{
    enum err err;

    if ((err = opening_line_put(opening, &o->line)) != E_OK)
        return (err);
    (void)fwrite(o->line.p, 1, o->line.n, o->f);
    (void)fputc('\n', o->f);
    return (E_OK);
}

int
openings_file_close(struct openings_file *o)
{
    int error = 0;

    if (o == NULL)
        return (0);
    errno = EIO;
    if (fflush(o->f) != 0 || ferror(o->f) ||
        (o->regular && fsync(fileno(o->f)) != 0))
        error = errno;
    if (fclose(o->f) != 0 && error == 0)
        error = errno;
    buf_free(&o->line);
    free(o);
    errno = error;
    return (error == 0 ? 0 : -1);
}
