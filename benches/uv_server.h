/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A server on libuv, written to be fast: one static read buffer of the size libuv suggests, page-aligned. */
#ifndef BENCH_UV_SERVER_H
#define BENCH_UV_SERVER_H

#include "common.h"
#include <netinet/in.h>
#include <signal.h>
#include <uv.h>

struct uv_peer {
    uv_tcp_t tcp; /* first: a stream of libuv is the peer */
    uint64_t user_data[];
};

static size_t uv_peer_user_size;
static uv_read_cb uv_peer_on_read;
static void (*uv_peer_on_accepted)(void);

static inline void uv_check(int code, const char *what) {
    if (code >= 0) return;
    fprintf(stderr, "%s: %s\n", what, uv_strerror(code));
    exit(1);
}

static void uv_peer_closed(uv_handle_t *handle) { free(handle); }

static void uv_peer_close(uv_stream_t *stream) { uv_close((uv_handle_t *)stream, uv_peer_closed); }

static void uv_peer_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *into) {
    static char bytes[64 * 1024] __attribute__((aligned(4096)));
    (void)handle;
    (void)suggested;
    *into = uv_buf_init(bytes, sizeof bytes);
}

static void uv_peer_accept(uv_stream_t *server, int status) {
    uv_check(status, "accept");
    struct uv_peer *peer = calloc(1, sizeof *peer + uv_peer_user_size);
    if (!peer) fail("calloc");
    uv_check(uv_tcp_init(server->loop, &peer->tcp), "uv_tcp_init");
    if (uv_accept(server, (uv_stream_t *)peer)) {
        uv_peer_close((uv_stream_t *)peer);
        return;
    }
    uv_tcp_nodelay(&peer->tcp, 1);
    uv_check(uv_read_start((uv_stream_t *)peer, uv_peer_alloc, uv_peer_on_read), "uv_read_start");
    if (uv_peer_on_accepted) uv_peer_on_accepted();
}

struct uv_rest {
    uv_write_t request;
    char bytes[];
};

static void uv_rest_written(uv_write_t *request, int status) {
    (void)status;
    free(request);
}

/* uv_try_write, and a copy in uv_write for what the kernel did not take. */
static inline void uv_peer_send(uv_stream_t *stream, const char *bytes, size_t n) {
    uv_buf_t all = uv_buf_init((char *)bytes, (unsigned)n);
    int took = uv_try_write(stream, &all, 1);
    if (took == (int)n) return;
    if (took < 0) {
        if (took != UV_EAGAIN) return; /* the next read sees the end */
        took = 0;
    }
    size_t rest = n - (size_t)took;
    struct uv_rest *kept = must_alloc(sizeof *kept + rest);
    memcpy(kept->bytes, bytes + took, rest);
    uv_buf_t buffer = uv_buf_init(kept->bytes, (unsigned)rest);
    if (uv_write(&kept->request, stream, &buffer, 1, uv_rest_written)) free(kept);
}

static void uv_pipe_accept(uv_stream_t *server, int status) {
    uv_check(status, "accept");
    uv_pipe_t *peer = must_alloc(sizeof *peer);
    uv_check(uv_pipe_init(server->loop, peer, 0), "uv_pipe_init");
    if (uv_accept(server, (uv_stream_t *)peer)) uv_peer_close((uv_stream_t *)peer);
    else uv_check(uv_read_start((uv_stream_t *)peer, uv_peer_alloc, uv_peer_on_read), "uv_read_start");
}

static inline int uv_serve_local(uv_read_cb on_read, const char *path) {
    uv_loop_t *loop = uv_default_loop();
    static uv_pipe_t server;
    uv_peer_on_read = on_read;
    signal(SIGPIPE, SIG_IGN);
    uv_check(uv_pipe_init(loop, &server, 0), "uv_pipe_init");
    uv_check(uv_pipe_bind(&server, path), "uv_pipe_bind");
    uv_check(uv_listen((uv_stream_t *)&server, BENCH_BACKLOG, uv_pipe_accept), "uv_listen");
    tell_port(0);
    return uv_run(loop, UV_RUN_DEFAULT);
}

static inline int uv_serve(uv_read_cb on_read, size_t user_size) {
    uv_loop_t *loop = uv_default_loop();
    static uv_tcp_t server;
    struct sockaddr_in at;
    int length = sizeof at;
    uv_peer_on_read = on_read;
    uv_peer_user_size = user_size;
    signal(SIGPIPE, SIG_IGN);
    uv_check(uv_tcp_init(loop, &server), "uv_tcp_init");
    uv_check(uv_ip4_addr("127.0.0.1", 0, &at), "uv_ip4_addr");
    uv_check(uv_tcp_bind(&server, (struct sockaddr *)&at, 0), "uv_tcp_bind");
    uv_check(uv_listen((uv_stream_t *)&server, BENCH_BACKLOG, uv_peer_accept), "uv_listen");
    uv_check(uv_tcp_getsockname(&server, (struct sockaddr *)&at, &length), "uv_tcp_getsockname");
    tell_port(ntohs(at.sin_port));
    return uv_run(loop, UV_RUN_DEFAULT);
}

#endif
