#include "service/publish_header.h"

#include <string.h>

#include "base/clock.h"
#include "proto/uuid.h"

#define DELTA VOUCH__V1__PUBLICATION_MODE__PUBLICATION_MODE_DELTA

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

enum err
publish_header_read(const Vouch__V1__PublicationHeader *header,
    const struct service_worker *worker, const struct caller *caller,
    struct publish_header *read, struct grpc_status *status)
{
    int64_t now = clock_wall_us();
    enum err err;

    err = publish_owner(header->association_id, worker, caller, &read->place,
        status);
    if (err != E_OK)
        return (err);
    grpc_status_from_err(status, E_OK);
    if (uuid_parse(slice_of(header->request_id), read->request_id) != E_OK)
        grpc_status_violation(status, "header.request_id", "must be a UUID");
    if (header->mode != DELTA)
        grpc_status_violation(status, "header.mode",
            "must be PUBLICATION_MODE_DELTA");
    if (header->extracted_at_us < 0 || header->extracted_at_us > now)
        grpc_status_violation(status, "header.extracted_at_us",
            "must be a time that has passed, in microseconds; 0: now");
    read->mode = header->mode;
    read->source_time_us = header->extracted_at_us != 0 ?
        header->extracted_at_us : now;
    read->source_stated = header->extracted_at_us != 0;
    read->want_openings = header->want_openings;
    return (status->code == GRPC_OK ? E_OK : E_INVAL);
}

void
publish_header_missing(struct grpc_status *status)
{
    grpc_status_from_err(status, E_OK);
    grpc_status_violation(status, "header",
        "must come in the first message");
}
