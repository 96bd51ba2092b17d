/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Writing in all its forms, against a plain socket that reads when the test wants it to.
 */
#include "support/net.h"

/* Writes `length` bytes of the pattern from `at` on out of a buffer that is scribbled over and freed at once. */
static rondel_future write_dying(rondel_stream stream, size_t length, uint64_t at, struct net_op *op) {
    uint8_t *bytes = malloc(length + 1);
    net_fill(bytes, length, at);
    rondel_future future = NET_START(rondel_write(stream, bytes, length, net_done, op));
    net_scribble(bytes, length);
    free(bytes);
    return future;
}

/* A stream that takes only a little before its writes have to wait. */
static rondel_tcp narrow_stream(rondel_loop loop, int *peer) {
    rondel_tcp stream = net_stream(loop, peer);
    net_shrink(*peer);
    net_shrink((int)rondel_fileno(stream));
    return stream;
}

TEST(a_buffer_may_die_as_soon_as_write_returns) {
    rondel_loop loop = rondel_loop_new();
    const size_t sizes[] = {1, 100, 5000, 3 << 20, 64, 300000};
    struct net_op ops[6];
    uint64_t at = 0;
    int peer;
    rondel_tcp stream = narrow_stream(loop, &peer);
    memset(ops, 0, sizeof ops);
    for (int i = 0; i < 6; i++) {
        rondel_future future = write_dying(stream, sizes[i], at, &ops[i]);
        CHECK(future > 0);
        CHECK_EQ(rondel_future_origin(future), stream);
        at += sizes[i];
    }
    CHECK(rondel_write_queue_size(stream) > 0);
    CHECK_EQ(net_drain(loop, peer, at, 0), at);
    REQUIRE(net_run_until(loop, &ops[5].calls, 1));
    CHECK_EQ(rondel_write_queue_size(stream), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    for (int i = 0; i < 6; i++) {
        CHECK_EQ(ops[i].calls, 1);
        CHECK_EQ(ops[i].result, sizes[i]);
        if (i) CHECK(ops[i].order > ops[i - 1].order);
    }
    close(peer);
}

enum { MANY = 400 };

struct mix {
    rondel_stream stream;
    struct net_op ops[MANY];
    uint8_t *borrowed[MANY];
    size_t lengths[MANY];
    uint64_t at;
};

/* Every form and size in turn, all inside one callback. */
static void write_mix(rondel_handle source, int64_t result, void *user_data) {
    struct mix *mix = user_data;
    (void)source, (void)result;
    for (int i = 0; i < MANY; i++) {
        size_t length = i % 7 == 0 ? 0 : (size_t)(i * 97 % 300) + (i % 11 == 0 ? 40000 : 0);
        uint8_t *bytes = malloc(length + 1);
        net_fill(bytes, length, mix->at);
        if (i % 3 == 0) {
            rondel_future future = NET_START(rondel_write_borrowed(mix->stream, bytes, length, net_done, &mix->ops[i]));
            CHECK(future > 0);
            mix->borrowed[i] = bytes;
        } else {
            rondel_buffer parts[4] = {{bytes, length / 3}, {NULL, 0}, {bytes + length / 3, 0}, {NULL, 0}};
            parts[3].bytes = bytes + length / 3;
            parts[3].length = length - length / 3;
            if (i % 3 == 1) CHECK(NET_START(rondel_writev(mix->stream, parts, 4, net_done, &mix->ops[i])) > 0);
            else CHECK(NET_START(rondel_write(mix->stream, bytes, length, net_done, &mix->ops[i])) > 0);
            net_scribble(bytes, length);
            net_scribble(parts, sizeof parts);
            free(bytes);
        }
        mix->lengths[i] = length;
        mix->at += length;
    }
}

TEST(every_form_leaves_in_order_and_completes_once) {
    rondel_loop loop = rondel_loop_new();
    struct mix *mix = calloc(1, sizeof *mix);
    int peer;
    mix->stream = narrow_stream(loop, &peer);
    CHECK(rondel_call_soon(loop, write_mix, mix) > 0);
    while (mix->at == 0) REQUIRE_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
    CHECK_EQ(net_drain(loop, peer, (size_t)mix->at, 0), mix->at);
    REQUIRE(net_run_until(loop, &mix->ops[MANY - 1].calls, 1));
    CHECK_EQ(rondel_loop_free(loop), 0);
    for (int i = 0; i < MANY; i++) {
        CHECK_EQ(mix->ops[i].calls, 1);
        CHECK_EQ(mix->ops[i].result, mix->lengths[i]);
        if (i) CHECK(mix->ops[i].order > mix->ops[i - 1].order);
        free(mix->borrowed[i]);
    }
    free(mix);
    close(peer);
}

#ifdef __linux__
/* The segments with data that a socket has sent, by offset: not every system header knows the field yet. */
static uint32_t segments_sent(int fd) {
    uint8_t info[256] = {0};
    uint32_t count;
    socklen_t size = sizeof info;
    getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &size);
    memcpy(&count, info + 156, sizeof count); /* tcpi_data_segs_out */
    return count;
}

struct small {
    rondel_stream stream;
    struct net_op op;
    int how;
};

static void write_small(rondel_handle source, int64_t result, void *user_data) {
    struct small *small = user_data;
    uint8_t bytes[64];
    (void)source, (void)result;
    for (int i = 0; i < 16; i++) {
        net_fill(bytes, sizeof bytes, (uint64_t)i * 64);
        rondel_buffer parts[2] = {{bytes, 30}, {bytes + 30, 34}};
        if (small->how == 1 && i % 2) CHECK(rondel_writev(small->stream, parts, 2, NULL, NULL) > 0);
        else CHECK(rondel_write(small->stream, bytes, sizeof bytes, i == 15 ? net_done : NULL, &small->op) > 0);
    }
}

static void write_small_in_reply(rondel_stream stream, const uint8_t *bytes, int64_t n, void *user_data) {
    (void)bytes;
    CHECK_EQ(n, 1);
    write_small(stream, 0, user_data);
}

TEST(small_writes_of_one_callback_leave_in_one_segment) {
    if (net_is_local()) SKIP("only TCP counts its segments");
    if (ON_QEMU) SKIP("qemu does not count segments");
    rondel_loop loop = rondel_loop_new();
    for (int how = 0; how < 3; how++) {
        struct small small = {0, {0}, how};
        uint8_t room[2048];
        int peer;
        small.stream = net_stream(loop, &peer);
        int fd = (int)rondel_fileno(small.stream);
        CHECK_EQ(segments_sent(fd), 0);
        if (how == 2) {
            CHECK_EQ(rondel_read_start(small.stream, write_small_in_reply, &small), 0);
            CHECK(net_send_text(peer, "?"));
        } else {
            CHECK(rondel_call_soon(loop, write_small, &small) > 0);
        }
        if (how != 1) REQUIRE(net_run_until(loop, &small.op.calls, 1));
        if (how == 1) {
            /* The last is a writev without a callback: the bytes tell. */
            while (segments_sent(fd) == 0) REQUIRE(rondel_run(loop, RONDEL_RUN_NOWAIT) >= 0);
        }
        CHECK_EQ(segments_sent(fd), 1);
        CHECK_EQ(recv(peer, room, sizeof room, 0), 1024);
        CHECK(net_matches(room, 1024, 0));
        CHECK_EQ(rondel_close(small.stream), 0);
        close(peer);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}
#endif

TEST(an_empty_write_completes_in_its_turn) {
    rondel_loop loop = rondel_loop_new();
    struct net_op ops[4];
    int peer;
    char room[4];
    rondel_tcp stream = net_stream(loop, &peer);
    memset(ops, 0, sizeof ops);
    CHECK(NET_START(rondel_write(stream, "ab", 2, net_done, &ops[0])) > 0);
    CHECK(NET_START(rondel_write(stream, NULL, 0, net_done, &ops[1])) > 0);
    CHECK(NET_START(rondel_writev(stream, NULL, 0, net_done, &ops[2])) > 0);
    CHECK(NET_START(rondel_write_borrowed(stream, "", 0, net_done, &ops[3])) > 0);
    REQUIRE(net_run_until(loop, &ops[3].calls, 1));
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(ops[i].calls, 1);
        CHECK_EQ(ops[i].result, i == 0 ? 2 : 0);
        if (i) CHECK(ops[i].order > ops[i - 1].order);
    }
    CHECK_EQ(rondel_try_write(stream, NULL, 0), 0);
    CHECK_EQ(net_receive(peer, room, 2), 2);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(peer);
}

TEST(refuses_bad_input_and_changes_nothing) {
    rondel_loop loop = rondel_loop_new();
    int peer;
    rondel_tcp stream = net_stream(loop, &peer);
    int64_t handles = rondel_metric(loop, RONDEL_METRIC_HANDLES);
    const size_t too_long = (size_t)INT64_MAX + 1;
    rondel_buffer null_part[2] = {{"x", 1}, {NULL, 1}}, huge_part[2] = {{"x", 1}, {"x", SIZE_MAX}},
                  huge_sum[3] = {{"x", INT64_MAX}, {"x", INT64_MAX}, {"x", INT64_MAX}};
    CHECK_EQ(rondel_write(stream, NULL, 1, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_write(stream, "x", too_long, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_write(stream, "x", SIZE_MAX, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_write_borrowed(stream, NULL, 1, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_write_borrowed(stream, "x", too_long, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_writev(stream, NULL, 1, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_writev(stream, null_part, SIZE_MAX, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_writev(stream, null_part, 2, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_writev(stream, huge_part, 2, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_writev(stream, huge_sum, 3, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_try_write(stream, NULL, 1), RONDEL_EINVAL);
    CHECK_EQ(rondel_try_write(stream, "x", too_long), RONDEL_EINVAL);
    CHECK_EQ(rondel_write(loop, "x", 1, net_never, NULL), RONDEL_EKIND);
    CHECK_EQ(rondel_write(RONDEL_ECONNREFUSED, "x", 1, net_never, NULL), RONDEL_ECONNREFUSED);
    CHECK_EQ(rondel_shutdown(loop, net_never, NULL), RONDEL_EKIND);
    CHECK_EQ(rondel_write_queue_size(loop), RONDEL_EKIND);
    CHECK_EQ(rondel_write_queue_size(stream), 0);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), handles);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(recv(peer, &peer, 1, MSG_DONTWAIT), -1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(peer);
}

TEST(try_write_takes_what_fits_and_never_overtakes) {
    rondel_loop loop = rondel_loop_new();
    struct net_op op = {0};
    uint8_t bytes[10000];
    uint64_t at = 0;
    int64_t n;
    int peer;
    rondel_tcp stream = narrow_stream(loop, &peer);
    for (;;) {
        net_fill(bytes, sizeof bytes, at);
        n = rondel_try_write(stream, bytes, sizeof bytes);
        if (n < 0) break;
        CHECK(n > 0 && n <= (int64_t)sizeof bytes);
        at += (uint64_t)n;
    }
    CHECK_EQ(n, RONDEL_EAGAIN);
    CHECK_EQ(rondel_write_queue_size(stream), 0);
    /* More than there may be room for by now. */
    CHECK(write_dying(stream, 4 << 20, at, &op) > 0);
    at += 4 << 20;
    CHECK(rondel_write_queue_size(stream) > 0);
    CHECK_EQ(rondel_try_write(stream, bytes, sizeof bytes), RONDEL_EAGAIN);
    /* The kernel has room again, but the queue goes first: whatever is taken now comes after it. */
    CHECK_EQ(net_receive(peer, bytes, sizeof bytes), sizeof bytes);
    CHECK(net_matches(bytes, sizeof bytes, 0));
    net_fill(bytes, sizeof bytes, at);
    n = rondel_try_write(stream, bytes, sizeof bytes);
    CHECK(n > 0 || n == RONDEL_EAGAIN);
    if (n > 0) at += (uint64_t)n;
    CHECK_EQ(net_drain(loop, peer, (size_t)at - sizeof bytes, sizeof bytes), at - sizeof bytes);
    REQUIRE(net_run_until(loop, &op.calls, 1));
    CHECK_EQ(rondel_try_write(stream, "x", 1), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(peer);
}

TEST(the_queue_size_counts_the_bytes_that_wait) {
    rondel_loop loop = rondel_loop_new();
    static uint8_t borrowed[200000];
    struct net_op ops[2];
    int peer;
    rondel_tcp stream = narrow_stream(loop, &peer);
    memset(ops, 0, sizeof ops);
    net_fill(borrowed, sizeof borrowed, 1 << 20);
    CHECK(write_dying(stream, 1 << 20, 0, &ops[0]) > 0);
    net_settle(loop);
    int64_t waiting = rondel_write_queue_size(stream), before;
    CHECK(waiting > 0 && waiting <= 1 << 20);
    CHECK(rondel_write_borrowed(stream, borrowed, sizeof borrowed, net_done, &ops[1]) > 0);
    CHECK_EQ(rondel_write_queue_size(stream), waiting + (int64_t)sizeof borrowed);
    for (size_t got = 0; got < (1 << 20) + sizeof borrowed; got += 1024) {
        size_t part = (1 << 20) + sizeof borrowed - got;
        before = rondel_write_queue_size(stream);
        if (part > 1024) part = 1024;
        CHECK_EQ(net_drain(loop, peer, part, got), part);
        CHECK(rondel_write_queue_size(stream) <= before);
    }
    REQUIRE(net_run_until(loop, &ops[1].calls, 1));
    CHECK_EQ(rondel_write_queue_size(stream), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(peer);
}

/* The first is partly sent and goes whole, the second has not begun and is not sent, the third is left alone. */
TEST(a_cancelled_write_is_sent_whole_or_not_at_all) {
    rondel_loop loop = rondel_loop_new();
    for (int how = 0; how < 4; how++) {
        const size_t first = 4 << 20, third = 70000;
        struct net_op ops[3];
        rondel_future futures[2];
        uint8_t *begun = malloc(first), *not_begun = calloc(1, 100000);
        int peer, borrowed = how & 1, late = how & 2;
        rondel_tcp stream = narrow_stream(loop, &peer);
        memset(ops, 0, sizeof ops);
        net_fill(begun, first, 0);
        futures[0] = borrowed ? rondel_write_borrowed(stream, begun, first, net_done, &ops[0])
                              : rondel_write(stream, begun, first, net_done, &ops[0]);
        futures[1] = borrowed ? rondel_write_borrowed(stream, not_begun, 100000, net_done, &ops[1])
                              : rondel_write(stream, not_begun, 100000, net_done, &ops[1]);
        CHECK(write_dying(stream, third, first, &ops[2]) > 0);
        net_settle(loop);
        CHECK(rondel_write_queue_size(stream) < (int64_t)(first + third + 100000));
        for (int i = 0; i < 2; i++) {
            if (late) CHECK_EQ(NET_START(rondel_timeout(futures[i], RONDEL_MS)), futures[i]);
            else CHECK_EQ(NET_START(rondel_cancel(futures[i])), 0);
        }
        /* They end now, though the peer reads nothing. */
        REQUIRE(net_run_until(loop, &ops[0].calls, 1));
        REQUIRE(net_run_until(loop, &ops[1].calls, 1));
        CHECK_EQ(ops[0].result, late ? RONDEL_ETIMEDOUT : RONDEL_ECANCELED);
        CHECK_EQ(ops[1].result, late ? RONDEL_ETIMEDOUT : RONDEL_ECANCELED);
        /* So the buffers are ours again, whatever of them is still to be sent. */
        net_scribble(begun, first);
        net_scribble(not_begun, 100000);
        free(begun);
        free(not_begun);
        CHECK_EQ(net_drain(loop, peer, first + third, 0), first + third);
        REQUIRE(net_run_until(loop, &ops[2].calls, 1));
        CHECK_EQ(ops[2].result, third);
        CHECK_EQ(rondel_write_queue_size(stream), 0);
        CHECK_EQ(recv(peer, &late, sizeof late, MSG_DONTWAIT), -1);
        for (int i = 0; i < 3; i++) CHECK_EQ(ops[i].calls, 1);
        CHECK_EQ(rondel_close(stream), 0);
        close(peer);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* Whoever runs the loop until nothing is alive must not leave half a message behind. */
TEST(the_rest_of_a_cancelled_write_keeps_the_loop_alive) {
    rondel_loop loop = rondel_loop_new();
    const size_t length = 4 << 20;
    uint8_t *bytes = malloc(length);
    struct net_op op = {0};
    int peer;
    rondel_tcp stream = narrow_stream(loop, &peer);
    net_fill(bytes, length, 0);
    rondel_future future = rondel_write(stream, bytes, length, net_done, &op);
    net_settle(loop);
    CHECK_EQ(rondel_cancel(future), 0);
    REQUIRE(net_run_until(loop, &op.calls, 1));
    net_settle(loop);
    CHECK(rondel_write_queue_size(stream) > 0);
    CHECK_EQ(rondel_is_active(stream), 1);
    CHECK_EQ(rondel_alive(loop), 1);
    CHECK_EQ(net_drain(loop, peer, length, 0), length);
    net_settle(loop);
    CHECK_EQ(rondel_alive(loop), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    free(bytes);
    close(peer);
}

TEST(a_peer_that_resets_in_the_middle_ends_every_write_once) {
    if (net_is_local()) SKIP("local sockets know no reset");
    rondel_loop loop = rondel_loop_new();
    struct net_op ops[30], closed = {0};
    uint8_t *buffers[30];
    const size_t length = 1 << 20;
    int peer;
    rondel_tcp stream = narrow_stream(loop, &peer);
    memset(ops, 0, sizeof ops);
    for (int i = 0; i < 30; i++) {
        buffers[i] = calloc(1, length);
        if (i % 3 == 0) CHECK(rondel_write_borrowed(stream, buffers[i], length, net_done, &ops[i]) > 0);
        else CHECK(rondel_write(stream, buffers[i], i % 3 == 1 ? length : 10, net_done, &ops[i]) > 0);
    }
    net_settle(loop);
    CHECK_EQ(ops[0].calls, 0);
    net_reset(peer);
    REQUIRE(net_run_until(loop, &ops[29].calls, 1));
    for (int i = 0; i < 30; i++) {
        CHECK_EQ(ops[i].calls, 1);
        CHECK(ops[i].result == RONDEL_ECONNRESET || ops[i].result == RONDEL_EPIPE);
        free(buffers[i]);
    }
    CHECK_EQ(ops[0].result, RONDEL_ECONNRESET);
    CHECK_EQ(rondel_write_queue_size(stream), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_on_close(stream, net_done, &closed), 0);
    CHECK_EQ(rondel_write(stream, "x", 1, net_never, NULL), RONDEL_ECONNRESET);
    CHECK_EQ(rondel_write_borrowed(stream, "x", 1, net_never, NULL), RONDEL_ECONNRESET);
    CHECK_EQ(rondel_try_write(stream, "x", 1), RONDEL_ECONNRESET);
    CHECK_EQ(rondel_close(stream), 0);
    REQUIRE(net_run_until(loop, &closed.calls, 1));
    CHECK_EQ(rondel_loop_free(loop), 0);
    for (int i = 0; i < 30; i++) CHECK_EQ(ops[i].calls, 1);
}

/* The error is met by a write and so no longer the socket's to tell; a reader must not take it for the end all the same. */
TEST(a_reset_met_by_a_write_is_no_orderly_end_for_the_reader) {
    if (net_is_local()) SKIP("local sockets know no reset");
    rondel_loop loop = rondel_loop_new();
    for (int form = 0; form < 2; form++) {
        struct net_op wrote = {0}, read = {0};
        uint8_t *bytes = calloc(1, 8 << 20), room[8];
        int peer;
        rondel_tcp stream = narrow_stream(loop, &peer);
        CHECK(rondel_write(stream, bytes, 8 << 20, net_done, &wrote) > 0);
        net_settle(loop);
        net_reset(peer);
        REQUIRE(net_run_until(loop, &wrote.calls, 1));
        CHECK_EQ(wrote.result, RONDEL_ECONNRESET);
        if (form == 0) CHECK(rondel_read(stream, room, 8, net_done, &read) > 0);
        else CHECK(rondel_read_exactly(stream, room, 8, net_done, &read) > 0);
        REQUIRE(net_run_until(loop, &read.calls, 1));
        CHECK_EQ(read.result, RONDEL_ECONNRESET);
        CHECK_EQ(rondel_close(stream), 0);
        free(bytes);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* Also: no SIGPIPE reaches the process, which would end it here. */
TEST(writing_to_a_peer_that_left_is_an_error_not_a_signal) {
    rondel_loop loop = rondel_loop_new();
    int64_t told = 0, refused = 0;
    int peer;
    rondel_tcp stream = net_stream(loop, &peer);
    close(peer);
    while (!refused) {
        struct net_op op = {0};
        rondel_future future = NET_START(rondel_write(stream, "hello", 5, net_done, &op));
        if (future < 0) {
            CHECK(future == RONDEL_EPIPE || future == RONDEL_ECONNRESET);
            refused++;
        } else {
            REQUIRE(net_run_until(loop, &op.calls, 1));
            CHECK(op.result == 5 || op.result == RONDEL_EPIPE || op.result == RONDEL_ECONNRESET);
            CHECK(++told < 1000);
        }
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

struct chain {
    struct net_op op;
    rondel_stream stream;
    int64_t left;
};

static void write_next(rondel_handle source, int64_t result, void *user_data) {
    struct chain *chain = user_data;
    net_done(source, result, &chain->op);
    CHECK_EQ(result, 1);
    if (--chain->left) CHECK(NET_START(rondel_write(chain->stream, "x", 1, write_next, chain)) > 0);
}

TEST(a_write_may_start_the_next_from_its_callback) {
    rondel_loop loop = rondel_loop_new();
    const size_t count = net_is_local() ? 200 : 3000; /* as many as there is room for: pieces count, not bytes */
    struct chain chain = {{0}, 0, (int64_t)count};
    char room[3000];
    int peer;
    chain.stream = net_stream(loop, &peer);
    CHECK(rondel_write(chain.stream, "x", 1, write_next, &chain) > 0);
    REQUIRE(net_run_until(loop, &chain.op.calls, (int64_t)count));
    CHECK_EQ(net_receive(peer, room, count), count);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(peer);
}

#ifdef __linux__
#define SEGMENTS RUN(small_writes_of_one_callback_leave_in_one_segment),
#else
#define SEGMENTS
#endif

TEST_MAIN(RUN(a_buffer_may_die_as_soon_as_write_returns), RUN(every_form_leaves_in_order_and_completes_once),
          SEGMENTS RUN(an_empty_write_completes_in_its_turn), RUN(refuses_bad_input_and_changes_nothing),
          RUN(try_write_takes_what_fits_and_never_overtakes), RUN(the_queue_size_counts_the_bytes_that_wait),
          RUN(a_cancelled_write_is_sent_whole_or_not_at_all), RUN(the_rest_of_a_cancelled_write_keeps_the_loop_alive),
          RUN(a_peer_that_resets_in_the_middle_ends_every_write_once),
          RUN(a_reset_met_by_a_write_is_no_orderly_end_for_the_reader),
          RUN(writing_to_a_peer_that_left_is_an_error_not_a_signal), RUN(a_write_may_start_the_next_from_its_callback))
