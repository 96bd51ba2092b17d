/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Promises that stand for an operation of their owner's, which takes an act to end. */
#include "support/test.h"

#include "support/steps.h"
#include "support/turns.h"

/* An owner who ends its operation when asked to. */
static void end_at_once(rondel_handle promise, int64_t reason, void *user_data) {
    see(promise, reason, user_data);
    CHECK_EQ(rondel_future_state(promise), RONDEL_PENDING);
    CHECK_EQ(rondel_future_set(promise, 7), 0);
    CHECK(rondel_future_set(promise, 7) < 0);
}

TEST(a_cancelled_one_is_pending_until_its_owner_has_ended_it) {
    rondel_loop loop = rondel_loop_new();
    struct seen owner = {0, 0, 0}, told = {0, 0, 0};
    rondel_future promise = rondel_future_new(loop);
    CHECK_EQ(rondel_future_on_cancel(promise, see, &owner), 0);
    CHECK_EQ(rondel_future_then(promise, see, &told), 0);
    CHECK_EQ(rondel_cancel(promise), 0);
    CHECK_EQ(owner.calls, 0); /* not inside the call */
    CHECK_EQ(rondel_cancel(promise), 0);
    turns(loop);
    CHECK_EQ(owner.calls, 1);
    CHECK_EQ(owner.result, RONDEL_ECANCELED);
    CHECK_EQ(owner.source, promise);
    CHECK_EQ(rondel_future_state(promise), RONDEL_PENDING);
    CHECK_EQ(told.calls, 0);
    CHECK_EQ(rondel_future_set(promise, 1), 0);
    turns(loop);
    CHECK_EQ(told.calls, 1);
    CHECK_EQ(told.result, RONDEL_ECANCELED);
    CHECK_EQ(rondel_future_state(promise), RONDEL_CANCELLED);
    CHECK_EQ(rondel_cancel(promise), RONDEL_ESTATE);
    CHECK_EQ(rondel_release(promise), 0);
    CHECK_EQ(owner.calls, 1);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(one_that_is_not_cancelled_never_asks_its_owner) {
    rondel_loop loop = rondel_loop_new();
    struct seen owner = {0, 0, 0};
    rondel_future promise = rondel_future_new(loop), cut = rondel_future_new(loop);
    CHECK_EQ(rondel_future_on_cancel(promise, see, &owner), 0);
    CHECK_EQ(rondel_future_on_cancel(cut, see, &owner), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0); /* it does not keep the loop alive */
    CHECK_EQ(rondel_future_set(promise, 5), 0);
    CHECK_EQ(rondel_future_result(promise), 5);
    /* Cancelled, and settled before the owner could be asked. */
    CHECK_EQ(rondel_cancel(cut), 0);
    CHECK_EQ(rondel_future_fail(cut, RONDEL_EIO), 0);
    CHECK_EQ(rondel_future_result(cut), RONDEL_ECANCELED);
    turns(loop);
    CHECK_EQ(owner.calls, 0);
    CHECK_EQ(rondel_release(promise), 0);
    CHECK_EQ(rondel_release(cut), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(owner.calls, 0);
}

TEST(a_deadline_is_its_result_however_it_is_settled) {
    rondel_loop loop = rondel_loop_new();
    struct seen owner = {0, 0, 0};
    rondel_future promise = rondel_future_new(loop);
    CHECK_EQ(rondel_future_on_cancel(promise, end_at_once, &owner), 0);
    CHECK_EQ(rondel_run_until(loop, rondel_timeout(promise, RONDEL_MS)), RONDEL_ETIMEDOUT);
    CHECK_EQ(owner.calls, 1); /* so what stands behind it has ended when a wait for it returns */
    CHECK_EQ(owner.result, RONDEL_ETIMEDOUT);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t awaits(void *promise) { return rondel_await(*(rondel_future *)promise); }

TEST(a_cancelled_task_waits_for_the_owner) {
    rondel_loop loop = rondel_loop_new();
    struct seen owner = {0, 0, 0};
    rondel_future promise = rondel_future_new(loop);
    CHECK_EQ(rondel_future_on_cancel(promise, see, &owner), 0);
    rondel_future task = rondel_task_spawn(loop, awaits, &promise);
    turns(loop);
    CHECK_EQ(rondel_cancel(task), 0);
    turns(loop);
    CHECK_EQ(owner.calls, 1);
    CHECK_EQ(rondel_future_state(task), RONDEL_RUNNING);
    CHECK_EQ(rondel_future_fail(promise, RONDEL_EIO), 0);
    CHECK_EQ(rondel_run_until(loop, task), RONDEL_ECANCELED);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(released_it_lives_until_its_owner_settles_it) {
    rondel_loop loop = rondel_loop_new();
    struct seen owner = {0, 0, 0};
    rondel_future promise = rondel_future_new(loop), closed = rondel_future_new(loop);
    CHECK_EQ(rondel_future_on_cancel(promise, see, &owner), 0);
    CHECK_EQ(rondel_release(promise), 0);
    CHECK_EQ(rondel_future_state(promise), RONDEL_PENDING);
    CHECK_EQ(rondel_future_set(promise, 1), 0);
    CHECK_EQ(rondel_future_state(promise), RONDEL_EGONE);
    CHECK_EQ(rondel_future_on_cancel(closed, end_at_once, &owner), 0);
    CHECK_EQ(rondel_close(closed), 0);
    turns(loop);
    CHECK_EQ(owner.calls, 1);
    CHECK_EQ(rondel_future_state(closed), RONDEL_EGONE);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(freeing_the_loop_asks_the_owner_and_goes_on_without_one_that_does_nothing) {
    rondel_loop loop = rondel_loop_new();
    struct seen good = {0, 0, 0}, idle = {0, 0, 0}, good_told = {0, 0, 0}, idle_told = {0, 0, 0};
    rondel_future one = rondel_future_new(loop), other = rondel_future_new(loop);
    CHECK_EQ(rondel_future_on_cancel(one, end_at_once, &good), 0);
    CHECK_EQ(rondel_future_on_cancel(other, see, &idle), 0);
    CHECK_EQ(rondel_future_then(one, see, &good_told), 0);
    CHECK_EQ(rondel_future_then(other, see, &idle_told), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(good.calls, 1);
    CHECK_EQ(idle.calls, 1);
    CHECK_EQ(good_told.calls, 1);
    CHECK_EQ(good_told.result, RONDEL_ECANCELED);
    CHECK_EQ(idle_told.calls, 1);
    CHECK_EQ(idle_told.result, RONDEL_ECANCELED);
}

TEST(the_queue_of_completions_can_ask_the_owner) {
    rondel_loop loop = rondel_loop_new();
    rondel_completion completion;
    int mark;
    rondel_future promise = rondel_future_new(loop);
    CHECK_EQ(rondel_future_on_cancel(promise, rondel_enqueue, &mark), 0);
    CHECK_EQ(rondel_cancel(promise), 0);
    CHECK_EQ(rondel_next(loop, &completion, 1, RONDEL_FOREVER), 1);
    CHECK_EQ(completion.source, promise);
    CHECK_EQ(completion.result, RONDEL_ECANCELED);
    CHECK(completion.user_data == &mark);
    CHECK_EQ(rondel_future_set(promise, 0), 0);
    CHECK_EQ(rondel_release(promise), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(only_a_pending_promise_can_have_one_such_function) {
    rondel_loop loop = rondel_loop_new();
    struct seen owner = {0, 0, 0};
    rondel_future promise = rondel_future_new(loop), soon = rondel_call_soon(loop, RONDEL_FUTURE);
    CHECK_EQ(rondel_future_on_cancel(promise, NULL, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_future_on_cancel(promise, RONDEL_FUTURE), RONDEL_EINVAL);
    CHECK_EQ(rondel_future_on_cancel(soon, see, &owner), RONDEL_EKIND);
    CHECK_EQ(rondel_future_on_cancel(promise, see, &owner), 0);
    CHECK_EQ(rondel_future_on_cancel(promise, see, &owner), RONDEL_EALREADY);
    CHECK_EQ(rondel_future_set(promise, 0), 0);
    CHECK_EQ(rondel_future_on_cancel(promise, see, &owner), RONDEL_ESTATE);
    CHECK_EQ(rondel_release(promise), 0);
    CHECK_EQ(rondel_release(soon), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(owner.calls, 0);
}

TEST_MAIN(RUN(a_cancelled_one_is_pending_until_its_owner_has_ended_it), RUN(one_that_is_not_cancelled_never_asks_its_owner),
          RUN(a_deadline_is_its_result_however_it_is_settled), RUN(a_cancelled_task_waits_for_the_owner),
          RUN(released_it_lives_until_its_owner_settles_it),
          RUN(freeing_the_loop_asks_the_owner_and_goes_on_without_one_that_does_nothing),
          RUN(the_queue_of_completions_can_ask_the_owner), RUN(only_a_pending_promise_can_have_one_such_function))
