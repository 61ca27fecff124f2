#ifndef RPC_COMPRESSION_H
#define RPC_COMPRESSION_H

/*
 * The gzip coding of single messages (grpc/doc/compression.md, RFC 1952), for
 * the calls of one worker.  Each message is one member of its own: nothing of
 * one shows in the length of another.  Nothing is allocated before the first
 * message that needs it; what is then (about 40 KiB for reading, 270 KiB for
 * writing) is kept for the next.
 */

#include "proto/bytes.h"
#include "proto/err.h"

/* Opaque types. */
struct rpc_compression;

/**
 * rpc_compression_create(max, compression):
 * Create what inflates messages of up to ${max} bytes, counted as they are
 * inflated.  The caller owns ${*compression}; free with
 * rpc_compression_free().
 *
 * Fails: E_NOMEM.  On failure ${*compression} is NULL.
 */
enum err MUST_USE rpc_compression_create(size_t max,
    struct rpc_compression **compression);

/**
 * rpc_compression_inflate(compression, packed, message):
 * Inflate ${packed} and point ${*message} at what was in it; borrowed until
 * the next call of this function.  Strictly one member, all of it and nothing
 * else: RFC 1952 allows several, but no gRPC library writes them.
 *
 * Fails: E_INVAL   not gzip, damaged, cut off, or bytes behind its end;
 *        E_TOOBIG  more than the limit, told as soon as one byte more comes
 *                  out: no more than the limit is ever allocated for it;
 *        E_NOMEM.
 */
enum err MUST_USE rpc_compression_inflate(struct rpc_compression *compression,
    struct slice packed, struct slice *message);

/**
 * rpc_compression_deflate(compression, out, at):
 * Put the gzip form of what is in ${out} from ${at} on in its place, if that
 * is worth it: if it gets shorter by an eighth.  Return non-zero if that was
 * done; otherwise, also for want of memory, ${out} is as it was.
 */
int rpc_compression_deflate(struct rpc_compression *compression,
    struct buf *out, size_t at);

/**
 * rpc_compression_free(compression):
 * Free ${compression}; NULL is allowed.
 */
void rpc_compression_free(struct rpc_compression *compression);

#endif /* !RPC_COMPRESSION_H */
