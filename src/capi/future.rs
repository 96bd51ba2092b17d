// SPDX-License-Identifier: MIT OR Apache-2.0
//! Futures: results that are there or will be, of operations and of promises.

use super::types::*;
use super::{done, listener, number, with_core, with_core_to_the_end, with_loop_core};
use crate::callback::UserData;
use crate::error::{Error, to_code};
use crate::future::Waiter;
use crate::handle::Handle;
use crate::inbox::Message;
use crate::registry;
use std::ffi::c_void;

/// Passed as `fn` to an operation: its future is kept, yours to look at, await, combine and release.
/// `RONDEL_FUTURE` stands for it and its NULL.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_keep(source: rondel_handle, _result: i64, _user_data: *mut c_void) {
    // Mostly known by its address and never called; where a linker gave it another one, this does the same.
    let _ = with_core_to_the_end(source, |core, handle| core.retain(handle));
}

/// Passed as `fn` to an operation, a timer, a listener…: what would be told is queued, and `rondel_next` hands it out.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_enqueue(source: rondel_handle, result: i64, user_data: *mut c_void) {
    // As for rondel_keep.
    let _ = with_core(source, |core, handle| core.enqueue(handle, result, UserData::new(user_data)));
}

/// Makes a promise: a future that is yours to set. It does not keep the loop running.
///
/// You hold it: `rondel_release` lets it go. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_future_new(r#loop: rondel_loop) -> rondel_future {
    number(with_loop_core(r#loop, |core| core.new_promise()))
}

/// Completes a promise with a value, 0 or more.
///
/// `RONDEL_EINVAL` for a negative value, `RONDEL_ESTATE` if it is done already, `RONDEL_EKIND` for the future of an
/// operation. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_future_set(future: rondel_future, value: i64) -> i64 {
    done(with_core_to_the_end(future, |core, handle| {
        core.future_mut(handle)?;
        if value < 0 { Err(Error::EINVAL) } else { core.settle(handle, value) }
    }))
}

/// Completes a promise with an error, a negative code.
///
/// `RONDEL_EINVAL` for another code, `RONDEL_ESTATE` if it is done already, `RONDEL_EKIND` for the future of an
/// operation. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_future_fail(future: rondel_future, code: i64) -> i64 {
    done(with_core_to_the_end(future, |core, handle| {
        core.future_mut(handle)?;
        if code >= 0 { Err(Error::EINVAL) } else { core.settle(handle, code) }
    }))
}

/// As `rondel_future_set`, from any thread: the loop does it in one of its next turns.
///
/// Gives 0, `RONDEL_EINVAL`, or `RONDEL_EGONE` once the loop is gone. That the future is gone or done by then is no
/// error.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_future_set_threadsafe(future: rondel_future, value: i64) -> i64 {
    done(if value < 0 { Handle::from_caller(future).and(Err(Error::EINVAL)) } else { settle_threadsafe(future, value) })
}

/// As `rondel_future_fail`, from any thread: the loop does it in one of its next turns.
///
/// Gives 0, `RONDEL_EINVAL`, or `RONDEL_EGONE` once the loop is gone. That the future is gone or done by then is no
/// error.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_future_fail_threadsafe(future: rondel_future, code: i64) -> i64 {
    done(if code >= 0 { Handle::from_caller(future).and(Err(Error::EINVAL)) } else { settle_threadsafe(future, code) })
}

fn settle_threadsafe(future: rondel_future, result: i64) -> crate::error::Result<()> {
    let handle = Handle::from_caller(future)?;
    registry::place(handle).inbox.post(handle, Message::Settle(handle, result))
}

/// Has `fn(future, result, user_data)` called when the future is done, once; in the next turn if it is done already.
///
/// Any number can be added; they are called in that order, after the one the operation was started with.
/// `RONDEL_EINVAL` without a function, `RONDEL_EGONE` while the loop is being freed. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_future_then(future: rondel_future, r#fn: rondel_fn, user_data: *mut c_void) -> i64 {
    done(with_core(future, |core, handle| {
        core.future_mut(handle)?;
        core.then(handle, Waiter::Caller(listener(r#fn, user_data)?))
    }))
}

/// Takes back each `rondel_future_then` of this function and pointer that was not told yet; gives how many there were.
///
/// What the operation itself was started with stays. `RONDEL_EINVAL` without a function. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_future_remove(future: rondel_future, r#fn: rondel_fn, user_data: *mut c_void) -> i64 {
    to_code(with_core(future, |core, handle| core.forget_callers(handle, listener(r#fn, user_data)?)))
}

/// Makes a promise stand for an operation of yours that takes an act to end: has `fn(future, reason, user_data)` called
/// when the future is cancelled (`reason` is `RONDEL_ECANCELED`) or out of time (`RONDEL_ETIMEDOUT`), where it would else be
/// done at once.
///
/// End the operation and settle the promise, at once or later: it is pending until then, and its result is `reason`,
/// whatever you set. If you settle it before you were called, you are not called. A loop that is freed cancels it,
/// and completes it itself if nobody has in the end. `RONDEL_EALREADY` if it has such a function, `RONDEL_ESTATE` if it is
/// done, `RONDEL_EKIND` for the future of an operation, `RONDEL_EINVAL` without a function. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_future_on_cancel(future: rondel_future, r#fn: rondel_fn, user_data: *mut c_void) -> i64 {
    done(with_core(future, |core, handle| {
        core.future_mut(handle)?;
        core.on_cancel(handle, listener(r#fn, user_data)?)
    }))
}

/// `RONDEL_PENDING`, `RONDEL_RUNNING` (a task that has begun), `RONDEL_DONE` or `RONDEL_CANCELLED`. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_future_state(future: rondel_future) -> i64 {
    to_code(with_core_to_the_end(future, |core, handle| core.future_mut(handle).map(|future| future.state() as i64)))
}

/// The result, a value or a negative code; `RONDEL_EAGAIN` while it is pending. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_future_result(future: rondel_future) -> i64 {
    to_code(with_core_to_the_end(future, |core, handle| core.future_mut(handle)?.look()))
}

/// What the operation works on: the stream of a read or write, the listener of an accept, else the loop. It may be
/// closed by now. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_future_origin(future: rondel_future) -> rondel_handle {
    number(with_core(future, |core, handle| core.future_mut(handle).map(|future| future.origin)))
}

/// Points `*bytes` to the bytes that belong to the result of a future that is done, and gives how many there are: what
/// `rondel_file_slurp` read, what `rondel_file_realpath` found, and the like.
///
/// They stay valid as long as the future: in its callback, or while it is kept. A NUL follows them. `bytes` may be NULL.
/// `RONDEL_EAGAIN` while it is pending, `RONDEL_EINVAL` if it failed, `RONDEL_EKIND` if no bytes belong to it. Loop thread
/// only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_future_bytes(future: rondel_future, bytes: *mut *const u8) -> i64 {
    to_code(with_core(future, |core, handle| {
        let found = core.found_bytes(handle)?;
        if !bytes.is_null() {
            // SAFETY: the caller promises a place for a pointer.
            unsafe { bytes.write(found.as_ptr()) };
        }
        Ok(found.len() as i64)
    }))
}

/// Holds a future once more: it lives until it was released as often. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_retain(future: rondel_future) -> i64 {
    done(with_core_to_the_end(future, |core, handle| core.retain(handle)))
}

/// Lets go of a future that you hold. It is no cancel: the operation goes on.
///
/// A future that nobody holds frees itself once it is done and everybody was told; a promise, when nobody waits for it
/// either. `RONDEL_ESTATE` if nobody holds it. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_release(future: rondel_future) -> i64 {
    done(with_core_to_the_end(future, |core, handle| core.release(handle)))
}

/// Cancels what is pending: it completes with `RONDEL_ECANCELED`, told in a later step of the loop.
///
/// Work on the pool that has begun cannot be stopped: it completes so when its function returns, which can look at
/// `rondel_work_cancelled`. `RONDEL_ESTATE` if it is done already. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_cancel(future: rondel_future) -> i64 {
    done(with_core_to_the_end(future, |core, handle| core.cancel(handle, Error::ECANCELED)))
}

/// Gives a future `ns` nanoseconds from now: if it is not done by then it is cancelled and completes with
/// `RONDEL_ETIMEDOUT`. Of several such deadlines the first one counts; on a future that is done it does nothing. Only
/// `rondel_wait` ends otherwise: with how many of its futures are done by then.
///
/// Gives the same future, so that calls chain. `RONDEL_EINVAL` if `ns` is negative. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_timeout(future: rondel_future, ns: i64) -> rondel_future {
    number(with_core(future, |core, handle| core.set_timeout(handle, ns).map(|()| handle)))
}
