/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Descriptors of the test's own that a loop watches. */
#ifndef RONDEL_TEST_WATCHED_H
#define RONDEL_TEST_WATCHED_H

#include "test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#define ALL (RONDEL_READABLE | RONDEL_WRITABLE | RONDEL_DISCONNECT | RONDEL_PRIORITY)

static inline int make_pair(int fds[2]) { return socketpair(AF_UNIX, SOCK_STREAM, 0, fds); }

static inline void put(int fd, char byte) { CHECK_EQ(write(fd, &byte, 1), 1); }

static inline void turns(rondel_loop loop, int count) {
    while (count-- > 0) CHECK(rondel_run(loop, RONDEL_RUN_NOWAIT) >= 0);
}

static inline void stop_loop(rondel_handle source, int64_t result, void *user_data) {
    (void)result, (void)user_data;
    CHECK_EQ(rondel_stop(rondel_loop_of(source)), 0);
}

/* How many turns the loop makes in `ns` when nothing happens. */
static inline int64_t turns_in(rondel_loop loop, int64_t ns) {
    int64_t before = rondel_metric(loop, RONDEL_METRIC_TURNS);
    CHECK(rondel_call_later(loop, ns, stop_loop, NULL) > 0);
    CHECK(rondel_run(loop, RONDEL_RUN_FOREVER) >= 0);
    return rondel_metric(loop, RONDEL_METRIC_TURNS) - before;
}

struct two {
    rondel_watch watches[2];
    int fds[2];
    int64_t calls, errors;
};

/* Two ends of a TCP connection. */
static inline int tcp_pair(int fds[2]) {
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    int server = socket(AF_INET, SOCK_STREAM, 0);
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fds[0] = socket(AF_INET, SOCK_STREAM, 0);
    int bad = bind(server, (struct sockaddr *)&address, sizeof address) | listen(server, 1) |
              getsockname(server, (struct sockaddr *)&address, &size) |
              connect(fds[0], (struct sockaddr *)&address, sizeof address);
    fds[1] = accept(server, NULL, NULL);
    close(server);
    return bad || fds[1] < 0;
}

#endif
