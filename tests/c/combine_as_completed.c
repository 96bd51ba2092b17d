/* SPDX-License-Identifier: MIT OR Apache-2.0
 * as_completed: the positions of futures in the order in which they are done. */
#include "support/test.h"

#include "support/futures.h"
#include "support/steps.h"

static int64_t next_of(rondel_loop loop, rondel_iterator iterator) {
    return rondel_run_until(loop, rondel_as_completed_next(iterator, RONDEL_FUTURE));
}

static void close_iterator(rondel_loop loop, rondel_iterator iterator) {
    CHECK_EQ(rondel_close(iterator), 0);
    run_dry(loop);
}

TEST(they_come_in_the_order_in_which_they_are_done) {
    rondel_loop loop = rondel_loop_new();
    const int64_t now = rondel_clock();
    rondel_future futures[4] = {
        rondel_call_at(loop, now + 4 * RONDEL_MS, RONDEL_FUTURE), rondel_call_at(loop, now + RONDEL_MS, RONDEL_FUTURE),
        rondel_future_new(loop), rondel_call_at(loop, now + 3 * RONDEL_MS, RONDEL_FUTURE)};
    const int64_t expected[4] = {1, 3, 0, 2};
    rondel_iterator iterator = rondel_as_completed(futures, 4);
    CHECK_EQ(rondel_kind(iterator), RONDEL_KIND_ITERATOR);
    CHECK_EQ(rondel_loop_of(iterator), loop);
    CHECK_EQ(rondel_is_active(iterator), 1);
    for (int i = 0; i < 4; i++) {
        if (i == 3) settle(futures[2], RONDEL_EPIPE);
        CHECK_EQ(next_of(loop, iterator), expected[i]);
    }
    CHECK_EQ(rondel_is_active(iterator), 0);
    for (int i = 0; i < 3; i++) CHECK_EQ(next_of(loop, iterator), RONDEL_EOF);
    for (int i = 0; i < 4; i++) CHECK_EQ(rondel_run_until(loop, futures[i]), i == 2 ? RONDEL_EPIPE : 0); /* still yours */
    close_iterator(loop, iterator);
    nothing_left(loop);
}

TEST(those_done_already_come_first_and_no_turn_is_needed) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promises[4];
    new_promises(loop, promises, 4);
    settle(promises[3], 1);
    settle(promises[1], RONDEL_EPIPE);
    rondel_iterator iterator = rondel_as_completed(promises, 4);
    const int64_t expected[3] = {1, 3, 0};
    for (int i = 0; i < 3; i++) {
        struct seen seen = {0, 0, 0};
        if (i == 2) settle(promises[0], 1);
        rondel_future next = rondel_as_completed_next(iterator, see, &seen);
        CHECK_EQ(rondel_future_origin(next), iterator);
        CHECK_EQ(rondel_future_state(next), i < 2 ? RONDEL_DONE : RONDEL_PENDING);
        CHECK_EQ(seen.calls, 0); /* told in the next turn, never inside the call */
        run_dry(loop);
        CHECK_EQ(seen.calls, 1);
        CHECK_EQ(seen.result, expected[i]);
    }
    close_iterator(loop, iterator);
    for (int i = 0; i < 4; i++) CHECK_EQ(rondel_release(promises[i]), 0);
    nothing_left(loop);
}

TEST(several_may_be_asked_for_at_once_and_are_answered_in_that_order) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promises[3], nexts[5];
    new_promises(loop, promises, 3);
    rondel_iterator iterator = rondel_as_completed(promises, 3);
    for (int i = 0; i < 5; i++) nexts[i] = rondel_as_completed_next(iterator, RONDEL_FUTURE);
    settle(promises[1], 1);
    CHECK_EQ(rondel_run_until(loop, nexts[0]), 1);
    CHECK_EQ(rondel_future_state(nexts[1]), RONDEL_PENDING);
    settle(promises[2], 1);
    settle(promises[0], 1);
    run_dry(loop);
    CHECK_EQ(rondel_future_result(nexts[1]), 2);
    CHECK_EQ(rondel_future_result(nexts[2]), 0);
    CHECK_EQ(rondel_future_result(nexts[3]), RONDEL_EOF); /* more than there are: told once the last was */
    CHECK_EQ(rondel_future_result(nexts[4]), RONDEL_EOF);
    for (int i = 1; i < 5; i++) CHECK_EQ(rondel_release(nexts[i]), 0);
    close_iterator(loop, iterator);
    for (int i = 0; i < 3; i++) CHECK_EQ(rondel_release(promises[i]), 0);
    nothing_left(loop);
}

TEST(the_answers_may_be_waited_for_in_another_order_or_together) {
    rondel_loop loop = rondel_loop_new();
    const int64_t now = rondel_clock();
    const rondel_future futures[2] = {rondel_call_at(loop, now + 2 * RONDEL_MS, RONDEL_FUTURE),
                                      rondel_call_at(loop, now + RONDEL_MS, RONDEL_FUTURE)};
    int64_t results[2];
    rondel_iterator iterator = rondel_as_completed(futures, 2);
    rondel_future nexts[2];
    for (int i = 0; i < 2; i++) nexts[i] = rondel_as_completed_next(iterator, RONDEL_FUTURE);
    CHECK_EQ(rondel_run_until(loop, nexts[1]), 0);
    CHECK_EQ(rondel_run_until(loop, nexts[0]), 1);
    close_iterator(loop, iterator);
    iterator = rondel_as_completed(futures, 2);
    for (int i = 0; i < 2; i++) nexts[i] = rondel_as_completed_next(iterator, RONDEL_FUTURE);
    CHECK_EQ(rondel_run_until(loop, rondel_gather(nexts, 2, results, RONDEL_FUTURE)), 0);
    check_numbers(results, (const int64_t[]){0, 1}, 2);
    close_iterator(loop, iterator);
    for (int i = 0; i < 2; i++) CHECK_EQ(rondel_release(futures[i]), 0);
    run_dry(loop);
    nothing_left(loop);
}

TEST(it_can_be_left_and_gone_on_with) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promises[4];
    new_promises(loop, promises, 4);
    rondel_iterator iterator = rondel_as_completed(promises, 4);
    settle(promises[3], 1);
    settle(promises[0], 1);
    CHECK_EQ(next_of(loop, iterator), 3);
    run_dry(loop);
    settle(promises[1], 1);
    settle(promises[2], 1);
    run_dry(loop);
    CHECK_EQ(next_of(loop, iterator), 0);
    CHECK_EQ(next_of(loop, iterator), 1);
    CHECK_EQ(next_of(loop, iterator), 2);
    CHECK_EQ(next_of(loop, iterator), RONDEL_EOF);
    close_iterator(loop, iterator);
    for (int i = 0; i < 4; i++) CHECK_EQ(rondel_release(promises[i]), 0);
    nothing_left(loop);
}

TEST(one_who_gives_up_asking_loses_nothing) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promises[2], nexts[3];
    struct seen seen = {0, 0, 0};
    new_promises(loop, promises, 2);
    rondel_iterator iterator = rondel_as_completed(promises, 2);
    for (int i = 0; i < 3; i++) nexts[i] = rondel_as_completed_next(iterator, see, &seen);
    CHECK_EQ(rondel_cancel(nexts[0]), 0);
    run_dry(loop);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
    CHECK_EQ(seen.calls, 1);
    settle(promises[1], 1);
    run_dry(loop);
    CHECK_EQ(seen.source, nexts[1]); /* who asked next moved up */
    CHECK_EQ(seen.result, 1);
    CHECK_EQ(rondel_cancel(nexts[2]), 0);
    settle(promises[0], 1);
    run_dry(loop);
    CHECK_EQ(next_of(loop, iterator), 0);
    CHECK_EQ(next_of(loop, iterator), RONDEL_EOF);
    CHECK_EQ(seen.calls, 3);
    close_iterator(loop, iterator);
    for (int i = 0; i < 2; i++) CHECK_EQ(rondel_release(promises[i]), 0);
    nothing_left(loop);
}

TEST(a_deadline_ends_one_question_and_not_the_iterator) {
    rondel_loop loop = rondel_loop_new();
    const rondel_future futures[2] = {rondel_call_later(loop, 2 * RONDEL_MS, RONDEL_FUTURE), rondel_future_new(loop)};
    rondel_iterator iterator = rondel_as_completed(futures, 2);
    CHECK_EQ(rondel_run_until(loop, rondel_timeout(rondel_as_completed_next(iterator, RONDEL_FUTURE), AGES)), 0);
    CHECK_EQ(rondel_backend_timeout(loop), RONDEL_FOREVER);
    CHECK_EQ(rondel_run_until(loop, rondel_timeout(rondel_as_completed_next(iterator, RONDEL_FUTURE), RONDEL_MS)),
             RONDEL_ETIMEDOUT);
    CHECK_EQ(rondel_future_state(futures[1]), RONDEL_PENDING);
    settle(futures[1], 1);
    CHECK_EQ(next_of(loop, iterator), 1);
    close_iterator(loop, iterator);
    for (int i = 0; i < 2; i++) CHECK_EQ(rondel_release(futures[i]), 0);
    nothing_left(loop);
}

static void cancel_that(rondel_handle source, int64_t result, void *user_data) {
    rondel_future next = *(rondel_future *)user_data;
    (void)source, (void)result;
    trace_word(rondel_cancel(next) == RONDEL_ESTATE ? "answered" : "cancelled");
}

TEST(cancelled_in_the_turn_of_the_answer_it_is_the_one_or_the_other) {
    rondel_loop loop = rondel_loop_new();
    rondel_future next, soon = rondel_call_soon(loop, cancel_that, &next), done = rondel_future_new(loop);
    rondel_iterator iterator = rondel_as_completed(&soon, 1);
    next = rondel_as_completed_next(iterator, RONDEL_FUTURE);
    CHECK_EQ(rondel_run_until(loop, next), RONDEL_ECANCELED); /* its own function comes before those who wait */
    CHECK_EQ(next_of(loop, iterator), 0);
    CHECK_STR(trace_taken(), "cancelled");
    close_iterator(loop, iterator);
    iterator = rondel_as_completed(&done, 1);
    next = rondel_as_completed_next(iterator, RONDEL_FUTURE);
    settle(done, 1);
    CHECK_EQ(rondel_future_then(done, cancel_that, &next), 0); /* behind the iterator in the line */
    CHECK_EQ(rondel_run_until(loop, next), 0);
    CHECK_EQ(next_of(loop, iterator), RONDEL_EOF);
    CHECK_STR(trace_taken(), "answered");
    close_iterator(loop, iterator);
    CHECK_EQ(rondel_release(done), 0);
    nothing_left(loop);
}

TEST(a_future_that_stands_there_twice_comes_twice) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promises[2];
    new_promises(loop, promises, 2);
    const rondel_future futures[3] = {promises[0], promises[1], promises[0]};
    rondel_iterator iterator = rondel_as_completed(futures, 3);
    settle(promises[0], 1);
    CHECK_EQ(next_of(loop, iterator), 0);
    CHECK_EQ(next_of(loop, iterator), 2);
    settle(promises[1], 1);
    CHECK_EQ(next_of(loop, iterator), 1);
    CHECK_EQ(next_of(loop, iterator), RONDEL_EOF);
    close_iterator(loop, iterator);
    for (int i = 0; i < 2; i++) CHECK_EQ(rondel_release(promises[i]), 0);
    nothing_left(loop);
}

static void over_nothing(rondel_handle source, int64_t result, void *user_data) {
    rondel_iterator *iterator = user_data;
    (void)source, (void)result;
    *iterator = rondel_as_completed(NULL, 0);
}

TEST(over_nothing_it_is_at_its_end_from_the_start) {
    rondel_loop loop = rondel_loop_new();
    rondel_iterator iterator = 0;
    CHECK_EQ(rondel_as_completed(NULL, 0), RONDEL_EINVAL); /* of which loop? */
    CHECK(rondel_call_soon(loop, over_nothing, &iterator) > 0);
    run_dry(loop);
    CHECK_EQ(rondel_loop_of(iterator), loop);
    CHECK_EQ(next_of(loop, iterator), RONDEL_EOF);
    close_iterator(loop, iterator);
    nothing_left(loop);
}

TEST(refused_calls_and_what_is_gone_are_done_from_the_start) {
    rondel_loop loop = rondel_loop_new();
    rondel_future gone = rondel_future_new(loop);
    CHECK_EQ(rondel_release(gone), 0);
    const rondel_future futures[4] = {rondel_call_soon(loop, RONDEL_FUTURE), RONDEL_ECONNREFUSED, gone, 0};
    rondel_iterator iterator = rondel_as_completed(futures, 4);
    const int64_t expected[5] = {1, 2, 3, 0, RONDEL_EOF};
    for (int i = 0; i < 5; i++) CHECK_EQ(next_of(loop, iterator), expected[i]);
    CHECK_EQ(rondel_as_completed(futures + 1, 1), RONDEL_ECONNREFUSED);
    close_iterator(loop, iterator);
    CHECK_EQ(rondel_release(futures[0]), 0);
    nothing_left(loop);
}

TEST(what_makes_no_sense_is_refused) {
    rondel_loop loop = rondel_loop_new(), other = rondel_loop_new();
    const rondel_future futures[2] = {rondel_future_new(loop), rondel_future_new(other)};
    CHECK_EQ(rondel_as_completed(NULL, 1), RONDEL_EINVAL);
    CHECK_EQ(rondel_as_completed(futures, SIZE_MAX), RONDEL_EINVAL);
    CHECK_EQ(rondel_as_completed(futures, 2), RONDEL_EINVAL);
    CHECK_EQ(rondel_as_completed(&loop, 1), RONDEL_EKIND);
    CHECK_EQ(rondel_as_completed_next(futures[0], NULL, NULL), RONDEL_EKIND);
    CHECK_EQ(rondel_as_completed_next(RONDEL_EPIPE, NULL, NULL), RONDEL_EPIPE);
    rondel_iterator iterator = rondel_as_completed(futures, 1);
    CHECK_EQ(rondel_cancel(iterator), RONDEL_EKIND);
    CHECK_EQ(rondel_gather(&iterator, 1, NULL, NULL, NULL), RONDEL_EKIND);
    close_iterator(loop, iterator);
    CHECK_EQ(rondel_as_completed_next(iterator, NULL, NULL), RONDEL_EGONE);
    for (int i = 0; i < 2; i++) CHECK_EQ(rondel_release(futures[i]), 0);
    nothing_left(loop);
    nothing_left(other);
}

TEST(closing_it_ends_the_questions_and_lets_the_futures_go_on) {
    rondel_loop loop = rondel_loop_new();
    const rondel_future futures[2] = {rondel_future_new(loop), rondel_call_later(loop, RONDEL_MS, RONDEL_FUTURE)};
    rondel_iterator iterator = rondel_as_completed(futures, 2);
    CHECK(rondel_as_completed_next(iterator, trace, "one") > 0);
    CHECK(rondel_as_completed_next(iterator, trace, "two") > 0);
    CHECK_EQ(rondel_on_close(iterator, trace, "closed"), 0);
    CHECK_EQ(rondel_close(iterator), 0);
    CHECK_EQ(rondel_is_closing(iterator), 1);
    CHECK_EQ(rondel_as_completed_next(iterator, NULL, NULL), RONDEL_EGONE);
    run_dry(loop);
    CHECK_STR(trace_taken(), "one two closed");
    CHECK_EQ(rondel_run_until(loop, futures[1]), 0);
    settle(futures[0], 3);
    CHECK_EQ(rondel_run_until(loop, futures[0]), 3);
    nothing_left(loop);
}

static void close_in_it(rondel_handle source, int64_t result, void *user_data) {
    rondel_iterator iterator = rondel_future_origin(source);
    (void)user_data;
    CHECK_EQ(result, 0);
    CHECK_EQ(rondel_close(iterator), 0);
    trace_word("closed");
}

TEST(it_may_be_closed_in_an_answer) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promises[2];
    new_promises(loop, promises, 2);
    rondel_iterator iterator = rondel_as_completed(promises, 2);
    CHECK(rondel_as_completed_next(iterator, close_in_it, NULL) > 0);
    struct seen seen = {0, 0, 0};
    CHECK(rondel_as_completed_next(iterator, see, &seen) > 0);
    settle(promises[0], 1);
    settle(promises[1], 1);
    run_dry(loop);
    CHECK_STR(trace_taken(), "closed");
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, 1); /* it was answered by then, if not told */
    for (int i = 0; i < 2; i++) CHECK_EQ(rondel_release(promises[i]), 0);
    nothing_left(loop);
}

TEST(released_meanwhile_they_come_all_the_same) {
    rondel_loop loop = rondel_loop_new();
    const rondel_future futures[2] = {rondel_future_new(loop), rondel_call_later(loop, RONDEL_MS, RONDEL_FUTURE)};
    rondel_iterator iterator = rondel_as_completed(futures, 2);
    for (int i = 0; i < 2; i++) CHECK_EQ(rondel_release(futures[i]), 0);
    CHECK_EQ(next_of(loop, iterator), 1);
    CHECK_EQ(rondel_cancel(futures[0]), 0);
    CHECK_EQ(next_of(loop, iterator), 0);
    close_iterator(loop, iterator);
    const rondel_future forgotten = rondel_future_new(loop);
    iterator = rondel_as_completed(&forgotten, 1);
    CHECK_EQ(rondel_release(forgotten), 0);
    close_iterator(loop, iterator); /* that was all there was for it */
    CHECK_EQ(rondel_future_state(forgotten), RONDEL_EGONE);
    nothing_left(loop);
}

TEST(freeing_the_loop_ends_every_question) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promises[2];
    struct seen seen = {0, 0, 0}, closed = {0, 0, 0};
    new_promises(loop, promises, 2);
    rondel_iterator iterator = rondel_as_completed(promises, 2);
    for (int i = 0; i < 3; i++) CHECK(rondel_as_completed_next(iterator, see, &seen) > 0);
    CHECK_EQ(rondel_on_close(iterator, see, &closed), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(seen.calls, 3);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
    CHECK_EQ(closed.calls, 1);
}

TEST_MAIN(RUN(they_come_in_the_order_in_which_they_are_done), RUN(those_done_already_come_first_and_no_turn_is_needed),
          RUN(several_may_be_asked_for_at_once_and_are_answered_in_that_order),
          RUN(the_answers_may_be_waited_for_in_another_order_or_together), RUN(it_can_be_left_and_gone_on_with),
          RUN(one_who_gives_up_asking_loses_nothing), RUN(a_deadline_ends_one_question_and_not_the_iterator),
          RUN(cancelled_in_the_turn_of_the_answer_it_is_the_one_or_the_other),
          RUN(a_future_that_stands_there_twice_comes_twice), RUN(over_nothing_it_is_at_its_end_from_the_start),
          RUN(refused_calls_and_what_is_gone_are_done_from_the_start), RUN(what_makes_no_sense_is_refused),
          RUN(closing_it_ends_the_questions_and_lets_the_futures_go_on), RUN(it_may_be_closed_in_an_answer),
          RUN(released_meanwhile_they_come_all_the_same), RUN(freeing_the_loop_ends_every_question))
