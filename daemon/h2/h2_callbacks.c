#include "h2/session.h"

#include <string.h>

#include "base/log.h"

/*
 * What nghttp2 calls.  Nothing here sends or receives; frames are queued.
 * Once a peer is cut off what it still sends is passed over.
 */

/* With its header a frame of this payload fills 16 KiB, one TLS record. */
#define DATA_MAX (16 * 1024 - 9)

/* What a connection keeps of its store for header blocks. */
#define BLOCK_KEEP ((size_t)2048)

const uint8_t h2_callbacks_drain_ping[8] = {'v', 'd', 'r', 'a', 'i', 'n', 0,
    1};

static struct h2_stream *
stream_of(nghttp2_session *session, int32_t id)
{
    return (nghttp2_session_get_stream_user_data(session, id));
}

static int
on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd,
    void *cookie)
{
    (void)session;
    h2_strict_received(cookie, hd);
    h2_limits_received(cookie, hd);
    return (0);
}

/* The peer could not know. */
static int
is_overloaded(struct h2 *h2)
{
    if (rpc_server_admits(h2->rpc, h2->peer))
        return (0);
    h2_limits_excuse(h2);
    return (1);
}

static int
on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame,
    void *cookie)
{
    struct h2 *h2 = cookie;
    struct h2_stream *stream;
    int32_t id = frame->hd.stream_id;

    h2->block.n = h2->block.size = 0;
    buf_drop(&h2->block.bytes, h2->block.bytes.n);
    if (h2->block.bytes.size > BLOCK_KEEP)
        buf_free(&h2->block.bytes);
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST || h2->failed != E_OK)
        return (0);
    h2_strict_opened(h2, id);

    /*
     * One too many; or the final GOAWAY is made already, and says that this
     * was not seen.  The client may try it again.
     */
    if (h2->nstreams >= h2->limits.max_streams ||
        (h2->drain == DRAIN_FINAL && id > h2->last_stream) ||
        is_overloaded(h2)) {
        h2_session_queued(h2, nghttp2_submit_rst_stream(session,
            NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM));
        return (0);
    }
    if (h2_stream_create(h2, id, &stream) != E_OK)
        return (NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE);
    if (nghttp2_session_set_stream_user_data(session, id, stream) != 0)
        h2_stream_free(stream);
    return (0);
}

/* The request is malformed: there will be no call. */
static int
refuse(struct h2 *h2, nghttp2_session *session, int32_t id)
{
    struct h2_stream *stream = stream_of(session, id);

    if (stream != NULL) {
        (void)nghttp2_session_set_stream_user_data(session, id, NULL);
        h2_stream_free(stream);
    }
    h2_session_queued(h2, nghttp2_submit_rst_stream(session,
        NGHTTP2_FLAG_NONE, id, NGHTTP2_PROTOCOL_ERROR));
    return (0);
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame,
    const uint8_t *name, size_t nname, const uint8_t *value, size_t nvalue,
    uint8_t flags, void *cookie)
{
    int request = (frame->headers.cat == NGHTTP2_HCAT_REQUEST);

    (void)flags;
    if (request && nname == 4 && memcmp(name, "host", 4) == 0 &&
        !h2_strict_host(cookie, (struct slice){value, nvalue}))
        return (refuse(cookie, session, frame->hd.stream_id));
    if (h2_limits_header(cookie, (struct slice){name, nname},
        (struct slice){value, nvalue}, request) != 0)
        return (NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE);
    return (0);
}

/* nghttp2 would leave the header out: RFC 9113 section 8.2.1 does not. */
static int
on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame,
    const uint8_t *name, size_t nname, const uint8_t *value, size_t nvalue,
    uint8_t flags, void *cookie)
{
    (void)session, (void)frame, (void)name, (void)nname, (void)value;
    (void)nvalue, (void)flags, (void)cookie;
    return (NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE);
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t id,
    const uint8_t *bytes, size_t n, void *cookie)
{
    struct h2_stream *stream = stream_of(session, id);
    struct h2 *h2 = cookie;

    (void)flags;
    if (stream != NULL && h2->failed == E_OK)
        h2_stream_data(stream, (struct slice){bytes, n});
    else
        h2_session_queued(h2, nghttp2_session_consume_connection(session, n));
    return (0);
}

static void
on_ping_ack(struct h2 *h2, const nghttp2_ping *ping)
{
    if (h2->drain == DRAIN_NOTICE && memcmp(ping->opaque_data,
        h2_callbacks_drain_ping, sizeof(h2_callbacks_drain_ping)) == 0)
        h2->drain = DRAIN_DUE;
}

/* Who says GOAWAY asks no more once what is open is answered. */
static void
close_if_done(struct h2 *h2)
{
    if (h2->peer_done && h2->nstreams == 0)
        h2_drain_now(h2);
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *cookie)
{
    struct h2_stream *stream;
    struct h2 *h2 = cookie;

    if (h2->failed != E_OK)
        return (0);
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
    case NGHTTP2_DATA:
        if ((stream = stream_of(session, frame->hd.stream_id)) == NULL)
            break;
        if (frame->hd.type == NGHTTP2_HEADERS &&
            frame->headers.cat == NGHTTP2_HCAT_REQUEST)
            h2_stream_open(stream);
        if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
            h2_stream_end(stream);
        break;
    case NGHTTP2_PING:
        if (frame->hd.flags & NGHTTP2_FLAG_ACK)
            on_ping_ack(h2, &frame->ping);
        break;
    case NGHTTP2_SETTINGS:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0)
            h2_strict_settled(h2);
        break;
    case NGHTTP2_GOAWAY:
        h2->peer_done = 1;
        close_if_done(h2);
        break;
    default:
        break;
    }
    return (0);
}

/*
 * Ours or nghttp2's own: whoever is told an error is told no more.  Of its own
 * nghttp2 says why in the debug data, a constant.
 */
static void
on_sent_goaway(struct h2 *h2, const nghttp2_goaway *goaway)
{
    if (goaway->error_code == NGHTTP2_NO_ERROR)
        return;
    if (h2->failed == E_OK) {
        h2->failed = E_INVAL;
        log_line(LOG_WARN, "broken", "peer=%s code=%s why=\"%.*s\"",
            h2->peer->id, nghttp2_http2_strerror(goaway->error_code),
            (int)goaway->opaque_data_len, (const char *)goaway->opaque_data);
    }
    h2->gone = 1;
}

static int
on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *cookie)
{
    struct h2_stream *stream;
    struct h2 *h2 = cookie;

    h2_limits_sent(h2, frame);
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
    case NGHTTP2_DATA:
        stream = stream_of(session, frame->hd.stream_id);
        if (stream != NULL && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
            h2_stream_sent_end(stream);
        break;
    case NGHTTP2_RST_STREAM:
        h2_strict_reset(h2, frame->hd.stream_id);
        break;
    case NGHTTP2_GOAWAY:
        on_sent_goaway(h2, &frame->goaway);
        break;
    default:
        break;
    }
    return (0);
}

static int
on_close(nghttp2_session *session, int32_t id, uint32_t code, void *cookie)
{
    struct h2_stream *stream = stream_of(session, id);

    (void)code;
    if (stream != NULL)
        h2_stream_free(stream);
    close_if_done(cookie);
    return (0);
}

static ssize_t
data_length(nghttp2_session *session, uint8_t type, int32_t id,
    int32_t session_window, int32_t stream_window, uint32_t max_frame,
    void *cookie)
{
    (void)session, (void)type, (void)id, (void)session_window;
    (void)stream_window, (void)max_frame, (void)cookie;
    return (DATA_MAX);      /* nghttp2 cuts it to windows and frame size */
}

enum err
h2_callbacks_create(nghttp2_session_callbacks **callbacks)
{
    nghttp2_session_callbacks *c;

    *callbacks = NULL;
    if (nghttp2_session_callbacks_new(&c) != 0)
        return (E_NOMEM);
    nghttp2_session_callbacks_set_on_begin_frame_callback(c, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(c,
        on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(c, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(c,
        on_invalid_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(c, on_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, on_close);
    nghttp2_session_callbacks_set_data_source_read_length_callback(c,
        data_length);
    nghttp2_session_callbacks_set_send_data_callback(c, h2_data_sent);
    *callbacks = c;
    return (E_OK);
}
