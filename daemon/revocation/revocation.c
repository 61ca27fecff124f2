#include "revocation/revocation.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "base/log.h"
#include "revocation/crl_issuers.h"
#include "revocation/deny_file.h"
#include "revocation/watched.h"

/*
 * ${loading} is held by whoever reads files or writes one, for as long as that
 * takes; ${lock} by whoever asks, and for the moment in which an answer takes
 * the place of another.  What changes is written under both, so that either
 * suffices to read it.
 */
struct revocation {
    struct revocation_options options;
    char *crl, *deny_list, *trust_domain;   /* owned; of ${options} */

    pthread_mutex_t loading;
    pthread_rwlock_t lock;
    struct crl_issuers issuers;
    struct deny_list *denied;               /* owned; NULL: not read yet */

    /* Under ${loading} alone. */
    struct watched crl_watched, deny_watched;
    size_t stale;                           /* CRLs that are out of date */
    int unsure;                             /* ${denied} may not be on disk */
};

/* ---- its life ---------------------------------------------------------- */

enum err
revocation_create(const struct revocation_options *options,
    struct revocation **revocation)
{
    struct revocation *r = NULL;
    enum err err = E_NOMEM;

    *revocation = NULL;

    if ((r = calloc(1, sizeof(*r))) == NULL)
        goto out;
    /* Neither can fail in glibc. */
    (void)pthread_mutex_init(&r->loading, NULL);
    (void)pthread_rwlock_init(&r->lock, NULL);
    if ((r->crl = strdup(options->crl)) == NULL ||
        (r->deny_list = strdup(options->deny_list)) == NULL ||
        (r->trust_domain = strdup(options->trust_domain)) == NULL)
        goto out;
    r->options = *options;
    r->options.crl = r->crl;
    r->options.deny_list = r->deny_list;
    r->options.trust_domain = r->trust_domain;

    *revocation = r;
    r = NULL;
    err = E_OK;

out:
    revocation_free(r);
    return (err);
}

void
revocation_free(struct revocation *revocation)
{
    if (revocation == NULL)
        return;
    crl_issuers_cut(&revocation->issuers, 0);
    deny_list_free(revocation->denied);
    (void)pthread_rwlock_destroy(&revocation->lock);
    (void)pthread_mutex_destroy(&revocation->loading);
    free(revocation->trust_domain);
    free(revocation->deny_list);
    free(revocation->crl);
    free(revocation);
}

/* ---- reading; under ${loading} ----------------------------------------- */

static void
take_crls(struct revocation *r, struct crl_load *load)
{
    (void)pthread_rwlock_wrlock(&r->lock);
    crl_issuers_take(&r->issuers, load);
    (void)pthread_rwlock_unlock(&r->lock);
}

/* What was in force is freed once nobody asks it any more. */
static void
take_denied(struct revocation *r, struct deny_list *list)
{
    struct deny_list *old = r->denied;

    (void)pthread_rwlock_wrlock(&r->lock);
    r->denied = list;
    (void)pthread_rwlock_unlock(&r->lock);
    deny_list_free(old);
}

static void
load_crls(struct revocation *r, struct crl_load *load)
{
    if (r->crl[0] == '\0')
        return;
    watched_begin(&r->crl_watched, r->crl);
    crl_issuers_read(&r->issuers, r->crl, r->options.max_crl, load);
    watched_end(&r->crl_watched, load->faults);
}

static void
put_denied(struct revocation *r, struct deny_list *list)
{
    /* Most have none, and need not hear of it. */
    if (r->denied != NULL || deny_list_text(list).n > 0)
        log_line(LOG_INFO, "deny_list", "file=%s entries=%zu", r->deny_list,
            deny_list_count(list));
    take_denied(r, list);
}

static enum err
load_denied(struct revocation *r, int quiet, char *why, size_t size)
{
    struct deny_list *list = NULL;
    enum err err;

    if (r->deny_list[0] == '\0')
        return (E_OK);
    watched_begin(&r->deny_watched, r->deny_list);
    err = deny_file_read(r->deny_list, r->trust_domain, r->denied, &list, why,
        size);
    watched_end(&r->deny_watched, err != E_OK);
    if (err != E_OK) {
        if (!quiet)
            log_line(LOG_ERROR, "deny_list", "err=%s reason=\"%s\"%s",
                err_name(err), why,
                r->denied == NULL ? "" : " kept=before");
        return (err);
    }
    put_denied(r, list);
    return (E_OK);
}

/* ---- whose CRLs -------------------------------------------------------- */

static enum err
add_issuers(struct revocation *r, X509 *root,
    X509 *const role_ca[ROLE_COUNT])
{
    enum err err;

    (void)pthread_rwlock_wrlock(&r->lock);
    err = crl_issuers_add(&r->issuers, root, "root", root);
    for (int i = 0; i < ROLE_COUNT && err == E_OK; i++)
        err = crl_issuers_add(&r->issuers, role_ca[i],
            identity_role_name((enum role)i), root);
    (void)pthread_rwlock_unlock(&r->lock);
    return (err);
}

static void
cut_issuers(struct revocation *r, size_t n)
{
    (void)pthread_rwlock_wrlock(&r->lock);
    crl_issuers_cut(&r->issuers, n);
    (void)pthread_rwlock_unlock(&r->lock);
}

/* The first time everything must be good; later what is not is left out. */
static enum err
load_all(struct revocation *r, int first, char *why, size_t size)
{
    struct crl_load load = {0};
    char fault[512];
    enum err err;

    load_crls(r, &load);
    if (first && load.faults > 0) {
        err = load.err;
        (void)snprintf(why, size, "%s", load.why);
        goto out;
    }
    err = load_denied(r, 0, fault, sizeof(fault));
    if (first && err != E_OK) {
        (void)snprintf(why, size, "%s", fault);
        goto out;
    }
    take_crls(r, &load);
    r->stale = crl_issuers_watch(&r->issuers, &r->options);
    err = E_OK;

out:
    crl_load_free(&load);
    return (err);
}

enum err
revocation_trust(struct revocation *revocation, X509 *root,
    X509 *const role_ca[ROLE_COUNT], char *why, size_t size)
{
    struct revocation *r = revocation;
    size_t before;
    enum err err;

    (void)pthread_mutex_lock(&r->loading);
    before = r->issuers.n;
    if ((err = add_issuers(r, root, role_ca)) != E_OK)
        (void)snprintf(why, size, "tls: %s", err == E_TOOBIG ? "too many CAs "
            "have been replaced since the start" : err_text(err));
    else
        err = load_all(r, before == 0, why, size);
    if (err != E_OK)
        cut_issuers(r, before);
    (void)pthread_mutex_unlock(&r->loading);
    ERR_clear_error();
    return (err);
}

/* ---- asking ------------------------------------------------------------ */

enum err
revocation_marks_read(const X509 *leaf, const X509 *issuer,
    struct identity *identity, struct revocation_marks *marks)
{
    unsigned char *der = NULL;
    struct sha256 hash;
    int n;

    if ((n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &der)) <= 0)
        return (E_CRYPTO);
    sha256_begin(&hash);
    sha256_add(&hash, der, (size_t)n);
    sha256_end(&hash, identity->key);
    OPENSSL_free(der);
    return (crl_issuers_id(issuer, marks->issuer));
}

static enum revocation_standing
check_denied(const struct deny_list *denied, const struct identity *identity,
    char *why, size_t size)
{
    char key[2 * SHA256_BYTES + 1];
    const char *by = "identity";
    unsigned line;

    if (denied == NULL || deny_list_count(denied) == 0)
        return (REVOCATION_GOOD);
    bytes_to_hex((struct slice){identity->key, sizeof(identity->key)}, key);
    line = deny_list_find(denied, DENIAL_IDENTITY, ROLE_COUNT, identity->uri);
    if (line == 0) {
        by = "key";
        line = deny_list_find(denied, DENIAL_KEY, ROLE_COUNT, key);
    }
    if (line == 0) {
        by = "serial number";
        line = deny_list_find(denied, DENIAL_SERIAL, identity->role,
            identity->serial);
    }
    if (line == 0)
        return (REVOCATION_GOOD);
    (void)snprintf(why, size, "the certificate's %s is on the deny list "
        "(line %u)", by, line);
    return (REVOCATION_REVOKED);
}

enum revocation_standing
revocation_check(struct revocation *revocation,
    const struct identity *identity, const struct revocation_marks *marks,
    char *why, size_t size)
{
    enum revocation_standing standing;

    if (revocation == NULL)
        return (REVOCATION_GOOD);
    (void)pthread_rwlock_rdlock(&revocation->lock);
    standing = check_denied(revocation->denied, identity, why, size);
    if (standing == REVOCATION_GOOD && revocation->crl[0] != '\0')
        standing = crl_issuers_check(&revocation->issuers,
            &revocation->options, identity->serial, marks->issuer, why, size);
    (void)pthread_rwlock_unlock(&revocation->lock);
    return (standing);
}

/* ---- what changes ------------------------------------------------------ */

static int
poll_crls(struct revocation *r)
{
    struct crl_load load = {0};
    enum watched_state state;

    if (r->crl[0] == '\0')
        return (0);
    /* Half of a CRL is none, and takes nothing away. */
    state = watched_look(&r->crl_watched, r->crl);
    if (state == WATCHED_SAME || state == WATCHED_MOVING)
        return (0);
    load.quiet = (state == WATCHED_RETRY);
    load_crls(r, &load);
    take_crls(r, &load);
    crl_load_free(&load);
    return (1);
}

/*
 * Somebody adds to the list, line by line.  What else is done to it may be half
 * of what is meant, and has to rest.
 */
static int
take_more(struct revocation *r)
{
    const struct watched before = r->deny_watched;
    struct deny_list *list = NULL;
    char why[512];

    watched_begin(&r->deny_watched, r->deny_list);
    if (r->denied != NULL && deny_file_read(r->deny_list, r->trust_domain,
        r->denied, &list, why, sizeof(why)) == E_OK &&
        deny_list_continues(list, r->denied)) {
        watched_end(&r->deny_watched, 0);
        put_denied(r, list);
        return (1);
    }
    deny_list_free(list);
    r->deny_watched = before;
    return (0);
}

static int
poll_denied(struct revocation *r)
{
    enum watched_state state;
    char why[512];

    if (r->deny_list[0] == '\0')
        return (0);
    state = watched_look(&r->deny_watched, r->deny_list);
    if (state == WATCHED_RESTLESS)
        return (take_more(r));
    if (state != WATCHED_CHANGED && state != WATCHED_RETRY)
        return (0);
    return (load_denied(r, state == WATCHED_RETRY, why, sizeof(why)) == E_OK);
}

int
revocation_poll(struct revocation *revocation)
{
    struct revocation *r = revocation;
    size_t stale;
    int changed;

    (void)pthread_mutex_lock(&r->loading);
    changed = poll_crls(r);
    changed |= poll_denied(r);
    stale = crl_issuers_watch(&r->issuers, &r->options);
    changed |= (stale != r->stale);
    r->stale = stale;
    (void)pthread_mutex_unlock(&r->loading);
    ERR_clear_error();
    return (changed);
}

/* Take in what people have done to the file; there may be nothing. */
static enum err
catch_up(struct revocation *r)
{
    char why[512];

    switch (watched_look(&r->deny_watched, r->deny_list)) {
    case WATCHED_MOVING:
    case WATCHED_RESTLESS:
        return (E_BUSY);
    case WATCHED_CHANGED:
    case WATCHED_RETRY:
        return (load_denied(r, 0, why, sizeof(why)) == E_OK ? E_OK :
            E_INVAL);
    default:
        return (r->denied == NULL || r->deny_watched.retry_us != 0 ?
            E_INVAL : E_OK);
    }
}

/* In force from here on, whatever becomes of the disk. */
static enum err
add(struct revocation *r, const struct denial *denial)
{
    struct deny_list *list = NULL;
    char why[512];
    enum err err;

    err = deny_file_add(r->deny_list, r->trust_domain, r->denied, denial,
        &list, why, sizeof(why));
    if (err != E_OK)
        log_line(LOG_ERROR, "deny_list", "err=%s reason=\"%s\"",
            err_name(err), why);
    if (list == NULL)
        return (err);
    r->unsure = (err != E_OK);
    take_denied(r, list);
    /* If it is still ours, it need not be read again. */
    watched_begin(&r->deny_watched, r->deny_list);
    if (!deny_file_holds(r->deny_list, r->denied))
        memset(&r->deny_watched.seen, 0, sizeof(r->deny_watched.seen));
    watched_end(&r->deny_watched, 0);
    return (err);
}

enum err
revocation_deny(struct revocation *revocation,
    const struct denial *denial, int *added)
{
    struct revocation *r = revocation;
    enum err err = E_NOTFOUND;
    int known;

    *added = 0;
    if (r->deny_list[0] == '\0')
        return (err);
    (void)pthread_mutex_lock(&r->loading);
    if ((err = catch_up(r)) != E_OK)
        goto out;
    known = deny_list_find(r->denied, denial->kind, denial->role,
        denial->value) != 0;
    if (known && !r->unsure)
        goto out;
    err = add(r, denial);
    *added = !known && (err == E_OK || err == E_LOST);

out:
    (void)pthread_mutex_unlock(&r->loading);
    return (err);
}
