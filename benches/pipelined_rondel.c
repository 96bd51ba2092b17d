/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Answers each 64-byte request on Rondel with a rondel_write of its own. */
#include "framer.h"
#include <rondel.h>

static void answer(void *to, const uint8_t *request) {
    rondel_write(*(rondel_stream *)to, request, REQUEST, NULL, NULL);
}

static void on_read(rondel_stream peer, const uint8_t *bytes, int64_t n, void *framer) {
    if (n < 0) {
        rondel_close(peer);
        free(framer);
    } else {
        framer_feed(framer, bytes, (size_t)n, answer, &peer);
    }
}

static void on_accept(rondel_tcp server, int64_t peer, void *user_data) {
    (void)server;
    (void)user_data;
    struct framer *framer = must_alloc(sizeof *framer);
    framer->have = 0;
    if (rondel_read_start(peer, on_read, framer) < 0) free(framer);
}

int main(void) {
    int port = 0;
    rondel_loop loop = rondel_loop_new();
    rondel_tcp server = rondel_tcp_listen(loop, "127.0.0.1", 0, on_accept, NULL);
    if (rondel_local_addr(server, NULL, 0, &port) < 0) return 1;
    tell_port(port);
    return (int)rondel_run(loop, RONDEL_RUN_DEFAULT);
}
