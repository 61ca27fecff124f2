#ifndef CLIENT_COMMAND_LINE_H
#define CLIENT_COMMAND_LINE_H

/*
 * The words of a command line, sorted: which command, which flags with which
 * values, and the rest.  Flags and other words may come in any order; `--`
 * ends the flags.
 */

#include "client/command.h"

struct command_line {
    struct invocation run;
    const char *common[16];     /* values, by place in common_flags */
};

/**
 * command_line_parse(line, argc, argv):
 * Read what follows the program's name; ${argc} must not be 0.  Returns 0, or
 * an exit code after having said what is wrong.
 */
int command_line_parse(struct command_line *line, int argc, char *argv[]);

/**
 * command_line_common(line, name):
 * As flag_value(), for a flag that every command takes.
 */
const char *command_line_common(const struct command_line *line,
    const char *name);

#endif /* !CLIENT_COMMAND_LINE_H */
