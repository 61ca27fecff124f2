#include "client/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "client/clock.h"

#define FIRST_US 500000
#define TERMINAL_US 100000
#define PLAIN_US 10000000

void
progress_begin(struct progress *p, const char *what, int quiet)
{
    *p = (struct progress){.what = what, .quiet = quiet,
        .terminal = isatty(STDERR_FILENO), .began_us = clock_us()};
    p->last_us = p->began_us + FIRST_US -
        (p->terminal ? TERMINAL_US : PLAIN_US);
}

void
progress_show(struct progress *p, int64_t done, int64_t rejected, double part)
{
    int64_t now = clock_us();
    double seconds = (double)(now - p->began_us) / 1e6;

    if (p->quiet || now - p->last_us < (p->terminal ? TERMINAL_US : PLAIN_US))
        return;
    p->last_us = now;
    p->shown = 1;
    fprintf(stderr, "%s%" PRId64 " %s", p->terminal ? "\r\033[K" : "", done,
        p->what);
    if (rejected > 0)
        fprintf(stderr, ", %" PRId64 " rejected", rejected);
    fprintf(stderr, ", %.0f/s", (double)done / seconds);
    if (part > 0.001)
        fprintf(stderr, ", %.0f %%, %.0f s left", part * 100,
            seconds / part - seconds);
    if (!p->terminal)
        fputc('\n', stderr);
    (void)fflush(stderr);
}

double
progress_end(struct progress *p)
{
    if (p->shown && p->terminal)
        fprintf(stderr, "\r\033[K");
    return ((double)(clock_us() - p->began_us) / 1e6);
}
