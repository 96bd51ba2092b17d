// SPDX-License-Identifier: MIT OR Apache-2.0
//! What becomes of loops in the child of a fork.
//!
//! The child has a copy of every loop, and shares with its parent what the system knows of it: the list of watched
//! descriptors, the wake-up, and all that is open. So a copy touches nothing until `rondel_loop_fork` has given it a
//! list and a wake-up of its own; until then it can only be freed, without a trace at the parent's. Threads have no
//! copies: what other threads were to bring completes with `ECANCELED`. Nor are the parent's children this one's: they are
//! told as gone.

use crate::core::Core;
use crate::error::Result;
use crate::handle::Handle;
use crate::lifecycle::Object;
use crate::registry;
use crate::sys::{owned::NoVisits, signals, ttys};
use std::any::Any;

/// Locks that are held.
pub type Held = Vec<Box<dyn Any>>;

/// Before a fork: takes the locks that another thread could else have in the child for ever. None of them is held while
/// another one is asked for, so there is no wrong order; but who visits a loop may ask for one.
pub fn hold_still() -> Held {
    let no_visits = NoVisits::begin();
    for place in registry::places() {
        no_visits.in_cell(&place.cell);
    }
    let mut held: Held =
        vec![Box::new(no_visits), Box::new(registry::hold()), Box::new(signals::hold()), Box::new(ttys::hold())];
    held.extend(registry::places().iter().map(|place| Box::new(place.inbox.hold()) as Box<dyn Any>));
    held
}

/// At once in the child. What comes of signals from now on is the child's own.
pub fn begin_child() {
    for place in registry::places() {
        place.cell.forget_visitor();
        place.inbox.begin_child();
    }
}

impl Core {
    /// Whether the loop is another process's, of which this one has a copy.
    #[inline]
    pub fn is_foreign(&self) -> bool {
        self.inbox().is_foreign()
    }

    /// Whether this is a child that has not asked for the loop, but is in a callback of it.
    #[inline]
    pub fn is_astray(&self) -> bool {
        self.is_foreign() && !self.freeing
    }

    fn those_that_send(&self) -> Vec<Handle> {
        let sends = |object: &Object| matches!(object, Object::Stream(_) | Object::Udp(_));
        self.table.handles().filter(|(_, entry)| sends(&entry.object)).map(|(handle, _)| handle).collect()
    }

    /// Makes a copied loop this process's own. If it fails nothing has changed.
    pub fn adopt(&mut self) -> Result<()> {
        if !self.is_foreign() {
            return Ok(());
        }
        let renewal = self.renewal_of_paths()?;
        let waker = self.reactor.renew()?;
        self.inbox().adopt(waker);
        for handle in self.watched_descriptors() {
            self.watch_anew(handle);
        }
        self.dirty.clear();
        for handle in self.those_that_send() {
            self.forget_output(handle);
            self.forget_datagrams(handle);
        }
        self.forget_threads();
        self.forget_workers();
        self.disown_children();
        self.watch_paths_anew(renewal);
        Ok(())
    }
}
