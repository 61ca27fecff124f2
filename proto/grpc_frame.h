#ifndef PROTO_GRPC_FRAME_H
#define PROTO_GRPC_FRAME_H

/*
 * The gRPC length-prefixed message (grpc/doc/PROTOCOL-HTTP2.md): one flag
 * byte, four length bytes (big-endian), then the message.  Pure byte work: no
 * socket, no stream, no log.  The reader takes prefix and message in pieces of
 * any size and gives back any number of messages one after the other.
 */

#include "proto/bytes.h"
#include "proto/err.h"

#define GRPC_FRAME_PREFIX 5

/* Opaque types. */
struct grpc_reader;

/**
 * grpc_reader_create(max, reader):
 * Create a reader that refuses any message longer than ${max} bytes, and
 * store it in ${*reader}.  The caller owns it; free with grpc_reader_free().
 *
 * Fails: E_NOMEM.  On failure ${*reader} is NULL.
 */
enum err MUST_USE grpc_reader_create(size_t max, struct grpc_reader **reader);

/**
 * grpc_reader_reset(reader):
 * Begin anew, as for another stream; the limit stays, but compressed messages
 * are refused.
 */
void grpc_reader_reset(struct grpc_reader *reader);

/**
 * grpc_reader_take_compressed(reader):
 * From now on take messages with the compressed flag, too.
 */
void grpc_reader_take_compressed(struct grpc_reader *reader);

/**
 * grpc_reader_next(reader, in, message, done):
 * Take bytes from the front of ${*in}, which is moved on by what was taken.
 * If that completes a message, stop there, set ${*done} to 1 and point
 * ${*message} at it (borrowed until the next call on ${reader}, or from
 * ${*in} itself); otherwise all of ${*in} is taken and ${*done} is 0.
 *
 * Fails: E_INVAL   compressed flag set, without grpc_reader_take_compressed(),
 *                  or a flag that does not exist;
 *        E_TOOBIG  announced length above the limit, told from the prefix
 *                  alone, before any allocation;
 *        E_NOMEM.
 * After a failure every later call fails the same way.
 */
enum err MUST_USE grpc_reader_next(struct grpc_reader *reader,
    struct slice *in, struct slice *message, int *done);

/**
 * grpc_reader_compressed(reader):
 * Return the compressed flag of the message that grpc_reader_next() gave last.
 */
int grpc_reader_compressed(const struct grpc_reader *reader);

/**
 * grpc_reader_partial(reader):
 * Return non-zero if a message has begun and not ended.
 */
int grpc_reader_partial(const struct grpc_reader *reader);

/**
 * grpc_reader_announced(reader):
 * Return the length that the last prefix announced, for an error text.
 */
size_t grpc_reader_announced(const struct grpc_reader *reader);

/**
 * grpc_reader_free(reader):
 * Free ${reader}; NULL is allowed.
 */
void grpc_reader_free(struct grpc_reader *reader);

/**
 * grpc_frame_begin(out, at):
 * Append an uncompressed prefix with length 0 to ${out} and tell in ${*at}
 * where; append the message behind it, then call grpc_frame_end().
 *
 * Fails: E_NOMEM, E_TOOBIG; ${out} is then as it was.
 */
enum err MUST_USE grpc_frame_begin(struct buf *out, size_t *at);

/**
 * grpc_frame_end(out, at):
 * Set the length of the prefix at ${at} to what follows it in ${out}.
 */
void grpc_frame_end(struct buf *out, size_t at);

/**
 * grpc_frame_set_compressed(out, at):
 * Set the compressed flag of the prefix at ${at}: the message behind it is.
 */
void grpc_frame_set_compressed(struct buf *out, size_t at);

#endif /* !PROTO_GRPC_FRAME_H */
