/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Operations that wait for their turn on a file when the system has no thread for them. This program's pthread_create
 * stands before the system's, and so does its close. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* RTLD_NEXT */
#endif

#include "support/test.h"

#include "support/files.h"

#ifdef __linux__
#include <dlfcn.h>

static volatile int refuses;

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *arg) {
    int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (refuses) return EAGAIN;
    *(void **)&next = dlsym(RTLD_NEXT, "pthread_create");
    return next(thread, attributes, body, arg);
}

/* The descriptor whose close, the next time, tells of what failed late. */
static volatile int late = -1;

int close(int fd) {
    int (*next)(int);
    *(void **)&next = dlsym(RTLD_NEXT, "close");
    int result = next(fd);
    if (fd != late) return result;
    late = -1;
    return errno = ENOSPC, -1;
}

static void count_refused(rondel_handle source, int64_t result, void *user_data) {
    (void)source;
    CHECK_EQ(result, RONDEL_EAGAIN);
    ++*(int64_t *)user_data;
}

TEST(a_long_line_fails_as_a_whole_when_there_is_no_thread) {
    const int64_t length = test_scale(100000, 2000);
    int64_t refused = 0;
    struct seen first = {0, 0, 0};
    rondel_loop loop = files_begin();
    rondel_file file = open_now(loop, "a", RONDEL_OPEN_WRITE | RONDEL_OPEN_CREATE);
    int64_t done = done_so_far();
    CHECK(rondel_file_write(file, "1", 1, RONDEL_POSITION, see, &first) > 0);
    for (int64_t i = 0; i < length; i++)
        if (rondel_file_write(file, "2", 1, RONDEL_POSITION, count_refused, &refused) < 0) CHECK(!"it waits in line");
    wait_for_done(done + 1);
    /* A thread that has nothing to do for a while leaves. The loop has not run meanwhile. */
    while (rondel_pool_metric(RONDEL_POOL_FILES, RONDEL_POOL_THREADS) > 0) usleep(10000);
    refuses = 1;
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(first.calls, 1);
    CHECK_EQ(first.result, 1);
    CHECK_EQ(refused, length);
    CHECK(rondel_file_write(file, "3", 1, RONDEL_POSITION, NULL, NULL) == RONDEL_EAGAIN);
    refuses = 0;
    CHECK_EQ(result_of(rondel_file_write(file, "4", 1, RONDEL_POSITION, RONDEL_FUTURE)), 1);
    CHECK_STR(file_text("a"), "14");
    close_now(file);
    files_end(loop);
}

TEST(a_close_tells_what_failed_late_be_there_a_thread_or_not) {
    rondel_loop loop = files_begin();
    put_file("a", "");
    for (int with_thread = 0; with_thread < 2; with_thread++) {
        int fd = open(in_folder("a"), O_WRONLY);
        rondel_file file = rondel_file_open_fd(loop, fd);
        while (!with_thread && rondel_pool_metric(RONDEL_POOL_FILES, RONDEL_POOL_THREADS) > 0) usleep(10000);
        refuses = !with_thread;
        late = fd;
        CHECK_EQ(result_of(rondel_file_close(file, RONDEL_FUTURE)), RONDEL_ENOSPC);
        refuses = 0;
        CHECK_EQ(late, -1);
        CHECK_EQ(fcntl(fd, F_GETFD), -1);
    }
    files_end(loop);
}
#else
TEST(a_close_tells_what_failed_late_be_there_a_thread_or_not) { SKIP("a program cannot stand before the system"); }

TEST(a_long_line_fails_as_a_whole_when_there_is_no_thread) { SKIP("a program cannot stand before the system"); }
#endif

TEST_MAIN(RUN(a_close_tells_what_failed_late_be_there_a_thread_or_not),
          RUN(a_long_line_fails_as_a_whole_when_there_is_no_thread))
