/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Queues: every item put is got once, in the queue's order, by those who wait in theirs. */
#include "support/test.h"

#include "support/steps.h"
#include "support/turns.h"

#define ORDERS 3
static const int orders[ORDERS] = {RONDEL_QUEUE_FIFO, RONDEL_QUEUE_LIFO, RONDEL_QUEUE_PRIORITY};

TEST(items_come_out_in_the_order_of_the_queue) {
    const int64_t put[5] = {1, 3, 2, INT64_MAX, 0};
    const int64_t expected[ORDERS][5] = {{1, 3, 2, INT64_MAX, 0}, {0, INT64_MAX, 2, 3, 1}, {1, 3, 2, INT64_MAX, 0}};
    rondel_loop loop = rondel_loop_new();
    for (int order = 0; order < ORDERS; order++) {
        rondel_queue queue = rondel_queue_new(loop, 0, orders[order]);
        CHECK_EQ(rondel_kind(queue), RONDEL_KIND_QUEUE);
        CHECK_EQ(rondel_queue_try_get(queue), RONDEL_EAGAIN);
        for (int i = 0; i < 5; i++) {
            CHECK_EQ(rondel_queue_size(queue), i);
            if (i % 2) CHECK_EQ(rondel_queue_try_put(queue, put[i]), 0);
            else CHECK_EQ(taken(rondel_queue_put(queue, put[i], RONDEL_FUTURE)), 0);
        }
        for (int i = 0; i < 5; i++)
            CHECK_EQ(i % 2 ? rondel_queue_try_get(queue) : taken(rondel_queue_get(queue, RONDEL_FUTURE)),
                     expected[order][i]);
        CHECK_EQ(rondel_queue_size(queue), 0);
        CHECK_EQ(rondel_queue_try_get(queue), RONDEL_EAGAIN);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(the_lowest_priority_comes_first_and_of_equal_ones_the_earliest) {
    const int64_t put[][2] = {{5, 50}, {-1, 10}, {5, 51}, {INT64_MAX, 90}, {0, 30}, {INT64_MIN, 0}, {5, 52}, {-1, 11}};
    const int64_t expected[] = {0, 10, 11, 30, 31, 50, 51, 52, 90};
    rondel_loop loop = rondel_loop_new();
    rondel_queue queue = rondel_queue_new(loop, 0, RONDEL_QUEUE_PRIORITY);
    for (size_t i = 0; i < 8; i++) {
        if (i % 2) CHECK_EQ(rondel_queue_try_put_priority(queue, put[i][0], put[i][1]), 0);
        else CHECK(rondel_queue_put_priority(queue, put[i][0], put[i][1], NULL, NULL) > 0);
    }
    CHECK_EQ(rondel_queue_try_put(queue, 31), 0); /* without one it is 0 */
    for (size_t i = 0; i < 9; i++) CHECK_EQ(rondel_queue_try_get(queue), expected[i]);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(what_makes_no_sense_is_refused_and_changes_nothing) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    CHECK_EQ(rondel_queue_new(loop, -1, RONDEL_QUEUE_FIFO), RONDEL_EINVAL);
    CHECK_EQ(rondel_queue_new(loop, INT64_MIN, RONDEL_QUEUE_LIFO), RONDEL_EINVAL);
    CHECK_EQ(rondel_queue_new(loop, 0, 3), RONDEL_EINVAL);
    CHECK_EQ(rondel_queue_new(loop, 0, -1), RONDEL_EINVAL);
    CHECK(rondel_queue_new(loop, INT64_MAX, RONDEL_QUEUE_FIFO) > 0);
    for (int order = 0; order < ORDERS; order++) {
        rondel_queue queue = rondel_queue_new(loop, 1, orders[order]);
        CHECK_EQ(rondel_queue_put(queue, -1, see, &seen), RONDEL_EINVAL);
        CHECK_EQ(rondel_queue_try_put(queue, INT64_MIN), RONDEL_EINVAL);
        CHECK_EQ(rondel_queue_get(queue, NULL, NULL), RONDEL_EINVAL);
        if (orders[order] == RONDEL_QUEUE_PRIORITY) continue;
        CHECK_EQ(rondel_queue_put_priority(queue, 0, 1, see, &seen), RONDEL_EINVAL);
        CHECK_EQ(rondel_queue_try_put_priority(queue, 0, 1), RONDEL_EINVAL);
        CHECK_EQ(rondel_queue_size(queue), 0);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(seen.calls, 0);
}

TEST(a_pointer_is_an_item) {
    int here = 7;
    rondel_loop loop = rondel_loop_new();
    rondel_queue queue = rondel_queue_new(loop, 0, RONDEL_QUEUE_FIFO);
    CHECK_EQ(rondel_queue_try_put(queue, (int64_t)(uintptr_t)&here), 0);
    int64_t item = rondel_queue_try_get(queue);
    REQUIRE(item > 0);
    CHECK_EQ(*(int *)(uintptr_t)item, 7);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(nothing_is_told_inside_the_call) {
    struct seen put = {0, 0, 0}, got = {0, 0, 0};
    rondel_loop loop = rondel_loop_new();
    rondel_queue queue = rondel_queue_new(loop, 0, RONDEL_QUEUE_FIFO);
    rondel_future get = rondel_queue_get(queue, see, &got);
    CHECK_EQ(rondel_future_origin(get), queue);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0); /* waiting keeps nothing alive */
    CHECK(rondel_queue_put(queue, 42, see, &put) > 0);
    CHECK_EQ(rondel_future_result(get), 42);
    CHECK_EQ(put.calls + got.calls, 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(put.calls, 1);
    CHECK_EQ(put.result, 0);
    CHECK_EQ(got.calls, 1);
    CHECK_EQ(got.result, 42);
    CHECK(rondel_queue_put(queue, 43, NULL, NULL) > 0);
    CHECK(rondel_queue_get(queue, see, &got) > 0);
    CHECK_EQ(got.calls, 1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(got.calls, 2);
    CHECK_EQ(got.result, 43);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(gets_that_wait_are_served_in_their_order) {
    rondel_loop loop = rondel_loop_new();
    for (int order = 0; order < ORDERS; order++) {
        rondel_queue queue = rondel_queue_new(loop, 2, orders[order]);
        rondel_future gets[4];
        for (int i = 0; i < 4; i++) gets[i] = rondel_queue_get(queue, RONDEL_FUTURE);
        for (int i = 0; i < 4; i++) CHECK_EQ(rondel_queue_try_put(queue, 10 + i), 0); /* never full: they are gone */
        CHECK_EQ(rondel_queue_size(queue), 0);
        for (int i = 0; i < 4; i++) CHECK_EQ(taken(gets[i]), 10 + i);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(puts_wait_while_it_is_full_and_come_in_their_order) {
    rondel_loop loop = rondel_loop_new();
    rondel_queue queue = rondel_queue_new(loop, 2, RONDEL_QUEUE_FIFO);
    rondel_future puts[5];
    for (int i = 0; i < 5; i++) puts[i] = rondel_queue_put(queue, i, RONDEL_FUTURE);
    CHECK_EQ(rondel_queue_size(queue), 2);
    CHECK_EQ(rondel_queue_try_put(queue, 9), RONDEL_EAGAIN);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    for (int i = 0; i < 5; i++) CHECK_EQ(rondel_future_state(puts[i]), i < 2 ? RONDEL_DONE : RONDEL_PENDING);
    CHECK_EQ(rondel_queue_try_get(queue), 0);
    CHECK_EQ(rondel_future_state(puts[2]), RONDEL_DONE);
    CHECK_EQ(rondel_queue_try_put(queue, 9), RONDEL_EAGAIN); /* that room was the next one's */
    CHECK_EQ(taken(rondel_queue_get(queue, RONDEL_FUTURE)), 1);
    CHECK_EQ(rondel_future_state(puts[3]), RONDEL_DONE);
    for (int i = 2; i < 5; i++) CHECK_EQ(rondel_queue_try_get(queue), i);
    for (int i = 0; i < 5; i++) CHECK_EQ(taken(puts[i]), 0);
    CHECK_EQ(rondel_queue_size(queue), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(an_item_whose_put_is_cancelled_is_not_in_the_queue) {
    rondel_loop loop = rondel_loop_new();
    rondel_queue queue = rondel_queue_new(loop, 1, RONDEL_QUEUE_FIFO);
    CHECK_EQ(rondel_queue_try_put(queue, 1), 0);
    rondel_future cancelled = rondel_queue_put(queue, 2, RONDEL_FUTURE);
    rondel_future late = rondel_timeout(rondel_queue_put(queue, 3, RONDEL_FUTURE), RONDEL_MS);
    CHECK(rondel_queue_put(queue, 4, NULL, NULL) > 0); /* nobody cares, but it is put */
    rondel_future closed = rondel_queue_put(queue, 5, RONDEL_FUTURE);
    rondel_future released = rondel_queue_put(queue, 6, RONDEL_FUTURE);
    CHECK_EQ(rondel_cancel(cancelled), 0);
    CHECK_EQ(taken(cancelled), RONDEL_ECANCELED);
    CHECK_EQ(rondel_close(closed), 0);
    CHECK_EQ(rondel_release(released), 0); /* which is no cancel */
    CHECK_EQ(rondel_run_until(loop, late), RONDEL_ETIMEDOUT);
    for (int64_t item = 1; item <= 6; item++)
        if (item == 1 || item == 4 || item == 6) CHECK_EQ(rondel_queue_try_get(queue), item);
    CHECK_EQ(rondel_queue_size(queue), 0);
    rondel_future done = rondel_queue_put(queue, 7, RONDEL_FUTURE);
    CHECK_EQ(rondel_cancel(done), RONDEL_ESTATE);
    CHECK_EQ(rondel_queue_size(queue), 1); /* too late: it is in */
    CHECK_EQ(taken(done), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_get_that_leaves_takes_nothing) {
    rondel_loop loop = rondel_loop_new();
    rondel_queue queue = rondel_queue_new(loop, 0, RONDEL_QUEUE_FIFO);
    rondel_future cancelled = rondel_queue_get(queue, RONDEL_FUTURE);
    rondel_future late = rondel_timeout(rondel_queue_get(queue, RONDEL_FUTURE), RONDEL_MS);
    rondel_future closed = rondel_queue_get(queue, RONDEL_FUTURE);
    rondel_future released = rondel_queue_get(queue, RONDEL_FUTURE);
    rondel_future stays = rondel_queue_get(queue, RONDEL_FUTURE);
    CHECK_EQ(rondel_cancel(cancelled), 0);
    CHECK_EQ(rondel_close(closed), 0);
    CHECK_EQ(rondel_release(released), 0);
    CHECK_EQ(rondel_run_until(loop, late), RONDEL_ETIMEDOUT);
    CHECK_EQ(rondel_queue_try_put(queue, 1), 0);
    CHECK_EQ(taken(cancelled), RONDEL_ECANCELED);
    CHECK_EQ(rondel_kind(released), RONDEL_EGONE);
    CHECK_EQ(taken(stays), 1);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 2);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_get_cancelled_after_its_item_came_still_has_it) {
    struct seen seen = {0, 0, 0};
    rondel_loop loop = rondel_loop_new();
    rondel_queue queue = rondel_queue_new(loop, 0, RONDEL_QUEUE_FIFO);
    rondel_future kept = rondel_queue_get(queue, RONDEL_FUTURE), told = rondel_queue_get(queue, see, &seen);
    CHECK_EQ(rondel_queue_try_put(queue, 1), 0);
    CHECK_EQ(rondel_queue_try_put(queue, 2), 0);
    CHECK_EQ(rondel_cancel(kept), RONDEL_ESTATE);
    CHECK_EQ(rondel_cancel(told), RONDEL_ESTATE);
    CHECK_EQ(rondel_close(told), 0);
    CHECK_EQ(taken(kept), 1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, 2);
    CHECK_EQ(rondel_queue_size(queue), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(an_item_nobody_heard_of_goes_back_to_its_place) {
    const int64_t expected[ORDERS][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {0, 1, 2, 3}};
    rondel_loop loop = rondel_loop_new();
    for (int order = 0; order < ORDERS; order++)
        for (int how = 0; how < 2; how++) {
            rondel_queue queue = rondel_queue_new(loop, 3, orders[order]);
            rondel_future gets[2];
            for (int64_t i = 0; i < 2; i++) {
                if (how) gets[i] = rondel_queue_get(queue, RONDEL_FUTURE); /* waits, and the item is handed over */
                CHECK_EQ(rondel_queue_try_put(queue, i), 0);
            }
            for (int i = 0; i < 2 && !how; i++) gets[i] = rondel_queue_get(queue, RONDEL_FUTURE);
            for (int64_t i = 2; i < 4; i++) CHECK_EQ(rondel_queue_try_put(queue, i), 0);
            CHECK_EQ(rondel_close(gets[0]), 0); /* done, but not looked at */
            CHECK_EQ(rondel_release(gets[1]), 0);
            CHECK_EQ(rondel_queue_size(queue), 4); /* one more than it holds */
            CHECK_EQ(rondel_queue_try_put(queue, 9), RONDEL_EAGAIN);
            for (int i = 0; i < 4; i++) CHECK_EQ(rondel_queue_try_get(queue), expected[order][i]);
            CHECK_EQ(rondel_queue_try_get(queue), RONDEL_EAGAIN);
        }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(an_item_nobody_heard_of_goes_to_the_next_who_waits) {
    rondel_loop loop = rondel_loop_new();
    rondel_queue queue = rondel_queue_new(loop, 0, RONDEL_QUEUE_FIFO);
    rondel_future first = rondel_queue_get(queue, RONDEL_FUTURE), second = rondel_queue_get(queue, RONDEL_FUTURE);
    CHECK_EQ(rondel_queue_try_put(queue, 5), 0);
    CHECK_EQ(rondel_future_state(first), RONDEL_DONE);
    CHECK_EQ(rondel_release(first), 0);
    CHECK_EQ(taken(second), 5);
    first = rondel_queue_get(queue, RONDEL_FUTURE);
    CHECK_EQ(rondel_queue_try_put(queue, 6), 0);
    CHECK_EQ(rondel_future_result(first), 6); /* heard: now it is ours, and gone with the future */
    CHECK_EQ(rondel_release(first), 0);
    CHECK_EQ(rondel_queue_size(queue), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(heard_by_any_who_asked_an_item_does_not_come_back) {
    rondel_completion completion;
    struct seen seen = {0, 0, 0};
    rondel_loop loop = rondel_loop_new();
    rondel_queue queue = rondel_queue_new(loop, 0, RONDEL_QUEUE_FIFO);
    rondel_future get = rondel_queue_get(queue, RONDEL_FUTURE);
    CHECK_EQ(rondel_future_then(get, see, &seen), 0);
    CHECK_EQ(rondel_release(get), 0);
    CHECK_EQ(rondel_queue_try_put(queue, 1), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.result, 1);
    CHECK_EQ(rondel_queue_try_put(queue, 2), 0);
    CHECK(rondel_queue_get(queue, rondel_enqueue, &seen) > 0);
    CHECK_EQ(rondel_next(loop, &completion, 1, RONDEL_FOREVER), 1);
    CHECK_EQ(completion.result, 2);
    CHECK_EQ(rondel_next(loop, &completion, 1, 0), 0); /* gives the future back */
    CHECK_EQ(rondel_queue_try_put(queue, 3), 0);
    CHECK_EQ(rondel_run_until(loop, rondel_queue_get(queue, RONDEL_FUTURE)), 3);
    CHECK_EQ(rondel_queue_size(queue), 0);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 2);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void *block_on(void *user_data) {
    struct seen *seen = user_data;
    seen->result = rondel_future_block(seen->source, seen->calls ? RONDEL_FOREVER : 0);
    return NULL;
}

TEST(a_thread_that_blocks_on_a_get_has_the_item_and_one_that_gave_up_has_not) {
    rondel_loop loop = rondel_loop_new();
    rondel_queue queue = rondel_queue_new(loop, 0, RONDEL_QUEUE_FIFO);
    for (int64_t waits = 0; waits < 2; waits++) {
        pthread_t thread;
        struct seen seen = {waits, 0, rondel_queue_get(queue, RONDEL_FUTURE)};
        rondel_future done = rondel_call_later(loop, RONDEL_MS, RONDEL_FUTURE);
        CHECK_EQ(pthread_create(&thread, NULL, block_on, &seen), 0);
        if (!waits) pthread_join(thread, NULL);
        CHECK_EQ(rondel_run_until(loop, done), 0);
        CHECK_EQ(rondel_queue_try_put(queue, 5), 0);
        if (waits) {
            while (rondel_kind(seen.source) > 0) rondel_run(loop, RONDEL_RUN_NOWAIT); /* until the thread took it */
            pthread_join(thread, NULL);
        } else {
            CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
            CHECK_EQ(rondel_release(seen.source), 0); /* still ours, and not looked at */
        }
        CHECK_EQ(seen.result, waits ? 5 : RONDEL_ETIMEDOUT);
        CHECK_EQ(rondel_queue_try_get(queue), waits ? RONDEL_EAGAIN : 5);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

struct belt {
    rondel_queue queue;
    int64_t count; /* items each producer puts, or a consumer gets */
    int64_t sum;
};

static int64_t produce(void *arg) {
    struct belt *belt = arg;
    for (int64_t i = 0; i < belt->count; i++) CHECK_EQ(rondel_await(rondel_queue_put(belt->queue, i, RONDEL_FUTURE)), 0);
    return 0;
}

static int64_t consume(void *arg) {
    struct belt *belt = arg;
    for (int64_t i = 0; i < belt->count; i++) {
        int64_t item = rondel_await(rondel_queue_get(belt->queue, RONDEL_FUTURE));
        CHECK(item >= 0);
        belt->sum += item;
    }
    return 0;
}

TEST(tasks_produce_and_consume_whatever_the_capacity) {
    const int64_t capacities[] = {1, 2, 7, 0};
    const int64_t count = test_scale(2000, 50);
    for (size_t i = 0; i < 4; i++)
        for (int order = 0; order < ORDERS; order++) {
            rondel_loop loop = rondel_loop_new();
            struct belt belt = {rondel_queue_new(loop, capacities[i], orders[order]), count, 0};
            for (int j = 0; j < 3; j++) {
                CHECK_EQ(rondel_release(rondel_task_spawn(loop, j % 2 ? produce : consume, &belt)), 0);
                CHECK_EQ(rondel_release(rondel_task_spawn(loop, j % 2 ? consume : produce, &belt)), 0);
            }
            CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
            CHECK_EQ(belt.sum, 3 * count * (count - 1) / 2);
            CHECK_EQ(rondel_queue_size(belt.queue), 0);
            CHECK_EQ(rondel_loop_free(loop), 0);
        }
}

static int64_t get_one(void *arg) { return rondel_await(rondel_queue_get(*(rondel_queue *)arg, RONDEL_FUTURE)); }

TEST(a_task_cancelled_in_a_get_takes_no_item) {
    rondel_loop loop = rondel_loop_new();
    rondel_queue queue = rondel_queue_new(loop, 0, RONDEL_QUEUE_FIFO);
    rondel_future first = rondel_task_spawn(loop, get_one, &queue), second = rondel_task_spawn(loop, get_one, &queue);
    turns(loop);
    CHECK_EQ(rondel_cancel(second), 0); /* in the line */
    CHECK_EQ(rondel_queue_try_put(queue, 1), 0);
    CHECK_EQ(rondel_queue_try_put(queue, 2), 0);
    CHECK_EQ(rondel_cancel(first), 0); /* its item has come already: the await gives it */
    CHECK_EQ(rondel_run_until(loop, first), 1);
    CHECK_EQ(rondel_run_until(loop, second), RONDEL_ECANCELED);
    CHECK_EQ(rondel_queue_try_get(queue), 2);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST_MAIN(RUN(items_come_out_in_the_order_of_the_queue),
          RUN(the_lowest_priority_comes_first_and_of_equal_ones_the_earliest),
          RUN(what_makes_no_sense_is_refused_and_changes_nothing), RUN(a_pointer_is_an_item),
          RUN(nothing_is_told_inside_the_call), RUN(gets_that_wait_are_served_in_their_order),
          RUN(puts_wait_while_it_is_full_and_come_in_their_order),
          RUN(an_item_whose_put_is_cancelled_is_not_in_the_queue), RUN(a_get_that_leaves_takes_nothing),
          RUN(a_get_cancelled_after_its_item_came_still_has_it), RUN(an_item_nobody_heard_of_goes_back_to_its_place),
          RUN(an_item_nobody_heard_of_goes_to_the_next_who_waits),
          RUN(heard_by_any_who_asked_an_item_does_not_come_back),
          RUN(a_thread_that_blocks_on_a_get_has_the_item_and_one_that_gave_up_has_not),
          RUN(tasks_produce_and_consume_whatever_the_capacity), RUN(a_task_cancelled_in_a_get_takes_no_item))
