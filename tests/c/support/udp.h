/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What the tests of datagrams share: plain sockets for the other side, and a record of what was told.
 */
#ifndef RONDEL_TEST_UDP_H
#define RONDEL_TEST_UDP_H

#include "net.h"

/* A plain datagram socket bound to host and port (0: any). */
static inline int udp_plain(const char *host, int port) {
    struct sockaddr_storage address;
    socklen_t size = net_address(&address, host, port);
    int on = 1, fd = socket(address.ss_family, SOCK_DGRAM, 0);
    if (fd < 0) return -1;
    if (address.ss_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, size) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static inline int udp_has_ipv6(void) {
    int fd = udp_plain("::1", 0);
    if (fd >= 0) close(fd);
    return fd >= 0;
}

static inline int udp_port_of(rondel_handle handle) {
    int port = -1;
    CHECK(rondel_local_addr(handle, NULL, 0, &port) > 0);
    return port;
}

static inline rondel_address udp_address(const char *host, int port) {
    rondel_address address;
    memset(&address, 0, sizeof address);
    CHECK_EQ(rondel_address_parse(host, port, &address), 0);
    return address;
}

/* Sends from a plain socket. */
static inline void udp_send_to(int fd, const char *host, int port, const void *bytes, size_t length) {
    struct sockaddr_storage address;
    socklen_t size = net_address(&address, host, port);
    CHECK_EQ(sendto(fd, bytes, length, 0, (struct sockaddr *)&address, size), (ssize_t)length);
}

/* What comes to a plain socket within some seconds: its length, or -1. */
static inline int64_t udp_receive(int fd, void *bytes, size_t capacity) {
    struct pollfd wanted = {fd, POLLIN, 0};
    if (poll(&wanted, 1, 20000) != 1) return -1;
    return recv(fd, bytes, capacity, MSG_TRUNC);
}

/* What a rondel_datagram_fn was told. */
struct udp_heard {
    int64_t calls, datagrams, errors, bytes, most; /* most: in one batch */
    int64_t error;
    rondel_udp udp;
    rondel_datagram last;
    uint8_t last_bytes[2048];
};

static inline void udp_hear(rondel_udp udp, const rondel_datagram *batch, int64_t n, void *user_data) {
    struct udp_heard *heard = user_data;
    CHECK_EQ(net_starting, 0);
    heard->calls++;
    heard->udp = udp;
    if (n < 0) {
        CHECK(batch == NULL);
        heard->errors++;
        heard->error = n;
        return;
    }
    CHECK(n > 0);
    heard->datagrams += n;
    if (n > heard->most) heard->most = n;
    for (int64_t i = 0; i < n; i++) heard->bytes += (int64_t)batch[i].length;
    heard->last = batch[n - 1];
    size_t length = heard->last.length < sizeof heard->last_bytes ? heard->last.length : sizeof heard->last_bytes;
    memcpy(heard->last_bytes, heard->last.bytes, length);
}

/* For sockets that must not be told of anything. */
static inline void udp_never(rondel_udp udp, const rondel_datagram *batch, int64_t n, void *user_data) {
    (void)udp, (void)batch, (void)user_data;
    CHECK_EQ(n, INT64_MIN);
}

/* Answers each datagram with itself. */
static inline void udp_echo(rondel_udp udp, const rondel_datagram *batch, int64_t n, void *user_data) {
    int64_t *count = user_data;
    if (n < 0) return;
    *count += n;
    CHECK(rondel_udp_send_batch(udp, batch, (size_t)n, NULL, NULL) > 0);
}

#endif
