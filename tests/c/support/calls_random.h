/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The call for random bytes, for the table in calls.h. */
#ifndef RONDEL_TEST_CALLS_RANDOM_H
#define RONDEL_TEST_CALLS_RANDOM_H

static char call_random_bytes[16];

#define CALLS_OF_RANDOM(CALL)                                                                                          \
    CALL(random, LOOPS, (h, call_random_bytes, sizeof call_random_bytes, call_fn, &call_seen))

#endif
