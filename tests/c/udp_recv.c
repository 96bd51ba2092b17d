/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Receiving one datagram at a time, as tasks do.
 */
#include "support/udp.h"
#include "support/task.h"

TEST(one_datagram_is_received_with_all_that_is_known_of_it) {
    rondel_loop loop = rondel_loop_new();
    struct net_op op = {0};
    rondel_datagram out;
    char room[64];
    rondel_udp udp = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    int plain = udp_plain("127.0.0.1", 0);
    udp_send_to(plain, "127.0.0.1", udp_port_of(udp), "hello", 5);
    rondel_future future = NET_START(rondel_udp_recv(udp, room, sizeof room, &out, net_done, &op));
    CHECK_EQ(rondel_future_origin(future), udp);
    REQUIRE(net_run_until(loop, &op.calls, 1));
    CHECK_EQ(op.result, 5);
    CHECK_EQ(op.source, future);
    CHECK(out.bytes == (uint8_t *)room);
    CHECK_EQ(out.length, 5);
    CHECK(!memcmp(room, "hello", 5));
    CHECK_EQ(out.peer.port, net_port(plain));
    CHECK_EQ(out.flags, 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(plain);
}

TEST(several_receives_wait_and_are_served_in_order) {
    rondel_loop loop = rondel_loop_new();
    struct net_op ops[5];
    char rooms[5][8];
    memset(ops, 0, sizeof ops);
    rondel_udp udp = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    int plain = udp_plain("127.0.0.1", 0), port = udp_port_of(udp);
    rondel_future futures[5];
    for (int i = 0; i < 5; i++) futures[i] = NET_START(rondel_udp_recv(udp, rooms[i], 8, NULL, net_done, &ops[i]));
    CHECK_EQ(rondel_udp_recv_start(udp, udp_never, NULL), RONDEL_EBUSY);
    CHECK_EQ(NET_START(rondel_cancel(futures[1])), 0);
    for (int i = 0; i < 3; i++) udp_send_to(plain, "127.0.0.1", port, &"abc"[i], 1);
    REQUIRE(net_run_until(loop, &ops[3].calls, 1));
    CHECK_EQ(ops[1].result, RONDEL_ECANCELED);
    CHECK_EQ(rooms[0][0], 'a');
    CHECK_EQ(rooms[2][0], 'b');
    CHECK_EQ(rooms[3][0], 'c');
    CHECK(ops[0].order < ops[2].order && ops[2].order < ops[3].order);
    CHECK_EQ(ops[4].calls, 0);
    CHECK_EQ(rondel_close(udp), 0);
    REQUIRE(net_run_until(loop, &ops[4].calls, 1));
    CHECK_EQ(ops[4].result, RONDEL_ECANCELED);
    CHECK_EQ(rondel_loop_free(loop), 0);
    for (int i = 0; i < 5; i++) CHECK_EQ(ops[i].calls, 1);
    close(plain);
}

TEST(a_datagram_that_does_not_fit_is_never_cut_silently) {
    rondel_loop loop = rondel_loop_new();
    struct net_op ops[3] = {{0}, {0}, {0}};
    rondel_datagram out;
    char room[4];
    rondel_udp udp = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    int plain = udp_plain("127.0.0.1", 0), port = udp_port_of(udp);
    udp_send_to(plain, "127.0.0.1", port, "long", 5);
    udp_send_to(plain, "127.0.0.1", port, "longer", 6);
    udp_send_to(plain, "127.0.0.1", port, "fits", 4);
    for (int i = 0; i < 3; i++) {
        CHECK(rondel_udp_recv(udp, room, 4, i == 1 ? NULL : &out, net_done, &ops[i]) > 0);
        REQUIRE(net_run_until(loop, &ops[i].calls, 1));
        if (i == 0) {
            CHECK_EQ(out.length, 4);
            CHECK_EQ(out.flags, RONDEL_TRUNCATED);
        }
    }
    CHECK_EQ(ops[0].result, 4);
    CHECK_EQ(ops[1].result, RONDEL_EMSGSIZE);
    CHECK_EQ(ops[2].result, 4);
    CHECK_EQ(out.flags, 0);
    CHECK(!memcmp(room, "fits", 4));
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(plain);
}

TEST(a_cancelled_or_late_receive_leaves_the_datagram_to_the_next) {
    rondel_loop loop = rondel_loop_new();
    struct net_op cancelled = {0}, late = {0}, next = {0};
    char room[8], untouched[8] = "as it is";
    rondel_udp udp = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    int plain = udp_plain("127.0.0.1", 0);
    rondel_future future = rondel_udp_recv(udp, untouched, 8, NULL, net_done, &cancelled);
    CHECK(rondel_timeout(rondel_udp_recv(udp, untouched, 8, NULL, net_done, &late), RONDEL_MS) > 0);
    CHECK_EQ(rondel_cancel(future), 0);
    REQUIRE(net_run_until(loop, &late.calls, 1));
    CHECK_EQ(cancelled.result, RONDEL_ECANCELED);
    CHECK_EQ(late.result, RONDEL_ETIMEDOUT);
    udp_send_to(plain, "127.0.0.1", udp_port_of(udp), "data", 4);
    net_settle(loop);
    CHECK(rondel_udp_recv(udp, room, 8, NULL, net_done, &next) > 0);
    REQUIRE(net_run_until(loop, &next.calls, 1));
    CHECK_EQ(next.result, 4);
    CHECK(!memcmp(untouched, "as it is", 8));
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(cancelled.calls + late.calls + next.calls, 3);
    close(plain);
}

/* A sender that has the kernel cut one message into many. */
static void send_segments(int fd, int port, const void *bytes, size_t length, int segment) {
    struct sockaddr_storage address;
    socklen_t size = net_address(&address, "127.0.0.1", port);
    setsockopt(fd, 17, 103, &segment, sizeof segment); /* SOL_UDP, UDP_SEGMENT */
    CHECK_EQ(sendto(fd, bytes, length, 0, (struct sockaddr *)&address, size), (ssize_t)length);
}

struct switcher {
    struct udp_heard heard;
    int64_t wanted;
};

static void stop_after(rondel_udp udp, const rondel_datagram *batch, int64_t n, void *user_data) {
    struct switcher *switcher = user_data;
    udp_hear(udp, batch, n, &switcher->heard);
    if (switcher->heard.datagrams >= switcher->wanted) CHECK_EQ(rondel_udp_recv_stop(udp), 0);
}

/* The socket was told to take joined datagrams when it was pushed from; whoever receives one by one after that must
 * still get them one by one, and those it does not ask for must wait. */
TEST(datagrams_that_came_joined_are_given_out_one_by_one) {
    if (ON_WINDOWS) SKIP("nothing is joined here");
    rondel_loop loop = rondel_loop_new();
    struct switcher first = {{0}, 1}, last = {{0}, 6};
    struct net_op ops[4];
    uint8_t bytes[950], rooms[4][200];
    memset(ops, 0, sizeof ops);
    net_fill(bytes, sizeof bytes, 0);
    rondel_udp udp = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    int plain = udp_plain("127.0.0.1", 0), port = udp_port_of(udp);
    CHECK_EQ(rondel_udp_recv_start(udp, stop_after, &first), 0);
    udp_send_to(plain, "127.0.0.1", port, "x", 1);
    REQUIRE(net_run_until(loop, &first.heard.datagrams, 1));
    send_segments(plain, port, bytes, sizeof bytes, 100);
    for (int i = 0; i < 4; i++) CHECK(rondel_udp_recv(udp, rooms[i], 200, NULL, net_done, &ops[i]) > 0);
    REQUIRE(net_run_until(loop, &ops[3].calls, 1));
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(ops[i].result, 100);
        CHECK(net_matches(rooms[i], 100, (uint64_t)i * 100));
    }
    /* The other six come to the next who asks, whole and once. */
    CHECK_EQ(rondel_udp_recv_start(udp, stop_after, &last), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(last.heard.datagrams, 6);
    CHECK_EQ(last.heard.bytes, 550);
    CHECK_EQ(last.heard.last.length, 50);
    CHECK(net_matches(last.heard.last_bytes, 50, 900));
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(plain);
}

struct starter {
    struct net_op op;
    struct udp_heard heard;
    rondel_udp udp;
};

static void start_after_one(rondel_handle source, int64_t result, void *user_data) {
    struct starter *starter = user_data;
    net_done(source, result, &starter->op);
    CHECK_EQ(starter->heard.calls, 0);
}

TEST(what_comes_after_a_receive_is_not_told_before_it) {
    rondel_loop loop = rondel_loop_new();
    struct starter starter;
    char room[8];
    memset(&starter, 0, sizeof starter);
    rondel_udp udp = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    int plain = udp_plain("127.0.0.1", 0), port = udp_port_of(udp);
    CHECK(rondel_udp_recv(udp, room, 8, NULL, start_after_one, &starter) > 0);
    udp_send_to(plain, "127.0.0.1", port, "1", 1);
    udp_send_to(plain, "127.0.0.1", port, "2", 1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1); /* the poll takes the first; its callback is still to come */
    if (starter.op.calls == 0) {
        CHECK_EQ(rondel_udp_recv_start(udp, udp_hear, &starter.heard), 0);
        REQUIRE(net_run_until(loop, &starter.heard.datagrams, 1));
    }
    CHECK_EQ(starter.op.calls, 1);
    CHECK_EQ(room[0], '1');
    CHECK_EQ(starter.heard.last_bytes[0], '2');
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(plain);
}

/* Whether the loop has the system watch a descriptor. */
static int is_watched(rondel_loop loop, rondel_handle handle) {
    char path[64], line[256];
    int number, found = 0;
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", (int)rondel_backend_fd(loop));
    FILE *file = fopen(path, "r");
    if (!file) return -1;
    while (fgets(line, sizeof line, file))
        found |= sscanf(line, "tfd: %d", &number) == 1 && number == rondel_fileno(handle);
    fclose(file);
    return found;
}

struct again {
    struct net_op op;
    rondel_udp udp;
    int64_t left;
    char room[8];
};

static void receive_again(rondel_handle source, int64_t result, void *user_data) {
    struct again *again = user_data;
    net_done(source, result, &again->op);
    CHECK_EQ(is_watched(rondel_loop_of(again->udp), again->udp), 1);
    if (--again->left > 0) CHECK(rondel_udp_recv(again->udp, again->room, 8, NULL, receive_again, again) > 0);
}

TEST(a_socket_is_watched_from_one_receive_to_the_next) {
    if (ON_WINDOWS || access("/proc/self/fdinfo", R_OK) < 0) SKIP("the system does not tell what is watched");
    rondel_loop loop = rondel_loop_new();
    struct again again = {{0}, rondel_udp_bind(loop, "127.0.0.1", 0, 0), 5, ""};
    int plain = udp_plain("127.0.0.1", 0), port = udp_port_of(again.udp);
    CHECK(rondel_udp_recv(again.udp, again.room, 8, NULL, receive_again, &again) > 0);
    CHECK_EQ(is_watched(loop, again.udp), 1);
    for (int i = 1; i <= 5; i++) {
        udp_send_to(plain, "127.0.0.1", port, "x", 1);
        CHECK(net_run_until(loop, &again.op.calls, i));
    }
    /* Nobody receives any more: what comes is the last that is heard of it. */
    udp_send_to(plain, "127.0.0.1", port, "x", 1);
    net_settle(loop);
    CHECK_EQ(is_watched(loop, again.udp), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(plain);
}

TEST(receives_refuse_bad_input) {
    rondel_loop loop = rondel_loop_new();
    char room[8];
    rondel_udp udp = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    int64_t handles = rondel_metric(loop, RONDEL_METRIC_HANDLES);
    CHECK_EQ(rondel_udp_recv(udp, NULL, 8, NULL, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_udp_recv(udp, room, 0, NULL, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_udp_recv(udp, room, (size_t)-1, NULL, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_udp_recv_start(udp, NULL, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_udp_recv_start(udp, (rondel_datagram_fn)(void (*)(void))rondel_enqueue, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_udp_recv_start(udp, (rondel_datagram_fn)(void (*)(void))rondel_keep, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_udp_recv_start(udp, udp_never, NULL), 0);
    CHECK_EQ(rondel_udp_recv_start(udp, udp_never, NULL), RONDEL_EBUSY);
    CHECK_EQ(rondel_udp_recv(udp, room, 8, NULL, net_never, NULL), RONDEL_EBUSY);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), handles);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* ---- a resolver's life in straight lines */

struct asker {
    rondel_loop loop;
    int port;
    int64_t answers;
};

static int64_t server_task(void *arg) {
    struct asker *asker = arg;
    rondel_udp udp = rondel_udp_bind(asker->loop, "127.0.0.1", 0, 0);
    char room[512];
    rondel_local_addr(udp, NULL, 0, &asker->port);
    for (;;) {
        rondel_datagram from;
        int64_t n = rondel_await(rondel_udp_recv(udp, room, sizeof room, &from, RONDEL_FUTURE));
        if (n < 0) return rondel_close(udp), n;
        if (n > 1) rondel_udp_send(udp, room, (size_t)n, &from.peer, NULL, NULL); /* the others are lost on the way */
    }
}

static int64_t client_task(void *arg) {
    struct asker *asker = arg;
    rondel_udp udp = rondel_await(rondel_udp_connect(asker->loop, "127.0.0.1", asker->port, RONDEL_FUTURE));
    char room[512];
    for (int i = 0; i < 20; i++) {
        size_t length = i % 4 ? 10 : 1;
        rondel_await(rondel_udp_send(udp, "0123456789", length, NULL, RONDEL_FUTURE));
        rondel_future answer = rondel_udp_recv(udp, room, sizeof room, NULL, RONDEL_FUTURE);
        int64_t n = rondel_await(rondel_timeout(answer, i % 4 ? 20 * RONDEL_SECOND : RONDEL_MS));
        CHECK_EQ(n, i % 4 ? 10 : RONDEL_ETIMEDOUT);
        if (n > 0) asker->answers++;
    }
    return rondel_close(udp);
}

TEST(tasks_ask_and_answer_and_give_up_on_what_is_lost) {
    rondel_loop loop = rondel_loop_new();
    struct asker asker = {loop, 0, 0};
    rondel_future server = rondel_task_spawn(loop, server_task, &asker);
    while (asker.port == 0) REQUIRE_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
    rondel_future clients[10];
    for (int i = 0; i < 10; i++) clients[i] = rondel_task_spawn(loop, client_task, &asker);
    CHECK_EQ(rondel_run_until(loop, rondel_gather(clients, 10, NULL, RONDEL_FUTURE)), 0);
    CHECK_EQ(asker.answers, 150);
    CHECK_EQ(rondel_cancel(server), 0);
    CHECK_EQ(rondel_run_until(loop, server), RONDEL_ECANCELED);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST_MAIN(RUN(one_datagram_is_received_with_all_that_is_known_of_it),
          RUN(several_receives_wait_and_are_served_in_order),
          RUN(a_datagram_that_does_not_fit_is_never_cut_silently),
          RUN(a_cancelled_or_late_receive_leaves_the_datagram_to_the_next),
          RUN(datagrams_that_came_joined_are_given_out_one_by_one),
          RUN(what_comes_after_a_receive_is_not_told_before_it),
          RUN(a_socket_is_watched_from_one_receive_to_the_next), RUN(receives_refuse_bad_input),
          RUN(tasks_ask_and_answer_and_give_up_on_what_is_lost))
