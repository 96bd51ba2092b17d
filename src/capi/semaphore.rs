// SPDX-License-Identifier: MIT OR Apache-2.0
//! Semaphores: so many at a time.

use super::types::*;
use super::{done, notify, number, with_core, with_loop_core};
use crate::error::to_code;
use std::ffi::c_void;

/// Makes a semaphore that `value` can acquire before others have to wait. It may never come above `bound` (0: it may).
///
/// `rondel_close` ends it: those who wait get `RONDEL_ECANCELED`. `RONDEL_EINVAL` if a number is negative or `value`
/// above `bound`. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_semaphore_new(r#loop: rondel_loop, value: i64, bound: i64) -> rondel_semaphore {
    number(with_loop_core(r#loop, |core| core.new_semaphore(value, bound)))
}

/// Takes one off a semaphore, waiting while it is 0: the result is 0.
///
/// Those who wait get it in the order in which they came; nobody comes in between. One that is cancelled, times out or
/// is let go by all who would hear of it leaves the line. When `rondel_cancel` says `RONDEL_ESTATE` you have it
/// already, and must release it. Waiting does not keep `rondel_run` going. `RONDEL_EINVAL` if `fn` is NULL: nobody
/// would know that one was taken. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_semaphore_acquire(
    semaphore: rondel_semaphore,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_core(semaphore, |core, handle| core.acquire_semaphore(handle, notify(r#fn, user_data))))
}

/// Takes one off a semaphore if it is not 0: gives 0, or `RONDEL_EAGAIN`. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_semaphore_try(semaphore: rondel_semaphore) -> i64 {
    done(with_core(semaphore, |core, handle| core.try_semaphore(handle)))
}

/// Adds one to a semaphore, which goes to the next who waits. `RONDEL_ESTATE` if it is at its bound. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_semaphore_release(semaphore: rondel_semaphore) -> i64 {
    done(with_core(semaphore, |core, handle| core.release_semaphore(handle)))
}

/// How many could acquire it now without waiting. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_semaphore_value(semaphore: rondel_semaphore) -> i64 {
    to_code(with_core(semaphore, |core, handle| core.semaphore_value(handle)))
}
