#ifndef BENCH_LOAD_BODY_H
#define BENCH_LOAD_BODY_H

/*
 * What is sent: claims about generated records, or messages out of a file.
 */

#include <stddef.h>
#include <stdint.h>

/* Opaque types. */
struct body_source;

/* Room for one claim, with its prefix. */
#define BODY_CLAIM 256

/* What the answer must say. */
enum body_verdict {
    BODY_ANY = -1, BODY_NO_MATCH = 2, BODY_CONFIRMED = 6
};

struct body {
    const uint8_t *p;
    size_t n;
    enum body_verdict verdict;
    uint8_t claim[BODY_CLAIM];
};

/**
 * body_open(file, records, seed):
 * Make a source of the messages in ${file}, or, if it is NULL, of claims about
 * ${records} records.  Ends the program if the file cannot be read or is not
 * of whole messages.  The caller owns it; free with body_close().
 */
struct body_source *body_open(const char *file, uint32_t records,
    uint64_t seed);

/**
 * body_next(source, body):
 * Put the next message, with its prefix, into ${body}.  Its bytes are borrowed
 * from ${body} itself or from ${source}.
 */
void body_next(struct body_source *source, struct body *body);

/**
 * body_verdict_of(bytes, n):
 * Return the verdict in the first ${n} bytes of a VerifyCredentialResponse
 * with its prefix; 0 if there is none in them.
 */
int body_verdict_of(const uint8_t *bytes, size_t n);

void body_close(struct body_source *source);

#endif /* !BENCH_LOAD_BODY_H */
