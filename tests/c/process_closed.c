/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Descriptors that are not open: numbers that pipes of ours could have, and programs without standard ones. */
#include "support/test.h"

#include "support/child.h"
#include "support/process.h"

/* The number that the next descriptor gets. */
static int next_number(void) {
    int number = dup(2);
    close(number);
    return number;
}

TEST(a_number_that_is_not_open_is_refused_and_not_taken_for_a_pipe_of_ours) {
    rondel_loop loop = rondel_loop_new();
    struct seen never = {0, 0, 0};
    int first = next_number();
    REQUIRE(first > 3 && first < 50);
    for (int number = first; number < first + 8; number++) {
        struct command command;
        if (fcntl(number, F_GETFD) >= 0) continue;
        command_of(&command, "cat");
        command_stdio(&command, 0, RONDEL_STDIO_PIPE_IN);
        command_stdio(&command, 1, RONDEL_STDIO_PIPE_OUT);
        command_stdio(&command, 2, RONDEL_STDIO_NULL);
        command_stdio(&command, 3, RONDEL_STDIO_FD)->fd = number;
        CHECK_EQ(spawn_command(loop, &command, see, &never), RONDEL_EBADF);
        CHECK_EQ(rondel_process_run(loop, &command.options, "x", 1, 0, see, &never), RONDEL_EBADF);
        rondel_stdio many[64];
        memset(many, 0, sizeof many);
        for (int i = 0; i < 64; i++) many[i].kind = RONDEL_STDIO_CLOSED;
        many[0].kind = RONDEL_STDIO_PIPE_IN;
        many[1].kind = RONDEL_STDIO_PIPE_OUT;
        many[number].kind = RONDEL_STDIO_INHERIT;
        command.options.stdio = many;
        command.options.stdio_count = (size_t)number + 1;
        CHECK_EQ(spawn_command(loop, &command, see, &never), RONDEL_EBADF);
    }
    CHECK_EQ(next_number(), first);
    CHECK_EQ(never.calls, 0);
    free_childless(loop);
}

/* Closed after the loop was made: its number is the next one, and so could be a pipe's. */
TEST(a_standard_one_that_is_closed_here_is_closed_there) {
    if (ON_VALGRIND) SKIP("valgrind has descriptors of its own");
    rondel_loop loop = rondel_loop_new();
    struct command command;
    struct seen seen = {0, 0, 0};
    const uint8_t *said;
    int kept = fcntl(0, F_DUPFD_CLOEXEC, 10);
    REQUIRE(kept >= 0);
    command_of(&command, "readlink /proc/$$/fd/0 || echo none");
    command_stdio(&command, 0, RONDEL_STDIO_INHERIT);
    command_stdio(&command, 1, RONDEL_STDIO_PIPE_OUT);
    command_stdio(&command, 2, RONDEL_STDIO_NULL);
    close(0);
    rondel_future future = rondel_process_run(loop, &command.options, NULL, 0, 0, see, &seen);
    CHECK_EQ(rondel_retain(future), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(dup2(kept, 0), 0);
    close(kept);
    CHECK_EQ(seen.result, 0);
    CHECK_EQ(rondel_process_output(future, 1, &said), 5);
    CHECK_STR((const char *)said, "none\n");
    CHECK_EQ(rondel_release(future), 0);
    free_childless(loop);
}

/* Started as by `program <&- >&- 2>&-`. */
static int without_standard_descriptors(void *closed) {
    struct stat null, own;
    struct command command;
    int kept = fcntl(2, F_DUPFD_CLOEXEC, 10), which = *(const int *)closed;
    for (int number = 0; number < 3; number++)
        if (which & 1 << number) close(number);
    rondel_loop loop = rondel_loop_new();
    CHECK_EQ(stat("/dev/null", &null), 0);
    for (int number = 0; number < 3; number++) {
        CHECK_EQ(fstat(number, &own), 0);
        if (which & 1 << number) CHECK_EQ(own.st_rdev, null.st_rdev);
        if (which & 1 << number) CHECK_EQ(fcntl(number, F_GETFD), 0); /* for programs that others start, too */
    }
    CHECK(rondel_backend_fd(loop) > 2);
    command_of(&command, "readlink /proc/self/fd/0 >&3");
    const char *said = said_by(loop, &command, 3);
    if (which & 1) CHECK_STR(said, "/dev/null");
    free_childless(loop);
    dup2(kept, 2);
    return 0;
}

TEST(a_program_without_standard_descriptors_gets_nothing_of_ours_for_them) {
    static struct child child;
    for (int closed = 1; closed < 8; closed++) {
        child_start(&child, without_standard_descriptors, &closed);
        child_ends_with(&child, 0);
    }
}

TEST_MAIN(RUN(a_number_that_is_not_open_is_refused_and_not_taken_for_a_pipe_of_ours),
          RUN(a_standard_one_that_is_closed_here_is_closed_there),
          RUN(a_program_without_standard_descriptors_gets_nothing_of_ours_for_them))
