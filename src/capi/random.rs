// SPDX-License-Identifier: MIT OR Apache-2.0
//! Random bytes.

use super::types::*;
use super::{done, notify, number, with_loop_core};
use crate::error::{Error, Result};
use crate::file::whole::stop_if_unwanted;
use crate::pool::Lane;
use crate::random;
use crate::sys::lent::LentBuffer;
use std::ffi::c_void;

/// Fills memory with random bytes from the system, fit for keys: the result is 0.
///
/// It runs on the worker pool, in the lane for files: soon after a machine was started the system may have to wait until
/// it has gathered enough to begin with, and very many bytes take a while. The memory is Rondel's until it completes,
/// also if it is cancelled; what is in it then, or after an error, is not random. `RONDEL_EINVAL` for NULL where there
/// are to be bytes, or an impossible length; any other length is possible, 0 too. See getrandom(2). Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_random(
    r#loop: rondel_loop,
    bytes: *mut c_void,
    length: usize,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_loop_core(r#loop, |core| {
        // SAFETY: what the caller of this function promises.
        let mut room = unsafe { room(bytes, length) }?;
        core.run_on_pool(Lane::Files, core.handle, notify(r#fn, user_data), move || {
            done(random::fill(room.as_mut().map_or(&mut [], LentBuffer::slice), stop_if_unwanted))
        })
    }))
}

/// As `rondel_random`, but at once, on the thread that calls: 0. For a few bytes that is quicker. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_random_fill(bytes: *mut c_void, length: usize) -> i64 {
    // SAFETY: what the caller of this function promises.
    let room = unsafe { room(bytes, length) };
    done(room.and_then(|mut room| random::fill(room.as_mut().map_or(&mut [], LentBuffer::slice), || Ok(()))))
}

/// `None`: there is nothing to fill.
///
/// # Safety
/// As for `LentBuffer::new`.
unsafe fn room(bytes: *mut c_void, length: usize) -> Result<Option<LentBuffer>> {
    // SAFETY: the promise of this function.
    let room = unsafe { LentBuffer::new(bytes.cast(), length) };
    if room.is_none() && length > 0 { Err(Error::EINVAL) } else { Ok(room) }
}
