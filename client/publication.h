#ifndef CLIENT_PUBLICATION_H
#define CLIENT_PUBLICATION_H

/*
 * What became of an upload, for eyes and machines.
 */

#include "client/command.h"
#include "vouch/v1/publishing_service.pb-c.h"

/**
 * publication_print(run, publication):
 * Write ${publication} to standard output in the format of ${run}.  Returns 0,
 * or -1.
 */
int publication_print(const struct invocation *run,
    const Vouch__V1__Publication *publication);

#endif /* !CLIENT_PUBLICATION_H */
