#include "support/h2_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct rpc_limits rpc_limits = {
    .max_message = 64 * 1024,
    .max_arena = 1024 * 1024,
    .max_depth = 8,
    .max_elements = 64,
    .max_fields = 128,
    .max_deadline_us = 60000000,
    .stall_us = 30000000,
};

/* The type of frames of padding. */
#define PADDING 0xf0

const struct h2_limits peer_limits = {
    .max_streams = 50,
    .max_header_list = 8192,
    .window = 128 * 1024,
    .max_cheap_frames = 100,
    .pad_step = 2048,
};

const struct identity peer_identity = {
    .role = ROLE_EMPLOYER,
    .uri = "spiffe://test/employer/acme",
    .id = "acme",
};

static struct exchange *
exchange_of(nghttp2_session *session, int32_t id)
{
    return (nghttp2_session_get_stream_user_data(session, id));
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame,
    const uint8_t *name, size_t nname, const uint8_t *value, size_t nvalue,
    uint8_t flags, void *cookie)
{
    struct exchange *x = exchange_of(session, frame->hd.stream_id);
    size_t at = strlen(x->headers);

    (void)flags, (void)cookie;
    at += (size_t)snprintf(x->headers + at, sizeof(x->headers) - at,
        "%.*s: %.*s\n", (int)nname, (const char *)name, (int)nvalue,
        (const char *)value);
    assert_true(at < sizeof(x->headers));
    return (0);
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t id,
    const uint8_t *bytes, size_t n, void *cookie)
{
    struct exchange *x = exchange_of(session, id);

    (void)flags, (void)cookie;
    assert_int_equal(buf_add(&x->body, (struct slice){bytes, n}), E_OK);
    return (0);
}

static void
on_goaway(struct peer *p, const nghttp2_goaway *goaway)
{
    p->ngoaway++;
    p->last_stream = goaway->last_stream_id;
    p->goaway_code = goaway->error_code;
    (void)snprintf(p->goaway_text, sizeof(p->goaway_text), "%.*s",
        (int)goaway->opaque_data_len, (const char *)goaway->opaque_data);
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *cookie)
{
    struct exchange *x = exchange_of(session, frame->hd.stream_id);

    if (frame->hd.type == NGHTTP2_GOAWAY)
        on_goaway(cookie, &frame->goaway);
    if (x == NULL)
        return (0);
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        x->nheaders++;
        break;
    case NGHTTP2_DATA:
        x->ndata++;
        x->wire += 9 + frame->hd.length;
        if (frame->hd.length == 0)
            x->nempty++;
        break;
    case NGHTTP2_RST_STREAM:
        x->nreset++;
        x->reset_code = frame->rst_stream.error_code;
        x->reset_after_end = x->ended;
        break;
    default:
        return (0);
    }
    if (frame->hd.type != NGHTTP2_RST_STREAM &&
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        x->ended = 1;
    return (0);
}

static int
on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd,
    void *cookie)
{
    struct peer *p = cookie;

    (void)session;
    if (hd->type == PADDING)
        p->padding += 9 + hd->length;
    return (0);
}

/* It tells nothing of frames that nobody would unpack. */
static int
on_unpack(nghttp2_session *session, void **payload,
    const nghttp2_frame_hd *hd, void *cookie)
{
    (void)session, (void)payload, (void)hd, (void)cookie;
    return (NGHTTP2_ERR_CANCEL);
}

static int
on_close(nghttp2_session *session, int32_t id, uint32_t code, void *cookie)
{
    struct exchange *x = exchange_of(session, id);

    (void)cookie;
    if (x != NULL) {
        x->closed = 1;
        x->close_code = code;
    }
    return (0);
}

static ssize_t
on_read(nghttp2_session *session, int32_t id, uint8_t *out, size_t size,
    uint32_t *flags, nghttp2_data_source *source, void *cookie)
{
    struct exchange *x = source->ptr;
    size_t n = x->upload.n - x->sent;

    (void)session, (void)id, (void)cookie;
    if (n > size)
        n = size;
    if (n == 0 && x->more) {
        x->waits = 1;
        return (NGHTTP2_ERR_DEFERRED);
    }
    if (n > 0)
        memcpy(out, x->upload.p + x->sent, n);
    x->sent += n;
    if (x->sent == x->upload.n && !x->more)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return ((ssize_t)n);
}

static void
wake(void *cookie)
{
    struct peer *p = cookie;

    p->woken++;
}

void
peer_open_raw(struct peer *p, const struct h2_limits *limits)
{
    memset(p, 0, sizeof(*p));
    assert_int_equal(rpc_server_create(NULL, &rpc_limits, &p->server), E_OK);
    assert_int_equal(h2_create(p->server, &peer_identity,
        limits != NULL ? limits : &peer_limits, wake, p, &p->h2), E_OK);
}

void
peer_open(struct peer *p, const struct h2_limits *limits,
    int32_t client_window)
{
    nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, (uint32_t)client_window},
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
    };
    nghttp2_session_callbacks *c;
    nghttp2_option *option;

    peer_open_raw(p, limits);
    assert_int_equal(nghttp2_session_callbacks_new(&c), 0);
    nghttp2_session_callbacks_set_on_header_callback(c, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
    nghttp2_session_callbacks_set_on_begin_frame_callback(c, on_begin_frame);
    nghttp2_session_callbacks_set_unpack_extension_callback(c, on_unpack);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, on_close);
    assert_int_equal(nghttp2_option_new(&option), 0);
    nghttp2_option_set_user_recv_extension_type(option, PADDING);
    assert_int_equal(nghttp2_session_client_new2(&p->session, c, p, option),
        0);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(c);
    assert_int_equal(nghttp2_submit_settings(p->session, 0, settings, 2), 0);
}

void
peer_close(struct peer *p)
{
    int i;

    h2_free(p->h2);
    assert_int_equal(rpc_server_calls(p->server), 0);
    rpc_server_free(p->server);
    nghttp2_session_del(p->session);
    for (i = 0; i < p->nx; i++) {
        buf_free(&p->x[i]->upload);
        buf_free(&p->x[i]->body);
        free(p->x[i]);
    }
}

enum err
peer_push(struct peer *p)
{
    const uint8_t *bytes;
    enum err err = E_OK;
    ssize_t n;

    while ((n = nghttp2_session_mem_send(p->session, &bytes)) > 0) {
        p->to_server += (uint64_t)n;
        if (err == E_OK)
            err = h2_feed(p->h2, (struct slice){bytes, (size_t)n});
    }
    assert_int_equal(n, 0);
    return (err);
}

void
peer_pull(struct peer *p)
{
    struct buf out;

    buf_init(&out, 32 * 1024);
    do {
        buf_drop(&out, out.n);
        assert_int_equal(h2_take(p->h2, &out), E_OK);
        if (out.n > 0)
            assert_int_equal(nghttp2_session_mem_recv(p->session, out.p,
                out.n), out.n);
    } while (out.n > 0);
    assert_false(h2_wants_write(p->h2));
    buf_free(&out);
}

void
peer_pump(struct peer *p)
{
    uint64_t before;

    do {
        before = p->to_server;
        (void)peer_push(p);
        peer_pull(p);
    } while (p->to_server != before);
}

static nghttp2_nv
nv_of(const char *name, const char *value)
{
    union {
        const char *in;
        uint8_t *out;
    } n = {.in = name}, v = {.in = value};

    return ((nghttp2_nv){n.out, v.out, strlen(name), strlen(value), 0});
}

static size_t
fill_headers(nghttp2_nv *nv, const char *path, const char *const *extra)
{
    static const char *const usual[] = {":method", "POST", ":scheme", "https",
        ":authority", "localhost", "te", "trailers", "content-type",
        "application/grpc"};
    size_t i, j, n = 0;

    nv[n++] = nv_of(":path", path);
    for (i = 0; i < sizeof(usual) / sizeof(usual[0]); i += 2) {
        for (j = 0; extra != NULL && extra[j] != NULL; j += 2) {
            if (strcmp(extra[j], usual[i]) == 0)
                break;
        }
        if (extra == NULL || extra[j] == NULL)
            nv[n++] = nv_of(usual[i], usual[i + 1]);
        else if (extra[j + 1] != NULL)
            nv[n++] = nv_of(extra[j], extra[j + 1]);
    }
    for (j = 0; extra != NULL && extra[j] != NULL; j += 2) {
        for (i = 0; i < sizeof(usual) / sizeof(usual[0]); i += 2) {
            if (strcmp(extra[j], usual[i]) == 0)
                break;
        }
        if (i == sizeof(usual) / sizeof(usual[0]))
            nv[n++] = nv_of(extra[j], extra[j + 1]);
    }
    return (n);
}

struct exchange *
peer_call(struct peer *p, const char *path, struct slice body, int more,
    const char *const *extra)
{
    nghttp2_data_provider source = {{.ptr = NULL}, on_read};
    struct exchange *x = calloc(1, sizeof(*x));
    nghttp2_nv nv[400];

    assert_non_null(x);
    assert_true(p->nx < EXCHANGES_MAX);
    p->x[p->nx++] = x;
    buf_init(&x->upload, SIZE_MAX / 2);
    buf_init(&x->body, SIZE_MAX / 2);
    assert_int_equal(buf_add(&x->upload, body), E_OK);
    x->more = more;
    source.source.ptr = x;
    x->id = nghttp2_submit_request(p->session, NULL, nv,
        fill_headers(nv, path, extra), &source, x);
    assert_true(x->id > 0);
    return (x);
}

void
peer_upload(struct peer *p, struct exchange *x, struct slice body, int more)
{
    assert_int_equal(buf_add(&x->upload, body), E_OK);
    x->more = more;
    if (x->waits)
        assert_int_equal(nghttp2_session_resume_data(p->session, x->id), 0);
    x->waits = 0;
}

const char *
exchange_value(const struct exchange *x, const char *name)
{
    static char value[8192];
    char line[64];
    const char *at;

    (void)snprintf(line, sizeof(line), "\n%s: ", name);
    if ((at = strstr(x->headers, line)) != NULL)
        at += strlen(line);
    else if (strncmp(x->headers, line + 1, strlen(line + 1)) == 0)
        at = x->headers + strlen(line + 1);
    else
        return (NULL);
    (void)snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\n"), at);
    return (value);
}

struct grpc_status
exchange_status(const struct exchange *x)
{
    struct grpc_status status;
    char message[1024] = "", details[8192] = "";
    uint8_t bytes[4096];
    const char *text;
    size_t n = 0;
    long code;

    assert_true(x->ended);
    assert_non_null(exchange_value(x, "grpc-status"));
    code = strtol(exchange_value(x, "grpc-status"), NULL, 10);
    if ((text = exchange_value(x, "grpc-message")) != NULL)
        (void)snprintf(message, sizeof(message), "%s", text);
    if ((text = exchange_value(x, "grpc-status-details-bin")) != NULL)
        (void)snprintf(details, sizeof(details), "%s", text);
    assert_int_equal(bytes_from_base64(slice_of(details), bytes,
        sizeof(bytes), &n), E_OK);
    grpc_status_parse((enum grpc_code)code, slice_of(message),
        (struct slice){bytes, n}, &status);
    assert_true(code == GRPC_OK || status.reason[0] != '\0');
    return (status);
}

void
raw_magic(struct buf *out)
{
    assert_int_equal(buf_add(out, slice_of(NGHTTP2_CLIENT_MAGIC)), E_OK);
    raw_frame(out, NGHTTP2_SETTINGS, 0, 0, (struct slice){NULL, 0});
}

void
raw_frame(struct buf *out, int type, int flags, int32_t id,
    struct slice payload)
{
    const uint8_t head[9] = {
        (uint8_t)(payload.n >> 16), (uint8_t)(payload.n >> 8),
        (uint8_t)payload.n, (uint8_t)type, (uint8_t)flags,
        (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8),
        (uint8_t)id};

    assert_int_equal(buf_add(out, (struct slice){head, sizeof(head)}), E_OK);
    assert_int_equal(buf_add(out, payload), E_OK);
}

/* A literal without indexing, new name (RFC 7541 section 6.2.2). */
static void
literal(struct buf *out, const char *name, const char *value)
{
    const uint8_t head[2] = {0, (uint8_t)strlen(name)};
    const uint8_t length = (uint8_t)strlen(value);

    assert_true(strlen(name) < 127 && strlen(value) < 127);
    assert_int_equal(buf_add(out, (struct slice){head, 2}), E_OK);
    assert_int_equal(buf_add(out, slice_of(name)), E_OK);
    assert_int_equal(buf_add(out, (struct slice){&length, 1}), E_OK);
    assert_int_equal(buf_add(out, slice_of(value)), E_OK);
}

void
raw_request(struct buf *out, int32_t id, const char *path, int flags)
{
    struct buf block;

    buf_init(&block, 4096);
    literal(&block, ":method", "POST");
    literal(&block, ":scheme", "https");
    literal(&block, ":path", path);
    literal(&block, ":authority", "localhost");
    literal(&block, "content-type", "application/grpc");
    raw_frame(out, NGHTTP2_HEADERS, flags | NGHTTP2_FLAG_END_HEADERS, id,
        buf_slice(&block));
    buf_free(&block);
}

static uint32_t
be32(const uint8_t *p)
{
    return ((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
        (uint32_t)p[2] << 8 | p[3]);
}

void
raw_scan(struct slice bytes, struct frames *frames)
{
    const uint8_t *p = bytes.p;
    size_t n, left = bytes.n;
    uint32_t code;

    memset(frames, 0, sizeof(*frames));
    while (left > 0) {
        assert_true(left >= 9);
        n = (size_t)p[0] << 16 | (size_t)p[1] << 8 | p[2];
        assert_true(left >= 9 + n);
        frames->last_type = p[3];
        frames->n[p[3] & 15]++;
        if (p[3] == NGHTTP2_RST_STREAM) {
            code = be32(p + 9);
            frames->reset_code = code;
            frames->ncode[code & 15]++;
        } else if (p[3] == NGHTTP2_GOAWAY) {
            frames->goaway_stream = be32(p + 9);
            frames->goaway_code = be32(p + 13);
            (void)snprintf(frames->goaway_text, sizeof(frames->goaway_text),
                "%.*s", (int)(n - 8), (const char *)p + 17);
        } else if (p[3] == NGHTTP2_PING) {
            memcpy(frames->ping, p + 9, sizeof(frames->ping));
        }
        p += 9 + n;
        left -= 9 + n;
    }
}
