// SPDX-License-Identifier: MIT OR Apache-2.0
//! Locks: held by one at a time, for tasks and callbacks alike.

use super::types::*;
use super::{done, notify, number, with_core, with_loop_core};
use crate::error::to_code;
use std::ffi::c_void;

/// Makes a lock that nobody holds.
///
/// `rondel_close` ends it, held or not: those who wait get `RONDEL_ECANCELED`, and so do the waits of its conditions. A
/// lock knows no owner: whoever holds it may let another release it. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_lock_new(r#loop: rondel_loop) -> rondel_lock {
    number(with_loop_core(r#loop, |core| core.new_lock()))
}

/// Acquires a lock, waiting until it is free: the result is 0, and you hold it until `rondel_lock_release`.
///
/// Those who wait get it in the order in which they came; nobody comes in between. One that is cancelled, times out or
/// is let go by all who would hear of it leaves the line. When `rondel_cancel` says `RONDEL_ESTATE` you have the lock
/// already, and must release it. Waiting does not keep `rondel_run` going, as what it waits for must come from
/// something else. `RONDEL_EINVAL` if `fn` is NULL: nobody would know that the lock is held. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_lock_acquire(lock: rondel_lock, r#fn: rondel_fn, user_data: *mut c_void) -> rondel_future {
    number(with_core(lock, |core, handle| core.acquire_lock(handle, notify(r#fn, user_data))))
}

/// Acquires a lock if it is free: 0, or `RONDEL_EAGAIN` if it is held. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_lock_try(lock: rondel_lock) -> i64 {
    done(with_core(lock, |core, handle| core.try_lock(handle)))
}

/// Releases a lock, which goes to the next who waits. `RONDEL_ESTATE` if it is not held. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_lock_release(lock: rondel_lock) -> i64 {
    done(with_core(lock, |core, handle| core.release_lock(handle)))
}

/// 1 if the lock is held, else 0. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_lock_held(lock: rondel_lock) -> i64 {
    to_code(with_core(lock, |core, handle| core.is_lock_held(handle).map(i64::from)))
}
