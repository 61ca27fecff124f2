#ifndef CLIENT_RECEIPT_JSON_H
#define CLIENT_RECEIPT_JSON_H

/*
 * A receipt as JSON, for whoever reads no protobuf: everything that it says, by
 * the names of the .proto files and in their order, defaults included.  Enums
 * by name (a number without one as number), bytes in hexadecimal, whole numbers
 * as such; a time "x_us", microseconds UTC, has its RFC 3339 form beside it, as
 * "x".  Unknown fields stand in "unknown_fields".  What is not there is null.
 */

#include <jansson.h>

#include "proto/receipt.h"

/**
 * receipt_json(receipt):
 * Return ${receipt} as JSON, a new reference, or NULL if memory ran out.
 */
json_t *receipt_json(const struct receipt *receipt);

#endif /* !CLIENT_RECEIPT_JSON_H */
