/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The functions of UDP, for the table in calls.h. */
#ifndef RONDEL_TEST_CALLS_UDP_H
#define RONDEL_TEST_CALLS_UDP_H

#include "test.h"

#define UDPS KIND_BIT(RONDEL_KIND_UDP)

static const rondel_address call_udp_peer = {4, 9, 0, {127, 0, 0, 1}};
static const rondel_datagram call_udp_batch = {
    (const uint8_t *)"x", 1, {4, 9, 0, {127, 0, 0, 1}}, {0, 0, 0, {0}}, 0, 0, 0};
static char call_udp_room[64];
static rondel_datagram call_udp_out;

static inline void call_udp_heard(rondel_udp udp, const rondel_datagram *batch, int64_t n, void *user_data) {
    (void)udp, (void)batch, (void)n;
    ((struct seen *)user_data)->calls++;
}

#define CALLS_OF_UDP(CALL)                                                                                             \
    CALL(udp_bind, LOOPS, (h, "127.0.0.1", 0, 0))                                                                      \
    CALL(udp_connect, LOOPS, (h, "127.0.0.1", 9, call_fn, &call_seen))                                                 \
    CALL(udp_open, LOOPS, (h, INT32_MAX))                                                                              \
    CALL(udp_bind_path, LOOPS, (h, "@", 0))                                                                            \
    CALL(udp_send_path, UDPS, (h, "x", 1, "/nowhere/at-all", call_fn, &call_seen))                                     \
    CALL(udp_sender_path, UDPS, (h, 0, NULL, 0))                                                                       \
    CALL(udp_set_peer_path, UDPS, (h, "/nowhere/at-all"))                                                              \
    CALL(udp_set_peer, UDPS, (h, &call_udp_peer))                                                                      \
    CALL(udp_send, UDPS, (h, "x", 1, &call_udp_peer, call_fn, &call_seen))                                             \
    CALL(udp_try_send, UDPS, (h, "x", 1, &call_udp_peer))                                                              \
    CALL(udp_send_batch, UDPS, (h, &call_udp_batch, 1, call_fn, &call_seen))                                           \
    CALL(udp_recv_start, UDPS, (h, call_udp_heard, &call_seen))                                                        \
    CALL(udp_recv_stop, UDPS, (h))                                                                                     \
    CALL(udp_recv, UDPS, (h, call_udp_room, sizeof call_udp_room, &call_udp_out, call_fn, &call_seen))                 \
    CALL(udp_error_addr, UDPS, (h, &call_address))                                                                     \
    CALL(udp_tell, UDPS, (h, 0))                                                                                       \
    CALL(udp_send_queue_size, UDPS, (h))                                                                               \
    CALL(udp_send_queue_count, UDPS, (h))                                                                              \
    CALL(udp_broadcast, UDPS, (h, 1))                                                                                  \
    CALL(udp_ttl, UDPS, (h, 64))                                                                                       \
    CALL(udp_traffic_class, UDPS, (h, 0))                                                                              \
    CALL(udp_join, UDPS, (h, "239.255.70.1", NULL, NULL))                                                              \
    CALL(udp_leave, UDPS, (h, "239.255.70.1", NULL, NULL))                                                             \
    CALL(udp_multicast_interface, UDPS, (h, NULL))                                                                     \
    CALL(udp_multicast_ttl, UDPS, (h, 1))                                                                              \
    CALL(udp_multicast_loop, UDPS, (h, 1))

#define MAKES_OF_UDP(MAKE) MAKE(UDP, rondel_udp_bind(loop, "127.0.0.1", 0, 0))

#endif
