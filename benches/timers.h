/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The work of the timer benchmark, the same for every library: a program defines the few operations below and
 * includes this last. Deadlines are the same pseudo-random milliseconds everywhere, for libuv knows no finer ones. */
#ifndef BENCH_TIMERS_H
#define BENCH_TIMERS_H

#include "common.h"

#define HOUR 3600000 /* ms */

/* Per library: */
static void timers_setup(size_t count);
static void timer_make(size_t index, int64_t ms); /* makes and starts it */
static void timer_move(size_t index, int64_t ms);   /* starts it anew, running or stopped */
static void timer_halt(size_t index);
static void timer_drop(size_t index);
static void timer_one_off(int64_t ms); /* fires once and leaves nothing behind */
static void timers_turn(void);         /* one turn that never blocks */
static void timers_settle(void);       /* turns until every destroyed timer is gone */

static size_t timers_fired;
static int64_t *timer_ms; /* drawn before the clock starts */

static void draw(size_t count, int64_t from, int64_t span) {
    static uint64_t x = 88172645463325252;
    for (size_t i = 0; i < count; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        timer_ms[i] = from + (int64_t)(x >> 1) % span;
    }
}

enum { CREATE, LATER, SOONER, HALT, RESTART, DISPATCH, LATER_DISPATCH, DESTROY, ONE_OFF, PHASES };
static const char *const phase_names[PHASES] = {
    "create and start", "re-arm, later", "re-arm, sooner", "stop", "start again",
    "dispatch", "re-arm later, then dispatch", "close and free", "one-off: start, fire, free"};
static int64_t phase_ns[PHASES];

/* Busy until all of them are overdue, so that what is timed is the dispatch and not the waiting. */
static void until_overdue(int64_t ms) {
    for (int64_t end = wall_ns() + (ms + 2) * 1000000; wall_ns() < end;) continue;
}

static void until_fired(size_t count) {
    while (timers_fired < count) timers_turn();
    timers_fired = 0;
}

#define TIMED(phase, ...)                     \
    do {                                      \
        int64_t from = cpu_ns();              \
        __VA_ARGS__;                          \
        phase_ns[phase] += cpu_ns() - from;   \
    } while (0)

static void timers_round(size_t count) {
    draw(count, HOUR, HOUR);
    TIMED(CREATE, for (size_t i = 0; i < count; i++) timer_make(i, timer_ms[i]));
    draw(count, 2 * HOUR, HOUR);
    TIMED(LATER, for (size_t i = 0; i < count; i++) timer_move(i, timer_ms[i]));
    draw(count, HOUR, HOUR);
    TIMED(SOONER, for (size_t i = 0; i < count; i++) timer_move(i, timer_ms[i]));
    TIMED(HALT, for (size_t i = 0; i < count; i++) timer_halt(i));
    draw(count, 1, 100);
    TIMED(RESTART, for (size_t i = 0; i < count; i++) timer_move(i, timer_ms[i]));
    until_overdue(101);
    TIMED(DISPATCH, until_fired(count));
    /* A library may only note a later deadline and pay when the old one comes up: here it pays inside the clock. */
    draw(count, 1, 20);
    for (size_t i = 0; i < count; i++) timer_move(i, timer_ms[i]);
    draw(count, 50, 50);
    TIMED(LATER_DISPATCH, for (size_t i = 0; i < count; i++) timer_move(i, timer_ms[i]));
    until_overdue(101);
    TIMED(LATER_DISPATCH, until_fired(count));
    TIMED(DESTROY, for (size_t i = 0; i < count; i++) timer_drop(i); timers_settle());
    draw(count, 1, 100);
    TIMED(ONE_OFF, for (size_t i = 0; i < count; i++) timer_one_off(timer_ms[i]));
    until_overdue(101);
    TIMED(ONE_OFF, until_fired(count); timers_settle());
}

/* timers_<library> COUNT ROUNDS: nanoseconds of CPU time for each timer and phase, as JSON. */
int main(int argc, char **argv) {
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
    size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    timer_ms = must_alloc(count * sizeof *timer_ms);
    timers_setup(count);
    for (size_t i = 0; i < rounds; i++) timers_round(count);
    for (int i = 0; i < PHASES; i++)
        printf("%s\"%s\": %.1f", i ? ", " : "{", phase_names[i], (double)phase_ns[i] / (double)(count * rounds));
    printf("}\n");
    return 0;
}

#endif
