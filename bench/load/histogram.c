#include "bench/load/histogram.h"

#define SUB ((uint64_t)1 << HISTOGRAM_SUB_BITS)
#define TOP (((uint64_t)1 << HISTOGRAM_MAX_BITS) - 1)

/* Values below 2 * SUB have a bucket each; above, the leading bits choose. */
static unsigned
bucket_of(uint64_t ns)
{
    unsigned shift = 0;

    if (ns >= 2 * SUB)
        shift = 63 - (unsigned)__builtin_clzll(ns) - HISTOGRAM_SUB_BITS;
    return ((unsigned)(shift * SUB + (ns >> shift)));
}

/* The largest value that falls into it. */
static uint64_t
bucket_end(unsigned bucket)
{
    unsigned shift = bucket < 2 * SUB ? 0 :
        (unsigned)(bucket / SUB) - 1;
    uint64_t lead = bucket - shift * SUB;

    return (((lead + 1) << shift) - 1);
}

void
histogram_add(struct histogram *histogram, uint64_t ns)
{
    if (ns > TOP)
        ns = TOP;
    histogram->count++;
    histogram->sum += ns;
    if (ns > histogram->most)
        histogram->most = ns;
    histogram->buckets[bucket_of(ns)]++;
}

uint64_t
histogram_at(const struct histogram *histogram, double share)
{
    uint64_t seen = 0, end;
    double wanted = share * (double)histogram->count;

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen > 0 && (double)seen >= wanted) {
            end = bucket_end(i);
            return (end < histogram->most ? end : histogram->most);
        }
    }
    return (histogram->most);
}
