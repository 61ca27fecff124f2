#ifndef TEST_FAULT_SWEEP_H
#define TEST_FAULT_SWEEP_H

/*
 * The sweep as such: which points of a path are tried, and what was found.
 */

#include <openssl/ssl.h>

#include "fault/asker.h"
#include "fault/host.h"
#include "fault/memory.h"

enum who { WHO_EMPLOYER, WHO_ASSOCIATION, WHO_AUDITOR, WHO_ADMIN, WHO_COUNT };

struct sweep {
    struct host host;
    SSL_CTX *ctx[WHO_COUNT];
    struct asker asker[WHO_COUNT];
    unsigned long serial;       /* of the last upload or declaration */
    unsigned long restarts;     /* because the store had given up */
    unsigned long uploads;      /* that must be there */

    /* What is wanted. */
    int full;                   /* every point, not a sample */
    long limit;                 /* points of a path and mode; 0: its own */
    const char *only;           /* name of the one path; NULL: all */
    long point;                 /* the one point; -1: all */
    long from;                  /* none of a path before it */
    int mode;                   /* the one mode; -1: both */

    /* Where we are, and what came of it. */
    const char *path;
    long at;                    /* -1: nothing fails, allocations counted */
    enum memory_mode as;
    long points, total;
    long problems;
};

/* What is done at each point: 1 if an allocation failed there. */
typedef int sweep_fn(struct sweep *sweep, const void *cookie);

/**
 * sweep_path(sweep, name, asked, limit, fn, cookie):
 * Try the points of a path that asked for memory ${asked} times when it was
 * counted: unless sweep->full, no more than ${limit} of all in each mode, and
 * as many again of those that our own code asks for.
 */
void sweep_path(struct sweep *sweep, const char *name, long asked, long limit,
    sweep_fn *fn, const void *cookie);

/* Is that path wanted? */
int sweep_wants(const struct sweep *sweep, const char *name);

/* Arm memory for the present point. */
void sweep_arm(const struct sweep *sweep);

/* Something is wrong at the present point. */
void sweep_problem(struct sweep *sweep, const char *format, ...)
    PRINTF_LIKE(2, 3);

/**
 * sweep_up(sweep), sweep_down(sweep):
 * Start the daemon where it was, and end it, while there is memory; the
 * program ends if that fails.
 */
void sweep_up(struct sweep *sweep);
void sweep_down(struct sweep *sweep);

/* Nothing may be leaked; the daemon is down. */
void sweep_leaks(struct sweep *sweep);

/**
 * sweep_asker(sweep, who):
 * Return a connection as ${who}, made anew if there is none; the program ends
 * if that fails.
 */
struct asker *sweep_asker(struct sweep *sweep, enum who who);

enum who sweep_who(const char *certificate);

/**
 * sweep_ask(sweep, who, method, request, reply):
 * Ask while there is memory: nothing but an answer will do.  Return its code,
 * -1 having noted the problem.
 */
int sweep_ask(struct sweep *sweep, enum who who, const char *method,
    struct slice request, struct reply *reply);

/**
 * sweep_ask_at_point(sweep, who, method, request, watch, reply):
 * Ask while memory fails as the present point says.  Return whether it did.
 */
int sweep_ask_at_point(struct sweep *sweep, enum who who, const char *method,
    struct slice request, int watch, struct reply *reply);

/**
 * sweep_is_refusal(code):
 * May a failure for want of memory be told so?
 */
int sweep_is_refusal(int code);

/* sweep_start.c: start, drain, handshake; sweep_write.c: what is kept. */
void sweep_starts(struct sweep *sweep);
void sweep_handshakes(struct sweep *sweep);
void sweep_drains(struct sweep *sweep);
void sweep_publications(struct sweep *sweep);
void sweep_declarations(struct sweep *sweep);

#endif /* !TEST_FAULT_SWEEP_H */
