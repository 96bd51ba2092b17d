// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ending futures before their time: cancelling, deadlines, and the end of the loop. Each noun knows how to end its own.

use super::{Future, Op};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::handle::Handle;
use crate::lifecycle::Object;
use crate::sys;
use std::collections::{BTreeSet, VecDeque};

/// Futures to be cancelled because something that waits for them was. One after the other: a chain of any length takes
/// no more stack than its first link, and what is reached twice, in a circle even, is cancelled once.
#[derive(Default)]
pub struct Cancels {
    /// Each with the task that awaits it, if it is one.
    queue: VecDeque<(Handle, Option<Handle>)>,
    running: bool,
    /// What was reached twice.
    reached_again: Vec<Handle>,
    /// What has only to tell yet, and cannot be cancelled.
    refused: BTreeSet<Handle>,
    /// Which call of `cancel` it is. The numbers come back after so many that no future remembers.
    round: u32,
}

/// Of a future that was never cancelled.
pub(super) const NO_ROUND: u32 = u32::MAX;

impl Core {
    /// Ends a pending operation and what it waits for; its future completes with `reason`.
    pub fn cancel(&mut self, handle: Handle, reason: Error) -> Result<()> {
        let result = self.cancel_one(handle, reason);
        self.cancel_the_rest();
        result
    }

    /// As `cancel` of each; what several of them wait for is reached once.
    pub fn cancel_all(&mut self, handles: &[Handle]) {
        handles.iter().for_each(|handle| self.cancel_too(*handle, None));
        self.cancel_the_rest();
    }

    /// To be cancelled with what is being cancelled now. `task`: the one that awaits it.
    pub fn cancel_too(&mut self, handle: Handle, task: Option<Handle>) {
        self.cancels.queue.push_back((handle, task));
    }

    /// A task that was cancelled when it did not wait waits now: this ends.
    pub fn cancel_awaited(&mut self, task: Handle, future: Handle) {
        let round = self.cancels.round;
        if let Ok(task) = self.future_mut(task) {
            task.cancelled_in = round;
        }
        self.cancel_too(future, Some(task));
        self.cancel_the_rest();
    }

    /// Has a circle looked for from here too, though nothing behind it is cancelled now.
    pub fn look_for_circle_of(&mut self, handle: Handle) {
        self.cancels.reached_again.push(handle);
    }

    /// Cancels what `cancel_too` was called for.
    pub fn cancel_the_rest(&mut self) {
        if std::mem::replace(&mut self.cancels.running, true) {
            return;
        }
        while let Some((handle, task)) = self.cancels.queue.pop_front() {
            if self.is_reached_again(handle) {
                self.cancels.reached_again.push(handle);
            }
            let refused = self.cancel_one(handle, Error::ECANCELED) == Err(Error::ESTATE);
            if let (true, Some(task)) = (refused || self.is_pending_join(handle), task) {
                // The result is on its way, and shall not be lost. (A join may tell of a child's error instead.)
                self.cancel_next_await(task);
            }
        }
        let reached_again = std::mem::take(&mut self.cancels.reached_again);
        self.break_circles_of(reached_again);
        self.cancels.refused.clear();
        self.cancels.running = false;
        self.cancels.round = (self.cancels.round + 1) % NO_ROUND;
    }

    fn is_pending_join(&self, handle: Handle) -> bool {
        matches!(self.table.get(handle).map(|entry| &entry.object),
            Ok(Object::Future(future)) if matches!(future.op, Op::Join))
    }

    /// Whether it goes on though it was cancelled in this round. (As the loop is freed all are, in whatever order.)
    pub(super) fn is_reached_again(&self, handle: Handle) -> bool {
        let round = self.cancels.round;
        !self.freeing
            && matches!(self.table.get(handle).map(|entry| &entry.object),
                Ok(Object::Future(future)) if future.is_pending() && future.cancelled_in == round)
    }

    /// Whether it is pending, or was just cancelled together with what waits for it.
    pub fn can_be_cancelled(&self, handle: Handle) -> bool {
        let round = self.cancels.round;
        matches!(self.table.get(handle).map(|entry| &entry.object),
            Ok(Object::Future(future)) if future.is_pending() || future.cancelled_in == round)
    }

    fn cancel_one(&mut self, handle: Handle, reason: Error) -> Result<()> {
        let round = self.cancels.round;
        let future = self.future_mut(handle)?;
        if future.cancelled_in == round {
            return if self.cancels.refused.contains(&handle) { Err(Error::ESTATE) } else { Ok(()) };
        }
        if !future.is_pending() {
            return Err(Error::ESTATE);
        }
        future.cancelled_in = round;
        let origin = future.origin;
        match &mut future.op {
            Op::Promise
            | Op::Soon
            | Op::Found(_)
            | Op::Got(_)
            | Op::Shielded(_)
            | Op::Bytes(_)
            | Op::Entries(_)
            | Op::Interfaces(_)
            | Op::Ran(_)
            | Op::Sends { first: None, .. }
            | Op::Over => {}
            Op::Later(deadline) => {
                let deadline = *deadline;
                self.timers.remove(deadline);
            }
            Op::Accept => self.cancel_accept(origin, handle),
            Op::Read => self.cancel_read(origin),
            Op::Write => self.cancel_write(origin, handle),
            Op::Send(number) | Op::Sends { first: Some(number), .. } => {
                let number = *number;
                self.cancel_udp_send(origin, handle, number);
            }
            Op::Receive(number) => {
                let number = *number;
                self.cancel_udp_recv(origin, handle, number);
            }
            Op::Shutdown => self.cancel_shutdown(origin),
            Op::Run(_) => {
                self.give_up_run(handle, reason);
                return Ok(());
            }
            Op::Exit => self.cancel_process_wait(origin, handle),
            Op::Signal(_) => self.unwatch_signal(handle),
            Op::Connect(_) => self.drop_connecting(handle),
            Op::ConnectLocal(_) => self.drop_local_connecting(handle),
            Op::InLine(claim) => {
                let claim = *claim;
                if !self.cancel_claim(claim, origin, handle, reason) {
                    return Ok(());
                }
            }
            Op::LookUp(job) => {
                job.give_up();
            }
            Op::Work(job) => {
                // What was given up before has still something to tidy up.
                if future.given_up.is_some() || !job.give_up() {
                    // It runs, with its caller's memory: it ends when it returns.
                    future.given_up.get_or_insert(reason);
                    return Ok(());
                }
            }
            Op::Foreign(_) => {
                if future.given_up.is_none() {
                    future.given_up = Some(reason);
                    self.ready.push_cancelled(handle);
                }
                return Ok(());
            }
            Op::OnFile(job) => {
                if job.as_ref().is_some_and(|job| !job.give_up()) {
                    future.given_up.get_or_insert(reason);
                } else {
                    self.cancel_on_file(origin, handle);
                    self.complete_on_file(handle, reason.code());
                }
                return Ok(());
            }
            Op::Closing => {
                // The file is closed all the same, and it ends then.
                future.given_up.get_or_insert(reason);
                return Ok(());
            }
            Op::Task(_) => {
                if !self.cancel_task(handle, reason) {
                    return Ok(());
                }
            }
            Op::Whole(_) => {
                let result = self.cancel_whole(handle, reason);
                return self.note_refused(handle, result);
            }
            Op::Shield(inner) => {
                let inner = *inner;
                self.stop_waiting(inner);
            }
            Op::Join => {
                let result = self.cancel_join(origin, reason);
                return self.note_refused(handle, result);
            }
            Op::Next => self.withdraw_next(origin, handle),
        }
        self.complete(handle, reason.code());
        Ok(())
    }

    /// That it has only to tell yet is for each who awaits it to know, also when one cancel reaches it from several.
    fn note_refused(&mut self, handle: Handle, result: Result<()>) -> Result<()> {
        if result == Err(Error::ESTATE) {
            self.cancels.refused.insert(handle);
        }
        result
    }

    /// Gives a future at most `ns` nanoseconds from now. Of several deadlines the first one counts.
    pub fn set_timeout(&mut self, handle: Handle, ns: i64) -> Result<()> {
        let future = self.future_mut(handle)?;
        if ns < 0 {
            return Err(Error::EINVAL);
        }
        if !future.is_pending() {
            return Ok(());
        }
        let due = sys::clock().saturating_add(ns);
        match future.deadline {
            Some(deadline) => {
                if self.timers.due(deadline).is_some_and(|present| due < present) {
                    self.timers.update(deadline, due);
                }
            }
            None => {
                let deadline = self.timers.insert(due, handle);
                self.future_mut(handle)?.deadline = Some(deadline);
            }
        }
        Ok(())
    }

    /// Whether work that cannot be stopped still runs.
    pub fn waits_for_workers(&self) -> bool {
        self.pending_futures().any(|(_, future)| !future.waits_for_others())
    }

    pub(super) fn pending_futures(&self) -> impl Iterator<Item = (Handle, &Future)> {
        self.table.handles().filter_map(|(handle, entry)| match &entry.object {
            Object::Future(future) if future.is_pending() => Some((handle, future)),
            _ => None,
        })
    }
}
