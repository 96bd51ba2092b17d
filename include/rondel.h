/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file rondel.h
 * The C API of Rondel, an event loop with asyncio's vocabulary.
 *
 * Generated from src/capi/ by build.rs: change it there.
 */
#ifndef RONDEL_H
#define RONDEL_H

#include <stddef.h>
#include <stdint.h>

/** The version of this header; rondel_version() tells the library's. */
#define RONDEL_VERSION "0.1.0"
#define RONDEL_VERSION_MAJOR 0
#define RONDEL_VERSION_MINOR 1
#define RONDEL_VERSION_PATCH 0

/**
 * In the place of `fn, user_data`: you keep the future, to await, combine, cancel or look at; an await or
 * rondel_release() ends it.
 */
#define RONDEL_FUTURE rondel_keep, NULL

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @defgroup rondel_types The types of the API
 * @{
 */

/** A nanosecond, the unit of all times. */
#define RONDEL_NS INT64_C(1)
/** A microsecond. */
#define RONDEL_US INT64_C(1000)
/** A millisecond: `250 * RONDEL_MS`. */
#define RONDEL_MS INT64_C(1000000)
/** A second. */
#define RONDEL_SECOND INT64_C(1000000000)
/** Longer than anything lasts. */
#define RONDEL_FOREVER INT64_MAX
/** `rondel_run`: until nothing is alive, or `rondel_stop`. */
#define RONDEL_RUN_DEFAULT 0
/** `rondel_run`: until at least one callback has run, waiting for it if need be. */
#define RONDEL_RUN_ONCE 1
/** `rondel_run`: one turn, which never waits. */
#define RONDEL_RUN_NOWAIT 2
/** `rondel_run`: until `rondel_stop`, even when nothing is alive: for a loop that other threads feed. */
#define RONDEL_RUN_FOREVER 3
/** `rondel_future_state`: not done. */
#define RONDEL_PENDING INT64_C(0)
/** `rondel_future_state`: a task that has begun. */
#define RONDEL_RUNNING INT64_C(1)
/** `rondel_future_state`: done, with a value or an error. */
#define RONDEL_DONE INT64_C(2)
/** `rondel_future_state`: ended with `RONDEL_ECANCELED`. */
#define RONDEL_CANCELLED INT64_C(3)
/** `rondel_kind`: a loop. */
#define RONDEL_KIND_LOOP INT64_C(1)
/** `rondel_kind`: a timer. */
#define RONDEL_KIND_TIMER INT64_C(2)
/** `rondel_kind`: a future. */
#define RONDEL_KIND_FUTURE INT64_C(3)
/** `rondel_kind`: a TCP socket. */
#define RONDEL_KIND_TCP INT64_C(4)
/** `rondel_kind`: a hook of `rondel_idle_start`. */
#define RONDEL_KIND_IDLE INT64_C(5)
/** `rondel_kind`: a hook of `rondel_prepare_start`. */
#define RONDEL_KIND_PREPARE INT64_C(6)
/** `rondel_kind`: a hook of `rondel_check_start`. */
#define RONDEL_KIND_CHECK INT64_C(7)
/** `rondel_kind`: a watch of `rondel_fd_watch`. */
#define RONDEL_KIND_FD_WATCH INT64_C(8)
/** `rondel_fd_watch`: a read will not block. */
#define RONDEL_READABLE 1
/** `rondel_fd_watch`: a write will not block. */
#define RONDEL_WRITABLE 2
/** `rondel_fd_watch`: the other end is gone, or sends no more. */
#define RONDEL_DISCONNECT 4
/** `rondel_fd_watch`: there is urgent data. */
#define RONDEL_PRIORITY 8
/** `rondel_kind`: a watcher of a signal. */
#define RONDEL_KIND_SIGNAL INT64_C(9)
/** `rondel_kind`: a local socket or an end of a pipe. */
#define RONDEL_KIND_PIPE INT64_C(11)
/** `rondel_kind`: a child process. */
#define RONDEL_KIND_PROCESS INT64_C(14)
/** `rondel_kind`: a watch of a path. */
#define RONDEL_KIND_WATCH INT64_C(15)
/** `rondel_kind`: a task group. */
#define RONDEL_KIND_GROUP INT64_C(30)
/** `rondel_kind`: an iterator of `rondel_as_completed`. */
#define RONDEL_KIND_ITERATOR INT64_C(31)
/** `rondel_wait`: until all are done. */
#define RONDEL_ALL_COMPLETED 0
/** `rondel_wait`: until one is done, or more. */
#define RONDEL_FIRST_COMPLETED 1
/** `rondel_wait`: until one has failed, or all are done. One that was cancelled has not failed. */
#define RONDEL_FIRST_ERROR 2
/** `rondel_kind`: a lock. */
#define RONDEL_KIND_LOCK INT64_C(20)
/** `rondel_kind`: an event. */
#define RONDEL_KIND_EVENT INT64_C(21)
/** `rondel_kind`: a condition. */
#define RONDEL_KIND_CONDITION INT64_C(22)
/** `rondel_kind`: a semaphore. */
#define RONDEL_KIND_SEMAPHORE INT64_C(23)
/** `rondel_kind`: a barrier. */
#define RONDEL_KIND_BARRIER INT64_C(24)
/** `rondel_kind`: a queue. */
#define RONDEL_KIND_QUEUE INT64_C(25)
/** `rondel_pipe_pair`: both handles read and write. */
#define RONDEL_PIPE_BOTH_WAYS 0
/** `rondel_pipe_pair`: the first handle reads what the second writes. */
#define RONDEL_PIPE_ONE_WAY 1
/** `rondel_queue_new`: the item that was put first is got first. */
#define RONDEL_QUEUE_FIFO 0
/** `rondel_queue_new`: the item that was put last is got first. */
#define RONDEL_QUEUE_LIFO 1
/** `rondel_queue_new`: the item with the lowest priority is got first; of equal ones, the one that was put first. */
#define RONDEL_QUEUE_PRIORITY 2
/** `rondel_metric`: turns of the loop. */
#define RONDEL_METRIC_TURNS 0
/** `rondel_metric`: events that polls brought. */
#define RONDEL_METRIC_EVENTS 1
/** `rondel_metric`: nanoseconds spent waiting. */
#define RONDEL_METRIC_IDLE_TIME 2
/** `rondel_metric`: nanoseconds spent in `rondel_run` and its kin, not waiting. */
#define RONDEL_METRIC_BUSY_TIME 3
/** `rondel_metric`: callbacks made. */
#define RONDEL_METRIC_CALLBACKS 4
/** `rondel_metric`: handles that live now, futures included. */
#define RONDEL_METRIC_HANDLES 5
/** `rondel_metric`: polls for events; turns with callbacks waiting may do without. */
#define RONDEL_METRIC_POLLS 6

/**
 * `rondel_metric`: events that were there already when the loop looked for some. Without `rondel_set_trace` those are left
 * out that it would have waited for.
 */
#define RONDEL_METRIC_EVENTS_WAITING 7

/**
 * Names an object of Rondel, like a file descriptor: positive when valid, a negative error code when not.
 *
 * A handle whose object is gone is refused with `RONDEL_EGONE`, one of the wrong kind with `RONDEL_EKIND`; a negative
 * one passed to any function comes back as it is, so calls chain and one check at the end suffices.
 */
typedef int64_t rondel_handle;

/** An event loop. */
typedef int64_t rondel_loop;

/** A timer. */
typedef int64_t rondel_timer;

/** A result that is there or will be. */
typedef int64_t rondel_future;

/** Something that carries bytes both ways in order: a connected TCP or pipe handle. */
typedef int64_t rondel_stream;

/** A TCP socket: unconnected, listening or connected. */
typedef int64_t rondel_tcp;

/** A local socket, listening or connected, or an end of a pipe. */
typedef int64_t rondel_pipe;

/** A descriptor of the caller's that is watched. */
typedef int64_t rondel_watch;

/** A callback that runs every turn: idle, prepare or check. */
typedef int64_t rondel_hook;

/** A lock: held by one at a time. */
typedef int64_t rondel_lock;

/** Something that has happened or not yet. */
typedef int64_t rondel_event;

/** Where holders of a lock wait for a change. */
typedef int64_t rondel_condition;

/** A count of how many more may go on. */
typedef int64_t rondel_semaphore;

/** Where so many wait until all have come. */
typedef int64_t rondel_barrier;

/** Items on their way from those who put to those who get. */
typedef int64_t rondel_queue;

/** A watch of a path. */
typedef int64_t rondel_path_watch;

/** A watcher of a signal. */
typedef int64_t rondel_signal;

/** A child process. */
typedef int64_t rondel_process;

/** An iterator over futures in the order in which they are done. */
typedef int64_t rondel_iterator;

/** Futures that live and end together. */
typedef int64_t rondel_group;

/**
 * Told of something: `source` is what it comes from, `result` a value or a negative code.
 *
 * For one-shot operations `source` is their future, valid until the function returns; for whatever tells more than
 * once (timers, listeners, hooks, watermarks, close notices) it is that handle.
 *
 * Like every function that is handed to Rondel it has to return: no C++ exception and no longjmp may leave it.
 */
typedef void (*rondel_fn)(rondel_handle source, int64_t result, void *user_data);

/**
 * Told of bytes that came in: `n` of them, valid until the function returns; or a negative `n` once, `RONDEL_EOF` or
 * another code, when no more will come.
 */
typedef void (*rondel_read_fn)(rondel_stream stream, const uint8_t *bytes, int64_t n, void *user_data);

/**
 * Asked for memory to receive into: `*size` is what would be good, and is to be set to what there is.
 *
 * The memory is Rondel's until the read function is told of it (with `n` 0 if nothing came after all). NULL: there is
 * none; the read function is then told `RONDEL_ENOBUFS` and reading stops.
 */
typedef uint8_t *(*rondel_alloc_fn)(rondel_stream stream, size_t *size, void *user_data);

/** A function that takes an argument and gives a value or a negative code: work for another thread. */
typedef int64_t (*rondel_task_fn)(void *arg);

/** Some of the bytes of a write. */
typedef struct rondel_buffer {
    /** The first byte; may be NULL if `length` is 0. */
    const void *bytes;
    /** How many. */
    size_t length;
} rondel_buffer;

/** An internet address. */
typedef struct rondel_address {
    /** 4 or 6. */
    int32_t family;
    /** 0 to 65535, in the machine's own byte order. */
    int32_t port;
    /** The interface of a link-local IPv6 address, else 0. */
    uint32_t scope;
    /** The address in network byte order: 4 or 16 of these. */
    uint8_t bytes[16];
} rondel_address;

/** Something that happened, as `rondel_next` hands it out: what a `rondel_fn` would have been told. */
typedef struct rondel_completion {
    /** The future or handle it comes from. A future stays valid until the next call of `rondel_next`. */
    rondel_handle source;
    /** A value or a negative code. */
    int64_t result;
    /** The pointer given where the operation was started. */
    void *user_data;
} rondel_completion;

/** @} */

/**
 * @defgroup rondel_error The error codes, their names and messages
 * @{
 */

/** Operation not permitted. */
#define RONDEL_EPERM (-INT64_C(1))
/** No such file or directory. */
#define RONDEL_ENOENT (-INT64_C(2))
/** No such process. */
#define RONDEL_ESRCH (-INT64_C(3))
/** Interrupted system call. */
#define RONDEL_EINTR (-INT64_C(4))
/** Input/output error. */
#define RONDEL_EIO (-INT64_C(5))
/** No such device or address. */
#define RONDEL_ENXIO (-INT64_C(6))
/** Argument list too long. */
#define RONDEL_E2BIG (-INT64_C(7))
/** Not in a format that can be executed. */
#define RONDEL_ENOEXEC (-INT64_C(8))
/** Bad file descriptor. */
#define RONDEL_EBADF (-INT64_C(9))
/** No child processes. */
#define RONDEL_ECHILD (-INT64_C(10))
/** Not ready yet, try again. */
#define RONDEL_EAGAIN (-INT64_C(11))
/** Out of memory. */
#define RONDEL_ENOMEM (-INT64_C(12))
/** Permission denied. */
#define RONDEL_EACCES (-INT64_C(13))
/** Bad address. */
#define RONDEL_EFAULT (-INT64_C(14))
/** Busy with another such operation. */
#define RONDEL_EBUSY (-INT64_C(16))
/** File exists. */
#define RONDEL_EEXIST (-INT64_C(17))
/** Cross-device link. */
#define RONDEL_EXDEV (-INT64_C(18))
/** No such device. */
#define RONDEL_ENODEV (-INT64_C(19))
/** Not a directory. */
#define RONDEL_ENOTDIR (-INT64_C(20))
/** Is a directory. */
#define RONDEL_EISDIR (-INT64_C(21))
/** Invalid argument. */
#define RONDEL_EINVAL (-INT64_C(22))
/** Too many open files in the system. */
#define RONDEL_ENFILE (-INT64_C(23))
/** Too many open files in this process. */
#define RONDEL_EMFILE (-INT64_C(24))
/** Not a terminal. */
#define RONDEL_ENOTTY (-INT64_C(25))
/** Text file busy. */
#define RONDEL_ETXTBSY (-INT64_C(26))
/** File too large. */
#define RONDEL_EFBIG (-INT64_C(27))
/** No space left on device. */
#define RONDEL_ENOSPC (-INT64_C(28))
/** Illegal seek. */
#define RONDEL_ESPIPE (-INT64_C(29))
/** Read-only file system. */
#define RONDEL_EROFS (-INT64_C(30))
/** Too many links. */
#define RONDEL_EMLINK (-INT64_C(31))
/** Broken pipe: the stream takes no more bytes. */
#define RONDEL_EPIPE (-INT64_C(32))
/** Argument out of domain. */
#define RONDEL_EDOM (-INT64_C(33))
/** Result out of range. */
#define RONDEL_ERANGE (-INT64_C(34))
/** Would wait for itself for ever. */
#define RONDEL_EDEADLK (-INT64_C(35))
/** File name too long. */
#define RONDEL_ENAMETOOLONG (-INT64_C(36))
/** Function not implemented. */
#define RONDEL_ENOSYS (-INT64_C(38))
/** Directory not empty. */
#define RONDEL_ENOTEMPTY (-INT64_C(39))
/** Too many symbolic links. */
#define RONDEL_ELOOP (-INT64_C(40))
/** Protocol error. */
#define RONDEL_EPROTO (-INT64_C(71))
/** Value too large. */
#define RONDEL_EOVERFLOW (-INT64_C(75))
/** Invalid byte sequence. */
#define RONDEL_EILSEQ (-INT64_C(84))
/** Not a socket. */
#define RONDEL_ENOTSOCK (-INT64_C(88))
/** Destination address required. */
#define RONDEL_EDESTADDRREQ (-INT64_C(89))
/** Message too long for the buffer. */
#define RONDEL_EMSGSIZE (-INT64_C(90))
/** Wrong protocol type for the socket. */
#define RONDEL_EPROTOTYPE (-INT64_C(91))
/** Protocol option not available. */
#define RONDEL_ENOPROTOOPT (-INT64_C(92))
/** Protocol not supported. */
#define RONDEL_EPROTONOSUPPORT (-INT64_C(93))
/** Socket type not supported. */
#define RONDEL_ESOCKTNOSUPPORT (-INT64_C(94))
/** Operation not supported. */
#define RONDEL_EOPNOTSUPP (-INT64_C(95))
/** Address family not supported. */
#define RONDEL_EAFNOSUPPORT (-INT64_C(97))
/** Address already in use. */
#define RONDEL_EADDRINUSE (-INT64_C(98))
/** Address not available on this machine. */
#define RONDEL_EADDRNOTAVAIL (-INT64_C(99))
/** Network is down. */
#define RONDEL_ENETDOWN (-INT64_C(100))
/** Network unreachable. */
#define RONDEL_ENETUNREACH (-INT64_C(101))
/** Connection dropped by the network. */
#define RONDEL_ENETRESET (-INT64_C(102))
/** Connection aborted. */
#define RONDEL_ECONNABORTED (-INT64_C(103))
/** Connection reset by the peer. */
#define RONDEL_ECONNRESET (-INT64_C(104))
/** No buffer space. */
#define RONDEL_ENOBUFS (-INT64_C(105))
/** Already connected. */
#define RONDEL_EISCONN (-INT64_C(106))
/** Not connected. */
#define RONDEL_ENOTCONN (-INT64_C(107))
/** Cannot send after shutdown. */
#define RONDEL_ESHUTDOWN (-INT64_C(108))
/** Too many descriptors on their way. */
#define RONDEL_ETOOMANYREFS (-INT64_C(109))
/** Timed out. */
#define RONDEL_ETIMEDOUT (-INT64_C(110))
/** Connection refused. */
#define RONDEL_ECONNREFUSED (-INT64_C(111))
/** Host is down. */
#define RONDEL_EHOSTDOWN (-INT64_C(112))
/** Host unreachable. */
#define RONDEL_EHOSTUNREACH (-INT64_C(113))
/** Already in progress. */
#define RONDEL_EALREADY (-INT64_C(114))
/** Now in progress. */
#define RONDEL_EINPROGRESS (-INT64_C(115))
/** Stale file handle. */
#define RONDEL_ESTALE (-INT64_C(116))
/** Disk quota exceeded. */
#define RONDEL_EDQUOT (-INT64_C(122))
/** Cancelled. */
#define RONDEL_ECANCELED (-INT64_C(125))
/** The owner died. */
#define RONDEL_EOWNERDEAD (-INT64_C(130))
/** End of stream. */
#define RONDEL_EOF (-INT64_C(4097))
/** The handle is closed, freed or never was. */
#define RONDEL_EGONE (-INT64_C(4098))
/** The handle is of another kind than this function takes. */
#define RONDEL_EKIND (-INT64_C(4099))
/** The loop belongs to another thread just now. */
#define RONDEL_ETHREAD (-INT64_C(4100))
/** Not called from within a task. */
#define RONDEL_ENOTASK (-INT64_C(4101))
/** Not possible in the present state. */
#define RONDEL_ESTATE (-INT64_C(4102))
/** An error the system gave and Rondel has no number for. */
#define RONDEL_EUNKNOWN (-INT64_C(4103))
/** The barrier was reset or aborted. */
#define RONDEL_EBROKEN (-INT64_C(4104))
/** The working folder for the process cannot be entered. */
#define RONDEL_ECWD (-INT64_C(4105))
/** Host or service not known. */
#define RONDEL_EAI_NONAME (-INT64_C(4202))
/** The name server gave no answer for now, try again later. */
#define RONDEL_EAI_AGAIN (-INT64_C(4203))
/** The name server failed for good. */
#define RONDEL_EAI_FAIL (-INT64_C(4204))
/** The host has no address. */
#define RONDEL_EAI_NODATA (-INT64_C(4205))
/** Address family not supported for this host. */
#define RONDEL_EAI_FAMILY (-INT64_C(4206))
/** Socket type not supported for this host. */
#define RONDEL_EAI_SOCKTYPE (-INT64_C(4207))
/** Service not known for this socket type. */
#define RONDEL_EAI_SERVICE (-INT64_C(4208))
/** Invalid look-up flags. */
#define RONDEL_EAI_BADFLAGS (-INT64_C(4209))
/** Look-up result too large. */
#define RONDEL_EAI_OVERFLOW (-INT64_C(4212))

/**
 * The name of a code: "RONDEL_ECONNREFUSED" for -111, "RONDEL_OK" for what is no error.
 *
 * Never NULL; the text lives as long as the program. Any thread.
 */
const char *rondel_error_name(int64_t code);

/**
 * What a code means, in a few words: "connection refused".
 *
 * Never NULL; the text lives as long as the program. Any thread.
 */
const char *rondel_error_message(int64_t code);

/** @} */

/**
 * @defgroup rondel_library The library as a whole
 * @{
 */

/**
 * The version of the library that runs, "1.2.3"; `RONDEL_VERSION` is that of the header.
 *
 * Never NULL; the text lives as long as the program. Any thread.
 */
const char *rondel_version(void);

/** The monotonic clock that all times of Rondel are on, in nanoseconds. Any thread. */
int64_t rondel_clock(void);

/** @} */

/**
 * @defgroup rondel_event_loop Loops: made, run, stopped, measured, freed
 * @{
 */

/**
 * Makes a loop. A process can have 4096 at a time.
 *
 * Fails with `RONDEL_EMFILE` or `RONDEL_ENFILE` when descriptors have run out, `RONDEL_ENOMEM` when loops have.
 * Any thread may use it, one at a time; while it runs it belongs to the thread that runs it. Where standard input, output
 * or error is not open, its number becomes the null device's, so that nothing of the loop is ever taken for it.
 */
rondel_loop rondel_loop_new(void);

/**
 * Frees a loop: closes every handle, completes every pending operation with `RONDEL_ECANCELED`, gives every close
 * notice, and then frees. It waits for work on the pool that has begun.
 *
 * The callbacks run inside this call; what they try to start is refused with `RONDEL_EGONE`. Callbacks that other
 * threads had queued get `RONDEL_ECANCELED` as their result. What was enqueued and not handed out by `rondel_next` is
 * dropped. Gives 0, or `RONDEL_EBUSY` from within one of its own callbacks. Whoever may use the loop.
 */
int64_t rondel_loop_free(rondel_loop loop);

/**
 * Makes a loop usable in the child of a fork, which has a copy of it: with all its handles, timers and pending operations,
 * side by side with the parent's, which is not disturbed. Both then read from the same sockets, so one of them should
 * close each, which is nothing to the other.
 *
 * Descriptors are watched anew, and `rondel_backend_fd` is another one. Signals are told that come to the child. Threads
 * do not come along: work of the pool, look-ups included, completes with `RONDEL_ECANCELED`, also if it had not begun;
 * the pool starts anew. What the parent has queued to send the parent sends: those writes, and shutdowns behind them,
 * complete with `RONDEL_ECANCELED` too. Processes are their parent's: here they end with `RONDEL_ECHILD`. Can be called in
 * a callback, if the process forked there.
 *
 * Until then every call for the loop is refused with `RONDEL_ESTATE`, and `rondel_run` returns it once the callback
 * returns in which the process forked; only `rondel_loop_free` may be called. It completes everything with
 * `RONDEL_ECANCELED` in the child, and sends nothing. A child that is to run another program or to end needs neither.
 *
 * 0, also in the process that the loop belongs to, where nothing happens. `RONDEL_ETHREAD` if another thread used the
 * loop when the process forked: then it can be neither used nor freed in the child. `RONDEL_EMFILE`, `RONDEL_ENFILE` or
 * `RONDEL_ENOMEM`: try again. `RONDEL_ENOSYS` on Windows, which has no fork. Loop thread only.
 */
int64_t rondel_loop_fork(rondel_loop loop);

/** The loop that runs on this thread, in whose callback the caller is; `RONDEL_ESTATE` if there is none. Any thread. */
rondel_loop rondel_loop_current(void);

/**
 * Runs the loop: `RONDEL_RUN_DEFAULT`, `_ONCE`, `_NOWAIT` or `_FOREVER`.
 *
 * One turn is, in this order: timers that are due; callbacks that were ready when the turn began; idle; prepare; the
 * wait for events; callbacks of I/O; check; close notices. Gives 1 if something is still alive, 0 if nothing is;
 * `RONDEL_EINVAL` for another mode, `RONDEL_EBUSY` from within a callback of the same loop. The loop belongs to this
 * thread until it returns.
 */
int64_t rondel_run(rondel_loop loop, int32_t mode);

/**
 * Runs the loop until the future is done, even if nothing else is alive; gives its result and takes the future.
 *
 * `RONDEL_EAGAIN` if `rondel_stop` came first: the future is then still yours. `RONDEL_EINVAL` if it is another
 * loop's. The loop belongs to this thread until it returns.
 */
int64_t rondel_run_until(rondel_loop loop, rondel_future future);

/** Ends the run after the present turn; if the loop does not run, the next run ends at once. Loop thread only. */
int64_t rondel_stop(rondel_loop loop);

/** As `rondel_stop`, from any thread, after whatever this thread sent before. `RONDEL_EGONE` once the loop is gone. */
int64_t rondel_stop_threadsafe(rondel_loop loop);

/**
 * Ends the present wait of the loop, or the next one, and nothing else: `rondel_run` goes on with another turn,
 * `rondel_next` and `RONDEL_RUN_ONCE` return. What does not wait (`RONDEL_RUN_NOWAIT`, `rondel_next` with a timeout of 0)
 * leaves it for the next that does.
 *
 * Any thread, and any signal handler. `RONDEL_EGONE` once the loop is gone.
 */
int64_t rondel_wake(rondel_loop loop);

/** The time of the present turn in nanoseconds, on the clock of `rondel_clock`. Loop thread only. */
int64_t rondel_now(rondel_loop loop);

/**
 * 1 if `rondel_run` has something to run for: an active handle that is not unreferenced, a pending operation, a
 * callback that is ready, a close notice to give. Else 0. Loop thread only.
 */
int64_t rondel_alive(rondel_loop loop);

/**
 * Calls `fn(handle, kind, user_data)` for every live handle of the loop, the loop and futures included, now.
 *
 * The function may close any of them: one that is closed before its turn is left out. Gives how many calls it made.
 * `RONDEL_EINVAL` without a function. Loop thread only.
 */
int64_t rondel_walk(rondel_loop loop, rondel_fn fn, void *user_data);

/** One of the `RONDEL_METRIC_` counters. `RONDEL_EINVAL` for another. Loop thread only. */
int64_t rondel_metric(rondel_loop loop, int32_t which);

/**
 * A descriptor that becomes readable when `rondel_run(loop, RONDEL_RUN_NOWAIT)` has something to do: to embed the loop
 * in another one, together with `rondel_backend_timeout`. It stays the loop's, and the same as long as the loop lives
 * (until `rondel_loop_fork`). Do not read it, and wait for it level-triggered.
 *
 * Each time before it waits the host asks for the timeout; after the wait it lets the loop have that one turn, if the
 * descriptor is readable or the timeout is over. That is all it takes: `c-examples/glib_guest.c`.
 *
 * `RONDEL_ENOSYS` where the system has no such descriptor (Windows): there the loop wants a thread of its own, which
 * talks to the host through its calls for other threads. Loop thread only.
 */
int64_t rondel_backend_fd(rondel_loop loop);

/**
 * Nanoseconds until something is due that no descriptor tells of: 0 now, `RONDEL_FOREVER` never. A host that waits in
 * milliseconds has to round up, or it comes too early again and again. Loop thread only.
 */
int64_t rondel_backend_timeout(rondel_loop loop);

/**
 * Turns debug mode on or off. In it the loop tells on standard error of callbacks and steps of tasks that take longer
 * than `rondel_set_slow` says, of futures that failed and that nobody looked at, and when it is freed, of tasks that are
 * not done and of futures that are, and that somebody has kept and never released. From then on the process also tells,
 * if it must die of a task that overflows its stack, which one it was: for that it handles SIGSEGV and SIGBUS, and passes
 * on what is not its own.
 *
 * With `RONDEL_DEBUG=1` in the environment new loops begin with it on. Loop thread only.
 */
int64_t rondel_set_debug(rondel_loop loop,
                         int32_t on);

/**
 * Sets from how many nanoseconds on a callback or step counts as slow in debug mode; 100 ms from the start.
 *
 * `RONDEL_EINVAL` if it is negative. Loop thread only.
 */
int64_t rondel_set_slow(rondel_loop loop, int64_t ns);

/** @} */

/**
 * @defgroup rondel_handle What every handle can do
 * @{
 */

/**
 * Closes a handle: its pending operations end with `RONDEL_ECANCELED`, and after they were told its close notices
 * come. What was written and can leave at once still leaves.
 *
 * From now on the handle is refused with `RONDEL_EGONE`, except by `rondel_is_closing`, `rondel_kind`, `rondel_loop_of`
 * and `rondel_get_data`, which it answers until the last notice was given. Closing a future cancels it and lets it go.
 * `RONDEL_EKIND` for a loop: see `rondel_loop_free`. Loop thread only.
 */
int64_t rondel_close(rondel_handle handle);

/**
 * As `rondel_close`, from any thread: the loop does it in one of its next turns.
 *
 * Gives 0, or `RONDEL_EGONE` once the loop is gone; that the handle itself is stale shows only on the loop, and is
 * then no error.
 */
int64_t rondel_close_threadsafe(rondel_handle handle);

/**
 * Has `fn(handle, 0, user_data)` called when the handle has been closed, as the last thing that is heard of it.
 *
 * To close a handle, or to free its loop, calls none of the functions that it was made with or given later, even if they
 * never were called: what their `user_data` points to is best freed here. (Of what is asked once, each `fn` is told: see
 * `rondel_close`.)
 *
 * Several notices can be registered; they come in that order. For a loop it comes at the end of `rondel_loop_free`.
 * `RONDEL_EKIND` for a future, `RONDEL_EINVAL` without a function. Loop thread only.
 */
int64_t rondel_on_close(rondel_handle handle,
                        rondel_fn fn,
                        void *user_data);

/**
 * 1 if something goes on: a timer that runs, a stream that is read from or has operations pending, a listener, a
 * hook, a future that is not done, a loop that is alive. Else 0. Loop thread only.
 */
int64_t rondel_is_active(rondel_handle handle);

/** 1 between `rondel_close` and the last close notice, 0 before, `RONDEL_EGONE` after. Loop thread only. */
int64_t rondel_is_closing(rondel_handle handle);

/** Lets the handle keep `rondel_run` going while it is active, as it does from the start. Loop thread only. */
int64_t rondel_ref(rondel_handle handle);

/** Lets `rondel_run` end although the handle is active. Loop thread only. */
int64_t rondel_unref(rondel_handle handle);

/** Which `RONDEL_KIND_` it is. Loop thread only. */
int64_t rondel_kind(rondel_handle handle);

/** The loop it belongs to. Loop thread only. */
rondel_loop rondel_loop_of(rondel_handle handle);

/** Gives the handle a pointer to carry. It is never looked into or freed. Loop thread only. */
int64_t rondel_set_data(rondel_handle handle, void *data);

/** The pointer that `rondel_set_data` gave it; NULL if there is none or the handle is refused. Loop thread only. */
void *rondel_get_data(rondel_handle handle);

/**
 * Gives a handle a name, at most 255 bytes of UTF-8, which reports in debug mode use. It is copied; NULL takes it away.
 *
 * `RONDEL_EINVAL` for a longer one or other bytes. Loop thread only.
 */
int64_t rondel_handle_set_name(rondel_handle handle, const char *name);

/**
 * Writes the name of a handle to `text` (which may be NULL), and gives its length without the NUL: 0 if it has none.
 *
 * `RONDEL_ENOBUFS` if `size` is too small; 256 always do. Loop thread only.
 */
int64_t rondel_handle_name(rondel_handle handle, char *text, size_t size);

/**
 * The descriptor (on Windows the socket) behind a handle. It stays the loop's: do not close it. (That of a
 * `rondel_fd_watch` is yours as before.)
 *
 * `RONDEL_ENOTCONN` while a TCP handle has none, `RONDEL_EKIND` for handles that never have one. Loop thread only.
 */
int64_t rondel_fileno(rondel_handle handle);

/**
 * Takes the descriptor out of a stream or a listener: it is yours again, still not blocking. The handle is closed, its
 * reads and accepts end with `RONDEL_ECANCELED`. Connections wait for whoever accepts them next, and the file of a local
 * listener stays, for another process, say, that has got the socket.
 *
 * `RONDEL_EBUSY` while there are bytes queued to be sent, or received and not read yet, also by a read that waits for
 * more: they would be lost. `RONDEL_ENOTCONN` for a TCP or pipe handle that is neither connected nor listens. Loop thread
 * only.
 */
int64_t rondel_detach(rondel_stream stream);

/** As `rondel_release`, from any thread, as a garbage collector needs it. `RONDEL_EGONE` once the loop is gone. */
int64_t rondel_release_threadsafe(rondel_future future);

/** @} */

/**
 * @defgroup rondel_schedule Callbacks that run soon, later, or every turn
 * @{
 */

/**
 * Calls `fn(future, 0, user_data)` in the loop's next turn, after what was queued before.
 *
 * Gives the future, by which it can be cancelled: the function then gets `RONDEL_ECANCELED`. Loop thread only.
 */
rondel_future rondel_call_soon(rondel_loop loop, rondel_fn fn, void *user_data);

/**
 * Calls `fn(loop, 0, user_data)` on the loop, from any thread: once for each call, in the order of the calls of one
 * thread. A loop that waits is woken.
 *
 * Each call is kept until the loop gets to it, and a turn of the loop makes all that came before it: a thread that is
 * faster than the loop has to be held back by its program. Where only the last of many counts, set a flag of your own and
 * call `rondel_wake`, which a hook of `rondel_check_start` then finds.
 *
 * Gives 0; `RONDEL_EINVAL` without a function, `RONDEL_EGONE` once the loop is gone. If the loop is freed before the
 * function was called it gets `RONDEL_ECANCELED` as its result.
 */
int64_t rondel_call_soon_threadsafe(rondel_loop loop,
                                    rondel_fn fn,
                                    void *user_data);

/**
 * Calls `fn(future, 0, user_data)` after `ns` nanoseconds, never earlier. `RONDEL_EINVAL` if `ns` is negative.
 *
 * Gives the future, by which it can be cancelled: the function then gets `RONDEL_ECANCELED`, and `user_data` has to be there
 * until it has. (A timer that is closed makes no call.) Loop thread only.
 */
rondel_future rondel_call_later(rondel_loop loop,
                                int64_t ns,
                                rondel_fn fn,
                                void *user_data);

/**
 * Calls `fn(future, 0, user_data)` when `rondel_clock` has come to `when`, or in the next turn if it has already.
 *
 * Gives the future, by which it can be cancelled: the function then gets `RONDEL_ECANCELED`. Loop thread only.
 */
rondel_future rondel_call_at(rondel_loop loop, int64_t when, rondel_fn fn, void *user_data);

/**
 * Calls `fn(hook, 0, user_data)` every turn, before the prepare hooks; the loop does not wait for events meanwhile.
 *
 * It ends with `rondel_close`. `RONDEL_EINVAL` without a function. Loop thread only.
 */
rondel_hook rondel_idle_start(rondel_loop loop, rondel_fn fn, void *user_data);

/**
 * Calls `fn(hook, 0, user_data)` every turn, right before the loop looks for events.
 *
 * It ends with `rondel_close`. `RONDEL_EINVAL` without a function. Loop thread only.
 */
rondel_hook rondel_prepare_start(rondel_loop loop, rondel_fn fn, void *user_data);

/**
 * Calls `fn(hook, 0, user_data)` every turn, right after the callbacks of I/O.
 *
 * It ends with `rondel_close`. `RONDEL_EINVAL` without a function. Loop thread only.
 */
rondel_hook rondel_check_start(rondel_loop loop, rondel_fn fn, void *user_data);

/** @} */

/**
 * @defgroup rondel_timer Timers
 * @{
 */

/**
 * Starts a timer that fires after `after` nanoseconds and then every `every` (0: once).
 *
 * It never fires early. `fn(timer, periods, user_data)`: how many periods have passed since it fired last, 1 when it is
 * on time; a late loop fires it once. Timers due at the same time fire in the order of their start. A timer that
 * fired for the last time stays, stopped, until `rondel_close`. `RONDEL_EINVAL` for a negative time or without a
 * function. Loop thread only.
 */
rondel_timer rondel_timer_start(rondel_loop loop, int64_t after, int64_t every, rondel_fn fn, void *user_data);

/** Starts a timer anew with other times, whether it runs or not. `RONDEL_EINVAL` for a negative time. Loop thread only. */
int64_t rondel_timer_set(rondel_timer timer, int64_t after, int64_t every);

/**
 * Starts a timer anew: it fires after its period, or after its first delay if it has none. Loop thread only.
 *
 * This is the cheap way to put off a deadline each time something happens.
 */
int64_t rondel_timer_again(rondel_timer timer);

/** Stops a timer; it can be started again. 0 also if it did not run. Loop thread only. */
int64_t rondel_timer_stop(rondel_timer timer);

/** Nanoseconds until a timer fires, 0 if it is overdue; `RONDEL_ESTATE` if it is stopped. Loop thread only. */
int64_t rondel_timer_due_in(rondel_timer timer);

/** @} */

/**
 * @defgroup rondel_future Futures: results that are there or will be, of operations and of promises
 * @{
 */

/**
 * Passed as `fn` to an operation: its future is kept, yours to look at, await, combine and release.
 * `RONDEL_FUTURE` stands for it and its NULL.
 */
void rondel_keep(rondel_handle source, int64_t _result, void *_user_data);

/** Passed as `fn` to an operation, a timer, a listener…: what would be told is queued, and `rondel_next` hands it out. */
void rondel_enqueue(rondel_handle source, int64_t result, void *user_data);

/**
 * Makes a promise: a future that is yours to set. It does not keep the loop running.
 *
 * You hold it: `rondel_release` lets it go. Loop thread only.
 */
rondel_future rondel_future_new(rondel_loop loop);

/**
 * Completes a promise with a value, 0 or more.
 *
 * `RONDEL_EINVAL` for a negative value, `RONDEL_ESTATE` if it is done already, `RONDEL_EKIND` for the future of an
 * operation. Loop thread only.
 */
int64_t rondel_future_set(rondel_future future, int64_t value);

/**
 * Completes a promise with an error, a negative code.
 *
 * `RONDEL_EINVAL` for another code, `RONDEL_ESTATE` if it is done already, `RONDEL_EKIND` for the future of an
 * operation. Loop thread only.
 */
int64_t rondel_future_fail(rondel_future future, int64_t code);

/**
 * As `rondel_future_set`, from any thread: the loop does it in one of its next turns.
 *
 * Gives 0, `RONDEL_EINVAL`, or `RONDEL_EGONE` once the loop is gone. That the future is gone or done by then is no
 * error.
 */
int64_t rondel_future_set_threadsafe(rondel_future future, int64_t value);

/**
 * As `rondel_future_fail`, from any thread: the loop does it in one of its next turns.
 *
 * Gives 0, `RONDEL_EINVAL`, or `RONDEL_EGONE` once the loop is gone. That the future is gone or done by then is no
 * error.
 */
int64_t rondel_future_fail_threadsafe(rondel_future future, int64_t code);

/**
 * Has `fn(future, result, user_data)` called when the future is done, once; in the next turn if it is done already.
 *
 * Any number can be added; they are called in that order, after the one the operation was started with.
 * `RONDEL_EINVAL` without a function, `RONDEL_EGONE` while the loop is being freed. Loop thread only.
 */
int64_t rondel_future_then(rondel_future future, rondel_fn fn, void *user_data);

/**
 * Takes back each `rondel_future_then` of this function and pointer that was not told yet; gives how many there were.
 *
 * What the operation itself was started with stays. `RONDEL_EINVAL` without a function. Loop thread only.
 */
int64_t rondel_future_remove(rondel_future future, rondel_fn fn, void *user_data);

/**
 * Makes a promise stand for an operation of yours that takes an act to end: has `fn(future, reason, user_data)` called
 * when the future is cancelled (`reason` is `RONDEL_ECANCELED`) or out of time (`RONDEL_ETIMEDOUT`), where it would else be
 * done at once.
 *
 * End the operation and settle the promise, at once or later: it is pending until then, and its result is `reason`,
 * whatever you set. If you settle it before you were called, you are not called. A loop that is freed cancels it,
 * and completes it itself if nobody has in the end. `RONDEL_EALREADY` if it has such a function, `RONDEL_ESTATE` if it is
 * done, `RONDEL_EKIND` for the future of an operation, `RONDEL_EINVAL` without a function. Loop thread only.
 */
int64_t rondel_future_on_cancel(rondel_future future,
                                rondel_fn fn,
                                void *user_data);

/** `RONDEL_PENDING`, `RONDEL_RUNNING` (a task that has begun), `RONDEL_DONE` or `RONDEL_CANCELLED`. Loop thread only. */
int64_t rondel_future_state(rondel_future future);

/** The result, a value or a negative code; `RONDEL_EAGAIN` while it is pending. Loop thread only. */
int64_t rondel_future_result(rondel_future future);

/**
 * What the operation works on: the stream of a read or write, the listener of an accept, else the loop. It may be
 * closed by now. Loop thread only.
 */
rondel_handle rondel_future_origin(rondel_future future);

/**
 * Points `*bytes` to the bytes that belong to the result of a future that is done, and gives how many there are: what
 * `rondel_file_slurp` read, what `rondel_file_realpath` found, and the like.
 *
 * They stay valid as long as the future: in its callback, or while it is kept. A NUL follows them. `bytes` may be NULL.
 * `RONDEL_EAGAIN` while it is pending, `RONDEL_EINVAL` if it failed, `RONDEL_EKIND` if no bytes belong to it. Loop thread
 * only.
 */
int64_t rondel_future_bytes(rondel_future future,
                            const uint8_t **bytes);

/** Holds a future once more: it lives until it was released as often. Loop thread only. */
int64_t rondel_retain(rondel_future future);

/**
 * Lets go of a future that you hold. It is no cancel: the operation goes on.
 *
 * A future that nobody holds frees itself once it is done and everybody was told; a promise, when nobody waits for it
 * either. `RONDEL_ESTATE` if nobody holds it. Loop thread only.
 */
int64_t rondel_release(rondel_future future);

/**
 * Cancels what is pending: it completes with `RONDEL_ECANCELED`, told in a later step of the loop.
 *
 * Work on the pool that has begun cannot be stopped: it completes so when its function returns, which can look at
 * `rondel_work_cancelled`. `RONDEL_ESTATE` if it is done already. Loop thread only.
 */
int64_t rondel_cancel(rondel_future future);

/**
 * Gives a future `ns` nanoseconds from now: if it is not done by then it is cancelled and completes with
 * `RONDEL_ETIMEDOUT`. Of several such deadlines the first one counts; on a future that is done it does nothing. Only
 * `rondel_wait` ends otherwise: with how many of its futures are done by then.
 *
 * Gives the same future, so that calls chain. `RONDEL_EINVAL` if `ns` is negative. Loop thread only.
 */
rondel_future rondel_timeout(rondel_future future, int64_t ns);

/** @} */

/**
 * @defgroup rondel_task Tasks: straight-line code that waits
 * @{
 */

/**
 * Spawns a task: `fn(arg)` on a stack of its own, where it may use `rondel_await` and its kin. It starts in the loop's
 * next turn.
 *
 * Gives its future, which you keep: its result is what the function returns. Cancelled before it began it never runs.
 * The stack has 256 KiB, of which only what is touched takes memory; see `rondel_task_spawn_sized`. `RONDEL_EINVAL` without
 * a function. Loop thread only.
 */
rondel_future rondel_task_spawn(rondel_loop loop,
                                rondel_task_fn fn,
                                void *arg);

/**
 * As `rondel_task_spawn`, with a stack of at least `stack_size` bytes (0: the usual 256 KiB), rounded up to a power of
 * two from 16 KiB to 1 GiB. `RONDEL_EINVAL` beyond that. Loop thread only.
 */
rondel_future rondel_task_spawn_sized(rondel_loop loop, rondel_task_fn fn, void *arg, size_t stack_size);

/**
 * As `rondel_task_spawn`, from any thread. Wait for the result with `rondel_future_block`, or let it go with
 * `rondel_release_threadsafe`.
 *
 * `RONDEL_EGONE` once the loop is gone; if it is freed before the task began, the task ends with `RONDEL_ECANCELED`. It
 * never blocks. `RONDEL_ENOMEM` when a million tasks of other threads are there.
 */
rondel_future rondel_task_spawn_threadsafe(rondel_loop loop, rondel_task_fn fn, void *arg);

/**
 * Waits until a future is done, blocking this thread, `ns` nanoseconds at most (`RONDEL_FOREVER` or negative: without
 * limit); gives its result and takes the future.
 *
 * For threads other than the loop's: `RONDEL_EDEADLK` on the thread that runs it. `RONDEL_ETIMEDOUT` if it is not done by
 * then: the future is still yours. It is the loop that tells, in its next turn: a shorter time is over before that, also
 * if the future is done. `RONDEL_EGONE` if the future or its loop is gone.
 */
int64_t rondel_future_block(rondel_future future,
                            int64_t ns);

/**
 * In a task: waits until the future is done, gives its result and takes the future. The loop goes on meanwhile.
 *
 * If the task is cancelled, so is the future, and this gives what it then completes with: mostly `RONDEL_ECANCELED`.
 * `RONDEL_ENOTASK` outside a task, `RONDEL_EINVAL` for a future of another loop, `RONDEL_EDEADLK` for the task's own.
 */
int64_t rondel_await(rondel_future future);

/**
 * In a task: waits `ns` nanoseconds, never less; 0 if they have passed, `RONDEL_ECANCELED` if the task was cancelled.
 *
 * `RONDEL_EINVAL` if `ns` is negative, `RONDEL_ENOTASK` outside a task.
 */
int64_t rondel_sleep(int64_t ns);

/** In a task: lets everything else that is ready go first. Gives as `rondel_sleep` does. */
int64_t rondel_yield(void);

/** The task that the caller runs in; `RONDEL_ENOTASK` outside one. Any thread. */
rondel_future rondel_task_current(void);

/**
 * Writes up to `capacity` of the loop's tasks that are not done to `tasks`, and gives how many there are in all.
 *
 * `tasks` may be NULL if `capacity` is 0. They are not held for you. Loop thread only.
 */
int64_t rondel_task_all(rondel_loop loop, rondel_future *tasks, size_t capacity);

/**
 * Runs a program that is one task: makes a loop, runs `fn(arg)` on it, and when that has returned cancels every other
 * task, runs them to their end and frees the loop. Gives what `fn` returned. Tasks that then wait for each other in a
 * circle go on all the same: in one of them the wait ends with `RONDEL_ECANCELED`. What waits for anything else is waited
 * for.
 *
 * Ctrl-C (SIGINT) cancels the task, and so does a stop of the loop; a second Ctrl-C kills the process. A task that
 * overflows its stack is named before the process dies of it; for that SIGSEGV and SIGBUS are handled. `RONDEL_EINVAL`
 * without a function, `RONDEL_EBUSY` on a thread that runs a loop already.
 */
int64_t rondel_main(rondel_task_fn fn,
                    void *arg);

/** @} */

/**
 * @defgroup rondel_combine Several futures at once: gather, wait, as_completed, shield
 * @{
 */

/**
 * Waits for `n` futures as one: completes with 0 when all have given values, or with the error of the first that fails.
 *
 * It takes the futures, as an await does: retain one to go on using it. `results` may be NULL, or is yours again when
 * this completes: there every result stands by its position. After an error the other futures run on; the results of
 * those that were not done are `RONDEL_EAGAIN`. `results` may be the same memory as `futures`. A connection that nobody
 * gets, as there are no results or it came after an error, is closed.
 *
 * Cancelled, or over its `rondel_timeout`, it cancels the futures, and completes with `RONDEL_ECANCELED` or
 * `RONDEL_ETIMEDOUT` once the last of them has ended, so that nothing of them goes on after it (asyncio's ends with the
 * first of them). Once they are all done it cannot be cancelled any more: `RONDEL_ESTATE`.
 *
 * An entry that is a code, as a refused call gives, is a future that has failed with it; one that is gone has failed with
 * `RONDEL_EGONE`. An entry may stand there twice. All must be of one loop (`RONDEL_EINVAL`), and futures
 * (`RONDEL_EKIND`). `n` of 0 completes with 0. If no entry tells the loop it is the one that runs on this thread; if none
 * does, the first code comes back, or `RONDEL_EINVAL` for no entries. `RONDEL_EINVAL` too for NULL with `n` above 0. When
 * it is refused nothing was taken. Loop thread only.
 */
rondel_future rondel_gather(const rondel_future *futures,
                            size_t n,
                            int64_t *results,
                            rondel_fn fn,
                            void *user_data);

/**
 * As `rondel_gather`, but errors are results like others: it completes when all are done, with the number of those that
 * failed, 0 if all went well (asyncio's `return_exceptions=True`).
 *
 * A future that was cancelled counts as failed. Loop thread only.
 */
rondel_future rondel_gather_all(const rondel_future *futures,
                                size_t n,
                                int64_t *results,
                                rondel_fn fn,
                                void *user_data);

/**
 * Waits until enough of `n` futures are done, and completes with how many are: `how` is `RONDEL_FIRST_COMPLETED`,
 * `RONDEL_FIRST_ERROR` or `RONDEL_ALL_COMPLETED`.
 *
 * The futures stay yours and go on, whatever becomes of the wait: look at each with `rondel_future_state`. The end of its
 * `rondel_timeout` is no error of a wait: it completes with how many are done by then, 0 if none is. Cancelled, it completes
 * with `RONDEL_ECANCELED`.
 *
 * Entries are as for `rondel_gather`: a code, and what is gone, count as done and failed. `RONDEL_EINVAL` for another
 * `how`. Loop thread only.
 */
rondel_future rondel_wait(const rondel_future *futures,
                          size_t n,
                          int32_t how,
                          rondel_fn fn,
                          void *user_data);

/**
 * An iterator over `n` futures in the order in which they are done. Ask it with `rondel_as_completed_next`, and close
 * it with `rondel_close`.
 *
 * The futures stay yours and go on, whatever becomes of the iterator. Entries are as for `rondel_gather`; a code, and
 * what is gone, are done from the start. Those that are done already come first, in the order of the array.
 *
 * ```c
 * rondel_iterator done = rondel_as_completed(futures, n);
 * for (int64_t i; (i = rondel_await(rondel_as_completed_next(done, RONDEL_FUTURE))) >= 0;)
 *     use(i, rondel_await(futures[i]));
 * rondel_close(done);
 * ```
 * Loop thread only.
 */
rondel_iterator rondel_as_completed(const rondel_future *futures, size_t n);

/**
 * Completes with the position, in the array the iterator was made of, of the next future that is done; with `RONDEL_EOF`
 * when each was told.
 *
 * Several may be asked for at once; they are answered in that order. One that is cancelled, or over its `rondel_timeout`,
 * loses nothing: the next one is told instead. (asyncio's timeout is one for the whole iteration.) Closing the
 * iterator ends it with `RONDEL_ECANCELED`. Loop thread only.
 */
rondel_future rondel_as_completed_next(rondel_iterator iterator,
                                       rondel_fn fn,
                                       void *user_data);

/**
 * A future that completes as `future` does, but can be cancelled, or run over its `rondel_timeout`, while that goes on.
 *
 * It takes the future, as an await does: retain it to go on using it. Then an item of a queue goes back, or a connection
 * is closed, only when both were let go and nobody had asked either for it. `RONDEL_EKIND` if it is none. Loop thread
 * only.
 */
rondel_future rondel_shield(rondel_future future,
                            rondel_fn fn,
                            void *user_data);

/** @} */

/**
 * @defgroup rondel_lock Locks: held by one at a time, for tasks and callbacks alike
 * @{
 */

/**
 * Makes a lock that nobody holds.
 *
 * `rondel_close` ends it, held or not: those who wait get `RONDEL_ECANCELED`, and so do the waits of its conditions. A
 * lock knows no owner: whoever holds it may let another release it. Loop thread only.
 */
rondel_lock rondel_lock_new(rondel_loop loop);

/**
 * Acquires a lock, waiting until it is free: the result is 0, and you hold it until `rondel_lock_release`.
 *
 * Those who wait get it in the order in which they came; nobody comes in between. One that is cancelled, times out or
 * is let go by all who would hear of it leaves the line. When `rondel_cancel` says `RONDEL_ESTATE` you have the lock
 * already, and must release it. Waiting does not keep `rondel_run` going, as what it waits for must come from
 * something else. `RONDEL_EINVAL` if `fn` is NULL: nobody would know that the lock is held. Loop thread only.
 */
rondel_future rondel_lock_acquire(rondel_lock lock, rondel_fn fn, void *user_data);

/** Acquires a lock if it is free: 0, or `RONDEL_EAGAIN` if it is held. Loop thread only. */
int64_t rondel_lock_try(rondel_lock lock);

/** Releases a lock, which goes to the next who waits. `RONDEL_ESTATE` if it is not held. Loop thread only. */
int64_t rondel_lock_release(rondel_lock lock);

/** 1 if the lock is held, else 0. Loop thread only. */
int64_t rondel_lock_held(rondel_lock lock);

/** @} */

/**
 * @defgroup rondel_task_group Task groups: futures that live and end together
 * @{
 */

/**
 * Makes a group: tasks and other futures, its children, that end together. Close it with `rondel_close`.
 *
 * When a child fails, with any error but `RONDEL_ECANCELED`, the others are cancelled; `rondel_group_join` tells when the
 * last has ended. What the group's maker awaits meanwhile is not cancelled (in asyncio it is, but C has no block that
 * belongs to a group): await the join, or make it a child too.
 *
 * Closing it cancels the children; its close notices come after the last of them has ended. Loop thread only.
 */
rondel_group rondel_group_new(rondel_loop loop);

/**
 * Makes a future a child of the group, which takes it: retain it to look at its result later. Gives the same future.
 *
 * A code, as a refused call gives, is a child that has failed with it, and comes back; so is a future that is gone
 * (`RONDEL_EGONE`). So a failure of your own ends the group by `rondel_group_add(group, code)`. What is added while the
 * group is being cancelled is cancelled at once.
 *
 * Refused, and not taken: `RONDEL_ESTATE` after the join has completed, `RONDEL_EDEADLK` for the group's own join,
 * `RONDEL_EINVAL` for a future of another loop, `RONDEL_EKIND` for what is no future. Loop thread only.
 */
rondel_future rondel_group_add(rondel_group group, rondel_future future);

/**
 * Spawns a task as a child of the group, as `rondel_task_spawn` and `rondel_group_add` do. Gives its future, which is the
 * group's: retain it to look at its result later.
 *
 * Nothing is spawned, and `RONDEL_ECANCELED` comes back, while the group is being cancelled; `RONDEL_ESTATE` after the
 * join has completed. Loop thread only.
 */
rondel_future rondel_group_spawn(rondel_group group,
                                 rondel_task_fn fn,
                                 void *arg);

/**
 * Completes when the last child has ended: with 0, or the error of the first that failed. More may be added meanwhile.
 *
 * Cancelled, or over its `rondel_timeout`, it cancels the children, and completes once the last has ended: with the
 * first error if one failed all the same, else with `RONDEL_ECANCELED` or `RONDEL_ETIMEDOUT`. Once a child has failed, or
 * all are done, it cannot be cancelled any more: `RONDEL_ESTATE`; the next await of a task that was to be cancelled so is.
 *
 * A group is joined once. When the join has completed, which without a child it does at once, the group takes no children
 * any more: `RONDEL_ESTATE`. Loop thread only.
 */
rondel_future rondel_group_join(rondel_group group,
                                rondel_fn fn,
                                void *user_data);

/**
 * Cancels the children, and whatever is still added. That alone is no error for the join.
 *
 * Children are cancelled once: after this, or after one has failed, it does nothing. `RONDEL_ESTATE` after the join has
 * completed. Loop thread only.
 */
int64_t rondel_group_cancel(rondel_group group);

/** How many children have failed. Loop thread only. */
int64_t rondel_group_error_count(rondel_group group);

/** The error of a child, by the order in which they failed; 0 if fewer have. Loop thread only. */
int64_t rondel_group_error(rondel_group group, size_t index);

/** @} */

/**
 * @defgroup rondel_event Events: something that has happened or not yet, and any number who wait for it
 * @{
 */

/** Makes an event that is not set. `rondel_close` ends it: those who wait get `RONDEL_ECANCELED`. Loop thread only. */
rondel_event rondel_event_new(rondel_loop loop);

/**
 * Sets an event: all who wait go on, also if it is cleared right after. 0 also if it was set already. Loop thread
 * only.
 */
int64_t rondel_event_set(rondel_event event);

/** Clears an event: who waits from now on waits for the next `rondel_event_set`. Loop thread only. */
int64_t rondel_event_clear(rondel_event event);

/** 1 if the event is set, else 0. Loop thread only. */
int64_t rondel_event_is_set(rondel_event event);

/** Waits until the event is set: the result is 0. Waiting does not keep `rondel_run` going. Loop thread only. */
rondel_future rondel_event_wait(rondel_event event, rondel_fn fn, void *user_data);

/** @} */

/**
 * @defgroup rondel_condition Conditions: where those who hold a lock wait until another holder changed something
 * @{
 */

/**
 * Makes a condition that goes with a lock. One lock may have several. Loop thread only.
 *
 * `rondel_close` ends it; the lock stays. Its waits then end with `RONDEL_ECANCELED` at once and without the lock: the
 * one case in which they do not have it, as when the lock itself is closed.
 */
rondel_condition rondel_condition_new(rondel_lock lock);

/**
 * Releases the lock, waits to be notified, and acquires the lock again: the result is 0, and the lock is held.
 *
 * The lock is held also when the wait is cancelled or times out: it ends with that code once it has the lock again,
 * and a notice that it got before goes to the next who waits. Only one that nobody would hear of ends without the
 * lock. What was waited for may have changed again in between, so look, and wait again if need be. Waiting does not
 * keep `rondel_run` going.
 *
 * `RONDEL_ESTATE` if the lock is not held, `RONDEL_EGONE` if it is closed, `RONDEL_EINVAL` if `fn` is NULL: nobody
 * would know that the lock is held. Loop thread only.
 */
rondel_future rondel_condition_wait(rondel_condition condition, rondel_fn fn, void *user_data);

/**
 * Notifies `n` of those who wait, or as many as there are, the first ones first; gives how many. They go on one by one
 * as they get the lock, which you still hold.
 *
 * `RONDEL_ESTATE` if the lock is not held, `RONDEL_EGONE` if it is closed, `RONDEL_EINVAL` if `n` is negative. Loop
 * thread only.
 */
int64_t rondel_condition_notify(rondel_condition condition, int64_t n);

/** As `rondel_condition_notify`, of all who wait. Loop thread only. */
int64_t rondel_condition_notify_all(rondel_condition condition);

/** @} */

/**
 * @defgroup rondel_semaphore Semaphores: so many at a time
 * @{
 */

/**
 * Makes a semaphore that `value` can acquire before others have to wait. It may never come above `bound` (0: it may).
 *
 * `rondel_close` ends it: those who wait get `RONDEL_ECANCELED`. `RONDEL_EINVAL` if a number is negative or `value`
 * above `bound`. Loop thread only.
 */
rondel_semaphore rondel_semaphore_new(rondel_loop loop, int64_t value, int64_t bound);

/**
 * Takes one off a semaphore, waiting while it is 0: the result is 0.
 *
 * Those who wait get it in the order in which they came; nobody comes in between. One that is cancelled, times out or
 * is let go by all who would hear of it leaves the line. When `rondel_cancel` says `RONDEL_ESTATE` you have it
 * already, and must release it. Waiting does not keep `rondel_run` going. `RONDEL_EINVAL` if `fn` is NULL: nobody
 * would know that one was taken. Loop thread only.
 */
rondel_future rondel_semaphore_acquire(rondel_semaphore semaphore, rondel_fn fn, void *user_data);

/** Takes one off a semaphore if it is not 0: gives 0, or `RONDEL_EAGAIN`. Loop thread only. */
int64_t rondel_semaphore_try(rondel_semaphore semaphore);

/** Adds one to a semaphore, which goes to the next who waits. `RONDEL_ESTATE` if it is at its bound. Loop thread only. */
int64_t rondel_semaphore_release(rondel_semaphore semaphore);

/** How many could acquire it now without waiting. Loop thread only. */
int64_t rondel_semaphore_value(rondel_semaphore semaphore);

/** @} */

/**
 * @defgroup rondel_barrier Barriers: so many wait until all have come, and go on together
 * @{
 */

/**
 * Makes a barrier for so many parties.
 *
 * `rondel_close` ends it: those who wait get `RONDEL_ECANCELED`. `RONDEL_EINVAL` unless `parties` is positive. Loop
 * thread only.
 */
rondel_barrier rondel_barrier_new(rondel_loop loop, int64_t parties);

/**
 * Waits until all parties do: the result is the place in which one came, from 0 to one less than the parties.
 *
 * All go on at once, and the next round may begin. One that is cancelled or times out leaves, and another is needed in
 * its place. `RONDEL_EBROKEN` as the result if the barrier is reset or aborted meanwhile, and at once if it is broken.
 * Waiting does not keep `rondel_run` going. Loop thread only.
 */
rondel_future rondel_barrier_wait(rondel_barrier barrier, rondel_fn fn, void *user_data);

/** Sends those who wait away with `RONDEL_EBROKEN`; the barrier is as new, also if it was aborted. Loop thread only. */
int64_t rondel_barrier_reset(rondel_barrier barrier);

/** Breaks the barrier: who waits, and who comes before it is reset, gets `RONDEL_EBROKEN`. Loop thread only. */
int64_t rondel_barrier_abort(rondel_barrier barrier);

/** How many wait. Loop thread only. */
int64_t rondel_barrier_waiting(rondel_barrier barrier);

/** 1 if the barrier was aborted and not reset since, else 0. Loop thread only. */
int64_t rondel_barrier_broken(rondel_barrier barrier);

/** @} */

/**
 * @defgroup rondel_queue Queues: items on their way from those who put to those who get
 * @{
 */

/**
 * Makes a queue that holds up to `capacity` items (0: any number) and gives them out in the order that `how` names, a
 * `RONDEL_QUEUE_`.
 *
 * An item is a number, 0 or more, so that it can be a result: an index, a handle, or `(int64_t)(uintptr_t)pointer`.
 * (Where pointers may have their highest bit set, as tagged ones of Android have, shift them right by one.)
 *
 * `rondel_close` ends it: who waits gets `RONDEL_ECANCELED`, and items that are still in it are dropped. See
 * `rondel_queue_shutdown` for a milder end. `RONDEL_EINVAL` for a negative capacity or another order. Loop thread
 * only.
 */
rondel_queue rondel_queue_new(rondel_loop loop, int64_t capacity, int how);

/**
 * Puts an item into a queue, waiting while it is full: the result is 0. In a queue by priority it has priority 0.
 *
 * Those who wait come in the order in which they began to. An item whose put is cancelled or times out is not in the
 * queue. Waiting does not keep `rondel_run` going. `RONDEL_EINVAL` for a negative item, `RONDEL_ESHUTDOWN` after
 * `rondel_queue_shutdown`, and as the result if that comes while it waits. Loop thread only.
 */
rondel_future rondel_queue_put(rondel_queue queue, int64_t item, rondel_fn fn, void *user_data);

/**
 * As `rondel_queue_put`, with a priority: a lower one is got first. `RONDEL_EINVAL` if the queue is of another order.
 * Loop thread only.
 */
rondel_future rondel_queue_put_priority(rondel_queue queue,
                                        int64_t priority,
                                        int64_t item,
                                        rondel_fn fn,
                                        void *user_data);

/**
 * Puts an item if there is room: 0, or `RONDEL_EAGAIN` if the queue is full. Otherwise as `rondel_queue_put`. Loop
 * thread only.
 */
int64_t rondel_queue_try_put(rondel_queue queue, int64_t item);

/**
 * Puts an item with a priority if there is room: 0, or `RONDEL_EAGAIN` if the queue is full. Otherwise as
 * `rondel_queue_put_priority`. Loop thread only.
 */
int64_t rondel_queue_try_put_priority(rondel_queue queue, int64_t priority, int64_t item);

/**
 * Takes an item out of a queue, waiting while it is empty: the result is the item.
 *
 * Those who wait get the items in the order in which they came: each the next that is put. No item is lost: one whose
 * future was let go before anybody heard of its result (by a function, an await, `rondel_future_result`…) goes back to
 * its place or to the next who waits, also when the get was done just before it was cancelled. Waiting does not keep
 * `rondel_run` going.
 *
 * `RONDEL_ESHUTDOWN` if the queue is empty after `rondel_queue_shutdown`, and as the result if that comes while it
 * waits. `RONDEL_EINVAL` if `fn` is NULL: nobody would get the item. Loop thread only.
 */
rondel_future rondel_queue_get(rondel_queue queue,
                               rondel_fn fn,
                               void *user_data);

/**
 * Takes an item out of a queue and gives it; `RONDEL_EAGAIN` if there is none, `RONDEL_ESHUTDOWN` if there will be
 * none. Loop thread only.
 */
int64_t rondel_queue_try_get(rondel_queue queue);

/** How many items are in the queue; those of puts that wait are not. Loop thread only. */
int64_t rondel_queue_size(rondel_queue queue);

/**
 * Says that what an item that was got stood for is done: see `rondel_queue_join`.
 *
 * `RONDEL_ESTATE` if it was said of every item that was put. Loop thread only.
 */
int64_t rondel_queue_task_done(rondel_queue queue);

/**
 * Waits until `rondel_queue_task_done` was called for every item that was put: the result is 0.
 *
 * Waiting does not keep `rondel_run` going. Loop thread only.
 */
rondel_future rondel_queue_join(rondel_queue queue, rondel_fn fn, void *user_data);

/**
 * Ends a queue in order: nothing more can be put, and puts that wait end with `RONDEL_ESHUTDOWN`; what is in it can be
 * got, and then gets end so as well.
 *
 * With `immediate` what is in it is dropped, and counts as done for `rondel_queue_join`. It may be called again. Loop
 * thread only.
 */
int64_t rondel_queue_shutdown(rondel_queue queue, int immediate);

/** @} */

/**
 * @defgroup rondel_stream Streams: bytes both ways, in order
 * @{
 */

/**
 * Reads whatever comes, until `rondel_read_stop`, the end, or `rondel_close`.
 *
 * `fn(stream, bytes, n, user_data)`: the bytes are valid until it returns. A negative `n` comes once, with NULL:
 * `RONDEL_EOF` or an error; reading has then stopped. `RONDEL_EBUSY` if it is being read from already,
 * `RONDEL_ENOTCONN` if it is not connected, `RONDEL_EINVAL` without a function, or for `rondel_keep` or `rondel_enqueue`:
 * who asks for what comes uses `rondel_read`. Loop thread only.
 */
int64_t rondel_read_start(rondel_stream stream,
                          rondel_read_fn fn,
                          void *user_data);

/**
 * As `rondel_read_start`, into memory that `alloc(stream, &size, user_data)` gives each time.
 *
 * Each piece of memory comes back with a call of `fn`, as `bytes`, with `n` 0 if nothing came after all. Loop thread
 * only.
 */
int64_t rondel_read_start_into(rondel_stream stream, rondel_alloc_fn alloc, rondel_read_fn fn, void *user_data);

/** Stops what `rondel_read_start` began; what comes meanwhile waits. 0 also if nothing was read. Loop thread only. */
int64_t rondel_read_stop(rondel_stream stream);

/**
 * Reads once: the result is how many bytes came, 1 to `capacity`, or `RONDEL_EOF`.
 *
 * The memory is Rondel's until it completes. `RONDEL_EINVAL` for NULL or a capacity of 0, `RONDEL_EBUSY` if the stream
 * is being read from already. Loop thread only.
 */
rondel_future rondel_read(rondel_stream stream, void *bytes, size_t capacity, rondel_fn fn, void *user_data);

/**
 * Reads exactly `n` bytes: the result is `n`, or `RONDEL_EOF` if the stream ends before.
 *
 * If it ends, is cancelled or times out, what had come is not lost: the next read gets it. The memory is Rondel's until it
 * completes. `RONDEL_EINVAL` for NULL or 0 bytes, `RONDEL_EBUSY` if the stream is being read from already. Loop thread
 * only.
 */
rondel_future rondel_read_exactly(rondel_stream stream,
                                  void *bytes,
                                  size_t n,
                                  rondel_fn fn,
                                  void *user_data);

/**
 * Reads up to and with a delimiter of 1 to 16 bytes: the result is how many bytes that are.
 *
 * `RONDEL_EMSGSIZE` if it is not among the first `capacity` bytes, `RONDEL_EOF` if the stream ends before it: then, and
 * if it is cancelled or times out, what had come is not lost: the next read gets it. The memory is Rondel's until it completes;
 * the delimiter is copied. `RONDEL_EINVAL` for NULL, a capacity of 0 or another length of delimiter, `RONDEL_EBUSY` if
 * the stream is being read from already. Loop thread only.
 */
rondel_future rondel_read_until(rondel_stream stream,
                                void *bytes,
                                size_t capacity,
                                const void *delimiter,
                                size_t length,
                                rondel_fn fn,
                                void *user_data);

/**
 * Writes: the result is `length`, once the system has taken everything, or an error.
 *
 * What the system does not take at once is copied, so the bytes may die when the call returns. Writes leave in order;
 * small ones made inside one callback leave in one system call when it returns. One that is cancelled before its
 * first byte left is not sent; one that has begun is sent whole, but completes with `RONDEL_ECANCELED`. Last words before
 * the process ends, as by exit(3), want `rondel_try_write` or a close of the stream first.
 *
 * `RONDEL_EINVAL` for NULL or an impossible length, `RONDEL_EPIPE` after `rondel_shutdown`, the error of the stream if
 * it is broken, `RONDEL_ENOTCONN` if it is not connected. Loop thread only.
 */
rondel_future rondel_write(rondel_stream stream,
                           const void *bytes,
                           size_t length,
                           rondel_fn fn,
                           void *user_data);

/**
 * As `rondel_write`, of `count` buffers one after the other: the result is the sum of their lengths.
 *
 * At most 1024 buffers: `RONDEL_EINVAL` beyond that, or for NULL where bytes are needed. Loop thread only.
 */
rondel_future rondel_writev(rondel_stream stream,
                            const rondel_buffer *buffers,
                            size_t count,
                            rondel_fn fn,
                            void *user_data);

/** As `rondel_write`, without a copy: the bytes must stay as they are until it completes. Loop thread only. */
rondel_future rondel_write_borrowed(rondel_stream stream,
                                    const void *bytes,
                                    size_t length,
                                    rondel_fn fn,
                                    void *user_data);

/**
 * Writes what the system takes now, and gives how many bytes that were; the rest stays yours to send.
 *
 * `RONDEL_EAGAIN` if it takes none now or writes are queued; errors as for `rondel_write`. Loop thread only.
 */
int64_t rondel_try_write(rondel_stream stream, const void *bytes, size_t length);

/**
 * Half-closes: after what is queued, the peer sees the end; reading goes on. The result is 0.
 *
 * Writes after this are refused with `RONDEL_EPIPE`, and so is a second shutdown. Loop thread only.
 */
rondel_future rondel_shutdown(rondel_stream stream, rondel_fn fn, void *user_data);

/**
 * Closes a stream once everything written to it has left, where `rondel_close` would drop what the system does not
 * take at once. Reading stops now; until then the handle is as it was, and further writes are refused with
 * `RONDEL_EPIPE`.
 *
 * A peer that does not read can hold this up for ever: `rondel_close` ends it. With a limit, close the stream when
 * `rondel_timeout(rondel_shutdown(stream, fn, user_data), ns)` is told instead. If bytes from the peer are still unread by
 * then, most systems tell it of a reset, as with any close. Loop thread only.
 */
int64_t rondel_close_when_sent(rondel_stream stream);

/** How many bytes are queued and not taken by the system yet. Loop thread only. */
int64_t rondel_write_queue_size(rondel_stream stream);

/**
 * Watches over the write queue: `fn(stream, 1, user_data)` when it has grown over `high` bytes, `fn(stream, 0,
 * user_data)` when it has then shrunk to `low` or less.
 *
 * Without a function, reading from this same stream pauses in between: enough for a server that answers what it
 * reads. `RONDEL_EINVAL` if `low` is above `high`. Loop thread only.
 */
int64_t rondel_set_watermarks(rondel_stream stream, size_t low, size_t high, rondel_fn fn, void *user_data);

/** @} */

/**
 * @defgroup rondel_tcp TCP: connect, listen, accept, and the options of sockets
 * @{
 */

/**
 * Connects to a host by name or numeric address: the result is a TCP handle.
 *
 * Names are looked up on the worker pool and their addresses tried in the manner of RFC 8305 (happy eyeballs); the
 * error is that of the last address, or of the look-up (`RONDEL_EAI_NONAME`…). If nobody hears of the result (`fn` is
 * NULL) the connection is closed. `RONDEL_EINVAL` for NULL, an empty host or a port outside 1 to 65535. Loop thread
 * only.
 */
rondel_future rondel_tcp_connect(rondel_loop loop, const char *host, int port, rondel_fn fn, void *user_data);

/**
 * Listens at a numeric address, "localhost" (127.0.0.1), or every interface: NULL for IPv6 and IPv4, "::" for IPv6 alone,
 * "0.0.0.0" for IPv4 alone. Port 0 is any free one, see `rondel_local_addr`.
 *
 * `fn(server, peer, user_data)` for every connection: `peer` is a TCP handle, yours to close, or a negative code, such
 * as `RONDEL_EMFILE` when descriptors ran out; the server then goes on by itself when there are some. Without a
 * function `rondel_accept` takes the connections. `RONDEL_EINVAL` for a port outside 0 to 65535, `RONDEL_EAI_NONAME` for a
 * name, `RONDEL_EADDRINUSE`, `RONDEL_EACCES`… as bind(2) has them. Loop thread only.
 */
rondel_tcp rondel_tcp_listen(rondel_loop loop,
                             const char *host,
                             int port,
                             rondel_fn on_accept,
                             void *user_data);

/** Makes a TCP handle to bind, and to connect or listen with, step by step. Loop thread only. */
rondel_tcp rondel_tcp_new(rondel_loop loop);

/**
 * Binds a TCP handle to a numeric address, "localhost", or every interface (NULL); port 0 is any free one.
 *
 * `RONDEL_EINVAL` if it is bound already or for a port outside 0 to 65535, `RONDEL_EADDRINUSE`… as bind(2) has them.
 * Loop thread only.
 */
int64_t rondel_tcp_bind(rondel_tcp tcp, const char *host, int port);

/**
 * Lets several sockets listen at the same address and share its connections, where the system can. Before
 * `rondel_tcp_bind`, else `RONDEL_EINVAL`. Loop thread only.
 */
int64_t rondel_tcp_reuse_port(rondel_tcp tcp, int on);

/**
 * Connects a handle of `rondel_tcp_new`: the result is 0. Otherwise as `rondel_tcp_connect`.
 *
 * A handle that was bound is not any more when it could not connect. `RONDEL_EISCONN` if it is connected,
 * `RONDEL_EALREADY` if it is connecting. Loop thread only.
 */
rondel_future rondel_connect(rondel_tcp tcp, const char *host, int port, rondel_fn fn, void *user_data);

/**
 * Makes a handle of `rondel_tcp_new` or `rondel_pipe_new` listen; a TCP handle that is not bound gets any free port of
 * every interface.
 *
 * `backlog`: how many connections may wait (0: as many as the system allows). `on_accept` as for `rondel_tcp_listen`.
 * `RONDEL_EINVAL` for a negative backlog, for a pipe handle that is not bound, or if it listens already. Loop thread
 * only.
 */
int64_t rondel_listen(rondel_handle handle, int backlog, rondel_fn on_accept, void *user_data);

/**
 * Takes over a connected or listening stream socket of yours: it is the handle's to close, and does not block any more.
 *
 * `RONDEL_EBADF`, `RONDEL_ENOTSOCK`, `RONDEL_EPROTOTYPE` if it is no stream socket, `RONDEL_ENOTCONN`, `RONDEL_EEXIST` if a
 * handle of this loop has it already: it is then still yours, unchanged. Loop thread only.
 */
rondel_tcp rondel_tcp_open(rondel_loop loop,
                           int64_t fd);

/**
 * Takes one connection of a listener that has no `on_accept`: the result is a handle of its kind, or an error such as
 * `RONDEL_EMFILE`.
 *
 * Several may wait; they are served in order. `RONDEL_EBUSY` if the listener has an `on_accept`, `RONDEL_EINVAL` if it
 * does not listen. Loop thread only.
 */
rondel_future rondel_accept(rondel_handle listener, rondel_fn fn, void *user_data);

/**
 * Sends small segments at once (on, as from the start) or gathers them (0: Nagle's algorithm). A listener's connections
 * begin as the listener is. Loop thread only.
 */
int64_t rondel_tcp_nodelay(rondel_tcp tcp, int on);

/**
 * Probes a silent peer after `idle_ns` nanoseconds, in whole seconds rounded up; 0 turns it off.
 *
 * `RONDEL_EINVAL` for a negative time, or one longer than the system takes (Linux: 32767 seconds), and then nothing is
 * changed. `RONDEL_ENOTCONN` while there is no socket. Loop thread only.
 */
int64_t rondel_tcp_keepalive(rondel_tcp tcp, int64_t idle_ns);

/**
 * Closes a connected handle with a reset: what was not sent is dropped, the peer sees `RONDEL_ECONNRESET`. Loop thread
 * only.
 */
int64_t rondel_tcp_reset(rondel_tcp tcp);

/**
 * Sets the system's send buffer to about `bytes` (0: leaves it), and gives its size. Systems may double or cut it.
 * `RONDEL_EINVAL` for a negative size, `RONDEL_ENOTCONN` while there is no socket. Loop thread only.
 */
int64_t rondel_send_buffer(rondel_handle handle, int64_t bytes);

/**
 * Sets the system's receive buffer to about `bytes` (0: leaves it), and gives its size. Systems may double or cut it.
 * `RONDEL_EINVAL` for a negative size, `RONDEL_ENOTCONN` while there is no socket. Loop thread only.
 */
int64_t rondel_receive_buffer(rondel_handle handle, int64_t bytes);

/**
 * The local address of a socket: its text goes to `text` (which may be NULL), the port to `*port` (which may be NULL).
 *
 * Of a local socket it is the path or the abstract name with an `@` before it, empty if it has none, and the port is 0.
 * Gives the length of the text without its NUL. `RONDEL_ENOBUFS` if `size` is too small for it (46 and a scope always do,
 * for local sockets 110), `RONDEL_ENOTCONN` while there is no socket, `RONDEL_ENOTSOCK` for what is none. Loop thread
 * only.
 */
int64_t rondel_local_addr(rondel_handle handle,
                          char *text,
                          size_t size,
                          int *port);

/** The peer's address, as `rondel_local_addr` gives the own one. `RONDEL_ENOTCONN` if there is no peer. Loop thread only. */
int64_t rondel_peer_addr(rondel_handle handle,
                         char *text,
                         size_t size,
                         int *port);

/** @} */

/**
 * @defgroup rondel_udp UDP: datagrams, sent one by one or many at a time, received in batches
 * @{
 */

/** `rondel_kind`: a UDP socket. */
#define RONDEL_KIND_UDP INT64_C(10)
/** `rondel_datagram`: there was more of it than there was room for. */
#define RONDEL_TRUNCATED 1
/** `rondel_udp_bind`: other sockets that ask for it too may have the same address; each gets what is sent to a group. */
#define RONDEL_UDP_REUSE_ADDRESS 1

/**
 * `rondel_udp_bind`: other sockets that ask for it too may have the same address, and the system spreads the senders over
 * them.
 */
#define RONDEL_UDP_REUSE_PORT 2

/** `rondel_udp_bind`: without a host, IPv6 only; else both. */
#define RONDEL_UDP_IPV6_ONLY 4
/** `rondel_udp_bind`: no segmentation offload, which joins datagrams on their way through the system (see udp(7)). */
#define RONDEL_UDP_NO_OFFLOAD 8
/** `rondel_udp_tell`: `ecn`. */
#define RONDEL_TELL_ECN 1
/** `rondel_udp_tell`: `local`. */
#define RONDEL_TELL_LOCAL 2
/** `rondel_udp_tell`: datagrams that the system joined are told as one, with `segment`. */
#define RONDEL_TELL_COALESCED 4
/** `rondel_udp_tell`: errors that come back for datagrams sent to anybody. Those of a peer are told without. */
#define RONDEL_TELL_ERRORS 8

/** A UDP socket. */
typedef int64_t rondel_udp;

/** A datagram that came, or one to be sent: what was received can be sent back as it is. */
typedef struct rondel_datagram {
    /** The first byte; may be NULL if `length` is 0. */
    const uint8_t *bytes;
    /** How many. */
    size_t length;
    /**
     * The other side: the sender of what came, the destination of what is to be sent. A family of 0 is nobody: an
     * unknown sender, or the socket's peer as the destination.
     */
    rondel_address peer;
    /**
     * The address on this machine that it was sent to, with `RONDEL_TELL_LOCAL`, and of IPv6 the interface as `scope`; the
     * one to send from, unless it is a group's. A family of 0 is no address: not told, or the system's choice.
     */
    rondel_address local;
    /**
     * Not 0: these are several datagrams of so many bytes each, the last of what is left. Received ones come so only with
     * `RONDEL_TELL_COALESCED`.
     */
    uint32_t segment;
    /** Explicit congestion notification (RFC 3168), 0 to 3; received ones have it with `RONDEL_TELL_ECN`, else 0. */
    uint32_t ecn;
    /** `RONDEL_TRUNCATED` or 0; of no meaning in what is to be sent. */
    uint32_t flags;
} rondel_datagram;

/**
 * Told of datagrams that came in: `n` of them, which like their bytes are valid until the function returns; or a
 * negative `n`, with NULL: an error that came back for a datagram sent before, and receiving goes on.
 */
typedef void (*rondel_datagram_fn)(rondel_udp udp, const struct rondel_datagram *batch, int64_t n, void *user_data);

/**
 * Binds a UDP socket to a numeric address, "localhost" (127.0.0.1), or every interface: NULL for IPv6 and IPv4, "::" for
 * IPv6 alone, "0.0.0.0" for IPv4 alone. Port 0 is any free one, see `rondel_local_addr`.
 *
 * `flags`: any of `RONDEL_UDP_`. `RONDEL_EINVAL` for others or a port outside 0 to 65535, `RONDEL_EAI_NONAME` for a name,
 * `RONDEL_EADDRINUSE`, `RONDEL_EACCES`… as bind(2) has them, `RONDEL_EOPNOTSUPP` for a flag that the system does not know. Loop thread only.
 */
rondel_udp rondel_udp_bind(rondel_loop loop,
                           const char *host,
                           int port,
                           int32_t flags);

/**
 * Makes a UDP socket with a peer, by name or numeric address: the result is a UDP handle.
 *
 * It sends to its peer, receives from it only, and is told when there is nobody (`RONDEL_ECONNREFUSED`). Names are looked
 * up on the worker pool, and the first address that there is a way to is taken; nothing is sent. If nobody hears of the
 * result it is closed. `RONDEL_EINVAL` for NULL, an empty host or a port outside 1 to 65535. Loop thread only.
 */
rondel_future rondel_udp_connect(rondel_loop loop,
                                 const char *host,
                                 int port,
                                 rondel_fn fn,
                                 void *user_data);

/**
 * Takes over a UDP socket of yours: it is the handle's to close, and does not block any more.
 *
 * `RONDEL_EBADF`, `RONDEL_ENOTSOCK`, `RONDEL_EPROTOTYPE` if it is no datagram socket, `RONDEL_EAFNOSUPPORT` if it is
 * neither of the internet nor of this machine (see `rondel_udp_bind_path`), `RONDEL_EEXIST` if a handle of this loop has it already: it is then still yours. Loop thread only.
 */
rondel_udp rondel_udp_open(rondel_loop loop,
                           int64_t fd);

/**
 * Gives a socket a peer, or another one; NULL takes it away. As `rondel_udp_connect`, by address, at once.
 *
 * `RONDEL_EINVAL` for an address that is none, `RONDEL_EAFNOSUPPORT` for IPv6 from an IPv4 socket, `RONDEL_ENOTCONN` if there
 * is no peer to take away, `RONDEL_EBUSY` while datagrams wait to be sent. Loop thread only.
 */
int64_t rondel_udp_set_peer(rondel_udp udp,
                            const rondel_address *peer);

/**
 * Sends a datagram to an address, or to the socket's peer (NULL): the result is its length.
 *
 * What one callback sends leaves together when it returns; what the system does not take yet waits, and can be cancelled
 * until it leaves. The bytes are copied where they do not leave at once. The future fails with `RONDEL_EMSGSIZE` for a
 * datagram that is too long (65535 bytes are the most, also on this machine), `RONDEL_EACCES` for a broadcast without
 * `rondel_udp_broadcast`, `RONDEL_ENETUNREACH`… as sendto(2) has them, but not with an error that came back for an earlier
 * one: those wait for who receives, and nobody's datagram is lost to them. `RONDEL_EDESTADDRREQ` without address and peer,
 * `RONDEL_EISCONN` for another address than the peer's, `RONDEL_EAFNOSUPPORT` for an IPv6 address from an IPv4 socket,
 * `RONDEL_EINVAL` for one that is none or has port 0. Loop thread only.
 */
rondel_future rondel_udp_send(rondel_udp udp,
                              const void *bytes,
                              size_t length,
                              const rondel_address *to,
                              rondel_fn fn,
                              void *user_data);

/**
 * As `rondel_udp_send`, but only if it leaves at once: gives its length, `RONDEL_EAGAIN` if it does not, or the error that
 * the future would have. What waits leaves first. Loop thread only.
 */
int64_t rondel_udp_try_send(rondel_udp udp,
                            const void *bytes,
                            size_t length,
                            const rondel_address *to);

/**
 * Sends datagrams, in as few system calls as the system can: the result is how many left, each segment counted, or the
 * first error if none did.
 *
 * Each goes to its `peer`, from its `local` if it has one, with its `ecn`, cut at its `segment`. They leave at once, after
 * what waits; those that the system does not take yet are copied and wait. One that fails keeps no other from leaving.
 * Refused as a whole as `rondel_udp_send` is, also with `RONDEL_EINVAL` for an `ecn` above 3 or NULL. Loop thread only.
 */
rondel_future rondel_udp_send_batch(rondel_udp udp,
                                    const struct rondel_datagram *batch,
                                    size_t n,
                                    rondel_fn fn,
                                    void *user_data);

/**
 * Receives whatever comes, batch by batch, until `rondel_udp_recv_stop` or `rondel_close`.
 *
 * `fn(udp, batch, n, user_data)` is called once for all that the system hands over at a time. A negative `n` is an error
 * that came back, such as `RONDEL_ECONNREFUSED`: nobody is there, see `rondel_udp_error_addr`. `RONDEL_EBUSY` if somebody
 * receives from it already, `RONDEL_EINVAL` without a function, or for `rondel_keep` or `rondel_enqueue`: who asks for what
 * comes uses `rondel_udp_recv`. Loop thread only.
 */
int64_t rondel_udp_recv_start(rondel_udp udp,
                              rondel_datagram_fn fn,
                              void *user_data);

/** Stops what `rondel_udp_recv_start` began; what comes meanwhile waits. 0 also if nothing was received. Loop thread only. */
int64_t rondel_udp_recv_stop(rondel_udp udp);

/**
 * Receives one datagram: the result is its length, which may be 0.
 *
 * `out` (which may be NULL) is set to what is known of it: the sender, and `RONDEL_TRUNCATED` if it did not fit into
 * `capacity` bytes. Without `out` a datagram that does not fit is lost with `RONDEL_EMSGSIZE`. Errors that came back end a
 * receive as they would be told to `rondel_datagram_fn`. Several may wait, and are served in order. Both memories are
 * Rondel's until it completes. `RONDEL_EINVAL` for NULL or a capacity of 0, `RONDEL_EBUSY` after `rondel_udp_recv_start`.
 * Loop thread only.
 */
rondel_future rondel_udp_recv(rondel_udp udp,
                              void *bytes,
                              size_t capacity,
                              struct rondel_datagram *out,
                              rondel_fn fn,
                              void *user_data);

/**
 * Where the datagram was sent to that the last error told came back for. `RONDEL_ENOENT` if that is not known,
 * `RONDEL_EINVAL` for NULL. Loop thread only.
 */
int64_t rondel_udp_error_addr(rondel_udp udp, rondel_address *out);

/**
 * Sets what received datagrams tell beside their bytes and sender: any of `RONDEL_TELL_`, and no others from now on.
 *
 * `RONDEL_EINVAL` for anything else; `RONDEL_EOPNOTSUPP` for what the system cannot tell. Loop thread only.
 */
int64_t rondel_udp_tell(rondel_udp udp, int32_t what);

/** How many bytes wait to be sent. Loop thread only. */
int64_t rondel_udp_send_queue_size(rondel_udp udp);

/** How many datagrams wait to be sent. Loop thread only. */
int64_t rondel_udp_send_queue_count(rondel_udp udp);

/** Allows sending to broadcast addresses (on), or does not, as from the start. Loop thread only. */
int64_t rondel_udp_broadcast(rondel_udp udp, int on);

/** How many routers a datagram may pass, 1 to 255. `RONDEL_EINVAL` for others. Loop thread only. */
int64_t rondel_udp_ttl(rondel_udp udp, int ttl);

/**
 * The traffic class of what is sent, 0 to 255: six bits for the kind of service, two for congestion (RFC 2474, RFC 3168).
 * `RONDEL_EINVAL` for others. Loop thread only.
 */
int64_t rondel_udp_traffic_class(rondel_udp udp,
                                 int class_);

/**
 * Reads a numeric address, of IPv6 with its scope if it has one ("fe80::1%eth0"), and puts a port to it.
 *
 * `RONDEL_EINVAL` for NULL or a port outside 0 to 65535, `RONDEL_EAI_NONAME` for anything but a numeric address. Any
 * thread.
 */
int64_t rondel_address_parse(const char *text, int port, rondel_address *out);

/** @} */

/**
 * @defgroup rondel_udp_multicast Multicast: groups that are joined, and how datagrams for groups are sent
 * @{
 */

/**
 * Joins a group (multicast): what is sent to it is received from now on.
 *
 * `interface`: where to join, by name ("eth0", as `rondel_interfaces` tells it) or, for an IPv4 group, by one of its IPv4
 * addresses; NULL: the system's choice. `source`: receives from this address only, in the manner of RFC 4607; NULL:
 * from all. Several can be joined.
 * `RONDEL_EINVAL` for an address that is no group's, `RONDEL_EAI_NONAME` for one that is not numeric, `RONDEL_ENODEV` for an
 * interface that is not there, `RONDEL_EADDRINUSE` if it is joined there already. Loop thread only.
 */
int64_t rondel_udp_join(rondel_udp udp,
                        const char *group,
                        const char *interface,
                        const char *source);

/** Leaves a group that was joined with the same arguments. `RONDEL_EADDRNOTAVAIL` if it was not. Loop thread only. */
int64_t rondel_udp_leave(rondel_udp udp, const char *group, const char *interface, const char *source);

/** Where datagrams for groups leave: an interface as for `rondel_udp_join`. Loop thread only. */
int64_t rondel_udp_multicast_interface(rondel_udp udp, const char *interface);

/**
 * How many routers a datagram for a group may pass, 0 (none leaves this machine) to 255; at first 1. `RONDEL_EINVAL` for
 * others. Loop thread only.
 */
int64_t rondel_udp_multicast_ttl(rondel_udp udp,
                                 int ttl);

/** Whether this machine's own members of a group get what the socket sends to it; at first they do. Loop thread only. */
int64_t rondel_udp_multicast_loop(rondel_udp udp, int on);

/** @} */

/**
 * @defgroup rondel_udp_path Datagrams between processes of one machine, by path or abstract name
 * @{
 */

/**
 * Binds a datagram socket of this machine to a path or abstract name, as `rondel_pipe_connect` has them ("@" alone is any
 * free name); NULL: it has none and can only send.
 *
 * The handle is used as one of UDP; the other sides are named by `rondel_udp_send_path`, `rondel_udp_sender_path` and
 * `rondel_udp_set_peer_path`. Datagrams arrive in order, and none is lost on the way (but see there, where a peer goes): a
 * peer that is full is waited for, and so is room in the socket's own send buffer, which what nobody has received yet takes
 * up. A datagram to a name that is full fails with `RONDEL_EAGAIN`, as the system does not tell when there is room.
 * Descriptors that are passed with one are closed (see `rondel_pipe_receive_fds`).
 *
 * The path becomes a file, which is removed when the handle is closed. `flags`: 0, or `RONDEL_UDP_REUSE_ADDRESS` to take
 * the place of a socket's file at which nobody receives. `RONDEL_EADDRINUSE`, `RONDEL_ENAMETOOLONG`… as for
 * `rondel_pipe_listen`, `RONDEL_EINVAL` for other flags. Windows has no such sockets, and refuses. Loop thread only.
 */
rondel_udp rondel_udp_bind_path(rondel_loop loop,
                                const char *name,
                                int32_t flags);

/**
 * As `rondel_udp_send`, from a socket of `rondel_udp_bind_path` to a path or abstract name (NULL: to its peer).
 *
 * The future fails with `RONDEL_ECONNREFUSED` or `RONDEL_ENOENT` if nobody receives there, `RONDEL_EPERM` if who does has
 * another peer, `RONDEL_EAGAIN` if it is full. `RONDEL_EAFNOSUPPORT` for a socket of the internet. Loop thread only.
 */
rondel_future rondel_udp_send_path(rondel_udp udp,
                                   const void *bytes,
                                   size_t length,
                                   const char *to,
                                   rondel_fn fn,
                                   void *user_data);

/**
 * Who sent a datagram of the batch that `rondel_datagram_fn` is being told: writes the name into `text` (may be NULL) of
 * `size` bytes, with a NUL, and gives its length; 0 for a sender without a name.
 *
 * Of a datagram that `rondel_udp_recv` received, `rondel_future_bytes` of its future is the sender's name.
 * `RONDEL_EINVAL` beyond the batch, `RONDEL_ENOBUFS` if there is no room, `RONDEL_EAFNOSUPPORT` for a socket of the
 * internet. Loop thread only.
 */
int64_t rondel_udp_sender_path(rondel_udp udp,
                               size_t index,
                               char *text,
                               size_t size);

/**
 * As `rondel_udp_set_peer`, for a socket of `rondel_udp_bind_path`: a path or abstract name, or NULL for none.
 *
 * What came until then is received as ever. That a peer has gone shows when something is sent to it: this, and what waits
 * behind it, fails with `RONDEL_ECONNREFUSED`, and the socket has no peer from then on, until it is given one again. Linux
 * drops at that moment what this peer had sent and nobody has received yet: who needs it receives before sending on.
 *
 * `RONDEL_ECONNREFUSED` or `RONDEL_ENOENT` if nobody receives there, `RONDEL_EPERM` if who does has another peer,
 * `RONDEL_EAFNOSUPPORT` for a socket of the internet. Loop thread only.
 */
int64_t rondel_udp_set_peer_path(rondel_udp udp,
                                 const char *name);

/** @} */

/**
 * @defgroup rondel_pipe Local sockets and pipes
 * @{
 */

/**
 * Connects to a local socket: the result is a pipe handle.
 *
 * `name` is a path, or an `@` and then an abstract name, which is no file's and which Linux alone has (a path that begins
 * with an `@` is written `./@`). `RONDEL_ENAMETOOLONG` for one that the system's addresses have no room for (107 bytes on
 * Linux, 103 on others): it is never cut short. `RONDEL_EINVAL` for NULL or an empty name, `RONDEL_EOPNOTSUPP` for an
 * abstract one where there are none.
 *
 * It fails with `RONDEL_ENOENT` if there is no such file, `RONDEL_ECONNREFUSED` if nobody listens there,
 * `RONDEL_EACCES`… as connect(2) has them. While as many connections wait as the listener allows it waits too: give it
 * a deadline. If nobody hears of the result (`fn` is NULL) the connection is closed. Loop thread only.
 */
rondel_future rondel_pipe_connect(rondel_loop loop,
                                  const char *name,
                                  rondel_fn fn,
                                  void *user_data);

/**
 * Listens at a local socket's path or abstract name, as `rondel_pipe_connect` has them; `@` alone is any free name, see
 * `rondel_local_addr`.
 *
 * `fn(server, peer, user_data)` for every connection: `peer` is a pipe handle, yours to close, or a negative code, such
 * as `RONDEL_EMFILE` when descriptors ran out; the server then goes on by itself when there are some. Without a
 * function `rondel_accept` takes the connections.
 *
 * The path becomes a file, which is removed when the handle is closed, unless another has taken its place meanwhile, or
 * it is a forked child that closes it. Who may connect is a matter of that file's permissions and its folder's: see
 * `rondel_pipe_mode`. A path where there is a file already is `RONDEL_EADDRINUSE`, also if it is a socket that a server
 * left behind when it crashed: see `rondel_pipe_replace`. Else `RONDEL_ENOENT`, `RONDEL_EACCES`… as bind(2) has them.
 * Loop thread only.
 */
rondel_pipe rondel_pipe_listen(rondel_loop loop, const char *name, rondel_fn on_accept, void *user_data);

/**
 * Makes a pipe handle to listen with step by step: `rondel_pipe_mode` and `rondel_pipe_replace` if they are wanted,
 * `rondel_pipe_bind`, `rondel_listen`. Loop thread only.
 */
rondel_pipe rondel_pipe_new(rondel_loop loop);

/**
 * Sets the permissions of the file that `rondel_pipe_bind` will make, as chmod(2) has them (0600, say); else they follow
 * the process's umask. They hold before anybody can connect.
 *
 * `RONDEL_EINVAL` for other bits than 07777, or if the handle is bound already. An abstract name has no permissions, and
 * Windows none of this form: there the bind fails, with `RONDEL_EINVAL` and `RONDEL_EOPNOTSUPP`. Loop thread only.
 */
int64_t rondel_pipe_mode(rondel_pipe pipe,
                         int mode);

/**
 * Lets `rondel_pipe_bind` take the place of a socket's file at which nobody listens, as a server leaves it that has
 * crashed. (on, or 0: off, as from the start.) A socket at which somebody listens and any other file stay:
 * `RONDEL_EADDRINUSE`.
 *
 * Whether anybody listens is found out by connecting. A server that is bound and does not listen yet cannot be told
 * from one that is gone: two that start at the same moment need a lock of their own. `RONDEL_EINVAL` if the handle is
 * bound already. Loop thread only.
 */
int64_t rondel_pipe_replace(rondel_pipe pipe, int on);

/**
 * Binds a handle of `rondel_pipe_new` to a path or abstract name, with errors as for `rondel_pipe_listen`;
 * `RONDEL_EINVAL` if it is bound already. Loop thread only.
 */
int64_t rondel_pipe_bind(rondel_pipe pipe, const char *name);

/**
 * Who is at the other end of a connected local socket: process, user and group, each where the pointer is not NULL, as
 * they were when the connection was made (listening, for the side that connected). -1 for what the system does not tell:
 * Windows tells the process alone, some BSDs do not.
 *
 * A process may have ended since, and its number be another's. `RONDEL_ENOTCONN` if it is not connected,
 * `RONDEL_ENOTSOCK` for ends of pipes. Loop thread only.
 */
int64_t rondel_pipe_peer_credentials(rondel_pipe pipe,
                                     int64_t *process,
                                     int64_t *user,
                                     int64_t *group);

/**
 * Takes over a descriptor of yours that carries bytes on this machine: a connected or listening Unix stream socket, an
 * end of a pipe or FIFO, or a device such as a terminal. It is the handle's to close.
 *
 * A handle that is open one way only refuses the other with `RONDEL_EBADF`. `rondel_shutdown` of a pipe's write end
 * closes it, which is how its reader hears of the end; where there is neither a socket nor a write end alone it is
 * refused with `RONDEL_EOPNOTSUPP`. A FIFO that nobody has opened for writing yet is waited at, not at its end.
 *
 * It does not block any more, and neither does it for other processes that got it from the same open(2) or pipe(2), as
 * with standard input and output that were inherited: programs that share them may be surprised. When the handle of a
 * descriptor 0, 1 or 2 is closed, /dev/null stands there from then on, lest the next file to be opened be taken for it.
 *
 * `RONDEL_EBADF`, `RONDEL_EPROTOTYPE` for files and sockets that are no streams, `RONDEL_EAFNOSUPPORT` for sockets of
 * other families (see `rondel_tcp_open`), `RONDEL_ENOTCONN`, `RONDEL_EPERM` for devices that cannot be waited for,
 * `RONDEL_EEXIST` if a handle of this loop has it already: it is then still yours, unchanged. On Windows there are
 * sockets only, and those of `rondel_pipe_pair` are connected over loopback. Loop thread only.
 */
rondel_pipe rondel_pipe_open(rondel_loop loop, int64_t fd);

/**
 * Makes two handles of this loop that are each other's other end, and puts them into `out`, which has room for two.
 *
 * `how`: `RONDEL_PIPE_BOTH_WAYS`, or `RONDEL_PIPE_ONE_WAY`: `out[0]` reads what `out[1]` writes. 0 or `RONDEL_EINVAL` for
 * another `how` or NULL, `RONDEL_EMFILE`… On failure nothing is put. A child process gets an end by `RONDEL_STDIO_STREAM`.
 * Loop thread only.
 */
int64_t rondel_pipe_pair(rondel_loop loop,
                         int how,
                         rondel_pipe *out);

/** @} */

/**
 * @defgroup rondel_passing Passing descriptors to other processes
 * @{
 */

/**
 * Writes bytes to a local socket, and passes the descriptors behind `count` handles of this loop along with the first of
 * them: streams, listeners, files, whatever has a descriptor. The result is `length`.
 *
 * The peer gets descriptors of its own, of the same sockets and files; the handles stay as they are, and yours to
 * close. They may be closed as soon as this returns. It leaves in its turn among other writes. Of a stream only what the
 * system holds goes along: `RONDEL_EBUSY` if bytes of it were received and not read here, also by a read that
 * waits for more.
 *
 * `RONDEL_EINVAL` without a byte to go with them, for more than 253 at once, or NULL where something is needed;
 * `RONDEL_ENOTCONN` for a handle that has no descriptor yet, `RONDEL_ENOTSOCK` for ends of pipes, `RONDEL_EMFILE` if they
 * must wait and no duplicates can be had, `RONDEL_ETOOMANYREFS` if too many are on their way already; on Windows
 * `RONDEL_EOPNOTSUPP`. Else as `rondel_write`. Loop thread only.
 */
rondel_future rondel_pipe_send_handles(rondel_pipe pipe,
                                       const void *bytes,
                                       size_t length,
                                       const rondel_handle *handles,
                                       size_t count,
                                       rondel_fn fn,
                                       void *user_data);

/** As `rondel_pipe_send_handles`, of descriptors of yours. `RONDEL_EBADF` if one is none. Loop thread only. */
rondel_future rondel_pipe_send_fds(rondel_pipe pipe,
                                   const void *bytes,
                                   size_t length,
                                   const int64_t *fds,
                                   size_t count,
                                   rondel_fn fn,
                                   void *user_data);

/**
 * Takes in the descriptors that the peer of a local socket passes from now on, so many waiting to be taken at most.
 *
 * Without this (and with a limit of 0, which also closes those that wait) the system closes what comes. Descriptors
 * come with the first byte of the write they were sent with: when a read function is told of that byte, or a read of it
 * completes, `rondel_pipe_take_handle` and `rondel_pipe_take_fd` have them. Those that nobody takes are closed with the
 * handle. A peer that you do not trust may pass anything: look at what you take.
 *
 * `RONDEL_EINVAL` for a negative limit, `RONDEL_ENOTCONN`, `RONDEL_ENOTSOCK` for ends of pipes, on Windows
 * `RONDEL_EOPNOTSUPP`. Loop thread only.
 */
int64_t rondel_pipe_receive_fds(rondel_pipe pipe, int64_t limit);

/**
 * Takes the next descriptor that the peer has passed: it is yours to use and to close, and children do not inherit it.
 *
 * `RONDEL_EAGAIN` if none waits. `RONDEL_EMSGSIZE` once where some are missing, because more came than the limit allows or
 * this process had no room for more descriptors; errors else as for `rondel_pipe_receive_fds`. Loop thread only.
 */
int64_t rondel_pipe_take_fd(rondel_pipe pipe);

/**
 * As `rondel_pipe_take_fd`, as a handle of this loop: whatever `rondel_tcp_open`, `rondel_udp_open`, `rondel_pipe_open` or
 * else `rondel_file_open_fd` makes of it; `rondel_kind` tells which.
 *
 * Errors also as those have them: the descriptor then waits on, for `rondel_pipe_take_fd`. Loop thread only.
 */
rondel_handle rondel_pipe_take_handle(rondel_pipe pipe);

/** @} */

/**
 * @defgroup rondel_tty Terminals
 * @{
 */

/** `rondel_kind`: a terminal. */
#define RONDEL_KIND_TTY INT64_C(12)
/** `rondel_tty_mode`: as it was found. */
#define RONDEL_TTY_NORMAL 0
/** `rondel_tty_mode`: each key comes at once, and is not shown; Ctrl-C and its kin are signals as before. */
#define RONDEL_TTY_CBREAK 1
/** `rondel_tty_mode`: each key comes at once, also Ctrl-C, and is not shown; what is written is made into lines as before. */
#define RONDEL_TTY_RAW 2
/** `rondel_tty_mode`: as raw, and what is written leaves as it is: for bytes that are no text. */
#define RONDEL_TTY_BINARY 3

/** A terminal. */
typedef int64_t rondel_tty;

/**
 * Opens the terminal that `fd` leads to, as a stream: standard input, say, to read keys as they come.
 *
 * It is opened anew, the same ways as `fd` is, and does not block; `fd` stays yours and blocks as before, as it does for
 * the shell that it was inherited from. (The other side of a pseudo-terminal, which cannot be opened anew, is duplicated:
 * that one does not block any more, and it is at its end, `RONDEL_EOF`, when nobody has the terminal open any more.) The end
 * of what is typed (Ctrl-D) is the end of the stream.
 *
 * `RONDEL_EBADF`, `RONDEL_ENOTTY` if it is no terminal, `RONDEL_EACCES` and others if it may not be opened; `rondel_pipe_open`
 * takes a descriptor as it is. `RONDEL_ENOSYS` on Windows. Loop thread only.
 */
rondel_tty rondel_tty_open(rondel_loop loop,
                           int64_t fd);

/**
 * Sets the mode of the terminal: `RONDEL_TTY_NORMAL` as it was found, `RONDEL_TTY_CBREAK`, `_RAW` or `_BINARY`.
 *
 * The terminal is given back as it was found when the handle is closed or its loop is freed (with several handles: the
 * last one that changed it); by exit(3); and when a signal kills the process: as long as the mode is not normal, Rondel
 * handles the signals that would, as far as nobody else does, and then lets them. A program with handlers of its own for
 * such signals calls `rondel_tty_reset` there. A child after a fork gives nothing back.
 *
 * A shell that stops a program (Ctrl-Z, SIGSTOP) sets its own mode; set yours again on SIGCONT.
 *
 * `RONDEL_EINVAL` for another mode, `RONDEL_EIO` if the terminal is gone. Loop thread only.
 */
int64_t rondel_tty_mode(rondel_tty tty,
                        int32_t mode);

/**
 * Gives every terminal whose mode this process has changed back as it was found, whatever happens next. 0.
 *
 * Any thread, and any signal handler.
 */
int64_t rondel_tty_reset(void);

/**
 * Puts the size of the terminal's window, in characters, into `columns` and `rows`, each of which may be NULL. A terminal
 * that does not know has 0.
 *
 * 0, or `RONDEL_EIO` if the terminal is gone. Loop thread only.
 */
int64_t rondel_tty_size(rondel_tty tty,
                        int32_t *columns,
                        int32_t *rows);

/**
 * Has `fn(tty, 0, user_data)` called when the window has got another size; NULL: no more. `rondel_tty_size` tells which.
 *
 * The system says so (by SIGWINCH) to programs that the terminal controls, and to those in its foreground only. This does
 * not keep the loop alive. Errors as for `rondel_signal_start` and `rondel_tty_size`. Loop thread only.
 */
int64_t rondel_tty_on_resize(rondel_tty tty,
                             rondel_fn fn,
                             void *user_data);

/**
 * What a descriptor is, as the kind of the handle that can be made of it: `RONDEL_KIND_TTY` for a terminal,
 * `RONDEL_KIND_TCP`, `RONDEL_KIND_UDP`, `RONDEL_KIND_PIPE` for a Unix stream socket, pipe or FIFO, `RONDEL_KIND_FILE` for a
 * file; 0 for anything else.
 *
 * `RONDEL_EBADF` if it is not open; on Windows `RONDEL_ENOTSOCK` for what is no socket. Any thread.
 */
int64_t rondel_fd_kind(int64_t fd);

/** @} */

/**
 * @defgroup rondel_fd_watch Descriptors of others: for libraries that bring their own sockets
 * @{
 */

/**
 * Watches a descriptor (on Windows a socket) that stays yours: `events` is what for, `RONDEL_READABLE`,
 * `RONDEL_WRITABLE`, `RONDEL_DISCONNECT`, `RONDEL_PRIORITY`, or several of them; 0 for nothing yet.
 *
 * `fn(watch, events, user_data)` is told those that are so, in every turn as long as they are (it is level-triggered).
 * An error or a hang-up makes all that is asked for so, and the next read or write tells it; it comes as
 * `RONDEL_DISCONNECT` if nothing but `RONDEL_PRIORITY` was asked for. The descriptor is not read, written, made
 * non-blocking or closed here. `RONDEL_DISCONNECT` and `RONDEL_PRIORITY` are told where the system tells them: Linux, and
 * Windows, where only a reset is a disconnect.
 *
 * Close the watch before the descriptor. One that was closed first is found out, at the latest before the loop next waits
 * (a little later if there are many), and `fn` is told `RONDEL_EBADF`, once; the watch is then good for nothing but
 * `rondel_close`. On Linux that is so also when the number has become another file's, or the file lives on in a duplicate.
 *
 * Fails with `RONDEL_EEXIST` if this loop watches the descriptor already (ask for more with `rondel_fd_watch_set`), or a
 * stream, socket or file of this loop has it; with `RONDEL_EPERM` for what cannot be waited for, such as a regular file,
 * which is always ready; `RONDEL_EBADF` for no open descriptor, `RONDEL_EINVAL` for other events or without a function.
 * Loop thread only.
 */
rondel_watch rondel_fd_watch(rondel_loop loop,
                             int64_t fd,
                             int32_t events,
                             rondel_fn fn,
                             void *user_data);

/**
 * Watches for other events from now on; 0 for none until the next call: the watch then does not keep the loop alive.
 *
 * `RONDEL_EBADF` if the descriptor was closed meanwhile, `RONDEL_EEXIST` if the watch had paused and another handle has
 * the descriptor now, `RONDEL_EINVAL` for other events. Loop thread only.
 */
int64_t rondel_fd_watch_set(rondel_watch watch, int32_t events);

/** @} */

/**
 * @defgroup rondel_resolve Name look-ups
 * @{
 */

/** `rondel_resolve`: IPv4 addresses; only those, unless `RONDEL_RESOLVE_IPV6` is given too. With neither both come. */
#define RONDEL_RESOLVE_IPV4 1
/** `rondel_resolve`: IPv6 addresses; only those, unless `RONDEL_RESOLVE_IPV4` is given too. */
#define RONDEL_RESOLVE_IPV6 2
/** `rondel_resolve`: the host is a numeric address; no name server is asked. */
#define RONDEL_RESOLVE_NUMERIC 4
/** `rondel_resolve`: addresses to bind to; a host of NULL is every interface. */
#define RONDEL_RESOLVE_PASSIVE 8
/** `rondel_resolve`: only families of which this machine has an address itself. */
#define RONDEL_RESOLVE_CONFIGURED 16
/** `rondel_resolve`: also the canonical name of the host, for `rondel_resolve_host`. */
#define RONDEL_RESOLVE_CANONICAL 32
/** `rondel_resolve`: the service is one of datagrams (UDP), not of streams. */
#define RONDEL_RESOLVE_DATAGRAM 64
/** `rondel_resolve_name`: the host as a numeric address; no name server is asked. */
#define RONDEL_NAME_NUMERIC_HOST 1
/** `rondel_resolve_name`: the service as a number. */
#define RONDEL_NAME_NUMERIC_SERVICE 2
/** `rondel_resolve_name`: a host that has no name is an error, `RONDEL_EAI_NONAME`. */
#define RONDEL_NAME_REQUIRED 4
/** `rondel_resolve_name`: the service is one of datagrams (UDP), not of streams. */
#define RONDEL_NAME_DATAGRAM 8
/** `rondel_resolve_name`: of a host in this machine's own domain, only the first part of the name. */
#define RONDEL_NAME_LOCAL 16

/**
 * Looks up the addresses of a host, of a service ("http", "80"), or of both: the result is how many there are, best
 * first; `rondel_resolve_addr` gives them.
 *
 * It runs on the worker pool, apart from other work; what nobody need be asked for (a numeric host, none at all) is
 * answered without. "localhost" and the names below it are this machine. `flags`: any of `RONDEL_RESOLVE_`. Failed
 * look-ups have the codes `RONDEL_EAI_`. Cancelled, it completes at once. `RONDEL_EINVAL` if both are NULL, one is empty
 * or too long, or for other flags. See getaddrinfo(3). Loop thread only.
 */
rondel_future rondel_resolve(rondel_loop loop,
                             const char *host,
                             const char *service,
                             int32_t flags,
                             rondel_fn fn,
                             void *user_data);

/**
 * Looks up the names of an address and of its port: the result is 0; `rondel_resolve_host` and `rondel_resolve_service`
 * give them. What has no name is told by number.
 *
 * As `rondel_resolve`, it runs on the worker pool, unless both are to be numbers, and completes at once when it is
 * cancelled. `flags`: any of `RONDEL_NAME_`. `RONDEL_EINVAL` for NULL, an address that makes no sense, other flags, or
 * a name that is both required and to be a number. See getnameinfo(3). Loop thread only.
 */
rondel_future rondel_resolve_name(rondel_loop loop,
                                  const rondel_address *address,
                                  int32_t flags,
                                  rondel_fn fn,
                                  void *user_data);

/**
 * One of the addresses that a look-up found, counted from 0. The future must still live: in its callback, or kept.
 *
 * `RONDEL_EINVAL` beyond the last one or for NULL, `RONDEL_EAGAIN` while it is pending, `RONDEL_EKIND` for the future of
 * another operation. Loop thread only.
 */
int64_t rondel_resolve_addr(rondel_future future,
                            size_t index,
                            rondel_address *out);

/**
 * Writes the name of the host that `rondel_resolve_name` found, or the canonical one that `rondel_resolve` was asked
 * for, to `text` (which may be NULL), and gives its length without its NUL: at most 1024. The future must still live.
 *
 * `RONDEL_ENOBUFS` if `size` is too small, `RONDEL_EINVAL` if there is no such name; else as `rondel_resolve_addr`.
 * Loop thread only.
 */
int64_t rondel_resolve_host(rondel_future future, char *text, size_t size);

/** As `rondel_resolve_host`, of the service that `rondel_resolve_name` found: at most 31 bytes. Loop thread only. */
int64_t rondel_resolve_service(rondel_future future, char *text, size_t size);

/**
 * Writes an address without its port as text, and gives the length without its NUL. `text` may be NULL.
 *
 * `RONDEL_ENOBUFS` if `size` is too small, `RONDEL_EINVAL` for NULL or a family that is neither 4 nor 6. Any thread.
 */
int64_t rondel_address_text(const rondel_address *address, char *text, size_t size);

/** @} */

/**
 * @defgroup rondel_interface Network interfaces
 * @{
 */

/** An interface: it is switched on. */
#define RONDEL_INTERFACE_UP 1
/** An interface: it is switched on and connected, so that something can be sent. */
#define RONDEL_INTERFACE_RUNNING 2
/** An interface: what is sent comes back to this machine. */
#define RONDEL_INTERFACE_LOOPBACK 4
/** An interface: it can send to all in a network at once. */
#define RONDEL_INTERFACE_BROADCAST 8
/** An interface: it leads to one other machine. */
#define RONDEL_INTERFACE_POINT_TO_POINT 16
/** An interface: it can send to groups. */
#define RONDEL_INTERFACE_MULTICAST 32

/** A network interface of this machine. Set `size`; `rondel_interface_at` fills in the rest. */
typedef struct rondel_interface {
    /** `sizeof(rondel_interface)`. */
    size_t size;
    /** Its name ("eth0", "Ethernet 2"), which belongs to the future. */
    const char *name;
    /** Its number, which is the scope of link-local addresses, and may be written after their `%`. */
    uint32_t index;
    /** Any of `RONDEL_INTERFACE_`. */
    uint32_t flags;
    /** How many bytes it sends in one piece at most; 0 where that is not known or has no limit. */
    uint32_t mtu;
    /** How many bytes `hardware` has: mostly 6, or 0 if it has no such address. */
    uint32_t hardware_length;
    /** The hardware address. */
    uint8_t hardware[32];
    /** How many addresses it has; `rondel_interface_address_at` gives them. */
    size_t addresses;
} rondel_interface;

/** An address of an interface. Set `size`; `rondel_interface_address_at` fills in the rest. */
typedef struct rondel_interface_address {
    /** `sizeof(rondel_interface_address)`. */
    size_t size;
    /** The address, with a port of 0. A link-local one has its scope. */
    rondel_address address;
    /** How many bits of it all addresses in its network have in common: 24 is a netmask of 255.255.255.0. */
    uint32_t prefix;
    /** The address of all in its network; a `family` of 0 if there is none. */
    rondel_address broadcast;
    /** The address at the other end of a point-to-point link; a `family` of 0 if there is none. */
    rondel_address peer;
} rondel_interface_address;

/**
 * Looks at the network interfaces of this machine: the result is how many there are, and `rondel_interface_at` gives
 * them, in the order of their numbers. All are there, also those that are switched off and those without an address.
 *
 * It runs on the worker pool, in the lane for files, since it takes a while on a machine with thousands of them. It
 * tells what is so at the moment. See getifaddrs(3), GetAdaptersAddresses on Windows; Android tells apps of neither
 * hardware addresses nor interfaces without an address. Loop thread only.
 */
rondel_future rondel_interfaces(rondel_loop loop, rondel_fn fn, void *user_data);

/**
 * One of the interfaces that `rondel_interfaces` found, counted from 0. The future must still live: in its callback, or
 * kept. What is beyond the struct of this version, if `out->size` says so, is filled with zeros.
 *
 * `RONDEL_EINVAL` beyond the last one, for NULL, or for a size too small; `RONDEL_EAGAIN` while it is pending,
 * `RONDEL_EKIND` for the future of another operation. Loop thread only.
 */
int64_t rondel_interface_at(rondel_future future, size_t index, struct rondel_interface *out);

/**
 * One of the addresses of an interface that `rondel_interfaces` found, `which` counted from 0; else as
 * `rondel_interface_at`. Loop thread only.
 */
int64_t rondel_interface_address_at(rondel_future future,
                                    size_t index,
                                    size_t which,
                                    struct rondel_interface_address *out);

/**
 * The number of the interface of this name; on Windows the name may be a number, too. `RONDEL_ENODEV` if there is none,
 * `RONDEL_EINVAL` for NULL or an empty name. See if_nametoindex(3). Any thread.
 */
int64_t rondel_interface_index(const char *name);

/**
 * Writes the name of the interface of this number to `text` (which may be NULL), and gives its length without its NUL.
 *
 * `RONDEL_ENODEV` if there is none, `RONDEL_ENOBUFS` if `size` is too small (on Unix 16 always do, on Windows 1024),
 * `RONDEL_EINVAL` for what is no number of an interface. See if_indextoname(3). Any thread.
 */
int64_t rondel_interface_name(int64_t index, char *text, size_t size);

/** @} */

/**
 * @defgroup rondel_pool Work on other threads
 * @{
 */

/** A lane of the pool: `rondel_work`. */
#define RONDEL_POOL_WORK 0
/** A lane of the pool: file operations, and what else the system is asked for: its interfaces, random bytes. */
#define RONDEL_POOL_FILES 1
/** A lane of the pool: name look-ups. */
#define RONDEL_POOL_NAMES 2
/** `rondel_pool_metric`: threads there are. */
#define RONDEL_POOL_THREADS 0
/** `rondel_pool_metric`: threads that have nothing to do. */
#define RONDEL_POOL_IDLE 1
/** `rondel_pool_metric`: jobs that wait for a thread. */
#define RONDEL_POOL_QUEUED 2
/** `rondel_pool_metric`: jobs done so far. */
#define RONDEL_POOL_DONE 3
/** `rondel_pool_metric`: how many nanoseconds the job that began last had waited for a thread. */
#define RONDEL_POOL_WAIT_LAST 4
/** `rondel_pool_metric`: how long all jobs so far had waited, taken together. */
#define RONDEL_POOL_WAIT_TOTAL 5
/** `rondel_pool_metric`: the longest that any job had waited. */
#define RONDEL_POOL_WAIT_MAX 6

/**
 * Runs `work(arg)` on a thread of the worker pool: the result is what it returns.
 *
 * Cancelled or timed out before it begins, it never runs. Once it runs it completes when it returns, and only then, so
 * `arg` can be freed when the completion is told; cancelled meanwhile, it completes with `RONDEL_ECANCELED` whatever it
 * returns. `RONDEL_EINVAL` without a function, `RONDEL_EAGAIN` if no thread can be started. Loop thread only.
 */
rondel_future rondel_work(rondel_loop loop, rondel_task_fn work, void *arg, rondel_fn fn, void *user_data);

/**
 * Inside the function of `rondel_work`: 1 if it was cancelled, timed out, or its loop is being freed, so that it may
 * return early; else 0. `RONDEL_ESTATE` outside. Any thread.
 */
int64_t rondel_work_cancelled(void);

/** As `rondel_pool_lane_size`, of the lane that runs `rondel_work`. Any thread. */
int64_t rondel_pool_size(int64_t threads);

/**
 * Sets how many threads a lane of the pool has at most, 1 to 1024, and gives what is in force; 0 only asks.
 *
 * The pool serves every loop of the process. Each kind of work has a lane, `RONDEL_POOL_WORK`, `_FILES` or `_NAMES`,
 * with threads of its own, so that none can hold up another. From the start the limit is the number of processors, but
 * at least 4; for names it is 16, since look-ups wait for others. Threads start as they are needed, and leave when there are
 * too many or when they had nothing to do for ten seconds.
 *
 * `RONDEL_EINVAL` for another lane or number. Any thread.
 */
int64_t rondel_pool_lane_size(int32_t lane,
                              int64_t threads);

/**
 * What a lane of the pool has and does at this moment: one of `RONDEL_POOL_THREADS` and so on.
 *
 * `RONDEL_EINVAL` for another lane or metric. Any thread.
 */
int64_t rondel_pool_metric(int32_t lane, int32_t which);

/** @} */

/**
 * @defgroup rondel_random Random bytes
 * @{
 */

/**
 * Fills memory with random bytes from the system, fit for keys: the result is 0.
 *
 * It runs on the worker pool, in the lane for files: soon after a machine was started the system may have to wait until
 * it has gathered enough to begin with, and very many bytes take a while. The memory is Rondel's until it completes,
 * also if it is cancelled; what is in it then, or after an error, is not random. `RONDEL_EINVAL` for NULL where there
 * are to be bytes, or an impossible length; any other length is possible, 0 too. See getrandom(2). Loop thread only.
 */
rondel_future rondel_random(rondel_loop loop, void *bytes, size_t length, rondel_fn fn, void *user_data);

/** As `rondel_random`, but at once, on the thread that calls: 0. For a few bytes that is quicker. Any thread. */
int64_t rondel_random_fill(void *bytes, size_t length);

/** @} */

/**
 * @defgroup rondel_signal Signals
 * @{
 */

/**
 * Has `fn(signal, signum, user_data)` called on the loop each time the process gets the signal; several that come before
 * the loop looks are told as one.
 *
 * Any number of watchers and loops may watch the same signal. While any does, Rondel's handler stands in the place of
 * the one that was there before, which comes back when the last watcher is closed; a handler that the program installs
 * meanwhile stays. `RONDEL_EINVAL` for a number that is no signal, SIGKILL and SIGSTOP, the faults SIGSEGV, SIGBUS, SIGFPE
 * and SIGILL, or without a function; on Windows there are SIGINT (Ctrl-C) and SIGBREAK. Loop thread only.
 */
rondel_signal rondel_signal_start(rondel_loop loop,
                                  int32_t signum,
                                  rondel_fn fn,
                                  void *user_data);

/**
 * Waits for the next time that the process gets the signal: the result is its number.
 *
 * So a task can wait for one, with a deadline, or together with other things. One that comes while nobody waits for it or
 * watches it does what it would without Rondel: keep a `rondel_signal_start` if that must not be. Handlers and refused
 * numbers are as there. Loop thread only.
 */
rondel_future rondel_signal_wait(rondel_loop loop,
                                 int32_t signum,
                                 rondel_fn fn,
                                 void *user_data);

/** @} */

/**
 * @defgroup rondel_file Open files
 * @{
 */

/** `rondel_kind`: an open file. */
#define RONDEL_KIND_FILE INT64_C(13)
/** `rondel_file_open`: to read from. */
#define RONDEL_OPEN_READ 1
/** `rondel_file_open`: to write to. */
#define RONDEL_OPEN_WRITE 2
/** `rondel_file_open`: to write to, always at the end. */
#define RONDEL_OPEN_APPEND 4
/** `rondel_file_open`: make it if it is not there. */
#define RONDEL_OPEN_CREATE 8
/** `rondel_file_open`: with `RONDEL_OPEN_CREATE`, fail with `RONDEL_EEXIST` if it is there. */
#define RONDEL_OPEN_EXCLUSIVE 16
/** `rondel_file_open`: empty it first. */
#define RONDEL_OPEN_TRUNCATE 32
/** `rondel_file_open`: fail with `RONDEL_ELOOP` if the last part of the path is a symbolic link. */
#define RONDEL_OPEN_NOFOLLOW 64
/** `rondel_file_open`: fail with `RONDEL_ENOTDIR` if it is no folder. */
#define RONDEL_OPEN_FOLDER 128
/** `rondel_file_open`: each write completes when it is on the disk. */
#define RONDEL_OPEN_SYNC 256
/** In the place of an offset: the file's own position, which moves with what is read or written there. */
#define RONDEL_POSITION (-INT64_C(1))
/** `rondel_stat`, `rondel_dir_entry`: the system does not say, or it is something else. */
#define RONDEL_FILE_UNKNOWN INT64_C(0)
/** `rondel_stat`, `rondel_dir_entry`: a regular file. */
#define RONDEL_FILE_REGULAR INT64_C(1)
/** `rondel_stat`, `rondel_dir_entry`: a folder. */
#define RONDEL_FILE_FOLDER INT64_C(2)
/** `rondel_stat`, `rondel_dir_entry`: a symbolic link. */
#define RONDEL_FILE_LINK INT64_C(3)
/** `rondel_stat`, `rondel_dir_entry`: a fifo. */
#define RONDEL_FILE_FIFO INT64_C(4)
/** `rondel_stat`, `rondel_dir_entry`: a local socket. */
#define RONDEL_FILE_SOCKET INT64_C(5)
/** `rondel_stat`, `rondel_dir_entry`: a character device. */
#define RONDEL_FILE_CHARACTER INT64_C(6)
/** `rondel_stat`, `rondel_dir_entry`: a block device. */
#define RONDEL_FILE_BLOCK INT64_C(7)
/** In the place of a time: the present. */
#define RONDEL_TIME_NOW INT64_MAX
/** In the place of a time: leave it as it is; in a `rondel_stat`: not known. */
#define RONDEL_TIME_OMIT INT64_MIN

/** An open file. */
typedef int64_t rondel_file;

/** Room for some of the bytes of a read. */
typedef struct rondel_room {
    /** Where the first byte goes. */
    void *bytes;
    /** How many there is room for; not 0. */
    size_t length;
} rondel_room;

/**
 * What is known of a file. Times are in nanoseconds since 1970; those beyond the years 1678 to 2262 are the nearest
 * ones.
 */
typedef struct rondel_stat {
    /** Which `RONDEL_FILE_` it is. */
    int64_t type;
    /** Its type and permissions in the numbers of Unix; 07777 masks the permissions. */
    int64_t mode;
    /** Bytes. */
    int64_t size;
    /** When it was read last. */
    int64_t atime;
    /** When it was written last. */
    int64_t mtime;
    /** When what is said here of it changed last. */
    int64_t ctime;
    /** When it was made; `RONDEL_TIME_OMIT` where that is not known. */
    int64_t birthtime;
    /** The device it is on; with `ino` it names the file as long as it lives. */
    uint64_t dev;
    /** Its number on the device. */
    uint64_t ino;
    /** How many names it has. */
    uint64_t nlink;
    /** Its owner's number. */
    int64_t uid;
    /** Its group's number. */
    int64_t gid;
    /** The device that a device file stands for, else 0. */
    uint64_t rdev;
    /** The size of reads and writes that suits it. */
    int64_t blksize;
    /** What it takes on the device, in units of 512 bytes. */
    int64_t blocks;
    /** Zero, for what is to come. */
    uint64_t reserved[5];
} rondel_stat;

/**
 * Opens a file: the result is its handle. The path is copied; what opens it is never inherited by other programs.
 *
 * `flags`: any of `RONDEL_OPEN_`, at least one of READ, WRITE and APPEND. `mode`: the permissions of a file that is
 * made, less what umask(2) takes away. Where somebody has a lease on the file, see fcntl(2), it waits until the system has
 * broken that, or it is cancelled.
 *
 * What may keep one waiting for ever, as fifos, terminals and other devices do, and some files that the system makes up,
 * is not waited for (O_NONBLOCK). A fifo opens at once to read from, and fails with `RONDEL_ENXIO` to write to while
 * nobody reads. A read gives `RONDEL_EAGAIN` where nothing is there yet. A write of which not all fits tells how much of
 * it went, and the rest is yours to write again; `RONDEL_EAGAIN` if nothing did. To wait for such things, open(2) them
 * and give them to `rondel_pipe_open` or `rondel_tty_open`. Whoever else gets the descriptor, by dup(2) say, does not wait
 * either, but for programs that are given it when they are started: see `RONDEL_STDIO_FD`. On Windows all of it waits.
 *
 * As all that has to do with files, it runs on the worker pool; cancelled before it begins it never happens, and
 * afterwards it completes, with `RONDEL_ECANCELED`, when it has come back, be it that all of it has happened. A file that
 * nobody takes is closed. Refused with `RONDEL_EINVAL` for NULL, for other flags, for a mode beyond 07777, on Windows for
 * a path that is not UTF-8. Else the errors of open(2). Loop thread only.
 */
rondel_future rondel_file_open(rondel_loop loop,
                               const char *path,
                               int32_t flags,
                               int32_t mode,
                               rondel_fn fn,
                               void *user_data);

/**
 * Takes over an open descriptor (on Windows a file's HANDLE) and gives it a handle. It is used as it is.
 *
 * Reading from a pipe or a terminal, or writing to one, may block. Each operation on such a file keeps a thread of the
 * pool's lane for files until the system lets it go, and nothing can end it before: not a cancel, and `rondel_loop_free`
 * waits for it. Other files wait while all threads are kept so. `rondel_pipe_open` and `rondel_tty_open` are for those;
 * `rondel_pool_lane_size` says how many threads there are.
 *
 * When the handle of descriptor 0, 1 or 2 is closed, in whichever way, /dev/null stands there from then on, lest the
 * next file or socket to be opened be taken for standard input, output or error.
 *
 * `RONDEL_EBADF` if it is none, `RONDEL_EEXIST` if a handle of this loop has it already: it is then still yours. Loop
 * thread only.
 */
rondel_file rondel_file_open_fd(rondel_loop loop,
                                int64_t fd);

/**
 * Closes a file once everything that was started on it is done: the result is 0, or the error with which the system
 * closed it (closed it is in any case), as it may tell of writes that failed late. The descriptors 0, 1 and 2 lead to
 * /dev/null from then on.
 *
 * What `rondel_send_file` has still to send of it is not waited for: until that is over the descriptor stays open, and
 * the result tells nothing of its end.
 *
 * The handle is refused from now on, and its close notices come after this completes. `rondel_close` is for those who
 * do not care for the rest: it cancels what has not begun. Cancelling the future does not keep the file open. Loop
 * thread only.
 */
rondel_future rondel_file_close(rondel_file file, rondel_fn fn, void *user_data);

/**
 * Reads: the result is how many bytes came, at most `capacity`; 0 at the end of the file.
 *
 * `offset`: where, counted from the start; `RONDEL_POSITION`: where the last such read or write ended. Operations of
 * one file run side by side, except those at `RONDEL_POSITION` and the writes of a file that appends: they run one
 * after the other, in the order in which they were started. The memory is Rondel's until it completes, also if it is
 * cancelled. `RONDEL_EINVAL` for NULL, a capacity of 0 or another negative offset; else the errors of pread(2), such
 * as `RONDEL_EISDIR`. Loop thread only.
 */
rondel_future rondel_file_read(rondel_file file,
                               void *bytes,
                               size_t capacity,
                               int64_t offset,
                               rondel_fn fn,
                               void *user_data);

/**
 * As `rondel_file_read`, into several pieces of memory, one after the other. The array is copied.
 *
 * `RONDEL_EINVAL` if there is no piece, more than 1024, or one of them is NULL or of length 0. Loop thread only.
 */
rondel_future rondel_file_readv(rondel_file file,
                                const struct rondel_room *pieces,
                                size_t count,
                                int64_t offset,
                                rondel_fn fn,
                                void *user_data);

/**
 * Writes: the result is `length`, or an error; how much was written before it is then not told. Only of what has no room
 * for all of it at the moment, and does not wait, the result may be less: see `rondel_file_open`.
 *
 * `offset` as for `rondel_file_read`; a file that appends writes at its end whatever it is. The bytes are not copied:
 * they must stay as they are until it completes, also if it is cancelled. `RONDEL_EINVAL` for NULL, an impossible
 * length or another negative offset; else the errors of pwrite(2), such as `RONDEL_ENOSPC`. Loop thread only.
 */
rondel_future rondel_file_write(rondel_file file,
                                const void *bytes,
                                size_t length,
                                int64_t offset,
                                rondel_fn fn,
                                void *user_data);

/**
 * As `rondel_file_write`, of several pieces of memory, one after the other. The array is copied.
 *
 * `RONDEL_EINVAL` for more than 1024 pieces. Loop thread only.
 */
rondel_future rondel_file_writev(rondel_file file,
                                 const rondel_buffer *pieces,
                                 size_t count,
                                 int64_t offset,
                                 rondel_fn fn,
                                 void *user_data);

/**
 * Writes what is known of a file to `*out`, which is Rondel's until it completes. `RONDEL_EINVAL` for NULL. Loop
 * thread only.
 */
rondel_future rondel_file_fstat(rondel_file file, struct rondel_stat *out, rondel_fn fn, void *user_data);

/**
 * Cuts a file off at `length` bytes, or fills it up to there with zeros. `RONDEL_EINVAL` for a negative length. See
 * ftruncate(2). Loop thread only.
 */
rondel_future rondel_file_truncate(rondel_file file, int64_t length, rondel_fn fn, void *user_data);

/**
 * Completes when all that was written before it began is on the disk: of writes, those that had completed. See
 * fsync(2). Loop thread only.
 */
rondel_future rondel_file_sync(rondel_file file, rondel_fn fn, void *user_data);

/**
 * As `rondel_file_sync`, without what reading the bytes back does not need, such as times. See fdatasync(2). Loop
 * thread only.
 */
rondel_future rondel_file_datasync(rondel_file file, rondel_fn fn, void *user_data);

/** Sets a file's permissions. `RONDEL_EINVAL` for a mode beyond 07777. Loop thread only. */
rondel_future rondel_file_fchmod(rondel_file file, int32_t mode, rondel_fn fn, void *user_data);

/**
 * Sets a file's owner and group; -1 leaves one as it is. `RONDEL_EINVAL` for what is no number of one; on Windows
 * `RONDEL_ENOSYS`. Loop thread only.
 */
rondel_future rondel_file_fchown(rondel_file file, int64_t uid, int64_t gid, rondel_fn fn, void *user_data);

/**
 * Sets when a file was read and written last: nanoseconds since 1970, `RONDEL_TIME_NOW` or `RONDEL_TIME_OMIT`. Loop
 * thread only.
 */
rondel_future rondel_file_futime(rondel_file file, int64_t atime, int64_t mtime, rondel_fn fn, void *user_data);

/** @} */

/**
 * @defgroup rondel_file_path Files by their paths
 * @{
 */

/** `rondel_file_symlink`: it leads to a folder. */
#define RONDEL_SYMLINK_FOLDER 1
/** `rondel_file_access`: it may be executed; a folder may be gone through. */
#define RONDEL_ACCESS_EXECUTE 1
/** `rondel_file_access`: it may be written to. */
#define RONDEL_ACCESS_WRITE 2
/** `rondel_file_access`: it may be read. */
#define RONDEL_ACCESS_READ 4

/** What is known of a file system. What it does not count is 0. */
typedef struct rondel_statfs {
    /** Which kind it is, by the system's own number (Linux: statfs(2)); else 0. */
    uint64_t type;
    /** The size of its blocks. */
    uint64_t block_size;
    /** How many blocks it has. */
    uint64_t blocks;
    /** How many of them are free. */
    uint64_t blocks_free;
    /** How many of them this user may still use. */
    uint64_t blocks_available;
    /** How many files it can hold. */
    uint64_t files;
    /** How many more. */
    uint64_t files_free;
    /** How long a name can be. */
    uint64_t name_max;
    /** Zero, for what is to come. */
    uint64_t reserved[4];
} rondel_statfs;

/**
 * Writes what is known of the file at a path to `*out`, which is Rondel's until it completes; of a symbolic link, what
 * is known of the file it leads to.
 *
 * `RONDEL_EINVAL` for NULL; else the errors of stat(2), such as `RONDEL_ENOENT`. Loop thread only.
 */
rondel_future rondel_file_stat(rondel_loop loop, const char *path, rondel_stat *out, rondel_fn fn, void *user_data);

/** As `rondel_file_stat`, but of a symbolic link itself. Loop thread only. */
rondel_future rondel_file_lstat(rondel_loop loop, const char *path, rondel_stat *out, rondel_fn fn, void *user_data);

/**
 * Finds the absolute path of a file without symbolic links, "." and "..": the result is its length, and
 * `rondel_future_bytes` gives the path itself.
 *
 * The errors of realpath(3). Loop thread only.
 */
rondel_future rondel_file_realpath(rondel_loop loop, const char *path, rondel_fn fn, void *user_data);

/**
 * Finds where a symbolic link leads: the result is the length of that path, which `rondel_future_bytes` gives. See
 * readlink(2). Loop thread only.
 */
rondel_future rondel_file_readlink(rondel_loop loop, const char *path, rondel_fn fn, void *user_data);

/**
 * Removes a name of a file, and the file with its last name. `rondel_dir_remove` is for folders. See unlink(2). Loop
 * thread only.
 */
rondel_future rondel_file_unlink(rondel_loop loop, const char *path, rondel_fn fn, void *user_data);

/**
 * Gives a file or folder another name; a file that has that name is replaced, in one step. See rename(2). Loop thread
 * only.
 */
rondel_future rondel_file_rename(rondel_loop loop, const char *from, const char *to, rondel_fn fn, void *user_data);

/** Gives a file one more name. See link(2). Loop thread only. */
rondel_future rondel_file_link(rondel_loop loop, const char *from, const char *to, rondel_fn fn, void *user_data);

/**
 * Makes a symbolic link at `path` that leads to `target`, which need not be there and is kept as it stands.
 *
 * `flags`: 0, or `RONDEL_SYMLINK_FOLDER` if it leads to a folder, which only Windows wants to know. `RONDEL_EINVAL`
 * for others. See symlink(2). Loop thread only.
 */
rondel_future rondel_file_symlink(rondel_loop loop,
                                  const char *target,
                                  const char *path,
                                  int32_t flags,
                                  rondel_fn fn,
                                  void *user_data);

/**
 * Whether a program of this user may do something with the file: 0 if so, `RONDEL_EACCES` if not.
 *
 * `mode`: any of `RONDEL_ACCESS_`, or 0 for whether it is there. `RONDEL_EINVAL` for others. What is so now may be
 * otherwise a moment later: it is better to try, and see. See access(2). Loop thread only.
 */
rondel_future rondel_file_access(rondel_loop loop, const char *path, int32_t mode, rondel_fn fn, void *user_data);

/** Sets the permissions of the file at a path. `RONDEL_EINVAL` for a mode beyond 07777. See chmod(2). Loop thread only. */
rondel_future rondel_file_chmod(rondel_loop loop, const char *path, int32_t mode, rondel_fn fn, void *user_data);

/**
 * Sets the owner and group of the file at a path; -1 leaves one as it is.
 *
 * `RONDEL_EINVAL` for what is no number of one; on Windows it fails with `RONDEL_ENOSYS`. See chown(2). Loop thread
 * only.
 */
rondel_future rondel_file_chown(rondel_loop loop,
                                const char *path,
                                int64_t uid,
                                int64_t gid,
                                rondel_fn fn,
                                void *user_data);

/** As `rondel_file_chown`, but of a symbolic link itself. Loop thread only. */
rondel_future rondel_file_lchown(rondel_loop loop,
                                 const char *path,
                                 int64_t uid,
                                 int64_t gid,
                                 rondel_fn fn,
                                 void *user_data);

/**
 * Sets when the file at a path was read and written last: nanoseconds since 1970, `RONDEL_TIME_NOW` or
 * `RONDEL_TIME_OMIT`. See utimensat(2). Loop thread only.
 */
rondel_future rondel_file_utime(rondel_loop loop,
                                const char *path,
                                int64_t atime,
                                int64_t mtime,
                                rondel_fn fn,
                                void *user_data);

/** As `rondel_file_utime`, but of a symbolic link itself. Loop thread only. */
rondel_future rondel_file_lutime(rondel_loop loop,
                                 const char *path,
                                 int64_t atime,
                                 int64_t mtime,
                                 rondel_fn fn,
                                 void *user_data);

/**
 * Writes what is known of the file system that holds the file at a path to `*out`, which is Rondel's until it
 * completes.
 *
 * `RONDEL_EINVAL` for NULL; else the errors of statvfs(3). Loop thread only.
 */
rondel_future rondel_file_statfs(rondel_loop loop,
                                 const char *path,
                                 struct rondel_statfs *out,
                                 rondel_fn fn,
                                 void *user_data);

/** @} */

/**
 * @defgroup rondel_file_dir Folders and temporary files
 * @{
 */

/** A name in a folder. */
typedef struct rondel_dirent {
    /** The name, which belongs to the future. */
    const char *name;
    /** How long it is, without its NUL. */
    size_t length;
    /**
     * Which `RONDEL_FILE_` it is; `RONDEL_FILE_UNKNOWN` where the file system does not tell, so that one has to ask
     * `rondel_file_lstat`.
     */
    int64_t type;
} rondel_dirent;

/**
 * Makes a folder. `mode`: its permissions, less what umask(2) takes away. `RONDEL_EEXIST` if there is something. See
 * mkdir(2). Loop thread only.
 */
rondel_future rondel_dir_make(rondel_loop loop, const char *path, int32_t mode, rondel_fn fn, void *user_data);

/**
 * Makes a folder and those above it that are not there, all with the same permissions. 0 also if it is there. Loop
 * thread only.
 */
rondel_future rondel_dir_make_all(rondel_loop loop, const char *path, int32_t mode, rondel_fn fn, void *user_data);

/** Removes an empty folder. See rmdir(2). Loop thread only. */
rondel_future rondel_dir_remove(rondel_loop loop, const char *path, rondel_fn fn, void *user_data);

/**
 * Removes a folder with all that is in it. Symbolic links are removed, not followed. It stops at the first error.
 *
 * It stops as well when it is cancelled or its deadline is over, and completes then: what was removed before is gone,
 * the rest is left. On Windows it comes to a stop only between the names of the folder itself. Loop thread only.
 */
rondel_future rondel_dir_remove_all(rondel_loop loop, const char *path, rondel_fn fn, void *user_data);

/**
 * Looks what is in a folder: the result is how many names there are beside "." and "..", and `rondel_dir_entry` gives
 * them, in the order of their bytes. Loop thread only.
 */
rondel_future rondel_dir_scan(rondel_loop loop, const char *path, rondel_fn fn, void *user_data);

/**
 * Reads on in an open folder: the result is how many further names there are beside "." and "..", at most `most`, and
 * `rondel_dir_entry` gives them, in the folder's own order; 0 at the end, and from then on.
 *
 * `folder`: what `rondel_file_open` opened with `RONDEL_OPEN_READ` (and `RONDEL_OPEN_FOLDER`); to begin again, open it
 * again. Reads of one folder run one after the other, in the order of their starts. Each name that is there all the
 * time comes once; one that comes or goes meanwhile may come or not. The names that a cancelled read has found already
 * do not come again. On Unix it takes a second descriptor until it is at its end or closed. The child of a fork and
 * its parent share the system's place in the folder: each name comes in one of them or in both.
 *
 * Refused with `RONDEL_EINVAL` if `most` is not positive. `RONDEL_ENOTDIR` for a file that is no folder. Loop thread
 * only.
 */
rondel_future rondel_dir_read(rondel_file folder, int64_t most, rondel_fn fn, void *user_data);

/**
 * One of the names that `rondel_dir_scan` or `rondel_dir_read` found, counted from 0. It is valid as long as the
 * future: in its callback, or while it is kept.
 *
 * `RONDEL_EINVAL` beyond the last one or for NULL, `RONDEL_EAGAIN` while it is pending, `RONDEL_EKIND` for the future
 * of another operation. Loop thread only.
 */
int64_t rondel_dir_entry(rondel_future future, size_t index, struct rondel_dirent *out);

/**
 * Makes a folder under a new name, which nobody else may enter: `template` must end in "XXXXXX", and in their place
 * come letters and digits. The result is the length of its path, which `rondel_future_bytes` gives. If it is cancelled,
 * no folder is left. `RONDEL_EINVAL` for another template. See mkdtemp(3). Loop thread only.
 */
rondel_future rondel_dir_make_temp(rondel_loop loop, const char *template_, rondel_fn fn, void *user_data);

/**
 * Makes a file under a new name and opens it to read and write; nobody else may. The result is its handle, and
 * `rondel_future_bytes` gives its path. If it is cancelled, no file is left. The template is as for
 * `rondel_dir_make_temp`. See mkstemp(3). Loop thread only.
 */
rondel_future rondel_file_make_temp(rondel_loop loop, const char *template_, rondel_fn fn, void *user_data);

/** @} */

/**
 * @defgroup rondel_file_whole Whole files
 * @{
 */

/** `rondel_file_copy`: fail with `RONDEL_EEXIST` if there is something at the new path. */
#define RONDEL_COPY_EXCLUSIVE 1
/** `rondel_file_copy`: share the blocks, or fail where the file system cannot. */
#define RONDEL_COPY_CLONE 2

/**
 * Reads a whole file: the result is its length, and `rondel_future_bytes` gives the bytes, which belong to the future.
 *
 * It fails with `RONDEL_EFBIG` if there are more than `most` bytes; 0: any number. `RONDEL_EINVAL` if that is
 * negative, or for NULL; else the errors of open(2) and read(2), and `RONDEL_ENOMEM`. Of what one would have to wait for,
 * as of a fifo whose writer has not written all, it fails with `RONDEL_EAGAIN` (see `rondel_file_open`), and what was read
 * until then is gone. Loop thread only.
 */
rondel_future rondel_file_slurp(rondel_loop loop,
                                const char *path,
                                int64_t most,
                                rondel_fn fn,
                                void *user_data);

/**
 * Writes a whole file, in the place of the one that is there or of none: the result is `length`.
 *
 * Whoever looks sees all of the old file or all of the new one, after a crash of the machine too: the bytes go to a
 * temporary file in the same folder (its name begins with ".rondel-"), to the disk, and then under the path. Cancelled, it
 * leaves the old file untouched or, if that came too late, the new one, whole; and so if it fails, where the new one is
 * there only if the disk failed at the very end. The temporary file is gone then; only a program that is killed
 * meanwhile leaves it behind. A new file gets the permissions `mode`, less what umask(2) takes away; one that is replaced
 * keeps its own, and its owner if that is permitted, but not its further names. A symbolic link stays, and the file it
 * leads to is replaced.
 *
 * The bytes are not copied: they must stay as they are until it completes, also if it is cancelled. `RONDEL_EINVAL`
 * for NULL, an impossible length or a mode beyond 07777, and for what is neither a file nor a folder
 * (`RONDEL_EISDIR`). Loop thread only.
 */
rondel_future rondel_file_spew(rondel_loop loop,
                               const char *path,
                               const void *bytes,
                               size_t length,
                               int32_t mode,
                               rondel_fn fn,
                               void *user_data);

/**
 * Copies a file with its permissions: the result is how many bytes it had. A file that is there is written over.
 *
 * Where the file system can, both share their blocks until one is written to; else the bytes do not leave the kernel
 * where it can do that. `flags`: any of `RONDEL_COPY_`. If it fails, or is cancelled before it is complete, what it has
 * made is removed, and a file that was there before is incomplete; cancelled later, the copy is there, whole.
 * A device or a fifo may be copied to: a fifo fails with `RONDEL_EAGAIN` when it is full, with what it has room for in it.
 * `RONDEL_EINVAL` for other flags, for a file onto itself, and to copy from what is neither a file nor a folder
 * (`RONDEL_EISDIR`). Loop thread only.
 */
rondel_future rondel_file_copy(rondel_loop loop,
                               const char *from,
                               const char *to,
                               int32_t flags,
                               rondel_fn fn,
                               void *user_data);

/** @} */

/**
 * @defgroup rondel_send_file Files to streams
 * @{
 */

/**
 * Sends some of a file, `length` bytes from `offset` on, without a way through the program's memory where the system has
 * one; it takes its turn among the stream's writes. The result is how many bytes were sent: fewer than `length` if the
 * file ends before, or ended before while it was sent. `INT64_MAX` for a length is the rest of the file. A file that
 * says it is empty, as those of /proc do, is read to its end.
 *
 * The file may be closed at once. Waiting for a disk is done on the pool, in its lane for files. What is cancelled before
 * its first byte left is not sent; what has begun is sent whole, but completes with `RONDEL_ECANCELED`, as with
 * `rondel_write`: close the stream if that is too long. If the file cannot be read any more, or no thread be had to read
 * it (`RONDEL_EAGAIN`), it completes with the error, and what was written behind it follows all the same.
 *
 * `RONDEL_EINVAL` for a negative offset or length and for what is no regular file, `RONDEL_EISDIR`, `RONDEL_EBADF` (as the
 * result) for a file that is not open for reading, `RONDEL_EINVAL` for a file of another loop. Errors of the stream as for
 * `rondel_write`. Loop thread only.
 */
rondel_future rondel_send_file(rondel_stream stream,
                               rondel_file file,
                               int64_t offset,
                               int64_t length,
                               rondel_fn fn,
                               void *user_data);

/** @} */

/**
 * @defgroup rondel_process Child processes
 * @{
 */

/** `rondel_stdio`: what this process has under the same number. */
#define RONDEL_STDIO_INHERIT 0
/** `rondel_stdio`: the null device, which swallows everything and is empty. */
#define RONDEL_STDIO_NULL 1
/** `rondel_stdio`: nothing; the number is not open. */
#define RONDEL_STDIO_CLOSED 2

/**
 * `rondel_stdio`: a descriptor of yours, `fd`, which stays yours (on Windows a handle). The open file is shared, and with
 * it whether reads and writes block: those of a stream's descriptor do not (see `RONDEL_STDIO_STREAM`). Those of a file of
 * this loop that `rondel_file_open` opened do from then on, as programs expect (also with `RONDEL_STDIO_INHERIT`): the file
 * is then as one of `rondel_file_open_fd`. If no process could be started it stays as it was.
 */
#define RONDEL_STDIO_FD 3

/** `rondel_stdio`: the same as the lower number `other`, as `2>&1` in a shell. */
#define RONDEL_STDIO_SAME 4
/** `rondel_stdio`: a new pipe that the process reads from and you write to, by `rondel_process_stream`. */
#define RONDEL_STDIO_PIPE_IN 5
/** `rondel_stdio`: a new pipe that the process writes to and you read from. */
#define RONDEL_STDIO_PIPE_OUT 6
/** `rondel_stdio`: a new pair of sockets, for both ways. */
#define RONDEL_STDIO_PIPE_BOTH 7

/**
 * `rondel_stdio`: a stream of this loop, `fd`, goes over to the process: one that was accepted, an end of
 * `rondel_pipe_pair`, or what `rondel_process_stream` gives of another process, whose output is then this one's input.
 * There its reads and writes block, as programs expect, and here the handle is closed. If no process could be started it
 * stays as it was. `RONDEL_EBUSY` as for `rondel_detach`, `RONDEL_EOPNOTSUPP` on Windows.
 */
#define RONDEL_STDIO_STREAM 8

/** `rondel_process_options`: a new session, without a terminal, and so a new process group; on Windows no console. */
#define RONDEL_PROCESS_DETACHED 1
/** `rondel_process_options`: `process_group` counts. Not together with `RONDEL_PROCESS_DETACHED`. */
#define RONDEL_PROCESS_GROUP 2
/** `rondel_process_options`: `uid` counts. The further groups are dropped, if they can be and are not given. */
#define RONDEL_PROCESS_UID 4
/** `rondel_process_options`: `gid` counts. The further groups are dropped, if they can be and are not given. */
#define RONDEL_PROCESS_GID 8
/** `rondel_process_options`: `groups` counts. */
#define RONDEL_PROCESS_GROUPS 16
/** `rondel_process_options`: `umask` counts. */
#define RONDEL_PROCESS_UMASK 32
/** `rondel_process_options`: signals that are ignored or blocked here are so there; else none is. */
#define RONDEL_PROCESS_KEEP_SIGNALS 64
/** `rondel_process_options`: it also gets every descriptor beyond those of `stdio` that is not close-on-exec. */
#define RONDEL_PROCESS_KEEP_FDS 128
/** The status of a process that was ended by a signal is this and the signal. */
#define RONDEL_EXIT_SIGNAL INT64_C(4294967296)

/** What a process is to have under one descriptor number. */
typedef struct rondel_stdio {
    /** One of `RONDEL_STDIO_`. */
    int32_t kind;
    /** With `RONDEL_STDIO_SAME` the other number. */
    int32_t other;
    /** With `RONDEL_STDIO_FD` the descriptor, with `RONDEL_STDIO_STREAM` the stream. */
    int64_t fd;
} rondel_stdio;

/** How a process is to be run. Set `size`, and whatever else is not to be 0: zeros are the usual. */
typedef struct rondel_process_options {
    /**
     * `sizeof(rondel_process_options)`. Fields beyond it, from `grace` on, are taken to be 0; what lies beyond the fields
     * known here has to be 0.
     */
    size_t size;
    /** The program. A name without a slash is searched in the PATH of the environment that the process gets. */
    const char *file;
    /** Its arguments, the program's name first, NULL last. NULL: only the name. */
    const char *const *argv;
    /** Its environment, `NAME=value` each, NULL last. NULL: that of this process. */
    const char *const *env;
    /** The folder it starts in; NULL: that of this process. A relative `file` is meant from there. */
    const char *cwd;
    /**
     * What it has under the descriptor numbers 0, 1, 2 and further. Of the first three, those not given are inherited;
     * everything else is closed.
     */
    const struct rondel_stdio *stdio;
    /** How many those are; at most 1024. */
    size_t stdio_count;
    /** Any of `RONDEL_PROCESS_`. */
    uint32_t flags;
    /** With `RONDEL_PROCESS_UMASK` the bits that files it makes do not get. */
    uint32_t umask;
    /** With `RONDEL_PROCESS_GROUP` the process group it joins; 0: a new one, which it leads. */
    int32_t process_group;
    /** With `RONDEL_PROCESS_UID` the user it runs as. */
    uint32_t uid;
    /** With `RONDEL_PROCESS_GID` the group it runs as. */
    uint32_t gid;
    /** With `RONDEL_PROCESS_GROUPS` how many further groups it is in; at most 65536. */
    uint32_t group_count;
    /** And these. */
    const uint32_t *groups;
    /**
     * What `rondel_process_run` gives up is asked to end, by SIGTERM, and has so many nanoseconds for that before it is
     * killed; 0: it is killed at once, as on Windows always.
     */
    int64_t grace;
} rondel_process_options;

/**
 * Starts a program. When it ends, `fn(process, status, user_data)` is told, once; `fn` may be NULL. If the handle is closed
 * or the loop freed before that, `fn` is not told: free what `user_data` points to in `rondel_on_close`.
 *
 * The status is what the program exits with (0 to 255; on Windows any number of 32 bits), or `RONDEL_EXIT_SIGNAL` and
 * the signal that ended it: see `rondel_exit_code` and `rondel_exit_signal`. `RONDEL_ECHILD`: somebody else in this
 * program has taken the status.
 *
 * A program that cannot be run is refused here: `RONDEL_ENOENT` where there is none, `RONDEL_EACCES` if it may not be
 * run, `RONDEL_ENOEXEC` for no program, `RONDEL_ECWD` if `cwd` cannot be entered, whatever the reason, as each may be the
 * program's too (`rondel_file_access` of it with `RONDEL_ACCESS_EXECUTE` tells which it is), `RONDEL_EPERM` for a user, group
 * or process group it may not have, `RONDEL_EBADF` for a descriptor that is not open, `RONDEL_EAGAIN`, `RONDEL_ENOMEM`,
 * `RONDEL_EMFILE`. `RONDEL_EINVAL` for options that make no sense, `RONDEL_EOPNOTSUPP` for those that the system does not
 * have. The options are yours again when this returns.
 *
 * The process gets no descriptor but those of `stdio`, and every signal as it is by default. It keeps `rondel_run` going
 * until it ends. Closing its handle, or freeing the loop, does not end it, and no zombie is left of it (one that leads a
 * group is a zombie from its end until its handle is closed: see `rondel_process_kill_group`), as a thread of the
 * library's own waits for those that outlive their loop; pipes that
 * `rondel_process_stream` never gave out are closed with the handle. What it wrote to its pipes can be read after its
 * end: read until `RONDEL_EOF`. SIGCHLD is handled, as by `rondel_signal_start`, only while there are children on a system
 * without pidfds (Linux has them from 5.3 on). Loop thread only.
 */
rondel_process rondel_process_spawn(rondel_loop loop,
                                    const struct rondel_process_options *options,
                                    rondel_fn fn,
                                    void *user_data);

/**
 * Waits for the end of the process: the result is its status, as for `rondel_process_spawn`.
 *
 * Any number may wait, also when it has ended. Cancelled, the process goes on. Loop thread only.
 */
rondel_future rondel_process_wait(rondel_process process, rondel_fn fn, void *user_data);

/**
 * Sends the process a signal; 0 only asks whether it can be sent. On Windows SIGTERM, SIGKILL and SIGINT end it.
 *
 * It never hits another process that got the number later: `RONDEL_ESRCH` if this one has ended. `RONDEL_EINVAL` for no
 * signal, `RONDEL_EPERM` if it may not be sent. Loop thread only.
 */
int64_t rondel_process_kill(rondel_process process, int32_t signum);

/**
 * As `rondel_process_kill`, to every process of the group that this one leads, as one does that was started with
 * `RONDEL_PROCESS_DETACHED`, or with `RONDEL_PROCESS_GROUP` and 0: it and what it started.
 *
 * Also when the leader has ended: until its handle is closed it is not reaped, so that the group's number is no other's,
 * and what it left behind can be ended. A signal to a group of which only the leader is left, ended, reaches nobody, and
 * is mostly no error. `RONDEL_ESRCH` if somebody else in this program has taken the status, `RONDEL_EINVAL` if it leads no
 * group. Loop thread only.
 */
int64_t rondel_process_kill_group(rondel_process process,
                                  int32_t signum);

/** The number by which the system knows the process, also when it has ended. Loop thread only. */
int64_t rondel_process_pid(rondel_process process);

/**
 * Your end of the pipe that the process has under descriptor `fd`: a stream to write to for `RONDEL_STDIO_PIPE_IN`, to
 * read from for `RONDEL_STDIO_PIPE_OUT`. From now on it is yours to close.
 *
 * The process sees the end of its input when the stream is closed. `RONDEL_EINVAL` if it has no new pipe there. Loop
 * thread only.
 */
rondel_pipe rondel_process_stream(rondel_process process, int32_t fd);

/**
 * Runs a program to its end: the result is its status, as for `rondel_process_spawn`; `rondel_process_output` gives what
 * it wrote.
 *
 * It is fed `length` bytes of `input`, and what it writes to its standard output and error is collected, up to `limit`
 * bytes of each (0: without limit). Where `stdio` says otherwise of one of the three, it is so: only new pipes are fed and
 * collected, and there may be none beyond the third. It is done when the process has ended and so have its pipes, which
 * processes that it left behind may still have.
 *
 * Cancelled, timed out, or with more output than `limit` (`RONDEL_EMSGSIZE`), the process is killed by SIGKILL, with its
 * group if it leads one, also when it has ended itself, and this completes when it is reaped; what was collected until then
 * stays. With a `grace` in the options they get SIGTERM instead, and SIGKILL only if the process has not ended, or others
 * of its group have its pipes, when that time is over: until then it is fed, and what is said is collected.
 * `rondel_loop_free` kills at once, and waits for nothing. Fails at once as `rondel_process_spawn` does, and with
 * `RONDEL_EINVAL` if `input` is NULL with a length. Loop thread only.
 */
rondel_future rondel_process_run(rondel_loop loop,
                                 const struct rondel_process_options *options,
                                 const void *input,
                                 size_t length,
                                 size_t limit,
                                 rondel_fn fn,
                                 void *user_data);

/**
 * Points `*bytes` to what a process of `rondel_process_run` wrote to its standard output (`fd` 1) or error (2), and gives
 * how many bytes there are. A NUL follows them. `bytes` may be NULL.
 *
 * They stay valid as long as the future: in its callback, or while it is kept; also if it failed. `RONDEL_EAGAIN` while it
 * is pending, `RONDEL_EINVAL` for another `fd`, `RONDEL_EKIND` for the future of another operation. Loop thread only.
 */
int64_t rondel_process_output(rondel_future future,
                              int32_t fd,
                              const uint8_t **bytes);

/**
 * The code that a process exited with, of its status; `RONDEL_EINTR` if a signal ended it. A negative status comes back
 * as it is. Any thread.
 */
int64_t rondel_exit_code(int64_t status);

/**
 * The signal that ended a process, of its status; 0 if it exited by itself. A negative status comes back as it is. Any
 * thread.
 */
int64_t rondel_exit_signal(int64_t status);

/** @} */

/**
 * @defgroup rondel_watch Watches of paths: files and folders that change
 * @{
 */

/** `rondel_watch_start`: it is there, and was not: made, or moved here from elsewhere. */
#define RONDEL_WATCH_CREATED INT64_C(1)
/** `rondel_watch_start`: what is in the file is other than before. */
#define RONDEL_WATCH_MODIFIED INT64_C(2)
/** `rondel_watch_start`: it is not there any more: removed, or moved elsewhere. */
#define RONDEL_WATCH_REMOVED INT64_C(4)
/** `rondel_watch_start`: it has this name now, and had another. */
#define RONDEL_WATCH_RENAMED INT64_C(8)
/** `rondel_watch_start`: its owner, mode, times or number of names changed. */
#define RONDEL_WATCH_ATTRIBUTES INT64_C(16)
/** `rondel_watch_start`: changes of it, or below it, were lost; look for yourself. */
#define RONDEL_WATCH_OVERFLOW INT64_C(32)
/** `rondel_watch_start`, a flag: all folders below it, too, those that are made later included. */
#define RONDEL_WATCH_RECURSIVE 256
/** `rondel_watch_start`, a flag: it need not be there yet. */
#define RONDEL_WATCH_MISSING 512

/**
 * Watches a file or folder: `fn(watch, what, user_data)` is told in each turn in which something happened to it, or to
 * what is in the folder. `what` is a mask of `RONDEL_WATCH_CREATED`, `_MODIFIED`, `_REMOVED`, `_RENAMED`, `_ATTRIBUTES` and
 * `_OVERFLOW`; which paths they are is asked for with `rondel_watch_count` and its kin, until `fn` is called again. (With
 * `rondel_enqueue`: until the next `rondel_next`.)
 *
 * `flags`: `RONDEL_WATCH_RECURSIVE` for everything below a folder, not through symbolic links; `RONDEL_WATCH_MISSING` for a
 * path that need not be there yet. What happens after this call is told, also what happens before the loop runs.
 *
 * It is the path that is watched. A file that an editor replaces by renaming another one over it is told as
 * `RONDEL_WATCH_RENAMED`, and the new file is watched from then on. A path that is removed is told so, and told as
 * `RONDEL_WATCH_CREATED` when it is there again, with what a new folder has in it; with both, look whether it is there. A
 * symbolic link is followed. When it comes to lead elsewhere that is told, on Linux also of a link further up. That a folder
 * further up is renamed is not noticed. Something that is moved between folders that are watched is
 * `RONDEL_WATCH_RENAMED`; from or to elsewhere it is created or removed. Two names that are exchanged are told as renamed each,
 * one after the other, and what is in an exchanged folder as created.
 *
 * `RONDEL_WATCH_OVERFLOW` says that the system could not tell all, or that no more folders can be watched; the path it has
 * says where to look. In the child of a fork each watch is told it once, of its path, after `rondel_loop_fork`: what happened
 * in between was told to the parent alone. (One of `rondel_watch_poll` is not: it looks what has changed.)
 *
 * On Linux `RONDEL_WATCH_RECURSIVE` walks through all folders below before this returns, on the loop's thread, which takes
 * its time in a large tree; a folder that comes into the tree later is walked through in the turn that tells of it.
 *
 * Fails with `RONDEL_ENOENT`; `RONDEL_EACCES`; `RONDEL_ENOSPC` or `RONDEL_EMFILE` when the system's limits for watches are
 * reached; `RONDEL_EINVAL` for NULL, an empty path, other flags, or without a function; `RONDEL_ENOSYS` where the library
 * was built without it. Loop thread only.
 */
rondel_path_watch rondel_watch_start(rondel_loop loop,
                                     const char *path,
                                     int32_t flags,
                                     rondel_fn fn,
                                     void *user_data);

/**
 * As `rondel_watch_start`, by looking every `every` nanoseconds what has changed, where the system does not tell: network
 * file systems, /proc and the like. What changed and changed back meanwhile is not seen. In a large folder
 * whose names change during every look, a file that is renamed may be told as removed and created.
 *
 * Each path is told of by itself, in an order that means nothing: of a folder that was renamed or removed, also all that was
 * in it. A path that another file was renamed over is told as removed and created.
 *
 * It looks on the worker pool, the first time before this returns. `RONDEL_EINVAL` also for an `every` of 0 or less. Loop
 * thread only.
 */
rondel_path_watch rondel_watch_poll(rondel_loop loop,
                                    const char *path,
                                    int32_t flags,
                                    int64_t every,
                                    rondel_fn fn,
                                    void *user_data);

/** How many paths the last call told of. Loop thread only. */
int64_t rondel_watch_count(rondel_path_watch watch);

/**
 * What happened to one of the paths, counted from 0, in the order in which it began: a mask as in `rondel_watch_start`.
 *
 * `RONDEL_EINVAL` beyond the last one. Loop thread only.
 */
int64_t rondel_watch_what(rondel_path_watch watch, size_t index);

/**
 * Writes one of the paths, counted from 0, to `text` (which may be NULL), and gives its length without the NUL. It begins with
 * the path that is watched, as it was given, unless it is the name that one itself has been renamed to, which lies beside it.
 *
 * `RONDEL_ENOBUFS` if `size` is too small, `RONDEL_EINVAL` beyond the last one. Loop thread only.
 */
int64_t rondel_watch_path(rondel_path_watch watch,
                          size_t index,
                          char *text,
                          size_t size);

/**
 * As `rondel_watch_path`, the name that a path had before it was renamed: 0 and an empty text if it was not. Loop thread
 * only.
 */
int64_t rondel_watch_old_path(rondel_path_watch watch,
                              size_t index,
                              char *text,
                              size_t size);

/**
 * Writes the path that is watched, as it was given, to `text` (which may be NULL), and gives its length without the NUL.
 *
 * `RONDEL_ENOBUFS` if `size` is too small. Loop thread only.
 */
int64_t rondel_watch_root(rondel_path_watch watch,
                          char *text,
                          size_t size);

/** @} */

/**
 * @defgroup rondel_next Pulling completions instead of being called: for languages in which a call out is cheap and a call back is not
 * @{
 */

/**
 * Runs the loop until something that was started with `rondel_enqueue` has happened, and hands out up to `capacity` of
 * those; gives how many.
 *
 * 0: `timeout_ns` nanoseconds have passed, or `rondel_stop` or `rondel_wake` came; or, if there is no limit
 * (`RONDEL_FOREVER` or any negative time), nothing is alive that could happen. With a timeout of 0 it never waits.
 * Futures that it hands out stay valid until its next call, longer if you hold them. Callbacks run in it as in
 * `rondel_run`. `RONDEL_EINVAL` for NULL or a capacity of 0, `RONDEL_EBUSY` from within a callback of the same loop.
 */
int64_t rondel_next(rondel_loop loop, rondel_completion *out, size_t capacity, int64_t timeout_ns);

/** @} */

/**
 * @defgroup rondel_dump Looking into a loop: what there is in it, in words
 * @{
 */

/**
 * Writes what there is in the loop, for people to read: each live handle and pending operation on a line of its own,
 * with how old it is, its kind, its number and name, and what it does or waits for. What keeps the loop going comes
 * first, the oldest first: the answer to why a program does not end.
 *
 * ```text
 * loop 2251799830462465 "server": turn 1042, 3 handles
 * these keep it going:
 *        3.2 s  tcp_connect 2251799847239682: looks up the host, on a thread, times out in 6.8 s
 *        120 ms  task 2251799830462467 "fetch": awaits tcp_connect 2251799847239682
 * these are there too:
 *       14.0 s  timer 2251799830462468 "heartbeat": due in 412 ms, every 1.0 s, unreferenced
 * ```
 * The text may change from version to version. Ages are true to the turn of the loop and some milliseconds. As
 * snprintf(3) does, it writes what fits into `size` bytes with a NUL at the end, and gives the length of the whole;
 * `text` may be NULL. Loop thread only.
 */
int64_t rondel_loop_dump(rondel_loop loop, char *text, size_t size);

/** Writes what `rondel_loop_dump` tells to standard error. Loop thread only. */
int64_t rondel_loop_print(rondel_loop loop);

/** Has the loop do `rondel_loop_print` in its next turn. Any thread. `RONDEL_EGONE` once the loop is gone. */
int64_t rondel_loop_print_threadsafe(rondel_loop loop);

/**
 * Has the loop do `rondel_loop_print` each time the process gets a signal, such as SIGUSR1: gives a watcher of it, as
 * `rondel_signal_start` does and with its errors, which does not keep the loop going. Loop thread only.
 */
rondel_signal rondel_loop_print_on_signal(rondel_loop loop, int32_t signum);

/** @} */

/**
 * @defgroup rondel_trace Tracing: what each turn of a loop took
 * @{
 */

/** One turn of a loop. */
typedef struct rondel_turn {
    /** To be set to `sizeof(rondel_turn)`; fields beyond it are not touched. */
    size_t size;
    /** Counted as `RONDEL_METRIC_TURNS`. */
    int64_t number;
    /** When it began, on the clock of `rondel_clock`. */
    int64_t began;
    /** Nanoseconds it waited for events. */
    int64_t waited;
    /** Nanoseconds it did not wait: in callbacks, and in Rondel on their behalf. */
    int64_t busy;
    /** Events that came. */
    int64_t events;
    /** How many of them were there already when the turn looked for some: if that is most of them, the loop is behind. */
    int64_t events_waiting;
    /** Callbacks it made. */
    int64_t callbacks;
} rondel_turn;

/**
 * Has `fn(loop, number, user_data)` called at the end of each turn that begins from now on; `rondel_last_turn` tells what
 * it took. The call counts neither as a callback nor in any time. NULL ends it.
 *
 * It is meant to stay on: a turn costs two readings of the clock more, and one look for events that does not wait
 * before each wait. `RONDEL_EINVAL` for `rondel_enqueue` and `RONDEL_FUTURE`. Loop thread only.
 */
int64_t rondel_set_trace(rondel_loop loop,
                         rondel_fn fn,
                         void *user_data);

/**
 * What the last turn took of which the function of `rondel_set_trace` was told, or is being told.
 *
 * `RONDEL_EINVAL` for NULL or a size that holds no field, `RONDEL_ESTATE` if there was no such turn. Loop thread only.
 */
int64_t rondel_last_turn(rondel_loop loop, struct rondel_turn *out);

/** @} */

#ifdef __cplusplus
}
#endif

#endif
