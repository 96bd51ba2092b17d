/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What a look-up can be asked for besides, and what is known without asking anybody.
 */
#include "support/names.h"

#include <sched.h>

struct answer {
    struct net_op op;
    rondel_address addresses[8];
    char texts[8][64], host[1025];
    int64_t host_length;
};

static void copy_answer(rondel_handle source, int64_t result, void *user_data) {
    struct answer *answer = user_data;
    net_done(source, result, &answer->op);
    for (int64_t i = 0; i < result && i < 8; i++) {
        CHECK_EQ(rondel_resolve_addr(source, (size_t)i, &answer->addresses[i]), 0);
        CHECK(rondel_address_text(&answer->addresses[i], answer->texts[i], 64) > 0);
    }
    answer->host_length = rondel_resolve_host(source, answer->host, sizeof answer->host);
    /* That is the other way round. */
    CHECK_EQ(rondel_resolve_service(source, NULL, 0), result < 0 ? RONDEL_EINVAL : RONDEL_EKIND);
}

static void look_up(rondel_loop loop, const char *host, const char *service, int flags, struct answer *answer) {
    memset(answer, 0, sizeof *answer);
    CHECK(NET_START(rondel_resolve(loop, host, service, flags, copy_answer, answer)) > 0);
    net_run_until(loop, &answer->op.calls, 1);
}

/* Ends a test on a machine whose resolver cannot be replaced. */
#define NAMES_OR_SKIP(loop)                                                                                            \
    do {                                                                                                               \
        if (!names_work(loop)) {                                                                                       \
            CHECK_EQ(rondel_loop_free(loop), 0);                                                                       \
            SKIP("needs a resolver that can be replaced");                                                             \
        }                                                                                                              \
    } while (0)

TEST(a_canonical_name_comes_if_it_was_asked_for) {
    rondel_loop loop = rondel_loop_new();
    struct answer answer;
    struct addrinfo hints = {0}, *native = NULL;
    hints.ai_flags = AI_CANONNAME;
    hints.ai_socktype = SOCK_STREAM;
    look_up(loop, "localhost", "1", RONDEL_RESOLVE_CANONICAL, &answer);
    CHECK(answer.op.result >= 1);
    if (getaddrinfo("localhost", "1", &hints, &native) == 0) {
        CHECK_STR(answer.host, native->ai_canonname);
        CHECK_EQ(answer.host_length, strlen(native->ai_canonname));
        freeaddrinfo(native);
    }
    look_up(loop, "localhost", "1", 0, &answer);
    CHECK_EQ(answer.host_length, RONDEL_EINVAL);
    look_up(loop, "127.0.0.1", "1", RONDEL_RESOLVE_CANONICAL, &answer);
    CHECK_STR(answer.host, "127.0.0.1");
    look_up(loop, NULL, "1", RONDEL_RESOLVE_CANONICAL, &answer); /* no host has no name */
    CHECK(answer.op.result >= 1);
    CHECK_EQ(answer.host_length, RONDEL_EINVAL);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(services_of_datagrams_are_others_than_those_of_streams) {
    if (ON_WINE) SKIP("wine asks for datagrams and streams alike");
    rondel_loop loop = rondel_loop_new();
    struct answer answer;
    int tried = 0;
    const char *names[] = {"syslog", "tftp", "ntp", "snmp", "shell", "exec", "http", "ftp"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (int datagram = 0; datagram < 2; datagram++) {
            const struct servent *known = getservbyname(names[i], datagram ? "udp" : "tcp");
            const int64_t port = known ? ntohs((uint16_t)known->s_port) : 0;
            tried += known != NULL;
            look_up(loop, "127.0.0.1", names[i], datagram ? RONDEL_RESOLVE_DATAGRAM : 0, &answer);
            CHECK_EQ(answer.op.result, port ? 1 : RONDEL_EAI_SERVICE);
            if (port) CHECK_EQ(answer.addresses[0].port, port);
        }
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
    if (!tried) SKIP("this system knows no service names");
}

TEST(an_address_of_the_other_family_is_not_one) {
    rondel_loop loop = rondel_loop_new();
    struct answer answer;
    look_up(loop, "127.0.0.1", "80", RONDEL_RESOLVE_IPV6, &answer);
    CHECK_EQ(answer.op.result, RONDEL_EAI_FAMILY);
    look_up(loop, "::1", NULL, RONDEL_RESOLVE_IPV4, &answer);
    CHECK_EQ(answer.op.result, RONDEL_EAI_FAMILY);
    look_up(loop, "::1", NULL, RONDEL_RESOLVE_IPV4 | RONDEL_RESOLVE_IPV6, &answer);
    CHECK_EQ(answer.op.result, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_port_is_at_most_65535) {
    const char *ports[] = {"65536", "70000", "4294967376", "99999999999999999999999999"};
    rondel_loop loop = rondel_loop_new();
    struct answer answer;
    for (int i = 0; i < 4; i++) {
        look_up(loop, "127.0.0.1", ports[i], 0, &answer);
        CHECK_EQ(answer.op.result, RONDEL_EAI_SERVICE);
        look_up(loop, "localhost", ports[i], 0, &answer);
        CHECK_EQ(answer.op.result, RONDEL_EAI_SERVICE);
    }
    look_up(loop, "127.0.0.1", "00080", 0, &answer);
    CHECK_EQ(answer.op.result, 1);
    CHECK_EQ(answer.addresses[0].port, 80);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(only_families_of_this_machine_come_if_that_is_asked_for) {
    rondel_loop loop = rondel_loop_new();
    struct answer all, some;
    look_up(loop, "localhost", "1", 0, &all);
    look_up(loop, "localhost", "1", RONDEL_RESOLVE_CONFIGURED, &some);
    CHECK(some.op.result <= all.op.result);
    CHECK(some.op.result >= 1 || some.op.result < 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(names_below_localhost_are_this_machine_and_nobody_is_asked) {
    const char *hosts[] = {"app.localhost", "a.b.LOCALHOST", "app.localhost.", "LocalHost", "localhost."};
    rondel_loop loop = rondel_loop_new();
    struct answer answer;
    if (names_work(loop)) /* asked for these, the replaced resolver fails */
        for (int i = 0; i < 5; i++) names_add((struct name){hosts[i], {NULL}, EAI_FAIL, 0});
    for (int i = 0; i < 5; i++) {
        look_up(loop, hosts[i], "7000", 0, &answer);
        CHECK(answer.op.result >= 1);
        for (int64_t j = 0; j < answer.op.result && j < 8; j++) {
            CHECK_EQ(answer.addresses[j].port, 7000);
            if (answer.addresses[j].family == 4) CHECK_EQ(answer.addresses[j].bytes[0], 127);
            else CHECK_STR(answer.texts[j], "::1");
        }
        CHECK_EQ(names_asked, 0);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
    names_clear();
}

TEST(localhost_is_there_even_if_the_system_does_not_know_it) {
    const int errors[] = {EAI_NONAME, EAI_AGAIN, EAI_FAIL};
    rondel_loop loop = rondel_loop_new();
    struct answer answer;
    NAMES_OR_SKIP(loop);
    for (int i = 0; i < 3; i++) {
        names_clear();
        names_add((struct name){"localhost", {NULL}, errors[i], 0});
        look_up(loop, "localhost", "80", RONDEL_RESOLVE_CANONICAL, &answer);
        CHECK_EQ(names_asked, 1);
        CHECK_EQ(answer.op.result, 2);
        CHECK_STR(answer.texts[0], "127.0.0.1");
        CHECK_STR(answer.texts[1], "::1");
        CHECK_EQ(answer.addresses[0].port, 80);
        CHECK_EQ(answer.addresses[1].port, 80);
        CHECK_STR(answer.host, "localhost");
        look_up(loop, "x.localhost", NULL, RONDEL_RESOLVE_IPV6, &answer);
        CHECK_EQ(answer.op.result, 1);
        CHECK_STR(answer.texts[0], "::1");
    }
    names_clear();
    names_add((struct name){"localhost", {NULL}, EAI_MEMORY, 0}); /* that is another trouble */
    look_up(loop, "localhost", "80", 0, &answer);
    CHECK_EQ(answer.op.result, RONDEL_ENOMEM);
    names_clear();
    names_add((struct name){"localhost", {"127.0.0.5"}, 0, 0}); /* the system's word counts */
    look_up(loop, "localhost", "80", 0, &answer);
    CHECK_EQ(answer.op.result, 1);
    CHECK_STR(answer.texts[0], "127.0.0.5");
    CHECK_EQ(rondel_loop_free(loop), 0);
    names_clear();
}

/* As many look-ups as there may be threads at a time wait for an answer. */
static void hold_all(rondel_loop loop, struct net_op *held, rondel_future *futures, int count) {
    names_add((struct name){"held.test", {"127.0.0.1"}, 0, 1});
    for (int i = 0; i < count; i++) {
        memset(&held[i], 0, sizeof held[i]);
        futures[i] = rondel_resolve(loop, "held.test", NULL, 0, net_done, &held[i]);
        CHECK(futures[i] > 0);
    }
    names_wait_held(count);
}

TEST(what_nobody_need_be_asked_for_never_waits) {
    enum { MANY = 64 };
    const int count = (int)rondel_pool_lane_size(RONDEL_POOL_NAMES, 0);
    rondel_loop loop = rondel_loop_new();
    struct net_op held[MANY];
    rondel_future futures[MANY];
    struct answer answer;
    NAMES_OR_SKIP(loop);
    REQUIRE(count <= MANY);
    hold_all(loop, held, futures, count);
    look_up(loop, "127.1", "80", RONDEL_RESOLVE_NUMERIC, &answer); /* the old way to write one */
    CHECK_EQ(answer.op.result, 1);
    CHECK_STR(answer.texts[0], "127.0.0.1");
    look_up(loop, "not.a.number", "80", RONDEL_RESOLVE_NUMERIC, &answer);
    CHECK_EQ(answer.op.result, RONDEL_EAI_NONAME);
    look_up(loop, NULL, "80", RONDEL_RESOLVE_PASSIVE, &answer);
    CHECK(answer.op.result >= 1);
    CHECK_EQ(held[0].calls, 0);
    names_release();
    for (int i = 0; i < count; i++) CHECK(net_run_until(loop, &held[i].calls, 1));
    CHECK_EQ(rondel_loop_free(loop), 0);
    names_clear();
}

TEST(look_ups_that_were_given_up_do_not_hold_up_others) {
    enum { MANY = 64 };
    const int count = (int)rondel_pool_lane_size(RONDEL_POOL_NAMES, 0);
    rondel_loop loop = rondel_loop_new();
    struct net_op held[MANY], waiting = {0};
    rondel_future futures[MANY];
    struct answer answer;
    NAMES_OR_SKIP(loop);
    REQUIRE(count <= MANY);
    names_add((struct name){"quick.test", {"127.0.0.9"}, 0, 0});
    hold_all(loop, held, futures, count);
    CHECK(rondel_resolve(loop, "quick.test", NULL, 0, net_done, &waiting) > 0); /* has no thread */
    CHECK_EQ(rondel_pool_metric(RONDEL_POOL_NAMES, RONDEL_POOL_QUEUED), 1);
    for (int i = 0; i < count; i++) CHECK_EQ(rondel_cancel(futures[i]), 0);
    REQUIRE(net_run_until(loop, &waiting.calls, 1)); /* while they are all still asking */
    CHECK_EQ(waiting.result, 1);
    look_up(loop, "quick.test", NULL, 0, &answer);
    CHECK_STR(answer.texts[0], "127.0.0.9");
    for (int i = 0; i < count; i++) CHECK_EQ(held[i].result, RONDEL_ECANCELED);
    names_release();
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    /* Those in their stead leave when they are back. */
    while (rondel_pool_metric(RONDEL_POOL_NAMES, RONDEL_POOL_THREADS) > count) sched_yield();
    look_up(loop, "quick.test", NULL, 0, &answer);
    CHECK_EQ(answer.op.result, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    names_clear();
}

TEST(there_is_an_end_to_the_threads_for_what_was_given_up) {
    rondel_loop loop = rondel_loop_new();
    const int64_t before = rondel_pool_lane_size(RONDEL_POOL_NAMES, 0);
    NAMES_OR_SKIP(loop);
    CHECK_EQ(rondel_pool_lane_size(RONDEL_POOL_NAMES, 2), 2);
    while (rondel_pool_metric(RONDEL_POOL_NAMES, RONDEL_POOL_THREADS) > 2) sched_yield();
    names_add((struct name){"held.test", {"127.0.0.1"}, 0, 1});
    for (int i = 0; i < 30; i++) {
        rondel_future future = rondel_resolve(loop, "held.test", NULL, 0, NULL, NULL);
        CHECK(future > 0);
        if (i < 8) names_wait_held(i + 1);
        CHECK_EQ(rondel_cancel(future), 0);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    }
    CHECK_EQ(rondel_pool_metric(RONDEL_POOL_NAMES, RONDEL_POOL_THREADS), 8);
    names_release();
    while (rondel_pool_metric(RONDEL_POOL_NAMES, RONDEL_POOL_THREADS) > 2) sched_yield();
    CHECK_EQ(rondel_pool_lane_size(RONDEL_POOL_NAMES, before), before);
    CHECK_EQ(rondel_loop_free(loop), 0);
    names_clear();
}

TEST_MAIN(RUN(a_canonical_name_comes_if_it_was_asked_for), RUN(services_of_datagrams_are_others_than_those_of_streams),
          RUN(an_address_of_the_other_family_is_not_one), RUN(a_port_is_at_most_65535),
          RUN(only_families_of_this_machine_come_if_that_is_asked_for),
          RUN(names_below_localhost_are_this_machine_and_nobody_is_asked),
          RUN(localhost_is_there_even_if_the_system_does_not_know_it), RUN(what_nobody_need_be_asked_for_never_waits),
          RUN(look_ups_that_were_given_up_do_not_hold_up_others),
          RUN(there_is_an_end_to_the_threads_for_what_was_given_up))
