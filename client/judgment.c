#include "client/judgment.h"

#include <string.h>

enum err
judgment_make(struct slice bytes, const struct trust *trust, int64_t now_us,
    struct arena *arena, struct judgment *j)
{
    memset(j, 0, sizeof(*j));
    switch (receipt_read(bytes, arena, &j->receipt, j->why, sizeof(j->why))) {
    case E_OK:
        j->readable = 1;
        j->state = trust == NULL ? RECEIPT_VERIFIED : receipt_verify(
            &j->receipt, trust, now_us, j->why, sizeof(j->why));
        return (E_OK);
    case E_NOMEM:
        return (E_NOMEM);
    case E_CORRUPT:
        j->readable = 1;
        j->state = RECEIPT_SEAL_BROKEN;
        return (E_OK);
    default:
        j->state = RECEIPT_MALFORMED;
        return (E_OK);
    }
}
