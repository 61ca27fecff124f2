#include "client/publish_mapping.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "client/mapping_yaml.h"
#include "proto/civil.h"

/* Read up to one byte more than a mapping may have. */
static int
read_file(const struct invocation *run, const char *path, struct buf *bytes)
{
    FILE *f = fopen(path, "re");
    int failed;

    if (f == NULL)
        return (usage_error(run, "cannot read %s, named by --mapping: %s",
            path, strerror(errno)));
    if (buf_reserve(bytes, bytes->max) != E_OK) {
        (void)fclose(f);
        return (bug_error(run, "out of memory"));
    }
    bytes->n = fread(bytes->p, 1, bytes->max, f);
    failed = ferror(f) ? errno : 0;
    (void)fclose(f);
    if (failed != 0)
        return (usage_error(run, "cannot read %s, named by --mapping: %s",
            path, strerror(failed)));
    return (0);
}

/* What is written must not be the mapping itself. */
static int
check_outputs(const struct invocation *run, const char *path)
{
    static const char *const flags[] = {"rejects", "openings"};
    struct stat mapping, output;

    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        const char *name = flag_value(run, flags[i]);

        if (name != NULL && stat(path, &mapping) == 0 &&
            stat(name, &output) == 0 && mapping.st_dev == output.st_dev &&
            mapping.st_ino == output.st_ino)
            return (usage_error(run, "--%s would overwrite the mapping, %s",
                flags[i], path));
    }
    return (0);
}

int
publish_mapping_open(const struct invocation *run, struct mapping **mapping)
{
    const char *path = flag_value(run, "mapping");
    const char *type = flag_value(run, "credential-type");
    struct mapping_faults *faults = NULL;
    struct buf bytes;
    enum err err;
    int status;

    *mapping = NULL;
    if (path == NULL)
        return (type == NULL ? 0 : usage_error(run,
            "--credential-type goes with --mapping; the plain CSV has a "
            "column for it"));
    buf_init(&bytes, MAPPING_YAML_BYTES + 1);
    if ((status = check_outputs(run, path)) != 0 ||
        (status = read_file(run, path, &bytes)) != 0)
        goto out;
    err = E_NOMEM;
    if ((faults = calloc(1, sizeof(*faults))) != NULL)
        err = mapping_parse(buf_slice(&bytes), type, faults, mapping);
    if (err == E_NOMEM) {
        status = bug_error(run, "out of memory");
    } else if (err != E_OK) {
        mapping_faults_print(faults, path, stderr);
        status = usage_error(run, "the mapping cannot be used");
    }

out:
    buf_free(&bytes);
    free(faults);
    return (status);
}

int
publish_mapping_faults(const struct invocation *run,
    struct mapping_faults *faults, const char *path)
{
    mapping_faults_print(faults, flag_value(run, "mapping"), stderr);
    return (usage_error(run, "the mapping does not fit %s; nothing was "
        "published", path));
}

void
publish_mapping_day(const struct invocation *run, int32_t *day)
{
    const char *at = flag_value(run, "extracted-at");
    char text[CIVIL_TEXT];
    struct civil civil;
    time_t now = time(NULL);
    struct tm tm;

    if (at != NULL) {
        (void)snprintf(text, sizeof(text), "%s", at);   /* its day alone */
        if (civil_parse(text, &civil) == E_OK && civil_is_whole(civil)) {
            *day = civil_first_day(civil);
            return;
        }
    }
    *day = civil_day_at((int64_t)now * 1000000, 0);
    if (localtime_r(&now, &tm) != NULL)
        *day = civil_day_at((int64_t)now * 1000000,
            (int32_t)(tm.tm_gmtoff / 60));
}
