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
    {"as-of", "TIME", "the time T of \"nothing has changed as of T\", "
        "RFC 3339 (now)"},
    {NULL, NULL, NULL},
};

static void
print_table(const Vouch__V1__Publication *p, int64_t unread)
{
    char taken[CIVIL_TIME_TEXT], recorded[CIVIL_TIME_TEXT];

    civil_format_time(p->source_time_us, 0, taken);
    civil_format_time(p->recorded_at_us, 0, recorded);
    printf("publication  %s\nrequest      %s\nassociation  %s, %s\n",
        p->publication_id, p->request_id, p->association_id,
        text_enum(&vouch__v1__publication_mode__descriptor, (int)p->mode));
    printf("rows taken   %s\nrecorded     %s\n", taken, recorded);
    printf("new          %" PRId64 "\nchanged      %" PRId64
        "\nunchanged    %" PRId64 "\nrejected     %" PRId64 "\n",
        p->new_count, p->changed_count, p->unchanged_count,
        p->rejected_count + unread);
    if (p->event_count > 0)
        printf("log          events %" PRId64 " to %" PRId64 ", manifest %"
            PRId64 "\n", p->first_log_index,
            p->first_log_index + p->event_count - 1, p->manifest_log_index);
    else
        printf("log          no event, manifest %" PRId64 "\n",
            p->manifest_log_index);
}

static int
print_csv(const Vouch__V1__Publication *p, int64_t unread)
{
    static const char *const columns[] = {"publication_id", "request_id",
        "association", "recorded_at", "new", "changed", "unchanged",
        "rejected"};
    struct table *table = table_create(columns, 8);
    char recorded[CIVIL_TIME_TEXT], counts[4][24];
    int status = -1;

    civil_format_time(p->recorded_at_us, 0, recorded);
    (void)snprintf(counts[0], sizeof(counts[0]), "%" PRId64, p->new_count);
    (void)snprintf(counts[1], sizeof(counts[1]), "%" PRId64,
        p->changed_count);
    (void)snprintf(counts[2], sizeof(counts[2]), "%" PRId64,
        p->unchanged_count);
    (void)snprintf(counts[3], sizeof(counts[3]), "%" PRId64,
        p->rejected_count + unread);
    if (table != NULL && table_add(table, (const char *const[]){
        p->publication_id, p->request_id, p->association_id, recorded,
        counts[0], counts[1], counts[2], counts[3]}) == 0) {
        table_print(table, stdout, 1);
        status = 0;
    }
    table_free(table);
    return (status);
}

int
publication_print(const struct invocation *run,
    const Vouch__V1__Publication *publication, int64_t unread)
{
    switch (run->output) {
    case OUTPUT_JSON:
    case OUTPUT_JSONL:
        return (json_print(stdout, &publication->base,
            run->output == OUTPUT_JSONL));
    case OUTPUT_CSV:
        return (print_csv(publication, unread));
    case OUTPUT_TABLE:
    default:
        print_table(publication, unread);
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
    status = response->publication != NULL &&
        publication_print(run, response->publication, 0) == 0 ?
        VOUCH_EXIT_YES : VOUCH_EXIT_BUG;

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
    char as_of[CIVIL_TIME_TEXT];

    if (run->output == OUTPUT_JSON || run->output == OUTPUT_JSONL)
        return (json_print(stdout, &response->base,
            run->output == OUTPUT_JSONL));
    civil_format_time(response->as_of_us, 0, as_of);
    printf("current as of %s, log entry %" PRId64 "\n", as_of,
        response->log_index);
    return (0);
}

int
cmd_declare_current(const struct invocation *run)
{
    Vouch__V1__DeclareCurrentRequest request =
        VOUCH__V1__DECLARE_CURRENT_REQUEST__INIT;
    Vouch__V1__DeclareCurrentResponse *response = NULL;
    const char *association = flag_value(run, "association");
    const char *as_of = flag_value(run, "as-of");
    struct vouch *vouch = NULL;
    struct vouch_error error;
    char id[UUID_TEXT];
    int status = VOUCH_EXIT_BUG;

    if (association == NULL)
        return (usage_error(run, "--association is needed"));
    if (as_of != NULL && civil_parse_time(as_of, &request.as_of_us) != E_OK)
        return (usage_error(run, "--as-of takes a time as in "
            "2026-11-22T06:00:00-06:00, not '%s'", as_of));
    if (uuid_make(id) != E_OK)
        goto out;
    request.request_id = id;
    request.association_id = (char *)(uintptr_t)association;
    if (vouch_open(&run->options, &vouch, &error) != 0 ||
        vouch_call(vouch, "vouch.v1.PublishingService/DeclareCurrent",
            &request.base, &vouch__v1__declare_current_response__descriptor,
            (ProtobufCMessage **)&response, &error) != 0)
        status = report_error(run, &error);
    else if (print_declaration(run, response) == 0)
        status = VOUCH_EXIT_YES;

out:
    if (response != NULL)
        vouch_free_message(&response->base);
    vouch_close(vouch);
    return (status);
}
