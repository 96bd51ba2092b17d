// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tasks: straight-line code that waits.

use super::event_loop::rondel_loop_free;
use super::types::*;
use super::{done, number, visit_core, with_core, with_core_to_the_end, with_loop, with_loop_core};
use crate::abroad::Blocked;
use crate::callback::{Notify, UserData};
use crate::error::{Error, Result, to_code};
use crate::event_loop::{Loop, current};
use crate::handle::Handle;
use crate::inbox::Message;
use crate::registry;
use crate::stack;
use crate::sys;
use crate::task::Await;
use std::ffi::c_void;
use std::sync::Arc;

/// Spawns a task: `fn(arg)` on a stack of its own, where it may use `rondel_await` and its kin. It starts in the loop's
/// next turn.
///
/// Gives its future, which you keep: its result is what the function returns. Cancelled before it began it never runs.
/// The stack has 256 KiB, of which only what is touched takes memory; see `rondel_task_spawn_sized`. `RONDEL_EINVAL` without
/// a function. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_task_spawn(r#loop: rondel_loop, r#fn: rondel_task_fn, arg: *mut c_void) -> rondel_future {
    rondel_task_spawn_sized(r#loop, r#fn, arg, 0)
}

/// As `rondel_task_spawn`, with a stack of at least `stack_size` bytes (0: the usual 256 KiB), rounded up to a power of
/// two from 16 KiB to 1 GiB. `RONDEL_EINVAL` beyond that. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_task_spawn_sized(
    r#loop: rondel_loop,
    r#fn: rondel_task_fn,
    arg: *mut c_void,
    stack_size: usize,
) -> rondel_future {
    number(with_loop_core(r#loop, |core| core.spawn(r#fn.ok_or(Error::EINVAL)?, UserData::new(arg), stack_size)))
}

/// As `rondel_task_spawn`, from any thread. Wait for the result with `rondel_future_block`, or let it go with
/// `rondel_release_threadsafe`.
///
/// `RONDEL_EGONE` once the loop is gone; if it is freed before the task began, the task ends with `RONDEL_ECANCELED`. It
/// never blocks. `RONDEL_ENOMEM` when a million tasks of other threads are there.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_task_spawn_threadsafe(
    r#loop: rondel_loop,
    r#fn: rondel_task_fn,
    arg: *mut c_void,
) -> rondel_future {
    number(Handle::from_caller(r#loop).and_then(|handle| {
        let (function, arg) = (r#fn.ok_or(Error::EINVAL)?, UserData::new(arg));
        let task = registry::place(handle).inbox.spawn(handle, function, arg);
        match task {
            // What is no loop is found out only by looking.
            Err(Error::EGONE) => match visit_core(r#loop, |core, handle| core.check_loop(handle)) {
                Err(Error::EKIND) => Err(Error::EKIND),
                _ => task,
            },
            task => {
                // If nobody runs the loop, the task is there at once. Else it is there when the loop hears of it.
                let _ = visit_core(r#loop, |core, _| {
                    core.take_messages();
                    Ok(())
                });
                task
            }
        }
    }))
}

/// Waits until a future is done, blocking this thread, `ns` nanoseconds at most (`RONDEL_FOREVER` or negative: without
/// limit); gives its result and takes the future.
///
/// For threads other than the loop's: `RONDEL_EDEADLK` on the thread that runs it. `RONDEL_ETIMEDOUT` if it is not done by
/// then: the future is still yours. It is the loop that tells, in its next turn: a shorter time is over before that, also
/// if the future is done. `RONDEL_EGONE` if the future or its loop is gone.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_future_block(future: rondel_future, ns: i64) -> i64 {
    to_code(block(future, ns))
}

fn block(future: rondel_future, ns: i64) -> Result<i64> {
    let handle = Handle::from_caller(future)?;
    // A loop that this thread runs, be it further out, waits for this very call; one that nobody runs can be looked into.
    let seen = visit_core(future, |core, handle| {
        if core.running {
            return Err(Error::EDEADLK);
        }
        core.take_messages();
        core.take_result(handle)
    });
    match seen {
        Err(Error::EAGAIN | Error::ETHREAD) => {}
        seen => return seen,
    }
    let blocked = Arc::new(Blocked::default());
    let entry = blocked.clone();
    let inbox = &registry::place(handle).inbox;
    inbox.post(handle, Message::Apply(Box::new(move |core| core.block(handle, entry))))?;
    let result = blocked.wait((0..RONDEL_FOREVER).contains(&ns).then_some(ns));
    if result.is_err() {
        // Or else every try would leave something behind. If the loop is gone by now, so is that.
        let _ = inbox.post(handle, Message::Apply(Box::new(move |core| core.unblock(&blocked))));
    }
    result
}

/// In a task: waits until the future is done, gives its result and takes the future. The loop goes on meanwhile.
///
/// If the task is cancelled, so is the future, and this gives what it then completes with: mostly `RONDEL_ECANCELED`.
/// `RONDEL_ENOTASK` outside a task, `RONDEL_EINVAL` for a future of another loop, `RONDEL_EDEADLK` for the task's own.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_await(future: rondel_future) -> i64 {
    to_code(Handle::from_caller(future).and_then(wait_for))
}

fn wait_for(future: Handle) -> Result<i64> {
    let me = current().ok_or(Error::ENOTASK)?;
    if future.loop_index() != me.loop_index() {
        // Another loop's, if there is one and it lives.
        let gone = with_core(future.number(), |core, handle| core.open_entry(handle).map(|_| ()));
        return Err(if gone == Err(Error::EGONE) { Error::EGONE } else { Error::EINVAL });
    }
    match with_core_to_the_end(me.number(), |core, _| core.begin_await(future))? {
        Await::Done(result) => Ok(result),
        Await::Suspend(future) => {
            stack::suspend();
            end_wait(me, future)
        }
    }
}

/// Never inlined: the task may go on in another thread, where what was known of this one's variables is wrong.
#[inline(never)]
fn end_wait(me: Handle, future: Handle) -> Result<i64> {
    with_core_to_the_end(me.number(), |core, _| core.end_await(future))
}

/// In a task: waits `ns` nanoseconds, never less; 0 if they have passed, `RONDEL_ECANCELED` if the task was cancelled.
///
/// `RONDEL_EINVAL` if `ns` is negative, `RONDEL_ENOTASK` outside a task.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_sleep(ns: i64) -> i64 {
    to_code(current().ok_or(Error::ENOTASK).and_then(|me| {
        let pause = with_core_to_the_end(me.number(), |core, _| {
            core.current_task.ok_or(Error::ENOTASK)?;
            match ns {
                // Nothing begins any more when the loop is being freed, and nothing is waited for.
                _ if core.freeing => Err(Error::ECANCELED),
                ..0 => Err(Error::EINVAL),
                _ => core.call_at(sys::clock().saturating_add(ns), Notify::Keep),
            }
        })?;
        wait_for(pause)
    }))
}

/// In a task: lets everything else that is ready go first. Gives as `rondel_sleep` does.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_yield() -> i64 {
    done(current().ok_or(Error::ENOTASK).and_then(|me| {
        with_core_to_the_end(me.number(), |core, _| core.begin_yield())?;
        stack::suspend();
        end_yield(me)
    }))
}

#[inline(never)]
fn end_yield(me: Handle) -> Result<()> {
    with_core_to_the_end(me.number(), |core, _| core.end_yield())
}

/// The task that the caller runs in; `RONDEL_ENOTASK` outside one. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_task_current() -> rondel_future {
    number(
        current()
            .ok_or(Error::ENOTASK)
            .and_then(|me| with_core_to_the_end(me.number(), |core, _| core.current_task.ok_or(Error::ENOTASK))),
    )
}

/// Writes up to `capacity` of the loop's tasks that are not done to `tasks`, and gives how many there are in all.
///
/// `tasks` may be NULL if `capacity` is 0. They are not held for you. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_task_all(r#loop: rondel_loop, tasks: *mut rondel_future, capacity: usize) -> i64 {
    to_code(with_loop_core(r#loop, |core| {
        if tasks.is_null() && capacity > 0 {
            return Err(Error::EINVAL);
        }
        let mut count = 0;
        for task in core.tasks() {
            if count < capacity {
                // SAFETY: the caller promises `capacity` places.
                unsafe { tasks.add(count).write(task.number()) };
            }
            count += 1;
        }
        Ok(count as i64)
    }))
}

/// Runs a program that is one task: makes a loop, runs `fn(arg)` on it, and when that has returned cancels every other
/// task, runs them to their end and frees the loop. Gives what `fn` returned. Tasks that then wait for each other in a
/// circle go on all the same: in one of them the wait ends with `RONDEL_ECANCELED`. What waits for anything else is waited
/// for.
///
/// Ctrl-C (SIGINT) cancels the task, and so does a stop of the loop; a second Ctrl-C kills the process. A task that
/// overflows its stack is named before the process dies of it; for that SIGSEGV and SIGBUS are handled. `RONDEL_EINVAL`
/// without a function, `RONDEL_EBUSY` on a thread that runs a loop already.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_main(r#fn: rondel_task_fn, arg: *mut c_void) -> i64 {
    to_code(run_program(r#fn, arg))
}

fn run_program(function: rondel_task_fn, arg: *mut c_void) -> Result<i64> {
    let function = function.ok_or(Error::EINVAL)?;
    if current().is_some() {
        return Err(Error::EBUSY);
    }
    let handle = Loop::create()?;
    sys::fault::install();
    let result = with_loop(handle.number(), |the_loop, _| {
        let task = the_loop.core.borrow_mut().spawn(function, UserData::new(arg), 0)?;
        // Its result is wanted also when somebody else awaits it, or it lets go of itself.
        the_loop.core.borrow_mut().retain(task)?;
        let result = the_loop.run_program(task);
        let _ = the_loop.core.borrow_mut().release(task);
        result
    });
    rondel_loop_free(handle.number());
    result
}
