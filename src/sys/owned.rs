// SPDX-License-Identifier: MIT OR Apache-2.0
//! A cell that one thread at a time may enter, and refuses all others.
//!
//! The thread that entered may enter again, as a callback does. The memory of the cell is never freed, so a thread
//! that is refused has touched nothing but the mark. A visitor goes in for a moment while nobody is inside, and refuses
//! nobody by that: who comes meanwhile waits. Who comes for what is not there any more does not get in at all. While the
//! process forks visitors wait outside, lest the child has a cell that a thread of its parent's seems to visit.

use crate::error::{Error, Result};
use std::cell::{Cell, UnsafeCell};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

thread_local! {
    static MARK: Cell<u64> = const { Cell::new(0) };
}

/// A number of this thread's that no other thread has or will have.
#[inline]
fn mark() -> u64 {
    match MARK.get() {
        0 => new_mark(),
        mark => mark,
    }
}

#[cold]
fn new_mark() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let mark = LAST.fetch_add(1, Ordering::Relaxed) + 1;
    MARK.set(mark);
    mark
}

/// From here on nobody is inside, and the low half is the generation of the value that waits there.
const FREE: u64 = 1 << 63;
/// A generation that nobody comes for: there is no value.
const NONE: u32 = u32::MAX;
/// The mark of whoever is inside for a moment only.
const VISITOR: u64 = u64::MAX;

const fn free(generation: u32) -> u64 {
    FREE | generation as u64
}

static CLOSED: AtomicBool = AtomicBool::new(false);

/// No visit begins as long as it is there. One at a time.
pub struct NoVisits(());

impl NoVisits {
    pub fn begin() -> NoVisits {
        CLOSED.store(true, Ordering::SeqCst);
        NoVisits(())
    }

    /// Waits until a visit that had begun is over.
    pub fn in_cell<T>(&self, cell: &Owned<T>) {
        while cell.owner.load(Ordering::SeqCst) == VISITOR {
            std::thread::yield_now();
        }
    }
}

impl Drop for NoVisits {
    fn drop(&mut self) {
        CLOSED.store(false, Ordering::SeqCst);
    }
}

pub struct Owned<T> {
    /// The mark of the thread that is inside, or that it is free.
    owner: AtomicU64,
    /// How many times it has entered. Only the owner touches this, `vacant` and `value`.
    depth: Cell<u32>,
    /// What `owner` is when nobody is inside.
    vacant: Cell<u64>,
    value: UnsafeCell<Option<T>>,
}

// SAFETY: `depth`, `vacant` and `value` are touched only by the thread whose mark is in `owner`; entering acquires what the
// last one to leave released. So a `T` moves between threads, but is never shared.
unsafe impl<T: Send> Sync for Owned<T> {}

pub struct Guard<'a, T>(&'a Owned<T>);

impl<T> Owned<T> {
    pub const fn new() -> Owned<T> {
        Owned {
            owner: AtomicU64::new(free(NONE)),
            depth: Cell::new(0),
            vacant: Cell::new(free(NONE)),
            value: UnsafeCell::new(None),
        }
    }

    /// Puts a value into a cell that has none. It is there for whoever comes for its generation or a later one.
    pub fn fill(&self, generation: u32, value: T) -> Result<()> {
        let claimed = self.owner.compare_exchange(free(NONE), mark(), Ordering::Acquire, Ordering::Relaxed);
        claimed.map_err(|_| Error::ETHREAD)?;
        self.depth.set(1);
        self.vacant.set(free(generation));
        // SAFETY: this thread is inside, and nobody has a reference to what is not there.
        unsafe { *self.value.get() = Some(value) };
        drop(Guard(self));
        Ok(())
    }

    /// Goes in for something of this generation: `EGONE` if the value is a later one.
    #[inline]
    pub fn enter(&self, generation: u32) -> Result<Guard<'_, T>> {
        let mine = mark();
        let owner = self.owner.load(Ordering::Relaxed);
        if owner != mine {
            self.claim(owner, mine, generation)?;
        }
        self.depth.set(self.depth.get() + 1);
        Ok(Guard(self))
    }

    /// As `enter`, for something short that calls nobody: other threads do not notice.
    pub fn visit(&self, generation: u32) -> Result<Guard<'_, T>> {
        let owner = self.owner.load(Ordering::Relaxed);
        let mut claimed = owner == mark();
        while !claimed {
            self.claim(owner, VISITOR, generation)?;
            // Either this sees that there are to be no visits and has touched nothing, or `in_cell` sees this visit.
            claimed = !CLOSED.load(Ordering::SeqCst);
            if !claimed {
                self.leave();
                std::thread::yield_now();
            }
        }
        self.depth.set(self.depth.get() + 1);
        Ok(Guard(self))
    }

    /// In the child of a fork, which came while no visit could begin: a mark that is there is of a thread of the parent
    /// that was just about to see that.
    pub fn forget_visitor(&self) {
        if self.owner.load(Ordering::SeqCst) == VISITOR {
            self.leave();
        }
    }

    /// `owner` is what was there last, for all that is known.
    #[inline]
    fn claim(&self, mut owner: u64, mark: u64, generation: u32) -> Result<()> {
        loop {
            match owner {
                VISITOR => {
                    std::thread::yield_now();
                    owner = self.owner.load(Ordering::Relaxed);
                }
                FREE.. if generation < owner as u32 => return Err(Error::EGONE),
                FREE.. => match self.owner.compare_exchange(owner, mark, Ordering::SeqCst, Ordering::Relaxed) {
                    Ok(_) => return Ok(()),
                    Err(other) => owner = other,
                },
                _ => return Err(Error::ETHREAD),
            }
        }
    }

    #[inline]
    fn leave(&self) {
        self.owner.store(self.vacant.get(), Ordering::Release);
    }
}

impl<T> Guard<'_, T> {
    #[inline]
    pub fn get(&self) -> Option<&T> {
        // SAFETY: this thread is inside; the value is taken only by `take`, which is refused while another guard (and
        // so another reference) is alive.
        unsafe { (*self.0.value.get()).as_ref() }
    }

    /// Whether this thread is inside once only, so that the value may be taken.
    pub fn alone(&self) -> bool {
        self.0.depth.get() == 1
    }

    pub fn take(&mut self) -> Option<T> {
        assert!(self.alone());
        self.0.vacant.set(free(NONE));
        // SAFETY: this thread is inside, and by `alone` this guard is the only one; `&mut self` ends its references.
        unsafe { (*self.0.value.get()).take() }
    }
}

impl<T> Drop for Guard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        let depth = self.0.depth.get() - 1;
        self.0.depth.set(depth);
        if depth == 0 {
            self.0.leave();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_thread_is_refused_and_the_own_one_is_not() {
        static CELL: Owned<i32> = Owned::new();
        CELL.fill(1, 7).unwrap();
        let guard = CELL.enter(1).unwrap();
        let again = CELL.enter(1).unwrap();
        assert_eq!(again.get(), Some(&7));
        assert!(!again.alone());
        std::thread::spawn(|| assert!(matches!(CELL.enter(1), Err(Error::ETHREAD)))).join().unwrap();
        drop(again);
        drop(guard);
        std::thread::spawn(|| assert_eq!(CELL.enter(1).unwrap().take(), Some(7))).join().unwrap();
    }

    #[test]
    fn who_comes_for_what_is_gone_does_not_get_in() {
        static CELL: Owned<i32> = Owned::new();
        assert!(matches!(CELL.enter(1), Err(Error::EGONE)));
        assert!(matches!(CELL.visit(1), Err(Error::EGONE)));
        CELL.fill(1, 7).unwrap();
        assert_eq!(CELL.fill(2, 8), Err(Error::ETHREAD));
        assert_eq!(CELL.enter(1).unwrap().take(), Some(7));
        assert!(matches!(CELL.enter(1), Err(Error::EGONE)));
        CELL.fill(5, 8).unwrap();
        assert!(matches!(CELL.enter(4), Err(Error::EGONE)));
        assert!(matches!(CELL.visit(4), Err(Error::EGONE)));
        assert_eq!(CELL.visit(5).unwrap().get(), Some(&8));
        assert_eq!(CELL.enter(9).unwrap().take(), Some(8));
    }

    #[test]
    fn a_visitor_is_refused_where_somebody_is_and_refuses_nobody() {
        static CELL: Owned<i32> = Owned::new();
        CELL.fill(1, 7).unwrap();
        let guard = CELL.enter(1).unwrap();
        drop(CELL.visit(1).unwrap());
        std::thread::spawn(|| assert!(matches!(CELL.visit(1), Err(Error::ETHREAD)))).join().unwrap();
        drop(guard);
        let visiting = CELL.visit(1).unwrap();
        let comes = std::thread::spawn(|| assert!(CELL.enter(1).unwrap().alone()));
        // It may come while the other one is inside.
        let comes_too = std::thread::spawn(|| match CELL.visit(1) {
            Ok(visiting) => assert!(visiting.alone()),
            Err(error) => assert_eq!(error, Error::ETHREAD),
        });
        assert_eq!(visiting.get(), Some(&7));
        drop(visiting);
        comes.join().unwrap();
        comes_too.join().unwrap();
        assert_eq!(CELL.enter(1).unwrap().take(), Some(7));
    }

    #[test]
    fn where_no_visit_may_begin_visitors_wait_outside() {
        static CELL: Owned<i32> = Owned::new();
        CELL.fill(1, 2).unwrap();
        let visiting = CELL.visit(1).unwrap();
        let ends = std::thread::spawn(|| {
            let none = NoVisits::begin();
            none.in_cell(&CELL);
            // Nobody is inside, and whoever comes to stay may.
            drop(CELL.enter(1).unwrap());
            let comes = std::thread::spawn(|| assert!(matches!(CELL.visit(1), Err(Error::EGONE))));
            std::thread::yield_now();
            assert_eq!(CELL.enter(1).unwrap().take(), Some(2));
            drop(none);
            comes.join().unwrap();
        });
        assert_eq!(visiting.get(), Some(&2));
        drop(visiting);
        ends.join().unwrap();
    }
}
