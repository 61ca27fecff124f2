/*
 * For LD_PRELOAD: an fsync that fails as Linux has it, once, and what was
 * written since the one before is gone; the next one knows nothing of it.
 *
 * VOUCH_FAIL_SYNC names a file.  While it exists and holds a line "SUFFIX
 * keep" or "SUFFIX drop", the first fsync() or fdatasync() of a file whose name
 * ends so fails with EIO, and the file is removed; with "drop" the file synced
 * is cut to the size that it had when it was synced last.
 */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FILES 64

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    dev_t device;
    ino_t inode;
    off_t size;                 /* when last synced */
} files[FILES];
static size_t nfiles;

int fsync(int fd);
int fdatasync(int fd);

/* Where ${fd} is noted; room for it if it is not; NULL: there is none. */
static off_t *
find(const struct stat *st, int *known)
{
    for (size_t i = 0; i < nfiles; i++)
        if (files[i].device == st->st_dev && files[i].inode == st->st_ino) {
            *known = 1;
            return (&files[i].size);
        }
    *known = 0;
    if (nfiles == FILES)
        return (NULL);
    files[nfiles].device = st->st_dev;
    files[nfiles].inode = st->st_ino;
    return (&files[nfiles++].size);
}

/* Whether this one is to fail; ${*drop}: and to lose what it was for. */
static int
is_meant(int fd, int *drop)
{
    const char *trigger = getenv("VOUCH_FAIL_SYNC");
    char link[32], name[4096], suffix[64], how[16];
    ssize_t n;
    FILE *f;
    int read;

    if (trigger == NULL || (f = fopen(trigger, "r")) == NULL)
        return (0);
    read = fscanf(f, "%63s %15s", suffix, how);
    (void)fclose(f);
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    if (read != 2 || (n = readlink(link, name, sizeof(name))) <
        (ssize_t)strlen(suffix) || memcmp(name + n - strlen(suffix), suffix,
        strlen(suffix)) != 0)
        return (0);
    *drop = strcmp(how, "drop") == 0;
    return (unlink(trigger) == 0);
}

static int
sync_or_fail(long number, int fd)
{
    struct stat st;
    off_t *size;
    int known, drop, result;

    if (fstat(fd, &st) != 0)
        return (-1);
    (void)pthread_mutex_lock(&lock);
    size = find(&st, &known);
    if (is_meant(fd, &drop)) {
        if (drop && (!known || size == NULL || ftruncate(fd, *size) != 0))
            abort();            /* the test is wrong */
        errno = EIO;
        result = -1;
    } else if ((result = (int)syscall(number, fd)) == 0 && size != NULL) {
        *size = st.st_size;
    }
    (void)pthread_mutex_unlock(&lock);
    return (result);
}

int
fsync(int fd)
{
    return (sync_or_fail(SYS_fsync, fd));
}

int
fdatasync(int fd)
{
    return (sync_or_fail(SYS_fdatasync, fd));
}
