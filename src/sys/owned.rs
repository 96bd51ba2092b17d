// SPDX-License-Identifier: MIT OR Apache-2.0
//! A cell that one thread at a time may enter, and refuses all others.
//!
//! The thread that entered may enter again, as a callback does. The memory of the cell is never freed, so a thread
//! that is refused has touched nothing but the mark. A visitor goes in for a moment while nobody is inside, and refuses
//! nobody by that: who comes meanwhile waits. While the process forks visitors wait outside, lest the child has a cell
//! that a thread of its parent's seems to visit.

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

/// The mark of whoever is inside for a moment only.
const VISITOR: u64 = u64::MAX;

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
    /// The mark of the thread that is inside; 0: nobody.
    owner: AtomicU64,
    /// How many times it has entered. Only the owner touches this and `value`.
    depth: Cell<u32>,
    value: UnsafeCell<Option<T>>,
}

// SAFETY: `depth` and `value` are touched only by the thread whose mark is in `owner`; entering acquires what the
// last one to leave released. So a `T` moves between threads, but is never shared.
unsafe impl<T: Send> Sync for Owned<T> {}

pub struct Guard<'a, T>(&'a Owned<T>);

impl<T> Owned<T> {
    pub const fn new() -> Owned<T> {
        Owned { owner: AtomicU64::new(0), depth: Cell::new(0), value: UnsafeCell::new(None) }
    }

    #[inline]
    pub fn enter(&self) -> Result<Guard<'_, T>> {
        let mine = mark();
        if self.owner.load(Ordering::Relaxed) != mine {
            self.claim(mine)?;
        }
        self.depth.set(self.depth.get() + 1);
        Ok(Guard(self))
    }

    /// As `enter`, for something short that calls nobody: other threads do not notice.
    pub fn visit(&self) -> Result<Guard<'_, T>> {
        let mut claimed = self.owner.load(Ordering::Relaxed) == mark();
        while !claimed {
            self.claim(VISITOR)?;
            // Either this sees that there are to be no visits and has touched nothing, or `in_cell` sees this visit.
            claimed = !CLOSED.load(Ordering::SeqCst);
            if !claimed {
                self.owner.store(0, Ordering::Release);
                std::thread::yield_now();
            }
        }
        self.depth.set(self.depth.get() + 1);
        Ok(Guard(self))
    }

    /// In the child of a fork, which came while no visit could begin: a mark that is there is of a thread of the parent
    /// that was just about to see that.
    pub fn forget_visitor(&self) {
        let _ = self.owner.compare_exchange(VISITOR, 0, Ordering::SeqCst, Ordering::Relaxed);
    }

    #[inline]
    fn claim(&self, mark: u64) -> Result<()> {
        while let Err(owner) = self.owner.compare_exchange(0, mark, Ordering::SeqCst, Ordering::Relaxed) {
            match owner {
                VISITOR => std::thread::yield_now(),
                _ => return Err(Error::ETHREAD),
            }
        }
        Ok(())
    }
}

impl<T> Guard<'_, T> {
    #[inline]
    pub fn get(&self) -> Option<&T> {
        // SAFETY: this thread is inside; the value is replaced only by `put` and `take`, which are refused while
        // another guard (and so another reference) is alive.
        unsafe { (*self.0.value.get()).as_ref() }
    }

    /// Whether this thread is inside once only, so that the value may be replaced.
    pub fn alone(&self) -> bool {
        self.0.depth.get() == 1
    }

    pub fn put(&mut self, value: T) {
        assert!(self.alone());
        // SAFETY: this thread is inside, and by `alone` this guard is the only one; `&mut self` ends its references.
        unsafe { *self.0.value.get() = Some(value) };
    }

    pub fn take(&mut self) -> Option<T> {
        assert!(self.alone());
        // SAFETY: as in `put`.
        unsafe { (*self.0.value.get()).take() }
    }
}

impl<T> Drop for Guard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        let depth = self.0.depth.get() - 1;
        self.0.depth.set(depth);
        if depth == 0 {
            self.0.owner.store(0, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_thread_is_refused_and_the_own_one_is_not() {
        static CELL: Owned<i32> = Owned::new();
        let mut guard = CELL.enter().unwrap();
        guard.put(7);
        let again = CELL.enter().unwrap();
        assert_eq!(again.get(), Some(&7));
        assert!(!again.alone());
        std::thread::spawn(|| assert!(matches!(CELL.enter(), Err(Error::ETHREAD)))).join().unwrap();
        drop(again);
        drop(guard);
        std::thread::spawn(|| assert_eq!(CELL.enter().unwrap().take(), Some(7))).join().unwrap();
    }

    #[test]
    fn a_visitor_is_refused_where_somebody_is_and_refuses_nobody() {
        static CELL: Owned<i32> = Owned::new();
        let guard = CELL.enter().unwrap();
        drop(CELL.visit().unwrap());
        std::thread::spawn(|| assert!(matches!(CELL.visit(), Err(Error::ETHREAD)))).join().unwrap();
        drop(guard);
        let visiting = CELL.visit().unwrap();
        let comes = std::thread::spawn(|| CELL.enter().unwrap().put(1));
        let comes_too = std::thread::spawn(|| drop(CELL.visit().unwrap()));
        assert_eq!(visiting.get(), None);
        drop(visiting);
        comes.join().unwrap();
        comes_too.join().unwrap();
        assert_eq!(CELL.enter().unwrap().take(), Some(1));
    }

    #[test]
    fn where_no_visit_may_begin_visitors_wait_outside() {
        static CELL: Owned<i32> = Owned::new();
        let visiting = CELL.visit().unwrap();
        let ends = std::thread::spawn(|| {
            let none = NoVisits::begin();
            none.in_cell(&CELL);
            // Nobody is inside, and whoever comes to stay may.
            CELL.enter().unwrap().put(2);
            let comes = std::thread::spawn(|| assert_eq!(CELL.visit().unwrap().get(), Some(&3)));
            std::thread::yield_now();
            CELL.enter().unwrap().put(3);
            drop(none);
            comes.join().unwrap();
        });
        assert_eq!(visiting.get(), None);
        drop(visiting);
        ends.join().unwrap();
    }
}
