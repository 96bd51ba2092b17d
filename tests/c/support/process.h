/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What the tests of processes share: shell scripts as children, and looking after zombies. */
#ifndef RONDEL_TEST_PROCESS_H
#define RONDEL_TEST_PROCESS_H

#include "steps.h"
#include "test.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Options for a shell script; the caller may change them before they are used. */
struct command {
    rondel_process_options options;
    rondel_stdio stdio[8];
    const char *argv[8];
};

static inline rondel_process_options *command_of(struct command *command, const char *script) {
    memset(command, 0, sizeof *command);
    command->options.size = sizeof command->options;
    command->options.file = "/bin/sh";
    command->options.argv = command->argv;
    command->argv[0] = "sh";
    command->argv[1] = "-c";
    command->argv[2] = script;
    command->argv[3] = "sh";
    return &command->options;
}

/* Of which kind its descriptor `number` is to be; those below that were not said are inherited. */
static inline rondel_stdio *command_stdio(struct command *command, int number, int kind) {
    command->options.stdio = command->stdio;
    if (command->options.stdio_count <= (size_t)number) command->options.stdio_count = (size_t)number + 1;
    command->stdio[number].kind = kind;
    return &command->stdio[number];
}

static inline rondel_process spawn_command(rondel_loop loop, struct command *command, rondel_fn fn, void *user_data) {
    return rondel_process_spawn(loop, &command->options, fn, user_data);
}

static inline rondel_process spawn_script(rondel_loop loop, const char *script, rondel_fn fn, void *user_data) {
    struct command command;
    command_of(&command, script);
    return spawn_command(loop, &command, fn, user_data);
}

/* Runs the loop until the process has ended, closes it and gives its status. */
static inline int64_t end_of(rondel_process process) {
    int64_t status = rondel_run_until(rondel_loop_of(process), rondel_process_wait(process, RONDEL_FUTURE));
    CHECK_EQ(rondel_close(process), 0);
    return status;
}

static inline int64_t status_of(rondel_loop loop, const char *script) {
    return end_of(spawn_script(loop, script, NULL, NULL));
}

/* Runs it with its standard output in a pipe of plain descriptors; what it said, without the newline at the end. */
static inline const char *said_by(rondel_loop loop, struct command *command, int number) {
    static char said[1 << 16];
    int ends[2];
    size_t length = 0;
    CHECK_EQ(pipe(ends), 0);
    command_stdio(command, number, RONDEL_STDIO_FD)->fd = ends[1];
    rondel_process process = spawn_command(loop, command, NULL, NULL);
    CHECK(process > 0);
    close(ends[1]);
    for (ssize_t n; (n = read(ends[0], said + length, sizeof said - 1 - length)) > 0;) length += (size_t)n;
    close(ends[0]);
    while (length > 0 && said[length - 1] == '\n') length--;
    said[length] = 0;
    if (process > 0) CHECK_EQ(end_of(process), 0);
    return said;
}

static inline const char *output_of(rondel_loop loop, const char *script) {
    struct command command;
    command_of(&command, script);
    return said_by(loop, &command, 1);
}

/* Waits until the system knows no process of this number any more, not even as a zombie. */
static inline void wait_until_gone(int64_t pid) {
    while (kill((pid_t)pid, 0) == 0) sched_yield();
    CHECK_EQ(errno, ESRCH);
}

/* Whether this process has a child that nobody took in, or one that still runs. */
static inline void no_children_left(void) {
    CHECK_EQ(waitpid(-1, NULL, WNOHANG), -1);
    CHECK_EQ(errno, ECHILD);
}

static inline void free_childless(rondel_loop loop) {
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    no_children_left();
}

#endif
