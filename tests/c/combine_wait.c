/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Wait: how many of several futures are done, once enough of them are. */
#include "support/test.h"

#include "support/futures.h"
#include "support/steps.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

TEST(it_tells_when_all_are_done_and_leaves_them_yours) {
    rondel_loop loop = rondel_loop_new();
    rondel_future futures[2] = {rondel_call_later(loop, 2 * RONDEL_MS, RONDEL_FUTURE), rondel_future_new(loop)};
    struct seen seen = {0, 0, 0};
    rondel_future waiting = rondel_wait(futures, 2, RONDEL_ALL_COMPLETED, see, &seen);
    CHECK_EQ(rondel_kind(waiting), RONDEL_KIND_FUTURE);
    settle(futures[1], RONDEL_EPIPE); /* an error like any result */
    CHECK_EQ(seen.calls, 0);
    run_dry(loop);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, 2);
    CHECK_EQ(seen.source, waiting);
    /* Once more: it takes no time, and tells in the next turn all the same. */
    CHECK(rondel_wait(futures, 2, RONDEL_ALL_COMPLETED, see, &seen) > 0);
    CHECK_EQ(seen.calls, 1);
    rondel_run(loop, RONDEL_RUN_NOWAIT);
    CHECK_EQ(seen.calls, 2);
    CHECK_EQ(seen.result, 2);
    CHECK_EQ(rondel_future_result(futures[0]), 0);
    CHECK_EQ(rondel_future_result(futures[1]), RONDEL_EPIPE);
    for (int i = 0; i < 2; i++) CHECK_EQ(rondel_release(futures[i]), 0);
    nothing_left(loop);
}

TEST(the_first_one_done_is_enough_when_asked) {
    rondel_loop loop = rondel_loop_new();
    rondel_future futures[3];
    new_promises(loop, futures, 3);
    rondel_future waiting = rondel_wait(futures, 3, RONDEL_FIRST_COMPLETED, RONDEL_FUTURE);
    settle(futures[1], RONDEL_EPIPE);
    CHECK_EQ(rondel_run_until(loop, waiting), 1);
    CHECK_EQ(rondel_future_state(futures[0]), RONDEL_PENDING);
    CHECK_EQ(rondel_future_state(futures[1]), RONDEL_DONE);
    CHECK_EQ(rondel_cancel(futures[2]), 0);
    CHECK_EQ(rondel_run_until(loop, rondel_wait(futures, 3, RONDEL_FIRST_COMPLETED, RONDEL_FUTURE)), 2);
    settle(futures[0], 1);
    for (int i = 0; i < 3; i++) CHECK_EQ(rondel_release(futures[i]), 0);
    run_dry(loop);
    nothing_left(loop);
}

TEST(it_counts_also_those_that_are_done_and_have_not_told) {
    rondel_loop loop = rondel_loop_new();
    rondel_future futures[3];
    struct seen seen = {0, 0, 0};
    new_promises(loop, futures, 3);
    CHECK(rondel_wait(futures, 3, RONDEL_FIRST_COMPLETED, see, &seen) > 0);
    settle(futures[2], 1);
    settle(futures[0], 1);
    run_dry(loop);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, 2);
    for (int i = 0; i < 3; i++) CHECK_EQ(rondel_release(futures[i]), 0);
    nothing_left(loop);
}

TEST(the_first_error_is_enough_when_asked) {
    rondel_loop loop = rondel_loop_new();
    rondel_future futures[3];
    new_promises(loop, futures, 3);
    rondel_future waiting = rondel_wait(futures, 3, RONDEL_FIRST_ERROR, RONDEL_FUTURE);
    settle(futures[0], 5); /* a value is none */
    run_dry(loop);
    CHECK_EQ(rondel_future_state(waiting), RONDEL_PENDING);
    settle(futures[1], RONDEL_EPIPE);
    CHECK_EQ(rondel_run_until(loop, waiting), 2);
    CHECK_EQ(rondel_future_state(futures[2]), RONDEL_PENDING);
    /* There already. */
    CHECK_EQ(rondel_run_until(loop, rondel_wait(futures, 3, RONDEL_FIRST_ERROR, RONDEL_FUTURE)), 2);
    for (int i = 0; i < 3; i++) CHECK_EQ(rondel_release(futures[i]), 0);
    run_dry(loop);
    nothing_left(loop);
}

TEST(for_the_first_error_a_cancelled_one_has_not_failed) {
    rondel_loop loop = rondel_loop_new();
    rondel_future futures[2];
    new_promises(loop, futures, 2);
    rondel_future waiting = rondel_wait(futures, 2, RONDEL_FIRST_ERROR, RONDEL_FUTURE);
    CHECK_EQ(rondel_cancel(futures[0]), 0);
    run_dry(loop);
    CHECK_EQ(rondel_future_state(waiting), RONDEL_PENDING);
    settle(futures[1], 1); /* no error came: all are done */
    CHECK_EQ(rondel_run_until(loop, waiting), 2);
    for (int i = 0; i < 2; i++) CHECK_EQ(rondel_release(futures[i]), 0);
    run_dry(loop);
    nothing_left(loop);
}

TEST(the_end_of_its_time_tells_how_many_are_done) {
    rondel_loop loop = rondel_loop_new();
    rondel_future futures[3] = {rondel_call_later(loop, RONDEL_MS, RONDEL_FUTURE), rondel_future_new(loop),
                                rondel_call_later(loop, AGES, RONDEL_FUTURE)};
    const int how[3] = {RONDEL_ALL_COMPLETED, RONDEL_FIRST_ERROR, RONDEL_FIRST_COMPLETED};
    int64_t before = rondel_clock();
    CHECK_EQ(rondel_run_until(loop, rondel_timeout(rondel_wait(futures, 3, how[0], RONDEL_FUTURE), 3 * RONDEL_MS)), 1);
    CHECK(rondel_clock() >= before + 3 * RONDEL_MS);
    CHECK_EQ(rondel_future_state(futures[0]), RONDEL_DONE);
    CHECK_EQ(rondel_future_state(futures[2]), RONDEL_PENDING);
    CHECK_EQ(rondel_run_until(loop, rondel_timeout(rondel_wait(futures, 3, how[1], RONDEL_FUTURE), RONDEL_MS)), 1);
    for (int i = 0; i < 3; i++) /* none is: 0, whatever is waited for */
        CHECK_EQ(rondel_run_until(loop, rondel_timeout(rondel_wait(futures + 1, 2, how[i], RONDEL_FUTURE), 0)), 0);
    CHECK_EQ(rondel_future_state(futures[1]), RONDEL_PENDING);
    for (int i = 0; i < 3; i++) CHECK_EQ(rondel_close(futures[i]), 0);
    run_dry(loop);
    nothing_left(loop);
}

TEST(time_it_does_not_need_leaves_nothing_behind) {
    rondel_loop loop = rondel_loop_new();
    rondel_future soon = rondel_call_soon(loop, RONDEL_FUTURE);
    CHECK_EQ(rondel_run_until(loop, rondel_timeout(rondel_wait(&soon, 1, RONDEL_ALL_COMPLETED, RONDEL_FUTURE), AGES)), 1);
    CHECK_EQ(rondel_backend_timeout(loop), RONDEL_FOREVER);
    CHECK_EQ(rondel_release(soon), 0);
    nothing_left(loop);
}

TEST(one_done_by_the_deadline_itself_is_counted) {
    rondel_loop loop = rondel_loop_new();
    rondel_future futures[2] = {rondel_call_later(loop, 2 * RONDEL_MS, RONDEL_FUTURE),
                                rondel_call_later(loop, AGES, RONDEL_FUTURE)};
    rondel_future waiting = rondel_timeout(rondel_wait(futures, 2, RONDEL_ALL_COMPLETED, RONDEL_FUTURE), 2 * RONDEL_MS);
    busy_for(3 * RONDEL_MS); /* both are due in the same turn */
    CHECK_EQ(rondel_run_until(loop, waiting), 1);
    for (int i = 0; i < 2; i++) CHECK_EQ(rondel_close(futures[i]), 0);
    run_dry(loop);
    nothing_left(loop);
}

TEST(cancelling_it_leaves_the_futures_alone) {
    rondel_loop loop = rondel_loop_new();
    rondel_future futures[2] = {rondel_future_new(loop), rondel_call_later(loop, RONDEL_MS, RONDEL_FUTURE)};
    struct seen seen = {0, 0, 0};
    rondel_future waiting = rondel_wait(futures, 2, RONDEL_ALL_COMPLETED, see, &seen);
    CHECK_EQ(rondel_cancel(waiting), 0);
    CHECK_EQ(rondel_cancel(waiting), RONDEL_ESTATE);
    CHECK_EQ(seen.calls, 0);
    run_dry(loop);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
    CHECK_EQ(rondel_future_result(futures[1]), 0);
    settle(futures[0], 4);
    CHECK_EQ(rondel_run_until(loop, futures[0]), 4);
    CHECK_EQ(rondel_release(futures[1]), 0);
    nothing_left(loop);
}

static void cancel_waiting(rondel_handle source, int64_t result, void *user_data) {
    (void)source, (void)result;
    CHECK_EQ(rondel_cancel(*(rondel_future *)user_data), 0);
}

TEST(cancelled_in_the_turn_in_which_the_last_one_ends_it_is_cancelled) {
    rondel_loop loop = rondel_loop_new();
    rondel_future waiting, soon = rondel_call_soon(loop, cancel_waiting, &waiting);
    struct seen seen = {0, 0, 0};
    waiting = rondel_wait(&soon, 1, RONDEL_ALL_COMPLETED, see, &seen);
    run_dry(loop);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
    nothing_left(loop);
}

TEST(a_future_that_stands_there_twice_is_counted_twice) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promises[2];
    new_promises(loop, promises, 2);
    const rondel_future futures[3] = {promises[0], promises[0], promises[1]};
    rondel_future waiting = rondel_wait(futures, 3, RONDEL_ALL_COMPLETED, RONDEL_FUTURE);
    rondel_future first = rondel_wait(futures, 3, RONDEL_FIRST_COMPLETED, RONDEL_FUTURE);
    settle(promises[0], 1);
    CHECK_EQ(rondel_run_until(loop, first), 2);
    settle(promises[1], 1);
    CHECK_EQ(rondel_run_until(loop, waiting), 3);
    for (int i = 0; i < 2; i++) CHECK_EQ(rondel_release(promises[i]), 0);
    nothing_left(loop);
}

TEST(refused_calls_and_what_is_gone_are_done_and_failed) {
    rondel_loop loop = rondel_loop_new();
    rondel_future gone = rondel_future_new(loop), promise = rondel_future_new(loop);
    CHECK_EQ(rondel_release(gone), 0);
    const rondel_future futures[3] = {promise, gone, RONDEL_ECONNREFUSED};
    CHECK_EQ(rondel_run_until(loop, rondel_wait(futures, 3, RONDEL_FIRST_ERROR, RONDEL_FUTURE)), 2);
    CHECK_EQ(rondel_run_until(loop, rondel_wait(futures, 2, RONDEL_FIRST_COMPLETED, RONDEL_FUTURE)), 1);
    rondel_future waiting = rondel_wait(futures, 3, RONDEL_ALL_COMPLETED, RONDEL_FUTURE);
    CHECK_EQ(rondel_future_state(waiting), RONDEL_PENDING);
    settle(promise, 1);
    CHECK_EQ(rondel_run_until(loop, waiting), 3);
    CHECK_EQ(rondel_wait(futures + 2, 1, RONDEL_ALL_COMPLETED, RONDEL_FUTURE), RONDEL_ECONNREFUSED); /* of which loop? */
    CHECK_EQ(rondel_release(promise), 0);
    nothing_left(loop);
}

static void with_nothing_to_wait_for(rondel_handle source, int64_t result, void *user_data) {
    (void)source, (void)result;
    CHECK(rondel_wait(NULL, 0, RONDEL_FIRST_COMPLETED, see, user_data) > 0);
}

TEST(with_nothing_to_wait_for_it_gives_0) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, -1, 0};
    CHECK(rondel_call_soon(loop, with_nothing_to_wait_for, &seen) > 0);
    run_dry(loop);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, 0);
    nothing_left(loop);
}

TEST(what_makes_no_sense_is_refused) {
    rondel_loop loop = rondel_loop_new(), other = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    const rondel_future futures[2] = {rondel_future_new(loop), rondel_future_new(other)};
    CHECK_EQ(rondel_wait(futures, 1, -1, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_wait(futures, 1, 3, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_wait(NULL, 1, RONDEL_ALL_COMPLETED, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_wait(NULL, 0, RONDEL_ALL_COMPLETED, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_wait(futures, 2, RONDEL_ALL_COMPLETED, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_wait(&loop, 1, RONDEL_ALL_COMPLETED, see, &seen), RONDEL_EKIND);
    for (int i = 0; i < 2; i++) CHECK_EQ(rondel_release(futures[i]), 0);
    run_dry(loop);
    CHECK_EQ(seen.calls, 0);
    nothing_left(loop);
    nothing_left(other);
}

TEST(released_meanwhile_they_are_waited_for_all_the_same) {
    rondel_loop loop = rondel_loop_new();
    rondel_future futures[2] = {rondel_future_new(loop), rondel_call_later(loop, RONDEL_MS, RONDEL_FUTURE)};
    rondel_future waiting = rondel_wait(futures, 2, RONDEL_ALL_COMPLETED, RONDEL_FUTURE);
    for (int i = 0; i < 2; i++) CHECK_EQ(rondel_release(futures[i]), 0);
    settle(futures[0], 1);
    CHECK_EQ(rondel_run_until(loop, waiting), 2);
    CHECK_EQ(rondel_future_state(futures[0]), RONDEL_EGONE);
    run_dry(loop);
    nothing_left(loop);
}

/* What the heap holds in bytes; 0 where the C library does not tell. */
static int64_t in_use(void) {
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
    return (int64_t)mallinfo2().uordblks;
#else
    return 0;
#endif
}

TEST(waiting_again_and_again_for_something_that_never_comes_costs_nothing) {
    const int64_t rounds = test_scale(200000, 5000);
    rondel_loop loop = rondel_loop_new();
    rondel_future never = rondel_future_new(loop);
    int64_t before = 0;
    for (int64_t i = 0; i < rounds; i++) {
        if (i == rounds / 10) before = in_use();
        rondel_future soon = rondel_call_soon(loop, RONDEL_FUTURE);
        const rondel_future futures[2] = {never, soon};
        rondel_future waiting = rondel_wait(futures, 2, RONDEL_FIRST_COMPLETED, RONDEL_FUTURE);
        CHECK_EQ(rondel_run_until(loop, waiting), 1);
        CHECK_EQ(rondel_release(soon), 0);
        if (i % 8 == 0) rondel_cancel(rondel_wait(&never, 1, RONDEL_ALL_COMPLETED, NULL, NULL));
    }
    CHECK(in_use() - before < 16 * 1024);
    CHECK_EQ(rondel_release(never), 0);
    run_dry(loop);
    nothing_left(loop);
}

TEST(many_may_wait_for_one_and_give_up_in_any_order) {
    enum { WAITS = 1000 };
    static rondel_future waits[WAITS];
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    struct seen seen = {0, 0, 0}, cancelled = {0, 0, 0};
    uint64_t random = 7;
    for (int i = 0; i < WAITS; i++) waits[i] = rondel_wait(&promise, 1, RONDEL_ALL_COMPLETED, RONDEL_FUTURE);
    for (int i = WAITS; i > 1; i--) {
        int other = (int)(next_random(&random) % (uint64_t)i);
        rondel_future swapped = waits[other];
        waits[other] = waits[i - 1];
        waits[i - 1] = swapped;
    }
    for (int i = 0; i < WAITS; i++) {
        CHECK_EQ(rondel_future_then(waits[i], see, i < WAITS / 2 ? &cancelled : &seen), 0);
        if (i < WAITS / 2) CHECK_EQ(rondel_cancel(waits[i]), 0);
    }
    run_dry(loop);
    CHECK_EQ(cancelled.calls, WAITS / 2);
    CHECK_EQ(cancelled.result, RONDEL_ECANCELED);
    CHECK_EQ(seen.calls, 0);
    settle(promise, 1);
    run_dry(loop);
    CHECK_EQ(seen.calls, WAITS / 2);
    CHECK_EQ(seen.result, 1);
    for (int i = 0; i < WAITS; i++) CHECK_EQ(rondel_release(waits[i]), 0);
    CHECK_EQ(rondel_release(promise), 0);
    nothing_left(loop);
}

TEST(freeing_the_loop_cancels_it_whether_or_not_its_futures_went_first) {
    rondel_loop loop = rondel_loop_new();
    struct seen before = {0, 0, 0}, after = {0, 0, 0};
    rondel_future futures[2] = {rondel_future_new(loop), 0};
    CHECK(rondel_wait(futures, 1, RONDEL_ALL_COMPLETED, see, &after) > 0);
    rondel_future first = rondel_future_new(loop);
    CHECK_EQ(rondel_release(first), 0);
    futures[1] = rondel_call_later(loop, AGES, RONDEL_FUTURE);
    CHECK(rondel_wait(futures, 2, RONDEL_FIRST_ERROR, see, &before) > 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(before.calls, 1);
    CHECK_EQ(before.result, RONDEL_ECANCELED);
    CHECK_EQ(after.calls, 1);
    CHECK_EQ(after.result, RONDEL_ECANCELED);
}

TEST_MAIN(RUN(it_tells_when_all_are_done_and_leaves_them_yours), RUN(the_first_one_done_is_enough_when_asked),
          RUN(it_counts_also_those_that_are_done_and_have_not_told), RUN(the_first_error_is_enough_when_asked),
          RUN(for_the_first_error_a_cancelled_one_has_not_failed), RUN(the_end_of_its_time_tells_how_many_are_done),
          RUN(time_it_does_not_need_leaves_nothing_behind), RUN(one_done_by_the_deadline_itself_is_counted),
          RUN(cancelling_it_leaves_the_futures_alone),
          RUN(cancelled_in_the_turn_in_which_the_last_one_ends_it_is_cancelled),
          RUN(a_future_that_stands_there_twice_is_counted_twice),
          RUN(refused_calls_and_what_is_gone_are_done_and_failed), RUN(with_nothing_to_wait_for_it_gives_0),
          RUN(what_makes_no_sense_is_refused), RUN(released_meanwhile_they_are_waited_for_all_the_same),
          RUN(waiting_again_and_again_for_something_that_never_comes_costs_nothing),
          RUN(many_may_wait_for_one_and_give_up_in_any_order),
          RUN(freeing_the_loop_cancels_it_whether_or_not_its_futures_went_first))
