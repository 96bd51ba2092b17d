/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Random trees of combined futures, cancelled, closed and set at random until their loop is freed. What each of them
 * promises is checked when it completes; results are lent from the heap and given back in that moment, so that a memory
 * checker sees a result that comes later. */
#include "support/test.h"

#include "support/futures.h"
#include "support/steps.h"

enum kind { PROMISE, SOON, LATER, WORK, TASK, LEAVES, GATHER = LEAVES, GATHER_ALL, WAIT, SHIELD, JOIN, NEXT, KINDS };
enum { PARTS = 5, NODES = 600 };

struct node {
    struct tree *tree;
    enum kind kind;
    rondel_future future;
    int64_t calls, result;
    int how;           /* of a wait */
    int cancelled;     /* it was asked to end, and agreed */
    int has_deadline;
    int parts;         /* how many nodes follow in `part` */
    struct node *part[PARTS];
    int64_t *results;  /* of a gather */
    rondel_handle owner; /* the group of a join, the iterator of a next */
};

struct tree {
    rondel_loop loop;
    uint64_t random;
    int nodes, freed;
    struct node node[NODES];
};

static int64_t ways[KINDS][4]; /* how they ended: value, error, cancelled, timed out */

static int64_t roll(struct tree *tree, int64_t sides) { return (int64_t)(next_random(&tree->random) % (uint64_t)sides); }

static int is_code(int64_t result) {
    return result == RONDEL_EPIPE || result == RONDEL_EIO || result == RONDEL_ECANCELED || result == RONDEL_ETIMEDOUT;
}

/* All parts have ended, and told before. */
static void all_parts_ended(struct node *node) {
    for (int i = 0; i < node->parts; i++) CHECK_EQ(node->part[i]->calls, 1);
}

static int failed_parts(struct node *node) {
    int failed = 0;
    for (int i = 0; i < node->parts; i++) failed += node->part[i]->result < 0;
    return failed;
}

static void check_gather(struct node *node) {
    int64_t *results = node->results, result = node->result;
    for (int i = 0; i < node->parts; i++) {
        /* After an error a part may have ended between the end of the gather and the telling of it. */
        if (results[i] == RONDEL_EAGAIN) CHECK(node->kind == GATHER && result < 0 && !node->cancelled);
        else if (node->part[i]->calls) CHECK_EQ(results[i], node->part[i]->result);
    }
    if (node->cancelled) CHECK(result == RONDEL_ECANCELED || result == RONDEL_ETIMEDOUT);
    if (node->cancelled || result >= 0 || node->kind == GATHER_ALL) all_parts_ended(node);
    if (result >= 0) CHECK_EQ(failed_parts(node), node->kind == GATHER ? 0 : result);
}

static void check_wait(struct node *node) {
    int done = 0;
    if (node->result < 0) {
        CHECK_EQ(node->result, RONDEL_ECANCELED); /* that its time is over is no error */
        return;
    }
    for (int i = 0; i < node->parts; i++) done += node->part[i]->calls > 0;
    CHECK(node->result <= node->parts);
    if (!node->has_deadline && node->how == RONDEL_ALL_COMPLETED) CHECK_EQ(node->result, node->parts);
    if (!node->has_deadline) CHECK(node->result > 0);
    if (node->result == node->parts) CHECK(done > 0 || node->has_deadline);
}

static void ended(rondel_handle source, int64_t result, void *user_data) {
    struct node *node = user_data;
    CHECK_EQ(source, node->future);
    CHECK_EQ(++node->calls, 1);
    node->result = result;
    ways[node->kind][result >= 0 ? 0 : result == RONDEL_ECANCELED ? 2 : result == RONDEL_ETIMEDOUT ? 3 : 1]++;
    if (node->kind != NEXT) CHECK(result >= 0 || is_code(result));
    switch (node->kind) {
    case GATHER:
    case GATHER_ALL: check_gather(node); break;
    case WAIT: check_wait(node); break;
    case SHIELD:
        if (result != RONDEL_ECANCELED && result != RONDEL_ETIMEDOUT) CHECK_EQ(node->part[0]->result, result);
        break;
    case JOIN:
        all_parts_ended(node);
        if (result == 0)
            for (int i = 0; i < node->parts; i++)
                CHECK(node->part[i]->result >= 0 || node->part[i]->result == RONDEL_ECANCELED);
        break;
    case NEXT:
        if (result >= 0) CHECK_EQ(node->part[result]->calls, 1);
        else CHECK(result == RONDEL_EOF || result == RONDEL_ECANCELED || result == RONDEL_ETIMEDOUT);
        break;
    default: break;
    }
    free(node->results);
    node->results = NULL;
    if (node->owner && !node->tree->freed && roll(node->tree, 2)) rondel_close(node->owner);
}

static int64_t work(void *arg) { return (int64_t)(intptr_t)arg; }

static int64_t task(void *arg) {
    struct node *node = arg;
    for (int i = (int)roll(node->tree, 4); i > 0; i--) {
        int64_t slept = rondel_sleep(roll(node->tree, 3) ? roll(node->tree, RONDEL_MS) : 0);
        if (slept == 0) continue;
        CHECK_EQ(slept, RONDEL_ECANCELED);
        switch (roll(node->tree, 4)) {
        case 0: return RONDEL_EIO;
        case 1: rondel_yield(); return slept;
        case 2: break; /* swallows it */
        default: return slept;
        }
    }
    return roll(node->tree, 4) ? 3 : RONDEL_EPIPE;
}

/* `count` nodes that are pending and no node's part yet; fewer if there are not so many. */
static int take_parts(struct tree *tree, struct node *node, int count, char *taken) {
    for (int tries = 0; node->parts < count && tree->nodes && tries < 40; tries++) {
        int i = (int)roll(tree, tree->nodes);
        if (taken[i] || tree->node[i].calls || &tree->node[i] == node) continue;
        taken[i] = 1;
        node->part[node->parts++] = &tree->node[i];
    }
    return node->parts;
}

static void begin(struct tree *tree, char *taken) {
    struct node *node = &tree->node[tree->nodes];
    rondel_future futures[PARTS];
    memset(node, 0, sizeof *node);
    node->tree = tree;
    node->kind = (enum kind)roll(tree, KINDS);
    if (node->kind >= LEAVES && !take_parts(tree, node, node->kind == SHIELD ? 1 : 1 + (int)roll(tree, PARTS), taken))
        node->kind = PROMISE;
    for (int i = 0; i < node->parts; i++) futures[i] = node->part[i]->future;
    const size_t n = (size_t)node->parts;
    const int then = node->kind == PROMISE || node->kind == TASK;
    switch (node->kind) {
    case PROMISE: node->future = rondel_future_new(tree->loop); break;
    case SOON: node->future = rondel_call_soon(tree->loop, ended, node); break;
    case LATER: node->future = rondel_call_later(tree->loop, roll(tree, 2 * RONDEL_MS), ended, node); break;
    case WORK:
        node->future = rondel_work(tree->loop, work, (void *)(intptr_t)(roll(tree, 4) ? 5 : RONDEL_EIO), ended, node);
        break;
    case TASK: node->future = rondel_task_spawn(tree->loop, task, node); break;
    case GATHER:
    case GATHER_ALL:
        node->results = malloc(n * sizeof *node->results);
        node->future = (node->kind == GATHER ? rondel_gather : rondel_gather_all)(futures, n, node->results, ended, node);
        break;
    case WAIT:
        node->how = (int)roll(tree, 3);
        node->future = rondel_wait(futures, n, node->how, ended, node);
        break;
    case SHIELD: node->future = rondel_shield(futures[0], ended, node); break;
    case JOIN:
        node->owner = rondel_group_new(tree->loop);
        for (size_t i = 0; i < n; i++) CHECK_EQ(rondel_group_add(node->owner, futures[i]), futures[i]);
        node->future = rondel_group_join(node->owner, ended, node);
        break;
    default:
        node->owner = rondel_as_completed(futures, n);
        node->future = rondel_as_completed_next(node->owner, ended, node);
        break;
    }
    CHECK(node->future > 0);
    if (then) CHECK_EQ(rondel_future_then(node->future, ended, node), 0);
    if (roll(tree, 5) == 0) {
        node->has_deadline = 1;
        CHECK_EQ(rondel_timeout(node->future, roll(tree, RONDEL_MS)), node->future);
    }
    tree->nodes++;
}

static void meddle(struct tree *tree) {
    struct node *node = &tree->node[roll(tree, tree->nodes)];
    if (node->calls) return;
    switch (roll(tree, 8)) {
    case 0:
    case 1: node->cancelled |= rondel_cancel(node->future) == 0; break;
    case 2:
        if (node->kind == JOIN) rondel_group_cancel(node->owner);
        break;
    case 3:
        if (node->owner && roll(tree, 4) == 0) rondel_close(node->owner);
        break;
    default:
        if (node->kind == PROMISE) rondel_future_set(node->future, roll(tree, 100));
        if (node->kind == PROMISE && roll(tree, 3) == 0) rondel_future_fail(node->future, RONDEL_EPIPE);
        break;
    }
}

/* A mix that never fails would prove little. */
static int all_ways_seen(void) {
    for (int kind = 0; kind < KINDS; kind++) {
        const int timed = kind != SOON && kind != WORK && kind != WAIT && kind != PROMISE && !test_small();
        if (!ways[kind][0] || !ways[kind][2] || (timed && !ways[kind][3])) return 0;
    }
    return 1;
}

TEST(whatever_is_done_to_them_each_keeps_its_promise) {
    const int64_t seeds = test_scale(5000, 60);
    struct tree *tree = malloc(sizeof *tree);
    static char taken[NODES];
    /* With the last loop the workers leave, and new ones may come too late for what a tree starts. */
    rondel_loop keeper = rondel_loop_new();
    CHECK_EQ(rondel_run_until(keeper, rondel_work(keeper, work, NULL, RONDEL_FUTURE)), 0);
    for (int64_t seed = 1; seed <= seeds || !all_ways_seen(); seed++) { /* hangs if one is never seen */
        tree->loop = rondel_loop_new();
        tree->random = (uint64_t)seed * 0x9e3779b97f4a7c15u;
        tree->nodes = tree->freed = 0;
        memset(taken, 0, sizeof taken);
        for (int64_t turns = roll(tree, 60); turns >= 0 && tree->nodes < NODES - 10; turns--) {
            for (int i = 0; i < 10; i++) begin(tree, taken);
            for (int i = 0; i < 12; i++) meddle(tree);
            rondel_run(tree->loop, RONDEL_RUN_NOWAIT);
        }
        tree->freed = 1;
        CHECK_EQ(rondel_loop_free(tree->loop), 0);
        for (int i = 0; i < tree->nodes; i++) {
            if (tree->node[i].calls != 1) CHECK_EQ(tree->node[i].kind, -1);
            CHECK_EQ(tree->node[i].calls, 1);
        }
    }
    free(tree);
    CHECK_EQ(rondel_loop_free(keeper), 0);
}

TEST_MAIN(RUN(whatever_is_done_to_them_each_keeps_its_promise))
