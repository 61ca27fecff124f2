#include <inttypes.h>
#include <stdio.h>

#include "client/command.h"
#include "client/json.h"
#include "client/table.h"
#include "vouch/v1/access_service.pb-c.h"

const struct flag access_deny_flags[] = {
    {"identity", "URI", "every certificate with it: "
        "spiffe://DOMAIN/ROLE/ID"},
    {"serial", "HEX", "one certificate, by its serial number; with --role"},
    {"role", "ROLE", "whose CA it is from: employer, association, auditor or\n"
        "admin"},
    {"key-sha256", "HEX", "every certificate with that public key"},
    {"reason", "TEXT", "why, for whoever reads the list; no personal data"},
    {NULL, NULL, NULL},
};

static char *
value_of(const struct invocation *run, const char *name)
{
    const char *value = flag_value(run, name);

    return ((char *)(uintptr_t)(value == NULL ? "" : value));
}

static int
check_flags(const struct invocation *run)
{
    int given = (flag_value(run, "identity") != NULL) +
        (flag_value(run, "serial") != NULL) +
        (flag_value(run, "key-sha256") != NULL);

    if (given != 1)
        return (usage_error(run, "it takes one of --identity, --serial and "
            "--key-sha256"));
    if ((flag_value(run, "serial") != NULL) !=
        (flag_value(run, "role") != NULL))
        return (usage_error(run, "--serial and --role belong together"));
    return (0);
}

static int
print_denied(const struct invocation *run,
    const Vouch__V1__DenyIdentityResponse *response)
{
    static const char *const columns[] = {"entry", "added",
        "connections_ended"};
    char ended[24];

    if (run->output == OUTPUT_JSON || run->output == OUTPUT_JSONL)
        return (json_print(stdout, &response->base,
            run->output == OUTPUT_JSONL));
    (void)snprintf(ended, sizeof(ended), "%" PRId32,
        response->connections_ended);
    if (run->output == OUTPUT_CSV)
        return (table_print_one(columns, (const char *const[]){
            response->entry, response->added ? "true" : "false", ended}, 3));
    printf("denied: ");
    table_put(stdout, response->entry);
    printf("%s; connections ended: %s\n",
        response->added ? "" : " (as before)", ended);
    return (0);
}

int
cmd_access_deny(const struct invocation *run)
{
    Vouch__V1__DenyIdentityRequest request =
        VOUCH__V1__DENY_IDENTITY_REQUEST__INIT;
    Vouch__V1__DenyIdentityResponse *response = NULL;
    struct vouch *vouch = NULL;
    struct vouch_error error;
    int status;

    if ((status = check_flags(run)) != 0)
        return (status);
    request.identity = value_of(run, "identity");
    request.serial = value_of(run, "serial");
    request.role = value_of(run, "role");
    request.key_sha256 = value_of(run, "key-sha256");
    request.reason = value_of(run, "reason");
    if (vouch_open(&run->options, &vouch, &error) != 0 ||
        vouch_call(vouch, "vouch.v1.AccessService/DenyIdentity",
            &request.base, &vouch__v1__deny_identity_response__descriptor,
            (ProtobufCMessage **)&response, &error) != 0)
        status = report_error(run, &error);
    else if (print_denied(run, response) != 0)
        status = bug_error(run, "out of memory");
    if (response != NULL)
        vouch_free_message(&response->base);
    vouch_close(vouch);
    return (status);
}
