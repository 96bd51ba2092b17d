/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Callbacks on futures: each gets the result, and the argument it was added with; one may begin the next step.
 *
 *     callback_chain
 *
 * Any number may be added to one future; they are called in that order, never inside the call that completes it. */
#include <rondel.h>
#include <inttypes.h>
#include <stdio.h>

static void tell(rondel_future future, int64_t result, void *user_data) {
    (void)future;
    printf("%s: %" PRId64 "\n", (const char *)user_data, result);
}

static void add_one(rondel_handle future, int64_t result, void *user_data);

/* A promise that a timer keeps: its value is one more than the last. */
static void next_step(rondel_loop loop, int64_t value) {
    rondel_future promise = rondel_future_new(loop);
    rondel_future_then(promise, tell, value == 0 ? "begins with" : "goes on with");
    rondel_future_then(promise, value < 3 ? add_one : tell, "ends with");
    rondel_future_set(promise, value);
    printf("set\n"); /* and nobody has been told yet */
    rondel_release(promise); /* it lives until it has told everybody */
}

static void add_one(rondel_handle future, int64_t result, void *user_data) {
    (void)user_data;
    next_step(rondel_loop_of(future), result + 1);
}

static int64_t count_down(void *arg) {
    int64_t result = rondel_sleep(RONDEL_MS);
    return result < 0 ? result : (int64_t)(intptr_t)arg;
}

int main(void) {
    rondel_loop loop = rondel_loop_new();
    next_step(loop, 0);
    rondel_run(loop, RONDEL_RUN_DEFAULT);

    /* A task is a future, too; and one that is done already tells in the next turn. */
    rondel_future task = rondel_task_spawn(loop, count_down, (void *)(intptr_t)42);
    rondel_future_then(task, tell, "the task returned");
    rondel_run(loop, RONDEL_RUN_DEFAULT);
    rondel_future_then(task, tell, "asked later, it still says");
    rondel_release(task);
    rondel_run(loop, RONDEL_RUN_DEFAULT);
    return rondel_loop_free(loop) < 0;
}
