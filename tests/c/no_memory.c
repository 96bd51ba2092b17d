/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Operations that would copy more than there is memory for: they fail, and the loop goes on. */
#include "support/test.h"

#include "support/child.h"
#include "support/futures.h"
#include "support/udp_path.h"

#include <sys/mman.h>
#include <sys/resource.h>

enum { NO_LIMIT = 11, LARGE = 1 << 30, SPARE = 200 << 20, WAITING = 400000, DATAGRAM = 60000 };

static rondel_loop loop;
static rondel_pipe ends[2];
static char *large;

static int64_t write_large(void) { return rondel_write(ends[0], large, LARGE, RONDEL_FUTURE); }

static int64_t write_two_halves(void) {
    const rondel_buffer halves[] = {{large, LARGE / 2}, {large, LARGE / 2}};
    return rondel_writev(ends[0], halves, 2, RONDEL_FUTURE);
}

static int64_t write_behind_another(void) {
    CHECK(rondel_write(ends[0], large, WAITING, NULL, NULL) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    return write_large();
}

static int64_t feed_a_program(void) {
    static const char *const argv[] = {"cat", NULL};
    rondel_process_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.file = argv[0];
    options.argv = argv;
    return rondel_process_run(loop, &options, large, LARGE, 0, RONDEL_FUTURE);
}

/* What has begun goes on by a copy when it is cancelled, as it was lent until then. */
static int64_t cancel_what_has_begun(void) {
    rondel_future begun = rondel_write_borrowed(ends[0], large, LARGE, RONDEL_FUTURE);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(rondel_cancel(begun), 0);
    return begun;
}

/* They wait for a peer that is full, and are copied, until one finds no memory left. */
static int64_t queue_datagrams(void) {
    rondel_udp own = rondel_udp_bind_path(loop, at("own"), 0);
    rondel_udp peer = rondel_udp_bind_path(loop, at("peer"), 0);
    static struct seen seen; /* those that still wait are told of their end later */
    CHECK(own > 0 && peer > 0);
    CHECK_EQ(rondel_udp_set_peer_path(own, at("peer")), 0);
    for (int64_t i = 0; i < LARGE / DATAGRAM && seen.result != RONDEL_ENOMEM; i++) {
        CHECK(rondel_udp_send(own, large, DATAGRAM, NULL, see, &seen) > 0);
        if (i % 256 == 0) CHECK(rondel_run(loop, RONDEL_RUN_NOWAIT) >= 0);
    }
    int64_t result = seen.result;
    CHECK_EQ(rondel_close(own), 0);
    CHECK_EQ(rondel_close(peer), 0);
    return result;
}

static const struct {
    int64_t (*start)(void);
    int64_t result;
    int broken; /* Some of it was sent already, so the stream ends there. */
} cases[] = {
    {write_large, RONDEL_ENOMEM, 1},
    {write_two_halves, RONDEL_ENOMEM, 1},
    {write_behind_another, RONDEL_ENOMEM, 0},
    {feed_a_program, RONDEL_ENOMEM, 0},
    {queue_datagrams, RONDEL_ENOMEM, 0},
    {cancel_what_has_begun, RONDEL_ECANCELED, 1},
};

static int in_little_memory(void *arg) {
    const size_t i = *(size_t *)arg;
    struct rlimit limit;
    large = mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(large != MAP_FAILED);
    loop = begin();
    CHECK_EQ(rondel_pipe_pair(loop, RONDEL_PIPE_BOTH_WAYS, ends), 0);
    CHECK_EQ(getrlimit(RLIMIT_AS, &limit), 0);
    limit.rlim_cur = (rlim_t)LARGE + SPARE;
    int limited = setrlimit(RLIMIT_AS, &limit) == 0;
    if (!limited || mmap(NULL, LARGE / 2, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED) {
        end(loop);
        return NO_LIMIT;
    }
    int64_t started = cases[i].start();
    CHECK_EQ(started < 0 ? started : rondel_run_until(loop, started), cases[i].result);
    int64_t later = rondel_write(ends[0], "later", 5, NULL, NULL);
    if (cases[i].broken)
        CHECK_EQ(later, RONDEL_ENOMEM);
    else
        CHECK(later > 0);
    struct seen seen = {0, 0, 0};
    CHECK(rondel_call_soon(loop, see, &seen) > 0);
    CHECK(rondel_run(loop, RONDEL_RUN_NOWAIT) >= 0);
    CHECK_EQ(seen.calls, 1);
    end(loop);
    return 0;
}

TEST(what_cannot_be_copied_fails_and_the_loop_goes_on) {
    if (CHILD_SANITIZED || test_small()) SKIP("valgrind and the sanitizers have memory of their own");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static struct child child;
        child_start(&child, in_little_memory, &i);
        child_end(&child);
        if (WIFEXITED(child.status) && WEXITSTATUS(child.status) == NO_LIMIT) SKIP("memory has no limit here");
        CHECK_EQ(child.status, 0);
        if (child.status) fprintf(stderr, "    case %d: %s\n", (int)i, child.said);
    }
}

TEST_MAIN(RUN(what_cannot_be_copied_fails_and_the_loop_goes_on))
