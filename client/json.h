#ifndef CLIENT_JSON_H
#define CLIENT_JSON_H

/*
 * Messages as ProtoJSON (protobuf.dev/programming-guides/json): names in
 * lowerCamelCase, enums by name, 64-bit integers as strings, bytes in base64,
 * default values left out.
 */

#include <stdio.h>

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

/**
 * json_of(message):
 * Return ${message} as JSON, a new reference, or NULL if memory ran out.
 */
json_t *json_of(const ProtobufCMessage *message);

/**
 * json_print(f, message, lines):
 * Write ${message} to ${f}, on one line if ${lines}, else indented, with what
 * could steer a terminal as \uXXXX.  Returns 0, or -1 if memory ran out; that
 * ${f} could not be written is for ferror() to tell.
 */
int json_print(FILE *f, const ProtobufCMessage *message, int lines);

/**
 * json_print_value(f, json, lines):
 * As json_print(), for any JSON; takes the reference over, and NULL is a
 * failure.
 */
int json_print_value(FILE *f, json_t *json, int lines);

#endif /* !CLIENT_JSON_H */
