#include "proto/catalog_row.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/civil.h"

#define ID_MAX 63
#define TEXT_MAX 1000
#define OFFSET_MIN (-12 * 60)
#define OFFSET_MAX (14 * 60)
#define AGE_MAX 3650
#define SECONDS_A_DAY 86400

static const char *const association_columns[] = {
    "id", "name", "short_name", "kind", "lifecycle", "successor_id",
    "utc_offset_minutes", "max_age_days", "contact", "designation",
    "designated_on", "number_fold_case", "number_drop_separators",
    "number_drop_leading_zeros", "identity_policy", "source", "confidence",
    "checked_on",
};

static const char *const credential_type_columns[] = {
    "id", "association_id", "abbreviation", "name", "role", "kind",
    "lifecycle", "successor_id", "source", "confidence", "checked_on",
};

static const char *const recognition_columns[] = {
    "id", "association_id", "credential_type_id",
    "except_credential_type_ids", "recognizer", "basis", "valid_from",
    "valid_until", "observed_on", "source", "confidence", "checked_on",
};

static const char *const extension_columns[] = {
    "id", "association_id", "credential_type_id", "ended_from",
    "ended_until", "counts_until", "order", "source", "confidence",
    "checked_on",
};

#define FORM(file, columns) \
    {file, columns, sizeof(columns) / sizeof((columns)[0])}

const struct catalog_form catalog_row_associations =
    FORM("associations.csv", association_columns);
const struct catalog_form catalog_row_credential_types =
    FORM("credential_types.csv", credential_type_columns);
const struct catalog_form catalog_row_recognitions =
    FORM("recognitions.csv", recognition_columns);
const struct catalog_form catalog_row_extensions =
    FORM("extensions.csv", extension_columns);

enum presence { REQUIRED, OPTIONAL };
enum extent { WHOLE, PARTIAL };

void
catalog_row_tell(const struct catalog_context *context, const char *column,
    const char *format, ...)
{
    char what[400];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    catalog_table_tell(context->table, context->row->line, column,
        context->report, "%s", what);
}

static enum err
exhausted(const struct catalog_context *c)
{
    return (arena_exhausted(c->arena) ? E_TOOBIG : E_NOMEM);
}

static char *
cell(const struct catalog_context *c, const char *column)
{
    return (catalog_table_cell(c->table, c->row, column));
}

static int
is_id(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");

    return (n > 0 && n <= ID_MAX && text[n] == '\0');
}

static char *
read_id(const struct catalog_context *c, const char *column,
    enum presence presence)
{
    char *text = cell(c, column);

    if (*text == '\0' && presence == REQUIRED)
        catalog_row_tell(c, column, "is missing");
    else if (*text != '\0' && !is_id(text))
        catalog_row_tell(c, column, "is no id: 1 to 63 of a-z, 0-9 and -");
    return (text);
}

static char *
read_text(const struct catalog_context *c, const char *column,
    enum presence presence)
{
    char *text = cell(c, column);

    if (*text == '\0' && presence == REQUIRED)
        catalog_row_tell(c, column, "is missing");
    if (strlen(text) > TEXT_MAX)
        catalog_row_tell(c, column, "is above %d bytes", TEXT_MAX);
    for (const char *p = text; *p != '\0'; p++) {
        if ((unsigned char)*p < ' ' || *p == 0x7f) {
            catalog_row_tell(c, column, "holds a control character");
            break;
        }
    }
    return (text);
}

/* The words of a value are its name without the prefix of its enum. */
static const char *
enum_word(const ProtobufCEnumDescriptor *descriptor, size_t i)
{
    size_t prefix = strlen(descriptor->values[0].name) - strlen("UNSPECIFIED");

    return (descriptor->values[i].name + prefix);
}

static int
is_word(const char *word, const char *text)
{
    while (*word != '\0' && *text == tolower((unsigned char)*word)) {
        word++;
        text++;
    }
    return (*word == '\0' && *text == '\0');
}

/* "is not one of: professional, state_board, school". */
static void
tell_words(const struct catalog_context *c, const char *column,
    const ProtobufCEnumDescriptor *descriptor)
{
    char words[300];
    size_t n = 0;

    for (size_t i = 1; i < descriptor->n_values; i++) {
        for (const char *p = i == 1 ? "" : ", "; *p != '\0' &&
            n < sizeof(words) - 1; p++)
            words[n++] = *p;
        for (const char *p = enum_word(descriptor, i); *p != '\0' &&
            n < sizeof(words) - 1; p++)
            words[n++] = (char)tolower((unsigned char)*p);
    }
    words[n] = '\0';
    catalog_row_tell(c, column, "is not one of: %s", words);
}

/* One of the words of ${descriptor}; 0 if it is none. */
static int
read_word(const struct catalog_context *c, const char *column,
    const ProtobufCEnumDescriptor *descriptor)
{
    const char *text = cell(c, column);

    for (size_t i = 1; i < descriptor->n_values; i++) {
        if (is_word(enum_word(descriptor, i), text))
            return (descriptor->values[i].value);
    }
    tell_words(c, column, descriptor);
    return (0);
}

static int
read_truth(const struct catalog_context *c, const char *column)
{
    const char *text = cell(c, column);
    int is_true = strcmp(text, "true") == 0;

    if (!is_true && strcmp(text, "false") != 0)
        catalog_row_tell(c, column, "is not one of: true, false");
    return (is_true);
}

static int32_t
read_integer(const struct catalog_context *c, const char *column, int32_t min,
    int32_t max)
{
    const char *text = cell(c, column);
    long value;
    char *end;

    errno = 0;
    value = strtol(text, &end, 10);
    if (end == text || *end != '\0' || isspace((unsigned char)*text) ||
        errno != 0 || value < min || value > max) {
        catalog_row_tell(c, column, "is not a whole number from %d to %d",
            (int)min, (int)max);
        return (0);
    }
    return ((int32_t)value);
}

/* A date that is not given, or wrong, is NULL. */
static enum err
read_date(const struct catalog_context *c, const char *column,
    enum presence presence, enum extent extent, Vouch__V1__Date **date)
{
    const char *text = cell(c, column);
    struct civil civil;

    *date = NULL;
    if (*text == '\0') {
        if (presence == REQUIRED)
            catalog_row_tell(c, column, "is missing");
        return (E_OK);
    }
    if (civil_parse(text, &civil) != E_OK) {
        catalog_row_tell(c, column, extent == WHOLE ?
            "is no date: YYYY-MM-DD" :
            "is no date: YYYY-MM-DD, YYYY-MM or YYYY");
        return (E_OK);
    }
    if (extent == WHOLE && !civil_is_whole(civil)) {
        catalog_row_tell(c, column, "is not a whole date: YYYY-MM-DD");
        return (E_OK);
    }
    if ((*date = arena_alloc(c->arena, sizeof(**date))) == NULL)
        return (exhausted(c));
    vouch__v1__date__init(*date);
    (*date)->year = civil.year;
    (*date)->month = civil.month;
    (*date)->day = civil.day;
    return (E_OK);
}

/* Where a row comes from: every file has these columns. */
static enum err
read_provenance(const struct catalog_context *c, char **source,
    Vouch__V1__Confidence *confidence, Vouch__V1__Date **checked_on)
{
    *source = read_text(c, "source", REQUIRED);
    *confidence = (Vouch__V1__Confidence)read_word(c, "confidence",
        &vouch__v1__confidence__descriptor);
    return (read_date(c, "checked_on", REQUIRED, WHOLE, checked_on));
}

/* All false is no message at all: the canonical form has no empty one. */
static enum err
read_normalization(const struct catalog_context *c,
    Vouch__V1__NumberNormalization **number)
{
    int fold_case = read_truth(c, "number_fold_case");
    int drop_separators = read_truth(c, "number_drop_separators");
    int drop_leading_zeros = read_truth(c, "number_drop_leading_zeros");
    Vouch__V1__NumberNormalization *n;

    *number = NULL;
    if (!fold_case && !drop_separators && !drop_leading_zeros)
        return (E_OK);
    if ((n = arena_alloc(c->arena, sizeof(*n))) == NULL)
        return (exhausted(c));
    vouch__v1__number_normalization__init(n);
    n->fold_case = fold_case;
    n->drop_separators = drop_separators;
    n->drop_leading_zeros = drop_leading_zeros;
    *number = n;
    return (E_OK);
}

enum err
catalog_row_association(const struct catalog_context *context,
    Vouch__V1__Association **association)
{
    const struct catalog_context *c = context;
    Vouch__V1__Association *a;
    enum err err;

    *association = NULL;
    if ((a = arena_alloc(c->arena, sizeof(*a))) == NULL)
        return (exhausted(c));
    vouch__v1__association__init(a);
    a->id = read_id(c, "id", REQUIRED);
    a->name = read_text(c, "name", REQUIRED);
    a->short_name = read_text(c, "short_name", OPTIONAL);
    a->kind = (Vouch__V1__AssociationKind)read_word(c, "kind",
        &vouch__v1__association_kind__descriptor);
    a->lifecycle = (Vouch__V1__Lifecycle)read_word(c, "lifecycle",
        &vouch__v1__lifecycle__descriptor);
    a->successor_id = read_id(c, "successor_id", OPTIONAL);
    a->utc_offset_minutes = read_integer(c, "utc_offset_minutes", OFFSET_MIN,
        OFFSET_MAX);
    a->max_age_seconds = (int64_t)read_integer(c, "max_age_days", 1, AGE_MAX) *
        SECONDS_A_DAY;
    a->contact = read_text(c, "contact", OPTIONAL);
    a->designation = read_text(c, "designation", OPTIONAL);
    if ((err = read_date(c, "designated_on",
        *a->designation == '\0' ? OPTIONAL : REQUIRED, WHOLE,
        &a->designated_on)) != E_OK)
        return (err);
    if (*a->designation == '\0' && *cell(c, "designated_on") != '\0')
        catalog_row_tell(c, "designated_on", "is given without a designation");
    if ((err = read_normalization(c, &a->number)) != E_OK)
        return (err);
    a->identity_policy = (Vouch__V1__IdentityPolicy)read_word(c,
        "identity_policy", &vouch__v1__identity_policy__descriptor);
    if ((err = read_provenance(c, &a->source, &a->confidence,
        &a->checked_on)) != E_OK)
        return (err);
    *association = a;
    return (E_OK);
}

enum err
catalog_row_credential_type(const struct catalog_context *context,
    Vouch__V1__CredentialType **type)
{
    const struct catalog_context *c = context;
    Vouch__V1__CredentialType *t;
    enum err err;

    *type = NULL;
    if ((t = arena_alloc(c->arena, sizeof(*t))) == NULL)
        return (exhausted(c));
    vouch__v1__credential_type__init(t);
    t->id = read_id(c, "id", REQUIRED);
    t->association_id = read_id(c, "association_id", REQUIRED);
    t->abbreviation = read_text(c, "abbreviation", OPTIONAL);
    t->name = read_text(c, "name", REQUIRED);
    t->role = (Vouch__V1__Role)read_word(c, "role",
        &vouch__v1__role__descriptor);
    t->kind = (Vouch__V1__CredentialKind)read_word(c, "kind",
        &vouch__v1__credential_kind__descriptor);
    t->lifecycle = (Vouch__V1__Lifecycle)read_word(c, "lifecycle",
        &vouch__v1__lifecycle__descriptor);
    t->successor_id = read_id(c, "successor_id", OPTIONAL);
    if ((err = read_provenance(c, &t->source, &t->confidence,
        &t->checked_on)) != E_OK)
        return (err);
    *type = t;
    return (E_OK);
}

static struct civil
civil_of(const Vouch__V1__Date *date)
{
    return ((struct civil){date->year, date->month, date->day});
}

/* Return non-zero if both are given and ${until} ends before ${from}. */
static int
ends_before(const Vouch__V1__Date *until, const Vouch__V1__Date *from)
{
    return (until != NULL && from != NULL &&
        civil_last_day(civil_of(until)) < civil_first_day(civil_of(from)));
}

static enum err
read_days(const struct catalog_context *c, Vouch__V1__Recognition *r)
{
    enum err err;

    if ((err = read_date(c, "valid_from", OPTIONAL, PARTIAL,
        &r->valid_from)) != E_OK ||
        (err = read_date(c, "valid_until", OPTIONAL, PARTIAL,
        &r->valid_until)) != E_OK ||
        (err = read_date(c, "observed_on", OPTIONAL, PARTIAL,
        &r->observed_on)) != E_OK)
        return (err);
    if (*cell(c, "valid_from") == '\0' && *cell(c, "observed_on") == '\0')
        catalog_row_tell(c, "valid_from",
            "is missing, and so is observed_on: one is needed");
    if (ends_before(r->valid_until, r->valid_from))
        catalog_row_tell(c, "valid_until", "is before valid_from");
    if (ends_before(r->valid_until, r->observed_on))
        catalog_row_tell(c, "valid_until", "is before observed_on");
    return (E_OK);
}

/* Ids in one cell; each is checked by itself. */
static enum err
read_ids(const struct catalog_context *c, const char *column, char ***list,
    size_t *n)
{
    char *text = cell(c, column), *copy, *next;
    size_t room = 1;

    *list = NULL;
    *n = 0;
    if (*text == '\0')
        return (E_OK);
    for (const char *p = text; *p != '\0'; p++)
        room += (*p == CATALOG_ROW_SEPARATOR[0]);
    if ((*list = arena_alloc(c->arena, room * sizeof(**list))) == NULL ||
        (copy = arena_copy(c->arena, slice_of(text))) == NULL)
        return (exhausted(c));
    for (next = copy; next != NULL;) {
        char *one = strsep(&next, CATALOG_ROW_SEPARATOR);

        if (!is_id(one))
            catalog_row_tell(c, column, "'%s' is no id: ids are 1 to 63 of "
                "a-z, 0-9 and -, with '%s' between", one,
                CATALOG_ROW_SEPARATOR);
        (*list)[(*n)++] = one;
    }
    return (E_OK);
}

enum err
catalog_row_recognition(const struct catalog_context *context,
    Vouch__V1__Recognition **recognition)
{
    const struct catalog_context *c = context;
    Vouch__V1__Recognition *r;
    enum err err;

    *recognition = NULL;
    if ((r = arena_alloc(c->arena, sizeof(*r))) == NULL)
        return (exhausted(c));
    vouch__v1__recognition__init(r);
    r->id = read_id(c, "id", REQUIRED);
    r->association_id = read_id(c, "association_id", REQUIRED);
    r->credential_type_id = read_id(c, "credential_type_id", OPTIONAL);
    if ((err = read_ids(c, "except_credential_type_ids",
        &r->except_credential_type_ids,
        &r->n_except_credential_type_ids)) != E_OK)
        return (err);
    r->recognizer = read_id(c, "recognizer", REQUIRED);
    r->basis = read_text(c, "basis", REQUIRED);
    if ((err = read_days(c, r)) != E_OK)
        return (err);
    if ((err = read_provenance(c, &r->source, &r->confidence,
        &r->checked_on)) != E_OK)
        return (err);
    *recognition = r;
    return (E_OK);
}

static enum err
read_extension_days(const struct catalog_context *c, Vouch__V1__Extension *x)
{
    enum err err;

    if ((err = read_date(c, "ended_from", REQUIRED, WHOLE,
        &x->ended_from)) != E_OK ||
        (err = read_date(c, "ended_until", REQUIRED, WHOLE,
        &x->ended_until)) != E_OK ||
        (err = read_date(c, "counts_until", REQUIRED, WHOLE,
        &x->counts_until)) != E_OK)
        return (err);
    if (ends_before(x->ended_until, x->ended_from))
        catalog_row_tell(c, "ended_until", "is before ended_from");
    if (ends_before(x->counts_until, x->ended_until))
        catalog_row_tell(c, "counts_until", "is before ended_until");
    return (E_OK);
}

enum err
catalog_row_extension(const struct catalog_context *context,
    Vouch__V1__Extension **extension)
{
    const struct catalog_context *c = context;
    Vouch__V1__Extension *x;
    enum err err;

    *extension = NULL;
    if ((x = arena_alloc(c->arena, sizeof(*x))) == NULL)
        return (exhausted(c));
    vouch__v1__extension__init(x);
    x->id = read_id(c, "id", REQUIRED);
    x->association_id = read_id(c, "association_id", REQUIRED);
    x->credential_type_id = read_id(c, "credential_type_id", OPTIONAL);
    if ((err = read_extension_days(c, x)) != E_OK)
        return (err);
    x->order = read_text(c, "order", REQUIRED);
    if ((err = read_provenance(c, &x->source, &x->confidence,
        &x->checked_on)) != E_OK)
        return (err);
    *extension = x;
    return (E_OK);
}
