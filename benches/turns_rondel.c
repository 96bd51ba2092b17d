/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Turns of an idle Rondel loop, woken by a timer or by another thread. */
#include "turns.h"
#include <rondel.h>

static rondel_loop loop;

static void on_turn(rondel_handle source, int64_t result, void *user_data) {
    (void)source;
    (void)result;
    (void)user_data;
    if (++turns_seen == turns_wanted) rondel_stop(loop);
}

static void turns_wake(void) {
    if (rondel_call_soon_threadsafe(loop, on_turn, NULL) < 0) exit(1);
}

int main(int argc, char **argv) {
    int wake = turns_parse(argc, argv);
    loop = rondel_loop_new();
    if (wake) {
        pthread_t pace = turns_start_pace();
        rondel_run(loop, RONDEL_RUN_FOREVER);
        pthread_join(pace, NULL);
    } else {
        rondel_timer_start(loop, RONDEL_MS, RONDEL_MS, on_turn, NULL);
        rondel_run(loop, RONDEL_RUN_DEFAULT);
    }
    return (int)rondel_loop_free(loop);
}
