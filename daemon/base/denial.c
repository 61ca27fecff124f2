#include "base/denial.h"

#include <stdio.h>
#include <string.h>

#include "proto/civil.h"
#include "proto/utf8.h"

enum { DIGEST_DIGITS = 64 };

static const char *const kind_names[DENIAL_KINDS] = {
    [DENIAL_SERIAL] = "serial",
    [DENIAL_KEY] = "key",
    [DENIAL_IDENTITY] = "identity",
};

static int
is_blank(uint8_t ch)
{
    return (ch == ' ' || ch == '\t');
}

static int
is_hex(struct slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!(s.p[i] >= '0' && s.p[i] <= '9') &&
            !(s.p[i] >= 'a' && s.p[i] <= 'f') &&
            !(s.p[i] >= 'A' && s.p[i] <= 'F'))
            return (0);
    return (s.n > 0);
}

/* ---- the values -------------------------------------------------------- */

/* Whole bytes and no more of them than needed, as a certificate has them. */
enum err
denial_set_serial(struct denial *denial, enum role role, struct slice serial,
    const char **why)
{
    char *out = denial->value;

    *why = "a serial number is 1 to 40 hexadecimal digits";
    if (!is_hex(serial) || serial.n > IDENTITY_SERIAL_MAX)
        return (E_INVAL);
    *why = "a serial number belongs to the CA of a role: employer, "
        "association, auditor or admin";
    if ((unsigned)role >= ROLE_COUNT)
        return (E_INVAL);
    while (serial.n > 1 && serial.p[0] == '0') {
        serial.p++;
        serial.n--;
    }
    if (serial.n % 2 != 0)
        *out++ = '0';
    for (size_t i = 0; i < serial.n; i++)
        *out++ = (char)(serial.p[i] >= 'a' ? serial.p[i] - 'a' + 'A' :
            serial.p[i]);
    *out = '\0';
    denial->kind = DENIAL_SERIAL;
    denial->role = role;
    *why = NULL;
    return (E_OK);
}

enum err
denial_set_key(struct denial *denial, struct slice digest, const char **why)
{
    *why = "a key is named by its SHA-256, 64 hexadecimal digits";
    if (!is_hex(digest) || digest.n != DIGEST_DIGITS)
        return (E_INVAL);
    for (size_t i = 0; i < digest.n; i++)
        denial->value[i] = (char)(digest.p[i] >= 'A' && digest.p[i] <= 'F' ?
            digest.p[i] - 'A' + 'a' : digest.p[i]);
    denial->value[digest.n] = '\0';
    denial->kind = DENIAL_KEY;
    denial->role = ROLE_COUNT;
    *why = NULL;
    return (E_OK);
}

enum err
denial_set_identity(struct denial *denial, struct slice uri,
    const char *trust_domain, const char **why)
{
    struct identity identity;
    enum err err;

    if ((err = identity_parse(uri, trust_domain, &identity, why)) != E_OK)
        return (E_INVAL);
    memcpy(denial->value, identity.uri, sizeof(denial->value));
    denial->kind = DENIAL_IDENTITY;
    denial->role = ROLE_COUNT;
    return (E_OK);
}

enum err
denial_set_reason(struct denial *denial, struct slice reason,
    const char **why)
{
    *why = "a reason is up to 200 bytes of UTF-8, without control characters "
        "and without blanks at its ends";
    if (reason.n > DENIAL_REASON_MAX || !utf8_is_text(reason) ||
        (reason.n > 0 &&
        (is_blank(reason.p[0]) || is_blank(reason.p[reason.n - 1]))))
        return (E_INVAL);
    for (size_t i = 0; i < reason.n; i++)
        if (reason.p[i] < ' ' || reason.p[i] == 0x7f)
            return (E_INVAL);
    if (reason.n > 0)
        memcpy(denial->reason, reason.p, reason.n);
    denial->reason[reason.n] = '\0';
    *why = NULL;
    return (E_OK);
}

/* ---- the line ---------------------------------------------------------- */

static void
skip_blanks(struct slice *line)
{
    while (line->n > 0 && is_blank(line->p[0])) {
        line->p++;
        line->n--;
    }
}

/* Take the next word off the front of ${*line}; empty at the end. */
static struct slice
take_word(struct slice *line)
{
    struct slice word;

    skip_blanks(line);
    word = (struct slice){line->p, 0};
    while (line->n > 0 && !is_blank(line->p[0])) {
        line->p++;
        line->n--;
        word.n++;
    }
    return (word);
}

static enum role
role_named(struct slice word)
{
    int r = 0;

    while (r < ROLE_COUNT && !slice_equal(word,
        slice_of(identity_role_name((enum role)r))))
        r++;
    return ((enum role)r);
}

static enum err
read_value(struct slice *line, const char *trust_domain,
    struct denial *denial, const char **why)
{
    struct slice kind = take_word(line);
    struct slice word = take_word(line);

    if (slice_equal(kind, slice_of(kind_names[DENIAL_KEY])))
        return (denial_set_key(denial, word, why));
    if (slice_equal(kind, slice_of(kind_names[DENIAL_IDENTITY])))
        return (denial_set_identity(denial, word, trust_domain, why));
    if (slice_equal(kind, slice_of(kind_names[DENIAL_SERIAL])))
        return (denial_set_serial(denial, role_named(word), take_word(line),
            why));
    *why = "an entry begins with serial, key or identity";
    return (E_INVAL);
}

/* What does not read as a time is the first word of the reason. */
static void
read_when(struct slice *line, struct denial *denial)
{
    struct slice rest = *line;
    struct slice word = take_word(&rest);
    char text[CIVIL_TIME_TEXT + 8];

    if (word.n == 0 || word.n >= sizeof(text) ||
        memchr(word.p, '\0', word.n) != NULL)
        return;
    memcpy(text, word.p, word.n);
    text[word.n] = '\0';
    if (civil_parse_time(text, &denial->denied_us) == E_OK)
        *line = rest;
    else
        denial->denied_us = 0;
}

enum err
denial_read(struct slice line, const char *trust_domain,
    struct denial *denial, const char **why)
{
    enum err err;

    memset(denial, 0, sizeof(*denial));
    *why = "the line is too long";
    if (line.n > DENIAL_LINE_MAX)
        return (E_INVAL);
    if ((err = read_value(&line, trust_domain, denial, why)) != E_OK)
        return (err);
    read_when(&line, denial);
    skip_blanks(&line);
    while (line.n > 0 && is_blank(line.p[line.n - 1]))
        line.n--;
    return (denial_set_reason(denial, line, why));
}

void
denial_write(const struct denial *denial, char line[DENIAL_LINE_MAX + 1])
{
    char when[CIVIL_TIME_TEXT] = "";
    int serial = (denial->kind == DENIAL_SERIAL);

    if (denial->denied_us != 0)
        civil_format_time(denial->denied_us, 0, when);
    (void)snprintf(line, DENIAL_LINE_MAX + 1, "%s%s%s %s%s%s%s%s",
        kind_names[denial->kind], serial ? " " : "",
        serial ? identity_role_name(denial->role) : "", denial->value,
        when[0] == '\0' ? "" : " ", when,
        denial->reason[0] == '\0' ? "" : " ", denial->reason);
}

int
denial_compare(const struct denial *a, const struct denial *b)
{
    if (a->kind != b->kind)
        return (a->kind < b->kind ? -1 : 1);
    if (a->role != b->role)
        return (a->role < b->role ? -1 : 1);
    return (strcmp(a->value, b->value));
}
