/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The spawn benchmark on Rondel. */
#include "spawn.h"
#include <rondel.h>

static rondel_loop loop;
static rondel_process_options options;
static rondel_stdio stdio[3];

static void spawn_setup(void) {
    loop = rondel_loop_new();
    options.size = sizeof options;
    options.file = "true";
    options.stdio = stdio;
    options.stdio_count = 3;
    for (int i = 0; i < 3; i++) stdio[i].kind = RONDEL_STDIO_NULL; /* as libuv does */
}

static void on_end(rondel_handle process, int64_t status, void *user_data) {
    (void)user_data;
    if (status != 0) exit(1);
    rondel_close(process);
}

static void spawn_one(void) {
    int64_t from = wall_ns();
    rondel_process process = rondel_process_spawn(loop, &options, on_end, NULL);
    spawn_call_ns += wall_ns() - from;
    if (process < 0) exit(1);
    rondel_run(loop, RONDEL_RUN_DEFAULT);
}
