#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/command.h"
#include "client/json.h"
#include "client/publication.h"
#include "client/table.h"
#include "client/text.h"
#include "proto/civil.h"
#include "proto/uuid.h"

const struct flag declare_current_flags[] = {
    {"association", "ID", "for whom: the association of your certificate"},
    {"as-of", "TIME", "when nothing had changed, RFC 3339 (now)"},
    {NULL, NULL, NULL},
};

static void
line(const char *label, const char *text)
{
    printf("%-13s", label);
    table_put(stdout, text);
    putchar('\n');
}

static void
count(const char *label, int64_t n)
{
    printf("%-13s%" PRId64 "\n", label, n);
}

static void
print_types(const Vouch__V1__Publication *p)
{
    for (size_t i = 0; i < p->n_snapshot_type_ids; i++)
        line(i == 0 ? "types" : "", p->snapshot_type_ids[i]);
}

static void
print_table(const Vouch__V1__Publication *p)
{
    char taken[CIVIL_TIME_TEXT], recorded[CIVIL_TIME_TEXT];

    civil_format_time(p->source_time_us, 0, taken);
    civil_format_time(p->recorded_at_us, 0, recorded);
    if (p->publication_id[0] != '\0')
        line("publication", p->publication_id);
    line("request", p->request_id);
    line("association", p->association_id);
    line("mode", text_enum(&vouch__v1__publication_mode__descriptor,
        (int)p->mode));
    if (p->n_snapshot_type_ids > 0)
        print_types(p);
    line("rows taken", taken);
    if (p->recorded_at_us != 0)
        line("recorded", recorded);
    count("new", p->new_count);
    count("changed", p->changed_count);
    count("unchanged", p->unchanged_count);
    count("rejected", p->rejected_count);
    if (p->n_snapshot_type_ids > 0)
        count("not listed", p->not_listed_count);
    if (p->ending_withheld != 0)
        line("", "nothing was ended: a rejected row has a type or number that "
            "cannot be read, and nobody knows which record it lists");
    if (p->recorded_at_us == 0)
        return;
    if (p->event_count > 0)
        printf("log          events %" PRId64 " to %" PRId64 ", manifest %"
            PRId64 "\n", p->first_log_index,
            text_sum(p->first_log_index, p->event_count - 1),
            p->manifest_log_index);
    else
        printf("log          no event, manifest %" PRId64 "\n",
            p->manifest_log_index);
}

static int
print_csv(const Vouch__V1__Publication *p)
{
    static const char *const columns[] = {"publication_id", "request_id",
        "association", "recorded_at", "new", "changed", "unchanged",
        "rejected"};
    char recorded[CIVIL_TIME_TEXT], counts[4][24];

    civil_format_time(p->recorded_at_us, 0, recorded);
    (void)snprintf(counts[0], sizeof(counts[0]), "%" PRId64, p->new_count);
    (void)snprintf(counts[1], sizeof(counts[1]), "%" PRId64,
        p->changed_count);
    (void)snprintf(counts[2], sizeof(counts[2]), "%" PRId64,
        p->unchanged_count);
    (void)snprintf(counts[3], sizeof(counts[3]), "%" PRId64,
        p->rejected_count);
    return (table_print_one(columns, (const char *const[]){
        p->publication_id, p->request_id, p->association_id, recorded,
        counts[0], counts[1], counts[2], counts[3]}, 8));
}

int
publication_print(const struct invocation *run,
    const Vouch__V1__Publication *publication)
{
    switch (run->output) {
    case OUTPUT_JSON:
    case OUTPUT_JSONL:
        return (json_print(stdout, &publication->base,
            run->output == OUTPUT_JSONL));
    case OUTPUT_CSV:
        return (print_csv(publication));
    case OUTPUT_TABLE:
    default:
        print_table(publication);
        return (0);
    }
}

int
cmd_publication_show(const struct invocation *run)
{
    Vouch__V1__GetPublicationRequest request =
        VOUCH__V1__GET_PUBLICATION_REQUEST__INIT;
    Vouch__V1__GetPublicationResponse *response = NULL;
    struct vouch *vouch = NULL;
    struct vouch_error error;
    uint8_t bytes[16];
    char *id = (char *)(uintptr_t)run->words[0];
    int status;

    if (uuid_parse(slice_of(id), bytes) == E_OK)
        request.request_id = id;
    else
        request.publication_id = id;
    if (vouch_open(&run->options, &vouch, &error) != 0 ||
        vouch_call(vouch, "vouch.v1.PublishingService/GetPublication",
            &request.base, &vouch__v1__get_publication_response__descriptor,
            (ProtobufCMessage **)&response, &error) != 0) {
        status = report_error(run, &error);
        goto out;
    }
    status = VOUCH_EXIT_YES;
    if (response->publication == NULL)
        status = bug_error(run, "the server answered without a publication");
    else if (publication_print(run, response->publication) != 0)
        status = bug_error(run, "out of memory");

out:
    if (response != NULL)
        vouch_free_message(&response->base);
    vouch_close(vouch);
    return (status);
}

static int
print_declaration(const struct invocation *run,
    const Vouch__V1__DeclareCurrentResponse *response)
{
    static const char *const columns[] = {"as_of", "log_index"};
    char as_of[CIVIL_TIME_TEXT], index[24];

    if (run->output == OUTPUT_JSON || run->output == OUTPUT_JSONL)
        return (json_print(stdout, &response->base,
            run->output == OUTPUT_JSONL));
    civil_format_time(response->as_of_us, 0, as_of);
    (void)snprintf(index, sizeof(index), "%" PRId64, response->log_index);
    if (run->output == OUTPUT_CSV)
        return (table_print_one(columns, (const char *const[]){as_of, index},
            2));
    printf("current as of %s, log entry %s\n", as_of, index);
    return (0);
}

int
cmd_declare_current(const struct invocation *run)
{
    Vouch__V1__DeclareCurrentRequest request =
        VOUCH__V1__DECLARE_CURRENT_REQUEST__INIT;
    Vouch__V1__DeclareCurrentResponse *response = NULL;
    const char *association = flag_value(run, "association");
    struct vouch *vouch = NULL;
    struct vouch_error error;
    char id[UUID_TEXT];
    int status = VOUCH_EXIT_YES;

    if (association == NULL)
        return (usage_error(run, "--association is needed"));
    if ((status = flag_time(run, "as-of", &request.as_of_us)) != 0)
        return (status);
    if (uuid_make(id) != E_OK)
        return (bug_error(run, "the system gives no random numbers"));
    request.request_id = id;
    request.association_id = (char *)(uintptr_t)association;
    if (vouch_open(&run->options, &vouch, &error) != 0 ||
        vouch_call(vouch, "vouch.v1.PublishingService/DeclareCurrent",
            &request.base, &vouch__v1__declare_current_response__descriptor,
            (ProtobufCMessage **)&response, &error) != 0)
        status = report_error(run, &error);
    else if (print_declaration(run, response) != 0)
        status = bug_error(run, "out of memory");
    if (response != NULL)
        vouch_free_message(&response->base);
    vouch_close(vouch);
    return (status);
}
