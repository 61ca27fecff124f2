/*
 * The rows of an upload: each either meets the rules of its association and
 * then makes a record, or is refused in words that are constants.  A byte of
 * flags, then a message of the upload.
 */

#include "fuzz.h"
#include "proto/arena.h"
#include "proto/message.h"
#include "service/credential.h"
#include "service/publish_row.h"

#define TODAY 20779             /* 2026-11-22 */

static const struct message_limits limits = {
    .depth = 16, .elements = 1000, .fields = 32768, .refuse_unknown = 1,
};

static struct arena *arena;
static struct catalog_index *catalog;
static struct factor_key *key;

static void
make_catalog(void)
{
    static Vouch__V1__Association ours = VOUCH__V1__ASSOCIATION__INIT;
    static Vouch__V1__CredentialType pbt = VOUCH__V1__CREDENTIAL_TYPE__INIT,
        foreign = VOUCH__V1__CREDENTIAL_TYPE__INIT;
    Vouch__V1__Association *associations[] = {&ours};
    Vouch__V1__CredentialType *types[] = {&pbt, &foreign};
    Vouch__V1__Catalog all = VOUCH__V1__CATALOG__INIT;
    static char id[] = "ascp-boc", type[] = "ascp-pbt", other[] = "zzz-pbt";
    struct buf bytes;

    ours.id = id;
    pbt.id = type;
    pbt.association_id = id;
    foreign.id = other;
    foreign.association_id = other;
    all.associations = associations;
    all.n_associations = 1;
    all.credential_types = types;
    all.n_credential_types = 2;
    buf_init(&bytes, 4096);
    FUZZ_CHECK(message_pack(&all.base, &bytes) == E_OK);
    FUZZ_CHECK(catalog_index_create(buf_slice(&bytes), &catalog) == E_OK);
    buf_free(&bytes);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const uint8_t secret[FACTOR_KEY] = {1, 2, 3};

    (void)argc, (void)argv;
    FUZZ_CHECK(arena_create((size_t)2 << 20, &arena) == E_OK);
    FUZZ_CHECK(factor_key_create(secret, &key) == E_OK);
    make_catalog();
    return (0);
}

static void
check_reject(const struct row_reject *reject)
{
    Vouch__V1__RowReject out;

    FUZZ_CHECK((unsigned)reject->fault < ROW_FAULT_COUNT);
    FUZZ_CHECK((unsigned)reject->field < ROW_FIELD_COUNT);
    vouch__v1__row_reject__init(&out);
    publish_row_fill(reject, &out);
    FUZZ_CHECK(out.field[0] != '\0' && out.reason[0] != '\0');
    FUZZ_CHECK(out.description[0] != '\0');
}

/* ---- the record of a row that was taken -------------------------------- */

/* Sealed bytes are canonical, and come back from the store. */
static const Vouch__V1__CredentialRecord *
stored(const Vouch__V1__CredentialRecord *record)
{
    const ProtobufCMessageDescriptor *type =
        &vouch__v1__credential_record__descriptor;
    struct message_limits open = limits;
    struct message_fault fault;
    ProtobufCMessage *message;
    struct buf bytes;
    enum err err;

    open.refuse_unknown = 0;
    buf_init(&bytes, SIZE_MAX / 2);
    FUZZ_CHECK(message_pack(&record->base, &bytes) == E_OK);
    FUZZ_CHECK(message_is_canonical(type, buf_slice(&bytes)));
    err = message_decode(type, buf_slice(&bytes), &open, arena, &message,
        &fault);
    FUZZ_CHECK(err == E_OK || arena_exhausted(arena));
    buf_free(&bytes);
    return ((const Vouch__V1__CredentialRecord *)message);
}

/*
 * The same row once more, on another day: it is the same holder, and changes
 * nothing.
 */
static void
check_again(const Vouch__V1__CredentialRecord *record,
    struct credential_names *names, const struct credential_terms *terms)
{
    static struct credential_draft draft;
    struct credential_terms later = *terms;
    enum credential_holder holder;
    struct buf before, after;
    int differ;

    later.today = civil_of_day(civil_last_day(terms->today) + 40);
    FUZZ_CHECK(credential_same_holder(record, names, &holder) == E_OK);
    FUZZ_CHECK(holder != HOLDER_OTHER);
    FUZZ_CHECK(credential_other_facts(record, names->row, terms->key,
        terms->credential_id, &differ) == E_OK);
    FUZZ_CHECK(!differ);
    FUZZ_CHECK(credential_draft_make(&draft, names, record, &later) == E_OK);
    buf_init(&before, SIZE_MAX / 2);
    buf_init(&after, SIZE_MAX / 2);
    FUZZ_CHECK(message_pack(&record->base, &before) == E_OK);
    FUZZ_CHECK(message_pack(&draft.record.base, &after) == E_OK);
    FUZZ_CHECK(slice_equal(buf_slice(&before), buf_slice(&after)));
    buf_free(&before);
    buf_free(&after);
}

/* What ${row} makes after ${previous} (NULL: it is the first). */
static const Vouch__V1__CredentialRecord *
make_record(const Vouch__V1__CredentialRow *row, const struct row_terms *terms,
    const Vouch__V1__CredentialRecord *previous)
{
    static const uint8_t id[LEAF_CREDENTIAL_ID] = {7};
    static struct credential_draft draft;
    struct credential_names names = {.row = row};
    const Vouch__V1__CredentialRecord *record;
    char number[NUMBER_MAX + 1];
    const struct credential_terms t = {
        .number_key = number,
        .credential_id = id,
        .key = key,
        .today = civil_of_day(terms->today),
    };
    enum credential_holder holder;
    struct civil since;
    int differ, assumed = 0;

    FUZZ_CHECK(number_key(&terms->rules, slice_of(row->number), number) ==
        E_OK);
    if (previous != NULL) {
        FUZZ_CHECK(credential_same_holder(previous, &names, &holder) == E_OK);
        FUZZ_CHECK(credential_other_facts(previous, row, key, id, &differ) ==
            E_OK);
    }
    FUZZ_CHECK(credential_draft_make(&draft, &names, previous, &t) == E_OK);
    FUZZ_CHECK(draft.record.n_names > 0 &&
        draft.record.n_names <= CREDENTIAL_NAMES_MAX);
    if (previous != NULL)
        FUZZ_CHECK(credential_event_kind(previous, &draft.record) !=
            VOUCH__V1__EVENT_KIND__EVENT_KIND_UNSPECIFIED);
    since = credential_effective_on(row, previous == NULL ? &draft.record :
        NULL, t.today, &assumed);
    FUZZ_CHECK(civil_is_given(since) && civil_is_valid(since));
    if ((record = stored(&draft.record)) != NULL)
        check_again(record, &names, &t);
    return (record);
}

static void
check_rows(const Vouch__V1__PublishCredentialsRequest *request,
    const struct row_terms *terms)
{
    const Vouch__V1__CredentialRecord *last = NULL;
    struct row_reject reject;
    enum err err;

    for (size_t i = 0; i < request->n_rows; i++) {
        err = publish_row_check(request->rows[i], terms, &reject);
        if (err == E_OK) {
            last = make_record(request->rows[i], terms, last);
        } else {
            FUZZ_CHECK(err == E_INVAL);
            check_reject(&reject);
        }
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = {data, size};
    struct message_fault fault;
    ProtobufCMessage *message;
    uint8_t flags = fuzz_byte(&in);
    const struct row_terms terms = {
        .catalog = catalog,
        .association = catalog_index_association(catalog, "ascp-boc"),
        .rules = {flags & 1, (flags >> 1) & 1, (flags >> 2) & 1},
        .today = TODAY,
    };

    arena_reset(arena);
    if (message_decode(&vouch__v1__publish_credentials_request__descriptor,
        in, &limits, arena, &message, &fault) == E_OK)
        check_rows((const Vouch__V1__PublishCredentialsRequest *)message,
            &terms);
    return (0);
}
