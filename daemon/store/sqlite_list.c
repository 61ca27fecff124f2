#include "store/sqlite.h"

enum err
sqlite_list_publications(sqlite3_stmt *stmt,
    const struct store_publications *which, store_each_publication_fn *each,
    void *cookie)
{
    struct store_publication publication;
    enum err err;
    int rc;

    if ((rc = sqlite3_bind_text(stmt, 1, which->association, -1,
        SQLITE_STATIC)) ||
        (rc = sqlite3_bind_int64(stmt, 2, which->from_us)) ||
        (rc = sqlite3_bind_int64(stmt, 3, which->before_us)) ||
        (rc = sqlite3_bind_int64(stmt, 4, which->before_index)) ||
        (rc = sqlite3_bind_int64(stmt, 5, which->n > 0 ? which->n : 0))) {
        err = sqlite_db_err(rc);
        goto out;
    }
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
        if ((err = sqlite_rows_take_publication(stmt,
            &publication)) != E_OK ||
            (err = each(cookie, &publication)) != E_OK)
            goto out;
    err = sqlite_db_err(rc);

out:
    (void)sqlite3_reset(stmt);
    return (err);
}

/* What the first row says of where the events of one upload are. */
static enum err
take_range(sqlite3_stmt *stmt, const struct store_events *which,
    struct sqlite_range *range)
{
    int64_t first = sqlite3_column_int64(stmt, 0);
    int64_t count = sqlite3_column_int64(stmt, 1);
    int64_t end;

    range->next = sqlite3_column_int64(stmt, 2);
    /* They lie in front of their manifest. */
    if (first < 0 || count > range->next - first)
        return (E_CORRUPT);
    end = first + count;
    range->from = which->from > first ? which->from : first;
    range->n = end > range->from ? end - range->from : 0;
    if (range->n > which->n)
        range->n = which->n;
    return (E_OK);
}

enum err
sqlite_list_next_events(sqlite3_stmt *stmt, const struct store_events *which,
    struct sqlite_range *range)
{
    enum err err;
    int rc;

    if ((rc = sqlite3_bind_text(stmt, 1, which->association, -1,
        SQLITE_STATIC)) ||
        (rc = sqlite3_bind_int64(stmt, 2, which->from))) {
        err = sqlite_db_err(rc);
        goto out;
    }
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        err = take_range(stmt, which, range);
    else if (rc == SQLITE_DONE)
        err = E_NOTFOUND;
    else
        err = sqlite_db_err(rc);

out:
    (void)sqlite3_reset(stmt);
    return (err);
}

enum err
sqlite_list_events_under(sqlite3_stmt *stmt, const struct store_events *which,
    store_entry_fn *each, void *cookie)
{
    struct store_entry entry;
    enum err err;
    int rc;

    if ((rc = sqlite3_bind_text(stmt, 1, which->association, -1,
        SQLITE_STATIC)) ||
        (rc = sqlite3_bind_text(stmt, 2, which->number_key, -1,
        SQLITE_STATIC)) ||
        (rc = sqlite3_bind_int64(stmt, 3, which->from)) ||
        (rc = sqlite3_bind_int64(stmt, 4, which->n > 0 ? which->n : 0)) ||
        (rc = sqlite3_bind_int64(stmt, 5, sqlite_place(which->association,
        which->number_key)))) {
        err = sqlite_db_err(rc);
        goto out;
    }
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
        if ((err = sqlite_rows_entry(stmt, &entry)) != E_OK ||
            (err = each(cookie, &entry)) != E_OK)
            goto out;
    err = sqlite_db_err(rc);

out:
    (void)sqlite3_reset(stmt);
    return (err);
}
