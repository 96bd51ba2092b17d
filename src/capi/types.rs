// SPDX-License-Identifier: MIT OR Apache-2.0
//! The types of the API.

use std::ffi::c_void;

/// Names an object of Rondel, like a file descriptor: positive when valid, a negative error code when not.
///
/// A handle whose object is gone is refused with `RONDEL_EGONE`, one of the wrong kind with `RONDEL_EKIND`; a negative
/// one passed to any function comes back as it is, so calls chain and one check at the end suffices.
pub type rondel_handle = i64;
/// An event loop.
pub type rondel_loop = i64;
/// A timer.
pub type rondel_timer = i64;
/// A result that is there or will be.
pub type rondel_future = i64;
/// Something that carries bytes both ways in order: a connected TCP or pipe handle.
pub type rondel_stream = i64;
/// A TCP socket: unconnected, listening or connected.
pub type rondel_tcp = i64;
/// A local socket, listening or connected, or an end of a pipe.
pub type rondel_pipe = i64;
/// A descriptor of the caller's that is watched.
pub type rondel_watch = i64;
/// A callback that runs every turn: idle, prepare or check.
pub type rondel_hook = i64;
/// A lock: held by one at a time.
pub type rondel_lock = i64;
/// Something that has happened or not yet.
pub type rondel_event = i64;
/// Where holders of a lock wait for a change.
pub type rondel_condition = i64;
/// A count of how many more may go on.
pub type rondel_semaphore = i64;
/// Where so many wait until all have come.
pub type rondel_barrier = i64;
/// Items on their way from those who put to those who get.
pub type rondel_queue = i64;
/// A watch of a path.
pub type rondel_path_watch = i64;
/// A watcher of a signal.
pub type rondel_signal = i64;
/// A child process.
pub type rondel_process = i64;
/// An iterator over futures in the order in which they are done.
pub type rondel_iterator = i64;
/// Futures that live and end together.
pub type rondel_group = i64;

/// Told of something: `source` is what it comes from, `result` a value or a negative code.
///
/// For one-shot operations `source` is their future, valid until the function returns; for whatever tells more than
/// once (timers, listeners, hooks, watermarks, close notices) it is that handle.
///
/// Like every function that is handed to Rondel it has to return: no C++ exception and no longjmp may leave it.
pub type rondel_fn = Option<extern "C" fn(source: rondel_handle, result: i64, user_data: *mut c_void)>;

/// Told of bytes that came in: `n` of them, valid until the function returns; or a negative `n` once, `RONDEL_EOF` or
/// another code, when no more will come.
pub type rondel_read_fn =
    Option<extern "C" fn(stream: rondel_stream, bytes: *const u8, n: i64, user_data: *mut c_void)>;

/// Asked for memory to receive into: `*size` is what would be good, and is to be set to what there is.
///
/// The memory is Rondel's until the read function is told of it (with `n` 0 if nothing came after all). NULL: there is
/// none; the read function is then told `RONDEL_ENOBUFS` and reading stops.
pub type rondel_alloc_fn =
    Option<extern "C" fn(stream: rondel_stream, size: *mut usize, user_data: *mut c_void) -> *mut u8>;

/// A function that takes an argument and gives a value or a negative code: work for another thread.
pub type rondel_task_fn = Option<extern "C" fn(arg: *mut c_void) -> i64>;

/// Some of the bytes of a write.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rondel_buffer {
    /// The first byte; may be NULL if `length` is 0.
    pub bytes: *const c_void,
    /// How many.
    pub length: usize,
}

/// An internet address.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rondel_address {
    /// 4 or 6.
    pub family: i32,
    /// 0 to 65535, in the machine's own byte order.
    pub port: i32,
    /// The interface of a link-local IPv6 address, else 0.
    pub scope: u32,
    /// The address in network byte order: 4 or 16 of these.
    pub bytes: [u8; 16],
}

/// Something that happened, as `rondel_next` hands it out: what a `rondel_fn` would have been told.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rondel_completion {
    /// The future or handle it comes from. A future stays valid until the next call of `rondel_next`.
    pub source: rondel_handle,
    /// A value or a negative code.
    pub result: i64,
    /// The pointer given where the operation was started.
    pub user_data: *mut c_void,
}

/// A nanosecond, the unit of all times.
pub const RONDEL_NS: i64 = 1;
/// A microsecond.
pub const RONDEL_US: i64 = 1_000;
/// A millisecond: `250 * RONDEL_MS`.
pub const RONDEL_MS: i64 = 1_000_000;
/// A second.
pub const RONDEL_SECOND: i64 = 1_000_000_000;
/// Longer than anything lasts.
pub const RONDEL_FOREVER: i64 = i64::MAX;

/// `rondel_run`: until nothing is alive, or `rondel_stop`.
pub const RONDEL_RUN_DEFAULT: i32 = 0;
/// `rondel_run`: until at least one callback has run, waiting for it if need be.
pub const RONDEL_RUN_ONCE: i32 = 1;
/// `rondel_run`: one turn, which never waits.
pub const RONDEL_RUN_NOWAIT: i32 = 2;
/// `rondel_run`: until `rondel_stop`, even when nothing is alive: for a loop that other threads feed.
pub const RONDEL_RUN_FOREVER: i32 = 3;

/// `rondel_future_state`: not done.
pub const RONDEL_PENDING: i64 = 0;
/// `rondel_future_state`: a task that has begun.
pub const RONDEL_RUNNING: i64 = 1;
/// `rondel_future_state`: done, with a value or an error.
pub const RONDEL_DONE: i64 = 2;
/// `rondel_future_state`: ended with `RONDEL_ECANCELED`.
pub const RONDEL_CANCELLED: i64 = 3;

/// `rondel_kind`: a loop.
pub const RONDEL_KIND_LOOP: i64 = 1;
/// `rondel_kind`: a timer.
pub const RONDEL_KIND_TIMER: i64 = 2;
/// `rondel_kind`: a future.
pub const RONDEL_KIND_FUTURE: i64 = 3;
/// `rondel_kind`: a TCP socket.
pub const RONDEL_KIND_TCP: i64 = 4;
/// `rondel_kind`: a hook of `rondel_idle_start`.
pub const RONDEL_KIND_IDLE: i64 = 5;
/// `rondel_kind`: a hook of `rondel_prepare_start`.
pub const RONDEL_KIND_PREPARE: i64 = 6;
/// `rondel_kind`: a hook of `rondel_check_start`.
pub const RONDEL_KIND_CHECK: i64 = 7;
/// `rondel_kind`: a watch of `rondel_fd_watch`.
pub const RONDEL_KIND_FD_WATCH: i64 = 8;

/// `rondel_fd_watch`: a read will not block.
pub const RONDEL_READABLE: i32 = 1;
/// `rondel_fd_watch`: a write will not block.
pub const RONDEL_WRITABLE: i32 = 2;
/// `rondel_fd_watch`: the other end is gone, or sends no more.
pub const RONDEL_DISCONNECT: i32 = 4;
/// `rondel_fd_watch`: there is urgent data.
pub const RONDEL_PRIORITY: i32 = 8;

/// `rondel_kind`: a watcher of a signal.
pub const RONDEL_KIND_SIGNAL: i64 = 9;
/// `rondel_kind`: a local socket or an end of a pipe.
pub const RONDEL_KIND_PIPE: i64 = 11;
/// `rondel_kind`: a child process.
pub const RONDEL_KIND_PROCESS: i64 = 14;
/// `rondel_kind`: a watch of a path.
pub const RONDEL_KIND_WATCH: i64 = 15;
/// `rondel_kind`: a task group.
pub const RONDEL_KIND_GROUP: i64 = 30;
/// `rondel_kind`: an iterator of `rondel_as_completed`.
pub const RONDEL_KIND_ITERATOR: i64 = 31;

/// `rondel_wait`: until all are done.
pub const RONDEL_ALL_COMPLETED: i32 = 0;
/// `rondel_wait`: until one is done, or more.
pub const RONDEL_FIRST_COMPLETED: i32 = 1;
/// `rondel_wait`: until one has failed, or all are done. One that was cancelled has not failed.
pub const RONDEL_FIRST_ERROR: i32 = 2;
/// `rondel_kind`: a lock.
pub const RONDEL_KIND_LOCK: i64 = 20;
/// `rondel_kind`: an event.
pub const RONDEL_KIND_EVENT: i64 = 21;
/// `rondel_kind`: a condition.
pub const RONDEL_KIND_CONDITION: i64 = 22;
/// `rondel_kind`: a semaphore.
pub const RONDEL_KIND_SEMAPHORE: i64 = 23;
/// `rondel_kind`: a barrier.
pub const RONDEL_KIND_BARRIER: i64 = 24;
/// `rondel_kind`: a queue.
pub const RONDEL_KIND_QUEUE: i64 = 25;

/// `rondel_pipe_pair`: both handles read and write.
pub const RONDEL_PIPE_BOTH_WAYS: i32 = 0;
/// `rondel_pipe_pair`: the first handle reads what the second writes.
pub const RONDEL_PIPE_ONE_WAY: i32 = 1;

/// `rondel_queue_new`: the item that was put first is got first.
pub const RONDEL_QUEUE_FIFO: i32 = 0;
/// `rondel_queue_new`: the item that was put last is got first.
pub const RONDEL_QUEUE_LIFO: i32 = 1;
/// `rondel_queue_new`: the item with the lowest priority is got first; of equal ones, the one that was put first.
pub const RONDEL_QUEUE_PRIORITY: i32 = 2;

/// `rondel_metric`: turns of the loop.
pub const RONDEL_METRIC_TURNS: i32 = 0;
/// `rondel_metric`: events that polls brought.
pub const RONDEL_METRIC_EVENTS: i32 = 1;
/// `rondel_metric`: nanoseconds spent waiting.
pub const RONDEL_METRIC_IDLE_TIME: i32 = 2;
/// `rondel_metric`: nanoseconds spent in `rondel_run` and its kin, not waiting.
pub const RONDEL_METRIC_BUSY_TIME: i32 = 3;
/// `rondel_metric`: callbacks made.
pub const RONDEL_METRIC_CALLBACKS: i32 = 4;
/// `rondel_metric`: handles that live now, futures included.
pub const RONDEL_METRIC_HANDLES: i32 = 5;
/// `rondel_metric`: polls for events; turns with callbacks waiting may do without.
pub const RONDEL_METRIC_POLLS: i32 = 6;
/// `rondel_metric`: events that were there already when the loop looked for some. Without `rondel_set_trace` those are left
/// out that it would have waited for.
pub const RONDEL_METRIC_EVENTS_WAITING: i32 = 7;
