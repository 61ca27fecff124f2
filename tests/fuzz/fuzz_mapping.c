/*
 * A mapping, and a file to read by it: however the file is cut, the same comes
 * of it, and every record of it is accounted for.  A plan of cuts, the mapping
 * up to the first byte 0xff, then the file.
 */

#include <stdio.h>
#include <string.h>

#include "client/mapping.h"
#include "client/source.h"
#include "fuzz.h"
#include "proto/arena.h"
#include "proto/utf8.h"

#define ROW_MEMORY ((size_t)1 << 20)
#define DAY 18428

static struct arena *arena;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    FUZZ_CHECK(arena_create(ROW_MEMORY, &arena) == E_OK);
    return (0);
}

/* What came of a file. */
struct heard {
    struct buf rows;
    struct source *source;
    struct source_fault fault;
    struct source_counts counts;
    enum err err;
    int64_t taken, folded, rejected;
};

static void
add(struct heard *heard, const void *p, size_t n)
{
    FUZZ_CHECK(buf_add(&heard->rows, (struct slice){p, n}) == E_OK);
}

static enum err
on_reject(void *cookie, int64_t line, const struct rows_fault *fault)
{
    struct heard *heard = cookie;

    FUZZ_CHECK(line > 0);
    FUZZ_CHECK(fault->column != NULL && fault->reason != NULL);
    FUZZ_CHECK(fault->description[0] != '\0');
    FUZZ_CHECK(fuzz_is_text(fault->description, sizeof(fault->description)));
    heard->rejected++;
    add(heard, &line, sizeof(line));
    add(heard, fault->reason, strlen(fault->reason));
    return (E_OK);
}

static void
add_row(struct heard *heard, const Vouch__V1__CredentialRow *row)
{
    size_t n = protobuf_c_message_get_packed_size(&row->base);
    uint8_t packed[65536];

    FUZZ_CHECK(row->name != NULL && row->n_periods <= MAPPING_PERIODS_MAX);
    FUZZ_CHECK(row->number[0] != '\0' && row->name->family[0] != '\0');
    FUZZ_CHECK(n <= sizeof(packed));
    FUZZ_CHECK(protobuf_c_message_pack(&row->base, packed) == n);
    add(heard, packed, n);
}

static enum err
on_ready(void *cookie)
{
    struct heard *heard = cookie;
    Vouch__V1__CredentialRow *row;
    struct rows_fault fault;
    int64_t line, next;
    enum err err;

    memset(&fault, 0, sizeof(fault));
    arena_reset(arena);
    err = source_take(heard->source, arena, &row, &line, &fault);
    FUZZ_CHECK((err == E_OK) == (row != NULL));
    if (err == E_INVAL)
        return (on_reject(heard, line, &fault));
    FUZZ_CHECK(err == E_OK && row->line == line);
    add_row(heard, row);
    heard->taken++;
    while ((next = source_next_line(heard->source, line)) != 0) {
        FUZZ_CHECK(next > line);
        line = next;
        heard->folded++;
    }
    return (E_OK);
}

static void
check_faults(struct mapping_faults *faults)
{
    FUZZ_CHECK(faults->n > 0 && faults->n <= MAPPING_FAULTS_MAX);
    for (size_t i = 0; i < faults->n; i++) {
        FUZZ_CHECK(faults->list[i].place.line > 0);
        FUZZ_CHECK(faults->list[i].place.column > 0);
        FUZZ_CHECK(faults->list[i].what[0] != '\0');
        FUZZ_CHECK(fuzz_is_text(faults->list[i].what, MAPPING_FAULT_TEXT));
    }
}

static void
check_end(struct heard *heard)
{
    heard->counts = source_counts(heard->source);
    if (heard->err != E_OK) {
        FUZZ_CHECK(heard->err == E_INVAL || heard->err == E_TOOBIG);
        FUZZ_CHECK(heard->fault.why[0] != '\0');
        FUZZ_CHECK(fuzz_is_text(heard->fault.why, sizeof(heard->fault.why)));
        if (heard->fault.mapping != NULL)
            check_faults(heard->fault.mapping);
        return;
    }
    FUZZ_CHECK(heard->counts.folded == heard->folded);
    FUZZ_CHECK(heard->counts.read ==
        heard->taken + heard->folded + heard->rejected);
}

static void
read_file(struct slice text, struct fuzz_cuts cuts, struct slice in,
    struct heard *heard)
{
    const struct source_sink sink = {heard, on_ready, on_reject};
    static struct mapping_faults faults;
    struct mapping *mapping;

    memset(&faults, 0, sizeof(faults));
    memset(heard, 0, sizeof(*heard));
    buf_init(&heard->rows, SIZE_MAX / 2);
    if ((heard->err = mapping_parse(text, NULL, &faults, &mapping)) != E_OK) {
        FUZZ_CHECK(heard->err == E_INVAL || heard->err == E_TOOBIG);
        FUZZ_CHECK(mapping == NULL);
        check_faults(&faults);
        return;
    }
    FUZZ_CHECK(faults.n == 0);
    FUZZ_CHECK(source_create(mapping, DAY, &sink, &heard->source) == E_OK);
    while (in.n > 0 && heard->err == E_OK) {
        struct slice piece = fuzz_own(fuzz_piece(&cuts, &in));

        heard->err = source_feed(heard->source, piece, &heard->fault);
        fuzz_disown(piece);
    }
    if (heard->err == E_OK)
        heard->err = source_end(heard->source, &heard->fault);
    check_end(heard);
    source_free(heard->source);
    mapping_free(mapping);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = {data, size}, text;
    struct fuzz_cuts none = {{NULL, 0}, 0}, cuts = fuzz_cuts(&in);
    static struct heard whole, cut;

    text = fuzz_part(&in);
    read_file(text, none, in, &whole);
    read_file(text, cuts, in, &cut);
    if (whole.err == E_OK && cut.err == E_OK)
        FUZZ_CHECK(slice_equal(buf_slice(&whole.rows),
            buf_slice(&cut.rows)));
    buf_free(&whole.rows);
    buf_free(&cut.rows);
    return (0);
}
