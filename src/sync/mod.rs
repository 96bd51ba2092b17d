// SPDX-License-Identifier: MIT OR Apache-2.0
//! What tasks and callbacks wait for each other by: lock, event, condition, semaphore, barrier, queue.
//!
//! Each has lines of futures, first come, first served. What a future waits for is handed to it as it is completed, so
//! that nobody comes in between. A future that leaves its line is not looked for there: it is passed over later, known
//! by being done or by waiting for something else. Nobody's turn is given to a future that nobody would hear of.

pub mod barrier;
pub mod condition;
pub mod event;
pub mod lock;
pub mod queue;
pub mod semaphore;

use crate::callback::Notify;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::future::Op;
use crate::handle::Handle;
use crate::lifecycle::Object;
use std::collections::VecDeque;

/// What a future stands in line for.
#[derive(Clone, Copy)]
pub enum Claim {
    Lock,
    /// A wait for a condition that is over, but for getting this lock back.
    Relock(Handle),
    Event,
    Condition,
    Semaphore,
    Barrier,
    Put {
        priority: i64,
        value: i64,
    },
    Get,
    Join,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    Lock,
    Event,
    Condition,
    Semaphore,
    Barrier,
    Put,
    Get,
    Join,
}

impl Claim {
    fn line(self) -> Line {
        match self {
            Claim::Lock | Claim::Relock(_) => Line::Lock,
            Claim::Event => Line::Event,
            Claim::Condition => Line::Condition,
            Claim::Semaphore => Line::Semaphore,
            Claim::Barrier => Line::Barrier,
            Claim::Put { .. } => Line::Put,
            Claim::Get => Line::Get,
            Claim::Join => Line::Join,
        }
    }
}

impl Line {
    /// Whether a turn in it would be lost if nobody heard of it.
    fn needs_hearer(self) -> bool {
        matches!(self, Line::Lock | Line::Condition | Line::Semaphore | Line::Get)
    }
}

/// A line of futures, with some in it that have left.
#[derive(Default)]
pub struct Waiting {
    line: VecDeque<Handle>,
    /// How many have.
    left: usize,
}

/// In a shorter line, those that have left are not worth the search.
const WORTH_SEARCHING: usize = 32;

impl Waiting {
    fn push(&mut self, future: Handle) {
        self.line.push_back(future);
    }

    pub fn count(&self) -> usize {
        self.line.len() - self.left
    }

    /// One has left. Whether it is time to search for all that have.
    fn leave(&mut self) -> bool {
        self.left += 1;
        self.line.len() > WORTH_SEARCHING && self.left > self.line.len() / 2
    }
}

/// What is given to whoever is next must not go to nobody.
fn check_hearer(notify: Notify) -> Result<()> {
    if matches!(notify, Notify::Nobody) { Err(Error::EINVAL) } else { Ok(()) }
}

impl Core {
    fn waiting(&mut self, owner: Handle, line: Line) -> Option<&mut Waiting> {
        match (&mut self.table.get_mut(owner).ok()?.object, line) {
            (Object::Lock(lock), Line::Lock) => Some(&mut lock.waiting),
            (Object::Event(event), Line::Event) => Some(&mut event.waiting),
            (Object::Condition(condition), Line::Condition) => Some(&mut condition.waiting),
            (Object::Semaphore(semaphore), Line::Semaphore) => Some(&mut semaphore.waiting),
            (Object::Barrier(barrier), Line::Barrier) => Some(&mut barrier.waiting),
            (Object::Queue(queue), Line::Put) => Some(&mut queue.putting),
            (Object::Queue(queue), Line::Get) => Some(&mut queue.getting),
            (Object::Queue(queue), Line::Join) => Some(&mut queue.joining),
            _ => None,
        }
    }

    /// A future at the end of a line.
    fn line_up(&mut self, owner: Handle, claim: Claim, notify: Notify) -> Result<Handle> {
        let future = self.insert_future(Op::InLine(claim), owner, notify)?;
        if let Some(waiting) = self.waiting(owner, claim.line()) {
            waiting.push(future);
        }
        Ok(future)
    }

    fn stands_in(&self, future: Handle, line: Line) -> bool {
        matches!(self.table.get(future).map(|entry| &entry.object), Ok(Object::Future(future)) if future.is_pending()
            && matches!(future.op, Op::InLine(claim) if claim.line() == line))
    }

    /// Takes the first future out of a line that anybody would hear of; it is to be completed.
    fn next_in_line(&mut self, owner: Handle, line: Line) -> Option<Handle> {
        loop {
            let future = self.waiting(owner, line)?.line.pop_front()?;
            if !self.stands_in(future, line) {
                self.waiting(owner, line)?.left -= 1;
            } else if !line.needs_hearer() || self.future_mut(future).is_ok_and(|future| future.is_awaited()) {
                return Some(future);
            } else {
                self.pass_over(future);
            }
        }
    }

    /// Ends the wait of a future that nobody would hear of. What it was told already goes to another.
    fn pass_over(&mut self, future: Handle) {
        let notified = self.future_mut(future).ok().and_then(|future| match future.op {
            Op::InLine(Claim::Relock(_)) if future.given_up.is_none() => Some(future.origin),
            _ => None,
        });
        self.complete(future, Error::ECANCELED.code());
        if let Some(condition) = notified {
            self.pass_notice_on(condition);
        }
    }

    /// Empties a line: every future in it gets a result, made from its place.
    fn complete_line(&mut self, owner: Handle, line: Line, result: impl Fn(usize) -> i64) {
        let Some(waiting) = self.waiting(owner, line) else { return };
        waiting.left = 0;
        let mut futures = std::mem::take(&mut waiting.line);
        let mut place = 0;
        for future in futures.drain(..) {
            if self.stands_in(future, line) {
                self.complete(future, result(place));
                place += 1;
            }
        }
        if let Some(waiting) = self.waiting(owner, line) {
            // Its memory, for the next ones.
            waiting.line = futures;
        }
    }

    fn cancel_line(&mut self, owner: Handle, line: Line) {
        self.complete_line(owner, line, |_| Error::ECANCELED.code());
    }

    /// A future leaves a line before its turn.
    fn leave_line(&mut self, owner: Handle, line: Line, future: Handle) {
        if let Ok(future) = self.future_mut(future) {
            future.op = Op::Over;
        }
        if !self.waiting(owner, line).is_some_and(Waiting::leave) {
            return;
        }
        let Some(waiting) = self.waiting(owner, line) else { return };
        waiting.left = 0;
        let mut futures = std::mem::take(&mut waiting.line);
        futures.retain(|future| self.stands_in(*future, line));
        if let Some(waiting) = self.waiting(owner, line) {
            waiting.line = futures;
        }
    }

    /// A future in a line is to end. Whether it can end now: a wait for a condition first gets its lock back, if
    /// anybody will hear of it.
    pub fn cancel_claim(&mut self, claim: Claim, owner: Handle, future: Handle, reason: Error) -> bool {
        let heard = self.future_mut(future).is_ok_and(|future| future.is_awaited());
        match claim {
            Claim::Condition if heard => {
                self.cancel_wait(owner, future, reason);
                return false;
            }
            Claim::Relock(_) if heard => {
                self.cancel_relock(owner, future, reason);
                return false;
            }
            Claim::Relock(lock) => {
                self.cancel_relock(owner, future, reason);
                self.leave_line(lock, Line::Lock, future);
            }
            _ => self.leave_line(owner, claim.line(), future),
        }
        true
    }
}
