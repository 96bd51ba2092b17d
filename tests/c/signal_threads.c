/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Signals with several threads: loops of their own, storms, and threads that take none. */
#include "support/test.h"

#include <sys/wait.h>

static void stop_loop(rondel_handle source, int64_t result, void *user_data) {
    see(source, result, user_data);
    CHECK_EQ(rondel_stop(rondel_loop_of(source)), 0);
}

struct listener {
    rondel_loop loop;
    struct seen seen;
    pthread_t thread, told_on;
};

static void note_thread(rondel_handle signal, int64_t signum, void *user_data) {
    struct listener *listener = user_data;
    listener->told_on = pthread_self();
    stop_loop(signal, signum, &listener->seen);
}

static void *run_for_ever(void *arg) {
    struct listener *listener = arg;
    CHECK(rondel_run(listener->loop, RONDEL_RUN_FOREVER) >= 0);
    return NULL;
}

enum { THREADS = 4 };

TEST(loops_of_many_threads_are_all_told_each_on_its_own) {
    struct listener listeners[THREADS];
    memset(listeners, 0, sizeof listeners);
    for (int i = 0; i < THREADS; i++) {
        listeners[i].loop = rondel_loop_new();
        CHECK(rondel_signal_start(listeners[i].loop, SIGUSR1, note_thread, &listeners[i]) > 0);
        REQUIRE_EQ(pthread_create(&listeners[i].thread, NULL, run_for_ever, &listeners[i]), 0);
    }
    CHECK_EQ(kill(getpid(), SIGUSR1), 0);
    for (int i = 0; i < THREADS; i++) {
        CHECK_EQ(pthread_join(listeners[i].thread, NULL), 0);
        CHECK_EQ(listeners[i].seen.calls, 1);
        CHECK(pthread_equal(listeners[i].told_on, listeners[i].thread));
        CHECK_EQ(rondel_loop_free(listeners[i].loop), 0);
    }
}

struct storm {
    int64_t blows, blown; /* blown is read by the loop's thread while the other one counts */
    int64_t told_of, calls;
};

static void *blow(void *arg) {
    struct storm *storm = arg;
    for (int64_t i = 1; i <= storm->blows; i++) {
        __atomic_store_n(&storm->blown, i, __ATOMIC_SEQ_CST);
        CHECK_EQ(kill(getpid(), SIGUSR1), 0);
    }
    return NULL;
}

static void on_blow(rondel_handle signal, int64_t signum, void *user_data) {
    struct storm *storm = user_data;
    CHECK_EQ(signum, SIGUSR1);
    storm->calls++;
    storm->told_of = __atomic_load_n(&storm->blown, __ATOMIC_SEQ_CST);
    if (storm->told_of == storm->blows) CHECK_EQ(rondel_stop(rondel_loop_of(signal)), 0);
}

/* If the last signal of a storm were lost in the crowd, this would wait for ever. */
TEST(the_last_of_a_storm_is_never_lost) {
    for (int64_t round = test_scale(200, 10); round > 0; round--) {
        rondel_loop loop = rondel_loop_new();
        struct storm storm = {test_scale(500, 50), 0, 0, 0};
        pthread_t thread;
        CHECK(rondel_signal_start(loop, SIGUSR1, on_blow, &storm) > 0);
        REQUIRE_EQ(pthread_create(&thread, NULL, blow, &storm), 0);
        CHECK(rondel_run(loop, RONDEL_RUN_FOREVER) >= 0);
        CHECK_EQ(storm.told_of, storm.blows);
        CHECK(storm.calls <= storm.blows);
        CHECK_EQ(pthread_join(thread, NULL), 0);
        CHECK_EQ(rondel_loop_free(loop), 0);
    }
}

static void *come_and_go(void *arg) {
    int64_t *left = arg;
    while (__atomic_sub_fetch(left, 1, __ATOMIC_SEQ_CST) > 0) {
        struct seen seen = {0, 0, 0};
        rondel_loop loop = rondel_loop_new();
        CHECK(rondel_signal_start(loop, SIGUSR1, see, &seen) > 0);
        CHECK_EQ(raise(SIGUSR1), 0);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
        CHECK(seen.calls >= 1);
        CHECK_EQ(rondel_loop_free(loop), 0);
    }
    return NULL;
}

TEST(watchers_may_come_and_go_in_a_storm) {
    struct storm storm = {test_scale(50000, 2000), 0, 0, 0};
    int64_t left = test_scale(5000, 200);
    pthread_t blower, threads[THREADS];
    struct seen seen = {0, 0, 0};
    rondel_loop loop = rondel_loop_new();
    CHECK(rondel_signal_start(loop, SIGUSR1, see, &seen) > 0); /* so that nobody is killed when the others are gone */
    REQUIRE_EQ(pthread_create(&blower, NULL, blow, &storm), 0);
    for (int i = 0; i < THREADS; i++) REQUIRE_EQ(pthread_create(&threads[i], NULL, come_and_go, &left), 0);
    for (int i = 0; i < THREADS; i++) CHECK_EQ(pthread_join(threads[i], NULL), 0);
    CHECK_EQ(pthread_join(blower, NULL), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
    CHECK(seen.calls >= 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

struct reading {
    int fd;
    char byte;
    ssize_t got;
    int64_t began;
};

static void *read_one(void *arg) {
    struct reading *reading = arg;
    __atomic_store_n(&reading->began, 1, __ATOMIC_SEQ_CST);
    reading->got = read(reading->fd, &reading->byte, 1);
    return NULL;
}

TEST(system_calls_of_the_program_go_on_after_it) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    int fds[2];
    pthread_t thread;
    REQUIRE_EQ(pipe(fds), 0);
    struct reading reading = {fds[0], 0, 0, 0};
    CHECK(rondel_signal_start(loop, SIGUSR1, see, &seen) > 0);
    REQUIRE_EQ(pthread_create(&thread, NULL, read_one, &reading), 0);
    while (!__atomic_load_n(&reading.began, __ATOMIC_SEQ_CST)) sched_yield();
    for (int64_t i = test_scale(1000, 50); i > 0; i--) {
        CHECK_EQ(pthread_kill(thread, SIGUSR1), 0);
        sched_yield();
    }
    CHECK_EQ(write(fds[1], "x", 1), 1);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_EQ(reading.got, 1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
    CHECK_EQ(seen.calls, 1); /* though they came on another thread */
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(fds[0]), close(fds[1]);
}

static int64_t look_at_mask(void *arg) {
    sigset_t mask;
    CHECK_EQ(pthread_sigmask(SIG_SETMASK, NULL, &mask), 0);
    for (int signum = 1; signum < 32; signum++) {
        int faults = signum == SIGSEGV || signum == SIGBUS || signum == SIGFPE || signum == SIGILL ||
                     signum == SIGTRAP || signum == SIGABRT;
        if (signum != SIGKILL && signum != SIGSTOP) CHECK_EQ(sigismember(&mask, signum), !faults);
    }
    (void)arg;
    return 0;
}

TEST(the_pools_threads_take_no_signals_of_the_program) {
    rondel_loop loop = rondel_loop_new();
    CHECK_EQ(rondel_run_until(loop, rondel_work(loop, look_at_mask, NULL, RONDEL_FUTURE)), 0);
    sigset_t mask;
    CHECK_EQ(pthread_sigmask(SIG_SETMASK, NULL, &mask), 0);
    CHECK_EQ(sigismember(&mask, SIGUSR1), 0); /* and the program's own still do */
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void *kill_later(void *arg) {
    (void)arg;
    CHECK_EQ(kill(getpid(), SIGUSR1), 0);
    return NULL;
}

TEST(is_handed_out_to_who_pulls_and_ends_its_wait) {
    rondel_loop loop = rondel_loop_new();
    rondel_completion out[2];
    int mark = 0;
    pthread_t thread;
    rondel_signal signal = rondel_signal_start(loop, SIGUSR1, rondel_enqueue, &mark);
    for (int i = 0; i < 20; i++) {
        REQUIRE_EQ(pthread_create(&thread, NULL, kill_later, NULL), 0);
        CHECK_EQ(rondel_next(loop, out, 2, RONDEL_FOREVER), 1);
        CHECK_EQ(out[0].source, signal);
        CHECK_EQ(out[0].result, SIGUSR1);
        CHECK(out[0].user_data == &mark);
        CHECK_EQ(pthread_join(thread, NULL), 0);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST_MAIN(RUN(loops_of_many_threads_are_all_told_each_on_its_own), RUN(the_last_of_a_storm_is_never_lost),
          RUN(watchers_may_come_and_go_in_a_storm), RUN(system_calls_of_the_program_go_on_after_it),
          RUN(the_pools_threads_take_no_signals_of_the_program), RUN(is_handed_out_to_who_pulls_and_ends_its_wait))
