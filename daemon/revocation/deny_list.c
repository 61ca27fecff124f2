#include "revocation/deny_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A URI would make an entry ten times as large as most: values are apart. */
struct entry {
    uint8_t kind;
    uint8_t role;
    uint16_t n;             /* of the value */
    uint32_t at;            /* of the value, in ${values} */
    uint32_t line;
};

struct deny_list {
    struct buf text;        /* as it was read */
    struct buf values;
    struct buf table;       /* of struct entry, sorted as find_entry() says */
};

static const struct entry *
entries(const struct deny_list *list, size_t *n)
{
    *n = list->table.n / sizeof(struct entry);
    return ((const struct entry *)(const void *)list->table.p);
}

static int
compare_values(struct slice a, struct slice b)
{
    int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

    return (order != 0 ? order : (a.n > b.n) - (a.n < b.n));
}

/* What is looked for, or an entry in its list. */
struct place {
    unsigned kind, role;
    struct slice value;
};

static struct place
place_of(const struct deny_list *list, const struct entry *e)
{
    return ((struct place){e->kind, e->role, {list->values.p + e->at, e->n}});
}

static int
compare_places(struct place a, struct place b)
{
    if (a.kind != b.kind)
        return (a.kind < b.kind ? -1 : 1);
    if (a.role != b.role)
        return (a.role < b.role ? -1 : 1);
    return (compare_values(a.value, b.value));
}

static int
by_place(const void *a, const void *b, void *list)
{
    const struct entry *x = a, *y = b;
    int order = compare_places(place_of(list, x), place_of(list, y));

    return (order != 0 ? order : (x->line > y->line) - (x->line < y->line));
}

/* ---- reading ----------------------------------------------------------- */

static enum err
add_entry(struct deny_list *list, const struct denial *denial, unsigned line)
{
    const struct slice value = slice_of(denial->value);
    const struct entry e = {
        .kind = (uint8_t)denial->kind,
        .role = (uint8_t)denial->role,
        .n = (uint16_t)value.n,
        .at = (uint32_t)list->values.n,
        .line = line,
    };
    enum err err;

    if ((err = buf_add(&list->values, value)) != E_OK)
        return (err);
    return (buf_add(&list->table, (struct slice){(const uint8_t *)&e,
        sizeof(e)}));
}

static int
is_comment(struct slice line)
{
    while (line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t')) {
        line.p++;
        line.n--;
    }
    return (line.n == 0 || line.p[0] == '#');
}

/* Take the next line, without its newline, off the front of ${*text}. */
static enum err
take_line(struct slice *text, struct slice *line)
{
    const uint8_t *end = memchr(text->p, '\n', text->n);

    if (end == NULL)
        return (E_INVAL);
    *line = (struct slice){text->p, (size_t)(end - text->p)};
    text->p += line->n + 1;
    text->n -= line->n + 1;
    return (E_OK);
}

static enum err
read_lines(struct deny_list *list, const char *trust_domain, char *why,
    size_t size)
{
    struct slice rest = buf_slice(&list->text), line;
    struct denial denial;
    const char *fault;
    enum err err;

    for (unsigned number = 1; rest.n > 0; number++) {
        fault = "the line does not end, and may be half of one";
        if ((err = take_line(&rest, &line)) == E_OK && is_comment(line))
            continue;
        if (err == E_OK)
            err = denial_read(line, trust_domain, &denial, &fault);
        if (err != E_OK) {
            (void)snprintf(why, size, "line %u: %s", number, fault);
            return (err);
        }
        if ((err = add_entry(list, &denial, number)) != E_OK) {
            (void)snprintf(why, size, "%s", err_text(err));
            return (err);
        }
    }
    return (E_OK);
}

enum err
deny_list_create(struct slice text, const char *trust_domain,
    struct deny_list **list, char *why, size_t size)
{
    struct deny_list *l = NULL;
    size_t n;
    enum err err = E_NOMEM;

    *list = NULL;

    (void)snprintf(why, size, "%s", err_text(E_NOMEM));
    if ((l = calloc(1, sizeof(*l))) == NULL)
        goto out;
    buf_init(&l->text, DENY_LIST_MAX);
    buf_init(&l->values, DENY_LIST_MAX);
    buf_init(&l->table, DENY_LIST_MAX * sizeof(struct entry));
    if ((err = buf_add(&l->text, text)) != E_OK) {
        (void)snprintf(why, size, "%s", err_text(err));
        goto out;
    }
    if ((err = read_lines(l, trust_domain, why, size)) != E_OK)
        goto out;
    (void)entries(l, &n);
    if (n > 1)
        qsort_r(l->table.p, n, sizeof(struct entry), by_place, l);

    *list = l;
    l = NULL;

out:
    deny_list_free(l);
    return (err);
}

/* ---- asking ------------------------------------------------------------ */

/* Of several lines that say the same, the first. */
unsigned
deny_list_find(const struct deny_list *list, enum denial_kind kind,
    enum role role, const char *value)
{
    const struct place wanted = {kind,
        kind == DENIAL_SERIAL ? role : ROLE_COUNT, slice_of(value)};
    size_t low = 0, high;
    const struct entry *table = entries(list, &high);
    size_t n = high;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_places(place_of(list, &table[middle]), wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == n || compare_places(place_of(list, &table[low]), wanted) != 0)
        return (0);
    return (table[low].line);
}

struct slice
deny_list_text(const struct deny_list *list)
{
    return (buf_slice(&list->text));
}

int
deny_list_continues(const struct deny_list *list,
    const struct deny_list *before)
{
    struct slice text = deny_list_text(list), old = deny_list_text(before);

    if (text.n < old.n)
        return (0);
    text.n = old.n;
    return (slice_equal(text, old));
}

size_t
deny_list_count(const struct deny_list *list)
{
    size_t n;

    (void)entries(list, &n);
    return (n);
}

void
deny_list_free(struct deny_list *list)
{
    if (list == NULL)
        return;
    buf_free(&list->text);
    buf_free(&list->values);
    buf_free(&list->table);
    free(list);
}
