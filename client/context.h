#ifndef CLIENT_CONTEXT_H
#define CLIENT_CONTEXT_H

/*
 * Whom to ask, and as whom: flags over environment over configuration file.
 * The file is $XDG_CONFIG_HOME/vouch/config:
 *
 *     current = "clinic"
 *     context clinic {
 *         server = "vouch.example.org:8443"
 *         ca = "/etc/vouch/root.pem"
 *         cert = "/etc/vouch/clinic.pem"
 *         key = "/etc/vouch/clinic.key"
 *         trust = "/etc/vouch/trust.json"
 *         root_key = "9f86d081...00a08"
 *     }
 */

#include <stddef.h>

#include "client/vouch.h"

/* Owns what the resolved options point at. */
struct context {
    char *server, *ca, *cert, *key, *trust, *root_key;
};

/* What the command line says; NULL where it says nothing. */
struct context_flags {
    const char *context, *server, *ca, *cert, *key, *trust, *root_key;
};

/**
 * context_resolve(context, flags, options, why, size):
 * Fill in ${context}, and server and files of ${*options}, which then borrow
 * from it; without ${options}, NULL, no server is needed.  Returns 0, or -1
 * with ${why}, of ${size} bytes, which names the file and line or the variable
 * to set.
 */
int context_resolve(struct context *context,
    const struct context_flags *flags, struct vouch_options *options,
    char *why, size_t size);

void context_free(struct context *context);

#endif /* !CLIENT_CONTEXT_H */
