#include "support/tls_crl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cmocka.h>

#include "support/tls_client.h"

static ASN1_INTEGER *
integer(const char *hex)
{
    BIGNUM *bn = NULL;
    ASN1_INTEGER *made;

    assert_int_not_equal(BN_hex2bn(&bn, hex), 0);
    assert_non_null(made = BN_to_ASN1_INTEGER(bn, NULL));
    BN_free(bn);
    return (made);
}

static X509_EXTENSION *
critical_extension(const char *oid)
{
    static const unsigned char null[] = {5, 0};
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 0);
    X509_EXTENSION *made;

    assert_true(value != NULL && object != NULL);
    assert_int_equal(ASN1_OCTET_STRING_set(value, null, sizeof(null)), 1);
    made = X509_EXTENSION_create_by_OBJ(NULL, object, 1, value);
    assert_non_null(made);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(object);
    return (made);
}

static void
add_entry(X509_CRL *crl, const struct tls_crl *what, const char *serial)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_INTEGER *number = integer(serial);
    ASN1_TIME *when = ASN1_TIME_set(NULL, time(NULL) - 60);

    assert_true(entry != NULL && when != NULL);
    assert_int_equal(X509_REVOKED_set_serialNumber(entry, number), 1);
    assert_int_equal(X509_REVOKED_set_revocationDate(entry, when), 1);
    if (what->reason >= 0) {
        ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();

        assert_int_equal(ASN1_ENUMERATED_set(reason, what->reason), 1);
        assert_int_equal(X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason,
            reason, 0, 0), 1);
        ASN1_ENUMERATED_free(reason);
    }
    if (what->entry != NULL) {
        X509_EXTENSION *extension = critical_extension(what->entry);

        assert_int_equal(X509_REVOKED_add_ext(entry, extension, -1), 1);
        X509_EXTENSION_free(extension);
    }
    assert_int_equal(X509_CRL_add0_revoked(crl, entry), 1);
    ASN1_INTEGER_free(number);
    ASN1_TIME_free(when);
}

static void
add_number(X509_CRL *crl, const struct tls_crl *what)
{
    char hex[32];
    ASN1_INTEGER *number;

    (void)snprintf(hex, sizeof(hex), "%s%lX", what->number < 0 ? "-" : "",
        what->number < 0 ? -what->number : what->number);
    number = integer(what->number_hex != NULL ? what->number_hex : hex);
    assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0),
        1);
    ASN1_INTEGER_free(number);
}

static void
set_times(X509_CRL *crl, const struct tls_crl *what)
{
    const int usual = what->from == 0 && what->until == 0;
    ASN1_TIME *from = ASN1_TIME_set(NULL, time(NULL) + what->from);
    ASN1_TIME *until = ASN1_TIME_set(NULL, time(NULL) +
        (usual ? 86400 : what->until));

    assert_int_equal(X509_CRL_set1_lastUpdate(crl, from), 1);
    if (!what->endless)
        assert_int_equal(X509_CRL_set1_nextUpdate(crl, until), 1);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
}

X509_CRL *
tls_crl_make(const char *dir, const struct tls_crl *what)
{
    char name[64];
    X509_CRL *crl = X509_CRL_new();
    X509 *issuer;
    EVP_PKEY *key;

    assert_non_null(crl);
    (void)snprintf(name, sizeof(name), "%s.pem",
        what->issuer != NULL ? what->issuer : what->ca);
    issuer = tls_client_load(dir, name);
    (void)snprintf(name, sizeof(name), "%s.key", what->ca);
    key = tls_client_load_key(dir, name);
    assert_int_equal(X509_CRL_set_version(crl, 1), 1);
    assert_int_equal(X509_CRL_set_issuer_name(crl,
        X509_get_subject_name(issuer)), 1);
    set_times(crl, what);
    for (size_t i = 0; i < 8 && what->serials[i] != NULL; i++)
        add_entry(crl, what, what->serials[i]);
    if (what->number != 0 || what->number_hex != NULL)
        add_number(crl, what);
    if (what->critical != NULL) {
        X509_EXTENSION *extension = critical_extension(what->critical);

        assert_int_equal(X509_CRL_add_ext(crl, extension, -1), 1);
        X509_EXTENSION_free(extension);
    }
    assert_int_equal(X509_CRL_sort(crl), 1);
    assert_true(X509_CRL_sign(crl, key, EVP_get_digestbyname(
        what->digest != NULL ? what->digest : "SHA256")) > 0);
    X509_free(issuer);
    EVP_PKEY_free(key);
    return (crl);
}

void
tls_crl_write(const char *dir, const struct tls_crl *what, const char *path,
    int der)
{
    X509_CRL *crl = tls_crl_make(dir, what);
    FILE *f = fopen(path, "ae");

    assert_non_null(f);
    assert_int_equal(der ? i2d_X509_CRL_fp(f, crl) :
        PEM_write_X509_CRL(f, crl), 1);
    assert_int_equal(fclose(f), 0);
    X509_CRL_free(crl);
}
