#include "proto/err.h"

static const struct {
    const char *name;
    const char *text;
} errs[] = {
#define X(name, text) {#name, text},
    ERR_LIST(X)
#undef X
};

const char *
err_text(enum err err)
{
    return ((unsigned)err < E_COUNT ? errs[err].text : "unknown error");
}

const char *
err_name(enum err err)
{
    return ((unsigned)err < E_COUNT ? errs[err].name : "UNKNOWN");
}
