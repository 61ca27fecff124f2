#include "client/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
error_set(struct vouch_error *error, enum vouch_failure failure,
    const char *format, ...)
{
    va_list args;

    memset(error, 0, sizeof(*error));
    error->failure = failure;
    va_start(args, format);
    (void)vsnprintf(error->message, sizeof(error->message), format, args);
    va_end(args);
    return (-1);
}

void
error_next(struct vouch_error *error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(error->next, sizeof(error->next), format, args);
    va_end(args);
}

static const char *
next_step(enum grpc_code code)
{
    switch (code) {
    case GRPC_INVALID_ARGUMENT:
    case GRPC_OUT_OF_RANGE:
        return ("mend what is named above, and ask again");
    case GRPC_NOT_FOUND:
        return ("check what was named; 'vouch association list' shows what is "
            "covered");
    case GRPC_PERMISSION_DENIED:
    case GRPC_UNAUTHENTICATED:
        return ("'vouch whoami' shows the role that the server sees; source "
            "the file or name the context of the right one");
    case GRPC_ALREADY_EXISTS:
    case GRPC_FAILED_PRECONDITION:
        return ("the request does not fit the state of things: see the reason "
            "above");
    case GRPC_RESOURCE_EXHAUSTED:
        return ("ask for less at a time, or again later");
    case GRPC_CANCELLED:
    case GRPC_ABORTED:
    case GRPC_UNAVAILABLE:
        return ("try again in a moment; nothing was changed that was not "
            "acknowledged");
    case GRPC_DEADLINE_EXCEEDED:
        return ("try again, or give more time with --timeout SECONDS");
    case GRPC_UNIMPLEMENTED:
        return ("the server may be of another version than this client, or "
            "no vouchd at all");
    default:
        return ("this is a fault of the server or of what stands before it: "
            "show this to its operator");
    }
}

/* What to do next where the reason says more than the code; or NULL. */
static const char *
reason_step(const char *reason)
{
    static const struct {
        const char *reason, *step;
    } steps[] = {
        {"TOO_MANY_ENDINGS", "nothing was changed: see with --dry-run whether "
            "the file is whole; if all of these have gone, say so with "
            "--expect-endings and their number"},
        {"ENDING_COUNT_DIFFERS", "nothing was changed: see with --dry-run "
            "which they are"},
        {"SNAPSHOT_OLDER", "nothing was changed: publish a newer extract; or "
            "say with --expect-endings how many records this one ends"},
        {"STORAGE_FULL", "nothing was changed: run the same again later; the "
            "server's operator must make room on its disk"},
        {"UPLOAD_INCOMPLETE", "nothing was changed: run it again"},
        {"UPLOAD_NOT_ENDED", "nothing was changed: run it again"},
    };

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        if (strcmp(reason, steps[i].reason) == 0)
            return (steps[i].step);
    return (NULL);
}

int
error_status(struct vouch_error *error, const struct grpc_status *status)
{
    const char *step;

    /* With violations, which say more, the message would say it twice. */
    (void)error_set(error, VOUCH_FAILURE_STATUS, "%s",
        status->nviolations > 0 ? "the request is not valid" :
        status->message[0] != '\0' ? status->message :
        grpc_status_name(status->code));
    error->code = (int)status->code;
    (void)snprintf(error->reason, sizeof(error->reason), "%s",
        status->reason);
    step = reason_step(status->reason);
    if (step == NULL && status->retry_ms > 0)
        error_next(error, "the server asks to try the same again in %.1f s",
            (double)status->retry_ms / 1000);
    else
        error_next(error, "%s", step != NULL ? step :
            next_step(status->code));
    for (size_t i = 0; i < status->nviolations &&
        i < sizeof(error->violations) / sizeof(error->violations[0]); i++) {
        (void)snprintf(error->violations[i].field,
            sizeof(error->violations[i].field), "%s",
            status->violations[i].field);
        (void)snprintf(error->violations[i].description,
            sizeof(error->violations[i].description), "%s",
            status->violations[i].description);
        error->nviolations++;
    }
    return (-1);
}

int
error_nonsense(struct vouch_error *error, const char *message)
{
    struct grpc_status status;

    grpc_status_set(&status, GRPC_INTERNAL, "", "%s", message);
    return (error_status(error, &status));
}

int
error_memory(struct vouch_error *error)
{
    (void)error_set(error, VOUCH_FAILURE_MEMORY, "out of memory");
    error_next(error, "try again when the system has more to give");
    return (-1);
}
