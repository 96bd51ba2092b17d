/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The spawn benchmark on libuv. */
#include "spawn.h"
#include <uv.h>

static char *arguments[] = {"true", NULL};
static uv_process_t process;
static uv_process_options_t options;

static void on_end(uv_process_t *ended, int64_t status, int signum) {
    if (status != 0 || signum != 0) exit(1);
    uv_close((uv_handle_t *)ended, NULL);
}

static void spawn_setup(void) {
    options.file = arguments[0];
    options.args = arguments;
    options.exit_cb = on_end;
}

static void spawn_one(void) {
    int64_t from = wall_ns();
    int error = uv_spawn(uv_default_loop(), &process, &options);
    spawn_call_ns += wall_ns() - from;
    if (error) exit(1);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
