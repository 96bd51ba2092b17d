/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Signals, told on loops; and the program's own handlers beside them. */
#include "support/test.h"

#include <sys/wait.h>

static void stop_loop(rondel_handle source, int64_t result, void *user_data) {
    see(source, result, user_data);
    CHECK_EQ(rondel_stop(rondel_loop_of(source)), 0);
}

static void close_self(rondel_handle signal, int64_t signum, void *user_data) {
    see(signal, signum, user_data);
    CHECK_EQ(rondel_close(signal), 0);
}

/* The program's own handler. */
static volatile sig_atomic_t own_calls;

static void own_handler(int signum) {
    (void)signum;
    own_calls++;
}

static void handle(int signum, void (*handler)(int)) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    CHECK_EQ(sigaction(signum, &action, NULL), 0);
}

static void (*handler_of(int signum))(int) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    CHECK_EQ(sigaction(signum, NULL, &action), 0);
    return action.sa_handler;
}

TEST(a_signal_is_told_each_time_with_its_number) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    rondel_signal signal = rondel_signal_start(loop, SIGUSR1, stop_loop, &seen);
    REQUIRE(signal > 0);
    CHECK_EQ(rondel_kind(signal), RONDEL_KIND_SIGNAL);
    for (int i = 1; i <= 3; i++) {
        CHECK_EQ(raise(SIGUSR1), 0);
        CHECK_EQ(seen.calls, i - 1); /* on the loop, not in the handler */
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 1);
        CHECK_EQ(seen.calls, i);
        CHECK_EQ(seen.result, SIGUSR1);
        CHECK_EQ(seen.source, signal);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(the_same_signal_several_times_before_the_loop_looks_is_told_once) {
    rondel_loop loop = rondel_loop_new();
    struct seen one = {0, 0, 0}, other = {0, 0, 0};
    CHECK(rondel_signal_start(loop, SIGUSR1, see, &one) > 0);
    CHECK(rondel_signal_start(loop, SIGUSR2, see, &other) > 0);
    for (int i = 0; i < 5; i++) CHECK_EQ(raise(SIGUSR1), 0);
    CHECK_EQ(raise(SIGUSR2), 0);
    for (int i = 0; i < 5; i++) CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(one.calls, 1);
    CHECK_EQ(other.calls, 1);
    CHECK_EQ(other.result, SIGUSR2);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(every_watcher_is_told_of_its_own_signal) {
    rondel_loop loop = rondel_loop_new();
    struct seen first[3], second[2];
    memset(first, 0, sizeof first), memset(second, 0, sizeof second);
    for (int i = 0; i < 3; i++) CHECK(rondel_signal_start(loop, SIGUSR1, see, &first[i]) > 0);
    for (int i = 0; i < 2; i++) CHECK(rondel_signal_start(loop, SIGWINCH, see, &second[i]) > 0);
    CHECK_EQ(raise(SIGUSR1), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    for (int i = 0; i < 3; i++) CHECK_EQ(first[i].calls, 1);
    for (int i = 0; i < 2; i++) CHECK_EQ(second[i].calls, 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(the_highest_number_is_told_as_itself) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    if (signal(SIGRTMAX, own_handler) == SIG_ERR) {
        CHECK_EQ(rondel_loop_free(loop), 0);
        SKIP("valgrind keeps this signal for itself");
    }
    CHECK(rondel_signal_start(loop, SIGRTMAX, see, &seen) > 0);
    CHECK_EQ(raise(SIGRTMAX), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, SIGRTMAX);
    CHECK_EQ(rondel_loop_free(loop), 0);
    handle(SIGRTMAX, SIG_DFL);
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

/* ---- A storm ---- */

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

/* ---- Beside the program's own handlers ---- */

TEST(what_was_there_before_comes_back_with_the_last_watcher) {
    rondel_loop loop = rondel_loop_new(), other = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    own_calls = 0;
    handle(SIGUSR1, own_handler);
    handle(SIGUSR2, SIG_IGN);
    rondel_signal first = rondel_signal_start(loop, SIGUSR1, see, &seen);
    rondel_signal second = rondel_signal_start(other, SIGUSR1, see, &seen);
    CHECK(rondel_signal_start(other, SIGUSR2, see, &seen) > 0);
    CHECK_EQ(raise(SIGUSR1), 0);
    CHECK_EQ(own_calls, 0);
    CHECK_EQ(rondel_close(first), 0);
    CHECK(handler_of(SIGUSR1) != own_handler);
    CHECK_EQ(rondel_close(second), 0);
    CHECK(handler_of(SIGUSR1) == own_handler);
    CHECK_EQ(raise(SIGUSR1), 0);
    CHECK_EQ(own_calls, 1);
    CHECK(handler_of(SIGUSR2) != SIG_IGN);
    CHECK_EQ(rondel_loop_free(other), 0);
    CHECK(handler_of(SIGUSR2) == SIG_IGN);
    CHECK_EQ(rondel_loop_free(loop), 0);
    handle(SIGUSR1, SIG_DFL), handle(SIGUSR2, SIG_DFL);
}

TEST(a_handler_that_the_program_installs_meanwhile_stays) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    rondel_signal signal = rondel_signal_start(loop, SIGUSR1, see, &seen);
    own_calls = 0;
    handle(SIGUSR1, own_handler);
    CHECK_EQ(rondel_close(signal), 0);
    CHECK(handler_of(SIGUSR1) == own_handler);
    CHECK_EQ(raise(SIGUSR1), 0);
    CHECK_EQ(own_calls, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    handle(SIGUSR1, SIG_DFL);
}

TEST(the_handler_leaves_errno_alone) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    CHECK(rondel_signal_start(loop, SIGUSR1, see, &seen) > 0);
    errno = 1234;
    raise(SIGUSR1);
    CHECK_EQ(errno, 1234);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* As a language's run-time may need it that gives its threads small stacks. */
TEST(the_handler_runs_on_the_stack_that_the_thread_has_for_it) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    struct sigaction action;
    CHECK(rondel_signal_start(loop, SIGUSR1, see, &seen) > 0);
    CHECK_EQ(sigaction(SIGUSR1, NULL, &action), 0);
    CHECK(action.sa_flags & SA_ONSTACK);
    CHECK(action.sa_flags & SA_RESTART);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t raise_in_task(void *arg) {
    struct seen *seen = arg;
    CHECK_EQ(raise(SIGUSR1), 0);
    while (seen->calls == 0) CHECK_EQ(rondel_yield(), 0);
    return seen->calls;
}

TEST(a_signal_may_come_while_a_task_runs_on_its_stack) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    rondel_signal signal = rondel_signal_start(loop, SIGUSR1, see, &seen);
    CHECK_EQ(rondel_unref(signal), 0);
    CHECK_EQ(rondel_run_until(loop, rondel_task_spawn_sized(loop, raise_in_task, &seen, 32 * 1024)), 1);
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

/* ---- As a handle ---- */

TEST(what_makes_no_sense_is_refused) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    const int bad[] = {0, -1, 65, 1000, INT32_MAX, INT32_MIN, SIGKILL, SIGSTOP,
                       /* Raised by a fault, they come again as soon as a handler returns. */
                       SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_EQ(rondel_signal_start(loop, bad[i], see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_signal_start(loop, SIGUSR1, NULL, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_signal_start(loop, SIGUSR1, RONDEL_FUTURE), RONDEL_EINVAL);
    CHECK_EQ(rondel_signal_start(RONDEL_EBUSY, SIGUSR1, see, &seen), RONDEL_EBUSY);
    rondel_timer timer = rondel_timer_start(loop, 0, 0, see, &seen);
    CHECK_EQ(rondel_signal_start(timer, SIGUSR1, see, &seen), RONDEL_EKIND);
    CHECK_EQ(rondel_close(timer), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(rondel_signal_start(loop, SIGUSR1, see, &seen), RONDEL_EGONE);
    CHECK(handler_of(SIGUSR1) == SIG_DFL);
    CHECK_EQ(seen.calls, 0);
}

TEST(keeps_the_loop_alive_unless_it_is_told_not_to) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    rondel_signal signal = rondel_signal_start(loop, SIGUSR1, see, &seen);
    CHECK_EQ(rondel_is_active(signal), 1);
    CHECK_EQ(rondel_alive(loop), 1);
    CHECK_EQ(rondel_unref(signal), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(raise(SIGUSR1), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0); /* one that has come is still told */
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void close_other(rondel_handle signal, int64_t signum, void *user_data) {
    rondel_signal *signals = user_data;
    (void)signum;
    CHECK_EQ(rondel_close(signals[signal == signals[0]]), 0);
    signals[2]++;
}

TEST(one_that_was_closed_is_told_no_more) {
    rondel_loop loop = rondel_loop_new();
    struct seen once = {0, 0, 0}, never = {0, 0, 0}, notice = {0, 0, 0};
    rondel_signal signals[3] = {0, 0, 0};
    rondel_signal one_shot = rondel_signal_start(loop, SIGUSR1, close_self, &once);
    rondel_signal closed = rondel_signal_start(loop, SIGUSR1, see, &never);
    CHECK_EQ(rondel_on_close(one_shot, see, &notice), 0);
    signals[0] = rondel_signal_start(loop, SIGUSR1, close_other, signals);
    signals[1] = rondel_signal_start(loop, SIGUSR1, close_other, signals);
    rondel_signal rest = rondel_signal_start(loop, SIGUSR1, close_self, &once);
    CHECK_EQ(raise(SIGUSR1), 0);
    CHECK_EQ(rondel_close(closed), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(once.calls, 2);
    CHECK_EQ(never.calls, 0);
    CHECK_EQ(notice.calls, 1);
    CHECK_EQ(signals[2], 1);
    CHECK_EQ(rondel_kind(rest), RONDEL_EGONE);
    CHECK_EQ(rondel_close(signals[0]), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK(handler_of(SIGUSR1) == SIG_DFL);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(the_end_of_the_loop_closes_them) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0}, notice = {0, 0, 0};
    rondel_signal signal = rondel_signal_start(loop, SIGUSR1, see, &seen);
    CHECK_EQ(rondel_on_close(signal, see, &notice), 0);
    CHECK_EQ(raise(SIGUSR1), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(notice.calls, 1);
    CHECK_EQ(seen.calls, 0);
    CHECK(handler_of(SIGUSR1) == SIG_DFL);
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

TEST(run_once_returns_with_the_callback_made) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    pthread_t thread;
    CHECK(rondel_signal_start(loop, SIGUSR1, see, &seen) > 0);
    for (int i = 1; i <= 50; i++) {
        REQUIRE_EQ(pthread_create(&thread, NULL, kill_later, NULL), 0);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
        CHECK_EQ(seen.calls, i);
        CHECK_EQ(pthread_join(thread, NULL), 0);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(the_end_of_a_child_is_told) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    int status = 0;
    CHECK(rondel_signal_start(loop, SIGCHLD, stop_loop, &seen) > 0);
    pid_t child = fork();
    if (child == 0) _exit(3);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 1);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(WEXITSTATUS(status), 3);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* ---- Ctrl-C of a program that is one task ---- */

static int64_t sleep_long(void *ready) {
    CHECK_EQ(write(*(int *)ready, "r", 1), 1);
    return rondel_sleep(3600 * RONDEL_SECOND);
}

static int64_t give_no_way(void *ready) {
    int64_t first = rondel_sleep(0);
    CHECK_EQ(write(*(int *)ready, "r", 1), 1);
    first = rondel_sleep(3600 * RONDEL_SECOND);
    CHECK_EQ(write(*(int *)ready, "c", 1), 1);
    for (;;) rondel_sleep(3600 * RONDEL_SECOND);
    return first;
}

/* Runs the program in a child, sends it as many signals as it says, and gives how it ended. */
static int interrupt(rondel_task_fn program, int times) {
    int fds[2], status = -1;
    char said;
    CHECK_EQ(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        int64_t result = rondel_main(program, &fds[1]);
        _exit(result == RONDEL_ECANCELED ? 42 : 1);
    }
    while (times-- > 0) {
        CHECK_EQ(read(fds[0], &said, 1), 1);
        CHECK_EQ(kill(child, SIGINT), 0);
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    close(fds[0]), close(fds[1]);
    return status;
}

TEST(the_first_ctrl_c_cancels_a_program) {
    int status = interrupt(sleep_long, 1);
    CHECK(WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), 42);
}

TEST(the_second_ctrl_c_kills_it) {
    int status = interrupt(give_no_way, 2);
    CHECK(WIFSIGNALED(status));
    CHECK_EQ(WTERMSIG(status), SIGINT);
}

TEST_MAIN(RUN(a_signal_is_told_each_time_with_its_number),
          RUN(the_same_signal_several_times_before_the_loop_looks_is_told_once),
          RUN(every_watcher_is_told_of_its_own_signal), RUN(the_highest_number_is_told_as_itself),
          RUN(loops_of_many_threads_are_all_told_each_on_its_own), RUN(the_last_of_a_storm_is_never_lost),
          RUN(watchers_may_come_and_go_in_a_storm), RUN(what_was_there_before_comes_back_with_the_last_watcher),
          RUN(a_handler_that_the_program_installs_meanwhile_stays), RUN(the_handler_leaves_errno_alone),
          RUN(the_handler_runs_on_the_stack_that_the_thread_has_for_it),
          RUN(a_signal_may_come_while_a_task_runs_on_its_stack), RUN(system_calls_of_the_program_go_on_after_it),
          RUN(the_pools_threads_take_no_signals_of_the_program), RUN(what_makes_no_sense_is_refused),
          RUN(keeps_the_loop_alive_unless_it_is_told_not_to), RUN(one_that_was_closed_is_told_no_more),
          RUN(the_end_of_the_loop_closes_them), RUN(is_handed_out_to_who_pulls_and_ends_its_wait),
          RUN(run_once_returns_with_the_callback_made), RUN(the_end_of_a_child_is_told),
          RUN(the_first_ctrl_c_cancels_a_program), RUN(the_second_ctrl_c_kills_it))
