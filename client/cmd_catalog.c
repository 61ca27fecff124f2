#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/command.h"
#include "client/error.h"
#include "client/json.h"
#include "client/listing.h"
#include "client/table.h"
#include "client/text.h"
#include "proto/civil.h"
#include "vouch/v1/catalog_service.pb-c.h"

const struct flag credential_type_flags[] = {
    {"association", "ID", "only those of this association"},
    {NULL, NULL, NULL},
};

static void
plain_enum(const ProtobufCEnumDescriptor *e, int value, char out[64])
{
    text_plain(text_enum(e, value), out, 64);
}

static int
add_association(struct listing *l, const Vouch__V1__Association *a)
{
    char kind[64], lifecycle[64], policy[64];

    plain_enum(&vouch__v1__association_kind__descriptor, (int)a->kind, kind);
    plain_enum(&vouch__v1__lifecycle__descriptor, (int)a->lifecycle,
        lifecycle);
    plain_enum(&vouch__v1__identity_policy__descriptor,
        (int)a->identity_policy, policy);
    return (listing_add(l, &a->base, (const char *const[]){a->id,
        a->short_name, kind, lifecycle, policy, a->name}));
}

static int
list_associations(const struct invocation *run, struct vouch *vouch,
    struct listing *l, struct vouch_error *error)
{
    Vouch__V1__ListAssociationsRequest request =
        VOUCH__V1__LIST_ASSOCIATIONS_REQUEST__INIT;
    Vouch__V1__ListAssociationsResponse *page = NULL;
    int status = 0;

    (void)run;
    do {
        if (l->token != NULL)
            request.page_token = l->token;
        if (vouch_call(vouch, "vouch.v1.CatalogService/ListAssociations",
            &request.base,
            &vouch__v1__list_associations_response__descriptor,
            (ProtobufCMessage **)&page, error) != 0)
            return (-1);
        for (size_t i = 0; i < page->n_associations && status == 0; i++)
            if ((status = add_association(l, page->associations[i])) != 0)
                (void)error_memory(error);
        if (status == 0)
            status = listing_turn(l, page->next_page_token, error);
        vouch_free_message(&page->base);
    } while (status == 1);
    return (status);
}

static int
add_type(struct listing *l, const Vouch__V1__CredentialType *t)
{
    char role[64], kind[64], lifecycle[64];

    plain_enum(&vouch__v1__role__descriptor, (int)t->role, role);
    plain_enum(&vouch__v1__credential_kind__descriptor, (int)t->kind, kind);
    plain_enum(&vouch__v1__lifecycle__descriptor, (int)t->lifecycle,
        lifecycle);
    return (listing_add(l, &t->base, (const char *const[]){t->id,
        t->association_id, t->abbreviation, role, kind, lifecycle,
        t->name}));
}

static int
list_types(const struct invocation *run, struct vouch *vouch,
    struct listing *l, struct vouch_error *error)
{
    Vouch__V1__ListCredentialTypesRequest request =
        VOUCH__V1__LIST_CREDENTIAL_TYPES_REQUEST__INIT;
    Vouch__V1__ListCredentialTypesResponse *page = NULL;
    const char *association = flag_value(run, "association");
    int status = 0;

    if (association != NULL)
        request.association_id = (char *)(uintptr_t)association;
    do {
        if (l->token != NULL)
            request.page_token = l->token;
        if (vouch_call(vouch, "vouch.v1.CatalogService/ListCredentialTypes",
            &request.base,
            &vouch__v1__list_credential_types_response__descriptor,
            (ProtobufCMessage **)&page, error) != 0)
            return (-1);
        for (size_t i = 0; i < page->n_credential_types && status == 0; i++)
            if ((status = add_type(l, page->credential_types[i])) != 0)
                (void)error_memory(error);
        if (status == 0)
            status = listing_turn(l, page->next_page_token, error);
        vouch_free_message(&page->base);
    } while (status == 1);
    return (status);
}

static int
run_listing(const struct invocation *run, const char *const *columns,
    size_t ncolumns, int (*list)(const struct invocation *, struct vouch *,
        struct listing *, struct vouch_error *))
{
    struct listing l = {.run = run, .columns = columns,
        .ncolumns = ncolumns};
    struct vouch *vouch = NULL;
    struct vouch_error error = {0};
    int status;

    if (vouch_open(&run->options, &vouch, &error) != 0 ||
        list(run, vouch, &l, &error) != 0)
        status = report_error(run, &error);
    else if (listing_end(&l) != 0)
        status = bug_error(run, "out of memory");
    else
        status = VOUCH_EXIT_YES;
    listing_free(&l);
    vouch_close(vouch);
    return (status);
}

int
cmd_association_list(const struct invocation *run)
{
    static const char *const columns[] = {"ID", "SHORT NAME", "KIND",
        "LIFECYCLE", "IDENTITY POLICY", "NAME"};

    return (run_listing(run, columns, 6, list_associations));
}

int
cmd_credential_type_list(const struct invocation *run)
{
    static const char *const columns[] = {"ID", "ASSOCIATION",
        "ABBREVIATION", "ROLE", "KIND", "LIFECYCLE", "NAME"};

    return (run_listing(run, columns, 7, list_types));
}

/* ---- one association --------------------------------------------------- */

static void
field(const char *label, const char *text)
{
    printf("%-17s", label);
    table_put(stdout, text);
    putchar('\n');
}

static void
print_number_rules(const Vouch__V1__NumberNormalization *n)
{
    char text[200];

    (void)snprintf(text, sizeof(text), "%s, %s, %s",
        n != NULL && n->fold_case ? "case does not count" : "case counts",
        n != NULL && n->drop_separators ? "separators do not" :
            "separators do",
        n != NULL && n->drop_leading_zeros ? "leading zeros do not" :
            "leading zeros do");
    field("numbers", text);
}

static void
print_association(const Vouch__V1__GetAssociationResponse *r)
{
    const Vouch__V1__Association *a = r->association;
    char text[128], kind[64], when[CIVIL_TIME_TEXT];

    field("id", a->id);
    field("name", a->name);
    plain_enum(&vouch__v1__association_kind__descriptor, (int)a->kind, kind);
    field("kind", kind);
    plain_enum(&vouch__v1__lifecycle__descriptor, (int)a->lifecycle, kind);
    field("lifecycle", kind);
    if (a->successor_id[0] != '\0')
        field("successor", a->successor_id);
    plain_enum(&vouch__v1__identity_policy__descriptor,
        (int)a->identity_policy, kind);
    (void)snprintf(text, sizeof(text),
        "a claim brings number, family name and %s", kind);
    field("identity policy", text);
    print_number_rules(a->number);
    (void)snprintf(text, sizeof(text), "UTC%c%02lld:%02lld",
        a->utc_offset_minutes < 0 ? '-' : '+',
        llabs(a->utc_offset_minutes) / 60, llabs(a->utc_offset_minutes) % 60);
    field("days in", text);
    text_age(a->max_age_seconds, kind, sizeof(kind));
    field("speaks at least", kind);
    if (r->source_time_us != 0)
        civil_format_time(r->source_time_us, a->utc_offset_minutes, when);
    field("last spoke for", r->source_time_us != 0 ? when : "never");
    field("contact", a->contact[0] != '\0' ? a->contact : "none on file");
    field("designation", a->designation[0] != '\0' ? a->designation :
        "none: it has not made this operator its agent");
    plain_enum(&vouch__v1__confidence__descriptor, (int)a->confidence, kind);
    field("source", a->source);
    field("confidence", kind);
}

/* Which types a statement is about. */
static void
types_of(const Vouch__V1__Recognition *r, char *out, size_t size)
{
    size_t n = (size_t)snprintf(out, size, "%s",
        r->credential_type_id[0] != '\0' ? r->credential_type_id : "all");

    for (size_t i = 0; i < r->n_except_credential_type_ids && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, "%s%s",
            i == 0 ? " but " : ", ", r->except_credential_type_ids[i]);
}

static int
print_recognitions(const Vouch__V1__GetAssociationResponse *r)
{
    static const char *const columns[] = {"RECOGNIZED BY", "TYPE", "FROM",
        "UNTIL", "OBSERVED", "CONFIDENCE", "BASIS"};
    struct table *table = table_create(columns, 7);
    int status = table != NULL ? 0 : -1;

    for (size_t i = 0; i < r->n_recognitions && status == 0; i++) {
        const Vouch__V1__Recognition *g = r->recognitions[i];
        char from[32], until[32], seen[32], sure[64], types[256];

        text_date(g->valid_from, "unknown", from);
        text_date(g->valid_until, "no known end", until);
        text_date(g->observed_on, "", seen);
        plain_enum(&vouch__v1__confidence__descriptor, (int)g->confidence,
            sure);
        types_of(g, types, sizeof(types));
        status = table_add(table, (const char *const[]){g->recognizer, types,
            from, until, seen, sure, g->basis});
    }
    putchar('\n');
    if (status == 0 && r->n_recognitions > 0)
        table_print(table, stdout, 0);
    else if (status == 0)
        puts("Nobody on file recognizes it.");
    table_free(table);
    return (status);
}

/* Each recognizer once, by semicolon. */
static void
recognizers_of(const Vouch__V1__GetAssociationResponse *r, char *out,
    size_t size)
{
    size_t n = 0;

    out[0] = '\0';
    for (size_t i = 0; i < r->n_recognitions && n < size; i++) {
        size_t before = 0;

        while (strcmp(r->recognitions[before]->recognizer,
            r->recognitions[i]->recognizer) != 0)
            before++;
        if (before == i)
            n += (size_t)snprintf(out + n, size - n, "%s%s",
                n > 0 ? ";" : "", r->recognitions[i]->recognizer);
    }
}

static int
print_association_csv(const Vouch__V1__GetAssociationResponse *r)
{
    static const char *const columns[] = {"id", "short_name", "name", "kind",
        "lifecycle", "identity_policy", "utc_offset_minutes",
        "max_age_seconds", "last_spoke_for", "contact", "designation",
        "recognized_by"};
    const Vouch__V1__Association *a = r->association;
    char kind[64], lifecycle[64], policy[64], offset[24], age[24];
    char when[CIVIL_TIME_TEXT] = "", recognizers[1024];

    plain_enum(&vouch__v1__association_kind__descriptor, (int)a->kind, kind);
    plain_enum(&vouch__v1__lifecycle__descriptor, (int)a->lifecycle,
        lifecycle);
    plain_enum(&vouch__v1__identity_policy__descriptor,
        (int)a->identity_policy, policy);
    (void)snprintf(offset, sizeof(offset), "%" PRId32,
        a->utc_offset_minutes);
    (void)snprintf(age, sizeof(age), "%" PRId64, a->max_age_seconds);
    if (r->source_time_us != 0)
        civil_format_time(r->source_time_us, a->utc_offset_minutes, when);
    recognizers_of(r, recognizers, sizeof(recognizers));
    return (table_print_one(columns, (const char *const[]){a->id,
        a->short_name, a->name, kind, lifecycle, policy, offset, age, when,
        a->contact, a->designation, recognizers}, 12));
}

static int
print_one(const struct invocation *run,
    const Vouch__V1__GetAssociationResponse *response)
{
    switch (run->output) {
    case OUTPUT_JSON:
    case OUTPUT_JSONL:
        return (json_print(stdout, &response->base,
            run->output == OUTPUT_JSONL));
    case OUTPUT_CSV:
        return (print_association_csv(response));
    case OUTPUT_TABLE:
    default:
        print_association(response);
        return (print_recognitions(response));
    }
}

int
cmd_association_show(const struct invocation *run)
{
    Vouch__V1__GetAssociationRequest request =
        VOUCH__V1__GET_ASSOCIATION_REQUEST__INIT;
    Vouch__V1__GetAssociationResponse *response = NULL;
    struct vouch *vouch = NULL;
    struct vouch_error error;
    int status = VOUCH_EXIT_YES;

    request.association_id = (char *)(uintptr_t)run->words[0];
    if (vouch_open(&run->options, &vouch, &error) != 0 ||
        vouch_call(vouch, "vouch.v1.CatalogService/GetAssociation",
            &request.base, &vouch__v1__get_association_response__descriptor,
            (ProtobufCMessage **)&response, &error) != 0)
        status = report_error(run, &error);
    else if (response->association == NULL)
        status = bug_error(run, "the server answered without an association");
    else if (print_one(run, response) != 0)
        status = bug_error(run, "out of memory");
    if (response != NULL)
        vouch_free_message(&response->base);
    vouch_close(vouch);
    return (status);
}
