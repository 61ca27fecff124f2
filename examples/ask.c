/*
 * Asks a vouchd one question, as an HR system in C would.
 *
 *     cc ask.c -o ask $(pkg-config --cflags --libs vouch)
 *     ./ask ASSOCIATION NUMBER FAMILY BIRTH-YEAR [RECEIPT]
 *
 * Server and files come from VOUCH_SERVER, VOUCH_CA, VOUCH_CERT, VOUCH_KEY; the
 * operator's trust file from VOUCH_TRUST, and from VOUCH_ROOT_KEY the id of the
 * root key that signs it.  The response is filed as RECEIPT, as it came.
 * Ends with 0 for YES, 1 for NO, 3 for REVIEW (a person must look), 5 if there
 * was no answer, which is not the same as NO, and 9 if it is not to be
 * believed.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <vouch.h>

static void
explain(const struct vouch_error *error)
{
    fprintf(stderr, "ask: %s\n", error->message);
    for (size_t i = 0; i < error->nviolations; i++)
        fprintf(stderr, "  %s %s\n", error->violations[i].field,
            error->violations[i].description);
    if (error->next[0] != '\0')
        fprintf(stderr, "  -> %s\n", error->next);
}

static int
tell(const Vouch__V1__Answer *answer)
{
    switch (answer->conclusion) {
    case VOUCH__V1__CONCLUSION__CONCLUSION_YES:
        puts("YES");
        return (0);
    case VOUCH__V1__CONCLUSION__CONCLUSION_NO:
        puts("NO");
        return (1);
    default:
        /* Not a no: see answer->reasons, and whom to ask. */
        printf("REVIEW: ask %s\n", answer->contact);
        return (3);
    }
}

/* File what came, for whoever asks years later.  Returns 0, or -1. */
static int
file_as(const struct vouch *vouch, const char *path)
{
    size_t n;
    const uint8_t *bytes = vouch_response_bytes(vouch, &n);
    FILE *f = fopen(path, "wbx");       /* never over what is there */
    int status = -1;

    if (f != NULL && bytes != NULL && fwrite(bytes, 1, n, f) == n)
        status = 0;
    if (f != NULL && fclose(f) != 0)
        status = -1;
    if (status != 0)
        perror(path);
    return (status);
}

/* Whether the seal holds, by the operator's trust file.  Returns 0, or -1. */
static int
judge(const struct vouch *vouch)
{
    struct vouch_trust *trust = NULL;
    struct vouch_judgment judgment;
    struct vouch_error error;
    size_t n;
    const uint8_t *bytes = vouch_response_bytes(vouch, &n);
    int status = -1;

    if (vouch_trust_read(getenv("VOUCH_TRUST"), getenv("VOUCH_ROOT_KEY"),
            &trust, &error) != 0 ||
        vouch_receipt_judge(bytes, n, trust, (int64_t)time(NULL) * 1000000,
            &judgment, NULL, &error) != 0)
        explain(&error);
    else if (judgment.state != VOUCH_RECEIPT_VERIFIED)
        fprintf(stderr, "ask: not to be believed: %s: %s\n",
            vouch_receipt_state_name(judgment.state), judgment.reason);
    else
        status = 0;
    vouch_trust_free(trust);
    return (status);
}

int
main(int argc, char *argv[])
{
    const struct vouch_options options = {.server = getenv("VOUCH_SERVER"),
        .ca = getenv("VOUCH_CA"), .cert = getenv("VOUCH_CERT"),
        .key = getenv("VOUCH_KEY"), .timeout_ms = 10000};
    Vouch__V1__Claim claim = VOUCH__V1__CLAIM__INIT;
    Vouch__V1__HumanName name = VOUCH__V1__HUMAN_NAME__INIT;
    Vouch__V1__Date born = VOUCH__V1__DATE__INIT;
    Vouch__V1__VerifyCredentialResponse *response = NULL;
    struct vouch_error error;
    struct vouch *vouch = NULL;
    int status = 5;

    if (argc != 5 && argc != 6) {
        fprintf(stderr, "usage: ask ASSOCIATION NUMBER FAMILY BIRTH-YEAR "
            "[RECEIPT]\n");
        return (2);
    }
    claim.association_id = argv[1];
    claim.number = argv[2];
    claim.name = &name;
    name.family = argv[3];
    claim.birth_date = &born;
    born.year = (int32_t)strtol(argv[4], NULL, 10);

    if (vouch_open(&options, &vouch, &error) != 0 ||
        vouch_verify(vouch, &claim, &response, &error) != 0)
        explain(&error);
    else {
        if ((argc == 6 && file_as(vouch, argv[5]) != 0) ||
            (getenv("VOUCH_TRUST") != NULL && judge(vouch) != 0))
            status = 9;
        else
            status = tell(response->answer);
        vouch_free_message(&response->base);
    }
    vouch_close(vouch);
    return (status);
}
