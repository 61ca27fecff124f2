#include "proto/number.h"

#include <string.h>

static int
is_separator(char c)
{
    return (c == ' ' || c == '-' || c == '.' || c == '/' || c == '_');
}

static struct slice
without_outer_blanks(struct slice s)
{
    while (s.n > 0 && s.p[s.n - 1] == ' ')
        s.n--;
    while (s.n > 0 && s.p[0] == ' ') {
        s.p++;
        s.n--;
    }
    return (s);
}

/* Not toupper(): its answer depends on the locale. */
static char
upper(char c)
{
    return (c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c);
}

enum err
number_key(const struct number_rules *rules, struct slice number,
    char key[NUMBER_MAX + 1])
{
    size_t n = 0, zeros = 0;

    key[0] = '\0';
    if (number.n > NUMBER_MAX)
        return (E_TOOBIG);
    number = without_outer_blanks(number);
    for (size_t i = 0; i < number.n; i++)
        if (number.p[i] < ' ' || number.p[i] > '~')
            return (E_INVAL);
    for (size_t i = 0; i < number.n; i++) {
        char c = (char)number.p[i];

        if (rules->drop_separators && is_separator(c))
            continue;
        key[n++] = rules->fold_case ? upper(c) : c;
    }
    key[n] = '\0';
    if (n == 0)
        return (E_INVAL);
    if (rules->drop_leading_zeros) {
        while (zeros + 1 < n && key[zeros] == '0')
            zeros++;
        memmove(key, key + zeros, n - zeros + 1);
    }
    return (E_OK);
}
