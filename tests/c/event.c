/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Events: not yet or already, and all who wait for the one go on with the other. */
#include "support/test.h"

#include "support/steps.h"
#include "support/turns.h"

TEST(an_event_is_not_set_until_it_is) {
    rondel_loop loop = rondel_loop_new();
    rondel_event event = rondel_event_new(loop);
    CHECK_EQ(rondel_kind(event), RONDEL_KIND_EVENT);
    CHECK_EQ(rondel_event_is_set(event), 0);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(rondel_event_set(event), 0);
        CHECK_EQ(rondel_event_is_set(event), 1);
    }
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(rondel_event_clear(event), 0);
        CHECK_EQ(rondel_event_is_set(event), 0);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(all_who_wait_go_on_when_it_is_set_and_later_ones_at_once) {
    rondel_loop loop = rondel_loop_new();
    rondel_event event = rondel_event_new(loop);
    CHECK(rondel_event_wait(event, told_by_name, "one") > 0);
    CHECK(rondel_event_wait(event, told_by_name, "two") > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0); /* waiting keeps nothing alive */
    CHECK_STR(trace_taken(), "");
    CHECK_EQ(rondel_event_set(event), 0);
    rondel_future late = rondel_event_wait(event, told_by_name, "three");
    CHECK_EQ(rondel_future_state(late), RONDEL_DONE);
    CHECK_STR(trace_taken(), "");
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "one two three");
    CHECK_EQ(taken(rondel_event_wait(event, RONDEL_FUTURE)), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(cleared_right_after_it_was_set_it_still_lets_them_go_on_once) {
    rondel_loop loop = rondel_loop_new();
    rondel_event event = rondel_event_new(loop);
    struct seen seen = {0, 0, 0};
    CHECK(rondel_event_wait(event, see, &seen) > 0);
    CHECK_EQ(rondel_event_set(event), 0);
    CHECK_EQ(rondel_event_clear(event), 0);
    rondel_future next = rondel_event_wait(event, RONDEL_FUTURE);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, 0);
    CHECK_EQ(rondel_future_state(next), RONDEL_PENDING); /* it came after */
    for (int i = 0; i < 2; i++) CHECK_EQ(rondel_event_set(event), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(taken(next), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_wait_that_is_cancelled_or_times_out_ends_alone) {
    rondel_loop loop = rondel_loop_new();
    rondel_event event = rondel_event_new(loop);
    rondel_future cancelled = rondel_event_wait(event, told_by_name, "cancelled");
    rondel_future late = rondel_timeout(rondel_event_wait(event, RONDEL_FUTURE), RONDEL_MS);
    CHECK(rondel_event_wait(event, told_by_name, "other") > 0);
    CHECK(rondel_event_wait(event, NULL, NULL) > 0);
    CHECK_EQ(rondel_cancel(cancelled), 0);
    CHECK_EQ(rondel_run_until(loop, late), RONDEL_ETIMEDOUT);
    CHECK_STR(trace_taken(), "cancelled!");
    CHECK_EQ(rondel_event_set(event), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "other");
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 2);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void set_again(rondel_handle source, int64_t result, void *user_data) {
    rondel_event event = rondel_future_origin(source);
    told_by_name(source, result, user_data);
    CHECK_EQ(rondel_event_clear(event), 0);
    CHECK(rondel_event_wait(event, told_by_name, "again") > 0);
    CHECK_EQ(rondel_event_set(event), 0);
}

TEST(callbacks_of_an_event_may_use_it) {
    rondel_loop loop = rondel_loop_new();
    rondel_event event = rondel_event_new(loop);
    CHECK(rondel_event_wait(event, set_again, "first") > 0);
    CHECK(rondel_event_wait(event, told_by_name, "second") > 0);
    CHECK_EQ(rondel_event_set(event), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "first second again");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(closing_an_event_or_its_loop_ends_those_who_wait) {
    rondel_loop loop = rondel_loop_new();
    rondel_event closed = rondel_event_new(loop), freed = rondel_event_new(loop);
    CHECK_EQ(rondel_on_close(closed, trace, "closed"), 0);
    CHECK_EQ(rondel_on_close(freed, trace, "freed"), 0);
    CHECK(rondel_event_wait(closed, told_by_name, "one") > 0);
    CHECK(rondel_event_wait(freed, told_by_name, "two") > 0);
    CHECK_EQ(rondel_close(closed), 0);
    CHECK_EQ(rondel_event_set(closed), RONDEL_EGONE);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "one! closed");
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_STR(trace_taken(), "two! freed");
}

struct waiter {
    rondel_event event;
    const char *name;
};

static int64_t wait_and_say(void *arg) {
    struct waiter *waiter = arg;
    int64_t result = rondel_await(rondel_event_wait(waiter->event, RONDEL_FUTURE));
    told_by_name(0, result, (void *)waiter->name);
    return result;
}

TEST(tasks_wait_and_one_that_begins_when_it_is_set_does_not) {
    rondel_loop loop = rondel_loop_new();
    rondel_event event = rondel_event_new(loop);
    struct waiter waiters[3] = {{event, "one"}, {event, "two"}, {event, "three"}};
    rondel_future tasks[3];
    for (int i = 0; i < 2; i++) tasks[i] = rondel_task_spawn(loop, wait_and_say, &waiters[i]);
    turns(loop);
    CHECK_STR(trace_taken(), "");
    tasks[2] = rondel_task_spawn(loop, wait_and_say, &waiters[2]);
    CHECK_EQ(rondel_event_set(event), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "three one two");
    for (int i = 0; i < 3; i++) CHECK_EQ(taken(tasks[i]), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_task_cancelled_while_it_waits_ends_and_the_event_forgets_it) {
    rondel_loop loop = rondel_loop_new();
    struct waiter waiter = {rondel_event_new(loop), "one"};
    rondel_future task = rondel_task_spawn(loop, wait_and_say, &waiter);
    turns(loop);
    CHECK_EQ(rondel_cancel(task), 0);
    CHECK_EQ(rondel_run_until(loop, task), RONDEL_ECANCELED);
    CHECK_STR(trace_taken(), "one!");
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 2);
    CHECK_EQ(rondel_event_set(waiter.event), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST_MAIN(RUN(an_event_is_not_set_until_it_is), RUN(all_who_wait_go_on_when_it_is_set_and_later_ones_at_once),
          RUN(cleared_right_after_it_was_set_it_still_lets_them_go_on_once),
          RUN(a_wait_that_is_cancelled_or_times_out_ends_alone), RUN(callbacks_of_an_event_may_use_it),
          RUN(closing_an_event_or_its_loop_ends_those_who_wait),
          RUN(tasks_wait_and_one_that_begins_when_it_is_set_does_not),
          RUN(a_task_cancelled_while_it_waits_ends_and_the_event_forgets_it))
