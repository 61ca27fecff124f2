#ifndef BENCH_LOAD_HISTOGRAM_H
#define BENCH_LOAD_HISTOGRAM_H

/*
 * Latencies in buckets whose width grows with the value: 64 to each power of
 * two, so that a percentile is at most 1.6 % too high.  Nanoseconds, up to
 * 2^40 (18 minutes); what is longer counts as that.
 */

#include <stdint.h>

enum {
    HISTOGRAM_SUB_BITS = 6,
    HISTOGRAM_MAX_BITS = 40,
    HISTOGRAM_BUCKETS = (HISTOGRAM_MAX_BITS - HISTOGRAM_SUB_BITS + 1) <<
        HISTOGRAM_SUB_BITS,
};

/* {0} is empty. */
struct histogram {
    uint64_t count, sum, most;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

/**
 * histogram_add(histogram, ns):
 * Count one value.
 */
void histogram_add(struct histogram *histogram, uint64_t ns);

/**
 * histogram_at(histogram, share):
 * Return the value that ${share} of all values (0 to 1) do not exceed: the
 * upper end of its bucket, but never more than the largest; 0 if empty.
 */
uint64_t histogram_at(const struct histogram *histogram, double share);

#endif /* !BENCH_LOAD_HISTOGRAM_H */
