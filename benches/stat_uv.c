/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The stat benchmark on libuv, whose requests are allocated as in an ordinary program. */
#include "stat.h"
#include <uv.h>

static uv_loop_t loop;

static void told(uv_fs_t *request) {
    int64_t result = request->result;
    uint64_t size = request->statbuf.st_size;
    uv_fs_req_cleanup(request);
    free(request);
    stat_done(result, size);
}

static void stat_open(void) {
    setenv("UV_THREADPOOL_SIZE", "4", 1);
    if (uv_loop_init(&loop)) fail("uv_loop_init");
}

static void stat_ask(size_t index) {
    uv_fs_t *request = must_alloc(sizeof *request);
    if (uv_fs_stat(&loop, request, file_path(index), told)) fail("uv_fs_stat");
}

static void stat_run(void) { uv_run(&loop, UV_RUN_DEFAULT); }
