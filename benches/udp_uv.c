/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The UDP echo server on libuv, receiving by recvmmsg into room for as many datagrams as it takes at a time. "each": an
 * uv_udp_send with a request of its own, the ordinary way; "try": uv_udp_try_send, the cheapest it offers, and that only
 * for what the kernel did not take. */
#include "common.h"
#include <netinet/in.h>
#include <uv.h>

static void check(int code, const char *what) {
    if (code >= 0) return;
    fprintf(stderr, "%s: %s\n", what, uv_strerror(code));
    exit(1);
}

struct answer {
    uv_udp_send_t request;
    char bytes[];
};

static void sent(uv_udp_send_t *request, int status) {
    (void)status;
    free(request);
}

static void give_room(uv_handle_t *handle, size_t suggested, uv_buf_t *into) {
    static char bytes[20 * 64 * 1024] __attribute__((aligned(4096)));
    (void)handle;
    (void)suggested;
    *into = uv_buf_init(bytes, sizeof bytes);
}

static void send_one(uv_udp_t *udp, const uv_buf_t *buffer, size_t n, const struct sockaddr *peer) {
    struct answer *answer = must_alloc(sizeof *answer + n);
    memcpy(answer->bytes, buffer->base, n);
    uv_buf_t bytes = uv_buf_init(answer->bytes, (unsigned)n);
    if (uv_udp_send(&answer->request, udp, &bytes, 1, peer, sent)) free(answer);
}

static void echo_each(uv_udp_t *udp, ssize_t n, const uv_buf_t *buffer, const struct sockaddr *peer, unsigned flags) {
    (void)flags;
    if (n > 0 && peer) send_one(udp, buffer, (size_t)n, peer);
}

static void echo_try(uv_udp_t *udp, ssize_t n, const uv_buf_t *buffer, const struct sockaddr *peer, unsigned flags) {
    (void)flags;
    if (n <= 0 || !peer) return;
    uv_buf_t bytes = uv_buf_init(buffer->base, (unsigned)n);
    if (uv_udp_try_send(udp, &bytes, 1, peer) == UV_EAGAIN) send_one(udp, buffer, (size_t)n, peer);
}

int main(int argc, char **argv) {
    uv_loop_t *loop = uv_default_loop();
    static uv_udp_t udp;
    struct sockaddr_in at;
    int length = sizeof at, size = 1 << 22;
    check(uv_udp_init_ex(loop, &udp, AF_INET | UV_UDP_RECVMMSG), "uv_udp_init_ex");
    check(uv_ip4_addr("127.0.0.1", 0, &at), "uv_ip4_addr");
    check(uv_udp_bind(&udp, (struct sockaddr *)&at, 0), "uv_udp_bind");
    check(uv_recv_buffer_size((uv_handle_t *)&udp, &size), "uv_recv_buffer_size");
    check(uv_udp_recv_start(&udp, give_room, argc > 1 && !strcmp(argv[1], "try") ? echo_try : echo_each), "uv_udp_recv_start");
    if (!uv_udp_using_recvmmsg(&udp)) return 1;
    check(uv_udp_getsockname(&udp, (struct sockaddr *)&at, &length), "uv_udp_getsockname");
    tell_port(ntohs(at.sin_port));
    return uv_run(loop, UV_RUN_DEFAULT);
}
