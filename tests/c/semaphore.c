/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Semaphores: so many at a time, the others in their order. */
#include "support/test.h"

#include "support/steps.h"
#include "support/turns.h"

TEST(it_counts_down_to_nothing_and_up_again) {
    rondel_loop loop = rondel_loop_new();
    rondel_semaphore semaphore = rondel_semaphore_new(loop, 2, 0);
    CHECK_EQ(rondel_kind(semaphore), RONDEL_KIND_SEMAPHORE);
    CHECK_EQ(rondel_semaphore_value(semaphore), 2);
    CHECK_EQ(rondel_semaphore_try(semaphore), 0);
    CHECK_EQ(taken(rondel_semaphore_acquire(semaphore, RONDEL_FUTURE)), 0);
    CHECK_EQ(rondel_semaphore_value(semaphore), 0);
    CHECK_EQ(rondel_semaphore_try(semaphore), RONDEL_EAGAIN);
    for (int i = 1; i <= 3; i++) {
        CHECK_EQ(rondel_semaphore_release(semaphore), 0);
        CHECK_EQ(rondel_semaphore_value(semaphore), i); /* above what it began with: it has no bound */
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(one_with_nothing_lets_nobody_in) {
    rondel_loop loop = rondel_loop_new();
    rondel_semaphore semaphore = rondel_semaphore_new(loop, 0, 0);
    CHECK_EQ(rondel_semaphore_try(semaphore), RONDEL_EAGAIN);
    rondel_future waiting = rondel_semaphore_acquire(semaphore, RONDEL_FUTURE);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0); /* waiting keeps nothing alive */
    CHECK_EQ(rondel_future_state(waiting), RONDEL_PENDING);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(numbers_that_make_no_sense_are_refused) {
    rondel_loop loop = rondel_loop_new();
    const int64_t wrong[][2] = {{-1, 0}, {0, -1}, {INT64_MIN, 0}, {2, 1}, {INT64_MAX, 1}, {-1, -1}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_EQ(rondel_semaphore_new(loop, wrong[i][0], wrong[i][1]), RONDEL_EINVAL);
    rondel_semaphore semaphore = rondel_semaphore_new(loop, 1, 1);
    CHECK_EQ(rondel_semaphore_acquire(semaphore, NULL, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_semaphore_value(semaphore), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_bound_one_cannot_be_released_above_it) {
    rondel_loop loop = rondel_loop_new();
    rondel_semaphore bound = rondel_semaphore_new(loop, 1, 2), greatest = rondel_semaphore_new(loop, INT64_MAX, 0);
    CHECK_EQ(rondel_semaphore_release(bound), 0);
    CHECK_EQ(rondel_semaphore_release(bound), RONDEL_ESTATE);
    CHECK_EQ(rondel_semaphore_value(bound), 2);
    CHECK_EQ(rondel_semaphore_try(bound), 0);
    CHECK_EQ(rondel_semaphore_release(bound), 0);
    CHECK_EQ(rondel_semaphore_release(greatest), RONDEL_ESTATE);
    CHECK_EQ(rondel_semaphore_value(greatest), INT64_MAX);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(those_who_wait_get_it_in_their_order_and_nobody_comes_in_between) {
    rondel_loop loop = rondel_loop_new();
    rondel_semaphore semaphore = rondel_semaphore_new(loop, 3, 0);
    CHECK_EQ(rondel_semaphore_try(semaphore), 0);
    CHECK_EQ(rondel_semaphore_try(semaphore), 0);
    CHECK(rondel_semaphore_acquire(semaphore, told_by_name, "one") > 0);
    CHECK(rondel_semaphore_acquire(semaphore, told_by_name, "two") > 0);
    CHECK(rondel_semaphore_acquire(semaphore, told_by_name, "three") > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "one");
    CHECK(rondel_semaphore_acquire(semaphore, told_by_name, "four") > 0);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(rondel_semaphore_release(semaphore), 0);
        CHECK_EQ(rondel_semaphore_value(semaphore), 0); /* it went to the next one */
        CHECK_EQ(rondel_semaphore_try(semaphore), RONDEL_EAGAIN);
    }
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "two three");
    CHECK_EQ(rondel_semaphore_release(semaphore), 0);
    CHECK_EQ(rondel_semaphore_release(semaphore), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "four");
    CHECK_EQ(rondel_semaphore_value(semaphore), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(those_who_leave_the_line_pass_their_turn_on) {
    rondel_loop loop = rondel_loop_new();
    rondel_semaphore semaphore = rondel_semaphore_new(loop, 0, 0);
    rondel_future cancelled = rondel_semaphore_acquire(semaphore, told_by_name, "cancelled");
    rondel_future late = rondel_timeout(rondel_semaphore_acquire(semaphore, RONDEL_FUTURE), RONDEL_MS);
    rondel_future gone = rondel_semaphore_acquire(semaphore, RONDEL_FUTURE);
    CHECK(rondel_semaphore_acquire(semaphore, told_by_name, "three") > 0);
    CHECK(rondel_semaphore_acquire(semaphore, told_by_name, "four") > 0);
    CHECK_EQ(rondel_cancel(cancelled), 0);
    CHECK_EQ(rondel_release(gone), 0);
    CHECK_EQ(rondel_run_until(loop, late), RONDEL_ETIMEDOUT);
    CHECK_EQ(rondel_semaphore_release(semaphore), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "cancelled! three");
    CHECK_EQ(rondel_semaphore_value(semaphore), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_STR(trace_taken(), "four!");
}

TEST(cancelled_after_it_came_its_owner_has_it) {
    rondel_loop loop = rondel_loop_new();
    rondel_semaphore semaphore = rondel_semaphore_new(loop, 0, 1);
    rondel_future first = rondel_semaphore_acquire(semaphore, RONDEL_FUTURE);
    rondel_future second = rondel_semaphore_acquire(semaphore, RONDEL_FUTURE);
    CHECK_EQ(rondel_semaphore_release(semaphore), 0);
    CHECK_EQ(rondel_cancel(first), RONDEL_ESTATE);
    CHECK_EQ(taken(first), 0);
    CHECK_EQ(rondel_future_state(second), RONDEL_PENDING);
    CHECK_EQ(rondel_semaphore_release(semaphore), 0);
    CHECK_EQ(taken(second), 0);
    CHECK_EQ(rondel_semaphore_release(semaphore), 0);
    CHECK_EQ(rondel_semaphore_release(semaphore), RONDEL_ESTATE);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(the_count_is_right_after_any_order_of_cancels_and_releases) {
    enum { WAITING = 48 };
    const int64_t rounds = test_scale(2000, 50);
    uint64_t random = 7;
    for (int64_t round = 0; round < rounds; round++) {
        rondel_loop loop = rondel_loop_new();
        rondel_semaphore semaphore = rondel_semaphore_new(loop, 0, 0);
        rondel_future waiting[WAITING];
        int gone[WAITING] = {0}, next = 0, spare = 0;
        for (int i = 0; i < WAITING; i++) waiting[i] = rondel_semaphore_acquire(semaphore, RONDEL_FUTURE);
        for (int step = 0; step < 2 * WAITING; step++) {
            int i = (int)(next_random(&random) % WAITING);
            while (next < WAITING && gone[next]) next++;
            if (next_random(&random) % 2) {
                CHECK_EQ(rondel_cancel(waiting[i]), i < next || gone[i] ? RONDEL_ESTATE : 0);
                gone[i] |= i >= next;
            } else {
                CHECK_EQ(rondel_semaphore_release(semaphore), 0);
                if (next < WAITING) CHECK_EQ(rondel_future_result(waiting[next++]), 0);
                else spare++;
            }
            CHECK_EQ(rondel_semaphore_value(semaphore), spare);
        }
        CHECK_EQ(rondel_loop_free(loop), 0);
    }
}

TEST(closing_it_or_its_loop_ends_those_who_wait) {
    rondel_loop loop = rondel_loop_new();
    rondel_semaphore closed = rondel_semaphore_new(loop, 0, 0), freed = rondel_semaphore_new(loop, 0, 0);
    CHECK_EQ(rondel_on_close(closed, trace, "closed"), 0);
    CHECK(rondel_semaphore_acquire(closed, told_by_name, "one") > 0);
    CHECK(rondel_semaphore_acquire(freed, told_by_name, "two") > 0);
    CHECK_EQ(rondel_close(closed), 0);
    CHECK_EQ(rondel_semaphore_release(closed), RONDEL_EGONE);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "one! closed");
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_STR(trace_taken(), "two!");
}

struct pool {
    rondel_semaphore semaphore;
    int inside, most;
};

static int64_t use_pool(void *arg) {
    struct pool *pool = arg;
    CHECK_EQ(rondel_await(rondel_semaphore_acquire(pool->semaphore, RONDEL_FUTURE)), 0);
    if (++pool->inside > pool->most) pool->most = pool->inside;
    CHECK_EQ(rondel_sleep(10 * RONDEL_US), 0);
    pool->inside--;
    CHECK_EQ(rondel_semaphore_release(pool->semaphore), 0);
    return 0;
}

TEST(of_many_tasks_so_many_are_inside_at_a_time) {
    enum { TASKS = 100, PLACES = 10 };
    rondel_loop loop = rondel_loop_new();
    struct pool pool = {rondel_semaphore_new(loop, PLACES, PLACES), 0, 0};
    for (int i = 0; i < TASKS; i++) CHECK_EQ(rondel_release(rondel_task_spawn(loop, use_pool, &pool)), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(pool.most, PLACES);
    CHECK_EQ(pool.inside, 0);
    CHECK_EQ(rondel_semaphore_value(pool.semaphore), PLACES);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

struct visitor {
    rondel_semaphore semaphore;
    const char *first, *second;
};

static int64_t visit_twice(void *arg) {
    struct visitor *visitor = arg;
    const char *names[2] = {visitor->first, visitor->second};
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(rondel_await(rondel_semaphore_acquire(visitor->semaphore, RONDEL_FUTURE)), 0);
        trace_word(names[i]);
        CHECK_EQ(rondel_yield(), 0);
        CHECK_EQ(rondel_semaphore_release(visitor->semaphore), 0);
    }
    return 0;
}

TEST(a_task_that_comes_again_waits_behind_the_others) {
    rondel_loop loop = rondel_loop_new();
    rondel_semaphore semaphore = rondel_semaphore_new(loop, 1, 0);
    struct visitor visitors[3] = {{semaphore, "a1", "a2"}, {semaphore, "b1", "b2"}, {semaphore, "c1", "c2"}};
    for (int i = 0; i < 3; i++) CHECK_EQ(rondel_release(rondel_task_spawn(loop, visit_twice, &visitors[i])), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "a1 b1 c1 a2 b2 c2");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static rondel_future second_task;

static int64_t hold_and_cancel(void *arg) {
    rondel_semaphore semaphore = *(rondel_semaphore *)arg;
    CHECK_EQ(rondel_await(rondel_semaphore_acquire(semaphore, RONDEL_FUTURE)), 0);
    CHECK_EQ(rondel_yield(), 0);
    CHECK_EQ(rondel_semaphore_release(semaphore), 0);
    return rondel_cancel(second_task); /* it has been handed to that one, which has not run yet */
}

static int64_t hold(void *arg) {
    rondel_semaphore semaphore = *(rondel_semaphore *)arg;
    int64_t got = rondel_await(rondel_semaphore_acquire(semaphore, RONDEL_FUTURE));
    if (got < 0) return got;
    int64_t result = rondel_yield();
    CHECK_EQ(rondel_semaphore_release(semaphore), 0);
    return result;
}

TEST(a_task_cancelled_as_its_turn_came_does_not_keep_it) {
    rondel_loop loop = rondel_loop_new();
    rondel_semaphore semaphore = rondel_semaphore_new(loop, 1, 1);
    rondel_future first = rondel_task_spawn(loop, hold_and_cancel, &semaphore);
    second_task = rondel_task_spawn(loop, hold, &semaphore);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(taken(first), 0);
    CHECK_EQ(taken(second_task), RONDEL_ECANCELED);
    CHECK_EQ(rondel_run_until(loop, rondel_semaphore_acquire(semaphore, RONDEL_FUTURE)), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST_MAIN(RUN(it_counts_down_to_nothing_and_up_again), RUN(one_with_nothing_lets_nobody_in),
          RUN(numbers_that_make_no_sense_are_refused), RUN(a_bound_one_cannot_be_released_above_it),
          RUN(those_who_wait_get_it_in_their_order_and_nobody_comes_in_between),
          RUN(those_who_leave_the_line_pass_their_turn_on), RUN(cancelled_after_it_came_its_owner_has_it),
          RUN(the_count_is_right_after_any_order_of_cancels_and_releases),
          RUN(closing_it_or_its_loop_ends_those_who_wait), RUN(of_many_tasks_so_many_are_inside_at_a_time),
          RUN(a_task_that_comes_again_waits_behind_the_others),
          RUN(a_task_cancelled_as_its_turn_came_does_not_keep_it))
