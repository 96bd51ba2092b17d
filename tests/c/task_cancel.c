/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Cancelling tasks: what it reaches, when the task hears of it, and what becomes of a task that will not end. */
#include "support/test.h"

#include "support/steps.h"
#include "support/task.h"

/* Runs the loop until everything that can happen without waiting has. */
static void settle(rondel_loop loop) {
    for (int i = 0; i < 16; i++) rondel_run(loop, RONDEL_RUN_NOWAIT);
}

static int64_t note_and_return(void *arg) {
    trace_word("ran");
    return task_number(arg);
}

TEST(cancelled_before_it_began_it_never_runs) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    rondel_future task = rondel_task_spawn(loop, note_and_return, NULL);
    CHECK_EQ(rondel_future_then(task, see, &seen), 0);
    CHECK_EQ(rondel_cancel(task), 0);
    CHECK_EQ(rondel_future_state(task), RONDEL_CANCELLED);
    CHECK_EQ(rondel_future_result(task), RONDEL_ECANCELED);
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(rondel_cancel(task), RONDEL_ESTATE);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "");
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
    CHECK_EQ(rondel_release(task), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void cancel_given(rondel_handle source, int64_t result, void *user_data) {
    (void)source;
    (void)result;
    CHECK_EQ(rondel_cancel(*(rondel_future *)user_data), 0);
}

TEST(cancelled_in_the_turn_in_which_it_would_begin_it_never_runs) {
    rondel_loop loop = rondel_loop_new();
    rondel_future task;
    CHECK(rondel_call_soon(loop, cancel_given, &task) > 0);
    task = rondel_task_spawn(loop, note_and_return, NULL);
    CHECK_EQ(rondel_run_until(loop, task), RONDEL_ECANCELED);
    settle(loop);
    CHECK_STR(trace_taken(), "");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_cancel_ends_the_wait_and_what_was_waited_for) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    CHECK_EQ(rondel_retain(promise), 0);
    rondel_future task = rondel_task_spawn(loop, task_await, task_arg(promise));
    settle(loop);
    CHECK_EQ(rondel_cancel(task), 0);
    CHECK_EQ(rondel_future_state(promise), RONDEL_CANCELLED);
    CHECK_EQ(rondel_future_state(task), RONDEL_RUNNING); /* it hears of it in its next step */
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_future_state(task), RONDEL_CANCELLED);
    CHECK_EQ(rondel_cancel(task), RONDEL_ESTATE);
    CHECK_EQ(rondel_run_until(loop, task), RONDEL_ECANCELED);
    CHECK_EQ(rondel_future_set(promise, 1), RONDEL_ESTATE);
    CHECK_EQ(rondel_release(promise), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* Says what each of its waits gave. */
static int64_t clean_up_with_waits(void *arg) {
    trace_code(rondel_await(task_number(arg)));
    trace_code(rondel_sleep(RONDEL_MS)); /* cancelled once, it may wait again */
    trace_code(rondel_await(rondel_task_spawn(rondel_loop_current(), task_return, task_arg(5))));
    return RONDEL_ECANCELED;
}

TEST(after_a_cancel_a_task_may_clean_up_and_wait_for_that) {
    rondel_loop loop = rondel_loop_new();
    rondel_future task = rondel_task_spawn(loop, clean_up_with_waits, task_arg(rondel_future_new(loop)));
    settle(loop);
    CHECK_EQ(rondel_cancel(task), 0);
    CHECK_EQ(rondel_run_until(loop, task), RONDEL_ECANCELED);
    CHECK_STR(trace_taken(), "cancelled 0 5");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(cancelled_twice_before_it_hears_it_is_cancelled_once) {
    rondel_loop loop = rondel_loop_new();
    rondel_future task = rondel_task_spawn(loop, clean_up_with_waits, task_arg(rondel_future_new(loop)));
    settle(loop);
    CHECK_EQ(rondel_cancel(task), 0);
    CHECK_EQ(rondel_cancel(task), 0);
    CHECK_EQ(rondel_cancel(task), 0);
    CHECK_EQ(rondel_run_until(loop, task), RONDEL_ECANCELED);
    CHECK_STR(trace_taken(), "cancelled 0 5");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t wait_thrice(void *arg) {
    (void)arg;
    for (int i = 0; i < 3; i++) trace_code(rondel_sleep(RONDEL_FOREVER));
    return 3;
}

TEST(cancelled_again_in_its_clean_up_that_ends_too) {
    rondel_loop loop = rondel_loop_new();
    rondel_future task = rondel_task_spawn(loop, wait_thrice, NULL);
    for (int i = 0; i < 3; i++) {
        settle(loop);
        CHECK_EQ(rondel_future_state(task), RONDEL_RUNNING);
        CHECK_EQ(rondel_cancel(task), 0);
    }
    /* It swallowed them all: its value is its result, and that shows. */
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_future_state(task), RONDEL_DONE);
    CHECK_EQ(rondel_run_until(loop, task), 3);
    CHECK_STR(trace_taken(), "cancelled cancelled cancelled");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t return_other_error(void *arg) {
    (void)arg;
    rondel_sleep(RONDEL_FOREVER);
    return RONDEL_EPIPE;
}

static int64_t say_cancelled(void *arg) {
    (void)arg;
    return RONDEL_ECANCELED;
}

TEST(what_the_task_returns_decides_how_it_ended) {
    rondel_loop loop = rondel_loop_new();
    rondel_future task = rondel_task_spawn(loop, return_other_error, NULL);
    settle(loop);
    CHECK_EQ(rondel_cancel(task), 0);
    settle(loop);
    CHECK_EQ(rondel_future_state(task), RONDEL_DONE);
    CHECK_EQ(rondel_run_until(loop, task), RONDEL_EPIPE);
    task = rondel_task_spawn(loop, say_cancelled, NULL); /* nobody cancelled it, but it says so */
    settle(loop);
    CHECK_EQ(rondel_future_state(task), RONDEL_CANCELLED);
    CHECK_EQ(rondel_run_until(loop, task), RONDEL_ECANCELED);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* ---- races with completion */

static int64_t await_then_sleep(void *arg) {
    trace_code(rondel_await(task_number(arg)));
    trace_code(rondel_sleep(RONDEL_FOREVER));
    trace_code(rondel_sleep(0));
    return 9;
}

TEST(a_cancel_after_the_completion_loses_no_value_and_comes_at_the_next_wait) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    rondel_future task = rondel_task_spawn(loop, await_then_sleep, task_arg(promise));
    settle(loop);
    CHECK_EQ(rondel_future_set(promise, 7), 0);
    CHECK_EQ(rondel_cancel(task), 0); /* the value is on its way already */
    CHECK_EQ(rondel_run_until(loop, task), 9);
    CHECK_STR(trace_taken(), "7 cancelled 0");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_completion_after_the_cancel_is_refused) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    rondel_future task = rondel_task_spawn(loop, task_await, task_arg(promise));
    settle(loop);
    CHECK_EQ(rondel_cancel(task), 0);
    CHECK_EQ(rondel_future_set(promise, 7), RONDEL_ESTATE);
    CHECK_EQ(rondel_run_until(loop, task), RONDEL_ECANCELED);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t done_ones_then_sleep(void *arg) {
    CHECK_EQ(rondel_yield(), 0);
    /* From here on a cancel waits for the task. */
    CHECK_EQ(rondel_cancel(rondel_task_current()), 0);
    trace_code(rondel_await(task_number(arg))); /* done already: not a wait */
    trace_code(rondel_await(RONDEL_EPIPE));
    trace_code(rondel_yield());
    trace_code(rondel_yield());
    return 1;
}

TEST(a_task_that_cancels_itself_hears_of_it_at_its_next_wait) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    CHECK_EQ(rondel_future_set(promise, 4), 0);
    CHECK_EQ(rondel_run_until(loop, rondel_task_spawn(loop, done_ones_then_sleep, task_arg(promise))), 1);
    CHECK_STR(trace_taken(), "4 -32 cancelled 0");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t cancel_itself_and_end(void *arg) {
    CHECK_EQ(rondel_cancel(rondel_task_current()), 0);
    return task_number(arg);
}

TEST(a_cancel_never_heard_of_changes_nothing) {
    CHECK_EQ(task_run(cancel_itself_and_end, task_arg(12)), 12);
}

static int64_t cancel_and_await(void *arg) {
    rondel_future child = task_number(arg);
    CHECK_EQ(rondel_cancel(child), 0);
    return rondel_await(child);
}

TEST(one_may_cancel_a_task_and_await_its_end) {
    rondel_loop loop = rondel_loop_new();
    rondel_future child = rondel_task_spawn(loop, clean_up_with_waits, task_arg(rondel_future_new(loop)));
    settle(loop);
    CHECK_EQ(rondel_run_until(loop, rondel_task_spawn(loop, cancel_and_await, task_arg(child))), RONDEL_ECANCELED);
    CHECK_STR(trace_taken(), "cancelled 0 5");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* ---- what a cancel reaches */

struct chain {
    int64_t left;
    int64_t ended;
    rondel_future innermost;
};

static int64_t await_next_link(void *arg) {
    struct chain *chain = arg;
    int64_t result;
    if (chain->left-- == 0)
        result = rondel_await(chain->innermost);
    else
        result = rondel_await(rondel_task_spawn_sized(rondel_loop_current(), await_next_link, chain, 16384));
    chain->ended++;
    return result;
}

TEST(a_cancel_goes_through_tasks_that_await_tasks) {
    const int64_t depths[] = {2, test_scale(20000, 200)};
    for (int i = 0; i < 2; i++) {
        rondel_loop loop = rondel_loop_new();
        struct chain chain = {depths[i], 0, rondel_future_new(loop)};
        CHECK_EQ(rondel_retain(chain.innermost), 0);
        rondel_future task = rondel_task_spawn(loop, await_next_link, &chain);
        while (chain.left >= 0) rondel_run(loop, RONDEL_RUN_NOWAIT);
        settle(loop);
        CHECK_EQ(rondel_cancel(task), 0);
        CHECK_EQ(rondel_future_state(chain.innermost), RONDEL_CANCELLED);
        CHECK_EQ(chain.ended, 0);
        CHECK_EQ(rondel_run_until(loop, task), RONDEL_ECANCELED);
        CHECK_EQ(chain.ended, depths[i] + 1);
        CHECK_EQ(rondel_release(chain.innermost), 0);
        CHECK_EQ(rondel_loop_free(loop), 0);
    }
}

TEST(cancelling_one_of_many_that_share_a_future_ends_it_for_all) {
    enum { SHARERS = 5 };
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop), tasks[SHARERS];
    for (int i = 0; i < SHARERS; i++) {
        CHECK_EQ(rondel_retain(promise), 0);
        tasks[i] = rondel_task_spawn(loop, task_await, task_arg(promise));
    }
    settle(loop);
    CHECK_EQ(rondel_cancel(tasks[2]), 0);
    CHECK_EQ(rondel_future_state(promise), RONDEL_CANCELLED);
    for (int i = 0; i < SHARERS; i++) CHECK_EQ(rondel_run_until(loop, tasks[i]), RONDEL_ECANCELED);
    CHECK_EQ(rondel_release(promise), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t swallow_one(void *arg) {
    trace_code(rondel_await(task_number(arg)));
    return 77;
}

TEST(of_the_sharers_each_decides_for_itself) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    CHECK_EQ(rondel_retain(promise), 0);
    rondel_future goes = rondel_task_spawn(loop, task_await, task_arg(promise));
    rondel_future stays = rondel_task_spawn(loop, swallow_one, task_arg(promise));
    settle(loop);
    CHECK_EQ(rondel_cancel(goes), 0);
    CHECK_EQ(rondel_run_until(loop, stays), 77);
    CHECK_EQ(rondel_run_until(loop, goes), RONDEL_ECANCELED);
    CHECK_STR(trace_taken(), "cancelled");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* ---- work that cannot be stopped */

struct job {
    struct gate begun, go_on;
    int64_t cancelled;
};

static int64_t hold_on(void *arg) {
    struct job *job = arg;
    gate_pass(&job->begun);
    gate_wait(&job->go_on, 1);
    job->cancelled = rondel_work_cancelled();
    return 31;
}

static int64_t await_work(void *arg) {
    struct job job = {GATE, GATE, -1};
    *(struct job **)arg = &job; /* on the task's stack: it must not end before the work does */
    int64_t result = rondel_await(rondel_work(rondel_loop_current(), hold_on, &job, RONDEL_FUTURE));
    trace_code(result);
    CHECK_EQ(job.cancelled, 1);
    return result;
}

TEST(a_cancelled_task_waits_for_the_end_of_work_that_runs) {
    rondel_loop loop = rondel_loop_new();
    struct job *job = NULL;
    rondel_future task = rondel_task_spawn(loop, await_work, &job);
    while (!job) rondel_run(loop, RONDEL_RUN_NOWAIT);
    gate_wait(&job->begun, 1);
    CHECK_EQ(rondel_cancel(task), 0);
    CHECK_EQ(rondel_cancel(task), 0);
    settle(loop);
    CHECK_EQ(rondel_future_state(task), RONDEL_RUNNING);
    CHECK_STR(trace_taken(), "");
    gate_pass(&job->go_on);
    CHECK_EQ(rondel_run_until(loop, task), RONDEL_ECANCELED);
    CHECK_STR(trace_taken(), "cancelled");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

struct pair_of_waits {
    rondel_future first, then[2], tasks[2];
    int64_t results[2];
    int next;
};

static int64_t await_first_and_own(void *arg) {
    struct pair_of_waits *waits = arg;
    int me = waits->next++;
    CHECK_EQ(rondel_retain(waits->first), 0);
    waits->results[me] = rondel_await(waits->first);
    return rondel_await(waits->then[me]);
}

/* What they await is done and has only to tell of it: each has to hear with its next await that it was cancelled. */
TEST(a_cancel_of_several_that_await_what_is_about_to_tell_is_lost_by_none) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    struct pair_of_waits waits = {0, {rondel_future_new(loop), rondel_future_new(loop)}, {0, 0}, {0, 0}, 0};
    CHECK_EQ(rondel_retain(promise), 0);
    waits.first = rondel_gather(&promise, 1, NULL, RONDEL_FUTURE);
    for (int i = 0; i < 2; i++) waits.tasks[i] = rondel_task_spawn(loop, await_first_and_own, &waits);
    settle(loop);
    rondel_future both = rondel_gather(waits.tasks, 2, NULL, RONDEL_FUTURE);
    CHECK_EQ(rondel_future_set(promise, 7), 0);
    CHECK_EQ(rondel_cancel(both), 0);
    settle(loop);
    CHECK_EQ(rondel_future_result(both), RONDEL_ECANCELED);
    for (int i = 0; i < 2; i++) CHECK_EQ(waits.results[i], 0);
    CHECK_EQ(rondel_release(both), 0);
    CHECK_EQ(rondel_release(waits.first), 0);
    CHECK_EQ(rondel_release(promise), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t join_and_await(void *arg) {
    rondel_future *waits = arg;
    CHECK_EQ(rondel_await(waits[0]), RONDEL_EIO);
    return rondel_await(waits[1]);
}

/* The join of a group tells of the child that failed, and the task's next await that it was cancelled. */
TEST(a_cancel_is_not_lost_behind_the_error_of_a_child) {
    rondel_loop loop = rondel_loop_new();
    rondel_group group = rondel_group_new(loop);
    rondel_future fails = rondel_future_new(loop), waits[2] = {0, rondel_future_new(loop)};
    CHECK_EQ(rondel_retain(fails), 0);
    CHECK(rondel_group_add(group, fails) > 0);
    CHECK(rondel_group_add(group, rondel_future_new(loop)) > 0);
    waits[0] = rondel_group_join(group, RONDEL_FUTURE);
    rondel_future task = rondel_task_spawn(loop, join_and_await, waits);
    settle(loop);
    CHECK_EQ(rondel_future_fail(fails, RONDEL_EIO), 0);
    CHECK_EQ(rondel_cancel(task), 0);
    settle(loop);
    CHECK_EQ(rondel_future_result(task), RONDEL_ECANCELED);
    CHECK_EQ(rondel_release(task), 0);
    CHECK_EQ(rondel_release(fails), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST_MAIN(RUN(cancelled_before_it_began_it_never_runs),
          RUN(cancelled_in_the_turn_in_which_it_would_begin_it_never_runs),
          RUN(a_cancel_ends_the_wait_and_what_was_waited_for),
          RUN(after_a_cancel_a_task_may_clean_up_and_wait_for_that),
          RUN(cancelled_twice_before_it_hears_it_is_cancelled_once),
          RUN(cancelled_again_in_its_clean_up_that_ends_too), RUN(what_the_task_returns_decides_how_it_ended),
          RUN(a_cancel_after_the_completion_loses_no_value_and_comes_at_the_next_wait),
          RUN(a_completion_after_the_cancel_is_refused), RUN(a_task_that_cancels_itself_hears_of_it_at_its_next_wait),
          RUN(a_cancel_never_heard_of_changes_nothing), RUN(one_may_cancel_a_task_and_await_its_end),
          RUN(a_cancel_goes_through_tasks_that_await_tasks),           RUN(cancelling_one_of_many_that_share_a_future_ends_it_for_all), RUN(of_the_sharers_each_decides_for_itself),
          RUN(a_cancel_of_several_that_await_what_is_about_to_tell_is_lost_by_none),
          RUN(a_cancel_is_not_lost_behind_the_error_of_a_child),
          RUN(a_cancelled_task_waits_for_the_end_of_work_that_runs))
