// SPDX-License-Identifier: MIT OR Apache-2.0
//! Futures made of futures: gather, wait and shield.
//!
//! A whole is a waiter of each of its parts and counts what they tell. What it takes, it lets go of at once: that it
//! waits is enough to keep a part there. A gather that is cancelled cancels its parts and ends when the last of them
//! has, so that nothing of them goes on in memory of a caller who was told that it is over.

use crate::callback::Notify;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::future::{Awaited, Op, Waiter};
use crate::handle::Handle;
use crate::lifecycle::Object;
use crate::sys::lent::LentResults;

/// A caller's future, or why it is none: that part has failed already.
pub type Part = Result<Handle>;

/// When a whole is done, and what its result is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// All are done, or one failed: 0, or the first error.
    Gather,
    /// All are done: how many failed.
    GatherAll,
    /// All are done, or as many as it takes: how many are.
    Wait(Enough),
}

/// When a wait ends before all are done.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Enough {
    Never,
    Completed,
    /// Failed, and not by being cancelled.
    Failed,
}

pub struct Whole {
    how: How,
    /// What is waited for, by position; `None` where it has told.
    parts: Vec<Option<Awaited>>,
    left: usize,
    failed: i64,
    results: Option<LentResults>,
}

/// How a whole ends.
#[derive(Clone, Copy)]
pub enum Verdict {
    Result(i64),
    /// How many of its parts are done.
    Count,
}

impl Whole {
    pub fn word(&self) -> &'static str {
        match self.how {
            How::Gather => "gather",
            How::GatherAll => "gather_all",
            How::Wait(_) => "wait",
        }
    }

    pub fn awaited(&self) -> impl Iterator<Item = Handle> {
        self.parts.iter().flatten().map(|part| part.future)
    }

    /// In words.
    pub fn doing(&self) -> String {
        format!("{} of {} to come", self.left, self.parts.len())
    }

    fn new(how: How, parts: &[Part]) -> Result<Whole> {
        Ok(Whole { how, parts: awaited_parts(parts)?, left: parts.len(), failed: 0, results: None })
    }

    /// From now on the caller's memory takes the results. Those of parts that are none stand there whatever comes.
    fn lend(&mut self, results: Option<LentResults>, parts: &[Part]) {
        self.results = results;
        for (index, part) in parts.iter().enumerate() {
            if let Err(error) = part {
                self.set_result(index, error.code());
            }
        }
    }

    fn take(&mut self, index: usize, result: i64) {
        if let Some(part) = self.parts.get_mut(index) {
            *part = None;
        }
        self.left -= 1;
        self.failed += i64::from(result < 0);
        self.set_result(index, result);
    }

    fn set_result(&mut self, index: usize, result: i64) {
        if let Some(results) = &mut self.results {
            results.set(index, result);
        }
    }

    /// What follows from a part that ended with `result`.
    fn verdict(&self, result: i64, given_up: bool) -> Option<Verdict> {
        let all = self.left == 0;
        match self.how {
            How::Gather if result < 0 && !given_up => Some(Verdict::Result(result)),
            How::Gather => all.then_some(Verdict::Result(0)),
            How::GatherAll => all.then_some(Verdict::Result(self.failed)),
            How::Wait(enough) => {
                let enough = match enough {
                    Enough::Never => false,
                    Enough::Completed => true,
                    Enough::Failed => result < 0 && result != Error::ECANCELED.code(),
                };
                (all || enough).then_some(Verdict::Count)
            }
        }
    }
}

/// The parts, none waited for yet.
pub fn awaited_parts(parts: &[Part]) -> Result<Vec<Option<Awaited>>> {
    let mut list = Vec::new();
    list.try_reserve_exact(parts.len()).map_err(|_| Error::ENOMEM)?;
    list.extend(parts.iter().map(|part| part.ok().map(Awaited::not_yet)));
    Ok(list)
}

impl Core {
    /// A future made of futures of this loop. A gather takes what the caller holds of them.
    pub fn combine(
        &mut self,
        how: How,
        parts: &mut [Part],
        results: Option<LentResults>,
        notify: Notify,
    ) -> Result<Handle> {
        self.check_parts(parts)?;
        let whole = Whole::new(how, parts)?;
        let handle = self.insert_future(Op::Whole(Box::new(whole)), self.handle, notify)?;
        if let Op::Whole(whole) = &mut self.future_mut(handle)?.op {
            whole.lend(results, parts);
        }
        if parts.is_empty() {
            self.end_whole(handle, Verdict::Result(0));
        }
        for (index, part) in parts.iter().enumerate() {
            match self.wait_for_part(*part, handle, index as u64) {
                Err(result) => {
                    if let (true, Ok(part)) = (self.whole_part_done(handle, index, result), *part) {
                        let _ = self.future_mut(part)?.look();
                    }
                }
                Ok(awaited) => {
                    if let Op::Whole(whole) = &mut self.future_mut(handle)?.op {
                        whole.parts[index] = Some(awaited);
                    }
                }
            }
            if !self.is_pending(handle) {
                break;
            }
        }
        if !matches!(how, How::Wait(_)) {
            self.take_parts(parts);
        }
        Ok(handle)
    }

    /// A future that ends as `inner` does, but can be cancelled without it. It takes what the caller holds of it.
    pub fn shield(&mut self, inner: Handle, notify: Notify) -> Result<Handle> {
        self.future_mut(inner)?;
        let handle = self.insert_future(Op::Shield(Awaited::not_yet(inner)), self.handle, notify)?;
        // Nobody holds it if it was started with a function.
        let held = self.future_mut(inner)?.is_held();
        match self.wait_for_part(Ok(inner), handle, 0) {
            Ok(awaited) => self.future_mut(handle)?.op = Op::Shield(awaited),
            Err(result) => self.end_shield(handle, inner, result),
        }
        if held {
            self.release(inner)?;
        }
        Ok(handle)
    }

    /// That there is something else than futures of this loop among them is the caller's mistake; a future that is gone
    /// by now is a part that failed.
    pub fn check_parts(&mut self, parts: &mut [Part]) -> Result<()> {
        for part in parts {
            let Ok(handle) = *part else { continue };
            if handle.loop_index() != self.handle.loop_index() {
                return Err(Error::EINVAL);
            }
            match self.future_mut(handle) {
                Ok(_) => {}
                Err(Error::EGONE) => *part = Err(Error::EGONE),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Has `whole` told of a part when that is done; `Err` is the result of one that is done already.
    pub fn wait_for_part(&mut self, part: Part, whole: Handle, index: u64) -> std::result::Result<Awaited, i64> {
        match part.and_then(|part| Ok((part, self.future_mut(part)?.result()))) {
            Ok((_, Ok(result))) => Err(result),
            Ok((part, Err(_))) => self.wait_in_line(part, Waiter::Part(whole, index)).map_err(Error::code),
            Err(error) => Err(error.code()),
        }
    }

    /// What the caller holds of the parts is taken, and of their errors the taker tells what there is to tell. That they
    /// are waited for keeps them.
    pub fn take_parts(&mut self, parts: &[Part]) {
        for part in parts.iter().filter_map(|part| part.ok()) {
            if let Ok(future) = self.future_mut(part) {
                future.dismiss_error();
            }
            // Nobody holds one that was started with a function.
            let _ = self.release(part);
        }
    }

    /// A part of something has told that it is done. Whether its result has gone to somebody.
    pub fn part_done(&mut self, whole: Handle, part: u64, result: i64) -> bool {
        match self.table.get(whole).map(|entry| &entry.object) {
            Ok(Object::Future(_)) => return self.whole_part_done(whole, part as usize, result),
            Ok(Object::AsCompleted(_)) => self.iterator_part_done(whole, part as usize),
            Ok(Object::Group(_)) => self.child_done(whole, part, result),
            _ => {}
        }
        false
    }

    fn whole_part_done(&mut self, handle: Handle, index: usize, result: i64) -> bool {
        let Ok(future) = self.future_mut(handle) else { return false };
        let given_up = future.given_up.is_some();
        match &mut future.op {
            Op::Shield(inner) => {
                let inner = inner.future;
                self.end_shield(handle, inner, result);
                false
            }
            Op::Whole(whole) => {
                let claimed = whole.results.is_some();
                whole.take(index, result);
                if let Some(verdict) = whole.verdict(result, given_up) {
                    self.end_whole(handle, verdict);
                }
                claimed
            }
            _ => false,
        }
    }

    /// What the result stands for, an item of a queue or a connection, stays with the future that got it, which the
    /// shield holds from now on: it goes back, or is closed, once, and when all who hold one of them let go unheard.
    fn end_shield(&mut self, handle: Handle, inner: Handle, result: i64) {
        let owner = self.future_mut(inner).ok().and_then(|future| {
            // The shield tells of the error, if nobody looks at it.
            future.dismiss_error();
            future.owner_of_value(inner)
        });
        if let Some(owner) = owner.filter(|owner| self.retain(*owner).is_ok())
            && let Ok(future) = self.future_mut(handle)
        {
            future.op = Op::Shielded(owner);
        }
        self.complete(handle, result);
    }

    pub fn is_whole(&self, handle: Handle) -> bool {
        matches!(self.table.get(handle).map(|entry| &entry.object),
            Ok(Object::Future(future)) if matches!(future.op, Op::Whole(_)))
    }

    /// Ends a whole, whatever its parts do.
    pub fn end_whole(&mut self, handle: Handle, verdict: Verdict) {
        let Ok(future) = self.future_mut(handle) else { return };
        let Op::Whole(mut whole) = std::mem::replace(&mut future.op, Op::Over) else { return };
        let mut pending = 0;
        for index in 0..whole.parts.len() {
            let Some(awaited) = whole.parts[index] else { continue };
            let Ok(part) = self.future_mut(awaited.future) else { continue };
            // It may be done and have had no turn to tell.
            pending += usize::from(part.is_pending());
            if whole.results.is_some() {
                whole.set_result(index, part.look().unwrap_or_else(Error::code));
            }
            self.stop_waiting(awaited);
        }
        let result = match verdict {
            Verdict::Result(result) => result,
            Verdict::Count => (whole.parts.len() - pending) as i64,
        };
        self.complete(handle, result);
    }

    pub fn cancel_whole(&mut self, handle: Handle, reason: Error) -> Result<()> {
        let Op::Whole(whole) = &self.future_mut(handle)?.op else { return Err(Error::ESTATE) };
        if matches!(whole.how, How::Wait(_)) {
            // That its time is over is no failure of a wait: it tells how far things have come.
            let timed_out = reason == Error::ETIMEDOUT;
            self.end_whole(handle, if timed_out { Verdict::Count } else { Verdict::Result(reason.code()) });
            return Ok(());
        }
        let mut parts: Vec<Handle> = whole.awaited().collect();
        parts.retain(|part| self.can_be_cancelled(*part));
        if parts.is_empty() && !self.freeing {
            // All that is left is to tell.
            return Err(Error::ESTATE);
        }
        for part in parts {
            self.cancel_too(part, None);
        }
        self.future_mut(handle)?.given_up.get_or_insert(reason);
        Ok(())
    }
}
