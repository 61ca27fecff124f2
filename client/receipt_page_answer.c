/* What the register had to say, row by row. */

#include <inttypes.h>

#include "client/receipt_page.h"
#include "client/text.h"
#include "client/words.h"

static int
given(const char *text)
{
    return (text != NULL && text[0] != '\0');
}

/* A row with the words for a value; with its number, if there are none. */
static void
put_words(struct page *p, const char *label, const char *before,
    const char *words, const ProtobufCEnumDescriptor *e, int value)
{
    if (protobuf_c_enum_descriptor_get_value(e, value) != NULL)
        page_row(p, label, "%s%s", before, words);
    else
        page_row(p, label, "%s%s (number %d)", before, words, value);
}

static void
put_result(struct page *p, const Vouch__V1__Answer *a)
{
    page_section(p, "Result");
    put_words(p, "conclusion", "", text_enum(
        &vouch__v1__conclusion__descriptor, (int)a->conclusion),
        &vouch__v1__conclusion__descriptor, (int)a->conclusion);
    page_row(p, "verdict", "%s",
        text_enum(&vouch__v1__verdict__descriptor, (int)a->verdict));
    put_words(p, "", "", words_verdict(a->verdict),
        &vouch__v1__verdict__descriptor, (int)a->verdict);
    for (size_t i = 0; i < a->n_reasons; i++)
        put_words(p, i == 0 ? "why" : "", "", words_reason(a->reasons[i]),
            &vouch__v1__reason__descriptor, (int)a->reasons[i]);
    for (size_t i = 0; i < a->n_innocent_causes; i++)
        put_words(p, i == 0 ? "look first" : "", "perhaps ",
            words_cause(a->innocent_causes[i]),
            &vouch__v1__innocent_cause__descriptor,
            (int)a->innocent_causes[i]);
    page_row(p, "whom to ask", "%s", given(a->contact) ? a->contact :
        "nobody is named");
}

static void
put_factors(struct page *p, const Vouch__V1__Answer *a)
{
    char factor[64], result[64];

    page_section(p, "What was compared");
    for (size_t i = 0; i < a->n_factors; i++) {
        text_value(&vouch__v1__factor__descriptor,
            (int)a->factors[i]->factor, factor);
        text_value(&vouch__v1__comparison__descriptor,
            (int)a->factors[i]->comparison, result);
        page_row(p, factor, "%s", result);
    }
    if (a->n_factors == 0)
        page_row(p, "factors", "none");
    page_row(p, "former name", "%s", a->former_name_matched ?
        "the family name that matched is a former one of the holder" :
        "no former name matched");
    page_row(p, "names", "compared by version %" PRId32
        " of the rules for folding them", a->name_fold_version);
}

static void
put_periods(struct page *p, const Vouch__V1__Answer *a)
{
    char kind[64], from[32], until[32], grace[32];

    for (size_t i = 0; i < a->n_periods; i++) {
        const Vouch__V1__ValidityPeriod *v = a->periods[i];

        text_value(&vouch__v1__period_kind__descriptor, (int)v->kind, kind);
        text_date(v->valid_from, "unknown", from);
        text_date(v->valid_until, "no known end", until);
        text_date(v->grace_until, "", grace);
        page_row(p, i == 0 ? "validity" : "", "%s from %s until %s%s%s%s",
            kind, from, until, v->valid_until != NULL ?
            ", that day included" : "", grace[0] != '\0' ?
            ", grace until " : "", grace);
    }
    if (a->n_periods == 0)
        page_row(p, "validity", "no period is given");
    if (a->extension == NULL) {
        page_row(p, "extension", "none");
        return;
    }
    text_date(a->extension->counts_until, "an unknown day", until);
    page_row(p, "extension", "what has ended counts as in force until %s, "
        "that day included, by order: %s", until, a->extension->order);
    page_row(p, "", "source: %s", a->extension->source);
}

static void
put_status(struct page *p, const Vouch__V1__Answer *a)
{
    static Vouch__V1__Status none = VOUCH__V1__STATUS__INIT;
    const Vouch__V1__Status *s = a->status != NULL ? a->status : &none;
    char standing[64], inactive[64], restriction[64], review[64];

    page_section(p, "Status on that day");
    page_row(p, "credential", "%s", given(a->credential_type_id) ?
        a->credential_type_id : "none is confirmed");
    if (a->status == NULL) {
        page_row(p, "status", "none is given with this verdict");
        return;
    }
    text_value(&vouch__v1__standing__descriptor, (int)s->standing, standing);
    text_value(&vouch__v1__inactive_reason__descriptor,
        (int)s->inactive_reason, inactive);
    text_value(&vouch__v1__restriction__descriptor, (int)s->restriction,
        restriction);
    text_value(&vouch__v1__review__descriptor, (int)s->review, review);
    page_row(p, "issuer's word", given(s->raw_status) ? "\"%s\"" :
        "%snone", s->raw_status);
    page_row(p, "its reason", given(s->raw_reason) ? "\"%s\"" : "%snone",
        s->raw_reason);
    page_row(p, "standing", "%s", standing);
    if (s->inactive_reason !=
        VOUCH__V1__INACTIVE_REASON__INACTIVE_REASON_UNSPECIFIED)
        page_row(p, "", "inactive because: %s", inactive);
    page_row(p, "restriction", "%s", restriction);
    page_row(p, "review", "%s", review);
    if (s->good_past_end_date)
        page_row(p, "end date", "the issuer's word holds past it");
    put_periods(p, a);
}

static void
put_recognition(struct page *p, const Vouch__V1__Recognition *r)
{
    char from[32], until[32], seen[32], checked[32], confidence[64];

    text_date(r->valid_from, "unknown", from);
    text_date(r->valid_until, "no known end", until);
    text_date(r->observed_on, "", seen);
    text_date(r->checked_on, "", checked);
    text_value(&vouch__v1__confidence__descriptor, (int)r->confidence,
        confidence);
    page_row(p, "by", "%s (%s), from %s until %s%s%s; statement %s",
        r->recognizer, r->basis, from, until, seen[0] != '\0' ?
        ", observed " : "", seen, r->id);
    page_row(p, "", "of %s, %s%s", r->association_id,
        given(r->credential_type_id) ? "type " : "each of its types",
        r->credential_type_id);
    for (size_t i = 0; i < r->n_except_credential_type_ids; i++)
        page_row(p, "", "but not of type %s",
            r->except_credential_type_ids[i]);
    page_row(p, "", "confidence: %s%s%s; source: %s", confidence,
        checked[0] != '\0' ? ", checked on " : "", checked, r->source);
}

static void
put_issuer(struct page *p, const Vouch__V1__Answer *a)
{
    char state[64];

    page_section(p, "Issuer");
    page_row(p, "association", "%s", given(a->association_name) ?
        a->association_name : "not known here");
    page_row(p, "designation", "%s%s", given(a->designation) ?
        "it made this operator its agent by " : "none: it has not designated "
        "this operator as its agent", a->designation);
    text_value(&vouch__v1__recognition_state__descriptor, (int)a->recognition,
        state);
    page_row(p, "recognition", "%s", a->recognition ==
        VOUCH__V1__RECOGNITION_STATE__RECOGNITION_STATE_UNSPECIFIED ?
        "not looked at with this verdict" : state);
    for (size_t i = 0; i < a->n_recognitions; i++)
        put_recognition(p, a->recognitions[i]);
}

/* A moment, on the association's clock and in UTC. */
static void
put_time(struct page *p, const char *label, const char *before,
    int64_t time_us, int32_t offset)
{
    char there[CIVIL_TIME_TEXT], utc[CIVIL_TIME_TEXT];

    civil_format_time(time_us, offset, there);
    civil_format_time(time_us, 0, utc);
    page_row(p, label, offset == 0 ? "%s%s%.0s" : "%s%s (%s)", before, there,
        utc);
}

static void
put_freshness(struct page *p, const Vouch__V1__Answer *a)
{
    const Vouch__V1__Freshness *fresh = a->freshness;
    char state[64], age[64], promise[64];

    if (fresh == NULL) {
        page_row(p, "freshness", "not given with this verdict");
        return;
    }
    text_value(&vouch__v1__freshness_state__descriptor, (int)fresh->state,
        state);
    text_age(fresh->max_age_seconds, promise, sizeof(promise));
    if (fresh->state ==
        VOUCH__V1__FRESHNESS_STATE__FRESHNESS_STATE_NEVER) {
        page_row(p, "freshness", "never: the association has published "
            "nothing; it promised to at most every %s", promise);
        return;
    }
    text_age(text_sum(a->answered_at_us / 1000000,
        -(fresh->source_time_us / 1000000)), age, sizeof(age));
    page_row(p, "freshness", "%s: the association's last word was %s old; "
        "promised at most every %s", state, age, promise);
    put_time(p, "source time", "", fresh->source_time_us,
        a->utc_offset_minutes);
    put_time(p, "received", "", fresh->received_at_us, a->utc_offset_minutes);
}

static void
put_times(struct page *p, const Vouch__V1__Answer *a)
{
    int offset = a->utc_offset_minutes, size = offset < 0 ? -offset : offset;
    char day[32];

    page_section(p, "Times");
    text_date(a->as_of, "not given", day);
    page_row(p, "day in question", "%s%s", day, a->projection ?
        " (PROJECTION: it was in the future)" : "");
    page_row(p, "issuer's clock", "UTC%c%02d:%02d", offset < 0 ? '-' : '+',
        size / 60, size % 60);
    put_time(p, "answered", "", a->answered_at_us, a->utc_offset_minutes);
    put_freshness(p, a);
    page_row(p, "log size", "%" PRId64 " entries when the daemon looked",
        a->log_size);
}

void
receipt_page_answer(struct page *p, const Vouch__V1__Answer *a)
{
    put_result(p, a);
    put_factors(p, a);
    put_status(p, a);
    put_times(p, a);
    put_issuer(p, a);
}

void
receipt_page_limits(struct page *p, const Vouch__V1__Answer *a)
{
    page_section(p, "What this does not establish");
    for (size_t i = 0; i < a->n_not_established; i++) {
        char number[24];

        (void)snprintf(number, sizeof(number), "%zu", i + 1);
        put_words(p, number, "", words_not_established(a->not_established[i]),
            &vouch__v1__not_established__descriptor,
            (int)a->not_established[i]);
    }
    if (a->n_not_established == 0)
        page_row(p, "limits", "the answer names none");
}
