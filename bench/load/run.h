#ifndef BENCH_LOAD_RUN_H
#define BENCH_LOAD_RUN_H

/*
 * One measurement: connect, warm up, measure.  One thread, one loop.
 */

#include "bench/load/conn.h"
#include "bench/load/options.h"
#include "bench/load/process.h"

/* What was used from one moment to another. */
struct spent {
    int64_t wall_ns;
    int64_t own_ns;         /* CPU */
    int64_t server_ns;      /* CPU; 0 without --pid */
    int64_t foreign_ns;     /* CPU of anybody else on this machine */
};

struct result {
    struct spent handshakes;    /* of all connections, one after another */
    struct spent measured;
    struct tally tally;         /* of what was measured */
    struct process_memory before, after;    /* of an --idle run */
};

/**
 * run(options, result):
 * Measure as ${options} say.  Ends the program on any failure but an answer
 * that is not the right one: those are in result->tally.
 */
void run(const struct options *options, struct result *result);

#endif /* !BENCH_LOAD_RUN_H */
