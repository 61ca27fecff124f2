#include "revocation/deny_file.h"

#include <stdio.h>
#include <string.h>

#include "base/plain_file.h"

/* How a new file begins. */
static const char header[] =
    "# Who is not let in: one entry a line, in force within seconds.  To let\n"
    "# somebody in again, remove the line.  See \"Revocation\" in "
    "operations.md.\n";

static enum err
fail(enum err err, const char *path, const char *what, char *why, size_t size)
{
    (void)snprintf(why, size, "%s: %s", path, what);
    return (err);
}

enum err
deny_file_read(const char *path, const char *trust_domain,
    const struct deny_list *before, struct deny_list **list, char *why,
    size_t size)
{
    const char *what = NULL;
    char fault[256];
    struct buf text;
    enum err err;

    *list = NULL;
    buf_init(&text, DENY_LIST_MAX);

    err = plain_file_read(path, &text, &what);
    if (err == E_NOTFOUND && before != NULL && deny_list_text(before).n > 0) {
        err = fail(err, path, "it is gone; an empty file would deny nobody",
            why, size);
        goto out;
    }
    if (err != E_OK && err != E_NOTFOUND) {
        err = fail(err, path, what, why, size);
        goto out;
    }
    if ((err = deny_list_create(buf_slice(&text), trust_domain, list, fault,
        sizeof(fault))) != E_OK)
        err = fail(err, path, fault, why, size);

out:
    buf_free(&text);
    return (err);
}

static enum err
write_text(const struct deny_list *before, const struct denial *denial,
    struct buf *text)
{
    char line[DENIAL_LINE_MAX + 1];
    struct slice old = deny_list_text(before);
    enum err err;

    denial_write(denial, line);
    if ((err = buf_add(text, old.n > 0 ? old : slice_of(header))) != E_OK ||
        (err = buf_add(text, slice_of(line))) != E_OK)
        return (err);
    return (buf_add(text, slice_of("\n")));
}

enum err
deny_file_add(const char *path, const char *trust_domain,
    const struct deny_list *before, const struct denial *denial,
    struct deny_list **list, char *why, size_t size)
{
    const char *what = NULL;
    char fault[256];
    struct buf text;
    enum err err;

    *list = NULL;
    buf_init(&text, DENY_LIST_MAX);

    if ((err = write_text(before, denial, &text)) != E_OK) {
        err = fail(err, path, err_text(err), why, size);
        goto out;
    }
    /* Whatever can fail for want of memory comes before the disk. */
    if ((err = deny_list_create(buf_slice(&text), trust_domain, list, fault,
        sizeof(fault))) != E_OK) {
        err = fail(err, path, fault, why, size);
        goto out;
    }
    err = plain_file_replace(path, buf_slice(&text), &what);
    if (err != E_OK)
        err = fail(err, path, what, why, size);
    if (err != E_OK && err != E_LOST) {
        deny_list_free(*list);
        *list = NULL;
    }

out:
    buf_free(&text);
    return (err);
}

int
deny_file_holds(const char *path, const struct deny_list *list)
{
    struct slice wanted = deny_list_text(list);
    const char *why;
    struct buf text;
    int same;

    buf_init(&text, wanted.n);
    same = plain_file_read(path, &text, &why) == E_OK &&
        slice_equal(buf_slice(&text), wanted);
    buf_free(&text);
    return (same);
}
