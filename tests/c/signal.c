/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Signals: told by watchers, beside the program's own handlers. */
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
    if (signal(SIGRTMAX, own_handler) == SIG_ERR || raise(SIGRTMAX) != 0) {
        CHECK_EQ(rondel_loop_free(loop), 0);
        SKIP("valgrind or qemu keeps this signal for itself");
    }
    CHECK(rondel_signal_start(loop, SIGRTMAX, see, &seen) > 0);
    CHECK_EQ(raise(SIGRTMAX), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, SIGRTMAX);
    CHECK_EQ(rondel_loop_free(loop), 0);
    handle(SIGRTMAX, SIG_DFL);
}

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
          RUN(what_was_there_before_comes_back_with_the_last_watcher),
          RUN(a_handler_that_the_program_installs_meanwhile_stays), RUN(the_handler_leaves_errno_alone),
          RUN(the_handler_runs_on_the_stack_that_the_thread_has_for_it),
          RUN(a_signal_may_come_while_a_task_runs_on_its_stack), RUN(what_makes_no_sense_is_refused),
          RUN(keeps_the_loop_alive_unless_it_is_told_not_to), RUN(one_that_was_closed_is_told_no_more),
          RUN(the_end_of_the_loop_closes_them), RUN(run_once_returns_with_the_callback_made),
          RUN(the_end_of_a_child_is_told), RUN(the_first_ctrl_c_cancels_a_program), RUN(the_second_ctrl_c_kills_it))
