#ifndef CLIENT_SESSION_H
#define CLIENT_SESSION_H

/*
 * One connection with its session of HTTP/2 and the one call on it.  Moves
 * bytes both ways at once: a server that says much before it reads, or that
 * reads nothing, blocks nobody.
 */

#include "client/call.h"
#include "client/vouch.h"

/* Opaque types. */
struct session;

/**
 * session_open(options, session, error):
 * Connect.  Returns 0, or -1 with ${*session} NULL and ${*error} filled in.
 * End with session_close().
 */
int session_open(const struct vouch_options *options,
    struct session **session, struct vouch_error *error);

/**
 * session_close(session):
 * Give up the call, if there is one, say good-bye if that goes without waiting,
 * and free; NULL is allowed.
 */
void session_close(struct session *session);

/**
 * session_call(session):
 * Return the call in progress, with stream 0 if there is none; borrowed.
 */
struct call *session_call(struct session *session);

/* An attempt at a unary call. */
struct session_attempt {
    int64_t deadline_us;    /* by clock_us(), of all of them together */
    unsigned before;        /* so many have failed */
};

/**
 * session_deadline(options):
 * Return when a unary call that begins now has to be over, by clock_us().
 */
int64_t session_deadline(const struct vouch_options *options);

/**
 * session_is_over(session):
 * Return non-zero if the server has ended the connection in good order: another
 * one to the same server may well take the next call.
 */
int session_is_over(struct session *session);

/**
 * session_begin(session, method, attempt, type, error):
 * Begin a call of ${method}: ${attempt} at a unary one, which must end in its
 * time; or, with NULL, a stream, which must not be silent for as long as the
 * options say.  Returns 0, or -1 with ${*error} (a call is in progress, the
 * connection takes no more).
 */
int session_begin(struct session *session, const char *method,
    const struct session_attempt *attempt,
    const ProtobufCMessageDescriptor *type, struct vouch_error *error);

/**
 * session_resume(session):
 * There may be something new in the call's out, or an end to it.  The time of
 * silence begins anew.
 */
void session_resume(struct session *session);

/**
 * session_pump(session, wait, error):
 * Move what there is, both ways; if nothing came and ${wait}, wait until
 * something can move, and move it.  Returns 0, or -1 with ${*error}: the
 * connection has ended, which every later call says again, or time ran out.
 */
int session_pump(struct session *session, int wait,
    struct vouch_error *error);

/**
 * session_identity(session, uri, size):
 * As channel_identity().
 */
int session_identity(const struct session *session, char *uri, size_t size);

/**
 * session_end(session):
 * The call is over, or is given up, which the server is told.
 */
void session_end(struct session *session);

#endif /* !CLIENT_SESSION_H */
