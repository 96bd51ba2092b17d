/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Many writes, cancelled while they wait: what it costs, and what is left.
 */
#include "support/local.h"
#include "support/turns.h"

enum { LARGE = 60000, MANY = 20000 };

TEST(writes_cancelled_from_between_others_take_no_memory) {
    rondel_loop loop = rondel_loop_new();
    int peer = -1;
    rondel_pipe stream = local_stream(loop, &peer);
    static char large[LARGE];
    static rondel_future writes[MANY];
    struct net_outcome outcome = {0, 0, 0};
    int64_t n = test_scale(MANY, 1000), before, filler = 0;
    memset(large, '-', sizeof large);
    while (rondel_write_queue_size(stream) < LARGE) {
        CHECK(rondel_write(stream, large, LARGE, NULL, NULL) > 0);
        filler += LARGE;
    }
    for (int64_t i = 0; i < n; i++) {
        char byte = (char)('a' + i % 26);
        writes[i] = rondel_write(stream, &byte, 1, net_count_outcome, &outcome);
        if (writes[i] < 0) CHECK_EQ(writes[i], 0);
    }
    before = resident_memory();
    /* Every second one in order, and every fourth in none. */
    for (int64_t i = 1; i < n; i += 2) CHECK_EQ(rondel_cancel(writes[i]), 0);
    for (int64_t i = 0; i < n / 4; i++) CHECK_EQ(rondel_cancel(writes[4 * (i * 1009 % (n / 4))]), 0);
    if (!test_small()) CHECK(resident_memory() - before < 16 * 1024);

    /* The rest arrives in order. */
    for (int64_t at = 0, i = 2; at < filler + n / 4;) {
        static char room[65536];
        ssize_t count = recv(peer, room, sizeof room, MSG_DONTWAIT);
        for (ssize_t k = 0; k < count; k++, at++) {
            if (room[k] != (at < filler ? '-' : (char)('a' + i % 26))) CHECK_EQ(at, -1);
            if (at >= filler) i += 4;
        }
        if (count <= 0) CHECK(rondel_run(loop, RONDEL_RUN_NOWAIT) >= 0);
    }
    turns(loop);
    CHECK_EQ(rondel_write_queue_size(stream), 0);
    CHECK_EQ(outcome.succeeded, n / 4);
    CHECK_EQ(outcome.cancelled, n - n / 4);
    CHECK_EQ(outcome.others, 0);
    close(peer);
    local_end(loop);
}

TEST_MAIN(RUN(writes_cancelled_from_between_others_take_no_memory))
