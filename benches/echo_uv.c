/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The echo server on libuv, by TCP or at the path it is given. */
#include "uv_server.h"

static void on_read(uv_stream_t *peer, ssize_t n, const uv_buf_t *buffer) {
    if (n < 0) uv_peer_close(peer);
    else if (n > 0) uv_peer_send(peer, buffer->base, (size_t)n);
}

int main(int argc, char **argv) { return argc > 1 ? uv_serve_local(on_read, argv[1]) : uv_serve(on_read, 0); }
