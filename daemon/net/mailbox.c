#include "net/mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <event2/event_struct.h>

struct letter {
    void (*fn)(void *cookie);
    void *cookie;
};

/* Letters in the order of their posting. */
struct pile {
    struct letter *letters;     /* owned */
    size_t n, size;
};

/*
 * Two piles: one is being filled while the letters of the other are run, so
 * that nobody is called under the lock and nothing is copied.
 */
struct mailbox {
    pthread_mutex_t lock;       /* over ${in} */
    struct pile in;
    struct pile out;            /* the loop's own */
    int fd;                     /* eventfd; readable while ${in} holds any */
    struct event readable;
    int lock_made, event_made;
};

static enum err
pile_init(struct pile *pile)
{
    if ((pile->letters = malloc(MAILBOX_RESERVE * sizeof(struct letter))) ==
        NULL)
        return (E_NOMEM);
    pile->size = MAILBOX_RESERVE;
    return (E_OK);
}

static int
pile_grow(struct pile *pile)
{
    struct letter *more;

    if (pile->size > SIZE_MAX / 2 / sizeof(*more))
        return (0);
    if ((more = realloc(pile->letters, 2 * pile->size * sizeof(*more))) ==
        NULL)
        return (0);
    pile->letters = more;
    pile->size *= 2;
    return (1);
}

/* The counter can neither overflow nor block: it is read before it is 2. */
static void
ring(int fd)
{
    static const uint64_t one = 1;

    while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
        continue;
}

static void
silence(int fd)
{
    uint64_t count;

    while (read(fd, &count, sizeof(count)) < 0 && errno == EINTR)
        continue;
}

void
mailbox_post(struct mailbox *m, void (*fn)(void *cookie), void *cookie)
{
    static const struct timespec pause = {.tv_nsec = 1000000};

    (void)pthread_mutex_lock(&m->lock);
    while (m->in.n == m->in.size && !pile_grow(&m->in)) {
        (void)pthread_mutex_unlock(&m->lock);
        (void)nanosleep(&pause, NULL);
        (void)pthread_mutex_lock(&m->lock);
    }
    if (m->in.n == 0)
        ring(m->fd);
    m->in.letters[m->in.n++] = (struct letter){fn, cookie};
    (void)pthread_mutex_unlock(&m->lock);
}

static void
post(void *target, void (*fn)(void *cookie), void *cookie)
{
    mailbox_post(target, fn, cookie);
}

struct store_post
mailbox_store_post(struct mailbox *m)
{
    return ((struct store_post){.post = post, .target = m});
}

void
mailbox_run(struct mailbox *m)
{
    struct pile full;

    (void)pthread_mutex_lock(&m->lock);
    full = m->in;
    if (full.n > 0)
        silence(m->fd);
    m->in = m->out;
    m->out = full;
    (void)pthread_mutex_unlock(&m->lock);

    for (size_t i = 0; i < full.n; i++)
        full.letters[i].fn(full.letters[i].cookie);
    m->out.n = 0;
}

static void
on_readable(evutil_socket_t fd, short what, void *cookie)
{
    (void)fd, (void)what;
    mailbox_run(cookie);
}

enum err
mailbox_create(struct event_base *base, struct mailbox **mailbox)
{
    struct mailbox *m = NULL;
    enum err err = E_NOMEM;

    *mailbox = NULL;

    if ((m = calloc(1, sizeof(*m))) == NULL)
        goto out;
    m->fd = -1;
    if ((err = pile_init(&m->in)) != E_OK ||
        (err = pile_init(&m->out)) != E_OK)
        goto out;
    err = E_IO;
    if ((m->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) < 0)
        goto out;
    if (pthread_mutex_init(&m->lock, NULL) != 0)
        goto out;
    m->lock_made = 1;
    err = E_NOMEM;
    if (event_assign(&m->readable, base, m->fd, EV_READ | EV_PERSIST,
        on_readable, m) != 0)
        goto out;
    m->event_made = 1;
    if (event_add(&m->readable, NULL) != 0)
        goto out;

    *mailbox = m;
    m = NULL;
    err = E_OK;

out:
    mailbox_free(m);
    return (err);
}

void
mailbox_free(struct mailbox *m)
{
    if (m == NULL)
        return;
    if (m->event_made)
        (void)event_del(&m->readable);
    while (m->in.n > 0)
        mailbox_run(m);
    if (m->lock_made)
        (void)pthread_mutex_destroy(&m->lock);
    if (m->fd >= 0)
        (void)close(m->fd);
    free(m->in.letters);
    free(m->out.letters);
    free(m);
}
