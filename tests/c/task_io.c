/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Streams for tasks: connect, accept, read and write awaited, in straight lines. */
#include "support/test.h"

#include "support/net.h"
#include "support/steps.h"
#include "support/task.h"

static int port_of(rondel_tcp tcp) {
    int port = 0;
    CHECK(rondel_local_addr(tcp, NULL, 0, &port) > 0);
    return port;
}

static rondel_future spawn(rondel_task_fn fn, void *arg) { return rondel_task_spawn(rondel_loop_current(), fn, arg); }

/* ---- a server of tasks and clients of tasks */

static int64_t echo_lines(void *arg) {
    rondel_tcp peer = task_number(arg);
    char line[64];
    int64_t n, lines = 0;
    while ((n = rondel_await(rondel_read_until(peer, line, sizeof line, "\n", 1, RONDEL_FUTURE))) > 0) {
        if ((n = rondel_await(rondel_write(peer, line, (size_t)n, RONDEL_FUTURE))) < 0) break;
        lines++;
    }
    CHECK_EQ(n, RONDEL_EOF);
    CHECK_EQ(rondel_close(peer), 0);
    return lines;
}

struct server {
    int64_t clients, lines;
    rondel_tcp listener;
    rondel_future *peers;
};

static int64_t serve(void *arg) {
    struct server *server = arg;
    for (int64_t i = 0; i < server->clients; i++) {
        rondel_tcp peer = rondel_await(rondel_accept(server->listener, RONDEL_FUTURE));
        CHECK(peer > 0);
        server->peers[i] = spawn(echo_lines, task_arg(peer));
    }
    for (int64_t i = 0; i < server->clients; i++) server->lines += rondel_await(server->peers[i]);
    return rondel_close(server->listener);
}

enum { LINES = 20 };

static int64_t be_client(void *arg) {
    rondel_loop loop = rondel_loop_current();
    rondel_tcp tcp = rondel_await(rondel_tcp_connect(loop, "127.0.0.1", (int)task_number(arg), RONDEL_FUTURE));
    char said[64], heard[64];
    CHECK(tcp > 0);
    for (int i = 0; i < LINES; i++) {
        int length = snprintf(said, sizeof said, "line %d of client %" PRId64 "\n", i, tcp);
        CHECK_EQ(rondel_await(rondel_write(tcp, said, (size_t)length, RONDEL_FUTURE)), length);
        CHECK_EQ(rondel_await(rondel_read_exactly(tcp, heard, (size_t)length, RONDEL_FUTURE)), length);
        CHECK_EQ(memcmp(said, heard, (size_t)length), 0);
    }
    CHECK_EQ(rondel_await(rondel_shutdown(tcp, RONDEL_FUTURE)), 0);
    CHECK_EQ(rondel_await(rondel_read(tcp, heard, sizeof heard, RONDEL_FUTURE)), RONDEL_EOF);
    return rondel_close(tcp);
}

TEST(a_server_and_its_clients_are_straight_lines) {
    const int64_t clients = test_scale(200, 10);
    rondel_loop loop = rondel_loop_new();
    int64_t handles = rondel_metric(loop, RONDEL_METRIC_HANDLES);
    struct server server = {clients, 0, rondel_tcp_listen(loop, "127.0.0.1", 0, NULL, NULL), NULL};
    rondel_future *tasks = calloc((size_t)clients, sizeof *tasks);
    int port = port_of(server.listener);
    server.peers = calloc((size_t)clients, sizeof *tasks);
    rondel_future serving = rondel_task_spawn(loop, serve, &server);
    for (int64_t i = 0; i < clients; i++) tasks[i] = rondel_task_spawn(loop, be_client, task_arg(port));
    for (int64_t i = 0; i < clients; i++) CHECK_EQ(rondel_run_until(loop, tasks[i]), 0);
    CHECK_EQ(rondel_run_until(loop, serving), 0);
    CHECK_EQ(server.lines, clients * LINES);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), handles);
    CHECK_EQ(rondel_loop_free(loop), 0);
    free(server.peers);
    free(tasks);
}

/* ---- failures chain */

static int64_t ask_refused_port(void *arg) {
    char bytes[8];
    /* The example of the API's design: one check at the end is enough. */
    rondel_loop loop = rondel_loop_current();
    rondel_tcp tcp = rondel_await(rondel_timeout(
        rondel_tcp_connect(loop, "127.0.0.1", (int)task_number(arg), RONDEL_FUTURE), 60 * RONDEL_SECOND));
    CHECK_EQ(rondel_await(rondel_write(tcp, "GET", 3, RONDEL_FUTURE)), tcp);
    int64_t n = rondel_await(rondel_read(tcp, bytes, sizeof bytes, RONDEL_FUTURE));
    CHECK_EQ(rondel_close(tcp), tcp);
    return n;
}

TEST(a_refused_connection_chains_through_to_the_end) {
    int bound = net_bound("127.0.0.1", 0);
    CHECK_EQ(task_run(ask_refused_port, task_arg(net_port(bound))), RONDEL_ECONNREFUSED);
    close(bound);
}

/* ---- deadlines and cancels lose no bytes */

struct reader {
    rondel_tcp stream;
    char bytes[64];
    int64_t results[4];
    rondel_future promise;
};

static int64_t read_with_patience(void *arg) {
    struct reader *reader = arg;
    int64_t *results = reader->results;
    results[0] = rondel_await(
        rondel_timeout(rondel_read_exactly(reader->stream, reader->bytes, 10, RONDEL_FUTURE), RONDEL_MS));
    results[1] = rondel_await(reader->promise);
    results[2] = rondel_await(rondel_read_exactly(reader->stream, reader->bytes, 10, RONDEL_FUTURE));
    results[3] = rondel_await(rondel_read(reader->stream, reader->bytes + 10, 54, RONDEL_FUTURE));
    return 0;
}

TEST(a_read_over_its_time_loses_nothing) {
    rondel_loop loop = rondel_loop_new();
    struct reader reader = {0, "", {0}, rondel_future_new(loop)};
    int peer;
    reader.stream = net_stream(loop, &peer);
    CHECK(net_send_text(peer, "01234"));
    rondel_future task = rondel_task_spawn(loop, read_with_patience, &reader);
    while (reader.results[0] == 0) rondel_run(loop, RONDEL_RUN_NOWAIT);
    CHECK_EQ(reader.results[0], RONDEL_ETIMEDOUT);
    CHECK(net_send_text(peer, "56789abc"));
    CHECK_EQ(rondel_future_set(reader.promise, 1), 0);
    CHECK_EQ(rondel_run_until(loop, task), 0);
    CHECK_EQ(reader.results[2], 10);
    CHECK_EQ(reader.results[3], 3);
    CHECK_STR(reader.bytes, "0123456789abc");
    CHECK_EQ(rondel_close(reader.stream), 0);
    close(peer);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t read_line(void *arg) {
    struct reader *reader = arg;
    return rondel_await(rondel_read_until(reader->stream, reader->bytes, sizeof reader->bytes, "\n", 1, RONDEL_FUTURE));
}

TEST(a_cancelled_reader_leaves_its_bytes_to_the_next) {
    rondel_loop loop = rondel_loop_new();
    struct reader reader = {0, "", {0}, 0};
    int peer;
    reader.stream = net_stream(loop, &peer);
    CHECK(net_send_text(peer, "half a "));
    rondel_future task = rondel_task_spawn(loop, read_line, &reader);
    net_settle(loop);
    CHECK_EQ(rondel_cancel(task), 0);
    CHECK_EQ(rondel_run_until(loop, task), RONDEL_ECANCELED);
    CHECK(net_send_text(peer, "line\n"));
    CHECK_EQ(rondel_run_until(loop, rondel_task_spawn(loop, read_line, &reader)), 12);
    CHECK_EQ(memcmp(reader.bytes, "half a line\n", 12), 0);
    CHECK_EQ(rondel_close(reader.stream), 0);
    close(peer);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t accept_one(void *arg) {
    return rondel_await(rondel_accept(task_number(arg), RONDEL_FUTURE));
}

TEST(a_cancelled_accept_leaves_the_connection_to_the_next) {
    rondel_loop loop = rondel_loop_new();
    rondel_tcp listener = rondel_tcp_listen(loop, "127.0.0.1", 0, NULL, NULL);
    rondel_future first = rondel_task_spawn(loop, accept_one, task_arg(listener));
    rondel_future second = rondel_task_spawn(loop, accept_one, task_arg(listener));
    net_settle(loop);
    CHECK_EQ(rondel_cancel(first), 0);
    int client = knock(listener);
    CHECK_EQ(rondel_run_until(loop, first), RONDEL_ECANCELED);
    rondel_tcp peer = rondel_run_until(loop, second);
    CHECK(peer > 0);
    CHECK_EQ(rondel_close(peer), 0);
    CHECK_EQ(rondel_close(listener), 0);
    close(client);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t close_given(void *arg) { return rondel_close(task_number(arg)); }

TEST(closing_a_stream_ends_the_task_that_reads_it) {
    rondel_loop loop = rondel_loop_new();
    struct reader reader = {0, "", {0}, 0};
    int peer;
    reader.stream = net_stream(loop, &peer);
    rondel_future task = rondel_task_spawn(loop, read_line, &reader);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(rondel_run_until(loop, rondel_task_spawn(loop, close_given, task_arg(reader.stream))), 0);
    CHECK_EQ(rondel_run_until(loop, task), RONDEL_ECANCELED);
    close(peer);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* ---- writes */

struct writer {
    rondel_tcp stream;
    int64_t written, of;
};

static int64_t write_all(void *arg) {
    struct writer *writer = arg;
    static uint8_t bytes[65536];
    while (writer->written < writer->of) {
        net_fill(bytes, sizeof bytes, (uint64_t)writer->written);
        int64_t n = rondel_await(rondel_write(writer->stream, bytes, sizeof bytes, RONDEL_FUTURE));
        if (n < 0) return n;
        writer->written += n;
        /* It waits for each: however slow the peer is, never more than this one is queued. */
        CHECK_EQ(rondel_write_queue_size(writer->stream), 0);
    }
    return 0;
}

TEST(a_task_that_awaits_its_writes_is_held_back_by_a_slow_peer) {
    rondel_loop loop = rondel_loop_new();
    struct writer writer = {0, 0, test_scale(64, 4) * 65536 * 16};
    int peer;
    writer.stream = net_stream(loop, &peer);
    net_shrink(peer);
    net_shrink((int)rondel_fileno(writer.stream));
    rondel_future task = rondel_task_spawn(loop, write_all, &writer);
    net_settle(loop);
    CHECK(writer.written < writer.of);
    CHECK(rondel_write_queue_size(writer.stream) <= 65536);
    CHECK_EQ(net_drain(loop, peer, (size_t)writer.of, 0), writer.of);
    CHECK_EQ(rondel_run_until(loop, task), 0);
    CHECK_EQ(rondel_close(writer.stream), 0);
    close(peer);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_writer_that_is_cancelled_stops) {
    rondel_loop loop = rondel_loop_new();
    struct writer writer = {0, 0, INT64_MAX};
    int peer;
    writer.stream = net_stream(loop, &peer);
    net_shrink(peer);
    net_shrink((int)rondel_fileno(writer.stream));
    rondel_future task = rondel_task_spawn(loop, write_all, &writer);
    net_settle(loop);
    CHECK_EQ(rondel_cancel(task), 0);
    CHECK_EQ(rondel_run_until(loop, task), RONDEL_ECANCELED);
    CHECK_EQ(rondel_close(writer.stream), 0);
    close(peer);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* The segments with data that a socket has sent, by offset: not every system header knows the field yet. */
static int64_t segments_sent(int fd) {
#ifdef __linux__
    uint8_t info[256] = {0};
    uint32_t count;
    socklen_t size = sizeof info;
    getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &size);
    memcpy(&count, info + 156, sizeof count); /* tcpi_data_segs_out */
    return count;
#else
    (void)fd;
    return -1;
#endif
}

static int64_t write_in_steps(void *arg) {
    rondel_tcp stream = task_number(arg);
    int fd = (int)rondel_fileno(stream);
    for (int i = 0; i < 16; i++) CHECK(rondel_write(stream, "0123456789abcdef", 16, NULL, NULL) > 0);
    CHECK_EQ(segments_sent(fd), 0); /* not while the step goes on */
    CHECK_EQ(rondel_yield(), 0);
    CHECK_EQ(segments_sent(fd), 1); /* but all of it when it suspends */
    for (int i = 0; i < 16; i++) CHECK(rondel_write(stream, "0123456789abcdef", 16, NULL, NULL) > 0);
    CHECK_EQ(rondel_await(rondel_future_new(RONDEL_EPIPE)), RONDEL_EPIPE); /* not a wait */
    CHECK_EQ(segments_sent(fd), 1);
    CHECK_EQ(rondel_await(rondel_write(stream, "last", 4, RONDEL_FUTURE)), 4);
    CHECK_EQ(segments_sent(fd), 2);
    for (int i = 0; i < 16; i++) CHECK(rondel_write(stream, "0123456789abcdef", 16, NULL, NULL) > 0);
    return 0; /* and when it ends */
}

TEST(small_writes_of_one_step_leave_in_one_segment) {
    if (ON_QEMU) SKIP("qemu does not count segments");
    int peer;
    char room[1024];
    if (segments_sent(-1) < 0) SKIP("this system does not count segments");
    rondel_loop loop = rondel_loop_new();
    rondel_tcp stream = net_stream(loop, &peer);
    CHECK_EQ(rondel_run_until(loop, rondel_task_spawn(loop, write_in_steps, task_arg(stream))), 0);
    CHECK_EQ(segments_sent((int)rondel_fileno(stream)), 3);
    CHECK_EQ(net_receive(peer, room, 256 + 260 + 256), 256 + 260 + 256);
    CHECK_EQ(rondel_close(stream), 0);
    close(peer);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST_MAIN(RUN(a_server_and_its_clients_are_straight_lines), RUN(a_refused_connection_chains_through_to_the_end),
          RUN(a_read_over_its_time_loses_nothing), RUN(a_cancelled_reader_leaves_its_bytes_to_the_next),
          RUN(a_cancelled_accept_leaves_the_connection_to_the_next), RUN(closing_a_stream_ends_the_task_that_reads_it),
          RUN(a_task_that_awaits_its_writes_is_held_back_by_a_slow_peer), RUN(a_writer_that_is_cancelled_stops),
          RUN(small_writes_of_one_step_leave_in_one_segment))
