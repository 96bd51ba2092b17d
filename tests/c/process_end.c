/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Child processes: waiting for them, killing them, and letting go of them. */
#include "support/child.h"
#include "support/process.h"

/* A process that lives until it is killed. */
static rondel_process spawn_idler(rondel_loop loop, rondel_fn fn, void *user_data) {
    struct command command;
    command_of(&command, "");
    command.options.file = "sleep";
    command.argv[0] = "sleep";
    command.argv[1] = "1000";
    command.argv[2] = NULL;
    command_stdio(&command, 0, RONDEL_STDIO_NULL);
    return spawn_command(loop, &command, fn, user_data);
}

/* ---- Waiting ---- */

TEST(any_number_may_wait_before_and_after_the_end) {
    rondel_loop loop = rondel_loop_new();
    struct seen waits[5], exited = {0, 0, 0};
    memset(waits, 0, sizeof waits);
    rondel_process process = spawn_script(loop, "exit 12", see, &exited);
    for (int i = 0; i < 4; i++) CHECK(rondel_process_wait(process, see, &waits[i]) > 0);
    rondel_future kept = rondel_process_wait(process, RONDEL_FUTURE);
    CHECK(rondel_process_wait(process, NULL, NULL) > 0);
    CHECK_EQ(rondel_future_origin(kept), process);
    CHECK_EQ(rondel_future_result(kept), RONDEL_EAGAIN);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_future_result(kept), 12);
    CHECK_EQ(rondel_release(kept), 0);
    CHECK_EQ(exited.calls, 1);
    rondel_future late = rondel_process_wait(process, see, &waits[4]);
    CHECK(late > 0);
    CHECK_EQ(waits[4].calls, 0); /* not before the call has returned */
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(waits[i].calls, 1);
        CHECK_EQ(waits[i].result, 12);
    }
    CHECK_EQ(rondel_close(process), 0);
    free_childless(loop);
}

TEST(a_wait_may_be_cancelled_or_time_out_and_the_process_goes_on) {
    rondel_loop loop = rondel_loop_new();
    struct seen cancelled = {0, 0, 0}, late = {0, 0, 0}, waited = {0, 0, 0};
    rondel_process process = spawn_idler(loop, NULL, NULL);
    rondel_future future = rondel_process_wait(process, see, &cancelled);
    CHECK(rondel_timeout(rondel_process_wait(process, see, &late), 1 * RONDEL_MS) > 0);
    CHECK(rondel_process_wait(process, see, &waited) > 0);
    CHECK_EQ(rondel_cancel(future), 0);
    while (late.calls == 0) CHECK_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
    CHECK_EQ(cancelled.result, RONDEL_ECANCELED);
    CHECK_EQ(late.result, RONDEL_ETIMEDOUT);
    CHECK_EQ(waited.calls, 0);
    CHECK_EQ(rondel_process_kill(process, 0), 0);
    CHECK_EQ(rondel_process_kill(process, SIGKILL), 0);
    CHECK_EQ(end_of(process), RONDEL_EXIT_SIGNAL + SIGKILL);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(waited.result, RONDEL_EXIT_SIGNAL + SIGKILL);
    CHECK_EQ(cancelled.calls + late.calls + waited.calls, 3);
    free_childless(loop);
}

static void close_in_exit(rondel_process process, int64_t status, void *user_data) {
    see(process, status, user_data);
    CHECK_EQ(rondel_close(process), 0);
    CHECK_EQ(rondel_process_wait(process, see, user_data), RONDEL_EGONE);
    CHECK_EQ(rondel_process_kill(process, 0), RONDEL_EGONE);
}

TEST(waits_hear_of_the_end_though_the_exit_function_closes_the_process) {
    rondel_loop loop = rondel_loop_new();
    struct seen exited = {0, 0, 0}, waited = {0, 0, 0};
    rondel_process process = spawn_script(loop, "exit 2", close_in_exit, &exited);
    CHECK(rondel_process_wait(process, see, &waited) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(exited.calls, 1);
    CHECK_EQ(waited.calls, 1);
    CHECK_EQ(waited.result, 2);
    free_childless(loop);
}

TEST(an_unreferenced_process_does_not_keep_the_loop) {
    rondel_loop loop = rondel_loop_new();
    struct seen never = {0, 0, 0};
    rondel_process process = spawn_idler(loop, see, &never);
    CHECK_EQ(rondel_unref(process), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_process_kill(process, 0), 0); /* it still lives */
    CHECK_EQ(never.calls, 0);
    CHECK_EQ(rondel_ref(process), 0);
    CHECK_EQ(rondel_process_kill(process, SIGTERM), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(never.result, RONDEL_EXIT_SIGNAL + SIGTERM);
    CHECK_EQ(rondel_close(process), 0);
    free_childless(loop);
}

/* ---- Killing ---- */

TEST(kill_reaches_the_process_until_it_has_ended) {
    rondel_loop loop = rondel_loop_new();
    rondel_process process = spawn_idler(loop, NULL, NULL);
    CHECK_EQ(rondel_process_kill(process, 0), 0);
    CHECK_EQ(rondel_process_kill(process, -1), RONDEL_EINVAL);
    CHECK_EQ(rondel_process_kill(process, 65), RONDEL_EINVAL);
    CHECK_EQ(rondel_process_kill(process, INT32_MAX), RONDEL_EINVAL);
    CHECK_EQ(rondel_process_kill_group(process, SIGTERM), RONDEL_EINVAL); /* it leads none: that would be ours */
    CHECK_EQ(rondel_process_kill(process, SIGTERM), 0);
    int64_t pid = rondel_process_pid(process);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_process_kill(process, 0), RONDEL_ESRCH);
    CHECK_EQ(rondel_process_kill(process, SIGTERM), RONDEL_ESRCH);
    CHECK_EQ(rondel_process_pid(process), pid); /* that is still known */
    CHECK_EQ(kill((pid_t)pid, 0), -1);
    CHECK_EQ(errno, ESRCH);
    CHECK_EQ(end_of(process), RONDEL_EXIT_SIGNAL + SIGTERM);
    free_childless(loop);
}

TEST(the_group_of_a_leader_can_be_killed_as_one) {
    rondel_loop loop = rondel_loop_new();
    const uint32_t flags[] = {RONDEL_PROCESS_GROUP, RONDEL_PROCESS_DETACHED};
    for (int i = 0; i < 2; i++) {
        struct command command;
        int ends[2];
        char byte;
        REQUIRE_EQ(pipe(ends), 0);
        command_of(&command, "sleep 1000 & echo; wait")->flags = flags[i];
        command_stdio(&command, 1, RONDEL_STDIO_FD)->fd = ends[1];
        rondel_process process = spawn_command(loop, &command, NULL, NULL);
        close(ends[1]);
        CHECK_EQ(read(ends[0], &byte, 1), 1);
        CHECK_EQ(rondel_process_kill_group(process, 0), 0);
        CHECK_EQ(rondel_process_kill_group(process, SIGTERM), 0);
        CHECK_EQ(read(ends[0], &byte, 1), 0); /* the one in the background is gone too: nobody has the pipe any more */
        CHECK_EQ(end_of(process), RONDEL_EXIT_SIGNAL + SIGTERM);
        close(ends[0]);
    }
    free_childless(loop);
}

TEST(what_an_ended_leader_left_can_be_killed_until_its_handle_is_closed) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    struct seen exited = {0, 0, 0};
    int ends[2];
    char byte;
    REQUIRE_EQ(pipe(ends), 0);
    command_of(&command, "sleep 1000 & exit 4")->flags = RONDEL_PROCESS_GROUP;
    command_stdio(&command, 1, RONDEL_STDIO_FD)->fd = ends[1];
    rondel_process process = spawn_command(loop, &command, see, &exited);
    pid_t pid = (pid_t)rondel_process_pid(process);
    close(ends[1]);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(exited.calls, 1);
    CHECK_EQ(exited.result, 4);
    CHECK_EQ(rondel_process_kill(process, SIGKILL), RONDEL_ESRCH);
    CHECK_EQ(rondel_process_kill_group(process, SIGKILL), 0);
    CHECK_EQ(read(ends[0], &byte, 1), 0); /* nobody has the pipe any more */
    close(ends[0]);
    CHECK_EQ(kill(pid, 0), 0); /* the number is still its own */
    CHECK_EQ(rondel_run_until(loop, rondel_process_wait(process, RONDEL_FUTURE)), 4);
    CHECK_EQ(rondel_close(process), 0);
    CHECK_EQ(kill(pid, 0), -1);
    CHECK_EQ(errno, ESRCH);
    free_childless(loop);
}

TEST(the_group_of_a_leader_that_somebody_else_took_in_is_left_alone) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    int status;
    command_of(&command, "exit 4")->flags = RONDEL_PROCESS_DETACHED;
    rondel_process process = spawn_command(loop, &command, NULL, NULL);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(waitpid((pid_t)rondel_process_pid(process), &status, 0), rondel_process_pid(process));
    CHECK_EQ(rondel_process_kill_group(process, SIGKILL), RONDEL_ESRCH);
    CHECK_EQ(end_of(process), 4);
    free_childless(loop);
}

TEST(an_ended_leader_is_taken_in_with_its_loop) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    command_of(&command, "exit 4")->flags = RONDEL_PROCESS_DETACHED;
    CHECK(spawn_command(loop, &command, NULL, NULL) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    no_children_left();
}

/* ---- Letting go ---- */

TEST(closing_a_running_process_cancels_its_waits_and_leaves_no_zombie) {
    rondel_loop loop = rondel_loop_new();
    struct seen never = {0, 0, 0}, waited = {0, 0, 0}, closed = {0, 0, 0};
    rondel_process process = spawn_idler(loop, see, &never);
    int64_t pid = rondel_process_pid(process);
    CHECK(rondel_process_wait(process, see, &waited) > 0);
    CHECK_EQ(rondel_on_close(process, see, &closed), 0);
    CHECK_EQ(rondel_close(process), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0); /* it does not keep the loop going any more */
    CHECK_EQ(waited.calls, 1);
    CHECK_EQ(waited.result, RONDEL_ECANCELED);
    CHECK_EQ(closed.calls, 1);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
    CHECK_EQ(kill((pid_t)pid, 0), 0); /* it goes on */
    CHECK_EQ(kill((pid_t)pid, SIGKILL), 0);
    while (kill((pid_t)pid, 0) == 0) CHECK(rondel_run(loop, RONDEL_RUN_NOWAIT) >= 0);
    CHECK_EQ(never.calls, 0);
    free_childless(loop);
}

TEST(one_closed_as_soon_as_it_was_started_leaves_no_zombie) {
    rondel_loop loop = rondel_loop_new();
    int64_t pids[20];
    for (int i = 0; i < 20; i++) {
        rondel_process process = spawn_script(loop, "true", NULL, NULL);
        pids[i] = rondel_process_pid(process);
        CHECK_EQ(rondel_close(process), 0);
    }
    for (int i = 0; i < 20; i++)
        while (kill((pid_t)pids[i], 0) == 0) CHECK(rondel_run(loop, RONDEL_RUN_NOWAIT) >= 0);
    free_childless(loop);
}

TEST(the_end_of_the_loop_neither_kills_nor_leaves_zombies) {
    enum { COUNT = 10 };
    rondel_loop loop = rondel_loop_new();
    struct seen never = {0, 0, 0}, waited = {0, 0, 0}, closed = {0, 0, 0};
    int64_t pids[COUNT];
    for (int i = 0; i < COUNT; i++) {
        rondel_process process = spawn_idler(loop, see, &never);
        pids[i] = rondel_process_pid(process);
        CHECK(rondel_process_wait(process, see, &waited) > 0);
        CHECK_EQ(rondel_on_close(process, see, &closed), 0);
        if (i % 2) CHECK_EQ(rondel_close(process), 0); /* those closed before go the same way */
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(never.calls, 0);
    CHECK_EQ(waited.calls, COUNT);
    CHECK_EQ(waited.result, RONDEL_ECANCELED);
    CHECK_EQ(closed.calls, COUNT);
    for (int i = 0; i < COUNT; i++) CHECK_EQ(kill((pid_t)pids[i], 0), 0);
    for (int i = 0; i < COUNT; i++) CHECK_EQ(kill((pid_t)pids[i], SIGKILL), 0);
    for (int i = 0; i < COUNT; i++) wait_until_gone(pids[i]);
    no_children_left();
}

TEST(a_loop_that_is_freed_while_a_child_just_ends_takes_it_in) {
    for (int64_t i = test_scale(100, 10); i > 0; i--) {
        rondel_loop loop = rondel_loop_new();
        rondel_process process = spawn_script(loop, "exit 1", NULL, NULL);
        int64_t pid = rondel_process_pid(process);
        CHECK_EQ(rondel_loop_free(loop), 0);
        wait_until_gone(pid);
    }
    no_children_left();
}

/* ---- Beside the program's own children ---- */

struct copied {
    rondel_loop loop;
    rondel_process process;
    rondel_future run;
    struct seen exited;
};

static int adopt_copy(void *arg) {
    struct copied *copied = arg;
    CHECK_EQ(rondel_loop_fork(copied->loop), 0);
    CHECK_EQ(rondel_process_kill(copied->process, SIGTERM), RONDEL_ESRCH);
    CHECK_EQ(rondel_run(copied->loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_future_result(copied->run), RONDEL_ECHILD);
    CHECK_EQ(copied->exited.calls, 1);
    CHECK_EQ(copied->exited.result, RONDEL_ECHILD);
    CHECK_EQ(status_of(copied->loop, "exit 8"), 8); /* it may have children of its own */
    CHECK_EQ(rondel_loop_free(copied->loop), 0);
    no_children_left();
    return 0;
}

static int free_copy(void *arg) {
    CHECK_EQ(rondel_loop_free(((struct copied *)arg)->loop), 0);
    no_children_left();
    return 0;
}

TEST(to_the_child_of_a_fork_its_parents_children_are_gone) {
    struct copied copied = {rondel_loop_new(), 0, 0, {0, 0, 0}};
    struct child child;
    struct command command;
    copied.process = spawn_idler(copied.loop, see, &copied.exited);
    command_of(&command, "read line; echo $line");
    copied.run = rondel_process_run(copied.loop, &command.options, "the parent's\n", 13, 0, RONDEL_FUTURE);
    child_start(&child, adopt_copy, &copied);
    child_ends_with(&child, 0);
    child_start(&child, free_copy, &copied);
    child_ends_with(&child, 0);
    CHECK_EQ(rondel_process_kill(copied.process, SIGTERM), 0); /* the parent has it as before */
    CHECK_EQ(rondel_run(copied.loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(copied.exited.result, RONDEL_EXIT_SIGNAL + SIGTERM);
    CHECK_EQ(rondel_close(copied.process), 0);
    CHECK_EQ(rondel_process_output(copied.run, 1, NULL), 13);
    CHECK_EQ(rondel_run_until(copied.loop, copied.run), 0);
    free_childless(copied.loop);
}

TEST(children_of_others_are_left_to_them) {
    rondel_loop loop = rondel_loop_new();
    int status = 0;
    pid_t other = fork();
    if (other == 0) _exit(33);
    REQUIRE(other > 0);
    for (int i = 0; i < 5; i++) CHECK_EQ(status_of(loop, "exit 1"), 1);
    CHECK_EQ(waitpid(other, &status, 0), other);
    CHECK_EQ(WEXITSTATUS(status), 33);
    free_childless(loop);
}

TEST(a_status_that_somebody_else_took_is_said_to_be_gone) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    int status = 0;
    rondel_process process = spawn_script(loop, "exit 1", see, &seen);
    CHECK_EQ(waitpid((pid_t)rondel_process_pid(process), &status, 0), rondel_process_pid(process));
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_ECHILD);
    CHECK_EQ(rondel_process_kill(process, 0), RONDEL_ESRCH);
    CHECK_EQ(end_of(process), RONDEL_ECHILD);
    free_childless(loop);
}

TEST(a_program_that_ignores_sigchld_hears_of_the_end_without_the_status) {
    rondel_loop loop = rondel_loop_new();
    CHECK(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
    CHECK_EQ(status_of(loop, "exit 1"), RONDEL_ECHILD);
    CHECK(signal(SIGCHLD, SIG_DFL) != SIG_ERR);
    CHECK_EQ(status_of(loop, "exit 1"), 1);
    free_childless(loop);
}

static volatile sig_atomic_t own_calls;

static void own_handler(int signum) {
    (void)signum;
    own_calls++;
}

TEST(the_programs_own_handler_and_watchers_of_sigchld_go_on) {
    rondel_loop loop = rondel_loop_new();
    struct seen told = {0, 0, 0};
    own_calls = 0;
    CHECK(signal(SIGCHLD, own_handler) != SIG_ERR);
    CHECK_EQ(status_of(loop, "exit 1"), 1);
    CHECK_EQ(own_calls, 1);
    rondel_signal watcher = rondel_signal_start(loop, SIGCHLD, see, &told);
    CHECK_EQ(rondel_unref(watcher), 0);
    CHECK_EQ(status_of(loop, "exit 2"), 2);
    while (told.calls == 0) CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 0);
    CHECK_EQ(own_calls, 1); /* the watcher had it meanwhile */
    CHECK_EQ(rondel_close(watcher), 0);
    CHECK_EQ(status_of(loop, "exit 3"), 3);
    CHECK_EQ(own_calls, 2);
    CHECK(signal(SIGCHLD, SIG_DFL) == own_handler);
    free_childless(loop);
}

TEST_MAIN(RUN(any_number_may_wait_before_and_after_the_end),
          RUN(a_wait_may_be_cancelled_or_time_out_and_the_process_goes_on),
          RUN(waits_hear_of_the_end_though_the_exit_function_closes_the_process),
          RUN(an_unreferenced_process_does_not_keep_the_loop), RUN(kill_reaches_the_process_until_it_has_ended),
          RUN(the_group_of_a_leader_can_be_killed_as_one),
          RUN(what_an_ended_leader_left_can_be_killed_until_its_handle_is_closed),
          RUN(the_group_of_a_leader_that_somebody_else_took_in_is_left_alone),
          RUN(an_ended_leader_is_taken_in_with_its_loop),
          RUN(closing_a_running_process_cancels_its_waits_and_leaves_no_zombie),
          RUN(one_closed_as_soon_as_it_was_started_leaves_no_zombie),
          RUN(the_end_of_the_loop_neither_kills_nor_leaves_zombies),
          RUN(a_loop_that_is_freed_while_a_child_just_ends_takes_it_in), RUN(children_of_others_are_left_to_them),
          RUN(to_the_child_of_a_fork_its_parents_children_are_gone),
          RUN(a_status_that_somebody_else_took_is_said_to_be_gone),
          RUN(a_program_that_ignores_sigchld_hears_of_the_end_without_the_status),
          RUN(the_programs_own_handler_and_watchers_of_sigchld_go_on))
