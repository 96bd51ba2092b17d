/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Barriers: nobody goes on before all have come, and then all do. */
#include "support/test.h"

#include "support/steps.h"
#include "support/turns.h"

TEST(it_takes_one_party_or_more) {
    rondel_loop loop = rondel_loop_new();
    CHECK_EQ(rondel_barrier_new(loop, 0), RONDEL_EINVAL);
    CHECK_EQ(rondel_barrier_new(loop, -4), RONDEL_EINVAL);
    CHECK_EQ(rondel_barrier_new(loop, INT64_MIN), RONDEL_EINVAL);
    rondel_barrier barrier = rondel_barrier_new(loop, 5);
    CHECK_EQ(rondel_kind(barrier), RONDEL_KIND_BARRIER);
    CHECK_EQ(rondel_barrier_waiting(barrier), 0);
    CHECK_EQ(rondel_barrier_broken(barrier), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(one_party_alone_need_not_wait) {
    rondel_loop loop = rondel_loop_new();
    rondel_barrier barrier = rondel_barrier_new(loop, 1);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(taken(rondel_barrier_wait(barrier, RONDEL_FUTURE)), 0);
        CHECK_EQ(rondel_barrier_waiting(barrier), 0);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(the_last_one_to_come_lets_all_go_each_with_its_place) {
    rondel_loop loop = rondel_loop_new();
    rondel_barrier barrier = rondel_barrier_new(loop, 3);
    for (int round = 0; round < 3; round++) {
        struct seen seen[3];
        memset(seen, 0, sizeof seen);
        for (int i = 0; i < 3; i++) {
            CHECK_EQ(rondel_barrier_waiting(barrier), i);
            CHECK(rondel_barrier_wait(barrier, see, &seen[i]) > 0);
            if (i < 2) CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0); /* waiting keeps nothing alive */
            CHECK_EQ(seen[0].calls, 0);
        }
        CHECK_EQ(rondel_barrier_waiting(barrier), 0);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
        for (int i = 0; i < 3; i++) {
            CHECK_EQ(seen[i].calls, 1);
            CHECK_EQ(seen[i].result, i);
        }
    }
    CHECK_EQ(rondel_barrier_broken(barrier), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(the_next_round_may_begin_before_the_last_was_told) {
    rondel_loop loop = rondel_loop_new();
    rondel_barrier barrier = rondel_barrier_new(loop, 2);
    const char *const names[5] = {"a0", "a1", "b0", "b1", "c0"};
    for (int i = 0; i < 5; i++) CHECK(rondel_barrier_wait(barrier, told_by_name, (void *)names[i]) > 0);
    CHECK_EQ(rondel_barrier_waiting(barrier), 1);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "a0 a1 b0 b1");
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_STR(trace_taken(), "c0!");
}

TEST(one_who_leaves_must_be_replaced_and_places_have_no_gap) {
    rondel_loop loop = rondel_loop_new();
    rondel_barrier barrier = rondel_barrier_new(loop, 3);
    rondel_future waits[4];
    for (int i = 0; i < 2; i++) waits[i] = rondel_barrier_wait(barrier, RONDEL_FUTURE);
    CHECK_EQ(rondel_cancel(waits[0]), 0);
    CHECK_EQ(rondel_barrier_waiting(barrier), 1);
    CHECK_EQ(taken(waits[0]), RONDEL_ECANCELED);
    waits[2] = rondel_barrier_wait(barrier, RONDEL_FUTURE);
    CHECK_EQ(rondel_barrier_waiting(barrier), 2);
    CHECK_EQ(rondel_future_state(waits[1]), RONDEL_PENDING);
    waits[3] = rondel_barrier_wait(barrier, RONDEL_FUTURE);
    for (int i = 1; i < 4; i++) CHECK_EQ(taken(waits[i]), i - 1);
    CHECK_EQ(rondel_barrier_broken(barrier), 0);
    CHECK_EQ(rondel_run_until(loop, rondel_timeout(rondel_barrier_wait(barrier, RONDEL_FUTURE), RONDEL_MS)),
             RONDEL_ETIMEDOUT);
    CHECK_EQ(rondel_barrier_waiting(barrier), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(one_who_does_not_care_to_hear_counts_all_the_same) {
    rondel_loop loop = rondel_loop_new();
    rondel_barrier barrier = rondel_barrier_new(loop, 2);
    CHECK(rondel_barrier_wait(barrier, NULL, NULL) > 0);
    CHECK_EQ(taken(rondel_barrier_wait(barrier, RONDEL_FUTURE)), 1);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 2);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(reset_sends_those_who_wait_away_and_it_is_as_new) {
    rondel_loop loop = rondel_loop_new();
    rondel_barrier barrier = rondel_barrier_new(loop, 3);
    CHECK_EQ(rondel_barrier_reset(barrier), 0); /* with nobody there it changes nothing */
    rondel_future first = rondel_barrier_wait(barrier, RONDEL_FUTURE);
    rondel_future second = rondel_barrier_wait(barrier, RONDEL_FUTURE);
    CHECK_EQ(rondel_barrier_reset(barrier), 0);
    CHECK_EQ(rondel_barrier_broken(barrier), 0);
    CHECK_EQ(rondel_barrier_waiting(barrier), 0);
    CHECK_EQ(taken(first), RONDEL_EBROKEN);
    CHECK_EQ(taken(second), RONDEL_EBROKEN);
    for (int i = 0; i < 3; i++) CHECK(rondel_barrier_wait(barrier, told_by_name, "in") > 0);
    CHECK_EQ(rondel_barrier_reset(barrier), 0); /* those who are through are not touched */
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "in in in");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(abort_breaks_it_for_all_until_it_is_reset) {
    rondel_loop loop = rondel_loop_new();
    rondel_barrier barrier = rondel_barrier_new(loop, 2);
    struct seen seen = {0, 0, 0};
    CHECK(rondel_barrier_wait(barrier, told_by_name, "one") > 0);
    for (int i = 0; i < 2; i++) CHECK_EQ(rondel_barrier_abort(barrier), 0);
    CHECK_EQ(rondel_barrier_broken(barrier), 1);
    CHECK_EQ(rondel_barrier_waiting(barrier), 0);
    CHECK_EQ(rondel_barrier_wait(barrier, see, &seen), RONDEL_EBROKEN);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "one!");
    CHECK_EQ(rondel_barrier_reset(barrier), 0);
    CHECK_EQ(rondel_barrier_broken(barrier), 0);
    CHECK(rondel_barrier_wait(barrier, told_by_name, "two") > 0);
    CHECK(rondel_barrier_wait(barrier, told_by_name, "three") > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "two three");
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(closing_it_or_its_loop_ends_those_who_wait) {
    rondel_loop loop = rondel_loop_new();
    rondel_barrier closed = rondel_barrier_new(loop, 2), freed = rondel_barrier_new(loop, 2);
    CHECK_EQ(rondel_on_close(closed, trace, "closed"), 0);
    CHECK(rondel_barrier_wait(closed, told_by_name, "one") > 0);
    CHECK(rondel_barrier_wait(freed, told_by_name, "two") > 0);
    CHECK_EQ(rondel_close(closed), 0);
    CHECK_EQ(rondel_barrier_wait(closed, told_by_name, "never"), RONDEL_EGONE);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(trace_taken(), "one! closed");
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_STR(trace_taken(), "two!");
}

enum { PARTIES = 5 };

struct parade {
    rondel_barrier first, second;
    int passed[4]; /* how many have passed each of the waits below */
    int broken, came_again;
};

static int64_t march(void *arg) {
    struct parade *parade = arg;
    for (int i = 0; i < 4; i++) {
        int64_t place = rondel_await(rondel_barrier_wait(parade->first, RONDEL_FUTURE));
        CHECK(place >= 0 && place < PARTIES);
        for (int j = 0; j < i; j++) CHECK_EQ(parade->passed[j], PARTIES); /* nobody is a round behind */
        parade->passed[i]++;
    }
    return 0;
}

TEST(tasks_march_in_step) {
    rondel_loop loop = rondel_loop_new();
    struct parade parade = {rondel_barrier_new(loop, PARTIES), 0, {0}, 0, 0};
    for (int i = 0; i < PARTIES; i++) CHECK_EQ(rondel_release(rondel_task_spawn(loop, march, &parade)), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(parade.passed[3], PARTIES);
    CHECK_EQ(rondel_barrier_waiting(parade.first), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t stumble(void *arg) {
    struct parade *parade = arg;
    int64_t place = rondel_await(rondel_barrier_wait(parade->first, RONDEL_FUTURE));
    if (place == PARTIES / 2) CHECK_EQ(rondel_barrier_abort(parade->first), 0);
    else if (rondel_await(rondel_barrier_wait(parade->first, RONDEL_FUTURE)) == RONDEL_EBROKEN) parade->broken++;
    /* All meet elsewhere, one makes the first whole again, and they meet there. */
    place = rondel_await(rondel_barrier_wait(parade->second, RONDEL_FUTURE));
    if (place == PARTIES / 2) CHECK_EQ(rondel_barrier_reset(parade->first), 0);
    CHECK(rondel_await(rondel_barrier_wait(parade->second, RONDEL_FUTURE)) >= 0);
    CHECK(rondel_await(rondel_barrier_wait(parade->first, RONDEL_FUTURE)) >= 0);
    parade->came_again++;
    return 0;
}

TEST(one_task_that_fails_may_abort_and_all_meet_again_after_a_reset) {
    rondel_loop loop = rondel_loop_new();
    struct parade parade = {rondel_barrier_new(loop, PARTIES), rondel_barrier_new(loop, PARTIES), {0}, 0, 0};
    for (int i = 0; i < PARTIES; i++) CHECK_EQ(rondel_release(rondel_task_spawn(loop, stumble, &parade)), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(parade.broken, PARTIES - 1);
    CHECK_EQ(parade.came_again, PARTIES);
    CHECK_EQ(rondel_barrier_broken(parade.first), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t come_again_when_broken(void *arg) {
    struct parade *parade = arg;
    if (rondel_await(rondel_barrier_wait(parade->first, RONDEL_FUTURE)) == RONDEL_EBROKEN) {
        parade->broken++;
        CHECK(rondel_await(rondel_barrier_wait(parade->first, RONDEL_FUTURE)) >= 0);
    }
    parade->came_again++;
    return 0;
}

TEST(tasks_sent_away_by_a_reset_may_come_again) {
    rondel_loop loop = rondel_loop_new();
    struct parade parade = {rondel_barrier_new(loop, PARTIES), 0, {0}, 0, 0};
    for (int i = 0; i < PARTIES - 1; i++)
        CHECK_EQ(rondel_release(rondel_task_spawn(loop, come_again_when_broken, &parade)), 0);
    turns(loop);
    CHECK_EQ(rondel_barrier_waiting(parade.first), PARTIES - 1);
    CHECK_EQ(rondel_barrier_reset(parade.first), 0);
    turns(loop);
    CHECK_EQ(parade.broken, PARTIES - 1);
    CHECK_EQ(rondel_barrier_waiting(parade.first), PARTIES - 1);
    CHECK_EQ(rondel_release(rondel_task_spawn(loop, come_again_when_broken, &parade)), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(parade.came_again, PARTIES);
    CHECK_EQ(parade.broken, PARTIES - 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST_MAIN(RUN(it_takes_one_party_or_more), RUN(one_party_alone_need_not_wait),
          RUN(the_last_one_to_come_lets_all_go_each_with_its_place),
          RUN(the_next_round_may_begin_before_the_last_was_told),
          RUN(one_who_leaves_must_be_replaced_and_places_have_no_gap),
          RUN(one_who_does_not_care_to_hear_counts_all_the_same),
          RUN(reset_sends_those_who_wait_away_and_it_is_as_new), RUN(abort_breaks_it_for_all_until_it_is_reset),
          RUN(closing_it_or_its_loop_ends_those_who_wait), RUN(tasks_march_in_step),
          RUN(one_task_that_fails_may_abort_and_all_meet_again_after_a_reset),
          RUN(tasks_sent_away_by_a_reset_may_come_again))
