// SPDX-License-Identifier: MIT OR Apache-2.0
//! Child processes as handles.
//!
//! A child ends when it ends: closing its handle, or freeing the loop, does not kill it, and leaves no zombie either. One
//! that was closed before stays in the table, unseen, until it is reaped; with its loop it goes to a thread that waits
//! for it. One that leads a group is reaped only when its handle is closed, or the run is over that it is part of: until
//! then the group's number is its own, and what is left of the group can be killed. Its pipes are streams of their own, so whatever it wrote is still there to be read after its end was told.

use crate::callback::Notify;
use crate::core::Core;
use crate::error::{Error, Result, to_code};
use crate::file::handing::Waiting;
use crate::future::Op;
use crate::handle::{Handle, Table};
use crate::inbox::Message;
use crate::lifecycle::{Entry, Kind, Object};
use crate::net::stream::Stream;
use crate::reactor::Interest;
use crate::ready::Step;
use crate::sys::Source;
use crate::sys::process::{self, Child, End, Flow, Order};

pub struct Process {
    /// `None` once it is reaped: the leader of a group stays, when it has ended, until nobody needs the group's number.
    child: Option<Child>,
    pid: i64,
    /// How it ended: a status or a code.
    ended: Option<i64>,
    leads_group: bool,
    on_exit: Option<Notify>,
    /// Waits that are pending.
    waiting: Vec<Handle>,
    pipes: Vec<Pipe>,
    /// The `rondel_process_run` that it is part of.
    run: Option<Handle>,
}

/// Our end of a pipe to a child.
struct Pipe {
    /// What it is to the child.
    number: usize,
    stream: Handle,
    /// Whether anybody ever asked for it: else it is closed with the process.
    given_out: bool,
}

/// What a child is to have under one of its first descriptor numbers.
#[derive(Clone, Copy)]
pub enum Stdio {
    Closed,
    Inherited,
    Null,
    Given(i64),
    Same(usize),
    Pipe(Flow),
    /// A stream's descriptor, which goes over to the child.
    Stream(Handle),
}

/// Children that no descriptor of theirs tells of, so that SIGCHLD has to.
#[derive(Default)]
pub struct Unwatched(Vec<Handle>);

/// Our ends of the pipes to a child that is to be, each with its number there.
type Ends = Vec<(usize, Source)>;

/// Gives the child its ends, and makes the pipes: last, as a pipe may have the number of a descriptor that is not open.
fn furnish(order: &mut Order<'_>, stdio: &[Stdio]) -> Result<Ends> {
    let find = |(number, stdio): (usize, &Stdio)| match *stdio {
        Stdio::Closed => Ok(Some(End::Closed)),
        Stdio::Inherited => process::inherited(number).map(Some),
        Stdio::Given(descriptor) => process::given(descriptor).map(Some),
        Stdio::Same(other) if other < number => Ok(Some(End::Same(other))),
        Stdio::Same(_) => Err(Error::EINVAL),
        // These have become descriptors by now.
        Stdio::Stream(_) => Err(Error::EKIND),
        Stdio::Null | Stdio::Pipe(_) => Ok(None),
    };
    let found = stdio.iter().enumerate().map(find).collect::<Result<Vec<Option<End>>>>()?;
    let mut ours = Vec::new();
    for (number, (end, stdio)) in found.into_iter().zip(stdio).enumerate() {
        let end = match (end, stdio) {
            (Some(end), _) => end,
            (None, Stdio::Pipe(flow)) => {
                let (source, end) = process::pipe(*flow)?;
                ours.push((number, source));
                end
            }
            (None, _) => process::null_device()?,
        };
        order.ends.push(end);
    }
    Ok(ours)
}

/// The child behind a handle, if it is not reaped.
fn child_in(table: &mut Table<Entry>, handle: Handle) -> Option<&mut Child> {
    match &mut table.get_mut(handle).ok()?.object {
        Object::Process(process) => process.child.as_mut(),
        Object::Orphan(child) => Some(child),
        _ => None,
    }
}

impl Process {
    /// For a dump.
    pub fn doing(&self) -> String {
        let pid = self.pid;
        match self.ended {
            None => format!("{pid}, runs"),
            Some(status) if status >= process::BY_SIGNAL => {
                format!("{pid}, ended by signal {}", status - process::BY_SIGNAL)
            }
            Some(status) => format!("{pid}, ended with {status}"),
        }
    }
}

impl Core {
    pub fn spawn_process(&mut self, order: Order<'_>, stdio: &[Stdio], on_exit: Option<Notify>) -> Result<Handle> {
        let make = |_, source| (Kind::Pipe, Object::Stream(Box::new(Stream::new(source))));
        let (handle, ends) = self.launch(Kind::Process, order, stdio, on_exit, make)?;
        let pipes = ends.into_iter().map(|(number, stream)| Pipe { number, stream, given_out: false });
        self.process_mut(handle)?.pipes = pipes.collect();
        self.set_active(handle, true);
        Ok(handle)
    }

    /// Starts a process. `make` makes the handle behind which one of our ends of its pipes stands: those are given too.
    pub fn launch(
        &mut self,
        kind: Kind,
        mut order: Order<'_>,
        stdio: &[Stdio],
        on_exit: Option<Notify>,
        make: impl Fn(usize, Source) -> (Kind, Object),
    ) -> Result<(Handle, Vec<(usize, Handle)>)> {
        self.make_room()?;
        let leads_group = order.new_session || order.process_group == Some(0);
        let (stdio, streams) = self.take_streams(stdio)?;
        let ours = furnish(&mut order, &stdio)?;
        // Everything that can fail is done before there is a child.
        let handle = self.insert(kind, Object::Closed)?;
        let mut ends = Vec::with_capacity(ours.len());
        let mut started = Ok(());
        for (number, source) in ours {
            let (kind, object) = make(number, source);
            match self.insert(kind, object) {
                Ok(end) => ends.push((number, end)),
                Err(error) => started = Err(error),
            }
        }
        let given = stdio.iter().enumerate().filter_map(|(number, stdio)| match *stdio {
            Stdio::Given(descriptor) => Some(descriptor),
            Stdio::Inherited => Some(number as i64),
            _ => None,
        });
        let mut files = Waiting::default();
        let started = started.and_then(|()| self.let_block(&streams)).and_then(|()| {
            files = self.let_files_wait(given)?;
            process::spawn(&order)
        });
        match started {
            Ok(child) => {
                for stream in streams {
                    let _ = self.close(stream);
                }
                let (pid, waiting, pipes) = (child.pid(), Vec::new(), Vec::new());
                let child = Some(child);
                let process = Process { child, pid, ended: None, leads_group, on_exit, waiting, pipes, run: None };
                self.table.get_mut(handle)?.object = Object::Process(Box::new(process));
                self.watch_child(handle);
                Ok((handle, ends))
            }
            Err(error) => {
                for stream in streams {
                    let _ = self.source_of(stream).and_then(|source| source.set_blocking(false));
                }
                files.undo();
                ends.into_iter().for_each(|(_, end)| self.table.discard(end));
                self.table.discard(handle);
                Err(error)
            }
        }
    }

    /// The descriptors of streams that are to go over to a child, and the streams.
    fn take_streams(&mut self, stdio: &[Stdio]) -> Result<(Vec<Stdio>, Vec<Handle>)> {
        let (mut stdio, mut streams) = (stdio.to_vec(), Vec::new());
        for stdio in &mut stdio {
            let Stdio::Stream(handle) = *stdio else { continue };
            if handle.loop_index() != self.handle.loop_index() {
                return Err(Error::EGONE);
            }
            self.flush(handle);
            if self.stream_mut(handle)?.holds_bytes() {
                return Err(Error::EBUSY);
            }
            streams.push(handle);
            *stdio = Stdio::Given(self.descriptor(handle)?);
        }
        Ok((stdio, streams))
    }

    /// A program expects what it reads and writes to wait.
    fn let_block(&mut self, streams: &[Handle]) -> Result<()> {
        streams.iter().try_for_each(|stream| self.source_of(*stream)?.set_blocking(true))
    }

    /// The process behind a handle of whatever kind.
    fn any_process(&mut self, handle: Handle) -> Option<&mut Process> {
        match &mut self.table.get_mut(handle).ok()?.object {
            Object::Process(process) => Some(process),
            _ => None,
        }
    }

    /// Its end is this run's to hear of.
    pub fn process_is_of_run(&mut self, handle: Handle, run: Handle) {
        if let Some(process) = self.any_process(handle) {
            process.run = Some(run);
        }
    }

    /// Sends a signal to the process of a run, or to the group that it leads, also when it has ended itself: whoever counts how
    /// often it is asked counts one.
    pub fn signal_for_run(&mut self, handle: Handle, signal: i32) -> Result<()> {
        let process = self.any_process(handle).ok_or(Error::EGONE)?;
        let Some(child) = &process.child else { return Ok(()) };
        match process.leads_group.then(|| child.kill_group(signal)) {
            Some(result) if process.ended.is_some() => result,
            Some(Ok(())) if signal != process::KILL => Ok(()),
            _ => child.kill(signal),
        }
    }

    /// Whether there is anything left to send signals to: the process, or a group that it led.
    pub fn remains_for_run(&mut self, handle: Handle) -> bool {
        self.any_process(handle).is_some_and(|process| process.child.is_some())
    }

    /// The run that the process is part of.
    pub fn run_of_process(&mut self, handle: Handle) -> Option<Handle> {
        self.any_process(handle)?.run
    }

    fn process_mut(&mut self, handle: Handle) -> Result<&mut Process> {
        match &mut self.open_entry(handle)?.object {
            Object::Process(process) => Ok(process),
            _ => Err(Error::EKIND),
        }
    }

    pub fn process_id(&mut self, handle: Handle) -> Result<i64> {
        self.process_mut(handle).map(|process| process.pid)
    }

    /// Our end of the pipe that the child has under this number.
    pub fn process_stream(&mut self, handle: Handle, number: usize) -> Result<Handle> {
        let process = self.process_mut(handle)?;
        let pipe = process.pipes.iter_mut().find(|pipe| pipe.number == number).ok_or(Error::EINVAL)?;
        pipe.given_out = true;
        Ok(pipe.stream)
    }

    /// Sends a signal: to the process, or to all of the group that it leads.
    pub fn kill_process(&mut self, handle: Handle, signal: i32, group: bool) -> Result<()> {
        let process = self.process_mut(handle)?;
        if !process::is_signal(signal) || (group && !process.leads_group) {
            return Err(Error::EINVAL);
        }
        match &process.child {
            Some(child) if group => child.kill_group(signal),
            Some(child) if process.ended.is_none() => child.kill(signal),
            _ => Err(Error::ESRCH),
        }
    }

    /// A future of the status.
    pub fn wait_for_process(&mut self, handle: Handle, notify: Notify) -> Result<Handle> {
        if let Some(status) = self.process_mut(handle)?.ended {
            return self.insert_done(Op::Over, handle, notify, status);
        }
        let future = self.insert_future(Op::Exit, handle, notify)?;
        self.process_mut(handle)?.waiting.push(future);
        Ok(future)
    }

    pub fn cancel_process_wait(&mut self, handle: Handle, future: Handle) {
        if let Ok(process) = self.process_mut(handle) {
            process.waiting.retain(|waiting| *waiting != future);
        }
    }

    /// Its child lives on, and is reaped when it ends.
    pub fn close_process(&mut self, handle: Handle) {
        let Ok(process) = self.process_mut(handle) else { return };
        let waiting = std::mem::take(&mut process.waiting);
        let pipes = std::mem::take(&mut process.pipes);
        for future in waiting {
            self.complete(future, Error::ECANCELED.code());
        }
        for pipe in pipes.iter().filter(|pipe| !pipe.given_out) {
            let _ = self.close(pipe.stream);
        }
        self.part_with_child(handle);
    }

    /// Nobody hears any more of the end of a process of a run.
    pub fn let_go_of_process(&mut self, handle: Handle) {
        self.part_with_child(handle);
        self.table.discard(handle);
    }

    /// It is reaped: now if it has ended, else when it will.
    fn part_with_child(&mut self, handle: Handle) {
        let Some(process) = self.any_process(handle) else { return };
        let has_ended = process.ended.is_some();
        let Some(mut child) = process.child.take() else { return };
        if has_ended {
            child.try_reap();
            return;
        }
        self.unwatch_child(handle, &child);
        self.orphan(child);
    }

    fn orphan(&mut self, mut child: Child) {
        if self.make_room().is_err() {
            return child.abandon();
        }
        if child.try_reap().is_none()
            && let Ok(orphan) = self.insert(Kind::Internal, Object::Orphan(child))
        {
            self.orphans += 1;
            self.watch_child(orphan);
        }
    }

    /// The loop goes before this child ends.
    pub fn abandon_orphans(&mut self) {
        let orphans = self.table.handles().filter(|(_, entry)| matches!(entry.object, Object::Orphan(_)));
        for orphan in orphans.map(|(handle, _)| handle).collect::<Vec<_>>() {
            if let Some(Entry { object: Object::Orphan(child), .. }) = self.table.remove(orphan) {
                self.orphans -= 1;
                self.unwatch_child(orphan, &child);
                child.abandon();
            }
        }
    }

    fn watch_child(&mut self, handle: Handle) {
        let inbox = self.inbox();
        let Core { table, reactor, .. } = self;
        let Some(child) = child_in(table, handle) else { return };
        if child.source().is_some_and(|source| reactor.watch(source, handle.key(), Interest::READABLE).is_ok()) {
            return;
        }
        let tell = move || {
            // A loop that is gone does not care any more.
            let _ = inbox.post(handle, Message::Apply(Box::new(move |core| core.ready.push_child(handle))));
        };
        if child.call_when_ended(tell) {
            return;
        }
        self.unwatched.0.push(handle);
        if self.unwatched.0.len() == 1 {
            // It can be watched, and the handler can be installed: neither ever fails.
            let _ = self.add_signal_watcher(process::CHILD_ENDED, self.handle);
        }
        // It may have ended before anybody watched.
        self.ready.push_child(handle);
    }

    fn unwatch_child(&mut self, handle: Handle, child: &Child) {
        let Some(index) = self.unwatched.0.iter().position(|unwatched| *unwatched == handle) else {
            return child.source().map_or((), |source| self.reactor.unwatch(source));
        };
        self.unwatched.0.swap_remove(index);
        if self.unwatched.0.is_empty() {
            self.unwatch_signal(self.handle);
        }
    }

    /// SIGCHLD came: it may be of any that nothing else tells of.
    pub fn look_at_unwatched(&mut self) {
        for handle in &self.unwatched.0 {
            self.ready.push_child(*handle);
        }
    }

    /// In the child of a fork: the parent's children are its own. Each is found not to be ours, and what a run has still to
    /// read or write is left to the parent.
    pub fn disown_children(&mut self) {
        let mut runs = Vec::new();
        for (handle, entry) in self.table.handles() {
            match &entry.object {
                Object::Process(process) => runs.extend(process.run),
                Object::Orphan(_) => {}
                _ => continue,
            }
            self.ready.push_child(handle);
        }
        for run in runs {
            self.give_up_run(run, Error::ECHILD);
        }
    }

    /// How a child ended, if it has and that is not known yet. It is reaped, unless it leads a group.
    fn look_at_child(&mut self, handle: Handle) -> Option<Result<i64>> {
        match &mut self.table.get_mut(handle).ok()?.object {
            Object::Process(process) if process.ended.is_some() => None,
            Object::Process(process) if process.leads_group => process.child.as_mut()?.try_see(),
            _ => child_in(&mut self.table, handle)?.try_reap(),
        }
    }

    /// A child may have ended: the step that tells of it.
    pub fn process_ready(&mut self, handle: Handle) -> Step {
        let Some(ended) = self.look_at_child(handle) else { return Step::Nothing };
        let Ok(entry) = self.table.get_mut(handle) else { return Step::Nothing };
        let Object::Process(process) = &mut entry.object else {
            if let Some(Entry { object: Object::Orphan(child), .. }) = self.table.remove(handle) {
                self.orphans -= 1;
                self.unwatch_child(handle, &child);
            }
            return Step::Nothing;
        };
        let status = to_code(ended);
        let run = process.run;
        process.ended = Some(status);
        let (child, waiting, on_exit) =
            (process.child.take(), std::mem::take(&mut process.waiting), process.on_exit.take());
        let stays = process.leads_group && ended.is_ok();
        if let Some(child) = child {
            self.unwatch_child(handle, &child);
            if let Some(process) = self.any_process(handle).filter(|_| stays) {
                process.child = Some(child);
            }
        }
        if let Some(run) = run {
            self.run_ended(run, status);
            return Step::Nothing;
        }
        self.set_active(handle, false);
        for future in waiting {
            self.complete(future, status);
        }
        self.step_for(on_exit.unwrap_or(Notify::Nobody), handle, status)
    }
}
