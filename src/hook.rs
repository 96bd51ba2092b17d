// SPDX-License-Identifier: MIT OR Apache-2.0
//! Hooks: callbacks that run every turn, at a place of their own in it: idle, prepare, check.

use crate::callback::Notify;
use crate::core::Core;
use crate::error::Result;
use crate::handle::Handle;
use crate::lifecycle::{Kind, Object};
use crate::ready::Step;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Idle,
    Prepare,
    Check,
}

pub struct Hook {
    notify: Notify,
    /// Hooks are numbered from 1 in the order of their start.
    number: u64,
}

#[derive(Default)]
pub struct Hooks {
    phases: [Vec<Handle>; 3],
    started: u64,
    /// Hooks with higher numbers were started while the present phase ran, and wait for the next turn.
    limit: u64,
}

impl Hooks {
    pub fn active(&self, phase: Phase) -> bool {
        !self.phases[phase as usize].is_empty()
    }

    pub fn any(&self) -> bool {
        self.phases.iter().any(|phase| !phase.is_empty())
    }
}

impl Core {
    pub fn start_hook(&mut self, phase: Phase, notify: Notify) -> Result<Handle> {
        let kind = match phase {
            Phase::Idle => Kind::Idle,
            Phase::Prepare => Kind::Prepare,
            Phase::Check => Kind::Check,
        };
        let number = self.hooks.started + 1;
        let handle = self.insert(kind, Object::Hook(Hook { notify, number }))?;
        self.hooks.started = number;
        self.hooks.phases[phase as usize].push(handle);
        self.set_active(handle, true);
        Ok(handle)
    }

    pub fn stop_hook(&mut self, handle: Handle) {
        for phase in &mut self.hooks.phases {
            phase.retain(|hook| *hook != handle);
        }
    }

    /// The next hook of those that were there when the phase began; `last` is the number of the one before, 0 at first.
    pub fn next_hook(&mut self, phase: Phase, last: &mut u64) -> Option<Step> {
        if *last == 0 {
            self.hooks.limit = self.hooks.started;
        }
        // Hooks may close themselves and others while the phase runs, so go on by number, not by place. They stand in
        // the order in which they were started.
        for index in 0..self.hooks.phases[phase as usize].len() {
            let handle = self.hooks.phases[phase as usize][index];
            let Ok(Object::Hook(hook)) = self.table.get(handle).map(|entry| &entry.object) else { continue };
            if hook.number > *last && hook.number <= self.hooks.limit {
                let notify = hook.notify;
                *last = hook.number;
                return Some(self.step_for(notify, handle, 0));
            }
        }
        None
    }
}
