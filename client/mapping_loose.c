#include "client/mapping_loose.h"

#include <stdlib.h>
#include <string.h>

#include "proto/sha256.h"

static uint64_t
hash_of(struct slice number)
{
    uint8_t bytes[SHA256_BYTES];
    struct sha256 digest;
    uint64_t hash;

    sha256_begin(&digest);
    sha256_add(&digest, number.p, number.n);
    sha256_end(&digest, bytes);
    memcpy(&hash, bytes, sizeof(hash));
    return (hash);
}

enum err
mapping_loose_add(struct mapping_loose *loose, struct slice number,
    int64_t line)
{
    struct mapping_loose_number *grown;
    size_t n = loose->n;

    if (n == MAPPING_LOOSE_MAX)
        return (E_TOOBIG);
    if ((n & (n - 1)) == 0) {           /* full at every power of two */
        grown = realloc(loose->numbers, (n == 0 ? 1 : 2 * n) *
            sizeof(*grown));
        if (grown == NULL)
            return (E_NOMEM);
        loose->numbers = grown;
    }
    loose->numbers[loose->n++] = (struct mapping_loose_number){
        hash_of(number), line};
    loose->sorted = 0;
    return (E_OK);
}

/* A number that several columns make, if all of them are there. */
static enum err
add_joined(struct mapping_loose *loose, const struct mapping_value *v,
    const struct csv_record *record)
{
    char text[ROWS_KEY];
    size_t n = 0, gap = strlen(v->join);

    for (size_t i = 0; i < v->ncolumns; i++) {
        struct slice one;

        if (v->columns[i].at >= record->nfields)
            return (E_OK);
        one = mapping_trim(record->fields[v->columns[i].at]);
        if (one.n == 0)
            continue;
        if (one.n + gap >= sizeof(text) - n)
            return (E_OK);              /* no number is so long */
        if (n > 0) {
            memcpy(text + n, v->join, gap);
            n += gap;
        }
        memcpy(text + n, one.p, one.n);
        n += one.n;
    }
    return (n == 0 ? E_OK : mapping_loose_add(loose,
        (struct slice){(const uint8_t *)text, n}, record->line));
}

enum err
mapping_loose_add_fields(struct mapping_loose *loose,
    const struct mapping *mapping, const struct csv_record *record)
{
    const struct mapping_value *number = &mapping->columns[ROWS_NUMBER];
    enum err err = E_OK;

    if (number->ncolumns > 1)
        err = add_joined(loose, number, record);
    for (size_t i = 0; i < record->nfields && err == E_OK; i++) {
        struct slice one = mapping_trim(record->fields[i]);

        if (one.n > 0 && one.n < ROWS_KEY)
            err = mapping_loose_add(loose, one, record->line);
    }
    return (err);
}

/* The first line of a number comes first. */
static int
by_hash(const void *a, const void *b)
{
    const struct mapping_loose_number *x = a, *y = b;

    if (x->hash != y->hash)
        return (x->hash < y->hash ? -1 : 1);
    return ((x->line > y->line) - (x->line < y->line));
}

int64_t
mapping_loose_find(struct mapping_loose *loose, struct slice number)
{
    size_t low = 0, high = loose->n;
    uint64_t hash;

    if (loose->n == 0)
        return (0);
    if (!loose->sorted)
        qsort(loose->numbers, loose->n, sizeof(loose->numbers[0]), by_hash);
    loose->sorted = 1;
    hash = hash_of(number);
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (loose->numbers[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return (low < loose->n && loose->numbers[low].hash == hash ?
        loose->numbers[low].line : 0);
}

void
mapping_loose_free(struct mapping_loose *loose)
{
    free(loose->numbers);
    *loose = (struct mapping_loose){0};
}
