#ifndef INTEROP_SERVER_SERVICE_H
#define INTEROP_SERVER_SERVICE_H

/*
 * The server of gRPC's interoperability tests: grpc.testing.TestService, as
 * grpc/doc/interop-test-descriptions.md describes it, in the place of
 * daemon/service and on everything else that vouchd consists of.  It takes the
 * service library's place at link time.
 */

#include "delay.h"
#include "service/method.h"
#include "service/service.h"

struct service_worker {
    struct delay_clock *clock;      /* owned */
    int draining;
};

/* The methods that are implemented, in test_service.c and test_stream.c. */
extern const struct method_ops empty_call_ops;
extern const struct method_ops unary_call_ops;
extern const struct method_ops streaming_input_call_ops;
extern const struct method_ops streaming_output_call_ops;
extern const struct method_ops full_duplex_call_ops;
extern const struct method_ops half_duplex_call_ops;

#endif /* !INTEROP_SERVER_SERVICE_H */
