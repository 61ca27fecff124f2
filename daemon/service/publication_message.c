/* An upload's outcome, as messages have it. */

#include <stdio.h>
#include <string.h>

#include "service/publication.h"

const char *
publication_refusal_name(enum publication_refusal refusal)
{
    static const char *const names[] = {
#define X(name) [REFUSAL_##name] = #name,
        PUBLICATION_REFUSALS(X)
#undef X
    };

    return (names[refusal]);
}

static void
uuid_text(const uint8_t id[STORE_ID], char text[37])
{
    char hex[2 * STORE_ID + 1];

    bytes_to_hex((struct slice){id, STORE_ID}, hex);
    (void)snprintf(text, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8,
        hex + 12, hex + 16, hex + 20);
}

/* Cut the list at its blanks. */
static size_t
split_types(struct publication_texts *texts)
{
    char *rest = texts->types;
    char *blank;
    size_t n = 0;

    while (rest[0] != '\0' && n < PUBLICATION_TYPES_MAX) {
        texts->type_list[n++] = rest;
        if ((blank = strchr(rest, ' ')) == NULL)
            break;
        *blank = '\0';
        rest = blank + 1;
    }
    return (n);
}

void
publication_fill(const struct store_publication *outcome,
    struct publication_texts *texts, Vouch__V1__Publication *message)
{
    union {
        const uint8_t *in;
        uint8_t *out;
    } hash = {.in = outcome->content_hash};
    union {
        const char *in;
        char *out;
    } association = {.in = outcome->association};

    bytes_to_hex((struct slice){outcome->id, STORE_ID}, texts->id);
    uuid_text(outcome->request_id, texts->request_id);
    vouch__v1__publication__init(message);
    message->publication_id = texts->id;
    message->request_id = texts->request_id;
    message->association_id = association.out;
    message->mode = (Vouch__V1__PublicationMode)outcome->mode;
    message->source_time_us = outcome->source_time_us;
    message->recorded_at_us = outcome->recorded_at_us;
    message->new_count = outcome->counts[0];
    message->changed_count = outcome->counts[1];
    message->unchanged_count = outcome->counts[2];
    message->rejected_count = outcome->counts[3];
    message->content_hash = (ProtobufCBinaryData){STAGING_HASH, hash.out};
    message->first_log_index = outcome->first_log_index;
    message->event_count = outcome->event_count;
    message->manifest_log_index = outcome->manifest_log_index;
    memcpy(texts->types, outcome->snapshot_types, sizeof(texts->types));
    message->n_snapshot_type_ids = split_types(texts);
    message->snapshot_type_ids = texts->type_list;
    message->not_listed_count = outcome->not_listed;
    message->ending_withheld =
        (Vouch__V1__EndingWithheld)outcome->ending_withheld;
}

int
publication_moves(const struct store_publication *outcome)
{
    return (outcome->counts[0] + outcome->counts[1] +
        outcome->counts[2] + outcome->not_listed > 0);
}
