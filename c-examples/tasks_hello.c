/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Three tasks that sleep one, two and four seconds: together they take four.
 *
 *     tasks_hello [MILLISECONDS]          (that a second shall last; 1000)
 *
 * A task is a function that can wait: rondel_sleep halts it, not the thread, so the others go on meanwhile. */
#include <rondel.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static int64_t second = RONDEL_SECOND;

static int64_t say_hello(void *arg) {
    int64_t seconds = (int64_t)(intptr_t)arg;
    printf("hello, I sleep %" PRId64 " s\n", seconds);
    int64_t result = rondel_sleep(seconds * second);
    return result < 0 ? result : seconds; /* cancelled, a sleep ends with a code */
}

static int64_t greet(void *arg) {
    rondel_loop loop = rondel_loop_current();
    rondel_future tasks[3];
    int64_t results[3], began = rondel_clock();
    (void)arg;
    for (int i = 0; i < 3; i++) tasks[i] = rondel_task_spawn(loop, say_hello, (void *)(intptr_t)(1 << i));
    int64_t result = rondel_await(rondel_gather(tasks, 3, results, RONDEL_FUTURE));
    if (result < 0) return result;
    for (int i = 0; i < 3; i++) printf("slept %" PRId64 " s\n", results[i]);
    printf("all of it took %.1f s\n", (double)(rondel_clock() - began) / (double)second);
    return 0;
}

int main(int argc, char **argv) {
    if (argc > 1) second = atoi(argv[1]) * RONDEL_MS;
    if (second <= 0) return fprintf(stderr, "usage: tasks_hello [MILLISECONDS]\n"), 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    int64_t result = rondel_main(greet, NULL);
    if (result < 0) fprintf(stderr, "tasks_hello: %s\n", rondel_error_message(result));
    return result < 0;
}
