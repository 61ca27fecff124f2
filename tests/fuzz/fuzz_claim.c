/*
 * A claim, under each identity policy, and what is on file for it.  A status
 * never repeats what was claimed; a claim against nothing on file is never
 * more than NO_MATCH; a decision tells no more than its verdict allows; an
 * order that extends what has ended takes nothing from anybody.  A byte for
 * the policy, one of flags, then parts of which a byte and a half
 * says the length: the claim, then events.
 */

#include <ctype.h>
#include <string.h>

#include "decide/decide.h"
#include "fuzz.h"
#include "proto/arena.h"
#include "proto/leaf.h"
#include "proto/message.h"

#define EVENTS_MAX 6
#define NOW_US INT64_C(1795348800000000)    /* 2026-11-22T12:00:00Z */
#define VERDICT(x) VOUCH__V1__VERDICT__VERDICT_##x
#define CONCLUSION(x) VOUCH__V1__CONCLUSION__CONCLUSION_##x

static const struct message_limits limits = {
    .depth = 16, .elements = 1000, .fields = 32768,
};

static struct arena *arena;
static struct factor_key *key;

/* ---- what is asked ----------------------------------------------------- */

static const ProtobufCMessage *
take_message(struct slice *in, const ProtobufCMessageDescriptor *type)
{
    struct message_fault fault;
    ProtobufCMessage *message;
    size_t n = fuzz_byte(in);

    n += (size_t)(fuzz_byte(in) % 16) << 8;
    if (message_decode(type, fuzz_take(in, n), &limits, arena, &message,
        &fault) != E_OK)
        return (NULL);
    return (message);
}

static void
set_terms(struct decide_terms *terms, Vouch__V1__Association *association,
    Vouch__V1__NumberNormalization *number, uint8_t policy, uint8_t flags)
{
    vouch__v1__association__init(association);
    vouch__v1__number_normalization__init(number);
    association->identity_policy = (Vouch__V1__IdentityPolicy)(policy % 6);
    association->utc_offset_minutes = ((int)(policy / 6) - 20) * 40;
    number->fold_case = flags & 1;
    number->drop_separators = (flags >> 1) & 1;
    number->drop_leading_zeros = (flags >> 2) & 1;
    if ((flags & 8) == 0)
        association->number = number;
    *terms = (struct decide_terms){
        .association = (flags & 16) == 0 ? association : NULL,
        .type_known = (flags & 32) == 0,
        .recognizers_known = (flags & 64) == 0,
        .now_us = NOW_US,
    };
}

/* Constants only: ASCII, and no number of four digits. */
static void
check_constant(const char *text, size_t size)
{
    int digits = 0;

    FUZZ_CHECK(fuzz_is_text(text, size) && text[0] != '\0');
    for (; *text != '\0'; text++) {
        FUZZ_CHECK(*text >= ' ' && *text <= '~');
        digits = isdigit((unsigned char)*text) ? digits + 1 : 0;
        FUZZ_CHECK(digits < 4);
    }
}

static void
check_refusal(const struct grpc_status *status)
{
    FUZZ_CHECK(status->code == GRPC_INVALID_ARGUMENT);
    FUZZ_CHECK(status->nviolations > 0);
    check_constant(status->message, sizeof(status->message));
    for (size_t i = 0; i < status->nviolations; i++) {
        check_constant(status->violations[i].field,
            sizeof(status->violations[i].field));
        check_constant(status->violations[i].description,
            sizeof(status->violations[i].description));
    }
}

static void
check_prepared(const struct decide_claim *prepared)
{
    FUZZ_CHECK(prepared->family.main[0] != '\0');
    FUZZ_CHECK(strlen(prepared->number_key) <= NUMBER_MAX);
    FUZZ_CHECK((prepared->number_key[0] != '\0') ==
        (prepared->association != NULL));
    FUZZ_CHECK(civil_is_valid(prepared->birth));
    FUZZ_CHECK(civil_is_valid(prepared->issued_on));
}

/* Whole days, months and years; what is seen only; what is not sure. */
static Vouch__V1__Date since = {.year = 2000}, until = {.year = 2026,
    .month = 11}, seen = {.year = 2020, .month = 6, .day = 1};
static char ncca[] = "ncca", state[] = "us-ca", pbt[] = "ascp-pbt",
    mlt[] = "ascp-mlt";
static char *except[] = {mlt};
#define RECOGNITIONS 3
static Vouch__V1__Recognition recognitions[RECOGNITIONS];
static Vouch__V1__Recognition *const recognition_list[] = {&recognitions[0],
    &recognitions[1], &recognitions[2]};

static void
make_recognitions(void)
{
    for (size_t i = 0; i < RECOGNITIONS; i++)
        vouch__v1__recognition__init(&recognitions[i]);
    recognitions[0].recognizer = ncca;
    recognitions[0].valid_from = &since;
    recognitions[0].except_credential_type_ids = except;
    recognitions[0].n_except_credential_type_ids = 1;
    recognitions[0].confidence = VOUCH__V1__CONFIDENCE__CONFIDENCE_OFFICIAL;
    recognitions[1].recognizer = state;
    recognitions[1].credential_type_id = pbt;
    recognitions[1].observed_on = &seen;
    recognitions[1].valid_until = &until;
    recognitions[1].confidence = VOUCH__V1__CONFIDENCE__CONFIDENCE_SECONDARY;
    recognitions[2].recognizer = state;
    recognitions[2].confidence = VOUCH__V1__CONFIDENCE__CONFIDENCE_UNVERIFIED;
}

/* One that nobody checked, of some ends that another extends, and some not. */
static Vouch__V1__Date ended_from = {.year = 2020, .month = 6},
    ended_until = {.year = 2026}, long_from = {.year = 2019},
    long_until = {.year = 2020, .month = 12, .day = 31},
    counts_until = {.year = 2026, .month = 12};
static char none[] = "";
#define EXTENSIONS 2
static Vouch__V1__Extension extensions[EXTENSIONS];
static Vouch__V1__Extension *const extension_list[] = {&extensions[0],
    &extensions[1]};

static void
make_extensions(void)
{
    for (size_t i = 0; i < EXTENSIONS; i++) {
        vouch__v1__extension__init(&extensions[i]);
        extensions[i].counts_until = &counts_until;
    }
    extensions[0].credential_type_id = none;
    extensions[0].ended_from = &ended_from;
    extensions[0].ended_until = &ended_until;
    extensions[0].confidence = VOUCH__V1__CONFIDENCE__CONFIDENCE_UNVERIFIED;
    extensions[1].credential_type_id = pbt;
    extensions[1].ended_from = &long_from;
    extensions[1].ended_until = &long_until;
    extensions[1].confidence = VOUCH__V1__CONFIDENCE__CONFIDENCE_OFFICIAL;
}

/* ---- what is answered -------------------------------------------------- */

/*
 * A restriction or review of which this version knows nothing makes a REVIEW
 * for which it has no reason in words.
 */
static int
says_unknown(const struct decision *d)
{
    return (d->conclusion == CONCLUSION(REVIEW) &&
        ((int)d->restriction < 1 || (int)d->restriction > 3 ||
        (int)d->review < 1 || (int)d->review > 3));
}

static void
check_decision(const struct decision *d)
{
    int told = d->verdict == VERDICT(CONFIRMED) ||
        d->verdict == VERDICT(NOT_CURRENT);

    FUZZ_CHECK(d->verdict != VERDICT(UNSPECIFIED));
    FUZZ_CHECK(d->conclusion != CONCLUSION(UNSPECIFIED));
    FUZZ_CHECK(d->nreasons <= DECIDE_REASONS);
    FUZZ_CHECK(d->nreasons > 0 || says_unknown(d));
    FUZZ_CHECK(d->ncauses <= DECIDE_CAUSES);
    FUZZ_CHECK(d->ncauses == 0 || d->conclusion == CONCLUSION(REVIEW));
    FUZZ_CHECK(d->nfactors <= DECIDE_FACTORS);
    FUZZ_CHECK(told == (d->latest != NULL));
    FUZZ_CHECK(told || d->record == NULL);
    FUZZ_CHECK(d->conclusion != CONCLUSION(YES) ||
        (d->verdict == VERDICT(CONFIRMED) && d->recognition ==
        VOUCH__V1__RECOGNITION_STATE__RECOGNITION_STATE_RECOGNIZED));
}

/*
 * What an order adds to ${plain}, which knows none.  It is told of where the
 * end has passed that the answer shows; not where another word, which may have
 * been so on the day, comes to the same by it.
 */
static void
check_extended(const struct decision *plain, const struct decision *d)
{
    FUZZ_CHECK(plain->extension == NULL);
    if (d->extension != NULL) {
        FUZZ_CHECK(plain->verdict == VERDICT(NOT_CURRENT));
        FUZZ_CHECK(d->verdict == VERDICT(CONFIRMED));
        FUZZ_CHECK(d->extension->confidence !=
            VOUCH__V1__CONFIDENCE__CONFIDENCE_UNVERIFIED);
    } else if (plain->verdict != VERDICT(NOT_CURRENT)) {
        FUZZ_CHECK(d->verdict == plain->verdict);
        FUZZ_CHECK(d->conclusion == plain->conclusion);
    }
}

static void
decide_nothing(struct decide_input *input)
{
    struct decision decision;

    input->nversions = 0;
    FUZZ_CHECK(decide(input, &decision) == E_OK);
    check_decision(&decision);
    FUZZ_CHECK(decision.verdict == (input->claim->association != NULL ?
        VERDICT(NO_MATCH) : VERDICT(UNKNOWN_ISSUER)));
    FUZZ_CHECK(decision.conclusion == CONCLUSION(REVIEW));
}

/* An event of which the high bit is set is of the next credential. */
static size_t
take_events(struct slice *in, struct decide_version *versions)
{
    static uint8_t ids[EVENTS_MAX][LEAF_CREDENTIAL_ID];
    size_t n = 0, credential = 0;

    while (in->n > 0 && n < EVENTS_MAX) {
        const ProtobufCMessage *event;

        if ((fuzz_byte(in) & 0x80) != 0 && n > 0)
            credential++;
        event = take_message(in, &vouch__v1__event__descriptor);
        if (event == NULL)
            break;
        memset(ids[credential], (int)credential + 1, sizeof(ids[0]));
        versions[n] = (struct decide_version){ids[credential], (int64_t)n,
            (const Vouch__V1__Event *)event};
        n++;
    }
    return (n);
}

/* By whom the claim's credential may be recognized. */
struct asked {
    const struct decide_claim *claim;
    size_t n;                   /* of the list */
};

static enum err
recognize(void *cookie, const char *type, Vouch__V1__RecognitionState *says)
{
    const struct asked *asked = cookie;
    Vouch__V1__Recognition *chosen[RECOGNITIONS];
    size_t n;

    *says = decide_recognized(recognition_list, asked->n, asked->claim, type,
        chosen, &n);
    FUZZ_CHECK(n <= asked->n);
    FUZZ_CHECK((n == 0) == (*says ==
        VOUCH__V1__RECOGNITION_STATE__RECOGNITION_STATE_NOT_RECOGNIZED));
    return (E_OK);
}

static void
decide_claimed(const struct decide_claim *claim, uint8_t flags,
    struct slice *in)
{
    struct asked asked = {claim, (flags & 128) == 0 ? RECOGNITIONS : 0};
    struct decide_version versions[EVENTS_MAX];
    struct decide_input input = {
        .claim = claim,
        .versions = versions,
        .key = claim->association != NULL ? key : NULL,
        .recognize = recognize,
        .cookie = &asked,
        .freshness = (flags & 8) == 0 ?
            VOUCH__V1__FRESHNESS_STATE__FRESHNESS_STATE_FRESH :
            VOUCH__V1__FRESHNESS_STATE__FRESHNESS_STATE_STALE,
    };
    struct decision plain, extended;
    enum err err;

    decide_nothing(&input);
    if (claim->association == NULL)
        return;
    input.nversions = take_events(in, versions);
    err = decide(&input, &plain);
    FUZZ_CHECK(err == E_OK || err == E_CORRUPT);
    input.extensions = extension_list;
    input.nextensions = EXTENSIONS;
    FUZZ_CHECK(decide(&input, &extended) == err);
    if (err != E_OK)
        return;
    check_decision(&plain);
    check_decision(&extended);
    check_extended(&plain, &extended);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const uint8_t secret[FACTOR_KEY] = {1, 2, 3};

    (void)argc, (void)argv;
    FUZZ_CHECK(arena_create((size_t)4 << 20, &arena) == E_OK);
    FUZZ_CHECK(factor_key_create(secret, &key) == E_OK);
    make_recognitions();
    make_extensions();
    return (0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = {data, size};
    Vouch__V1__Association association;
    Vouch__V1__NumberNormalization number;
    const Vouch__V1__Claim *claim;
    struct decide_terms terms;
    struct decide_claim prepared;
    struct grpc_status status;
    uint8_t policy = fuzz_byte(&in), flags = fuzz_byte(&in);
    enum err err;

    set_terms(&terms, &association, &number, policy, flags);
    arena_reset(arena);
    claim = (const Vouch__V1__Claim *)take_message(&in,
        &vouch__v1__claim__descriptor);
    if (claim == NULL)
        return (0);
    err = decide_claim_prepare(claim, &terms, &prepared, &status);
    if (err == E_OK) {
        FUZZ_CHECK(status.code == GRPC_OK);
        check_prepared(&prepared);
        decide_claimed(&prepared, flags, &in);
    } else {
        FUZZ_CHECK(err == E_INVAL);
        check_refusal(&status);
    }
    return (0);
}
