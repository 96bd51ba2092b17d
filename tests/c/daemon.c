/* SPDX-License-Identifier: MIT OR Apache-2.0
 * A loop that was made before its program became a daemon. */
#include "support/test.h"

#include "support/child.h"
#include "support/net.h"

#include <sys/stat.h>

struct daemon {
    rondel_loop loop;
    int64_t before, clients;
    pid_t pid;
};

static void echo(rondel_stream stream, const uint8_t *bytes, int64_t n, void *user_data) {
    struct daemon *daemon = user_data;
    if (n > 0) {
        CHECK(rondel_write(stream, bytes, (size_t)n, NULL, NULL) > 0);
    } else {
        CHECK_EQ(rondel_close(stream), 0);
        if (--daemon->clients == 0) CHECK_EQ(rondel_stop(daemon->loop), 0);
    }
}

static void serve(rondel_tcp listener, int64_t peer, void *user_data) {
    (void)listener;
    ((struct daemon *)user_data)->clients++;
    CHECK_EQ(rondel_read_start(peer, echo, user_data), 0);
}

static int64_t times_six(void *arg) { return *(int *)arg * 6; }

/* As daemon(3) and books on Unix have it. */
static void daemonise(void) {
    if (fork() != 0) _exit(0);
    setsid();
    if (fork() != 0) _exit(0);
    umask(0);
    if (chdir("/") != 0) _exit(1);
    for (int fd = 0; fd <= 2; fd++) close(fd);
    if (open("/dev/null", O_RDWR) != 0 || dup(0) != 1 || dup(0) != 2) _exit(2);
}

static int be_a_daemon(void *arg) {
    int report = *(int *)arg, port = 0, seven = 7;
    struct daemon daemon = {rondel_loop_new(), 0, 0, 0};
    struct seen term = {0, 0, 0}, tick = {0, 0, 0};
    rondel_tcp listener = rondel_tcp_listen(daemon.loop, "127.0.0.1", 0, serve, &daemon);
    CHECK(rondel_local_addr(listener, NULL, 0, &port) > 0);
    CHECK(rondel_signal_start(daemon.loop, SIGTERM, see, &term) > 0);
    CHECK(rondel_timer_start(daemon.loop, RONDEL_MS, RONDEL_MS, see, &tick) > 0);
    CHECK_EQ(rondel_run_until(daemon.loop, rondel_work(daemon.loop, times_six, &seven, RONDEL_FUTURE)), 42);
    CHECK(rondel_run(daemon.loop, RONDEL_RUN_NOWAIT) >= 0);
    daemonise();
    alarm((unsigned)test_scale(100, 800));
    CHECK_EQ(rondel_loop_fork(daemon.loop), 0);
    CHECK_EQ(rondel_run_until(daemon.loop, rondel_work(daemon.loop, times_six, &seven, RONDEL_FUTURE)), 42);
    int64_t ticks = tick.calls;
    CHECK_EQ(raise(SIGTERM), 0);
    if (write(report, &port, sizeof port) != sizeof port) _exit(3);
    CHECK_EQ(rondel_run(daemon.loop, RONDEL_RUN_DEFAULT), 1); /* until its one client is gone */
    while (tick.calls == ticks || term.calls == 0) CHECK(rondel_run(daemon.loop, RONDEL_RUN_ONCE) >= 0);
    CHECK_EQ(term.calls, 1);
    CHECK_EQ(rondel_loop_free(daemon.loop), 0);
    /* There is nobody any more whom its exit code would reach. */
    if (write(report, &test_failures, sizeof test_failures) < 0) _exit(4);
    return 0;
}

TEST(a_loop_survives_that_its_program_becomes_a_daemon) {
    struct child child;
    int report[2], port = 0, failures = -1;
    char text[6] = "";
    REQUIRE_EQ(pipe(report), 0);
    child_start(&child, be_a_daemon, &report[1]);
    close(report[1]);
    child_end(&child); /* long before the daemon's own */
    REQUIRE_EQ(read(report[0], &port, sizeof port), sizeof port);
    int client = net_dial("127.0.0.1", port);
    CHECK(net_send_text(client, "hello"));
    CHECK_EQ(net_receive(client, text, 5), 5);
    CHECK_STR(text, "hello");
    close(client);
    CHECK_EQ(read(report[0], &failures, sizeof failures), sizeof failures);
    CHECK_EQ(failures, 0);
    CHECK_EQ(read(report[0], text, 1), 0); /* it is gone */
    close(report[0]);
}

TEST_MAIN(RUN(a_loop_survives_that_its_program_becomes_a_daemon))
