// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tracing: what each turn of a loop took.

use super::types::*;
use super::{done, listener, with_loop_core};
use crate::callback::Notify;
use crate::error::Error;
use std::ffi::c_void;

/// One turn of a loop.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rondel_turn {
    /// To be set to `sizeof(rondel_turn)`; fields beyond it are not touched.
    pub size: usize,
    /// Counted as `RONDEL_METRIC_TURNS`.
    pub number: i64,
    /// When it began, on the clock of `rondel_clock`.
    pub began: i64,
    /// Nanoseconds it waited for events.
    pub waited: i64,
    /// Nanoseconds it did not wait: in callbacks, and in Rondel on their behalf.
    pub busy: i64,
    /// Events that came.
    pub events: i64,
    /// How many of them were there already when the turn looked for some: if that is most of them, the loop is behind.
    pub events_waiting: i64,
    /// Callbacks it made.
    pub callbacks: i64,
}

/// Has `fn(loop, number, user_data)` called at the end of each turn that begins from now on; `rondel_last_turn` tells what
/// it took. The call counts neither as a callback nor in any time. NULL ends it.
///
/// It is meant to stay on: a turn costs two readings of the clock more, and one look for events that does not wait
/// before each wait. `RONDEL_EINVAL` for `rondel_enqueue` and `RONDEL_FUTURE`. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_set_trace(r#loop: rondel_loop, r#fn: rondel_fn, user_data: *mut c_void) -> i64 {
    done(with_loop_core(r#loop, |core| {
        let told = match r#fn {
            None => None,
            Some(_) => match listener(r#fn, user_data)? {
                Notify::Call(callback) => Some(callback),
                _ => return Err(Error::EINVAL),
            },
        };
        core.set_trace(told);
        Ok(())
    }))
}

/// What the last turn took of which the function of `rondel_set_trace` was told, or is being told.
///
/// `RONDEL_EINVAL` for NULL or a size that holds no field, `RONDEL_ESTATE` if there was no such turn. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_last_turn(r#loop: rondel_loop, out: *mut rondel_turn) -> i64 {
    done(with_loop_core(r#loop, |core| {
        if out.is_null() {
            return Err(Error::EINVAL);
        }
        // SAFETY: the caller promises that the first field at least is there.
        let size = unsafe { out.cast::<usize>().read() };
        if size < size_of::<usize>() + size_of::<i64>() {
            return Err(Error::EINVAL);
        }
        let last = core.last_turn()?;
        let turn = rondel_turn {
            size,
            number: last.number,
            began: last.began,
            waited: last.waited,
            busy: last.busy,
            events: last.events,
            events_waiting: last.events_waiting,
            callbacks: last.callbacks,
        };
        // SAFETY: the caller promises `size` bytes of room, and that is all that is written.
        unsafe {
            let from = (&raw const turn).cast::<u8>();
            out.cast::<u8>().copy_from_nonoverlapping(from, size.min(size_of::<rondel_turn>()));
        }
        Ok(())
    }))
}
