/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Datagrams by path: peers that go, come back, and are changed for others; and whose fullness it is that one meets. */
#include "support/udp_path.h"

/* A plain socket at a path, with a peer if one is named. */
static int plain_at(const char *name, const char *peer) {
    struct sockaddr_un address = {AF_UNIX, ""};
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", at(name));
    CHECK_EQ(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    if (peer) {
        snprintf(address.sun_path, sizeof address.sun_path, "%s", at(peer));
        CHECK_EQ(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    }
    return fd;
}

static void close_plain(int fd, const char *name) {
    close(fd);
    CHECK_EQ(unlink(at(name)), 0);
}

TEST(what_a_peer_sent_before_the_peer_was_changed_is_received) {
    rondel_loop loop = begin();
    struct heard heard = {0, 0, 0, 0, "", ""};
    char name[16];
    rondel_udp own = rondel_udp_bind_path(loop, at("own"), 0), other = rondel_udp_bind_path(loop, at("other"), 0);
    rondel_udp peer = rondel_udp_bind_path(loop, at("peer"), 0);
    CHECK_EQ(rondel_udp_set_peer_path(own, at("peer")), 0);
    CHECK_EQ(rondel_udp_set_peer_path(peer, at("own")), 0);

    /* More than leave in one call, with the numbers that they have. Nobody receives meanwhile. */
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "%d", i);
        CHECK_EQ(result_of(rondel_udp_send(peer, name, strlen(name), NULL, RONDEL_FUTURE)), (int64_t)strlen(name));
    }
    CHECK_EQ(rondel_udp_set_peer_path(own, at("other")), 0);
    CHECK_EQ(result_of(rondel_udp_send_path(other, "new", 3, at("own"), RONDEL_FUTURE)), 3);
    CHECK_EQ(rondel_udp_recv_start(own, hear, &heard), 0);
    net_settle(loop);
    CHECK_EQ(heard.count, 101);
    CHECK_EQ(heard.bytes, 10 + 2 * 90 + 3);
    CHECK_STR(heard.last, "new"); /* in order */
    CHECK_STR(heard.sender, at("other"));

    /* One who receives all the while is told of it too. */
    CHECK_EQ(result_of(rondel_udp_send_path(other, "last", 4, at("own"), RONDEL_FUTURE)), 4);
    CHECK_EQ(rondel_udp_set_peer_path(own, NULL), 0);
    net_settle(loop);
    CHECK_EQ(heard.count, 102);
    CHECK_STR(heard.last, "last");
    CHECK_EQ(heard.error, 0);
    end(loop);
}

struct changing {
    struct heard heard;
    rondel_udp peer;
    int changed;
};

static void hear_and_change(rondel_udp udp, const rondel_datagram *batch, int64_t n, void *user_data) {
    struct changing *changing = user_data;
    if (!changing->changed++) {
        CHECK_EQ(rondel_udp_try_send(changing->peer, "later", 5, NULL), 5);
        CHECK_EQ(rondel_udp_set_peer_path(udp, NULL), 0);
    }
    hear(udp, batch, n, &changing->heard); /* what is being told is still what it was */
}

TEST(a_callback_may_change_the_peer_and_loses_nothing) {
    rondel_loop loop = begin();
    struct changing changing;
    char byte = 0;
    memset(&changing, 0, sizeof changing);
    rondel_udp own = rondel_udp_bind_path(loop, at("own"), 0);
    changing.peer = rondel_udp_bind_path(loop, at("peer"), 0);
    CHECK_EQ(rondel_udp_set_peer_path(own, at("peer")), 0);
    CHECK_EQ(rondel_udp_set_peer_path(changing.peer, at("own")), 0);
    for (int i = 0; i < 3; i++) CHECK_EQ(rondel_udp_try_send(changing.peer, "first", 5, NULL), 5);
    CHECK_EQ(rondel_udp_recv_start(own, hear_and_change, &changing), 0);
    net_settle(loop);
    CHECK_EQ(changing.heard.count, 4);
    CHECK_STR(changing.heard.last, "later");
    CHECK_STR(changing.heard.sender, at("peer"));

    /* And so for receives of one. */
    CHECK_EQ(rondel_udp_recv_stop(own), 0);
    CHECK_EQ(rondel_udp_set_peer_path(own, at("peer")), 0);
    CHECK_EQ(rondel_udp_try_send(changing.peer, "a", 1, NULL), 1);
    rondel_future received = rondel_udp_recv(own, &byte, 1, NULL, RONDEL_FUTURE);
    CHECK_EQ(rondel_udp_set_peer_path(own, NULL), 0);
    CHECK_EQ(result_of(received), 1);
    CHECK_EQ(byte, 'a');
    end(loop);
}

TEST(a_peer_that_has_gone_is_refused_and_is_no_peer_any_more) {
    rondel_loop loop = begin();
    struct heard heard = {0, 0, 0, 0, "", ""};
    rondel_udp own = rondel_udp_bind_path(loop, at("own"), 0), other = rondel_udp_bind_path(loop, at("other"), 0);
    rondel_udp peer = rondel_udp_bind_path(loop, at("peer"), 0);
    char text[128];
    CHECK_EQ(rondel_udp_set_peer_path(own, at("peer")), 0);
    CHECK_EQ(rondel_udp_try_send(own, "x", 1, NULL), 1);
    CHECK_EQ(rondel_close(peer), 0);
    CHECK_EQ(result_of(rondel_udp_send_path(own, "x", 1, NULL, RONDEL_FUTURE)), RONDEL_ECONNREFUSED);
    CHECK_EQ(rondel_udp_send_path(own, "x", 1, NULL, RONDEL_FUTURE), RONDEL_EDESTADDRREQ);
    CHECK_EQ(rondel_udp_try_send(own, "x", 1, NULL), RONDEL_EDESTADDRREQ);
    CHECK_EQ(rondel_peer_addr(own, text, sizeof text, NULL), RONDEL_ENOTCONN);
    CHECK_EQ(rondel_udp_set_peer_path(own, NULL), RONDEL_ENOTCONN);

    /* It is a socket without a peer in every way. */
    CHECK_EQ(rondel_udp_recv_start(own, hear, &heard), 0);
    CHECK_EQ(result_of(rondel_udp_send_path(other, "anybody", 7, at("own"), RONDEL_FUTURE)), 7);
    CHECK_EQ(result_of(rondel_udp_send_path(own, "anywhere", 8, at("other"), RONDEL_FUTURE)), 8);
    net_settle(loop);
    CHECK_STR(heard.last, "anybody");

    /* The peer is back, under its name. */
    peer = rondel_udp_bind_path(loop, at("peer"), 0);
    CHECK(peer > 0);
    CHECK_EQ(rondel_udp_set_peer_path(own, at("peer")), 0);
    CHECK_EQ(result_of(rondel_udp_send_path(own, "y", 1, NULL, RONDEL_FUTURE)), 1);
    end(loop);
}

enum { SENDS = 400 };

TEST(what_waits_for_a_peer_that_goes_is_all_refused_alike) {
    rondel_loop loop = begin();
    static struct net_op ops[SENDS];
    memset(ops, 0, sizeof ops);
    rondel_udp own = rondel_udp_bind_path(loop, at("own"), 0), peer = rondel_udp_bind_path(loop, at("peer"), 0);
    rondel_udp other = rondel_udp_bind_path(loop, at("other"), 0);
    CHECK_EQ(rondel_udp_set_peer_path(own, at("peer")), 0);
    for (int i = 0; i < SENDS; i++) CHECK(rondel_udp_send(own, "x", 1, NULL, net_done, &ops[i]) > 0);
    net_settle(loop);
    int64_t waiting = rondel_udp_send_queue_count(own);
    CHECK(waiting > 1 && waiting < SENDS);
    CHECK_EQ(rondel_close(peer), 0);
    net_settle(loop);
    CHECK_EQ(rondel_udp_send_queue_count(own), 0);
    for (int i = 0; i < SENDS; i++) {
        CHECK_EQ(ops[i].calls, 1);
        CHECK_EQ(ops[i].result, i < SENDS - waiting ? 1 : RONDEL_ECONNREFUSED);
    }
    CHECK_EQ(result_of(rondel_udp_send_path(own, "x", 1, at("other"), RONDEL_FUTURE)), 1);
    CHECK(other > 0);
    end(loop);
}

TEST(no_datagram_pays_for_an_earlier_one_that_was_not_received) {
    rondel_loop loop = begin();
    struct sockaddr nobody = {AF_UNSPEC, ""};
    struct heard heard = {0, 0, 0, 0, "", ""};
    char room[8];
    rondel_udp own = rondel_udp_bind_path(loop, at("own"), 0);
    int peer = plain_at("peer", "own");
    CHECK_EQ(rondel_udp_set_peer_path(own, at("peer")), 0);
    for (int way = 0; way < 3; way++) {
        struct net_op op = {0};
        rondel_datagram one;
        memset(&one, 0, sizeof one);
        one.bytes = (const uint8_t *)"two", one.length = 3;
        CHECK_EQ(result_of(rondel_udp_send(own, "one", 3, NULL, RONDEL_FUTURE)), 3);
        /* The peer lets its peer go, and with it what it has not received: the system tells us, by our next call. */
        CHECK_EQ(connect(peer, &nobody, sizeof nobody), 0);
        if (way == 0) CHECK(rondel_udp_send(own, "two", 3, NULL, net_done, &op) > 0);
        if (way == 1) CHECK_EQ(rondel_udp_try_send(own, "two", 3, NULL), 3);
        if (way == 2) CHECK(rondel_udp_send_batch(own, &one, 1, net_done, &op) > 0);
        net_settle(loop);
        if (way != 1) CHECK_EQ(op.result, way == 2 ? 1 : 3);
        CHECK_EQ(recv(peer, room, sizeof room, MSG_DONTWAIT), 3);
        CHECK_EQ(memcmp(room, "two", 3), 0);
        struct sockaddr_un address = {AF_UNIX, ""};
        snprintf(address.sun_path, sizeof address.sun_path, "%s", at("own"));
        CHECK_EQ(connect(peer, (struct sockaddr *)&address, sizeof address), 0);
    }
    /* Who receives hears of it. */
    CHECK_EQ(rondel_udp_recv_start(own, hear, &heard), 0);
    net_settle(loop);
#ifdef __linux__ /* others may lose it silently */
    CHECK_EQ(heard.error, RONDEL_ECONNRESET);
#endif
    CHECK_EQ(heard.count, 0);
    close_plain(peer, "peer");
    end(loop);
}

TEST(what_a_peer_let_go_does_not_fail_what_is_sent_by_name_later) {
    rondel_loop loop = begin();
    struct sockaddr nobody = {AF_UNSPEC, ""};
    rondel_udp own = rondel_udp_bind_path(loop, at("own"), 0), other = rondel_udp_bind_path(loop, at("other"), 0);
    int peer = plain_at("peer", "own");
    CHECK_EQ(rondel_udp_set_peer_path(own, at("peer")), 0);
    CHECK_EQ(result_of(rondel_udp_send(own, "one", 3, NULL, RONDEL_FUTURE)), 3);
    CHECK_EQ(connect(peer, &nobody, sizeof nobody), 0);
    CHECK_EQ(rondel_udp_set_peer_path(own, NULL), 0);
    CHECK_EQ(result_of(rondel_udp_send_path(own, "two", 3, at("other"), RONDEL_FUTURE)), 3);
    CHECK(other > 0);
    close_plain(peer, "peer");
    end(loop);
}

#ifdef __linux__
/* Elsewhere what is under way lies with the receivers alone. */
TEST(a_name_that_has_received_nothing_is_waited_for_when_the_sender_is_full) {
    rondel_loop loop = begin();
    struct heard first = {0, 0, 0, 0, "", ""}, second = first;
    static char bytes[16 * 1024];
    struct net_op large[3], small = {0};
    memset(large, 0, sizeof large);
    rondel_udp sender = rondel_udp_bind_path(loop, NULL, 0);
    rondel_udp one = rondel_udp_bind_path(loop, at("one"), 0), other = rondel_udp_bind_path(loop, at("other"), 0);
    CHECK(rondel_send_buffer(sender, sizeof bytes) > 0);
    for (int i = 0; i < 3; i++)
        CHECK(rondel_udp_send_path(sender, bytes, sizeof bytes, at("one"), net_done, &large[i]) > 0);
    CHECK(rondel_udp_send_path(sender, "small", 5, at("other"), net_done, &small) > 0);
    net_settle(loop);
    int64_t events = rondel_metric(loop, RONDEL_METRIC_EVENTS);
    net_settle(loop);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_EVENTS), events); /* it does not spin meanwhile */
    CHECK_EQ(small.calls, 0);
    CHECK(rondel_udp_send_queue_count(sender) > 0);
    CHECK_EQ(rondel_udp_recv_start(one, hear, &first), 0);
    CHECK_EQ(rondel_udp_recv_start(other, hear, &second), 0);
    CHECK(net_run_until(loop, &small.calls, 1));
    net_settle(loop);
    CHECK_EQ(small.result, 5);
    for (int i = 0; i < 3; i++) CHECK_EQ(large[i].result, sizeof bytes);
    CHECK_EQ(first.count, 3);
    CHECK_STR(second.last, "small");
    end(loop);
}

TEST(a_name_that_is_full_keeps_no_other_from_its_datagrams) {
    rondel_loop loop = begin();
    static char bytes[8 * 1024];
    rondel_udp sender = rondel_udp_bind_path(loop, NULL, 0);
    rondel_udp one = rondel_udp_bind_path(loop, at("one"), 0), other = rondel_udp_bind_path(loop, at("other"), 0);
    int64_t result = 1;
    CHECK(rondel_send_buffer(sender, 8 * 1024 * 1024) > 0);
    /* A good part of what this socket may have under way lies there. */
    for (int i = 0; i < 1000 && result > 0; i++) {
        struct net_op op = {0};
        CHECK(rondel_udp_send_path(sender, bytes, sizeof bytes, at("one"), net_done, &op) > 0);
        net_settle(loop);
        CHECK_EQ(op.calls, 1);
        result = op.result;
    }
    CHECK_EQ(result, RONDEL_EAGAIN);
    CHECK_EQ(result_of(rondel_udp_send_path(sender, "x", 1, at("other"), RONDEL_FUTURE)), 1);
    CHECK(one > 0 && other > 0);
    end(loop);
}
#else
TEST(a_name_that_has_received_nothing_is_waited_for_when_the_sender_is_full) { SKIP("the sender is never full"); }
TEST(a_name_that_is_full_keeps_no_other_from_its_datagrams) { SKIP("the sender is never full"); }
#endif

TEST_MAIN(RUN(what_a_peer_sent_before_the_peer_was_changed_is_received),
          RUN(a_callback_may_change_the_peer_and_loses_nothing),
          RUN(a_peer_that_has_gone_is_refused_and_is_no_peer_any_more),
          RUN(what_waits_for_a_peer_that_goes_is_all_refused_alike),
          RUN(no_datagram_pays_for_an_earlier_one_that_was_not_received),
          RUN(what_a_peer_let_go_does_not_fail_what_is_sent_by_name_later),
          RUN(a_name_that_has_received_nothing_is_waited_for_when_the_sender_is_full),
          RUN(a_name_that_is_full_keeps_no_other_from_its_datagrams))
