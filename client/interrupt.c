#include "client/interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

static const char *volatile armed;      /* borrowed */

static void
on_signal(int number)
{
    const char *note = armed;

    if (note != NULL)
        (void)!write(STDERR_FILENO, note, strlen(note));
    (void)raise(number);        /* the handler is reset: this ends us */
}

void
interrupt_arm(const char *note)
{
    armed = note;
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        struct sigaction old, ours = {.sa_handler = on_signal,
            .sa_flags = (int)SA_RESETHAND};

        (void)sigemptyset(&ours.sa_mask);
        if (sigaction(signals[i], NULL, &old) == 0 &&
            old.sa_handler != SIG_IGN)
            (void)sigaction(signals[i], &ours, NULL);
    }
}

void
interrupt_disarm(void)
{
    armed = NULL;
}
