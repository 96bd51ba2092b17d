/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * For tests of what tasks and callbacks wait for each other by: turns of the loop in which all that is due happens, and
 * tasks that do one thing and say so in the trace.
 */
#ifndef RONDEL_TEST_TURNS_H
#define RONDEL_TEST_TURNS_H

#include "steps.h"
#include "test.h"

/* Turns enough for whatever follows from what was done. A run would wait for tasks that wait for us. */
static inline void turns(rondel_loop loop) {
    for (int i = 0; i < 16; i++) CHECK(rondel_run(loop, RONDEL_RUN_NOWAIT) >= 0);
}

/* What a one-shot operation was told, in the trace: its name, and "!" behind it if it failed. */
static inline void told_by_name(rondel_handle source, int64_t result, void *user_data) {
    char word[64];
    (void)source;
    snprintf(word, sizeof word, "%s%s", (const char *)user_data, result < 0 ? "!" : "");
    trace_word(word);
}

/* How a kept future that is done ended. Takes it. */
static inline int64_t taken(rondel_future future) {
    int64_t result = rondel_future_result(future);
    CHECK_EQ(rondel_release(future), 0);
    return result;
}

/* Resident kibibytes; 0 where the system does not tell. */
static inline int64_t resident_memory(void) {
    long total = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file) return 0;
    if (fscanf(file, "%ld %ld", &total, &pages) != 2) pages = 0;
    fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

#endif
