/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A loop in words: what there is in it, what that waits for, and how old it is.
 */
#include "support/child.h"
#include "support/futures.h"
#include "support/names.h"
#include "support/steps.h"
#include "support/task.h"

#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <unistd.h>

static char dump_text[1 << 16];

static const char *dump(rondel_loop loop) {
    memset(dump_text, 0x5a, sizeof dump_text);
    int64_t length = rondel_loop_dump(loop, dump_text, sizeof dump_text);
    CHECK(length > 0 && length < (int64_t)sizeof dump_text);
    CHECK_EQ(length, strlen(dump_text));
    return dump_text;
}

/* Checks that the last dump has this in a line, after `from`; returns where. */
static const char *has_after(const char *from, const char *text) {
    const char *at = from ? strstr(from, text) : NULL;
    if (!at) fprintf(stderr, "    there is no \"%s\" in:\n%s\n", text, dump_text);
    CHECK(at != NULL);
    return at;
}

static void has(const char *format, ...) {
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    has_after(dump_text, text);
}

TEST(an_empty_loop_has_nothing_to_say) {
    rondel_loop loop = rondel_loop_new();
    char expected[256];
    CHECK_EQ(rondel_handle_set_name(loop, "empty"), 0);
    snprintf(expected, sizeof expected, "loop \"empty\" (%" PRId64 "): turn 0, 0 handles, not running\nnothing keeps it going\n",
             loop);
    CHECK_STR(dump(loop), expected);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(what_keeps_the_loop_going_comes_first) {
    rondel_loop loop = rondel_loop_new();
    rondel_timer quiet = rondel_timer_start(loop, 50 * RONDEL_SECOND, RONDEL_SECOND, trace, "");
    rondel_timer stopped = rondel_timer_start(loop, RONDEL_SECOND, 0, trace, "");
    rondel_timer heart = rondel_timer_start(loop, 100 * RONDEL_SECOND, 90 * RONDEL_SECOND, trace, "");
    CHECK_EQ(rondel_handle_set_name(quiet, "quiet"), 0);
    CHECK_EQ(rondel_handle_set_name(heart, "heart"), 0);
    CHECK_EQ(rondel_unref(quiet), 0);
    CHECK_EQ(rondel_timer_stop(stopped), 0);
    const char *at = dump(loop);
    at = has_after(at, ": turn 0, 3 handles, not running\n");
    at = has_after(at, "these keep it going:\n");
    at = has_after(at, "timer \"heart\" (");
    at = has_after(at, "): due in 1 min "); /* less than 40 seconds after the start */
    at = has_after(at, " s, every 1 min 30 s\n");
    at = has_after(at, "these are there too:\n");
    has("timer \"quiet\" (%" PRId64 "): due in ", quiet);
    at = has_after(at, ", every 1.0 s, unreferenced\n");
    has("timer %" PRId64 ": stopped\n", stopped);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(an_age_is_told_and_the_oldest_comes_first) {
    const int64_t begun = rondel_clock();
    rondel_loop loop = rondel_loop_new();
    rondel_timer old = rondel_timer_start(loop, AGES, 0, trace, ""), young;
    int64_t age = -1;
    char line[64];
    CHECK_EQ(rondel_run_until(loop, rondel_call_later(loop, 40 * RONDEL_MS, RONDEL_FUTURE)), 0);
    young = rondel_timer_start(loop, AGES, 0, trace, "");
    dump(loop);
    const int64_t ended = rondel_clock();
    snprintf(line, sizeof line, "timer %" PRId64, young);
    CHECK(strstr(dump_text, line) > has_after(dump_text, "ms  timer "));
    const char *at = has_after(dump_text, "going:\n");
    CHECK_EQ(sscanf(at, "going:\n%" SCNd64 " ms", &age), 1);
    /* True to some 8 ms either way. */
    if (ended - begun < RONDEL_SECOND) CHECK(age >= 30 && age <= (ended - begun) / RONDEL_MS + 10);
    snprintf(line, sizeof line, "timer %" PRId64, old);
    CHECK(strstr(dump_text, line) != NULL);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static int64_t inner(void *arg) { return rondel_await(task_number(arg)); }

static int64_t outer(void *arg) {
    rondel_future child = rondel_task_spawn(rondel_loop_current(), inner, arg);
    rondel_handle_set_name(child, "inner");
    return rondel_await(child);
}

TEST(a_task_is_told_with_what_it_awaits) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    rondel_future task = rondel_task_spawn(loop, outer, task_arg(promise));
    CHECK_EQ(rondel_handle_set_name(task, "outer"), 0);
    CHECK_EQ(rondel_handle_set_name(promise, "promise"), 0);
    dump(loop);
    has("task \"outer\" (%" PRId64 "): has not begun\n", task);
    rondel_run(loop, RONDEL_RUN_NOWAIT);
    rondel_run(loop, RONDEL_RUN_NOWAIT);
    dump(loop);
    has("task \"outer\" (%" PRId64 "): awaits task \"inner\" (", task);
    has("): awaits promise \"promise\" (%" PRId64 ")\n", promise);
    has("promise \"promise\" (%" PRId64 ")\n", promise);
    CHECK_EQ(rondel_future_set(promise, 3), 0);
    CHECK_EQ(rondel_retain(task), 0);
    CHECK_EQ(rondel_run_until(loop, task), 3);
    dump(loop);
    has("task \"outer\" (%" PRId64 "): done, 3\n", task);
    CHECK_EQ(rondel_release(task), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

/* One of each operation, none of which is done; they are cancelled in the end. */
struct operation {
    const char *text; /* in its line, after its number */
    const char *word;
    rondel_future future;
};

static void expect(struct operation *operations, int *count, const char *word, const char *text, rondel_future future) {
    CHECK(future > 0);
    operations[(*count)++] = (struct operation){text, word, future};
}

static void check_operations(rondel_loop loop, struct operation *operations, int count) {
    dump(loop);
    for (int i = 0; i < count; i++) {
        char line[64];
        snprintf(line, sizeof line, "%s %" PRId64, operations[i].word, operations[i].future);
        const char *at = has_after(dump_text, line), *end = at ? strchr(at, '\n') : NULL;
        const char *text = at ? strstr(at, operations[i].text) : NULL;
        CHECK(at && end && text && text < end);
        if (!at || !text || text > end)
            fprintf(stderr, "    %s \"%s\" is not in:\n%s\n", line, operations[i].text, dump_text);
    }
}

static void end_operations(rondel_loop loop, struct operation *operations, int count) {
    for (int i = 0; i < count; i++) rondel_cancel(operations[i].future);
    for (int i = 0; i < count; i++) rondel_release(operations[i].future);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(operations_have_the_name_of_the_function_that_started_them) {
    rondel_loop loop = rondel_loop_new();
    struct operation list[32];
    int n = 0;
    rondel_future promises[8];
    rondel_group group = rondel_group_new(loop);
    rondel_lock lock = rondel_lock_new(loop), other = rondel_lock_new(loop);
    rondel_event event = rondel_event_new(loop);
    rondel_semaphore semaphore = rondel_semaphore_new(loop, 0, 0);
    rondel_barrier barrier = rondel_barrier_new(loop, 3);
    rondel_queue queue = rondel_queue_new(loop, 1, RONDEL_QUEUE_FIFO);
    for (int i = 0; i < 8; i++) promises[i] = rondel_future_new(loop);
    rondel_iterator iterator = rondel_as_completed(promises, 1);
    expect(list, &n, "promise", "", promises[0]);
    expect(list, &n, "call_soon", "", rondel_call_soon(loop, RONDEL_FUTURE));
    expect(list, &n, "call_later", "due in 59 min ", rondel_call_later(loop, 3600 * RONDEL_SECOND, RONDEL_FUTURE));
    expect(list, &n, "gather", "2 of 2 to come", rondel_gather(promises + 1, 2, NULL, RONDEL_FUTURE));
    expect(list, &n, "gather_all", "1 of 1 to come", rondel_gather_all(promises + 3, 1, NULL, RONDEL_FUTURE));
    expect(list, &n, "wait", "1 of 1 to come", rondel_wait(promises, 1, RONDEL_ALL_COMPLETED, RONDEL_FUTURE));
    expect(list, &n, "shield", "of promise ", rondel_shield(promises[4], RONDEL_FUTURE));
    CHECK(rondel_group_add(group, promises[5]) > 0);
    expect(list, &n, "group_join", "on group ", rondel_group_join(group, RONDEL_FUTURE));
    expect(list, &n, "as_completed_next", "on iterator ", rondel_as_completed_next(iterator, RONDEL_FUTURE));
    CHECK_EQ(rondel_lock_try(lock), 0);
    expect(list, &n, "lock_acquire", "on lock ", rondel_lock_acquire(lock, RONDEL_FUTURE));
    expect(list, &n, "event_wait", "on event ", rondel_event_wait(event, RONDEL_FUTURE));
    expect(list, &n, "semaphore_acquire", "on semaphore ", rondel_semaphore_acquire(semaphore, RONDEL_FUTURE));
    expect(list, &n, "barrier_wait", "on barrier ", rondel_barrier_wait(barrier, RONDEL_FUTURE));
    expect(list, &n, "queue_get", "on queue ", rondel_queue_get(queue, RONDEL_FUTURE));
    CHECK_EQ(rondel_lock_try(other), 0);
    rondel_condition condition = rondel_condition_new(other);
    expect(list, &n, "condition_wait", "on condition ", rondel_condition_wait(condition, RONDEL_FUTURE));
    CHECK_EQ(rondel_timeout(promises[6], 100 * RONDEL_SECOND), promises[6]);
    expect(list, &n, "promise", ": times out in 1 min ", promises[6]);
    check_operations(loop, list, n);
    has("lock %" PRId64 ": held, 1 waiting\n", lock);
    has("event %" PRId64 ": 1 waiting\n", event);
    has("semaphore %" PRId64 ": 0 left, 1 waiting\n", semaphore);
    has("queue %" PRId64 ": 0 items, 0 putting, 1 getting, 0 unfinished\n", queue);
    has("group %" PRId64 ": 1 child\n", group);
    has("callbacks are due: 1\n");
    rondel_release(promises[7]);
    end_operations(loop, list, n);
}

TEST(streams_and_what_is_pending_on_them) {
    rondel_loop loop = rondel_loop_new();
    struct operation list[32];
    int n = 0, peer = -1, fds[2], port = 0;
    char where[128], *bytes = calloc(1, 8 << 20), byte;
    rondel_tcp stream = net_stream(loop, &peer);
    rondel_tcp server = rondel_tcp_listen(loop, "127.0.0.1", 0, NULL, NULL);
    rondel_tcp unconnected = rondel_tcp_new(loop);
    CHECK(rondel_local_addr(server, NULL, 0, &port) > 0);
    CHECK_EQ(rondel_handle_set_name(stream, "client"), 0);
    expect(list, &n, "accept", "on tcp ", rondel_accept(server, RONDEL_FUTURE));
    expect(list, &n, "read", "on tcp \"client\" (", rondel_read(stream, &byte, 1, RONDEL_FUTURE));
    expect(list, &n, "write", "on tcp \"client\" (", rondel_write(stream, bytes, 8 << 20, RONDEL_FUTURE));
    expect(list, &n, "shutdown", "on tcp \"client\" (", rondel_shutdown(stream, RONDEL_FUTURE));
    check_operations(loop, list, n);
    snprintf(where, sizeof where, "tcp %" PRId64 ": listening at 127.0.0.1:%d, descriptor %" PRId64 "\n", server, port,
             rondel_fileno(server));
    has("%s", where);
    has("tcp %" PRId64 ": neither connected nor listening\n", unconnected);
    has(": a read waits, ");
    CHECK(rondel_peer_addr(stream, NULL, 0, &port) > 0);
    has(" bytes to send, then to be shut down, peer 127.0.0.1:%d, descriptor %" PRId64 "\n", port,
        rondel_fileno(stream));
    CHECK_EQ(pipe(fds), 0);
    rondel_watch watch = rondel_fd_watch(loop, fds[0], RONDEL_READABLE | RONDEL_DISCONNECT, trace, "");
    rondel_signal signal = rondel_signal_start(loop, SIGURG, trace, "");
    dump(loop);
    has("fd_watch %" PRId64 ": descriptor %d, readable or gone\n", watch, fds[0]);
    has("signal %" PRId64 ": number %d\n", signal, SIGURG);
    CHECK_EQ(rondel_close(watch), 0);
    dump(loop);
    has("fd_watch %" PRId64 ": closing\n", watch);
    has("close notices are due: 1\n");
    end_operations(loop, list, n);
    close(peer), close(fds[0]), close(fds[1]);
    free(bytes);
}

static int64_t wait_at_gate(void *arg) {
    struct gate *gates = arg;
    gate_pass(&gates[0]);
    gate_wait(&gates[1], 1);
    return 0;
}

TEST(what_the_pool_does_is_told_with_where_it_is) {
    rondel_loop loop = rondel_loop_new();
    struct operation list[32];
    struct gate gates[2] = {GATE, GATE};
    const int64_t size = rondel_pool_size(0);
    rondel_address address = {4, 80, 0, {192, 0, 2, 1}};
    int n = 0;
    CHECK_EQ(rondel_pool_size(1), 1);
    expect(list, &n, "work", "on a thread", rondel_work(loop, wait_at_gate, gates, RONDEL_FUTURE));
    gate_wait(&gates[0], 1);
    expect(list, &n, "work", "waits for a thread", rondel_work(loop, wait_at_gate, gates, RONDEL_FUTURE));
    const int replaced = names_work(loop);
    if (replaced) {
        names_add((struct name){"held.test", {"192.0.2.1"}, 0, 1});
        expect(list, &n, "resolve", "on a thread", rondel_resolve(loop, "held.test", NULL, 0, RONDEL_FUTURE));
        names_wait_held(1);
        expect(list, &n, "resolve_name", "on a thread", rondel_resolve_name(loop, &address, 0, RONDEL_FUTURE));
        names_wait_held(2);
        expect(list, &n, "tcp_connect", "looks up the host, on a thread",
               rondel_tcp_connect(loop, "held.test", 80, RONDEL_FUTURE));
        names_wait_held(3);
    }
    CHECK_EQ(rondel_cancel(list[0].future), 0);
    list[0].text = "on a thread, cancelled";
    check_operations(loop, list, n);
    gate_pass(&gates[1]);
    CHECK_EQ(rondel_pool_size(size), size);
    end_operations(loop, list, n);
    if (replaced) names_release();
    names_clear();
}

TEST(a_connect_that_goes_on_tells_how_far_it_is) {
    rondel_loop loop = rondel_loop_new();
    struct net_black_hole hole;
    if (!net_black_hole_at(&hole, "127.0.0.1", 0)) {
        net_black_hole_close(&hole);
        CHECK_EQ(rondel_loop_free(loop), 0);
        SKIP("every connection is answered here");
    }
    rondel_future connect = rondel_tcp_connect(loop, "127.0.0.1", hole.port, RONDEL_FUTURE);
    dump(loop);
    has(": turn 0, 1 handle, not running\n");
    has("tcp_connect %" PRId64 ": tries 1 address\n", connect);
    CHECK_EQ(rondel_close(connect), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    net_black_hole_close(&hole);
}

/* Whoever reads from a pipe that nobody writes to waits, here on the pool. */
TEST(a_file_operation_that_hangs_is_told) {
    rondel_loop loop = rondel_loop_new();
    int fds[2];
    char byte;
    CHECK_EQ(pipe(fds), 0);
    rondel_file file = rondel_file_open_fd(loop, fds[0]);
    rondel_future hanging = rondel_file_read(file, &byte, 1, RONDEL_POSITION, RONDEL_FUTURE);
    rondel_future next = rondel_file_read(file, &byte, 1, RONDEL_POSITION, RONDEL_FUTURE);
    CHECK(hanging > 0 && next > 0);
    while (rondel_pool_metric(RONDEL_POOL_FILES, RONDEL_POOL_QUEUED)) sched_yield();
    dump(loop);
    has("file_read");
    has(" %" PRId64 ": on file %" PRId64 ", on a thread\n", hanging, file);
    has(" %" PRId64 ": on file %" PRId64 ", waits for its turn on the file\n", next, file);
    has("file %" PRId64 ": 2 operations, descriptor %d\n", file, fds[0]);
    close(fds[1]);
    CHECK_EQ(rondel_run_until(loop, hanging), 0);
    CHECK_EQ(rondel_run_until(loop, next), 0);
    dump(loop);
    has("file %" PRId64 ": 0 operations, descriptor %d\n", file, fds[0]);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST(a_text_that_is_too_long_is_cut) {
    rondel_loop loop = rondel_loop_new();
    rondel_timer timer = rondel_timer_start(loop, AGES, 0, trace, "");
    char room[4096];
    CHECK_EQ(rondel_handle_set_name(timer, "\xc3\xa4\xc3\xb6\xc3\xbc\xe2\x82\xac"), 0);
    const int64_t length = rondel_loop_dump(loop, NULL, 0);
    CHECK(length > 0 && length < 1000);
    CHECK_EQ(rondel_loop_dump(loop, NULL, 500), length);
    dump(loop);
    for (size_t size = 0; size < (size_t)length + 10; size++) {
        memset(room, 0x5a, sizeof room);
        /* Its age may have become longer meanwhile, as a text too. */
        CHECK(rondel_loop_dump(loop, room, size) >= length);
        CHECK_EQ(room[size], 0x5a);
        if (size == 0) continue;
        CHECK(memchr(room, 0, size) != NULL);
        CHECK(strlen(room) + 4 > size || strlen(room) >= (size_t)length); /* no character is cut in two */
        unsigned char last = strlen(room) ? (unsigned char)room[strlen(room) - 1] : 0;
        CHECK(last < 0xc0);
    }
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void dump_here(rondel_handle source, int64_t result, void *user_data) {
    (void)result;
    rondel_loop loop = rondel_loop_of(source);
    dump(loop);
    has(": turn %" PRId64, rondel_metric(loop, RONDEL_METRIC_TURNS));
    CHECK(!strstr(dump_text, "not running"));
    ++*(int *)user_data;
}

static int64_t dump_in_task(void *arg) {
    dump(rondel_loop_current());
    has("task %" PRId64 ": goes on\n", rondel_task_current());
    return ++*(int *)arg;
}

TEST(it_can_be_told_from_callbacks_and_tasks_and_at_the_end) {
    rondel_loop loop = rondel_loop_new();
    int calls = 0;
    CHECK(rondel_call_soon(loop, dump_here, &calls) > 0);
    CHECK(rondel_call_later(loop, 1, dump_here, &calls) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0);
    CHECK_EQ(rondel_run_until(loop, rondel_task_spawn(loop, dump_in_task, &calls)), 3);
    CHECK(rondel_call_later(loop, AGES, dump_here, &calls) > 0); /* told as the loop is freed */
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(calls, 4);
}

TEST(a_loop_with_much_in_it_is_told_whole) {
    const int64_t count = test_scale(20000, 500);
    rondel_loop loop = rondel_loop_new();
    for (int64_t i = 0; i < count; i++) CHECK(rondel_timer_start(loop, AGES, 0, trace, "") > 0);
    const int64_t length = rondel_loop_dump(loop, NULL, 0);
    char *text = malloc((size_t)length + 1000);
    int64_t lines = 0;
    CHECK(rondel_loop_dump(loop, text, (size_t)length + 1000) >= length);
    for (const char *at = text; (at = strstr(at, "timer ")) != NULL; at++) lines++;
    CHECK_EQ(lines, count);
    free(text);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

static void *ask_to_print(void *arg) {
    CHECK_EQ(rondel_loop_print(*(rondel_loop *)arg), RONDEL_ETHREAD);
    CHECK_EQ(rondel_loop_dump(*(rondel_loop *)arg, NULL, 0), RONDEL_ETHREAD);
    CHECK_EQ(rondel_loop_print_threadsafe(*(rondel_loop *)arg), 0);
    CHECK_EQ(rondel_stop_threadsafe(*(rondel_loop *)arg), 0);
    return NULL;
}

static void ask_from_a_thread(rondel_handle source, int64_t result, void *user_data) {
    static rondel_loop loop;
    pthread_t thread;
    (void)result;
    (void)user_data;
    loop = rondel_loop_of(source);
    CHECK_EQ(pthread_create(&thread, NULL, ask_to_print, &loop), 0);
    pthread_join(thread, NULL);
}

static int print_in_child(void *arg) {
    rondel_loop loop = rondel_loop_new();
    (void)arg;
    rondel_handle_set_name(loop, "first");
    CHECK_EQ(rondel_loop_print(loop), 0);
    rondel_handle_set_name(loop, "second");
    CHECK(rondel_call_soon(loop, ask_from_a_thread, NULL) > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_FOREVER), 0);
    CHECK_EQ(rondel_loop_free(loop), 0);
    CHECK_EQ(rondel_loop_print_threadsafe(loop), RONDEL_EGONE);
    return 0;
}

TEST(it_is_printed_on_standard_error_also_for_other_threads) {
    static struct child child;
    child_start(&child, print_in_child, NULL);
    child_ends_with(&child, 0);
    CHECK_EQ(child_said(&child, "loop \"first\" ("), 1);
    CHECK_EQ(child_said(&child, "loop \"second\" ("), 1);
    CHECK_EQ(child_said(&child, "nothing keeps it going\n"), 2);
}

static int hang_in_child(void *arg) {
    rondel_loop loop = rondel_loop_new();
    (void)arg;
    rondel_signal printer = rondel_loop_print_on_signal(loop, SIGUSR1);
    CHECK(printer > 0);
    CHECK_EQ(rondel_run(loop, RONDEL_RUN_DEFAULT), 0); /* it does not keep the loop going */
    rondel_timer timer = rondel_timer_start(loop, AGES, 0, trace, "");
    CHECK_EQ(rondel_handle_set_name(timer, "forgotten"), 0);
    fprintf(stderr, "it hangs\n");
    rondel_run(loop, RONDEL_RUN_DEFAULT);
    return 1;
}

TEST(a_program_that_hangs_tells_why_on_a_signal) {
    static struct child child;
    child_start(&child, hang_in_child, NULL);
    child_wait_for(&child, "it hangs\n");
    CHECK_EQ(kill(child.pid, SIGUSR1), 0);
    child_wait_for(&child, "these keep it going:\n");
    child_wait_for(&child, "timer \"forgotten\" (");
    child_wait_for(&child, ": number ");
    CHECK_EQ(kill(child.pid, SIGUSR1), 0);
    while (child_said(&child, "timer \"forgotten\" (") < 2 && child_reads(&child)) continue;
    CHECK_EQ(kill(child.pid, SIGKILL), 0);
    child_dies_of(&child, SIGKILL);
}

TEST(bad_input_is_refused) {
    rondel_loop loop = rondel_loop_new();
    rondel_future promise = rondel_future_new(loop);
    CHECK_EQ(rondel_loop_dump(promise, NULL, 0), RONDEL_EKIND);
    CHECK_EQ(rondel_loop_dump(RONDEL_EMFILE, NULL, 0), RONDEL_EMFILE);
    CHECK_EQ(rondel_loop_print(promise), RONDEL_EKIND);
    CHECK_EQ(rondel_loop_print_on_signal(loop, SIGKILL), RONDEL_EINVAL);
    CHECK_EQ(rondel_loop_print_on_signal(loop, 0), RONDEL_EINVAL);
    CHECK_EQ(rondel_loop_print_on_signal(promise, SIGUSR1), RONDEL_EKIND);
    CHECK_EQ(rondel_metric(loop, RONDEL_METRIC_HANDLES), 2);
    CHECK_EQ(rondel_loop_free(loop), 0);
}

TEST_MAIN(RUN(an_empty_loop_has_nothing_to_say), RUN(what_keeps_the_loop_going_comes_first),
          RUN(an_age_is_told_and_the_oldest_comes_first), RUN(a_task_is_told_with_what_it_awaits),
          RUN(operations_have_the_name_of_the_function_that_started_them), RUN(streams_and_what_is_pending_on_them),
          RUN(what_the_pool_does_is_told_with_where_it_is), RUN(a_connect_that_goes_on_tells_how_far_it_is),
          RUN(a_file_operation_that_hangs_is_told), RUN(a_text_that_is_too_long_is_cut),
          RUN(it_can_be_told_from_callbacks_and_tasks_and_at_the_end), RUN(a_loop_with_much_in_it_is_told_whole),
          RUN(it_is_printed_on_standard_error_also_for_other_threads), RUN(a_program_that_hangs_tells_why_on_a_signal),
          RUN(bad_input_is_refused))
