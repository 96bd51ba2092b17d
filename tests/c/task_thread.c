/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Tasks from other threads: spawned into a loop that runs elsewhere, their results waited for there. */
#include "support/test.h"

#include "support/steps.h"
#include "support/task.h"

/* A loop that runs in a thread of its own until it is stopped; that thread frees it. */
struct home {
    rondel_loop loop;
    pthread_t thread;
    struct gate up;
};

static void *run_home(void *arg) {
    struct home *home = arg;
    CHECK_EQ(rondel_call_soon(home->loop, gate_pass_fn, &home->up) > 0, 1);
    CHECK(rondel_run(home->loop, RONDEL_RUN_FOREVER) >= 0);
    CHECK_EQ(rondel_loop_free(home->loop), 0);
    return NULL;
}

static void home_begin(struct home *home) {
    struct gate gate = GATE;
    home->loop = rondel_loop_new();
    home->up = gate;
    CHECK_EQ(pthread_create(&home->thread, NULL, run_home, home), 0);
    gate_wait(&home->up, 1);
}

static void home_end(struct home *home) {
    CHECK_EQ(rondel_stop_threadsafe(home->loop), 0);
    CHECK_EQ(pthread_join(home->thread, NULL), 0);
}

static int64_t yield_and_return(void *arg) {
    CHECK_EQ(rondel_yield(), 0);
    return task_number(arg);
}

TEST(the_result_or_error_of_a_task_reaches_the_thread) {
    struct home home;
    home_begin(&home);
    const int64_t results[] = {0, 12345, RONDEL_EPIPE, RONDEL_ECANCELED, INT64_C(1) << 62};
    for (int i = 0; i < 5; i++) {
        rondel_task_fn fn = i % 2 ? task_return : yield_and_return;
        rondel_future task = rondel_task_spawn_threadsafe(home.loop, fn, task_arg(results[i]));
        CHECK(task > 0);
        CHECK_EQ(rondel_future_block(task, RONDEL_FOREVER), results[i]);
        CHECK_EQ(rondel_future_block(task, RONDEL_FOREVER), RONDEL_EGONE); /* it was taken */
    }
    home_end(&home);
}

/* ---- many threads */

struct spawner {
    rondel_loop loop;
    int64_t number, count, sum;
    pthread_t thread;
};

static int64_t spawn_sum; /* only the loop's thread adds to it */

static int64_t add_up(void *arg) {
    spawn_sum += task_number(arg);
    if (task_number(arg) % 3 == 0) rondel_yield();
    return task_number(arg);
}

static void *spawn_many(void *arg) {
    struct spawner *spawner = arg;
    enum { AT_ONCE = 700 };
    rondel_future tasks[AT_ONCE];
    for (int64_t done = 0; done < spawner->count;) {
        int n = 0;
        for (; n < AT_ONCE && done + n < spawner->count; n++) {
            tasks[n] = rondel_task_spawn_threadsafe(spawner->loop, add_up, task_arg(spawner->number + done + n));
            CHECK(tasks[n] > 0);
        }
        for (int i = 0; i < n; i++) {
            int64_t result = rondel_future_block(tasks[i], -1);
            CHECK_EQ(result, spawner->number + done + i);
            spawner->sum += result;
        }
        done += n;
    }
    return NULL;
}

TEST(many_threads_spawn_many_tasks_and_none_is_lost) {
    enum { THREADS = 4 };
    const int64_t count = test_scale(10000, 150);
    struct home home;
    struct spawner spawners[THREADS];
    int64_t sum = 0;
    spawn_sum = 0;
    home_begin(&home);
    for (int i = 0; i < THREADS; i++) {
        struct spawner spawner = {home.loop, i * count, count, 0, 0};
        spawners[i] = spawner;
    }
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&spawners[i].thread, NULL, spawn_many, &spawners[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        CHECK_EQ(pthread_join(spawners[i].thread, NULL), 0);
        sum += spawners[i].sum;
    }
    home_end(&home);
    CHECK_EQ(sum, THREADS * count * (THREADS * count - 1) / 2);
    CHECK_EQ(spawn_sum, sum);
}

static int64_t next_in_order;

static int64_t expect_order(void *arg) {
    CHECK_EQ(next_in_order++, task_number(arg));
    return 0;
}

TEST(tasks_of_one_thread_begin_in_the_order_of_their_spawn) {
    struct home home;
    rondel_future last = 0;
    const int64_t count = test_scale(5000, 200);
    next_in_order = 0;
    home_begin(&home);
    for (int64_t i = 0; i < count; i++) {
        if (last > 0) CHECK_EQ(rondel_release_threadsafe(last), 0);
        last = rondel_task_spawn_threadsafe(home.loop, expect_order, task_arg(i));
    }
    CHECK_EQ(rondel_future_block(last, RONDEL_FOREVER), 0);
    CHECK_EQ(next_in_order, count);
    home_end(&home);
}

TEST(released_tasks_run_on_and_leave_nothing_behind) {
    rondel_loop loop = rondel_loop_new();
    for (int i = 0; i < 3; i++) {
        int64_t before = rondel_metric(loop, RONDEL_METRIC_HANDLES);
        rondel_future task = rondel_task_spawn_threadsafe(loop, task_return, NULL); /* this thread may, too */
        CHECK(task > 0);
        CHECK_EQ(rondel_release_threadsafe(task), 0);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_EQ(rondel_future_state(task), RONDEL_EGONE);
        CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), before);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* ---- waiting */

TEST(a_thread_whose_time_is_over_keeps_the_future) {
    struct home home;
    home_begin(&home);
    rondel_future promise = rondel_task_spawn_threadsafe(home.loop, task_forever, NULL);
    int64_t begin = rondel_clock();
    CHECK_EQ(rondel_future_block(promise, 2 * RONDEL_MS), RONDEL_ETIMEDOUT);
    CHECK(rondel_clock() - begin >= 2 * RONDEL_MS);
    CHECK_EQ(rondel_future_block(promise, 0), RONDEL_ETIMEDOUT);
    CHECK_EQ(rondel_close_threadsafe(promise), 0); /* cancels it, and lets go */
    home_end(&home);
}

static void settle_promise(rondel_handle source, int64_t result, void *user_data) {
    (void)source;
    (void)result;
    CHECK_EQ(rondel_future_set(*(rondel_future *)user_data, 8), 0);
}

TEST(after_a_timeout_one_may_wait_again) {
    struct home home;
    home_begin(&home);
    rondel_future task = rondel_task_spawn_threadsafe(home.loop, yield_and_return, task_arg(4));
    int64_t result;
    /* How often depends on when that thread gets to run: it is the loop that answers. */
    while ((result = rondel_future_block(task, 10 * RONDEL_MS)) == RONDEL_ETIMEDOUT) continue;
    CHECK_EQ(result, 4);
    home_end(&home);
}

static int64_t kind_of(void *arg) { return rondel_kind(task_number(arg)); }

static int64_t make_promise(void *arg) {
    (void)arg;
    return rondel_future_new(rondel_loop_current());
}

TEST(a_thread_that_stopped_waiting_leaves_nothing_behind) {
    struct home home;
    home_begin(&home);
    rondel_future promise = rondel_future_block(rondel_task_spawn_threadsafe(home.loop, make_promise, NULL), -1);
    for (int i = 0; i < 10; i++) CHECK_EQ(rondel_future_block(promise, i * 100 * RONDEL_US), RONDEL_ETIMEDOUT);
    CHECK_EQ(rondel_future_block(rondel_task_spawn_threadsafe(home.loop, kind_of, task_arg(promise)), -1),
             RONDEL_KIND_FUTURE);
    /* A promise goes with the last who holds it or waits for it. */
    CHECK_EQ(rondel_release_threadsafe(promise), 0);
    CHECK_EQ(rondel_future_block(rondel_task_spawn_threadsafe(home.loop, kind_of, task_arg(promise)), -1),
             RONDEL_EGONE);
    home_end(&home);
}

struct waiting {
    rondel_future future;
    int64_t result;
    pthread_t thread;
    struct gate *about;
};

static void *block_on(void *arg) {
    struct waiting *waiting = arg;
    if (waiting->about) gate_pass(waiting->about);
    waiting->result = rondel_future_block(waiting->future, RONDEL_FOREVER);
    return NULL;
}

static int64_t retain_all(void *arg) {
    for (int i = 0; i < 7; i++) CHECK_EQ(rondel_retain(task_number(arg)), 0);
    return 0;
}

TEST(several_threads_may_wait_for_one_future_of_any_kind) {
    struct home home;
    struct waiting waiting[8];
    struct gate about = GATE;
    home_begin(&home);
    rondel_future promise =
        rondel_future_block(rondel_task_spawn_threadsafe(home.loop, make_promise, NULL), RONDEL_FOREVER);
    CHECK(promise > 0);
    CHECK_EQ(rondel_future_block(rondel_task_spawn_threadsafe(home.loop, retain_all, task_arg(promise)), -1), 0);
    for (int i = 0; i < 8; i++) {
        struct waiting one = {promise, -1, 0, &about};
        waiting[i] = one;
        CHECK_EQ(pthread_create(&waiting[i].thread, NULL, block_on, &waiting[i]), 0);
    }
    gate_wait(&about, 8);
    CHECK_EQ(rondel_call_soon_threadsafe(home.loop, settle_promise, &promise), 0);
    for (int i = 0; i < 8; i++) {
        CHECK_EQ(pthread_join(waiting[i].thread, NULL), 0);
        CHECK_EQ(waiting[i].result, 8);
    }
    CHECK_EQ(rondel_future_block(promise, RONDEL_FOREVER), RONDEL_EGONE); /* each took what it held */
    home_end(&home);
}

static int64_t block_inside(void *arg) {
    rondel_future promise = rondel_future_new(rondel_loop_current());
    (void)arg;
    CHECK_EQ(rondel_future_block(promise, RONDEL_FOREVER), RONDEL_EDEADLK);
    CHECK_EQ(rondel_future_block(promise, 0), RONDEL_EDEADLK);
    CHECK_EQ(rondel_future_set(promise, 1), 0);
    CHECK_EQ(rondel_future_block(promise, 0), RONDEL_EDEADLK); /* by the rule, not by chance */
    return rondel_await(promise);
}

static void block_in_callback(rondel_handle source, int64_t result, void *user_data) {
    (void)source;
    (void)result;
    *(int64_t *)user_data = block_inside(NULL);
}

TEST(the_loops_own_thread_cannot_block_on_it) {
    rondel_loop loop = rondel_loop_new();
    int64_t awaited = 0;
    CHECK(rondel_call_soon(loop, block_in_callback, &awaited) > 0);
    CHECK_EQ(rondel_run_until(loop, rondel_task_spawn(loop, block_inside, NULL)), 1);
    CHECK_EQ(awaited, RONDEL_ENOTASK);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t block_on_other_loop(void *arg) {
    struct home *other = arg;
    return rondel_future_block(rondel_task_spawn_threadsafe(other->loop, yield_and_return, task_arg(21)), -1);
}

TEST(a_task_may_block_its_thread_on_another_threads_loop) {
    struct home home;
    home_begin(&home);
    CHECK_EQ(task_run(block_on_other_loop, &home), 21);
    home_end(&home);
}

TEST(a_senseless_block_or_spawn_is_refused) {
    struct home home;
    home_begin(&home);
    CHECK_EQ(rondel_future_block(RONDEL_EMFILE, RONDEL_FOREVER), RONDEL_EMFILE);
    CHECK_EQ(rondel_future_block(home.loop, RONDEL_FOREVER), RONDEL_EKIND);
    CHECK_EQ(rondel_task_spawn_threadsafe(home.loop, NULL, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_task_spawn_threadsafe(RONDEL_ENOMEM, task_return, NULL), RONDEL_ENOMEM);
    CHECK_EQ(rondel_task_spawn(home.loop, task_return, NULL), RONDEL_ETHREAD);
    home_end(&home);
    CHECK_EQ(rondel_task_spawn_threadsafe(home.loop, task_return, NULL), RONDEL_EGONE);
    CHECK_EQ(rondel_future_block(home.loop, RONDEL_FOREVER), RONDEL_EGONE);
}

/* ---- cancelled, and freed meanwhile */

TEST(a_thread_may_cancel_what_it_spawned) {
    struct home home;
    int64_t ended = 0;
    home_begin(&home);
    rondel_future task = rondel_task_spawn_threadsafe(home.loop, task_forever, &ended);
    CHECK_EQ(rondel_close_threadsafe(task), 0);
    /* After that task in line, so it has had the chance to end, but not to begin. */
    CHECK_EQ(rondel_future_block(rondel_task_spawn_threadsafe(home.loop, task_return, task_arg(2)), -1), 2);
    CHECK_EQ(rondel_future_block(task, -1), RONDEL_EGONE);
    home_end(&home);
}

static int64_t say_begun(void *arg) {
    gate_pass(arg);
    return rondel_sleep(RONDEL_FOREVER);
}

/* Whoever waits is told, whatever comes first: the wait or the end. */
TEST(threads_that_wait_when_the_loop_is_freed_are_told) {
    for (int64_t round = 0; round < test_scale(200, 20); round++) {
        struct home home;
        struct gate about = GATE, begun = GATE;
        struct waiting waiting[3];
        home_begin(&home);
        for (int i = 0; i < 3; i++) {
            struct waiting one = {rondel_task_spawn_threadsafe(home.loop, say_begun, &begun), -1, 0, &about};
            waiting[i] = one;
            CHECK(one.future > 0);
            CHECK_EQ(pthread_create(&waiting[i].thread, NULL, block_on, &waiting[i]), 0);
        }
        if (round % 2) gate_wait(&begun, 3);
        gate_wait(&about, 3);
        home_end(&home);
        for (int i = 0; i < 3; i++) {
            CHECK_EQ(pthread_join(waiting[i].thread, NULL), 0);
            CHECK(waiting[i].result == RONDEL_ECANCELED || waiting[i].result == RONDEL_EGONE);
        }
    }
}

static void *spawn_until_gone(void *arg) {
    struct spawner *spawner = arg;
    rondel_future task;
    while ((task = rondel_task_spawn_threadsafe(spawner->loop, add_up, task_arg(1))) > 0) {
        spawner->count++;
        int64_t result = task % 2 ? rondel_future_block(task, RONDEL_FOREVER) : rondel_release_threadsafe(task);
        CHECK(result == 1 || result == 0 || result == RONDEL_ECANCELED || result == RONDEL_EGONE);
    }
    CHECK_EQ(task, RONDEL_EGONE);
    return NULL;
}

TEST(threads_that_spawn_when_the_loop_is_freed_are_refused_and_do_not_hang) {
    for (int64_t round = 0; round < test_scale(50, 5); round++) {
        struct home home;
        struct spawner spawners[3];
        spawn_sum = 0;
        home_begin(&home);
        for (int i = 0; i < 3; i++) {
            struct spawner spawner = {home.loop, 0, 0, 0, 0};
            spawners[i] = spawner;
            CHECK_EQ(pthread_create(&spawners[i].thread, NULL, spawn_until_gone, &spawners[i]), 0);
        }
        rondel_future task = rondel_task_spawn_threadsafe(home.loop, task_sleep, task_arg(RONDEL_MS));
        CHECK_EQ(rondel_future_block(task, RONDEL_FOREVER), 0);
        home_end(&home);
        for (int i = 0; i < 3; i++) CHECK_EQ(pthread_join(spawners[i].thread, NULL), 0);
    }
}

enum { FOR_LATER = 3000 };

static void *spawn_for_later(void *arg) {
    struct spawner *spawner = arg;
    for (; spawner->count < FOR_LATER; spawner->count++) {
        rondel_future task = rondel_task_spawn_threadsafe(spawner->loop, add_up, task_arg(1));
        CHECK(task > 0);
        if (spawner->count % 2) CHECK_EQ(rondel_release_threadsafe(task), 0);
        else spawner->sum = rondel_future_block(task, 0);
        if (spawner->count % 2 == 0) CHECK_EQ(spawner->sum, RONDEL_ETIMEDOUT);
        if (spawner->count % 2 == 0) CHECK_EQ(rondel_release_threadsafe(task), 0);
    }
    return NULL;
}

TEST(a_thread_spawns_any_number_of_tasks_into_a_loop_that_nobody_runs_and_does_not_wait) {
    struct spawner spawner = {rondel_loop_new(), 0, 0, 0, 0};
    for (int round = 0; round < 2; round++) { /* with handles that are new, and with those that come back */
        spawn_sum = spawner.count = 0;
        CHECK_EQ(pthread_create(&spawner.thread, NULL, spawn_for_later, &spawner), 0);
        CHECK_EQ(pthread_join(spawner.thread, NULL), 0);
        CHECK_EQ(rondel_run(spawner.loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_EQ(spawn_sum, FOR_LATER);
    }
    CHECK_EQ(rondel_loop_free(spawner.loop), 0);
}

static int64_t spawn_from_a_thread_that_is_joined(void *loop) {
    pthread_t thread;
    struct spawner spawner = {*(rondel_loop *)loop, 0, 0, 0, 0};
    CHECK_EQ(pthread_create(&thread, NULL, spawn_for_later, &spawner), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0); /* in a task, on the loop's own thread: a spawn that waited would hang */
    return 0;
}

TEST(a_callback_may_wait_for_a_thread_that_spawns) {
    rondel_loop loop = rondel_loop_new();
    spawn_sum = 0;
    CHECK_EQ(rondel_run_until(loop, rondel_task_spawn(loop, spawn_from_a_thread_that_is_joined, &loop)), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(spawn_sum, FOR_LATER);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void *spawn_and_wait(void *arg) {
    struct spawner *spawner = arg;
    for (int64_t i = 0; i < spawner->count; i++) {
        rondel_future task = rondel_task_spawn_threadsafe(spawner->loop, add_up, task_arg(i));
        CHECK_EQ(rondel_future_block(task, -1), i);
    }
    CHECK_EQ(rondel_future_set_threadsafe(spawner->number, 1), 0);
    return NULL;
}

/* Whoever runs the loop for a moment, stops, and runs it again must not be refused because others look in meanwhile. */
TEST(threads_that_spawn_and_wait_never_take_the_loop_from_its_own_thread) {
    rondel_loop loop = rondel_loop_new();
    struct spawner spawners[2];
    for (int i = 0; i < 2; i++) {
        struct spawner spawner = {loop, rondel_future_new(loop), test_scale(3000, 100), 0, 0};
        spawners[i] = spawner;
        CHECK_EQ(pthread_create(&spawners[i].thread, NULL, spawn_and_wait, &spawners[i]), 0);
    }
    while (rondel_future_state(spawners[0].number) != RONDEL_DONE || rondel_future_state(spawners[1].number) != RONDEL_DONE)
        if (rondel_run(loop, RONDEL_RUN_NOWAIT) < 0) CHECK(0);
    for (int i = 0; i < 2; i++) CHECK_EQ(pthread_join(spawners[i].thread, NULL), 0);
    for (int i = 0; i < 2; i++) CHECK_EQ(rondel_future_result(spawners[i].number), 1);
    for (int i = 0; i < 2; i++) CHECK_EQ(rondel_release(spawners[i].number), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_task_moves_with_its_loop_to_another_thread) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    rondel_future task = rondel_task_spawn(loop, task_await, task_arg(promise));
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    struct home home = {loop, 0, GATE};
    CHECK_EQ(pthread_create(&home.thread, NULL, run_home, &home), 0);
    gate_wait(&home.up, 1);
    CHECK_EQ(rondel_future_set_threadsafe(promise, 64), 0);
    CHECK_EQ(rondel_future_block(task, RONDEL_FOREVER), 64);
    home_end(&home);
}

TEST_MAIN(RUN(the_result_or_error_of_a_task_reaches_the_thread), RUN(many_threads_spawn_many_tasks_and_none_is_lost),
          RUN(tasks_of_one_thread_begin_in_the_order_of_their_spawn),
          RUN(released_tasks_run_on_and_leave_nothing_behind),
          RUN(a_thread_whose_time_is_over_keeps_the_future), RUN(after_a_timeout_one_may_wait_again),
          RUN(a_thread_that_stopped_waiting_leaves_nothing_behind),
          RUN(several_threads_may_wait_for_one_future_of_any_kind), RUN(the_loops_own_thread_cannot_block_on_it),
          RUN(a_task_may_block_its_thread_on_another_threads_loop), RUN(a_senseless_block_or_spawn_is_refused),
          RUN(a_thread_may_cancel_what_it_spawned), RUN(threads_that_wait_when_the_loop_is_freed_are_told),
          RUN(threads_that_spawn_when_the_loop_is_freed_are_refused_and_do_not_hang),
          RUN(a_thread_spawns_any_number_of_tasks_into_a_loop_that_nobody_runs_and_does_not_wait),
          RUN(a_callback_may_wait_for_a_thread_that_spawns),
          RUN(threads_that_spawn_and_wait_never_take_the_loop_from_its_own_thread),
          RUN(a_task_moves_with_its_loop_to_another_thread))
