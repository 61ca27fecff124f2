#ifndef SEAL_TRUST_FILE_H
#define SEAL_TRUST_FILE_H

/*
 * The trust file on disk, and signing it by the root key.  Waits for the disk.
 */

#include "proto/err.h"
#include "proto/trust.h"
#include "seal/signer.h"

/**
 * trust_file_read(path, trust, why, size):
 * Read ${path}, as trust_read().
 *
 * Fails: as that; E_NOTFOUND (no such file), E_IO.  On failure ${*trust} is
 * NULL, and ${why}, of ${size} bytes, names the file and says what is wrong.
 */
enum err MUST_USE trust_file_read(const char *path, struct trust **trust,
    char *why, size_t size);

/* Whether the file may be there already, or must. */
enum trust_file_how { TRUST_FILE_MAKE, TRUST_FILE_REPLACE };

/**
 * trust_file_write(path, how, content, root, why, size):
 * Sign ${content} by ${root}, and make it what ${path} holds: on disk, all or
 * nothing.  A new file may be read by everybody.
 *
 * Fails: E_EXISTS (it is there, and must not be), E_INVAL (as
 * trust_check()), E_CRYPTO, E_FULL, E_IO, E_NOMEM, E_TOOBIG: nothing has
 * changed.  E_LOST: written, but perhaps not on disk.  ${why} as above.
 */
enum err MUST_USE trust_file_write(const char *path, enum trust_file_how how,
    const struct trust_content *content, struct signer *root, char *why,
    size_t size);

#endif /* !SEAL_TRUST_FILE_H */
