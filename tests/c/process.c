/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Child processes: how they end and who hears of it. */
#include "support/process.h"

#include <stddef.h>

static void close_process(rondel_process process, int64_t status, void *user_data) {
    see(process, status, user_data);
    CHECK_EQ(rondel_close(process), 0);
}

TEST(the_exit_code_is_told_once_on_the_loop) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0}, closed = {0, 0, 0};
    rondel_process process = spawn_script(loop, "exit 7", close_process, &seen);
    REQUIRE(process > 0);
    CHECK_EQ(rondel_kind(process), RONDEL_KIND_PROCESS);
    CHECK_EQ(rondel_is_active(process), 1);
    CHECK(rondel_process_pid(process) > 1);
    CHECK_EQ(rondel_on_close(process, see, &closed), 0);
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0); /* it keeps the loop going until it ends */
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, 7);
    CHECK_EQ(seen.source, process);
    CHECK_EQ(closed.calls, 1);
    free_childless(loop);
}

TEST(every_exit_code_comes_through) {
    rondel_loop loop = rondel_loop_new();
    char script[32];
    for (int code = 0; code < 256; code += test_small() ? 51 : 1) {
        snprintf(script, sizeof script, "exit %d", code);
        CHECK_EQ(status_of(loop, script), code);
    }
    free_childless(loop);
}

TEST(a_signal_is_told_apart_from_every_code) {
    rondel_loop loop = rondel_loop_new();
    const int signals[] = {SIGKILL, SIGTERM, SIGHUP, SIGPIPE, SIGUSR1};
    char script[32];
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        snprintf(script, sizeof script, "kill -%d $$", signals[i]);
        int64_t status = status_of(loop, script);
        CHECK_EQ(status, RONDEL_EXIT_SIGNAL + signals[i]);
        CHECK_EQ(rondel_exit_signal(status), signals[i]);
        CHECK_EQ(rondel_exit_code(status), RONDEL_EINTR);
    }
    CHECK_EQ(rondel_exit_code(143), 143);
    CHECK_EQ(rondel_exit_signal(143), 0);
    CHECK_EQ(rondel_exit_code(RONDEL_ECHILD), RONDEL_ECHILD);
    CHECK_EQ(rondel_exit_signal(RONDEL_ECHILD), RONDEL_ECHILD);
    free_childless(loop);
}

TEST(nobody_need_listen) {
    rondel_loop loop = rondel_loop_new();
    rondel_process process = spawn_script(loop, "exit 3", NULL, NULL);
    REQUIRE(process > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_is_active(process), 0);
    CHECK_EQ(rondel_is_closing(process), 0);
    CHECK_EQ(end_of(process), 3); /* and may still ask later */
    free_childless(loop);
}

TEST(the_exit_may_be_handed_out_by_next) {
    rondel_loop loop = rondel_loop_new();
    int mark = 0;
    rondel_completion completion;
    rondel_process process = spawn_script(loop, "exit 5", rondel_enqueue, &mark);
    REQUIRE(process > 0);
    CHECK_EQ(rondel_next(loop, &completion, 1, RONDEL_FOREVER), 1);
    CHECK_EQ(completion.source, process);
    CHECK_EQ(completion.result, 5);
    CHECK(completion.user_data == &mark);
    CHECK_EQ(rondel_close(process), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    free_childless(loop);
}

/* ---- What cannot be run ---- */

static void refused(rondel_loop loop, rondel_process_options *options, int64_t code) {
    struct seen never = {0, 0, 0};
    CHECK_EQ(rondel_process_spawn(loop, options, see, &never), code);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(never.calls, 0);
    no_children_left();
}

static void write_file(const char *path, const char *text, int mode) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);
    CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
    CHECK_EQ(fchmod(fd, (mode_t)mode), 0);
    close(fd);
}

TEST(a_program_that_cannot_be_run_is_refused_with_the_reason) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    char folder[] = "/tmp/rondel-process-XXXXXX", plain[64], text[64];
    REQUIRE(mkdtemp(folder) != NULL);
    snprintf(plain, sizeof plain, "%s/plain", folder);
    snprintf(text, sizeof text, "%s/text", folder);
    write_file(plain, "#!/bin/sh\n", 0600);
    write_file(text, "just words\n", 0700);
    const struct {
        const char *file;
        int64_t code;
    } cases[] = {
        {"/no/such/program", RONDEL_ENOENT},
        {"no-such-program-on-any-path", RONDEL_ENOENT},
        {"", RONDEL_ENOENT},
        {plain, RONDEL_EACCES},
        {folder, RONDEL_EACCES},
        {"/dev/null/program", RONDEL_ENOTDIR},
        {text, RONDEL_ENOEXEC},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        command_of(&command, "true")->file = cases[i].file;
        refused(loop, &command.options, cases[i].code);
    }
    unlink(plain), unlink(text), rmdir(folder);
    free_childless(loop);
}

TEST(a_folder_that_cannot_be_entered_is_told_apart) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    command_of(&command, "true")->cwd = "/no/such/folder";
    refused(loop, &command.options, RONDEL_ECWD);
    command_of(&command, "true")->cwd = "/dev/null";
    refused(loop, &command.options, RONDEL_ECWD);
    free_childless(loop);
}

TEST(arguments_that_are_too_long_are_refused) {
    if (ON_VALGRIND) SKIP("valgrind dies of it");
    rondel_loop loop = rondel_loop_new();
    struct command command;
    const size_t length = 64 << 20;
    char *argument = malloc(length);
    REQUIRE(argument != NULL);
    memset(argument, 'x', length - 1);
    argument[length - 1] = 0;
    command_of(&command, "true");
    command.argv[4] = argument;
    refused(loop, &command.options, RONDEL_E2BIG);
    free(argument);
    free_childless(loop);
}

TEST(a_refused_spawn_leaves_nothing_behind) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    for (int64_t i = test_scale(300, 30); i > 0; i--) {
        command_of(&command, "true")->file = "/no/such/program";
        for (int number = 0; number < 8; number++)
            command_stdio(&command, number, number % 2 ? RONDEL_STDIO_PIPE_OUT : RONDEL_STDIO_PIPE_BOTH);
        CHECK_EQ(spawn_command(loop, &command, NULL, NULL), RONDEL_ENOENT);
    }
    free_childless(loop);
}

TEST(what_makes_no_sense_is_refused) {
    rondel_loop loop = rondel_loop_new();
    struct command command;
    struct seen never = {0, 0, 0};
    const uint32_t group = 0;
    CHECK_EQ(rondel_process_spawn(loop, NULL, see, &never), RONDEL_EINVAL);
#define NONSENSE(change)                                                                                               \
    command_of(&command, "true");                                                                                      \
    change;                                                                                                            \
    refused(loop, &command.options, RONDEL_EINVAL)
    NONSENSE(command.options.size = 0);
    NONSENSE(command.options.size = sizeof command.options - 1);
    NONSENSE(command.options.size = SIZE_MAX);
    NONSENSE(command.options.file = NULL);
    NONSENSE(command.argv[0] = NULL);
    NONSENSE(command.options.flags = 1u << 31);
    NONSENSE(command.options.flags = RONDEL_PROCESS_DETACHED | RONDEL_PROCESS_GROUP);
    NONSENSE((command.options.flags = RONDEL_PROCESS_GROUP, command.options.process_group = -1));
    NONSENSE((command.options.flags = RONDEL_PROCESS_UMASK, command.options.umask = 01000));
    NONSENSE((command.options.flags = RONDEL_PROCESS_GROUPS, command.options.group_count = 1));
    NONSENSE((command.options.groups = &group, command.options.group_count = UINT32_MAX));
    NONSENSE(command.options.stdio_count = 1);
    NONSENSE((command.options.stdio = command.stdio, command.options.stdio_count = SIZE_MAX));
    NONSENSE(command_stdio(&command, 0, -1));
    NONSENSE(command_stdio(&command, 0, 8));
    NONSENSE(command_stdio(&command, 0, INT32_MAX));
    NONSENSE(command_stdio(&command, 1, RONDEL_STDIO_SAME)->other = 1);
    NONSENSE(command_stdio(&command, 1, RONDEL_STDIO_SAME)->other = 2);
    NONSENSE(command_stdio(&command, 1, RONDEL_STDIO_SAME)->other = -1);
    command_of(&command, "true");
    CHECK_EQ(spawn_command(loop, &command, RONDEL_FUTURE), RONDEL_EINVAL);
    CHECK_EQ(spawn_command(RONDEL_EBUSY, &command, see, &never), RONDEL_EBUSY);
    command_of(&command, "true");
    command_stdio(&command, 4, RONDEL_STDIO_FD)->fd = 9999;
    refused(loop, &command.options, RONDEL_EBADF);
    command_stdio(&command, 4, RONDEL_STDIO_FD)->fd = -1;
    refused(loop, &command.options, RONDEL_EBADF);
    command_stdio(&command, 4, RONDEL_STDIO_FD)->fd = INT64_MAX;
    refused(loop, &command.options, RONDEL_EBADF);
    CHECK_EQ(never.calls, 0);
    free_childless(loop);
}

/* A program built against a later header passes more than this library knows. */
TEST(options_of_a_later_version_pass_if_they_are_not_used) {
    rondel_loop loop = rondel_loop_new();
    struct {
        rondel_process_options options;
        int64_t later;
    } larger;
    struct command command;
    memset(&larger, 0, sizeof larger);
    larger.options = *command_of(&command, "exit 4");
    larger.options.size = sizeof larger;
    CHECK_EQ(end_of(rondel_process_spawn(loop, &larger.options, NULL, NULL)), 4);
    larger.later = 1;
    CHECK_EQ(rondel_process_spawn(loop, &larger.options, NULL, NULL), RONDEL_EINVAL);
    free_childless(loop);
}

/* One built against an earlier header passes less, and nothing is to be read beyond that. */
TEST(options_of_an_earlier_version_lack_what_came_later) {
    enum { EARLIER = offsetof(rondel_process_options, grace) };
    rondel_loop loop = rondel_loop_new();
    struct command command;
    rondel_process_options *earlier = malloc(EARLIER);
    command_of(&command, "exit 4")->size = EARLIER;
    memcpy(earlier, &command.options, EARLIER);
    CHECK_EQ(end_of(rondel_process_spawn(loop, earlier, NULL, NULL)), 4);
    CHECK_EQ(rondel_run_until(loop, rondel_process_run(loop, earlier, NULL, 0, 0, RONDEL_FUTURE)), 4);
    free(earlier);
    command.options.grace = -1; /* this is then something else */
    CHECK_EQ(end_of(rondel_process_spawn(loop, &command.options, NULL, NULL)), 4);
    for (size_t size = 0; size < sizeof command.options; size++) {
        if (size >= EARLIER - sizeof(void *) && size <= EARLIER) continue; /* padding may count or not */
        command.options.size = size;
        CHECK_EQ(rondel_process_spawn(loop, &command.options, NULL, NULL), RONDEL_EINVAL);
    }
    free_childless(loop);
}

/* ---- Many ---- */

TEST(many_at_once_each_tell_their_own_end) {
    enum { MOST = 1000 };
    rondel_loop loop = rondel_loop_new();
    const int64_t count = test_scale(MOST, 40);
    static struct seen seen[MOST];
    memset(seen, 0, sizeof seen);
    char script[64];
    int go[2];
    REQUIRE_EQ(pipe(go), 0);
    for (int64_t i = 0; i < count; i++) {
        struct command command;
        snprintf(script, sizeof script, "read line; exit %d", (int)(i % 200));
        command_of(&command, script);
        command_stdio(&command, 0, RONDEL_STDIO_FD)->fd = go[0];
        CHECK(spawn_command(loop, &command, close_process, &seen[i]) > 0);
    }
    close(go[1]); /* now they all go, at once */
    close(go[0]);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    for (int64_t i = 0; i < count; i++) {
        CHECK_EQ(seen[i].calls, 1);
        CHECK_EQ(seen[i].result, i % 200);
    }
    free_childless(loop);
}

static void *spawn_in_thread(void *arg) {
    rondel_loop loop = rondel_loop_new();
    for (int64_t i = test_scale(60, 8); i > 0; i--) {
        struct command command;
        command_of(&command, "exit 9");
        command_stdio(&command, 0, RONDEL_STDIO_PIPE_IN);
        command_stdio(&command, 3, RONDEL_STDIO_PIPE_OUT);
        CHECK_EQ(end_of(spawn_command(loop, &command, NULL, NULL)), 9);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    }
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    return arg;
}

TEST(loops_of_many_threads_spawn_at_once) {
    pthread_t threads[8];
    for (int i = 0; i < 8; i++) REQUIRE_EQ(pthread_create(&threads[i], NULL, spawn_in_thread, NULL), 0);
    for (int i = 0; i < 8; i++) CHECK_EQ(pthread_join(threads[i], NULL), 0);
    no_children_left();
}

static int64_t spawn_in_task(void *arg) {
    rondel_loop loop = rondel_loop_current();
    (void)arg;
    rondel_process process = spawn_script(loop, "exit 6", NULL, NULL);
    int64_t status = rondel_await(rondel_process_wait(process, RONDEL_FUTURE));
    rondel_close(process);
    return status;
}

TEST(a_task_on_a_small_stack_may_spawn_and_await) {
    rondel_loop loop = rondel_loop_new();
    CHECK_EQ(rondel_run_until(loop, rondel_task_spawn_sized(loop, spawn_in_task, NULL, 64 * 1024)), 6);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    free_childless(loop);
}

TEST_MAIN(RUN(the_exit_code_is_told_once_on_the_loop), RUN(every_exit_code_comes_through),
          RUN(a_signal_is_told_apart_from_every_code), RUN(nobody_need_listen), RUN(the_exit_may_be_handed_out_by_next),
          RUN(a_program_that_cannot_be_run_is_refused_with_the_reason),
          RUN(a_folder_that_cannot_be_entered_is_told_apart), RUN(arguments_that_are_too_long_are_refused),
          RUN(a_refused_spawn_leaves_nothing_behind), RUN(what_makes_no_sense_is_refused),
          RUN(options_of_a_later_version_pass_if_they_are_not_used),
          RUN(options_of_an_earlier_version_lack_what_came_later), RUN(many_at_once_each_tell_their_own_end),
          RUN(loops_of_many_threads_spawn_at_once), RUN(a_task_on_a_small_stack_may_spawn_and_await))
