// SPDX-License-Identifier: MIT OR Apache-2.0
//! Handlers of signals, installed while somebody watches them.

use crate::error::{Error, Result};
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One more than the highest number a watched signal can have.
pub const LIMIT: i32 = 65;

struct Watched {
    count: usize,
    before: libc::sigaction,
}

static WATCHED: Mutex<[Option<Watched>; LIMIT as usize]> = Mutex::new([const { None }; LIMIT as usize]);

/// Keeps everybody else from starting or ending to watch, as long as it is held.
pub struct Hold(#[allow(dead_code)] MutexGuard<'static, [Option<Watched>; LIMIT as usize]>);

pub fn hold() -> Hold {
    Hold(WATCHED.lock().unwrap_or_else(PoisonError::into_inner))
}

extern "C" fn on_signal(signal: libc::c_int) {
    crate::signal::deliver(signal);
}

/// What a thread raises by its own fault: it comes again as soon as a handler returns.
const FAULTS: [libc::c_int; 4] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL];

pub fn can_be_watched(signal: i32) -> bool {
    let refused = matches!(signal, libc::SIGKILL | libc::SIGSTOP) || FAULTS.contains(&signal);
    (1..LIMIT).contains(&signal) && !refused
}

/// One more watches the signal, which can be. The first one installs the handler.
pub fn watch(signal: i32) -> Result<()> {
    let mut all = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
    let place = all.get_mut(signal as usize).ok_or(Error::EINVAL)?;
    if let Some(watched) = place {
        watched.count += 1;
        return Ok(());
    }
    // SAFETY: a sigaction of zeros is valid; the handler has the signature that flags without SA_SIGINFO ask for, and
    // does only what is safe in one.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        let mut before: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler();
        // A thread that has a stack for handlers may have too little room on its own.
        action.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
        libc::sigfillset(&mut action.sa_mask);
        if libc::sigaction(signal, &action, &mut before) != 0 {
            return Err(io::Error::last_os_error().into());
        }
        *place = Some(Watched { count: 1, before });
    }
    Ok(())
}

fn handler() -> libc::sighandler_t {
    on_signal as extern "C" fn(libc::c_int) as libc::sighandler_t
}

/// One less watches the signal. The last one puts back what was there before, unless the program has put something
/// else there meanwhile.
pub fn unwatch(signal: i32) {
    let mut all = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(place) = all.get_mut(signal as usize) else { return };
    let Some(watched) = place else { return };
    watched.count -= 1;
    if watched.count == 0 {
        // SAFETY: a sigaction of zeros is a place for one, and the other is the one that was in force before.
        unsafe {
            let mut present: libc::sigaction = std::mem::zeroed();
            libc::sigaction(signal, std::ptr::null(), &mut present);
            if present.sa_sigaction == handler() {
                libc::sigaction(signal, &watched.before, std::ptr::null_mut());
            }
        }
        *place = None;
    }
}

/// The number of Ctrl-C's signal.
pub const INTERRUPT: i32 = libc::SIGINT;

/// Ends the process by a signal, as if nobody had ever handled it.
pub fn die_of(signal: i32) {
    // SAFETY: SIG_DFL is a valid action, and raise takes any number.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}

/// Keeps every signal away from this thread, so that they reach the program's own.
pub fn block_all() {
    // SAFETY: the set is filled before it is used.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&mut all);
        // A fault is the thread's own and must not be blocked.
        for fault in FAULTS.into_iter().chain([libc::SIGTRAP, libc::SIGABRT]) {
            libc::sigdelset(&mut all, fault);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, std::ptr::null_mut());
    }
}
