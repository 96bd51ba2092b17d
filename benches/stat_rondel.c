/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The stat benchmark on Rondel. */
#include "stat.h"
#include <rondel.h>

static rondel_loop loop;

static void told(rondel_handle source, int64_t result, void *about) {
    uint64_t size = (uint64_t)((rondel_stat *)about)->size;
    (void)source;
    free(about);
    stat_done(result, size);
}

static void stat_open(void) {
    loop = rondel_loop_new();
    rondel_pool_lane_size(RONDEL_POOL_FILES, STAT_THREADS);
}

static void stat_ask(size_t index) {
    rondel_stat *about = must_alloc(sizeof *about);
    if (rondel_file_stat(loop, file_path(index), about, told, about) < 0) fail("rondel_file_stat");
}

static void stat_run(void) { rondel_run(loop, RONDEL_RUN_DEFAULT); }
