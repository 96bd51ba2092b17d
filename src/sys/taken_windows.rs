// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which sockets and open files Rondel owns, for the whole process. Their numbers are no small ones here.

use super::RawSource;
use once_cell::sync::Lazy;
use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A number is taken as long as this lives, which ends before what it stands for does.
pub struct Taken(RawSource);

impl Taken {
    pub fn new(raw: RawSource) -> Taken {
        taken().insert(raw);
        Taken(raw)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        taken().remove(&self.0);
    }
}

/// Whether a handle may have what has this number; it is one of this loop's, or another's.
pub fn may_be_taken(raw: RawSource) -> bool {
    taken().contains(&raw)
}

fn taken() -> MutexGuard<'static, HashSet<RawSource>> {
    static TAKEN: Lazy<Mutex<HashSet<RawSource>>> = Lazy::new(Mutex::default);
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}
