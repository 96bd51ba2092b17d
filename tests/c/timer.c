/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Timers: when they fire, in which order, and what may be done to them meanwhile. */
#include "support/test.h"

#include "support/steps.h"

/* One timer whose callback checks the clock against the moment it was promised for. */
struct due {
    rondel_timer timer;
    int64_t started; /* the clock just before the start */
    int64_t after;
    int64_t calls;
};

static void not_early(rondel_handle source, int64_t result, void *user_data) {
    struct due *due = user_data;
    CHECK(rondel_clock() >= due->started + due->after);
    CHECK(rondel_now(rondel_loop_of(source)) >= due->started + due->after);
    CHECK_EQ(source, due->timer);
    CHECK_EQ(result, 1);
    due->calls++;
}

static void start_due(rondel_loop loop, struct due *due, int64_t after) {
    due->after = after;
    due->calls = 0;
    due->started = rondel_clock();
    due->timer = rondel_timer_start(loop, after, 0, not_early, due);
    CHECK(due->timer > 0);
}

TEST(never_fires_early) {
    const int count = (int)test_scale(2000, 100);
    struct due *due = calloc((size_t)count, sizeof *due);
    uint64_t random = 2463534242u;
    rondel_loop loop = rondel_loop_new();
    for (int i = 0; i < count; i++) start_due(loop, &due[i], (int64_t)(next_random(&random) % (20 * 1000000)));
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    for (int i = 0; i < count; i++) CHECK_EQ(due[i].calls, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    free(due);
}

TEST(alone_it_never_fires_early_either) {
    const int64_t after[] = {0, 1, 999, 1000, 50000, 999999, 1000000, 1000001, 1500000, 3333333};
    struct due due;
    rondel_loop loop = rondel_loop_new();
    for (size_t i = 0; i < sizeof after / sizeof *after; i++) {
        start_due(loop, &due, after[i]);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_EQ(due.calls, 1);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void start_late(rondel_handle source, int64_t result, void *user_data) {
    (void)result;
    busy_for(10 * RONDEL_MS); /* the turn's own time is now far behind the clock */
    start_due(rondel_loop_of(source), user_data, 5 * RONDEL_MS);
}

TEST(started_in_a_slow_callback_it_never_fires_early) {
    struct due due;
    rondel_loop loop = rondel_loop_new();
    CHECK(rondel_call_soon(loop, start_late, &due) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(due.calls, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(equal_deadlines_fire_in_start_order) {
    rondel_loop loop = rondel_loop_new();
    int64_t when = rondel_clock() + 3 * RONDEL_MS;
    for (const char *word = "abcdefghijklmnopqrstuvwxyz"; *word; word++) {
        static char letters[26][2];
        letters[*word - 'a'][0] = *word;
        CHECK(rondel_call_at(loop, when, trace, letters[*word - 'a']) > 0);
    }
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "a b c d e f g h i j k l m n o p q r s t u v w x y z");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(zero_timers_fire_in_start_order_and_a_restart_goes_last) {
    rondel_loop loop = rondel_loop_new();
    rondel_timer first = rondel_timer_start(loop, 0, 0, trace, "first");
    CHECK(rondel_timer_start(loop, 0, 0, trace, "second") > 0);
    CHECK(rondel_timer_start(loop, 0, 0, trace, "third") > 0);
    CHECK_EQ(rondel_timer_set(first, 0, 0), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 0);
    CHECK_STR(trace_taken(), "second third first");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_one_shot_that_fired_stays_a_stopped_timer) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    rondel_timer timer = rondel_timer_start(loop, RONDEL_MS, 0, see, &seen);
    CHECK_EQ(rondel_is_active(timer), 1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, 1);
    CHECK_EQ(seen.source, timer);
    CHECK_EQ(rondel_is_active(timer), 0);
    CHECK_EQ(rondel_alive(loop), 0);
    CHECK_EQ(rondel_timer_due_in(timer), RONDEL_ESTATE);
    CHECK_EQ(rondel_timer_stop(timer), 0);
    CHECK_EQ(rondel_timer_again(timer), 0); /* after the original millisecond */
    int64_t due = rondel_timer_due_in(timer);
    CHECK(due >= 0 && due <= RONDEL_MS);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 2);
    CHECK_EQ(rondel_close(timer), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(seen.calls, 2);
}

/* A repeating timer held against the clock: the periods told must add up to those that passed. */
struct periods {
    int64_t started;
    int64_t first;
    int64_t every;
    int64_t told;
    int64_t calls;
    int64_t largest;
    int64_t ends_at; /* periods */
};

static void add_periods(rondel_handle source, int64_t result, void *user_data) {
    struct periods *periods = user_data;
    CHECK(result >= 1);
    periods->calls++;
    periods->told += result;
    if (result > periods->largest) periods->largest = result;
    /* The last period told has ended: its deadline is not in the future. */
    CHECK(rondel_clock() >= periods->started + periods->first + (periods->told - 1) * periods->every);
    /* And the next has not been skipped: it is at most one period away. */
    CHECK(rondel_timer_due_in(source) <= periods->every);
    if (periods->told >= periods->ends_at) CHECK_EQ(rondel_close(source), 0);
    if (periods->calls == 2) busy_for(10 * periods->every);
}

TEST(a_late_loop_fires_a_repeat_once_with_the_periods_that_passed) {
    rondel_loop loop = rondel_loop_new();
    struct periods periods = {rondel_clock(), 2 * RONDEL_MS, RONDEL_MS, 0, 0, 0, 30};
    CHECK(rondel_timer_start(loop, periods.first, periods.every, add_periods, &periods) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK(periods.largest >= 10);
    CHECK(periods.told >= 30);
    CHECK(periods.calls <= 21);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_repeat_before_its_time_is_told_nothing) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    CHECK(rondel_timer_start(loop, 0, 3600 * RONDEL_SECOND, see, &seen) > 0);
    for (int i = 0; i < 3; i++) CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(stop_holds_a_timer_until_again) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    rondel_timer timer = rondel_timer_start(loop, 0, 5 * RONDEL_MS, see, &seen);
    CHECK_EQ(rondel_timer_stop(timer), 0);
    CHECK_EQ(rondel_timer_stop(timer), 0);
    CHECK_EQ(rondel_timer_due_in(timer), RONDEL_ESTATE);
    CHECK_EQ(rondel_is_active(timer), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(rondel_timer_again(timer), 0); /* a repeating one: after its period */
    int64_t due = rondel_timer_due_in(timer);
    CHECK(due >= 0 && due <= 5 * RONDEL_MS);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(set_gives_new_times_to_a_running_and_a_stopped_timer) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    rondel_timer timer = rondel_timer_start(loop, 3600 * RONDEL_SECOND, 3600 * RONDEL_SECOND, see, &seen);
    CHECK_EQ(rondel_timer_set(timer, 2 * RONDEL_MS, 0), 0);
    CHECK(rondel_timer_due_in(timer) <= 2 * RONDEL_MS);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(rondel_timer_set(timer, 3600 * RONDEL_SECOND, 0), 0);
    CHECK(rondel_timer_due_in(timer) > 3000 * RONDEL_SECOND);
    CHECK_EQ(rondel_timer_set(timer, 7200 * RONDEL_SECOND, 0), 0); /* later */
    CHECK(rondel_timer_due_in(timer) > 6600 * RONDEL_SECOND);
    CHECK_EQ(rondel_timer_set(timer, -1, 0), RONDEL_EINVAL);
    CHECK_EQ(rondel_timer_set(timer, 0, -1), RONDEL_EINVAL);
    CHECK(rondel_timer_due_in(timer) > 6600 * RONDEL_SECOND);
    CHECK_EQ(rondel_timer_set(timer, 0, 0), 0); /* and back to now */
    CHECK_EQ(rondel_timer_due_in(timer), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 2);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(due_in_counts_down_to_zero) {
    rondel_loop loop = rondel_loop_new();
    rondel_timer far = rondel_timer_start(loop, 3600 * RONDEL_SECOND, 0, trace, "never");
    rondel_timer near = rondel_timer_start(loop, RONDEL_MS, 0, trace, "fired");
    int64_t first = rondel_timer_due_in(far);
    CHECK(first > 0 && first <= 3600 * RONDEL_SECOND);
    busy_for(2 * RONDEL_MS); /* outside of a run the loop's own time stands still; the answer may not */
    CHECK(rondel_timer_due_in(far) <= first - 2 * RONDEL_MS);
    CHECK_EQ(rondel_timer_due_in(near), 0);
    CHECK_STR(trace_taken(), "");
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_STR(trace_taken(), "fired");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(times_that_make_no_sense_are_refused) {
    rondel_loop loop = rondel_loop_new();
    CHECK_EQ(rondel_timer_start(loop, -1, 0, trace, "never"), RONDEL_EINVAL);
    CHECK_EQ(rondel_timer_start(loop, 0, -1, trace, "never"), RONDEL_EINVAL);
    CHECK_EQ(rondel_timer_start(loop, INT64_MIN, INT64_MIN, trace, "never"), RONDEL_EINVAL);
    CHECK_EQ(rondel_timer_start(loop, 0, 0, NULL, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 0);
    CHECK_STR(trace_taken(), "");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(times_beyond_all_time_do_not_wrap) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0}, repeat = {0, 0, 0};
    rondel_timer timer = rondel_timer_start(loop, RONDEL_FOREVER, RONDEL_FOREVER, see, &seen);
    CHECK(timer > 0);
    CHECK(rondel_timer_start(loop, RONDEL_FOREVER - 1, 1, see, &seen) > 0);
    CHECK(rondel_timer_start(loop, 0, RONDEL_FOREVER, see, &repeat) > 0);
    CHECK(rondel_timer_due_in(timer) > 1000000 * RONDEL_SECOND);
    for (int i = 0; i < 3; i++) CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(rondel_timer_again(timer), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(repeat.calls, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_callback_may_close_its_own_timer) {
    rondel_loop loop = rondel_loop_new();
    struct seen closed = {0, -1, 0};
    rondel_timer timer = rondel_timer_start(loop, 0, RONDEL_MS, close_source, NULL);
    CHECK_EQ(rondel_on_close(timer, see, &closed), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(closed.calls, 1);
    CHECK_EQ(closed.source, timer);
    CHECK_EQ(rondel_kind(timer), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void stop_itself(rondel_handle source, int64_t result, void *user_data) {
    see(source, result, user_data);
    CHECK_EQ(rondel_timer_stop(source), 0);
}

TEST(a_callback_may_stop_its_own_repeat) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    rondel_timer timer = rondel_timer_start(loop, 0, RONDEL_MS, stop_itself, &seen);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(rondel_is_active(timer), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void set_itself(rondel_handle source, int64_t result, void *user_data) {
    struct seen *seen = user_data;
    see(source, result, user_data);
    if (seen->calls < 5) CHECK_EQ(rondel_timer_set(source, 0, 0), 0);
}

TEST(a_callback_may_start_its_own_one_shot_again) {
    rondel_loop loop = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    CHECK(rondel_timer_start(loop, 0, 0, set_itself, &seen) > 0);
    int64_t turns = rondel_metric(loop, RONDEL_METRIC_TURNS);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 5);
    CHECK(rondel_metric(loop, RONDEL_METRIC_TURNS) - turns >= 5); /* one a turn */
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void close_pair(rondel_handle source, int64_t result, void *user_data) {
    rondel_timer *pair = user_data;
    trace(source, result, "pair");
    CHECK_EQ(rondel_close(pair[0]), 0);
    CHECK_EQ(rondel_timer_stop(pair[1]), 0);
}

TEST(a_sibling_closed_or_stopped_in_the_same_turn_does_not_fire) {
    rondel_loop loop = rondel_loop_new();
    rondel_timer pair[2];
    CHECK(rondel_timer_start(loop, 0, 0, close_pair, pair) > 0);
    pair[0] = rondel_timer_start(loop, 0, 0, trace, "closed");
    pair[1] = rondel_timer_start(loop, 0, 0, trace, "stopped");
    CHECK(rondel_timer_start(loop, 0, 0, trace, "last") > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "pair last");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

struct chain {
    int64_t links;
    int64_t turn;
    int64_t ends_after; /* a guard: a starved loop must fail, not hang */
};

static void link_on(rondel_handle source, int64_t result, void *user_data) {
    struct chain *chain = user_data;
    rondel_loop loop = rondel_loop_of(source);
    int64_t turn = rondel_metric(loop, RONDEL_METRIC_TURNS);
    (void)result;
    CHECK(turn > chain->turn || chain->links == 0);
    chain->turn = turn;
    if (++chain->links == chain->ends_after) CHECK_EQ(rondel_stop(loop), 0);
    CHECK_EQ(rondel_close(source), 0);
    CHECK(rondel_timer_start(loop, 0, 0, link_on, chain) > 0);
}

static void accepted(rondel_handle source, int64_t peer, void *user_data) {
    see(source, peer, user_data);
    CHECK_EQ(rondel_close(peer), 0);
    CHECK_EQ(rondel_stop(rondel_loop_of(source)), 0);
}

TEST(zero_timers_started_by_timers_wait_for_the_next_turn_and_starve_nobody) {
    rondel_loop loop = rondel_loop_new();
    struct chain chain = {0, 0, 1000};
    struct seen seen = {0, 0, 0};
    rondel_tcp server = rondel_tcp_listen(loop, "127.0.0.1", 0, accepted, &seen);
    REQUIRE(server > 0);
    int client = knock(server);
    CHECK(rondel_timer_start(loop, 0, 0, link_on, &chain) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 1);
    CHECK_EQ(seen.calls, 1);
    CHECK(chain.links < 100);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(client);
}

/* Many timers: each is checked to fire once, not early, and not before one due earlier. */
struct one_of_many {
    int64_t due; /* at the earliest */
    int64_t calls;
};
static int64_t many_fired;

static void fire_one(rondel_handle source, int64_t result, void *user_data) {
    struct one_of_many *one = user_data;
    (void)result;
    if (rondel_now(rondel_loop_of(source)) < one->due) CHECK(!"early");
    one->calls++;
    many_fired++;
}

TEST(a_million_timers_fire_once_each_and_never_early) {
    const int64_t count = test_scale(1000000, 5000);
    struct one_of_many *many = calloc((size_t)count, sizeof *many);
    rondel_timer *timers = calloc((size_t)count, sizeof *timers);
    uint64_t random = 521288629u;
    rondel_loop loop = rondel_loop_new();
    many_fired = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t after = (int64_t)(next_random(&random) % (uint64_t)(200 * RONDEL_MS));
        many[i].due = rondel_clock() + after;
        timers[i] = rondel_timer_start(loop, after, 0, fire_one, &many[i]);
        if (timers[i] < 0) CHECK_EQ(timers[i], 0);
    }
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(many_fired, count);
    for (int64_t i = 0; i < count; i++)
        if (many[i].calls != 1 || rondel_is_active(timers[i]) != 0) CHECK_EQ(many[i].calls, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    free(timers);
    free(many);
}

TEST(of_a_million_timers_those_stopped_closed_or_moved_do_as_told) {
    const int64_t count = test_scale(1000000, 5000);
    struct one_of_many *many = calloc((size_t)count, sizeof *many);
    rondel_timer *timers = calloc((size_t)count, sizeof *timers);
    uint64_t random = 362436069u;
    rondel_loop loop = rondel_loop_new();
    many_fired = 0;
    for (int64_t i = 0; i < count; i++)
        timers[i] = rondel_timer_start(loop, RONDEL_SECOND + (int64_t)(next_random(&random) % 1000000000), 0, fire_one,
                                       &many[i]);
    for (int64_t i = 0; i < count; i++) {
        int64_t after = (int64_t)(next_random(&random) % (uint64_t)(50 * RONDEL_MS)), result = 0;
        if (i % 4 == 0) result = rondel_timer_stop(timers[i]);
        if (i % 4 == 1) result = rondel_close(timers[i]);
        if (i % 4 >= 2) {
            many[i].due = rondel_clock() + after;
            result = rondel_timer_set(timers[i], after, 0);
        }
        if (result) CHECK_EQ(result, 0);
    }
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(many_fired, count - (count + 3) / 4 - (count + 2) / 4);
    for (int64_t i = 0; i < count; i++)
        if (many[i].calls != (i % 4 >= 2)) CHECK_EQ(many[i].calls, i % 4 >= 2);
    CHECK_EQ(rondel_loop_free(loop), 0);
    free(timers);
    free(many);
}

static int64_t last_due;

static void in_order(rondel_handle source, int64_t result, void *user_data) {
    struct one_of_many *one = user_data;
    (void)source;
    (void)result;
    if (one->due < last_due) CHECK(!"out of order");
    last_due = one->due;
    one->calls++;
}

TEST(deadlines_fire_in_their_order) {
    const int64_t count = test_scale(100000, 5000);
    struct one_of_many *many = calloc((size_t)count, sizeof *many);
    uint64_t random = 1812433253u;
    rondel_loop loop = rondel_loop_new();
    int64_t begin = rondel_clock();
    last_due = 0;
    for (int64_t i = 0; i < count; i++) {
        many[i].due = begin + (int64_t)(next_random(&random) % (uint64_t)(100 * RONDEL_MS));
        CHECK(rondel_call_at(loop, many[i].due, in_order, &many[i]) > 0);
    }
    busy_for(100 * RONDEL_MS); /* all due at once: the order is the heap's alone */
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    for (int64_t i = 0; i < count; i++)
        if (many[i].calls != 1) CHECK_EQ(many[i].calls, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    free(many);
}

TEST_MAIN(RUN(never_fires_early), RUN(alone_it_never_fires_early_either),
          RUN(started_in_a_slow_callback_it_never_fires_early), RUN(equal_deadlines_fire_in_start_order),
          RUN(zero_timers_fire_in_start_order_and_a_restart_goes_last),
          RUN(a_one_shot_that_fired_stays_a_stopped_timer),
          RUN(a_late_loop_fires_a_repeat_once_with_the_periods_that_passed),
          RUN(a_repeat_before_its_time_is_told_nothing), RUN(stop_holds_a_timer_until_again),
          RUN(set_gives_new_times_to_a_running_and_a_stopped_timer), RUN(due_in_counts_down_to_zero),
          RUN(times_that_make_no_sense_are_refused), RUN(times_beyond_all_time_do_not_wrap),
          RUN(a_callback_may_close_its_own_timer), RUN(a_callback_may_stop_its_own_repeat),
          RUN(a_callback_may_start_its_own_one_shot_again),
          RUN(a_sibling_closed_or_stopped_in_the_same_turn_does_not_fire),
          RUN(zero_timers_started_by_timers_wait_for_the_next_turn_and_starve_nobody),
          RUN(a_million_timers_fire_once_each_and_never_early),
          RUN(of_a_million_timers_those_stopped_closed_or_moved_do_as_told), RUN(deadlines_fire_in_their_order))
