/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Many datagrams at a time: whatever the library and the system join on the way, each must arrive as it was sent.
 */
#include "support/udp.h"

/* Datagrams of the pattern: each says in its first eight bytes where in the pattern the rest begins. */
enum { HEAD = 8 };

static size_t make(uint8_t *bytes, uint64_t at, size_t length) {
    memcpy(bytes, &at, HEAD);
    net_fill(bytes + HEAD, length - HEAD, at);
    return length;
}

struct checker {
    int64_t datagrams, bytes, wrong, calls, most, segments;
    uint64_t next; /* where the next one must begin, if they come in order */
    int in_order;
};

static void check_one(struct checker *checker, const uint8_t *bytes, size_t length) {
    uint64_t at = 0;
    if (length >= HEAD) memcpy(&at, bytes, HEAD);
    if (length < HEAD || !net_matches(bytes + HEAD, length - HEAD, at)) checker->wrong++;
    if (checker->in_order && at != checker->next) checker->wrong++;
    checker->next = at + length;
    checker->datagrams++;
    checker->bytes += (int64_t)length;
}

static void check_all(rondel_udp udp, const rondel_datagram *batch, int64_t n, void *user_data) {
    struct checker *checker = user_data;
    (void)udp;
    CHECK(n > 0);
    checker->calls++;
    if (n > checker->most) checker->most = n;
    for (int64_t i = 0; i < n; i++) {
        const size_t segment = batch[i].segment ? batch[i].segment : batch[i].length;
        CHECK_EQ(batch[i].flags, 0);
        if (batch[i].segment) checker->segments++;
        for (size_t at = 0; at < batch[i].length; at += segment) {
            const size_t left = batch[i].length - at;
            check_one(checker, batch[i].bytes + at, left < segment ? left : segment);
        }
    }
}

/* Lengths that are equal for a while, fall, rise and jump: every way in which joining can begin and end. */
static size_t length_of(unsigned n) {
    static const unsigned short lengths[] = {64, 64, 64, 64, 63, 64, 65, 64, 64, 8, 8, 8, 9, 1200, 1200, 1200, 900, 1200, 5000, 5000};
    return lengths[n % 20];
}

struct filler {
    rondel_udp udp;
    rondel_address to[3];
    int peers;
    unsigned count;
    uint64_t at[3];
    int64_t done, failed;
};

static void one_sent(rondel_handle source, int64_t result, void *user_data) {
    struct filler *filler = user_data;
    (void)source;
    filler->done++;
    if (result <= 0) filler->failed++;
}

static void fill(rondel_handle source, int64_t result, void *user_data) {
    struct filler *filler = user_data;
    static uint8_t bytes[5000];
    (void)source, (void)result;
    for (unsigned i = 0; i < filler->count; i++) {
        const int peer = (int)(i / 5 % (unsigned)filler->peers);
        size_t length = make(bytes, filler->at[peer], length_of(i));
        CHECK(rondel_udp_send(filler->udp, bytes, length, &filler->to[peer], one_sent, filler) > 0);
        filler->at[peer] += length;
    }
}

static void send_from_a_callback(const char *host, int flags, int peers, unsigned count) {
    rondel_loop loop = rondel_loop_new();
    struct checker checkers[3];
    struct filler filler;
    memset(checkers, 0, sizeof checkers);
    memset(&filler, 0, sizeof filler);
    filler.udp = rondel_udp_bind(loop, NULL, 0, flags);
    filler.peers = peers;
    filler.count = count;
    for (int i = 0; i < peers; i++) {
        rondel_udp udp = rondel_udp_bind(loop, host, 0, flags);
        checkers[i].in_order = 1;
        CHECK(rondel_receive_buffer(udp, 4 << 20) > 0);
        filler.to[i] = udp_address(host, udp_port_of(udp));
        CHECK_EQ(rondel_udp_recv_start(udp, check_all, &checkers[i]), 0);
    }
    CHECK(rondel_call_soon(loop, fill, &filler) > 0);
    int64_t all = 0;
    while (all < count) {
        REQUIRE_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
        all = 0;
        for (int i = 0; i < peers; i++) all += checkers[i].datagrams;
    }
    REQUIRE(net_run_until(loop, &filler.done, count));
    for (int i = 0; i < peers; i++) {
        CHECK_EQ(checkers[i].wrong, 0);
        CHECK_EQ(checkers[i].bytes, (int64_t)filler.at[i]);
        CHECK(checkers[i].calls < checkers[i].datagrams);
    }
    CHECK_EQ(filler.failed, 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(what_one_callback_sends_arrives_as_it_was_sent) { send_from_a_callback("127.0.0.1", 0, 1, 60); }
TEST(to_several_as_well) { send_from_a_callback("127.0.0.1", 0, 3, 150); }
TEST(and_without_offload) { send_from_a_callback("127.0.0.1", RONDEL_UDP_NO_OFFLOAD, 3, 150); }
TEST(and_over_ipv6) {
    if (!udp_has_ipv6()) SKIP("no IPv6 here");
    send_from_a_callback("::1", 0, 2, 150);
}

/* A plain receiver knows nothing of joining, and must get each one by itself. */
TEST(a_plain_receiver_gets_each_datagram_by_itself) {
    rondel_loop loop = rondel_loop_new();
    struct filler filler;
    struct checker checker;
    static uint8_t room[5001];
    memset(&filler, 0, sizeof filler);
    memset(&checker, 0, sizeof checker);
    checker.in_order = 1;
    int plain = udp_plain("127.0.0.1", 0), size = 4 << 20;
    setsockopt(plain, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    filler.udp = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    filler.peers = 1;
    filler.count = 60;
    filler.to[0] = udp_address("127.0.0.1", net_port(plain));
    CHECK(rondel_call_soon(loop, fill, &filler) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(filler.done, 60);
    for (unsigned i = 0; i < 60; i++) {
        int64_t n = udp_receive(plain, room, sizeof room);
        CHECK_EQ(n, (int64_t)length_of(i));
        check_one(&checker, room, (size_t)n);
    }
    CHECK_EQ(checker.wrong, 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(plain);
}

TEST(a_batch_goes_out_at_once_and_tells_how_many_left) {
    rondel_loop loop = rondel_loop_new();
    struct net_op sent = {0}, none = {0};
    struct checker checker;
    static uint8_t bytes[100][64];
    rondel_datagram batch[100];
    memset(batch, 0, sizeof batch);
    memset(&checker, 0, sizeof checker);
    checker.in_order = 1;
    rondel_udp from = rondel_udp_bind(loop, "127.0.0.1", 0, 0), to = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    for (int i = 0; i < 100; i++) {
        make(bytes[i], (uint64_t)i * 64, 64);
        batch[i].bytes = bytes[i];
        batch[i].length = 64;
        batch[i].peer = udp_address("127.0.0.1", udp_port_of(to));
    }
    CHECK(NET_START(rondel_udp_send_batch(from, batch, 100, net_done, &sent)) > 0);
    memset(bytes, 0, sizeof bytes);
    CHECK(NET_START(rondel_udp_send_batch(from, NULL, 0, net_done, &none)) > 0);
    CHECK_EQ(rondel_udp_recv_start(to, check_all, &checker), 0);
    REQUIRE(net_run_until(loop, &checker.datagrams, 100));
    CHECK_EQ(sent.result, 100);
    CHECK_EQ(none.calls, 1);
    CHECK_EQ(none.result, 0);
    CHECK_EQ(checker.wrong, 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(one_that_fails_keeps_no_other_of_its_batch_from_leaving) {
    rondel_loop loop = rondel_loop_new();
    struct net_op some = {0}, none = {0};
    struct udp_heard heard = {0};
    static uint8_t bytes[65508];
    rondel_datagram batch[5];
    memset(batch, 0, sizeof batch);
    rondel_udp from = rondel_udp_bind(loop, "127.0.0.1", 0, 0), to = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    for (int i = 0; i < 5; i++) {
        batch[i].bytes = bytes;
        batch[i].length = i % 2 ? 65508 : 20;
        batch[i].peer = udp_address("127.0.0.1", udp_port_of(to));
    }
    CHECK_EQ(rondel_udp_recv_start(to, udp_hear, &heard), 0);
    CHECK(rondel_udp_send_batch(from, batch, 5, net_done, &some) > 0);
    CHECK(rondel_udp_send_batch(from, &batch[1], 1, net_done, &none) > 0);
    REQUIRE(net_run_until(loop, &heard.datagrams, 3));
    CHECK_EQ(some.result, 3);
    CHECK_EQ(none.result, RONDEL_EMSGSIZE);
    CHECK_EQ(heard.bytes, 60);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_batch_that_makes_no_sense_is_refused_whole) {
    rondel_loop loop = rondel_loop_new();
    rondel_datagram batch[2], bad;
    rondel_udp udp = rondel_udp_bind(loop, "127.0.0.1", 0, 0), to = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    memset(batch, 0, sizeof batch);
    CHECK_EQ(rondel_udp_recv_start(to, udp_never, NULL), 0);
    for (int i = 0; i < 2; i++) {
        batch[i].bytes = (const uint8_t *)"x";
        batch[i].length = 1;
        batch[i].peer = udp_address("127.0.0.1", udp_port_of(to));
    }
    bad = batch[1];
#define REFUSED(change, code)                                                                                          \
    batch[1] = bad;                                                                                                    \
    batch[1].change;                                                                                                   \
    CHECK_EQ(rondel_udp_send_batch(udp, batch, 2, net_never, NULL), code)
    REFUSED(bytes = NULL, RONDEL_EINVAL);
    REFUSED(length = (size_t)-1, RONDEL_EINVAL);
    REFUSED(ecn = 4, RONDEL_EINVAL);
    REFUSED(peer.port = 0, RONDEL_EINVAL);
    REFUSED(peer.port = 65536, RONDEL_EINVAL);
    REFUSED(peer.family = 5, RONDEL_EINVAL);
    REFUSED(peer.family = 0, RONDEL_EDESTADDRREQ);
    REFUSED(peer.family = 6, RONDEL_EAFNOSUPPORT);
    REFUSED(local.family = 5, RONDEL_EINVAL);
    CHECK_EQ(rondel_udp_send_batch(udp, NULL, 2, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_udp_send_batch(udp, batch, (size_t)-1, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_udp_send(udp, NULL, 1, &bad.peer, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_udp_send(udp, "x", (size_t)-1, &bad.peer, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_udp_send(udp, "x", 1, NULL, net_never, NULL), RONDEL_EDESTADDRREQ);
    net_settle(loop);
    CHECK_EQ(rondel_udp_send_queue_count(udp), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(one_buffer_is_cut_into_segments) {
    rondel_loop loop = rondel_loop_new();
    struct net_op sent = {0};
    struct udp_heard heard = {0};
    static uint8_t bytes[100050];
    net_fill(bytes, sizeof bytes, 0);
    int plain = udp_plain("127.0.0.1", 0), size = 4 << 20;
    setsockopt(plain, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    rondel_datagram one;
    memset(&one, 0, sizeof one);
    one.bytes = bytes;
    one.length = sizeof bytes;
    one.segment = 1000;
    one.peer = udp_address("127.0.0.1", net_port(plain));
    rondel_udp udp = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    CHECK_EQ(rondel_udp_recv_start(udp, udp_hear, &heard), 0);
    CHECK(rondel_udp_send_batch(udp, &one, 1, net_done, &sent) > 0);
    REQUIRE(net_run_until(loop, &sent.calls, 1));
    CHECK_EQ(sent.result, 101);
    for (int i = 0; i < 101; i++) {
        uint8_t room[1001];
        int64_t n = udp_receive(plain, room, sizeof room);
        CHECK_EQ(n, i < 100 ? 1000 : 50);
        CHECK(n > 0 && net_matches(room, (size_t)n, (uint64_t)i * 1000));
    }
    CHECK_EQ(heard.calls, 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(plain);
}

TEST(joined_datagrams_are_told_as_one_to_those_who_ask) {
    rondel_loop loop = rondel_loop_new();
    struct net_op sent = {0};
    struct checker checker;
    static uint8_t bytes[40][100];
    rondel_datagram batch[40];
    memset(batch, 0, sizeof batch);
    memset(&checker, 0, sizeof checker);
    checker.in_order = 1;
    rondel_udp from = rondel_udp_bind(loop, "127.0.0.1", 0, 0), to = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    int64_t told = rondel_udp_tell(to, RONDEL_TELL_COALESCED);
    if (told == RONDEL_EOPNOTSUPP || told == RONDEL_ENOPROTOOPT) {
        CHECK_EQ(rondel_loop_free(loop), 0);
        SKIP("nothing is joined here");
    }
    CHECK_EQ(told, 0);
    for (int i = 0; i < 40; i++) {
        make(bytes[i], (uint64_t)i * 100, 100);
        batch[i].bytes = bytes[i];
        batch[i].length = 100;
        batch[i].peer = udp_address("127.0.0.1", udp_port_of(to));
    }
    CHECK_EQ(rondel_udp_recv_start(to, check_all, &checker), 0);
    CHECK(rondel_udp_send_batch(from, batch, 40, net_done, &sent) > 0);
    REQUIRE(net_run_until(loop, &checker.datagrams, 40));
    CHECK_EQ(checker.wrong, 0);
    CHECK(checker.segments > 0);
    CHECK(checker.most < 40);
    /* And by themselves again. */
    int64_t before = checker.segments;
    CHECK_EQ(rondel_udp_tell(to, 0), 0);
    CHECK(rondel_udp_send_batch(from, batch, 40, NULL, NULL) > 0);
    checker.next = 0;
    REQUIRE(net_run_until(loop, &checker.datagrams, 80));
    CHECK_EQ(checker.segments, before);
    CHECK_EQ(checker.wrong, 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* ---- what is told beside the bytes */

static void marks_travel(const char *host) {
    rondel_loop loop = rondel_loop_new();
    struct udp_heard heard = {0};
    rondel_udp from = rondel_udp_bind(loop, NULL, 0, 0), to = rondel_udp_bind(loop, host, 0, 0);
    rondel_datagram one;
    memset(&one, 0, sizeof one);
    one.bytes = (const uint8_t *)"marked";
    one.length = 6;
    one.peer = udp_address(host, udp_port_of(to));
    CHECK_EQ(rondel_udp_recv_start(to, udp_hear, &heard), 0);
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t mark = 0; mark < 4; mark++) {
            one.ecn = mark;
            CHECK(rondel_udp_send_batch(from, &one, 1, NULL, NULL) > 0);
            REQUIRE(net_run_until(loop, &heard.datagrams, round * 5 + mark + 1));
            CHECK_EQ(heard.last.ecn, round ? mark : 0);
        }
        /* For all that a socket sends. */
        CHECK_EQ(rondel_udp_traffic_class(from, 1), 0);
        CHECK_EQ(rondel_udp_try_send(from, "x", 1, &one.peer), 1);
        REQUIRE(net_run_until(loop, &heard.datagrams, round * 5 + 5));
        CHECK_EQ(heard.last.ecn, round ? 1 : 0);
        CHECK_EQ(rondel_udp_traffic_class(from, 0), 0);
        CHECK_EQ(rondel_udp_tell(to, RONDEL_TELL_ECN), 0);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(congestion_marks_travel_with_their_datagram) {
    if (ON_WINDOWS) SKIP("marks of congestion are not told");
    marks_travel("127.0.0.1");
    if (udp_has_ipv6()) marks_travel("::1");
}

TEST(marks_part_what_would_be_joined) {
    if (ON_WINDOWS) SKIP("marks of congestion are not told");
    rondel_loop loop = rondel_loop_new();
    struct udp_heard heard = {0};
    int64_t marked = 0;
    rondel_udp from = rondel_udp_bind(loop, "127.0.0.1", 0, 0), to = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    rondel_datagram batch[8];
    rondel_datagram out;
    char room[64];
    memset(batch, 0, sizeof batch);
    CHECK_EQ(rondel_udp_tell(to, RONDEL_TELL_ECN), 0);
    for (int i = 0; i < 8; i++) {
        batch[i].bytes = (const uint8_t *)"abcdefgh" + i;
        batch[i].length = 1;
        batch[i].ecn = i / 2 % 2 ? 2 : 0;
        batch[i].peer = udp_address("127.0.0.1", udp_port_of(to));
    }
    CHECK(rondel_udp_send_batch(from, batch, 8, NULL, NULL) > 0);
    for (int i = 0; i < 8; i++) {
        rondel_future future = rondel_udp_recv(to, room, sizeof room, &out, RONDEL_FUTURE);
        CHECK_EQ(rondel_run_until(loop, future), 1);
        CHECK_EQ(room[0], 'a' + i);
        CHECK_EQ(out.ecn, batch[i].ecn);
        marked += out.ecn;
    }
    CHECK_EQ(marked, 8);
    CHECK_EQ(heard.calls, 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(an_answer_leaves_from_the_address_that_was_asked) {
    if (ON_WINDOWS) SKIP("the address that was asked is not told");
    rondel_loop loop = rondel_loop_new();
    struct udp_heard heard = {0};
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    char room[8], text[64];
    rondel_udp udp = rondel_udp_bind(loop, NULL, 0, 0);
    int plain = udp_plain("127.0.0.1", 0), port = udp_port_of(udp);
    CHECK_EQ(rondel_udp_tell(udp, RONDEL_TELL_LOCAL), 0);
    CHECK_EQ(rondel_udp_recv_start(udp, udp_hear, &heard), 0);
    udp_send_to(plain, "127.0.0.77", port, "ask", 3);
    REQUIRE(net_run_until(loop, &heard.datagrams, 1));
    CHECK_EQ(heard.last.local.family, 4);
    CHECK_EQ(heard.last.local.port, port);
    CHECK(rondel_address_text(&heard.last.local, text, sizeof text) > 0);
    CHECK_STR(text, "127.0.0.77");
    heard.last.bytes = (const uint8_t *)"told";
    heard.last.length = 4;
    CHECK(rondel_udp_send_batch(udp, &heard.last, 1, NULL, NULL) > 0);
    net_wait_readable(plain);
    CHECK_EQ(recvfrom(plain, room, sizeof room, 0, (struct sockaddr *)&from, &size), 4);
    CHECK_EQ(ntohl(from.sin_addr.s_addr), 0x7f00004d);
    CHECK_EQ(ntohs(from.sin_port), port);
    if (udp_has_ipv6()) {
        int six = udp_plain("::1", 0);
        udp_send_to(six, "::1", port, "ask", 3);
        REQUIRE(net_run_until(loop, &heard.datagrams, 2));
        CHECK_EQ(heard.last.local.family, 6);
        CHECK(rondel_address_text(&heard.last.local, text, sizeof text) > 0);
        CHECK(!strncmp(text, "::1", 3));
        heard.last.bytes = (const uint8_t *)"told";
        CHECK(rondel_udp_send_batch(udp, &heard.last, 1, NULL, NULL) > 0);
        CHECK_EQ(udp_receive(six, room, sizeof room), 3);
        close(six);
    }
    CHECK_EQ(rondel_udp_tell(udp, 0), 0);
    udp_send_to(plain, "127.0.0.77", port, "ask", 3);
    int64_t wanted = heard.datagrams + 1;
    REQUIRE(net_run_until(loop, &heard.datagrams, wanted));
    CHECK_EQ(heard.last.local.family, 0);
    CHECK_EQ(rondel_udp_tell(udp, 16), RONDEL_EINVAL);
    CHECK_EQ(rondel_udp_tell(udp, -1), RONDEL_EINVAL);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(plain);
}

/* ---- a thousand clients of one server */

TEST(each_of_many_clients_gets_its_own_answers) {
    enum { CLIENTS = 500, ROUNDS = 6 };
    static int clients[CLIENTS];
    rondel_loop loop = rondel_loop_new();
    int64_t echoed = 0;
    const int count = (int)test_scale(CLIENTS, 60);
    rondel_udp udp = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    CHECK(rondel_receive_buffer(udp, 4 << 20) > 0);
    CHECK_EQ(rondel_udp_recv_start(udp, udp_echo, &echoed), 0);
    for (int i = 0; i < count; i++) clients[i] = udp_plain("127.0.0.1", 0);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < count; i++) {
            char text[32];
            int length = snprintf(text, sizeof text, "client %d round %d", i, round);
            udp_send_to(clients[i], "127.0.0.1", udp_port_of(udp), text, (size_t)length);
        }
        REQUIRE(net_run_until(loop, &echoed, (int64_t)(round + 1) * count));
    }
    for (int i = 0; i < count; i++) {
        for (int round = 0; round < ROUNDS; round++) {
            char text[32], room[33];
            int length = snprintf(text, sizeof text, "client %d round %d", i, round);
            CHECK_EQ(udp_receive(clients[i], room, sizeof room), length);
            CHECK(!memcmp(room, text, (size_t)length));
        }
        close(clients[i]);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_flood_on_one_socket_leaves_others_their_turn) {
    rondel_loop loop = rondel_loop_new();
    struct udp_heard flooded = {0}, other = {0};
    rondel_udp one = rondel_udp_bind(loop, "127.0.0.1", 0, 0), two = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    int plain = udp_plain("127.0.0.1", 0);
    CHECK(rondel_receive_buffer(one, 4 << 20) > 0);
    CHECK_EQ(rondel_udp_recv_start(one, udp_hear, &flooded), 0);
    CHECK_EQ(rondel_udp_recv_start(two, udp_hear, &other), 0);
    for (int i = 0; i < 3000; i++) udp_send_to(plain, "127.0.0.1", udp_port_of(one), "x", 1);
    udp_send_to(plain, "127.0.0.1", udp_port_of(two), "y", 1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(other.datagrams, 1);
    CHECK(flooded.datagrams > 0);
    int64_t some = flooded.datagrams;
    CHECK(some < 1000);
    net_settle(loop);
    CHECK(flooded.datagrams > some);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(plain);
}

TEST_MAIN(RUN(what_one_callback_sends_arrives_as_it_was_sent), RUN(to_several_as_well), RUN(and_without_offload),
          RUN(and_over_ipv6), RUN(a_plain_receiver_gets_each_datagram_by_itself),
          RUN(a_batch_goes_out_at_once_and_tells_how_many_left),
          RUN(one_that_fails_keeps_no_other_of_its_batch_from_leaving),
          RUN(a_batch_that_makes_no_sense_is_refused_whole), RUN(one_buffer_is_cut_into_segments),
          RUN(joined_datagrams_are_told_as_one_to_those_who_ask), RUN(congestion_marks_travel_with_their_datagram),
          RUN(marks_part_what_would_be_joined), RUN(an_answer_leaves_from_the_address_that_was_asked),
          RUN(each_of_many_clients_gets_its_own_answers), RUN(a_flood_on_one_socket_leaves_others_their_turn))
