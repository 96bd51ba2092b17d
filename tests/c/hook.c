/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Hooks: idle, prepare and check callbacks, called every turn until closed. */
#include "support/test.h"

#include "support/steps.h"

struct countdown {
    int64_t left;
    int64_t calls;
};

static void count_down(rondel_handle source, int64_t result, void *user_data) {
    struct countdown *countdown = user_data;
    CHECK_EQ(result, 0);
    CHECK(countdown->left > 0); /* never called again once closed */
    countdown->calls++;
    if (--countdown->left == 0) CHECK_EQ(rondel_close(source), 0);
}

TEST(hooks_are_called_once_every_turn) {
    rondel_loop loop = rondel_loop_new();
    CHECK(rondel_check_start(loop, trace, "c") > 0);
    CHECK(rondel_prepare_start(loop, trace, "p") > 0);
    CHECK(rondel_idle_start(loop, trace, "i") > 0);
    for (int i = 0; i < 3; i++) CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_STR(trace_taken(), "i p c i p c i p c");
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_STR(trace_taken(), "");
}

TEST(hooks_of_one_kind_are_called_in_start_order) {
    rondel_loop loop = rondel_loop_new();
    CHECK(rondel_prepare_start(loop, trace, "1") > 0);
    rondel_hook second = rondel_prepare_start(loop, trace, "2");
    CHECK(rondel_prepare_start(loop, trace, "3") > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_STR(trace_taken(), "1 2 3");
    CHECK_EQ(rondel_close(second), 0);
    CHECK(rondel_prepare_start(loop, trace, "4") > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_STR(trace_taken(), "1 3 4");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(an_idle_hook_keeps_the_poll_from_waiting) {
    rondel_loop loop = rondel_loop_new();
    struct countdown idle = {1000, 0};
    rondel_timer far = rondel_timer_start(loop, 3600 * RONDEL_SECOND, 0, trace, "never");
    CHECK_EQ(rondel_unref(far), 0);
    CHECK(rondel_idle_start(loop, count_down, &idle) > 0);
    CHECK_EQ(rondel_backend_timeout(loop), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0); /* a wait would trip the watchdog */
    CHECK_EQ(idle.calls, 1000);
    CHECK_STR(trace_taken(), "");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void stop_when_it_has_waited(rondel_handle source, int64_t result, void *user_data) {
    rondel_loop loop = rondel_loop_of(source);
    (void)result, (void)user_data;
    if (rondel_metric(loop, RONDEL_METRIC_IDLE_TIME) > 0) CHECK_EQ(rondel_stop(loop), 0);
}

TEST(prepare_and_check_stand_around_a_poll_that_waits) {
    rondel_loop loop = rondel_loop_new();
    CHECK(rondel_prepare_start(loop, trace, "prepare") > 0);
    CHECK(rondel_check_start(loop, trace, "check") > 0);
    CHECK(rondel_backend_timeout(loop) > 0);
    /* A slow machine may come to a poll when the timer is due already, but not every time. */
    CHECK(rondel_timer_start(loop, 20 * RONDEL_MS, 20 * RONDEL_MS, stop_when_it_has_waited, NULL) > 0);
    int64_t polls = rondel_metric(loop, RONDEL_METRIC_POLLS);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 1);
    CHECK(rondel_metric(loop, RONDEL_METRIC_POLLS) > polls);
    CHECK(!strncmp(trace_taken(), "prepare check prepare check", 27));
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_hook_may_close_itself) {
    rondel_loop loop = rondel_loop_new();
    struct countdown idle = {1, 0}, prepare = {2, 0}, check = {3, 0};
    struct seen closed = {0, -1, 0};
    rondel_hook hook = rondel_idle_start(loop, count_down, &idle);
    CHECK_EQ(rondel_on_close(hook, see, &closed), 0);
    CHECK(rondel_prepare_start(loop, count_down, &prepare) > 0);
    CHECK(rondel_check_start(loop, count_down, &check) > 0);
    rondel_hook spin = rondel_idle_start(loop, trace, "spin"); /* the others never end a wait by themselves */
    CHECK_EQ(rondel_unref(spin), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(idle.calls, 1);
    CHECK_EQ(prepare.calls, 2);
    CHECK_EQ(check.calls, 3);
    CHECK_EQ(closed.calls, 1);
    CHECK_EQ(closed.result, 0);
    CHECK_EQ(closed.source, hook);
    trace_taken();
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void close_those(rondel_handle source, int64_t result, void *user_data) {
    rondel_hook *hooks = user_data;
    trace(source, result, "closer");
    for (int i = 0; i < 4; i++)
        if (hooks[i] > 0) CHECK_EQ(rondel_close(hooks[i]), 0);
    memset(hooks, 0, 4 * sizeof *hooks);
}

TEST(a_hook_closed_by_its_sibling_is_not_called_any_more) {
    rondel_loop loop = rondel_loop_new();
    rondel_hook hooks[4] = {0, 0, 0, 0};
    hooks[0] = rondel_idle_start(loop, trace, "before");
    CHECK(rondel_idle_start(loop, close_those, hooks) > 0);
    hooks[1] = rondel_idle_start(loop, trace, "after");
    hooks[2] = rondel_prepare_start(loop, trace, "prepare");
    hooks[3] = rondel_check_start(loop, trace, "check");
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_STR(trace_taken(), "before closer closer");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void start_another(rondel_handle source, int64_t result, void *user_data) {
    int *started = user_data;
    trace(source, result, "starter");
    if (!(*started)++) CHECK(rondel_idle_start(rondel_loop_of(source), trace, "started") > 0);
}

TEST(a_hook_started_by_one_of_its_kind_waits_for_the_next_turn) {
    rondel_loop loop = rondel_loop_new();
    int started = 0;
    CHECK(rondel_idle_start(loop, start_another, &started) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_STR(trace_taken(), "starter");
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_STR(trace_taken(), "starter started");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_hook_may_stop_the_loop) {
    rondel_loop loop = rondel_loop_new();
    CHECK(rondel_idle_start(loop, stop_loop, NULL) > 0);
    CHECK(rondel_check_start(loop, trace, "check") > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 1);
    CHECK_STR(trace_taken(), "check");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_hook_keeps_the_loop_alive_unless_unreferenced) {
    rondel_loop loop = rondel_loop_new();
    rondel_hook hooks[3] = {rondel_idle_start(loop, trace, "i"), rondel_prepare_start(loop, trace, "p"),
                            rondel_check_start(loop, trace, "c")};
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(rondel_is_active(hooks[i]), 1);
        CHECK_EQ(rondel_alive(loop), 1);
        CHECK_EQ(rondel_unref(hooks[i]), 0);
    }
    CHECK_EQ(rondel_alive(loop), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(rondel_ref(hooks[i]), 0);
        CHECK_EQ(rondel_alive(loop), 1);
        CHECK_EQ(rondel_close(hooks[i]), 0);
        rondel_run(loop, RONDEL_RUN_NOWAIT);
        CHECK_EQ(rondel_alive(loop), 0);
    }
    trace_taken();
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_hook_without_a_function_is_refused) {
    rondel_loop loop = rondel_loop_new();
    CHECK_EQ(rondel_idle_start(loop, NULL, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_prepare_start(loop, NULL, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_check_start(loop, NULL, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST_MAIN(RUN(hooks_are_called_once_every_turn), RUN(hooks_of_one_kind_are_called_in_start_order),
          RUN(an_idle_hook_keeps_the_poll_from_waiting), RUN(prepare_and_check_stand_around_a_poll_that_waits),
          RUN(a_hook_may_close_itself), RUN(a_hook_closed_by_its_sibling_is_not_called_any_more),
          RUN(a_hook_started_by_one_of_its_kind_waits_for_the_next_turn), RUN(a_hook_may_stop_the_loop),
          RUN(a_hook_keeps_the_loop_alive_unless_unreferenced), RUN(a_hook_without_a_function_is_refused))
