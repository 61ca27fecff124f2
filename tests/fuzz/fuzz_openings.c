/*
 * A kept file of openings.  Whatever it holds: there is one way to write what a
 * line says, a line cut off is known as the beginning of one, and all lines are
 * read, each once, by index.
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client/openings_reader.h"
#include "fuzz.h"

static int fd;
static char path[64];
static struct buf again;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    FUZZ_CHECK((fd = memfd_create("openings", MFD_CLOEXEC)) >= 0);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    buf_init(&again, OPENING_LINE_MAX);
    return (0);
}

/* The bytes that the hexadecimal between ${from} and the next quote says. */
static struct slice
bytes_of(const char *from, uint8_t *to, size_t size)
{
    char hex[2 * 4096 + 1];
    size_t n = strcspn(from, "\"");

    FUZZ_CHECK(n < sizeof(hex) && n / 2 <= size);
    memcpy(hex, from, n);
    hex[n] = '\0';
    FUZZ_CHECK(bytes_from_hex(hex, to, n / 2) == E_OK);
    return ((struct slice){to, n / 2});
}

static void
check_line(struct slice line, int64_t index)
{
    uint8_t salt[LEAF_SALT], event[4096];
    char text[8192];
    struct opening opening = {.log_index = index, .salt = salt};
    int64_t other;

    FUZZ_CHECK(index >= 0 && line.n < sizeof(text));
    memcpy(text, line.p, line.n);
    text[line.n] = '\0';
    FUZZ_CHECK(bytes_of(strstr(text, "salt\":\"") + 7, salt,
        sizeof(salt)).n == LEAF_SALT);
    opening.event = bytes_of(strstr(text, "event\":\"") + 8, event,
        sizeof(event));
    FUZZ_CHECK(opening_line_put(&opening, &again) == E_OK);
    FUZZ_CHECK(slice_equal(buf_slice(&again), line));
    for (size_t n = 0; n < line.n; n++)
        FUZZ_CHECK(opening_line_scan((struct slice){line.p, n}, &other) ==
            OPENING_LINE_BEGUN);
}

static void
read_all(struct openings_reader *reader)
{
    struct openings_line line;
    int64_t count = 0, last = -1;
    enum err err;

    while ((err = openings_reader_next(reader, &line)) == E_OK) {
        FUZZ_CHECK(line.log_index >= last);
        FUZZ_CHECK(count != 0 ||
            line.log_index == openings_reader_first(reader));
        FUZZ_CHECK(line.number >= 1 &&
            line.number <= openings_reader_count(reader));
        check_line(line.text, line.log_index);
        last = line.log_index;
        count++;
    }
    FUZZ_CHECK(err == E_NOTFOUND);
    FUZZ_CHECK(count == openings_reader_count(reader));
    FUZZ_CHECK(last == openings_reader_last(reader));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct openings_reader *reader;
    char why[256];
    enum err err;

    FUZZ_CHECK(ftruncate(fd, 0) == 0);
    FUZZ_CHECK(pwrite(fd, data, size, 0) == (ssize_t)size);
    memset(why, 'x', sizeof(why));
    err = openings_reader_open(path, 0, &reader, why, sizeof(why));
    FUZZ_CHECK(err == E_OK || err == E_CORRUPT);
    FUZZ_CHECK((err == E_OK) == (reader != NULL));
    FUZZ_CHECK(fuzz_is_text(why, sizeof(why)));
    if (reader != NULL)
        read_all(reader);
    openings_reader_free(reader);
    return (0);
}
