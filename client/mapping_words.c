#include "client/mapping_words.h"

#include <string.h>

#include "client/mapping_value.h"

#define SAID(name) VOUCH__V1__STANDING__STANDING_##name

static void
read_standing(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    Vouch__V1__Standing *standing = target;

    *standing = (Vouch__V1__Standing)mapping_schema_enum(s, node,
        &vouch__v1__standing__descriptor);
}

static void
read_inactive_reason(struct mapping_schema *s,
    const struct mapping_node *node, void *target)
{
    Vouch__V1__InactiveReason *reason = target;

    *reason = (Vouch__V1__InactiveReason)mapping_schema_enum(s, node,
        &vouch__v1__inactive_reason__descriptor);
}

static void
read_restriction(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    Vouch__V1__Restriction *restriction = target;

    *restriction = (Vouch__V1__Restriction)mapping_schema_enum(s, node,
        &vouch__v1__restriction__descriptor);
}

static void
read_review(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    Vouch__V1__Review *review = target;

    *review = (Vouch__V1__Review)mapping_schema_enum(s, node,
        &vouch__v1__review__descriptor);
}

/* An empty reason is one: that none is given. */
static void
read_reason(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    const char **reason = target;

    if (mapping_schema_is(s, node, MAPPING_TEXT))
        *reason = node->text;
}

#define AT(member) offsetof(struct mapping_meaning, member)

static const struct mapping_schema_key meaning_keys[] = {
    {"standing", read_standing, AT(standing)},
    {"inactive_reason", read_inactive_reason, AT(inactive_reason)},
    {"restriction", read_restriction, AT(restriction)},
    {"review", read_review, AT(review)},
    {"good_past_end_date", mapping_schema_yes, AT(good_past_end_date)},
};

#undef AT
#define AT(member) offsetof(struct mapping_word, member)

static const struct mapping_schema_key status_keys[] = {
    {"word", mapping_schema_text, AT(word)},
    {"reason", read_reason, AT(reason)},
    {"standing", read_standing, AT(meaning.standing)},
    {"inactive_reason", read_inactive_reason, AT(meaning.inactive_reason)},
    {"restriction", read_restriction, AT(meaning.restriction)},
    {"review", read_review, AT(meaning.review)},
    {"good_past_end_date", mapping_schema_yes,
        AT(meaning.good_past_end_date)},
};

static const struct mapping_schema_key case_keys[] = {
    {"action", mapping_schema_text, AT(word)},
    {"standing", read_standing, AT(meaning.standing)},
    {"inactive_reason", read_inactive_reason, AT(meaning.inactive_reason)},
    {"restriction", read_restriction, AT(meaning.restriction)},
    {"review", read_review, AT(meaning.review)},
};

#undef AT

static void
check_meaning(struct mapping_schema *s, const struct mapping_node *node,
    const struct mapping_meaning *m)
{
    if (m->inactive_reason !=
        VOUCH__V1__INACTIVE_REASON__INACTIVE_REASON_UNSPECIFIED &&
        m->standing != SAID(INACTIVE))
        mapping_faults_add(s->faults, node->place,
            "'inactive_reason' goes with 'standing: INACTIVE' only");
    if (m->standing == SAID(NOT_LISTED))
        mapping_faults_add(s->faults, node->place, "NOT_LISTED is for what "
            "is gone from a list; a row that is there is not");
}

static void
check_double(struct mapping_schema *s, const struct mapping_node *node,
    const struct mapping_words *words, const struct mapping_word *word)
{
    for (size_t i = 0; i < words->n; i++) {
        const struct mapping_word *w = &words->at[i];

        if (mapping_same(slice_of(w->word), slice_of(word->word)) &&
            (w->reason == NULL) == (word->reason == NULL) &&
            (w->reason == NULL || mapping_same(slice_of(w->reason),
            slice_of(word->reason))))
            mapping_faults_add(s->faults, node->place,
                "'%.60s' has an entry above already", word->word);
    }
}

/* One entry of a table; a status must say a standing, a case anything. */
static void
read_word(struct mapping_schema *s, const struct mapping_node *node,
    int status, struct mapping_words *words)
{
    struct mapping_word *word = &words->at[words->n];
    size_t before = s->faults->n;

    if (status)
        (void)mapping_schema_map(s, node, status_keys,
            sizeof(status_keys) / sizeof(status_keys[0]), word);
    else
        (void)mapping_schema_map(s, node, case_keys,
            sizeof(case_keys) / sizeof(case_keys[0]), word);
    if (s->faults->n > before)
        return;
    check_meaning(s, node, &word->meaning);
    if (word->word == NULL)
        mapping_faults_add(s->faults, node->place, "the key '%s' is missing",
            status ? "word" : "action");
    else if (status && word->meaning.standing == SAID(UNSPECIFIED))
        mapping_faults_add(s->faults, node->place,
            "the key 'standing' is missing: what does '%.60s' mean?",
            word->word);
    else if (!status && word->meaning.standing == SAID(UNSPECIFIED) &&
        word->meaning.restriction ==
        VOUCH__V1__RESTRICTION__RESTRICTION_UNSPECIFIED &&
        word->meaning.review == VOUCH__V1__REVIEW__REVIEW_UNSPECIFIED)
        mapping_faults_add(s->faults, node->place, "nothing says what an "
            "open case with '%.60s' means; if nothing, 'restriction: NONE'",
            word->word);
    else {
        check_double(s, node, words, word);
        words->n++;
    }
}

static void
read_table(struct mapping_schema *s, const struct mapping_node *node,
    int status, struct mapping_words *words)
{
    if (!mapping_schema_is(s, node, MAPPING_LIST))
        return;
    if (node->n > MAPPING_LIST_MAX) {
        mapping_faults_add(s->faults, node->place, "more than %d words",
            MAPPING_LIST_MAX);
        return;
    }
    words->at = mapping_schema_alloc(s, node->n, sizeof(*words->at));
    for (const struct mapping_node *c = node->first;
        c != NULL && words->at != NULL; c = c->next)
        read_word(s, c, status, words);
}

void
mapping_words_case(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    read_table(s, node, 0, target);
}

static void
read_status_words(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    read_table(s, node, 1, target);
}

static void
read_no_end_date(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    struct mapping_meaning *meaning = target;
    size_t before = s->faults->n;

    (void)mapping_schema_map(s, node, meaning_keys,
        sizeof(meaning_keys) / sizeof(meaning_keys[0]), meaning);
    check_meaning(s, node, meaning);
    if (s->faults->n == before && meaning->standing == SAID(UNSPECIFIED))
        mapping_faults_add(s->faults, node->place,
            "the key 'standing' is missing");
}

void
mapping_words_status(struct mapping_schema *s,
    const struct mapping_node *node, void *target)
{
    static const struct mapping_schema_key keys[] = {
        {"words", read_status_words, offsetof(struct mapping, status)},
        {"unmapped", mapping_value_policy,
            offsetof(struct mapping, status.unmapped)},
        {"no_end_date", read_no_end_date,
            offsetof(struct mapping, no_end_date)},
    };
    struct mapping *m = target;
    uint64_t seen = mapping_schema_map(s, node, keys, 3, m);

    m->has_status = 1;
    m->has_no_end_date = (seen & 4) != 0;
    if (node->kind == MAPPING_MAP && !(seen & 1))
        mapping_faults_add(s->faults, node->place,
            "the key 'words' is missing: what do the status words mean?");
}

const struct mapping_meaning *
mapping_words_find(const struct mapping_words *words, struct slice word,
    struct slice reason)
{
    const struct mapping_meaning *any = NULL;

    for (size_t i = 0; i < words->n; i++) {
        const struct mapping_word *w = &words->at[i];

        if (!mapping_same(slice_of(w->word), word))
            continue;
        if (w->reason == NULL)
            any = &w->meaning;
        else if (mapping_same(slice_of(w->reason), reason))
            return (&w->meaning);
    }
    return (any);
}

/* How grave a standing is; what is not known may well be grave. */
static int
gravity(Vouch__V1__Standing standing)
{
    static const Vouch__V1__Standing order[] = {SAID(UNSPECIFIED),
        SAID(ACTIVE), SAID(PROVISIONAL), SAID(PENDING), SAID(UNKNOWN),
        SAID(INACTIVE), SAID(EXPIRED), SAID(DENIED), SAID(SURRENDERED),
        SAID(REVOKED), SAID(ISSUED_IN_ERROR)};
    int n = (int)(sizeof(order) / sizeof(order[0]));

    for (int i = 0; i < n; i++)
        if (order[i] == standing)
            return (i);
    return (n);
}

void
mapping_words_worse(struct mapping_meaning *m,
    const struct mapping_meaning *other)
{
    if (gravity(other->standing) > gravity(m->standing)) {
        m->standing = other->standing;
        m->inactive_reason = other->inactive_reason;
    }
    if (other->restriction > m->restriction)
        m->restriction = other->restriction;
    if (other->review != VOUCH__V1__REVIEW__REVIEW_UNSPECIFIED &&
        (m->review == VOUCH__V1__REVIEW__REVIEW_UNSPECIFIED ||
        m->review == VOUCH__V1__REVIEW__REVIEW_NONE ||
        other->review == VOUCH__V1__REVIEW__REVIEW_UNDER_INVESTIGATION))
        m->review = other->review;
}
