/*
 * Names, folded: keys are bounded and text, a folded name folds to itself, a
 * name equals itself however its letters are composed, and equality is the
 * same both ways.  Two names, ended by a byte 0xff or the end.
 */

#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "fuzz.h"
#include "proto/name_fold.h"
#include "proto/utf8.h"

static void
check_key(const struct name_key *key)
{
    FUZZ_CHECK(fuzz_is_text(key->main, sizeof(key->main)));
    FUZZ_CHECK(fuzz_is_text(key->alternative, sizeof(key->alternative)));
    FUZZ_CHECK(strcmp(key->main, key->alternative) != 0 ||
        key->main[0] == '\0');
    FUZZ_CHECK(key->main[0] != '\0' || key->alternative[0] == '\0');
    FUZZ_CHECK(name_key_equal(key, key) == (key->main[0] != '\0'));
}

/* To be freed. */
static char *
normal_form(const char *text)
{
    const utf8proc_uint8_t *p = (const utf8proc_uint8_t *)text;
    utf8proc_uint8_t *out = utf8proc_NFD(p);

    FUZZ_CHECK(out != NULL);
    return ((char *)out);
}

/*
 * A key that is short enough to be a name is its own key, but for the order of
 * marks that something left out has kept apart (of Mc, those with a combining
 * class: U+302E and few more).
 */
static void
check_fixed_point(const struct name_key *key)
{
    struct name_key again;
    char *text;

    if (strlen(key->main) > NAME_MAX_BYTES)
        return;
    FUZZ_CHECK(name_key_make(slice_of(key->main), &again) == E_OK);
    if (strcmp(key->main, again.main) == 0)
        return;
    text = normal_form(key->main);
    FUZZ_CHECK(strcmp(text, again.main) == 0);
    free(text);
}

/* NFD and NFC of a name are the same name (UAX #15). */
static void
check_form(struct slice name, const struct name_key *key,
    utf8proc_option_t form)
{
    struct name_key other;
    utf8proc_uint8_t *text = NULL;
    utf8proc_ssize_t n = utf8proc_map(name.p, (utf8proc_ssize_t)name.n, &text,
        UTF8PROC_STABLE | form);

    FUZZ_CHECK(n >= 0);
    if (n <= NAME_MAX_BYTES) {
        FUZZ_CHECK(name_key_make((struct slice){text, (size_t)n}, &other) ==
            E_OK);
        FUZZ_CHECK(strcmp(key->main, other.main) == 0);
        FUZZ_CHECK(strcmp(key->alternative, other.alternative) == 0);
    }
    free(text);
}

/* U+200B is not seen, but keeps a name from being folded the short way. */
static void
check_short_way(struct slice name)
{
    static const char unseen[] = "\xe2\x80\x8b";
    uint8_t bytes[NAME_MAX_BYTES + sizeof(unseen)];
    struct slice longer = {bytes, name.n + sizeof(unseen) - 1};
    struct name_key key, other;

    if (name.n == 0 || longer.n > NAME_MAX_BYTES)
        return;
    memcpy(bytes, name.p, name.n);
    memcpy(bytes + name.n, unseen, sizeof(unseen) - 1);
    if (name_key_make(name, &key) == E_OK) {
        FUZZ_CHECK(name_key_make(longer, &other) == E_OK);
        FUZZ_CHECK(strcmp(key.main, other.main) == 0);
        FUZZ_CHECK(strcmp(key.alternative, other.alternative) == 0);
    }
    if (name_key_make_first(name, &key) == E_OK) {
        FUZZ_CHECK(name_key_make_first(longer, &other) == E_OK);
        FUZZ_CHECK(strcmp(key.main, other.main) == 0);
        FUZZ_CHECK(strcmp(key.alternative, other.alternative) == 0);
    }
}

static void
check_others(struct slice name)
{
    struct name_key first;
    int suffix = name_suffix(name);

    FUZZ_CHECK(suffix >= -1 && suffix <= 5);
    if (name_is_clean(name))
        FUZZ_CHECK(utf8_is_text(name));
    if (name_key_make_first(name, &first) != E_OK)
        FUZZ_CHECK(first.main[0] == '\0');
    check_key(&first);
}

static void
fold(struct slice name, struct name_key *key)
{
    struct slice own = fuzz_own(name);
    enum err err = name_key_make(own, key);

    check_others(own);
    check_short_way(own);
    check_key(key);
    if (err == E_OK) {
        FUZZ_CHECK(name.n <= NAME_MAX_BYTES);
        check_fixed_point(key);
        if (memchr(own.p, 0, own.n) == NULL) {  /* which would end it */
            check_form(own, key, UTF8PROC_DECOMPOSE);
            check_form(own, key, UTF8PROC_COMPOSE);
        }
    } else {
        FUZZ_CHECK(err == E_INVAL || err == E_TOOBIG);
        FUZZ_CHECK(key->main[0] == '\0');
        FUZZ_CHECK(err == E_TOOBIG || !utf8_is_text(name));
    }
    fuzz_disown(own);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = {data, size};
    struct name_key a, b;

    fold(fuzz_part(&in), &a);
    fold(fuzz_part(&in), &b);
    FUZZ_CHECK(name_key_equal(&a, &b) == name_key_equal(&b, &a));
    return (0);
}
