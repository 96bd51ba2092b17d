/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The work of the pool benchmark, the same for every library: small jobs handed to the worker threads, and told of on
 * the loop. Each program defines how a job is handed over and how the loop runs, and includes this for the rest. */
#ifndef BENCH_POOL_H
#define BENCH_POOL_H

#include "common.h"
#include <sys/stat.h>

enum { POOL_THREADS = 4 };

/* Per library: */
static void pool_open(void);
static void pool_submit(void); /* a job that does pool_job, whose end calls pool_done */
static void pool_run(void);    /* until every job is done */

static int with_stat;
static size_t jobs_left, jobs_done;

static inline int pool_job(void) {
    struct stat at;
    return with_stat ? stat("/etc/passwd", &at) : 0;
}

static inline void pool_done(int result) {
    if (result) fail("stat");
    jobs_done++;
    if (jobs_left) {
        jobs_left--;
        pool_submit();
    }
}

static void measure(const char *name, size_t jobs, size_t at_once, int last) {
    jobs_done = 0;
    jobs_left = jobs - at_once;
    int64_t cpu = cpu_ns(), wall = wall_ns();
    for (size_t i = 0; i < at_once; i++) pool_submit();
    pool_run();
    wall = wall_ns() - wall;
    cpu = cpu_ns() - cpu;
    if (jobs_done != jobs) fail("a job was lost");
    printf("\"%s wall\": %.1f, \"%s cpu\": %.1f%s", name, (double)wall / (double)jobs, name, (double)cpu / (double)jobs,
           last ? "}\n" : ", ");
}

/* pool_<library> JOBS: nanoseconds a job. */
int main(int argc, char **argv) {
    size_t jobs = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
    pool_open();
    for (with_stat = 0; with_stat < 2; with_stat++) {
        const char *names[2][4] = {{"", "nothing, all at once", "nothing, 16 at a time", "nothing, one at a time"},
                                   {"", "stat, all at once", "stat, 16 at a time", "stat, one at a time"}};
        const char **name = names[with_stat];
        jobs_done = 0, jobs_left = 0;
        for (int i = 0; i < POOL_THREADS * 100; i++) pool_submit(); /* the threads are there, and warm */
        pool_run();
        if (!with_stat) printf("{");
        measure(name[1], jobs, jobs, 0);
        measure(name[2], jobs, 16, 0);
        measure(name[3], jobs, 1, with_stat);
    }
    return 0;
}

#endif
