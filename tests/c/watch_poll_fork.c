/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Paths watched by looking again and again, in the child of a fork. */
#include "support/test.h"

#include "support/files.h"
#include "support/forked.h"
#include "support/steps.h"
#include "support/watch.h"

/* A watch that is due at all times, in a loop whose pool has one thread, which is busy until it is let go. */
static struct polled {
    rondel_loop loop;
    rondel_path_watch watch;
    struct busy busy;
    struct seen seen;
} polled;

static void until_a_look_waits(void) {
    while (rondel_pool_metric(RONDEL_POOL_FILES, RONDEL_POOL_QUEUED) == 0)
        CHECK(rondel_run(polled.loop, RONDEL_RUN_NOWAIT) >= 0);
}

static void end_polled(void) {
    busy_let_go(&polled.busy);
    CHECK_EQ(rondel_close(polled.watch), 0);
    busy_end(&polled.busy);
    CHECK_EQ(rondel_run(polled.loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(polled.seen.calls, 0);
    CHECK_EQ(rondel_loop_free(polled.loop), 0);
}

static int look_in_the_child(void *arg) {
    (void)arg;
    close(polled.busy.end);
    int64_t done = rondel_pool_metric(RONDEL_POOL_FILES, RONDEL_POOL_DONE);
    CHECK_EQ(rondel_loop_fork(polled.loop), 0);
    wait_for_done(done + 1); /* a look of its own; that of the parent is over, too, and nobody has heard of either */
    close_now(polled.busy.pipe);
    busy_begin(&polled.busy, polled.loop);
    until_a_look_waits();
    for (int i = 0; i < 10; i++) CHECK(rondel_run(polled.loop, RONDEL_RUN_NOWAIT) >= 0);
    CHECK_EQ(rondel_pool_metric(RONDEL_POOL_FILES, RONDEL_POOL_QUEUED), 1);
    end_polled();
    return 0;
}

TEST(a_child_of_a_fork_looks_once_when_a_look_of_its_parent_was_not_heard_of) {
    make_room();
    make_file("a");
    polled.loop = rondel_loop_new();
    polled.watch = rondel_watch_poll(polled.loop, room, 0, 1, see, &polled.seen);
    busy_begin(&polled.busy, polled.loop);
    until_a_look_waits();
    int64_t done = rondel_pool_metric(RONDEL_POOL_FILES, RONDEL_POOL_DONE);
    busy_let_go(&polled.busy);
    wait_for_done(done + 2);
    in_child(look_in_the_child, NULL);
    CHECK_EQ(rondel_close(polled.watch), 0);
    busy_end(&polled.busy);
    CHECK_EQ(rondel_run(polled.loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(polled.seen.calls, 0);
    CHECK_EQ(rondel_loop_free(polled.loop), 0);
    leave_room();
}

TEST_MAIN(RUN(a_child_of_a_fork_looks_once_when_a_look_of_its_parent_was_not_heard_of))
