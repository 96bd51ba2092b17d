/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Streams that go over to child processes, so that pipes join one to the next. */
#include "support/process.h"

static int non_blocking(rondel_stream stream) { return (fcntl((int)rondel_fileno(stream), F_GETFL) & O_NONBLOCK) != 0; }

/* `number` of the command is to be the stream. */
static void command_stream(struct command *command, int number, rondel_stream stream) {
    command_stdio(command, number, RONDEL_STDIO_STREAM)->fd = stream;
}

static void close_it(rondel_future future, int64_t result, void *user_data) {
    (void)future, (void)result;
    CHECK_EQ(rondel_close(*(rondel_stream *)user_data), 0);
}

/* The second and third are there before anything is to be read: who reads without waiting fails. */
TEST(everything_goes_through_three_commands_joined_by_pipes) {
    enum { LENGTH = 1 << 20 };
    rondel_loop loop = rondel_loop_new();
    struct command first, second, third;
    struct seen closed = {0, 0, 0};
    const uint8_t *bytes = NULL;
    char *input = malloc(LENGTH);
    REQUIRE(input != NULL);
    for (int i = 0; i < LENGTH; i++) input[i] = (char)('a' + (i * 7 + i / 4096) % 26);
    command_of(&first, "exec tr a-z A-Z");
    command_stdio(&first, 0, RONDEL_STDIO_PIPE_IN);
    command_stdio(&first, 1, RONDEL_STDIO_PIPE_OUT);
    rondel_process one = spawn_command(loop, &first, NULL, NULL);
    rondel_stream in = rondel_process_stream(one, 0), between = rondel_process_stream(one, 1);
    CHECK_EQ(rondel_on_close(between, see, &closed), 0);
    command_of(&second, "exec cat");
    command_stream(&second, 0, between);
    command_stdio(&second, 1, RONDEL_STDIO_PIPE_OUT);
    rondel_process two = spawn_command(loop, &second, NULL, NULL);
    REQUIRE(one > 0 && two > 0);
    CHECK_EQ(rondel_read_stop(between), RONDEL_EGONE);
    command_of(&third, "exec tr A-Z a-z");
    command_stream(&third, 0, rondel_process_stream(two, 1));
    command_stdio(&third, 1, RONDEL_STDIO_PIPE_OUT);
    rondel_future future = rondel_process_run(loop, &third.options, NULL, 0, 0, RONDEL_FUTURE);
    CHECK(rondel_write(in, input, LENGTH, close_it, &in) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(closed.calls, 1);
    CHECK_EQ(rondel_future_result(future), 0);
    CHECK_EQ(rondel_process_output(future, 1, &bytes), LENGTH);
    CHECK(memcmp(bytes, input, LENGTH) == 0);
    CHECK_EQ(rondel_release(future), 0);
    CHECK_EQ(end_of(one), 0);
    CHECK_EQ(end_of(two), 0);
    free(input);
    free_childless(loop);
}

/* One that writes without waiting fails when the pipe is full. */
TEST(a_pair_joins_two_processes) {
    rondel_loop loop = rondel_loop_new();
    struct command writes, reads;
    rondel_pipe ends[2];
    REQUIRE_EQ(rondel_pipe_pair(loop, RONDEL_PIPE_ONE_WAY, ends), 0);
    command_of(&writes, "head -c 300000 /dev/zero; test $? = 0 && echo");
    command_stream(&writes, 1, ends[1]);
    rondel_process process = spawn_command(loop, &writes, NULL, NULL);
    CHECK(process > 0);
    command_of(&reads, "wc -c | tr -d ' '");
    command_stream(&reads, 0, ends[0]);
    CHECK_STR(said_by(loop, &reads, 1), "300001");
    CHECK_EQ(end_of(process), 0);
    CHECK_EQ(rondel_close(ends[0]), RONDEL_EGONE);
    CHECK_EQ(rondel_close(ends[1]), RONDEL_EGONE);
    free_childless(loop);
}

TEST(one_stream_may_be_input_and_output) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    rondel_pipe ends[2];
    struct seen read = {0, 0, 0};
    char bytes[8] = "";
    REQUIRE_EQ(rondel_pipe_pair(loop, RONDEL_PIPE_BOTH_WAYS, ends), 0);
    CHECK(rondel_read(ends[1], bytes, 1, see, &read) > 0);
    command_of(&command, "exec cat");
    command_stream(&command, 0, ends[1]);
    command_stream(&command, 1, ends[1]);
    rondel_process process = spawn_command(loop, &command, NULL, NULL);
    CHECK(process > 0);
    CHECK(rondel_write(ends[0], "hello", 5, NULL, NULL) > 0);
    CHECK(rondel_shutdown(ends[0], NULL, NULL) > 0);
    CHECK_EQ(rondel_run_until(loop, rondel_read_exactly(ends[0], bytes, 5, RONDEL_FUTURE)), 5);
    CHECK_STR(bytes, "hello");
    CHECK_EQ(rondel_run_until(loop, rondel_read(ends[0], bytes, 1, RONDEL_FUTURE)), RONDEL_EOF);
    CHECK_EQ(read.result, RONDEL_ECANCELED); /* it was closed here */
    CHECK_EQ(rondel_close(ends[0]), 0);
    CHECK_EQ(end_of(process), 0);
    free_childless(loop);
}

TEST(without_a_process_a_stream_stays_as_it_was) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    rondel_pipe ends[2];
    char bytes[8] = "";
    REQUIRE_EQ(rondel_pipe_pair(loop, RONDEL_PIPE_ONE_WAY, ends), 0);
    command_of(&command, "true")->file = "/no/such/program";
    command_stream(&command, 0, ends[0]);
    CHECK_EQ(spawn_command(loop, &command, NULL, NULL), RONDEL_ENOENT);
    CHECK_EQ(rondel_process_run(loop, &command.options, NULL, 0, 0, RONDEL_FUTURE), RONDEL_ENOENT);
    CHECK(non_blocking(ends[0]));
    CHECK(rondel_write(ends[1], "x", 1, NULL, NULL) > 0);
    CHECK_EQ(rondel_run_until(loop, rondel_read(ends[0], bytes, 8, RONDEL_FUTURE)), 1);
    CHECK_EQ(rondel_close(ends[0]), 0);
    CHECK_EQ(rondel_close(ends[1]), 0);
    free_childless(loop);
}

TEST(what_cannot_go_over_is_refused) {
    rondel_loop loop = rondel_loop_new(), other = rondel_loop_new();
    struct command command;
    rondel_pipe ends[2], foreign[2];
    char bytes[8] = "";
    REQUIRE_EQ(rondel_pipe_pair(loop, RONDEL_PIPE_BOTH_WAYS, ends), 0);
    REQUIRE_EQ(rondel_pipe_pair(other, RONDEL_PIPE_BOTH_WAYS, foreign), 0);
    rondel_tcp unconnected = rondel_tcp_new(loop);
    command_of(&command, "true");
    const int64_t bad[][2] = {{0, RONDEL_EINVAL},         {RONDEL_EMFILE, RONDEL_EMFILE}, {loop, RONDEL_EKIND},
                              {foreign[0], RONDEL_EGONE}, {unconnected, RONDEL_ENOTCONN}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        command_stream(&command, 0, bad[i][0]);
        CHECK_EQ(spawn_command(loop, &command, NULL, NULL), bad[i][1]);
    }
    CHECK(rondel_write(ends[0], "two\nlines\n", 10, NULL, NULL) > 0);
    CHECK_EQ(rondel_run_until(loop, rondel_read_until(ends[1], bytes, 8, "\n", 1, RONDEL_FUTURE)), 4);
    command_stream(&command, 0, ends[1]);
    CHECK_EQ(spawn_command(loop, &command, NULL, NULL), RONDEL_EBUSY); /* the second line would be lost */
    CHECK_EQ(rondel_run_until(loop, rondel_read_exactly(ends[1], bytes, 6, RONDEL_FUTURE)), 6);
    CHECK_EQ(rondel_close(ends[0]), 0);
    CHECK_EQ(rondel_close(ends[1]), 0);
    CHECK_EQ(spawn_command(loop, &command, NULL, NULL), RONDEL_EGONE);
    CHECK_EQ(rondel_close(unconnected), 0);
    CHECK_EQ(rondel_loop_free(other), 0);
    free_childless(loop);
}

TEST_MAIN(RUN(everything_goes_through_three_commands_joined_by_pipes), RUN(a_pair_joins_two_processes),
          RUN(one_stream_may_be_input_and_output), RUN(without_a_process_a_stream_stays_as_it_was),
          RUN(what_cannot_go_over_is_refused))
