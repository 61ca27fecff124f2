#ifndef BENCH_LOAD_REPORT_H
#define BENCH_LOAD_REPORT_H

/*
 * A measurement in words: for people, and as a line of JSON.
 */

#include <stdio.h>

#include "bench/load/options.h"
#include "bench/load/run.h"

/**
 * report_table(options, result, f):
 * Write ${result} to ${f} as a table of a few lines.
 */
void report_table(const struct options *options, const struct result *result,
    FILE *f);

/**
 * report_json(options, result, f):
 * Write ${result} to ${f} as one line of JSON; times in microseconds, memory
 * in bytes, CPU times a request or a handshake, foreign CPU in cores.
 */
void report_json(const struct options *options, const struct result *result,
    FILE *f);

/**
 * report_errors(result):
 * Return how many answers were not the right ones.
 */
uint64_t report_errors(const struct result *result);

#endif /* !BENCH_LOAD_REPORT_H */
