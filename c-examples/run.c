/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Runs commands side by side, each line they say with the command's number before it, and gives 0 if all went well:
 *
 *     run 'ping -c 3 localhost' 'make test' 'tail -f log'
 *
 * Ctrl-C asks all of them to stop (each with whatever it has started itself); those that are still there a moment later
 * are killed. When one fails the others go on, but run ends with 1 then.
 */
#include <rondel.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 4096, GRACE_SECONDS = 3 };

/* One output of a command, with the line that is not at its end yet. */
struct output {
    int number;
    size_t length;
    char line[LINE];
};

struct command {
    int number, fails;
    rondel_process process;
    struct output output;
};

static struct command *commands;
static int count;

static void say_line(struct output *output) {
    printf("%d | %.*s\n", output->number, (int)output->length, output->line);
    fflush(stdout);
    output->length = 0;
}

static void on_output(rondel_stream stream, const uint8_t *bytes, int64_t n, void *user_data) {
    struct output *output = user_data;
    if (n < 0) {
        if (output->length > 0) say_line(output);
        rondel_close(stream);
    }
    for (int64_t i = 0; i < n; i++) {
        if (bytes[i] == '\n' || output->length == LINE) say_line(output);
        if (bytes[i] != '\n') output->line[output->length++] = (char)bytes[i];
    }
}

static void on_exit_of(rondel_process process, int64_t status, void *user_data) {
    struct command *command = user_data;
    command->fails = status != 0;
    if (rondel_exit_signal(status) > 0)
        fprintf(stderr, "%d: ended by signal %d\n", command->number, (int)rondel_exit_signal(status));
    else if (status != 0)
        fprintf(stderr, "%d: exited with %d\n", command->number, (int)status);
    command->process = 0;
    rondel_close(process);
}

static void start(rondel_loop loop, struct command *command, const char *script) {
    const char *argv[] = {"sh", "-c", script, NULL};
    rondel_stdio stdio[3];
    rondel_process_options options;
    memset(stdio, 0, sizeof stdio);
    stdio[0].kind = RONDEL_STDIO_NULL;
    stdio[1].kind = RONDEL_STDIO_PIPE_OUT;
    stdio[2].kind = RONDEL_STDIO_SAME; /* 2>&1 */
    stdio[2].other = 1;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.file = "/bin/sh";
    options.argv = argv;
    options.stdio = stdio;
    options.stdio_count = 3;
    options.flags = RONDEL_PROCESS_GROUP; /* a group of its own: the terminal's Ctrl-C comes to us alone */
    command->process = rondel_process_spawn(loop, &options, on_exit_of, command);
    /* A refused spawn is passed on as a handle, and refused there with the same code. */
    int64_t error = rondel_read_start(rondel_process_stream(command->process, 1), on_output, &command->output);
    if (error < 0) {
        fprintf(stderr, "%s: %s\n", script, rondel_error_message(error));
        command->fails = 1;
    }
}

static void stop_all(int signum) {
    for (int i = 0; i < count; i++)
        if (commands[i].process > 0) rondel_process_kill_group(commands[i].process, signum);
}

static void kill_the_rest(rondel_future future, int64_t result, void *user_data) {
    (void)future;
    (void)user_data;
    if (result == 0) stop_all(SIGKILL);
}

static void on_interrupt(rondel_signal source, int64_t signum, void *user_data) {
    (void)signum;
    (void)user_data;
    fprintf(stderr, "stopping\n");
    stop_all(SIGTERM);
    rondel_future later = rondel_call_later(rondel_loop_of(source), GRACE_SECONDS * RONDEL_SECOND, kill_the_rest, NULL);
    rondel_unref(later); /* nobody waits for that when all have stopped */
}

int main(int argc, char **argv) {
    int fails = 0;
    if (argc < 2) return fprintf(stderr, "usage: run COMMAND...\n"), 2;
    count = argc - 1;
    commands = calloc((size_t)count, sizeof *commands);
    rondel_loop loop = rondel_loop_new();
    if (!commands || loop < 0) return fprintf(stderr, "run: cannot start\n"), 2;
    rondel_unref(rondel_signal_start(loop, SIGINT, on_interrupt, NULL));
    rondel_unref(rondel_signal_start(loop, SIGTERM, on_interrupt, NULL));
    for (int i = 0; i < count; i++) {
        commands[i].number = commands[i].output.number = i + 1;
        start(loop, &commands[i], argv[i + 1]);
    }
    rondel_run(loop, RONDEL_RUN_DEFAULT); /* until every command has ended, and every output with it */
    for (int i = 0; i < count; i++) fails |= commands[i].fails;
    rondel_loop_free(loop);
    free(commands);
    return fails;
}
