#include "client/publish_head.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/error.h"
#include "client/text.h"
#include "proto/civil.h"
#include "vouch/v1/catalog_service.pb-c.h"

#define DELTA VOUCH__V1__PUBLICATION_MODE__PUBLICATION_MODE_DELTA
#define SNAPSHOT VOUCH__V1__PUBLICATION_MODE__PUBLICATION_MODE_SNAPSHOT

/* Returns 0, 1 if there are too many, or -1 if memory ran out. */
static int
add_type(struct publish_head *head, const char *id, size_t n)
{
    char *copy;

    if (head->ntypes == PUBLISH_TYPES_MAX)
        return (1);
    if ((copy = malloc(n + 1)) == NULL)
        return (-1);
    memcpy(copy, id, n);
    copy[n] = '\0';
    head->types[head->ntypes++] = copy;
    head->header.snapshot_type_ids = head->types;
    head->header.n_snapshot_type_ids = head->ntypes;
    return (0);
}

static int
read_types(const struct invocation *run, struct publish_head *head)
{
    const char *rest = flag_value(run, "types");
    int status;

    if (rest == NULL)
        return (usage_error(run, "--mode snapshot needs --types: the "
            "credential types that the file lists completely, with commas "
            "between them, or 'all'"));
    if (strcmp(rest, "all") == 0) {
        head->all_types = 1;
        return (0);
    }
    for (;;) {
        size_t n = strcspn(rest, ",");

        if (n == 0)
            return (usage_error(run, "--types takes ids with commas between "
                "them, not '%s'", flag_value(run, "types")));
        if ((status = add_type(head, rest, n)) > 0)
            return (usage_error(run, "--types takes at most %d ids",
                PUBLISH_TYPES_MAX));
        if (status < 0)
            return (bug_error(run, "out of memory"));
        if (rest[n] == '\0')
            return (0);
        rest += n + 1;
    }
}

static int
read_expected(const struct invocation *run, struct publish_head *head)
{
    const char *text = flag_value(run, "expect-endings");
    char *end = NULL;
    intmax_t n;

    if (text == NULL)
        return (0);
    errno = 0;
    n = strtoimax(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 ||
        n > INT64_MAX)
        return (usage_error(run, "--expect-endings takes a number of "
            "credentials, not '%s'", text));
    head->header.ending_count_expected = 1;
    head->header.ending_count = (int64_t)n;
    return (0);
}

static int
read_snapshot(const struct invocation *run, struct publish_head *head)
{
    int status;

    if (flag_value(run, "extracted-at") == NULL)
        return (usage_error(run, "--mode snapshot needs --extracted-at: the "
            "time at which the file was taken from your system, not that at "
            "which it was written or copied"));
    if ((status = read_types(run, head)) != 0)
        return (status);
    return (read_expected(run, head));
}

static int
read_mode(const struct invocation *run, struct publish_head *head)
{
    static const char *const only[] = {"types", "expect-endings"};
    const char *mode = flag_value(run, "mode");

    head->header.mode = DELTA;
    if (mode != NULL && strcmp(mode, "snapshot") == 0) {
        head->header.mode = SNAPSHOT;
        return (read_snapshot(run, head));
    }
    if (mode != NULL && strcmp(mode, "delta") != 0)
        return (usage_error(run, "--mode takes delta or snapshot, not '%s'",
            mode));
    for (size_t i = 0; i < sizeof(only) / sizeof(only[0]); i++)
        if (flag_value(run, only[i]) != NULL)
            return (usage_error(run, "--%s goes with --mode snapshot only",
                only[i]));
    return (0);
}

int
publish_head_read(const struct invocation *run, struct publish_head *head)
{
    const char *association = flag_value(run, "association");
    const char *at = flag_value(run, "extracted-at");
    const char *id = flag_value(run, "request-id");
    uint8_t bytes[16];

    vouch__v1__publication_header__init(&head->header);
    if (association == NULL)
        return (usage_error(run, "--association is needed"));
    if (at != NULL &&
        civil_parse_time(at, &head->header.extracted_at_us) != E_OK)
        return (usage_error(run, "--extracted-at takes a time as in "
            "2026-11-22T06:00:00-06:00, not '%s'", at));
    if (id != NULL && uuid_parse(slice_of(id), bytes) != E_OK)
        return (usage_error(run, "--request-id takes a UUID, not '%s'", id));
    if (id != NULL)
        (void)snprintf(head->request_id, sizeof(head->request_id), "%s", id);
    else if (uuid_make(head->request_id) != E_OK)
        return (bug_error(run, "the system gives no random numbers"));
    head->header.request_id = head->request_id;
    head->header.association_id = (char *)(uintptr_t)association;
    head->header.want_openings = flag_value(run, "openings") != NULL;
    head->header.dry_run = flag_value(run, "dry-run") != NULL;
    return (read_mode(run, head));
}

/* ---- the association's types ------------------------------------------ */

static int
add_page(struct publish_head *head,
    const Vouch__V1__ListCredentialTypesResponse *page,
    struct vouch_error *error)
{
    int status;

    for (size_t i = 0; i < page->n_credential_types; i++) {
        const char *id = page->credential_types[i]->id;

        if ((status = add_type(head, id, strlen(id))) < 0)
            return (error_memory(error));
        if (status > 0)
            return (error_nonsense(error, "the association has more types "
                "than one snapshot may list: name them with --types"));
    }
    return (0);
}

int
publish_head_ask(struct publish_head *head, struct vouch *vouch,
    struct vouch_error *error)
{
    Vouch__V1__ListCredentialTypesRequest request =
        VOUCH__V1__LIST_CREDENTIAL_TYPES_REQUEST__INIT;
    Vouch__V1__ListCredentialTypesResponse *page = NULL;
    int status;

    if (!head->all_types)
        return (0);
    request.association_id = head->header.association_id;
    request.page_size = 1000;   /* more than one snapshot may name */
    if (vouch_call(vouch, "vouch.v1.CatalogService/ListCredentialTypes",
        &request.base, &vouch__v1__list_credential_types_response__descriptor,
        (ProtobufCMessage **)&page, error) != 0)
        return (-1);
    status = add_page(head, page, error);
    vouch_free_message(&page->base);
    return (status);
}

void
publish_head_free(struct publish_head *head)
{
    for (size_t i = 0; i < head->ntypes; i++)
        free(head->types[i]);
    head->ntypes = 0;
}
