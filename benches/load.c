/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The client of every server here, on plain epoll so that it takes no side. Each connection sends a batch of `depth`
 * messages of `size` bytes in one call, waits until all of it has come back, compares every byte, and goes on.
 * What it measures of the server is the CPU time of its process, read from outside, to the nanosecond. */
#include "common.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct client {
    int fd, waits_to_write;
    uint64_t batch; /* its number decides the bytes */
    size_t sent, received;
    int64_t began;
};

static struct {
    int port, pid, idle;
    const char *path;
    size_t connections, size, depth, messages, warmup;
} options = {.connections = 1, .size = 64, .depth = 1, .messages = 10000, .warmup = 1000};

#define SHIFTS 61 /* how many different contents a batch can have */
static uint8_t *pattern;
static size_t batch_length;
static int poller;
static uint64_t to_begin, to_end, begun;
static uint32_t *latencies;
static size_t latency_count;
static uint8_t incoming[256 * 1024] __attribute__((aligned(4096)));

static const uint8_t *content(const struct client *c) { return pattern + c->batch % SHIFTS * 64; }

static void make_pattern(void) {
    size_t length = batch_length + SHIFTS * 64;
    uint64_t x = 0x9e3779b97f4a7c15;
    pattern = must_alloc(length);
    for (size_t i = 0; i < length; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        pattern[i] = (uint8_t)(x >> 32);
    }
}

static void interest(struct client *c, int operation, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = c};
    if (epoll_ctl(poller, operation, c->fd, &event)) fail("epoll_ctl");
}

static void push(struct client *c) {
    ssize_t took = send(c->fd, content(c) + c->sent, batch_length - c->sent, MSG_NOSIGNAL);
    if (took < 0 && errno != EAGAIN && errno != EINTR) fail("send");
    if (took > 0) c->sent += (size_t)took;
    int waits = c->sent < batch_length;
    if (waits != c->waits_to_write) interest(c, EPOLL_CTL_MOD, waits ? EPOLLIN | EPOLLOUT : EPOLLIN);
    c->waits_to_write = waits;
}

static void begin(struct client *c) {
    if (!to_begin) return;
    to_begin--;
    c->batch = begun++;
    c->sent = c->received = 0;
    c->began = wall_ns();
    push(c);
}

static void pull(struct client *c) {
    ssize_t n = recv(c->fd, incoming, sizeof incoming, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) fail(n ? "recv" : "the server closed a connection");
    if ((size_t)n > c->sent - c->received || memcmp(incoming, content(c) + c->received, (size_t)n)) {
        fprintf(stderr, "batch %llu came back wrong after byte %zu\n", (unsigned long long)c->batch, c->received);
        exit(1);
    }
    c->received += (size_t)n;
    if (c->received < batch_length) return;
    latencies[latency_count++] = (uint32_t)((wall_ns() - c->began) / 10);
    to_end--;
    begin(c);
}

static void run_batches(struct client *clients, size_t count, uint64_t batches) {
    static struct epoll_event events[1024];
    latency_count = 0;
    to_begin = to_end = batches;
    for (size_t i = 0; i < count; i++) begin(&clients[i]);
    while (to_end) {
        int n = epoll_wait(poller, events, 1024, -1);
        for (int i = 0; i < n; i++) {
            struct client *c = events[i].data.ptr;
            if (events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) pull(c);
            if (events[i].events & EPOLLOUT && c->waits_to_write) push(c);
        }
    }
}

static int connect_local(void) {
    struct sockaddr_un at = local_address(options.path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at)) fail("connect");
    return fd;
}

static int connect_tcp(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    at.sin_port = htons((uint16_t)options.port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at)) fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    /* Ends by a reset: thousands of connections in TIME_WAIT would slow down the next server measured. */
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    return fd;
}

static void connect_all(struct client *clients) {
    for (size_t i = 0; i < options.connections; i++) {
        struct client *c = &clients[i];
        c->fd = options.path ? connect_local() : connect_tcp();
        interest(c, EPOLL_CTL_ADD, EPOLLIN);
        /* An answer on the newest means that all before it are accepted: the backlog never overflows. */
        if (i % 64 == 0 || i + 1 == options.connections) run_batches(c, 1, 1);
    }
}

static int64_t server_cpu_ns(void) {
    clockid_t clock;
    if (!options.pid) return 0;
    errno = clock_getcpuclockid(options.pid, &clock);
    if (errno) fail("clock_getcpuclockid");
    return clock_ns(clock);
}

static int ascending(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void parse(int argc, char **argv) {
    for (int i = 1; i + 1 < argc; i += 2) {
        size_t value = strtoul(argv[i + 1], NULL, 10);
        if (!strcmp(argv[i], "--port")) options.port = (int)value;
        else if (!strcmp(argv[i], "--path")) options.path = argv[i + 1];
        else if (!strcmp(argv[i], "--pid")) options.pid = (int)value;
        else if (!strcmp(argv[i], "--idle")) options.idle = (int)value;
        else if (!strcmp(argv[i], "--connections")) options.connections = value;
        else if (!strcmp(argv[i], "--size")) options.size = value;
        else if (!strcmp(argv[i], "--depth")) options.depth = value;
        else if (!strcmp(argv[i], "--messages")) options.messages = value;
        else if (!strcmp(argv[i], "--warmup")) options.warmup = value;
        else options.port = 0, options.path = NULL, argc = 0;
    }
    if ((options.port || options.path) && options.connections && options.size && options.depth && options.messages) return;
    fprintf(stderr, "load --port P | --path P [--pid P] [--connections N] [--size S] [--depth D] [--messages M] [--warmup M] [--idle 1]\n");
    exit(2);
}

int main(int argc, char **argv) {
    parse(argc, argv);
    batch_length = options.size * options.depth;
    uint64_t batches = (options.messages + options.depth - 1) / options.depth;
    uint64_t warmup = (options.warmup + options.depth - 1) / options.depth;
    struct client *clients = calloc(options.connections, sizeof *clients);
    latencies = must_alloc(sizeof *latencies * (batches + warmup + 1));
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (!clients || poller < 0) fail("start");
    make_pattern();
    connect_all(clients);
    if (options.idle) {
        printf("{\"connected\": %zu}\n", options.connections);
        fflush(stdout);
        return getchar() == EOF ? 0 : 1; /* the connections last until our input ends */
    }
    run_batches(clients, options.connections, warmup);
    int64_t cpu = server_cpu_ns(), wall = wall_ns();
    run_batches(clients, options.connections, batches);
    wall = wall_ns() - wall;
    cpu = server_cpu_ns() - cpu;
    qsort(latencies, latency_count, sizeof *latencies, ascending);
    double messages = (double)(batches * options.depth);
    printf("{\"messages\": %.0f, \"cpu_ns\": %.1f, \"per_second\": %.0f, \"p50_us\": %.1f, \"p99_us\": %.1f}\n", messages,
           (double)cpu / messages, messages * 1e9 / (double)wall, latencies[latency_count / 2] / 100.0,
           latencies[latency_count * 99 / 100] / 100.0);
    return 0;
}
