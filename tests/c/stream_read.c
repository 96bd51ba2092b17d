/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Reading: pushed (rondel_read_start, rondel_read_start_into) and one-shot (rondel_read, _exactly, _until), and every
 * change from one to the other.
 */
#include "support/net.h"

#include <sys/ioctl.h>

/* A read_fn that checks the pattern and does something at a chosen call. */
struct reader {
    uint64_t got;
    int64_t calls, ends, end;
    int64_t stop_every;          /* rondel_read_stop at every so many calls; 0: never */
    int64_t stopped;
    rondel_stream close_at_once; /* this stream is closed by the first call */
};

static void read_pattern(rondel_stream stream, const uint8_t *bytes, int64_t n, void *user_data) {
    struct reader *reader = user_data;
    CHECK_EQ(net_starting, 0);
    CHECK_EQ(reader->ends, 0);
    CHECK_EQ(reader->stopped, 0);
    reader->calls++;
    if (n < 0) {
        CHECK(bytes == NULL);
        reader->ends++;
        reader->end = n;
        return;
    }
    CHECK(n > 0);
    CHECK(net_matches(bytes, (size_t)n, reader->got));
    reader->got += (uint64_t)n;
    if (reader->close_at_once) {
        CHECK_EQ(rondel_close(reader->close_at_once), 0);
        reader->stopped = 1;
    } else if (reader->stop_every && reader->calls % reader->stop_every == 0) {
        CHECK_EQ(rondel_read_stop(stream), 0);
        reader->stopped = 1;
    }
}

TEST(everything_comes_in_order_and_the_end_once) {
    rondel_loop loop = rondel_loop_new();
    const size_t total = (size_t)test_scale(20 << 20, 1 << 20);
    struct reader reader = {0};
    int peer;
    rondel_tcp stream = net_stream(loop, &peer);
    CHECK_EQ(NET_START(rondel_read_start(stream, read_pattern, &reader)), 0);
    CHECK_EQ(rondel_is_active(stream), 1);
    CHECK_EQ(net_feed(loop, peer, total, 0), total);
    shutdown(peer, SHUT_WR);
    REQUIRE(net_run_until(loop, &reader.ends, 1));
    CHECK_EQ(reader.got, total);
    CHECK_EQ(reader.end, RONDEL_EOF);
    /* Reading has stopped: nothing keeps the loop alive, and nothing is told twice. */
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_read_stop(stream), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(peer);
}

TEST(the_end_is_told_again_to_whoever_reads_again) {
    rondel_loop loop = rondel_loop_new();
    struct reader first = {0}, second = {0};
    struct net_op one = {0}, exactly = {0}, until = {0};
    char room[8];
    int peer;
    rondel_tcp stream = net_stream(loop, &peer);
    close(peer);
    CHECK_EQ(rondel_read_start(stream, read_pattern, &first), 0);
    REQUIRE(net_run_until(loop, &first.ends, 1));
    CHECK_EQ(NET_START(rondel_read_start(stream, read_pattern, &second)), 0);
    REQUIRE(net_run_until(loop, &second.ends, 1));
    CHECK(NET_START(rondel_read(stream, room, sizeof room, net_done, &one)) > 0);
    REQUIRE(net_run_until(loop, &one.calls, 1));
    CHECK(NET_START(rondel_read_exactly(stream, room, sizeof room, net_done, &exactly)) > 0);
    REQUIRE(net_run_until(loop, &exactly.calls, 1));
    CHECK(NET_START(rondel_read_until(stream, room, sizeof room, "\n", 1, net_done, &until)) > 0);
    REQUIRE(net_run_until(loop, &until.calls, 1));
    CHECK_EQ(one.result, RONDEL_EOF);
    CHECK_EQ(exactly.result, RONDEL_EOF);
    CHECK_EQ(until.result, RONDEL_EOF);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(first.calls + second.calls, 2);
}

TEST(a_reset_is_told_once_as_econnreset) {
    if (net_is_local()) SKIP("local sockets know no reset");
    if (ON_WINE) SKIP("wine ends a connection in order before it resets it");
    rondel_loop loop = rondel_loop_new();
    struct reader reader = {0};
    struct net_op op = {0};
    char room[8];
    int peers[2];
    rondel_tcp pushed = net_stream(loop, &peers[0]), pulled = net_stream(loop, &peers[1]);
    CHECK_EQ(rondel_read_start(pushed, read_pattern, &reader), 0);
    CHECK(rondel_read(pulled, room, sizeof room, net_done, &op) > 0);
    net_reset(peers[0]);
    net_reset(peers[1]);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(reader.ends, 1);
    CHECK_EQ(reader.end, RONDEL_ECONNRESET);
    CHECK_EQ(op.calls, 1);
    CHECK_EQ(op.result, RONDEL_ECONNRESET);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(nothing_is_read_while_nobody_wants_it) {
    rondel_loop loop = rondel_loop_new();
    struct net_op op = {0};
    char room[4];
    int peer, waiting = 0;
    rondel_tcp stream = net_stream(loop, &peer);
    CHECK(net_send_text(peer, "abcdefgh"));
    net_wait_readable((int)rondel_fileno(stream));
    net_settle(loop);
    ioctl((int)rondel_fileno(stream), FIONREAD, &waiting);
    CHECK_EQ(waiting, 8);
    CHECK(NET_START(rondel_read(stream, room, 4, net_done, &op)) > 0);
    REQUIRE(net_run_until(loop, &op.calls, 1));
    net_settle(loop);
    CHECK_EQ(op.result, 4);
    ioctl((int)rondel_fileno(stream), FIONREAD, &waiting);
    CHECK_EQ(waiting, 4);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(peer);
}

TEST(a_read_takes_what_there_is_up_to_its_capacity) {
    rondel_loop loop = rondel_loop_new();
    struct net_op ops[3];
    char room[16];
    int peer;
    rondel_tcp stream = net_stream(loop, &peer);
    memset(ops, 0, sizeof ops);
    memset(room, '?', sizeof room);
    rondel_future future = NET_START(rondel_read(stream, room, 8, net_done, &ops[0]));
    CHECK_EQ(rondel_future_origin(future), stream);
    net_settle(loop);
    CHECK_EQ(ops[0].calls, 0);
    CHECK(net_send_text(peer, "abc"));
    REQUIRE(net_run_until(loop, &ops[0].calls, 1));
    CHECK_EQ(ops[0].result, 3);
    CHECK_EQ(ops[0].source, future);
    CHECK(!memcmp(room, "abc?", 4));
    CHECK(net_send_text(peer, "0123456789"));
    CHECK(NET_START(rondel_read(stream, room, 8, net_done, &ops[1])) > 0);
    REQUIRE(net_run_until(loop, &ops[1].calls, 1));
    CHECK_EQ(ops[1].result, 8);
    CHECK(!memcmp(room, "01234567?", 9));
    CHECK(NET_START(rondel_read(stream, room, 8, net_done, &ops[2])) > 0);
    REQUIRE(net_run_until(loop, &ops[2].calls, 1));
    CHECK_EQ(ops[2].result, 2);
    CHECK(!memcmp(room, "89", 2));
    CHECK_EQ(rondel_loop_free(loop), 0);
    for (int i = 0; i < 3; i++) CHECK_EQ(ops[i].calls, 1);
    close(peer);
}

static uint8_t *no_room(rondel_stream stream, size_t *size, void *user_data) {
    (void)stream, (void)size, (void)user_data;
    return NULL;
}

static uint8_t *lend_never(rondel_stream stream, size_t *size, void *user_data) {
    (void)stream, (void)size, (void)user_data;
    CHECK(!"asked for memory");
    return NULL;
}

TEST(refuses_bad_input_and_changes_nothing) {
    rondel_loop loop = rondel_loop_new();
    struct reader reader = {0};
    struct net_op op = {0};
    char room[64];
    int peer;
    rondel_tcp stream = net_stream(loop, &peer);
    rondel_timer timer = rondel_timer_start(loop, 3600 * RONDEL_SECOND, 0, net_never, NULL);
    int64_t handles = rondel_metric(loop, RONDEL_METRIC_HANDLES);
    CHECK_EQ(rondel_read_start(stream, (rondel_read_fn)(void (*)(void))rondel_enqueue, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_read_start(stream, (rondel_read_fn)(void (*)(void))rondel_keep, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_read_start_into(stream, lend_never, (rondel_read_fn)(void (*)(void))rondel_enqueue, NULL),
             RONDEL_EINVAL);
    CHECK_EQ(rondel_read(stream, NULL, 8, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_read(stream, room, 0, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_read(stream, room, SIZE_MAX, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_read(stream, room, (size_t)INT64_MAX + 1, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_read_exactly(stream, NULL, 8, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_read_exactly(stream, room, SIZE_MAX, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_read_until(stream, NULL, 8, "\n", 1, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_read_until(stream, room, 0, "\n", 1, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_read_until(stream, room, SIZE_MAX, "\n", 1, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_read_until(stream, room, 8, NULL, 1, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_read_until(stream, room, 8, "\n", 0, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_read_until(stream, room, 64, "0123456789abcdefg", 17, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_read_start(stream, NULL, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_read_start_into(stream, NULL, read_pattern, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_read_start_into(stream, no_room, NULL, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_read(timer, room, 8, net_never, NULL), RONDEL_EKIND);
    CHECK_EQ(rondel_read_start(loop, read_pattern, NULL), RONDEL_EKIND);
    CHECK_EQ(rondel_read_start(RONDEL_EMFILE, read_pattern, NULL), RONDEL_EMFILE);
    CHECK_EQ(rondel_read_start(0, read_pattern, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), handles);
    CHECK_EQ(rondel_is_active(stream), 0);
    /* One reader at a time. */
    CHECK(NET_START(rondel_read(stream, room, sizeof room, net_done, &op)) > 0);
    CHECK_EQ(rondel_read(stream, room, sizeof room, net_never, NULL), RONDEL_EBUSY);
    CHECK_EQ(rondel_read_exactly(stream, room, 1, net_never, NULL), RONDEL_EBUSY);
    CHECK_EQ(rondel_read_until(stream, room, 1, "\n", 1, net_never, NULL), RONDEL_EBUSY);
    CHECK_EQ(rondel_read_start(stream, read_pattern, NULL), RONDEL_EBUSY);
    CHECK(net_send_text(peer, "x"));
    REQUIRE(net_run_until(loop, &op.calls, 1));
    CHECK_EQ(op.result, 1);
    CHECK_EQ(rondel_read_start(stream, read_pattern, &reader), 0);
    CHECK_EQ(rondel_read_start(stream, read_pattern, &reader), RONDEL_EBUSY);
    CHECK_EQ(rondel_read(stream, room, sizeof room, net_never, NULL), RONDEL_EBUSY);
    CHECK_EQ(rondel_read_stop(stream), 0);
    CHECK_EQ(rondel_read_stop(stream), 0);
    CHECK_EQ(rondel_close(stream), 0);
    CHECK_EQ(rondel_read(stream, room, sizeof room, net_never, NULL), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(peer);
}

TEST(stopping_in_the_callback_and_starting_later_loses_nothing) {
    rondel_loop loop = rondel_loop_new();
    const size_t total = (size_t)test_scale(8 << 20, 1 << 20);
    struct reader reader = {0};
    int peer;
    rondel_tcp stream = net_stream(loop, &peer);
    size_t sent = 0;
    reader.stop_every = 3;
    CHECK_EQ(rondel_read_start(stream, read_pattern, &reader), 0);
    while (reader.got < total) {
        uint8_t room[50000];
        size_t part = total - sent < sizeof room ? total - sent : sizeof room;
        net_fill(room, part, sent);
        ssize_t n = part ? send(peer, room, part, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
        if (n > 0) sent += (size_t)n;
        rondel_run(loop, RONDEL_RUN_NOWAIT);
        if (reader.stopped) {
            rondel_run(loop, RONDEL_RUN_NOWAIT); /* read_pattern fails the test if it is called while stopped */
            reader.stopped = 0;
            CHECK_EQ(NET_START(rondel_read_start(stream, read_pattern, &reader)), 0);
        }
    }
    CHECK_EQ(reader.got, total);
    CHECK_EQ(reader.ends, 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(peer);
}

TEST(closing_in_the_callback_ends_the_reading_at_once) {
    rondel_loop loop = rondel_loop_new();
    struct reader reader = {0};
    struct net_op closed = {0};
    int peer;
    uint8_t room[60000];
    rondel_tcp stream = net_stream(loop, &peer);
    reader.close_at_once = stream;
    for (uint64_t sent = 0; sent < 400000;) { /* more than one reading takes */
        net_fill(room, sizeof room, sent);
        ssize_t n = send(peer, room, sizeof room, MSG_DONTWAIT);
        if (n <= 0) break;
        sent += (uint64_t)n;
    }
    CHECK_EQ(rondel_on_close(stream, net_done, &closed), 0);
    CHECK_EQ(rondel_read_start(stream, read_pattern, &reader), 0);
    REQUIRE(net_run_until(loop, &closed.calls, 1));
    CHECK_EQ(reader.calls, 1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(reader.calls, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(peer);
}

/* Both are ready in one poll; whichever is told first closes the other, whose event is then stale. */
TEST(a_stream_closed_by_its_sibling_in_the_same_turn_is_not_told) {
    rondel_loop loop = rondel_loop_new();
    for (int round = 0; round < 50; round++) {
        struct reader readers[2];
        struct net_op closed = {0};
        rondel_tcp streams[2];
        int peers[2];
        uint8_t bytes[4];
        memset(readers, 0, sizeof readers);
        net_fill(bytes, sizeof bytes, 0);
        for (int i = 0; i < 2; i++) streams[i] = net_stream(loop, &peers[i]);
        for (int i = 0; i < 2; i++) {
            readers[i].close_at_once = streams[1 - i];
            CHECK_EQ(rondel_on_close(streams[i], net_done, &closed), 0);
            CHECK_EQ(rondel_read_start(streams[i], read_pattern, &readers[i]), 0);
            CHECK(net_send(peers[i], bytes, sizeof bytes));
            net_wait_readable((int)rondel_fileno(streams[i]));
        }
        REQUIRE(net_run_until(loop, &closed.calls, 1));
        net_settle(loop);
        CHECK_EQ(readers[0].calls + readers[1].calls, 1);
        CHECK_EQ(closed.calls, 1);
        /* A new stream may take the closed one's descriptor and slot at once; it gets no one else's event. */
        CHECK_EQ(rondel_close(readers[0].calls ? streams[0] : streams[1]), 0);
        REQUIRE(net_run_until(loop, &closed.calls, 2));
        close(peers[0]), close(peers[1]);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

struct stopping {
    rondel_loop loop;
    rondel_handle listener, sibling; /* closed by the first call */
    struct reader reader;
};

static void read_and_stop_loop(rondel_stream stream, const uint8_t *bytes, int64_t n, void *user_data) {
    struct stopping *stopping = user_data;
    read_pattern(stream, bytes, n, &stopping->reader);
    CHECK_EQ(rondel_stop(stopping->loop), 0);
    CHECK_EQ(rondel_run(stopping->loop, RONDEL_RUN_NOWAIT), RONDEL_EBUSY);
    CHECK_EQ(rondel_loop_free(stopping->loop), RONDEL_EBUSY);
    if (stopping->listener) {
        CHECK_EQ(rondel_close(stopping->listener), 0);
        CHECK_EQ(rondel_close(stopping->sibling), 0);
        stopping->listener = 0;
    }
}

TEST(the_callback_may_stop_the_loop_and_close_others) {
    rondel_loop loop = rondel_loop_new();
    struct stopping stopping = {loop, 0, 0, {0}};
    struct net_op accept = {0}, read = {0};
    char room[8];
    int peer, other;
    size_t sent = 0;
    rondel_tcp stream = net_stream(loop, &peer);
    stopping.sibling = net_stream(loop, &other);
    stopping.listener = rondel_tcp_new(loop);
    CHECK_EQ(rondel_tcp_bind(stopping.listener, "127.0.0.1", 0), 0);
    CHECK_EQ(rondel_listen(stopping.listener, 1, NULL, NULL), 0);
    CHECK(rondel_accept(stopping.listener, net_done, &accept) > 0);
    CHECK(rondel_read(stopping.sibling, room, sizeof room, net_done, &read) > 0);
    CHECK_EQ(rondel_read_start(stream, read_and_stop_loop, &stopping), 0);
    while (stopping.reader.got < 2000) {
        uint8_t bytes[100];
        net_fill(bytes, sizeof bytes, sent);
        CHECK(net_send(peer, bytes, sizeof bytes));
        sent += sizeof bytes;
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 1); /* ended by the stop */
    }
    CHECK_EQ(rondel_close(stream), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(stopping.reader.got, sent);
    CHECK(accept.calls == 1 && accept.result == RONDEL_ECANCELED);
    CHECK(read.calls == 1 && read.result == RONDEL_ECANCELED);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(peer), close(other);
}

/* ---- read_start_into */

struct lender {
    struct reader reader;
    int64_t lent, back, refuse;
    size_t size;
};

static uint8_t *lend(rondel_stream stream, size_t *size, void *user_data) {
    struct lender *lender = user_data;
    (void)stream;
    CHECK_EQ(net_starting, 0);
    CHECK(*size > 0);
    if (lender->refuse) return NULL;
    lender->lent++;
    *size = lender->size;
    return malloc(lender->size);
}

static void take_back(rondel_stream stream, const uint8_t *bytes, int64_t n, void *user_data) {
    struct lender *lender = user_data;
    CHECK(n <= (int64_t)lender->size);
    if (n > 0)
        read_pattern(stream, bytes, n, &lender->reader);
    else if (n < 0)
        read_pattern(stream, NULL, n, &lender->reader);
    if (bytes) {
        lender->back++;
        free((void *)(uintptr_t)bytes);
    }
}

/* So that a lender may allocate each buffer anew: no buffer is forgotten, also not the one in which nothing came. */
TEST(every_lent_buffer_comes_back_once) {
    rondel_loop loop = rondel_loop_new();
    const size_t sizes[] = {1, 7, 1000, 65536, 300000}, totals[] = {100, 1000, 300000, 1 << 20, 1 << 20};
    for (int i = 0; i < 5; i++) {
        struct lender lender = {{0}, 0, 0, 0, sizes[i]};
        int peer;
        rondel_tcp stream = net_stream(loop, &peer);
        CHECK_EQ(NET_START(rondel_read_start_into(stream, lend, take_back, &lender)), 0);
        CHECK_EQ(net_feed(loop, peer, totals[i], 0), totals[i]);
        shutdown(peer, SHUT_WR);
        REQUIRE(net_run_until(loop, &lender.reader.ends, 1));
        CHECK_EQ(lender.reader.got, totals[i]);
        CHECK_EQ(lender.reader.end, RONDEL_EOF);
        CHECK_EQ(lender.back, lender.lent);
        CHECK_EQ(rondel_close(stream), 0);
        close(peer);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

struct quitter {
    uint8_t room[16];
    size_t size;
    int64_t asked, back;
};

static uint8_t *close_instead(rondel_stream stream, size_t *size, void *user_data) {
    struct quitter *quitter = user_data;
    quitter->asked++;
    *size = quitter->size;
    CHECK_EQ(rondel_close(stream), 0);
    return quitter->room;
}

static void take_unused(rondel_stream stream, const uint8_t *bytes, int64_t n, void *user_data) {
    struct quitter *quitter = user_data;
    (void)stream;
    CHECK(bytes == quitter->room);
    CHECK_EQ(n, 0);
    quitter->back++;
}

TEST(memory_comes_back_to_a_lender_that_closes_its_stream) {
    for (size_t size = 0; size <= 16; size += 16) {
        rondel_loop loop = rondel_loop_new();
        struct quitter quitter = {{0}, size, 0, 0};
        int peer;
        rondel_tcp stream = net_stream(loop, &peer);
        CHECK(net_send_text(peer, "x"));
        CHECK_EQ(rondel_read_start_into(stream, close_instead, take_unused, &quitter), 0);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_EQ(quitter.asked, 1);
        CHECK_EQ(quitter.back, 1);
        CHECK_EQ(rondel_loop_free(loop), 0);
        close(peer);
    }
}

TEST(no_buffer_is_enobufs_and_loses_nothing) {
    rondel_loop loop = rondel_loop_new();
    struct lender lender = {{0}, 0, 0, 1, 64};
    uint8_t bytes[32];
    int peer;
    rondel_tcp stream = net_stream(loop, &peer);
    net_fill(bytes, sizeof bytes, 0);
    CHECK(net_send(peer, bytes, sizeof bytes));
    CHECK_EQ(rondel_read_start_into(stream, lend, take_back, &lender), 0);
    REQUIRE(net_run_until(loop, &lender.reader.ends, 1));
    CHECK_EQ(lender.reader.end, RONDEL_ENOBUFS);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0); /* reading has stopped */
    lender.refuse = lender.reader.ends = 0;
    CHECK_EQ(NET_START(rondel_read_start_into(stream, lend, take_back, &lender)), 0);
    while (lender.reader.got < sizeof bytes) REQUIRE_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(lender.reader.ends, 0);
    CHECK_EQ(lender.back, lender.lent);
    close(peer);
}

TEST_MAIN(RUN(everything_comes_in_order_and_the_end_once), RUN(the_end_is_told_again_to_whoever_reads_again),
          RUN(a_reset_is_told_once_as_econnreset), RUN(nothing_is_read_while_nobody_wants_it),
          RUN(a_read_takes_what_there_is_up_to_its_capacity), RUN(refuses_bad_input_and_changes_nothing),
          RUN(stopping_in_the_callback_and_starting_later_loses_nothing),
          RUN(closing_in_the_callback_ends_the_reading_at_once),
          RUN(a_stream_closed_by_its_sibling_in_the_same_turn_is_not_told), RUN(the_callback_may_stop_the_loop_and_close_others),
          RUN(every_lent_buffer_comes_back_once),
          RUN(memory_comes_back_to_a_lender_that_closes_its_stream),
          RUN(no_buffer_is_enobufs_and_loses_nothing))
