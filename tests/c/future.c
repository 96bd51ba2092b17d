/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Futures: their states, who is told and when, holders, cancel, timeout. */
#include "support/test.h"

#include "support/steps.h"

TEST(a_promise_is_pending_until_set) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    CHECK_EQ(rondel_kind(promise), RONDEL_KIND_FUTURE);
    CHECK_EQ(rondel_future_state(promise), RONDEL_PENDING);
    CHECK_EQ(rondel_future_result(promise), RONDEL_EAGAIN);
    CHECK_EQ(rondel_is_active(promise), 1);
    CHECK_EQ(rondel_future_origin(promise), loop);
    CHECK_EQ(rondel_future_set(promise, INT64_MAX), 0);
    CHECK_EQ(rondel_future_state(promise), RONDEL_DONE);
    CHECK_EQ(rondel_future_result(promise), INT64_MAX);
    CHECK_EQ(rondel_is_active(promise), 0);
    CHECK_EQ(rondel_release(promise), 0);
    CHECK_EQ(rondel_future_state(promise), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_promise_may_fail) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    CHECK_EQ(rondel_future_fail(promise, RONDEL_EPIPE), 0);
    CHECK_EQ(rondel_future_state(promise), RONDEL_DONE);
    CHECK_EQ(rondel_future_result(promise), RONDEL_EPIPE);
    CHECK_EQ(rondel_release(promise), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_promise_is_settled_once) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    CHECK_EQ(rondel_future_set(promise, 1), 0);
    CHECK_EQ(rondel_future_set(promise, 2), RONDEL_ESTATE);
    CHECK_EQ(rondel_future_fail(promise, RONDEL_EPIPE), RONDEL_ESTATE);
    CHECK_EQ(rondel_cancel(promise), RONDEL_ESTATE);
    CHECK_EQ(rondel_future_result(promise), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_value_is_no_error_and_an_error_no_value) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    CHECK_EQ(rondel_future_set(promise, -1), RONDEL_EINVAL);
    CHECK_EQ(rondel_future_set(promise, INT64_MIN), RONDEL_EINVAL);
    CHECK_EQ(rondel_future_fail(promise, 0), RONDEL_EINVAL);
    CHECK_EQ(rondel_future_fail(promise, 1), RONDEL_EINVAL);
    CHECK_EQ(rondel_future_set_threadsafe(promise, -1), RONDEL_EINVAL);
    CHECK_EQ(rondel_future_fail_threadsafe(promise, 1), RONDEL_EINVAL);
    CHECK_EQ(rondel_future_state(promise), RONDEL_PENDING);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(only_a_promise_can_be_set) {
    rondel_loop loop = rondel_loop_new();
    rondel_future later = rondel_call_later(loop, RONDEL_MS, RONDEL_FUTURE);
    CHECK_EQ(rondel_future_set(later, 1), RONDEL_EKIND);
    CHECK_EQ(rondel_future_fail(later, RONDEL_EPIPE), RONDEL_EKIND);
    CHECK_EQ(rondel_run_until(loop, later), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void told(rondel_handle source, int64_t result, void *user_data) {
    see(source, result, user_data);
    CHECK_EQ(rondel_kind(source), RONDEL_KIND_FUTURE);
    CHECK(rondel_future_state(source) != RONDEL_PENDING);
    CHECK_EQ(rondel_future_result(source), result);
}

TEST(then_tells_everyone_in_order_and_not_inside_set) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    struct seen seen = {0, 0, 0};
    CHECK_EQ(rondel_future_then(promise, trace, "one"), 0);
    CHECK_EQ(rondel_future_then(promise, trace, "two"), 0);
    CHECK_EQ(rondel_future_then(promise, told, &seen), 0);
    CHECK_EQ(rondel_future_then(promise, trace, "three"), 0);
    CHECK_EQ(rondel_future_then(promise, NULL, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_future_set(promise, 5), 0);
    CHECK_STR(trace_taken(), "");
    CHECK_EQ(rondel_alive(loop), 1); /* they are still to be told */
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "one two three");
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, 5);
    CHECK_EQ(seen.source, promise);
    CHECK_EQ(rondel_release(promise), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static rondel_future removing_from;

static void remove_three(rondel_handle source, int64_t result, void *text) {
    trace(source, result, text);
    CHECK_EQ(rondel_future_remove(removing_from, trace, "three"), 1);
}

TEST(who_takes_it_back_is_not_told) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = removing_from = rondel_future_new(loop);
    const char *same = "same";
    for (int i = 0; i < 3; i++) CHECK_EQ(rondel_future_then(promise, trace, (void *)same), 0);
    CHECK_EQ(rondel_future_remove(promise, trace, "another"), 0);
    CHECK_EQ(rondel_future_remove(promise, told, (void *)same), 0);
    CHECK_EQ(rondel_future_remove(promise, NULL, (void *)same), RONDEL_EINVAL);
    CHECK_EQ(rondel_future_remove(promise, trace, (void *)same), 3);
    CHECK_EQ(rondel_future_remove(promise, trace, (void *)same), 0);
    CHECK_EQ(rondel_future_then(promise, trace, "one"), 0);
    CHECK_EQ(rondel_future_then(promise, remove_three, "two"), 0);
    CHECK_EQ(rondel_future_then(promise, trace, "three"), 0);
    CHECK_EQ(rondel_future_then(promise, rondel_enqueue, "four"), 0);
    CHECK_EQ(rondel_future_then(promise, trace, "five"), 0);
    CHECK_EQ(rondel_future_set(promise, 1), 0);
    CHECK_EQ(rondel_future_remove(promise, rondel_enqueue, "four"), 1); /* done, but not told yet */
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "one two five");
    CHECK_EQ(rondel_future_remove(promise, trace, "one"), 0);
    CHECK_EQ(rondel_release(promise), 0);

    promise = rondel_future_new(loop); /* the last who would hear of it goes, and so does it */
    CHECK_EQ(rondel_future_then(promise, trace, "one"), 0);
    CHECK_EQ(rondel_release(promise), 0);
    CHECK_EQ(rondel_future_state(promise), RONDEL_PENDING);
    CHECK_EQ(rondel_future_remove(promise, trace, "one"), 1);
    CHECK_EQ(rondel_future_state(promise), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(then_on_a_done_future_tells_in_the_next_turn) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    struct seen seen = {0, 0, 0};
    CHECK_EQ(rondel_future_fail(promise, RONDEL_EPIPE), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    for (int i = 1; i <= 3; i++) {
        CHECK_EQ(rondel_future_then(promise, told, &seen), 0);
        CHECK_EQ(seen.calls, i - 1);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 0);
        CHECK_EQ(seen.calls, i);
        CHECK_EQ(seen.result, RONDEL_EPIPE);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

struct asker {
    rondel_loop loop;
    int64_t calls, turn;
    struct seen timer;
};

static void ask_again(rondel_handle source, int64_t result, void *user_data) {
    struct asker *asker = user_data;
    const int64_t turn = rondel_metric(asker->loop, RONDEL_METRIC_TURNS);
    CHECK_EQ(result, 5);
    CHECK(turn > asker->turn);
    asker->turn = turn;
    if (++asker->calls == 1000000) abort(); /* the timer never has its turn */
    if (asker->timer.calls == 0) CHECK_EQ(rondel_future_then(source, ask_again, asker), 0);
}

TEST(who_asks_again_when_told_waits_for_the_next_turn) {
    struct asker asker = {rondel_loop_new(), 0, 0, {0, 0, 0}};
    rondel_future promise = rondel_future_new(asker.loop);
    CHECK_EQ(rondel_future_then(promise, ask_again, &asker), 0);
    CHECK_EQ(rondel_future_set(promise, 5), 0);
    CHECK(rondel_call_later(asker.loop, RONDEL_MS, see, &asker.timer) > 0);
    CHECK_EQ(rondel_run(asker.loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(asker.timer.calls, 1);
    CHECK_EQ(rondel_release(promise), 0);
    CHECK_EQ(rondel_loop_free(asker.loop), 0);
}

static void take_the_place(rondel_handle source, int64_t result, void *text) {
    trace(source, result, text);
    rondel_future_remove(source, trace, "early");
    CHECK_EQ(rondel_future_then(source, trace, "late"), 0);
}

/* Also in the place in the line of one who has left. */
TEST(who_comes_while_others_are_told_waits_for_the_next_turn) {
    rondel_loop loop = rondel_loop_new();
    for (int started = 0; started < 2; started++) {
        rondel_future future =
            started ? rondel_call_soon(loop, take_the_place, "first") : rondel_future_new(loop);
        if (!started) CHECK_EQ(rondel_future_then(future, take_the_place, "first"), 0);
        CHECK_EQ(rondel_future_then(future, trace, "early"), 0);
        if (!started) CHECK_EQ(rondel_future_set(future, 5), 0);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
        CHECK_STR(trace_taken(), "first");
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 0);
        CHECK_STR(trace_taken(), "late");
        if (!started) CHECK_EQ(rondel_release(future), 0);
        CHECK_EQ(rondel_kind(future), RONDEL_EGONE);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void told_then_again(rondel_handle source, int64_t result, void *user_data) {
    trace(source, result, "first");
    CHECK_EQ(rondel_future_then(source, trace, "again"), 0);
    CHECK_EQ(rondel_future_set(source, 9), RONDEL_ESTATE);
    CHECK_EQ(rondel_cancel(source), RONDEL_ESTATE);
    CHECK_EQ(rondel_release(source), 0); /* the last holder: it must last until all were told */
    (void)user_data;
}

TEST(a_told_callback_may_ask_again_and_release) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    CHECK_EQ(rondel_future_then(promise, told_then_again, NULL), 0);
    CHECK_EQ(rondel_future_then(promise, trace, "second"), 0);
    CHECK_EQ(rondel_future_set(promise, 0), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "first second again");
    CHECK_EQ(rondel_kind(promise), RONDEL_EGONE);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(then_hears_of_an_operation_too) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0}, also = {0, 0, 0};
    rondel_future later = rondel_call_later(loop, RONDEL_MS, see, &seen);
    CHECK_EQ(rondel_future_then(later, told, &also), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(also.calls, 1);
    CHECK_EQ(also.source, later);
    CHECK_EQ(rondel_kind(later), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(each_holder_releases_once) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    CHECK_EQ(rondel_retain(promise), 0);
    CHECK_EQ(rondel_retain(promise), 0);
    CHECK_EQ(rondel_future_set(promise, 3), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_release(promise), 0);
    CHECK_EQ(rondel_release(promise), 0);
    CHECK_EQ(rondel_future_result(promise), 3);
    CHECK_EQ(rondel_release(promise), 0);
    CHECK_EQ(rondel_release(promise), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(release_is_not_a_cancel) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    rondel_future later = rondel_call_later(loop, RONDEL_MS, RONDEL_FUTURE);
    CHECK_EQ(rondel_future_then(later, see, &seen), 0);
    CHECK_EQ(rondel_release(later), 0);
    CHECK_EQ(rondel_release(later), RONDEL_ESTATE); /* you hold none any more */
    CHECK_EQ(rondel_future_state(later), RONDEL_PENDING);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, 0);
    CHECK_EQ(rondel_kind(later), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_promise_nobody_holds_still_tells_when_set) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    rondel_future promise = rondel_future_new(loop);
    CHECK_EQ(rondel_future_then(promise, see, &seen), 0);
    CHECK_EQ(rondel_release(promise), 0);
    CHECK_EQ(rondel_future_set(promise, 8), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, 8);
    CHECK_EQ(rondel_kind(promise), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void retain_source(rondel_handle source, int64_t result, void *user_data) {
    see(source, result, user_data);
    CHECK_EQ(rondel_retain(source), 0);
}

TEST(retained_in_its_callback_it_stays) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    rondel_future soon = rondel_call_soon(loop, retain_source, &seen);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_future_state(soon), RONDEL_DONE);
    CHECK_EQ(rondel_release(soon), 0);
    CHECK_EQ(rondel_future_state(soon), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(cancel_ends_a_promise_at_once_and_tells_later) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    rondel_future promise = rondel_future_new(loop);
    CHECK_EQ(rondel_future_then(promise, told, &seen), 0);
    CHECK_EQ(rondel_cancel(promise), 0);
    CHECK_EQ(rondel_cancel(promise), RONDEL_ESTATE);
    CHECK_EQ(rondel_future_set(promise, 1), RONDEL_ESTATE);
    CHECK_EQ(rondel_future_state(promise), RONDEL_CANCELLED);
    CHECK_EQ(rondel_future_result(promise), RONDEL_ECANCELED);
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
    CHECK_EQ(rondel_future_state(promise), RONDEL_CANCELLED);
    CHECK_EQ(rondel_release(promise), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(close_is_cancel_and_release) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    rondel_future promise = rondel_future_new(loop), done = rondel_future_new(loop);
    CHECK_EQ(rondel_future_then(promise, see, &seen), 0);
    CHECK_EQ(rondel_on_close(promise, see, &seen), RONDEL_EKIND);
    CHECK_EQ(rondel_future_set(done, 1), 0);
    CHECK_EQ(rondel_close(promise), 0);
    CHECK_EQ(rondel_close(done), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
    CHECK_EQ(rondel_kind(promise), RONDEL_EGONE);
    CHECK_EQ(rondel_kind(done), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(seen.calls, 1);
}

TEST(a_timeout_ends_what_is_not_done_by_then) {
    rondel_loop loop = rondel_loop_new();
    int64_t before = rondel_clock();
    rondel_future promise = rondel_future_new(loop);
    CHECK_EQ(rondel_timeout(promise, 3 * RONDEL_MS), promise);
    CHECK_EQ(rondel_run_until(loop, promise), RONDEL_ETIMEDOUT);
    CHECK(rondel_clock() >= before + 3 * RONDEL_MS);
    struct seen seen = {0, 0, 0};
    rondel_future later = rondel_call_later(loop, 3600 * RONDEL_SECOND, told, &seen);
    CHECK_EQ(rondel_timeout(later, RONDEL_MS), later);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_ETIMEDOUT);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(seen.calls, 1);
}

TEST(a_timeout_of_zero_does_not_end_it_inside_the_call) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    CHECK_EQ(rondel_timeout(promise, 0), promise);
    CHECK_EQ(rondel_future_state(promise), RONDEL_PENDING);
    CHECK_EQ(rondel_run_until(loop, promise), RONDEL_ETIMEDOUT);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(of_several_timeouts_the_shortest_holds) {
    const int64_t far = 3600 * RONDEL_SECOND;
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    CHECK_EQ(rondel_timeout(rondel_timeout(promise, RONDEL_MS), far), promise);
    CHECK_EQ(rondel_run_until(loop, promise), RONDEL_ETIMEDOUT);
    promise = rondel_future_new(loop);
    CHECK_EQ(rondel_timeout(rondel_timeout(rondel_timeout(promise, far), RONDEL_MS), far), promise);
    CHECK_EQ(rondel_run_until(loop, promise), RONDEL_ETIMEDOUT);
    promise = rondel_future_new(loop);
    CHECK_EQ(rondel_timeout(rondel_timeout(promise, RONDEL_MS), RONDEL_FOREVER), promise);
    CHECK_EQ(rondel_run_until(loop, promise), RONDEL_ETIMEDOUT);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_timeout_not_needed_leaves_nothing_behind) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    CHECK(rondel_timeout(rondel_call_soon(loop, see, &seen), 3600 * RONDEL_SECOND) > 0);
    rondel_future promise = rondel_future_new(loop);
    CHECK_EQ(rondel_timeout(promise, 3600 * RONDEL_SECOND), promise);
    CHECK_EQ(rondel_future_set(promise, 4), 0);
    CHECK_EQ(rondel_timeout(promise, 0), promise); /* done already: the chain goes on */
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0); /* waits for no deadline */
    CHECK_EQ(rondel_backend_timeout(loop), RONDEL_FOREVER);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, 0);
    CHECK_EQ(rondel_run_until(loop, promise), 4);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(seen.calls, 1);
}

TEST(a_negative_timeout_is_refused) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    CHECK_EQ(rondel_timeout(promise, -1), RONDEL_EINVAL);
    CHECK_EQ(rondel_timeout(RONDEL_ECONNREFUSED, -1), RONDEL_ECONNREFUSED);
    CHECK_EQ(rondel_future_state(promise), RONDEL_PENDING);
    CHECK_EQ(rondel_future_set(promise, 6), 0);
    CHECK_EQ(rondel_run_until(loop, promise), 6);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

struct setter {
    rondel_future promise;
    int64_t value;
};

static void *set_outside(void *user_data) {
    struct setter *setter = user_data;
    CHECK_EQ(setter->value >= 0 ? rondel_future_set_threadsafe(setter->promise, setter->value)
                                : rondel_future_fail_threadsafe(setter->promise, setter->value), 0);
    return NULL;
}

TEST(any_thread_may_set_a_promise_while_the_loop_waits) {
    rondel_loop loop = rondel_loop_new();
    const int64_t values[] = {0, 77, RONDEL_EPIPE, RONDEL_ECANCELED};
    for (int i = 0; i < 4; i++) {
        struct setter setter = {rondel_future_new(loop), values[i]};
        pthread_t thread;
        CHECK_EQ(pthread_create(&thread, NULL, set_outside, &setter), 0);
        CHECK_EQ(rondel_run_until(loop, setter.promise), values[i]);
        pthread_join(thread, NULL);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(of_two_threads_that_set_the_first_wins_and_the_other_is_silent) {
    const int64_t rounds = test_scale(500, 50);
    rondel_loop loop = rondel_loop_new();
    for (int64_t i = 0; i < rounds; i++) {
        struct seen seen = {0, 0, 0};
        struct setter setters[2] = {{rondel_future_new(loop), 1}, {0, RONDEL_EPIPE}};
        rondel_future promise = setters[1].promise = setters[0].promise;
        pthread_t threads[2];
        CHECK_EQ(rondel_future_then(promise, see, &seen), 0);
        CHECK_EQ(rondel_retain(promise), 0);
        for (int j = 0; j < 2; j++) CHECK_EQ(pthread_create(&threads[j], NULL, set_outside, &setters[j]), 0);
        int64_t result = rondel_run_until(loop, promise);
        CHECK(result == 1 || result == RONDEL_EPIPE);
        for (int j = 0; j < 2; j++) pthread_join(threads[j], NULL);
        rondel_run(loop, RONDEL_RUN_NOWAIT);
        CHECK_EQ(rondel_future_result(promise), result);
        CHECK_EQ(seen.calls, 1);
        CHECK_EQ(seen.result, result);
        CHECK_EQ(rondel_release(promise), 0);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void *release_outside(void *user_data) {
    CHECK_EQ(rondel_release_threadsafe(*(rondel_future *)user_data), 0);
    return NULL;
}

TEST(any_thread_may_release_a_future) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    pthread_t thread;
    CHECK_EQ(rondel_future_set(promise, 0), 0);
    CHECK_EQ(pthread_create(&thread, NULL, release_outside, &promise), 0);
    pthread_join(thread, NULL);
    rondel_run(loop, RONDEL_RUN_NOWAIT);
    CHECK_EQ(rondel_kind(promise), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST_MAIN(RUN(a_promise_is_pending_until_set), RUN(a_promise_may_fail), RUN(a_promise_is_settled_once),
          RUN(a_value_is_no_error_and_an_error_no_value), RUN(only_a_promise_can_be_set),
          RUN(then_tells_everyone_in_order_and_not_inside_set), RUN(who_takes_it_back_is_not_told),
          RUN(then_on_a_done_future_tells_in_the_next_turn), RUN(who_asks_again_when_told_waits_for_the_next_turn),
          RUN(who_comes_while_others_are_told_waits_for_the_next_turn),
          RUN(a_told_callback_may_ask_again_and_release), RUN(then_hears_of_an_operation_too),
          RUN(each_holder_releases_once), RUN(release_is_not_a_cancel),
          RUN(a_promise_nobody_holds_still_tells_when_set), RUN(retained_in_its_callback_it_stays),
          RUN(cancel_ends_a_promise_at_once_and_tells_later), RUN(close_is_cancel_and_release),
          RUN(a_timeout_ends_what_is_not_done_by_then), RUN(a_timeout_of_zero_does_not_end_it_inside_the_call),
          RUN(of_several_timeouts_the_shortest_holds), RUN(a_timeout_not_needed_leaves_nothing_behind),
          RUN(a_negative_timeout_is_refused), RUN(any_thread_may_set_a_promise_while_the_loop_waits),
          RUN(of_two_threads_that_set_the_first_wins_and_the_other_is_silent), RUN(any_thread_may_release_a_future))
