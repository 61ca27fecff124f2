#include "tls/tls_ticket.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include "base/clock.h"
#include "tls/tls_context.h"

enum { NAME_SIZE = 16, CIPHER_SIZE = 32, MAC_SIZE = 32, IV_SIZE = 16 };

/*
 * Tickets of one handshake that are opened.  A client offers one, and again if
 * it has to begin anew; but whoever has seen one pass by could offer it fifty
 * times over, and each takes half a handshake.
 */
enum { TICKETS_MAX = 4 };

/* What one ticket is sealed under (RFC 5077 section 4). */
struct ticket_key {
    unsigned char name[NAME_SIZE];      /* as the ticket has it */
    unsigned char cipher[CIPHER_SIZE];
    unsigned char mac[MAC_SIZE];
};

/*
 * Whoever learns the keys may resume as any peer that has a ticket: they are
 * kept for as long as one may be used, and the last ones as long again.
 */
struct tls_tickets {
    pthread_mutex_t lock;           /* over what follows */
    struct ticket_key key[2];       /* the present one, the last one */
    int64_t made_us;                /* the present one, monotonic */
};

static enum err
make_key(struct ticket_key *key)
{
    if (RAND_bytes(key->name, sizeof(key->name)) != 1 ||
        RAND_priv_bytes(key->cipher, sizeof(key->cipher)) != 1 ||
        RAND_priv_bytes(key->mac, sizeof(key->mac)) != 1)
        return (E_CRYPTO);
    return (E_OK);
}

/* The key of new tickets; a fresh one when its time is over. */
static enum err
present_key(struct tls_tickets *t, int64_t longest_us, struct ticket_key *key)
{
    int64_t now = clock_monotonic_us();
    enum err err = E_OK;

    (void)pthread_mutex_lock(&t->lock);
    if (now - t->made_us > longest_us && (err = make_key(key)) == E_OK) {
        t->key[1] = t->key[0];
        t->key[0] = *key;
        t->made_us = now;
    }
    *key = t->key[0];
    (void)pthread_mutex_unlock(&t->lock);
    return (err);
}

/* Returns 1 for the present key, 2 for the last one, 0 for none of ours. */
static int
key_named(struct tls_tickets *t, const unsigned char *name,
    struct ticket_key *key)
{
    int found = 0;

    (void)pthread_mutex_lock(&t->lock);
    for (int i = 0; i < 2 && found == 0; i++)
        if (CRYPTO_memcmp(t->key[i].name, name, NAME_SIZE) == 0) {
            *key = t->key[i];
            found = i + 1;
        }
    (void)pthread_mutex_unlock(&t->lock);
    return (found);
}

static int
set_mac(EVP_MAC_CTX *mac, struct ticket_key *key)
{
    static char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_octet_string(OSSL_MAC_PARAM_KEY, key->mac, MAC_SIZE),
        OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, digest,
        sizeof(digest) - 1),
        OSSL_PARAM_END,
    };

    return (EVP_MAC_CTX_set_params(mac, params));
}

/* Returns non-zero if ${ssl} may open one more. */
static int
may_open(const SSL *ssl)
{
    struct tls_peer *peer = tls_peer_of(ssl);

    return (peer != NULL && peer->tickets++ < TICKETS_MAX);
}

/* For SSL_CTX_set_tlsext_ticket_key_evp_cb(), which says what is returned. */
static int
on_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac, int seal)
{
    const struct tls_policy *policy = tls_context_policy(
        SSL_get_SSL_CTX(ssl));
    struct ticket_key key;
    int result = -1;

    if (seal) {
        if (present_key(policy->tickets, policy->resumption_us, &key) !=
            E_OK || RAND_bytes(iv, IV_SIZE) != 1 ||
            EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher,
            iv) != 1 || set_mac(mac, &key) != 1)
            goto out;
        memcpy(name, key.name, NAME_SIZE);
        result = 1;
    } else if (key_named(policy->tickets, name, &key) == 0 || !may_open(ssl))
        result = 0;
    else if (EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher,
        iv) == 1 && set_mac(mac, &key) == 1)
        result = 1;

out:
    OPENSSL_cleanse(&key, sizeof(key));
    return (result);
}

/* ---- how long --------------------------------------------------------- */

/* When a ticket ends: at the earlier one, since a wall clock may be set. */
struct ticket_end {
    int64_t wall_us;
    int64_t monotonic_us;
};

static int
read_end(SSL_SESSION *session, struct ticket_end *end)
{
    void *data = NULL;
    size_t n = 0;

    if (SSL_SESSION_get0_ticket_appdata(session, &data, &n) != 1 ||
        n != sizeof(*end))
        return (0);
    memcpy(end, data, sizeof(*end));
    return (1);
}

static int64_t
time_left(const struct ticket_end *end)
{
    int64_t wall = end->wall_us - clock_wall_us();
    int64_t monotonic = end->monotonic_us - clock_monotonic_us();

    return (wall < monotonic ? wall : monotonic);
}

/*
 * A ticket is about to be made: of a certificate that was just shown, or of a
 * ticket that says when it ends, and so does this one.  Both are sealed, so
 * the bytes are ours.
 */
static int
on_issue(SSL *ssl, void *cookie)
{
    const struct tls_policy *policy = cookie;
    const struct tls_peer *peer = tls_peer_of(ssl);
    SSL_SESSION *session = SSL_get_session(ssl);
    struct ticket_end end;
    long left;

    if (peer == NULL || !peer->accepted)
        return (0);
    if (!SSL_session_reused(ssl) || !read_end(session, &end)) {
        end.wall_us = clock_wall_us() + policy->resumption_us;
        if (end.wall_us > peer->identity.not_after_us)
            end.wall_us = peer->identity.not_after_us;
        end.monotonic_us = clock_monotonic_us() + policy->resumption_us;
        if (SSL_SESSION_set1_ticket_appdata(session, &end, sizeof(end)) != 1)
            return (0);
    }
    /* OpenSSL makes no ticket for no time; on_ticket() looks at ${end}. */
    left = (long)((time_left(&end) + 999999) / 1000000);
    return (SSL_SESSION_set_timeout(session, left > 0 ? left : 1) == 1);
}

/* ---- who is it now? ---------------------------------------------------- */

/*
 * In place of OpenSSL's internal_verify().  The signatures were verified when
 * the ticket was made, and under the same CAs, since these and the ticket's key
 * live and die with the SSL_CTX; only time has gone by.  A quarter of what a
 * resumption takes.
 */
static int
verify_dates(X509_STORE_CTX *ctx)
{
    const STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
    int n = sk_X509_num(chain);

    for (int i = 0; i < n; i++) {
        const X509 *x = sk_X509_value(chain, i);
        int error = X509_cmp_current_time(X509_get0_notAfter(x)) <= 0 ?
            X509_V_ERR_CERT_HAS_EXPIRED :
            X509_cmp_current_time(X509_get0_notBefore(x)) >= 0 ?
            X509_V_ERR_CERT_NOT_YET_VALID : X509_V_OK;

        if (error != X509_V_OK) {
            X509_STORE_CTX_set_error_depth(ctx, i);
            X509_STORE_CTX_set_error(ctx, error);
            return (0);
        }
    }
    return (n > 0);
}

/* As ssl_verify_cert_chain() of OpenSSL does with what a peer has sent. */
static int
verify_again(SSL *ssl, X509 *leaf, struct tls_policy *policy)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    X509_VERIFY_PARAM *param;
    int ok = 0;

    if (ctx == NULL || X509_STORE_CTX_init(ctx,
        SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl)), leaf, NULL) != 1)
        goto out;
    param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_auth_level(param, SSL_get_security_level(ssl));
    if (X509_STORE_CTX_set_ex_data(ctx,
        SSL_get_ex_data_X509_STORE_CTX_idx(), ssl) != 1 ||
        X509_STORE_CTX_set_default(ctx, "ssl_client") != 1 ||
        X509_VERIFY_PARAM_set1(param, SSL_get0_param(ssl)) != 1)
        goto out;
    X509_STORE_CTX_set_verify(ctx, verify_dates);
    ok = tls_peer_verify(ctx, policy);

out:
    X509_STORE_CTX_free(ctx);
    return (ok);
}

static int
is_as_good_as_new(SSL *ssl, SSL_SESSION *session, struct tls_policy *policy)
{
    struct tls_peer *peer = tls_peer_of(ssl);
    X509 *leaf = SSL_SESSION_get0_peer(session);
    struct ticket_end end;
    int tickets;

    if (peer == NULL || leaf == NULL || !read_end(session, &end) ||
        time_left(&end) <= 0)
        return (0);
    if (!verify_again(ssl, leaf, policy)) {
        /* What is wrong is said in the full handshake that follows. */
        tickets = peer->tickets;
        *peer = (struct tls_peer){.tickets = tickets};
        ERR_clear_error();
        return (0);
    }
    peer->resumed = 1;
    return (1);
}

static SSL_TICKET_RETURN
on_ticket(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
    size_t name_length, SSL_TICKET_STATUS status, void *cookie)
{
    (void)name, (void)name_length;
    if ((status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW) &&
        is_as_good_as_new(ssl, session, cookie))
        return (SSL_TICKET_RETURN_USE_RENEW);
    return (SSL_TICKET_RETURN_IGNORE_RENEW);
}

/* ---- the whole --------------------------------------------------------- */

static enum err
tickets_create(struct tls_tickets **tickets)
{
    struct tls_tickets *t = NULL;
    enum err err = E_NOMEM;

    *tickets = NULL;
    if ((t = calloc(1, sizeof(*t))) == NULL)
        goto out;
    (void)pthread_mutex_init(&t->lock, NULL);   /* cannot fail in glibc */
    t->made_us = clock_monotonic_us();
    /* The last one, too: a name of zeros is not to be a key of zeros. */
    if ((err = make_key(&t->key[0])) != E_OK ||
        (err = make_key(&t->key[1])) != E_OK)
        goto out;

    *tickets = t;
    t = NULL;

out:
    tls_ticket_free(t);
    return (err);
}

enum err
tls_ticket_use(SSL_CTX *ctx, struct tls_policy *policy)
{
    enum err err;

    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    if (policy->resumption_us <= 0) {
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
        return (SSL_CTX_set_num_tickets(ctx, 0) == 1 ? E_OK : E_CRYPTO);
    }
    if ((err = tickets_create(&policy->tickets)) != E_OK)
        return (err);
    if (SSL_CTX_set_num_tickets(ctx, 1) != 1 ||
        SSL_CTX_set_max_early_data(ctx, 0) != 1 ||
        SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_key) != 1 ||
        SSL_CTX_set_session_ticket_cb(ctx, on_issue, on_ticket, policy) != 1)
        return (E_CRYPTO);
    (void)SSL_CTX_set_timeout(ctx, (long)(policy->resumption_us / 1000000));
    return (E_OK);
}

void
tls_ticket_free(struct tls_tickets *tickets)
{
    if (tickets == NULL)
        return;
    (void)pthread_mutex_destroy(&tickets->lock);
    OPENSSL_cleanse(tickets, sizeof(*tickets));
    free(tickets);
}
