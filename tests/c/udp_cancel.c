/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Cancelling datagrams that wait, and receives: whichever, however many, and at no cost that grows with how many wait.
 * Where it does grow the tests with many hang.
 */
#include "support/udp_path.h"

/* A socket whose peer is full. */
static rondel_udp blocked_to(rondel_loop loop, rondel_udp *peer) {
    rondel_udp own = rondel_udp_bind_path(loop, at("own"), 0);
    *peer = rondel_udp_bind_path(loop, at("peer"), 0);
    CHECK(own > 0 && *peer > 0);
    CHECK_EQ(rondel_udp_set_peer_path(own, at("peer")), 0);
    while (rondel_udp_send_queue_count(own) == 0) {
        CHECK(rondel_udp_send(own, "fu", 2, NULL, NULL, NULL) > 0);
        net_settle(loop);
    }
    return own;
}

TEST(any_number_of_waiting_sends_is_cancelled_in_any_order) {
    rondel_loop loop = begin();
    rondel_udp peer, own = blocked_to(loop, &peer);
    struct net_outcome outcome = {0, 0, 0};
    int64_t n = test_scale(200000, 2000);
    rondel_future *sends = calloc((size_t)n, sizeof *sends);
    for (int64_t i = 0; i < n; i++) {
        sends[i] = rondel_udp_send(own, "x", 1, NULL, net_count_outcome, &outcome);
        if (sends[i] < 0) CHECK_EQ(sends[i], 0);
    }
    CHECK_EQ(rondel_udp_send_queue_count(own), n + 1);
    int64_t size = rondel_udp_send_queue_size(own);
    for (int64_t i = 0; i < n; i++) {
        if (rondel_cancel(sends[i * 7919 % n])) CHECK(0);
        if (rondel_udp_send_queue_count(own) != n - i || rondel_udp_send_queue_size(own) != --size) CHECK(0);
    }
    net_settle(loop);
    CHECK_EQ(outcome.cancelled, n);
    CHECK_EQ(outcome.succeeded + outcome.others, 0);
    free(sends);
    end(loop);
}

TEST(any_number_of_waiting_receives_is_cancelled_in_any_order) {
    rondel_loop loop = rondel_loop_new();
    rondel_udp own = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    struct net_outcome outcome = {0, 0, 0};
    char room[4];
    int64_t n = test_scale(500000, 2000);
    rondel_future *receives = calloc((size_t)n, sizeof *receives);
    for (int64_t i = 0; i < n; i++) {
        receives[i] = rondel_udp_recv(own, room, sizeof room, NULL, net_count_outcome, &outcome);
        if (receives[i] < 0) CHECK_EQ(receives[i], 0);
    }
    for (int64_t i = 0; i < n; i++)
        if (rondel_cancel(receives[i * 7919 % n])) CHECK(0);
    net_settle(loop);
    CHECK_EQ(outcome.cancelled, n);
    CHECK_EQ(outcome.succeeded + outcome.others, 0);
    CHECK_EQ(rondel_is_active(own), 0);
    free(receives);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* Datagrams with their number in them: those that come, in order. */
struct numbers {
    int64_t count;
    int values[4000];
};

static void hear_numbers(rondel_udp udp, const rondel_datagram *batch, int64_t n, void *user_data) {
    struct numbers *numbers = user_data;
    (void)udp;
    CHECK(n > 0);
    for (int64_t i = 0; i < n; i++) {
        if (batch[i].length < sizeof(int)) continue; /* what made the peer full */
        CHECK(numbers->count < 4000);
        memcpy(&numbers->values[numbers->count++], batch[i].bytes, sizeof(int));
    }
}

TEST(what_was_not_cancelled_leaves_in_order) {
    rondel_loop loop = begin();
    rondel_udp peer, own = blocked_to(loop, &peer);
    struct net_outcome outcome = {0, 0, 0};
    static struct numbers numbers;
    static rondel_future sends[3000];
    static char bytes[500];
    int64_t left = 0;
    memset(&numbers, 0, sizeof numbers);
    for (int i = 0; i < 3000; i++) {
        memcpy(bytes, &i, sizeof i);
        sends[i] = rondel_udp_send(own, bytes, 4 + (size_t)i % 497, NULL, net_count_outcome, &outcome);
        CHECK(sends[i] > 0);
        /* Some of those before, from near and far; again and again all but a few. */
        if (i % 3 == 2) CHECK_EQ(rondel_cancel(sends[i - 1]), 0);
        for (int k = i - 299; i % 300 == 299 && k <= i; k++)
            if (k % 3 != 1 && k % 10) CHECK_EQ(rondel_cancel(sends[k]), 0);
    }
    for (int i = 0; i < 3000; i++) left += i % 3 != 1 && i % 10 == 0;
    CHECK_EQ(rondel_udp_send_queue_count(own), left + 1);
    CHECK_EQ(rondel_udp_recv_start(peer, hear_numbers, &numbers), 0);
    CHECK(net_run_until(loop, &numbers.count, left));
    net_settle(loop);
    CHECK_EQ(numbers.count, left);
    CHECK_EQ(outcome.succeeded, left);
    CHECK_EQ(outcome.cancelled, 3000 - left);
    for (int i = 0, k = 0; i < 3000; i++)
        if (i % 3 != 1 && i % 10 == 0) CHECK_EQ(numbers.values[k++], i);
    CHECK_EQ(rondel_udp_send_queue_size(own), 0);
    end(loop);
}

TEST(a_batch_is_cancelled_whole_also_when_a_part_of_it_has_left) {
    rondel_loop loop = begin();
    static rondel_datagram batch[100];
    static int values[100];
    for (int whole = 0; whole < 2; whole++) {
        static struct numbers numbers;
        struct net_outcome batches[3] = {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}}, last = {0, 0, 0};
        rondel_future futures[3];
        rondel_udp own = rondel_udp_bind_path(loop, at("own"), 0), peer = rondel_udp_bind_path(loop, at("peer"), 0);
        memset(&numbers, 0, sizeof numbers);
        CHECK_EQ(rondel_udp_set_peer_path(own, at("peer")), 0);
        /* The first of three leaves in part. */
        for (int k = 0; k < 3; k++) {
            for (int i = 0; i < 100; i++) {
                values[i] = k * 100 + i;
                batch[i].bytes = (const uint8_t *)&values[i], batch[i].length = sizeof(int);
            }
            futures[k] = rondel_udp_send_batch(own, batch, 100, net_count_outcome, &batches[k]);
            CHECK(futures[k] > 0);
        }
        int64_t waiting = rondel_udp_send_queue_count(own);
        CHECK(waiting > 200 && waiting < 300);
        values[0] = 1000;
        CHECK(rondel_udp_send(own, &values[0], sizeof(int), NULL, net_count_outcome, &last) > 0);
        if (!whole) {
            CHECK_EQ(rondel_cancel(futures[0]), 0);
            CHECK_EQ(rondel_udp_send_queue_count(own), 201);
        }
        CHECK_EQ(rondel_cancel(futures[1]), 0);
        CHECK_EQ(rondel_udp_send_queue_count(own), whole ? waiting - 100 + 1 : 101);
        CHECK_EQ(rondel_udp_recv_start(peer, hear_numbers, &numbers), 0);
        CHECK(net_run_until(loop, &last.succeeded, 1));
        net_settle(loop);
        int64_t first = whole ? 100 : 300 - waiting;
        CHECK_EQ(numbers.count, first + 101);
        for (int i = 0; i < numbers.count; i++)
            CHECK_EQ(numbers.values[i], i < first ? i : i < first + 100 ? 200 + i - first : 1000);
        CHECK_EQ(batches[0].cancelled, !whole);
        CHECK_EQ(batches[1].cancelled, 1);
        CHECK_EQ(batches[2].succeeded, 1);
        CHECK_EQ(rondel_close(own), 0);
        CHECK_EQ(rondel_close(peer), 0);
        net_settle(loop);
    }
    end(loop);
}

TEST(a_receive_that_was_cancelled_takes_no_datagram) {
    rondel_loop loop = begin();
    static rondel_future receives[1000];
    static struct net_op ops[1000];
    static char rooms[1000];
    rondel_udp own = rondel_udp_bind_path(loop, at("own"), 0), peer = rondel_udp_bind_path(loop, NULL, 0);
    memset(ops, 0, sizeof ops);
    for (int i = 0; i < 1000; i++) {
        receives[i] = rondel_udp_recv(own, &rooms[i], 1, NULL, net_done, &ops[i]);
        CHECK(receives[i] > 0);
    }
    for (int i = 0; i < 1000; i++)
        if (i * 377 % 1000 % 4) CHECK_EQ(rondel_cancel(receives[i * 377 % 1000]), 0);
    for (int i = 0; i < 1000; i += 4) {
        char byte = (char)('a' + i / 4 % 26);
        CHECK_EQ(result_of(rondel_udp_send_path(peer, &byte, 1, at("own"), RONDEL_FUTURE)), 1);
        CHECK(net_run_until(loop, &ops[i].calls, 1));
        CHECK_EQ(rooms[i], byte);
    }
    for (int i = 0; i < 1000; i++) CHECK_EQ(ops[i].result, i % 4 ? RONDEL_ECANCELED : 1);
    end(loop);
}

TEST_MAIN(RUN(any_number_of_waiting_sends_is_cancelled_in_any_order),
          RUN(any_number_of_waiting_receives_is_cancelled_in_any_order), RUN(what_was_not_cancelled_leaves_in_order),
          RUN(a_batch_is_cancelled_whole_also_when_a_part_of_it_has_left),
          RUN(a_receive_that_was_cancelled_takes_no_datagram))
