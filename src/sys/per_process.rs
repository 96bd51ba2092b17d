// SPDX-License-Identifier: MIT OR Apache-2.0
//! A value of which each process has its own: a child after a fork makes another one.
//!
//! What the parent had stays behind in the child's memory, untouched: its locks may be held by threads that are not
//! there, and what it knows of threads is not so.

use crate::sys::forks;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};

pub struct PerProcess<T: 'static> {
    made: AtomicPtr<Made<T>>,
}

struct Made<T> {
    value: T,
    /// After how many forks, from parent to child, it was made.
    generation: u32,
    /// Keeps what the parents had reachable.
    _earlier: *mut Made<T>,
}

impl<T: Sync + Send> PerProcess<T> {
    pub const fn new() -> PerProcess<T> {
        PerProcess { made: AtomicPtr::new(null_mut()) }
    }

    /// The process's value, if it has one.
    #[inline]
    pub fn present(&self) -> Option<&'static T> {
        // SAFETY: what was stored here came from `Box::leak`, and is never freed.
        let made: &'static Made<T> = unsafe { self.made.load(Ordering::Acquire).as_ref()? };
        (made.generation == forks::count()).then_some(&made.value)
    }

    /// The process's value, made if it has none. If several threads make one, one of theirs counts.
    pub fn get(&self, make: impl FnOnce() -> T) -> &'static T {
        if let Some(value) = self.present() {
            return value;
        }
        // Without memory for it a fork goes unnoticed; a loop is not even made then.
        let _ = forks::notice();
        let earlier = self.made.load(Ordering::Acquire);
        let made = Box::into_raw(Box::new(Made { value: make(), generation: forks::count(), _earlier: earlier }));
        let stored = match self.made.compare_exchange(earlier, made, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => made,
            Err(others) => {
                // SAFETY: it was made above and nobody else has seen it.
                drop(unsafe { Box::from_raw(made) });
                others
            }
        };
        // SAFETY: as in `present`.
        unsafe { &(*stored).value }
    }
}
