// SPDX-License-Identifier: MIT OR Apache-2.0
//! The floor of the task benchmark: bare corosensei, with no loop, no futures and no cancelling.

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult};
use std::time::Instant;

fn main() {
    let count: u64 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1_000_000);

    let mut coroutine = Coroutine::new(|yielder, ()| {
        loop {
            yielder.suspend(());
        }
    });
    let begin = Instant::now();
    for _ in 0..count {
        let CoroutineResult::Yield(()) = coroutine.resume(()) else { unreachable!("it never returns") };
    }
    let switch = begin.elapsed().as_nanos() as f64 / count as f64;

    let mut stack = Some(DefaultStack::new(256 * 1024).expect("memory for one stack"));
    let begin = Instant::now();
    for _ in 0..count {
        let mut coroutine =
            Coroutine::<(), (), i64, DefaultStack>::with_stack(stack.take().expect("put back"), |_, ()| 0);
        std::hint::black_box(coroutine.resume(()));
        stack = Some(coroutine.into_stack());
    }
    let spawn = begin.elapsed().as_nanos() as f64 / count as f64;

    // It never returns, so there is nothing to unwind.
    unsafe { coroutine.force_reset() };
    println!("{{\"switch there and back\": {switch:.2}, \"spawn and finish\": {spawn:.2}}}");
}
