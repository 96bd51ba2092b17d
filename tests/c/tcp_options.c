/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Options of TCP sockets, whenever they are set. */
#include "support/net.h"

static int option(rondel_handle handle, int level, int name) {
    int value = 0; /* Windows may fill in its first byte alone */
    socklen_t size = sizeof value;
    CHECK_EQ(getsockopt((int)rondel_fileno(handle), level, name, &value, &size), 0);
    return value;
}

static int nodelay(rondel_handle handle) { return option(handle, IPPROTO_TCP, TCP_NODELAY) != 0; }

static int port_of(rondel_handle handle) {
    int port = -1;
    CHECK(rondel_local_addr(handle, NULL, 0, &port) > 0);
    return port;
}

/* Before the connect, while it goes on, and when it is over. */
TEST(nodelay_is_what_was_set_last) {
    static const int sets[][3] = {{-1, -1, -1}, {0, -1, -1}, {-1, 0, -1}, {0, 1, -1}, {0, 1, 0}, {1, 0, 1}};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        rondel_loop loop = rondel_loop_new();
        struct net_op op = {0};
        int wanted = 1;
        rondel_tcp server = rondel_tcp_listen(loop, "127.0.0.1", 0, NULL, NULL), tcp = rondel_tcp_new(loop);
        for (int when = 0; when < 3; when++) {
            if (sets[i][when] >= 0) {
                wanted = sets[i][when];
                CHECK_EQ(rondel_tcp_nodelay(tcp, wanted), 0);
            }
            if (when == 0) CHECK(rondel_connect(tcp, "127.0.0.1", port_of(server), net_done, &op) > 0);
            if (when == 1) REQUIRE(net_run_until(loop, &op.calls, 1));
        }
        CHECK_EQ(op.result, 0);
        CHECK_EQ(nodelay(tcp), wanted);
        CHECK_EQ(rondel_loop_free(loop), 0);
    }
}

TEST(a_connection_has_the_nodelay_of_its_listener) {
    rondel_loop loop = rondel_loop_new();
    rondel_tcp server = rondel_tcp_new(loop);
    CHECK_EQ(rondel_tcp_nodelay(server, 0), 0);
    CHECK_EQ(rondel_tcp_bind(server, "127.0.0.1", 0), 0);
    CHECK_EQ(rondel_listen(server, 0, NULL, NULL), 0);
    for (int on = 0; on < 3; on++) {
        struct net_op accept = {0};
        if (on) CHECK_EQ(rondel_tcp_nodelay(server, on == 1), 0);
        CHECK(rondel_tcp_connect(loop, "127.0.0.1", port_of(server), NULL, NULL) > 0);
        CHECK(rondel_accept(server, net_done, &accept) > 0);
        REQUIRE(net_run_until(loop, &accept.calls, 1));
        CHECK(accept.result > 0);
        CHECK_EQ(nodelay(accept.result), on == 1);
        CHECK_EQ(rondel_close(accept.result), 0);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_keepalive_time_that_is_refused_changes_nothing) {
    rondel_loop loop = rondel_loop_new();
    int peer;
    rondel_tcp tcp = net_stream(loop, &peer);
    int64_t refused = rondel_tcp_keepalive(tcp, INT64_MAX); /* 292 years */
    if (refused == 0) {
        CHECK_EQ(rondel_loop_free(loop), 0);
        close(peer);
        SKIP("the system takes any time");
    }
    CHECK_EQ(refused, RONDEL_EINVAL);
    CHECK_EQ(option(tcp, SOL_SOCKET, SO_KEEPALIVE), 0);
    CHECK_EQ(rondel_tcp_keepalive(tcp, 30 * RONDEL_SECOND), 0);
    CHECK_EQ(rondel_tcp_keepalive(tcp, INT64_MAX), RONDEL_EINVAL);
    CHECK(option(tcp, SOL_SOCKET, SO_KEEPALIVE) != 0);
#ifdef TCP_KEEPIDLE
    CHECK_EQ(option(tcp, IPPROTO_TCP, TCP_KEEPIDLE), 30);
#endif
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(peer);
}

TEST_MAIN(RUN(nodelay_is_what_was_set_last), RUN(a_connection_has_the_nodelay_of_its_listener),
          RUN(a_keepalive_time_that_is_refused_changes_nothing))
