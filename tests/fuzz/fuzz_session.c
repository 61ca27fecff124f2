/*
 * libvouch against a hostile server: a connection without a socket, whose
 * other side says what libFuzzer made up.  What comes back is a message or an
 * error that says something; nothing that does not repeat the random id of the
 * request passes for an answer to a verification.
 *
 * A byte of flags, a plan of cuts, then what the server sends, as bytes or, if
 * the first flag is set, as frames for fuzz_frames().
 */

#include <stdlib.h>
#include <string.h>

#include <nghttp2/nghttp2.h>

#include "client/channel.h"
#include "client/error.h"
#include "client/vouch.h"
#include "fuzz.h"
#include "proto/grpc_status.h"

#include "vouch/v1/access_service.pb-c.h"
#include "vouch/v1/publishing_service.pb-c.h"

#define FLAG_FRAMES 1
#define FLAG_SETTINGS 2     /* the server's SETTINGS come of themselves */
#define CALLS_MAX 4
#define ROWS 3

/* ---- in the place of client/channel.c ---------------------------------- */

struct channel {
    struct slice rest;      /* of what the server sends */
    struct fuzz_cuts cuts;
    size_t written;
};

static struct channel the_channel;

int
channel_open(const struct vouch_options *options, struct channel **channel,
    struct vouch_error *error)
{
    (void)options, (void)error;
    *channel = &the_channel;
    return (0);
}

/* Sometimes a part of it, and sometimes nothing, goes. */
long
channel_write(struct channel *channel, const uint8_t *p, size_t n,
    struct vouch_error *error)
{
    struct slice plan = channel->cuts.plan;
    size_t most = plan.n > 0 ?
        (size_t)plan.p[channel->written % plan.n] * 4 : n;

    (void)error;
    FUZZ_CHECK(p != NULL && n > 0);
    n = n < most ? n : most;
    channel->written += n;
    return ((long)n);
}

long
channel_read(struct channel *channel, uint8_t *p, size_t size,
    struct vouch_error *error)
{
    struct slice piece;

    (void)error;
    if (channel->rest.n == 0)
        return (0);
    piece = fuzz_piece(&channel->cuts, &channel->rest);
    if (piece.n > size) {           /* what does not fit comes later */
        channel->rest.p -= piece.n - size;
        channel->rest.n += piece.n - size;
        piece.n = size;
    }
    memcpy(p, piece.p, piece.n);
    return ((long)piece.n);
}

int
channel_wait(struct channel *channel, int64_t deadline_us,
    struct vouch_error *error)
{
    (void)deadline_us;
    channel->written++;
    if (channel->rest.n > 0)
        return (0);
    return (error_set(error, VOUCH_FAILURE_UNREACHABLE, "it has ended"));
}

const char *
channel_server(const struct channel *channel)
{
    (void)channel;
    return ("server");
}

int
channel_identity(const struct channel *channel, char *uri, size_t size)
{
    (void)channel, (void)uri, (void)size;
    return (-1);
}

void
channel_close(struct channel *channel)
{
    (void)channel;
}

/* ---- what is asked ----------------------------------------------------- */

static void
check_error(const struct vouch_error *error)
{
    FUZZ_CHECK(error->failure != VOUCH_FAILURE_NONE);
    FUZZ_CHECK(error->code >= 0 && error->code < GRPC_CODE_COUNT);
    FUZZ_CHECK(error->code == 0 || error->failure == VOUCH_FAILURE_STATUS);
    FUZZ_CHECK(fuzz_is_text(error->message, sizeof(error->message)));
    FUZZ_CHECK(fuzz_is_text(error->reason, sizeof(error->reason)));
    FUZZ_CHECK(fuzz_is_text(error->next, sizeof(error->next)));
    FUZZ_CHECK(error->message[0] != '\0');
    FUZZ_CHECK(error->nviolations <= 6);
}

static void
ask_who(struct vouch *vouch)
{
    Vouch__V1__WhoAmIRequest request = VOUCH__V1__WHO_AM_IREQUEST__INIT;
    ProtobufCMessage *response;
    struct vouch_error error;
    int status = vouch_call(vouch, "vouch.v1.AccessService/WhoAmI",
        &request.base, &vouch__v1__who_am_iresponse__descriptor, &response,
        &error);

    FUZZ_CHECK((status == 0) == (response != NULL));
    if (status != 0)
        check_error(&error);
    vouch_free_message(response);
}

/* The server cannot know the id before it is sent. */
static void
verify(struct vouch *vouch)
{
    static char association[] = "ascp-boc";
    Vouch__V1__Claim claim = VOUCH__V1__CLAIM__INIT;
    Vouch__V1__VerifyCredentialResponse *response;
    struct vouch_error error;

    claim.association_id = association;
    FUZZ_CHECK(vouch_verify(vouch, &claim, &response, &error) == -1);
    FUZZ_CHECK(response == NULL);
    check_error(&error);
}

/* Returns 0, or -1 if the call is not for sending any more. */
static int
send_row(struct vouch *vouch)
{
    Vouch__V1__PublishCredentialsRequest request =
        VOUCH__V1__PUBLISH_CREDENTIALS_REQUEST__INIT;
    struct vouch_error error;

    if (vouch_stream_send(vouch, &request.base, &error) == 0)
        return (0);
    check_error(&error);
    return (-1);
}

static void
publish(struct vouch *vouch)
{
    ProtobufCMessage *response;
    struct vouch_error error;
    int status;

    if (vouch_stream_begin(vouch,
        "vouch.v1.PublishingService/PublishCredentials",
        &vouch__v1__publish_credentials_response__descriptor, &error) != 0) {
        check_error(&error);
        return;
    }
    for (int i = 0; i < ROWS && send_row(vouch) == 0; i++) {
        status = vouch_stream_next(vouch, 0, &response, &error);
        FUZZ_CHECK((status == 1) == (response != NULL));
        vouch_free_message(response);
        if (status < 0) {
            check_error(&error);
            return;
        }
    }
    vouch_stream_half_close(vouch);
    while ((status = vouch_stream_next(vouch, 1, &response, &error)) == 1)
        vouch_free_message(response);
    FUZZ_CHECK(response == NULL);
    if (status < 0)
        check_error(&error);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t settings[9] = {0, 0, 0, NGHTTP2_SETTINGS};
    static const struct vouch_options options = {.timeout_ms = 1000};
    struct slice in = {data, size};
    uint8_t flags = fuzz_byte(&in);
    struct vouch_error error;
    struct vouch *vouch;
    struct buf said;

    the_channel = (struct channel){.cuts = fuzz_cuts(&in)};
    buf_init(&said, SIZE_MAX / 2);
    if ((flags & FLAG_SETTINGS) != 0)
        FUZZ_CHECK(buf_add(&said,
            (struct slice){settings, sizeof(settings)}) == E_OK);
    if ((flags & FLAG_FRAMES) != 0)
        fuzz_frames(in, &said);
    else
        FUZZ_CHECK(buf_add(&said, in) == E_OK);
    the_channel.rest = buf_slice(&said);

    FUZZ_CHECK(vouch_open(&options, &vouch, &error) == 0);
    for (int i = 0; i < CALLS_MAX; i++) {
        uint8_t what = (flags >> 2) + (uint8_t)i;

        if (what % 3 == 0)
            ask_who(vouch);
        else if (what % 3 == 1)
            publish(vouch);
        else
            verify(vouch);
    }
    vouch_close(vouch);
    buf_free(&said);
    return (0);
}
