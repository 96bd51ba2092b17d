// SPDX-License-Identifier: MIT OR Apache-2.0
//! Other threads that use futures of a loop: they spawn tasks in it, and block until something in it is done.
//!
//! A thread that spawns gets a handle at once, although only the loop's own thread may touch the table: the inbox has
//! handles of its own to give, and the loop places the task under one when it takes the message.

use crate::callback::{Notify, UserData, WorkFunction};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::future::{Awaited, Future, Op, Waiter};
use crate::handle::Handle;
use crate::lifecycle::{Entry, Kind, Object};
use crate::ready::Step;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

#[derive(Default)]
pub struct Abroad {
    blocked: Vec<(u64, Arc<Blocked>, Awaited)>,
    last: u64,
}

/// What a blocked thread and the loop share.
#[derive(Default)]
pub struct Blocked {
    outcome: Mutex<Outcome>,
    bell: Condvar,
}

#[derive(Default)]
struct Outcome {
    result: Option<i64>,
    /// The thread does not wait any more: the future stays its own.
    left: bool,
}

impl Blocked {
    /// Waits for the result, `ns` nanoseconds at most.
    pub fn wait(&self, ns: Option<i64>) -> Result<i64> {
        let until = ns.and_then(|ns| Instant::now().checked_add(Duration::from_nanos(ns as u64)));
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(result) = outcome.result {
                return Ok(result);
            }
            outcome = match until {
                None => self.bell.wait(outcome).unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        outcome.left = true;
                        return Err(Error::ETIMEDOUT);
                    }
                    self.bell.wait_timeout(outcome, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Gives the result. Whether the thread still waited for it.
    fn tell(&self, result: i64) -> bool {
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        outcome.result = Some(result);
        self.bell.notify_one();
        !outcome.left
    }
}

impl Core {
    /// A thread waits for the future; it is told, and the future taken from it, when that is done.
    pub fn block(&mut self, future: Handle, blocked: Arc<Blocked>) {
        let number = self.abroad.last + 1;
        match self.wait_in_line(future, Waiter::Thread(number)) {
            Ok(awaited) => {
                self.abroad.last = number;
                self.abroad.blocked.push((number, blocked, awaited));
            }
            Err(error) => drop(blocked.tell(error.code())),
        }
    }

    /// A thread whose time was over does not wait any more.
    pub fn unblock(&mut self, blocked: &Arc<Blocked>) {
        if let Some(index) = self.abroad.blocked.iter().position(|row| Arc::ptr_eq(&row.1, blocked)) {
            let (_, _, awaited) = self.abroad.blocked.swap_remove(index);
            self.stop_waiting(awaited);
        }
    }

    /// In the child of a fork there are no threads that could wait.
    pub fn forget_threads(&mut self) {
        for (_, _, awaited) in std::mem::take(&mut self.abroad.blocked) {
            self.stop_waiting(awaited);
        }
    }

    pub fn tell_thread(&mut self, number: u64, future: Handle, result: i64) -> Step {
        if let Some(index) = self.abroad.blocked.iter().position(|row| row.0 == number) {
            let (_, blocked, _) = self.abroad.blocked.swap_remove(index);
            if blocked.tell(result) {
                let _ = self.future_mut(future).and_then(Future::look);
                let _ = self.release(future);
            }
        }
        Step::Nothing
    }

    /// Handles for other threads whose tasks are gone are theirs again.
    #[inline]
    pub fn return_handles(&mut self) {
        if !self.table.high_free().is_empty() {
            self.inbox().give_handles(self.table.high_free());
        }
    }

    /// A task that another thread spawned. Without the memory for it, its handle leads to nothing.
    pub fn spawn_at(&mut self, handle: Handle, function: WorkFunction, arg: UserData) {
        let Ok(task) = self.new_task(function, arg, 0) else { return };
        let future = Future::new(Op::Task(task), self.handle, Notify::Keep);
        if self.table.place_high(handle, Entry::new(Kind::Future, Object::Future(future), self.made_now())).is_err() {
            return;
        }
        self.set_active(handle, true);
        if self.freeing {
            let _ = self.cancel(handle, Error::ECANCELED);
        } else {
            self.ready.push_task(handle);
        }
    }
}
