// SPDX-License-Identifier: MIT OR Apache-2.0
//! Timers.

use super::types::*;
use super::{done, listener, number, with_core, with_loop_core};
use crate::error::to_code;
use std::ffi::c_void;

/// Starts a timer that fires after `after` nanoseconds and then every `every` (0: once).
///
/// It never fires early. `fn(timer, periods, user_data)`: how many periods have passed since it fired last, 1 when it is
/// on time; a late loop fires it once. Timers due at the same time fire in the order of their start. A timer that
/// fired for the last time stays, stopped, until `rondel_close`. `RONDEL_EINVAL` for a negative time or without a
/// function. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_timer_start(
    r#loop: rondel_loop,
    after: i64,
    every: i64,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_timer {
    number(with_loop_core(r#loop, |core| core.start_timer(after, every, listener(r#fn, user_data)?)))
}

/// Starts a timer anew with other times, whether it runs or not. `RONDEL_EINVAL` for a negative time. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_timer_set(timer: rondel_timer, after: i64, every: i64) -> i64 {
    done(with_core(timer, |core, handle| core.set_timer(handle, after, every)))
}

/// Starts a timer anew: it fires after its period, or after its first delay if it has none. Loop thread only.
///
/// This is the cheap way to put off a deadline each time something happens.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_timer_again(timer: rondel_timer) -> i64 {
    done(with_core(timer, |core, handle| core.restart_timer(handle)))
}

/// Stops a timer; it can be started again. 0 also if it did not run. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_timer_stop(timer: rondel_timer) -> i64 {
    done(with_core(timer, |core, handle| core.stop_timer(handle)))
}

/// Nanoseconds until a timer fires, 0 if it is overdue; `RONDEL_ESTATE` if it is stopped. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_timer_due_in(timer: rondel_timer) -> i64 {
    to_code(with_core(timer, |core, handle| core.timer_due_in(handle)))
}
