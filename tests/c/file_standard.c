/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Files under the numbers of standard input, output and error: however they are closed, no other file gets one. */
#include "support/test.h"

#include "support/child.h"
#include "support/files.h"

#include <sys/resource.h>

/* The ways in which a file ends. */
enum { CLOSED, CLOSED_AT_ONCE, CLOSED_WHILE_IN_USE, FREED_WITH_THE_LOOP, WAYS };

/* Has the number stand for the end of a pipe that is written to; what others write comes out at the other end. */
static int pipe_under(int number) {
    int ends[2];
    CHECK_EQ(pipe(ends), 0);
    CHECK_EQ(dup2(ends[1], number), number);
    CHECK_EQ(close(ends[1]), 0);
    return ends[0];
}

static void leads_to_nothing(int number) {
    struct stat about, null;
    int next = open("/", O_RDONLY);
    CHECK(next > 2);
    close(next);
    CHECK_EQ(fstat(number, &about) | stat("/dev/null", &null), 0);
    CHECK(S_ISCHR(about.st_mode) && about.st_rdev == null.st_rdev);
    CHECK_EQ(fcntl(number, F_GETFD), 0); /* programs that are started have it too */
    CHECK_EQ(write(number, "lost", 4), 4);
}

static void end_in(rondel_loop *loop, rondel_file file, int way) {
    struct seen wrote = {0, 0, 0};
    switch (way) {
    case CLOSED: close_now(file); break;
    case CLOSED_AT_ONCE: CHECK_EQ(rondel_close(file), 0); break;
    case CLOSED_WHILE_IN_USE:
        CHECK(rondel_file_write(file, "last", 4, RONDEL_POSITION, see, &wrote) > 0);
        CHECK(rondel_file_close(file, NULL, NULL) > 0);
        break;
    case FREED_WITH_THE_LOOP:
        CHECK_EQ(rondel_loop_free(*loop), 0);
        *loop = rondel_loop_new();
    }
    CHECK_EQ(rondel_run(*loop, RONDEL_RUN_DEFAULT), 0);
    if (way == CLOSED_WHILE_IN_USE) CHECK_EQ(wrote.result, 4);
}

static int end_standard_files(void *arg) {
    rondel_loop loop = rondel_loop_new();
    (void)arg;
    for (int number = 0; number < 3; number++)
        for (int way = 0; way < WAYS; way++) {
            char said[8] = "";
            int other = pipe_under(number);
            rondel_file file = rondel_file_open_fd(loop, number);
            CHECK_EQ(rondel_fileno(file), number);
            end_in(&loop, file, way);
            CHECK_EQ(read(other, said, sizeof said), way == CLOSED_WHILE_IN_USE ? 4 : 0);
            CHECK_EQ(read(other, said, sizeof said), 0); /* it is really closed */
            leads_to_nothing(number);
            close(other);
            rondel_pipe pair[2];
            CHECK_EQ(rondel_pipe_pair(loop, RONDEL_PIPE_BOTH_WAYS, pair), 0);
            CHECK(rondel_fileno(pair[0]) > 2 && rondel_fileno(pair[1]) > 2);
            CHECK_EQ(rondel_close(pair[0]) | rondel_close(pair[1]), 0);
        }
    CHECK_EQ(rondel_loop_free(loop), 0);
    return 0;
}

TEST(the_numbers_of_the_standard_files_never_become_another_file) {
    static struct child child;
    child_start(&child, end_standard_files, NULL);
    child_ends_with(&child, 0);
}

static int close_behind_its_back(void *arg) {
    rondel_loop loop = rondel_loop_new();
    (void)arg;
    rondel_file file = rondel_file_open_fd(loop, 0);
    CHECK_EQ(close(0), 0);
    CHECK_EQ(result_of(rondel_file_close(file, RONDEL_FUTURE)), RONDEL_EBADF);
    leads_to_nothing(0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    return 0;
}

TEST(one_that_was_closed_behind_its_back_leads_to_nothing_too) {
    static struct child child;
    child_start(&child, close_behind_its_back, NULL);
    child_ends_with(&child, 0);
}

/* Has every number of the process in use; gives the last one. */
static int fill_up(void) {
    struct rlimit limit;
    int fd, last = -1;
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_cur < 256 ? limit.rlim_cur : 256;
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    while ((fd = dup(2)) >= 0) last = fd;
    CHECK_EQ(errno, EMFILE);
    return last;
}

static int end_without_a_number_to_spare(void *arg) {
    rondel_loop loop = rondel_loop_new();
    (void)arg;
    for (int way = 0; way < WAYS; way++) {
        if (way == FREED_WITH_THE_LOOP) continue; /* another loop could not be had */
        int other = pipe_under(0);
        rondel_file file = rondel_file_open_fd(loop, 0);
        int last = fill_up();
        end_in(&loop, file, way);
        struct stat about;
        CHECK_EQ(fstat(0, &about), 0);
        for (int fd = last; fd > other; fd--) close(fd);
        leads_to_nothing(0);
        close(other);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
    return 0;
}

TEST(they_never_become_another_file_where_no_number_is_to_spare_either) {
    static struct child child;
    child_start(&child, end_without_a_number_to_spare, NULL);
    child_ends_with(&child, 0);
}

static int shut_down_output(void *arg) {
    rondel_loop loop = rondel_loop_new();
    (void)arg;
    for (int number = 0; number < 3; number++) {
        char said;
        int other = pipe_under(number);
        rondel_pipe pipe = rondel_pipe_open(loop, number);
        CHECK_EQ(result_of(rondel_shutdown(pipe, RONDEL_FUTURE)), 0);
        CHECK_EQ(read(other, &said, 1), 0);
        leads_to_nothing(number);
        CHECK_EQ(rondel_close(pipe), 0);
        leads_to_nothing(number);
        close(other);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
    return 0;
}

TEST(a_pipe_under_one_that_is_shut_down_leads_to_nothing_at_once) {
    static struct child child;
    child_start(&child, shut_down_output, NULL);
    child_ends_with(&child, 0);
}

TEST_MAIN(RUN(a_pipe_under_one_that_is_shut_down_leads_to_nothing_at_once),
          RUN(the_numbers_of_the_standard_files_never_become_another_file),
          RUN(one_that_was_closed_behind_its_back_leads_to_nothing_too),
          RUN(they_never_become_another_file_where_no_number_is_to_spare_either))
