/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Forks of programs with threads: what a child has of their loops, and of the locks they held. */
#include "support/test.h"

#include "support/calls.h"
#include "support/forked.h"
#include "support/names.h"
#include "support/net.h"
#include "support/steps.h"

struct elsewhere {
    rondel_loop loop;
    struct gate runs;
    int64_t stop;
};

static void pass_gate(rondel_handle source, int64_t result, void *user_data) {
    (void)source, (void)result;
    gate_pass(&((struct elsewhere *)user_data)->runs);
}

static void *run_elsewhere(void *arg) {
    struct elsewhere *elsewhere = arg;
    CHECK(rondel_call_soon(elsewhere->loop, pass_gate, elsewhere) > 0);
    CHECK_EQ(rondel_run(elsewhere->loop, RONDEL_RUN_FOREVER), 0);
    return NULL;
}

static int try_elsewhere(void *arg) {
    struct elsewhere *elsewhere = arg;
    CHECK_EQ(rondel_loop_fork(elsewhere->loop), RONDEL_ETHREAD);
    CHECK_EQ(rondel_loop_free(elsewhere->loop), RONDEL_ETHREAD);
    rondel_loop own = rondel_loop_new();
    CHECK_EQ(rondel_run_until(own, rondel_work(own, do_nothing, NULL, RONDEL_FUTURE)), 0);
    CHECK_EQ(rondel_loop_free(own), 0);
    return 0;
}

TEST(a_loop_that_ran_in_another_thread_stays_there) {
    struct elsewhere elsewhere = {rondel_loop_new(), GATE, 0};
    pthread_t thread;
    REQUIRE_EQ(pthread_create(&thread, NULL, run_elsewhere, &elsewhere), 0);
    gate_wait(&elsewhere.runs, 1);
    in_child(try_elsewhere, &elsewhere);
    CHECK_EQ(rondel_stop_threadsafe(elsewhere.loop), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_EQ(rondel_loop_free(elsewhere.loop), 0);
}

static void *make_noise(void *arg) {
    struct elsewhere *elsewhere = arg;
    struct seen seen = {0, 0, 0};
    while (!__atomic_load_n(&elsewhere->stop, __ATOMIC_SEQ_CST)) {
        rondel_loop own = rondel_loop_new();
        CHECK(rondel_signal_start(own, SIGUSR1, see, &seen) > 0);
        CHECK(rondel_work(own, do_nothing, NULL, NULL, NULL) > 0);
        for (int i = 0; i < 100; i++)
            CHECK_EQ(rondel_call_soon_threadsafe(elsewhere->loop, rondel_keep, NULL) == 0, 0);
        CHECK_EQ(rondel_loop_free(own), 0);
    }
    return NULL;
}

static int use_all(void *arg) {
    struct elsewhere *elsewhere = arg;
    struct seen seen = {0, 0, 0};
    CHECK_EQ(rondel_loop_fork(elsewhere->loop), 0);
    CHECK_EQ(rondel_call_soon_threadsafe(elsewhere->loop, see, &seen), 0);
    CHECK(rondel_signal_start(elsewhere->loop, SIGUSR2, see, &seen) > 0);
    CHECK_EQ(rondel_run_until(elsewhere->loop, rondel_work(elsewhere->loop, do_nothing, NULL, RONDEL_FUTURE)), 0);
    CHECK(net_run_until(elsewhere->loop, &seen.calls, 1));
    CHECK_EQ(rondel_loop_free(elsewhere->loop), 0);
    rondel_loop own = rondel_loop_new();
    CHECK(own > 0);
    CHECK_EQ(rondel_loop_free(own), 0);
    return 0;
}

/* If a fork came while another thread held a lock of the library, the child would hang. */
TEST(a_fork_in_the_midst_of_other_threads_leaves_no_lock_behind) {
    enum { NOISY = 2 };
    if (CHILD_SANITIZED) SKIP("the sanitizer's own locks are left behind");
    if (ON_QEMU) SKIP("qemu's own locks are left behind");
    struct elsewhere elsewhere = {rondel_loop_new(), GATE, 0};
    pthread_t threads[NOISY];
    for (int i = 0; i < NOISY; i++) REQUIRE_EQ(pthread_create(&threads[i], NULL, make_noise, &elsewhere), 0);
    for (int64_t i = test_scale(100, 5); i > 0; i--) {
        in_child(use_all, &elsewhere);
        CHECK(rondel_run(elsewhere.loop, RONDEL_RUN_NOWAIT) >= 0);
    }
    __atomic_store_n(&elsewhere.stop, 1, __ATOMIC_SEQ_CST);
    for (int i = 0; i < NOISY; i++) CHECK_EQ(pthread_join(threads[i], NULL), 0);
    CHECK_EQ(rondel_loop_free(elsewhere.loop), 0);
}

/* ---- threads that look into a loop that nobody runs */

static void *look_in(void *arg) {
    struct elsewhere *elsewhere = arg;
    gate_pass(&elsewhere->runs);
    while (!__atomic_load_n(&elsewhere->stop, __ATOMIC_SEQ_CST))
        CHECK_EQ(rondel_future_block(elsewhere->loop + 1, 0), RONDEL_EGONE);
    return NULL;
}

static int adopt_and_free(void *arg) {
    struct elsewhere *elsewhere = arg;
    CHECK_EQ(rondel_loop_fork(elsewhere->loop), 0);
    CHECK_EQ(rondel_run(elsewhere->loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_loop_free(elsewhere->loop), 0);
    return 0;
}

/* The child would wait for ever for a thread that is not there to go out again. */
TEST(a_thread_that_looks_into_the_loop_is_not_in_the_childs) {
    if (CHILD_SANITIZED) SKIP("the sanitizer's own locks are left behind");
    struct elsewhere elsewhere = {rondel_loop_new(), GATE, 0};
    pthread_t thread;
    REQUIRE_EQ(pthread_create(&thread, NULL, look_in, &elsewhere), 0);
    gate_wait(&elsewhere.runs, 1);
    for (int64_t i = test_scale(500, 5); i > 0; i--) in_child(adopt_and_free, &elsewhere);
    __atomic_store_n(&elsewhere.stop, 1, __ATOMIC_SEQ_CST);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_EQ(rondel_loop_free(elsewhere.loop), 0);
}

/* ---- look-ups that wait for an answer */

enum { LOOK_UPS = 24 };

struct asking {
    rondel_loop loop;
    struct seen told;
    int64_t stop;
};

static int threads(void) {
    char line[256];
    int count = -1;
    FILE *status = fopen("/proc/self/status", "r");
    if (!status) return -1;
    while (fgets(line, sizeof line, status))
        if (sscanf(line, "Threads: %d", &count) == 1) break;
    fclose(status);
    return count;
}

static int stop_asking(void *arg) {
    struct asking *asking = arg;
    int before = threads();
    CHECK_EQ(rondel_loop_fork(asking->loop), 0);
    CHECK(net_run_until(asking->loop, &asking->told.calls, LOOK_UPS));
    CHECK_EQ(asking->told.result, RONDEL_ECANCELED);
    CHECK_EQ(threads(), before); /* nobody has begun with what waits in the parent's queue */
    CHECK_EQ(rondel_pool_metric(RONDEL_POOL_NAMES, RONDEL_POOL_QUEUED), 0);
    CHECK_EQ(rondel_loop_free(asking->loop), 0);
    return 0;
}

static int free_asking(void *arg) {
    struct asking *asking = arg;
    int before = threads();
    CHECK_EQ(rondel_loop_free(asking->loop), 0);
    CHECK_EQ(asking->told.calls, LOOK_UPS);
    CHECK_EQ(threads(), before);
    return 0;
}

static void *look_at_the_queue(void *arg) {
    struct asking *asking = arg;
    while (!__atomic_load_n(&asking->stop, __ATOMIC_SEQ_CST))
        CHECK(rondel_pool_metric(RONDEL_POOL_NAMES, RONDEL_POOL_QUEUED) > 0);
    return NULL;
}

TEST(look_ups_of_the_parent_are_nothing_to_the_child) {
    struct asking asking = {rondel_loop_new(), {0, 0, 0}, 0};
    pthread_t thread;
    if (!names_work(asking.loop)) {
        CHECK_EQ(rondel_loop_free(asking.loop), 0);
        SKIP("the library does not ask this program's getaddrinfo");
    }
    names_add((struct name){"held.test", {"192.0.2.1"}, 0, 1});
    /* More than there may be threads for them, so that some wait in the queue. */
    for (int i = 0; i < LOOK_UPS; i++) CHECK(rondel_resolve(asking.loop, "held.test", NULL, 0, see, &asking.told) > 0);
    names_wait_held(16);
    in_child(stop_asking, &asking);
    in_child(free_asking, &asking);
    if (!CHILD_SANITIZED) { /* its own locks are left behind */
        REQUIRE_EQ(pthread_create(&thread, NULL, look_at_the_queue, &asking), 0);
        for (int64_t i = test_scale(50, 3); i > 0; i--) {
            in_child(stop_asking, &asking);
            in_child(free_asking, &asking);
        }
        __atomic_store_n(&asking.stop, 1, __ATOMIC_SEQ_CST);
        CHECK_EQ(pthread_join(thread, NULL), 0);
    }
    CHECK_EQ(asking.told.calls, 0);
    names_release();
    CHECK(net_run_until(asking.loop, &asking.told.calls, LOOK_UPS));
    CHECK_EQ(asking.told.result, 1);
    CHECK_EQ(rondel_loop_free(asking.loop), 0);
    names_clear();
}

TEST_MAIN(RUN(a_thread_that_looks_into_the_loop_is_not_in_the_childs), RUN(look_ups_of_the_parent_are_nothing_to_the_child), RUN(a_loop_that_ran_in_another_thread_stays_there),
          RUN(a_fork_in_the_midst_of_other_threads_leaves_no_lock_behind))
