/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Task groups: futures of any kind that live and end together. Groups of tasks have a program of their own. */
#include "support/test.h"

#include "support/futures.h"
#include "support/steps.h"

/* Closes a group that has come to its end, and then its loop. */
static void group_ends(rondel_loop loop, rondel_group group) {
    CHECK_EQ(rondel_is_active(group), 0);
    CHECK_EQ(rondel_close(group), 0);
    run_dry(loop);
    CHECK_EQ(rondel_kind(group), RONDEL_EGONE);
    nothing_left(loop);
}

TEST(the_join_waits_for_the_last_child) {
    rondel_loop loop = rondel_loop_new();
    rondel_group group = rondel_group_new(loop);
    struct seen seen = {0, -1, 0}, later = {0, 0, 0};
    CHECK_EQ(rondel_kind(group), RONDEL_KIND_GROUP);
    CHECK_EQ(rondel_loop_of(group), loop);
    CHECK_EQ(rondel_is_active(group), 0);
    rondel_future promise = rondel_future_new(loop);
    CHECK_EQ(rondel_retain(promise), 0);
    CHECK_EQ(rondel_group_add(group, promise), promise);
    CHECK_EQ(rondel_is_active(group), 1);
    rondel_future join = rondel_group_join(group, see, &seen);
    CHECK_EQ(rondel_future_origin(join), group);
    /* More may be added meanwhile. */
    CHECK(rondel_group_add(group, rondel_call_later(loop, RONDEL_MS, see, &later)) > 0);
    run_dry(loop);
    CHECK_EQ(later.calls, 1);
    CHECK_EQ(seen.calls, 0);
    settle(promise, 42);
    CHECK_EQ(seen.calls, 0);
    run_dry(loop);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.source, join);
    CHECK_EQ(seen.result, 0);
    CHECK_EQ(rondel_run_until(loop, promise), 42); /* held once more, to be looked at now */
    CHECK_EQ(rondel_group_error_count(group), 0);
    CHECK_EQ(rondel_group_error(group, 0), 0);
    group_ends(loop, group);
}

TEST(children_that_ended_before_it_is_joined_are_forgotten) {
    rondel_loop loop = rondel_loop_new();
    rondel_group group = rondel_group_new(loop);
    for (int i = 0; i < 1000; i++) {
        CHECK(rondel_group_add(group, rondel_call_soon(loop, RONDEL_FUTURE)) > 0);
        if (i % 100 == 0) run_dry(loop);
    }
    run_dry(loop);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 2);
    CHECK_EQ(rondel_run_until(loop, rondel_group_join(group, RONDEL_FUTURE)), 0);
    group_ends(loop, group);
}

TEST(a_group_without_children_joins_at_once_and_tells_in_the_next_turn) {
    rondel_loop loop = rondel_loop_new();
    rondel_group group = rondel_group_new(loop);
    struct seen seen = {0, -1, 0};
    CHECK(rondel_group_join(group, see, &seen) > 0);
    CHECK_EQ(seen.calls, 0);
    run_dry(loop);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, 0);
    group_ends(loop, group);
}

TEST(one_that_fails_cancels_the_others_and_is_told) {
    rondel_loop loop = rondel_loop_new();
    rondel_group group = rondel_group_new(loop);
    rondel_future failing = rondel_future_new(loop);
    CHECK(rondel_group_add(group, rondel_call_later(loop, AGES, trace, "later")) > 0);
    CHECK(rondel_group_add(group, failing) > 0);
    CHECK(rondel_group_add(group, rondel_call_later(loop, AGES, trace, "last")) > 0);
    rondel_future join = rondel_group_join(group, RONDEL_FUTURE);
    settle(failing, RONDEL_EPIPE);
    CHECK_EQ(rondel_run_until(loop, join), RONDEL_EPIPE);
    CHECK_STR(trace_taken(), "later last");
    CHECK_EQ(rondel_group_error_count(group), 1);
    CHECK_EQ(rondel_group_error(group, 0), RONDEL_EPIPE);
    CHECK_EQ(rondel_group_error(group, 1), 0);
    CHECK_EQ(rondel_group_error(group, SIZE_MAX), 0);
    group_ends(loop, group);
}

TEST(errors_of_the_same_turn_are_told_together) {
    rondel_loop loop = rondel_loop_new();
    rondel_group group = rondel_group_new(loop);
    rondel_future promises[4];
    const int64_t codes[3] = {RONDEL_EPIPE, RONDEL_EIO, RONDEL_ETIMEDOUT};
    new_promises(loop, promises, 4);
    for (int i = 0; i < 4; i++) CHECK(rondel_group_add(group, promises[i]) > 0);
    for (int i = 0; i < 3; i++) settle(promises[3 - i], codes[i]);
    CHECK_EQ(rondel_run_until(loop, rondel_group_join(group, RONDEL_FUTURE)), RONDEL_EPIPE);
    CHECK_EQ(rondel_group_error_count(group), 3);
    for (int i = 0; i < 3; i++) CHECK_EQ(rondel_group_error(group, (size_t)i), codes[i]);
    group_ends(loop, group);
}

TEST(one_that_is_cancelled_has_not_failed) {
    rondel_loop loop = rondel_loop_new();
    rondel_group group = rondel_group_new(loop);
    rondel_future promises[2];
    new_promises(loop, promises, 2);
    for (int i = 0; i < 2; i++) CHECK(rondel_group_add(group, promises[i]) > 0);
    CHECK_EQ(rondel_cancel(promises[0]), 0);
    run_dry(loop);
    CHECK_EQ(rondel_future_state(promises[1]), RONDEL_PENDING);
    CHECK(rondel_group_add(group, rondel_call_soon(loop, trace, "more")) > 0);
    settle(promises[1], 1);
    CHECK_EQ(rondel_run_until(loop, rondel_group_join(group, RONDEL_FUTURE)), 0);
    CHECK_STR(trace_taken(), "more");
    CHECK_EQ(rondel_group_error_count(group), 0);
    group_ends(loop, group);
}

TEST(a_child_may_have_ended_before_it_is_added) {
    rondel_loop loop = rondel_loop_new();
    rondel_group group = rondel_group_new(loop);
    rondel_future done = rondel_future_new(loop), failed = rondel_future_new(loop);
    settle(done, 1);
    settle(failed, RONDEL_EPIPE);
    CHECK_EQ(rondel_group_add(group, done), done);
    CHECK_EQ(rondel_future_state(done), RONDEL_EGONE); /* taken */
    CHECK(rondel_group_add(group, rondel_call_later(loop, AGES, trace, "later")) > 0);
    CHECK_EQ(rondel_group_add(group, failed), failed);
    CHECK_EQ(rondel_group_error(group, 0), RONDEL_EPIPE);
    CHECK_EQ(rondel_run_until(loop, rondel_group_join(group, RONDEL_FUTURE)), RONDEL_EPIPE);
    CHECK_STR(trace_taken(), "later");
    group_ends(loop, group);
}

TEST(a_refused_call_is_a_child_that_failed) {
    rondel_loop loop = rondel_loop_new();
    rondel_group group = rondel_group_new(loop);
    rondel_future gone = rondel_future_new(loop);
    CHECK_EQ(rondel_release(gone), 0);
    CHECK(rondel_group_add(group, rondel_call_later(loop, AGES, trace, "later")) > 0);
    CHECK_EQ(rondel_group_add(group, RONDEL_ECANCELED), RONDEL_ECANCELED); /* that is no failure */
    CHECK_EQ(rondel_group_error_count(group), 0);
    CHECK_EQ(rondel_group_add(group, rondel_call_later(loop, -1, trace, "never")), RONDEL_EINVAL);
    CHECK_EQ(rondel_group_add(group, gone), RONDEL_EGONE);
    CHECK_EQ(rondel_group_add(group, 0), RONDEL_EINVAL);
    CHECK_EQ(rondel_run_until(loop, rondel_group_join(group, RONDEL_FUTURE)), RONDEL_EINVAL);
    CHECK_STR(trace_taken(), "later");
    CHECK_EQ(rondel_group_error_count(group), 3);
    CHECK_EQ(rondel_group_error(group, 1), RONDEL_EGONE);
    group_ends(loop, group);
}

TEST(cancelling_the_join_cancels_the_children_and_waits_for_them) {
    rondel_loop loop = rondel_loop_new();
    rondel_group group = rondel_group_new(loop);
    struct seen seen = {0, 0, 0};
    for (int i = 0; i < 5; i++) CHECK(rondel_group_add(group, rondel_call_later(loop, AGES, trace, "child")) > 0);
    rondel_future join = rondel_group_join(group, see, &seen);
    CHECK_EQ(rondel_cancel(join), 0);
    CHECK_EQ(rondel_future_state(join), RONDEL_PENDING);
    run_dry(loop);
    CHECK_STR(trace_taken(), "child child child child child");
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
    CHECK_EQ(rondel_group_error_count(group), 0);
    group_ends(loop, group);
}

static int64_t wait_at_gate(void *gate) {
    gate_pass((struct gate *)gate + 1);
    gate_wait(gate, 1);
    return 0;
}

TEST(a_failure_while_it_is_being_cancelled_counts) {
    struct gate gates[2] = {GATE, GATE};
    rondel_loop loop = rondel_loop_new();
    rondel_group group = rondel_group_new(loop);
    rondel_future promise = rondel_future_new(loop);
    CHECK(rondel_group_add(group, rondel_work(loop, wait_at_gate, gates, RONDEL_FUTURE)) > 0);
    CHECK(rondel_group_add(group, promise) > 0);
    rondel_future join = rondel_group_join(group, RONDEL_FUTURE);
    gate_wait(gates + 1, 1);
    CHECK_EQ(rondel_cancel(join), 0);
    for (int i = 0; i < 3; i++) CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(rondel_future_state(promise), RONDEL_EGONE);
    CHECK_EQ(rondel_future_state(join), RONDEL_PENDING); /* for the work that has begun */
    CHECK_EQ(rondel_group_add(group, RONDEL_EPIPE), RONDEL_EPIPE);
    gate_pass(gates);
    CHECK_EQ(rondel_run_until(loop, join), RONDEL_EPIPE); /* and not that it was cancelled */
    CHECK_EQ(rondel_group_error_count(group), 1);
    group_ends(loop, group);
}

TEST(its_deadline_cancels_the_children) {
    rondel_loop loop = rondel_loop_new();
    rondel_group group = rondel_group_new(loop);
    CHECK(rondel_group_add(group, rondel_call_later(loop, AGES, trace, "child")) > 0);
    CHECK_EQ(rondel_run_until(loop, rondel_timeout(rondel_group_join(group, RONDEL_FUTURE), RONDEL_MS)),
             RONDEL_ETIMEDOUT);
    CHECK_STR(trace_taken(), "child");
    CHECK_EQ(rondel_group_error_count(group), 0);
    group_ends(loop, group);
}

TEST(the_deadline_of_a_child_is_an_error) {
    rondel_loop loop = rondel_loop_new();
    rondel_group group = rondel_group_new(loop);
    CHECK(rondel_group_add(group, rondel_timeout(rondel_call_later(loop, AGES, trace, "one"), RONDEL_MS)) > 0);
    CHECK(rondel_group_add(group, rondel_call_later(loop, AGES, trace, "two")) > 0);
    CHECK_EQ(rondel_run_until(loop, rondel_group_join(group, RONDEL_FUTURE)), RONDEL_ETIMEDOUT);
    CHECK_STR(trace_taken(), "one two");
    CHECK_EQ(rondel_group_error(group, 0), RONDEL_ETIMEDOUT);
    group_ends(loop, group);
}

TEST(once_a_child_has_failed_the_join_cannot_be_cancelled) {
    rondel_loop loop = rondel_loop_new();
    rondel_group group = rondel_group_new(loop);
    rondel_future promise = rondel_future_new(loop);
    CHECK(rondel_group_add(group, promise) > 0);
    rondel_future join = rondel_timeout(rondel_group_join(group, RONDEL_FUTURE), AGES);
    settle(promise, 1);
    CHECK_EQ(rondel_cancel(join), RONDEL_ESTATE); /* the last child is done */
    CHECK_EQ(rondel_run_until(loop, join), 0);
    CHECK_EQ(rondel_close(group), 0);
    group = rondel_group_new(loop);
    CHECK(rondel_group_add(group, rondel_call_later(loop, AGES, RONDEL_FUTURE)) > 0);
    CHECK_EQ(rondel_group_add(group, RONDEL_EPIPE), RONDEL_EPIPE);
    CHECK(rondel_group_add(group, rondel_call_later(loop, AGES, RONDEL_FUTURE)) > 0);
    join = rondel_timeout(rondel_group_join(group, RONDEL_FUTURE), 0);
    CHECK_EQ(rondel_cancel(join), RONDEL_ESTATE);
    CHECK_EQ(rondel_run_until(loop, join), RONDEL_EPIPE);
    group_ends(loop, group);
}

TEST(what_is_added_while_it_is_being_cancelled_is_cancelled_at_once) {
    rondel_loop loop = rondel_loop_new();
    rondel_group group = rondel_group_new(loop);
    CHECK(rondel_group_add(group, rondel_call_later(loop, AGES, trace, "child")) > 0);
    CHECK_EQ(rondel_group_add(group, RONDEL_EPIPE), RONDEL_EPIPE);
    rondel_future more = rondel_call_later(loop, AGES, trace, "more");
    CHECK_EQ(rondel_group_add(group, more), more);
    CHECK_EQ(rondel_future_state(more), RONDEL_CANCELLED);
    CHECK_EQ(rondel_run_until(loop, rondel_group_join(group, RONDEL_FUTURE)), RONDEL_EPIPE);
    CHECK_STR(trace_taken(), "child more");
    group_ends(loop, group);
}

TEST(it_can_be_cancelled_without_an_error) {
    rondel_loop loop = rondel_loop_new();
    rondel_group group = rondel_group_new(loop);
    CHECK(rondel_group_add(group, rondel_call_later(loop, AGES, trace, "one")) > 0);
    CHECK(rondel_group_add(group, rondel_call_later(loop, AGES, trace, "two")) > 0);
    rondel_future join = rondel_group_join(group, RONDEL_FUTURE);
    CHECK_EQ(rondel_group_cancel(group), 0);
    CHECK_EQ(rondel_group_cancel(group), 0);
    CHECK_EQ(rondel_run_until(loop, join), 0);
    CHECK_STR(trace_taken(), "one two");
    CHECK_EQ(rondel_group_cancel(group), RONDEL_ESTATE);
    CHECK_EQ(rondel_close(group), 0);
    group = rondel_group_new(loop); /* before there is anything to cancel */
    CHECK_EQ(rondel_group_cancel(group), 0);
    CHECK(rondel_group_add(group, rondel_call_later(loop, AGES, trace, "late")) > 0);
    CHECK_EQ(rondel_run_until(loop, rondel_group_join(group, RONDEL_FUTURE)), 0);
    CHECK_STR(trace_taken(), "late");
    group_ends(loop, group);
}

TEST(it_is_joined_once_and_takes_no_children_after_that) {
    rondel_loop loop = rondel_loop_new();
    rondel_group group = rondel_group_new(loop);
    struct seen seen = {0, 0, 0};
    rondel_future child = rondel_call_soon(loop, RONDEL_FUTURE), late = rondel_future_new(loop);
    CHECK(rondel_group_add(group, child) > 0);
    rondel_future join = rondel_group_join(group, RONDEL_FUTURE);
    CHECK_EQ(rondel_group_join(group, see, &seen), RONDEL_ESTATE);
    CHECK_EQ(rondel_run_until(loop, join), 0);
    CHECK_EQ(rondel_group_join(group, see, &seen), RONDEL_ESTATE);
    CHECK_EQ(rondel_group_add(group, late), RONDEL_ESTATE);
    CHECK_EQ(rondel_group_add(group, RONDEL_EPIPE), RONDEL_EPIPE);
    CHECK_EQ(rondel_group_error_count(group), 0);
    settle(late, 3);
    CHECK_EQ(rondel_run_until(loop, late), 3); /* it was not taken */
    CHECK_EQ(seen.calls, 0);
    group_ends(loop, group);
}

TEST(a_group_may_be_a_child_of_a_group_by_its_join) {
    rondel_loop loop = rondel_loop_new();
    for (int outer_fails = 0; outer_fails < 2; outer_fails++) {
        rondel_group outer = rondel_group_new(loop), inner = rondel_group_new(loop);
        CHECK(rondel_group_add(inner, rondel_call_later(loop, AGES, trace, "inner")) > 0);
        CHECK(rondel_group_add(outer, rondel_call_later(loop, AGES, trace, "outer")) > 0);
        CHECK(rondel_group_add(outer, rondel_group_join(inner, RONDEL_FUTURE)) > 0);
        rondel_future join = rondel_group_join(outer, RONDEL_FUTURE), failing = rondel_future_new(loop);
        CHECK(rondel_group_add(outer_fails ? outer : inner, failing) > 0);
        settle(failing, RONDEL_EPIPE);
        CHECK_EQ(rondel_run_until(loop, join), RONDEL_EPIPE);
        CHECK_STR(trace_taken(), outer_fails ? "outer inner" : "inner outer");
        CHECK_EQ(rondel_group_error_count(outer), 1);
        CHECK_EQ(rondel_group_error_count(inner), !outer_fails);
        CHECK_EQ(rondel_close(outer), 0);
        CHECK_EQ(rondel_close(inner), 0);
        run_dry(loop);
    }
    nothing_left(loop);
}

TEST(what_makes_no_sense_is_refused_and_not_taken) {
    rondel_loop loop = rondel_loop_new(), other = rondel_loop_new(), freed = rondel_loop_new();
    rondel_group group = rondel_group_new(loop);
    rondel_future promise = rondel_future_new(loop), theirs = rondel_future_new(other), gone = rondel_future_new(freed);
    CHECK_EQ(rondel_loop_free(freed), 0);
    CHECK_EQ(rondel_group_new(promise), RONDEL_EKIND);
    CHECK_EQ(rondel_group_new(RONDEL_EPIPE), RONDEL_EPIPE);
    CHECK_EQ(rondel_group_add(loop, promise), RONDEL_EKIND);
    CHECK_EQ(rondel_group_add(RONDEL_ENOMEM, promise), RONDEL_ENOMEM);
    CHECK_EQ(rondel_group_add(group, theirs), RONDEL_EINVAL);
    CHECK_EQ(rondel_group_add(group, group), RONDEL_EKIND);
    CHECK_EQ(rondel_group_add(group, loop), RONDEL_EKIND);
    CHECK_EQ(rondel_group_join(promise, NULL, NULL), RONDEL_EKIND);
    CHECK_EQ(rondel_group_cancel(promise), RONDEL_EKIND);
    CHECK_EQ(rondel_group_error(promise, 0), RONDEL_EKIND);
    CHECK_EQ(rondel_group_error_count(promise), RONDEL_EKIND);
    CHECK_EQ(rondel_group_spawn(group, NULL, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_cancel(group), RONDEL_EKIND);
    CHECK_EQ(rondel_group_error_count(group), 0); /* none of that was a failure of the group */
    rondel_future join = rondel_group_join(group, RONDEL_FUTURE);
    CHECK_EQ(rondel_run_until(loop, join), 0);
    CHECK_EQ(rondel_close(group), 0);
    group = rondel_group_new(loop);
    CHECK(rondel_group_add(group, promise) > 0);
    join = rondel_group_join(group, RONDEL_FUTURE);
    CHECK_EQ(rondel_group_add(group, join), RONDEL_EDEADLK);
    CHECK_EQ(rondel_group_add(group, gone), RONDEL_EGONE);
    CHECK_EQ(rondel_run_until(loop, join), RONDEL_EGONE);
    CHECK_EQ(rondel_release(theirs), 0);
    nothing_left(other);
    group_ends(loop, group);
}

TEST(closing_it_cancels_the_children_and_the_notice_comes_after_them) {
    struct gate gates[2] = {GATE, GATE};
    rondel_loop loop = rondel_loop_new();
    rondel_group group = rondel_group_new(loop);
    rondel_future work = rondel_work(loop, wait_at_gate, gates, trace, "work");
    CHECK_EQ(rondel_group_add(group, work), work);
    CHECK(rondel_group_add(group, rondel_call_later(loop, AGES, trace, "later")) > 0);
    rondel_future join = rondel_group_join(group, RONDEL_FUTURE);
    CHECK_EQ(rondel_future_then(join, trace, "join"), 0);
    CHECK_EQ(rondel_on_close(group, trace, "notice"), 0);
    gate_wait(gates + 1, 1);
    CHECK_EQ(rondel_close(group), 0);
    CHECK_EQ(rondel_is_closing(group), 1);
    CHECK_EQ(rondel_close(group), RONDEL_EGONE);
    CHECK_EQ(rondel_group_add(group, work), RONDEL_EGONE);
    CHECK_EQ(rondel_group_join(group, NULL, NULL), RONDEL_EGONE);
    CHECK_EQ(rondel_group_error_count(group), RONDEL_EGONE);
    for (int i = 0; i < 3; i++) CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_STR(trace_taken(), "later");
    CHECK_EQ(rondel_is_closing(group), 1);
    gate_pass(gates);
    run_dry(loop);
    CHECK_STR(trace_taken(), "work join notice");
    CHECK_EQ(rondel_run_until(loop, join), RONDEL_ECANCELED);
    nothing_left(loop);
}

static void close_group_of_join(rondel_handle source, int64_t result, void *user_data) {
    CHECK_EQ(result, 0);
    CHECK_EQ(rondel_close(rondel_future_origin(source)), 0);
    (void)user_data;
}

TEST(it_may_be_closed_in_its_join_or_never_joined) {
    rondel_loop loop = rondel_loop_new();
    rondel_group group = rondel_group_new(loop);
    CHECK(rondel_group_add(group, rondel_call_soon(loop, RONDEL_FUTURE)) > 0);
    CHECK(rondel_group_join(group, close_group_of_join, NULL) > 0);
    run_dry(loop);
    CHECK_EQ(rondel_kind(group), RONDEL_EGONE);
    group = rondel_group_new(loop);
    rondel_future promise = rondel_future_new(loop);
    CHECK(rondel_group_add(group, promise) > 0);
    settle(promise, RONDEL_EPIPE);
    run_dry(loop);
    CHECK_EQ(rondel_group_error(group, 0), RONDEL_EPIPE);
    group_ends(loop, group);
}

static void ends_with_the_loop(rondel_handle source, int64_t result, void *user_data) {
    rondel_group group = *(rondel_group *)user_data;
    (void)source;
    CHECK_EQ(result, RONDEL_ECANCELED);
    CHECK(rondel_group_add(group, source) < 0);
    CHECK_EQ(rondel_group_new(rondel_loop_of(group)), RONDEL_EGONE);
    trace_word("c");
}

TEST(freeing_the_loop_ends_children_then_join_then_group) {
    rondel_loop loop = rondel_loop_new();
    rondel_group group = rondel_group_new(loop);
    CHECK(rondel_group_add(group, rondel_call_later(loop, AGES, ends_with_the_loop, &group)) > 0);
    CHECK(rondel_group_add(group, rondel_future_new(loop)) > 0);
    CHECK_EQ(rondel_future_then(rondel_group_join(group, RONDEL_FUTURE), trace, "join"), 0);
    CHECK_EQ(rondel_on_close(group, trace, "notice"), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_STR(trace_taken(), "c join notice");
}

/* Groups that wait for themselves by way of another future: nothing ends them but the end of the loop. */
TEST(a_circle_ends_with_the_loop) {
    rondel_loop loop = rondel_loop_new();
    rondel_group one = rondel_group_new(loop), other = rondel_group_new(loop);
    struct seen seen = {0, 0, 0};
    rondel_future join = rondel_group_join(one, see, &seen); /* empty: done */
    run_dry(loop);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(rondel_close(one), 0);
    one = rondel_group_new(loop);
    rondel_future ends = rondel_future_new(loop);
    CHECK(rondel_group_add(one, ends) > 0);
    join = rondel_group_join(one, see, &seen);
    CHECK(rondel_group_add(other, rondel_gather(&join, 1, NULL, RONDEL_FUTURE)) > 0);
    CHECK(rondel_group_add(one, rondel_group_join(other, RONDEL_FUTURE)) > 0);
    settle(ends, 1);
    run_dry(loop);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(rondel_cancel(join), 0); /* to no avail */
    run_dry(loop);
    CHECK_EQ(rondel_future_state(join), RONDEL_PENDING);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(seen.calls, 2);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
}

TEST(connections_may_be_children) {
    rondel_loop loop = rondel_loop_new();
    rondel_tcp server = rondel_tcp_listen(loop, "127.0.0.1", 0, NULL, NULL);
    rondel_group group = rondel_group_new(loop);
    int port = 0;
    char bytes[4];
    REQUIRE(rondel_local_addr(server, NULL, 0, &port) > 0);
    rondel_future accepting = rondel_accept(server, RONDEL_FUTURE);
    rondel_future connecting = rondel_tcp_connect(loop, "127.0.0.1", port, RONDEL_FUTURE);
    rondel_tcp peer = rondel_run_until(loop, accepting), client = rondel_run_until(loop, connecting);
    CHECK(rondel_group_add(group, rondel_read_exactly(peer, bytes, 4, RONDEL_FUTURE)) > 0);
    CHECK(rondel_group_add(group, rondel_accept(server, RONDEL_FUTURE)) > 0);
    CHECK(rondel_group_add(group, rondel_write(client, "by", 2, RONDEL_FUTURE)) > 0);
    CHECK(rondel_group_add(group, rondel_shutdown(client, RONDEL_FUTURE)) > 0);
    /* The end of the stream comes too early for the read: the accept is cancelled with it. */
    CHECK_EQ(rondel_run_until(loop, rondel_group_join(group, RONDEL_FUTURE)), RONDEL_EOF);
    CHECK_EQ(rondel_group_error_count(group), 1);
    CHECK_EQ(rondel_close(peer), 0);
    CHECK_EQ(rondel_close(client), 0);
    CHECK_EQ(rondel_close(server), 0);
    group_ends(loop, group);
}

TEST_MAIN(RUN(the_join_waits_for_the_last_child), RUN(children_that_ended_before_it_is_joined_are_forgotten),
          RUN(a_group_without_children_joins_at_once_and_tells_in_the_next_turn),
          RUN(one_that_fails_cancels_the_others_and_is_told), RUN(errors_of_the_same_turn_are_told_together),
          RUN(one_that_is_cancelled_has_not_failed), RUN(a_child_may_have_ended_before_it_is_added),
          RUN(a_refused_call_is_a_child_that_failed), RUN(cancelling_the_join_cancels_the_children_and_waits_for_them),
          RUN(a_failure_while_it_is_being_cancelled_counts), RUN(its_deadline_cancels_the_children),
          RUN(the_deadline_of_a_child_is_an_error), RUN(once_a_child_has_failed_the_join_cannot_be_cancelled),
          RUN(what_is_added_while_it_is_being_cancelled_is_cancelled_at_once), RUN(it_can_be_cancelled_without_an_error),
          RUN(it_is_joined_once_and_takes_no_children_after_that), RUN(a_group_may_be_a_child_of_a_group_by_its_join),
          RUN(what_makes_no_sense_is_refused_and_not_taken),
          RUN(closing_it_cancels_the_children_and_the_notice_comes_after_them),
          RUN(it_may_be_closed_in_its_join_or_never_joined), RUN(freeing_the_loop_ends_children_then_join_then_group),
          RUN(a_circle_ends_with_the_loop), RUN(connections_may_be_children))
