#include "h2/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* Trailers of a response, and headers of one. */
#define HEADERS_OUT 12

/* Request headers that need no allocation for their list. */
#define HEADERS_FEW 32

static nghttp2_nv
nv_of(const struct rpc_header *header)
{
    /* nghttp2 wants no const, and writes through neither. */
    union {
        const uint8_t *in;
        uint8_t *out;
    } name = {.in = header->name.p}, value = {.in = header->value.p};

    return ((nghttp2_nv){name.out, value.out, header->name.n,
        header->value.n, header->fixed ? NGHTTP2_NV_FLAG_NO_COPY_NAME |
        NGHTTP2_NV_FLAG_NO_COPY_VALUE : NGHTTP2_NV_FLAG_NONE});
}

static size_t
nv_fill(nghttp2_nv *nv, const struct rpc_header *headers, size_t n)
{
    size_t i;

    for (i = 0; i < n && i < HEADERS_OUT; i++)
        nv[i] = nv_of(&headers[i]);
    return (i);
}

/*
 * Give the client window again for what was taken, unless it must wait.  A
 * stream that waits must not hold up the others, so the connection's window is
 * given at once, but for what had to be kept.
 */
static int
grant(struct h2_stream *stream)
{
    nghttp2_session *session = stream->h2->session;
    size_t held = stream->held, kept = rpc_call_kept(stream->call);
    int rv = 0;

    if (stream->owed > kept) {
        rv = nghttp2_session_consume_connection(session, stream->owed - kept);
        stream->owed = kept;
    }
    if (rv != 0 || held == 0 || rpc_call_full(stream->call))
        return (rv);
    stream->held = 0;
    return (nghttp2_session_consume_stream(session, stream->id, held));
}

static int
submit_trailers(struct h2_stream *stream, uint32_t *flags)
{
    struct rpc_header trailers[HEADERS_OUT];
    nghttp2_nv nv[HEADERS_OUT];
    size_t n;

    /* First, because the call may want a reset behind its trailers. */
    stream->ending = 1;
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    n = rpc_call_trailers(stream->call, trailers, HEADERS_OUT);
    if (n == 0)
        return (0);
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    return (nghttp2_submit_trailer(stream->h2->session, stream->id, nv,
        nv_fill(nv, trailers, n)));
}

int
h2_stream_taken(struct h2_stream *stream, enum rpc_read read, uint32_t *flags)
{
    int rv = grant(stream);

    if (rv == 0 && read == RPC_READ_TRAILERS)
        rv = submit_trailers(stream, flags);
    if (read == RPC_READ_WAIT)
        stream->waits = 1;
    return (rv);
}

static enum err
respond(void *cookie, const struct rpc_header *headers, size_t n, int end)
{
    struct h2_stream *stream = cookie;
    nghttp2_data_provider body = {{.ptr = stream}, h2_data_read};
    nghttp2_nv nv[HEADERS_OUT];
    int rv;

    rv = nghttp2_submit_response(stream->h2->session, stream->id, nv,
        nv_fill(nv, headers, n), end ? NULL : &body);
    if (rv == NGHTTP2_ERR_NOMEM)
        return (E_NOMEM);
    stream->ending = end;
    h2_session_queued(stream->h2, rv);
    return (E_OK);
}

static void
resume(void *cookie)
{
    struct h2_stream *stream = cookie;
    int rv = 0;

    if (!stream->waits)
        return;
    stream->waits = 0;
    rv = nghttp2_session_resume_data(stream->h2->session, stream->id);
    h2_session_queued(stream->h2, rv);
}

static void
send_reset(struct h2_stream *stream, uint32_t code)
{
    h2_session_queued(stream->h2, nghttp2_submit_rst_stream(
        stream->h2->session, NGHTTP2_FLAG_NONE, stream->id, code));
}

/* nghttp2 drops what is queued on a stream whose reset is queued. */
static void
reset(void *cookie, uint32_t code)
{
    struct h2_stream *stream = cookie;

    if (stream->ending && !stream->ended) {
        stream->reset_owed = 1;
        stream->reset_code = code;
    } else {
        send_reset(stream, code);
    }
}

static const struct rpc_stream_ops stream_ops = {
    .respond = respond,
    .resume = resume,
    .reset = reset,
};

enum err
h2_stream_create(struct h2 *h2, int32_t id, struct h2_stream **stream)
{
    struct h2_stream *s;

    *stream = NULL;
    if ((s = calloc(1, sizeof(*s))) == NULL)
        return (E_NOMEM);
    s->h2 = h2;
    s->id = id;
    s->next = h2->streams;
    s->link = &h2->streams;
    if (s->next != NULL)
        s->next->link = &s->next;
    h2->streams = s;
    h2->nstreams++;
    *stream = s;
    return (E_OK);
}

size_t
h2_block_next(const struct h2_block *block, size_t at, struct slice *name,
    struct slice *value)
{
    const uint8_t *p = block->bytes.p + at;
    size_t lengths[2];

    memcpy(lengths, p, sizeof(lengths));
    p += sizeof(lengths);
    *name = (struct slice){p, lengths[0]};
    *value = (struct slice){p + lengths[0], lengths[1]};
    return (at + sizeof(lengths) + lengths[0] + lengths[1]);
}

/* Point ${list} at the headers that the block holds. */
static void
unpack(const struct h2_block *block, struct rpc_header *list)
{
    size_t at = 0, i;

    for (i = 0; i < block->n; i++)
        at = h2_block_next(block, at, &list[i].name, &list[i].value);
}

static enum err
start_call(struct h2_stream *stream)
{
    struct h2 *h2 = stream->h2;
    struct rpc_header few[HEADERS_FEW];
    struct rpc_header *many = NULL;
    struct rpc_request request = {
        .headers = few,
        .n = h2->block.n,
        .cut = h2->block.size > h2->limits.max_header_list,
    };
    enum err err;

    if (request.n > HEADERS_FEW) {
        if ((many = calloc(request.n, sizeof(*many))) == NULL)
            return (E_NOMEM);
        request.headers = many;
    }
    unpack(&h2->block, many != NULL ? many : few);
    err = rpc_call_start(h2->rpc, h2->peer, &request, &stream_ops, stream,
        &stream->call);
    free(many);
    return (err);
}

void
h2_stream_open(struct h2_stream *stream)
{
    if (start_call(stream) == E_OK)
        return;

    /* Nothing was begun: the client may try again at once. */
    log_line(LOG_WARN, "refused", "peer=%s why=memory", stream->h2->peer->id);
    send_reset(stream, NGHTTP2_REFUSED_STREAM);
}

void
h2_stream_data(struct h2_stream *stream, struct slice bytes)
{
    int rv;

    if (stream->call != NULL) {
        rpc_call_feed(stream->call, bytes);
        stream->held += bytes.n;
        stream->owed += bytes.n;
        rv = grant(stream);
    } else {
        rv = nghttp2_session_consume_connection(stream->h2->session, bytes.n);
    }
    if (rv != 0)
        h2_session_queued(stream->h2, rv);
}

void
h2_stream_end(struct h2_stream *stream)
{
    stream->client_done = 1;
    if (stream->call != NULL)
        rpc_call_end(stream->call);
}

void
h2_stream_sent_end(struct h2_stream *stream)
{
    stream->ended = 1;
    if (stream->reset_owed && !stream->client_done)
        send_reset(stream, stream->reset_code);
}

void
h2_stream_free(struct h2_stream *stream)
{
    struct h2 *h2 = stream->h2;

    if (stream->owed > 0)
        h2_session_queued(h2,
            nghttp2_session_consume_connection(h2->session, stream->owed));
    *stream->link = stream->next;
    if (stream->next != NULL)
        stream->next->link = stream->link;
    h2->nstreams--;
    rpc_call_free(stream->call);
    free(stream);
}
