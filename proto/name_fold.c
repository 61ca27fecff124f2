#include "proto/name_fold.h"

#include <string.h>

#include <utf8proc.h>

/* U+FDFA is the worst: 3 bytes become 18 characters. */
#define POINTS_MAX (NAME_MAX_BYTES / 3 * 18 + 18)
#define SUFFIX_MAX 3    /* letters of the longest suffix */

#define MARK_DIAERESIS 0x308
#define MARK_RING 0x30a

/* A name without what nobody sees; a lone blank between words. */
struct clean {
    uint8_t bytes[NAME_MAX_BYTES];
    size_t n;
};

/* Letters that NFKD leaves whole, after case folding. */
static const struct {
    utf8proc_int32_t letter;
    const char *main;
    const char *alternative;
} letters[] = {
    {0x0e6, "ae", "ae"},    /* ae */
    {0x0f0, "d", "d"},      /* eth */
    {0x0f8, "o", "oe"},     /* o with stroke */
    {0x0fe, "th", "th"},    /* thorn */
    {0x111, "d", "d"},      /* d with stroke */
    {0x127, "h", "h"},      /* h with stroke */
    {0x131, "i", "i"},      /* dotless i */
    {0x142, "l", "l"},      /* l with stroke */
    {0x153, "oe", "oe"},    /* oe */
};

/* What is left out, but for blanks and the category Pd (hyphens). */
static const utf8proc_int32_t left_out[] = {
    '\'', '`', 0x2b9, 0x2bb, 0x2bc, 0x2bd, 0x2be, 0x2bf, 0x2018, 0x2019, 0x201b,
    0x2032, 0x55a, 0xa78c,                          /* apostrophes */
    0x2212, 0x2043,                                 /* hyphens */
    '.', 0xb7, 0x2027, 0x30fb,                      /* dots */
};

static int
is_blank(utf8proc_int32_t point)
{
    utf8proc_category_t category = utf8proc_category(point);

    return ((point >= '\t' && point <= '\r') || point == 0x85 ||
        category == UTF8PROC_CATEGORY_ZS ||
        category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP);
}

static int
is_unseen(utf8proc_int32_t point)
{
    return (utf8proc_category(point) == UTF8PROC_CATEGORY_CC ||
        utf8proc_get_property(point)->ignorable);
}

static int
is_left_out(utf8proc_int32_t point)
{
    if (is_blank(point) ||
        utf8proc_category(point) == UTF8PROC_CATEGORY_PD)
        return (1);
    for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
        if (left_out[i] == point)
            return (1);
    return (0);
}

/* Take the first character off ${*text}; its bytes, 0 if it is not UTF-8. */
static size_t
take_point(struct slice *text, utf8proc_int32_t *point)
{
    utf8proc_ssize_t n = utf8proc_iterate(text->p,
        (utf8proc_ssize_t)text->n, point);

    if (n <= 0 || *point < 0)
        return (0);
    text->p += n;
    text->n -= (size_t)n;
    return ((size_t)n);
}

static enum err
clean(struct slice name, struct clean *out)
{
    utf8proc_int32_t point;
    size_t n;
    int blank = 0;

    out->n = 0;
    if (name.n > NAME_MAX_BYTES)
        return (E_TOOBIG);
    while (name.n > 0) {
        const uint8_t *from = name.p;

        if ((n = take_point(&name, &point)) == 0)
            return (E_INVAL);
        if (is_blank(point))
            blank = out->n > 0;
        if (is_blank(point) || is_unseen(point))
            continue;
        /* Room is always there: the blank took at least a byte as well. */
        if (blank)
            out->bytes[out->n++] = ' ';
        blank = 0;
        memcpy(out->bytes + out->n, from, n);
        out->n += n;
    }
    return (E_OK);
}

static enum err
decompose_bytes(struct slice text, utf8proc_option_t options,
    utf8proc_int32_t points[POINTS_MAX], size_t *n)
{
    utf8proc_ssize_t got = utf8proc_decompose(text.p, (utf8proc_ssize_t)text.n,
        points, POINTS_MAX, options);

    *n = 0;
    if (got < 0)
        return (E_INVAL);
    if (got > POINTS_MAX)
        return (E_TOOBIG);
    *n = (size_t)got;
    return (E_OK);
}

/*
 * NFD first, then case folded and decomposed again (Unicode, D145): the iota
 * below a Greek letter is a mark that folds to a letter, and is put behind
 * other marks before that, not after it.
 */
static enum err
decompose(const struct clean *name, utf8proc_option_t options,
    utf8proc_int32_t points[POINTS_MAX], size_t *n)
{
    utf8proc_uint8_t bytes[POINTS_MAX * 4];
    struct slice text = {bytes, 0};
    enum err err = decompose_bytes((struct slice){name->bytes, name->n},
        UTF8PROC_DECOMPOSE, points, n);

    if (err != E_OK)
        return (err);
    for (size_t i = 0; i < *n; i++)
        text.n += (size_t)utf8proc_encode_char(points[i], bytes + text.n);
    return (decompose_bytes(text, UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD |
        options, points, n));
}

static enum err
append(char key[NAME_KEY_MAX], size_t *n, const void *bytes, size_t size)
{
    if (size >= NAME_KEY_MAX - *n)
        return (E_TOOBIG);
    memcpy(key + *n, bytes, size);
    *n += size;
    key[*n] = '\0';
    return (E_OK);
}

static enum err
append_point(char key[NAME_KEY_MAX], size_t *n, utf8proc_int32_t point)
{
    utf8proc_uint8_t bytes[4];
    utf8proc_ssize_t size = utf8proc_encode_char(point, bytes);

    return (append(key, n, bytes, (size_t)size));
}

/* A letter, as itself or as ASCII has it. */
static enum err
append_letter(utf8proc_int32_t point, struct name_key *key, size_t *main,
    size_t *alternative)
{
    enum err err;

    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
        if (letters[i].letter != point)
            continue;
        if ((err = append(key->main, main, letters[i].main,
            strlen(letters[i].main))) != E_OK)
            return (err);
        return (append(key->alternative, alternative, letters[i].alternative,
            strlen(letters[i].alternative)));
    }
    if ((err = append_point(key->main, main, point)) != E_OK)
        return (err);
    return (append_point(key->alternative, alternative, point));
}

/* What a mark adds to the letter before it, in ASCII; "" mostly. */
static const char *
mark_text(utf8proc_int32_t letter, utf8proc_int32_t mark)
{
    if (mark == MARK_DIAERESIS &&
        (letter == 'a' || letter == 'o' || letter == 'u'))
        return ("e");
    return (mark == MARK_RING && letter == 'a' ? "a" : "");
}

static enum err
fold(const utf8proc_int32_t *points, size_t n, struct name_key *key)
{
    utf8proc_int32_t letter = 0;
    size_t main = 0, alternative = 0;
    enum err err = E_OK;

    for (size_t i = 0; i < n && err == E_OK; i++) {
        if (utf8proc_category(points[i]) == UTF8PROC_CATEGORY_MN) {
            const char *text = mark_text(letter, points[i]);

            err = append(key->alternative, &alternative, text, strlen(text));
            continue;
        }
        letter = points[i];
        if (!is_left_out(letter))
            err = append_letter(letter, key, &main, &alternative);
    }
    return (err);
}

/* The key of a name that folding would leave nothing of: in NFD, no more. */
static enum err
fold_case_only(const struct clean *name, struct name_key *key)
{
    utf8proc_int32_t points[POINTS_MAX];
    size_t n, main = 0;
    enum err err = decompose(name, 0, points, &n);

    for (size_t i = 0; i < n && err == E_OK; i++)
        err = append_point(key->main, &main, points[i]);
    return (err);
}

static enum err
make(const struct clean *name, struct name_key *key)
{
    utf8proc_int32_t points[POINTS_MAX];
    size_t n;
    enum err err;

    if ((err = decompose(name, UTF8PROC_COMPAT, points, &n)) == E_OK)
        err = fold(points, n, key);
    if (err == E_OK && key->main[0] == '\0')
        err = fold_case_only(name, key);
    if (err != E_OK)
        key->main[0] = '\0';
    if (err != E_OK || strcmp(key->main, key->alternative) == 0)
        key->alternative[0] = '\0';
    return (err);
}

/* What becomes of a byte of printable ASCII. */
enum { NOT_PLAIN = 0, LEFT_OUT = 1 };

#define ROW8(a) (a), (a) + 1, (a) + 2, (a) + 3, (a) + 4, (a) + 5, (a) + 6, \
    (a) + 7

static const uint8_t plain[256] = {
    [' '] = LEFT_OUT, '!', '"', '#', '$', '%', '&', LEFT_OUT /* ' */,
    '(', ')', '*', '+', ',', LEFT_OUT /* - */, LEFT_OUT /* . */, '/',
    ROW8('0'), '8', '9', ':', ';', '<', '=', '>', '?',
    '@', 'a', 'b', 'c', 'd', 'e', 'f', 'g', ROW8('h'), ROW8('p'),
    'x', 'y', 'z', '[', '\\', ']', '^', '_',
    LEFT_OUT /* ` */, 'a', 'b', 'c', 'd', 'e', 'f', 'g', ROW8('h'),
    ROW8('p'), 'x', 'y', 'z', '{', '|', '}', '~',
};

/*
 * Most names are printable ASCII, for which all of the above comes to this; if
 * it is not that simple, return 0 and have made nothing.  ${first}: its first
 * word only.
 */
static int
make_plain(struct slice name, int first, struct name_key *key)
{
    const uint8_t *p = name.p, *end, *blank;
    size_t n = 0;

    if (name.n == 0 || name.n > NAME_MAX_BYTES)
        return (0);
    end = p + name.n;
    if (first) {
        while (p < end && *p == ' ')
            p++;
        blank = p < end ? memchr(p, ' ', (size_t)(end - p)) : NULL;
        end = blank != NULL ? blank : end;
    }
    for (; p < end; p++) {
        uint8_t folded = plain[*p];

        if (folded == NOT_PLAIN)
            return (0);
        key->main[n] = (char)folded;
        n += folded != LEFT_OUT;
    }
    key->main[n] = '\0';
    return (n > 0);
}

enum err
name_key_make(struct slice name, struct name_key *key)
{
    struct clean cleaned;
    enum err err;

    key->main[0] = key->alternative[0] = '\0';
    if (make_plain(name, 0, key))
        return (E_OK);
    key->main[0] = '\0';
    if ((err = clean(name, &cleaned)) != E_OK)
        return (err);
    return (make(&cleaned, key));
}

enum err
name_key_make_first(struct slice given, struct name_key *key)
{
    struct clean cleaned;
    const uint8_t *blank;
    enum err err;

    key->main[0] = key->alternative[0] = '\0';
    if (make_plain(given, 1, key))
        return (E_OK);
    key->main[0] = '\0';
    if ((err = clean(given, &cleaned)) != E_OK)
        return (err);
    if ((blank = memchr(cleaned.bytes, ' ', cleaned.n)) != NULL)
        cleaned.n = (size_t)(blank - cleaned.bytes);
    return (make(&cleaned, key));
}

static int
same_text(const char *a, const char *b)
{
    return (a[0] != '\0' && strcmp(a, b) == 0);
}

int
name_key_equal(const struct name_key *a, const struct name_key *b)
{
    return (same_text(a->main, b->main) ||
        same_text(a->main, b->alternative) ||
        same_text(a->alternative, b->main) ||
        same_text(a->alternative, b->alternative));
}

static int
generation_of(const char *text)
{
    static const struct {
        const char *text;
        int generation;
    } suffixes[] = {
        {"", 0}, {"sr", 1}, {"i", 1}, {"jr", 2}, {"ii", 2}, {"2nd", 2},
        {"iii", 3}, {"3rd", 3}, {"iv", 4}, {"4th", 4}, {"v", 5}, {"5th", 5},
    };

    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
        if (strcmp(suffixes[i].text, text) == 0)
            return (suffixes[i].generation);
    return (-1);
}

/*
 * The letters of a suffix, folded, without dots and blanks, if it is printable
 * ASCII, as nearly all are; otherwise return 0.  One letter too many tells that
 * there are too many.
 */
static int
plain_letters(struct slice suffix, char text[SUFFIX_MAX + 2])
{
    size_t n = 0;

    if (suffix.n > NAME_MAX_BYTES)
        return (0);
    for (size_t i = 0; i < suffix.n; i++) {
        uint8_t ch = suffix.p[i];

        if (ch < ' ' || ch > '~')
            return (0);
        if (ch != '.' && ch != ' ' && n <= SUFFIX_MAX)
            text[n++] = (char)(ch >= 'A' && ch <= 'Z' ? ch + 'a' - 'A' : ch);
    }
    text[n] = '\0';
    return (1);
}

int
name_suffix(struct slice suffix)
{
    utf8proc_int32_t points[POINTS_MAX];
    char text[SUFFIX_MAX + 2];
    struct clean cleaned;
    size_t n, length = 0;

    if (plain_letters(suffix, text))
        return (generation_of(text));
    if (clean(suffix, &cleaned) != E_OK ||
        decompose(&cleaned, UTF8PROC_COMPAT, points, &n) != E_OK)
        return (-1);
    for (size_t i = 0; i < n; i++) {
        if (points[i] == '.' || points[i] == ' ')
            continue;
        if (points[i] > '~' || length == SUFFIX_MAX)
            return (-1);
        text[length++] = (char)points[i];
    }
    text[length] = '\0';
    return (generation_of(text));
}

/* UAX #9's Bidi_Control. */
static int
is_bidi_control(utf8proc_int32_t point)
{
    return (point == 0x61c || point == 0x200e || point == 0x200f ||
        (point >= 0x202a && point <= 0x202e) ||
        (point >= 0x2066 && point <= 0x2069));
}

int
name_is_clean(struct slice name)
{
    utf8proc_int32_t point;

    while (name.n > 0) {
        if (name.p[0] >= ' ' && name.p[0] <= '~') {     /* as most are */
            name.p++;
            name.n--;
            continue;
        }
        if (take_point(&name, &point) == 0 || is_bidi_control(point))
            return (0);
        switch (utf8proc_category(point)) {
        case UTF8PROC_CATEGORY_CC:
        case UTF8PROC_CATEGORY_CO:
        case UTF8PROC_CATEGORY_ZL:
        case UTF8PROC_CATEGORY_ZP:
            return (0);
        default:
            break;
        }
    }
    return (1);
}
