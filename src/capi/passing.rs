// SPDX-License-Identifier: MIT OR Apache-2.0
//! Passing descriptors to other processes.

use super::types::*;
use super::{done, notify, number, with_core};
use crate::error::{Error, Result, to_code};
use crate::sys::lent::{LentBytes, LentNumbers};
use crate::sys::{self, RawSource};
use std::ffi::c_void;

/// Writes bytes to a local socket, and passes the descriptors behind `count` handles of this loop along with the first of
/// them: streams, listeners, files, whatever has a descriptor. The result is `length`.
///
/// The peer gets descriptors of its own, of the same sockets and files; the handles stay as they are, and yours to
/// close. They may be closed as soon as this returns. It leaves in its turn among other writes. Of a stream only what the
/// system holds goes along: `RONDEL_EBUSY` if bytes of it were received and not read here, also by a read that
/// waits for more.
///
/// `RONDEL_EINVAL` without a byte to go with them, for more than 253 at once, or NULL where something is needed;
/// `RONDEL_ENOTCONN` for a handle that has no descriptor yet, `RONDEL_ENOTSOCK` for ends of pipes, `RONDEL_EMFILE` if they
/// must wait and no duplicates can be had, `RONDEL_ETOOMANYREFS` if too many are on their way already; on Windows
/// `RONDEL_EOPNOTSUPP`. Else as `rondel_write`. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_pipe_send_handles(
    pipe: rondel_pipe,
    bytes: *const c_void,
    length: usize,
    handles: *const rondel_handle,
    count: usize,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_core(pipe, |core, handle| {
        core.check_passing(handle)?;
        // SAFETY: what the caller of this function promises, for the time of this call.
        let (bytes, handles) = unsafe { arguments(bytes, length, handles, count) }?;
        let fds = core.descriptors_to_pass(handles.iter())?;
        core.write_passing(handle, bytes, &fds, notify(r#fn, user_data))
    }))
}

/// As `rondel_pipe_send_handles`, of descriptors of yours. `RONDEL_EBADF` if one is none. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_pipe_send_fds(
    pipe: rondel_pipe,
    bytes: *const c_void,
    length: usize,
    fds: *const i64,
    count: usize,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_core(pipe, |core, handle| {
        core.check_passing(handle)?;
        // SAFETY: what the caller of this function promises, for the time of this call.
        let (bytes, fds) = unsafe { arguments(bytes, length, fds, count) }?;
        let fds: Vec<RawSource> = fds.iter().map(sys::raw_source).collect::<std::io::Result<_>>()?;
        core.write_passing(handle, bytes, &fds, notify(r#fn, user_data))
    }))
}

/// # Safety
/// As of `LentBytes::new` and `LentNumbers::new`.
unsafe fn arguments(
    bytes: *const c_void,
    length: usize,
    numbers: *const i64,
    count: usize,
) -> Result<(LentBytes, LentNumbers)> {
    if count > sys::passing::MOST || (count > 0 && length == 0) {
        return Err(Error::EINVAL);
    }
    // SAFETY: the promise of this function.
    unsafe {
        let bytes = LentBytes::new(bytes.cast(), length).ok_or(Error::EINVAL)?;
        let numbers = LentNumbers::new(numbers, count).ok_or(Error::EINVAL)?;
        Ok((bytes, numbers))
    }
}

/// Takes in the descriptors that the peer of a local socket passes from now on, so many waiting to be taken at most.
///
/// Without this (and with a limit of 0, which also closes those that wait) the system closes what comes. Descriptors
/// come with the first byte of the write they were sent with: when a read function is told of that byte, or a read of it
/// completes, `rondel_pipe_take_handle` and `rondel_pipe_take_fd` have them. Those that nobody takes are closed with the
/// handle. A peer that you do not trust may pass anything: look at what you take.
///
/// `RONDEL_EINVAL` for a negative limit, `RONDEL_ENOTCONN`, `RONDEL_ENOTSOCK` for ends of pipes, on Windows
/// `RONDEL_EOPNOTSUPP`. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_pipe_receive_fds(pipe: rondel_pipe, limit: i64) -> i64 {
    done(with_core(pipe, |core, handle| {
        core.check_passing(handle)?;
        core.allow_passing(handle, usize::try_from(limit).map_err(|_| Error::EINVAL)?)
    }))
}

/// Takes the next descriptor that the peer has passed: it is yours to use and to close, and children do not inherit it.
///
/// `RONDEL_EAGAIN` if none waits. `RONDEL_EMSGSIZE` once where some are missing, because more came than the limit allows or
/// this process had no room for more descriptors; errors else as for `rondel_pipe_receive_fds`. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_pipe_take_fd(pipe: rondel_pipe) -> i64 {
    to_code(with_core(pipe, |core, handle| core.take_passed(handle)))
}

/// As `rondel_pipe_take_fd`, as a handle of this loop: whatever `rondel_tcp_open`, `rondel_udp_open`, `rondel_pipe_open` or
/// else `rondel_file_open_fd` makes of it; `rondel_kind` tells which.
///
/// Errors also as those have them: the descriptor then waits on, for `rondel_pipe_take_fd`. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_pipe_take_handle(pipe: rondel_pipe) -> rondel_handle {
    number(with_core(pipe, |core, handle| core.take_passed_handle(handle)))
}
