/* SPDX-License-Identifier: MIT OR Apache-2.0
 * rondel_next: completions handed out in batches, for programs without callbacks. */
#include "support/test.h"

#include "support/steps.h"

static int64_t give_seven(void *arg) {
    (void)arg;
    return 7;
}

TEST(completions_come_with_source_result_and_data) {
    rondel_loop loop = rondel_loop_new();
    rondel_completion out[4];
    int mark;
    rondel_future work = rondel_work(loop, give_seven, NULL, rondel_enqueue, &mark);
    CHECK_EQ(rondel_next(loop, out, 4, RONDEL_FOREVER), 1);
    CHECK_EQ(out[0].source, work);
    CHECK_EQ(out[0].result, 7);
    CHECK(out[0].user_data == &mark);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_batch_holds_what_there_is_up_to_its_capacity_in_order) {
    rondel_loop loop = rondel_loop_new();
    rondel_completion out[16];
    int marks[10];
    const int64_t expected[] = {4, 4, 2, 0};
    int handed = 0;
    for (int i = 0; i < 10; i++) CHECK(rondel_call_soon(loop, rondel_enqueue, &marks[i]) > 0);
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(rondel_next(loop, out, 4, 0), expected[i]);
        for (int j = 0; j < expected[i]; j++) CHECK(out[j].user_data == &marks[handed++]);
    }
    CHECK_EQ(handed, 10);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_future_handed_out_lives_until_the_next_call) {
    rondel_loop loop = rondel_loop_new();
    rondel_completion out[2];
    rondel_future first = rondel_call_soon(loop, rondel_enqueue, NULL);
    rondel_future second = rondel_call_soon(loop, rondel_enqueue, NULL);
    CHECK_EQ(rondel_next(loop, out, 1, 0), 1);
    CHECK_EQ(out[0].source, first);
    CHECK_EQ(rondel_future_state(first), RONDEL_DONE);
    CHECK_EQ(rondel_future_result(first), 0);
    CHECK_EQ(rondel_future_origin(first), loop);
    CHECK_EQ(rondel_next(loop, out, 1, 0), 1);
    CHECK_EQ(out[0].source, second);
    CHECK_EQ(rondel_future_state(first), RONDEL_EGONE);
    CHECK_EQ(rondel_retain(second), 0);
    CHECK_EQ(rondel_next(loop, out, 1, 0), 0);
    CHECK_EQ(rondel_future_state(second), RONDEL_DONE);
    CHECK_EQ(rondel_release(second), 0);
    CHECK_EQ(rondel_future_state(second), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(with_timeout_zero_it_does_not_wait) {
    rondel_loop loop = rondel_loop_new();
    rondel_completion out[1];
    CHECK(rondel_call_later(loop, 3600 * RONDEL_SECOND, rondel_enqueue, NULL) > 0);
    for (int i = 0; i < 5; i++) CHECK_EQ(rondel_next(loop, out, 1, 0), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(with_a_timeout_it_waits_that_long) {
    rondel_loop loop = rondel_loop_new();
    rondel_completion out[1];
    CHECK(rondel_call_later(loop, 3600 * RONDEL_SECOND, rondel_enqueue, NULL) > 0);
    int64_t before = rondel_clock();
    CHECK_EQ(rondel_next(loop, out, 1, 5 * RONDEL_MS), 0);
    CHECK(rondel_clock() >= before + 5 * RONDEL_MS);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(without_a_limit_it_waits_for_a_completion_or_until_nothing_is_alive) {
    rondel_loop loop = rondel_loop_new();
    rondel_completion out[1];
    CHECK_EQ(rondel_next(loop, out, 1, RONDEL_FOREVER), 0);
    CHECK_EQ(rondel_next(loop, out, 1, -1), 0);
    CHECK(rondel_call_later(loop, RONDEL_MS, rondel_enqueue, NULL) > 0);
    CHECK_EQ(rondel_next(loop, out, 1, -1), 1);
    CHECK(rondel_call_later(loop, RONDEL_MS, trace, "called") > 0); /* keeps it alive, but is no completion */
    CHECK_EQ(rondel_next(loop, out, 1, RONDEL_FOREVER), 0);
    CHECK_STR(trace_taken(), "called");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_stop_or_a_wake_ends_the_wait) {
    rondel_loop loop = rondel_loop_new();
    rondel_completion out[1];
    CHECK(rondel_call_later(loop, 3600 * RONDEL_SECOND, rondel_enqueue, NULL) > 0);
    CHECK_EQ(rondel_wake(loop), 0);
    CHECK_EQ(rondel_next(loop, out, 1, RONDEL_FOREVER), 0);
    CHECK_EQ(rondel_stop(loop), 0);
    CHECK_EQ(rondel_next(loop, out, 1, RONDEL_FOREVER), 0);
    CHECK(rondel_call_soon(loop, stop_loop, NULL) > 0);
    CHECK_EQ(rondel_next(loop, out, 1, RONDEL_FOREVER), 0);
    CHECK_EQ(rondel_stop_threadsafe(loop), 0);
    CHECK_EQ(rondel_next(loop, out, 1, RONDEL_FOREVER), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(what_makes_no_sense_is_refused) {
    rondel_loop loop = rondel_loop_new();
    rondel_completion out[1];
    CHECK(rondel_call_soon(loop, rondel_enqueue, NULL) > 0);
    CHECK_EQ(rondel_next(loop, NULL, 1, 0), RONDEL_EINVAL);
    CHECK_EQ(rondel_next(loop, out, 0, 0), RONDEL_EINVAL);
    CHECK_EQ(rondel_next(loop, out, 1, 0), 1); /* nothing was lost by it */
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(timers_may_be_enqueued) {
    rondel_loop loop = rondel_loop_new();
    rondel_completion out[4];
    int once, often;
    rondel_timer one_shot = rondel_timer_start(loop, 0, 0, rondel_enqueue, &once);
    CHECK_EQ(rondel_next(loop, out, 4, RONDEL_FOREVER), 1);
    CHECK_EQ(out[0].source, one_shot);
    CHECK_EQ(out[0].result, 1);
    CHECK(out[0].user_data == &once);
    CHECK_EQ(rondel_kind(one_shot), RONDEL_KIND_TIMER); /* a handle, not a future: it stays */
    int64_t periods = 0, before = rondel_clock();
    rondel_timer repeat = rondel_timer_start(loop, RONDEL_MS, RONDEL_MS, rondel_enqueue, &often);
    while (periods < 5) {
        int64_t count = rondel_next(loop, out, 4, RONDEL_FOREVER);
        CHECK(count >= 1);
        for (int64_t i = 0; i < count; i++) {
            CHECK_EQ(out[i].source, repeat);
            CHECK(out[i].user_data == &often);
            periods += out[i].result;
        }
    }
    CHECK(rondel_clock() >= before + periods * RONDEL_MS);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(cancels_timeouts_and_close_notices_may_be_enqueued) {
    rondel_loop loop = rondel_loop_new();
    rondel_completion out[4];
    rondel_future later = rondel_call_later(loop, 3600 * RONDEL_SECOND, rondel_enqueue, NULL);
    CHECK_EQ(rondel_cancel(later), 0);
    CHECK_EQ(rondel_next(loop, out, 4, RONDEL_FOREVER), 1);
    CHECK_EQ(out[0].source, later);
    CHECK_EQ(out[0].result, RONDEL_ECANCELED);
    later = rondel_timeout(rondel_call_later(loop, 3600 * RONDEL_SECOND, rondel_enqueue, NULL), RONDEL_MS);
    CHECK_EQ(rondel_next(loop, out, 4, RONDEL_FOREVER), 1);
    CHECK_EQ(out[0].source, later);
    CHECK_EQ(out[0].result, RONDEL_ETIMEDOUT);
    rondel_timer timer = rondel_timer_start(loop, 3600 * RONDEL_SECOND, 0, rondel_enqueue, NULL);
    CHECK_EQ(rondel_on_close(timer, rondel_enqueue, NULL), 0);
    CHECK_EQ(rondel_close(timer), 0);
    CHECK_EQ(rondel_next(loop, out, 4, RONDEL_FOREVER), 1);
    CHECK_EQ(out[0].source, timer);
    CHECK_EQ(out[0].result, 0);
    rondel_future promise = rondel_future_new(loop);
    CHECK_EQ(rondel_future_then(promise, rondel_enqueue, NULL), 0);
    CHECK_EQ(rondel_future_set(promise, 12), 0);
    CHECK_EQ(rondel_next(loop, out, 4, RONDEL_FOREVER), 1);
    CHECK_EQ(out[0].source, promise);
    CHECK_EQ(out[0].result, 12);
    CHECK_EQ(rondel_release(promise), 0); /* still one holder, beside the queue */
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(callbacks_run_inside_it_and_what_they_enqueue_is_handed_out) {
    rondel_loop loop = rondel_loop_new();
    rondel_completion out[8];
    CHECK(rondel_call_soon(loop, trace, "callback") > 0);
    CHECK(rondel_call_soon(loop, rondel_enqueue, NULL) > 0);
    CHECK_EQ(rondel_next(loop, out, 8, RONDEL_FOREVER), 1);
    CHECK_STR(trace_taken(), "callback");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(what_a_run_left_in_the_queue_is_handed_out_later) {
    rondel_loop loop = rondel_loop_new();
    rondel_completion out[8];
    rondel_future soon = rondel_call_soon(loop, rondel_enqueue, NULL);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0); /* the queue does not keep it running */
    CHECK_EQ(rondel_future_state(soon), RONDEL_DONE);
    CHECK_EQ(rondel_next(loop, out, 8, RONDEL_FOREVER), 1);
    CHECK_EQ(out[0].source, soon);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void *send_message(void *user_data) {
    CHECK_EQ(rondel_call_soon_threadsafe(*(rondel_loop *)user_data, rondel_enqueue, user_data), 0);
    return NULL;
}

TEST(a_message_of_another_thread_ends_the_wait_when_it_is_a_completion) {
    rondel_loop loop = rondel_loop_new();
    rondel_completion out[1];
    pthread_t thread;
    rondel_timer far = rondel_timer_start(loop, 3600 * RONDEL_SECOND, 0, rondel_enqueue, NULL);
    CHECK(far > 0);
    CHECK_EQ(pthread_create(&thread, NULL, send_message, &loop), 0);
    CHECK_EQ(rondel_next(loop, out, 1, RONDEL_FOREVER), 1);
    CHECK_EQ(out[0].source, loop);
    CHECK_EQ(out[0].result, 0);
    CHECK(out[0].user_data == &loop);
    pthread_join(thread, NULL);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST_MAIN(RUN(completions_come_with_source_result_and_data),
          RUN(a_batch_holds_what_there_is_up_to_its_capacity_in_order),
          RUN(a_future_handed_out_lives_until_the_next_call), RUN(with_timeout_zero_it_does_not_wait),
          RUN(with_a_timeout_it_waits_that_long),
          RUN(without_a_limit_it_waits_for_a_completion_or_until_nothing_is_alive), RUN(a_stop_or_a_wake_ends_the_wait),
          RUN(what_makes_no_sense_is_refused), RUN(timers_may_be_enqueued),
          RUN(cancels_timeouts_and_close_notices_may_be_enqueued),
          RUN(callbacks_run_inside_it_and_what_they_enqueue_is_handed_out),
          RUN(what_a_run_left_in_the_queue_is_handed_out_later),
          RUN(a_message_of_another_thread_ends_the_wait_when_it_is_a_completion))
