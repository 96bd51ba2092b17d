/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The timer benchmark on libuv. */
#include "timers.h"
#include <uv.h>

static uv_timer_t *timers;

static void on_timer(uv_timer_t *timer) {
    (void)timer;
    timers_fired++;
}

static void timers_setup(size_t count) { timers = must_alloc(count * sizeof *timers); }

static void timer_make(size_t index, int64_t ms) {
    uv_timer_init(uv_default_loop(), &timers[index]);
    uv_timer_start(&timers[index], on_timer, (uint64_t)ms, 0);
}

static void timer_move(size_t index, int64_t ms) { uv_timer_start(&timers[index], on_timer, (uint64_t)ms, 0); }

static void timer_halt(size_t index) { uv_timer_stop(&timers[index]); }

static void timer_drop(size_t index) { uv_close((uv_handle_t *)&timers[index], NULL); }

static void on_freed(uv_handle_t *timer) { free(timer); }

static void on_one_off(uv_timer_t *timer) {
    timers_fired++;
    uv_close((uv_handle_t *)timer, on_freed);
}

static void timer_one_off(int64_t ms) {
    uv_timer_t *timer = must_alloc(sizeof *timer);
    uv_timer_init(uv_default_loop(), timer);
    uv_timer_start(timer, on_one_off, (uint64_t)ms, 0);
}

static void timers_turn(void) { uv_run(uv_default_loop(), UV_RUN_NOWAIT); }

static void timers_settle(void) { uv_run(uv_default_loop(), UV_RUN_DEFAULT); }
