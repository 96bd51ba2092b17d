/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Locks: one holder at a time, the next in order, and nobody lost who left the line. */
#include "support/test.h"

#include "support/steps.h"
#include "support/turns.h"

TEST(a_lock_is_free_until_it_is_acquired) {
    rondel_loop loop = rondel_loop_new();
    rondel_lock lock = rondel_lock_new(loop);
    CHECK_EQ(rondel_kind(lock), RONDEL_KIND_LOCK);
    CHECK_EQ(rondel_lock_held(lock), 0);
    CHECK_EQ(rondel_lock_try(lock), 0);
    CHECK_EQ(rondel_lock_held(lock), 1);
    CHECK_EQ(rondel_lock_try(lock), RONDEL_EAGAIN);
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_lock_held(lock), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_lock_not_held_cannot_be_released) {
    rondel_loop loop = rondel_loop_new();
    rondel_lock lock = rondel_lock_new(loop);
    CHECK_EQ(rondel_lock_release(lock), RONDEL_ESTATE);
    CHECK_EQ(rondel_lock_try(lock), 0);
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_lock_release(lock), RONDEL_ESTATE);
    CHECK_EQ(rondel_lock_held(lock), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_free_lock_is_acquired_at_once_and_told_later) {
    rondel_loop loop = rondel_loop_new();
    rondel_lock lock = rondel_lock_new(loop);
    struct seen seen = {0, 0, 0};
    rondel_future told = rondel_lock_acquire(lock, see, &seen);
    CHECK_EQ(rondel_lock_held(lock), 1);
    CHECK_EQ(rondel_future_state(told), RONDEL_DONE);
    CHECK_EQ(rondel_future_origin(told), lock);
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, 0);
    CHECK_EQ(seen.source, told);
    CHECK_EQ(rondel_lock_release(lock), 0);
    rondel_future kept = rondel_lock_acquire(lock, RONDEL_FUTURE);
    CHECK_EQ(rondel_lock_held(lock), 1);
    CHECK_EQ(taken(kept), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(an_acquire_that_nobody_would_hear_of_is_refused) {
    rondel_loop loop = rondel_loop_new();
    rondel_lock lock = rondel_lock_new(loop);
    CHECK_EQ(rondel_lock_acquire(lock, NULL, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_lock_held(lock), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(those_who_wait_get_it_in_their_order_and_nobody_comes_in_between) {
    rondel_loop loop = rondel_loop_new();
    rondel_lock lock = rondel_lock_new(loop);
    CHECK_EQ(rondel_lock_try(lock), 0);
    CHECK(rondel_lock_acquire(lock, told_by_name, "one") > 0);
    CHECK(rondel_lock_acquire(lock, told_by_name, "two") > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "");
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_lock_try(lock), RONDEL_EAGAIN); /* it is the first one's already */
    CHECK_EQ(rondel_lock_held(lock), 1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "one");
    CHECK(rondel_lock_acquire(lock, told_by_name, "three") > 0);
    for (int i = 0; i < 2; i++) CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "two three");
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_lock_release(lock), RONDEL_ESTATE);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_cancelled_acquire_passes_its_turn_on) {
    rondel_loop loop = rondel_loop_new();
    rondel_lock lock = rondel_lock_new(loop);
    CHECK_EQ(rondel_lock_try(lock), 0);
    for (int leaves = 0; leaves < 3; leaves++) {
        rondel_future waiting[3];
        const char *const names[3] = {"one", "two", "three"};
        for (int i = 0; i < 3; i++) waiting[i] = rondel_lock_acquire(lock, told_by_name, (void *)names[i]);
        CHECK_EQ(rondel_cancel(waiting[leaves]), 0);
        CHECK_EQ(rondel_cancel(waiting[leaves]), RONDEL_ESTATE);
        for (int i = 0; i < 2; i++) CHECK_EQ(rondel_lock_release(lock), 0);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_STR(trace_taken(), leaves == 0 ? "one! two three" : leaves == 1 ? "two! one three" : "three! one two");
        CHECK_EQ(rondel_lock_held(lock), 1);
    }
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_lock_held(lock), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(cancelled_after_the_lock_came_its_owner_has_it) {
    rondel_loop loop = rondel_loop_new();
    rondel_lock lock = rondel_lock_new(loop);
    CHECK_EQ(rondel_lock_try(lock), 0);
    rondel_future first = rondel_lock_acquire(lock, RONDEL_FUTURE), second = rondel_lock_acquire(lock, RONDEL_FUTURE);
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_cancel(first), RONDEL_ESTATE); /* in the same turn, but too late */
    CHECK_EQ(rondel_future_result(first), 0);
    CHECK_EQ(rondel_future_state(second), RONDEL_PENDING);
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(taken(second), 0);
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_lock_held(lock), 0);
    CHECK_EQ(taken(first), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(cancelled_just_before_the_release_only_one_other_gets_it) {
    rondel_loop loop = rondel_loop_new();
    rondel_lock lock = rondel_lock_new(loop);
    CHECK_EQ(rondel_lock_try(lock), 0);
    rondel_future first = rondel_lock_acquire(lock, told_by_name, "first");
    CHECK(rondel_lock_acquire(lock, told_by_name, "second") > 0);
    CHECK(rondel_lock_acquire(lock, told_by_name, "third") > 0);
    CHECK_EQ(rondel_cancel(first), 0);
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "first! second");
    CHECK_EQ(rondel_lock_held(lock), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_STR(trace_taken(), "third!");
}

TEST(an_acquire_that_times_out_leaves_the_line) {
    rondel_loop loop = rondel_loop_new();
    rondel_lock lock = rondel_lock_new(loop);
    CHECK_EQ(rondel_lock_try(lock), 0);
    rondel_future late = rondel_lock_acquire(lock, RONDEL_FUTURE), next = rondel_lock_acquire(lock, RONDEL_FUTURE);
    CHECK_EQ(rondel_run_until(loop, rondel_timeout(late, RONDEL_MS)), RONDEL_ETIMEDOUT);
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_run_until(loop, next), 0);
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_lock_held(lock), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(an_acquire_that_was_let_go_is_passed_over) {
    rondel_loop loop = rondel_loop_new();
    rondel_lock lock = rondel_lock_new(loop);
    CHECK_EQ(rondel_lock_try(lock), 0);
    rondel_future gone = rondel_lock_acquire(lock, RONDEL_FUTURE), closed = rondel_lock_acquire(lock, RONDEL_FUTURE);
    rondel_future next = rondel_lock_acquire(lock, RONDEL_FUTURE), last = rondel_lock_acquire(lock, RONDEL_FUTURE);
    CHECK_EQ(rondel_release(gone), 0);
    CHECK_EQ(rondel_release(last), 0);
    CHECK_EQ(rondel_close(closed), 0);
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_future_state(gone), RONDEL_EGONE);
    CHECK_EQ(rondel_future_state(closed), RONDEL_EGONE);
    CHECK_EQ(taken(next), 0);
    CHECK_EQ(rondel_lock_release(lock), 0); /* only the one is left that nobody would hear of */
    CHECK_EQ(rondel_lock_held(lock), 0);
    CHECK_EQ(rondel_future_state(last), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(waiting_alone_does_not_keep_the_loop_running) {
    rondel_loop loop = rondel_loop_new();
    rondel_lock lock = rondel_lock_new(loop);
    struct seen seen = {0, 0, 0};
    CHECK_EQ(rondel_lock_try(lock), 0);
    rondel_future waiting = rondel_lock_acquire(lock, see, &seen);
    CHECK_EQ(rondel_alive(loop), 0);
    CHECK_EQ(rondel_is_active(waiting), 1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_alive(loop), 1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(closing_a_lock_ends_those_who_wait_and_then_gives_its_notice) {
    rondel_loop loop = rondel_loop_new();
    rondel_lock lock = rondel_lock_new(loop);
    CHECK_EQ(rondel_on_close(lock, trace, "closed"), 0);
    CHECK_EQ(rondel_lock_try(lock), 0);
    CHECK(rondel_lock_acquire(lock, told_by_name, "one") > 0);
    rondel_future kept = rondel_lock_acquire(lock, RONDEL_FUTURE);
    CHECK_EQ(rondel_close(lock), 0);
    CHECK_EQ(rondel_future_result(kept), RONDEL_ECANCELED);
    CHECK_EQ(rondel_future_state(kept), RONDEL_CANCELLED);
    CHECK_EQ(rondel_lock_release(lock), RONDEL_EGONE);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "one! closed");
    CHECK_EQ(rondel_lock_held(lock), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(freeing_the_loop_ends_each_wait_once) {
    enum { WAITING = 50 };
    struct seen seen[WAITING];
    rondel_loop loop = rondel_loop_new();
    rondel_lock lock = rondel_lock_new(loop);
    memset(seen, 0, sizeof seen);
    CHECK_EQ(rondel_lock_try(lock), 0);
    for (int i = 0; i < WAITING; i++) CHECK(rondel_lock_acquire(lock, see, &seen[i]) > 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    for (int i = 0; i < WAITING; i++) {
        CHECK_EQ(seen[i].calls, 1);
        CHECK_EQ(seen[i].result, RONDEL_ECANCELED);
    }
}

static int64_t handed_on;

static void hand_on(rondel_handle source, int64_t result, void *user_data) {
    CHECK_EQ(result, 0);
    CHECK_EQ((int64_t)(intptr_t)user_data, handed_on); /* each in its turn */
    handed_on++;
    CHECK_EQ(rondel_lock_release(rondel_future_origin(source)), 0);
}

TEST(a_long_line_is_served_in_order_from_within_callbacks) {
    const int64_t length = test_scale(100000, 2000);
    rondel_loop loop = rondel_loop_new();
    rondel_lock lock = rondel_lock_new(loop);
    handed_on = 0;
    for (int64_t i = 0; i < length; i++) CHECK(rondel_lock_acquire(lock, hand_on, (void *)(intptr_t)i) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(handed_on, length);
    CHECK_EQ(rondel_lock_held(lock), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(those_who_leave_a_line_leave_nothing_behind) {
    const int64_t cycles = test_scale(3000000, 20000);
    rondel_loop loop = rondel_loop_new();
    rondel_lock lock = rondel_lock_new(loop);
    int64_t settled = 0;
    CHECK_EQ(rondel_lock_try(lock), 0);
    rondel_future stays = rondel_lock_acquire(lock, RONDEL_FUTURE);
    for (int64_t i = 0; i < cycles; i++) {
        if (rondel_close(rondel_lock_acquire(lock, RONDEL_FUTURE)) < 0) CHECK(0);
        if (i == cycles / 10) settled = resident_memory();
    }
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 3);
    if (!test_small()) CHECK(resident_memory() - settled < 1024);
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(taken(stays), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(any_order_of_cancels_and_releases_serves_the_rest_in_order) {
    enum { WAITING = 64 };
    const int64_t rounds = test_scale(2000, 50);
    uint64_t random = 42;
    for (int64_t round = 0; round < rounds; round++) {
        rondel_loop loop = rondel_loop_new();
        rondel_lock lock = rondel_lock_new(loop);
        rondel_future waiting[WAITING];
        int gone[WAITING] = {0}, next = 0; /* the one whose turn it is */
        for (int i = 0; i < WAITING; i++) waiting[i] = rondel_lock_acquire(lock, RONDEL_FUTURE);
        while (next < WAITING) {
            int i = (int)(next_random(&random) % WAITING);
            if (next_random(&random) % 4) {
                CHECK_EQ(rondel_cancel(waiting[i]), i <= next || gone[i] ? RONDEL_ESTATE : 0);
                gone[i] |= i > next;
            } else {
                CHECK_EQ(rondel_future_result(waiting[next]), 0);
                CHECK_EQ(rondel_lock_release(lock), 0);
                do next++;
                while (next < WAITING && gone[next]);
                for (int j = next + 1; j < WAITING; j++)
                    CHECK_EQ(rondel_future_result(waiting[j]), gone[j] ? RONDEL_ECANCELED : RONDEL_EAGAIN);
            }
        }
        CHECK_EQ(rondel_lock_held(lock), 0);
        CHECK_EQ(rondel_loop_free(loop), 0);
    }
}

struct room {
    rondel_lock lock;
    int inside;
    int64_t visits;
};

static int64_t visit(void *arg) {
    struct room *room = arg;
    for (int i = 0; i < 20; i++) {
        CHECK_EQ(rondel_await(rondel_lock_acquire(room->lock, RONDEL_FUTURE)), 0);
        CHECK_EQ(room->inside++, 0);
        CHECK_EQ(i % 3 ? rondel_yield() : rondel_sleep(RONDEL_US), 0);
        CHECK_EQ(--room->inside, 0);
        room->visits++;
        CHECK_EQ(rondel_lock_release(room->lock), 0);
    }
    return 0;
}

TEST(of_many_tasks_only_one_is_inside) {
    enum { TASKS = 40 };
    rondel_loop loop = rondel_loop_new();
    struct room room = {rondel_lock_new(loop), 0, 0};
    rondel_future tasks[TASKS];
    for (int i = 0; i < TASKS; i++) tasks[i] = rondel_task_spawn(loop, visit, &room);
    for (int i = 0; i < TASKS; i++) CHECK_EQ(rondel_run_until(loop, tasks[i]), 0);
    CHECK_EQ(room.visits, TASKS * 20);
    CHECK_EQ(rondel_lock_held(room.lock), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t acquire_then_wait(void *arg) {
    rondel_lock lock = *(rondel_lock *)arg;
    int64_t got = rondel_await(rondel_lock_acquire(lock, RONDEL_FUTURE));
    trace_word(got == 0 ? "got" : rondel_error_name(got));
    if (got < 0) return got;
    int64_t slept = rondel_sleep(3600 * RONDEL_SECOND);
    trace_word(rondel_error_name(slept));
    CHECK_EQ(rondel_lock_release(lock), 0);
    return slept;
}

TEST(a_task_cancelled_in_the_line_leaves_it) {
    rondel_loop loop = rondel_loop_new();
    rondel_lock lock = rondel_lock_new(loop);
    CHECK_EQ(rondel_lock_try(lock), 0);
    rondel_future task = rondel_task_spawn(loop, acquire_then_wait, &lock);
    rondel_future next = rondel_lock_acquire(lock, RONDEL_FUTURE);
    turns(loop);
    CHECK_EQ(rondel_cancel(task), 0);
    CHECK_EQ(rondel_run_until(loop, task), RONDEL_ECANCELED);
    CHECK_STR(trace_taken(), "RONDEL_ECANCELED");
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(taken(next), 0);
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_task_cancelled_as_the_lock_came_has_it_and_hears_of_the_cancel_next) {
    rondel_loop loop = rondel_loop_new();
    rondel_lock lock = rondel_lock_new(loop);
    CHECK_EQ(rondel_lock_try(lock), 0);
    rondel_future task = rondel_task_spawn(loop, acquire_then_wait, &lock);
    turns(loop);
    rondel_future next = rondel_lock_acquire(lock, RONDEL_FUTURE);
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_cancel(task), 0); /* before the task has run again */
    CHECK_EQ(rondel_run_until(loop, task), RONDEL_ECANCELED);
    CHECK_STR(trace_taken(), "got RONDEL_ECANCELED");
    CHECK_EQ(taken(next), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_task_that_waits_when_the_loop_is_freed_comes_to_its_end) {
    rondel_loop loop = rondel_loop_new();
    rondel_lock lock = rondel_lock_new(loop);
    CHECK_EQ(rondel_lock_try(lock), 0);
    CHECK(rondel_task_spawn(loop, acquire_then_wait, &lock) > 0);
    turns(loop);
    CHECK_STR(trace_taken(), "");
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_STR(trace_taken(), "RONDEL_ECANCELED");
}

TEST_MAIN(RUN(a_lock_is_free_until_it_is_acquired), RUN(a_lock_not_held_cannot_be_released),
          RUN(a_free_lock_is_acquired_at_once_and_told_later), RUN(an_acquire_that_nobody_would_hear_of_is_refused),
          RUN(those_who_wait_get_it_in_their_order_and_nobody_comes_in_between),
          RUN(a_cancelled_acquire_passes_its_turn_on), RUN(cancelled_after_the_lock_came_its_owner_has_it),
          RUN(cancelled_just_before_the_release_only_one_other_gets_it), RUN(an_acquire_that_times_out_leaves_the_line),
          RUN(an_acquire_that_was_let_go_is_passed_over), RUN(waiting_alone_does_not_keep_the_loop_running),
          RUN(closing_a_lock_ends_those_who_wait_and_then_gives_its_notice), RUN(freeing_the_loop_ends_each_wait_once),
          RUN(a_long_line_is_served_in_order_from_within_callbacks),
          RUN(those_who_leave_a_line_leave_nothing_behind),
          RUN(any_order_of_cancels_and_releases_serves_the_rest_in_order), RUN(of_many_tasks_only_one_is_inside),
          RUN(a_task_cancelled_in_the_line_leaves_it),
          RUN(a_task_cancelled_as_the_lock_came_has_it_and_hears_of_the_cancel_next),
          RUN(a_task_that_waits_when_the_loop_is_freed_comes_to_its_end))
