// SPDX-License-Identifier: MIT OR Apache-2.0
//! Descriptors of others: for libraries that bring their own sockets.

use super::types::*;
use super::{done, listener, number, with_core, with_loop_core};
use crate::error::Error;
use crate::reactor::Interest;
use std::ffi::c_void;

/// Watches a descriptor (on Windows a socket) that stays yours: `events` is what for, `RONDEL_READABLE`,
/// `RONDEL_WRITABLE`, `RONDEL_DISCONNECT`, `RONDEL_PRIORITY`, or several of them; 0 for nothing yet.
///
/// `fn(watch, events, user_data)` is told those that are so, in every turn as long as they are (it is level-triggered).
/// An error or a hang-up makes all that is asked for so, and the next read or write tells it; it comes as
/// `RONDEL_DISCONNECT` if nothing but `RONDEL_PRIORITY` was asked for. The descriptor is not read, written, made
/// non-blocking or closed here. `RONDEL_DISCONNECT` and `RONDEL_PRIORITY` are told where the system tells them: Linux, and
/// Windows, where only a reset is a disconnect.
///
/// Close the watch before the descriptor. One that was closed first is found out, at the latest before the loop next waits
/// (a little later if there are many), and `fn` is told `RONDEL_EBADF`, once; the watch is then good for nothing but
/// `rondel_close`. On Linux that is so also when the number has become another file's, or the file lives on in a duplicate.
///
/// Fails with `RONDEL_EEXIST` if this loop watches the descriptor already (ask for more with `rondel_fd_watch_set`), or a
/// stream, socket or file of this loop has it; with `RONDEL_EPERM` for what cannot be waited for, such as a regular file,
/// which is always ready; `RONDEL_EBADF` for no open descriptor, `RONDEL_EINVAL` for other events or without a function.
/// Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_fd_watch(
    r#loop: rondel_loop,
    fd: i64,
    events: i32,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_watch {
    number(with_loop_core(r#loop, |core| {
        let wanted = Interest::from_bits(events).ok_or(Error::EINVAL)?;
        core.start_fd_watch(fd, wanted, listener(r#fn, user_data)?)
    }))
}

/// Watches for other events from now on; 0 for none until the next call: the watch then does not keep the loop alive.
///
/// `RONDEL_EBADF` if the descriptor was closed meanwhile, `RONDEL_EEXIST` if the watch had paused and another handle has
/// the descriptor now, `RONDEL_EINVAL` for other events. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_fd_watch_set(watch: rondel_watch, events: i32) -> i64 {
    done(with_core(watch, |core, handle| {
        core.fd_watch_mut(handle)?;
        core.set_fd_watch(handle, Interest::from_bits(events).ok_or(Error::EINVAL)?)
    }))
}
