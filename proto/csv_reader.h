#ifndef PROTO_CSV_READER_H
#define PROTO_CSV_READER_H

/*
 * CSV with a header line (RFC 4180), read in pieces of any size through
 * libcsv.  A byte order mark is dropped; LF and CRLF both end a line; a quoted
 * field may hold line ends; blanks are part of a field.  Every record knows the
 * line on which it began.  What stands between fields, and whether there are
 * quotes at all, can be chosen: so it reads tab-separated files too.
 */

#include "proto/bytes.h"
#include "proto/err.h"

/* Opaque types. */
struct csv_reader;

#define CSV_COLUMNS_MAX 64
#define CSV_FIELD_MAX 65536

/* One record.  Everything is borrowed for the callback only. */
struct csv_record {
    long line;                      /* on which it begins; the header is 1 */
    const struct slice *fields;     /* NUL-terminated behind each */
    size_t nfields;
};

/* What is wrong with the file as CSV. */
struct csv_fault {
    long line;
    char what[160];
};

/*
 * Called for the header and then for each record that is not an empty line.
 * Anything but E_OK ends the reading with that error.
 */
typedef enum err csv_record_fn(void *cookie, const struct csv_record *record);

/**
 * csv_reader_create(fn, cookie, reader):
 * Create a reader that calls ${fn}(${cookie}, ...), also from within
 * csv_reader_feed() and csv_reader_end() only.  The caller owns ${*reader};
 * free with csv_reader_free().
 *
 * Fails: E_NOMEM.  On failure ${*reader} is NULL.
 */
enum err MUST_USE csv_reader_create(csv_record_fn *fn, void *cookie,
    struct csv_reader **reader);

/**
 * csv_reader_set_form(reader, separator, quotes):
 * From the first byte on, have ${separator}, an ASCII character that is neither
 * a quote nor a line end, between fields; without ${quotes} a quote is a
 * character as any other, and no field holds a line end.
 */
void csv_reader_set_form(struct csv_reader *reader, char separator,
    int quotes);

/**
 * csv_reader_feed(reader, bytes, fault):
 * Read ${bytes}.
 *
 * Fails: E_INVAL (a stray or unclosed quote, a carriage return without a line
 * feed outside of quotes, a NUL byte, not UTF-8: ${*fault} says what and
 * where), E_TOOBIG (a field above CSV_FIELD_MAX, or more than CSV_COLUMNS_MAX
 * columns: ${*fault}), E_NOMEM, and whatever the callback returned; the line of
 * ${*fault} is 0 if nothing is wrong with the file.  Records that ended before
 * a fault have been told.  After a failure only csv_reader_free() is allowed.
 */
enum err MUST_USE csv_reader_feed(struct csv_reader *reader,
    struct slice bytes, struct csv_fault *fault);

/**
 * csv_reader_end(reader, fault):
 * There are no more bytes; the last record may come now.  Fails as
 * csv_reader_feed().
 */
enum err MUST_USE csv_reader_end(struct csv_reader *reader,
    struct csv_fault *fault);

/**
 * csv_reader_free(reader):
 * Free ${reader}; NULL is allowed.
 */
void csv_reader_free(struct csv_reader *reader);

#endif /* !PROTO_CSV_READER_H */
