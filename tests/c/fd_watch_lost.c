/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Watched descriptors that their owner closes without a word, or whose number becomes another file. */
#include "support/watched.h"

TEST(closed_behind_its_back_is_told_once) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    int fds[2];
    REQUIRE_EQ(make_pair(fds), 0);
    rondel_watch watch = rondel_fd_watch(loop, fds[0], RONDEL_READABLE, see, &seen);
    turns(loop, 2);
    close(fds[0]);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0); /* nothing keeps the loop alive after it */
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_EBADF);
    CHECK_EQ(seen.source, watch);
    CHECK_EQ(rondel_is_active(watch), 0);
    CHECK_EQ(rondel_fd_watch_set(watch, RONDEL_READABLE), RONDEL_EBADF);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(rondel_close(watch), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(fds[1]);
}

TEST(set_finds_out_too_and_it_is_told_all_the_same) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0}, paused = {0, 0, 0};
    int fds[2];
    REQUIRE_EQ(make_pair(fds), 0);
    rondel_watch watch = rondel_fd_watch(loop, fds[0], RONDEL_READABLE, see, &seen);
    rondel_watch sleeper = rondel_fd_watch(loop, fds[1], 0, see, &paused);
    close(fds[0]), close(fds[1]);
    CHECK_EQ(rondel_fd_watch_set(watch, RONDEL_WRITABLE), RONDEL_EBADF);
    CHECK_EQ(rondel_fd_watch_set(sleeper, RONDEL_WRITABLE), RONDEL_EBADF);
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_EBADF);
    CHECK_EQ(paused.calls, 0); /* it had the answer, and was not watching */
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void close_fd(rondel_handle source, int64_t result, void *user_data) {
    (void)source, (void)result;
    CHECK_EQ(close(*(int *)user_data), 0);
}

TEST(closed_in_a_callback_is_told_before_the_loop_waits) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    int fds[2];
    REQUIRE_EQ(make_pair(fds), 0);
    CHECK(rondel_fd_watch(loop, fds[0], RONDEL_READABLE, see, &seen) > 0);
    CHECK(rondel_call_later(loop, 20 * RONDEL_MS, close_fd, &fds[0]) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_EBADF);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(fds[1]);
}

TEST(closed_with_a_duplicate_left_is_not_spun_on) {
    if (ON_WINDOWS) SKIP("dup and dup2 know no sockets");
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0}, again = {0, 0, 0};
    int fds[2];
    REQUIRE_EQ(make_pair(fds), 0);
    put(fds[1], 'a'); /* ready for ever, as nobody reads it */
    rondel_watch watch = rondel_fd_watch(loop, fds[0], RONDEL_READABLE, see, &seen);
    turns(loop, 1);
    CHECK_EQ(seen.calls, 1);
    int copy = dup(fds[0]);
    close(fds[0]);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 2);
    CHECK_EQ(seen.result, RONDEL_EBADF);
    CHECK(turns_in(loop, 50 * RONDEL_MS) < 10);
    CHECK_EQ(rondel_close(watch), 0);
    CHECK(turns_in(loop, 50 * RONDEL_MS) < 10);
    CHECK(rondel_fd_watch(loop, copy, RONDEL_READABLE, see, &again) > 0);
    turns(loop, 1);
    CHECK_EQ(again.result, RONDEL_READABLE);
    CHECK_EQ(seen.calls, 2);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(copy), close(fds[1]);
}

TEST(closed_by_a_watch_first_with_a_duplicate_left_is_quiet) {
    if (ON_WINDOWS) SKIP("dup and dup2 know no sockets");
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    int fds[2];
    REQUIRE_EQ(make_pair(fds), 0);
    put(fds[1], 'a');
    rondel_watch watch = rondel_fd_watch(loop, fds[0], RONDEL_READABLE, see, &seen);
    int copy = dup(fds[0]);
    close(fds[0]); /* the wrong order: the watch cannot be taken out any more */
    CHECK_EQ(rondel_close(watch), 0);
    CHECK(turns_in(loop, 50 * RONDEL_MS) < 10);
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(copy), close(fds[1]);
}

static void close_the_others_fd(rondel_handle watch, int64_t result, void *user_data) {
    struct two *two = user_data;
    if (result < 0) {
        two->errors++;
        CHECK_EQ(result, RONDEL_EBADF);
    } else {
        two->calls++;
        close(two->fds[watch == two->watches[0]]);
        CHECK_EQ(rondel_close(watch), 0);
    }
}

TEST(closed_while_its_event_was_on_the_way_is_told_so) {
    rondel_loop loop = rondel_loop_new();
    struct two two = {{0, 0}, {0, 0}, 0, 0};
    int a[2], b[2];
    REQUIRE_EQ(make_pair(a) | make_pair(b), 0);
    put(a[1], 'a'), put(b[1], 'b');
    two.fds[0] = a[0], two.fds[1] = b[0];
    two.watches[0] = rondel_fd_watch(loop, a[0], RONDEL_READABLE, close_the_others_fd, &two);
    two.watches[1] = rondel_fd_watch(loop, b[0], RONDEL_READABLE, close_the_others_fd, &two);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(two.calls, 1);
    CHECK_EQ(two.errors, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(fcntl(a[0], F_GETFD) >= 0 ? a[0] : b[0]);
    close(a[1]), close(b[1]);
}

TEST(a_number_that_became_another_file_is_told_and_left_alone) {
    if (ON_WINDOWS) SKIP("dup and dup2 know no sockets");
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    int fds[2], others[2];
    REQUIRE_EQ(make_pair(fds) | make_pair(others), 0);
    rondel_watch watch = rondel_fd_watch(loop, fds[0], RONDEL_READABLE, see, &seen);
    turns(loop, 1);
    put(others[1], 'x');
    CHECK_EQ(dup2(others[0], fds[0]), fds[0]);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_EBADF);
    CHECK_EQ(rondel_close(watch), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK(fcntl(fds[0], F_GETFD) >= 0);
    close(fds[0]), close(fds[1]), close(others[0]), close(others[1]);
}

TEST(a_number_that_is_watched_anew_belongs_to_the_new_watch) {
    if (ON_WINDOWS) SKIP("dup and dup2 know no sockets");
    rondel_loop loop = rondel_loop_new();
    struct seen first = {0, 0, 0}, second = {0, 0, 0};
    int fds[2], others[2];
    REQUIRE_EQ(make_pair(fds) | make_pair(others), 0);
    rondel_watch old = rondel_fd_watch(loop, fds[0], RONDEL_READABLE, see, &first);
    CHECK_EQ(dup2(others[0], fds[0]), fds[0]);
    rondel_watch new = rondel_fd_watch(loop, fds[0], RONDEL_READABLE, see, &second);
    CHECK(new > 0);
    CHECK_EQ(rondel_fd_watch_set(old, RONDEL_WRITABLE), RONDEL_EBADF);
    turns(loop, 2);
    CHECK_EQ(first.calls, 1);
    CHECK_EQ(first.result, RONDEL_EBADF);
    CHECK_EQ(rondel_close(old), 0);
    put(others[1], 'x');
    turns(loop, 1);
    CHECK_EQ(second.calls, 1);
    CHECK_EQ(second.result, RONDEL_READABLE);
    CHECK_EQ(first.calls, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(fds[0]), close(fds[1]), close(others[0]), close(others[1]);
}

static void count_bytes(rondel_stream stream, const uint8_t *bytes, int64_t n, void *user_data) {
    (void)stream, (void)bytes;
    *(int64_t *)user_data += n;
}

/* The commonest mistake: close the descriptor, then the watch; and the number is the next connection's in between. */
TEST(a_number_that_became_the_loops_own_is_not_disturbed_by_the_old_watch) {
    if (ON_WINDOWS) SKIP("dup and dup2 know no sockets");
    rondel_loop loop = rondel_loop_new();
    struct seen first = {0, 0, 0}, second = {0, 0, 0};
    int64_t bytes = 0;
    int a[2], b[2], streams[2];
    REQUIRE_EQ(make_pair(a) | make_pair(b) | tcp_pair(streams), 0);
    rondel_watch set_later = rondel_fd_watch(loop, a[0], RONDEL_READABLE, see, &first);
    rondel_watch close_later = rondel_fd_watch(loop, b[0], RONDEL_READABLE, see, &second);
    turns(loop, 1);
    CHECK_EQ(dup2(streams[0], a[0]), a[0]);
    close(streams[0]);
    rondel_tcp stream = rondel_tcp_open(loop, a[0]);
    CHECK_EQ(rondel_read_start(stream, count_bytes, &bytes), 0);
    CHECK_EQ(rondel_fd_watch_set(set_later, RONDEL_WRITABLE), RONDEL_EBADF);
    CHECK_EQ(rondel_close(set_later), 0);
    put(streams[1], 'x');
    while (bytes == 0) CHECK_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
    CHECK_EQ(bytes, 1);
    /* The same for the other one, that is closed without being asked before. */
    CHECK_EQ(rondel_read_stop(stream), 0);
    int number = (int)rondel_detach(stream);
    CHECK_EQ(number, a[0]);
    CHECK_EQ(dup2(number, b[0]), b[0]);
    close(number);
    stream = rondel_tcp_open(loop, b[0]);
    CHECK_EQ(rondel_read_start(stream, count_bytes, &bytes), 0);
    CHECK_EQ(rondel_close(close_later), 0);
    put(streams[1], 'y');
    while (bytes == 1) CHECK_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
    CHECK_EQ(bytes, 2);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(first.calls + second.calls, 0); /* both were closed before they could be told */
    close(a[1]), close(b[1]), close(streams[1]);
}

enum { MANY = 100 };

static void count_lost(rondel_handle watch, int64_t result, void *user_data) {
    int64_t *lost = user_data;
    (void)watch;
    CHECK_EQ(result, RONDEL_EBADF);
    ++*lost;
}

static void stop_when_half_is_lost(rondel_handle hook, int64_t result, void *user_data) {
    int64_t *lost = user_data, sum = 0;
    (void)result;
    for (int i = 0; i < MANY; i++) sum += lost[i];
    if (sum >= MANY / 2) rondel_stop(rondel_loop_of(hook));
}

TEST(of_many_each_that_was_closed_is_told_once) {
    rondel_loop loop = rondel_loop_new();
    int64_t lost[MANY] = {0};
    int fds[MANY][2];
    for (int i = 0; i < MANY; i++) {
        REQUIRE_EQ(make_pair(fds[i]), 0);
        CHECK(rondel_fd_watch(loop, fds[i][0], RONDEL_READABLE, count_lost, &lost[i]) > 0);
    }
    CHECK(turns_in(loop, 50 * RONDEL_MS) < 60);
    for (int i = 0; i < MANY; i += 2) close(fds[i][0]);
    rondel_hook hook = rondel_check_start(loop, stop_when_half_is_lost, lost);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 1);
    CHECK_EQ(rondel_close(hook), 0);
    for (int i = 0; i < MANY; i++) CHECK_EQ(lost[i], i % 2 == 0);
    CHECK(turns_in(loop, 400 * RONDEL_MS) < 20); /* once all were looked at, the loop sleeps */
    CHECK_EQ(rondel_loop_free(loop), 0);
    for (int i = 0; i < MANY; i++) {
        CHECK_EQ(lost[i], i % 2 == 0);
        close(fds[i][1]);
        if (i % 2) close(fds[i][0]);
    }
}

TEST_MAIN(RUN(closed_behind_its_back_is_told_once), RUN(set_finds_out_too_and_it_is_told_all_the_same),
          RUN(closed_in_a_callback_is_told_before_the_loop_waits), RUN(closed_with_a_duplicate_left_is_not_spun_on),
          RUN(closed_by_a_watch_first_with_a_duplicate_left_is_quiet),
          RUN(closed_while_its_event_was_on_the_way_is_told_so),
          RUN(a_number_that_became_another_file_is_told_and_left_alone),
          RUN(a_number_that_is_watched_anew_belongs_to_the_new_watch),
          RUN(a_number_that_became_the_loops_own_is_not_disturbed_by_the_old_watch),
          RUN(of_many_each_that_was_closed_is_told_once))
