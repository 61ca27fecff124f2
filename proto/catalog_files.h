#ifndef PROTO_CATALOG_FILES_H
#define PROTO_CATALOG_FILES_H

/*
 * The catalog as files: associations.csv, credential_types.csv,
 * recognitions.csv and, if there are any, extensions.csv in one folder, columns
 * as the fields of vouch.v1.Catalog (catalog/README.md lists them).  Read by
 * the daemon for a new store and by `vouch catalog check`.
 */

#include "proto/arena.h"
#include "proto/err.h"

#include "vouch/v1/catalog.pb-c.h"

/* One thing that is wrong.  Everything is borrowed for the callback only. */
struct catalog_fault {
    const char *file;       /* path */
    long line;              /* 0: the file as a whole */
    const char *column;     /* "": the line as a whole */
    const char *what;       /* what is wrong, and what would be right */
};

typedef void catalog_fault_fn(void *cookie, const struct catalog_fault *fault);

/**
 * catalog_read(dir, arena, fn, cookie, catalog):
 * Read the files in ${dir} and store the catalog, each list sorted by id, in
 * ${*catalog}; it lives as long as what ${arena} handed out.  Each fault is
 * told to ${fn}(${cookie}, ...), all of them and in file order: missing file
 * or column, unknown column, bad or double id, value that is not one of those
 * allowed, reference to nothing, end before begin, recognition with neither
 * begin nor observation, an extension to before what it extends, missing source
 * or check date, and a recognition or successor that points at itself.  A
 * reference into a file that could not be read to its end is not held against
 * anybody.
 *
 * Fails: E_INVAL (there were faults), E_IO (a file cannot be read; told to
 * ${fn}, with what is wrong with the others), E_TOOBIG (the arena's cap),
 * E_NOMEM.  On failure ${*catalog} is NULL.
 */
enum err MUST_USE catalog_read(const char *dir, struct arena *arena,
    catalog_fault_fn *fn, void *cookie, Vouch__V1__Catalog **catalog);

#endif /* !PROTO_CATALOG_FILES_H */
