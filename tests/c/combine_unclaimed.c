/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Results that nobody gets out of a combined future: connections are closed, errors are reported in debug mode; and
 * those that somebody does get are not. */
#include "support/test.h"

#include "support/futures.h"
#include "support/steps.h"

/* A listener, and a connection to it that is being made. */
static rondel_tcp listen_here(rondel_loop loop, int *port) {
    rondel_tcp server = rondel_tcp_listen(loop, "127.0.0.1", 0, NULL, NULL);
    CHECK(rondel_local_addr(server, NULL, 0, port) > 0);
    return server;
}

static rondel_future connect_to(rondel_loop loop, int port) {
    return rondel_tcp_connect(loop, "127.0.0.1", port, RONDEL_FUTURE);
}

static int connections(rondel_loop loop) {
    int64_t handles = rondel_metric(loop, RONDEL_METRIC_HANDLES);
    return (int)handles - 2; /* the loop, the listener */
}

static void end(rondel_loop loop, rondel_tcp server) {
    CHECK_EQ(rondel_close(server), 0);
    run_dry(loop);
    nothing_left(loop);
}

TEST(a_connection_that_a_gather_hands_out_is_yours) {
    rondel_loop loop = rondel_loop_new();
    int port;
    rondel_tcp server = listen_here(loop, &port);
    for (int fails = 0; fails < 2; fails++) {
        /* Also when it ends with an error: what had come before stands in the results. */
        rondel_future futures[2] = {connect_to(loop, port), rondel_future_new(loop)};
        int64_t results[2];
        rondel_future all = rondel_gather(futures, 2, results, RONDEL_FUTURE);
        while (rondel_future_state(futures[0]) != RONDEL_EGONE) rondel_run(loop, RONDEL_RUN_ONCE);
        settle(futures[1], fails ? RONDEL_EPIPE : 0);
        CHECK_EQ(rondel_run_until(loop, all), fails ? RONDEL_EPIPE : 0);
        run_dry(loop);
        CHECK_EQ(rondel_kind(results[0]), RONDEL_KIND_TCP);
        CHECK_EQ(rondel_close(results[0]), 0);
    }
    end(loop, server);
}

TEST(a_connection_that_no_gather_hands_out_is_closed) {
    rondel_loop loop = rondel_loop_new();
    int port;
    rondel_tcp server = listen_here(loop, &port);
    rondel_future connecting = connect_to(loop, port);
    CHECK_EQ(rondel_run_until(loop, rondel_gather(&connecting, 1, NULL, RONDEL_FUTURE)), 0); /* no results */
    run_dry(loop);
    CHECK_EQ(connections(loop), 0);
    rondel_future futures[2] = {connect_to(loop, port), RONDEL_EPIPE}; /* over before it is there */
    int64_t results[2];
    CHECK_EQ(rondel_run_until(loop, rondel_gather(futures, 2, results, RONDEL_FUTURE)), RONDEL_EPIPE);
    CHECK_EQ(results[0], RONDEL_EAGAIN);
    run_dry(loop);
    CHECK_EQ(connections(loop), 0);
    futures[0] = connect_to(loop, port); /* unless somebody else asks for it */
    CHECK_EQ(rondel_retain(futures[0]), 0);
    CHECK_EQ(rondel_run_until(loop, rondel_gather(futures, 2, results, RONDEL_FUTURE)), RONDEL_EPIPE);
    rondel_tcp late = rondel_run_until(loop, futures[0]);
    CHECK_EQ(rondel_kind(late), RONDEL_KIND_TCP);
    CHECK_EQ(rondel_close(late), 0);
    end(loop, server);
}

TEST(a_connection_goes_through_a_shield_or_is_closed_behind_it) {
    rondel_loop loop = rondel_loop_new();
    int port;
    rondel_tcp server = listen_here(loop, &port);
    rondel_tcp peer = rondel_run_until(loop, rondel_shield(connect_to(loop, port), RONDEL_FUTURE));
    CHECK_EQ(rondel_kind(peer), RONDEL_KIND_TCP);
    CHECK_EQ(rondel_close(peer), 0);
    CHECK(rondel_shield(connect_to(loop, port), NULL, NULL) > 0); /* nobody hears */
    run_dry(loop);
    CHECK_EQ(connections(loop), 0);
    CHECK_EQ(rondel_close(rondel_shield(connect_to(loop, port), RONDEL_FUTURE)), 0); /* it goes on, and nobody hears */
    run_dry(loop);
    CHECK_EQ(connections(loop), 0);
    rondel_future connecting = connect_to(loop, port);
    CHECK_EQ(rondel_retain(connecting), 0);
    rondel_future outer = rondel_shield(connecting, RONDEL_FUTURE);
    while (rondel_future_state(outer) == RONDEL_PENDING) rondel_run(loop, RONDEL_RUN_ONCE);
    CHECK_EQ(rondel_run_until(loop, connecting), rondel_future_result(outer)); /* one connection, told to both */
    peer = rondel_run_until(loop, outer);
    run_dry(loop);
    CHECK_EQ(rondel_kind(peer), RONDEL_KIND_TCP);
    CHECK_EQ(rondel_close(peer), 0);
    end(loop, server);
}

TEST(a_connection_stays_open_if_it_or_its_shield_was_asked_for) {
    rondel_loop loop = rondel_loop_new();
    int port;
    rondel_tcp server = listen_here(loop, &port);
    for (int way = 0; way < 8; way++) {
        int first = way & 1, asked = way >> 1; /* who goes first; who is asked */
        rondel_future both[2] = {connect_to(loop, port), 0};
        rondel_tcp peer = 0;
        CHECK_EQ(rondel_retain(both[0]), 0);
        both[1] = rondel_shield(both[0], RONDEL_FUTURE);
        while (rondel_future_state(both[1]) == RONDEL_PENDING) rondel_run(loop, RONDEL_RUN_ONCE);
        for (int i = 0; i < 2; i++)
            if (asked >> i & 1) peer = rondel_future_result(both[i]);
        CHECK_EQ(rondel_release(both[first]), 0);
        CHECK_EQ(rondel_release(both[!first]), 0);
        run_dry(loop);
        CHECK_EQ(connections(loop), asked ? 1 : 0);
        if (asked) CHECK_EQ(rondel_close(peer), 0);
        run_dry(loop);
    }
    end(loop, server);
}

TEST(to_wait_for_a_connection_is_not_to_take_it) {
    rondel_loop loop = rondel_loop_new();
    int port;
    rondel_tcp server = listen_here(loop, &port);
    for (int look = 0; look < 2; look++) {
        rondel_future connecting = connect_to(loop, port);
        rondel_iterator iterator = rondel_as_completed(&connecting, 1);
        CHECK_EQ(rondel_run_until(loop, rondel_wait(&connecting, 1, RONDEL_ALL_COMPLETED, RONDEL_FUTURE)), 1);
        CHECK_EQ(rondel_run_until(loop, rondel_as_completed_next(iterator, RONDEL_FUTURE)), 0);
        CHECK_EQ(rondel_close(iterator), 0);
        if (look) CHECK_EQ(rondel_close(rondel_future_result(connecting)), 0);
        CHECK_EQ(rondel_release(connecting), 0);
        run_dry(loop);
        CHECK_EQ(connections(loop), 0);
    }
    end(loop, server);
}

TEST(a_connection_made_by_a_child_is_closed_unless_somebody_holds_the_child) {
    rondel_loop loop = rondel_loop_new();
    int port;
    rondel_tcp server = listen_here(loop, &port);
    rondel_group group = rondel_group_new(loop);
    rondel_future held = connect_to(loop, port);
    CHECK_EQ(rondel_retain(held), 0);
    CHECK(rondel_group_add(group, connect_to(loop, port)) > 0);
    CHECK(rondel_group_add(group, held) > 0);
    CHECK_EQ(rondel_run_until(loop, rondel_group_join(group, RONDEL_FUTURE)), 0);
    CHECK_EQ(rondel_close(group), 0);
    run_dry(loop);
    CHECK_EQ(connections(loop), 2); /* one, and the future that holds it */
    CHECK_EQ(rondel_close(rondel_run_until(loop, held)), 0);
    end(loop, server);
}

static int real_stderr, captured;

static void capture_begin(void) {
    FILE *file = tmpfile();
    fflush(stderr);
    real_stderr = dup(2);
    captured = dup(fileno(file));
    fclose(file);
    CHECK_EQ(dup2(captured, 2), 2);
}

/* How many reports of unseen errors came. */
static int capture_end(void) {
    static char text[4096];
    fflush(stderr);
    CHECK_EQ(dup2(real_stderr, 2), 2);
    close(real_stderr);
    ssize_t length = pread(captured, text, sizeof text - 1, 0);
    close(captured);
    text[length > 0 ? length : 0] = 0;
    int reports = 0;
    for (char *at = text; (at = strstr(at, "nobody looked")); at++) reports++;
    return reports;
}

static rondel_loop debug_loop(void) {
    rondel_loop loop = rondel_loop_new();
    CHECK_EQ(rondel_set_debug(loop, 1), 0);
    return loop;
}

TEST(errors_of_the_parts_of_a_gather_are_the_gathers) {
    rondel_loop loop = debug_loop();
    rondel_future parts[3];
    capture_begin();
    new_promises(loop, parts, 3);
    CHECK_EQ(rondel_retain(parts[2]), 0);
    rondel_future all = rondel_gather(parts, 3, NULL, RONDEL_FUTURE);
    settle(parts[0], RONDEL_EPIPE);
    settle(parts[1], RONDEL_EIO);
    CHECK_EQ(rondel_run_until(loop, all), RONDEL_EPIPE);
    settle(parts[2], RONDEL_ENOSPC); /* too late for it */
    CHECK_EQ(rondel_release(parts[2]), 0);
    run_dry(loop);
    CHECK_EQ(capture_end(), 0);
    capture_begin();
    all = rondel_gather((const rondel_future[]){rondel_future_new(loop), RONDEL_EPIPE}, 2, NULL, RONDEL_FUTURE);
    CHECK_EQ(rondel_release(all), 0); /* nobody looks at that one */
    run_dry(loop);
    CHECK_EQ(capture_end(), 1);
    nothing_left(loop);
}

TEST(the_error_behind_a_cancelled_shield_is_reported_once) {
    rondel_loop loop = debug_loop();
    capture_begin();
    rondel_future inner = rondel_future_new(loop), outer = rondel_shield(inner, RONDEL_FUTURE);
    settle(inner, RONDEL_EPIPE);
    CHECK_EQ(rondel_run_until(loop, outer), RONDEL_EPIPE);
    run_dry(loop);
    CHECK_EQ(capture_end(), 0);
    capture_begin();
    inner = rondel_future_new(loop);
    for (int i = 0; i < 2; i++) { /* two gave up, one error */
        CHECK_EQ(rondel_retain(inner), 0);
        CHECK_EQ(rondel_close(rondel_shield(inner, RONDEL_FUTURE)), 0);
    }
    settle(inner, RONDEL_EPIPE);
    CHECK_EQ(rondel_release(inner), 0);
    run_dry(loop);
    CHECK_EQ(capture_end(), 1);
    capture_begin();
    inner = rondel_future_new(loop); /* a value is nothing to report */
    CHECK_EQ(rondel_retain(inner), 0);
    CHECK_EQ(rondel_close(rondel_shield(inner, RONDEL_FUTURE)), 0);
    settle(inner, 1);
    CHECK_EQ(rondel_release(inner), 0);
    run_dry(loop);
    CHECK_EQ(capture_end(), 0);
    nothing_left(loop);
}

TEST(to_wait_for_a_future_is_not_to_look_at_its_error) {
    rondel_loop loop = debug_loop();
    rondel_future promises[2];
    capture_begin();
    new_promises(loop, promises, 2);
    for (int i = 0; i < 2; i++) settle(promises[i], RONDEL_EPIPE);
    CHECK_EQ(rondel_run_until(loop, rondel_wait(promises, 2, RONDEL_FIRST_ERROR, RONDEL_FUTURE)), 2);
    CHECK_EQ(rondel_future_result(promises[0]), RONDEL_EPIPE);
    for (int i = 0; i < 2; i++) CHECK_EQ(rondel_release(promises[i]), 0);
    CHECK_EQ(capture_end(), 1);
    nothing_left(loop);
}

TEST(the_errors_of_children_are_their_groups) {
    rondel_loop loop = debug_loop();
    rondel_group group = rondel_group_new(loop);
    rondel_future promises[2];
    capture_begin();
    new_promises(loop, promises, 2);
    for (int i = 0; i < 2; i++) {
        CHECK(rondel_group_add(group, promises[i]) > 0);
        settle(promises[i], RONDEL_EPIPE);
    }
    CHECK_EQ(rondel_run_until(loop, rondel_group_join(group, RONDEL_FUTURE)), RONDEL_EPIPE);
    CHECK_EQ(rondel_close(group), 0);
    run_dry(loop);
    CHECK_EQ(capture_end(), 0);
    nothing_left(loop);
}

TEST_MAIN(RUN(a_connection_that_a_gather_hands_out_is_yours), RUN(a_connection_that_no_gather_hands_out_is_closed),
          RUN(a_connection_goes_through_a_shield_or_is_closed_behind_it),
          RUN(a_connection_stays_open_if_it_or_its_shield_was_asked_for),
          RUN(to_wait_for_a_connection_is_not_to_take_it),
          RUN(a_connection_made_by_a_child_is_closed_unless_somebody_holds_the_child),
          RUN(errors_of_the_parts_of_a_gather_are_the_gathers),
          RUN(the_error_behind_a_cancelled_shield_is_reported_once),
          RUN(to_wait_for_a_future_is_not_to_look_at_its_error), RUN(the_errors_of_children_are_their_groups))
