#include "seal/founding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "seal/key_folder.h"
#include "seal/trust_file.h"
#include "support/fault.h"
#include "support/seal_rig.h"

static char dir[] = "/tmp/vouch-founding-XXXXXX";
static char root_key[64], trust[64], keys[64];
static char why[512];

static int
make_dir(void **state)
{
    (void)state;
    if (mkdtemp(dir) == NULL)
        return (-1);
    (void)snprintf(root_key, sizeof(root_key), "%s/root.key", dir);
    (void)snprintf(trust, sizeof(trust), "%s/trust.json", dir);
    (void)snprintf(keys, sizeof(keys), "%s/seal", dir);
    return (0);
}

static int
remove_dir(void **state)
{
    (void)state;
    return (rmdir(dir));
}

static int
clean(void **state)
{
    (void)state;
    seal_rig_remove(dir);
    return (0);
}

static enum err
make(struct founded *founded)
{
    const struct founding founding = {.origin = "vouch.example.org",
        .root_key = root_key, .trust = trust, .dir = keys,
        .from_us = SEAL_RIG_FROM, .until_us = SEAL_RIG_UNTIL,
        .issued_us = SEAL_RIG_FROM, .expires_us = SEAL_RIG_UNTIL};

    why[0] = '\0';
    return (founding_make(&founding, founded, why, sizeof(why)));
}

static mode_t
mode_of(const char *path)
{
    struct stat status;

    assert_int_equal(stat(path, &status), 0);
    return (status.st_mode & 07777);
}

static void
what_is_made_is_listed_and_private(void **state)
{
    struct founded founded;
    struct trust *made;
    const struct trust_content *content;
    uint8_t id[ED25519_KEY_ID], root[ED25519_KEY_ID];
    char path[PATH_MAX];

    (void)state;
    assert_int_equal(make(&founded), E_OK);
    assert_int_equal(trust_file_read(trust, &made, why, sizeof(why)), E_OK);
    ed25519_key_id(trust_root_key(made), root);
    assert_memory_equal(root, founded.root, sizeof(root));
    content = trust_content(made);
    assert_string_equal(content->origin, "vouch.example.org");
    assert_int_equal(content->version, 1);
    assert_int_equal(content->nkeys, 3);
    assert_non_null(trust_find(made, TRUST_SEAL, founded.current));
    assert_non_null(trust_find(made, TRUST_SEAL, founded.next));
    assert_non_null(trust_find(made, TRUST_CHECKPOINT, founded.checkpoint));
    assert_int_equal(key_folder_current(keys, id, why, sizeof(why)), E_OK);
    assert_memory_equal(id, founded.current, sizeof(id));
    assert_int_equal(mode_of(root_key), 0600);
    assert_int_equal(mode_of(keys), 0700);
    assert_int_equal(mode_of(trust), 0644);
    key_folder_path(keys, TRUST_SEAL, founded.next, KEY_PRIVATE, path);
    assert_int_equal(mode_of(path), 0600);
    key_folder_path(keys, TRUST_SEAL, founded.next, KEY_PUBLIC, path);
    assert_int_equal(mode_of(path), 0644);
    trust_free(made);
}

static void
nothing_is_overwritten(void **state)
{
    struct founded founded;
    uint8_t id[ED25519_KEY_ID];

    (void)state;
    assert_int_equal(make(&founded), E_OK);
    assert_int_equal(make(&founded), E_EXISTS);
    assert_non_null(strstr(why, root_key));
    assert_int_equal(unlink(root_key), 0);
    assert_int_equal(make(&founded), E_EXISTS);
    assert_non_null(strstr(why, trust));
    assert_int_equal(unlink(trust), 0);
    assert_int_equal(make(&founded), E_EXISTS);
    assert_non_null(strstr(why, keys));
    assert_int_equal(access(root_key, F_OK), -1);
    assert_int_equal(key_folder_current(keys, id, why, sizeof(why)), E_OK);
}

static void
what_failed_leaves_nothing(void **state)
{
    struct founding founding = {.origin = "a \"b\"", .root_key = root_key,
        .trust = trust, .dir = keys, .from_us = SEAL_RIG_FROM,
        .until_us = SEAL_RIG_UNTIL, .issued_us = SEAL_RIG_FROM,
        .expires_us = SEAL_RIG_UNTIL};
    struct founded founded;

    (void)state;
    assert_int_equal(founding_make(&founding, &founded, why, sizeof(why)),
        E_INVAL);
    assert_int_equal(access(root_key, F_OK), -1);
    assert_int_equal(access(keys, F_OK), -1);
    founding.origin = "vouch.example.org";
    founding.dir = "/nowhere/seal";
    assert_int_equal(founding_make(&founding, &founded, why, sizeof(why)),
        E_NOTFOUND);
    assert_non_null(strstr(why, "/nowhere/seal"));
    founding.dir = keys;
    founding.trust = "/nowhere/trust.json";
    assert_int_equal(founding_make(&founding, &founded, why, sizeof(why)),
        E_IO);
    assert_int_equal(access(root_key, F_OK), -1);
    assert_int_equal(access(keys, F_OK), -1);
    assert_int_equal(rmdir(dir), 0);        /* it is empty */
    assert_int_equal(mkdir(dir, 0700), 0);
}

static void
every_failed_allocation_leaves_nothing(void **state)
{
    struct founded founded;
    enum err err;
    int n = 0;

    (void)state;
    for (;; n++) {
        fault_arm(n);
        err = make(&founded);
        fault_arm(-1);
        if (err == E_OK)
            break;
        assert_int_equal(err, E_NOMEM);
        assert_int_equal(access(root_key, F_OK), -1);
        assert_int_equal(access(trust, F_OK), -1);
        assert_int_equal(access(keys, F_OK), -1);
    }
    assert_true(n > 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_is_made_is_listed_and_private, clean),
        cmocka_unit_test_teardown(nothing_is_overwritten, clean),
        cmocka_unit_test_teardown(what_failed_leaves_nothing, clean),
        cmocka_unit_test_teardown(every_failed_allocation_leaves_nothing,
            clean),
    };

    return (cmocka_run_group_tests(tests, make_dir, remove_dir));
}
