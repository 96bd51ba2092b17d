/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What the tests of combined futures share: promises by the dozen, and a long time. */
#ifndef RONDEL_TEST_FUTURES_H
#define RONDEL_TEST_FUTURES_H

#include "test.h"

/* Longer than any test lasts: what ends by itself only then is ended by something else. */
#define AGES (3600 * RONDEL_SECOND)

static inline void new_promises(rondel_loop loop, rondel_future *promises, int count) {
    for (int i = 0; i < count; i++) {
        promises[i] = rondel_future_new(loop);
        CHECK(promises[i] > 0);
    }
}

/* Sets a promise to a value, or lets it fail with a code. */
static inline void settle(rondel_future promise, int64_t result) {
    CHECK_EQ(result < 0 ? rondel_future_fail(promise, result) : rondel_future_set(promise, result), 0);
}

/* Runs until everything that is due was told. Promises and what waits for them keep no loop alive. */
static inline void run_dry(rondel_loop loop) { CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0); }

/* The end of a test: nothing but the loop itself is left in it. */
static inline void nothing_left(rondel_loop loop) {
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static inline void check_numbers(const int64_t *numbers, const int64_t *expected, int count) {
    for (int i = 0; i < count; i++) CHECK_EQ(numbers[i], expected[i]);
}

#endif
