/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The lanes of the pool: each has threads of its own, and tells what it has to do. */
#include "support/child.h"
#include "support/steps.h"
#include "support/test.h"

#include <sched.h>

enum { LANES = 3 };
static const int lanes[LANES] = {RONDEL_POOL_WORK, RONDEL_POOL_FILES, RONDEL_POOL_NAMES};
static const int metrics[] = {RONDEL_POOL_THREADS,   RONDEL_POOL_IDLE,       RONDEL_POOL_QUEUED,  RONDEL_POOL_DONE,
                              RONDEL_POOL_WAIT_LAST, RONDEL_POOL_WAIT_TOTAL, RONDEL_POOL_WAIT_MAX};

static int64_t work_metric(int which) { return rondel_pool_metric(RONDEL_POOL_WORK, which); }

/* Work that begins, says so and waits. */
struct held {
    struct gate begun, may_end;
};

#define HELD {GATE, GATE}

static int64_t hold(void *arg) {
    struct held *held = arg;
    gate_pass(&held->begun);
    gate_wait(&held->may_end, 1);
    return 0;
}

static int64_t answer(void *arg) {
    (void)arg;
    return 42;
}

TEST(each_lane_has_a_size_of_its_own) {
    int64_t before[LANES];
    for (int i = 0; i < LANES; i++) {
        before[i] = rondel_pool_lane_size(lanes[i], 0);
        CHECK(before[i] >= 4);
    }
    for (int i = 0; i < LANES; i++) CHECK_EQ(rondel_pool_lane_size(lanes[i], 20 + i), 20 + i);
    for (int i = 0; i < LANES; i++) CHECK_EQ(rondel_pool_lane_size(lanes[i], 0), 20 + i);
    CHECK_EQ(rondel_pool_size(0), 20 + RONDEL_POOL_WORK);
    CHECK_EQ(rondel_pool_size(7), 7);
    CHECK_EQ(rondel_pool_lane_size(RONDEL_POOL_WORK, 0), 7);
    CHECK_EQ(rondel_pool_lane_size(RONDEL_POOL_FILES, 0), 20 + RONDEL_POOL_FILES);
    for (int i = 0; i < LANES; i++) CHECK_EQ(rondel_pool_lane_size(lanes[i], before[i]), before[i]);
}

TEST(what_makes_no_sense_is_refused) {
    const int64_t size = rondel_pool_lane_size(RONDEL_POOL_FILES, 0);
    CHECK_EQ(rondel_pool_lane_size(RONDEL_POOL_FILES, -1), RONDEL_EINVAL);
    CHECK_EQ(rondel_pool_lane_size(RONDEL_POOL_FILES, 1025), RONDEL_EINVAL);
    CHECK_EQ(rondel_pool_lane_size(RONDEL_POOL_FILES, INT64_MIN), RONDEL_EINVAL);
    CHECK_EQ(rondel_pool_lane_size(-1, 4), RONDEL_EINVAL);
    CHECK_EQ(rondel_pool_lane_size(LANES, 4), RONDEL_EINVAL);
    CHECK_EQ(rondel_pool_lane_size(INT32_MAX, 0), RONDEL_EINVAL);
    CHECK_EQ(rondel_pool_metric(-1, RONDEL_POOL_THREADS), RONDEL_EINVAL);
    CHECK_EQ(rondel_pool_metric(LANES, RONDEL_POOL_THREADS), RONDEL_EINVAL);
    CHECK_EQ(rondel_pool_metric(RONDEL_POOL_WORK, -1), RONDEL_EINVAL);
    CHECK_EQ(rondel_pool_metric(RONDEL_POOL_WORK, RONDEL_POOL_WAIT_MAX + 1), RONDEL_EINVAL);
    CHECK_EQ(rondel_pool_lane_size(RONDEL_POOL_FILES, 0), size);
}

TEST(a_lane_grows_with_its_work_and_shrinks_to_its_limit) {
    enum { MANY = 9 };
    const int64_t size = rondel_pool_size(0);
    rondel_loop loop = rondel_loop_new();
    struct held held = HELD;
    CHECK_EQ(rondel_pool_size(MANY), MANY);
    for (int i = 0; i < MANY; i++) CHECK(rondel_work(loop, hold, &held, NULL, NULL) > 0);
    gate_wait(&held.begun, MANY);
    CHECK_EQ(work_metric(RONDEL_POOL_THREADS), MANY);
    CHECK_EQ(work_metric(RONDEL_POOL_IDLE), 0);
    CHECK_EQ(rondel_pool_size(2), 2);
    CHECK_EQ(work_metric(RONDEL_POOL_THREADS), MANY); /* they are busy */
    gate_pass(&held.may_end);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    while (work_metric(RONDEL_POOL_THREADS) > 2) sched_yield(); /* hangs if one too many stays */
    CHECK_EQ(rondel_run_until(loop, rondel_work(loop, answer, NULL, RONDEL_FUTURE)), 42);
    CHECK(work_metric(RONDEL_POOL_THREADS) <= 2);
    CHECK_EQ(rondel_pool_size(size), size);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(metrics_tell_what_waits_and_how_long_it_did) {
    const int64_t size = rondel_pool_size(0), done = work_metric(RONDEL_POOL_DONE);
    rondel_loop loop = rondel_loop_new();
    struct held held = HELD;
    rondel_future queued[3];
    CHECK_EQ(rondel_pool_size(1), 1);
    CHECK(rondel_work(loop, hold, &held, NULL, NULL) > 0);
    gate_wait(&held.begun, 1);
    const int64_t total = work_metric(RONDEL_POOL_WAIT_TOTAL), began = rondel_clock();
    CHECK_EQ(work_metric(RONDEL_POOL_QUEUED), 0);
    for (int i = 0; i < 3; i++) queued[i] = rondel_work(loop, answer, NULL, RONDEL_FUTURE);
    const int64_t queued_by = rondel_clock();
    CHECK_EQ(work_metric(RONDEL_POOL_QUEUED), 3);
    CHECK_EQ(rondel_cancel(queued[1]), 0);
    CHECK_EQ(work_metric(RONDEL_POOL_QUEUED), 2);
    CHECK_EQ(work_metric(RONDEL_POOL_WAIT_TOTAL), total);
    busy_for(RONDEL_MS);
    const int64_t released = rondel_clock();
    gate_pass(&held.may_end);
    CHECK_EQ(rondel_run_until(loop, queued[0]), 42);
    CHECK_EQ(rondel_run_until(loop, queued[1]), RONDEL_ECANCELED);
    CHECK_EQ(rondel_run_until(loop, queued[2]), 42);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    while (work_metric(RONDEL_POOL_DONE) < done + 3) sched_yield(); /* it says so a moment after its result is told */
    const int64_t ended = rondel_clock();
    CHECK_EQ(work_metric(RONDEL_POOL_DONE), done + 3);
    CHECK_EQ(work_metric(RONDEL_POOL_QUEUED), 0);
    CHECK(work_metric(RONDEL_POOL_WAIT_LAST) >= released - queued_by);
    CHECK(work_metric(RONDEL_POOL_WAIT_LAST) <= ended - began);
    CHECK(work_metric(RONDEL_POOL_WAIT_MAX) >= work_metric(RONDEL_POOL_WAIT_LAST));
    CHECK(work_metric(RONDEL_POOL_WAIT_TOTAL) - total >= 2 * (released - queued_by));
    CHECK(work_metric(RONDEL_POOL_WAIT_TOTAL) - total <= 2 * (ended - began));
    CHECK_EQ(rondel_pool_size(size), size);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void *read_metrics(void *arg) {
    volatile int *stop = arg;
    while (!__atomic_load_n(stop, __ATOMIC_ACQUIRE))
        for (int i = 0; i < LANES; i++)
            for (size_t j = 0; j < sizeof metrics / sizeof *metrics; j++)
                CHECK(rondel_pool_metric(lanes[i], metrics[j]) >= 0);
    return NULL;
}

TEST(any_thread_may_read_the_metrics_at_any_time) {
    const int64_t count = test_scale(20000, 500);
    rondel_loop loop = rondel_loop_new();
    pthread_t reader;
    int stop = 0;
    CHECK_EQ(pthread_create(&reader, NULL, read_metrics, &stop), 0);
    for (int64_t i = 0; i < count; i++) {
        rondel_future work = rondel_work(loop, answer, NULL, NULL, NULL);
        CHECK(work > 0);
        if (i % 3 == 0) rondel_cancel(work);
        if (i % 64 == 0) rondel_run(loop, RONDEL_RUN_NOWAIT);
    }
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    pthread_join(reader, NULL);
    CHECK_EQ(work_metric(RONDEL_POOL_QUEUED), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* Takes some MiB of stack, a little at a time. */
static int64_t dig(int64_t depth) {
    volatile char room[16384];
    room[0] = (char)depth;
    room[sizeof room - 1] = (char)depth;
    const int64_t below = depth > 0 ? dig(depth - 1) : 0;
    return below + (room[0] == room[sizeof room - 1]);
}

static int64_t dig_deep(void *arg) { return dig(*(int64_t *)arg); }

TEST(work_has_as_much_stack_as_it_would_have_in_main) {
    rondel_loop loop = rondel_loop_new();
    int64_t depth = 7 * 64 - 8; /* nearly seven MiB */
    CHECK_EQ(rondel_run_until(loop, rondel_work(loop, dig_deep, &depth, RONDEL_FUTURE)), depth + 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

struct user {
    rondel_loop loop;
    pthread_t thread;
    int left;
    rondel_stat status;
};

static void look_up_again(rondel_handle source, int64_t result, void *user_data) {
    struct user *user = user_data;
    (void)source;
    CHECK(result > 0);
    CHECK(pthread_equal(user->thread, pthread_self()));
    if (user->left-- > 0) CHECK(rondel_resolve(user->loop, "localhost", NULL, 0, look_up_again, user) > 0);
}

static void stat_again(rondel_handle source, int64_t result, void *user_data) {
    struct user *user = user_data;
    (void)source;
    CHECK_EQ(result, 0);
    CHECK(pthread_equal(user->thread, pthread_self()));
    if (user->left-- > 0) CHECK(rondel_file_stat(user->loop, ".", &user->status, stat_again, user) > 0);
}

static void *use_every_lane(void *arg) {
    enum { EACH = 4 };
    struct user users[2 * EACH];
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    (void)arg;
    for (int i = 0; i < 2 * EACH; i++) {
        users[i].loop = loop;
        users[i].thread = pthread_self();
        users[i].left = 4;
        if (i < EACH) CHECK(rondel_resolve(loop, "localhost", NULL, 0, look_up_again, &users[i]) > 0);
        else CHECK(rondel_file_stat(loop, ".", &users[i].status, stat_again, &users[i]) > 0);
        CHECK(rondel_work(loop, answer, NULL, see, &seen) > 0);
    }
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    for (int i = 0; i < 2 * EACH; i++) CHECK_EQ(users[i].left, -1);
    CHECK_EQ(seen.calls, 2 * EACH);
    CHECK_EQ(rondel_loop_free(loop), 0);
    return NULL;
}

TEST(each_end_is_told_on_the_loop_it_was_started_on) {
    pthread_t threads[8];
    for (int i = 0; i < 8; i++) CHECK_EQ(pthread_create(&threads[i], NULL, use_every_lane, NULL), 0);
    for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
}

static int use_the_pool(void *arg) {
    if (arg) CHECK_EQ(rondel_pool_lane_size(RONDEL_POOL_FILES, 0), *(int64_t *)arg);
    for (int i = 0; i < LANES; i++) {
        CHECK_EQ(rondel_pool_metric(lanes[i], RONDEL_POOL_THREADS), 0);
        CHECK_EQ(rondel_pool_metric(lanes[i], RONDEL_POOL_QUEUED), 0);
    }
    rondel_loop loop = rondel_loop_new();
    for (int i = 0; i < 100; i++)
        CHECK_EQ(rondel_run_until(loop, rondel_work(loop, answer, NULL, RONDEL_FUTURE)), 42);
    CHECK(rondel_run_until(loop, rondel_resolve(loop, "localhost", NULL, 0, RONDEL_FUTURE)) > 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    /* What the parent's threads had is nobody's in the child: no end for a search for leaks to look into. */
    if (!test_failures) raise(SIGKILL);
    return 1;
}

/* The parent's threads are not there in the child, and may hold locks of the pool as it forks. */
TEST(a_child_after_a_fork_has_a_pool_of_its_own) {
    const int64_t size = rondel_pool_size(0), files = rondel_pool_lane_size(RONDEL_POOL_FILES, 0);
    int64_t more_files = files + 3; /* a limit holds in the child too */
    rondel_loop loop = rondel_loop_new();
    static struct child child;
    struct held held = HELD;
    CHECK_EQ(rondel_pool_lane_size(RONDEL_POOL_FILES, more_files), more_files);
    for (int64_t i = 0; i < size; i++) CHECK(rondel_work(loop, hold, &held, NULL, NULL) > 0);
    gate_wait(&held.begun, size);
    rondel_future queued = rondel_work(loop, answer, NULL, RONDEL_FUTURE);
    child_start(&child, use_the_pool, &more_files);
    child_dies_of(&child, SIGKILL);
    CHECK_EQ(rondel_pool_lane_size(RONDEL_POOL_FILES, files), files);
    gate_pass(&held.may_end);
    CHECK_EQ(rondel_run_until(loop, queued), 42);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_fork_while_the_pool_is_busy_does_no_harm) {
    const int64_t rounds = test_scale(50, 5);
    rondel_loop loop = rondel_loop_new();
    static struct child child;
    for (int64_t i = 0; i < rounds; i++) {
        struct seen seen = {0, 0, 0};
        for (int j = 0; j < 50; j++) CHECK(rondel_work(loop, answer, NULL, see, &seen) > 0);
        child_start(&child, use_the_pool, NULL);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_EQ(seen.calls, 50);
        child_dies_of(&child, SIGKILL);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST_MAIN(RUN(each_lane_has_a_size_of_its_own), RUN(what_makes_no_sense_is_refused),
          RUN(a_lane_grows_with_its_work_and_shrinks_to_its_limit), RUN(metrics_tell_what_waits_and_how_long_it_did),
          RUN(any_thread_may_read_the_metrics_at_any_time),
          RUN(work_has_as_much_stack_as_it_would_have_in_main), RUN(each_end_is_told_on_the_loop_it_was_started_on), RUN(a_child_after_a_fork_has_a_pool_of_its_own),
          RUN(a_fork_while_the_pool_is_busy_does_no_harm))
