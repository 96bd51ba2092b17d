/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What an idle connection costs a server in memory: the first one to say something gives the starting point, the
 * last one expected gives the result. */
#ifndef BENCH_IDLE_H
#define BENCH_IDLE_H

#include "common.h"
#include <malloc.h>
#include <unistd.h>

static size_t idle_expected, idle_seen;
static double idle_heap, idle_resident;

static inline double heap_bytes(void) {
    struct mallinfo2 info = mallinfo2();
    return (double)info.uordblks + (double)info.hblkhd;
}

static inline double resident_bytes(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%*d %ld", &pages) != 1) fail("/proc/self/statm");
    fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static inline void idle_began(void) {
    if (idle_resident) return;
    resident_bytes(); /* what reading the file allocates is not to be counted */
    idle_heap = heap_bytes();
    idle_resident = resident_bytes();
}

static inline void idle_accepted(void) {
    if (idle_seen++ != idle_expected) return; /* the first is not one of the expected */
    double heap = heap_bytes() - idle_heap, resident = resident_bytes() - idle_resident;
    printf("{\"heap\": %.1f, \"resident\": %.1f}\n", heap / (double)idle_expected, resident / (double)idle_expected);
    fflush(stdout);
}

static inline void idle_expect(int argc, char **argv) { idle_expected = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000; }

#endif
