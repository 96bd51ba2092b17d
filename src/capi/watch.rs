// SPDX-License-Identifier: MIT OR Apache-2.0
//! Watches of paths: files and folders that change.

use super::tcp::put_bytes;
use super::types::*;
use super::{listener, number, with_core, with_loop_core};
use crate::error::{Error, Result, to_code};
use crate::sys::{file as system, lent::c_string};
use crate::watch::{Manner, Watch};
use std::ffi::{c_char, c_void};

/// `rondel_watch_start`: it is there, and was not: made, or moved here from elsewhere.
pub const RONDEL_WATCH_CREATED: i64 = 1;
/// `rondel_watch_start`: what is in the file is other than before.
pub const RONDEL_WATCH_MODIFIED: i64 = 2;
/// `rondel_watch_start`: it is not there any more: removed, or moved elsewhere.
pub const RONDEL_WATCH_REMOVED: i64 = 4;
/// `rondel_watch_start`: it has this name now, and had another.
pub const RONDEL_WATCH_RENAMED: i64 = 8;
/// `rondel_watch_start`: its owner, mode, times or number of names changed.
pub const RONDEL_WATCH_ATTRIBUTES: i64 = 16;
/// `rondel_watch_start`: changes of it, or below it, were lost; look for yourself.
pub const RONDEL_WATCH_OVERFLOW: i64 = 32;
/// `rondel_watch_start`, a flag: all folders below it, too, those that are made later included.
pub const RONDEL_WATCH_RECURSIVE: i32 = 256;
/// `rondel_watch_start`, a flag: it need not be there yet.
pub const RONDEL_WATCH_MISSING: i32 = 512;

/// Watches a file or folder: `fn(watch, what, user_data)` is told in each turn in which something happened to it, or to
/// what is in the folder. `what` is a mask of `RONDEL_WATCH_CREATED`, `_MODIFIED`, `_REMOVED`, `_RENAMED`, `_ATTRIBUTES` and
/// `_OVERFLOW`; which paths they are is asked for with `rondel_watch_count` and its kin, until `fn` is called again. (With
/// `rondel_enqueue`: until the next `rondel_next`.)
///
/// `flags`: `RONDEL_WATCH_RECURSIVE` for everything below a folder, not through symbolic links; `RONDEL_WATCH_MISSING` for a
/// path that need not be there yet. What happens after this call is told, also what happens before the loop runs.
///
/// It is the path that is watched. A file that an editor replaces by renaming another one over it is told as
/// `RONDEL_WATCH_RENAMED`, and the new file is watched from then on. A path that is removed is told so, and told as
/// `RONDEL_WATCH_CREATED` when it is there again, with what a new folder has in it; with both, look whether it is there. A
/// symbolic link is followed. When it comes to lead elsewhere that is told, on Linux also of a link further up. That a folder
/// further up is renamed is not noticed. Something that is moved between folders that are watched is
/// `RONDEL_WATCH_RENAMED`; from or to elsewhere it is created or removed. Two names that are exchanged are told as renamed each,
/// one after the other, and what is in an exchanged folder as created.
///
/// `RONDEL_WATCH_OVERFLOW` says that the system could not tell all, or that no more folders can be watched; the path it has
/// says where to look. In the child of a fork each watch is told it once, of its path, after `rondel_loop_fork`: what happened
/// in between was told to the parent alone. (One of `rondel_watch_poll` is not: it looks what has changed.)
///
/// On Linux `RONDEL_WATCH_RECURSIVE` walks through all folders below before this returns, on the loop's thread, which takes
/// its time in a large tree; a folder that comes into the tree later is walked through in the turn that tells of it.
///
/// Fails with `RONDEL_ENOENT`; `RONDEL_EACCES`; `RONDEL_ENOSPC` or `RONDEL_EMFILE` when the system's limits for watches are
/// reached; `RONDEL_EINVAL` for NULL, an empty path, other flags, or without a function; `RONDEL_ENOSYS` where the library
/// was built without it. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_watch_start(
    r#loop: rondel_loop,
    path: *const c_char,
    flags: i32,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_path_watch {
    // SAFETY: what the caller of this function promises.
    unsafe { start(r#loop, path, flags, None, r#fn, user_data) }
}

/// As `rondel_watch_start`, by looking every `every` nanoseconds what has changed, where the system does not tell: network
/// file systems, /proc and the like. What changed and changed back meanwhile is not seen. In a large folder
/// whose names change during every look, a file that is renamed may be told as removed and created.
///
/// Each path is told of by itself, in an order that means nothing: of a folder that was renamed or removed, also all that was
/// in it. A path that another file was renamed over is told as removed and created.
///
/// It looks on the worker pool, the first time before this returns. `RONDEL_EINVAL` also for an `every` of 0 or less. Loop
/// thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_watch_poll(
    r#loop: rondel_loop,
    path: *const c_char,
    flags: i32,
    every: i64,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_path_watch {
    // SAFETY: what the caller of this function promises.
    unsafe { start(r#loop, path, flags, Some(every), r#fn, user_data) }
}

unsafe fn start(
    r#loop: rondel_loop,
    path: *const c_char,
    flags: i32,
    every: Option<i64>,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> i64 {
    number(with_loop_core(r#loop, |core| {
        let recursive = flags & RONDEL_WATCH_RECURSIVE != 0;
        let missing = flags & RONDEL_WATCH_MISSING != 0;
        // SAFETY: what the caller of this function promises.
        let path = unsafe { c_string(path) }.filter(|path| !path.is_empty()).ok_or(Error::EINVAL)?;
        if flags & !(RONDEL_WATCH_RECURSIVE | RONDEL_WATCH_MISSING) != 0 || every.is_some_and(|every| every <= 0) {
            return Err(Error::EINVAL);
        }
        core.watch_path(
            system::CallersPath::new(path)?.to_owned(),
            Manner { recursive, missing, every },
            listener(r#fn, user_data)?,
        )
    }))
}

/// How many paths the last call told of. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_watch_count(watch: rondel_path_watch) -> i64 {
    to_code(with_core(watch, |core, handle| core.watch_mut(handle).map(|watch| watch.count() as i64)))
}

/// What happened to one of the paths, counted from 0, in the order in which it began: a mask as in `rondel_watch_start`.
///
/// `RONDEL_EINVAL` beyond the last one. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_watch_what(watch: rondel_path_watch, index: usize) -> i64 {
    to_code(with_core(watch, |core, handle| core.watch_mut(handle)?.change(index).map(|change| change.what.0)))
}

/// Writes one of the paths, counted from 0, to `text` (which may be NULL), and gives its length without the NUL. It begins with
/// the path that is watched, as it was given, unless it is the name that one itself has been renamed to, which lies beside it.
///
/// `RONDEL_ENOBUFS` if `size` is too small, `RONDEL_EINVAL` beyond the last one. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_watch_path(
    watch: rondel_path_watch,
    index: usize,
    text: *mut c_char,
    size: usize,
) -> i64 {
    // SAFETY: what the caller of this function promises.
    unsafe { put_path(watch, text, size, |watch| Ok(Some(watch.change(index)?.path.clone()))) }
}

/// As `rondel_watch_path`, the name that a path had before it was renamed: 0 and an empty text if it was not. Loop thread
/// only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_watch_old_path(
    watch: rondel_path_watch,
    index: usize,
    text: *mut c_char,
    size: usize,
) -> i64 {
    // SAFETY: what the caller of this function promises.
    unsafe { put_path(watch, text, size, |watch| Ok(watch.change(index)?.old.clone())) }
}

/// Writes the path that is watched, as it was given, to `text` (which may be NULL), and gives its length without the NUL.
///
/// `RONDEL_ENOBUFS` if `size` is too small. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_watch_root(watch: rondel_path_watch, text: *mut c_char, size: usize) -> i64 {
    // SAFETY: what the caller of this function promises.
    unsafe { put_path(watch, text, size, |watch| Ok(Some(watch.root()))) }
}

unsafe fn put_path(
    watch: rondel_path_watch,
    text: *mut c_char,
    size: usize,
    which: impl FnOnce(&Watch) -> Result<Option<std::path::PathBuf>>,
) -> i64 {
    to_code(with_core(watch, |core, handle| {
        let path = which(core.watch_mut(handle)?)?.unwrap_or_default();
        // SAFETY: what the caller of this function promises.
        unsafe { put_bytes(&system::path_bytes(path.into_os_string())?, text, size) }
    }))
}
