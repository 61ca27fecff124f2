#ifndef TEST_SUPPORT_FULL_RECEIPT_H
#define TEST_SUPPORT_FULL_RECEIPT_H

/*
 * A receipt in which every field of question and answer, whatever there is, is
 * given, and has a value of its own; lists have two.  So whoever shows a
 * receipt can be held to showing each.  Whatever fails here ends the program.
 */

#include "support/receipt_fixture.h"

#define FULL_VALUES_MAX 400
#define FULL_VALUE 120

struct full_value {
    char field[FULL_VALUE];     /* as in "Answer.freshness.source_time_us" */
    char shown[FULL_VALUE];     /* as a person is told; "" for a date's parts
                                 * and what has no words of its own */
    char json[FULL_VALUE];      /* as JSON has it, without quotation marks */
};

struct full_receipt {
    struct receipt_fixture fixture;
    struct full_value values[FULL_VALUES_MAX];
    size_t nvalues;
    struct buf bytes;           /* of the receipt */
};

/**
 * full_receipt_make(full):
 * Make the receipt.  Free with full_receipt_free().
 */
void full_receipt_make(struct full_receipt *full);

void full_receipt_free(struct full_receipt *full);

#endif /* !TEST_SUPPORT_FULL_RECEIPT_H */
