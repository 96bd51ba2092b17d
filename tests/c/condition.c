/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Conditions: whoever waits gives the lock up and has it again when the wait ends, however it ends; no notice is lost. */
#include "support/test.h"

#include "support/steps.h"
#include "support/turns.h"

/* A loop, a lock and a condition of it. */
static rondel_loop loop;
static rondel_lock lock;
static rondel_condition condition;

static void begin(void) {
    loop = rondel_loop_new();
    lock = rondel_lock_new(loop);
    condition = rondel_condition_new(lock);
    CHECK(condition > 0);
}

static void end(void) { CHECK_EQ(rondel_loop_free(loop), 0); }

/* A wait by a future that is kept; the lock is acquired for it and given up by it. */
static rondel_future begin_wait(void) {
    CHECK_EQ(rondel_lock_try(lock), 0);
    rondel_future wait = rondel_condition_wait(condition, RONDEL_FUTURE);
    CHECK_EQ(rondel_lock_held(lock), 0);
    return wait;
}

TEST(it_goes_with_a_lock) {
    begin();
    CHECK_EQ(rondel_kind(condition), RONDEL_KIND_CONDITION);
    CHECK_EQ(rondel_condition_new(loop), RONDEL_EKIND);
    CHECK_EQ(rondel_condition_new(condition), RONDEL_EKIND);
    CHECK_EQ(rondel_condition_new(RONDEL_ENOMEM), RONDEL_ENOMEM);
    end();
}

TEST(without_the_lock_there_is_no_waiting_and_no_notifying) {
    struct seen seen = {0, 0, 0};
    begin();
    CHECK_EQ(rondel_condition_wait(condition, see, &seen), RONDEL_ESTATE);
    CHECK_EQ(rondel_condition_notify(condition, 1), RONDEL_ESTATE);
    CHECK_EQ(rondel_condition_notify_all(condition), RONDEL_ESTATE);
    CHECK_EQ(rondel_lock_try(lock), 0);
    CHECK_EQ(rondel_condition_notify(condition, -1), RONDEL_EINVAL);
    CHECK_EQ(rondel_condition_notify(condition, INT64_MIN), RONDEL_EINVAL);
    CHECK_EQ(rondel_condition_wait(condition, NULL, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_lock_held(lock), 1);
    CHECK_EQ(rondel_condition_notify(condition, 1), 0); /* nobody waits */
    end();
    CHECK_EQ(seen.calls, 0);
}

TEST(notified_a_wait_ends_when_it_gets_the_lock) {
    struct seen seen = {0, 0, 0};
    begin();
    CHECK_EQ(rondel_lock_try(lock), 0);
    rondel_future wait = rondel_condition_wait(condition, see, &seen);
    CHECK_EQ(rondel_lock_held(lock), 0);
    CHECK_EQ(rondel_future_origin(wait), condition);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0); /* waiting keeps nothing alive */
    CHECK_EQ(rondel_lock_try(lock), 0);
    CHECK_EQ(rondel_condition_notify(condition, 1), 1);
    CHECK_EQ(rondel_condition_notify(condition, 1), 0); /* it was notified already */
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_lock_held(lock), 1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, 0);
    CHECK_EQ(rondel_lock_held(lock), 1);
    end();
}

TEST(the_first_to_wait_are_notified_first) {
    const char *const names[4] = {"one", "two", "three", "four"};
    begin();
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(rondel_lock_try(lock), 0);
        CHECK(rondel_condition_wait(condition, told_by_name, (void *)names[i]) > 0);
    }
    CHECK_EQ(rondel_lock_try(lock), 0);
    CHECK_EQ(rondel_condition_notify(condition, 1), 1);
    CHECK_EQ(rondel_condition_notify(condition, 0), 0);
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "one");
    CHECK_EQ(rondel_condition_notify(condition, 2), 2); /* the lock is held, by that one */
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_STR(trace_taken(), i ? "two" : "");
        CHECK_EQ(rondel_lock_release(lock), 0);
    }
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "three");
    CHECK_EQ(rondel_condition_notify(condition, 2048), 1);
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "four");
    end();
}

TEST(notified_ones_line_up_behind_those_who_want_the_lock) {
    begin();
    CHECK_EQ(rondel_lock_try(lock), 0);
    CHECK(rondel_condition_wait(condition, told_by_name, "wait one") > 0);
    CHECK_EQ(rondel_lock_try(lock), 0);
    CHECK(rondel_condition_wait(condition, told_by_name, "wait two") > 0);
    CHECK_EQ(rondel_lock_try(lock), 0);
    CHECK(rondel_lock_acquire(lock, told_by_name, "acquire") > 0);
    CHECK_EQ(rondel_condition_notify_all(condition), 2);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(rondel_lock_release(lock), 0);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_STR(trace_taken(), i == 0 ? "acquire" : i == 1 ? "wait one" : "wait two");
    }
    end();
}

TEST(a_cancelled_wait_first_gets_the_lock) {
    begin();
    rondel_future wait = begin_wait();
    CHECK_EQ(rondel_cancel(wait), 0); /* free: it has it at once */
    CHECK_EQ(rondel_future_state(wait), RONDEL_CANCELLED);
    CHECK_EQ(taken(wait), RONDEL_ECANCELED);
    CHECK_EQ(rondel_lock_release(lock), 0);

    wait = begin_wait();
    CHECK_EQ(rondel_lock_try(lock), 0); /* held: it has to wait for it */
    CHECK_EQ(rondel_cancel(wait), 0);
    CHECK_EQ(rondel_cancel(wait), 0); /* once more changes nothing */
    CHECK_EQ(rondel_future_state(wait), RONDEL_PENDING);
    CHECK_EQ(rondel_condition_notify_all(condition), 0); /* it does not wait for that any more */
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_lock_held(lock), 1);
    CHECK_EQ(taken(wait), RONDEL_ECANCELED);
    CHECK_EQ(rondel_lock_release(lock), 0);
    end();
}

TEST(a_wait_that_times_out_has_the_lock_too) {
    begin();
    rondel_future wait = begin_wait();
    CHECK_EQ(rondel_run_until(loop, rondel_timeout(wait, RONDEL_MS)), RONDEL_ETIMEDOUT);
    CHECK_EQ(rondel_lock_held(lock), 1);
    CHECK_EQ(rondel_lock_release(lock), 0);
    wait = begin_wait();
    CHECK_EQ(rondel_lock_try(lock), 0);
    rondel_future deadline = rondel_call_later(loop, 2 * RONDEL_MS, RONDEL_FUTURE);
    CHECK_EQ(rondel_timeout(wait, RONDEL_MS), wait);
    CHECK_EQ(rondel_run_until(loop, deadline), 0);
    CHECK_EQ(rondel_future_state(wait), RONDEL_PENDING); /* overdue, but without the lock */
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_run_until(loop, wait), RONDEL_ETIMEDOUT);
    CHECK_EQ(rondel_lock_held(lock), 1);
    end();
}

TEST(cancelled_after_it_had_ended_it_keeps_its_notice) {
    begin();
    rondel_future wait = begin_wait(), other = begin_wait();
    CHECK_EQ(rondel_lock_try(lock), 0);
    CHECK_EQ(rondel_condition_notify(condition, 1), 1);
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_cancel(wait), RONDEL_ESTATE); /* it has the lock already */
    CHECK_EQ(taken(wait), 0);
    CHECK_EQ(rondel_future_state(other), RONDEL_PENDING);
    end();
}

TEST(a_notice_to_one_cancelled_before_it_had_the_lock_goes_to_the_next) {
    begin();
    rondel_future first = begin_wait(), second = begin_wait(), third = begin_wait();
    CHECK_EQ(rondel_lock_try(lock), 0);
    CHECK_EQ(rondel_condition_notify(condition, 1), 1);
    CHECK_EQ(rondel_cancel(first), 0);
    CHECK_EQ(rondel_cancel(first), 0); /* passes one notice on, not two */
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(taken(first), RONDEL_ECANCELED);
    CHECK_EQ(rondel_future_state(second), RONDEL_PENDING);
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(taken(second), 0);
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_future_state(third), RONDEL_PENDING);
    CHECK_EQ(rondel_lock_held(lock), 0);
    end();
}

TEST(a_wait_that_was_let_go_takes_neither_notice_nor_lock) {
    begin();
    rondel_future gone = begin_wait(), closed = begin_wait(), other = begin_wait(), last = begin_wait();
    CHECK_EQ(rondel_release(gone), 0);
    CHECK_EQ(rondel_close(closed), 0);
    CHECK_EQ(rondel_kind(closed), RONDEL_EGONE);
    CHECK_EQ(rondel_lock_held(lock), 0);
    CHECK_EQ(rondel_lock_try(lock), 0);
    CHECK_EQ(rondel_condition_notify(condition, 1), 1);
    CHECK_EQ(rondel_kind(gone), RONDEL_EGONE);
    CHECK_EQ(rondel_release(other), 0); /* in the line for the lock, with the notice */
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_kind(other), RONDEL_EGONE);
    CHECK_EQ(taken(last), 0); /* which goes on to this one */
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_lock_held(lock), 0);

    rondel_future first = begin_wait(), second = begin_wait();
    CHECK_EQ(rondel_lock_try(lock), 0);
    CHECK_EQ(rondel_condition_notify(condition, 1), 1);
    CHECK_EQ(rondel_close(first), 0);
    CHECK_EQ(rondel_kind(first), RONDEL_EGONE);
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(taken(second), 0);
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_lock_held(lock), 0);
    end();
}

TEST(one_lock_may_have_several_conditions) {
    begin();
    rondel_condition other = rondel_condition_new(lock);
    rondel_future wait = begin_wait();
    CHECK_EQ(rondel_lock_try(lock), 0);
    CHECK(rondel_condition_wait(other, told_by_name, "other") > 0);
    CHECK_EQ(rondel_lock_try(lock), 0);
    CHECK_EQ(rondel_condition_notify_all(other), 1);
    CHECK_EQ(rondel_condition_notify_all(other), 0);
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "other");
    CHECK_EQ(rondel_future_state(wait), RONDEL_PENDING);
    CHECK_EQ(rondel_condition_notify_all(condition), 1);
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(taken(wait), 0);
    end();
}

TEST(closing_it_ends_its_waits_without_the_lock) {
    begin();
    rondel_condition other = rondel_condition_new(lock);
    CHECK_EQ(rondel_on_close(condition, trace, "closed"), 0);
    rondel_future waiting = begin_wait(), notified = begin_wait();
    CHECK_EQ(rondel_lock_try(lock), 0);
    CHECK(rondel_condition_wait(other, told_by_name, "other") > 0);
    CHECK_EQ(rondel_lock_try(lock), 0);
    CHECK_EQ(rondel_condition_notify_all(other), 1);
    CHECK_EQ(rondel_condition_notify(condition, 1), 1);
    CHECK_EQ(rondel_close(condition), 0);
    CHECK_EQ(taken(waiting), RONDEL_ECANCELED);
    CHECK_EQ(taken(notified), RONDEL_ECANCELED);
    CHECK_EQ(rondel_lock_held(lock), 1); /* still ours */
    CHECK_EQ(rondel_condition_notify(condition, 1), RONDEL_EGONE);
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "other closed");
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_lock_held(lock), 0);
    CHECK_EQ(rondel_close(lock), 0);
    end();
}

TEST(closing_its_lock_ends_its_waits_and_leaves_it_of_no_use) {
    begin();
    rondel_future waiting = begin_wait(), notified = begin_wait(), late = begin_wait();
    CHECK_EQ(rondel_lock_try(lock), 0);
    CHECK_EQ(rondel_condition_notify(condition, 1), 1);
    CHECK_EQ(rondel_timeout(late, 0), late);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 0);
    CHECK_EQ(rondel_close(lock), 0);
    CHECK_EQ(taken(waiting), RONDEL_ECANCELED);
    CHECK_EQ(taken(notified), RONDEL_ECANCELED);
    CHECK_EQ(taken(late), RONDEL_ETIMEDOUT); /* it was on its way to that */
    CHECK_EQ(rondel_condition_wait(condition, RONDEL_FUTURE), RONDEL_EGONE);
    CHECK_EQ(rondel_condition_notify(condition, 1), RONDEL_EGONE);
    CHECK_EQ(rondel_condition_new(lock), RONDEL_EGONE);
    CHECK_EQ(rondel_close(condition), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
    end();
}

TEST(freeing_the_loop_ends_each_wait_once) {
    struct seen seen[6];
    begin();
    memset(seen, 0, sizeof seen);
    for (int i = 0; i < 6; i++) {
        CHECK_EQ(rondel_lock_try(lock), 0);
        CHECK(rondel_condition_wait(condition, see, &seen[i]) > 0);
    }
    CHECK_EQ(rondel_lock_try(lock), 0);
    CHECK_EQ(rondel_condition_notify(condition, 3), 3);
    end();
    for (int i = 0; i < 6; i++) {
        CHECK_EQ(seen[i].calls, 1);
        CHECK_EQ(seen[i].result, RONDEL_ECANCELED);
    }
}

TEST(waits_that_were_cancelled_leave_nothing_behind) {
    const int64_t cycles = test_scale(2000000, 20000);
    int64_t settled = 0;
    begin();
    rondel_future stays = begin_wait();
    for (int64_t i = 0; i < cycles; i++) {
        rondel_future wait = begin_wait();
        if (rondel_cancel(wait) != 0 || rondel_release(wait) != 0 || rondel_lock_release(lock) != 0) CHECK(0);
        if (i == cycles / 10) settled = resident_memory();
    }
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 4);
    if (!test_small()) CHECK(resident_memory() - settled < 1024);
    CHECK_EQ(rondel_future_state(stays), RONDEL_PENDING);
    end();
}

/* Tasks take items off a count that others add to, in the usual loop of looking and waiting. */
static int64_t items, consumed;

static int64_t consume(void *arg) {
    int64_t result = rondel_await(rondel_lock_acquire(lock, RONDEL_FUTURE));
    (void)arg;
    CHECK_EQ(result, 0);
    while (items == 0 && result == 0) result = rondel_await(rondel_condition_wait(condition, RONDEL_FUTURE));
    CHECK_EQ(rondel_lock_held(lock), 1);
    if (result == 0) {
        items--;
        consumed++;
    }
    CHECK_EQ(rondel_lock_release(lock), 0);
    return result;
}

static int64_t produce(void *arg) {
    for (int64_t i = 0; i < (int64_t)(intptr_t)arg; i++) {
        CHECK_EQ(rondel_await(rondel_lock_acquire(lock, RONDEL_FUTURE)), 0);
        items++;
        CHECK(rondel_condition_notify(condition, 1) >= 0);
        CHECK_EQ(rondel_lock_release(lock), 0);
        if (i % 3 == 0) CHECK_EQ(rondel_yield(), 0);
    }
    return 0;
}

TEST(tasks_wait_until_there_is_something_for_each) {
    enum { TASKS = 60 };
    begin();
    items = consumed = 0;
    for (int i = 0; i < TASKS; i++) CHECK_EQ(rondel_release(rondel_task_spawn(loop, consume, NULL)), 0);
    CHECK_EQ(rondel_release(rondel_task_spawn(loop, produce, (void *)(intptr_t)TASKS)), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(consumed, TASKS);
    CHECK_EQ(items, 0);
    CHECK_EQ(rondel_lock_held(lock), 0);
    end();
}

/* Two wait, one item is there and one is notified; that one is cancelled: the other one takes the item. */
static void cancel_the_notified_one(int in_the_line) {
    begin();
    items = consumed = 0;
    rondel_future first = rondel_task_spawn(loop, consume, NULL), second = rondel_task_spawn(loop, consume, NULL);
    turns(loop);
    CHECK_EQ(rondel_lock_try(lock), 0);
    items++;
    CHECK_EQ(rondel_condition_notify(condition, 1), 1);
    if (in_the_line) turns(loop);
    CHECK_EQ(rondel_cancel(first), 0);
    if (in_the_line) turns(loop);
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_run_until(loop, first), RONDEL_ECANCELED);
    CHECK_EQ(rondel_run_until(loop, second), 0);
    CHECK_EQ(consumed, 1);
    CHECK_EQ(items, 0);
    CHECK_EQ(rondel_lock_held(lock), 0);
    end();
}

TEST(a_task_cancelled_with_a_notice_does_not_lose_it) {
    cancel_the_notified_one(0);
    cancel_the_notified_one(1);
}

TEST(a_task_cancelled_while_it_waits_ends_holding_the_lock) {
    begin();
    items = consumed = 0;
    rondel_future task = rondel_task_spawn(loop, consume, NULL);
    turns(loop);
    CHECK_EQ(rondel_lock_try(lock), 0);
    CHECK_EQ(rondel_cancel(task), 0);
    turns(loop);
    CHECK_EQ(rondel_future_state(task), RONDEL_RUNNING); /* it cannot go on without the lock */
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_run_until(loop, task), RONDEL_ECANCELED);
    CHECK_EQ(rondel_lock_held(lock), 0);
    end();
}

TEST_MAIN(RUN(it_goes_with_a_lock), RUN(without_the_lock_there_is_no_waiting_and_no_notifying),
          RUN(notified_a_wait_ends_when_it_gets_the_lock), RUN(the_first_to_wait_are_notified_first),
          RUN(notified_ones_line_up_behind_those_who_want_the_lock), RUN(a_cancelled_wait_first_gets_the_lock),
          RUN(a_wait_that_times_out_has_the_lock_too), RUN(cancelled_after_it_had_ended_it_keeps_its_notice),
          RUN(a_notice_to_one_cancelled_before_it_had_the_lock_goes_to_the_next),
          RUN(a_wait_that_was_let_go_takes_neither_notice_nor_lock), RUN(one_lock_may_have_several_conditions),
          RUN(closing_it_ends_its_waits_without_the_lock),
          RUN(closing_its_lock_ends_its_waits_and_leaves_it_of_no_use), RUN(freeing_the_loop_ends_each_wait_once),
          RUN(waits_that_were_cancelled_leave_nothing_behind),
          RUN(tasks_wait_until_there_is_something_for_each), RUN(a_task_cancelled_with_a_notice_does_not_lose_it),
          RUN(a_task_cancelled_while_it_waits_ends_holding_the_lock))
