// SPDX-License-Identifier: MIT OR Apache-2.0
//! Signals.

use super::types::*;
use super::{listener, number, with_loop_core};
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
