// SPDX-License-Identifier: MIT OR Apache-2.0
//! Those who wait for a future beside its starter: first come, first told.

use crate::callback::Notify;
use crate::handle::Handle;
use std::collections::BTreeMap;

/// One who waits for a future beside its starter.
#[derive(Clone, Copy)]
pub enum Waiter {
    Caller(Notify),
    /// A task that awaits it.
    Task(Handle),
    /// A thread that is blocked until it is done, by its number.
    Thread(u64),
    /// What it is a part of, and which: a future made of futures, an iterator or a group.
    Part(Handle, u64),
}

/// A future that is waited for, and the place in its line.
#[derive(Clone, Copy)]
pub struct Awaited {
    pub future: Handle,
    pub(super) place: u64,
}

impl Awaited {
    /// It is not waited for yet.
    pub fn not_yet(future: Handle) -> Awaited {
        Awaited { future, place: u64::MAX }
    }
}

/// The place behind the last one in a line as the telling began: who came later is told in a later turn.
#[derive(Clone, Copy)]
pub struct LineEnd(u64);

/// Those who wait. Mostly there is none or one.
#[derive(Default)]
pub(super) enum Waiters {
    #[default]
    None,
    One(Waiter),
    Many(Box<Line>),
}

/// First come, first told; but anybody may leave.
pub(super) struct Line {
    places: BTreeMap<u64, Waiter>,
    last: u64,
}

impl Waiters {
    /// The place of the new one in the line.
    pub(super) fn push(&mut self, waiter: Waiter) -> u64 {
        match self {
            Waiters::None => {
                *self = Waiters::One(waiter);
                0
            }
            Waiters::One(first) => {
                *self = Waiters::Many(Box::new(Line { places: [(0, *first), (1, waiter)].into(), last: 1 }));
                1
            }
            Waiters::Many(line) => {
                line.last += 1;
                line.places.insert(line.last, waiter);
                line.last
            }
        }
    }

    /// The end of the line as it is. `others_first`: somebody is told before them, who may change it.
    #[inline]
    pub(super) fn end(&mut self, others_first: bool) -> LineEnd {
        match self {
            Waiters::None => LineEnd(0),
            Waiters::One(waiter) if others_first => {
                *self = Waiters::Many(Box::new(Line { places: [(0, *waiter)].into(), last: 0 }));
                LineEnd(1)
            }
            Waiters::One(_) => LineEnd(1),
            Waiters::Many(line) => LineEnd(line.last + 1),
        }
    }

    /// The first who waits, if it came before the line ended.
    pub(super) fn pop(&mut self, end: &mut LineEnd) -> Option<Waiter> {
        match self {
            Waiters::One(waiter) if end.0 > 0 => {
                // Whoever is the only one next has its place, and is not meant.
                end.0 = 0;
                let waiter = *waiter;
                *self = Waiters::None;
                Some(waiter)
            }
            Waiters::Many(line) => {
                let first = line.places.first_entry()?;
                (*first.key() < end.0).then(|| first.remove())
            }
            Waiters::None | Waiters::One(_) => None,
        }
    }

    /// The task that waits, if nobody else does.
    #[inline]
    pub(super) fn pop_only_task(&mut self) -> Option<Handle> {
        let Waiters::One(Waiter::Task(task)) = *self else { return None };
        *self = Waiters::None;
        Some(task)
    }

    pub(super) fn remove(&mut self, place: u64) {
        match self {
            Waiters::One(_) if place == 0 => *self = Waiters::None,
            Waiters::None | Waiters::One(_) => {}
            Waiters::Many(line) => drop(line.places.remove(&place)),
        }
    }

    /// Removes every caller that would be told in this way. How many there were.
    pub(super) fn remove_callers(&mut self, notify: Notify) -> i64 {
        let is_meant = |waiter: &Waiter| matches!(waiter, Waiter::Caller(caller) if caller.is_like(notify));
        match self {
            Waiters::One(waiter) if is_meant(waiter) => {
                *self = Waiters::None;
                1
            }
            Waiters::None | Waiters::One(_) => 0,
            Waiters::Many(line) => {
                let before = line.places.len();
                line.places.retain(|_, waiter| !is_meant(waiter));
                (before - line.places.len()) as i64
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Waiter> + '_ {
        let (one, many) = match self {
            Waiters::None => (None, None),
            Waiters::One(waiter) => (Some(*waiter), None),
            Waiters::Many(line) => (None, Some(line.places.values().copied())),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Waiters::None => true,
            Waiters::One(_) => false,
            Waiters::Many(line) => line.places.is_empty(),
        }
    }
}
