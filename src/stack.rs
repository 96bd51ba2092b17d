// SPDX-License-Identifier: MIT OR Apache-2.0
//! Stacks for tasks, and functions that run on them and can be suspended: the only user of corosensei.
//!
//! Stacks of one size are cut from slabs, so that a hundred thousand of them stay within the number of mappings a
//! process may have. A stack is used again by the next task; of many free ones the memory goes back to the system.
#![allow(unsafe_code)]

use crate::error::{Error, Result};
use crate::sys::fault;
use corosensei::{Coroutine, CoroutineResult, Yielder};
use std::cell::Cell;
use std::ops::Range;

#[cfg(not(unix))]
pub use plain::{Stack, Stacks};
#[cfg(unix)]
pub use slab::{Stack, Stacks};

/// The size of a task's stack where the spawner does not say. Only what is touched takes memory.
pub const DEFAULT_SIZE: usize = 256 * 1024;
const LEAST_SIZE: usize = 16 * 1024;
const MOST_SIZE: usize = 1 << 30;

/// The size a stack of at least `wanted` bytes gets.
pub fn round_size(wanted: usize) -> Result<usize> {
    match wanted {
        0 => Ok(DEFAULT_SIZE),
        1..=MOST_SIZE => Ok(wanted.next_power_of_two().max(LEAST_SIZE)),
        _ => Err(Error::EINVAL),
    }
}

thread_local! {
    /// The way back out of the fiber that runs on this thread.
    static YIELDER: Cell<*const Yielder<(), ()>> = const { Cell::new(std::ptr::null()) };
}

/// A function on a stack of its own.
pub struct Fiber {
    coroutine: Coroutine<(), (), i64, Stack>,
    /// Where its stack must not go.
    guard: Range<usize>,
    size: usize,
}

// SAFETY: a fiber moves between threads only while it is suspended, together with its loop. What its function keeps on
// its stack is the caller's, who lets the loop run on another thread.
unsafe impl Send for Fiber {}

impl Fiber {
    pub fn new(stack: Stack, function: impl FnOnce() -> i64 + 'static) -> Fiber {
        let (guard, size) = stack.bounds();
        let coroutine = Coroutine::with_stack(stack, move |yielder: &Yielder<(), ()>, ()| {
            set_yielder(yielder);
            function()
        });
        Fiber { coroutine, guard, size }
    }

    /// As `resume`; should it overflow its stack, this name is told.
    pub fn resume_guarded(&mut self, name: &str) -> Option<i64> {
        fault::enter(self.guard.clone(), self.size, name);
        let result = self.resume();
        fault::leave();
        result
    }

    /// Runs until it suspends (`None`) or returns.
    pub fn resume(&mut self) -> Option<i64> {
        // Inside another fiber, perhaps: a task may run another loop.
        let outer = YIELDER.get();
        let result = self.coroutine.resume(());
        set_yielder(outer);
        match result {
            CoroutineResult::Yield(()) => None,
            CoroutineResult::Return(result) => Some(result),
        }
    }

    /// The stack of a function that has returned.
    pub fn into_stack(self) -> Stack {
        self.coroutine.into_stack()
    }
}

/// Suspends the fiber that runs on this thread. Call it only from within one.
pub fn suspend() {
    let yielder = YIELDER.get();
    // SAFETY: the pointer is that of the fiber that runs now, set when it began or went on; it lives on its stack.
    if let Some(inside) = unsafe { yielder.as_ref() } {
        inside.suspend(());
        set_yielder(yielder);
    }
}

/// Never inlined: after a switch the thread may be another one, and so may be the place of its variables.
#[inline(never)]
fn set_yielder(yielder: *const Yielder<(), ()>) {
    YIELDER.set(yielder);
}

#[cfg(unix)]
mod slab {
    use crate::error::Result;
    use crate::sys::map::{Map, page_size};
    use corosensei::stack::valgrind::ValgrindStackRegistration;
    use corosensei::stack::{Stack as StackMemory, StackPointer};
    use std::ops::Range;
    use std::sync::Arc;

    /// A slab holds this much memory for stacks, or one stack.
    const SLAB: usize = 16 << 20;
    /// So many free stacks of a size keep their memory.
    const WARM: usize = 64;

    pub struct Stack {
        limit: usize,
        size: usize,
        /// Keeps the memory there as long as a stack in it is.
        slab: Arc<Map>,
        _valgrind: ValgrindStackRegistration,
    }

    impl Stack {
        /// Its guard, and its size.
        pub fn bounds(&self) -> (Range<usize>, usize) {
            (self.limit..self.limit + guard_size(self.size), self.size)
        }
    }

    /// A frame larger than the guard could step over it; small stacks cannot spare much.
    fn guard_size(size: usize) -> usize {
        (size / 16).clamp(page_size(), 64 * 1024)
    }

    // SAFETY: the memory from limit to base is this stack's alone and mapped as long as its slab lives; the guard lies at
    // its low end; it is larger than the least size and aligned to pages.
    unsafe impl StackMemory for Stack {
        fn base(&self) -> StackPointer {
            StackPointer::new(self.limit + self.size).unwrap_or(StackPointer::MAX)
        }

        fn limit(&self) -> StackPointer {
            StackPointer::new(self.limit).unwrap_or(StackPointer::MIN)
        }
    }

    #[derive(Default)]
    pub struct Stacks {
        /// Free stacks of one size; few programs use more than one.
        sizes: Vec<(usize, Vec<Stack>)>,
    }

    impl Stacks {
        /// A stack of a rounded size.
        pub fn take(&mut self, size: usize) -> Result<Stack> {
            if let Some(stack) = self.free(size).pop() {
                return Ok(stack);
            }
            let stacks = cut(size)?;
            let free = self.free(size);
            free.extend(stacks);
            free.pop().ok_or(crate::error::Error::ENOMEM)
        }

        pub fn put(&mut self, stack: Stack) {
            let free = self.free(stack.size);
            if free.len() >= WARM {
                // Below the guard nothing was touched; above it anything may be.
                stack.slab.discard(stack.limit - stack.slab.start(), stack.size);
            }
            free.push(stack);
        }

        fn free(&mut self, size: usize) -> &mut Vec<Stack> {
            let index = self.sizes.iter().position(|row| row.0 == size).unwrap_or_else(|| {
                self.sizes.push((size, Vec::new()));
                self.sizes.len() - 1
            });
            &mut self.sizes[index].1
        }
    }

    fn cut(size: usize) -> Result<Vec<Stack>> {
        let count = (SLAB / size).max(1);
        let slab = Arc::new(Map::new(size * count)?);
        // The highest stack is handed out first, as they are taken from the end.
        let mut stacks = Vec::with_capacity(count);
        for index in 0..count {
            slab.guard(index * size, guard_size(size))?;
            let limit = slab.start() + index * size;
            let valgrind = ValgrindStackRegistration::new(limit as *mut u8, size);
            stacks.push(Stack { limit, size, slab: slab.clone(), _valgrind: valgrind });
        }
        Ok(stacks)
    }
}

/// Where stacks are the system's business, each is a mapping of its own.
#[cfg(not(unix))]
mod plain {
    use crate::error::Result;
    use corosensei::stack::{DefaultStack, StackPointer};

    pub struct Stack(DefaultStack);

    impl Stack {
        pub fn bounds(&self) -> (std::ops::Range<usize>, usize) {
            (0..0, 0)
        }
    }

    // SAFETY: everything is the inner stack's.
    unsafe impl corosensei::stack::Stack for Stack {
        fn base(&self) -> StackPointer {
            self.0.base()
        }

        fn limit(&self) -> StackPointer {
            self.0.limit()
        }

        #[cfg(windows)]
        fn teb_fields(&self) -> corosensei::stack::StackTebFields {
            self.0.teb_fields()
        }

        #[cfg(windows)]
        fn update_teb_fields(&mut self, stack_limit: usize, guaranteed_stack_bytes: usize) {
            self.0.update_teb_fields(stack_limit, guaranteed_stack_bytes);
        }
    }

    #[derive(Default)]
    pub struct Stacks;

    impl Stacks {
        pub fn take(&mut self, size: usize) -> Result<Stack> {
            Ok(Stack(DefaultStack::new(size)?))
        }

        pub fn put(&mut self, _stack: Stack) {}
    }
}
