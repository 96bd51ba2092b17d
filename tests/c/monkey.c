/* SPDX-License-Identifier: MIT OR Apache-2.0
 * A monkey at the keys: every function, in any order, on any handle, also from within callbacks. Nothing may crash,
 * hang, leak a descriptor, or answer with a code that has no name. */
#include "support/test.h"

#include "support/calls.h"
#include "support/steps.h"

enum { HELD = 96, CROWD = 200 };

static struct monkey {
    uint64_t random;
    rondel_handle held[HELD]; /* whatever any call gave: handles of all kinds, alive or not, and plain numbers */
    int depth;
    int64_t calls;
    int64_t callbacks;
    int64_t accepted; /* calls that did not refuse */
} monkey;

static uint64_t roll(uint64_t sides) { return next_random(&monkey.random) % sides; }

static void hold(int64_t number) { monkey.held[roll(HELD)] = number; }

static void check_code(const struct call *call, int64_t code) {
    if (code >= 0 || strcmp(rondel_error_name(code), "RONDEL_EUNKNOWN")) return;
    fprintf(stderr, "    rondel_%s gave %" PRId64 "\n", call->name, code);
    CHECK(code >= 0);
}

/* Ends a promise whose owner has to be asked, which no deadline does. */
static void settle_it(rondel_handle source, int64_t result, void *promise) {
    (void)source;
    (void)result;
    rondel_future_set((int64_t)(intptr_t)promise, 0);
}

/* One of the table's functions on one of the numbers; the loop is asked for most often. */
static void press_a_key(void) {
    const struct call *call = &calls[roll(CALLS)];
    rondel_handle handle = call->kinds == LOOPS && roll(8) ? call_loop : monkey.held[roll(HELD)];
    /* These wait, and what they would wait for may never come. */
    if (!strcmp(call->name, "run_until") && rondel_future_state(call_future) == RONDEL_PENDING) return;
    if (!strcmp(call->name, "run_until_of") && rondel_timeout(handle, RONDEL_US) < 0) return;
    if (!strcmp(call->name, "run_until_of") && rondel_kind(rondel_future_origin(handle)) == RONDEL_KIND_CONDITION) return;
    if (!strcmp(call->name, "run_until_of"))
        rondel_call_later(call_loop, RONDEL_MS, settle_it, (void *)(intptr_t)handle);
    /* Freed by itself it takes its handles along; that is for the end of a round, and for callbacks to be refused. */
    if (!strcmp(call->name, "loop_free") && handle == call_loop && !monkey.depth) return;
    /* From within callbacks it multiplies. */
    if (!strcmp(call->name, "walk") && monkey.depth) return;
    int64_t result = call->call(handle);
    monkey.calls++;
    check_code(call, result);
    if (result >= 0) monkey.accepted++;
    if (!strcmp(call->name, "detach") && result >= 0) close((int)result);
    else if (result > 0) hold(result);
}

static void meddle(rondel_handle source, int64_t result, void *user_data) {
    (void)user_data;
    monkey.callbacks++;
    CHECK(rondel_kind(source) > 0);
    hold(source);
    if (result > 0) hold(result); /* an accepted connection, or a number */
    if (rondel_metric(call_loop, RONDEL_METRIC_HANDLES) > CROWD) { /* what starts more than it ends would never end */
        rondel_close(source);
    } else if (monkey.depth < 2 && roll(2)) {
        monkey.depth++;
        press_a_key();
        monkey.depth--;
    }
}

static void play_a_round(uint64_t seed) {
    memset(&monkey, 0, sizeof monkey);
    monkey.random = seed * 0x9e3779b97f4a7c15u + 1;
    call_fn = meddle;
    call_loop = rondel_loop_new();
    call_future = rondel_future_new(call_loop);
    REQUIRE(call_loop > 0);
    rondel_tcp server = rondel_tcp_listen(call_loop, "127.0.0.1", 0, meddle, NULL);
    REQUIRE(rondel_local_addr(server, NULL, 0, &call_port) > 0);
    int fds[2];
    REQUIRE_EQ(pipe(fds), 0);
    CHECK_EQ(write(fds[1], "x", 1), 1);
    call_fd = fds[0];
    for (int i = 0; i < 2000; i++) {
        press_a_key();
        if (i % 32 == 0 && !ON_WINDOWS) raise(SIGURG);
        if (i % 16 == 0) rondel_run(call_loop, RONDEL_RUN_NOWAIT);
        if (i % 64 == 0 && rondel_kind(server) < 0) {
            server = rondel_tcp_listen(call_loop, "127.0.0.1", 0, meddle, NULL);
            rondel_local_addr(server, NULL, 0, &call_port);
        }
        if (i % 256 == 0 && rondel_kind(call_future) < 0) call_future = rondel_future_new(call_loop);
    }
    CHECK_EQ(rondel_loop_free(call_loop), 0);
    close(fds[0]), close(fds[1]);
    int64_t callbacks = monkey.callbacks;
    for (size_t i = 0; i < CALLS; i++) {
        int64_t result = calls[i].call(monkey.held[roll(HELD)]);
        CHECK(result < 0);
    }
    CHECK_EQ(monkey.callbacks, callbacks);
    CHECK(monkey.callbacks > 0);
    CHECK(monkey.accepted > monkey.calls / 10); /* refusals alone would prove little */
}

TEST(any_call_in_any_order_does_no_harm) {
    const int64_t rounds = test_scale(200, 5);
    for (int64_t i = 0; i < rounds; i++) {
        int before = test_failures;
        play_a_round((uint64_t)i);
        if (test_failures != before) fprintf(stderr, "    in round %" PRId64 "\n", i);
    }
}

TEST_MAIN(RUN(any_call_in_any_order_does_no_harm))
