#include "service/publish_row.h"

#include <string.h>

#include "proto/name_fold.h"
#include "service/credential.h"
#include "service/text.h"

#define HOLDER_REF_MAX 64
#define LAST4 4

/* Day number of 1850-01-01. */
#define EARLIEST (-43829)

/* How many days ahead a change may be announced. */
#define AHEAD 366

/*
 * Folding makes of no character more than eleven times its bytes, so a name
 * of so many is sure to have a key.
 */
#define SURELY_FOLDS 80

/* One row that is being checked. */
struct checking {
    const Vouch__V1__CredentialRow *row;
    const struct row_terms *terms;
    struct row_reject *reject;
};

static enum err
refuse(const struct checking *c, enum row_fault fault, enum row_field field)
{
    c->reject->line = c->row->line;
    c->reject->fault = fault;
    c->reject->field = field;
    return (E_INVAL);
}

struct civil
publish_row_date(const Vouch__V1__Date *date)
{
    struct civil civil = {0};

    if (date != NULL)
        civil = (struct civil){date->year, date->month, date->day};
    return (civil);
}

static int
is_listed(const struct row_terms *terms, const char *id)
{
    int place = catalog_index_type_place(terms->catalog, id);
    size_t i;

    for (i = 0; i < terms->ntypes; i++)
        if ((int)terms->types[i] == place)
            return (1);
    return (!terms->listing);
}

static enum err
check_type(const struct checking *c)
{
    const char *id = c->row->credential_type_id;
    const Vouch__V1__CredentialType *type;

    if (id[0] == '\0')
        return (refuse(c, ROW_FIELD_MISSING, ROW_FIELD_credential_type_id));
    if ((type = catalog_index_type(c->terms->catalog, id)) == NULL)
        return (refuse(c, ROW_UNKNOWN_CREDENTIAL_TYPE,
            ROW_FIELD_credential_type_id));
    if (strcmp(type->association_id, c->terms->association->id) != 0)
        return (refuse(c, ROW_FOREIGN_CREDENTIAL_TYPE,
            ROW_FIELD_credential_type_id));
    if (!is_listed(c->terms, id))
        return (refuse(c, ROW_TYPE_NOT_IN_SNAPSHOT,
            ROW_FIELD_credential_type_id));
    return (E_OK);
}

static enum err
check_number(const struct checking *c)
{
    struct slice number = slice_of(c->row->number);
    char key[NUMBER_MAX + 1];

    if (number.n == 0)
        return (refuse(c, ROW_FIELD_MISSING, ROW_FIELD_number));
    switch (number_key(&c->terms->rules, number, key)) {
    case E_OK:
        return (E_OK);
    case E_TOOBIG:
        return (refuse(c, ROW_FIELD_TOO_LONG, ROW_FIELD_number));
    default:
        return (refuse(c, ROW_NUMBER_INVALID, ROW_FIELD_number));
    }
}

static enum err
check_text(const struct checking *c, const char *text, size_t max,
    enum row_field field)
{
    struct slice bytes = slice_of(text);

    if (bytes.n > max)
        return (refuse(c, ROW_FIELD_TOO_LONG, field));
    if (bytes.n > 0 && !name_is_clean(bytes))
        return (refuse(c, ROW_FIELD_NOT_CLEAN, field));
    return (E_OK);
}

static enum err
check_name_part(const struct checking *c, const char *part,
    enum row_field field)
{
    struct slice bytes = slice_of(part);
    struct name_key key;
    enum err err;

    if ((err = check_text(c, part, NAME_MAX_BYTES, field)) != E_OK)
        return (err);
    if (bytes.n <= SURELY_FOLDS)
        return (E_OK);
    if ((err = name_key_make(bytes, &key)) == E_NOMEM)
        return (err);
    return (err == E_OK ? E_OK : refuse(c, ROW_FIELD_TOO_LONG, field));
}

static int
is_blank(const char *text)
{
    return (text[strspn(text, " \t\r\n")] == '\0');
}

static enum err
check_names(const struct checking *c)
{
    const Vouch__V1__HumanName *name = c->row->name;
    enum err err;
    size_t i;

    if (name == NULL || is_blank(name->family))
        return (refuse(c, ROW_FIELD_MISSING, ROW_FIELD_name));
    if ((err = check_name_part(c, name->family, ROW_FIELD_name)) != E_OK ||
        (err = check_name_part(c, name->given, ROW_FIELD_name)) != E_OK ||
        (err = check_name_part(c, name->middle, ROW_FIELD_name)) != E_OK ||
        (err = check_name_part(c, name->suffix, ROW_FIELD_name)) != E_OK)
        return (err);
    if (c->row->n_former_family > CREDENTIAL_FORMER_MAX)
        return (refuse(c, ROW_TOO_MANY_VALUES, ROW_FIELD_former_family));
    for (i = 0; i < c->row->n_former_family; i++) {
        if (is_blank(c->row->former_family[i]))
            return (refuse(c, ROW_FIELD_MISSING, ROW_FIELD_former_family));
        err = check_name_part(c, c->row->former_family[i],
            ROW_FIELD_former_family);
        if (err != E_OK)
            return (err);
    }
    return (E_OK);
}

/* ${latest} is the last day on which the date may begin. */
static enum err
check_date(const struct checking *c, const Vouch__V1__Date *date,
    int32_t latest, enum row_field field)
{
    struct civil civil = publish_row_date(date);

    if (!civil_is_valid(civil))
        return (refuse(c, ROW_DATE_INVALID, field));
    if (!civil_is_given(civil))
        return (E_OK);
    if (civil_first_day(civil) > latest)
        return (refuse(c, ROW_DATE_IN_FUTURE, field));
    if (civil_last_day(civil) < EARLIEST)
        return (refuse(c, ROW_DATE_TOO_EARLY, field));
    return (E_OK);
}

static enum err
check_factors(const struct checking *c)
{
    const char *last4 = c->row->last4;
    size_t i;

    for (i = 0; last4[i] != '\0'; i++)
        if (i >= LAST4 || last4[i] < '0' || last4[i] > '9')
            return (refuse(c, ROW_LAST4_INVALID, ROW_FIELD_last4));
    if (i != 0 && i != LAST4)
        return (refuse(c, ROW_LAST4_INVALID, ROW_FIELD_last4));
    return (check_date(c, c->row->birth_date, c->terms->today,
        ROW_FIELD_birth_date));
}

static enum err
check_period(const struct checking *c, const Vouch__V1__ValidityPeriod *p)
{
    struct civil from = publish_row_date(p->valid_from);
    struct civil until = publish_row_date(p->valid_until);
    struct civil grace = publish_row_date(p->grace_until);

    if (p->kind == VOUCH__V1__PERIOD_KIND__PERIOD_KIND_UNSPECIFIED)
        return (refuse(c, ROW_FIELD_MISSING, ROW_FIELD_periods));
    if (!civil_is_valid(from) || !civil_is_valid(until) ||
        !civil_is_valid(grace))
        return (refuse(c, ROW_DATE_INVALID, ROW_FIELD_periods));
    if (civil_is_given(from) && civil_is_given(until) &&
        civil_first_day(from) > civil_last_day(until))
        return (refuse(c, ROW_PERIOD_REVERSED, ROW_FIELD_periods));
    if (!civil_is_given(grace))
        return (E_OK);
    if (!civil_is_given(until))
        return (refuse(c, ROW_GRACE_WITHOUT_END, ROW_FIELD_periods));
    if (civil_last_day(grace) < civil_first_day(until))
        return (refuse(c, ROW_PERIOD_REVERSED, ROW_FIELD_periods));
    return (E_OK);
}

static enum err
check_dates(const struct checking *c)
{
    enum err err;
    size_t i;

    err = check_date(c, c->row->issued_on, c->terms->today,
        ROW_FIELD_issued_on);
    if (err != E_OK)
        return (err);
    err = check_date(c, c->row->effective_on, c->terms->today + AHEAD,
        ROW_FIELD_effective_on);
    if (err != E_OK)
        return (err);
    if (c->row->n_periods > CREDENTIAL_PERIODS_MAX)
        return (refuse(c, ROW_TOO_MANY_VALUES, ROW_FIELD_periods));
    for (i = 0; i < c->row->n_periods; i++)
        if ((err = check_period(c, c->row->periods[i])) != E_OK)
            return (err);
    return (E_OK);
}

static enum err
check_status(const struct checking *c)
{
    struct status_axes axes;
    int32_t version;
    enum err err;

    err = check_text(c, c->row->raw_status, CREDENTIAL_RAW_STATUS_MAX,
        ROW_FIELD_raw_status);
    if (err != E_OK)
        return (err);
    err = check_text(c, c->row->raw_reason, CREDENTIAL_RAW_REASON_MAX,
        ROW_FIELD_raw_reason);
    if (err != E_OK)
        return (err);
    if (publish_row_status(c->row, &axes, &version) != E_OK)
        return (refuse(c, ROW_STATUS_WORD_UNKNOWN, ROW_FIELD_raw_status));
    if (axes.inactive_reason !=
        VOUCH__V1__INACTIVE_REASON__INACTIVE_REASON_UNSPECIFIED &&
        axes.standing != VOUCH__V1__STANDING__STANDING_INACTIVE)
        return (refuse(c, ROW_STATUS_CONTRADICTORY,
            ROW_FIELD_inactive_reason));
    return (E_OK);
}

enum err
publish_row_check(const Vouch__V1__CredentialRow *row,
    const struct row_terms *terms, struct row_reject *reject)
{
    const struct checking c = {row, terms, reject};
    enum err err;

    if ((err = check_type(&c)) != E_OK || (err = check_number(&c)) != E_OK)
        return (err);
    if (row->unread)
        return (refuse(&c, ROW_UNREAD_ROW, ROW_FIELD_unread));
    err = check_text(&c, row->holder_ref, HOLDER_REF_MAX,
        ROW_FIELD_holder_ref);
    if (err != E_OK)
        return (err);
    if ((err = check_names(&c)) != E_OK || (err = check_factors(&c)) != E_OK ||
        (err = check_dates(&c)) != E_OK || (err = check_status(&c)) != E_OK)
        return (err);
    return (E_OK);
}

/* A type that is ours, named or not, and a number that can be looked up. */
int
publish_row_has_key(const Vouch__V1__CredentialRow *row,
    const struct row_terms *terms)
{
    const Vouch__V1__CredentialType *type =
        catalog_index_type(terms->catalog, row->credential_type_id);
    char key[NUMBER_MAX + 1];

    return (type != NULL &&
        strcmp(type->association_id, terms->association->id) == 0 &&
        number_key(&terms->rules, slice_of(row->number), key) == E_OK);
}

/*
 * Where the publisher gave a meaning, what it left open is not guessed: the
 * standing is then UNKNOWN, and nothing limits or is looked into.
 */
enum err
publish_row_status(const Vouch__V1__CredentialRow *row,
    struct status_axes *axes, int32_t *table_version)
{
    enum err err = E_OK;

    if (row->standing == VOUCH__V1__STANDING__STANDING_UNSPECIFIED &&
        row->restriction == VOUCH__V1__RESTRICTION__RESTRICTION_UNSPECIFIED) {
        *table_version = STATUS_WORD_TABLE_VERSION;
        err = status_word_parse(slice_of(row->raw_status),
            slice_of(row->raw_reason), axes);
        if (row->inactive_reason !=
            VOUCH__V1__INACTIVE_REASON__INACTIVE_REASON_UNSPECIFIED)
            axes->inactive_reason = row->inactive_reason;
    } else {
        *table_version = 0;
        *axes = (struct status_axes){.standing = row->standing,
            .inactive_reason = row->inactive_reason,
            .restriction = row->restriction};
    }
    if (row->review != VOUCH__V1__REVIEW__REVIEW_UNSPECIFIED)
        axes->review = row->review;
    if (axes->standing == VOUCH__V1__STANDING__STANDING_UNSPECIFIED)
        axes->standing = VOUCH__V1__STANDING__STANDING_UNKNOWN;
    if (axes->restriction == VOUCH__V1__RESTRICTION__RESTRICTION_UNSPECIFIED)
        axes->restriction = VOUCH__V1__RESTRICTION__RESTRICTION_NONE;
    if (axes->review == VOUCH__V1__REVIEW__REVIEW_UNSPECIFIED)
        axes->review = VOUCH__V1__REVIEW__REVIEW_NONE;
    return (err);
}

const char *
publish_row_reason(enum row_fault fault)
{
    static const char *const reasons[] = {
#define X(name, text) [ROW_##name] = #name,
        ROW_FAULTS(X)
#undef X
    };

    return (reasons[fault]);
}

void
publish_row_fill(const struct row_reject *reject, Vouch__V1__RowReject *out)
{
    static const char *const texts[] = {
#define X(name, text) [ROW_##name] = text,
        ROW_FAULTS(X)
#undef X
    };
    static const char *const fields[] = {
#define X(name) [ROW_FIELD_##name] = #name,
        ROW_FIELDS(X)
#undef X
    };

    vouch__v1__row_reject__init(out);
    out->line = reject->line;
    out->field = text_of(fields[reject->field]);
    out->reason = text_of(publish_row_reason(reject->fault));
    out->description = text_of(texts[reject->fault]);
}
