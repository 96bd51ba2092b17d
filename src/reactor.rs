// SPDX-License-Identifier: MIT OR Apache-2.0
//! Interest in descriptors, and the wait for them: the only user of `polling`.
//!
//! Descriptors are registered level-triggered through `polling` on every platform. Where its descriptor can be
//! waited on directly (`direct`), the wait is one system call; elsewhere `Poller::wait` does it (`portable`).
#![allow(unsafe_code)]

use crate::sys::Source;
use polling::{Event, PollMode, Poller};
use std::io;
use std::sync::Arc;

#[cfg(any(target_os = "linux", target_os = "android"))]
use direct as wait;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
use portable as wait;
pub use wait::Waker;

/// What a descriptor is watched for.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Interest {
    pub readable: bool,
    pub writable: bool,
}

/// What a wait brought.
#[derive(Clone, Copy)]
pub struct Readiness {
    pub key: usize,
    pub readable: bool,
    pub writable: bool,
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
}

impl Reactor {
    pub fn new() -> io::Result<(Reactor, Waker)> {
        let poller = Arc::new(Poller::new()?);
        let (events, waker) = wait::prepare(&poller)?;
        Ok((Reactor { poller, events }, waker))
    }

    /// Starts to watch. The source must be unwatched before it is closed.
    pub fn watch(&self, source: &Source, key: usize, interest: Interest) -> io::Result<()> {
        // SAFETY: whoever watches a source unwatches it before dropping it; epoll and kqueue forget a closed
        // descriptor anyway, and IOCP's poller holds its own reference.
        unsafe { self.poller.add_with_mode(source.raw(), event(key, interest), PollMode::Level) }
    }

    pub fn rewatch(&self, source: &Source, key: usize, interest: Interest) -> io::Result<()> {
        self.poller.modify_with_mode(source, event(key, interest), PollMode::Level)
    }

    pub fn unwatch(&self, source: &Source) {
        // It fails only for a source that is not watched, which is what was wanted.
        let _ = self.poller.delete(source);
    }

    /// Waits for `timeout` nanoseconds at most; `None` is without limit. An interrupted wait brings nothing.
    pub fn wait(&mut self, timeout: Option<i64>) -> io::Result<()> {
        wait::wait(&self.poller, &mut self.events, timeout)
    }

    pub fn count(&self) -> usize {
        self.events.count()
    }

    /// One event of the last wait; `None` if it is no object's.
    #[inline]
    pub fn readiness(&self, index: usize) -> Option<Readiness> {
        let (key, readable, writable) = self.events.get(index);
        (key < WAKE_KEY).then_some(Readiness { key, readable, writable })
    }

    /// The descriptor that becomes readable when there is something to do, where there is one.
    pub fn descriptor(&self) -> Option<i64> {
        wait::descriptor(&self.poller)
    }
}

fn event(key: usize, interest: Interest) -> Event {
    Event::new(key, interest.readable, interest.writable)
}

/// The wait goes to the poller's own descriptor, the wake-up is a descriptor of ours.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod direct {
    use super::{Event, PollMode, Poller, WAKE_KEY};
    pub use crate::sys::{Events, Waker};
    use std::io;
    use std::os::fd::{AsFd, AsRawFd};

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
}

/// `polling` waits, and its notification is the wake-up.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod portable {
    use super::{POLLING_KEY, Poller};
    use std::io;
    use std::sync::Arc;
    use std::time::Duration;

    pub struct Waker(Arc<Poller>);

    impl Waker {
        pub fn wake(&self) {
            // It fails only when the poller is broken, and then the wait fails too.
            let _ = self.0.notify();
        }
    }

    pub struct Events {
        native: polling::Events,
        list: Vec<(usize, bool, bool)>,
    }

    impl Events {
        pub fn count(&self) -> usize {
            self.list.len()
        }

        pub fn get(&self, index: usize) -> (usize, bool, bool) {
            self.list[index]
        }
    }

    pub fn prepare(poller: &Arc<Poller>) -> io::Result<(Events, Waker)> {
        let events = Events { native: polling::Events::new(), list: Vec::new() };
        Ok((events, Waker(poller.clone())))
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
            (event.key, event.readable || broken, event.writable || broken)
        }));
        Ok(())
    }

    pub fn descriptor(_poller: &Poller) -> Option<i64> {
        #[cfg(unix)]
        return Some(i64::from(std::os::fd::AsRawFd::as_raw_fd(_poller)));
        #[cfg(not(unix))]
        None
    }
}
