// SPDX-License-Identifier: MIT OR Apache-2.0
//! Locks: held by one at a time. Released, a lock goes straight to the next who waits.

use super::{Claim, Line, Waiting, check_hearer};
use crate::callback::Notify;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::future::Op;
use crate::handle::Handle;
use crate::lifecycle::{Kind, Object};

#[derive(Default)]
pub struct Lock {
    held: bool,
    pub waiting: Waiting,
    /// The conditions that go with it.
    conditions: Vec<Handle>,
}

impl Lock {
    /// In words.
    pub fn doing(&self) -> String {
        if self.held { format!("held, {} waiting", self.waiting.count()) } else { "free".to_owned() }
    }
}

impl Core {
    pub fn new_lock(&mut self) -> Result<Handle> {
        self.insert(Kind::Lock, Object::Lock(Lock::default()))
    }

    fn lock_mut(&mut self, handle: Handle) -> Result<&mut Lock> {
        match &mut self.open_entry(handle)?.object {
            Object::Lock(lock) => Ok(lock),
            _ => Err(Error::EKIND),
        }
    }

    pub fn is_lock_held(&mut self, handle: Handle) -> Result<bool> {
        Ok(self.lock_mut(handle)?.held)
    }

    pub fn acquire_lock(&mut self, handle: Handle, notify: Notify) -> Result<Handle> {
        let lock = self.lock_mut(handle)?;
        check_hearer(notify)?;
        if std::mem::replace(&mut lock.held, true) {
            return self.line_up(handle, Claim::Lock, notify);
        }
        let future = self.insert_done(Op::Over, handle, notify, 0);
        if future.is_err() {
            self.lock_mut(handle)?.held = false;
        }
        future
    }

    /// A lock that is free has nobody waiting for it.
    pub fn try_lock(&mut self, handle: Handle) -> Result<()> {
        let lock = self.lock_mut(handle)?;
        if std::mem::replace(&mut lock.held, true) { Err(Error::EAGAIN) } else { Ok(()) }
    }

    #[inline(always)]
    pub fn release_lock(&mut self, handle: Handle) -> Result<()> {
        let lock = self.lock_mut(handle)?;
        if !lock.held {
            return Err(Error::ESTATE);
        }
        if lock.waiting.line.is_empty() {
            lock.held = false;
            return Ok(());
        }
        match self.next_in_line(handle, Line::Lock) {
            Some(future) => self.complete(future, 0),
            None => self.lock_mut(handle)?.held = false,
        }
        Ok(())
    }

    /// Gives a wait for a condition its lock back, now or in its turn.
    pub fn relock(&mut self, handle: Handle, future: Handle) {
        match self.try_lock(handle) {
            Ok(()) => self.complete(future, 0),
            Err(Error::EAGAIN) => {
                if let Ok(future) = self.future_mut(future) {
                    future.op = Op::InLine(Claim::Relock(handle));
                }
                if let Ok(lock) = self.lock_mut(handle) {
                    lock.waiting.push(future);
                }
            }
            Err(_) => self.complete(future, Error::ECANCELED.code()),
        }
    }

    /// The futures that a condition has in the line of its lock leave it.
    pub fn cancel_relocks(&mut self, handle: Handle, condition: Handle) {
        let Ok(lock) = self.lock_mut(handle) else { return };
        let futures = lock.waiting.line.clone();
        for future in futures {
            let of_condition = self.stands_in(future, Line::Lock)
                && self.future_mut(future).is_ok_and(|future| future.origin == condition);
            if of_condition {
                self.leave_line(handle, Line::Lock, future);
                self.complete(future, Error::ECANCELED.code());
            }
        }
    }

    pub fn add_condition(&mut self, handle: Handle, condition: Handle) -> Result<()> {
        self.lock_mut(handle)?.conditions.push(condition);
        Ok(())
    }

    pub fn remove_condition(&mut self, handle: Handle, condition: Handle) {
        // The lock may be closed already.
        if let Ok(lock) = self.lock_mut(handle) {
            lock.conditions.retain(|other| *other != condition);
        }
    }

    /// A wait for a condition has nothing to come back to without the lock.
    pub fn close_lock(&mut self, handle: Handle) {
        let Ok(lock) = self.lock_mut(handle) else { return };
        for condition in std::mem::take(&mut lock.conditions) {
            self.cancel_line(condition, Line::Condition);
        }
        self.cancel_line(handle, Line::Lock);
    }
}
