/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A loop in a thread of its own: the main thread sends tasks into it and waits for their results.
 *
 *     thread_tasks
 *
 * rondel_task_spawn_threadsafe may be called from any thread, and rondel_future_block waits there without the loop
 * waiting too. An error of the task reaches the thread as any other result does. */
#define _POSIX_C_SOURCE 200809L
#include <rondel.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

static void *run_loop(void *arg) {
    rondel_loop loop = *(rondel_loop *)arg;
    rondel_run(loop, RONDEL_RUN_FOREVER);
    rondel_loop_free(loop); /* which runs what is left to its end */
    return NULL;
}

static int64_t square(void *arg) {
    int64_t number = (int64_t)(intptr_t)arg;
    int64_t result = rondel_sleep(number * RONDEL_MS);
    return result < 0 ? result : number * number;
}

static int64_t fail(void *arg) {
    (void)arg;
    return RONDEL_ENOENT;
}

static int64_t sleep_long(void *arg) {
    (void)arg;
    int64_t result = rondel_sleep(3600 * RONDEL_SECOND);
    if (result == RONDEL_ECANCELED) printf("in the loop: cancelled\n");
    return result;
}

int main(void) {
    rondel_future squares[5];
    pthread_t thread;
    rondel_loop loop = rondel_loop_new();
    if (loop < 0) return fprintf(stderr, "thread_tasks: %s\n", rondel_error_message(loop)), 1;
    if (pthread_create(&thread, NULL, run_loop, &loop) != 0) return 1;

    for (int64_t i = 0; i < 5; i++) squares[i] = rondel_task_spawn_threadsafe(loop, square, (void *)(intptr_t)(i + 1));
    for (int i = 0; i < 5; i++)
        printf("%d squared is %" PRId64 "\n", i + 1, rondel_future_block(squares[i], RONDEL_FOREVER));

    int64_t result = rondel_future_block(rondel_task_spawn_threadsafe(loop, fail, NULL), RONDEL_FOREVER);
    printf("failed: %s\n", rondel_error_message(result));

    rondel_future late = rondel_task_spawn_threadsafe(loop, sleep_long, NULL);
    result = rondel_future_block(late, 50 * RONDEL_MS);
    printf("not waited for: %s\n", rondel_error_message(result));
    fflush(stdout);
    rondel_close_threadsafe(late); /* cancels it */

    rondel_stop_threadsafe(loop);
    pthread_join(thread, NULL);
    printf("joined\n");
    return 0;
}
