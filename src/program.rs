// SPDX-License-Identifier: MIT OR Apache-2.0
//! A program that is one task: run it, end what is left, and let Ctrl-C end it well.
//!
//! The first Ctrl-C cancels the task; the second kills the process, in the handler itself, so that a task that does not
//! give way cannot prevent it.

use crate::core::{Core, Until};
use crate::error::{Error, Result};
use crate::event_loop::Loop;
use crate::handle::Handle;
use crate::sys::signals;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// How many programs run in this process: one, mostly.
static PROGRAMS: AtomicUsize = AtomicUsize::new(0);
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// In the handler of a signal.
pub fn note_signal(signal: i32) {
    if signal == signals::INTERRUPT && PROGRAMS.load(Ordering::SeqCst) > 0 && INTERRUPTED.swap(true, Ordering::SeqCst) {
        signals::die_of(signal);
    }
}

impl Loop {
    /// Runs the loop until the task is done and every other task has been cancelled and is done too; gives the task's
    /// result.
    pub fn run_program(&self, task: Handle) -> Result<i64> {
        if PROGRAMS.fetch_add(1, Ordering::SeqCst) == 0 {
            INTERRUPTED.store(false, Ordering::SeqCst);
        }
        let watcher = self.core.borrow_mut().watch_interrupt(task);
        let result = watcher.and_then(|watcher| {
            let result = self.run_to_the_end(task);
            let _ = self.core.borrow_mut().close(watcher);
            result
        });
        PROGRAMS.fetch_sub(1, Ordering::SeqCst);
        result
    }

    fn run_to_the_end(&self, task: Handle) -> Result<i64> {
        self.run(Until::Done(task))?;
        if self.core.borrow().is_pending(task) {
            // Somebody stopped the loop: the program ends, but not in the middle of things.
            let _ = self.core.borrow_mut().cancel(task, Error::ECANCELED);
            self.run(Until::Ended(task))?;
        }
        loop {
            let rest: Vec<Handle> = self.core.borrow().tasks().collect();
            if rest.is_empty() {
                break;
            }
            self.core.borrow_mut().cancel_all(&rest);
            for task in rest {
                self.run(Until::Ended(task))?;
            }
        }
        self.core.borrow_mut().take_result(task)
    }
}

impl Core {
    /// Has Ctrl-C cancel the task.
    fn watch_interrupt(&mut self, task: Handle) -> Result<Handle> {
        let watcher = self.watch_signal(signals::INTERRUPT, crate::callback::Notify::Nobody)?;
        self.set_referenced(watcher, false)?;
        self.program = Some(task);
        Ok(watcher)
    }

    pub fn interrupt_program(&mut self) {
        if let Some(task) = self.program {
            let _ = self.cancel(task, Error::ECANCELED);
        }
    }
}
