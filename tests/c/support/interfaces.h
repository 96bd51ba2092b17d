/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What the tests of network interfaces share: a look at all of them, and one among them by name. */
#ifndef RONDEL_TEST_INTERFACES_H
#define RONDEL_TEST_INTERFACES_H

#include "futures.h"
#include "test.h"

static inline rondel_interface interface_at(rondel_future look, size_t index) {
    rondel_interface interface;
    memset(&interface, 0x5a, sizeof interface);
    interface.size = sizeof interface;
    CHECK_EQ(rondel_interface_at(look, index, &interface), 0);
    CHECK_EQ(interface.size, sizeof interface);
    return interface;
}

static inline rondel_interface_address interface_address_at(rondel_future look, size_t index, size_t which) {
    rondel_interface_address address;
    memset(&address, 0x5a, sizeof address);
    address.size = sizeof address;
    CHECK_EQ(rondel_interface_address_at(look, index, which, &address), 0);
    CHECK_EQ(address.size, sizeof address);
    return address;
}

/* Looks at all of them; the future is the caller's to release. */
static inline rondel_future look_at_interfaces(rondel_loop loop) {
    rondel_future look = rondel_interfaces(loop, RONDEL_FUTURE);
    CHECK(look > 0);
    run_dry(loop);
    CHECK(rondel_future_result(look) >= 0);
    return look;
}

/* Where the interface of this name is in a look; -1 if it is not there. */
static inline int64_t interface_named(rondel_future look, const char *name) {
    const int64_t count = rondel_future_result(look);
    for (int64_t i = 0; i < count; i++)
        if (!strcmp(interface_at(look, (size_t)i).name, name)) return i;
    return -1;
}

/* An address as text, of one of the last four. */
static inline const char *address_text(const rondel_address *address) {
    static char texts[4][64];
    static int next;
    char *text = texts[next++ % 4];
    if (rondel_address_text(address, text, sizeof texts[0]) < 0) snprintf(text, sizeof texts[0], "none");
    return text;
}

/* Which of an interface's addresses has this text; -1 if none has. */
static inline int64_t address_of_interface(rondel_future look, size_t index, const char *text) {
    const rondel_interface interface = interface_at(look, index);
    for (size_t i = 0; i < interface.addresses; i++) {
        const rondel_interface_address address = interface_address_at(look, index, i);
        if (!strcmp(address_text(&address.address), text)) return (int64_t)i;
    }
    return -1;
}

#endif
