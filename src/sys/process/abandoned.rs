// SPDX-License-Identifier: MIT OR Apache-2.0
//! Children whose loops are gone: one thread, there as long as there are any, takes them in when they end.

use super::Child;
use crate::sys::per_process::PerProcess;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

struct Orphanage {
    children: Vec<Child>,
    has_thread: bool,
}

/// A fork's child has other children than its parent, and not its threads. The bell is rung when there is one more.
static ORPHANAGE: PerProcess<(Mutex<Orphanage>, Condvar)> = PerProcess::new();

/// How long it takes at first to notice an end, and in the long run.
const SHORT: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_millis(250);

fn enter() -> (MutexGuard<'static, Orphanage>, &'static Condvar) {
    let (orphanage, bell) =
        ORPHANAGE.get(|| (Mutex::new(Orphanage { children: Vec::new(), has_thread: false }), Condvar::new()));
    (orphanage.lock().unwrap_or_else(PoisonError::into_inner), bell)
}

pub fn take(child: Child) {
    let (mut orphanage, bell) = enter();
    orphanage.children.push(child);
    if orphanage.has_thread {
        bell.notify_one();
        return;
    }
    // Without a thread they wait until there is one more and it can be started.
    let thread = std::thread::Builder::new().name("rondel-reap".into()).stack_size(64 * 1024).spawn(reap);
    orphanage.has_thread = thread.is_ok();
}

fn reap() {
    crate::sys::signals::block_all();
    let mut pause = SHORT;
    let (mut orphanage, bell) = enter();
    loop {
        orphanage.children.retain_mut(|child| child.try_reap().is_none());
        if orphanage.children.is_empty() {
            orphanage.children = Vec::new();
            orphanage.has_thread = false;
            return;
        }
        let (again, waited) = bell.wait_timeout(orphanage, pause).unwrap_or_else(PoisonError::into_inner);
        orphanage = again;
        pause = if waited.timed_out() { (pause * 2).min(LONG) } else { SHORT };
    }
}
