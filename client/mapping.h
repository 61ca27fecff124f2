#ifndef CLIENT_MAPPING_H
#define CLIENT_MAPPING_H

/*
 * How an association's own file becomes rows: which column is which field, how
 * dates are written, what its status words mean.  Written in YAML by the
 * association; docs/mapping.md tells every key.  Fields have the names that
 * columns have in the plain CSV (rows.h).
 */

#include <stddef.h>

#include "client/mapping_faults.h"
#include "client/rows.h"
#include "proto/arena.h"
#include "proto/bytes.h"
#include "proto/civil.h"
#include "proto/csv_reader.h"
#include "proto/err.h"
#include "vouch/v1/types.pb-c.h"

#define MAPPING_JOIN_MAX 4          /* columns that make one text */
#define MAPPING_PERIODS_MAX 4
#define MAPPING_LIST_MAX 1000       /* of words of one kind */

struct mapping_list {
    const char **at;
    size_t n;
};

/* A column of the file: by its name, or where there are none by its number. */
struct mapping_column {
    struct mapping_place place;
    const char *name;
    size_t at;                      /* in a record; set by mapping_bind() */
};

enum mapping_policy { MAPPING_UNSAID, MAPPING_REJECT, MAPPING_UNKNOWN };

/* Where a text comes from. */
struct mapping_value {
    struct mapping_place place;
    const char *constant;           /* or NULL, and there may be columns */
    struct mapping_column columns[MAPPING_JOIN_MAX];
    size_t ncolumns;
    const char *join;               /* between them */
    struct mapping_list unknown;    /* texts that mean: not known */
    struct mapping_list values;     /* a text of the file, and ours; in turn */
    struct mapping_list formats;    /* of a date; none: those for all */
    enum mapping_policy impossible; /* what becomes of such a date */
    const char *title;              /* what the file calls it */
};

/* What is said of a credential by a word. */
struct mapping_meaning {
    Vouch__V1__Standing standing;
    Vouch__V1__InactiveReason inactive_reason;
    Vouch__V1__Restriction restriction;
    Vouch__V1__Review review;
    int good_past_end_date;
};

struct mapping_word {
    const char *word;
    const char *reason;             /* NULL: any that has no entry itself */
    struct mapping_meaning meaning;
};

struct mapping_words {
    struct mapping_word *at;
    size_t n;
    enum mapping_policy unmapped;
};

struct mapping_period {
    struct mapping_place place;
    Vouch__V1__PeriodKind kind;
    struct mapping_value from, until, grace;
};

enum mapping_parentheses {
    MAPPING_PARENTHESES_KEEP, MAPPING_PARENTHESES_DROP,
    MAPPING_PARENTHESES_FORMER
};

enum mapping_middle {
    MAPPING_MIDDLE_KEEP, MAPPING_MIDDLE_INITIAL, MAPPING_MIDDLE_REST
};

/* What is split off a family or a given name. */
struct mapping_name {
    struct mapping_list suffixes;
    struct mapping_list degrees;
    enum mapping_parentheses parentheses;
    enum mapping_middle middle;
};

/* What a row about a case says while the case is open. */
struct mapping_case {
    struct mapping_place place;
    struct mapping_value id, action, effective, complete;
    struct mapping_words words;
};

struct mapping {
    struct arena *arena;            /* owned; everything below lives in it */
    int has_header;
    size_t fields;                  /* without a header: of each line */
    char separator;
    int quotes;
    const char *encoding;
    struct mapping_value columns[ROWS_COLUMN_COUNT];
    unsigned absent;                /* fields that the file has not; bits */
    struct mapping_period periods[MAPPING_PERIODS_MAX];
    size_t nperiods;
    struct mapping_list formats;    /* of dates */
    struct mapping_list unknown;    /* dates that mean: not known */
    struct civil earliest, latest;
    enum mapping_policy impossible;
    struct mapping_name family, given;
    int has_status;
    struct mapping_words status;
    int has_no_end_date;
    struct mapping_meaning no_end_date;
    unsigned fold;                  /* the key's fields; bits; 0: no folding */
    int has_case;
    struct mapping_case cases;
};

/**
 * mapping_parse(bytes, type, faults, mapping):
 * Read a mapping; ${type}, unless NULL, is the credential type of every row,
 * whatever the mapping says.  ${type} is borrowed.  The caller owns
 * ${*mapping}; free with mapping_free().
 *
 * Fails: E_INVAL, E_TOOBIG (${faults} says what is wrong and where; it must
 * begin as {0}), E_NOMEM.  On failure ${*mapping} is NULL.
 */
enum err MUST_USE mapping_parse(struct slice bytes, const char *type,
    struct mapping_faults *faults, struct mapping **mapping);

/**
 * mapping_bind(mapping, record, faults):
 * Find each column in ${record}, the first of the file: its header, or where
 * there is none, what all others must be like.
 *
 * Fails: E_INVAL (columns are missing or not clear: ${faults}).
 */
enum err MUST_USE mapping_bind(struct mapping *mapping,
    const struct csv_record *record, struct mapping_faults *faults);

/**
 * mapping_same(a, b):
 * Return non-zero if ${a} and ${b} are the same word; case does not count in
 * ASCII.
 */
int mapping_same(struct slice a, struct slice b);

/**
 * mapping_has(list, text):
 * Return non-zero if ${list} has a word that is the same as ${text}.
 */
int mapping_has(const struct mapping_list *list, struct slice text);

/**
 * mapping_trim(text):
 * Return ${text} without what surrounds it: blanks of any kind mean nothing
 * there, a no-break space neither.
 */
struct slice mapping_trim(struct slice text);

/**
 * mapping_is_given(value):
 * Return non-zero if ${value} has a source in the file or a constant.
 */
int mapping_is_given(const struct mapping_value *value);

/**
 * mapping_title(mapping, column):
 * Return what the file calls ${column}, or its own name where the file has no
 * such thing.
 */
const char *mapping_title(const struct mapping *mapping,
    enum rows_column column);

/**
 * mapping_free(mapping):
 * Free ${mapping}; NULL is allowed.
 */
void mapping_free(struct mapping *mapping);

#endif /* !CLIENT_MAPPING_H */
