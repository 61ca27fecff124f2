/*
 * A whole session of HTTP/2 with rpc and some methods behind it.
 *
 * One byte of flags, then a plan: a byte says how many steps it has, 15 at
 * most, and each says how much is fed and what is done then, over and over.
 * The rest is what the client sends: as it stands, or (FLAG_FRAMES) as frames
 * for fuzz_frames().
 *
 * Whatever comes, our side says whole frames within the limits that the peer
 * was never asked to change, nothing behind a GOAWAY with an error, and in the
 * end every call is over and freed.
 */

#include <stdlib.h>
#include <string.h>

#include <nghttp2/nghttp2.h>

#include "base/log.h"
#include "fuzz.h"
#include "h2/h2.h"
#include "rpc/rpc.h"
#include "support/fake_methods.h"

#define FLAG_MAGIC 1        /* the preface and SETTINGS come of themselves */
#define FLAG_FRAMES 2
#define FLAG_TIGHT 4        /* limits that are soon met */

#define TAKE_ROOM ((size_t)16 * 1024)
#define FRAME_MAX 16384     /* of RFC 9113, if nobody asks for more */
#define ROUNDS_MAX 64       /* of taking what there is, at the end */

static const struct rpc_limits wide_rpc = {
    .max_message = 64 * 1024,
    .max_arena = 1024 * 1024,
    .max_depth = 16,
    .max_elements = 1000,
    .max_fields = 32768,
    .max_deadline_us = 60000000,
    .stall_us = 30000000,
    .compress_above = 64,
};

static const struct rpc_limits tight_rpc = {
    .max_message = 64,
    .max_arena = 1024,
    .max_depth = 4,
    .max_elements = 16,
    .max_fields = 32,
    .max_deadline_us = 100000,
    .stall_us = 1000,
    .compress_above = 1,
    .max_calls = 2,
};

static const struct h2_limits wide = {
    .max_streams = 128,
    .max_header_list = 16384,
    .window = 1048576,
    .max_cheap_frames = 1000,
    .pad_step = 512,
};

static const struct h2_limits tight = {
    .max_streams = 3,
    .max_header_list = 512,
    .window = 65535,
    .max_cheap_frames = 10,
    .ping_us = 10000000,
    .max_ping_strikes = 3,
};

static const struct identity peer = {
    .role = ROLE_EMPLOYER,
    .uri = "spiffe://test/employer/acme",
    .id = "acme",
};

/* Both sides of a session, and what ours has said. */
struct session {
    struct rpc_server *rpc;
    struct h2 *h2;
    enum err err;
    int woken;
    struct buf out;         /* not yet looked at: less than a frame */
    size_t frames;
    int goaway;             /* with an error */
};

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    log_set_level(LOG_ERROR);
    return (0);
}

/* ---- what our side says ------------------------------------------------ */

static uint32_t
be32(const uint8_t *p)
{
    return ((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
        (uint32_t)p[2] << 8 | p[3]);
}

static void
check_frame(struct session *s, const uint8_t *p, size_t n)
{
    FUZZ_CHECK(!s->goaway);
    FUZZ_CHECK(s->frames > 0 || p[3] == NGHTTP2_SETTINGS);
    FUZZ_CHECK(p[3] <= NGHTTP2_CONTINUATION &&
        p[3] != NGHTTP2_PUSH_PROMISE && p[3] != NGHTTP2_PRIORITY);
    if (p[3] == NGHTTP2_HEADERS || p[3] == NGHTTP2_DATA)
        FUZZ_CHECK((be32(p + 5) & 1) == 1);
    if (p[3] == NGHTTP2_GOAWAY) {
        FUZZ_CHECK(n >= 8);
        s->goaway = be32(p + 9 + 4) != NGHTTP2_NO_ERROR;
    }
    s->frames++;
}

static void
check_frames(struct session *s)
{
    const uint8_t *p = s->out.p;
    size_t at = 0, n;

    while (s->out.n - at >= 9) {
        n = (size_t)p[at] << 16 | (size_t)p[at + 1] << 8 | p[at + 2];
        FUZZ_CHECK(n <= FRAME_MAX);
        if (s->out.n - at < 9 + n)
            break;
        check_frame(s, p + at, n);
        at += 9 + n;
    }
    buf_drop(&s->out, at);
}

/* Take until ${room} more bytes are there, a frame at least. */
static void
take(struct session *s, size_t room)
{
    enum err err;

    s->out.max = s->out.n + TAKE_ROOM + room;
    err = h2_take(s->h2, &s->out);
    FUZZ_CHECK(err == E_OK || err == E_INVAL);
    check_frames(s);
}

static void
take_all(struct session *s)
{
    int rounds = 0;

    while (h2_wants_write(s->h2) && rounds++ < ROUNDS_MAX)
        take(s, TAKE_ROOM);
    FUZZ_CHECK(rounds > ROUNDS_MAX || s->out.n == 0);
}

/* ---- what happens ------------------------------------------------------ */

static void
wake(void *cookie)
{
    ((struct session *)cookie)->woken++;
}

static void
feed(struct session *s, struct slice bytes)
{
    struct slice own = fuzz_own(bytes);
    enum err err = h2_feed(s->h2, own);

    FUZZ_CHECK(err == E_OK || err == E_INVAL);
    FUZZ_CHECK(err == E_INVAL || s->err == E_OK);
    s->err = err;
    fuzz_disown(own);
}

static void
expire(struct session *s)
{
    int64_t when = h2_deadline(s->h2);

    if (when != INT64_MAX)
        h2_expire(s->h2, when);
}

static void
act(struct session *s, uint8_t what)
{
    switch (what & 7) {
    case 0:
        take_all(s);
        break;
    case 1:
        take(s, 0);
        break;
    case 2:
        break;
    case 3:
        expire(s);
        break;
    case 4:
        (void)fake_answer();
        break;
    case 5:
        h2_drain(s->h2, "fuzz");
        break;
    case 6:
        h2_drain_now(s->h2);
        break;
    default:
        h2_expire(s->h2, INT64_MAX - 1);
        take(s, 100);
    }
    FUZZ_CHECK(h2_streams(s->h2) >= rpc_server_calls(s->rpc));
}

static const uint16_t lengths[] = {1, 2, 3, 5, 8, 9, 10, 14, 17, 24, 33, 60,
    100, 256, 999, 1024, 2048, 4096, 8192, 16383, 16384, 16385, 20000, 30000,
    40000, 50000, 60000, 65535, 65535, 65535, 65535, 65535};

static void
send(struct session *s, struct slice plan, struct slice in)
{
    size_t at = 0;

    do {
        uint8_t step = plan.n > 0 ? plan.p[at++ % plan.n] : 0xf8;

        feed(s, fuzz_take(&in, lengths[step >> 3]));
        act(s, step);
    } while (in.n > 0);
}

static void
open_session(struct session *s, uint8_t flags)
{
    static const uint8_t settings[9] = {0, 0, 0, NGHTTP2_SETTINGS};
    int is_tight = (flags & FLAG_TIGHT) != 0;

    memset(s, 0, sizeof(*s));
    memset(&fake, 0, sizeof(fake));
    buf_init(&s->out, 0);
    FUZZ_CHECK(rpc_server_create(NULL, is_tight ? &tight_rpc : &wide_rpc,
        &s->rpc) == E_OK);
    FUZZ_CHECK(h2_create(s->rpc, &peer, is_tight ? &tight : &wide, wake, s,
        &s->h2) == E_OK);
    if ((flags & FLAG_MAGIC) != 0) {
        feed(s, slice_of(NGHTTP2_CLIENT_MAGIC));
        feed(s, (struct slice){settings, sizeof(settings)});
    }
}

static void
close_session(struct session *s)
{
    take_all(s);
    h2_free(s->h2);
    FUZZ_CHECK(rpc_server_calls(s->rpc) == 0);
    FUZZ_CHECK(fake.started == fake.ended);
    rpc_server_free(s->rpc);
    buf_free(&s->out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = {data, size}, plan;
    uint8_t flags = fuzz_byte(&in);
    struct session s;
    struct buf frames;

    plan = fuzz_take(&in, fuzz_byte(&in) % 16);
    open_session(&s, flags);
    if ((flags & FLAG_FRAMES) != 0) {
        buf_init(&frames, SIZE_MAX / 2);
        fuzz_frames(in, &frames);
        send(&s, plan, buf_slice(&frames));
        buf_free(&frames);
    } else {
        send(&s, plan, in);
    }
    close_session(&s);
    return (0);
}
