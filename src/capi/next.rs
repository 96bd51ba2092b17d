// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pulling completions instead of being called: for languages in which a call out is cheap and a call back is not.

use super::types::*;
use super::with_loop;
use crate::core::Until;
use crate::error::{Error, to_code};
use crate::sys;

/// Runs the loop until something that was started with `rondel_enqueue` has happened, and hands out up to `capacity` of
/// those; gives how many.
///
/// 0: `timeout_ns` nanoseconds have passed, or `rondel_stop` or `rondel_wake` came; or, if there is no limit
/// (`RONDEL_FOREVER` or any negative time), nothing is alive that could happen. With a timeout of 0 it never waits.
/// Futures that it hands out stay valid until its next call, longer if you hold them. Callbacks run in it as in
/// `rondel_run`. `RONDEL_EINVAL` for NULL or a capacity of 0, `RONDEL_EBUSY` from within a callback of the same loop.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_next(
    r#loop: rondel_loop,
    out: *mut rondel_completion,
    capacity: usize,
    timeout_ns: i64,
) -> i64 {
    to_code(with_loop(r#loop, |the_loop, handle| {
        the_loop.core.borrow_mut().check_loop(handle)?;
        if out.is_null() || capacity == 0 {
            return Err(Error::EINVAL);
        }
        the_loop.core.borrow_mut().take_back()?;
        let until = match timeout_ns {
            0 => Until::CompletionNow,
            RONDEL_FOREVER => Until::Completion(None),
            ns if ns < 0 => Until::Completion(None),
            ns => Until::Completion(Some(sys::clock().saturating_add(ns))),
        };
        the_loop.run(until)?;
        let mut place = out;
        let give = |completion: crate::ready::Completion| {
            // SAFETY: the caller promises `capacity` places; `hand_out` calls this at most so often.
            unsafe {
                place.write(rondel_completion {
                    source: completion.source,
                    result: completion.result,
                    user_data: completion.data.pointer(),
                });
                place = place.add(1);
            }
        };
        let count = the_loop.core.borrow_mut().hand_out(give, capacity);
        Ok(count)
    }))
}
