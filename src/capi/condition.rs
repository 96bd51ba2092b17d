// SPDX-License-Identifier: MIT OR Apache-2.0
//! Conditions: where those who hold a lock wait until another holder changed something.

use super::types::*;
use super::{notify, number, with_core};
use crate::error::to_code;
use std::ffi::c_void;

/// Makes a condition that goes with a lock. One lock may have several. Loop thread only.
///
/// `rondel_close` ends it; the lock stays. Its waits then end with `RONDEL_ECANCELED` at once and without the lock: the
/// one case in which they do not have it, as when the lock itself is closed.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_condition_new(lock: rondel_lock) -> rondel_condition {
    number(with_core(lock, |core, handle| core.new_condition(handle)))
}

/// Releases the lock, waits to be notified, and acquires the lock again: the result is 0, and the lock is held.
///
/// The lock is held also when the wait is cancelled or times out: it ends with that code once it has the lock again,
/// and a notice that it got before goes to the next who waits. Only one that nobody would hear of ends without the
/// lock. What was waited for may have changed again in between, so look, and wait again if need be. Waiting does not
/// keep `rondel_run` going.
///
/// `RONDEL_ESTATE` if the lock is not held, `RONDEL_EGONE` if it is closed, `RONDEL_EINVAL` if `fn` is NULL: nobody
/// would know that the lock is held. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_condition_wait(
    condition: rondel_condition,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_core(condition, |core, handle| core.wait_for_condition(handle, notify(r#fn, user_data))))
}

/// Notifies `n` of those who wait, or as many as there are, the first ones first; gives how many. They go on one by one
/// as they get the lock, which you still hold.
///
/// `RONDEL_ESTATE` if the lock is not held, `RONDEL_EGONE` if it is closed, `RONDEL_EINVAL` if `n` is negative. Loop
/// thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_condition_notify(condition: rondel_condition, n: i64) -> i64 {
    to_code(with_core(condition, |core, handle| core.notify_condition(handle, n)))
}

/// As `rondel_condition_notify`, of all who wait. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_condition_notify_all(condition: rondel_condition) -> i64 {
    to_code(with_core(condition, |core, handle| core.notify_condition(handle, i64::MAX)))
}
