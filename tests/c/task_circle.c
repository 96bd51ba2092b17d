/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Tasks that wait for each other in a circle, which only a cancel ends, and long ways that are no circle. */
#include "support/test.h"

#include "support/task.h"
#include "support/turns.h"

static int64_t await_other(void *arg) {
    rondel_future *other = arg;
    CHECK_EQ(rondel_retain(*other), 0);
    int64_t result = rondel_await(*other);
    trace_code(result);
    return result;
}

/* Which of them goes first does not matter: what counts is that all end, and with the same. */
static void expect_ended(rondel_loop loop, const rondel_future *tasks, int64_t n, int64_t first) {
    turns(loop);
    for (int64_t i = 0; i < n; i++) {
        CHECK_EQ(rondel_future_result(tasks[i]), i == 0 ? first : RONDEL_ECANCELED);
        CHECK_EQ(rondel_release(tasks[i]), 0);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(tasks_that_await_each_other_end_when_cancelled) {
    rondel_loop loop = rondel_loop_new();
    rondel_future tasks[3];
    for (int i = 0; i < 3; i++) tasks[i] = rondel_task_spawn(loop, await_other, &tasks[(i + 1) % 3]);
    turns(loop);
    CHECK_EQ(rondel_cancel(tasks[0]), 0);
    expect_ended(loop, tasks, 3, RONDEL_ECANCELED);
    CHECK_STR(trace_taken(), "cancelled cancelled cancelled");
}

TEST(tasks_that_await_each_other_end_at_the_deadline_of_one) {
    rondel_loop loop = rondel_loop_new();
    rondel_future tasks[2];
    for (int i = 0; i < 2; i++) tasks[i] = rondel_task_spawn(loop, await_other, &tasks[1 - i]);
    turns(loop);
    CHECK_EQ(rondel_timeout(tasks[0], RONDEL_MS), tasks[0]);
    while (rondel_future_result(tasks[0]) == RONDEL_EAGAIN) rondel_run(loop, RONDEL_RUN_ONCE);
    expect_ended(loop, tasks, 2, RONDEL_ETIMEDOUT);
    trace_taken();
}

static int64_t gather_others(void *arg) {
    rondel_future *others = arg;
    for (int i = 0; i < 3; i++) CHECK_EQ(rondel_retain(others[i]), 0);
    int64_t result = rondel_await(rondel_gather(others, 3, NULL, RONDEL_FUTURE));
    trace_code(result);
    return result;
}

/* One gathers others, of which one awaits it, one what it awaits too, and one nothing that does not end. */
TEST(a_circle_through_a_gather_ends_when_cancelled) {
    rondel_loop loop = rondel_loop_new();
    rondel_future tasks[4], shared = rondel_future_new(loop);
    tasks[0] = rondel_task_spawn(loop, gather_others, &tasks[1]);
    tasks[1] = rondel_task_spawn(loop, await_other, &shared);
    tasks[2] = rondel_task_spawn(loop, await_other, &tasks[0]);
    tasks[3] = rondel_task_spawn(loop, await_other, &shared);
    turns(loop);
    CHECK_EQ(rondel_cancel(tasks[0]), 0);
    CHECK_EQ(rondel_release(shared), 0);
    expect_ended(loop, tasks, 4, RONDEL_ECANCELED);
    CHECK_STR(trace_taken(), "cancelled cancelled cancelled cancelled");
}

static int64_t await_both(void *arg) {
    rondel_future *waits = arg;
    await_other(&waits[0]);
    return await_other(&waits[1]);
}

/* The end of its await is on its way as it is cancelled again, and its place in the line is another's by then. */
TEST(a_circle_that_is_cancelled_twice_is_broken_once) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop), tasks[2];
    struct seen seen = {0, 0, 0};
    rondel_future waits[2] = {0, promise};
    CHECK_EQ(rondel_retain(promise), 0);
    tasks[0] = rondel_task_spawn(loop, await_other, &tasks[1]);
    tasks[1] = rondel_task_spawn(loop, await_both, waits);
    waits[0] = tasks[0];
    turns(loop);
    CHECK_EQ(rondel_cancel(tasks[0]), 0);
    CHECK_EQ(rondel_future_then(tasks[0], see, &seen), 0);
    CHECK_EQ(rondel_cancel(tasks[0]), 0);
    turns(loop);
    /* What the second one awaits after that is not ended for it. */
    CHECK_EQ(rondel_future_state(tasks[1]), RONDEL_RUNNING);
    CHECK_EQ(seen.calls, 0);
    CHECK_EQ(rondel_future_set(promise, 7), 0);
    turns(loop);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, 7); /* a value, though it was cancelled */
    CHECK_EQ(rondel_future_result(tasks[1]), 7);
    CHECK_STR(trace_taken(), "cancelled 7 7");
    for (int i = 0; i < 2; i++) CHECK_EQ(rondel_release(tasks[i]), 0);
    CHECK_EQ(rondel_release(promise), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

struct own_group {
    rondel_future join;
    rondel_group group;
};

static int64_t cancel_and_join_own_group(void *arg) {
    struct own_group *own = arg;
    CHECK_EQ(rondel_group_cancel(own->group), 0);
    return await_other(&own->join);
}

static int64_t fail_after_a_while(void *arg) {
    (void)arg;
    for (int i = 0; i < 5; i++) rondel_yield();
    return RONDEL_EIO;
}

/* Its children wait for the join, which waits for them; they are cancelled once, and another cancel finds them so. */
TEST(a_child_that_awaits_the_join_of_its_group_ends_when_cancelled) {
    for (int way = 0; way < 5; way++) {
        rondel_loop loop = rondel_loop_new();
        struct own_group own = {0, rondel_group_new(loop)};
        rondel_future child = way == 4 ? rondel_group_spawn(own.group, cancel_and_join_own_group, &own)
                                       : rondel_group_spawn(own.group, await_other, &own.join);
        CHECK_EQ(rondel_retain(child), 0);
        if (way == 1) CHECK(rondel_group_spawn(own.group, fail_after_a_while, NULL) > 0);
        own.join = rondel_group_join(own.group, RONDEL_FUTURE);
        turns(loop);
        if (way == 0) CHECK_EQ(rondel_group_cancel(own.group), 0);
        if (way == 2) CHECK_EQ(rondel_close(own.group), 0);
        if (way == 3) CHECK_EQ(rondel_cancel(own.join), 0);
        turns(loop);
        CHECK_EQ(rondel_future_result(child), RONDEL_ECANCELED);
        CHECK_EQ(rondel_future_result(own.join), way == 1 ? RONDEL_EIO : RONDEL_ECANCELED);
        CHECK_EQ(rondel_release(child), 0);
        CHECK_EQ(rondel_release(own.join), 0);
        trace_taken();
        CHECK_EQ(rondel_loop_free(loop), 0);
    }
}

struct gathers {
    rondel_future tasks[2];
    int64_t results[2], *lent;
};

static int64_t gather_the_other(void *arg) {
    struct gathers *gathers = arg;
    CHECK_EQ(rondel_retain(gathers->tasks[1]), 0);
    int64_t result = rondel_await(rondel_gather(&gathers->tasks[1], 1, gathers->lent, RONDEL_FUTURE));
    gathers->lent[0] = 77; /* it is ours again */
    return result;
}

static int64_t await_or_gather_the_first(void *arg) {
    struct gathers *gathers = arg;
    CHECK_EQ(rondel_retain(gathers->tasks[0]), 0);
    int64_t result = rondel_await(gathers->results[1] ? rondel_gather(gathers->tasks, 1, NULL, RONDEL_FUTURE)
                                                      : gathers->tasks[0]);
    return result;
}

TEST(what_a_circle_gathers_is_not_written_after_the_await) {
    for (int way = 0; way < 6; way++) {
        rondel_loop loop = rondel_loop_new();
        struct gathers gathers = {{0, 0}, {0, way % 2}, gathers.results};
        gathers.tasks[0] = rondel_task_spawn(loop, gather_the_other, &gathers);
        gathers.tasks[1] = rondel_task_spawn(loop, await_or_gather_the_first, &gathers);
        turns(loop);
        if (way < 4) CHECK_EQ(rondel_cancel(gathers.tasks[way / 2]), 0);
        if (way < 4) turns(loop);
        CHECK_EQ(rondel_loop_free(loop), 0);
        CHECK_EQ(gathers.results[0], 77);
    }
}

/* Very many wait for one that gathers them. Where that costs more than its share the test hangs. */
struct hub {
    rondel_future *tasks, all;
    int64_t count;
};

static int64_t gather_all_of_them(void *arg) {
    struct hub *hub = arg;
    for (int64_t i = 0; i < hub->count; i++) CHECK_EQ(rondel_retain(hub->tasks[i]), 0);
    return rondel_await(rondel_gather(hub->tasks, (size_t)hub->count, NULL, RONDEL_FUTURE));
}

static int64_t await_all(void *arg) {
    struct hub *hub = arg;
    CHECK_EQ(rondel_retain(hub->all), 0);
    return rondel_await(hub->all);
}

TEST(many_circles_through_one_end_with_the_loop) {
    rondel_loop loop = rondel_loop_new();
    struct hub hub = {NULL, 0, test_scale(40000, 300)};
    hub.tasks = malloc((size_t)hub.count * sizeof *hub.tasks);
    for (int64_t i = 0; i < hub.count; i++) hub.tasks[i] = rondel_task_spawn_sized(loop, await_all, &hub, 16384);
    hub.all = rondel_task_spawn(loop, gather_all_of_them, &hub);
    turns(loop);
    CHECK_EQ(rondel_loop_free(loop), 0);
    free(hub.tasks);
}

/* Each of very many waits for the one before it. */
struct many {
    rondel_loop loop;
    rondel_future *tasks, promise;
    int64_t count, ended;
    int circle;
};

static int64_t await_the_one_before(void *arg) {
    struct many *many = *(struct many **)arg;
    int64_t me = ((int64_t *)arg)[1];
    rondel_future before = me > 0 ? many->tasks[me - 1] : many->circle ? many->tasks[many->count - 1] : many->promise;
    free(arg);
    CHECK_EQ(rondel_retain(before), 0);
    int64_t result = rondel_await(before);
    many->ended += result == RONDEL_ECANCELED;
    return result;
}

static void begin_many(struct many *many, rondel_loop loop, int circle) {
    many->loop = loop;
    many->count = test_scale(40000, 300);
    many->ended = 0;
    many->circle = circle;
    many->promise = rondel_future_new(loop);
    many->tasks = malloc((size_t)many->count * sizeof *many->tasks);
    for (int64_t i = 0; i < many->count; i++) {
        struct { struct many *many; int64_t me; } *arg = malloc(sizeof *arg);
        arg->many = many, arg->me = i;
        many->tasks[i] = rondel_task_spawn_sized(loop, await_the_one_before, arg, 16384);
        REQUIRE(many->tasks[i] > 0);
    }
}

static void end_many(struct many *many) {
    while (many->ended < many->count) CHECK_EQ(rondel_run(many->loop, RONDEL_RUN_NOWAIT), 1);
    for (int64_t i = 0; i < many->count; i++) CHECK_EQ(rondel_release(many->tasks[i]), 0);
    CHECK_EQ(rondel_release(many->promise), 0);
    CHECK_EQ(rondel_loop_free(many->loop), 0);
    free(many->tasks);
}

/* Each is reached in two ways: directly, and from the one that waits for it. */
TEST(many_that_wait_for_each_other_are_looked_at_once_each) {
    for (int circle = 0; circle < 2; circle++) {
        struct many many;
        begin_many(&many, rondel_loop_new(), circle);
        turns(many.loop);
        for (int64_t i = 0; i < many.count; i++) CHECK_EQ(rondel_retain(many.tasks[i]), 0);
        rondel_future all = rondel_gather(many.tasks, (size_t)many.count, NULL, RONDEL_FUTURE);
        CHECK_EQ(rondel_cancel(all), 0);
        CHECK_EQ(rondel_run_until(many.loop, all), RONDEL_ECANCELED);
        end_many(&many);

        begin_many(&many, rondel_loop_new(), circle);
        turns(many.loop);
        rondel_group group = rondel_group_new(many.loop);
        for (int64_t i = 0; i < many.count; i++) {
            CHECK_EQ(rondel_retain(many.tasks[i]), 0);
            CHECK(rondel_group_add(group, many.tasks[i]) > 0);
        }
        CHECK_EQ(rondel_group_cancel(group), 0);
        end_many(&many);
    }
}

static int64_t leave_many(void *arg) {
    begin_many(arg, rondel_loop_current(), 1);
    for (int i = 0; i < 4; i++) CHECK_EQ(rondel_yield(), 0);
    return 5;
}

TEST(a_program_ends_though_many_wait_for_each_other) {
    struct many many;
    CHECK_EQ(rondel_main(leave_many, &many), 5);
    CHECK_EQ(many.ended, many.count);
    free(many.tasks);
}

TEST_MAIN(RUN(tasks_that_await_each_other_end_when_cancelled),
          RUN(tasks_that_await_each_other_end_at_the_deadline_of_one), RUN(a_circle_through_a_gather_ends_when_cancelled),
          RUN(a_circle_that_is_cancelled_twice_is_broken_once),
          RUN(a_child_that_awaits_the_join_of_its_group_ends_when_cancelled),
          RUN(what_a_circle_gathers_is_not_written_after_the_await), RUN(many_circles_through_one_end_with_the_loop),
          RUN(many_that_wait_for_each_other_are_looked_at_once_each),
          RUN(a_program_ends_though_many_wait_for_each_other))
