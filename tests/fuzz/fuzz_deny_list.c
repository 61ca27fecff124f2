/*
 * The deny list: what is taken denies exactly what its lines say, each line
 * reads the same once it is written again, and so does the whole with one
 * entry more.
 */

#include <string.h>

#include "fuzz.h"
#include "revocation/deny_list.h"

#define DOMAIN "vouch.example.org"

static int
is_empty(struct slice line)
{
    while (line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t')) {
        line.p++;
        line.n--;
    }
    return (line.n == 0 || line.p[0] == '#');
}

static void
check_again(const struct denial *denial)
{
    char line[DENIAL_LINE_MAX + 1], twice[DENIAL_LINE_MAX + 1];
    struct denial again;
    const char *why;

    FUZZ_CHECK(fuzz_is_text(denial->reason, sizeof(denial->reason)));
    FUZZ_CHECK(fuzz_is_text(denial->value, sizeof(denial->value)));
    denial_write(denial, line);
    FUZZ_CHECK(strchr(line, '\n') == NULL);
    FUZZ_CHECK(denial_read(slice_of(line), DOMAIN, &again, &why) == E_OK);
    FUZZ_CHECK(denial_compare(denial, &again) == 0);
    /*
     * A time is written in seconds, and a reason that reads as a time is one
     * then: so it is told from the second time on.
     */
    denial_write(&again, twice);
    FUZZ_CHECK(denial->denied_us == 0 || strcmp(line, twice) == 0);
}

/* Returns how many entries the lines of ${text} make. */
static size_t
check_lines(struct slice text, const struct deny_list *list)
{
    size_t n = 0;

    for (unsigned number = 1; text.n > 0; number++) {
        const uint8_t *newline = memchr(text.p, '\n', text.n);
        struct denial denial;
        struct slice line;
        const char *why;
        unsigned found;

        FUZZ_CHECK(newline != NULL);
        line = (struct slice){text.p, (size_t)(newline - text.p)};
        text.p += line.n + 1;
        text.n -= line.n + 1;
        if (is_empty(line))
            continue;
        FUZZ_CHECK(denial_read(line, DOMAIN, &denial, &why) == E_OK);
        check_again(&denial);
        found = deny_list_find(list, denial.kind, denial.role, denial.value);
        FUZZ_CHECK(found > 0 && found <= number);
        n++;
    }
    return (n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = fuzz_own((struct slice){data, size});
    struct deny_list *list;
    char why[256] = "";
    enum err err;

    err = deny_list_create(text, DOMAIN, &list, why, sizeof(why));
    if (err != E_OK) {
        FUZZ_CHECK(err == E_INVAL && list == NULL);
        FUZZ_CHECK(strncmp(why, "line ", 5) == 0);
        fuzz_disown(text);
        return (0);
    }
    FUZZ_CHECK(slice_equal(deny_list_text(list), text));
    FUZZ_CHECK(check_lines(text, list) == deny_list_count(list));
    FUZZ_CHECK(deny_list_find(list, DENIAL_IDENTITY, ROLE_COUNT,
        "spiffe://elsewhere/admin/x") == 0);
    fuzz_disown(text);
    deny_list_free(list);
    return (0);
}
