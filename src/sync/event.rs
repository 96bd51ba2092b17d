// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events: something that has happened or not yet, and any number who wait for it.

use super::{Claim, Line, Waiting};
use crate::callback::Notify;
use crate::core::Core;
use crate::dump::waiting;
use crate::error::{Error, Result};
use crate::future::Op;
use crate::handle::Handle;
use crate::lifecycle::{Kind, Object};

#[derive(Default)]
pub struct Event {
    set: bool,
    pub waiting: Waiting,
}

impl Event {
    /// In words.
    pub fn doing(&self) -> String {
        if self.set { "set".to_owned() } else { waiting(self.waiting.count()) }
    }
}

impl Core {
    pub fn new_event(&mut self) -> Result<Handle> {
        self.insert(Kind::Event, Object::Event(Event::default()))
    }

    fn event_mut(&mut self, handle: Handle) -> Result<&mut Event> {
        match &mut self.open_entry(handle)?.object {
            Object::Event(event) => Ok(event),
            _ => Err(Error::EKIND),
        }
    }

    pub fn is_event_set(&mut self, handle: Handle) -> Result<bool> {
        Ok(self.event_mut(handle)?.set)
    }

    pub fn set_event(&mut self, handle: Handle) -> Result<()> {
        self.event_mut(handle)?.set = true;
        self.complete_line(handle, Line::Event, |_| 0);
        Ok(())
    }

    pub fn clear_event(&mut self, handle: Handle) -> Result<()> {
        self.event_mut(handle)?.set = false;
        Ok(())
    }

    pub fn wait_for_event(&mut self, handle: Handle, notify: Notify) -> Result<Handle> {
        match self.is_event_set(handle)? {
            true => self.insert_done(Op::Over, handle, notify, 0),
            false => self.line_up(handle, Claim::Event, notify),
        }
    }

    pub fn close_event(&mut self, handle: Handle) {
        self.cancel_line(handle, Line::Event);
    }
}
