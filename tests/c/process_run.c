/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Commands from start to end as one future: input in, output out, under a deadline. */
#ifdef __linux__
#define _GNU_SOURCE 1 /* F_SETPIPE_SZ */
#endif
#include "support/process.h"

#include <sys/ioctl.h>

static rondel_future run_script(rondel_loop loop, const char *script, const char *input, size_t limit, rondel_fn fn,
                                void *user_data) {
    struct command command;
    return rondel_process_run(loop, command_of(&command, script), input, input ? strlen(input) : 0, limit, fn,
                              user_data);
}

static const char *output(rondel_future future, int fd) {
    const uint8_t *bytes = NULL;
    int64_t length = rondel_process_output(future, fd, &bytes);
    CHECK(length >= 0);
    if (length >= 0) CHECK_EQ(bytes[length], 0);
    return length >= 0 ? (const char *)bytes : "";
}

static void check_output(rondel_future future, int64_t status, void *user_data) {
    see(future, status, user_data);
    CHECK_STR(output(future, 1), "HELLO");
    CHECK_STR(output(future, 2), "said\n");
}

TEST(input_goes_in_and_output_and_error_come_out) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    CHECK(run_script(loop, "tr a-z A-Z; echo said >&2; exit 3", "hello", 0, check_output, &seen) > 0);
    CHECK_EQ(rondel_alive(loop), 1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, 3);
    free_childless(loop);
}

static int64_t run_in_task(void *arg) {
    const uint8_t *bytes;
    rondel_loop loop = rondel_loop_current();
    (void)arg;
    rondel_future future = run_script(loop, "echo out", NULL, 0, RONDEL_FUTURE);
    CHECK_EQ(rondel_retain(future), 0); /* so that its output is there after the await */
    CHECK_EQ(rondel_await(future), 0);
    CHECK_EQ(rondel_process_output(future, 1, &bytes), 4);
    CHECK_EQ(rondel_future_bytes(future, NULL), 4);
    CHECK_STR(output(future, 1), "out\n");
    CHECK_EQ(rondel_process_output(future, 2, &bytes), 0);
    CHECK_EQ(rondel_process_output(future, 2, NULL), 0);
    CHECK_EQ(rondel_process_output(future, 0, &bytes), RONDEL_EINVAL);
    CHECK_EQ(rondel_process_output(future, 3, &bytes), RONDEL_EINVAL);
    CHECK_EQ(rondel_process_output(future, -1, &bytes), RONDEL_EINVAL);
    return rondel_release(future);
}

TEST(a_task_may_await_it) {
    rondel_loop loop = rondel_loop_new();
    CHECK_EQ(rondel_run_until(loop, rondel_task_spawn(loop, run_in_task, NULL)), 0);
    free_childless(loop);
}

TEST(what_is_pending_or_something_else_has_no_output) {
    rondel_loop loop = rondel_loop_new();
    rondel_future future = run_script(loop, "echo out", NULL, 0, RONDEL_FUTURE);
    CHECK_EQ(rondel_process_output(future, 1, NULL), RONDEL_EAGAIN);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_process_output(future, 1, NULL), 4);
    CHECK_EQ(rondel_release(future), 0);
    CHECK_EQ(rondel_process_output(future, 1, NULL), RONDEL_EGONE);
    rondel_future other = rondel_future_new(loop);
    CHECK_EQ(rondel_process_output(other, 1, NULL), RONDEL_EKIND);
    CHECK_EQ(rondel_release(other), 0);
    free_childless(loop);
}

TEST(much_goes_both_ways_at_once) {
    rondel_loop loop = rondel_loop_new();
    const size_t length = (size_t)test_scale(20 << 20, 1 << 20);
    struct command command;
    const uint8_t *bytes;
    uint8_t *input = malloc(length);
    REQUIRE(input != NULL);
    for (size_t i = 0; i < length; i++) input[i] = (uint8_t)(i * 7 + i / 4096);
    rondel_future future =
        rondel_process_run(loop, command_of(&command, "tee /dev/stderr"), input, length, 0, RONDEL_FUTURE);
    input[0] ^= 1; /* it was copied */
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_future_result(future), 0);
    input[0] ^= 1;
    for (int fd = 1; fd <= 2; fd++) {
        CHECK_EQ(rondel_process_output(future, fd, &bytes), length);
        CHECK(memcmp(bytes, input, length) == 0);
    }
    CHECK_EQ(rondel_release(future), 0);
    free(input);
    free_childless(loop);
}

#ifdef F_SETPIPE_SZ
/* A pipe that takes everything at once is as a process that reads as fast as we write. */
TEST(others_get_their_turns_while_much_is_fed) {
    const int length = 1 << 20;
    rondel_loop loop = rondel_loop_new();
    struct command command;
    char text[32] = "", path[64];
    int ends[2], before = 0, now = 0;
    REQUIRE_EQ(pipe(ends), 0);
    command_of(&command, "echo $$; exec sleep 1000");
    command_stdio(&command, 0, RONDEL_STDIO_PIPE_IN);
    command_stdio(&command, 1, RONDEL_STDIO_FD)->fd = ends[1];
    char *input = calloc(1, (size_t)length);
    rondel_future future = rondel_process_run(loop, &command.options, input, (size_t)length, 0, RONDEL_FUTURE);
    free(input);
    CHECK(read(ends[0], text, sizeof text - 1) > 0);
    snprintf(path, sizeof path, "/proc/%ld/fd/0", strtol(text, NULL, 10));
    int its = open(path, O_RDONLY);
    CHECK(its >= 0);
    int large = fcntl(its, F_SETPIPE_SZ, length);
    while (large >= length && now < length) {
        CHECK(rondel_run(loop, RONDEL_RUN_NOWAIT) == 1);
        CHECK_EQ(ioctl(its, FIONREAD, &now), 0);
        CHECK(now - before <= length / 2);
        before = now;
    }
    close(its), close(ends[0]), close(ends[1]);
    CHECK_EQ(rondel_cancel(future), 0);
    CHECK_EQ(rondel_run_until(loop, future), RONDEL_ECANCELED);
    free_childless(loop);
    if (large < length) SKIP("no pipe may be as large");
}
#else
TEST(others_get_their_turns_while_much_is_fed) { SKIP("pipes have the size they have"); }
#endif

TEST(input_that_is_not_read_is_no_failure) {
    rondel_loop loop = rondel_loop_new();
    const size_t length = 4 << 20;
    struct command command;
    char *input = calloc(1, length);
    rondel_future future = rondel_process_run(loop, command_of(&command, "exit 2"), input, length, 0, RONDEL_FUTURE);
    free(input);
    CHECK_EQ(rondel_run_until(loop, future), 2);
    free_childless(loop);
}

TEST(a_signal_is_the_status) {
    rondel_loop loop = rondel_loop_new();
    CHECK_EQ(rondel_run_until(loop, run_script(loop, "kill -9 $$", NULL, 0, RONDEL_FUTURE)),
             RONDEL_EXIT_SIGNAL + SIGKILL);
    free_childless(loop);
}

TEST(only_pipes_are_fed_and_collected) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    command_of(&command, "echo out; echo err >&2");
    command_stdio(&command, 0, RONDEL_STDIO_NULL);
    command_stdio(&command, 1, RONDEL_STDIO_PIPE_OUT);
    command_stdio(&command, 2, RONDEL_STDIO_SAME)->other = 1;
    rondel_future future = rondel_process_run(loop, &command.options, NULL, 0, 0, RONDEL_FUTURE);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_future_result(future), 0);
    CHECK_STR(output(future, 1), "out\nerr\n");
    CHECK_STR(output(future, 2), "");
    CHECK_EQ(rondel_release(future), 0);
    free_childless(loop);
}

TEST(what_makes_no_sense_is_refused) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    struct seen never = {0, 0, 0};
    CHECK_EQ(rondel_process_run(loop, NULL, NULL, 0, 0, see, &never), RONDEL_EINVAL);
    command_of(&command, "true");
    CHECK_EQ(rondel_process_run(loop, &command.options, NULL, 1, 0, see, &never), RONDEL_EINVAL);
    CHECK_EQ(rondel_process_run(loop, &command.options, "", SIZE_MAX, 0, see, &never), RONDEL_EINVAL);
    const struct {
        int number, kind;
    } bad[] = {{0, RONDEL_STDIO_PIPE_OUT}, {0, RONDEL_STDIO_PIPE_BOTH}, {1, RONDEL_STDIO_PIPE_IN},
               {2, RONDEL_STDIO_PIPE_IN},  {1, RONDEL_STDIO_PIPE_BOTH}, {3, RONDEL_STDIO_PIPE_OUT}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        command_of(&command, "true");
        command_stdio(&command, bad[i].number, bad[i].kind);
        CHECK_EQ(rondel_process_run(loop, &command.options, NULL, 0, 0, see, &never), RONDEL_EINVAL);
    }
    command_of(&command, "true")->file = "/no/such/program";
    CHECK_EQ(rondel_process_run(loop, &command.options, "in", 2, 0, see, &never), RONDEL_ENOENT);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(never.calls, 0);
    free_childless(loop);
}

/* ---- Given up ---- */

/* A script that says its number, then stays. What it says is read before anything is done about it. */
static int64_t pid_said(rondel_future future) { return strtol(output(future, 1), NULL, 10); }

TEST(a_deadline_kills_it_and_what_it_said_stays) {
    rondel_loop loop = rondel_loop_new();
    rondel_future future = run_script(loop, "echo $$; exec sleep 1000", NULL, 0, RONDEL_FUTURE);
    CHECK_EQ(rondel_timeout(future, 300 * RONDEL_MS), future);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_future_result(future), RONDEL_ETIMEDOUT);
    int64_t pid = pid_said(future);
    if (pid > 0) { /* unless 300 ms were not enough for that */
        CHECK_EQ(kill((pid_t)pid, 0), -1); /* it is reaped when this completes */
        CHECK_EQ(errno, ESRCH);
    }
    CHECK_EQ(rondel_release(future), 0);
    free_childless(loop);
}

TEST(cancelled_it_completes_when_the_process_is_reaped) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    rondel_future future = run_script(loop, "trap '' TERM INT; while true; do sleep 1000; done", "x", 0, see, &seen);
    CHECK_EQ(rondel_cancel(future), 0);
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
    free_childless(loop);
}

/* Else what it left behind would hold the pipe, and the future, for ever. */
TEST(a_cancel_does_not_wait_for_what_the_process_left_behind) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    struct seen seen = {0, 0, 0};
    command_of(&command, "sleep 1000 & echo $!; exec sleep 1000");
    command.options.flags = RONDEL_PROCESS_GROUP;
    rondel_future future = rondel_process_run(loop, &command.options, NULL, 0, 0, see, &seen);
    CHECK_EQ(rondel_cancel(future), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
    free_childless(loop);
}

/* The leader ends at once; what it leaves has the pipe `alive`, and the output. */
static rondel_future run_leaver(rondel_loop loop, uint32_t flag, int *alive, rondel_fn fn, void *user_data) {
    struct command command;
    char text[32] = "";
    int ends[2];
    siginfo_t info;
    CHECK_EQ(pipe(ends), 0);
    command_of(&command, "echo $$ >&3; sleep 1000 & exit 0");
    command.options.flags = flag;
    command_stdio(&command, 0, RONDEL_STDIO_NULL);
    command_stdio(&command, 1, RONDEL_STDIO_PIPE_OUT);
    command_stdio(&command, 2, RONDEL_STDIO_NULL);
    command_stdio(&command, 3, RONDEL_STDIO_FD)->fd = ends[1];
    rondel_future future = rondel_process_run(loop, &command.options, NULL, 0, 0, fn, user_data);
    close(ends[1]);
    CHECK(read(ends[0], text, sizeof text - 1) > 0);
    CHECK_EQ(waitid(P_PID, (id_t)strtol(text, NULL, 10), &info, WEXITED | WNOWAIT), 0);
    for (int i = 0; i < 20; i++) CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    *alive = ends[0];
    return future;
}

TEST(what_an_ended_leader_left_is_killed_with_its_group) {
    const uint32_t flags[] = {RONDEL_PROCESS_GROUP, RONDEL_PROCESS_DETACHED};
    for (int i = 0; i < 4; i++) {
        rondel_loop loop = rondel_loop_new();
        struct seen seen = {0, 0, 0};
        char byte;
        int alive;
        rondel_future future = run_leaver(loop, flags[i / 2], &alive, see, &seen);
        CHECK_EQ(seen.calls, 0);
        if (i % 2) {
            CHECK_EQ(rondel_cancel(future), 0);
            CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        } else {
            CHECK_EQ(rondel_loop_free(loop), 0);
        }
        CHECK_EQ(seen.calls, 1);
        CHECK_EQ(seen.result, RONDEL_ECANCELED);
        CHECK_EQ(read(alive, &byte, 1), 0); /* nobody has the pipe any more */
        close(alive);
        if (i % 2) free_childless(loop);
        no_children_left();
    }
}

TEST(it_waits_for_output_that_comes_after_the_end) {
    rondel_loop loop = rondel_loop_new();
    int go[2];
    struct command command;
    REQUIRE_EQ(pipe(go), 0);
    command_of(&command, "{ read line <&3; echo late; } & exit 5");
    command_stdio(&command, 1, RONDEL_STDIO_PIPE_OUT);
    command_stdio(&command, 2, RONDEL_STDIO_NULL);
    command_stdio(&command, 3, RONDEL_STDIO_FD)->fd = go[0];
    rondel_future future = rondel_process_run(loop, &command.options, NULL, 0, 0, RONDEL_FUTURE);
    for (int i = 0; i < 20; i++) CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(rondel_future_state(future), RONDEL_PENDING);
    CHECK_EQ(write(go[1], "go\n", 3), 3);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_future_result(future), 5);
    CHECK_STR(output(future, 1), "late\n");
    CHECK_EQ(rondel_release(future), 0);
    close(go[0]), close(go[1]);
    free_childless(loop);
}

TEST(more_than_the_limit_ends_it) {
    rondel_loop loop = rondel_loop_new();
    const uint8_t *bytes;
    rondel_future future = run_script(loop, "yes", NULL, 1000, RONDEL_FUTURE);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_future_result(future), RONDEL_EMSGSIZE);
    CHECK_EQ(rondel_process_output(future, 1, &bytes), 1000);
    CHECK_EQ(rondel_release(future), 0);
    rondel_future whole = run_script(loop, "head -c 1000 /dev/zero; head -c 1000 /dev/zero >&2", NULL, 1000, RONDEL_FUTURE);
    CHECK_EQ(rondel_run_until(loop, whole), 0); /* just as much as that is none too much */
    free_childless(loop);
}

TEST(the_end_of_the_loop_kills_and_does_not_wait) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    int ends[2];
    char byte;
    struct command command;
    REQUIRE_EQ(pipe(ends), 0);
    command_of(&command, "exec sleep 1000");
    command_stdio(&command, 0, RONDEL_STDIO_NULL);
    command_stdio(&command, 1, RONDEL_STDIO_FD)->fd = ends[1];
    CHECK(rondel_process_run(loop, &command.options, NULL, 0, 0, see, &seen) > 0);
    close(ends[1]);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
    CHECK_EQ(read(ends[0], &byte, 1), 0); /* it is gone */
    close(ends[0]);
    while (waitpid(-1, NULL, WNOHANG) == 0) sched_yield(); /* and somebody takes it in */
    no_children_left();
}

struct crowd {
    int64_t left, sum;
};

static void count_one(rondel_future future, int64_t status, void *user_data) {
    struct crowd *crowd = user_data;
    crowd->left--;
    crowd->sum += status;
    CHECK_STR(output(future, 1), "meow");
}

TEST(many_run_side_by_side) {
    rondel_loop loop = rondel_loop_new();
    struct crowd crowd = {test_scale(200, 20), 0};
    for (int64_t i = crowd.left; i > 0; i--) CHECK(run_script(loop, "cat; exit 1", "meow", 0, count_one, &crowd) > 0);
    int64_t count = crowd.left;
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(crowd.left, 0);
    CHECK_EQ(crowd.sum, count);
    free_childless(loop);
}

TEST_MAIN(RUN(input_goes_in_and_output_and_error_come_out), RUN(a_task_may_await_it),
          RUN(what_is_pending_or_something_else_has_no_output), RUN(much_goes_both_ways_at_once), RUN(others_get_their_turns_while_much_is_fed),
          RUN(input_that_is_not_read_is_no_failure), RUN(a_signal_is_the_status), RUN(only_pipes_are_fed_and_collected),
          RUN(what_makes_no_sense_is_refused), RUN(a_deadline_kills_it_and_what_it_said_stays),
          RUN(cancelled_it_completes_when_the_process_is_reaped),
          RUN(a_cancel_does_not_wait_for_what_the_process_left_behind),
          RUN(what_an_ended_leader_left_is_killed_with_its_group),
          RUN(it_waits_for_output_that_comes_after_the_end), RUN(more_than_the_limit_ends_it),
          RUN(the_end_of_the_loop_kills_and_does_not_wait), RUN(many_run_side_by_side))
