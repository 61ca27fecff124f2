#include "service/publish_header.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "proto/uuid.h"

#define DELTA VOUCH__V1__PUBLICATION_MODE__PUBLICATION_MODE_DELTA
#define SNAPSHOT VOUCH__V1__PUBLICATION_MODE__PUBLICATION_MODE_SNAPSHOT

enum err
publish_owner(const char *association_id, const struct service_worker *worker,
    const struct caller *caller, size_t *place, struct grpc_status *status)
{
    const char *id = caller->identity->id;
    int found;

    if (strcmp(association_id, id) != 0) {
        grpc_status_set(status, GRPC_PERMISSION_DENIED,
            "NOT_YOUR_ASSOCIATION",
            "this certificate speaks for the association \"%s\" only", id);
        grpc_status_metadata(status, "association_id", "%s", id);
        return (E_DENIED);
    }
    found = catalog_index_place(worker->service->catalog, id);
    if (found < 0) {
        grpc_status_set(status, GRPC_NOT_FOUND, "ASSOCIATION_NOT_FOUND",
            "the catalog holds no association \"%s\"", id);
        return (E_NOTFOUND);
    }
    *place = (size_t)found;
    return (E_OK);
}

void
publish_request_id(const char *text, uint8_t id[STORE_ID],
    struct grpc_status *status)
{
    if (uuid_parse(slice_of(text), id) != E_OK)
        grpc_status_violation(status, "request_id", "must be a UUID");
}

static int
is_listed(const struct publish_header *read, size_t place)
{
    size_t i;

    for (i = 0; i < read->ntypes; i++)
        if (read->types[i] == place)
            return (1);
    return (0);
}

static void
read_type(const char *id, size_t i, const struct service_worker *worker,
    struct publish_header *read, struct grpc_status *status)
{
    const struct catalog_index *index = worker->service->catalog;
    const Vouch__V1__Catalog *catalog = catalog_index_catalog(index);
    int place = catalog_index_type_place(index, id);
    char field[64];

    (void)snprintf(field, sizeof(field), "header.snapshot_type_ids[%zu]", i);
    if (place < 0 || strcmp(catalog->credential_types[place]->association_id,
        catalog->associations[read->place]->id) != 0)
        grpc_status_violation(status, field,
            "must be a credential type of the association");
    else if (is_listed(read, (size_t)place))
        grpc_status_violation(status, field, "is there twice");
    else
        read->types[read->ntypes++] = (size_t)place;
}

static void
read_snapshot(const Vouch__V1__PublicationHeader *header,
    const struct service_worker *worker, struct publish_header *read,
    struct grpc_status *status)
{
    size_t i;

    if (header->n_snapshot_type_ids < 1 ||
        header->n_snapshot_type_ids > PUBLICATION_TYPES_MAX) {
        grpc_status_violation(status, "header.snapshot_type_ids",
            "must name the 1 to %d credential types that the snapshot lists "
            "completely", PUBLICATION_TYPES_MAX);
        return;
    }
    if (header->extracted_at_us == 0)
        grpc_status_violation(status, "header.extracted_at_us",
            "must be given for a snapshot");
    if (header->ending_count < 0)
        grpc_status_violation(status, "header.ending_count",
            "must be 0 or more");
    for (i = 0; i < header->n_snapshot_type_ids; i++)
        read_type(header->snapshot_type_ids[i], i, worker, read, status);
}

static void
read_mode(const Vouch__V1__PublicationHeader *header,
    const struct service_worker *worker, struct publish_header *read,
    struct grpc_status *status)
{
    if (header->mode == SNAPSHOT) {
        read_snapshot(header, worker, read, status);
        return;
    }
    if (header->mode != DELTA)
        grpc_status_violation(status, "header.mode", "must be "
            "PUBLICATION_MODE_DELTA or PUBLICATION_MODE_SNAPSHOT");
    else if (header->n_snapshot_type_ids > 0)
        grpc_status_violation(status, "header.snapshot_type_ids",
            "must be given for a snapshot only");
    else if (header->ending_count_expected)
        grpc_status_violation(status, "header.ending_count_expected",
            "must be given for a snapshot only");
}

enum err
publish_header_read(const Vouch__V1__PublicationHeader *header,
    const struct service_worker *worker, const struct caller *caller,
    struct publish_header *read, struct grpc_status *status)
{
    int64_t now = clock_wall_us();
    enum err err;

    read->ntypes = 0;
    err = publish_owner(header->association_id, worker, caller, &read->place,
        status);
    if (err != E_OK)
        return (err);
    grpc_status_from_err(status, E_OK);
    if (uuid_parse(slice_of(header->request_id), read->request_id) != E_OK)
        grpc_status_violation(status, "header.request_id", "must be a UUID");
    read_mode(header, worker, read, status);
    if (header->extracted_at_us < 0 || header->extracted_at_us > now)
        grpc_status_violation(status, "header.extracted_at_us",
            "must be a time that has passed, in microseconds; 0: now");
    read->mode = header->mode;
    read->source_time_us = header->extracted_at_us != 0 ?
        header->extracted_at_us : now;
    read->source_stated = header->extracted_at_us != 0;
    read->want_openings = header->want_openings;
    read->ending_count_expected = header->ending_count_expected;
    read->ending_count = header->ending_count;
    read->dry_run = header->dry_run;
    return (status->code == GRPC_OK ? E_OK : E_INVAL);
}

void
publish_header_missing(struct grpc_status *status)
{
    grpc_status_from_err(status, E_OK);
    grpc_status_violation(status, "header",
        "must come in the first message");
}
