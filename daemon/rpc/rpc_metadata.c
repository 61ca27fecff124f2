/*
 * Metadata of a call, both ways: of the few methods that read or write some.
 */

#include "rpc/call.h"

#include <stdlib.h>
#include <string.h>

/* On the wire, of the values in one place: trailers stay below 4 KiB. */
#define PLACE_BYTES_MAX 512

struct place {
    struct rpc_header headers[METADATA_MAX];    /* values owned */
    size_t n;
    size_t bytes;
};

struct rpc_metadata {
    struct metadata received[METADATA_MAX];     /* values owned */
    struct place sent[METADATA_PLACES];
};

static int
is_binary(const char *name)
{
    size_t n = strlen(name);

    return (n >= 4 && strcmp(name + n - 4, "-bin") == 0);
}

/* Printable ASCII, and no blank at either end (PROTOCOL-HTTP2.md). */
static int
is_text(struct slice value)
{
    size_t i;

    for (i = 0; i < value.n; i++)
        if (value.p[i] < 0x20 || value.p[i] > 0x7e)
            return (0);
    return (value.n == 0 ||
        (value.p[0] != ' ' && value.p[value.n - 1] != ' '));
}

static void
value_free(struct slice value)
{
    union {
        const uint8_t *in;
        uint8_t *out;
    } u = {.in = value.p};

    free(u.out);
}

static enum err
make(struct rpc_call *call)
{
    if (call->metadata == NULL)
        call->metadata = calloc(1, sizeof(*call->metadata));
    return (call->metadata != NULL ? E_OK : E_NOMEM);
}

/* ---- in ---------------------------------------------------------------- */

/* One value, as it is or what its base64 stands for, which was checked. */
static enum err
receive(struct rpc_call *call, const char *name, struct slice value)
{
    size_t n = value.n;
    uint8_t *bytes;
    enum err err;

    if (call->caller.nmetadata == METADATA_MAX)
        return (E_OK);
    if ((err = make(call)) != E_OK)
        return (err);
    if ((bytes = malloc(value.n + 1)) == NULL)
        return (E_NOMEM);
    if (!is_binary(name)) {
        if (n > 0)
            memcpy(bytes, value.p, n);
    } else if ((err = bytes_from_base64(value, bytes, value.n + 1, &n)) !=
        E_OK) {
        free(bytes);
        return (err);
    }
    call->metadata->received[call->caller.nmetadata++] =
        (struct metadata){name, {bytes, n}};
    call->caller.metadata = call->metadata->received;
    return (E_OK);
}

/* Values that were joined are split at commas before they are decoded. */
static enum err
receive_list(struct rpc_call *call, const char *name, struct slice list)
{
    const uint8_t *comma;
    struct slice one;
    enum err err;

    do {
        one = list;
        comma = list.n > 0 ? memchr(list.p, ',', list.n) : NULL;
        if (comma != NULL) {
            one.n = (size_t)(comma - list.p);
            list.n -= one.n + 1;
            list.p = comma + 1;
        }
        while (one.n > 0 && one.p[0] == ' ')
            one.p++, one.n--;
        while (one.n > 0 && one.p[one.n - 1] == ' ')
            one.n--;
        err = receive(call, name, one);
    } while (err == E_OK && comma != NULL);
    return (err);
}

static enum err
receive_header(struct rpc_call *call, const struct rpc_header *header)
{
    const char *const *name;

    for (name = call->method->metadata; *name != NULL; name++) {
        if (!slice_equal(header->name, slice_of(*name)))
            continue;
        if (is_binary(*name))
            return (receive_list(call, *name, header->value));
        return (receive(call, *name, header->value));
    }
    return (E_OK);
}

enum err
rpc_metadata_receive(struct rpc_call *call, const struct rpc_request *request)
{
    enum err err = E_OK;
    size_t i;

    for (i = 0; i < request->n && err == E_OK; i++)
        err = receive_header(call, &request->headers[i]);
    return (err);
}

/* ---- out --------------------------------------------------------------- */

static enum err
encode(const struct metadata *metadata, struct slice *value)
{
    const struct slice from = metadata->value;
    size_t size = (from.n + 2) / 3 * 4 + 1;
    char *text;
    enum err err;

    if ((text = malloc(size)) == NULL)
        return (E_NOMEM);
    if (is_binary(metadata->name)) {
        if ((err = bytes_to_base64(from, text, size, 0)) != E_OK) {
            free(text);
            return (err);
        }
        *value = slice_of(text);
    } else {
        if (from.n > 0)
            memcpy(text, from.p, from.n);
        *value = (struct slice){(const uint8_t *)text, from.n};
    }
    return (E_OK);
}

enum err
rpc_metadata_add(struct rpc_call *call, enum metadata_place where,
    const struct metadata *metadata)
{
    struct slice value;
    struct place *place;
    enum err err;

    if (where == METADATA_HEADERS && call->responded)
        return (E_EXISTS);
    if (metadata->value.n > PLACE_BYTES_MAX)
        return (E_TOOBIG);
    if (!is_binary(metadata->name) && !is_text(metadata->value))
        return (E_INVAL);
    if ((err = make(call)) != E_OK)
        return (err);
    place = &call->metadata->sent[where];
    if (place->n == METADATA_MAX)
        return (E_TOOBIG);
    if ((err = encode(metadata, &value)) != E_OK)
        return (err);
    if (place->bytes + value.n > PLACE_BYTES_MAX) {
        value_free(value);
        return (E_TOOBIG);
    }
    place->headers[place->n++] = (struct rpc_header){
        .name = slice_of(metadata->name), .value = value};
    place->bytes += value.n;
    return (E_OK);
}

size_t
rpc_metadata_fill(const struct rpc_call *call, enum metadata_place where,
    struct rpc_header *headers)
{
    const struct place *place;

    if (call->metadata == NULL)
        return (0);
    place = &call->metadata->sent[where];
    memcpy(headers, place->headers, place->n * sizeof(headers[0]));
    return (place->n);
}

void
rpc_metadata_free(struct rpc_metadata *metadata)
{
    size_t i, k;

    if (metadata == NULL)
        return;
    for (i = 0; i < METADATA_MAX; i++)
        value_free(metadata->received[i].value);
    for (k = 0; k < METADATA_PLACES; k++)
        for (i = 0; i < metadata->sent[k].n; i++)
            value_free(metadata->sent[k].headers[i].value);
    free(metadata);
}
