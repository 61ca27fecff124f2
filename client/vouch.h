#ifndef VOUCH_H
#define VOUCH_H

/*
 * libvouch: asks a vouchd.  For HR systems in C, and what `vouch` itself is
 * made of.
 *
 *     struct vouch_options options = {.server = "vouch.example.org:8443",
 *         .ca = "root.pem", .cert = "me.pem", .key = "me.key"};
 *     Vouch__V1__Claim claim = VOUCH__V1__CLAIM__INIT;
 *     Vouch__V1__VerifyCredentialResponse *response = NULL;
 *     struct vouch_error error;
 *     struct vouch *vouch = NULL;
 *
 *     ...claim.association_id = "ascp-boc"; and so on...
 *     if (vouch_open(&options, &vouch, &error) != 0 ||
 *         vouch_verify(vouch, &claim, &response, &error) != 0)
 *         ...error.message, error.next...
 *     else
 *         ...response->answer->conclusion...
 *     if (response != NULL)
 *         vouch_free_message(&response->base);
 *     vouch_close(vouch);
 *
 * examples/ask.c is that as a whole program: build it with
 * `cc ask.c $(pkg-config --cflags --libs vouch)`.
 *
 * Messages are those of the .proto files in their protobuf-c form.  A struct
 * vouch is one connection at a time, with one call at a time; it blocks, and
 * goes on when a signal interrupts it; it is not to be shared between threads,
 * each of which may have its own.  It raises no SIGPIPE.
 */

#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "vouch/v1/verification_service.pb-c.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Opaque types. */
struct vouch;

struct vouch_options {
    const char *server;     /* "host:port" or "[v6]:port" */
    const char *ca;         /* PEM file: the root that the server must have */
    const char *cert;       /* PEM file: our certificate, then its issuer */
    const char *key;        /* PEM file: our private key */
    int timeout_ms;         /* of a unary call as a whole, and of silence in a
                             * stream; 0: 30000.  To connect takes no longer
                             * than 30000 in any case, and the time that the
                             * system takes to look the host's name up. */
};

/* Where a failure lies. */
enum vouch_failure {
    VOUCH_FAILURE_NONE,
    VOUCH_FAILURE_SETUP,        /* our files or options */
    VOUCH_FAILURE_UNREACHABLE,  /* no connection, or it broke, or too slow */
    VOUCH_FAILURE_REFUSED,      /* the TLS handshake: one side's certificate */
    VOUCH_FAILURE_STATUS,       /* the server answered, or something in its
                                 * place did, or what came makes no sense
                                 * (INTERNAL): see code */
    VOUCH_FAILURE_MEMORY,
    VOUCH_FAILURE_EVIDENCE      /* an answer not to be relied on */
};

struct vouch_error {
    enum vouch_failure failure;
    int code;                   /* gRPC status code; 0 if there was none */
    char reason[48];            /* ErrorInfo.reason, or "" */
    char message[640];          /* what happened */
    char next[320];             /* what to do about it, or "" */
    size_t nviolations;
    struct {
        char field[64];
        char description[160];
    } violations[6];
};

/**
 * vouch_open(options, vouch, error):
 * Connect, shake hands, and store the connection in ${*vouch}.  Returns 0, or
 * -1 with ${*vouch} NULL and ${*error} filled in.  ${options} is not needed
 * afterwards.  Close with vouch_close().
 *
 * With TLS 1.3 a server may refuse our certificate after this has returned:
 * VOUCH_FAILURE_REFUSED may come from the first call.
 *
 * No connection lasts for ever.  One that the server has ended in good order
 * (as vouchd does after half an hour, when it restarts, or when it was left
 * alone for more than a minute) is opened anew by the next call, with the files
 * as they are then; a call that the server says it has not seen goes again.
 * One that has broken fails every call from then on
 * (VOUCH_FAILURE_UNREACHABLE): close it and open another.
 */
int vouch_open(const struct vouch_options *options, struct vouch **vouch,
    struct vouch_error *error);

/**
 * vouch_close(vouch):
 * End the connection, without waiting for it, and free ${vouch}; NULL is
 * allowed.
 */
void vouch_close(struct vouch *vouch);

/**
 * vouch_call(vouch, method, request, type, response, error):
 * Call the unary ${method}, as in "vouch.v1.AccessService/WhoAmI".  Returns 0
 * with ${*response}, a message of ${type} for vouch_free_message(); or -1 with
 * ${*response} NULL and ${*error} filled in.
 *
 * Where the server asks for the same again (REFUSED_STREAM: at once;
 * grpc-retry-pushback-ms: later), it gets it, four times at most and within the
 * one timeout of the options.
 */
int vouch_call(struct vouch *vouch, const char *method,
    const ProtobufCMessage *request, const ProtobufCMessageDescriptor *type,
    ProtobufCMessage **response, struct vouch_error *error);

/**
 * vouch_verify(vouch, claim, response, error):
 * Ask whether ${claim} is so, under a request id of its own.  As vouch_call();
 * and an answer without answer or question is a failure, as is one to another
 * question than that asked (VOUCH_FAILURE_EVIDENCE).
 */
int vouch_verify(struct vouch *vouch, const Vouch__V1__Claim *claim,
    Vouch__V1__VerifyCredentialResponse **response,
    struct vouch_error *error);

/**
 * vouch_stream_begin(vouch, method, type, error):
 * Begin a streaming call, whose responses are messages of ${type}.  Until it
 * has ended no other call may begin.  Returns 0 or -1.
 */
int vouch_stream_begin(struct vouch *vouch, const char *method,
    const ProtobufCMessageDescriptor *type, struct vouch_error *error);

/**
 * vouch_stream_send(vouch, request, error):
 * Send one message; waits while much is unsent, and takes in what the server
 * says meanwhile (64 MiB of it at most).  Returns 0, or -1 if the call has
 * ended, or cannot go on: vouch_stream_next() then gives what came before that,
 * and tells how it ended.
 */
int vouch_stream_send(struct vouch *vouch, const ProtobufCMessage *request,
    struct vouch_error *error);

/**
 * vouch_stream_half_close(vouch):
 * Tell the server that there is no more to come; vouch_stream_next() sends
 * what is unsent.
 */
void vouch_stream_half_close(struct vouch *vouch);

/**
 * vouch_stream_next(vouch, wait, response, error):
 * Take the next response.  Returns 1 with ${*response}, for
 * vouch_free_message(); 0 with NULL if there is none: without ${wait} none
 * now, with ${wait} the call has ended well; -1 with NULL and ${*error} if it
 * failed.  After such an end another call may begin.
 */
int vouch_stream_next(struct vouch *vouch, int wait,
    ProtobufCMessage **response, struct vouch_error *error);

/**
 * vouch_stream_cancel(vouch):
 * Give up the streaming call in progress, if there is one.
 */
void vouch_stream_cancel(struct vouch *vouch);

/**
 * vouch_free_message(message):
 * Free a response; NULL is allowed.
 */
void vouch_free_message(ProtobufCMessage *message);

#ifdef __cplusplus
}
#endif

#endif /* !VOUCH_H */
