/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The work of the wake-up benchmark, the same for every library. Each program defines a `mailbox`, a loop with a way
 * to have a function called on it with an argument from any thread, and includes this for the rest. */
#ifndef BENCH_WAKE_H
#define BENCH_WAKE_H

#include "common.h"
#include <pthread.h>
#include <sched.h>

/* The shape that callbacks of Rondel have, so that the same functions serve every library. */
typedef void mailbox_call(int64_t source, int64_t result, void *argument);
struct mailbox;

/* Per library: */
static struct mailbox *mailbox_new(void);
static void mailbox_post(struct mailbox *box, mailbox_call *call, void *argument); /* from any thread */
static void mailbox_run(struct mailbox *box);                                      /* until mailbox_stop */
static void mailbox_stop(struct mailbox *box);                                     /* from one of its calls */

static struct mailbox *boxes[2];

/* Throughput: threads that post as fast as they can. */

static size_t calls_expected, calls_seen, calls_each;
static int64_t posting_ns; /* CPU time of the posting threads, all together */
static pthread_barrier_t gate;
static pthread_mutex_t tally = PTHREAD_MUTEX_INITIALIZER;

static void count_call(int64_t source, int64_t result, void *argument) {
    (void)source;
    (void)result;
    *(size_t *)argument += 1;
    if (++calls_seen == calls_expected) mailbox_stop(boxes[0]);
}

static void *post_many(void *unused) {
    static size_t seen_by_all;
    (void)unused;
    pthread_barrier_wait(&gate);
    int64_t from = thread_cpu_ns();
    for (size_t i = 0; i < calls_each; i++) mailbox_post(boxes[0], count_call, &seen_by_all);
    from = thread_cpu_ns() - from;
    pthread_mutex_lock(&tally);
    posting_ns += from;
    pthread_mutex_unlock(&tally);
    return NULL;
}

static void throughput(size_t threads, size_t calls) {
    pthread_t *ids = must_alloc(threads * sizeof *ids);
    calls_each = calls / threads;
    calls_expected = calls_each * threads;
    boxes[0] = mailbox_new();
    pthread_barrier_init(&gate, NULL, (unsigned)threads + 1);
    for (size_t i = 0; i < threads; i++)
        if (pthread_create(&ids[i], NULL, post_many, NULL)) fail("pthread_create");
    int64_t cpu = cpu_ns(), wall = wall_ns();
    pthread_barrier_wait(&gate);
    mailbox_run(boxes[0]);
    wall = wall_ns() - wall;
    for (size_t i = 0; i < threads; i++) pthread_join(ids[i], NULL);
    cpu = cpu_ns() - cpu;
    printf("{\"wall_ns\": %.1f, \"cpu_ns\": %.1f, \"post_ns\": %.1f, \"per_second\": %.0f}\n", (double)wall / (double)calls_seen,
           (double)cpu / (double)calls_seen, (double)posting_ns / (double)calls_seen, (double)calls_seen * 1e9 / (double)wall);
}

/* Round trip: two loops in two threads, each on a core of its own, hand one call to and fro. */

static size_t rounds_left; /* only the side that holds the call touches it */

static void come_back(int64_t source, int64_t result, void *unused);

static void go(int64_t source, int64_t result, void *unused) {
    (void)source;
    (void)result;
    int last = !rounds_left;
    mailbox_post(boxes[0], come_back, unused);
    if (last) mailbox_stop(boxes[1]);
}

static void come_back(int64_t source, int64_t result, void *unused) {
    (void)source;
    (void)result;
    if (!rounds_left) {
        mailbox_stop(boxes[0]);
        return;
    }
    rounds_left--;
    mailbox_post(boxes[1], go, unused);
}

static void pin(int core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    sched_setaffinity(0, sizeof set, &set); /* on a machine with one core there is nothing to choose */
}

static void *other_side(void *unused) {
    (void)unused;
    pin(1);
    mailbox_run(boxes[1]);
    return NULL;
}

static void round_trip(size_t rounds) {
    pthread_t id;
    rounds_left = rounds;
    boxes[0] = mailbox_new();
    boxes[1] = mailbox_new();
    pin(0);
    if (pthread_create(&id, NULL, other_side, NULL)) fail("pthread_create");
    int64_t cpu = cpu_ns(), wall = wall_ns();
    mailbox_post(boxes[0], come_back, NULL);
    mailbox_run(boxes[0]);
    wall = wall_ns() - wall;
    cpu = cpu_ns() - cpu;
    pthread_join(id, NULL);
    printf("{\"wall_ns\": %.1f, \"cpu_ns\": %.1f}\n", (double)wall / (double)rounds, (double)cpu / (double)rounds);
}

/* wake_<library> THREADS CALLS, or wake_<library> 0 ROUNDS for the round trip. */
int main(int argc, char **argv) {
    size_t threads = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    size_t count = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000000;
    if (threads) throughput(threads, count);
    else round_trip(count);
    return 0;
}

#endif
