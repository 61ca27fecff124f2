#include "client/answer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "client/table.h"
#include "client/text.h"
#include "client/words.h"

#define LABEL 13

/* A line of the page: a label, then text that cannot steer the terminal. */
static void __attribute__((format(printf, 3, 4)))
line(FILE *f, const char *label, const char *format, ...)
{
    char raw[1024], clean[1024];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(raw, sizeof(raw), format, args);
    va_end(args);
    table_clean(raw, clean, sizeof(clean));
    fprintf(f, "%-*s%s\n", LABEL, label, clean);
}

static int
given(const char *text)
{
    return (text != NULL && text[0] != '\0');
}

static void
print_head(FILE *f, const Vouch__V1__Answer *a, int color)
{
    const char *word = text_enum(&vouch__v1__conclusion__descriptor,
        (int)a->conclusion);
    const char *paint =
        a->conclusion == VOUCH__V1__CONCLUSION__CONCLUSION_YES ? "\033[1;32m" :
        a->conclusion == VOUCH__V1__CONCLUSION__CONCLUSION_NO ? "\033[1;31m" :
        "\033[1;33m";

    fprintf(f, "%s%s%s  %s: %s\n\n", color ? paint : "", word,
        color ? "\033[0m" : "",
        text_enum(&vouch__v1__verdict__descriptor, (int)a->verdict),
        words_verdict(a->verdict));
}

static void
print_name(FILE *f, const Vouch__V1__HumanName *name)
{
    if (name != NULL)
        line(f, "", "name %s%s%s%s%s%s%s", name->family,
            given(name->given) ? ", " : "", name->given,
            given(name->middle) ? " " : "", name->middle,
            given(name->suffix) ? ", " : "", name->suffix);
}

static void
print_stated(FILE *f, const Vouch__V1__Claim *c)
{
    char purpose[64];

    if (c->purpose != VOUCH__V1__PURPOSE__PURPOSE_UNSPECIFIED) {
        text_plain(text_enum(&vouch__v1__purpose__descriptor,
            (int)c->purpose), purpose, sizeof(purpose));
        line(f, "", "purpose %s (as stated by the asker)", purpose);
    }
    if (given(c->on_behalf_of))
        line(f, "", "on behalf of %s (as stated by the asker)",
            c->on_behalf_of);
    if (given(c->authorization_ref))
        line(f, "", "authorization %s (as stated by the asker)",
            c->authorization_ref);
    if (given(c->requested_by))
        line(f, "", "requested by %s (as stated by the asker)",
            c->requested_by);
}

static void
print_claim(FILE *f, const Vouch__V1__Question *q)
{
    const Vouch__V1__Claim *c = q->claim;
    char date[32];

    if (c == NULL)
        return;
    line(f, "claim", "%s%s%s, number %s", c->association_id,
        given(c->credential_type_id) ? ", type " : "",
        c->credential_type_id, c->number);
    print_name(f, c->name);
    if (c->birth_date != NULL) {
        text_date(c->birth_date, "", date);
        line(f, "", "born %s", date);
    }
    if (given(c->last4))
        line(f, "", "last four %s", c->last4);
    if (c->issued_on != NULL) {
        text_date(c->issued_on, "", date);
        line(f, "", "issued on %s", date);
    }
    for (size_t i = 0; i < c->n_recognized_by; i++)
        line(f, "", "recognized by %s is enough", c->recognized_by[i]);
    print_stated(f, c);
}

static void
print_factors(FILE *f, const Vouch__V1__Answer *a)
{
    for (size_t i = 0; i < a->n_factors; i++) {
        char factor[64], result[64];

        text_plain(text_enum(&vouch__v1__factor__descriptor,
            (int)a->factors[i]->factor), factor, sizeof(factor));
        text_plain(text_enum(&vouch__v1__comparison__descriptor,
            (int)a->factors[i]->comparison), result, sizeof(result));
        line(f, i == 0 ? "compared" : "", "%s: %s", factor, result);
    }
    if (a->former_name_matched)
        line(f, "", "the family name matched is a former one");
}

static void
print_status(FILE *f, const Vouch__V1__Status *s)
{
    char standing[64], restriction[64], review[64], reason[64] = "";

    if (s == NULL)
        return;
    if (s->standing == VOUCH__V1__STANDING__STANDING_UNSPECIFIED &&
        !given(s->raw_status)) {
        line(f, "status", "none: the day is before the credential was issued");
        return;
    }
    text_plain(text_enum(&vouch__v1__standing__descriptor, (int)s->standing),
        standing, sizeof(standing));
    text_plain(text_enum(&vouch__v1__restriction__descriptor,
        (int)s->restriction), restriction, sizeof(restriction));
    text_plain(text_enum(&vouch__v1__review__descriptor, (int)s->review),
        review, sizeof(review));
    if (s->inactive_reason !=
        VOUCH__V1__INACTIVE_REASON__INACTIVE_REASON_UNSPECIFIED)
        text_plain(text_enum(&vouch__v1__inactive_reason__descriptor,
            (int)s->inactive_reason), reason, sizeof(reason));
    if (given(s->raw_status))
        line(f, "status", "the issuer's word: \"%s\"%s%s%s", s->raw_status,
            given(s->raw_reason) ? ", reason \"" : "", s->raw_reason,
            given(s->raw_reason) ? "\"" : "");
    else
        line(f, "status", "the issuer gave no word");
    line(f, "", "standing %s%s%s%s, restriction %s, review %s", standing,
        reason[0] != '\0' ? " (" : "", reason,
        reason[0] != '\0' ? ")" : "", restriction, review);
    if (s->good_past_end_date)
        line(f, "", "the word holds past the end date");
}

static void
print_periods(FILE *f, const Vouch__V1__Answer *a)
{
    for (size_t i = 0; i < a->n_periods; i++) {
        const Vouch__V1__ValidityPeriod *p = a->periods[i];
        char kind[64], from[32], until[32], grace[32];

        text_plain(text_enum(&vouch__v1__period_kind__descriptor,
            (int)p->kind), kind, sizeof(kind));
        text_date(p->valid_from, "unknown", from);
        text_date(p->valid_until, "no known end", until);
        text_date(p->grace_until, "", grace);
        line(f, i == 0 ? "validity" : "", "%s from %s until %s%s%s%s", kind,
            from, until, p->valid_until != NULL ? ", that day included" : "",
            grace[0] != '\0' ? ", grace until " : "", grace);
    }
    if (a->status != NULL && a->n_periods == 0)
        line(f, "validity", "no period is on file");
    if (a->extension != NULL) {
        char until[32];

        text_date(a->extension->counts_until, "an unknown day", until);
        line(f, "", "what has ended counts as in force until %s, by order: %s",
            until, a->extension->order);
        line(f, "", "  source: %s", a->extension->source);
    }
}

static void
print_recognition(FILE *f, const Vouch__V1__Answer *a)
{
    char state[64];

    if (a->recognition ==
        VOUCH__V1__RECOGNITION_STATE__RECOGNITION_STATE_UNSPECIFIED)
        return;
    text_plain(text_enum(&vouch__v1__recognition_state__descriptor,
        (int)a->recognition), state, sizeof(state));
    line(f, "recognition", "%s", state);
    for (size_t i = 0; i < a->n_recognitions; i++) {
        const Vouch__V1__Recognition *r = a->recognitions[i];
        char from[32], until[32], seen[32], confidence[64];

        text_date(r->valid_from, "unknown", from);
        text_date(r->valid_until, "no known end", until);
        text_date(r->observed_on, "", seen);
        text_plain(text_enum(&vouch__v1__confidence__descriptor,
            (int)r->confidence), confidence, sizeof(confidence));
        line(f, "", "by %s (%s), from %s until %s%s%s", r->recognizer,
            r->basis, from, until, seen[0] != '\0' ? ", observed " : "",
            seen);
        line(f, "", "  source (%s): %s", confidence, r->source);
    }
}

static void
print_freshness(FILE *f, const Vouch__V1__Answer *a)
{
    const Vouch__V1__Freshness *fresh = a->freshness;
    char spoke[CIVIL_TIME_TEXT], came[CIVIL_TIME_TEXT], age[64], promise[64];

    if (fresh == NULL)
        return;
    if (fresh->state ==
        VOUCH__V1__FRESHNESS_STATE__FRESHNESS_STATE_NEVER) {
        line(f, "freshness", "NEVER: the association has published nothing");
        return;
    }
    civil_format_time(fresh->source_time_us, a->utc_offset_minutes, spoke);
    civil_format_time(fresh->received_at_us, a->utc_offset_minutes, came);
    text_age(text_sum(a->answered_at_us / 1000000,
        -(fresh->source_time_us / 1000000)), age, sizeof(age));
    text_age(fresh->max_age_seconds, promise, sizeof(promise));
    line(f, "freshness", "%s: the association spoke for %s, %s ago",
        text_enum(&vouch__v1__freshness_state__descriptor,
            (int)fresh->state), spoke, age);
    line(f, "", "it was received at %s; promised at most every %s", came,
        promise);
}

static void
print_times(FILE *f, const Vouch__V1__Answer *a)
{
    char day[32], answered[CIVIL_TIME_TEXT];

    text_date(a->as_of, "not given", day);
    civil_format_time(a->answered_at_us, a->utc_offset_minutes, answered);
    line(f, "as of", "%s, in the association's offset%s", day,
        a->projection ? " (PROJECTION: a day in the future)" : "");
    line(f, "answered", "%s, at log size %" PRId64, answered, a->log_size);
}

static void
print_why(FILE *f, const Vouch__V1__Answer *a)
{
    for (size_t i = 0; i < a->n_reasons; i++)
        line(f, i == 0 ? "why" : "", "%s", words_reason(a->reasons[i]));
    for (size_t i = 0; i < a->n_innocent_causes; i++)
        line(f, i == 0 ? "look first" : "", "perhaps %s",
            words_cause(a->innocent_causes[i]));
    if (given(a->contact))
        line(f, "ask", "%s%s%s", a->association_name,
            given(a->association_name) ? ": " : "", a->contact);
}

static void
print_limits(FILE *f, const Vouch__V1__Answer *a)
{
    for (size_t i = 0; i < a->n_not_established; i++)
        line(f, i == 0 ? "not shown" : "", "%s",
            words_not_established(a->not_established[i]));
}

void
answer_print(FILE *f, const Vouch__V1__VerifyCredentialResponse *response,
    const char *seal, int color)
{
    const Vouch__V1__Answer *a = response->answer;

    if (a == NULL)
        return;
    print_head(f, a, color);
    print_why(f, a);
    if (response->question != NULL)
        print_claim(f, response->question);
    print_factors(f, a);
    print_status(f, a->status);
    print_periods(f, a);
    print_recognition(f, a);
    print_freshness(f, a);
    print_times(f, a);
    if (given(a->association_name))
        line(f, "issuer", "%s; %s%s", a->association_name,
            given(a->designation) ? "this operator is its agent by " :
            "it has not designated this operator as its agent",
            a->designation);
    if (response->question != NULL)
        line(f, "asked by", "%s, request %s", response->question->asker,
            response->question->request_id);
    print_limits(f, a);
    line(f, "seal", "%s", seal);
}
