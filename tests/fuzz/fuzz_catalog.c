/*
 * The catalog's files: what is read without a fault is a catalog that the
 * daemon can make its index of; else there is a fault to tell.  The four
 * files follow one another, each ended by a byte 0xff.
 */

#include <string.h>

#include "fuzz.h"
#include "proto/arena.h"
#include "proto/catalog_files.h"
#include "proto/message.h"
#include "service/catalog_index.h"

#define CATALOG_MEMORY ((size_t)512 * 1024)

static const char *const names[] = {"associations.csv",
    "credential_types.csv", "recognitions.csv", "extensions.csv"};

#define NFILES (sizeof(names) / sizeof(names[0]))

static struct fuzz_file files[NFILES];
static struct arena *arena;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    for (size_t i = 0; i < NFILES; i++)
        fuzz_file_make(names[i], &files[i]);
    FUZZ_CHECK(arena_create(CATALOG_MEMORY, &arena) == E_OK);
    return (0);
}

struct told {
    long faults;
    size_t file;        /* of the last one */
};

static size_t
file_of(const char *path)
{
    const char *name = strrchr(path, '/');
    size_t i = 0;

    FUZZ_CHECK(name != NULL);
    while (i < NFILES && strcmp(name + 1, names[i]) != 0)
        i++;
    FUZZ_CHECK(i < NFILES);
    return (i);
}

static void
on_fault(void *cookie, const struct catalog_fault *fault)
{
    struct told *told = cookie;
    size_t file = file_of(fault->file);

    told->faults++;
    told->file = file;
    FUZZ_CHECK(fault->line >= 0 && fault->column != NULL);
    FUZZ_CHECK(fault->what != NULL && fault->what[0] != '\0');
    FUZZ_CHECK(fuzz_is_text(fault->what, 400));
    FUZZ_CHECK(fuzz_is_text(fault->column, SIZE_MAX / 2));
}

static void
check_catalog(const Vouch__V1__Catalog *catalog)
{
    struct catalog_index *index;
    struct buf bytes;

    buf_init(&bytes, SIZE_MAX / 2);
    FUZZ_CHECK(message_pack(&catalog->base, &bytes) == E_OK);
    FUZZ_CHECK(catalog_index_create(buf_slice(&bytes), &index) == E_OK);
    catalog_index_free(index);
    buf_free(&bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = {data, size};
    Vouch__V1__Catalog *catalog;
    struct told told = {0, 0};
    enum err err;

    for (size_t i = 0; i < NFILES; i++)
        fuzz_file_put(&files[i], fuzz_part(&in));
    arena_reset(arena);
    err = catalog_read(fuzz_file_folder(), arena, on_fault, &told, &catalog);
    FUZZ_CHECK((err == E_OK) == (catalog != NULL));
    switch (err) {
    case E_OK:
        FUZZ_CHECK(told.faults == 0);
        check_catalog(catalog);
        break;
    case E_INVAL:
        FUZZ_CHECK(told.faults > 0);
        break;
    default:
        FUZZ_CHECK(err == E_TOOBIG && arena_exhausted(arena));
    }
    return (0);
}
