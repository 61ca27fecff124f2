#ifndef CLIENT_PUBLISH_HEAD_H
#define CLIENT_PUBLISH_HEAD_H

/*
 * The header of an upload, as the flags of `vouch publish` say.
 */

#include "client/command.h"
#include "client/vouch.h"
#include "proto/uuid.h"
#include "vouch/v1/publishing_service.pb-c.h"

#define PUBLISH_TYPES_MAX 64

/* {0} is an empty one. */
struct publish_head {
    Vouch__V1__PublicationHeader header;    /* borrows the rest, and flags */
    char request_id[UUID_TEXT];
    char *types[PUBLISH_TYPES_MAX];         /* owned */
    size_t ntypes;
    int all_types;                          /* still to be asked for */
};

/**
 * publish_head_read(run, head):
 * Read the flags.  Returns 0, or an exit code after having said why.  Free with
 * publish_head_free(), after a failure too.
 */
int publish_head_read(const struct invocation *run,
    struct publish_head *head);

/**
 * publish_head_ask(head, vouch, error):
 * If the flags say `--types all`, ask for the association's credential types.
 * Returns 0, or -1 with ${*error}.
 */
int publish_head_ask(struct publish_head *head, struct vouch *vouch,
    struct vouch_error *error);

/**
 * publish_head_free(head):
 * Free what ${head} holds.
 */
void publish_head_free(struct publish_head *head);

#endif /* !CLIENT_PUBLISH_HEAD_H */
