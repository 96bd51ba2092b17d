/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Handles: numbers that are refused when they are not, or no longer, what they should be. */
#include "support/test.h"

#include "support/calls.h"
#include "support/steps.h"

#include <fcntl.h>

static void calls_begin(void) {
    call_loop = rondel_loop_new();
    call_future = rondel_future_new(call_loop);
    memset(&call_seen, 0, sizeof call_seen);
}

/* Nothing that was refused may have reached a callback. */
static void calls_end(void) {
    CHECK_EQ(call_seen.calls, 0);
    CHECK_EQ(rondel_loop_free(call_loop), 0);
    CHECK_EQ(call_seen.calls, 0);
}

TEST(each_kind_says_what_it_is) {
    rondel_handle handles[KINDS];
    unsigned kinds[KINDS];
    rondel_loop loop = rondel_loop_new();
    one_of_each(loop, handles, kinds, &call_seen);
    for (int i = 0; i < KINDS; i++) {
        for (int j = 0; j < i; j++) CHECK(kinds[i] != kinds[j]);
        CHECK_EQ(rondel_loop_of(handles[i]), loop);
        for (int j = 0; j < i; j++) CHECK(handles[i] != handles[j]);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(negative_handles_chain_their_code_through_every_function) {
    const int64_t codes[] = {-1, RONDEL_ECONNREFUSED, RONDEL_EOF, RONDEL_EGONE, -123456789, INT64_MIN};
    calls_begin();
    for (size_t i = 0; i < CALLS; i++)
        for (size_t j = 0; j < sizeof codes / sizeof *codes; j++) call_refused(&calls[i], codes[j], codes[j]);
    CHECK(rondel_get_data(RONDEL_EGONE) == NULL);
    calls_end();
}

TEST(zero_is_no_handle_anywhere) {
    calls_begin();
    for (size_t i = 0; i < CALLS; i++) call_refused(&calls[i], 0, RONDEL_EINVAL);
    CHECK(rondel_get_data(0) == NULL);
    calls_end();
}

TEST(handles_that_never_were_are_gone_everywhere) {
    const int64_t handles[] = {INT64_MAX, INT64_MAX - 1, INT64_MAX / 2};
    uint64_t random = 0x9e3779b97f4a7c15u;
    calls_begin();
    for (size_t i = 0; i < CALLS; i++)
        for (size_t j = 0; j < sizeof handles / sizeof *handles; j++) call_refused(&calls[i], handles[j], RONDEL_EGONE);
    for (size_t i = 0; i < CALLS; i++)
        for (int j = 0; j < 1000; j++) {
            int64_t handle = (int64_t)next_random(&random);
            call_refused(&calls[i], handle, handle < 0 ? handle : RONDEL_EGONE);
        }
    CHECK(rondel_get_data(INT64_MAX) == NULL);
    calls_end();
}

TEST(one_wrong_bit_makes_no_other_handle) {
    rondel_handle handles[KINDS];
    unsigned kinds[KINDS];
    rondel_loop loop = rondel_loop_new();
    one_of_each(loop, handles, kinds, &call_seen);
    for (int i = 0; i < KINDS; i++)
        for (int bit = 0; bit < 63; bit++) {
            int64_t handle = handles[i] ^ (INT64_C(1) << bit);
            int taken = 0;
            for (int j = 0; j < KINDS; j++) taken |= handle == handles[j];
            if (!taken && handle) CHECK_EQ(rondel_kind(handle), RONDEL_EGONE);
        }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_wrong_kind_is_refused_everywhere) {
    rondel_handle handles[KINDS];
    unsigned kinds[KINDS];
    calls_begin();
    one_of_each(call_loop, handles, kinds, &call_seen);
    for (size_t i = 0; i < CALLS; i++)
        for (int j = 0; j < KINDS; j++)
            if (!(calls[i].kinds & kinds[j])) call_refused(&calls[i], handles[j], RONDEL_EKIND);
    /* A future is not always one that may be set, nor one of addresses. */
    CHECK_EQ(rondel_future_set(handles[2], 1), RONDEL_EKIND);
    CHECK_EQ(rondel_future_fail(handles[2], RONDEL_EINVAL), RONDEL_EKIND);
    CHECK_EQ(rondel_resolve_addr(handles[2], 0, &call_address), RONDEL_EKIND);
    for (int j = 0; j < KINDS; j++) CHECK(rondel_kind(handles[j]) > 0);
    CHECK_EQ(rondel_future_state(handles[2]), RONDEL_PENDING);
    for (int j = 1; j < KINDS; j++)
        if (j != 2) CHECK_EQ(rondel_close(handles[j]), 0);
    CHECK_EQ(rondel_run(call_loop, RONDEL_RUN_NOWAIT), 1);
    calls_end();
}

TEST(stale_handles_are_gone_everywhere) {
    rondel_handle handles[KINDS];
    unsigned kinds[KINDS];
    calls_begin();
    rondel_loop freed = rondel_loop_new();
    CHECK_EQ(rondel_loop_free(freed), 0);
    one_of_each(call_loop, handles, kinds, &call_seen);
    for (int i = 1; i < KINDS; i++) CHECK_EQ(rondel_close(handles[i]), 0);
    CHECK_EQ(rondel_run(call_loop, RONDEL_RUN_DEFAULT), 0);
    handles[0] = freed;
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < CALLS; i++)
            for (int j = 0; j < KINDS; j++) call_refused(&calls[i], handles[j], RONDEL_EGONE);
        for (int j = 0; j < KINDS; j++) CHECK(rondel_get_data(handles[j]) == NULL);
        if (round) break;
        /* The same once newer handles stand in the same places. */
        rondel_handle newer[KINDS];
        one_of_each(call_loop, newer, kinds, &call_seen);
        for (int j = 1; j < KINDS; j++) CHECK(newer[j] != handles[j]);
    }
    calls_end();
}

TEST(a_handle_being_closed_is_refused_by_all_that_would_use_it) {
    static const char *const answers[] = {"is_closing", "kind", "loop_of", "handle_name"};
    rondel_handle handles[KINDS];
    unsigned kinds[KINDS];
    int data;
    struct seen closed = {0, 0, 0};
    calls_begin();
    one_of_each(call_loop, handles, kinds, &call_seen);
    for (int j = 1; j < KINDS; j++) {
        if (kinds[j] == FUTURES) continue;
        CHECK_EQ(rondel_set_data(handles[j], &data), 0);
        CHECK_EQ(rondel_is_closing(handles[j]), 0);
        CHECK_EQ(rondel_on_close(handles[j], see, &closed), 0);
        CHECK_EQ(rondel_close(handles[j]), 0);
        for (size_t i = 0; i < CALLS; i++) {
            int still = calls[i].any_thread || !(calls[i].kinds & kinds[j]);
            for (int k = 0; k < 4; k++) still |= !strcmp(calls[i].name, answers[k]);
            if (!still) call_refused(&calls[i], handles[j], RONDEL_EGONE);
        }
        CHECK_EQ(rondel_is_closing(handles[j]), 1);
        CHECK_EQ(KIND_BIT(rondel_kind(handles[j])), kinds[j]);
        CHECK_EQ(rondel_loop_of(handles[j]), call_loop);
        CHECK(rondel_get_data(handles[j]) == &data);
    }
    CHECK(rondel_run(call_loop, RONDEL_RUN_NOWAIT) >= 0);
    for (int j = 1; j < KINDS; j++) {
        /* The system closes a file in its own time; the notice ends the wait for that. */
        while (kinds[j] == FILES && rondel_is_closing(handles[j]) == 1)
            CHECK_EQ(rondel_run(call_loop, RONDEL_RUN_ONCE), 1);
        if (kinds[j] != FUTURES) CHECK_EQ(rondel_is_closing(handles[j]), RONDEL_EGONE);
    }
    calls_end();
}

TEST(data_stays_with_its_handle) {
    rondel_handle handles[KINDS];
    unsigned kinds[KINDS];
    int data[KINDS];
    rondel_loop loop = rondel_loop_new();
    one_of_each(loop, handles, kinds, &call_seen);
    for (int i = 0; i < KINDS; i++) {
        CHECK(rondel_get_data(handles[i]) == NULL);
        CHECK_EQ(rondel_set_data(handles[i], &data[i]), 0);
    }
    for (int i = 0; i < KINDS; i++) CHECK(rondel_get_data(handles[i]) == &data[i]);
    CHECK_EQ(rondel_set_data(handles[1], NULL), 0);
    CHECK(rondel_get_data(handles[1]) == NULL);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(close_notices_come_once_each_in_order_after_close) {
    struct seen second = {0, 0, 0};
    rondel_loop loop = rondel_loop_new();
    rondel_timer timer = rondel_timer_start(loop, RONDEL_SECOND, 0, see, &second);
    CHECK_EQ(rondel_on_close(timer, trace, "first"), 0);
    CHECK_EQ(rondel_on_close(timer, trace, "second"), 0);
    CHECK_EQ(rondel_on_close(timer, see, &second), 0);
    CHECK_EQ(rondel_on_close(timer, NULL, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_close(timer), 0);
    CHECK_EQ(rondel_close(timer), RONDEL_EGONE);
    CHECK_STR(trace_taken(), "");
    CHECK_EQ(rondel_alive(loop), 1); /* the notice is still owed */
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "first second");
    CHECK_EQ(second.calls, 1);
    CHECK_EQ(second.result, 0);
    CHECK_EQ(second.source, timer);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(second.calls, 1);
}

static void close_notice_looks(rondel_handle source, int64_t result, void *user_data) {
    see(source, result, user_data);
    CHECK_EQ(rondel_is_closing(source), 1);
    CHECK_EQ(rondel_kind(source), RONDEL_KIND_TIMER);
    CHECK(rondel_get_data(source) == user_data);
    CHECK_EQ(rondel_close(source), RONDEL_EGONE);
    CHECK_EQ(rondel_timer_again(source), RONDEL_EGONE);
    CHECK(rondel_timer_start(rondel_loop_of(source), 0, 0, close_source, NULL) > 0);
}

TEST(a_close_notice_may_look_at_its_handle_and_start_others) {
    struct seen seen = {0, 0, 0};
    rondel_loop loop = rondel_loop_new();
    rondel_timer timer = rondel_timer_start(loop, 0, 0, close_source, NULL);
    CHECK_EQ(rondel_set_data(timer, &seen), 0);
    CHECK_EQ(rondel_on_close(timer, close_notice_looks, &seen), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int by_value(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Resident kibibytes; 0 where the system does not tell. */
static int64_t resident(void) {
    long total = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file) return 0;
    if (fscanf(file, "%ld %ld", &total, &pages) != 2) pages = 0;
    fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

TEST(ten_million_handles_are_all_different_and_leave_no_memory_behind) {
    const int64_t cycles = test_scale(10000000, 50000);
    int64_t *handles = malloc((size_t)cycles * sizeof *handles), settled = 0;
    REQUIRE(handles != NULL);
    memset(handles, 0xff, (size_t)cycles * sizeof *handles);
    rondel_loop loop = rondel_loop_new();
    for (int64_t i = 0; i < cycles; i++) {
        handles[i] = i % 2 ? rondel_call_soon(loop, NULL, NULL) : rondel_timer_start(loop, RONDEL_SECOND, 0, see, NULL);
        if (i % 2 == 0) rondel_close(handles[i]);
        if (i % 128 == 0) rondel_run(loop, RONDEL_RUN_NOWAIT);
        if (i == cycles / 10) settled = resident();
    }
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
    if (!test_small()) CHECK(resident() - settled < 1024);
    qsort(handles, (size_t)cycles, sizeof *handles, by_value);
    int64_t repeated = 0;
    for (int64_t i = 1; i < cycles; i++) repeated += handles[i] == handles[i - 1];
    CHECK(handles[0] > 0);
    CHECK_EQ(repeated, 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    free(handles);
}

TEST(handles_of_a_freed_loop_stay_gone_when_others_take_its_place) {
    const int64_t loops = test_scale(5000, 200);
    rondel_handle old[KINDS], newer[KINDS];
    unsigned kinds[KINDS];
    int64_t settled = 0;
    rondel_loop loop = rondel_loop_new();
    one_of_each(loop, old, kinds, &call_seen);
    CHECK_EQ(rondel_loop_free(loop), 0);
    for (int64_t i = 0; i < loops; i++) {
        rondel_loop next = rondel_loop_new();
        if (i % 20 == 0) one_of_each(next, newer, kinds, &call_seen); /* of which one is a process, that takes time */
        CHECK(next != old[0]);
        for (int j = 0; j < KINDS; j++) {
            CHECK(newer[j] != old[j]);
            CHECK_EQ(rondel_kind(old[j]), RONDEL_EGONE);
            CHECK_EQ(rondel_close(old[j]), RONDEL_EGONE);
            if (rondel_kind(newer[j]) == RONDEL_KIND_PROCESS) CHECK_EQ(rondel_process_kill(newer[j], SIGTERM), 0);
        }
        CHECK_EQ(rondel_loop_free(next), 0);
        if (i == loops / 10) settled = resident();
    }
    if (!test_small()) CHECK(resident() - settled < 1024);
}

TEST(handles_of_two_loops_are_never_confused) {
    rondel_loop one = rondel_loop_new(), other = rondel_loop_new();
    rondel_timer mine = rondel_timer_start(one, 0, 0, trace, "one");
    rondel_timer theirs = rondel_timer_start(other, 0, 0, trace, "other");
    CHECK(mine != theirs);
    CHECK_EQ(rondel_loop_of(mine), one);
    CHECK_EQ(rondel_loop_of(theirs), other);
    CHECK_EQ(rondel_close(mine), 0);
    CHECK_EQ(rondel_is_active(theirs), 1);
    CHECK_EQ(rondel_run(one, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_run(other, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "other");
    CHECK_EQ(rondel_loop_free(one), 0);
    CHECK_EQ(rondel_kind(theirs), RONDEL_KIND_TIMER);
    CHECK_EQ(rondel_loop_free(other), 0);
    CHECK_EQ(rondel_kind(theirs), RONDEL_EGONE);
}

TEST_MAIN(RUN(each_kind_says_what_it_is), RUN(negative_handles_chain_their_code_through_every_function),
          RUN(zero_is_no_handle_anywhere), RUN(handles_that_never_were_are_gone_everywhere),
          RUN(one_wrong_bit_makes_no_other_handle), RUN(a_wrong_kind_is_refused_everywhere),
          RUN(stale_handles_are_gone_everywhere), RUN(a_handle_being_closed_is_refused_by_all_that_would_use_it),
          RUN(data_stays_with_its_handle), RUN(close_notices_come_once_each_in_order_after_close),
          RUN(a_close_notice_may_look_at_its_handle_and_start_others),
          RUN(ten_million_handles_are_all_different_and_leave_no_memory_behind),
          RUN(handles_of_a_freed_loop_stay_gone_when_others_take_its_place),
          RUN(handles_of_two_loops_are_never_confused))
