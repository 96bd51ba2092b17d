/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The functions of pipes, for the table in calls.h. */
#ifndef RONDEL_TEST_CALLS_PIPE_H
#define RONDEL_TEST_CALLS_PIPE_H

#include "test.h"

#include <sys/socket.h>

#define PIPES KIND_BIT(RONDEL_KIND_PIPE)

static rondel_pipe call_pipes[2];

#define CALLS_OF_PIPE(CALL)                                                                                            \
    CALL(pipe_open, LOOPS, (h, INT32_MAX))                                                                             \
    CALL(pipe_pair, LOOPS, (h, RONDEL_PIPE_BOTH_WAYS, call_pipes))                                                     \
    CALL(pipe_new, LOOPS, (h))                                                                                         \
    CALL(pipe_listen, LOOPS, (h, "/dev/null/rondel", call_fn, &call_seen))                                             \
    CALL(pipe_connect, LOOPS, (h, "/dev/null/rondel", call_fn, &call_seen))                                            \
    CALL(pipe_mode, PIPES, (h, 0600))                                                                                  \
    CALL(pipe_replace, PIPES, (h, 0))                                                                                  \
    CALL(pipe_bind, PIPES, (h, "/dev/null/rondel"))                                                                    \
    CALL(pipe_peer_credentials, PIPES, (h, NULL, NULL, NULL))                                                          \
    CALL(pipe_send_handles, PIPES, (h, "x", 1, NULL, 0, call_fn, &call_seen))                                          \
    CALL(pipe_send_fds, PIPES, (h, "x", 1, NULL, 0, call_fn, &call_seen))                                              \
    CALL(pipe_receive_fds, PIPES, (h, 4))                                                                              \
    CALL(pipe_take_fd, PIPES, (h))                                                                                     \
    CALL(pipe_take_handle, PIPES, (h))

#define MAKES_OF_PIPE(MAKE) MAKE(PIPE, call_a_pipe(loop))

/* One whose other end is closed. */
static inline rondel_pipe call_a_pipe(rondel_loop loop) {
    int fds[2];
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    CHECK_EQ(close(fds[1]), 0);
    return rondel_pipe_open(loop, fds[0]);
}

#endif
