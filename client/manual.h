#ifndef CLIENT_MANUAL_H
#define CLIENT_MANUAL_H

/*
 * vouch(1), from the table of commands: what `vouch help man` writes when the
 * program is built.
 */

#include <stdio.h>

/* Texts of whole lines that the manual shares with the help. */
struct manual_texts {
    const char *exit_codes;
    const char *environment;
};

/**
 * manual_write(texts, f):
 * Write the manual to ${f}, in mdoc.
 */
void manual_write(const struct manual_texts *texts, FILE *f);

#endif /* !CLIENT_MANUAL_H */
