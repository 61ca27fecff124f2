#include "tls/tls.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "tls/tls_context.h"
#include "tls/tls_peer.h"

/*
 * Each SSL holds the SSL_CTX that it was made of: whatever began with the old
 * one ends with it.
 */
struct tls_server {
    struct revocation *revocation;  /* borrowed; may be NULL */
    pthread_mutex_t lock;       /* over what follows */
    SSL_CTX *ctx;               /* owned */
    struct tls_context_facts facts;
};

enum err
tls_server_create(const struct tls_options *options, struct tls_server **tls,
    char *why, size_t size)
{
    struct tls_server *t = NULL;
    enum err err;

    *tls = NULL;

    if ((t = calloc(1, sizeof(*t))) == NULL) {
        (void)snprintf(why, size, "tls: %s", err_text(E_NOMEM));
        return (E_NOMEM);
    }
    t->revocation = options->revocation;
    (void)pthread_mutex_init(&t->lock, NULL);   /* cannot fail in glibc */
    if ((err = tls_context_create(options, NULL, &t->ctx, &t->facts, why,
        size)) != E_OK)
        goto out;

    *tls = t;
    t = NULL;

out:
    tls_server_free(t);
    return (err);
}

/* A reference of our own to what is now in force. */
static SSL_CTX *
present(struct tls_server *tls)
{
    SSL_CTX *ctx;

    (void)pthread_mutex_lock(&tls->lock);
    ctx = tls->ctx;
    if (SSL_CTX_up_ref(ctx) != 1)
        ctx = NULL;
    (void)pthread_mutex_unlock(&tls->lock);
    return (ctx);
}

enum err
tls_server_reload(struct tls_server *tls, const struct tls_options *options,
    char *why, size_t size)
{
    struct tls_context_facts facts = {.ends = 0};
    SSL_CTX *ctx = NULL, *old = present(tls);
    enum err err;

    err = tls_context_create(options, old, &ctx, &facts, why, size);
    SSL_CTX_free(old);
    if (err != E_OK)
        return (err);
    (void)pthread_mutex_lock(&tls->lock);
    old = tls->ctx;
    tls->ctx = ctx;
    tls->facts = facts;
    (void)pthread_mutex_unlock(&tls->lock);
    SSL_CTX_free(old);
    return (E_OK);
}

void
tls_server_own(struct tls_server *tls, struct tls_own *own)
{
    (void)pthread_mutex_lock(&tls->lock);
    *own = tls->facts.own;
    (void)pthread_mutex_unlock(&tls->lock);
}

enum revocation_standing
tls_server_standing(struct tls_server *tls, const struct identity *identity,
    const struct revocation_marks *marks, char *why, size_t size)
{
    return (revocation_check(tls->revocation, identity, marks, why, size));
}

size_t
tls_server_ends(struct tls_server *tls, struct tls_end ends[TLS_ENDS])
{
    size_t n;

    (void)pthread_mutex_lock(&tls->lock);
    n = tls->facts.ends;
    memcpy(ends, tls->facts.end, n * sizeof(ends[0]));
    (void)pthread_mutex_unlock(&tls->lock);
    return (n);
}

enum err
tls_server_accept(struct tls_server *tls, int fd, SSL **ssl)
{
    SSL_CTX *ctx;
    SSL *s = NULL;
    enum err err = E_NOMEM;

    *ssl = NULL;
    if ((ctx = present(tls)) == NULL ||
        (s = SSL_new(ctx)) == NULL || SSL_set_fd(s, fd) != 1)
        goto out;
    if ((err = tls_peer_attach(s)) != E_OK)
        goto out;
    SSL_set_accept_state(s);
    *ssl = s;
    s = NULL;
    err = E_OK;

out:
    SSL_free(s);
    SSL_CTX_free(ctx);
    if (err != E_OK)
        ERR_clear_error();
    return (err);
}

/*
 * OpenSSL keeps the leaf, which cannot be taken from it, and beside it what
 * else the peer has sent: nobody asks for that again.
 */
void
tls_settle(SSL *ssl)
{
    STACK_OF(X509) *sent = SSL_get_peer_cert_chain(ssl);

    while (sk_X509_num(sent) > 0)
        X509_free(sk_X509_pop(sent));
    tls_peer_detach(ssl);
}

void
tls_failure(const SSL *ssl, char *text, size_t size)
{
    const struct tls_peer *peer = tls_peer_of(ssl);
    long verified = SSL_get_verify_result(ssl);
    unsigned long error = ERR_peek_error();
    const char *reason = NULL;

    /* The most exact first: ours, the chain's, the protocol's. */
    if (peer != NULL && peer->why != NULL)
        reason = peer->why;
    else if (verified != X509_V_OK)
        reason = X509_verify_cert_error_string(verified);
    else if (error != 0)
        reason = ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) ==
            SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE ?
            "no certificate was shown" : ERR_reason_error_string(error);
    else if (SSL_is_init_finished(ssl) && !tls_peer_speaks_h2(ssl))
        reason = "the client does not offer h2 by ALPN";
    if (reason == NULL)
        reason = error == 0 ? "the peer closed the connection" :
            "an error without a name";
    (void)snprintf(text, size, "%s", reason);
    ERR_clear_error();
}

void
tls_shown(const SSL *ssl, char *text, size_t size)
{
    const struct tls_peer *peer = tls_peer_of(ssl);

    if (peer == NULL || peer->issuer[0] == '\0' || peer->resumed)
        (void)snprintf(text, size, "%s", "");
    else
        (void)snprintf(text, size, " serial=%s issuer=\"%s\"",
            peer->identity.serial, peer->issuer);
}

void
tls_server_free(struct tls_server *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->ctx);
    (void)pthread_mutex_destroy(&tls->lock);
    free(tls);
}
