/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What the programs that count system calls share: a thread that wakes a loop once a millisecond, so that each wake
 * finds it asleep. The loop runs in the main thread; the tracer tells the two apart. */
#ifndef BENCH_TURNS_H
#define BENCH_TURNS_H

#include "common.h"
#include <pthread.h>

static size_t turns_wanted, turns_seen;

static void turns_wake(void); /* per library: wakes the loop, from the other thread */

static void *turns_pace(void *unused) {
    for (size_t i = 0; i < turns_wanted; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        turns_wake();
    }
    return unused;
}

static inline pthread_t turns_start_pace(void) {
    pthread_t id;
    if (pthread_create(&id, NULL, turns_pace, NULL)) fail("pthread_create");
    return id;
}

/* turns_<library> timer|wake COUNT: 1 for wake. */
static inline int turns_parse(int argc, char **argv) {
    turns_wanted = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000;
    return argc > 1 && !strcmp(argv[1], "wake");
}

#endif
