/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Datagrams there and back: binding, sending, receiving, peers, and what is refused.
 */
#include "support/udp.h"

TEST(a_datagram_comes_whole_with_its_sender) {
    rondel_loop loop = rondel_loop_new();
    struct udp_heard heard = {0};
    rondel_udp udp = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    REQUIRE(udp > 0);
    CHECK_EQ(rondel_kind(udp), RONDEL_KIND_UDP);
    CHECK_EQ(rondel_udp_recv_start(udp, udp_hear, &heard), 0);
    int plain = udp_plain("127.0.0.1", 0);
    char text[64];
    udp_send_to(plain, "127.0.0.1", udp_port_of(udp), "hello", 5);
    REQUIRE(net_run_until(loop, &heard.datagrams, 1));
    CHECK_EQ(heard.udp, udp);
    CHECK_EQ(heard.last.length, 5);
    CHECK(!memcmp(heard.last_bytes, "hello", 5));
    CHECK_EQ(heard.last.peer.family, 4);
    CHECK_EQ(heard.last.peer.port, net_port(plain));
    CHECK_EQ(rondel_address_text(&heard.last.peer, text, sizeof text), 9);
    CHECK_STR(text, "127.0.0.1");
    CHECK_EQ(heard.last.local.family, 0);
    CHECK_EQ(heard.last.segment, 0);
    CHECK_EQ(heard.last.ecn, 0);
    CHECK_EQ(heard.last.flags, 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(heard.calls, 1);
    close(plain);
}

TEST(a_send_tells_its_length_and_arrives) {
    rondel_loop loop = rondel_loop_new();
    struct net_op sent = {0};
    int plain = udp_plain("127.0.0.1", 0);
    char room[64];
    rondel_udp udp = rondel_udp_bind(loop, NULL, 0, 0);
    rondel_address to = udp_address("127.0.0.1", net_port(plain));
    rondel_future future = NET_START(rondel_udp_send(udp, "a question", 10, &to, net_done, &sent));
    CHECK_EQ(rondel_future_origin(future), udp);
    REQUIRE(net_run_until(loop, &sent.calls, 1));
    CHECK_EQ(sent.result, 10);
    CHECK_EQ(sent.source, future);
    CHECK_EQ(udp_receive(plain, room, sizeof room), 10);
    CHECK(!memcmp(room, "a question", 10));
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(sent.calls, 1);
    close(plain);
}

TEST(what_was_given_may_die_when_the_call_returns) {
    rondel_loop loop = rondel_loop_new();
    struct net_op sent = {0};
    struct udp_heard heard = {0};
    rondel_udp from = rondel_udp_bind(loop, "127.0.0.1", 0, 0), to = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    rondel_address *address = malloc(sizeof *address);
    char *bytes = malloc(1000);
    *address = udp_address("127.0.0.1", udp_port_of(to));
    net_fill(bytes, 1000, 7);
    CHECK_EQ(rondel_udp_recv_start(to, udp_hear, &heard), 0);
    CHECK(rondel_udp_send(from, bytes, 1000, address, net_done, &sent) > 0);
    net_scribble(bytes, 1000);
    net_scribble(address, sizeof *address);
    free(bytes);
    free(address);
    REQUIRE(net_run_until(loop, &heard.datagrams, 1));
    CHECK_EQ(heard.last.length, 1000);
    CHECK(net_matches(heard.last_bytes, 1000, 7));
    CHECK_EQ(sent.result, 1000);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(an_empty_datagram_is_one) {
    rondel_loop loop = rondel_loop_new();
    struct net_op sent = {0}, received = {0};
    struct udp_heard heard = {0};
    rondel_udp udp = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    rondel_address self = udp_address("127.0.0.1", udp_port_of(udp));
    char room[8];
    CHECK(rondel_udp_send(udp, NULL, 0, &self, net_done, &sent) > 0);
    CHECK(rondel_udp_recv(udp, room, sizeof room, NULL, net_done, &received) > 0);
    REQUIRE(net_run_until(loop, &received.calls, 1));
    CHECK_EQ(received.result, 0);
    CHECK_EQ(sent.result, 0);
    CHECK_EQ(rondel_udp_recv_start(udp, udp_hear, &heard), 0);
    CHECK_EQ(rondel_udp_try_send(udp, NULL, 0, &self), 0);
    REQUIRE(net_run_until(loop, &heard.datagrams, 1));
    CHECK_EQ(heard.last.length, 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(the_longest_datagram_fits_and_one_more_byte_does_not) {
    static uint8_t bytes[70000];
    rondel_loop loop = rondel_loop_new();
    struct net_op longest = {0}, too_long = {0}, next = {0}, absurd = {0};
    struct udp_heard heard = {0};
    rondel_udp from = rondel_udp_bind(loop, "127.0.0.1", 0, 0), to = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    rondel_address address = udp_address("127.0.0.1", udp_port_of(to));
    CHECK_EQ(rondel_udp_recv_start(to, udp_hear, &heard), 0);
    CHECK(rondel_udp_send(from, bytes, 65507, &address, net_done, &longest) > 0);
    CHECK(NET_START(rondel_udp_send(from, bytes, 65508, &address, net_done, &too_long)) > 0);
    CHECK(NET_START(rondel_udp_send(from, bytes, 70000, &address, net_done, &absurd)) > 0);
    CHECK(rondel_udp_send(from, bytes, 1, &address, net_done, &next) > 0);
    REQUIRE(net_run_until(loop, &heard.datagrams, 2));
    CHECK_EQ(heard.bytes, 65508);
    CHECK_EQ(longest.result, 65507);
    CHECK_EQ(too_long.result, RONDEL_EMSGSIZE);
    CHECK_EQ(absurd.result, RONDEL_EMSGSIZE);
    CHECK_EQ(next.result, 1);
    CHECK_EQ(rondel_udp_try_send(from, bytes, 65508, &address), RONDEL_EMSGSIZE);
    CHECK_EQ(rondel_udp_try_send(from, bytes, 2, &address), 2);
    REQUIRE(net_run_until(loop, &heard.datagrams, 3));
    CHECK_EQ(heard.errors, 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(an_every_interface_socket_talks_both_families) {
    if (!udp_has_ipv6()) SKIP("no IPv6 here");
    rondel_loop loop = rondel_loop_new();
    int64_t echoed = 0;
    rondel_udp udp = rondel_udp_bind(loop, NULL, 0, 0);
    int four = udp_plain("127.0.0.1", 0), six = udp_plain("::1", 0), port = udp_port_of(udp);
    char room[8];
    CHECK_EQ(rondel_udp_recv_start(udp, udp_echo, &echoed), 0);
    udp_send_to(four, "127.0.0.1", port, "four", 4);
    udp_send_to(six, "::1", port, "six", 3);
    REQUIRE(net_run_until(loop, &echoed, 2));
    CHECK_EQ(udp_receive(four, room, sizeof room), 4);
    CHECK_EQ(udp_receive(six, room, sizeof room), 3);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(four);
    close(six);
}

TEST(ipv6_only_leaves_the_port_of_ipv4_to_others) {
    if (!udp_has_ipv6()) SKIP("no IPv6 here");
    rondel_loop loop = rondel_loop_new();
    struct udp_heard heard = {0};
    rondel_udp six = rondel_udp_bind(loop, NULL, 0, RONDEL_UDP_IPV6_ONLY);
    rondel_udp four = rondel_udp_bind(loop, "127.0.0.1", udp_port_of(six), 0);
    CHECK(four > 0);
    CHECK_EQ(rondel_udp_recv_start(six, udp_never, NULL), 0);
    CHECK_EQ(rondel_udp_recv_start(four, udp_hear, &heard), 0);
    int plain = udp_plain("127.0.0.1", 0);
    udp_send_to(plain, "127.0.0.1", udp_port_of(six), "x", 1);
    REQUIRE(net_run_until(loop, &heard.datagrams, 1));
    net_settle(loop);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(plain);
}

TEST(an_ipv6_sender_is_told_as_such) {
    if (!udp_has_ipv6()) SKIP("no IPv6 here");
    rondel_loop loop = rondel_loop_new();
    struct udp_heard heard = {0};
    rondel_udp udp = rondel_udp_bind(loop, "::1", 0, 0);
    int plain = udp_plain("::1", 0);
    char text[64];
    CHECK_EQ(rondel_udp_recv_start(udp, udp_hear, &heard), 0);
    udp_send_to(plain, "::1", udp_port_of(udp), "six", 3);
    REQUIRE(net_run_until(loop, &heard.datagrams, 1));
    CHECK_EQ(heard.last.peer.family, 6);
    CHECK_EQ(heard.last.peer.port, net_port(plain));
    CHECK_EQ(rondel_address_text(&heard.last.peer, text, sizeof text), 3);
    CHECK_STR(text, "::1");
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(plain);
}

TEST(a_port_that_is_taken_is_refused_unless_both_share_it) {
    if (ON_WINDOWS) SKIP("no two sockets share a port, and wine binds to what is not there");
    rondel_loop loop = rondel_loop_new();
    rondel_udp one = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    int port = udp_port_of(one), descriptors = test_open_descriptors();
    CHECK_EQ(rondel_udp_bind(loop, "127.0.0.1", port, 0), RONDEL_EADDRINUSE);
    CHECK_EQ(rondel_udp_bind(loop, "127.0.0.1", port, RONDEL_UDP_REUSE_PORT), RONDEL_EADDRINUSE);
    CHECK_EQ(rondel_udp_bind(loop, "192.0.2.1", 0, 0), RONDEL_EADDRNOTAVAIL);
    CHECK_EQ(test_open_descriptors(), descriptors);
    CHECK_EQ(rondel_close(one), 0);
    rondel_udp two = rondel_udp_bind(loop, "127.0.0.1", port, RONDEL_UDP_REUSE_PORT);
    CHECK(two > 0);
    CHECK(rondel_udp_bind(loop, "127.0.0.1", port, RONDEL_UDP_REUSE_PORT) > 0);
    CHECK_EQ(rondel_udp_bind(loop, "127.0.0.1", port, 0), RONDEL_EADDRINUSE);
    rondel_udp three = rondel_udp_bind(loop, "127.0.0.1", 0, RONDEL_UDP_REUSE_ADDRESS);
    CHECK(rondel_udp_bind(loop, "127.0.0.1", udp_port_of(three), RONDEL_UDP_REUSE_ADDRESS) > 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(sockets_that_share_a_port_share_its_senders) {
    if (ON_WINDOWS) SKIP("no two sockets share a port");
    rondel_loop loop = rondel_loop_new();
    struct udp_heard heard[2] = {{0}, {0}};
    int64_t all = 0;
    rondel_udp one = rondel_udp_bind(loop, "127.0.0.1", 0, RONDEL_UDP_REUSE_PORT);
    int port = udp_port_of(one), plain[64];
    rondel_udp two = rondel_udp_bind(loop, "127.0.0.1", port, RONDEL_UDP_REUSE_PORT);
    CHECK_EQ(rondel_udp_recv_start(one, udp_hear, &heard[0]), 0);
    CHECK_EQ(rondel_udp_recv_start(two, udp_hear, &heard[1]), 0);
    for (int i = 0; i < 64; i++) {
        plain[i] = udp_plain("127.0.0.1", 0);
        udp_send_to(plain[i], "127.0.0.1", port, "x", 1);
    }
    while (all < 64) {
        REQUIRE_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
        all = heard[0].datagrams + heard[1].datagrams;
    }
    /* Each sender is given to one of them by a hash: that one of them gets all 64 will not be seen. */
    CHECK(heard[0].datagrams > 0);
    CHECK(heard[1].datagrams > 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    for (int i = 0; i < 64; i++) close(plain[i]);
}

static void stop_receiving(rondel_udp udp, const rondel_datagram *batch, int64_t n, void *user_data) {
    struct udp_heard *heard = user_data;
    udp_hear(udp, batch, n, heard);
    CHECK_EQ(rondel_udp_recv_stop(udp), 0);
    CHECK_EQ(rondel_is_active(udp), 0);
    /* What came with it is still there to be looked at. */
    for (int64_t i = 0; i < n; i++) CHECK_EQ(batch[i].bytes[0], 'a' + i);
}

TEST(receiving_can_stop_in_a_batch_and_go_on) {
    rondel_loop loop = rondel_loop_new();
    struct udp_heard heard = {0}, more = {0};
    rondel_udp udp = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    int plain = udp_plain("127.0.0.1", 0), port = udp_port_of(udp);
    CHECK_EQ(rondel_udp_recv_stop(udp), 0);
    CHECK_EQ(rondel_udp_recv_start(udp, stop_receiving, &heard), 0);
    CHECK_EQ(rondel_is_active(udp), 1);
    for (int i = 0; i < 3; i++) udp_send_to(plain, "127.0.0.1", port, &"abc"[i], 1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(heard.calls, 1);
    udp_send_to(plain, "127.0.0.1", port, "later", 5);
    net_settle(loop);
    CHECK_EQ(heard.calls, 1);
    CHECK_EQ(rondel_udp_recv_start(udp, udp_hear, &more), 0);
    REQUIRE(net_run_until(loop, &more.bytes, 8 - heard.bytes));
    CHECK_EQ(heard.bytes + more.bytes, 8);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(plain);
}

struct closer {
    struct udp_heard heard;
    rondel_udp other;
};

static void close_in_batch(rondel_udp udp, const rondel_datagram *batch, int64_t n, void *user_data) {
    struct closer *closer = user_data;
    udp_hear(udp, batch, n, &closer->heard);
    CHECK(rondel_udp_send(udp, "bye", 3, &batch[0].peer, NULL, NULL) > 0);
    CHECK_EQ(rondel_close(udp), 0);
    if (closer->other) CHECK_EQ(rondel_close(closer->other), 0);
    CHECK_EQ(rondel_udp_recv_stop(udp), RONDEL_EGONE);
    for (int64_t i = 0; i < n; i++) CHECK_EQ(batch[i].bytes[0], 'x');
}

TEST(sockets_can_be_closed_in_a_batch) {
    rondel_loop loop = rondel_loop_new();
    struct closer closer = {{0}, 0};
    struct net_op closed = {0};
    rondel_udp one = rondel_udp_bind(loop, "127.0.0.1", 0, 0), two = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    int plain = udp_plain("127.0.0.1", 0);
    char room[8];
    closer.other = two;
    CHECK_EQ(rondel_udp_recv_start(one, close_in_batch, &closer), 0);
    CHECK_EQ(rondel_udp_recv_start(two, udp_never, NULL), 0);
    CHECK_EQ(rondel_on_close(one, net_done, &closed), 0);
    /* More than one batch waits, and the second of them must not be told. */
    for (int i = 0; i < 100; i++) udp_send_to(plain, "127.0.0.1", udp_port_of(one), "x", 1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(closer.heard.calls, 1);
    CHECK_EQ(closed.calls, 1);
    CHECK_EQ(udp_receive(plain, room, sizeof room), 3);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(plain);
}

/* ---- peers */

TEST(a_connected_socket_needs_no_address_and_hears_its_peer_only) {
    rondel_loop loop = rondel_loop_new();
    struct net_op made = {0}, sent = {0};
    struct udp_heard heard = {0};
    int peer = udp_plain("127.0.0.1", 0), other = udp_plain("127.0.0.1", 0), port = -1;
    char room[8], text[64];
    CHECK(NET_START(rondel_udp_connect(loop, "127.0.0.1", net_port(peer), net_done, &made)) > 0);
    REQUIRE(net_run_until(loop, &made.calls, 1));
    rondel_udp udp = made.result;
    REQUIRE_EQ(rondel_kind(udp), RONDEL_KIND_UDP);
    CHECK_EQ(rondel_peer_addr(udp, text, sizeof text, &port), 9);
    CHECK_EQ(port, net_port(peer));
    CHECK_EQ(rondel_udp_recv_start(udp, udp_hear, &heard), 0);
    CHECK(rondel_udp_send(udp, "ping", 4, NULL, net_done, &sent) > 0);
    REQUIRE(net_run_until(loop, &sent.calls, 1));
    CHECK_EQ(sent.result, 4);
    CHECK_EQ(udp_receive(peer, room, sizeof room), 4);
    udp_send_to(other, "127.0.0.1", udp_port_of(udp), "intruder", 8);
    udp_send_to(peer, "127.0.0.1", udp_port_of(udp), "pong", 4);
    REQUIRE(net_run_until(loop, &heard.datagrams, 1));
    CHECK_EQ(heard.last.length, 4);
    CHECK_EQ(heard.last.peer.port, net_port(peer));
    /* The peer's own address may be named, as in what is sent back. */
    rondel_address to = udp_address("127.0.0.1", net_port(peer)), elsewhere = udp_address("127.0.0.1", net_port(other));
    CHECK_EQ(rondel_udp_try_send(udp, "two", 3, &to), 3);
    CHECK_EQ(rondel_udp_send(udp, "x", 1, &elsewhere, net_never, NULL), RONDEL_EISCONN);
    CHECK_EQ(udp_receive(peer, room, sizeof room), 3);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(made.calls, 1);
    close(peer);
    close(other);
}

TEST(a_peer_is_found_by_name) {
    rondel_loop loop = rondel_loop_new();
    struct net_op made = {0}, unknown = {0}, cancelled = {0};
    CHECK(NET_START(rondel_udp_connect(loop, "localhost", 9, net_done, &made)) > 0);
    CHECK(NET_START(rondel_udp_connect(loop, "no-such-host.invalid", 9, net_done, &unknown)) > 0);
    rondel_future future = rondel_udp_connect(loop, "localhost", 9, net_done, &cancelled);
    CHECK_EQ(rondel_cancel(future), 0);
    REQUIRE(net_run_until(loop, &made.calls, 1));
    REQUIRE(net_run_until(loop, &unknown.calls, 1));
    CHECK_EQ(rondel_kind(made.result), RONDEL_KIND_UDP);
    CHECK(unknown.result < RONDEL_EAI_NONAME + 3 && unknown.result > RONDEL_EAI_OVERFLOW);
    CHECK_EQ(cancelled.result, RONDEL_ECANCELED);
    /* One nobody hears of leaves no socket behind. */
    CHECK(rondel_udp_connect(loop, "127.0.0.1", 9, NULL, NULL) > 0);
    CHECK(rondel_udp_connect(loop, "localhost", 9, NULL, NULL) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 2);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(made.calls + unknown.calls + cancelled.calls, 3);
}

TEST(a_bound_socket_takes_a_peer_and_loses_it_again) {
    rondel_loop loop = rondel_loop_new();
    struct udp_heard heard = {0};
    rondel_udp udp = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    int peer = udp_plain("127.0.0.1", 0), other = udp_plain("127.0.0.1", 0), port = udp_port_of(udp);
    rondel_address to = udp_address("127.0.0.1", net_port(peer)), nowhere = to;
    char room[8];
    CHECK_EQ(rondel_udp_set_peer(udp, NULL), RONDEL_ENOTCONN);
    CHECK_EQ(rondel_udp_set_peer(udp, &to), 0);
    CHECK_EQ(udp_port_of(udp), port);
    CHECK_EQ(rondel_udp_try_send(udp, "one", 3, NULL), 3);
    CHECK_EQ(udp_receive(peer, room, sizeof room), 3);
    CHECK_EQ(rondel_udp_set_peer(udp, NULL), 0);
    CHECK_EQ(rondel_peer_addr(udp, NULL, 0, NULL), RONDEL_ENOTCONN);
    CHECK_EQ(rondel_udp_try_send(udp, "one", 3, NULL), RONDEL_EDESTADDRREQ);
    to.port = net_port(other);
    CHECK_EQ(rondel_udp_try_send(udp, "three", 5, &to), 5);
    CHECK_EQ(udp_receive(other, room, sizeof room), 5);
    CHECK_EQ(rondel_udp_recv_start(udp, udp_hear, &heard), 0);
    udp_send_to(other, "127.0.0.1", port, "back", 4);
    REQUIRE(net_run_until(loop, &heard.datagrams, 1));
    nowhere.port = 0;
    CHECK_EQ(rondel_udp_set_peer(udp, &nowhere), RONDEL_EINVAL);
    nowhere.family = 5;
    CHECK_EQ(rondel_udp_set_peer(udp, &nowhere), RONDEL_EINVAL);
    nowhere.family = 6;
    nowhere.port = 9;
    memset(nowhere.bytes, 0, sizeof nowhere.bytes);
    nowhere.bytes[15] = 1;
    CHECK_EQ(rondel_udp_set_peer(udp, &nowhere), RONDEL_EAFNOSUPPORT);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(peer);
    close(other);
}

TEST(a_socket_opened_elsewhere_works_and_is_closed) {
    if (ON_WINDOWS) SKIP("what is no socket and what is closed look alike");
    rondel_loop loop = rondel_loop_new();
    struct udp_heard heard = {0};
    int fd = udp_plain("127.0.0.1", 0), port = net_port(fd), stream = net_bound("127.0.0.1", 0), ends[2];
    CHECK_EQ(rondel_udp_open(loop, stream), RONDEL_EPROTOTYPE);
    CHECK_EQ(rondel_udp_open(loop, -1), RONDEL_EBADF);
    CHECK_EQ(rondel_udp_open(loop, 0x7fffff), RONDEL_EBADF);
    REQUIRE_EQ(pipe(ends), 0);
    CHECK_EQ(rondel_udp_open(loop, ends[0]), RONDEL_ENOTSOCK);
    close(ends[0]);
    close(ends[1]);
    rondel_udp udp = rondel_udp_open(loop, fd);
    REQUIRE(udp > 0);
    CHECK_EQ(rondel_fileno(udp), fd);
    CHECK_EQ(rondel_udp_open(loop, fd), RONDEL_EEXIST);
    CHECK_EQ(rondel_tcp_open(loop, fd), RONDEL_EPROTOTYPE);
    CHECK_EQ(udp_port_of(udp), port);
    CHECK_EQ(rondel_udp_recv_start(udp, udp_hear, &heard), 0);
    int plain = udp_plain("127.0.0.1", 0);
    udp_send_to(plain, "127.0.0.1", port, "hello", 5);
    REQUIRE(net_run_until(loop, &heard.datagrams, 1));
    CHECK_EQ(rondel_close(udp), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(fcntl(fd, F_GETFD), -1);
    /* One that has a peer already. */
    fd = udp_plain("127.0.0.1", 0);
    struct sockaddr_storage address;
    socklen_t size = net_address(&address, "127.0.0.1", net_port(plain));
    REQUIRE_EQ(connect(fd, (struct sockaddr *)&address, size), 0);
    udp = rondel_udp_open(loop, fd);
    CHECK_EQ(rondel_udp_try_send(udp, "x", 1, NULL), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(plain);
    close(stream);
}

TEST(an_unreferenced_socket_lets_the_loop_end) {
    rondel_loop loop = rondel_loop_new();
    rondel_udp udp = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    CHECK_EQ(rondel_alive(loop), 0);
    CHECK_EQ(rondel_udp_recv_start(udp, udp_never, NULL), 0);
    CHECK_EQ(rondel_alive(loop), 1);
    CHECK_EQ(rondel_unref(udp), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_ref(udp), 0);
    CHECK_EQ(rondel_alive(loop), 1);
    CHECK_EQ(rondel_udp_recv_stop(udp), 0);
    CHECK_EQ(rondel_alive(loop), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST_MAIN(RUN(a_datagram_comes_whole_with_its_sender), RUN(a_send_tells_its_length_and_arrives),
          RUN(what_was_given_may_die_when_the_call_returns), RUN(an_empty_datagram_is_one),
          RUN(the_longest_datagram_fits_and_one_more_byte_does_not),
          RUN(an_every_interface_socket_talks_both_families), RUN(ipv6_only_leaves_the_port_of_ipv4_to_others),
          RUN(an_ipv6_sender_is_told_as_such), RUN(a_port_that_is_taken_is_refused_unless_both_share_it),
          RUN(sockets_that_share_a_port_share_its_senders), RUN(receiving_can_stop_in_a_batch_and_go_on),
          RUN(sockets_can_be_closed_in_a_batch), RUN(a_connected_socket_needs_no_address_and_hears_its_peer_only),
          RUN(a_peer_is_found_by_name), RUN(a_bound_socket_takes_a_peer_and_loses_it_again),
          RUN(a_socket_opened_elsewhere_works_and_is_closed), RUN(an_unreferenced_socket_lets_the_loop_end))
