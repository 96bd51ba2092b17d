/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Passing descriptors through local sockets: what arrives, when, and as what. */
#include "support/passing.h"

static int same_file(int64_t one, int64_t other) {
    struct stat a, b;
    return fstat((int)one, &a) == 0 && fstat((int)other, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

TEST(a_listener_that_was_passed_accepts_on_the_other_side) {
    rondel_loop loop = rondel_loop_new();
    rondel_pipe ends[2];
    struct net_op write = {0}, accepted = {0};
    char byte;
    int port = 0;
    REQUIRE(passing_pair(loop, ends, 8));
    rondel_tcp server = rondel_tcp_listen(loop, "127.0.0.1", 0, NULL, NULL);
    CHECK(rondel_local_addr(server, NULL, 0, &port) > 0);
    CHECK(NET_START(rondel_pipe_send_handles(ends[0], "L", 1, &server, 1, net_done, &write)) > 0);
    CHECK_EQ(rondel_close(server), 0); /* the other side has its own */
    read_bytes(loop, ends[1], &byte, 1);
    CHECK_EQ(byte, 'L');
    CHECK_EQ(write.result, 1);
    rondel_tcp passed = rondel_pipe_take_handle(ends[1]);
    CHECK_EQ(rondel_kind(passed), RONDEL_KIND_TCP);
    CHECK_EQ(rondel_pipe_take_handle(ends[1]), RONDEL_EAGAIN);
    CHECK(rondel_accept(passed, net_done, &accepted) > 0);
    int client = net_dial("127.0.0.1", port);
    REQUIRE(net_run_until(loop, &accepted.calls, 1));
    CHECK_EQ(rondel_kind(accepted.result), RONDEL_KIND_TCP);
    close(client);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_connection_that_was_passed_goes_on) {
    rondel_loop loop = rondel_loop_new();
    rondel_pipe ends[2];
    char room[8];
    int peer;
    REQUIRE(passing_pair(loop, ends, 8));
    rondel_tcp stream = net_stream(loop, &peer);
    CHECK(net_send_text(peer, "not read yet "));
    CHECK(rondel_pipe_send_handles(ends[0], "S", 1, &stream, 1, NULL, NULL) > 0);
    CHECK_EQ(rondel_close(stream), 0);
    read_bytes(loop, ends[1], room, 1);
    rondel_tcp passed = rondel_pipe_take_handle(ends[1]);
    read_bytes(loop, passed, room, 8);
    CHECK_EQ(memcmp(room, "not read", 8), 0);
    CHECK(rondel_write(passed, "answer", 6, NULL, NULL) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT) >= 0, 1);
    CHECK_EQ(net_receive(peer, room, 6), 6);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(recv(peer, room, 1, 0) <= 0, 1);
    close(peer);
}

TEST(each_descriptor_becomes_a_handle_of_its_kind) {
    rondel_loop loop = rondel_loop_new();
    rondel_pipe ends[2];
    char room[16];
    int pipes[2], local[2], tcp[2];
    const char *path = local_path("server");
    REQUIRE(passing_pair(loop, ends, 16));
    REQUIRE_EQ(pipe(pipes) | socketpair(AF_UNIX, SOCK_STREAM, 0, local), 0);
    REQUIRE(net_pair(tcp));
    int64_t fds[] = {tcp[0], net_listener("127.0.0.1", 0, 1), socket(AF_INET, SOCK_DGRAM, 0), pipes[0], local[0],
                     local_listener(path, 1), open("/", O_RDONLY), open("/dev/null", O_RDWR)};
    const int64_t kinds[] = {RONDEL_KIND_TCP,  RONDEL_KIND_TCP,  RONDEL_KIND_UDP,  RONDEL_KIND_PIPE,
                             RONDEL_KIND_PIPE, RONDEL_KIND_PIPE, RONDEL_KIND_FILE, RONDEL_KIND_FILE};
    CHECK(rondel_pipe_send_fds(ends[0], "all", 3, fds, 8, NULL, NULL) > 0);
    read_bytes(loop, ends[1], room, 3);
    for (int i = 0; i < 8; i++) {
        rondel_handle handle = rondel_pipe_take_handle(ends[1]);
        CHECK_EQ(rondel_kind(handle), kinds[i]);
        CHECK_EQ(rondel_loop_of(handle), loop);
        CHECK(rondel_fileno(handle) != fds[i]);
        CHECK(same_file(rondel_fileno(handle), fds[i]));
        close((int)fds[i]);
    }
    /* One that no handle can be made of waits on. */
    int packets[2], bad;
    REQUIRE_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, packets), 0);
    fds[0] = packets[0];
    CHECK(rondel_pipe_send_fds(ends[0], "x", 1, fds, 1, NULL, NULL) > 0);
    read_bytes(loop, ends[1], room, 1);
    for (int i = 0; i < 2; i++) CHECK_EQ(rondel_pipe_take_handle(ends[1]), RONDEL_EPROTOTYPE);
    CHECK((bad = (int)rondel_pipe_take_fd(ends[1])) >= 0);
    CHECK(same_file(bad, packets[0]));
    close(bad), close(packets[0]), close(packets[1]);
    CHECK_EQ(unlink(path), 0);
    close(pipes[1]), close(local[1]), close(tcp[1]);
    local_end(loop);
}

enum { MOST = 253 };

TEST(as_many_as_the_system_allows_go_at_once_and_arrive_in_order) {
    rondel_loop loop = rondel_loop_new();
    rondel_pipe ends[2];
    char byte;
    int files[3];
    int64_t fds[MOST + 1];
    REQUIRE(passing_pair(loop, ends, 1000));
    for (int i = 0; i < 3; i++) files[i] = open(i == 0 ? "/dev/null" : i == 1 ? "/dev/zero" : "/", O_RDONLY);
    for (int i = 0; i <= MOST; i++) fds[i] = files[i * 7 % 3];
    CHECK_EQ(rondel_pipe_send_fds(ends[0], "x", 1, fds, MOST + 1, net_never, NULL), RONDEL_EINVAL);
    for (int round = 0; round < 2; round++) {
        CHECK(rondel_pipe_send_fds(ends[0], "x", 1, fds, MOST, NULL, NULL) > 0);
        read_bytes(loop, ends[1], &byte, 1);
        for (int i = 0; i < MOST; i++) {
            int64_t fd = rondel_pipe_take_fd(ends[1]);
            CHECK(same_file(fd, fds[i]));
            CHECK_EQ(fcntl((int)fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
            close((int)fd);
        }
        CHECK_EQ(rondel_pipe_take_fd(ends[1]), RONDEL_EAGAIN);
    }
    for (int i = 0; i < 3; i++) close(files[i]);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

enum { MESSAGES = 300 };

struct traffic {
    rondel_pipe pipe;
    int64_t bytes;
    int taken;
    int sent;
    struct net_op ops[MESSAGES];
};

/* Message i is i % 50 bytes of 'x' written plainly, then "D" with descriptor number i, then 3 bytes more. */
static int64_t position_of(int i) {
    int64_t at = 0;
    for (int j = 0; j <= i; j++) at += j % 50 + (j < i ? 4 : 0);
    return at;
}

static void take_traffic(rondel_stream stream, const uint8_t *bytes, int64_t n, void *user_data) {
    struct traffic *traffic = user_data;
    CHECK(n > 0);
    if (n <= 0) return;
    for (int64_t i = 0; i < n; i++) {
        if (bytes[i] != 'D') continue;
        CHECK_EQ(traffic->bytes + i, position_of(traffic->taken));
        int64_t fd = rondel_pipe_take_fd(stream); /* it is there as soon as its byte is */
        CHECK(fd >= 0);
        if (fd >= 0) CHECK_EQ(number_of(fd), traffic->taken);
        traffic->taken++;
    }
    traffic->bytes += n;
}

static void send_traffic(rondel_loop loop, struct traffic *traffic) {
    static const char filler[64] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    (void)loop;
    for (int burst = 0; burst < 20 && traffic->sent < MESSAGES; burst++) {
        int i = traffic->sent++;
        int64_t fd = numbered(i);
        if (i % 50) CHECK(rondel_write(traffic->pipe, filler, (size_t)(i % 50), NULL, NULL) > 0);
        CHECK(NET_START(rondel_pipe_send_fds(traffic->pipe, "Dxx", 3, &fd, 1, net_done, &traffic->ops[i])) > 0);
        CHECK(rondel_write(traffic->pipe, "x", 1, NULL, NULL) > 0);
        close((int)fd);
    }
}

static void send_some(rondel_handle source, int64_t result, void *user_data) {
    (void)result;
    send_traffic(rondel_loop_of(source), user_data);
}

/* Both ways at once, and more than the sockets hold; among plain writes, inside callbacks and outside. */
TEST(each_arrives_with_its_byte_under_heavy_traffic_both_ways) {
    rondel_loop loop = rondel_loop_new();
    static struct traffic sides[2];
    rondel_pipe ends[2];
    memset(sides, 0, sizeof sides);
    REQUIRE(passing_pair(loop, ends, MESSAGES));
    CHECK_EQ(rondel_pipe_receive_fds(ends[0], MESSAGES), 0);
    for (int i = 0; i < 2; i++) {
        sides[i].pipe = ends[i];
        net_shrink((int)rondel_fileno(ends[i]));
        CHECK_EQ(rondel_read_start(ends[i], take_traffic, &sides[i]), 0);
    }
    while (sides[0].taken < MESSAGES || sides[1].taken < MESSAGES) {
        for (int i = 0; i < 2; i++) {
            if (sides[i].sent % 40 == 0) send_traffic(loop, &sides[i]);
            else if (sides[i].sent < MESSAGES) CHECK(rondel_call_soon(loop, send_some, &sides[i]) > 0);
        }
        if (rondel_run(loop, RONDEL_RUN_ONCE) < 0 || test_failures) break;
    }
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(rondel_pipe_take_fd(ends[i]), RONDEL_EAGAIN);
        for (int j = 0; j < MESSAGES; j++) {
            CHECK_EQ(sides[i].ops[j].calls, 1);
            CHECK_EQ(sides[i].ops[j].result, 3);
        }
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(what_waits_to_be_sent_may_be_closed_by_its_owner) {
    rondel_loop loop = rondel_loop_new();
    rondel_pipe ends[2];
    struct net_op ops[2];
    char room[8];
    int64_t fds[2] = {numbered(1), numbered(2)};
    memset(ops, 0, sizeof ops);
    REQUIRE(passing_pair(loop, ends, 8));
    int64_t before = stop_up(ends[0]);
    rondel_pipe passed = rondel_pipe_open(loop, fds[0]);
    CHECK(NET_START(rondel_pipe_send_handles(ends[0], "one", 3, &passed, 1, net_done, &ops[0])) > 0);
    CHECK(NET_START(rondel_pipe_send_fds(ends[0], "two", 3, &fds[1], 1, net_done, &ops[1])) > 0);
    CHECK_EQ(rondel_close(passed), 0);
    close((int)fds[1]);
    net_settle(loop);
    CHECK_EQ(ops[0].calls + ops[1].calls, 0);
    swallow(loop, ends[1], before);
    CHECK_EQ(rondel_pipe_take_fd(ends[1]), RONDEL_EAGAIN);
    read_bytes(loop, ends[1], room, 6);
    CHECK_EQ(memcmp(room, "onetwo", 6), 0);
    CHECK_EQ(number_of(rondel_pipe_take_fd(ends[1])), 1);
    CHECK_EQ(number_of(rondel_pipe_take_fd(ends[1])), 2);
    REQUIRE(net_run_until(loop, &ops[1].calls, 1));
    for (int i = 0; i < 2; i++) CHECK_EQ(ops[i].result, 3);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* In another process: sends a descriptor with a plain sendmsg and dies at once. */
static int send_and_die(void *arg) {
    int through = *(int *)arg, fd = numbered(42);
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {"bye", 3};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    memset(&control, 0, sizeof control);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(head), &fd, sizeof fd);
    return sendmsg(through, &message, 0) != 3;
}

TEST(what_a_process_passed_outlives_it) {
    static struct child child;
    rondel_loop loop = rondel_loop_new();
    struct net_op op = {0};
    char room[4];
    int peer;
    rondel_pipe pipe = local_stream(loop, &peer);
    CHECK_EQ(rondel_pipe_receive_fds(pipe, 1), 0);
    child_start(&child, send_and_die, &peer);
    close(peer);
    child_ends_with(&child, 0);
    read_bytes(loop, pipe, room, 3);
    CHECK_EQ(memcmp(room, "bye", 3), 0);
    CHECK_EQ(number_of(rondel_pipe_take_fd(pipe)), 42);
    CHECK(rondel_read(pipe, room, 1, net_done, &op) > 0);
    REQUIRE(net_run_until(loop, &op.calls, 1));
    CHECK_EQ(op.result, RONDEL_EOF);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t receive_in_a_task(void *arg) {
    rondel_pipe pipe = *(rondel_pipe *)arg;
    char room[4];
    rondel_await(rondel_read_exactly(pipe, room, 1, RONDEL_FUTURE));
    rondel_handle passed = rondel_pipe_take_handle(pipe);
    int64_t n = rondel_await(rondel_read_exactly(passed, room, 4, RONDEL_FUTURE));
    CHECK_EQ(rondel_close(passed), 0);
    return n;
}

TEST(a_task_reads_and_takes_in_straight_lines) {
    rondel_loop loop = rondel_loop_new();
    rondel_pipe ends[2];
    int64_t fd = numbered(5);
    REQUIRE(passing_pair(loop, ends, 1));
    CHECK(rondel_pipe_send_fds(ends[0], "x", 1, &fd, 1, NULL, NULL) > 0);
    close((int)fd);
    CHECK_EQ(rondel_run_until(loop, rondel_task_spawn(loop, receive_in_a_task, &ends[1])), 4);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(what_makes_no_sense_is_refused_and_sends_nothing) {
    rondel_loop loop = rondel_loop_new(), elsewhere = rondel_loop_new();
    rondel_pipe ends[2], way[2];
    char room[4];
    int peer;
    int64_t good = numbered(1), bad[] = {good, -1}, closed[] = {good, 999};
    REQUIRE(passing_pair(loop, ends, 4));
    REQUIRE_EQ(rondel_pipe_pair(loop, RONDEL_PIPE_ONE_WAY, way), 0);
    rondel_tcp stream = net_stream(loop, &peer), fresh = rondel_tcp_new(loop), foreign = rondel_tcp_new(elsewhere);
    rondel_timer timer = rondel_timer_start(loop, 3600 * RONDEL_SECOND, 0, net_never, NULL);
    rondel_pipe unbound = rondel_pipe_new(loop), server = rondel_pipe_listen(loop, local_path("x"), net_never, NULL);
    const rondel_pipe p = ends[0];
    CHECK_EQ(rondel_pipe_send_fds(p, "x", 1, bad, 2, net_never, NULL), RONDEL_EBADF);
    CHECK_EQ(rondel_pipe_send_fds(p, "x", 1, closed, 2, net_never, NULL), RONDEL_EBADF);
    CHECK_EQ(rondel_pipe_send_fds(p, "", 0, &good, 1, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_pipe_send_fds(p, NULL, 1, &good, 1, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_pipe_send_fds(p, "x", 1, NULL, 1, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_pipe_send_fds(p, "x", 1, &good, SIZE_MAX, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_pipe_send_fds(p, "x", SIZE_MAX, &good, 1, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_pipe_send_fds(way[1], "x", 1, &good, 1, net_never, NULL), RONDEL_ENOTSOCK);
    CHECK_EQ(rondel_pipe_send_fds(unbound, "x", 1, &good, 1, net_never, NULL), RONDEL_ENOTCONN);
    CHECK_EQ(rondel_pipe_send_fds(server, "x", 1, &good, 1, net_never, NULL), RONDEL_ENOTCONN);
    CHECK_EQ(rondel_pipe_send_fds(stream, "x", 1, &good, 1, net_never, NULL), RONDEL_EKIND);
    CHECK_EQ(rondel_pipe_send_handles(p, "x", 1, &fresh, 1, net_never, NULL), RONDEL_ENOTCONN);
    CHECK_EQ(rondel_pipe_send_handles(p, "x", 1, &timer, 1, net_never, NULL), RONDEL_EKIND);
    CHECK_EQ(rondel_pipe_send_handles(p, "x", 1, &foreign, 1, net_never, NULL), RONDEL_EGONE);
    const rondel_handle odd[] = {0, RONDEL_EBUSY, INT64_MAX};
    CHECK_EQ(rondel_pipe_send_handles(p, "x", 1, &odd[0], 1, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_pipe_send_handles(p, "x", 1, &odd[1], 1, net_never, NULL), RONDEL_EBUSY);
    CHECK_EQ(rondel_pipe_send_handles(p, "x", 1, &odd[2], 1, net_never, NULL), RONDEL_EGONE);
    CHECK_EQ(rondel_pipe_receive_fds(p, -1), RONDEL_EINVAL);
    CHECK_EQ(rondel_pipe_receive_fds(way[0], 1), RONDEL_ENOTSOCK);
    CHECK_EQ(rondel_pipe_take_fd(way[0]), RONDEL_ENOTSOCK);
    CHECK_EQ(rondel_pipe_take_fd(server), RONDEL_ENOTCONN);
    CHECK_EQ(rondel_pipe_take_fd(p), RONDEL_EAGAIN);
    /* A stream with bytes that only this process has. */
    struct net_op until = {0};
    char line[8];
    CHECK(net_send_text(peer, "a\nb"));
    net_wait_readable((int)rondel_fileno(stream));
    CHECK(rondel_read_until(stream, line, sizeof line, "\n", 1, net_done, &until) > 0);
    REQUIRE(net_run_until(loop, &until.calls, 1));
    CHECK_EQ(rondel_pipe_send_handles(p, "x", 1, &stream, 1, net_never, NULL), RONDEL_EBUSY);
    /* Or a read of it that waits for more. */
    CHECK(rondel_read_exactly(stream, line, 2, NULL, NULL) > 0);
    CHECK_EQ(line[0], 'b');
    CHECK_EQ(rondel_pipe_send_handles(p, "x", 1, &stream, 1, net_never, NULL), RONDEL_EBUSY);
    /* Nothing of all that was sent; none at all is a plain write. */
    CHECK(rondel_pipe_send_handles(p, "none", 4, NULL, 0, NULL, NULL) > 0);
    read_bytes(loop, ends[1], room, 4);
    CHECK_EQ(memcmp(room, "none", 4), 0);
    CHECK_EQ(rondel_pipe_take_fd(ends[1]), RONDEL_EAGAIN);
    CHECK_EQ(rondel_close(ends[1]), 0);
    CHECK_EQ(rondel_pipe_send_fds(p, "x", 1, &good, 1, net_never, NULL), RONDEL_EPIPE);
    close((int)good), close(peer);
    CHECK_EQ(rondel_loop_free(elsewhere), 0);
    local_end(loop);
}

TEST_MAIN(RUN(a_listener_that_was_passed_accepts_on_the_other_side), RUN(a_connection_that_was_passed_goes_on),
          RUN(each_descriptor_becomes_a_handle_of_its_kind),
          RUN(as_many_as_the_system_allows_go_at_once_and_arrive_in_order),
          RUN(each_arrives_with_its_byte_under_heavy_traffic_both_ways),
          RUN(what_waits_to_be_sent_may_be_closed_by_its_owner), RUN(what_a_process_passed_outlives_it),
          RUN(a_task_reads_and_takes_in_straight_lines), RUN(what_makes_no_sense_is_refused_and_sends_nothing))
