#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PAIRS_MAX 1024
#define GATHER_MAX 65536

/* Where a line is cut, and what an escape and the closing of it take more. */
#define LINE_MAX_BYTES 1275
#define LINE_CLOSE 16

/* The longest key. */
#define KEY_MAX 32

static const char *const names[] = {"error", "warn", "info", "debug"};

static _Atomic int threshold = LOG_INFO;
static _Atomic int as_json;

static _Thread_local struct {
    char text[GATHER_MAX + LINE_MAX_BYTES + LINE_CLOSE];
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

/* ---- pieces of a line -------------------------------------------------- */

/* Bytes that are known to fit: few, or bounded by their kind. */
static void
put(struct log_record *r, const char *text, size_t n)
{
    memcpy(r->at, text, n);
    r->at += n;
}

#define PUT(r, word) put((r), (word), sizeof(word) - 1)

/* The calendar is worked out once a second, not once a line. */
static void
put_time(struct log_record *r)
{
    static _Thread_local time_t second = -1;
    static _Thread_local char text[80];
    static _Thread_local size_t n;
    struct timespec now;
    struct tm tm;
    char fraction[8];
    unsigned long us;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec != second && gmtime_r(&now.tv_sec, &tm) != NULL) {
        (void)snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d",
            tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
            tm.tm_min, tm.tm_sec);
        n = strlen(text);
        second = now.tv_sec;
    }
    put(r, text, n);
    us = (unsigned long)now.tv_nsec / 1000 % 1000000;
    fraction[0] = '.';
    for (int i = 6; i > 0; i--, us /= 10)
        fraction[i] = (char)('0' + us % 10);
    fraction[7] = 'Z';
    put(r, fraction, sizeof(fraction));
}

static void
put_code(struct log_record *r, unsigned char ch)
{
    static const char digits[] = "0123456789abcdef";

    *r->at++ = digits[ch >> 4];
    *r->at++ = digits[ch & 15];
}

/*
 * A text as either format may hold it: one call is one line, whatever a peer
 * put into a value.  A double quote in quotes of ours is ${coded}.
 */
static void
put_escaped(struct log_record *r, const char *text, size_t n, int coded)
{
    for (; n > 0 && r->at < r->end; text++, n--) {
        unsigned char ch = (unsigned char)*text;

        if (ch < 0x20 || ch >= 0x7f || (coded && ch == '"' && !r->json)) {
            if (r->json)
                PUT(r, "\\u00");
            else
                PUT(r, "\\x");
            put_code(r, ch);
        } else {
            if (r->json && (ch == '"' || ch == '\\'))
                *r->at++ = '\\';
            *r->at++ = (char)ch;
        }
    }
}

static int
has_room(const struct log_record *r)
{
    return (r->end - r->at >= KEY_MAX + LINE_CLOSE);
}

/* One of our own words. */
static void
put_key(struct log_record *r, const char *key, size_t length)
{
    char *p = r->at;

    *p++ = r->json ? ',' : ' ';
    if (r->json)
        *p++ = '"';
    memcpy(p, key, length);
    p += length;
    if (r->json) {
        *p++ = '"';
        *p++ = ':';
        *p++ = '"';
    } else
        *p++ = '=';
    r->at = p;
}

/* In each of eight bytes. */
#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Is there no byte below '#', above '~' or '\\' among the eight? */
static int
is_plain_word(uint64_t w)
{
    uint64_t slash = w ^ EACH('\\');

    return ((((w - EACH('#')) | (slash - EACH(1)) | (w + EACH(1)) | w) &
        EACH(0x80)) == 0);
}

/* Most values are the same in either format, and need no quotes. */
static int
is_plain(const char *value, size_t n)
{
    uint64_t word;

    for (; n >= sizeof(word); value += sizeof(word), n -= sizeof(word)) {
        memcpy(&word, value, sizeof(word));
        if (!is_plain_word(word))
            return (0);
    }
    for (; n > 0; value++, n--)
        if (*value < '#' || *value > '~' || *value == '\\')
            return (0);
    return (1);
}

static void
put_value(struct log_record *r, const char *value)
{
    size_t n = strlen(value);
    int quoted;

    if ((ptrdiff_t)n <= r->end - r->at && is_plain(value, n)) {
        put(r, value, n);
        return;
    }
    quoted = !r->json && strpbrk(value, " \"") != NULL;
    if (quoted)
        PUT(r, "\"");
    put_escaped(r, value, n, 1);
    if (quoted)
        PUT(r, "\"");
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

/* Turn key=value pairs into members of a JSON object. */
static void
put_members(struct log_record *r, const char *pairs)
{
    while (*pairs != '\0') {
        size_t key = strcspn(pairs, "= ");
        size_t length, quoted;

        if (pairs[key] != '=') {
            pairs += key + (pairs[key] != '\0');
            continue;
        }
        length = value_length(pairs + key + 1);
        quoted = pairs[key + 1] == '"' && length > 1;
        if (!has_room(r))
            break;
        PUT(r, ",\"");
        put_escaped(r, pairs, key < KEY_MAX ? key : KEY_MAX, 1);
        PUT(r, "\":\"");
        put_escaped(r, pairs + key + 1 + quoted, length - 2 * quoted, 1);
        PUT(r, "\"");
        pairs += key + 1 + length;
    }
}

/* ---- lines ------------------------------------------------------------- */

static void
begin(struct log_record *r, enum log_level level, const char *event)
{
    r->at = gathered.text + gathered.n;
    r->end = r->at + LINE_MAX_BYTES;
    r->level = level;
    r->json = atomic_load_explicit(&as_json, memory_order_relaxed);

    if (r->json)
        PUT(r, "{\"ts\":\"");
    else
        PUT(r, "ts=");
    put_time(r);
    if (r->json)
        PUT(r, "\",\"level\":\"");
    else
        PUT(r, " level=");
    put(r, names[level], strlen(names[level]));
    if (r->json)
        PUT(r, "\",\"event\":\"");
    else
        PUT(r, " event=");
    put(r, event, strlen(event));
    if (r->json)
        PUT(r, "\"");
}

int
log_begin(struct log_record *record, enum log_level level, const char *event)
{
    if ((int)level > atomic_load_explicit(&threshold, memory_order_relaxed))
        return (0);
    begin(record, level, event);
    return (1);
}

void
log_text_pair(struct log_record *record, const char *key, size_t length,
    const char *value)
{
    if (!has_room(record))
        return;
    put_key(record, key, length);
    put_value(record, value);
    if (record->json)
        PUT(record, "\"");
}

void
log_u64_pair(struct log_record *record, const char *key, size_t length,
    uint64_t value)
{
    static const char pairs[] =
        "0001020304050607080910111213141516171819"
        "2021222324252627282930313233343536373839"
        "4041424344454647484950515253545556575859"
        "6061626364656667686970717273747576777879"
        "8081828384858687888990919293949596979899";
    char digits[20];
    size_t at = sizeof(digits);

    if (!has_room(record))
        return;
    put_key(record, key, length);
    for (; value >= 100; value /= 100)
        memcpy(digits + (at -= 2), pairs + 2 * (value % 100), 2);
    if (value >= 10)
        memcpy(digits + (at -= 2), pairs + 2 * value, 2);
    else
        digits[--at] = (char)('0' + value);
    put(record, digits + at, sizeof(digits) - at);
    if (record->json)
        PUT(record, "\"");
}

void
log_end(struct log_record *record)
{
    size_t n;

    if (record->json)
        PUT(record, "}");
    PUT(record, "\n");
    n = (size_t)(record->at - gathered.text);
    if (n > GATHER_MAX) {
        gathered.dropped++;
        return;
    }
    gathered.n = n;
    if (record->level <= LOG_WARN)
        log_flush();
}

void
log_flush(void)
{
    unsigned long dropped = gathered.dropped;
    struct log_record note;

    write_all(gathered.text, gathered.n);
    gathered.n = gathered.dropped = 0;
    if (dropped == 0)
        return;
    begin(&note, LOG_WARN, "log");
    log_u64(&note, "dropped", dropped);
    log_end(&note);
}

void
log_line(enum log_level level, const char *event, const char *format, ...)
{
    char pairs[PAIRS_MAX];
    struct log_record record;
    va_list args;

    if (!log_begin(&record, level, event))
        return;
    va_start(args, format);
    if (vsnprintf(pairs, sizeof(pairs), format, args) < 0)
        pairs[0] = '\0';
    va_end(args);
    if (record.json) {
        put_members(&record, pairs);
    } else {
        PUT(&record, " ");
        put_escaped(&record, pairs, strlen(pairs), 0);
    }
    log_end(&record);
}
