#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/log.h"
#include "store/log_head.h"
#include "store/schema.gen.h"   /* made from schema/ by the build */
#include "store/sqlite.h"

#define APPLICATION_ID 0x766f7563   /* "vouc" */

/* Where complaints go. */
struct complaint {
    char *why;
    size_t size;
    const char *path;
};

static void
complain(const struct complaint *to, const char *what, const char *detail)
{
    (void)snprintf(to->why, to->size, "%s: %s: %s", to->path, what, detail);
}

/* Return ${a} and ${b} in one, owned by the caller; NULL: no memory. */
static char *
join(const char *a, const char *b)
{
    size_t size = strlen(a) + strlen(b) + 1;
    char *text;

    if ((text = malloc(size)) != NULL)
        (void)snprintf(text, size, "%s%s", a, b);
    return (text);
}

/* ---- the file ---------------------------------------------------------- */

/*
 * Take the lock beside the database for as long as the store is open.  The
 * lock file stays for good: to remove it would let two daemons each lock one.
 */
static enum err
take_lock(struct sqlite_store *s, const struct complaint *to)
{
    char *path = NULL;
    enum err err;

    err = E_NOMEM;
    if ((path = join(s->path, ".lock")) == NULL)
        goto out;
    err = E_IO;
    if ((s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) == -1) {
        err = errno == ENOSPC ? E_FULL : E_IO;
        complain(to, "cannot open the lock file beside it", strerror(errno));
        goto out;
    }
    if (flock(s->lock, LOCK_EX | LOCK_NB) != 0) {
        err = errno == EWOULDBLOCK ? E_BUSY : E_IO;
        complain(to, "cannot lock it", err == E_BUSY ?
            "another process has it open" : strerror(errno));
        goto out;
    }
    err = E_OK;

out:
    free(path);
    return (err);
}

/*
 * Make the file ourselves: SQLite would ask the umask, and its other files
 * take their mode from this one.
 */
static enum err
make_file(const struct sqlite_store *s, const struct complaint *to)
{
    enum err err;
    int fd;

    if ((fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) == -1) {
        err = errno == ENOSPC ? E_FULL : E_IO;
        complain(to, "cannot create it", strerror(errno));
        return (err);
    }
    (void)close(fd);
    return (E_OK);
}

static enum err
claim_file(struct sqlite_store *s, int create, const struct complaint *to)
{
    enum err err;

    if (!create && access(s->path, F_OK) != 0) {
        err = errno == ENOENT ? E_NOTFOUND : E_IO;
        complain(to, "cannot open the store", strerror(errno));
        return (err);
    }
    if ((err = take_lock(s, to)) != E_OK)
        return (err);
    return (create ? make_file(s, to) : E_OK);
}

/* ---- the schema -------------------------------------------------------- */

/* Read the version of the schema; 0: the database is empty. */
static enum err
identify(sqlite3 *db, int64_t *version, const struct complaint *to)
{
    int64_t application, tables;
    enum err err;

    if ((err = sqlite_db_number(db, "PRAGMA application_id",
        &application)) != E_OK ||
        (err = sqlite_db_number(db, "PRAGMA user_version", version)) != E_OK ||
        (err = sqlite_db_number(db, "SELECT count(*) FROM sqlite_schema",
        &tables)) != E_OK)
        return (err);
    if (application != APPLICATION_ID &&
        (application != 0 || *version != 0 || tables != 0)) {
        complain(to, "not a store", "it belongs to another program");
        return (E_CORRUPT);
    }
    if (application == APPLICATION_ID && *version < 1) {
        complain(to, "not a store", "it has no schema version");
        return (E_CORRUPT);
    }
    return (E_OK);
}

/* Whether a schema of ${version} may be used or brought up to date. */
static enum err
admit(const struct store_options *options, int64_t version,
    const struct complaint *to)
{
    char detail[64];

    (void)snprintf(detail, sizeof(detail), "schema %lld, this is for %d",
        (long long)version, SCHEMA_VERSION);
    if (version > SCHEMA_VERSION) {
        complain(to, "written by a newer version of this program", detail);
        return (E_NEWER);
    }
    if (version == 0 && !options->create) {
        complain(to, "cannot open the store", "the file is empty");
        return (E_NOTFOUND);
    }
    if (version > 0 && version < SCHEMA_VERSION && !options->migrate) {
        complain(to, "the schema is older, and is to stay", detail);
        return (E_INVAL);
    }
    return (E_OK);
}

static enum err
run(sqlite3 *db, const char *sql)
{
    return (sqlite_db_err(sqlite3_exec(db, sql, NULL, NULL, NULL)));
}

/* From ${version} to ours, all or nothing. */
static enum err
migrate(sqlite3 *db, int64_t version)
{
    char mark[96];
    enum err err;

    if (version == SCHEMA_VERSION)
        return (E_OK);
    if ((err = run(db, "BEGIN IMMEDIATE")) != E_OK)
        return (err);
    for (int64_t i = version; i < SCHEMA_VERSION; i++)
        if ((err = run(db, schema_steps[i])) != E_OK)
            goto out;
    (void)snprintf(mark, sizeof(mark),
        "PRAGMA application_id = %d; PRAGMA user_version = %d",
        APPLICATION_ID, SCHEMA_VERSION);
    if ((err = run(db, mark)) != E_OK)
        goto out;
    err = run(db, "COMMIT");

out:
    return (err);               /* what is open is undone by the close */
}

/* ---- opening ----------------------------------------------------------- */

/*
 * Anything less than FULL loses acknowledged commits when the power fails, so
 * a database that would not have it is refused.
 */
static enum err
make_durable(sqlite3 *db, const struct complaint *to)
{
    static const struct sqlite_setting settings[] = {
        {"PRAGMA journal_mode = WAL", "PRAGMA journal_mode", "wal"},
        {"PRAGMA synchronous = FULL", "PRAGMA synchronous", "2"},
        {"PRAGMA cache_size = -65536", "PRAGMA cache_size", "-65536"},
        {"PRAGMA journal_size_limit = 67108864", "PRAGMA journal_size_limit",
            "67108864"},
    };
    enum err err;

    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        if ((err = sqlite_db_set(db, &settings[i])) != E_OK) {
            complain(to, settings[i].set, "the setting does not hold");
            return (err);
        }
    return (E_OK);
}

/*
 * A commit that failed in an earlier life may stand in the write-ahead log,
 * readable but not on disk; what followed it there would be lost with it.
 * Folding everything into the database, with an fsync that is new, makes it
 * true before anyone builds on it, and the log begins anew.  Where there is no
 * room for that, nobody can build on it: it may wait for the first write.
 */
static enum err
fold(sqlite3 *db, int *unfolded)
{
    enum err err = sqlite_db_fold(db);

    if ((*unfolded = err == E_FULL))
        log_line(LOG_ERROR, "store_full", "step=open");
    return (*unfolded ? E_OK : err);
}

/* SQLite makes sure of the files' contents only: their names are our part. */
static enum err
sync_folder(const char *path)
{
    char *folder = join(path, "");
    enum err err = E_NOMEM;
    int fd = -1;

    if (folder == NULL)
        goto out;
    strrchr(folder, '/')[1] = '\0';
    err = E_IO;
    if ((fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 ||
        fsync(fd) != 0)
        goto out;
    err = E_OK;

out:
    if (fd != -1)
        (void)close(fd);
    free(folder);
    return (err);
}

/* What the failure to open ${db} means. */
static enum err
opening_err(sqlite3 *db, enum err err)
{
    if ((err == E_IO || err == E_LOST) && db != NULL &&
        sqlite3_system_errno(db) == ENOSPC)
        return (E_FULL);        /* for the index of the write-ahead log */
    return (err == E_LOST ? E_IO : err);
}

static enum err
open_db(struct sqlite_store *s, const struct store_options *options,
    const struct complaint *to)
{
    sqlite3 *db = NULL;
    int64_t version;
    int unfolded;
    enum err err;

    if ((err = sqlite_db_open(s->path, SQLITE_OPEN_READWRITE,
        WRITE_BUSY_MS, &db)) != E_OK ||
        (err = identify(db, &version, to)) != E_OK ||
        (err = admit(options, version, to)) != E_OK ||
        (err = make_durable(db, to)) != E_OK ||
        (err = migrate(db, version)) != E_OK ||
        (err = fold(db, &unfolded)) != E_OK ||
        (err = sync_folder(s->path)) != E_OK ||
        (err = sqlite_write_open(db, unfolded, &s->write)) != E_OK)
        goto out;
    db = NULL;

out:
    err = opening_err(db, err);
    if (err != E_OK && to->size > 0 && to->why[0] == '\0')
        complain(to, err_text(err), db == NULL ? "" : sqlite3_errmsg(db));
    (void)sqlite3_close(db);
    return (err);
}

/* Everything else is there: does the log go with its head? */
static enum err
open_head(struct sqlite_store *s, const struct store_options *options,
    const struct complaint *to)
{
    char detail[128] = "";
    enum err err;

    err = log_head_open(&sqlite_write_ops, s, options->grow, detail,
        sizeof(detail));
    if (err == E_LOST)
        err = E_IO;
    if (err == E_CORRUPT && detail[0] != '\0')
        complain(to, "the log is damaged", detail);
    else if (err != E_OK)
        complain(to, "the head of the log", err_text(err));
    return (err);
}

static void
backend_close(void *self, int intact)
{
    struct sqlite_store *s = self;

    sqlite_write_close(s->write, intact);
    if (s->lock != -1)
        (void)close(s->lock);
    free(s->path);
    free(s);
}

static enum err
backend_open(const struct store_options *options, const char *rest,
    void **self, char *why, size_t size)
{
    struct complaint to = {why, size, rest};
    struct sqlite_store *s = NULL;
    enum err err;

    *self = NULL;

    err = E_NOMEM;
    if ((s = calloc(1, sizeof(*s))) == NULL)
        goto out;
    s->lock = -1;
    err = E_INVAL;
    if (rest[0] == '\0') {
        complain(&to, "no path", "the store is named sqlite:<path>");
        goto out;
    }
    /* ":memory:" and "file:" would be something else to SQLite. */
    err = E_NOMEM;
    if ((s->path = join(rest[0] == '/' ? "" : "./", rest)) == NULL)
        goto out;
    if ((err = claim_file(s, options->create, &to)) != E_OK ||
        (err = open_db(s, options, &to)) != E_OK ||
        (err = open_head(s, options, &to)) != E_OK)
        goto out;

    *self = s;
    s = NULL;

out:
    if (s != NULL)
        backend_close(s, 1);
    return (err);
}

const struct store_backend store_sqlite = {
    .scheme = "sqlite:",
    .open = backend_open,
    .close = backend_close,
    .read = &sqlite_read_ops,
    .write = &sqlite_write_ops,
};
