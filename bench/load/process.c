#include "bench/load/process.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/load/fatal.h"

static int64_t
read_clock(clockid_t clock)
{
    struct timespec now;

    if (clock_gettime(clock, &now) != 0)
        fatal("cannot read a clock: is the server gone?");
    return ((int64_t)now.tv_sec * 1000000000 + now.tv_nsec);
}

int64_t
process_now_ns(void)
{
    return (read_clock(CLOCK_MONOTONIC));
}

int64_t
process_cpu_ns(pid_t pid)
{
    clockid_t clock = CLOCK_PROCESS_CPUTIME_ID;

    if (pid != 0 && clock_getcpuclockid(pid, &clock) != 0)
        fatal("there is no process %ld", (long)pid);
    return (read_clock(clock));
}

/* proc(5): user nice system idle iowait irq softirq steal guest... */
int64_t
process_busy_ns(void)
{
    int64_t user, nice, system, idle, wait, irq, softirq;
    FILE *f = fopen("/proc/stat", "re");
    int n = 0;

    if (f != NULL) {
        n = fscanf(f, "cpu %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64
            " %" SCNd64 " %" SCNd64 " %" SCNd64, &user, &nice, &system, &idle,
            &wait, &irq, &softirq);
        (void)fclose(f);
    }
    if (n != 7)
        fatal("cannot read /proc/stat");
    return ((user + nice + system + irq + softirq) *
        (1000000000 / sysconf(_SC_CLK_TCK)));
}

void
process_memory(pid_t pid, struct process_memory *memory)
{
    char path[64], line[256];
    FILE *f;

    *memory = (struct process_memory){-1, -1};
    (void)snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
    if ((f = fopen(path, "re")) != NULL) {
        while (fgets(line, sizeof(line), f) != NULL) {
            (void)sscanf(line, "VmRSS: %" SCNd64, &memory->rss);
            (void)sscanf(line, "RssAnon: %" SCNd64, &memory->anon);
        }
        (void)fclose(f);
    }
    if (memory->rss < 0 || memory->anon < 0)
        fatal("cannot read %s: is the server gone?", path);
    memory->rss *= 1024;
    memory->anon *= 1024;
}
