/*
 * CRLs in a file, in PEM or DER, as if whoever signed them had: what is taken
 * revokes exactly the serial numbers that OpenSSL sees in it.
 */

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "fuzz.h"
#include "revocation/crl.h"
#include "revocation/crl_files.h"

struct told {
    unsigned lists, faults;
};

static void
check_entry(const struct crl *crl, const X509_REVOKED *entry, size_t *n)
{
    const ASN1_INTEGER *serial = X509_REVOKED_get0_serialNumber(entry);
    int length = ASN1_STRING_length(serial);
    char text[2 * 20 + 1];

    if (ASN1_STRING_type(serial) != V_ASN1_INTEGER || length < 1 ||
        length > 20)
        return;
    bytes_to_hex((struct slice){ASN1_STRING_get0_data(serial),
        (size_t)length}, text);
    FUZZ_CHECK(crl_find(crl, text) != NULL);
    (*n)++;
}

static void
on_list(void *cookie, const char *file, X509_CRL *list)
{
    struct told *told = cookie;
    struct crl *crl;
    const char *why;
    STACK_OF(X509_REVOKED) *entries;
    size_t n = 0;
    enum err err;

    FUZZ_CHECK(strcmp(file, "a file") == 0);
    told->lists++;
    if ((err = crl_create(list, &crl, &why)) != E_OK) {
        FUZZ_CHECK(err == E_INVAL && crl == NULL && why != NULL);
        return;
    }
    entries = X509_CRL_get_REVOKED(list);
    for (int i = 0; i < sk_X509_REVOKED_num(entries); i++)
        check_entry(crl, sk_X509_REVOKED_value(entries, i), &n);
    FUZZ_CHECK(crl_count(crl) == n);
    FUZZ_CHECK(crl_next_update(crl) > crl_this_update(crl));
    FUZZ_CHECK(crl_compare(crl, crl) == 0);
    FUZZ_CHECK(crl_number(crl)[0] != '\0');
    crl_free(crl);
}

static void
on_fault(void *cookie, const char *file, enum err err, const char *why)
{
    struct told *told = cookie;

    FUZZ_CHECK(strcmp(file, "a file") == 0);
    FUZZ_CHECK(err == E_CRYPTO && why != NULL && why[0] != '\0');
    told->faults++;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct told told = {0, 0};
    const struct crl_reader reader = {.list = on_list, .fault = on_fault,
        .cookie = &told};
    struct slice bytes = fuzz_own((struct slice){data, size});

    crl_files_parse(bytes, "a file", &reader);
    FUZZ_CHECK(told.lists + told.faults > 0);
    FUZZ_CHECK(ERR_peek_error() == 0);
    fuzz_disown(bytes);
    return (0);
}
