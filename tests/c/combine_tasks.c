/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Combined futures and tasks: tasks as parts, and tasks that await what was combined. */
#include "support/test.h"

#include "support/futures.h"
#include "support/steps.h"

static rondel_future spawn(rondel_loop loop, rondel_task_fn fn, void *arg) {
    rondel_future task = rondel_task_spawn(loop, fn, arg);
    CHECK(task > 0);
    return task;
}

static void *number(int64_t n) { return (void *)(intptr_t)n; }

/* Sleeps so many milliseconds and gives their number, or what the sleep ended with. */
static int64_t sleeper(void *ms) {
    int64_t result = rondel_sleep((int64_t)(intptr_t)ms * RONDEL_MS);
    return result < 0 ? result : (int64_t)(intptr_t)ms;
}

static int64_t yields(void *arg) {
    (void)arg;
    return rondel_yield();
}

static int64_t awaits(void *future) { return rondel_await(*(rondel_future *)future); }

static int64_t fails(void *code) {
    int64_t slept = rondel_sleep(RONDEL_MS);
    return slept < 0 ? slept : (int64_t)(intptr_t)code;
}

/* Sleeps for ages; when that is cancelled it cleans up, which takes a while, and says so. */
static int64_t cleans_up(void *word) {
    int64_t slept = rondel_sleep(AGES);
    CHECK_EQ(slept, RONDEL_ECANCELED);
    CHECK_EQ(rondel_sleep(RONDEL_MS), 0);
    trace_word(word);
    return slept;
}

/* Will not be cancelled the first time. */
static int64_t stubborn(void *arg) {
    (void)arg;
    if (rondel_sleep(AGES) == RONDEL_ECANCELED) trace_word("first");
    if (rondel_sleep(RONDEL_MS) == RONDEL_ECANCELED) trace_word("second");
    return 7;
}

static int64_t gathers_three(void *arg) {
    rondel_loop loop = rondel_loop_current();
    int64_t results[3];
    CHECK_EQ(rondel_await(rondel_gather((const rondel_future[]){spawn(loop, sleeper, number(3)),
                                                                spawn(loop, sleeper, number(1)),
                                                                spawn(loop, sleeper, number(2))},
                                        3, results, RONDEL_FUTURE)), 0);
    check_numbers(results, (const int64_t[]){3, 1, 2}, 3);
    (void)arg;
    return results[0] + results[1] + results[2];
}

TEST(a_task_awaits_several_tasks_as_one) {
    rondel_loop loop = rondel_loop_new();
    CHECK_EQ(rondel_run_until(loop, spawn(loop, gathers_three, NULL)), 6);
    run_dry(loop);
    nothing_left(loop);
}

static int64_t awaits_gather(void *arg) {
    rondel_loop loop = rondel_loop_current();
    int64_t results[3] = {0, 0, 0};
    int64_t result = rondel_await(rondel_gather((const rondel_future[]){spawn(loop, cleans_up, "one"),
                                                                        spawn(loop, cleans_up, "two"),
                                                                        rondel_call_later(loop, AGES, RONDEL_FUTURE)},
                                                3, results, RONDEL_FUTURE));
    for (int i = 0; i < 3; i++) CHECK_EQ(results[i], RONDEL_ECANCELED);
    trace_word("all");
    (void)arg;
    return result;
}

TEST(cancelling_the_task_that_awaits_it_cancels_all_and_waits_for_their_end) {
    rondel_loop loop = rondel_loop_new();
    rondel_future task = spawn(loop, awaits_gather, NULL);
    rondel_run(loop, RONDEL_RUN_NOWAIT);
    rondel_run(loop, RONDEL_RUN_NOWAIT);
    CHECK_EQ(rondel_cancel(task), 0);
    CHECK_EQ(rondel_run_until(loop, task), RONDEL_ECANCELED);
    CHECK_STR(trace_taken(), "one two all");
    run_dry(loop);
    nothing_left(loop);
}

TEST(tasks_that_have_not_begun_never_do) {
    rondel_loop loop = rondel_loop_new();
    const rondel_future tasks[2] = {spawn(loop, cleans_up, "never"), spawn(loop, cleans_up, "never")};
    rondel_future all = rondel_gather(tasks, 2, NULL, RONDEL_FUTURE);
    CHECK_EQ(rondel_cancel(all), 0);
    CHECK_EQ(rondel_run_until(loop, all), RONDEL_ECANCELED);
    run_dry(loop);
    CHECK_STR(trace_taken(), "");
    nothing_left(loop);
}

TEST(a_deadline_waits_for_the_tasks_to_clean_up) {
    rondel_loop loop = rondel_loop_new();
    const rondel_future tasks[2] = {spawn(loop, cleans_up, "clean"), spawn(loop, yields, NULL)};
    int64_t results[2];
    rondel_future all = rondel_gather(tasks, 2, results, RONDEL_FUTURE);
    while (rondel_future_state(tasks[1]) != RONDEL_EGONE) rondel_run(loop, RONDEL_RUN_NOWAIT);
    CHECK_EQ(rondel_run_until(loop, rondel_timeout(all, RONDEL_MS)), RONDEL_ETIMEDOUT);
    CHECK_STR(trace_taken(), "clean");
    check_numbers(results, (const int64_t[]){RONDEL_ECANCELED, 0}, 2);
    run_dry(loop);
    nothing_left(loop);
}

TEST(one_that_swallows_the_cancel_keeps_its_value_and_can_be_cancelled_again) {
    rondel_loop loop = rondel_loop_new();
    for (int again = 0; again < 2; again++) {
        const rondel_future task = spawn(loop, stubborn, NULL);
        int64_t result = 0;
        rondel_future all = rondel_gather(&task, 1, &result, RONDEL_FUTURE);
        rondel_run(loop, RONDEL_RUN_NOWAIT);
        CHECK_EQ(rondel_cancel(all), 0);
        rondel_run(loop, RONDEL_RUN_NOWAIT);
        CHECK_EQ(rondel_future_state(all), RONDEL_PENDING);
        if (again) CHECK_EQ(rondel_cancel(all), 0);
        CHECK_EQ(rondel_run_until(loop, all), RONDEL_ECANCELED);
        CHECK_EQ(result, 7);
        CHECK_STR(trace_taken(), again ? "first second" : "first");
        run_dry(loop);
    }
    nothing_left(loop);
}

static int64_t gathers_again_and_again(void *arg) {
    rondel_loop loop = rondel_loop_current();
    for (;;) {
        int64_t result = rondel_await(rondel_gather_all(
            (const rondel_future[]){spawn(loop, sleeper, number(0)), RONDEL_EPIPE}, 2, NULL, RONDEL_FUTURE));
        if (result != 1) return result;
        ++*(int *)arg;
    }
}

TEST(a_cancel_breaks_out_of_gathering_errors) {
    rondel_loop loop = rondel_loop_new();
    int rounds = 0;
    rondel_future task = spawn(loop, gathers_again_and_again, &rounds);
    while (rounds < 10) rondel_run(loop, RONDEL_RUN_ONCE);
    CHECK_EQ(rondel_cancel(task), 0);
    CHECK_EQ(rondel_run_until(loop, task), RONDEL_ECANCELED);
    run_dry(loop);
    nothing_left(loop);
}

static void cancel_that(rondel_handle source, int64_t result, void *user_data) {
    (void)source, (void)result;
    CHECK_EQ(rondel_cancel(*(rondel_future *)user_data), 0);
}

static int64_t awaits_a_gather_that_is_done(void *me) {
    rondel_future part = rondel_call_soon(rondel_loop_current(), cancel_that, me);
    int64_t result = -1;
    CHECK_EQ(rondel_await(rondel_gather(&part, 1, &result, RONDEL_FUTURE)), 0); /* not lost */
    CHECK_EQ(result, 0);
    CHECK_EQ(rondel_sleep(AGES), RONDEL_ECANCELED); /* nor is the cancel */
    CHECK_EQ(rondel_sleep(RONDEL_MS), 0);
    return 5;
}

TEST(cancelled_when_all_parts_are_done_the_next_await_is_cancelled) {
    rondel_loop loop = rondel_loop_new();
    rondel_future task = spawn(loop, awaits_a_gather_that_is_done, &task);
    CHECK_EQ(rondel_run_until(loop, task), 5);
    run_dry(loop);
    nothing_left(loop);
}

static int64_t shields(void *inner) { return rondel_await(rondel_shield(*(rondel_future *)inner, RONDEL_FUTURE)); }

static int64_t waits(void *inner) {
    return rondel_await(rondel_wait(inner, 1, RONDEL_ALL_COMPLETED, RONDEL_FUTURE));
}

TEST(cancelling_a_task_in_a_shield_or_a_wait_leaves_the_inner_task_running) {
    rondel_loop loop = rondel_loop_new();
    for (int shielded = 0; shielded < 2; shielded++) {
        rondel_future promise = rondel_future_new(loop), inner = spawn(loop, awaits, &promise);
        rondel_future outer = spawn(loop, shielded ? shields : waits, &inner);
        if (shielded) CHECK_EQ(rondel_retain(inner), 0);
        rondel_run(loop, RONDEL_RUN_NOWAIT);
        CHECK_EQ(rondel_cancel(outer), 0);
        CHECK_EQ(rondel_run_until(loop, outer), RONDEL_ECANCELED);
        CHECK_EQ(rondel_future_state(inner), RONDEL_RUNNING);
        settle(promise, 3);
        CHECK_EQ(rondel_run_until(loop, inner), 3);
    }
    run_dry(loop);
    nothing_left(loop);
}

static int64_t shields_what_fails(void *arg) {
    (void)arg;
    return rondel_await(rondel_shield(spawn(rondel_loop_current(), fails, number(RONDEL_EPIPE)), RONDEL_FUTURE));
}

TEST(the_error_of_a_shielded_task_comes_through) {
    rondel_loop loop = rondel_loop_new();
    CHECK_EQ(rondel_run_until(loop, spawn(loop, shields_what_fails, NULL)), RONDEL_EPIPE);
    run_dry(loop);
    nothing_left(loop);
}

static int64_t takes_as_completed(void *arg) {
    rondel_loop loop = rondel_loop_current();
    const int64_t order[6] = {5, 3, 0, 4, 1, 2};
    rondel_future promises[5], tasks[6];
    int count = 0;
    new_promises(loop, promises, 5);
    for (int i = 0; i < 5; i++) tasks[i] = spawn(loop, awaits, &promises[i]);
    tasks[5] = RONDEL_ECONNREFUSED;
    rondel_iterator done = rondel_as_completed(tasks, 6);
    for (int64_t i; (i = rondel_await(rondel_as_completed_next(done, RONDEL_FUTURE))) >= 0;) {
        CHECK_EQ(i, order[count++]);
        CHECK_EQ(rondel_await(tasks[i]), i == 5 ? RONDEL_ECONNREFUSED : 10 + i);
        if (count < 6) settle(promises[order[count]], 10 + order[count]);
    }
    CHECK_EQ(rondel_close(done), 0);
    (void)arg;
    return count;
}

TEST(a_task_takes_others_as_they_are_done) {
    rondel_loop loop = rondel_loop_new();
    CHECK_EQ(rondel_run_until(loop, spawn(loop, takes_as_completed, NULL)), 6);
    run_dry(loop);
    nothing_left(loop);
}

static int64_t gives_up_asking(void *iterator) {
    return rondel_await(rondel_as_completed_next(*(rondel_iterator *)iterator, RONDEL_FUTURE));
}

TEST(a_task_cancelled_while_it_asks_leaves_the_answer_to_the_next) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    rondel_iterator iterator = rondel_as_completed(&promise, 1);
    rondel_future one = spawn(loop, gives_up_asking, &iterator), two = spawn(loop, gives_up_asking, &iterator);
    rondel_run(loop, RONDEL_RUN_NOWAIT);
    CHECK_EQ(rondel_cancel(one), 0);
    settle(promise, 1);
    CHECK_EQ(rondel_run_until(loop, two), 0);
    CHECK_EQ(rondel_run_until(loop, one), RONDEL_ECANCELED);
    CHECK_EQ(rondel_close(iterator), 0);
    CHECK_EQ(rondel_release(promise), 0);
    run_dry(loop);
    nothing_left(loop);
}

static int64_t many_gathers(void *arg) {
    rondel_loop loop = rondel_loop_current();
    const int64_t count = (int64_t)(intptr_t)arg;
    char here;
    static char *first;
    for (int64_t i = 0; i < count; i++) {
        rondel_future parts[2] = {rondel_future_new(loop), rondel_future_new(loop)};
        int64_t results[2];
        CHECK_EQ(rondel_future_set(parts[0], i), 0);
        CHECK_EQ(rondel_future_set(parts[1], 1), 0);
        if (rondel_await(rondel_gather(parts, 2, results, RONDEL_FUTURE)) != 0 || results[0] != i) return RONDEL_EIO;
        if (!i) first = &here;
        CHECK(first == &here);
    }
    return rondel_metric(loop, RONDEL_METRIC_HANDLES);
}

TEST(awaits_of_what_is_done_leave_nothing_behind) {
    rondel_loop loop = rondel_loop_new();
    CHECK_EQ(rondel_run_until(loop, spawn(loop, many_gathers, number(test_scale(300000, 10000)))), 2);
    run_dry(loop);
    nothing_left(loop);
}

struct chain {
    rondel_future task;
    struct chain *next;
};

/* Awaits the next of its kind by a gather, and the last a sleep. */
static int64_t chain_link(void *arg) {
    struct chain *chain = arg;
    if (!chain->next) return rondel_sleep(AGES);
    return rondel_await(rondel_gather(&chain->next->task, 1, NULL, RONDEL_FUTURE));
}

TEST(a_chain_of_any_length_is_cancelled_without_a_stack) {
    const int64_t length = test_scale(20000, 1000);
    rondel_loop loop = rondel_loop_new();
    struct chain *chain = calloc((size_t)length, sizeof *chain);
    for (int round = 0; round < 2; round++) {
        for (int64_t i = length; i-- > 0;) {
            chain[i].next = i + 1 < length ? &chain[i + 1] : NULL;
            chain[i].task = spawn(loop, chain_link, &chain[i]);
        }
        rondel_run(loop, RONDEL_RUN_NOWAIT);
        rondel_run(loop, RONDEL_RUN_NOWAIT);
        if (round == 0) {
            CHECK_EQ(rondel_cancel(chain[0].task), 0);
            CHECK_EQ(rondel_run_until(loop, chain[0].task), RONDEL_ECANCELED);
            run_dry(loop);
            CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
        }
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
    free(chain);
}

static int64_t awaits_other(void *other) {
    int64_t result = rondel_await(*(rondel_future *)other);
    trace_word("over");
    return result;
}

TEST(tasks_that_await_each_other_survive_a_cancel_and_end_with_the_loop) {
    rondel_loop loop = rondel_loop_new();
    rondel_future tasks[2], whole;
    tasks[0] = spawn(loop, awaits_other, &tasks[1]);
    tasks[1] = spawn(loop, awaits_other, &whole);
    for (int i = 0; i < 2; i++) CHECK_EQ(rondel_retain(tasks[i]), 0);
    whole = rondel_gather(tasks, 2, NULL, RONDEL_FUTURE);
    rondel_run(loop, RONDEL_RUN_NOWAIT);
    CHECK_EQ(rondel_cancel(tasks[0]), 0);
    CHECK_EQ(rondel_cancel(whole), RONDEL_ESTATE); /* it ended, as one of its tasks awaited it */
    rondel_run(loop, RONDEL_RUN_NOWAIT);
    CHECK_EQ(rondel_future_state(tasks[0]), RONDEL_RUNNING); /* a deadlock of their own making */
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_STR(trace_taken(), "over over");
}

static int64_t at_the_gate(void *gate) {
    gate_pass((struct gate *)gate + 1);
    gate_wait(gate, 1);
    return 0;
}

/* Lends memory of its stack, and awaits it only when its loop is being freed already. */
static int64_t lends_its_stack(void *gates) {
    rondel_loop loop = rondel_loop_current();
    int64_t results[2] = {0, 0};
    rondel_future all = rondel_gather((const rondel_future[]){rondel_work(loop, at_the_gate, gates, RONDEL_FUTURE),
                                                              rondel_future_new(loop)}, 2, results, RONDEL_FUTURE);
    CHECK_EQ(rondel_sleep(AGES), RONDEL_ECANCELED);
    CHECK_EQ(rondel_sleep(0), RONDEL_ECANCELED); /* nothing is waited for any more */
    gate_pass(gates);
    CHECK_EQ(rondel_await(all), RONDEL_ECANCELED); /* but for what must end before the function may */
    check_numbers(results, (const int64_t[]){RONDEL_ECANCELED, RONDEL_ECANCELED}, 2);
    trace_word("returned");
    return 0;
}

TEST(when_the_loop_is_freed_a_task_still_waits_for_what_has_its_memory) {
    struct gate gates[2] = {GATE, GATE};
    rondel_loop loop = rondel_loop_new();
    spawn(loop, lends_its_stack, gates);
    rondel_run(loop, RONDEL_RUN_NOWAIT);
    gate_wait(gates + 1, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_STR(trace_taken(), "returned");
}

static int64_t inside(void *arg) {
    rondel_loop loop = rondel_loop_current();
    int64_t result = rondel_await(rondel_timeout(
        rondel_gather((const rondel_future[]){spawn(loop, sleeper, number(3600000))}, 1, NULL, RONDEL_FUTURE),
        (int64_t)(intptr_t)arg));
    trace_word(rondel_error_name(result) + strlen("RONDEL_"));
    return result;
}

TEST(of_nested_deadlines_each_is_told_to_its_own) {
    rondel_loop loop = rondel_loop_new();
    CHECK_EQ(rondel_run_until(loop, rondel_timeout(spawn(loop, inside, number(RONDEL_MS)), AGES)), RONDEL_ETIMEDOUT);
    rondel_future task = spawn(loop, inside, number(AGES));
    rondel_run(loop, RONDEL_RUN_NOWAIT);
    CHECK_EQ(rondel_run_until(loop, rondel_timeout(task, RONDEL_MS)), RONDEL_ETIMEDOUT);
    CHECK_STR(trace_taken(), "ETIMEDOUT ECANCELED");
    run_dry(loop);
    nothing_left(loop);
}

TEST_MAIN(RUN(a_task_awaits_several_tasks_as_one),
          RUN(cancelling_the_task_that_awaits_it_cancels_all_and_waits_for_their_end),
          RUN(tasks_that_have_not_begun_never_do), RUN(a_deadline_waits_for_the_tasks_to_clean_up),
          RUN(one_that_swallows_the_cancel_keeps_its_value_and_can_be_cancelled_again),
          RUN(a_cancel_breaks_out_of_gathering_errors),
          RUN(cancelled_when_all_parts_are_done_the_next_await_is_cancelled),
          RUN(cancelling_a_task_in_a_shield_or_a_wait_leaves_the_inner_task_running),
          RUN(the_error_of_a_shielded_task_comes_through), RUN(a_task_takes_others_as_they_are_done),
          RUN(a_task_cancelled_while_it_asks_leaves_the_answer_to_the_next),
          RUN(awaits_of_what_is_done_leave_nothing_behind), RUN(a_chain_of_any_length_is_cancelled_without_a_stack),
          RUN(tasks_that_await_each_other_survive_a_cancel_and_end_with_the_loop),
          RUN(when_the_loop_is_freed_a_task_still_waits_for_what_has_its_memory),
          RUN(of_nested_deadlines_each_is_told_to_its_own))
