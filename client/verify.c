#include "client/vouch.h"

#include <stdlib.h>
#include <string.h>

#include "client/error.h"
#include "proto/bytes.h"
#include "proto/message.h"
#include "proto/uuid.h"

static int
not_ours(struct vouch_error *error, const char *what)
{
    (void)error_set(error, VOUCH_FAILURE_EVIDENCE, "the server answered %s",
        what);
    error_next(error, "do not rely on it: show this to the server's operator");
    return (-1);
}

/*
 * Whether the server answers what it was asked: it repeats the claim as it
 * received it, and whom it takes us for.  Returns 0, or -1 with ${*error}.
 */
static int
check_question(struct vouch *v,
    const Vouch__V1__VerifyCredentialRequest *asked,
    const Vouch__V1__VerifyCredentialResponse *response,
    struct vouch_error *error)
{
    const char *identity = vouch_identity(v);
    const Vouch__V1__Question *q = response->question;
    struct buf ours, theirs;
    int status = 0;

    buf_init(&ours, SIZE_MAX / 2);
    buf_init(&theirs, SIZE_MAX / 2);
    if (response->answer == NULL || q == NULL || q->claim == NULL)
        status = not_ours(error, "without its answer, or without the question "
            "that it answers");
    else if (message_pack(&asked->claim->base, &ours) != E_OK ||
        message_pack(&q->claim->base, &theirs) != E_OK)
        status = error_memory(error);
    else if (strcmp(asked->request_id, q->request_id) != 0 ||
        !slice_equal(buf_slice(&ours), buf_slice(&theirs)))
        status = not_ours(error, "another question than the one asked");
    else if (identity[0] != '\0' && strcmp(identity, q->asker) != 0)
        status = not_ours(error, "somebody else than the one who asked");
    buf_free(&ours);
    buf_free(&theirs);
    return (status);
}

static Vouch__V1__Date *
date_or_none(Vouch__V1__Date *date)
{
    return (date == NULL || date->year != 0 || date->month != 0 ||
        date->day != 0 ? date : NULL);
}

/* A date that says nothing is none: the server's answer has no empty one. */
static Vouch__V1__Claim
as_sealed(const Vouch__V1__Claim *claim)
{
    Vouch__V1__Claim copy = *claim;

    copy.birth_date = date_or_none(copy.birth_date);
    copy.issued_on = date_or_none(copy.issued_on);
    copy.as_of = date_or_none(copy.as_of);
    return (copy);
}

int
vouch_verify(struct vouch *v, const Vouch__V1__Claim *claim,
    Vouch__V1__VerifyCredentialResponse **response,
    struct vouch_error *error)
{
    Vouch__V1__VerifyCredentialRequest request =
        VOUCH__V1__VERIFY_CREDENTIAL_REQUEST__INIT;
    Vouch__V1__Claim asked = as_sealed(claim);
    ProtobufCMessage *message = NULL;
    char id[UUID_TEXT];

    *response = NULL;
    if (uuid_make(id) != E_OK)
        return (error_set(error, VOUCH_FAILURE_SETUP,
            "the system gives no random numbers"));
    request.request_id = id;
    request.claim = &asked;
    if (vouch_call(v, "vouch.v1.VerificationService/VerifyCredential",
        &request.base, &vouch__v1__verify_credential_response__descriptor,
        &message, error) != 0)
        return (-1);
    *response = (Vouch__V1__VerifyCredentialResponse *)(void *)message;
    if (check_question(v, &request, *response, error) == 0)
        return (0);
    vouch_free_message(message);
    *response = NULL;
    return (-1);
}

void
vouch_free_message(ProtobufCMessage *message)
{
    if (message != NULL)
        protobuf_c_message_free_unpacked(message, NULL);
}
