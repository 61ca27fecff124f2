/*
 * The URI in a client's certificate: whatever is taken is exactly what its
 * parts make again.
 */

#include <stdio.h>
#include <string.h>

#include "base/identity.h"
#include "fuzz.h"

#define DOMAIN "vouch.example.org"

static void
check_taken(struct slice uri, const struct identity *identity)
{
    char again[2 * IDENTITY_URI_MAX];

    FUZZ_CHECK((unsigned)identity->role < ROLE_COUNT);
    FUZZ_CHECK(strlen(identity->id) <= IDENTITY_ID_MAX);
    FUZZ_CHECK(strspn(identity->id, "abcdefghijklmnopqrstuvwxyz0123456789-") ==
        strlen(identity->id));
    (void)snprintf(again, sizeof(again), "spiffe://" DOMAIN "/%s/%s",
        identity_role_name(identity->role), identity->id);
    FUZZ_CHECK(slice_equal(uri, slice_of(again)));
    FUZZ_CHECK(slice_equal(uri, slice_of(identity->uri)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct identity identity = {.not_after_us = 17, .serial = "2A"};
    struct slice uri = {data, size};
    const char *why = "";
    enum err err;

    err = identity_parse(uri, DOMAIN, &identity, &why);
    FUZZ_CHECK(identity.not_after_us == 17);
    FUZZ_CHECK(strcmp(identity.serial, "2A") == 0);
    if (err == E_OK) {
        FUZZ_CHECK(why == NULL);
        check_taken(uri, &identity);
        return (0);
    }
    FUZZ_CHECK(err == (size > IDENTITY_URI_MAX ? E_TOOBIG : E_INVAL));
    FUZZ_CHECK(why != NULL && why[0] != '\0');
    return (0);
}
