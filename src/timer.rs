// SPDX-License-Identifier: MIT OR Apache-2.0
//! Timer handles, and what becomes of a deadline that is due.

use crate::callback::Notify;
use crate::core::Core;
use crate::dump::{age, due_in};
use crate::error::{Error, Result};
use crate::future::{Future, Op};
use crate::handle::Handle;
use crate::lifecycle::{Kind, Object};
use crate::ready::Step;
use crate::sys;
use crate::timers::{TimerId, Timers};

pub struct Timer {
    notify: Notify,
    after: i64,
    every: i64,
    deadline: Option<TimerId>,
}

impl Timer {
    /// In words.
    pub fn doing(&self, timers: &Timers) -> String {
        let Some(due) = self.deadline.and_then(|deadline| timers.due(deadline)) else { return "stopped".to_owned() };
        let every = if self.every > 0 { format!(", every {}", age(self.every)) } else { String::new() };
        due_in(due) + &every
    }
}

impl Core {
    pub fn start_timer(&mut self, after: i64, every: i64, notify: Notify) -> Result<Handle> {
        check_times(after, every)?;
        let handle = self.insert(Kind::Timer, Object::Timer(Timer { notify, after, every, deadline: None }))?;
        self.arm_timer(handle, after)?;
        Ok(handle)
    }

    pub fn set_timer(&mut self, handle: Handle, after: i64, every: i64) -> Result<()> {
        let timer = self.timer_mut(handle)?;
        check_times(after, every)?;
        timer.after = after;
        timer.every = every;
        self.arm_timer(handle, after)
    }

    pub fn restart_timer(&mut self, handle: Handle) -> Result<()> {
        let timer = self.timer_mut(handle)?;
        let after = if timer.every > 0 { timer.every } else { timer.after };
        self.arm_timer(handle, after)
    }

    pub fn stop_timer(&mut self, handle: Handle) -> Result<()> {
        if let Some(deadline) = self.timer_mut(handle)?.deadline.take() {
            self.timers.remove(deadline);
            self.set_active(handle, false);
        }
        Ok(())
    }

    /// Nanoseconds until the timer is due, 0 when it is overdue.
    pub fn timer_due_in(&mut self, handle: Handle) -> Result<i64> {
        let deadline = self.timer_mut(handle)?.deadline.ok_or(Error::ESTATE)?;
        let due = self.timers.due(deadline).ok_or(Error::ESTATE)?;
        Ok((due - sys::clock()).max(0))
    }

    /// Counts from the clock as it is now, not from the time of the turn, which may be long past: a timer that did
    /// that would fire early.
    fn arm_timer(&mut self, handle: Handle, after: i64) -> Result<()> {
        let due = sys::clock().saturating_add(after);
        match self.timer_mut(handle)?.deadline {
            Some(deadline) => self.timers.update(deadline, due),
            None => {
                let deadline = self.timers.insert(due, handle);
                self.timer_mut(handle)?.deadline = Some(deadline);
                self.set_active(handle, true);
            }
        }
        Ok(())
    }

    fn timer_mut(&mut self, handle: Handle) -> Result<&mut Timer> {
        match &mut self.open_entry(handle)?.object {
            Object::Timer(timer) => Ok(timer),
            _ => Err(Error::EKIND),
        }
    }

    /// The next deadline that is due and was set before `mark`, as the step it leads to.
    pub fn pop_timer(&mut self, mark: u64) -> Option<Step> {
        let (deadline, owner, due) = self.timers.pop(self.now, mark)?;
        let Ok(entry) = self.table.get_mut(owner) else { return Some(Step::Nothing) };
        match &mut entry.object {
            Object::Timer(_) => return Some(self.fire_timer(owner, due)),
            Object::Future(future) if matches!(future.op, Op::Later(own) if own == deadline) => {
                return Some(self.complete_now(owner, 0));
            }
            Object::Future(future) if future.deadline == Some(deadline) => {
                future.deadline = None;
                let _ = self.cancel(owner, Error::ETIMEDOUT);
            }
            Object::Future(Future { op: Op::ConnectLocal(_), .. }) => self.try_local_connect(owner),
            Object::Future(_) => self.next_attempt(owner),
            Object::Listener(_) => self.resume_listener(owner),
            Object::Watch(_) => self.look_at_path(owner),
            Object::Process(_) => self.grace_is_over(owner),
            _ => {}
        }
        Some(Step::Nothing)
    }

    /// A timer that is late fires once, with the number of periods that passed.
    fn fire_timer(&mut self, handle: Handle, due: i64) -> Step {
        let now = self.now;
        let Ok(timer) = self.timer_mut(handle) else { return Step::Nothing };
        let (notify, every) = (timer.notify, timer.every);
        timer.deadline = None;
        let mut periods = 1;
        if every > 0 {
            periods = 1 + (now - due) / every;
            let deadline = self.timers.insert(due.saturating_add(periods.saturating_mul(every)), handle);
            if let Ok(timer) = self.timer_mut(handle) {
                timer.deadline = Some(deadline);
            }
        } else {
            self.set_active(handle, false);
        }
        self.step_for(notify, handle, periods)
    }
}

fn check_times(after: i64, every: i64) -> Result<()> {
    if after < 0 || every < 0 { Err(Error::EINVAL) } else { Ok(()) }
}
