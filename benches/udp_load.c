/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The client of the UDP servers, straight on epoll. Each flow is a socket of its own: it sends `depth` datagrams in one
 * call, waits until each has come back, compares every byte, and goes on. What it measures of the server is the CPU time
 * of its process, read from outside. With `--joined 1` a flow's datagrams leave as one message that the kernel cuts up,
 * as senders of QUIC do it. */
#include "common.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum { MOST = 64, LONGEST = 2048 };

struct flow {
    int fd;
    uint32_t round;
    size_t back;
    uint64_t seen; /* one bit for each datagram that came back */
};

static struct {
    int port, pid;
    size_t flows, size, depth, messages, warmup, joined;
} options = {.flows = 1, .size = 64, .depth = 1, .messages = 10000, .warmup = 1000};

static struct mmsghdr outgoing[MOST], incoming[MOST];
static struct iovec out_slices[MOST], in_slices[MOST];
static uint8_t out_bytes[MOST * LONGEST], in_bytes[MOST * LONGEST];
static int poller;
static uint64_t to_begin, to_end;

/* Every datagram says which flow, round and number it is, and repeats that to its end. */
static void mark(uint8_t *bytes, const struct flow *flow, size_t number) {
    uint32_t words[2] = {flow->round, (uint32_t)flow->fd << 8 | (uint32_t)number};
    for (size_t at = 0; at < options.size; at++) bytes[at] = ((const uint8_t *)words)[at % sizeof words];
}

static void begin(struct flow *flow) {
    if (!to_begin) return;
    to_begin--;
    flow->round++;
    flow->back = 0;
    flow->seen = 0;
    for (size_t i = 0; i < options.depth; i++) mark(out_bytes + i * options.size, flow, i);
    if (options.joined) {
        if (send(flow->fd, out_bytes, options.depth * options.size, 0) < 0) fail("send");
        return;
    }
    for (size_t i = 0; i < options.depth; i++) {
        out_slices[i] = (struct iovec){out_bytes + i * options.size, options.size};
        outgoing[i].msg_hdr = (struct msghdr){.msg_iov = &out_slices[i], .msg_iovlen = 1};
    }
    for (size_t sent = 0; sent < options.depth;) {
        int n = sendmmsg(flow->fd, outgoing + sent, (unsigned)(options.depth - sent), 0);
        if (n < 0) fail("sendmmsg");
        sent += (size_t)n;
    }
}

static void take(struct flow *flow) {
    for (size_t i = 0; i < MOST; i++) {
        in_slices[i] = (struct iovec){in_bytes + i * LONGEST, LONGEST};
        incoming[i].msg_hdr = (struct msghdr){.msg_iov = &in_slices[i], .msg_iovlen = 1};
    }
    int n = recvmmsg(flow->fd, incoming, MOST, MSG_DONTWAIT, NULL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) fail("recvmmsg");
    for (int i = 0; i < n; i++) {
        uint8_t expected[LONGEST];
        const uint8_t *bytes = in_bytes + (size_t)i * LONGEST;
        const size_t number = bytes[4];
        mark(expected, flow, number);
        if (incoming[i].msg_len != options.size || number >= options.depth || memcmp(bytes, expected, options.size) ||
            flow->seen >> number & 1) {
            fprintf(stderr, "a datagram of %u bytes came back wrong\n", incoming[i].msg_len);
            exit(1);
        }
        flow->seen |= UINT64_C(1) << number;
        if (++flow->back == options.depth) {
            to_end--;
            begin(flow);
        }
    }
}

static void run_rounds(struct flow *flows, uint64_t rounds) {
    static struct epoll_event events[1024];
    to_begin = to_end = rounds;
    for (size_t i = 0; i < options.flows; i++) begin(&flows[i]);
    while (to_end) {
        int n = epoll_wait(poller, events, 1024, 5000);
        if (n == 0) {
            fprintf(stderr, "datagrams were lost\n");
            exit(1);
        }
        for (int i = 0; i < n; i++) take(events[i].data.ptr);
    }
}

static int64_t server_cpu_ns(void) {
    clockid_t clock;
    if (!options.pid) return 0;
    errno = clock_getcpuclockid(options.pid, &clock);
    if (errno) fail("clock_getcpuclockid");
    return clock_ns(clock);
}

static void parse(int argc, char **argv) {
    for (int i = 1; i + 1 < argc; i += 2) {
        size_t value = strtoul(argv[i + 1], NULL, 10);
        if (!strcmp(argv[i], "--port")) options.port = (int)value;
        else if (!strcmp(argv[i], "--pid")) options.pid = (int)value;
        else if (!strcmp(argv[i], "--flows")) options.flows = value;
        else if (!strcmp(argv[i], "--size")) options.size = value;
        else if (!strcmp(argv[i], "--depth")) options.depth = value;
        else if (!strcmp(argv[i], "--messages")) options.messages = value;
        else if (!strcmp(argv[i], "--warmup")) options.warmup = value;
        else if (!strcmp(argv[i], "--joined")) options.joined = value;
        else options.port = 0, argc = 0;
    }
    if (options.port && options.flows && options.size >= 8 && options.size <= LONGEST && options.depth &&
        options.depth <= MOST && options.messages)
        return;
    fprintf(stderr, "udp_load --port P [--pid P] [--flows N] [--size S] [--depth D] [--messages M] [--warmup M] "
                    "[--joined 1]\n");
    exit(2);
}

int main(int argc, char **argv) {
    parse(argc, argv);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    uint64_t rounds = (options.messages + options.depth - 1) / options.depth;
    uint64_t warmup = (options.warmup + options.depth - 1) / options.depth;
    struct flow *flows = calloc(options.flows, sizeof *flows);
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (!flows || poller < 0) fail("start");
    at.sin_port = htons((uint16_t)options.port);
    for (size_t i = 0; i < options.flows; i++) {
        struct flow *flow = &flows[i];
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = flow};
        flow->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (flow->fd < 0 || connect(flow->fd, (struct sockaddr *)&at, sizeof at)) fail("connect");
        setsockopt(flow->fd, SOL_SOCKET, SO_RCVBUF, &(int){1 << 20}, sizeof(int));
        if (options.joined && setsockopt(flow->fd, IPPROTO_UDP, UDP_SEGMENT, &(int){(int)options.size}, sizeof(int)))
            fail("UDP_SEGMENT");
        if (epoll_ctl(poller, EPOLL_CTL_ADD, flow->fd, &event)) fail("epoll_ctl");
    }
    run_rounds(flows, warmup);
    int64_t cpu = server_cpu_ns(), wall = wall_ns();
    run_rounds(flows, rounds);
    wall = wall_ns() - wall;
    cpu = server_cpu_ns() - cpu;
    double messages = (double)(rounds * options.depth);
    printf("{\"messages\": %.0f, \"cpu_ns\": %.1f, \"per_second\": %.0f}\n", messages, (double)cpu / messages,
           messages * 1e9 / (double)wall);
    return 0;
}
