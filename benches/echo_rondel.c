/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The echo server on Rondel: the one of the README, at any free port or at the path it is given. */
#include "common.h"
#include <rondel.h>

static void on_read(rondel_stream peer, const uint8_t *bytes, int64_t n, void *user_data) {
    (void)user_data;
    if (n < 0) rondel_close(peer);
    else rondel_write(peer, bytes, (size_t)n, NULL, NULL);
}

static void on_accept(rondel_handle server, int64_t peer, void *user_data) {
    (void)server;
    rondel_read_start(peer, on_read, user_data);
}

int main(int argc, char **argv) {
    int port = 0;
    rondel_loop loop = rondel_loop_new();
    rondel_handle server = argc > 1 ? rondel_pipe_listen(loop, argv[1], on_accept, NULL)
                                    : rondel_tcp_listen(loop, "127.0.0.1", 0, on_accept, NULL);
    if (rondel_local_addr(server, NULL, 0, &port) < 0) return 1;
    tell_port(port);
    return (int)rondel_run(loop, RONDEL_RUN_DEFAULT);
}
