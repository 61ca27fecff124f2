#ifndef DAEMON_ARGUMENTS_H
#define DAEMON_ARGUMENTS_H

/*
 * What the command lines of vouchd have in common: where the settings are
 * from, and how it is said that one is wrong.
 */

#include <stddef.h>

#include "conf/conf.h"

enum { EXIT_USAGE = 2, EXIT_LOST = 3 };

/* Read if nothing else is named. */
#define ARGUMENTS_CONFIG "/etc/vouch/vouchd.conf"

#define ARGUMENTS_SETS 64

/* {0} to begin with. */
struct arguments {
    const char *config;                 /* --config; NULL: not given */
    const char *sets[ARGUMENTS_SETS];   /* --set, in order */
    size_t nsets;
};

/**
 * arguments_usage(what, word):
 * Say on standard error that ${what}${word} is wrong, and where the help is;
 * return EXIT_USAGE.
 */
int arguments_usage(const char *what, const char *word);

/**
 * arguments_set(arguments, text):
 * Note one --set.  Return 0, or EXIT_USAGE after having said why.
 */
int arguments_set(struct arguments *arguments, const char *text);

/**
 * arguments_apply(arguments, usual, conf):
 * Read the file that was named; if ${usual} and nothing was said at all,
 * ARGUMENTS_CONFIG; then what was set.  Return 0, or the exit code after
 * having said why.
 */
int arguments_apply(const struct arguments *arguments, int usual,
    struct conf *conf);

/**
 * arguments_days(text, days):
 * Read a number of days, from 1 to 36500.  Return 0, or EXIT_USAGE after
 * having said why.
 */
int arguments_days(const char *text, int *days);

#endif /* !DAEMON_ARGUMENTS_H */
