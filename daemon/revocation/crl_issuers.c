#include "revocation/crl_issuers.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include "base/clock.h"
#include "base/log.h"
#include "proto/civil.h"
#include "revocation/crl_files.h"

/* A CRL made by a clock that is further ahead would shut out the right ones. */
#define AHEAD_US ((int64_t)24 * 60 * 60 * 1000000)

/* Of crl_issuer.told. */
enum { CRL_END_FAR, CRL_END_NEAR, CRL_END_PAST };

/* ---- the issuers ------------------------------------------------------- */

enum err
crl_issuers_id(const X509 *ca, uint8_t id[SHA256_BYTES])
{
    unsigned char *der = NULL;
    struct sha256 hash;
    int n;

    if ((n = i2d_X509(ca, &der)) <= 0)
        return (E_CRYPTO);
    sha256_begin(&hash);
    sha256_add(&hash, der, (size_t)n);
    sha256_end(&hash, id);
    OPENSSL_free(der);
    return (E_OK);
}

static int
find(const struct crl_issuers *issuers, const uint8_t id[SHA256_BYTES])
{
    for (size_t i = 0; i < issuers->n; i++)
        if (memcmp(issuers->all[i].id, id, SHA256_BYTES) == 0)
            return ((int)i);
    return (-1);
}

/* As tls_peer.c writes it; one that breaks RFC 5280 cannot be on a list. */
static void
write_serial(const X509 *ca, char text[IDENTITY_SERIAL_MAX + 1])
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(ca);
    int n = ASN1_STRING_length(serial);

    text[0] = '\0';
    if (ASN1_STRING_type(serial) == V_ASN1_INTEGER && n > 0 &&
        n <= IDENTITY_SERIAL_MAX / 2)
        bytes_to_hex((struct slice){ASN1_STRING_get0_data(serial),
            (size_t)n}, text);
}

enum err
crl_issuers_add(struct crl_issuers *issuers, X509 *ca, const char *name,
    X509 *root)
{
    struct crl_issuer *added = &issuers->all[issuers->n];
    uint8_t id[SHA256_BYTES], parent[SHA256_BYTES];
    enum err err;

    if ((err = crl_issuers_id(ca, id)) != E_OK ||
        (err = crl_issuers_id(root, parent)) != E_OK)
        return (err);
    if (find(issuers, id) >= 0)
        return (E_OK);
    if (issuers->n == CRL_ISSUERS_MAX)
        return (E_TOOBIG);
    if (X509_up_ref(ca) != 1)
        return (E_NOMEM);
    *added = (struct crl_issuer){.ca = ca, .name = name};
    memcpy(added->id, id, sizeof(id));
    write_serial(ca, added->serial);
    issuers->n++;
    added->parent = find(issuers, parent);
    return (E_OK);
}

void
crl_issuers_cut(struct crl_issuers *issuers, size_t n)
{
    while (issuers->n > n) {
        struct crl_issuer *last = &issuers->all[--issuers->n];

        crl_free(last->crl);
        X509_free(last->ca);
    }
}

/* ---- reading ----------------------------------------------------------- */

static void
note_fault(struct crl_load *load, const char *file, enum err err,
    const char *why)
{
    if (load->faults++ == 0) {
        load->err = err;
        (void)snprintf(load->why, sizeof(load->why), "%s: %s", file, why);
    }
    if (!load->quiet)
        log_line(LOG_ERROR, "crl", "file=%s err=%s reason=\"%s\"", file,
            err_name(err), why);
}

static void
on_fault(void *cookie, const char *file, enum err err, const char *why)
{
    note_fault(cookie, file, err, why);
}

/*
 * By name and signature: of several CAs with one name the key decides, and one
 * whose certificate was renewed is there twice, with one key.  ${*why} stays
 * NULL if the names differ.
 */
static int
is_of(X509_CRL *list, X509 *ca, const char **why)
{
    return (X509_NAME_cmp(X509_CRL_get_issuer(list),
        X509_get_subject_name(ca)) == 0 && crl_verify(list, ca, why) == E_OK);
}

/* Is it a step back from what is in force? */
static int
goes_back(const struct crl *fresh, const struct crl *old)
{
    return (old != NULL && (crl_compare(fresh, old) < 0 ||
        crl_this_update(fresh) < crl_this_update(old)));
}

/* The newest of those that are good is ${*fresh}. */
static void
note_list(struct crl_load *load, const char *file, X509_CRL *list,
    struct crl **fresh)
{
    struct crl *crl = NULL;
    const char *why;
    enum err err;

    if ((err = crl_create(list, &crl, &why)) != E_OK)
        note_fault(load, file, err, why);
    else if (crl_this_update(crl) > clock_wall_us() + AHEAD_US)
        note_fault(load, file, E_INVAL, "it is from the future");
    else if (*fresh == NULL || crl_compare(crl, *fresh) > 0) {
        crl_free(*fresh);
        *fresh = crl;
        crl = NULL;
    }
    crl_free(crl);
}

static void
tell_new(const struct crl_load *load, const struct crl_issuer *issuer,
    const struct crl *crl)
{
    char until[CIVIL_TIME_TEXT];

    if (load->quiet ||
        (issuer->crl != NULL && crl_compare(crl, issuer->crl) == 0))
        return;
    civil_format_time(crl_next_update(crl), 0, until);
    log_line(LOG_INFO, "crl", "issuer=%s number=%s revoked=%zu "
        "next_update=%s", issuer->name, crl_number(crl), crl_count(crl),
        until);
}

static void
on_list(void *cookie, const char *file, X509_CRL *list)
{
    struct crl_load *load = cookie;
    const struct crl_issuers *issuers = load->issuers;
    const char *why = NULL;
    int found = 0;

    for (size_t i = 0; i < issuers->n; i++)
        if (is_of(list, issuers->all[i].ca, &why)) {
            note_list(load, file, list, &load->fresh[i]);
            found = 1;
        }
    if (found)
        return;
    if (why != NULL)
        note_fault(load, file, E_CRYPTO, why);
    else if (!load->quiet)
        log_line(LOG_WARN, "crl", "file=%s reason=\"its issuer is no CA of "
            "ours\"", file);
}

/*
 * Of what was read, what counts.  What does not is no fault to be tried again:
 * only another file will mend it.
 */
static void
settle(struct crl_load *load, const char *path)
{
    for (size_t i = 0; i < load->issuers->n; i++) {
        const struct crl_issuer *issuer = &load->issuers->all[i];
        const char *why = NULL;

        if (load->fresh[i] == NULL && issuer->crl != NULL)
            why = "there is none any more";
        else if (load->fresh[i] != NULL &&
            goes_back(load->fresh[i], issuer->crl)) {
            why = "it is older than the one in force";
            crl_free(load->fresh[i]);
            load->fresh[i] = NULL;
        }
        if (why == NULL) {
            if (load->fresh[i] != NULL)
                tell_new(load, issuer, load->fresh[i]);
            continue;
        }
        if (!load->quiet)
            log_line(LOG_ERROR, "crl", "file=%s issuer=%s reason=\"%s\" "
                "kept=%s", path, issuer->name, why, crl_number(issuer->crl));
    }
}

void
crl_issuers_read(const struct crl_issuers *issuers, const char *path,
    size_t max, struct crl_load *load)
{
    const struct crl_reader reader = {
        .list = on_list,
        .fault = on_fault,
        .cookie = load,
    };

    *load = (struct crl_load){.issuers = issuers, .quiet = load->quiet};
    crl_files_read(path, max, &reader);
    settle(load, path);
    ERR_clear_error();
}

void
crl_issuers_take(struct crl_issuers *issuers, struct crl_load *load)
{
    for (size_t i = 0; i < issuers->n; i++) {
        struct crl *old = issuers->all[i].crl;

        if (load->fresh[i] == NULL)
            continue;
        issuers->all[i].crl = load->fresh[i];
        issuers->all[i].told = CRL_END_FAR;
        load->fresh[i] = old;
    }
}

void
crl_load_free(struct crl_load *load)
{
    for (size_t i = 0; i < CRL_ISSUERS_MAX; i++) {
        crl_free(load->fresh[i]);
        load->fresh[i] = NULL;
    }
}

/* ---- asking ------------------------------------------------------------ */

/* Of the certificate ${serial}, by the CRL of ${issuer}. */
static enum revocation_standing
check_one(const struct crl_issuer *issuer,
    const struct revocation_options *options, const char *serial,
    const char *whose, char *why, size_t size)
{
    char since[CIVIL_TIME_TEXT];
    const char *reason;

    if (issuer->crl == NULL)
        return (REVOCATION_GOOD);
    if ((reason = crl_find(issuer->crl, serial)) != NULL) {
        (void)snprintf(why, size, "%s was revoked by the %s CA (CRL %s): %s",
            whose, issuer->name, crl_number(issuer->crl), reason);
        return (REVOCATION_REVOKED);
    }
    if (options->accept_stale ||
        clock_wall_us() < crl_next_update(issuer->crl))
        return (REVOCATION_GOOD);
    civil_format_time(crl_next_update(issuer->crl), 0, since);
    (void)snprintf(why, size, "the CRL of the %s CA (%s) is out of date "
        "since %s", issuer->name, crl_number(issuer->crl), since);
    return (REVOCATION_UNKNOWN);
}

enum revocation_standing
crl_issuers_check(const struct crl_issuers *issuers,
    const struct revocation_options *options, const char *serial,
    const uint8_t id[SHA256_BYTES], char *why, size_t size)
{
    const int i = find(issuers, id);
    const struct crl_issuer *issuer = i < 0 ? NULL : &issuers->all[i];
    enum revocation_standing standing;

    if (options->crl_required && (issuer == NULL || issuer->crl == NULL)) {
        (void)snprintf(why, size, "there is no CRL of the %s CA",
            issuer == NULL ? "issuing" : issuer->name);
        return (REVOCATION_UNKNOWN);
    }
    if (issuer == NULL)
        return (REVOCATION_GOOD);
    standing = check_one(issuer, options, serial, "the certificate", why,
        size);
    if (standing != REVOCATION_GOOD || issuer->parent < 0 ||
        issuer->parent == i)
        return (standing);
    return (check_one(&issuers->all[issuer->parent], options, issuer->serial,
        "the certificate's CA", why, size));
}

/* ---- their ends -------------------------------------------------------- */

static int
end_of(const struct crl *crl, int64_t now)
{
    int64_t this_us = crl_this_update(crl), next_us = crl_next_update(crl);

    if (now >= next_us)
        return (CRL_END_PAST);
    return (next_us - now < (next_us - this_us) / 4 ? CRL_END_NEAR :
        CRL_END_FAR);
}

size_t
crl_issuers_watch(struct crl_issuers *issuers,
    const struct revocation_options *options)
{
    char when[CIVIL_TIME_TEXT];
    size_t past = 0;

    for (size_t i = 0; i < issuers->n; i++) {
        struct crl_issuer *issuer = &issuers->all[i];
        int end;

        if (issuer->crl == NULL)
            continue;
        end = end_of(issuer->crl, clock_wall_us());
        past += (end == CRL_END_PAST);
        if (end <= issuer->told)
            continue;
        issuer->told = end;
        civil_format_time(crl_next_update(issuer->crl), 0, when);
        log_line(end == CRL_END_NEAR ? LOG_WARN : LOG_ERROR, "crl",
            "issuer=%s number=%s next_update=%s reason=\"%s\"", issuer->name,
            crl_number(issuer->crl), when, end == CRL_END_NEAR ?
            "it will soon be out of date" : options->accept_stale ?
            "it is out of date, and counts all the same" : "it is out of "
            "date: nobody of this CA is let in until there is a new one");
    }
    return (past);
}
