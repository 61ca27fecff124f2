#include "client/trust_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/clock.h"
#include "client/new_file.h"
#include "client/whole_file.h"
#include "proto/bytes.h"

#define PATH_SIZE 4096
#define MEMORY_MAX ((size_t)1024 * 1024)
#define HEX (2 * ED25519_KEY_ID)
#define LOCK_US INT64_C(3000000)
#define LOCK_STEP_US INT64_C(20000)

/* ---- where ------------------------------------------------------------- */

/* Returns 0, or -1. */
static int
path_of(const char *name, char path[PATH_SIZE])
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int n;

    if (state != NULL && state[0] == '/')
        n = snprintf(path, PATH_SIZE, "%s/vouch%s", state, name);
    else if (home != NULL && home[0] == '/')
        n = snprintf(path, PATH_SIZE, "%s/.local/state/vouch%s", home, name);
    else
        return (-1);
    return (n > 0 && n < PATH_SIZE ? 0 : -1);
}

static enum err
nowhere(char *why, size_t size)
{
    (void)snprintf(why, size, "neither XDG_STATE_HOME nor HOME says where to "
        "remember it");
    return (E_NOTFOUND);
}

/* Make the folder, and those above it. */
static int
make_folder(void)
{
    char path[PATH_SIZE];

    if (path_of("", path) != 0)
        return (-1);
    for (char *p = path + 1; *p != '\0'; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return (-1);
        *p = '/';
    }
    return (mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : -1);
}

/* ---- what it says ------------------------------------------------------ */

struct line {
    struct trust_memory memory;
    struct slice origin;
    struct slice whole;         /* with its line feed */
};

static int
is_hex(const uint8_t *p)
{
    for (size_t i = 0; i < HEX; i++)
        if ((p[i] < '0' || p[i] > '9') && (p[i] < 'a' || p[i] > 'f'))
            return (0);
    return (1);
}

/* Take a line from the front of ${*text}.  Returns 0, or -1. */
static int
next_line(struct slice *text, struct line *line)
{
    const uint8_t *p = text->p, *end = memchr(p, '\n', text->n);
    char number[24] = "";
    size_t digits = 0;

    if (end == NULL || (size_t)(end - p) < HEX + 4 || !is_hex(p) ||
        p[HEX] != ' ')
        return (-1);
    memcpy(line->memory.root_key, p, HEX);
    line->memory.root_key[HEX] = '\0';
    p += HEX + 1;
    while (p[digits] >= '0' && p[digits] <= '9' && digits < 18)
        digits++;
    if (digits == 0 || p[digits] != ' ' || p + digits + 1 == end)
        return (-1);
    memcpy(number, p, digits);
    line->memory.version = strtoll(number, NULL, 10);
    p += digits + 1;
    line->origin = (struct slice){p, (size_t)(end - p)};
    line->whole = (struct slice){text->p, (size_t)(end + 1 - text->p)};
    text->n -= line->whole.n;
    text->p += line->whole.n;
    return (0);
}

/* Read the file into ${text}, which stays empty if it is not there. */
static enum err
read_text(struct buf *text, char *why, size_t size)
{
    char path[PATH_SIZE];
    enum err err;

    if (path_of("/trust", path) != 0)
        return (nowhere(why, size));
    err = whole_file_read(path, text);
    if (err == E_OK || err == E_NOTFOUND)
        return (E_OK);
    (void)snprintf(why, size, "%s: %s", path, whole_file_fault(err));
    return (err == E_TOOBIG ? E_CORRUPT : err);
}

/*
 * Find ${origin} in ${text}; all other lines go to ${others}, unless that is
 * NULL.
 */
static enum err
find(struct slice text, const char *origin, struct trust_memory *memory,
    struct buf *others, char *why, size_t size)
{
    char path[PATH_SIZE] = "";

    memset(memory, 0, sizeof(*memory));
    for (int n = 1; text.n > 0; n++) {
        struct line line;
        enum err err;

        if (next_line(&text, &line) != 0) {
            (void)path_of("/trust", path);
            (void)snprintf(why, size, "%s line %d is damaged: mend or remove "
                "it", path, n);
            return (E_CORRUPT);
        }
        if (slice_equal(line.origin, slice_of(origin)))
            *memory = line.memory;
        else if (others != NULL && (err = buf_add(others, line.whole)) != E_OK)
            return (err);
    }
    return (E_OK);
}

enum err
trust_memory_recall(const char *origin, struct trust_memory *memory,
    char *why, size_t size)
{
    struct buf text;
    enum err err;

    memset(memory, 0, sizeof(*memory));
    buf_init(&text, MEMORY_MAX);
    if ((err = read_text(&text, why, size)) == E_OK)
        err = find(buf_slice(&text), origin, memory, NULL, why, size);
    if (err == E_NOMEM)
        (void)snprintf(why, size, "%s", err_text(err));
    buf_free(&text);
    return (err);
}

/* ---- changing it ------------------------------------------------------- */

/* Whoever holds it does so for a moment, or has hung. */
static enum err
lock(int *fd, char *why, size_t size)
{
    int64_t until_us = clock_us() + LOCK_US;
    char path[PATH_SIZE];

    *fd = -1;
    if (path_of("/trust.lock", path) != 0)
        return (nowhere(why, size));
    if (make_folder() != 0 ||
        (*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
            0600)) < 0) {
        (void)snprintf(why, size, "%s: %s", path, strerror(errno));
        return (E_IO);
    }
    while (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            (void)snprintf(why, size, "%s: %s", path, strerror(errno));
            return (E_IO);
        }
        if (clock_us() > until_us) {
            (void)snprintf(why, size, "%s: another vouch holds it", path);
            return (E_BUSY);
        }
        clock_sleep(clock_us() + LOCK_STEP_US);
    }
    return (E_OK);
}

static enum err
replace(struct buf *text, const char *origin, const struct trust_memory *seen,
    char *why, size_t size)
{
    char line[HEX + 32 + TRUST_ORIGIN_MAX], path[PATH_SIZE];
    enum err err;

    (void)snprintf(line, sizeof(line), "%s %" PRId64 " %s\n", seen->root_key,
        seen->version, origin);
    if ((err = buf_add(text, slice_of(line))) != E_OK ||
        path_of("/trust", path) != 0)
        return (err != E_OK ? err : nowhere(why, size));
    if ((err = new_file_replace(path, buf_slice(text))) != E_OK)
        (void)snprintf(why, size, "%s: %s", path, new_file_fault(path, err));
    return (err);
}

enum err
trust_memory_note(const char *origin, const struct trust_memory *seen,
    int again, char *why, size_t size)
{
    struct trust_memory before;
    struct buf text, others;
    int fd = -1;
    enum err err;

    why[0] = '\0';
    buf_init(&text, MEMORY_MAX);
    buf_init(&others, 2 * MEMORY_MAX);
    if ((err = lock(&fd, why, size)) != E_OK ||
        (err = read_text(&text, why, size)) != E_OK ||
        (err = find(buf_slice(&text), origin, &before, &others, why,
            size)) != E_OK)
        goto out;
    if (before.root_key[0] != '\0' &&
        strcmp(before.root_key, seen->root_key) != 0 && !again) {
        (void)snprintf(why, size, "another root key is remembered");
        err = E_EXISTS;
    } else if (strcmp(before.root_key, seen->root_key) != 0 ||
        before.version < seen->version)
        err = replace(&others, origin, seen, why, size);

out:
    if (err != E_OK && why[0] == '\0')
        (void)snprintf(why, size, "%s", err_text(err));
    if (fd >= 0)
        (void)close(fd);
    buf_free(&text);
    buf_free(&others);
    return (err);
}
