#include "service/service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/descriptors.h"
#include "service/job.h"
#include "service/log_tree.h"
#include "service/page_token.h"
#include "support/fault.h"
#include "support/service_rig.h"

#include "grpc/health/v1/health.pb-c.h"
#include "grpc/reflection/v1/reflection.pb-c.h"
#include "grpc/reflection/v1alpha/reflection.pb-c.h"
#include "vouch/v1/access_service.pb-c.h"
#include "vouch/v1/catalog_service.pb-c.h"

#define WHO_AM_I "/vouch.v1.AccessService/WhoAmI"
#define GET "/vouch.v1.CatalogService/GetAssociation"
#define LIST "/vouch.v1.CatalogService/ListAssociations"
#define TYPES "/vouch.v1.CatalogService/ListCredentialTypes"
#define CHECK "/grpc.health.v1.Health/Check"
#define HEALTH_LIST "/grpc.health.v1.Health/List"
#define WATCH "/grpc.health.v1.Health/Watch"
#define V1 "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
#define V1ALPHA "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"

typedef Grpc__Health__V1__HealthCheckResponse health_t;
typedef Grpc__Reflection__V1__ServerReflectionResponse answer_t;

#define HEALTH(x) GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__##x
#define ASKED(x) GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##x
#define ANSWERED(x) GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##x

static int
setup(void **state)
{
    struct service_rig *rig = calloc(1, sizeof(*rig));

    assert_non_null(rig);
    rig_open(rig, ROLE_EMPLOYER, "clinic");
    *state = rig;
    return (0);
}

static int
teardown(void **state)
{
    struct service_rig *rig = *state;

    rig_close(rig);
    free(rig);
    return (0);
}

/* ---- the table of methods --------------------------------------------- */

static void
methods_are_sorted_and_found(void **state)
{
    const struct method *methods;
    size_t n;

    (void)state;
    methods = method_all(&n);
    assert_true(n > 10);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            assert_true(strcmp(methods[i - 1].path, methods[i].path) < 0);
        assert_ptr_equal(method_find(slice_of(methods[i].path)),
            &methods[i]);
        assert_non_null(methods[i].ops);
        assert_non_null(methods[i].request);
        assert_true(methods[i].roles != 0);
    }
    assert_null(method_find(slice_of("/vouch.v1.AccessService/WhoAm")));
    assert_null(method_find(slice_of("/vouch.v1.AccessService/WhoAmIs")));
    assert_null(method_find((struct slice){0}));
    assert_string_equal(method_nearest(slice_of(
        "/vouch.v1.CatalogService/GetAsociation")), GET);
    assert_string_equal(method_nearest(slice_of(
        "/vouch.v1.accessservice/whoami")), WHO_AM_I);
    assert_non_null(method_nearest((struct slice){0}));
}

/* And those may be read by every role: nothing in them is secret. */
static void
only_public_answers_are_compressed(void **state)
{
    static const char *const public[] = {
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        "/vouch.v1.CatalogService/GetAssociation",
        "/vouch.v1.CatalogService/ListAssociations",
        "/vouch.v1.CatalogService/ListCredentialTypes"};
    const struct method *methods;
    size_t n, i, k = 0;

    (void)state;
    methods = method_all(&n);
    for (i = 0; i < n; i++) {
        if (!methods[i].compress)
            continue;
        assert_true(k < sizeof(public) / sizeof(public[0]));
        assert_string_equal(methods[i].path, public[k++]);
        assert_int_equal(methods[i].roles, ROLE_ANY);
    }
    assert_int_equal(k, sizeof(public) / sizeof(public[0]));
}

static unsigned
roles_of(const char *path)
{
    const struct method *method = method_find(slice_of(path));

    assert_non_null(method);
    return (method->roles);
}

static void
only_the_right_roles_may_call(void **state)
{
    (void)state;
    assert_int_equal(roles_of(
        "/vouch.v1.VerificationService/VerifyCredential"),
        ROLE_BIT(ROLE_EMPLOYER) | ROLE_BIT(ROLE_AUDITOR));
    assert_int_equal(roles_of(
        "/vouch.v1.PublishingService/PublishCredentials"),
        ROLE_BIT(ROLE_ASSOCIATION));
    assert_int_equal(roles_of("/vouch.v1.PublishingService/DeclareCurrent"),
        ROLE_BIT(ROLE_ASSOCIATION));
    assert_int_equal(roles_of("/vouch.v1.PublishingService/GetPublication"),
        ROLE_BIT(ROLE_ASSOCIATION) | ROLE_BIT(ROLE_AUDITOR));
    assert_int_equal(roles_of(
        "/vouch.v1.PublishingService/ListPublications"),
        ROLE_BIT(ROLE_ASSOCIATION) | ROLE_BIT(ROLE_AUDITOR));
    assert_int_equal(roles_of("/vouch.v1.PublishingService/ListEvents"),
        ROLE_BIT(ROLE_ASSOCIATION));
    assert_int_equal(roles_of(GET), ROLE_ANY);
    assert_int_equal(roles_of(WHO_AM_I), ROLE_ANY);
    assert_int_equal(roles_of(CHECK), ROLE_ANY);
    assert_int_equal(roles_of(V1ALPHA), ROLE_ANY);
}

static void
who_am_i_tells_what_the_certificate_says(void **state)
{
    struct service_rig *rig = *state;
    Vouch__V1__WhoAmIRequest request = VOUCH__V1__WHO_AM_IREQUEST__INIT;
    Vouch__V1__WhoAmIResponse *r;
    int verify = 0;

    r = (Vouch__V1__WhoAmIResponse *)rig_ask(rig, WHO_AM_I, &request.base,
        &vouch__v1__who_am_iresponse__descriptor);
    assert_non_null(r);
    assert_string_equal(r->uri, rig->identity.uri);
    assert_string_equal(r->role, "employer");
    assert_string_equal(r->id, "clinic");
    assert_string_equal(r->certificate_serial, "0A1B");
    assert_int_equal(r->certificate_not_after_us, SERVICE_RIG_NOW + 1);
    for (size_t i = 0; i < r->n_methods; i++) {
        assert_null(strstr(r->methods[i], "Publish"));
        verify |= strcmp(r->methods[i],
            "vouch.v1.VerificationService/VerifyCredential") == 0;
    }
    assert_true(verify);
    protobuf_c_message_free_unpacked(&r->base, NULL);
}

/* ---- the catalog ------------------------------------------------------ */

static void
an_association_comes_with_its_recognitions(void **state)
{
    struct service_rig *rig = *state;
    Vouch__V1__GetAssociationRequest request =
        VOUCH__V1__GET_ASSOCIATION_REQUEST__INIT;
    Vouch__V1__GetAssociationResponse *r;

    request.association_id = "ascp-boc";
    r = (Vouch__V1__GetAssociationResponse *)rig_ask(rig, GET, &request.base,
        &vouch__v1__get_association_response__descriptor);
    assert_non_null(r);
    assert_string_equal(r->association->id, "ascp-boc");
    assert_true(r->n_recognitions > 0);
    for (size_t i = 0; i < r->n_recognitions; i++) {
        assert_string_equal(r->recognitions[i]->association_id, "ascp-boc");
        if (i > 0)
            assert_true(strcmp(r->recognitions[i - 1]->id,
                r->recognitions[i]->id) < 0);
    }
    assert_int_equal(r->source_time_us, 0);
    protobuf_c_message_free_unpacked(&r->base, NULL);

    request.association_id = "nobody";
    assert_null(rig_ask(rig, GET, &request.base,
        &vouch__v1__get_association_response__descriptor));
    assert_int_equal(rig->sink.status.code, GRPC_NOT_FOUND);
    assert_string_equal(rig->sink.status.reason, "ASSOCIATION_NOT_FOUND");
}

static enum err
speak(struct store_txn *txn, void *cookie)
{
    const struct store_source source = {1, 4711, 4712};

    (void)cookie;
    return (store_txn_put_source(txn, "ascp-boc", &source));
}

static void
an_association_comes_with_its_last_word(void **state)
{
    struct service_rig *rig = *state;
    Vouch__V1__GetAssociationRequest request =
        VOUCH__V1__GET_ASSOCIATION_REQUEST__INIT;
    Vouch__V1__GetAssociationResponse *r;

    assert_int_equal(job_run(rig->store, speak, NULL), E_OK);
    request.association_id = "ascp-boc";
    r = (Vouch__V1__GetAssociationResponse *)rig_ask(rig, GET, &request.base,
        &vouch__v1__get_association_response__descriptor);
    assert_non_null(r);
    assert_int_equal(r->source_time_us, 4711);
    protobuf_c_message_free_unpacked(&r->base, NULL);
}

static void
a_call_that_waits_for_the_tick_may_be_cancelled(void **state)
{
    struct service_rig *rig = *state;
    Vouch__V1__GetAssociationRequest request =
        VOUCH__V1__GET_ASSOCIATION_REQUEST__INIT;

    request.association_id = "ascp-boc";
    assert_int_equal(rig_start(rig, GET), E_OK);
    rig_say(rig, &request.base);
    assert_false(rig->sink.finished);
    rig_cancel(rig);
    service_worker_tick(rig->worker);
    assert_int_equal(rig->sink.n, 0);
}

static void
all_pages_together_are_the_list(void **state)
{
    struct service_rig *rig = *state;
    Vouch__V1__ListAssociationsRequest request =
        VOUCH__V1__LIST_ASSOCIATIONS_REQUEST__INIT;
    Vouch__V1__ListAssociationsResponse *r;
    char token[PAGE_TOKEN_TEXT] = "";
    char last[64] = "";
    size_t total = 0;
    size_t whole;
    int pages;

    r = (Vouch__V1__ListAssociationsResponse *)rig_ask(rig, LIST,
        &request.base, &vouch__v1__list_associations_response__descriptor);
    assert_non_null(r);
    whole = r->n_associations;
    assert_true(whole > 10);
    assert_string_equal(r->next_page_token, "");
    protobuf_c_message_free_unpacked(&r->base, NULL);

    request.page_size = 7;
    request.page_token = token;
    for (pages = 0; pages < 100; pages++) {
        r = (Vouch__V1__ListAssociationsResponse *)rig_ask(rig, LIST,
            &request.base,
            &vouch__v1__list_associations_response__descriptor);
        assert_non_null(r);
        assert_true(r->n_associations > 0 && r->n_associations <= 7);
        for (size_t i = 0; i < r->n_associations; i++) {
            assert_true(strcmp(last, r->associations[i]->id) < 0);
            (void)snprintf(last, sizeof(last), "%s", r->associations[i]->id);
        }
        total += r->n_associations;
        (void)snprintf(token, sizeof(token), "%s", r->next_page_token);
        protobuf_c_message_free_unpacked(&r->base, NULL);
        if (token[0] == '\0')
            break;
    }
    assert_int_equal(total, whole);
    assert_int_equal(pages, (whole - 1) / 7);
}

static Vouch__V1__ListCredentialTypesResponse *
types(struct service_rig *rig, char *association, int32_t size, char *token)
{
    Vouch__V1__ListCredentialTypesRequest request =
        VOUCH__V1__LIST_CREDENTIAL_TYPES_REQUEST__INIT;

    request.association_id = association;
    request.page_size = size;
    request.page_token = token;
    return ((Vouch__V1__ListCredentialTypesResponse *)rig_ask(rig, TYPES,
        &request.base,
        &vouch__v1__list_credential_types_response__descriptor));
}

static void
refused_token(struct service_rig *rig, char *association, char *token)
{
    assert_null(types(rig, association, 1, token));
    assert_int_equal(rig->sink.status.code, GRPC_INVALID_ARGUMENT);
    assert_string_equal(rig->sink.status.violations[0].field, "page_token");
}

static void
a_page_token_holds_for_its_own_list_only(void **state)
{
    struct service_rig *rig = *state;
    Vouch__V1__ListAssociationsRequest other =
        VOUCH__V1__LIST_ASSOCIATIONS_REQUEST__INIT;
    Vouch__V1__ListCredentialTypesResponse *r;
    char token[PAGE_TOKEN_TEXT];
    char bad[PAGE_TOKEN_TEXT];

    assert_non_null(r = types(rig, "ascp-boc", 1, ""));
    assert_int_equal(r->n_credential_types, 1);
    (void)snprintf(token, sizeof(token), "%s", r->next_page_token);
    protobuf_c_message_free_unpacked(&r->base, NULL);
    assert_int_equal(strspn(token, "abcdefghijklmnopqrstuvwxyz"
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"), strlen(token));

    assert_non_null(r = types(rig, "ascp-boc", 2, token));
    assert_string_equal(r->credential_types[0]->association_id, "ascp-boc");
    protobuf_c_message_free_unpacked(&r->base, NULL);

    refused_token(rig, "", token);
    refused_token(rig, "amt", token);
    refused_token(rig, "ascp-boc", "AAAA");
    refused_token(rig, "ascp-boc", "***");
    for (size_t i = 0; token[i] != '\0'; i++) {
        memcpy(bad, token, sizeof(bad));
        bad[i] = bad[i] == 'A' ? 'Q' : 'A';
        if (i + 1 < strlen(token))      /* the last one's bits may not count */
            refused_token(rig, "ascp-boc", bad);
    }
    other.page_token = token;
    assert_null(rig_ask(rig, LIST, &other.base,
        &vouch__v1__list_associations_response__descriptor));
    assert_int_equal(rig->sink.status.code, GRPC_INVALID_ARGUMENT);

    assert_null(types(rig, "", -1, ""));
    assert_string_equal(rig->sink.status.violations[0].field, "page_size");
    assert_non_null(r = types(rig, "", INT32_MAX, ""));
    assert_string_equal(r->next_page_token, "");
    protobuf_c_message_free_unpacked(&r->base, NULL);
    assert_non_null(r = types(rig, "nobody", 0, ""));
    assert_int_equal(r->n_credential_types, 0);
    protobuf_c_message_free_unpacked(&r->base, NULL);
}

/* ---- health ----------------------------------------------------------- */

static int
state_at(struct service_rig *rig, size_t i)
{
    health_t *r = (health_t *)rig_response(rig, i,
        &grpc__health__v1__health_check_response__descriptor);
    int status = (int)r->status;

    protobuf_c_message_free_unpacked(&r->base, NULL);
    return (status);
}

static int
check(struct service_rig *rig, char *service)
{
    Grpc__Health__V1__HealthCheckRequest request =
        GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;

    request.service = service;
    assert_int_equal(rig_start(rig, CHECK), E_OK);
    rig_say(rig, &request.base);
    rig_half_close(rig);
    assert_true(rig->sink.finished);
    if (rig->sink.status.code == GRPC_NOT_FOUND)
        return (-1);
    assert_int_equal(rig->sink.status.code, GRPC_OK);
    return (state_at(rig, 0));
}

static void
health_is_told_of_the_whole_and_of_each_service(void **state)
{
    struct service_rig *rig = *state;
    Grpc__Health__V1__HealthListRequest request =
        GRPC__HEALTH__V1__HEALTH_LIST_REQUEST__INIT;
    Grpc__Health__V1__HealthListResponse *r;

    assert_int_equal(check(rig, ""), HEALTH(SERVING));
    assert_int_equal(check(rig, "vouch.v1.VerificationService"),
        HEALTH(SERVING));
    assert_int_equal(check(rig, "grpc.health.v1.Health"), HEALTH(SERVING));
    assert_int_equal(check(rig, "vouch.v1.Verification"), -1);

    r = (Grpc__Health__V1__HealthListResponse *)rig_ask(rig, HEALTH_LIST,
        &request.base, &grpc__health__v1__health_list_response__descriptor);
    assert_non_null(r);
    assert_int_equal(r->n_statuses, descriptor_service_count + 1);
    for (size_t i = 0; i < r->n_statuses; i++)
        assert_int_equal(r->statuses[i]->value->status, HEALTH(SERVING));
    protobuf_c_message_free_unpacked(&r->base, NULL);

    service_worker_drain(rig->worker);
    assert_int_equal(check(rig, ""), HEALTH(NOT_SERVING));
}

static void
who_watches_is_told_of_a_drain(void **state)
{
    struct service_rig *rig = *state;
    Grpc__Health__V1__HealthCheckRequest request =
        GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;

    assert_int_equal(rig_start(rig, WATCH), E_OK);
    rig_say(rig, &request.base);
    rig_half_close(rig);
    assert_int_equal(rig->sink.n, 1);
    assert_int_equal(state_at(rig, 0), HEALTH(SERVING));
    service_worker_drain(rig->worker);
    service_worker_drain(rig->worker);
    assert_int_equal(rig->sink.n, 2);
    assert_int_equal(state_at(rig, 1), HEALTH(NOT_SERVING));
    assert_true(rig->sink.finished);
    assert_int_equal(rig->sink.status.code, GRPC_UNAVAILABLE);
    assert_null(rig->worker->watches);
}

static void
a_watch_of_the_unknown_stays_open(void **state)
{
    struct service_rig *rig = *state;
    Grpc__Health__V1__HealthCheckRequest request =
        GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;

    request.service = "no.such.Service";
    assert_int_equal(rig_start(rig, WATCH), E_OK);
    rig_say(rig, &request.base);
    assert_int_equal(state_at(rig, 0), HEALTH(SERVICE_UNKNOWN));
    assert_false(rig->sink.finished);
    rig_cancel(rig);
    assert_null(rig->worker->watches);
}

static void
a_watch_that_cannot_be_told_ends(void **state)
{
    struct service_rig *rig = *state;
    Grpc__Health__V1__HealthCheckRequest request =
        GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;

    assert_int_equal(rig_start(rig, WATCH), E_OK);
    rig_say(rig, &request.base);
    rig->sink.refuse = 1;
    service_worker_drain(rig->worker);
    rig->sink.refuse = 0;
    assert_true(rig->sink.finished);
    assert_int_not_equal(rig->sink.status.code, GRPC_OK);
    assert_null(rig->worker->watches);
}

/* ---- reflection ------------------------------------------------------- */

static answer_t *
reflect(struct service_rig *rig, int kind, char *what)
{
    Grpc__Reflection__V1__ServerReflectionRequest request =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    Grpc__Reflection__V1__ExtensionRequest extension =
        GRPC__REFLECTION__V1__EXTENSION_REQUEST__INIT;

    request.host = "localhost";
    request.message_request_case = (unsigned)kind;
    if (kind == ASKED(FILE_CONTAINING_EXTENSION))
        request.file_containing_extension = &extension;
    else
        request.list_services = what;
    rig_say(rig, &request.base);
    assert_false(rig->sink.finished);
    return ((answer_t *)rig_response(rig, rig->sink.n - 1,
        &grpc__reflection__v1__server_reflection_response__descriptor));
}

static void
assert_error(answer_t *r, enum grpc_code code)
{
    assert_int_equal(r->message_response_case, ANSWERED(ERROR_RESPONSE));
    assert_int_equal(r->error_response->error_code, (int)code);
    assert_string_equal(r->valid_host, "localhost");
    protobuf_c_message_free_unpacked(&r->base, NULL);
}

static void
reflection_answers_each_kind_of_question(void **state)
{
    struct service_rig *rig = *state;
    answer_t *r;
    size_t n;

    assert_int_equal(rig_start(rig, V1), E_OK);
    r = reflect(rig, ASKED(LIST_SERVICES), "");
    assert_int_equal(r->list_services_response->n_service,
        descriptor_service_count);
    assert_string_equal(r->original_request->list_services, "");
    protobuf_c_message_free_unpacked(&r->base, NULL);

    /* The file asked for first, then what it imports; nothing twice. */
    r = reflect(rig, ASKED(FILE_CONTAINING_SYMBOL),
        "vouch.v1.VerificationService.VerifyCredential");
    n = r->file_descriptor_response->n_file_descriptor_proto;
    assert_true(n >= 3);
    assert_non_null(memmem(
        r->file_descriptor_response->file_descriptor_proto[0].data, 64,
        "verification_service.proto", 26));
    protobuf_c_message_free_unpacked(&r->base, NULL);
    r = reflect(rig, ASKED(FILE_BY_FILENAME), "vouch/v1/types.proto");
    assert_int_equal(r->file_descriptor_response->n_file_descriptor_proto, 1);
    protobuf_c_message_free_unpacked(&r->base, NULL);
    r = reflect(rig, ASKED(FILE_BY_FILENAME),
        "vouch/v1/publishing_service.proto");
    assert_int_equal(r->file_descriptor_response->n_file_descriptor_proto, 1);
    protobuf_c_message_free_unpacked(&r->base, NULL);

    r = reflect(rig, ASKED(ALL_EXTENSION_NUMBERS_OF_TYPE),
        "vouch.v1.Claim");
    assert_int_equal(r->message_response_case,
        ANSWERED(ALL_EXTENSION_NUMBERS_RESPONSE));
    assert_int_equal(r->all_extension_numbers_response->n_extension_number,
        0);
    protobuf_c_message_free_unpacked(&r->base, NULL);

    assert_error(reflect(rig, ASKED(FILE_BY_FILENAME), "no.proto"),
        GRPC_NOT_FOUND);
    assert_error(reflect(rig, ASKED(FILE_CONTAINING_SYMBOL), "no.Symbol"),
        GRPC_NOT_FOUND);
    assert_error(reflect(rig, ASKED(FILE_CONTAINING_EXTENSION), ""),
        GRPC_NOT_FOUND);
    assert_error(reflect(rig, ASKED(ALL_EXTENSION_NUMBERS_OF_TYPE), "no.T"),
        GRPC_NOT_FOUND);
    assert_error(reflect(rig, 0, NULL), GRPC_INVALID_ARGUMENT);
    rig_half_close(rig);
    assert_true(rig->sink.finished);
    assert_int_equal(rig->sink.status.code, GRPC_OK);
}

static void
every_symbol_is_served(void **state)
{
    struct service_rig *rig = *state;
    char name[256];
    answer_t *r;

    for (size_t i = 0; i < descriptor_symbol_count; i += 17) {
        assert_int_equal(rig_start(rig, V1), E_OK);
        (void)snprintf(name, sizeof(name), "%s", descriptor_symbols[i].name);
        r = reflect(rig, ASKED(FILE_CONTAINING_SYMBOL), name);
        assert_int_equal(r->message_response_case,
            ANSWERED(FILE_DESCRIPTOR_RESPONSE));
        protobuf_c_message_free_unpacked(&r->base, NULL);
        rig_half_close(rig);
    }
}

static void
both_versions_of_reflection_give_the_same_bytes(void **state)
{
    struct service_rig *rig = *state;
    Grpc__Reflection__V1__ServerReflectionRequest v1 =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    Grpc__Reflection__V1alpha__ServerReflectionRequest alpha =
        GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__INIT;
    Grpc__Reflection__V1__ExtensionRequest extension =
        GRPC__REFLECTION__V1__EXTENSION_REQUEST__INIT;
    Grpc__Reflection__V1alpha__ExtensionRequest alpha_extension =
        GRPC__REFLECTION__V1ALPHA__EXTENSION_REQUEST__INIT;
    struct buf first;

    extension.extension_number = alpha_extension.extension_number = 5;
    for (unsigned kind = 3; kind <= 7; kind++) {
        buf_init(&first, 1 << 20);
        v1.message_request_case = kind;
        alpha.message_request_case = kind;
        v1.list_services = alpha.list_services = "vouch.v1.Claim";
        if (kind == ASKED(FILE_CONTAINING_EXTENSION)) {
            v1.file_containing_extension = &extension;
            alpha.file_containing_extension = &alpha_extension;
        }
        assert_int_equal(rig_start(rig, V1), E_OK);
        rig_say(rig, &v1.base);
        assert_int_equal(buf_add(&first, buf_slice(rig->sink.sent[0])), E_OK);
        rig_half_close(rig);
        assert_int_equal(rig_start(rig, V1ALPHA), E_OK);
        rig_say(rig, &alpha.base);
        assert_true(slice_equal(buf_slice(&first),
            buf_slice(rig->sink.sent[0])));
        rig_half_close(rig);
        buf_free(&first);
    }
}

static void
who_never_reads_reflection_is_let_go(void **state)
{
    struct service_rig *rig = *state;
    Grpc__Reflection__V1__ServerReflectionRequest request =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    int i;

    assert_int_equal(rig_start(rig, V1), E_OK);
    request.message_request_case = ASKED(LIST_SERVICES);
    request.list_services = "";
    rig->sink.grow = SINK_FULL;
    for (i = 0; i < 100 && !rig->sink.finished; i++)
        rig_say(rig, &request.base);
    assert_true(i > 1 && i < 100);
    assert_int_not_equal(rig->sink.status.code, GRPC_OK);
}

/* ---- keys and start --------------------------------------------------- */

static void
key_path(const struct service_rig *rig, const char *name, char *path,
    size_t size)
{
    (void)snprintf(path, size, "%s/%s", rig->keys, name);
}

static const uint8_t *
key_id(const struct service_rig *rig, const char *association)
{
    int place = catalog_index_place(rig->worker->service->catalog,
        association);

    assert_true(place >= 0);
    return (factor_key_id(service_factor_key(rig->worker, place)));
}

static void
keys_are_made_once_and_kept_private(void **state)
{
    struct service_rig *rig = *state;
    struct stat status;
    uint8_t before[FACTOR_KEY_ID];
    char path[160], why[256];

    key_path(rig, "factor-ascp-boc.key", path, sizeof(path));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(status.st_size, 32);
    key_path(rig, "page-token.key", path, sizeof(path));
    assert_int_equal(stat(path, &status), 0);
    memcpy(before, key_id(rig, "ascp-boc"), sizeof(before));
    assert_int_equal(rig_restart(rig, why, sizeof(why)), E_OK);
    assert_memory_equal(before, key_id(rig, "ascp-boc"), sizeof(before));
    assert_memory_not_equal(before, key_id(rig, "amt"), sizeof(before));
}

static void
a_key_that_others_may_read_is_refused(void **state)
{
    struct service_rig *rig = *state;
    char path[160], why[256];

    key_path(rig, "factor-ascp-boc.key", path, sizeof(path));
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(rig_restart(rig, why, sizeof(why)), E_DENIED);
    assert_non_null(strstr(why, "factor-ascp-boc.key"));
    assert_non_null(strstr(why, "0600"));
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(truncate(path, 31), 0);
    assert_int_equal(rig_restart(rig, why, sizeof(why)), E_CORRUPT);
    assert_int_equal(truncate(path, 33), 0);
    assert_int_equal(rig_restart(rig, why, sizeof(why)), E_CORRUPT);
}

static void
a_key_in_use_that_is_gone_is_not_replaced(void **state)
{
    struct service_rig *rig = *state;
    char path[160], why[256];

    key_path(rig, "factor-ascp-boc.key", path, sizeof(path));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rig_restart(rig, why, sizeof(why)), E_OK);
    assert_int_equal(job_run(rig->store, speak, NULL), E_OK);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rig_restart(rig, why, sizeof(why)), E_NOTFOUND);
    assert_non_null(strstr(why, "factor-ascp-boc.key"));
    assert_int_not_equal(access(path, F_OK), 0);
}

static void
the_catalog_is_read_from_the_log_once_it_is_there(void **state)
{
    struct service_rig *rig = *state;
    char why[256];

    rig->options.catalog_dir = "/nonexistent";
    assert_int_equal(rig_restart(rig, why, sizeof(why)), E_OK);
    assert_non_null(service_association(rig->worker, "ascp-boc"));
    assert_non_null(service_credential_type(rig->worker, "ascp-pbt"));
    assert_null(service_credential_type(rig->worker, "ascp"));
}

static void
a_service_without_catalog_or_keys_says_why(void **state)
{
    struct service_rig *rig = *state;
    struct service_options options = rig->options;
    struct service *service;
    char why[256], dsn[128];
    const struct store_options fresh = {.dsn = dsn, .group_max = 1,
        .create = 1, .migrate = 1, .grow = log_tree_grow};

    options.key_dir = "/nonexistent";
    assert_int_equal(service_create(&options, &service, why, sizeof(why)),
        E_IO);
    assert_null(service);
    assert_non_null(strstr(why, "/nonexistent"));

    /* A store of its own, which holds no catalog yet. */
    (void)snprintf(dsn, sizeof(dsn), "sqlite:%s/other.db", rig->dir);
    assert_int_equal(store_open(&fresh, &options.store, why, sizeof(why)),
        E_OK);
    options.key_dir = rig->keys;
    options.catalog_dir = "/nonexistent";
    assert_int_not_equal(service_create(&options, &service, why,
        sizeof(why)), E_OK);
    assert_null(service);
    assert_non_null(strstr(why, "/nonexistent"));
    store_close(options.store);
}

static void
each_allocation_of_the_start_may_fail(void **state)
{
    struct service_rig *rig = *state;
    struct service *service;
    char why[256];
    enum err err;
    int n;

    for (n = 0; n < 2000; n++) {
        fault_arm(n);
        err = service_create(&rig->options, &service, why, sizeof(why));
        if (!fault_fired())
            break;
        fault_arm(-1);
        assert_int_equal(err, E_NOMEM);
        assert_null(service);
    }
    fault_arm(-1);
    assert_true(n > 3 && n < 2000);
    assert_int_equal(err, E_OK);
    service_free(service);
}

static void
each_allocation_of_a_simple_call_may_fail(void **state)
{
    struct service_rig *rig = *state;
    Vouch__V1__GetAssociationRequest get =
        VOUCH__V1__GET_ASSOCIATION_REQUEST__INIT;
    Vouch__V1__ListCredentialTypesRequest list =
        VOUCH__V1__LIST_CREDENTIAL_TYPES_REQUEST__INIT;
    Vouch__V1__WhoAmIRequest who = VOUCH__V1__WHO_AM_IREQUEST__INIT;
    Grpc__Health__V1__HealthListRequest health =
        GRPC__HEALTH__V1__HEALTH_LIST_REQUEST__INIT;
    const struct {
        const char *path;
        const ProtobufCMessage *request;
    } calls[] = {{GET, &get.base}, {TYPES, &list.base},
        {WHO_AM_I, &who.base}, {HEALTH_LIST, &health.base}};
    int n;

    get.association_id = "ascp-boc";
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        for (n = 0; n < 50; n++) {
            fault_arm(n);
            (void)rig_start(rig, calls[i].path);
            rig_say(rig, calls[i].request);
            rig_half_close(rig);
            rig_settle(rig);
            if (!fault_fired())
                break;
            fault_arm(-1);
            assert_int_not_equal(rig->sink.status.code, GRPC_OK);
        }
        fault_arm(-1);
        assert_true(n > 1 && n < 50);
        assert_int_equal(rig->sink.status.code, GRPC_OK);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(methods_are_sorted_and_found),
        TEST(only_public_answers_are_compressed),
        TEST(only_the_right_roles_may_call),
        TEST(who_am_i_tells_what_the_certificate_says),
        TEST(an_association_comes_with_its_recognitions),
        TEST(an_association_comes_with_its_last_word),
        TEST(a_call_that_waits_for_the_tick_may_be_cancelled),
        TEST(all_pages_together_are_the_list),
        TEST(a_page_token_holds_for_its_own_list_only),
        TEST(health_is_told_of_the_whole_and_of_each_service),
        TEST(who_watches_is_told_of_a_drain),
        TEST(a_watch_of_the_unknown_stays_open),
        TEST(a_watch_that_cannot_be_told_ends),
        TEST(reflection_answers_each_kind_of_question),
        TEST(every_symbol_is_served),
        TEST(both_versions_of_reflection_give_the_same_bytes),
        TEST(who_never_reads_reflection_is_let_go),
        TEST(keys_are_made_once_and_kept_private),
        TEST(a_key_that_others_may_read_is_refused),
        TEST(a_key_in_use_that_is_gone_is_not_replaced),
        TEST(the_catalog_is_read_from_the_log_once_it_is_there),
        TEST(a_service_without_catalog_or_keys_says_why),
        TEST(each_allocation_of_the_start_may_fail),
        TEST(each_allocation_of_a_simple_call_may_fail),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
