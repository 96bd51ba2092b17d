/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Watches of random descriptors, compared with what poll says of them. */
#include "support/watched.h"

/* What the loop tells is what poll(2) tells of the same descriptors, for random deeds. */
enum { PAIRS = 6 };

struct model {
    rondel_watch watch;
    int fds[2], wanted;
    int64_t told;
};

static void note(rondel_handle watch, int64_t result, void *user_data) {
    struct model *model = user_data;
    CHECK_EQ(watch, model->watch);
    CHECK_EQ(model->told, 0); /* once a turn */
    model->told = result;
}

static uint64_t random_state = 42;

static unsigned dice(unsigned sides) {
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(random_state >> 33) % sides;
}

static void open_model(rondel_loop loop, struct model *model) {
    REQUIRE_EQ(make_pair(model->fds), 0);
    fcntl(model->fds[0], F_SETFL, O_NONBLOCK), fcntl(model->fds[1], F_SETFL, O_NONBLOCK);
    model->wanted = (int)dice(8);
    model->told = 0;
    model->watch = rondel_fd_watch(loop, model->fds[0], model->wanted, note, model);
    CHECK(model->watch > 0);
}

static void close_model(struct model *model, int in_order) {
    if (in_order) CHECK_EQ(rondel_close(model->watch), 0);
    close(model->fds[0]);
    if (!in_order) CHECK_EQ(rondel_close(model->watch), 0);
    if (model->fds[1] >= 0) close(model->fds[1]);
}

static void do_something(rondel_loop loop, struct model *model) {
    char room[4096];
    memset(room, 0, sizeof room);
    switch (dice(9)) {
    case 0:
        close_model(model, (int)dice(2));
        open_model(loop, model);
        break;
    case 1:
        if (model->fds[1] >= 0) close(model->fds[1]);
        model->fds[1] = -1;
        break;
    case 2:
        if (model->fds[1] >= 0) shutdown(model->fds[1], dice(2) ? SHUT_WR : SHUT_RD);
        break;
    case 3:
    case 4:
        if (model->fds[1] >= 0 && send(model->fds[1], "x", 1, MSG_NOSIGNAL) < 0) CHECK(errno == EPIPE || errno == EAGAIN);
        break;
    case 5:
        while (recv(model->fds[0], room, sizeof room, 0) > 0) continue;
        break;
    case 6: /* until it is writable no more */
        while (send(model->fds[0], room, sizeof room, MSG_NOSIGNAL) > 0) continue;
        break;
    default:
        model->wanted = (int)dice(8);
        CHECK_EQ(rondel_fd_watch_set(model->watch, model->wanted), 0);
    }
}

static int64_t by_poll(const struct model *model) {
    struct pollfd fd = {model->fds[0], POLLIN | POLLOUT, 0};
#ifdef POLLRDHUP
    fd.events |= POLLRDHUP;
#else
    fd.events |= 0x2000;
#endif
    poll(&fd, 1, 0);
    int broken = fd.revents & (POLLHUP | POLLERR);
    return model->wanted & ((fd.revents & POLLIN || broken ? RONDEL_READABLE : 0) |
                            (fd.revents & POLLOUT || broken ? RONDEL_WRITABLE : 0) |
                            (fd.revents & 0x2000 || broken ? RONDEL_DISCONNECT : 0));
}

TEST(tells_what_poll_tells) {
    if (ON_WINDOWS) SKIP("RONDEL_DISCONNECT is told of a reset only");
    rondel_loop loop = rondel_loop_new();
    struct model models[PAIRS];
    for (int i = 0; i < PAIRS; i++) open_model(loop, &models[i]);
    for (int64_t round = test_scale(100000, 2000); round > 0; round--) {
        do_something(loop, &models[dice(PAIRS)]);
        for (int i = 0; i < PAIRS; i++) models[i].told = 0;
        turns(loop, 1);
        for (int i = 0; i < PAIRS; i++) CHECK_EQ(models[i].told, by_poll(&models[i]));
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
    for (int i = 0; i < PAIRS; i++) {
        close(models[i].fds[0]);
        if (models[i].fds[1] >= 0) close(models[i].fds[1]);
    }
}

TEST_MAIN(RUN(tells_what_poll_tells))
