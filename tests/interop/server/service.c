#include "service.h"

#include <stdlib.h>

#include "grpc/testing/messages.pb-c.h"
#include "grpc/testing/empty.pb-c.h"

/* The service has no state; only a worker has some. */
struct service {
    int unused;
};

enum err
service_create(const struct service_options *options, struct service **service,
    char *why, size_t size)
{
    (void)options;
    (void)why, (void)size;
    *service = calloc(1, sizeof(**service));
    return (*service != NULL ? E_OK : E_NOMEM);
}

void
service_free(struct service *service)
{
    free(service);
}

enum err
service_worker_create(struct service *service, const struct store_post *post,
    struct service_worker **worker)
{
    struct service_worker *made;
    enum err err;

    (void)service;
    *worker = NULL;
    if ((made = calloc(1, sizeof(*made))) == NULL)
        return (E_NOMEM);
    if ((err = delay_clock_create(post, &made->clock)) != E_OK) {
        free(made);
        return (err);
    }
    *worker = made;
    return (E_OK);
}

void
service_worker_free(struct service_worker *worker)
{
    if (worker == NULL)
        return;
    delay_clock_free(worker->clock);
    free(worker);
}

/* Nothing is put off to the end of a pass: there is no store to look into. */
void
service_worker_tick(struct service_worker *worker)
{
    (void)worker;
}

void
service_worker_drain(struct service_worker *worker)
{
    worker->draining = 1;
}

int
service_worker_serves(const struct service_worker *worker)
{
    return (!worker->draining);
}

/* Nothing here derives from a log. */
enum err
service_rebuild(struct store *store, int check, char *why, size_t size)
{
    (void)store, (void)check;
    (void)why, (void)size;
    return (E_OK);
}

#define PATH(name) "/grpc.testing.TestService/" #name

#define SIMPLE (&grpc__testing__simple_request__descriptor)
#define INPUT (&grpc__testing__streaming_input_call_request__descriptor)
#define OUTPUT (&grpc__testing__streaming_output_call_request__descriptor)

/* What comes back, before the answer or behind it. */
static const char *const echoed[] = {"x-grpc-test-echo-initial",
    "x-grpc-test-echo-trailing-bin", NULL};

/*
 * All of it may be compressed: nothing here is secret.
 *
 * UnimplementedCall has no row, and grpc.testing.UnimplementedService none at
 * all: clients see what a server says that does not know a method.
 */
static const struct method methods[] = {
    {
        .path = PATH(EmptyCall),
        .roles = ROLE_ANY,
        .request = &grpc__testing__empty__descriptor,
        .ops = &empty_call_ops,
    }, {
        .path = PATH(UnaryCall),
        .roles = ROLE_ANY,
        .request = SIMPLE,
        .ops = &unary_call_ops,
        .compress = 1,
        .metadata = echoed,
    }, {
        .path = PATH(StreamingInputCall),
        .client_streaming = 1,
        .roles = ROLE_ANY,
        .request = INPUT,
        .ops = &streaming_input_call_ops,
    }, {
        .path = PATH(StreamingOutputCall),
        .server_streaming = 1,
        .roles = ROLE_ANY,
        .request = OUTPUT,
        .ops = &streaming_output_call_ops,
        .compress = 1,
    }, {
        .path = PATH(FullDuplexCall),
        .client_streaming = 1,
        .server_streaming = 1,
        .roles = ROLE_ANY,
        .request = OUTPUT,
        .ops = &full_duplex_call_ops,
        .compress = 1,
        .metadata = echoed,
    }, {
        .path = PATH(HalfDuplexCall),
        .client_streaming = 1,
        .server_streaming = 1,
        .roles = ROLE_ANY,
        .request = OUTPUT,
        .ops = &half_duplex_call_ops,
        .compress = 1,
    },
};

#define METHODS (sizeof(methods) / sizeof(methods[0]))

const struct method *
method_find(struct slice path)
{
    size_t i;

    for (i = 0; i < METHODS; i++)
        if (slice_equal(path, slice_of(methods[i].path)))
            return (&methods[i]);
    return (NULL);
}

const char *
method_nearest(struct slice path)
{
    (void)path;
    return (methods[0].path);
}

const struct method *
method_all(size_t *n)
{
    *n = METHODS;
    return (methods);
}
