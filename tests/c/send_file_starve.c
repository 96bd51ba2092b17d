/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Files sent to streams by a process that gets no more threads. */
#include "support/test.h"

#include "support/child.h"
#include "support/local.h"

enum { SIZE = 1000, NO_SUCH_LIMIT = 7, NOBODY = 65534 };

/* A file of zeros, that nobody else knows of. */
static int make_file(void) {
    char name[] = "/tmp/rondel-send-XXXXXX";
    int fd = mkstemp(name);
    CHECK(fd >= 0);
    unlink(name);
    CHECK_EQ(ftruncate(fd, SIZE), 0);
    return fd;
}

static void *nothing(void *arg) { return arg; }

/* Whether this process can start no thread from now on. The limit is not for those who may do everything. */
static int forbid_threads(void) {
    struct rlimit none = {0, 0};
    pthread_t thread;
    if (setrlimit(RLIMIT_NPROC, &none) < 0 || (geteuid() == 0 && setuid(NOBODY) < 0)) return 0;
    if (pthread_create(&thread, NULL, nothing, NULL) != 0) return 1;
    pthread_join(thread, NULL);
    return 0;
}

struct sending {
    rondel_pipe stream;
    rondel_file file;
    struct net_op files[2], writes[2];
};

/* What a callback queues is sent once, when it has returned: nothing else has the stream try again. */
static void send_all(rondel_handle source, int64_t result, void *user_data) {
    struct sending *s = user_data;
    (void)source, (void)result;
    for (int i = 0; i < 2; i++) {
        CHECK(rondel_send_file(s->stream, s->file, 0, SIZE, net_done, &s->files[i]) > 0);
        CHECK(rondel_write(s->stream, i ? "two" : "one", 3, net_done, &s->writes[i]) > 0);
    }
}

static int send_without_threads(void *arg) {
    struct sending s;
    int fds[2], fd = make_file();
    char text[16] = "";
    (void)arg;
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    /* To a socket with this mark nothing can be sent past our memory: a thread has to read. */
    CHECK_EQ(fcntl(fds[0], F_SETFL, O_APPEND), 0);
    rondel_loop loop = rondel_loop_new();
    memset(&s, 0, sizeof s);
    s.stream = rondel_pipe_open(loop, fds[0]);
    s.file = rondel_file_open_fd(loop, fd);
    CHECK(s.stream > 0 && s.file > 0);
    if (!forbid_threads()) return NO_SUCH_LIMIT;
    CHECK(rondel_call_soon(loop, send_all, &s) > 0);
    net_settle(loop);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(s.files[i].calls, 1);
        CHECK_EQ(s.files[i].result, RONDEL_EAGAIN);
        CHECK_EQ(s.writes[i].calls, 1);
        CHECK_EQ(s.writes[i].result, 3);
    }
    CHECK_EQ(rondel_write_queue_size(s.stream), 0);
    CHECK_EQ(recv(fds[1], text, sizeof text, MSG_DONTWAIT), 6);
    CHECK_STR(text, "onetwo");
    CHECK_EQ(rondel_loop_free(loop), 0);
    return 0;
}

TEST(a_file_for_which_no_thread_can_be_had_fails_and_what_is_behind_it_leaves) {
    static struct child child;
    child_start(&child, send_without_threads, NULL);
    child_end(&child);
    CHECK(WIFEXITED(child.status));
    if (WEXITSTATUS(child.status) == NO_SUCH_LIMIT) SKIP("threads cannot be forbidden here");
    CHECK_EQ(WEXITSTATUS(child.status), 0);
    if (WEXITSTATUS(child.status)) fputs(child.said, stderr);
}

TEST_MAIN(RUN(a_file_for_which_no_thread_can_be_had_fails_and_what_is_behind_it_leaves))
