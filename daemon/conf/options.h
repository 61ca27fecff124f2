#ifndef CONF_OPTIONS_H
#define CONF_OPTIONS_H

/*
 * The table of options, as the files of this folder share it.
 */

#include "conf/conf.h"

struct conf_option {
    const char *name;           /* "listen.port", or "workers" */
    size_t offset;              /* in struct conf */
    const char *text;           /* default of a text; NULL: a number */
    const char *words;          /* those allowed, by blanks; NULL: any */
    long long number;           /* default of a number */
    long long least;
    long long most;
    const char *help;
};

/* Options of one block stand together. */
extern const struct conf_option conf_options[];
extern const size_t conf_option_count;

/**
 * conf_value(conf, i, text, size):
 * Write the value of option ${i} into ${text}.
 */
void conf_value(const struct conf *conf, size_t i, char *text, size_t size);

/**
 * conf_origin(conf, i):
 * Return where the value of option ${i} is from; "default" if from the table.
 */
const char *conf_origin(const struct conf *conf, size_t i);

/**
 * conf_block(name, block, size):
 * Write the block that the option ${name} stands in, "" if in none; return
 * what it is called there.
 */
const char *conf_block(const char *name, char *block, size_t size);

#endif /* !CONF_OPTIONS_H */
