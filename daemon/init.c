#include "init.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "base/clock.h"
#include "proto/bytes.h"
#include "proto/trust.h"
#include "seal/founding.h"
#include "seal/key_folder.h"
#include "seal/public_pem.h"

#define S_US INT64_C(1000000)
#define DAY_US (24 * 60 * 60 * S_US)
#define WHY 512

/* One run of either. */
struct run {
    struct arguments arguments;
    struct conf *conf;          /* owned */
    const char *origin;
    const char *root_key;
    const char *use;
    int key_days;
    int trust_days;
};

static const char init_help[] =
"vouchd init: make the first keys and the first trust file\n\n"
"usage:\n"
"  vouchd init --origin ORIGIN --root-key FILE [--valid-days N]\n"
"      [--trust-days N] [--config FILE] [--set NAME=VALUE]...\n\n"
"  --origin ORIGIN   whose answers these keys seal, as in vouch.example.org;\n"
"                    it stands in every receipt and cannot be changed\n"
"  --root-key FILE   where the root key is made; it signs trust files, and is\n"
"                    to be kept offline from then on\n"
"  --valid-days N    how long the keys may seal (800)\n"
"  --trust-days N    when verifiers will ask for a newer trust file (400)\n"
"  --config FILE     whose seal.trust and seal.key_dir say where the rest is\n"
"                    made (" ARGUMENTS_CONFIG ")\n\n"
"Two seal keys are made, of which the first is in use, and a checkpoint key.\n"
"Nothing that is there is ever overwritten.\n\n"
"example:\n"
"  vouchd init --origin vouch.example.org --root-key /root/vouch-root.key\n";

static const char key_help[] =
"vouchd key make: make one more key, to be listed in the trust file\n\n"
"usage:\n"
"  vouchd key make [--use seal|checkpoint] [--config FILE]\n"
"      [--set NAME=VALUE]...\n\n"
"'vouch key rotate' makes one by itself; this is for when there is none left\n"
"to rotate to.  The public half is what 'vouchd trust add' takes.\n\n"
"example:\n"
"  vouchd key make --use seal\n";

/* ---- options ----------------------------------------------------------- */

static const struct option options[] = {
    {"origin", required_argument, NULL, 'o'},
    {"root-key", required_argument, NULL, 'r'},
    {"valid-days", required_argument, NULL, 'v'},
    {"trust-days", required_argument, NULL, 't'},
    {"use", required_argument, NULL, 'u'},
    {"config", required_argument, NULL, 'f'},
    {"set", required_argument, NULL, 's'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* Returns 0 to go on, or the exit code plus one. */
static int
parse(int argc, char *argv[], const char *help, struct run *r)
{
    int option, status = 0;

    optind = 1;
    while (status == 0 &&
        (option = getopt_long(argc, argv, "h", options, NULL)) != -1)
        switch (option) {
        case 'o': r->origin = optarg; break;
        case 'r': r->root_key = optarg; break;
        case 'v': status = arguments_days(optarg, &r->key_days); break;
        case 't': status = arguments_days(optarg, &r->trust_days); break;
        case 'u': r->use = optarg; break;
        case 'f': r->arguments.config = optarg; break;
        case 's': status = arguments_set(&r->arguments, optarg); break;
        case 'h': fputs(help, stdout); return (EXIT_SUCCESS + 1);
        default: return (EXIT_USAGE + 1);       /* getopt has said it */
        }
    if (status != 0)
        return (status + 1);
    if (optind < argc)
        return (arguments_usage("what is this: ", argv[optind]) + 1);
    return (0);
}

static int
refuse(enum err err, const char *why)
{
    fprintf(stderr, "vouchd: %s\n", why);
    return (err == E_INVAL ? EXIT_USAGE : EXIT_FAILURE);
}

/* ---- init -------------------------------------------------------------- */

static void
print_key(const char *what, const uint8_t *id)
{
    char hex[KEY_FOLDER_ID + 1];

    bytes_to_hex((struct slice){id, ED25519_KEY_ID}, hex);
    printf("  %-16s %s\n", what, hex);
}

static void
print_made(const struct founding *founding, const struct founded *founded)
{
    char expires[TRUST_TIME_MAX + 1], until[TRUST_TIME_MAX + 1];
    char root[KEY_FOLDER_ID + 1];

    trust_time(founding->expires_us, expires);
    trust_time(founding->until_us, until);
    bytes_to_hex((struct slice){founded->root, ED25519_KEY_ID}, root);
    printf("made %s, the root key\n", founding->root_key);
    printf("made %s, version 1, until %s\n", founding->trust, expires);
    printf("made in %s, valid until %s:\n", founding->dir, until);
    print_key("seal, in use", founded->current);
    print_key("seal, next", founded->next);
    print_key("checkpoint", founded->checkpoint);
    printf("\nThe id of the root key of %s, to be pinned:\n  %s\n",
        founding->origin, root);
    printf("\nNext:\n"
        "  1. Move %s to a machine without a network, with a copy at\n"
        "     another place, and remove it here: who has it can vouch for "
        "any key.\n"
        "  2. Give whoever verifies receipts %s,\n"
        "     and the id above by another way.\n"
        "  3. vouchd --check-config, and start the daemon.\n"
        "  4. Before %s: vouchd trust renew (operations.md, Seal keys).\n",
        founding->root_key, founding->trust, expires);
}

static int
make_all(struct run *r)
{
    const int64_t now_us = clock_wall_us() / S_US * S_US;
    const struct founding founding = {
        .origin = r->origin,
        .root_key = r->root_key,
        .trust = r->conf->seal_trust,
        .dir = r->conf->seal_key_dir,
        .from_us = now_us,
        .until_us = now_us + r->key_days * DAY_US,
        .issued_us = now_us,
        .expires_us = now_us + r->trust_days * DAY_US,
    };
    struct founded founded;
    char why[WHY] = "";
    enum err err;

    if ((err = founding_make(&founding, &founded, why, sizeof(why))) != E_OK)
        return (refuse(err, why));
    print_made(&founding, &founded);
    return (EXIT_SUCCESS);
}

static int
run_init(struct run *r)
{
    if (r->origin == NULL)
        return (arguments_usage("init needs --origin, as in "
            "--origin vouch.example.org", ""));
    if (r->root_key == NULL)
        return (arguments_usage("init needs --root-key FILE: where the root "
            "key is to be made", ""));
    if (r->use != NULL)
        return (arguments_usage("init takes no --use", ""));
    return (make_all(r));
}

/* ---- key make ---------------------------------------------------------- */

static int
run_key(struct run *r)
{
    const char *dir = r->conf->seal_key_dir;
    enum trust_use use = TRUST_SEAL;
    uint8_t public_key[ED25519_PUBLIC_KEY], id[ED25519_KEY_ID];
    char why[WHY] = "", path[PATH_MAX];
    enum err err;

    if (r->origin != NULL || r->root_key != NULL)
        return (arguments_usage("key make takes --use, --config and --set "
            "only", ""));
    if (r->use != NULL)
        for (use = 0; use < TRUST_USES; use++)
            if (strcmp(r->use, trust_use_name(use)) == 0)
                break;
    if (use == TRUST_USES)
        return (arguments_usage("--use is seal or checkpoint, not ", r->use));
    if ((err = key_folder_check(dir, why, sizeof(why))) != E_OK ||
        (err = key_folder_make(dir, use, public_key, why, sizeof(why))) !=
        E_OK)
        return (refuse(err, why));
    ed25519_key_id(public_key, id);
    key_folder_path(dir, use, id, KEY_PUBLIC, path);
    print_key(trust_use_name(use), id);
    printf("\nNext, where the root key is, with a copy of %s:\n"
        "  vouchd trust add --use %s --public-key FILE --trust FILE "
        "--root-key FILE\n", path, trust_use_name(use));
    return (EXIT_SUCCESS);
}

/* ---- both -------------------------------------------------------------- */

static int
run_with(int argc, char *argv[], const char *help, int (*run)(struct run *r))
{
    struct run r = {.key_days = INIT_KEY_DAYS, .trust_days = INIT_TRUST_DAYS};
    int status;

    if ((status = parse(argc, argv, help, &r)) != 0)
        return (status - 1);
    if (conf_create(&r.conf) != E_OK)
        return (refuse(E_NOMEM, err_text(E_NOMEM)));
    if ((status = arguments_apply(&r.arguments, 1, r.conf)) == 0)
        status = run(&r);
    conf_free(r.conf);
    if (fflush(stdout) != 0 && status == EXIT_SUCCESS)
        status = refuse(E_IO, "standard output cannot be written to");
    return (status);
}

int
init_main(int argc, char *argv[])
{
    return (run_with(argc, argv, init_help, run_init));
}

int
key_main(int argc, char *argv[])
{
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "-h") == 0)) {
        fputs(key_help, stdout);
        return (EXIT_SUCCESS);
    }
    if (argc < 2 || strcmp(argv[1], "make") != 0)
        return (arguments_usage("key takes one word, make: to rotate is "
            "'vouch key rotate'", ""));
    return (run_with(argc - 1, argv + 1, key_help, run_key));
}
