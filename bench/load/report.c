#include "bench/load/report.h"

#include <inttypes.h>

static double
each(int64_t ns, uint64_t n)
{
    return (n == 0 ? 0 : (double)ns / 1000 / (double)n);
}

static double
share(int64_t part_ns, int64_t wall_ns)
{
    return (wall_ns == 0 ? 0 : (double)part_ns / (double)wall_ns);
}

static double
percentile(const struct result *r, double part)
{
    return ((double)histogram_at(&r->tally.latency, part) / 1000);
}

static double
rate(uint64_t n, int64_t wall_ns)
{
    return (wall_ns == 0 ? 0 : (double)n * 1e9 / (double)wall_ns);
}

uint64_t
report_errors(const struct result *result)
{
    const struct tally *t = &result->tally;

    return (t->broken + t->refused + t->wrong);
}

static void
table_idle(const struct options *o, const struct result *r, FILE *f)
{
    const double n = (double)o->connections;

    fprintf(f, "  %.1f MB resident before, %.1f MB with %.0f connections: "
        "%.1f kB each (%.1f kB without mapped files)\n",
        (double)r->before.rss / 1e6, (double)r->after.rss / 1e6, n,
        (double)(r->after.rss - r->before.rss) / 1000 / n,
        (double)(r->after.anon - r->before.anon) / 1000 / n);
}

void
report_table(const struct options *o, const struct result *r, FILE *f)
{
    const uint64_t n = r->tally.latency.count;
    const struct spent *m = &r->measured;

    fprintf(f, "%s %" PRId64 "x%" PRId64 ": %.0f/s (%" PRIu64 " in %.2f s), "
        "%" PRIu64 " errors, %.0f B an answer\n", o->label, o->connections,
        o->streams, rate(n, m->wall_ns), n, (double)m->wall_ns / 1e9,
        report_errors(r), n == 0 ? 0 : (double)r->tally.bytes / (double)n);
    if (report_errors(r) != 0)
        fprintf(f, "  errors: %" PRIu64 " broken streams, %" PRIu64
            " refused, %" PRIu64 " wrong verdicts\n", r->tally.broken,
            r->tally.refused, r->tally.wrong);
    fprintf(f, "  latency us: p50 %.0f  p90 %.0f  p99 %.0f  p99.9 %.0f  "
        "max %.0f\n", percentile(r, 0.5), percentile(r, 0.9),
        percentile(r, 0.99), percentile(r, 0.999), percentile(r, 1));
    fprintf(f, "  CPU us a request: server %.2f, this program %.2f; others "
        "took %.2f cores\n", each(m->server_ns, n), each(m->own_ns, n),
        share(m->foreign_ns, m->wall_ns));
    fprintf(f, "  handshakes: %.0f/s, CPU us each: server %.0f, this program "
        "%.0f\n", rate((uint64_t)o->connections, r->handshakes.wall_ns),
        each(r->handshakes.server_ns, (uint64_t)o->connections),
        each(r->handshakes.own_ns, (uint64_t)o->connections));
    if (o->idle != 0)
        table_idle(o, r, f);
}

static void
json_text(FILE *f, const char *text)
{
    fputc('"', f);
    for (; *text != '\0'; text++)
        if (*text == '"' || *text == '\\' || (unsigned char)*text < ' ')
            fprintf(f, "\\u%04x", (unsigned)(unsigned char)*text);
        else
            fputc(*text, f);
    fputc('"', f);
}

void
report_json(const struct options *o, const struct result *r, FILE *f)
{
    const uint64_t n = r->tally.latency.count;
    const uint64_t conns = (uint64_t)o->connections;
    const struct spent *m = &r->measured, *h = &r->handshakes;

    fputs("{\"label\":", f);
    json_text(f, o->label);
    fprintf(f, ",\"connections\":%" PRId64 ",\"streams\":%" PRId64
        ",\"idle\":%s,\"seconds\":%.3f,\"requests\":%" PRIu64
        ",\"per_second\":%.1f", o->connections, o->streams,
        o->idle != 0 ? "true" : "false", (double)m->wall_ns / 1e9, n,
        rate(n, m->wall_ns));
    fprintf(f, ",\"broken\":%" PRIu64 ",\"refused\":%" PRIu64
        ",\"wrong\":%" PRIu64 ",\"answer_bytes\":%.1f", r->tally.broken,
        r->tally.refused, r->tally.wrong,
        n == 0 ? 0 : (double)r->tally.bytes / (double)n);
    fprintf(f, ",\"mean_us\":%.2f,\"p50_us\":%.2f,\"p90_us\":%.2f,"
        "\"p99_us\":%.2f,\"p999_us\":%.2f,\"max_us\":%.2f",
        each((int64_t)r->tally.latency.sum, n), percentile(r, 0.5),
        percentile(r, 0.9), percentile(r, 0.99), percentile(r, 0.999),
        percentile(r, 1));
    fprintf(f, ",\"server_cpu_us\":%.3f,\"own_cpu_us\":%.3f,"
        "\"foreign_cores\":%.3f,\"handshake_server_cpu_us\":%.1f,"
        "\"handshake_own_cpu_us\":%.1f", each(m->server_ns, n),
        each(m->own_ns, n), share(m->foreign_ns, m->wall_ns),
        each(h->server_ns, conns), each(h->own_ns, conns));
    fprintf(f, ",\"rss_before\":%" PRId64 ",\"rss_after\":%" PRId64
        ",\"anon_before\":%" PRId64 ",\"anon_after\":%" PRId64 "}\n",
        r->before.rss, r->after.rss, r->before.anon, r->after.anon);
}
