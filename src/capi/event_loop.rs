// SPDX-License-Identifier: MIT OR Apache-2.0
//! Loops: made, run, stopped, measured, freed.

use super::types::*;
use super::{done, listener, number, with_core, with_loop, with_loop_core};
use crate::callback::{Call, Notify};
use crate::core::Until;
use crate::error::{Error, Result, to_code};
use crate::event_loop::{Loop, current};
use crate::handle::Handle;
use crate::inbox::Message;
use crate::pool;
use crate::registry;
use crate::sys;
use std::ffi::c_void;

/// Makes a loop. A process can have 4096 at a time.
///
/// Fails with `RONDEL_EMFILE` or `RONDEL_ENFILE` when descriptors have run out, `RONDEL_ENOMEM` when loops have.
/// Any thread may use it, one at a time; while it runs it belongs to the thread that runs it. Where standard input, output
/// or error is not open, its number becomes the null device's, so that nothing of the loop is ever taken for it.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_loop_new() -> rondel_loop {
    number(Loop::create())
}

/// Frees a loop: closes every handle, completes every pending operation with `RONDEL_ECANCELED`, gives every close
/// notice, and then frees. It waits for work on the pool that has begun.
///
/// The callbacks run inside this call; what they try to start is refused with `RONDEL_EGONE`. Callbacks that other
/// threads had queued get `RONDEL_ECANCELED` as their result. What was enqueued and not handed out by `rondel_next` is
/// dropped. Gives 0, or `RONDEL_EBUSY` from within one of its own callbacks. Whoever may use the loop.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_loop_free(r#loop: rondel_loop) -> i64 {
    done(free(r#loop))
}

fn free(number: rondel_loop) -> Result<()> {
    let handle = Handle::from_caller(number)?;
    let mut guard = registry::place(handle).cell.enter(handle.generation())?;
    let the_loop = guard.get().ok_or(Error::EGONE)?;
    the_loop.core.borrow_mut().check_loop(handle)?;
    if !guard.alone() {
        return Err(Error::EBUSY);
    }
    the_loop.shut_down()?;
    let next_generation = the_loop.core.borrow().table.unused_generation();
    let abandoned = the_loop.core.borrow_mut().reactor.abandon();
    let freed = guard.take();
    if abandoned.is_err() {
        // To drop it would be noticed in the parent.
        std::mem::forget(freed);
    }
    drop(guard);
    if !registry::give_back(handle.loop_index(), next_generation) {
        pool::rest();
    }
    Ok(())
}

/// Makes a loop usable in the child of a fork, which has a copy of it: with all its handles, timers and pending operations,
/// side by side with the parent's, which is not disturbed. Both then read from the same sockets, so one of them should
/// close each, which is nothing to the other.
///
/// Descriptors are watched anew, and `rondel_backend_fd` is another one. Signals are told that come to the child. Threads
/// do not come along: work of the pool, look-ups included, completes with `RONDEL_ECANCELED`, also if it had not begun;
/// the pool starts anew. What the parent has queued to send the parent sends: those writes, and shutdowns behind them,
/// complete with `RONDEL_ECANCELED` too. Processes are their parent's: here they end with `RONDEL_ECHILD`. Can be called in
/// a callback, if the process forked there.
///
/// Until then every call for the loop is refused with `RONDEL_ESTATE`, and `rondel_run` returns it once the callback
/// returns in which the process forked; only `rondel_loop_free` may be called. It completes everything with
/// `RONDEL_ECANCELED` in the child, and sends nothing. A child that is to run another program or to end needs neither.
///
/// 0, also in the process that the loop belongs to, where nothing happens. `RONDEL_ETHREAD` if another thread used the
/// loop when the process forked: then it can be neither used nor freed in the child. `RONDEL_EMFILE`, `RONDEL_ENFILE` or
/// `RONDEL_ENOMEM`: try again. `RONDEL_ENOSYS` on Windows, which has no fork. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_loop_fork(r#loop: rondel_loop) -> i64 {
    done(adopt(r#loop))
}

fn adopt(number: rondel_loop) -> Result<()> {
    let handle = Handle::from_caller(number)?;
    let guard = registry::place(handle).cell.enter(handle.generation())?;
    let mut core = guard.get().ok_or(Error::EGONE)?.core.borrow_mut();
    core.check_loop(handle)?;
    if cfg!(windows) { Err(Error::ENOSYS) } else { core.adopt() }
}

/// The loop that runs on this thread, in whose callback the caller is; `RONDEL_ESTATE` if there is none. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_loop_current() -> rondel_loop {
    number(current().ok_or(Error::ESTATE))
}

/// Runs the loop: `RONDEL_RUN_DEFAULT`, `_ONCE`, `_NOWAIT` or `_FOREVER`.
///
/// One turn is, in this order: timers that are due; callbacks that were ready when the turn began; idle; prepare; the
/// wait for events; callbacks of I/O; check; close notices. Gives 1 if something is still alive, 0 if nothing is;
/// `RONDEL_EINVAL` for another mode, `RONDEL_EBUSY` from within a callback of the same loop. The loop belongs to this
/// thread until it returns.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_run(r#loop: rondel_loop, mode: i32) -> i64 {
    to_code(with_loop(r#loop, |the_loop, handle| {
        the_loop.core.borrow_mut().check_loop(handle)?;
        the_loop.run(match mode {
            RONDEL_RUN_DEFAULT => Until::NothingAlive,
            RONDEL_RUN_ONCE => Until::OneCallback,
            RONDEL_RUN_NOWAIT => Until::OneTurn,
            RONDEL_RUN_FOREVER => Until::Stopped,
            _ => return Err(Error::EINVAL),
        })?;
        Ok(i64::from(the_loop.core.borrow().is_alive()))
    }))
}

/// Runs the loop until the future is done, even if nothing else is alive; gives its result and takes the future.
///
/// `RONDEL_EAGAIN` if `rondel_stop` came first: the future is then still yours. `RONDEL_EINVAL` if it is another
/// loop's. The loop belongs to this thread until it returns.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_run_until(r#loop: rondel_loop, future: rondel_future) -> i64 {
    to_code(with_loop(r#loop, |the_loop, handle| {
        let future = Handle::from_caller(future)?;
        {
            let mut core = the_loop.core.borrow_mut();
            core.check_loop(handle)?;
            if core.running {
                return Err(Error::EBUSY);
            }
            if future.loop_index() != handle.loop_index() {
                // Another loop's, if it is one at all.
                with_core(future.number(), |other, future| other.future_mut(future).map(|_| ()))?;
                return Err(Error::EINVAL);
            }
            // Held, so that its result is there to be taken whoever else lets it go.
            core.future_mut(future)?;
            core.retain(future)?;
        }
        let ran = the_loop.run(Until::Done(future));
        let mut core = the_loop.core.borrow_mut();
        let result = ran.and_then(|()| core.future_mut(future)?.look());
        if result.is_ok() {
            // The caller's hold; there is none if the future frees itself.
            let _ = core.release(future);
        }
        let _ = core.release(future);
        result
    }))
}

/// Ends the run after the present turn; if the loop does not run, the next run ends at once. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_stop(r#loop: rondel_loop) -> i64 {
    done(with_loop_core(r#loop, |core| {
        core.stop = true;
        Ok(())
    }))
}

/// As `rondel_stop`, from any thread, after whatever this thread sent before. `RONDEL_EGONE` once the loop is gone.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_stop_threadsafe(r#loop: rondel_loop) -> i64 {
    done(Handle::from_caller(r#loop).and_then(|handle| registry::place(handle).inbox.post_to(handle, Message::Stop)))
}

/// Ends the present wait of the loop, or the next one, and nothing else: `rondel_run` goes on with another turn,
/// `rondel_next` and `RONDEL_RUN_ONCE` return. What does not wait (`RONDEL_RUN_NOWAIT`, `rondel_next` with a timeout of 0)
/// leaves it for the next that does.
///
/// Any thread, and any signal handler. `RONDEL_EGONE` once the loop is gone.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_wake(r#loop: rondel_loop) -> i64 {
    done(Handle::from_caller(r#loop).and_then(|handle| registry::place(handle).inbox.wake(handle)))
}

/// The time of the present turn in nanoseconds, on the clock of `rondel_clock`. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_now(r#loop: rondel_loop) -> i64 {
    to_code(with_loop_core(r#loop, |core| Ok(core.now)))
}

/// 1 if `rondel_run` has something to run for: an active handle that is not unreferenced, a pending operation, a
/// callback that is ready, a close notice to give. Else 0. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_alive(r#loop: rondel_loop) -> i64 {
    to_code(with_loop_core(r#loop, |core| Ok(i64::from(core.is_alive()))))
}

/// Calls `fn(handle, kind, user_data)` for every live handle of the loop, the loop and futures included, now.
///
/// The function may close any of them: one that is closed before its turn is left out. Gives how many calls it made.
/// `RONDEL_EINVAL` without a function. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_walk(r#loop: rondel_loop, r#fn: rondel_fn, user_data: *mut c_void) -> i64 {
    to_code(with_loop(r#loop, |the_loop, handle| {
        the_loop.core.borrow_mut().check_loop(handle)?;
        let Notify::Call(callback) = listener(r#fn, user_data)? else { return Err(Error::EINVAL) };
        let handles = the_loop.core.borrow().open_handles();
        let mut calls = 0;
        for (handle, kind) in handles {
            if the_loop.core.borrow().is_astray() {
                return Err(Error::ESTATE);
            }
            if the_loop.core.borrow_mut().open_entry(handle).is_ok() {
                Call { callback, source: handle.number(), result: kind as i64 }.make();
                calls += 1;
            }
        }
        Ok(calls)
    }))
}

/// One of the `RONDEL_METRIC_` counters. `RONDEL_EINVAL` for another. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_metric(r#loop: rondel_loop, which: i32) -> i64 {
    to_code(with_loop_core(r#loop, |core| {
        Ok(match which {
            RONDEL_METRIC_TURNS => core.metrics.turns,
            RONDEL_METRIC_EVENTS => core.metrics.events,
            RONDEL_METRIC_IDLE_TIME => core.metrics.idle,
            RONDEL_METRIC_BUSY_TIME => core.busy_time(),
            RONDEL_METRIC_CALLBACKS => core.metrics.callbacks,
            RONDEL_METRIC_HANDLES => (core.table.live() - core.orphans) as i64,
            RONDEL_METRIC_POLLS => core.metrics.polls,
            RONDEL_METRIC_EVENTS_WAITING => core.metrics.events_waiting,
            _ => return Err(Error::EINVAL),
        })
    }))
}

/// A descriptor that becomes readable when `rondel_run(loop, RONDEL_RUN_NOWAIT)` has something to do: to embed the loop
/// in another one, together with `rondel_backend_timeout`. It stays the loop's, and the same as long as the loop lives
/// (until `rondel_loop_fork`). Do not read it, and wait for it level-triggered.
///
/// Each time before it waits the host asks for the timeout; after the wait it lets the loop have that one turn, if the
/// descriptor is readable or the timeout is over. That is all it takes: `c-examples/glib_guest.c`.
///
/// `RONDEL_ENOSYS` where the system has no such descriptor (Windows): there the loop wants a thread of its own, which
/// talks to the host through its calls for other threads. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_backend_fd(r#loop: rondel_loop) -> i64 {
    to_code(with_loop_core(r#loop, |core| core.reactor.descriptor().ok_or(Error::ENOSYS)))
}

/// Nanoseconds until something is due that no descriptor tells of: 0 now, `RONDEL_FOREVER` never. A host that waits in
/// milliseconds has to round up, or it comes too early again and again. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_backend_timeout(r#loop: rondel_loop) -> i64 {
    to_code(with_core(r#loop, |core, handle| {
        core.check_loop(handle)?;
        Ok(core.time_to_next().unwrap_or(RONDEL_FOREVER))
    }))
}

/// Turns debug mode on or off. In it the loop tells on standard error of callbacks and steps of tasks that take longer
/// than `rondel_set_slow` says, of futures that failed and that nobody looked at, and when it is freed, of tasks that are
/// not done and of futures that are, and that somebody has kept and never released. From then on the process also tells,
/// if it must die of a task that overflows its stack, which one it was: for that it handles SIGSEGV and SIGBUS, and passes
/// on what is not its own.
///
/// With `RONDEL_DEBUG=1` in the environment new loops begin with it on. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_set_debug(r#loop: rondel_loop, on: i32) -> i64 {
    done(with_loop_core(r#loop, |core| {
        core.debug.on = on != 0;
        if core.debug.on {
            sys::fault::install();
        }
        Ok(())
    }))
}

/// Sets from how many nanoseconds on a callback or step counts as slow in debug mode; 100 ms from the start.
///
/// `RONDEL_EINVAL` if it is negative. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_set_slow(r#loop: rondel_loop, ns: i64) -> i64 {
    done(with_loop_core(r#loop, |core| {
        core.debug.slow = if ns < 0 { return Err(Error::EINVAL) } else { ns };
        Ok(())
    }))
}
