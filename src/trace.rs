// SPDX-License-Identifier: MIT OR Apache-2.0
//! What each turn of a loop took, told to one who wants to know. Without such a one a turn costs a comparison more.

use crate::callback::{Call, Callback};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::event_loop::Loop;
use crate::sys;

#[derive(Clone, Copy, Default)]
pub struct Turn {
    pub number: i64,
    pub began: i64,
    pub waited: i64,
    /// Not waiting.
    pub busy: i64,
    pub events: i64,
    pub events_waiting: i64,
    pub callbacks: i64,
}

pub struct Trace {
    told: Callback,
    last: Turn,
}

impl Core {
    /// Whom to tell of each turn from the next one on.
    pub fn set_trace(&mut self, told: Option<Callback>) {
        self.trace = told.map(|told| Box::new(Trace { told, last: Turn::default() }));
    }

    pub fn last_turn(&self) -> Result<Turn> {
        let last = self.trace.as_ref().map(|trace| trace.last);
        last.filter(|turn| turn.number > 0).ok_or(Error::ESTATE)
    }

    /// The counters as a turn begins, if somebody is to be told of it.
    #[inline]
    pub fn begin_turn(&mut self) -> Option<Turn> {
        self.metrics.turns += 1;
        if self.trace.is_some() { Some(self.counters(sys::clock())) } else { None }
    }

    #[cold]
    fn counters(&self, began: i64) -> Turn {
        let metrics = &self.metrics;
        Turn {
            number: metrics.turns,
            began,
            waited: metrics.idle,
            busy: 0,
            events: metrics.events,
            events_waiting: metrics.events_waiting,
            callbacks: metrics.callbacks,
        }
    }

    /// The call that tells of a turn.
    fn end_turn(&mut self, before: Turn) -> Option<Call> {
        let after = self.counters(sys::clock());
        let waited = after.waited - before.waited;
        let trace = self.trace.as_mut()?;
        trace.last = Turn {
            number: before.number,
            began: before.began,
            waited,
            busy: after.began - before.began - waited,
            events: after.events - before.events,
            events_waiting: after.events_waiting - before.events_waiting,
            callbacks: after.callbacks - before.callbacks,
        };
        Some(Call { callback: trace.told, source: self.handle.number(), result: before.number })
    }
}

impl Loop {
    /// Tells of a turn, which is over but for this.
    #[cold]
    pub fn tell_of_turn(&self, before: Turn) {
        let call = {
            let mut core = self.core.borrow_mut();
            if core.is_astray() { None } else { core.end_turn(before) }
        };
        if let Some(call) = call {
            call.make();
            self.core.borrow_mut().flush_dirty();
        }
    }
}
