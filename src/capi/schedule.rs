// SPDX-License-Identifier: MIT OR Apache-2.0
//! Callbacks that run soon, later, or every turn.

use super::types::*;
use super::{done, listener, notify, number, with_loop_core};
use crate::callback::Notify;
use crate::error::Error;
use crate::handle::Handle;
use crate::hook::Phase;
use crate::inbox::Message;
use crate::registry;
use crate::sys;
use std::ffi::c_void;

/// Calls `fn(future, 0, user_data)` in the loop's next turn, after what was queued before.
///
/// Gives the future, by which it can be cancelled: the function then gets `RONDEL_ECANCELED`. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_call_soon(r#loop: rondel_loop, r#fn: rondel_fn, user_data: *mut c_void) -> rondel_future {
    number(with_loop_core(r#loop, |core| core.call_soon(notify(r#fn, user_data))))
}

/// Calls `fn(loop, 0, user_data)` on the loop, from any thread: once for each call, in the order of the calls of one
/// thread. A loop that waits is woken.
///
/// Each call is kept until the loop gets to it, and a turn of the loop makes all that came before it: a thread that is
/// faster than the loop has to be held back by its program. Where only the last of many counts, set a flag of your own and
/// call `rondel_wake`, which a hook of `rondel_check_start` then finds.
///
/// Gives 0; `RONDEL_EINVAL` without a function, `RONDEL_EGONE` once the loop is gone. If the loop is freed before the
/// function was called it gets `RONDEL_ECANCELED` as its result.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_call_soon_threadsafe(r#loop: rondel_loop, r#fn: rondel_fn, user_data: *mut c_void) -> i64 {
    done(Handle::from_caller(r#loop).and_then(|handle| {
        let message = match listener(r#fn, user_data)? {
            Notify::Call(callback) => Message::Call(callback),
            Notify::Enqueue(data) => Message::Enqueue(data),
            Notify::Nobody | Notify::Keep => return Err(Error::EINVAL),
        };
        registry::place(handle).inbox.post_to(handle, message)
    }))
}

/// Calls `fn(future, 0, user_data)` after `ns` nanoseconds, never earlier. `RONDEL_EINVAL` if `ns` is negative.
///
/// Gives the future, by which it can be cancelled: the function then gets `RONDEL_ECANCELED`, and `user_data` has to be there
/// until it has. (A timer that is closed makes no call.) Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_call_later(
    r#loop: rondel_loop,
    ns: i64,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_loop_core(r#loop, |core| match ns {
        0.. => core.call_at(sys::clock().saturating_add(ns), notify(r#fn, user_data)),
        _ => Err(Error::EINVAL),
    }))
}

/// Calls `fn(future, 0, user_data)` when `rondel_clock` has come to `when`, or in the next turn if it has already.
///
/// Gives the future, by which it can be cancelled: the function then gets `RONDEL_ECANCELED`. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_call_at(
    r#loop: rondel_loop,
    when: i64,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_loop_core(r#loop, |core| core.call_at(when, notify(r#fn, user_data))))
}

/// Calls `fn(hook, 0, user_data)` every turn, before the prepare hooks; the loop does not wait for events meanwhile.
///
/// It ends with `rondel_close`. `RONDEL_EINVAL` without a function. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_idle_start(r#loop: rondel_loop, r#fn: rondel_fn, user_data: *mut c_void) -> rondel_hook {
    start_hook(r#loop, Phase::Idle, r#fn, user_data)
}

/// Calls `fn(hook, 0, user_data)` every turn, right before the loop looks for events.
///
/// It ends with `rondel_close`. `RONDEL_EINVAL` without a function. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_prepare_start(r#loop: rondel_loop, r#fn: rondel_fn, user_data: *mut c_void) -> rondel_hook {
    start_hook(r#loop, Phase::Prepare, r#fn, user_data)
}

/// Calls `fn(hook, 0, user_data)` every turn, right after the callbacks of I/O.
///
/// It ends with `rondel_close`. `RONDEL_EINVAL` without a function. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_check_start(r#loop: rondel_loop, r#fn: rondel_fn, user_data: *mut c_void) -> rondel_hook {
    start_hook(r#loop, Phase::Check, r#fn, user_data)
}

fn start_hook(number_of_loop: rondel_loop, phase: Phase, r#fn: rondel_fn, user_data: *mut c_void) -> rondel_hook {
    number(with_loop_core(number_of_loop, |core| core.start_hook(phase, listener(r#fn, user_data)?)))
}
