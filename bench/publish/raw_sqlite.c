/*
 * raw_sqlite FROM TO [--lookups]: bring the store TO up to the store FROM,
 * which vouchd has written, by SQLite alone: the same schema, pragmas, rows
 * and number of transactions, and nothing else done to a row.  TO is made if it
 * is not there.  With --lookups each number that TO has is looked up first, as
 * whoever takes in a snapshot must.
 *
 * The clock runs while TO is read or written, not while rows are got from
 * FROM.  Prints one line of JSON.
 */

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <sqlite3.h>

#define MANIFEST 3              /* in the column domain: ends a publication */
#define BATCH 5000              /* rows that are got at a time */
#define FOLD_PAGES 1000         /* as vouchd folds the log into the file */
#define FOLD_PAGES_WAIT 16000

struct run {
    sqlite3 *from;
    sqlite3 *to;
    int pages;                  /* in the write-ahead log of TO */
    double seconds;             /* on the clock */
    double cpu;
    struct timespec begun, cpu_begun;
    long long events, lookups, transactions, bytes;
};

static void
fatal(sqlite3 *db, const char *what)
{
    fprintf(stderr, "raw_sqlite: %s: %s\n", what,
        db != NULL ? sqlite3_errmsg(db) : "no memory");
    exit(1);
}

static void
check(sqlite3 *db, int rc, const char *what)
{
    if (rc != SQLITE_OK && rc != SQLITE_ROW && rc != SQLITE_DONE)
        fatal(db, what);
}

static void
run_sql(sqlite3 *db, const char *sql)
{
    check(db, sqlite3_exec(db, sql, NULL, NULL, NULL), sql);
}

static sqlite3_stmt *
prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;

    check(db, sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT,
        &stmt, NULL), sql);
    return (stmt);
}

/* ---- the clock --------------------------------------------------------- */

static void
start_clock(struct run *run)
{
    (void)clock_gettime(CLOCK_MONOTONIC, &run->begun);
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &run->cpu_begun);
}

static double
since(clockid_t clock, const struct timespec *begun)
{
    struct timespec now;

    (void)clock_gettime(clock, &now);
    return ((double)(now.tv_sec - begun->tv_sec) +
        (double)(now.tv_nsec - begun->tv_nsec) / 1e9);
}

static void
stop_clock(struct run *run)
{
    run->seconds += since(CLOCK_MONOTONIC, &run->begun);
    run->cpu += since(CLOCK_PROCESS_CPUTIME_ID, &run->cpu_begun);
}

/* ---- both stores ------------------------------------------------------- */

static int
on_commit(void *cookie, sqlite3 *db, const char *name, int pages)
{
    (void)db, (void)name;
    ((struct run *)cookie)->pages = pages;
    return (SQLITE_OK);
}

/* What makes the tables, word for word, as FROM has it. */
static void
copy_schema(struct run *run)
{
    sqlite3_stmt *get = prepare(run->from, "SELECT sql FROM sqlite_master"
        " WHERE sql IS NOT NULL ORDER BY type DESC, rowid");
    int rc;

    while ((rc = sqlite3_step(get)) == SQLITE_ROW)
        run_sql(run->to, (const char *)sqlite3_column_text(get, 0));
    check(run->from, rc, "schema");
    (void)sqlite3_finalize(get);
}

static long long
number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = prepare(db, sql);
    long long n;

    check(db, sqlite3_step(stmt), sql);
    n = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt);
    return (n);
}

static void
open_stores(struct run *run, const char *from, const char *to)
{
    (void)sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    check(run->from, sqlite3_open_v2(from, &run->from,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL), from);
    check(run->to, sqlite3_open_v2(to, &run->to, SQLITE_OPEN_READWRITE |
        SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL), to);
    run_sql(run->to, "PRAGMA trusted_schema = OFF;"
        "PRAGMA cell_size_check = ON; PRAGMA journal_mode = WAL;"
        "PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;"
        "PRAGMA journal_size_limit = 67108864");
    if (number(run->to, "SELECT count(*) FROM sqlite_master") == 0)
        copy_schema(run);
    (void)sqlite3_wal_hook(run->to, on_commit, run);
    /* By log index, so that what belongs to an entry is found with it. */
    run_sql(run->from, "PRAGMA temp_store = FILE;"
        "CREATE TEMP TABLE of_log (log_index INTEGER PRIMARY KEY, id INTEGER);"
        "CREATE TEMP TABLE state (last_index INTEGER PRIMARY KEY,"
        " association, credential_type, number_key, first_index, ends_on,"
        " traits);");
}

/* ---- lookups ----------------------------------------------------------- */

struct place {
    long long id;
    char association[64];
    char number_key[128];
};

static void
look_up(struct run *run, sqlite3_stmt *find, const struct place *place)
{
    static unsigned char event[1 << 16];
    int n, rc;

    check(run->to, sqlite3_bind_text(find, 1, place->association, -1,
        SQLITE_STATIC), "bind");
    check(run->to, sqlite3_bind_text(find, 2, place->number_key, -1,
        SQLITE_STATIC), "bind");
    check(run->to, sqlite3_bind_int64(find, 3, place->id), "bind");
    while ((rc = sqlite3_step(find)) == SQLITE_ROW) {
        n = sqlite3_column_bytes(find, 2);
        memcpy(event, sqlite3_column_blob(find, 2), (size_t)n);
        run->bytes += n + event[0];
        run->lookups++;
    }
    check(run->to, rc, "lookup");
    (void)sqlite3_reset(find);
}

/* The numbers that TO holds, in the order of its file and of the upload. */
static void
look_up_all(struct run *run, long long top)
{
    static struct place places[BATCH];
    sqlite3_stmt *list, *find;
    long long after = -1;
    size_t n;

    find = prepare(run->to, "SELECT credential_id, log_index, event FROM"
        " credential_index WHERE id BETWEEN ?3 AND ?3 + 4095 AND"
        " association = ?1 AND number_key = ?2 LIMIT 1025");
    list = prepare(run->from, "SELECT id, association, number_key FROM"
        " credential_index WHERE id > ?1 AND id % 4096 = 0 AND log_index <= ?2"
        " ORDER BY id LIMIT ?3");
    do {
        check(run->from, sqlite3_bind_int64(list, 1, after), "bind");
        check(run->from, sqlite3_bind_int64(list, 2, top), "bind");
        check(run->from, sqlite3_bind_int(list, 3, BATCH), "bind");
        for (n = 0; n < BATCH && sqlite3_step(list) == SQLITE_ROW; n++) {
            places[n].id = after = sqlite3_column_int64(list, 0);
            (void)snprintf(places[n].association, 64, "%s",
                (const char *)sqlite3_column_text(list, 1));
            (void)snprintf(places[n].number_key, 128, "%s",
                (const char *)sqlite3_column_text(list, 2));
        }
        check(run->from, sqlite3_reset(list), "numbers");
        start_clock(run);
        for (size_t i = 0; i < n; i++)
            look_up(run, find, &places[i]);
        stop_clock(run);
    } while (n == BATCH);
    (void)sqlite3_finalize(find);
    (void)sqlite3_finalize(list);
}

/* ---- rows -------------------------------------------------------------- */

/* How many columns of each table. */
enum { LOG = 6, INDEX = 6, STATE = 7 };

/* A row of FROM, kept until the clock runs. */
struct row {
    sqlite3_value *columns[LOG + INDEX + STATE];
};

static void
bind(sqlite3_stmt *stmt, sqlite3_value *const *values, int n)
{
    for (int i = 0; i < n; i++)
        if (sqlite3_bind_value(stmt, i + 1, values[i]) != SQLITE_OK)
            fatal(NULL, "bind");
}

static void
insert(struct run *run, sqlite3_stmt *stmt, sqlite3_value *const *values,
    int n)
{
    bind(stmt, values, n);
    check(run->to, sqlite3_step(stmt), "insert");
    check(run->to, sqlite3_reset(stmt), "insert");
}

struct writing {
    struct run *run;
    sqlite3_stmt *log, *index, *state;
    int open;                   /* a transaction is */
};

/* All rows of a small table of FROM, whose ${sql} has no parameter but one. */
static void
copy_table(struct run *run, const char *get, const char *put, long long which)
{
    sqlite3_stmt *from = prepare(run->from, get), *to = prepare(run->to, put);
    int rc;

    if (sqlite3_bind_parameter_count(from) == 1)
        check(run->from, sqlite3_bind_int64(from, 1, which), "bind");
    while ((rc = sqlite3_step(from)) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(from); i++)
            check(run->to, sqlite3_bind_value(to, i + 1,
                sqlite3_column_value(from, i)), "bind");
        check(run->to, sqlite3_step(to), put);
        check(run->to, sqlite3_reset(to), put);
    }
    check(run->from, rc, get);
    (void)sqlite3_finalize(from);
    (void)sqlite3_finalize(to);
}

/* What an upload writes once, and the commit. */
static void
end_publication(struct writing *w, long long manifest)
{
    struct run *run = w->run;

    copy_table(run, "SELECT * FROM publication WHERE manifest_log_index = ?1",
        "INSERT INTO publication VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
        " ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)", manifest);
    copy_table(run, "SELECT * FROM tally",
        "INSERT OR REPLACE INTO tally VALUES (?1, ?2, ?3)", 0);
    copy_table(run, "SELECT * FROM listing",
        "INSERT OR REPLACE INTO listing VALUES (?1, ?2, ?3, ?4, ?5)", 0);
    copy_table(run, "SELECT * FROM source",
        "INSERT OR REPLACE INTO source VALUES (?1, ?2, ?3)", 0);
    run_sql(run->to, "COMMIT");
    run->transactions++;
    w->open = 0;
}

static void
fold(struct run *run)
{
    if (run->pages >= FOLD_PAGES)
        check(run->to, sqlite3_wal_checkpoint_v2(run->to, NULL, run->pages <
            FOLD_PAGES_WAIT ? SQLITE_CHECKPOINT_PASSIVE :
            SQLITE_CHECKPOINT_RESTART, NULL, NULL), "checkpoint");
    run->pages = 0;
}

static void
write_row(struct writing *w, const struct row *row)
{
    struct run *run = w->run;

    if (!w->open) {
        fold(run);              /* of the one before: none waits for the last */
        run_sql(run->to, "BEGIN IMMEDIATE");
        w->open = 1;
    }
    insert(run, w->log, row->columns, LOG);
    if (sqlite3_value_type(row->columns[LOG]) != SQLITE_NULL) {
        insert(run, w->index, row->columns + LOG, INDEX);
        run->events++;
    }
    if (sqlite3_value_type(row->columns[LOG + INDEX]) != SQLITE_NULL)
        insert(run, w->state, row->columns + LOG + INDEX, STATE);
    if (sqlite3_value_int(row->columns[1]) == MANIFEST)
        end_publication(w, sqlite3_value_int64(row->columns[0]));
}

static size_t
get_rows(struct run *run, sqlite3_stmt *get, long long *after,
    struct row rows[BATCH])
{
    size_t n;

    check(run->from, sqlite3_bind_int64(get, 1, *after), "bind");
    check(run->from, sqlite3_bind_int(get, 2, BATCH), "bind");
    for (n = 0; n < BATCH && sqlite3_step(get) == SQLITE_ROW; n++) {
        *after = sqlite3_column_int64(get, 0);
        for (int i = 0; i < sqlite3_column_count(get); i++)
            if ((rows[n].columns[i] = sqlite3_value_dup(
                sqlite3_column_value(get, i))) == NULL)
                fatal(NULL, "rows");
    }
    check(run->from, sqlite3_reset(get), "rows");
    return (n);
}

static void
write_all(struct run *run, long long top)
{
    static struct row rows[BATCH];
    struct writing w = {.run = run};
    sqlite3_stmt *get = prepare(run->from, "SELECT l.log_index, l.domain,"
        " l.recorded_at, l.salt, l.leaf, l.bytes,"
        " i.id, i.association, i.number_key, i.credential_id, i.log_index,"
        " i.event,"
        " s.association, s.credential_type, s.number_key, s.first_index,"
        " s.last_index, s.ends_on, s.traits"
        " FROM log AS l LEFT JOIN of_log AS o ON o.log_index = l.log_index"
        " LEFT JOIN credential_index AS i ON i.id = o.id"
        " LEFT JOIN state AS s ON s.last_index = l.log_index"
        " WHERE l.log_index > ?1 ORDER BY l.log_index LIMIT ?2");
    size_t n;

    w.log = prepare(run->to,
        "INSERT INTO log VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    w.index = prepare(run->to,
        "INSERT INTO credential_index VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    w.state = prepare(run->to, "INSERT OR REPLACE INTO credential"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    do {
        n = get_rows(run, get, &top, rows);
        start_clock(run);
        for (size_t i = 0; i < n; i++)
            write_row(&w, &rows[i]);
        stop_clock(run);
        for (size_t i = 0; i < n; i++)
            for (int c = 0; c < sqlite3_column_count(get); c++)
                sqlite3_value_free(rows[i].columns[c]);
    } while (n == BATCH);
    if (w.open)
        fatal(NULL, "FROM ends within a publication");
    (void)sqlite3_finalize(get);
    (void)sqlite3_finalize(w.log);
    (void)sqlite3_finalize(w.index);
    (void)sqlite3_finalize(w.state);
}

int
main(int argc, char *argv[])
{
    struct run run = {0};
    struct rusage usage;
    char sql[256];
    long long top;

    if (argc < 3 || argc > 4 || (argc == 4 &&
        strcmp(argv[3], "--lookups") != 0)) {
        fprintf(stderr, "usage: raw_sqlite FROM TO [--lookups]\n");
        return (2);
    }
    open_stores(&run, argv[1], argv[2]);
    top = number(run.to, "SELECT coalesce(max(log_index), -1) FROM log");
    (void)snprintf(sql, sizeof(sql), "INSERT INTO of_log SELECT log_index, id"
        " FROM credential_index WHERE log_index > %lld ORDER BY log_index;",
        top);
    run_sql(run.from, sql);
    (void)snprintf(sql, sizeof(sql), "INSERT INTO state SELECT last_index,"
        " association, credential_type, number_key, first_index, ends_on,"
        " traits FROM credential WHERE last_index > %lld"
        " ORDER BY last_index;", top);
    run_sql(run.from, sql);
    if (argc == 4)
        look_up_all(&run, top);
    write_all(&run, top);
    (void)getrusage(RUSAGE_SELF, &usage);
    printf("{\"events\": %lld, \"lookups\": %lld, \"transactions\": %lld, "
        "\"seconds\": %.3f, \"cpu_seconds\": %.3f, \"peak_kb\": %ld}\n",
        run.events, run.lookups, run.transactions, run.seconds, run.cpu,
        usage.ru_maxrss);
    (void)sqlite3_close(run.to);
    (void)sqlite3_close(run.from);
    return (0);
}
