#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/command.h"
#include "client/table.h"
#include "proto/grpc_status.h"

static void
print_name(FILE *f, const struct command *c)
{
    if (c != NULL)
        fprintf(f, " %s%s%s", c->noun, c->verb != NULL ? " " : "",
            c->verb != NULL ? c->verb : "");
}

int
bug_error(const struct invocation *run, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "vouch");
    print_name(stderr, run->command);
    fprintf(stderr, ": ");
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n  -> if it happens again, show this to the operator of "
        "the server\n");
    return (VOUCH_EXIT_BUG);
}

int
usage_error(const struct invocation *run, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "vouch");
    print_name(stderr, run->command);
    fprintf(stderr, ": ");
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\nTry 'vouch help");
    print_name(stderr, run->command);
    fprintf(stderr, "'.\n");
    return (VOUCH_EXIT_USAGE);
}

static int
exit_code_of(const struct vouch_error *error)
{
    switch (error->failure) {
    case VOUCH_FAILURE_SETUP:
        return (VOUCH_EXIT_USAGE);
    case VOUCH_FAILURE_UNREACHABLE:
        return (VOUCH_EXIT_UNREACHABLE);
    case VOUCH_FAILURE_REFUSED:
        return (VOUCH_EXIT_NOT_ALLOWED);
    case VOUCH_FAILURE_EVIDENCE:
        return (VOUCH_EXIT_EVIDENCE);
    case VOUCH_FAILURE_STATUS:
        break;
    case VOUCH_FAILURE_NONE:
    case VOUCH_FAILURE_MEMORY:
    default:
        return (VOUCH_EXIT_BUG);
    }
    if (strcmp(error->reason, "STORAGE_FULL") == 0)
        return (VOUCH_EXIT_UNREACHABLE);    /* it is not the request's fault */
    switch ((enum grpc_code)error->code) {
    case GRPC_PERMISSION_DENIED:
    case GRPC_UNAUTHENTICATED:
        return (VOUCH_EXIT_NOT_ALLOWED);
    case GRPC_UNAVAILABLE:
    case GRPC_DEADLINE_EXCEEDED:
    case GRPC_CANCELLED:
        return (VOUCH_EXIT_UNREACHABLE);
    case GRPC_NOT_FOUND:
        return (VOUCH_EXIT_NO_SUCH);
    case GRPC_INVALID_ARGUMENT:
    case GRPC_ALREADY_EXISTS:
    case GRPC_RESOURCE_EXHAUSTED:
    case GRPC_FAILED_PRECONDITION:
    case GRPC_ABORTED:
    case GRPC_OUT_OF_RANGE:
        return (VOUCH_EXIT_REFUSED);
    default:
        return (VOUCH_EXIT_BUG);
    }
}

/* Show a field of a claim with the flag that sets it. */
static void
print_violation(const char *field, const char *description)
{
    static const struct {
        const char *field, *flag;
    } others[] = {{"association_id", "association"},
        {"credential_type_id", "type"}, {"authorization_ref",
        "authorization"}};
    char flag[64], clean[64];
    size_t i;

    table_clean(field, clean, sizeof(clean));
    if (strncmp(field, "claim.", 6) != 0) {
        fprintf(stderr, "  %s%s", clean, clean[0] != '\0' ? " " : "");
        table_put(stderr, description);
        fputc('\n', stderr);
        return;
    }
    (void)snprintf(flag, sizeof(flag), "%s", strrchr(clean, '.') + 1);
    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (strcmp(others[i].field, flag) == 0)
            (void)snprintf(flag, sizeof(flag), "%s", others[i].flag);
    for (i = 0; flag[i] != '\0'; i++)
        flag[i] = flag[i] == '_' ? '-' : flag[i];
    fprintf(stderr, "  --%s (%s) ", flag, clean);
    table_put(stderr, description);
    fputc('\n', stderr);
}

int
report_error(const struct invocation *run, const struct vouch_error *error)
{
    fprintf(stderr, "vouch");
    print_name(stderr, run->command);
    fprintf(stderr, ": ");
    table_put(stderr, error->message);
    if (error->failure == VOUCH_FAILURE_STATUS && error->code != 0) {
        fprintf(stderr, " (%s%s",
            grpc_status_name((enum grpc_code)error->code),
            error->reason[0] != '\0' ? ", " : "");
        table_put(stderr, error->reason);
        fputc(')', stderr);
    }
    fputc('\n', stderr);
    for (size_t i = 0; i < error->nviolations; i++)
        print_violation(error->violations[i].field,
            error->violations[i].description);
    fprintf(stderr, "  -> ");
    table_put(stderr, error->next[0] != '\0' ? error->next :
        "see 'vouch help exit-codes'");
    fputc('\n', stderr);
    return (exit_code_of(error));
}
