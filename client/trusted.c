#include "client/trusted.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "client/table.h"
#include "client/trust_memory.h"
#include "client/whole_file.h"

static int
say(const struct invocation *run, int code, const char *path,
    const char *what, const char *next)
{
    fprintf(stderr, "vouch %s%s%s: ", run->command->noun,
        run->command->verb != NULL ? " " : "",
        run->command->verb != NULL ? run->command->verb : "");
    table_put(stderr, path);
    fputs(": ", stderr);
    table_put(stderr, what);
    fprintf(stderr, "\n  -> %s\n", next);
    return (code);
}

static void
note(const struct invocation *run, const char *before, const char *text,
    const char *after)
{
    if (run->quiet)
        return;
    fprintf(stderr, "vouch: %s", before);
    table_put(stderr, text);
    fprintf(stderr, "%s\n", after);
}

static int64_t
now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return ((int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

/* Read and parse it.  Returns 0, or an exit code. */
static int
read_trust(const struct invocation *run, struct trusted *t)
{
    uint8_t id[ED25519_KEY_ID];
    struct buf bytes;
    char why[256];
    int status = 0;
    enum err err;

    buf_init(&bytes, TRUST_BYTES_MAX);
    if ((err = whole_file_read(run->trust, &bytes)) != E_OK)
        status = say(run, err == E_NOTFOUND ? VOUCH_EXIT_NO_SUCH :
            err == E_NOMEM ? VOUCH_EXIT_BUG : VOUCH_EXIT_USAGE, run->trust,
            whole_file_fault(err), "--trust or VOUCH_TRUST must name the "
            "operator's trust.json");
    else if ((err = trust_read(buf_slice(&bytes), &t->trust, why,
            sizeof(why))) == E_NOMEM)
        status = bug_error(run, "%s", err_text(err));
    else if (err != E_OK)
        status = say(run, err == E_CORRUPT ? VOUCH_EXIT_EVIDENCE :
            VOUCH_EXIT_USAGE, run->trust, why,
            "get trust.json from the operator again; nothing was judged");
    buf_free(&bytes);
    if (status != 0)
        return (status);
    ed25519_key_id(trust_root_key(t->trust), id);
    bytes_to_hex((struct slice){id, sizeof(id)}, t->root_key);
    return (0);
}

/*
 * Names under .invalid (RFC 2606) are nobody's: each development daemon has a
 * root key of its own under the same.
 */
static int
is_nobody(const char *origin)
{
    static const char tail[] = ".invalid";
    size_t n = strlen(origin);

    return (n >= sizeof(tail) - 1 &&
        strcmp(origin + n - (sizeof(tail) - 1), tail) == 0);
}

static int
refuse_root(const struct invocation *run, const struct trusted *t,
    const char *expected)
{
    char what[320];

    (void)snprintf(what, sizeof(what), "it is signed by the root key %s; that "
        "of %s is %s", t->root_key, trust_content(t->trust)->origin,
        expected);
    return (say(run, VOUCH_EXIT_EVIDENCE, run->trust, what,
        "nothing was judged. Ask the operator, by another way, which root key "
        "is theirs;\n     if they have changed it, give --root-key with the "
        "new one, once"));
}

/* Returns 0, or an exit code. */
static int
hold_against_memory(const struct invocation *run, struct trusted *t)
{
    const struct trust_content *content = trust_content(t->trust);
    struct trust_memory seen = {.version = content->version}, before;
    int pinned = t->root == TRUSTED_PINNED, again;
    char why[4400];
    enum err err;

    memcpy(seen.root_key, t->root_key, sizeof(seen.root_key));
    again = pinned || is_nobody(content->origin);
    if ((err = trust_memory_recall(content->origin, &before, why,
            sizeof(why))) == E_NOMEM)
        return (bug_error(run, "%s", err_text(err)));
    if (err != E_OK && err != E_NOTFOUND)
        return (say(run, err == E_CORRUPT ? VOUCH_EXIT_EVIDENCE :
            VOUCH_EXIT_USAGE, run->trust, why, err == E_CORRUPT ?
            "without what is remembered an old trust file would pass" :
            "without what is remembered an old trust file would pass; nothing "
            "was judged.\n     XDG_STATE_HOME says in which folder it is "
            "remembered"));
    if (err == E_OK && strcmp(before.root_key, t->root_key) == 0) {
        if (!pinned)
            t->root = TRUSTED_REMEMBERED;
        if (before.version > content->version)
            t->newest = before.version;
        if (before.version >= content->version)
            return (0);
    } else if (err == E_OK && before.root_key[0] != '\0' && !again)
        return (refuse_root(run, t, before.root_key));
    if (err == E_OK)
        err = trust_memory_note(content->origin, &seen, again, why,
            sizeof(why));
    if (err == E_EXISTS)            /* seen by another run just now */
        return (refuse_root(run, t, "another, seen meanwhile"));
    if (err != E_OK)
        note(run, "the trust file is not remembered: ", why, "");
    else if (t->root == TRUSTED_FIRST_SEEN && !is_nobody(content->origin))
        note(run, "the root key ", t->root_key, " is taken on trust and "
            "remembered; compare it with what\n  the operator tells you by "
            "another way, or name it with --root-key");
    return (0);
}

int
trusted_open(const struct invocation *run, int accept_expired,
    struct trusted *t)
{
    const char *pin = run->root_key;
    uint8_t id[ED25519_KEY_ID];
    int status;

    memset(t, 0, sizeof(*t));
    t->now_us = accept_expired ? INT64_MIN : now_us();
    t->root = pin != NULL ? TRUSTED_PINNED : TRUSTED_FIRST_SEEN;
    if (pin != NULL && bytes_from_hex(pin, id, sizeof(id)) != E_OK)
        return (usage_error(run, "--root-key takes the 64 hexadecimal digits "
            "of a root key's id, not '%s'", pin));
    if (run->trust == NULL)
        return (0);
    t->path = run->trust;
    if ((status = read_trust(run, t)) != 0)
        return (status);
    if (pin != NULL && strcasecmp(pin, t->root_key) != 0)
        return (refuse_root(run, t, pin));
    return (hold_against_memory(run, t));
}

enum err
trusted_judge(const struct trusted *t, struct slice bytes,
    struct arena *arena, struct judgment *j)
{
    enum err err = judgment_make(bytes, t->newest != 0 ? NULL : t->trust,
        t->now_us, arena, j);

    if (err != E_OK || j->state != RECEIPT_VERIFIED || t->newest == 0)
        return (err);
    j->state = RECEIPT_TRUST_TOO_OLD;
    (void)snprintf(j->why, sizeof(j->why), "the trust file is version %" PRId64
        ", and version %" PRId64 " has been seen before",
        trust_content(t->trust)->version, t->newest);
    return (E_OK);
}

void
trusted_about(const struct trusted *t, char *out, size_t size)
{
    static const char *const known[] = {
        [TRUSTED_PINNED] = "named by whoever checked",
        [TRUSTED_REMEMBERED] = "the same as before",
        [TRUSTED_FIRST_SEEN] = "seen for the first time, compared with nothing",
    };
    char issued[TRUST_TIME_MAX + 1], expires[TRUST_TIME_MAX + 1];
    const struct trust_content *content = trust_content(t->trust);

    trust_time(content->issued_us, issued);
    trust_time(content->expires_us, expires);
    (void)snprintf(out, size, "%s, version %" PRId64 " of %s, to be used until "
        "%s, root key %s (%s)", content->origin, content->version, issued,
        expires, t->root_key, known[t->root]);
}

void
trusted_close(struct trusted *t)
{
    trust_free(t->trust);
    memset(t, 0, sizeof(*t));
}
