#include "revocation/crl_files.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/plain_file.h"

/* ---- bytes ------------------------------------------------------------- */

static void
tell_fault(const struct crl_reader *reader, const char *file, enum err err,
    const char *why)
{
    ERR_clear_error();
    reader->fault(reader->cookie, file, err, why);
}

static void
parse_der(struct slice bytes, const char *file,
    const struct crl_reader *reader)
{
    const unsigned char *p = bytes.p;
    X509_CRL *list = d2i_X509_CRL(NULL, &p, (long)bytes.n);

    if (list == NULL)
        tell_fault(reader, file, E_CRYPTO, "not a CRL in PEM or DER");
    else if (p != bytes.p + bytes.n)
        tell_fault(reader, file, E_CRYPTO, "something follows the CRL");
    else
        reader->list(reader->cookie, file, list);
    X509_CRL_free(list);
}

/* Something else in the file is no CRL that could be left out unseen. */
static void
parse_pem(struct slice bytes, const char *file,
    const struct crl_reader *reader)
{
    BIO *bio = BIO_new_mem_buf(bytes.p, (int)bytes.n);
    char *name, *header;
    unsigned char *data;
    long n;
    int found = 0;

    if (bio == NULL) {
        tell_fault(reader, file, E_NOMEM, err_text(E_NOMEM));
        return;
    }
    while (PEM_read_bio(bio, &name, &header, &data, &n) == 1) {
        if (strcmp(name, PEM_STRING_X509_CRL) == 0 && header[0] == '\0')
            parse_der((struct slice){data, (size_t)n}, file, reader);
        else
            tell_fault(reader, file, E_CRYPTO,
                "holds something that is no CRL");
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(data);
        found++;
    }
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        tell_fault(reader, file, E_CRYPTO, "a broken PEM block");
    else if (found == 0)
        tell_fault(reader, file, E_CRYPTO, "holds no CRL");
    ERR_clear_error();
    BIO_free(bio);
}

void
crl_files_parse(struct slice bytes, const char *file,
    const struct crl_reader *reader)
{
    static const char begin[] = "-----BEGIN ";

    ERR_clear_error();
    if (bytes.n > INT_MAX)
        tell_fault(reader, file, E_TOOBIG, "larger than is allowed");
    else if (bytes.n > 0 && memmem(bytes.p, bytes.n, begin,
        sizeof(begin) - 1) != NULL && bytes.p[0] != 0x30)
        parse_pem(bytes, file, reader);
    else
        parse_der(bytes, file, reader);
}

/* ---- files ------------------------------------------------------------- */

/* Takes from ${*left} what it read. */
static void
read_file(const char *path, size_t *left, const struct crl_reader *reader)
{
    const char *why = NULL;
    struct buf bytes;
    enum err err;

    buf_init(&bytes, *left);
    if ((err = plain_file_read(path, &bytes, &why)) != E_OK)
        tell_fault(reader, path, err, why);
    else {
        *left -= bytes.n;
        crl_files_parse(buf_slice(&bytes), path, reader);
    }
    buf_free(&bytes);
}

static void
read_folder(DIR *dir, const char *path, size_t *left,
    const struct crl_reader *reader)
{
    const struct dirent *entry;
    char file[PATH_MAX];

    while ((errno = 0, entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        if ((size_t)snprintf(file, sizeof(file), "%s/%s", path,
            entry->d_name) >= sizeof(file))
            tell_fault(reader, path, E_IO, strerror(ENAMETOOLONG));
        else
            read_file(file, left, reader);
    }
    if (errno != 0)
        tell_fault(reader, path, E_IO, strerror(errno));
}

void
crl_files_read(const char *path, size_t max, const struct crl_reader *reader)
{
    struct stat st;
    DIR *dir;

    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        if ((dir = opendir(path)) == NULL) {
            tell_fault(reader, path, E_IO, strerror(errno));
            return;
        }
        read_folder(dir, path, &max, reader);
        (void)closedir(dir);
    } else
        read_file(path, &max, reader);
}
