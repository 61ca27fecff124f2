#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/command.h"
#include "client/json.h"
#include "client/table.h"
#include "vouch/v1/access_service.pb-c.h"

const struct flag key_rotate_flags[] = {
    {"expect", "ID", "the key that is thought to be in use: if it is another,\n"
        "nothing is done"},
    {"pending", "FILE", "write the public half of the key that was made to "
        "FILE,\nwhich must not be there"},
    {NULL, NULL, NULL},
};

static int
file_fault(const char *path)
{
    fprintf(stderr, "vouch: %s: %s\n", path, strerror(errno));
    return (VOUCH_EXIT_USAGE);
}

/* Before anything is asked: afterwards there is no way back. */
static int
open_pending(const struct invocation *run, int *fd)
{
    const char *path = flag_value(run, "pending");

    *fd = -1;
    if (path != NULL && (*fd = open(path,
        O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)) < 0)
        return (file_fault(path));
    return (0);
}

static int
write_pending(const struct invocation *run, int fd, const char *pem)
{
    const char *path = flag_value(run, "pending");
    size_t left = strlen(pem);

    while (left > 0) {
        ssize_t n = write(fd, pem, left);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            (void)file_fault(path);
            fprintf(stderr, "vouch: the keys were rotated; the public half "
                "is:\n%s", pem);
            return (VOUCH_EXIT_PARTLY);
        }
        pem += n;
        left -= (size_t)n;
    }
    return (0);
}

static void
print_line(const char *label, const char *text)
{
    printf("%-13s", label);
    table_put(stdout, text);
    putchar('\n');
}

static void
print_table(const struct invocation *run,
    const Vouch__V1__RotateKeyResponse *response)
{
    const char *file = flag_value(run, "pending");
    char left[24];

    (void)snprintf(left, sizeof(left), "%" PRId32, response->listed_next);
    print_line("in use", response->current_key_id);
    print_line("before", response->previous_key_id);
    if (!response->previous_wiped)
        printf("%-13sITS PRIVATE HALF IS STILL THERE: the server's log says "
            "why; remove it by hand\n", "");
    print_line("made", response->pending_key_id);
    print_line("listed next", left);
    if (run->quiet)
        return;
    printf("\nNext, where the root key is:\n"
        "  vouchd trust add --use seal --public-key %s --trust FILE "
        "--root-key FILE\n", file != NULL ? file : "FILE");
    if (file == NULL)
        printf("with FILE of this:\n%s", response->pending_public_key);
}

static int
print_rotated(const struct invocation *run,
    const Vouch__V1__RotateKeyResponse *response)
{
    static const char *const columns[] = {"current_key_id", "previous_key_id",
        "previous_wiped", "pending_key_id", "listed_next"};
    char left[24];

    if (run->output == OUTPUT_JSON || run->output == OUTPUT_JSONL)
        return (json_print(stdout, &response->base,
            run->output == OUTPUT_JSONL));
    if (run->output == OUTPUT_TABLE) {
        print_table(run, response);
        return (0);
    }
    (void)snprintf(left, sizeof(left), "%" PRId32, response->listed_next);
    return (table_print_one(columns, (const char *const[]){
        response->current_key_id, response->previous_key_id,
        response->previous_wiped ? "true" : "false", response->pending_key_id,
        left}, 5));
}

static int
tell(const struct invocation *run, int fd,
    const Vouch__V1__RotateKeyResponse *response)
{
    int status = 0;

    if (fd != -1)
        status = write_pending(run, fd, response->pending_public_key);
    if (print_rotated(run, response) != 0)
        return (bug_error(run, "out of memory"));
    return (status);
}

int
cmd_key_rotate(const struct invocation *run)
{
    Vouch__V1__RotateKeyRequest request = VOUCH__V1__ROTATE_KEY_REQUEST__INIT;
    Vouch__V1__RotateKeyResponse *response = NULL;
    const char *expected = flag_value(run, "expect");
    struct vouch *vouch = NULL;
    struct vouch_error error;
    int status, fd;

    if ((status = open_pending(run, &fd)) != 0)
        return (status);
    if (expected != NULL)
        request.expected_key_id = (char *)(uintptr_t)expected;
    if (vouch_open(&run->options, &vouch, &error) != 0 ||
        vouch_call(vouch, "vouch.v1.AccessService/RotateKey", &request.base,
            &vouch__v1__rotate_key_response__descriptor,
            (ProtobufCMessage **)&response, &error) != 0) {
        status = report_error(run, &error);
        if (fd != -1)
            (void)unlink(flag_value(run, "pending"));
    } else
        status = tell(run, fd, response);
    if (fd != -1 && close(fd) != 0 && status == 0)
        status = file_fault(flag_value(run, "pending"));
    if (response != NULL)
        vouch_free_message(&response->base);
    vouch_close(vouch);
    return (status);
}
