/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The calls of name look-ups, for the table in calls.h. */
#ifndef RONDEL_TEST_CALLS_RESOLVE_H
#define RONDEL_TEST_CALLS_RESOLVE_H

#define CALLS_OF_RESOLVE(CALL)                                                                                         \
    CALL(resolve_name, LOOPS, (h, &call_loopback, RONDEL_NAME_NUMERIC_HOST, call_fn, &call_seen))                      \
    CALL(resolve_host, FUTURES, (h, NULL, 0))                                                                          \
    CALL(resolve_service, FUTURES, (h, NULL, 0))

static const rondel_address call_loopback = {4, 80, 0, {127, 0, 0, 1}};

#endif
