/* SPDX-License-Identifier: MIT OR Apache-2.0
 * A lock and its conditions against a model of them: in whatever order there is acquiring, waiting, notifying,
 * cancelling and letting go, each gets the lock in its turn and no notice is lost. */
#include "support/test.h"

#include "support/steps.h"

enum { ROOM = 300, CONDITIONS = 2, LOCK = CONDITIONS };

/* One acquire or wait. It stands in line `line`: a condition's, the lock's, or none when it is done. */
struct party {
    rondel_future future;
    int condition; /* of a wait; LOCK for an acquire */
    int line;
    int let_go;
    int64_t reason; /* what it will end with */
};

static struct model {
    rondel_loop loop;
    rondel_lock lock;
    rondel_condition conditions[CONDITIONS];
    struct party parties[ROOM];
    int used, held;
    int lines[CONDITIONS + 1][ROOM], lengths[CONDITIONS + 1];
    uint64_t random;
} m;

static int roll(int sides) { return (int)(next_random(&m.random) % (uint64_t)sides); }

static void line_up(int party, int line) {
    m.parties[party].line = line;
    m.lines[line][m.lengths[line]++] = party;
}

static void leave_line(int party) {
    int line = m.parties[party].line, at = 0;
    while (m.lines[line][at] != party) at++;
    memmove(&m.lines[line][at], &m.lines[line][at + 1], (size_t)(--m.lengths[line] - at) * sizeof(int));
    m.parties[party].line = -1;
}

static void check_gone(int party) { CHECK_EQ(rondel_kind(m.parties[party].future), RONDEL_EGONE); }

static void end_party(int party, int64_t result) {
    CHECK_EQ(rondel_future_result(m.parties[party].future), result);
    m.parties[party].line = -1;
}

static void relock(int party) {
    if (m.held) {
        line_up(party, LOCK);
    } else {
        m.held = 1;
        end_party(party, m.parties[party].reason);
    }
}

/* Notifies the first that anybody would hear of; whether there was one. */
static int notify_one(int condition) {
    while (m.lengths[condition]) {
        int party = m.lines[condition][0];
        leave_line(party);
        if (!m.parties[party].let_go) {
            relock(party);
            return 1;
        }
    }
    return 0;
}

static void release_lock(void) {
    CHECK_EQ(rondel_lock_release(m.lock), m.held ? 0 : RONDEL_ESTATE);
    if (!m.held) return;
    while (m.lengths[LOCK]) {
        int party = m.lines[LOCK][0];
        leave_line(party);
        if (!m.parties[party].let_go) {
            end_party(party, m.parties[party].reason);
            return;
        }
        check_gone(party);
        if (m.parties[party].condition != LOCK && !m.parties[party].reason) notify_one(m.parties[party].condition);
    }
    m.held = 0;
}

static void acquire(void) {
    struct party party = {rondel_lock_acquire(m.lock, RONDEL_FUTURE), LOCK, -1, 0, 0};
    m.parties[m.used] = party;
    if (m.held) line_up(m.used, LOCK);
    else end_party(m.used, 0);
    m.held = 1;
    m.used++;
}

/* A wait begins and gives the lock to whoever is next. */
static void wait(int condition) {
    struct party party = {rondel_condition_wait(m.conditions[condition], RONDEL_FUTURE), condition, -1, 0, 0};
    if (!m.held) {
        CHECK_EQ(party.future, RONDEL_ESTATE);
        return;
    }
    int waits = m.used++;
    m.parties[waits] = party;
    line_up(waits, condition);
    while (m.lengths[LOCK]) {
        int next = m.lines[LOCK][0];
        leave_line(next);
        if (!m.parties[next].let_go) {
            end_party(next, m.parties[next].reason);
            return;
        }
        check_gone(next);
        if (m.parties[next].condition != LOCK && !m.parties[next].reason) notify_one(m.parties[next].condition);
    }
    m.held = 0;
}

static void notify(int condition) {
    int count = roll(3), notified = 0;
    int64_t result = rondel_condition_notify(m.conditions[condition], count);
    if (!m.held) {
        CHECK_EQ(result, RONDEL_ESTATE);
        return;
    }
    while (notified < count && notify_one(condition)) notified++;
    CHECK_EQ(result, notified);
}

static void cancelled(int party) {
    struct party *p = &m.parties[party];
    int was_notified = p->line == LOCK && p->condition != LOCK && !p->reason;
    if (p->line == LOCK && p->condition != LOCK && !p->let_go) { /* it still has to get the lock */
        if (!p->reason) p->reason = RONDEL_ECANCELED;
    } else if (p->line != LOCK && !p->let_go) {
        p->reason = RONDEL_ECANCELED;
        leave_line(party);
        relock(party);
    } else {
        leave_line(party);
        if (p->let_go) check_gone(party);
        else end_party(party, RONDEL_ECANCELED);
    }
    if (was_notified) notify_one(p->condition);
}

static void end_one(void) {
    if (!m.used) return;
    int party = roll(m.used);
    struct party *p = &m.parties[party];
    int pending = p->line >= 0;
    switch (p->let_go ? 0 : roll(3)) {
    case 0:
        CHECK_EQ(rondel_cancel(p->future), pending ? 0 : p->let_go ? RONDEL_EGONE : RONDEL_ESTATE);
        if (pending) cancelled(party);
        return;
    case 1:
        CHECK_EQ(rondel_release(p->future), 0);
        p->let_go = 1;
        return;
    default:
        p->let_go = 1;
        CHECK_EQ(rondel_close(p->future), 0);
        if (pending) cancelled(party);
        check_gone(party);
    }
}

static void play(uint64_t seed) {
    memset(&m, 0, sizeof m);
    m.random = seed * 0x9e3779b97f4a7c15u + 1;
    m.loop = rondel_loop_new();
    m.lock = rondel_lock_new(m.loop);
    for (int i = 0; i < CONDITIONS; i++) m.conditions[i] = rondel_condition_new(m.lock);
    while (m.used < ROOM) {
        switch (roll(10)) {
        case 0: case 1: acquire(); break;
        case 2: case 3: case 4: wait(roll(CONDITIONS)); break;
        case 5: notify(roll(CONDITIONS)); break;
        case 6: end_one(); break;
        case 7: case 8: release_lock(); break;
        default: rondel_run(m.loop, RONDEL_RUN_NOWAIT);
        }
        CHECK_EQ(rondel_lock_held(m.lock), m.held);
        int some = roll(m.used + 1);
        if (some < m.used && m.parties[some].line >= 0)
            CHECK_EQ(rondel_future_state(m.parties[some].future), RONDEL_PENDING);
    }
    CHECK_EQ(rondel_loop_free(m.loop), 0);
}

TEST(a_lock_and_its_conditions_do_what_their_model_does) {
    const int64_t seeds = test_scale(10000, 100);
    for (int64_t seed = 0; seed < seeds; seed++) {
        int before = test_failures;
        play((uint64_t)seed);
        if (test_failures != before) {
            fprintf(stderr, "    with seed %" PRId64 "\n", seed);
            return;
        }
    }
}

TEST_MAIN(RUN(a_lock_and_its_conditions_do_what_their_model_does))
