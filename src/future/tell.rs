// SPDX-License-Identifier: MIT OR Apache-2.0
//! The end of a future: its result, and those who wait being told of it, each in its turn, in a later step of the loop.

use super::{Awaited, Future, LineEnd, Op, State, Waiter};
use crate::callback::Notify;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::handle::Handle;
use crate::lifecycle::{Entry, Object};
use crate::ready::Step;

impl Core {
    /// Gives a pending future its result. Those who wait are told in a later step.
    pub fn complete(&mut self, handle: Handle, result: i64) {
        if self.forget_if_unheard(handle) {
            return;
        }
        self.finish(handle, result);
        let Ok(future) = self.future_mut(handle) else { return };
        if future.queued || future.told {
            return;
        }
        if let Some(task) = future.wake() {
            self.ready.push_task(task);
        } else if future.has_to_tell() {
            future.queued = true;
            self.ready.push_future(handle);
        } else {
            future.told = true;
            self.free_if_unused(handle);
        }
    }

    /// The end of nearly every write or send: nobody holds its future or waits for it, so nobody can see a result.
    #[inline]
    fn forget_if_unheard(&mut self, handle: Handle) -> bool {
        let mut counted = false;
        let forgotten = self.table.forget_if(handle, |entry| {
            counted = entry.active && entry.referenced;
            entry.plain_future().is_some_and(Future::is_unheard)
        });
        if forgotten && counted {
            self.alive -= 1;
        }
        forgotten
    }

    /// As `complete`, for the driver: it tells in this step.
    pub fn complete_now(&mut self, handle: Handle, result: i64) -> Step {
        self.finish(handle, result);
        let Ok(future) = self.future_mut(handle) else { return Step::Nothing };
        future.queued = true;
        match future.wake() {
            Some(task) => Step::Resume(task),
            None => Step::Tell(handle, future.line_end()),
        }
    }

    pub(super) fn finish(&mut self, handle: Handle, result: i64) {
        let Ok(Entry { active, object: Object::Future(future), .. }) = self.open_entry(handle) else { return };
        let active = *active;
        if !future.is_pending() {
            return;
        }
        let result = match (future.given_up, &future.op) {
            // A task may have seen that it was cancelled and have gone on all the same: then its value counts.
            (Some(_), Op::Task(_)) if result != Error::ECANCELED.code() => result,
            (Some(reason), _) => reason.code(),
            (None, _) => result,
        };
        future.state = if result == Error::ECANCELED.code() { State::Cancelled } else { State::Done };
        future.result = result;
        if !matches!(
            future.op,
            Op::Found(_)
                | Op::Got(_)
                | Op::Shielded(_)
                | Op::Bytes(_)
                | Op::Entries(_)
                | Op::Interfaces(_)
                | Op::Ran(_)
        ) {
            future.op = Op::Over;
        }
        if let Some(deadline) = future.deadline.take() {
            self.timers.remove(deadline);
        }
        if active {
            self.set_active(handle, false);
        }
    }

    /// The next step that tells of a future; `None` when everybody in the line was told.
    pub fn next_to_tell(&mut self, handle: Handle, end: &mut LineEnd) -> Option<Step> {
        let (inbox, freeing) = (self.inbox(), self.freeing);
        let future = self.future_mut(handle).ok()?;
        let result = future.result;
        match std::mem::replace(&mut future.notify, Notify::Nobody) {
            notify @ (Notify::Call(_) | Notify::Enqueue(_)) => {
                future.seen = true;
                return Some(self.step_for(notify, handle, result));
            }
            Notify::Nobody | Notify::Keep if future.waiters.is_empty() => {
                future.queued = false;
                future.told = true;
                self.free_if_unused(handle);
                return None;
            }
            Notify::Nobody | Notify::Keep => {}
        }
        if inbox.is_foreign() && !freeing {
            // They are told if the child asks for the loop, or frees it.
            self.ready.put_back_future(handle);
            return None;
        }
        let Some(waiter) = future.waiters.pop(end) else {
            self.ready.push_future(handle);
            return None;
        };
        Some(match waiter {
            Waiter::Caller(notify) => {
                future.seen = true;
                self.step_for(notify, handle, result)
            }
            Waiter::Task(task) => Step::Resume(task),
            Waiter::Thread(number) => self.tell_thread(number, handle, result),
            Waiter::Part(whole, part) => {
                if self.part_done(whole, part, result) {
                    let _ = self.future_mut(handle).map(|future| future.look());
                }
                Step::Nothing
            }
        })
    }

    /// One more who wants to know. Of a future that is done, it hears in the next turn.
    pub fn then(&mut self, handle: Handle, waiter: Waiter) -> Result<()> {
        if self.freeing {
            return Err(Error::EGONE);
        }
        self.wait_in_line(handle, waiter).map(|_| ())
    }

    /// As `then`, for one who may leave before it is told.
    pub fn wait_in_line(&mut self, handle: Handle, waiter: Waiter) -> Result<Awaited> {
        let future = self.future_mut(handle)?;
        let place = future.waiters.push(waiter);
        if !future.is_pending() && !future.queued {
            future.queued = true;
            future.told = false;
            self.ready.push_future(handle);
        }
        Ok(Awaited { future: handle, place })
    }

    /// Takes back what callers asked with `then`. How many there were.
    pub fn forget_callers(&mut self, handle: Handle, notify: Notify) -> Result<i64> {
        let removed = self.future_mut(handle)?.waiters.remove_callers(notify);
        self.free_if_forgotten(handle);
        Ok(removed)
    }

    /// Takes back a `wait_in_line`.
    pub fn stop_waiting(&mut self, awaited: Awaited) {
        if let Ok(future) = self.future_mut(awaited.future) {
            future.waiters.remove(awaited.place);
            self.free_if_forgotten(awaited.future);
        }
    }

    /// The task that a future woke has gone on: those who came to wait for it since are told next.
    #[inline]
    pub fn end_wake(&mut self, handle: Handle) {
        let Ok(future) = self.future_mut(handle) else { return };
        if !std::mem::take(&mut future.woke) {
            return;
        }
        if future.has_to_tell() {
            self.ready.push_future(handle);
        } else {
            future.queued = false;
            future.told = true;
        }
    }
}
