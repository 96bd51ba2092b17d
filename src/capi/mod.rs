// SPDX-License-Identifier: MIT OR Apache-2.0
//! The C boundary: checks, translates, calls the core. It decides nothing.
//!
//! One file a noun, in the order in which the header is to be read.
#![allow(unsafe_code, non_camel_case_types, clippy::missing_safety_doc)]

pub mod types;

pub mod error;

pub mod library;

pub mod event_loop;

pub mod handle;

pub mod schedule;

pub mod timer;

pub mod future;

pub mod task;

pub mod combine;

pub mod lock;
pub mod task_group;

pub mod event;

pub mod condition;

pub mod semaphore;

pub mod barrier;

pub mod queue;

pub mod stream;

pub mod tcp;

pub mod udp;

pub mod udp_multicast;

pub mod udp_path;

pub mod pipe;

pub mod passing;

pub mod tty;

pub mod fd_watch;

pub mod resolve;

pub mod interface;

pub mod pool;

pub mod random;

pub mod signal;

pub mod file;

pub mod file_path;

pub mod file_dir;

pub mod file_whole;

pub mod send_file;

pub mod process;
pub mod watch;

pub mod next;

pub mod dump;

pub mod trace;

use crate::callback::{Callback, Notify, UserData};
use crate::core::Core;
use crate::error::{Error, Result, to_code};
use crate::event_loop::Loop;
use crate::handle::Handle;
use crate::registry;
use std::ffi::c_void;
use types::{rondel_fn, rondel_handle};

/// Calls `f` with the loop of a handle, if this thread may have it now.
fn with_loop<R>(number: rondel_handle, f: impl FnOnce(&Loop, Handle) -> Result<R>) -> Result<R> {
    // Only `rondel_loop_fork` and `rondel_loop_free` are for a loop that came along with a fork.
    with_any_loop(number, |the_loop, handle| {
        if registry::place(handle).inbox.is_foreign() { Err(Error::ESTATE) } else { f(the_loop, handle) }
    })
}

/// As `with_loop`, also of a loop that came along with a fork.
fn with_any_loop<R>(number: rondel_handle, f: impl FnOnce(&Loop, Handle) -> Result<R>) -> Result<R> {
    let handle = Handle::from_caller(number)?;
    let guard = registry::place(handle).cell.enter(handle.generation())?;
    f(guard.get().ok_or(Error::EGONE)?, handle)
}

/// Calls `f` with the state of the loop of a handle, if this thread may have it now.
fn with_core<R>(number: rondel_handle, f: impl FnOnce(&mut Core, Handle) -> Result<R>) -> Result<R> {
    with_loop(number, |the_loop, handle| f(&mut the_loop.core.borrow_mut(), handle))
}

/// As `with_core`, for what has to do with tasks and futures only: also while a child frees a loop that came along with
/// a fork, so that those hear what they would of any loop that is freed.
fn with_core_to_the_end<R>(number: rondel_handle, f: impl FnOnce(&mut Core, Handle) -> Result<R>) -> Result<R> {
    with_any_loop(number, |the_loop, handle| {
        let mut core = the_loop.core.borrow_mut();
        if core.is_astray() { Err(Error::ESTATE) } else { f(&mut core, handle) }
    })
}

/// As `with_core`, for something short on behalf of any thread: `ETHREAD` if another one runs the loop, and no other
/// thread is refused for it.
fn visit_core<R>(number: rondel_handle, f: impl FnOnce(&mut Core, Handle) -> Result<R>) -> Result<R> {
    let handle = Handle::from_caller(number)?;
    let place = registry::place(handle);
    let guard = place.cell.visit(handle.generation())?;
    let the_loop = guard.get().ok_or(Error::EGONE)?;
    if place.inbox.is_foreign() { Err(Error::ESTATE) } else { f(&mut the_loop.core.borrow_mut(), handle) }
}

/// As `with_core`, for a function that takes a loop and nothing else.
fn with_loop_core<R>(number: rondel_handle, f: impl FnOnce(&mut Core) -> Result<R>) -> Result<R> {
    with_core(number, |core, handle| {
        core.check_loop(handle)?;
        f(core)
    })
}

/// A function that gives 0 or a code.
fn done(result: Result<()>) -> i64 {
    to_code(result.map(|()| 0))
}

/// A function that gives a handle or a code.
fn number(result: Result<Handle>) -> i64 {
    to_code(result.map(Handle::number))
}

/// What `(fn, user_data)` asks for at the end of a one-shot operation.
fn notify(function: rondel_fn, user_data: *mut c_void) -> Notify {
    let Some(function) = function else { return Notify::Nobody };
    let entry = crate::sys::entry(function as *const ());
    if entry == future::rondel_keep as *const () as usize {
        Notify::Keep
    } else if entry == future::rondel_enqueue as *const () as usize {
        Notify::Enqueue(UserData::new(user_data))
    } else {
        Notify::Call(Callback { function, data: UserData::new(user_data) })
    }
}

/// What `(fn, user_data)` asks for where something is told again and again, and somebody must listen.
fn listener(function: rondel_fn, user_data: *mut c_void) -> Result<Notify> {
    match notify(function, user_data) {
        Notify::Nobody | Notify::Keep => Err(Error::EINVAL),
        notify => Ok(notify),
    }
}

/// A function that is told bytes or datagrams again and again, and where its code is. What `rondel_keep` and
/// `rondel_enqueue` stand for is not to be had of it.
fn plain_listener<F: Copy>(function: Option<F>, code: impl FnOnce(F) -> *const ()) -> Result<F> {
    let function = function.ok_or(Error::EINVAL)?;
    let entry = crate::sys::entry(code(function));
    let marks = [future::rondel_keep as *const () as usize, future::rondel_enqueue as *const () as usize];
    if marks.contains(&entry) { Err(Error::EINVAL) } else { Ok(function) }
}

/// As `listener`, where NULL means that nobody wants to be told.
fn optional_listener(function: rondel_fn, user_data: *mut c_void) -> Result<Option<Notify>> {
    function.map(|_| listener(function, user_data)).transpose()
}
