// SPDX-License-Identifier: MIT OR Apache-2.0
//! What every handle can do.

use super::tcp::put_text;
use super::types::*;
use super::{done, listener, with_core};
use crate::callback::UserData;
use crate::error::{Error, to_code};
use crate::handle::Handle;
use crate::inbox::Message;
use crate::registry;
use crate::sys::lent::c_string;
use std::ffi::{c_char, c_void};

/// Closes a handle: its pending operations end with `RONDEL_ECANCELED`, and after they were told its close notices
/// come. What was written and can leave at once still leaves.
///
/// From now on the handle is refused with `RONDEL_EGONE`, except by `rondel_is_closing`, `rondel_kind`, `rondel_loop_of`
/// and `rondel_get_data`, which it answers until the last notice was given. Closing a future cancels it and lets it go.
/// `RONDEL_EKIND` for a loop: see `rondel_loop_free`. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_close(handle: rondel_handle) -> i64 {
    done(with_core(handle, |core, handle| core.close(handle)))
}

/// As `rondel_close`, from any thread: the loop does it in one of its next turns.
///
/// Gives 0, or `RONDEL_EGONE` once the loop is gone; that the handle itself is stale shows only on the loop, and is
/// then no error.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_close_threadsafe(handle: rondel_handle) -> i64 {
    done(
        Handle::from_caller(handle)
            .and_then(|handle| registry::place(handle).inbox.post(handle, Message::Close(handle))),
    )
}

/// Has `fn(handle, 0, user_data)` called when the handle has been closed, as the last thing that is heard of it.
///
/// To close a handle, or to free its loop, calls none of the functions that it was made with or given later, even if they
/// never were called: what their `user_data` points to is best freed here. (Of what is asked once, each `fn` is told: see
/// `rondel_close`.)
///
/// Several notices can be registered; they come in that order. For a loop it comes at the end of `rondel_loop_free`.
/// `RONDEL_EKIND` for a future, `RONDEL_EINVAL` without a function. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_on_close(handle: rondel_handle, r#fn: rondel_fn, user_data: *mut c_void) -> i64 {
    done(with_core(handle, |core, handle| {
        core.open_entry(handle)?;
        core.on_close(handle, listener(r#fn, user_data)?)
    }))
}

/// 1 if something goes on: a timer that runs, a stream that is read from or has operations pending, a listener, a
/// hook, a future that is not done, a loop that is alive. Else 0. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_is_active(handle: rondel_handle) -> i64 {
    to_code(with_core(handle, |core, handle| core.is_active(handle).map(i64::from)))
}

/// 1 between `rondel_close` and the last close notice, 0 before, `RONDEL_EGONE` after. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_is_closing(handle: rondel_handle) -> i64 {
    to_code(with_core(handle, |core, handle| core.is_closing(handle).map(i64::from)))
}

/// Lets the handle keep `rondel_run` going while it is active, as it does from the start. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_ref(handle: rondel_handle) -> i64 {
    done(with_core(handle, |core, handle| core.set_referenced(handle, true)))
}

/// Lets `rondel_run` end although the handle is active. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_unref(handle: rondel_handle) -> i64 {
    done(with_core(handle, |core, handle| core.set_referenced(handle, false)))
}

/// Which `RONDEL_KIND_` it is. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_kind(handle: rondel_handle) -> i64 {
    to_code(with_core(handle, |core, handle| core.kind(handle).map(|kind| kind as i64)))
}

/// The loop it belongs to. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_loop_of(handle: rondel_handle) -> rondel_loop {
    to_code(with_core(handle, |core, handle| core.kind(handle).map(|_| core.handle.number())))
}

/// Gives the handle a pointer to carry. It is never looked into or freed. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_set_data(handle: rondel_handle, data: *mut c_void) -> i64 {
    done(with_core(handle, |core, handle| core.set_data(handle, UserData::new(data))))
}

/// The pointer that `rondel_set_data` gave it; NULL if there is none or the handle is refused. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_get_data(handle: rondel_handle) -> *mut c_void {
    with_core(handle, |core, handle| core.data(handle)).map_or(std::ptr::null_mut(), UserData::pointer)
}

/// Gives a handle a name, at most 255 bytes of UTF-8, which reports in debug mode use. It is copied; NULL takes it away.
///
/// `RONDEL_EINVAL` for a longer one or other bytes. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_handle_set_name(handle: rondel_handle, name: *const c_char) -> i64 {
    done(with_core(handle, |core, handle| {
        core.open_entry(handle)?;
        // SAFETY: what the caller of this function promises.
        let name = unsafe { c_string(name) }.map(|name| name.to_str().map_err(|_| Error::EINVAL)).transpose()?;
        if name.is_some_and(|name| name.len() > 255) {
            return Err(Error::EINVAL);
        }
        core.set_name(handle, name.map(Box::from))
    }))
}

/// Writes the name of a handle to `text` (which may be NULL), and gives its length without the NUL: 0 if it has none.
///
/// `RONDEL_ENOBUFS` if `size` is too small; 256 always do. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_handle_name(handle: rondel_handle, text: *mut c_char, size: usize) -> i64 {
    // SAFETY: what the caller of this function promises.
    to_code(with_core(handle, |core, handle| unsafe { put_text(core.name(handle)?, text, size) }))
}

/// The descriptor (on Windows the socket) behind a handle. It stays the loop's: do not close it. (That of a
/// `rondel_fd_watch` is yours as before.)
///
/// `RONDEL_ENOTCONN` while a TCP handle has none, `RONDEL_EKIND` for handles that never have one. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_fileno(handle: rondel_handle) -> i64 {
    to_code(with_core(handle, |core, handle| core.descriptor(handle)))
}

/// Takes the descriptor out of a stream or a listener: it is yours again, still not blocking. The handle is closed, its
/// reads and accepts end with `RONDEL_ECANCELED`. Connections wait for whoever accepts them next, and the file of a local
/// listener stays, for another process, say, that has got the socket.
///
/// `RONDEL_EBUSY` while there are bytes queued to be sent, or received and not read yet, also by a read that waits for
/// more: they would be lost. `RONDEL_ENOTCONN` for a TCP or pipe handle that is neither connected nor listens. Loop thread
/// only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_detach(stream: rondel_stream) -> i64 {
    to_code(with_core(stream, |core, handle| core.detach(handle)))
}

/// As `rondel_release`, from any thread, as a garbage collector needs it. `RONDEL_EGONE` once the loop is gone.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_release_threadsafe(future: rondel_future) -> i64 {
    done(
        Handle::from_caller(future)
            .and_then(|handle| registry::place(handle).inbox.post(handle, Message::Release(handle))),
    )
}
