// SPDX-License-Identifier: MIT OR Apache-2.0
//! Windows has no signals; a console tells of Ctrl-C (SIGINT) and Ctrl-Break (SIGBREAK).

use crate::error::{Error, Result};
use std::sync::{Mutex, MutexGuard, PoisonError};
use windows_sys::Win32::System::Console::{CTRL_BREAK_EVENT, CTRL_C_EVENT, SetConsoleCtrlHandler};

pub const INTERRUPT: i32 = 2;
const BREAK: i32 = 21;

/// How many watch Ctrl-C and Ctrl-Break.
static WATCHED: Mutex<[usize; 2]> = Mutex::new([0; 2]);

/// Keeps everybody else from starting or ending to watch, as long as it is held.
pub struct Hold(#[allow(dead_code)] MutexGuard<'static, [usize; 2]>);

pub fn hold() -> Hold {
    Hold(WATCHED.lock().unwrap_or_else(PoisonError::into_inner))
}

fn index(signal: i32) -> Option<usize> {
    match signal {
        INTERRUPT => Some(0),
        BREAK => Some(1),
        _ => None,
    }
}

unsafe extern "system" fn on_event(event: u32) -> i32 {
    let signal = match event {
        CTRL_C_EVENT => INTERRUPT,
        CTRL_BREAK_EVENT => BREAK,
        _ => return 0,
    };
    let watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
    if index(signal).is_none_or(|index| watched[index] == 0) {
        return 0;
    }
    drop(watched);
    crate::signal::deliver(signal);
    1
}

pub fn can_be_watched(signal: i32) -> bool {
    index(signal).is_some()
}

pub fn watch(signal: i32) -> Result<()> {
    let index = index(signal).ok_or(Error::EINVAL)?;
    let mut watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
    if watched.iter().all(|count| *count == 0) {
        // SAFETY: the handler has the signature asked for and lives as long as the program.
        if unsafe { SetConsoleCtrlHandler(Some(on_event), 1) } == 0 {
            return Err(std::io::Error::last_os_error().into());
        }
    }
    watched[index] += 1;
    Ok(())
}

pub fn unwatch(signal: i32) {
    let Some(index) = index(signal) else { return };
    let mut watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
    watched[index] = watched[index].saturating_sub(1);
    if watched.iter().all(|count| *count == 0) {
        // SAFETY: takes away what `watch` added.
        unsafe { SetConsoleCtrlHandler(Some(on_event), 0) };
    }
}

pub fn die_of(signal: i32) {
    std::process::exit(128 + signal);
}

pub fn block_all() {}
