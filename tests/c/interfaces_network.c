/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Network interfaces in a network of the test's own, where it can make them as it likes. */
#include "support/tap.h"

#include "support/interfaces.h"

#ifdef __linux__
static int control; /* a socket that requests go by */

/* A further interface; its descriptor, with whose end it goes. */
static int add_interface(const char *name, int kind) {
    struct ifreq request;
    int frames = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    memset(&request, 0, sizeof request);
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    request.ifr_flags = (short)(kind | IFF_NO_PI);
    CHECK_EQ(ioctl(frames, TUNSETIFF, &request), 0);
    return frames;
}

/* One of the requests that set an address. */
static void set_address(const char *name, unsigned long what, uint32_t value) {
    struct ifreq request;
    struct sockaddr_in address;
    memset(&request, 0, sizeof request);
    memset(&address, 0, sizeof address);
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(value);
    memcpy(&request.ifr_addr, &address, sizeof address);
    CHECK_EQ(ioctl(control, what, &request), 0);
}

static rondel_interface_address only_address(rondel_future look, const char *name) {
    const int64_t at = interface_named(look, name);
    CHECK(at >= 0);
    CHECK_EQ(interface_at(look, (size_t)at).addresses, 1);
    return interface_address_at(look, (size_t)at, 0);
}

static int addresses(void *arg) {
    int frames = tap_open(), line, peered;
    (void)arg;
    control = socket(AF_INET, SOCK_DGRAM, 0);
    line = add_interface("line0", IFF_TUN), peered = add_interface("peered0", IFF_TAP);
    CHECK_EQ(tap_flags(control, "tap0", IFF_UP | IFF_RUNNING | IFF_MULTICAST), 0);
    set_address("tap0", SIOCSIFBRDADDR, 0x0a0908ff);
    set_address("tap0:1", SIOCSIFADDR, 0x0a090807);
    set_address("line0", SIOCSIFADDR, 0x0a010101);
    set_address("line0", SIOCSIFDSTADDR, 0x0a010102);
    set_address("peered0", SIOCSIFADDR, 0x0a020201);
    set_address("peered0", SIOCSIFNETMASK, 0xffffff00);
    set_address("peered0", SIOCSIFBRDADDR, 0);
    set_address("peered0", SIOCSIFDSTADDR, 0x0a030302);

    rondel_loop loop = rondel_loop_new();
    rondel_future look = look_at_interfaces(loop);
    const int64_t tap = interface_named(look, "tap0");
    if (!test_check(tap >= 0, __FILE__, __LINE__, "tap0 is there")) return 0;
    const rondel_interface interface = interface_at(look, (size_t)tap);
    CHECK(interface.flags & RONDEL_INTERFACE_UP);
    CHECK(interface.flags & RONDEL_INTERFACE_BROADCAST);
    CHECK(interface.flags & RONDEL_INTERFACE_MULTICAST);
    CHECK(!(interface.flags & (RONDEL_INTERFACE_LOOPBACK | RONDEL_INTERFACE_POINT_TO_POINT)));
    CHECK_EQ(interface.hardware_length, 6);
    /* Both are addresses of one interface, whatever label the second has. */
    CHECK_EQ(interface_named(look, "tap0:1"), -1);
    const int64_t first = address_of_interface(look, (size_t)tap, "10.9.8.1");
    CHECK(first >= 0);
    CHECK(address_of_interface(look, (size_t)tap, "10.9.8.7") >= 0);
    rondel_interface_address address = interface_address_at(look, (size_t)tap, (size_t)first);
    CHECK_EQ(address.address.family, 4);
    CHECK_EQ(address.prefix, 24);
    CHECK_STR(address_text(&address.broadcast), "10.9.8.255");
    CHECK_EQ(address.peer.family, 0);

    address = only_address(look, "line0");
    CHECK(interface_at(look, (size_t)interface_named(look, "line0")).flags & RONDEL_INTERFACE_POINT_TO_POINT);
    CHECK_EQ(interface_at(look, (size_t)interface_named(look, "line0")).hardware_length, 0);
    CHECK_STR(address_text(&address.address), "10.1.1.1");
    CHECK_STR(address_text(&address.peer), "10.1.1.2");
    CHECK_EQ(address.broadcast.family, 0);

    /* There is a peer where there mostly is a broadcast address. */
    address = only_address(look, "peered0");
    CHECK(interface_at(look, (size_t)interface_named(look, "peered0")).flags & RONDEL_INTERFACE_BROADCAST);
    CHECK_STR(address_text(&address.address), "10.2.2.1");
    CHECK_STR(address_text(&address.peer), "10.3.3.2");
    CHECK_EQ(address.broadcast.family, 0);
    CHECK_EQ(address.prefix, 24);
    CHECK_EQ(rondel_release(look), 0);
    nothing_left(loop);
    close(frames), close(line), close(peered), close(control);
    return 0;
}

/* The IPv6 addresses, as /proc tells of them: as hexadecimal digits, with the interface's number and the prefix. */
static int compare_ipv6(rondel_future look, int *link_local) {
    char digits[40], name[32];
    unsigned index, prefix;
    int rows = 0;
    FILE *file = fopen("/proc/net/if_inet6", "r");
    if (!file) return 0;
    while (fscanf(file, "%32s %x %x %*x %*x %31s", digits, &index, &prefix, name) == 4) {
        rondel_address wanted = {6, 0, 0, {0}};
        for (int i = 0; i < 16; i++) {
            char pair[3] = {digits[2 * i], digits[2 * i + 1], 0};
            wanted.bytes[i] = (uint8_t)strtol(pair, NULL, 16);
        }
        if (wanted.bytes[0] == 0xfe && wanted.bytes[1] == 0x80) wanted.scope = index, *link_local += 1;
        rows++;
        const int64_t at = interface_named(look, name);
        CHECK(at >= 0);
        if (at < 0) continue;
        const int64_t which = address_of_interface(look, (size_t)at, address_text(&wanted));
        CHECK(which >= 0);
        if (which < 0) continue;
        const rondel_interface_address found = interface_address_at(look, (size_t)at, (size_t)which);
        CHECK_EQ(interface_at(look, (size_t)at).index, index);
        CHECK_EQ(memcmp(&found.address, &wanted, sizeof wanted), 0);
        CHECK_EQ(found.prefix, prefix);
        CHECK_EQ(found.broadcast.family, 0);
        CHECK_EQ(found.peer.family, 0);
    }
    fclose(file);
    return rows;
}

static int ipv6(void *arg) {
    int frames = tap_open(), rows = 0, link_local = 0;
    (void)arg;
    if (access("/proc/net/if_inet6", R_OK) != 0) return TAP_NOT_HERE;
    rondel_loop loop = rondel_loop_new();
    /* A new interface has its addresses a moment later, and nothing tells. */
    for (int tries = 0; !link_local && tries < 3000; tries++) {
        rondel_future look = look_at_interfaces(loop);
        rows = compare_ipv6(look, &link_local);
        if (!link_local) poll(NULL, 0, 1);
        CHECK_EQ(rondel_release(look), 0);
    }
    nothing_left(loop);
    close(frames);
    if (rows == 0) return TAP_NOT_HERE;
    CHECK(link_local > 0);
    return 0;
}

static int coming_and_going(void *arg) {
    struct ifreq request;
    char name[64];
    int frames = tap_open(), other;
    (void)arg;
    control = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_EQ(rondel_interface_index("bare0"), RONDEL_ENODEV);
    other = add_interface("bare0", IFF_TAP);
    memset(&request, 0, sizeof request);
    snprintf(request.ifr_name, sizeof request.ifr_name, "bare0");
    request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
    memcpy(request.ifr_hwaddr.sa_data, "\002\003\004\005\006\007", 6);
    CHECK_EQ(ioctl(control, SIOCSIFHWADDR, &request), 0);
    request.ifr_mtu = 1234;
    CHECK_EQ(ioctl(control, SIOCSIFMTU, &request), 0);

    /* It is off and has no address, and is there all the same. */
    rondel_loop loop = rondel_loop_new();
    rondel_future look = look_at_interfaces(loop), later;
    const int64_t at = interface_named(look, "bare0");
    if (!test_check(at >= 0, __FILE__, __LINE__, "bare0 is there")) return 0;
    const rondel_interface interface = interface_at(look, (size_t)at);
    CHECK(!(interface.flags & (RONDEL_INTERFACE_UP | RONDEL_INTERFACE_RUNNING)));
    CHECK_EQ(interface.addresses, 0);
    CHECK_EQ(interface.mtu, 1234);
    CHECK_EQ(interface.hardware_length, 6);
    CHECK_EQ(memcmp(interface.hardware, "\002\003\004\005\006\007", 6), 0);

    memcpy(request.ifr_newname, "other0", 7);
    CHECK_EQ(ioctl(control, SIOCSIFNAME, &request), 0);
    CHECK_EQ(rondel_interface_index("bare0"), RONDEL_ENODEV);
    CHECK_EQ(rondel_interface_index("other0"), interface.index);
    CHECK_EQ(rondel_interface_name(interface.index, name, sizeof name), 6);
    CHECK_STR(name, "other0");
    later = look_at_interfaces(loop);
    CHECK_EQ(interface_named(later, "bare0"), -1);
    CHECK_EQ(interface_at(later, (size_t)interface_named(later, "other0")).index, interface.index);
    CHECK_EQ(rondel_release(later), 0);

    close(other);
    CHECK_EQ(rondel_interface_index("other0"), RONDEL_ENODEV);
    CHECK_EQ(rondel_interface_name(interface.index, name, sizeof name), RONDEL_ENODEV);
    later = look_at_interfaces(loop);
    CHECK_EQ(interface_named(later, "other0"), -1);
    CHECK_EQ(rondel_future_result(later), rondel_future_result(look) - 1);
    CHECK_EQ(rondel_release(later), 0);
    /* What was told before stays as it was. */
    CHECK_STR(interface_at(look, (size_t)at).name, "bare0");
    CHECK_EQ(rondel_release(look), 0);
    nothing_left(loop);
    close(frames), close(control);
    return 0;
}

static int hundreds(void *arg) {
    enum { MOST = 200 };
    const int many = (int)test_scale(MOST, 20);
    int made[MOST], frames = tap_open();
    char name[IFNAMSIZ], text[64];
    (void)arg;
    control = socket(AF_INET, SOCK_DGRAM, 0);
    for (int i = 0; i < many; i++) {
        snprintf(name, sizeof name, "many%d", i);
        made[i] = add_interface(name, i % 2 ? IFF_TAP : IFF_TUN);
        if (i % 3 == 0) set_address(name, SIOCSIFADDR, 0x0a800001u + ((unsigned)i << 8));
    }
    rondel_loop loop = rondel_loop_new();
    rondel_future look = look_at_interfaces(loop);
    int found = 0;
    uint32_t before = 0;
    for (int64_t i = 0; i < rondel_future_result(look); i++) {
        const rondel_interface interface = interface_at(look, (size_t)i);
        CHECK(interface.index > before);
        before = interface.index;
        if (strncmp(interface.name, "many", 4) != 0) continue;
        const int number = (int)strtol(interface.name + 4, NULL, 10);
        found++;
        CHECK_EQ((interface.flags & RONDEL_INTERFACE_POINT_TO_POINT) != 0, number % 2 == 0);
        CHECK_EQ(interface.addresses, number % 3 == 0);
        if (number % 3 != 0) continue;
        const rondel_interface_address address = interface_address_at(look, (size_t)i, 0);
        snprintf(text, sizeof text, "10.%d.%d.1", 128 + (number >> 8), number & 255);
        CHECK_STR(address_text(&address.address), text);
    }
    CHECK_EQ(found, many);
    CHECK_EQ(rondel_release(look), 0);
    nothing_left(loop);
    for (int i = 0; i < many; i++) close(made[i]);
    close(frames), close(control);
    return 0;
}
#else
static int addresses(void *arg) { return (void)arg, TAP_NOT_HERE; }
static int ipv6(void *arg) { return (void)arg, TAP_NOT_HERE; }
static int coming_and_going(void *arg) { return (void)arg, TAP_NOT_HERE; }
static int hundreds(void *arg) { return (void)arg, TAP_NOT_HERE; }
#endif

TEST(addresses_are_told_with_their_networks_and_peers) {
    if (!tap_run(addresses, NULL)) SKIP("no network of one's own here");
}

TEST(ipv6_addresses_are_what_linux_says_elsewhere) {
    if (!tap_run(ipv6, NULL)) SKIP("no network of one's own with IPv6 here");
}

TEST(what_is_off_or_bare_or_renamed_is_told_and_what_is_gone_is_not) {
    if (ON_QEMU) SKIP("qemu renames no interface");
    if (!tap_run(coming_and_going, NULL)) SKIP("no network of one's own here");
}

TEST(hundreds_of_interfaces_are_all_told) {
    if (!tap_run(hundreds, NULL)) SKIP("no network of one's own here");
}

TEST_MAIN(RUN(addresses_are_told_with_their_networks_and_peers), RUN(ipv6_addresses_are_what_linux_says_elsewhere),
          RUN(what_is_off_or_bare_or_renamed_is_told_and_what_is_gone_is_not), RUN(hundreds_of_interfaces_are_all_told))
