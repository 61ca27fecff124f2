#include "client/outcome.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/json.h"
#include "client/publication.h"
#include "client/table.h"
#include "client/text.h"

#define REJECTED VOUCH__V1__CHANGE_KIND__CHANGE_KIND_REJECTED

/* ---- the whole file ---------------------------------------------------- */

void
outcome_count(struct outcome_rejects *rejects, const char *reason)
{
    struct outcome_reason *r;
    size_t i;

    for (i = 0; i < rejects->nreasons; i++)
        if (strcmp(rejects->reasons[i].name, reason) == 0)
            break;
    if (i == OUTCOME_REASONS)
        i--;
    r = &rejects->reasons[i];
    if (i == rejects->nreasons) {
        rejects->nreasons++;
        (void)snprintf(r->name, sizeof(r->name), "%s", reason);
    }
    r->n++;
}

int64_t
outcome_count_of(const struct outcome_rejects *rejects, const char *reason)
{
    for (size_t i = 0; i < rejects->nreasons; i++)
        if (strcmp(rejects->reasons[i].name, reason) == 0)
            return (rejects->reasons[i].n);
    return (0);
}

/* The server counts what was read here as rows that it was not shown. */
static void
drop_rejected(Vouch__V1__PublicationDiff *diff)
{
    size_t kept = 0;

    for (size_t i = 0; i < diff->n_counts; i++)
        if (diff->counts[i]->kind == REJECTED)
            vouch_free_message(&diff->counts[i]->base);
        else
            diff->counts[kept++] = diff->counts[i];
    diff->n_counts = kept;
}

static int
add_rejected(Vouch__V1__PublicationDiff *diff,
    const struct outcome_reason *reason)
{
    Vouch__V1__ChangeCount *count = malloc(sizeof(*count));

    if (count == NULL)
        return (-1);
    vouch__v1__change_count__init(count);
    count->kind = REJECTED;
    count->count = reason->n;
    if ((count->from = text_copy(reason->name)) == NULL) {
        free(count);
        return (-1);
    }
    diff->counts[diff->n_counts++] = count;
    return (0);
}

static int
complete_diff(Vouch__V1__PublicationDiff *diff,
    const struct outcome_rejects *rejects)
{
    Vouch__V1__ChangeCount **counts;
    int status = 0;

    drop_rejected(diff);
    counts = realloc(diff->counts, (diff->n_counts + rejects->nreasons + 1) *
        sizeof(*counts));
    if (counts == NULL)
        return (-1);
    diff->counts = counts;
    for (size_t i = 0; i < rejects->nreasons && status == 0; i++)
        status = add_rejected(diff, &rejects->reasons[i]);
    return (status);
}

int
outcome_complete(Vouch__V1__PublishCredentialsResponse *last,
    const struct outcome_rejects *rejects)
{
    Vouch__V1__Readiness *readiness = last->readiness;

    last->summary->rejected_count = text_sum(last->summary->rejected_count,
        rejects->unsent);
    if (readiness != NULL) {
        readiness->rows_without_number = text_sum(
            readiness->rows_without_number, rejects->without_number);
        readiness->rows_without_family_name = text_sum(
            readiness->rows_without_family_name,
            rejects->without_family_name);
    }
    return (last->diff == NULL ? 0 : complete_diff(last->diff, rejects));
}

/* In the form of people: "MASS_ENDINGS" as "mass endings". */
static void
put_plain(const ProtobufCEnumDescriptor *descriptor, int value)
{
    char text[64];

    text_plain(text_enum(descriptor, value), text, sizeof(text));
    table_put(stdout, text);
}

/* ---- for eyes ---------------------------------------------------------- */

static void
print_count(const Vouch__V1__ChangeCount *count)
{
    char kind[64];

    text_plain(text_enum(&vouch__v1__change_kind__descriptor,
        (int)count->kind), kind, sizeof(kind));
    printf("  %-16s%10" PRId64, kind, count->count);
    if (count->from[0] != '\0' || count->to[0] != '\0') {
        printf("  ");
        table_put(stdout, count->from);
        printf("%s", count->to[0] != '\0' ? " -> " : "");
        table_put(stdout, count->to);
    }
    putchar('\n');
}

static void
print_change(const Vouch__V1__Change *change)
{
    printf("    ");
    if (change->line > 0)
        printf("line %" PRId64 ": ", change->line);
    table_put(stdout, change->credential_type_id);
    putchar(' ');
    table_put(stdout, change->number);
    printf(": ");
    table_put(stdout, change->field);
    printf("%s", change->field[0] != '\0' ? ": " : "");
    if (change->field[0] != '\0') {
        table_put(stdout, change->before[0] != '\0' ? change->before :
            "nothing");
        printf(" -> ");
    }
    table_put(stdout, change->after[0] != '\0' ? change->after : "nothing");
    putchar('\n');
}

static void
print_surprise(const Vouch__V1__Surprise *surprise)
{
    printf("  ");
    put_plain(&vouch__v1__surprise_kind__descriptor, (int)surprise->kind);
    printf(": %" PRId64 " of %" PRId64 " on file", surprise->count,
        surprise->of_count);
    if (surprise->of_count > 0)
        printf(" (%.1f %%)", 100.0 * (double)surprise->count /
            (double)surprise->of_count);
    putchar('\n');
    for (size_t i = 0; i < surprise->n_samples; i++)
        print_change(surprise->samples[i]);
}

static void
print_samples(const Vouch__V1__PublicationDiff *diff)
{
    int kind = -1;

    for (size_t i = 0; i < diff->n_samples; i++) {
        if ((int)diff->samples[i]->kind != kind) {
            kind = (int)diff->samples[i]->kind;
            printf("  ");
            put_plain(&vouch__v1__change_kind__descriptor, kind);
            putchar('\n');
        }
        print_change(diff->samples[i]);
    }
}

static void
print_diff(const Vouch__V1__PublicationDiff *diff)
{
    printf("changes\n");
    for (size_t i = 0; i < diff->n_counts; i++)
        print_count(diff->counts[i]);
    if (diff->n_counts == 0)
        printf("  none\n");
    if (diff->n_surprises > 0)
        printf("largest surprises\n");
    for (size_t i = 0; i < diff->n_surprises; i++)
        print_surprise(diff->surprises[i]);
    if (diff->n_samples > 0)
        printf("samples\n");
    print_samples(diff);
    if (diff->refusal[0] == '\0')
        return;
    printf("it would be refused: ");
    table_put(stdout, diff->refusal_description);
    printf(" (");
    table_put(stdout, diff->refusal);
    printf(")\n");
}

/* Nothing is said of what is well. */
static void
print_readiness(const Vouch__V1__Readiness *r)
{
    char factor[64];

    printf("on file      %" PRId64 " records", r->record_count);
    if (r->unconfirmable_count > 0)
        printf(", %" PRId64 " of which no claim can ever confirm:",
            r->unconfirmable_count);
    putchar('\n');
    for (size_t i = 0; i < r->n_reasons; i++) {
        text_plain(text_enum(&vouch__v1__factor__descriptor,
            (int)r->reasons[i]->factor), factor, sizeof(factor));
        printf("  %10" PRId64 "  have no %s\n", r->reasons[i]->count, factor);
    }
    if (r->rows_without_number > 0)
        printf("             %" PRId64 " rows were not taken for want of a "
            "number that can be read\n", r->rows_without_number);
    if (r->rows_without_family_name > 0)
        printf("             %" PRId64 " rows were not taken for want of a "
            "family name\n", r->rows_without_family_name);
}

static int
print_table(const struct invocation *run,
    const Vouch__V1__PublishCredentialsResponse *last)
{
    if (last->diff != NULL)
        printf("DRY RUN: nothing was changed\n");
    if (publication_print(run, last->summary) != 0)
        return (-1);
    if (last->diff != NULL)
        print_diff(last->diff);
    if (last->readiness != NULL)
        print_readiness(last->readiness);
    return (0);
}

/* ---- for machines ------------------------------------------------------ */

/* Everything in one: the publication's members, and the others beside them. */
static json_t *
whole(const Vouch__V1__PublishCredentialsResponse *last)
{
    json_t *json = json_of(&last->summary->base);
    int failed = json == NULL;

    if (!failed && last->diff != NULL)
        failed = json_object_set_new(json, "dryRun", json_true()) != 0 ||
            json_object_set_new(json, "diff", json_of(&last->diff->base)) != 0;
    if (!failed && last->readiness != NULL)
        failed = json_object_set_new(json, "readiness",
            json_of(&last->readiness->base)) != 0;
    if (!failed && last->repeated_request)
        failed = json_object_set_new(json, "repeatedRequest",
            json_true()) != 0;
    if (failed) {
        json_decref(json);
        return (NULL);
    }
    return (json);
}

/* A line that says what it is, and of which surprise if of one. */
static int
print_line(const char *type, const ProtobufCMessage *message,
    const char *surprise)
{
    json_t *json = json_of(message);

    if (json == NULL)
        return (-1);
    if (json_object_set_new(json, "type", json_string(type)) != 0 ||
        (surprise != NULL && json_object_set_new(json, "surprise",
        json_string(surprise)) != 0)) {
        json_decref(json);
        return (-1);
    }
    return (json_print_value(stdout, json, 1));
}

/* Its samples go on lines of their own. */
static int
print_surprise_lines(const Vouch__V1__Surprise *surprise)
{
    Vouch__V1__Surprise bare = *surprise;
    const ProtobufCEnumValue *kind = protobuf_c_enum_descriptor_get_value(
        &vouch__v1__surprise_kind__descriptor, (int)surprise->kind);
    int status;

    bare.n_samples = 0;
    status = print_line("surprise", &bare.base, NULL);
    for (size_t i = 0; i < surprise->n_samples && status == 0; i++)
        status = print_line("change", &surprise->samples[i]->base,
            kind != NULL ? kind->name : "");
    return (status);
}

static int
print_lines(const Vouch__V1__PublishCredentialsResponse *last)
{
    const Vouch__V1__PublicationDiff *diff = last->diff;
    int status = 0;

    for (size_t i = 0; i < diff->n_counts && status == 0; i++)
        status = print_line("count", &diff->counts[i]->base, NULL);
    for (size_t i = 0; i < diff->n_surprises && status == 0; i++)
        status = print_surprise_lines(diff->surprises[i]);
    for (size_t i = 0; i < diff->n_samples && status == 0; i++)
        status = print_line("change", &diff->samples[i]->base, NULL);
    if (status == 0 && diff->refusal[0] != '\0') {
        Vouch__V1__PublicationDiff bare = VOUCH__V1__PUBLICATION_DIFF__INIT;

        bare.refusal = diff->refusal;
        bare.refusal_description = diff->refusal_description;
        status = print_line("refusal", &bare.base, NULL);
    }
    if (status == 0 && last->readiness != NULL)
        status = print_line("readiness", &last->readiness->base, NULL);
    return (status != 0 ? status :
        print_line("publication", &last->summary->base, NULL));
}

int
outcome_print(const struct invocation *run,
    const Vouch__V1__PublishCredentialsResponse *last)
{
    switch (run->output) {
    case OUTPUT_JSON:
        return (json_print_value(stdout, whole(last), 0));
    case OUTPUT_JSONL:
        return (last->diff != NULL ? print_lines(last) :
            json_print_value(stdout, whole(last), 1));
    case OUTPUT_CSV:
        return (publication_print(run, last->summary));
    case OUTPUT_TABLE:
    default:
        return (print_table(run, last));
    }
}
