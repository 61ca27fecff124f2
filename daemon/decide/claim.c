#include <stdint.h>
#include <string.h>

#include "decide/parts.h"

struct civil
decide_date(const Vouch__V1__Date *date)
{
    struct civil none = {0, 0, 0};

    if (date == NULL)
        return (none);
    return ((struct civil){date->year, date->month, date->day});
}

/* A bit for each factor that the policy asks for. */
static unsigned
required_by(const Vouch__V1__Association *association)
{
    if (association == NULL)
        return (0);
    switch (association->identity_policy) {
    case POLICY(BIRTH_YEAR):
        return (1U << FACTOR(BIRTH_YEAR));
    case POLICY(LAST4):
        return (1U << FACTOR(LAST4));
    case POLICY(GIVEN_NAME_AND_ISSUE_DATE):
        return (1U << FACTOR(GIVEN_NAME) | 1U << FACTOR(ISSUED_ON));
    default:
        /* A policy that is not known must not open the door: the strictest. */
        return (1U << FACTOR(BIRTH_DATE));
    }
}

static int
is_blank(uint8_t c)
{
    return (c == ' ' || c == '\t' || c == '\r' || c == '\n');
}

static int
is_nothing(struct slice text)
{
    size_t i;

    for (i = 0; i < text.n; i++)
        if (!is_blank(text.p[i]))
            return (0);
    return (1);
}

void
decide_name_split(const Vouch__V1__HumanName *name, struct slice *family,
    struct slice *suffix)
{
    struct slice whole = decide_text(name->family);
    struct slice last;
    size_t end = whole.n, at, keep;

    *family = whole;
    *suffix = decide_text(name->suffix);
    if (!is_nothing(*suffix))
        return;
    suffix->n = 0;

    while (end > 0 && is_blank(whole.p[end - 1]))
        end--;
    for (at = end; at > 0 && !is_blank(whole.p[at - 1]) &&
        whole.p[at - 1] != ','; at--)
        continue;
    for (keep = at; keep > 0 && (is_blank(whole.p[keep - 1]) ||
        whole.p[keep - 1] == ','); keep--)
        continue;
    if (keep == 0 || at == end)
        return;
    last = (struct slice){whole.p + at, end - at};
    if (name_suffix(last) <= 0)
        return;
    if (last.n == 1 && memchr(whole.p + keep, ',', at - keep) == NULL)
        return;
    *suffix = last;
    family->n = keep;
}

/* ---- rules of one field ----------------------------------------------- */

static int
is_id(const char *text)
{
    return (text[0] != '\0' && text[strspn(text,
        "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0');
}

static void
check_length(struct grpc_status *status, const char *field, const char *text,
    size_t max)
{
    if (decide_text(text).n > max)
        grpc_status_violation(status, field, "must be at most %zu bytes long",
            max);
}

static void
check_date(struct grpc_status *status, const char *field, struct civil date,
    int whole)
{
    if (!civil_is_valid(date))
        grpc_status_violation(status, field, "must be a day that exists");
    else if (whole && civil_is_given(date) && !civil_is_whole(date))
        grpc_status_violation(status, field,
            "must have year, month and day");
}

static void
check_name_part(struct grpc_status *status, const char *field,
    const char *text)
{
    struct slice part = decide_text(text);

    if (part.n > NAME_MAX_BYTES)
        grpc_status_violation(status, field, "must be at most %d bytes long",
            NAME_MAX_BYTES);
    else if (!name_is_clean(part))
        grpc_status_violation(status, field,
            "must be UTF-8 without control characters");
}

/* ---- groups of fields ------------------------------------------------- */

static void
check_ids(const Vouch__V1__Claim *claim, const struct decide_terms *terms,
    struct grpc_status *status)
{
    size_t i;

    if (is_nothing(decide_text(claim->association_id)))
        grpc_status_violation(status, "claim.association_id",
            "is required: the association said to have granted it");
    check_length(status, "claim.association_id", claim->association_id,
        DECIDE_ID_MAX);
    check_length(status, "claim.credential_type_id",
        claim->credential_type_id, DECIDE_ID_MAX);
    if (terms->association != NULL && !terms->type_known)
        grpc_status_violation(status, "claim.credential_type_id",
            "must be a credential type of that association, or empty");

    if (terms->association != NULL && !terms->recognizers_known)
        grpc_status_violation(status, "claim.recognized_by",
            "must be recognizers that are in the catalog, as `ncca`");
    if (claim->n_recognized_by > DECIDE_RECOGNIZERS_MAX)
        grpc_status_violation(status, "claim.recognized_by",
            "must be at most %d recognizers", DECIDE_RECOGNIZERS_MAX);
    for (i = 0; i < claim->n_recognized_by; i++) {
        if (!is_id(claim->recognized_by[i]) ||
            strlen(claim->recognized_by[i]) > DECIDE_ID_MAX) {
            grpc_status_violation(status, "claim.recognized_by",
                "must be ids as in `ncca`: a-z, 0-9 and hyphen, at most %d "
                "bytes", DECIDE_ID_MAX);
            break;
        }
    }
}

static void
check_stated(const Vouch__V1__Claim *claim, struct grpc_status *status)
{
    check_length(status, "claim.on_behalf_of", claim->on_behalf_of,
        DECIDE_STATED_MAX);
    check_length(status, "claim.authorization_ref", claim->authorization_ref,
        DECIDE_STATED_MAX);
    check_length(status, "claim.requested_by", claim->requested_by,
        DECIDE_STATED_MAX);
    if (claim->nonce.len > DECIDE_NONCE_MAX)
        grpc_status_violation(status, "claim.nonce",
            "must be at most %d bytes long", DECIDE_NONCE_MAX);
}

static void
check_number(const struct decide_terms *terms, struct decide_claim *prepared,
    struct grpc_status *status)
{
    static const struct number_rules as_written = {0, 0, 0};
    struct number_rules rules = as_written;
    struct slice number = decide_text(prepared->claim->number);
    const Vouch__V1__NumberNormalization *n;

    if (is_nothing(number)) {
        grpc_status_violation(status, "claim.number",
            "is required: the credential's number");
        return;
    }
    if (terms->association != NULL &&
        (n = terms->association->number) != NULL) {
        rules.fold_case = n->fold_case;
        rules.drop_separators = n->drop_separators;
        rules.drop_leading_zeros = n->drop_leading_zeros;
    }
    switch (number_key(&rules, number, prepared->number_key)) {
    case E_OK:
        break;
    case E_TOOBIG:
        grpc_status_violation(status, "claim.number",
            "must be at most %d bytes long", NUMBER_MAX);
        break;
    default:
        grpc_status_violation(status, "claim.number",
            "must be printable ASCII, and more than separators");
        break;
    }
    if (terms->association == NULL)
        prepared->number_key[0] = '\0';
}

/* Parts with a fault of their own are not folded. */
static enum err
check_name(struct decide_claim *prepared, struct grpc_status *status)
{
    const Vouch__V1__HumanName *name = prepared->claim->name;
    size_t before = status->nviolations;
    struct slice family;
    enum err err;

    if (name == NULL || is_nothing(decide_text(name->family))) {
        grpc_status_violation(status, "claim.name.family",
            "is required: the holder's family name");
        if (name == NULL)
            return (E_OK);
    } else {
        check_name_part(status, "claim.name.family", name->family);
    }
    check_name_part(status, "claim.name.given", name->given);
    check_name_part(status, "claim.name.middle", name->middle);
    check_name_part(status, "claim.name.suffix", name->suffix);
    if (status->nviolations != before)
        return (E_OK);

    decide_name_split(name, &family, &prepared->suffix);
    if ((err = name_key_make(family, &prepared->family)) == E_NOMEM)
        return (err);
    if (err != E_OK || prepared->family.main[0] == '\0')
        grpc_status_violation(status, "claim.name.family",
            "must be a name that can be compared");
    if ((err = name_key_make_first(decide_text(name->given),
        &prepared->given)) == E_NOMEM)
        return (err);
    if (err != E_OK)
        grpc_status_violation(status, "claim.name.given",
            "must be a name that can be compared");
    return (E_OK);
}

static int
is_last4(const char *text)
{
    return (strlen(text) == 4 && strspn(text, "0123456789") == 4);
}

static void
check_factors(struct decide_claim *prepared, struct grpc_status *status)
{
    const Vouch__V1__Claim *claim = prepared->claim;

    prepared->birth = decide_date(claim->birth_date);
    prepared->issued_on = decide_date(claim->issued_on);
    check_date(status, "claim.birth_date", prepared->birth, 0);
    if (civil_is_valid(prepared->birth) && prepared->birth.month != 0 &&
        prepared->birth.day == 0)
        grpc_status_violation(status, "claim.birth_date",
            "must be a full date, or a year alone");
    if (decide_text(claim->last4).n != 0 && !is_last4(claim->last4))
        grpc_status_violation(status, "claim.last4", "must be four digits");
    check_date(status, "claim.issued_on", prepared->issued_on, 0);
}

/* What the association asks for, and the claim does not bring. */
static void
check_policy(const struct decide_claim *prepared, struct grpc_status *status)
{
    static const char text[] = "is required by this association: %s";
    const Vouch__V1__Claim *claim = prepared->claim;
    const Vouch__V1__HumanName *name = claim->name;

    if (decide_requires(prepared, FACTOR(BIRTH_YEAR)) &&
        !civil_is_given(prepared->birth))
        grpc_status_violation(status, "claim.birth_date", text,
            "the year of birth, or the full date");
    if (decide_requires(prepared, FACTOR(BIRTH_DATE)) &&
        civil_is_valid(prepared->birth) && !civil_is_whole(prepared->birth))
        grpc_status_violation(status, "claim.birth_date", text,
            "the full date of birth");
    if (decide_requires(prepared, FACTOR(LAST4)) &&
        decide_text(claim->last4).n == 0)
        grpc_status_violation(status, "claim.last4", text,
            "the last four digits of the national identity number");
    if (decide_requires(prepared, FACTOR(GIVEN_NAME)) &&
        (name == NULL || is_nothing(decide_text(name->given))))
        grpc_status_violation(status, "claim.name.given", text,
            "the given name");
    if (decide_requires(prepared, FACTOR(ISSUED_ON)) &&
        civil_is_valid(prepared->issued_on) &&
        !civil_is_whole(prepared->issued_on))
        grpc_status_violation(status, "claim.issued_on", text,
            "the full day of issue");
}

static void
check_day(const struct decide_terms *terms, struct decide_claim *prepared,
    struct grpc_status *status)
{
    struct civil as_of = decide_date(prepared->claim->as_of);
    int32_t today = civil_day_at(terms->now_us, terms->association != NULL ?
        terms->association->utc_offset_minutes : 0);

    check_date(status, "claim.as_of", as_of, 1);
    prepared->day = today;
    if (civil_is_whole(as_of) && civil_is_valid(as_of))
        prepared->day = civil_first_day(as_of);
    prepared->projection = prepared->day > today;
}

/* All of it empty; the keys, which are long, are not filled with zeros. */
static void
begin(struct decide_claim *prepared, const Vouch__V1__Claim *claim,
    const Vouch__V1__Association *association)
{
    static const struct civil none = {0, 0, 0};

    prepared->claim = claim;
    prepared->association = association;
    prepared->required = required_by(association);
    prepared->number_key[0] = '\0';
    prepared->family.main[0] = prepared->family.alternative[0] = '\0';
    prepared->given.main[0] = prepared->given.alternative[0] = '\0';
    prepared->suffix = (struct slice){NULL, 0};
    prepared->birth = prepared->issued_on = none;
    prepared->day = prepared->projection = 0;
}

enum err
decide_claim_prepare(const Vouch__V1__Claim *claim,
    const struct decide_terms *terms, struct decide_claim *prepared,
    struct grpc_status *status)
{
    enum err err;

    begin(prepared, claim, terms->association);
    grpc_status_from_err(status, E_OK);

    /* What identifies comes first: there is room for six violations. */
    check_number(terms, prepared, status);
    if ((err = check_name(prepared, status)) != E_OK) {
        grpc_status_from_err(status, err);
        return (err);
    }
    check_factors(prepared, status);
    check_policy(prepared, status);
    check_day(terms, prepared, status);
    check_ids(claim, terms, status);
    check_stated(claim, status);
    return (status->code == GRPC_OK ? E_OK : E_INVAL);
}
