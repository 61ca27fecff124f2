#ifndef CLIENT_COMMAND_H
#define CLIENT_COMMAND_H

/*
 * What a command of `vouch` is, and what it is given.
 */

#include <stdio.h>

#include "client/vouch.h"

/* Exit codes are part of the interface: scripts branch on them. */
enum {
    VOUCH_EXIT_YES = 0,             /* YES, or done */
    VOUCH_EXIT_NO = 1,
    VOUCH_EXIT_USAGE = 2,
    VOUCH_EXIT_REVIEW = 3,
    VOUCH_EXIT_NOT_ALLOWED = 4,
    VOUCH_EXIT_UNREACHABLE = 5,
    VOUCH_EXIT_PARTLY = 6,
    VOUCH_EXIT_REFUSED = 7,
    VOUCH_EXIT_NO_SUCH = 8,
    VOUCH_EXIT_EVIDENCE = 9,
    VOUCH_EXIT_BUG = 70
};

/* How results are written to standard output. */
enum output { OUTPUT_TABLE, OUTPUT_JSON, OUTPUT_JSONL, OUTPUT_CSV };

struct flag {
    const char *name;       /* without the two hyphens; NULL ends a list */
    const char *value;      /* what it takes, as in "DATE"; NULL: nothing */
    const char *help;
};

#define FLAGS_MAX 40
#define WORDS_MAX 8         /* of a command that names no greater number */

/* One run of a command. */
struct invocation {
    const struct command *command;
    const char *values[FLAGS_MAX];      /* by place in command->flags */
    const char *const *words;           /* what is not a flag */
    size_t nwords;
    enum output output;
    int quiet;
    struct vouch_options options;       /* server and files, resolved */
    const char *trust;                  /* trust file, if the command has that
                                         * flag; NULL: none is known */
    const char *root_key;               /* its root key's id, likewise */
};

struct command {
    const char *noun;
    const char *verb;       /* NULL: the noun is the whole command */
    const char *args;       /* for the usage line */
    const char *help;       /* one line, imperative */
    const char *about;      /* whole lines, for the help; may be NULL */
    const char *example;    /* whole lines */
    const struct flag *flags;
    size_t least, most;     /* words */
    int offline;            /* needs no server */
    int (*run)(const struct invocation *run);
};

/* All commands, in the order of the help; ends with a NULL noun. */
extern const struct command commands[];

/* Flags that every command takes. */
extern const struct flag common_flags[];

/**
 * flag_value(run, name):
 * Return what --${name} was given, "" for one that takes nothing, or NULL if
 * it was not there.
 */
const char *flag_value(const struct invocation *run, const char *name);

/**
 * flag_number(run, name, number) and flag_time(run, name, time_us):
 * Read the value of --${name}, a whole number that is not negative or an RFC
 * 3339 time; what they point at stays as it is if it was not there.  Return 0,
 * or an exit code after having said why.
 */
int flag_number(const struct invocation *run, const char *name,
    int64_t *number);
int flag_time(const struct invocation *run, const char *name,
    int64_t *time_us);

/**
 * report_error(run, error):
 * Say on standard error what happened and what to do; return the exit code
 * that it means.
 */
int report_error(const struct invocation *run,
    const struct vouch_error *error);

/**
 * bug_error(run, format, ...):
 * Say what must not happen and did; return VOUCH_EXIT_BUG.
 */
int bug_error(const struct invocation *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/**
 * usage_error(run, format, ...):
 * Say what is wrong with the command line and where its help is; return
 * VOUCH_EXIT_USAGE.
 */
int usage_error(const struct invocation *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The commands, each in a file of its own. */
int cmd_verify(const struct invocation *run);
int cmd_receipt_verify(const struct invocation *run);
int cmd_receipt_show(const struct invocation *run);
int cmd_receipt_redact(const struct invocation *run);
int cmd_receipt_export(const struct invocation *run);
int cmd_publish(const struct invocation *run);
int cmd_publication_show(const struct invocation *run);
int cmd_publication_list(const struct invocation *run);
int cmd_check_openings(const struct invocation *run);
int cmd_event_list(const struct invocation *run);
int cmd_declare_current(const struct invocation *run);
int cmd_association_list(const struct invocation *run);
int cmd_association_show(const struct invocation *run);
int cmd_credential_type_list(const struct invocation *run);
int cmd_catalog_check(const struct invocation *run);
int cmd_access_deny(const struct invocation *run);
int cmd_key_rotate(const struct invocation *run);
int cmd_whoami(const struct invocation *run);
int cmd_health(const struct invocation *run);
int cmd_help(const struct invocation *run);

extern const struct flag verify_flags[];
extern const struct flag receipt_verify_flags[];
extern const struct flag receipt_show_flags[];
extern const struct flag receipt_redact_flags[];
extern const struct flag receipt_export_flags[];
extern const struct flag publish_flags[];
extern const struct flag publication_list_flags[];
extern const struct flag check_openings_flags[];
extern const struct flag event_list_flags[];
extern const struct flag declare_current_flags[];
extern const struct flag credential_type_flags[];
extern const struct flag access_deny_flags[];
extern const struct flag key_rotate_flags[];

#endif /* !CLIENT_COMMAND_H */
