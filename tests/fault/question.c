#include "fault/question.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/message.h"
#include "proto/receipt.h"

#include "grpc/health/v1/health.pb-c.h"
#include "grpc/reflection/v1/reflection.pb-c.h"
#include "vouch/v1/access_service.pb-c.h"
#include "vouch/v1/catalog_service.pb-c.h"

#define ASSOCIATION "ascp-boc"
#define STANDING(x) VOUCH__V1__STANDING__STANDING_##x
#define VERDICT(x) VOUCH__V1__VERDICT__VERDICT_##x
#define BASE_ID "0195f0c4-1111-4abc-8def-000000000000"
#define UPLOAD_ID "0195f0c4-2222-4abc-8def-%012lx"
#define DECLARATION_ID "0195f0c4-3333-4abc-8def-%012lx"
#define QUESTION_ID "0195f0c4-4444-4abc-8def-0123456789ab"

/* Protobuf-c's strings are not const; nobody writes through these. */
static char *
text(const char *s)
{
    union {
        const char *in;
        char *out;
    } u = {.in = s};

    return (u.out);
}

static void
write_frame(const ProtobufCMessage *message, struct buf *out)
{
    struct buf packed;
    uint8_t prefix[5] = {0};

    buf_init(&packed, (size_t)1024 * 1024);
    if (message_pack(message, &packed) != E_OK)
        abort();
    for (int i = 0; i < 4; i++)
        prefix[1 + i] = (uint8_t)(packed.n >> (24 - 8 * i));
    if (buf_add(out, (struct slice){prefix, sizeof(prefix)}) != E_OK ||
        buf_add(out, buf_slice(&packed)) != E_OK)
        abort();
    buf_free(&packed);
}

struct slice
question_message(struct slice body, size_t i)
{
    while (body.n >= 5) {
        size_t n = (size_t)body.p[1] << 24 | (size_t)body.p[2] << 16 |
            (size_t)body.p[3] << 8 | body.p[4];

        if (body.n - 5 < n)
            break;
        if (i-- == 0)
            return ((struct slice){body.p + 5, n});
        body.p += 5 + n;
        body.n -= 5 + n;
    }
    return ((struct slice){NULL, 0});
}

static struct arena *
read_receipt(struct slice body, struct receipt *receipt)
{
    struct arena *arena;
    char why[128];

    if (arena_create((size_t)1024 * 1024, &arena) != E_OK)
        abort();
    if (receipt_read(question_message(body, 0), arena, receipt, why,
        sizeof(why)) == E_OK)
        return (arena);
    arena_free(arena);
    return (NULL);
}

int
question_same(struct slice body, struct slice right)
{
    struct receipt receipts[2];
    struct arena *arenas[2];
    int same;

    if (slice_equal(body, right))
        return (1);
    arenas[0] = read_receipt(body, &receipts[0]);
    arenas[1] = read_receipt(right, &receipts[1]);
    same = arenas[0] != NULL && arenas[1] != NULL &&
        slice_equal(receipts[0].answer_bytes, receipts[1].answer_bytes) &&
        slice_equal(receipts[0].question_bytes, receipts[1].question_bytes);
    arena_free(arenas[0]);
    arena_free(arenas[1]);
    return (same);
}

int
question_verdict(struct slice body)
{
    struct slice packed = question_message(body, 0);
    Vouch__V1__VerifyCredentialResponse *response =
        vouch__v1__verify_credential_response__unpack(NULL, packed.n,
        packed.p);
    int verdict = response != NULL && response->answer != NULL ?
        (int)response->answer->verdict : 0;

    if (response != NULL)
        vouch__v1__verify_credential_response__free_unpacked(response, NULL);
    return (verdict);
}

/* ---- uploads ----------------------------------------------------------- */

struct row {
    Vouch__V1__CredentialRow row;
    Vouch__V1__HumanName name;
    Vouch__V1__Date born;
    char number[32];
};

static void
row_init(struct row *r, int line, const char *type, const char *number,
    Vouch__V1__Standing standing)
{
    vouch__v1__credential_row__init(&r->row);
    vouch__v1__human_name__init(&r->name);
    vouch__v1__date__init(&r->born);
    (void)snprintf(r->number, sizeof(r->number), "%s", number);
    r->name.family = text("Fault");
    r->born.year = 1990;
    r->row.line = line;
    r->row.credential_type_id = text(type);
    r->row.number = r->number;
    r->row.name = &r->name;
    r->row.birth_date = &r->born;
    r->row.standing = standing;
}

static void
write_upload(const char *id, struct row *rows, size_t n, struct buf *out)
{
    Vouch__V1__PublishCredentialsRequest request =
        VOUCH__V1__PUBLISH_CREDENTIALS_REQUEST__INIT;
    Vouch__V1__PublicationHeader header =
        VOUCH__V1__PUBLICATION_HEADER__INIT;
    Vouch__V1__CredentialRow *list[QUESTION_ROWS];

    header.request_id = text(id);
    header.association_id = text(ASSOCIATION);
    header.mode = VOUCH__V1__PUBLICATION_MODE__PUBLICATION_MODE_DELTA;
    header.want_openings = 1;
    request.header = &header;
    write_frame(&request.base, out);

    for (size_t i = 0; i < n; i++)
        list[i] = &rows[i].row;
    vouch__v1__publish_credentials_request__init(&request);
    request.rows = list;
    request.n_rows = n;
    write_frame(&request.base, out);
}

void
question_write_base(struct buf *out)
{
    struct row rows[QUESTION_BASE_EVENTS];

    row_init(&rows[0], 1, "ascp-pbt", "100", STANDING(ACTIVE));
    row_init(&rows[1], 2, "ascp-pbt", "200", STANDING(REVOKED));
    row_init(&rows[2], 3, "ascp-pbt", "300", STANDING(ACTIVE));
    row_init(&rows[3], 4, "ascp-mlt", "300", STANDING(ACTIVE));
    write_upload(BASE_ID, rows, QUESTION_BASE_EVENTS, out);
}

void
question_write_upload(unsigned long serial, struct buf *out)
{
    struct row rows[QUESTION_ROWS];
    char id[64], number[32];

    for (int i = 0; i < QUESTION_ROWS; i++) {
        (void)snprintf(number, sizeof(number), "1%08lu%d", serial, i);
        row_init(&rows[i], i + 1, "ascp-pbt", number, STANDING(ACTIVE));
    }
    (void)snprintf(id, sizeof(id), UPLOAD_ID, serial);
    write_upload(id, rows, QUESTION_ROWS, out);
}

static void
write_get(const char *id, struct buf *out)
{
    Vouch__V1__GetPublicationRequest request =
        VOUCH__V1__GET_PUBLICATION_REQUEST__INIT;

    request.request_id = text(id);
    write_frame(&request.base, out);
}

void
question_write_get(unsigned long serial, struct buf *out)
{
    char id[64];

    (void)snprintf(id, sizeof(id), UPLOAD_ID, serial);
    write_get(id, out);
}

void
question_write_declaration(unsigned long serial, int64_t now_us,
    struct buf *out)
{
    Vouch__V1__DeclareCurrentRequest request =
        VOUCH__V1__DECLARE_CURRENT_REQUEST__INIT;
    char id[64];

    (void)snprintf(id, sizeof(id), DECLARATION_ID, serial);
    request.request_id = id;
    request.association_id = text(ASSOCIATION);
    request.as_of_us = now_us;
    write_frame(&request.base, out);
}

/* ---- claims ------------------------------------------------------------ */

struct claim {
    const char *association, *type, *number, *family;
    int year;                   /* of birth; 0: not said */
};

static void
write_claim(const struct claim *said, struct buf *out)
{
    Vouch__V1__VerifyCredentialRequest request =
        VOUCH__V1__VERIFY_CREDENTIAL_REQUEST__INIT;
    Vouch__V1__Claim claim = VOUCH__V1__CLAIM__INIT;
    Vouch__V1__HumanName name = VOUCH__V1__HUMAN_NAME__INIT;
    Vouch__V1__Date born = VOUCH__V1__DATE__INIT;

    name.family = text(said->family);
    born.year = said->year;
    claim.association_id = text(said->association);
    claim.credential_type_id = text(said->type);
    claim.number = text(said->number);
    claim.name = &name;
    if (said->year != 0)
        claim.birth_date = &born;
    request.request_id = text(QUESTION_ID);
    request.claim = &claim;
    write_frame(&request.base, out);
}

void
question_write_claim(unsigned long serial, int row, struct buf *out)
{
    char number[32];

    (void)snprintf(number, sizeof(number), "1%08lu%d", serial, row);
    write_claim(&(struct claim){ASSOCIATION, "ascp-pbt", number, "Fault",
        1990}, out);
}

#define CLAIM(name, ...)                                                    \
    static void                                                             \
    name(struct buf *out)                                                   \
    {                                                                       \
        write_claim(&(struct claim){__VA_ARGS__}, out);                     \
    }

CLAIM(confirmed, ASSOCIATION, "ascp-pbt", "100", "Fault", 1990)
CLAIM(not_current, ASSOCIATION, "ascp-pbt", "200", "Fault", 1990)
CLAIM(mismatch, ASSOCIATION, "ascp-mls", "100", "Fault", 1990)
CLAIM(ambiguous, ASSOCIATION, "", "300", "Fault", 1990)
CLAIM(no_match, ASSOCIATION, "ascp-pbt", "100", "Fault", 1991)
CLAIM(unknown_issuer, "nobody-knows", "x-pbt", "100", "Fault", 1990)
CLAIM(incomplete, ASSOCIATION, "ascp-pbt", "100", "Fault", 0)

/* ---- the rest ---------------------------------------------------------- */

void
question_write_empty(struct buf *out)
{
    Vouch__V1__WhoAmIRequest none = VOUCH__V1__WHO_AM_IREQUEST__INIT;

    write_frame(&none.base, out);
}

static void
one_association(struct buf *out)
{
    Vouch__V1__GetAssociationRequest request =
        VOUCH__V1__GET_ASSOCIATION_REQUEST__INIT;

    request.association_id = text(ASSOCIATION);
    write_frame(&request.base, out);
}

static void
base_publication(struct buf *out)
{
    write_get(BASE_ID, out);
}

static void
denied_declaration(struct buf *out)
{
    question_write_declaration(0, 1, out);
}

static void
reflection(struct buf *out)
{
    Grpc__Reflection__V1__ServerReflectionRequest request =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;

#define ASKED(x) \
    GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##x
    request.message_request_case = ASKED(LIST_SERVICES);
    request.list_services = text("*");
    write_frame(&request.base, out);
    request.message_request_case = ASKED(FILE_CONTAINING_SYMBOL);
    request.file_containing_symbol = text("vouch.v1.VerificationService");
    write_frame(&request.base, out);
#undef ASKED
}

const struct question questions[] = {
    {"verify CONFIRMED", "employer", QUESTION_VERIFY, confirmed, 0,
        VERDICT(CONFIRMED), 0},
    {"verify NOT_CURRENT", "employer", QUESTION_VERIFY, not_current, 0,
        VERDICT(NOT_CURRENT), 0},
    {"verify MISMATCH", "employer", QUESTION_VERIFY, mismatch, 0,
        VERDICT(MISMATCH), 0},
    {"verify AMBIGUOUS", "employer", QUESTION_VERIFY, ambiguous, 0,
        VERDICT(AMBIGUOUS), 0},
    {"verify NO_MATCH", "employer", QUESTION_VERIFY, no_match, 0,
        VERDICT(NO_MATCH), 0},
    {"verify UNKNOWN_ISSUER", "employer", QUESTION_VERIFY, unknown_issuer, 0,
        VERDICT(UNKNOWN_ISSUER), 0},
    {"verify without a factor", "employer", QUESTION_VERIFY, incomplete, 3,
        0, 0},
    {"get association", "employer",
        "/vouch.v1.CatalogService/GetAssociation", one_association, 0, 0, 0},
    {"list associations", "auditor",
        "/vouch.v1.CatalogService/ListAssociations", question_write_empty, 0,
        0, 0},
    {"list credential types", "employer",
        "/vouch.v1.CatalogService/ListCredentialTypes", question_write_empty,
        0, 0, 0},
    {"who am I", "association", QUESTION_WHOAMI, question_write_empty, 0, 0,
        0},
    {"health check", "employer", "/grpc.health.v1.Health/Check",
        question_write_empty, 0, 0, 0},
    {"health list", "employer", "/grpc.health.v1.Health/List",
        question_write_empty, 0, 0, 0},
    {"health watch", "employer", QUESTION_WATCH, question_write_empty, 0, 0,
        1},
    {"reflection", "admin",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        reflection, 0, 0, 0},
    {"get publication", "association", QUESTION_GET, base_publication, 0, 0,
        0},
    {"list publications", "auditor",
        "/vouch.v1.PublishingService/ListPublications", question_write_empty,
        0, 0, 0},
    {"list events", "association", "/vouch.v1.PublishingService/ListEvents",
        question_write_empty, 0, 0, 0},
    {"not allowed", "employer", QUESTION_DECLARE, denied_declaration, 7, 0,
        0},
    {"no such method", "employer", "/vouch.v1.AccessService/Nothing",
        question_write_empty, 12, 0, 0},
};

const size_t question_count = sizeof(questions) / sizeof(questions[0]);
