/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The calls that look into a loop, for the table in calls.h. */
#ifndef RONDEL_TEST_CALLS_DUMP_H
#define RONDEL_TEST_CALLS_DUMP_H

#define CALLS_OF_DUMP(CALL)                                                                                            \
    CALL(loop_dump, LOOPS, (h, NULL, 0))                                                                               \
    CALL(loop_print_on_signal, LOOPS, (h, SIGWINCH))                                                                     \
    CALL(set_trace, LOOPS, (h, NULL, NULL))                                                                            \
    CALL(last_turn, LOOPS, (h, &call_turn))

static rondel_turn call_turn = {sizeof(rondel_turn), 0, 0, 0, 0, 0, 0, 0};

#endif
