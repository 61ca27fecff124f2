#include "tls/tls_updates.h"

#include <pthread.h>
#include <stdint.h>

#include "tls/tls.h"
#include "tls/tls_peer.h"

/*
 * Steps of the state machine in the life of a connection: two or so for each
 * update, and as many if we have to answer with ours; together some ten
 * milliseconds.  Libraries send one in 2^24 records, if any.
 */
enum { STEPS_MAX = 2000 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int ex_index = -1;

static void
make_index(void)
{
    ex_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

/* The count is kept in place of a pointer: nothing to allocate. */
static uintptr_t
steps_of(const SSL *ssl)
{
    return (ex_index < 0 ? 0 : (uintptr_t)SSL_get_ex_data(ssl, ex_index));
}

/*
 * Called for handshakes and alerts, not for data.  What the socket still holds
 * must not be read: only an error of it ends the loop in SSL_read().
 */
static void
on_step(const SSL *ssl, int where, int value)
{
    SSL *s = (SSL *)(uintptr_t)ssl;
    uintptr_t steps = steps_of(ssl);

    (void)value;
    if (where != SSL_CB_ACCEPT_LOOP || ex_index < 0 ||
        tls_peer_of(ssl) != NULL)
        return;
    if (steps < STEPS_MAX)
        (void)SSL_set_ex_data(s, ex_index, (void *)(steps + 1));
    else
        (void)BIO_set_fd(SSL_get_rbio(ssl), -1, BIO_NOCLOSE);
}

void
tls_updates_limit(SSL_CTX *ctx)
{
    if (pthread_once(&once, make_index) == 0)
        SSL_CTX_set_info_callback(ctx, on_step);
}

int
tls_flooded(const SSL *ssl)
{
    return (steps_of(ssl) >= STEPS_MAX);
}
