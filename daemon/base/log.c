#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024
#define GATHER_MAX 65536

static const char *const names[] = {"error", "warn", "info", "debug"};

static _Atomic int threshold = LOG_INFO;

static _Thread_local struct {
    char text[GATHER_MAX];
    size_t n;
    unsigned long dropped;
} gathered;

void
log_set_level(enum log_level level)
{
    atomic_store_explicit(&threshold, (int)level, memory_order_relaxed);
}

/* A log must not stop the daemon: what cannot be written is given up. */
static void
write_all(const char *p, size_t n)
{
    while (n > 0) {
        ssize_t w = write(STDERR_FILENO, p, n);

        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0)
            return;
        p += w;
        n -= (size_t)w;
    }
}

void
log_flush(void)
{
    char note[64];
    int n;

    write_all(gathered.text, gathered.n);
    gathered.n = 0;
    if (gathered.dropped == 0)
        return;
    n = snprintf(note, sizeof(note), "level=warn event=log dropped=%lu\n",
        gathered.dropped);
    gathered.dropped = 0;
    if (n > 0)
        write_all(note, (size_t)n);
}

static size_t
put_time(char *out, size_t size)
{
    struct timespec now;
    struct tm tm;
    int n;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (gmtime_r(&now.tv_sec, &tm) == NULL)
        return (0);
    n = snprintf(out, size, "ts=%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ ",
        tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
        tm.tm_sec, now.tv_nsec / 1000);
    return (n > 0 && (size_t)n < size ? (size_t)n : 0);
}

/* One call is one line, whatever a peer put into a value. */
static size_t
put_escaped(char *out, size_t size, const char *text)
{
    size_t n = 0;

    for (; *text != '\0' && n + 4 < size; text++) {
        unsigned char ch = (unsigned char)*text;

        if (ch >= 0x20 && ch < 0x7f)
            out[n++] = (char)ch;
        else
            n += (size_t)snprintf(out + n, size - n, "\\x%02x", ch);
    }
    return (n);
}

static void
gather(enum log_level level, const char *line, size_t n)
{
    if (n > sizeof(gathered.text) - gathered.n) {
        gathered.dropped++;
        return;
    }
    memcpy(gathered.text + gathered.n, line, n);
    gathered.n += n;
    if (level <= LOG_WARN)
        log_flush();
}

void
log_line(enum log_level level, const char *event, const char *format, ...)
{
    char raw[LINE_MAX_BYTES];
    char line[LINE_MAX_BYTES + 128];
    va_list args;
    size_t n;
    int head;

    if ((int)level > atomic_load_explicit(&threshold, memory_order_relaxed))
        return;
    va_start(args, format);
    if (vsnprintf(raw, sizeof(raw), format, args) < 0)
        raw[0] = '\0';
    va_end(args);

    n = put_time(line, sizeof(line));
    head = snprintf(line + n, sizeof(line) - n, "level=%s event=%s ",
        names[level], event);
    if (head > 0)
        n += (size_t)head;
    n += put_escaped(line + n, sizeof(line) - n - 1, raw);
    line[n++] = '\n';
    gather(level, line, n);
}
