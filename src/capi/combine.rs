// SPDX-License-Identifier: MIT OR Apache-2.0
//! Several futures at once: gather, wait, as_completed, shield.

use super::types::*;
use super::{notify, number, with_core};
use crate::combine::{Enough, How, Part};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::event_loop::current;
use crate::handle::Handle;
use crate::sys::lent::{LentNumbers, LentResults};
use std::ffi::c_void;

/// Waits for `n` futures as one: completes with 0 when all have given values, or with the error of the first that fails.
///
/// It takes the futures, as an await does: retain one to go on using it. `results` may be NULL, or is yours again when
/// this completes: there every result stands by its position. After an error the other futures run on; the results of
/// those that were not done are `RONDEL_EAGAIN`. `results` may be the same memory as `futures`. A connection that nobody
/// gets, as there are no results or it came after an error, is closed.
///
/// Cancelled, or over its `rondel_timeout`, it cancels the futures, and completes with `RONDEL_ECANCELED` or
/// `RONDEL_ETIMEDOUT` once the last of them has ended, so that nothing of them goes on after it (asyncio's ends with the
/// first of them). Once they are all done it cannot be cancelled any more: `RONDEL_ESTATE`.
///
/// An entry that is a code, as a refused call gives, is a future that has failed with it; one that is gone has failed with
/// `RONDEL_EGONE`. An entry may stand there twice. All must be of one loop (`RONDEL_EINVAL`), and futures
/// (`RONDEL_EKIND`). `n` of 0 completes with 0. If no entry tells the loop it is the one that runs on this thread; if none
/// does, the first code comes back, or `RONDEL_EINVAL` for no entries. `RONDEL_EINVAL` too for NULL with `n` above 0. When
/// it is refused nothing was taken. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_gather(
    futures: *const rondel_future,
    n: usize,
    results: *mut i64,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    // SAFETY: what the caller of this function promises.
    let (futures, results) = unsafe { (LentNumbers::new(futures, n), lent_results(results, n)) };
    number(with_parts(futures, |core, parts| core.combine(How::Gather, parts, results?, notify(r#fn, user_data))))
}

/// As `rondel_gather`, but errors are results like others: it completes when all are done, with the number of those that
/// failed, 0 if all went well (asyncio's `return_exceptions=True`).
///
/// A future that was cancelled counts as failed. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_gather_all(
    futures: *const rondel_future,
    n: usize,
    results: *mut i64,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    // SAFETY: what the caller of this function promises.
    let (futures, results) = unsafe { (LentNumbers::new(futures, n), lent_results(results, n)) };
    number(with_parts(futures, |core, parts| core.combine(How::GatherAll, parts, results?, notify(r#fn, user_data))))
}

/// Waits until enough of `n` futures are done, and completes with how many are: `how` is `RONDEL_FIRST_COMPLETED`,
/// `RONDEL_FIRST_ERROR` or `RONDEL_ALL_COMPLETED`.
///
/// The futures stay yours and go on, whatever becomes of the wait: look at each with `rondel_future_state`. The end of its
/// `rondel_timeout` is no error of a wait: it completes with how many are done by then, 0 if none is. Cancelled, it completes
/// with `RONDEL_ECANCELED`.
///
/// Entries are as for `rondel_gather`: a code, and what is gone, count as done and failed. `RONDEL_EINVAL` for another
/// `how`. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_wait(
    futures: *const rondel_future,
    n: usize,
    how: i32,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    // SAFETY: what the caller of this function promises.
    let futures = unsafe { LentNumbers::new(futures, n) };
    let enough = match how {
        RONDEL_ALL_COMPLETED => Ok(Enough::Never),
        RONDEL_FIRST_COMPLETED => Ok(Enough::Completed),
        RONDEL_FIRST_ERROR => Ok(Enough::Failed),
        _ => Err(Error::EINVAL),
    };
    number(with_parts(futures, |core, parts| core.combine(How::Wait(enough?), parts, None, notify(r#fn, user_data))))
}

/// An iterator over `n` futures in the order in which they are done. Ask it with `rondel_as_completed_next`, and close
/// it with `rondel_close`.
///
/// The futures stay yours and go on, whatever becomes of the iterator. Entries are as for `rondel_gather`; a code, and
/// what is gone, are done from the start. Those that are done already come first, in the order of the array.
///
/// ```c
/// rondel_iterator done = rondel_as_completed(futures, n);
/// for (int64_t i; (i = rondel_await(rondel_as_completed_next(done, RONDEL_FUTURE))) >= 0;)
///     use(i, rondel_await(futures[i]));
/// rondel_close(done);
/// ```
/// Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_as_completed(futures: *const rondel_future, n: usize) -> rondel_iterator {
    // SAFETY: what the caller of this function promises.
    let futures = unsafe { LentNumbers::new(futures, n) };
    number(with_parts(futures, |core, parts| core.as_completed(parts)))
}

/// Completes with the position, in the array the iterator was made of, of the next future that is done; with `RONDEL_EOF`
/// when each was told.
///
/// Several may be asked for at once; they are answered in that order. One that is cancelled, or over its `rondel_timeout`,
/// loses nothing: the next one is told instead. (asyncio's timeout is one for the whole iteration.) Closing the
/// iterator ends it with `RONDEL_ECANCELED`. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_as_completed_next(
    iterator: rondel_iterator,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_core(iterator, |core, handle| core.next_completed(handle, notify(r#fn, user_data))))
}

/// A future that completes as `future` does, but can be cancelled, or run over its `rondel_timeout`, while that goes on.
///
/// It takes the future, as an await does: retain it to go on using it. Then an item of a queue goes back, or a connection
/// is closed, only when both were let go and nobody had asked either for it. `RONDEL_EKIND` if it is none. Loop thread
/// only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_shield(future: rondel_future, r#fn: rondel_fn, user_data: *mut c_void) -> rondel_future {
    number(with_core(future, |core, handle| core.shield(handle, notify(r#fn, user_data))))
}

/// # Safety
/// As for `LentResults::new`, where `start` is not NULL.
unsafe fn lent_results(start: *mut i64, count: usize) -> Result<Option<LentResults>> {
    if start.is_null() {
        return Ok(None);
    }
    // SAFETY: the promise of this function.
    unsafe { LentResults::new(start, count) }.map(Some).ok_or(Error::EINVAL)
}

/// Calls `f` with the loop that a caller's futures belong to, and with them: each as a handle of that loop, or as why it
/// is none.
fn with_parts<R>(futures: Option<LentNumbers>, f: impl FnOnce(&mut Core, &mut [Part]) -> Result<R>) -> Result<R> {
    let futures = futures.ok_or(Error::EINVAL)?;
    let mut parts: Vec<Part> = Vec::new();
    parts.try_reserve_exact(futures.count()).map_err(|_| Error::ENOMEM)?;
    parts.extend(futures.iter().map(Handle::from_caller));
    let mut home = None;
    for handle in parts.iter().filter_map(|part| part.ok()) {
        match lives(handle) {
            Ok(()) => {
                home = Some(handle);
                break;
            }
            Err(Error::EGONE) => {}
            Err(error) => return Err(error),
        }
    }
    let Some(home) = home.or_else(current) else {
        return Err(parts.first().map_or(Error::EINVAL, |part| part.err().unwrap_or(Error::EGONE)));
    };
    for part in &mut parts {
        *part = part_for(home, *part)?;
    }
    with_core(home.number(), |core, _| f(core, &mut parts))
}

/// A caller's future, for the loop of `home`: one that is gone, wherever it was, is none; that of another loop is refused.
pub(super) fn part_for(home: Handle, part: Part) -> Result<Part> {
    match part {
        Ok(handle) if handle.loop_index() != home.loop_index() => match lives(handle) {
            Err(Error::EGONE) => Ok(Err(Error::EGONE)),
            _ => Err(Error::EINVAL),
        },
        part => Ok(part),
    }
}

/// Whether a handle names something that lives, in whichever loop.
fn lives(handle: Handle) -> Result<()> {
    with_core(handle.number(), |core, handle| core.kind(handle).map(|_| ()))
}
