#include "client/dial.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/clock.h"
#include "client/error.h"

/* glibc would take 74000 for port 8464. */
static int
is_port(const char *text)
{
    size_t n = strlen(text);
    long port;

    if (n == 0 || n > 5 || strspn(text, "0123456789") != n)
        return (0);
    port = strtol(text, NULL, 10);
    return (port > 0 && port <= 65535);
}

int
dial_parse(const char *server, struct dial_address *a,
    struct vouch_error *error)
{
    const char *colon = strrchr(server, ':'), *host = server;
    size_t n = colon != NULL ? (size_t)(colon - server) : 0;
    int bracketed = n > 2 && server[0] == '[' && server[n - 1] == ']';

    if (bracketed) {
        host++;
        n -= 2;
    }
    if (n == 0 || n >= sizeof(a->host) || !is_port(colon + 1) ||
        strlen(server) >= sizeof(a->text) ||
        (!bracketed && strcspn(host, ":[]") != n)) {
        (void)error_set(error, VOUCH_FAILURE_SETUP,
            "the server '%s' is not of the form HOST:PORT", server);
        error_next(error, "write VOUCH_SERVER or --server as in "
            "vouch.example.org:8443, 192.0.2.1:8443 or [2001:db8::1]:8443");
        return (-1);
    }
    memcpy(a->host, host, n);
    a->host[n] = '\0';
    (void)snprintf(a->port, sizeof(a->port), "%s", colon + 1);
    (void)snprintf(a->text, sizeof(a->text), "%s", server);
    return (0);
}

int
dial_wait(int fd, short events, int64_t deadline_us)
{
    struct pollfd poller = {.fd = fd, .events = events};
    int n;

    do
        n = poll(&poller, 1, clock_left_ms(deadline_us));
    while (n < 0 && errno == EINTR);
    return (n);
}

/* Returns a socket, or -1 with errno. */
static int
dial_one(const struct addrinfo *address, int64_t deadline_us)
{
    int on = 1, failure = 0, ready;
    socklen_t n = sizeof(failure);
    int fd = socket(address->ai_family,
        SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return (-1);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(fd, address->ai_addr, address->ai_addrlen) != 0 &&
        errno != EINPROGRESS)
        goto fail;
    if ((ready = dial_wait(fd, POLLOUT, deadline_us)) <= 0) {
        errno = ready == 0 ? ETIMEDOUT : errno;
        goto fail;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &n) != 0)
        goto fail;
    if ((errno = failure) == 0)
        return (fd);

fail:
    failure = errno;
    (void)close(fd);
    errno = failure;
    return (-1);
}

int
dial(const struct dial_address *address, int64_t deadline_us, int *fd,
    struct vouch_error *error)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int status = getaddrinfo(address->host, address->port, &hints, &found);

    *fd = -1;
    if (status != 0) {
        (void)error_set(error, status == EAI_MEMORY ? VOUCH_FAILURE_MEMORY :
            VOUCH_FAILURE_UNREACHABLE, "cannot find %s: %s", address->text,
            status == EAI_SYSTEM ? strerror(errno) : gai_strerror(status));
        error_next(error, "check the name in VOUCH_SERVER or --server");
        return (-1);
    }
    errno = EADDRNOTAVAIL;
    for (struct addrinfo *a = found; a != NULL && *fd < 0; a = a->ai_next)
        *fd = dial_one(a, deadline_us);
    status = errno;
    freeaddrinfo(found);
    if (*fd >= 0)
        return (0);
    (void)error_set(error, VOUCH_FAILURE_UNREACHABLE, "cannot reach %s: %s",
        address->text, strerror(status));
    error_next(error, "check that vouchd runs there and that the address in "
        "VOUCH_SERVER or --server is right");
    return (-1);
}
