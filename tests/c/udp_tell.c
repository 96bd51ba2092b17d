/* SPDX-License-Identifier: MIT OR Apache-2.0
 * What datagrams tell beside their bytes can be switched on and off. */
#include "support/udp.h"

enum { UDP = 17, CUT = 103, JOIN = 104 }; /* SOL_UDP, UDP_SEGMENT, UDP_GRO */

static int joins(int64_t fd) {
    int value = -1;
    socklen_t size = sizeof value;
    CHECK_EQ(getsockopt((int)fd, UDP, JOIN, &value, &size), 0);
    return value;
}

/* Whether datagrams are joined on this system. */
static int can_join(rondel_loop loop) {
    rondel_udp udp = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    int64_t told = rondel_udp_tell(udp, RONDEL_TELL_COALESCED);
    CHECK_EQ(rondel_close(udp), 0);
    if (told != 0) CHECK(told == RONDEL_EOPNOTSUPP || told == RONDEL_ENOPROTOOPT);
    return told == 0;
}

TEST(what_is_not_told_coalesced_any_more_leaves_the_socket_as_it_was) {
    rondel_loop loop = rondel_loop_new();
    if (!can_join(loop)) {
        CHECK_EQ(rondel_loop_free(loop), 0);
        SKIP("nothing is joined here");
    }
    int on = 1, plain = udp_plain("127.0.0.1", 0), joining = udp_plain("127.0.0.1", 0);
    CHECK_EQ(setsockopt(joining, UDP, JOIN, &on, sizeof on), 0);
    rondel_udp sockets[] = {rondel_udp_bind(loop, "127.0.0.1", 0, RONDEL_UDP_NO_OFFLOAD), rondel_udp_open(loop, plain),
                            rondel_udp_open(loop, joining), rondel_udp_bind(loop, "127.0.0.1", 0, 0),
                            rondel_udp_bind(loop, "127.0.0.1", 0, 0)};
    CHECK_EQ(rondel_udp_recv_start(sockets[0], udp_never, NULL), 0);
    CHECK_EQ(rondel_udp_recv_start(sockets[4], udp_never, NULL), 0);
    for (int i = 0; i < 5; i++) {
        int before = joins(rondel_fileno(sockets[i]));
        CHECK_EQ(before, i == 2 || i == 4);
        CHECK_EQ(rondel_udp_tell(sockets[i], RONDEL_TELL_COALESCED), 0);
        CHECK_EQ(joins(rondel_fileno(sockets[i])), 1);
        CHECK_EQ(rondel_udp_tell(sockets[i], 0), 0);
        CHECK_EQ(joins(rondel_fileno(sockets[i])), before);
    }
    /* Whoever receives then has it joined, as ever. */
    CHECK_EQ(rondel_udp_recv_start(sockets[3], udp_never, NULL), 0);
    CHECK_EQ(joins(rondel_fileno(sockets[3])), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(what_was_joined_before_it_was_switched_off_is_taken_apart) {
    rondel_loop loop = rondel_loop_new();
    if (!can_join(loop)) {
        CHECK_EQ(rondel_loop_free(loop), 0);
        SKIP("nothing is joined here");
    }
    struct udp_heard heard;
    struct sockaddr_storage address;
    char bytes[1000] = "";
    int length = 100, plain = udp_plain("127.0.0.1", 0);
    memset(&heard, 0, sizeof heard);
    rondel_udp udp = rondel_udp_bind(loop, "127.0.0.1", 0, RONDEL_UDP_NO_OFFLOAD);
    socklen_t size = net_address(&address, "127.0.0.1", udp_port_of(udp));
    CHECK_EQ(setsockopt(plain, UDP, CUT, &length, sizeof length), 0);
    CHECK_EQ(rondel_udp_tell(udp, RONDEL_TELL_COALESCED), 0);
    for (int round = 0; round < 2; round++) {
        CHECK_EQ(sendto(plain, bytes, sizeof bytes, 0, (struct sockaddr *)&address, size), sizeof bytes);
        if (round == 0) CHECK_EQ(rondel_udp_tell(udp, 0), 0);
        if (round == 0) CHECK_EQ(rondel_udp_recv_start(udp, udp_hear, &heard), 0);
        CHECK(net_run_until(loop, &heard.datagrams, 10 * (round + 1)));
        CHECK_EQ(heard.datagrams, 10 * (round + 1));
        CHECK_EQ(heard.bytes, 1000 * (round + 1));
        CHECK_EQ(heard.last.length, 100);
        CHECK_EQ(heard.last.segment, 0);
        CHECK_EQ(joins(rondel_fileno(udp)), 0);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(plain);
}

TEST_MAIN(RUN(what_is_not_told_coalesced_any_more_leaves_the_socket_as_it_was),
          RUN(what_was_joined_before_it_was_switched_off_is_taken_apart))
