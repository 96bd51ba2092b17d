/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The functions of processes, for the table in calls.h. */
#ifndef RONDEL_TEST_CALLS_PROCESS_H
#define RONDEL_TEST_CALLS_PROCESS_H

#include "test.h"

#define PROCESSES KIND_BIT(RONDEL_KIND_PROCESS)

static const rondel_stdio call_stdio[] = {
    {RONDEL_STDIO_PIPE_IN, 0, 0}, {RONDEL_STDIO_NULL, 0, 0}, {RONDEL_STDIO_NULL, 0, 0}, {RONDEL_STDIO_NULL, 0, 0}};
static rondel_process_options call_options;

#ifdef _WIN32
#define CALL_CAT "sort.exe"
#define CALL_SLEEP {"cmd.exe", "/c", "ping -n 20 127.0.0.1", NULL}
#else
#define CALL_CAT "cat"
#define CALL_SLEEP {"sleep", "20", NULL}
#endif

/* One that ends when its handle is closed, for it then has no input any more. */
static inline const rondel_process_options *call_cat(void) {
    call_options.size = sizeof call_options;
    call_options.file = CALL_CAT;
    call_options.argv = NULL;
    call_options.stdio = call_stdio;
    call_options.stdio_count = 3;
    return &call_options;
}

/* One without a pipe, which goes on for longer than a test that looks at events, and has nothing of ours. */
static inline const rondel_process_options *call_sleep(void) {
    static const char *const argv[] = CALL_SLEEP;
    call_options.size = sizeof call_options;
    call_options.file = argv[0];
    call_options.argv = argv;
    call_options.stdio = call_stdio + 1;
    call_options.stdio_count = 3;
    return &call_options;
}

#define CALLS_OF_PROCESS(CALL)                                                                                         \
    CALL(process_spawn, LOOPS, (h, call_cat(), call_fn, &call_seen))                                                   \
    CALL(process_run, LOOPS, (h, call_cat(), "meow", 4, 0, call_fn, &call_seen))                                       \
    CALL(process_output, FUTURES, (h, 1, NULL))                                                                        \
    CALL(process_wait, PROCESSES, (h, call_fn, &call_seen))                                                            \
    CALL(process_kill, PROCESSES, (h, 0))                                                                              \
    CALL(process_kill_group, PROCESSES, (h, 0))                                                                        \
    CALL(process_pid, PROCESSES, (h))                                                                                  \
    CALL(process_stream, PROCESSES, (h, 0))

#define MAKES_OF_PROCESS(MAKE) MAKE(PROCESS, rondel_process_spawn(loop, call_sleep(), see, seen))

#endif
