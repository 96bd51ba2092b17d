/* SPDX-License-Identifier: MIT OR Apache-2.0
 * How the sending of a file ends before its time: cancelled, closed, given up by the peer. */
#include "support/test.h"

#include "support/child.h"
#include "support/net.h"
#include "support/send_file.h"

TEST(the_file_may_be_closed_at_once) {
    struct sending s;
    struct net_op op = {0}, closed = {0};
    REQUIRE(sending_begin(&s, SIZE));
    size_t filled = fill_up(&s);
    CHECK(rondel_send_file(s.stream, s.file, 0, SIZE, net_done, &op) > 0);
    CHECK(rondel_file_close(s.file, net_done, &closed) > 0);
    CHECK(net_run_until(s.loop, &closed.calls, 1));
    drain_fill(&s, filled);
    CHECK_EQ(net_drain(s.loop, s.peer, SIZE, 0), SIZE);
    CHECK(net_run_until(s.loop, &op.calls, 1));
    CHECK_EQ(op.result, SIZE);
    sending_end(&s);
}

TEST(one_that_is_cancelled_before_it_has_begun_is_not_sent) {
    struct sending s;
    struct net_op first = {0}, second = {0}, third = {0};
    REQUIRE(sending_begin(&s, SIZE));
    size_t filled = fill_up(&s);
    rondel_future begun = rondel_send_file(s.stream, s.file, 0, 100, net_done, &first);
    rondel_future future = rondel_send_file(s.stream, s.file, 0, SIZE, net_done, &second);
    CHECK(rondel_send_file(s.stream, s.file, 500, 100, net_done, &third) > 0);
    const int64_t waiting = rondel_write_queue_size(s.stream);
    CHECK(waiting > SIZE + 200);
    CHECK_EQ(rondel_cancel(future), 0);
    CHECK_EQ(rondel_write_queue_size(s.stream), waiting - SIZE);
    drain_fill(&s, filled);
    CHECK_EQ(net_drain(s.loop, s.peer, 100, 0), 100);
    CHECK_EQ(net_drain(s.loop, s.peer, 100, 500), 100);
    CHECK(net_run_until(s.loop, &third.calls, 1));
    CHECK_EQ(second.result, RONDEL_ECANCELED);
    CHECK_EQ(first.result, 100);
    CHECK_EQ(rondel_kind(begun), RONDEL_EGONE);
    sending_end(&s);
}

TEST(one_that_is_cancelled_after_it_has_begun_is_sent_whole) {
    struct sending s;
    struct net_op op = {0}, after = {0};
    const int64_t size = 4 << 20;
    REQUIRE(sending_begin(&s, (size_t)size));
    net_shrink((int)rondel_fileno(s.stream)), net_shrink(s.peer);
    rondel_future future = rondel_send_file(s.stream, s.file, 0, size, net_done, &op);
    while (rondel_write_queue_size(s.stream) == size) rondel_run(s.loop, RONDEL_RUN_NOWAIT);
    CHECK_EQ(rondel_timeout(future, 0), future);
    CHECK(net_run_until(s.loop, &op.calls, 1));
    CHECK_EQ(op.result, RONDEL_ETIMEDOUT);
    CHECK(rondel_write(s.stream, "after", 5, net_done, &after) > 0);
    CHECK_EQ(net_drain(s.loop, s.peer, (size_t)size, 0), (size_t)size);
    check_text(&s, "after");
    CHECK(net_run_until(s.loop, &after.calls, 1));
    sending_end(&s);
}

static int send_to_the_dead(void *arg) {
    int how = *(int *)arg;
    struct sending s;
    struct net_op op = {0}, after = {0};
    signal(SIGPIPE, SIG_DFL);
    if (!sending_begin(&s, 4 << 20)) return 1;
    if (how == 0) net_reset(s.peer);
    else close(s.peer);
    s.peer = -1;
    for (int i = 0; i < 3 && op.result >= 0; i++) {
        op.calls = 0;
        CHECK(rondel_send_file(s.stream, s.file, 0, INT64_MAX, net_done, &op) > 0);
        CHECK(net_run_until(s.loop, &op.calls, 1));
    }
    CHECK(op.result == RONDEL_EPIPE || op.result == RONDEL_ECONNRESET);
    CHECK(rondel_send_file(s.stream, s.file, 0, 1, net_done, &after) < 0);
    CHECK_EQ(after.calls, 0);
    sending_end(&s);
    return 0;
}

TEST(a_peer_that_dies_is_an_error_and_no_signal) {
    for (int how = 0; how < 2; how++) {
        struct child child;
        child_start(&child, send_to_the_dead, &how);
        child_ends_with(&child, 0);
    }
}

TEST(the_end_of_stream_or_loop_cancels_it) {
    for (int how = 0; how < 2; how++) {
        struct sending s;
        struct net_op ops[2] = {{0}};
        REQUIRE(sending_begin(&s, 4 << 20));
        fill_up(&s);
        CHECK(rondel_send_file(s.stream, s.file, 0, INT64_MAX, net_done, &ops[0]) > 0);
        CHECK(rondel_send_file(s.stream, s.file, 5, 5, net_done, &ops[1]) > 0);
        if (how) {
            CHECK_EQ(rondel_close(s.stream), 0);
            CHECK(net_run_until(s.loop, &ops[1].calls, 1));
        }
        sending_end(&s);
        for (int i = 0; i < 2; i++) {
            CHECK_EQ(ops[i].calls, 1);
            CHECK_EQ(ops[i].result, RONDEL_ECANCELED);
        }
    }
}

TEST(a_shutdown_and_a_close_when_sent_wait_for_it) {
    for (int how = 0; how < 2; how++) {
        struct sending s;
        struct net_op op = {0};
        uint8_t byte;
        REQUIRE(sending_begin(&s, SIZE));
        CHECK(rondel_send_file(s.stream, s.file, 0, INT64_MAX, net_done, &op) > 0);
        if (how) CHECK(rondel_shutdown(s.stream, NULL, NULL) > 0);
        else CHECK_EQ(rondel_close_when_sent(s.stream), 0);
        CHECK_EQ(net_drain(s.loop, s.peer, SIZE, 0), SIZE);
        CHECK(net_run_until(s.loop, &op.calls, 1));
        CHECK_EQ(op.result, SIZE);
        CHECK_EQ(net_receive(s.peer, &byte, 1), 0);
        sending_end(&s);
    }
}

TEST_MAIN(RUN(the_file_may_be_closed_at_once), RUN(one_that_is_cancelled_before_it_has_begun_is_not_sent),
          RUN(one_that_is_cancelled_after_it_has_begun_is_sent_whole), RUN(a_peer_that_dies_is_an_error_and_no_signal),
          RUN(the_end_of_stream_or_loop_cancels_it), RUN(a_shutdown_and_a_close_when_sent_wait_for_it))
