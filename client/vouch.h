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
 *
 * The response is the receipt: what vouch_response_bytes() gives, filed as it
 * is, stands as evidence for whoever has the operator's trust file, years later
 * and without any server (docs/receipt.md).  It says who is asked about, and is
 * to be kept as such files are.
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
struct vouch_trust;

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
 * question than that asked, or to somebody else (VOUCH_FAILURE_EVIDENCE).
 *
 * vouch_response_bytes() then has what is to be filed: the response is the
 * receipt, and vouch_receipt_judge() tells whether its seal holds.
 */
int vouch_verify(struct vouch *vouch, const Vouch__V1__Claim *claim,
    Vouch__V1__VerifyCredentialResponse **response,
    struct vouch_error *error);

/**
 * vouch_response_bytes(vouch, n):
 * Return the ${*n} bytes of the response that came last, exactly as the server
 * sent them, or NULL if none came since the last call began.  They are there
 * after a failure, too, if it lies in what came.  Borrowed from ${vouch}, until
 * its next call or vouch_close().
 */
const uint8_t *vouch_response_bytes(const struct vouch *vouch, size_t *n);

/**
 * vouch_identity(vouch):
 * Return whom the server takes us for: the URI in our certificate, or "" if it
 * has not exactly one.  Borrowed from ${vouch}, until the same is asked again
 * or vouch_close().
 */
const char *vouch_identity(struct vouch *vouch);

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

/* What becomes of a receipt; docs/receipt.md has the order of judgment. */
enum vouch_receipt_state {
    VOUCH_RECEIPT_VERIFIED,         /* perhaps with a part redacted */
    VOUCH_RECEIPT_MALFORMED,        /* these bytes are no receipt */
    VOUCH_RECEIPT_SEAL_BROKEN,      /* something was changed */
    VOUCH_RECEIPT_TRUST_TOO_OLD,    /* the trust file has expired */
    VOUCH_RECEIPT_KEY_UNKNOWN,      /* not in the trust file */
    VOUCH_RECEIPT_KEY_COMPROMISED,  /* others had the key, too */
    VOUCH_RECEIPT_KEY_NOT_VALID     /* sealed outside of the key's time, or
                                     * under another origin */
};

/* Texts are empty where the bytes do not say. */
struct vouch_judgment {
    enum vouch_receipt_state state;
    char reason[256];           /* why it is not VERIFIED, for a person */
    char id[65];                /* of the receipt, in hexadecimal */
    char key_id[65];            /* of the key that sealed it */
    int64_t sealed_at_us;       /* microseconds UTC */
    int answer_redacted;        /* the result is withheld */
    int question_redacted;      /* who was asked about is withheld */
};

/**
 * vouch_trust_read(path, root_key, trust, error):
 * Read the operator's trust file.  ${root_key}, 64 hexadecimal digits, is the
 * id of the root key that must have signed it, as the operator told you by
 * another way; NULL leaves it to the caller to hold vouch_trust_root_key()
 * against what it was before.  In either case vouch_trust_version() should not
 * be below the highest that the caller has seen.  Returns 0, or -1 with
 * ${*trust} NULL and ${*error}: VOUCH_FAILURE_SETUP (no such file, not such a
 * file), VOUCH_FAILURE_EVIDENCE (its signature is wrong, another root key).
 * The caller owns ${*trust}; free with vouch_trust_free().  Any thread may
 * call, and a struct vouch_trust may be shared.
 */
int vouch_trust_read(const char *path, const char *root_key,
    struct vouch_trust **trust, struct vouch_error *error);

/**
 * vouch_trust_root_key(trust):
 * vouch_trust_origin(trust):
 * vouch_trust_version(trust):
 * Return the id of the root key that signed it, in hexadecimal; whose keys they
 * are; which version it is.  Borrowed from ${trust}.
 */
const char *vouch_trust_root_key(const struct vouch_trust *trust);
const char *vouch_trust_origin(const struct vouch_trust *trust);
int64_t vouch_trust_version(const struct vouch_trust *trust);

/**
 * vouch_trust_free(trust):
 * Free ${trust}; NULL is allowed.
 */
void vouch_trust_free(struct vouch_trust *trust);

/**
 * vouch_receipt_judge(bytes, n, trust, now_us, judgment, response, error):
 * Judge the receipt in these ${n} bytes by ${trust}, at ${now_us}, microseconds
 * UTC; INT64_MIN: whatever the time, so that an expired trust file does.
 * Returns 0 with ${*judgment}, whatever it says, or -1 with ${*error} if memory
 * ran out.  ${response} may be NULL; else ${*response} is what the receipt
 * says, for vouch_free_message(), if it is VOUCH_RECEIPT_VERIFIED, and NULL if
 * not.  What was redacted is NULL in it.  Any thread may call.
 */
int vouch_receipt_judge(const uint8_t *bytes, size_t n,
    const struct vouch_trust *trust, int64_t now_us,
    struct vouch_judgment *judgment,
    Vouch__V1__VerifyCredentialResponse **response,
    struct vouch_error *error);

/**
 * vouch_receipt_state_name(state):
 * Return the state's name, as in "SEAL_BROKEN"; a constant.
 */
const char *vouch_receipt_state_name(enum vouch_receipt_state state);

/**
 * vouch_free_message(message):
 * Free a response; NULL is allowed.
 */
void vouch_free_message(ProtobufCMessage *message);

#ifdef __cplusplus
}
#endif

#endif /* !VOUCH_H */
