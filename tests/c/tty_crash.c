/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Terminals after programs that died: a shell looks at what its jobs leave behind.
 *
 * The shell leads a session on a terminal of its own, and each job is a process group in its foreground. Between jobs the
 * shell writes a line of what it found to the test. */
#include "support/test.h"

#include "support/child.h"
#include "support/pty.h"

static rondel_loop job_loop;
static rondel_tty job_tty;

/* What every job begins with. */
static void go_raw(void) {
    job_loop = rondel_loop_new();
    job_tty = rondel_tty_open(job_loop, 0);
    if (rondel_tty_mode(job_tty, RONDEL_TTY_RAW) != 0 || strcmp(pty_mode(0), PTY_RAW)) _exit(99);
}

/* ---- The jobs ---- */

static volatile int zero;

static void segfault(void) {
    go_raw();
    *(volatile int *)(intptr_t)zero = 1;
}

static void divide(void) {
    go_raw();
    raise(SIGFPE);
}

static void die_of_abort(void) {
    go_raw();
    abort();
}

static void be_terminated(void) {
    go_raw();
    raise(SIGTERM);
}

static void be_hung_up(void) {
    go_raw();
    raise(SIGHUP);
}

static void press_ctrl_c_in_cbreak(void) {
    go_raw();
    rondel_tty_mode(job_tty, RONDEL_TTY_CBREAK);
    raise(SIGINT);
}

static void write_to_nobody(void) {
    int fds[2];
    go_raw();
    if (pipe(fds) == 0 && close(fds[0]) == 0 && write(fds[1], "x", 1) < 0) _exit(98);
}

static void leave_by_exit(void) {
    go_raw();
    exit(3);
}

static void free_the_loop(void) {
    go_raw();
    rondel_loop_free(job_loop);
    _exit(4);
}

static void debug_after(void) {
    go_raw();
    rondel_set_debug(job_loop, 1); /* whose handler stands before the other one */
    *(volatile int *)(intptr_t)zero = 1;
}

static void debug_first(void) {
    rondel_set_debug(rondel_loop_new(), 1);
    segfault();
}

static void reset_in_own_handler(int signum) {
    rondel_tty_reset();
    _exit(signum);
}

static void handle_it(void) {
    signal(SIGTERM, reset_in_own_handler);
    go_raw();
    raise(SIGTERM);
}

static void hold_it_twice(void) {
    go_raw();
    if (rondel_tty_mode(rondel_tty_open(job_loop, 1), RONDEL_TTY_BINARY) != 0) _exit(99);
    raise(SIGTERM);
}

/* The way of a program without Rondel: it shows that the shell can tell. */
static void crash_without_us(void) {
    struct termios mode;
    if (tcgetattr(0, &mode) < 0) _exit(99);
    cfmakeraw(&mode);
    tcsetattr(0, TCSANOW, &mode);
    fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_NONBLOCK);
    raise(SIGTERM);
}

static const struct job {
    const char *name;
    void (*body)(void);
    int signum, code; /* by which it ends: a signal, or by itself with a code */
    int by_fault;     /* which the sanitizer turns into an exit without a word to the terminal */
} jobs[] = {
    {"segfault", segfault, SIGSEGV, 0, 1},
    {"divide", divide, SIGFPE, 0, 1},
    {"abort", die_of_abort, SIGABRT, 0, 1},
    {"terminated", be_terminated, SIGTERM, 0, 0},
    {"hung up", be_hung_up, SIGHUP, 0, 0},
    {"ctrl-c", press_ctrl_c_in_cbreak, SIGINT, 0, 0},
    {"broken pipe", write_to_nobody, SIGPIPE, 0, 0},
    {"exit", leave_by_exit, 0, 3, 0},
    {"loop freed", free_the_loop, 0, 4, 0},
    {"debug after", debug_after, SIGSEGV, 0, 1},
    {"debug before", debug_first, SIGSEGV, 0, 1},
    {"own handler", handle_it, 0, SIGTERM, 0},
    {"two handles", hold_it_twice, SIGTERM, 0, 0},
    {"without us", crash_without_us, SIGTERM, 0, 0},
};
enum { JOBS = sizeof jobs / sizeof *jobs };

/* ---- The shell ---- */

static void run_job(const struct job *job) {
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        setpgid(0, 0);
        tcsetpgrp(0, getpid()); /* SIGTTOU is ignored, as the shell does */
        signal(SIGTTOU, SIG_DFL);
        alarm((unsigned)test_scale(60, 300));
        job->body();
        _exit(97);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    tcsetpgrp(0, getpid());
    int well = job->signum ? WIFSIGNALED(status) && WTERMSIG(status) == job->signum
                           : WIFEXITED(status) && WEXITSTATUS(status) == job->code;
    dprintf(3, "%s: %s, %s, %s\n", job->name, well ? "ended as it should" : "ended otherwise", pty_mode(0),
            fcntl(0, F_GETFL) & O_NONBLOCK ? "not blocking" : "blocking");
}

static int be_a_shell(void *arg) {
    const char *name = arg;
    struct termios normal;
    setsid();
    int fd = open(name, O_RDWR); /* the first one of a session's leader is its terminal */
    if (fd < 0 || ioctl(fd, TIOCSCTTY, 0) < 0) return 1;
    dup2(1, 3); /* the test's pipe */
    dup2(fd, 0), dup2(fd, 1);
    signal(SIGTTOU, SIG_IGN), signal(SIGTTIN, SIG_IGN);
    if (tcgetattr(0, &normal) < 0) return 2;
    for (int i = 0; i < JOBS; i++) {
        if (CHILD_SANITIZED && jobs[i].by_fault) continue;
        run_job(&jobs[i]);
        tcsetattr(0, TCSANOW, &normal);
        fcntl(0, F_SETFL, fcntl(0, F_GETFL) & ~O_NONBLOCK);
    }
    return 0;
}

TEST(a_shell_finds_its_terminal_as_it_was_after_every_end) {
    struct child child;
    struct pty pty;
    REQUIRE(pty_open(&pty));
    child_start(&child, be_a_shell, pty.name);
    child_ends_with(&child, 0);
    for (int i = 0; i < JOBS; i++) {
        char line[200];
        int ours = strcmp(jobs[i].name, "without us") != 0;
        if (CHILD_SANITIZED && jobs[i].by_fault) continue;
        snprintf(line, sizeof line, "%s: ended as it should, %s, %s\n", jobs[i].name, ours ? PTY_NORMAL : PTY_BINARY,
                 ours ? "blocking" : "not blocking");
        CHECK_EQ(child_said(&child, line), 1);
    }
    if (test_failures) fprintf(stderr, "%s", child.said);
    pty_close(&pty);
}

TEST_MAIN(RUN(a_shell_finds_its_terminal_as_it_was_after_every_end))
