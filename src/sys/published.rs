// SPDX-License-Identifier: MIT OR Apache-2.0
//! A value that any thread, and any signal handler, may use without a lock until it is withdrawn.

use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

pub struct Published<T> {
    value: AtomicPtr<T>,
    users: AtomicU32,
}

impl<T: Sync + Send> Published<T> {
    pub const fn new() -> Published<T> {
        Published { value: AtomicPtr::new(null_mut()), users: AtomicU32::new(0) }
    }

    pub fn publish(&self, value: T) {
        drop(self.withdraw());
        self.value.store(Box::into_raw(Box::new(value)), Ordering::SeqCst);
    }

    /// Calls `f` with the value, if there is one. Safe in a signal handler if `f` is.
    pub fn with<R>(&self, f: impl FnOnce(&T) -> R) -> Option<R> {
        self.users.fetch_add(1, Ordering::SeqCst);
        let value = self.value.load(Ordering::SeqCst);
        // SAFETY: `withdraw` frees the value only after it took the pointer away and saw no user. This user counted
        // itself before it loaded the pointer, so either the pointer was gone or the user was seen.
        let result = unsafe { value.as_ref() }.map(f);
        self.users.fetch_sub(1, Ordering::SeqCst);
        result
    }

    /// Puts another value in the place of the one that was there.
    pub fn replace(&self, value: T) -> Option<T> {
        let before = self.withdraw();
        self.publish(value);
        before
    }

    /// For the child of a fork: users that are counted were threads of the parent.
    pub fn forget_users(&self) {
        self.users.store(0, Ordering::SeqCst);
    }

    /// Takes the value away, once nobody uses it any more.
    pub fn withdraw(&self) -> Option<T> {
        let value = self.value.swap(null_mut(), Ordering::SeqCst);
        if value.is_null() {
            return None;
        }
        while self.users.load(Ordering::SeqCst) != 0 {
            std::thread::yield_now();
        }
        // SAFETY: the pointer came from `Box::into_raw`, was taken out above by this call alone, and has no user.
        Some(*unsafe { Box::from_raw(value) })
    }
}
