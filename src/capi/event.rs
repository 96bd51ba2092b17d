// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events: something that has happened or not yet, and any number who wait for it.

use super::types::*;
use super::{done, notify, number, with_core, with_loop_core};
use crate::error::to_code;
use std::ffi::c_void;

/// Makes an event that is not set. `rondel_close` ends it: those who wait get `RONDEL_ECANCELED`. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_event_new(r#loop: rondel_loop) -> rondel_event {
    number(with_loop_core(r#loop, |core| core.new_event()))
}

/// Sets an event: all who wait go on, also if it is cleared right after. 0 also if it was set already. Loop thread
/// only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_event_set(event: rondel_event) -> i64 {
    done(with_core(event, |core, handle| core.set_event(handle)))
}

/// Clears an event: who waits from now on waits for the next `rondel_event_set`. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_event_clear(event: rondel_event) -> i64 {
    done(with_core(event, |core, handle| core.clear_event(handle)))
}

/// 1 if the event is set, else 0. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_event_is_set(event: rondel_event) -> i64 {
    to_code(with_core(event, |core, handle| core.is_event_set(handle).map(i64::from)))
}

/// Waits until the event is set: the result is 0. Waiting does not keep `rondel_run` going. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_event_wait(event: rondel_event, r#fn: rondel_fn, user_data: *mut c_void) -> rondel_future {
    number(with_core(event, |core, handle| core.wait_for_event(handle, notify(r#fn, user_data))))
}
