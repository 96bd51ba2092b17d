/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Combined futures and what is waited for in line: no turn and no item is lost by what is made of them. */
#include "support/test.h"

#include "support/futures.h"
#include "support/steps.h"

TEST(what_is_waited_for_in_line_may_be_gathered) {
    rondel_loop loop = rondel_loop_new();
    rondel_lock lock = rondel_lock_new(loop);
    rondel_event event = rondel_event_new(loop);
    rondel_queue queue = rondel_queue_new(loop, 0, RONDEL_QUEUE_FIFO);
    int64_t results[3];
    rondel_future all = rondel_gather((const rondel_future[]){rondel_lock_acquire(lock, RONDEL_FUTURE),
                                                              rondel_event_wait(event, RONDEL_FUTURE),
                                                              rondel_queue_get(queue, RONDEL_FUTURE)},
                                      3, results, RONDEL_FUTURE);
    run_dry(loop);
    CHECK_EQ(rondel_lock_held(lock), 1);
    CHECK_EQ(rondel_event_set(event), 0);
    CHECK_EQ(rondel_queue_try_put(queue, 7), 0);
    CHECK_EQ(rondel_run_until(loop, all), 0);
    check_numbers(results, (const int64_t[]){0, 0, 7}, 3);
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_close(lock), 0);
    CHECK_EQ(rondel_close(event), 0);
    CHECK_EQ(rondel_close(queue), 0);
    run_dry(loop);
    nothing_left(loop);
}

TEST(a_gather_that_is_cancelled_or_over_its_time_leaves_the_line) {
    rondel_loop loop = rondel_loop_new();
    rondel_lock lock = rondel_lock_new(loop);
    rondel_queue queue = rondel_queue_new(loop, 0, RONDEL_QUEUE_FIFO);
    CHECK_EQ(rondel_lock_try(lock), 0);
    for (int late = 0; late < 2; late++) {
        rondel_future all = rondel_gather((const rondel_future[]){rondel_lock_acquire(lock, RONDEL_FUTURE),
                                                                  rondel_queue_get(queue, RONDEL_FUTURE)},
                                          2, NULL, RONDEL_FUTURE);
        if (late) CHECK_EQ(rondel_timeout(all, RONDEL_MS), all);
        else CHECK_EQ(rondel_cancel(all), 0);
        CHECK_EQ(rondel_run_until(loop, all), late ? RONDEL_ETIMEDOUT : RONDEL_ECANCELED);
    }
    rondel_future next = rondel_lock_acquire(lock, RONDEL_FUTURE), get = rondel_queue_get(queue, RONDEL_FUTURE);
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_run_until(loop, next), 0);
    CHECK_EQ(rondel_queue_try_put(queue, 3), 0);
    CHECK_EQ(rondel_run_until(loop, get), 3);
    CHECK_EQ(rondel_lock_release(lock), 0);
    CHECK_EQ(rondel_close(lock), 0);
    CHECK_EQ(rondel_close(queue), 0);
    run_dry(loop);
    nothing_left(loop);
}

TEST(an_item_goes_past_a_gather_that_is_over) {
    rondel_loop loop = rondel_loop_new();
    rondel_queue queue = rondel_queue_new(loop, 0, RONDEL_QUEUE_FIFO);
    rondel_future parts[2] = {rondel_queue_get(queue, RONDEL_FUTURE), RONDEL_EPIPE};
    CHECK_EQ(rondel_run_until(loop, rondel_gather(parts, 2, NULL, RONDEL_FUTURE)), RONDEL_EPIPE);
    rondel_future get = rondel_queue_get(queue, RONDEL_FUTURE);
    CHECK_EQ(rondel_queue_try_put(queue, 5), 0);
    CHECK_EQ(rondel_run_until(loop, get), 5);
    CHECK_EQ(rondel_close(queue), 0);
    run_dry(loop);
    nothing_left(loop);
}

TEST(an_item_that_a_gather_does_not_hand_out_goes_back) {
    rondel_loop loop = rondel_loop_new();
    rondel_queue queue = rondel_queue_new(loop, 0, RONDEL_QUEUE_FIFO);
    int64_t result = 0;
    CHECK_EQ(rondel_queue_try_put(queue, 5), 0);
    rondel_future get = rondel_queue_get(queue, RONDEL_FUTURE);
    CHECK_EQ(rondel_run_until(loop, rondel_gather(&get, 1, NULL, RONDEL_FUTURE)), 0); /* no results */
    run_dry(loop);
    CHECK_EQ(rondel_queue_size(queue), 1);
    get = rondel_queue_get(queue, RONDEL_FUTURE);
    CHECK_EQ(rondel_run_until(loop, rondel_gather(&get, 1, &result, RONDEL_FUTURE)), 0);
    CHECK_EQ(result, 5);
    run_dry(loop);
    CHECK_EQ(rondel_queue_size(queue), 0);
    CHECK_EQ(rondel_close(queue), 0);
    run_dry(loop);
    nothing_left(loop);
}

TEST(an_item_goes_through_a_shield_or_back) {
    rondel_loop loop = rondel_loop_new();
    rondel_queue queue = rondel_queue_new(loop, 0, RONDEL_QUEUE_FIFO);
    for (int there = 0; there < 2; there++) { /* before the get or after it */
        if (there) CHECK_EQ(rondel_queue_try_put(queue, 6), 0);
        rondel_future outer = rondel_shield(rondel_queue_get(queue, RONDEL_FUTURE), RONDEL_FUTURE);
        if (!there) CHECK_EQ(rondel_queue_try_put(queue, 6), 0);
        run_dry(loop);
        CHECK_EQ(rondel_future_state(outer), RONDEL_DONE);
        CHECK_EQ(rondel_queue_size(queue), 0);
        CHECK_EQ(rondel_close(outer), 0); /* and nobody has looked */
        CHECK_EQ(rondel_queue_size(queue), 1);
        CHECK_EQ(rondel_run_until(loop, rondel_shield(rondel_queue_get(queue, RONDEL_FUTURE), RONDEL_FUTURE)), 6);
        run_dry(loop);
        CHECK_EQ(rondel_queue_size(queue), 0);
    }
    CHECK_EQ(rondel_close(queue), 0);
    run_dry(loop);
    nothing_left(loop);
}

/* The pattern of every worker: an item, or the word to stop. */
static int64_t worker(void *arg) {
    rondel_handle *handles = arg;
    int64_t sum = 0;
    for (;;) {
        const rondel_future futures[2] = {rondel_queue_get(handles[0], RONDEL_FUTURE),
                                          rondel_event_wait(handles[1], RONDEL_FUTURE)};
        CHECK(rondel_await(rondel_wait(futures, 2, RONDEL_FIRST_COMPLETED, RONDEL_FUTURE)) >= 1);
        int got = rondel_future_state(futures[0]) == RONDEL_DONE;
        if (got) sum += rondel_await(futures[0]);
        else rondel_close(futures[0]);
        rondel_close(futures[1]);
        if (!got) return sum;
    }
}

TEST(workers_that_wait_for_an_item_or_the_end_lose_none) {
    const int64_t items = test_scale(20000, 500);
    rondel_loop loop = rondel_loop_new();
    rondel_handle handles[2] = {rondel_queue_new(loop, 0, RONDEL_QUEUE_FIFO), rondel_event_new(loop)};
    rondel_future workers[8];
    int64_t sums[8], sum = 0;
    for (int i = 0; i < 8; i++) workers[i] = rondel_task_spawn(loop, worker, handles);
    rondel_future all = rondel_gather(workers, 8, sums, RONDEL_FUTURE);
    for (int64_t i = 1; i <= items; i++) {
        CHECK_EQ(rondel_queue_try_put(handles[0], i), 0);
        if (i % 7 == 0) rondel_run(loop, RONDEL_RUN_NOWAIT);
    }
    CHECK_EQ(rondel_event_set(handles[1]), 0); /* what is left in the queue then stays there */
    CHECK_EQ(rondel_run_until(loop, all), 0);
    for (int i = 0; i < 8; i++) sum += sums[i];
    for (int64_t item; (item = rondel_queue_try_get(handles[0])) >= 0;) sum += item;
    CHECK_EQ(sum, items * (items + 1) / 2);
    CHECK_EQ(rondel_close(handles[0]), 0);
    CHECK_EQ(rondel_close(handles[1]), 0);
    run_dry(loop);
    nothing_left(loop);
}

TEST_MAIN(RUN(what_is_waited_for_in_line_may_be_gathered),
          RUN(a_gather_that_is_cancelled_or_over_its_time_leaves_the_line), RUN(an_item_goes_past_a_gather_that_is_over),
          RUN(an_item_that_a_gather_does_not_hand_out_goes_back), RUN(an_item_goes_through_a_shield_or_back),
          RUN(workers_that_wait_for_an_item_or_the_end_lose_none))
