/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Groups of tasks: spawned, joined, cancelled together, one inside the other. */
#include "support/test.h"

#include "support/futures.h"
#include "support/steps.h"

static void *number(int64_t n) { return (void *)(intptr_t)n; }

/* Sleeps so many milliseconds and gives their number, or what the sleep ended with. */
static int64_t sleeper(void *ms) {
    int64_t result = rondel_sleep((int64_t)(intptr_t)ms * RONDEL_MS);
    return result < 0 ? result : (int64_t)(intptr_t)ms;
}

static int64_t fails_later(void *code) {
    int64_t slept = rondel_sleep(RONDEL_MS);
    return slept < 0 ? slept : (int64_t)(intptr_t)code;
}

static int64_t counts_its_cancel(void *count) {
    int64_t slept = rondel_sleep(AGES);
    if (slept == RONDEL_ECANCELED) ++*(int *)count;
    return slept;
}

/* Answers its cancel with an error of its own. */
static int64_t fails_when_cancelled(void *code) {
    CHECK_EQ(rondel_sleep(AGES), RONDEL_ECANCELED);
    return (int64_t)(intptr_t)code;
}

/* Runs a task on a loop of its own, and sees that nothing is left after it. */
static int64_t run_alone(rondel_task_fn fn, void *arg) {
    rondel_loop loop = rondel_loop_new();
    int64_t result = rondel_run_until(loop, rondel_task_spawn(loop, fn, arg));
    run_dry(loop);
    nothing_left(loop);
    return result;
}

static int64_t join_and_close(rondel_group group) {
    int64_t result = rondel_await(rondel_group_join(group, RONDEL_FUTURE));
    CHECK_EQ(rondel_close(group), 0);
    return result;
}

static int64_t two_children(void *arg) {
    rondel_group group = rondel_group_new(rondel_loop_current());
    rondel_future one = rondel_group_spawn(group, sleeper, number(2));
    CHECK_EQ(rondel_retain(one), 0);
    CHECK_EQ(rondel_sleep(RONDEL_MS), 0);
    rondel_future two = rondel_group_spawn(group, sleeper, number(3));
    CHECK_EQ(rondel_kind(two), RONDEL_KIND_FUTURE);
    CHECK_EQ(rondel_retain(two), 0);
    CHECK_EQ(join_and_close(group), 0);
    CHECK_EQ(rondel_await(one), 2);
    CHECK_EQ(rondel_await(two), 3);
    (void)arg;
    return 1;
}

TEST(children_are_joined_and_their_results_kept_for_who_holds_them) { CHECK_EQ(run_alone(two_children, NULL), 1); }

static int64_t cancels_one_child(void *arg) {
    rondel_group group = rondel_group_new(rondel_loop_current());
    rondel_future one = rondel_group_spawn(group, sleeper, number(1000));
    CHECK_EQ(rondel_retain(one), 0);
    CHECK_EQ(rondel_yield(), 0);
    CHECK_EQ(rondel_cancel(one), 0);
    rondel_future two = rondel_group_spawn(group, sleeper, number(1));
    CHECK_EQ(rondel_retain(two), 0);
    CHECK_EQ(join_and_close(group), 0);
    CHECK_EQ(rondel_await(one), RONDEL_ECANCELED);
    CHECK_EQ(rondel_await(two), 1);
    (void)arg;
    return 1;
}

TEST(a_child_cancelled_by_hand_leaves_the_others_alone) { CHECK_EQ(run_alone(cancels_one_child, NULL), 1); }

static int64_t one_fails(void *cancelled) {
    rondel_group group = rondel_group_new(rondel_loop_current());
    CHECK(rondel_group_spawn(group, fails_later, number(RONDEL_EPIPE)) > 0);
    for (int i = 0; i < 3; i++) CHECK(rondel_group_spawn(group, counts_its_cancel, cancelled) > 0);
    int64_t result = rondel_await(rondel_group_join(group, RONDEL_FUTURE));
    CHECK_EQ(rondel_group_error_count(group), 1);
    CHECK_EQ(rondel_close(group), 0);
    CHECK_EQ(rondel_sleep(0), 0); /* the group was cancelled, not its maker */
    return result;
}

TEST(one_that_fails_cancels_its_siblings_and_not_their_parent) {
    int cancelled = 0;
    CHECK_EQ(run_alone(one_fails, &cancelled), RONDEL_EPIPE);
    CHECK_EQ(cancelled, 3);
}

static int64_t several_fail(void *arg) {
    rondel_group group = rondel_group_new(rondel_loop_current());
    CHECK(rondel_group_spawn(group, fails_later, number(RONDEL_EPIPE)) > 0);
    CHECK(rondel_group_spawn(group, fails_when_cancelled, number(RONDEL_EIO)) > 0);
    CHECK(rondel_group_spawn(group, fails_when_cancelled, number(RONDEL_ENOSPC)) > 0);
    CHECK(rondel_group_spawn(group, sleeper, number(0)) > 0);
    int64_t result = rondel_await(rondel_group_join(group, RONDEL_FUTURE));
    CHECK_EQ(rondel_group_error_count(group), 3);
    CHECK_EQ(rondel_group_error(group, 0), RONDEL_EPIPE);
    CHECK_EQ(rondel_group_error(group, 1), RONDEL_EIO);
    CHECK_EQ(rondel_group_error(group, 2), RONDEL_ENOSPC);
    CHECK_EQ(rondel_close(group), 0);
    (void)arg;
    return result;
}

TEST(errors_in_answer_to_the_cancel_are_told_with_the_first) { CHECK_EQ(run_alone(several_fail, NULL), RONDEL_EPIPE); }

static int64_t five_children(void *cancelled) {
    rondel_group group = rondel_group_new(rondel_loop_current());
    for (int i = 0; i < 5; i++) CHECK(rondel_group_spawn(group, counts_its_cancel, cancelled) > 0);
    return join_and_close(group);
}

TEST(cancelling_the_task_that_joins_cancels_all_children_first) {
    rondel_loop loop = rondel_loop_new();
    int cancelled = 0;
    rondel_future task = rondel_task_spawn(loop, five_children, &cancelled);
    rondel_run(loop, RONDEL_RUN_NOWAIT);
    rondel_run(loop, RONDEL_RUN_NOWAIT);
    CHECK_EQ(rondel_future_state(task), RONDEL_RUNNING);
    CHECK_EQ(rondel_cancel(task), 0);
    CHECK_EQ(rondel_run_until(loop, task), RONDEL_ECANCELED);
    CHECK_EQ(cancelled, 5);
    run_dry(loop);
    nothing_left(loop);
}

TEST(cancelled_before_its_children_began_they_never_do) {
    rondel_loop loop = rondel_loop_new();
    int cancelled = 0;
    rondel_future task = rondel_task_spawn(loop, five_children, &cancelled);
    rondel_run(loop, RONDEL_RUN_NOWAIT);
    CHECK_EQ(rondel_cancel(task), 0);
    CHECK_EQ(rondel_run_until(loop, task), RONDEL_ECANCELED);
    CHECK_EQ(cancelled, 0);
    run_dry(loop);
    nothing_left(loop);
}

TEST(a_deadline_on_the_task_that_joins_is_told_to_its_waiter) {
    rondel_loop loop = rondel_loop_new();
    int cancelled = 0;
    rondel_future task = rondel_task_spawn(loop, five_children, &cancelled);
    rondel_run(loop, RONDEL_RUN_NOWAIT);
    rondel_run(loop, RONDEL_RUN_NOWAIT);
    CHECK_EQ(rondel_run_until(loop, rondel_timeout(task, RONDEL_MS)), RONDEL_ETIMEDOUT);
    CHECK_EQ(cancelled, 5);
    run_dry(loop);
    nothing_left(loop);
}

static int64_t answers_with_an_error(void *arg) {
    rondel_group group = rondel_group_new(rondel_loop_current());
    CHECK(rondel_group_spawn(group, fails_when_cancelled, arg) > 0);
    return join_and_close(group);
}

TEST(an_error_in_answer_to_the_cancel_outdoes_it) {
    rondel_loop loop = rondel_loop_new();
    rondel_future task = rondel_task_spawn(loop, answers_with_an_error, number(RONDEL_EIO));
    rondel_run(loop, RONDEL_RUN_NOWAIT);
    rondel_run(loop, RONDEL_RUN_NOWAIT);
    CHECK_EQ(rondel_cancel(task), 0);
    CHECK_EQ(rondel_run_until(loop, task), RONDEL_EIO);
    run_dry(loop);
    nothing_left(loop);
}

/* Its child has failed, another is cleaning up, and only then it is cancelled itself. */
static int64_t cleans_up(void *parent) {
    CHECK_EQ(rondel_sleep(AGES), RONDEL_ECANCELED);
    CHECK_EQ(rondel_cancel(*(rondel_future *)parent), 0);
    CHECK_EQ(rondel_sleep(RONDEL_MS), 0); /* which does not disturb the cleaning */
    trace_word("clean");
    return RONDEL_ECANCELED;
}

static int64_t cancelled_after_an_error(void *me) {
    rondel_group group = rondel_group_new(rondel_loop_current());
    CHECK(rondel_group_spawn(group, cleans_up, me) > 0);
    CHECK(rondel_group_spawn(group, fails_later, number(RONDEL_EPIPE)) > 0);
    CHECK_EQ(join_and_close(group), RONDEL_EPIPE);
    trace_word("joined");
    CHECK_EQ(rondel_sleep(AGES), RONDEL_ECANCELED); /* the cancel is not lost */
    return RONDEL_ECANCELED;
}

TEST(cancelled_after_a_child_failed_the_error_is_told_and_the_next_await_cancelled) {
    rondel_future task;
    rondel_loop loop = rondel_loop_new();
    task = rondel_task_spawn(loop, cancelled_after_an_error, &task);
    CHECK_EQ(rondel_run_until(loop, task), RONDEL_ECANCELED);
    CHECK_STR(trace_taken(), "clean joined");
    run_dry(loop);
    nothing_left(loop);
}

static int64_t fails_itself(void *cancelled) {
    rondel_group group = rondel_group_new(rondel_loop_current());
    for (int i = 0; i < 2; i++) CHECK(rondel_group_spawn(group, counts_its_cancel, cancelled) > 0);
    CHECK_EQ(rondel_yield(), 0);
    CHECK_EQ(rondel_group_add(group, RONDEL_EIO), RONDEL_EIO);
    return join_and_close(group);
}

TEST(a_failure_of_the_parent_is_one_of_the_group) {
    int cancelled = 0;
    CHECK_EQ(run_alone(fails_itself, &cancelled), RONDEL_EIO);
    CHECK_EQ(cancelled, 2);
}

/* Its body awaits something else than the join: a child too, so that a failure ends it. */
static int64_t body(void *arg) {
    (void)arg;
    return rondel_sleep(AGES);
}

static int64_t body_and_child(void *arg) {
    rondel_group group = rondel_group_new(rondel_loop_current());
    rondel_future child = rondel_group_spawn(group, body, NULL);
    CHECK_EQ(rondel_retain(child), 0);
    CHECK(rondel_group_spawn(group, fails_later, arg) > 0);
    CHECK_EQ(rondel_await(child), RONDEL_ECANCELED);
    return join_and_close(group);
}

TEST(a_body_that_is_a_child_is_cancelled_by_a_failure) {
    CHECK_EQ(run_alone(body_and_child, number(RONDEL_EPIPE)), RONDEL_EPIPE);
}

static int64_t inner_group(void *arg) {
    rondel_group group = rondel_group_new(rondel_loop_current());
    CHECK(rondel_group_spawn(group, fails_later, arg) > 0);
    CHECK(rondel_group_spawn(group, sleeper, number(3600000)) > 0);
    return join_and_close(group);
}

static int64_t outer_group(void *codes) {
    rondel_group group = rondel_group_new(rondel_loop_current());
    rondel_future inner = rondel_group_spawn(group, inner_group, number(((int64_t *)codes)[0]));
    CHECK_EQ(rondel_retain(inner), 0);
    CHECK(rondel_group_spawn(group, fails_later, number(((int64_t *)codes)[1])) > 0);
    CHECK(rondel_group_spawn(group, sleeper, number(3600000)) > 0);
    int64_t result = rondel_await(rondel_group_join(group, RONDEL_FUTURE));
    for (size_t i = 0; rondel_group_error(group, i) < 0; i++)
        trace_word(rondel_error_name(rondel_group_error(group, i)) + strlen("RONDEL_"));
    trace_word(rondel_error_name(rondel_await(inner)) + strlen("RONDEL_"));
    CHECK_EQ(rondel_close(group), 0);
    return result;
}

TEST(a_group_within_a_group_passes_errors_up_and_cancels_down) {
    int64_t inner_fails[2] = {RONDEL_EPIPE, 0}, outer_fails[2] = {0, RONDEL_EIO};
    CHECK_EQ(run_alone(outer_group, inner_fails), RONDEL_EPIPE);
    CHECK_STR(trace_taken(), "EPIPE EPIPE");
    CHECK_EQ(run_alone(outer_group, outer_fails), RONDEL_EIO);
    CHECK_STR(trace_taken(), "EIO ECANCELED");
}

static rondel_group nursery;

static int64_t adds_children(void *depth) {
    int64_t left = (int64_t)(intptr_t)depth;
    CHECK_EQ(rondel_sleep(RONDEL_MS / 8), 0);
    for (int i = 0; left > 0 && i < 2; i++)
        CHECK(rondel_group_spawn(nursery, adds_children, number(left - 1)) > 0);
    trace_word("x");
    return 0;
}

static int64_t growing_group(void *arg) {
    nursery = rondel_group_new(rondel_loop_current());
    CHECK(rondel_group_spawn(nursery, adds_children, arg) > 0);
    return join_and_close(nursery);
}

TEST(children_may_add_children_while_the_group_is_joined) {
    CHECK_EQ(run_alone(growing_group, number(4)), 0);
    CHECK_EQ(strlen(trace_taken()), 2 * 31 - 1);
}

static int hydras;

/* Two heads for each; until the group is being cancelled: then nothing is spawned any more. */
static int64_t hydra(void *arg) {
    int64_t slept = rondel_sleep(RONDEL_MS / 8), head = 0;
    hydras++;
    if (slept < 0) CHECK_EQ(rondel_group_spawn(nursery, hydra, NULL), RONDEL_ECANCELED);
    for (int i = 0; slept == 0 && i < 2; i++) head = rondel_group_spawn(nursery, hydra, NULL);
    (void)arg;
    return slept < 0 ? slept : head < 0 ? head : 0;
}

static int64_t hercules(void *arg) {
    (void)arg;
    while (hydras < 10)
        if (rondel_sleep(RONDEL_MS / 8) < 0) return RONDEL_ECANCELED;
    return RONDEL_EPIPE;
}

static int64_t hydra_group(void *arg) {
    nursery = rondel_group_new(rondel_loop_current());
    CHECK(rondel_group_spawn(nursery, hydra, arg) > 0);
    CHECK(rondel_group_spawn(nursery, hercules, arg) > 0);
    return join_and_close(nursery);
}

TEST(a_failure_ends_even_a_group_that_grows) {
    hydras = 0;
    CHECK_EQ(run_alone(hydra_group, NULL), RONDEL_EPIPE);
    CHECK(hydras >= 10);
}

static int64_t third(void *code) { return (int64_t)(intptr_t)code; }

static int64_t second(void *code) {
    CHECK(rondel_group_spawn(nursery, third, code) > 0);
    CHECK_EQ(rondel_sleep(AGES), RONDEL_ECANCELED);
    trace_word("cancelled");
    return 0;
}

static int64_t spawns_its_end(void *code) {
    nursery = rondel_group_new(rondel_loop_current());
    CHECK(rondel_group_spawn(nursery, second, code) > 0);
    return join_and_close(nursery);
}

TEST(a_child_is_cancelled_by_the_failure_of_one_it_spawned) {
    CHECK_EQ(run_alone(spawns_its_end, number(RONDEL_EPIPE)), RONDEL_EPIPE);
    CHECK_STR(trace_taken(), "cancelled");
}

static int64_t spawns_too_late(void *arg) {
    rondel_group group = rondel_group_new(rondel_loop_current());
    CHECK_EQ(rondel_group_add(group, RONDEL_EPIPE), RONDEL_EPIPE);
    CHECK_EQ(rondel_group_spawn(group, sleeper, NULL), RONDEL_ECANCELED);
    CHECK_EQ(rondel_group_spawn(group, NULL, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_await(rondel_group_join(group, RONDEL_FUTURE)), RONDEL_EPIPE);
    CHECK_EQ(rondel_group_spawn(group, sleeper, NULL), RONDEL_ESTATE);
    CHECK_EQ(rondel_close(group), 0);
    CHECK_EQ(rondel_group_spawn(group, sleeper, NULL), RONDEL_EGONE);
    CHECK_EQ(rondel_group_spawn(rondel_loop_current(), sleeper, NULL), RONDEL_EKIND);
    (void)arg;
    return 0;
}

TEST(nothing_is_spawned_into_a_group_that_ends_or_has_ended) { CHECK_EQ(run_alone(spawns_too_late, NULL), 0); }

static int64_t wants_its_own_join(void *join) { return rondel_await(*(rondel_future *)join); }

TEST(a_child_that_awaits_its_own_join_ends_with_the_loop) {
    rondel_loop loop = rondel_loop_new();
    rondel_group group = rondel_group_new(loop);
    rondel_future join;
    CHECK(rondel_group_spawn(group, wants_its_own_join, &join) > 0);
    join = rondel_group_join(group, RONDEL_FUTURE);
    rondel_run(loop, RONDEL_RUN_NOWAIT);
    CHECK_EQ(rondel_cancel(join), 0);
    rondel_run(loop, RONDEL_RUN_NOWAIT);
    CHECK_EQ(rondel_future_state(join), RONDEL_PENDING); /* a deadlock of its own making */
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t says_its_end(void *arg) {
    int64_t slept = rondel_sleep(AGES);
    CHECK_EQ(rondel_sleep(AGES), RONDEL_ECANCELED); /* while the loop is freed nothing is waited for */
    trace_word("child");
    (void)arg;
    return slept;
}

static int64_t joins(void *group) {
    int64_t result = rondel_await(rondel_group_join(*(rondel_group *)group, RONDEL_FUTURE));
    trace_word("parent");
    return result;
}

TEST(freeing_the_loop_joins_the_children_before_their_parent) {
    rondel_loop loop = rondel_loop_new();
    rondel_group group = rondel_group_new(loop);
    CHECK(rondel_group_spawn(group, says_its_end, NULL) > 0);
    CHECK(rondel_group_spawn(group, says_its_end, NULL) > 0);
    CHECK(rondel_task_spawn(loop, joins, &group) > 0);
    CHECK_EQ(rondel_on_close(group, trace, "notice"), 0);
    rondel_run(loop, RONDEL_RUN_NOWAIT);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_STR(trace_taken(), "child child parent notice");
}

TEST_MAIN(RUN(children_are_joined_and_their_results_kept_for_who_holds_them),
          RUN(a_child_cancelled_by_hand_leaves_the_others_alone),
          RUN(one_that_fails_cancels_its_siblings_and_not_their_parent),
          RUN(errors_in_answer_to_the_cancel_are_told_with_the_first),
          RUN(cancelling_the_task_that_joins_cancels_all_children_first),
          RUN(cancelled_before_its_children_began_they_never_do),
          RUN(a_deadline_on_the_task_that_joins_is_told_to_its_waiter), RUN(an_error_in_answer_to_the_cancel_outdoes_it),
          RUN(cancelled_after_a_child_failed_the_error_is_told_and_the_next_await_cancelled),
          RUN(a_failure_of_the_parent_is_one_of_the_group), RUN(a_body_that_is_a_child_is_cancelled_by_a_failure),
          RUN(a_group_within_a_group_passes_errors_up_and_cancels_down),
          RUN(children_may_add_children_while_the_group_is_joined), RUN(a_failure_ends_even_a_group_that_grows),
          RUN(a_child_is_cancelled_by_the_failure_of_one_it_spawned),
          RUN(nothing_is_spawned_into_a_group_that_ends_or_has_ended),
          RUN(a_child_that_awaits_its_own_join_ends_with_the_loop),
          RUN(freeing_the_loop_joins_the_children_before_their_parent))
