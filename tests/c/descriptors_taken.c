/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Descriptors that are brought in have one owner: a handle, or still the caller. */
#include "support/test.h"

#include "support/child.h"
#include "support/net.h"

#include <sys/stat.h>

typedef int64_t open_fn(rondel_loop loop, int64_t fd);

/* Both refuse what a handle has. */
static void check_owned(rondel_loop loop, int64_t fd, open_fn *other) {
    CHECK(fd >= 0);
    CHECK_EQ(other(loop, fd), RONDEL_EEXIST);
    CHECK_EQ(rondel_file_open_fd(loop, fd), RONDEL_EEXIST);
}

TEST(a_descriptor_that_a_handle_has_is_taken_by_no_other) {
    rondel_loop loop = rondel_loop_new();
    int local[2], way[2];
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, local), 0);
    CHECK_EQ(pipe(way), 0);
    check_owned(loop, rondel_fileno(rondel_pipe_open(loop, local[0])), rondel_pipe_open);
    check_owned(loop, rondel_fileno(rondel_udp_bind(loop, "127.0.0.1", 0, 0)), rondel_udp_open);
    check_owned(loop, rondel_fileno(rondel_tcp_listen(loop, "127.0.0.1", 0, NULL, NULL)), rondel_tcp_open);
    rondel_tcp bound = rondel_tcp_new(loop);
    CHECK_EQ(rondel_tcp_bind(bound, "127.0.0.1", 0), 0);
    check_owned(loop, rondel_fileno(bound), rondel_tcp_open);
    /* Until it is given back, or closed. */
    rondel_file file = rondel_file_open_fd(loop, way[0]);
    CHECK(file > 0);
    check_owned(loop, way[0], rondel_pipe_open);
    CHECK_EQ(rondel_run_until(loop, rondel_file_close(file, RONDEL_FUTURE)), 0);
    CHECK_EQ(rondel_file_open_fd(loop, way[0]), RONDEL_EBADF);
    rondel_pipe pipe = rondel_pipe_open(loop, way[1]);
    CHECK_EQ(rondel_detach(pipe), way[1]);
    CHECK(rondel_file_open_fd(loop, way[1]) > 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(local[1]);
}

/* A watch and a handle of the same descriptor, in either order, and from a pause. */
static void check_watched(int fd, open_fn *take) {
    rondel_loop loop = rondel_loop_new(), other = rondel_loop_new();
    rondel_watch watch = rondel_fd_watch(loop, fd, RONDEL_READABLE, net_never, NULL);
    CHECK(watch > 0);
    CHECK_EQ(take(loop, fd), RONDEL_EEXIST);
    CHECK_EQ(rondel_file_open_fd(loop, fd), RONDEL_EEXIST);
    CHECK_EQ(rondel_fd_watch_set(watch, 0), 0);
    int64_t taken = take(loop, fd);
    CHECK(taken > 0);
    CHECK_EQ(rondel_fd_watch_set(watch, RONDEL_READABLE), RONDEL_EEXIST);
    CHECK_EQ(rondel_fd_watch(loop, fd, RONDEL_READABLE, net_never, NULL), RONDEL_EEXIST);
    CHECK_EQ(rondel_fd_watch(loop, fd, 0, net_never, NULL), RONDEL_EEXIST);
    /* Not of this loop. */
    CHECK(rondel_fd_watch(other, fd, RONDEL_READABLE, net_never, NULL) > 0);
    for (int i = 0; i < 3; i++) rondel_run(loop, RONDEL_RUN_NOWAIT);
    CHECK_EQ(rondel_loop_free(other), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(what_is_watched_is_no_handles_and_what_a_handle_has_is_not_watched) {
    int local[2], way[2], ends[2];
    if (ON_WINDOWS) SKIP("pipes cannot be watched");
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, local), 0);
    CHECK_EQ(pipe(way), 0);
    CHECK(net_pair(ends));
    check_watched(local[0], rondel_pipe_open);
    check_watched(way[0], rondel_pipe_open);
    check_watched(ends[0], rondel_tcp_open);
    check_watched(socket(AF_INET, SOCK_DGRAM, 0), rondel_udp_open);
    close(local[1]), close(way[1]), close(ends[1]);
}

/* Its owner closed it during a pause, and the loop makes a socket of its own with that number. */
TEST(a_watch_does_not_go_on_with_a_number_that_has_become_a_handles) {
    int local[2];
    rondel_pipe ends[2];
    if (ON_WINDOWS) SKIP("numbers of sockets are not used again at once");
    rondel_loop loop = rondel_loop_new();
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, local), 0);
    rondel_watch watch = rondel_fd_watch(loop, local[0], RONDEL_READABLE, net_never, NULL);
    CHECK_EQ(rondel_fd_watch_set(watch, 0), 0);
    close(local[0]);
    CHECK_EQ(rondel_pipe_pair(loop, RONDEL_PIPE_BOTH_WAYS, ends), 0);
    CHECK_EQ(rondel_fileno(ends[0]), local[0]);
    CHECK_EQ(rondel_fd_watch_set(watch, RONDEL_READABLE), RONDEL_EEXIST);
    CHECK(rondel_write(ends[1], "secret", 6, NULL, NULL) > 0);
    for (int i = 0; i < 3; i++) rondel_run(loop, RONDEL_RUN_NOWAIT);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(local[1]);
}

static void note_lost(rondel_watch watch, int64_t events, void *user_data) {
    (void)watch;
    *(int64_t *)user_data = events;
}

TEST(what_was_watched_as_another_file_is_free) {
    int64_t told = 0;
    int old[2], way[2];
#ifndef __linux__
    SKIP("a file that took another's number is not told from it");
#endif
    CHECK_EQ(pipe(old), 0);
    CHECK_EQ(pipe(way), 0);
    rondel_loop loop = rondel_loop_new();
    CHECK(rondel_fd_watch(loop, old[0], RONDEL_READABLE, note_lost, &told) > 0);
    close(old[1]);
    CHECK_EQ(dup2(way[0], old[0]), old[0]);
    int64_t taken = rondel_pipe_open(loop, old[0]);
    CHECK(taken > 0);
    for (int i = 0; i < 3; i++) rondel_run(loop, RONDEL_RUN_NOWAIT);
    CHECK_EQ(told, RONDEL_EBADF);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(way[0]), close(way[1]);
}

enum { NO_SUCH_LIMIT = 7, MOST_HANDLES = 4 << 20 };

/* Makes handles until there is no memory for more. */
static int fill_with_handles(rondel_loop loop) {
    struct rlimit little;
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long pages = 0;
    int64_t made = 0;
    if (!file || fscanf(file, "%lu", &pages) != 1) pages = 0;
    if (file) fclose(file);
    if (!pages) return 0;
    little.rlim_cur = little.rlim_max = pages * (rlim_t)sysconf(_SC_PAGESIZE) + (64 << 20);
    if (setrlimit(RLIMIT_AS, &little) < 0) return 0;
    for (int i = 0; i < MOST_HANDLES && made >= 0; i++) made = rondel_future_new(loop);
    if (made < 0) CHECK_EQ(made, RONDEL_ENOMEM);
    return made < 0;
}

static int open_without_room(void *arg) {
    static open_fn *const takes[] = {rondel_tcp_open, rondel_tcp_open, rondel_pipe_open, rondel_udp_open,
                                     rondel_file_open_fd};
    int ends[2], local[2], fds[5];
    (void)arg;
    rondel_loop loop = rondel_loop_new();
    CHECK(net_pair(ends));
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, local), 0);
    fds[0] = ends[0], fds[1] = net_listener("127.0.0.1", 0, 1), fds[2] = local[0];
    fds[3] = socket(AF_INET, SOCK_DGRAM, 0), fds[4] = fileno(tmpfile());
    if (!fill_with_handles(loop)) return NO_SUCH_LIMIT;
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(takes[i](loop, fds[i]), RONDEL_ENOMEM);
        int flags = fcntl(fds[i], F_GETFL);
        CHECK(flags >= 0);
        CHECK_EQ(flags & O_NONBLOCK, 0);
    }
    return 0;
}

TEST(what_there_is_no_room_for_stays_the_callers) {
    static struct child child;
    if (test_small() || ON_QEMU) SKIP("memory cannot be limited here");
    child_start(&child, open_without_room, NULL);
    child_end(&child);
    CHECK(WIFEXITED(child.status));
    if (WEXITSTATUS(child.status) == NO_SUCH_LIMIT) SKIP("memory cannot be limited here");
    CHECK_EQ(WEXITSTATUS(child.status), 0);
    if (WEXITSTATUS(child.status)) fputs(child.said, stderr);
}

TEST_MAIN(RUN(a_descriptor_that_a_handle_has_is_taken_by_no_other),
          RUN(what_is_watched_is_no_handles_and_what_a_handle_has_is_not_watched),
          RUN(a_watch_does_not_go_on_with_a_number_that_has_become_a_handles),
          RUN(what_was_watched_as_another_file_is_free), RUN(what_there_is_no_room_for_stays_the_callers))
