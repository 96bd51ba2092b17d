/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Running a loop: the modes, how a run ends, runs inside runs, a loop carried by another. */
#include "support/test.h"

#include "support/steps.h"

static void trace_then_soon(rondel_handle source, int64_t result, void *user_data) {
    trace(source, result, user_data);
    CHECK(rondel_call_soon(rondel_loop_of(source), trace, "soon") > 0);
}

TEST(an_empty_loop_has_nothing_to_run_for) {
    rondel_loop loop = rondel_loop_new();
    CHECK_EQ(rondel_alive(loop), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 0);
    CHECK_EQ(rondel_backend_timeout(loop), RONDEL_FOREVER);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(an_unknown_mode_is_refused) {
    rondel_loop loop = rondel_loop_new();
    CHECK(rondel_call_soon(loop, trace, "ran") > 0);
    CHECK_EQ(rondel_run(loop, -1), RONDEL_EINVAL);
    CHECK_EQ(rondel_run(loop, 4), RONDEL_EINVAL);
    CHECK_EQ(rondel_run(loop, INT32_MAX), RONDEL_EINVAL);
    CHECK_STR(trace_taken(), "");
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "ran");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(nowait_never_waits) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    CHECK(rondel_timer_start(loop, 3600 * RONDEL_SECOND, 0, see, &seen) > 0);
    int64_t turn = rondel_metric(loop, RONDEL_METRIC_TURNS); /* a wait would trip the watchdog */
    for (int i = 0; i < 10; i++) CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_TURNS) - turn, 10);
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(once_waits_for_a_callback_and_returns_after_it) {
    rondel_loop loop = rondel_loop_new();
    struct seen first = {0, 0, 0}, second = {0, 0, 0};
    CHECK(rondel_timer_start(loop, 5 * RONDEL_MS, 0, see, &first) > 0);
    rondel_timer later = rondel_timer_start(loop, 3600 * RONDEL_SECOND, 0, see, &second);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
    CHECK_EQ(first.calls, 1);
    CHECK_EQ(second.calls, 0);
    CHECK_EQ(rondel_close(later), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_wake_ends_the_wait_of_once) {
    rondel_loop loop = rondel_loop_new();
    CHECK(rondel_timer_start(loop, 3600 * RONDEL_SECOND, 0, trace, "never") > 0);
    CHECK_EQ(rondel_wake(loop), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
    CHECK_STR(trace_taken(), "");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(default_runs_until_nothing_is_alive) {
    rondel_loop loop = rondel_loop_new();
    struct seen timer = {0, 0, 0}, later = {0, 0, 0}, soon = {0, 0, 0};
    CHECK(rondel_timer_start(loop, 2 * RONDEL_MS, 0, see, &timer) > 0);
    CHECK(rondel_call_later(loop, RONDEL_MS, see, &later) > 0);
    CHECK(rondel_call_soon(loop, see, &soon) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(timer.calls, 1);
    CHECK_EQ(later.calls, 1);
    CHECK_EQ(soon.calls, 1);
    CHECK_EQ(rondel_alive(loop), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(stop_finishes_the_turn_and_no_more) {
    rondel_loop loop = rondel_loop_new();
    rondel_timer closed = rondel_timer_start(loop, RONDEL_SECOND, 0, trace, "never");
    CHECK_EQ(rondel_on_close(closed, trace, "close"), 0);
    CHECK_EQ(rondel_close(closed), 0);
    CHECK(rondel_check_start(loop, trace, "check") > 0);
    CHECK(rondel_call_soon(loop, stop_loop, NULL) > 0);
    CHECK(rondel_call_soon(loop, trace_then_soon, "ready") > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 1);
    CHECK_STR(trace_taken(), "ready check close");
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
    CHECK_STR(trace_taken(), "soon check");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(stop_before_run_ends_that_run_at_once_and_only_that_one) {
    const int modes[] = {RONDEL_RUN_DEFAULT, RONDEL_RUN_ONCE, RONDEL_RUN_NOWAIT, RONDEL_RUN_FOREVER};
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    CHECK(rondel_call_soon(loop, see, &seen) > 0);
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(rondel_stop(loop), 0);
        CHECK_EQ(rondel_run(loop, modes[i]), 1);
        CHECK_EQ(seen.calls, 0);
    }
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_stop_of_another_thread_comes_after_what_that_thread_sent) {
    rondel_loop loop = rondel_loop_new();
    CHECK(rondel_check_start(loop, trace, "|") > 0);
    CHECK_EQ(rondel_call_soon_threadsafe(loop, trace, "one"), 0);
    CHECK_EQ(rondel_call_soon_threadsafe(loop, trace, "two"), 0);
    CHECK_EQ(rondel_stop_threadsafe(loop), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_FOREVER), 1);
    CHECK_STR(trace_taken(), "one two |");
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1); /* it was for that run only */
    CHECK_STR(trace_taken(), "|");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void run_again(rondel_handle source, int64_t result, void *user_data) {
    rondel_loop loop = rondel_loop_of(source);
    rondel_future promise = rondel_future_new(loop);
    rondel_completion completion;
    see(source, result, user_data);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), RONDEL_EBUSY);
    CHECK_EQ(rondel_run_until(loop, promise), RONDEL_EBUSY);
    CHECK_EQ(rondel_next(loop, &completion, 1, 0), RONDEL_EBUSY);
    CHECK_EQ(rondel_loop_free(loop), RONDEL_EBUSY);
    CHECK_EQ(rondel_release(promise), 0); /* what refused it did not take it */
}

TEST(a_run_inside_its_own_run_is_refused) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    CHECK(rondel_call_soon(loop, run_again, &seen) > 0);
    CHECK(rondel_timer_start(loop, RONDEL_MS, 0, run_again, &seen) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 2);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void note_current(rondel_handle source, int64_t result, void *user_data) {
    (void)source;
    (void)result;
    *(rondel_loop *)user_data = rondel_loop_current();
}

static void run_another(rondel_handle source, int64_t result, void *user_data) {
    rondel_loop inner = rondel_loop_new(), current = 0;
    (void)result;
    CHECK_EQ(rondel_loop_current(), rondel_loop_of(source));
    CHECK(rondel_call_soon(inner, note_current, &current) > 0);
    CHECK_EQ(rondel_run(inner, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(current, inner);
    CHECK_EQ(rondel_loop_free(inner), 0);
    CHECK_EQ(rondel_loop_current(), rondel_loop_of(source));
    note_current(source, result, user_data);
}

TEST(a_callback_may_run_another_loop) {
    rondel_loop loop = rondel_loop_new(), current = 0;
    CHECK_EQ(rondel_loop_current(), RONDEL_ESTATE);
    CHECK(rondel_call_soon(loop, run_another, &current) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(current, loop);
    CHECK_EQ(rondel_loop_current(), RONDEL_ESTATE);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(run_until_gives_the_result_and_takes_the_future) {
    rondel_loop loop = rondel_loop_new();
    rondel_future later = rondel_call_later(loop, RONDEL_MS, RONDEL_FUTURE);
    CHECK_EQ(rondel_run_until(loop, later), 0);
    CHECK_EQ(rondel_future_state(later), RONDEL_EGONE);
    rondel_future done = rondel_future_new(loop);
    CHECK_EQ(rondel_future_set(done, 42), 0);
    CHECK_EQ(rondel_run_until(loop, done), 42);
    CHECK_EQ(rondel_release(done), RONDEL_EGONE);
    rondel_future failed = rondel_future_new(loop);
    CHECK_EQ(rondel_future_fail(failed, RONDEL_ECONNREFUSED), 0);
    CHECK_EQ(rondel_run_until(loop, failed), RONDEL_ECONNREFUSED);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(run_until_returns_as_soon_as_the_future_is_done) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    CHECK(rondel_timer_start(loop, 3600 * RONDEL_SECOND, 0, see, &seen) > 0);
    CHECK_EQ(rondel_run_until(loop, rondel_call_soon(loop, RONDEL_FUTURE)), 0);
    CHECK_EQ(rondel_alive(loop), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(seen.calls, 0);
}

TEST(a_stop_ends_run_until_and_leaves_the_future_yours) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    CHECK(rondel_call_soon(loop, stop_loop, NULL) > 0);
    CHECK_EQ(rondel_run_until(loop, promise), RONDEL_EAGAIN);
    CHECK_EQ(rondel_future_state(promise), RONDEL_PENDING);
    CHECK_EQ(rondel_future_set(promise, 7), 0);
    CHECK_EQ(rondel_run_until(loop, promise), 7);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(run_until_refuses_the_future_of_another_loop) {
    rondel_loop loop = rondel_loop_new(), other = rondel_loop_new();
    rondel_future promise = rondel_future_new(other);
    CHECK_EQ(rondel_run_until(loop, promise), RONDEL_EINVAL);
    CHECK_EQ(rondel_run_until(loop, RONDEL_ETIMEDOUT), RONDEL_ETIMEDOUT);
    CHECK_EQ(rondel_release(promise), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(rondel_loop_free(other), 0);
}

static void *call_from_outside(void *user_data) {
    CHECK_EQ(rondel_call_soon_threadsafe(*(rondel_loop *)user_data, trace, "thread"), 0);
    return NULL;
}

TEST(a_plain_poll_loop_can_carry_it) {
    if (ON_WINDOWS) SKIP("a loop has no descriptor");
    rondel_loop loop = rondel_loop_new();
    struct pollfd backend = {(int)rondel_backend_fd(loop), POLLIN, 0};
    pthread_t thread;
    REQUIRE(backend.fd >= 0);
    CHECK_EQ(poll(&backend, 1, 0), 0);
    CHECK_EQ(rondel_backend_timeout(loop), RONDEL_FOREVER);

    /* Something ready: due now. */
    CHECK(rondel_call_soon(loop, trace, "ready") > 0);
    CHECK_EQ(rondel_backend_timeout(loop), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 0);
    CHECK_STR(trace_taken(), "ready");

    /* A timer: due in a while; the outer loop waits that long. */
    CHECK(rondel_timer_start(loop, 20 * RONDEL_MS, 0, trace, "timer") > 0);
    int64_t due = rondel_backend_timeout(loop);
    CHECK(due >= 0 && due <= 20 * RONDEL_MS);
    while (rondel_alive(loop)) {
        due = rondel_backend_timeout(loop);
        poll(&backend, 1, (int)((due + RONDEL_MS - 1) / RONDEL_MS));
        rondel_run(loop, RONDEL_RUN_NOWAIT);
    }
    CHECK_STR(trace_taken(), "timer");

    /* Another thread's call: the descriptor becomes readable, and quiet again once it was run. */
    CHECK_EQ(pthread_create(&thread, NULL, call_from_outside, &loop), 0);
    CHECK_EQ(poll(&backend, 1, -1), 1);
    rondel_run(loop, RONDEL_RUN_NOWAIT);
    CHECK_STR(trace_taken(), "thread");
    CHECK_EQ(poll(&backend, 1, 0), 0);
    pthread_join(thread, NULL);

    /* A client. */
    rondel_tcp server = rondel_tcp_listen(loop, "127.0.0.1", 0, trace, "io");
    int client = knock(server);
    CHECK_EQ(poll(&backend, 1, -1), 1);
    rondel_run(loop, RONDEL_RUN_NOWAIT);
    CHECK_STR(trace_taken(), "io");
    CHECK_EQ(poll(&backend, 1, 0), 0);
    close(client);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST_MAIN(RUN(an_empty_loop_has_nothing_to_run_for), RUN(an_unknown_mode_is_refused), RUN(nowait_never_waits),
          RUN(once_waits_for_a_callback_and_returns_after_it), RUN(a_wake_ends_the_wait_of_once),
          RUN(default_runs_until_nothing_is_alive), RUN(stop_finishes_the_turn_and_no_more),
          RUN(stop_before_run_ends_that_run_at_once_and_only_that_one),
          RUN(a_stop_of_another_thread_comes_after_what_that_thread_sent), RUN(a_run_inside_its_own_run_is_refused),
          RUN(a_callback_may_run_another_loop), RUN(run_until_gives_the_result_and_takes_the_future),
          RUN(run_until_returns_as_soon_as_the_future_is_done), RUN(a_stop_ends_run_until_and_leaves_the_future_yours),
          RUN(run_until_refuses_the_future_of_another_loop), RUN(a_plain_poll_loop_can_carry_it))
