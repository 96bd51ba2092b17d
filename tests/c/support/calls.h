/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Every function of the library that takes a handle, as a table: so that a promise about all of them is tested on all
 * of them. `call` passes its handle first and sound arguments after it; `kinds` are the kinds it takes, one bit each.
 */
#ifndef RONDEL_TEST_CALLS_H
#define RONDEL_TEST_CALLS_H

#include "test.h"

#include "calls_dump.h"
#include "calls_file.h"
#include "calls_interface.h"
#include "calls_pipe.h"
#include "calls_process.h"
#include "calls_random.h"
#include "calls_resolve.h"
#include "calls_tty.h"
#include "calls_udp.h"
#include "calls_watch.h"

/* What the calls use where they need a second handle, a callback or a port; the test sets them. */
static rondel_loop call_loop;
static rondel_future call_future;
static rondel_fn call_fn = see;
static int call_port = 9;
static int call_fd = INT32_MAX;

#define KIND_BIT(kind) (1u << (kind))
#define LOOPS KIND_BIT(RONDEL_KIND_LOOP)
#define TIMERS KIND_BIT(RONDEL_KIND_TIMER)
#define FUTURES KIND_BIT(RONDEL_KIND_FUTURE)
#define TCPS KIND_BIT(RONDEL_KIND_TCP)
#define HOOKS (KIND_BIT(RONDEL_KIND_IDLE) | KIND_BIT(RONDEL_KIND_PREPARE) | KIND_BIT(RONDEL_KIND_CHECK))
#define LOCKS KIND_BIT(RONDEL_KIND_LOCK)
#define EVENTS KIND_BIT(RONDEL_KIND_EVENT)
#define CONDITIONS KIND_BIT(RONDEL_KIND_CONDITION)
#define SEMAPHORES KIND_BIT(RONDEL_KIND_SEMAPHORE)
#define BARRIERS KIND_BIT(RONDEL_KIND_BARRIER)
#define QUEUES KIND_BIT(RONDEL_KIND_QUEUE)
#define SYNC (LOCKS | EVENTS | CONDITIONS | SEMAPHORES | BARRIERS | QUEUES)
#define WATCHES KIND_BIT(RONDEL_KIND_FD_WATCH)
#define SIGNALS KIND_BIT(RONDEL_KIND_SIGNAL)
#define GROUPS KIND_BIT(RONDEL_KIND_GROUP)
#define ITERATORS KIND_BIT(RONDEL_KIND_ITERATOR)
#define STREAMS (TCPS | PIPES | TTYS)
#define SOCKETS (TCPS | PIPES)
#define EVERY_KIND (~0u)
#define HANDLES (EVERY_KIND & ~LOOPS)

static struct seen call_seen; /* what a call that should have been refused would touch */
static char call_bytes[64];
static const rondel_buffer call_buffer = {call_bytes, sizeof call_bytes};
static rondel_completion call_completion;
static rondel_address call_address;

static inline int64_t do_nothing(void *arg) {
    (void)arg;
    return 0;
}

static inline void no_bytes(rondel_stream stream, const uint8_t *bytes, int64_t n, void *user_data) {
    (void)stream;
    (void)bytes;
    (void)n;
    ((struct seen *)user_data)->calls++;
}

static inline uint8_t *no_room(rondel_stream stream, size_t *size, void *user_data) {
    (void)stream;
    ((struct seen *)user_data)->calls++;
    *size = sizeof call_bytes;
    return (uint8_t *)call_bytes;
}

/* CALL(function, kinds it takes, other arguments): those of the loop's own thread. */
#define CALLS_OF_THE_THREAD(CALL)                                                                                      \
    CALL(loop_free, LOOPS, (h))                                                                                        \
    CALL(run, LOOPS, (h, RONDEL_RUN_NOWAIT))                                                                           \
    CALL(run_until, LOOPS, (h, call_future))                                                                           \
    CALL(stop, LOOPS, (h))                                                                                             \
    CALL(now, LOOPS, (h))                                                                                              \
    CALL(alive, LOOPS, (h))                                                                                            \
    CALL(walk, LOOPS, (h, call_fn, &call_seen))                                                                        \
    CALL(metric, LOOPS, (h, RONDEL_METRIC_TURNS))                                                                      \
    CALL(backend_fd, LOOPS, (h))                                                                                       \
    CALL(backend_timeout, LOOPS, (h))                                                                                  \
    CALL(loop_fork, LOOPS, (h))                                                                                        \
    CALL(call_soon, LOOPS, (h, call_fn, &call_seen))                                                                   \
    CALL(call_later, LOOPS, (h, 0, call_fn, &call_seen))                                                               \
    CALL(call_at, LOOPS, (h, 0, call_fn, &call_seen))                                                                  \
    CALL(idle_start, LOOPS, (h, call_fn, &call_seen))                                                                  \
    CALL(prepare_start, LOOPS, (h, call_fn, &call_seen))                                                               \
    CALL(check_start, LOOPS, (h, call_fn, &call_seen))                                                                 \
    CALL(timer_start, LOOPS, (h, 0, 0, call_fn, &call_seen))                                                           \
    CALL(future_new, LOOPS, (h))                                                                                       \
    CALL(tcp_new, LOOPS, (h))                                                                                          \
    CALL(tcp_listen, LOOPS, (h, "127.0.0.1", 0, call_fn, &call_seen))                                                  \
    CALL(tcp_connect, LOOPS, (h, "127.0.0.1", call_port, call_fn, &call_seen))                                         \
    CALL(tcp_open, LOOPS, (h, INT32_MAX))                                                                              \
    CALL(fd_watch, LOOPS, (h, call_fd, RONDEL_READABLE, call_fn, &call_seen))                                          \
    CALL(signal_start, LOOPS, (h, SIGURG, call_fn, &call_seen))                                                        \
    CALL(signal_wait, LOOPS, (h, SIGURG, call_fn, &call_seen))                                                         \
    CALL(work, LOOPS, (h, do_nothing, NULL, call_fn, &call_seen))                                                      \
    CALL(resolve, LOOPS, (h, "127.0.0.1", NULL, RONDEL_RESOLVE_NUMERIC, call_fn, &call_seen))                          \
    CALL(task_spawn, LOOPS, (h, do_nothing, NULL))                                                                     \
    CALL(task_spawn_sized, LOOPS, (h, do_nothing, NULL, 0))                                                            \
    CALL(task_all, LOOPS, (h, NULL, 0))                                                                                \
    CALL(set_debug, LOOPS, (h, 0))                                                                                     \
    CALL(set_slow, LOOPS, (h, RONDEL_SECOND))                                                                          \
    CALL(group_new, LOOPS, (h))                                                                                        \
    CALL(next, LOOPS, (h, &call_completion, 1, 0))                                                                     \
    CALL(close, HANDLES, (h))                                                                                          \
    CALL(on_close, EVERY_KIND & ~FUTURES, (h, call_fn, &call_seen))                                                    \
    CALL(is_active, EVERY_KIND, (h))                                                                                   \
    CALL(is_closing, EVERY_KIND, (h))                                                                                  \
    CALL(ref, HANDLES, (h))                                                                                            \
    CALL(unref, HANDLES, (h))                                                                                          \
    CALL(kind, EVERY_KIND, (h))                                                                                        \
    CALL(loop_of, EVERY_KIND, (h))                                                                                     \
    CALL(set_data, EVERY_KIND, (h, &call_seen))                                                                        \
    CALL(handle_set_name, EVERY_KIND, (h, "name"))                                                                     \
    CALL(handle_name, EVERY_KIND, (h, NULL, 0))                                                                        \
    CALL(fileno, STREAMS | UDPS | WATCHES | FILES, (h))                                                                \
    CALL(detach, STREAMS, (h))                                                                                         \
    CALL(fd_watch_set, WATCHES, (h, RONDEL_READABLE))                                                                  \
    CALL(timer_set, TIMERS, (h, 0, 0))                                                                                 \
    CALL(timer_again, TIMERS, (h))                                                                                     \
    CALL(timer_stop, TIMERS, (h))                                                                                      \
    CALL(timer_due_in, TIMERS, (h))                                                                                    \
    CALL(run_until_of, FUTURES, (h))                                                                                   \
    CALL(future_set, FUTURES, (h, 1))                                                                                  \
    CALL(future_fail, FUTURES, (h, RONDEL_EINVAL))                                                                     \
    CALL(future_then, FUTURES, (h, call_fn, &call_seen))                                                               \
    CALL(future_on_cancel, FUTURES, (h, call_fn, &call_seen))                                                          \
    CALL(future_remove, FUTURES, (h, call_fn, &call_seen))                                                             \
    CALL(future_state, FUTURES, (h))                                                                                   \
    CALL(future_result, FUTURES, (h))                                                                                  \
    CALL(future_origin, FUTURES, (h))                                                                                  \
    CALL(retain, FUTURES, (h))                                                                                         \
    CALL(release, FUTURES, (h))                                                                                        \
    CALL(cancel, FUTURES, (h))                                                                                         \
    CALL(timeout, FUTURES, (h, 0))                                                                                     \
    CALL(resolve_addr, FUTURES, (h, 0, &call_address))                                                                 \
    CALL(gather_of, FUTURES, (h))                                                                                      \
    CALL(gather_all_of, FUTURES, (h))                                                                                  \
    CALL(wait_of, FUTURES, (h))                                                                                        \
    CALL(as_completed_of, FUTURES, (h))                                                                                \
    CALL(shield, FUTURES, (h, call_fn, &call_seen))                                                                    \
    CALL(as_completed_next, ITERATORS, (h, call_fn, &call_seen))                                                       \
    CALL(group_add, GROUPS, (h, call_future))                                                                          \
    CALL(group_spawn, GROUPS, (h, do_nothing, NULL))                                                                   \
    CALL(group_join, GROUPS, (h, call_fn, &call_seen))                                                                 \
    CALL(group_cancel, GROUPS, (h))                                                                                    \
    CALL(group_error_count, GROUPS, (h))                                                                               \
    CALL(group_error, GROUPS, (h, 0))                                                                                  \
    CALL(tcp_bind, TCPS, (h, "127.0.0.1", 0))                                                                          \
    CALL(tcp_reuse_port, TCPS, (h, 1))                                                                                 \
    CALL(listen, SOCKETS, (h, 0, call_fn, &call_seen))                                                                 \
    CALL(connect, TCPS, (h, "127.0.0.1", call_port, call_fn, &call_seen))                                              \
    CALL(accept, SOCKETS, (h, call_fn, &call_seen))                                                                    \
    CALL(tcp_nodelay, TCPS, (h, 1))                                                                                    \
    CALL(tcp_keepalive, TCPS, (h, RONDEL_SECOND))                                                                      \
    CALL(tcp_reset, TCPS, (h))                                                                                         \
    CALL(send_buffer, SOCKETS | UDPS, (h, 0))                                                                          \
    CALL(receive_buffer, SOCKETS | UDPS, (h, 0))                                                                       \
    CALL(local_addr, SOCKETS | UDPS, (h, NULL, 0, NULL))                                                               \
    CALL(peer_addr, SOCKETS | UDPS, (h, NULL, 0, NULL))                                                                \
    CALL(read_start, STREAMS, (h, no_bytes, &call_seen))                                                               \
    CALL(read_start_into, STREAMS, (h, no_room, no_bytes, &call_seen))                                                 \
    CALL(read_stop, STREAMS, (h))                                                                                      \
    CALL(read, STREAMS, (h, call_bytes, sizeof call_bytes, call_fn, &call_seen))                                       \
    CALL(read_exactly, STREAMS, (h, call_bytes, sizeof call_bytes, call_fn, &call_seen))                               \
    CALL(read_until, STREAMS, (h, call_bytes, sizeof call_bytes, "\n", 1, call_fn, &call_seen))                        \
    CALL(write, STREAMS, (h, call_bytes, sizeof call_bytes, call_fn, &call_seen))                                      \
    CALL(writev, STREAMS, (h, &call_buffer, 1, call_fn, &call_seen))                                                   \
    CALL(send_file, STREAMS, (h, call_loop, 0, 1, call_fn, &call_seen))                                                \
    CALL(write_borrowed, STREAMS, (h, call_bytes, sizeof call_bytes, call_fn, &call_seen))                             \
    CALL(try_write, STREAMS, (h, call_bytes, sizeof call_bytes))                                                       \
    CALL(shutdown, STREAMS, (h, call_fn, &call_seen))                                                                  \
    CALL(close_when_sent, STREAMS, (h))                                                                                \
    CALL(write_queue_size, STREAMS, (h))                                                                               \
    CALL(set_watermarks, STREAMS, (h, 1, 2, call_fn, &call_seen))                                                      \
    CALL(lock_new, LOOPS, (h))                                                                                         \
    CALL(event_new, LOOPS, (h))                                                                                        \
    CALL(condition_new, LOCKS, (h))                                                                                    \
    CALL(semaphore_new, LOOPS, (h, 1, 0))                                                                              \
    CALL(barrier_new, LOOPS, (h, 2))                                                                                   \
    CALL(queue_new, LOOPS, (h, 1, RONDEL_QUEUE_PRIORITY))                                                              \
    CALL(lock_acquire, LOCKS, (h, call_fn, &call_seen))                                                                \
    CALL(lock_try, LOCKS, (h))                                                                                         \
    CALL(lock_release, LOCKS, (h))                                                                                     \
    CALL(lock_held, LOCKS, (h))                                                                                        \
    CALL(event_set, EVENTS, (h))                                                                                       \
    CALL(event_clear, EVENTS, (h))                                                                                     \
    CALL(event_is_set, EVENTS, (h))                                                                                    \
    CALL(event_wait, EVENTS, (h, call_fn, &call_seen))                                                                 \
    CALL(condition_wait, CONDITIONS, (h, call_fn, &call_seen))                                                         \
    CALL(condition_notify, CONDITIONS, (h, 1))                                                                         \
    CALL(condition_notify_all, CONDITIONS, (h))                                                                        \
    CALL(semaphore_acquire, SEMAPHORES, (h, call_fn, &call_seen))                                                      \
    CALL(semaphore_try, SEMAPHORES, (h))                                                                               \
    CALL(semaphore_release, SEMAPHORES, (h))                                                                           \
    CALL(semaphore_value, SEMAPHORES, (h))                                                                             \
    CALL(barrier_wait, BARRIERS, (h, call_fn, &call_seen))                                                             \
    CALL(barrier_reset, BARRIERS, (h))                                                                                 \
    CALL(barrier_abort, BARRIERS, (h))                                                                                 \
    CALL(barrier_waiting, BARRIERS, (h))                                                                               \
    CALL(barrier_broken, BARRIERS, (h))                                                                                \
    CALL(queue_put, QUEUES, (h, 1, call_fn, &call_seen))                                                               \
    CALL(queue_put_priority, QUEUES, (h, 1, 1, call_fn, &call_seen))                                                   \
    CALL(queue_try_put, QUEUES, (h, 1))                                                                                \
    CALL(queue_try_put_priority, QUEUES, (h, 1, 1))                                                                    \
    CALL(queue_get, QUEUES, (h, call_fn, &call_seen))                                                                  \
    CALL(queue_try_get, QUEUES, (h))                                                                                   \
    CALL(queue_size, QUEUES, (h))                                                                                      \
    CALL(queue_task_done, QUEUES, (h))                                                                                 \
    CALL(queue_join, QUEUES, (h, call_fn, &call_seen))                                                                 \
    CALL(queue_shutdown, QUEUES, (h, 0))                                                                               \
    CALLS_OF_DUMP(CALL)                                                                                                \
    CALLS_OF_FILES(CALL)                                                                                               \
    CALLS_OF_INTERFACE(CALL)                                                                                           \
    CALLS_OF_PIPE(CALL)                                                                                                \
    CALLS_OF_PROCESS(CALL)                                                                                             \
    CALLS_OF_RANDOM(CALL)                                                                                              \
    CALLS_OF_RESOLVE(CALL)                                                                                             \
    CALLS_OF_TTY(CALL)                                                                                                 \
    CALLS_OF_UDP(CALL)                                                                                                 \
    CALLS_OF_WATCH(CALL)

/* Those any thread may call. `future_block` is not among them, as it waits for an answer: task_thread.c has its own. */
#define CALLS_OF_ANY_THREAD(CALL)                                                                                      \
    CALL(wake, LOOPS, (h))                                                                                             \
    CALL(stop_threadsafe, LOOPS, (h))                                                                                  \
    CALL(call_soon_threadsafe, LOOPS, (h, call_fn, &call_seen))                                                        \
    CALL(task_spawn_threadsafe, LOOPS, (h, do_nothing, NULL))                                                          \
    CALL(close_threadsafe, HANDLES, (h))                                                                               \
    CALL(release_threadsafe, FUTURES, (h))                                                                             \
    CALL(future_set_threadsafe, FUTURES, (h, 1))                                                                       \
    CALL(future_fail_threadsafe, FUTURES, (h, RONDEL_EINVAL))

static inline int64_t rondel_run_until_of(rondel_future future) { return rondel_run_until(call_loop, future); }

/* Those that take an array, of one future. */
static inline rondel_future rondel_gather_of(rondel_future future) {
    return rondel_gather(&future, 1, NULL, call_fn, &call_seen);
}

static inline rondel_future rondel_gather_all_of(rondel_future future) {
    return rondel_gather_all(&future, 1, NULL, call_fn, &call_seen);
}

static inline rondel_future rondel_wait_of(rondel_future future) {
    return rondel_wait(&future, 1, RONDEL_ALL_COMPLETED, call_fn, &call_seen);
}

static inline rondel_iterator rondel_as_completed_of(rondel_future future) { return rondel_as_completed(&future, 1); }

#define CALL_FUNCTION(name, kinds, arguments)                                                                          \
    static inline int64_t call_##name(int64_t h) { return rondel_##name arguments; }
CALLS_OF_THE_THREAD(CALL_FUNCTION)
CALLS_OF_ANY_THREAD(CALL_FUNCTION)

struct call {
    const char *name;
    int64_t (*call)(int64_t handle);
    unsigned kinds;
    int any_thread;
};

#define CALL_OF_THE_THREAD(name, kinds, arguments) {#name, call_##name, kinds, 0},
#define CALL_OF_ANY_THREAD(name, kinds, arguments) {#name, call_##name, kinds, 1},
static const struct call calls[] = {CALLS_OF_THE_THREAD(CALL_OF_THE_THREAD) CALLS_OF_ANY_THREAD(CALL_OF_ANY_THREAD)};
#define CALLS (sizeof calls / sizeof *calls)

/* One call, which must be refused with `code`; says which one it was if not. Those of any thread cannot look into the
 * table of a loop that runs elsewhere: whatever names the place of a living loop may be passed on, to be found stale
 * there, and is no error. */
static inline void call_refused(const struct call *call, int64_t handle, int64_t code) {
    int64_t result = call->call(handle);
    if (call->any_thread && code == RONDEL_EKIND && result == RONDEL_EGONE) return;
    if (call->any_thread && call->kinds != LOOPS && code < RONDEL_EOF && result == 0) return;
    if (result != code && test_failures < TEST_SAYS)
        fprintf(stderr, "    rondel_%s(%" PRId64 "):\n", call->name, handle);
    CHECK_EQ(result, code);
}

/* MAKE(kind, how to make one on `loop`): one handle of each kind, those first that others are made of. Each noun's own
 * header has the rest. */
#define MAKES_OF_THE_CORE(MAKE)                                                                                        \
    MAKE(LOOP, loop)                                                                                                   \
    MAKE(TIMER, rondel_timer_start(loop, 3600 * RONDEL_SECOND, 0, see, seen))                                          \
    MAKE(FUTURE, rondel_call_later(loop, 3600 * RONDEL_SECOND, RONDEL_FUTURE))                                         \
    MAKE(TCP, rondel_tcp_new(loop))                                                                                    \
    MAKE(IDLE, rondel_idle_start(loop, see, seen))                                                                     \
    MAKE(PREPARE, rondel_prepare_start(loop, see, seen))                                                               \
    MAKE(CHECK, rondel_check_start(loop, see, seen))                                                                   \
    MAKE(LOCK, rondel_lock_new(loop))                                                                                  \
    MAKE(EVENT, rondel_event_new(loop))                                                                                \
    MAKE(CONDITION, rondel_condition_new(handles[7]))                                                                  \
    MAKE(SEMAPHORE, rondel_semaphore_new(loop, 1, 0))                                                                  \
    MAKE(BARRIER, rondel_barrier_new(loop, 2))                                                                         \
    MAKE(QUEUE, rondel_queue_new(loop, 1, RONDEL_QUEUE_PRIORITY))                                                      \
    MAKE(SIGNAL, rondel_signal_start(loop, SIGURG, see, seen))                                                         \
    MAKE(GROUP, rondel_group_new(loop))                                                                                \
    MAKE(ITERATOR, rondel_as_completed(&handles[2], 1))

#define MAKES(MAKE)                                                                                                    \
    MAKES_OF_THE_CORE(MAKE)                                                                                            \
    MAKES_OF_FILES(MAKE)                                                                                               \
    MAKES_OF_PIPE(MAKE)                                                                                                \
    MAKES_OF_PROCESS(MAKE)                                                                                             \
    MAKES_OF_TTY(MAKE)                                                                                                 \
    MAKES_OF_UDP(MAKE)                                                                                                 \
    MAKES_OF_WATCH(MAKE)

#define MAKE_COUNT(kind, call) +1
enum { KINDS = MAKES(MAKE_COUNT) };

/* One handle of each kind on the loop, kinds[i] being the kind of handles[i] as a bit. */
static inline void one_of_each(rondel_loop loop, rondel_handle handles[KINDS], unsigned kinds[KINDS],
                               struct seen *seen) {
    int made = 0;
#define MAKE_ONE(kind, call)                                                                                           \
    kinds[made] = KIND_BIT(RONDEL_KIND_##kind);                                                                        \
    handles[made++] = call;
    MAKES(MAKE_ONE)
    for (int i = 0; i < KINDS; i++) {
        CHECK(handles[i] > 0);
        CHECK_EQ(KIND_BIT(rondel_kind(handles[i])), kinds[i]);
    }
}

#endif
