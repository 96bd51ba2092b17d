/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Connecting to local sockets: how it ends, each way once, and who is found at the other end.
 */
#include "support/local.h"

static void close_it(rondel_handle source, int64_t result, void *user_data) {
    net_done(source, result, user_data);
    CHECK(result > 0);
    CHECK_EQ(rondel_close(result), 0);
}

TEST(the_result_is_a_handle_that_carries_bytes) {
    rondel_loop loop = rondel_loop_new();
    struct net_op op = {0}, write = {0}, read = {0};
    char room[16] = {0};
    const char *path = local_path("server");
    int listener = local_listener(path, 4);
    rondel_future future = NET_START(rondel_pipe_connect(loop, path, net_done, &op));
    CHECK(future > 0);
    CHECK_EQ(op.calls, 0);
    REQUIRE(net_run_until(loop, &op.calls, 1));
    CHECK_EQ(op.source, future);
    CHECK_EQ(rondel_kind(op.result), RONDEL_KIND_PIPE);
    int peer = accept(listener, NULL, NULL);
    CHECK(rondel_write(op.result, "question", 8, net_done, &write) > 0);
    CHECK_EQ(net_receive(peer, room, 8), 8);
    CHECK(net_send_text(peer, "answer"));
    CHECK(rondel_read_exactly(op.result, room, 6, net_done, &read) > 0);
    REQUIRE(net_run_until(loop, &read.calls, 1));
    REQUIRE(net_run_until(loop, &write.calls, 1));
    CHECK_EQ(memcmp(room, "answer", 6), 0);
    close(peer);
    CHECK(rondel_read(op.result, room, 6, net_done, &read) > 0);
    REQUIRE(net_run_until(loop, &read.calls, 2));
    CHECK_EQ(read.result, RONDEL_EOF);
    CHECK_EQ(op.calls, 1);
    close(listener);
    CHECK_EQ(unlink(path), 0);
    local_end(loop);
}

TEST(what_cannot_be_connected_to_fails_with_the_reason) {
    rondel_loop loop = rondel_loop_new();
    struct net_op ops[5];
    const char *stale = local_path("stale"), *file = local_path("file"), *bound = local_path("bound");
    memset(ops, 0, sizeof ops);
    close(local_listener(stale, 1));
    close(open(file, O_CREAT | O_WRONLY, 0600));
    int unlistening = local_listener(bound, -1);
    CHECK(NET_START(rondel_pipe_connect(loop, "/no/such/path", net_done, &ops[0])) > 0);
    CHECK(NET_START(rondel_pipe_connect(loop, stale, net_done, &ops[1])) > 0);
    CHECK(NET_START(rondel_pipe_connect(loop, file, net_done, &ops[2])) > 0);
    CHECK(NET_START(rondel_pipe_connect(loop, bound, net_done, &ops[3])) > 0);
    CHECK(NET_START(rondel_pipe_connect(loop, "/dev/null/x", net_done, &ops[4])) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    const int64_t expected[] = {RONDEL_ENOENT, RONDEL_ECONNREFUSED, RONDEL_ECONNREFUSED, RONDEL_ECONNREFUSED,
                                RONDEL_ENOTDIR};
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(ops[i].calls, 1);
        CHECK_EQ(ops[i].result, expected[i]);
    }
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
    close(unlistening);
    CHECK_EQ(unlink(stale) | unlink(file) | unlink(bound), 0);
    local_end(loop);
}

enum { CROWD = 32 };

/* Where the system refuses what it has no room for (as macOS and the BSDs do), they fail. */
TEST(connects_beyond_the_backlog_wait_for_room) {
    rondel_loop loop = rondel_loop_new();
    struct net_op ops[CROWD];
    int64_t done = 0;
    int peers[CROWD], taken = 0;
    const char *path = local_path("crowded");
    int listener = local_listener(path, 1);
    memset(ops, 0, sizeof ops);
    fcntl(listener, F_SETFL, O_NONBLOCK);
    for (int i = 0; i < CROWD; i++) CHECK(NET_START(rondel_pipe_connect(loop, path, net_done, &ops[i])) > 0);
    net_settle(loop);
    for (int i = 0; i < CROWD; i++) done += ops[i].calls;
    CHECK(done < CROWD || ops[CROWD - 1].result == RONDEL_ECONNREFUSED);
    while (done < CROWD) {
        int peer = accept(listener, NULL, NULL);
        if (peer >= 0) peers[taken++] = peer;
        rondel_run(loop, peer >= 0 ? RONDEL_RUN_NOWAIT : RONDEL_RUN_ONCE);
        done = 0;
        for (int i = 0; i < CROWD; i++) done += ops[i].calls;
    }
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    for (int i = 0; i < CROWD; i++) {
        CHECK_EQ(ops[i].calls, 1);
#ifdef __linux__
        CHECK_EQ(rondel_kind(ops[i].result), RONDEL_KIND_PIPE);
#endif
    }
    while (taken > 0) close(peers[--taken]);
    close(listener);
    CHECK_EQ(unlink(path), 0);
    local_end(loop);
}

TEST(a_connect_that_waits_can_be_cancelled_and_given_a_deadline) {
    rondel_loop loop = rondel_loop_new();
    struct net_op fills[3], cancelled = {0}, late = {0}, left = {0};
    const char *path = local_path("full");
    int listener = local_listener(path, 0);
    memset(fills, 0, sizeof fills);
#ifndef __linux__
    close(listener);
    CHECK_EQ(unlink(path), 0);
    local_end(loop);
    SKIP("this system does not make them wait");
#endif
    CHECK(rondel_pipe_connect(loop, path, net_done, &fills[0]) > 0);
    net_settle(loop);
    CHECK_EQ(fills[0].calls, 1);
    rondel_future one = NET_START(rondel_pipe_connect(loop, path, net_done, &cancelled));
    rondel_future two = NET_START(rondel_pipe_connect(loop, path, net_done, &late));
    CHECK(NET_START(rondel_pipe_connect(loop, path, net_done, &left)) > 0);
    CHECK(rondel_timeout(two, 5 * RONDEL_MS) > 0);
    net_settle(loop);
    CHECK_EQ(cancelled.calls, 0);
    CHECK_EQ(rondel_cancel(one), 0);
    CHECK_EQ(cancelled.calls, 0);
    REQUIRE(net_run_until(loop, &cancelled.calls, 1));
    CHECK_EQ(cancelled.result, RONDEL_ECANCELED);
    REQUIRE(net_run_until(loop, &late.calls, 1));
    CHECK_EQ(late.result, RONDEL_ETIMEDOUT);
    CHECK_EQ(left.calls, 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(left.calls, 1);
    CHECK_EQ(left.result, RONDEL_ECANCELED);
    CHECK_EQ(cancelled.calls + late.calls, 2);
    close(listener);
    CHECK_EQ(unlink(path), 0);
    local_done();
}

TEST(a_connection_nobody_hears_of_is_closed) {
    rondel_loop loop = rondel_loop_new();
    char byte;
    const char *path = local_path("unheard");
    int listener = local_listener(path, 4);
    CHECK(rondel_pipe_connect(loop, path, NULL, NULL) > 0);
    rondel_future kept = rondel_pipe_connect(loop, path, RONDEL_FUTURE);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_release(kept), 0); /* its value was never asked for */
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
    for (int i = 0; i < 2; i++) {
        int peer = accept(listener, NULL, NULL);
        CHECK_EQ(recv(peer, &byte, 1, 0), 0);
        close(peer);
    }
    close(listener);
    CHECK_EQ(unlink(path), 0);
    local_end(loop);
}

TEST(many_connect_at_once_and_each_is_told_once) {
    rondel_loop loop = rondel_loop_new();
    enum { MANY = 60 };
    struct local_accepted accepted = {0};
    struct net_op ops[MANY];
    const char *path = local_path("many");
    memset(ops, 0, sizeof ops);
    rondel_pipe server = rondel_pipe_listen(loop, path, local_keep, &accepted);
    for (int i = 0; i < MANY; i++) CHECK(rondel_pipe_connect(loop, path, close_it, &ops[i]) > 0);
    for (int i = 0; i < MANY; i++) REQUIRE(net_run_until(loop, &ops[i].calls, 1));
    REQUIRE(net_run_until(loop, &accepted.count, MANY));
    CHECK_EQ(rondel_close(server), 0);
    for (int i = 0; i < MANY; i++) CHECK_EQ(rondel_close(accepted.peers[i]), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
    for (int i = 0; i < MANY; i++) CHECK_EQ(ops[i].calls, 1);
    local_end(loop);
}

TEST(each_side_learns_who_the_other_is) {
    rondel_loop loop = rondel_loop_new();
    struct local_accepted accepted = {0};
    struct net_op op = {0};
    const char *path = local_path("who");
    rondel_pipe server = rondel_pipe_listen(loop, path, local_keep, &accepted);
    CHECK(rondel_pipe_connect(loop, path, net_done, &op) > 0);
    REQUIRE(net_run_until(loop, &op.calls, 1));
    REQUIRE(net_run_until(loop, &accepted.count, 1));
    const rondel_pipe sides[] = {op.result, accepted.peers[0]};
    for (int i = 0; i < 2; i++) {
        int64_t process = -7, user = -7, group = -7;
        CHECK_EQ(rondel_pipe_peer_credentials(sides[i], &process, &user, &group), 0);
        CHECK(process == getpid() || process == -1);
#if defined(__linux__) || defined(__APPLE__)
        CHECK_EQ(process, getpid());
#endif
        CHECK_EQ(user, geteuid());
        CHECK_EQ(group, getegid());
        CHECK_EQ(rondel_pipe_peer_credentials(sides[i], NULL, NULL, NULL), 0);
        user = -7;
        CHECK_EQ(rondel_pipe_peer_credentials(sides[i], NULL, &user, NULL), 0);
        CHECK_EQ(user, geteuid());
    }
    rondel_pipe ends[2];
    CHECK_EQ(rondel_pipe_peer_credentials(server, NULL, NULL, NULL), RONDEL_ENOTCONN);
    CHECK_EQ(rondel_pipe_pair(loop, RONDEL_PIPE_ONE_WAY, ends), 0);
    CHECK_EQ(rondel_pipe_peer_credentials(ends[0], NULL, NULL, NULL), RONDEL_ENOTSOCK);
    CHECK_EQ(rondel_pipe_pair(loop, RONDEL_PIPE_BOTH_WAYS, ends), 0);
    CHECK_EQ(rondel_pipe_peer_credentials(ends[0], NULL, NULL, NULL), 0);
    local_end(loop);
}

static int64_t talk(void *path) {
    char room[8];
    rondel_loop loop = rondel_loop_current();
    rondel_pipe pipe = rondel_await(rondel_timeout(rondel_pipe_connect(loop, path, RONDEL_FUTURE), 60 * RONDEL_SECOND));
    rondel_await(rondel_write(pipe, "ping", 4, RONDEL_FUTURE));
    rondel_await(rondel_read_exactly(pipe, room, 4, RONDEL_FUTURE));
    CHECK_EQ(memcmp(room, "ping", 4), 0);
    return rondel_close(pipe);
}

static int64_t serve(void *listener) {
    char room[8];
    rondel_pipe peer = rondel_await(rondel_accept(*(rondel_pipe *)listener, RONDEL_FUTURE));
    rondel_await(rondel_read_exactly(peer, room, 4, RONDEL_FUTURE));
    rondel_await(rondel_write(peer, room, 4, RONDEL_FUTURE));
    return rondel_close(peer);
}

TEST(tasks_talk_in_straight_lines) {
    rondel_loop loop = rondel_loop_new();
    const char *path = local_path("tasks");
    rondel_pipe server = rondel_pipe_listen(loop, path, NULL, NULL);
    rondel_future both[2] = {rondel_task_spawn(loop, serve, &server), rondel_task_spawn(loop, talk, (void *)path)};
    CHECK_EQ(rondel_run_until(loop, rondel_gather(both, 2, NULL, RONDEL_FUTURE)), 0);
    local_end(loop);
}

/* The next two: the peer goes at the worst moment. */
TEST(a_peer_that_dies_halfway_through_is_an_end_and_no_more) {
    rondel_loop loop = rondel_loop_new();
    struct net_op read = {0}, write = {0};
    int peer;
    char room[100], *bytes = calloc(1, 4 << 20);
    rondel_pipe stream = local_stream(loop, &peer);
    CHECK(rondel_read_exactly(stream, room, 100, net_done, &read) > 0);
    CHECK(rondel_write(stream, bytes, 4 << 20, net_done, &write) > 0);
    CHECK(net_send_text(peer, "half"));
    net_settle(loop);
    CHECK_EQ(read.calls + write.calls, 0);
    close(peer);
    REQUIRE(net_run_until(loop, &read.calls, 1));
    REQUIRE(net_run_until(loop, &write.calls, 1));
    CHECK(read.result == RONDEL_EOF || read.result == RONDEL_ECONNRESET);
    CHECK(write.result == RONDEL_EPIPE || write.result == RONDEL_ECONNRESET);
    net_settle(loop);
    CHECK_EQ(read.calls + write.calls, 2);
    free(bytes);
    local_end(loop);
}

TEST(a_slow_reader_holds_up_the_writer_and_gets_everything) {
    rondel_loop loop = rondel_loop_new();
    enum { MUCH = 8 << 20 };
    struct net_op write = {0}, shutdown = {0};
    int peer;
    uint8_t *bytes = malloc(MUCH);
    rondel_pipe stream = local_stream(loop, &peer);
    net_fill(bytes, MUCH, 0);
    CHECK(rondel_write(stream, bytes, MUCH, net_done, &write) > 0);
    CHECK(rondel_shutdown(stream, net_done, &shutdown) > 0);
    net_settle(loop);
    CHECK_EQ(write.calls, 0);
    CHECK(rondel_write_queue_size(stream) > MUCH / 2);
    CHECK_EQ(net_drain(loop, peer, MUCH, 0), MUCH);
    REQUIRE(net_run_until(loop, &shutdown.calls, 1));
    CHECK_EQ(write.result, MUCH);
    CHECK_EQ(recv(peer, bytes, 1, 0), 0);
    close(peer);
    free(bytes);
    local_end(loop);
}

TEST_MAIN(RUN(the_result_is_a_handle_that_carries_bytes), RUN(what_cannot_be_connected_to_fails_with_the_reason),
          RUN(connects_beyond_the_backlog_wait_for_room),
          RUN(a_connect_that_waits_can_be_cancelled_and_given_a_deadline), RUN(a_connection_nobody_hears_of_is_closed),
          RUN(many_connect_at_once_and_each_is_told_once), RUN(each_side_learns_who_the_other_is),
          RUN(tasks_talk_in_straight_lines), RUN(a_peer_that_dies_halfway_through_is_an_end_and_no_more),
          RUN(a_slow_reader_holds_up_the_writer_and_gets_everything))
