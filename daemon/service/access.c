#include <stdlib.h>

#include "service/text.h"
#include "service/unary.h"

#include "vouch/v1/access_service.pb-c.h"

static void
who_am_i(struct unary_call *call, const ProtobufCMessage *request)
{
    Vouch__V1__WhoAmIResponse response = VOUCH__V1__WHO_AM_IRESPONSE__INIT;
    const struct identity *who = call->caller->identity;
    char key[2 * SHA256_BYTES + 1];
    const struct method *methods;
    char **allowed;
    size_t n;
    size_t i;

    (void)request;
    methods = method_all(&n);
    if ((allowed = calloc(n, sizeof(*allowed))) == NULL) {
        unary_fail_err(call, E_NOMEM);
        return;
    }
    call->state = allowed;
    for (i = 0; i < n; i++)
        if ((methods[i].roles & ROLE_BIT(who->role)) != 0)
            allowed[response.n_methods++] = text_of(methods[i].path + 1);
    response.methods = allowed;
    response.uri = text_of(who->uri);
    response.role = text_of(identity_role_name(who->role));
    response.id = text_of(who->id);
    response.certificate_serial = text_of(who->serial);
    response.certificate_not_after_us = who->not_after_us;
    bytes_to_hex((struct slice){who->key, sizeof(who->key)}, key);
    response.certificate_key_sha256 = key;
    unary_reply(call, &response.base);
}

UNARY_METHOD(who_am_i_method, who_am_i);
