// SPDX-License-Identifier: MIT OR Apache-2.0
//! Barriers: so many wait until all have come, and go on together.
//!
//! They leave all at once, in the call that completes them, so the next round may begin at any time.

use super::{Claim, Line, Waiting};
use crate::callback::Notify;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::handle::Handle;
use crate::lifecycle::{Kind, Object};

pub struct Barrier {
    parties: usize,
    broken: bool,
    pub waiting: Waiting,
}

impl Core {
    pub fn new_barrier(&mut self, parties: i64) -> Result<Handle> {
        let parties = usize::try_from(parties).ok().filter(|parties| *parties > 0).ok_or(Error::EINVAL)?;
        let barrier = Barrier { parties, broken: false, waiting: Waiting::default() };
        self.insert(Kind::Barrier, Object::Barrier(barrier))
    }

    fn barrier_mut(&mut self, handle: Handle) -> Result<&mut Barrier> {
        match &mut self.open_entry(handle)?.object {
            Object::Barrier(barrier) => Ok(barrier),
            _ => Err(Error::EKIND),
        }
    }

    pub fn is_barrier_broken(&mut self, handle: Handle) -> Result<bool> {
        Ok(self.barrier_mut(handle)?.broken)
    }

    pub fn barrier_waiting(&mut self, handle: Handle) -> Result<i64> {
        Ok(self.barrier_mut(handle)?.waiting.count() as i64)
    }

    /// The results are the places of those who wait, in the order in which they came.
    pub fn wait_at_barrier(&mut self, handle: Handle, notify: Notify) -> Result<Handle> {
        if self.is_barrier_broken(handle)? {
            return Err(Error::EBROKEN);
        }
        let future = self.line_up(handle, Claim::Barrier, notify)?;
        let barrier = self.barrier_mut(handle)?;
        if barrier.waiting.count() == barrier.parties {
            self.complete_line(handle, Line::Barrier, |place| place as i64);
        }
        Ok(future)
    }

    /// Those who wait are told that it broke; it is whole again, or not.
    pub fn break_barrier(&mut self, handle: Handle, for_good: bool) -> Result<()> {
        self.barrier_mut(handle)?.broken = for_good;
        self.complete_line(handle, Line::Barrier, |_| Error::EBROKEN.code());
        Ok(())
    }

    pub fn close_barrier(&mut self, handle: Handle) {
        self.cancel_line(handle, Line::Barrier);
    }
}
