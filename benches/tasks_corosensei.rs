// SPDX-License-Identifier: MIT OR Apache-2.0
//! The floor of the task benchmark: bare corosensei, with no loop, no futures and no cancelling.

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult};

/// CPU time of the process, as in the programs beside this one.
#[cfg(unix)]
fn cpu_ns() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the memory is ours.
    let told = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    assert_eq!(told, 0, "a clock of CPU time");
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// The time that goes by, where the other programs do not run.
#[cfg(not(unix))]
fn cpu_ns() -> f64 {
    std::time::UNIX_EPOCH.elapsed().map_or(0.0, |time| time.as_nanos() as f64)
}

fn main() {
    let count: u64 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1_000_000);

    let mut coroutine = Coroutine::new(|yielder, ()| {
        loop {
            yielder.suspend(());
        }
    });
    let begin = cpu_ns();
    for _ in 0..count {
        let CoroutineResult::Yield(()) = coroutine.resume(());
    }
    let switch = (cpu_ns() - begin) / count as f64;

    let mut stack = Some(DefaultStack::new(256 * 1024).expect("memory for one stack"));
    let begin = cpu_ns();
    for _ in 0..count {
        let mut coroutine =
            Coroutine::<(), (), i64, DefaultStack>::with_stack(stack.take().expect("put back"), |_, ()| 0);
        std::hint::black_box(coroutine.resume(()));
        stack = Some(coroutine.into_stack());
    }
    let spawn = (cpu_ns() - begin) / count as f64;

    // It never returns, so there is nothing to unwind.
    unsafe { coroutine.force_reset() };
    println!("{{\"switch there and back\": {switch:.2}, \"spawn and finish\": {spawn:.2}}}");
}
