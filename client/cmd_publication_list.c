#include <inttypes.h>
#include <stdio.h>

#include "client/command.h"
#include "client/error.h"
#include "client/listing.h"
#include "client/text.h"
#include "proto/civil.h"

#include "vouch/v1/publishing_service.pb-c.h"

#define NCOLUMNS 10

const struct flag publication_list_flags[] = {
    {"association", "ID", "only those of this association (auditors)"},
    {"since", "TIME", "only those recorded at this time or later, RFC 3339"},
    {"before", "TIME", "only those recorded before this time"},
    {NULL, NULL, NULL},
};

static const char *const columns[NCOLUMNS] = {"PUBLICATION", "ASSOCIATION",
    "MODE", "RECORDED", "NEW", "CHANGED", "UNCHANGED", "REJECTED",
    "NOT LISTED", "EVENTS"};
static const char *const csv[NCOLUMNS] = {"publication_id", "association",
    "mode", "recorded_at", "new", "changed", "unchanged", "rejected",
    "not_listed", "events"};

static int
add(struct listing *l, const Vouch__V1__Publication *p)
{
    const int64_t counts[6] = {p->new_count, p->changed_count,
        p->unchanged_count, p->rejected_count, p->not_listed_count,
        p->event_count};
    char texts[6][24], recorded[CIVIL_TIME_TEXT];

    for (size_t i = 0; i < 6; i++)
        (void)snprintf(texts[i], sizeof(texts[i]), "%" PRId64, counts[i]);
    civil_format_time(p->recorded_at_us, 0, recorded);
    return (listing_add(l, &p->base, (const char *const[NCOLUMNS]){
        p->publication_id, p->association_id,
        text_enum(&vouch__v1__publication_mode__descriptor, (int)p->mode),
        recorded, texts[0], texts[1], texts[2], texts[3], texts[4],
        texts[5]}));
}

static int
list(struct vouch *vouch, Vouch__V1__ListPublicationsRequest *request,
    struct listing *l, struct vouch_error *error)
{
    Vouch__V1__ListPublicationsResponse *page = NULL;
    int status = 0;

    do {
        if (l->token != NULL)
            request->page_token = l->token;
        if (vouch_call(vouch, "vouch.v1.PublishingService/ListPublications",
            &request->base,
            &vouch__v1__list_publications_response__descriptor,
            (ProtobufCMessage **)&page, error) != 0)
            return (-1);
        for (size_t i = 0; i < page->n_publications && status == 0; i++)
            if ((status = add(l, page->publications[i])) != 0)
                (void)error_memory(error);
        if (status == 0)
            status = listing_turn(l, page->next_page_token, error);
        vouch_free_message(&page->base);
    } while (status == 1);
    return (status);
}

static int
read_flags(const struct invocation *run,
    Vouch__V1__ListPublicationsRequest *request)
{
    const char *association = flag_value(run, "association");
    int status;

    if (association != NULL)
        request->association_id = (char *)(uintptr_t)association;
    if ((status = flag_time(run, "since", &request->recorded_from_us)) != 0)
        return (status);
    return (flag_time(run, "before", &request->recorded_before_us));
}

int
cmd_publication_list(const struct invocation *run)
{
    Vouch__V1__ListPublicationsRequest request =
        VOUCH__V1__LIST_PUBLICATIONS_REQUEST__INIT;
    struct listing l = {.run = run, .columns = columns, .csv = csv,
        .ncolumns = NCOLUMNS};
    struct vouch *vouch = NULL;
    struct vouch_error error = {0};
    int status;

    if ((status = read_flags(run, &request)) != 0)
        return (status);
    if (vouch_open(&run->options, &vouch, &error) != 0 ||
        list(vouch, &request, &l, &error) != 0)
        status = report_error(run, &error);
    else if (listing_end(&l) != 0)
        status = bug_error(run, "out of memory");
    else
        status = VOUCH_EXIT_YES;
    listing_free(&l);
    vouch_close(vouch);
    return (status);
}
