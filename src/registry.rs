// SPDX-License-Identifier: MIT OR Apache-2.0
//! The loops of the process, by the index in their handles.
//!
//! The places are never freed, so a handle of any age leads to memory that is there. A loop that takes a place
//! over starts its generations above all that were given out there before.

use crate::error::{Error, Result};
use crate::event_loop::Loop;
use crate::handle::{Handle, LAST_GENERATION, LOOPS};
use crate::inbox::Inbox;
use crate::sys::owned::Owned;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub struct Place {
    pub cell: Owned<Box<Loop>>,
    pub inbox: Inbox,
}

static PLACES: [Place; LOOPS] = [const { Place { cell: Owned::new(), inbox: Inbox::new() } }; LOOPS];

struct Free {
    /// How many places have a loop now.
    taken: usize,
    /// Places that had a loop, and the first generation for the next one.
    used: Vec<(usize, u32)>,
    /// Places below this index have had a loop.
    fresh: usize,
}

static FREE: Mutex<Free> = Mutex::new(Free { taken: 0, used: Vec::new(), fresh: 0 });

/// How many places have or had a loop.
static USED: AtomicUsize = AtomicUsize::new(0);

/// A place whose generations have come this far is not used again.
const WORN: u32 = LAST_GENERATION / 4 * 3;

/// Keeps places from being given or taken, as long as it is held.
pub struct Hold(#[allow(dead_code)] MutexGuard<'static, Free>);

pub fn hold() -> Hold {
    Hold(FREE.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Where the handle's loop is, or was.
#[inline]
pub fn place(handle: Handle) -> &'static Place {
    &PLACES[handle.loop_index()]
}

/// Every place that has or had a loop. Safe in a signal handler.
pub fn places() -> &'static [Place] {
    &PLACES[..USED.load(Ordering::SeqCst)]
}

pub fn place_at(index: usize) -> &'static Place {
    &PLACES[index]
}

/// A place for a new loop: its index and first generation. `ENOMEM` when there are as many loops as there can be.
pub fn reserve() -> Result<(usize, u32)> {
    let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(place) = free.used.pop() {
        free.taken += 1;
        return Ok(place);
    }
    if free.fresh == LOOPS {
        return Err(Error::ENOMEM);
    }
    free.fresh += 1;
    free.taken += 1;
    USED.store(free.fresh, Ordering::SeqCst);
    Ok((free.fresh - 1, 1))
}

/// Gives a place back. Whether any loop is left.
pub fn give_back(index: usize, next_generation: u32) -> bool {
    let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    free.taken -= 1;
    if next_generation < WORN {
        free.used.push((index, next_generation));
    }
    free.taken > 0
}
