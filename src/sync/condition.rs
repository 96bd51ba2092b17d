// SPDX-License-Identifier: MIT OR Apache-2.0
//! Conditions: those who hold a lock give it up and wait until another holder of it tells them that something changed.
//!
//! However a wait ends, it has the lock again when it does, so a cancelled one first stands in line for it. A notice
//! that reached a wait which then was cancelled goes on to the next one.

use super::{Claim, Line, Waiting, check_hearer};
use crate::callback::Notify;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::handle::Handle;
use crate::lifecycle::{Kind, Object};

pub struct Condition {
    lock: Handle,
    pub waiting: Waiting,
}

impl Core {
    pub fn new_condition(&mut self, lock: Handle) -> Result<Handle> {
        self.is_lock_held(lock)?;
        let condition = Condition { lock, waiting: Waiting::default() };
        let handle = self.insert(Kind::Condition, Object::Condition(condition))?;
        self.add_condition(lock, handle)?;
        Ok(handle)
    }

    fn condition_mut(&mut self, handle: Handle) -> Result<&mut Condition> {
        match &mut self.open_entry(handle)?.object {
            Object::Condition(condition) => Ok(condition),
            _ => Err(Error::EKIND),
        }
    }

    /// The lock of a condition, if it is held.
    fn held_lock_of(&mut self, handle: Handle) -> Result<Handle> {
        let lock = self.condition_mut(handle)?.lock;
        if self.is_lock_held(lock)? { Ok(lock) } else { Err(Error::ESTATE) }
    }

    pub fn wait_for_condition(&mut self, handle: Handle, notify: Notify) -> Result<Handle> {
        let lock = self.held_lock_of(handle)?;
        check_hearer(notify)?;
        let future = self.line_up(handle, Claim::Condition, notify)?;
        self.release_lock(lock)?;
        Ok(future)
    }

    /// Ends up to `count` waits; how many there were.
    pub fn notify_condition(&mut self, handle: Handle, count: i64) -> Result<i64> {
        let lock = self.held_lock_of(handle)?;
        if count < 0 {
            return Err(Error::EINVAL);
        }
        let mut notified = 0;
        while notified < count {
            let Some(future) = self.next_in_line(handle, Line::Condition) else { break };
            self.relock(lock, future);
            notified += 1;
        }
        Ok(notified)
    }

    /// Who was notified will not act on it: somebody else is to.
    pub fn pass_notice_on(&mut self, handle: Handle) {
        let Ok(lock) = self.condition_mut(handle).map(|condition| condition.lock) else { return };
        if let Some(future) = self.next_in_line(handle, Line::Condition) {
            self.relock(lock, future);
        }
    }

    /// A wait ends before it was notified.
    pub fn cancel_wait(&mut self, handle: Handle, future: Handle, reason: Error) {
        let Ok(lock) = self.condition_mut(handle).map(|condition| condition.lock) else { return };
        if let Ok(future) = self.future_mut(future) {
            future.given_up = Some(reason);
        }
        self.leave_line(handle, Line::Condition, future);
        self.relock(lock, future);
    }

    /// A wait ends that only needs its lock. It still does.
    pub fn cancel_relock(&mut self, handle: Handle, future: Handle, reason: Error) {
        let Ok(future) = self.future_mut(future) else { return };
        if future.given_up.is_none() {
            future.given_up = Some(reason);
            self.pass_notice_on(handle);
        }
    }

    pub fn close_condition(&mut self, handle: Handle) {
        let Ok(lock) = self.condition_mut(handle).map(|condition| condition.lock) else { return };
        self.cancel_line(handle, Line::Condition);
        self.cancel_relocks(lock, handle);
        self.remove_condition(lock, handle);
    }
}
