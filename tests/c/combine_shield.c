/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Shield: a future that ends as another does, and can be cancelled without it. */
#include "support/test.h"

#include "support/futures.h"
#include "support/steps.h"

TEST(it_ends_as_what_it_shields) {
    rondel_loop loop = rondel_loop_new();
    const int64_t results[] = {42, 0, RONDEL_EPIPE, RONDEL_ECANCELED, RONDEL_ETIMEDOUT};
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        struct seen seen = {0, 0, 0};
        rondel_future inner = rondel_future_new(loop), outer = rondel_shield(inner, see, &seen);
        CHECK(outer > 0 && outer != inner);
        CHECK_EQ(rondel_future_origin(outer), loop);
        settle(inner, results[i]);
        CHECK_EQ(rondel_future_state(outer), RONDEL_PENDING);
        CHECK_EQ(seen.calls, 0);
        run_dry(loop);
        CHECK_EQ(seen.calls, 1);
        CHECK_EQ(seen.source, outer);
        CHECK_EQ(seen.result, results[i]);
    }
    nothing_left(loop);
}

TEST(cancelling_what_it_shields_cancels_it) {
    rondel_loop loop = rondel_loop_new();
    rondel_future inner = rondel_future_new(loop), outer = rondel_shield(inner, RONDEL_FUTURE);
    CHECK_EQ(rondel_cancel(inner), 0);
    run_dry(loop);
    CHECK_EQ(rondel_future_state(outer), RONDEL_CANCELLED);
    CHECK_EQ(rondel_release(outer), 0);
    nothing_left(loop);
}

TEST(cancelling_it_leaves_what_it_shields_alone) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0}, later = {0, 0, 0};
    rondel_future inner = rondel_future_new(loop), outer = rondel_shield(inner, see, &seen);
    CHECK_EQ(rondel_future_then(inner, see, &later), 0);
    CHECK_EQ(rondel_cancel(outer), 0);
    CHECK_EQ(rondel_future_state(outer), RONDEL_CANCELLED);
    CHECK_EQ(rondel_cancel(outer), RONDEL_ESTATE);
    CHECK_EQ(seen.calls, 0);
    run_dry(loop);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
    CHECK_EQ(rondel_future_state(inner), RONDEL_PENDING);
    settle(inner, 6);
    run_dry(loop);
    CHECK_EQ(later.calls, 1);
    CHECK_EQ(later.result, 6);
    CHECK_EQ(seen.calls, 1);
    nothing_left(loop);
}

TEST(its_deadline_is_its_own) {
    rondel_loop loop = rondel_loop_new();
    rondel_future inner = rondel_future_new(loop);
    CHECK_EQ(rondel_retain(inner), 0);
    CHECK_EQ(rondel_run_until(loop, rondel_timeout(rondel_shield(inner, RONDEL_FUTURE), RONDEL_MS)), RONDEL_ETIMEDOUT);
    CHECK_EQ(rondel_future_state(inner), RONDEL_PENDING);
    rondel_future outer = rondel_timeout(rondel_shield(inner, RONDEL_FUTURE), AGES);
    settle(inner, 2);
    CHECK_EQ(rondel_run_until(loop, outer), 2);
    CHECK_EQ(rondel_backend_timeout(loop), RONDEL_FOREVER);
    run_dry(loop);
    nothing_left(loop);
}

TEST(what_is_done_already_is_told_in_the_next_turn) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    rondel_future inner = rondel_future_new(loop);
    settle(inner, 42);
    CHECK(rondel_shield(inner, see, &seen) > 0);
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(rondel_future_state(inner), RONDEL_EGONE); /* taken */
    run_dry(loop);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, 42);
    inner = rondel_call_soon(loop, RONDEL_FUTURE);
    run_dry(loop);
    CHECK_EQ(rondel_run_until(loop, rondel_shield(inner, RONDEL_FUTURE)), 0);
    nothing_left(loop);
}

TEST(it_takes_what_it_shields_unless_that_is_held_once_more) {
    rondel_loop loop = rondel_loop_new();
    rondel_future inner = rondel_call_soon(loop, RONDEL_FUTURE);
    CHECK_EQ(rondel_run_until(loop, rondel_shield(inner, RONDEL_FUTURE)), 0);
    run_dry(loop);
    CHECK_EQ(rondel_future_state(inner), RONDEL_EGONE);
    inner = rondel_call_soon(loop, RONDEL_FUTURE);
    CHECK_EQ(rondel_retain(inner), 0);
    CHECK_EQ(rondel_run_until(loop, rondel_shield(inner, RONDEL_FUTURE)), 0);
    CHECK_EQ(rondel_future_result(inner), 0);
    CHECK_EQ(rondel_release(inner), 0);
    run_dry(loop);
    nothing_left(loop);
}

TEST(a_promise_nobody_else_holds_is_forgotten_with_it) {
    rondel_loop loop = rondel_loop_new();
    rondel_future inner = rondel_future_new(loop), outer = rondel_shield(inner, RONDEL_FUTURE);
    CHECK_EQ(rondel_close(outer), 0);
    CHECK_EQ(rondel_future_set(inner, 1), RONDEL_EGONE);
    inner = rondel_future_new(loop);
    CHECK_EQ(rondel_retain(inner), 0);
    outer = rondel_shield(inner, RONDEL_FUTURE);
    CHECK_EQ(rondel_close(outer), 0);
    settle(inner, 1);
    CHECK_EQ(rondel_run_until(loop, inner), 1);
    nothing_left(loop);
}

TEST(around_a_gather_it_saves_the_parts) {
    rondel_loop loop = rondel_loop_new();
    rondel_future parts[2];
    int64_t results[2];
    new_promises(loop, parts, 2);
    rondel_future all = rondel_gather(parts, 2, results, RONDEL_FUTURE);
    CHECK_EQ(rondel_retain(all), 0);
    rondel_future outer = rondel_shield(all, RONDEL_FUTURE);
    CHECK_EQ(rondel_cancel(outer), 0);
    CHECK_EQ(rondel_run_until(loop, outer), RONDEL_ECANCELED);
    settle(parts[0], 1);
    settle(parts[1], 2);
    CHECK_EQ(rondel_run_until(loop, all), 0);
    check_numbers(results, (const int64_t[]){1, 2}, 2);
    run_dry(loop);
    nothing_left(loop);
}

TEST(inside_a_gather_it_saves_its_own) {
    rondel_loop loop = rondel_loop_new();
    rondel_future inner[2], shields[2];
    int64_t results[2];
    new_promises(loop, inner, 2);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(rondel_retain(inner[i]), 0);
        shields[i] = rondel_shield(inner[i], RONDEL_FUTURE);
    }
    rondel_future all = rondel_gather(shields, 2, results, RONDEL_FUTURE);
    CHECK_EQ(rondel_cancel(all), 0);
    CHECK_EQ(rondel_run_until(loop, all), RONDEL_ECANCELED);
    check_numbers(results, (const int64_t[]){RONDEL_ECANCELED, RONDEL_ECANCELED}, 2);
    for (int i = 0; i < 2; i++) {
        settle(inner[i], i);
        CHECK_EQ(rondel_run_until(loop, inner[i]), i);
    }
    run_dry(loop);
    nothing_left(loop);
}

static void cancel_that(rondel_handle source, int64_t result, void *user_data) {
    (void)source, (void)result;
    CHECK_EQ(rondel_cancel(*(rondel_future *)user_data), 0);
}

TEST(cancelled_in_the_turn_in_which_the_other_ends_it_is_cancelled) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    rondel_future outer, inner = rondel_call_soon(loop, cancel_that, &outer);
    outer = rondel_shield(inner, see, &seen);
    run_dry(loop);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
    nothing_left(loop);
}

TEST(very_many_around_one_and_one_around_the_other) {
    const int64_t count = test_scale(100000, 5000);
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    rondel_future inner = rondel_future_new(loop), outer = inner;
    for (int64_t i = 0; i < count; i++) {
        CHECK_EQ(rondel_retain(inner), 0);
        CHECK(rondel_timeout(rondel_shield(inner, see, &seen), i % 2 ? 0 : AGES) > 0);
    }
    rondel_run(loop, RONDEL_RUN_NOWAIT);
    run_dry(loop);
    CHECK_EQ(seen.calls, count / 2);
    CHECK_EQ(seen.result, RONDEL_ETIMEDOUT);
    for (int64_t i = 0; i < count; i++) outer = rondel_shield(outer, RONDEL_FUTURE);
    CHECK_EQ(rondel_retain(inner), 0);
    settle(inner, 3);
    CHECK_EQ(rondel_run_until(loop, outer), 3);
    CHECK_EQ(seen.calls, count);
    CHECK_EQ(seen.result, 3);
    CHECK_EQ(rondel_release(inner), 0);
    run_dry(loop);
    nothing_left(loop);
}

TEST(an_item_goes_back_once_and_only_if_neither_was_asked_for_it) {
    rondel_loop loop = rondel_loop_new();
    rondel_queue queue = rondel_queue_new(loop, 0, RONDEL_QUEUE_FIFO);
    for (int way = 0; way < 16; way++) {
        int late = way & 1, first = way >> 1 & 1, asked = way >> 2; /* the item; who goes first; who is asked */
        if (!late) CHECK_EQ(rondel_queue_try_put(queue, 7), 0);
        rondel_future both[2] = {rondel_queue_get(queue, RONDEL_FUTURE), 0};
        CHECK_EQ(rondel_retain(both[0]), 0);
        both[1] = rondel_shield(both[0], RONDEL_FUTURE);
        if (late) CHECK_EQ(rondel_queue_try_put(queue, 7), 0);
        run_dry(loop);
        for (int i = 0; i < 2; i++)
            if (asked >> i & 1) CHECK_EQ(rondel_future_result(both[i]), 7);
        CHECK_EQ(rondel_release(both[first]), 0);
        CHECK_EQ(rondel_queue_size(queue), 0); /* the other can still be asked */
        CHECK_EQ(rondel_release(both[!first]), 0);
        CHECK_EQ(rondel_queue_try_get(queue), asked ? RONDEL_EAGAIN : 7);
        CHECK_EQ(rondel_queue_size(queue), 0);
    }
    CHECK_EQ(rondel_close(queue), 0);
    run_dry(loop);
    nothing_left(loop);
}

TEST(an_item_whose_get_calls_a_function_does_not_go_back) {
    rondel_loop loop = rondel_loop_new();
    rondel_queue queue = rondel_queue_new(loop, 0, RONDEL_QUEUE_FIFO);
    for (int late = 0; late < 2; late++) {
        struct seen seen = {0, 0, 0};
        if (!late) CHECK_EQ(rondel_queue_try_put(queue, 7), 0);
        rondel_future outer = rondel_shield(rondel_queue_get(queue, see, &seen), RONDEL_FUTURE);
        if (late) CHECK_EQ(rondel_queue_try_put(queue, 7), 0);
        run_dry(loop);
        CHECK_EQ(seen.result, 7);
        CHECK_EQ(rondel_release(outer), 0);
        CHECK_EQ(rondel_queue_size(queue), 0);
    }
    CHECK_EQ(rondel_close(queue), 0);
    run_dry(loop);
    nothing_left(loop);
}

TEST(an_item_goes_back_through_very_many) {
    const int64_t count = test_scale(100000, 5000);
    rondel_loop loop = rondel_loop_new();
    rondel_queue queue = rondel_queue_new(loop, 0, RONDEL_QUEUE_FIFO);
    for (int late = 0; late < 2; late++) {
        if (!late) CHECK_EQ(rondel_queue_try_put(queue, 7), 0);
        rondel_future inner = rondel_queue_get(queue, RONDEL_FUTURE), outer = inner, beside = inner;
        for (int64_t i = 0; i < count; i++) {
            if (i == count / 2) CHECK_EQ(rondel_retain(beside = outer), 0);
            outer = rondel_shield(outer, RONDEL_FUTURE);
        }
        if (late) CHECK_EQ(rondel_queue_try_put(queue, 7), 0);
        run_dry(loop);
        CHECK_EQ(rondel_future_state(outer), RONDEL_DONE);
        CHECK_EQ(rondel_release(beside), 0);
        CHECK_EQ(rondel_queue_size(queue), 0);
        CHECK_EQ(rondel_release(outer), 0);
        CHECK_EQ(rondel_queue_try_get(queue), 7);
        CHECK_EQ(rondel_future_state(inner), RONDEL_EGONE);
    }
    CHECK_EQ(rondel_close(queue), 0);
    run_dry(loop);
    nothing_left(loop);
}

TEST(it_is_alive_as_far_as_what_it_shields_is) {
    rondel_loop loop = rondel_loop_new();
    rondel_future outer = rondel_shield(rondel_future_new(loop), RONDEL_FUTURE);
    CHECK_EQ(rondel_alive(loop), 0);
    rondel_future timed = rondel_shield(rondel_call_later(loop, RONDEL_MS, RONDEL_FUTURE), RONDEL_FUTURE);
    run_dry(loop);
    CHECK_EQ(rondel_future_state(outer), RONDEL_PENDING);
    CHECK_EQ(rondel_future_state(timed), RONDEL_DONE);
    CHECK_EQ(rondel_close(outer), 0);
    CHECK_EQ(rondel_release(timed), 0);
    run_dry(loop);
    nothing_left(loop);
}

TEST(a_code_or_a_wrong_handle_is_refused) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    rondel_future gone = rondel_future_new(loop);
    CHECK_EQ(rondel_release(gone), 0);
    CHECK_EQ(rondel_shield(RONDEL_ECONNREFUSED, see, &seen), RONDEL_ECONNREFUSED);
    CHECK_EQ(rondel_shield(0, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_shield(loop, see, &seen), RONDEL_EKIND);
    CHECK_EQ(rondel_shield(gone, see, &seen), RONDEL_EGONE);
    run_dry(loop);
    CHECK_EQ(seen.calls, 0);
    nothing_left(loop);
}

TEST(freeing_the_loop_ends_both) {
    rondel_loop loop = rondel_loop_new();
    struct seen inner = {0, 0, 0}, outer = {0, 0, 0};
    rondel_future later = rondel_call_later(loop, AGES, see, &inner);
    CHECK(rondel_shield(rondel_shield(later, RONDEL_FUTURE), see, &outer) > 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(inner.calls, 1);
    CHECK_EQ(outer.calls, 1);
    CHECK_EQ(outer.result, RONDEL_ECANCELED);
}

TEST_MAIN(RUN(it_ends_as_what_it_shields), RUN(cancelling_what_it_shields_cancels_it),
          RUN(cancelling_it_leaves_what_it_shields_alone), RUN(its_deadline_is_its_own),
          RUN(what_is_done_already_is_told_in_the_next_turn), RUN(it_takes_what_it_shields_unless_that_is_held_once_more),
          RUN(a_promise_nobody_else_holds_is_forgotten_with_it), RUN(around_a_gather_it_saves_the_parts),
          RUN(inside_a_gather_it_saves_its_own), RUN(cancelled_in_the_turn_in_which_the_other_ends_it_is_cancelled),
          RUN(very_many_around_one_and_one_around_the_other),
          RUN(an_item_goes_back_once_and_only_if_neither_was_asked_for_it),
          RUN(an_item_whose_get_calls_a_function_does_not_go_back), RUN(an_item_goes_back_through_very_many), RUN(a_code_or_a_wrong_handle_is_refused),
          RUN(it_is_alive_as_far_as_what_it_shields_is), RUN(freeing_the_loop_ends_both))
