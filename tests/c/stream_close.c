/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * How streams end: closing, resetting, half-closing, freeing the loop. Whatever was pending completes exactly once, and
 * the close notice comes last.
 */
#include "support/net.h"

/* One stream with one of every operation pending. */
enum { READ, WRITE, BORROWED, VECTOR, EMPTY, SHUTDOWN, OPS };

struct busy {
    struct net_op ops[OPS], closed[2];
    rondel_stream stream;
    int peer;
    char room[16];
    uint8_t *borrowed;
};

enum { LARGE = 8 << 20 };

static void make_busy(struct busy *busy, rondel_loop loop, int form) {
    memset(busy, 0, sizeof *busy);
    busy->stream = net_stream(loop, &busy->peer);
    net_shrink(busy->peer);
    rondel_stream stream = busy->stream;
    uint8_t *large = calloc(1, LARGE);
    busy->borrowed = calloc(1, LARGE);
    rondel_buffer parts[2] = {{large, 1000}, {large, 50}};
    struct net_op *read = &busy->ops[READ];
    if (form == 0) CHECK(NET_START(rondel_read(stream, busy->room, 16, net_done, read)) > 0);
    if (form == 1) CHECK(NET_START(rondel_read_exactly(stream, busy->room, 16, net_done, read)) > 0);
    if (form == 2) CHECK(NET_START(rondel_read_until(stream, busy->room, 16, "\n", 1, net_done, read)) > 0);
    CHECK(NET_START(rondel_write(stream, large, LARGE, net_done, &busy->ops[WRITE])) > 0);
    CHECK(NET_START(rondel_write_borrowed(stream, busy->borrowed, LARGE, net_done, &busy->ops[BORROWED])) > 0);
    CHECK(NET_START(rondel_writev(stream, parts, 2, net_done, &busy->ops[VECTOR])) > 0);
    CHECK(NET_START(rondel_write(stream, NULL, 0, net_done, &busy->ops[EMPTY])) > 0);
    CHECK(NET_START(rondel_shutdown(stream, net_done, &busy->ops[SHUTDOWN])) > 0);
    for (int i = 0; i < 2; i++) CHECK_EQ(rondel_on_close(stream, net_done, &busy->closed[i]), 0);
    free(large);
    net_settle(loop);
    for (int i = 0; i < OPS; i++) CHECK_EQ(busy->ops[i].calls, 0);
    CHECK_EQ(rondel_is_active(stream), 1);
}

/* All ended once, the writes in their order, the notices last and in the order they were asked for. */
static void check_ended(struct busy *busy, int64_t code) {
    for (int i = 0; i < OPS; i++) {
        CHECK_EQ(busy->ops[i].calls, 1);
        CHECK_EQ(busy->ops[i].result, code);
        CHECK(busy->closed[0].order > busy->ops[i].order);
        if (i > WRITE) CHECK(busy->ops[i].order > busy->ops[i - 1].order);
    }
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(busy->closed[i].calls, 1);
        CHECK_EQ(busy->closed[i].result, 0);
        CHECK_EQ(busy->closed[i].source, busy->stream);
    }
    CHECK(busy->closed[1].order > busy->closed[0].order);
    free(busy->borrowed);
    close(busy->peer);
}

static void never_read(rondel_stream stream, const uint8_t *bytes, int64_t n, void *user_data) {
    (void)bytes;
    net_never(stream, n, user_data);
}

TEST(close_cancels_everything_then_gives_the_notices) {
    rondel_loop loop = rondel_loop_new();
    for (int form = 0; form < 3; form++) {
        struct busy busy;
        make_busy(&busy, loop, form);
        CHECK_EQ(NET_START(rondel_close(busy.stream)), 0);
        CHECK_EQ(rondel_is_closing(busy.stream), 1);
        CHECK_EQ(rondel_kind(busy.stream), net_is_local() ? RONDEL_KIND_PIPE : RONDEL_KIND_TCP);
        CHECK_EQ(rondel_loop_of(busy.stream), loop);
        CHECK_EQ(rondel_close(busy.stream), RONDEL_EGONE);
        CHECK_EQ(rondel_read_start(busy.stream, never_read, NULL), RONDEL_EGONE);
        CHECK_EQ(rondel_write(busy.stream, "x", 1, net_never, NULL), RONDEL_EGONE);
        CHECK_EQ(rondel_shutdown(busy.stream, net_never, NULL), RONDEL_EGONE);
        CHECK_EQ(rondel_write_queue_size(busy.stream), RONDEL_EGONE);
        CHECK_EQ(rondel_fileno(busy.stream), RONDEL_EGONE);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_EQ(rondel_is_closing(busy.stream), RONDEL_EGONE);
        check_ended(&busy, RONDEL_ECANCELED);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(loop_free_cancels_everything_then_gives_the_notices) {
    for (int form = 0; form < 3; form++) {
        rondel_loop loop = rondel_loop_new();
        struct busy busy[3];
        for (int i = 0; i < 3; i++) make_busy(&busy[i], loop, form);
        CHECK_EQ(rondel_loop_free(loop), 0);
        for (int i = 0; i < 3; i++) {
            CHECK_EQ(rondel_kind(busy[i].stream), RONDEL_EGONE);
            check_ended(&busy[i], RONDEL_ECANCELED);
        }
    }
}

TEST(reset_cancels_everything_and_the_peer_sees_econnreset) {
    if (net_is_local()) SKIP("local sockets know no reset");
    if (ON_WINE) SKIP("wine ends a connection in order before it resets it");
    rondel_loop loop = rondel_loop_new();
    struct busy busy;
    char room[4096];
    ssize_t n;
    make_busy(&busy, loop, 0);
    CHECK_EQ(NET_START(rondel_tcp_reset(busy.stream)), 0);
    CHECK_EQ(rondel_tcp_reset(busy.stream), RONDEL_EGONE);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    do n = recv(busy.peer, room, sizeof room, 0);
    while (n > 0);
    CHECK_EQ(n, -1);
    CHECK_EQ(errno, ECONNRESET);
    check_ended(&busy, RONDEL_ECANCELED);
    int idle_peer;
    rondel_tcp idle = net_stream(loop, &idle_peer);
    CHECK_EQ(rondel_tcp_reset(idle), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(recv(idle_peer, room, 1, 0), -1);
    CHECK_EQ(errno, ECONNRESET);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(idle_peer);
}

TEST(each_pending_operation_can_be_cancelled_or_time_out) {
    rondel_loop loop = rondel_loop_new();
    for (int how = 0; how < 2; how++) {
        struct net_op ops[3];
        rondel_future futures[3];
        char room[8];
        uint8_t *large = calloc(1, LARGE);
        int peer;
        rondel_tcp stream = net_stream(loop, &peer);
        net_shrink(peer);
        memset(ops, 0, sizeof ops);
        futures[0] = rondel_read(stream, room, 8, net_done, &ops[0]);
        futures[1] = rondel_write(stream, large, LARGE, net_done, &ops[1]);
        futures[2] = rondel_shutdown(stream, net_done, &ops[2]);
        net_settle(loop);
        for (int i = 0; i < 3; i++) {
            if (how) CHECK_EQ(NET_START(rondel_timeout(futures[i], RONDEL_MS)), futures[i]);
            else CHECK_EQ(NET_START(rondel_cancel(futures[i])), 0);
            REQUIRE(net_run_until(loop, &ops[i].calls, 1));
            CHECK_EQ(ops[i].result, how ? RONDEL_ETIMEDOUT : RONDEL_ECANCELED);
            CHECK_EQ(rondel_cancel(futures[i]), RONDEL_EGONE);
        }
        CHECK_EQ(rondel_close(stream), 0);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        for (int i = 0; i < 3; i++) CHECK_EQ(ops[i].calls, 1);
        free(large);
        close(peer);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* ---- close once everything has left */

TEST(close_when_sent_sends_everything_then_gives_the_notice) {
    rondel_loop loop = rondel_loop_new();
    for (int form = 0; form < 2; form++) {
        struct net_op wrote = {0}, read = {0}, closed = {0};
        uint8_t *bytes = malloc(LARGE), room[8];
        int peer;
        rondel_tcp stream = net_stream(loop, &peer);
        net_shrink(peer);
        net_fill(bytes, LARGE, 0);
        CHECK_EQ(rondel_on_close(stream, net_done, &closed), 0);
        if (form == 0) CHECK(rondel_read(stream, room, 8, net_done, &read) > 0);
        else CHECK_EQ(rondel_read_start(stream, never_read, NULL), 0);
        CHECK(rondel_write(stream, bytes, LARGE, net_done, &wrote) > 0);
        CHECK_EQ(NET_START(rondel_close_when_sent(stream)), 0);
        CHECK_EQ(rondel_is_closing(stream), 0);
        CHECK_EQ(rondel_write(stream, "x", 1, net_never, NULL), RONDEL_EPIPE);
        CHECK_EQ(rondel_try_write(stream, "x", 1), RONDEL_EPIPE);
        CHECK_EQ(rondel_shutdown(stream, net_never, NULL), RONDEL_EPIPE);
        net_settle(loop);
        CHECK_EQ(read.calls, form == 0);
        if (form == 0) CHECK_EQ(read.result, RONDEL_ECANCELED);
        CHECK_EQ(closed.calls, 0);
        CHECK_EQ(rondel_alive(loop), 1);
        CHECK_EQ(net_drain(loop, peer, LARGE, 0), LARGE);
        REQUIRE(net_run_until(loop, &closed.calls, 1));
        CHECK_EQ(wrote.calls, 1);
        CHECK_EQ(wrote.result, LARGE);
        CHECK(closed.order > wrote.order);
        CHECK_EQ(net_receive(peer, room, 1), 0);
        CHECK_EQ(rondel_close_when_sent(stream), RONDEL_EGONE);
        free(bytes);
        close(peer);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(close_when_sent_of_a_stream_with_nothing_to_send_closes_it) {
    rondel_loop loop = rondel_loop_new();
    struct net_op closed = {0};
    char byte;
    int peer;
    rondel_tcp stream = net_stream(loop, &peer);
    CHECK_EQ(rondel_on_close(stream, net_done, &closed), 0);
    CHECK_EQ(NET_START(rondel_close_when_sent(stream)), 0);
    CHECK_EQ(rondel_is_closing(stream), 1);
    REQUIRE(net_run_until(loop, &closed.calls, 1));
    CHECK_EQ(net_receive(peer, &byte, 1), 0);
    CHECK_EQ(rondel_close_when_sent(loop), RONDEL_EKIND);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(closed.calls, 1);
    close(peer);
}

/* Whatever keeps the bytes from leaving ends the wait: the peer's reset, a close, a cancel, the loop's end. */
TEST(close_when_sent_ends_when_nothing_will_be_sent_any_more) {
    if (net_is_local()) SKIP("local sockets know no reset");
    rondel_loop loop = rondel_loop_new();
    for (int how = 0; how < 4; how++) {
        struct net_op begun = {0}, waits = {0}, closed = {0};
        uint8_t *bytes = calloc(1, LARGE);
        int peer;
        rondel_tcp stream = net_stream(loop, &peer);
        net_shrink(peer);
        CHECK_EQ(rondel_on_close(stream, net_done, &closed), 0);
        CHECK(rondel_write(stream, bytes, LARGE, net_done, &begun) > 0);
        CHECK(rondel_write_borrowed(stream, bytes, LARGE, net_done, &waits) > 0);
        CHECK_EQ(rondel_close_when_sent(stream), 0);
        net_settle(loop);
        CHECK_EQ(closed.calls, 0);
        if (how == 0) net_reset(peer);
        if (how == 1) CHECK_EQ(rondel_close(stream), 0);
        if (how == 2) CHECK_EQ(rondel_tcp_reset(stream), 0);
        if (how == 3) CHECK_EQ(rondel_loop_free(loop), 0);
        else REQUIRE(net_run_until(loop, &closed.calls, 1));
        CHECK_EQ(closed.calls, 1);
        CHECK_EQ(begun.calls, 1);
        CHECK_EQ(waits.calls, 1);
        CHECK_EQ(begun.result, how == 0 ? RONDEL_ECONNRESET : RONDEL_ECANCELED);
        CHECK_EQ(waits.result, how == 0 ? RONDEL_ECONNRESET : RONDEL_ECANCELED);
        CHECK(closed.order > waits.order && waits.order > begun.order);
        free(bytes);
        if (how != 0) close(peer);
    }
}

struct ending {
    rondel_stream stream, sibling;
    rondel_loop loop;
    struct net_op op;
    int how;
};

static void write_and_end(rondel_handle source, int64_t result, void *user_data) {
    struct ending *ending = user_data;
    (void)source, (void)result;
    CHECK(NET_START(rondel_write(ending->stream, "bye", 3, NULL, NULL)) > 0);
    CHECK(NET_START(rondel_write(ending->stream, "bye", 3, net_done, &ending->op)) > 0);
    if (ending->how == 0) CHECK_EQ(NET_START(rondel_close(ending->stream)), 0);
    if (ending->how == 1) CHECK(NET_START(rondel_shutdown(ending->stream, NULL, NULL)) > 0);
}

TEST(small_data_written_before_close_still_arrives) {
    rondel_loop loop = rondel_loop_new();
    for (int how = 0; how < 3; how++) {
        struct ending ending = {0, 0, loop, {0}, how};
        char room[16] = {0};
        int peer;
        ending.stream = net_stream(loop, &peer);
        CHECK(rondel_call_soon(loop, write_and_end, &ending) > 0);
        REQUIRE(net_run_until(loop, &ending.op.calls, 1));
        CHECK_EQ(ending.op.result, 3); /* the kernel took it: it is not an error */
        if (how == 2) CHECK_EQ(rondel_close(ending.stream), 0);
        net_settle(loop);
        CHECK_EQ(net_receive(peer, room, sizeof room), 6);
        CHECK_STR(room, "byebye");
        if (how == 1) CHECK_EQ(rondel_close(ending.stream), 0);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_EQ(ending.op.calls, 1);
        close(peer);
    }
    /* The same outside a callback, with the loop freed at once. */
    struct ending last = {0, 0, loop, {0}, 2};
    char room[16] = {0};
    int peer;
    last.stream = net_stream(loop, &peer);
    write_and_end(loop, 0, &last);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(last.op.calls, 1);
    CHECK_EQ(last.op.result, 3);
    CHECK_EQ(net_receive(peer, room, sizeof room), 6);
    close(peer);
}

TEST(shutdown_waits_for_the_queue_and_leaves_the_other_way_open) {
    rondel_loop loop = rondel_loop_new();
    struct net_op wrote = {0}, shut = {0}, read = {0};
    const size_t total = 1 << 20;
    uint8_t *bytes = malloc(total), room[8];
    int peer;
    rondel_tcp stream = net_stream(loop, &peer);
    net_shrink(peer);
    net_fill(bytes, total, 0);
    CHECK(rondel_write(stream, bytes, total, net_done, &wrote) > 0);
    rondel_future future = NET_START(rondel_shutdown(stream, net_done, &shut));
    CHECK_EQ(rondel_future_origin(future), stream);
    CHECK_EQ(rondel_write(stream, "x", 1, net_never, NULL), RONDEL_EPIPE);
    CHECK_EQ(rondel_try_write(stream, "x", 1), RONDEL_EPIPE);
    CHECK_EQ(rondel_write_borrowed(stream, "x", 1, net_never, NULL), RONDEL_EPIPE);
    CHECK_EQ(net_drain(loop, peer, total, 0), total);
    REQUIRE(net_run_until(loop, &shut.calls, 1));
    CHECK_EQ(wrote.result, total);
    CHECK_EQ(shut.result, 0);
    CHECK(shut.order > wrote.order);
    CHECK_EQ(net_receive(peer, room, 1), 0); /* the end */
    for (int i = 0; i < 3; i++) {
        struct net_op op = {0};
        CHECK(net_send_text(peer, "still"));
        CHECK(NET_START(rondel_read_exactly(stream, room, 5, net_done, &op)) > 0);
        REQUIRE(net_run_until(loop, &op.calls, 1));
        CHECK_EQ(op.result, 5);
    }
    close(peer);
    CHECK(rondel_read(stream, room, 8, net_done, &read) > 0);
    REQUIRE(net_run_until(loop, &read.calls, 1));
    CHECK_EQ(read.result, RONDEL_EOF);
    CHECK_EQ(rondel_shutdown(stream, net_never, NULL), RONDEL_EPIPE);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(wrote.calls + shut.calls + read.calls, 3);
    free(bytes);
}

TEST(after_the_peers_half_close_writing_goes_on) {
    rondel_loop loop = rondel_loop_new();
    struct net_op read = {0};
    const size_t total = 1 << 20;
    uint8_t room[8], *bytes = malloc(total);
    int peer;
    rondel_tcp stream = net_stream(loop, &peer);
    net_fill(bytes, total, 0);
    CHECK(net_send_text(peer, "question"));
    shutdown(peer, SHUT_WR);
    for (int i = 0; i < 2; i++) {
        read.calls = 0;
        CHECK(rondel_read(stream, room, 8, net_done, &read) > 0);
        REQUIRE(net_run_until(loop, &read.calls, 1));
        CHECK_EQ(read.result, i == 0 ? 8 : RONDEL_EOF);
    }
    for (size_t at = 0; at < total; at += total / 8) {
        CHECK(NET_START(rondel_write(stream, bytes + at, total / 8, NULL, NULL)) > 0);
        CHECK_EQ(net_drain(loop, peer, total / 8, at), total / 8);
    }
    CHECK_EQ(rondel_close(stream), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(net_receive(peer, room, 1), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    free(bytes);
    close(peer);
}

/* In the callback of a cancelled operation the stream is closing: nothing new starts on it, everything else works. */
static void start_more(rondel_handle source, int64_t result, void *user_data) {
    struct ending *ending = user_data;
    net_done(source, result, &ending->op);
    CHECK_EQ(result, RONDEL_ECANCELED);
    CHECK_EQ(rondel_is_closing(ending->stream), 1);
    CHECK_EQ(rondel_write(ending->stream, "x", 1, net_never, NULL), RONDEL_EGONE);
    CHECK_EQ(rondel_close(ending->stream), RONDEL_EGONE);
    if (ending->sibling) CHECK_EQ(rondel_close(ending->sibling), 0);
    CHECK_EQ(rondel_stop(ending->loop), 0);
}

TEST(a_cancelled_callback_may_close_the_sibling_and_stop) {
    rondel_loop loop = rondel_loop_new();
    struct ending endings[2];
    struct net_op closed[2];
    rondel_tcp ends[2];
    char room[8];
    memset(endings, 0, sizeof endings);
    memset(closed, 0, sizeof closed);
    REQUIRE(net_streams(loop, ends));
    for (int i = 0; i < 2; i++) {
        endings[i].stream = ends[i];
        endings[i].loop = loop;
        CHECK_EQ(rondel_on_close(ends[i], net_done, &closed[i]), 0);
        CHECK(rondel_read(ends[i], room, 8, start_more, &endings[i]) > 0);
    }
    endings[0].sibling = ends[1];
    CHECK_EQ(NET_START(rondel_close(ends[0])), 0);
    for (int runs = 0; closed[1].calls == 0 && runs < 4; runs++) CHECK(rondel_run(loop, RONDEL_RUN_DEFAULT) >= 0);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(endings[i].op.calls, 1);
        CHECK_EQ(closed[i].calls, 1);
        CHECK(closed[i].order > endings[i].op.order);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void close_stream_in_turn(rondel_handle source, int64_t result, void *user_data) {
    struct ending *ending = user_data;
    net_done(source, result, &ending->op);
    CHECK_EQ(rondel_close(ending->stream), 0);
}

TEST(a_write_callback_may_close_its_stream) {
    rondel_loop loop = rondel_loop_new();
    struct ending ending = {0, 0, loop, {0}, 0};
    struct net_op more[3], closed = {0};
    uint8_t *large = calloc(1, LARGE);
    int peer;
    memset(more, 0, sizeof more);
    ending.stream = net_stream(loop, &peer);
    CHECK_EQ(rondel_on_close(ending.stream, net_done, &closed), 0);
    CHECK(rondel_write(ending.stream, "x", 1, close_stream_in_turn, &ending) > 0);
    for (int i = 0; i < 3; i++) CHECK(rondel_write(ending.stream, large, LARGE, net_done, &more[i]) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(ending.op.calls, 1);
    CHECK_EQ(ending.op.result, 1);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(more[i].calls, 1);
        CHECK_EQ(more[i].result, RONDEL_ECANCELED);
        CHECK(closed.order > more[i].order);
    }
    CHECK_EQ(closed.calls, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    free(large);
    close(peer);
}

TEST(a_notice_may_start_anew) {
    rondel_loop loop = rondel_loop_new();
    struct ending ending = {0, 0, loop, {0}, 0};
    struct net_op closed = {0};
    int peers[2];
    rondel_tcp first = net_stream(loop, &peers[0]);
    ending.stream = net_stream(loop, &peers[1]);
    CHECK_EQ(rondel_on_close(first, close_stream_in_turn, &ending), 0);
    CHECK_EQ(rondel_on_close(ending.stream, net_done, &closed), 0);
    CHECK_EQ(rondel_close(first), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(ending.op.calls, 1);
    CHECK_EQ(closed.calls, 1);
    CHECK_EQ(rondel_on_close(first, net_done, &closed), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(peers[0]), close(peers[1]);
}

TEST_MAIN(RUN(close_cancels_everything_then_gives_the_notices), RUN(loop_free_cancels_everything_then_gives_the_notices),
          RUN(reset_cancels_everything_and_the_peer_sees_econnreset),
          RUN(each_pending_operation_can_be_cancelled_or_time_out),
          RUN(close_when_sent_sends_everything_then_gives_the_notice),
          RUN(close_when_sent_of_a_stream_with_nothing_to_send_closes_it),
          RUN(close_when_sent_ends_when_nothing_will_be_sent_any_more),
          RUN(small_data_written_before_close_still_arrives),
          RUN(shutdown_waits_for_the_queue_and_leaves_the_other_way_open),
          RUN(after_the_peers_half_close_writing_goes_on), RUN(a_cancelled_callback_may_close_the_sibling_and_stop),
          RUN(a_write_callback_may_close_its_stream), RUN(a_notice_may_start_anew))
