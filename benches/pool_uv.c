/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The pool benchmark on libuv, whose requests are allocated as in an ordinary program. */
#include "pool.h"
#include <uv.h>

static uv_loop_t loop;

static void job(uv_work_t *work) { work->data = (void *)(intptr_t)pool_job(); }

static void told(uv_work_t *work, int status) {
    int result = status ? status : (int)(intptr_t)work->data;
    free(work);
    pool_done(result);
}

static void pool_open(void) {
    setenv("UV_THREADPOOL_SIZE", "4", 1);
    if (uv_loop_init(&loop)) fail("uv_loop_init");
}

static void pool_submit(void) {
    uv_work_t *work = must_alloc(sizeof *work);
    if (uv_queue_work(&loop, work, job, told)) fail("uv_queue_work");
}

static void pool_run(void) { uv_run(&loop, UV_RUN_DEFAULT); }
