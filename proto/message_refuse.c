/*
 * Why a message is refused, and where.
 */

#include "proto/message_walk.h"

#include <stdio.h>
#include <string.h>

/* Append to a path what fits. */
static void
path_add(char *path, size_t size, const char *name)
{
    size_t n = strlen(path);

    (void)snprintf(path + n, size - n, "%s%s", n > 0 ? "." : "", name);
}

static void
path_add_index(char *path, size_t size, uint32_t index)
{
    size_t n = strlen(path);

    (void)snprintf(path + n, size - n, "[%lu]", (unsigned long)index);
}

enum err
message_refuse_at(const struct walk *walk,
    const ProtobufCFieldDescriptor *field, const char *what, enum err err)
{
    struct message_fault *fault = walk->fault;
    const size_t size = sizeof(fault->field);
    const struct level *level;
    unsigned i;

    fault->what = what;
    fault->field[0] = '\0';
    for (i = 1; i < walk->depth; i++) {
        level = &walk->levels[i];
        path_add(fault->field, size, level->field->name);
        if (level->field->label == PROTOBUF_C_LABEL_REPEATED)
            path_add_index(fault->field, size, level->index);
    }
    if (field != NULL)
        path_add(fault->field, size, field->name);
    return (err);
}

enum err
message_refuse_element(const struct walk *walk,
    const ProtobufCFieldDescriptor *field, const char *what, enum err err)
{
    struct message_fault *fault = walk->fault;
    uint32_t count = *message_count(&walk->levels[walk->depth - 1], field);

    (void)message_refuse_at(walk, field, what, err);
    if (field->label == PROTOBUF_C_LABEL_REPEATED && count > 0)
        path_add_index(fault->field, sizeof(fault->field), count - 1);
    return (err);
}

enum err
message_refuse_unknown(const struct walk *walk, uint32_t number)
{
    struct message_fault *fault = walk->fault;
    char name[16];

    (void)message_refuse_at(walk, NULL, "the field is not known", E_DENIED);
    (void)snprintf(name, sizeof(name), "%lu", (unsigned long)number);
    path_add(fault->field, sizeof(fault->field), name);
    return (E_DENIED);
}
