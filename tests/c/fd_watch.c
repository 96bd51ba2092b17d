/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Watches of descriptors of the caller's: what is told, and to whom. */
#include "support/watched.h"

TEST(tells_readable_every_turn_as_long_as_it_is) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    int fds[2];
    char byte;
    REQUIRE_EQ(make_pair(fds), 0);
    rondel_watch watch = rondel_fd_watch(loop, fds[0], RONDEL_READABLE, see, &seen);
    REQUIRE(watch > 0);
    turns(loop, 2);
    CHECK_EQ(seen.calls, 0);
    put(fds[1], 'a');
    turns(loop, 3);
    CHECK_EQ(seen.calls, 3);
    CHECK_EQ(seen.result, RONDEL_READABLE);
    CHECK_EQ(seen.source, watch);
    CHECK_EQ(read(fds[0], &byte, 1), 1);
    turns(loop, 3);
    CHECK_EQ(seen.calls, 3);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(fds[0]), close(fds[1]);
}

TEST(tells_what_is_asked_for_and_no_more) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    int fds[2];
    REQUIRE_EQ(make_pair(fds), 0);
    put(fds[1], 'a');
    rondel_watch watch = rondel_fd_watch(loop, fds[0], RONDEL_WRITABLE, see, &seen);
    turns(loop, 1);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_WRITABLE);
    CHECK_EQ(rondel_fd_watch_set(watch, RONDEL_READABLE | RONDEL_WRITABLE), 0);
    turns(loop, 1);
    CHECK_EQ(seen.result, RONDEL_READABLE | RONDEL_WRITABLE);
    CHECK_EQ(rondel_fd_watch_set(watch, RONDEL_DISCONNECT), 0);
    turns(loop, 3);
    CHECK_EQ(seen.calls, 2);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(fds[0]), close(fds[1]);
}

TEST(nothing_asked_for_pauses_and_does_not_keep_the_loop) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    int fds[2];
    REQUIRE_EQ(make_pair(fds), 0);
    put(fds[1], 'a');
    rondel_watch watch = rondel_fd_watch(loop, fds[0], 0, see, &seen);
    REQUIRE(watch > 0);
    CHECK_EQ(rondel_is_active(watch), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(rondel_fd_watch_set(watch, RONDEL_READABLE), 0);
    CHECK_EQ(rondel_is_active(watch), 1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(rondel_fd_watch_set(watch, 0), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(rondel_fd_watch_set(watch, RONDEL_READABLE), 0);
    CHECK_EQ(rondel_unref(watch), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(fds[0]), close(fds[1]);
}

static void pause_watch(rondel_handle watch, int64_t result, void *user_data) {
    see(watch, result, user_data);
    CHECK_EQ(rondel_fd_watch_set(watch, 0), 0);
}

static void close_watch(rondel_handle watch, int64_t result, void *user_data) {
    see(watch, result, user_data);
    CHECK_EQ(rondel_close(watch), 0);
}

TEST(may_be_paused_and_closed_in_its_own_callback) {
    rondel_loop loop = rondel_loop_new();
    struct seen paused = {0, 0, 0}, closed = {0, 0, 0}, notice = {0, 0, 0};
    int a[2], b[2];
    REQUIRE_EQ(make_pair(a) | make_pair(b), 0);
    put(a[1], 'a'), put(b[1], 'b');
    CHECK(rondel_fd_watch(loop, a[0], RONDEL_READABLE, pause_watch, &paused) > 0);
    rondel_watch watch = rondel_fd_watch(loop, b[0], RONDEL_READABLE, close_watch, &closed);
    CHECK_EQ(rondel_on_close(watch, see, &notice), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(paused.calls, 1);
    CHECK_EQ(closed.calls, 1);
    CHECK_EQ(notice.calls, 1);
    CHECK_EQ(rondel_fd_watch_set(watch, RONDEL_READABLE), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(a[0]), close(a[1]), close(b[0]), close(b[1]);
}

static void close_the_other(rondel_handle watch, int64_t result, void *user_data) {
    struct two *two = user_data;
    two->calls++;
    CHECK_EQ(result, RONDEL_READABLE);
    CHECK_EQ(rondel_close(two->watches[watch == two->watches[0]]), 0);
    CHECK_EQ(rondel_close(watch), 0);
}

TEST(one_that_is_closed_is_not_told_of_what_came_with_the_same_wait) {
    rondel_loop loop = rondel_loop_new();
    struct two two = {{0, 0}, {0, 0}, 0, 0};
    int a[2], b[2];
    REQUIRE_EQ(make_pair(a) | make_pair(b), 0);
    put(a[1], 'a'), put(b[1], 'b');
    two.watches[0] = rondel_fd_watch(loop, a[0], RONDEL_READABLE, close_the_other, &two);
    two.watches[1] = rondel_fd_watch(loop, b[0], RONDEL_READABLE, close_the_other, &two);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(two.calls, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(a[0]), close(a[1]), close(b[0]), close(b[1]);
}

TEST(descriptor_stays_the_callers) {
    rondel_loop loop = rondel_loop_new();
    struct seen notice = {0, 0, 0}, told = {0, 0, 0};
    int a[2], b[2];
    REQUIRE_EQ(make_pair(a) | make_pair(b), 0);
    int flags = fcntl(a[0], F_GETFL);
    rondel_watch first = rondel_fd_watch(loop, a[0], ALL, see, &told);
    rondel_watch second = rondel_fd_watch(loop, b[0], RONDEL_READABLE, see, &told);
    CHECK_EQ(rondel_fileno(first), a[0]);
    CHECK_EQ(rondel_kind(first), RONDEL_KIND_FD_WATCH);
    CHECK_EQ(rondel_on_close(second, see, &notice), 0);
    CHECK_EQ(rondel_close(first), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(notice.calls, 1);
    CHECK_EQ(fcntl(a[0], F_GETFL), flags);
    CHECK(fcntl(b[0], F_GETFD) >= 0);
    close(a[0]), close(a[1]), close(b[0]), close(b[1]);
}

TEST(hang_up_is_not_spun_on_when_nothing_is_asked_for) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    int a[2], b[2];
    REQUIRE_EQ(make_pair(a) | make_pair(b), 0);
    CHECK(rondel_fd_watch(loop, a[0], 0, see, &seen) > 0);
    rondel_watch watch = rondel_fd_watch(loop, b[0], RONDEL_READABLE, see, &seen);
    turns(loop, 1);
    CHECK_EQ(rondel_fd_watch_set(watch, 0), 0);
    close(a[1]), close(b[1]);
    CHECK(turns_in(loop, 50 * RONDEL_MS) < 10);
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(a[0]), close(b[0]);
}

TEST(an_end_makes_all_so_that_is_asked_for) {
    if (ON_WINDOWS) SKIP("RONDEL_DISCONNECT is told of a reset only");
    static const int asked[] = {RONDEL_READABLE, RONDEL_WRITABLE, RONDEL_READABLE | RONDEL_WRITABLE, RONDEL_DISCONNECT,
                                RONDEL_READABLE | RONDEL_DISCONNECT};
    rondel_loop loop = rondel_loop_new();
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        struct seen seen = {0, 0, 0};
        int fds[2];
        REQUIRE_EQ(make_pair(fds), 0);
        rondel_watch watch = rondel_fd_watch(loop, fds[0], asked[i], see, &seen);
        close(fds[1]);
        turns(loop, 1);
        CHECK_EQ(seen.calls, 1);
        CHECK_EQ(seen.result, asked[i]);
        CHECK_EQ(rondel_close(watch), 0);
        close(fds[0]);
    }
    struct seen seen = {0, 0, 0};
    int fds[2];
    REQUIRE_EQ(pipe(fds), 0);
    CHECK(rondel_fd_watch(loop, fds[1], RONDEL_DISCONNECT, see, &seen) > 0);
    turns(loop, 1);
    CHECK_EQ(seen.calls, 0);
    close(fds[0]);
    turns(loop, 1);
    CHECK_EQ(seen.result, RONDEL_DISCONNECT);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(fds[1]);
}

TEST(a_half_closed_peer_is_a_disconnect_only_to_who_asks) {
    if (ON_WINDOWS) SKIP("RONDEL_DISCONNECT is told of a reset only");
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    int fds[2];
    REQUIRE_EQ(make_pair(fds), 0);
    rondel_watch watch = rondel_fd_watch(loop, fds[0], RONDEL_DISCONNECT, see, &seen);
    turns(loop, 1);
    CHECK_EQ(seen.calls, 0);
    put(fds[1], 'a');
    turns(loop, 1);
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(shutdown(fds[1], SHUT_WR), 0);
    turns(loop, 1);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_DISCONNECT);
    CHECK_EQ(rondel_fd_watch_set(watch, RONDEL_READABLE), 0);
    turns(loop, 1);
    CHECK_EQ(seen.result, RONDEL_READABLE);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(fds[0]), close(fds[1]);
}

TEST(urgent_data_is_told_to_who_asks) {
    if (ON_WINDOWS) SKIP("urgent data counts as data");
    rondel_loop loop = rondel_loop_new();
    struct seen urgent = {0, 0, 0}, plain = {0, 0, 0};
    int fds[2];
    char byte = '!';
    REQUIRE_EQ(tcp_pair(fds), 0);
    rondel_watch watch = rondel_fd_watch(loop, fds[0], RONDEL_READABLE | RONDEL_PRIORITY, see, &urgent);
    turns(loop, 1);
    CHECK_EQ(urgent.calls, 0);
    CHECK_EQ(send(fds[1], &byte, 1, MSG_OOB), 1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
    CHECK_EQ(urgent.result, RONDEL_PRIORITY);
    CHECK_EQ(rondel_close(watch), 0);
    /* The urgent byte is still there, and no reason to wake one who asks for others. */
    watch = rondel_fd_watch(loop, fds[0], RONDEL_READABLE, see, &plain);
    CHECK(turns_in(loop, 50 * RONDEL_MS) < 10);
    CHECK_EQ(plain.calls, 0);
    CHECK_EQ(rondel_fd_watch_set(watch, RONDEL_PRIORITY), 0);
    CHECK_EQ(recv(fds[0], &byte, 1, MSG_OOB), 1);
    turns(loop, 2);
    CHECK_EQ(plain.calls, 0);
    struct linger linger = {1, 0};
    CHECK_EQ(setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    close(fds[1]); /* a reset: who waits for urgent data alone has to hear that none will come */
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
    CHECK_EQ(plain.result, RONDEL_DISCONNECT);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(fds[0]);
}

TEST(a_descriptor_is_watched_once_a_loop) {
    if (ON_WINDOWS) SKIP("dup and dup2 know no sockets");
    rondel_loop loop = rondel_loop_new(), other = rondel_loop_new();
    struct seen first = {0, 0, 0}, second = {0, 0, 0}, third = {0, 0, 0};
    int fds[2];
    REQUIRE_EQ(make_pair(fds), 0);
    rondel_watch watch = rondel_fd_watch(loop, fds[0], RONDEL_READABLE, see, &first);
    CHECK_EQ(rondel_fd_watch(loop, fds[0], RONDEL_WRITABLE, see, &second), RONDEL_EEXIST);
    CHECK_EQ(rondel_fd_watch(loop, fds[0], 0, see, &second), RONDEL_EEXIST);
    CHECK(rondel_fd_watch(other, fds[0], RONDEL_READABLE, see, &second) > 0);
    int copy = dup(fds[0]);
    CHECK(rondel_fd_watch(loop, copy, RONDEL_READABLE, see, &third) > 0);
    put(fds[1], 'a');
    turns(loop, 1), turns(other, 1);
    CHECK_EQ(first.calls, 1);
    CHECK_EQ(second.calls, 1);
    CHECK_EQ(third.calls, 1);
    /* While one pauses another may have it, and the first is refused then. */
    CHECK_EQ(rondel_fd_watch_set(watch, 0), 0);
    rondel_watch again = rondel_fd_watch(loop, fds[0], RONDEL_READABLE, see, &second);
    CHECK(again > 0);
    CHECK_EQ(rondel_fd_watch_set(watch, RONDEL_READABLE), RONDEL_EEXIST);
    CHECK_EQ(rondel_close(again), 0);
    CHECK_EQ(rondel_fd_watch_set(watch, RONDEL_READABLE), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(rondel_loop_free(other), 0);
    close(fds[0]), close(fds[1]), close(copy);
}

static void ignore_bytes(rondel_stream stream, const uint8_t *bytes, int64_t n, void *user_data) {
    (void)stream, (void)bytes, (void)n, (void)user_data;
}

TEST(descriptor_of_a_stream_that_reads_is_refused) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    int fds[2];
    REQUIRE_EQ(tcp_pair(fds), 0);
    rondel_tcp stream = rondel_tcp_open(loop, fds[0]);
    CHECK_EQ(rondel_read_start(stream, ignore_bytes, NULL), 0);
    turns(loop, 1);
    CHECK_EQ(rondel_fd_watch(loop, fds[0], RONDEL_READABLE, see, &seen), RONDEL_EEXIST);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(fds[1]);
}

TEST(what_makes_no_sense_is_refused) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    int fds[2], others[2], file = open(ON_WINDOWS ? "/dev/null" : "/proc/self/exe", O_RDONLY), closed;
    const int64_t refused = ON_WINDOWS ? RONDEL_EBADF : RONDEL_EPERM;
    REQUIRE_EQ(make_pair(fds), 0);
    REQUIRE_EQ(make_pair(others), 0);
    REQUIRE(file >= 0);
    closed = others[0];
    close(others[0]), close(others[1]);
    int64_t handles = rondel_metric(loop, RONDEL_METRIC_HANDLES);
    CHECK_EQ(rondel_fd_watch(loop, file, RONDEL_READABLE, see, &seen), refused);
    CHECK_EQ(rondel_fd_watch(loop, file, 0, see, &seen), refused);
    CHECK_EQ(rondel_fd_watch(loop, closed, RONDEL_READABLE, see, &seen), RONDEL_EBADF);
    CHECK_EQ(rondel_fd_watch(loop, closed, 0, see, &seen), RONDEL_EBADF);
    CHECK_EQ(rondel_fd_watch(loop, -1, RONDEL_READABLE, see, &seen), RONDEL_EBADF);
    CHECK_EQ(rondel_fd_watch(loop, INT64_C(1) << 40, RONDEL_READABLE, see, &seen), RONDEL_EBADF);
    CHECK_EQ(rondel_fd_watch(loop, fds[0], 16, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_fd_watch(loop, fds[0], -1, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_fd_watch(loop, fds[0], RONDEL_READABLE, NULL, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_fd_watch(loop, fds[0], RONDEL_READABLE, RONDEL_FUTURE), RONDEL_EINVAL);
    CHECK_EQ(rondel_fd_watch(RONDEL_EBUSY, fds[0], RONDEL_READABLE, see, &seen), RONDEL_EBUSY);
    CHECK_EQ(rondel_fd_watch(0, fds[0], RONDEL_READABLE, see, &seen), RONDEL_EINVAL);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), handles);
    rondel_timer timer = rondel_timer_start(loop, 3600 * RONDEL_SECOND, 0, see, &seen);
    CHECK_EQ(rondel_fd_watch(timer, fds[0], RONDEL_READABLE, see, &seen), RONDEL_EKIND);
    CHECK_EQ(rondel_fd_watch_set(timer, RONDEL_READABLE), RONDEL_EKIND);
    CHECK_EQ(rondel_fd_watch_set(timer, 16), RONDEL_EKIND);
    rondel_watch watch = rondel_fd_watch(loop, fds[0], RONDEL_READABLE, see, &seen);
    CHECK_EQ(rondel_fd_watch_set(watch, 32), RONDEL_EINVAL);
    CHECK_EQ(rondel_write(watch, "x", 1, NULL, NULL), RONDEL_EKIND);
    CHECK_EQ(rondel_local_addr(watch, NULL, 0, NULL), RONDEL_EKIND);
    CHECK_EQ(rondel_close(watch), 0);
    CHECK_EQ(rondel_fd_watch_set(watch, RONDEL_READABLE), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(seen.calls, 0);
    close(fds[0]), close(fds[1]), close(file);
}

TEST(completions_are_enqueued_for_who_pulls) {
    rondel_loop loop = rondel_loop_new();
    rondel_completion out[4];
    int fds[2], mark = 0;
    REQUIRE_EQ(make_pair(fds), 0);
    rondel_watch watch = rondel_fd_watch(loop, fds[0], RONDEL_READABLE, rondel_enqueue, &mark);
    CHECK_EQ(rondel_next(loop, out, 4, 0), 0);
    put(fds[1], 'a');
    CHECK_EQ(rondel_next(loop, out, 4, RONDEL_FOREVER), 1);
    CHECK_EQ(out[0].source, watch);
    CHECK_EQ(out[0].result, RONDEL_READABLE);
    CHECK(out[0].user_data == &mark);
    close(fds[0]);
    CHECK_EQ(rondel_next(loop, out, 4, RONDEL_FOREVER), 1);
    CHECK_EQ(out[0].result, RONDEL_EBADF);
    CHECK_EQ(rondel_next(loop, out, 4, RONDEL_FOREVER), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(fds[1]);
}

TEST(works_in_a_loop_that_another_loop_drives) {
    if (ON_WINDOWS) SKIP("a loop has no descriptor");
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    int fds[2];
    char byte;
    REQUIRE_EQ(make_pair(fds), 0);
    CHECK(rondel_fd_watch(loop, fds[0], RONDEL_READABLE, see, &seen) > 0);
    struct pollfd backend = {(int)rondel_backend_fd(loop), POLLIN, 0};
    turns(loop, 1);
    CHECK_EQ(rondel_backend_timeout(loop), RONDEL_FOREVER);
    CHECK_EQ(poll(&backend, 1, 0), 0);
    put(fds[1], 'a');
    for (int i = 1; i <= 3; i++) {
        CHECK_EQ(poll(&backend, 1, -1), 1);
        turns(loop, 1);
        CHECK_EQ(seen.calls, i);
    }
    CHECK_EQ(read(fds[0], &byte, 1), 1);
    turns(loop, 1);
    CHECK_EQ(poll(&backend, 1, 0), 0);
    close(fds[0]);
    CHECK_EQ(rondel_backend_timeout(loop), 0);
    turns(loop, 1);
    CHECK_EQ(seen.result, RONDEL_EBADF);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(fds[1]);
}

TEST_MAIN(RUN(tells_readable_every_turn_as_long_as_it_is), RUN(tells_what_is_asked_for_and_no_more),
          RUN(nothing_asked_for_pauses_and_does_not_keep_the_loop), RUN(may_be_paused_and_closed_in_its_own_callback),
          RUN(one_that_is_closed_is_not_told_of_what_came_with_the_same_wait), RUN(descriptor_stays_the_callers),
          RUN(hang_up_is_not_spun_on_when_nothing_is_asked_for), RUN(an_end_makes_all_so_that_is_asked_for),
          RUN(a_half_closed_peer_is_a_disconnect_only_to_who_asks), RUN(urgent_data_is_told_to_who_asks),
          RUN(a_descriptor_is_watched_once_a_loop), RUN(descriptor_of_a_stream_that_reads_is_refused),
          RUN(what_makes_no_sense_is_refused), RUN(completions_are_enqueued_for_who_pulls),
          RUN(works_in_a_loop_that_another_loop_drives))
