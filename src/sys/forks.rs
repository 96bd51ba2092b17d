// SPDX-License-Identifier: MIT OR Apache-2.0
//! Forks: how many lie between the first process and this one, what has to hold still meanwhile, and what of the system's
//! a child has to ask for anew.

use crate::fork::Held;
use crate::reactor::Interest;
use crate::sys::{RawSource, Source};
use std::cell::UnsafeCell;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A number that is another one in a child than in its parent, once `notice` was called.
#[inline]
pub fn count() -> u32 {
    COUNT.load(Ordering::Relaxed)
}

/// What the thread that forks holds meanwhile. It is no variable of the thread: those are gone when a handler of `atexit`
/// forks.
struct Holding {
    /// One fork at a time.
    forking: Mutex<()>,
    held: UnsafeCell<Option<(MutexGuard<'static, ()>, Held)>>,
}

// SAFETY: `held` is touched only by the thread that has the lock `forking`, which goes with what is held. That is the
// thread that forks, in parent and child.
unsafe impl Sync for Holding {}

static HOLDING: Holding = Holding { forking: Mutex::new(()), held: UnsafeCell::new(None) };

extern "C" fn before() {
    let alone = HOLDING.forking.lock().unwrap_or_else(PoisonError::into_inner);
    let held = crate::fork::hold_still();
    // SAFETY: this thread has the lock.
    unsafe { *HOLDING.held.get() = Some((alone, held)) };
}

/// After it, in both.
fn go_on() {
    // SAFETY: this thread has had the lock since `before`.
    let held = unsafe { (*HOLDING.held.get()).take() };
    // In this order: the lock goes last.
    if let Some((alone, held)) = held {
        drop(held);
        drop(alone);
    }
}

extern "C" fn in_parent() {
    go_on();
}

extern "C" fn in_child() {
    COUNT.fetch_add(1, Ordering::Relaxed);
    crate::fork::begin_child();
    go_on();
}

/// From here on forks are counted. (Not those that share their parent's memory until they run a program.)
pub fn notice() -> io::Result<()> {
    static NOTICED: AtomicBool = AtomicBool::new(false);
    static NOTICING: Mutex<()> = Mutex::new(());
    // A child must not ask for the lock: it may have been held as the fork came.
    if NOTICED.load(Ordering::Acquire) {
        return Ok(());
    }
    let _noticing = NOTICING.lock().unwrap_or_else(PoisonError::into_inner);
    if !NOTICED.load(Ordering::Acquire) {
        // SAFETY: the functions live as long as the process does.
        let status = unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
        if status != 0 {
            return Err(io::Error::from_raw_os_error(status));
        }
        NOTICED.store(true, Ordering::Release);
    }
    Ok(())
}

/// What a reactor watches, by the number of the descriptor: the system's own list stays with the parent.
#[derive(Default)]
pub struct Watched(Vec<Option<(usize, Interest)>>);

impl Watched {
    pub fn set(&mut self, source: &Source, key: usize, interest: Interest) {
        let index = source.raw() as usize;
        if index >= self.0.len() {
            self.0.resize(index + 1, None);
        }
        self.0[index] = Some((key, interest));
    }

    pub fn clear(&mut self, source: &Source) {
        if let Some(place) = self.0.get_mut(source.raw() as usize) {
            *place = None;
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (RawSource, usize, Interest)> + '_ {
        let rows = self.0.iter().enumerate();
        rows.filter_map(|(raw, row)| row.map(|(key, interest)| (raw as RawSource, key, interest)))
    }
}
