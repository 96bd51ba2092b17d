/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Child processes, for what ends a process or is said on standard error: the child runs a function of the test, the
 * test reads what it said and sees how it ended. A test that uses them must not have threads of its own by then: only
 * the one that forks lives on in the child. */
#ifndef RONDEL_TEST_CHILD_H
#define RONDEL_TEST_CHILD_H

#include "test.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#if defined(__SANITIZE_ADDRESS__)
#define CHILD_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CHILD_SANITIZED 1
#endif
#endif
#ifndef CHILD_SANITIZED
#define CHILD_SANITIZED 0
#endif

struct child {
    pid_t pid;
    int said_by;         /* what it says on standard error and output comes here */
    size_t length;
    char said[1 << 16];
    int status;
};

/* The sanitizer's own locks are not held still by a fork (gcc's, before 14): one that another thread has at that moment
 * stays taken in the child for ever. Waits until all other threads sleep, as one that has such a lock does not. */
static inline void child_until_threads_sleep(void) {
#if CHILD_SANITIZED && defined(__linux__)
    int awake = 1;
    for (int looks = 0; awake && looks < 1000; looks++) {
        DIR *threads = opendir("/proc/self/task");
        if (!threads) return;
        awake = 0;
        for (const struct dirent *entry; (entry = readdir(threads)) != NULL;) {
            char path[64], stat[512];
            long thread = atol(entry->d_name);
            if (thread <= 0 || thread == (long)getpid()) continue;
            snprintf(path, sizeof path, "/proc/self/task/%ld/stat", thread);
            FILE *file = fopen(path, "r");
            if (!file) continue;
            size_t length = fread(stat, 1, sizeof stat - 1, file);
            fclose(file);
            stat[length] = 0;
            const char *name_end = strrchr(stat, ')');
            if (name_end && name_end[1] && name_end[2] != 'S') awake = 1;
        }
        closedir(threads);
        if (awake) usleep(1000);
    }
#endif
}

/* The child ends with what `body` gives, 0 if all is well, or with 70 if a check in it failed. */
static inline void child_start(struct child *child, int (*body)(void *arg), void *arg) {
    int ends[2];
    child->length = 0;
    child->said[0] = 0;
    child->pid = -1;
    CHECK_EQ(pipe(ends), 0);
    fflush(NULL);
    child_until_threads_sleep();
    child->pid = fork();
    if (child->pid == 0) {
        struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGALRM, SIG_DFL);
        alarm((unsigned)test_scale(100, 800));
        dup2(ends[1], 1);
        dup2(ends[1], 2);
        close(ends[0]);
        close(ends[1]);
        test_failures = 0;
        int code = body(arg);
        fflush(NULL);
        _exit(test_failures ? 70 : code);
    }
    CHECK(child->pid > 0);
    close(ends[1]);
    child->said_by = ends[0];
}

static inline int child_reads(struct child *child) {
    ssize_t n;
    do
        n = read(child->said_by, child->said + child->length, sizeof child->said - 1 - child->length);
    while (n < 0 && errno == EINTR);
    if (n > 0) child->length += (size_t)n;
    child->said[child->length] = 0;
    return n > 0;
}

/* Waits until the child has said this. */
static inline void child_wait_for(struct child *child, const char *text) {
    while (!strstr(child->said, text)) {
        if (!child_reads(child)) {
            fprintf(stderr, "    the child did not say \"%s\", but:\n%s\n", text, child->said);
            CHECK(!"the child says what is waited for");
            return;
        }
    }
}

static inline void child_end(struct child *child) {
    while (child_reads(child)) continue;
    close(child->said_by);
    CHECK_EQ(waitpid(child->pid, &child->status, 0), child->pid);
}

/* Checks that the child ended by itself with this code. */
static inline void child_ends_with(struct child *child, int code) {
    child_end(child);
    int well = WIFEXITED(child->status) && WEXITSTATUS(child->status) == code;
    CHECK(well);
    if (!well) fprintf(stderr, "    status %d; the child said:\n%s\n", child->status, child->said);
}

/* Checks that the child was killed by this signal. The sanitizer turns faults into an exit. */
static inline void child_dies_of(struct child *child, int signum) {
    child_end(child);
    int well = WIFSIGNALED(child->status) ? WTERMSIG(child->status) == signum
                                          : CHILD_SANITIZED && signum == SIGSEGV && WEXITSTATUS(child->status) != 0;
    CHECK(well);
    if (!well) fprintf(stderr, "    status %d; the child said:\n%s\n", child->status, child->said);
}

/* How often the child has said this. */
static inline int child_said(const struct child *child, const char *text) {
    int count = 0;
    for (const char *at = child->said; (at = strstr(at, text)) != NULL; at += strlen(text)) count++;
    return count;
}

#endif
