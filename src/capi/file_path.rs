// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files by their paths.

use super::file::{path, permissions, rondel_stat, to_id, to_stat, to_time};
use super::types::*;
use super::{notify, number, with_loop_core};
use crate::error::{Error, Result};
use crate::file::outcome::{Bytes, Outcome};
use crate::sys::file as system;
use crate::sys::lent::LentPlace;
use std::ffi::{c_char, c_void};
use std::fs;
use std::path::Path;

/// `rondel_file_symlink`: it leads to a folder.
pub const RONDEL_SYMLINK_FOLDER: i32 = 1;

/// `rondel_file_access`: it may be executed; a folder may be gone through.
pub const RONDEL_ACCESS_EXECUTE: i32 = 1;
/// `rondel_file_access`: it may be written to.
pub const RONDEL_ACCESS_WRITE: i32 = 2;
/// `rondel_file_access`: it may be read.
pub const RONDEL_ACCESS_READ: i32 = 4;

/// What is known of a file system. What it does not count is 0.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rondel_statfs {
    /// Which kind it is, by the system's own number (Linux: statfs(2)); else 0.
    pub r#type: u64,
    /// The size of its blocks.
    pub block_size: u64,
    /// How many blocks it has.
    pub blocks: u64,
    /// How many of them are free.
    pub blocks_free: u64,
    /// How many of them this user may still use.
    pub blocks_available: u64,
    /// How many files it can hold.
    pub files: u64,
    /// How many more.
    pub files_free: u64,
    /// How long a name can be.
    pub name_max: u64,
    /// Zero, for what is to come.
    pub reserved: [u64; 4],
}

/// An operation on one path, which is copied, if `check` is well.
///
/// # Safety
/// `text` is NULL or a C string, for the time of this call.
pub(super) unsafe fn on_checked_path<T: Into<Outcome>>(
    r#loop: rondel_loop,
    text: *const c_char,
    r#fn: rondel_fn,
    user_data: *mut c_void,
    check: Result<()>,
    work: impl FnOnce(&Path) -> Result<T> + Send + 'static,
) -> rondel_future {
    number(with_loop_core(r#loop, |core| {
        check?;
        // SAFETY: the promise of this function.
        let path = unsafe { path(text) }?;
        core.on_path(notify(r#fn, user_data), move || work(&path))
    }))
}

/// # Safety
/// As `on_checked_path`.
unsafe fn on_path<T: Into<Outcome>>(
    r#loop: rondel_loop,
    text: *const c_char,
    r#fn: rondel_fn,
    user_data: *mut c_void,
    work: impl FnOnce(&Path) -> Result<T> + Send + 'static,
) -> rondel_future {
    // SAFETY: the promise of this function.
    unsafe { on_checked_path(r#loop, text, r#fn, user_data, Ok(()), work) }
}

/// An operation on two paths, which are copied, if `check` is well.
///
/// # Safety
/// As `on_checked_path`, of both.
pub(super) unsafe fn on_checked_paths<T: Into<Outcome>>(
    r#loop: rondel_loop,
    from: *const c_char,
    to: *const c_char,
    r#fn: rondel_fn,
    user_data: *mut c_void,
    check: Result<()>,
    work: impl FnOnce(&Path, &Path) -> Result<T> + Send + 'static,
) -> rondel_future {
    number(with_loop_core(r#loop, |core| {
        check?;
        // SAFETY: the promise of this function.
        let (from, to) = unsafe { (path(from)?, path(to)?) };
        core.on_path(notify(r#fn, user_data), move || work(&from, &to))
    }))
}

/// # Safety
/// As `on_checked_paths`.
unsafe fn on_two_paths<T: Into<Outcome>>(
    r#loop: rondel_loop,
    from: *const c_char,
    to: *const c_char,
    r#fn: rondel_fn,
    user_data: *mut c_void,
    work: impl FnOnce(&Path, &Path) -> Result<T> + Send + 'static,
) -> rondel_future {
    // SAFETY: the promise of this function.
    unsafe { on_checked_paths(r#loop, from, to, r#fn, user_data, Ok(()), work) }
}

/// Whether `flags` are any of the bits of `all` and no others.
pub(super) fn known(flags: i32, all: i32) -> Result<()> {
    if flags & !all == 0 { Ok(()) } else { Err(Error::EINVAL) }
}

/// Writes what is known of the file at a path to `*out`, which is Rondel's until it completes; of a symbolic link, what
/// is known of the file it leads to.
///
/// `RONDEL_EINVAL` for NULL; else the errors of stat(2), such as `RONDEL_ENOENT`. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_file_stat(
    r#loop: rondel_loop,
    path: *const c_char,
    out: *mut rondel_stat,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    // SAFETY: what the caller of this function promises.
    unsafe { stat(r#loop, path, out, true, r#fn, user_data) }
}

/// As `rondel_file_stat`, but of a symbolic link itself. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_file_lstat(
    r#loop: rondel_loop,
    path: *const c_char,
    out: *mut rondel_stat,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    // SAFETY: what the caller of this function promises.
    unsafe { stat(r#loop, path, out, false, r#fn, user_data) }
}

unsafe fn stat(
    r#loop: rondel_loop,
    text: *const c_char,
    out: *mut rondel_stat,
    follow: bool,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_loop_core(r#loop, |core| {
        // SAFETY: what the caller of the public functions promises.
        let (path, out) = unsafe { (path(text)?, LentPlace::new(out).ok_or(Error::EINVAL)?) };
        core.on_path(notify(r#fn, user_data), move || {
            out.put(to_stat(&system::stat(&path, follow)?));
            Ok(())
        })
    }))
}

/// Finds the absolute path of a file without symbolic links, "." and "..": the result is its length, and
/// `rondel_future_bytes` gives the path itself.
///
/// The errors of realpath(3). Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_file_realpath(
    r#loop: rondel_loop,
    path: *const c_char,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    // SAFETY: what the caller of this function promises.
    unsafe {
        on_path(r#loop, path, r#fn, user_data, |path| {
            Ok(Bytes::new(system::path_bytes(system::real_path(path)?.into_os_string())?))
        })
    }
}

/// Finds where a symbolic link leads: the result is the length of that path, which `rondel_future_bytes` gives. See
/// readlink(2). Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_file_readlink(
    r#loop: rondel_loop,
    path: *const c_char,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    // SAFETY: what the caller of this function promises.
    unsafe {
        on_path(r#loop, path, r#fn, user_data, |path| {
            Ok(Bytes::new(system::path_bytes(fs::read_link(path)?.into_os_string())?))
        })
    }
}

/// Removes a name of a file, and the file with its last name. `rondel_dir_remove` is for folders. See unlink(2). Loop
/// thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_file_unlink(
    r#loop: rondel_loop,
    path: *const c_char,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    // SAFETY: what the caller of this function promises.
    unsafe { on_path(r#loop, path, r#fn, user_data, |path| Ok(fs::remove_file(path)?)) }
}

/// Gives a file or folder another name; a file that has that name is replaced, in one step. See rename(2). Loop thread
/// only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_file_rename(
    r#loop: rondel_loop,
    from: *const c_char,
    to: *const c_char,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    // SAFETY: what the caller of this function promises.
    unsafe { on_two_paths(r#loop, from, to, r#fn, user_data, |from, to| Ok(fs::rename(from, to)?)) }
}

/// Gives a file one more name. See link(2). Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_file_link(
    r#loop: rondel_loop,
    from: *const c_char,
    to: *const c_char,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    // SAFETY: what the caller of this function promises.
    unsafe { on_two_paths(r#loop, from, to, r#fn, user_data, |from, to| Ok(fs::hard_link(from, to)?)) }
}

/// Makes a symbolic link at `path` that leads to `target`, which need not be there and is kept as it stands.
///
/// `flags`: 0, or `RONDEL_SYMLINK_FOLDER` if it leads to a folder, which only Windows wants to know. `RONDEL_EINVAL`
/// for others. See symlink(2). Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_file_symlink(
    r#loop: rondel_loop,
    target: *const c_char,
    path: *const c_char,
    flags: i32,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    // SAFETY: what the caller of this function promises.
    unsafe {
        on_checked_paths(r#loop, target, path, r#fn, user_data, known(flags, 1), move |target, path| {
            Ok(system::symlink(target, path, flags & RONDEL_SYMLINK_FOLDER != 0)?)
        })
    }
}

/// Whether a program of this user may do something with the file: 0 if so, `RONDEL_EACCES` if not.
///
/// `mode`: any of `RONDEL_ACCESS_`, or 0 for whether it is there. `RONDEL_EINVAL` for others. What is so now may be
/// otherwise a moment later: it is better to try, and see. See access(2). Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_file_access(
    r#loop: rondel_loop,
    path: *const c_char,
    mode: i32,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    // SAFETY: what the caller of this function promises.
    unsafe {
        on_checked_path(r#loop, path, r#fn, user_data, known(mode, 7), move |path| {
            Ok(system::access(path, mode as u32)?)
        })
    }
}

/// Sets the permissions of the file at a path. `RONDEL_EINVAL` for a mode beyond 07777. See chmod(2). Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_file_chmod(
    r#loop: rondel_loop,
    path: *const c_char,
    mode: i32,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    // SAFETY: what the caller of this function promises.
    unsafe {
        on_checked_path(r#loop, path, r#fn, user_data, permissions(mode).map(drop), move |path| {
            Ok(system::chmod(path, mode as u32)?)
        })
    }
}

/// Sets the owner and group of the file at a path; -1 leaves one as it is.
///
/// `RONDEL_EINVAL` for what is no number of one; on Windows it fails with `RONDEL_ENOSYS`. See chown(2). Loop thread
/// only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_file_chown(
    r#loop: rondel_loop,
    path: *const c_char,
    uid: i64,
    gid: i64,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    // SAFETY: what the caller of this function promises.
    unsafe { chown(r#loop, path, uid, gid, true, r#fn, user_data) }
}

/// As `rondel_file_chown`, but of a symbolic link itself. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_file_lchown(
    r#loop: rondel_loop,
    path: *const c_char,
    uid: i64,
    gid: i64,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    // SAFETY: what the caller of this function promises.
    unsafe { chown(r#loop, path, uid, gid, false, r#fn, user_data) }
}

unsafe fn chown(
    r#loop: rondel_loop,
    path: *const c_char,
    uid: i64,
    gid: i64,
    follow: bool,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    let ids = to_id(uid).and_then(|uid| Ok((uid, to_id(gid)?)));
    // SAFETY: what the caller of the public functions promises.
    unsafe {
        on_checked_path(r#loop, path, r#fn, user_data, ids.map(drop), move |path| {
            let (user, group) = ids?;
            Ok(system::chown(path, user, group, follow)?)
        })
    }
}

/// Sets when the file at a path was read and written last: nanoseconds since 1970, `RONDEL_TIME_NOW` or
/// `RONDEL_TIME_OMIT`. See utimensat(2). Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_file_utime(
    r#loop: rondel_loop,
    path: *const c_char,
    atime: i64,
    mtime: i64,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    // SAFETY: what the caller of this function promises.
    unsafe {
        on_path(r#loop, path, r#fn, user_data, move |path| {
            Ok(system::utime(path, to_time(atime), to_time(mtime), true)?)
        })
    }
}

/// As `rondel_file_utime`, but of a symbolic link itself. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_file_lutime(
    r#loop: rondel_loop,
    path: *const c_char,
    atime: i64,
    mtime: i64,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    // SAFETY: what the caller of this function promises.
    unsafe {
        on_path(r#loop, path, r#fn, user_data, move |path| {
            Ok(system::utime(path, to_time(atime), to_time(mtime), false)?)
        })
    }
}

/// Writes what is known of the file system that holds the file at a path to `*out`, which is Rondel's until it
/// completes.
///
/// `RONDEL_EINVAL` for NULL; else the errors of statvfs(3). Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_file_statfs(
    r#loop: rondel_loop,
    path: *const c_char,
    out: *mut rondel_statfs,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_loop_core(r#loop, |core| {
        // SAFETY: what the caller of this function promises.
        let (path, out) = unsafe { (self::path(path)?, LentPlace::new(out).ok_or(Error::EINVAL)?) };
        core.on_path(notify(r#fn, user_data), move || {
            let found = system::statfs(&path)?;
            out.put(rondel_statfs {
                r#type: found.kind,
                block_size: found.block_size,
                blocks: found.blocks,
                blocks_free: found.blocks_free,
                blocks_available: found.blocks_available,
                files: found.files,
                files_free: found.files_free,
                name_max: found.name_max,
                reserved: [0; 4],
            });
            Ok(())
        })
    }))
}
