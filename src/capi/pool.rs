// SPDX-License-Identifier: MIT OR Apache-2.0
//! Work on other threads.

use super::types::*;
use super::{notify, number, with_loop_core};
use crate::callback::UserData;
use crate::error::{Error, Result, to_code};
use crate::pool::{self, Lane, Measure};
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

/// A lane of the pool: `rondel_work`.
pub const RONDEL_POOL_WORK: i32 = 0;
/// A lane of the pool: file operations, and what else the system is asked for: its interfaces, random bytes.
pub const RONDEL_POOL_FILES: i32 = 1;
/// A lane of the pool: name look-ups.
pub const RONDEL_POOL_NAMES: i32 = 2;

/// `rondel_pool_metric`: threads there are.
pub const RONDEL_POOL_THREADS: i32 = 0;
/// `rondel_pool_metric`: threads that have nothing to do.
pub const RONDEL_POOL_IDLE: i32 = 1;
/// `rondel_pool_metric`: jobs that wait for a thread.
pub const RONDEL_POOL_QUEUED: i32 = 2;
/// `rondel_pool_metric`: jobs done so far.
pub const RONDEL_POOL_DONE: i32 = 3;
/// `rondel_pool_metric`: how many nanoseconds the job that began last had waited for a thread.
pub const RONDEL_POOL_WAIT_LAST: i32 = 4;
/// `rondel_pool_metric`: how long all jobs so far had waited, taken together.
pub const RONDEL_POOL_WAIT_TOTAL: i32 = 5;
/// `rondel_pool_metric`: the longest that any job had waited.
pub const RONDEL_POOL_WAIT_MAX: i32 = 6;

/// As `rondel_pool_lane_size`, of the lane that runs `rondel_work`. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_pool_size(threads: i64) -> i64 {
    rondel_pool_lane_size(RONDEL_POOL_WORK, threads)
}

/// Sets how many threads a lane of the pool has at most, 1 to 1024, and gives what is in force; 0 only asks.
///
/// The pool serves every loop of the process. Each kind of work has a lane, `RONDEL_POOL_WORK`, `_FILES` or `_NAMES`,
/// with threads of its own, so that none can hold up another. From the start the limit is the number of processors, but
/// at least 4; for names it is 16, since look-ups wait for others. Threads start as they are needed, and leave when there are
/// too many or when they had nothing to do for ten seconds.
///
/// `RONDEL_EINVAL` for another lane or number. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_pool_lane_size(lane: i32, threads: i64) -> i64 {
    to_code(lane_of(lane).and_then(|lane| match usize::try_from(threads) {
        Ok(threads) if threads <= pool::MOST_THREADS => Ok(pool::set_size(lane, threads) as i64),
        _ => Err(Error::EINVAL),
    }))
}

/// What a lane of the pool has and does at this moment: one of `RONDEL_POOL_THREADS` and so on.
///
/// `RONDEL_EINVAL` for another lane or metric. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_pool_metric(lane: i32, which: i32) -> i64 {
    let measure = match which {
        RONDEL_POOL_THREADS => Ok(Measure::Threads),
        RONDEL_POOL_IDLE => Ok(Measure::Idle),
        RONDEL_POOL_QUEUED => Ok(Measure::Queued),
        RONDEL_POOL_DONE => Ok(Measure::Done),
        RONDEL_POOL_WAIT_LAST => Ok(Measure::LastWait),
        RONDEL_POOL_WAIT_TOTAL => Ok(Measure::TotalWait),
        RONDEL_POOL_WAIT_MAX => Ok(Measure::LongestWait),
        _ => Err(Error::EINVAL),
    };
    to_code(lane_of(lane).and_then(|lane| Ok(pool::measure(lane, measure?))))
}

fn lane_of(number: i32) -> Result<Lane> {
    match number {
        RONDEL_POOL_WORK => Ok(Lane::Work),
        RONDEL_POOL_FILES => Ok(Lane::Files),
        RONDEL_POOL_NAMES => Ok(Lane::Names),
        _ => Err(Error::EINVAL),
    }
}
