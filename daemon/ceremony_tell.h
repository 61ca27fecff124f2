#ifndef DAEMON_CEREMONY_TELL_H
#define DAEMON_CEREMONY_TELL_H

/*
 * Trust files for people to read, on standard output.
 */

#include "proto/trust.h"

/**
 * ceremony_tell(trust, now_us):
 * Print all that ${trust} says, as of ${now_us}.
 */
void ceremony_tell(const struct trust *trust, int64_t now_us);

/**
 * ceremony_tell_change(path, before, after, root, now_us):
 * Print what of the trust file ${path} is another than before: ${root} is the
 * key that it is signed by now.  What is likely a mistake is told, too.
 */
void ceremony_tell_change(const char *path, const struct trust *before,
    const struct trust_content *after, const uint8_t root[ED25519_PUBLIC_KEY],
    int64_t now_us);

#endif /* !DAEMON_CEREMONY_TELL_H */
