/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Freeing a loop: everything pending ends, every notice comes, last of all, and each exactly once. */
#include "support/test.h"

#include "support/steps.h"

static int64_t return_value(void *arg) { return (int64_t)(intptr_t)arg; }

/* What must come first: completions, each with ECANCELED. */
static void completes(rondel_handle source, int64_t result, void *user_data) {
    CHECK_EQ(result, RONDEL_ECANCELED);
    CHECK_EQ(rondel_future_result(source), RONDEL_ECANCELED);
    CHECK_EQ(rondel_future_state(source), RONDEL_CANCELLED);
    trace_word("c");
    ++*(int *)user_data;
}

static void notices(rondel_handle source, int64_t result, void *user_data) {
    CHECK_EQ(result, 0);
    CHECK_EQ(rondel_is_closing(source), 1);
    trace_word("n");
    ++*(int *)user_data;
}

static void loop_notice(rondel_handle source, int64_t result, void *user_data) {
    CHECK_EQ(result, 0);
    CHECK_EQ(source, *(rondel_loop *)user_data);
    CHECK_EQ(rondel_walk(source, trace, "found"), 1);
    trace_word("loop");
}

TEST(the_loops_own_notice_is_the_last_of_all) {
    rondel_loop loop = rondel_loop_new();
    rondel_timer timer = rondel_timer_start(loop, 0, 0, trace, "timer");
    CHECK_EQ(rondel_on_close(loop, loop_notice, &loop), 0);
    CHECK_EQ(rondel_on_close(timer, trace, "notice"), 0);
    CHECK(rondel_call_soon(loop, trace, "completion") > 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_STR(trace_taken(), "completion notice found loop");
}

static void bytes_never(rondel_stream stream, const uint8_t *bytes, int64_t n, void *user_data) {
    (void)stream;
    (void)bytes;
    CHECK_EQ(n, RONDEL_ECANCELED);
    ++*(int *)user_data;
}

TEST(everything_pending_ends_and_the_notices_come_last) {
    rondel_loop loop = rondel_loop_new();
    int completed = 0, noticed = 0;
    rondel_handle handles[5] = {
        rondel_timer_start(loop, 0, RONDEL_MS, trace, "timer"),
        rondel_idle_start(loop, trace, "idle"),
        rondel_prepare_start(loop, trace, "prepare"),
        rondel_check_start(loop, trace, "check"),
        rondel_tcp_listen(loop, "127.0.0.1", 0, NULL, NULL),
    };
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(rondel_on_close(handles[i], notices, &noticed), 0);
        CHECK_EQ(rondel_on_close(handles[i], notices, &noticed), 0);
    }
    rondel_future promise = rondel_future_new(loop);
    CHECK_EQ(rondel_future_then(promise, completes, &completed), 0);
    CHECK_EQ(rondel_future_then(promise, completes, &completed), 0);
    CHECK(rondel_call_soon(loop, completes, &completed) > 0);
    CHECK(rondel_call_later(loop, 0, completes, &completed) > 0);
    CHECK(rondel_call_later(loop, 3600 * RONDEL_SECOND, completes, &completed) > 0);
    CHECK(rondel_timeout(rondel_call_later(loop, RONDEL_SECOND, completes, &completed), 0) > 0);
    CHECK(rondel_accept(handles[4], completes, &completed) > 0);
    CHECK(rondel_accept(handles[4], completes, &completed) > 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_STR(trace_taken(), "c c c c c c c c n n n n n n n n n n");
    CHECK_EQ(completed, 8);
    CHECK_EQ(noticed, 10);
    for (int i = 0; i < 5; i++) CHECK_EQ(rondel_kind(handles[i]), RONDEL_EGONE);
    CHECK_EQ(rondel_future_state(promise), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_free(loop), RONDEL_EGONE);
}

TEST(connections_with_reads_and_writes_pending_end_too) {
    static char room[64], *much;
    const size_t length = 64 << 20; /* more than any socket takes */
    rondel_loop loop = rondel_loop_new();
    int completed = 0, noticed = 0, port = 0, pushed = 0;
    rondel_tcp server = rondel_tcp_listen(loop, "127.0.0.1", 0, NULL, NULL);
    REQUIRE(rondel_local_addr(server, NULL, 0, &port) > 0);
    rondel_future connecting = rondel_tcp_connect(loop, "127.0.0.1", port, RONDEL_FUTURE);
    rondel_tcp peer = rondel_run_until(loop, rondel_accept(server, RONDEL_FUTURE));
    rondel_tcp client = rondel_run_until(loop, connecting);
    REQUIRE(peer > 0 && client > 0);
    much = calloc(1, length);
    CHECK(rondel_write_borrowed(client, much, length, completes, &completed) > 0);
    CHECK(rondel_write(client, "x", 1, completes, &completed) > 0);
    CHECK(rondel_shutdown(client, completes, &completed) > 0);
    CHECK(rondel_read(client, room, sizeof room, completes, &completed) > 0);
    CHECK_EQ(rondel_read_start(peer, bytes_never, &pushed), 0);
    CHECK_EQ(rondel_on_close(client, notices, &noticed), 0);
    CHECK_EQ(rondel_on_close(peer, notices, &noticed), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(completed, 4);
    CHECK_EQ(noticed, 2);
    CHECK(pushed <= 1);
    CHECK_STR(trace_taken(), "c c c c n n");
    free(much);
}

static struct seen never;

static void nothing_starts(rondel_handle source, int64_t result, void *user_data) {
    rondel_loop loop = rondel_loop_of(source);
    (void)result;
    CHECK_EQ(rondel_call_soon(loop, see, &never), RONDEL_EGONE);
    CHECK_EQ(rondel_call_soon_threadsafe(loop, see, &never), RONDEL_EGONE);
    CHECK_EQ(rondel_call_later(loop, 0, see, &never), RONDEL_EGONE);
    CHECK_EQ(rondel_call_at(loop, 0, see, &never), RONDEL_EGONE);
    CHECK_EQ(rondel_idle_start(loop, see, &never), RONDEL_EGONE);
    CHECK_EQ(rondel_prepare_start(loop, see, &never), RONDEL_EGONE);
    CHECK_EQ(rondel_check_start(loop, see, &never), RONDEL_EGONE);
    CHECK_EQ(rondel_timer_start(loop, 0, 0, see, &never), RONDEL_EGONE);
    CHECK_EQ(rondel_future_new(loop), RONDEL_EGONE);
    CHECK_EQ(rondel_work(loop, return_value, NULL, see, &never), RONDEL_EGONE);
    CHECK_EQ(rondel_resolve(loop, "127.0.0.1", NULL, RONDEL_RESOLVE_NUMERIC, see, &never), RONDEL_EGONE);
    CHECK_EQ(rondel_tcp_new(loop), RONDEL_EGONE);
    CHECK_EQ(rondel_tcp_listen(loop, "127.0.0.1", 0, see, &never), RONDEL_EGONE);
    CHECK_EQ(rondel_tcp_connect(loop, "127.0.0.1", 9, see, &never), RONDEL_EGONE);
    CHECK(rondel_run(loop, RONDEL_RUN_NOWAIT) < 0);
    CHECK(rondel_loop_free(loop) < 0);
    ++*(int *)user_data;
}

TEST(while_it_is_freed_nothing_can_be_started) {
    rondel_loop loop = rondel_loop_new();
    int asked = 0;
    CHECK_EQ(rondel_on_close(rondel_timer_start(loop, 0, 0, see, &never), nothing_starts, &asked), 0);
    CHECK(rondel_call_soon(loop, nothing_starts, &asked) > 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(asked, 2);
    CHECK_EQ(never.calls, 0);
}

static void ask_for_more(rondel_handle source, int64_t result, void *user_data) {
    CHECK_EQ(result, RONDEL_ECANCELED);
    CHECK_EQ(rondel_future_then(source, ask_for_more, user_data), RONDEL_EGONE);
    CHECK_EQ(rondel_future_then(*(rondel_future *)user_data, ask_for_more, user_data), RONDEL_EGONE);
    never.calls++;
}

TEST(while_it_is_freed_nobody_new_is_told) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promises[] = {rondel_future_new(loop), rondel_future_new(loop)};
    CHECK_EQ(rondel_future_then(promises[0], ask_for_more, &promises[1]), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(never.calls, 1);
    never.calls = 0;
}

struct family {
    rondel_handle timer;
    rondel_future promise;
    int told;
};

static void meddle(rondel_handle source, int64_t result, void *user_data) {
    struct family *family = user_data;
    (void)result;
    family->told++;
    CHECK(rondel_loop_of(source) > 0);
    rondel_close(family->timer);
    rondel_timer_again(family->timer);
    rondel_cancel(family->promise);
    rondel_future_set(family->promise, 1);
    rondel_close(source);
    rondel_stop(rondel_loop_of(source));
    rondel_wake(rondel_loop_of(source));
}

TEST(callbacks_may_meddle_while_it_is_freed) {
    rondel_loop loop = rondel_loop_new();
    struct family family = {rondel_timer_start(loop, 0, 1, see, &never), rondel_future_new(loop), 0};
    CHECK_EQ(rondel_on_close(family.timer, meddle, &family), 0);
    CHECK_EQ(rondel_future_then(family.promise, meddle, &family), 0);
    for (int i = 0; i < 10; i++) CHECK(rondel_call_soon(loop, meddle, &family) > 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(family.told, 12);
}

TEST(messages_of_other_threads_that_were_taken_are_told) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    for (int i = 0; i < 10; i++) CHECK_EQ(rondel_call_soon_threadsafe(loop, see, &seen), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(seen.calls, 10);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
    CHECK_EQ(seen.source, loop);
}

TEST(kept_and_queued_futures_are_freed_with_it) {
    rondel_loop loop = rondel_loop_new();
    rondel_future done = rondel_call_soon(loop, RONDEL_FUTURE), kept = rondel_future_new(loop);
    CHECK(rondel_call_soon(loop, rondel_enqueue, NULL) > 0);
    CHECK(rondel_call_later(loop, 3600 * RONDEL_SECOND, rondel_enqueue, NULL) > 0);
    CHECK_EQ(rondel_retain(kept), 0);
    rondel_run(loop, RONDEL_RUN_NOWAIT);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(rondel_future_state(done), RONDEL_EGONE);
    CHECK_EQ(rondel_future_state(kept), RONDEL_EGONE);
    CHECK_EQ(rondel_release(kept), RONDEL_EGONE);
}

static void free_other(rondel_handle source, int64_t result, void *user_data) {
    (void)source;
    (void)result;
    CHECK_EQ(rondel_loop_free(*(rondel_loop *)user_data), 0);
}

TEST(a_callback_of_one_loop_may_free_another) {
    rondel_loop loop = rondel_loop_new(), other = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    CHECK(rondel_call_soon(other, see, &seen) > 0);
    CHECK(rondel_call_soon(loop, free_other, &other) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
    CHECK_EQ(rondel_kind(other), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* A random mix of everything that completes once, meddled with at random; every operation counts its calls. The
 * user_data of each is memory of its own that its last call frees, so a call too many or too few is also seen by a
 * memory checker. */
enum { OPERATIONS = 4000 };

struct mix {
    rondel_loop loop;
    uint64_t random;
    int64_t begun;
    int64_t ended;
    int64_t ways[8]; /* how they ended */
    rondel_handle handles[OPERATIONS];
};

struct operation {
    struct mix *mix;
    int timer; /* ends by its close notice */
};

static int64_t roll(struct mix *mix, int64_t sides) { return (int64_t)(next_random(&mix->random) % (uint64_t)sides); }

static void begin(struct mix *mix);

static void operation_ends(rondel_handle source, int64_t result, void *user_data) {
    struct operation *operation = user_data;
    struct mix *mix = operation->mix;
    (void)source;
    CHECK(result >= 0 || result == RONDEL_ECANCELED || result == RONDEL_ETIMEDOUT);
    mix->ways[result >= 0 ? 0 : result == RONDEL_ECANCELED ? 1 : 2]++;
    mix->ended++;
    free(operation);
    if (roll(mix, 4) == 0) begin(mix);
}

static void ticks(rondel_handle source, int64_t result, void *user_data) {
    struct operation *operation = user_data;
    CHECK(result >= 1);
    if (roll(operation->mix, 3) == 0) CHECK_EQ(rondel_close(source), 0);
}

static void begin(struct mix *mix) {
    struct operation *operation = calloc(1, sizeof *operation);
    rondel_handle handle = RONDEL_EINVAL;
    operation->mix = mix;
    switch (mix->begun < OPERATIONS ? roll(mix, 7) : 7) {
    case 0: handle = rondel_call_soon(mix->loop, operation_ends, operation); break;
    case 1: handle = rondel_call_later(mix->loop, roll(mix, 2 * RONDEL_MS), operation_ends, operation); break;
    case 2: handle = rondel_work(mix->loop, return_value, (void *)(intptr_t)5, operation_ends, operation); break;
    case 3:
        handle = rondel_resolve(mix->loop, "127.0.0.1", NULL, RONDEL_RESOLVE_NUMERIC, operation_ends, operation);
        break;
    case 4:
        handle = rondel_future_new(mix->loop);
        if (handle > 0) CHECK_EQ(rondel_future_then(handle, operation_ends, operation), 0);
        break;
    case 5:
        handle = rondel_timer_start(mix->loop, roll(mix, RONDEL_MS), 50 * RONDEL_US, ticks, operation);
        operation->timer = 1;
        if (handle > 0) CHECK_EQ(rondel_on_close(handle, operation_ends, operation), 0);
        break;
    case 6:
        handle = rondel_call_soon_threadsafe(mix->loop, operation_ends, operation);
        break;
    default: break;
    }
    if (handle < 0) {
        CHECK(handle == RONDEL_EGONE || mix->begun == OPERATIONS);
        free(operation);
        return;
    }
    if (handle > 0 && !operation->timer && roll(mix, 4) == 0)
        CHECK_EQ(rondel_timeout(handle, roll(mix, RONDEL_MS)), handle);
    mix->handles[mix->begun++] = handle;
}

static void meddle_with_any(struct mix *mix) {
    rondel_handle handle = mix->handles[roll(mix, mix->begun)];
    if (rondel_kind(handle) == RONDEL_KIND_TIMER) {
        if (roll(mix, 2)) rondel_close(handle);
        else rondel_timer_set(handle, roll(mix, RONDEL_MS), RONDEL_MS);
        return;
    }
    switch (roll(mix, 5)) {
    case 0: rondel_cancel(handle); break;
    case 1: rondel_close(handle); break;
    case 2: rondel_future_set(handle, 1); break;
    case 3: rondel_timeout(handle, roll(mix, RONDEL_MS)); break;
    default: break;
    }
}

TEST(whatever_is_done_to_them_all_operations_complete_exactly_once) {
    const int64_t rounds = test_scale(100, 5);
    struct mix *mix = malloc(sizeof *mix);
    int64_t ways[3] = {0, 0, 0};
    for (int64_t i = 0; i < rounds; i++) {
        memset(mix, 0, sizeof *mix);
        mix->loop = rondel_loop_new();
        mix->random = (uint64_t)(i + 1) * 0x9e3779b97f4a7c15u;
        for (int j = 0; j < 200; j++) {
            for (int k = 0; k < 10; k++) begin(mix);
            for (int k = 0; k < 5; k++) meddle_with_any(mix);
            rondel_run(mix->loop, RONDEL_RUN_NOWAIT);
        }
        CHECK_EQ(rondel_loop_free(mix->loop), 0);
        CHECK_EQ(mix->ended, mix->begun);
        for (int j = 0; j < 3; j++) ways[j] += mix->ways[j];
    }
    for (int j = 0; j < 3; j++) CHECK(ways[j] > 0); /* a mix that never fails would prove little */
    free(mix);
}

TEST_MAIN(RUN(everything_pending_ends_and_the_notices_come_last), RUN(the_loops_own_notice_is_the_last_of_all),
          RUN(connections_with_reads_and_writes_pending_end_too), RUN(while_it_is_freed_nothing_can_be_started), RUN(while_it_is_freed_nobody_new_is_told),
          RUN(callbacks_may_meddle_while_it_is_freed), RUN(messages_of_other_threads_that_were_taken_are_told),
          RUN(kept_and_queued_futures_are_freed_with_it), RUN(a_callback_of_one_loop_may_free_another),
          RUN(whatever_is_done_to_them_all_operations_complete_exactly_once))
