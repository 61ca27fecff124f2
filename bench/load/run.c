#include "bench/load/run.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "bench/load/fatal.h"

/* A server is not to be measured by how it queues strangers. */
enum { SHAKING_MOST = 16 };

/* After the last answer, until an idle server's memory is read. */
enum { SETTLE_MS = 1500 };

struct run {
    const struct options *options;      /* borrowed */
    struct traffic traffic;
    struct addrinfo *address;           /* owned */
    char host[64];
    struct conn **conns;                /* owned */
    size_t n;
    int64_t give_up_ns;
};

/* ---- before ------------------------------------------------------------ */

static void
find_address(struct run *r)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    const char *server = r->options->server, *colon = strrchr(server, ':');
    size_t n = colon == NULL ? 0 : (size_t)(colon - server);

    if (n == 0 || n >= sizeof(r->host))
        fatal("--server takes ADDRESS:PORT, not '%s'", server);
    memcpy(r->host, server, n);
    r->host[n] = '\0';
    if (getaddrinfo(r->host, colon + 1, &hints, &r->address) != 0)
        fatal("not a numeric address and port: '%s'", server);
    r->traffic.address = r->address;
    r->traffic.host = r->host;
}

static SSL_CTX *
open_tls(const struct options *o, const char *host)
{
    static const unsigned char alpn[] = {2, 'h', '2'};
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (ctx == NULL || SSL_CTX_set_alpn_protos(ctx, alpn, sizeof(alpn)) != 0)
        fatal("cannot begin TLS");
    if (SSL_CTX_load_verify_file(ctx, o->ca) != 1)
        fatal("cannot use the CA file %s", o->ca);
    if (o->cert != NULL && (SSL_CTX_use_certificate_chain_file(ctx,
        o->cert) != 1 || SSL_CTX_use_PrivateKey_file(ctx, o->key,
        SSL_FILETYPE_PEM) != 1))
        fatal("cannot use %s with %s", o->cert, o->key);
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_CTX_get0_param(ctx), host) != 1)
        fatal("not an address: %s", host);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(ctx, 1);
    /* A new handshake is what a connection costs. */
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    return (ctx);
}

/* Room for the sockets. */
static void
raise_files(size_t wanted)
{
    struct rlimit limit;

    wanted += 64;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        fatal("getrlimit: %s", strerror(errno));
    if (limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = wanted;
    if (limit.rlim_max < wanted)
        limit.rlim_max = wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        fatal("%zu files at a time are not allowed: %s", wanted,
            strerror(errno));
}

/* ---- the loop ---------------------------------------------------------- */

/* Wait for events until ${until_ns}, and do what is possible. */
static void
turn(struct run *r, int64_t until_ns)
{
    struct epoll_event events[256];
    int64_t now_ns = process_now_ns();
    int64_t left_ms = ((until_ns < r->give_up_ns ? until_ns : r->give_up_ns) -
        now_ns + 999999) / 1000000;
    int n;

    if (now_ns >= r->give_up_ns)
        fatal("not done in the time that --limit-ms gives");
    n = epoll_wait(r->traffic.epoll, events, 256,
        left_ms < 0 ? 0 : (int)left_ms);
    if (n < 0 && errno != EINTR)
        fatal("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < n; i++)
        conn_event(events[i].data.ptr, events[i].events);
}

static void
turn_until(struct run *r, int64_t until_ns)
{
    while (process_now_ns() < until_ns)
        turn(r, until_ns);
}

static void
connect_up_to(struct run *r, size_t wanted)
{
    while (r->traffic.open < wanted) {
        while (r->n < wanted && r->n - r->traffic.open < SHAKING_MOST) {
            r->conns[r->n] = conn_open(&r->traffic);
            r->n++;
        }
        turn(r, r->give_up_ns);
    }
}

static void
begin_all(struct run *r, uint64_t requests)
{
    r->traffic.left = requests;
    for (size_t i = 0; i < r->n; i++)
        conn_begin(r->conns[i]);
}

static void
ask(struct run *r, uint64_t requests)
{
    begin_all(r, requests);
    while (r->traffic.flying > 0)
        turn(r, r->give_up_ns);
}

/* ---- what is measured -------------------------------------------------- */

/* Moments of each clock, as sums from whenever they began. */
static void
look(const struct run *r, struct spent *now)
{
    now->wall_ns = process_now_ns();
    now->own_ns = process_cpu_ns(0);
    now->server_ns = r->options->pid == 0 ? 0 :
        process_cpu_ns((pid_t)r->options->pid);
    now->foreign_ns = process_busy_ns() - now->own_ns - now->server_ns;
}

/* Ticks are coarse: a little less than nothing is nothing. */
static void
since(const struct run *r, struct spent *spent)
{
    struct spent now;

    look(r, &now);
    spent->wall_ns = now.wall_ns - spent->wall_ns;
    spent->own_ns = now.own_ns - spent->own_ns;
    spent->server_ns = now.server_ns - spent->server_ns;
    spent->foreign_ns = now.foreign_ns - spent->foreign_ns;
    if (spent->foreign_ns < 0)
        spent->foreign_ns = 0;
}

static void
hold(const char *word)
{
    char line[64];

    puts(word);
    if (fflush(stdout) != 0 || fgets(line, sizeof(line), stdin) == NULL)
        fatal("nobody says that we may go on");
}

static void
measure_requests(struct run *r, struct result *result)
{
    const struct options *o = r->options;

    ask(r, (uint64_t)o->warm_requests);
    if (o->hold != 0)
        hold("warm");
    r->traffic.tally = (struct tally){0};
    look(r, &result->measured);
    ask(r, (uint64_t)o->requests);
    since(r, &result->measured);
    if (o->hold != 0)
        hold("done");
}

static void
measure_time(struct run *r, struct result *result)
{
    const struct options *o = r->options;

    begin_all(r, UINT64_MAX);
    turn_until(r, process_now_ns() + o->warm_ms * 1000000);
    r->traffic.tally = (struct tally){0};
    look(r, &result->measured);
    turn_until(r, result->measured.wall_ns + o->measure_ms * 1000000);
    since(r, &result->measured);
}

static void
measure(struct run *r, struct result *result)
{
    look(r, &result->handshakes);
    connect_up_to(r, (size_t)r->options->connections);
    since(r, &result->handshakes);
    if (r->options->requests != 0)
        measure_requests(r, result);
    else
        measure_time(r, result);
}

/*
 * The first connection and a thousand requests fill what a server fills but
 * once; the memory before is read after those.
 */
static void
measure_idle(struct run *r, struct result *result)
{
    enum { FIRST = 1000 };
    const size_t wanted = (size_t)r->options->connections + 1;
    const pid_t pid = (pid_t)r->options->pid;

    connect_up_to(r, 1);
    ask(r, FIRST);
    turn_until(r, process_now_ns() + (int64_t)SETTLE_MS * 1000000);
    process_memory(pid, &result->before);

    r->traffic.tally = (struct tally){0};
    look(r, &result->handshakes);
    connect_up_to(r, wanted);
    since(r, &result->handshakes);
    look(r, &result->measured);
    ask(r, wanted);
    since(r, &result->measured);
    turn_until(r, process_now_ns() + (int64_t)SETTLE_MS * 1000000);
    process_memory(pid, &result->after);
}

void
run(const struct options *options, struct result *result)
{
    const size_t most = (size_t)options->connections + 1;
    struct run r = {.options = options};
    SSL_CTX *tls;

    *result = (struct result){0};
    r.give_up_ns = process_now_ns() + options->limit_ms * 1000000;
    raise_files(most);
    find_address(&r);
    tls = open_tls(options, r.host);
    if (options->get == NULL)
        r.traffic.bodies = body_open(options->bodies,
            (uint32_t)options->records, (uint64_t)options->seed);
    r.traffic.tls = tls;
    r.traffic.path = options->get != NULL ? options->get : options->method;
    r.traffic.streams = options->idle != 0 ? 1 : (unsigned)options->streams;
    if ((r.traffic.epoll = epoll_create1(EPOLL_CLOEXEC)) < 0)
        fatal("epoll_create1: %s", strerror(errno));
    r.conns = fatal_alloc(most, sizeof(struct conn *));

    if (options->idle != 0)
        measure_idle(&r, result);
    else
        measure(&r, result);
    result->tally = r.traffic.tally;

    for (size_t i = 0; i < r.n; i++)
        conn_free(r.conns[i]);
    free(r.conns);
    (void)close(r.traffic.epoll);
    body_close(r.traffic.bodies);
    SSL_CTX_free(tls);
    freeaddrinfo(r.address);
}
