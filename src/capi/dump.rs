// SPDX-License-Identifier: MIT OR Apache-2.0
//! Looking into a loop: what there is in it, in words.

use super::types::*;
use super::{done, number, with_core, with_loop_core};
use crate::callback::{Callback, Notify, UserData};
use crate::debug;
use crate::error::to_code;
use crate::handle::Handle;
use crate::inbox::Message;
use crate::registry;
use std::ffi::{c_char, c_void};

/// Writes what there is in the loop, for people to read: each live handle and pending operation on a line of its own,
/// with how old it is, its kind, its number and name, and what it does or waits for. What keeps the loop going comes
/// first, the oldest first: the answer to why a program does not end.
///
/// ```text
/// loop 2251799830462465 "server": turn 1042, 3 handles
/// these keep it going:
///        3.2 s  tcp_connect 2251799847239682: looks up the host, on a thread, times out in 6.8 s
///        120 ms  task 2251799830462467 "fetch": awaits tcp_connect 2251799847239682
/// these are there too:
///       14.0 s  timer 2251799830462468 "heartbeat": due in 412 ms, every 1.0 s, unreferenced
/// ```
/// The text may change from version to version. Ages are true to the turn of the loop and some milliseconds. As
/// snprintf(3) does, it writes what fits into `size` bytes with a NUL at the end, and gives the length of the whole;
/// `text` may be NULL. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_loop_dump(r#loop: rondel_loop, text: *mut c_char, size: usize) -> i64 {
    to_code(with_loop_core(r#loop, |core| {
        let dump = core.dump();
        let mut fits = dump.len().min(size.saturating_sub(1));
        while !dump.is_char_boundary(fits) {
            fits -= 1;
        }
        if !text.is_null() && size > 0 {
            // SAFETY: the caller promises `size` bytes of room, and what fits is less than that.
            unsafe {
                text.cast::<u8>().copy_from_nonoverlapping(dump.as_ptr(), fits);
                *text.add(fits) = 0;
            }
        }
        Ok(dump.len() as i64)
    }))
}

/// Writes what `rondel_loop_dump` tells to standard error. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_loop_print(r#loop: rondel_loop) -> i64 {
    done(with_loop_core(r#loop, |core| {
        debug::print(&core.dump());
        Ok(())
    }))
}

/// Has the loop do `rondel_loop_print` in its next turn. Any thread. `RONDEL_EGONE` once the loop is gone.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_loop_print_threadsafe(r#loop: rondel_loop) -> i64 {
    let print = Message::Apply(Box::new(|core| debug::print(&core.dump())));
    done(Handle::from_caller(r#loop).and_then(|handle| registry::place(handle).inbox.post_to(handle, print)))
}

/// Has the loop do `rondel_loop_print` each time the process gets a signal, such as SIGUSR1: gives a watcher of it, as
/// `rondel_signal_start` does and with its errors, which does not keep the loop going. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_loop_print_on_signal(r#loop: rondel_loop, signum: i32) -> rondel_signal {
    number(with_loop_core(r#loop, |core| {
        let print = Callback { function: print_on_signal, data: UserData::NULL };
        let watcher = core.watch_signal(signum, Notify::Call(print))?;
        core.set_referenced(watcher, false)?;
        Ok(watcher)
    }))
}

extern "C" fn print_on_signal(source: rondel_handle, _signum: i64, _: *mut c_void) {
    // It fails only if the watcher was closed, and then nobody wants to see it.
    let _ = with_core(source, |core, _| {
        debug::print(&core.dump());
        Ok(())
    });
}
