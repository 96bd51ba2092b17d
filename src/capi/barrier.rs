// SPDX-License-Identifier: MIT OR Apache-2.0
//! Barriers: so many wait until all have come, and go on together.

use super::types::*;
use super::{done, notify, number, with_core, with_loop_core};
use crate::error::to_code;
use std::ffi::c_void;

/// Makes a barrier for so many parties.
///
/// `rondel_close` ends it: those who wait get `RONDEL_ECANCELED`. `RONDEL_EINVAL` unless `parties` is positive. Loop
/// thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_barrier_new(r#loop: rondel_loop, parties: i64) -> rondel_barrier {
    number(with_loop_core(r#loop, |core| core.new_barrier(parties)))
}

/// Waits until all parties do: the result is the place in which one came, from 0 to one less than the parties.
///
/// All go on at once, and the next round may begin. One that is cancelled or times out leaves, and another is needed in
/// its place. `RONDEL_EBROKEN` as the result if the barrier is reset or aborted meanwhile, and at once if it is broken.
/// Waiting does not keep `rondel_run` going. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_barrier_wait(
    barrier: rondel_barrier,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_core(barrier, |core, handle| core.wait_at_barrier(handle, notify(r#fn, user_data))))
}

/// Sends those who wait away with `RONDEL_EBROKEN`; the barrier is as new, also if it was aborted. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_barrier_reset(barrier: rondel_barrier) -> i64 {
    done(with_core(barrier, |core, handle| core.break_barrier(handle, false)))
}

/// Breaks the barrier: who waits, and who comes before it is reset, gets `RONDEL_EBROKEN`. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_barrier_abort(barrier: rondel_barrier) -> i64 {
    done(with_core(barrier, |core, handle| core.break_barrier(handle, true)))
}

/// How many wait. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_barrier_waiting(barrier: rondel_barrier) -> i64 {
    to_code(with_core(barrier, |core, handle| core.barrier_waiting(handle)))
}

/// 1 if the barrier was aborted and not reset since, else 0. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_barrier_broken(barrier: rondel_barrier) -> i64 {
    to_code(with_core(barrier, |core, handle| core.is_barrier_broken(handle).map(i64::from)))
}
