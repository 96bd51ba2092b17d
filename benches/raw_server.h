/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The floor: a server straight on epoll, level-triggered, one thread, one receive per readiness. It does
 * nothing a correct server could leave out: bytes the kernel does not take are kept, and reading waits for them. */
#ifndef BENCH_RAW_SERVER_H
#define BENCH_RAW_SERVER_H

#include "common.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct raw_peer {
    int fd;
    uint8_t *kept; /* not yet taken by the kernel */
    size_t kept_from, kept_length;
    void *user_data;
};

typedef void raw_read_fn(struct raw_peer *peer, const uint8_t *bytes, size_t n);

static int raw_epoll;

static inline void raw_interest(struct raw_peer *peer, int operation, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = peer};
    if (epoll_ctl(raw_epoll, operation, peer->fd, &event)) fail("epoll_ctl");
}

static inline void raw_send(struct raw_peer *peer, const uint8_t *bytes, size_t n) {
    size_t sent = 0;
    if (!peer->kept_length) {
        ssize_t took = send(peer->fd, bytes, n, MSG_NOSIGNAL);
        if (took == (ssize_t)n) return;
        if (took < 0 && errno != EAGAIN && errno != EINTR) return; /* the next receive sees the end */
        if (took > 0) sent = (size_t)took;
        raw_interest(peer, EPOLL_CTL_MOD, EPOLLOUT);
    }
    size_t rest = n - sent;
    peer->kept = realloc(peer->kept, peer->kept_from + peer->kept_length + rest);
    if (!peer->kept) fail("realloc");
    memcpy(peer->kept + peer->kept_from + peer->kept_length, bytes + sent, rest);
    peer->kept_length += rest;
}

static inline void raw_flush(struct raw_peer *peer) {
    ssize_t took = send(peer->fd, peer->kept + peer->kept_from, peer->kept_length, MSG_NOSIGNAL);
    if (took < 0 && errno != EAGAIN && errno != EINTR) took = (ssize_t)peer->kept_length; /* broken: drop it */
    if (took < 0) return;
    peer->kept_from += (size_t)took;
    peer->kept_length -= (size_t)took;
    if (peer->kept_length) return;
    free(peer->kept);
    peer->kept = NULL;
    peer->kept_from = 0;
    raw_interest(peer, EPOLL_CTL_MOD, EPOLLIN);
}

static inline void raw_accept(int listener, size_t user_size) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        struct raw_peer *peer = calloc(1, sizeof *peer + user_size);
        if (!peer) fail("calloc");
        peer->fd = fd;
        peer->user_data = peer + 1;
        raw_interest(peer, EPOLL_CTL_ADD, EPOLLIN);
    }
}

static inline int raw_listen_local(const char *path) {
    struct sockaddr_un at = local_address(path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, BENCH_BACKLOG)) fail("listen");
    tell_port(0);
    return listener;
}

static inline int raw_listen(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&at, length) || listen(listener, BENCH_BACKLOG)) fail("listen");
    getsockname(listener, (struct sockaddr *)&at, &length);
    tell_port(ntohs(at.sin_port));
    return listener;
}

/* Serves for ever, at a path or (NULL) by TCP. Each connection gets `user_size` zeroed bytes of its own. */
static inline void raw_serve(raw_read_fn *on_read, size_t user_size, const char *path) {
    static uint8_t bytes[256 * 1024] __attribute__((aligned(4096)));
    static struct epoll_event events[1024];
    int listener = path ? raw_listen_local(path) : raw_listen();
    raw_epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event listening = {.events = EPOLLIN, .data.ptr = NULL};
    if (raw_epoll < 0 || epoll_ctl(raw_epoll, EPOLL_CTL_ADD, listener, &listening)) fail("epoll");
    for (;;) {
        int count = epoll_wait(raw_epoll, events, 1024, -1);
        for (int i = 0; i < count; i++) {
            struct raw_peer *peer = events[i].data.ptr;
            if (!peer) {
                raw_accept(listener, user_size);
            } else if (peer->kept_length) {
                raw_flush(peer);
            } else {
                ssize_t n = recv(peer->fd, bytes, sizeof bytes, 0);
                if (n > 0) {
                    on_read(peer, bytes, (size_t)n);
                } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
                    close(peer->fd);
                    free(peer);
                }
            }
        }
    }
}

#endif
