#ifndef PROTO_DESCRIPTORS_H
#define PROTO_DESCRIPTORS_H

/*
 * What the .proto files declare, as reflection serves it.  The tables are made
 * by proto/generate.py at build time.
 */

#include "proto/bytes.h"

struct descriptor_file {
    const char *name;           /* as imports have it */
    struct slice bytes;         /* serialized FileDescriptorProto */
    const int *imports;         /* indexes into descriptor_files, -1 ends */
};

struct descriptor_symbol {
    const char *name;           /* full name, without a leading dot */
    int file;                   /* index into descriptor_files */
};

/* Imports come before what imports them. */
extern const struct descriptor_file descriptor_files[];
extern const size_t descriptor_file_count;

/* Sorted by name (strcmp). */
extern const struct descriptor_symbol descriptor_symbols[];
extern const size_t descriptor_symbol_count;

/* Full names, sorted. */
extern const char *const descriptor_services[];
extern const size_t descriptor_service_count;

#endif /* !PROTO_DESCRIPTORS_H */
