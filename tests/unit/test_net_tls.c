/*
 * What a peer can do with TLS alone once it is let in; that keys may change is
 * in test_net.c.
 */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "support/net_rig.h"
#include "support/tls_client.h"

/* More than any client sends, less than would keep a test waiting. */
enum { MANY = 4000 };

/* Returns non-zero if ${n} key updates of ${kind} went out. */
static int
update(SSL *ssl, int n, int kind)
{
    for (int i = 0; i < n; i++)
        if (SSL_key_update(ssl, kind) != 1 || SSL_do_handshake(ssl) != 1)
            return (0);
    return (1);
}

/*
 * Each takes us longer than the peer, and all that are there are read at once:
 * others on the worker would wait.
 */
static void
a_flood_of_key_updates_is_cut_off(void **state)
{
    static const int kinds[] = {SSL_KEY_UPDATE_NOT_REQUESTED,
        SSL_KEY_UPDATE_REQUESTED};
    const struct net_limits limits = rig_limits();
    struct rig *rig = rig_start(rig_dir, &limits, 1);

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        SSL *ssl = rig_dial(rig, rig_ctx), *other = rig_dial(rig, rig_ctx);

        assert_non_null(ssl);
        assert_non_null(other);
        assert_true(rig_wait(rig_sessions, 2));
        (void)update(ssl, MANY, kinds[i]);
        assert_true(rig_wait(rig_sessions, 1));
        assert_true(rig_say(other, "say still here\n"));
        assert_true(rig_hear(other, "still here\n"));
        rig_hang_up(ssl, 0);
        rig_hang_up(other, 0);
        assert_true(rig_wait(rig_sessions, 0));
    }
    rig_stop(rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_of_key_updates_is_cut_off),
    };

    return (cmocka_run_group_tests_name("net_tls", tests, rig_setup, rig_teardown));
}
