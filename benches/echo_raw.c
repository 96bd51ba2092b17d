/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The echo server on plain epoll, by TCP or at the path it is given. */
#include "raw_server.h"

static void on_read(struct raw_peer *peer, const uint8_t *bytes, size_t n) { raw_send(peer, bytes, n); }

int main(int argc, char **argv) {
    raw_serve(on_read, 0, argc > 1 ? argv[1] : NULL);
    return 1; /* it serves until it is killed */
}
