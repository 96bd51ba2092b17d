/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Threads: what any thread may call, what it may not, and who runs what. */
#include "support/test.h"

#include "support/calls.h"
#include "support/steps.h"

#include <sched.h>

/* A thread that runs a loop until rondel_stop; `running` is passed by the first callback inside. */
struct runner {
    rondel_loop loop;
    pthread_t thread;
    struct gate running;
    int64_t result;
};

static void *run_forever(void *user_data) {
    struct runner *runner = user_data;
    CHECK_EQ(rondel_call_soon_threadsafe(runner->loop, gate_pass_fn, &runner->running), 0);
    runner->result = rondel_run(runner->loop, RONDEL_RUN_FOREVER);
    return NULL;
}

static void runner_start(struct runner *runner) {
    CHECK_EQ(pthread_create(&runner->thread, NULL, run_forever, runner), 0);
    gate_wait(&runner->running, 1);
}

static void runner_stop(struct runner *runner) {
    CHECK_EQ(rondel_stop_threadsafe(runner->loop), 0);
    pthread_join(runner->thread, NULL);
}

TEST(while_a_loop_runs_other_threads_are_refused_everywhere) {
    rondel_handle handles[KINDS];
    unsigned kinds[KINDS];
    struct seen hooks = {0, 0, 0};
    struct runner runner = {rondel_loop_new(), 0, GATE, 0};
    memset(&call_seen, 0, sizeof call_seen);
    one_of_each(runner.loop, handles, kinds, &hooks);
    CHECK_EQ(rondel_close(handles[4]), 0); /* the idle hook, which would spin */
    call_loop = runner.loop;
    call_future = rondel_future_new(runner.loop);
    runner_start(&runner);
    for (size_t i = 0; i < CALLS; i++)
        for (int j = 0; j < KINDS; j++)
            if ((calls[i].kinds & kinds[j]) && !calls[i].any_thread && j != 4)
                call_refused(&calls[i], handles[j], RONDEL_ETHREAD);
    CHECK(rondel_get_data(runner.loop) == NULL);
    CHECK_EQ(rondel_loop_current(), RONDEL_ESTATE);
    runner_stop(&runner);
    CHECK_EQ(runner.result, 1);
    CHECK_EQ(rondel_future_state(call_future), RONDEL_PENDING);
    CHECK_EQ(rondel_is_active(handles[1]), 1);
    CHECK_EQ(call_seen.calls, 0);
    CHECK_EQ(rondel_loop_free(runner.loop), 0);
}

static void *use_idle_loop(void *user_data) {
    rondel_loop loop = *(rondel_loop *)user_data;
    CHECK(rondel_timer_start(loop, 0, 0, trace, "timer") > 0);
    CHECK(rondel_call_soon(loop, trace, "ready") > 0);
    CHECK_EQ(rondel_alive(loop), 1);
    return NULL;
}

static void *run_here(void *user_data) {
    CHECK_EQ(rondel_run(*(rondel_loop *)user_data, RONDEL_RUN_DEFAULT), 0);
    return NULL;
}

static void *free_here(void *user_data) {
    CHECK_EQ(rondel_loop_free(*(rondel_loop *)user_data), 0);
    return NULL;
}

TEST(a_loop_that_does_not_run_may_be_used_run_and_freed_by_any_thread) {
    void *(*const steps[])(void *) = {use_idle_loop, run_here, use_idle_loop, run_here, free_here};
    rondel_loop loop = rondel_loop_new();
    pthread_t thread;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        CHECK_EQ(pthread_create(&thread, NULL, steps[i], &loop), 0);
        pthread_join(thread, NULL);
        if (i == 1) use_idle_loop(&loop);
        if (i == 1) run_here(&loop);
    }
    CHECK_STR(trace_taken(), "timer ready timer ready timer ready");
    CHECK_EQ(rondel_kind(loop), RONDEL_EGONE);
}

/* Four threads send; each message carries its thread and its number. */
enum { SENDERS = 4 };

struct flood {
    rondel_loop loop;
    int64_t each;
    int64_t next[SENDERS]; /* the number expected of each thread; the loop's thread only */
    int64_t arrived;
    int64_t out_of_order;
    pthread_t loop_thread;
};

static struct flood flood;

static void message_arrives(rondel_handle source, int64_t result, void *user_data) {
    uintptr_t message = (uintptr_t)user_data;
    int sender = (int)(message % SENDERS);
    if (result != 0 || source != flood.loop || (int64_t)(message / SENDERS) != flood.next[sender]) flood.out_of_order++;
    flood.next[sender]++;
    if (++flood.arrived == SENDERS * flood.each) {
        CHECK(pthread_equal(pthread_self(), flood.loop_thread));
        CHECK_EQ(rondel_stop(source), 0);
    }
}

static void *send_each(void *user_data) {
    uintptr_t sender = *(int *)user_data;
    for (int64_t i = 0; i < flood.each; i++) {
        int64_t result =
            rondel_call_soon_threadsafe(flood.loop, message_arrives, (void *)((uintptr_t)i * SENDERS + sender));
        if (result) CHECK_EQ(result, 0);
    }
    return NULL;
}

TEST(of_a_million_messages_of_four_threads_each_none_is_lost_and_each_threads_order_kept) {
    pthread_t threads[SENDERS];
    int senders[SENDERS];
    memset(&flood, 0, sizeof flood);
    flood.loop = rondel_loop_new();
    flood.each = test_scale(1000000, 5000);
    flood.loop_thread = pthread_self();
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = i;
        CHECK_EQ(pthread_create(&threads[i], NULL, send_each, &senders[i]), 0);
    }
    CHECK_EQ(rondel_run(flood.loop, RONDEL_RUN_FOREVER), 0);
    CHECK_EQ(flood.arrived, SENDERS * flood.each);
    CHECK_EQ(flood.out_of_order, 0);
    for (int i = 0; i < SENDERS; i++) {
        CHECK_EQ(flood.next[i], flood.each);
        pthread_join(threads[i], NULL);
    }
    CHECK_EQ(rondel_loop_free(flood.loop), 0);
}

TEST(a_message_sent_before_the_run_keeps_the_loop_alive_until_it_came) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, -1, 0};
    CHECK_EQ(rondel_call_soon_threadsafe(loop, see, &seen), 0);
    CHECK_EQ(rondel_call_soon_threadsafe(loop, NULL, NULL), RONDEL_EINVAL);
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(rondel_alive(loop), 1);
    CHECK_EQ(rondel_backend_timeout(loop), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, 0);
    CHECK_EQ(seen.source, loop);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(rondel_call_soon_threadsafe(loop, see, &seen), RONDEL_EGONE);
}

static int64_t posts;

static void post_on(rondel_handle source, int64_t result, void *user_data) {
    (void)user_data;
    if (result < 0) return;
    if (++posts == 100000) CHECK_EQ(rondel_stop(source), 0); /* a guard: a starved timer must fail, not hang */
    CHECK_EQ(rondel_call_soon_threadsafe(source, post_on, NULL), 0);
}

TEST(messages_that_send_messages_do_not_starve_timers) {
    rondel_loop loop = rondel_loop_new();
    posts = 0;
    CHECK_EQ(rondel_call_soon_threadsafe(loop, post_on, NULL), 0);
    CHECK(rondel_timer_start(loop, 0, 0, stop_loop, NULL) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 1);
    CHECK(posts < 100);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* Loops in a ring, each in its own thread, hand a token round. */
enum { RING = 4 };

struct ring {
    struct runner runners[RING];
    int64_t at;
    int64_t passes;
    int64_t ends_after;
    struct gate over;
};

static void pass_token(rondel_handle source, int64_t result, void *user_data) {
    struct ring *ring = user_data;
    (void)result;
    CHECK_EQ(rondel_loop_current(), ring->runners[ring->at].loop);
    CHECK_EQ(source, ring->runners[ring->at].loop);
    if (++ring->passes == ring->ends_after) {
        gate_pass(&ring->over);
        return;
    }
    ring->at = (ring->at + 1) % RING;
    CHECK_EQ(rondel_call_soon_threadsafe(ring->runners[ring->at].loop, pass_token, ring), 0);
}

TEST(loops_on_their_own_threads_talk_to_each_other) {
    struct ring ring = {.ends_after = test_scale(100000, 2000), .over = GATE};
    for (int i = 0; i < RING; i++) {
        const struct runner runner = {rondel_loop_new(), 0, GATE, 0};
        ring.runners[i] = runner;
        runner_start(&ring.runners[i]);
    }
    CHECK_EQ(rondel_call_soon_threadsafe(ring.runners[0].loop, pass_token, &ring), 0);
    gate_wait(&ring.over, 1);
    for (int i = 0; i < RING; i++) {
        runner_stop(&ring.runners[i]);
        CHECK_EQ(rondel_loop_free(ring.runners[i].loop), 0);
    }
    CHECK_EQ(ring.passes, ring.ends_after);
}

static void *use_own_loops(void *user_data) {
    const int64_t rounds = test_scale(500, 20);
    (void)user_data;
    for (int64_t i = 0; i < rounds; i++) {
        struct seen soon = {0, 0, 0}, timer = {0, 0, 0};
        rondel_loop loop = rondel_loop_new();
        CHECK(rondel_call_soon(loop, see, &soon) > 0);
        CHECK(rondel_timer_start(loop, 10 * RONDEL_US, 0, see, &timer) > 0);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_EQ(soon.calls, 1);
        CHECK_EQ(timer.calls, 1);
        CHECK_EQ(rondel_loop_free(loop), 0);
    }
    return NULL;
}

TEST(threads_make_and_free_loops_at_the_same_time) {
    pthread_t threads[SENDERS];
    for (int i = 0; i < SENDERS; i++) CHECK_EQ(pthread_create(&threads[i], NULL, use_own_loops, NULL), 0);
    for (int i = 0; i < SENDERS; i++) pthread_join(threads[i], NULL);
}

struct late {
    rondel_timer timer;
    int64_t stop;
};

static void *use_what_is_gone(void *user_data) {
    struct late *late = user_data;
    while (!__atomic_load_n(&late->stop, __ATOMIC_SEQ_CST)) {
        int64_t codes[] = {rondel_timer_again(late->timer), rondel_close(late->timer),
                           rondel_future_block(late->timer, 0)};
        for (int i = 0; i < 3; i++) CHECK(codes[i] == RONDEL_EGONE || (i < 2 && codes[i] == RONDEL_ETHREAD));
        CHECK_EQ(rondel_close_threadsafe(late->timer), RONDEL_EGONE);
        CHECK_EQ(rondel_release_threadsafe(late->timer), RONDEL_EGONE);
        CHECK_EQ(rondel_future_set_threadsafe(late->timer, 1), RONDEL_EGONE);
    }
    return NULL;
}

/* Its number leads to the place where each new loop of the main thread is made. */
TEST(who_still_has_a_handle_of_a_loop_that_is_gone_is_nothing_to_the_next_one) {
    struct late late = {0, 0};
    pthread_t thread;
    int64_t made = 0, used = 0, freed = 0;
    const int64_t rounds = test_scale(20000, 100);
    struct seen seen = {0, 0, 0};
    rondel_loop loop = rondel_loop_new();
    late.timer = rondel_timer_start(loop, RONDEL_SECOND, 0, see, &seen);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(pthread_create(&thread, NULL, use_what_is_gone, &late), 0);
    for (int64_t i = 0; i < rounds; i++) {
        loop = rondel_loop_new();
        made += loop > 0;
        for (int j = 0; j < 10; j++) used += rondel_call_soon(loop, see, &seen) > 0;
        used += rondel_run(loop, RONDEL_RUN_NOWAIT) == 0;
        freed += rondel_loop_free(loop) == 0;
    }
    __atomic_store_n(&late.stop, 1, __ATOMIC_SEQ_CST);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_EQ(made, rounds);
    CHECK_EQ(used, rounds * 11);
    CHECK_EQ(freed, rounds);
    CHECK_EQ(seen.calls, rounds * 10);
}

/* Threads that post to whatever loop is the present one while the main thread makes and frees them. */
static rondel_loop present;
static int posting;

struct poster {
    pthread_t thread;
    int64_t accepted;
    int64_t refused;
    int64_t told; /* the main thread only */
};

static void told(rondel_handle source, int64_t result, void *user_data) {
    (void)source;
    CHECK(result == 0 || result == RONDEL_ECANCELED);
    ((struct poster *)user_data)->told++;
}

static void *post_while_freed(void *user_data) {
    struct poster *poster = user_data;
    while (__atomic_load_n(&posting, __ATOMIC_ACQUIRE)) {
        rondel_loop loop = __atomic_load_n(&present, __ATOMIC_ACQUIRE);
        int64_t result = rondel_call_soon_threadsafe(loop, told, poster);
        if (result == 0) {
            poster->accepted++;
        } else {
            __atomic_add_fetch(&poster->refused, 1, __ATOMIC_RELEASE);
            if (result != RONDEL_EGONE) CHECK_EQ(result, RONDEL_EGONE);
            sched_yield();
        }
        result = rondel_wake(loop);
        if (result != 0 && result != RONDEL_EGONE) CHECK_EQ(result, 0);
    }
    return NULL;
}

/* Each has come upon a loop that was being freed, or was gone. */
static int all_refused(struct poster *posters) {
    for (int i = 0; i < 3; i++)
        if (!__atomic_load_n(&posters[i].refused, __ATOMIC_ACQUIRE)) return 0;
    return 1;
}

TEST(a_message_that_races_with_loop_free_is_refused_or_told_once) {
    const int64_t rounds = test_scale(2000, 30);
    struct poster posters[3];
    memset(posters, 0, sizeof posters);
    present = rondel_loop_new();
    __atomic_store_n(&posting, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < 3; i++) CHECK_EQ(pthread_create(&posters[i].thread, NULL, post_while_freed, &posters[i]), 0);
    for (int64_t i = 0; i < rounds || !all_refused(posters); i++) {
        rondel_loop loop = present;
        for (int j = 0; j < i % 3; j++) rondel_run(loop, RONDEL_RUN_NOWAIT);
        CHECK_EQ(rondel_loop_free(loop), 0);
        sched_yield();
        __atomic_store_n(&present, rondel_loop_new(), __ATOMIC_RELEASE);
    }
    __atomic_store_n(&posting, 0, __ATOMIC_RELEASE);
    for (int i = 0; i < 3; i++) pthread_join(posters[i].thread, NULL);
    CHECK_EQ(rondel_loop_free(present), 0);
    for (int i = 0; i < 3; i++) CHECK_EQ(posters[i].told, posters[i].accepted);
}

static void notice_on_loop_thread(rondel_handle source, int64_t result, void *user_data) {
    (void)source;
    (void)result;
    CHECK_EQ(rondel_loop_current(), *(rondel_loop *)user_data);
    CHECK_EQ(rondel_stop(rondel_loop_current()), 0);
}

TEST(any_thread_may_close_a_handle) {
    struct runner runner = {rondel_loop_new(), 0, GATE, 0};
    rondel_timer timer = rondel_timer_start(runner.loop, 3600 * RONDEL_SECOND, 0, see, &call_seen);
    CHECK_EQ(rondel_on_close(timer, notice_on_loop_thread, &runner.loop), 0);
    runner_start(&runner);
    CHECK_EQ(rondel_close_threadsafe(timer), 0);
    pthread_join(runner.thread, NULL);
    CHECK_EQ(rondel_kind(timer), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_free(runner.loop), 0);
}

struct pair {
    rondel_future outer;
    rondel_future inner;
};

static void block_on_both(rondel_handle source, int64_t result, void *user_data) {
    struct pair *pair = user_data;
    (void)source;
    (void)result;
    CHECK_EQ(rondel_future_block(pair->inner, RONDEL_FOREVER), RONDEL_EDEADLK);
    CHECK_EQ(rondel_future_block(pair->outer, RONDEL_FOREVER), RONDEL_EDEADLK);
}

static void run_inner_loop(rondel_handle source, int64_t result, void *user_data) {
    rondel_loop loop = rondel_loop_new();
    struct pair pair = {*(rondel_future *)user_data, rondel_future_new(loop)};
    (void)source;
    (void)result;
    CHECK(rondel_call_soon(loop, block_on_both, &pair) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(blocking_never_waits_for_the_own_thread) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    CHECK(rondel_call_soon(loop, run_inner_loop, &promise) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_future_state(promise), RONDEL_PENDING);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(blocking_on_what_is_done_or_gone_does_not_wait) {
    rondel_loop loop = rondel_loop_new(); /* which nobody runs */
    rondel_future promise = rondel_future_new(loop), failed = rondel_future_new(loop);
    CHECK_EQ(rondel_future_set(promise, 21), 0);
    CHECK_EQ(rondel_future_fail(failed, RONDEL_EAGAIN), 0);
    CHECK_EQ(rondel_future_block(promise, RONDEL_FOREVER), 21);
    CHECK_EQ(rondel_future_block(promise, RONDEL_FOREVER), RONDEL_EGONE);
    CHECK_EQ(rondel_future_block(failed, RONDEL_FOREVER), RONDEL_EAGAIN);
    CHECK_EQ(rondel_future_block(loop, RONDEL_FOREVER), RONDEL_EKIND);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST_MAIN(RUN(while_a_loop_runs_other_threads_are_refused_everywhere),
          RUN(a_loop_that_does_not_run_may_be_used_run_and_freed_by_any_thread),
          RUN(of_a_million_messages_of_four_threads_each_none_is_lost_and_each_threads_order_kept),
          RUN(a_message_sent_before_the_run_keeps_the_loop_alive_until_it_came),
          RUN(messages_that_send_messages_do_not_starve_timers), RUN(loops_on_their_own_threads_talk_to_each_other),
          RUN(threads_make_and_free_loops_at_the_same_time),
          RUN(who_still_has_a_handle_of_a_loop_that_is_gone_is_nothing_to_the_next_one),
          RUN(a_message_that_races_with_loop_free_is_refused_or_told_once), RUN(any_thread_may_close_a_handle),
          RUN(blocking_never_waits_for_the_own_thread), RUN(blocking_on_what_is_done_or_gone_does_not_wait))
