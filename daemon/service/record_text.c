#include "service/record_text.h"

#include <stdio.h>
#include <string.h>

#include "proto/civil.h"
#include "proto/leaf.h"
#include "proto/utf8.h"
#include "service/publish_row.h"

#define FACTOR(x) VOUCH__V1__FACTOR__FACTOR_##x
#define NOTHING VOUCH__V1__RESTRICTION__RESTRICTION_NONE
#define NO_REVIEW VOUCH__V1__REVIEW__REVIEW_NONE

/* ---- texts ------------------------------------------------------------ */

/* The name of ${value} without what all names of its enum begin with. */
static const char *
word(const ProtobufCEnumDescriptor *descriptor, int value, const char *prefix)
{
    const ProtobufCEnumValue *found =
        protobuf_c_enum_descriptor_get_value(descriptor, value);
    size_t n = strlen(prefix);

    if (found == NULL || strncmp(found->name, prefix, n) != 0)
        return ("?");
    return (found->name + n);
}

static void
add(char *text, size_t size, const char *before, const char *more)
{
    char joined[RECORD_TEXT * 2];
    size_t at = strlen(text);

    (void)snprintf(joined, sizeof(joined), "%s%s", before, more);
    utf8_copy(slice_of(joined), text + at, size - at);
}

void
record_text_status(const Vouch__V1__CredentialRecord *record,
    char text[RECORD_STATUS])
{
    text[0] = '\0';
    add(text, RECORD_STATUS, "", word(&vouch__v1__standing__descriptor,
        (int)record->standing, "STANDING_"));
    if (record->inactive_reason != 0)
        add(text, RECORD_STATUS, "/",
            word(&vouch__v1__inactive_reason__descriptor,
            (int)record->inactive_reason, "INACTIVE_REASON_"));
    if (record->restriction != 0 && record->restriction != NOTHING)
        add(text, RECORD_STATUS, "/",
            word(&vouch__v1__restriction__descriptor,
            (int)record->restriction, "RESTRICTION_"));
    if (record->review != 0 && record->review != NO_REVIEW)
        add(text, RECORD_STATUS, "/", word(&vouch__v1__review__descriptor,
            (int)record->review, "REVIEW_"));
}

void
record_text_name(const Vouch__V1__CredentialRecord *record,
    char text[RECORD_TEXT])
{
    const Vouch__V1__HumanName *name = record->names[0]->name;

    text[0] = '\0';
    add(text, RECORD_TEXT, "", name->family);
    if (name->given[0] != '\0')
        add(text, RECORD_TEXT, ", ", name->given);
    if (name->middle[0] != '\0')
        add(text, RECORD_TEXT, " ", name->middle);
    if (name->suffix[0] != '\0')
        add(text, RECORD_TEXT, " ", name->suffix);
}

static void
date_text(const Vouch__V1__Date *date, char text[CIVIL_TEXT])
{
    struct civil civil = publish_row_date(date);

    text[0] = '\0';
    if (civil_is_given(civil))
        civil_format(civil, text);
}

static void
period_text(const Vouch__V1__ValidityPeriod *period, char text[RECORD_TEXT])
{
    char until[CIVIL_TEXT], grace[CIVIL_TEXT];

    date_text(period->valid_until, until);
    date_text(period->grace_until, grace);
    add(text, RECORD_TEXT, text[0] != '\0' ? "; " : "",
        until[0] != '\0' ? until : "no end");
    if (grace[0] != '\0')
        add(text, RECORD_TEXT, ", grace ", grace);
}

void
record_text_periods(const Vouch__V1__CredentialRecord *record,
    char text[RECORD_TEXT])
{
    size_t i;

    text[0] = '\0';
    for (i = 0; i < record->n_periods; i++)
        period_text(record->periods[i], text);
    if (record->n_periods == 0)
        add(text, RECORD_TEXT, "", "no end");
}

void
record_text_whole(const Vouch__V1__CredentialRecord *record,
    char text[RECORD_TEXT])
{
    char status[RECORD_STATUS], periods[RECORD_TEXT];

    record_text_name(record, text);
    record_text_status(record, status);
    record_text_periods(record, periods);
    add(text, RECORD_TEXT, "; ", status);
    add(text, RECORD_TEXT, "; until ", periods);
}

/* ---- differences ------------------------------------------------------ */

static int
differ(struct record_difference *d, const char *field, const char *before,
    const char *after)
{
    if (strcmp(before, after) == 0)
        return (0);
    d->field = field;
    utf8_copy(slice_of(before), d->before, sizeof(d->before));
    utf8_copy(slice_of(after), d->after, sizeof(d->after));
    return (1);
}

static const Vouch__V1__FactorMac *
factor_of(const Vouch__V1__CredentialRecord *record, Vouch__V1__Factor factor)
{
    size_t i;

    for (i = 0; i < record->n_factors; i++)
        if (record->factors[i]->factor == factor)
            return (record->factors[i]);
    return (NULL);
}

/* Return 1 if one side lacks it, 2 if both have it and it differs. */
static int
compare_factor(const Vouch__V1__CredentialRecord *before,
    const Vouch__V1__CredentialRecord *after, Vouch__V1__Factor factor,
    const char *field, struct record_difference *d)
{
    const Vouch__V1__FactorMac *a = factor_of(before, factor);
    const Vouch__V1__FactorMac *b = factor_of(after, factor);

    if (a == NULL || b == NULL)
        return (differ(d, field, a != NULL ? "on file" : "",
            b != NULL ? "on file" : ""));
    if (a->mac.len != FACTOR_MAC || b->mac.len != FACTOR_MAC ||
        factor_equal(a->mac.data, b->mac.data))
        return (0);
    (void)differ(d, field, "on file", "another");
    return (2);
}

static const struct {
    Vouch__V1__Factor factor;
    const char *field;
} private_facts[] = {
    {FACTOR(BIRTH_DATE), "birth_date"}, {FACTOR(BIRTH_YEAR), "birth_date"},
    {FACTOR(LAST4), "last4"}
};

#define PRIVATE_FACTS (sizeof(private_facts) / sizeof(private_facts[0]))

int
record_text_other_factor(const Vouch__V1__CredentialRecord *before,
    const Vouch__V1__CredentialRecord *after, struct record_difference *d)
{
    size_t i;

    for (i = 0; i < PRIVATE_FACTS; i++)
        if (factor_of(before, private_facts[i].factor) != NULL &&
            compare_factor(before, after, private_facts[i].factor,
            private_facts[i].field, d) != 0)
            return (1);
    return (0);
}

static int
former_differ(const Vouch__V1__CredentialRecord *before,
    const Vouch__V1__CredentialRecord *after, struct record_difference *d)
{
    char count[2][24];

    (void)snprintf(count[0], sizeof(count[0]), "%zu names", before->n_names);
    (void)snprintf(count[1], sizeof(count[1]), "%zu names", after->n_names);
    return (differ(d, "former_family", count[0], count[1]));
}

void
record_text_difference(const Vouch__V1__CredentialRecord *before,
    const Vouch__V1__CredentialRecord *after, struct record_difference *d)
{
    char dates[2][CIVIL_TEXT];
    char periods[2][RECORD_TEXT];
    size_t i;

    *d = (struct record_difference){.field = "effective_on"};
    date_text(before->issued_on, dates[0]);
    date_text(after->issued_on, dates[1]);
    record_text_periods(before, periods[0]);
    record_text_periods(after, periods[1]);
    if (differ(d, "number", before->number, after->number) ||
        differ(d, "issued_on", dates[0], dates[1]) ||
        differ(d, "periods", periods[0], periods[1]) ||
        differ(d, "holder_ref", before->holder_ref, after->holder_ref))
        return;
    for (i = 0; i < PRIVATE_FACTS; i++)
        if (compare_factor(before, after, private_facts[i].factor,
            private_facts[i].field, d) != 0)
            return;
    if (differ(d, "raw_status", before->raw_status, after->raw_status) ||
        differ(d, "raw_reason", before->raw_reason, after->raw_reason))
        return;
    (void)former_differ(before, after, d);
}

static int
is_earlier(const Vouch__V1__Date *before, const Vouch__V1__Date *after,
    const char *field, struct record_difference *d)
{
    struct civil a = publish_row_date(before);
    struct civil b = publish_row_date(after);
    char texts[2][CIVIL_TEXT];

    if (!civil_is_given(b) ||
        (civil_is_given(a) && civil_last_day(b) >= civil_first_day(a)))
        return (0);
    date_text(before, texts[0]);
    date_text(after, texts[1]);
    return (differ(d, field, texts[0], texts[1]));
}

int
record_text_moved_back(const Vouch__V1__CredentialRecord *before,
    const Vouch__V1__CredentialRecord *after, struct record_difference *d)
{
    size_t i, k;

    if (before->issued_on != NULL && is_earlier(before->issued_on,
        after->issued_on, "issued_on", d))
        return (1);
    for (i = 0; i < after->n_periods; i++)
        for (k = 0; k < before->n_periods; k++)
            if (before->periods[k]->kind == after->periods[i]->kind) {
                if (is_earlier(before->periods[k]->valid_until,
                    after->periods[i]->valid_until, "periods", d))
                    return (1);
                break;
            }
    return (0);
}
