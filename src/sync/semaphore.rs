// SPDX-License-Identifier: MIT OR Apache-2.0
//! Semaphores: so many at a time. What one gives back goes straight to the next who waits.

use super::{Claim, Line, Waiting, check_hearer};
use crate::callback::Notify;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::future::Op;
use crate::handle::Handle;
use crate::lifecycle::{Kind, Object};

pub struct Semaphore {
    /// More than 0 only while nobody waits.
    value: i64,
    bound: i64,
    pub waiting: Waiting,
}

impl Semaphore {
    /// In words.
    pub fn doing(&self) -> String {
        format!("{} left, {} waiting", self.value, self.waiting.count())
    }
}

impl Core {
    /// `bound` is the most that `value` may become; 0: there is no such bound.
    pub fn new_semaphore(&mut self, value: i64, bound: i64) -> Result<Handle> {
        if value < 0 || bound < 0 || (bound > 0 && value > bound) {
            return Err(Error::EINVAL);
        }
        let bound = if bound > 0 { bound } else { i64::MAX };
        self.insert(Kind::Semaphore, Object::Semaphore(Semaphore { value, bound, waiting: Waiting::default() }))
    }

    fn semaphore_mut(&mut self, handle: Handle) -> Result<&mut Semaphore> {
        match &mut self.open_entry(handle)?.object {
            Object::Semaphore(semaphore) => Ok(semaphore),
            _ => Err(Error::EKIND),
        }
    }

    pub fn semaphore_value(&mut self, handle: Handle) -> Result<i64> {
        Ok(self.semaphore_mut(handle)?.value)
    }

    pub fn acquire_semaphore(&mut self, handle: Handle, notify: Notify) -> Result<Handle> {
        let semaphore = self.semaphore_mut(handle)?;
        check_hearer(notify)?;
        if semaphore.value == 0 {
            return self.line_up(handle, Claim::Semaphore, notify);
        }
        semaphore.value -= 1;
        let future = self.insert_done(Op::Over, handle, notify, 0);
        if future.is_err() {
            self.semaphore_mut(handle)?.value += 1;
        }
        future
    }

    pub fn try_semaphore(&mut self, handle: Handle) -> Result<()> {
        let semaphore = self.semaphore_mut(handle)?;
        if semaphore.value == 0 {
            return Err(Error::EAGAIN);
        }
        semaphore.value -= 1;
        Ok(())
    }

    pub fn release_semaphore(&mut self, handle: Handle) -> Result<()> {
        let semaphore = self.semaphore_mut(handle)?;
        if semaphore.value == semaphore.bound {
            return Err(Error::ESTATE);
        }
        if semaphore.waiting.line.is_empty() {
            semaphore.value += 1;
            return Ok(());
        }
        match self.next_in_line(handle, Line::Semaphore) {
            Some(future) => self.complete(future, 0),
            None => self.semaphore_mut(handle)?.value += 1,
        }
        Ok(())
    }

    pub fn close_semaphore(&mut self, handle: Handle) {
        self.cancel_line(handle, Line::Semaphore);
    }
}
