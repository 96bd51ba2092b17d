/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Awaits: however deep or many they are they cost no stack, nobody is kept from his turn by them, and everything that
 * is no task runs on the loop's own stack. */
#include "support/test.h"

#include "support/net.h"
#include "support/steps.h"
#include "support/task.h"

/* ---- depth and number */

struct link {
    int64_t left;
    int64_t deepest;
};

static int64_t await_deeper(void *arg) {
    struct link *link = arg;
    if (link->left-- == 0) return rondel_sleep(0);
    int64_t below = rondel_await(rondel_task_spawn_sized(rondel_loop_current(), await_deeper, link, 16384));
    return below < 0 ? below : below + 1;
}

TEST(a_chain_of_awaits_may_be_any_length) {
    struct link link = {test_scale(30000, 300), 0};
    int64_t length = link.left;
    CHECK_EQ(task_run(await_deeper, &link), length);
}

/* The same built from the other end: each awaits a task that waits already. */
TEST(a_chain_may_be_built_from_its_end) {
    const int64_t length = test_scale(30000, 300);
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop), last = promise;
    for (int64_t i = 0; i < length; i++) {
        last = rondel_task_spawn_sized(loop, task_await, task_arg(last), 16384);
        if (i % 1000 == 0) CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    }
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(rondel_future_set(promise, 8), 0);
    CHECK_EQ(rondel_run_until(loop, last), 8);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t await_often(void *arg) {
    const int64_t times = task_number(arg);
    rondel_loop loop = rondel_loop_current();
    rondel_future held = rondel_future_new(loop);
    int64_t sum = 0, turns = rondel_metric(loop, RONDEL_METRIC_TURNS);
    CHECK_EQ(rondel_future_set(held, 1), 0);
    for (int64_t i = 0; i < times; i++) {
        rondel_future done = rondel_future_new(loop);
        CHECK_EQ(rondel_future_set(done, i), 0);
        sum += rondel_await(done);
        CHECK_EQ(rondel_retain(held), 0);
        sum += rondel_await(held);
    }
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_TURNS), turns); /* none of them waited */
    CHECK_EQ(rondel_release(held), 0);
    CHECK_EQ(sum, times * (times - 1) / 2 + times);
    return 0;
}

static int64_t wait_often(void *arg) {
    const int64_t times = task_number(arg);
    rondel_loop loop = rondel_loop_current();
    int64_t sum = 0;
    for (int64_t i = 0; i < times; i++) {
        sum += rondel_await(rondel_task_spawn_sized(loop, task_return, task_arg(i), 16384));
        CHECK_EQ(rondel_yield(), 0);
    }
    CHECK_EQ(sum, times * (times - 1) / 2);
    return 0;
}

/* Both on the smallest stack there is: one frame more for each of them would go through its guard at once. */
TEST(a_hundred_thousand_awaits_take_no_more_stack_than_one) {
    rondel_loop loop = rondel_loop_new();
    int64_t handles = rondel_metric(loop, RONDEL_METRIC_HANDLES);
    void *times = task_arg(test_scale(100000, 2000));
    CHECK_EQ(rondel_run_until(loop, rondel_task_spawn_sized(loop, await_often, times, 16384)), 0);
    CHECK_EQ(rondel_run_until(loop, rondel_task_spawn_sized(loop, wait_often, times, 16384)), 0);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), handles);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* ---- fairness */

struct busy {
    int64_t steps;
    int stop;
};

static int64_t be_busy(void *arg) {
    struct busy *busy = arg;
    while (!busy->stop) {
        busy->steps++;
        CHECK_EQ(rondel_yield(), 0);
    }
    return 0;
}

static int64_t bounce(void *arg) {
    char byte;
    for (int i = 0; i < 100; i++) {
        if (rondel_await(rondel_read_exactly(task_number(arg), &byte, 1, RONDEL_FUTURE)) != 1) return i;
        if (rondel_await(rondel_write(task_number(arg), &byte, 1, RONDEL_FUTURE)) != 1) return i;
    }
    return 100;
}

/* Hangs, and so fails, if the busy tasks keep the timers or the connection from their turns. */
TEST(a_busy_task_leaves_timers_and_connections_their_turns) {
    rondel_loop loop = rondel_loop_new();
    rondel_tcp ends[2];
    struct busy busy = {0, 0};
    REQUIRE(net_streams(loop, ends));
    rondel_future busy_tasks[2], bouncing[2];
    for (int i = 0; i < 2; i++) busy_tasks[i] = rondel_task_spawn(loop, be_busy, &busy);
    for (int i = 0; i < 2; i++) bouncing[i] = rondel_task_spawn(loop, bounce, task_arg(ends[i]));
    rondel_future timers = rondel_task_spawn(loop, task_sleep, task_arg(3 * RONDEL_MS));
    CHECK_EQ(rondel_try_write(ends[0], "b", 1), 1);
    CHECK_EQ(rondel_run_until(loop, bouncing[1]), 100);
    CHECK_EQ(rondel_run_until(loop, timers), 0);
    CHECK_EQ(rondel_run_until(loop, bouncing[0]), 100);
    CHECK(busy.steps > 200); /* nor were they kept from theirs */
    busy.stop = 1;
    for (int i = 0; i < 2; i++) CHECK_EQ(rondel_run_until(loop, busy_tasks[i]), 0);
    CHECK_EQ(rondel_close(ends[0]), 0);
    CHECK_EQ(rondel_close(ends[1]), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t say_thrice(void *arg) {
    for (int i = 0; i < 3; i++) {
        trace_word(arg);
        CHECK_EQ(rondel_yield(), 0);
    }
    return 0;
}

TEST(tasks_that_yield_take_turns_with_each_other_and_with_callbacks) {
    rondel_loop loop = rondel_loop_new();
    rondel_future tasks[2] = {rondel_task_spawn(loop, say_thrice, "a"), rondel_task_spawn(loop, say_thrice, "b")};
    CHECK(rondel_call_soon(loop, trace, "soon") > 0);
    for (int i = 0; i < 2; i++) CHECK_EQ(rondel_run_until(loop, tasks[i]), 0);
    CHECK_STR(trace_taken(), "a b soon a b a b");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t sleep_and_look(void *arg) {
    int64_t ns = task_number(arg), begin = rondel_clock();
    CHECK_EQ(rondel_sleep(ns), 0);
    CHECK(rondel_clock() - begin >= ns);
    return ns;
}

TEST(a_sleep_is_never_short_and_many_pass_at_once) {
    rondel_loop loop = rondel_loop_new();
    rondel_future tasks[200];
    for (int i = 0; i < 200; i++)
        tasks[i] = rondel_task_spawn(loop, sleep_and_look, task_arg(i % 20 * RONDEL_MS + i * 1000));
    for (int i = 0; i < 200; i++)
        CHECK_EQ(rondel_run_until(loop, tasks[i]), i % 20 * RONDEL_MS + i * 1000);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* ---- whose stack it is */

/* Not the address of a local: a sanitizer may keep those elsewhere. */
#define here() ((uintptr_t)__builtin_frame_address(0))

struct stacks {
    uintptr_t loops;
    int64_t callbacks, tasks;
};

static int is_near(uintptr_t a, uintptr_t b) { return (a > b ? a - b : b - a) < 65536; }

static void on_loops_stack(rondel_handle source, int64_t result, void *user_data) {
    struct stacks *stacks = user_data;
    (void)source;
    (void)result;
    CHECK(is_near(here(), stacks->loops));
    stacks->callbacks++;
}

static void bytes_on_loops_stack(rondel_stream stream, const uint8_t *bytes, int64_t n, void *user_data) {
    (void)bytes;
    on_loops_stack(stream, n, user_data);
    CHECK_EQ(rondel_read_stop(stream), 0);
}

static void walked(rondel_handle source, int64_t result, void *user_data) {
    (void)source;
    (void)result;
    ++*(int64_t *)user_data;
}

static int64_t start_everything(void *arg) {
    struct stacks *stacks = arg;
    rondel_loop loop = rondel_loop_current();
    rondel_tcp ends[2] = {0, 0};
    int64_t found = 0;
    CHECK(!is_near(here(), stacks->loops));
    CHECK_EQ(net_streams(loop, ends), 1);
    rondel_future promise = rondel_future_new(loop);
    CHECK_EQ(rondel_future_then(promise, on_loops_stack, stacks), 0);
    CHECK_EQ(rondel_future_set(promise, 0), 0);                                             /* 1 */
    CHECK(rondel_call_soon(loop, on_loops_stack, stacks) > 0);                              /* 2 */
    CHECK_EQ(rondel_call_soon_threadsafe(loop, on_loops_stack, stacks), 0);                 /* 3 */
    CHECK(rondel_call_later(loop, 0, on_loops_stack, stacks) > 0);                          /* 4 */
    rondel_timer timer = rondel_timer_start(loop, 0, 0, on_loops_stack, stacks);            /* 5 */
    CHECK_EQ(rondel_on_close(timer, on_loops_stack, stacks), 0);                            /* 6 */
    CHECK(rondel_write(ends[0], "x", 1, on_loops_stack, stacks) > 0);                       /* 7 */
    CHECK_EQ(rondel_read_start(ends[1], bytes_on_loops_stack, stacks), 0);                  /* 8 */
    CHECK(rondel_work(loop, task_return, NULL, on_loops_stack, stacks) > 0);                /* 9 */
    CHECK_EQ(rondel_future_then(rondel_task_current(), on_loops_stack, stacks), 0);         /* 10 */
    rondel_future child = rondel_task_spawn(loop, task_return, NULL);
    CHECK_EQ(rondel_future_then(child, on_loops_stack, stacks), 0);                         /* 11 */
    CHECK_EQ(stacks->callbacks, 0);                                                         /* and none of them here */
    CHECK(rondel_walk(loop, walked, &found) > 5); /* but this one calls back inside, as it says */
    CHECK(found > 5);
    while (stacks->callbacks < 9) CHECK_EQ(rondel_sleep(RONDEL_MS), 0);
    CHECK_EQ(rondel_await(child), 0);
    CHECK_EQ(rondel_close(timer), 0);
    CHECK_EQ(rondel_close(ends[0]), 0);
    CHECK_EQ(rondel_close(ends[1]), 0);
    stacks->tasks++;
    return 0;
}

TEST(callbacks_never_run_on_the_stack_of_a_task) {
    rondel_loop loop = rondel_loop_new();
    struct stacks stacks = {here(), 0, 0};
    CHECK_EQ(rondel_release(rondel_task_spawn(loop, start_everything, &stacks)), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(stacks.callbacks, 11);
    CHECK_EQ(stacks.tasks, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* ---- loops in loops */

static rondel_loop outer_loop;
static rondel_future outer_task;

static void inner_callback(rondel_handle source, int64_t result, void *user_data) {
    (void)source;
    (void)result;
    /* Below it on the stack is a task; but it is a callback of a loop of its own. */
    CHECK_EQ(rondel_yield(), RONDEL_ENOTASK);
    CHECK_EQ(rondel_task_current(), RONDEL_ENOTASK);
    CHECK_EQ(rondel_loop_current(), *(rondel_loop *)user_data);
    trace_word("callback");
}

static int64_t inner_task(void *arg) {
    rondel_future theirs = rondel_future_new(outer_loop);
    CHECK(theirs > 0); /* this thread runs that loop too */
    CHECK_EQ(rondel_await(theirs), RONDEL_EINVAL);
    CHECK_EQ(rondel_release(theirs), 0);
    CHECK_EQ(rondel_await(outer_task), RONDEL_EINVAL);
    CHECK_EQ(rondel_loop_current(), *(rondel_loop *)arg);
    CHECK(rondel_task_current() != outer_task);
    for (int i = 0; i < 3; i++) CHECK_EQ(rondel_sleep(RONDEL_MS), 0);
    CHECK_EQ(rondel_run(outer_loop, RONDEL_RUN_NOWAIT), RONDEL_EBUSY);
    trace_word("inner");
    return 6;
}

static int64_t run_inner_loop(void *arg) {
    rondel_loop inner = rondel_loop_new();
    rondel_future mine = rondel_future_new(rondel_loop_current());
    (void)arg;
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(rondel_yield(), 0);
        CHECK(rondel_call_soon(inner, inner_callback, &inner) > 0);
        CHECK_EQ(rondel_run_until(inner, rondel_task_spawn(inner, inner_task, &inner)), 6);
        CHECK_EQ(rondel_loop_current(), outer_loop);
        CHECK_EQ(rondel_task_current(), outer_task);
    }
    rondel_future left = rondel_task_spawn(inner, task_forever, NULL);
    CHECK_EQ(rondel_run(inner, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(rondel_await(left), RONDEL_EINVAL);
    CHECK_EQ(rondel_loop_free(inner), 0); /* which runs that task to its end */
    CHECK_EQ(rondel_task_current(), outer_task);
    CHECK_EQ(rondel_future_set(mine, 2), 0);
    CHECK_EQ(rondel_yield(), 0);
    trace_word("outer");
    return rondel_await(mine);
}

TEST(a_task_may_run_another_loop) {
    outer_loop = rondel_loop_new();
    outer_task = rondel_task_spawn(outer_loop, run_inner_loop, NULL);
    CHECK_EQ(rondel_run_until(outer_loop, outer_task), 2);
    CHECK_STR(trace_taken(), "callback inner callback inner outer");
    CHECK_EQ(rondel_loop_free(outer_loop), 0);
}

TEST_MAIN(RUN(a_chain_of_awaits_may_be_any_length), RUN(a_chain_may_be_built_from_its_end),
          RUN(a_hundred_thousand_awaits_take_no_more_stack_than_one),
          RUN(a_busy_task_leaves_timers_and_connections_their_turns),
          RUN(tasks_that_yield_take_turns_with_each_other_and_with_callbacks),
          RUN(a_sleep_is_never_short_and_many_pass_at_once), RUN(callbacks_never_run_on_the_stack_of_a_task),
          RUN(a_task_may_run_another_loop))
