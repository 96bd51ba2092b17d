/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Callbacks due now or at a time: call_soon, call_later, call_at. */
#include "support/test.h"

#include "support/steps.h"

TEST(call_soon_runs_once_after_the_call_returned) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, -1, 0};
    rondel_future future = rondel_call_soon(loop, see, &seen);
    CHECK(future > 0);
    CHECK_EQ(rondel_kind(future), RONDEL_KIND_FUTURE);
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, 0);
    CHECK_EQ(seen.source, future);
    CHECK_EQ(rondel_kind(future), RONDEL_EGONE);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(seen.calls, 1);
}

TEST(call_soon_keeps_the_order_of_the_calls) {
    rondel_loop loop = rondel_loop_new();
    CHECK(rondel_call_soon(loop, trace, "one") > 0);
    CHECK(rondel_call_soon(loop, trace, "two") > 0);
    CHECK(rondel_call_soon(loop, trace, "three") > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 0);
    CHECK_STR(trace_taken(), "one two three");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void look_at_source(rondel_handle source, int64_t result, void *user_data) {
    see(source, result, user_data);
    CHECK_EQ(rondel_kind(source), RONDEL_KIND_FUTURE);
    CHECK_EQ(rondel_future_state(source), RONDEL_DONE);
    CHECK_EQ(rondel_future_result(source), 0);
    CHECK_EQ(rondel_future_origin(source), rondel_loop_current());
    CHECK_EQ(rondel_cancel(source), RONDEL_ESTATE);
    CHECK_EQ(rondel_release(source), RONDEL_ESTATE); /* nobody holds it */
}

TEST(the_source_is_the_future_and_lives_until_the_callback_returns) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, -1, 0};
    rondel_future soon = rondel_call_soon(loop, look_at_source, &seen);
    CHECK_EQ(rondel_future_origin(soon), loop);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.source, soon);
    rondel_future later = rondel_call_later(loop, RONDEL_MS, look_at_source, &seen);
    CHECK_EQ(rondel_future_origin(later), loop);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.source, later);
    CHECK_EQ(seen.calls, 2);
    CHECK_EQ(rondel_kind(later), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_million_are_called_in_one_turn_in_order) {
    const int64_t count = test_scale(1000000, 20000);
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    for (int64_t i = 0; i < count; i++) CHECK(rondel_call_soon(loop, see, &seen) > 0);
    int64_t turns = rondel_metric(loop, RONDEL_METRIC_TURNS);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 0);
    CHECK_EQ(seen.calls, count);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_TURNS), turns + 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

struct chain {
    int64_t links;
    int64_t ends_after; /* a guard: a starved loop must fail, not hang */
};

static void link_on(rondel_handle source, int64_t result, void *user_data) {
    struct chain *chain = user_data;
    if (result < 0) return;
    if (++chain->links == chain->ends_after) stop_loop(source, result, NULL);
    CHECK(rondel_call_soon(rondel_loop_of(source), link_on, chain) > 0);
}

static void accepted(rondel_handle source, int64_t peer, void *user_data) {
    see(source, peer, user_data);
    CHECK_EQ(rondel_close(peer), 0);
    stop_loop(source, 0, NULL);
}

TEST(call_soon_from_call_soon_does_not_starve_io_and_timers) {
    rondel_loop loop = rondel_loop_new();
    struct chain chain = {0, 1000};
    struct seen client_seen = {0, 0, 0}, timer_seen = {0, 0, 0};
    rondel_tcp server = rondel_tcp_listen(loop, "127.0.0.1", 0, accepted, &client_seen);
    REQUIRE(server > 0);
    int client = knock(server);
    CHECK(rondel_timer_start(loop, 0, 0, see, &timer_seen) > 0);
    CHECK(rondel_call_soon(loop, link_on, &chain) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 1);
    CHECK_EQ(client_seen.calls, 1);
    CHECK_EQ(timer_seen.calls, 1);
    CHECK(chain.links < 100);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(client);
}

TEST(a_cancelled_call_is_told_once_and_not_inside_cancel) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0}, later_seen = {0, 0, 0};
    rondel_future soon = rondel_call_soon(loop, see, &seen);
    rondel_future later = rondel_call_later(loop, 3600 * RONDEL_SECOND, see, &later_seen);
    CHECK_EQ(rondel_cancel(soon), 0);
    CHECK_EQ(rondel_cancel(later), 0);
    CHECK_EQ(rondel_cancel(later), RONDEL_ESTATE);
    CHECK_EQ(seen.calls + later_seen.calls, 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
    CHECK_EQ(later_seen.calls, 1);
    CHECK_EQ(later_seen.result, RONDEL_ECANCELED);
    CHECK_EQ(rondel_cancel(later), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(seen.calls + later_seen.calls, 2);
}

static void cancel_sibling(rondel_handle source, int64_t result, void *user_data) {
    (void)source;
    (void)result;
    CHECK_EQ(rondel_cancel(*(rondel_future *)user_data), 0);
}

TEST(a_callback_may_cancel_one_due_in_the_same_turn) {
    rondel_loop loop = rondel_loop_new();
    rondel_future sibling = 0;
    struct seen seen = {0, 0, 0};
    CHECK(rondel_call_soon(loop, cancel_sibling, &sibling) > 0);
    sibling = rondel_call_soon(loop, see, &seen);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

struct due {
    int64_t at;
    int64_t calls;
};

static void not_before_due(rondel_handle source, int64_t result, void *user_data) {
    struct due *due = user_data;
    CHECK(rondel_clock() >= due->at);
    CHECK(rondel_now(rondel_loop_of(source)) >= due->at);
    CHECK_EQ(result, 0);
    due->calls++;
}

TEST(call_later_and_call_at_never_run_early) {
    struct due due[200];
    const int count = (int)test_scale(200, 50);
    uint64_t random = 88172645463325252u;
    rondel_loop loop = rondel_loop_new();
    for (int i = 0; i < count; i++) {
        int64_t after = (int64_t)(next_random(&random) % (uint64_t)(20 * RONDEL_MS));
        due[i].at = rondel_clock() + after;
        due[i].calls = 0;
        CHECK((i % 2 ? rondel_call_at(loop, due[i].at, not_before_due, &due[i])
                     : rondel_call_later(loop, after, not_before_due, &due[i])) > 0);
    }
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    for (int i = 0; i < count; i++) CHECK_EQ(due[i].calls, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(calls_at_the_same_time_run_in_start_order) {
    rondel_loop loop = rondel_loop_new();
    int64_t when = rondel_clock() + 2 * RONDEL_MS;
    CHECK(rondel_call_at(loop, when + 1, trace, "last") > 0);
    CHECK(rondel_call_at(loop, when, trace, "a") > 0);
    CHECK(rondel_call_at(loop, when, trace, "b") > 0);
    CHECK(rondel_call_at(loop, when - 1, trace, "first") > 0);
    CHECK(rondel_call_at(loop, when, trace, "c") > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "first a b c last");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_time_gone_by_is_due_in_the_next_turn) {
    rondel_loop loop = rondel_loop_new();
    CHECK(rondel_call_at(loop, rondel_clock() - RONDEL_SECOND, trace, "past") > 0);
    CHECK(rondel_call_later(loop, 0, trace, "zero") > 0);
    CHECK_STR(trace_taken(), "");
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 0);
    CHECK_STR(trace_taken(), "past zero");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void again_in_the_past(rondel_handle source, int64_t result, void *user_data) {
    struct chain *chain = user_data;
    if (result < 0) return;
    if (++chain->links == chain->ends_after) stop_loop(source, result, NULL);
    CHECK(rondel_call_at(rondel_loop_of(source), 1, again_in_the_past, chain) > 0);
}

TEST(a_chain_of_times_gone_by_does_not_starve_what_is_due) {
    rondel_loop loop = rondel_loop_new();
    struct chain chain = {0, 1000};
    struct seen seen = {0, 0, 0};
    CHECK(rondel_call_at(loop, 1, again_in_the_past, &chain) > 0);
    CHECK(rondel_call_later(loop, 0, see, &seen) > 0);
    for (int i = 0; i < 10; i++) CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(chain.links, 10); /* and goes on itself, once a turn */
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_negative_delay_is_refused) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    CHECK_EQ(rondel_call_later(loop, -1, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_call_later(loop, INT64_MIN, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_alive(loop), 0);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(seen.calls, 0);
}

TEST(a_delay_beyond_all_time_never_comes) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    rondel_future never = rondel_call_later(loop, RONDEL_FOREVER, see, &seen);
    CHECK(never > 0);
    CHECK(rondel_call_at(loop, INT64_MAX, see, &seen) > 0);
    for (int i = 0; i < 3; i++) CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(seen.calls, 2);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
}

TEST(without_a_function_the_future_frees_itself) {
    rondel_loop loop = rondel_loop_new();
    rondel_future soon = rondel_call_soon(loop, NULL, NULL);
    rondel_future later = rondel_call_later(loop, RONDEL_MS, NULL, NULL);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 3);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
    CHECK_EQ(rondel_future_state(soon), RONDEL_EGONE);
    CHECK_EQ(rondel_future_state(later), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(kept_the_future_stays_until_released) {
    rondel_loop loop = rondel_loop_new();
    rondel_future soon = rondel_call_soon(loop, RONDEL_FUTURE);
    CHECK_EQ(rondel_future_state(soon), RONDEL_PENDING);
    CHECK_EQ(rondel_future_result(soon), RONDEL_EAGAIN);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_future_state(soon), RONDEL_DONE);
    CHECK_EQ(rondel_future_result(soon), 0);
    CHECK_EQ(rondel_release(soon), 0);
    CHECK_EQ(rondel_future_state(soon), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST_MAIN(RUN(call_soon_runs_once_after_the_call_returned), RUN(call_soon_keeps_the_order_of_the_calls),
          RUN(the_source_is_the_future_and_lives_until_the_callback_returns),
          RUN(a_million_are_called_in_one_turn_in_order), RUN(call_soon_from_call_soon_does_not_starve_io_and_timers),
          RUN(a_cancelled_call_is_told_once_and_not_inside_cancel), RUN(a_callback_may_cancel_one_due_in_the_same_turn),
          RUN(call_later_and_call_at_never_run_early), RUN(calls_at_the_same_time_run_in_start_order),
          RUN(a_time_gone_by_is_due_in_the_next_turn), RUN(a_chain_of_times_gone_by_does_not_starve_what_is_due),
          RUN(a_negative_delay_is_refused), RUN(a_delay_beyond_all_time_never_comes),
          RUN(without_a_function_the_future_frees_itself), RUN(kept_the_future_stays_until_released))
