/* SPDX-License-Identifier: MIT OR Apache-2.0
 * What is passed and does not arrive: cancelled, refused, too many, nobody's. None is ever left open. */
#include "support/passing.h"

TEST(a_send_that_is_cancelled_passes_nothing) {
    rondel_loop loop = rondel_loop_new();
    rondel_pipe ends[2];
    struct net_op ops[3];
    char room[8];
    memset(ops, 0, sizeof ops);
    REQUIRE(passing_pair(loop, ends, 8));
    int64_t before = stop_up(ends[0]);
    rondel_future futures[3];
    for (int i = 0; i < 3; i++) {
        int64_t fd = numbered(i);
        futures[i] = rondel_pipe_send_fds(ends[0], i == 0 ? "a" : i == 1 ? "bb" : "ccc", (size_t)i + 1, &fd, 1,
                                          net_done, &ops[i]);
        CHECK(futures[i] > 0);
        close((int)fd);
    }
    CHECK_EQ(rondel_cancel(futures[1]), 0);
    swallow(loop, ends[1], before);
    read_bytes(loop, ends[1], room, 4);
    CHECK_EQ(memcmp(room, "accc", 4), 0);
    CHECK_EQ(number_of(rondel_pipe_take_fd(ends[1])), 0);
    CHECK_EQ(number_of(rondel_pipe_take_fd(ends[1])), 2);
    CHECK_EQ(rondel_pipe_take_fd(ends[1]), RONDEL_EAGAIN);
    REQUIRE(net_run_until(loop, &ops[2].calls, 1));
    CHECK_EQ(ops[0].result, 1);
    CHECK_EQ(ops[1].result, RONDEL_ECANCELED);
    CHECK_EQ(ops[2].result, 3);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(what_waits_when_the_pipe_or_its_loop_ends_is_cancelled_and_closed) {
    for (int how = 0; how < 3; how++) {
        rondel_loop loop = rondel_loop_new();
        struct net_op op = {0};
        int peer;
        int64_t fd = numbered(1);
        rondel_pipe pipe = local_stream(loop, &peer);
        stop_up(pipe);
        CHECK(rondel_pipe_send_fds(pipe, "x", 1, &fd, 1, net_done, &op) > 0);
        close((int)fd);
        if (how == 0) CHECK_EQ(rondel_close(pipe), 0);
        if (how == 1) close(peer);
        if (how != 2) CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_EQ(rondel_loop_free(loop), 0);
        CHECK_EQ(op.calls, 1);
        if (how != 1) CHECK_EQ(op.result, RONDEL_ECANCELED);
        else CHECK(op.result == RONDEL_EPIPE || op.result == RONDEL_ECONNRESET);
        if (how != 1) close(peer);
    }
}

/* The read end of a pipe that ends as soon as nobody has the write end any more, which is passed and closed here. */
static int pass_a_write_end(rondel_pipe through) {
    int fds[2];
    CHECK_EQ(pipe(fds), 0);
    int64_t fd = fds[1];
    CHECK(rondel_pipe_send_fds(through, "x", 1, &fd, 1, NULL, NULL) > 0);
    close(fds[1]);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    return fds[0];
}

static int is_open_somewhere(int read_end) {
    char byte;
    return read(read_end, &byte, 1) < 0;
}

TEST(what_nobody_asked_for_or_takes_is_closed) {
    rondel_loop loop = rondel_loop_new();
    rondel_pipe ends[2], other[2];
    char byte;
    /* Nobody asked. */
    REQUIRE_EQ(rondel_pipe_pair(loop, RONDEL_PIPE_BOTH_WAYS, ends), 0);
    int end = pass_a_write_end(ends[0]);
    CHECK(is_open_somewhere(end));
    read_bytes(loop, ends[1], &byte, 1);
    CHECK(!is_open_somewhere(end));
    CHECK_EQ(rondel_pipe_take_fd(ends[1]), RONDEL_EAGAIN);
    close(end);
    /* Asked for, and then not any more. */
    CHECK_EQ(rondel_pipe_receive_fds(ends[1], 4), 0);
    end = pass_a_write_end(ends[0]);
    read_bytes(loop, ends[1], &byte, 1);
    CHECK(is_open_somewhere(end));
    CHECK_EQ(rondel_detach(ends[1]), RONDEL_EBUSY); /* it would be lost */
    CHECK_EQ(rondel_pipe_receive_fds(ends[1], 0), 0);
    CHECK(!is_open_somewhere(end));
    close(end);
    /* Not taken before the handle was closed. */
    CHECK_EQ(rondel_pipe_receive_fds(ends[1], 4), 0);
    end = pass_a_write_end(ends[0]);
    read_bytes(loop, ends[1], &byte, 1);
    CHECK(is_open_somewhere(end));
    CHECK_EQ(rondel_close(ends[1]), 0);
    CHECK(!is_open_somewhere(end));
    close(end);
    /* Not even read. */
    REQUIRE(passing_pair(loop, other, 4));
    end = pass_a_write_end(other[0]);
    CHECK(is_open_somewhere(end));
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK(!is_open_somewhere(end));
    close(end);
}

TEST(more_than_the_limit_are_closed_and_told_of) {
    rondel_loop loop = rondel_loop_new();
    rondel_pipe ends[2];
    char room[4];
    int64_t fds[5];
    REQUIRE(passing_pair(loop, ends, 3));
    for (int i = 0; i < 5; i++) fds[i] = numbered(i);
    CHECK(rondel_pipe_send_fds(ends[0], "a", 1, fds, 5, NULL, NULL) > 0);
    read_bytes(loop, ends[1], room, 1);
    CHECK(rondel_pipe_send_fds(ends[0], "b", 1, &fds[3], 2, NULL, NULL) > 0);
    read_bytes(loop, ends[1], room, 1);
    for (int i = 0; i < 5; i++) close((int)fds[i]);
    for (int i = 0; i < 3; i++) CHECK_EQ(number_of(rondel_pipe_take_fd(ends[1])), i);
    CHECK_EQ(rondel_pipe_take_handle(ends[1]), RONDEL_EMSGSIZE); /* once, however many are missing */
    CHECK_EQ(rondel_pipe_take_fd(ends[1]), RONDEL_EAGAIN);
    fds[0] = numbered(7);
    CHECK(rondel_pipe_send_fds(ends[0], "c", 1, fds, 1, NULL, NULL) > 0);
    close((int)fds[0]);
    read_bytes(loop, ends[1], room, 1);
    CHECK_EQ(number_of(rondel_pipe_take_fd(ends[1])), 7);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_process_without_room_for_more_descriptors_is_told_what_it_lost) {
    rondel_loop loop = rondel_loop_new();
    rondel_pipe ends[2];
    struct rlimit old, few;
    char byte;
    int64_t fds[3];
    if (ON_VALGRIND) {
        CHECK_EQ(rondel_loop_free(loop), 0);
        SKIP("the limit is not the system's here");
    }
    REQUIRE(passing_pair(loop, ends, 8));
    for (int i = 0; i < 3; i++) fds[i] = numbered(i);
    CHECK(rondel_pipe_send_fds(ends[0], "x", 1, fds, 3, NULL, NULL) > 0);
    net_wait_readable((int)rondel_fileno(ends[1]));
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
    few = old;
    few.rlim_cur = (rlim_t)fds[2] + 2;
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
    read_bytes(loop, ends[1], &byte, 1);
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
    int64_t fd = rondel_pipe_take_fd(ends[1]), taken = 0;
    for (; fd >= 0; fd = rondel_pipe_take_fd(ends[1])) CHECK_EQ(number_of(fd), taken++);
    CHECK(taken < 3);
    CHECK_EQ(fd, RONDEL_EMSGSIZE);
    CHECK_EQ(rondel_pipe_take_fd(ends[1]), RONDEL_EAGAIN);
    for (int64_t i = taken; i < 3; i++) close((int)fds[i]);
    for (int64_t i = 0; i < taken; i++) close((int)fds[i]);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST_MAIN(RUN(a_send_that_is_cancelled_passes_nothing),
          RUN(what_waits_when_the_pipe_or_its_loop_ends_is_cancelled_and_closed),
          RUN(what_nobody_asked_for_or_takes_is_closed), RUN(more_than_the_limit_are_closed_and_told_of),
          RUN(a_process_without_room_for_more_descriptors_is_told_what_it_lost))
