#ifndef BASE_LOG_H
#define BASE_LOG_H

/*
 * One line per event, logfmt or JSON, to standard error.  A thread's lines
 * gather in a buffer of its own until log_flush() writes them with one system
 * call; what does not fit is dropped and counted, and the next flush says how
 * many.  No line holds a name, number, date or digits of a person: callers
 * pass ids of calls, connections, methods and peers only.
 */

#include <stdint.h>
#include <string.h>

#include "proto/err.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/**
 * log_set_level(level):
 * Drop lines below ${level} from now on; LOG_INFO at the start.
 */
void log_set_level(enum log_level level);

/**
 * log_set_json(json):
 * From now on write each line as one JSON object if ${json}, else as logfmt.
 */
void log_set_json(int json);

/**
 * log_line(level, event, format, ...):
 * Note a line: time, level, ${event} (a stable word), then ${format}, which
 * must come out as key=value pairs, a value with blanks in double quotes.
 * Control characters and what is not ASCII come out escaped, so one call is
 * one line.  LOG_ERROR and LOG_WARN are written at once.
 */
void log_line(enum log_level level, const char *event, const char *format,
    ...) PRINTF_LIKE(3, 4);

/* A line that is being written; its fields are the log's own. */
struct log_record {
    char *at;
    char *end;
    enum log_level level;
    int json;
};

/**
 * log_begin(record, level, event):
 * Begin the line that log_line() would write, pair by pair and without
 * printf: for a line of every call.  Return zero if ${level} is dropped; the
 * functions below must not be called then.  Until log_end() this thread must
 * not log anything else.
 */
int log_begin(struct log_record *record, enum log_level level,
    const char *event);

/* What the two below call; of a constant ${key} the length is one, too. */
void log_text_pair(struct log_record *record, const char *key, size_t length,
    const char *value);
void log_u64_pair(struct log_record *record, const char *key, size_t length,
    uint64_t value);

/**
 * log_text(record, key, value):
 * Add a pair; ${key} is a word of up to 32 letters.  A value with a blank or a
 * double quote in it gets its quotes here; what the line has no room for is
 * cut.
 */
static inline void
log_text(struct log_record *record, const char *key, const char *value)
{
    log_text_pair(record, key, strlen(key), value);
}

/**
 * log_u64(record, key, value):
 * Add a pair whose value is a decimal number.
 */
static inline void
log_u64(struct log_record *record, const char *key, uint64_t value)
{
    log_u64_pair(record, key, strlen(key), value);
}

/**
 * log_end(record):
 * Note the line.
 */
void log_end(struct log_record *record);

/**
 * log_flush(void):
 * Write what this thread has gathered.
 */
void log_flush(void);

#endif /* !BASE_LOG_H */
