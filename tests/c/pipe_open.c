/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Streams over descriptors that are no sockets, and pairs: which ways they go, how their ends are told, and that no
 * write to a pipe nobody reads ever raises a signal. SIGPIPE has its default action in all of these tests: it would
 * kill them.
 */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* posix_openpt */
#endif
#include "support/net.h"

#include "support/child.h"

#include <sys/stat.h>
#include <sys/un.h>

/* What a stream told its reader. */
struct heard {
    int64_t bytes;
    int64_t ends;
    int64_t end;
    uint64_t at; /* of the pattern; what does not fit it counts as wrong */
    int64_t wrong;
    char text[64];
};

static void hear(rondel_stream stream, const uint8_t *bytes, int64_t n, void *user_data) {
    struct heard *heard = user_data;
    (void)stream;
    if (n < 0) {
        heard->ends++;
        heard->end = n;
        return;
    }
    if (heard->bytes + n < (int64_t)sizeof heard->text) memcpy(heard->text + heard->bytes, bytes, (size_t)n);
    if (!net_matches(bytes, (size_t)n, heard->at)) heard->wrong++;
    heard->bytes += n;
    heard->at += (uint64_t)n;
}

/* The handles of the two ends of a pipe(2). */
static int one_way(rondel_loop loop, rondel_pipe ends[2]) {
    ends[0] = ends[1] = RONDEL_EINVAL;
    return CHECK_EQ(rondel_pipe_pair(loop, RONDEL_PIPE_ONE_WAY, ends), 0), ends[0] > 0 && ends[1] > 0;
}

static void no_signal_of_pipes(void) { signal(SIGPIPE, SIG_DFL); }

/* As much as a pipe takes, and then more. */
enum { MUCH = 3 << 20 };

TEST(what_one_end_of_a_pair_writes_the_other_reads) {
    for (int how = RONDEL_PIPE_BOTH_WAYS; how <= RONDEL_PIPE_ONE_WAY; how++) {
        rondel_loop loop = rondel_loop_new();
        rondel_pipe ends[2];
        struct heard heard = {0}, back = {0};
        struct net_op op = {0}, other = {0};
        uint8_t *bytes = malloc(MUCH);
        net_fill(bytes, MUCH, 0);
        REQUIRE_EQ(rondel_pipe_pair(loop, how, ends), 0);
        CHECK_EQ(rondel_kind(ends[0]), RONDEL_KIND_PIPE);
        CHECK_EQ(rondel_kind(ends[1]), RONDEL_KIND_PIPE);
        CHECK(rondel_fileno(ends[0]) != rondel_fileno(ends[1]));
        CHECK_EQ(rondel_read_start(ends[0], hear, &heard), 0);
        CHECK(NET_START(rondel_write(ends[1], bytes, MUCH, net_done, &op)) > 0);
        if (how == RONDEL_PIPE_BOTH_WAYS) {
            CHECK_EQ(rondel_read_start(ends[1], hear, &back), 0);
            CHECK(NET_START(rondel_write(ends[0], bytes, 1000, net_done, &other)) > 0);
        }
        net_scribble(bytes, MUCH);
        free(bytes);
        REQUIRE(net_run_until(loop, &heard.bytes, MUCH));
        REQUIRE(net_run_until(loop, &op.calls, 1));
        CHECK_EQ(op.result, MUCH);
        CHECK_EQ(heard.wrong, 0);
        if (how == RONDEL_PIPE_BOTH_WAYS) {
            REQUIRE(net_run_until(loop, &back.bytes, 1000));
            CHECK_EQ(back.wrong, 0);
            CHECK_EQ(other.result, 1000);
        }
        CHECK_EQ(rondel_close(ends[1]), 0);
        REQUIRE(net_run_until(loop, &heard.ends, 1));
        CHECK_EQ(heard.end, RONDEL_EOF);
        CHECK_EQ(rondel_close(ends[0]), 0);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_EQ(heard.bytes, MUCH);
        CHECK_EQ(heard.ends, 1);
        CHECK_EQ(op.calls, 1);
        CHECK_EQ(back.ends, 0);
        CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
        CHECK_EQ(rondel_loop_free(loop), 0);
    }
}

TEST(the_way_that_an_end_does_not_go_is_refused) {
    rondel_loop loop = rondel_loop_new();
    rondel_pipe ends[2];
    struct heard heard = {0};
    char room[8];
    REQUIRE(one_way(loop, ends));
    for (int round = 0; round < 2; round++) {
        CHECK_EQ(rondel_write(ends[0], "x", 1, net_never, NULL), RONDEL_EBADF);
        CHECK_EQ(rondel_write(ends[0], "", 0, net_never, NULL), RONDEL_EBADF);
        CHECK_EQ(rondel_write_borrowed(ends[0], "x", 1, net_never, NULL), RONDEL_EBADF);
        CHECK_EQ(rondel_try_write(ends[0], "x", 1), RONDEL_EBADF);
        CHECK_EQ(rondel_shutdown(ends[0], net_never, NULL), RONDEL_EBADF);
        CHECK_EQ(rondel_read_start(ends[1], hear, &heard), RONDEL_EBADF);
        CHECK_EQ(rondel_read(ends[1], room, 8, net_never, NULL), RONDEL_EBADF);
        CHECK_EQ(rondel_read_exactly(ends[1], room, 8, net_never, NULL), RONDEL_EBADF);
        CHECK_EQ(rondel_read_until(ends[1], room, 8, "\n", 1, net_never, NULL), RONDEL_EBADF);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    }
    /* What it does go still goes. */
    struct net_op op = {0};
    CHECK_EQ(rondel_try_write(ends[1], "abc", 3), 3);
    CHECK(rondel_read(ends[0], room, 8, net_done, &op) > 0);
    REQUIRE(net_run_until(loop, &op.calls, 1));
    CHECK_EQ(op.result, 3);
    CHECK_EQ(rondel_is_active(ends[0]) | rondel_is_active(ends[1]), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(heard.ends, 0);
}

TEST(writing_to_a_pipe_nobody_reads_is_an_error_and_no_signal) {
    no_signal_of_pipes();
    for (int how = RONDEL_PIPE_BOTH_WAYS; how <= RONDEL_PIPE_ONE_WAY; how++) {
        rondel_loop loop = rondel_loop_new();
        rondel_pipe ends[2];
        struct net_op op = {0}, again = {0};
        sigset_t pending;
        REQUIRE_EQ(rondel_pipe_pair(loop, how, ends), 0);
        CHECK_EQ(rondel_close(ends[0]), 0);
        CHECK(NET_START(rondel_write(ends[1], "abc", 3, net_done, &op)) > 0);
        REQUIRE(net_run_until(loop, &op.calls, 1));
        CHECK_EQ(op.result, RONDEL_EPIPE);
        CHECK_EQ(rondel_write(ends[1], "abc", 3, net_done, &again), RONDEL_EPIPE);
        CHECK_EQ(rondel_try_write(ends[1], "abc", 3), RONDEL_EPIPE);
        CHECK_EQ(rondel_shutdown(ends[1], net_done, &again), RONDEL_EPIPE);
        CHECK_EQ(sigpending(&pending), 0);
        CHECK_EQ(sigismember(&pending, SIGPIPE), 0);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_EQ(op.calls, 1);
        CHECK_EQ(again.calls, 0);
        CHECK_EQ(rondel_loop_free(loop), 0);
    }
}

TEST(a_write_that_waits_for_a_reader_hears_of_its_going) {
    no_signal_of_pipes();
    for (int how = RONDEL_PIPE_BOTH_WAYS; how <= RONDEL_PIPE_ONE_WAY; how++) {
        rondel_loop loop = rondel_loop_new();
        rondel_pipe ends[2];
        struct net_op ops[3];
        char *bytes = calloc(1, MUCH);
        memset(ops, 0, sizeof ops);
        REQUIRE_EQ(rondel_pipe_pair(loop, how, ends), 0);
        CHECK(NET_START(rondel_write(ends[1], bytes, MUCH, net_done, &ops[0])) > 0);
        CHECK(NET_START(rondel_write(ends[1], bytes, 5, net_done, &ops[1])) > 0);
        CHECK(NET_START(rondel_shutdown(ends[1], net_done, &ops[2])) > 0);
        net_settle(loop);
        CHECK(rondel_write_queue_size(ends[1]) > 5);
        for (int i = 0; i < 3; i++) CHECK_EQ(ops[i].calls, 0);
        CHECK_EQ(rondel_close(ends[0]), 0);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        for (int i = 0; i < 3; i++) {
            CHECK_EQ(ops[i].calls, 1);
            CHECK_EQ(ops[i].result, RONDEL_EPIPE);
            if (i) CHECK(ops[i].order > ops[i - 1].order);
        }
        CHECK_EQ(rondel_write_queue_size(ends[1]), 0);
        CHECK_EQ(rondel_loop_free(loop), 0);
        free(bytes);
    }
}

TEST(the_end_comes_after_the_last_bytes) {
    rondel_loop loop = rondel_loop_new();
    struct heard heard = {0};
    int fds[2];
    REQUIRE_EQ(pipe(fds), 0);
    rondel_pipe end = rondel_pipe_open(loop, fds[0]);
    CHECK_EQ(rondel_fileno(end), fds[0]);
    CHECK_EQ(write(fds[1], "last words", 10), 10);
    close(fds[1]);
    CHECK_EQ(rondel_read_start(end, hear, &heard), 0);
    REQUIRE(net_run_until(loop, &heard.ends, 1));
    CHECK_EQ(heard.end, RONDEL_EOF);
    CHECK_STR(heard.text, "last words");
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0); /* the end is told once, and nothing spins */
    CHECK_EQ(heard.ends, 1);
    CHECK_EQ(rondel_read_start(end, hear, &heard), 0); /* it is still the end */
    REQUIRE(net_run_until(loop, &heard.ends, 2));
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* libuv leaves the number open; a pipe has no half to close, and its reader waits for the end. */
TEST(shutdown_closes_a_write_end_after_what_is_queued) {
    rondel_loop loop = rondel_loop_new();
    struct heard heard = {0};
    struct net_op write = {0}, shutdown = {0};
    rondel_pipe ends[2];
    struct stat before, after;
    uint8_t *bytes = malloc(MUCH);
    net_fill(bytes, MUCH, 0);
    REQUIRE(one_way(loop, ends));
    int64_t fd = rondel_fileno(ends[1]);
    CHECK_EQ(fstat((int)fd, &before), 0);
    CHECK(NET_START(rondel_write(ends[1], bytes, MUCH, net_done, &write)) > 0);
    CHECK(NET_START(rondel_shutdown(ends[1], net_done, &shutdown)) > 0);
    free(bytes);
    CHECK_EQ(rondel_write(ends[1], "x", 1, net_never, NULL), RONDEL_EPIPE);
    CHECK_EQ(rondel_read_start(ends[0], hear, &heard), 0);
    REQUIRE(net_run_until(loop, &heard.ends, 1));
    CHECK_EQ(heard.bytes, MUCH);
    CHECK_EQ(heard.wrong, 0);
    CHECK_EQ(heard.end, RONDEL_EOF);
    CHECK_EQ(write.result, MUCH);
    REQUIRE(net_run_until(loop, &shutdown.calls, 1));
    CHECK_EQ(shutdown.result, 0);
    CHECK(shutdown.order > write.order);
    CHECK_EQ(rondel_shutdown(ends[1], net_never, NULL), RONDEL_EPIPE);
    /* The number stays the handle's until that is closed, so that nobody else's file is closed with it. */
    CHECK_EQ(rondel_fileno(ends[1]), fd);
    CHECK_EQ(fstat((int)fd, &after), 0);
    CHECK(before.st_ino != after.st_ino || before.st_dev != after.st_dev);
    CHECK_EQ(fcntl((int)fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    CHECK_EQ(rondel_close(ends[1]), 0);
    CHECK_EQ(fcntl((int)fd, F_GETFD), -1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(write.calls, 1);
    CHECK_EQ(shutdown.calls, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* The end is the handle's to close, but somebody else has it too, and the system would go on to tell of it. */
TEST(a_write_end_that_is_shut_down_by_a_cancelled_write_is_watched_no_more) {
    rondel_loop loop = rondel_loop_new();
    static const char zeros[4096];
    char byte;
    struct net_op write_op = {0}, shutdown = {0};
    int fds[2], other;
    REQUIRE_EQ(pipe(fds), 0);
    CHECK((other = dup(fds[1])) >= 0);
    rondel_pipe end = rondel_pipe_open(loop, fds[1]);
    /* It is full, so nothing of the write leaves before it is cancelled. */
    while (write(other, zeros, sizeof zeros) > 0) continue;
    CHECK_EQ(errno, EAGAIN);
    rondel_future waits = NET_START(rondel_write(end, "x", 1, net_done, &write_op));
    CHECK(NET_START(rondel_shutdown(end, net_done, &shutdown)) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(rondel_cancel(waits), 0);
    REQUIRE(net_run_until(loop, &shutdown.calls, 1));
    CHECK_EQ(shutdown.result, 0);
    CHECK_EQ(write_op.result, RONDEL_ECANCELED);
    /* The pipe has room from now on, by the other number. */
    CHECK_EQ(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    while (read(fds[0], &byte, 1) > 0) continue;
    int64_t events = rondel_metric(loop, RONDEL_METRIC_EVENTS);
    CHECK(rondel_call_later(loop, 10 * RONDEL_MS, NULL, NULL) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_EVENTS), events);
    CHECK_EQ(rondel_close(end), 0);
    close(other), close(fds[0]);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* One name for a file that may be made, removed before the test ends. */
static const char *scratch_name(const char *what) {
    static char name[100];
    snprintf(name, sizeof name, "/tmp/rondel-pipe-%ld-%s", (long)getpid(), what);
    unlink(name);
    return name;
}

TEST(a_fifo_waits_for_its_first_writer_and_ends_with_its_last) {
    rondel_loop loop = rondel_loop_new();
    struct heard heard = {0};
    const char *name = scratch_name("fifo");
    REQUIRE_EQ(mkfifo(name, 0600), 0);
    rondel_pipe end = rondel_pipe_open(loop, open(name, O_RDONLY | O_NONBLOCK));
    CHECK_EQ(rondel_read_start(end, hear, &heard), 0);
    net_settle(loop);
    CHECK_EQ(heard.ends, 0);
    int writers[2] = {open(name, O_WRONLY), open(name, O_WRONLY)};
    CHECK_EQ(write(writers[0], "one ", 4), 4);
    close(writers[0]);
    CHECK_EQ(write(writers[1], "two", 3), 3);
    REQUIRE(net_run_until(loop, &heard.bytes, 7));
    net_settle(loop);
    CHECK_EQ(heard.ends, 0);
    close(writers[1]);
    REQUIRE(net_run_until(loop, &heard.ends, 1));
    CHECK_STR(heard.text, "one two");
    CHECK_EQ(heard.end, RONDEL_EOF);
    CHECK_EQ(rondel_loop_free(loop), 0);
    unlink(name);
}

TEST(a_fifo_that_is_open_both_ways_goes_both_ways_and_has_no_half_to_close) {
    rondel_loop loop = rondel_loop_new();
    struct net_op op = {0};
    char room[8] = {0};
    const char *name = scratch_name("both");
    REQUIRE_EQ(mkfifo(name, 0600), 0);
    rondel_pipe pipe = rondel_pipe_open(loop, open(name, O_RDWR | O_CLOEXEC));
    unlink(name);
    CHECK(rondel_write(pipe, "self", 4, NULL, NULL) > 0);
    CHECK_EQ(rondel_shutdown(pipe, net_never, NULL), RONDEL_EOPNOTSUPP);
    CHECK(rondel_read(pipe, room, 8, net_done, &op) > 0);
    REQUIRE(net_run_until(loop, &op.calls, 1));
    CHECK_STR(room, "self");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_terminal_carries_bytes_and_its_hang_up_is_told) {
    rondel_loop loop = rondel_loop_new();
    struct heard heard = {0};
    struct net_op op = {0};
    char room[16] = {0};
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0) {
        CHECK_EQ(rondel_loop_free(loop), 0);
        SKIP("no pseudo-terminals here");
    }
    REQUIRE_EQ(grantpt(master) | unlockpt(master), 0);
    rondel_pipe tty = rondel_pipe_open(loop, open(ptsname(master), O_RDWR | O_NOCTTY));
    REQUIRE(tty > 0);
    CHECK_EQ(rondel_read_start(tty, hear, &heard), 0);
    CHECK_EQ(write(master, "line\n", 5), 5);
    REQUIRE(net_run_until(loop, &heard.bytes, 5));
    CHECK_STR(heard.text, "line\n");
    CHECK_EQ(read(master, room, sizeof room), 6); /* the echo */
    CHECK(rondel_write(tty, "hey", 3, net_done, &op) > 0);
    REQUIRE(net_run_until(loop, &op.calls, 1));
    CHECK_EQ(op.result, 3);
    CHECK_EQ(read(master, room, sizeof room), 3);
    CHECK_EQ(rondel_shutdown(tty, net_never, NULL), RONDEL_EOPNOTSUPP);
    close(master);
    REQUIRE(net_run_until(loop, &heard.ends, 1));
    CHECK(heard.end == RONDEL_EOF || heard.end == RONDEL_EIO);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(what_cannot_carry_bytes_is_refused_and_stays_untouched) {
    rondel_loop loop = rondel_loop_new();
    int pipes[2], tcp = net_listener("127.0.0.1", 0, 1), udp = socket(AF_INET, SOCK_DGRAM, 0);
    int local = socket(AF_UNIX, SOCK_STREAM, 0), datagrams[2], null = open("/dev/null", O_RDWR);
    int folder = open("/", O_RDONLY), file = open(scratch_name("file"), O_RDWR | O_CREAT, 0600);
    unlink(scratch_name("file"));
    CHECK_EQ(pipe(pipes) | socketpair(AF_UNIX, SOCK_DGRAM, 0, datagrams), 0);
    int64_t handles = rondel_metric(loop, RONDEL_METRIC_HANDLES);
    CHECK_EQ(rondel_pipe_open(loop, -1), RONDEL_EBADF);
    CHECK_EQ(rondel_pipe_open(loop, 999), RONDEL_EBADF);
    CHECK_EQ(rondel_pipe_open(loop, INT64_C(1) << 40), RONDEL_EBADF);
    CHECK_EQ(rondel_pipe_open(loop, INT64_MIN), RONDEL_EBADF);
    CHECK_EQ(rondel_pipe_open(loop, tcp), RONDEL_EAFNOSUPPORT);
    CHECK_EQ(rondel_pipe_open(loop, udp), RONDEL_EPROTOTYPE);
    CHECK_EQ(rondel_pipe_open(loop, datagrams[0]), RONDEL_EPROTOTYPE);
    CHECK_EQ(rondel_pipe_open(loop, local), RONDEL_ENOTCONN);
    CHECK_EQ(rondel_pipe_open(loop, folder), RONDEL_EPROTOTYPE);
    CHECK_EQ(rondel_pipe_open(loop, file), RONDEL_EPROTOTYPE);
#ifdef __linux__
    CHECK_EQ(rondel_pipe_open(loop, null), RONDEL_EPERM);
#endif
    CHECK_EQ(rondel_pipe_open(RONDEL_EBUSY, pipes[0]), RONDEL_EBUSY);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), handles);
    const int fds[] = {pipes[0], pipes[1], tcp, udp, local, datagrams[0], folder, file, null};
    for (int i = 0; i < 9; i++) CHECK_EQ(fcntl(fds[i], F_GETFL) & O_NONBLOCK, 0);
    rondel_pipe end = rondel_pipe_open(loop, pipes[0]);
    CHECK(end > 0);
    CHECK_EQ(rondel_pipe_open(loop, pipes[0]), RONDEL_EEXIST);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(fcntl(pipes[0], F_GETFD), -1);
    for (int i = 1; i < 9; i++) CHECK_EQ(close(fds[i]), 0);
    close(datagrams[1]);
}

TEST(bad_arguments_of_a_pair_are_refused) {
    rondel_loop loop = rondel_loop_new();
    rondel_pipe ends[2] = {7, 7};
    CHECK_EQ(rondel_pipe_pair(loop, RONDEL_PIPE_BOTH_WAYS, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_pipe_pair(loop, 2, ends), RONDEL_EINVAL);
    CHECK_EQ(rondel_pipe_pair(loop, -1, ends), RONDEL_EINVAL);
    CHECK_EQ(ends[0] + ends[1], 14);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(functions_of_tcp_take_no_pipes) {
    rondel_loop loop = rondel_loop_new();
    rondel_pipe ends[2];
    REQUIRE_EQ(rondel_pipe_pair(loop, RONDEL_PIPE_BOTH_WAYS, ends), 0);
    CHECK_EQ(rondel_tcp_nodelay(ends[0], 1), RONDEL_EKIND);
    CHECK_EQ(rondel_tcp_keepalive(ends[0], 0), RONDEL_EKIND);
    CHECK_EQ(rondel_tcp_reset(ends[0]), RONDEL_EKIND);
    CHECK_EQ(rondel_tcp_bind(ends[0], "127.0.0.1", 0), RONDEL_EKIND);
    CHECK_EQ(rondel_tcp_reuse_port(ends[0], 1), RONDEL_EKIND);
    CHECK_EQ(rondel_connect(ends[0], "127.0.0.1", 9, net_never, NULL), RONDEL_EKIND);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(detach_gives_the_end_of_a_pipe_back) {
    rondel_loop loop = rondel_loop_new();
    struct net_op op = {0};
    char room[8];
    int fds[2];
    REQUIRE_EQ(pipe(fds), 0);
    rondel_pipe end = rondel_pipe_open(loop, fds[0]);
    CHECK(rondel_read(end, room, 8, net_done, &op) > 0);
    net_settle(loop);
    CHECK_EQ(rondel_detach(end), fds[0]);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(op.result, RONDEL_ECANCELED);
    CHECK_EQ(write(fds[1], "abc", 3), 3);
    CHECK_EQ(read(fds[0], room, 8), 3);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(close(fds[0]) | close(fds[1]), 0);
}

TEST(the_end_of_the_loop_completes_what_waits_on_pipes) {
    rondel_loop loop = rondel_loop_new();
    int fds[2], other[2];
    struct net_op ops[3];
    struct seen closed = {0, 0, 0};
    char room[8], *bytes = calloc(1, MUCH);
    memset(ops, 0, sizeof ops);
    REQUIRE_EQ(pipe(fds) | pipe(other), 0);
    rondel_pipe out = rondel_pipe_open(loop, fds[1]), in = rondel_pipe_open(loop, other[0]);
    CHECK(rondel_write(out, bytes, MUCH, net_done, &ops[0]) > 0);
    CHECK(rondel_shutdown(out, net_done, &ops[1]) > 0);
    CHECK(rondel_read(in, room, 8, net_done, &ops[2]) > 0);
    CHECK_EQ(rondel_on_close(out, see, &closed), 0);
    net_settle(loop);
    CHECK_EQ(rondel_loop_free(loop), 0);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(ops[i].calls, 1);
        CHECK_EQ(ops[i].result, RONDEL_ECANCELED);
    }
    CHECK_EQ(closed.calls, 1);
    free(bytes);
    CHECK_EQ(close(fds[0]) | close(other[1]), 0);
}

static int close_standard_streams(void *arg) {
    struct stat stat;
    int fds[2];
    (void)arg;
    rondel_loop loop = rondel_loop_new();
    CHECK_EQ(pipe(fds), 0);
    CHECK_EQ(dup2(fds[0], 0), 0);
    CHECK_EQ(dup2(fds[1], 1), 1);
    close(fds[0]), close(fds[1]);
    rondel_pipe in = rondel_pipe_open(loop, 0), out = rondel_pipe_open(loop, 1);
    CHECK(in > 0 && out > 0);
    CHECK_EQ(rondel_close(out), 0);
    CHECK_EQ(write(1, "lost", 4), 4);
    struct heard heard = {0};
    CHECK_EQ(rondel_read_start(in, hear, &heard), 0);
    CHECK(net_run_until(loop, &heard.ends, 1)); /* the other end was really closed */
    CHECK_EQ(heard.bytes, 0);
    CHECK_EQ(rondel_close(in), 0);
    int next = open("/", O_RDONLY);
    CHECK(next > 2);
    close(next);
    CHECK_EQ(fstat(0, &stat), 0);
    CHECK(S_ISCHR(stat.st_mode));
    CHECK_EQ(fcntl(0, F_GETFD), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    return 0;
}

TEST(the_numbers_of_the_standard_streams_never_become_another_file) {
    static struct child child;
    child_start(&child, close_standard_streams, NULL);
    child_ends_with(&child, 0);
}

TEST_MAIN(RUN(what_one_end_of_a_pair_writes_the_other_reads), RUN(the_way_that_an_end_does_not_go_is_refused),
          RUN(writing_to_a_pipe_nobody_reads_is_an_error_and_no_signal),
          RUN(a_write_that_waits_for_a_reader_hears_of_its_going), RUN(the_end_comes_after_the_last_bytes),
          RUN(shutdown_closes_a_write_end_after_what_is_queued),
          RUN(a_write_end_that_is_shut_down_by_a_cancelled_write_is_watched_no_more),
          RUN(a_fifo_waits_for_its_first_writer_and_ends_with_its_last),
          RUN(a_fifo_that_is_open_both_ways_goes_both_ways_and_has_no_half_to_close),
          RUN(a_terminal_carries_bytes_and_its_hang_up_is_told),
          RUN(what_cannot_carry_bytes_is_refused_and_stays_untouched), RUN(bad_arguments_of_a_pair_are_refused),
          RUN(functions_of_tcp_take_no_pipes), RUN(detach_gives_the_end_of_a_pipe_back),
          RUN(the_end_of_the_loop_completes_what_waits_on_pipes),
          RUN(the_numbers_of_the_standard_streams_never_become_another_file))
