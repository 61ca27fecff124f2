#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/descriptors.h"
#include "service/internal.h"
#include "service/text.h"
#include "service/unary.h"

#include "grpc/reflection/v1/reflection.pb-c.h"
#include "grpc/reflection/v1alpha/reflection.pb-c.h"

/*
 * Server reflection (grpc/doc/server-reflection.md).  v1 and v1alpha are the
 * same on the wire and differ in C only: a question is read from either, and
 * every answer is a v1 message.
 */

typedef Grpc__Reflection__V1__ServerReflectionRequest question_t;
typedef Grpc__Reflection__V1__ServerReflectionResponse answer_t;
typedef Grpc__Reflection__V1alpha__ServerReflectionRequest alpha_t;

/* The generated names are long, and have to be pasted together. */
#define PASTE(a, b) a##b
#define ASKED(what) PASTE(                                                  \
    GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__,                      \
    MESSAGE_REQUEST_##what)
#define ALPHA(what) PASTE(                                                  \
    GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__,                 \
    MESSAGE_REQUEST_##what)
#define ANSWERED(what) PASTE(                                               \
    GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__,                     \
    MESSAGE_RESPONSE_##what)

struct reflection {
    struct sink sink;
    uint8_t *sent;                  /* owned; the files the client has */
    ProtobufCBinaryData *files;     /* owned; room for one answer */
};

static void
reflection_free(struct reflection *call)
{
    if (call == NULL)
        return;
    free(call->sent);
    free(call->files);
    free(call);
}

static enum err
start(struct service_worker *worker, const struct caller *caller,
    struct sink sink, void **call)
{
    struct reflection *made = NULL;
    enum err err = E_NOMEM;

    (void)worker;
    (void)caller;

    if ((made = calloc(1, sizeof(*made))) == NULL)
        goto out;
    made->sink = sink;
    made->sent = calloc(descriptor_file_count, sizeof(*made->sent));
    made->files = calloc(descriptor_file_count, sizeof(*made->files));
    if (made->sent == NULL || made->files == NULL)
        goto out;
    *call = made;
    made = NULL;
    err = E_OK;

out:
    reflection_free(made);
    return (err);
}

/* ${call} is gone afterwards. */
static void
finish(struct reflection *call, enum err err)
{
    struct sink sink = call->sink;
    struct grpc_status status;

    reflection_free(call);
    grpc_status_from_err(&status, err);
    sink.ops->finish(sink.cookie, &status);
}

static int
find_file(const char *name)
{
    size_t i;

    for (i = 0; i < descriptor_file_count; i++)
        if (strcmp(descriptor_files[i].name, name) == 0)
            return ((int)i);
    return (-1);
}

static int
by_name(const void *name, const void *symbol)
{
    return (strcmp(name, ((const struct descriptor_symbol *)symbol)->name));
}

static int
find_symbol(const char *name)
{
    const struct descriptor_symbol *found;

    found = bsearch(name, descriptor_symbols, descriptor_symbol_count,
        sizeof(*found), by_name);
    return (found == NULL ? -1 : found->file);
}

/*
 * Add ${file}, then what it imports: the one asked for comes first.  Imports
 * are files that come earlier, so this ends.
 */
static void
add_file(struct reflection *call, int file, size_t *n)
{
    const struct descriptor_file *f = &descriptor_files[file];
    const int *import;
    union {
        const uint8_t *in;
        uint8_t *out;
    } u = {.in = f->bytes.p};

    call->sent[file] = 1;
    call->files[*n] = (ProtobufCBinaryData){.len = f->bytes.n, .data = u.out};
    (*n)++;
    for (import = f->imports; *import >= 0; import++)
        if (!call->sent[*import])
            add_file(call, *import, n);
}

static enum err
answer(struct reflection *call, question_t *question, answer_t *filled)
{
    filled->valid_host = question->host;
    filled->original_request = question;
    return (call->sink.ops->send(call->sink.cookie, &filled->base));
}

static enum err
answer_error(struct reflection *call, question_t *question,
    enum grpc_code code, const char *what)
{
    Grpc__Reflection__V1__ErrorResponse error =
        GRPC__REFLECTION__V1__ERROR_RESPONSE__INIT;
    answer_t filled = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;

    error.error_code = (int32_t)code;
    error.error_message = text_of(what);
    filled.message_response_case = ANSWERED(ERROR_RESPONSE);
    filled.error_response = &error;
    return (answer(call, question, &filled));
}

static enum err
answer_file(struct reflection *call, question_t *question, int file)
{
    Grpc__Reflection__V1__FileDescriptorResponse files =
        GRPC__REFLECTION__V1__FILE_DESCRIPTOR_RESPONSE__INIT;
    answer_t filled = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;

    if (file < 0)
        return (answer_error(call, question, GRPC_NOT_FOUND,
            "nothing of that name is declared here"));
    add_file(call, file, &files.n_file_descriptor_proto);
    files.file_descriptor_proto = call->files;
    filled.message_response_case = ANSWERED(FILE_DESCRIPTOR_RESPONSE);
    filled.file_descriptor_response = &files;
    return (answer(call, question, &filled));
}

/* No message here has extensions. */
static enum err
answer_extensions(struct reflection *call, question_t *question,
    const char *type)
{
    Grpc__Reflection__V1__ExtensionNumberResponse numbers =
        GRPC__REFLECTION__V1__EXTENSION_NUMBER_RESPONSE__INIT;
    answer_t filled = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;

    if (find_symbol(type) < 0)
        return (answer_error(call, question, GRPC_NOT_FOUND,
            "no type of that name is declared here"));
    numbers.base_type_name = text_of(type);
    filled.message_response_case = ANSWERED(ALL_EXTENSION_NUMBERS_RESPONSE);
    filled.all_extension_numbers_response = &numbers;
    return (answer(call, question, &filled));
}

static enum err
answer_services(struct reflection *call, question_t *question)
{
    typedef Grpc__Reflection__V1__ServiceResponse service_t;
    Grpc__Reflection__V1__ListServiceResponse services =
        GRPC__REFLECTION__V1__LIST_SERVICE_RESPONSE__INIT;
    answer_t filled = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
    size_t n = descriptor_service_count;
    service_t *rows = calloc(n, sizeof(*rows));
    enum err err = E_NOMEM;
    size_t i;

    services.service = calloc(n, sizeof(*services.service));
    if (rows == NULL || services.service == NULL)
        goto out;
    for (i = 0; i < n; i++) {
        grpc__reflection__v1__service_response__init(&rows[i]);
        rows[i].name = text_of(descriptor_services[i]);
        services.service[i] = &rows[i];
    }
    services.n_service = n;
    filled.message_response_case = ANSWERED(LIST_SERVICES_RESPONSE);
    filled.list_services_response = &services;
    err = answer(call, question, &filled);

out:
    free(services.service);
    free(rows);
    return (err);
}

/* A client that asks and never reads is let go. */
#define UNREAD_MAX (16 * SINK_FULL)

static enum err
handle(struct reflection *call, question_t *question)
{
    if (call->sink.ops->backlog(call->sink.cookie) > UNREAD_MAX)
        return (E_BUSY);
    switch (question->message_request_case) {
    case ASKED(FILE_BY_FILENAME):
        return (answer_file(call, question,
            find_file(question->file_by_filename)));
    case ASKED(FILE_CONTAINING_SYMBOL):
        return (answer_file(call, question,
            find_symbol(question->file_containing_symbol)));
    case ASKED(FILE_CONTAINING_EXTENSION):
        return (answer_error(call, question, GRPC_NOT_FOUND,
            "no extensions are declared here"));
    case ASKED(ALL_EXTENSION_NUMBERS_OF_TYPE):
        return (answer_extensions(call, question,
            question->all_extension_numbers_of_type));
    case ASKED(LIST_SERVICES):
        return (answer_services(call, question));
    default:
        return (answer_error(call, question, GRPC_INVALID_ARGUMENT,
            "the request asks for nothing"));
    }
}

static void
message_v1(void *call, const ProtobufCMessage *message, struct slice bytes)
{
    question_t question;
    enum err err;

    (void)bytes;
    memcpy(&question, message, sizeof(question));
    if ((err = handle(call, &question)) != E_OK)
        finish(call, err);
}

/* The same question in v1; an extension goes to ${extension}. */
static void
translate(const alpha_t *asked, question_t *question,
    Grpc__Reflection__V1__ExtensionRequest *extension)
{
    question->host = asked->host;
    switch (asked->message_request_case) {
    case ALPHA(FILE_BY_FILENAME):
        question->message_request_case = ASKED(FILE_BY_FILENAME);
        question->file_by_filename = asked->file_by_filename;
        break;
    case ALPHA(FILE_CONTAINING_SYMBOL):
        question->message_request_case = ASKED(FILE_CONTAINING_SYMBOL);
        question->file_containing_symbol = asked->file_containing_symbol;
        break;
    case ALPHA(FILE_CONTAINING_EXTENSION):
        question->message_request_case = ASKED(FILE_CONTAINING_EXTENSION);
        extension->containing_type =
            asked->file_containing_extension->containing_type;
        extension->extension_number =
            asked->file_containing_extension->extension_number;
        question->file_containing_extension = extension;
        break;
    case ALPHA(ALL_EXTENSION_NUMBERS_OF_TYPE):
        question->message_request_case = ASKED(ALL_EXTENSION_NUMBERS_OF_TYPE);
        question->all_extension_numbers_of_type =
            asked->all_extension_numbers_of_type;
        break;
    case ALPHA(LIST_SERVICES):
        question->message_request_case = ASKED(LIST_SERVICES);
        question->list_services = asked->list_services;
        break;
    default:
        break;
    }
}

static void
message_v1alpha(void *call, const ProtobufCMessage *message,
    struct slice bytes)
{
    question_t question =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    Grpc__Reflection__V1__ExtensionRequest extension =
        GRPC__REFLECTION__V1__EXTENSION_REQUEST__INIT;
    enum err err;

    (void)bytes;
    translate((const alpha_t *)message, &question, &extension);
    if ((err = handle(call, &question)) != E_OK)
        finish(call, err);
}

static void
half_close(void *call)
{
    finish(call, E_OK);
}

static void
cancel(void *call)
{
    reflection_free(call);
}

const struct method_ops reflection_v1_method = {
    .start = start,
    .message = message_v1,
    .half_close = half_close,
    .cancel = cancel
};

const struct method_ops reflection_v1alpha_method = {
    .start = start,
    .message = message_v1alpha,
    .half_close = half_close,
    .cancel = cancel
};
