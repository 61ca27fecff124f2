#include "service/verify_question.h"

#include "service/verify_put.h"

/* By hand, as verify_answer.c is, and for the same reason. */
enum {
    NAME_FAMILY = 1, NAME_GIVEN, NAME_MIDDLE, NAME_SUFFIX
};
enum {
    CLAIM_ASSOCIATION_ID = 1, CLAIM_CREDENTIAL_TYPE_ID, CLAIM_NUMBER,
    CLAIM_NAME, CLAIM_BIRTH_DATE, CLAIM_LAST4, CLAIM_ISSUED_ON, CLAIM_AS_OF,
    CLAIM_PURPOSE, CLAIM_ON_BEHALF_OF, CLAIM_AUTHORIZATION_REF,
    CLAIM_REQUESTED_BY, CLAIM_NONCE, CLAIM_RECOGNIZED_BY
};
enum {
    QUESTION_CLAIM = 1, QUESTION_ASKER, QUESTION_REQUEST_ID
};

/* Purpose, dates, and what stands before the name and the claim. */
#define NUMBERS_MAX (3 * PUT_DATE_MAX + 4 * (size_t)WIRE_PUT_NUMBER_MAX)

static uint8_t *
put_name(uint8_t *p, const Vouch__V1__HumanName *name)
{
    uint8_t *const start = p;
    uint8_t *begin = p = wire_put_begin(p, CLAIM_NAME);

    p = put_text(p, NAME_FAMILY, name->family);
    p = put_text(p, NAME_GIVEN, name->given);
    p = put_text(p, NAME_MIDDLE, name->middle);
    p = put_text(p, NAME_SUFFIX, name->suffix);
    return (put_end(start, begin, p));
}

static uint8_t *
put_claim(uint8_t *p, const Vouch__V1__Claim *c)
{
    uint8_t *begin = p = wire_put_begin(p, QUESTION_CLAIM);
    size_t i;

    p = put_text(p, CLAIM_ASSOCIATION_ID, c->association_id);
    p = put_text(p, CLAIM_CREDENTIAL_TYPE_ID, c->credential_type_id);
    p = put_text(p, CLAIM_NUMBER, c->number);
    if (c->name != NULL)
        p = put_name(p, c->name);
    p = put_date(p, CLAIM_BIRTH_DATE, c->birth_date);
    p = put_text(p, CLAIM_LAST4, c->last4);
    p = put_date(p, CLAIM_ISSUED_ON, c->issued_on);
    p = put_date(p, CLAIM_AS_OF, c->as_of);
    p = put_int(p, CLAIM_PURPOSE, c->purpose);
    p = put_text(p, CLAIM_ON_BEHALF_OF, c->on_behalf_of);
    p = put_text(p, CLAIM_AUTHORIZATION_REF, c->authorization_ref);
    p = put_text(p, CLAIM_REQUESTED_BY, c->requested_by);
    p = wire_put_bytes(p, CLAIM_NONCE,
        (struct slice){c->nonce.data, c->nonce.len});
    for (i = 0; i < c->n_recognized_by; i++)
        p = wire_put_ready(p, CLAIM_RECOGNIZED_BY,
            slice_of(c->recognized_by[i]));
    return (wire_put_end(begin, p));
}

enum err
verify_question_pack(const Vouch__V1__Claim *claim, size_t claim_max,
    struct slice asker, struct slice request_id, struct buf *out)
{
    enum err err = buf_reserve(out, claim_max + NUMBERS_MAX +
        WIRE_PUT_BYTES_MAX(asker.n) + WIRE_PUT_BYTES_MAX(request_id.n));
    uint8_t *p;

    if (err != E_OK)
        return (err);
    p = put_claim(out->p + out->n, claim);
    p = wire_put_bytes(p, QUESTION_ASKER, asker);
    p = wire_put_bytes(p, QUESTION_REQUEST_ID, request_id);
    out->n = (size_t)(p - out->p);
    return (E_OK);
}
