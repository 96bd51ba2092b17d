// SPDX-License-Identifier: MIT OR Apache-2.0
//! A command from start to end, as one future: its input is fed to it, its output is collected.
//!
//! It is done when the process and its output have ended. Given up before, the process is killed, with what is left of its
//! group if it leads one, or asked to end and killed after a time of grace, and the future completes once it has ended.
//! Then it is reaped.

use crate::callback::Notify;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::file::outcome::Bytes;
use crate::future::Op;
use crate::handle::Handle;
use crate::lifecycle::{Kind, Object};
use crate::process::Stdio;
use crate::reactor::Interest;
use crate::sys::process::{self, Flow, Order};
use crate::sys::{self, Source};
use crate::timers::TimerId;
use std::cell::Cell;
use std::io;

/// What goes on while the future is pending.
pub struct Run {
    process: Handle,
    /// Its standard input, output and error, as far as they are pipes that have not ended.
    tubes: [Option<Handle>; 3],
    /// What came of output and error.
    output: [Vec<u8>; 2],
    limit: usize,
    /// How long it may take to end when it is asked to.
    grace: i64,
    /// When that is over, if it was asked.
    due: Option<TimerId>,
    /// How it ended.
    status: Option<i64>,
}

/// Our end of a pipe to a process that is run.
pub struct Tube {
    source: Source,
    run: Handle,
    /// What it is to the process.
    number: usize,
    /// What is to be fed, from where on.
    input: (Vec<u8>, usize),
}

/// How much is read from one pipe, or written to it, before others get their turn.
const PIECES_A_WAKE_UP: usize = 8;
/// As much as a pipe mostly holds.
const PIECE: usize = 64 * 1024;

impl Core {
    /// `limit`: the most bytes of output and error each.
    pub fn run_process(
        &mut self,
        order: Order<'_>,
        stdio: &[Stdio],
        input: &[u8],
        limit: usize,
        grace: i64,
        notify: Notify,
    ) -> Result<Handle> {
        let fits = |(number, stdio): (usize, &Stdio)| match stdio {
            Stdio::Pipe(flow) => matches!((number, flow), (0, Flow::ToChild) | (1 | 2, Flow::FromChild)),
            _ => true,
        };
        if !stdio.iter().enumerate().all(fits) {
            return Err(Error::EINVAL);
        }
        let mut fed = Vec::new();
        fed.try_reserve_exact(input.len()).map_err(|_| Error::ENOMEM)?;
        fed.extend_from_slice(input);
        let fed = Cell::new(fed);
        let future = self.insert_future(Op::Over, self.handle, notify)?;
        let make = |number: usize, source| {
            let input = if number == 0 { (fed.take(), 0) } else { (Vec::new(), 0) };
            (Kind::Internal, Object::Tube(Box::new(Tube { source, run: future, number, input })))
        };
        let (process, ends) = match self.launch(Kind::Internal, order, stdio, None, make) {
            Ok(launched) => launched,
            Err(error) => {
                self.withdraw_future(future);
                return Err(error);
            }
        };
        self.process_is_of_run(process, future);
        let mut tubes = [None; 3];
        for (number, tube) in ends {
            tubes[number] = Some(tube);
        }
        let output = [Vec::new(), Vec::new()];
        let run = Run { process, tubes, output, limit, grace, due: None, status: None };
        self.future_mut(future)?.op = Op::Run(Box::new(run));
        for tube in tubes.into_iter().flatten() {
            if let Err(error) = self.watch_tube(tube) {
                self.give_up_run(future, error);
            }
        }
        Ok(future)
    }

    fn watch_tube(&mut self, handle: Handle) -> Result<()> {
        let Core { table, reactor, .. } = self;
        let Object::Tube(tube) = &table.get(handle)?.object else { return Err(Error::EGONE) };
        let interest = if tube.number == 0 { Interest::WRITABLE } else { Interest::READABLE };
        reactor.watch(&tube.source, handle.key(), interest)
    }

    fn run_mut(&mut self, future: Handle) -> Option<&mut Run> {
        match &mut self.future_mut(future).ok()?.op {
            Op::Run(run) => Some(run),
            _ => None,
        }
    }

    /// Bytes can be fed or collected.
    pub fn tube_ready(&mut self, handle: Handle) {
        let Ok(Object::Tube(tube)) = self.table.get_mut(handle).map(|entry| &mut entry.object) else { return };
        let (future, number) = (tube.run, tube.number);
        let ended = if number == 0 { Ok(tube.feed()) } else { self.collect(future, number) };
        match ended {
            Ok(true) => self.end_tube(future, number),
            Ok(false) => {}
            Err(error) => self.give_up_run(future, error),
        }
    }

    /// Takes what came of output or error. Whether there will be no more.
    fn collect(&mut self, future: Handle, number: usize) -> Result<bool> {
        let Some(Run { output, limit, tubes, .. }) = self.run_mut(future) else { return Ok(true) };
        let (mut bytes, limit, tube) = (std::mem::take(&mut output[number - 1]), *limit, tubes[number]);
        let mut ended = Ok(true);
        if let Some(tube) = tube
            && let Ok(Object::Tube(tube)) = self.table.get_mut(tube).map(|entry| &mut entry.object)
        {
            ended = tube.collect(&mut bytes, limit);
        }
        let ended = if bytes.len() > limit { Err(Error::EMSGSIZE) } else { ended };
        bytes.truncate(limit);
        if let Some(run) = self.run_mut(future) {
            run.output[number - 1] = bytes;
        }
        ended
    }

    fn end_tube(&mut self, future: Handle, number: usize) {
        let Some(tube) = self.run_mut(future).and_then(|run| run.tubes[number].take()) else { return };
        let Core { table, reactor, .. } = self;
        if let Ok(Object::Tube(tube)) = table.get(tube).map(|entry| &entry.object) {
            reactor.unwatch(&tube.source);
        }
        self.table.discard(tube);
        self.descriptor_freed();
        self.finish_run_if_done(future);
    }

    /// The process has ended.
    pub fn run_ended(&mut self, future: Handle, status: i64) {
        if let Some(run) = self.run_mut(future) {
            run.status = Some(status);
        }
        // What it did not read it will not read any more.
        self.end_tube(future, 0);
        let given_up = self.is_given_up(future);
        let Some(run) = self.run_mut(future) else { return };
        let (process, asked) = (run.process, run.due.is_some());
        // The rest of its group has as much time as it had.
        if given_up && !(asked && self.remains_for_run(process)) {
            // What it has said counts, but nobody waits for those that it left behind.
            for number in 1..3 {
                let _ = self.collect(future, number);
                self.end_tube(future, number);
            }
        }
        self.finish_run_if_done(future);
    }

    fn finish_run_if_done(&mut self, future: Handle) {
        let Some(run) = self.run_mut(future) else { return };
        let Some(status) = run.status.filter(|_| run.tubes.iter().all(Option::is_none)) else { return };
        let process = run.process;
        self.end_grace(future);
        if self.is_given_up(future) {
            // There may be more of its group than those who had its pipes.
            let _ = self.signal_for_run(process, process::KILL);
        }
        let Some(run) = self.run_mut(future) else { return };
        let output = Box::new(std::mem::take(&mut run.output).map(Bytes::new));
        self.let_go_of_process(process);
        if let Ok(future) = self.future_mut(future) {
            future.op = Op::Ran(output);
        }
        self.complete(future, status);
    }

    /// Ends the process. The result will be `reason`; what was collected until now stays.
    pub fn give_up_run(&mut self, future: Handle, reason: Error) {
        if let Ok(future) = self.future_mut(future) {
            future.given_up.get_or_insert(reason);
        }
        let Some(run) = self.run_mut(future) else { return };
        let (process, ended) = (run.process, run.status.is_some());
        let remains = self.remains_for_run(process);
        if remains && !self.freeing && self.gives_grace(future) {
            return;
        }
        self.end_grace(future);
        if remains {
            let killed = matches!(self.signal_for_run(process, process::KILL), Ok(()) | Err(Error::ESRCH));
            // A loop that is being freed does not wait; nor does one whose child it may not kill.
            if !ended && (!killed || self.freeing) {
                self.let_go_of_process(process);
                if let Some(run) = self.run_mut(future) {
                    run.status = Some(reason.code());
                }
            }
        }
        for number in 0..3 {
            self.end_tube(future, number);
        }
        self.finish_run_if_done(future);
    }

    /// Asks the process to end, unless that was done. Whether it has still time for that.
    fn gives_grace(&mut self, future: Handle) -> bool {
        let Some(run) = self.run_mut(future) else { return false };
        let (process, grace, asked) = (run.process, run.grace, run.due.is_some());
        let Some(stop) = process::STOP.filter(|_| grace > 0) else { return false };
        // In the child of a fork nobody can be asked: the process is its parent's.
        if self.signal_for_run(process, if asked { 0 } else { stop }).is_err() {
            return false;
        }
        if !asked {
            let due = self.timers.insert(sys::clock().saturating_add(grace), process);
            if let Some(run) = self.run_mut(future) {
                run.due = Some(due);
            }
        }
        true
    }

    fn is_given_up(&mut self, future: Handle) -> bool {
        self.future_mut(future).is_ok_and(|future| future.given_up.is_some())
    }

    fn end_grace(&mut self, future: Handle) {
        if let Some(due) = self.run_mut(future).and_then(|run| run.due.take()) {
            self.timers.remove(due);
        }
    }

    /// The process has not ended in the time it was given.
    pub fn grace_is_over(&mut self, process: Handle) {
        let Some(future) = self.run_of_process(process) else { return };
        if let Some(run) = self.run_mut(future) {
            (run.due, run.grace) = (None, 0);
            self.give_up_run(future, Error::ETIMEDOUT);
        }
    }

    /// What a process that was run wrote: 1 is its output, 2 its error.
    pub fn process_output(&mut self, future: Handle, number: usize) -> Result<&[u8]> {
        let future = self.future_mut(future)?;
        match &future.op {
            Op::Run(_) => Err(Error::EAGAIN),
            Op::Ran(output) => {
                number.checked_sub(1).and_then(|index| output.get(index)).ok_or(Error::EINVAL).map(Bytes::slice)
            }
            _ => Err(Error::EKIND),
        }
    }
}

impl Tube {
    /// Whether there is nothing more to feed, or nobody to feed it to.
    fn feed(&mut self) -> bool {
        let (bytes, at) = &mut self.input;
        for _ in 0..PIECES_A_WAKE_UP {
            let piece = &bytes[*at..bytes.len().min(*at + PIECE)];
            if piece.is_empty() {
                return true;
            }
            match self.source.send(piece) {
                Ok(count) => *at += count,
                Err(error) => return error.kind() != io::ErrorKind::WouldBlock,
            }
        }
        *at == bytes.len()
    }

    /// Whether there is nothing more to collect.
    fn collect(&mut self, bytes: &mut Vec<u8>, limit: usize) -> Result<bool> {
        for _ in 0..PIECES_A_WAKE_UP {
            let before = bytes.len();
            bytes.try_reserve(PIECE).map_err(|_| Error::ENOMEM)?;
            bytes.resize(before + PIECE, 0);
            let received = self.source.receive(&mut bytes[before..]);
            bytes.truncate(before + received.as_ref().map_or(0, |count| *count));
            match received {
                Ok(0) => return Ok(true),
                Ok(_) if bytes.len() > limit => return Ok(false),
                Ok(_) => {}
                Err(error) => return Ok(error.kind() != io::ErrorKind::WouldBlock),
            }
        }
        Ok(false)
    }
}
