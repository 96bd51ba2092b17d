/* SPDX-License-Identifier: MIT OR Apache-2.0
 * A look at network interfaces while the system does not answer, or answers with an error, or with what a system may say
 * that this one does not. This program's getifaddrs and freeifaddrs stand before the system's. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* RTLD_NEXT */
#endif

#include "support/test.h"

#include "support/futures.h"
#include "support/interfaces.h"
#include "support/net.h"

#ifdef __linux__
#include <dlfcn.h>
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <net/if.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int held, waiting, failing, asked, freed;
static struct ifaddrs *made_up;

int getifaddrs(struct ifaddrs **list) {
    int (*next)(struct ifaddrs **);
    pthread_mutex_lock(&mutex);
    asked++, waiting += held;
    pthread_cond_broadcast(&changed);
    const int was_held = held;
    while (held) pthread_cond_wait(&changed, &mutex);
    waiting -= was_held;
    const int error = failing;
    struct ifaddrs *rows = made_up;
    pthread_mutex_unlock(&mutex);
    if (error) return errno = error, -1;
    if (rows) return *list = rows, 0;
    *(void **)&next = dlsym(RTLD_NEXT, "getifaddrs");
    return next(list);
}

void freeifaddrs(struct ifaddrs *list) {
    void (*next)(struct ifaddrs *);
    pthread_mutex_lock(&mutex);
    freed++;
    const int own = list && list == made_up;
    pthread_mutex_unlock(&mutex);
    *(void **)&next = dlsym(RTLD_NEXT, "freeifaddrs");
    if (!own) next(list);
}

static void hold(void) {
    pthread_mutex_lock(&mutex);
    held = 1;
    pthread_mutex_unlock(&mutex);
}

static void wait_held(int count) {
    pthread_mutex_lock(&mutex);
    while (waiting < count) pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
}

static void *let_go(void *arg) {
    pthread_mutex_lock(&mutex);
    held = 0;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
    return arg;
}

TEST(cancelled_while_the_system_is_asked_it_completes_once_that_is_back) {
    struct seen seen[3] = {{0}};
    rondel_loop loop = rondel_loop_new();
    asked = freed = 0;
    hold();
    rondel_future looks[3];
    for (int i = 0; i < 3; i++) looks[i] = rondel_interfaces(loop, see, &seen[i]);
    wait_held(3);
    CHECK_EQ(rondel_cancel(looks[0]), 0);
    CHECK_EQ(rondel_timeout(looks[1], 0), looks[1]);
    net_settle(loop);
    for (int i = 0; i < 3; i++) CHECK_EQ(seen[i].calls, 0);
    let_go(NULL);
    run_dry(loop);
    const int64_t results[] = {RONDEL_ECANCELED, RONDEL_ETIMEDOUT};
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(seen[i].calls, 1);
        if (i < 2) CHECK_EQ(seen[i].result, results[i]);
    }
    CHECK(seen[2].result > 0);
    CHECK_EQ(asked, 3);
    CHECK_EQ(freed, 3);
    nothing_left(loop);
}

TEST(a_loop_that_is_freed_waits_for_the_system) {
    struct seen seen = {0};
    pthread_t thread;
    rondel_loop loop = rondel_loop_new();
    asked = freed = 0;
    hold();
    CHECK(rondel_interfaces(loop, see, &seen) > 0);
    wait_held(1);
    CHECK_EQ(pthread_create(&thread, NULL, let_go, NULL), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.result, RONDEL_ECANCELED);
    CHECK_EQ(asked, 1);
    CHECK_EQ(freed, 1);
}

TEST(an_error_of_the_system_is_the_result) {
    const int errors[] = {EMFILE, ENOMEM, EACCES};
    const int64_t results[] = {RONDEL_EMFILE, RONDEL_ENOMEM, RONDEL_EACCES};
    rondel_loop loop = rondel_loop_new();
    asked = freed = 0;
    for (int i = 0; i < 3; i++) {
        rondel_interface interface = {.size = sizeof interface};
        failing = errors[i];
        rondel_future look = rondel_interfaces(loop, RONDEL_FUTURE);
        run_dry(loop);
        CHECK_EQ(rondel_future_result(look), results[i]);
        CHECK_EQ(rondel_interface_at(look, 0, &interface), RONDEL_EINVAL);
        CHECK_EQ(rondel_release(look), 0);
    }
    failing = 0;
    CHECK_EQ(asked, 3);
    CHECK_EQ(freed, 0);
    nothing_left(loop);
}

/* Android tells apps of addresses alone, and a machine without any interface has no rows. */
TEST(rows_of_addresses_alone_are_enough) {
    struct sockaddr_in own, mask;
    struct ifaddrs row, bare;
    rondel_loop loop = rondel_loop_new();
    memset(&own, 0, sizeof own), memset(&row, 0, sizeof row), memset(&bare, 0, sizeof bare);
    own.sin_family = AF_INET;
    mask = own;
    own.sin_addr.s_addr = htonl(0x7f000001), mask.sin_addr.s_addr = htonl(0xff000000);
    row.ifa_name = (char *)"lo", row.ifa_flags = IFF_UP | IFF_LOOPBACK;
    row.ifa_addr = (struct sockaddr *)&own, row.ifa_netmask = (struct sockaddr *)&mask;
    row.ifa_next = &bare;
    /* It is not there any more, so it has no number. */
    bare.ifa_name = (char *)"gone-if0";
    made_up = &row;
    rondel_future look = look_at_interfaces(loop);
    made_up = NULL;
    REQUIRE_EQ(rondel_future_result(look), 1);
    rondel_interface interface = interface_at(look, 0);
    CHECK_STR(interface.name, "lo");
    CHECK_EQ(interface.index, rondel_interface_index("lo"));
    CHECK_EQ(interface.flags, RONDEL_INTERFACE_UP | RONDEL_INTERFACE_LOOPBACK);
    CHECK_EQ(interface.hardware_length, 0);
    CHECK_EQ(interface.addresses, 1);
    rondel_interface_address address = interface_address_at(look, 0, 0);
    CHECK_STR(address_text(&address.address), "127.0.0.1");
    CHECK_EQ(address.prefix, 8);
    CHECK_EQ(rondel_release(look), 0);
    nothing_left(loop);
}

/* InfiniBand's have 20 bytes. */
TEST(long_hardware_addresses_are_told_whole) {
    union {
        struct sockaddr_ll address;
        uint8_t bytes[64];
    } link;
    struct ifaddrs row;
    rondel_loop loop = rondel_loop_new();
    memset(&link, 0, sizeof link), memset(&row, 0, sizeof row);
    link.address.sll_family = AF_PACKET;
    link.address.sll_ifindex = 77;
    link.address.sll_halen = 20;
    for (int i = 0; i < 20; i++) link.bytes[offsetof(struct sockaddr_ll, sll_addr) + (size_t)i] = (uint8_t)(i + 1);
    row.ifa_name = (char *)"ib-test0", row.ifa_addr = (struct sockaddr *)&link;
    made_up = &row;
    rondel_future look = look_at_interfaces(loop);
    made_up = NULL;
    REQUIRE_EQ(rondel_future_result(look), 1);
    rondel_interface interface = interface_at(look, 0);
    CHECK_STR(interface.name, "ib-test0");
    CHECK_EQ(interface.index, 77);
    CHECK_EQ(interface.hardware_length, 20);
    for (int i = 0; i < 20; i++) CHECK_EQ(interface.hardware[i], i + 1);
    CHECK_EQ(rondel_release(look), 0);
    nothing_left(loop);
}

TEST_MAIN(RUN(cancelled_while_the_system_is_asked_it_completes_once_that_is_back),
          RUN(a_loop_that_is_freed_waits_for_the_system), RUN(an_error_of_the_system_is_the_result),
          RUN(rows_of_addresses_alone_are_enough), RUN(long_hardware_addresses_are_told_whole))
#else
TEST(the_system_can_be_held) { SKIP("no program's function stands before the system's here"); }
TEST_MAIN(RUN(the_system_can_be_held))
#endif
