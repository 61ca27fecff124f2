#include "client/mapping_fold.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/mapping_words.h"

#define RECORDS_MAX (UINT32_MAX - 1)
#define TABLE_FIRST 1024
#define OFFSETS ((UINT64_C(1) << 62) - 1)
#define ROW_MAX ((size_t)16 << 20)

/* One record.  Records of one credential hang on the first of them. */
struct entry {
    uint8_t key[MAPPING_FOLD_KEY];
    int64_t line;
    uint64_t offset : 62;           /* of what the file has of it */
    uint64_t bad : 1;               /* it could not be read: nothing */
    uint64_t first : 1;             /* of its credential */
    uint32_t next;                  /* place + 1; 0: none */
    uint32_t last;                  /* of the first: place of the last */
};

/* What the file has of a record, before the row itself. */
struct stored {
    uint32_t n;
    struct mapping_meaning open;
};

struct mapping_fold {
    FILE *file;                     /* owned */
    uint64_t written;
    struct entry *entries;          /* owned; in the order of lines */
    size_t n, size;
    uint32_t *table;                /* owned; place + 1 of first entries */
    size_t slots;                   /* a power of two */
    size_t used;
    size_t at;                      /* of mapping_fold_next() */
    uint64_t position;              /* of the file, while it is read */
    struct buf row, other;
};

static enum err
open_file(FILE **file)
{
    const char *folder = getenv("TMPDIR");
    char path[4096];
    int fd, n, why;

    if (folder == NULL || folder[0] == '\0')
        folder = "/tmp";
    n = snprintf(path, sizeof(path), "%s/vouch-fold.XXXXXX", folder);
    if (n < 0 || (size_t)n >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return (E_IO);
    }
    if ((fd = mkostemp(path, O_CLOEXEC)) < 0)       /* mode 0600 */
        return (E_IO);
    if (unlink(path) == 0 && (*file = fdopen(fd, "w+")) != NULL)
        return (E_OK);
    why = errno;
    (void)close(fd);
    errno = why;
    return (E_IO);
}

enum err
mapping_fold_create(struct mapping_fold **fold)
{
    struct mapping_fold *f;
    enum err err;

    *fold = NULL;
    if ((f = calloc(1, sizeof(*f))) == NULL)
        return (E_NOMEM);
    buf_init(&f->row, ROW_MAX);
    buf_init(&f->other, ROW_MAX);
    err = E_NOMEM;
    f->slots = TABLE_FIRST;
    if ((f->table = calloc(f->slots, sizeof(*f->table))) == NULL ||
        (err = open_file(&f->file)) != E_OK)
        goto out;
    *fold = f;
    f = NULL;

out:
    mapping_fold_free(f);
    return (err);
}

/* ---- finding records --------------------------------------------------- */

/* Find the slot of ${key}: that of its first entry, or the one for it. */
static size_t
slot_of(const struct entry *entries, const uint32_t *table, size_t slots,
    const uint8_t key[MAPPING_FOLD_KEY])
{
    uint64_t hash;
    size_t slot;

    memcpy(&hash, key, sizeof(hash));       /* of a digest: any part will do */
    slot = (size_t)hash & (slots - 1);
    while (table[slot] != 0 && memcmp(entries[table[slot] - 1].key, key,
        MAPPING_FOLD_KEY) != 0)
        slot = (slot + 1) & (slots - 1);
    return (slot);
}

/* Keep the table no more than half full. */
static enum err
grow_table(struct mapping_fold *f)
{
    size_t slots = f->slots * 2;
    uint32_t *table;

    if (2 * (f->used + 1) <= f->slots)
        return (E_OK);
    if ((table = calloc(slots, sizeof(*table))) == NULL)
        return (E_NOMEM);
    for (size_t i = 0; i < f->slots; i++)
        if (f->table[i] != 0)
            table[slot_of(f->entries, table, slots,
                f->entries[f->table[i] - 1].key)] = f->table[i];
    free(f->table);
    f->table = table;
    f->slots = slots;
    return (E_OK);
}

static enum err
grow_entries(struct mapping_fold *f)
{
    size_t size = f->size == 0 ? 256 : f->size + f->size / 2;
    struct entry *entries;

    if (f->n < f->size)
        return (E_OK);
    if (f->n >= RECORDS_MAX)
        return (E_TOOBIG);
    if ((entries = realloc(f->entries, size * sizeof(*entries))) == NULL)
        return (E_NOMEM);
    f->entries = entries;
    f->size = size;
    return (E_OK);
}

static struct entry *
find_line(const struct mapping_fold *f, int64_t line)
{
    size_t low = 0, high = f->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (f->entries[middle].line < line)
            low = middle + 1;
        else
            high = middle;
    }
    return (low < f->n && f->entries[low].line == line ?
        &f->entries[low] : NULL);
}

/* ---- putting ----------------------------------------------------------- */

static enum err
write_row(struct mapping_fold *f, struct slice row,
    const struct mapping_meaning *open)
{
    struct stored stored;

    memset(&stored, 0, sizeof(stored));
    stored.n = (uint32_t)row.n;
    stored.open = *open;
    if (fwrite(&stored, sizeof(stored), 1, f->file) != 1 ||
        fwrite(row.p, 1, row.n, f->file) != row.n)
        return (E_IO);
    f->written += sizeof(stored) + row.n;
    return (E_OK);
}

enum err
mapping_fold_put(struct mapping_fold *f, int64_t line,
    const uint8_t key[MAPPING_FOLD_KEY], struct slice row,
    const struct mapping_meaning *open)
{
    struct entry *e, *first;
    uint64_t offset = f->written;
    enum err err;
    size_t slot;

    if (row.n > ROW_MAX)
        return (E_TOOBIG);
    if ((err = grow_entries(f)) != E_OK || (err = grow_table(f)) != E_OK ||
        (row.n > 0 && (err = write_row(f, row, open)) != E_OK))
        return (err);
    e = &f->entries[f->n];
    *e = (struct entry){.line = line, .offset = offset & OFFSETS,
        .bad = row.n == 0};
    memcpy(e->key, key, MAPPING_FOLD_KEY);
    slot = slot_of(f->entries, f->table, f->slots, key);
    if (f->table[slot] == 0) {
        f->table[slot] = (uint32_t)f->n + 1;
        f->used++;
        e->first = 1;
        e->last = (uint32_t)f->n;
    } else {
        first = &f->entries[f->table[slot] - 1];
        f->entries[first->last].next = (uint32_t)f->n + 1;
        first->last = (uint32_t)f->n;
    }
    f->n++;
    return (E_OK);
}

/* ---- taking ------------------------------------------------------------ */

/* Rows come in the order of the file, but for those that are folded. */
static enum err
read_row(struct mapping_fold *f, const struct entry *e, struct buf *row,
    struct mapping_meaning *open)
{
    struct stored stored;
    enum err err;

    if (f->position != e->offset &&
        fseeko(f->file, (off_t)e->offset, SEEK_SET) != 0)
        return (E_IO);
    f->position = UINT64_MAX;
    buf_drop(row, row->n);
    if (fread(&stored, sizeof(stored), 1, f->file) != 1)
        return (E_IO);
    if ((err = buf_reserve(row, stored.n)) != E_OK)
        return (err);
    if (fread(row->p, 1, stored.n, f->file) != stored.n)
        return (E_IO);
    row->n = stored.n;
    f->position = e->offset + sizeof(stored) + stored.n;
    *open = stored.open;
    return (E_OK);
}

/* Add one more record to ${*group}. */
static enum err
add_record(struct mapping_fold *f, const struct entry *e,
    struct mapping_group *group)
{
    struct mapping_meaning open;
    enum err err;

    if (e->bad) {
        if (group->verdict != MAPPING_FOLD_SPOILED)
            group->other = e->line;
        group->verdict = MAPPING_FOLD_SPOILED;
        return (E_OK);
    }
    group->n++;
    if (group->n == 1) {
        group->line = e->line;
        return (read_row(f, e, &f->row, &group->open));
    }
    if (group->verdict != MAPPING_FOLD_TAKE)
        return (E_OK);
    if ((err = read_row(f, e, &f->other, &open)) != E_OK)
        return (err);
    if (!slice_equal(buf_slice(&f->row), buf_slice(&f->other))) {
        group->verdict = MAPPING_FOLD_CONTRADICTORY;
        group->other = e->line;
    }
    mapping_words_worse(&group->open, &open);
    return (E_OK);
}

enum err
mapping_fold_next(struct mapping_fold *f, struct mapping_group *group)
{
    enum err err = E_OK;

    *group = (struct mapping_group){0};
    if (f->at == 0) {
        if (fflush(f->file) != 0)
            return (E_IO);
        f->position = UINT64_MAX;       /* it stands at the end */
    }
    while (group->n == 0 && f->at < f->n && err == E_OK) {
        const struct entry *e = &f->entries[f->at++];

        if (!e->first)
            continue;
        *group = (struct mapping_group){0};
        for (;;) {
            if ((err = add_record(f, e, group)) != E_OK || e->next == 0)
                break;
            e = &f->entries[e->next - 1];
        }
    }
    group->row = buf_slice(&f->row);
    return (err);
}

int64_t
mapping_fold_next_line(const struct mapping_fold *f, int64_t previous)
{
    const struct entry *e = find_line(f, previous);

    while (e != NULL && e->next != 0) {
        e = &f->entries[e->next - 1];
        if (!e->bad)
            return (e->line);
    }
    return (0);
}

void
mapping_fold_part(struct mapping_fold *f, int64_t line)
{
    struct entry *e = find_line(f, line);

    if (e != NULL)
        e->next = 0;
}

void
mapping_fold_free(struct mapping_fold *f)
{
    if (f == NULL)
        return;
    if (f->file != NULL)
        (void)fclose(f->file);
    free(f->entries);
    free(f->table);
    buf_free(&f->row);
    buf_free(&f->other);
    free(f);
}
