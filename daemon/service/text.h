#ifndef SERVICE_TEXT_H
#define SERVICE_TEXT_H

/*
 * Constant texts in messages: protobuf-c declares its strings writable and,
 * when it packs, writes to none.
 */

static inline char *
text_of(const char *constant)
{
    union {
        const char *in;
        char *out;
    } u = {.in = constant};

    return (u.out);
}

#endif /* !SERVICE_TEXT_H */
