/*
 * CSV in pieces: however the bytes are cut, the same records come, on the same
 * lines, and the same fault.  Then each record goes where `vouch publish` has
 * it go.  A plan of cuts, then the file.
 */

#include <string.h>

#include "client/rows.h"
#include "fuzz.h"
#include "proto/arena.h"
#include "proto/csv_reader.h"
#include "proto/utf8.h"

#define ROW_MEMORY ((size_t)16 * 1024)

/* What one reader said of the whole. */
struct heard {
    struct buf records;
    struct csv_fault fault;
    enum err err;
};

static struct arena *arena;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    FUZZ_CHECK(arena_create(ROW_MEMORY, &arena) == E_OK);
    return (0);
}

static void
add(struct buf *buf, const void *p, size_t n)
{
    FUZZ_CHECK(buf_add(buf, (struct slice){p, n}) == E_OK);
}

static enum err
keep(void *cookie, const struct csv_record *record)
{
    struct heard *heard = cookie;

    FUZZ_CHECK(record->line > 0);
    FUZZ_CHECK(record->nfields > 0 && record->nfields <= CSV_COLUMNS_MAX);
    add(&heard->records, &record->line, sizeof(record->line));
    add(&heard->records, &record->nfields, sizeof(record->nfields));
    for (size_t i = 0; i < record->nfields; i++) {
        struct slice field = record->fields[i];

        FUZZ_CHECK(field.n <= CSV_FIELD_MAX && utf8_is_text(field));
        FUZZ_CHECK(field.p[field.n] == '\0');
        add(&heard->records, &field.n, sizeof(field.n));
        add(&heard->records, field.p, field.n);
    }
    return (E_OK);
}

static void
read_all(struct fuzz_cuts cuts, struct slice in, struct heard *heard)
{
    struct csv_reader *reader;
    struct slice piece;

    heard->err = E_OK;
    buf_init(&heard->records, SIZE_MAX / 2);
    FUZZ_CHECK(csv_reader_create(keep, heard, &reader) == E_OK);
    while (in.n > 0 && heard->err == E_OK) {
        piece = fuzz_own(fuzz_piece(&cuts, &in));
        heard->err = csv_reader_feed(reader, piece, &heard->fault);
        fuzz_disown(piece);
    }
    if (heard->err == E_OK)
        heard->err = csv_reader_end(reader, &heard->fault);
    csv_reader_free(reader);
    if (heard->err != E_OK) {
        FUZZ_CHECK(heard->err == E_INVAL || heard->err == E_TOOBIG);
        FUZZ_CHECK(heard->fault.line > 0 && heard->fault.what[0] != '\0');
        FUZZ_CHECK(fuzz_is_text(heard->fault.what,
            sizeof(heard->fault.what)));
    }
}

/* ---- as rows of an upload ---------------------------------------------- */

struct upload {
    struct rows_header header;
    int has_header;
    long last_line;
};

static enum err
take_header(struct upload *upload, const struct csv_record *record)
{
    char why[200];
    enum err err;

    memset(why, 'x', sizeof(why));
    err = rows_read_header(record, &upload->header, why, sizeof(why));
    upload->has_header = 1;
    if (err == E_OK)
        return (E_OK);
    FUZZ_CHECK(err == E_INVAL);
    FUZZ_CHECK(why[0] != '\0' && fuzz_is_text(why, sizeof(why)));
    return (err);
}

static void
check_fault(const struct rows_fault *fault)
{
    FUZZ_CHECK(fault->column != NULL && fault->reason != NULL);
    FUZZ_CHECK(fault->description[0] != '\0');
    FUZZ_CHECK(fuzz_is_text(fault->description, sizeof(fault->description)));
}

static enum err
take_record(void *cookie, const struct csv_record *record)
{
    struct upload *upload = cookie;
    struct rows_fault fault;
    Vouch__V1__CredentialRow *row;
    enum err err;

    FUZZ_CHECK(record->line > upload->last_line);
    upload->last_line = record->line;
    if (!upload->has_header)
        return (take_header(upload, record));

    memset(&fault, 0, sizeof(fault));
    arena_reset(arena);
    err = rows_read(&upload->header, record, arena, &row, &fault);
    FUZZ_CHECK((err == E_OK) == (row != NULL));
    if (err == E_OK) {
        FUZZ_CHECK(row->line == record->line);
        FUZZ_CHECK(row->name != NULL && row->n_periods <= 1);
    } else if (err == E_INVAL) {
        check_fault(&fault);
    } else {
        FUZZ_CHECK(err == E_TOOBIG && arena_exhausted(arena));
    }
    return (E_OK);
}

static void
check_upload(struct fuzz_cuts cuts, struct slice in)
{
    struct upload upload = {.last_line = 0};
    struct csv_fault fault = {.line = 0};
    struct csv_reader *reader;
    enum err err = E_OK;

    FUZZ_CHECK(csv_reader_create(take_record, &upload, &reader) == E_OK);
    while (in.n > 0 && err == E_OK)
        err = csv_reader_feed(reader, fuzz_piece(&cuts, &in), &fault);
    if (err == E_OK)
        err = csv_reader_end(reader, &fault);
    csv_reader_free(reader);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = {data, size};
    struct fuzz_cuts none = {{NULL, 0}, 0}, cuts = fuzz_cuts(&in);
    struct heard whole, cut;

    read_all(none, in, &whole);
    read_all(cuts, in, &cut);
    FUZZ_CHECK(whole.err == cut.err);
    FUZZ_CHECK(slice_equal(buf_slice(&whole.records),
        buf_slice(&cut.records)));
    if (whole.err != E_OK) {
        FUZZ_CHECK(whole.fault.line == cut.fault.line);
        FUZZ_CHECK(strcmp(whole.fault.what, cut.fault.what) == 0);
    }
    check_upload(cuts, in);
    buf_free(&whole.records);
    buf_free(&cut.records);
    return (0);
}
