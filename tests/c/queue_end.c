/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The ends of a queue: all that was put is done, nothing more is put, or it is closed. */
#include "support/test.h"

#include "support/steps.h"
#include "support/turns.h"

#define ORDERS 3
static const int orders[ORDERS] = {RONDEL_QUEUE_FIFO, RONDEL_QUEUE_LIFO, RONDEL_QUEUE_PRIORITY};

TEST(join_waits_until_every_item_is_done) {
    rondel_loop loop = rondel_loop_new();
    for (int order = 0; order < ORDERS; order++) {
        struct seen seen = {0, 0, 0};
        rondel_queue queue = rondel_queue_new(loop, 0, orders[order]);
        CHECK_EQ(taken(rondel_queue_join(queue, RONDEL_FUTURE)), 0); /* nothing was put */
        for (int i = 0; i < 3; i++) CHECK_EQ(rondel_queue_try_put(queue, i), 0);
        CHECK(rondel_queue_join(queue, see, &seen) > 0);
        rondel_future cancelled = rondel_queue_join(queue, RONDEL_FUTURE);
        CHECK_EQ(rondel_cancel(cancelled), 0);
        CHECK_EQ(taken(cancelled), RONDEL_ECANCELED);
        for (int i = 0; i < 3; i++) CHECK(rondel_queue_try_get(queue) >= 0);
        for (int i = 0; i < 3; i++) {
            CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0); /* waiting keeps nothing alive */
            CHECK_EQ(seen.calls, 0);
            CHECK_EQ(rondel_queue_task_done(queue), 0);
        }
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_EQ(seen.calls, 1);
        CHECK_EQ(seen.result, 0);
        CHECK_EQ(taken(rondel_queue_join(queue, RONDEL_FUTURE)), 0);
        CHECK_EQ(rondel_queue_try_put(queue, 1), 0); /* and on again */
        rondel_future again = rondel_queue_join(queue, RONDEL_FUTURE);
        CHECK_EQ(rondel_future_state(again), RONDEL_PENDING);
        CHECK_EQ(rondel_queue_task_done(queue), 0);
        CHECK_EQ(taken(again), 0);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(more_cannot_be_done_than_was_put) {
    rondel_loop loop = rondel_loop_new();
    rondel_queue queue = rondel_queue_new(loop, 1, RONDEL_QUEUE_FIFO);
    CHECK_EQ(rondel_queue_task_done(queue), RONDEL_ESTATE);
    CHECK_EQ(rondel_queue_try_put(queue, 1), 0);
    CHECK(rondel_queue_put(queue, 2, NULL, NULL) > 0); /* it waits: it is not in yet */
    CHECK_EQ(rondel_queue_task_done(queue), 0);
    CHECK_EQ(rondel_queue_task_done(queue), RONDEL_ESTATE);
    CHECK_EQ(rondel_queue_try_get(queue), 1);
    CHECK_EQ(rondel_queue_task_done(queue), 0);
    CHECK_EQ(rondel_queue_task_done(queue), RONDEL_ESTATE);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(an_item_handed_over_directly_counts_for_join_too) {
    rondel_loop loop = rondel_loop_new();
    rondel_queue queue = rondel_queue_new(loop, 0, RONDEL_QUEUE_FIFO);
    rondel_future get = rondel_queue_get(queue, RONDEL_FUTURE);
    CHECK_EQ(rondel_queue_try_put(queue, 1), 0);
    rondel_future join = rondel_queue_join(queue, RONDEL_FUTURE);
    CHECK_EQ(rondel_release(get), 0); /* it goes back, and is still one item to be done */
    CHECK_EQ(rondel_queue_try_get(queue), 1);
    CHECK_EQ(rondel_future_state(join), RONDEL_PENDING);
    CHECK_EQ(rondel_queue_task_done(queue), 0);
    CHECK_EQ(taken(join), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* What a queue that was shut down answers when nothing is in it any more. */
static void check_shut_and_empty(rondel_queue queue) {
    struct seen seen = {0, 0, 0};
    CHECK_EQ(rondel_queue_put(queue, 1, see, &seen), RONDEL_ESHUTDOWN);
    CHECK_EQ(rondel_queue_try_put(queue, 1), RONDEL_ESHUTDOWN);
    CHECK_EQ(rondel_queue_get(queue, see, &seen), RONDEL_ESHUTDOWN);
    CHECK_EQ(rondel_queue_try_get(queue), RONDEL_ESHUTDOWN);
    CHECK_EQ(rondel_queue_put(queue, -1, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_queue_size(queue), 0);
    CHECK_EQ(seen.calls, 0);
}

TEST(shutdown_of_an_empty_queue_ends_its_gets) {
    rondel_loop loop = rondel_loop_new();
    for (int order = 0; order < ORDERS; order++)
        for (int immediate = 0; immediate < 2; immediate++) {
            rondel_queue queue = rondel_queue_new(loop, 0, orders[order]);
            CHECK(rondel_queue_get(queue, told_by_name, "get") > 0);
            rondel_future kept = rondel_queue_get(queue, RONDEL_FUTURE);
            CHECK_EQ(rondel_queue_shutdown(queue, immediate), 0);
            CHECK_EQ(taken(kept), RONDEL_ESHUTDOWN);
            CHECK_STR(trace_taken(), "");
            CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
            CHECK_STR(trace_taken(), "get!");
            CHECK_EQ(taken(rondel_queue_join(queue, RONDEL_FUTURE)), 0);
            check_shut_and_empty(queue);
            CHECK_EQ(rondel_queue_task_done(queue), RONDEL_ESTATE);
        }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(after_shutdown_what_is_in_it_can_still_be_got) {
    rondel_loop loop = rondel_loop_new();
    for (int order = 0; order < ORDERS; order++) {
        rondel_queue queue = rondel_queue_new(loop, 2, orders[order]);
        for (int i = 0; i < 2; i++) CHECK_EQ(rondel_queue_try_put(queue, 5), 0);
        rondel_future join = rondel_queue_join(queue, RONDEL_FUTURE);
        rondel_future put = rondel_queue_put(queue, 6, RONDEL_FUTURE);
        CHECK_EQ(rondel_queue_shutdown(queue, 0), 0);
        CHECK_EQ(taken(put), RONDEL_ESHUTDOWN);
        CHECK_EQ(rondel_queue_try_put(queue, 7), RONDEL_ESHUTDOWN);
        CHECK_EQ(rondel_queue_size(queue), 2);
        CHECK_EQ(taken(rondel_queue_get(queue, RONDEL_FUTURE)), 5);
        CHECK_EQ(rondel_queue_try_get(queue), 5);
        check_shut_and_empty(queue);
        for (int i = 0; i < 2; i++) {
            CHECK_EQ(rondel_future_state(join), RONDEL_PENDING);
            CHECK_EQ(rondel_queue_task_done(queue), 0);
        }
        CHECK_EQ(taken(join), 0);
        CHECK_EQ(rondel_queue_task_done(queue), RONDEL_ESTATE);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(immediate_shutdown_drops_what_is_in_it_and_counts_that_as_done) {
    rondel_loop loop = rondel_loop_new();
    for (int order = 0; order < ORDERS; order++)
        for (int got = 0; got < 2; got++) {
            rondel_queue queue = rondel_queue_new(loop, 0, orders[order]);
            for (int i = 0; i < 3; i++) CHECK_EQ(rondel_queue_try_put(queue, 5), 0);
            rondel_future join = rondel_queue_join(queue, RONDEL_FUTURE);
            if (got) CHECK_EQ(rondel_queue_try_get(queue), 5);
            CHECK_EQ(rondel_queue_shutdown(queue, 0), 0); /* first in order, */
            CHECK_EQ(rondel_queue_shutdown(queue, 1), 0); /* then at once */
            check_shut_and_empty(queue);
            if (got) {
                CHECK_EQ(rondel_future_state(join), RONDEL_PENDING); /* that one is not done */
                CHECK_EQ(rondel_queue_task_done(queue), 0);
            }
            CHECK_EQ(taken(join), 0);
            CHECK_EQ(rondel_queue_task_done(queue), RONDEL_ESTATE);
        }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(an_item_that_comes_back_after_shutdown_can_be_got_unless_all_were_dropped) {
    rondel_loop loop = rondel_loop_new();
    for (int immediate = 0; immediate < 2; immediate++) {
        rondel_queue queue = rondel_queue_new(loop, 0, RONDEL_QUEUE_FIFO);
        rondel_future get = rondel_queue_get(queue, RONDEL_FUTURE);
        CHECK_EQ(rondel_queue_try_put(queue, 5), 0);
        CHECK_EQ(rondel_queue_shutdown(queue, immediate), 0);
        rondel_future join = rondel_queue_join(queue, RONDEL_FUTURE);
        CHECK_EQ(rondel_release(get), 0);
        if (!immediate) {
            CHECK_EQ(rondel_queue_try_get(queue), 5);
            CHECK_EQ(rondel_queue_task_done(queue), 0);
        }
        CHECK_EQ(taken(join), 0);
        check_shut_and_empty(queue);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(closing_a_queue_ends_those_who_wait_and_drops_its_items) {
    rondel_loop loop = rondel_loop_new();
    rondel_queue full = rondel_queue_new(loop, 1, RONDEL_QUEUE_LIFO), empty = rondel_queue_new(loop, 1, RONDEL_QUEUE_FIFO);
    rondel_future done = rondel_queue_get(full, RONDEL_FUTURE), unheard = rondel_queue_get(full, RONDEL_FUTURE);
    CHECK_EQ(rondel_on_close(full, trace, "closed"), 0);
    for (int i = 0; i < 3; i++) CHECK_EQ(rondel_queue_try_put(full, i), 0);
    CHECK(rondel_queue_put(full, 3, told_by_name, "put") > 0);
    CHECK(rondel_queue_join(full, told_by_name, "join") > 0);
    CHECK(rondel_queue_get(empty, told_by_name, "get") > 0);
    CHECK_EQ(rondel_close(full), 0);
    CHECK_EQ(rondel_queue_size(full), RONDEL_EGONE);
    CHECK_EQ(rondel_queue_shutdown(full, 0), RONDEL_EGONE);
    CHECK_EQ(taken(done), 0); /* it had its item */
    CHECK_EQ(rondel_release(unheard), 0); /* there is nothing to go back to */
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "put! join! closed");
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_STR(trace_taken(), "get!");
}

TEST(freeing_the_loop_ends_each_wait_once) {
    enum { EACH = 20 };
    struct seen seen[3][EACH];
    rondel_loop loop = rondel_loop_new();
    rondel_queue full = rondel_queue_new(loop, 1, RONDEL_QUEUE_PRIORITY), empty = rondel_queue_new(loop, 0, 0);
    memset(seen, 0, sizeof seen);
    CHECK_EQ(rondel_queue_try_put(full, 1), 0);
    for (int i = 0; i < EACH; i++) {
        CHECK(rondel_queue_put(full, i, see, &seen[0][i]) > 0);
        CHECK(rondel_queue_join(full, see, &seen[1][i]) > 0);
        CHECK(rondel_queue_get(empty, see, &seen[2][i]) > 0);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
    for (int i = 0; i < 3 * EACH; i++) {
        CHECK_EQ(seen[i / EACH][i % EACH].calls, 1);
        CHECK_EQ(seen[i / EACH][i % EACH].result, RONDEL_ECANCELED);
    }
}

struct office {
    rondel_queue queue;
    int64_t sum;
    int ended;
};

static int64_t work_until_shut(void *arg) {
    struct office *office = arg;
    for (;;) {
        int64_t item = rondel_await(rondel_queue_get(office->queue, RONDEL_FUTURE));
        if (item < 0) {
            CHECK_EQ(item, RONDEL_ESHUTDOWN);
            office->ended++;
            return 0;
        }
        CHECK_EQ(item % 3 ? rondel_yield() : rondel_sleep(RONDEL_US), 0);
        office->sum += item;
        CHECK_EQ(rondel_queue_task_done(office->queue), 0);
    }
}

static int64_t direct(void *arg) {
    struct office *office = arg;
    for (int64_t i = 0; i < 100; i++) CHECK_EQ(rondel_await(rondel_queue_put(office->queue, i, RONDEL_FUTURE)), 0);
    CHECK_EQ(rondel_await(rondel_queue_join(office->queue, RONDEL_FUTURE)), 0);
    CHECK_EQ(office->sum, 4950);
    CHECK_EQ(office->ended, 0);
    return rondel_queue_shutdown(office->queue, 0);
}

TEST(workers_do_all_items_and_go_home_when_it_is_shut) {
    for (int order = 0; order < ORDERS; order++) {
        rondel_loop loop = rondel_loop_new();
        struct office office = {rondel_queue_new(loop, 5, orders[order]), 0, 0};
        for (int i = 0; i < 4; i++) CHECK_EQ(rondel_release(rondel_task_spawn(loop, work_until_shut, &office)), 0);
        CHECK_EQ(rondel_run_until(loop, rondel_task_spawn(loop, direct, &office)), 0);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_EQ(office.ended, 4);
        CHECK_EQ(rondel_loop_free(loop), 0);
    }
}

TEST_MAIN(RUN(join_waits_until_every_item_is_done), RUN(more_cannot_be_done_than_was_put),
          RUN(an_item_handed_over_directly_counts_for_join_too), RUN(shutdown_of_an_empty_queue_ends_its_gets),
          RUN(after_shutdown_what_is_in_it_can_still_be_got),
          RUN(immediate_shutdown_drops_what_is_in_it_and_counts_that_as_done),
          RUN(an_item_that_comes_back_after_shutdown_can_be_got_unless_all_were_dropped),
          RUN(closing_a_queue_ends_those_who_wait_and_drops_its_items), RUN(freeing_the_loop_ends_each_wait_once),
          RUN(workers_do_all_items_and_go_home_when_it_is_shut))
