// SPDX-License-Identifier: MIT OR Apache-2.0
//! Work on other threads.

use super::types::*;
use super::{notify, number, with_loop_core};
use crate::callback::UserData;
use crate::error::{Error, to_code};
use crate::pool;
use std::ffi::c_void;

/// Runs `work(arg)` on a thread of the worker pool: the result is what it returns.
///
/// Cancelled or timed out before it begins, it never runs. Once it runs it completes when it returns, and only then, so
/// `arg` can be freed when the completion is told; cancelled meanwhile, it completes with `RONDEL_ECANCELED` whatever it
/// returns. `RONDEL_EINVAL` without a function, `RONDEL_EAGAIN` if no thread can be started. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_work(
    r#loop: rondel_loop,
    work: rondel_task_fn,
    arg: *mut c_void,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_loop_core(r#loop, |core| {
        core.work(work.ok_or(Error::EINVAL)?, UserData::new(arg), notify(r#fn, user_data))
    }))
}

/// Inside the function of `rondel_work`: 1 if it was cancelled, timed out, or its loop is being freed, so that it may
/// return early; else 0. `RONDEL_ESTATE` outside. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_work_cancelled() -> i64 {
    to_code(pool::is_unwanted().map(i64::from).ok_or(Error::ESTATE))
}

/// Sets how many threads run `rondel_work` at most, 1 to 1024, for the whole process, and gives what is in force; 0 only
/// asks. From the start it is the number of processors, but at least 4. Threads start as they are needed.
///
/// `RONDEL_EINVAL` for another number. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_pool_size(threads: i64) -> i64 {
    to_code(match usize::try_from(threads) {
        Ok(threads) if threads <= pool::MOST_THREADS => Ok(pool::set_size(threads) as i64),
        _ => Err(Error::EINVAL),
    })
}
