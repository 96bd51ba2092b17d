/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Datagrams on this machine, by path and abstract name. */
#include "support/udp_path.h"

TEST(datagrams_go_to_a_path_and_tell_who_sent_them) {
    rondel_loop loop = begin();
    struct heard heard = {0, 0, 0, 0, "", ""};
    rondel_udp server = rondel_udp_bind_path(loop, at("server"), 0);
    rondel_udp client = rondel_udp_bind_path(loop, at("client"), 0);
    rondel_udp nameless = rondel_udp_bind_path(loop, NULL, 0);
    CHECK(server > 0 && client > 0 && nameless > 0);
    CHECK_EQ(rondel_kind(server), RONDEL_KIND_UDP);
    char text[128];
    CHECK_EQ(rondel_local_addr(server, text, sizeof text, NULL), (int64_t)strlen(at("server")));
    CHECK_STR(text, at("server"));
    CHECK_EQ(rondel_udp_recv_start(server, hear, &heard), 0);
    CHECK_EQ(result_of(rondel_udp_send_path(client, "one", 3, at("server"), RONDEL_FUTURE)), 3);
    CHECK(hear_until(loop, &heard, 1));
    CHECK_STR(heard.last, "one");
    CHECK_STR(heard.sender, at("client"));
    CHECK_EQ(result_of(rondel_udp_send_path(nameless, "", 0, at("server"), RONDEL_FUTURE)), 0);
    CHECK(hear_until(loop, &heard, 2));
    CHECK_STR(heard.sender, "");
    CHECK_EQ(rondel_udp_sender_path(server, 0, text, 0), RONDEL_ENOBUFS);
    end(loop);
}

TEST(a_datagram_received_alone_keeps_its_senders_name) {
    rondel_loop loop = begin();
    rondel_udp server = rondel_udp_bind_path(loop, at("server"), 0);
    rondel_udp client = rondel_udp_bind_path(loop, at("client"), 0);
    char room[2][8];
    rondel_future first = rondel_udp_recv(server, room[0], sizeof room[0], NULL, RONDEL_FUTURE);
    rondel_future second = rondel_udp_recv(server, room[1], sizeof room[1], NULL, RONDEL_FUTURE);
    CHECK_EQ(result_of(rondel_udp_send_path(client, "abc", 3, at("server"), RONDEL_FUTURE)), 3);
    CHECK_EQ(result_of(rondel_udp_send_path(server, "defg", 4, at("server"), RONDEL_FUTURE)), 4);
    CHECK_EQ(rondel_retain(first), 0);
    CHECK_EQ(rondel_retain(second), 0);
    CHECK_EQ(result_of(first), 3);
    CHECK_EQ(result_of(second), 4);
    const uint8_t *name;
    CHECK_EQ(rondel_future_bytes(first, &name), (int64_t)strlen(at("client")));
    CHECK_STR((const char *)name, at("client"));
    CHECK_EQ(rondel_future_bytes(second, &name), (int64_t)strlen(at("server")));
    CHECK_STR((const char *)name, at("server"));
    CHECK(!memcmp(room[0], "abc", 3) && !memcmp(room[1], "defg", 4));
    CHECK_EQ(rondel_release(first), 0);
    CHECK_EQ(rondel_release(second), 0);
    end(loop);
}

/* A loop sends again and again, from callbacks, more than the other side can hold. */
struct flood {
    rondel_udp from;
    int64_t sent, refused;
};

static void on_flooded(rondel_handle source, int64_t result, void *user_data) {
    struct flood *flood = user_data;
    (void)source;
    if (result > 0) flood->sent++;
    else flood->refused = result;
}

static void flood_some(rondel_handle source, int64_t result, void *user_data) {
    struct flood *flood = user_data;
    (void)source, (void)result;
    for (int i = 0; i < 500; i++) CHECK(rondel_udp_send_path(flood->from, "drop", 4, NULL, on_flooded, flood) > 0);
}

TEST(a_peer_that_is_full_is_waited_for_and_nothing_is_lost) {
    rondel_loop loop = begin();
    struct heard heard = {0, 0, 0, 0, "", ""};
    rondel_udp server = rondel_udp_bind_path(loop, at("server"), 0);
    struct flood flood = {rondel_udp_bind_path(loop, at("client"), 0), 0, 0};
    CHECK_EQ(rondel_udp_set_peer_path(flood.from, at("server")), 0);
    for (int i = 0; i < 4; i++) CHECK(rondel_call_soon(loop, flood_some, &flood) > 0);
    CHECK(rondel_run(loop, RONDEL_RUN_NOWAIT) >= 0);
    int64_t waiting = rondel_udp_send_queue_count(flood.from);
    CHECK(waiting > 0);
    int64_t polls = rondel_metric(loop, RONDEL_METRIC_EVENTS);
    for (int i = 0; i < 10; i++) CHECK(rondel_run(loop, RONDEL_RUN_NOWAIT) >= 0);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_EVENTS), polls); /* it does not spin meanwhile */
    CHECK_EQ(rondel_udp_recv_start(server, hear, &heard), 0);
    CHECK(hear_until(loop, &heard, 2000));
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_NOWAIT) >= 0, 1);
    CHECK_EQ(flood.sent, 2000);
    CHECK_EQ(flood.refused, 0);
    CHECK_STR(heard.sender, at("client"));
    end(loop);
}

TEST(a_name_that_is_full_refuses_and_the_rest_goes_on) {
    rondel_loop loop = begin();
    rondel_udp server = rondel_udp_bind_path(loop, at("server"), 0);
    rondel_udp other = rondel_udp_bind_path(loop, at("other"), 0);
    rondel_udp client = rondel_udp_bind_path(loop, NULL, 0);
    int64_t result = 0, sent = 0;
    for (; sent < 100000 && result >= 0; sent += result >= 0)
        result = result_of(rondel_udp_send_path(client, "x", 1, at("server"), RONDEL_FUTURE));
    CHECK_EQ(result, RONDEL_EAGAIN);
    CHECK(sent > 0);
    CHECK_EQ(rondel_udp_send_queue_count(client), 0);
    CHECK_EQ(result_of(rondel_udp_send_path(client, "y", 1, at("other"), RONDEL_FUTURE)), 1);
    struct heard heard = {0, 0, 0, 0, "", ""};
    CHECK_EQ(rondel_udp_recv_start(server, hear, &heard), 0);
    CHECK(hear_until(loop, &heard, (int)sent));
    CHECK(rondel_close(other) == 0);
    CHECK_EQ(result_of(rondel_udp_send_path(client, "y", 1, at("other"), RONDEL_FUTURE)), RONDEL_ENOENT);
    end(loop);
}

TEST(where_nobody_receives_it_fails_and_only_that_one) {
    rondel_loop loop = begin();
    int gone = socket(AF_UNIX, SOCK_DGRAM, 0);
    struct sockaddr_un address = {AF_UNIX, ""};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", at("gone"));
    CHECK_EQ(bind(gone, (struct sockaddr *)&address, sizeof address), 0);
    close(gone);
    rondel_udp client = rondel_udp_bind_path(loop, NULL, 0);
    rondel_udp server = rondel_udp_bind_path(loop, at("server"), 0);
    CHECK_EQ(result_of(rondel_udp_send_path(client, "x", 1, at("gone"), RONDEL_FUTURE)), RONDEL_ECONNREFUSED);
    CHECK_EQ(result_of(rondel_udp_send_path(client, "x", 1, at("none"), RONDEL_FUTURE)), RONDEL_ENOENT);
    CHECK_EQ(rondel_udp_set_peer_path(client, at("gone")), RONDEL_ECONNREFUSED);
    CHECK_EQ(result_of(rondel_udp_send_path(client, "x", 1, at("server"), RONDEL_FUTURE)), 1);
    CHECK_EQ(rondel_udp_bind_path(loop, at("gone"), 0), RONDEL_EADDRINUSE);
    CHECK_EQ(rondel_udp_bind_path(loop, at("server"), RONDEL_UDP_REUSE_ADDRESS), RONDEL_EADDRINUSE); /* it lives */
    rondel_udp back = rondel_udp_bind_path(loop, at("gone"), RONDEL_UDP_REUSE_ADDRESS);
    CHECK(back > 0);
    CHECK_EQ(result_of(rondel_udp_send_path(client, "x", 1, at("gone"), RONDEL_FUTURE)), 1);
    CHECK(server > 0);
    end(loop);
}

TEST(a_peer_may_be_given_and_taken_away) {
    rondel_loop loop = begin();
    struct heard heard = {0, 0, 0, 0, "", ""};
    rondel_udp server = rondel_udp_bind_path(loop, at("server"), 0);
    rondel_udp client = rondel_udp_bind_path(loop, at("client"), 0);
    CHECK_EQ(rondel_udp_recv_start(server, hear, &heard), 0);
    CHECK_EQ(rondel_udp_send_path(client, "x", 1, NULL, RONDEL_FUTURE), RONDEL_EDESTADDRREQ);
    CHECK_EQ(rondel_udp_set_peer_path(client, NULL), RONDEL_ENOTCONN);
    CHECK_EQ(rondel_udp_set_peer_path(client, at("server")), 0);
    char text[128];
    CHECK_EQ(rondel_peer_addr(client, text, sizeof text, NULL), (int64_t)strlen(at("server")));
    CHECK_EQ(rondel_udp_send_path(client, "x", 1, at("server"), RONDEL_FUTURE), RONDEL_EISCONN);
    CHECK_EQ(result_of(rondel_udp_send(client, "p", 1, NULL, RONDEL_FUTURE)), 1);
    CHECK_EQ(rondel_udp_try_send(client, "q", 1, NULL), 1);
    CHECK(hear_until(loop, &heard, 2));
    CHECK_EQ(rondel_udp_set_peer_path(client, NULL), 0);
    CHECK_EQ(rondel_udp_send_path(client, "x", 1, NULL, RONDEL_FUTURE), RONDEL_EDESTADDRREQ);
    CHECK_EQ(result_of(rondel_udp_send_path(client, "r", 1, at("server"), RONDEL_FUTURE)), 1);
    CHECK(hear_until(loop, &heard, 3));
    CHECK_STR(heard.last, "r");
    end(loop);
}

TEST(a_batch_goes_to_the_peer) {
    rondel_loop loop = begin();
    struct heard heard = {0, 0, 0, 0, "", ""};
    int fds[2];
    CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
    rondel_udp one = rondel_udp_open(loop, fds[0]), other = rondel_udp_open(loop, fds[1]);
    CHECK(one > 0 && other > 0);
    CHECK_EQ(rondel_udp_open(loop, fds[1]), RONDEL_EEXIST);
    CHECK_EQ(rondel_udp_recv_start(other, hear, &heard), 0);
    rondel_datagram batch[100];
    memset(batch, 0, sizeof batch);
    for (int i = 0; i < 100; i++) batch[i].bytes = (const uint8_t *)"batch", batch[i].length = 5;
    CHECK_EQ(rondel_udp_recv_start(one, hear, &heard), 0);
    rondel_future sent = rondel_udp_send_batch(one, batch, 100, RONDEL_FUTURE);
    CHECK(hear_until(loop, &heard, 100));
    CHECK_EQ(heard.bytes, 500);
    CHECK_EQ(result_of(sent), 100);
    CHECK_EQ(rondel_close(other), 0);
    CHECK_EQ(result_of(rondel_udp_send(one, "x", 1, NULL, RONDEL_FUTURE)), RONDEL_ECONNREFUSED);
    end(loop);
}

TEST(an_abstract_name_is_no_file) {
    rondel_loop loop = begin();
    struct heard heard = {0, 0, 0, 0, "", ""};
    char name[64];
    rondel_udp server = rondel_udp_bind_path(loop, "@", 0);
    if (server == RONDEL_EOPNOTSUPP) {
        end(loop);
        SKIP("no abstract names");
    }
    CHECK(rondel_local_addr(server, name, sizeof name, NULL) > 1);
    CHECK_EQ(name[0], '@');
    rondel_udp client = rondel_udp_bind_path(loop, NULL, 0);
    CHECK_EQ(rondel_udp_recv_start(server, hear, &heard), 0);
    CHECK_EQ(result_of(rondel_udp_send_path(client, "x", 1, name, RONDEL_FUTURE)), 1);
    CHECK(hear_until(loop, &heard, 1));
    CHECK_EQ(rondel_udp_send_path(client, "x", 1, "@", RONDEL_FUTURE), RONDEL_EINVAL);
    end(loop);
}

TEST(what_makes_no_sense_is_refused) {
    rondel_loop loop = begin();
    char longest[256];
    memset(longest, 'x', sizeof longest - 1);
    longest[0] = '/', longest[sizeof longest - 1] = 0;
    rondel_udp inet = rondel_udp_bind(loop, "127.0.0.1", 0, 0), local = rondel_udp_bind_path(loop, at("own"), 0);
    rondel_address address;
    CHECK_EQ(rondel_address_parse("127.0.0.1", 9, &address), 0);
    CHECK_EQ(rondel_udp_bind_path(loop, "", 0), RONDEL_EINVAL);
    CHECK_EQ(rondel_udp_bind_path(loop, at("x"), RONDEL_UDP_REUSE_PORT), RONDEL_EINVAL);
    CHECK_EQ(rondel_udp_bind_path(loop, longest, 0), RONDEL_ENAMETOOLONG);
    CHECK_EQ(rondel_udp_bind_path(loop, "/nowhere/at-all", 0), RONDEL_ENOENT);
    CHECK_EQ(rondel_udp_bind_path(loop, at("own"), 0), RONDEL_EADDRINUSE);
    CHECK_EQ(rondel_udp_send_path(local, NULL, 1, at("own"), RONDEL_FUTURE), RONDEL_EINVAL);
    CHECK_EQ(rondel_udp_send_path(local, "x", 1, longest, RONDEL_FUTURE), RONDEL_ENAMETOOLONG);
    CHECK_EQ(rondel_udp_send_path(inet, "x", 1, at("own"), RONDEL_FUTURE), RONDEL_EAFNOSUPPORT);
    CHECK_EQ(rondel_udp_set_peer_path(inet, at("own")), RONDEL_EAFNOSUPPORT);
    CHECK_EQ(rondel_udp_sender_path(inet, 0, NULL, 0), RONDEL_EAFNOSUPPORT);
    CHECK_EQ(rondel_udp_send(local, "x", 1, &address, RONDEL_FUTURE), RONDEL_EAFNOSUPPORT);
    CHECK_EQ(rondel_udp_set_peer(local, &address), RONDEL_EAFNOSUPPORT);
    CHECK_EQ(rondel_udp_set_peer(local, NULL), RONDEL_ENOTCONN);
    CHECK_EQ(rondel_udp_sender_path(local, 0, NULL, 0), RONDEL_EINVAL);
    end(loop);
}

TEST(what_waits_is_cancelled_with_its_socket) {
    rondel_loop loop = begin();
    rondel_udp server = rondel_udp_bind_path(loop, at("server"), 0);
    struct flood flood = {rondel_udp_bind_path(loop, NULL, 0), 0, 0};
    CHECK_EQ(rondel_udp_set_peer_path(flood.from, at("server")), 0);
    for (int i = 0; i < 4; i++) CHECK(rondel_call_soon(loop, flood_some, &flood) > 0);
    CHECK(rondel_run(loop, RONDEL_RUN_NOWAIT) >= 0);
    CHECK(rondel_udp_send_queue_count(flood.from) > 0);
    CHECK_EQ(rondel_close(flood.from), 0);
    CHECK(rondel_run(loop, RONDEL_RUN_NOWAIT) >= 0);
    CHECK_EQ(flood.refused, RONDEL_ECANCELED);
    CHECK(flood.sent > 0);
    CHECK(server > 0);
    end(loop);
}

TEST(what_is_too_long_is_refused_by_whichever_call) {
    rondel_loop loop = begin();
    struct heard heard = {0, 0, 0, 0, "", ""};
    static char bytes[65536];
    rondel_udp server = rondel_udp_bind_path(loop, at("server"), 0);
    rondel_udp client = rondel_udp_bind_path(loop, at("client"), 0);
    rondel_datagram batch[5];
    memset(batch, 0, sizeof batch);
    for (int i = 0; i < 5; i++) batch[i].bytes = (const uint8_t *)bytes, batch[i].length = i % 2 ? sizeof bytes : 10;
    CHECK_EQ(rondel_udp_set_peer_path(client, at("server")), 0);
    CHECK_EQ(rondel_udp_recv_start(server, hear, &heard), 0);
    CHECK_EQ(result_of(rondel_udp_send(client, bytes, sizeof bytes, NULL, RONDEL_FUTURE)), RONDEL_EMSGSIZE);
    CHECK_EQ(rondel_udp_try_send(client, bytes, sizeof bytes, NULL), RONDEL_EMSGSIZE);
    CHECK_EQ(result_of(rondel_udp_send_batch(client, batch + 1, 1, RONDEL_FUTURE)), RONDEL_EMSGSIZE);
    CHECK_EQ(result_of(rondel_udp_send_batch(client, batch, 5, RONDEL_FUTURE)), 3);
    CHECK(hear_until(loop, &heard, 3));
    CHECK_EQ(heard.bytes, 30);
#ifdef __linux__ /* others may have lower limits */
    CHECK_EQ(rondel_udp_try_send(client, bytes, sizeof bytes - 1, NULL), 65535);
    CHECK(hear_until(loop, &heard, 4));
    CHECK_EQ(heard.bytes, 30 + 65535);
#endif
    end(loop);
}

/* Sends a byte from a plain socket that has a peer, and descriptors with it. */
static void pass_along(int from, const int *fds, size_t count) {
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(4 * sizeof(int))];
    } control;
    struct iovec byte = {"x", 1};
    struct msghdr message;
    memset(&control, 0, sizeof control);
    memset(&message, 0, sizeof message);
    message.msg_iov = &byte;
    message.msg_iovlen = 1;
    message.msg_control = &control;
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(head), fds, count * sizeof(int));
    CHECK_EQ(sendmsg(from, &message, 0), 1);
}

/* A loop's sockets, of either kind, receive into the same memory. */
TEST(descriptors_that_a_peer_passes_are_closed_at_once) {
    rondel_loop loop = begin();
    struct heard heard = {0, 0, 0, 0, "", ""};
    struct net_op op = {0};
    rondel_datagram told;
    int passed[2], fds[2];
    char byte;
    CHECK_EQ(pipe(passed), 0);
    CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
    rondel_udp local = rondel_udp_open(loop, fds[0]), inet = rondel_udp_bind(loop, "127.0.0.1", 0, 0);
    rondel_address own;
    int port = -1, tells = rondel_udp_tell(inet, RONDEL_TELL_LOCAL) == 0;
    CHECK(rondel_local_addr(inet, NULL, 0, &port) > 0);
    CHECK_EQ(rondel_address_parse("127.0.0.1", port, &own), 0);
    for (int i = 0; i < 4; i++) {
        int before = test_open_descriptors();
        int at_once = i < 2;
        if (at_once) {
            op.calls = 0;
            CHECK(rondel_udp_recv(local, &byte, 1, NULL, net_done, &op) > 0);
        } else if (i == 2) {
            CHECK_EQ(rondel_udp_recv_start(local, hear, &heard), 0);
        }
        pass_along(fds[1], passed, 2);
        pass_along(fds[1], passed, 1);
        if (at_once) CHECK(net_run_until(loop, &op.calls, 1));
        if (at_once) CHECK(rondel_udp_recv(local, &byte, 1, NULL, net_done, &op) > 0);
        if (at_once) CHECK(net_run_until(loop, &op.calls, 2));
        if (!at_once) CHECK(hear_until(loop, &heard, 2 * (i - 1)));
        CHECK_EQ(test_open_descriptors(), before);

        /* What is told of a datagram of the internet is told all the same. */
        op.calls = 0;
        CHECK(rondel_udp_recv(inet, &byte, 1, &told, net_done, &op) > 0);
        CHECK_EQ(rondel_udp_try_send(inet, "y", 1, &own), 1);
        CHECK(net_run_until(loop, &op.calls, 1));
        if (tells) CHECK_EQ(told.local.port, port);
    }
    close(passed[1]);
    CHECK_EQ(read(passed[0], &byte, 1), 0); /* nobody else has the other end */
    close(passed[0]);
    close(fds[1]);
    end(loop);
}

TEST_MAIN(RUN(datagrams_go_to_a_path_and_tell_who_sent_them), RUN(a_datagram_received_alone_keeps_its_senders_name),
          RUN(a_peer_that_is_full_is_waited_for_and_nothing_is_lost),
          RUN(a_name_that_is_full_refuses_and_the_rest_goes_on), RUN(where_nobody_receives_it_fails_and_only_that_one),
          RUN(a_peer_may_be_given_and_taken_away), RUN(a_batch_goes_to_the_peer), RUN(an_abstract_name_is_no_file),
          RUN(what_makes_no_sense_is_refused), RUN(what_waits_is_cancelled_with_its_socket),
          RUN(what_is_too_long_is_refused_by_whichever_call),
          RUN(descriptors_that_a_peer_passes_are_closed_at_once))
