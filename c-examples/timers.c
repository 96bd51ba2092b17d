/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Timers: what fires when, in which order, how often, and how to call it off.
 *
 *     timers
 *
 * Takes about a third of a second. Times are nanoseconds, written with units: 30 * RONDEL_MS. */
#define _POSIX_C_SOURCE 200809L
#include <rondel.h>
#include <stdio.h>
#include <time.h>

static int64_t started; /* on rondel_clock */
static int64_t problem; /* the first code below zero; main ends with 1 then */

static void check(int64_t code) {
    if (code < 0 && problem == 0) problem = code;
}

static void say(const char *what) {
    printf("%7.3f ms  %s\n", (double)(rondel_clock() - started) / (double)RONDEL_MS, what);
}

/* ---- one shot: by deadline, and those of one deadline in the order they were started in */

static void on_once(rondel_future call, int64_t result, void *user_data) {
    (void)call;
    check(result);
    say(user_data);
}

static void in_order(rondel_loop loop) {
    int64_t same = started + 40 * RONDEL_MS;
    check(rondel_call_at(loop, started + 30 * RONDEL_MS, on_once, "30 ms, started first"));
    check(rondel_call_at(loop, started + 10 * RONDEL_MS, on_once, "10 ms, started second"));
    check(rondel_call_at(loop, started + 20 * RONDEL_MS, on_once, "20 ms, started third"));
    check(rondel_call_at(loop, same, on_once, "40 ms, first of three with one deadline"));
    check(rondel_call_at(loop, same, on_once, "40 ms, second"));
    check(rondel_call_at(loop, same, on_once, "40 ms, third"));
    check(rondel_call_later(loop, 45 * RONDEL_MS, on_once, "45 ms from the call, not from the start"));
    check(rondel_call_soon(loop, on_once, "soon: in the next turn"));
}

/* ---- repeating: a loop that is late fires once, and says how many periods passed */

static void on_tick(rondel_timer timer, int64_t periods, void *user_data) {
    int64_t *ticks = user_data;
    char text[64];
    *ticks += periods;
    snprintf(text, sizeof text, "every 50 ms: %lld passed, %lld in all", (long long)periods, (long long)*ticks);
    say(text);
    if (*ticks >= 2 && *ticks - periods < 2) {
        struct timespec wait = {0, 120 * 1000000}; /* never do this: nothing else runs in the meantime */
        nanosleep(&wait, NULL);
        say("(120 ms spent in a callback)");
    }
    if (*ticks >= 6) check(rondel_close(timer)); /* a callback may close its own handle */
}

/* ---- called off */

static void on_cancelled(rondel_future call, int64_t result, void *user_data) {
    (void)call, (void)user_data;
    if (result == RONDEL_ECANCELED) say("the call in an hour: told once that it was cancelled");
    else check(RONDEL_ESTATE);
}

static void on_never(rondel_timer timer, int64_t periods, void *user_data) {
    (void)timer, (void)periods, (void)user_data;
    check(RONDEL_ESTATE);
}

static void call_off(rondel_loop loop) {
    /* A future always completes, so a cancelled call is told; a timer is a handle, so a stopped one is silent. */
    check(rondel_cancel(rondel_call_later(loop, 3600 * RONDEL_SECOND, on_cancelled, NULL)));
    rondel_timer timer = rondel_timer_start(loop, 3600 * RONDEL_SECOND, 0, on_never, NULL);
    check(rondel_timer_stop(timer));
    printf("stopped timer is due: %s\n", rondel_error_name(rondel_timer_due_in(timer)));
    check(rondel_close(timer));
}

int main(void) {
    int64_t ticks = 0;
    rondel_loop loop = rondel_loop_new();
    check(loop);
    started = rondel_clock();
    in_order(loop);
    check(rondel_timer_start(loop, 50 * RONDEL_MS, 50 * RONDEL_MS, on_tick, &ticks));
    call_off(loop);
    check(rondel_run(loop, RONDEL_RUN_DEFAULT)); /* ends by itself: nothing is left to wait for */
    say("nothing left to do");
    check(rondel_loop_free(loop));
    if (problem < 0) fprintf(stderr, "timers: %s\n", rondel_error_message(problem));
    return problem < 0;
}
