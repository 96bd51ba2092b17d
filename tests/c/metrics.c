/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What a loop counts: turns, polls, events, callbacks, and the time it waited and worked.
 */
#include "support/futures.h"
#include "support/net.h"
#include "support/steps.h"
#include "support/test.h"

TEST(a_new_loop_has_counted_nothing) {
    const int counters[] = {RONDEL_METRIC_TURNS,     RONDEL_METRIC_POLLS,     RONDEL_METRIC_EVENTS,
                            RONDEL_METRIC_CALLBACKS, RONDEL_METRIC_IDLE_TIME, RONDEL_METRIC_BUSY_TIME,
                            RONDEL_METRIC_EVENTS_WAITING};
    rondel_loop loop = rondel_loop_new();
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) CHECK_EQ(rondel_metric(loop, counters[i]), 0);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
    CHECK_EQ(rondel_metric(loop, -1), RONDEL_EINVAL);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_EVENTS_WAITING + 1), RONDEL_EINVAL);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void spin(rondel_handle source, int64_t result, void *user_data) {
    (void)source;
    (void)result;
    busy_for(*(int64_t *)user_data);
}

static const int64_t waits_for = 30 * RONDEL_MS;

static void spin_later(rondel_handle source, int64_t result, void *user_data) {
    (void)result;
    CHECK(rondel_call_later(rondel_loop_of(source), waits_for, spin, user_data) > 0);
}

/* The waiting begins when the loop runs: before that, time is nobody's. */
TEST(time_that_was_waited_is_told_apart_from_time_at_work) {
    rondel_loop loop = rondel_loop_new();
    int64_t work = 20 * RONDEL_MS;
    CHECK(rondel_call_soon(loop, spin_later, &work) > 0);
    const int64_t began = rondel_clock();
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    const int64_t all = rondel_clock() - began, idle = rondel_metric(loop, RONDEL_METRIC_IDLE_TIME),
                  busy = rondel_metric(loop, RONDEL_METRIC_BUSY_TIME);
    CHECK(busy >= work);
    CHECK(idle + busy <= all);
    CHECK(idle + busy >= waits_for + work);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_CALLBACKS), 2);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(what_is_due_at_once_is_not_waited_for) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    CHECK(rondel_timer_start(loop, 0, 0, see, &seen) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_IDLE_TIME), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* A profiler that samples interrupts waits again and again: the time between is waited all the same. */
struct sampler {
    pthread_t target;
    int stop;
};

static void nothing(int signum) { (void)signum; }

static void *sample(void *arg) {
    struct sampler *sampler = arg;
    const struct timespec pause = {0, 200000};
    while (!__atomic_load_n(&sampler->stop, __ATOMIC_ACQUIRE)) {
        pthread_kill(sampler->target, SIGUSR2);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

static void count_interrupted(rondel_loop loop, int64_t number, void *user_data) {
    rondel_turn turn = {sizeof turn, 0, 0, 0, 0, 0, 0, 0};
    (void)number;
    CHECK_EQ(rondel_last_turn(loop, &turn), 0);
    if (turn.events == 0 && turn.waited > 0 && ++*(int *)user_data == 3) CHECK_EQ(rondel_stop(loop), 0);
}

TEST(signals_that_interrupt_a_wait_do_not_lose_its_time) {
    if (ON_WINDOWS) SKIP("nothing interrupts system calls");
    rondel_loop loop = rondel_loop_new();
    struct sampler sampler = {pthread_self(), 0};
    struct sigaction action, before;
    pthread_t thread;
    int interrupted = 0;
    memset(&action, 0, sizeof action);
    action.sa_handler = nothing;
    sigaction(SIGUSR2, &action, &before);
    CHECK(rondel_call_later(loop, AGES, NULL, NULL) > 0);
    CHECK_EQ(rondel_set_trace(loop, count_interrupted, &interrupted), 0);
    CHECK_EQ(pthread_create(&thread, NULL, sample, &sampler), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 1); /* hangs if a wait that was interrupted counts for nothing */
    __atomic_store_n(&sampler.stop, 1, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
    CHECK_EQ(interrupted, 3);
    CHECK(rondel_metric(loop, RONDEL_METRIC_IDLE_TIME) > 0);
    sigaction(SIGUSR2, &before, NULL);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void *measure_own_loop(void *arg) {
    (void)arg;
    time_that_was_waited_is_told_apart_from_time_at_work();
    return NULL;
}

TEST(loops_of_several_threads_each_count_their_own) {
    pthread_t threads[5];
    for (int i = 0; i < 5; i++) CHECK_EQ(pthread_create(&threads[i], NULL, measure_own_loop, NULL), 0);
    for (int i = 0; i < 5; i++) pthread_join(threads[i], NULL);
}

struct counts {
    rondel_loop loop;
    int64_t turns, events;
};

static void byte_came(rondel_stream stream, const uint8_t *bytes, int64_t n, void *user_data) {
    struct counts *counts = user_data;
    (void)bytes;
    CHECK_EQ(n, 1);
    counts->turns = rondel_metric(counts->loop, RONDEL_METRIC_TURNS);
    counts->events = rondel_metric(counts->loop, RONDEL_METRIC_EVENTS);
    CHECK_EQ(rondel_read_stop(stream), 0);
}

TEST(turns_and_events_are_counted_as_they_come) {
    rondel_loop loop = rondel_loop_new();
    struct counts counts = {loop, 0, 0};
    int peer;
    rondel_tcp stream = net_stream(loop, &peer);
    for (int i = 1; i <= 5; i++) {
        CHECK_EQ(net_send(peer, "x", 1), 1);
        net_wait_readable((int)rondel_fileno(stream));
        CHECK_EQ(rondel_read_start(stream, byte_came, &counts), 0);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 0);
        CHECK_EQ(counts.turns, i);
        CHECK(counts.events >= i);
        CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_TURNS), i);
        CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_EVENTS_WAITING), rondel_metric(loop, RONDEL_METRIC_EVENTS));
        CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_CALLBACKS), i);
        CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_POLLS), i);
    }
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_IDLE_TIME), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(peer);
}

TEST_MAIN(RUN(a_new_loop_has_counted_nothing), RUN(time_that_was_waited_is_told_apart_from_time_at_work),
          RUN(what_is_due_at_once_is_not_waited_for), RUN(signals_that_interrupt_a_wait_do_not_lose_its_time),
          RUN(loops_of_several_threads_each_count_their_own), RUN(turns_and_events_are_counted_as_they_come))
