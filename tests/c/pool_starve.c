/* SPDX-License-Identifier: MIT OR Apache-2.0
 * One kind of work never holds up another: with every thread of two lanes busy, the third goes on. */
#include "support/names.h"
#include "support/steps.h"

#include <sched.h>

struct held {
    struct gate begun, may_end;
};

static int64_t hold(void *arg) {
    struct held *held = arg;
    gate_pass(&held->begun);
    gate_wait(&held->may_end, 1);
    return 0;
}

static int64_t seven(void *arg) {
    (void)arg;
    return 7;
}

/* What every thread of a lane waits for: a gate, a name, or the other end of a pipe. */
struct block {
    struct held held;
    int pipe[2];
    char bytes[64];
    int64_t count;
    struct seen seen;
};

static void block_work(rondel_loop loop, struct block *block) {
    const struct held fresh = {GATE, GATE};
    block->held = fresh;
    block->count = rondel_pool_lane_size(RONDEL_POOL_WORK, 0);
    for (int64_t i = 0; i < block->count; i++) CHECK(rondel_work(loop, hold, &block->held, see, &block->seen) > 0);
    gate_wait(&block->held.begun, block->count);
}

static void block_names(rondel_loop loop, struct block *block) {
    names_add((struct name){"held.test", {"127.0.0.1"}, 0, 1});
    block->count = rondel_pool_lane_size(RONDEL_POOL_NAMES, 0);
    for (int64_t i = 0; i < block->count; i++)
        CHECK(rondel_resolve(loop, "held.test", NULL, 0, see, &block->seen) > 0);
    names_wait_held((int)block->count);
}

/* Whoever reads from a pipe waits for somebody who writes. */
static void block_files(rondel_loop loop, struct block *block) {
    block->count = rondel_pool_lane_size(RONDEL_POOL_FILES, 0);
    REQUIRE(block->count <= (int64_t)sizeof block->bytes);
    CHECK_EQ(pipe(block->pipe), 0);
    for (int64_t i = 0; i < block->count; i++) {
        rondel_file file = rondel_file_open_fd(loop, dup(block->pipe[0]));
        CHECK(rondel_file_read(file, &block->bytes[i], 1, RONDEL_POSITION, see, &block->seen) > 0);
    }
    while (rondel_pool_metric(RONDEL_POOL_FILES, RONDEL_POOL_QUEUED)) sched_yield();
}

static void work_goes_on(rondel_loop loop) {
    for (int i = 0; i < 20; i++)
        CHECK_EQ(rondel_run_until(loop, rondel_work(loop, seven, NULL, RONDEL_FUTURE)), 7);
}

static void names_go_on(rondel_loop loop) {
    for (int i = 0; i < 20; i++)
        CHECK_EQ(rondel_run_until(loop, rondel_resolve(loop, "quick.test", NULL, 0, RONDEL_FUTURE)), 1);
}

static void files_go_on(rondel_loop loop) {
    rondel_stat status;
    for (int i = 0; i < 20; i++)
        CHECK_EQ(rondel_run_until(loop, rondel_file_stat(loop, "/", &status, RONDEL_FUTURE)), 0);
}

TEST(each_lane_goes_on_while_the_two_others_are_blocked) {
    for (int free_lane = 0; free_lane < 3; free_lane++) {
        rondel_loop loop = rondel_loop_new();
        struct block work, names, files;
        memset(&work, 0, sizeof work);
        memset(&names, 0, sizeof names);
        memset(&files, 0, sizeof files);
        if (!names_work(loop)) {
            CHECK_EQ(rondel_loop_free(loop), 0);
            SKIP("needs a resolver that can be replaced");
        }
        names_add((struct name){"quick.test", {"127.0.0.2"}, 0, 0});
        if (free_lane != 0) block_work(loop, &work);
        if (free_lane != 1) block_names(loop, &names);
        if (free_lane != 2) block_files(loop, &files);
        if (free_lane == 0) work_goes_on(loop);
        if (free_lane == 1) names_go_on(loop);
        if (free_lane == 2) files_go_on(loop);
        CHECK_EQ(rondel_run_until(loop, rondel_call_later(loop, RONDEL_MS, RONDEL_FUTURE)), 0);
        CHECK_EQ(work.seen.calls + names.seen.calls + files.seen.calls, 0);
        /* Everything is told in the end. */
        gate_pass(&work.held.may_end);
        names_release();
        if (files.count) close(files.pipe[1]);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_EQ(work.seen.calls, work.count);
        CHECK_EQ(names.seen.calls, names.count);
        CHECK_EQ(files.seen.calls, files.count);
        CHECK_EQ(rondel_loop_free(loop), 0);
        if (files.count) close(files.pipe[0]);
        names_clear();
    }
}

TEST_MAIN(RUN(each_lane_goes_on_while_the_two_others_are_blocked))
