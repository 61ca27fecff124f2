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
static _Atomic int as_json;

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

void
log_set_json(int json)
{
    atomic_store_explicit(&as_json, json, memory_order_relaxed);
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

/* The calendar is worked out once a second, not once a line. */
static void
put_time(char *out, size_t size)
{
    static _Thread_local time_t second = -1;
    static _Thread_local char text[80];
    struct timespec now;
    struct tm tm;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec != second && gmtime_r(&now.tv_sec, &tm) != NULL) {
        (void)snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d",
            tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
            tm.tm_min, tm.tm_sec);
        second = now.tv_sec;
    }
    (void)snprintf(out, size, "%s.%06luZ", text,
        (unsigned long)now.tv_nsec / 1000 % 1000000);
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

/* A text within a JSON string, without the quotes around it. */
static size_t
put_json(char *out, size_t size, const char *text, size_t length)
{
    size_t n = 0;

    for (; length > 0 && n + 7 < size; text++, length--) {
        unsigned char ch = (unsigned char)*text;

        if (ch < 0x20 || ch >= 0x7f)
            n += (size_t)snprintf(out + n, size - n, "\\u%04x", ch);
        else {
            if (ch == '"' || ch == '\\')
                out[n++] = '\\';
            out[n++] = (char)ch;
        }
    }
    return (n);
}

/* How long the value at ${text} is; a quoted one with its quotes. */
static size_t
value_length(const char *text)
{
    const char *end;

    if (text[0] != '"')
        return (strcspn(text, " "));
    end = strchr(text + 1, '"');
    return (end != NULL ? (size_t)(end - text) + 1 : strlen(text));
}

/* Turn key=value pairs into members of a JSON object, each with a comma. */
static size_t
put_members(char *out, size_t size, const char *pairs)
{
    size_t n = 0;

    while (*pairs != '\0' && n + 16 < size) {
        size_t key = strcspn(pairs, "= ");
        size_t length, quoted;

        if (pairs[key] != '=') {
            pairs += key + (pairs[key] != '\0');
            continue;
        }
        length = value_length(pairs + key + 1);
        quoted = pairs[key + 1] == '"' && length > 1;
        n += (size_t)snprintf(out + n, size - n, ",\"%.*s\":\"",
            key < 32 ? (int)key : 32, pairs);
        if (n + 16 >= size)
            break;
        n += put_json(out + n, size - n - 8, pairs + key + 1 + quoted,
            length - 2 * quoted);
        out[n++] = '"';
        pairs += key + 1 + length;
    }
    return (n < size ? n : size - 1);
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

static size_t
format_line(char *line, size_t size, enum log_level level, const char *event,
    const char *pairs)
{
    char time[96];
    int json = atomic_load_explicit(&as_json, memory_order_relaxed);
    size_t n;
    int head;

    put_time(time, sizeof(time));
    head = snprintf(line, size, json ?
        "{\"ts\":\"%s\",\"level\":\"%s\",\"event\":\"%s\"" :
        "ts=%s level=%s event=%s ", time, names[level], event);
    n = head > 0 && (size_t)head < size ? (size_t)head : 0;
    if (json) {
        n += put_members(line + n, size - n - 2, pairs);
        line[n++] = '}';
    } else
        n += put_escaped(line + n, size - n - 1, pairs);
    line[n++] = '\n';
    return (n);
}

void
log_flush(void)
{
    char pairs[64], line[256];

    write_all(gathered.text, gathered.n);
    gathered.n = 0;
    if (gathered.dropped == 0)
        return;
    (void)snprintf(pairs, sizeof(pairs), "dropped=%lu", gathered.dropped);
    gathered.dropped = 0;
    write_all(line, format_line(line, sizeof(line), LOG_WARN, "log", pairs));
}

void
log_line(enum log_level level, const char *event, const char *format, ...)
{
    char pairs[LINE_MAX_BYTES];
    char line[LINE_MAX_BYTES + 256];
    va_list args;

    if ((int)level > atomic_load_explicit(&threshold, memory_order_relaxed))
        return;
    va_start(args, format);
    if (vsnprintf(pairs, sizeof(pairs), format, args) < 0)
        pairs[0] = '\0';
    va_end(args);
    gather(level, line, format_line(line, sizeof(line), level, event, pairs));
}
