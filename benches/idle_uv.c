/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Idle connections on libuv: an echo server that tells its memory once the connections it was told to expect are here. */
#include "idle.h"
#include "uv_server.h"

static void on_read(uv_stream_t *peer, ssize_t n, const uv_buf_t *buffer) {
    if (n < 0) {
        uv_peer_close(peer);
    } else if (n > 0) {
        idle_began();
        uv_peer_send(peer, buffer->base, (size_t)n);
    }
}

int main(int argc, char **argv) {
    idle_expect(argc, argv);
    uv_peer_on_accepted = idle_accepted;
    return uv_serve(on_read, 0);
}
