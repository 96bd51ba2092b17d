/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Files on which somebody has a lease, as a server of files may: opening them waits until it is given up. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* F_SETLEASE */
#endif

#include "support/test.h"

#include "support/files.h"

#include <sched.h>

#ifdef F_SETLEASE
static volatile sig_atomic_t asked;

static void note(int signum) {
    (void)signum;
    asked = 1;
}

/* A file "a" that is leased; -1 where there are no leases. The system asks for it back by SIGIO. */
static int lease(rondel_loop loop) {
    put_file("a", "text");
    int fd = open(in_folder("a"), O_RDWR);
    asked = 0;
    signal(SIGIO, note);
    if (fcntl(fd, F_SETLEASE, F_WRLCK) == 0) return fd;
    close(fd);
    files_end(loop);
    return -1;
}

static void wait_until_asked(rondel_loop loop) {
    while (!asked) sched_yield();
    for (int i = 0; i < 10; i++) CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
}

static void end(rondel_loop loop, int fd) {
    close(fd);
    signal(SIGIO, SIG_DFL);
    files_end(loop);
}

TEST(opening_a_leased_file_waits_until_the_lease_is_given_up) {
    rondel_loop loop = files_begin();
    struct seen opened = {0, 0, 0};
    int fd = lease(loop);
    if (fd < 0) SKIP("no leases on files");
    CHECK(rondel_file_open(loop, in_folder("a"), RONDEL_OPEN_READ, 0, see, &opened) > 0);
    wait_until_asked(loop);
    CHECK_EQ(opened.calls, 0);
    CHECK_EQ(fcntl(fd, F_SETLEASE, F_UNLCK), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(opened.calls, 1);
    CHECK(opened.result > 0);
    close_now(opened.result);
    end(loop, fd);
}

TEST(whole_files_wait_for_leases_too) {
    rondel_loop loop = files_begin();
    int fd = lease(loop);
    if (fd < 0) SKIP("no leases on files");
    rondel_future slurped = rondel_file_slurp(loop, in_folder("a"), 0, RONDEL_FUTURE);
    rondel_future copied = rondel_file_copy(loop, in_folder("a"), in_folder("b"), 0, RONDEL_FUTURE);
    wait_until_asked(loop);
    CHECK_EQ(rondel_future_state(slurped), RONDEL_PENDING);
    CHECK_EQ(fcntl(fd, F_SETLEASE, F_UNLCK), 0);
    CHECK_EQ(result_of(slurped), 4);
    CHECK_EQ(result_of(copied), 4);
    CHECK_STR(file_text("b"), "text");
    end(loop, fd);
}

TEST(one_need_not_wait_for_a_lease) {
    rondel_loop loop = files_begin();
    struct seen opened = {0, 0, 0};
    int fd = lease(loop);
    if (fd < 0) SKIP("no leases on files");
    rondel_future open = rondel_file_open(loop, in_folder("a"), RONDEL_OPEN_WRITE, 0, see, &opened);
    wait_until_asked(loop);
    CHECK_EQ(opened.calls, 0);
    CHECK_EQ(rondel_cancel(open), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(opened.calls, 1);
    CHECK_EQ(opened.result, RONDEL_ECANCELED);
    CHECK_EQ(fcntl(fd, F_SETLEASE, F_UNLCK), 0);
    end(loop, fd);
}

TEST(those_that_wait_for_a_lease_hold_up_no_other_file) {
    rondel_loop loop = files_begin();
    rondel_future opens[2];
    rondel_stat about;
    int64_t threads = rondel_pool_lane_size(RONDEL_POOL_FILES, 0);
    int fd = lease(loop);
    if (fd < 0) SKIP("no leases on files");
    CHECK_EQ(rondel_pool_lane_size(RONDEL_POOL_FILES, 2), 2);
    for (int i = 0; i < 2; i++) opens[i] = rondel_file_open(loop, in_folder("a"), RONDEL_OPEN_READ, 0, RONDEL_FUTURE);
    wait_until_asked(loop);
    CHECK_EQ(result_of(rondel_file_stat(loop, in_folder("a"), &about, RONDEL_FUTURE)), 0);
    for (int i = 0; i < 2; i++) CHECK_EQ(rondel_future_state(opens[i]), RONDEL_PENDING);
    CHECK_EQ(fcntl(fd, F_SETLEASE, F_UNLCK), 0);
    for (int i = 0; i < 2; i++) close_now(result_of(opens[i]));
    CHECK_EQ(rondel_pool_lane_size(RONDEL_POOL_FILES, threads), threads);
    end(loop, fd);
}

TEST_MAIN(RUN(opening_a_leased_file_waits_until_the_lease_is_given_up), RUN(whole_files_wait_for_leases_too),
          RUN(one_need_not_wait_for_a_lease), RUN(those_that_wait_for_a_lease_hold_up_no_other_file))
#else
TEST(opening_a_leased_file_waits_until_the_lease_is_given_up) { SKIP("no leases on files"); }

TEST_MAIN(RUN(opening_a_leased_file_waits_until_the_lease_is_given_up))
#endif
