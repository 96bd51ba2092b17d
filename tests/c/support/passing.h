/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Two ends of a local socket that descriptors are passed through. */
#ifndef RONDEL_TEST_PASSING_H
#define RONDEL_TEST_PASSING_H

#include "local.h"
#include "child.h"

#include <sys/uio.h>

/* Two handles of one loop; descriptors are taken in at the second. */
static inline int passing_pair(rondel_loop loop, rondel_pipe ends[2], int64_t limit) {
    ends[0] = ends[1] = RONDEL_EINVAL;
    CHECK_EQ(rondel_pipe_pair(loop, RONDEL_PIPE_BOTH_WAYS, ends), 0);
    CHECK_EQ(rondel_pipe_receive_fds(ends[1], limit), 0);
    return ends[1] > 0;
}

/* Reads exactly so many bytes. */
static inline void read_bytes(rondel_loop loop, rondel_pipe from, char *room, size_t length) {
    struct net_op op = {0};
    CHECK(rondel_read_exactly(from, room, length, net_done, &op) > 0);
    if (net_run_until(loop, &op.calls, 1)) CHECK_EQ(op.result, length);
}

/* The end of a pipe whose number is written in it, so that it can be told from others. */
static inline int numbered(int number) {
    int fds[2];
    if (pipe(fds) < 0) return -1;
    CHECK_EQ(write(fds[1], &number, sizeof number), sizeof number);
    close(fds[1]);
    return fds[0];
}

static inline int number_of(int64_t fd) {
    int number = -1;
    CHECK_EQ(read((int)fd, &number, sizeof number), sizeof number);
    close((int)fd);
    return number;
}

/* Writes until the socket takes no more. Gives how many bytes are on their way. */
static inline int64_t stop_up(rondel_pipe pipe) {
    static char filler[1 << 16];
    int64_t n, sum = 0;
    while ((n = rondel_try_write(pipe, filler, sizeof filler)) > 0) sum += n;
    CHECK_EQ(n, RONDEL_EAGAIN);
    return sum;
}

static inline void swallow(rondel_loop loop, rondel_pipe from, int64_t bytes) {
    static char room[1 << 16];
    while (bytes > 0 && !test_failures) {
        size_t part = bytes < (int64_t)sizeof room ? (size_t)bytes : sizeof room;
        read_bytes(loop, from, room, part);
        bytes -= (int64_t)part;
    }
}

#endif
