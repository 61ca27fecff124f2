#include "rpc/call.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/identity.h"

/* Digits that grpc-timeout may have. */
#define TIMEOUT_DIGITS 8

/* And grpc-previous-rpc-attempts. */
#define ATTEMPTS_DIGITS 4

/* Of a -bin value, decoded at a time; a multiple of 4. */
#define BASE64_PIECE 1024

/* The headers that mean something here. */
struct request {
    struct slice method;
    struct slice path;
    struct slice content_type;
    struct slice encoding;
    struct slice accepted;      /* encodings */
    struct slice timeout;
    struct slice attempts;
    struct slice bad_bin;       /* name of the first one that is not base64 */
    struct slice twice;         /* name of one that may come once */
};

#define IS(text, word) ((text).n == sizeof(word) - 1 && \
    memcmp((text).p, (word), sizeof(word) - 1) == 0)

static int
ends_in_bin(struct slice name)
{
    return (name.n >= 4 && memcmp(name.p + name.n - 4, "-bin", 4) == 0);
}

/* One value, in pieces: only the last may be padded. */
static int
is_base64(struct slice text)
{
    uint8_t out[BASE64_PIECE];
    struct slice piece;
    size_t n;

    while (text.n > 0) {
        piece = text;
        if (piece.n > BASE64_PIECE) {
            piece.n = BASE64_PIECE;
            if (memchr(piece.p, '=', piece.n) != NULL)
                return (0);
        }
        if (bytes_from_base64(piece, out, sizeof(out), &n) != E_OK)
            return (0);
        text.p += piece.n;
        text.n -= piece.n;
    }
    return (1);
}

/* Values that were joined are split at commas before they are decoded. */
static int
is_base64_list(struct slice text)
{
    const uint8_t *comma;
    struct slice one;

    for (;;) {
        one = text;
        comma = text.n > 0 ? memchr(text.p, ',', text.n) : NULL;
        if (comma != NULL)
            one.n = (size_t)(comma - text.p);
        while (one.n > 0 && one.p[0] == ' ')
            one.p++, one.n--;
        while (one.n > 0 && one.p[one.n - 1] == ' ')
            one.n--;
        if (!is_base64(one))
            return (0);
        if (comma == NULL)
            return (1);
        text.n -= (size_t)(comma + 1 - text.p);
        text.p = comma + 1;
    }
}

static void
keep(struct request *r, struct slice *field, const struct rpc_header *header)
{
    if (field->p != NULL)
        r->twice = header->name;
    *field = header->value;
}

static void
pick(const struct rpc_request *request, struct request *r)
{
    const struct rpc_header *h = request->headers;
    size_t i;

    *r = (struct request){0};
    for (i = 0; i < request->n; i++, h++) {
        if (IS(h->name, ":method"))
            keep(r, &r->method, h);
        else if (IS(h->name, ":path"))
            keep(r, &r->path, h);
        else if (IS(h->name, "content-type"))
            keep(r, &r->content_type, h);
        else if (IS(h->name, "grpc-encoding"))
            keep(r, &r->encoding, h);
        else if (IS(h->name, "grpc-timeout"))
            keep(r, &r->timeout, h);
        else if (IS(h->name, "grpc-previous-rpc-attempts"))
            r->attempts = h->value;
        else if (IS(h->name, "grpc-accept-encoding"))
            r->accepted = h->value;
        else if (r->bad_bin.p == NULL && ends_in_bin(h->name) &&
            !is_base64_list(h->value))
            r->bad_bin = h->name;
    }
}

/* application/grpc, application/grpc+proto, either with parameters. */
static int
is_grpc(struct slice type)
{
    static const char grpc[] = "application/grpc";
    static const char proto[] = "+proto";
    size_t n = sizeof(grpc) - 1;

    if (type.n < n || strncasecmp((const char *)type.p, grpc, n) != 0)
        return (0);
    type.p += n;
    type.n -= n;
    n = sizeof(proto) - 1;
    if (type.n >= n && strncasecmp((const char *)type.p, proto, n) == 0) {
        type.p += n;
        type.n -= n;
    }
    while (type.n > 0 && (type.p[0] == ' ' || type.p[0] == '\t'))
        type.p++, type.n--;
    return (type.n == 0 || type.p[0] == ';');
}

/* 1 to 8 digits and a unit; return 0 if it is not that. */
static int
read_timeout(struct slice text, int64_t *us)
{
    int64_t value = 0;
    size_t i;

    if (text.n < 2 || text.n > TIMEOUT_DIGITS + 1)
        return (0);
    for (i = 0; i < text.n - 1; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return (0);
        value = value * 10 + (text.p[i] - '0');
    }
    switch (text.p[text.n - 1]) {
    case 'H':
        value *= 60;
        /* FALLTHROUGH */
    case 'M':
        value *= 60;
        /* FALLTHROUGH */
    case 'S':
        value *= 1000;
        /* FALLTHROUGH */
    case 'm':
        value *= 1000;
        /* FALLTHROUGH */
    case 'u':
        break;
    case 'n':
        value = (value + 999) / 1000;
        break;
    default:
        return (0);
    }
    *us = value;
    return (1);
}

/* It is for the log alone: what is no number counts as none. */
static unsigned
read_attempts(struct slice text)
{
    unsigned value = 0;
    size_t i;

    if (text.n > ATTEMPTS_DIGITS)
        return (0);
    for (i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return (0);
        value = value * 10 + (text.p[i] - '0');
    }
    return (value);
}

/* A header as an error text can show it: printable, and not endless. */
static const char *
shown(struct slice text, char *out, size_t size)
{
    size_t i;

    for (i = 0; i < text.n && i < size - 1; i++)
        out[i] = text.p[i] > 0x20 && text.p[i] < 0x7f ? (char)text.p[i] : '?';
    out[i] = '\0';
    return (out);
}

static void
refuse_path(struct slice path, struct grpc_status *status)
{
    const char *nearest = method_nearest(path);
    char text[128];

    (void)shown(path, text, sizeof(text));
    if (nearest == NULL) {
        grpc_status_set(status, GRPC_UNIMPLEMENTED, "UNKNOWN_METHOD",
            "no method %s", text);
        return;
    }
    grpc_status_set(status, GRPC_UNIMPLEMENTED, "UNKNOWN_METHOD",
        "no method %s; the nearest is %s", text, nearest);
    grpc_status_metadata(status, "nearest", "%s", nearest);
}

static void
refuse_role(const struct method *method, const struct identity *peer,
    struct grpc_status *status)
{
    const char *role = identity_role_name(peer->role);
    char roles[96] = "";
    size_t n = 0;
    int i, w;

    for (i = 0; i < ROLE_COUNT; i++) {
        if ((method->roles & ROLE_BIT(i)) == 0)
            continue;
        w = snprintf(roles + n, sizeof(roles) - n, "%s%s", n > 0 ? "," : "",
            identity_role_name((enum role)i));
        if (w < 0 || (size_t)w >= sizeof(roles) - n)
            break;
        n += (size_t)w;
    }
    grpc_status_set(status, GRPC_PERMISSION_DENIED, "ROLE_NOT_ALLOWED",
        "role %s may not call %s; roles that may: %s", role, method->path,
        n > 0 ? roles : "none");
    grpc_status_metadata(status, "role", "%s", role);
    grpc_status_metadata(status, "roles", "%s", roles);
    grpc_status_metadata(status, "uri", "%s", peer->uri);
}

/* Is ${word} in a list of words between commas and blanks? */
static int
has_word(struct slice list, const char *word)
{
    const uint8_t *end = list.n > 0 ? list.p + list.n : NULL;
    const uint8_t *p = list.p;
    size_t n = strlen(word), length;

    while (p < end) {
        for (length = 0; p + length < end; length++)
            if (strchr(", \t", p[length]) != NULL)
                break;
        if (length == n && memcmp(p, word, n) == 0)
            return (1);
        p += length + 1;
    }
    return (0);
}

/* What is left once method and caller are known to go together. */
static int
check_rest(const struct request *r, struct rpc_facts *facts,
    struct grpc_status *status)
{
    char text[64];

    if (r->twice.p != NULL) {
        grpc_status_set(status, GRPC_INTERNAL, "HEADER_TWICE",
            "header %s was sent twice", shown(r->twice, text, sizeof(text)));
        return (0);
    }
    facts->sends_gzip = IS(r->encoding, "gzip");
    facts->takes_gzip = facts->method->compress &&
        has_word(r->accepted, "gzip");
    if (r->encoding.p != NULL && !facts->sends_gzip &&
        !IS(r->encoding, "identity")) {
        facts->encoding_unknown = 1;
        grpc_status_set(status, GRPC_UNIMPLEMENTED, "UNKNOWN_ENCODING",
            "grpc-encoding %s is not known; send identity or gzip",
            shown(r->encoding, text, sizeof(text)));
        return (0);
    }
    if (r->timeout.p != NULL && !read_timeout(r->timeout, &facts->timeout_us)) {
        grpc_status_set(status, GRPC_INTERNAL, "BAD_TIMEOUT",
            "grpc-timeout %s is not 1 to 8 digits and one of H M S m u n",
            shown(r->timeout, text, sizeof(text)));
        return (0);
    }
    if (r->bad_bin.p != NULL) {
        grpc_status_set(status, GRPC_INTERNAL, "BAD_BASE64",
            "header %s is not base64",
            shown(r->bad_bin, text, sizeof(text)));
        return (0);
    }
    if (facts->timeout_us == 0) {
        grpc_status_set(status, GRPC_DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED",
            "the deadline had passed when the call arrived");
        return (0);
    }
    return (1);
}

/* What is asked of /healthz, with or without a query. */
static enum rpc_plain_kind
health_kind(struct slice method)
{
    if (IS(method, "GET"))
        return (RPC_PLAIN_HEALTH);
    return (IS(method, "HEAD") ? RPC_PLAIN_HEALTH_HEAD :
        RPC_PLAIN_HEALTH_METHOD);
}

static int
is_health(struct slice path)
{
    static const char health[] = "/healthz";
    size_t n = sizeof(health) - 1;

    return (path.n >= n && memcmp(path.p, health, n) == 0 &&
        (path.n == n || path.p[n] == '?'));
}

/*
 * Not gRPC, as far as method and content type say.  Without a content type,
 * which may have been cut off, it is taken for gRPC.
 */
static enum rpc_plain_kind
plain_kind(const struct rpc_request *request, const struct request *r)
{
    int posted = IS(r->method, "POST");

    if (posted && (is_grpc(r->content_type) ||
        (request->cut && r->content_type.p == NULL)))
        return (RPC_PLAIN_NOT);
    if (request->cut)
        return (RPC_PLAIN_CUT);
    if (is_health(r->path))
        return (health_kind(r->method));
    return (posted ? RPC_PLAIN_TYPE : RPC_PLAIN_METHOD);
}

int
rpc_headers_check(const struct rpc_request *request,
    const struct identity *peer, struct rpc_facts *facts,
    struct grpc_status *status)
{
    struct request r;

    *facts = (struct rpc_facts){.timeout_us = -1};
    pick(request, &r);

    if ((facts->plain = plain_kind(request, &r)) != RPC_PLAIN_NOT)
        return (0);
    facts->attempts = read_attempts(r.attempts);
    if (request->cut) {
        grpc_status_set(status, GRPC_RESOURCE_EXHAUSTED, "HEADERS_TOO_BIG",
            "the request's headers are above the limit on them");
        return (0);
    }
    if ((facts->method = method_find(r.path)) == NULL) {
        refuse_path(r.path, status);
        return (0);
    }

    /* Nobody may do anything, unless the method's row says so. */
    if ((facts->method->roles & ROLE_BIT(peer->role)) == 0) {
        refuse_role(facts->method, peer, status);
        return (0);
    }
    return (check_rest(&r, facts, status));
}
