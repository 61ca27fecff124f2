#include "support/tls_client.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

void
tls_client_pki(char *dir, size_t size)
{
    char script[] = SOURCE_DIR "/certs/make-dev-certs.sh";
    char *argv[] = {script, dir, NULL};
    posix_spawn_file_actions_t quiet;
    pid_t pid;
    int status = -1;

    assert_true((size_t)snprintf(dir, size, "/tmp/vouch-pki-XXXXXX") < size);
    assert_non_null(mkdtemp(dir));
    assert_int_equal(posix_spawn_file_actions_init(&quiet), 0);
    assert_int_equal(posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO,
        "/dev/null", O_WRONLY, 0), 0);
    assert_int_equal(posix_spawn(&pid, script, &quiet, NULL, argv, environ),
        0);
    (void)posix_spawn_file_actions_destroy(&quiet);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return (remove(path));
}

void
tls_client_remove(const char *dir)
{
    assert_int_equal(nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

SSL_CTX *
tls_client_ctx(const char *dir, const char *who)
{
    static const unsigned char h2[] = {2, 'h', '2'};
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    char path[256];

    assert_non_null(ctx);
    (void)snprintf(path, sizeof(path), "%s/root.pem", dir);
    assert_int_equal(SSL_CTX_load_verify_file(ctx, path), 1);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    assert_int_equal(SSL_CTX_set_alpn_protos(ctx, h2, sizeof(h2)), 0);
    if (who != NULL) {
        (void)snprintf(path, sizeof(path), "%s/%s.pem", dir, who);
        assert_int_equal(SSL_CTX_use_certificate_chain_file(ctx, path), 1);
        (void)snprintf(path, sizeof(path), "%s/%s.key", dir, who);
        assert_int_equal(SSL_CTX_use_PrivateKey_file(ctx, path,
            SSL_FILETYPE_PEM), 1);
    }
    return (ctx);
}
