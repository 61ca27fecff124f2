#ifndef CLIENT_INPUT_H
#define CLIENT_INPUT_H

/*
 * Reads a file that may be long in coming, as from a pipe, and lets whoever
 * has something else to look after do so meanwhile: a server that asks whether
 * we are still there wants an answer.
 */

#include <stddef.h>
#include <stdint.h>

#include "proto/err.h"

struct input {
    int fd;                         /* borrowed */
    enum err (*look)(void *cookie); /* E_OK: go on */
    void *cookie;
    int64_t looked_us;              /* when that was last done; 0: never */
};

/**
 * input_read(input, p, size, n):
 * Read up to ${size} bytes into ${p}, their number in ${*n}; none is the end.
 * While nothing comes, and else between two reads, ${input}->look() is called
 * about once a second.
 *
 * Fails: E_INVAL (cannot be read; errno says why), or as look().
 */
enum err MUST_USE input_read(struct input *input, uint8_t *p, size_t size,
    size_t *n);

#endif /* !CLIENT_INPUT_H */
