/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Traces: what each turn of a loop took, told at its end.
 */
#include "support/futures.h"
#include "support/net.h"
#include "support/steps.h"
#include "support/test.h"

/* What a trace told, all turns together. */
struct told {
    int64_t turns, last;
    rondel_turn sum, longest; /* the longest: by its busy time */
    int64_t ended;            /* of the last turn */
};

static void note(rondel_loop loop, int64_t number, void *user_data) {
    struct told *told = user_data;
    rondel_turn turn;
    memset(&turn, 0xee, sizeof turn);
    turn.size = sizeof turn;
    CHECK_EQ(rondel_loop_current(), loop);
    CHECK_EQ(rondel_last_turn(loop, &turn), 0);
    CHECK_EQ(turn.size, sizeof turn);
    CHECK_EQ(turn.number, number);
    CHECK_EQ(number, rondel_metric(loop, RONDEL_METRIC_TURNS));
    if (told->turns) CHECK_EQ(number, told->last + 1);
    CHECK(turn.began >= told->ended);
    CHECK(turn.waited >= 0 && turn.busy >= 0 && turn.events >= turn.events_waiting && turn.events_waiting >= 0);
    told->ended = turn.began + turn.waited + turn.busy;
    CHECK(told->ended <= rondel_clock());
    told->turns++;
    told->last = number;
    told->sum.waited += turn.waited;
    told->sum.busy += turn.busy;
    told->sum.events += turn.events;
    told->sum.events_waiting += turn.events_waiting;
    told->sum.callbacks += turn.callbacks;
    if (turn.callbacks && turn.busy >= told->longest.busy) told->longest = turn;
}

/* As often as that, and until the loop has waited. */
static void tick(rondel_handle source, int64_t result, void *user_data) {
    (void)result;
    if (++*(int64_t *)user_data >= 20 && rondel_metric(rondel_loop_of(source), RONDEL_METRIC_IDLE_TIME) > 0)
        rondel_close(source);
}

TEST(each_turn_is_told_once_and_all_adds_up) {
    rondel_loop loop = rondel_loop_new();
    struct told told;
    int64_t ticks = 0;
    memset(&told, 0, sizeof told);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 0); /* not told of */
    const int64_t turns = rondel_metric(loop, RONDEL_METRIC_TURNS), idle = rondel_metric(loop, RONDEL_METRIC_IDLE_TIME),
                  events = rondel_metric(loop, RONDEL_METRIC_EVENTS),
                  callbacks = rondel_metric(loop, RONDEL_METRIC_CALLBACKS), began = rondel_clock();
    CHECK_EQ(rondel_set_trace(loop, note, &told), 0);
    CHECK(rondel_timer_start(loop, RONDEL_MS, RONDEL_MS, tick, &ticks) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    const int64_t ended = rondel_clock();
    CHECK(told.turns > 0);
    CHECK_EQ(told.turns, rondel_metric(loop, RONDEL_METRIC_TURNS) - turns);
    CHECK_EQ(told.sum.waited, rondel_metric(loop, RONDEL_METRIC_IDLE_TIME) - idle);
    CHECK_EQ(told.sum.events, rondel_metric(loop, RONDEL_METRIC_EVENTS) - events);
    CHECK_EQ(told.sum.callbacks, rondel_metric(loop, RONDEL_METRIC_CALLBACKS) - callbacks);
    CHECK_EQ(told.sum.callbacks, ticks);
    CHECK(told.sum.waited > 0);
    CHECK(told.sum.waited + told.sum.busy <= ended - began);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void spin(rondel_handle source, int64_t result, void *user_data) {
    (void)source;
    (void)result;
    busy_for(*(int64_t *)user_data);
}

TEST(a_turn_that_was_long_shows_where_its_time_went) {
    rondel_loop loop = rondel_loop_new();
    struct told told;
    int64_t ns = 5 * RONDEL_MS;
    memset(&told, 0, sizeof told);
    CHECK_EQ(rondel_set_trace(loop, note, &told), 0);
    CHECK(rondel_call_soon(loop, spin, &ns) > 0);
    CHECK(rondel_call_later(loop, 20 * RONDEL_MS, NULL, NULL) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK(told.longest.busy >= ns);
    CHECK(told.longest.callbacks >= 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void take_byte(rondel_handle source, int64_t result, void *user_data) {
    char byte;
    (void)source;
    CHECK_EQ(result, RONDEL_READABLE);
    CHECK_EQ(read(*(int *)user_data, &byte, 1), 1);
}

TEST(events_that_were_there_are_told_apart_from_those_that_came) {
    rondel_loop loop = rondel_loop_new();
    struct told told;
    int fds[2];
    memset(&told, 0, sizeof told);
    CHECK_EQ(pipe(fds), 0);
    rondel_watch watch = rondel_fd_watch(loop, fds[0], RONDEL_READABLE, take_byte, &fds[0]);
    CHECK(watch > 0);
    CHECK_EQ(rondel_set_trace(loop, note, &told), 0);
    /* There before the loop looked, although it might have waited. */
    CHECK_EQ(write(fds[1], "x", 1), 1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
    CHECK_EQ(told.sum.events, 1);
    CHECK_EQ(told.sum.events_waiting, 1);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_EVENTS_WAITING), 1);
    /* Without a trace, a look that waits counts none. */
    CHECK_EQ(rondel_set_trace(loop, NULL, NULL), 0);
    CHECK_EQ(write(fds[1], "x", 1), 1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_EVENTS_WAITING), 1);
    /* One that does not wait does. */
    CHECK_EQ(write(fds[1], "x", 1), 1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_EVENTS_WAITING), 2);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_EVENTS), 3);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(fds[0]), close(fds[1]);
}

TEST(nothing_told_is_a_callback_or_wakes_the_loop) {
    rondel_loop loop = rondel_loop_new();
    struct told told;
    memset(&told, 0, sizeof told);
    CHECK_EQ(rondel_set_trace(loop, note, &told), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 0);
    CHECK_EQ(told.turns, 1);
    CHECK_EQ(told.sum.callbacks, 0);
    CHECK_EQ(rondel_alive(loop), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0); /* nothing is alive: there is no turn */
    CHECK_EQ(told.turns, 1);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_CALLBACKS), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(told.turns, 1);
}

struct ends {
    rondel_tcp stream;
    int turns;
};

static void write_and_end(rondel_loop loop, int64_t number, void *user_data) {
    struct ends *ends = user_data;
    (void)number;
    if (++ends->turns == 1) {
        CHECK(rondel_write(ends->stream, "traced", 6, NULL, NULL) > 0);
    } else {
        CHECK_EQ(rondel_close(ends->stream), 0);
        CHECK_EQ(rondel_set_trace(loop, NULL, NULL), 0);
        CHECK(rondel_call_soon(loop, trace, "after") > 0);
        rondel_turn turn = {sizeof turn, 0, 0, 0, 0, 0, 0, 0};
        CHECK_EQ(rondel_last_turn(loop, &turn), RONDEL_ESTATE); /* that went with it */
    }
}

TEST(it_may_do_what_any_callback_may) {
    rondel_loop loop = rondel_loop_new();
    struct ends ends = {0, 0};
    int peer;
    char text[6];
    ends.stream = net_stream(loop, &peer);
    CHECK_EQ(rondel_set_trace(loop, write_and_end, &ends), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 0);
    CHECK_EQ(net_receive(peer, text, 6), 6); /* it has left by the end of the turn */
    CHECK(!memcmp(text, "traced", 6));
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "after");
    CHECK_EQ(ends.turns, 2);
    close(peer);
    nothing_left(loop);
}

static void set_it(rondel_handle source, int64_t result, void *user_data) {
    (void)result;
    CHECK_EQ(rondel_set_trace(rondel_loop_of(source), note, user_data), 0);
}

TEST(set_within_a_turn_it_is_told_from_the_next_one_on) {
    rondel_loop loop = rondel_loop_new();
    struct told told;
    memset(&told, 0, sizeof told);
    CHECK(rondel_call_soon(loop, set_it, &told) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 0);
    CHECK_EQ(told.turns, 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 0);
    CHECK_EQ(told.turns, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(turns_for_completions_are_told_too) {
    rondel_loop loop = rondel_loop_new();
    struct told told;
    rondel_completion out;
    memset(&told, 0, sizeof told);
    CHECK_EQ(rondel_set_trace(loop, note, &told), 0);
    CHECK(rondel_call_later(loop, RONDEL_MS, rondel_enqueue, NULL) > 0);
    CHECK_EQ(rondel_next(loop, &out, 1, RONDEL_FOREVER), 1);
    CHECK(told.turns > 0);
    CHECK_EQ(told.turns, rondel_metric(loop, RONDEL_METRIC_TURNS));
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_struct_may_be_shorter_or_longer_than_ours) {
    rondel_loop loop = rondel_loop_new();
    struct told told;
    union {
        rondel_turn turn;
        unsigned char bytes[sizeof(rondel_turn) + 32];
    } out;
    memset(&told, 0, sizeof told);
    memset(&out, 0x5a, sizeof out);
    out.turn.size = sizeof out.turn;
    CHECK_EQ(rondel_last_turn(loop, &out.turn), RONDEL_ESTATE);
    CHECK_EQ(rondel_set_trace(loop, note, &told), 0);
    CHECK_EQ(rondel_last_turn(loop, &out.turn), RONDEL_ESTATE);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 0);
    for (size_t size = 0; size < sizeof out; size++) {
        memset(&out, 0x5a, sizeof out);
        out.turn.size = size;
        const int fits = size >= offsetof(rondel_turn, began);
        CHECK_EQ(rondel_last_turn(loop, &out.turn), fits ? 0 : RONDEL_EINVAL);
        CHECK_EQ(out.turn.size, size);
        if (fits) CHECK_EQ(out.turn.number, 1);
        for (size_t i = size > sizeof out.turn ? sizeof out.turn : size < 16 ? 16 : size; i < sizeof out; i++)
            CHECK_EQ(out.bytes[i], 0x5a);
    }
    CHECK_EQ(rondel_last_turn(loop, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(bad_input_is_refused) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    rondel_turn turn = {sizeof turn, 0, 0, 0, 0, 0, 0, 0};
    CHECK_EQ(rondel_set_trace(loop, rondel_enqueue, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_set_trace(loop, RONDEL_FUTURE), RONDEL_EINVAL);
    CHECK_EQ(rondel_set_trace(promise, trace, ""), RONDEL_EKIND);
    CHECK_EQ(rondel_last_turn(promise, &turn), RONDEL_EKIND);
    CHECK_EQ(rondel_set_trace(loop, NULL, NULL), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST_MAIN(RUN(each_turn_is_told_once_and_all_adds_up), RUN(a_turn_that_was_long_shows_where_its_time_went),
          RUN(events_that_were_there_are_told_apart_from_those_that_came),
          RUN(nothing_told_is_a_callback_or_wakes_the_loop), RUN(it_may_do_what_any_callback_may),
          RUN(set_within_a_turn_it_is_told_from_the_next_one_on), RUN(turns_for_completions_are_told_too),
          RUN(a_struct_may_be_shorter_or_longer_than_ours), RUN(bad_input_is_refused))
