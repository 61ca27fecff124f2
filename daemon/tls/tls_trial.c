#include "tls/tls_trial.h"

#include <openssl/err.h>

/* Flights of a handshake, with room for a retry. */
enum { ROUNDS = 8 };

static int
make_client(const char *signatures, SSL_CTX **ctx, SSL **client)
{
    static const unsigned char h2[] = {2, 'h', '2'};

    return ((*ctx = SSL_CTX_new(TLS_client_method())) != NULL &&
        SSL_CTX_set_alpn_protos(*ctx, h2, sizeof(h2)) == 0 &&
        SSL_CTX_set1_sigalgs_list(*ctx, signatures) == 1 &&
        (*client = SSL_new(*ctx)) != NULL);
}

static void
step(SSL *ssl)
{
    ERR_clear_error();
    (void)SSL_do_handshake(ssl);
}

enum err
tls_trial(SSL_CTX *ctx, const char *signatures)
{
    SSL_CTX *theirs = NULL;
    SSL *client = NULL, *server = NULL;
    BIO *near = NULL, *far = NULL;
    enum err err = E_NOMEM;

    if (!make_client(signatures, &theirs, &client) ||
        (server = SSL_new(ctx)) == NULL ||
        BIO_new_bio_pair(&near, 0, &far, 0) != 1)
        goto out;
    SSL_set_bio(server, near, near);        /* theirs now, both */
    SSL_set_bio(client, far, far);
    SSL_set_accept_state(server);
    SSL_set_connect_state(client);

    for (int i = 0; i < ROUNDS && !SSL_is_init_finished(client); i++) {
        step(client);
        step(server);
    }
    err = SSL_is_init_finished(client) ? E_OK : E_CRYPTO;

out:
    SSL_free(client);
    SSL_free(server);
    SSL_CTX_free(theirs);
    ERR_clear_error();
    return (err);
}
