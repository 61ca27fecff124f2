#include "client/command.h"

const struct flag common_flags[] = {
    {"server", "HOST:PORT", "the vouchd to ask (VOUCH_SERVER)"},
    {"ca", "FILE", "root certificate of the server (VOUCH_CA)"},
    {"cert", "FILE", "your certificate (VOUCH_CERT)"},
    {"key", "FILE", "your private key (VOUCH_KEY)"},
    {"context", "NAME", "context of the configuration file (VOUCH_CONTEXT)"},
    {"output", "FORMAT", "table, json, jsonl or csv; -o for short "
        "(VOUCH_OUTPUT)"},
    {"timeout", "SECONDS", "longest wait for an answer (30); of an upload, "
        "for\nany word from the server (600)"},
    {"quiet", NULL, "no progress and no notes on standard error"},
    {"help", NULL, "help on the command; -h for short"},
    {NULL, NULL, NULL},
};

static const char about_verify[] =
"States a claim, that a person holds a credential, and prints what the\n"
"register has to say of it: one word, YES, NO or REVIEW, then everything\n"
"that a person must see to rely on it. The exit code says the word again: 0\n"
"YES, 1 NO, 3 REVIEW.\n"
"\n"
"Number and family name are always compared, and so are the facts that the\n"
"association's identity policy asks for ('vouch association show ID' names\n"
"them). One of these wrong, and nothing matches: which one, nobody is told.\n"
"\"No match\" does not mean that the person is not certified. Of a date as\n"
"much may be given as is known: 1990 will do for a date of birth.\n"
"\n"
"Purpose, authorization and the rest of that kind are recorded as you state\n"
"them.\n"
"\n"
"Every answer is sealed: it is a receipt, which --receipt files. With a trust\n"
"file the seal is checked, and that it is your question which was answered,\n"
"before the answer is believed. Exit code 9: it is not to be believed;\n"
"nothing is shown of it, and --receipt keeps it as proof.\n";

static const char about_publish[] =
"Uploads credential records of your association. FILE is CSV in UTF-8 with\n"
"a header line; '-' is standard input. All of it is published, except for\n"
"the lines that are rejected, or nothing: only the summary at the end is an\n"
"acknowledgment. It accounts for every row that was read.\n"
"\n"
"Columns, in any order; the first three must be there:\n"
"  credential_type, number, family   which credential, and whose\n"
"  given, middle, suffix             the rest of the holder's name\n"
"  former_family                     earlier family names, by semicolon\n"
"  holder_ref                        your own id of the person\n"
"  birth_date, last4                 kept only as keyed hashes\n"
"  issued_on, expires_on, grace_until, effective_on\n"
"                                    dates: YYYY-MM-DD, or what is known\n"
"  status, status_reason             PENDING, PROVISIONAL, ACTIVE, EXPIRED,\n"
"                                    REVOKED, SURRENDERED, DENIED,\n"
"                                    ISSUED_IN_ERROR, SUSPENDED, CONDITIONS,\n"
"                                    or INACTIVE (reason LAPSED, RETIRED,\n"
"                                    DECEASED, CLOSED or SUPERSEDED)\n"
"\n"
"With --mapping FILE may have any columns, encoding and status words: the\n"
"mapping, in YAML, explains them, and folds rows that are about one\n"
"credential. docs/mapping.md tells its keys; six examples are installed in\n"
"share/vouch/catalog/mappings. A fault in it is told with line and column,\n"
"and nothing is published: exit code 2.\n"
"\n"
"With --mode snapshot the file is all that you list of the --types named, as\n"
"of the time --extracted-at. What is on file and not in it gets the standing\n"
"NOT_LISTED, and whoever asks about it is told to ask you. A line that is\n"
"rejected counts as listed; where not even its type and number can be read,\n"
"nothing is ended. More endings than usual, and a file older than the last,\n"
"are refused unless --expect-endings says how many there are.\n"
"\n"
"With --dry-run nothing is changed: shown are the changes by kind, samples\n"
"and the largest surprises; as JSON lines with -o jsonl.\n"
"\n"
"A line that cannot be taken is rejected with its reason, and the others\n"
"are published: exit code 6. Exit code 7: no line could be taken, or the\n"
"file is not CSV. After a failure of the network run it again with the\n"
"--request-id that was named: what was published already is not published\n"
"twice.\n";

static const char about_publication[] =
"ID is the publication's own id, or the request id of the upload: the\n"
"latter answers what became of an upload whose connection broke.\n";

static const char about_publication_list[] =
"An association sees its own; an auditor sees those of all, or of the one\n"
"that --association names.\n";

static const char about_check_openings[] =
"FILE is what 'vouch publish --openings FILE' keeps: with it you can show,\n"
"without anybody's help, what you published and when. Each opening in it must\n"
"be in the register unchanged, and from its first one on it must hold each of\n"
"your events. Exit code 9: one differs, is not in the register, or is missing\n"
"between others; the first of them is named. Exit code 6: only the newest are\n"
"missing. With --complete what is missing is added, which also heals a file\n"
"after an upload that was cut off.\n";

static const char about_event_list[] =
"Each row of an upload that said something new became one event in the log,\n"
"which never changes. An association sees its own events, and nobody else\n"
"does. JSON and JSON lines have salt and bytes of each, too: what opens its\n"
"leaf, which is checked here.\n";

static const char about_declare[] =
"Each association promises to speak at least so often; what is older counts\n"
"as stale, and a stale answer is never YES. When there is nothing new to\n"
"publish, say so with this.\n";

static const char about_association_show[] =
"Shows what a claim must bring, how numbers are compared, how old the last\n"
"word may be, whom to ask, and who recognizes the association, by what\n"
"source. As CSV it is one line; JSON has everything.\n";

static const char about_check[] =
"Reads associations.csv, credential_types.csv, recognitions.csv and, if it is\n"
"there, extensions.csv in DIR\n"
"and names each fault by file, line and column. Needs no server.\n";

static const char about_deny[] =
"Puts an entry on the deny list of the server, for administrators: whom it\n"
"names is not let in any more, whatever his CA says, and his connections are\n"
"ended. When the command is done it is in force and on disk. To deny twice\n"
"does no harm. Your own certificate cannot be denied with itself. Somebody is\n"
"let in again by removing the line from the list, on the server.\n"
"\n"
"'openssl x509 -noout -serial -ext subjectAltName -in FILE' shows serial\n"
"number and identity of a certificate; the hash of its key is that of\n"
"'openssl x509 -noout -pubkey -in FILE | openssl pkey -pubin -outform DER'.\n";

static const char about_receipt_verify[] =
"Tells of each receipt, years later and without any server, whether it is\n"
"what the daemon sealed, by the operator's trust file: VERIFIED; or\n"
"MALFORMED, SEAL_BROKEN (something was changed), KEY_UNKNOWN,\n"
"KEY_COMPROMISED, KEY_NOT_VALID, TRUST_TOO_OLD, UNREADABLE, with the reason.\n"
"Of a folder it takes each file named *.receipt, in the folders in it, too;\n"
"- is standard input. A part that was taken out is said: RESULT WITHHELD,\n"
"QUESTION WITHHELD. Exit code 0: all are VERIFIED; 9: one is not.\n"
"\n"
"Which root key is the operator's you should hear by another way, and name\n"
"with --root-key. Without it the first one seen is remembered, in\n"
"$XDG_STATE_HOME/vouch/trust, and another one is refused from then on (but\n"
"not of an origin under .invalid, as development has it). In any case an\n"
"older trust file than one seen before confirms nothing: TRUST_TOO_OLD.\n"
"docs/receipt.md specifies it all.\n";

static const char about_receipt_show[] =
"Shows everything that a receipt says, on one page; --format html is for\n"
"printing, and needs nothing but itself. Whether a trust file confirms it\n"
"stands on top. One that is not VERIFIED is shown only under a warning, with\n"
"exit code 9. The evidence is the file, not the page.\n";

static const char about_receipt_redact[] =
"Takes a part out, for somebody whom it does not concern. What is left can\n"
"still be verified, and has the same id: without the answer it shows that one\n"
"asked, whom about and when.\n";

static const char about_receipt_export[] =
"Writes everything that a receipt says as JSON: enums by name, bytes in\n"
"hexadecimal, times as RFC 3339 and in microseconds. It is for other programs\n"
"to read; the evidence is the file. \"state\" is VERIFIED only if a trust\n"
"file confirms it, and NOT_CHECKED if none is known. Exit code 9: one is, and\n"
"does not confirm it; \"state\" says why.\n";

static const char about_rotate[] =
"Has the server seal its answers by the next key from now on, for\n"
"administrators. The next key is one that the trust file lists already, so\n"
"that everybody can verify what it seals; no answer fails meanwhile. The\n"
"private half of the key before is wiped, and what it sealed still verifies.\n"
"A further key is made: list it in the trust file, with 'vouchd trust add' on\n"
"the machine that the root key is on, or there will be none to rotate to.\n"
"\n"
"After a failure of the network nobody knows whether it was done: with\n"
"--expect it is safe to ask again.\n";

static const char about_health[] =
"Exit code 0: SERVING. Without SERVICE it asks about the server as a whole.\n";

static const char about_whoami[] =
"The role comes from your certificate, and decides what you may call.\n";

/* The whole command line, at a glance. */
const struct command commands[] = {
    {"verify", NULL, "--association ID --number N --family NAME [FLAG...]",
        "ask whether a claim is so", about_verify,
        "  vouch verify --association ascp-boc --type ascp-pbt --number 10482 "
            "\\\n      --family Garcia --birth-date 1990\n"
        "  vouch verify --association ascp-boc --number 10482 --family Garcia "
            "\\\n      --birth-date 1990 --trust trust.json "
            "--receipt garcia.receipt\n",
        verify_flags, 0, 0, 0, cmd_verify},
    {"receipt", "verify", "FILE|DIR|-... --trust FILE [--root-key ID]",
        "verify receipts, offline", about_receipt_verify,
        "  vouch receipt verify garcia.receipt --trust trust.json\n"
        "  vouch receipt verify receipts/ --trust trust.json -o csv\n",
        receipt_verify_flags, 1, 1000000, 1, cmd_receipt_verify},
    {"receipt", "show", "FILE|- [--format text|html] [--trust FILE]",
        "show a receipt as one page", about_receipt_show,
        "  vouch receipt show garcia.receipt --trust trust.json\n"
        "  vouch receipt show garcia.receipt --trust trust.json --format html "
            "\\\n      > garcia.html\n",
        receipt_show_flags, 1, 1, 1, cmd_receipt_show},
    {"receipt", "redact", "FILE|- --answer|--question -o FILE",
        "take the answer or the question out of a receipt",
        about_receipt_redact,
        "  vouch receipt redact garcia.receipt --answer "
            "-o garcia-asked.receipt\n",
        receipt_redact_flags, 1, 1, 1, cmd_receipt_redact},
    {"receipt", "export", "FILE|- [--format json]",
        "write a receipt as JSON", about_receipt_export,
        "  vouch receipt export garcia.receipt --format json\n",
        receipt_export_flags, 1, 1, 1, cmd_receipt_export},
    {"publish", NULL, "FILE|- --association ID [FLAG...]",
        "publish credential records from a CSV file", about_publish,
        "  vouch publish roster.csv --association ascp-boc "
            "--rejects rejects.csv\n"
        "  vouch publish export.tsv --association ascp-boc "
            "--mapping export.yaml \\\n      --dry-run\n",
        publish_flags, 1, 1, 0, cmd_publish},
    {"publication", "show", "ID",
        "show what became of an upload, by its id or request id",
        about_publication,
        "  vouch publication show 5f0e8c1d2b3a49576879808182838485\n",
        NULL, 1, 1, 0, cmd_publication_show},
    {"publication", "list", "[--since TIME] [--before TIME]",
        "list your publications, the newest first", about_publication_list,
        "  vouch publication list --since 2026-11-01T00:00:00Z -o csv\n",
        publication_list_flags, 0, 0, 0, cmd_publication_list},
    {"publication", "check-openings", "FILE --association ID [--complete]",
        "check your file of openings against the register",
        about_check_openings,
        "  vouch publication check-openings openings.jsonl "
            "--association ascp-boc\n",
        check_openings_flags, 1, 1, 0, cmd_check_openings},
    {"event", "list", "[--publication ID|--number N] [--from-index I]",
        "list your events in the log, each with what opens it",
        about_event_list,
        "  vouch event list --number 10482\n"
            "  vouch event list --from-index 100000 -o jsonl\n",
        event_list_flags, 0, 0, 0, cmd_event_list},
    {"declare-current", NULL, "--association ID [--as-of TIME]",
        "state that nothing has changed: answers stay fresh",
        about_declare,
        "  vouch declare-current --association ascp-boc\n",
        declare_current_flags, 0, 0, 0, cmd_declare_current},
    {"association", "list", "", "list the associations that are covered",
        NULL, "  vouch association list -o csv\n",
        NULL, 0, 0, 0, cmd_association_list},
    {"association", "show", "ID",
        "show one association and who recognizes it", about_association_show,
        "  vouch association show ascp-boc\n",
        NULL, 1, 1, 0, cmd_association_show},
    {"credential-type", "list", "[--association ID]",
        "list what the associations grant", NULL,
        "  vouch credential-type list --association ascp-boc\n",
        credential_type_flags, 0, 0, 0, cmd_credential_type_list},
    {"catalog", "check", "DIR", "check the files of a catalog", about_check,
        "  vouch catalog check catalog/\n",
        NULL, 1, 1, 1, cmd_catalog_check},
    {"access", "deny",
        "--identity URI|--serial HEX --role ROLE|--key-sha256 HEX",
        "let an identity, a certificate or a key in no more", about_deny,
        "  vouch access deny --identity spiffe://vouch.example.org/"
            "employer/acme \\\n      --reason \"contract ended\"\n"
        "  vouch access deny --serial 5F3A09 --role association\n",
        access_deny_flags, 0, 0, 0, cmd_access_deny},
    {"key", "rotate", "[--expect ID] [--pending FILE]",
        "seal answers by the next key from now on", about_rotate,
        "  vouch key rotate --pending pending.pub\n",
        key_rotate_flags, 0, 0, 0, cmd_key_rotate},
    {"whoami", NULL, "", "show whom the server takes you for", about_whoami,
        "  vouch whoami\n", NULL, 0, 0, 0, cmd_whoami},
    {"health", NULL, "[SERVICE]", "ask whether the server is serving",
        about_health, "  vouch health && echo up\n",
        NULL, 0, 1, 0, cmd_health},
    {"help", NULL, "[COMMAND|exit-codes|environment]", "explain", NULL,
        "  vouch help verify\n  vouch help exit-codes\n",
        NULL, 0, 2, 1, cmd_help},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, NULL},
};
