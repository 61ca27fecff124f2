#ifndef BENCH_LOAD_PROCESS_H
#define BENCH_LOAD_PROCESS_H

/*
 * What a process has used, as the kernel counts it.
 */

#include <stdint.h>
#include <sys/types.h>

/**
 * process_now_ns():
 * Return the time of a clock that never goes back, in nanoseconds.
 */
int64_t process_now_ns(void);

/**
 * process_cpu_ns(pid):
 * Return the CPU time, user and system, of all threads of ${pid} (0: our own)
 * in nanoseconds.  This is the sum that /proc/PID/stat gives in ticks of 10
 * ms.  Ends the program if there is no such process.
 */
int64_t process_cpu_ns(pid_t pid);

/**
 * process_busy_ns():
 * Return the CPU time that the whole machine has spent busy, on all cores,
 * without what a hypervisor took away; in nanoseconds, to a tick of 10 ms.
 */
int64_t process_busy_ns(void);

/* Resident memory in bytes: all of it, and without mapped files. */
struct process_memory {
    int64_t rss;
    int64_t anon;
};

/**
 * process_memory(pid, memory):
 * Read the memory of ${pid}.  Ends the program if there is no such process.
 */
void process_memory(pid_t pid, struct process_memory *memory);

#endif /* !BENCH_LOAD_PROCESS_H */
