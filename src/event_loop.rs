// SPDX-License-Identifier: MIT OR Apache-2.0
//! One turn: due timers, ready callbacks, idle, prepare, poll, I/O callbacks, check, close notices.
//!
//! `Loop` drives: it asks the core for the next call that is due, ends the borrow, makes the call, and asks again. So no
//! borrow is alive while a callback runs, and a callback may do anything to the core.

use crate::callback::{Call, ReadFunction, UserData};
use crate::core::{Core, Until, Wait};
use crate::error::{Error, Result};
use crate::handle::{Handle, Table};
use crate::hook::Phase;
use crate::lifecycle::{Entry, Kind, Object, Stamp};
use crate::net::read_buffer::{READ_SIZE, ReadBuffer};
use crate::net::stream::Received;
use crate::net::udp::{Batch, ToldOf};
use crate::reactor::{Reactor, Readiness, Waker};
use crate::ready::Step;
use crate::registry;
use crate::sys::{self, fault, forks, lent::Lender};
use std::cell::{Cell, RefCell};

/// How many turns a wait for completions may go on after its time, as long as something is ready.
const LATE_TURNS: u32 = 3;
/// How often one stream is read from before others get their turn.
const READS_A_WAKE_UP: usize = 32;
/// How many connections one listener takes before others get their turn.
const ACCEPTS_A_WAKE_UP: usize = 64;
/// How many batches of one socket's datagrams come before others get their turn.
const BATCHES_A_WAKE_UP: usize = 8;

thread_local! {
    static CURRENT: Cell<i64> = const { Cell::new(0) };
}

/// The loop that runs on this thread.
pub fn current() -> Option<Handle> {
    Handle::from_caller(CURRENT.get()).ok()
}

pub struct Loop {
    pub core: RefCell<Core>,
    read_buffer: RefCell<ReadBuffer>,
    /// Where datagrams arrive, once there are any.
    batch: RefCell<Option<Box<Batch>>>,
}

impl Loop {
    /// Makes a loop and gives it its place.
    pub fn create() -> Result<Handle> {
        forks::notice()?;
        let (index, generation) = registry::reserve()?;
        let (reactor, waker) = match Reactor::new() {
            Ok(made) => made,
            Err(error) => {
                registry::give_back(index, generation);
                return Err(error.into());
            }
        };
        let made = Loop::in_place(index, generation, reactor, waker);
        if made.is_err() {
            registry::place_at(index).inbox.close();
            registry::give_back(index, generation);
        }
        made
    }

    fn in_place(index: usize, generation: u32, reactor: Reactor, waker: Waker) -> Result<Handle> {
        let place = registry::place_at(index);
        let mut table = Table::new(index, generation);
        let handle = table.insert(Entry::new(Kind::Loop, Object::Loop, Stamp::of(sys::clock())))?;
        let core = Core::new(handle, table, reactor, &place.inbox);
        place.inbox.open(handle, waker);
        if core.debug.on {
            fault::install();
        }
        let made =
            Loop { core: RefCell::new(core), read_buffer: RefCell::new(ReadBuffer::new()), batch: RefCell::new(None) };
        place.cell.fill(generation, Box::new(made))?;
        Ok(handle)
    }

    /// Closes every handle, completes every operation, gives every notice. The caller then drops the loop.
    pub fn shut_down(&self) -> Result<()> {
        {
            let mut core = self.core.borrow_mut();
            if core.running {
                return Err(Error::EBUSY);
            }
            core.begin_to_free();
        }
        let outer = CURRENT.replace(self.core.borrow().handle.number());
        loop {
            let ready = {
                let mut core = self.core.borrow_mut();
                core.take_messages();
                core.ready.len()
            };
            self.run_ready(ready);
            self.run_close_notices();
            let mut core = self.core.borrow_mut();
            core.completions.clear();
            if core.ready.len() == 0 && core.closing.is_empty() && !core.has_messages() {
                if core.is_foreign() && core.waits_for_workers() {
                    core.forget_workers();
                } else if core.waits_for_workers() {
                    // Whatever goes wrong with the wait, the workers still answer: look again.
                    let _ = core.reactor.wait(None);
                } else if !core.end_the_stuck() {
                    break;
                }
            }
        }
        self.run_last_notices();
        CURRENT.set(outer);
        let mut core = self.core.borrow_mut();
        if core.debug.on {
            core.report_all_unseen();
        }
        core.running = false;
        core.inbox().close();
        Ok(())
    }

    /// Runs turns until `until` is so or the loop is stopped.
    pub fn run(&self, until: Until) -> Result<()> {
        {
            let mut core = self.core.borrow_mut();
            if core.running {
                return Err(Error::EBUSY);
            }
            core.running = true;
            core.now = sys::clock();
            core.metrics.started = core.now;
        }
        let outer = CURRENT.replace(self.core.borrow().handle.number());
        let mut result = Ok(());
        let mut late_turns = 0;
        while self.goes_on(until) {
            let came = match self.turn(until) {
                Ok(came) => came,
                Err(error) => {
                    result = Err(error);
                    break;
                }
            };
            let ended = match until {
                Until::OneTurn => true,
                Until::OneCallback => came.called || came.woken,
                Until::Completion(limit) => came.woken || self.is_over(limit, &mut late_turns),
                Until::CompletionNow => self.is_over(Some(0), &mut late_turns),
                Until::NothingAlive | Until::Stopped | Until::Done(_) | Until::Ended(_) => false,
            };
            if ended {
                break;
            }
        }
        CURRENT.set(outer);
        let mut core = self.core.borrow_mut();
        core.stop = false;
        core.running = false;
        core.metrics.ran += sys::clock() - core.metrics.started;
        if core.is_astray() { Err(Error::ESTATE) } else { result }
    }

    fn goes_on(&self, until: Until) -> bool {
        let core = self.core.borrow();
        if core.stop {
            return false;
        }
        match until {
            Until::NothingAlive | Until::OneCallback => core.is_alive(),
            Until::OneTurn | Until::Stopped => true,
            Until::Done(future) | Until::Ended(future) => core.is_pending(future),
            Until::Completion(limit) => core.completions.is_empty() && (limit.is_some() || core.is_alive()),
            Until::CompletionNow => core.completions.is_empty(),
        }
    }

    /// Whether a wait for completions has had its time. What is ready by then gets a few turns more: a read that came
    /// in with the last poll is told of in the turn after it.
    fn is_over(&self, limit: Option<i64>, late_turns: &mut u32) -> bool {
        if limit.is_none_or(|limit| sys::clock() < limit) {
            return false;
        }
        *late_turns += 1;
        *late_turns > LATE_TURNS || self.core.borrow().ready.len() == 0
    }

    fn turn(&self, until: Until) -> Result<Came> {
        let (traced, before, timed, mark, ready) = {
            let mut core = self.core.borrow_mut();
            if core.is_astray() {
                return Err(Error::ESTATE);
            }
            let traced = core.begin_turn();
            core.take_messages();
            (traced, core.metrics.callbacks, !core.timers.is_empty(), core.timers.mark(), core.ready.len())
        };
        if timed {
            self.run_timers(mark);
        }
        self.run_ready(ready);
        self.run_hooks(Phase::Idle);
        self.run_hooks(Phase::Prepare);
        self.poll(until, before)?;
        self.run_hooks(Phase::Check);
        self.run_close_notices();
        if let Some(traced) = traced {
            self.tell_of_turn(traced);
        }
        let core = self.core.borrow();
        // Where there are messages too, they come first: a run that has made their callback need not end for nothing.
        let looked = matches!(until, Until::CompletionNow | Until::OneTurn);
        let woken = !looked && !core.has_messages() && core.inbox().take_wake();
        Ok(Came { woken, called: core.metrics.callbacks != before })
    }

    /// What comes next, unless a callback has forked and this is the child, which did not ask for any of it.
    #[inline]
    fn next_step(&self, next: impl FnOnce(&mut Core) -> Option<Step>) -> Option<Step> {
        let mut core = self.core.borrow_mut();
        if core.is_astray() { None } else { next(&mut core) }
    }

    fn run_timers(&self, mark: u64) {
        self.core.borrow_mut().update_now();
        loop {
            let step = self.next_step(|core| core.pop_timer(mark));
            match step {
                Some(step) => self.take(step),
                None => break,
            }
        }
    }

    fn run_ready(&self, count: usize) {
        let mut left = count;
        while left > 0 {
            match self.next_step(|core| Some(core.pop_ready(&mut left))) {
                Some(step) => self.take(step),
                None => break,
            }
        }
    }

    fn run_hooks(&self, phase: Phase) {
        if !self.core.borrow().hooks.active(phase) {
            return;
        }
        let mut last = 0;
        loop {
            let step = self.next_step(|core| core.next_hook(phase, &mut last));
            match step {
                Some(step) => self.take(step),
                None => break,
            }
        }
    }

    fn run_close_notices(&self) {
        let mut left = self.core.borrow().closing.len();
        if left == 0 {
            return;
        }
        loop {
            let step = self.next_step(|core| core.next_close_notice(&mut left));
            match step {
                Some(step) => self.take(step),
                None => break,
            }
        }
    }

    fn run_last_notices(&self) {
        loop {
            let step = self.core.borrow_mut().next_loop_notice();
            match step {
                Some(step) => self.take(step),
                None => break,
            }
        }
    }

    /// Waits for events and lets their objects act.
    fn poll(&self, until: Until, callbacks_before: i64) -> Result<()> {
        let count = {
            let mut core = self.core.borrow_mut();
            if core.is_astray() {
                return Err(Error::ESTATE);
            }
            let called = core.metrics.callbacks != callbacks_before;
            match core.poll_timeout(until, called) {
                Wait::Skip => return Ok(()),
                Wait::Until(timeout) => core.wait(timeout)?,
            }
        };
        for index in 0..count {
            let readiness = self.core.borrow().reactor.readiness(index);
            // The others are wake-ups.
            if let Some(readiness) = readiness {
                self.dispatch(readiness);
            }
        }
        Ok(())
    }

    fn dispatch(&self, readiness: Readiness) {
        let (handle, what) = {
            let mut core = self.core.borrow_mut();
            let Some(handle) = core.table.by_key(readiness.key) else { return };
            let Ok(entry) = core.table.get(handle) else { return };
            let what = match entry.object {
                Object::Stream(_) => What::Stream,
                Object::Udp(_) => What::Udp,
                Object::Listener(_) => What::Listener,
                Object::Attempt(_) => What::Attempt,
                Object::FdWatch(_) => What::FdWatch,
                Object::Process(_) | Object::Orphan(_) => What::Child,
                Object::Tube(_) => What::Tube,
                Object::Paths => What::Paths,
                _ => return,
            };
            match what {
                What::Stream if readiness.writable => core.flush(handle),
                What::Udp if readiness.writable => core.flush_udp(handle),
                What::Attempt => core.attempt_ready(handle),
                What::Tube => core.tube_ready(handle),
                What::Paths => {
                    core.paths_ready();
                }
                _ => {}
            }
            (handle, what)
        };
        match what {
            What::Stream if readiness.readable => self.receive(handle),
            What::Udp if readiness.readable => self.receive_datagrams(handle),
            What::Listener => self.accept(handle),
            What::FdWatch => {
                let step = self.core.borrow_mut().fd_ready(handle, readiness.exact);
                self.take(step);
            }
            What::Child => {
                let step = self.core.borrow_mut().process_ready(handle);
                self.take(step);
            }
            _ => {}
        }
    }

    /// Reads what a stream has and gives it to its reader, as long as the reader wants it.
    fn receive(&self, handle: Handle) {
        let mut buffer = self.read_buffer.borrow_mut();
        for _ in 0..READS_A_WAKE_UP {
            let received = self.core.borrow_mut().receive(handle, buffer.room());
            let more = match received {
                Received::Nothing => return,
                Received::Bytes { function, data, count, more } => {
                    let bytes = buffer.room().as_ptr();
                    self.watched(handle.number(), || function(handle.number(), bytes, count as i64, data.pointer()));
                    more
                }
                Received::End { function, data, code } => {
                    function(handle.number(), std::ptr::null(), code.code(), data.pointer());
                    false
                }
                Received::WantsMemory { lender, function, data } => self.receive_into(handle, lender, function, data),
            };
            self.after_callback();
            if !more {
                return;
            }
        }
        self.core.borrow_mut().receive_later(handle);
    }

    fn receive_into(&self, handle: Handle, lender: Lender, function: ReadFunction, data: UserData) -> bool {
        let (start, mut memory) = lender.ask(handle.number(), READ_SIZE);
        self.after_callback();
        let received = self.core.borrow_mut().receive_into(handle, memory.as_mut());
        let (count, more) = match received {
            Received::Bytes { count, more, .. } => (count as i64, more),
            Received::End { code, .. } => (code.code(), false),
            // The lender has ended the reading: its memory goes back to it.
            Received::Nothing | Received::WantsMemory { .. } if !start.is_null() => (0, false),
            Received::Nothing | Received::WantsMemory { .. } => return false,
        };
        self.watched(handle.number(), || function(handle.number(), start, count, data.pointer()));
        more
    }

    /// Receives what a socket has and tells of it, batch by batch, as long as somebody wants it.
    fn receive_datagrams(&self, handle: Handle) {
        let mut batch = self.batch.borrow_mut();
        let batch = batch.get_or_insert_with(|| Box::new(Batch::new()));
        for _ in 0..BATCHES_A_WAKE_UP {
            let told = self.core.borrow_mut().receive_datagrams(handle, batch);
            match told {
                ToldOf::Nothing => return,
                ToldOf::Again => continue,
                ToldOf::Datagrams { function, data, more } => {
                    let (list, count) = (batch.list.as_ptr(), batch.list.len() as i64);
                    self.watched(handle.number(), || function(handle.number(), list, count, data.pointer()));
                    self.after_callback();
                    if !more {
                        return;
                    }
                }
                ToldOf::Error { function, data, code } => {
                    function(handle.number(), std::ptr::null(), code.code(), data.pointer());
                    self.after_callback();
                }
            }
        }
        self.core.borrow_mut().receive_datagrams_later(handle);
    }

    fn accept(&self, handle: Handle) {
        for _ in 0..ACCEPTS_A_WAKE_UP {
            let step = self.core.borrow_mut().accept_next(handle);
            match step {
                Some(step) => self.take(step),
                None => return,
            }
        }
    }

    /// Does what a step asks for, with no borrow alive while a callback runs.
    fn take(&self, step: Step) {
        match step {
            Step::Nothing => {}
            Step::Call(call) => self.make(call),
            Step::Tell(future, mut end) => loop {
                let step = self.core.borrow_mut().next_to_tell(future, &mut end);
                match step {
                    Some(step) => self.take(step),
                    None => break,
                }
            },
            Step::Resume(task) => self.resume(task),
            Step::Receive(stream) => self.receive(stream),
            Step::ReceiveDatagrams(udp) => self.receive_datagrams(udp),
        }
    }

    /// One step of a task, on its own stack.
    fn resume(&self, task: Handle) {
        let fiber = self.core.borrow_mut().begin_step(task);
        if let Some(mut fiber) = fiber {
            let name = fault::is_installed().then(|| self.core.borrow().describe(task));
            let result = self.watched(task.number(), || match &name {
                Some(name) => fiber.resume_guarded(name),
                None => fiber.resume(),
            });
            self.core.borrow_mut().end_step(task, fiber, result);
            self.after_callback();
        }
    }

    fn make(&self, call: Call) {
        self.watched(call.source, || call.make());
        self.after_callback();
    }

    /// Makes a call, and in debug mode tells if it took long.
    #[inline]
    fn watched<R>(&self, source: i64, call: impl FnOnce() -> R) -> R {
        if !self.core.borrow().debug.on {
            return call();
        }
        let begin = sys::clock();
        let result = call();
        self.core.borrow().check_speed(source, sys::clock() - begin);
        result
    }

    fn after_callback(&self) {
        let mut core = self.core.borrow_mut();
        core.metrics.callbacks += 1;
        core.flush_dirty();
    }
}

/// What came of a turn.
struct Came {
    woken: bool,
    called: bool,
}

#[derive(Clone, Copy)]
enum What {
    Stream,
    Udp,
    Listener,
    Attempt,
    FdWatch,
    Child,
    Tube,
    Paths,
}
