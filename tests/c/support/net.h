/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What the tests of sockets share: plain sockets that play the other side, all on loopback, and a record of what each
 * operation was told. A raw peer lives in the test's own thread wherever the kernel's buffers are enough, so that the
 * test decides what happens when; only peers that must block have threads.
 */
#ifndef RONDEL_TEST_NET_H
#define RONDEL_TEST_NET_H

#include "test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

/* What one operation was told, and when, on a clock that counts the callbacks of the whole program. */
struct net_op {
    int64_t calls;
    int64_t result;
    rondel_handle source;
    int64_t order;
};

static int64_t net_order;
static int net_starting;

/* Wraps the call that starts an operation: a completion inside it breaks a promise and fails the test. */
#define NET_START(call) (net_starting++, net_started(call))

static inline int64_t net_started(int64_t value) {
    net_starting--;
    return value;
}

/* The rondel_fn that fills in a struct net_op. */
static inline void net_done(rondel_handle source, int64_t result, void *user_data) {
    struct net_op *op = user_data;
    CHECK_EQ(net_starting, 0);
    op->calls++;
    op->result = result;
    op->source = source;
    op->order = ++net_order;
}

/* As net_done; for operations that must not complete at all. */
static inline void net_never(rondel_handle source, int64_t result, void *user_data) {
    (void)source, (void)user_data;
    CHECK_EQ(result, INT64_MIN);
}

/* Runs the loop until *count has reached `wanted`. A loop with nothing left alive before that fails the test. */
static inline int net_run_until(rondel_loop loop, const int64_t *count, int64_t wanted) {
    while (*count < wanted) {
        int64_t alive = rondel_run(loop, RONDEL_RUN_ONCE);
        if (alive <= 0 && *count < wanted) {
            CHECK_EQ(alive, 1);
            CHECK_EQ(*count, wanted);
            return 0;
        }
    }
    return 1;
}

/* Turns that do not block: enough for everything already due, or ready in the kernel, to be told. */
static inline void net_settle(rondel_loop loop) {
    for (int i = 0; i < 16; i++) rondel_run(loop, RONDEL_RUN_NOWAIT);
}

/* ---- plain sockets */

static inline socklen_t net_address(struct sockaddr_storage *out, const char *host, int port) {
    struct sockaddr_in *four = (struct sockaddr_in *)out;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
    memset(out, 0, sizeof *out);
    if (strchr(host, ':')) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons((uint16_t)port);
        inet_pton(AF_INET6, host, &six->sin6_addr);
        return sizeof *six;
    }
    four->sin_family = AF_INET;
    four->sin_port = htons((uint16_t)port);
    inet_pton(AF_INET, host, &four->sin_addr);
    return sizeof *four;
}

static inline int net_port(int fd) {
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &size) < 0) return -1;
    if (address.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

/* A socket bound to host and port (0: any), not listening: connecting to it is refused. -1 when it cannot be had. */
static inline int net_bound(const char *host, int port) {
    struct sockaddr_storage address;
    socklen_t size = net_address(&address, host, port);
    int on = 1, fd = socket(address.ss_family, SOCK_STREAM, 0);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address.ss_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, size) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static inline int net_listener(const char *host, int port, int backlog) {
    int fd = net_bound(host, port);
    if (fd >= 0 && listen(fd, backlog) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static inline int net_has_ipv6(void) {
    int fd = net_bound("::1", 0);
    if (fd >= 0) close(fd);
    return fd >= 0;
}

/* A blocking connection. */
static inline int net_dial(const char *host, int port) {
    struct sockaddr_storage address;
    socklen_t size = net_address(&address, host, port);
    int fd = socket(address.ss_family, SOCK_STREAM, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, size) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* A connection begun, not waited for. */
static inline int net_dial_begin(const char *host, int port) {
    struct sockaddr_storage address;
    socklen_t size = net_address(&address, host, port);
    int fd = socket(address.ss_family, SOCK_STREAM, 0);
    if (fd < 0) return -1;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    if (connect(fd, (struct sockaddr *)&address, size) < 0 && errno != EINPROGRESS) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Whether the streams of this run are local sockets: what is promised of streams is promised of each transport. */
static inline int net_is_local(void) {
    const char *transport = getenv("RONDEL_TEST_TRANSPORT");
    return transport && !strcmp(transport, "local");
}

/* A connection of which both ends are plain, blocking sockets. */
static inline int net_pair(int fds[2]) {
    if (net_is_local()) {
        int made = socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0;
        return CHECK_EQ(made, 1), made;
    }
    int listener = net_listener("127.0.0.1", 0, 1);
    fds[0] = listener < 0 ? -1 : net_dial("127.0.0.1", net_port(listener));
    fds[1] = fds[0] < 0 ? -1 : accept(listener, NULL, NULL);
    if (listener >= 0) close(listener);
    return CHECK_EQ(fds[1] >= 0, 1), fds[1] >= 0;
}

static inline rondel_stream net_open(rondel_loop loop, int fd) {
    return net_is_local() ? rondel_pipe_open(loop, fd) : rondel_tcp_open(loop, fd);
}

/* A stream of the loop and the plain, blocking socket at its other end. */
static inline rondel_tcp net_stream(rondel_loop loop, int *peer) {
    int fds[2];
    *peer = -1;
    if (!net_pair(fds)) return RONDEL_EINVAL;
    rondel_stream stream = net_open(loop, fds[0]);
    CHECK(stream > 0);
    *peer = fds[1];
    return stream;
}

/* Both ends of one connection, in one loop. */
static inline int net_streams(rondel_loop loop, rondel_tcp ends[2]) {
    int fds[2];
    if (!net_pair(fds)) return 0;
    ends[0] = net_open(loop, fds[0]);
    ends[1] = net_open(loop, fds[1]);
    CHECK(ends[0] > 0 && ends[1] > 0);
    return ends[0] > 0 && ends[1] > 0;
}

static inline int net_send(int fd, const void *bytes, size_t length) {
    const char *at = bytes;
    while (length > 0) {
        ssize_t n = send(fd, at, length, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return 0;
        at += n;
        length -= (size_t)n;
    }
    return 1;
}

static inline int net_send_text(int fd, const char *text) { return net_send(fd, text, strlen(text)); }

/* Receives until `length` bytes, the end of the stream or an error; returns how many came. */
static inline size_t net_receive(int fd, void *bytes, size_t length) {
    size_t got = 0;
    while (got < length) {
        ssize_t n = recv(fd, (char *)bytes + got, length - got, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        got += (size_t)n;
    }
    return got;
}

/* Closes with a reset instead of an orderly end. */
static inline void net_reset(int fd) {
    struct linger linger = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(fd);
}

/* Waits until there is something to read (data, the end, an error), without the loop. */
static inline void net_wait_readable(int fd) {
    struct pollfd wanted = {fd, POLLIN, 0};
    while (poll(&wanted, 1, -1) < 0 && errno == EINTR) {}
}

/* Fixed kernel buffers, so that half a MiB is enough to fill a connection. They are still larger than a segment of the
 * loopback: with less, each one would wait for a timer of the kernel. */
static inline void net_shrink(int fd) {
    int size = 65536;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

/* ---- a pattern: byte `at` of every test's stream, the same on both sides. Its period is a prime, so that no loss or
 * repetition of a buffer, a page or a segment is mistaken for right. */

enum { NET_PERIOD = 1000003 };

static inline const uint8_t *net_pattern(void) {
    static uint8_t table[NET_PERIOD];
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static int made;
    pthread_mutex_lock(&mutex);
    if (!made) {
        uint64_t state = 0x9e3779b97f4a7c15u;
        for (int i = 0; i < NET_PERIOD; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            table[i] = (uint8_t)(state >> 56);
        }
        made = 1;
    }
    pthread_mutex_unlock(&mutex);
    return table;
}

static inline void net_fill(void *bytes, size_t length, uint64_t at) {
    const uint8_t *table = net_pattern();
    for (uint8_t *to = bytes; length > 0;) {
        size_t from = (size_t)(at % NET_PERIOD), part = NET_PERIOD - from;
        if (part > length) part = length;
        memcpy(to, table + from, part);
        to += part, at += part, length -= part;
    }
}

static inline int net_matches(const void *bytes, size_t length, uint64_t at) {
    const uint8_t *table = net_pattern();
    for (const uint8_t *is = bytes; length > 0;) {
        size_t from = (size_t)(at % NET_PERIOD), part = NET_PERIOD - from;
        if (part > length) part = length;
        if (memcmp(is, table + from, part)) return 0;
        is += part, at += part, length -= part;
    }
    return 1;
}

/* Runs the loop and receives on `fd` until `length` bytes of the pattern from `at` on have come, in small steps of
 * each, as a slow reader would. Returns how many came right. */
static inline size_t net_drain(rondel_loop loop, int fd, size_t length, uint64_t at) {
    static uint8_t room[65536];
    size_t got = 0;
    while (got < length) {
        size_t part = length - got < sizeof room ? length - got : sizeof room;
        ssize_t n = recv(fd, room, part, MSG_DONTWAIT);
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
            rondel_run(loop, RONDEL_RUN_NOWAIT);
            continue;
        }
        if (n <= 0 || !net_matches(room, (size_t)n, at + got)) break;
        got += (size_t)n;
    }
    return got;
}

/* The other way: sends the pattern from `at` on, running the loop whenever the kernel takes no more. */
static inline size_t net_feed(rondel_loop loop, int fd, size_t length, uint64_t at) {
    static uint8_t room[65536];
    size_t sent = 0;
    while (sent < length) {
        size_t part = length - sent < sizeof room ? length - sent : sizeof room;
        net_fill(room, part, at + sent);
        ssize_t n = send(fd, room, part, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
            rondel_run(loop, RONDEL_RUN_NOWAIT);
            continue;
        }
        if (n <= 0) break;
        sent += (size_t)n;
    }
    return sent;
}

/* Spoils bytes that the library must not look at any more. Through a pointer, since a compiler leaves out the writing to
 * what is freed next. */
static inline void net_scribble(void *bytes, size_t length) {
    static void *(*volatile fill)(void *, int, size_t) = memset;
    fill(bytes, 0xee, length);
}

/* ---- a black hole: an address on which connecting neither succeeds nor fails, since its queue of unaccepted
 * connections is full and the kernel drops what comes on top. */

struct net_black_hole {
    int listener, port, count, fills[16];
};

static inline int net_black_hole_at(struct net_black_hole *hole, const char *host, int port) {
    hole->count = 0;
    hole->listener = net_listener(host, port, 0);
    if (hole->listener < 0) return 0;
    hole->port = net_port(hole->listener);
    while (hole->count < 16) {
        struct pollfd connected = {net_dial_begin(host, hole->port), POLLOUT, 0};
        if (connected.fd < 0) break;
        hole->fills[hole->count++] = connected.fd;
        /* Over loopback a connection is made at once or not until the first retransmission, a second later. */
        if (poll(&connected, 1, 100) == 0) return 1;
    }
    return 0;
}

static inline void net_black_hole_close(struct net_black_hole *hole) {
    while (hole->count > 0) close(hole->fills[--hole->count]);
    if (hole->listener >= 0) close(hole->listener);
}

/* How many of many operations ended how. */
struct net_outcome {
    int64_t succeeded, cancelled, others;
};

static inline void net_count_outcome(rondel_handle source, int64_t result, void *user_data) {
    struct net_outcome *outcome = user_data;
    (void)source;
    if (result > 0) outcome->succeeded++;
    else if (result == RONDEL_ECANCELED) outcome->cancelled++;
    else outcome->others++;
}

#endif
