#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/command.h"
#include "client/error.h"
#include "client/event_pages.h"
#include "client/json.h"
#include "client/listing.h"
#include "client/text.h"
#include "proto/arena.h"
#include "proto/civil.h"
#include "proto/message.h"

#include "vouch/v1/log_entry.pb-c.h"

#define EVENT_MEMORY ((size_t)4 << 20)
#define NCOLUMNS 12

const struct flag event_list_flags[] = {
    {"publication", "ID", "only those of this publication, by its own id"},
    {"number", "N", "only those of credentials under this number"},
    {"from-index", "I", "only those at this index of the log or behind it"},
    {NULL, NULL, NULL},
};

static const char *const columns[NCOLUMNS] = {"INDEX", "RECORDED", "EVENT",
    "TYPE", "NUMBER", "FAMILY", "GIVEN", "STANDING", "RESTRICTION", "REVIEW",
    "EFFECTIVE", "PUBLICATION"};
static const char *const csv[NCOLUMNS] = {"log_index", "recorded_at", "event",
    "credential_type", "number", "family", "given", "standing", "restriction",
    "review", "effective_on", "publication_id"};

static const struct message_limits limits = {.depth = 16, .elements = 4096,
    .fields = 65536, .refuse_unknown = 0};

/* What the bytes of an opening say; it lives in ${arena}. */
static int
decode(const Vouch__V1__Opening *opening, struct arena *arena,
    const Vouch__V1__Event **event, struct vouch_error *error)
{
    ProtobufCMessage *message = NULL;
    struct message_fault fault;
    enum err err;

    arena_reset(arena);
    err = message_decode(&vouch__v1__event__descriptor,
        (struct slice){opening->event.data, opening->event.len}, &limits,
        arena, &message, &fault);
    *event = (const Vouch__V1__Event *)message;
    if (err == E_NOMEM)
        return (error_memory(error));
    if (err != E_OK || (*event)->record == NULL ||
        (*event)->publication_id.len != 16)
        return (error_nonsense(error, "an event of the log cannot be read"));
    return (0);
}

/* A value without meaning is left empty: most have no restriction. */
static const char *
word(const ProtobufCEnumDescriptor *descriptor, int value)
{
    return (value == 0 ? "" : text_enum(descriptor, value));
}

static int
add_row(struct listing *l, const Vouch__V1__ListedEvent *listed,
    const Vouch__V1__Event *event)
{
    const Vouch__V1__CredentialRecord *r = event->record;
    const Vouch__V1__HumanName *name =
        r->n_names > 0 ? r->names[0]->name : NULL;
    char index[24], recorded[CIVIL_TIME_TEXT], effective[32], id[33];

    (void)snprintf(index, sizeof(index), "%" PRId64,
        listed->opening->log_index);
    civil_format_time(event->recorded_at_us, 0, recorded);
    text_date(event->effective_on, "", effective);
    bytes_to_hex((struct slice){event->publication_id.data, 16}, id);
    return (listing_add(l, &listed->base, (const char *const[NCOLUMNS]){index,
        recorded, word(&vouch__v1__event_kind__descriptor, (int)event->kind),
        r->credential_type_id, r->number, name != NULL ? name->family : "",
        name != NULL ? name->given : "",
        word(&vouch__v1__standing__descriptor, (int)r->standing),
        word(&vouch__v1__restriction__descriptor, (int)r->restriction),
        word(&vouch__v1__review__descriptor, (int)r->review), effective,
        id}));
}

/* The message, and beside it what its bytes say. */
static int
add_object(struct listing *l, const Vouch__V1__ListedEvent *listed,
    const Vouch__V1__Event *event)
{
    json_t *object = json_of(&listed->base);

    if (object != NULL && json_object_set_new(object, "event",
        json_of(&event->base)) != 0) {
        json_decref(object);
        object = NULL;
    }
    return (listing_add_json(l, object));
}

static int
list(struct event_pages *pages, struct listing *l, struct arena *arena,
    struct vouch_error *error)
{
    const Vouch__V1__ListedEvent *listed;
    const Vouch__V1__Event *event;
    int got;

    while ((got = event_pages_next(pages, &listed, error)) == 1) {
        if (decode(listed->opening, arena, &event, error) != 0)
            return (-1);
        if ((listing_is_json(l) ? add_object(l, listed, event) :
            add_row(l, listed, event)) != 0)
            return (error_memory(error));
    }
    return (got);
}

static int
read_flags(const struct invocation *run, Vouch__V1__ListEventsRequest *request)
{
    const char *publication = flag_value(run, "publication");
    const char *number = flag_value(run, "number");

    if (publication != NULL && number != NULL)
        return (usage_error(run,
            "--publication and --number do not go together"));
    if (publication != NULL)
        request->publication_id = (char *)(uintptr_t)publication;
    if (number != NULL)
        request->number = (char *)(uintptr_t)number;
    return (flag_number(run, "from-index", &request->from_log_index));
}

int
cmd_event_list(const struct invocation *run)
{
    struct event_pages pages = {
        .request = VOUCH__V1__LIST_EVENTS_REQUEST__INIT};
    struct listing l = {.run = run, .columns = columns, .csv = csv,
        .ncolumns = NCOLUMNS};
    struct vouch_error error = {0};
    struct arena *arena = NULL;
    int status;

    if ((status = read_flags(run, &pages.request)) != 0)
        return (status);
    if (arena_create(EVENT_MEMORY, &arena) != E_OK)
        return (bug_error(run, "out of memory"));
    if (vouch_open(&run->options, &pages.vouch, &error) != 0 ||
        list(&pages, &l, arena, &error) != 0)
        status = report_error(run, &error);
    else if (listing_end(&l) != 0)
        status = bug_error(run, "out of memory");
    else
        status = VOUCH_EXIT_YES;
    listing_free(&l);
    event_pages_free(&pages);
    vouch_close(pages.vouch);
    arena_free(arena);
    return (status);
}
