/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The network interfaces of this machine, whatever they are, as others tell of them too; and every way in which a look
 * at them may end. */
#include "support/test.h"

#include "support/files.h"
#include "support/futures.h"
#include "support/interfaces.h"
#include "support/net.h"
#include "support/task.h"

#ifndef _WIN32
#include <net/if.h>
#endif

TEST(the_loopback_interface_is_there_with_its_address) {
    rondel_loop loop = rondel_loop_new();
    rondel_future look = look_at_interfaces(loop);
    int found = 0;
    for (int64_t i = 0; i < rondel_future_result(look); i++) {
        const rondel_interface interface = interface_at(look, (size_t)i);
        const int64_t at = address_of_interface(look, (size_t)i, "127.0.0.1");
        if (at < 0) continue;
        const rondel_interface_address address = interface_address_at(look, (size_t)i, (size_t)at);
        found++;
        CHECK(interface.flags & RONDEL_INTERFACE_LOOPBACK);
        CHECK(interface.flags & RONDEL_INTERFACE_UP);
        CHECK(interface.flags & RONDEL_INTERFACE_RUNNING);
        CHECK_EQ(address.address.port, 0);
        CHECK_EQ(address.address.scope, 0);
        CHECK_EQ(address.prefix, 8);
        CHECK_EQ(address.broadcast.family, 0);
        if (ON_WINDOWS) CHECK_EQ(address.peer.family, 0);
    }
    CHECK_EQ(found, 1);
    CHECK_EQ(rondel_release(look), 0);
    nothing_left(loop);
}

TEST(names_and_numbers_lead_to_each_other) {
    rondel_loop loop = rondel_loop_new();
    rondel_future look = look_at_interfaces(loop);
    const int64_t count = rondel_future_result(look);
    uint32_t before = 0;
    CHECK(count > 0);
    for (int64_t i = 0; i < count; i++) {
        char name[1024];
        const rondel_interface interface = interface_at(look, (size_t)i);
        CHECK(interface.index > before);
        before = interface.index;
        CHECK(interface.name[0] != 0);
        CHECK_EQ(rondel_interface_index(interface.name), interface.index);
        snprintf(name, sizeof name, "%u", (unsigned)interface.index);
        CHECK_EQ(rondel_interface_index(name), ON_WINDOWS ? (int64_t)interface.index : RONDEL_ENODEV);
        CHECK_EQ(rondel_interface_name(interface.index, NULL, 0), strlen(interface.name));
        CHECK_EQ(rondel_interface_name(interface.index, name, sizeof name), strlen(interface.name));
        CHECK_STR(name, interface.name);
        memset(name, 'x', sizeof name);
        CHECK_EQ(rondel_interface_name(interface.index, name, strlen(interface.name)), RONDEL_ENOBUFS);
        CHECK_EQ(name[0], 'x');
        CHECK_EQ(rondel_interface_name(interface.index, name, strlen(interface.name) + 1), strlen(interface.name));
        CHECK_STR(name, interface.name);
    }
    CHECK_EQ(rondel_release(look), 0);
    nothing_left(loop);
}

TEST(what_no_interface_has_leads_nowhere) {
    char name[300], text[64] = "as it was";
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = 0;
    CHECK_EQ(rondel_interface_index(NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_interface_index(""), RONDEL_EINVAL);
    CHECK_EQ(rondel_interface_index("no-such-if0"), RONDEL_ENODEV);
    CHECK_EQ(rondel_interface_index("2147483632"), RONDEL_ENODEV);
    CHECK_EQ(rondel_interface_index("\xff\xfe"), RONDEL_ENODEV);
    CHECK_EQ(rondel_interface_index(name), RONDEL_ENODEV);
    CHECK_EQ(rondel_interface_name(0, text, sizeof text), RONDEL_EINVAL);
    CHECK_EQ(rondel_interface_name(-1, text, sizeof text), RONDEL_EINVAL);
    CHECK_EQ(rondel_interface_name(INT64_MIN, text, sizeof text), RONDEL_EINVAL);
    CHECK_EQ(rondel_interface_name((int64_t)UINT32_MAX + 1, text, sizeof text), RONDEL_EINVAL);
    CHECK_EQ(rondel_interface_name(INT64_MAX, text, sizeof text), RONDEL_EINVAL);
    CHECK_EQ(rondel_interface_name(0x7ffffff0, text, sizeof text), RONDEL_ENODEV);
    CHECK_EQ(rondel_interface_name(UINT32_MAX, text, sizeof text), RONDEL_ENODEV);
    CHECK_STR(text, "as it was");
}

/* By the first letters of a name there is none either. */
TEST(a_name_that_only_begins_like_one_is_none) {
    if (ON_WINDOWS) SKIP("names have other lengths");
    rondel_loop loop = rondel_loop_new();
    rondel_future look = look_at_interfaces(loop);
    char name[64];
    for (int64_t i = 0; i < rondel_future_result(look); i++) {
        snprintf(name, sizeof name, "%s-and-so-on-and-so-forth", interface_at(look, (size_t)i).name);
        CHECK_EQ(rondel_interface_index(name), RONDEL_ENODEV);
    }
    CHECK_EQ(rondel_release(look), 0);
    nothing_left(loop);
}

TEST(a_struct_of_another_version_is_filled_as_far_as_it_goes) {
    struct {
        rondel_interface interface;
        uint8_t more[40];
    } later;
    struct {
        rondel_interface_address address;
        uint8_t more[40];
    } later_address;
    rondel_loop loop = rondel_loop_new();
    rondel_future look = look_at_interfaces(loop);
    memset(&later, 0x5a, sizeof later);
    later.interface.size = sizeof later - 8;
    CHECK_EQ(rondel_interface_at(look, 0, &later.interface), 0);
    CHECK_EQ(later.interface.size, sizeof later - 8);
    for (int i = 0; i < 40; i++) CHECK_EQ(later.more[i], i < 32 ? 0 : 0x5a);
    const size_t sizes[] = {0, 1, sizeof(rondel_interface) - 1, 4097, SIZE_MAX};
    for (int i = 0; i < 5; i++) {
        memset(&later, 0x5a, sizeof later);
        later.interface.size = sizes[i];
        CHECK_EQ(rondel_interface_at(look, 0, &later.interface), RONDEL_EINVAL);
        CHECK_EQ(later.interface.index, 0x5a5a5a5a);
    }
    for (int64_t i = 0; i < rondel_future_result(look); i++) {
        if (interface_at(look, (size_t)i).addresses == 0) continue;
        memset(&later_address, 0x5a, sizeof later_address);
        later_address.address.size = sizeof later_address - 8;
        CHECK_EQ(rondel_interface_address_at(look, (size_t)i, 0, &later_address.address), 0);
        CHECK_EQ(later_address.more[31], 0);
        CHECK_EQ(later_address.more[32], 0x5a);
        later_address.address.size = sizeof(rondel_interface_address) - 1;
        CHECK_EQ(rondel_interface_address_at(look, (size_t)i, 0, &later_address.address), RONDEL_EINVAL);
    }
    CHECK_EQ(rondel_release(look), 0);
    nothing_left(loop);
}

static void ask_in_vain(rondel_future future, int64_t expected) {
    rondel_interface interface;
    rondel_interface_address address;
    memset(&interface, 0x5a, sizeof interface);
    memset(&address, 0x5a, sizeof address);
    interface.size = sizeof interface;
    address.size = sizeof address;
    CHECK_EQ(rondel_interface_at(future, 0, &interface), expected);
    CHECK_EQ(rondel_interface_address_at(future, 0, 0, &address), expected);
    CHECK_EQ(interface.index, 0x5a5a5a5a);
    CHECK_EQ(address.address.family, 0x5a5a5a5a);
}

TEST(nothing_is_told_beyond_the_last_one_or_of_another_operation) {
    rondel_loop loop = rondel_loop_new();
    rondel_interface interface = {.size = sizeof interface};
    rondel_interface_address address = {.size = sizeof address};
    rondel_future look = rondel_interfaces(loop, RONDEL_FUTURE), other = rondel_call_soon(loop, RONDEL_FUTURE);
    ask_in_vain(look, RONDEL_EAGAIN);
    run_dry(loop);
    const size_t count = (size_t)rondel_future_result(look);
    CHECK_EQ(rondel_interface_at(look, count, &interface), RONDEL_EINVAL);
    CHECK_EQ(rondel_interface_at(look, SIZE_MAX, &interface), RONDEL_EINVAL);
    CHECK_EQ(rondel_interface_at(look, 0, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_interface_address_at(look, count, 0, &address), RONDEL_EINVAL);
    for (size_t i = 0; i < count; i++) {
        const size_t addresses = interface_at(look, i).addresses;
        CHECK_EQ(rondel_interface_address_at(look, i, addresses, &address), RONDEL_EINVAL);
        CHECK_EQ(rondel_interface_address_at(look, i, SIZE_MAX, &address), RONDEL_EINVAL);
        if (addresses > 0) CHECK_EQ(rondel_interface_address_at(look, i, 0, NULL), RONDEL_EINVAL);
    }
    ask_in_vain(other, RONDEL_EKIND);
    ask_in_vain(RONDEL_ECONNRESET, RONDEL_ECONNRESET);
    ask_in_vain(0, RONDEL_EINVAL);
    const uint8_t *bytes;
    rondel_address plain;
    rondel_dirent entry;
    CHECK_EQ(rondel_future_bytes(look, &bytes), RONDEL_EKIND);
    CHECK_EQ(rondel_resolve_addr(look, 0, &plain), RONDEL_EKIND);
    CHECK_EQ(rondel_dir_entry(look, 0, &entry), RONDEL_EKIND);
    CHECK_EQ(rondel_release(look), 0);
    CHECK_EQ(rondel_release(other), 0);
    ask_in_vain(look, RONDEL_EGONE);
    CHECK_EQ(rondel_interfaces(0, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_interfaces(RONDEL_ECONNRESET, net_never, NULL), RONDEL_ECONNRESET);
    nothing_left(loop);
}

static void count_them(rondel_handle source, int64_t result, void *user_data) {
    see(source, result, user_data);
    for (int64_t i = 0; i < result; i++) CHECK(interface_at(source, (size_t)i).name[0] != 0);
}

static int64_t await_them(void *arg) {
    (void)arg;
    rondel_future look = rondel_interfaces(rondel_loop_current(), RONDEL_FUTURE);
    CHECK_EQ(rondel_retain(look), 0);
    const int64_t count = rondel_await(look);
    for (int64_t i = 0; i < count; i++) CHECK(interface_at(look, (size_t)i).index > 0);
    CHECK_EQ(rondel_release(look), 0);
    return count;
}

TEST(a_look_is_told_of_in_every_way) {
    struct seen seen = {0};
    rondel_completion completion;
    rondel_loop loop = rondel_loop_new();
    CHECK(rondel_interfaces(loop, NULL, NULL) > 0);
    rondel_future told = rondel_interfaces(loop, count_them, &seen);
    CHECK_EQ(rondel_future_origin(told), loop);
    CHECK_EQ(seen.calls, 0);
    rondel_future queued = rondel_interfaces(loop, rondel_enqueue, &seen);
    run_dry(loop);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(seen.source, told);
    CHECK(seen.result > 0);
    ask_in_vain(told, RONDEL_EGONE);
    CHECK_EQ(rondel_next(loop, &completion, 1, 0), 1);
    CHECK_EQ(completion.source, queued);
    CHECK_EQ(completion.result, seen.result);
    CHECK(interface_at(queued, 0).index > 0);
    CHECK_EQ(rondel_next(loop, &completion, 1, 0), 0);
    ask_in_vain(queued, RONDEL_EGONE);
    CHECK_EQ(rondel_run_until(loop, rondel_task_spawn(loop, await_them, NULL)), seen.result);
    nothing_left(loop);
}

TEST(a_look_that_is_given_up_completes_once) {
    if (ON_WINDOWS) SKIP("a pipe of Unix keeps a thread busy");
    struct seen seen[4] = {{0}};
    struct busy busy;
    char text[2048];
    rondel_loop loop = rondel_loop_new();
    rondel_future looks[4];
    busy_begin(&busy, loop);
    for (int i = 0; i < 4; i++) looks[i] = rondel_interfaces(loop, count_them, &seen[i]);
    CHECK(rondel_loop_dump(loop, text, sizeof text) > 0);
    CHECK(strstr(text, "interfaces") != NULL);
    CHECK_EQ(rondel_retain(looks[0]), 0);
    CHECK_EQ(rondel_cancel(looks[0]), 0);
    CHECK_EQ(rondel_close(looks[1]), 0);
    CHECK_EQ(rondel_timeout(looks[2], 0), looks[2]);
    while (seen[2].calls == 0) CHECK_EQ(rondel_run(loop, RONDEL_RUN_ONCE), 1);
    ask_in_vain(looks[0], RONDEL_EINVAL);
    CHECK_EQ(rondel_release(looks[0]), 0);
    CHECK_EQ(seen[3].calls, 0);
    busy_let_go(&busy);
    run_dry(loop);
    const int64_t results[] = {RONDEL_ECANCELED, RONDEL_ECANCELED, RONDEL_ETIMEDOUT};
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(seen[i].calls, 1);
        if (i < 3) CHECK_EQ(seen[i].result, results[i]);
    }
    CHECK(seen[3].result > 0);
    busy_end(&busy);
    nothing_left(loop);
}

TEST(freeing_the_loop_ends_looks) {
    for (int i = 0; i < 20; i++) {
        struct seen seen[8] = {{0}};
        rondel_loop loop = rondel_loop_new();
        for (int j = 0; j < 8; j++) CHECK(rondel_interfaces(loop, count_them, &seen[j]) > 0);
        for (int j = 0; j < i; j++) rondel_run(loop, RONDEL_RUN_NOWAIT);
        CHECK_EQ(rondel_loop_free(loop), 0);
        for (int j = 0; j < 8; j++) {
            CHECK_EQ(seen[j].calls, 1);
            CHECK(seen[j].result > 0 || seen[j].result == RONDEL_ECANCELED);
        }
    }
}

static void check_read_back(const rondel_address *address, const char *scope) {
    char text[2048];
    rondel_address bare = *address, found;
    bare.scope = 0;
    snprintf(text, sizeof text, "%s%%%s", address_text(&bare), scope);
    memset(&found, 0, sizeof found);
    CHECK_EQ(rondel_address_parse(text, 0, &found), 0);
    CHECK_EQ(memcmp(&found, address, sizeof found), 0);
}

TEST(a_link_local_address_is_read_back_with_its_scope) {
    int seen = 0;
    rondel_address found;
    rondel_loop loop = rondel_loop_new();
    rondel_future look = look_at_interfaces(loop);
    for (int64_t i = 0; i < rondel_future_result(look); i++) {
        char number[32];
        const rondel_interface interface = interface_at(look, (size_t)i);
        snprintf(number, sizeof number, "%u", (unsigned)interface.index);
        for (size_t j = 0; j < interface.addresses; j++) {
            const rondel_interface_address address = interface_address_at(look, (size_t)i, j);
            const int link_local = !strncmp(address_text(&address.address), "fe80:", 5);
            CHECK_EQ(address.address.scope, link_local ? interface.index : 0);
            if (!link_local) continue;
            seen++;
            check_read_back(&address.address, number);
            if (!ON_WINDOWS) check_read_back(&address.address, interface.name);
        }
    }
    CHECK(rondel_address_parse("fe80::1%no-such-if0", 0, &found) < 0);
    CHECK_EQ(rondel_release(look), 0);
    nothing_left(loop);
    if (!seen) SKIP("no interface has a link-local address");
}

TEST(a_group_can_be_joined_where_an_interface_says_so) {
    if (ON_WINE) SKIP("wine's groups know interfaces by address only");
    if (ON_QEMU) SKIP("qemu does not pass on the options of groups");
    rondel_loop loop = rondel_loop_new();
    rondel_future look = look_at_interfaces(loop);
    int joined = 0;
    for (int64_t i = 0; i < rondel_future_result(look); i++) {
        const rondel_interface interface = interface_at(look, (size_t)i);
        if (interface.addresses == 0 || !(interface.flags & RONDEL_INTERFACE_RUNNING)) continue;
        if (!(interface.flags & (RONDEL_INTERFACE_MULTICAST | RONDEL_INTERFACE_LOOPBACK))) continue;
        rondel_udp udp = rondel_udp_bind(loop, "0.0.0.0", 0, 0);
        CHECK_EQ(rondel_udp_join(udp, "239.255.70.78", interface.name, NULL), 0);
        CHECK_EQ(rondel_close(udp), 0);
        joined++;
    }
    CHECK(joined > 0);
    CHECK_EQ(rondel_release(look), 0);
    run_dry(loop);
    nothing_left(loop);
}

#ifdef _WIN32
TEST(the_list_is_the_systems) { SKIP("there is nobody else to ask here"); }
#else
/* An interface may come or go between the two looks, so they are repeated until nothing has. */
TEST(the_list_is_the_systems) {
    rondel_loop loop = rondel_loop_new();
    struct if_nameindex *names = if_nameindex(), *again;
    for (int same = 0; !same; if_freenameindex(names), names = again) {
        rondel_future look = look_at_interfaces(loop);
        size_t count = 0, found = 0;
        again = if_nameindex();
        while (names[count].if_index && names[count].if_index == again[count].if_index) count++;
        same = names[count].if_index == again[count].if_index;
        for (size_t i = 0; same && i < count; i++)
            for (int64_t j = 0; j < rondel_future_result(look); j++)
                found += interface_at(look, (size_t)j).index == names[i].if_index &&
                         !strcmp(interface_at(look, (size_t)j).name, names[i].if_name);
        if (same) CHECK_EQ(found, count);
        if (same) CHECK_EQ(rondel_future_result(look), count);
        CHECK_EQ(rondel_release(look), 0);
    }
    if_freenameindex(names);
    nothing_left(loop);
}
#endif

/* What a file of Linux says of an interface; -1 if there is none. */
static int said(const char *name, const char *what, char *text, size_t size) {
    char path[512];
    snprintf(path, sizeof path, "/sys/class/net/%s/%s", name, what);
    FILE *file = fopen(path, "r");
    if (!file) return -1;
    size_t length = fread(text, 1, size - 1, file);
    fclose(file);
    while (length > 0 && text[length - 1] == '\n') length--;
    text[length] = 0;
    return (int)length;
}

TEST(numbers_and_hardware_are_what_linux_says_elsewhere) {
    if (ON_WINDOWS) SKIP("nothing else tells of interfaces here");
    rondel_loop loop = rondel_loop_new();
    rondel_future look = look_at_interfaces(loop);
    int seen = 0;
    for (int64_t i = 0; i < rondel_future_result(look); i++) {
        char text[256], hardware[128] = "";
        const rondel_interface interface = interface_at(look, (size_t)i);
        if (said(interface.name, "ifindex", text, sizeof text) < 0) continue;
        seen++;
        CHECK_EQ(strtol(text, NULL, 10), interface.index);
        if (said(interface.name, "mtu", text, sizeof text) > 0) CHECK_EQ(strtol(text, NULL, 10), interface.mtu);
        if (said(interface.name, "flags", text, sizeof text) > 0) {
            const long flags = strtol(text, NULL, 16);
            CHECK_EQ((flags & 1) != 0, (interface.flags & RONDEL_INTERFACE_UP) != 0);
            CHECK_EQ((flags & 2) != 0, (interface.flags & RONDEL_INTERFACE_BROADCAST) != 0);
            CHECK_EQ((flags & 8) != 0, (interface.flags & RONDEL_INTERFACE_LOOPBACK) != 0);
            CHECK_EQ((flags & 16) != 0, (interface.flags & RONDEL_INTERFACE_POINT_TO_POINT) != 0);
            CHECK_EQ((flags & 0x1000) != 0, (interface.flags & RONDEL_INTERFACE_MULTICAST) != 0);
        }
        for (uint32_t j = 0; j < interface.hardware_length; j++)
            snprintf(hardware + strlen(hardware), sizeof hardware - strlen(hardware), "%s%02x", j ? ":" : "",
                     interface.hardware[j]);
        if (said(interface.name, "address", text, sizeof text) >= 0) {
            if (strspn(text, "0:") == strlen(text)) text[0] = 0; /* zeros are no address */
            CHECK_STR(hardware, text);
        }
        for (size_t j = interface.hardware_length; j < sizeof interface.hardware; j++)
            CHECK_EQ(interface.hardware[j], 0);
    }
    CHECK_EQ(rondel_release(look), 0);
    nothing_left(loop);
    if (!seen) SKIP("nothing else tells of interfaces here");
}

TEST_MAIN(RUN(the_loopback_interface_is_there_with_its_address), RUN(names_and_numbers_lead_to_each_other),
          RUN(what_no_interface_has_leads_nowhere), RUN(a_name_that_only_begins_like_one_is_none),
          RUN(a_struct_of_another_version_is_filled_as_far_as_it_goes),
          RUN(nothing_is_told_beyond_the_last_one_or_of_another_operation), RUN(a_look_is_told_of_in_every_way),
          RUN(a_look_that_is_given_up_completes_once), RUN(freeing_the_loop_ends_looks),
          RUN(a_link_local_address_is_read_back_with_its_scope),
          RUN(a_group_can_be_joined_where_an_interface_says_so), RUN(the_list_is_the_systems),
          RUN(numbers_and_hardware_are_what_linux_says_elsewhere))
