#include <pthread.h>
#include <string.h>

#include "store/sqlite.h"

static pthread_once_t configured = PTHREAD_ONCE_INIT;

/*
 * No connection is ever shared, and nobody asks how much memory SQLite uses:
 * both locks can go.  If the library is running already, they stay, and all
 * works nevertheless.
 */
static void
configure(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

enum err
sqlite_db_err(int rc)
{
    switch (rc) {
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
    case SQLITE_CONSTRAINT_UNIQUE:
        return (E_EXISTS);
    case SQLITE_IOERR_NOMEM:
        return (E_NOMEM);
    case SQLITE_IOERR_WRITE:
    case SQLITE_IOERR_FSYNC:
    case SQLITE_IOERR_DIR_FSYNC:
    case SQLITE_IOERR_TRUNCATE:
        return (E_LOST);
    default:
        break;
    }
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return (E_OK);
    case SQLITE_NOMEM:
        return (E_NOMEM);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return (E_BUSY);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return (E_CORRUPT);
    case SQLITE_CONSTRAINT:
        return (E_INVAL);
    case SQLITE_TOOBIG:
        return (E_TOOBIG);
    case SQLITE_FULL:
        return (E_FULL);
    default:
        return (E_IO);
    }
}

enum err
sqlite_db_set(sqlite3 *db, const struct sqlite_setting *setting)
{
    sqlite3_stmt *get = NULL;
    const char *text;
    enum err err;
    int rc;

    if ((err = sqlite_db_err(sqlite3_exec(db, setting->set, NULL, NULL,
        NULL))) != E_OK)
        goto out;
    if ((err = sqlite_db_err(sqlite3_prepare_v2(db, setting->get, -1, &get,
        NULL))) != E_OK)
        goto out;
    if ((err = sqlite_db_err(rc = sqlite3_step(get))) != E_OK)
        goto out;
    text = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(get, 0) : NULL;
    if (text != NULL && strcmp(text, setting->want) == 0)
        goto out;
    err = sqlite_db_err(sqlite3_extended_errcode(db));  /* no memory for it? */
    if (err == E_OK)
        err = E_IO;

out:
    (void)sqlite3_finalize(get);
    return (err);
}

enum err
sqlite_db_open(const char *path, int flags, int busy_ms, sqlite3 **db)
{
    /*
     * Nothing in the file is to run code, nor to be taken on trust.  The check
     * of cells walks every cell of every page that is visited: an eighth of a
     * verification.  It is for who builds on what is there, the writer;
     * SQLite's other checks stay on for readers too.
     */
    static const struct sqlite_setting wary[] = {
        {"PRAGMA trusted_schema = OFF", "PRAGMA trusted_schema", "0"},
        {"PRAGMA cell_size_check = ON", "PRAGMA cell_size_check", "1"},
    };
    size_t n = sizeof(wary) / sizeof(wary[0]);
    enum err err;

    *db = NULL;
    (void)pthread_once(&configured, configure);
    if ((err = sqlite_db_err(sqlite3_open_v2(path, db,
        flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
        NULL))) != E_OK)
        return (err);
    if ((err = sqlite_db_err(sqlite3_busy_timeout(*db, busy_ms))) != E_OK)
        return (err);
    if ((flags & SQLITE_OPEN_READONLY) != 0)
        n--;
    for (size_t i = 0; i < n; i++)
        if ((err = sqlite_db_set(*db, &wary[i])) != E_OK)
            return (err);
    return (E_OK);
}

enum err
sqlite_db_number(sqlite3 *db, const char *sql, int64_t *number)
{
    sqlite3_stmt *stmt = NULL;
    enum err err;
    int rc;

    *number = 0;
    if ((err = sqlite_db_err(sqlite3_prepare_v2(db, sql, -1, &stmt,
        NULL))) != E_OK)
        goto out;
    if ((err = sqlite_db_err(rc = sqlite3_step(stmt))) != E_OK)
        goto out;
    err = E_CORRUPT;
    if (rc != SQLITE_ROW)
        goto out;
    *number = sqlite3_column_int64(stmt, 0);
    err = E_OK;

out:
    (void)sqlite3_finalize(stmt);
    return (err);
}

enum err
sqlite_db_prepare(sqlite3 *db, const char *const sql[], size_t n,
    sqlite3_stmt *statements[])
{
    enum err err;

    for (size_t i = 0; i < n; i++)
        if ((err = sqlite_db_err(sqlite3_prepare_v3(db, sql[i], -1,
            SQLITE_PREPARE_PERSISTENT, &statements[i], NULL))) != E_OK)
            return (err);
    return (E_OK);
}

void
sqlite_db_finalize(sqlite3_stmt *statements[], size_t n)
{
    for (size_t i = 0; i < n; i++)
        (void)sqlite3_finalize(statements[i]);
}

int
sqlite_db_bind_blob(sqlite3_stmt *statement, int i, const void *p, size_t n)
{
    /* A NULL pointer would bind NULL, which is not the same as no bytes. */
    return (sqlite3_bind_blob64(statement, i, n > 0 ? p : "", n,
        SQLITE_STATIC));
}

enum err
sqlite_db_run(sqlite3_stmt *statement)
{
    int rc = sqlite3_step(statement);

    (void)sqlite3_reset(statement);     /* repeats what step said */
    return (sqlite_db_err(rc));
}

enum err
sqlite_db_fold(sqlite3 *db)
{
    return (sqlite_db_err(sqlite3_wal_checkpoint_v2(db, NULL,
        SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL)));
}
