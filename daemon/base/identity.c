#include "base/identity.h"

#include <string.h>

static const char *const role_names[ROLE_COUNT] = {
    [ROLE_EMPLOYER] = "employer",
    [ROLE_ASSOCIATION] = "association",
    [ROLE_AUDITOR] = "auditor",
    [ROLE_ADMIN] = "admin",
};

static const char scheme[] = "spiffe://";

const char *
identity_role_name(enum role role)
{
    return ((unsigned)role < ROLE_COUNT ? role_names[role] : "none");
}

/* What SPIFFE-ID forbids, and somebody may think is allowed. */
static const char *
foreign_part(struct slice uri)
{
    static const struct {
        char mark;
        const char *why;
    } marks[] = {
        {'%', "the URI has an escape in it"},
        {'?', "the URI has a query"},
        {'#', "the URI has a fragment"},
        {'@', "the URI has a user in it"},
    };

    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        if (uri.n > 0 && memchr(uri.p, marks[i].mark, uri.n) != NULL)
            return (marks[i].why);
    return (NULL);
}

/* Take ${text} off the front of ${*in}; return 0 if it is not there. */
static int
take(struct slice *in, const char *text)
{
    size_t n = strlen(text);

    if (in->n < n || memcmp(in->p, text, n) != 0)
        return (0);
    in->p += n;
    in->n -= n;
    return (1);
}

static int
take_role(struct slice *in, enum role *role)
{
    for (int r = 0; r < ROLE_COUNT; r++) {
        struct slice rest = *in;

        if (take(&rest, role_names[r]) && take(&rest, "/")) {
            *in = rest;
            *role = (enum role)r;
            return (1);
        }
    }
    return (0);
}

static int
is_id(struct slice id)
{
    if (id.n == 0 || id.n > IDENTITY_ID_MAX)
        return (0);
    for (size_t i = 0; i < id.n; i++) {
        uint8_t ch = id.p[i];

        if (!(ch >= 'a' && ch <= 'z') && !(ch >= '0' && ch <= '9') &&
            ch != '-')
            return (0);
    }
    return (1);
}

enum err
identity_parse(struct slice uri, const char *trust_domain,
    struct identity *identity, const char **why)
{
    struct slice rest = uri;
    enum role role;

    if (uri.n > IDENTITY_URI_MAX) {
        *why = "the URI is too long";
        return (E_TOOBIG);
    }
    *why = "the URI does not begin with spiffe://";
    if (!take(&rest, scheme))
        return (E_INVAL);
    if ((*why = foreign_part(rest)) != NULL)
        return (E_INVAL);
    *why = "the URI lies in another trust domain";
    if (!take(&rest, trust_domain) || !take(&rest, "/"))
        return (E_INVAL);
    *why = "the URI names no role: employer, association, auditor or admin";
    if (!take_role(&rest, &role))
        return (E_INVAL);
    *why = "the URI's id is not 1 to 63 of a-z, 0-9 and hyphen";
    if (!is_id(rest))
        return (E_INVAL);

    identity->role = role;
    memcpy(identity->uri, uri.p, uri.n);
    identity->uri[uri.n] = '\0';
    memcpy(identity->id, rest.p, rest.n);
    identity->id[rest.n] = '\0';
    *why = NULL;
    return (E_OK);
}
