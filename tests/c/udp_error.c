/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Errors that the network sends back for a datagram: each is told once, to the right one, and everything goes on.
 */
#include "support/child.h"
#include "support/udp.h"

/* A port of this machine at which nobody is, and none that the system would give to a socket by itself: the next one
 * would be connected to itself. */
static int nobody(void) {
    static int tried;
    for (;;) {
        const int port = 20000 + (getpid() % 100 * 100 + tried++) % 10000;
        struct sockaddr_in at;
        memset(&at, 0, sizeof at);
        at.sin_family = AF_INET;
        at.sin_port = htons((uint16_t)port);
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        int fd = socket(AF_INET, SOCK_DGRAM, 0);
        int bound = bind(fd, (struct sockaddr *)&at, sizeof at);
        close(fd);
        if (bound == 0) return port;
    }
}

static rondel_udp connected(rondel_loop loop, int port) {
    rondel_udp udp = rondel_run_until(loop, rondel_udp_connect(loop, "127.0.0.1", port, RONDEL_FUTURE));
    CHECK(udp > 0);
    return udp;
}

TEST(a_receiver_hears_once_that_its_peer_is_not_there) {
    rondel_loop loop = rondel_loop_new();
    struct udp_heard heard = {0};
    struct net_op sent = {0};
    rondel_address where;
    int port = nobody();
    rondel_udp udp = connected(loop, port);
    CHECK_EQ(rondel_udp_error_addr(udp, &where), RONDEL_ENOENT);
    CHECK_EQ(rondel_udp_error_addr(udp, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_udp_recv_start(udp, udp_hear, &heard), 0);
    CHECK(rondel_udp_send(udp, "anybody?", 8, NULL, net_done, &sent) > 0);
    REQUIRE(net_run_until(loop, &heard.errors, 1));
    net_settle(loop);
    CHECK_EQ(heard.calls, 1);
    CHECK_EQ(heard.error, RONDEL_ECONNREFUSED);
    CHECK_EQ(sent.result, 8);
    CHECK_EQ(rondel_udp_error_addr(udp, &where), 0);
    CHECK_EQ(where.family, 4);
    CHECK_EQ(where.port, port);
    /* Receiving goes on, and the peer may come. */
    int peer = udp_plain("127.0.0.1", port);
    char room[16];
    CHECK_EQ(rondel_udp_try_send(udp, "now?", 4, NULL), 4);
    CHECK_EQ(udp_receive(peer, room, sizeof room), 4);
    udp_send_to(peer, "127.0.0.1", udp_port_of(udp), "yes", 3);
    REQUIRE(net_run_until(loop, &heard.datagrams, 1));
    CHECK_EQ(heard.calls, 2);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(peer);
}

TEST(no_send_is_blamed_for_an_earlier_one_while_somebody_receives) {
    rondel_loop loop = rondel_loop_new();
    struct udp_heard heard = {0};
    struct net_op ops[20];
    memset(ops, 0, sizeof ops);
    rondel_udp udp = connected(loop, nobody());
    CHECK_EQ(rondel_udp_recv_start(udp, udp_hear, &heard), 0);
    for (int i = 0; i < 20; i++) CHECK(rondel_udp_send(udp, "x", 1, NULL, net_done, &ops[i]) > 0);
    REQUIRE(net_run_until(loop, &ops[19].calls, 1));
    net_settle(loop);
    for (int i = 0; i < 20; i++) CHECK_EQ(ops[i].result, 1);
    /* One came back for each, as long as the system tells them all. */
    CHECK(heard.errors >= 1 && heard.errors <= 20);
    CHECK_EQ(heard.error, RONDEL_ECONNREFUSED);
    CHECK_EQ(heard.datagrams, 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(without_a_receiver_no_send_is_blamed_and_who_receives_next_is_told) {
    rondel_loop loop = rondel_loop_new();
    struct net_op ops[3];
    struct udp_heard heard = {0};
    memset(ops, 0, sizeof ops);
    rondel_udp udp = connected(loop, nobody());
    for (int i = 0; i < 3; i++) CHECK(rondel_udp_send(udp, "x", 1, NULL, net_done, &ops[i]) > 0);
    REQUIRE(net_run_until(loop, &ops[2].calls, 1));
    for (int i = 0; i < 3; i++) REQUIRE(ops[i].result == 1);
    CHECK_EQ(rondel_udp_try_send(udp, "x", 1, NULL), 1);
    /* Once for each at most, and never again. */
    CHECK_EQ(rondel_udp_recv_start(udp, udp_hear, &heard), 0);
    REQUIRE(net_run_until(loop, &heard.errors, 1));
    net_settle(loop);
    CHECK(heard.errors >= 1 && heard.errors <= 4);
    CHECK_EQ(heard.error, RONDEL_ECONNREFUSED);
    int64_t before = heard.errors;
    CHECK_EQ(rondel_udp_recv_stop(udp), 0);
    CHECK_EQ(rondel_udp_recv_start(udp, udp_hear, &heard), 0);
    net_settle(loop);
    CHECK_EQ(heard.errors, before);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* Sends to a peer that is not there, which then comes. */
static int peer_after_an_error(rondel_udp udp) {
    int port;
    CHECK_EQ(rondel_udp_try_send(udp, "lost", 4, NULL), 4);
    CHECK(rondel_peer_addr(udp, NULL, 0, &port) > 0);
    return udp_plain("127.0.0.1", port);
}

TEST(an_error_of_before_costs_no_new_datagram_though_nobody_receives) {
    rondel_loop loop = rondel_loop_new();
    struct net_op ops[3];
    rondel_datagram batch[3];
    char room[8];
    /* One that is tried, one that waits for its callback's end, a batch, and what is gathered in one callback. */
    for (int how = 0; how < 4; how++) {
        int sent = how < 2 ? 1 : 3;
        memset(ops, 0, sizeof ops);
        memset(batch, 0, sizeof batch);
        for (int i = 0; i < 3; i++) batch[i].bytes = (const uint8_t *)"new", batch[i].length = 3;
        rondel_udp udp = connected(loop, nobody());
        int peer = peer_after_an_error(udp);
        if (how == 0) REQUIRE(rondel_udp_try_send(udp, "new", 3, NULL) == 3);
        if (how == 1 || how == 3)
            for (int i = 0; i < sent; i++) CHECK(rondel_udp_send(udp, "new", 3, NULL, net_done, &ops[i]) > 0);
        if (how == 2) CHECK(rondel_udp_send_batch(udp, batch, 3, net_done, &ops[0]) > 0);
        net_settle(loop);
        if (how == 1 || how == 3)
            for (int i = 0; i < sent; i++) REQUIRE(ops[i].result == 3);
        if (how == 2) REQUIRE(ops[0].result == 3);
        for (int i = 0; i < sent; i++) CHECK_EQ(udp_receive(peer, room, sizeof room), 3);
        CHECK_EQ(rondel_close(udp), 0);
        close(peer);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(an_error_that_the_system_had_no_room_to_keep_costs_no_new_datagram_either) {
    static char bytes[1400];
    rondel_loop loop = rondel_loop_new();
    int port = nobody(), peer = udp_plain("127.0.0.1", port);
    char room[8];
    rondel_udp udp = connected(loop, port);
    /* What nobody receives fills the socket. */
    for (int i = 0; i < 2000; i++) udp_send_to(peer, "127.0.0.1", udp_port_of(udp), bytes, sizeof bytes);
    close(peer);
    peer = peer_after_an_error(udp);
    REQUIRE(rondel_udp_try_send(udp, "new", 3, NULL) == 3);
    CHECK_EQ(udp_receive(peer, room, sizeof room), 3);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(peer);
}

TEST(a_single_receive_ends_with_the_error) {
    rondel_loop loop = rondel_loop_new();
    struct net_op received = {0}, next = {0};
    char room[8];
    rondel_udp udp = connected(loop, nobody());
    CHECK(rondel_udp_recv(udp, room, sizeof room, NULL, net_done, &received) > 0);
    CHECK(rondel_udp_recv(udp, room, sizeof room, NULL, net_done, &next) > 0);
    CHECK_EQ(rondel_udp_try_send(udp, "x", 1, NULL), 1);
    REQUIRE(net_run_until(loop, &received.calls, 1));
    net_settle(loop);
    CHECK_EQ(received.result, RONDEL_ECONNREFUSED);
    CHECK_EQ(next.calls, 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(next.result, RONDEL_ECANCELED);
}

TEST(an_unconnected_socket_hears_of_none_unless_it_asks) {
    rondel_loop loop = rondel_loop_new();
    struct udp_heard heard = {0};
    rondel_address to = udp_address("127.0.0.1", nobody()), where;
    rondel_udp udp = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    CHECK_EQ(rondel_udp_recv_start(udp, udp_hear, &heard), 0);
    CHECK_EQ(rondel_udp_try_send(udp, "x", 1, &to), 1);
    CHECK_EQ(rondel_udp_try_send(udp, "x", 1, &to), 1);
    net_settle(loop);
    CHECK_EQ(heard.calls, 0);
    int64_t told = rondel_udp_tell(udp, RONDEL_TELL_ERRORS);
    if (told == RONDEL_EOPNOTSUPP) {
        CHECK_EQ(rondel_loop_free(loop), 0);
        SKIP("the system does not tell");
    }
    CHECK_EQ(told, 0);
    /* Another one is there, and must not suffer. */
    rondel_udp other = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    struct udp_heard others = {0};
    rondel_address good = udp_address("127.0.0.1", udp_port_of(other));
    CHECK_EQ(rondel_udp_recv_start(other, udp_hear, &others), 0);
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(rondel_udp_try_send(udp, "lost", 4, &to), 4);
        CHECK_EQ(rondel_udp_try_send(udp, "good", 4, &good), 4);
    }
    REQUIRE(net_run_until(loop, &others.datagrams, 5));
    REQUIRE(net_run_until(loop, &heard.errors, 5));
    net_settle(loop);
    CHECK_EQ(heard.errors, 5);
    CHECK_EQ(heard.datagrams, 0);
    CHECK_EQ(heard.error, RONDEL_ECONNREFUSED);
    CHECK_EQ(rondel_udp_error_addr(udp, &where), 0);
    CHECK_EQ(where.port, to.port);
    /* And no more when it does not want to. */
    CHECK_EQ(rondel_udp_tell(udp, 0), 0);
    CHECK_EQ(rondel_udp_try_send(udp, "x", 1, &to), 1);
    net_settle(loop);
    CHECK_EQ(heard.errors, 5);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(errors_of_an_unconnected_socket_wait_for_who_receives) {
    rondel_loop loop = rondel_loop_new();
    struct udp_heard heard = {0};
    rondel_address to = udp_address("127.0.0.1", nobody());
    rondel_udp udp = rondel_udp_bind(loop, NULL, 0, 0);
    if (rondel_udp_tell(udp, RONDEL_TELL_ERRORS) == RONDEL_EOPNOTSUPP) {
        CHECK_EQ(rondel_loop_free(loop), 0);
        SKIP("the system does not tell");
    }
    for (int i = 0; i < 3; i++) CHECK_EQ(rondel_udp_try_send(udp, "x", 1, &to), 1);
    net_settle(loop);
    CHECK_EQ(rondel_udp_recv_start(udp, udp_hear, &heard), 0);
    REQUIRE(net_run_until(loop, &heard.errors, 3));
    net_settle(loop);
    CHECK_EQ(heard.errors, 3);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_datagram_too_long_is_told_by_its_send_alone) {
    static uint8_t bytes[65535];
    rondel_loop loop = rondel_loop_new();
    struct udp_heard heard = {0};
    struct net_op long_one = {0}, short_one = {0};
    int plain = udp_plain("127.0.0.1", 0);
    rondel_udp udp = connected(loop, net_port(plain));
    CHECK_EQ(rondel_udp_recv_start(udp, udp_hear, &heard), 0);
    CHECK(rondel_udp_send(udp, bytes, sizeof bytes, NULL, net_done, &long_one) > 0);
    CHECK(rondel_udp_send(udp, bytes, 10, NULL, net_done, &short_one) > 0);
    REQUIRE(net_run_until(loop, &short_one.calls, 1));
    net_settle(loop);
    CHECK_EQ(long_one.result, RONDEL_EMSGSIZE);
    CHECK_EQ(short_one.result, 10);
    CHECK_EQ(heard.calls, 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(plain);
}

static void close_at_error(rondel_udp udp, const rondel_datagram *batch, int64_t n, void *user_data) {
    udp_hear(udp, batch, n, user_data);
    CHECK_EQ(rondel_close(udp), 0);
}

TEST(a_socket_may_be_closed_when_told_of_an_error) {
    rondel_loop loop = rondel_loop_new();
    struct udp_heard heard = {0};
    rondel_udp udp = connected(loop, nobody());
    CHECK_EQ(rondel_udp_recv_start(udp, close_at_error, &heard), 0);
    CHECK_EQ(rondel_udp_try_send(udp, "x", 1, NULL), 1);
    CHECK_EQ(rondel_udp_try_send(udp, "x", 1, NULL), 1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(heard.errors, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_broadcast_needs_leave) {
    rondel_loop loop = rondel_loop_new();
    struct net_op refused = {0};
    rondel_udp udp = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    rondel_address all = udp_address("127.255.255.255", 4000);
    CHECK(rondel_udp_send(udp, "x", 1, &all, net_done, &refused) > 0);
    REQUIRE(net_run_until(loop, &refused.calls, 1));
    CHECK_EQ(refused.result, RONDEL_EACCES);
    CHECK_EQ(rondel_udp_broadcast(udp, 1), 0);
    CHECK_EQ(rondel_udp_try_send(udp, "x", 1, &all), 1);
    CHECK_EQ(rondel_udp_broadcast(udp, 0), 0);
    CHECK_EQ(rondel_udp_try_send(udp, "x", 1, &all), RONDEL_EACCES);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_broadcast_reaches_who_is_bound_for_it) {
    rondel_loop loop = rondel_loop_new();
    struct udp_heard heard = {0};
    rondel_udp to = rondel_udp_bind(loop, "0.0.0.0", 0, 0), from = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    rondel_address all = udp_address("127.255.255.255", udp_port_of(to));
    CHECK_EQ(rondel_udp_recv_start(to, udp_hear, &heard), 0);
    CHECK_EQ(rondel_udp_broadcast(from, 1), 0);
    CHECK_EQ(rondel_udp_try_send(from, "all", 3, &all), 3);
    REQUIRE(net_run_until(loop, &heard.datagrams, 1));
    CHECK_EQ(heard.last.peer.port, udp_port_of(from));
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int without_descriptors(void *arg) {
    struct rlimit limit;
    struct net_op op = {0};
    rondel_udp sockets[32];
    int made = 0;
    (void)arg;
    rondel_loop loop = rondel_loop_new();
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = 16;
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    while (made < 32 && (sockets[made] = rondel_udp_bind(loop, "127.0.0.1", 0, 0)) > 0) made++;
    CHECK(made > 0 && made < 32);
    CHECK_EQ(sockets[made], RONDEL_EMFILE);
    CHECK(rondel_udp_connect(loop, "127.0.0.1", 9, net_done, &op) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(op.result, RONDEL_EMFILE);
    /* The loop goes on, and there is room again when one is closed. */
    CHECK_EQ(rondel_close(sockets[0]), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK(rondel_udp_bind(loop, "127.0.0.1", 0, 0) > 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    return 0;
}

TEST(out_of_descriptors_is_an_error_and_the_loop_goes_on) {
    struct child child;
    child_start(&child, without_descriptors, NULL);
    child_ends_with(&child, 0);
}

TEST_MAIN(RUN(a_receiver_hears_once_that_its_peer_is_not_there),
          RUN(no_send_is_blamed_for_an_earlier_one_while_somebody_receives),
          RUN(without_a_receiver_no_send_is_blamed_and_who_receives_next_is_told),
          RUN(an_error_of_before_costs_no_new_datagram_though_nobody_receives),
          RUN(an_error_that_the_system_had_no_room_to_keep_costs_no_new_datagram_either),
          RUN(a_single_receive_ends_with_the_error),
          RUN(an_unconnected_socket_hears_of_none_unless_it_asks),
          RUN(errors_of_an_unconnected_socket_wait_for_who_receives),
          RUN(a_datagram_too_long_is_told_by_its_send_alone), RUN(a_socket_may_be_closed_when_told_of_an_error),
          RUN(a_broadcast_needs_leave), RUN(a_broadcast_reaches_who_is_bound_for_it),
          RUN(out_of_descriptors_is_an_error_and_the_loop_goes_on))
