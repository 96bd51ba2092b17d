/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A user's first program: a loop, a timer, a run, and all of it freed.
 */
#include <rondel.h>
#include <stdio.h>
#include <string.h>

static void on_timer(rondel_handle timer, int64_t periods, void *user_data) {
    (void)periods;
    ++*(int *)user_data;
    rondel_close(timer);
}

int main(void) {
    int fired = 0;
    rondel_loop loop = rondel_loop_new();
    rondel_timer timer = rondel_timer_start(loop, RONDEL_MS, 0, on_timer, &fired);
    if (timer < 0) return fprintf(stderr, "timer: %s\n", rondel_error_message(timer)), 1;
    if (rondel_run(loop, RONDEL_RUN_DEFAULT) != 0) return fprintf(stderr, "something is still alive\n"), 1;
    if (rondel_loop_free(loop) != 0) return fprintf(stderr, "the loop is not freed\n"), 1;
    if (strcmp(rondel_version(), RONDEL_VERSION) != 0) return fprintf(stderr, "header and library differ\n"), 1;
    printf("Rondel %s, fired %d\n", rondel_version(), fired);
    return fired != 1;
}
