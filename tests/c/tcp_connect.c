/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Connecting, at once (rondel_tcp_connect) and by steps (rondel_tcp_new, rondel_connect).
 */
#include "support/names.h"

TEST(yields_a_connected_stream) {
    rondel_loop loop = rondel_loop_new();
    int listener = net_listener("127.0.0.1", 0, 8), port = net_port(listener), at = 0;
    char text[64];
    struct net_op op = {0};
    rondel_future future = NET_START(rondel_tcp_connect(loop, "127.0.0.1", port, net_done, &op));
    CHECK(future > 0);
    CHECK_EQ(rondel_future_origin(future), loop);
    REQUIRE(net_run_until(loop, &op.calls, 1));
    REQUIRE(op.result > 0);
    CHECK_EQ(op.source, future);
    CHECK_EQ(rondel_kind(op.result), RONDEL_KIND_TCP);
    CHECK_EQ(rondel_peer_addr(op.result, text, sizeof text, &at), 9);
    CHECK_STR(text, "127.0.0.1");
    CHECK_EQ(at, port);
    int peer = accept(listener, NULL, NULL);
    CHECK(net_send_text(peer, "x"));
    struct net_op read = {0};
    CHECK(NET_START(rondel_read(op.result, text, sizeof text, net_done, &read)) > 0);
    REQUIRE(net_run_until(loop, &read.calls, 1));
    CHECK_EQ(read.result, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(op.calls, 1);
    close(peer), close(listener);
}

TEST(connects_over_ipv6) {
    if (!net_has_ipv6()) SKIP("no IPv6 loopback");
    rondel_loop loop = rondel_loop_new();
    int listener = net_listener("::1", 0, 8), at = 0;
    char text[64];
    struct net_op op = {0};
    CHECK(rondel_tcp_connect(loop, "::1", net_port(listener), net_done, &op) > 0);
    REQUIRE(net_run_until(loop, &op.calls, 1));
    CHECK_EQ(rondel_peer_addr(op.result, text, sizeof text, &at), 3);
    CHECK_STR(text, "::1");
    CHECK_EQ(at, net_port(listener));
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(listener);
}

TEST(a_refused_port_yields_econnrefused_once) {
    rondel_loop loop = rondel_loop_new();
    int refusing = net_bound("127.0.0.1", 0);
    struct net_op op[50];
    int64_t handles = rondel_metric(loop, RONDEL_METRIC_HANDLES);
    memset(op, 0, sizeof op);
    for (int i = 0; i < 50; i++)
        CHECK(NET_START(rondel_tcp_connect(loop, "127.0.0.1", net_port(refusing), net_done, &op[i])) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    for (int i = 0; i < 50; i++) {
        CHECK_EQ(op[i].calls, 1);
        CHECK_EQ(op[i].result, RONDEL_ECONNREFUSED);
    }
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), handles);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(op[0].calls, 1);
    close(refusing);
}

TEST(refuses_bad_input_and_changes_nothing) {
    rondel_loop loop = rondel_loop_new();
    rondel_tcp tcp = rondel_tcp_new(loop);
    int64_t handles = rondel_metric(loop, RONDEL_METRIC_HANDLES);
    size_t length = 70000;
    char *endless = malloc(length + 1);
    const int ports[] = {-1, 65536, 70000, INT32_MAX, 0};
    memset(endless, 'a', length);
    endless[length] = 0;
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(rondel_tcp_connect(loop, "127.0.0.1", ports[i], net_never, NULL), RONDEL_EINVAL);
        CHECK_EQ(rondel_connect(tcp, "127.0.0.1", ports[i], net_never, NULL), RONDEL_EINVAL);
    }
    const char *hosts[] = {NULL, "", endless};
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(rondel_tcp_connect(loop, hosts[i], 80, net_never, NULL), RONDEL_EINVAL);
        CHECK_EQ(rondel_connect(tcp, hosts[i], 80, net_never, NULL), RONDEL_EINVAL);
    }
    CHECK_EQ(rondel_tcp_connect(RONDEL_EMFILE, "127.0.0.1", 80, net_never, NULL), RONDEL_EMFILE);
    CHECK_EQ(rondel_tcp_connect(tcp, "127.0.0.1", 80, net_never, NULL), RONDEL_EKIND);
    CHECK_EQ(rondel_connect(loop, "127.0.0.1", 80, net_never, NULL), RONDEL_EKIND);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), handles);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    free(endless);
}

TEST(a_name_that_does_not_resolve_yields_the_look_up_error) {
    rondel_loop loop = rondel_loop_new();
    struct net_op op = {0}, fails = {0};
    CHECK(NET_START(rondel_tcp_connect(loop, "does-not-exist.invalid", 80, net_done, &op)) > 0);
    REQUIRE(net_run_until(loop, &op.calls, 1));
    /* A machine without a name server cannot say that the name does not exist, only that it cannot tell. */
    CHECK(op.result == RONDEL_EAI_NONAME || op.result == RONDEL_EAI_AGAIN || op.result == RONDEL_EAI_NODATA);
    if (names_work(loop)) {
        names_add((struct name){"none.test", {NULL}, EAI_NONAME, 0});
        CHECK(NET_START(rondel_tcp_connect(loop, "none.test", 80, net_done, &fails)) > 0);
        REQUIRE(net_run_until(loop, &fails.calls, 1));
        CHECK_EQ(fails.result, RONDEL_EAI_NONAME);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(op.calls, 1);
}

TEST(an_unreachable_address_ends_at_its_deadline) {
    rondel_loop loop = rondel_loop_new();
    struct net_black_hole hole;
    struct net_op op = {0}, steps = {0};
    REQUIRE(net_black_hole_at(&hole, "127.0.0.1", 0));
    int64_t handles = rondel_metric(loop, RONDEL_METRIC_HANDLES), begun = rondel_clock();
    int descriptors = test_open_descriptors();
    rondel_future future = rondel_tcp_connect(loop, "127.0.0.1", hole.port, net_done, &op);
    CHECK_EQ(NET_START(rondel_timeout(future, 30 * RONDEL_MS)), future);
    rondel_tcp tcp = rondel_tcp_new(loop);
    CHECK(NET_START(rondel_timeout(rondel_connect(tcp, "127.0.0.1", hole.port, net_done, &steps), 40 * RONDEL_MS)) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK(rondel_clock() - begun >= 40 * RONDEL_MS);
    CHECK_EQ(op.calls, 1);
    CHECK_EQ(op.result, RONDEL_ETIMEDOUT);
    CHECK_EQ(steps.calls, 1);
    CHECK_EQ(steps.result, RONDEL_ETIMEDOUT);
    CHECK_EQ(rondel_close(tcp), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), handles);
    CHECK_EQ(test_open_descriptors(), descriptors); /* given up now, not when the loop is freed */
    CHECK_EQ(rondel_loop_free(loop), 0);
    net_black_hole_close(&hole);
}

TEST(a_deadline_not_reached_changes_nothing) {
    rondel_loop loop = rondel_loop_new();
    int listener = net_listener("127.0.0.1", 0, 8);
    struct net_op op = {0};
    CHECK(rondel_timeout(rondel_tcp_connect(loop, "127.0.0.1", net_port(listener), net_done, &op), 60 * RONDEL_SECOND) > 0);
    REQUIRE(net_run_until(loop, &op.calls, 1));
    CHECK(op.result > 0);
    CHECK_EQ(rondel_close(op.result), 0);
    net_settle(loop);
    CHECK_EQ(rondel_alive(loop), 0); /* the deadline is gone with the operation */
    CHECK_EQ(rondel_backend_timeout(loop), RONDEL_FOREVER);
    CHECK_EQ(op.calls, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(listener);
}

TEST(a_cancelled_connect_ends_once_and_leaves_no_connection) {
    rondel_loop loop = rondel_loop_new();
    struct net_black_hole hole;
    int listener = net_listener("127.0.0.1", 0, 8), before = test_open_descriptors();
    struct net_op dead = {0}, good = {0};
    REQUIRE(net_black_hole_at(&hole, "127.0.0.1", 0));
    rondel_future future = rondel_tcp_connect(loop, "127.0.0.1", hole.port, net_done, &dead);
    rondel_run(loop, RONDEL_RUN_NOWAIT);
    CHECK_EQ(NET_START(rondel_cancel(future)), 0);
    rondel_future quick = rondel_tcp_connect(loop, "127.0.0.1", net_port(listener), net_done, &good);
    CHECK_EQ(NET_START(rondel_cancel(quick)), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(dead.calls, 1);
    CHECK_EQ(dead.result, RONDEL_ECANCELED);
    CHECK_EQ(good.calls, 1);
    CHECK_EQ(good.result, RONDEL_ECANCELED);
    CHECK_EQ(rondel_cancel(future), RONDEL_EGONE);
    if (before >= 0) CHECK_EQ(test_open_descriptors(), before + 1 + hole.count);
    CHECK_EQ(rondel_loop_free(loop), 0);
    net_black_hole_close(&hole);
    close(listener);
}

TEST(a_connection_nobody_collects_is_closed) {
    rondel_loop loop = rondel_loop_new();
    int listener = net_listener("127.0.0.1", 0, 8);
    char byte;
    CHECK(rondel_tcp_connect(loop, "127.0.0.1", net_port(listener), NULL, NULL) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    int peer = accept(listener, NULL, NULL);
    CHECK_EQ(net_receive(peer, &byte, 1), 0);
    close(peer), close(listener);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(loop_free_cancels_a_connect_under_way) {
    rondel_loop loop = rondel_loop_new();
    struct net_black_hole hole;
    struct net_op op = {0}, steps = {0}, closed = {0};
    REQUIRE(net_black_hole_at(&hole, "127.0.0.1", 0));
    rondel_tcp tcp = rondel_tcp_new(loop);
    CHECK(rondel_tcp_connect(loop, "127.0.0.1", hole.port, net_done, &op) > 0);
    CHECK(rondel_connect(tcp, "127.0.0.1", hole.port, net_done, &steps) > 0);
    CHECK_EQ(rondel_on_close(tcp, net_done, &closed), 0);
    rondel_run(loop, RONDEL_RUN_NOWAIT);
    CHECK_EQ(op.calls + steps.calls + closed.calls, 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(op.calls, 1);
    CHECK_EQ(op.result, RONDEL_ECANCELED);
    CHECK_EQ(steps.calls, 1);
    CHECK_EQ(steps.result, RONDEL_ECANCELED);
    CHECK_EQ(closed.calls, 1);
    CHECK(closed.order > steps.order);
    net_black_hole_close(&hole);
}

TEST(closing_the_handle_cancels_its_connect_then_gives_the_notice) {
    rondel_loop loop = rondel_loop_new();
    struct net_black_hole hole;
    struct net_op op = {0}, closed = {0};
    REQUIRE(net_black_hole_at(&hole, "127.0.0.1", 0));
    rondel_tcp tcp = rondel_tcp_new(loop);
    CHECK(rondel_connect(tcp, "127.0.0.1", hole.port, net_done, &op) > 0);
    CHECK_EQ(rondel_on_close(tcp, net_done, &closed), 0);
    rondel_run(loop, RONDEL_RUN_NOWAIT);
    CHECK_EQ(NET_START(rondel_close(tcp)), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(op.calls, 1);
    CHECK_EQ(op.result, RONDEL_ECANCELED);
    CHECK_EQ(closed.calls, 1);
    CHECK_EQ(closed.source, tcp);
    CHECK(closed.order > op.order);
    CHECK_EQ(rondel_loop_free(loop), 0);
    net_black_hole_close(&hole);
}

TEST(by_steps_connects_from_the_bound_address) {
    rondel_loop loop = rondel_loop_new();
    int listener = net_listener("127.0.0.1", 0, 8), at = 0;
    struct net_op op = {0};
    char text[64];
    rondel_tcp tcp = rondel_tcp_new(loop);
    CHECK_EQ(rondel_tcp_bind(tcp, "127.0.0.1", 0), 0);
    rondel_future future = NET_START(rondel_connect(tcp, "127.0.0.1", net_port(listener), net_done, &op));
    CHECK_EQ(rondel_future_origin(future), tcp);
    CHECK_EQ(rondel_connect(tcp, "127.0.0.1", net_port(listener), net_never, NULL), RONDEL_EALREADY);
    REQUIRE(net_run_until(loop, &op.calls, 1));
    CHECK_EQ(op.result, 0);
    CHECK_EQ(rondel_connect(tcp, "127.0.0.1", net_port(listener), net_never, NULL), RONDEL_EISCONN);
    CHECK_EQ(rondel_local_addr(tcp, text, sizeof text, &at), 9);
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    int peer = accept(listener, (struct sockaddr *)&from, &size);
    CHECK_EQ(ntohs(from.sin_port), at);
    close(peer), close(listener);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(an_unconnected_handle_refuses_to_read_and_write) {
    rondel_loop loop = rondel_loop_new();
    rondel_tcp tcp = rondel_tcp_new(loop);
    char room[8];
    int port;
    CHECK_EQ(rondel_read(tcp, room, sizeof room, net_never, NULL), RONDEL_ENOTCONN);
    CHECK_EQ(rondel_write(tcp, "x", 1, net_never, NULL), RONDEL_ENOTCONN);
    CHECK_EQ(rondel_try_write(tcp, "x", 1), RONDEL_ENOTCONN);
    CHECK_EQ(rondel_shutdown(tcp, net_never, NULL), RONDEL_ENOTCONN);
    CHECK_EQ(rondel_peer_addr(tcp, room, sizeof room, &port), RONDEL_ENOTCONN);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* One port that can be had on several loopback addresses at once. */
static int free_port_on(const char *const *hosts, int *fds, int count) {
    for (int tries = 0; tries < 50; tries++) {
        int port = 0, i;
        for (i = 0; i < count; i++) {
            fds[i] = net_bound(hosts[i], port);
            if (fds[i] < 0) break;
            port = net_port(fds[i]);
        }
        if (i == count) return port;
        while (i-- > 0) close(fds[i]);
    }
    return -1;
}

TEST(a_name_is_tried_address_by_address) {
    rondel_loop loop = rondel_loop_new();
    static const char *const hosts[] = {"127.0.0.2", "127.0.0.1"};
    int fds[2], port = free_port_on(hosts, fds, 2);
    struct net_op op = {0}, none = {0}, steps = {0};
    char text[64];
    if (port < 0 || !names_work(loop)) {
        if (port >= 0) close(fds[0]), close(fds[1]);
        CHECK_EQ(rondel_loop_free(loop), 0);
        SKIP("needs 127.0.0.2 and a resolver that can be replaced");
    }
    CHECK_EQ(listen(fds[1], 8), 0); /* 127.0.0.2 refuses */
    names_add((struct name){"second.test", {"127.0.0.2", "127.0.0.1"}, 0, 0});
    names_add((struct name){"neither.test", {"127.0.0.2", "127.0.0.2"}, 0, 0});
    CHECK(NET_START(rondel_tcp_connect(loop, "second.test", port, net_done, &op)) > 0);
    CHECK(NET_START(rondel_tcp_connect(loop, "neither.test", port, net_done, &none)) > 0);
    rondel_tcp tcp = rondel_tcp_new(loop);
    CHECK(NET_START(rondel_connect(tcp, "second.test", port, net_done, &steps)) > 0);
    REQUIRE(net_run_until(loop, &op.calls, 1));
    REQUIRE(net_run_until(loop, &none.calls, 1));
    REQUIRE(net_run_until(loop, &steps.calls, 1));
    CHECK_EQ(rondel_peer_addr(op.result, text, sizeof text, NULL), 9);
    CHECK_STR(text, "127.0.0.1");
    CHECK_EQ(none.result, RONDEL_ECONNREFUSED);
    CHECK_EQ(steps.result, 0);
    CHECK_EQ(rondel_peer_addr(tcp, text, sizeof text, NULL), 9);
    CHECK_STR(text, "127.0.0.1");
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(op.calls + none.calls + steps.calls, 3);
    close(fds[0]), close(fds[1]);
    names_clear();
}

/* RFC 8305: an address that does not answer holds the next back for a moment only, and the families alternate. */
TEST(a_silent_address_does_not_hold_up_the_others) {
    rondel_loop loop = rondel_loop_new();
    static const char *const hosts[] = {"::1", "127.0.0.1", "127.0.0.2"};
    int fds[3], port = net_has_ipv6() ? free_port_on(hosts, fds, 3) : -1;
    struct net_black_hole hole;
    struct net_op op = {0}, alternating = {0};
    char text[64];
    if (port < 0 || !names_work(loop)) {
        if (port >= 0) close(fds[0]), close(fds[1]), close(fds[2]);
        CHECK_EQ(rondel_loop_free(loop), 0);
        SKIP("needs IPv6, 127.0.0.2 and a resolver that can be replaced");
    }
    close(fds[1]);
    REQUIRE(net_black_hole_at(&hole, "127.0.0.1", port));
    CHECK_EQ(listen(fds[0], 8), 0);
    CHECK_EQ(listen(fds[2], 8), 0);
    names_add((struct name){"silent.test", {"127.0.0.1", "127.0.0.2"}, 0, 0});
    names_add((struct name){"both.test", {"127.0.0.1", "127.0.0.2", "::1"}, 0, 0});
    CHECK(NET_START(rondel_tcp_connect(loop, "silent.test", port, net_done, &op)) > 0);
    CHECK(NET_START(rondel_tcp_connect(loop, "both.test", port, net_done, &alternating)) > 0);
    REQUIRE(net_run_until(loop, &op.calls, 1));
    REQUIRE(net_run_until(loop, &alternating.calls, 1));
    CHECK_EQ(rondel_peer_addr(op.result, text, sizeof text, NULL), 9);
    CHECK_STR(text, "127.0.0.2");
    CHECK_EQ(rondel_peer_addr(alternating.result, text, sizeof text, NULL), 3);
    CHECK_STR(text, "::1");
    /* The losing attempts are given up, not left running. */
    CHECK_EQ(rondel_close(op.result), 0);
    CHECK_EQ(rondel_close(alternating.result), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(op.calls + alternating.calls, 2);
    CHECK_EQ(rondel_loop_free(loop), 0);
    net_black_hole_close(&hole);
    close(fds[0]), close(fds[2]);
    names_clear();
}

TEST(localhost_is_found_whichever_family_listens) {
    rondel_loop loop = rondel_loop_new();
    int listener = net_listener("127.0.0.1", 0, 8);
    struct net_op op = {0};
    CHECK(NET_START(rondel_tcp_connect(loop, "localhost", net_port(listener), net_done, &op)) > 0);
    REQUIRE(net_run_until(loop, &op.calls, 1));
    CHECK(op.result > 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(listener);
}

TEST(a_look_up_that_hangs_does_not_hold_cancel_timeout_or_loop_free) {
    rondel_loop loop = rondel_loop_new();
    struct net_op cancelled = {0}, late = {0}, freed = {0};
    if (!names_work(loop)) {
        CHECK_EQ(rondel_loop_free(loop), 0);
        SKIP("needs a resolver that can be replaced");
    }
    names_add((struct name){"held.test", {"127.0.0.1"}, 0, 1});
    rondel_future future = rondel_tcp_connect(loop, "held.test", 1, net_done, &cancelled);
    CHECK(rondel_timeout(rondel_tcp_connect(loop, "held.test", 1, net_done, &late), RONDEL_MS) > 0);
    CHECK(rondel_tcp_connect(loop, "held.test", 1, net_done, &freed) > 0);
    names_wait_held(1);
    CHECK_EQ(NET_START(rondel_cancel(future)), 0);
    REQUIRE(net_run_until(loop, &cancelled.calls, 1));
    REQUIRE(net_run_until(loop, &late.calls, 1));
    CHECK_EQ(cancelled.result, RONDEL_ECANCELED);
    CHECK_EQ(late.result, RONDEL_ETIMEDOUT);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(freed.calls, 1);
    CHECK_EQ(freed.result, RONDEL_ECANCELED);
    names_release();
    names_clear();
}

struct stopper {
    struct net_op op;
    rondel_loop loop;
};

static void close_and_stop(rondel_handle source, int64_t result, void *user_data) {
    struct stopper *stopper = user_data;
    net_done(source, result, &stopper->op);
    CHECK_EQ(rondel_close(result), 0);
    CHECK_EQ(rondel_close(result), RONDEL_EGONE);
    CHECK_EQ(rondel_cancel(source), RONDEL_ESTATE);
    CHECK_EQ(rondel_stop(stopper->loop), 0);
}

TEST(the_callback_may_close_what_it_got_and_stop_the_loop) {
    rondel_loop loop = rondel_loop_new();
    int listener = net_listener("127.0.0.1", 0, 8);
    struct stopper stopper = {{0}, loop};
    struct net_op timer = {0};
    rondel_timer keeps = rondel_timer_start(loop, 3600 * RONDEL_SECOND, 0, net_done, &timer);
    CHECK(rondel_tcp_connect(loop, "127.0.0.1", net_port(listener), close_and_stop, &stopper) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 1);
    CHECK_EQ(stopper.op.calls, 1);
    CHECK_EQ(rondel_close(keeps), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(stopper.op.calls, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(listener);
}

TEST(a_kept_connect_is_waited_for_and_a_queued_one_handed_out) {
    rondel_loop loop = rondel_loop_new();
    int listener = net_listener("127.0.0.1", 0, 8), mark;
    rondel_completion got = {0, 0, NULL};
    rondel_tcp kept = rondel_run_until(loop, rondel_tcp_connect(loop, "127.0.0.1", net_port(listener), RONDEL_FUTURE));
    CHECK_EQ(rondel_kind(kept), RONDEL_KIND_TCP);
    rondel_future future = rondel_tcp_connect(loop, "127.0.0.1", net_port(listener), rondel_enqueue, &mark);
    CHECK_EQ(rondel_next(loop, &got, 1, RONDEL_FOREVER), 1);
    CHECK_EQ(got.source, future);
    CHECK(got.user_data == &mark);
    CHECK_EQ(rondel_kind(got.result), RONDEL_KIND_TCP);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(listener);
}

TEST(every_attempt_leaves_from_where_the_handle_is_bound) {
    rondel_loop loop = rondel_loop_new();
    int refusing = net_bound("127.0.0.1", 0), listener = net_listener("127.0.0.2", net_port(refusing), 8);
    char text[64];
    struct net_op op = {0};
    if (!names_work(loop)) {
        close(refusing), close(listener);
        CHECK_EQ(rondel_loop_free(loop), 0);
        SKIP("the library does not ask this program's getaddrinfo");
    }
    names_add((struct name){"two.test", {"127.0.0.1", "127.0.0.2"}, 0, 0});
    rondel_tcp tcp = rondel_tcp_new(loop);
    CHECK_EQ(rondel_tcp_bind(tcp, "127.0.0.3", 0), 0);
    CHECK(rondel_connect(tcp, "two.test", net_port(listener), net_done, &op) > 0);
    REQUIRE(net_run_until(loop, &op.calls, 1));
    CHECK_EQ(op.result, 0);
    CHECK(rondel_local_addr(tcp, text, sizeof text, NULL) > 0);
    CHECK_STR(text, "127.0.0.3");
    CHECK_EQ(rondel_loop_free(loop), 0);
    names_clear();
    close(refusing), close(listener);
}

TEST(bound_to_every_interface_it_reaches_both_families) {
    rondel_loop loop = rondel_loop_new();
    int listener = net_listener("127.0.0.1", 0, 8), at = 0;
    char text[64];
    struct net_op op = {0};
    rondel_tcp tcp = rondel_tcp_new(loop);
    CHECK_EQ(rondel_tcp_bind(tcp, NULL, 0), 0);
    CHECK(rondel_connect(tcp, "127.0.0.1", net_port(listener), net_done, &op) > 0);
    REQUIRE(net_run_until(loop, &op.calls, 1));
    CHECK_EQ(op.result, 0);
    CHECK(rondel_peer_addr(tcp, text, sizeof text, &at) > 0);
    CHECK_STR(text, "127.0.0.1");
    CHECK_EQ(at, net_port(listener));
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(listener);
}

TEST_MAIN(RUN(yields_a_connected_stream), RUN(connects_over_ipv6), RUN(a_refused_port_yields_econnrefused_once),
          RUN(refuses_bad_input_and_changes_nothing), RUN(a_name_that_does_not_resolve_yields_the_look_up_error),
          RUN(an_unreachable_address_ends_at_its_deadline), RUN(a_deadline_not_reached_changes_nothing),
          RUN(a_cancelled_connect_ends_once_and_leaves_no_connection), RUN(a_connection_nobody_collects_is_closed),
          RUN(loop_free_cancels_a_connect_under_way), RUN(closing_the_handle_cancels_its_connect_then_gives_the_notice),
          RUN(by_steps_connects_from_the_bound_address), RUN(an_unconnected_handle_refuses_to_read_and_write),
          RUN(a_name_is_tried_address_by_address), RUN(a_silent_address_does_not_hold_up_the_others),
          RUN(localhost_is_found_whichever_family_listens),
          RUN(a_look_up_that_hangs_does_not_hold_cancel_timeout_or_loop_free),
          RUN(the_callback_may_close_what_it_got_and_stop_the_loop),
          RUN(a_kept_connect_is_waited_for_and_a_queued_one_handed_out),
          RUN(every_attempt_leaves_from_where_the_handle_is_bound),
          RUN(bound_to_every_interface_it_reaches_both_families))
