#include "proto/nearest.h"

#include <stdint.h>
#include <string.h>

#define LONGEST 127

size_t
nearest_distance(const char *a, const char *b)
{
    size_t row[LONGEST + 1];
    size_t nb = strlen(b);

    if (nb > LONGEST)
        return (SIZE_MAX);
    for (size_t j = 0; j <= nb; j++)
        row[j] = j;
    for (size_t i = 1; *a != '\0'; a++, i++) {
        size_t corner = row[0];

        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t best = corner + (*a != b[j - 1]);

            corner = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return (row[nb]);
}

const char *
nearest_of(const char *word, const char *const *words, size_t n)
{
    const char *best = words[0];
    size_t length = strlen(word);

    for (size_t i = 0; i < n && length > 1; i++)
        if (strncmp(word, words[i], length) == 0)
            return (words[i]);
    for (size_t i = 1; i < n; i++)
        if (nearest_distance(word, words[i]) < nearest_distance(word, best))
            best = words[i];
    return (best);
}
