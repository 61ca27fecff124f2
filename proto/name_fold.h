#ifndef PROTO_NAME_FOLD_H
#define PROTO_NAME_FOLD_H

/*
 * Person names, folded for comparison; what is kept and shown is what was
 * written.  In order: UTF-8 checked; control and default-ignorable characters
 * dropped and white space joined; NFD, and then NFKD with full case folding
 * (UAX #15, CaseFolding.txt C and F, by utf8proc; NFD first as Unicode's D145
 * has it); marks (Mn) dropped; letters mapped
 * that do not decompose (o-stroke, l-stroke, d-stroke, h-stroke, dotless i,
 * ae, oe, thorn, eth); apostrophes, hyphens, dots and blanks left out.  So
 * "O'Brien", "O\u2019BRIEN" and "OBrien" have one key, and "Garcia-Lopez" and
 * "Garc\u00eda L\u00f3pez" have.
 *
 * The German umlauts have two ASCII forms, and so have o-stroke and a-ring, all
 * of them in use: each name has a main key (ü to u, ø to o, å to a) and an
 * alternative one (ü to ue, ø to oe, å to aa); two names are equal if any of
 * their keys are.
 *
 * The keys depend on the rules and on the version of Unicode; a store keeps
 * names as written and never relies on keys of another version.
 */

#include "proto/bytes.h"
#include "proto/err.h"

/* Changes with every change of the rules. */
#define NAME_FOLD_VERSION 2

#define NAME_MAX_BYTES 200      /* of one part of a name, as written */
#define NAME_KEY_MAX 1024       /* bytes of a key; NFKD expands */

struct name_key {
    char main[NAME_KEY_MAX];
    char alternative[NAME_KEY_MAX];     /* "" if it would be the main one */
};

/**
 * name_key_make(name, key):
 * Fold one part of a name.  If nothing is left but there was something to be
 * seen, the key is that, in NFD and case folded, so that no script folds to
 * nothing.  A name of nothing, or of nothing but blanks and characters that
 * are dropped for not being seen, gives an empty key.  Allocates nothing.
 *
 * Fails: E_INVAL (not UTF-8), E_TOOBIG (above NAME_MAX_BYTES, or a key too
 * long).  On failure the key is empty.
 */
enum err MUST_USE name_key_make(struct slice name, struct name_key *key);

/**
 * name_key_equal(a, b):
 * Return non-zero if ${a} and ${b} are keys of the same name; never for an
 * empty one.
 */
int name_key_equal(const struct name_key *a, const struct name_key *b);

/**
 * name_key_make_first(given, key):
 * Fold the first word of a given name: "Mary Ann" as "Mary".  Fails as
 * name_key_make().
 */
enum err MUST_USE name_key_make_first(struct slice given,
    struct name_key *key);

/**
 * name_suffix(suffix):
 * Return the generation that ${suffix} names: 1 Sr or I, 2 Jr or II or 2nd,
 * 3 III or 3rd, 4 IV or 4th, 5 V or 5th; 0 none, -1 something else.  Case,
 * dots and blanks do not count.  (Jr and II are told apart by some families
 * and not by others: they are one generation here.)
 */
int name_suffix(struct slice suffix);

/**
 * name_is_clean(name):
 * Return non-zero if ${name} is UTF-8 without control, bidirectional-control,
 * line-separating or private-use characters: fit to be stored and shown.
 */
int name_is_clean(struct slice name);

#endif /* !PROTO_NAME_FOLD_H */
