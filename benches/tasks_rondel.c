/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The task benchmark on Rondel. Prints nanoseconds each, and bytes for a sleeping task, as JSON. */
#define _POSIX_C_SOURCE 200809L
#include <rondel.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static long count, sleepers;
static double ready_ns, yield_ns, lock_ns, queue_ns, tight_ns;

static double cpu_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double resident(void) {
    long all = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%ld %ld", &all, &pages) != 2) exit(1);
    fclose(file);
    return (double)pages * 4096;
}

static void must(int64_t result) {
    if (result >= 0) return;
    fprintf(stderr, "%s\n", rondel_error_message(result));
    exit(1);
}

static int64_t nothing(void *arg) {
    (void)arg;
    return 0;
}

static int64_t sleeper(void *arg) {
    (void)arg;
    return rondel_sleep(3600 * RONDEL_SECOND);
}

static int64_t produce(void *arg) {
    rondel_queue queue = *(rondel_queue *)arg;
    for (long i = 0; i < count; i++) must(rondel_await(rondel_queue_put(queue, i, RONDEL_FUTURE)));
    return 0;
}

/* Items from one task to another; the queue has room for so many. */
static double hand_over(rondel_loop loop, int64_t room) {
    rondel_queue queue = rondel_queue_new(loop, room, RONDEL_QUEUE_FIFO);
    double begin = cpu_ns();
    rondel_future producing = rondel_task_spawn(loop, produce, &queue);
    for (long i = 0; i < count; i++)
        if (rondel_await(rondel_queue_get(queue, RONDEL_FUTURE)) != i) exit(1);
    must(rondel_await(producing));
    double end = cpu_ns();
    must(rondel_close(queue));
    return (end - begin) / (double)count;
}

static int64_t measure(void *arg) {
    rondel_loop loop = rondel_loop_current();
    rondel_future ready = rondel_future_new(loop);
    rondel_lock lock = rondel_lock_new(loop);
    (void)arg;
    must(rondel_future_set(ready, 1));
    double begin = cpu_ns();
    for (long i = 0; i < count; i++) {
        rondel_retain(ready);
        if (rondel_await(ready) != 1) exit(1);
    }
    ready_ns = (cpu_ns() - begin) / (double)count;

    begin = cpu_ns();
    for (long i = 0; i < count; i++) must(rondel_yield());
    yield_ns = (cpu_ns() - begin) / (double)count;

    begin = cpu_ns();
    for (long i = 0; i < count; i++) {
        must(rondel_await(rondel_lock_acquire(lock, RONDEL_FUTURE)));
        must(rondel_lock_release(lock));
    }
    lock_ns = (cpu_ns() - begin) / (double)count;

    queue_ns = hand_over(loop, 64);
    tight_ns = hand_over(loop, 1);
    must(rondel_release(ready));
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    count = atol(argv[1]), sleepers = atol(argv[2]);
    rondel_loop loop = rondel_loop_new();
    must(rondel_run_until(loop, rondel_task_spawn(loop, measure, NULL)));

    double begin = cpu_ns();
    for (long i = 0; i < count; i += 1000) {
        for (int n = 0; n < 1000; n++) must(rondel_release(rondel_task_spawn(loop, nothing, NULL)));
        must(rondel_run(loop, RONDEL_RUN_DEFAULT));
    }
    double spawn_ns = (cpu_ns() - begin) / (double)count;

    double before = resident();
    for (long i = 0; i < sleepers; i++) must(rondel_release(rondel_task_spawn(loop, sleeper, NULL)));
    must(rondel_run(loop, RONDEL_RUN_NOWAIT));
    double bytes = (resident() - before) / (double)sleepers;
    printf("{\"retain, and await of a ready future\": %.2f, \"yield\": %.2f, \"spawn and finish\": %.2f, "
           "\"lock, uncontended\": %.2f, \"queue hand-over\": %.2f, \"queue hand-over, room for one\": %.2f, "
           "\"bytes of a sleeping task\": %.0f}\n",
           ready_ns, yield_ns, spawn_ns, lock_ns, queue_ns, tight_ns, bytes);
    return (int)rondel_loop_free(loop);
}
