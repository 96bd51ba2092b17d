/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The end of a gather before its time: cancelled, too late, or its loop freed; and what is made of gathers. */
#include "support/test.h"

#include "support/futures.h"
#include "support/steps.h"

struct work {
    struct gate *gate, *begun;
};

static int64_t begin_and_wait(void *arg) {
    struct work work = *(struct work *)arg;
    gate_pass(work.begun);
    gate_wait(work.gate, 1);
    return 9;
}

/* Work that has begun, and so cannot be stopped: it ends when its gate was passed once. */
static rondel_future begun_work(rondel_loop loop, struct gate *gate, struct gate *begun) {
    struct work work = {gate, begun};
    rondel_future future = rondel_work(loop, begin_and_wait, &work, RONDEL_FUTURE);
    gate_wait(begun, 1);
    return future;
}

TEST(cancelling_it_cancels_all_its_parts) {
    rondel_loop loop = rondel_loop_new();
    rondel_tcp server = rondel_tcp_listen(loop, "127.0.0.1", 0, NULL, NULL);
    struct seen seen = {0, 0, 0};
    int64_t results[5];
    const rondel_future futures[5] = {
        rondel_call_soon(loop, RONDEL_FUTURE), rondel_call_later(loop, AGES, trace, "later"), rondel_future_new(loop),
        rondel_accept(server, RONDEL_FUTURE), rondel_gather(NULL, 0, NULL, NULL, NULL)};
    rondel_future all = rondel_gather_all(futures, 5, results, see, &seen);
    CHECK_EQ(rondel_cancel(all), 0);
    CHECK_EQ(rondel_future_state(futures[1]), RONDEL_CANCELLED);
    CHECK_EQ(rondel_future_state(futures[2]), RONDEL_CANCELLED);
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(rondel_close(server), 0);
    run_dry(loop);
    CHECK_STR(trace_taken(), "later");
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
    for (int i = 0; i < 4; i++) CHECK_EQ(results[i], RONDEL_ECANCELED);
    CHECK_EQ(results[4], RONDEL_EINVAL);
    nothing_left(loop);
}

TEST(it_ends_after_the_last_of_them) {
    struct gate gate = GATE, begun = GATE;
    rondel_loop loop = rondel_loop_new();
    int64_t results[2];
    struct seen seen = {0, 0, 0};
    const rondel_future futures[2] = {begun_work(loop, &gate, &begun), rondel_future_new(loop)};
    rondel_future all = rondel_gather(futures, 2, results, see, &seen);
    CHECK_EQ(rondel_cancel(all), 0);
    CHECK_EQ(rondel_cancel(all), 0); /* and once more */
    for (int i = 0; i < 5; i++) CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(seen.calls, 0); /* the work has its caller's memory still */
    CHECK_EQ(rondel_future_state(all), RONDEL_PENDING);
    gate_pass(&gate);
    run_dry(loop);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
    check_numbers(results, (const int64_t[]){RONDEL_ECANCELED, RONDEL_ECANCELED}, 2);
    nothing_left(loop);
}

static void cancel_all(rondel_handle source, int64_t result, void *user_data) {
    (void)source;
    CHECK_EQ(result, 0);
    CHECK_EQ(rondel_cancel(*(rondel_future *)user_data), RONDEL_ESTATE);
    trace_word("refused");
}

TEST(once_all_parts_are_done_it_cannot_be_cancelled) {
    rondel_loop loop = rondel_loop_new();
    rondel_future all, parts[2] = {rondel_call_soon(loop, trace, "one"), rondel_call_soon(loop, cancel_all, &all)};
    all = rondel_gather(parts, 2, NULL, RONDEL_FUTURE);
    CHECK_EQ(rondel_run_until(loop, all), 0);
    CHECK_STR(trace_taken(), "one refused");
    /* Nor does a deadline end it that comes between its last part and itself. */
    parts[0] = rondel_future_new(loop);
    all = rondel_timeout(rondel_gather(parts, 1, NULL, RONDEL_FUTURE), 0);
    settle(parts[0], 5);
    busy_for(RONDEL_MS);
    CHECK_EQ(rondel_run_until(loop, all), 0);
    run_dry(loop);
    nothing_left(loop);
}

static void cancel_while_another_is_pending(rondel_handle source, int64_t result, void *user_data) {
    (void)source;
    CHECK_EQ(result, 0);
    CHECK_EQ(rondel_cancel(*(rondel_future *)user_data), 0);
}

TEST(cancelled_in_the_turn_in_which_a_part_ends_it_keeps_that_result) {
    rondel_loop loop = rondel_loop_new();
    rondel_future all, parts[2] = {rondel_call_soon(loop, cancel_while_another_is_pending, &all),
                                   rondel_call_later(loop, AGES, RONDEL_FUTURE)};
    int64_t results[2];
    all = rondel_gather(parts, 2, results, RONDEL_FUTURE);
    CHECK_EQ(rondel_run_until(loop, all), RONDEL_ECANCELED);
    check_numbers(results, (const int64_t[]){0, RONDEL_ECANCELED}, 2);
    run_dry(loop);
    nothing_left(loop);
}

TEST(an_error_on_its_way_does_not_outdo_a_cancel) {
    rondel_loop loop = rondel_loop_new();
    rondel_future parts[2];
    int64_t results[2];
    new_promises(loop, parts, 2);
    rondel_future all = rondel_gather(parts, 2, results, RONDEL_FUTURE);
    settle(parts[0], RONDEL_EPIPE);
    CHECK_EQ(rondel_cancel(all), 0);
    CHECK_EQ(rondel_run_until(loop, all), RONDEL_ECANCELED);
    check_numbers(results, (const int64_t[]){RONDEL_EPIPE, RONDEL_ECANCELED}, 2);
    run_dry(loop);
    nothing_left(loop);
}

TEST(its_deadline_cancels_the_parts) {
    rondel_loop loop = rondel_loop_new();
    rondel_future parts[2] = {rondel_call_later(loop, AGES, RONDEL_FUTURE), rondel_call_soon(loop, RONDEL_FUTURE)};
    int64_t results[2], before = rondel_clock();
    rondel_future all = rondel_gather(parts, 2, results, RONDEL_FUTURE);
    rondel_run(loop, RONDEL_RUN_NOWAIT);
    CHECK_EQ(rondel_run_until(loop, rondel_timeout(all, 3 * RONDEL_MS)), RONDEL_ETIMEDOUT);
    CHECK(rondel_clock() >= before + 3 * RONDEL_MS);
    check_numbers(results, (const int64_t[]){RONDEL_ECANCELED, 0}, 2);
    run_dry(loop);
    nothing_left(loop);
}

TEST(a_deadline_it_does_not_need_leaves_nothing_behind) {
    rondel_loop loop = rondel_loop_new();
    rondel_future part = rondel_call_soon(loop, RONDEL_FUTURE);
    CHECK_EQ(rondel_run_until(loop, rondel_timeout(rondel_gather(&part, 1, NULL, RONDEL_FUTURE), AGES)), 0);
    run_dry(loop);
    CHECK_EQ(rondel_backend_timeout(loop), RONDEL_FOREVER);
    nothing_left(loop);
}

TEST(the_deadline_of_a_part_is_the_first_error) {
    rondel_loop loop = rondel_loop_new();
    int64_t results[2];
    rondel_future parts[2] = {rondel_timeout(rondel_future_new(loop), RONDEL_MS), rondel_future_new(loop)};
    CHECK_EQ(rondel_retain(parts[1]), 0);
    CHECK_EQ(rondel_run_until(loop, rondel_gather(parts, 2, results, RONDEL_FUTURE)), RONDEL_ETIMEDOUT);
    check_numbers(results, (const int64_t[]){RONDEL_ETIMEDOUT, RONDEL_EAGAIN}, 2);
    CHECK_EQ(rondel_future_state(parts[1]), RONDEL_PENDING);
    CHECK_EQ(rondel_release(parts[1]), 0);
    run_dry(loop);
    nothing_left(loop);
}

TEST(of_nested_deadlines_the_inner_one_ends_the_inner_one) {
    rondel_loop loop = rondel_loop_new();
    int64_t inner_results[2], results[2];
    rondel_future parts[2] = {rondel_call_later(loop, AGES, RONDEL_FUTURE), rondel_future_new(loop)};
    rondel_future inner = rondel_timeout(rondel_gather_all(parts, 2, inner_results, RONDEL_FUTURE), RONDEL_MS);
    rondel_future outer[2] = {inner, rondel_call_later(loop, 2 * RONDEL_MS, RONDEL_FUTURE)};
    rondel_future all = rondel_timeout(rondel_gather_all(outer, 2, results, RONDEL_FUTURE), AGES);
    CHECK_EQ(rondel_run_until(loop, all), 1);
    check_numbers(inner_results, (const int64_t[]){RONDEL_ECANCELED, RONDEL_ECANCELED}, 2);
    check_numbers(results, (const int64_t[]){RONDEL_ETIMEDOUT, 0}, 2);
    parts[0] = rondel_call_later(loop, AGES, RONDEL_FUTURE);
    inner = rondel_timeout(rondel_gather(parts, 1, NULL, RONDEL_FUTURE), AGES);
    all = rondel_timeout(rondel_gather(&inner, 1, results, RONDEL_FUTURE), RONDEL_MS);
    CHECK_EQ(rondel_run_until(loop, all), RONDEL_ETIMEDOUT);
    CHECK_EQ(results[0], RONDEL_ECANCELED);
    run_dry(loop);
    CHECK_EQ(rondel_backend_timeout(loop), RONDEL_FOREVER);
    nothing_left(loop);
}

TEST(close_cancels_and_lets_go) {
    rondel_loop loop = rondel_loop_new();
    rondel_future part = rondel_call_later(loop, AGES, trace, "part");
    rondel_future all = rondel_gather(&part, 1, NULL, RONDEL_FUTURE);
    CHECK_EQ(rondel_future_then(all, trace, "all"), 0);
    CHECK_EQ(rondel_close(all), 0);
    run_dry(loop);
    CHECK_STR(trace_taken(), "part all");
    nothing_left(loop);
}

TEST(a_gather_of_gathers_has_each_result_in_its_place) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promises[4];
    int64_t results[4], outer[2];
    new_promises(loop, promises, 4);
    rondel_future halves[2] = {rondel_gather(promises, 2, results, RONDEL_FUTURE),
                               rondel_gather_all(promises + 2, 2, results + 2, RONDEL_FUTURE)};
    rondel_future all = rondel_gather(halves, 2, outer, RONDEL_FUTURE);
    settle(promises[3], RONDEL_EPIPE);
    settle(promises[1], 2);
    settle(promises[2], 3);
    settle(promises[0], 1);
    CHECK_EQ(rondel_run_until(loop, all), 0);
    check_numbers(results, (const int64_t[]){1, 2, 3, RONDEL_EPIPE}, 4);
    check_numbers(outer, (const int64_t[]){0, 1}, 2);
    run_dry(loop);
    nothing_left(loop);
}

/* One gather in the other, `depth` times, around a promise. */
static rondel_future nested(rondel_future promise, int64_t depth) {
    for (int64_t i = 0; i < depth; i++) promise = rondel_gather(&promise, 1, NULL, RONDEL_FUTURE);
    return promise;
}

TEST(however_deep_they_are_nested_no_stack_is_needed) {
    const int64_t depth = test_scale(200000, 20000);
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop), outermost = nested(promise, depth);
    settle(promise, 1);
    CHECK_EQ(rondel_run_until(loop, outermost), 0);
    promise = rondel_future_new(loop);
    outermost = nested(promise, depth);
    settle(promise, RONDEL_EPIPE);
    CHECK_EQ(rondel_run_until(loop, outermost), RONDEL_EPIPE);
    outermost = nested(rondel_future_new(loop), depth);
    CHECK_EQ(rondel_cancel(outermost), 0);
    CHECK_EQ(rondel_run_until(loop, outermost), RONDEL_ECANCELED);
    run_dry(loop);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
    struct seen seen = {0, 0, 0};
    CHECK_EQ(rondel_future_then(nested(rondel_future_new(loop), depth), see, &seen), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
}

TEST(what_is_reached_on_many_ways_is_cancelled_once) {
    rondel_loop loop = rondel_loop_new();
    rondel_future whole = rondel_future_new(loop);
    for (int i = 0; i < 60; i++) /* 2^60 ways to the promise */
        whole = rondel_gather((const rondel_future[]){whole, whole}, 2, NULL, RONDEL_FUTURE);
    CHECK_EQ(rondel_cancel(whole), 0);
    CHECK_EQ(rondel_run_until(loop, whole), RONDEL_ECANCELED);
    run_dry(loop);
    nothing_left(loop);
}

TEST(a_gather_of_very_many_is_as_exact_as_one_of_two) {
    const int64_t count = test_scale(1000000, 20000);
    rondel_loop loop = rondel_loop_new();
    rondel_future *promises = malloc((size_t)count * sizeof *promises);
    int64_t *results = malloc((size_t)count * sizeof *results);
    for (int64_t i = 0; i < count; i++) promises[i] = rondel_future_new(loop);
    rondel_future all = rondel_gather(promises, (size_t)count, results, RONDEL_FUTURE);
    for (int64_t i = count; i-- > 0;) settle(promises[i], i);
    CHECK_EQ(rondel_run_until(loop, all), 0);
    for (int64_t i = 0; i < count; i++)
        if (results[i] != i) CHECK_EQ(results[i], i);
    run_dry(loop);
    free(promises);
    free(results);
    nothing_left(loop);
}

struct reader {
    rondel_tcp peer;
    char bytes[8];
};

TEST(reads_and_writes_are_parts_like_others) {
    rondel_loop loop = rondel_loop_new();
    rondel_tcp server = rondel_tcp_listen(loop, "127.0.0.1", 0, NULL, NULL);
    int port = 0;
    int64_t results[3];
    struct reader a, b;
    REQUIRE(rondel_local_addr(server, NULL, 0, &port) > 0);
    /* Connecting and accepting at once, as one; then talking both ways at once. */
    CHECK_EQ(rondel_run_until(loop, rondel_gather((const rondel_future[]){
                 rondel_accept(server, RONDEL_FUTURE), rondel_tcp_connect(loop, "127.0.0.1", port, RONDEL_FUTURE)},
                 2, results, RONDEL_FUTURE)), 0);
    a.peer = results[0];
    b.peer = results[1];
    CHECK_EQ(rondel_kind(a.peer), RONDEL_KIND_TCP);
    CHECK_EQ(rondel_run_until(loop, rondel_gather((const rondel_future[]){
                 rondel_read_exactly(a.peer, a.bytes, 8, RONDEL_FUTURE), rondel_write(b.peer, "to a ...", 8, RONDEL_FUTURE),
                 rondel_write(a.peer, "to b", 4, RONDEL_FUTURE)}, 3, results, RONDEL_FUTURE)), 0);
    check_numbers(results, (const int64_t[]){8, 8, 4}, 3);
    CHECK(!memcmp(a.bytes, "to a ...", 8));
    /* One reads, the other waits in vain: a refused call, then a deadline; nothing is lost by either. */
    CHECK_EQ(rondel_run_until(loop, rondel_gather_all((const rondel_future[]){
                 rondel_read(b.peer, b.bytes, 4, RONDEL_FUTURE), rondel_read(b.peer, b.bytes, 4, RONDEL_FUTURE)},
                 2, results, RONDEL_FUTURE)), 1);
    check_numbers(results, (const int64_t[]){4, RONDEL_EBUSY}, 2);
    CHECK(!memcmp(b.bytes, "to b", 4));
    CHECK_EQ(rondel_run_until(loop, rondel_timeout(rondel_gather((const rondel_future[]){
                 rondel_read(a.peer, a.bytes, 8, RONDEL_FUTURE), rondel_read(b.peer, b.bytes, 8, RONDEL_FUTURE)},
                 2, results, RONDEL_FUTURE), RONDEL_MS)), RONDEL_ETIMEDOUT);
    check_numbers(results, (const int64_t[]){RONDEL_ECANCELED, RONDEL_ECANCELED}, 2);
    /* The end of a connection ends the gather of its operations. */
    rondel_future both = rondel_gather((const rondel_future[]){rondel_read(a.peer, a.bytes, 8, RONDEL_FUTURE),
                                                               rondel_read(b.peer, b.bytes, 8, RONDEL_FUTURE)},
                                       2, results, RONDEL_FUTURE);
    CHECK_EQ(rondel_close(b.peer), 0);
    CHECK_EQ(rondel_run_until(loop, both), RONDEL_ECANCELED);
    CHECK_EQ(rondel_close(a.peer), 0);
    CHECK_EQ(rondel_close(server), 0);
    run_dry(loop);
    nothing_left(loop);
}

static void ends_with_the_loop(rondel_handle source, int64_t result, void *user_data) {
    CHECK_EQ(result, RONDEL_ECANCELED);
    CHECK_EQ(rondel_future_result(source), RONDEL_ECANCELED);
    CHECK_EQ(rondel_gather(&source, 1, NULL, ends_with_the_loop, user_data), RONDEL_EGONE); /* nothing begins now */
    ++*(int *)user_data;
}

TEST(freeing_the_loop_ends_each_once_after_its_parts) {
    struct gate gate = GATE, begun = GATE;
    rondel_loop loop = rondel_loop_new();
    int ended = 0;
    int64_t results[3] = {0, 0, 0}, half[2] = {0, 0};
    rondel_future parts[3] = {begun_work(loop, &gate, &begun), rondel_call_later(loop, AGES, ends_with_the_loop, &ended),
                              0};
    CHECK_EQ(rondel_future_then(parts[0], gate_pass_fn, &begun), 0);
    rondel_tcp server = rondel_tcp_listen(loop, "127.0.0.1", 0, NULL, NULL);
    rondel_future pair[2] = {rondel_accept(server, RONDEL_FUTURE), rondel_call_soon(loop, ends_with_the_loop, &ended)};
    parts[2] = rondel_gather_all(pair, 2, half, ends_with_the_loop, &ended);
    rondel_future all = rondel_gather(parts, 3, results, ends_with_the_loop, &ended);
    CHECK_EQ(rondel_future_then(all, ends_with_the_loop, &ended), 0);
    CHECK(rondel_timeout(all, AGES) > 0);
    CHECK(rondel_gather(&all, 1, NULL, NULL, NULL) > 0);
    gate_pass(&gate);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(ended, 5);
    CHECK_EQ(gate_passed(&begun), 2);
    for (int i = 0; i < 3; i++) CHECK_EQ(results[i], RONDEL_ECANCELED);
    check_numbers(half, (const int64_t[]){RONDEL_ECANCELED, RONDEL_ECANCELED}, 2);
}

struct outside {
    rondel_future part, all;
    int64_t made, result;
    pthread_t thread;
};

static void *use_outside(void *user_data) {
    struct outside *outside = user_data;
    outside->made = rondel_gather(&outside->part, 1, NULL, RONDEL_FUTURE);
    CHECK_EQ(rondel_future_set_threadsafe(outside->part, RONDEL_FOREVER), 0);
    outside->result = rondel_future_block(outside->all, RONDEL_FOREVER);
    return NULL;
}

static void start_outside(rondel_handle source, int64_t result, void *user_data) {
    struct outside *outside = user_data;
    (void)source, (void)result;
    CHECK_EQ(pthread_create(&outside->thread, NULL, use_outside, outside), 0);
}

TEST(another_thread_may_wait_for_it_but_not_make_it) {
    rondel_loop loop = rondel_loop_new();
    struct outside outside;
    int64_t result;
    outside.part = rondel_future_new(loop);
    outside.all = rondel_gather(&outside.part, 1, &result, RONDEL_FUTURE);
    CHECK_EQ(rondel_retain(outside.all), 0);
    CHECK(rondel_call_soon(loop, start_outside, &outside) > 0);
    CHECK_EQ(rondel_run_until(loop, outside.all), 0);
    while (rondel_future_state(outside.all) != RONDEL_EGONE) rondel_run(loop, RONDEL_RUN_ONCE);
    pthread_join(outside.thread, NULL);
    CHECK_EQ(outside.made, RONDEL_ETHREAD);
    CHECK_EQ(outside.result, 0);
    CHECK_EQ(result, RONDEL_FOREVER);
    nothing_left(loop);
}

TEST_MAIN(RUN(cancelling_it_cancels_all_its_parts), RUN(it_ends_after_the_last_of_them),
          RUN(once_all_parts_are_done_it_cannot_be_cancelled),
          RUN(cancelled_in_the_turn_in_which_a_part_ends_it_keeps_that_result),
          RUN(an_error_on_its_way_does_not_outdo_a_cancel), RUN(its_deadline_cancels_the_parts),
          RUN(a_deadline_it_does_not_need_leaves_nothing_behind), RUN(the_deadline_of_a_part_is_the_first_error),
          RUN(of_nested_deadlines_the_inner_one_ends_the_inner_one), RUN(close_cancels_and_lets_go),
          RUN(a_gather_of_gathers_has_each_result_in_its_place), RUN(however_deep_they_are_nested_no_stack_is_needed),
          RUN(what_is_reached_on_many_ways_is_cancelled_once), RUN(a_gather_of_very_many_is_as_exact_as_one_of_two),
          RUN(reads_and_writes_are_parts_like_others), RUN(freeing_the_loop_ends_each_once_after_its_parts),
          RUN(another_thread_may_wait_for_it_but_not_make_it))
