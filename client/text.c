#include "client/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Values of an enum share a prefix: the enum's own name in capitals, as
 * VERDICT_NO_MATCH of Verdict and PERIOD_KIND_CERTIFICATION of PeriodKind.
 */
static size_t
prefix_of(const char *enum_name)
{
    size_t n = 0;

    for (const char *p = enum_name; *p != '\0'; p++)
        n += p != enum_name && isupper((unsigned char)*p) ? 2 : 1;
    return (n + 1);
}

const char *
text_enum(const ProtobufCEnumDescriptor *descriptor, int value)
{
    const ProtobufCEnumValue *v =
        protobuf_c_enum_descriptor_get_value(descriptor, value);

    if (v == NULL)
        return ("(newer than this client)");
    return (v->name + prefix_of(descriptor->short_name));
}

void
text_plain(const char *name, char *out, size_t size)
{
    size_t n = 0;

    for (; *name != '\0' && n + 1 < size; name++)
        out[n++] = *name == '_' ? ' ' : (char)tolower((unsigned char)*name);
    out[n] = '\0';
}

void
text_value(const ProtobufCEnumDescriptor *descriptor, int value, char out[64])
{
    if (protobuf_c_enum_descriptor_get_value(descriptor, value) != NULL)
        text_plain(text_enum(descriptor, value), out, 64);
    else
        (void)snprintf(out, 64, "%d, newer than this client", value);
}

struct civil
text_civil(const Vouch__V1__Date *date)
{
    if (date == NULL)
        return ((struct civil){0, 0, 0});
    return ((struct civil){date->year, date->month, date->day});
}

void
text_date(const Vouch__V1__Date *date, const char *unknown, char out[32])
{
    struct civil civil = text_civil(date);
    char text[CIVIL_TEXT];

    if (!civil_is_valid(civil)) {
        (void)snprintf(out, 32, "(not a date)");
        return;
    }
    civil_format(civil, text);
    (void)snprintf(out, 32, "%s", civil_is_given(civil) ? text : unknown);
}

void
text_age(int64_t seconds, char *out, size_t size)
{
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"},
        {1, "second"}};
    size_t i = 0;
    int64_t n;

    while (i < 3 && seconds < units[i].seconds)
        i++;
    n = seconds / units[i].seconds;
    (void)snprintf(out, size, "%" PRId64 " %s%s", n, units[i].name,
        n == 1 ? "" : "s");
}

struct slice
text_unknown(const ProtobufCMessageUnknownField *field)
{
    struct slice value = {field->data, field->len};

    if (field->wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
        return (value);
    while (value.n > 0 && (*value.p & 0x80) != 0) {
        value.p++;
        value.n--;
    }
    if (value.n > 0) {
        value.p++;
        value.n--;
    }
    return (value);
}

/* Not strdup(), whose allocation no test could let fail. */
char *
text_copy(const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = malloc(n);

    if (copy != NULL)
        memcpy(copy, text, n);
    return (copy);
}

int64_t
text_sum(int64_t a, int64_t b)
{
    int64_t sum;

    if (__builtin_add_overflow(a, b, &sum))
        return (b < 0 ? INT64_MIN : INT64_MAX);
    return (sum);
}

int
text_parse_date(const char *text, Vouch__V1__Date *date)
{
    struct civil civil;

    if (civil_parse(text, &civil) != E_OK)
        return (-1);
    date->year = civil.year;
    date->month = civil.month;
    date->day = civil.day;
    return (0);
}
