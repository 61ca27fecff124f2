#include "seal/signer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "base/plain_file.h"

/* A key file, which is always as long (RFC 8410, section 7; RFC 7468). */
#define PEM_BEGIN "-----BEGIN PRIVATE KEY-----\n"
#define PEM_END "\n-----END PRIVATE KEY-----\n"
#define PEM_BODY 64
#define PEM_BYTES (sizeof(PEM_BEGIN) - 1 + PEM_BODY + sizeof(PEM_END) - 1)

/* PKCS #8 of a key of Ed25519: all of it, but the 32 bytes of the key. */
static const uint8_t prefix[] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05,
    0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};

#define DER_BYTES (sizeof(prefix) + crypto_sign_SEEDBYTES)

_Static_assert(DER_BYTES * 4 / 3 == PEM_BODY, "a line of base64");
_Static_assert(crypto_sign_PUBLICKEYBYTES == ED25519_PUBLIC_KEY, "a key");
_Static_assert(crypto_sign_BYTES == ED25519_SIGNATURE, "a signature");

/* What must not stay in memory once it has been used. */
struct secrets {
    uint8_t der[DER_BYTES];
    char pem[PEM_BYTES + 1];
};

struct signer {
    uint8_t *secret;        /* owned; in memory that is neither swapped nor
                             * dumped */
    uint8_t public_key[ED25519_PUBLIC_KEY];
    uint8_t id[ED25519_KEY_ID];
    atomic_uint references;
};

/* To whom what goes wrong is told. */
struct key_file {
    const char *path;
    char *why;
    size_t size;
};

static enum err
complain(const struct key_file *file, enum err err, const char *what)
{
    (void)snprintf(file->why, file->size, "%s: %s", file->path, what);
    return (err);
}

/* ---- the key ------------------------------------------------------------ */

static enum err
create(const uint8_t *seed, struct signer **signer)
{
    struct signer *made = calloc(1, sizeof(*made));

    *signer = NULL;
    if (made == NULL)
        return (E_NOMEM);
    if ((made->secret = sodium_malloc(crypto_sign_SECRETKEYBYTES)) == NULL) {
        free(made);
        return (E_NOMEM);
    }
    (void)crypto_sign_seed_keypair(made->public_key, made->secret, seed);
    (void)sodium_mprotect_readonly(made->secret);
    ed25519_key_id(made->public_key, made->id);
    atomic_init(&made->references, 1);
    *signer = made;
    return (E_OK);
}

/* ---- its file ----------------------------------------------------------- */

static enum err
read_pem(const struct key_file *file, int fd, struct secrets *secrets)
{
    size_t got = 0;
    ssize_t n;

    while (got <= PEM_BYTES) {
        n = read(fd, secrets->pem + got, PEM_BYTES + 1 - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return (complain(file, E_IO, strerror(errno)));
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (got == PEM_BYTES ? E_OK : E_INVAL);
}

static enum err
open_private(const struct key_file *file, int *fd)
{
    struct stat status;

    *fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (*fd == -1)
        return (complain(file, errno == ENOENT ? E_NOTFOUND : E_IO,
            strerror(errno)));
    if (fstat(*fd, &status) != 0)
        return (complain(file, E_IO, strerror(errno)));
    if (!S_ISREG(status.st_mode))
        return (complain(file, E_DENIED, "not a regular file"));
    if (status.st_uid != geteuid())
        return (complain(file, E_DENIED, "belongs to somebody else"));
    if ((status.st_mode & 077) != 0)
        return (complain(file, E_DENIED,
            "others may read or write it; the mode must be 0600"));
    return (E_OK);
}

static enum err
read_seed(const struct key_file *file, struct secrets *secrets)
{
    const char *const body = secrets->pem + sizeof(PEM_BEGIN) - 1;
    size_t n = 0;
    enum err err;
    int fd;

    if ((err = open_private(file, &fd)) == E_OK)
        err = read_pem(file, fd, secrets);
    if (fd != -1)
        (void)close(fd);
    if (err == E_OK && (memcmp(secrets->pem, PEM_BEGIN,
        sizeof(PEM_BEGIN) - 1) != 0 ||
        memcmp(body + PEM_BODY, PEM_END, sizeof(PEM_END) - 1) != 0 ||
        bytes_from_base64((struct slice){(const uint8_t *)body, PEM_BODY},
        secrets->der, sizeof(secrets->der), &n) != E_OK || n != DER_BYTES ||
        memcmp(secrets->der, prefix, sizeof(prefix)) != 0))
        err = E_INVAL;
    if (err == E_INVAL)
        return (complain(file, err, "not a private key of Ed25519 in PEM, as "
            "vouchd init or openssl genpkey -algorithm ed25519 makes it"));
    return (err);
}

/* A key that is perhaps not on disk is none: it must not come back. */
static enum err
write_new(const struct key_file *file, const char *pem)
{
    const char *what = "";
    enum err err = plain_file_make(file->path, 0600, slice_of(pem), &what);

    if (err == E_OK)
        return (E_OK);
    (void)complain(file, err, what);
    if (err != E_LOST)
        return (err);
    (void)unlink(file->path);
    return (E_IO);
}

enum err
signer_open(const char *path, struct signer **signer, char *why, size_t size)
{
    const struct key_file file = {path, why, size};
    struct secrets secrets;
    enum err err;

    *signer = NULL;
    if (sodium_init() < 0)
        return (complain(&file, E_CRYPTO, "libsodium does not begin"));
    if ((err = read_seed(&file, &secrets)) == E_OK &&
        (err = create(secrets.der + sizeof(prefix), signer)) != E_OK)
        err = complain(&file, err, err_text(err));
    sodium_memzero(&secrets, sizeof(secrets));
    return (err);
}

enum err
signer_make(const char *path, struct signer **signer, char *why, size_t size)
{
    const struct key_file file = {path, why, size};
    struct signer *made = NULL;
    struct secrets secrets;
    char body[PEM_BODY + 1];
    enum err err;

    *signer = NULL;
    if (sodium_init() < 0)
        return (complain(&file, E_CRYPTO, "libsodium does not begin"));
    memcpy(secrets.der, prefix, sizeof(prefix));
    randombytes_buf(secrets.der + sizeof(prefix), crypto_sign_SEEDBYTES);
    err = bytes_to_base64((struct slice){secrets.der, DER_BYTES}, body,
        sizeof(body), 1);
    if (err == E_OK)
        err = create(secrets.der + sizeof(prefix), &made);
    if (err != E_OK) {
        err = complain(&file, err, err_text(err));
        goto out;
    }
    (void)snprintf(secrets.pem, sizeof(secrets.pem), PEM_BEGIN "%s" PEM_END,
        body);
    if ((err = write_new(&file, secrets.pem)) != E_OK)
        goto out;

    *signer = made;
    made = NULL;

out:
    sodium_memzero(&secrets, sizeof(secrets));
    sodium_memzero(body, sizeof(body));
    signer_release(made);
    return (err);
}

/* ---- its use ------------------------------------------------------------ */

const uint8_t *
signer_public_key(const struct signer *signer)
{
    return (signer->public_key);
}

const uint8_t *
signer_key_id(const struct signer *signer)
{
    return (signer->id);
}

enum err
signer_sign(struct signer *signer, struct slice message, signer_done_fn *done,
    void *cookie, struct signer_request **request)
{
    uint8_t signature[ED25519_SIGNATURE];

    *request = NULL;
    if (crypto_sign_detached(signature, NULL, message.p, message.n,
        signer->secret) != 0)
        return (E_CRYPTO);
    done(cookie, E_OK, signature);
    return (E_OK);
}

/* Here a request is answered before anybody has it. */
void
signer_cancel(struct signer_request *request)
{
    (void)request;
}

struct signer *
signer_hold(struct signer *signer)
{
    (void)atomic_fetch_add_explicit(&signer->references, 1,
        memory_order_relaxed);
    return (signer);
}

void
signer_release(struct signer *signer)
{
    if (signer == NULL || atomic_fetch_sub_explicit(&signer->references, 1,
        memory_order_acq_rel) != 1)
        return;
    sodium_free(signer->secret);    /* which wipes it */
    free(signer);
}
