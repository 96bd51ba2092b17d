/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The timer benchmark on Rondel. */
#include "timers.h"
#include <rondel.h>

static rondel_loop loop;
static rondel_timer *timers;

static void on_timer(rondel_handle source, int64_t result, void *user_data) {
    (void)source;
    (void)result;
    (void)user_data;
    timers_fired++;
}

static void timers_setup(size_t count) {
    loop = rondel_loop_new();
    timers = must_alloc(count * sizeof *timers);
}

static void timer_make(size_t index, int64_t ms) {
    timers[index] = rondel_timer_start(loop, ms * RONDEL_MS, 0, on_timer, NULL);
}

static void timer_move(size_t index, int64_t ms) { rondel_timer_set(timers[index], ms * RONDEL_MS, 0); }

static void timer_halt(size_t index) { rondel_timer_stop(timers[index]); }

static void timer_drop(size_t index) { rondel_close(timers[index]); }

static void timer_one_off(int64_t ms) { rondel_call_later(loop, ms * RONDEL_MS, on_timer, NULL); }

static void timers_turn(void) { rondel_run(loop, RONDEL_RUN_NOWAIT); }

static void timers_settle(void) { rondel_run(loop, RONDEL_RUN_DEFAULT); }
