/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Trees of tasks that do random things to each other, beside a model that says what each wait may give.
 *
 *     task_random [SEED]          (that one alone, as a failure names it)
 *
 * A task waits in random ways, spawns children, cancels anybody, takes locks, uses a queue, and at the end awaits all
 * its children. The model follows each cancel along the awaits, from the task to what it waits for, and so knows which
 * waits must end with RONDEL_ECANCELED. Deadlines strike when they will: whoever is below one may be cancelled without
 * the model's knowing, and only that is left open there. */
#include "support/test.h"

#include "support/steps.h"
#include "support/task.h"

enum { MOST_TASKS = 40, MOST_CHILDREN = 6, MOST_STEPS = 8, LOCKS = 2, MOST_ITEMS = MOST_TASKS * MOST_STEPS };

enum wait { NOTHING, FUTURE, CHILD, GATHER };

struct node {
    int number, steps, swallows;
    uint64_t random;
    rondel_future task;
    int64_t deadline; /* 0: it has none */
    int lenient;      /* it, or a task above it, has one */
    int begun, ended;
    int64_t returned;
    int children[MOST_CHILDREN], child_count;
    /* The present wait. */
    enum wait waits;
    rondel_future waits_for;
    int parts[MOST_CHILDREN], part_count;
    int must_end_cancelled;
    int owed; /* a cancel, to the next wait */
};

enum put { NEVER, TRIED, DONE, REFUSED };

static struct world {
    rondel_loop loop;
    uint64_t random;
    struct node nodes[MOST_TASKS];
    int count, freeing;
    rondel_lock locks[LOCKS];
    int inside[LOCKS];
    struct node *line[LOCKS][MOST_TASKS];
    int line_length[LOCKS];
    rondel_queue queue;
    int items;
    enum put put[MOST_ITEMS];
    int got[MOST_ITEMS];
} world;

static int64_t one_of(uint64_t *random, int64_t count) { return (int64_t)(next_random(random) % (uint64_t)count); }

static int is_done(rondel_future future) {
    int64_t state = rondel_future_state(future);
    return state != RONDEL_PENDING && state != RONDEL_RUNNING;
}

/* ---- the model */

static void leave_line(const struct node *node) {
    for (int i = 0; i < LOCKS; i++) {
        int left = 0;
        for (int j = 0; j < world.line_length[i]; j++)
            if (world.line[i][j] != node) world.line[i][left++] = world.line[i][j];
        world.line_length[i] = left;
    }
}

/* What a cancel does to a task and to what it waits for; called right before the library is told. */
static void model_cancel(struct node *node) {
    if (is_done(node->task) || !node->begun) return;
    if (node->waits == NOTHING) {
        node->owed = 1;
    } else if (is_done(node->waits_for)) {
        /* The result is on its way. If that is a cancel, the two are one. */
        node->owed = !node->must_end_cancelled;
    } else if (node->waits == FUTURE) {
        node->must_end_cancelled = 1;
        leave_line(node);
    } else {
        int reached = 0;
        for (int i = 0; i < node->part_count; i++) {
            struct node *part = &world.nodes[node->parts[i]];
            reached |= !is_done(part->task);
            model_cancel(part);
        }
        /* A gather was cancelled whatever its parts make of it; of a child, what it returns counts. */
        if (!reached)
            node->owed = !node->must_end_cancelled;
        else if (node->waits == GATHER)
            node->must_end_cancelled = 1;
    }
}

static void mark_lenient(struct node *node) {
    node->lenient = 1;
    for (int i = 0; i < node->child_count; i++) mark_lenient(&world.nodes[node->children[i]]);
}

/* The result of a task that is done follows from what its function returned. */
static void check_end(const struct node *node) {
    int64_t result = rondel_future_result(node->task);
    CHECK_EQ(node->begun, node->ended);
    if (node->begun && node->returned != RONDEL_ECANCELED)
        CHECK_EQ(result, node->returned);
    else if (result != RONDEL_ETIMEDOUT)
        CHECK_EQ(result, RONDEL_ECANCELED);
    else
        CHECK(node->deadline > 0 && rondel_clock() >= node->deadline);
}

/* ---- what tasks do */

static void cancel_anybody(uint64_t *random) {
    if (world.count < 2 || world.freeing) return;
    struct node *node = &world.nodes[1 + one_of(random, world.count - 1)];
    int done = is_done(node->task);
    model_cancel(node);
    CHECK_EQ(rondel_cancel(node->task), done ? RONDEL_ESTATE : 0);
}

/* Awaits, and holds the result against the model. `silent`: nothing but a cancel of this task ends it as cancelled. */
static int64_t wait_for(struct node *me, rondel_future future, enum wait how, int silent) {
    int ready = is_done(future), refused = future < 0;
    CHECK(!refused || world.freeing);
    me->waits = how;
    me->waits_for = future;
    if (!ready && me->owed) {
        me->owed = 0;
        model_cancel(me);
    }
    if (!refused) CHECK_EQ(rondel_retain(future), 0);
    int64_t result = rondel_await(future);
    if (!refused) {
        if (!world.freeing) CHECK_EQ(rondel_future_result(future), result);
        CHECK_EQ(rondel_release(future), 0);
    }
    if (me->must_end_cancelled) CHECK_EQ(result, RONDEL_ECANCELED);
    if (result == RONDEL_ECANCELED) {
        if (silent) CHECK(me->must_end_cancelled || me->lenient || world.freeing);
        if (!ready) me->owed = 0;
    }
    me->must_end_cancelled = 0;
    me->waits = NOTHING;
    me->part_count = 0;
    return result;
}

static int64_t wait_a_little(struct node *me) {
    int64_t ns = one_of(&me->random, 100) * RONDEL_US, due = rondel_clock() + ns, result;
    switch (one_of(&me->random, 3)) {
    case 0: return wait_for(me, rondel_call_soon(world.loop, RONDEL_FUTURE), FUTURE, 1);
    case 1: result = wait_for(me, rondel_timeout(rondel_future_new(world.loop), ns), FUTURE, 1); break;
    default: result = wait_for(me, rondel_call_later(world.loop, ns, RONDEL_FUTURE), FUTURE, 1);
    }
    if (result == 0 || result == RONDEL_ETIMEDOUT) CHECK(rondel_clock() >= due);
    return result == RONDEL_ETIMEDOUT ? 0 : result;
}

static int64_t run_node(void *arg);

static void spawn_child(struct node *me) {
    if (world.count == MOST_TASKS || me->child_count == MOST_CHILDREN || world.freeing) return;
    struct node *child = &world.nodes[world.count];
    child->number = world.count++;
    child->random = next_random(&me->random) | 1;
    child->steps = (int)one_of(&child->random, MOST_STEPS);
    child->swallows = one_of(&child->random, 4) == 0;
    child->lenient = me->lenient;
    child->task = rondel_task_spawn_sized(world.loop, run_node, child, 65536);
    me->children[me->child_count++] = child->number;
    CHECK(child->task > 0);
}

static struct node *some_child(struct node *me) {
    return me->child_count ? &world.nodes[me->children[one_of(&me->random, me->child_count)]] : NULL;
}

static int64_t await_child(struct node *me, struct node *child) {
    me->parts[0] = child->number;
    me->part_count = 1;
    CHECK_EQ(rondel_retain(child->task), 0);
    int64_t result = wait_for(me, child->task, CHILD, 0);
    if (is_done(child->task)) check_end(child);
    return result;
}

static void set_deadline(struct node *me, struct node *child) {
    int64_t ns = one_of(&me->random, 300) * RONDEL_US;
    if (child->deadline || is_done(child->task)) return;
    mark_lenient(child);
    child->deadline = rondel_clock() + ns;
    CHECK_EQ(rondel_timeout(child->task, ns), child->task);
}

/* A gather takes its parts, a wait does not. */
static int64_t combine_children(struct node *me, int gather) {
    rondel_future tasks[MOST_CHILDREN];
    int64_t results[MOST_CHILDREN], result;
    int count = me->child_count;
    if (count == 0 || world.freeing) return 0;
    for (int i = 0; i < count; i++) {
        struct node *child = &world.nodes[me->parts[i] = me->children[i]];
        tasks[i] = child->task;
        if (gather) CHECK_EQ(rondel_retain(child->task), 0);
    }
    if (!gather) {
        result = wait_for(me, rondel_wait(tasks, (size_t)count, RONDEL_FIRST_COMPLETED, RONDEL_FUTURE), FUTURE, 1);
        if (result != RONDEL_ECANCELED) CHECK(result >= 1 && result <= count);
        return result;
    }
    me->part_count = count;
    result = wait_for(me, rondel_gather(tasks, (size_t)count, results, RONDEL_FUTURE), GATHER, 0);
    if (result == 0)
        for (int i = 0; i < count; i++) CHECK_EQ(results[i], rondel_future_result(tasks[i]));
    return result;
}

static int64_t shield_child(struct node *me, struct node *child) {
    CHECK_EQ(rondel_retain(child->task), 0);
    return wait_for(me, rondel_shield(child->task, RONDEL_FUTURE), FUTURE, 0);
}

static int64_t use_lock(struct node *me) {
    int i = (int)one_of(&me->random, LOCKS);
    rondel_future turn = rondel_lock_acquire(world.locks[i], RONDEL_FUTURE);
    if (!is_done(turn)) world.line[i][world.line_length[i]++] = me;
    int64_t result = wait_for(me, turn, FUTURE, 1);
    if (result == 0) {
        /* Nobody who came earlier waits still, but for those whom a deadline may have sent away. */
        for (int j = 0; j < world.line_length[i] && world.line[i][j] != me; j++) CHECK(world.line[i][j]->lenient);
        CHECK_EQ(world.inside[i]++, 0);
        leave_line(me);
        result = wait_a_little(me);
        CHECK_EQ(--world.inside[i], 0);
        int64_t released = rondel_lock_release(world.locks[i]);
        CHECK_EQ(released, world.freeing ? RONDEL_EGONE : 0);
    }
    leave_line(me);
    return result;
}

static int64_t use_queue(struct node *me) {
    int64_t patience = one_of(&me->random, 100) * RONDEL_US, result;
    if (one_of(&me->random, 2)) {
        int item = world.items++;
        world.put[item] = TRIED;
        result = wait_for(me, rondel_timeout(rondel_queue_put(world.queue, item, RONDEL_FUTURE), patience), FUTURE, 1);
        world.put[item] = result == 0 ? DONE : REFUSED;
        if (result != 0) CHECK(!world.got[item]);
        return result == RONDEL_ETIMEDOUT ? 0 : result;
    }
    result = wait_for(me, rondel_timeout(rondel_queue_get(world.queue, RONDEL_FUTURE), patience), FUTURE, 1);
    if (result >= 0) {
        CHECK(world.put[result] == TRIED || world.put[result] == DONE);
        CHECK_EQ(world.got[result]++, 0);
    }
    return result == RONDEL_ETIMEDOUT || result > 0 ? 0 : result;
}

static int64_t take_step(struct node *me) {
    struct node *child = some_child(me);
    switch (one_of(&me->random, 14)) {
    case 0: case 1: case 2: return wait_a_little(me);
    case 3: case 4: case 5: return spawn_child(me), 0;
    case 6: return child ? await_child(me, child) : 0;
    case 7: return child ? set_deadline(me, child), await_child(me, child) : 0;
    case 8: return child ? shield_child(me, child) : 0;
    case 9: return combine_children(me, 1);
    case 10: return combine_children(me, 0);
    case 11: return cancel_anybody(&me->random), 0;
    case 12: return use_lock(me);
    default: return use_queue(me);
    }
}

static int64_t run_node(void *arg) {
    struct node *me = arg;
    int64_t result = 0;
    CHECK_EQ(me->begun++, 0);
    CHECK_EQ(rondel_task_current(), me->task);
    for (int i = 0; i < me->steps && !world.freeing; i++) {
        result = take_step(me);
        if (result == RONDEL_ECANCELED && !me->swallows) break;
        result = 0;
    }
    for (int i = 0; i < me->child_count; i++) {
        struct node *child = &world.nodes[me->children[i]];
        if (result < 0 && !is_done(child->task)) {
            model_cancel(child);
            CHECK_EQ(rondel_cancel(child->task), 0);
        }
        await_child(me, child);
        CHECK(is_done(child->task));
    }
    me->ended++;
    return me->returned = world.freeing || result < 0 ? RONDEL_ECANCELED : me->number;
}

static void strike(rondel_timer timer, int64_t periods, void *user_data) {
    (void)timer;
    (void)periods;
    if (one_of(user_data, 4) == 0) cancel_anybody(user_data);
}

/* ---- one seed */

static void run_world(uint64_t seed) {
    memset(&world, 0, sizeof world);
    world.random = seed * 0x9e3779b97f4a7c15u | 1;
    for (int i = 0; i < 8; i++) next_random(&world.random);
    world.loop = rondel_loop_new();
    REQUIRE(world.loop > 0);
    for (int i = 0; i < LOCKS; i++) world.locks[i] = rondel_lock_new(world.loop);
    world.queue = rondel_queue_new(world.loop, 2, RONDEL_QUEUE_FIFO);
    rondel_timer striker = rondel_timer_start(world.loop, 30 * RONDEL_US, 30 * RONDEL_US, strike, &world.random);
    struct node first = {.child_count = 0, .random = next_random(&world.random) | 1};
    spawn_child(&first);
    struct node *root = &world.nodes[0];
    root->steps = MOST_STEPS;
    int64_t turns = one_of(&world.random, 4) ? -1 : one_of(&world.random, 60);
    while (!is_done(root->task) && turns--) rondel_run(world.loop, turns < 0 ? RONDEL_RUN_ONCE : RONDEL_RUN_NOWAIT);
    if (is_done(root->task)) {
        for (int i = 0; i < world.count; i++) {
            check_end(&world.nodes[i]);
            CHECK_EQ(rondel_release(world.nodes[i].task), 0);
        }
        for (int64_t item; (item = rondel_queue_try_get(world.queue)) >= 0;) {
            CHECK_EQ(world.put[item], DONE);
            CHECK_EQ(world.got[item]++, 0);
        }
        for (int i = 0; i < world.items; i++) CHECK_EQ(world.got[i], world.put[i] == DONE);
        for (int i = 0; i < LOCKS; i++) CHECK_EQ(rondel_lock_held(world.locks[i]), 0);
        for (int i = 0; i < LOCKS; i++) CHECK_EQ(rondel_close(world.locks[i]), 0);
        CHECK_EQ(rondel_close(world.queue), 0);
        CHECK_EQ(rondel_close(striker), 0);
        CHECK_EQ(rondel_run(world.loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_EQ(rondel_metric(world.loop, RONDEL_METRIC_HANDLES), 1);
    }
    world.freeing = 1;
    CHECK_EQ(rondel_loop_free(world.loop), 0);
    for (int i = 0; i < world.count; i++) CHECK_EQ(world.nodes[i].begun, world.nodes[i].ended);
}

static uint64_t first_seed = 1, last_seed;

TEST(every_wait_gives_what_the_model_says) {
    uint64_t last = last_seed ? last_seed : (uint64_t)test_scale(4000, 150);
    for (uint64_t seed = first_seed; seed <= last; seed++) {
        run_world(seed);
        if (test_failures) {
            fprintf(stderr, "    seed %" PRIu64 "\n", seed);
            return;
        }
    }
}

int main(int argc, char **argv) {
    static const struct test tests[] = {RUN(every_wait_gives_what_the_model_says)};
    if (argc > 1) first_seed = last_seed = strtoull(argv[1], NULL, 10);
    return test_main(last_seed ? 1 : argc, argv, tests, 1);
}
