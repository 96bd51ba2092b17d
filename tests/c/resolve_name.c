/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Look-ups of the names that belong to an address.
 */
#include "support/names.h"

#include <net/if.h>

static rondel_address make_address(const char *text, int port) {
    struct sockaddr_storage native;
    rondel_address address;
    memset(&address, 0, sizeof address);
    net_address(&native, text, port);
    address.port = port;
    if (native.ss_family == AF_INET) {
        address.family = 4;
        memcpy(address.bytes, &((struct sockaddr_in *)&native)->sin_addr, 4);
    } else {
        address.family = 6;
        memcpy(address.bytes, &((struct sockaddr_in6 *)&native)->sin6_addr, 16);
    }
    return address;
}

/* Copies the names while the future lives, as a callback has to. */
struct answer {
    struct net_op op;
    char host[1025], service[32];
};

static void copy_answer(rondel_handle source, int64_t result, void *user_data) {
    struct answer *answer = user_data;
    rondel_address address;
    net_done(source, result, &answer->op);
    if (result < 0) {
        CHECK_EQ(rondel_resolve_host(source, answer->host, sizeof answer->host), RONDEL_EINVAL);
        CHECK_EQ(rondel_resolve_service(source, answer->service, sizeof answer->service), RONDEL_EINVAL);
        return;
    }
    int64_t length = rondel_resolve_host(source, answer->host, sizeof answer->host);
    CHECK_EQ(length, strlen(answer->host));
    CHECK_EQ(rondel_resolve_host(source, NULL, 0), length);
    CHECK_EQ(rondel_resolve_host(source, answer->host, (size_t)length), RONDEL_ENOBUFS);
    CHECK_EQ(rondel_resolve_host(source, answer->host, (size_t)length + 1), length);
    length = rondel_resolve_service(source, answer->service, sizeof answer->service);
    CHECK_EQ(length, strlen(answer->service));
    CHECK_EQ(rondel_resolve_service(source, NULL, 0), length);
    CHECK_EQ(rondel_resolve_service(source, answer->service, (size_t)length), RONDEL_ENOBUFS);
    CHECK_EQ(rondel_resolve_addr(source, 0, &address), RONDEL_EKIND); /* that is the other way round */
}

static void ask(rondel_loop loop, const char *address, int port, int flags, struct answer *answer) {
    memset(answer, 0, sizeof *answer);
    rondel_address asked = make_address(address, port);
    rondel_future future = NET_START(rondel_resolve_name(loop, &asked, flags, copy_answer, answer));
    memset(&asked, 0xee, sizeof asked); /* it was copied */
    CHECK(future > 0);
    CHECK_EQ(rondel_future_origin(future), loop);
    net_run_until(loop, &answer->op.calls, 1);
    CHECK_EQ(answer->op.source, future);
    CHECK_EQ(rondel_resolve_host(future, NULL, 0), RONDEL_EGONE);
    CHECK_EQ(rondel_resolve_service(future, NULL, 0), RONDEL_EGONE);
}

/* What the system itself says. */
static int native_names(const char *address, int port, int flags, char *host, char *service) {
    struct sockaddr_storage native;
    socklen_t size = net_address(&native, address, port);
    return getnameinfo((struct sockaddr *)&native, size, host, 1025, service, 32, flags);
}

TEST(an_address_has_the_names_the_system_knows_it_by) {
    const char *addresses[] = {"127.0.0.1", "::1"};
    rondel_loop loop = rondel_loop_new();
    struct answer answer;
    char host[1025], service[32];
    for (int i = 0; i < 2; i++) {
        ask(loop, addresses[i], 80, 0, &answer);
        CHECK_EQ(answer.op.result, 0);
        CHECK_EQ(native_names(addresses[i], 80, 0, host, service), 0);
        CHECK_STR(answer.host, host);
        CHECK_STR(answer.service, service);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(each_flag_has_the_meaning_it_has_for_the_system) {
    rondel_loop loop = rondel_loop_new();
    struct answer answer;
    char host[1025], service[32];
    ask(loop, "127.0.0.1", 514, RONDEL_NAME_NUMERIC_HOST, &answer);
    CHECK_EQ(native_names("127.0.0.1", 514, NI_NUMERICHOST, host, service), 0);
    CHECK_STR(answer.host, "127.0.0.1");
    CHECK_STR(answer.service, service);
    ask(loop, "127.0.0.1", 514, RONDEL_NAME_NUMERIC_HOST | RONDEL_NAME_DATAGRAM, &answer);
    CHECK_EQ(native_names("127.0.0.1", 514, NI_NUMERICHOST | NI_DGRAM, host, service), 0);
    CHECK_STR(answer.service, service);
    ask(loop, "127.0.0.1", 80, RONDEL_NAME_NUMERIC_SERVICE, &answer);
    CHECK_EQ(native_names("127.0.0.1", 80, NI_NUMERICSERV, host, service), 0);
    CHECK_STR(answer.host, host);
    CHECK_STR(answer.service, "80");
    ask(loop, "127.0.0.1", 80, RONDEL_NAME_LOCAL | RONDEL_NAME_NUMERIC_SERVICE, &answer);
    CHECK_EQ(native_names("127.0.0.1", 80, NI_NUMERICSERV | NI_NOFQDN, host, service), 0);
    CHECK_STR(answer.host, host);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(an_interface_is_part_of_a_numeric_host) {
    rondel_loop loop = rondel_loop_new();
    struct answer answer;
    struct sockaddr_in6 native;
    char host[1025];
    rondel_address address = make_address("fe80::1", 1);
    memset(&answer, 0, sizeof answer);
    memset(&native, 0, sizeof native);
    address.scope = if_nametoindex("lo");
    if (!address.scope) {
        CHECK_EQ(rondel_loop_free(loop), 0);
        SKIP("there is no interface lo");
    }
    native.sin6_family = AF_INET6;
    native.sin6_scope_id = address.scope;
    memcpy(&native.sin6_addr, address.bytes, 16);
    CHECK_EQ(getnameinfo((struct sockaddr *)&native, sizeof native, host, sizeof host, NULL, 0, NI_NUMERICHOST), 0);
    CHECK(rondel_resolve_name(loop, &address, RONDEL_NAME_NUMERIC_HOST | RONDEL_NAME_NUMERIC_SERVICE, copy_answer,
                              &answer) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_STR(answer.host, host);
    CHECK_STR(answer.service, "1");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* The rest is about look-ups that fail or take their time. */
#define NAMES_OR_SKIP(loop)                                                                                            \
    do {                                                                                                               \
        if (!names_work(loop)) {                                                                                       \
            CHECK_EQ(rondel_loop_free(loop), 0);                                                                       \
            SKIP("needs a resolver that can be replaced");                                                             \
        }                                                                                                              \
    } while (0)

TEST(a_name_that_is_long_comes_whole) {
    rondel_loop loop = rondel_loop_new();
    struct answer answer;
    char name[255];
    NAMES_OR_SKIP(loop);
    memset(name, 'a', sizeof name - 1);
    for (int i = 63; i < 254; i += 64) name[i] = '.';
    name[254] = 0;
    names_add((struct name){name, {"192.0.2.7", "2001:db8::7"}, 0, 0});
    ask(loop, "192.0.2.7", 0, 0, &answer);
    CHECK_STR(answer.host, name);
    CHECK_STR(answer.service, "0");
    ask(loop, "2001:db8::7", 0, RONDEL_NAME_REQUIRED, &answer);
    CHECK_STR(answer.host, name);
    CHECK_EQ(rondel_loop_free(loop), 0);
    names_clear();
}

TEST(what_has_no_name_is_told_by_number_or_an_error_as_asked_for) {
    rondel_loop loop = rondel_loop_new();
    struct answer answer;
    NAMES_OR_SKIP(loop);
    names_add((struct name){"nobody", {"192.0.2.8"}, EAI_NONAME, 0});
    names_add((struct name){"later", {"192.0.2.9"}, EAI_AGAIN, 0});
    names_add((struct name){"never", {"192.0.2.10"}, EAI_FAIL, 0});
    names_add((struct name){"long", {"192.0.2.11"}, EAI_OVERFLOW, 0});
    ask(loop, "192.0.2.8", 9, RONDEL_NAME_NUMERIC_SERVICE, &answer);
    CHECK_EQ(answer.op.result, 0);
    CHECK_STR(answer.host, "192.0.2.8");
    ask(loop, "192.0.2.8", 9, RONDEL_NAME_REQUIRED, &answer);
    CHECK_EQ(answer.op.result, RONDEL_EAI_NONAME);
    ask(loop, "192.0.2.9", 9, 0, &answer);
    CHECK_EQ(answer.op.result, RONDEL_EAI_AGAIN);
    ask(loop, "192.0.2.10", 9, 0, &answer);
    CHECK_EQ(answer.op.result, RONDEL_EAI_FAIL);
    ask(loop, "192.0.2.11", 9, 0, &answer);
    CHECK_EQ(answer.op.result, RONDEL_EAI_OVERFLOW);
    CHECK_EQ(rondel_loop_free(loop), 0);
    names_clear();
}

TEST(numbers_need_no_look_up) {
    enum { MANY = 40 };
    rondel_loop loop = rondel_loop_new();
    struct answer answer;
    struct net_op held[MANY];
    rondel_address address = make_address("192.0.2.1", 1);
    NAMES_OR_SKIP(loop);
    memset(held, 0, sizeof held);
    names_add((struct name){"held.test", {"192.0.2.1"}, 0, 1});
    for (int i = 0; i < MANY; i++) CHECK(rondel_resolve_name(loop, &address, 0, net_done, &held[i]) > 0);
    names_wait_held(1);
    ask(loop, "192.0.2.1", 80, RONDEL_NAME_NUMERIC_HOST | RONDEL_NAME_NUMERIC_SERVICE, &answer);
    CHECK_EQ(answer.op.result, 0);
    CHECK_STR(answer.host, "192.0.2.1");
    CHECK_STR(answer.service, "80");
    ask(loop, "2001:db8::1", 65535, RONDEL_NAME_NUMERIC_HOST | RONDEL_NAME_NUMERIC_SERVICE, &answer);
    CHECK_STR(answer.host, "2001:db8::1");
    CHECK_STR(answer.service, "65535");
    CHECK_EQ(held[0].calls, 0);
    names_release();
    for (int i = 0; i < MANY; i++) {
        REQUIRE(net_run_until(loop, &held[i].calls, 1));
        CHECK_EQ(held[i].result, 0);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
    names_clear();
}

static int64_t seven(void *arg) {
    (void)arg;
    return 7;
}

TEST(a_slow_look_up_holds_neither_cancel_nor_work_nor_loop_free) {
    enum { MANY = 40 };
    rondel_loop loop = rondel_loop_new();
    struct net_op cancelled = {0}, late = {0}, left[MANY], worked = {0};
    rondel_address address = make_address("192.0.2.1", 1);
    NAMES_OR_SKIP(loop);
    memset(left, 0, sizeof left);
    names_add((struct name){"held.test", {"192.0.2.1"}, 0, 1});
    rondel_future future = rondel_resolve_name(loop, &address, 0, net_done, &cancelled);
    names_wait_held(1);
    CHECK_EQ(rondel_resolve_host(future, NULL, 0), RONDEL_EAGAIN);
    CHECK_EQ(rondel_resolve_service(future, NULL, 0), RONDEL_EAGAIN);
    CHECK(rondel_timeout(rondel_resolve_name(loop, &address, 0, net_done, &late), RONDEL_MS) > 0);
    for (int i = 0; i < MANY; i++) CHECK(rondel_resolve_name(loop, &address, 0, net_done, &left[i]) > 0);
    CHECK(NET_START(rondel_work(loop, seven, NULL, net_done, &worked)) > 0);
    REQUIRE(net_run_until(loop, &worked.calls, 1));
    CHECK_EQ(NET_START(rondel_cancel(future)), 0);
    REQUIRE(net_run_until(loop, &cancelled.calls, 1));
    CHECK_EQ(cancelled.result, RONDEL_ECANCELED);
    REQUIRE(net_run_until(loop, &late.calls, 1));
    CHECK_EQ(late.result, RONDEL_ETIMEDOUT);
    CHECK_EQ(rondel_loop_free(loop), 0);
    for (int i = 0; i < MANY; i++) {
        CHECK_EQ(left[i].calls, 1);
        CHECK_EQ(left[i].result, RONDEL_ECANCELED);
    }
    names_release();
    names_clear();
}

TEST(refuses_bad_input_and_changes_nothing) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    rondel_address address = make_address("127.0.0.1", 80), bad = address;
    int64_t handles = rondel_metric(loop, RONDEL_METRIC_HANDLES);
    CHECK_EQ(rondel_resolve_name(loop, NULL, 0, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_resolve_name(loop, &address, -1, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_resolve_name(loop, &address, 32, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_resolve_name(loop, &address, RONDEL_NAME_REQUIRED | RONDEL_NAME_NUMERIC_HOST, net_never, NULL),
             RONDEL_EINVAL);
    bad.family = 5;
    CHECK_EQ(rondel_resolve_name(loop, &bad, 0, net_never, NULL), RONDEL_EINVAL);
    bad = address;
    bad.port = 65536;
    CHECK_EQ(rondel_resolve_name(loop, &bad, 0, net_never, NULL), RONDEL_EINVAL);
    bad.port = -1;
    CHECK_EQ(rondel_resolve_name(loop, &bad, 0, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_resolve_name(promise, &address, 0, net_never, NULL), RONDEL_EKIND);
    CHECK_EQ(rondel_resolve_name(RONDEL_EMFILE, &address, 0, net_never, NULL), RONDEL_EMFILE);
    CHECK_EQ(rondel_resolve_host(promise, NULL, 0), RONDEL_EKIND);
    CHECK_EQ(rondel_resolve_host(loop, NULL, 0), RONDEL_EKIND);
    CHECK_EQ(rondel_resolve_service(RONDEL_EAI_NONAME, NULL, 0), RONDEL_EAI_NONAME);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), handles);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(many_at_once_are_each_answered) {
    enum { MANY = 100 };
    rondel_loop loop = rondel_loop_new();
    static struct answer answers[MANY];
    NAMES_OR_SKIP(loop);
    memset(answers, 0, sizeof answers);
    names_add((struct name){"a.test", {"192.0.2.1"}, 0, 0});
    names_add((struct name){"b.test", {"2001:db8::1"}, 0, 0});
    for (int i = 0; i < MANY; i++) {
        rondel_address address = make_address(i % 2 ? "192.0.2.1" : "2001:db8::1", 1000 + i);
        CHECK(rondel_resolve_name(loop, &address, RONDEL_NAME_NUMERIC_SERVICE, copy_answer, &answers[i]) > 0);
    }
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    for (int i = 0; i < MANY; i++) {
        CHECK_EQ(answers[i].op.calls, 1);
        CHECK_STR(answers[i].host, i % 2 ? "a.test" : "b.test");
        CHECK_EQ(atoi(answers[i].service), 1000 + i);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
    names_clear();
}

TEST_MAIN(RUN(an_address_has_the_names_the_system_knows_it_by), RUN(each_flag_has_the_meaning_it_has_for_the_system),
          RUN(an_interface_is_part_of_a_numeric_host), RUN(a_name_that_is_long_comes_whole),
          RUN(what_has_no_name_is_told_by_number_or_an_error_as_asked_for), RUN(numbers_need_no_look_up),
          RUN(a_slow_look_up_holds_neither_cancel_nor_work_nor_loop_free), RUN(refuses_bad_input_and_changes_nothing),
          RUN(many_at_once_are_each_answered))
