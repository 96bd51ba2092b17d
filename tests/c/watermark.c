/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Watermarks: a producer learns that its peer is slow, and memory stays bounded.
 */
#include "support/net.h"

/* Far enough apart for the kernel's steps to end in between. */
enum { LOW = 20000, HIGH = 800000, PIECE = 7000 };

struct producer {
    rondel_stream stream;
    size_t made, total;
    int64_t highs, lows, paused, largest;
    int64_t calls; /* of the watermark function */
};

/* Writes pieces until told to stop: what a program does that takes its input from elsewhere. */
static void produce(struct producer *producer) {
    uint8_t piece[PIECE];
    if (rondel_write_queue_size(producer->stream) > HIGH) return; /* the word is on its way */
    while (!producer->paused && producer->made < producer->total) {
        net_fill(piece, sizeof piece, producer->made);
        int64_t future = NET_START(rondel_write(producer->stream, piece, sizeof piece, NULL, NULL));
        if (!test_check(future > 0, __FILE__, __LINE__, "write"))
            return;
        producer->made += sizeof piece;
        int64_t waiting = rondel_write_queue_size(producer->stream);
        if (waiting > producer->largest) producer->largest = waiting;
        if (waiting > HIGH) return;
    }
}

static void told(rondel_handle stream, int64_t above, void *user_data) {
    struct producer *producer = user_data;
    CHECK_EQ(net_starting, 0);
    CHECK_EQ(stream, producer->stream);
    CHECK_EQ(above, !producer->paused); /* they alternate */
    producer->calls++;
    if (above) {
        CHECK(rondel_write_queue_size(stream) > LOW);
        producer->highs++;
        producer->paused = 1;
    } else {
        CHECK(rondel_write_queue_size(stream) <= LOW);
        producer->lows++;
        producer->paused = 0;
        produce(producer);
    }
}

TEST(a_slow_reader_stops_the_producer_and_starts_it_again) {
    rondel_loop loop = rondel_loop_new();
    struct producer producer = {0};
    int peer;
    producer.total = (size_t)test_scale(1200, 500) * PIECE;
    producer.stream = net_stream(loop, &peer);
    net_shrink(peer);
    net_shrink((int)rondel_fileno(producer.stream));
    CHECK_EQ(NET_START(rondel_set_watermarks(producer.stream, LOW, HIGH, told, &producer)), 0);
    produce(&producer);
    /* The peer reads nothing: the producer is stopped. */
    REQUIRE(net_run_until(loop, &producer.highs, 1));
    for (int64_t calls = 0; calls != producer.calls;) {
        calls = producer.calls; /* the kernel may make room once more before it is full */
        net_settle(loop);
    }
    CHECK_EQ(producer.highs, producer.lows + 1);
    CHECK(rondel_write_queue_size(producer.stream) > LOW);
    for (size_t got = 0; got < producer.total; got += PIECE) {
        REQUIRE_EQ(net_drain(loop, peer, PIECE, got), PIECE);
        produce(&producer);
    }
    net_settle(loop);
    CHECK_EQ(producer.made, producer.total);
    CHECK(producer.highs > 1);
    CHECK_EQ(producer.lows, producer.highs);
    CHECK(producer.largest <= HIGH + PIECE);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(peer);
}

TEST(below_the_high_mark_nothing_is_told) {
    rondel_loop loop = rondel_loop_new();
    struct net_op op = {0};
    uint8_t *bytes = calloc(1, 1 << 20);
    int peer;
    rondel_tcp stream = net_stream(loop, &peer);
    net_shrink(peer);
    CHECK_EQ(rondel_set_watermarks(stream, 0, 2 << 20, net_never, NULL), 0);
    CHECK(rondel_write(stream, bytes, 1 << 20, net_done, &op) > 0);
    net_fill(bytes, 1 << 20, 0);
    net_settle(loop);
    for (size_t got = 0; got < 1 << 20;) {
        uint8_t room[4096];
        ssize_t n = recv(peer, room, sizeof room, MSG_DONTWAIT);
        if (n > 0) got += (size_t)n;
        else rondel_run(loop, RONDEL_RUN_NOWAIT);
    }
    REQUIRE(net_run_until(loop, &op.calls, 1));
    CHECK_EQ(rondel_loop_free(loop), 0);
    free(bytes);
    close(peer);
}

static void count(rondel_handle stream, int64_t above, void *user_data) {
    int64_t *counts = user_data;
    (void)stream;
    CHECK(above == 0 || above == 1);
    counts[above]++;
}

TEST(a_low_mark_of_zero_is_told_when_all_is_out) {
    rondel_loop loop = rondel_loop_new();
    uint8_t *bytes = malloc(8 << 20);
    int64_t counts[2] = {0, 0};
    int peer;
    rondel_tcp stream = net_stream(loop, &peer);
    net_shrink(peer);
    net_fill(bytes, 8 << 20, 0);
    CHECK_EQ(rondel_set_watermarks(stream, 0, 0, count, counts), 0);
    CHECK(rondel_write(stream, bytes, 8 << 20, NULL, NULL) > 0);
    REQUIRE(net_run_until(loop, &counts[1], 1));
    CHECK_EQ(net_drain(loop, peer, (8 << 20) - 1, 0), (8 << 20) - 1);
    CHECK_EQ(net_drain(loop, peer, 1, (8 << 20) - 1), 1);
    REQUIRE(net_run_until(loop, &counts[0], 1));
    CHECK_EQ(counts[0], 1);
    CHECK_EQ(counts[1], 1);
    CHECK_EQ(rondel_write_queue_size(stream), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(counts[0] + counts[1], 2);
    free(bytes);
    close(peer);
}

static void close_when_told(rondel_handle stream, int64_t above, void *user_data) {
    net_done(stream, above, user_data);
    CHECK_EQ(rondel_close(stream), 0);
}

TEST(the_callback_may_close_its_stream) {
    rondel_loop loop = rondel_loop_new();
    struct net_op mark = {0}, wrote = {0};
    uint8_t *bytes = calloc(1, 8 << 20);
    int peer;
    rondel_tcp stream = net_stream(loop, &peer);
    net_shrink(peer);
    CHECK_EQ(rondel_set_watermarks(stream, 10, 20, close_when_told, &mark), 0);
    CHECK(rondel_write(stream, bytes, 8 << 20, net_done, &wrote) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(mark.calls, 1);
    CHECK_EQ(mark.result, 1);
    CHECK_EQ(wrote.calls, 1);
    CHECK_EQ(wrote.result, RONDEL_ECANCELED);
    CHECK_EQ(rondel_loop_free(loop), 0);
    free(bytes);
    close(peer);
}

TEST(refuses_bad_input_and_changes_nothing) {
    rondel_loop loop = rondel_loop_new();
    int peer;
    rondel_tcp stream = net_stream(loop, &peer);
    CHECK_EQ(rondel_set_watermarks(stream, 11, 10, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_set_watermarks(stream, SIZE_MAX, 0, NULL, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_set_watermarks(loop, 1, 10, net_never, NULL), RONDEL_EKIND);
    CHECK_EQ(rondel_set_watermarks(RONDEL_ENOTCONN, 1, 10, net_never, NULL), RONDEL_ENOTCONN);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(peer);
}

struct echo {
    size_t read;
    int64_t ends, largest;
};

static void echo_back(rondel_stream stream, const uint8_t *bytes, int64_t n, void *user_data) {
    struct echo *echo = user_data;
    if (n < 0) {
        CHECK_EQ(n, RONDEL_EOF);
        echo->ends++;
        return;
    }
    echo->read += (size_t)n;
    CHECK(rondel_write(stream, bytes, (size_t)n, NULL, NULL) > 0);
    if (rondel_write_queue_size(stream) > echo->largest) echo->largest = rondel_write_queue_size(stream);
}

/* The peer sends and sends and does not read its echo: the server must neither grow nor lose anything. */
TEST(without_a_function_reading_pauses_until_the_queue_is_low) {
    rondel_loop loop = rondel_loop_new();
    struct echo echo = {0};
    const size_t total = (size_t)test_scale(16 << 20, 4 << 20);
    uint8_t room[32768];
    size_t sent = 0, got = 0;
    int peer, stuck = 0;
    rondel_tcp stream = net_stream(loop, &peer);
    net_shrink(peer);
    net_shrink((int)rondel_fileno(stream));
    CHECK_EQ(rondel_set_watermarks(stream, LOW, HIGH, NULL, NULL), 0);
    CHECK_EQ(rondel_read_start(stream, echo_back, &echo), 0);
    while (stuck < 100 && sent < total) { /* send until neither side moves any more */
        net_fill(room, sizeof room, sent);
        ssize_t n = send(peer, room, sizeof room, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n > 0) sent += (size_t)n;
        stuck = n > 0 ? 0 : stuck + 1;
        rondel_run(loop, RONDEL_RUN_NOWAIT);
    }
    CHECK(sent < total);
    CHECK(rondel_write_queue_size(stream) > LOW);
    /* At most one read of the loop's buffer of 256 KiB comes on top of the mark. */
    CHECK(echo.largest <= HIGH + (256 << 10));
    while (got < total) {
        ssize_t n = recv(peer, room, sizeof room, MSG_DONTWAIT);
        if (n > 0) {
            CHECK(net_matches(room, (size_t)n, got));
            got += (size_t)n;
        }
        if (sent < total) {
            size_t part = total - sent < sizeof room ? total - sent : sizeof room;
            net_fill(room, part, sent);
            n = send(peer, room, part, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (n > 0) sent += (size_t)n;
        }
        rondel_run(loop, RONDEL_RUN_NOWAIT);
    }
    CHECK_EQ(echo.read, total);
    CHECK(echo.largest <= HIGH + (256 << 10));
    shutdown(peer, SHUT_WR);
    REQUIRE(net_run_until(loop, &echo.ends, 1));
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(peer);
}

/* A pause that never ends must not hide the peer's leaving from whoever closes, nor keep what is taken away. */
TEST(a_paused_stream_can_be_closed_stopped_and_lifted) {
    rondel_loop loop = rondel_loop_new();
    for (int how = 0; how < 3; how++) {
        struct echo echo = {0};
        struct net_op closed = {0};
        uint8_t *bytes = calloc(1, 8 << 20);
        int peer;
        rondel_tcp stream = net_stream(loop, &peer);
        net_shrink(peer);
        CHECK_EQ(rondel_on_close(stream, net_done, &closed), 0);
        CHECK_EQ(rondel_set_watermarks(stream, LOW, HIGH, NULL, NULL), 0);
        CHECK(rondel_write(stream, bytes, 8 << 20, NULL, NULL) > 0);
        net_settle(loop);
        CHECK_EQ(rondel_read_start(stream, echo_back, &echo), 0);
        CHECK(net_send_text(peer, "waits"));
        net_settle(loop);
        CHECK_EQ(echo.read, 0);
        if (how == 1) CHECK_EQ(rondel_read_stop(stream), 0);
        if (how == 2) {
            /* Marks far above the queue: nothing holds reading back any more. */
            CHECK_EQ(rondel_set_watermarks(stream, 64 << 20, 64 << 20, NULL, NULL), 0);
            while (echo.read < 5) REQUIRE_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
        }
        CHECK_EQ(rondel_close(stream), 0);
        REQUIRE(net_run_until(loop, &closed.calls, 1));
        CHECK_EQ(echo.read, how == 2 ? 5 : 0);
        free(bytes);
        close(peer);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST_MAIN(RUN(a_slow_reader_stops_the_producer_and_starts_it_again), RUN(below_the_high_mark_nothing_is_told),
          RUN(a_low_mark_of_zero_is_told_when_all_is_out), RUN(the_callback_may_close_its_stream),
          RUN(refuses_bad_input_and_changes_nothing), RUN(without_a_function_reading_pauses_until_the_queue_is_low),
          RUN(a_paused_stream_can_be_closed_stopped_and_lifted))
