#ifndef CLIENT_ERROR_H
#define CLIENT_ERROR_H

/*
 * Filling in a struct vouch_error.
 */

#include "client/vouch.h"
#include "proto/err.h"
#include "proto/grpc_status.h"

/**
 * error_set(error, failure, format, ...):
 * Say what happened; nothing else is known yet.  Returns -1.
 */
int error_set(struct vouch_error *error, enum vouch_failure failure,
    const char *format, ...) PRINTF_LIKE(3, 4);

/**
 * error_next(error, format, ...):
 * Say what to do about it.
 */
void error_next(struct vouch_error *error, const char *format, ...)
    PRINTF_LIKE(2, 3);

/**
 * error_status(error, status):
 * Say what the server answered.  Returns -1.
 */
int error_status(struct vouch_error *error, const struct grpc_status *status);

/**
 * error_nonsense(error, message):
 * Say that the server answered what no vouchd should: INTERNAL.  Returns -1.
 */
int error_nonsense(struct vouch_error *error, const char *message);

/**
 * error_memory(error):
 * Say that memory ran out.  Returns -1.
 */
int error_memory(struct vouch_error *error);

#endif /* !CLIENT_ERROR_H */
