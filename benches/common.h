/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What every program here shares: clocks, and how a server tells its port. */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#define BENCH_BACKLOG 4096

static inline int64_t clock_ns(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline int64_t wall_ns(void) { return clock_ns(CLOCK_MONOTONIC); }
static inline int64_t cpu_ns(void) { return clock_ns(CLOCK_PROCESS_CPUTIME_ID); }
static inline int64_t thread_cpu_ns(void) { return clock_ns(CLOCK_THREAD_CPUTIME_ID); }

static inline void fail(const char *what) {
    perror(what);
    exit(1);
}

static inline void *must_alloc(size_t size) {
    void *memory = malloc(size);
    if (!memory) fail("malloc");
    return memory;
}

/* The first line of a server: whoever started it waits for it. */
static inline void tell_port(int port) {
    printf("%d\n", port);
    fflush(stdout);
}

/* The address of a server that was given a path to listen at. */
static inline struct sockaddr_un local_address(const char *path) {
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof at.sun_path) exit(2);
    strcpy(at.sun_path, path);
    return at;
}

#endif
