// SPDX-License-Identifier: MIT OR Apache-2.0
//! Watches of callers' descriptors: readiness is told, reading and writing are the caller's.
//!
//! The owner may close the descriptor without a word. So each is checked before its event is told, and all of them in
//! turn, a few before each wait, after anything ran that could have closed one. One that is lost is told of once.

use crate::callback::Notify;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::handle::Handle;
use crate::lifecycle::{Kind, Object};
use crate::reactor::Interest;
use crate::ready::Step;
use crate::sys::{self, RawSource};

pub struct FdWatch {
    raw: RawSource,
    wanted: Interest,
    notify: Notify,
    /// Where it stands among those that are watched for something.
    place: usize,
    /// Closed behind our back.
    lost: bool,
}

/// Those that are watched for something, in the order in which they are checked.
#[derive(Default)]
pub struct FdWatches {
    watched: Vec<Handle>,
    next: usize,
    /// How many were not checked yet since `stamp`.
    unchecked: usize,
    /// The callbacks made, and the start of the run: a number that changes whenever a caller's code has run.
    stamp: (i64, i64),
}

/// How many are checked before one wait: each check is a system call.
const CHECKS_A_WAIT: usize = 8;
/// The longest wait while some are still to be checked.
const UNTIL_NEXT_CHECKS: i64 = 10_000_000;

impl Interest {
    /// The bits as callers know them; `None` if there are others.
    pub fn from_bits(bits: i32) -> Option<Interest> {
        (bits & !0b1111 == 0).then_some(Interest {
            readable: bits & 1 != 0,
            writable: bits & 2 != 0,
            disconnected: bits & 4 != 0,
            priority: bits & 8 != 0,
        })
    }

    pub fn bits(self) -> i64 {
        i64::from(self.readable)
            | i64::from(self.writable) << 1
            | i64::from(self.disconnected) << 2
            | i64::from(self.priority) << 3
    }

    fn is_none(self) -> bool {
        self == Interest::default()
    }
}

impl FdWatch {
    pub fn raw(&self) -> RawSource {
        self.raw
    }

    /// In words.
    pub fn doing(&self) -> String {
        let Interest { readable, writable, disconnected, priority } = self.wanted;
        let wanted = [(readable, "readable"), (writable, "writable"), (disconnected, "gone"), (priority, "urgent")];
        let words: Vec<_> = wanted.iter().filter(|row| row.0).map(|row| row.1).collect();
        match (self.lost, words.is_empty()) {
            (true, _) => format!("descriptor {} was closed", self.raw),
            (false, true) => format!("descriptor {}, for nothing", self.raw),
            (false, false) => format!("descriptor {}, {}", self.raw, words.join(" or ")),
        }
    }

    /// What of a readiness is to be told.
    fn to_tell(&self, ready: Interest) -> Interest {
        let Interest { readable, writable, disconnected, priority } = self.wanted;
        Interest {
            readable: readable && ready.readable,
            writable: writable && ready.writable,
            // An end is told to one who waits for urgent data alone, or it would be ready for ever without a word.
            disconnected: ready.disconnected && (disconnected || (priority && !readable && !writable)),
            priority: priority && ready.priority,
        }
    }
}

impl Core {
    pub fn start_fd_watch(&mut self, number: i64, wanted: Interest, notify: Notify) -> Result<Handle> {
        let raw = sys::raw_source(number)?;
        if self.owns_descriptor(number) {
            return Err(Error::EEXIST);
        }
        let watch = FdWatch { raw, wanted: Interest::default(), notify, place: 0, lost: false };
        let handle = self.insert(Kind::FdWatch, Object::FdWatch(watch))?;
        // One that shall start paused is tried too: what cannot be watched is better known now.
        let tried =
            self.reactor.watch_borrowed(raw, handle.key(), if wanted.is_none() { Interest::READABLE } else { wanted });
        if let Err(error) = tried {
            self.table.discard(handle);
            return Err(error);
        }
        self.fd_watch_wants(handle, wanted)?;
        if wanted.is_none() {
            self.reactor.unwatch_borrowed(raw, handle.key());
        }
        Ok(handle)
    }

    pub fn set_fd_watch(&mut self, handle: Handle, wanted: Interest) -> Result<()> {
        let watch = self.fd_watch_mut(handle)?;
        let (raw, present) = (watch.raw, watch.wanted);
        if watch.lost {
            return Err(Error::EBADF);
        }
        if wanted == present {
            return Ok(());
        }
        if present.is_none() {
            // Closed meanwhile, its number may have become one of ours.
            if self.owns_descriptor(raw as i64) {
                return Err(Error::EEXIST);
            }
            self.reactor.watch_borrowed(raw, handle.key(), wanted)?;
        } else if wanted.is_none() {
            self.reactor.unwatch_borrowed(raw, handle.key());
        } else if self.reactor.rewatch_borrowed(raw, handle.key(), wanted).is_err() {
            self.lose_fd_watch(handle);
            self.ready.push_lost(handle);
            return Err(Error::EBADF);
        }
        self.fd_watch_wants(handle, wanted)
    }

    /// Whether a watch is for this descriptor, asked before a loop takes it over. One whose descriptor was another file is
    /// found out by this.
    pub fn watches_descriptor(&mut self, number: i64) -> bool {
        let Ok(raw) = sys::raw_source(number) else { return false };
        let Some(handle) = self.reactor.key_of_borrowed(raw).and_then(|key| self.table.by_key(key)) else {
            return false;
        };
        let Ok(watch) = self.fd_watch_mut(handle) else { return false };
        let wanted = watch.wanted;
        if self.reactor.rewatch_borrowed(raw, handle.key(), wanted).is_ok() {
            return true;
        }
        self.tell_if_lost(handle);
        false
    }

    pub fn close_fd_watch(&mut self, handle: Handle) {
        let Ok(watch) = self.fd_watch_mut(handle) else { return };
        let raw = watch.raw;
        self.reactor.unwatch_borrowed(raw, handle.key());
        let _ = self.fd_watch_wants(handle, Interest::default());
    }

    pub fn fd_watch_mut(&mut self, handle: Handle) -> Result<&mut FdWatch> {
        match &mut self.open_entry(handle)?.object {
            Object::FdWatch(watch) => Ok(watch),
            _ => Err(Error::EKIND),
        }
    }

    fn fd_watch_wants(&mut self, handle: Handle, wanted: Interest) -> Result<()> {
        let last = self.fd_watches.watched.len();
        let watch = self.fd_watch_mut(handle)?;
        let before = std::mem::replace(&mut watch.wanted, wanted);
        if before.is_none() == wanted.is_none() {
            return Ok(());
        }
        self.set_active(handle, !wanted.is_none());
        if before.is_none() {
            self.fd_watch_mut(handle)?.place = last;
            self.fd_watches.watched.push(handle);
            self.fd_watches.unchecked += 1;
        } else {
            let place = self.fd_watch_mut(handle)?.place;
            self.fd_watches.watched.swap_remove(place);
            if let Some(&moved) = self.fd_watches.watched.get(place) {
                self.fd_watch_mut(moved)?.place = place;
            }
        }
        Ok(())
    }

    /// An event came: the step that tells of it.
    pub fn fd_ready(&mut self, handle: Handle, ready: Interest) -> Step {
        let Ok(watch) = self.fd_watch_mut(handle) else { return Step::Nothing };
        let (raw, wanted, told, notify) = (watch.raw, watch.wanted, watch.to_tell(ready), watch.notify);
        if wanted.is_none() {
            // It was paused while the event was on its way.
            return Step::Nothing;
        }
        if self.reactor.rewatch_borrowed(raw, handle.key(), wanted).is_err() {
            self.lose_fd_watch(handle);
            return self.fd_lost_step(handle);
        }
        if told.is_none() { Step::Nothing } else { self.step_for(notify, handle, told.bits()) }
    }

    pub fn watched_descriptors(&self) -> Vec<Handle> {
        self.fd_watches.watched.clone()
    }

    /// In the child of a fork: the reactor is a new one.
    pub fn watch_anew(&mut self, handle: Handle) {
        let Ok(watch) = self.fd_watch_mut(handle) else { return };
        let (raw, wanted) = (watch.raw, watch.wanted);
        if self.reactor.watch_borrowed(raw, handle.key(), wanted).is_err() {
            self.tell_if_lost(handle);
        }
    }

    /// Whether it was not lost before.
    fn lose_fd_watch(&mut self, handle: Handle) -> bool {
        let Ok(watch) = self.fd_watch_mut(handle) else { return false };
        let first = !std::mem::replace(&mut watch.lost, true);
        let _ = self.fd_watch_wants(handle, Interest::default());
        first
    }

    pub fn fd_lost_step(&mut self, handle: Handle) -> Step {
        let Ok(watch) = self.fd_watch_mut(handle) else { return Step::Nothing };
        let notify = watch.notify;
        self.step_for(notify, handle, Error::EBADF.code())
    }

    /// For a loop that another one drives, whose code may have closed any: checks a few, others the next time.
    pub fn found_lost_fd_watch(&mut self) -> bool {
        self.fd_watches.unchecked = self.fd_watches.watched.len();
        self.check_fd_watches() == Some(0)
    }

    /// Checks a few watches before a wait. The longest that wait may be; `None`: there is nothing to check before
    /// something has happened.
    pub fn check_fd_watches(&mut self) -> Option<i64> {
        if self.fd_watches.watched.is_empty() {
            return None;
        }
        let stamp = (self.metrics.callbacks, self.metrics.started);
        if std::mem::replace(&mut self.fd_watches.stamp, stamp) != stamp {
            self.fd_watches.unchecked = self.fd_watches.watched.len();
        }
        let mut lost = false;
        while let Some(key) = self.reactor.next_lost() {
            if let Some(handle) = self.table.by_key(key) {
                lost |= self.tell_if_lost(handle);
            }
        }
        self.fd_watches.unchecked = self.fd_watches.unchecked.min(self.fd_watches.watched.len());
        for _ in 0..CHECKS_A_WAIT.min(self.fd_watches.unchecked) {
            let watches = &mut self.fd_watches;
            watches.unchecked -= 1;
            watches.next = if watches.next < watches.watched.len() { watches.next } else { 0 };
            let Some(&handle) = watches.watched.get(watches.next) else { break };
            watches.next += 1;
            let Ok(watch) = self.fd_watch_mut(handle) else { continue };
            let (raw, wanted) = (watch.raw, watch.wanted);
            if self.reactor.rewatch_borrowed(raw, handle.key(), wanted).is_err() {
                lost |= self.tell_if_lost(handle);
            }
        }
        match (lost, self.fd_watches.unchecked) {
            (true, _) => Some(0),
            (false, 0) => None,
            (false, _) => Some(UNTIL_NEXT_CHECKS),
        }
    }

    fn tell_if_lost(&mut self, handle: Handle) -> bool {
        let first = self.lose_fd_watch(handle);
        if first {
            self.ready.push_lost(handle);
        }
        first
    }
}
