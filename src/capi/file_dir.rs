// SPDX-License-Identifier: MIT OR Apache-2.0
//! Folders and temporary files.

use super::file::{permissions, rondel_file};
use super::file_path::on_checked_path;
use super::types::*;
use super::{done, notify, number, with_core, with_loop_core};
use crate::error::{Error, Result};
use crate::file::Order;
use crate::file::folder;
use crate::file::outcome::{Bytes, Found, Made, Outcome};
use crate::file::whole::stop_if_unwanted;
use crate::sys::file::{self as system, CallersPath};
use crate::sys::folder::remove_tree;
use crate::sys::lent::c_string;
use std::ffi::{CString, c_char, c_void};
use std::fs;

/// A name in a folder.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rondel_dirent {
    /// The name, which belongs to the future.
    pub name: *const c_char,
    /// How long it is, without its NUL.
    pub length: usize,
    /// Which `RONDEL_FILE_` it is; `RONDEL_FILE_UNKNOWN` where the file system does not tell, so that one has to ask
    /// `rondel_file_lstat`.
    pub r#type: i64,
}

/// Makes a folder. `mode`: its permissions, less what umask(2) takes away. `RONDEL_EEXIST` if there is something. See
/// mkdir(2). Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_dir_make(
    r#loop: rondel_loop,
    path: *const c_char,
    mode: i32,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    // SAFETY: what the caller of this function promises.
    unsafe {
        on_checked_path(r#loop, path, r#fn, user_data, permissions(mode).map(drop), move |path| {
            Ok(system::make_folder(path, mode as u32, false)?)
        })
    }
}

/// Makes a folder and those above it that are not there, all with the same permissions. 0 also if it is there. Loop
/// thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_dir_make_all(
    r#loop: rondel_loop,
    path: *const c_char,
    mode: i32,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    // SAFETY: what the caller of this function promises.
    unsafe {
        on_checked_path(r#loop, path, r#fn, user_data, permissions(mode).map(drop), move |path| {
            folder::make_all(path, mode as u32)
        })
    }
}

/// Removes an empty folder. See rmdir(2). Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_dir_remove(
    r#loop: rondel_loop,
    path: *const c_char,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    // SAFETY: what the caller of this function promises.
    unsafe { on_checked_path(r#loop, path, r#fn, user_data, Ok(()), |path| Ok(fs::remove_dir(path)?)) }
}

/// Removes a folder with all that is in it. Symbolic links are removed, not followed. It stops at the first error.
///
/// It stops as well when it is cancelled or its deadline is over, and completes then: what was removed before is gone,
/// the rest is left. On Windows it comes to a stop only between the names of the folder itself. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_dir_remove_all(
    r#loop: rondel_loop,
    path: *const c_char,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    // SAFETY: what the caller of this function promises.
    unsafe { on_checked_path(r#loop, path, r#fn, user_data, Ok(()), |path| remove_tree(path, stop_if_unwanted)) }
}

/// Looks what is in a folder: the result is how many names there are beside "." and "..", and `rondel_dir_entry` gives
/// them, in the order of their bytes. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_dir_scan(
    r#loop: rondel_loop,
    path: *const c_char,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    // SAFETY: what the caller of this function promises.
    unsafe { on_checked_path(r#loop, path, r#fn, user_data, Ok(()), folder::scan) }
}

/// Reads on in an open folder: the result is how many further names there are beside "." and "..", at most `most`, and
/// `rondel_dir_entry` gives them, in the folder's own order; 0 at the end, and from then on.
///
/// `folder`: what `rondel_file_open` opened with `RONDEL_OPEN_READ` (and `RONDEL_OPEN_FOLDER`); to begin again, open it
/// again. Reads of one folder run one after the other, in the order of their starts. Each name that is there all the
/// time comes once; one that comes or goes meanwhile may come or not. The names that a cancelled read has found already
/// do not come again. On Unix it takes a second descriptor until it is at its end or closed. The child of a fork and
/// its parent share the system's place in the folder: each name comes in one of them or in both.
///
/// Refused with `RONDEL_EINVAL` if `most` is not positive. `RONDEL_ENOTDIR` for a file that is no folder. Loop thread
/// only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_dir_read(
    folder: rondel_file,
    most: i64,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_core(folder, |core, handle| {
        core.file_mut(handle)?;
        let most = usize::try_from(most.min(isize::MAX as i64)).ok().filter(|most| *most > 0).ok_or(Error::EINVAL)?;
        core.on_file(handle, Order::AfterThoseBefore, notify(r#fn, user_data), move |open| folder::read(open, most))
    }))
}

/// One of the names that `rondel_dir_scan` or `rondel_dir_read` found, counted from 0. It is valid as long as the
/// future: in its callback, or while it is kept.
///
/// `RONDEL_EINVAL` beyond the last one or for NULL, `RONDEL_EAGAIN` while it is pending, `RONDEL_EKIND` for the future
/// of another operation. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_dir_entry(future: rondel_future, index: usize, out: *mut rondel_dirent) -> i64 {
    done(with_core(future, |core, handle| {
        let entry = core.found_entry(handle, index)?;
        if out.is_null() {
            return Err(Error::EINVAL);
        }
        let name = entry.name.slice();
        let found = rondel_dirent { name: name.as_ptr().cast(), length: name.len(), r#type: entry.kind as i64 };
        // SAFETY: the caller promises a place for an entry.
        unsafe { out.write(found) };
        Ok(())
    }))
}

/// Makes a folder under a new name, which nobody else may enter: `template` must end in "XXXXXX", and in their place
/// come letters and digits. The result is the length of its path, which `rondel_future_bytes` gives. If it is cancelled,
/// no folder is left. `RONDEL_EINVAL` for another template. See mkdtemp(3). Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_dir_make_temp(
    r#loop: rondel_loop,
    template: *const c_char,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_loop_core(r#loop, |core| {
        // SAFETY: what the caller of this function promises.
        let start = unsafe { start_of(template) }?;
        core.on_path(notify(r#fn, user_data), move || {
            let made = folder::make_temporary_folder(&start)?;
            let path = Bytes::new(system::path_bytes(made.clone().into_os_string())?);
            Ok(Outcome::from(path).made(Made::folder(made)))
        })
    }))
}

/// Makes a file under a new name and opens it to read and write; nobody else may. The result is its handle, and
/// `rondel_future_bytes` gives its path. If it is cancelled, no file is left. The template is as for
/// `rondel_dir_make_temp`. See mkstemp(3). Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_file_make_temp(
    r#loop: rondel_loop,
    template: *const c_char,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_loop_core(r#loop, |core| {
        // SAFETY: what the caller of this function promises.
        let start = unsafe { start_of(template) }?;
        core.open_on_path(notify(r#fn, user_data), move || {
            let (open, made) = folder::make_temporary_file(&start, 0o600)?;
            let path = Bytes::new(system::path_bytes(made.clone().into_os_string())?);
            Ok(Outcome { result: 0, found: Found::File(open, Some(path)), made: Some(Made::file(made)) })
        })
    }))
}

/// What stands before the "XXXXXX" of a template.
unsafe fn start_of(template: *const c_char) -> Result<CallersPath> {
    // SAFETY: what the caller of this function promises.
    let template = unsafe { c_string(template) }.ok_or(Error::EINVAL)?;
    let start = template.to_bytes().strip_suffix(b"XXXXXX").ok_or(Error::EINVAL)?;
    Ok(CallersPath::new(&CString::new(start).map_err(|_| Error::EINVAL)?)?)
}
