/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Deadlines of tasks and of what they wait for, one inside the other. */
#include "support/test.h"

#include "support/steps.h"
#include "support/task.h"

static rondel_future spawn(rondel_task_fn fn, void *arg) { return rondel_task_spawn(rondel_loop_current(), fn, arg); }

static int64_t never_to_run(void *arg) {
    (void)arg;
    CHECK(!"a task whose time was over before it began has not run");
    return 0;
}

TEST(a_task_over_its_time_is_cancelled_and_says_it_was_late) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    int64_t ended = 0, begin;
    rondel_future task = rondel_task_spawn(loop, task_forever, &ended);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1); /* it has begun before its time runs */
    begin = rondel_clock();
    CHECK_EQ(rondel_timeout(task, 2 * RONDEL_MS), task);
    CHECK_EQ(rondel_future_then(task, see, &seen), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK(rondel_clock() - begin >= 2 * RONDEL_MS);
    CHECK_EQ(ended, RONDEL_ECANCELED); /* the task itself is cancelled; late is what others see */
    CHECK_EQ(rondel_future_state(task), RONDEL_DONE);
    CHECK_EQ(rondel_future_result(task), RONDEL_ETIMEDOUT);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_ETIMEDOUT);
    CHECK_EQ(rondel_release(task), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_task_whose_time_is_over_before_it_began_never_runs) {
    rondel_loop loop = rondel_loop_new();
    rondel_future task = rondel_timeout(rondel_task_spawn(loop, never_to_run, NULL), 0);
    CHECK_EQ(rondel_future_state(task), RONDEL_PENDING); /* not inside the call */
    CHECK_EQ(rondel_run_until(loop, task), RONDEL_ETIMEDOUT);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t swallow(void *arg) {
    CHECK_EQ(rondel_timeout(rondel_task_current(), RONDEL_MS), rondel_task_current());
    CHECK_EQ(rondel_sleep(RONDEL_FOREVER), RONDEL_ECANCELED);
    return task_number(arg);
}

TEST(what_a_late_task_returns_instead_counts) {
    rondel_loop loop = rondel_loop_new();
    CHECK_EQ(rondel_run_until(loop, rondel_task_spawn(loop, swallow, task_arg(5))), 5);
    CHECK_EQ(rondel_run_until(loop, rondel_task_spawn(loop, swallow, task_arg(RONDEL_EPIPE))), RONDEL_EPIPE);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(in_time_a_deadline_leaves_nothing_behind) {
    rondel_loop loop = rondel_loop_new();
    rondel_future task = rondel_timeout(rondel_task_spawn(loop, task_return, task_arg(6)), 3600 * RONDEL_SECOND);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_backend_timeout(loop), RONDEL_FOREVER);
    CHECK_EQ(rondel_timeout(task, 0), task); /* done already: nothing happens */
    CHECK_EQ(rondel_run_until(loop, task), 6);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t await_children_with_deadlines(void *arg) {
    (void)arg;
    /* The inner is shorter: its deadline is its own affair. */
    CHECK_EQ(rondel_await(rondel_timeout(spawn(task_forever, NULL), RONDEL_MS)), RONDEL_ETIMEDOUT);
    CHECK_EQ(rondel_await(rondel_timeout(rondel_future_new(rondel_loop_current()), RONDEL_MS)), RONDEL_ETIMEDOUT);
    CHECK_EQ(rondel_sleep(RONDEL_MS), 0);
    CHECK_EQ(rondel_await(rondel_timeout(spawn(task_return, task_arg(4)), RONDEL_SECOND * 3600)), 4);
    CHECK_EQ(rondel_await(rondel_timeout(spawn(task_return, task_arg(4)), -1)), RONDEL_EINVAL);
    return 1;
}

TEST(an_inner_deadline_does_not_cancel_the_outer_task) {
    rondel_loop loop = rondel_loop_new();
    rondel_future outer = rondel_task_spawn(loop, await_children_with_deadlines, NULL);
    CHECK_EQ(rondel_run_until(loop, rondel_timeout(outer, 3600 * RONDEL_SECOND)), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t await_with_longer_deadline(void *arg) {
    CHECK_EQ(rondel_timeout(rondel_task_current(), RONDEL_MS), rondel_task_current());
    *(int64_t *)arg = rondel_await(rondel_timeout(spawn(task_forever, NULL), 3600 * RONDEL_SECOND));
    return *(int64_t *)arg;
}

TEST(an_outer_deadline_cancels_the_inner_which_is_not_late) {
    rondel_loop loop = rondel_loop_new();
    int64_t inner = 0;
    rondel_future outer = rondel_task_spawn(loop, await_with_longer_deadline, &inner);
    CHECK_EQ(rondel_run_until(loop, outer), RONDEL_ETIMEDOUT);
    CHECK_EQ(inner, RONDEL_ECANCELED);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t outlive_both_deadlines(void *arg) {
    int64_t *results = arg;
    rondel_future inner = rondel_timeout(rondel_future_new(rondel_loop_current()), 0);
    CHECK_EQ(rondel_timeout(rondel_task_current(), 0), rondel_task_current());
    results[0] = rondel_await(inner);  /* both are over in the same turn: the value first, in whichever order */
    results[1] = rondel_sleep(RONDEL_FOREVER);
    return results[1];
}

TEST(when_both_are_over_at_once_the_inner_is_told_and_then_the_outer) {
    int64_t results[2] = {0, 0};
    CHECK_EQ(task_run(outlive_both_deadlines, results), RONDEL_ETIMEDOUT);
    CHECK_EQ(results[0], RONDEL_ETIMEDOUT);
    CHECK_EQ(results[1], RONDEL_ECANCELED);
}

static int64_t clean_up_slowly(void *arg) {
    if (arg) CHECK_EQ(rondel_timeout(rondel_task_current(), task_number(arg)), rondel_task_current());
    int64_t result = rondel_sleep(RONDEL_FOREVER);
    trace_word("cleans");
    for (int i = 0; i < 3; i++) rondel_sleep(RONDEL_MS);
    trace_word("clean");
    return result;
}

static int64_t await_late_one(void *arg) {
    (void)arg;
    int64_t result = rondel_await(spawn(clean_up_slowly, task_arg(RONDEL_MS)));
    trace_word("told");
    return result;
}

TEST(one_who_awaits_a_late_task_is_told_after_its_clean_up) {
    CHECK_EQ(task_run(await_late_one, NULL), RONDEL_ETIMEDOUT);
    CHECK_STR(trace_taken(), "cleans clean told");
}

TEST(the_first_reason_counts) {
    rondel_loop loop = rondel_loop_new();
    rondel_future task = rondel_task_spawn(loop, clean_up_slowly, NULL);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(rondel_cancel(task), 0);
    CHECK_EQ(rondel_timeout(task, 3600 * RONDEL_SECOND), task); /* it was cancelled before that is over */
    CHECK_EQ(rondel_run_until(loop, task), RONDEL_ECANCELED);
    task = rondel_task_spawn(loop, clean_up_slowly, task_arg(RONDEL_MS));
    while (!strstr(trace_text, "cleans clean cleans")) CHECK_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
    CHECK_EQ(rondel_cancel(task), 0); /* late already: that it is cancelled too does not change why it ends */
    CHECK_EQ(rondel_future_state(task), RONDEL_RUNNING);
    while (rondel_future_state(task) == RONDEL_RUNNING) rondel_run(loop, RONDEL_RUN_ONCE);
    CHECK_EQ(rondel_run_until(loop, task), RONDEL_ETIMEDOUT);
    CHECK_STR(trace_taken(), "cleans clean cleans clean");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_deadline_of_a_shared_future_is_told_to_all) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_timeout(rondel_future_new(loop), RONDEL_MS), tasks[3];
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(rondel_retain(promise), 0);
        tasks[i] = rondel_task_spawn(loop, task_await, task_arg(promise));
    }
    CHECK_EQ(rondel_release(promise), 0);
    for (int i = 0; i < 3; i++) CHECK_EQ(rondel_run_until(loop, tasks[i]), RONDEL_ETIMEDOUT);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t many_deadlines(void *arg) {
    for (int64_t i = 0; i < task_number(arg); i++) {
        CHECK_EQ(rondel_await(rondel_timeout(spawn(task_return, task_arg(i)), 3600 * RONDEL_SECOND)), i);
        CHECK_EQ(rondel_await(rondel_timeout(rondel_future_new(rondel_loop_current()), 0)), RONDEL_ETIMEDOUT);
    }
    return 0;
}

TEST(deadlines_used_up_or_not_take_no_memory) {
    rondel_loop loop = rondel_loop_new();
    int64_t handles = rondel_metric(loop, RONDEL_METRIC_HANDLES);
    rondel_future task = rondel_task_spawn(loop, many_deadlines, task_arg(test_scale(20000, 200)));
    CHECK_EQ(rondel_run_until(loop, task), 0);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), handles);
    CHECK_EQ(rondel_backend_timeout(loop), RONDEL_FOREVER);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t shorten_own_time(void *arg) {
    (void)arg;
    CHECK_EQ(rondel_timeout(rondel_task_current(), RONDEL_MS), rondel_task_current());
    /* The first one stays. */
    CHECK_EQ(rondel_timeout(rondel_task_current(), 3600 * RONDEL_SECOND), rondel_task_current());
    return rondel_sleep(RONDEL_FOREVER);
}

TEST(of_several_deadlines_the_first_counts_and_a_task_may_set_its_own) {
    rondel_loop loop = rondel_loop_new();
    rondel_future task = rondel_timeout(rondel_task_spawn(loop, shorten_own_time, NULL), 3600 * RONDEL_SECOND);
    CHECK_EQ(rondel_run_until(loop, task), RONDEL_ETIMEDOUT);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST_MAIN(RUN(a_task_over_its_time_is_cancelled_and_says_it_was_late),
          RUN(a_task_whose_time_is_over_before_it_began_never_runs), RUN(what_a_late_task_returns_instead_counts),
          RUN(in_time_a_deadline_leaves_nothing_behind), RUN(an_inner_deadline_does_not_cancel_the_outer_task),
          RUN(an_outer_deadline_cancels_the_inner_which_is_not_late),
          RUN(when_both_are_over_at_once_the_inner_is_told_and_then_the_outer),
          RUN(one_who_awaits_a_late_task_is_told_after_its_clean_up), RUN(the_first_reason_counts),
          RUN(a_deadline_of_a_shared_future_is_told_to_all), RUN(deadlines_used_up_or_not_take_no_memory),
          RUN(of_several_deadlines_the_first_counts_and_a_task_may_set_its_own))
