/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Reads of a wanted extent (rondel_read_exactly, rondel_read_until): whatever ends them early, the bytes they had
 * gathered stay readable, by any form of reading.
 */
#include "support/net.h"

/* Reads `length` bytes by plain reads of at most `step` and compares. */
static void expect(rondel_loop loop, rondel_stream stream, const char *wanted, size_t step) {
    size_t length = strlen(wanted), got = 0;
    char *room = malloc(step);
    while (got < length) {
        struct net_op op = {0};
        memset(room, '?', step);
        if (!test_check(NET_START(rondel_read(stream, room, step, net_done, &op)) > 0, __FILE__, __LINE__, "read"))
            break;
        if (!net_run_until(loop, &op.calls, 1)) break;
        CHECK(op.result > 0 && (size_t)op.result <= length - got);
        if (op.result <= 0 || (size_t)op.result > length - got) break;
        CHECK(!memcmp(room, wanted + got, (size_t)op.result));
        got += (size_t)op.result;
    }
    free(room);
}

TEST(exactly_waits_for_all_of_it) {
    rondel_loop loop = rondel_loop_new();
    const size_t total = (size_t)test_scale(8 << 20, 1 << 20);
    uint8_t *room = malloc(total + 1);
    struct net_op op = {0};
    int peer;
    rondel_tcp stream = net_stream(loop, &peer);
    room[total] = '?';
    CHECK(NET_START(rondel_read_exactly(stream, room, total, net_done, &op)) > 0);
    CHECK_EQ(net_feed(loop, peer, total - 1, 0), total - 1);
    net_settle(loop);
    CHECK_EQ(op.calls, 0);
    CHECK_EQ(net_feed(loop, peer, 100, total - 1), 100);
    REQUIRE(net_run_until(loop, &op.calls, 1));
    CHECK_EQ(op.result, total);
    CHECK(net_matches(room, total, 0));
    CHECK_EQ(room[total], '?');
    struct net_op rest = {0};
    CHECK(NET_START(rondel_read_exactly(stream, room, 99, net_done, &rest)) > 0);
    REQUIRE(net_run_until(loop, &rest.calls, 1));
    CHECK_EQ(rest.result, 99);
    CHECK(net_matches(room, 99, total));
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(op.calls + rest.calls, 2);
    free(room);
    close(peer);
}

TEST(exactly_cut_by_the_end_leaves_what_came) {
    rondel_loop loop = rondel_loop_new();
    struct net_op op = {0}, again = {0}, end = {0};
    char room[16];
    int peer;
    rondel_tcp stream = net_stream(loop, &peer);
    CHECK(NET_START(rondel_read_exactly(stream, room, sizeof room, net_done, &op)) > 0);
    CHECK(net_send_text(peer, "part"));
    net_settle(loop);
    CHECK(net_send_text(peer, "ial"));
    close(peer);
    REQUIRE(net_run_until(loop, &op.calls, 1));
    CHECK_EQ(op.result, RONDEL_EOF);
    memset(room, '?', sizeof room); /* the buffer is ours again, and no place for the library to keep bytes */
    CHECK(NET_START(rondel_read_exactly(stream, room, 8, net_done, &again)) > 0);
    REQUIRE(net_run_until(loop, &again.calls, 1));
    CHECK_EQ(again.result, RONDEL_EOF);
    expect(loop, stream, "partial", 3);
    CHECK(NET_START(rondel_read(stream, room, 8, net_done, &end)) > 0);
    REQUIRE(net_run_until(loop, &end.calls, 1));
    CHECK_EQ(end.result, RONDEL_EOF);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(until_finds_its_delimiter_however_it_is_split) {
    static const char message[] = "ab\r\n\r\r\n\rcd\r\n\r\nrest";
    const size_t head = 14, length = sizeof message - 1;
    rondel_loop loop = rondel_loop_new();
    for (size_t i = 0; i <= length; i++) {
        for (size_t j = i; j <= length; j++) {
            struct net_op op = {0};
            char room[32];
            int peer;
            rondel_tcp stream = net_stream(loop, &peer);
            memset(room, '?', sizeof room);
            CHECK(NET_START(rondel_read_until(stream, room, 31, "\r\n\r\n", 4, net_done, &op)) > 0);
            CHECK(net_send(peer, message, i));
            rondel_run(loop, RONDEL_RUN_NOWAIT);
            CHECK(net_send(peer, message + i, j - i));
            rondel_run(loop, RONDEL_RUN_NOWAIT);
            CHECK(net_send(peer, message + j, length - j));
            REQUIRE(net_run_until(loop, &op.calls, 1));
            CHECK_EQ(op.result, head);
            CHECK(!memcmp(room, message, head));
            expect(loop, stream, "rest", 4);
            CHECK_EQ(op.calls, 1);
            CHECK_EQ(rondel_close(stream), 0);
            net_reset(peer);
        }
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(until_serves_line_after_line_from_one_packet) {
    rondel_loop loop = rondel_loop_new();
    static const char *const lines[] = {"one\n", "\n", "three\n", "4\n"};
    struct net_op ops[5];
    char room[6];
    int peer;
    rondel_tcp stream = net_stream(loop, &peer);
    memset(ops, 0, sizeof ops);
    CHECK(net_send_text(peer, "one\n\nthree\n4\nfi"));
    for (int i = 0; i < 4; i++) {
        memset(room, '?', sizeof room);
        CHECK(NET_START(rondel_read_until(stream, room, sizeof room, "\n", 1, net_done, &ops[i])) > 0);
        REQUIRE(net_run_until(loop, &ops[i].calls, 1));
        CHECK_EQ(ops[i].result, strlen(lines[i]));
        CHECK(!memcmp(room, lines[i], strlen(lines[i])));
    }
    CHECK(NET_START(rondel_read_until(stream, room, sizeof room, "\n", 1, net_done, &ops[4])) > 0);
    net_settle(loop);
    CHECK_EQ(ops[4].calls, 0);
    shutdown(peer, SHUT_WR);
    REQUIRE(net_run_until(loop, &ops[4].calls, 1));
    CHECK_EQ(ops[4].result, RONDEL_EOF);
    expect(loop, stream, "fi", 16);
    CHECK_EQ(rondel_loop_free(loop), 0);
    for (int i = 0; i < 5; i++) CHECK_EQ(ops[i].calls, 1);
    close(peer);
}

TEST(until_without_room_is_emsgsize_and_keeps_the_bytes) {
    rondel_loop loop = rondel_loop_new();
    struct net_op small = {0}, fits = {0}, split = {0};
    char room[16];
    int peer;
    rondel_tcp stream = net_stream(loop, &peer);
    CHECK(net_send_text(peer, "1234567;89"));
    CHECK(NET_START(rondel_read_until(stream, room, 7, ";", 1, net_done, &small)) > 0);
    REQUIRE(net_run_until(loop, &small.calls, 1));
    CHECK_EQ(small.result, RONDEL_EMSGSIZE);
    memset(room, '?', sizeof room);
    CHECK(NET_START(rondel_read_until(stream, room, 8, ";", 1, net_done, &fits)) > 0);
    REQUIRE(net_run_until(loop, &fits.calls, 1));
    CHECK_EQ(fits.result, 8);
    CHECK(!memcmp(room, "1234567;?", 9));
    /* The delimiter begins inside the room and ends outside: no room for it either. */
    CHECK(net_send_text(peer, "\r\n"));
    CHECK(NET_START(rondel_read_until(stream, room, 3, "\r\n", 2, net_done, &split)) > 0);
    REQUIRE(net_run_until(loop, &split.calls, 1));
    CHECK_EQ(split.result, RONDEL_EMSGSIZE);
    expect(loop, stream, "89\r\n", 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(small.calls + fits.calls + split.calls, 3);
    close(peer);
}

TEST(a_read_given_up_in_mid_way_loses_nothing) {
    rondel_loop loop = rondel_loop_new();
    for (int how = 0; how < 2; how++) {
        for (int form = 0; form < 3; form++) {
            struct net_op op = {0};
            char room[64];
            int peer;
            rondel_tcp stream = net_stream(loop, &peer);
            rondel_future future;
            if (form == 0) future = rondel_read_exactly(stream, room, 20, net_done, &op);
            else if (form == 1) future = rondel_read_until(stream, room, 64, "\r\n", 2, net_done, &op);
            else future = rondel_read(stream, room, 64, net_done, &op);
            CHECK(future > 0);
            if (form != 2) CHECK(net_send_text(peer, "begun\r"));
            net_settle(loop);
            CHECK_EQ(op.calls, 0);
            if (how == 0) CHECK_EQ(NET_START(rondel_cancel(future)), 0);
            else CHECK_EQ(NET_START(rondel_timeout(future, RONDEL_MS)), future);
            REQUIRE(net_run_until(loop, &op.calls, 1));
            CHECK_EQ(op.result, how == 0 ? RONDEL_ECANCELED : RONDEL_ETIMEDOUT);
            memset(room, '?', sizeof room);
            if (form == 2) CHECK(net_send_text(peer, "begun\r"));
            CHECK(net_send_text(peer, "\nmore"));
            struct net_op next = {0};
            CHECK(NET_START(rondel_read_until(stream, room, 64, "\r\n", 2, net_done, &next)) > 0);
            REQUIRE(net_run_until(loop, &next.calls, 1));
            CHECK_EQ(next.result, 7);
            CHECK(!memcmp(room, "begun\r\n", 7));
            expect(loop, stream, "more", 64);
            CHECK_EQ(op.calls, 1);
            CHECK_EQ(rondel_close(stream), 0);
            close(peer);
        }
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* A cancel before the loop has turned, and one after the bytes have come: both leave them to the next reader. */
TEST(a_cancelled_read_does_not_take_bytes_along) {
    rondel_loop loop = rondel_loop_new();
    struct net_op op = {0};
    char room[8];
    int peer;
    rondel_tcp stream = net_stream(loop, &peer);
    CHECK(net_send_text(peer, "abc"));
    net_wait_readable((int)rondel_fileno(stream));
    rondel_future future = rondel_read(stream, room, sizeof room, net_done, &op);
    CHECK_EQ(NET_START(rondel_cancel(future)), 0);
    expect(loop, stream, "abc", 8);
    net_settle(loop);
    CHECK_EQ(op.calls, 1);
    CHECK_EQ(op.result, RONDEL_ECANCELED);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(peer);
}

struct collector {
    char text[256];
    size_t length;
    int64_t calls;
};

static void collect(rondel_stream stream, const uint8_t *bytes, int64_t n, void *user_data) {
    struct collector *collector = user_data;
    (void)stream;
    CHECK_EQ(net_starting, 0);
    if (n == 0) return; /* lent, and back empty */
    CHECK(n > 0 && collector->length + (size_t)n < sizeof collector->text);
    if (n > 0) memcpy(collector->text + collector->length, bytes, (size_t)n);
    collector->length += (size_t)n;
    collector->calls++;
}

static uint8_t lent[3];

static uint8_t *lend_three(rondel_stream stream, size_t *size, void *user_data) {
    (void)stream, (void)user_data;
    *size = sizeof lent;
    return lent;
}

TEST(pushed_reading_begins_with_what_was_left_over) {
    rondel_loop loop = rondel_loop_new();
    for (int into = 0; into < 2; into++) {
        struct collector collector = {{0}, 0, 0};
        struct net_op op = {0};
        char room[300], all[240];
        int peer;
        rondel_tcp stream = net_stream(loop, &peer);
        net_fill(all, sizeof all, 0);
        CHECK(net_send_text(peer, "key:"));
        CHECK(net_send(peer, all, 240));
        CHECK(rondel_read_until(stream, room, sizeof room, ":", 1, net_done, &op) > 0);
        REQUIRE(net_run_until(loop, &op.calls, 1));
        CHECK_EQ(op.result, 4);
        /* Nothing new comes from the peer: the left-over must be told by itself. */
        if (into) CHECK_EQ(NET_START(rondel_read_start_into(stream, lend_three, collect, &collector)), 0);
        else CHECK_EQ(NET_START(rondel_read_start(stream, collect, &collector)), 0);
        CHECK_EQ(collector.calls, 0);
        while (collector.length < 240) REQUIRE_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
        CHECK(!memcmp(collector.text, all, 240));
        CHECK_EQ(rondel_read_stop(stream), 0);
        CHECK(net_send_text(peer, "!"));
        expect(loop, stream, "!", 8);
        CHECK_EQ(rondel_close(stream), 0);
        close(peer);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* The form of reading changes with every message; all of it comes, in order. */
TEST(changing_the_form_of_reading_loses_nothing) {
    rondel_loop loop = rondel_loop_new();
    struct collector collector = {{0}, 0, 0};
    char all[200], room[32];
    int peer;
    size_t at = 0;
    rondel_tcp stream = net_stream(loop, &peer);
    for (int i = 0; i < 199; i++) all[i] = (char)(i % 10 == 9 ? '\n' : 'a' + i % 23);
    all[199] = 0;
    CHECK(net_send(peer, all, 199));
    for (int i = 0; at < 190; i++) {
        struct net_op op = {0};
        if (i % 4 == 0) CHECK(NET_START(rondel_read_exactly(stream, room, 7, net_done, &op)) > 0);
        if (i % 4 == 1) CHECK(NET_START(rondel_read_until(stream, room, 32, "\n", 1, net_done, &op)) > 0);
        if (i % 4 == 2) CHECK(NET_START(rondel_read(stream, room, 2, net_done, &op)) > 0);
        if (i % 4 == 3) {
            lent[0] = 0;
            collector.length = 0;
            CHECK_EQ(NET_START(rondel_read_start_into(stream, lend_three, collect, &collector)), 0);
            while (collector.length == 0) REQUIRE_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
            CHECK_EQ(rondel_read_stop(stream), 0);
            CHECK(!memcmp(collector.text, all + at, collector.length));
            at += collector.length;
            continue;
        }
        REQUIRE(net_run_until(loop, &op.calls, 1));
        REQUIRE(op.result > 0);
        CHECK(!memcmp(room, all + at, (size_t)op.result));
        at += (size_t)op.result;
    }
    if (at < 199) expect(loop, stream, all + at, 200);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(peer);
}

struct overtaking {
    rondel_stream stream;
    char room[2];
    struct net_op read, pushed;
};

static void note_push(rondel_stream stream, const uint8_t *bytes, int64_t n, void *user_data) {
    struct overtaking *both = user_data;
    CHECK(n == 2 && !memcmp(bytes, "ef", 2));
    net_done(stream, n, &both->pushed);
}

static void read_then_push(rondel_handle source, int64_t result, void *user_data) {
    struct overtaking *both = user_data;
    (void)source, (void)result;
    CHECK(NET_START(rondel_read(both->stream, both->room, 2, net_done, &both->read)) > 0);
    CHECK_EQ(NET_START(rondel_read_start(both->stream, note_push, both)), 0); /* the read is done, if not told */
}

TEST(pushed_reading_does_not_overtake_a_read_not_told_yet) {
    rondel_loop loop = rondel_loop_new();
    struct overtaking both = {0};
    struct net_op op = {0};
    char room[8];
    int peer;
    both.stream = net_stream(loop, &peer);
    CHECK(net_send_text(peer, "ab;cd"));
    CHECK(rondel_read_until(both.stream, room, sizeof room, ";", 1, net_done, &op) > 0);
    REQUIRE(net_run_until(loop, &op.calls, 1));
    CHECK(net_send_text(peer, "ef"));
    net_wait_readable((int)rondel_fileno(both.stream));
    CHECK(rondel_call_soon(loop, read_then_push, &both) > 0);
    net_settle(loop);
    CHECK_EQ(both.read.calls, 1);
    CHECK_EQ(both.pushed.calls, 1);
    CHECK(!memcmp(both.room, "cd", 2));
    CHECK(both.pushed.order > both.read.order);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(peer);
}

struct chain {
    struct net_op op;
    rondel_stream stream;
    char room[8];
    int64_t left;
};

static void read_next_line(rondel_handle source, int64_t result, void *user_data) {
    struct chain *chain = user_data;
    net_done(source, result, &chain->op);
    CHECK_EQ(result, 2);
    CHECK_EQ(rondel_future_result(source), 2);
    if (--chain->left)
        CHECK(NET_START(rondel_read_until(chain->stream, chain->room, 8, "\n", 1, read_next_line, chain)) > 0);
}

TEST(a_read_may_start_the_next_from_its_callback) {
    rondel_loop loop = rondel_loop_new();
    struct chain chain = {{0}, 0, {0}, 2000};
    int peer;
    chain.stream = net_stream(loop, &peer);
    for (int i = 0; i < 20; i++) { /* in a few large pieces: systems count pieces too */
        char lines[200];
        for (int j = 0; j < 100; j++) memcpy(lines + 2 * j, "x\n", 2);
        CHECK(net_send(peer, lines, sizeof lines));
    }
    CHECK(rondel_read_until(chain.stream, chain.room, 8, "\n", 1, read_next_line, &chain) > 0);
    REQUIRE(net_run_until(loop, &chain.op.calls, 2000));
    CHECK_EQ(chain.left, 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(peer);
}

TEST_MAIN(RUN(exactly_waits_for_all_of_it), RUN(exactly_cut_by_the_end_leaves_what_came),
          RUN(until_finds_its_delimiter_however_it_is_split), RUN(until_serves_line_after_line_from_one_packet),
          RUN(until_without_room_is_emsgsize_and_keeps_the_bytes), RUN(a_read_given_up_in_mid_way_loses_nothing),
          RUN(a_cancelled_read_does_not_take_bytes_along), RUN(pushed_reading_begins_with_what_was_left_over),
          RUN(pushed_reading_does_not_overtake_a_read_not_told_yet),
          RUN(changing_the_form_of_reading_loses_nothing), RUN(a_read_may_start_the_next_from_its_callback))
