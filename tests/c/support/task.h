/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Small tasks that the tests of tasks share. */
#ifndef RONDEL_TEST_TASK_H
#define RONDEL_TEST_TASK_H

#include "test.h"

/* Runs one task on a loop of its own, frees that and gives the task's result. */
static inline int64_t task_run(rondel_task_fn fn, void *arg) {
    rondel_loop loop = rondel_loop_new();
    int64_t result = rondel_run_until(loop, rondel_task_spawn(loop, fn, arg));
    CHECK_EQ(rondel_loop_free(loop), 0);
    return result;
}

/* Numbers as arguments. */
static inline void *task_arg(int64_t number) { return (void *)(intptr_t)number; }
static inline int64_t task_number(void *arg) { return (int64_t)(intptr_t)arg; }

static inline int64_t task_return(void *arg) { return task_number(arg); }
static inline int64_t task_sleep(void *arg) { return rondel_sleep(task_number(arg)); }
static inline int64_t task_await(void *arg) { return rondel_await(task_number(arg)); }

/* Sleeps for ever, and says how that ended. */
static inline int64_t task_forever(void *arg) {
    int64_t result = rondel_sleep(RONDEL_FOREVER);
    if (arg) *(int64_t *)arg = result;
    return result;
}

/* Lets the loop do, from within a task, what it can do without waiting. */
static inline void task_settle(void) {
    for (int i = 0; i < 16; i++) CHECK_EQ(rondel_yield(), 0);
}

#endif
