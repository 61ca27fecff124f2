#include "service/publication_diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/number.h"
#include "proto/utf8.h"
#include "service/record_text.h"
#include "service/text.h"

#define KIND(x) VOUCH__V1__CHANGE_KIND__CHANGE_KIND_##x
#define SURPRISE(x) VOUCH__V1__SURPRISE_KIND__SURPRISE_KIND_##x

#define COUNTS 256
#define SAMPLES 20
#define KINDS (KIND(REJECTED) + 1)
#define SURPRISES (SURPRISE(FACTORS_CHANGED) + 1)
#define TYPE_TEXT 64

/* How many changes of one kind and from one status to one other. */
struct tally {
    Vouch__V1__ChangeKind kind;
    char from[RECORD_STATUS];
    char to[RECORD_STATUS];
    int64_t n;
};

struct sample {
    Vouch__V1__ChangeKind kind;
    int64_t line;
    char type[TYPE_TEXT];
    char number[NUMBER_MAX + 1];
    struct record_difference what;
};

/* Some changes, the first ones, and how many there were. */
struct sampled {
    int64_t n;
    size_t kept;
    struct sample samples[SAMPLES];
};

struct publication_diff {
    struct tally tallies[COUNTS];
    size_t ntallies;
    struct sampled kinds[KINDS];
    struct sampled surprises[SURPRISES];
    int64_t known;              /* credentials on file that it speaks of */

    /* Where the message's parts lie. */
    Vouch__V1__ChangeCount counts[COUNTS];
    Vouch__V1__ChangeCount *count_list[COUNTS];
    Vouch__V1__Change changes[(KINDS + SURPRISES) * SAMPLES];
    Vouch__V1__Change *change_list[(KINDS + SURPRISES) * SAMPLES];
    Vouch__V1__Surprise surprise[SURPRISES];
    Vouch__V1__Surprise *surprise_list[SURPRISES];
};

enum err
publication_diff_create(struct publication_diff **diff)
{
    *diff = calloc(1, sizeof(**diff));
    return (*diff != NULL ? E_OK : E_NOMEM);
}

void
publication_diff_clear(struct publication_diff *diff)
{
    if (diff != NULL)
        memset(diff, 0, sizeof(*diff));
}

void
publication_diff_free(struct publication_diff *diff)
{
    free(diff);
}

/* ---- counting --------------------------------------------------------- */

/* The last place is for whatever finds none of its own. */
static void
count(struct publication_diff *diff, Vouch__V1__ChangeKind kind,
    const char *from, const char *to, int64_t n)
{
    struct tally *t;
    size_t i;

    for (i = 0; i < diff->ntallies; i++) {
        t = &diff->tallies[i];
        if (t->kind == kind && strcmp(t->from, from) == 0 &&
            strcmp(t->to, to) == 0) {
            t->n += n;
            return;
        }
    }
    if (i == COUNTS)
        i--;
    else
        diff->ntallies++;
    t = &diff->tallies[i];
    t->n += n;
    if (i + 1 == COUNTS)
        return;
    t->kind = kind;
    (void)snprintf(t->from, sizeof(t->from), "%s", from);
    (void)snprintf(t->to, sizeof(t->to), "%s", to);
}

/* Return where a sample of the next change goes, or NULL. */
static struct sample *
next_sample(struct sampled *sampled, Vouch__V1__ChangeKind kind, int64_t line,
    const char *type, const char *number)
{
    struct sample *s;

    sampled->n++;
    if (sampled->kept == SAMPLES)
        return (NULL);
    s = &sampled->samples[sampled->kept++];
    *s = (struct sample){.kind = kind, .line = line, .what = {.field = ""}};
    utf8_copy(slice_of(type), s->type, sizeof(s->type));
    utf8_copy(slice_of(number), s->number, sizeof(s->number));
    return (s);
}

static Vouch__V1__ChangeKind
kind_of(Vouch__V1__EventKind kind)
{
    switch (kind) {
    case VOUCH__V1__EVENT_KIND__EVENT_KIND_ISSUED:
        return (KIND(NEW));
    case VOUCH__V1__EVENT_KIND__EVENT_KIND_RENEWED:
        return (KIND(RENEWED));
    case VOUCH__V1__EVENT_KIND__EVENT_KIND_STATUS_CHANGED:
        return (KIND(STATUS_CHANGED));
    case VOUCH__V1__EVENT_KIND__EVENT_KIND_NAME_CHANGED:
        return (KIND(NAME_CHANGED));
    case VOUCH__V1__EVENT_KIND__EVENT_KIND_NOT_LISTED:
        return (KIND(NOT_LISTED));
    default:
        return (KIND(CORRECTED));
    }
}

/* Say in ${what} what a change of ${kind} is. */
static void
explain(Vouch__V1__ChangeKind kind, const Vouch__V1__CredentialRecord *before,
    const Vouch__V1__CredentialRecord *after, struct record_difference *what)
{
    switch (kind) {
    case KIND(NEW):
        what->field = "";
        record_text_whole(after, what->after);
        break;
    case KIND(RENEWED):
        what->field = "periods";
        record_text_periods(before, what->before);
        record_text_periods(after, what->after);
        break;
    case KIND(STATUS_CHANGED):
    case KIND(NOT_LISTED):
        what->field = "raw_status";
        record_text_status(before, what->before);
        record_text_status(after, what->after);
        break;
    case KIND(NAME_CHANGED):
        what->field = "name";
        record_text_name(before, what->before);
        record_text_name(after, what->after);
        break;
    default:
        record_text_difference(before, after, what);
        break;
    }
}

static void
note_surprises(struct publication_diff *diff, Vouch__V1__ChangeKind kind,
    int64_t line, const Vouch__V1__CredentialRecord *before,
    const Vouch__V1__CredentialRecord *after)
{
    const char *type = after->credential_type_id;
    struct record_difference what;
    struct sample *s;

    if (strcmp(before->names[0]->name->family,
        after->names[0]->name->family) != 0 && (s = next_sample(
        &diff->surprises[SURPRISE(NAME_CHANGES)], kind, line, type,
        after->number)) != NULL)
        explain(KIND(NAME_CHANGED), before, after, &s->what);
    if (record_text_moved_back(before, after, &what) && (s = next_sample(
        &diff->surprises[SURPRISE(DATES_MOVED_BACK)], kind, line, type,
        after->number)) != NULL)
        s->what = what;
    if (record_text_other_factor(before, after, &what) && (s = next_sample(
        &diff->surprises[SURPRISE(FACTORS_CHANGED)], kind, line, type,
        after->number)) != NULL)
        s->what = what;
}

void
publication_diff_change(struct publication_diff *diff,
    Vouch__V1__EventKind event_kind, int64_t line,
    const Vouch__V1__Event *last, const Vouch__V1__CredentialRecord *record)
{
    Vouch__V1__ChangeKind kind = kind_of(event_kind);
    const Vouch__V1__CredentialRecord *before =
        last != NULL ? last->record : NULL;
    char from[RECORD_STATUS] = "", to[RECORD_STATUS] = "";
    struct sample *s;

    if (kind == KIND(STATUS_CHANGED) || kind == KIND(NOT_LISTED)) {
        record_text_status(before, from);
        record_text_status(record, to);
    }
    count(diff, kind, from, to, 1);
    if ((s = next_sample(&diff->kinds[kind], kind, line,
        record->credential_type_id, record->number)) != NULL)
        explain(kind, before, record, &s->what);
    if (before == NULL)
        return;
    diff->known++;
    note_surprises(diff, kind, line, before, record);
}

/* The word is told, or if that is the same the date. */
void
publication_diff_ended(struct publication_diff *diff,
    Vouch__V1__EventKind kind, int64_t line,
    const Vouch__V1__CredentialRecord *before,
    const Vouch__V1__CredentialRecord *after)
{
    struct sample *s = next_sample(&diff->surprises[SURPRISE(ENDINGS)],
        kind_of(kind), line, after->credential_type_id, after->number);

    if (s == NULL)
        return;
    explain(KIND(STATUS_CHANGED), before, after, &s->what);
    if (strcmp(s->what.before, s->what.after) == 0)
        explain(KIND(RENEWED), before, after, &s->what);
}

void
publication_diff_same(struct publication_diff *diff,
    const Vouch__V1__CredentialRow *row)
{
    count(diff, KIND(UNCHANGED), "", "", 1);
    diff->known++;
    (void)next_sample(&diff->kinds[KIND(UNCHANGED)], KIND(UNCHANGED),
        row->line, row->credential_type_id, row->number);
}

void
publication_diff_rejected(struct publication_diff *diff, const char *reason,
    int64_t n)
{
    if (n > 0)
        count(diff, KIND(REJECTED), reason, "", n);
}

/* ---- the message ------------------------------------------------------ */

static void
fill_counts(struct publication_diff *diff,
    Vouch__V1__PublicationDiff *message)
{
    size_t i;

    for (i = 0; i < diff->ntallies; i++) {
        vouch__v1__change_count__init(&diff->counts[i]);
        diff->counts[i].kind = diff->tallies[i].kind;
        diff->counts[i].from = diff->tallies[i].from;
        diff->counts[i].to = diff->tallies[i].to;
        diff->counts[i].count = diff->tallies[i].n;
        diff->count_list[i] = &diff->counts[i];
    }
    message->counts = diff->count_list;
    message->n_counts = i;
}

/* ${at} counts the places that are taken; return where the new ones begin. */
static Vouch__V1__Change **
fill_samples(struct publication_diff *diff, struct sampled *sampled,
    size_t *at)
{
    Vouch__V1__Change **first = &diff->change_list[*at];
    size_t i;

    for (i = 0; i < sampled->kept; i++, (*at)++) {
        struct sample *s = &sampled->samples[i];
        Vouch__V1__Change *change = &diff->changes[*at];

        vouch__v1__change__init(change);
        change->kind = s->kind;
        change->line = s->line;
        change->credential_type_id = s->type;
        change->number = s->number;
        change->field = text_of(s->what.field);
        change->before = s->what.before;
        change->after = s->what.after;
        diff->change_list[*at] = change;
    }
    return (first);
}

static int
by_count(const void *a, const void *b)
{
    const Vouch__V1__Surprise *x = *(Vouch__V1__Surprise *const *)a;
    const Vouch__V1__Surprise *y = *(Vouch__V1__Surprise *const *)b;

    return ((x->count < y->count) - (x->count > y->count));
}

static void
fill_surprises(struct publication_diff *diff, size_t *at,
    Vouch__V1__PublicationDiff *message)
{
    size_t i, n = 0;

    for (i = 0; i < SURPRISES; i++) {
        Vouch__V1__Surprise *s = &diff->surprise[i];

        if (diff->surprises[i].n == 0)
            continue;
        vouch__v1__surprise__init(s);
        s->kind = (Vouch__V1__SurpriseKind)i;
        s->count = diff->surprises[i].n;
        s->of_count = diff->known;
        s->n_samples = diff->surprises[i].kept;
        s->samples = fill_samples(diff, &diff->surprises[i], at);
        diff->surprise_list[n++] = s;
    }
    if (n > 0)
        qsort(diff->surprise_list, n, sizeof(diff->surprise_list[0]),
            by_count);
    message->surprises = diff->surprise_list;
    message->n_surprises = n;
}

void
publication_diff_fill(struct publication_diff *diff,
    Vouch__V1__PublicationDiff *message)
{
    size_t at = 0;
    size_t i;

    vouch__v1__publication_diff__init(message);
    fill_counts(diff, message);
    message->samples = diff->change_list;
    for (i = 0; i < KINDS; i++)
        if (i != KIND(UNCHANGED))
            (void)fill_samples(diff, &diff->kinds[i], &at);
    message->n_samples = at;
    fill_surprises(diff, &at, message);
}
