// SPDX-License-Identifier: MIT OR Apache-2.0
//! Signals.

use super::types::*;
use super::{listener, notify, number, with_loop_core};
use std::ffi::c_void;

/// Has `fn(signal, signum, user_data)` called on the loop each time the process gets the signal; several that come before
/// the loop looks are told as one.
///
/// Any number of watchers and loops may watch the same signal. While any does, Rondel's handler stands in the place of
/// the one that was there before, which comes back when the last watcher is closed; a handler that the program installs
/// meanwhile stays. `RONDEL_EINVAL` for a number that is no signal, SIGKILL and SIGSTOP, the faults SIGSEGV, SIGBUS, SIGFPE
/// and SIGILL, or without a function; on Windows there are SIGINT (Ctrl-C) and SIGBREAK. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_signal_start(
    r#loop: rondel_loop,
    signum: i32,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_signal {
    number(with_loop_core(r#loop, |core| core.watch_signal(signum, listener(r#fn, user_data)?)))
}

/// Waits for the next time that the process gets the signal: the result is its number.
///
/// So a task can wait for one, with a deadline, or together with other things. One that comes while nobody waits for it or
/// watches it does what it would without Rondel: keep a `rondel_signal_start` if that must not be. Handlers and refused
/// numbers are as there. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_signal_wait(
    r#loop: rondel_loop,
    signum: i32,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_loop_core(r#loop, |core| core.wait_for_signal(signum, notify(r#fn, user_data))))
}
