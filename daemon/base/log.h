#ifndef BASE_LOG_H
#define BASE_LOG_H

/*
 * One line per event, logfmt or JSON, to standard error.  A thread's lines
 * gather in a buffer of its own until log_flush() writes them with one system
 * call; what does not fit is dropped and counted, and the next flush says how
 * many.  No line holds a name, number, date or digits of a person: callers
 * pass ids of calls, connections, methods and peers only.
 */

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

/**
 * log_flush(void):
 * Write what this thread has gathered.
 */
void log_flush(void);

#endif /* !BASE_LOG_H */
