/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The pool benchmark on Rondel. */
#include "pool.h"
#include <rondel.h>

static rondel_loop loop;

static int64_t job(void *unused) {
    (void)unused;
    return pool_job();
}

static void told(rondel_handle source, int64_t result, void *unused) {
    (void)source;
    (void)unused;
    pool_done((int)result);
}

static void pool_open(void) {
    loop = rondel_loop_new();
    rondel_pool_size(POOL_THREADS);
}

static void pool_submit(void) {
    if (rondel_work(loop, job, NULL, told, NULL) < 0) fail("rondel_work");
}

static void pool_run(void) { rondel_run(loop, RONDEL_RUN_DEFAULT); }
