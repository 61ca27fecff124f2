/*
 * A trust file.  What is read as one is JSON to jansson too, without a member
 * twice, and both agree on the bytes that are signed.  What holds together is
 * signed here, and is then written and read as the same, with unique ids.
 */

#include "fuzz.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "proto/trust_json.h"
#include "support/trust_fixture.h"

static struct trust_file file;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    return (0);
}

static enum err
read_trust(struct slice bytes, struct trust **trust)
{
    struct slice own = fuzz_own(bytes);
    char why[256] = "";
    enum err err = trust_read(own, trust, why, sizeof(why));

    fuzz_disown(own);
    FUZZ_CHECK(err == E_OK || err == E_INVAL || err == E_CORRUPT ||
        err == E_TOOBIG);
    FUZZ_CHECK((err == E_OK) == (why[0] == '\0'));
    FUZZ_CHECK((err == E_OK) == (*trust != NULL));
    FUZZ_CHECK(fuzz_is_text(why, sizeof(why)));
    return (err);
}

/* The members of "signed" sorted, without blanks, as jansson sees them. */
static void
check_signed(struct slice bytes, struct slice is_signed)
{
    json_error_t error;
    json_t *json = json_loadb((const char *)bytes.p, bytes.n,
        JSON_REJECT_DUPLICATES, &error);
    char *text;

    FUZZ_CHECK(json != NULL);
    text = json_dumps(json_object_get(json, "signed"),
        JSON_SORT_KEYS | JSON_COMPACT);
    FUZZ_CHECK(text != NULL);
    FUZZ_CHECK(is_signed.n == sizeof(TRUST_DOMAIN) + strlen(text));
    FUZZ_CHECK(memcmp(is_signed.p, TRUST_DOMAIN, sizeof(TRUST_DOMAIN)) == 0);
    FUZZ_CHECK(memcmp(is_signed.p + sizeof(TRUST_DOMAIN), text,
        strlen(text)) == 0);
    free(text);
    json_decref(json);
}

static void
check_keys(const struct trust *trust)
{
    const struct trust_content *content = trust_content(trust);

    FUZZ_CHECK(content->expires_us > content->issued_us);
    for (size_t i = 0; i < content->nkeys; i++) {
        const struct trust_key *key = &content->keys[i];

        /* The first of that id and use, and so the only one. */
        FUZZ_CHECK(trust_find(trust, key->use, key->id) == key);
        FUZZ_CHECK(key->until_us > key->from_us);
        for (size_t j = 0; j < i; j++)
            FUZZ_CHECK(memcmp(content->keys[j].id, key->id,
                sizeof(key->id)) != 0);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = {data, size};
    struct trust *trust;
    struct buf out;
    char why[256] = "";
    enum err err, form;

    err = read_trust(bytes, &trust);
    trust_free(trust);
    form = trust_json_read(bytes, &file, why, sizeof(why));
    if (form == E_OK)
        form = trust_check(&file.content, why, sizeof(why));
    FUZZ_CHECK(err == form || (form == E_OK && err == E_CORRUPT));
    if (form != E_OK)
        return (0);

    buf_init(&out, TRUST_BYTES_MAX);
    FUZZ_CHECK(trust_signed_bytes(&file.content, &out) == E_OK);
    check_signed(bytes, buf_slice(&out));
    out.n = 0;
    trust_fixture_write(&file.content, &out);
    FUZZ_CHECK(read_trust(buf_slice(&out), &trust) == E_OK);
    FUZZ_CHECK(memcmp(trust_content(trust), &file.content,
        sizeof(file.content)) == 0);
    check_keys(trust);
    trust_free(trust);
    buf_free(&out);
    return (0);
}
