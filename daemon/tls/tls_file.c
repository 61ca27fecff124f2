#include "tls/tls_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

enum err
tls_file_refuse(struct tls_why why, enum err err, const char *path,
    const char *what)
{
    (void)snprintf(why.text, why.size, "%s: %s", path, what);
    ERR_clear_error();
    return (err);
}

/* A pipe would have us wait for its writer, while nobody is let in. */
static enum err
open_file(const char *path, FILE **file, struct tls_why why)
{
    struct stat st;
    enum err err;
    int fd;

    *file = NULL;
    if (path == NULL)
        return (tls_file_refuse(why, E_IO, "tls", "a file is not named"));
    if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) < 0 ||
        fstat(fd, &st) != 0)
        err = tls_file_refuse(why, E_IO, path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        err = tls_file_refuse(why, E_IO, path, "is not a file");
    else if ((*file = fdopen(fd, "r")) == NULL)
        err = tls_file_refuse(why, E_IO, path, strerror(errno));
    else
        return (E_OK);
    if (fd >= 0)
        (void)close(fd);
    return (err);
}

/* A key under a passphrase would make OpenSSL ask on the terminal. */
static int
no_passphrase(char *buf, int size, int rwflag, void *cookie)
{
    (void)buf, (void)size, (void)rwflag, (void)cookie;
    return (-1);
}

enum err
tls_file_certificate(const char *path, X509 **certificate, struct tls_why why)
{
    const EVP_PKEY *key;
    FILE *f = NULL;
    enum err err;

    *certificate = NULL;
    if ((err = open_file(path, &f, why)) != E_OK)
        return (err);
    *certificate = PEM_read_X509(f, NULL, no_passphrase, NULL);
    fclose(f);
    if (*certificate == NULL)
        return (tls_file_refuse(why, E_CRYPTO, path,
            "holds no PEM certificate"));
    /*
     * In want of memory OpenSSL reads the one without the other, or without
     * the key's size, and then no signature verifies with it.
     */
    key = X509_get0_pubkey(*certificate);
    if (key == NULL || EVP_PKEY_get_size(key) <= 0)
        return (tls_file_refuse(why, E_CRYPTO, path,
            "holds a certificate whose public key cannot be read"));
    return (E_OK);
}

enum err
tls_file_key(const char *path, EVP_PKEY **key, struct tls_why why)
{
    FILE *f = NULL;
    struct stat st;
    enum err err;

    *key = NULL;
    if ((err = open_file(path, &f, why)) != E_OK)
        goto out;
    if (fstat(fileno(f), &st) != 0) {
        err = tls_file_refuse(why, E_IO, path, strerror(errno));
        goto out;
    }
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        err = tls_file_refuse(why, E_DENIED, path,
            "a key must be a file that only its owner may read (chmod 600)");
        goto out;
    }
    if ((*key = PEM_read_PrivateKey(f, NULL, no_passphrase, NULL)) == NULL)
        err = tls_file_refuse(why, E_CRYPTO, path,
            "holds no PEM private key that is readable without a passphrase");

out:
    if (f != NULL)
        fclose(f);
    return (err);
}
