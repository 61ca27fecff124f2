/*
 * Asks a vouchd one question, as an HR system in C would.
 *
 *     cc ask.c -o ask $(pkg-config --cflags --libs vouch)
 *     ./ask ASSOCIATION NUMBER FAMILY BIRTH-YEAR
 *
 * Server and files come from VOUCH_SERVER, VOUCH_CA, VOUCH_CERT, VOUCH_KEY.
 * Ends with 0 for YES, 1 for NO, 3 for REVIEW (a person must look) and 5 if
 * there was no answer, which is not the same as NO.
 */

#include <stdio.h>
#include <stdlib.h>

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

    if (argc != 5) {
        fprintf(stderr, "usage: ask ASSOCIATION NUMBER FAMILY BIRTH-YEAR\n");
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
        status = tell(response->answer);
        vouch_free_message(&response->base);
    }
    vouch_close(vouch);
    return (status);
}
