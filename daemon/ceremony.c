#include "ceremony.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "base/clock.h"
#include "base/plain_file.h"
#include "ceremony_tell.h"
#include "init.h"
#include "proto/bytes.h"
#include "proto/trust.h"
#include "seal/public_pem.h"
#include "seal/signer.h"
#include "seal/trust_file.h"

#define S_US INT64_C(1000000)
#define DAY_US (24 * 60 * 60 * S_US)
#define WHY 512

/* What identifies a key where nobody would type 64 digits. */
#define PREFIX_MIN 8

struct ceremony;

struct verb {
    const char *name;
    const char *takes;          /* options, by their letter */
    const char *needs;          /* and those that must be there */
    int takes_id;
    enum err (*change)(struct ceremony *c);     /* NULL: it shows */
};

struct ceremony {
    const struct verb *verb;
    const char *given[128];     /* by the option's letter */
    const char *id;
    int days;                   /* 0: not given */
    int64_t now_us;             /* whole seconds */
    struct trust *before;               /* owned */
    struct trust_content *after;        /* owned */
    struct signer *root;                /* owned */
    char why[WHY];
};

static const char help[] =
"vouchd trust: show a trust file, or change it and sign it by the root key\n\n"
"usage:\n"
"  vouchd trust show --trust FILE\n"
"  vouchd trust add --use seal|checkpoint --public-key FILE\n"
"      [--valid-from TIME] [--valid-until TIME] CHANGE\n"
"  vouchd trust retire ID CHANGE\n"
"  vouchd trust compromise ID --since TIME CHANGE\n"
"  vouchd trust renew CHANGE\n"
"  vouchd trust new-root CHANGE\n"
"with CHANGE: --trust FILE --root-key FILE [--days N]\n\n"
"  show        print what the file says, and check its signature\n"
"  add         list one more key, from now on for 800 days unless it is said\n"
"  retire      the key seals no more; what it sealed still verifies\n"
"  compromise  somebody else has the key since TIME, or may have: nothing\n"
"              that it sealed verifies any more\n"
"  renew       say all of it again, for 400 days unless --days is given\n"
"  new-root    the old root key is lost: make another one in --root-key FILE;\n"
"              everybody must pin it anew\n\n"
"ID is a key's id, or what it begins with, 8 digits or more.  TIME is as in\n"
"2026-11-22 or 2026-11-22T23:00:00Z, in UTC.  --days N: the file expires N\n"
"days from now.  Each change makes a new version; the file is replaced as a\n"
"whole.\n\n"
"examples:\n"
"  vouchd trust show --trust trust.json\n"
"  vouchd trust add --use seal --public-key seal-5f3a....pub \\\n"
"      --trust trust.json --root-key root.key --days 400\n"
"  vouchd trust compromise 5f3a09c2 --since 2026-11-20 \\\n"
"      --trust trust.json --root-key root.key\n";

static enum err PRINTF_LIKE(3, 4)
fail(struct ceremony *c, enum err err, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(c->why, sizeof(c->why), format, args);
    va_end(args);
    return (err);
}

/* ---- words ------------------------------------------------------------- */

/* A day is its beginning. */
static enum err
read_time(struct ceremony *c, char letter, const char *option, int64_t *us)
{
    const char *given = c->given[(int)letter];
    char whole[TRUST_TIME_MAX + 1];
    const char *text = given;

    if (given == NULL)
        return (E_OK);
    if (strlen(given) == 10) {
        (void)snprintf(whole, sizeof(whole), "%.10sT00:00:00Z", given);
        text = whole;
    }
    if (trust_time_read(text, us) != E_OK)
        return (fail(c, E_INVAL, "--%s is a time as 2026-11-22 or "
            "2026-11-22T23:00:00Z, not %s", option, given));
    return (E_OK);
}

/* A key of the file, by what its id begins with. */
static enum err
find_key(struct ceremony *c, struct trust_key **key)
{
    char hex[2 * ED25519_KEY_ID + 1];
    const size_t n = strlen(c->id);

    *key = NULL;
    if (n < PREFIX_MIN)
        return (fail(c, E_INVAL, "of the key's id at least %d digits must be "
            "given, not %s", PREFIX_MIN, c->id));
    for (size_t i = 0; i < c->after->nkeys; i++) {
        bytes_to_hex((struct slice){c->after->keys[i].id, ED25519_KEY_ID},
            hex);
        if (strncmp(hex, c->id, n) != 0)
            continue;
        if (*key != NULL)
            return (fail(c, E_INVAL, "more than one key begins with %s",
                c->id));
        *key = &c->after->keys[i];
    }
    if (*key == NULL)
        return (fail(c, E_NOTFOUND, "%s: no key %s in it; vouchd trust show "
            "lists them", c->given['t'], c->id));
    return (E_OK);
}

/* ---- changes ----------------------------------------------------------- */

static enum err
read_public(struct ceremony *c, uint8_t key[ED25519_PUBLIC_KEY])
{
    const char *path = c->given['p'], *what;
    struct buf bytes;
    enum err err;

    buf_init(&bytes, 4096);
    if ((err = plain_file_read(path, &bytes, &what)) != E_OK)
        err = fail(c, err, "%s: %s", path, what);
    else if ((err = public_pem_read(buf_slice(&bytes), key)) != E_OK)
        err = fail(c, err, "%s: not a public key of Ed25519 in PEM, as the "
            ".pub files in the daemon's folder of keys are", path);
    buf_free(&bytes);
    return (err);
}

static enum err
add(struct ceremony *c)
{
    struct trust_content *content = c->after;
    struct trust_key key = {.state = TRUST_ACTIVE, .from_us = c->now_us};
    enum err err;

    for (key.use = 0; key.use < TRUST_USES; key.use++)
        if (strcmp(c->given['u'], trust_use_name(key.use)) == 0)
            break;
    if (key.use == TRUST_USES)
        return (fail(c, E_INVAL, "--use is seal or checkpoint, not %s",
            c->given['u']));
    if (content->nkeys == TRUST_KEYS_MAX)
        return (fail(c, E_TOOBIG, "%s: it has %d keys, and no room for more",
            c->given['t'], TRUST_KEYS_MAX));
    if ((err = read_public(c, key.public_key)) != E_OK ||
        (err = read_time(c, 'F', "valid-from", &key.from_us)) != E_OK)
        return (err);
    key.until_us = key.from_us + INIT_KEY_DAYS * DAY_US;
    if ((err = read_time(c, 'U', "valid-until", &key.until_us)) != E_OK)
        return (err);
    ed25519_key_id(key.public_key, key.id);
    for (size_t i = 0; i < content->nkeys; i++)
        if (memcmp(content->keys[i].id, key.id, ED25519_KEY_ID) == 0)
            return (fail(c, E_EXISTS, "%s: the key of %s is listed already",
                c->given['t'], c->given['p']));
    content->keys[content->nkeys++] = key;
    return (E_OK);
}

static enum err
retire(struct ceremony *c)
{
    struct trust_key *key;
    enum err err;

    if ((err = find_key(c, &key)) != E_OK)
        return (err);
    if (key->state != TRUST_ACTIVE)
        return (fail(c, E_INVAL, "%s: the key %s is %s already",
            c->given['t'], c->id, trust_state_name(key->state)));
    key->state = TRUST_RETIRED;
    return (E_OK);
}

/* To have it been so since earlier can be said later. */
static enum err
compromise(struct ceremony *c)
{
    struct trust_key *key;
    int64_t since = 0;
    enum err err;

    if ((err = find_key(c, &key)) != E_OK ||
        (err = read_time(c, 'S', "since", &since)) != E_OK)
        return (err);
    if (since > c->now_us)
        return (fail(c, E_INVAL, "--since is in the future"));
    if (key->state == TRUST_COMPROMISED && since >= key->compromised_us)
        return (fail(c, E_INVAL, "%s: the key %s is compromised already, "
            "and since then or earlier", c->given['t'], c->id));
    key->state = TRUST_COMPROMISED;
    key->compromised_us = since;
    return (E_OK);
}

static enum err
renew(struct ceremony *c)
{
    if (c->days == 0)
        c->days = INIT_TRUST_DAYS;
    return (E_OK);
}

/* ---- signing ----------------------------------------------------------- */

static enum err
open_root(struct ceremony *c)
{
    uint8_t id[ED25519_KEY_ID];
    char wanted[2 * ED25519_KEY_ID + 1];
    enum err err;

    if ((err = signer_open(c->given['r'], &c->root, c->why,
        sizeof(c->why))) != E_OK)
        return (err);
    if (memcmp(signer_public_key(c->root), trust_root_key(c->before),
        ED25519_PUBLIC_KEY) == 0)
        return (E_OK);
    ed25519_key_id(trust_root_key(c->before), id);
    bytes_to_hex((struct slice){id, sizeof(id)}, wanted);
    return (fail(c, E_DENIED, "%s: it is another key than the root key of %s, "
        "which is %s", c->given['r'], c->given['t'], wanted));
}

static enum err
new_root(struct ceremony *c)
{
    if (c->days == 0)
        c->days = INIT_TRUST_DAYS;
    return (signer_make(c->given['r'], &c->root, c->why, sizeof(c->why)));
}

/* A machine that is offline has the time from nobody. */
static enum err
check_clock(struct ceremony *c)
{
    const int64_t issued_us = trust_content(c->before)->issued_us;
    char now[TRUST_TIME_MAX + 1], then[TRUST_TIME_MAX + 1];

    if (c->now_us >= issued_us)
        return (E_OK);
    trust_time(c->now_us, now);
    trust_time(issued_us, then);
    return (fail(c, E_INVAL, "this machine's clock says %s, and %s was "
        "issued at %s: set the clock", now, c->given['t'], then));
}

static enum err
set_times(struct ceremony *c)
{
    char then[TRUST_TIME_MAX + 1];

    c->after->version++;
    c->after->issued_us = c->now_us;
    if (c->days > 0)
        c->after->expires_us = c->now_us + c->days * DAY_US;
    if (c->after->expires_us > c->now_us)
        return (E_OK);
    trust_time(c->after->expires_us, then);
    return (fail(c, E_INVAL, "%s: it expired at %s; say for how long it is to "
        "be good now: --days N", c->given['t'], then));
}

static enum err
change(struct ceremony *c)
{
    const int is_new = c->verb->change == new_root;
    enum err err;

    if ((err = check_clock(c)) != E_OK ||
        (!is_new && (err = open_root(c)) != E_OK) ||
        (err = c->verb->change(c)) != E_OK ||
        (err = set_times(c)) != E_OK || (err = trust_file_write(c->given['t'],
        TRUST_FILE_REPLACE, c->after, c->root, c->why, sizeof(c->why))) !=
        E_OK)
        goto out;
    ceremony_tell_change(c->given['t'], c->before, c->after,
        signer_public_key(c->root), c->now_us);
    printf("\nNext: put it in place of the daemon's (seal.trust), systemctl "
        "reload vouchd, and give\nit to whoever verifies receipts%s.\n",
        is_new ? ", with the id of the new root key by another way" : "");

out:
    /* It has signed nothing. */
    if (is_new && c->root != NULL && err != E_OK && err != E_LOST)
        (void)unlink(c->given['r']);
    return (err);
}

/* ---- the command line -------------------------------------------------- */

static const struct verb verbs[] = {
    {"show", "t", "t", 0, NULL},
    {"add", "trdupFU", "trup", 0, add},
    {"retire", "trd", "tr", 1, retire},
    {"compromise", "trdS", "trS", 1, compromise},
    {"renew", "trd", "tr", 0, renew},
    {"new-root", "trd", "tr", 0, new_root},
};

static const struct option options[] = {
    {"trust", required_argument, NULL, 't'},
    {"root-key", required_argument, NULL, 'r'},
    {"days", required_argument, NULL, 'd'},
    {"use", required_argument, NULL, 'u'},
    {"public-key", required_argument, NULL, 'p'},
    {"valid-from", required_argument, NULL, 'F'},
    {"valid-until", required_argument, NULL, 'U'},
    {"since", required_argument, NULL, 'S'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* Returns 0 or EXIT_USAGE, as the two below. */
static int
check_options(const struct ceremony *c)
{
    char what[64];

    for (const struct option *o = options; o->has_arg; o++) {
        const char letter = (char)o->val;
        const int is_given = c->given[(int)letter] != NULL;

        (void)snprintf(what, sizeof(what), "trust %s %s --", c->verb->name,
            is_given ? "takes no" : "needs");
        if ((is_given && strchr(c->verb->takes, letter) == NULL) ||
            (!is_given && strchr(c->verb->needs, letter) != NULL))
            return (arguments_usage(what, o->name));
    }
    return (0);
}

static int
read_words(int argc, char *argv[], struct ceremony *c)
{
    if (c->verb->takes_id && optind < argc)
        c->id = argv[optind++];
    if (c->verb->takes_id && c->id == NULL)
        return (arguments_usage("which key? its id is missing: trust ",
            c->verb->name));
    if (optind < argc)
        return (arguments_usage("what is this: ", argv[optind]));
    return (check_options(c));
}

static int
find_verb(const char *word, struct ceremony *c)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (strcmp(word, verbs[i].name) == 0)
            c->verb = &verbs[i];
    if (c->verb == NULL)
        return (arguments_usage("trust is followed by show, add, retire, "
            "compromise, renew or new-root, not ", word));
    return (0);
}

/* Returns 0 to go on, or the exit code plus one. */
static int
parse(int argc, char *argv[], struct ceremony *c)
{
    int option, status;

    if (argc < 2 || strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "-h") == 0) {
        fputs(help, argc < 2 ? stderr : stdout);
        return ((argc < 2 ? EXIT_USAGE : EXIT_SUCCESS) + 1);
    }
    if ((status = find_verb(argv[1], c)) != 0)
        return (status + 1);
    optind = 2;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1)
        switch (option) {
        case 'h': fputs(help, stdout); return (EXIT_SUCCESS + 1);
        case '?': return (EXIT_USAGE + 1);      /* getopt has said it */
        case 'd':
            if ((status = arguments_days(optarg, &c->days)) != 0)
                return (status + 1);
            c->given['d'] = optarg;
            break;
        default: c->given[option] = optarg; break;
        }
    status = read_words(argc, argv, c);
    return (status == 0 ? 0 : status + 1);
}

static enum err
carry_out(struct ceremony *c)
{
    enum err err;

    if ((err = trust_file_read(c->given['t'], &c->before, c->why,
        sizeof(c->why))) != E_OK)
        return (err);
    if (c->verb->change == NULL) {
        ceremony_tell(c->before, c->now_us);
        return (E_OK);
    }
    if ((c->after = malloc(sizeof(*c->after))) == NULL)
        return (fail(c, E_NOMEM, "%s", err_text(E_NOMEM)));
    *c->after = *trust_content(c->before);
    return (change(c));
}

int
ceremony_main(int argc, char *argv[])
{
    struct ceremony c = {.now_us = clock_wall_us() / S_US * S_US};
    int status;
    enum err err;

    if ((status = parse(argc, argv, &c)) != 0)
        return (status - 1);
    err = carry_out(&c);
    if (err == E_OK && fflush(stdout) != 0)
        err = fail(&c, E_IO, "standard output cannot be written to");
    if (err != E_OK)
        fprintf(stderr, "vouchd: %s%s\n", c.why, err == E_LOST ?
            " (it was written, but perhaps not on disk)" : "");
    signer_release(c.root);
    free(c.after);
    trust_free(c.before);
    return (err == E_OK ? EXIT_SUCCESS : EXIT_FAILURE);
}
