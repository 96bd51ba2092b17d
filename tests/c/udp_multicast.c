/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Groups: joining and leaving, at an interface, for one sender; and what is sent to them. All of it at the loopback
 * interface.
 */
#include "support/tap.h"
#include "support/udp.h"

/* A group of this process's own: a socket hears of all the groups that the machine has joined at an interface. */
static const char *own_group(void) {
    static char group[16];
    const unsigned pid = (unsigned)getpid();
    if (!*group) snprintf(group, sizeof group, "239.%u.%u.%u", 128 + (pid >> 16) % 127, pid >> 8 & 255, pid & 255);
    return group;
}

#ifdef __linux__
static const char *const loopback = "lo";
#else
static const char *const loopback = "127.0.0.1";
#endif

struct group_scene {
    rondel_loop loop;
    rondel_udp member, sender;
    rondel_address to;
    struct udp_heard heard;
};

/* A socket that can join and one that sends to the group, both at an interface. 0 where that does not work. */
static int set_up_at(struct group_scene *scene, const char *at, const char *own, const char *address, int flags) {
    const int six = strchr(address, ':') != NULL;
    memset(scene, 0, sizeof *scene);
    scene->loop = rondel_loop_new();
    scene->member = rondel_udp_bind(scene->loop, six ? "::" : "0.0.0.0", 0, flags);
    scene->sender = rondel_udp_bind(scene->loop, own, 0, 0);
    CHECK(scene->member > 0);
    scene->to = udp_address(address, udp_port_of(scene->member));
    CHECK_EQ(rondel_udp_multicast_interface(scene->sender, at), 0);
    CHECK_EQ(rondel_udp_recv_start(scene->member, udp_hear, &scene->heard), 0);
    int64_t sent = rondel_udp_try_send(scene->sender, "first", 5, &scene->to);
    /* A new interface has its addresses a moment later, and nothing tells. */
    for (int tries = 0; six && sent == RONDEL_EADDRNOTAVAIL && tries < 3000; tries++) {
        poll(NULL, 0, 1);
        sent = rondel_udp_try_send(scene->sender, "first", 5, &scene->to);
    }
    return sent == 5;
}

static int set_up(struct group_scene *scene, int flags) {
    return set_up_at(scene, loopback, "127.0.0.1", own_group(), flags);
}

/* What is sent to the group now. */
static void hears(struct group_scene *scene) {
    int64_t before = scene->heard.datagrams;
    CHECK_EQ(rondel_udp_try_send(scene->sender, "group", 5, &scene->to), 5);
    REQUIRE(net_run_until(scene->loop, &scene->heard.datagrams, before + 1));
    net_settle(scene->loop);
    CHECK_EQ(scene->heard.datagrams, before + 1);
}

static void hears_nothing(struct group_scene *scene) {
    int64_t before = scene->heard.datagrams;
    CHECK_EQ(rondel_udp_try_send(scene->sender, "group", 5, &scene->to), 5);
    net_settle(scene->loop);
    CHECK_EQ(scene->heard.datagrams, before);
}

TEST(a_member_hears_its_group_from_joining_to_leaving) {
    struct group_scene scene;
    if (!set_up(&scene, 0)) {
        CHECK_EQ(rondel_loop_free(scene.loop), 0);
        SKIP("no groups at loopback");
    }
    net_settle(scene.loop);
    CHECK_EQ(scene.heard.datagrams, 0);
    CHECK_EQ(rondel_udp_join(scene.member, own_group(), loopback, NULL), 0);
    CHECK_EQ(rondel_udp_join(scene.member, own_group(), loopback, NULL), RONDEL_EADDRINUSE);
    hears(&scene);
    CHECK_EQ(scene.heard.last.peer.port, udp_port_of(scene.sender));
    CHECK_EQ(rondel_udp_leave(scene.member, own_group(), loopback, NULL), 0);
    hears_nothing(&scene);
    CHECK_EQ(rondel_udp_leave(scene.member, own_group(), loopback, NULL), RONDEL_EADDRNOTAVAIL);
    /* By an address of the interface. */
    CHECK_EQ(rondel_udp_join(scene.member, own_group(), "127.0.0.1", NULL), 0);
    hears(&scene);
    CHECK_EQ(rondel_udp_leave(scene.member, own_group(), "127.0.0.1", NULL), 0);
    hears_nothing(&scene);
    CHECK_EQ(rondel_loop_free(scene.loop), 0);
}

TEST(a_group_joined_for_one_sender_is_heard_from_that_one) {
    struct group_scene scene;
    if (!set_up(&scene, 0)) {
        CHECK_EQ(rondel_loop_free(scene.loop), 0);
        SKIP("no groups at loopback");
    }
    const char *at[] = {loopback, "127.0.0.1"};
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(rondel_udp_join(scene.member, own_group(), at[i], "127.0.0.9"), 0);
        hears_nothing(&scene);
        CHECK_EQ(rondel_udp_join(scene.member, own_group(), at[i], "127.0.0.1"), 0);
        hears(&scene);
        CHECK_EQ(rondel_udp_leave(scene.member, own_group(), at[i], "127.0.0.1"), 0);
        hears_nothing(&scene);
        CHECK_EQ(rondel_udp_leave(scene.member, own_group(), at[i], "127.0.0.9"), 0);
    }
    CHECK_EQ(rondel_loop_free(scene.loop), 0);
}

/* What leaves by the loopback interface comes back by it; elsewhere the copy for this machine can be kept off. */
static int kept_off(void *arg) {
    struct group_scene scene;
    int frames = tap_open();
    (void)arg;
    CHECK(set_up_at(&scene, "tap0", "10.9.8.1", own_group(), 0));
    CHECK_EQ(rondel_udp_join(scene.member, own_group(), "10.9.8.1", NULL), 0);
    hears(&scene);
    CHECK_EQ(rondel_udp_multicast_loop(scene.sender, 0), 0);
    hears_nothing(&scene);
    CHECK_EQ(rondel_udp_multicast_loop(scene.sender, 1), 0);
    CHECK_EQ(rondel_udp_multicast_interface(scene.sender, "10.9.8.1"), 0);
    hears(&scene);
    CHECK_EQ(rondel_loop_free(scene.loop), 0);
    close(frames);
    return 0;
}

TEST(a_sender_may_keep_its_own_machine_from_hearing) {
    if (!tap_run(kept_off, NULL)) SKIP("no network of one's own here");
}

TEST(each_of_several_members_hears) {
    struct group_scene scene;
    struct udp_heard second = {0};
    if (!set_up(&scene, RONDEL_UDP_REUSE_ADDRESS)) {
        CHECK_EQ(rondel_loop_free(scene.loop), 0);
        SKIP("no groups at loopback");
    }
    rondel_udp other = rondel_udp_bind(scene.loop, "0.0.0.0", udp_port_of(scene.member), RONDEL_UDP_REUSE_ADDRESS);
    CHECK_EQ(rondel_udp_recv_start(other, udp_hear, &second), 0);
    CHECK_EQ(rondel_udp_join(scene.member, own_group(), loopback, NULL), 0);
    CHECK_EQ(rondel_udp_join(other, own_group(), loopback, NULL), 0);
    hears(&scene);
    REQUIRE(net_run_until(scene.loop, &second.datagrams, 1));
    CHECK_EQ(second.datagrams, 1);
    CHECK_EQ(rondel_loop_free(scene.loop), 0);
}

TEST(an_answer_to_what_came_by_a_group_leaves_from_an_address_of_ones_own) {
    struct group_scene scene;
    if (!set_up(&scene, 0)) {
        CHECK_EQ(rondel_loop_free(scene.loop), 0);
        SKIP("no groups at loopback");
    }
    struct udp_heard answer = {0};
    char text[64];
    CHECK_EQ(rondel_udp_tell(scene.member, RONDEL_TELL_LOCAL), 0);
    CHECK_EQ(rondel_udp_join(scene.member, own_group(), loopback, NULL), 0);
    CHECK_EQ(rondel_udp_recv_start(scene.sender, udp_hear, &answer), 0);
    hears(&scene);
    CHECK(rondel_address_text(&scene.heard.last.local, text, sizeof text) > 0);
    CHECK_STR(text, own_group());
    scene.heard.last.bytes = scene.heard.last_bytes;
    CHECK(rondel_udp_send_batch(scene.member, &scene.heard.last, 1, NULL, NULL) > 0);
    REQUIRE(net_run_until(scene.loop, &answer.datagrams, 1));
    CHECK(answer.last.peer.bytes[0] < 224);
    CHECK_EQ(rondel_loop_free(scene.loop), 0);
}

/* Loopback has no IPv6 groups. */
static int ipv6_groups(void *arg) {
    const char *at = "tap0", *wanted = "ff12::4242";
    char own[64];
    struct group_scene scene;
    int frames = tap_open();
    (void)arg;
    if (!udp_has_ipv6() || !set_up_at(&scene, at, "::", wanted, 0)) return TAP_NOT_HERE;
    CHECK_EQ(rondel_udp_join(scene.member, wanted, at, NULL), 0);
    hears(&scene);
    CHECK_EQ(scene.heard.last.peer.family, 6);
    CHECK(scene.heard.last.peer.scope != 0);
    CHECK(rondel_address_text(&scene.heard.last.peer, own, sizeof own) > 0);
    CHECK_EQ(rondel_udp_leave(scene.member, wanted, at, NULL), 0);
    hears_nothing(&scene);
    CHECK_EQ(rondel_udp_join(scene.member, wanted, at, own), 0);
    hears(&scene);
    CHECK_EQ(rondel_udp_leave(scene.member, wanted, at, own), 0);
    CHECK_EQ(rondel_udp_join(scene.member, wanted, at, "fe80::1"), 0);
    hears_nothing(&scene);
    CHECK_EQ(rondel_udp_leave(scene.member, wanted, at, "fe80::1"), 0);
    /* The scope of the address says where, as well. */
    CHECK_EQ(rondel_udp_join(scene.member, "ff12::4242%tap0", NULL, NULL), 0);
    hears(&scene);
    CHECK_EQ(rondel_udp_leave(scene.member, wanted, at, NULL), 0);
    CHECK_EQ(rondel_udp_join(scene.member, wanted, "10.9.8.1", NULL), RONDEL_EINVAL);
    /* Here what is sent leaves by one interface, and the copy for this machine can be kept off. */
    CHECK_EQ(rondel_udp_join(scene.member, wanted, at, NULL), 0);
    CHECK_EQ(rondel_udp_multicast_ttl(scene.sender, 3), 0);
    CHECK_EQ(rondel_udp_multicast_loop(scene.sender, 0), 0);
    hears_nothing(&scene);
    CHECK_EQ(rondel_udp_multicast_loop(scene.sender, 1), 0);
    hears(&scene);
    CHECK_EQ(rondel_udp_multicast_interface(scene.sender, NULL), 0);
    CHECK_EQ(rondel_loop_free(scene.loop), 0);
    close(frames);
    return 0;
}

TEST(ipv6_groups_too) {
    if (!tap_run(ipv6_groups, NULL)) SKIP("no network of one's own with IPv6 here");
}

TEST(options_show_in_the_socket) {
    rondel_loop loop = rondel_loop_new();
    rondel_udp udp = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    int fd = (int)rondel_fileno(udp), value = 0;
    socklen_t size = sizeof value;
    CHECK_EQ(rondel_udp_ttl(udp, 33), 0);
    CHECK_EQ(getsockopt(fd, IPPROTO_IP, IP_TTL, &value, &size), 0);
    CHECK_EQ(value, 33);
    CHECK_EQ(rondel_udp_traffic_class(udp, 184), 0);
    CHECK_EQ(getsockopt(fd, IPPROTO_IP, IP_TOS, &value, &size), 0);
    CHECK_EQ(value, 184);
    CHECK_EQ(rondel_udp_broadcast(udp, 1), 0);
    CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_BROADCAST, &value, &size), 0);
    CHECK(value != 0);
    CHECK_EQ(rondel_udp_multicast_ttl(udp, 7), 0);
    unsigned char byte = 0;
    size = sizeof byte;
    CHECK_EQ(getsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &byte, &size), 0);
    CHECK_EQ(byte, 7);
    CHECK_EQ(rondel_udp_multicast_loop(udp, 0), 0);
    CHECK_EQ(getsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &byte, &size), 0);
    CHECK_EQ(byte, 0);
    const int64_t before = rondel_receive_buffer(udp, 0);
    CHECK(before > 0);
    CHECK(rondel_receive_buffer(udp, before / 4) < before);
    CHECK(rondel_send_buffer(udp, 65536) >= 65536);
    CHECK_EQ(rondel_send_buffer(udp, -1), RONDEL_EINVAL);
    if (udp_has_ipv6()) {
        rondel_udp six = rondel_udp_bind(loop, "::1", 0, 0);
        size = sizeof value;
        CHECK_EQ(rondel_udp_ttl(six, 44), 0);
        CHECK_EQ(getsockopt((int)rondel_fileno(six), IPPROTO_IPV6, IPV6_UNICAST_HOPS, &value, &size), 0);
        CHECK_EQ(value, 44);
        CHECK_EQ(rondel_udp_traffic_class(six, 8), 0);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(groups_and_options_refuse_bad_input) {
    rondel_loop loop = rondel_loop_new();
    rondel_udp udp = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    char long_name[300];
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = 0;
    CHECK_EQ(rondel_udp_join(udp, NULL, NULL, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_udp_join(udp, "", NULL, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_udp_join(udp, "127.0.0.1", NULL, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_udp_join(udp, "a.group.test", NULL, NULL), RONDEL_EAI_NONAME);
    CHECK_EQ(rondel_udp_join(udp, own_group(), "", NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_udp_join(udp, own_group(), "no-such-if0", NULL), RONDEL_ENODEV);
    CHECK_EQ(rondel_udp_join(udp, own_group(), long_name, NULL), RONDEL_ENODEV);
    CHECK_EQ(rondel_udp_join(udp, own_group(), NULL, ""), RONDEL_EINVAL);
    CHECK_EQ(rondel_udp_join(udp, own_group(), NULL, "a.sender.test"), RONDEL_EAI_NONAME);
    CHECK_EQ(rondel_udp_join(udp, own_group(), NULL, "::1"), RONDEL_EINVAL);
    CHECK_EQ(rondel_udp_join(udp, "ff12::1", NULL, NULL), RONDEL_EAFNOSUPPORT);
    CHECK_EQ(rondel_udp_leave(udp, own_group(), loopback, NULL), RONDEL_EADDRNOTAVAIL);
    CHECK_EQ(rondel_udp_multicast_interface(udp, "no-such-if0"), RONDEL_ENODEV);
    CHECK_EQ(rondel_udp_multicast_interface(udp, ""), RONDEL_EINVAL);
    CHECK_EQ(rondel_udp_multicast_interface(udp, "192.0.2.1"), RONDEL_EADDRNOTAVAIL);
    const int values[] = {-1, 256, INT32_MAX, INT32_MIN};
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(rondel_udp_ttl(udp, values[i]), RONDEL_EINVAL);
        CHECK_EQ(rondel_udp_traffic_class(udp, values[i]), RONDEL_EINVAL);
        CHECK_EQ(rondel_udp_multicast_ttl(udp, values[i]), RONDEL_EINVAL);
    }
    CHECK_EQ(rondel_udp_ttl(udp, 0), RONDEL_EINVAL);
    CHECK_EQ(rondel_udp_bind(loop, "127.0.0.1", 0, 16), RONDEL_EINVAL);
    CHECK_EQ(rondel_udp_bind(loop, "127.0.0.1", 0, -1), RONDEL_EINVAL);
    CHECK_EQ(rondel_udp_bind(loop, "127.0.0.1", -1, 0), RONDEL_EINVAL);
    CHECK_EQ(rondel_udp_bind(loop, "127.0.0.1", 65536, 0), RONDEL_EINVAL);
    CHECK_EQ(rondel_udp_bind(loop, "", 0, 0), RONDEL_EINVAL);
    CHECK_EQ(rondel_udp_bind(loop, "a.host.test", 0, 0), RONDEL_EAI_NONAME);
    CHECK_EQ(rondel_udp_bind(udp, "127.0.0.1", 0, 0), RONDEL_EKIND);
    const int ports[] = {0, -1, 65536};
    for (int i = 0; i < 3; i++)
        CHECK_EQ(rondel_udp_connect(loop, "127.0.0.1", ports[i], net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_udp_connect(loop, NULL, 9, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_udp_connect(loop, "", 9, net_never, NULL), RONDEL_EINVAL);
    rondel_address address;
    memset(&address, 1, sizeof address);
    CHECK_EQ(rondel_address_parse(NULL, 1, &address), RONDEL_EINVAL);
    CHECK_EQ(rondel_address_parse("127.0.0.1", 1, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_address_parse("127.0.0.1", 65536, &address), RONDEL_EINVAL);
    CHECK_EQ(rondel_address_parse("127.0.0.1", -1, &address), RONDEL_EINVAL);
    CHECK_EQ(rondel_address_parse("localhost", 1, &address), RONDEL_EAI_NONAME);
    CHECK_EQ(rondel_address_parse("", 1, &address), RONDEL_EAI_NONAME);
    CHECK_EQ(rondel_address_parse("127.1", 1, &address), RONDEL_EAI_NONAME);
    CHECK_EQ(address.family, 0x01010101);
    CHECK_EQ(rondel_address_parse("::1", 80, &address), 0);
    CHECK_EQ(address.family, 6);
    CHECK_EQ(address.port, 80);
    CHECK_EQ(address.bytes[15], 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST_MAIN(RUN(a_member_hears_its_group_from_joining_to_leaving),
          RUN(a_group_joined_for_one_sender_is_heard_from_that_one),
          RUN(a_sender_may_keep_its_own_machine_from_hearing), RUN(each_of_several_members_hears),
          RUN(an_answer_to_what_came_by_a_group_leaves_from_an_address_of_ones_own), RUN(ipv6_groups_too),
          RUN(options_show_in_the_socket), RUN(groups_and_options_refuse_bad_input))
