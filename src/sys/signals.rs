// SPDX-License-Identifier: MIT OR Apache-2.0
//! Handlers of signals, installed while somebody watches them.

use crate::error::{Error, Result};
use std::io;
use std::sync::{Mutex, PoisonError};

/// One more than the highest number a watched signal can have.
pub const LIMIT: i32 = 64;

struct Watched {
    count: usize,
    before: libc::sigaction,
}

static WATCHED: Mutex<[Option<Watched>; LIMIT as usize]> = Mutex::new([const { None }; LIMIT as usize]);

extern "C" fn on_signal(signal: libc::c_int) {
    crate::signal::deliver(signal);
}

/// One more watches the signal. The first one installs the handler.
pub fn watch(signal: i32) -> Result<()> {
    if !(1..LIMIT).contains(&signal) || matches!(signal, libc::SIGKILL | libc::SIGSTOP) {
        return Err(Error::EINVAL);
    }
    let mut all = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
    let place = &mut all[signal as usize];
    if let Some(watched) = place {
        watched.count += 1;
        return Ok(());
    }
    // SAFETY: a sigaction of zeros is valid; the handler has the signature that flags without SA_SIGINFO ask for, and
    // does only what is safe in one.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        let mut before: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_signal as extern "C" fn(libc::c_int) as usize;
        action.sa_flags = libc::SA_RESTART;
        libc::sigfillset(&mut action.sa_mask);
        if libc::sigaction(signal, &action, &mut before) != 0 {
            return Err(io::Error::last_os_error().into());
        }
        *place = Some(Watched { count: 1, before });
    }
    Ok(())
}

/// One less watches the signal. The last one puts back what was there before.
pub fn unwatch(signal: i32) {
    let mut all = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(place) = all.get_mut(signal as usize) else { return };
    let Some(watched) = place else { return };
    watched.count -= 1;
    if watched.count == 0 {
        // SAFETY: the action is the one that was in force before.
        unsafe { libc::sigaction(signal, &watched.before, std::ptr::null_mut()) };
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
        for fault in [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGABRT] {
            libc::sigdelset(&mut all, fault);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, std::ptr::null_mut());
    }
}
