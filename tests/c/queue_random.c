/* SPDX-License-Identifier: MIT OR Apache-2.0
 * A queue against a model of it: whatever is put, got, cancelled and let go in whatever order, every item is got once,
 * in its order, by the one whose turn it is. */
#include "support/test.h"

#include "support/steps.h"

enum { ROOM = 400 };

struct item {
    int64_t priority, number, value;
};

struct waiting {
    rondel_future future;
    struct item item; /* a put's, or what a get that is done was given */
    int let_go;
};

struct list {
    struct waiting rows[ROOM];
    int count;
};

static struct model {
    rondel_loop loop;
    rondel_queue queue;
    int order, shut, dropped;
    int64_t capacity, numbers, values, unfinished;
    struct item items[ROOM];
    int count;
    struct list puts, gets, done; /* done: gets whose item nobody has heard of */
    rondel_future joins[ROOM];
    int joining;
    uint64_t random;
} m;

static int roll(int sides) { return (int)(next_random(&m.random) % (uint64_t)sides); }

static struct waiting take_row(struct list *list, int row) {
    struct waiting taken = list->rows[row];
    memmove(&list->rows[row], &list->rows[row + 1], (size_t)(--list->count - row) * sizeof *list->rows);
    return taken;
}

static int comes_before(const struct item *a, const struct item *b) {
    if (m.order == RONDEL_QUEUE_LIFO) return a->number > b->number;
    if (m.order == RONDEL_QUEUE_PRIORITY && a->priority != b->priority) return a->priority < b->priority;
    return a->number < b->number;
}

static struct item pop_item(void) {
    int best = 0;
    for (int i = 1; i < m.count; i++)
        if (comes_before(&m.items[i], &m.items[best])) best = i;
    struct item item = m.items[best];
    m.items[best] = m.items[--m.count];
    return item;
}

static void finish_one(void) {
    if (--m.unfinished > 0) return;
    for (int i = 0; i < m.joining; i++) {
        CHECK_EQ(rondel_future_result(m.joins[i]), 0);
        CHECK_EQ(rondel_release(m.joins[i]), 0);
    }
    m.joining = 0;
}

/* An item goes to the first get that anybody would hear of, or into the queue. */
static void give(struct item item) {
    while (m.gets.count) {
        struct waiting get = take_row(&m.gets, 0);
        if (get.let_go) {
            CHECK_EQ(rondel_kind(get.future), RONDEL_EGONE);
            continue;
        }
        get.item = item;
        m.done.rows[m.done.count++] = get;
        return;
    }
    m.items[m.count++] = item;
}

static void take_in(int64_t priority, int64_t value) {
    struct item item = {priority, ++m.numbers, value};
    m.unfinished++;
    give(item);
}

static int is_full(void) { return m.capacity && m.count >= m.capacity; }

static void fill_up(void) {
    while (m.puts.count && !is_full()) {
        struct waiting put = take_row(&m.puts, 0);
        if (!put.let_go) {
            CHECK_EQ(rondel_future_result(put.future), 0);
            CHECK_EQ(rondel_release(put.future), 0);
        }
        take_in(put.item.priority, put.item.value);
    }
}

static void put(void) {
    int64_t value = m.values++, priority = m.order == RONDEL_QUEUE_PRIORITY ? roll(4) - 2 : 0;
    int64_t expected = m.shut ? RONDEL_ESHUTDOWN : is_full() ? RONDEL_EAGAIN : 0;
    if (roll(2)) {
        CHECK_EQ(m.order == RONDEL_QUEUE_PRIORITY ? rondel_queue_try_put_priority(m.queue, priority, value)
                                                  : rondel_queue_try_put(m.queue, value), expected);
        if (expected == 0) take_in(priority, value);
        return;
    }
    rondel_future future = m.order == RONDEL_QUEUE_PRIORITY
                               ? rondel_queue_put_priority(m.queue, priority, value, RONDEL_FUTURE)
                               : rondel_queue_put(m.queue, value, RONDEL_FUTURE);
    if (expected == RONDEL_ESHUTDOWN) {
        CHECK_EQ(future, RONDEL_ESHUTDOWN);
    } else if (expected == 0) {
        CHECK_EQ(rondel_future_result(future), 0);
        CHECK_EQ(rondel_release(future), 0);
        take_in(priority, value);
    } else {
        struct waiting row = {future, {priority, 0, value}, 0};
        m.puts.rows[m.puts.count++] = row;
    }
}

static void get(void) {
    int64_t expected = m.count ? 0 : m.shut ? RONDEL_ESHUTDOWN : RONDEL_EAGAIN;
    if (roll(2)) {
        struct item item = {0, 0, expected};
        if (m.count) item = pop_item();
        CHECK_EQ(rondel_queue_try_get(m.queue), item.value);
        if (expected == 0) fill_up();
        return;
    }
    rondel_future future = rondel_queue_get(m.queue, RONDEL_FUTURE);
    struct waiting row = {future, {0, 0, 0}, 0};
    if (expected == RONDEL_ESHUTDOWN) {
        CHECK_EQ(future, RONDEL_ESHUTDOWN);
    } else if (expected == 0) {
        row.item = pop_item();
        m.done.rows[m.done.count++] = row;
        fill_up();
    } else {
        m.gets.rows[m.gets.count++] = row;
    }
}

/* A wait is cancelled, or let go, or both. */
static void leave(struct list *list) {
    if (!list->count) return;
    int row = roll(list->count);
    struct waiting *waiting = &list->rows[row];
    switch (waiting->let_go ? 0 : roll(3)) {
    case 0:
        CHECK_EQ(rondel_cancel(waiting->future), 0);
        if (!waiting->let_go) {
            CHECK_EQ(rondel_future_result(waiting->future), RONDEL_ECANCELED);
            CHECK_EQ(rondel_release(waiting->future), 0);
        }
        break;
    case 1:
        CHECK_EQ(rondel_close(waiting->future), 0);
        break;
    default:
        CHECK_EQ(rondel_release(waiting->future), 0);
        waiting->let_go = 1;
        return;
    }
    CHECK_EQ(rondel_kind(waiting->future), RONDEL_EGONE);
    take_row(list, row);
}

/* A get that is done is looked at, or let go unheard. */
static void end_get(void) {
    if (!m.done.count) return;
    struct waiting get = take_row(&m.done, roll(m.done.count));
    CHECK_EQ(rondel_future_state(get.future), RONDEL_DONE);
    if (roll(2)) {
        CHECK_EQ(rondel_future_result(get.future), get.item.value);
        CHECK_EQ(rondel_release(get.future), 0);
        return;
    }
    CHECK_EQ(rondel_cancel(get.future), RONDEL_ESTATE);
    CHECK_EQ(roll(2) ? rondel_close(get.future) : rondel_release(get.future), 0);
    if (!m.dropped) give(get.item);
    else if (m.unfinished) finish_one();
}

static void task_done(void) {
    CHECK_EQ(rondel_queue_task_done(m.queue), m.unfinished ? 0 : RONDEL_ESTATE);
    if (m.unfinished) finish_one();
}

static void join(void) {
    rondel_future future = rondel_queue_join(m.queue, RONDEL_FUTURE);
    if (m.unfinished) {
        m.joins[m.joining++] = future;
    } else {
        CHECK_EQ(rondel_future_result(future), 0);
        CHECK_EQ(rondel_release(future), 0);
    }
}

static void end_list(struct list *list) {
    while (list->count) {
        struct waiting waiting = take_row(list, 0);
        if (waiting.let_go) continue;
        CHECK_EQ(rondel_future_result(waiting.future), RONDEL_ESHUTDOWN);
        CHECK_EQ(rondel_release(waiting.future), 0);
    }
}

static void shut_down(void) {
    int immediate = roll(2);
    CHECK_EQ(rondel_queue_shutdown(m.queue, immediate), 0);
    m.shut = 1;
    while (immediate && m.count) {
        pop_item();
        if (m.unfinished) finish_one();
    }
    m.dropped |= immediate;
    end_list(&m.puts);
    end_list(&m.gets);
}

static void step(int steps_left) {
    switch (roll(12)) {
    case 0: case 1: case 2: put(); break;
    case 3: case 4: get(); break;
    case 5: leave(&m.puts); break;
    case 6: leave(&m.gets); break;
    case 7: case 8: end_get(); break;
    case 9: task_done(); break;
    case 10: if (roll(4) == 0) join(); break;
    default:
        if (steps_left < 40 && roll(10) == 0) shut_down();
        else rondel_run(m.loop, RONDEL_RUN_NOWAIT);
    }
    CHECK_EQ(rondel_queue_size(m.queue), m.count);
}

static void play(uint64_t seed) {
    memset(&m, 0, sizeof m);
    m.random = seed * 0x9e3779b97f4a7c15u + 1;
    m.loop = rondel_loop_new();
    m.order = roll(3);
    m.capacity = roll(5);
    m.queue = rondel_queue_new(m.loop, m.capacity, m.order);
    for (int i = 300; i > 0; i--) step(i);
    /* What is left comes out in its order. */
    while (m.gets.count) {
        if (!m.gets.rows[0].let_go) CHECK_EQ(rondel_future_state(m.gets.rows[0].future), RONDEL_PENDING);
        take_row(&m.gets, 0);
    }
    while (m.count) {
        struct item item = pop_item();
        CHECK_EQ(rondel_queue_try_get(m.queue), item.value);
        fill_up();
    }
    CHECK(rondel_queue_try_get(m.queue) < 0);
    CHECK_EQ(rondel_loop_free(m.loop), 0);
}

TEST(a_queue_does_what_its_model_does) {
    const int64_t seeds = test_scale(20000, 200);
    for (int64_t seed = 0; seed < seeds; seed++) {
        int before = test_failures;
        play((uint64_t)seed);
        if (test_failures != before) {
            fprintf(stderr, "    with seed %" PRId64 "\n", seed);
            return;
        }
    }
}

TEST_MAIN(RUN(a_queue_does_what_its_model_does))
