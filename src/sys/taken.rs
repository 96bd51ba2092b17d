// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which numbers are descriptors that Rondel owns: a bit each, for the whole process.
//!
//! So a loop need not search all its handles for one that has a caller's descriptor, unless there may be one.

use super::RawSource;
use once_cell::race::OnceBox;
use std::sync::atomic::{AtomicU64, Ordering};

const WORDS: usize = 1024;
const NUMBERS: usize = WORDS * u64::BITS as usize;

/// A number is taken as long as this lives, which ends before the descriptor does.
pub struct Taken(RawSource);

impl Taken {
    pub fn new(raw: RawSource) -> Taken {
        if let Some((word, bit)) = bit_of(raw) {
            word.fetch_or(bit, Ordering::Relaxed);
        }
        Taken(raw)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if let Some((word, bit)) = bit_of(self.0) {
            word.fetch_and(!bit, Ordering::Relaxed);
        }
    }
}

/// Whether a handle may have the descriptor of this number; it is one of this loop's, another's, or none's any more.
pub fn may_be_taken(raw: RawSource) -> bool {
    bit_of(raw).is_none_or(|(word, bit)| word.load(Ordering::Relaxed) & bit != 0)
}

/// There is room for the numbers that a process has unless it asks for very many; the others may always be taken.
fn bit_of(raw: RawSource) -> Option<(&'static AtomicU64, u64)> {
    static BITS: [OnceBox<[AtomicU64; WORDS]>; 64] = [const { OnceBox::new() }; 64];
    let number = usize::try_from(raw).ok()?;
    let words = BITS.get(number / NUMBERS)?.get_or_init(|| Box::new([const { AtomicU64::new(0) }; WORDS]));
    let word = &words[number % NUMBERS / u64::BITS as usize];
    Some((word, 1 << (number % u64::BITS as usize)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_taken_as_long_as_somebody_has_it() {
        for raw in [900_001, 1_000_063, 1_000_064] {
            assert!(!may_be_taken(raw));
            let taken = Taken::new(raw);
            assert!(may_be_taken(raw));
            assert!(!may_be_taken(raw + 1) && !may_be_taken(raw - 1));
            drop(taken);
            assert!(!may_be_taken(raw));
        }
    }

    #[test]
    fn beyond_all_room_a_number_may_be_taken() {
        let most = (64 * NUMBERS) as RawSource;
        assert!(!may_be_taken(most - 1));
        for raw in [most, RawSource::MAX, -1] {
            drop(Taken::new(raw));
            assert!(may_be_taken(raw));
        }
    }
}
