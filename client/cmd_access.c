#include <inttypes.h>
#include <stdio.h>

#include "client/command.h"
#include "client/json.h"
#include "client/table.h"
#include "grpc/health/v1/health.pb-c.h"
#include "proto/civil.h"
#include "vouch/v1/access_service.pb-c.h"

static void
line(const char *label, const char *text)
{
    printf("%-13s", label);
    table_put(stdout, text);
    putchar('\n');
}

static void
print_who(const Vouch__V1__WhoAmIResponse *who)
{
    char until[CIVIL_TIME_TEXT];

    civil_format_time(who->certificate_not_after_us, 0, until);
    line("role", who->role);
    line("id", who->id);
    line("uri", who->uri);
    line("certificate", who->certificate_serial);
    line("key SHA-256", who->certificate_key_sha256);
    line("valid until", until);
    for (size_t i = 0; i < who->n_methods; i++)
        line(i == 0 ? "may call" : "", who->methods[i]);
}

static int
print_who_csv(const Vouch__V1__WhoAmIResponse *who)
{
    static const char *const columns[] = {"role", "id", "uri", "serial",
        "not_after"};
    char until[CIVIL_TIME_TEXT];

    civil_format_time(who->certificate_not_after_us, 0, until);
    return (table_print_one(columns, (const char *const[]){who->role,
        who->id, who->uri, who->certificate_serial, until}, 5));
}

int
cmd_whoami(const struct invocation *run)
{
    Vouch__V1__WhoAmIRequest request = VOUCH__V1__WHO_AM_IREQUEST__INIT;
    ProtobufCMessage *response = NULL;
    struct vouch *vouch = NULL;
    struct vouch_error error;
    int status = VOUCH_EXIT_YES;

    if (vouch_open(&run->options, &vouch, &error) != 0 ||
        vouch_call(vouch, "vouch.v1.AccessService/WhoAmI", &request.base,
            &vouch__v1__who_am_iresponse__descriptor, &response,
            &error) != 0)
        status = report_error(run, &error);
    else if (run->output == OUTPUT_TABLE)
        print_who((const Vouch__V1__WhoAmIResponse *)response);
    else if ((run->output == OUTPUT_CSV ?
        print_who_csv((const Vouch__V1__WhoAmIResponse *)response) :
        json_print(stdout, response, run->output == OUTPUT_JSONL)) != 0)
        status = bug_error(run, "out of memory");
    vouch_free_message(response);
    vouch_close(vouch);
    return (status);
}

static int
print_health(const struct invocation *run,
    const Grpc__Health__V1__HealthCheckResponse *health, int serving)
{
    static const char *const columns[] = {"status"};
    const char *word = serving ? "SERVING" : "NOT_SERVING";

    if (run->output == OUTPUT_JSON || run->output == OUTPUT_JSONL)
        return (json_print(stdout, &health->base,
            run->output == OUTPUT_JSONL));
    if (run->output == OUTPUT_CSV)
        return (table_print_one(columns, &word, 1));
    puts(word);
    return (0);
}

int
cmd_health(const struct invocation *run)
{
    Grpc__Health__V1__HealthCheckRequest request =
        GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    Grpc__Health__V1__HealthCheckResponse *health = NULL;
    struct vouch *vouch = NULL;
    struct vouch_error error;
    int status, serving;

    if (run->nwords > 0)
        request.service = (char *)(uintptr_t)run->words[0];
    if (vouch_open(&run->options, &vouch, &error) != 0 ||
        vouch_call(vouch, "grpc.health.v1.Health/Check", &request.base,
            &grpc__health__v1__health_check_response__descriptor,
            (ProtobufCMessage **)&health, &error) != 0) {
        status = report_error(run, &error);
        goto out;
    }
    serving = health->status ==
        GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
    status = print_health(run, health, serving) != 0 ?
        bug_error(run, "out of memory") :
        serving ? VOUCH_EXIT_YES : VOUCH_EXIT_UNREACHABLE;

out:
    if (health != NULL)
        vouch_free_message(&health->base);
    vouch_close(vouch);
    return (status);
}
