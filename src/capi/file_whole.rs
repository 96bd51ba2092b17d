// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whole files.

use super::file::{path, permissions};
use super::file_path::{known, on_checked_path, on_checked_paths};
use super::types::*;
use super::{notify, number, with_loop_core};
use crate::error::Error;
use crate::file::copy::{Manner, copy};
use crate::file::whole;
use crate::sys::lent::LentBytes;
use std::ffi::{c_char, c_void};

/// `rondel_file_copy`: fail with `RONDEL_EEXIST` if there is something at the new path.
pub const RONDEL_COPY_EXCLUSIVE: i32 = 1;
/// `rondel_file_copy`: share the blocks, or fail where the file system cannot.
pub const RONDEL_COPY_CLONE: i32 = 2;

/// Reads a whole file: the result is its length, and `rondel_future_bytes` gives the bytes, which belong to the future.
///
/// It fails with `RONDEL_EFBIG` if there are more than `most` bytes; 0: any number. `RONDEL_EINVAL` if that is
/// negative, or for NULL; else the errors of open(2) and read(2), and `RONDEL_ENOMEM`. Of what one would have to wait for,
/// as of a fifo whose writer has not written all, it fails with `RONDEL_EAGAIN` (see `rondel_file_open`), and what was read
/// until then is gone. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_file_slurp(
    r#loop: rondel_loop,
    path: *const c_char,
    most: i64,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    let limit = u64::try_from(most).map_err(|_| Error::EINVAL);
    // SAFETY: what the caller of this function promises.
    unsafe {
        on_checked_path(r#loop, path, r#fn, user_data, limit.map(drop), move |path| {
            whole::slurp(path, if most == 0 { u64::MAX } else { most as u64 })
        })
    }
}

/// Writes a whole file, in the place of the one that is there or of none: the result is `length`.
///
/// Whoever looks sees all of the old file or all of the new one, after a crash of the machine too: the bytes go to a
/// temporary file in the same folder (its name begins with ".rondel-"), to the disk, and then under the path. Cancelled, it
/// leaves the old file untouched or, if that came too late, the new one, whole; and so if it fails, where the new one is
/// there only if the disk failed at the very end. The temporary file is gone then; only a program that is killed
/// meanwhile leaves it behind. A new file gets the permissions `mode`, less what umask(2) takes away; one that is replaced
/// keeps its own, and its owner if that is permitted, but not its further names. A symbolic link stays, and the file it
/// leads to is replaced.
///
/// The bytes are not copied: they must stay as they are until it completes, also if it is cancelled. `RONDEL_EINVAL`
/// for NULL, an impossible length or a mode beyond 07777, and for what is neither a file nor a folder
/// (`RONDEL_EISDIR`). Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_file_spew(
    r#loop: rondel_loop,
    path: *const c_char,
    bytes: *const c_void,
    length: usize,
    mode: i32,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_loop_core(r#loop, |core| {
        // SAFETY: what the caller of this function promises.
        let (path, bytes) = unsafe { (self::path(path)?, LentBytes::new(bytes.cast(), length)) };
        let (bytes, mode) = (bytes.ok_or(Error::EINVAL)?, permissions(mode)?);
        core.on_path(notify(r#fn, user_data), move || whole::spew(&path, bytes.slice(), mode))
    }))
}

/// Copies a file with its permissions: the result is how many bytes it had. A file that is there is written over.
///
/// Where the file system can, both share their blocks until one is written to; else the bytes do not leave the kernel
/// where it can do that. `flags`: any of `RONDEL_COPY_`. If it fails, or is cancelled before it is complete, what it has
/// made is removed, and a file that was there before is incomplete; cancelled later, the copy is there, whole.
/// A device or a fifo may be copied to: a fifo fails with `RONDEL_EAGAIN` when it is full, with what it has room for in it.
/// `RONDEL_EINVAL` for other flags, for a file onto itself, and to copy from what is neither a file nor a folder
/// (`RONDEL_EISDIR`). Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_file_copy(
    r#loop: rondel_loop,
    from: *const c_char,
    to: *const c_char,
    flags: i32,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    let manner = Manner { exclusive: flags & RONDEL_COPY_EXCLUSIVE != 0, clone_only: flags & RONDEL_COPY_CLONE != 0 };
    // SAFETY: what the caller of this function promises.
    unsafe {
        on_checked_paths(r#loop, from, to, r#fn, user_data, known(flags, 3), move |from, to| copy(from, to, manner))
    }
}
