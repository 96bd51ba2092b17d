/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Tasks: spawned, begun, awaited, done; and who may await what. */
#include "support/test.h"

#include "support/steps.h"
#include "support/task.h"

static int64_t trace_task(void *arg) {
    trace_word(arg);
    return 0;
}

static int64_t look_at_myself(void *arg) {
    rondel_future me = rondel_task_current();
    CHECK_EQ(me, *(rondel_future *)arg);
    CHECK_EQ(rondel_future_state(me), RONDEL_RUNNING);
    CHECK_EQ(rondel_future_result(me), RONDEL_EAGAIN);
    CHECK_EQ(rondel_loop_current(), rondel_loop_of(me));
    return 42;
}

TEST(a_task_is_pending_then_running_then_done) {
    rondel_loop loop = rondel_loop_new();
    rondel_future task = rondel_task_spawn(loop, look_at_myself, &task);
    struct seen seen = {0, 0, 0};
    CHECK_EQ(rondel_kind(task), RONDEL_KIND_FUTURE);
    CHECK_EQ(rondel_future_origin(task), loop);
    CHECK_EQ(rondel_future_state(task), RONDEL_PENDING);
    CHECK_EQ(rondel_future_result(task), RONDEL_EAGAIN);
    CHECK_EQ(rondel_future_then(task, see, &seen), 0);
    CHECK_EQ(rondel_alive(loop), 1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_future_state(task), RONDEL_DONE);
    CHECK_EQ(rondel_future_result(task), 42);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, 42);
    CHECK_EQ(seen.source, task);
    CHECK_EQ(rondel_release(task), 0);
    CHECK_EQ(rondel_kind(task), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(tasks_begin_in_the_order_of_their_spawn_and_in_line_with_callbacks) {
    rondel_loop loop = rondel_loop_new();
    CHECK_EQ(rondel_release(rondel_task_spawn(loop, trace_task, "a")), 0);
    CHECK(rondel_call_soon(loop, trace, "soon") > 0);
    CHECK_EQ(rondel_release(rondel_task_spawn(loop, trace_task, "b")), 0);
    CHECK_EQ(rondel_release(rondel_task_spawn(loop, trace_task, "c")), 0);
    CHECK_STR(trace_taken(), "");
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 0);
    CHECK_STR(trace_taken(), "a soon b c");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t spawn_inside(void *arg) {
    (void)arg;
    trace_word("parent");
    rondel_future child = rondel_task_spawn(rondel_loop_current(), trace_task, "child");
    trace_word("goes");
    CHECK_EQ(rondel_future_state(child), RONDEL_PENDING);
    CHECK_EQ(rondel_await(child), 0);
    trace_word("ends");
    return 0;
}

TEST(a_task_spawned_by_a_task_begins_when_that_waits) {
    CHECK_EQ(task_run(spawn_inside, NULL), 0);
    CHECK_STR(trace_taken(), "parent goes child ends");
}

TEST(a_task_keeps_the_loop_alive_unless_unreferenced) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    rondel_future task = rondel_task_spawn(loop, task_await, task_arg(promise));
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(rondel_unref(task), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0); /* it does not wait for ever */
    CHECK_EQ(rondel_future_state(task), RONDEL_RUNNING);
    CHECK_EQ(rondel_ref(task), 0);
    CHECK_EQ(rondel_alive(loop), 1);
    CHECK_EQ(rondel_future_set(promise, 5), 0);
    CHECK_EQ(rondel_run_until(loop, task), 5);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_released_task_runs_on_and_leaves_nothing_behind) {
    rondel_loop loop = rondel_loop_new();
    int64_t handles = rondel_metric(loop, RONDEL_METRIC_HANDLES);
    for (int i = 0; i < 3; i++) CHECK_EQ(rondel_release(rondel_task_spawn(loop, trace_task, "ran")), 0);
    CHECK_EQ(rondel_release(rondel_task_spawn(loop, task_sleep, task_arg(RONDEL_MS))), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "ran ran ran");
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), handles);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t await_values(void *arg) {
    rondel_loop loop = rondel_loop_current();
    rondel_future done = rondel_future_new(loop);
    (void)arg;
    CHECK_EQ(rondel_future_set(done, 7), 0);
    CHECK_EQ(rondel_await(done), 7);
    CHECK_EQ(rondel_kind(done), RONDEL_EGONE); /* the await took it */
    CHECK_EQ(rondel_await(done), RONDEL_EGONE);
    rondel_future failed = rondel_future_new(loop);
    CHECK_EQ(rondel_future_fail(failed, RONDEL_EPIPE), 0);
    CHECK_EQ(rondel_await(failed), RONDEL_EPIPE);
    rondel_future later = rondel_call_later(loop, RONDEL_MS, RONDEL_FUTURE);
    CHECK_EQ(rondel_retain(later), 0);
    CHECK_EQ(rondel_await(later), 0); /* one holder's */
    CHECK_EQ(rondel_future_state(later), RONDEL_DONE);
    CHECK_EQ(rondel_await(later), 0); /* and the other's */
    CHECK_EQ(rondel_yield(), 0);      /* it lives until it has told everybody */
    CHECK_EQ(rondel_kind(later), RONDEL_EGONE);
    CHECK_EQ(rondel_await(rondel_task_spawn(loop, task_return, task_arg(RONDEL_ENOENT))), RONDEL_ENOENT);
    CHECK_EQ(rondel_await(rondel_task_spawn(loop, task_return, task_arg(INT32_MAX))), INT32_MAX);
    struct seen seen = {0, 0, 0};
    /* One that was started with a function tells both, the function first. */
    CHECK_EQ(rondel_await(rondel_call_soon(loop, see, &seen)), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(rondel_await(rondel_work(loop, task_return, task_arg(9), RONDEL_FUTURE)), 9);
    return 0;
}

TEST(an_await_gives_the_result_and_takes_the_future) { CHECK_EQ(task_run(await_values, NULL), 0); }

static int64_t await_what_is_refused(void *arg) {
    rondel_loop other = rondel_loop_new(), loop = rondel_loop_current();
    rondel_future theirs = rondel_future_new(other);
    rondel_timer timer = rondel_timer_start(loop, 0, 0, trace, "timer");
    (void)arg;
    CHECK_EQ(rondel_await(RONDEL_ECONNREFUSED), RONDEL_ECONNREFUSED);
    CHECK_EQ(rondel_await(0), RONDEL_EINVAL);
    CHECK_EQ(rondel_await(INT64_MAX), RONDEL_EGONE);
    CHECK_EQ(rondel_await(theirs), RONDEL_EINVAL);
    CHECK_EQ(rondel_future_set(theirs, 1), 0); /* nothing was taken */
    CHECK_EQ(rondel_await(theirs), RONDEL_EINVAL);
    CHECK_EQ(rondel_future_result(theirs), 1);
    CHECK_EQ(rondel_await(rondel_task_current()), RONDEL_EDEADLK);
    CHECK_EQ(rondel_await(loop), RONDEL_EKIND);
    CHECK_EQ(rondel_await(timer), RONDEL_EKIND);
    CHECK_EQ(rondel_close(timer), 0);
    CHECK_EQ(rondel_sleep(-1), RONDEL_EINVAL);
    CHECK_EQ(rondel_loop_free(other), 0);
    CHECK_EQ(rondel_await(theirs), RONDEL_EGONE);
    CHECK_EQ(rondel_future_set(rondel_task_current(), 1), RONDEL_EKIND);
    CHECK_EQ(rondel_future_fail(rondel_task_current(), -1), RONDEL_EKIND);
    return 3;
}

TEST(a_senseless_await_is_refused_and_changes_nothing) {
    CHECK_EQ(task_run(await_what_is_refused, NULL), 3);
    CHECK_STR(trace_taken(), "");
}

static void await_outside(rondel_handle source, int64_t result, void *user_data) {
    rondel_future promise = *(rondel_future *)user_data;
    (void)source;
    (void)result;
    CHECK_EQ(rondel_await(promise), RONDEL_ENOTASK);
    CHECK_EQ(rondel_await(RONDEL_EPIPE), RONDEL_EPIPE);
    CHECK_EQ(rondel_sleep(0), RONDEL_ENOTASK);
    CHECK_EQ(rondel_yield(), RONDEL_ENOTASK);
    CHECK_EQ(rondel_task_current(), RONDEL_ENOTASK);
    trace_word("refused");
}

static int64_t await_in_work(void *arg) {
    await_outside(0, 0, arg);
    return 0;
}

TEST(nobody_but_a_task_can_await) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    /* A task waits meanwhile: a callback between its steps is none of it. */
    rondel_future task = rondel_task_spawn(loop, task_await, task_arg(promise));
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(rondel_retain(promise), 0);
    await_outside(0, 0, &promise);
    CHECK(rondel_call_soon(loop, await_outside, &promise) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(rondel_run_until(loop, rondel_work(loop, await_in_work, &promise, RONDEL_FUTURE)), 0);
    CHECK_STR(trace_taken(), "refused refused refused");
    CHECK_EQ(rondel_future_set(promise, 11), 0);
    CHECK_EQ(rondel_release(promise), 0);
    CHECK_EQ(rondel_run_until(loop, task), 11);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(rondel_await(promise), RONDEL_ENOTASK);
}

static int64_t await_shared(void *arg) {
    struct seen *seen = arg; /* the promise, and how many have heard of it */
    CHECK_EQ(rondel_await(seen->source), 99);
    return seen->calls++;
}

TEST(a_future_tells_all_its_tasks_in_the_order_in_which_they_came) {
    enum { MANY = 1000 };
    static rondel_future tasks[MANY];
    rondel_loop loop = rondel_loop_new();
    int64_t handles = rondel_metric(loop, RONDEL_METRIC_HANDLES);
    struct seen seen = {0, 0, rondel_future_new(loop)};
    for (int i = 0; i < MANY; i++) {
        CHECK_EQ(rondel_retain(seen.source), 0);
        tasks[i] = rondel_task_spawn(loop, await_shared, &seen);
    }
    CHECK_EQ(rondel_release(seen.source), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(rondel_future_set(seen.source, 99), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    for (int i = 0; i < MANY; i++) CHECK_EQ(rondel_run_until(loop, tasks[i]), i);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), handles);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t see_all(void *arg) {
    rondel_loop loop = rondel_loop_current();
    rondel_future tasks[4] = {0, 0, 0, -7};
    (void)arg;
    CHECK_EQ(rondel_task_all(loop, tasks, 4), 3); /* this one, one that waits, one not begun */
    CHECK_EQ(tasks[3], -7);
    int me = 0, running = 0, pending = 0;
    for (int i = 0; i < 3; i++) {
        me += tasks[i] == rondel_task_current();
        running += rondel_future_state(tasks[i]) == RONDEL_RUNNING;
        pending += rondel_future_state(tasks[i]) == RONDEL_PENDING;
    }
    CHECK_EQ(me, 1);
    CHECK_EQ(running, 2);
    CHECK_EQ(pending, 1);
    tasks[1] = -7;
    CHECK_EQ(rondel_task_all(loop, tasks, 1), 3);
    CHECK_EQ(tasks[1], -7);
    CHECK_EQ(rondel_task_all(loop, NULL, 0), 3);
    CHECK_EQ(rondel_task_all(loop, NULL, 1), RONDEL_EINVAL);
    CHECK_EQ(rondel_task_all(tasks[0], tasks, 4), RONDEL_EKIND);
    return 0;
}

TEST(the_tasks_not_done_are_known) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    CHECK_EQ(rondel_task_all(loop, NULL, 0), 0);
    CHECK_EQ(rondel_run_until(loop, rondel_task_spawn(loop, task_return, NULL)), 0);
    rondel_future waits = rondel_task_spawn(loop, task_await, task_arg(promise));
    rondel_future sees = rondel_task_spawn(loop, see_all, NULL);
    rondel_future last = rondel_task_spawn(loop, task_return, task_arg(4));
    CHECK_EQ(rondel_run_until(loop, sees), 0);
    CHECK_EQ(rondel_future_set(promise, 0), 0);
    CHECK_EQ(rondel_run_until(loop, waits), 0);
    CHECK_EQ(rondel_run_until(loop, last), 4);
    CHECK_EQ(rondel_task_all(loop, NULL, 0), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(rondel_task_all(loop, NULL, 0), RONDEL_EGONE);
}

TEST(a_senseless_spawn_is_refused) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    CHECK_EQ(rondel_task_spawn(loop, NULL, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_task_spawn(RONDEL_ENOMEM, task_return, NULL), RONDEL_ENOMEM);
    CHECK_EQ(rondel_task_spawn(promise, task_return, NULL), RONDEL_EKIND);
    CHECK_EQ(rondel_alive(loop), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(rondel_task_spawn(loop, task_return, NULL), RONDEL_EGONE);
}

static int64_t stop_twice(void *arg) {
    rondel_loop loop = rondel_loop_current();
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), RONDEL_EBUSY);
    CHECK_EQ(rondel_run_until(loop, task_number(arg)), RONDEL_EBUSY);
    CHECK_EQ(rondel_loop_free(loop), RONDEL_EBUSY);
    CHECK_EQ(rondel_stop(loop), 0);
    trace_word("goes on");
    CHECK_EQ(rondel_yield(), 0);
    trace_word("next run");
    return 0;
}

TEST(a_task_may_stop_its_loop_but_not_run_or_free_it) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    rondel_future task = rondel_task_spawn(loop, stop_twice, task_arg(promise));
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 1);
    CHECK_STR(trace_taken(), "goes on");
    CHECK_EQ(rondel_run_until(loop, task), 0);
    CHECK_STR(trace_taken(), "next run");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST_MAIN(RUN(a_task_is_pending_then_running_then_done),
          RUN(tasks_begin_in_the_order_of_their_spawn_and_in_line_with_callbacks),
          RUN(a_task_spawned_by_a_task_begins_when_that_waits), RUN(a_task_keeps_the_loop_alive_unless_unreferenced),
          RUN(a_released_task_runs_on_and_leaves_nothing_behind), RUN(an_await_gives_the_result_and_takes_the_future),
          RUN(a_senseless_await_is_refused_and_changes_nothing), RUN(nobody_but_a_task_can_await),
          RUN(a_future_tells_all_its_tasks_in_the_order_in_which_they_came), RUN(the_tasks_not_done_are_known),
          RUN(a_senseless_spawn_is_refused), RUN(a_task_may_stop_its_loop_but_not_run_or_free_it))
