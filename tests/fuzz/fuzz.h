#ifndef TEST_FUZZ_FUZZ_H
#define TEST_FUZZ_FUZZ_H

/*
 * What the fuzz targets share.  A target is one file, fuzz_<name>.c: it is
 * given bytes that libFuzzer made up, and must hold the code to what its
 * header promises, not only see it survive.
 */

#include <stddef.h>
#include <stdint.h>

#include "proto/bytes.h"

/* What libFuzzer calls. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A promise that is not kept ends the program, and the input is kept. */
#define FUZZ_CHECK(promise)                                                 \
    ((promise) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #promise))

_Noreturn void fuzz_fail(const char *file, int line, const char *promise);

/**
 * fuzz_byte(in):
 * Take one byte off the front of ${*in}; 0 if there is none.
 */
uint8_t fuzz_byte(struct slice *in);

/**
 * fuzz_take(in, n):
 * Take ${n} bytes, or what there is, off the front of ${*in}.
 */
struct slice fuzz_take(struct slice *in, size_t n);

/**
 * fuzz_part(in):
 * Take what is in front of the next byte 0xff, and that byte: no text in UTF-8
 * has one.  Without it, everything.
 */
struct slice fuzz_part(struct slice *in);

/**
 * fuzz_own(bytes):
 * Return a copy that is freed by fuzz_disown(), so that reading one byte
 * beyond it, or keeping it for longer than allowed, is noticed.
 */
struct slice fuzz_own(struct slice bytes);
void fuzz_disown(struct slice bytes);

/**
 * fuzz_text(bytes):
 * Return ${bytes} up to the first NUL as a string; free with free().
 */
char *fuzz_text(struct slice bytes);

/* Where to cut: the lengths of pieces, over and over. */
struct fuzz_cuts {
    struct slice plan;
    size_t at;
};

/**
 * fuzz_cuts(in):
 * Take a plan off the front of ${*in}: a byte says how many lengths follow, 15
 * at most; none: no cut.
 */
struct fuzz_cuts fuzz_cuts(struct slice *in);

/**
 * fuzz_piece(cuts, rest):
 * Take the next piece off the front of ${*rest}, which is not empty; it has a
 * byte at least.
 */
struct slice fuzz_piece(struct fuzz_cuts *cuts, struct slice *rest);

/**
 * fuzz_frames(in, out):
 * Append to ${out} the frames of HTTP/2 that ${in} describes: of each a byte
 * for its type, one of flags, one for the stream, one and a half for the
 * length of the payload, and the payload.
 */
void fuzz_frames(struct slice in, struct buf *out);

/**
 * fuzz_is_text(text, size):
 * Return non-zero if ${text} ends within its ${size} bytes, and is UTF-8.
 */
int fuzz_is_text(const char *text, size_t size);

/* A file in a folder of the target's own, both removed when it ends. */
struct fuzz_file {
    char path[300];
    int fd;
};

/**
 * fuzz_file_make(name, file):
 * Make an empty file called ${name} in that folder.
 */
void fuzz_file_make(const char *name, struct fuzz_file *file);

/**
 * fuzz_file_put(file, bytes):
 * Have ${file} hold ${bytes} and nothing else.
 */
void fuzz_file_put(const struct fuzz_file *file, struct slice bytes);

/**
 * fuzz_file_folder(void):
 * Return the path of the folder.
 */
const char *fuzz_file_folder(void);

#endif /* !TEST_FUZZ_FUZZ_H */
