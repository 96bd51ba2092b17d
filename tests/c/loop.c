/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The loop: the order of a turn, what keeps it alive, what it tells of itself, many of them. */
#include "support/test.h"

#include "support/steps.h"

#include <fcntl.h>
#include <sys/resource.h>

TEST(a_turn_goes_timers_ready_idle_prepare_io_check_close_notices) {
    rondel_loop loop = rondel_loop_new();
    rondel_tcp server = rondel_tcp_listen(loop, "127.0.0.1", 0, trace, "io");
    REQUIRE(server > 0);
    int client = knock(server);
    rondel_timer closed = rondel_timer_start(loop, 3600 * RONDEL_SECOND, 0, trace, "never");
    CHECK_EQ(rondel_on_close(closed, trace, "close"), 0);
    CHECK_EQ(rondel_close(closed), 0);
    CHECK(rondel_check_start(loop, trace, "check") > 0);
    CHECK(rondel_prepare_start(loop, trace, "prepare") > 0);
    CHECK(rondel_idle_start(loop, trace, "idle") > 0);
    CHECK(rondel_call_soon(loop, trace, "ready") > 0);
    CHECK(rondel_timer_start(loop, 0, 0, trace, "timer") > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_STR(trace_taken(), "timer ready idle prepare io check close");
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_STR(trace_taken(), "idle prepare check");
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_STR(trace_taken(), "");
    close(client);
}

static void trace_then_soon(rondel_handle source, int64_t result, void *user_data) {
    trace(source, result, user_data);
    CHECK(rondel_call_soon(rondel_loop_of(source), trace, "soon") > 0);
}

TEST(what_a_turn_queues_runs_in_the_next) {
    rondel_loop loop = rondel_loop_new();
    CHECK(rondel_check_start(loop, trace, "|") > 0);
    CHECK(rondel_timer_start(loop, 0, 0, trace_then_soon, "timer") > 0);
    CHECK(rondel_call_soon(loop, trace_then_soon, "ready") > 0);
    CHECK(rondel_call_soon(loop, trace, "too") > 0);
    for (int i = 0; i < 3; i++) rondel_run(loop, RONDEL_RUN_NOWAIT);
    CHECK_STR(trace_taken(), "timer ready too | soon soon | |");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void close_and_notice(rondel_handle source, int64_t result, void *user_data) {
    trace(source, result, user_data);
    CHECK_EQ(rondel_on_close(source, trace, "notice"), 0);
    CHECK_EQ(rondel_close(source), 0);
}

TEST(a_notice_comes_at_the_end_of_the_turn_that_closed) {
    rondel_loop loop = rondel_loop_new();
    CHECK(rondel_check_start(loop, trace, "check") > 0);
    CHECK(rondel_idle_start(loop, close_and_notice, "idle") > 0);
    CHECK(rondel_timer_start(loop, 0, 0, close_and_notice, "timer") > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_STR(trace_taken(), "timer idle check notice notice");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(an_unreferenced_handle_does_not_keep_the_loop_alive) {
    rondel_loop loop = rondel_loop_new();
    rondel_timer timer = rondel_timer_start(loop, 3600 * RONDEL_SECOND, 0, trace, "never");
    CHECK_EQ(rondel_alive(loop), 1);
    CHECK_EQ(rondel_unref(timer), 0);
    CHECK_EQ(rondel_unref(timer), 0); /* a mark, not a count */
    CHECK_EQ(rondel_is_active(timer), 1);
    CHECK_EQ(rondel_alive(loop), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_ref(timer), 0);
    CHECK_EQ(rondel_alive(loop), 1);
    CHECK_EQ(rondel_unref(timer), 0);
    CHECK_EQ(rondel_timer_set(timer, 3600 * RONDEL_SECOND, 0), 0);
    CHECK_EQ(rondel_alive(loop), 0); /* a restart does not take the mark away */
    CHECK_EQ(rondel_timer_set(timer, 0, 0), 0);
    CHECK(rondel_timer_start(loop, RONDEL_MS, 0, trace, "other") > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "never other"); /* it still fires while the loop runs for another's sake */
    CHECK_EQ(rondel_ref(loop), RONDEL_EKIND);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(only_what_still_has_something_to_do_keeps_the_loop_alive) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    CHECK_EQ(rondel_alive(loop), 0);
    rondel_timer timer = rondel_timer_start(loop, 3600 * RONDEL_SECOND, 0, trace, "never");
    CHECK_EQ(rondel_timer_stop(timer), 0);
    CHECK_EQ(rondel_alive(loop), 0);
    rondel_tcp tcp = rondel_tcp_new(loop);
    CHECK_EQ(rondel_alive(loop), 0);
    rondel_future later = rondel_call_later(loop, 3600 * RONDEL_SECOND, RONDEL_FUTURE);
    CHECK_EQ(rondel_alive(loop), 1);
    CHECK_EQ(rondel_close(later), 0);
    rondel_hook hook = rondel_check_start(loop, trace, "never");
    CHECK_EQ(rondel_alive(loop), 1);
    CHECK_EQ(rondel_close(hook), 0);
    CHECK_EQ(rondel_close(tcp), 0);
    CHECK_EQ(rondel_close(promise), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_alive(loop), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

struct walked {
    int64_t count[8];
    rondel_handle closed;
};

static void count_kind(rondel_handle handle, int64_t kind, void *user_data) {
    struct walked *walked = user_data;
    CHECK_EQ(kind, rondel_kind(handle));
    if (kind > 0 && kind < 8) walked->count[kind]++;
}

static void close_each(rondel_handle handle, int64_t kind, void *user_data) {
    count_kind(handle, kind, user_data);
    if (kind == RONDEL_KIND_LOOP) return;
    CHECK_EQ(rondel_close(handle), 0);
    CHECK(rondel_timer_start(rondel_loop_of(handle), 0, 0, close_source, NULL) > 0);
}

static void walk_here(rondel_handle source, int64_t result, void *user_data) {
    (void)result;
    CHECK(rondel_walk(rondel_loop_of(source), count_kind, user_data) > 0);
}

static void close_sibling(rondel_handle handle, int64_t kind, void *user_data) {
    rondel_timer *pair = user_data;
    trace_word(handle == pair[0] ? "first" : handle == pair[1] ? "second" : "loop");
    if (kind == RONDEL_KIND_TIMER) CHECK_EQ(rondel_close(handle == pair[0] ? pair[1] : pair[0]), 0);
}

TEST(walk_leaves_out_what_was_closed_meanwhile) {
    rondel_loop loop = rondel_loop_new();
    rondel_timer pair[2];
    for (int i = 0; i < 2; i++) pair[i] = rondel_timer_start(loop, 3600 * RONDEL_SECOND, 0, trace, "never");
    CHECK_EQ(rondel_walk(loop, close_sibling, pair), 2);
    CHECK_STR(trace_taken(), "loop first");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(walk_shows_every_handle_once) {
    rondel_loop loop = rondel_loop_new();
    struct walked walked, inside;
    memset(&walked, 0, sizeof walked);
    memset(&inside, 0, sizeof inside);
    CHECK_EQ(rondel_walk(loop, count_kind, &walked), 1);
    CHECK(rondel_timer_start(loop, 3600 * RONDEL_SECOND, 0, trace, "never") > 0);
    CHECK(rondel_timer_start(loop, 3600 * RONDEL_SECOND, 0, trace, "never") > 0);
    CHECK(rondel_tcp_new(loop) > 0);
    CHECK(rondel_idle_start(loop, trace, "idle") > 0);
    CHECK(rondel_call_later(loop, 3600 * RONDEL_SECOND, NULL, NULL) > 0);
    memset(&walked, 0, sizeof walked);
    CHECK_EQ(rondel_walk(loop, count_kind, &walked), 6);
    CHECK_EQ(walked.count[RONDEL_KIND_LOOP], 1);
    CHECK_EQ(walked.count[RONDEL_KIND_TIMER], 2);
    CHECK_EQ(walked.count[RONDEL_KIND_TCP], 1);
    CHECK_EQ(walked.count[RONDEL_KIND_IDLE], 1);
    CHECK_EQ(walked.count[RONDEL_KIND_FUTURE], 1);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 6);
    CHECK_EQ(rondel_walk(loop, NULL, NULL), RONDEL_EINVAL);
    CHECK(rondel_call_soon(loop, walk_here, &inside) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(inside.count[RONDEL_KIND_TIMER], 2);
    CHECK_EQ(rondel_loop_free(loop), 0);
    trace_taken();
}

TEST(a_walk_may_close_what_it_finds_and_start_more) {
    rondel_loop loop = rondel_loop_new();
    struct walked walked;
    memset(&walked, 0, sizeof walked);
    for (int i = 0; i < 100; i++) CHECK(rondel_timer_start(loop, 3600 * RONDEL_SECOND, 0, trace, "never") > 0);
    CHECK_EQ(rondel_walk(loop, close_each, &walked), 101);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_walk(loop, count_kind, &walked), 1);
    CHECK_STR(trace_taken(), "");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void busy_callback(rondel_handle source, int64_t result, void *user_data) {
    see(source, result, user_data);
    busy_for(3 * RONDEL_MS);
}

static void wait_a_moment(rondel_handle source, int64_t result, void *user_data) {
    (void)result, (void)user_data;
    CHECK(rondel_call_later(rondel_loop_of(source), RONDEL_MS, NULL, NULL) > 0);
}

TEST(metrics_count_what_happened) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    for (int i = 0; i < 7; i++) CHECK_EQ(rondel_metric(loop, i), i == RONDEL_METRIC_HANDLES); /* the loop itself */
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_EVENTS_WAITING + 1), RONDEL_EINVAL);
    CHECK_EQ(rondel_metric(loop, -1), RONDEL_EINVAL);
    for (int i = 0; i < 5; i++) rondel_run(loop, RONDEL_RUN_NOWAIT);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_TURNS), 5);
    for (int i = 0; i < 3; i++) CHECK(rondel_call_soon(loop, see, &seen) > 0);
    CHECK(rondel_timer_start(loop, 5 * RONDEL_MS, 0, busy_callback, &seen) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 4);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_CALLBACKS), 4);
    CHECK(rondel_metric(loop, RONDEL_METRIC_BUSY_TIME) >= 3 * RONDEL_MS);
    /* A machine that is busy elsewhere may leave nothing to wait for; not always. */
    while (rondel_metric(loop, RONDEL_METRIC_IDLE_TIME) == 0) {
        CHECK(rondel_call_soon(loop, wait_a_moment, NULL) > 0);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    }
    CHECK(rondel_metric(loop, RONDEL_METRIC_POLLS) > 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void now_stands_still(rondel_handle source, int64_t result, void *user_data) {
    rondel_loop loop = rondel_loop_of(source);
    int64_t *last = user_data, now = rondel_now(loop);
    (void)result;
    busy_for(2 * RONDEL_MS);
    CHECK_EQ(rondel_now(loop), now);
    CHECK(now <= rondel_clock());
    CHECK(*last == 0 || *last == now);
    *last = now;
}

TEST(now_stands_still_in_a_turn_and_moves_between) {
    rondel_loop loop = rondel_loop_new();
    int64_t first = 0, second = 0, before = rondel_clock();
    for (int i = 0; i < 3; i++) CHECK(rondel_call_soon(loop, now_stands_still, &first) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK(rondel_call_soon(loop, now_stands_still, &second) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK(first >= before);
    CHECK(second >= first + 6 * RONDEL_MS);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(many_loops_live_side_by_side) {
    rondel_loop loops[64];
    struct seen seen = {0, 0, 0};
    for (int i = 0; i < 64; i++) {
        loops[i] = rondel_loop_new();
        REQUIRE(loops[i] > 0);
        for (int j = 0; j < i; j++) CHECK(loops[i] != loops[j]);
        CHECK(rondel_call_soon(loops[i], see, &seen) > 0);
    }
    for (int i = 63; i >= 0; i--) {
        CHECK_EQ(rondel_run(loops[i], RONDEL_RUN_DEFAULT), 0);
        CHECK_EQ(seen.calls, 64 - i);
        CHECK_EQ(rondel_loop_free(loops[i]), 0);
    }
}

TEST(loops_come_and_go_by_the_thousand) {
    const int64_t rounds = test_scale(20000, 300);
    struct seen seen = {0, 0, 0};
    for (int64_t i = 0; i < rounds; i++) {
        rondel_loop loop = rondel_loop_new();
        REQUIRE(loop > 0);
        CHECK(rondel_call_soon(loop, see, &seen) > 0);
        if (i % 2) CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_EQ(rondel_loop_free(loop), 0);
        CHECK_EQ(rondel_loop_free(loop), RONDEL_EGONE);
    }
    CHECK_EQ(seen.calls, rounds);
}

TEST(without_descriptors_a_new_loop_is_refused_and_the_others_run_on) {
#ifndef RLIMIT_NOFILE
    SKIP("a process's descriptors cannot be limited");
#else
    rondel_loop loop = rondel_loop_new();
    struct rlimit before, low;
    int opened[256], count = 0;
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    low = before;
    low.rlim_cur = 200;
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
    while (count < 256 && (opened[count] = open("/dev/null", O_RDONLY)) >= 0) count++;
    CHECK_EQ(rondel_loop_new(), RONDEL_EMFILE);
    CHECK_EQ(rondel_tcp_listen(loop, "127.0.0.1", 0, trace, "io"), RONDEL_EMFILE);
    CHECK(rondel_timer_start(loop, RONDEL_MS, 0, trace, "timer") > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "timer");
    while (count > 0) close(opened[--count]);
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    rondel_loop again = rondel_loop_new();
    CHECK(again > 0);
    CHECK_EQ(rondel_loop_free(again), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
#endif
}

TEST_MAIN(RUN(a_turn_goes_timers_ready_idle_prepare_io_check_close_notices), RUN(what_a_turn_queues_runs_in_the_next),
          RUN(a_notice_comes_at_the_end_of_the_turn_that_closed),
          RUN(an_unreferenced_handle_does_not_keep_the_loop_alive),
          RUN(only_what_still_has_something_to_do_keeps_the_loop_alive), RUN(walk_leaves_out_what_was_closed_meanwhile),
          RUN(walk_shows_every_handle_once), RUN(a_walk_may_close_what_it_finds_and_start_more),
          RUN(metrics_count_what_happened), RUN(now_stands_still_in_a_turn_and_moves_between),
          RUN(many_loops_live_side_by_side), RUN(loops_come_and_go_by_the_thousand),
          RUN(without_descriptors_a_new_loop_is_refused_and_the_others_run_on))
