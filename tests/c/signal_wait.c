/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Waiting for a signal once. */
#include "support/test.h"

static void (*handler_of(int signum))(int) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    CHECK_EQ(sigaction(signum, NULL, &action), 0);
    return action.sa_handler;
}

TEST(a_wait_for_a_signal_is_told_once_with_its_number) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    CHECK(rondel_signal_wait(loop, SIGUSR1, see, &seen) > 0);
    CHECK(handler_of(SIGUSR1) != SIG_DFL);
    raise(SIGUSR1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, SIGUSR1);
    CHECK(handler_of(SIGUSR1) == SIG_DFL);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t await_some(void *arg) {
    rondel_loop loop = rondel_loop_current();
    (void)arg;
    CHECK_EQ(rondel_await(rondel_signal_wait(loop, SIGUSR1, RONDEL_FUTURE)), SIGUSR1);
    CHECK_EQ(rondel_await(rondel_timeout(rondel_signal_wait(loop, SIGUSR1, RONDEL_FUTURE), RONDEL_MS)), RONDEL_ETIMEDOUT);
    return rondel_await(rondel_signal_wait(loop, SIGUSR2, RONDEL_FUTURE));
}

/* Runs the loop until somebody waits for the signal, and sends it. */
static void raise_when_waited_for(rondel_loop loop, int signum) {
    while (handler_of(signum) == SIG_DFL) CHECK_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
    raise(signum);
}

TEST(a_task_waits_for_signals_with_a_deadline) {
    rondel_loop loop = rondel_loop_new();
    rondel_future task = rondel_task_spawn(loop, await_some, NULL);
    raise_when_waited_for(loop, SIGUSR1);
    raise_when_waited_for(loop, SIGUSR2);
    CHECK_EQ(rondel_run_until(loop, task), SIGUSR2);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(several_waits_and_watchers_of_one_signal_are_all_told) {
    rondel_loop loops[2] = {rondel_loop_new(), rondel_loop_new()};
    struct seen waits[4], watched = {0, 0, 0};
    memset(waits, 0, sizeof waits);
    rondel_signal watcher = rondel_signal_start(loops[0], SIGUSR1, see, &watched);
    for (int i = 0; i < 4; i++) CHECK(rondel_signal_wait(loops[i % 2], SIGUSR1, see, &waits[i]) > 0);
    raise(SIGUSR1);
    for (int i = 0; i < 2; i++) CHECK(rondel_run(loops[i], RONDEL_RUN_ONCE) >= 0);
    raise(SIGUSR1);
    for (int i = 0; i < 2; i++) CHECK(rondel_run(loops[i], RONDEL_RUN_NOWAIT) >= 0);
    for (int i = 0; i < 4; i++) CHECK_EQ(waits[i].calls, 1);
    CHECK_EQ(watched.calls, 2);
    CHECK_EQ(rondel_close(watcher), 0);
    for (int i = 0; i < 2; i++) CHECK_EQ(rondel_loop_free(loops[i]), 0);
    CHECK(handler_of(SIGUSR1) == SIG_DFL);
}

TEST(a_wait_that_is_cancelled_or_freed_with_its_loop_is_told_so_and_gives_the_signal_back) {
    rondel_loop loop = rondel_loop_new();
    struct seen cancelled = {0, 0, 0}, freed = {0, 0, 0};
    rondel_future wait = rondel_signal_wait(loop, SIGUSR1, see, &cancelled);
    CHECK_EQ(rondel_cancel(wait), 0);
    CHECK(handler_of(SIGUSR1) == SIG_DFL);
    CHECK(rondel_signal_wait(loop, SIGUSR2, see, &freed) > 0);
    raise(SIGUSR2); /* noted, and not told any more */
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(cancelled.calls, 1);
    CHECK_EQ(cancelled.result, RONDEL_ECANCELED);
    CHECK_EQ(freed.calls, 1);
    CHECK(freed.result == RONDEL_ECANCELED || freed.result == SIGUSR2);
    CHECK(handler_of(SIGUSR2) == SIG_DFL);
}

TEST(a_wait_for_what_cannot_be_watched_is_refused) {
    rondel_loop loop = rondel_loop_new();
    const int numbers[] = {0, -1, 65, 1000, SIGKILL, SIGSTOP, SIGSEGV};
    struct seen seen = {0, 0, 0};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        CHECK_EQ(rondel_signal_wait(loop, numbers[i], see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(seen.calls, 0);
}

TEST_MAIN(RUN(a_wait_for_a_signal_is_told_once_with_its_number), RUN(a_task_waits_for_signals_with_a_deadline),
          RUN(several_waits_and_watchers_of_one_signal_are_all_told),
          RUN(a_wait_that_is_cancelled_or_freed_with_its_loop_is_told_so_and_gives_the_signal_back),
          RUN(a_wait_for_what_cannot_be_watched_is_refused))
