// SPDX-License-Identifier: MIT OR Apache-2.0
//! Signals, told on a loop.
//!
//! The handler sets a bit in the inbox of every loop that watches the signal, and wakes it. So a signal that comes
//! twice before the loop looks is told once, as with signals of old, but never not at all.

use crate::callback::Notify;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::future::Op;
use crate::handle::Handle;
use crate::lifecycle::{Kind, Object};
use crate::program;
use crate::ready::Step;
use crate::registry;
use crate::sys::signals;

pub struct Signal {
    number: i32,
    notify: Notify,
}

impl Signal {
    /// In words.
    pub fn doing(&self) -> String {
        format!("number {}", self.number)
    }
}

/// In the handler: tells every loop that watches the signal.
pub fn deliver(signal: i32) {
    program::note_signal(signal);
    for place in registry::places() {
        place.inbox.deliver_signal(bit(signal));
    }
}

fn bit(signal: i32) -> u64 {
    1 << ((signal - 1) & 63)
}

impl Core {
    pub fn watch_signal(&mut self, number: i32, notify: Notify) -> Result<Handle> {
        if !signals::can_be_watched(number) {
            return Err(Error::EINVAL);
        }
        let handle = self.insert(Kind::Signal, Object::Signal(Signal { number, notify }))?;
        if let Err(error) = self.add_signal_watcher(number, handle) {
            self.table.discard(handle);
            return Err(error);
        }
        self.set_active(handle, true);
        Ok(handle)
    }

    /// The next time that the process gets the signal.
    pub fn wait_for_signal(&mut self, number: i32, notify: Notify) -> Result<Handle> {
        if !signals::can_be_watched(number) {
            return Err(Error::EINVAL);
        }
        let future = self.insert_future(Op::Signal(number), self.handle, notify)?;
        if let Err(error) = self.add_signal_watcher(number, future) {
            self.withdraw_future(future);
            return Err(error);
        }
        Ok(future)
    }

    /// From now on `signal_step` is called for this handle when the signal has come.
    pub fn add_signal_watcher(&mut self, number: i32, handle: Handle) -> Result<()> {
        // In this order: what the handler takes from the program, somebody here has to get.
        self.signals.push((number, handle));
        self.want_signals();
        signals::watch(number).inspect_err(|_| {
            self.signals.pop();
            self.want_signals();
        })
    }

    pub fn unwatch_signal(&mut self, handle: Handle) {
        if let Some(index) = self.signals.iter().position(|row| row.1 == handle) {
            let (number, _) = self.signals.remove(index);
            signals::unwatch(number);
            self.want_signals();
        }
    }

    fn want_signals(&self) {
        let wanted = self.signals.iter().fold(0, |wanted, (number, _)| wanted | bit(*number));
        self.inbox().want_signals(wanted);
    }

    /// Queues what the handler has noted since it was last looked at.
    pub fn take_signals(&mut self) {
        let came = self.inbox().take_signals();
        if came != 0 {
            for (number, handle) in &self.signals {
                if came & bit(*number) != 0 {
                    self.ready.push_signal(*handle);
                }
            }
        }
    }

    /// The step that tells of a signal, if its watcher is still there.
    pub fn signal_step(&mut self, handle: Handle) -> Step {
        match self.open_entry(handle).map(|entry| &entry.object) {
            Ok(Object::Signal(signal)) => {
                let (notify, number) = (signal.notify, signal.number);
                if matches!(notify, Notify::Nobody) {
                    self.interrupt_program();
                }
                self.step_for(notify, handle, i64::from(number))
            }
            Ok(Object::Future(future)) => match future.op {
                Op::Signal(number) if future.is_pending() => {
                    self.unwatch_signal(handle);
                    self.complete_now(handle, i64::from(number))
                }
                _ => Step::Nothing,
            },
            Ok(Object::Stream(_)) => self.tty_step(handle),
            // What the loop itself watches for.
            Ok(Object::Loop) => {
                self.look_at_unwatched();
                Step::Nothing
            }
            _ => Step::Nothing,
        }
    }
}
