/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Name look-ups.
 */
#include "support/names.h"

/* Copies the addresses while the future lives, as a callback has to. */
struct answer {
    struct net_op op;
    rondel_address addresses[8];
    char texts[8][64];
};

static void copy_answer(rondel_handle source, int64_t result, void *user_data) {
    struct answer *answer = user_data;
    rondel_address out;
    net_done(source, result, &answer->op);
    for (int64_t i = 0; i < result && i < 8; i++) {
        CHECK_EQ(rondel_resolve_addr(source, (size_t)i, &answer->addresses[i]), 0);
        CHECK(rondel_address_text(&answer->addresses[i], answer->texts[i], 64) > 0);
    }
    if (result >= 0) CHECK_EQ(rondel_resolve_service(source, NULL, 0), RONDEL_EKIND); /* that is the other way round */
    memset(&out, 0x5a, sizeof out);
    CHECK_EQ(rondel_resolve_addr(source, result < 0 ? 0 : (size_t)result, &out), RONDEL_EINVAL);
    CHECK_EQ(rondel_resolve_addr(source, SIZE_MAX, &out), RONDEL_EINVAL);
    CHECK_EQ(rondel_resolve_addr(source, 0, NULL), RONDEL_EINVAL);
    CHECK_EQ(out.port, 0x5a5a5a5a);
}

static void look_up(rondel_loop loop, const char *host, const char *service, int flags, struct answer *answer) {
    memset(answer, 0, sizeof *answer);
    rondel_future future = NET_START(rondel_resolve(loop, host, service, flags, copy_answer, answer));
    CHECK(future > 0);
    CHECK_EQ(rondel_future_origin(future), loop);
    net_run_until(loop, &answer->op.calls, 1);
    CHECK_EQ(answer->op.source, future);
    CHECK_EQ(rondel_resolve_addr(future, 0, &answer->addresses[7]), RONDEL_EGONE);
}

TEST(a_numeric_host_is_itself) {
    rondel_loop loop = rondel_loop_new();
    struct answer answer;
    look_up(loop, "127.0.0.1", "80", 0, &answer);
    CHECK_EQ(answer.op.result, 1);
    CHECK_EQ(answer.addresses[0].family, 4);
    CHECK_EQ(answer.addresses[0].port, 80);
    CHECK(!memcmp(answer.addresses[0].bytes, "\x7f\0\0\1", 4));
    CHECK_STR(answer.texts[0], "127.0.0.1");
    look_up(loop, "2001:db8::5", "65535", RONDEL_RESOLVE_NUMERIC, &answer);
    CHECK_EQ(answer.op.result, 1);
    CHECK_EQ(answer.addresses[0].family, 6);
    CHECK_EQ(answer.addresses[0].port, 65535);
    CHECK(!memcmp(answer.addresses[0].bytes, "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\5", 16));
    CHECK_STR(answer.texts[0], "2001:db8::5");
    look_up(loop, "127.0.0.1", NULL, RONDEL_RESOLVE_NUMERIC | RONDEL_RESOLVE_IPV4, &answer);
    CHECK_EQ(answer.op.result, 1);
    CHECK_EQ(answer.addresses[0].port, 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(answer.op.calls, 1);
}

TEST(a_numeric_host_needs_no_look_up) {
    rondel_loop loop = rondel_loop_new();
    struct answer answer;
    struct net_op held[40];
    memset(held, 0, sizeof held);
    if (!names_work(loop)) {
        CHECK_EQ(rondel_loop_free(loop), 0);
        SKIP("needs a resolver that can be replaced");
    }
    names_add((struct name){"held.test", {"127.0.0.1"}, 0, 1});
    for (int i = 0; i < 40; i++) CHECK(rondel_resolve(loop, "held.test", NULL, 0, net_done, &held[i]) > 0);
    names_wait_held(1);
    look_up(loop, "127.0.0.1", "80", 0, &answer);
    CHECK_EQ(answer.op.result, 1);
    look_up(loop, "::1", "80", RONDEL_RESOLVE_NUMERIC, &answer);
    CHECK_EQ(answer.op.result, 1);
    CHECK_EQ(held[0].calls, 0);
    names_release();
    for (int i = 0; i < 40; i++) {
        REQUIRE(net_run_until(loop, &held[i].calls, 1));
        CHECK_EQ(held[i].result, 1);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
    names_clear();
}

TEST(localhost_is_a_loopback_address) {
    rondel_loop loop = rondel_loop_new();
    struct answer answer;
    look_up(loop, "localhost", "7000", 0, &answer);
    CHECK(answer.op.result >= 1);
    for (int64_t i = 0; i < answer.op.result && i < 8; i++) {
        CHECK_EQ(answer.addresses[i].port, 7000);
        if (answer.addresses[i].family == 4) CHECK_EQ(answer.addresses[i].bytes[0], 127);
        else CHECK_STR(answer.texts[i], "::1");
    }
    look_up(loop, "localhost", NULL, RONDEL_RESOLVE_IPV4, &answer);
    CHECK(answer.op.result >= 1);
    for (int64_t i = 0; i < answer.op.result && i < 8; i++) CHECK_EQ(answer.addresses[i].family, 4);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* No address is told twice for the socket types a system may list it for. */
TEST(each_address_comes_once_in_the_systems_order) {
    rondel_loop loop = rondel_loop_new();
    struct answer answer;
    if (!names_work(loop)) {
        CHECK_EQ(rondel_loop_free(loop), 0);
        SKIP("needs a resolver that can be replaced");
    }
    names_add((struct name){"many.test", {"127.0.0.3", "::1", "127.0.0.2", "2001:db8::1"}, 0, 0});
    look_up(loop, "many.test", "99", 0, &answer);
    CHECK_EQ(answer.op.result, 4);
    CHECK_STR(answer.texts[0], "127.0.0.3");
    CHECK_STR(answer.texts[1], "::1");
    CHECK_STR(answer.texts[2], "127.0.0.2");
    CHECK_STR(answer.texts[3], "2001:db8::1");
    for (int i = 0; i < 4; i++) CHECK_EQ(answer.addresses[i].port, 99);
    look_up(loop, "many.test", NULL, RONDEL_RESOLVE_IPV6, &answer);
    CHECK_EQ(answer.op.result, 2);
    look_up(loop, "many.test", NULL, RONDEL_RESOLVE_IPV4 | RONDEL_RESOLVE_IPV6, &answer);
    CHECK_EQ(answer.op.result, 4);
    CHECK_EQ(rondel_loop_free(loop), 0);
    names_clear();
}

TEST(no_host_means_this_machine) {
    rondel_loop loop = rondel_loop_new();
    struct answer answer;
    look_up(loop, NULL, "80", RONDEL_RESOLVE_PASSIVE, &answer);
    CHECK(answer.op.result >= 1);
    for (int64_t i = 0; i < answer.op.result && i < 8; i++) {
        CHECK_STR(answer.texts[i], answer.addresses[i].family == 4 ? "0.0.0.0" : "::");
        CHECK_EQ(answer.addresses[i].port, 80);
    }
    look_up(loop, NULL, "80", RONDEL_RESOLVE_IPV4, &answer);
    CHECK_EQ(answer.op.result, 1);
    CHECK_STR(answer.texts[0], "127.0.0.1");
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_service_name_is_its_port) {
    rondel_loop loop = rondel_loop_new();
    struct answer answer;
    if (!getservbyname("http", "tcp")) {
        CHECK_EQ(rondel_loop_free(loop), 0);
        SKIP("this system knows no service names");
    }
    look_up(loop, "127.0.0.1", "http", 0, &answer);
    CHECK_EQ(answer.op.result, 1);
    CHECK_EQ(answer.addresses[0].port, 80);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(what_cannot_be_found_is_told_by_its_code) {
    rondel_loop loop = rondel_loop_new();
    struct answer answer;
    look_up(loop, "127.0.0.1", "no-such-service", 0, &answer);
    CHECK_EQ(answer.op.result, RONDEL_EAI_SERVICE);
    look_up(loop, "a.name.not.a.number", "80", RONDEL_RESOLVE_NUMERIC, &answer);
    CHECK_EQ(answer.op.result, RONDEL_EAI_NONAME);
    look_up(loop, "does-not-exist.invalid", "80", 0, &answer);
    CHECK(answer.op.result == RONDEL_EAI_NONAME || answer.op.result == RONDEL_EAI_AGAIN ||
          answer.op.result == RONDEL_EAI_NODATA);
    if (names_work(loop)) {
        const int errors[] = {EAI_NONAME, EAI_AGAIN, EAI_FAIL};
        const int64_t codes[] = {RONDEL_EAI_NONAME, RONDEL_EAI_AGAIN, RONDEL_EAI_FAIL};
        for (int i = 0; i < 3; i++) {
            names_clear();
            names_add((struct name){"fails.test", {NULL}, errors[i], 0});
            look_up(loop, "fails.test", "80", 0, &answer);
            CHECK_EQ(answer.op.result, codes[i]);
        }
        names_clear();
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(refuses_bad_input_and_changes_nothing) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    rondel_address address = {4, 80, 0, {127, 0, 0, 1}};
    int64_t handles = rondel_metric(loop, RONDEL_METRIC_HANDLES);
    char text[64], *endless = malloc(70001);
    memset(endless, 'a', 70000);
    endless[70000] = 0;
    CHECK_EQ(rondel_resolve(loop, NULL, NULL, 0, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_resolve(loop, "", "80", 0, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_resolve(loop, endless, "80", 0, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_resolve(loop, "127.0.0.1", endless, 0, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_resolve(loop, "localhost", "80", 1 << 20, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_resolve(loop, "localhost", "80", -1, net_never, NULL), RONDEL_EINVAL);
    CHECK_EQ(rondel_resolve(promise, "localhost", "80", 0, net_never, NULL), RONDEL_EKIND);
    CHECK_EQ(rondel_resolve(RONDEL_EMFILE, "localhost", "80", 0, net_never, NULL), RONDEL_EMFILE);
    CHECK_EQ(rondel_resolve_addr(promise, 0, &address), RONDEL_EKIND);
    CHECK_EQ(rondel_resolve_addr(loop, 0, &address), RONDEL_EKIND);
    CHECK_EQ(rondel_resolve_addr(RONDEL_EAI_NONAME, 0, &address), RONDEL_EAI_NONAME);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), handles);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_address_text(NULL, text, sizeof text), RONDEL_EINVAL);
    CHECK_EQ(rondel_address_text(&address, text, 9), RONDEL_ENOBUFS);
    CHECK_EQ(rondel_address_text(&address, NULL, 0), 9);
    CHECK_EQ(rondel_address_text(&address, text, 10), 9);
    address.family = 5;
    CHECK_EQ(rondel_address_text(&address, text, sizeof text), RONDEL_EINVAL);
    CHECK_EQ(rondel_loop_free(loop), 0);
    free(endless);
}

TEST(a_kept_answer_lives_until_it_is_released) {
    rondel_loop loop = rondel_loop_new();
    rondel_address address;
    struct net_op told = {0};
    char text[64];
    rondel_future future = rondel_resolve(loop, "127.0.0.1", "1", 0, RONDEL_FUTURE);
    CHECK_EQ(rondel_future_then(future, net_done, &told), 0);
    REQUIRE(net_run_until(loop, &told.calls, 1));
    CHECK_EQ(rondel_future_result(future), 1);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(rondel_resolve_addr(future, 0, &address), 0);
        CHECK_EQ(rondel_address_text(&address, text, sizeof text), 9);
        CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 0);
    }
    CHECK_EQ(rondel_release(future), 0);
    CHECK_EQ(rondel_resolve_addr(future, 0, &address), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t seven(void *arg) {
    (void)arg;
    return 7;
}

TEST(a_slow_look_up_holds_neither_cancel_nor_work_nor_loop_free) {
    rondel_loop loop = rondel_loop_new();
    struct net_op cancelled = {0}, late = {0}, left[40], worked = {0};
    rondel_address address;
    if (!names_work(loop)) {
        CHECK_EQ(rondel_loop_free(loop), 0);
        SKIP("needs a resolver that can be replaced");
    }
    memset(left, 0, sizeof left);
    names_add((struct name){"held.test", {"127.0.0.1"}, 0, 1});
    rondel_future future = rondel_resolve(loop, "held.test", NULL, 0, net_done, &cancelled);
    names_wait_held(1);
    CHECK_EQ(rondel_resolve_addr(future, 0, &address), RONDEL_EAGAIN);
    CHECK(rondel_timeout(rondel_resolve(loop, "held.test", NULL, 0, net_done, &late), RONDEL_MS) > 0);
    /* Many more of them than there are workers. */
    for (int i = 0; i < 40; i++) CHECK(rondel_resolve(loop, "held.test", NULL, 0, net_done, &left[i]) > 0);
    CHECK(NET_START(rondel_work(loop, seven, NULL, net_done, &worked)) > 0);
    REQUIRE(net_run_until(loop, &worked.calls, 1));
    CHECK_EQ(worked.result, 7);
    CHECK_EQ(NET_START(rondel_cancel(future)), 0);
    REQUIRE(net_run_until(loop, &cancelled.calls, 1));
    CHECK_EQ(cancelled.result, RONDEL_ECANCELED);
    REQUIRE(net_run_until(loop, &late.calls, 1));
    CHECK_EQ(late.result, RONDEL_ETIMEDOUT);
    CHECK_EQ(rondel_loop_free(loop), 0);
    for (int i = 0; i < 40; i++) {
        CHECK_EQ(left[i].calls, 1);
        CHECK_EQ(left[i].result, RONDEL_ECANCELED);
    }
    names_release();
    /* A late answer finds neither loop nor future; a new loop is served as ever. */
    loop = rondel_loop_new();
    struct net_op after = {0};
    CHECK(rondel_resolve(loop, "held.test", NULL, 0, net_done, &after) > 0);
    REQUIRE(net_run_until(loop, &after.calls, 1));
    CHECK_EQ(after.result, 1);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(cancelled.calls + late.calls + worked.calls + after.calls, 4);
    names_clear();
}

TEST_MAIN(RUN(a_numeric_host_is_itself), RUN(a_numeric_host_needs_no_look_up), RUN(localhost_is_a_loopback_address),
          RUN(each_address_comes_once_in_the_systems_order), RUN(no_host_means_this_machine),
          RUN(a_service_name_is_its_port), RUN(what_cannot_be_found_is_told_by_its_code),
          RUN(refuses_bad_input_and_changes_nothing), RUN(a_kept_answer_lives_until_it_is_released),
          RUN(a_slow_look_up_holds_neither_cancel_nor_work_nor_loop_free))
