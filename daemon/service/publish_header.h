#ifndef SERVICE_PUBLISH_HEADER_H
#define SERVICE_PUBLISH_HEADER_H

/*
 * The header of an upload: for whom, as of when, under which id.
 */

#include "service/internal.h"
#include "service/publication.h"

#include "vouch/v1/publishing_service.pb-c.h"

struct publish_header {
    size_t place;               /* of the association in the catalog */
    uint8_t request_id[STORE_ID];
    Vouch__V1__PublicationMode mode;
    int64_t source_time_us;     /* what it states, or now */
    int source_stated;
    int want_openings;
    size_t types[PUBLICATION_TYPES_MAX];    /* of a snapshot, by place in the
                                               catalog */
    size_t ntypes;
    int ending_count_expected;
    int64_t ending_count;
    int dry_run;
};

/**
 * publish_header_read(header, worker, caller, read, status):
 * Check ${header} and make ${*read} of it.
 *
 * Fails: E_DENIED (it is not for the caller), E_NOTFOUND (the caller is not in
 * the catalog), E_INVAL; ${*status} says it to the caller.
 */
enum err MUST_USE publish_header_read(
    const Vouch__V1__PublicationHeader *header,
    const struct service_worker *worker, const struct caller *caller,
    struct publish_header *read, struct grpc_status *status);

/**
 * publish_header_missing(status):
 * Say in ${status} that there was none.
 */
void publish_header_missing(struct grpc_status *status);

/**
 * publish_owner(association_id, worker, caller, place, status):
 * Check that the caller speaks for ${association_id}, and find its place in
 * the catalog.  Fails as publish_header_read(), never E_INVAL.
 */
enum err MUST_USE publish_owner(const char *association_id,
    const struct service_worker *worker, const struct caller *caller,
    size_t *place, struct grpc_status *status);

/**
 * publish_request_id(text, id, status):
 * Read a request id; what is wrong with it becomes a violation of ${status}.
 */
void publish_request_id(const char *text, uint8_t id[STORE_ID],
    struct grpc_status *status);

#endif /* !SERVICE_PUBLISH_HEADER_H */
