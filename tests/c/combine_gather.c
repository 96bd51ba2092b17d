/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Gather: several futures awaited as one, with their results by position. */
#include "support/test.h"

#include "support/futures.h"
#include "support/steps.h"

TEST(every_result_stands_by_its_position) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promises[3];
    int64_t results[3] = {-1, -1, -1};
    struct seen seen = {0, 0, 0};
    new_promises(loop, promises, 3);
    rondel_future all = rondel_gather(promises, 3, results, see, &seen);
    CHECK_EQ(rondel_kind(all), RONDEL_KIND_FUTURE);
    CHECK_EQ(rondel_future_origin(all), loop);
    settle(promises[1], 1);
    settle(promises[0], 2);
    run_dry(loop);
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(rondel_future_state(all), RONDEL_PENDING);
    settle(promises[2], 3);
    CHECK_EQ(seen.calls, 0);
    run_dry(loop);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, 0);
    CHECK_EQ(seen.source, all);
    check_numbers(results, (const int64_t[]){2, 1, 3}, 3);
    nothing_left(loop);
}

TEST(the_results_may_be_left_out_or_take_the_place_of_the_futures) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promises[2];
    new_promises(loop, promises, 2);
    rondel_future all = rondel_gather(promises, 2, NULL, RONDEL_FUTURE);
    settle(promises[0], 1);
    settle(promises[1], 2);
    CHECK_EQ(rondel_run_until(loop, all), 0);
    new_promises(loop, promises, 2);
    const rondel_future first = promises[0], second = promises[1];
    all = rondel_gather(promises, 2, promises, RONDEL_FUTURE);
    CHECK_EQ(promises[0], first);
    settle(first, 7);
    settle(second, 8);
    CHECK_EQ(rondel_run_until(loop, all), 0);
    check_numbers(promises, (const int64_t[]){7, 8}, 2);
    run_dry(loop);
    nothing_left(loop);
}

TEST(it_takes_its_futures_but_for_those_held_once_more) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promises[2];
    new_promises(loop, promises, 2);
    CHECK_EQ(rondel_retain(promises[1]), 0);
    rondel_future all = rondel_gather(promises, 2, NULL, RONDEL_FUTURE);
    settle(promises[0], 1);
    settle(promises[1], 2);
    CHECK_EQ(rondel_run_until(loop, all), 0);
    run_dry(loop);
    CHECK_EQ(rondel_future_state(promises[0]), RONDEL_EGONE);
    CHECK_EQ(rondel_future_result(promises[1]), 2);
    CHECK_EQ(rondel_release(promises[1]), 0);
    CHECK_EQ(rondel_release(promises[1]), RONDEL_EGONE);
    nothing_left(loop);
}

TEST(the_first_error_ends_it_and_the_others_run_on) {
    rondel_loop loop = rondel_loop_new();
    rondel_future futures[5];
    int64_t results[5] = {-1, -1, -1, -1, -1};
    struct seen seen = {0, 0, 0}, later = {0, 0, 0};
    new_promises(loop, futures, 5);
    CHECK_EQ(rondel_retain(futures[2]), 0);
    CHECK_EQ(rondel_future_then(futures[4], see, &later), 0);
    CHECK(rondel_gather(futures, 5, results, see, &seen) > 0);
    settle(futures[0], 1);
    settle(futures[1], RONDEL_EPIPE);
    settle(futures[3], 4); /* done, but behind the error in the line to tell */
    run_dry(loop);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_EPIPE);
    check_numbers(results, (const int64_t[]){1, RONDEL_EPIPE, RONDEL_EAGAIN, 4, RONDEL_EAGAIN}, 5);
    memset(results, 0, sizeof results);
    CHECK_EQ(later.calls, 0);
    settle(futures[4], 5);
    run_dry(loop);
    CHECK_EQ(later.calls, 1);
    CHECK_EQ(later.result, 5);
    settle(futures[2], 3);
    CHECK_EQ(rondel_run_until(loop, futures[2]), 3);
    CHECK_EQ(seen.calls, 1);
    for (int i = 0; i < 5; i++) CHECK_EQ(results[i], 0); /* yours again since it completed */
    nothing_left(loop);
}

TEST(a_promise_that_only_it_waited_for_is_forgotten_with_it) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promises[2];
    new_promises(loop, promises, 2);
    rondel_future all = rondel_gather(promises, 2, NULL, RONDEL_FUTURE);
    settle(promises[1], RONDEL_EPIPE);
    CHECK_EQ(rondel_run_until(loop, all), RONDEL_EPIPE);
    CHECK_EQ(rondel_future_set(promises[0], 1), RONDEL_EGONE);
    run_dry(loop);
    nothing_left(loop);
}

TEST(a_cancelled_part_is_an_error_too) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promises[3];
    struct seen seen = {0, 0, 0};
    new_promises(loop, promises, 3);
    CHECK(rondel_gather(promises, 3, NULL, see, &seen) > 0);
    settle(promises[0], 1);
    CHECK_EQ(rondel_cancel(promises[1]), 0);
    run_dry(loop);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
    nothing_left(loop);
}

TEST(errors_are_results_when_asked) {
    rondel_loop loop = rondel_loop_new();
    rondel_future futures[6];
    int64_t results[6];
    struct seen seen = {0, 0, 0};
    new_promises(loop, futures, 5);
    futures[5] = rondel_timeout(rondel_call_later(loop, AGES, RONDEL_FUTURE), RONDEL_MS);
    rondel_future all = rondel_gather_all(futures, 6, results, see, &seen);
    settle(futures[1], RONDEL_EPIPE);
    settle(futures[0], 1);
    CHECK_EQ(rondel_cancel(futures[2]), 0);
    run_dry(loop);
    CHECK_EQ(rondel_future_state(all), RONDEL_PENDING);
    settle(futures[3], 3);
    run_dry(loop);
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(rondel_cancel(futures[4]), 0);
    run_dry(loop);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, 4);
    check_numbers(results,
                  (const int64_t[]){1, RONDEL_EPIPE, RONDEL_ECANCELED, 3, RONDEL_ECANCELED, RONDEL_ETIMEDOUT}, 6);
    nothing_left(loop);
}

TEST(when_all_goes_well_gathering_errors_gives_0) {
    rondel_loop loop = rondel_loop_new();
    const rondel_future futures[2] = {rondel_call_soon(loop, RONDEL_FUTURE), rondel_call_later(loop, 0, RONDEL_FUTURE)};
    int64_t results[2] = {-1, -1};
    CHECK_EQ(rondel_run_until(loop, rondel_gather_all(futures, 2, results, RONDEL_FUTURE)), 0);
    check_numbers(results, (const int64_t[]){0, 0}, 2);
    run_dry(loop);
    nothing_left(loop);
}

static void in_a_loop_with_nothing(rondel_handle source, int64_t result, void *user_data) {
    struct seen *seen = user_data;
    rondel_future none = rondel_gather(NULL, 0, NULL, see, seen);
    (void)result;
    CHECK(none > 0);
    CHECK_EQ(rondel_loop_of(none), rondel_loop_of(source));
    CHECK_EQ(rondel_future_result(none), 0);
    CHECK(rondel_gather_all(NULL, 0, NULL, see, seen) > 0);
    CHECK_EQ(seen->calls, 0);
}

TEST(nothing_at_all_completes_with_0_on_the_loop_that_runs) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, -1, 0};
    CHECK_EQ(rondel_gather(NULL, 0, NULL, see, &seen), RONDEL_EINVAL); /* of which loop? */
    CHECK(rondel_call_soon(loop, in_a_loop_with_nothing, &seen) > 0);
    run_dry(loop);
    CHECK_EQ(seen.calls, 2);
    CHECK_EQ(seen.result, 0);
    nothing_left(loop);
}

TEST(a_refused_call_is_a_part_that_failed) {
    rondel_loop loop = rondel_loop_new();
    struct seen later = {0, 0, 0};
    int64_t results[3] = {0, 0, 0};
    rondel_future all = rondel_gather((const rondel_future[]){rondel_call_later(loop, RONDEL_MS, see, &later),
                                                              rondel_call_later(loop, -1, see, &later),
                                                              RONDEL_ECONNREFUSED},
                                      3, results, RONDEL_FUTURE);
    CHECK(all > 0);
    CHECK_EQ(rondel_run_until(loop, all), RONDEL_EINVAL); /* the first of the two */
    check_numbers(results, (const int64_t[]){RONDEL_EAGAIN, RONDEL_EINVAL, RONDEL_ECONNREFUSED}, 3);
    run_dry(loop);
    CHECK_EQ(later.calls, 1);
    all = rondel_gather_all((const rondel_future[]){RONDEL_ENOENT, rondel_call_soon(loop, RONDEL_FUTURE), 0}, 3,
                            results, RONDEL_FUTURE);
    CHECK_EQ(rondel_run_until(loop, all), 2);
    check_numbers(results, (const int64_t[]){RONDEL_ENOENT, 0, RONDEL_EINVAL}, 3);
    run_dry(loop);
    nothing_left(loop);
}

static void refused_calls_alone(rondel_handle source, int64_t result, void *user_data) {
    const rondel_future refused[2] = {RONDEL_ECONNREFUSED, RONDEL_EPIPE};
    (void)source, (void)result;
    CHECK(rondel_gather(refused, 2, NULL, see, user_data) > 0);
}

TEST(refused_calls_alone_chain_their_code) {
    const rondel_future refused[2] = {RONDEL_ECONNREFUSED, RONDEL_EPIPE};
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    CHECK_EQ(rondel_gather(refused, 2, NULL, see, &seen), RONDEL_ECONNREFUSED);
    CHECK_EQ(rondel_gather_all(refused, 2, NULL, see, &seen), RONDEL_ECONNREFUSED);
    CHECK_EQ(seen.calls, 0);
    CHECK(rondel_call_soon(loop, refused_calls_alone, &seen) > 0);
    run_dry(loop);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_ECONNREFUSED);
    nothing_left(loop);
}

TEST(what_is_gone_is_a_part_that_failed) {
    rondel_loop loop = rondel_loop_new(), freed = rondel_loop_new();
    rondel_future futures[4] = {rondel_future_new(freed), rondel_future_new(loop), rondel_future_new(loop), INT64_MAX};
    int64_t results[4];
    CHECK_EQ(rondel_loop_free(freed), 0);
    rondel_loop in_its_place = rondel_loop_new();
    CHECK_EQ(rondel_release(futures[1]), 0);
    rondel_future all = rondel_gather_all(futures, 4, results, RONDEL_FUTURE);
    CHECK_EQ(rondel_loop_of(all), loop);
    settle(futures[2], 5);
    CHECK_EQ(rondel_run_until(loop, all), 3);
    check_numbers(results, (const int64_t[]){RONDEL_EGONE, RONDEL_EGONE, 5, RONDEL_EGONE}, 4);
    CHECK_EQ(rondel_gather(futures, 4, NULL, RONDEL_FUTURE), RONDEL_EGONE); /* nothing tells the loop any more */
    run_dry(loop);
    nothing_left(loop);
    nothing_left(in_its_place);
}

TEST(what_makes_no_sense_is_refused_and_nothing_is_taken) {
    rondel_loop loop = rondel_loop_new(), other = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    rondel_future promise = rondel_future_new(loop), theirs = rondel_future_new(other);
    rondel_timer timer = rondel_timer_start(loop, AGES, 0, see, &seen);
    int64_t results[2] = {7, 7};
    CHECK_EQ(rondel_gather(NULL, 2, results, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_gather(&promise, SIZE_MAX, results, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_gather(&promise, SIZE_MAX / 8 + 2, results, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_gather((const rondel_future[]){promise, theirs}, 2, results, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_gather((const rondel_future[]){RONDEL_EPIPE, theirs, promise}, 3, NULL, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_gather((const rondel_future[]){promise, timer}, 2, results, see, &seen), RONDEL_EKIND);
    CHECK_EQ(rondel_gather((const rondel_future[]){loop, promise}, 2, results, see, &seen), RONDEL_EKIND);
    check_numbers(results, (const int64_t[]){7, 7}, 2);
    CHECK_EQ(rondel_future_state(promise), RONDEL_PENDING);
    settle(promise, 1);
    run_dry(other);
    CHECK_EQ(rondel_close(timer), 0);
    run_dry(loop);
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(rondel_future_result(promise), 1);
    CHECK_EQ(rondel_release(promise), 0); /* still held */
    CHECK_EQ(rondel_release(theirs), 0);
    nothing_left(loop);
    nothing_left(other);
}

TEST(a_future_may_stand_there_twice) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promises[2];
    int64_t results[4];
    new_promises(loop, promises, 2);
    rondel_future all = rondel_gather((const rondel_future[]){promises[0], promises[0], promises[1], promises[0]}, 4,
                                      results, RONDEL_FUTURE);
    settle(promises[0], 5);
    settle(promises[1], 6);
    CHECK_EQ(rondel_run_until(loop, all), 0);
    check_numbers(results, (const int64_t[]){5, 5, 6, 5}, 4);
    all = rondel_gather((const rondel_future[]){all, all}, 2, results, RONDEL_FUTURE); /* gone by now, twice */
    CHECK_EQ(all, RONDEL_EGONE);
    promises[0] = rondel_future_new(loop);
    all = rondel_gather((const rondel_future[]){promises[0], promises[0]}, 2, results, RONDEL_FUTURE);
    settle(promises[0], RONDEL_EPIPE);
    CHECK_EQ(rondel_run_until(loop, all), RONDEL_EPIPE);
    check_numbers(results, (const int64_t[]){RONDEL_EPIPE, RONDEL_EPIPE}, 2);
    run_dry(loop);
    nothing_left(loop);
}

TEST(parts_that_are_done_already_count_and_it_tells_in_the_next_turn) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promises[2];
    int64_t results[2];
    struct seen seen = {0, -1, 0};
    new_promises(loop, promises, 2);
    settle(promises[0], 1);
    run_dry(loop);
    settle(promises[1], 2); /* not told yet */
    CHECK(rondel_gather(promises, 2, results, see, &seen) > 0);
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(rondel_future_state(promises[0]), RONDEL_EGONE);
    run_dry(loop);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, 0);
    check_numbers(results, (const int64_t[]){1, 2}, 2);
    new_promises(loop, promises, 2);
    settle(promises[1], RONDEL_EPIPE);
    CHECK(rondel_gather(promises, 2, results, see, &seen) > 0);
    run_dry(loop);
    CHECK_EQ(seen.result, RONDEL_EPIPE);
    check_numbers(results, (const int64_t[]){RONDEL_EAGAIN, RONDEL_EPIPE}, 2);
    nothing_left(loop);
}

TEST(a_part_with_a_function_of_its_own_tells_it_first) {
    rondel_loop loop = rondel_loop_new();
    const rondel_future futures[2] = {rondel_call_soon(loop, trace, "one"), rondel_call_soon(loop, trace, "two")};
    CHECK(rondel_gather(futures, 2, NULL, trace, "all") > 0);
    run_dry(loop);
    CHECK_STR(trace_taken(), "one two all");
    nothing_left(loop);
}

TEST(a_future_may_be_a_part_of_several) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    struct seen seen[3] = {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}};
    for (int i = 0; i < 3; i++) CHECK_EQ(rondel_retain(promise), 0);
    for (int i = 0; i < 3; i++) CHECK(rondel_gather(&promise, 1, NULL, see, &seen[i]) > 0);
    CHECK_EQ(rondel_future_then(promise, see, &seen[0]), 0);
    settle(promise, 4);
    run_dry(loop);
    CHECK_EQ(seen[0].calls, 2);
    CHECK_EQ(seen[1].calls, 1);
    CHECK_EQ(seen[2].calls, 1);
    CHECK_EQ(rondel_release(promise), 0);
    nothing_left(loop);
}

TEST(released_and_closed_parts_end_it_like_others) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promises[2];
    int64_t results[2];
    new_promises(loop, promises, 2);
    for (int i = 0; i < 2; i++) CHECK_EQ(rondel_retain(promises[i]), 0);
    rondel_future all = rondel_gather_all(promises, 2, results, RONDEL_FUTURE);
    for (int i = 0; i < 2; i++) CHECK_EQ(rondel_release(promises[i]), 0);
    CHECK_EQ(rondel_release(promises[0]), RONDEL_ESTATE); /* it is waited for, not held */
    settle(promises[0], 1);
    CHECK_EQ(rondel_close(promises[1]), 0);
    CHECK_EQ(rondel_run_until(loop, all), 1);
    check_numbers(results, (const int64_t[]){1, RONDEL_ECANCELED}, 2);
    run_dry(loop);
    nothing_left(loop);
}

TEST(nobody_need_hear_of_it) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promises[2];
    int64_t results[2];
    new_promises(loop, promises, 2);
    CHECK(rondel_gather(promises, 2, results, NULL, NULL) > 0);
    rondel_future kept = rondel_gather((const rondel_future[]){rondel_call_later(loop, RONDEL_MS, RONDEL_FUTURE)}, 1,
                                       NULL, RONDEL_FUTURE);
    CHECK_EQ(rondel_release(kept), 0);
    CHECK_EQ(rondel_future_state(kept), RONDEL_PENDING);
    settle(promises[0], 1);
    settle(promises[1], 2);
    run_dry(loop);
    check_numbers(results, (const int64_t[]){1, 2}, 2);
    nothing_left(loop);
}

TEST(next_hands_it_out_like_others) {
    rondel_loop loop = rondel_loop_new();
    const rondel_future futures[2] = {rondel_call_soon(loop, RONDEL_FUTURE), rondel_call_later(loop, 0, RONDEL_FUTURE)};
    rondel_completion out[4];
    int data;
    rondel_future all = rondel_gather(futures, 2, NULL, rondel_enqueue, &data);
    CHECK_EQ(rondel_next(loop, out, 4, AGES), 1);
    CHECK_EQ(out[0].source, all);
    CHECK_EQ(out[0].result, 0);
    CHECK(out[0].user_data == &data);
    CHECK_EQ(rondel_future_result(all), 0);
    CHECK_EQ(rondel_next(loop, out, 4, 0), 0);
    nothing_left(loop);
}

TEST(it_is_alive_as_far_as_its_parts_are) {
    rondel_loop loop = rondel_loop_new();
    rondel_future futures[2] = {rondel_call_later(loop, RONDEL_MS, RONDEL_FUTURE), rondel_future_new(loop)};
    struct seen seen = {0, 0, 0};
    CHECK(rondel_gather(futures, 1, NULL, see, &seen) > 0);
    CHECK(rondel_gather(futures + 1, 1, NULL, see, &seen) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0); /* waits for the one and not for the other */
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(seen.calls, 2);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
}

TEST_MAIN(RUN(every_result_stands_by_its_position),
          RUN(the_results_may_be_left_out_or_take_the_place_of_the_futures),
          RUN(it_takes_its_futures_but_for_those_held_once_more), RUN(the_first_error_ends_it_and_the_others_run_on),
          RUN(a_promise_that_only_it_waited_for_is_forgotten_with_it), RUN(a_cancelled_part_is_an_error_too),
          RUN(errors_are_results_when_asked), RUN(when_all_goes_well_gathering_errors_gives_0),
          RUN(nothing_at_all_completes_with_0_on_the_loop_that_runs), RUN(a_refused_call_is_a_part_that_failed),
          RUN(refused_calls_alone_chain_their_code), RUN(what_is_gone_is_a_part_that_failed),
          RUN(what_makes_no_sense_is_refused_and_nothing_is_taken), RUN(a_future_may_stand_there_twice),
          RUN(parts_that_are_done_already_count_and_it_tells_in_the_next_turn),
          RUN(a_part_with_a_function_of_its_own_tells_it_first), RUN(a_future_may_be_a_part_of_several),
          RUN(released_and_closed_parts_end_it_like_others), RUN(nobody_need_hear_of_it),
          RUN(next_hands_it_out_like_others), RUN(it_is_alive_as_far_as_its_parts_are))
