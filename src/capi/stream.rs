// SPDX-License-Identifier: MIT OR Apache-2.0
//! Streams: bytes both ways, in order.

use super::types::*;
use super::{done, notify, number, optional_listener, plain_listener, with_core};
use crate::callback::UserData;
use crate::error::{Error, Result, to_code};
use crate::net::stream::Goal;
use crate::sys::lent::{Lender, LentBuffer, LentBytes};
use std::ffi::c_void;

/// Reads whatever comes, until `rondel_read_stop`, the end, or `rondel_close`.
///
/// `fn(stream, bytes, n, user_data)`: the bytes are valid until it returns. A negative `n` comes once, with NULL:
/// `RONDEL_EOF` or an error; reading has then stopped. `RONDEL_EBUSY` if it is being read from already,
/// `RONDEL_ENOTCONN` if it is not connected, `RONDEL_EINVAL` without a function, or for `rondel_keep` or `rondel_enqueue`:
/// who asks for what comes uses `rondel_read`. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_read_start(stream: rondel_stream, r#fn: rondel_read_fn, user_data: *mut c_void) -> i64 {
    done(with_core(stream, |core, handle| {
        core.stream_mut(handle)?;
        core.read_start(handle, plain_listener(r#fn, |f| f as *const ())?, UserData::new(user_data))
    }))
}

/// As `rondel_read_start`, into memory that `alloc(stream, &size, user_data)` gives each time.
///
/// Each piece of memory comes back with a call of `fn`, as `bytes`, with `n` 0 if nothing came after all. Loop thread
/// only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_read_start_into(
    stream: rondel_stream,
    alloc: rondel_alloc_fn,
    r#fn: rondel_read_fn,
    user_data: *mut c_void,
) -> i64 {
    done(with_core(stream, |core, handle| {
        core.stream_mut(handle)?;
        let data = UserData::new(user_data);
        // SAFETY: what rondel_alloc_fn promises.
        let lender = unsafe { Lender::new(alloc.ok_or(Error::EINVAL)?, data) };
        core.read_start_into(handle, lender, plain_listener(r#fn, |f| f as *const ())?, data)
    }))
}

/// Stops what `rondel_read_start` began; what comes meanwhile waits. 0 also if nothing was read. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_read_stop(stream: rondel_stream) -> i64 {
    done(with_core(stream, |core, handle| core.read_stop(handle)))
}

/// Reads once: the result is how many bytes came, 1 to `capacity`, or `RONDEL_EOF`.
///
/// The memory is Rondel's until it completes. `RONDEL_EINVAL` for NULL or a capacity of 0, `RONDEL_EBUSY` if the stream
/// is being read from already. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_read(
    stream: rondel_stream,
    bytes: *mut c_void,
    capacity: usize,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    // SAFETY: what the caller of this function promises.
    let buffer = unsafe { LentBuffer::new(bytes.cast(), capacity) };
    read_once(stream, buffer, || Ok(Goal::Some), r#fn, user_data)
}

/// Reads exactly `n` bytes: the result is `n`, or `RONDEL_EOF` if the stream ends before.
///
/// If it ends, is cancelled or times out, what had come is not lost: the next read gets it. The memory is Rondel's until it
/// completes. `RONDEL_EINVAL` for NULL or 0 bytes, `RONDEL_EBUSY` if the stream is being read from already. Loop thread
/// only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_read_exactly(
    stream: rondel_stream,
    bytes: *mut c_void,
    n: usize,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    // SAFETY: what the caller of this function promises.
    let buffer = unsafe { LentBuffer::new(bytes.cast(), n) };
    read_once(stream, buffer, || Ok(Goal::Full), r#fn, user_data)
}

/// Reads up to and with a delimiter of 1 to 16 bytes: the result is how many bytes that are.
///
/// `RONDEL_EMSGSIZE` if it is not among the first `capacity` bytes, `RONDEL_EOF` if the stream ends before it: then, and
/// if it is cancelled or times out, what had come is not lost: the next read gets it. The memory is Rondel's until it completes;
/// the delimiter is copied. `RONDEL_EINVAL` for NULL, a capacity of 0 or another length of delimiter, `RONDEL_EBUSY` if
/// the stream is being read from already. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_read_until(
    stream: rondel_stream,
    bytes: *mut c_void,
    capacity: usize,
    delimiter: *const c_void,
    length: usize,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    // SAFETY: what the caller of this function promises.
    let buffer = unsafe { LentBuffer::new(bytes.cast(), capacity) };
    let goal = || {
        if !(1..=16).contains(&length) {
            return Err(Error::EINVAL);
        }
        // SAFETY: what the caller of this function promises; it is copied before the call ends.
        let delimiter = unsafe { LentBytes::new(delimiter.cast(), length) };
        Ok(Goal::Delimiter(delimiter.ok_or(Error::EINVAL)?.slice().into()))
    };
    read_once(stream, buffer, goal, r#fn, user_data)
}

fn read_once(
    stream: rondel_stream,
    buffer: Option<LentBuffer>,
    goal: impl FnOnce() -> Result<Goal>,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_core(stream, |core, handle| {
        core.stream_mut(handle)?;
        core.read_once(handle, buffer.ok_or(Error::EINVAL)?, goal()?, notify(r#fn, user_data))
    }))
}

/// Writes: the result is `length`, once the system has taken everything, or an error.
///
/// What the system does not take at once is copied, so the bytes may die when the call returns. Writes leave in order;
/// small ones made inside one callback leave in one system call when it returns. One that is cancelled before its
/// first byte left is not sent; one that has begun is sent whole, but completes with `RONDEL_ECANCELED`. Last words before
/// the process ends, as by exit(3), want `rondel_try_write` or a close of the stream first.
///
/// `RONDEL_EINVAL` for NULL or an impossible length, `RONDEL_EPIPE` after `rondel_shutdown`, the error of the stream if
/// it is broken, `RONDEL_ENOTCONN` if it is not connected. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_write(
    stream: rondel_stream,
    bytes: *const c_void,
    length: usize,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    // SAFETY: what the caller of this function promises, for the time of this call.
    let piece = unsafe { LentBytes::new(bytes.cast(), length) };
    number(with_core(stream, |core, handle| {
        core.stream_mut(handle)?;
        core.write(handle, &[piece.ok_or(Error::EINVAL)?], false, notify(r#fn, user_data))
    }))
}

/// As `rondel_write`, of `count` buffers one after the other: the result is the sum of their lengths.
///
/// At most 1024 buffers: `RONDEL_EINVAL` beyond that, or for NULL where bytes are needed. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_writev(
    stream: rondel_stream,
    buffers: *const rondel_buffer,
    count: usize,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_core(stream, |core, handle| {
        core.stream_mut(handle)?;
        if count > 1024 || (count > 0 && buffers.is_null()) {
            return Err(Error::EINVAL);
        }
        let mut pieces = Vec::new();
        pieces.try_reserve(count).map_err(|_| Error::ENOMEM)?;
        for index in 0..count {
            // SAFETY: the caller promises `count` buffers, and the bytes of each for the time of this call.
            let piece = unsafe {
                let buffer = buffers.add(index).read_unaligned();
                LentBytes::new(buffer.bytes.cast(), buffer.length)
            };
            pieces.push(piece.ok_or(Error::EINVAL)?);
        }
        core.write(handle, &pieces, false, notify(r#fn, user_data))
    }))
}

/// As `rondel_write`, without a copy: the bytes must stay as they are until it completes. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_write_borrowed(
    stream: rondel_stream,
    bytes: *const c_void,
    length: usize,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    // SAFETY: what the caller of this function promises, until the operation completes.
    let piece = unsafe { LentBytes::new(bytes.cast(), length) };
    number(with_core(stream, |core, handle| {
        core.stream_mut(handle)?;
        core.write(handle, &[piece.ok_or(Error::EINVAL)?], true, notify(r#fn, user_data))
    }))
}

/// Writes what the system takes now, and gives how many bytes that were; the rest stays yours to send.
///
/// `RONDEL_EAGAIN` if it takes none now or writes are queued; errors as for `rondel_write`. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_try_write(stream: rondel_stream, bytes: *const c_void, length: usize) -> i64 {
    // SAFETY: what the caller of this function promises, for the time of this call.
    let piece = unsafe { LentBytes::new(bytes.cast(), length) };
    to_code(with_core(stream, |core, handle| {
        core.stream_mut(handle)?;
        core.try_write(handle, piece.ok_or(Error::EINVAL)?)
    }))
}

/// Half-closes: after what is queued, the peer sees the end; reading goes on. The result is 0.
///
/// Writes after this are refused with `RONDEL_EPIPE`, and so is a second shutdown. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_shutdown(stream: rondel_stream, r#fn: rondel_fn, user_data: *mut c_void) -> rondel_future {
    number(with_core(stream, |core, handle| core.shutdown(handle, notify(r#fn, user_data))))
}

/// Closes a stream once everything written to it has left, where `rondel_close` would drop what the system does not
/// take at once. Reading stops now; until then the handle is as it was, and further writes are refused with
/// `RONDEL_EPIPE`.
///
/// A peer that does not read can hold this up for ever: `rondel_close` ends it. With a limit, close the stream when
/// `rondel_timeout(rondel_shutdown(stream, fn, user_data), ns)` is told instead. If bytes from the peer are still unread by
/// then, most systems tell it of a reset, as with any close. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_close_when_sent(stream: rondel_stream) -> i64 {
    done(with_core(stream, |core, handle| core.close_when_sent(handle)))
}

/// How many bytes are queued and not taken by the system yet. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_write_queue_size(stream: rondel_stream) -> i64 {
    to_code(with_core(stream, |core, handle| core.write_queue_size(handle)))
}

/// Watches over the write queue: `fn(stream, 1, user_data)` when it has grown over `high` bytes, `fn(stream, 0,
/// user_data)` when it has then shrunk to `low` or less.
///
/// Without a function, reading from this same stream pauses in between: enough for a server that answers what it
/// reads. `RONDEL_EINVAL` if `low` is above `high`. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_set_watermarks(
    stream: rondel_stream,
    low: usize,
    high: usize,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> i64 {
    done(with_core(stream, |core, handle| {
        core.stream_mut(handle)?;
        core.set_watermarks(handle, low as u64, high as u64, optional_listener(r#fn, user_data)?)
    }))
}
