#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event_struct.h>

#include "base/log.h"

/* How many connections are taken before other events have their turn. */
enum { ACCEPTS_PER_TURN = 64 };

/*
 * A peer that vanished (power, a router that forgot) is told from one that is
 * silent: after a minute without a word TCP asks, every 10 seconds, 3 times.
 * The kernel's own two hours are long for what a connection costs.
 */
enum { ALIVE_AFTER_S = 60, ALIVE_EVERY_S = 10, ALIVE_TRIES = 3 };

/* How long we wait when there is nothing to accept with. */
static const struct timeval pause_after_shortage = {.tv_usec = 100000};

struct socket {
    int fd;                             /* owned */
    int assigned;
    struct event readable;
};

struct net_listener {
    struct event_base *base;            /* borrowed */
    struct net_worker *const *workers;  /* borrowed */
    size_t n;
    size_t next;                        /* whose turn it is */
    int port;
    int resume_assigned;
    struct event resume;
    size_t nsockets;
    struct socket sockets[];
};

static void
set(int fd, int level, int option, int value)
{
    (void)setsockopt(fd, level, option, &value, sizeof(value));
}

static void
hand_over(struct net_listener *l, int fd)
{
    /* A write is a tick's whole answer: there is nothing to wait for. */
    set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set(fd, IPPROTO_TCP, TCP_KEEPIDLE, ALIVE_AFTER_S);
    set(fd, IPPROTO_TCP, TCP_KEEPINTVL, ALIVE_EVERY_S);
    set(fd, IPPROTO_TCP, TCP_KEEPCNT, ALIVE_TRIES);
    net_worker_take(l->workers[l->next], fd);
    l->next = (l->next + 1) % l->n;
}

/* Failures of the connection that was to be accepted, not of accept4(). */
static int
is_the_peers(int error)
{
    switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case EPERM:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
        return (1);
    default:
        return (0);
    }
}

/*
 * Out of descriptors or memory: the socket stays readable, and the loop would
 * spin on it.
 */
static void
take_a_break(struct net_listener *l, int error)
{
    log_line(LOG_WARN, "accept_paused", "errno=%d reason=\"%s\"", error,
        strerror(error));
    if (event_add(&l->resume, &pause_after_shortage) != 0)
        return;
    for (size_t i = 0; i < l->nsockets; i++)
        (void)event_del(&l->sockets[i].readable);
}

static void
on_resume(evutil_socket_t fd, short what, void *cookie)
{
    struct net_listener *l = cookie;

    (void)fd, (void)what;
    for (size_t i = 0; i < l->nsockets; i++)
        if (event_add(&l->sockets[i].readable, NULL) != 0)
            (void)event_add(&l->resume, &pause_after_shortage);
}

static void
on_readable(evutil_socket_t listening, short what, void *cookie)
{
    struct net_listener *l = cookie;

    (void)what;
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0)
            hand_over(l, fd);
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            break;
        else if (!is_the_peers(errno)) {
            take_a_break(l, errno);
            break;
        }
    }
    log_flush();
}

/* What stands in ${why}: what was tried, where, and how it failed. */
struct why {
    char *text;
    size_t size;
    const char *address;
    int port;
};

static enum err
refuse(const struct why *why, enum err err, const char *what,
    const char *reason)
{
    (void)snprintf(why->text, why->size, "%s port %d: %s: %s", why->address,
        why->port, what, reason);
    return (err);
}

static enum err
resolve(const struct why *why, struct addrinfo **info)
{
    const struct addrinfo hints = {
        .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
    };
    char service[16];
    int rc;

    *info = NULL;
    if (why->port < 0 || why->port > 65535)
        return (refuse(why, E_INVAL, "port", "not within 0 to 65535"));
    (void)snprintf(service, sizeof(service), "%d", why->port);
    rc = getaddrinfo(why->address, service, &hints, info);
    if (rc == EAI_MEMORY)
        return (refuse(why, E_NOMEM, "address", err_text(E_NOMEM)));
    if (rc != 0)
        return (refuse(why, E_INVAL, "address",
            "not a numeric IPv4 or IPv6 address"));
    return (E_OK);
}

static int
port_of(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET6)
        return (ntohs(((const struct sockaddr_in6 *)address)->sin6_port));
    if (address->ss_family == AF_INET)
        return (ntohs(((const struct sockaddr_in *)address)->sin_port));
    return (0);
}

static enum err
open_socket(int *fd, const struct why *why)
{
    static const int on = 1;
    struct addrinfo *info = NULL;
    enum err err;

    if ((err = resolve(why, &info)) != E_OK)
        return (err);
    if ((*fd = socket(info->ai_family,
        SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) < 0)
        err = refuse(why, E_IO, "socket", strerror(errno));
    else if (setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
        err = refuse(why, E_IO, "SO_REUSEADDR", strerror(errno));
    else if (bind(*fd, info->ai_addr, info->ai_addrlen) != 0)
        err = refuse(why, E_IO, "bind", strerror(errno));
    else if (listen(*fd, SOMAXCONN) != 0)
        err = refuse(why, E_IO, "listen", strerror(errno));
    freeaddrinfo(info);
    return (err);
}

static enum err
refuse_given(const struct why *why, enum err err, int fd, const char *reason)
{
    (void)snprintf(why->text, why->size, "descriptor %d: %s", fd, reason);
    return (err);
}

/* Is ${fd}, which somebody gave us, what we can accept from? */
static enum err
check_given(int fd, const struct why *why)
{
    int type = 0, listens = 0, flags;
    socklen_t size = sizeof(type);

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0)
        return (refuse_given(why, E_INVAL, fd, strerror(errno)));
    size = sizeof(listens);
    if (type != SOCK_STREAM || getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN,
        &listens, &size) != 0 || !listens)
        return (refuse_given(why, E_INVAL, fd,
            "not a stream socket that listens"));
    if ((flags = fcntl(fd, F_GETFL)) < 0 ||
        fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return (refuse_given(why, E_IO, fd, strerror(errno)));
    return (E_OK);
}

static enum err
open_sockets(struct net_listener *l, size_t given, const struct why *why)
{
    struct sockaddr_storage bound;
    socklen_t size = sizeof(bound);
    enum err err = E_OK;

    if (given == 0)
        err = open_socket(&l->sockets[0].fd, why);
    for (size_t i = 0; i < given && err == E_OK; i++)
        err = check_given(l->sockets[i].fd, why);
    if (err != E_OK)
        return (err);
    if (getsockname(l->sockets[0].fd, (struct sockaddr *)&bound, &size) != 0)
        return (refuse(why, E_IO, "getsockname", strerror(errno)));
    l->port = port_of(&bound);
    return (E_OK);
}

static enum err
open_events(struct net_listener *l, const struct why *why)
{
    if (evtimer_assign(&l->resume, l->base, on_resume, l) != 0)
        return (refuse(why, E_NOMEM, "event", err_text(E_NOMEM)));
    l->resume_assigned = 1;
    for (size_t i = 0; i < l->nsockets; i++) {
        struct socket *s = &l->sockets[i];

        if (event_assign(&s->readable, l->base, s->fd, EV_READ | EV_PERSIST,
            on_readable, l) != 0)
            return (refuse(why, E_NOMEM, "event", err_text(E_NOMEM)));
        s->assigned = 1;
        if (event_add(&s->readable, NULL) != 0)
            return (refuse(why, E_NOMEM, "event", err_text(E_NOMEM)));
    }
    return (E_OK);
}

enum err
net_listener_create(struct event_base *base,
    const struct net_listener_options *o, struct net_listener **listener,
    char *text, size_t size)
{
    const struct why why = {text, size, o->address, o->port};
    size_t n = o->nfds > 0 ? o->nfds : 1;
    struct net_listener *l = NULL;
    enum err err;

    *listener = NULL;

    if ((l = calloc(1, sizeof(*l) + n * sizeof(l->sockets[0]))) == NULL) {
        for (size_t i = 0; i < o->nfds; i++)
            (void)close(o->fds[i]);
        return (refuse(&why, E_NOMEM, "listener", err_text(E_NOMEM)));
    }
    l->base = base;
    l->workers = o->workers;
    l->n = o->nworkers;
    l->nsockets = n;
    for (size_t i = 0; i < n; i++)
        l->sockets[i].fd = i < o->nfds ? o->fds[i] : -1;
    if ((err = open_sockets(l, o->nfds, &why)) != E_OK ||
        (err = open_events(l, &why)) != E_OK)
        goto out;

    *listener = l;
    l = NULL;

out:
    net_listener_free(l);
    return (err);
}

int
net_listener_port(const struct net_listener *listener)
{
    return (listener->port);
}

void
net_listener_free(struct net_listener *listener)
{
    if (listener == NULL)
        return;
    if (listener->resume_assigned)
        (void)event_del(&listener->resume);
    for (size_t i = 0; i < listener->nsockets; i++) {
        struct socket *s = &listener->sockets[i];

        if (s->assigned)
            (void)event_del(&s->readable);
        if (s->fd >= 0)
            (void)close(s->fd);
    }
    free(listener);
}
