/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Files sent to streams, in their turn among the writes. */
#include "support/test.h"

#include "support/net.h"
#include "support/send_file.h"

#include <poll.h>

TEST(a_file_takes_its_turn_among_the_writes) {
    struct sending s;
    struct net_op ops[5] = {{0}};
    REQUIRE(sending_begin(&s, SIZE));
    CHECK(NET_START(rondel_write(s.stream, "head", 4, net_done, &ops[0])) > 0);
    CHECK(NET_START(rondel_send_file(s.stream, s.file, 0, SIZE, net_done, &ops[1])) > 0);
    CHECK(NET_START(rondel_write(s.stream, "middle", 6, net_done, &ops[2])) > 0);
    CHECK(NET_START(rondel_send_file(s.stream, s.file, 1000, 77, net_done, &ops[3])) > 0);
    CHECK(NET_START(rondel_write(s.stream, "tail", 4, net_done, &ops[4])) > 0);
    check_text(&s, "head");
    CHECK_EQ(net_drain(s.loop, s.peer, SIZE, 0), SIZE);
    check_text(&s, "middle");
    CHECK_EQ(net_drain(s.loop, s.peer, 77, 1000), 77);
    check_text(&s, "tail");
    CHECK(net_run_until(s.loop, &ops[4].calls, 1));
    const int64_t results[5] = {4, SIZE, 6, 77, 4};
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(ops[i].calls, 1);
        CHECK_EQ(ops[i].result, results[i]);
        CHECK(i == 0 || ops[i].order > ops[i - 1].order);
    }
    sending_end(&s);
}

TEST(the_result_is_what_the_file_had) {
    const struct {
        int64_t offset, length, sent;
    } cases[] = {{0, 0, 0},           {0, 1, 1},           {SIZE - 1, 1, 1},          {SIZE - 1, 2, 1},
                 {SIZE, 1, 0},        {SIZE + 1, 1, 0},    {0, INT64_MAX, SIZE},      {17, INT64_MAX, SIZE - 17},
                 {INT64_MAX, 1, 0},   {INT64_MAX, INT64_MAX, 0}, {4096, 8192, 8192}};
    struct sending s;
    REQUIRE(sending_begin(&s, SIZE));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct net_op op = {0};
        CHECK(rondel_send_file(s.stream, s.file, cases[i].offset, cases[i].length, net_done, &op) > 0);
        CHECK_EQ(net_drain(s.loop, s.peer, (size_t)cases[i].sent, (uint64_t)cases[i].offset), cases[i].sent);
        CHECK(net_run_until(s.loop, &op.calls, 1));
        CHECK_EQ(op.result, cases[i].sent);
        CHECK_EQ(rondel_write_queue_size(s.stream), 0);
    }
    CHECK(rondel_write(s.stream, "end", 3, NULL, NULL) > 0);
    check_text(&s, "end");
    sending_end(&s);
}

static void on_mark(rondel_stream stream, int64_t above, void *user_data) {
    int64_t *marks = user_data;
    (void)stream;
    marks[above]++;
}

TEST(a_slow_peer_holds_it_up_and_nothing_else) {
    struct sending s;
    struct net_op op = {0};
    int64_t marks[2] = {0, 0}, size = test_scale(32 << 20, 2 << 20);
    struct seen tick = {0, 0, 0};
    REQUIRE(sending_begin(&s, (size_t)size));
    net_shrink((int)rondel_fileno(s.stream)), net_shrink(s.peer);
    CHECK_EQ(rondel_set_watermarks(s.stream, 1000, 100000, on_mark, marks), 0);
    CHECK(rondel_send_file(s.stream, s.file, 0, size, net_done, &op) > 0);
    CHECK(rondel_timer_start(s.loop, RONDEL_MS, 0, see, &tick) > 0);
    for (; rondel_write_queue_size(s.stream) == size; poll(NULL, 0, 1))
        CHECK_EQ(rondel_run(s.loop, RONDEL_RUN_NOWAIT), 1);
    CHECK(net_run_until(s.loop, &tick.calls, 1));
    int64_t left = rondel_write_queue_size(s.stream);
    CHECK_EQ(op.calls, 0);
    CHECK_EQ(marks[1], 1);
    CHECK(left > 0 && left < size);
    CHECK_EQ(net_drain(s.loop, s.peer, (size_t)size, 0), (size_t)size);
    CHECK(net_run_until(s.loop, &op.calls, 1));
    CHECK_EQ(op.result, size);
    CHECK_EQ(marks[0], 1);
    sending_end(&s);
}

/* To a peer that takes all it can get, so that nothing but the loop's own fairness makes it stop. */
static void *take_all(void *arg) {
    struct sending *sending = arg;
    static char room[1 << 20];
    while (recv(sending->peer, room, sizeof room, 0) > 0) continue;
    return NULL;
}

TEST(a_large_file_leaves_others_their_turn) {
    struct sending s;
    struct net_op op = {0};
    struct seen idle = {0, 0, 0};
    pthread_t thread;
    int64_t size = test_scale(256 << 20, 16 << 20);
    REQUIRE(sending_begin(&s, 1));
    CHECK_EQ(ftruncate(s.fd, size), 0);
    CHECK_EQ(pthread_create(&thread, NULL, take_all, &s), 0);
    CHECK(rondel_idle_start(s.loop, see, &idle) > 0);
    CHECK(rondel_send_file(s.stream, s.file, 0, size, net_done, &op) > 0);
    CHECK(net_run_until(s.loop, &op.calls, 1));
    CHECK_EQ(op.result, size);
    CHECK(idle.calls >= size / (1 << 20) / 2);
    CHECK_EQ(rondel_close(s.stream), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    sending_end(&s);
}

TEST(what_the_disk_has_to_fetch_comes_all_the_same) {
    struct sending s;
    int64_t size = test_scale(8 << 20, 1 << 20);
    REQUIRE(sending_begin(&s, (size_t)size));
    for (int round = 0; round < 3; round++) {
        struct net_op op = {0};
        CHECK_EQ(fsync(s.fd), 0);
        CHECK_EQ(posix_fadvise(s.fd, 0, 0, POSIX_FADV_DONTNEED), 0);
        CHECK(rondel_send_file(s.stream, s.file, 0, size, net_done, &op) > 0);
        CHECK(rondel_write(s.stream, "end", 3, NULL, NULL) > 0);
        CHECK_EQ(net_drain(s.loop, s.peer, (size_t)size, 0), (size_t)size);
        check_text(&s, "end");
        CHECK(net_run_until(s.loop, &op.calls, 1));
        CHECK_EQ(op.result, size);
    }
    sending_end(&s);
}

TEST(a_file_that_shrinks_meanwhile_ends_its_write_there) {
    struct sending s;
    struct net_op op = {0}, after = {0};
    const int64_t size = 2 << 20;
    REQUIRE(sending_begin(&s, (size_t)size));
    size_t filled = fill_up(&s);
    CHECK(rondel_send_file(s.stream, s.file, 0, size, net_done, &op) > 0);
    CHECK(rondel_write(s.stream, "after", 5, net_done, &after) > 0);
    CHECK(rondel_write_queue_size(s.stream) > size + 5);
    CHECK_EQ(ftruncate(s.fd, 100000), 0);
    drain_fill(&s, filled);
    CHECK_EQ(net_drain(s.loop, s.peer, 100000, 0), 100000);
    check_text(&s, "after");
    CHECK(net_run_until(s.loop, &after.calls, 1));
    CHECK_EQ(op.result, 100000);
    CHECK_EQ(after.result, 5);
    CHECK_EQ(rondel_write_queue_size(s.stream), 0);
    sending_end(&s);
}

static void send_and_empty(rondel_handle source, int64_t result, void *user_data) {
    struct sending *s = user_data;
    (void)source, (void)result;
    CHECK(rondel_send_file(s->stream, s->file, 0, 1000, NULL, NULL) > 0);
    CHECK_EQ(ftruncate(s->fd, 0), 0);
}

TEST(a_file_that_ended_early_leaves_nodelay_as_it_was) {
    for (int on = 0; on < 2 && !net_is_local(); on++) {
        struct sending s;
        int value = -1;
        socklen_t size = sizeof value;
        REQUIRE(sending_begin(&s, 1000));
        CHECK_EQ(rondel_tcp_nodelay(s.stream, on), 0);
        CHECK(rondel_call_soon(s.loop, send_and_empty, &s) > 0);
        CHECK(rondel_run(s.loop, RONDEL_RUN_DEFAULT) >= 0);
        CHECK_EQ(rondel_write_queue_size(s.stream), 0);
        CHECK_EQ(getsockopt((int)rondel_fileno(s.stream), IPPROTO_TCP, TCP_NODELAY, &value, &size), 0);
        CHECK_EQ(value != 0, on);
        sending_end(&s);
    }
}

struct collected {
    uint64_t at;
    int64_t wrong, done;
};

static void collect(rondel_stream stream, const uint8_t *bytes, int64_t n, void *user_data) {
    struct collected *collected = user_data;
    (void)stream;
    if (n < 0) {
        collected->done++;
    } else {
        collected->wrong += !net_matches(bytes, (size_t)n, collected->at);
        collected->at += (uint64_t)n;
    }
}

TEST(pipes_and_local_sockets_take_files_too) {
    for (int how = 0; how < 2; how++) {
        struct sending s;
        struct collected collected = {0, 0, 0};
        rondel_pipe ends[2];
        struct net_op op = {0};
        REQUIRE(sending_begin(&s, SIZE));
        CHECK_EQ(rondel_pipe_pair(s.loop, how ? RONDEL_PIPE_ONE_WAY : RONDEL_PIPE_BOTH_WAYS, ends), 0);
        CHECK_EQ(rondel_read_start(ends[0], collect, &collected), 0);
        CHECK(rondel_send_file(ends[1], s.file, 0, INT64_MAX, net_done, &op) > 0);
        CHECK(net_run_until(s.loop, &op.calls, 1));
        CHECK_EQ(op.result, SIZE);
        CHECK_EQ(rondel_close_when_sent(ends[1]), 0);
        CHECK(net_run_until(s.loop, &collected.done, 1));
        CHECK_EQ(collected.at, SIZE);
        CHECK_EQ(collected.wrong, 0);
        sending_end(&s);
    }
}

/* Any mixture of files and writes arrives as it was ordered. */
TEST(what_is_mixed_arrives_in_order) {
    struct sending s;
    uint64_t state = 88172645463325252u, at = 0;
    const size_t size = 1 << 20;
    size_t total = 0, got = 0;
    int64_t done = 0, started = 0;
    uint8_t *expected = malloc(64 << 20), *bytes = malloc(size);
    struct seen seen = {0, 0, 0};
    REQUIRE(sending_begin(&s, size));
    net_fill(bytes, size, 0);
    net_shrink((int)rondel_fileno(s.stream)), net_shrink(s.peer);
    for (int64_t i = test_scale(600, 60); i > 0; i--) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        size_t length = (size_t)(state >> 8) % (state % 5 == 0 ? 200000 : 3000);
        at = (state >> 32) % (size - length);
        int64_t future = state % 3 == 0   ? rondel_send_file(s.stream, s.file, (int64_t)at, (int64_t)length, see, &seen)
                         : state % 3 == 1 ? rondel_write(s.stream, bytes + at, length, see, &seen)
                                          : rondel_write_borrowed(s.stream, bytes + at, length, see, &seen);
        CHECK(future > 0);
        started++;
        memcpy(expected + total, bytes + at, length);
        total += length;
        if (state % 7 == 0) {
            ssize_t n = recv(s.peer, bytes, 0, MSG_DONTWAIT);
            (void)n;
            rondel_run(s.loop, RONDEL_RUN_NOWAIT);
        }
    }
    uint8_t *room = malloc(total + 1);
    while (got < total) {
        ssize_t n = recv(s.peer, room + got, total - got, MSG_DONTWAIT);
        if (n > 0) got += (size_t)n;
        else rondel_run(s.loop, RONDEL_RUN_NOWAIT);
    }
    CHECK_EQ(memcmp(room, expected, total), 0);
    done = started;
    CHECK(net_run_until(s.loop, &seen.calls, done));
    CHECK_EQ(recv(s.peer, room, 1, MSG_DONTWAIT), -1);
    sending_end(&s);
    free(expected), free(bytes), free(room);
}

/* Sends some of a file of the system with a word before and one behind, and checks what comes out. */
static void check_unsized(const char *path, int64_t offset, int64_t length) {
    struct sending s;
    struct net_op op = {0}, after = {0};
    size_t room = 32 << 20, size = 0, got = 0;
    char *expected = malloc(room), *came = malloc(room);
    int fd = open(path, O_RDONLY);
    memcpy(expected, "before", 6);
    while ((int64_t)size < length && size < room - (1 << 17)) {
        ssize_t n = pread(fd, expected + 6 + size, 1 << 16, offset + (int64_t)size);
        if (n <= 0) break;
        size += (size_t)n;
    }
    if ((int64_t)size > length) size = (size_t)length;
    memcpy(expected + 6 + size, "after", 5);
    REQUIRE(sending_begin(&s, 0));
    rondel_file file = rondel_file_open_fd(s.loop, fd);
    CHECK(rondel_write(s.stream, "before", 6, NULL, NULL) > 0);
    CHECK(rondel_send_file(s.stream, file, offset, length, net_done, &op) > 0);
    CHECK(rondel_write(s.stream, "after", 5, net_done, &after) > 0);
    while (got < size + 11) {
        ssize_t n = recv(s.peer, came + got, room - got, MSG_DONTWAIT);
        if (n > 0) got += (size_t)n;
        else if (after.calls) break;
        else {
            /* The pool gets its turn too, which under valgrind it would not from a loop that never waits. */
            struct pollfd arrival = {s.peer, POLLIN, 0};
            rondel_run(s.loop, RONDEL_RUN_NOWAIT);
            poll(&arrival, 1, 1);
        }
    }
    net_run_until(s.loop, &after.calls, 1);
    CHECK_EQ(op.result, size);
    CHECK_EQ(after.result, 5);
    CHECK_EQ(got, size + 11);
    CHECK_EQ(memcmp(came, expected, size + 11), 0);
    CHECK_EQ(rondel_write_queue_size(s.stream), 0);
    sending_end(&s);
    free(expected), free(came);
}

TEST(files_that_say_they_are_empty_are_sent_to_their_end) {
    if (access("/proc/version", R_OK) < 0) SKIP("no such files here");
    check_unsized("/proc/version", 0, INT64_MAX);
    check_unsized("/proc/version", 3, 5);
    check_unsized("/proc/version", 3, 1);
    check_unsized("/proc/version", 100000, INT64_MAX);
    /* One that is longer than what is read at a time. */
    if (access("/proc/kallsyms", R_OK) == 0) {
        check_unsized("/proc/kallsyms", 0, test_scale(1 << 20, 300 << 10));
        if (!test_small()) check_unsized("/proc/kallsyms", 0, INT64_MAX);
    }
}

TEST(what_makes_no_sense_is_refused) {
    struct sending s;
    struct seen seen = {0, 0, 0};
    struct net_op op = {0};
    REQUIRE(sending_begin(&s, 10));
    rondel_loop other = rondel_loop_new();
    rondel_file foreign = rondel_file_open_fd(other, dup(s.fd));
    rondel_file folder = rondel_file_open_fd(s.loop, open("/", O_RDONLY));
    rondel_file null = rondel_file_open_fd(s.loop, open("/dev/null", O_RDONLY));
    rondel_tcp unconnected = rondel_tcp_new(s.loop);
    CHECK_EQ(rondel_send_file(s.stream, s.file, -1, 1, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_send_file(s.stream, s.file, 0, -1, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_send_file(s.stream, 0, 0, 1, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_send_file(s.stream, RONDEL_EMFILE, 0, 1, see, &seen), RONDEL_EMFILE);
    CHECK_EQ(rondel_send_file(s.stream, s.stream, 0, 1, see, &seen), RONDEL_EKIND);
    CHECK_EQ(rondel_send_file(s.stream, foreign, 0, 1, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_send_file(s.stream, other, 0, 1, see, &seen), RONDEL_EKIND);
    CHECK_EQ(rondel_send_file(s.stream, folder, 0, 1, see, &seen), RONDEL_EISDIR);
    CHECK_EQ(rondel_send_file(s.stream, null, 0, 1, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_send_file(unconnected, s.file, 0, 1, see, &seen), RONDEL_ENOTCONN);
    CHECK_EQ(rondel_close(s.file), 0);
    CHECK_EQ(rondel_send_file(s.stream, s.file, 0, 1, see, &seen), RONDEL_EGONE);

    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", s.fd);
    int write_only = open(name, O_WRONLY);
    if (write_only >= 0) {
        rondel_file blind = rondel_file_open_fd(s.loop, write_only);
        CHECK(rondel_send_file(s.stream, blind, 0, 10, net_done, &op) > 0);
        CHECK(rondel_write(s.stream, "after", 5, NULL, NULL) > 0);
        CHECK(net_run_until(s.loop, &op.calls, 1));
        CHECK_EQ(op.result, RONDEL_EBADF);
        check_text(&s, "after");
        /* Also if nothing is in it. */
        CHECK_EQ(ftruncate(s.fd, 0), 0);
        memset(&op, 0, sizeof op);
        CHECK(rondel_send_file(s.stream, blind, 0, 10, net_done, &op) > 0);
        CHECK(net_run_until(s.loop, &op.calls, 1));
        CHECK_EQ(op.result, RONDEL_EBADF);
    }
    CHECK(rondel_shutdown(s.stream, NULL, NULL) > 0);
    CHECK_EQ(rondel_send_file(s.stream, folder, 0, 1, see, &seen), RONDEL_EPIPE);
    CHECK_EQ(rondel_loop_free(other), 0);
    CHECK_EQ(seen.calls, 0);
    sending_end(&s);
}

TEST_MAIN(RUN(a_file_takes_its_turn_among_the_writes), RUN(the_result_is_what_the_file_had),
          RUN(a_slow_peer_holds_it_up_and_nothing_else), RUN(a_large_file_leaves_others_their_turn),
          RUN(what_the_disk_has_to_fetch_comes_all_the_same), RUN(a_file_that_shrinks_meanwhile_ends_its_write_there),
          RUN(a_file_that_ended_early_leaves_nodelay_as_it_was), RUN(pipes_and_local_sockets_take_files_too),
          RUN(what_is_mixed_arrives_in_order), RUN(files_that_say_they_are_empty_are_sent_to_their_end),
          RUN(what_makes_no_sense_is_refused))
