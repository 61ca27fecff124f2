#ifndef PROTO_ERR_H
#define PROTO_ERR_H

/*
 * The one vocabulary of failure inside the daemon and the client.  What a
 * caller over the wire is told is a struct grpc_status (grpc_status.h).
 */

#define ERR_LIST(X)                                             \
    X(OK,       "success")                                      \
    X(NOMEM,    "out of memory")                                \
    X(INVAL,    "malformed input")                              \
    X(TOOBIG,   "input exceeds a stated limit")                 \
    X(NOTFOUND, "no such thing")                                \
    X(EXISTS,   "exists already, and is not the same")          \
    X(DENIED,   "not allowed")                                  \
    X(BUSY,     "no capacity now, a retry may succeed")         \
    X(TIMEOUT,  "time ran out")                                 \
    X(IO,       "file, socket or database failure")             \
    X(CRYPTO,   "key, certificate or signature failure")        \
    X(FULL,     "no room left on the disk")                     \
    X(LOST,     "written, but perhaps not on disk")             \
    X(NEWER,    "written by a newer version of this program")   \
    X(CORRUPT,  "stored data breaks an invariant")

enum err {
#define X(name, text) E_##name,
    ERR_LIST(X)
#undef X
    E_COUNT
};

/* Every fallible function carries this: an unread error does not compile. */
#define MUST_USE __attribute__((warn_unused_result))

#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))

/**
 * err_text(err):
 * Return what ${err} means, in words; a constant.
 */
const char *err_text(enum err err);

/**
 * err_name(err):
 * Return the name of ${err}, as in "NOMEM"; a constant.
 */
const char *err_name(enum err err);

#endif /* !PROTO_ERR_H */
