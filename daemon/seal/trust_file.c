#include "seal/trust_file.h"

#include <stdio.h>

#include "base/plain_file.h"

static enum err
complain(const char *path, enum err err, const char *what, char *why,
    size_t size)
{
    (void)snprintf(why, size, "%s: %s", path, what);
    return (err);
}

enum err
trust_file_read(const char *path, struct trust **trust, char *why, size_t size)
{
    char what[256] = "";
    const char *text;
    struct buf bytes;
    enum err err;

    *trust = NULL;
    buf_init(&bytes, TRUST_BYTES_MAX);
    if ((err = plain_file_read(path, &bytes, &text)) != E_OK)
        err = complain(path, err == E_BUSY ? E_IO : err, err == E_NOTFOUND ?
            "no such file; vouchd init makes it" : text, why, size);
    else if ((err = trust_read(buf_slice(&bytes), trust, what,
        sizeof(what))) != E_OK)
        err = complain(path, err, what[0] != '\0' ? what : err_text(err), why,
            size);
    buf_free(&bytes);
    return (err);
}

struct signing {
    enum err err;
    uint8_t signature[ED25519_SIGNATURE];
};

static void
on_signed(void *cookie, enum err err,
    const uint8_t signature[ED25519_SIGNATURE])
{
    struct signing *signing = cookie;

    if ((signing->err = err) == E_OK)
        memcpy(signing->signature, signature, sizeof(signing->signature));
}

/* One that signs later cannot be waited for without a loop. */
static enum err
sign(struct signer *root, struct slice bytes, struct signing *signing)
{
    struct signer_request *request = NULL;
    enum err err;

    signing->err = E_CRYPTO;
    if ((err = signer_sign(root, bytes, on_signed, signing, &request)) != E_OK)
        return (err);
    if (request != NULL)
        signer_cancel(request);
    return (signing->err);
}

static enum err
write_signed(const struct trust_content *content, struct signer *root,
    struct buf *out)
{
    struct signing signing;
    enum err err;

    if ((err = trust_signed_bytes(content, out)) != E_OK)
        return (err);
    if ((err = sign(root, buf_slice(out), &signing)) != E_OK)
        return (err);
    buf_drop(out, out->n);
    return (trust_write(content, signer_public_key(root), signing.signature,
        out));
}

enum err
trust_file_write(const char *path, enum trust_file_how how,
    const struct trust_content *content, struct signer *root, char *why,
    size_t size)
{
    char text[256] = "";
    const char *what;
    struct buf out;
    enum err err;

    buf_init(&out, TRUST_BYTES_MAX);
    if ((err = trust_check(content, text, sizeof(text))) != E_OK)
        err = complain(path, err, text, why, size);
    else if ((err = write_signed(content, root, &out)) != E_OK)
        err = complain(path, err, err_text(err), why, size);
    else if ((err = how == TRUST_FILE_MAKE ?
        plain_file_make(path, 0644, buf_slice(&out), &what) :
        plain_file_replace(path, buf_slice(&out), &what)) != E_OK)
        err = complain(path, err, what, why, size);
    buf_free(&out);
    return (err);
}
