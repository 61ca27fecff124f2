#include "bench/records/record.h"

#include <stddef.h>
#include <string.h>

/*
 * Numbers are so far apart that between them there is room for nobody's; eight
 * to ten digits, whatever the index.
 */
enum { NUMBER_FIRST = 20000000, NUMBER_STEP = 31 };

enum { YEAR_FIRST = 1950, YEARS = 55 };

static const char *const starts[] = {"Bal", "Cor", "Dam", "Fen", "Gor", "Hul",
    "Jev", "Kol", "Lar", "Mor", "Nad", "Pel", "Quin", "Ras", "Sol", "Tam"};
static const char *const middles[] = {"a", "an", "e", "en", "ibo", "in",
    "ista", "o", "ola", "or", "ova", "u", "una", "al", "ere", "emi"};
static const char *const ends[] = {"berg", "dale", "dez", "field", "ford",
    "ham", "kov", "land", "ler", "man", "mond", "nell", "rez", "sen", "ski",
    "worth"};
static const char *const givens[] = {"Ana", "Bela", "Carin", "Dora", "Emil",
    "Feodor", "Gita", "Halina"};
static const char *const types[] = {"ascp-pbt", "ascp-mlt", "ascp-mls"};

uint64_t
record_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31));
}

static void
put_number(char text[12], uint32_t number)
{
    char digits[12];
    size_t n = 0, i = 0;

    do
        digits[n++] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    while (n > 0)
        text[i++] = digits[--n];
    text[i] = '\0';
}

static char *
put(char *at, const char *text)
{
    size_t n = strlen(text);

    memcpy(at, text, n);
    return (at + n);
}

void
record_make(uint32_t index, struct record *record)
{
    uint64_t state = index;
    uint64_t r = record_random(&state);
    char *at = record->family;

    put_number(record->number, NUMBER_FIRST + NUMBER_STEP * index);
    at = put(at, starts[r & 15]);
    at = put(at, middles[r >> 4 & 15]);
    at = put(at, ends[r >> 8 & 15]);
    *at = '\0';
    record->given = givens[r >> 12 & 7];
    record->type = types[(r >> 16) % 3];
    record->birth_year = YEAR_FIRST + (int)((r >> 32) % YEARS);
}

void
record_spoil_number(struct record *record)
{
    char *last = record->number + strlen(record->number) - 1;

    /* One more or nine less: no step of NUMBER_STEP from anybody's. */
    *last = (char)(*last == '9' ? '0' : *last + 1);
}

void
record_spoil_person(struct record *record)
{
    record->family[0] = 'X';
}
