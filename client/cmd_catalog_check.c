#include <stdio.h>

#include <jansson.h>

#include "client/command.h"
#include "client/json.h"
#include "client/table.h"
#include "proto/catalog_files.h"

#define CATALOG_MAX ((size_t)256 << 20)

/* What was found so far. */
struct check {
    enum output output;
    size_t n;
    int failed;             /* memory ran out */
    struct table *table;    /* owned; for CSV */
    json_t *faults;         /* owned; for JSON */
};

static void
put_fault(const struct catalog_fault *fault)
{
    table_put(stderr, fault->file);
    if (fault->line > 0)
        fprintf(stderr, ":%ld", fault->line);
    if (fault->column[0] != '\0') {
        fprintf(stderr, ": ");
        table_put(stderr, fault->column);
    }
    fprintf(stderr, ": ");
    table_put(stderr, fault->what);
    fputc('\n', stderr);
}

static void
on_fault(void *cookie, const struct catalog_fault *fault)
{
    struct check *c = cookie;
    char line[24];
    int status = 0;

    c->n++;
    (void)snprintf(line, sizeof(line), "%ld", fault->line);
    switch (c->output) {
    case OUTPUT_CSV:
        status = table_add(c->table, (const char *const[]){fault->file, line,
            fault->column, fault->what});
        break;
    case OUTPUT_JSON:
    case OUTPUT_JSONL:
        status = json_array_append_new(c->faults, json_pack(
            "{s:s, s:I, s:s, s:s}", "file", fault->file, "line",
            (json_int_t)fault->line, "column", fault->column, "what",
            fault->what));
        break;
    case OUTPUT_TABLE:
    default:
        put_fault(fault);
    }
    c->failed |= status != 0;
}

static int
print_counts(struct check *c, const Vouch__V1__Catalog *catalog)
{
    size_t associations = catalog != NULL ? catalog->n_associations : 0;
    size_t types = catalog != NULL ? catalog->n_credential_types : 0;
    size_t recognitions = catalog != NULL ? catalog->n_recognitions : 0;

    switch (c->output) {
    case OUTPUT_CSV:
        table_print(c->table, stdout, 1);
        return (0);
    case OUTPUT_JSON:
    case OUTPUT_JSONL:
        return (json_print_value(stdout, json_pack(
            "{s:b, s:I, s:I, s:I, s:O}", "ok", catalog != NULL,
            "associations", (json_int_t)associations, "credentialTypes",
            (json_int_t)types, "recognitions", (json_int_t)recognitions,
            "faults", c->faults), c->output == OUTPUT_JSONL));
    case OUTPUT_TABLE:
    default:
        if (catalog != NULL)
            printf("%zu associations, %zu credential types, %zu "
                "recognitions: no fault\n", associations, types,
                recognitions);
        return (0);
    }
}

int
cmd_catalog_check(const struct invocation *run)
{
    static const char *const columns[] = {"file", "line", "column", "what"};
    struct check check = {.output = run->output, .faults = json_array(),
        .table = table_create(columns, 4)};
    Vouch__V1__Catalog *catalog = NULL;
    struct arena *arena = NULL;
    int status = VOUCH_EXIT_YES;
    enum err err = E_NOMEM;

    if (check.faults != NULL && check.table != NULL)
        err = arena_create(CATALOG_MAX, &arena);
    if (err == E_OK)
        err = catalog_read(run->words[0], arena, on_fault, &check, &catalog);
    if (check.failed)
        err = E_NOMEM;
    if (err == E_INVAL || err == E_IO) {
        fprintf(stderr, "vouch catalog check: %zu fault%s in %s\n  -> mend "
            "what is named, and check again\n", check.n,
            check.n == 1 ? "" : "s", run->words[0]);
        status = VOUCH_EXIT_REFUSED;
        err = E_OK;
    }
    if (err == E_OK && print_counts(&check, catalog) != 0)
        err = E_NOMEM;
    if (err != E_OK)
        status = bug_error(run, "%s", err_text(err));
    json_decref(check.faults);
    table_free(check.table);
    arena_free(arena);
    return (status);
}
