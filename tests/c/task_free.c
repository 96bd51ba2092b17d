/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Freeing a loop that has tasks: each that has begun runs to its end, and nothing it waits for is left to run on
 * without it. */
#include "support/test.h"

#include "support/net.h"
#include "support/steps.h"
#include "support/task.h"

static int64_t wait_in_every_way(void *arg) {
    rondel_future promise = rondel_future_new(rondel_loop_current()), done = rondel_future_new(rondel_loop_current());
    rondel_future later = rondel_call_later(rondel_loop_current(), RONDEL_FOREVER, RONDEL_FUTURE);
    rondel_future child = rondel_task_spawn(rondel_loop_current(), task_forever, NULL);
    CHECK_EQ(rondel_future_set(done, 3), 0);
    CHECK_EQ(rondel_sleep(RONDEL_FOREVER), RONDEL_ECANCELED);
    /* From here on the loop is being freed. Nothing begins, nothing is waited for, what is done is done. */
    rondel_loop loop = rondel_loop_current();
    CHECK(loop > 0);
    CHECK_EQ(rondel_sleep(0), RONDEL_ECANCELED);
    CHECK_EQ(rondel_sleep(-1), RONDEL_ECANCELED);
    CHECK_EQ(rondel_yield(), RONDEL_ECANCELED);
    CHECK_EQ(rondel_await(promise), RONDEL_ECANCELED);
    CHECK_EQ(rondel_await(later), RONDEL_ECANCELED);
    CHECK_EQ(rondel_await(child), RONDEL_ECANCELED);
    CHECK_EQ(rondel_await(done), 3);
    CHECK_EQ(rondel_await(RONDEL_EPIPE), RONDEL_EPIPE);
    CHECK_EQ(rondel_task_spawn(loop, task_return, NULL), RONDEL_EGONE);
    CHECK_EQ(rondel_await(rondel_task_spawn(loop, task_return, NULL)), RONDEL_EGONE);
    CHECK_EQ(rondel_call_soon(loop, trace, "soon"), RONDEL_EGONE);
    CHECK_EQ(rondel_future_new(loop), RONDEL_EGONE);
    CHECK_EQ(rondel_await(rondel_work(loop, task_return, NULL, RONDEL_FUTURE)), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_free(loop), RONDEL_EBUSY);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), RONDEL_EBUSY);
    for (int i = 0; i < 1000; i++) CHECK_EQ(rondel_yield(), RONDEL_ECANCELED);
    ++*(int64_t *)arg;
    return 0;
}

static void loop_gone(rondel_handle source, int64_t result, void *user_data) {
    (void)source;
    (void)result;
    CHECK_EQ(*(int64_t *)user_data, 3); /* the last word is the loop's */
    *(int64_t *)user_data = -1;
}

TEST(tasks_run_to_their_end_with_every_wait_cancelled) {
    rondel_loop loop = rondel_loop_new();
    int64_t ended = 0;
    for (int i = 0; i < 3; i++) CHECK_EQ(rondel_release(rondel_task_spawn(loop, wait_in_every_way, &ended)), 0);
    for (int i = 0; i < 4; i++) CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(rondel_on_close(loop, loop_gone, &ended), 0);
    CHECK_EQ(ended, 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(ended, -1);
    CHECK_STR(trace_taken(), "");
}

static int64_t never_to_run(void *arg) {
    (void)arg;
    CHECK(!"a task that had not begun when its loop was freed has not run");
    return 0;
}

TEST(a_task_that_has_not_begun_never_does) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    rondel_future task = rondel_task_spawn(loop, never_to_run, NULL);
    CHECK_EQ(rondel_future_then(task, see, &seen), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
}

TEST(what_waits_for_a_task_is_told_how_it_ended) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    int64_t ended = 0;
    rondel_future task = rondel_task_spawn(loop, task_forever, &ended);
    CHECK_EQ(rondel_future_then(task, see, &seen), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(ended, RONDEL_ECANCELED);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
    CHECK_EQ(seen.source, task);
}

/* ---- memory on the stacks of tasks */

struct lent {
    int64_t used, words[64];
};

static int64_t use_parents_stack(void *arg) {
    struct lent *lent = arg;
    int64_t result = rondel_sleep(RONDEL_FOREVER);
    for (int i = 0; i < 64; i++) {
        CHECK_EQ(lent->words[i], i);
        rondel_yield();
    }
    lent->used = 1;
    return result;
}

static int64_t lend_stack(void *arg) {
    struct lent lent = {0, {0}};
    for (int i = 0; i < 64; i++) lent.words[i] = i;
    rondel_future child = rondel_task_spawn(rondel_loop_current(), use_parents_stack, &lent);
    int64_t result = rondel_sleep(RONDEL_FOREVER);
    /* The clean-up of a careful parent: it does not leave before its child has. */
    rondel_cancel(child);
    CHECK_EQ(rondel_await(child), RONDEL_ECANCELED);
    CHECK_EQ(lent.used, 1);
    ++*(int64_t *)arg;
    return result;
}

TEST(a_parent_that_awaits_its_child_outlives_it) {
    rondel_loop loop = rondel_loop_new();
    int64_t ended = 0;
    for (int i = 0; i < 10; i++) CHECK_EQ(rondel_release(rondel_task_spawn(loop, lend_stack, &ended)), 0);
    for (int i = 0; i < 4; i++) CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(ended, 10);
}

struct job {
    struct gate begun;
    int64_t done;
    rondel_loop loop;
};

/* Ends when it is told that the loop is being freed: not before the task on whose stack it works was cancelled. */
static int64_t work_until_cancelled(void *arg) {
    struct job *job = arg;
    gate_pass(&job->begun);
    while (!rondel_work_cancelled()) usleep(100);
    job->done = 1;
    return 5;
}

static int64_t lend_stack_to_work(void *arg) {
    struct job job = {GATE, 0, 0};
    rondel_future work = rondel_work(rondel_loop_current(), work_until_cancelled, &job, RONDEL_FUTURE);
    CHECK(work > 0);
    *(struct job **)arg = &job;
    CHECK_EQ(rondel_sleep(RONDEL_FOREVER), RONDEL_ECANCELED);
    int64_t result = rondel_await(work); /* it runs still: the one wait that has to be one */
    CHECK_EQ(result, RONDEL_ECANCELED);
    CHECK_EQ(job.done, 1);
    trace_word("ends");
    return result;
}

TEST(a_task_waits_for_work_that_runs_with_its_memory) {
    rondel_loop loop = rondel_loop_new();
    struct job *job = NULL;
    CHECK_EQ(rondel_release(rondel_task_spawn(loop, lend_stack_to_work, &job)), 0);
    while (!job) rondel_run(loop, RONDEL_RUN_NOWAIT);
    gate_wait(&job->begun, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_STR(trace_taken(), "ends");
}

/* ---- connections */

static int64_t read_to_the_end(void *arg) {
    char bytes[16];
    CHECK_EQ(rondel_await(rondel_read(task_number(arg), bytes, sizeof bytes, RONDEL_FUTURE)), RONDEL_ECANCELED);
    CHECK_EQ(rondel_await(rondel_read(task_number(arg), bytes, sizeof bytes, RONDEL_FUTURE)), RONDEL_EGONE);
    CHECK_EQ(rondel_await(rondel_write(task_number(arg), "bye", 3, RONDEL_FUTURE)), RONDEL_EGONE);
    CHECK_EQ(rondel_close(task_number(arg)), RONDEL_EGONE);
    trace_word("read");
    return 0;
}

TEST(a_task_that_reads_ends_and_finds_its_stream_closed) {
    rondel_loop loop = rondel_loop_new();
    int peer;
    rondel_tcp stream = net_stream(loop, &peer);
    CHECK_EQ(rondel_release(rondel_task_spawn(loop, read_to_the_end, task_arg(stream))), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_STR(trace_taken(), "read");
    close(peer);
}

/* ---- many, and deep */

struct link {
    int64_t left, ended;
};

static int64_t await_deeper(void *arg) {
    struct link *link = arg;
    int64_t result = link->left-- == 0
                         ? rondel_sleep(RONDEL_FOREVER)
                         : rondel_await(rondel_task_spawn_sized(rondel_loop_current(), await_deeper, link, 16384));
    link->ended++;
    return result;
}

TEST(a_long_chain_of_awaits_ends) {
    rondel_loop loop = rondel_loop_new();
    const int64_t length = test_scale(20000, 200);
    struct link link = {length, 0};
    CHECK_EQ(rondel_release(rondel_task_spawn(loop, await_deeper, &link)), 0);
    while (link.left >= 0) CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(link.ended, length + 1);
}

static int64_t await_other(void *arg) {
    CHECK_EQ(rondel_retain(*(rondel_future *)arg), 0);
    int64_t result = rondel_await(*(rondel_future *)arg);
    trace_word(result == RONDEL_ECANCELED ? "cancelled" : "?");
    return result;
}

TEST(tasks_that_await_each_other_in_a_circle_end) {
    rondel_loop loop = rondel_loop_new();
    rondel_future tasks[3];
    for (int i = 0; i < 3; i++) tasks[i] = rondel_task_spawn(loop, await_other, &tasks[(i + 1) % 3]);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_STR(trace_taken(), "cancelled cancelled cancelled");
}

static int64_t await_and_return(void *arg) {
    rondel_future *awaited = arg;
    CHECK_EQ(rondel_retain(*awaited), 0);
    awaited[2] = rondel_await(*awaited);
    return awaited[1];
}

TEST(who_awaits_one_of_a_circle_hears_how_it_ended) {
    rondel_loop loop = rondel_loop_new();
    rondel_future rows[4][3]; /* what it awaits, what it returns, what the wait gave */
    rondel_future tasks[4];
    for (int i = 0; i < 4; i++) tasks[i] = rondel_task_spawn(loop, await_and_return, rows[i]);
    for (int i = 0; i < 4; i++) rows[i][0] = tasks[2 + (i + 1) % 2], rows[i][1] = 10 + i, rows[i][2] = 0;
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    int cancelled = 0;
    for (int i = 0; i < 4; i++) {
        if (i >= 2 && rows[i][2] == RONDEL_ECANCELED)
            cancelled++;
        else
            CHECK_EQ(rows[i][2], 12 + (i + 1) % 2);
    }
    CHECK_EQ(cancelled, 1);
}

/* Each waits for an operation that its owner does not end; the first then for the second. */
struct ends {
    rondel_future promises[2], second;
    int over;
};

static void let_it_be(rondel_handle source, int64_t reason, void *user_data) {
    (void)source, (void)user_data;
    CHECK_EQ(reason, RONDEL_ECANCELED);
}

static int64_t end_second(void *arg) {
    struct ends *ends = arg;
    CHECK_EQ(rondel_await(ends->promises[1]), RONDEL_ECANCELED);
    ends->over = 1;
    return 5;
}

static int64_t end_first(void *arg) {
    struct ends *ends = arg;
    CHECK_EQ(rondel_await(ends->promises[0]), RONDEL_ECANCELED);
    CHECK_EQ(rondel_await(ends->second), 5);
    CHECK_EQ(ends->over, 1); /* it may use this stack until then */
    return 0;
}

TEST(a_wait_does_not_end_before_what_it_waits_for) {
    rondel_loop loop = rondel_loop_new();
    struct ends ends = {{rondel_future_new(loop), 0}, 0, 0};
    CHECK_EQ(rondel_release(rondel_task_spawn(loop, end_first, &ends)), 0);
    ends.second = rondel_task_spawn(loop, end_second, &ends);
    ends.promises[1] = rondel_future_new(loop);
    CHECK_EQ(rondel_retain(ends.second), 0);
    for (int i = 0; i < 2; i++) CHECK_EQ(rondel_future_on_cancel(ends.promises[i], let_it_be, NULL), 0);
    for (int i = 0; i < 3; i++) CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(ends.over, 1);
}

static void *free_elsewhere(void *arg) {
    CHECK_EQ(rondel_loop_free(task_number(arg)), 0);
    return NULL;
}

TEST(another_thread_may_free_a_loop_with_its_tasks) {
    rondel_loop loop = rondel_loop_new();
    int64_t ended = 0;
    pthread_t thread;
    CHECK_EQ(rondel_release(rondel_task_spawn(loop, wait_in_every_way, &ended)), 0);
    for (int i = 0; i < 4; i++) CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(pthread_create(&thread, NULL, free_elsewhere, task_arg(loop)), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_EQ(ended, 1);
}

TEST_MAIN(RUN(tasks_run_to_their_end_with_every_wait_cancelled), RUN(a_task_that_has_not_begun_never_does),
          RUN(what_waits_for_a_task_is_told_how_it_ended), RUN(a_parent_that_awaits_its_child_outlives_it),
          RUN(a_task_waits_for_work_that_runs_with_its_memory), RUN(a_task_that_reads_ends_and_finds_its_stream_closed),
          RUN(a_long_chain_of_awaits_ends), RUN(tasks_that_await_each_other_in_a_circle_end),
          RUN(who_awaits_one_of_a_circle_hears_how_it_ended), RUN(a_wait_does_not_end_before_what_it_waits_for),
          RUN(another_thread_may_free_a_loop_with_its_tasks))
