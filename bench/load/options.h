#ifndef BENCH_LOAD_OPTIONS_H
#define BENCH_LOAD_OPTIONS_H

/*
 * What the load generator is told to do.  An option is one row of
 * OPTIONS_LIST: from it derive the field, the reader and the help.
 */

#include <stdint.h>

/*
 * TEXT(field, name, default, help)
 * NUMBER(field, name, default, least, most, help)
 */
#define OPTIONS_LIST(TEXT, NUMBER)                                            \
    TEXT(server, "server", NULL,                                              \
        "numeric address and port, as in 127.0.0.1:8443")                     \
    TEXT(ca, "ca", NULL, "PEM file: the server's root certificate")           \
    TEXT(cert, "cert", NULL, "PEM file: our certificate and its issuers")     \
    TEXT(key, "key", NULL, "PEM file: its private key")                       \
    TEXT(get, "get", NULL, "GET this path, instead of asking")                \
    TEXT(method, "method",                                                    \
        "/vouch.v1.VerificationService/VerifyCredential",                     \
        "gRPC method that bodies are sent to")                                \
    TEXT(bodies, "bodies", NULL,                                              \
        "file of gRPC messages (five-byte prefix each) to send in turn, "     \
        "instead of claims")                                                  \
    NUMBER(records, "records", 1000000, 1, 100000000,                         \
        "how many generated records the claims are about")                    \
    NUMBER(seed, "seed", 1, 0, 1000000000, "what the claims are drawn with")  \
    NUMBER(connections, "connections", 1, 1, 20000, "connections")            \
    NUMBER(streams, "streams", 1, 1, 1000,                                    \
        "requests at a time on each connection")                              \
    NUMBER(warm_ms, "warm-ms", 1000, 0, 600000,                               \
        "time that is not measured, before the rest")                         \
    NUMBER(measure_ms, "measure-ms", 4000, 1, 600000, "time measured")        \
    NUMBER(warm_requests, "warm-requests", 0, 0, 100000000,                   \
        "requests before the rest, if --requests is given")                   \
    NUMBER(requests, "requests", 0, 0, 100000000,                             \
        "measure so many requests; 0: go by time")                            \
    NUMBER(limit_ms, "limit-ms", 900000, 1, 3600000,                          \
        "give up after this time, whatever was to be done")                   \
    NUMBER(pid, "pid", 0, 0, 1000000000,                                      \
        "the server's process, to measure its CPU time and memory; 0: none")  \
    NUMBER(idle, "idle", 0, 0, 1,                                             \
        "1: one request on each connection, then measure memory")             \
    NUMBER(hold, "hold", 0, 0, 1,                                             \
        "1: print 'warm' and 'done', and wait for a line after each")         \
    TEXT(label, "label", "load", "what the output calls this measurement")    \
    TEXT(json, "json", NULL, "file to which a line of JSON is added")

struct options {
#define TEXT(field, name, value, help) const char *field;
#define NUMBER(field, name, value, least, most, help) int64_t field;
    OPTIONS_LIST(TEXT, NUMBER)
#undef TEXT
#undef NUMBER
};

/**
 * options_read(options, argc, argv):
 * Read the command line, --NAME VALUE or --NAME=VALUE.  Ends the program with
 * the reason if it cannot be meant, and after --help.  The texts are borrowed
 * from ${argv}.
 */
void options_read(struct options *options, int argc, char *argv[]);

#endif /* !BENCH_LOAD_OPTIONS_H */
