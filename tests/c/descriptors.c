/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Descriptors: running out of them, bringing one in, taking one out, and the options set on them.
 */
#include "support/net.h"

#include <sys/resource.h>

/* Takes every descriptor this process may still have. */
struct hunger {
    struct rlimit limit;
    int fds[1024], count;
};

static void eat_descriptors(struct hunger *hunger) {
    struct rlimit lower;
    getrlimit(RLIMIT_NOFILE, &hunger->limit);
    lower = hunger->limit;
    if (lower.rlim_cur > 512) lower.rlim_cur = 512;
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &lower), 0);
    hunger->count = 0;
    while (hunger->count < 1024) {
        int fd = open("/dev/null", O_RDONLY);
        if (fd < 0) break;
        hunger->fds[hunger->count++] = fd;
    }
    CHECK_EQ(errno, EMFILE);
}

static void give_back(struct hunger *hunger) {
    while (hunger->count > 0) close(hunger->fds[--hunger->count]);
    setrlimit(RLIMIT_NOFILE, &hunger->limit);
}

/* Valgrind counts descriptors by itself: the kernel makes the connection, valgrind closes it and reports EMFILE. So the
 * connection that should wait in the backlog is gone. */
static int limit_is_emulated(void) { return ON_VALGRIND; }

struct accepted {
    int64_t count, errors, last_error;
    rondel_tcp streams[16];
};

static void keep_peer(rondel_tcp server, int64_t peer, void *user_data) {
    struct accepted *accepted = user_data;
    (void)server;
    if (peer < 0) {
        accepted->errors++;
        accepted->last_error = peer;
    } else if (accepted->count < 16) {
        accepted->streams[accepted->count++] = peer;
    }
}

static int port_of(rondel_handle handle) {
    int port = -1;
    CHECK(rondel_local_addr(handle, NULL, 0, &port) > 0);
    return port;
}

/* Clients whose descriptors exist before the hunger; connecting takes no new one. */
static void connect_clients(int *clients, int count, int port) {
    struct sockaddr_storage address;
    socklen_t size = net_address(&address, "127.0.0.1", port);
    for (int i = 0; i < count; i++) CHECK_EQ(connect(clients[i], (struct sockaddr *)&address, size), 0);
}

TEST(a_server_without_descriptors_lives_and_accepts_once_there_are_some) {
    if (limit_is_emulated()) SKIP("valgrind drops the connections");
    rondel_loop loop = rondel_loop_new();
    struct accepted accepted = {0};
    struct hunger hunger;
    int clients[5];
    char byte;
    rondel_tcp server = rondel_tcp_listen(loop, "127.0.0.1", 0, keep_peer, &accepted);
    REQUIRE(server > 0);
    for (int i = 0; i < 5; i++) clients[i] = socket(AF_INET, SOCK_STREAM, 0);
    net_settle(loop);
    eat_descriptors(&hunger);
    connect_clients(clients, 5, port_of(server));
    int64_t turns = rondel_metric(loop, RONDEL_METRIC_TURNS);
    struct net_op timer = {0};
    CHECK(rondel_call_later(loop, 400 * RONDEL_MS, net_done, &timer) > 0);
    net_run_until(loop, &timer.calls, 1);
    /* Told, and tried again now and then, but the loop does not spin on the ready listener. */
    CHECK(accepted.errors <= 100);
    CHECK(rondel_metric(loop, RONDEL_METRIC_TURNS) - turns < 500);
    net_run_until(loop, &accepted.errors, 1);
    CHECK_EQ(accepted.count, 0);
    CHECK_EQ(accepted.last_error, RONDEL_EMFILE);
    give_back(&hunger);
    REQUIRE(net_run_until(loop, &accepted.count, 5));
    for (int i = 0; i < 5; i++) {
        struct net_op op = {0};
        CHECK(net_send_text(clients[i], "x"));
        CHECK(rondel_read(accepted.streams[i], &byte, 1, net_done, &op) > 0);
        REQUIRE(net_run_until(loop, &op.calls, 1));
        CHECK_EQ(op.result, 1);
        close(clients[i]);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_server_out_of_descriptors_can_be_closed) {
    rondel_loop loop = rondel_loop_new();
    struct accepted accepted = {0};
    struct hunger hunger;
    struct net_op closed = {0};
    rondel_tcp server = rondel_tcp_listen(loop, "127.0.0.1", 0, keep_peer, &accepted);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(rondel_on_close(server, net_done, &closed), 0);
    net_settle(loop);
    eat_descriptors(&hunger);
    connect_clients(&client, 1, port_of(server));
    net_run_until(loop, &accepted.errors, 1);
    CHECK_EQ(rondel_close(server), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0); /* no retry keeps it alive */
    CHECK_EQ(closed.calls, 1);
    give_back(&hunger);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(client);
}

TEST(a_one_shot_accept_is_told_emfile_and_the_next_succeeds) {
    if (limit_is_emulated()) SKIP("valgrind drops the connection");
    rondel_loop loop = rondel_loop_new();
    struct hunger hunger;
    struct net_op op = {0}, next = {0};
    rondel_tcp server = rondel_tcp_new(loop);
    CHECK_EQ(rondel_tcp_bind(server, "127.0.0.1", 0), 0);
    CHECK_EQ(rondel_listen(server, 4, NULL, NULL), 0);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    eat_descriptors(&hunger);
    connect_clients(&client, 1, port_of(server));
    CHECK(NET_START(rondel_accept(server, net_done, &op)) > 0);
    net_run_until(loop, &op.calls, 1);
    give_back(&hunger);
    CHECK_EQ(op.result, RONDEL_EMFILE);
    CHECK(NET_START(rondel_accept(server, net_done, &next)) > 0);
    REQUIRE(net_run_until(loop, &next.calls, 1));
    CHECK(next.result > 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(op.calls + next.calls, 2);
    close(client);
}

TEST(without_descriptors_new_things_are_refused_with_emfile) {
    rondel_loop loop = rondel_loop_new();
    struct hunger hunger;
    struct net_op connect = {0}, name = {0};
    int refusing = net_bound("127.0.0.1", 0);
    net_settle(loop);
    eat_descriptors(&hunger);
    CHECK_EQ(rondel_loop_new(), RONDEL_EMFILE);
    CHECK_EQ(rondel_tcp_listen(loop, "127.0.0.1", 0, net_never, NULL), RONDEL_EMFILE);
    int64_t started = NET_START(rondel_tcp_connect(loop, "127.0.0.1", net_port(refusing), net_done, &connect));
    if (started > 0) net_run_until(loop, &connect.calls, 1);
    CHECK_EQ(started > 0 ? connect.result : started, RONDEL_EMFILE);
    started = NET_START(rondel_tcp_connect(loop, "localhost", net_port(refusing), net_done, &name));
    if (started > 0) net_run_until(loop, &name.calls, 1);
    CHECK((started > 0 ? name.result : started) < 0);
    give_back(&hunger);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK(connect.calls <= 1 && name.calls <= 1);
    /* And the loop works as before. */
    rondel_tcp server = rondel_tcp_listen(loop, "127.0.0.1", 0, net_never, NULL);
    CHECK(server > 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(refusing);
}

TEST(only_a_stream_socket_is_taken_and_what_is_not_stays_untouched) {
    rondel_loop loop = rondel_loop_new();
    int unconnected = net_bound("127.0.0.1", 0), pipes[2], udp = socket(AF_INET, SOCK_DGRAM, 0), local = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_EQ(pipe(pipes), 0);
    int64_t handles = rondel_metric(loop, RONDEL_METRIC_HANDLES);
    CHECK_EQ(rondel_tcp_open(loop, -1), RONDEL_EBADF);
    CHECK_EQ(rondel_tcp_open(loop, 999), RONDEL_EBADF);
    CHECK_EQ(rondel_tcp_open(loop, INT64_C(1) << 40), RONDEL_EBADF);
    CHECK_EQ(rondel_tcp_open(loop, pipes[0]), RONDEL_ENOTSOCK);
    CHECK_EQ(rondel_tcp_open(loop, udp), RONDEL_EPROTOTYPE);
    CHECK_EQ(rondel_tcp_open(loop, local), RONDEL_ENOTCONN);
    CHECK_EQ(rondel_tcp_open(loop, unconnected), RONDEL_ENOTCONN);
    CHECK_EQ(rondel_tcp_open(RONDEL_EBUSY, udp), RONDEL_EBUSY);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), handles);
    CHECK_EQ(fcntl(udp, F_GETFL) & O_NONBLOCK, 0);
    CHECK_EQ(fcntl(pipes[0], F_GETFL) & O_NONBLOCK, 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    /* Still open, still ours. */
    CHECK_EQ(close(unconnected) | close(udp) | close(local) | close(pipes[0]) | close(pipes[1]), 0);
}

TEST(a_listening_socket_brought_in_accepts) {
    rondel_loop loop = rondel_loop_new();
    struct accepted accepted = {0};
    struct net_op op = {0};
    int first = net_listener("127.0.0.1", 0, 4), second = net_listener("127.0.0.1", 0, 4);
    int clients[2] = {net_dial("127.0.0.1", net_port(first)), net_dial("127.0.0.1", net_port(second))};
    rondel_tcp one = rondel_tcp_open(loop, first), many = rondel_tcp_open(loop, second);
    CHECK_EQ(rondel_fileno(one), first);
    CHECK(NET_START(rondel_accept(one, net_done, &op)) > 0);
    CHECK_EQ(NET_START(rondel_listen(many, 0, keep_peer, &accepted)), 0);
    REQUIRE(net_run_until(loop, &op.calls, 1));
    REQUIRE(net_run_until(loop, &accepted.count, 1));
    CHECK_EQ(rondel_kind(op.result), RONDEL_KIND_TCP);
    CHECK_EQ(rondel_loop_free(loop), 0); /* closes what was brought in */
    close(clients[0]), close(clients[1]);
}

TEST(detach_gives_a_working_descriptor_back) {
    rondel_loop loop = rondel_loop_new();
    struct net_op read = {0}, closed = {0};
    char room[8] = {0};
    int peer, fd;
    rondel_tcp stream = net_stream(loop, &peer);
    fd = (int)rondel_fileno(stream);
    CHECK_EQ(rondel_on_close(stream, net_done, &closed), 0);
    CHECK(rondel_read(stream, room, 8, net_done, &read) > 0);
    net_settle(loop);
    CHECK_EQ(NET_START(rondel_detach(stream)), fd);
    CHECK_EQ(rondel_detach(stream), RONDEL_EGONE);
    CHECK_EQ(rondel_write(stream, "x", 1, net_never, NULL), RONDEL_EGONE);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(read.calls, 1);
    CHECK_EQ(read.result, RONDEL_ECANCELED);
    CHECK_EQ(closed.calls, 1);
    CHECK(closed.order > read.order);
    CHECK_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    /* It can be opened again, here or in another loop, and works. */
    rondel_tcp again = rondel_tcp_open(loop, fd);
    CHECK(again > 0);
    struct net_op second = {0};
    CHECK(net_send_text(peer, "abc"));
    CHECK(rondel_read(again, room, 8, net_done, &second) > 0);
    REQUIRE(net_run_until(loop, &second.calls, 1));
    CHECK_EQ(second.result, 3);
    CHECK_EQ(rondel_detach(again), fd);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK(net_send_text(fd, "still"));
    CHECK_EQ(net_receive(peer, room, 5), 5);
    CHECK_EQ(close(fd), 0);
    close(peer);
}

/* Else bytes would be lost that the descriptor cannot give back. */
TEST(detach_is_refused_while_bytes_are_held) {
    rondel_loop loop = rondel_loop_new();
    struct net_op op = {0}, rest = {0};
    uint8_t *bytes = calloc(1, 8 << 20);
    char room[8];
    int peers[2];
    rondel_tcp writing = net_stream(loop, &peers[0]), reading = net_stream(loop, &peers[1]);
    net_shrink(peers[0]);
    CHECK(rondel_write(writing, bytes, 8 << 20, NULL, NULL) > 0);
    CHECK_EQ(rondel_detach(writing), RONDEL_EBUSY);
    net_settle(loop);
    CHECK_EQ(rondel_detach(writing), RONDEL_EBUSY);
    CHECK(rondel_write_queue_size(writing) > 0);
    CHECK(net_send_text(peers[1], "a;b"));
    CHECK(rondel_read_until(reading, room, 8, ";", 1, net_done, &op) > 0);
    REQUIRE(net_run_until(loop, &op.calls, 1));
    CHECK_EQ(rondel_detach(reading), RONDEL_EBUSY);
    CHECK(rondel_read(reading, room, 8, net_done, &rest) > 0);
    REQUIRE(net_run_until(loop, &rest.calls, 1));
    CHECK_EQ(rest.result, 1);
    int64_t fd = rondel_detach(reading);
    CHECK(fd > 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close((int)fd), close(peers[0]), close(peers[1]);
    free(bytes);
}

TEST(detach_is_refused_while_a_read_that_waits_holds_bytes) {
    for (int until = 0; until < 2; until++) {
        rondel_loop loop = rondel_loop_new();
        struct net_op op = {0};
        char room[8] = {0};
        int peer;
        rondel_tcp stream = net_stream(loop, &peer);
        rondel_future read = until ? rondel_read_until(stream, room, 6, ";", 1, net_done, &op)
                                   : rondel_read_exactly(stream, room, 6, net_done, &op);
        CHECK(read > 0);
        CHECK(net_send_text(peer, "abc"));
        net_wait_readable((int)rondel_fileno(stream));
        net_settle(loop);
        CHECK(!memcmp(room, "abc", 3));
        CHECK_EQ(rondel_detach(stream), RONDEL_EBUSY);
        /* It goes on, and takes nothing with it when it is done. */
        CHECK(net_send_text(peer, "de;"));
        if (net_run_until(loop, &op.calls, 1)) CHECK_EQ(op.result, 6);
        CHECK_STR(room, "abcde;");
        int64_t fd = rondel_detach(stream);
        CHECK(fd > 0);
        CHECK_EQ(rondel_loop_free(loop), 0);
        close((int)fd), close(peer);
    }
}

TEST(a_listener_that_is_detached_listens_on) {
    rondel_loop loop = rondel_loop_new();
    struct accepted accepted = {0};
    rondel_tcp unconnected = rondel_tcp_new(loop), server = rondel_tcp_listen(loop, "127.0.0.1", 0, net_never, NULL);
    int port = port_of(server);
    int64_t fd = rondel_detach(server);
    CHECK(fd > 0);
    int client = net_dial("127.0.0.1", port);
    CHECK(client >= 0);
    net_settle(loop); /* nobody is told of it */
    CHECK_EQ(rondel_kind(server), RONDEL_EGONE);
    CHECK_EQ(rondel_detach(unconnected), RONDEL_ENOTCONN);
    server = rondel_tcp_open(loop, fd);
    CHECK_EQ(rondel_listen(server, 0, keep_peer, &accepted), 0);
    REQUIRE(net_run_until(loop, &accepted.count, 1));
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(client);
}

TEST(only_descriptors_have_numbers) {
    rondel_loop loop = rondel_loop_new();
    rondel_timer timer = rondel_timer_start(loop, 3600 * RONDEL_SECOND, 0, net_never, NULL);
    CHECK_EQ(rondel_fileno(timer), RONDEL_EKIND);
    CHECK_EQ(rondel_detach(timer), RONDEL_EKIND);
    CHECK_EQ(rondel_fileno(RONDEL_EAGAIN), RONDEL_EAGAIN);
    CHECK_EQ(rondel_tcp_nodelay(timer, 1), RONDEL_EKIND);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int option(rondel_handle handle, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    CHECK_EQ(getsockopt((int)rondel_fileno(handle), level, name, &value, &size), 0);
    return value;
}

TEST(options_reach_the_socket) {
    rondel_loop loop = rondel_loop_new();
    struct accepted accepted = {0};
    struct net_op op = {0};
    rondel_tcp server = rondel_tcp_listen(loop, "127.0.0.1", 0, keep_peer, &accepted);
    CHECK(rondel_tcp_connect(loop, "127.0.0.1", port_of(server), net_done, &op) > 0);
    REQUIRE(net_run_until(loop, &op.calls, 1));
    REQUIRE(net_run_until(loop, &accepted.count, 1));
    rondel_tcp ends[2] = {op.result, accepted.streams[0]};
    for (int i = 0; i < 2; i++) {
        CHECK(option(ends[i], IPPROTO_TCP, TCP_NODELAY) != 0); /* on by default */
        CHECK_EQ(rondel_tcp_nodelay(ends[i], 0), 0);
        CHECK_EQ(option(ends[i], IPPROTO_TCP, TCP_NODELAY), 0);
        CHECK_EQ(rondel_tcp_nodelay(ends[i], 1), 0);
        CHECK(option(ends[i], IPPROTO_TCP, TCP_NODELAY) != 0);
        CHECK_EQ(option(ends[i], SOL_SOCKET, SO_KEEPALIVE), 0);
        CHECK_EQ(rondel_tcp_keepalive(ends[i], 29 * RONDEL_SECOND + 1), 0);
        CHECK(option(ends[i], SOL_SOCKET, SO_KEEPALIVE) != 0);
#ifdef TCP_KEEPIDLE
        CHECK_EQ(option(ends[i], IPPROTO_TCP, TCP_KEEPIDLE), 30);
#endif
        CHECK_EQ(rondel_tcp_keepalive(ends[i], -1), RONDEL_EINVAL);
        CHECK(option(ends[i], SOL_SOCKET, SO_KEEPALIVE) != 0);
        CHECK_EQ(rondel_tcp_keepalive(ends[i], 0), 0);
        CHECK_EQ(option(ends[i], SOL_SOCKET, SO_KEEPALIVE), 0);
        int64_t size = rondel_receive_buffer(ends[i], 0);
        CHECK(size > 0);
        CHECK_EQ(rondel_receive_buffer(ends[i], -1), RONDEL_EINVAL);
        CHECK_EQ(rondel_receive_buffer(ends[i], INT64_MAX), RONDEL_EINVAL);
        CHECK_EQ(rondel_receive_buffer(ends[i], 0), size);
        CHECK(rondel_send_buffer(ends[i], 50000) >= 50000);
        CHECK(rondel_send_buffer(ends[i], 0) >= 50000);
        CHECK_EQ(fcntl((int)rondel_fileno(ends[i]), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    }
    CHECK_EQ(fcntl((int)rondel_fileno(server), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_descriptor_is_taken_once_only) {
    rondel_loop loop = rondel_loop_new();
    int ends[2], listener = net_listener("127.0.0.1", 0, 1);
    REQUIRE(net_pair(ends));
    CHECK(rondel_tcp_open(loop, ends[0]) > 0);
    CHECK_EQ(rondel_tcp_open(loop, ends[0]), RONDEL_EEXIST);
    rondel_tcp server = rondel_tcp_open(loop, listener);
    CHECK(server > 0);
    CHECK_EQ(rondel_tcp_open(loop, listener), RONDEL_EEXIST);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(ends[1]);
}

TEST(a_connection_that_nobody_claims_is_closed) {
    rondel_loop loop = rondel_loop_new();
    int listener = net_listener("127.0.0.1", 0, 8);
    char byte;
    rondel_future future = rondel_tcp_connect(loop, "127.0.0.1", net_port(listener), RONDEL_FUTURE);
    int peer = accept(listener, NULL, NULL);
    while (rondel_future_state(future) == RONDEL_PENDING) REQUIRE(rondel_run(loop, RONDEL_RUN_NOWAIT) >= 0);
    /* Asking for the state is not asking for the connection. */
    CHECK_EQ(rondel_release(future), 0);
    CHECK_EQ(recv(peer, &byte, 1, 0), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(peer), close(listener);
}

TEST(an_interface_that_is_there_is_not_said_to_be_missing) {
    struct hunger hunger;
    char name[64], again[64];
    if (rondel_interface_name(1, name, sizeof name) < 0) SKIP("no interface has the first number");
    eat_descriptors(&hunger);
    const int64_t index = rondel_interface_index(name), length = rondel_interface_name(1, again, sizeof again);
    const int64_t none = rondel_interface_index("no-such-if0");
    give_back(&hunger);
    CHECK(index == 1 || index == RONDEL_EMFILE);
    CHECK(length == (int64_t)strlen(name) || length == RONDEL_EMFILE);
    CHECK(none == RONDEL_ENODEV || none == RONDEL_EMFILE);
}

TEST_MAIN(RUN(an_interface_that_is_there_is_not_said_to_be_missing),
          RUN(a_server_without_descriptors_lives_and_accepts_once_there_are_some),
          RUN(a_server_out_of_descriptors_can_be_closed), RUN(a_one_shot_accept_is_told_emfile_and_the_next_succeeds),
          RUN(without_descriptors_new_things_are_refused_with_emfile),
          RUN(only_a_stream_socket_is_taken_and_what_is_not_stays_untouched), RUN(a_listening_socket_brought_in_accepts),
          RUN(detach_gives_a_working_descriptor_back), RUN(detach_is_refused_while_bytes_are_held),
          RUN(detach_is_refused_while_a_read_that_waits_holds_bytes),
          RUN(a_listener_that_is_detached_listens_on), RUN(only_descriptors_have_numbers),
          RUN(options_reach_the_socket),
          RUN(a_descriptor_is_taken_once_only), RUN(a_connection_that_nobody_claims_is_closed))
