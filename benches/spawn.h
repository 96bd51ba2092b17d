/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The work of the spawn benchmark, the same for every library: a parent with so much memory in use starts `true` again
 * and again, each when the last one's end was told. A program defines the two functions below and includes this last. */
#ifndef BENCH_SPAWN_H
#define BENCH_SPAWN_H

#include "common.h"

#include <string.h>

/* Per library: */
static void spawn_setup(void);
static void spawn_one(void); /* adds the time of the call to spawn_call_ns, and comes back when the end was told */

static int64_t spawn_call_ns;

/* spawn_<library> MEBIBYTES COUNT: nanoseconds for each child, as JSON: of the call, and until its end was told. */
int main(int argc, char **argv) {
    size_t size = (argc > 1 ? strtoul(argv[1], NULL, 10) : 1024) << 20;
    size_t count = argc > 2 ? strtoul(argv[2], NULL, 10) : 200;
    char *heap = must_alloc(size + 1);
    memset(heap, 1, size + 1); /* touched: there is something to copy */
    spawn_setup();
    for (size_t i = 0; i < count / 10 + 1; i++) spawn_one();
    spawn_call_ns = 0;
    int64_t from = wall_ns();
    for (size_t i = 0; i < count; i++) spawn_one();
    int64_t whole = wall_ns() - from;
    printf("{\"call_ns\": %.1f, \"whole_ns\": %.1f}\n", (double)spawn_call_ns / (double)count,
           (double)whole / (double)count);
    return heap[size / 2] != 1;
}

#endif
