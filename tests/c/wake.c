/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Waking a loop from a signal handler, and running one under a storm of signals. */
#include "support/test.h"

#include "support/steps.h"

#include <sched.h>

static struct seen never;
static rondel_loop woken_loop;
static volatile sig_atomic_t signals;

static void wake_in_handler(int signum) {
    (void)signum;
    if (rondel_wake(woken_loop) == 0) signals++;
}

static void on_signal(void (*handler)(int)) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler; /* without SA_RESTART: system calls are interrupted */
    sigaction(SIGUSR1, &action, NULL);
}

struct waker {
    struct gate waits;
    int64_t times;
};

static void *raise_for_each_wait(void *user_data) {
    struct waker *waker = user_data;
    for (int64_t i = 1; i <= waker->times; i++) {
        gate_wait(&waker->waits, i);
        pthread_kill(pthread_self(), SIGUSR1); /* the handler runs here, the loop waits elsewhere */
    }
    return NULL;
}

TEST(a_signal_handler_may_wake_the_loop_and_no_wake_is_lost) {
    if (ON_WINDOWS) SKIP("no signal is sent to a thread");
    struct waker waker = {GATE, test_scale(2000, 100)};
    rondel_completion completion;
    pthread_t thread;
    woken_loop = rondel_loop_new();
    signals = 0;
    on_signal(wake_in_handler);
    CHECK(rondel_timer_start(woken_loop, 3600 * RONDEL_SECOND, 0, see, &never) > 0);
    CHECK_EQ(pthread_create(&thread, NULL, raise_for_each_wait, &waker), 0);
    for (int64_t i = 0; i < waker.times; i++) {
        gate_pass(&waker.waits);
        CHECK_EQ(rondel_next(woken_loop, &completion, 1, RONDEL_FOREVER), 0);
    }
    pthread_join(thread, NULL);
    CHECK_EQ(signals, waker.times);
    on_signal(SIG_DFL);
    CHECK_EQ(rondel_loop_free(woken_loop), 0);
    CHECK_EQ(rondel_wake(woken_loop), RONDEL_EGONE);
}

/* A storm: one thread signals the loop's thread without pause, another sends messages, timers run. */
struct storm {
    rondel_loop loop;
    pthread_t target;
    int over;
    int64_t messages;
    int64_t arrived;
    int64_t ticks;
    int64_t due;
};

static void count_signal(int signum) {
    (void)signum;
    signals++;
}

static void *storm_of_signals(void *user_data) {
    struct storm *storm = user_data;
    while (!__atomic_load_n(&storm->over, __ATOMIC_ACQUIRE)) {
        pthread_kill(storm->target, SIGUSR1);
        sched_yield();
    }
    return NULL;
}

static void storm_ends(struct storm *storm) {
    if (storm->ticks >= 200 && storm->arrived == storm->messages) CHECK_EQ(rondel_stop(storm->loop), 0);
}

static void storm_message(rondel_handle source, int64_t result, void *user_data) {
    struct storm *storm = user_data;
    CHECK_EQ(source, storm->loop);
    CHECK_EQ(result, 0);
    storm->arrived++;
    storm_ends(storm);
}

static void *storm_of_messages(void *user_data) {
    struct storm *storm = user_data;
    for (int64_t i = 0; i < storm->messages; i++) {
        CHECK_EQ(rondel_call_soon_threadsafe(storm->loop, storm_message, storm), 0);
        if (i % 16 == 0) sched_yield();
    }
    return NULL;
}

static void storm_tick(rondel_handle source, int64_t result, void *user_data) {
    struct storm *storm = user_data;
    CHECK_EQ(result, 1);
    CHECK(rondel_clock() >= storm->due);
    storm->ticks++;
    storm->due = rondel_clock() + RONDEL_MS;
    CHECK_EQ(rondel_timer_set(source, RONDEL_MS, 0), 0);
    storm_ends(storm);
}

TEST(a_storm_of_signals_is_never_seen) {
    if (ON_WINDOWS) SKIP("no signal is sent to a thread");
    struct storm storm = {rondel_loop_new(), pthread_self(), 0, test_scale(100000, 2000), 0, 0, 0};
    pthread_t threads[2];
    signals = 0;
    on_signal(count_signal);
    storm.due = rondel_clock() + RONDEL_MS;
    rondel_timer tick = rondel_timer_start(storm.loop, RONDEL_MS, 0, storm_tick, &storm);
    CHECK_EQ(pthread_create(&threads[0], NULL, storm_of_signals, &storm), 0);
    while (!signals) sched_yield();
    CHECK_EQ(pthread_create(&threads[1], NULL, storm_of_messages, &storm), 0);
    CHECK_EQ(rondel_run(storm.loop, RONDEL_RUN_FOREVER), 1);
    pthread_join(threads[1], NULL);
    CHECK_EQ(storm.arrived, storm.messages);
    /* Waits of the other ways in are not cut short either. */
    rondel_completion completion;
    CHECK_EQ(rondel_timer_set(tick, 3600 * RONDEL_SECOND, 0), 0);
    int64_t before = rondel_clock();
    CHECK_EQ(rondel_run_until(storm.loop, rondel_call_later(storm.loop, 5 * RONDEL_MS, RONDEL_FUTURE)), 0);
    CHECK(rondel_clock() >= before + 5 * RONDEL_MS);
    before = rondel_clock();
    CHECK_EQ(rondel_next(storm.loop, &completion, 1, 5 * RONDEL_MS), 0);
    CHECK(rondel_clock() >= before + 5 * RONDEL_MS);
    __atomic_store_n(&storm.over, 1, __ATOMIC_RELEASE);
    pthread_join(threads[0], NULL);
    on_signal(SIG_DFL);
    CHECK_EQ(rondel_loop_free(storm.loop), 0);
}

struct posting {
    rondel_loop loop;
    int64_t count, asked;
    struct seen posted;
};

static void *post_when_asked(void *arg) {
    struct posting *posting = arg;
    for (int64_t i = 1; i <= posting->count; i++) {
        while (__atomic_load_n(&posting->asked, __ATOMIC_SEQ_CST) < i) sched_yield();
        CHECK_EQ(rondel_call_soon_threadsafe(posting->loop, see, &posting->posted), 0);
    }
    return NULL;
}

/* A message may be taken between its arrival and its wake-up, which then comes for nothing. */
TEST(a_wake_up_that_comes_late_ends_no_later_run) {
    struct posting posting = {rondel_loop_new(), test_scale(2000, 200), 0, {0, 0, 0}};
    struct seen timer = {0, 0, 0};
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, post_when_asked, &posting), 0);
    for (int64_t i = 1; i <= posting.count; i++) {
        __atomic_store_n(&posting.asked, i, __ATOMIC_SEQ_CST);
        while (posting.posted.calls < i) CHECK(rondel_run(posting.loop, RONDEL_RUN_NOWAIT) >= 0);
        CHECK(rondel_call_later(posting.loop, 20000, see, &timer) > 0);
        CHECK_EQ(rondel_run(posting.loop, RONDEL_RUN_ONCE), 0);
        CHECK_EQ(timer.calls, i);
    }
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_EQ(rondel_loop_free(posting.loop), 0);
}

struct sender {
    rondel_future promise;
    int sent;
};

/* Between the loop's look at its messages and its wait. */
static void send_and_wake(rondel_handle prepare, int64_t result, void *user_data) {
    struct sender *sender = user_data;
    (void)result;
    if (sender->sent++) return;
    CHECK_EQ(rondel_release_threadsafe(sender->promise), 0);
    CHECK_EQ(rondel_wake(rondel_loop_of(prepare)), 0);
}

TEST(a_wake_is_not_lost_behind_a_message_that_calls_nobody) {
    rondel_loop loop = rondel_loop_new();
    struct sender sender = {rondel_future_new(loop), 0};
    rondel_completion completion;
    CHECK(rondel_prepare_start(loop, send_and_wake, &sender) > 0);
    CHECK_EQ(rondel_next(loop, &completion, 1, RONDEL_FOREVER), 0);
    CHECK_EQ(rondel_kind(sender.promise), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* Who releases a lock around the wait looks first, and waits if nothing came. */
TEST(a_look_without_a_wait_leaves_the_wake_to_the_wait) {
    rondel_loop loop = rondel_loop_new();
    rondel_completion completion;
    CHECK(rondel_timer_start(loop, 3600 * RONDEL_SECOND, 0, see, &never) > 0);
    CHECK_EQ(rondel_wake(loop), 0);
    for (int i = 0; i < 3; i++) CHECK_EQ(rondel_next(loop, &completion, 1, 0), 0);
    CHECK(rondel_backend_timeout(loop) > 0); /* a host that looks this way does not do so for ever */
    CHECK_EQ(rondel_next(loop, &completion, 1, RONDEL_FOREVER), 0);
    CHECK_EQ(rondel_wake(loop), 0);
    for (int i = 0; i < 3; i++) CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
    /* It was for that one only. */
    CHECK(rondel_call_later(loop, RONDEL_MS, rondel_enqueue, NULL) > 0);
    CHECK_EQ(rondel_next(loop, &completion, 1, RONDEL_FOREVER), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST_MAIN(RUN(a_signal_handler_may_wake_the_loop_and_no_wake_is_lost), RUN(a_storm_of_signals_is_never_seen),
          RUN(a_wake_up_that_comes_late_ends_no_later_run),
          RUN(a_wake_is_not_lost_behind_a_message_that_calls_nobody),
          RUN(a_look_without_a_wait_leaves_the_wake_to_the_wait))
