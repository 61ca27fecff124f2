#include "client/mapping_name.h"

#include <string.h>

#include "proto/name_fold.h"
#include "proto/utf8.h"

static int
is_gap(uint8_t c)
{
    return (c == ' ' || c == ',');
}

/* Cut blanks and commas off the end. */
static struct slice
cut(struct slice s)
{
    while (s.n > 0 && is_gap(s.p[s.n - 1]))
        s.n--;
    return (s);
}

/*
 * Does ${name} end with ${word}?  Dots and case do not count.  Returns how
 * much of ${name} stands before it; SIZE_MAX: it does not.
 */
static size_t
before_tail(struct slice name, const char *word)
{
    size_t i = name.n, j = strlen(word);

    for (;;) {
        while (i > 0 && name.p[i - 1] == '.')
            i--;
        while (j > 0 && word[j - 1] == '.')
            j--;
        if (j == 0)
            break;
        if (i == 0 || !mapping_same((struct slice){name.p + i - 1, 1},
            (struct slice){(const uint8_t *)word + j - 1, 1}))
            return (SIZE_MAX);
        i--;
        j--;
    }
    return (i == 0 || is_gap(name.p[i - 1]) ? i : SIZE_MAX);
}

/*
 * Split one of ${list} off the end of ${*name} into ${*tail}.  Unless ${whole},
 * something of the name must be left.
 */
static int
split_tail(struct slice *name, const struct mapping_list *list, int whole,
    struct slice *tail)
{
    struct slice all = cut(*name);

    for (size_t i = 0; i < list->n; i++) {
        size_t n = before_tail(all, list->at[i]);
        struct slice rest = {all.p, n};

        if (n == SIZE_MAX || (cut(rest).n == 0 && !whole))
            continue;
        *tail = (struct slice){all.p + n, all.n - n};
        *name = cut(rest);
        return (1);
    }
    return (0);
}

/* Split suffixes and degrees, in whatever order they stand. */
static enum err
split_tails(const struct mapping_name *how, int whole, struct slice *name,
    struct slice *suffix)
{
    struct slice tail;

    for (;;) {
        if (split_tail(name, &how->suffixes, whole, &tail)) {
            if (suffix->n == 0)
                *suffix = tail;
            else if (name_suffix(*suffix) != name_suffix(tail))
                return (E_INVAL);
        } else if (!split_tail(name, &how->degrees, 0, &tail)) {
            return (E_OK);
        }
    }
}

/* Join ${a}, ${between} and ${b}. */
static enum err
join(struct arena *arena, struct slice a, const char *between,
    struct slice b, struct slice *out)
{
    size_t n = strlen(between);
    uint8_t *p;

    if ((p = arena_alloc(arena, a.n + n + b.n + 1)) == NULL)
        return (arena_exhausted(arena) ? E_TOOBIG : E_NOMEM);
    if (a.n > 0)
        memcpy(p, a.p, a.n);
    memcpy(p + a.n, between, n);
    if (b.n > 0)
        memcpy(p + a.n + n, b.p, b.n);
    *out = (struct slice){p, a.n + n + b.n};
    return (E_OK);
}

/* Take the first text in parentheses out of ${*name}. */
static enum err
take_parentheses(const struct mapping_name *how, struct slice *name,
    struct slice *former, struct arena *arena)
{
    const uint8_t *open = name->n > 0 ? memchr(name->p, '(', name->n) : NULL;
    const uint8_t *close, *end;
    struct slice left, right, inside;
    enum err err = E_OK;

    if (how->parentheses == MAPPING_PARENTHESES_KEEP || open == NULL)
        return (E_OK);
    end = name->p + name->n;
    if ((close = memchr(open, ')', (size_t)(end - open))) == NULL)
        return (E_OK);
    left = cut((struct slice){name->p, (size_t)(open - name->p)});
    right = rows_trim((struct slice){close + 1, (size_t)(end - close - 1)});
    inside = rows_trim((struct slice){open + 1,
        (size_t)(close - open - 1)});
    if (left.n + right.n == 0)
        return (E_OK);          /* it is all there is */
    if (how->parentheses == MAPPING_PARENTHESES_FORMER && inside.n > 0)
        err = former->n > 0 ? join(arena, *former, ";", inside, former) :
            join(arena, inside, "", *former, former);
    if (err == E_OK)
        err = join(arena, left, left.n > 0 && right.n > 0 ? " " : "", right,
            name);
    return (err);
}

/* Is ${word} one letter, with or without a dot? */
static int
is_initial(struct slice word)
{
    if (word.n > 1 && word.p[word.n - 1] == '.')
        word.n--;
    return (word.n > 0 && word.p[0] != '.' && utf8_next(word) == word.n);
}

/* Where the last word of ${s} begins. */
static size_t
last_word(struct slice s)
{
    size_t n = s.n;

    while (n > 0 && s.p[n - 1] != ' ')
        n--;
    return (n);
}

static void
split_middle(enum mapping_middle how, struct slice *given,
    struct slice *middle)
{
    struct slice first = cut(*given);

    if (how == MAPPING_MIDDLE_KEEP || middle->n > 0)
        return;
    while (last_word(first) > 0) {
        size_t at = last_word(first);
        struct slice word = {first.p + at, first.n - at};

        if (how == MAPPING_MIDDLE_INITIAL && !is_initial(word))
            break;
        first = cut((struct slice){first.p, at});
    }
    if (first.n == 0)
        return;
    *middle = rows_trim((struct slice){given->p + first.n,
        given->n - first.n});
    *given = first;
}

enum err
mapping_name_split(const struct mapping *m,
    struct slice texts[ROWS_COLUMN_COUNT], struct arena *arena,
    enum rows_column *field)
{
    enum err err;

    *field = ROWS_FAMILY;
    if ((err = take_parentheses(&m->family, &texts[ROWS_FAMILY],
            &texts[ROWS_FORMER_FAMILY], arena)) != E_OK ||
        (err = split_tails(&m->family, 0, &texts[ROWS_FAMILY],
            &texts[ROWS_SUFFIX])) != E_OK)
        return (err);
    *field = ROWS_GIVEN;
    if ((err = take_parentheses(&m->given, &texts[ROWS_GIVEN],
            &texts[ROWS_FORMER_FAMILY], arena)) != E_OK ||
        (err = split_tails(&m->given, 1, &texts[ROWS_GIVEN],
            &texts[ROWS_SUFFIX])) != E_OK)
        return (err);
    split_middle(m->given.middle, &texts[ROWS_GIVEN], &texts[ROWS_MIDDLE]);
    return (E_OK);
}
