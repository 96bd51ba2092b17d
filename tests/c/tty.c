/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Terminals: streams with a mode and a window, given back as they were found. */
#include "support/test.h"

#include "support/child.h"
#include "support/net.h"
#include "support/pty.h"

#include <sys/socket.h>
#include <sys/un.h>

static void settle(rondel_loop loop) {
    for (int i = 0; i < 8; i++) CHECK(rondel_run(loop, RONDEL_RUN_NOWAIT) >= 0);
}

struct keys {
    char got[256];
    int64_t count, ended;
};

static void on_keys(rondel_stream tty, const uint8_t *bytes, int64_t n, void *user_data) {
    struct keys *keys = user_data;
    (void)tty;
    if (n < 0) keys->ended = n;
    for (int64_t i = 0; i < n && keys->count < (int64_t)sizeof keys->got - 1; i++)
        keys->got[keys->count++] = (char)bytes[i];
    keys->got[keys->count] = 0;
}

static void type(const struct pty *pty, const char *text) {
    CHECK_EQ(write(pty->master, text, strlen(text)), (ssize_t)strlen(text));
}

/* What has appeared on the screen: at least as much as `wanted`. */
static const char *screen(const struct pty *pty, size_t wanted) {
    static char text[256];
    size_t length = 0;
    while (length < wanted) {
        ssize_t n = read(pty->master, text + length, sizeof text - 1 - length);
        if (n <= 0) break;
        length += (size_t)n;
    }
    text[length] = 0;
    return text;
}

/* ---- As a stream ---- */

TEST(lines_are_read_and_written) {
    rondel_loop loop = rondel_loop_new();
    struct keys keys = {"", 0, 0};
    struct seen written = {0, 0, 0};
    struct pty pty;
    REQUIRE(pty_open(&pty));
    rondel_tty tty = rondel_tty_open(loop, pty.slave);
    CHECK_EQ(rondel_kind(tty), RONDEL_KIND_TTY);
    CHECK_EQ(rondel_read_start(tty, on_keys, &keys), 0);
    type(&pty, "hel");
    settle(loop);
    CHECK_EQ(keys.count, 0); /* until the line is done */
    type(&pty, "lo\r");
    CHECK(net_run_until(loop, &keys.count, 6));
    CHECK_STR(keys.got, "hello\n");
    CHECK_STR(screen(&pty, 7), "hello\r\n"); /* the echo of it */
    CHECK(rondel_write(tty, "world\n", 6, see, &written) > 0);
    CHECK(net_run_until(loop, &written.calls, 1));
    CHECK_EQ(written.result, 6);
    CHECK_STR(screen(&pty, 7), "world\r\n");
    type(&pty, "\004"); /* Ctrl-D */
    while (keys.ended == 0) CHECK(rondel_run(loop, RONDEL_RUN_ONCE) >= 0);
    CHECK_EQ(keys.ended, RONDEL_EOF);
    CHECK_EQ(rondel_loop_free(loop), 0);
    pty_close(&pty);
}

TEST(the_descriptor_stays_the_callers_and_blocks_as_before) {
    rondel_loop loop = rondel_loop_new();
    struct pty pty;
    REQUIRE(pty_open(&pty));
    int flags = fcntl(pty.slave, F_GETFL);
    rondel_tty one = rondel_tty_open(loop, pty.slave), other = rondel_tty_open(loop, pty.slave);
    CHECK(one > 0 && other > 0);
    CHECK(rondel_fileno(one) != pty.slave && rondel_fileno(one) != rondel_fileno(other));
    CHECK(fcntl((int)rondel_fileno(one), F_GETFL) & O_NONBLOCK);
    CHECK(fcntl((int)rondel_fileno(one), F_GETFD) & FD_CLOEXEC);
    CHECK_EQ(fcntl(pty.slave, F_GETFL), flags);
    CHECK_EQ(rondel_close(one), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(fcntl(pty.slave, F_GETFL), flags);
    pty_close(&pty);
}

TEST(what_is_open_one_way_is_opened_that_way) {
    rondel_loop loop = rondel_loop_new();
    struct keys keys = {"", 0, 0};
    struct pty pty;
    REQUIRE(pty_open(&pty));
    int in = open(pty.name, O_RDONLY | O_NOCTTY), out = open(pty.name, O_WRONLY | O_NOCTTY);
    rondel_tty reads = rondel_tty_open(loop, in), writes = rondel_tty_open(loop, out);
    CHECK_EQ(rondel_write(reads, "x", 1, NULL, NULL), RONDEL_EBADF);
    CHECK_EQ(rondel_read_start(writes, on_keys, &keys), RONDEL_EBADF);
    CHECK_EQ(rondel_read_start(reads, on_keys, &keys), 0);
    CHECK(rondel_write(writes, "x", 1, NULL, NULL) > 0);
    CHECK_STR(screen(&pty, 1), "x");
    CHECK_EQ(rondel_tty_mode(writes, RONDEL_TTY_RAW), 0); /* the mode is the terminal's */
    type(&pty, "y");
    CHECK(net_run_until(loop, &keys.count, 1));
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(in), close(out);
    pty_close(&pty);
}

TEST(the_side_that_plays_the_terminal_can_be_opened_too) {
    rondel_loop loop = rondel_loop_new();
    struct keys keys = {"", 0, 0};
    struct pty pty;
    char text[8] = "";
    REQUIRE(pty_open(&pty));
    rondel_tty screen = rondel_tty_open(loop, pty.master);
    CHECK(screen > 0);
    CHECK_EQ(rondel_read_start(screen, on_keys, &keys), 0);
    CHECK_EQ(write(pty.slave, "hi\n", 3), 3);
    CHECK(net_run_until(loop, &keys.count, 4));
    CHECK_STR(keys.got, "hi\r\n");
    CHECK(rondel_write(screen, "ok\r", 3, NULL, NULL) > 0);
    settle(loop);
    CHECK_EQ(read(pty.slave, text, sizeof text), 3);
    CHECK_STR(text, "ok\n");
    CHECK_EQ(rondel_loop_free(loop), 0);
    pty_close(&pty);
}

/* What was said last comes first. */
TEST(the_side_that_plays_the_terminal_ends_when_nobody_has_the_other) {
    for (int as_pipe = 0; as_pipe < 2; as_pipe++) {
        rondel_loop loop = rondel_loop_new();
        struct keys keys = {"", 0, 0};
        struct pty pty;
        char byte;
        const char *argv[] = {"sh", "-c", "echo bye", NULL};
        REQUIRE(pty_open(&pty));
        rondel_stdio stdio[3];
        memset(stdio, 0, sizeof stdio);
        for (int i = 0; i < 3; i++) stdio[i].kind = RONDEL_STDIO_FD, stdio[i].fd = pty.slave;
        rondel_process_options options;
        memset(&options, 0, sizeof options);
        options.size = sizeof options;
        options.file = "/bin/sh";
        options.argv = argv;
        options.stdio = stdio;
        options.stdio_count = 3;
        options.flags = RONDEL_PROCESS_DETACHED;
        rondel_stream screen = as_pipe ? rondel_pipe_open(loop, dup(pty.master)) : rondel_tty_open(loop, pty.master);
        CHECK_EQ(rondel_read_start(screen, on_keys, &keys), 0);
        settle(loop);
        CHECK_EQ(keys.ended, 0);
        CHECK(rondel_process_spawn(loop, &options, NULL, NULL) > 0);
        close(pty.slave);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_STR(keys.got, "bye\r\n");
        CHECK_EQ(keys.ended, RONDEL_EOF);
        CHECK_EQ(rondel_run_until(loop, rondel_read(screen, &byte, 1, RONDEL_FUTURE)), RONDEL_EOF);
        CHECK_EQ(rondel_loop_free(loop), 0);
        close(pty.master);
    }
}

TEST(a_terminal_that_goes_away_ends_the_stream) {
    rondel_loop loop = rondel_loop_new();
    struct keys keys = {"", 0, 0};
    struct pty pty;
    REQUIRE(pty_open(&pty));
    rondel_tty tty = rondel_tty_open(loop, pty.slave);
    CHECK_EQ(rondel_tty_mode(tty, RONDEL_TTY_RAW), 0);
    CHECK_EQ(rondel_read_start(tty, on_keys, &keys), 0);
    settle(loop);
    pty_close(&pty);
    while (keys.ended == 0) CHECK(rondel_run(loop, RONDEL_RUN_ONCE) >= 0);
    CHECK(keys.ended == RONDEL_EOF || keys.ended == RONDEL_EIO);
    CHECK_EQ(rondel_tty_mode(tty, RONDEL_TTY_NORMAL), RONDEL_EIO);
    CHECK_EQ(rondel_tty_size(tty, NULL, NULL), RONDEL_EIO);
    CHECK_EQ(rondel_close(tty), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* ---- Modes ---- */

TEST(modes_do_what_they_say) {
    rondel_loop loop = rondel_loop_new();
    struct pty pty;
    REQUIRE(pty_open(&pty));
    rondel_tty tty = rondel_tty_open(loop, pty.slave);
    CHECK_EQ(rondel_tty_mode(tty, RONDEL_TTY_NORMAL), 0);
    CHECK_STR(pty_mode(pty.slave), PTY_NORMAL);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(rondel_tty_mode(tty, RONDEL_TTY_CBREAK), 0);
        CHECK_STR(pty_mode(pty.slave), PTY_CBREAK);
        CHECK_EQ(rondel_tty_mode(tty, RONDEL_TTY_RAW), 0);
        CHECK_STR(pty_mode(pty.slave), PTY_RAW);
        CHECK_EQ(rondel_tty_mode(tty, RONDEL_TTY_BINARY), 0);
        CHECK_STR(pty_mode(pty.slave), PTY_BINARY);
        CHECK_EQ(rondel_tty_mode(tty, RONDEL_TTY_NORMAL), 0);
        CHECK_STR(pty_mode(pty.slave), PTY_NORMAL);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
    pty_close(&pty);
}

TEST(keys_come_at_once_and_unseen_in_raw_mode) {
    rondel_loop loop = rondel_loop_new();
    struct keys keys = {"", 0, 0};
    struct pty pty;
    REQUIRE(pty_open(&pty));
    rondel_tty tty = rondel_tty_open(loop, pty.slave);
    CHECK_EQ(rondel_tty_mode(tty, RONDEL_TTY_RAW), 0);
    CHECK_EQ(rondel_read_start(tty, on_keys, &keys), 0);
    type(&pty, "q");
    CHECK(net_run_until(loop, &keys.count, 1));
    type(&pty, "\003\r\033[A");
    CHECK(net_run_until(loop, &keys.count, 6));
    CHECK_STR(keys.got, "q\003\r\033[A");
    CHECK(rondel_write(tty, "\n", 1, NULL, NULL) > 0);
    CHECK_STR(screen(&pty, 2), "\r\n"); /* and nothing of what was typed */
    CHECK_EQ(rondel_loop_free(loop), 0);
    pty_close(&pty);
}

/* A program does not find what it would call normal, and gives back what it found. */
TEST(what_was_found_is_given_back_whatever_it_was) {
    rondel_loop loop = rondel_loop_new();
    struct pty pty;
    struct termios found, after;
    REQUIRE(pty_open(&pty));
    CHECK_EQ(tcgetattr(pty.slave, &found), 0);
    found.c_lflag &= (tcflag_t) ~(unsigned)ECHO;
    found.c_cc[VINTR] = 7;
    CHECK_EQ(tcsetattr(pty.slave, TCSANOW, &found), 0);
    for (int how = 0; how < 4; how++) {
        rondel_tty tty = rondel_tty_open(loop, pty.slave);
        CHECK_EQ(rondel_tty_mode(tty, RONDEL_TTY_BINARY), 0);
        CHECK_STR(pty_mode(pty.slave), PTY_BINARY);
        switch (how) {
        case 0: CHECK_EQ(rondel_tty_mode(tty, RONDEL_TTY_NORMAL), 0); break;
        case 1: CHECK_EQ(rondel_tty_reset(), 0); break;
        case 2: CHECK_EQ(rondel_close(tty), 0); break;
        default: close((int)rondel_detach(tty));
        }
        CHECK_EQ(tcgetattr(pty.slave, &after), 0);
        CHECK_EQ(after.c_lflag, found.c_lflag);
        CHECK_EQ(after.c_iflag, found.c_iflag);
        CHECK_EQ(after.c_oflag, found.c_oflag);
        CHECK_EQ(after.c_cc[VINTR], 7);
        if (how < 2) CHECK_EQ(rondel_close(tty), 0);
    }
    rondel_tty tty = rondel_tty_open(loop, pty.slave);
    CHECK_EQ(rondel_tty_mode(tty, RONDEL_TTY_RAW), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(tcgetattr(pty.slave, &after), 0);
    CHECK_EQ(after.c_lflag, found.c_lflag);
    pty_close(&pty);
}

TEST(of_several_handles_the_last_one_gives_it_back) {
    rondel_loop loop = rondel_loop_new(), other = rondel_loop_new();
    struct pty pty;
    REQUIRE(pty_open(&pty));
    rondel_tty in = rondel_tty_open(loop, pty.slave), out = rondel_tty_open(loop, pty.slave);
    rondel_tty elsewhere = rondel_tty_open(other, pty.slave), idle = rondel_tty_open(loop, pty.slave);
    CHECK_EQ(rondel_tty_mode(in, RONDEL_TTY_RAW), 0);
    CHECK_EQ(rondel_tty_mode(out, RONDEL_TTY_RAW), 0);
    CHECK_EQ(rondel_tty_mode(elsewhere, RONDEL_TTY_BINARY), 0);
    CHECK_EQ(rondel_close(idle), 0); /* it wants nothing */
    CHECK_EQ(rondel_close(in), 0);
    CHECK_STR(pty_mode(pty.slave), PTY_BINARY);
    CHECK_EQ(rondel_close(out), 0);
    CHECK_STR(pty_mode(pty.slave), PTY_BINARY);
    CHECK_EQ(rondel_loop_free(other), 0);
    CHECK_STR(pty_mode(pty.slave), PTY_NORMAL);
    CHECK_EQ(rondel_loop_free(loop), 0);
    pty_close(&pty);
}

TEST(several_terminals_are_given_back_each_as_it_was) {
    enum { PTYS = 5 };
    rondel_loop loop = rondel_loop_new();
    rondel_tty ttys[PTYS];
    struct pty ptys[PTYS];
    for (int i = 0; i < PTYS; i++) {
        REQUIRE(pty_open(&ptys[i]));
        ttys[i] = rondel_tty_open(loop, ptys[i].slave);
        CHECK_EQ(rondel_tty_mode(ttys[i], i % 2 ? RONDEL_TTY_RAW : RONDEL_TTY_CBREAK), 0);
    }
    CHECK_EQ(rondel_close(ttys[1]), 0);
    for (int i = 0; i < PTYS; i++)
        CHECK_STR(pty_mode(ptys[i].slave), i == 1 ? PTY_NORMAL : i % 2 ? PTY_RAW : PTY_CBREAK);
    CHECK_EQ(rondel_tty_reset(), 0);
    for (int i = 0; i < PTYS; i++) CHECK_STR(pty_mode(ptys[i].slave), PTY_NORMAL);
    CHECK_EQ(rondel_loop_free(loop), 0);
    for (int i = 0; i < PTYS; i++) pty_close(&ptys[i]);
}

static void own_handler(int signum) { (void)signum; }

static int handled(int signum) {
    struct sigaction action;
    CHECK_EQ(sigaction(signum, NULL, &action), 0);
    return action.sa_handler != SIG_DFL;
}

TEST(signals_are_handled_as_long_as_the_mode_is_another_and_nobody_else_does) {
    rondel_loop loop = rondel_loop_new();
    struct sigaction action, before;
    struct pty pty;
    memset(&action, 0, sizeof action);
    action.sa_handler = own_handler;
    REQUIRE(pty_open(&pty));
    rondel_tty tty = rondel_tty_open(loop, pty.slave);
    CHECK_EQ(sigaction(SIGHUP, &action, &before), 0);
    signal(SIGQUIT, SIG_IGN);
    CHECK(!handled(SIGTERM) && !handled(SIGINT));
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(rondel_tty_mode(tty, RONDEL_TTY_RAW), 0);
        CHECK(handled(SIGTERM) && handled(SIGINT));
        CHECK(!handled(SIGCHLD) && !handled(SIGTSTP) && !handled(SIGWINCH));
        CHECK_EQ(sigaction(SIGHUP, NULL, &action), 0);
        CHECK(action.sa_handler == own_handler);
        CHECK_EQ(sigaction(SIGQUIT, NULL, &action), 0);
        CHECK(action.sa_handler == SIG_IGN);
        CHECK_EQ(rondel_tty_mode(tty, RONDEL_TTY_NORMAL), 0);
        CHECK(!handled(SIGTERM) && !handled(SIGINT));
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(sigaction(SIGHUP, &before, NULL), 0);
    signal(SIGQUIT, SIG_DFL);
    pty_close(&pty);
}

static int reset_nothing(void *arg) {
    rondel_loop loop = *(rondel_loop *)arg;
    CHECK_EQ(rondel_tty_reset(), 0); /* the parent's terminal is the parent's */
    CHECK_EQ(rondel_loop_free(loop), 0);
    exit(test_failures ? 70 : 0);
}

TEST(a_child_leaves_the_mode_that_its_parent_has_set) {
    rondel_loop loop = rondel_loop_new();
    struct child child;
    struct pty pty;
    REQUIRE(pty_open(&pty));
    rondel_tty tty = rondel_tty_open(loop, pty.slave);
    CHECK_EQ(rondel_tty_mode(tty, RONDEL_TTY_RAW), 0);
    child_start(&child, reset_nothing, &loop);
    child_ends_with(&child, 0);
    CHECK_STR(pty_mode(pty.slave), PTY_RAW);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_STR(pty_mode(pty.slave), PTY_NORMAL);
    pty_close(&pty);
}

/* ---- The window ---- */

static void resize(const struct pty *pty, int columns, int rows) {
    struct winsize size;
    memset(&size, 0, sizeof size);
    size.ws_col = (unsigned short)columns, size.ws_row = (unsigned short)rows;
    CHECK_EQ(ioctl(pty->master, TIOCSWINSZ, &size), 0);
}

TEST(the_window_has_a_size_and_its_changes_are_told) {
    rondel_loop loop = rondel_loop_new();
    struct seen told = {0, 0, 0}, other = {0, 0, 0};
    int32_t columns = -1, rows = -1;
    struct pty pty;
    REQUIRE(pty_open(&pty));
    rondel_tty tty = rondel_tty_open(loop, pty.slave), silent = rondel_tty_open(loop, pty.slave);
    resize(&pty, 80, 24);
    CHECK_EQ(rondel_tty_size(tty, &columns, &rows), 0);
    CHECK_EQ(columns, 80), CHECK_EQ(rows, 24);
    CHECK_EQ(rondel_tty_size(tty, NULL, NULL), 0);
    CHECK_EQ(rondel_tty_on_resize(tty, see, &other), 0);
    CHECK_EQ(rondel_tty_on_resize(tty, see, &told), 0);
    CHECK_EQ(rondel_tty_on_resize(silent, see, &other), 0);
    CHECK_EQ(rondel_tty_on_resize(silent, NULL, NULL), 0);
    CHECK_EQ(rondel_alive(loop), 0);
    raise(SIGWINCH); /* for another terminal, say */
    settle(loop);
    CHECK_EQ(told.calls, 0);
    resize(&pty, 132, 50);
    raise(SIGWINCH); /* which the kernel does where the terminal is the program's own */
    settle(loop);
    CHECK_EQ(told.calls, 1);
    CHECK_EQ(told.source, tty);
    CHECK_EQ(told.result, 0);
    CHECK_EQ(rondel_tty_size(tty, &columns, &rows), 0);
    CHECK_EQ(columns, 132), CHECK_EQ(rows, 50);
    CHECK(handled(SIGWINCH));
    CHECK_EQ(rondel_close(tty), 0);
    resize(&pty, 10, 5);
    raise(SIGWINCH);
    settle(loop);
    CHECK(!handled(SIGWINCH));
    CHECK_EQ(told.calls, 1);
    CHECK_EQ(other.calls, 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    pty_close(&pty);
}

/* ---- What descriptors are ---- */

TEST(descriptors_are_known_for_what_they_are) {
    struct pty pty;
    int pipes[2], pair[2], listener = net_listener("127.0.0.1", 0, 1), null = open("/dev/null", O_RDONLY);
    int udp = socket(AF_INET, SOCK_DGRAM, 0), datagrams = socket(AF_UNIX, SOCK_DGRAM, 0), folder = open("/", O_RDONLY);
    char name[] = "/tmp/rondel-tty-XXXXXX";
    int file = mkstemp(name);
    REQUIRE(pty_open(&pty));
    CHECK_EQ(pipe(pipes), 0);
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    CHECK_EQ(rondel_fd_kind(pty.slave), RONDEL_KIND_TTY);
    CHECK_EQ(rondel_fd_kind(pty.master), RONDEL_KIND_TTY);
    CHECK_EQ(rondel_fd_kind(listener), RONDEL_KIND_TCP);
    CHECK_EQ(rondel_fd_kind(udp), RONDEL_KIND_UDP);
    CHECK_EQ(rondel_fd_kind(pipes[0]), RONDEL_KIND_PIPE);
    CHECK_EQ(rondel_fd_kind(pair[0]), RONDEL_KIND_PIPE);
    CHECK_EQ(rondel_fd_kind(file), RONDEL_KIND_FILE);
    CHECK_EQ(rondel_fd_kind(null), 0);
    CHECK_EQ(rondel_fd_kind(folder), 0);
    CHECK_EQ(rondel_fd_kind(datagrams), 0);
    CHECK_EQ(rondel_fd_kind(-1), RONDEL_EBADF);
    CHECK_EQ(rondel_fd_kind(INT32_MAX), RONDEL_EBADF);
    CHECK_EQ(rondel_fd_kind(INT64_MAX), RONDEL_EBADF);
    int all[] = {pipes[0], pipes[1], pair[0], pair[1], listener, null, udp, datagrams, folder, file};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) close(all[i]);
    unlink(name);
    pty_close(&pty);
}

TEST(what_makes_no_sense_is_refused) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    int pipes[2];
    struct pty pty;
    REQUIRE(pty_open(&pty));
    CHECK_EQ(pipe(pipes), 0);
    CHECK_EQ(rondel_tty_open(loop, -1), RONDEL_EBADF);
    CHECK_EQ(rondel_tty_open(loop, INT32_MAX), RONDEL_EBADF);
    CHECK_EQ(rondel_tty_open(loop, INT64_MAX), RONDEL_EBADF);
    CHECK_EQ(rondel_tty_open(loop, pipes[0]), RONDEL_ENOTTY);
    rondel_tty tty = rondel_tty_open(loop, pty.slave);
    CHECK_EQ(rondel_tty_mode(tty, -1), RONDEL_EINVAL);
    CHECK_EQ(rondel_tty_mode(tty, 4), RONDEL_EINVAL);
    CHECK_EQ(rondel_tty_on_resize(tty, RONDEL_FUTURE), RONDEL_EINVAL);
    CHECK_EQ(rondel_peer_addr(tty, NULL, 0, NULL), RONDEL_EKIND);
    CHECK_EQ(rondel_shutdown(tty, see, &seen), RONDEL_EOPNOTSUPP);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(seen.calls, 0);
    close(pipes[0]), close(pipes[1]);
    pty_close(&pty);
}

TEST_MAIN(RUN(lines_are_read_and_written), RUN(the_descriptor_stays_the_callers_and_blocks_as_before),
          RUN(what_is_open_one_way_is_opened_that_way), RUN(the_side_that_plays_the_terminal_can_be_opened_too),
          RUN(the_side_that_plays_the_terminal_ends_when_nobody_has_the_other),
          RUN(a_terminal_that_goes_away_ends_the_stream), RUN(modes_do_what_they_say),
          RUN(keys_come_at_once_and_unseen_in_raw_mode), RUN(what_was_found_is_given_back_whatever_it_was),
          RUN(of_several_handles_the_last_one_gives_it_back), RUN(several_terminals_are_given_back_each_as_it_was),
          RUN(signals_are_handled_as_long_as_the_mode_is_another_and_nobody_else_does),
          RUN(a_child_leaves_the_mode_that_its_parent_has_set), RUN(the_window_has_a_size_and_its_changes_are_told),
          RUN(descriptors_are_known_for_what_they_are), RUN(what_makes_no_sense_is_refused))
