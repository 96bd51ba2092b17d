/* SPDX-License-Identifier: MIT OR Apache-2.0
 * A loop inside another one: the host waits for rondel_backend_fd as long as rondel_backend_timeout says, and then lets
 * the loop have one turn. The host of most of these tests is poll(2). */
#include "support/test.h"

#include "support/net.h"
#include "support/steps.h"

#if defined(__linux__)
#include <sys/epoll.h>
#endif

/* Whole milliseconds that are no shorter than this, as poll wants them. */
static int poll_timeout(int64_t ns) {
    if (ns == RONDEL_FOREVER) return -1;
    int64_t ms = ns / RONDEL_MS + (ns % RONDEL_MS != 0);
    return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

/* What a host does again and again. Gives whether the descriptor was ready. */
static int host_turn(rondel_loop loop) {
    struct pollfd backend = {(int)rondel_backend_fd(loop), POLLIN, 0};
    int ready = poll(&backend, 1, poll_timeout(rondel_backend_timeout(loop)));
    CHECK(ready >= 0 || errno == EINTR);
    CHECK(rondel_run(loop, RONDEL_RUN_NOWAIT) >= 0);
    return ready > 0;
}

/* Turns until *count is `wanted`; how many that were. */
static int64_t host_until(rondel_loop loop, const int64_t *count, int64_t wanted) {
    int64_t turns = 0;
    while (*count < wanted) {
        host_turn(loop);
        turns++;
    }
    return turns;
}

/* Nothing is due, nothing is ready: a host would sleep until something happens. */
static void check_asleep(rondel_loop loop) {
    struct pollfd backend = {(int)rondel_backend_fd(loop), POLLIN, 0};
    CHECK_EQ(rondel_backend_timeout(loop), RONDEL_FOREVER);
    CHECK_EQ(poll(&backend, 1, 0), 0);
}

/* As many turns as there is something to do at once, and no more than `most`. */
static void settle(rondel_loop loop, int most) {
    struct pollfd backend = {(int)rondel_backend_fd(loop), POLLIN, 0};
    while (rondel_backend_timeout(loop) == 0 || poll(&backend, 1, 0) > 0) {
        if (most-- == 0) {
            CHECK(!"the loop comes to rest");
            return;
        }
        rondel_run(loop, RONDEL_RUN_NOWAIT);
    }
}

TEST(an_idle_loop_lets_its_host_sleep) {
    rondel_loop loop = rondel_loop_new();
    CHECK(rondel_backend_fd(loop) >= 0);
    settle(loop, 1);
    check_asleep(loop);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 0);
    check_asleep(loop);
    CHECK_EQ(rondel_backend_fd(loop), rondel_backend_fd(loop));
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(rondel_backend_fd(loop), RONDEL_EGONE);
    CHECK_EQ(rondel_backend_timeout(loop), RONDEL_EGONE);
}

struct due {
    int64_t at, *fired;
};

static void on_due(rondel_handle source, int64_t result, void *user_data) {
    struct due *due = user_data;
    (void)source, (void)result;
    CHECK(rondel_clock() >= due->at);
    ++*due->fired;
}

TEST(timers_fire_never_early_and_without_spinning_until_then) {
    enum { TIMERS_HERE = 40 };
    rondel_loop loop = rondel_loop_new();
    struct due due[TIMERS_HERE];
    int64_t fired = 0;
    for (int i = 0; i < TIMERS_HERE; i++) {
        /* Odd times, so that a host that rounded down would come too early again and again. */
        int64_t after = (i % 8) * 3 * RONDEL_MS + i * 77777;
        due[i].at = rondel_clock() + after;
        due[i].fired = &fired;
        CHECK(rondel_timer_start(loop, after, 0, on_due, &due[i]) > 0);
    }
    int64_t turns = host_until(loop, &fired, TIMERS_HERE);
    CHECK(turns <= 2 * TIMERS_HERE); /* one for each at the most, and one for what it leaves behind */
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_TURNS), turns);
    CHECK(rondel_metric(loop, RONDEL_METRIC_POLLS) <= turns);
    check_asleep(loop);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(the_timeout_is_that_of_the_next_timer) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    rondel_timer far = rondel_timer_start(loop, 3600 * RONDEL_SECOND, 0, see, &seen);
    int64_t timeout = rondel_backend_timeout(loop);
    CHECK(timeout > 3500 * RONDEL_SECOND && timeout <= 3600 * RONDEL_SECOND);
    CHECK_EQ(rondel_unref(far), 0); /* it fires all the same, as long as anybody runs the loop */
    timeout = rondel_backend_timeout(loop);
    CHECK(timeout > 3500 * RONDEL_SECOND && timeout <= 3600 * RONDEL_SECOND);
    rondel_timer near = rondel_timer_start(loop, 10 * RONDEL_SECOND, 0, see, &seen);
    timeout = rondel_backend_timeout(loop);
    CHECK(timeout > 0 && timeout <= 10 * RONDEL_SECOND);
    CHECK_EQ(rondel_timer_set(near, 0, 0), 0);
    CHECK_EQ(rondel_backend_timeout(loop), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(rondel_close(near), 0);
    CHECK_EQ(rondel_close(far), 0);
    CHECK_EQ(rondel_backend_timeout(loop), 0); /* close notices */
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 0);
    check_asleep(loop);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(what_is_due_at_once_is_said_to_be) {
    rondel_loop loop = rondel_loop_new();
    struct seen soon = {0, 0, 0}, notice = {0, 0, 0}, idle = {0, 0, 0}, set = {0, 0, 0};
    settle(loop, 1);
    CHECK(rondel_call_soon(loop, see, &soon) > 0);
    CHECK_EQ(rondel_backend_timeout(loop), 0);
    host_turn(loop);
    CHECK_EQ(soon.calls, 1);
    check_asleep(loop);

    rondel_tcp tcp = rondel_tcp_new(loop);
    CHECK_EQ(rondel_on_close(tcp, see, &notice), 0);
    CHECK_EQ(rondel_close(tcp), 0);
    CHECK_EQ(rondel_backend_timeout(loop), 0);
    host_turn(loop);
    CHECK_EQ(notice.calls, 1);
    check_asleep(loop);

    rondel_hook hook = rondel_idle_start(loop, see, &idle);
    for (int i = 1; i <= 3; i++) {
        CHECK_EQ(rondel_backend_timeout(loop), 0);
        host_turn(loop);
        CHECK_EQ(idle.calls, i);
    }
    CHECK_EQ(rondel_close(hook), 0);
    settle(loop, 2);
    check_asleep(loop);

    rondel_future promise = rondel_future_new(loop);
    CHECK_EQ(rondel_future_then(promise, see, &set), 0);
    check_asleep(loop);
    CHECK_EQ(rondel_future_set(promise, 5), 0);
    CHECK_EQ(rondel_backend_timeout(loop), 0);
    host_turn(loop);
    CHECK_EQ(set.result, 5);
    CHECK_EQ(rondel_release(promise), 0);

    CHECK_EQ(rondel_stop(loop), 0); /* which the next run wants to hear of */
    CHECK_EQ(rondel_backend_timeout(loop), 0);
    host_turn(loop);
    check_asleep(loop);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void chain_on(rondel_handle source, int64_t result, void *user_data) {
    struct seen *seen = user_data;
    see(source, result, seen);
    if (seen->calls < 1000) CHECK(rondel_call_soon(rondel_loop_of(source), chain_on, seen) > 0);
}

TEST(a_chain_of_callbacks_takes_a_turn_each_and_keeps_the_host_awake) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    CHECK(rondel_call_soon(loop, chain_on, &seen) > 0);
    CHECK_EQ(host_until(loop, &seen.calls, 1000), 1000);
    check_asleep(loop);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

struct caller {
    rondel_loop loop;
    struct gate gate;
    struct seen seen;
    int64_t times;
};

static void *call_in(void *arg) {
    struct caller *caller = arg;
    for (int64_t i = 1; i <= caller->times; i++) {
        gate_wait(&caller->gate, i);
        CHECK_EQ(rondel_call_soon_threadsafe(caller->loop, see, &caller->seen), 0);
    }
    return NULL;
}

TEST(calls_of_another_thread_wake_the_host_each_time) {
    struct caller caller = {rondel_loop_new(), GATE, {0, 0, 0}, test_scale(5000, 200)};
    pthread_t thread;
    int64_t turns = 0;
    REQUIRE_EQ(pthread_create(&thread, NULL, call_in, &caller), 0);
    for (int64_t i = 1; i <= caller.times; i++) {
        gate_pass(&caller.gate);
        turns += host_until(caller.loop, &caller.seen.calls, i);
    }
    CHECK_EQ(pthread_join(thread, NULL), 0);
    /* One turn takes the wake-up, the next the message, if it was not there in the first. */
    CHECK(turns <= 2 * caller.times);
    check_asleep(caller.loop);
    CHECK_EQ(rondel_loop_free(caller.loop), 0);
}

static int64_t nothing(void *arg) {
    (void)arg;
    return 7;
}

TEST(work_of_the_pool_signals_and_wake_ups_reach_a_host) {
    rondel_loop loop = rondel_loop_new();
    struct seen work = {0, 0, 0}, came = {0, 0, 0};
    struct pollfd backend = {(int)rondel_backend_fd(loop), POLLIN, 0};
    CHECK(rondel_work(loop, nothing, NULL, see, &work) > 0);
    host_until(loop, &work.calls, 1);
    CHECK_EQ(work.result, 7);
    settle(loop, 2);

    rondel_signal signal = rondel_signal_start(loop, SIGUSR1, see, &came);
    check_asleep(loop);
    CHECK_EQ(raise(SIGUSR1), 0);
    CHECK_EQ(rondel_backend_timeout(loop), 0);
    CHECK_EQ(poll(&backend, 1, -1), 1);
    host_until(loop, &came.calls, 1);
    CHECK_EQ(rondel_close(signal), 0);
    settle(loop, 3);
    check_asleep(loop);

    CHECK_EQ(rondel_wake(loop), 0);
    CHECK_EQ(poll(&backend, 1, -1), 1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 0);
    check_asleep(loop); /* a wake-up is taken in by the turn that it led to */
    CHECK_EQ(rondel_loop_free(loop), 0);
}

struct pong {
    int64_t bytes, ended;
};

static void echo(rondel_stream stream, const uint8_t *bytes, int64_t n, void *user_data) {
    struct pong *pong = user_data;
    if (n < 0) {
        CHECK_EQ(n, RONDEL_EOF);
        pong->ended++;
        CHECK_EQ(rondel_close(stream), 0);
        return;
    }
    pong->bytes += n;
    CHECK(rondel_write(stream, bytes, (size_t)n, NULL, NULL) > 0);
}

static void serve(rondel_tcp listener, int64_t peer, void *user_data) {
    (void)listener;
    CHECK_EQ(rondel_read_start(peer, echo, user_data), 0);
}

TEST(connections_are_served_from_a_host) {
    rondel_loop loop = rondel_loop_new();
    struct pong pong = {0, 0};
    int port = 0;
    char text[5] = "";
    rondel_tcp listener = rondel_tcp_listen(loop, "127.0.0.1", 0, serve, &pong);
    CHECK(rondel_local_addr(listener, NULL, 0, &port) > 0);
    check_asleep(loop);
    int client = net_dial("127.0.0.1", port);
    int64_t turns = 0;
    for (int i = 1; i <= 100; i++) {
        CHECK(net_send_text(client, "ping"));
        turns += host_until(loop, &pong.bytes, 4 * i);
        CHECK_EQ(net_receive(client, text, 4), 4); /* it left in the very turn in which it came */
        CHECK_STR(text, "ping");
    }
    CHECK(turns <= 103); /* one each, and two for the connection */
    check_asleep(loop);
    close(client);
    host_until(loop, &pong.ended, 1);
    settle(loop, 3);
    check_asleep(loop);
    CHECK_EQ(rondel_close(listener), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(much_data_gets_through_in_both_directions) {
    rondel_loop loop = rondel_loop_new();
    int peer;
    size_t length = (size_t)test_scale(8 << 20, 1 << 20), left = length;
    rondel_tcp stream = net_stream(loop, &peer);
    uint8_t *bytes = malloc(length), room[4096];
    struct seen written = {0, 0, 0};
    net_fill(bytes, length, 0);
    CHECK(rondel_write(stream, bytes, length, see, &written) > 0);
    struct pollfd both[2] = {{(int)rondel_backend_fd(loop), POLLIN, 0}, {peer, POLLIN, 0}};
    while (left > 0) {
        CHECK(poll(both, 2, poll_timeout(rondel_backend_timeout(loop))) > 0 || rondel_backend_timeout(loop) == 0);
        if (both[1].revents) {
            ssize_t n = recv(peer, room, sizeof room, MSG_DONTWAIT);
            REQUIRE(n > 0);
            REQUIRE(net_matches(room, (size_t)n, length - left));
            left -= (size_t)n;
        }
        if (both[0].revents || rondel_backend_timeout(loop) == 0) CHECK(rondel_run(loop, RONDEL_RUN_NOWAIT) >= 0);
    }
    host_until(loop, &written.calls, 1);
    CHECK_EQ(written.result, (int64_t)length);
    CHECK_EQ(rondel_close(stream), 0);
    settle(loop, 3);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(peer);
    free(bytes);
}

struct nested {
    rondel_loop loop;
    int64_t calls;
};

static void run_again(rondel_handle source, int64_t result, void *user_data) {
    struct nested *nested = user_data;
    (void)source, (void)result;
    CHECK_EQ(rondel_run(nested->loop, RONDEL_RUN_NOWAIT), RONDEL_EBUSY);
    CHECK_EQ(rondel_loop_free(nested->loop), RONDEL_EBUSY);
    CHECK(rondel_backend_fd(nested->loop) >= 0); /* a host may look at it, as when it opens a dialogue */
    CHECK(rondel_backend_timeout(nested->loop) >= 0);
    nested->calls++;
}

TEST(a_run_inside_a_callback_is_refused) {
    struct nested nested = {rondel_loop_new(), 0};
    CHECK(rondel_call_soon(nested.loop, run_again, &nested) > 0);
    CHECK(rondel_timer_start(nested.loop, 0, 0, run_again, &nested) > 0);
    CHECK(rondel_check_start(nested.loop, run_again, &nested) > 0);
    host_until(nested.loop, &nested.calls, 3);
    CHECK_EQ(rondel_loop_free(nested.loop), 0);
}

static int64_t sleep_thrice(void *arg) {
    int64_t *woke = arg;
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(rondel_sleep(2 * RONDEL_MS), 0);
        ++*woke;
    }
    return 9;
}

TEST(tasks_go_on_under_a_host) {
    rondel_loop loop = rondel_loop_new();
    int64_t woke = 0;
    rondel_future task = rondel_task_spawn(loop, sleep_thrice, &woke);
    int64_t turns = host_until(loop, &woke, 3);
    settle(loop, 2);
    CHECK(turns <= 8);
    CHECK_EQ(rondel_future_result(task), 9);
    CHECK_EQ(rondel_release(task), 0);
    check_asleep(loop);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* ---- Other hosts ---- */

#if defined(__linux__)
TEST(the_descriptor_may_stand_in_an_epoll_set) {
    rondel_loop loop = rondel_loop_new();
    int set = epoll_create1(EPOLL_CLOEXEC), peer;
    struct epoll_event wanted = {EPOLLIN, {NULL}}, got;
    struct pong pong = {0, 0};
    rondel_tcp stream = net_stream(loop, &peer);
    CHECK_EQ(rondel_read_start(stream, echo, &pong), 0);
    CHECK_EQ(epoll_ctl(set, EPOLL_CTL_ADD, (int)rondel_backend_fd(loop), &wanted), 0);
    CHECK_EQ(epoll_wait(set, &got, 1, 0), 0);
    for (int i = 1; i <= 10; i++) {
        CHECK(net_send_text(peer, "x"));
        CHECK_EQ(epoll_wait(set, &got, 1, -1), 1);
        rondel_run(loop, RONDEL_RUN_NOWAIT);
        CHECK_EQ(pong.bytes, i);
        CHECK_EQ(epoll_wait(set, &got, 1, 0), 0);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(peer), close(set);
}
#endif

struct guest {
    rondel_loop outer, inner;
    rondel_timer timer;
    int64_t turns;
};

static void drive(struct guest *guest) {
    guest->turns++;
    CHECK(rondel_run(guest->inner, RONDEL_RUN_NOWAIT) >= 0);
    int64_t timeout = rondel_backend_timeout(guest->inner);
    CHECK_EQ(timeout == RONDEL_FOREVER ? rondel_timer_stop(guest->timer) : rondel_timer_set(guest->timer, timeout, 0), 0);
}

static void drive_by(rondel_handle source, int64_t result, void *user_data) {
    (void)source;
    CHECK(result >= 0);
    drive(user_data);
}

struct far_call {
    struct guest *guest;
    int64_t calls;
};

static void stop_outer(rondel_handle source, int64_t result, void *user_data) {
    struct far_call *call = user_data;
    (void)source, (void)result;
    CHECK_EQ(rondel_loop_current(), call->guest->inner);
    if (++call->calls == 2) CHECK_EQ(rondel_stop(call->guest->outer), 0);
}

TEST(a_loop_may_live_in_another_one_of_its_kind) {
    struct guest guest = {rondel_loop_new(), rondel_loop_new(), 0, 0};
    struct far_call call = {&guest, 0};
    guest.timer = rondel_timer_start(guest.outer, 0, 0, drive_by, &guest);
    CHECK(rondel_fd_watch(guest.outer, rondel_backend_fd(guest.inner), RONDEL_READABLE, drive_by, &guest) > 0);
    CHECK(rondel_timer_start(guest.inner, 5 * RONDEL_MS, 0, stop_outer, &call) > 0);
    CHECK(rondel_work(guest.inner, nothing, NULL, stop_outer, &call) > 0);
    CHECK_EQ(rondel_run(guest.outer, RONDEL_RUN_DEFAULT), 1);
    CHECK_EQ(call.calls, 2);
    CHECK(guest.turns <= 8);
    CHECK_EQ(rondel_loop_free(guest.outer), 0);
    CHECK_EQ(rondel_loop_free(guest.inner), 0);
}

#if defined(__linux__)
#define RUN_ON_LINUX RUN(the_descriptor_may_stand_in_an_epoll_set),
#else
#define RUN_ON_LINUX
#endif

TEST_MAIN(RUN(an_idle_loop_lets_its_host_sleep), RUN(timers_fire_never_early_and_without_spinning_until_then),
          RUN(the_timeout_is_that_of_the_next_timer), RUN(what_is_due_at_once_is_said_to_be),
          RUN(a_chain_of_callbacks_takes_a_turn_each_and_keeps_the_host_awake),
          RUN(calls_of_another_thread_wake_the_host_each_time),
          RUN(work_of_the_pool_signals_and_wake_ups_reach_a_host), RUN(connections_are_served_from_a_host),
          RUN(much_data_gets_through_in_both_directions), RUN(a_run_inside_a_callback_is_refused),
          RUN(tasks_go_on_under_a_host), RUN_ON_LINUX RUN(a_loop_may_live_in_another_one_of_its_kind))
