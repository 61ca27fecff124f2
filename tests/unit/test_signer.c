#include "seal/signer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/fault.h"

/* RFC 8032, section 7.1, TEST 2, as `openssl pkey` writes it. */
#define KEY_BASE64                                                          \
    "MC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7"
#define PEM "-----BEGIN PRIVATE KEY-----\n" KEY_BASE64                      \
    "\n-----END PRIVATE KEY-----\n"
#define PUBLIC                                                              \
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
#define SIGNATURE                                                           \
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"      \
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"

int __real_fsync(int fd);
int __wrap_fsync(int fd);

/* Which fsync() from now on fails; 0: none (linked with --wrap). */
static int fsync_fails;

int
__wrap_fsync(int fd)
{
    if (fsync_fails > 0 && --fsync_fails == 0) {
        errno = EIO;
        return (-1);
    }
    return (__real_fsync(fd));
}

static char dir[] = "/tmp/vouch-signer-XXXXXX";
static char path[64];

static int
make_dir(void **state)
{
    (void)state;
    if (mkdtemp(dir) == NULL)
        return (-1);
    (void)snprintf(path, sizeof(path), "%s/a.key", dir);
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
    return (unlink(path) != 0);
}

static void
write_key(const char *text, mode_t mode)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

struct heard {
    int n;
    enum err err;
    uint8_t signature[ED25519_SIGNATURE];
};

static void
hear(void *cookie, enum err err, const uint8_t signature[ED25519_SIGNATURE])
{
    struct heard *heard = cookie;

    heard->n++;
    heard->err = err;
    memcpy(heard->signature, signature, ED25519_SIGNATURE);
}

static void
sign(struct signer *signer, struct slice message, struct heard *heard)
{
    struct signer_request *request = (struct signer_request *)heard;

    *heard = (struct heard){0};
    assert_int_equal(signer_sign(signer, message, hear, heard, &request),
        E_OK);
    assert_null(request);
    assert_int_equal(heard->n, 1);
    assert_int_equal(heard->err, E_OK);
}

static void
signs_as_the_rfc_says(void **state)
{
    struct signer *signer;
    struct heard heard;
    char why[256], hex[2 * ED25519_SIGNATURE + 1];
    uint8_t id[ED25519_KEY_ID];

    (void)state;
    write_key(PEM, 0600);
    assert_int_equal(signer_open(path, &signer, why, sizeof(why)), E_OK);
    bytes_to_hex((struct slice){signer_public_key(signer),
        ED25519_PUBLIC_KEY}, hex);
    assert_string_equal(hex, PUBLIC);
    ed25519_key_id(signer_public_key(signer), id);
    assert_memory_equal(signer_key_id(signer), id, sizeof(id));
    sign(signer, slice_of("r"), &heard);        /* 0x72 */
    bytes_to_hex((struct slice){heard.signature, ED25519_SIGNATURE}, hex);
    assert_string_equal(hex, SIGNATURE);
    signer_release(signer);
}

static void
a_new_key_is_kept(void **state)
{
    struct signer *made, *read;
    struct heard heard;
    struct stat status;
    char why[256];

    (void)state;
    assert_int_equal(signer_make(path, &made, why, sizeof(why)), E_OK);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(signer_open(path, &read, why, sizeof(why)), E_OK);
    assert_memory_equal(signer_key_id(made), signer_key_id(read),
        ED25519_KEY_ID);
    sign(read, slice_of("message"), &heard);
    assert_int_equal(ed25519_verify(signer_public_key(made),
        slice_of("message"), heard.signature), E_OK);
    assert_int_equal(ed25519_verify(signer_public_key(made),
        slice_of("messagf"), heard.signature), E_CORRUPT);
    signer_release(read);

    assert_int_equal(signer_make(path, &read, why, sizeof(why)), E_EXISTS);
    assert_null(read);
    assert_non_null(strstr(why, path));
    assert_int_equal(signer_open(path, &read, why, sizeof(why)), E_OK);
    assert_memory_equal(signer_key_id(made), signer_key_id(read),
        ED25519_KEY_ID);
    signer_release(read);
    signer_release(made);
}

static void
two_keys_are_two(void **state)
{
    struct signer *a, *b;
    char why[256];

    (void)state;
    assert_int_equal(signer_make(path, &a, why, sizeof(why)), E_OK);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(signer_make(path, &b, why, sizeof(why)), E_OK);
    assert_memory_not_equal(signer_key_id(a), signer_key_id(b),
        ED25519_KEY_ID);
    signer_release(a);
    signer_release(b);
}

static void
refuse(const char *text, mode_t mode, enum err expected, const char *word)
{
    struct signer *signer = (struct signer *)path;
    char why[256] = "";

    write_key(text, mode);
    assert_int_equal(signer_open(path, &signer, why, sizeof(why)), expected);
    assert_null(signer);
    assert_non_null(strstr(why, word));
    assert_non_null(strstr(why, path));
    assert_null(strstr(why, "MC4C"));       /* never what is in the file */
}

static void
what_is_no_such_key_is_refused(void **state)
{
    static char text[512];

    (void)state;
    refuse(PEM, 0640, E_DENIED, "0600");
    refuse(PEM, 0602, E_DENIED, "0600");
    refuse("", 0600, E_INVAL, "Ed25519");
    refuse(PEM "\n", 0600, E_INVAL, "Ed25519");
    (void)snprintf(text, sizeof(text), "%s", PEM);
    text[strlen(text) - 1] = '\0';
    refuse(text, 0600, E_INVAL, "Ed25519");
    for (size_t i = 0; i < 40; i++) {       /* up to the key itself */
        (void)snprintf(text, sizeof(text), "%s", PEM);
        text[i] = text[i] == 'B' ? 'C' : 'B';
        refuse(text, 0600, E_INVAL, "Ed25519");
    }
    (void)snprintf(text, sizeof(text), "%s", PEM);
    text[60] = '*';
    refuse(text, 0600, E_INVAL, "Ed25519");
    refuse("-----BEGIN CERTIFICATE-----\n", 0600, E_INVAL, "Ed25519");
}

static void
a_file_that_is_not_there_is_named(void **state)
{
    struct signer *signer;
    char why[256] = "";

    (void)state;
    assert_int_equal(signer_open("/nowhere/a.key", &signer, why, sizeof(why)),
        E_NOTFOUND);
    assert_non_null(strstr(why, "/nowhere/a.key"));
    assert_int_equal(signer_make("/nowhere/a.key", &signer, why, sizeof(why)),
        E_IO);
    assert_null(signer);
    assert_int_equal(signer_open(dir, &signer, why, sizeof(why)), E_DENIED);
    assert_null(signer);
    write_key(PEM, 0600);
}

/* The file's own, and that of its folder. */
static void
a_key_that_is_perhaps_not_on_disk_is_none(void **state)
{
    struct signer *signer;
    char why[256] = "";

    (void)state;
    for (int i = 1; i <= 2; i++) {
        fsync_fails = i;
        assert_int_equal(signer_make(path, &signer, why, sizeof(why)), E_IO);
        assert_int_equal(fsync_fails, 0);
        assert_null(signer);
        assert_non_null(strstr(why, path));
        assert_int_equal(access(path, F_OK), -1);
    }
    assert_int_equal(signer_make(path, &signer, why, sizeof(why)), E_OK);
    signer_release(signer);
}

static void
a_reference_keeps_it(void **state)
{
    struct signer *signer;
    struct heard heard;
    char why[256];

    (void)state;
    write_key(PEM, 0600);
    assert_int_equal(signer_open(path, &signer, why, sizeof(why)), E_OK);
    assert_ptr_equal(signer_hold(signer), signer);
    signer_release(signer);
    sign(signer, slice_of("r"), &heard);
    signer_release(signer);
    signer_release(NULL);
}

static void
every_allocation_may_fail(void **state)
{
    struct signer *signer;
    char why[256];
    enum err err = E_NOMEM;

    (void)state;
    write_key(PEM, 0600);
    for (int n = 0; err != E_OK; n++) {
        assert_true(n < 10);
        fault_arm(n);
        err = signer_open(path, &signer, why, sizeof(why));
        fault_arm(-1);
        assert_true(err == E_OK || err == E_NOMEM);
        assert_int_equal(err == E_OK, signer != NULL);
    }
    signer_release(signer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(signs_as_the_rfc_says, clean),
        cmocka_unit_test_teardown(a_new_key_is_kept, clean),
        cmocka_unit_test_teardown(two_keys_are_two, clean),
        cmocka_unit_test_teardown(what_is_no_such_key_is_refused, clean),
        cmocka_unit_test_teardown(a_file_that_is_not_there_is_named, clean),
        cmocka_unit_test_teardown(a_key_that_is_perhaps_not_on_disk_is_none,
            clean),
        cmocka_unit_test_teardown(a_reference_keeps_it, clean),
        cmocka_unit_test_teardown(every_allocation_may_fail, clean),
    };

    return (cmocka_run_group_tests_name("signer", tests, make_dir,
        remove_dir));
}
