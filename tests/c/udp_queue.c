/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Datagrams that cannot leave at once: they wait, leave in order, can be cancelled, and each tells its end once.
 */
#include "support/tap.h"
#include "support/udp.h"

enum { LENGTH = 1000, MOST = 4000 };

struct scene {
    rondel_loop loop;
    rondel_udp udp;
    rondel_address to;
    int frames, count;
    struct net_op ops[MOST];
    rondel_future futures[MOST];
    uint8_t bytes[LENGTH];
};

/* A socket whose buffer is full of what waits for a neighbour. */
static struct scene *blocked_scene(void) {
    static struct scene scene;
    memset(&scene, 0, sizeof scene);
    scene.frames = tap_open();
    scene.loop = rondel_loop_new();
    scene.udp = rondel_udp_bind(scene.loop, "10.9.8.1", 0, 0);
    CHECK(scene.udp > 0);
    CHECK(rondel_send_buffer(scene.udp, 16384) > 0);
    scene.to = udp_address("10.9.8.2", 4000);
    while (rondel_udp_send_queue_count(scene.udp) < 8 && scene.count < MOST) {
        int i = scene.count++;
        net_fill(scene.bytes, LENGTH, (uint64_t)i * LENGTH);
        scene.futures[i] =
            NET_START(rondel_udp_send(scene.udp, scene.bytes, LENGTH, &scene.to, net_done, &scene.ops[i]));
        CHECK(scene.futures[i] > 0);
    }
    CHECK_EQ(rondel_udp_send_queue_count(scene.udp), 8);
    CHECK_EQ(rondel_udp_send_queue_size(scene.udp), 8 * LENGTH);
    CHECK_EQ(rondel_is_active(scene.udp), 1);
    CHECK_EQ(rondel_udp_try_send(scene.udp, "x", 1, &scene.to), RONDEL_EAGAIN);
    CHECK_EQ(rondel_udp_set_peer(scene.udp, &scene.to), RONDEL_EBUSY);
    return &scene;
}

static int leaves_in_order(void *arg) {
    struct scene *scene = blocked_scene();
    uint8_t room[LENGTH];
    (void)arg;
    net_settle(scene->loop);
    CHECK_EQ(rondel_udp_send_queue_count(scene->udp), 8);
    tap_answer(2);
    CHECK_EQ(rondel_run(scene->loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_udp_send_queue_count(scene->udp), 0);
    CHECK_EQ(rondel_udp_send_queue_size(scene->udp), 0);
    for (int i = 0; i < scene->count; i++) {
        CHECK_EQ(scene->ops[i].calls, 1);
        CHECK_EQ(scene->ops[i].result, LENGTH);
        if (i) CHECK(scene->ops[i].order > scene->ops[i - 1].order);
        CHECK_EQ(tap_next(scene->frames, room, sizeof room), LENGTH);
        CHECK(net_matches(room, LENGTH, (uint64_t)i * LENGTH));
    }
    CHECK_EQ(tap_next(scene->frames, room, sizeof room), -1);
    CHECK_EQ(rondel_loop_free(scene->loop), 0);
    return 0;
}

TEST(what_the_system_does_not_take_waits_and_leaves_in_order) {
    if (!tap_run(leaves_in_order, NULL)) SKIP("no network of one's own here");
}

static int cancelled_never_leaves(void *arg) {
    struct scene *scene = blocked_scene();
    uint8_t room[LENGTH];
    int left = 0, queued = scene->count - 8;
    (void)arg;
    CHECK_EQ(NET_START(rondel_cancel(scene->futures[queued + 2])), 0);
    CHECK_EQ(NET_START(rondel_cancel(scene->futures[queued + 7])), 0);
    CHECK(rondel_timeout(scene->futures[queued + 4], RONDEL_MS) > 0);
    CHECK_EQ(rondel_udp_send_queue_count(scene->udp), 6);
    CHECK(net_run_until(scene->loop, &scene->ops[queued + 4].calls, 1));
    CHECK_EQ(rondel_udp_send_queue_count(scene->udp), 5);
    tap_answer(2);
    CHECK_EQ(rondel_run(scene->loop, RONDEL_RUN_DEFAULT), 0);
    for (int i = 0; i < scene->count; i++) {
        int n = i - queued, gone = n == 2 || n == 7 || n == 4;
        CHECK_EQ(scene->ops[i].calls, 1);
        CHECK_EQ(scene->ops[i].result, n == 4 ? RONDEL_ETIMEDOUT : gone ? RONDEL_ECANCELED : LENGTH);
        if (gone) continue;
        CHECK_EQ(tap_next(scene->frames, room, sizeof room), LENGTH);
        CHECK(net_matches(room, LENGTH, (uint64_t)i * LENGTH));
        left++;
    }
    CHECK_EQ(left, scene->count - 3);
    CHECK_EQ(tap_next(scene->frames, room, sizeof room), -1);
    CHECK_EQ(rondel_loop_free(scene->loop), 0);
    return 0;
}

TEST(a_send_cancelled_while_it_waits_never_leaves) {
    if (!tap_run(cancelled_never_leaves, NULL)) SKIP("no network of one's own here");
}

static int all_cancelled(void *arg) {
    struct scene *scene = blocked_scene();
    struct net_op sent = {0};
    (void)arg;
    for (int i = scene->count - 8; i < scene->count; i++) CHECK_EQ(rondel_cancel(scene->futures[i]), 0);
    CHECK_EQ(rondel_udp_send_queue_count(scene->udp), 0);
    CHECK_EQ(rondel_run(scene->loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_is_active(scene->udp), 0);
    /* And it goes on from there. */
    CHECK(rondel_udp_send(scene->udp, "x", 1, &scene->to, net_done, &sent) > 0);
    tap_answer(2);
    CHECK_EQ(rondel_run(scene->loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(sent.result, 1);
    CHECK_EQ(rondel_loop_free(scene->loop), 0);
    for (int i = 0; i < scene->count; i++) CHECK_EQ(scene->ops[i].calls, 1);
    return 0;
}

TEST(a_socket_whose_sends_were_all_cancelled_goes_on) {
    if (!tap_run(all_cancelled, NULL)) SKIP("no network of one's own here");
}

static int closing(void *arg) {
    struct scene *scene = blocked_scene();
    struct net_op closed = {0};
    const int free_loop = *(const int *)arg;
    CHECK_EQ(rondel_on_close(scene->udp, net_done, &closed), 0);
    if (!free_loop) {
        CHECK_EQ(NET_START(rondel_close(scene->udp)), 0);
        CHECK_EQ(rondel_run(scene->loop, RONDEL_RUN_DEFAULT), 0);
        CHECK_EQ(closed.calls, 1);
    }
    CHECK_EQ(rondel_loop_free(scene->loop), 0);
    CHECK_EQ(closed.calls, 1);
    for (int i = 0; i < scene->count; i++) {
        CHECK_EQ(scene->ops[i].calls, 1);
        CHECK_EQ(scene->ops[i].result, i < scene->count - 8 ? LENGTH : RONDEL_ECANCELED);
        CHECK(closed.order > scene->ops[i].order);
    }
    return 0;
}

TEST(closing_cancels_what_waits_before_its_notice) {
    int free_loop = 0;
    if (!tap_run(closing, &free_loop)) SKIP("no network of one's own here");
}

TEST(freeing_the_loop_does_too) {
    int free_loop = 1;
    if (!tap_run(closing, &free_loop)) SKIP("no network of one's own here");
}

/* A batch of which a part leaves at once, a part waits and a part fails. */
static int batch_waits(void *arg) {
    static uint8_t bytes[100][LENGTH], room[LENGTH];
    static rondel_datagram batch[100];
    struct net_op sent = {0}, second = {0};
    int frames = tap_open();
    (void)arg;
    rondel_loop loop = rondel_loop_new();
    rondel_udp udp = rondel_udp_bind(loop, "10.9.8.1", 0, RONDEL_UDP_NO_OFFLOAD);
    CHECK(rondel_send_buffer(udp, 16384) > 0);
    for (int i = 0; i < 100; i++) {
        net_fill(bytes[i], LENGTH, (uint64_t)i * LENGTH);
        batch[i].bytes = bytes[i];
        batch[i].length = LENGTH;
        batch[i].peer = udp_address(i % 10 == 9 ? "255.255.255.255" : "10.9.8.2", 4000);
    }
    rondel_future future = rondel_udp_send_batch(udp, batch, 100, net_done, &sent);
    CHECK(future > 0);
    net_scribble(bytes, sizeof bytes);
    int64_t waiting = rondel_udp_send_queue_count(udp);
    CHECK(waiting > 50 && waiting < 100);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT), 1);
    CHECK_EQ(sent.calls, 0);
    tap_answer(2);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(sent.calls, 1);
    CHECK_EQ(sent.result, 90);
    for (int i = 0; i < 100; i++) {
        if (i % 10 == 9) continue;
        CHECK_EQ(tap_next(frames, room, sizeof room), LENGTH);
        CHECK(net_matches(room, LENGTH, (uint64_t)i * LENGTH));
    }
    /* One that is cancelled takes with it what has not left. */
    for (int i = 0; i < 100; i++) batch[i].peer = udp_address("10.9.8.3", 4000);
    future = rondel_udp_send_batch(udp, batch, 100, net_done, &second);
    CHECK(rondel_udp_send_queue_count(udp) > 50);
    CHECK_EQ(NET_START(rondel_cancel(future)), 0);
    CHECK_EQ(rondel_udp_send_queue_count(udp), 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(second.result, RONDEL_ECANCELED);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(second.calls, 1);
    return 0;
}

TEST(a_batch_that_leaves_in_parts_tells_once) {
    if (!tap_run(batch_waits, NULL)) SKIP("no network of one's own here");
}

/* A broken route: datagrams for it fail, and no others. */
static int no_way(void *arg) {
    struct net_op ops[3];
    uint8_t room[8];
    int frames = tap_open();
    (void)arg;
    memset(ops, 0, sizeof ops);
    rondel_loop loop = rondel_loop_new();
    rondel_udp udp = rondel_udp_bind(loop, NULL, 0, 0);
    rondel_address near = udp_address("10.9.8.2", 4000), far = udp_address("192.0.2.1", 4000);
    tap_answer(2);
    CHECK(rondel_udp_send(udp, "one", 3, &near, net_done, &ops[0]) > 0);
    CHECK(rondel_udp_send(udp, "two", 3, &far, net_done, &ops[1]) > 0);
    CHECK(rondel_udp_send(udp, "three", 5, &near, net_done, &ops[2]) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(ops[0].result, 3);
    CHECK_EQ(ops[1].result, RONDEL_ENETUNREACH);
    CHECK_EQ(ops[2].result, 5);
    CHECK_EQ(tap_next(frames, room, sizeof room), 3);
    CHECK_EQ(tap_next(frames, room, sizeof room), 5);
    CHECK_EQ(rondel_loop_free(loop), 0);
    return 0;
}

TEST(a_datagram_without_a_way_fails_alone) {
    if (!tap_run(no_way, NULL)) SKIP("no network of one's own here");
}
static void send_and_close(rondel_handle source, int64_t result, void *user_data) {
    struct scene *scene = user_data;
    (void)source, (void)result;
    CHECK(rondel_udp_send(scene->udp, "gathered", 8, &scene->to, net_done, &scene->ops[0]) > 0);
    CHECK_EQ(rondel_udp_send_queue_count(scene->udp), 1);
    scene->futures[1] = rondel_udp_send(scene->udp, "cancelled", 9, &scene->to, net_done, &scene->ops[1]);
    CHECK_EQ(rondel_cancel(scene->futures[1]), 0);
    CHECK_EQ(rondel_udp_send_queue_count(scene->udp), 1);
    CHECK_EQ(rondel_close(scene->udp), 0);
}

TEST(what_was_gathered_leaves_before_its_socket_is_closed) {
    static struct scene scene;
    char room[16];
    memset(&scene, 0, sizeof scene);
    int plain = udp_plain("127.0.0.1", 0);
    scene.loop = rondel_loop_new();
    scene.udp = rondel_udp_bind(scene.loop, "127.0.0.1", 0, 0);
    scene.to = udp_address("127.0.0.1", net_port(plain));
    CHECK(rondel_call_soon(scene.loop, send_and_close, &scene) > 0);
    CHECK_EQ(rondel_run(scene.loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(scene.ops[0].result, 8);
    CHECK_EQ(scene.ops[1].result, RONDEL_ECANCELED);
    CHECK_EQ(udp_receive(plain, room, sizeof room), 8);
    CHECK_EQ(recv(plain, room, sizeof room, MSG_DONTWAIT), -1);
    CHECK_EQ(rondel_loop_free(scene.loop), 0);
    close(plain);
}

TEST(a_flood_that_nobody_reads_fails_nothing_and_keeps_nothing) {
    rondel_loop loop = rondel_loop_new();
    static struct net_op last;
    memset(&last, 0, sizeof last);
    int slow = udp_plain("127.0.0.1", 0), size = 4096, got = 0;
    char room[64];
    setsockopt(slow, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    rondel_udp udp = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    rondel_address to = udp_address("127.0.0.1", net_port(slow));
    for (int i = 0; i < 20000; i++) CHECK(rondel_udp_send(udp, "flood", 5, &to, NULL, NULL) > 0);
    CHECK(rondel_udp_send(udp, "last", 4, &to, net_done, &last) > 0);
    REQUIRE(net_run_until(loop, &last.calls, 1));
    CHECK_EQ(last.result, 4);
    CHECK_EQ(rondel_udp_send_queue_count(udp), 0);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 2);
    /* What the reader's buffer held is there; the system has dropped the rest, as it may. */
    while (recv(slow, room, sizeof room, MSG_DONTWAIT) == 5) got++;
    CHECK(got > 0 && got < 20000);
    CHECK_EQ(rondel_loop_free(loop), 0);
    close(slow);
}

/* ---- forks */

static int goes_on_in_the_child(void *arg) {
    struct scene *scene = arg;
    int64_t calls = 0;
    CHECK_EQ(rondel_loop_fork(scene->loop), 0);
    CHECK_EQ(rondel_udp_send_queue_count(scene->udp), 0);
    for (int i = 0; i < 100 && scene->ops[scene->count - 1].calls == 0; i++) rondel_run(scene->loop, RONDEL_RUN_NOWAIT);
    for (int i = scene->count - 8; i < scene->count; i++) {
        calls += scene->ops[i].calls;
        CHECK_EQ(scene->ops[i].result, RONDEL_ECANCELED);
    }
    CHECK_EQ(calls, 8);
    CHECK_EQ(rondel_loop_free(scene->loop), 0);
    return 0;
}

static int forks(void *arg) {
    struct scene *scene = blocked_scene();
    static struct child grandchild;
    uint8_t room[LENGTH];
    (void)arg;
    net_settle(scene->loop);
    child_start(&grandchild, goes_on_in_the_child, scene);
    child_ends_with(&grandchild, 0);
    tap_answer(2);
    CHECK_EQ(rondel_run(scene->loop, RONDEL_RUN_DEFAULT), 0);
    for (int i = 0; i < scene->count; i++) {
        CHECK_EQ(scene->ops[i].result, LENGTH);
        CHECK_EQ(tap_next(scene->frames, room, sizeof room), LENGTH);
        CHECK(net_matches(room, LENGTH, (uint64_t)i * LENGTH));
    }
    CHECK_EQ(tap_next(scene->frames, room, sizeof room), -1);
    CHECK_EQ(rondel_loop_free(scene->loop), 0);
    return 0;
}

TEST(what_waits_in_the_parent_of_a_fork_leaves_once) {
    if (!tap_run(forks, NULL)) SKIP("no network of one's own here");
}

TEST_MAIN(RUN(what_the_system_does_not_take_waits_and_leaves_in_order),
          RUN(a_send_cancelled_while_it_waits_never_leaves), RUN(a_socket_whose_sends_were_all_cancelled_goes_on),
          RUN(closing_cancels_what_waits_before_its_notice), RUN(freeing_the_loop_does_too),
          RUN(a_batch_that_leaves_in_parts_tells_once), RUN(a_datagram_without_a_way_fails_alone),
          RUN(what_was_gathered_leaves_before_its_socket_is_closed),
          RUN(a_flood_that_nobody_reads_fails_nothing_and_keeps_nothing),
          RUN(what_waits_in_the_parent_of_a_fork_leaves_once))
