#ifndef CONF_CONF_H
#define CONF_CONF_H

/*
 * Every setting of the daemon.  An option is one row of CONF_OPTIONS: from it
 * derive the field of struct conf, the default, the range, the reader, and the
 * help.  Sizes are bytes, times as their names say.
 */

#include <stddef.h>
#include <stdio.h>

#include "proto/err.h"

/*
 * TEXT(field, name, default, help)
 * CHOICE(field, name, default, words, help)
 * NUMBER(field, name, default, least, most, help)
 */
#define CONF_OPTIONS(TEXT, CHOICE, NUMBER)                                    \
    NUMBER(workers, "workers", 0, 0, 256,                                     \
        "worker threads; 0: one per core")                                    \
    NUMBER(drain_ms, "drain_ms", 10000, 0, 3600000,                           \
        "time that calls in progress have when the daemon is told to end")    \
    TEXT(listen_address, "listen.address", "127.0.0.1",                       \
        "numeric address to listen on")                                       \
    NUMBER(listen_port, "listen.port", 8443, 0, 65535,                        \
        "port to listen on; 0: a free one")                                   \
    CHOICE(log_level, "log.level", "info", "error warn info debug",           \
        "how much is logged")                                                 \
    CHOICE(log_format, "log.format", "logfmt", "logfmt json",                 \
        "how a line is written")                                              \
    TEXT(tls_certificate, "tls.certificate", "",                              \
        "PEM file: the server's certificate, then its issuers")               \
    TEXT(tls_key, "tls.key", "",                                              \
        "PEM file: its private key, readable by its owner only")              \
    TEXT(tls_second_certificate, "tls.second_certificate", "",                \
        "PEM file: one more of the server's, RSA beside ECDSA")               \
    TEXT(tls_second_key, "tls.second_key", "",                                \
        "PEM file: the private key of that one")                              \
    TEXT(tls_root, "tls.root_ca", "",                                         \
        "PEM file: the root of all client certificates")                      \
    TEXT(tls_employer_ca, "tls.employer_ca", "",                              \
        "PEM file: the issuing CA of employers")                              \
    TEXT(tls_association_ca, "tls.association_ca", "",                        \
        "PEM file: the issuing CA of associations")                           \
    TEXT(tls_auditor_ca, "tls.auditor_ca", "",                                \
        "PEM file: the issuing CA of auditors")                               \
    TEXT(tls_admin_ca, "tls.admin_ca", "",                                    \
        "PEM file: the issuing CA of administrators")                         \
    TEXT(tls_trust_domain, "tls.trust_domain", "",                            \
        "trust domain of client identities, as in vouch.example.org")         \
    NUMBER(tls_handshake_ms, "tls.handshake_ms", 5000, 100, 600000,           \
        "longest time for a handshake")                                       \
    NUMBER(tls_resumption_s, "tls.resumption_s", 7200, 0, 86400,              \
        "how long a peer may resume its TLS session; 0: never")               \
    TEXT(tls_crl, "tls.crl", "",                                              \
        "file or folder of CRLs, PEM or DER, of the root and the roles' CAs; "\
        "read again when it changes")                                         \
    CHOICE(tls_crl_required, "tls.crl_required", "no", "no yes",              \
        "whether nobody of a role is let in while its CA has no CRL")         \
    CHOICE(tls_crl_stale, "tls.crl_stale", "refuse", "refuse accept",         \
        "what happens to peers whose CA's CRL is out of date")                \
    NUMBER(tls_crl_max, "tls.crl_bytes", 16777216, 65536, 1073741824,         \
        "size of all CRLs together")                                          \
    TEXT(tls_deny_list, "tls.deny_list", "",                                  \
        "file of who is not let in, read again when it changes, and added to "\
        "by DenyIdentity; none: deny.list in the store's folder")             \
    TEXT(store_dsn, "store.dsn", "",                                          \
        "where records are kept, as in sqlite:/var/lib/vouchd/vouch.db")      \
    NUMBER(store_group, "store.group", 64, 1, 10000,                          \
        "publications that one commit may cover")                             \
    TEXT(key_dir, "keys.dir", "",                                             \
        "folder of the keys of private factors; outside the store")           \
    TEXT(seal_trust, "seal.trust", "/etc/vouch/trust.json",                   \
        "JSON file: whose keys they are that seal answers, as the root key "  \
        "has signed it")                                                      \
    TEXT(seal_key_dir, "seal.key_dir", "/var/lib/vouchd/seal",                \
        "folder of the keys that seal answers; vouchd init makes the first")  \
    TEXT(catalog_dir, "catalog.dir", "",                                      \
        "folder of the catalog that an empty store is filled from")           \
    NUMBER(message_max, "limits.message_bytes", 65536, 1024, 16777216,        \
        "longest request message")                                            \
    NUMBER(message_arena, "limits.message_memory_bytes", 2097152, 65536,      \
        268435456, "memory that one request message may take when decoded")   \
    NUMBER(message_depth, "limits.message_depth", 16, 4, 64,                  \
        "depth of messages within a request message")                         \
    NUMBER(message_elements, "limits.message_elements", 1000, 16, 1000000,    \
        "elements of one repeated field of a request message")                \
    NUMBER(message_fields, "limits.message_fields", 32768, 256, 10000000,     \
        "fields of one request message")                                      \
    NUMBER(compress_above, "limits.compress_above_bytes", 1024, 0, 16777216,  \
        "answers of public facts that are longer are compressed, if the "     \
        "client takes gzip; 0: none are")                                     \
    NUMBER(deadline_ms, "limits.unary_deadline_ms", 60000, 100, 3600000,      \
        "longest deadline of a call without streams")                         \
    NUMBER(connections, "limits.connections", 10000, 1, 1000000,              \
        "connections that one worker holds")                                  \
    NUMBER(calls, "limits.calls", 10000, 1, 1000000,                          \
        "calls at a time that one worker answers; more are refused unseen")   \
    NUMBER(output_max, "limits.output_bytes", 1048576, 65536, 67108864,       \
        "bytes that may wait on one connection to be sent")                   \
    NUMBER(stall_ms, "limits.stall_ms", 30000, 100, 3600000,                  \
        "longest time that a connection may refuse to take what is sent")     \
    NUMBER(streams, "http2.streams", 128, 1, 10000,                           \
        "calls at a time on one connection")                                  \
    NUMBER(header_list, "http2.header_list_bytes", 16384, 1024, 1048576,      \
        "size of a call's headers")                                           \
    NUMBER(window, "http2.window_bytes", 1048576, 65535, 16777216,            \
        "what a peer may send ahead on a connection")                         \
    NUMBER(pad_step, "http2.pad_step_bytes", 512, 0, 8192,                   \
        "answers to claims are padded until they fill steps of so many "      \
        "bytes; 0: not")                                                      \
    NUMBER(cheap_frames, "http2.cheap_frames", 1000, 10, 1000000,             \
        "control frames without work between them before a peer is cut off")  \
    NUMBER(keepalive_time_ms, "http2.keepalive_time_ms", 60000, 0, 86400000,  \
        "silence after which a peer is sent a PING; 0: never")                \
    NUMBER(keepalive_timeout_ms, "http2.keepalive_timeout_ms", 20000, 100,    \
        3600000, "and time it has then to send anything")                     \
    NUMBER(ping_interval_ms, "http2.ping_interval_ms", 10000, 0, 7200000,     \
        "least time between PINGs of a peer; 0: any")                         \
    NUMBER(ping_strikes, "http2.ping_strikes", 5, 0, 1000000,                 \
        "PINGs before that time, without an answer between them, before a "   \
        "peer is cut off")                                                    \
    NUMBER(ping_without_calls, "http2.ping_without_calls", 1, 0, 1,           \
        "1: the same without calls; 0: then one in two hours is allowed")     \
    NUMBER(connection_idle_ms, "http2.max_connection_idle_ms", 0, 0,          \
        604800000, "time without calls after which a connection is ended; "   \
        "0: never")                                                           \
    NUMBER(connection_age_ms, "http2.max_connection_age_ms", 1800000, 0,      \
        604800000, "time after which a connection is ended, up to a tenth "   \
        "more or less; 0: never")                                             \
    NUMBER(connection_age_grace_ms, "http2.max_connection_age_grace_ms",      \
        3600000, 0, 604800000, "and time that its calls have then to "        \
        "finish; 0: no limit")                                                \
    NUMBER(upload_max, "publish.upload_bytes", 1073741824, 65536,             \
        1099511627776, "room that the rows of one upload may take until "     \
        "they are published")                                                 \
    NUMBER(upload_memory, "publish.upload_memory_bytes", 4194304, 65536,      \
        17179869184, "and of it in memory; the rest is in an encrypted file") \
    NUMBER(staged_max, "publish.staged_bytes", 4294967296, 65536,             \
        1099511627776, "room that all uploads together may take")             \
    NUMBER(staged_memory, "publish.staged_memory_bytes", 268435456, 1048576,  \
        68719476736, "and of it in memory")                                   \
    TEXT(staging_dir, "publish.staging_dir", "",                              \
        "folder of the encrypted files; none: the store's folder")            \
    NUMBER(rejects_max, "publish.rejects", 100000, 1, 100000000,              \
        "rejected rows after which an upload is given up")                    \
    NUMBER(endings_max, "publish.ending_count", 500, 0, 1000000000,           \
        "active records that a snapshot may end without saying how many")     \
    NUMBER(ending_share, "publish.ending_share", 2, 0, 100,                   \
        "and the share of those on file, in percent")

struct conf {
#define TEXT(field, name, value, help) const char *field;
#define CHOICE(field, name, value, words, help) const char *field;
#define NUMBER(field, name, value, least, most, help) long long field;
    CONF_OPTIONS(TEXT, CHOICE, NUMBER)
#undef TEXT
#undef CHOICE
#undef NUMBER
};

/**
 * conf_create(conf):
 * Make settings with every default.  The caller owns ${*conf}; free with
 * conf_free().
 *
 * Fails: E_NOMEM.  On failure ${*conf} is NULL.
 */
enum err MUST_USE conf_create(struct conf **conf);

/**
 * conf_set(conf, name, value, origin, why, size):
 * Set the option called ${name} to what ${value} says; ${origin}, as in
 * "vouchd.conf:12", is what conf_print() tells of it.
 *
 * Fails: E_NOTFOUND (no such option), E_INVAL (not a number, out of range, or
 * not one of the words), E_NOMEM; ${why}, of ${size} bytes, says what is wrong
 * and what would be right, and ${conf} is as it was.
 */
enum err MUST_USE conf_set(struct conf *conf, const char *name,
    const char *value, const char *origin, char *why, size_t size);

/**
 * conf_read(conf, path, why, size):
 * Set what the file ${path} sets.  Its form is libconfuse's: an option
 * "listen.port" stands as `port = 8443` in a block `listen { }`; texts are
 * best quoted; `#` begins a comment; ${NAME} is taken from the environment.
 *
 * Fails: E_IO (cannot be read), E_INVAL, E_NOMEM; ${why} names file and line,
 * and what would be right.  ${conf} may then hold a part of the file.
 */
enum err MUST_USE conf_read(struct conf *conf, const char *path, char *why,
    size_t size);

/* What conf_write() makes. */
enum conf_form {
    CONF_EFFECTIVE,     /* every option with its value and origin */
    CONF_SAMPLE,        /* every option with its default, commented out */
    CONF_HELP,          /* names, defaults and meanings, for --help */
    CONF_MANUAL         /* vouchd.conf(5), in mdoc */
};

/**
 * conf_write(conf, form, f):
 * Write the options to ${f}.  What CONF_EFFECTIVE and CONF_SAMPLE write,
 * conf_read() reads.
 */
void conf_write(const struct conf *conf, enum conf_form form, FILE *f);

void conf_free(struct conf *conf);

#endif /* !CONF_CONF_H */
