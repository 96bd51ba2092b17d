/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The harness of the C tests, all of it in this header. One program tests one noun:
 *
 *     #include "support/test.h"            (first: it asks the system headers for POSIX)
 *     TEST(a_promise_it_keeps) {
 *         rondel_loop loop = rondel_loop_new();
 *         REQUIRE(loop > 0);               (leaves the function when it does not hold)
 *         CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
 *         CHECK_EQ(rondel_loop_free(loop), 0);
 *     }
 *     TEST_MAIN(RUN(a_promise_it_keeps), RUN(another))
 *
 * Run without arguments it runs every test, else the ones named. A test fails by a failed check, by leaving more or
 * fewer descriptors open than it found, or by hanging. Checks may be made from any thread and inside callbacks.
 * RONDEL_TEST_SCALE=small (set under valgrind and the sanitizers) picks the small number of test_scale.
 */
#ifndef RONDEL_TEST_H
#define RONDEL_TEST_H

#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE 1
#endif
#if defined(__linux__) && !defined(_XOPEN_SOURCE)
#define _XOPEN_SOURCE 700
#endif
#if defined(__APPLE__) && !defined(_DARWIN_C_SOURCE)
#define _DARWIN_C_SOURCE 1
#endif

#include <rondel.h>

#ifdef _WIN32
#include "windows/posix.h"
#define ON_WINDOWS 1
#else
#define ON_WINDOWS 0
#define ON_WINE 0
#endif
#define ON_QEMU (getenv("RONDEL_TEST_QEMU") != NULL)
/* It runs programs by itself, and counts descriptors and has some by itself. */
#define ON_VALGRIND (getenv("LD_PRELOAD") != NULL && strstr(getenv("LD_PRELOAD"), "vgpreload") != NULL)
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct test {
    const char *name;
    void (*body)(void);
};

#define TEST(name) static void name(void)
#define RUN(name) {#name, name}
#define TEST_MAIN(...)                                                                                                 \
    int main(int argc, char **argv) {                                                                                  \
        static const struct test tests[] = {__VA_ARGS__};                                                              \
        return test_main(argc, argv, tests, sizeof tests / sizeof *tests);                                             \
    }

/* CHECK counts a failure and goes on; REQUIRE also returns from the (void) function it stands in. */
#define CHECK(condition) ((void)test_check(!!(condition), __FILE__, __LINE__, #condition))
#define CHECK_EQ(a, b) ((void)test_check_eq((int64_t)(a), (int64_t)(b), __FILE__, __LINE__, #a, #b))
#define CHECK_STR(a, b) ((void)test_check_str((a), (b), __FILE__, __LINE__, #a))
#define REQUIRE(condition)                                                                                             \
    do {                                                                                                               \
        if (!test_check(!!(condition), __FILE__, __LINE__, #condition)) return;                                        \
    } while (0)
#define REQUIRE_EQ(a, b)                                                                                               \
    do {                                                                                                               \
        if (!test_check_eq((int64_t)(a), (int64_t)(b), __FILE__, __LINE__, #a, #b)) return;                            \
    } while (0)
/* For what this machine cannot show (no IPv6, say): says so in the test's line and returns. For another system there is
 * ON_WINDOWS; for where what runs it is not as the system is, ON_WINE, ON_QEMU (whoever uses that says so), ON_VALGRIND. */
#define SKIP(reason)                                                                                                   \
    do {                                                                                                               \
        test_skipped = (reason);                                                                                       \
        return;                                                                                                        \
    } while (0)

static const char *volatile test_name = "";
static const char *test_skipped;
static int test_failures; /* of the running test; test_mutex guards it */
static pthread_mutex_t test_mutex = PTHREAD_MUTEX_INITIALIZER;

/* A rondel_fn that notes what it was told: user_data is a struct seen. */
struct seen {
    int64_t calls;
    int64_t result;
    rondel_handle source;
};

static inline void see(rondel_handle source, int64_t result, void *user_data) {
    struct seen *seen = user_data;
    seen->calls++;
    seen->result = result;
    seen->source = source;
}

static inline int test_small(void) {
    const char *scale = getenv("RONDEL_TEST_SCALE");
    return scale && !strcmp(scale, "small");
}

static inline int64_t test_scale(int64_t full, int64_t small) { return test_small() ? small : full; }

/* Counts a failure and begins its line, but says no more once a test has said this much. */
enum { TEST_SAYS = 20 };

static inline int test_failed(const char *file, int line) {
    const char *base = strrchr(file, '/');
    if (++test_failures > TEST_SAYS) return 0;
    fprintf(stderr, "    %s: %s:%d: ", test_name, base ? base + 1 : file, line);
    return 1;
}

static inline int test_check(int holds, const char *file, int line, const char *text) {
    if (!holds) {
        pthread_mutex_lock(&test_mutex);
        if (test_failed(file, line)) fprintf(stderr, "does not hold: %s\n", text);
        pthread_mutex_unlock(&test_mutex);
    }
    return holds;
}

static inline int test_check_eq(int64_t a, int64_t b, const char *file, int line, const char *left, const char *right) {
    if (a != b) {
        pthread_mutex_lock(&test_mutex);
        if (test_failed(file, line)) {
            fprintf(stderr, "%s is %" PRId64, left, a);
            if (a < 0) fprintf(stderr, " (%s)", rondel_error_name(a));
            fprintf(stderr, ", not %s = %" PRId64, right, b);
            if (b < 0) fprintf(stderr, " (%s)", rondel_error_name(b));
            fprintf(stderr, "\n");
        }
        pthread_mutex_unlock(&test_mutex);
    }
    return a == b;
}

static inline int test_check_str(const char *a, const char *b, const char *file, int line, const char *text) {
    int same = a && b && !strcmp(a, b);
    if (!same) {
        pthread_mutex_lock(&test_mutex);
        if (test_failed(file, line))
            fprintf(stderr, "%s is \"%s\", not \"%s\"\n", text, a ? a : "(null)", b ? b : "(null)");
        pthread_mutex_unlock(&test_mutex);
    }
    return same;
}

/* How many descriptors are open (on Windows: sockets); -1 where the system does not list them. */
static inline int test_open_descriptors(void) {
#ifdef _WIN32
    return posix_open_sockets();
#endif
    DIR *folder = opendir("/proc/self/fd");
    int count = -1; /* the folder's own */
    if (!folder) return -1;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.') count++;
    closedir(folder);
    return count;
}

static inline void test_print_descriptors(void) {
    for (int fd = 3; fd < 1024; fd++) {
        char path[64], target[256];
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(path, target, sizeof target - 1);
        if (length > 0) fprintf(stderr, "    %d -> %.*s\n", fd, (int)length, target);
    }
}

static inline void test_watchdog(int signum) {
    const char *said[] = {"    ", test_name, ": hangs\n"};
    (void)signum;
    for (int i = 0; i < 3; i++)
        if (write(2, said[i], strlen(said[i])) < 0) break;
    abort();
}

static inline int test_run_one(const struct test *test) {
    int before = test_open_descriptors();
    test_name = test->name;
    test_skipped = NULL;
    test_failures = 0;
    alarm((unsigned)test_scale(240, 900));
    test->body();
    alarm(0);
    if (test_open_descriptors() != before) {
        test_failures++;
        fprintf(stderr, "    %s: %d descriptors open before, %d after\n", test->name, before, test_open_descriptors());
        test_print_descriptors();
    }
    if (test_failures)
        printf("FAIL %s (%d)\n", test->name, test_failures);
    else
        printf("%s %s%s%s\n", test_skipped ? "skip" : "ok  ", test->name, test_skipped ? ": " : "",
               test_skipped ? test_skipped : "");
    return test_failures != 0;
}

/* Valgrind cannot let the stack grow for a signal's handler: it has grown by then. */
static inline void test_grow_stack(void) {
    volatile char deep[1 << 20];
    for (size_t i = 0; i < sizeof deep; i += 4096) deep[sizeof deep - 1 - i] = 0;
}

/* Signals as a terminal's shell leaves them to what it starts: a shell's `&`, nohup and some that run tests for others have
 * some ignored. */
static inline void test_reset_signals(void) {
#ifndef _WIN32
    struct sigaction action;
    sigset_t none;
    for (int signum = 1; signum < NSIG; signum++)
        if (sigaction(signum, NULL, &action) == 0 && action.sa_handler == SIG_IGN) signal(signum, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
#endif
}

static inline int test_main(int argc, char **argv, const struct test *tests, size_t count) {
    int failed = 0, ran = 0;
    struct sigaction action;
    test_reset_signals();
    memset(&action, 0, sizeof action);
    action.sa_handler = test_watchdog;
    sigaction(SIGALRM, &action, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    test_grow_stack();
    for (size_t i = 0; i < count; i++) {
        int wanted = argc < 2;
        for (int j = 1; j < argc; j++) wanted |= !strcmp(argv[j], tests[i].name);
        if (!wanted) continue;
        ran++;
        failed += test_run_one(&tests[i]);
    }
    if (argc > 1 && ran != argc - 1) {
        fprintf(stderr, "%d of the %d tests named are in this program:", ran, argc - 1);
        for (size_t i = 0; i < count; i++) fprintf(stderr, " %s", tests[i].name);
        fprintf(stderr, "\n");
        return 2;
    }
    printf("%d of %d tests passed\n", ran - failed, ran);
    return failed != 0;
}

#endif
