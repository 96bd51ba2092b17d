/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The calls of network interfaces, for the table in calls.h. */
#ifndef RONDEL_TEST_CALLS_INTERFACE_H
#define RONDEL_TEST_CALLS_INTERFACE_H

static rondel_interface call_interface = {.size = sizeof(rondel_interface)};
static rondel_interface_address call_interface_address = {.size = sizeof(rondel_interface_address)};

#define CALLS_OF_INTERFACE(CALL)                                                                                       \
    CALL(interfaces, LOOPS, (h, call_fn, &call_seen))                                                                  \
    CALL(interface_at, FUTURES, (h, 0, &call_interface))                                                               \
    CALL(interface_address_at, FUTURES, (h, 0, 0, &call_interface_address))

#endif
