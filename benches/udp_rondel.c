/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The UDP echo server on Rondel. "each": a send for every datagram, which leave together when the callback returns;
 * "batch": what came goes back as one batch; "plain": the same, without segmentation offload. */
#include "common.h"
#include <rondel.h>

static void echo_each(rondel_udp udp, const rondel_datagram *batch, int64_t n, void *user_data) {
    (void)user_data;
    for (int64_t i = 0; i < n; i++) rondel_udp_send(udp, batch[i].bytes, batch[i].length, &batch[i].peer, NULL, NULL);
}

static void echo_batch(rondel_udp udp, const rondel_datagram *batch, int64_t n, void *user_data) {
    (void)user_data;
    if (n > 0) rondel_udp_send_batch(udp, batch, (size_t)n, NULL, NULL);
}

int main(int argc, char **argv) {
    const char *how = argc > 1 ? argv[1] : "each";
    int port = 0;
    rondel_loop loop = rondel_loop_new();
    rondel_udp udp = rondel_udp_bind(loop, "127.0.0.1", 0, strcmp(how, "plain") ? 0 : RONDEL_UDP_NO_OFFLOAD);
    rondel_receive_buffer(udp, 1 << 22);
    if (rondel_udp_recv_start(udp, strcmp(how, "each") ? echo_batch : echo_each, NULL) < 0) return 1;
    rondel_local_addr(udp, NULL, 0, &port);
    tell_port(port);
    return (int)rondel_run(loop, RONDEL_RUN_DEFAULT);
}
