#include "client/mapping_faults.h"

#include <stdarg.h>
#include <stdlib.h>

#include "client/table.h"
#include "proto/utf8.h"

void
mapping_faults_add(struct mapping_faults *faults, struct mapping_place place,
    const char *format, ...)
{
    va_list args;

    if (faults->n == MAPPING_FAULTS_MAX) {
        faults->more++;
        return;
    }
    faults->list[faults->n].place = place;
    va_start(args, format);
    (void)vsnprintf(faults->list[faults->n].what, MAPPING_FAULT_TEXT, format,
        args);
    va_end(args);

    /* What was quoted may have been cut within a character. */
    utf8_copy(slice_of(faults->list[faults->n].what),
        faults->list[faults->n].what, MAPPING_FAULT_TEXT);
    faults->n++;
}

static int
compare(const void *a, const void *b)
{
    const struct mapping_place *x = a, *y = b;

    if (x->line != y->line)
        return (x->line < y->line ? -1 : 1);
    return (x->column < y->column ? -1 : x->column > y->column);
}

void
mapping_faults_print(struct mapping_faults *faults, const char *path, FILE *f)
{
    /* The place is the first member of what is sorted. */
    qsort(faults->list, faults->n, sizeof(faults->list[0]), compare);
    for (size_t i = 0; i < faults->n; i++) {
        fprintf(f, "%s:%ld:%ld: ", path, faults->list[i].place.line,
            faults->list[i].place.column);
        table_put(f, faults->list[i].what);
        fputc('\n', f);
    }
    if (faults->more > 0)
        fprintf(f, "%s: %zu more faults are not shown\n", path, faults->more);
}
