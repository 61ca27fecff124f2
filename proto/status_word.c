#include "proto/status_word.h"

#include <string.h>

#define WORD_MAX 32     /* longer than any of the words */

static const struct {
    const char *word;
    Vouch__V1__Standing standing;
    Vouch__V1__Restriction restriction;
} words[] = {
#define STANDING(name)                                                  \
    {#name, VOUCH__V1__STANDING__STANDING_##name,                       \
        VOUCH__V1__RESTRICTION__RESTRICTION_NONE}
#define RESTRICTION(name)                                               \
    {#name, VOUCH__V1__STANDING__STANDING_ACTIVE,                       \
        VOUCH__V1__RESTRICTION__RESTRICTION_##name}
    STANDING(PENDING),
    STANDING(PROVISIONAL),
    STANDING(ACTIVE),
    STANDING(INACTIVE),
    STANDING(EXPIRED),
    STANDING(REVOKED),
    STANDING(SURRENDERED),
    STANDING(DENIED),
    STANDING(ISSUED_IN_ERROR),
    STANDING(NOT_LISTED),
    STANDING(UNKNOWN),
    RESTRICTION(CONDITIONS),
    RESTRICTION(SUSPENDED),
#undef STANDING
#undef RESTRICTION
};

static const struct {
    const char *word;
    Vouch__V1__InactiveReason reason;
} reasons[] = {
#define REASON(name) \
    {#name, VOUCH__V1__INACTIVE_REASON__INACTIVE_REASON_##name}
    REASON(LAPSED),
    REASON(RETIRED),
    REASON(DECEASED),
    REASON(CLOSED),
    REASON(SUPERSEDED),
#undef REASON
};

static int
is_gap(uint8_t c)
{
    return (c == ' ' || c == '-' || c == '_');
}

/* Not toupper(): its answer depends on the locale. */
static char
upper(uint8_t c)
{
    return ((char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c));
}

/*
 * Bring ${text} to the form of the tables: upper case, one underscore between
 * words, none at the ends.  What is too long, or has a NUL in it, becomes "?",
 * which is in no table.
 */
static void
normalize(struct slice text, char word[WORD_MAX])
{
    size_t n = 0;
    int gap = 0;

    for (size_t i = 0; i < text.n; i++) {
        if (is_gap(text.p[i])) {
            gap = n > 0;
            continue;
        }
        if (text.p[i] == '\0' || n + (size_t)gap + 1 >= WORD_MAX) {
            memcpy(word, "?", 2);
            return;
        }
        if (gap)
            word[n++] = '_';
        gap = 0;
        word[n++] = upper(text.p[i]);
    }
    word[n] = '\0';
}

static Vouch__V1__InactiveReason
reason_of(struct slice text)
{
    char word[WORD_MAX];

    normalize(text, word);
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (strcmp(reasons[i].word, word) == 0)
            return (reasons[i].reason);
    return (VOUCH__V1__INACTIVE_REASON__INACTIVE_REASON_UNSPECIFIED);
}

enum err
status_word_parse(struct slice status, struct slice reason,
    struct status_axes *axes)
{
    char word[WORD_MAX];

    axes->standing = VOUCH__V1__STANDING__STANDING_UNKNOWN;
    axes->inactive_reason =
        VOUCH__V1__INACTIVE_REASON__INACTIVE_REASON_UNSPECIFIED;
    axes->restriction = VOUCH__V1__RESTRICTION__RESTRICTION_NONE;
    axes->review = VOUCH__V1__REVIEW__REVIEW_NONE;
    normalize(status, word);
    if (word[0] == '\0')
        return (E_OK);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i].word, word) != 0)
            continue;
        axes->standing = words[i].standing;
        axes->restriction = words[i].restriction;
        if (axes->standing == VOUCH__V1__STANDING__STANDING_INACTIVE)
            axes->inactive_reason = reason_of(reason);
        return (E_OK);
    }
    return (E_INVAL);
}
