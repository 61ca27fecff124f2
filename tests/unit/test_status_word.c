#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdint.h>
#include <string.h>

#include "proto/status_word.h"

#define STANDING(name) VOUCH__V1__STANDING__STANDING_##name
#define REASON(name) VOUCH__V1__INACTIVE_REASON__INACTIVE_REASON_##name
#define RESTRICTION(name) VOUCH__V1__RESTRICTION__RESTRICTION_##name
#define REVIEW_NONE VOUCH__V1__REVIEW__REVIEW_NONE

static struct slice
of(const char *text)
{
    return ((struct slice){(const uint8_t *)text, strlen(text)});
}

static const struct {
    const char *word, *reason;
    struct status_axes axes;
} meanings[] = {
    {"ACTIVE", "",
        {STANDING(ACTIVE), REASON(UNSPECIFIED), RESTRICTION(NONE),
        REVIEW_NONE}},
    {"active", "LAPSED",
        {STANDING(ACTIVE), REASON(UNSPECIFIED), RESTRICTION(NONE),
        REVIEW_NONE}},
    {"Suspended", "",
        {STANDING(ACTIVE), REASON(UNSPECIFIED), RESTRICTION(SUSPENDED),
        REVIEW_NONE}},
    {"conditions", "probation until 2027",
        {STANDING(ACTIVE), REASON(UNSPECIFIED), RESTRICTION(CONDITIONS),
        REVIEW_NONE}},
    {"Issued in-error", "",
        {STANDING(ISSUED_IN_ERROR), REASON(UNSPECIFIED), RESTRICTION(NONE),
        REVIEW_NONE}},
    {"  issued__IN - error ", "",
        {STANDING(ISSUED_IN_ERROR), REASON(UNSPECIFIED), RESTRICTION(NONE),
        REVIEW_NONE}},
    {"inactive", "Retired",
        {STANDING(INACTIVE), REASON(RETIRED), RESTRICTION(NONE),
        REVIEW_NONE}},
    {"INACTIVE", "moved abroad",
        {STANDING(INACTIVE), REASON(UNSPECIFIED), RESTRICTION(NONE),
        REVIEW_NONE}},
    {"INACTIVE", "the holder has asked for the file to be closed",
        {STANDING(INACTIVE), REASON(UNSPECIFIED), RESTRICTION(NONE),
        REVIEW_NONE}},
    {"INACTIVE", "",
        {STANDING(INACTIVE), REASON(UNSPECIFIED), RESTRICTION(NONE),
        REVIEW_NONE}},
    {"unknown", "",
        {STANDING(UNKNOWN), REASON(UNSPECIFIED), RESTRICTION(NONE),
        REVIEW_NONE}},
    {"", "LAPSED",
        {STANDING(UNKNOWN), REASON(UNSPECIFIED), RESTRICTION(NONE),
        REVIEW_NONE}},
    {" - ", "",
        {STANDING(UNKNOWN), REASON(UNSPECIFIED), RESTRICTION(NONE),
        REVIEW_NONE}},
};

static void
each_word_has_one_meaning(void **state)
{
    struct status_axes axes;

    (void)state;
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        memset(&axes, 0xff, sizeof(axes));
        if (status_word_parse(of(meanings[i].word), of(meanings[i].reason),
            &axes) != E_OK)
            fail_msg("\"%s\" was refused", meanings[i].word);
        assert_memory_equal(&axes, &meanings[i].axes, sizeof(axes));
    }
}

/* Nothing that the messages can say of a standing is missing here. */
static void
every_standing_and_reason_is_a_word(void **state)
{
    const ProtobufCEnumDescriptor *standings =
        &vouch__v1__standing__descriptor;
    const ProtobufCEnumDescriptor *reasons =
        &vouch__v1__inactive_reason__descriptor;
    struct status_axes axes;

    (void)state;
    for (unsigned i = 0; i < standings->n_values; i++) {
        const char *word = standings->values[i].name + strlen("STANDING_");

        if (standings->values[i].value == 0)
            continue;
        assert_int_equal(status_word_parse(of(word), of(""), &axes), E_OK);
        assert_int_equal(axes.standing, standings->values[i].value);
    }
    for (unsigned i = 0; i < reasons->n_values; i++) {
        const char *word = reasons->values[i].name +
            strlen("INACTIVE_REASON_");

        assert_int_equal(status_word_parse(of("INACTIVE"), of(word), &axes),
            E_OK);
        assert_int_equal(axes.inactive_reason, reasons->values[i].value);
    }
}

static void
refuses_every_other_word(void **state)
{
    static const char *const words[] = {
        "UNSPECIFIED", "NONE", "DISPUTED", "UNDER_INVESTIGATION", "LAPSED",
        "RETIRED", "ACTIVE.", "ACTIVE EXPIRED", "ACTIV", "ISSUEDINERROR",
        "IN ACTIVE", "?", "CERTIFIED", "ACT\xc4\xb0VE",
        "ISSUED IN ERROR AND OF A LENGTH THAT NO WORD HAS",
        "ACTIVE\t", "1"
    };
    static const uint8_t with_nul[] = {'A', 'C', 'T', 'I', 'V', 'E', 0, 'X'};
    const struct slice nuls[] = {{with_nul, 7}, {with_nul, 8}};
    struct status_axes axes;

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        axes.standing = STANDING(ACTIVE);
        if (status_word_parse(of(words[i]), of(""), &axes) != E_INVAL)
            fail_msg("\"%s\" was taken", words[i]);
        assert_int_equal(axes.standing, STANDING(UNKNOWN));
    }
    for (size_t i = 0; i < sizeof(nuls) / sizeof(nuls[0]); i++)
        assert_int_equal(status_word_parse(nuls[i], of(""), &axes), E_INVAL);
}

/* No length is read or written past its end. */
static void
any_length_is_safe(void **state)
{
    char text[100];
    struct status_axes axes;

    (void)state;
    memset(text, 'A', sizeof(text));
    for (size_t n = 1; n < sizeof(text); n++)
        assert_int_equal(status_word_parse((struct slice){
            (const uint8_t *)text, n}, of(""), &axes), E_INVAL);
    for (size_t i = 1; i < sizeof(text); i += 2)
        text[i] = ' ';
    for (size_t n = 1; n < sizeof(text); n++)
        assert_int_equal(status_word_parse((struct slice){
            (const uint8_t *)text, n}, of(""), &axes), E_INVAL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_word_has_one_meaning),
        cmocka_unit_test(every_standing_and_reason_is_a_word),
        cmocka_unit_test(refuses_every_other_word),
        cmocka_unit_test(any_length_is_safe),
    };

    return (cmocka_run_group_tests_name("status_word", tests, NULL, NULL));
}
