/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The library as a whole: its version, its clock, and the numbers that programs were compiled with. */
#include "support/test.h"

#include "support/steps.h"

#include <time.h>

TEST(the_version_is_the_headers) {
    char text[64];
    snprintf(text, sizeof text, "%d.%d.%d", (int)RONDEL_VERSION_MAJOR, (int)RONDEL_VERSION_MINOR,
             (int)RONDEL_VERSION_PATCH);
    CHECK_STR(rondel_version(), text);
    CHECK_STR(RONDEL_VERSION, text);
}

TEST(the_clock_never_goes_back_and_is_the_systems_monotonic_one) {
    int64_t last = rondel_clock();
    for (int i = 0; i < 100000; i++) {
        int64_t now = rondel_clock();
        if (now < last) CHECK(now >= last);
        last = now;
    }
#if defined(CLOCK_MONOTONIC) && defined(__linux__)
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    int64_t now = rondel_clock();
    clock_gettime(CLOCK_MONOTONIC, &after);
    CHECK(now >= before.tv_sec * RONDEL_SECOND + before.tv_nsec);
    CHECK(now <= after.tv_sec * RONDEL_SECOND + after.tv_nsec);
#endif
}

TEST(units_of_time_are_64_bits_wide) {
    CHECK_EQ(RONDEL_NS, 1);
    CHECK_EQ(RONDEL_US, 1000);
    CHECK_EQ(RONDEL_MS, 1000000);
    CHECK_EQ(RONDEL_SECOND, 1000000000);
    CHECK_EQ(RONDEL_FOREVER, INT64_MAX);
    CHECK_EQ(sizeof(RONDEL_SECOND), 8);
    CHECK_EQ(10 * RONDEL_SECOND, INT64_C(10000000000)); /* beyond 32 bits, without a cast */
}

/* Compiled programs carry these numbers: they never change. */
TEST(constants_keep_their_numbers) {
    const int64_t modes[] = {RONDEL_RUN_DEFAULT, RONDEL_RUN_ONCE, RONDEL_RUN_NOWAIT, RONDEL_RUN_FOREVER};
    const int64_t states[] = {RONDEL_PENDING, RONDEL_RUNNING, RONDEL_DONE, RONDEL_CANCELLED};
    const int64_t kinds[] = {RONDEL_KIND_LOOP, RONDEL_KIND_TIMER,   RONDEL_KIND_FUTURE, RONDEL_KIND_TCP,
                             RONDEL_KIND_IDLE, RONDEL_KIND_PREPARE, RONDEL_KIND_CHECK};
    const int64_t metrics[] = {RONDEL_METRIC_TURNS,     RONDEL_METRIC_EVENTS,    RONDEL_METRIC_IDLE_TIME,
                               RONDEL_METRIC_BUSY_TIME, RONDEL_METRIC_CALLBACKS, RONDEL_METRIC_HANDLES,
                               RONDEL_METRIC_POLLS,     RONDEL_METRIC_EVENTS_WAITING};
    const int64_t lanes[] = {RONDEL_POOL_WORK, RONDEL_POOL_FILES, RONDEL_POOL_NAMES};
    const int64_t pool[] = {RONDEL_POOL_THREADS,   RONDEL_POOL_IDLE,       RONDEL_POOL_QUEUED,  RONDEL_POOL_DONE,
                            RONDEL_POOL_WAIT_LAST, RONDEL_POOL_WAIT_TOTAL, RONDEL_POOL_WAIT_MAX};
    const int64_t resolve[] = {RONDEL_RESOLVE_IPV4,       RONDEL_RESOLVE_IPV6,      RONDEL_RESOLVE_NUMERIC,
                               RONDEL_RESOLVE_PASSIVE,    RONDEL_RESOLVE_CONFIGURED, RONDEL_RESOLVE_CANONICAL,
                               RONDEL_RESOLVE_DATAGRAM};
    const int64_t names[] = {RONDEL_NAME_NUMERIC_HOST, RONDEL_NAME_NUMERIC_SERVICE, RONDEL_NAME_REQUIRED,
                             RONDEL_NAME_DATAGRAM, RONDEL_NAME_LOCAL};
    for (int i = 0; i < 4; i++) CHECK_EQ(modes[i], i);
    for (int i = 0; i < 4; i++) CHECK_EQ(states[i], i);
    for (int i = 0; i < 7; i++) CHECK_EQ(kinds[i], i + 1);
    for (int i = 0; i < 8; i++) CHECK_EQ(metrics[i], i);
    for (int i = 0; i < 3; i++) CHECK_EQ(lanes[i], i);
    for (int i = 0; i < 7; i++) CHECK_EQ(pool[i], i);
    for (int i = 0; i < 7; i++) CHECK_EQ(resolve[i], 1 << i);
    for (int i = 0; i < 5; i++) CHECK_EQ(names[i], 1 << i);
}

TEST(structures_keep_their_layout) {
    CHECK_EQ(sizeof(rondel_handle), 8);
    CHECK_EQ(offsetof(rondel_completion, source), 0);
    CHECK_EQ(offsetof(rondel_completion, result), 8);
    CHECK_EQ(offsetof(rondel_completion, user_data), 16);
    CHECK_EQ(offsetof(rondel_buffer, bytes), 0);
    CHECK_EQ(offsetof(rondel_buffer, length), sizeof(void *));
    CHECK_EQ(offsetof(rondel_address, family), 0);
    CHECK_EQ(offsetof(rondel_address, port), 4);
    CHECK_EQ(offsetof(rondel_address, scope), 8);
    CHECK_EQ(offsetof(rondel_address, bytes), 12);
    CHECK_EQ(sizeof(rondel_address), 28);
}

TEST(keep_and_enqueue_may_be_called_and_do_nothing) {
    int data = 1;
    rondel_keep(1, 2, &data);
    rondel_enqueue(1, 2, &data);
    rondel_keep(0, 0, NULL);
    rondel_enqueue(0, 0, NULL);
    CHECK_EQ(data, 1);
}

TEST_MAIN(RUN(the_version_is_the_headers), RUN(the_clock_never_goes_back_and_is_the_systems_monotonic_one),
          RUN(units_of_time_are_64_bits_wide), RUN(constants_keep_their_numbers), RUN(structures_keep_their_layout),
          RUN(keep_and_enqueue_may_be_called_and_do_nothing))
