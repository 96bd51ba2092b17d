// SPDX-License-Identifier: MIT OR Apache-2.0
//! Interest in descriptors, and the wait for them: the only user of `polling`.
//!
//! Descriptors are registered level-triggered through `polling` on every platform. Where its descriptor can be
//! waited on directly (`direct`), the wait is one system call; elsewhere `Poller::wait` does it (`portable`).
//!
//! Callers' descriptors are borrowed: their owners may close them, and the number may come back as another file, at any
//! time. Each tells one event and is then armed again, which also asks the system whether it is still the file it was;
//! what is left registered of a file that lives on under another number is thereby mute.
#![allow(unsafe_code)]

use crate::error::{Error, Result};
use crate::sys::forks::{self, Watched};
use crate::sys::{self, RawSource, Source};
use polling::{Event, PollMode, Poller};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;

#[cfg(any(target_os = "linux", target_os = "android"))]
use direct as wait;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
use portable as wait;
pub use wait::Waker;

/// What a descriptor is watched for, or was found to be.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Interest {
    pub readable: bool,
    pub writable: bool,
    /// The other end is gone or sends no more; where the system tells it apart.
    pub disconnected: bool,
    /// Urgent data; where the system tells it apart.
    pub priority: bool,
}

impl Interest {
    pub const READABLE: Interest = Interest { readable: true, writable: false, disconnected: false, priority: false };
    pub const WRITABLE: Interest = Interest { readable: false, writable: true, disconnected: false, priority: false };
}

/// What a wait brought.
#[derive(Clone, Copy)]
pub struct Readiness {
    pub key: usize,
    /// A read has something to tell, be it an end or an error.
    pub readable: bool,
    /// A write has something to tell.
    pub writable: bool,
    /// Each condition by itself, as those want to know who read and write by themselves.
    pub exact: Interest,
}

/// `polling` keeps the highest key for itself, and the wake-up has the next one. No object has either: a handle is
/// positive, and on a 32-bit machine these keys would be of the last slots of a full table.
#[allow(dead_code)]
const POLLING_KEY: usize = usize::MAX;
#[allow(dead_code)]
const WAKE_KEY: usize = usize::MAX - 1;

pub struct Reactor {
    poller: Arc<Poller>,
    events: wait::Events,
    /// Which process the poller is for, in the way of `forks`.
    process: u32,
    /// Our own descriptors that are watched.
    watched: Watched,
    /// Callers' descriptors that are watched, and under which key.
    borrowed: HashMap<RawSource, usize>,
    /// Keys of those whose number was found to be another file's.
    lost: Vec<usize>,
}

impl Reactor {
    pub fn new() -> io::Result<(Reactor, Waker)> {
        sys::fill_standard_numbers();
        let poller = Arc::new(Poller::new()?);
        let (events, waker) = wait::prepare(&poller)?;
        let (process, watched) = (forks::count(), Watched::default());
        Ok((Reactor { poller, events, process, watched, borrowed: HashMap::new(), lost: Vec::new() }, waker))
    }

    /// Whether a parent's poller is all there is, which is not to be touched.
    fn is_foreign(&self) -> bool {
        self.process != forks::count()
    }

    /// In the child of a fork: a poller of its own, which watches what the parent's does. Callers' descriptors are theirs
    /// to watch again.
    pub fn renew(&mut self) -> Result<Waker> {
        let poller = Arc::new(Poller::new()?);
        let (events, waker) = wait::prepare(&poller)?;
        for (raw, key, interest) in self.watched.iter() {
            // SAFETY: as in `watch`. One that the child has closed behind our back is refused, and not watched.
            let _ = unsafe { poller.add_with_mode(raw, event(key, interest), PollMode::Level) };
        }
        self.leave(poller);
        self.events = events;
        self.process = forks::count();
        self.borrowed.clear();
        self.lost.clear();
        Ok(waker)
    }

    /// In the child of a fork whose loop is freed as it is.
    pub fn abandon(&mut self) -> Result<()> {
        if self.is_foreign() {
            self.leave(Arc::new(Poller::new()?));
        }
        Ok(())
    }

    /// Puts a poller of this process in the place of the parent's, which must not notice.
    fn leave(&mut self, poller: Arc<Poller>) {
        wait::leave(std::mem::replace(&mut self.poller, poller), &self.poller);
    }

    /// Starts to watch. The source must be unwatched before it is closed.
    pub fn watch(&mut self, source: &Source, key: usize, interest: Interest) -> Result<()> {
        if self.is_foreign() {
            return Err(Error::ESTATE);
        }
        if let Some(lost) = self.borrowed.remove(&source.raw()) {
            // The number is ours now, so a caller who had it watched has closed it.
            wait::unwatch_borrowed(&self.poller, source.raw());
            self.lost.push(lost);
        }
        // SAFETY: whoever watches a source unwatches it before dropping it; epoll and kqueue forget a closed
        // descriptor anyway, and IOCP's poller holds its own reference.
        unsafe { self.poller.add_with_mode(source.raw(), event(key, interest), PollMode::Level)? };
        self.watched.set(source, key, interest);
        Ok(())
    }

    pub fn rewatch(&mut self, source: &Source, key: usize, interest: Interest) -> Result<()> {
        if self.is_foreign() {
            return Err(Error::ESTATE);
        }
        self.poller.modify_with_mode(source, event(key, interest), PollMode::Level)?;
        self.watched.set(source, key, interest);
        Ok(())
    }

    pub fn unwatch(&mut self, source: &Source) {
        self.watched.clear(source);
        if self.is_foreign() {
            return;
        }
        // It fails only for a source that is not watched, which is what was wanted.
        let _ = self.poller.delete(source);
    }

    /// Starts to watch a caller's descriptor, for one event. `EEXIST` if it is watched already.
    pub fn watch_borrowed(&mut self, raw: RawSource, key: usize, interest: Interest) -> Result<()> {
        if self.is_foreign() {
            return Err(Error::ESTATE);
        }
        if !wait::TELLS_FILES_APART && self.borrowed.contains_key(&raw) {
            return Err(Error::EEXIST);
        }
        wait::watch_borrowed(&self.poller, raw, key, interest)?;
        // What could be registered anew under a number in use is another file than before.
        self.lost.extend(self.borrowed.insert(raw, key));
        Ok(())
    }

    /// Watches it for one event more. It fails if the number is closed, or another file's by now.
    pub fn rewatch_borrowed(&mut self, raw: RawSource, key: usize, interest: Interest) -> Result<()> {
        if self.is_foreign() || self.borrowed.get(&raw) != Some(&key) {
            return Err(Error::ENOENT);
        }
        wait::rewatch_borrowed(&self.poller, raw, key, interest).inspect_err(|_| {
            self.borrowed.remove(&raw);
        })?;
        Ok(())
    }

    /// The key under which a caller's descriptor is watched.
    pub fn key_of_borrowed(&self, raw: RawSource) -> Option<usize> {
        self.borrowed.get(&raw).copied()
    }

    pub fn unwatch_borrowed(&mut self, raw: RawSource, key: usize) {
        if self.borrowed.get(&raw) == Some(&key) {
            self.borrowed.remove(&raw);
            if self.is_foreign() {
                return;
            }
            wait::unwatch_borrowed(&self.poller, raw);
        }
    }

    /// The key of a watch whose number was found to be another file's.
    pub fn next_lost(&mut self) -> Option<usize> {
        self.lost.pop()
    }

    /// Waits for `timeout` nanoseconds at most; `None` is without limit. An interrupted wait brings nothing.
    pub fn wait(&mut self, timeout: Option<i64>) -> Result<()> {
        if self.is_foreign() {
            return Err(Error::ESTATE);
        }
        if !wait::FORGETS_CLOSED {
            for raw in self.borrowed.keys().filter(|raw| !crate::sys::is_open(**raw)) {
                wait::unwatch_borrowed(&self.poller, *raw);
            }
        }
        Ok(wait::wait(&self.poller, &mut self.events, timeout)?)
    }

    pub fn count(&self) -> usize {
        self.events.count()
    }

    /// One event of the last wait; `None` if it is no object's.
    #[inline]
    pub fn readiness(&self, index: usize) -> Option<Readiness> {
        // Those of a wait in whose callbacks the process forked are the parent's.
        let known = index < self.events.count() && !self.is_foreign();
        let readiness = known.then(|| self.events.get(index))?;
        (readiness.key < WAKE_KEY).then_some(readiness)
    }

    /// The descriptor that becomes readable when there is something to do, where there is one.
    pub fn descriptor(&self) -> Option<i64> {
        wait::descriptor(&self.poller)
    }
}

fn event(key: usize, interest: Interest) -> Event {
    let mut event = Event::new(key, interest.readable, interest.writable);
    event.set_interrupt(interest.disconnected);
    event.set_priority(interest.priority);
    event
}

/// The wait goes to the poller's own descriptor, the wake-up is a descriptor of ours.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod direct {
    use super::{Event, Interest, PollMode, Poller, RawSource, WAKE_KEY};
    pub use crate::sys::{Events, Waker};
    use std::io;
    use std::os::fd::{AsFd, AsRawFd};
    use std::sync::Arc;

    /// A number that is used again cannot be mistaken for the file it was.
    pub const TELLS_FILES_APART: bool = true;
    /// A descriptor that its owner closed is no trouble.
    pub const FORGETS_CLOSED: bool = true;

    // Not through `polling`, which cannot ask for a hang-up of the other side alone, and asks for urgent data unasked.
    pub fn watch_borrowed(poller: &Poller, raw: RawSource, key: usize, interest: Interest) -> io::Result<()> {
        crate::sys::epoll_borrow(poller.as_fd(), libc::EPOLL_CTL_ADD, raw, key, interest)
    }

    pub fn rewatch_borrowed(poller: &Poller, raw: RawSource, key: usize, interest: Interest) -> io::Result<()> {
        crate::sys::epoll_borrow(poller.as_fd(), libc::EPOLL_CTL_MOD, raw, key, interest)
    }

    pub fn unwatch_borrowed(poller: &Poller, raw: RawSource) {
        // It fails for a descriptor that is closed, which is watched no more.
        let _ = crate::sys::epoll_borrow(poller.as_fd(), libc::EPOLL_CTL_DEL, raw, 0, Interest::default());
    }

    /// The waker is registered for as long as its descriptor lives, which closing ends.
    pub fn prepare(poller: &Poller) -> io::Result<(Events, Waker)> {
        let waker = Waker::new()?;
        // SAFETY: epoll forgets a descriptor that is closed; nothing else refers to it.
        unsafe { poller.add_with_mode(waker.as_fd().as_raw_fd(), Event::readable(WAKE_KEY), PollMode::Edge)? };
        Ok((Events::new(), waker))
    }

    pub fn wait(poller: &Poller, events: &mut Events, timeout: Option<i64>) -> io::Result<()> {
        crate::sys::wait(poller.as_fd(), events, timeout)
    }

    pub fn descriptor(poller: &Poller) -> Option<i64> {
        Some(i64::from(poller.as_raw_fd()))
    }

    /// When it is dropped `polling` takes its own descriptors out of the set, which is the parent's: its number becomes
    /// another set's before.
    pub fn leave(parents: Arc<Poller>, present: &Poller) {
        if crate::sys::replace_number(present.as_fd(), parents.as_raw_fd()).is_err() {
            // Two descriptors too many are the lesser evil.
            std::mem::forget(parents);
        }
    }
}

/// `polling` waits, and its notification is the wake-up.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod portable {
    use super::{Interest, POLLING_KEY, PollMode, Poller, RawSource, Readiness, WAKE_KEY, event};
    use crate::sys::borrow_source;
    use std::io;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    pub struct Waker {
        poller: Arc<Poller>,
        woken: Arc<AtomicBool>,
    }

    impl Waker {
        pub fn wake(&self) {
            self.woken.store(true, Ordering::SeqCst);
            // It fails only when the poller is broken, and then the wait fails too.
            let _ = self.poller.notify();
        }

        /// In the child of a fork.
        pub fn leave(self) {
            std::mem::forget(self.poller);
        }
    }

    pub struct Events {
        native: polling::Events,
        list: Vec<Readiness>,
        /// `polling` does not tell of its notification.
        woken: Arc<AtomicBool>,
    }

    impl Events {
        pub fn count(&self) -> usize {
            self.list.len()
        }

        pub fn get(&self, index: usize) -> Readiness {
            self.list[index]
        }
    }

    /// kqueue and AFD know numbers, not files.
    pub const TELLS_FILES_APART: bool = false;
    /// On Windows `polling` would lock itself up over a socket that was closed while watched.
    pub const FORGETS_CLOSED: bool = cfg!(unix);

    pub fn watch_borrowed(poller: &Poller, raw: RawSource, key: usize, interest: Interest) -> io::Result<()> {
        if !FORGETS_CLOSED && !crate::sys::is_open(raw) {
            return Err(io::Error::from_raw_os_error(crate::sys::NOT_OPEN));
        }
        // SAFETY: kqueue forgets a closed descriptor, and IOCP's poller holds its own reference to a socket.
        unsafe { poller.add_with_mode(raw, event(key, interest), PollMode::Oneshot) }
    }

    pub fn rewatch_borrowed(poller: &Poller, raw: RawSource, key: usize, interest: Interest) -> io::Result<()> {
        if !FORGETS_CLOSED && !crate::sys::is_open(raw) {
            unwatch_borrowed(poller, raw);
            return Err(io::Error::from_raw_os_error(crate::sys::NOT_OPEN));
        }
        poller.modify_with_mode(borrow_source(&raw), event(key, interest), PollMode::Oneshot)
    }

    pub fn unwatch_borrowed(poller: &Poller, raw: RawSource) {
        // It fails for a descriptor that is closed, which is watched no more.
        let _ = poller.delete(borrow_source(&raw));
    }

    pub fn prepare(poller: &Arc<Poller>) -> io::Result<(Events, Waker)> {
        let woken = Arc::new(AtomicBool::new(false));
        let events = Events { native: polling::Events::new(), list: Vec::new(), woken: woken.clone() };
        Ok((events, Waker { poller: poller.clone(), woken }))
    }

    pub fn wait(poller: &Poller, events: &mut Events, timeout: Option<i64>) -> io::Result<()> {
        events.native.clear();
        events.list.clear();
        match poller.wait(&mut events.native, timeout.map(|ns| Duration::from_nanos(ns.max(0) as u64))) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        // A hang-up or an error makes both directions ready: the next call on the descriptor tells it.
        events.list.extend(events.native.iter().filter(|event| event.key != POLLING_KEY).map(|event| {
            let broken = event.is_interrupt() || event.is_err() == Some(true);
            let (readable, writable) = (event.readable || broken, event.writable || broken);
            let exact = Interest { readable, writable, disconnected: broken, priority: event.is_priority() };
            Readiness { key: event.key, readable, writable, exact }
        }));
        if events.woken.swap(false, Ordering::SeqCst) {
            let (readable, writable, exact) = (false, false, Interest::default());
            events.list.push(Readiness { key: WAKE_KEY, readable, writable, exact });
        }
        Ok(())
    }

    /// A kqueue does not live on in a child: its number is free there, or another file's by now.
    pub fn leave(parents: Arc<Poller>, _present: &Poller) {
        std::mem::forget(parents);
    }

    pub fn descriptor(_poller: &Poller) -> Option<i64> {
        #[cfg(unix)]
        return Some(i64::from(std::os::fd::AsRawFd::as_raw_fd(_poller)));
        #[cfg(not(unix))]
        None
    }
}
