#ifndef CLIENT_TEXT_H
#define CLIENT_TEXT_H

/*
 * Small texts made from messages.
 */

#include <stdint.h>

#include "proto/bytes.h"
#include "proto/civil.h"
#include "vouch/v1/types.pb-c.h"

/**
 * text_enum(descriptor, value):
 * Return the value's name without its prefix, as in "NOT_CURRENT"; a constant.
 */
const char *text_enum(const ProtobufCEnumDescriptor *descriptor, int value);

/**
 * text_plain(name, out, size):
 * Write a name in capitals as words: "BIRTH_YEAR" as "birth year".
 */
void text_plain(const char *name, char *out, size_t size);

/**
 * text_value(descriptor, value, out):
 * Write what text_enum() names, as words; what it does not know with its
 * number.
 */
void text_value(const ProtobufCEnumDescriptor *descriptor, int value,
    char out[64]);

/**
 * text_civil(date):
 * Return ${date}, which may be NULL, as a struct civil.
 */
struct civil text_civil(const Vouch__V1__Date *date);

/**
 * text_date(date, unknown, out):
 * Write ${date}, or ${unknown} if it is not given.
 */
void text_date(const Vouch__V1__Date *date, const char *unknown,
    char out[32]);

/**
 * text_age(seconds, out, size):
 * Write a length of time for people: "3 days", "1 hour".
 */
void text_age(int64_t seconds, char *out, size_t size);

/**
 * text_unknown(field):
 * Return the value of a field that nobody here knows, without its length on the
 * wire; borrowed.
 */
struct slice text_unknown(const ProtobufCMessageUnknownField *field);

/**
 * text_copy(text):
 * Return a copy of ${text} for free(), or NULL if memory ran out.
 */
char *text_copy(const char *text);

/**
 * text_sum(a, b):
 * Return a + b, or what is next to it that an int64_t can hold: a server may
 * send any numbers.
 */
int64_t text_sum(int64_t a, int64_t b);

/**
 * text_parse_date(text, date):
 * Read YYYY, YYYY-MM or YYYY-MM-DD.  Returns 0, or -1.
 */
int text_parse_date(const char *text, Vouch__V1__Date *date);

#endif /* !CLIENT_TEXT_H */
