#ifndef CLIENT_COMMAND_LINE_H
#define CLIENT_COMMAND_LINE_H

/*
 * The words of a command line, sorted: which command, which flags with which
 * values, and the rest.  Flags and other words may come in any order, but a
 * command's own flags behind the command; `--` ends the flags.  A flag's value
 * follows it, or an equal sign: one that begins with two hyphens must do the
 * latter.
 */

#include "client/command.h"

struct command_line {
    struct invocation run;
    const char *common[16];     /* values, by place in common_flags */
    const char *noun;           /* of a command whose verb has not come yet */
    const char **words;         /* those of ${run}; in argv */
    const char *help[2];        /* or here */
};

/**
 * command_line_parse(line, argc, argv):
 * Read what follows the program's name into ${line}, which must be {0}, stays
 * where it is, and borrows from ${argv}, whose order this changes.  With
 * --help it becomes the command `help` on what was named.  Returns 0, or an
 * exit code after having said what is wrong.
 */
int command_line_parse(struct command_line *line, int argc, char *argv[]);

/**
 * command_line_common(line, name):
 * As flag_value(), for a flag that every command takes.
 */
const char *command_line_common(const struct command_line *line,
    const char *name);

#endif /* !CLIENT_COMMAND_LINE_H */
