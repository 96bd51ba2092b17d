/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Listening and accepting, by callback and one at a time.
 */
#include "support/net.h"

/* An on_accept that keeps what it gets. */
struct accepted {
    int64_t count, errors;
    rondel_tcp server, streams[512];
};

static void keep_peer(rondel_tcp server, int64_t peer, void *user_data) {
    struct accepted *accepted = user_data;
    CHECK_EQ(net_starting, 0);
    accepted->server = server;
    if (peer < 0)
        accepted->errors++;
    else
        accepted->streams[accepted->count++ % 512] = peer;
}

static int port_of(rondel_handle handle) {
    int port = -1;
    CHECK(rondel_local_addr(handle, NULL, 0, &port) > 0);
    return port;
}

TEST(each_connection_is_told_once_as_a_stream_of_its_own) {
    rondel_loop loop = rondel_loop_new();
    struct accepted accepted = {0};
    rondel_tcp server = NET_START(rondel_tcp_listen(loop, "127.0.0.1", 0, keep_peer, &accepted));
    REQUIRE(server > 0);
    int port = port_of(server), clients[40], seen[65536 / 8] = {0};
    CHECK(port > 0);
    for (int i = 0; i < 40; i++) clients[i] = net_dial("127.0.0.1", port);
    REQUIRE(net_run_until(loop, &accepted.count, 40));
    net_settle(loop);
    CHECK_EQ(accepted.count, 40);
    CHECK_EQ(accepted.server, server);
    for (int i = 0; i < 40; i++) {
        int at = 0;
        CHECK_EQ(rondel_kind(accepted.streams[i]), RONDEL_KIND_TCP);
        CHECK_EQ(port_of(accepted.streams[i]), port);
        CHECK(rondel_peer_addr(accepted.streams[i], NULL, 0, &at) > 0);
        CHECK_EQ(seen[at / 8] & (1 << at % 8), 0);
        seen[at / 8] |= 1 << at % 8;
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(accepted.errors, 0);
    for (int i = 0; i < 40; i++) close(clients[i]);
}

TEST(refuses_bad_input_and_changes_nothing) {
    rondel_loop loop = rondel_loop_new();
    rondel_tcp tcp = rondel_tcp_new(loop), other = rondel_tcp_new(loop);
    int taken = net_listener("127.0.0.1", 0, 1), descriptors = test_open_descriptors();
    int64_t handles = rondel_metric(loop, RONDEL_METRIC_HANDLES);
    const int ports[] = {-1, 65536, 70000, INT32_MAX, INT32_MIN};
    char endless[5000];
    memset(endless, '1', sizeof endless - 1);
    endless[sizeof endless - 1] = 0;
    /* Names would have to be looked up, and binding does not wait for anything. */
    const char *hosts[] = {"", "not-a-number.test", "127.0.0.1.1", "1.2.3.4 ", endless};
    for (int i = 0; i < 5; i++) {
        const int64_t code = i == 0 ? RONDEL_EINVAL : RONDEL_EAI_NONAME;
        CHECK_EQ(rondel_tcp_listen(loop, "127.0.0.1", ports[i], net_never, NULL), RONDEL_EINVAL);
        CHECK_EQ(rondel_tcp_bind(tcp, "127.0.0.1", ports[i]), RONDEL_EINVAL);
        CHECK_EQ(rondel_tcp_listen(loop, hosts[i], 0, net_never, NULL), code);
        CHECK_EQ(rondel_tcp_bind(tcp, hosts[i], 0), code);
    }
    CHECK_EQ(rondel_tcp_listen(loop, "127.0.0.1", net_port(taken), net_never, NULL), RONDEL_EADDRINUSE);
    CHECK_EQ(rondel_tcp_listen(loop, "192.0.2.1", 0, net_never, NULL), RONDEL_EADDRNOTAVAIL);
    CHECK_EQ(rondel_tcp_bind(tcp, "192.0.2.1", 0), RONDEL_EADDRNOTAVAIL);
    CHECK_EQ(rondel_tcp_listen(RONDEL_ENOENT, "127.0.0.1", 0, net_never, NULL), RONDEL_ENOENT);
    CHECK_EQ(rondel_tcp_listen(tcp, "127.0.0.1", 0, net_never, NULL), RONDEL_EKIND);
    CHECK_EQ(rondel_accept(tcp, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_listen(tcp, -1, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), handles);
    /* Failed attempts took nothing from the handle: it can still be bound and listen. */
    CHECK_EQ(rondel_tcp_bind(tcp, "127.0.0.1", 0), 0);
    CHECK_EQ(rondel_tcp_bind(tcp, "127.0.0.1", 0), RONDEL_EINVAL);
    CHECK_EQ(rondel_listen(tcp, 0, net_never, NULL), 0);
    CHECK_EQ(rondel_listen(tcp, 0, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_connect(tcp, "127.0.0.1", 9, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_read(tcp, endless, 1, net_never, NULL), RONDEL_ENOTCONN);
    CHECK_EQ(rondel_write(tcp, "x", 1, net_never, NULL), RONDEL_ENOTCONN);
    CHECK_EQ(rondel_close(tcp), 0);
    CHECK_EQ(rondel_close(other), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK(test_open_descriptors() <= descriptors);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(taken);
}

TEST(every_interface_means_both_families) {
    rondel_loop loop = rondel_loop_new();
    struct accepted accepted = {0};
    rondel_tcp server = rondel_tcp_listen(loop, NULL, 0, keep_peer, &accepted);
    REQUIRE(server > 0);
    int four = net_dial("127.0.0.1", port_of(server)), six = -1, wanted = 1;
    char text[64];
    CHECK(four >= 0);
    if (net_has_ipv6()) {
        six = net_dial("::1", port_of(server));
        CHECK(six >= 0);
        wanted = 2;
    }
    REQUIRE(net_run_until(loop, &accepted.count, wanted));
    CHECK(rondel_peer_addr(accepted.streams[wanted - 1], text, sizeof text, NULL) > 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(four);
    if (six >= 0) close(six);
}

TEST(listens_on_localhost_and_on_ipv6) {
    rondel_loop loop = rondel_loop_new();
    struct accepted accepted = {0};
    char text[64];
    rondel_tcp server = rondel_tcp_listen(loop, "localhost", 0, keep_peer, &accepted);
    REQUIRE(server > 0);
    CHECK(rondel_local_addr(server, text, sizeof text, NULL) > 0);
    CHECK(!strcmp(text, "127.0.0.1") || !strcmp(text, "::1"));
    int client = net_dial(text, port_of(server));
    REQUIRE(net_run_until(loop, &accepted.count, 1));
    if (net_has_ipv6()) {
        int port;
        rondel_tcp six = rondel_tcp_listen(loop, "::1", 0, keep_peer, &accepted);
        CHECK_EQ(rondel_local_addr(six, text, sizeof text, &port), 3);
        CHECK_STR(text, "::1");
        int other = net_dial("::1", port);
        REQUIRE(net_run_until(loop, &accepted.count, 2));
        CHECK_EQ(rondel_peer_addr(accepted.streams[1], text, sizeof text, NULL), 3);
        CHECK_STR(text, "::1");
        close(other);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(client);
}

TEST(an_address_needs_room_for_its_text_and_end) {
    rondel_loop loop = rondel_loop_new();
    rondel_tcp server = rondel_tcp_listen(loop, "127.0.0.1", 0, net_never, NULL);
    char text[16];
    int port = -5;
    memset(text, '?', sizeof text);
    CHECK_EQ(rondel_local_addr(server, text, 9, &port), RONDEL_ENOBUFS);
    CHECK_EQ(text[9], '?');
    CHECK_EQ(rondel_local_addr(server, text, 0, NULL), RONDEL_ENOBUFS);
    CHECK_EQ(rondel_local_addr(server, NULL, 0, NULL), 9);
    CHECK_EQ(rondel_local_addr(server, text, 10, NULL), 9);
    CHECK_STR(text, "127.0.0.1");
    CHECK_EQ(text[10], '?');
    CHECK_EQ(rondel_peer_addr(server, text, sizeof text, &port), RONDEL_ENOTCONN);
    CHECK_EQ(rondel_local_addr(loop, text, sizeof text, &port), RONDEL_EKIND);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

struct ender {
    struct accepted accepted;
    struct net_op closed;
    rondel_loop loop;
    int what; /* 1: close the server, 2: stop the loop, 3: close the peer just accepted */
};

static void end_something(rondel_tcp server, int64_t peer, void *user_data) {
    struct ender *ender = user_data;
    CHECK_EQ(ender->closed.calls, 0);
    keep_peer(server, peer, &ender->accepted);
    if (ender->what == 1) CHECK_EQ(rondel_close(server), 0);
    if (ender->what == 2) CHECK_EQ(rondel_stop(ender->loop), 0);
    if (ender->what == 3) CHECK_EQ(rondel_close(peer), 0);
}

TEST(on_accept_may_close_the_listener) {
    rondel_loop loop = rondel_loop_new();
    struct ender ender = {{0}, {0}, loop, 1};
    rondel_tcp server = rondel_tcp_listen(loop, "127.0.0.1", 0, end_something, &ender);
    int clients[8], port = port_of(server);
    CHECK_EQ(rondel_on_close(server, net_done, &ender.closed), 0);
    for (int i = 0; i < 8; i++) clients[i] = net_dial("127.0.0.1", port);
    REQUIRE(net_run_until(loop, &ender.closed.calls, 1));
    CHECK_EQ(ender.accepted.count, 1);
    CHECK_EQ(ender.closed.source, server);
    CHECK_EQ(rondel_close(server), RONDEL_EGONE);
    CHECK_EQ(net_dial("127.0.0.1", port), -1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(ender.accepted.count, 1);
    for (int i = 0; i < 8; i++) close(clients[i]);
}

TEST(on_accept_may_stop_the_loop_and_no_connection_is_lost) {
    rondel_loop loop = rondel_loop_new();
    struct ender ender = {{0}, {0}, loop, 2};
    rondel_tcp server = rondel_tcp_listen(loop, "127.0.0.1", 0, end_something, &ender);
    int clients[8];
    for (int i = 0; i < 8; i++) clients[i] = net_dial("127.0.0.1", port_of(server));
    for (int runs = 0; ender.accepted.count < 8 && runs < 8; runs++) CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 1);
    CHECK_EQ(ender.accepted.count, 8);
    CHECK_EQ(rondel_loop_free(loop), 0);
    for (int i = 0; i < 8; i++) close(clients[i]);
}

TEST(on_accept_may_close_the_peer) {
    rondel_loop loop = rondel_loop_new();
    struct ender ender = {{0}, {0}, loop, 3};
    rondel_tcp server = rondel_tcp_listen(loop, "127.0.0.1", 0, end_something, &ender);
    int clients[8];
    char byte;
    for (int i = 0; i < 8; i++) clients[i] = net_dial("127.0.0.1", port_of(server));
    REQUIRE(net_run_until(loop, &ender.accepted.count, 8));
    net_settle(loop);
    for (int i = 0; i < 8; i++) {
        CHECK_EQ(net_receive(clients[i], &byte, 1), 0);
        close(clients[i]);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void read_one(rondel_stream stream, const uint8_t *bytes, int64_t n, void *user_data) {
    struct net_op *op = user_data;
    CHECK_EQ(n, 5);
    if (n == 5) CHECK(!memcmp(bytes, "hello", 5));
    net_done(stream, n, op);
    rondel_close(stream);
}

static void read_from_peer(rondel_tcp server, int64_t peer, void *user_data) {
    (void)server;
    CHECK_EQ(rondel_read_start(peer, read_one, user_data), 0);
}

TEST(what_a_client_sent_before_it_was_accepted_is_read) {
    rondel_loop loop = rondel_loop_new();
    struct net_op op = {0};
    rondel_tcp server = rondel_tcp_listen(loop, "127.0.0.1", 0, read_from_peer, &op);
    int client = net_dial("127.0.0.1", port_of(server));
    CHECK(net_send_text(client, "hello"));
    REQUIRE(net_run_until(loop, &op.calls, 1));
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(op.calls, 1);
    close(client);
}

TEST(a_client_that_resets_at_once_does_no_harm) {
    rondel_loop loop = rondel_loop_new();
    struct accepted accepted = {0};
    rondel_tcp server = rondel_tcp_listen(loop, "127.0.0.1", 0, keep_peer, &accepted);
    for (int i = 0; i < 8; i++) net_reset(net_dial("127.0.0.1", port_of(server)));
    int client = net_dial("127.0.0.1", port_of(server)), at = 0;
    do {
        REQUIRE_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
        if (accepted.count) rondel_peer_addr(accepted.streams[accepted.count - 1], NULL, 0, &at);
    } while (at != net_port(client));
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(client);
}

TEST(an_unreferenced_listener_lets_the_loop_end) {
    rondel_loop loop = rondel_loop_new();
    rondel_tcp server = rondel_tcp_listen(loop, "127.0.0.1", 0, net_never, NULL);
    CHECK_EQ(rondel_is_active(server), 1);
    CHECK_EQ(rondel_alive(loop), 1);
    CHECK_EQ(rondel_unref(server), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_ref(server), 0);
    CHECK_EQ(rondel_alive(loop), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* ---- one-shot accepts */

static rondel_tcp listening(rondel_loop loop, int *port) {
    rondel_tcp server = rondel_tcp_new(loop);
    CHECK_EQ(rondel_tcp_bind(server, "127.0.0.1", 0), 0);
    CHECK_EQ(rondel_listen(server, 16, NULL, NULL), 0);
    *port = port_of(server);
    return server;
}

TEST(several_accepts_wait_and_are_served_in_order) {
    rondel_loop loop = rondel_loop_new();
    int port, clients[4];
    rondel_tcp server = listening(loop, &port);
    struct net_op ops[5];
    memset(ops, 0, sizeof ops);
    clients[0] = net_dial("127.0.0.1", port);
    rondel_future first = 0;
    for (int i = 0; i < 5; i++) {
        rondel_future future = NET_START(rondel_accept(server, net_done, &ops[i]));
        CHECK(future > 0);
        if (i == 0) first = future;
    }
    CHECK_EQ(rondel_future_origin(first), server);
    for (int i = 1; i < 4; i++) clients[i] = net_dial("127.0.0.1", port);
    REQUIRE(net_run_until(loop, &ops[3].calls, 1));
    for (int i = 0; i < 4; i++) {
        int at = 0;
        CHECK_EQ(ops[i].calls, 1);
        CHECK(rondel_peer_addr(ops[i].result, NULL, 0, &at) > 0);
        CHECK_EQ(at, net_port(clients[i]));
        if (i) CHECK(ops[i].order > ops[i - 1].order);
        close(clients[i]);
    }
    CHECK_EQ(ops[0].source, first);
    CHECK_EQ(ops[4].calls, 0);
    CHECK_EQ(rondel_close(server), 0);
    REQUIRE(net_run_until(loop, &ops[4].calls, 1));
    CHECK_EQ(ops[4].result, RONDEL_ECANCELED);
    CHECK_EQ(rondel_loop_free(loop), 0);
    for (int i = 0; i < 5; i++) CHECK_EQ(ops[i].calls, 1);
}

TEST(a_cancelled_or_timed_out_accept_leaves_the_connection_to_the_next) {
    rondel_loop loop = rondel_loop_new();
    int port, at = 0;
    rondel_tcp server = listening(loop, &port);
    struct net_op cancelled = {0}, late = {0}, next = {0};
    rondel_future future = rondel_accept(server, net_done, &cancelled);
    CHECK(rondel_timeout(rondel_accept(server, net_done, &late), RONDEL_MS) > 0);
    CHECK_EQ(NET_START(rondel_cancel(future)), 0);
    REQUIRE(net_run_until(loop, &late.calls, 1));
    CHECK_EQ(cancelled.calls, 1);
    CHECK_EQ(cancelled.result, RONDEL_ECANCELED);
    CHECK_EQ(late.result, RONDEL_ETIMEDOUT);
    int client = net_dial("127.0.0.1", port);
    CHECK(NET_START(rondel_accept(server, net_done, &next)) > 0);
    REQUIRE(net_run_until(loop, &next.calls, 1));
    CHECK(rondel_peer_addr(next.result, NULL, 0, &at) > 0);
    CHECK_EQ(at, net_port(client));
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(cancelled.calls + late.calls + next.calls, 3);
    close(client);
}

TEST(loop_free_ends_waiting_accepts_before_the_notice) {
    rondel_loop loop = rondel_loop_new();
    int port;
    rondel_tcp server = listening(loop, &port);
    struct net_op ops[3], closed = {0};
    memset(ops, 0, sizeof ops);
    for (int i = 0; i < 3; i++) CHECK(rondel_accept(server, net_done, &ops[i]) > 0);
    CHECK_EQ(rondel_on_close(server, net_done, &closed), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(ops[i].calls, 1);
        CHECK_EQ(ops[i].result, RONDEL_ECANCELED);
        CHECK(closed.order > ops[i].order);
    }
    CHECK_EQ(closed.calls, 1);
}

TEST(an_accepting_callback_excludes_one_shot_accepts) {
    rondel_loop loop = rondel_loop_new();
    rondel_tcp server = rondel_tcp_listen(loop, "127.0.0.1", 0, net_never, NULL);
    CHECK_EQ(rondel_accept(server, net_never, NULL), RONDEL_EBUSY);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(an_accepted_peer_nobody_collects_is_closed) {
    rondel_loop loop = rondel_loop_new();
    int port;
    char byte;
    rondel_tcp server = listening(loop, &port);
    int client = net_dial("127.0.0.1", port);
    CHECK(rondel_accept(server, NULL, NULL) > 0);
    CHECK_EQ(rondel_unref(server), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    net_settle(loop);
    CHECK_EQ(net_receive(client, &byte, 1), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(client);
}

TEST(two_listeners_share_a_port_only_when_both_asked) {
    rondel_loop loop = rondel_loop_new();
    struct accepted accepted[2];
    rondel_tcp servers[3];
    int port = 0, clients[64];
    memset(accepted, 0, sizeof accepted);
    for (int i = 0; i < 2; i++) {
        servers[i] = rondel_tcp_new(loop);
        CHECK_EQ(rondel_tcp_reuse_port(servers[i], 1), 0);
        if (ON_WINDOWS) {
            CHECK_EQ(rondel_tcp_bind(servers[i], "127.0.0.1", 0), RONDEL_ENOSYS);
            CHECK_EQ(rondel_loop_free(loop), 0);
            SKIP("no two listeners share a port");
        }
        CHECK_EQ(rondel_tcp_bind(servers[i], "127.0.0.1", port), 0);
        CHECK_EQ(rondel_listen(servers[i], 64, keep_peer, &accepted[i]), 0);
        port = port_of(servers[i]);
    }
    servers[2] = rondel_tcp_new(loop);
    CHECK_EQ(rondel_tcp_bind(servers[2], "127.0.0.1", port), RONDEL_EADDRINUSE);
    CHECK(rondel_tcp_reuse_port(servers[0], 1) < 0); /* too late once bound */
    for (int i = 0; i < 64; i++) clients[i] = net_dial("127.0.0.1", port);
    while (accepted[0].count + accepted[1].count < 64) REQUIRE_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
    CHECK(accepted[0].count > 0);
    CHECK(accepted[1].count > 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    for (int i = 0; i < 64; i++) close(clients[i]);
}

TEST_MAIN(RUN(each_connection_is_told_once_as_a_stream_of_its_own), RUN(refuses_bad_input_and_changes_nothing),
          RUN(every_interface_means_both_families), RUN(listens_on_localhost_and_on_ipv6),
          RUN(an_address_needs_room_for_its_text_and_end), RUN(on_accept_may_close_the_listener),
          RUN(on_accept_may_stop_the_loop_and_no_connection_is_lost), RUN(on_accept_may_close_the_peer),
          RUN(what_a_client_sent_before_it_was_accepted_is_read), RUN(a_client_that_resets_at_once_does_no_harm),
          RUN(an_unreferenced_listener_lets_the_loop_end), RUN(several_accepts_wait_and_are_served_in_order),
          RUN(a_cancelled_or_timed_out_accept_leaves_the_connection_to_the_next),
          RUN(loop_free_ends_waiting_accepts_before_the_notice), RUN(an_accepting_callback_excludes_one_shot_accepts),
          RUN(an_accepted_peer_nobody_collects_is_closed), RUN(two_listeners_share_a_port_only_when_both_asked))
