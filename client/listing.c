#include "client/listing.h"

#include <stdlib.h>
#include <string.h>

#include "client/error.h"
#include "client/json.h"
#include "client/text.h"

#define PIECE 1000      /* rows of a table */

int
listing_is_json(const struct listing *l)
{
    return (l->run->output == OUTPUT_JSON || l->run->output == OUTPUT_JSONL);
}

int
listing_add_json(struct listing *l, json_t *item)
{
    int lines = l->run->output == OUTPUT_JSONL;

    if (!lines)
        fputs(l->n == 0 ? "[\n" : ",\n", stdout);
    l->n++;
    return (json_print_value(stdout, item, lines));
}

static void
add_csv(struct listing *l, const char *const *cells)
{
    const char *const *names = l->csv != NULL ? l->csv : l->columns;

    for (size_t i = 0; i < l->ncolumns && l->n == 0; i++)
        printf("%s%s", names[i], i + 1 < l->ncolumns ? "," : "\n");
    if (cells == NULL)
        return;
    for (size_t i = 0; i < l->ncolumns; i++) {
        table_put_csv(stdout, cells[i]);
        fputc(i + 1 < l->ncolumns ? ',' : '\n', stdout);
    }
    l->n++;
}

/* Write the piece that there is, and begin another. */
static void
end_piece(struct listing *l)
{
    if (l->table != NULL)
        table_print(l->table, stdout, 0);
    table_free(l->table);
    l->table = NULL;
}

int
listing_add(struct listing *l, const ProtobufCMessage *item,
    const char *const *cells)
{
    if (listing_is_json(l))
        return (listing_add_json(l, json_of(item)));
    if (l->run->output == OUTPUT_CSV) {
        add_csv(l, cells);
        return (0);
    }
    if (l->table == NULL &&
        (l->table = table_create(l->columns, l->ncolumns)) == NULL)
        return (-1);
    if (table_add(l->table, cells) != 0)
        return (-1);
    if (++l->n % PIECE == 0)
        end_piece(l);
    return (0);
}

int
listing_turn(struct listing *l, const char *next, struct vouch_error *error)
{
    char *token = NULL;

    if (next[0] != '\0' && l->token != NULL && strcmp(next, l->token) == 0)
        return (error_nonsense(error, "the server gave the same page twice"));
    if (next[0] != '\0' && (token = text_copy(next)) == NULL)
        return (error_memory(error));
    free(l->token);
    l->token = token;
    return (token != NULL);
}

int
listing_end(struct listing *l)
{
    switch (l->run->output) {
    case OUTPUT_JSON:
        fputs(l->n == 0 ? "[]\n" : "]\n", stdout);
        return (0);
    case OUTPUT_JSONL:
        return (0);
    case OUTPUT_CSV:
        if (l->n == 0)
            add_csv(l, NULL);
        return (0);
    case OUTPUT_TABLE:
    default:
        if (l->n == 0 && (l->table = table_create(l->columns,
            l->ncolumns)) == NULL)
            return (-1);
        end_piece(l);
        return (0);
    }
}

void
listing_free(struct listing *l)
{
    table_free(l->table);
    free(l->token);
    l->table = NULL;
    l->token = NULL;
}
