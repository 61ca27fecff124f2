#include "revocation/crl.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "proto/bytes.h"

/* RFC 5280, 4.1.2.2 and 5.2.3: neither a serial nor a number is longer. */
enum { SERIAL_BYTES = 20 };

struct revoked {
    uint8_t n;
    uint8_t serial[SERIAL_BYTES];   /* then zeros */
    uint8_t reason;                 /* CRLReason; REASON_NONE */
};

#define REASON_NONE 0xff

struct crl {
    int64_t this_us, next_us;
    size_t number_n;                /* 0: it has none */
    uint8_t number[SERIAL_BYTES];
    char number_text[2 * SERIAL_BYTES + 1];
    struct revoked *revoked;        /* owned; sorted by n and serial */
    size_t n;
};

static int
by_serial(const void *a, const void *b)
{
    return (memcmp(a, b, 1 + SERIAL_BYTES));
}

/* Returns 0 if it is not the serial of a certificate that could be accepted. */
static int
read_integer(const ASN1_INTEGER *in, uint8_t out[SERIAL_BYTES], size_t *n)
{
    int length = in == NULL ? -1 : ASN1_STRING_length(in);

    if (length < 1 || length > SERIAL_BYTES ||
        ASN1_STRING_type(in) != V_ASN1_INTEGER)
        return (0);
    memset(out, 0, SERIAL_BYTES);
    memcpy(out, ASN1_STRING_get0_data(in), (size_t)length);
    *n = (size_t)length;
    return (1);
}

static int
read_time(const ASN1_TIME *in, int64_t *out)
{
    struct tm tm;

    if (in == NULL || ASN1_TIME_to_tm(in, &tm) != 1)
        return (0);
    *out = (int64_t)timegm(&tm) * 1000000;
    return (1);
}

static enum err
refuse(enum err err, const char *text, const char **why)
{
    *why = text;
    ERR_clear_error();
    return (err);
}

/* ---- of the list as a whole ------------------------------------------- */

enum err
crl_verify(X509_CRL *list, X509 *issuer, const char **why)
{
    int md = NID_undef, key = NID_undef;

    if (OBJ_find_sigid_algs(X509_CRL_get_signature_nid(list), &md, &key) !=
        1 || md == NID_md5 || md == NID_sha1)
        return (refuse(E_CRYPTO, "its signature is too weak", why));
    if (X509_CRL_verify(list, X509_get0_pubkey(issuer)) != 1)
        return (refuse(E_CRYPTO, "its signature is not its issuer's", why));
    if ((X509_get_key_usage(issuer) & KU_CRL_SIGN) == 0)
        return (refuse(E_CRYPTO,
            "its issuer's certificate is not for signing CRLs", why));
    return (E_OK);
}

static enum err
check_extensions(const X509_CRL *list, const char **why)
{
    for (int i = 0; i < X509_CRL_get_ext_count(list); i++) {
        const X509_EXTENSION *e = X509_CRL_get_ext(list, i);
        ASN1_OBJECT *object = e == NULL ? NULL :
            X509_EXTENSION_get_object(X509_CRL_get_ext(list, i));

        switch (object == NULL ? NID_undef : OBJ_obj2nid(object)) {
        case NID_delta_crl:
            return (refuse(E_INVAL, "it only changes another one (a delta)",
                why));
        case NID_issuing_distribution_point:
            return (refuse(E_INVAL, "it covers only a part of its issuer's "
                "certificates (issuingDistributionPoint)", why));
        case NID_crl_number:
        case NID_authority_key_identifier:
            break;
        default:
            if (object == NULL || X509_EXTENSION_get_critical(e))
                return (refuse(E_INVAL,
                    "it has a critical extension that is not known", why));
        }
    }
    return (E_OK);
}

static enum err
read_number(const X509_CRL *list, struct crl *crl, const char **why)
{
    static const char digits[] = "0123456789ABCDEF";
    ASN1_INTEGER *number;
    char *out = crl->number_text;
    int critical = 0, good;

    number = X509_CRL_get_ext_d2i(list, NID_crl_number, &critical, NULL);
    if (number == NULL && critical == -1) {
        memcpy(crl->number_text, "none", sizeof("none"));
        return (E_OK);
    }
    good = read_integer(number, crl->number, &crl->number_n);
    ASN1_INTEGER_free(number);
    if (!good)
        return (refuse(E_INVAL, "its number breaks RFC 5280", why));
    for (size_t i = 0; i < crl->number_n; i++) {
        *out++ = digits[crl->number[i] >> 4];
        *out++ = digits[crl->number[i] & 0xf];
    }
    *out = '\0';
    return (E_OK);
}

static enum err
read_times(const X509_CRL *list, struct crl *crl, const char **why)
{
    if (!read_time(X509_CRL_get0_lastUpdate(list), &crl->this_us))
        return (refuse(E_INVAL, "its thisUpdate is not a time", why));
    if (!read_time(X509_CRL_get0_nextUpdate(list), &crl->next_us))
        return (refuse(E_INVAL, "it does not say when the next one is due",
            why));
    if (crl->next_us <= crl->this_us)
        return (refuse(E_INVAL, "its nextUpdate is not after its thisUpdate",
            why));
    return (E_OK);
}

/* ---- of each that is revoked ------------------------------------------ */

static enum err
check_entry(const X509_REVOKED *entry, const char **why)
{
    for (int i = 0; i < X509_REVOKED_get_ext_count(entry); i++) {
        X509_EXTENSION *e = X509_REVOKED_get_ext(entry, i);
        int nid = e == NULL ? NID_undef :
            OBJ_obj2nid(X509_EXTENSION_get_object(e));

        if (nid == NID_certificate_issuer)
            return (refuse(E_INVAL,
                "it revokes other issuers' certificates (it is indirect)",
                why));
        if (nid != NID_crl_reason && (e == NULL ||
            X509_EXTENSION_get_critical(e)))
            return (refuse(E_INVAL, "an entry has a critical extension that "
                "is not known", why));
    }
    return (E_OK);
}

static uint8_t
read_reason(const X509_REVOKED *entry)
{
    ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason,
        NULL, NULL);
    long value = reason == NULL ? -1 : ASN1_ENUMERATED_get(reason);

    ASN1_ENUMERATED_free(reason);
    return (value < 0 || value >= REASON_NONE ? REASON_NONE : (uint8_t)value);
}

static enum err
read_revoked(X509_CRL *list, struct crl *crl, const char **why)
{
    STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(list);
    int count = sk_X509_REVOKED_num(entries);
    enum err err;

    if (count <= 0)
        return (E_OK);
    if ((crl->revoked = calloc((size_t)count, sizeof(*crl->revoked))) == NULL)
        return (refuse(E_NOMEM, err_text(E_NOMEM), why));
    for (int i = 0; i < count; i++) {
        const X509_REVOKED *entry = sk_X509_REVOKED_value(entries, i);
        struct revoked *to = &crl->revoked[crl->n];
        size_t n;

        if ((err = check_entry(entry, why)) != E_OK)
            return (err);
        /* No certificate with another serial is ever accepted. */
        if (!read_integer(X509_REVOKED_get0_serialNumber(entry), to->serial,
            &n))
            continue;
        to->n = (uint8_t)n;
        to->reason = read_reason(entry);
        crl->n++;
    }
    qsort(crl->revoked, crl->n, sizeof(*crl->revoked), by_serial);
    ERR_clear_error();
    return (E_OK);
}

enum err
crl_create(X509_CRL *list, struct crl **crl, const char **why)
{
    struct crl *c = NULL;
    enum err err;

    *crl = NULL;
    *why = NULL;

    if ((c = calloc(1, sizeof(*c))) == NULL) {
        err = refuse(E_NOMEM, err_text(E_NOMEM), why);
        goto out;
    }
    if ((err = check_extensions(list, why)) != E_OK ||
        (err = read_number(list, c, why)) != E_OK ||
        (err = read_times(list, c, why)) != E_OK ||
        (err = read_revoked(list, c, why)) != E_OK)
        goto out;

    *crl = c;
    c = NULL;

out:
    crl_free(c);
    return (err);
}

/* ---- asking ------------------------------------------------------------ */

static const char *
reason_text(uint8_t reason)
{
    static const char *const texts[] = {"unspecified", "key compromise",
        "CA compromise", "affiliation changed", "superseded",
        "cessation of operation", "certificate hold", "no reason given",
        "removed from the list", "privilege withdrawn", "AA compromise"};

    return (reason < sizeof(texts) / sizeof(texts[0]) ? texts[reason] :
        "no reason given");
}

const char *
crl_find(const struct crl *crl, const char *serial)
{
    struct revoked key = {0};
    const struct revoked *found;
    size_t digits = strlen(serial);

    if (crl->n == 0 || digits % 2 != 0 || digits > 2 * SERIAL_BYTES ||
        bytes_from_hex(serial, key.serial, digits / 2) != E_OK)
        return (NULL);
    key.n = (uint8_t)(digits / 2);
    found = bsearch(&key, crl->revoked, crl->n, sizeof(key), by_serial);
    return (found == NULL ? NULL : reason_text(found->reason));
}

static int
order(int64_t a, int64_t b)
{
    return ((a > b) - (a < b));
}

int
crl_compare(const struct crl *a, const struct crl *b)
{
    int by_number = 0;

    if (a->number_n > 0 && b->number_n > 0) {
        by_number = order((int64_t)a->number_n, (int64_t)b->number_n);
        if (by_number == 0)
            by_number = memcmp(a->number, b->number, a->number_n);
    }
    return (by_number != 0 ? by_number : order(a->this_us, b->this_us));
}

int64_t
crl_this_update(const struct crl *crl)
{
    return (crl->this_us);
}

int64_t
crl_next_update(const struct crl *crl)
{
    return (crl->next_us);
}

size_t
crl_count(const struct crl *crl)
{
    return (crl->n);
}

const char *
crl_number(const struct crl *crl)
{
    return (crl->number_text);
}

void
crl_free(struct crl *crl)
{
    if (crl == NULL)
        return;
    free(crl->revoked);
    free(crl);
}
