/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Ctrl-C in the middle of things: every task is cancelled, says so, and the program ends in order.
 *
 *     cancel_all
 *
 * Sleeps for an hour unless it is interrupted. rondel_main cancels its task; that waits for the others by a gather,
 * which passes the cancel on. Each sees it as the result of what it waits for, and may still clean up. */
#include <rondel.h>
#include <inttypes.h>
#include <stdio.h>

static int64_t work(void *arg) {
    int64_t number = (int64_t)(intptr_t)arg;
    printf("worker %" PRId64 ": asleep\n", number);
    int64_t result = rondel_sleep(3600 * RONDEL_SECOND);
    if (result == RONDEL_ECANCELED) {
        printf("worker %" PRId64 ": cancelled\n", number);
        rondel_sleep(number * RONDEL_MS); /* it is cancelled once: its clean-up may wait */
        printf("worker %" PRId64 ": cleaned up\n", number);
    }
    return result;
}

static int64_t employ(void *arg) {
    rondel_future workers[3];
    (void)arg;
    for (int i = 0; i < 3; i++)
        workers[i] = rondel_task_spawn(rondel_loop_current(), work, (void *)(intptr_t)(i + 1));
    int64_t result = rondel_await(rondel_gather(workers, 3, NULL, RONDEL_FUTURE));
    printf("main: %s\n", result == RONDEL_ECANCELED ? "cancelled" : "done");
    return result;
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    int64_t result = rondel_main(employ, NULL);
    printf("%s\n", result == RONDEL_ECANCELED ? "interrupted" : "nobody interrupted");
    return result < 0 && result != RONDEL_ECANCELED;
}
