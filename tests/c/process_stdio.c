/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Child processes: what they have under their descriptors, and what of ours they do not have. */
#include "support/process.h"

/* Collects what comes from a stream until its end, then closes it. */
struct collected {
    char text[1 << 12];
    size_t length;
    int64_t total, end;
};

static void collect(rondel_stream stream, const uint8_t *bytes, int64_t n, void *user_data) {
    struct collected *collected = user_data;
    if (n < 0) {
        collected->end = n;
        CHECK_EQ(rondel_close(stream), 0);
        return;
    }
    collected->total += n;
    for (int64_t i = 0; i < n && collected->length < sizeof collected->text - 1; i++)
        collected->text[collected->length++] = (char)bytes[i];
    collected->text[collected->length] = 0;
}

static void collect_from(rondel_process process, int number, struct collected *collected) {
    rondel_stream stream = rondel_process_stream(process, number);
    memset(collected, 0, sizeof *collected);
    CHECK_EQ(rondel_kind(stream), RONDEL_KIND_PIPE);
    CHECK_EQ(rondel_read_start(stream, collect, collected), 0);
}

static void run_and_close(rondel_process process, int64_t status) {
    rondel_loop loop = rondel_loop_of(process);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(end_of(process), status);
    free_childless(loop);
}

TEST(what_it_writes_is_read_until_its_end) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    struct collected out, err;
    command_of(&command, "echo out; echo err >&2; exit 1");
    command_stdio(&command, 0, RONDEL_STDIO_NULL);
    command_stdio(&command, 1, RONDEL_STDIO_PIPE_OUT);
    command_stdio(&command, 2, RONDEL_STDIO_PIPE_OUT);
    rondel_process process = spawn_command(loop, &command, NULL, NULL);
    REQUIRE(process > 0);
    CHECK_EQ(rondel_process_stream(process, 0), RONDEL_EINVAL);
    CHECK_EQ(rondel_process_stream(process, 3), RONDEL_EINVAL);
    CHECK_EQ(rondel_process_stream(process, -1), RONDEL_EINVAL);
    CHECK_EQ(rondel_process_stream(process, INT32_MAX), RONDEL_EINVAL);
    CHECK_EQ(rondel_process_stream(process, 1), rondel_process_stream(process, 1));
    collect_from(process, 1, &out);
    collect_from(process, 2, &err);
    run_and_close(process, 1);
    CHECK_STR(out.text, "out\n");
    CHECK_STR(err.text, "err\n");
    CHECK_EQ(out.end, RONDEL_EOF);
    CHECK_EQ(err.end, RONDEL_EOF);
}

TEST(what_is_written_to_it_is_read_by_it_to_the_end) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    struct collected out;
    struct seen written = {0, 0, 0};
    command_of(&command, "cat; exit 4");
    command_stdio(&command, 0, RONDEL_STDIO_PIPE_IN);
    command_stdio(&command, 1, RONDEL_STDIO_PIPE_OUT);
    rondel_process process = spawn_command(loop, &command, NULL, NULL);
    REQUIRE(process > 0);
    rondel_stream in = rondel_process_stream(process, 0);
    collect_from(process, 1, &out);
    CHECK(rondel_write(in, "hello ", 6, NULL, NULL) > 0);
    CHECK(rondel_write(in, "there", 5, see, &written) > 0);
    CHECK_EQ(rondel_close_when_sent(in), 0);
    run_and_close(process, 4);
    CHECK_EQ(written.result, 5);
    CHECK_STR(out.text, "hello there");
}

static void stop_loop_once(rondel_handle process, int64_t status, void *user_data) {
    see(process, status, user_data);
    CHECK_EQ(rondel_stop(rondel_loop_of(process)), 0);
}

/* The pipe is full and the process is gone before anybody reads. */
TEST(the_last_output_is_there_after_the_end_was_told) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    struct collected out;
    struct seen exited = {0, 0, 0};
    command_of(&command, "head -c 60000 /dev/zero; printf last");
    command_stdio(&command, 1, RONDEL_STDIO_PIPE_OUT);
    rondel_process process = spawn_command(loop, &command, stop_loop_once, &exited);
    REQUIRE(process > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_FOREVER), 0);
    CHECK_EQ(exited.calls, 1);
    rondel_stream stream = rondel_process_stream(process, 1);
    CHECK_EQ(rondel_close(process), 0); /* nor does that take it away */
    memset(&out, 0, sizeof out);
    CHECK_EQ(rondel_read_start(stream, collect, &out), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(out.total, 60004);
    CHECK_EQ(out.end, RONDEL_EOF);
    free_childless(loop);
}

TEST(more_than_the_pipe_holds_goes_through_both_ways) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    struct collected out;
    struct seen written = {0, 0, 0};
    const size_t length = (size_t)test_scale(20 << 20, 1 << 20);
    char *bytes = calloc(1, length);
    REQUIRE(bytes != NULL);
    command_of(&command, "cat");
    command_stdio(&command, 0, RONDEL_STDIO_PIPE_IN);
    command_stdio(&command, 1, RONDEL_STDIO_PIPE_OUT);
    rondel_process process = spawn_command(loop, &command, NULL, NULL);
    REQUIRE(process > 0);
    collect_from(process, 1, &out);
    rondel_stream in = rondel_process_stream(process, 0);
    CHECK(rondel_write_borrowed(in, bytes, length, see, &written) > 0);
    CHECK_EQ(rondel_close_when_sent(in), 0);
    run_and_close(process, 0);
    CHECK_EQ(written.result, length);
    CHECK_EQ(out.total, length);
    free(bytes);
}

TEST(writing_to_one_that_does_not_read_any_more_fails_and_raises_nothing) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    struct seen written = {0, 0, 0};
    static char bytes[1 << 20];
    command_of(&command, "exit 0");
    command_stdio(&command, 0, RONDEL_STDIO_PIPE_IN);
    rondel_process process = spawn_command(loop, &command, NULL, NULL);
    rondel_stream in = rondel_process_stream(process, 0);
    CHECK(rondel_write(in, bytes, sizeof bytes, see, &written) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(written.result, RONDEL_EPIPE);
    CHECK_EQ(rondel_close(in), 0);
    CHECK_EQ(end_of(process), 0);
    free_childless(loop);
}

TEST(one_pipe_may_go_both_ways) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    struct collected back;
    command_of(&command, "cat <&3 >&3");
    command_stdio(&command, 3, RONDEL_STDIO_PIPE_BOTH);
    rondel_process process = spawn_command(loop, &command, NULL, NULL);
    REQUIRE(process > 0);
    collect_from(process, 3, &back);
    rondel_stream both = rondel_process_stream(process, 3);
    CHECK(rondel_write(both, "to and fro", 10, NULL, NULL) > 0);
    CHECK(rondel_shutdown(both, NULL, NULL) > 0);
    run_and_close(process, 0);
    CHECK_STR(back.text, "to and fro");
}

/* A pair of sockets could not be opened by that name. */
TEST(pipes_are_pipes_that_can_be_opened_again_by_name) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    struct collected out;
    command_of(&command, "cat /dev/stdin > /dev/stdout");
    command_stdio(&command, 0, RONDEL_STDIO_PIPE_IN);
    command_stdio(&command, 1, RONDEL_STDIO_PIPE_OUT);
    rondel_process process = spawn_command(loop, &command, NULL, NULL);
    collect_from(process, 1, &out);
    rondel_stream in = rondel_process_stream(process, 0);
    CHECK(rondel_write(in, "again", 5, NULL, NULL) > 0);
    CHECK_EQ(rondel_close_when_sent(in), 0);
    run_and_close(process, 0);
    CHECK_STR(out.text, "again");
}

TEST(descriptors_beyond_the_third_may_be_pipes_too) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    struct collected out[8];
    char expected[16];
    command_of(&command, "for i in 3 4 5 6 7; do eval \"echo to $i >&$i\"; done");
    for (int number = 3; number < 8; number++) command_stdio(&command, number, RONDEL_STDIO_PIPE_OUT);
    rondel_process process = spawn_command(loop, &command, NULL, NULL);
    REQUIRE(process > 0);
    for (int number = 3; number < 8; number++) collect_from(process, number, &out[number]);
    run_and_close(process, 0);
    for (int number = 3; number < 8; number++) {
        snprintf(expected, sizeof expected, "to %d\n", number);
        CHECK_STR(out[number].text, expected);
    }
}

TEST(standard_error_may_be_the_same_as_standard_output) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    struct collected out;
    command_of(&command, "echo one; echo two >&2; echo three");
    command_stdio(&command, 1, RONDEL_STDIO_PIPE_OUT);
    command_stdio(&command, 2, RONDEL_STDIO_SAME)->other = 1;
    rondel_process process = spawn_command(loop, &command, NULL, NULL);
    collect_from(process, 1, &out);
    run_and_close(process, 0);
    CHECK_STR(out.text, "one\ntwo\nthree\n");
}

TEST(the_null_device_is_empty_and_swallows) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    command_of(&command, "echo lost; cat >&2; readlink /proc/self/fd/0 >&3");
    command_stdio(&command, 0, RONDEL_STDIO_NULL);
    command_stdio(&command, 1, RONDEL_STDIO_NULL);
    CHECK_STR(said_by(loop, &command, 3), "/dev/null");
    free_childless(loop);
}

TEST(what_is_not_said_is_inherited) {
    rondel_loop loop = rondel_loop_new();
    char own[256];
    ssize_t length = readlink("/proc/self/fd/2", own, sizeof own - 1);
    REQUIRE(length > 0);
    own[length] = 0;
    CHECK_STR(output_of(loop, "readlink /proc/self/fd/2"), own);
    free_childless(loop);
}

TEST(a_closed_one_is_not_open) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    command_of(&command, "ls /proc/self/fd >&3");
    command_stdio(&command, 0, RONDEL_STDIO_CLOSED);
    command_stdio(&command, 1, RONDEL_STDIO_CLOSED);
    /* ls opens the folder under the lowest free number, which is 0. */
    CHECK_STR(said_by(loop, &command, 3), "0\n1\n2\n3");
    free_childless(loop);
}

/* ---- Descriptors of ours ---- */

TEST(a_given_file_is_written_to_and_stays_open_here) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    char path[] = "/tmp/rondel-process-XXXXXX", text[64] = "";
    int fd = mkstemp(path);
    REQUIRE(fd >= 0);
    unlink(path);
    command_of(&command, "echo hello world; echo hello errworld >&2");
    command_stdio(&command, 1, RONDEL_STDIO_FD)->fd = fd;
    command_stdio(&command, 2, RONDEL_STDIO_FD)->fd = fd;
    CHECK_EQ(end_of(spawn_command(loop, &command, NULL, NULL)), 0);
    CHECK_EQ(pread(fd, text, sizeof text - 1, 0), 27);
    CHECK_STR(text, "hello world\nhello errworld\n");
    close(fd);
    free_childless(loop);
}

static const char *link_of(int fd) {
    static char target[256];
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(path, target, sizeof target - 1);
    target[length > 0 ? length : 0] = 0;
    return target;
}

/* Each is where another one is to be: nothing is overwritten before it was moved. */
TEST(given_descriptors_may_change_places) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    int fds[4];
    char text[64], expected[64] = "", path[64];
    const char *script = "for i in 4 5 6 7; do eval \"echo in $i >&$i\"; done";
    for (int i = 0; i < 4; i++) {
        int opened;
        snprintf(path, sizeof path, "/tmp/rondel-process-XXXXXX");
        opened = mkstemp(path);
        unlink(path);
        fds[i] = fcntl(opened, F_DUPFD, 4); /* 4 to 7, if they are free */
        close(opened);
        CHECK(fds[i] >= 4);
    }
    command_of(&command, script);
    for (int i = 0; i < 4; i++) command_stdio(&command, 4 + i, RONDEL_STDIO_FD)->fd = fds[(i + 1) % 4];
    command_stdio(&command, 3, RONDEL_STDIO_NULL);
    CHECK_EQ(end_of(spawn_command(loop, &command, NULL, NULL)), 0);
    for (int i = 0; i < 4; i++) {
        memset(text, 0, sizeof text);
        CHECK(pread(fds[(i + 1) % 4], text, sizeof text - 1, 0) > 0);
        snprintf(expected, sizeof expected, "in %d\n", 4 + i);
        CHECK_STR(text, expected);
    }
    for (int i = 0; i < 4; i++) close(fds[i]);
    free_childless(loop);
}

TEST(standard_output_and_error_may_be_swapped) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    char first[256];
    int out[2], err[2], kept[2] = {dup(1), dup(2)};
    REQUIRE_EQ(pipe(out), 0);
    REQUIRE_EQ(pipe(err), 0);
    command_of(&command, "readlink /proc/self/fd/2 >&3");
    command_stdio(&command, 1, RONDEL_STDIO_FD)->fd = 2;
    command_stdio(&command, 2, RONDEL_STDIO_FD)->fd = 1;
    fflush(NULL);
    dup2(out[1], 1), dup2(err[1], 2);
    snprintf(first, sizeof first, "%s", link_of(1));
    const char *said = said_by(loop, &command, 3);
    dup2(kept[0], 1), dup2(kept[1], 2);
    CHECK_STR(said, first);
    for (int i = 0; i < 2; i++) close(out[i]), close(err[i]), close(kept[i]);
    free_childless(loop);
}

TEST(a_parent_without_standard_descriptors_may_spawn) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    struct collected out;
    int kept = fcntl(0, F_DUPFD_CLOEXEC, 10);
    command_of(&command, "cat");
    command_stdio(&command, 0, RONDEL_STDIO_PIPE_IN);
    command_stdio(&command, 1, RONDEL_STDIO_PIPE_OUT);
    close(0); /* the next descriptor made gets this number */
    rondel_process process = spawn_command(loop, &command, NULL, NULL);
    CHECK(process > 0);
    collect_from(process, 1, &out);
    rondel_stream in = rondel_process_stream(process, 0);
    CHECK(rondel_write(in, "hello", 5, NULL, NULL) > 0);
    CHECK_EQ(rondel_close_when_sent(in), 0);
    run_and_close(process, 0);
    if (kept >= 0) dup2(kept, 0), close(kept);
    CHECK_STR(out.text, "hello");
}

/* Under valgrind the valgrind in the child has descriptors of its own. */
TEST(nothing_else_of_ours_gets_there) {
    if (ON_VALGRIND) SKIP("valgrind has descriptors of its own");
    rondel_loop loop = rondel_loop_new();
    struct command command;
    int leaky = open("/dev/null", O_RDONLY), given = open("/dev/zero", O_RDONLY); /* neither closes by itself */
    int high = fcntl(leaky, F_DUPFD, 200);
    rondel_tcp server = rondel_tcp_listen(loop, "127.0.0.1", 0, see, NULL);
    CHECK(server > 0);
    command_of(&command, "ls -l /proc/self/fd | grep -c /dev/null; ls -l /proc/self/fd | grep -c socket; ls /proc/self/fd");
    command_stdio(&command, 0, RONDEL_STDIO_NULL);
    command_stdio(&command, 2, RONDEL_STDIO_NULL);
    command_stdio(&command, 4, RONDEL_STDIO_FD)->fd = given;
    command_stdio(&command, 3, RONDEL_STDIO_CLOSED);
    CHECK_STR(said_by(loop, &command, 1), "2\n0\n0\n1\n2\n3\n4"); /* 3 is the folder that ls reads */
    command_of(&command, "test -e /proc/self/fd/200 && echo kept")->flags = RONDEL_PROCESS_KEEP_FDS;
    CHECK_STR(said_by(loop, &command, 1), "kept");
    close(leaky), close(given), close(high);
    CHECK_EQ(rondel_close(server), 0);
    free_childless(loop);
}

/* If another child had our end too, this one would wait for its input for ever. */
static void *feed_cats(void *arg) {
    rondel_loop loop = rondel_loop_new();
    for (int64_t i = test_scale(100, 8); i > 0; i--) {
        struct command command;
        struct collected out;
        command_of(&command, "");
        command.options.file = "cat";
        command.options.argv = NULL;
        command_stdio(&command, 0, RONDEL_STDIO_PIPE_IN);
        command_stdio(&command, 1, RONDEL_STDIO_PIPE_OUT);
        rondel_process process = spawn_command(loop, &command, NULL, NULL);
        collect_from(process, 1, &out);
        rondel_stream in = rondel_process_stream(process, 0);
        CHECK(rondel_write(in, "purr", 4, NULL, NULL) > 0);
        CHECK_EQ(rondel_close_when_sent(in), 0);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_STR(out.text, "purr");
        CHECK_EQ(end_of(process), 0);
    }
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    return arg;
}

TEST(pipes_of_one_thread_are_not_inherited_by_children_of_another) {
    pthread_t threads[6];
    for (int i = 0; i < 6; i++) REQUIRE_EQ(pthread_create(&threads[i], NULL, feed_cats, NULL), 0);
    for (int i = 0; i < 6; i++) CHECK_EQ(pthread_join(threads[i], NULL), 0);
    no_children_left();
}

TEST(pipes_nobody_asked_for_go_with_the_process) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    command_of(&command, "cat");
    command_stdio(&command, 0, RONDEL_STDIO_PIPE_IN);
    command_stdio(&command, 1, RONDEL_STDIO_PIPE_OUT);
    rondel_process process = spawn_command(loop, &command, NULL, NULL);
    int64_t pid = rondel_process_pid(process);
    CHECK_EQ(rondel_close(process), 0); /* which ends the input of cat, and so cat */
    while (kill((pid_t)pid, 0) == 0) CHECK(rondel_run(loop, RONDEL_RUN_NOWAIT) >= 0);
    free_childless(loop);
}

TEST(no_descriptors_left_refuses_the_spawn_and_leaks_none) {
    if (ON_VALGRIND) SKIP("valgrind counts descriptors by itself, and dies of it");
    rondel_loop loop = rondel_loop_new();
    struct rlimit limit, lower;
    struct command command;
    command_of(&command, "true");
    for (int number = 0; number < 8; number++) command_stdio(&command, number, RONDEL_STDIO_PIPE_OUT);
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    int before = test_open_descriptors();
    for (int more = 1; more < 16; more++) {
        lower = limit;
        lower.rlim_cur = (rlim_t)(before + more);
        CHECK_EQ(setrlimit(RLIMIT_NOFILE, &lower), 0);
        int64_t process = spawn_command(loop, &command, NULL, NULL);
        CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
        CHECK_EQ(process, RONDEL_EMFILE);
        CHECK_EQ(test_open_descriptors(), before);
    }
    free_childless(loop);
}

TEST_MAIN(RUN(what_it_writes_is_read_until_its_end), RUN(what_is_written_to_it_is_read_by_it_to_the_end),
          RUN(the_last_output_is_there_after_the_end_was_told), RUN(more_than_the_pipe_holds_goes_through_both_ways),
          RUN(writing_to_one_that_does_not_read_any_more_fails_and_raises_nothing), RUN(one_pipe_may_go_both_ways),
          RUN(pipes_are_pipes_that_can_be_opened_again_by_name),
          RUN(descriptors_beyond_the_third_may_be_pipes_too),
          RUN(standard_error_may_be_the_same_as_standard_output), RUN(the_null_device_is_empty_and_swallows),
          RUN(what_is_not_said_is_inherited), RUN(a_closed_one_is_not_open),
          RUN(a_given_file_is_written_to_and_stays_open_here), RUN(given_descriptors_may_change_places),
          RUN(standard_output_and_error_may_be_swapped), RUN(a_parent_without_standard_descriptors_may_spawn),
          RUN(nothing_else_of_ours_gets_there), RUN(pipes_of_one_thread_are_not_inherited_by_children_of_another),
          RUN(pipes_nobody_asked_for_go_with_the_process), RUN(no_descriptors_left_refuses_the_spawn_and_leaks_none))
