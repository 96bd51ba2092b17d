/* SPDX-License-Identifier: MIT OR Apache-2.0
 * What becomes of a loop in the child of a fork: freed, left alone, or gone on with. */
#include "support/test.h"

#include "support/calls.h"
#include "support/forked.h"
#include "support/net.h"
#include "support/steps.h"

static void settle(rondel_loop loop) {
    for (int i = 0; i < 8; i++) CHECK(rondel_run(loop, RONDEL_RUN_NOWAIT) >= 0);
}

/* Nothing would wake the loop. */
static int sleeps(rondel_loop loop) {
    struct pollfd backend = {(int)rondel_backend_fd(loop), POLLIN, 0};
    return poll(&backend, 1, 0) == 0 && rondel_backend_timeout(loop) == RONDEL_FOREVER;
}

struct scene {
    rondel_loop loop;
    rondel_handle handles[KINDS];
    unsigned kinds[KINDS];
    struct seen seen;
};

static int try_every_call(void *arg) {
    struct scene *scene = arg;
    int descriptors = test_open_descriptors();
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < CALLS; i++)
            for (int j = 0; j < KINDS; j++) {
                if (!strcmp(calls[i].name, "loop_free") || !strcmp(calls[i].name, "loop_fork")) continue;
                CHECK_EQ(calls[i].call(scene->handles[j]), RONDEL_ESTATE);
            }
    CHECK_EQ(test_open_descriptors(), descriptors);
    CHECK_EQ(scene->seen.calls, 0);
    CHECK_EQ(rondel_loop_free(scene->loop), 0);
    CHECK_EQ(rondel_loop_free(scene->loop), RONDEL_EGONE);
    CHECK_EQ(rondel_loop_fork(scene->loop), RONDEL_EGONE);
    CHECK(test_open_descriptors() < descriptors);
    return 0;
}

TEST(every_call_is_refused_in_a_child_that_has_not_asked_for_the_loop) {
    struct scene scene;
    memset(&scene, 0, sizeof scene);
    scene.loop = call_loop = rondel_loop_new();
    call_future = rondel_future_new(call_loop);
    one_of_each(scene.loop, scene.handles, scene.kinds, &scene.seen);
    in_child(try_every_call, &scene);
    for (int j = 0; j < KINDS; j++) CHECK_EQ(KIND_BIT(rondel_kind(scene.handles[j])), scene.kinds[j]);
    CHECK_EQ(rondel_loop_fork(scene.loop), 0); /* here it is nothing new */
    CHECK_EQ(rondel_loop_free(scene.loop), 0);
}

enum { QUEUED = 4 << 20 };

/* A loop with one of everything that the system knows of, and a long write on its way. */
struct busy {
    rondel_loop loop;
    rondel_tcp listener;
    rondel_pipe stream;
    rondel_watch watch;
    int port, peer, pair[2];
    int descriptors; /* that are the loop's */
    uint8_t *bytes;
    struct seen written, ready, came, connection, notice, work;
    int gate[2];
};

static int64_t wait_at_gate(void *arg) {
    char byte;
    return read(((struct busy *)arg)->gate[0], &byte, 1);
}

static void on_ready(rondel_watch watch, int64_t events, void *user_data) {
    struct busy *busy = user_data;
    char byte;
    see(watch, events, &busy->ready);
    CHECK_EQ(read(busy->pair[0], &byte, 1), 1);
}

static int busy_begin(struct busy *busy) {
    int pair[2];
    memset(busy, 0, sizeof *busy);
    busy->descriptors = test_open_descriptors();
    busy->bytes = malloc(QUEUED);
    net_fill(busy->bytes, QUEUED, 0);
    busy->loop = rondel_loop_new();
    /* Local ones: what TCP has not sent yet it may send, and tell of, at any time. */
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, busy->pair) < 0) return 0;
    if (pipe(busy->gate) < 0) return 0;
    net_shrink(pair[0]), net_shrink(pair[1]);
    busy->peer = pair[1];
    busy->stream = rondel_pipe_open(busy->loop, pair[0]);
    busy->listener = rondel_tcp_listen(busy->loop, "127.0.0.1", 0, see, &busy->connection);
    CHECK(rondel_local_addr(busy->listener, NULL, 0, &busy->port) > 0);
    busy->watch = rondel_fd_watch(busy->loop, busy->pair[0], RONDEL_READABLE, on_ready, busy);
    CHECK(rondel_signal_start(busy->loop, SIGUSR1, see, &busy->came) > 0);
    CHECK(rondel_work(busy->loop, wait_at_gate, busy, see, &busy->work) > 0);
    CHECK(rondel_write(busy->stream, busy->bytes, QUEUED, see, &busy->written) > 0);
    CHECK_EQ(rondel_on_close(busy->listener, see, &busy->notice), 0);
    CHECK_EQ(rondel_timer_start(busy->loop, 3600 * RONDEL_SECOND, 0, see, &busy->came) > 0, 1);
    settle(busy->loop);
    busy->descriptors = test_open_descriptors() - busy->descriptors - 5;
    return busy->stream > 0 && busy->watch > 0;
}

/* The parent's is as it was: everything still comes, once, and nothing came twice. */
static void busy_end(struct busy *busy) {
    uint8_t byte;
    CHECK_EQ(net_drain(busy->loop, busy->peer, QUEUED, 0), QUEUED);
    CHECK(net_run_until(busy->loop, &busy->written.calls, 1));
    CHECK_EQ(busy->written.result, QUEUED);
    CHECK_EQ(recv(busy->peer, &byte, 1, MSG_DONTWAIT), -1);
    CHECK_EQ(write(busy->pair[1], "x", 1), 1);
    CHECK(net_run_until(busy->loop, &busy->ready.calls, 1));
    int client = net_dial("127.0.0.1", busy->port);
    CHECK(net_run_until(busy->loop, &busy->connection.calls, 1));
    CHECK(busy->connection.result > 0);
    CHECK_EQ(raise(SIGUSR1), 0);
    CHECK(net_run_until(busy->loop, &busy->came.calls, 1));
    CHECK_EQ(write(busy->gate[1], "x", 1), 1);
    CHECK(net_run_until(busy->loop, &busy->work.calls, 1));
    CHECK_EQ(busy->work.result, 1);
    CHECK_EQ(rondel_loop_free(busy->loop), 0);
    CHECK_EQ(busy->notice.calls, 1);
    close(client), close(busy->peer), close(busy->pair[0]), close(busy->pair[1]);
    close(busy->gate[0]), close(busy->gate[1]);
    free(busy->bytes);
}

static int free_copy(void *arg) {
    struct busy *busy = arg;
    int open = test_open_descriptors();
    CHECK_EQ(rondel_run(busy->loop, RONDEL_RUN_NOWAIT), RONDEL_ESTATE);
    CHECK_EQ(raise(SIGUSR1), 0); /* a handler of Rondel's, but the parent's wake-up: not touched */
    CHECK_EQ(rondel_wake(busy->loop), RONDEL_ESTATE);
    CHECK_EQ(rondel_call_soon_threadsafe(busy->loop, see, &busy->came), RONDEL_ESTATE);
    CHECK_EQ(rondel_loop_free(busy->loop), 0);
    CHECK_EQ(busy->written.result, RONDEL_ECANCELED);
    CHECK_EQ(busy->work.result, RONDEL_ECANCELED);
    CHECK_EQ(busy->written.calls + busy->work.calls + busy->notice.calls, 3);
    CHECK_EQ(busy->ready.calls + busy->came.calls + busy->connection.calls, 0);
    if (open >= 0) CHECK_EQ(test_open_descriptors(), open - busy->descriptors);
    rondel_loop own = rondel_loop_new();
    struct seen seen = {0, 0, 0};
    CHECK(rondel_call_later(own, RONDEL_MS, see, &seen) > 0);
    CHECK_EQ(rondel_run(own, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(seen.calls, 1);
    CHECK_EQ(rondel_run_until(own, rondel_work(own, do_nothing, NULL, RONDEL_FUTURE)), 0); /* with a pool of its own */
    CHECK_EQ(rondel_loop_free(own), 0);
    return 0;
}

TEST(a_child_may_free_its_copy_without_a_trace_at_the_parents) {
    struct busy busy;
    REQUIRE(busy_begin(&busy));
    int64_t polls = rondel_metric(busy.loop, RONDEL_METRIC_EVENTS);
    in_child(free_copy, &busy);
    settle(busy.loop);
    CHECK_EQ(rondel_metric(busy.loop, RONDEL_METRIC_EVENTS), polls); /* not even a wake-up */
    busy_end(&busy);
}

static int end_at_once(void *arg) {
    (void)arg;
    return 0;
}

TEST(a_child_may_end_without_a_word) {
    struct busy busy;
    REQUIRE(busy_begin(&busy));
    in_child(end_at_once, &busy);
    busy_end(&busy);
}

static int adopt_busy(void *arg) {
    struct busy *busy = arg;
    int open = test_open_descriptors();
    CHECK_EQ(rondel_loop_fork(busy->loop), 0);
    CHECK_EQ(rondel_loop_fork(busy->loop), 0);
    CHECK_EQ(test_open_descriptors(), open);
    CHECK(net_run_until(busy->loop, &busy->written.calls, 1));
    CHECK(net_run_until(busy->loop, &busy->work.calls, 1));
    CHECK_EQ(busy->written.result, RONDEL_ECANCELED); /* the parent sends it */
    CHECK_EQ(busy->work.result, RONDEL_ECANCELED);    /* the parent's thread does it */
    CHECK_EQ(rondel_write_queue_size(busy->stream), 0);
    settle(busy->loop);
    struct pollfd backend = {(int)rondel_backend_fd(busy->loop), POLLIN, 0};
    CHECK_EQ(poll(&backend, 1, 0), 0);
    CHECK_EQ(raise(SIGUSR1), 0);
    CHECK(net_run_until(busy->loop, &busy->came.calls, 1));
    CHECK_EQ(rondel_call_soon_threadsafe(busy->loop, see, &busy->came), 0);
    CHECK(net_run_until(busy->loop, &busy->came.calls, 2));
    CHECK_EQ(rondel_run_until(busy->loop, rondel_work(busy->loop, do_nothing, NULL, RONDEL_FUTURE)), 0);
    CHECK_EQ(write(busy->pair[1], "x", 1), 1);
    CHECK(net_run_until(busy->loop, &busy->ready.calls, 1));
    int client = net_dial("127.0.0.1", busy->port);
    CHECK(net_run_until(busy->loop, &busy->connection.calls, 1));
    close(client);
    CHECK_EQ(rondel_close(busy->watch), 0);
    CHECK_EQ(rondel_close(busy->stream), 0);
    settle(busy->loop);
    CHECK_EQ(rondel_loop_free(busy->loop), 0);
    CHECK_EQ(busy->notice.calls, 1);
    if (open >= 0) CHECK_EQ(test_open_descriptors(), open - busy->descriptors);
    return 0;
}

static int adopt_and_end(void *arg) {
    struct busy *busy = arg;
    CHECK_EQ(rondel_loop_fork(busy->loop), 0);
    CHECK(net_run_until(busy->loop, &busy->work.calls, 1));
    CHECK_EQ(rondel_run_until(busy->loop, rondel_work(busy->loop, do_nothing, NULL, RONDEL_FUTURE)), 0);
    CHECK_EQ(rondel_loop_free(busy->loop), 0);
    return 0;
}

TEST(a_child_goes_on_with_the_loop_and_the_parents_is_not_disturbed) {
    struct busy busy;
    REQUIRE(busy_begin(&busy));
    in_child(adopt_busy, &busy);
    busy_end(&busy);
}

static struct busy *at_the_end;

static void fork_at_the_end(void) {
    in_child(adopt_and_end, at_the_end);
    work_off(&(struct job){end_at_once, NULL});
}

static int end_with_a_fork(void *arg) {
    at_the_end = arg;
    if (atexit(fork_at_the_end) == 0) exit(71);
    return 0;
}

/* The variables of the thread are gone by then. */
TEST(a_handler_of_atexit_may_fork) {
    struct busy busy;
    struct child child;
    REQUIRE(busy_begin(&busy));
    child_start(&child, end_with_a_fork, &busy);
    child_dies_of(&child, SIGKILL);
    CHECK_STR(child.said, "well");
    busy_end(&busy);
}

struct line {
    rondel_loop loop;
    rondel_tcp stream;
    int peer;
    char got[64];
    int64_t count;
};

static void on_bytes(rondel_stream stream, const uint8_t *bytes, int64_t n, void *user_data) {
    struct line *line = user_data;
    (void)stream;
    for (int64_t i = 0; i < n && line->count < (int64_t)sizeof line->got - 1; i++)
        line->got[line->count++] = (char)bytes[i];
    line->got[line->count] = 0;
}

static int read_child(void *arg) {
    struct line *line = arg;
    CHECK_EQ(rondel_loop_fork(line->loop), 0);
    CHECK(net_send_text(line->peer, "child"));
    CHECK(net_run_until(line->loop, &line->count, 5));
    CHECK_STR(line->got, "child");
    CHECK_EQ(rondel_read_stop(line->stream), 0);
    CHECK_EQ(rondel_close(line->stream), 0);
    CHECK_EQ(rondel_run(line->loop, RONDEL_RUN_DEFAULT), 0);
    return 0;
}

TEST(what_was_being_read_goes_on_to_be_in_both) {
    struct line line = {rondel_loop_new(), 0, -1, "", 0};
    line.stream = net_stream(line.loop, &line.peer);
    CHECK_EQ(rondel_read_start(line.stream, on_bytes, &line), 0);
    settle(line.loop);
    in_child(read_child, &line);
    CHECK(net_send_text(line.peer, "parent"));
    CHECK(net_run_until(line.loop, &line.count, 6));
    CHECK_STR(line.got, "parent");
    CHECK_EQ(rondel_loop_free(line.loop), 0);
    close(line.peer);
}

static int fires(void *arg) {
    struct scene *scene = arg;
    CHECK_EQ(rondel_loop_fork(scene->loop), 0);
    CHECK(net_run_until(scene->loop, &scene->seen.calls, 2));
    CHECK_EQ(rondel_loop_free(scene->loop), 0);
    return 0;
}

static int64_t sleep_and_count(void *arg) {
    struct seen *seen = arg;
    CHECK_EQ(rondel_sleep(RONDEL_MS), 0);
    seen->calls++;
    return 0;
}

TEST(timers_and_tasks_go_on_in_both) {
    struct scene scene;
    memset(&scene, 0, sizeof scene);
    scene.loop = rondel_loop_new();
    CHECK(rondel_call_later(scene.loop, RONDEL_MS, see, &scene.seen) > 0);
    rondel_future task = rondel_task_spawn(scene.loop, sleep_and_count, &scene.seen);
    CHECK(rondel_run(scene.loop, RONDEL_RUN_NOWAIT) >= 0); /* the task sleeps on its stack as the process forks */
    CHECK_EQ(rondel_release(task), 0);
    in_child(fires, &scene);
    CHECK(net_run_until(scene.loop, &scene.seen.calls, 2));
    CHECK_EQ(rondel_run(scene.loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_loop_free(scene.loop), 0);
}

static int heir(void *arg) {
    struct line *line = arg;
    CHECK_EQ(rondel_loop_fork(line->loop), 0);
    if (line->count < 4) {
        line->count++;
        in_child(heir, line);
    }
    CHECK(net_send_text(line->peer, "x"));
    int64_t had = line->count;
    CHECK(net_run_until(line->loop, &line->count, had + 1));
    CHECK_EQ(rondel_loop_free(line->loop), 0);
    return 0;
}

TEST(a_child_may_have_children_of_its_own) {
    struct line line = {rondel_loop_new(), 0, -1, "", 0};
    line.stream = net_stream(line.loop, &line.peer);
    CHECK_EQ(rondel_read_start(line.stream, on_bytes, &line), 0);
    in_child(heir, &line);
    CHECK(net_send_text(line.peer, "y"));
    CHECK(net_run_until(line.loop, &line.count, 1));
    CHECK_EQ(rondel_loop_free(line.loop), 0);
    close(line.peer);
}

static int signal_child(void *arg) {
    struct busy *busy = arg;
    CHECK_EQ(rondel_loop_fork(busy->loop), 0);
    settle(busy->loop);
    CHECK_EQ(busy->came.calls, 0); /* what came to the parent is the parent's */
    CHECK_EQ(raise(SIGUSR1), 0);
    settle(busy->loop);
    CHECK_EQ(busy->came.calls, 1);
    CHECK_EQ(rondel_loop_free(busy->loop), 0);
    struct sigaction action;
    CHECK_EQ(sigaction(SIGUSR1, NULL, &action), 0);
    CHECK(action.sa_handler == SIG_DFL);
    return 0;
}

TEST(signals_are_told_in_the_process_that_they_come_to) {
    struct busy busy;
    memset(&busy, 0, sizeof busy);
    busy.loop = rondel_loop_new();
    CHECK(rondel_signal_start(busy.loop, SIGUSR1, see, &busy.came) > 0);
    settle(busy.loop);
    CHECK_EQ(raise(SIGUSR1), 0);
    in_child(signal_child, &busy);
    settle(busy.loop);
    CHECK_EQ(busy.came.calls, 1);
    CHECK(sleeps(busy.loop));
    CHECK_EQ(rondel_loop_free(busy.loop), 0);
}

static int signal_before(void *arg) {
    struct busy *busy = arg;
    CHECK_EQ(raise(SIGUSR1), 0); /* before it has asked: kept for it */
    CHECK_EQ(rondel_loop_fork(busy->loop), 0);
    CHECK_EQ(rondel_run(busy->loop, RONDEL_RUN_ONCE), 1);
    CHECK_EQ(busy->came.calls, 1);
    return 0;
}

TEST(a_signal_that_comes_before_the_child_has_asked_is_not_lost) {
    struct busy busy;
    memset(&busy, 0, sizeof busy);
    busy.loop = rondel_loop_new();
    CHECK(rondel_signal_start(busy.loop, SIGUSR1, see, &busy.came) > 0);
    settle(busy.loop);
    in_child(signal_before, &busy);
    CHECK(sleeps(busy.loop));
    CHECK_EQ(busy.came.calls, 0);
    CHECK_EQ(rondel_loop_free(busy.loop), 0);
}

static int run_out(void *arg) {
    struct line *line = arg;
    struct rlimit limit, none = {0, 0};
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none.rlim_max = limit.rlim_max;
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    CHECK_EQ(rondel_loop_fork(line->loop), RONDEL_EMFILE);
    CHECK_EQ(rondel_run(line->loop, RONDEL_RUN_NOWAIT), RONDEL_ESTATE);
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    CHECK_EQ(rondel_loop_fork(line->loop), 0);
    CHECK(net_send_text(line->peer, "x"));
    CHECK(net_run_until(line->loop, &line->count, 1));
    return 0;
}

TEST(without_descriptors_it_fails_and_can_be_tried_again) {
    struct line line = {rondel_loop_new(), 0, -1, "", 0};
    line.stream = net_stream(line.loop, &line.peer);
    CHECK_EQ(rondel_read_start(line.stream, on_bytes, &line), 0);
    in_child(run_out, &line);
    CHECK_EQ(rondel_loop_free(line.loop), 0);
    close(line.peer);
}

TEST_MAIN(RUN(every_call_is_refused_in_a_child_that_has_not_asked_for_the_loop),
          RUN(a_child_may_free_its_copy_without_a_trace_at_the_parents), RUN(a_child_may_end_without_a_word),
          RUN(a_handler_of_atexit_may_fork),
          RUN(a_child_goes_on_with_the_loop_and_the_parents_is_not_disturbed),
          RUN(what_was_being_read_goes_on_to_be_in_both), RUN(timers_and_tasks_go_on_in_both),
          RUN(a_child_may_have_children_of_its_own), RUN(signals_are_told_in_the_process_that_they_come_to),
          RUN(a_signal_that_comes_before_the_child_has_asked_is_not_lost),
          RUN(without_descriptors_it_fails_and_can_be_tried_again))
