// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files: system calls that block, on the pool, as futures.
//!
//! Operations of one file run side by side, but those whose place in the file depends on the ones before (at the file's
//! own position, or at its end) run one after the other, in the order of their starts. A file that is being closed
//! stays open until the last operation has come back; then the pool closes it, and only then its close notice is due.

pub mod copy;
pub mod folder;
pub mod handing;
pub mod opening;
pub mod outcome;
pub mod transfer;
pub mod whole;

use crate::callback::Notify;
use crate::core::Core;
use crate::dump::count;
use crate::error::{Error, Result};
use crate::future::Op;
use crate::handle::Handle;
use crate::inbox::Message;
use crate::lifecycle::{Kind, Object};
use crate::pool::{self, Job, Lane};
use crate::sys::file::OpenFile;
use outcome::{Found, Made, Outcome};
use std::collections::VecDeque;
use std::sync::{Arc, Weak};

pub struct File {
    /// Whoever works on it right now holds it too, and nobody else.
    open: Option<Arc<OpenFile>>,
    appends: bool,
    /// How many operations are not complete.
    pending: usize,
    /// Those that the pool has, and some that are complete: they go when there are as many as this.
    begun: Vec<Handle>,
    most_begun: usize,
    /// The one whose turn it is, of those that run in order.
    turn: Option<Handle>,
    line: VecDeque<(Handle, Work)>,
    /// How many in line were given up since. They are passed over when their turn comes, or go when they are the most.
    given_up: usize,
    closing: Option<Closing>,
}

type Work = Box<dyn FnOnce(&OpenFile) -> Result<Outcome> + Send>;

/// So many that begun ones are rarely looked through for those that are complete.
const FEW_BEGUN: usize = 16;

/// What completes when a file has been closed.
enum Closing {
    Tell(Handle),
    /// The loop is on its way out and takes nothing new.
    Nobody,
}

/// Whether an operation may run beside others on the same file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Any,
    AfterThoseBefore,
}

impl File {
    /// The open file, for somebody who may have it longer than this.
    pub fn shared(&self) -> Option<Arc<OpenFile>> {
        self.open.clone()
    }

    fn new(open: OpenFile) -> File {
        let appends = open.appends();
        File {
            open: Some(Arc::new(open)),
            appends,
            pending: 0,
            begun: Vec::new(),
            most_begun: FEW_BEGUN,
            turn: None,
            line: VecDeque::new(),
            given_up: 0,
            closing: None,
        }
    }

    /// In words.
    pub fn doing(&self) -> String {
        format!("{}, descriptor {}", count(self.pending, "operation", "operations"), self.raw())
    }

    pub fn is_busy(&self) -> bool {
        self.pending > 0
    }

    /// The system's number of it.
    pub fn raw(&self) -> i64 {
        self.open.as_ref().map_or(Error::EGONE.code(), |open| open.raw())
    }

    /// Whether it is the file behind this descriptor.
    pub fn has(&self, descriptor: i64) -> bool {
        self.open.as_ref().is_some_and(|open| open.raw() == descriptor)
    }

    /// How reads (or writes) at `offset` are to run; `None` is the file's own position.
    pub fn order(&self, offset: Option<u64>, writes: bool) -> Order {
        if offset.is_none() || (writes && self.appends) { Order::AfterThoseBefore } else { Order::Any }
    }
}

/// Files' way to the pool: whatever `run` gives is brought to the loop, unless the job is given up before.
fn submit(core: &Core, future: Handle, run: impl FnOnce() -> Result<Outcome> + Send + 'static) -> Result<Arc<Job>> {
    pool::submit(Lane::Files, job(core, future, run))
}

/// As `submit`, of what must be done, be it on the loop's own thread.
fn submit_or_run(core: &Core, future: Handle, run: impl FnOnce() -> Result<Outcome> + Send + 'static) -> Arc<Job> {
    pool::submit_or_run(Lane::Files, job(core, future, run))
}

fn job(
    core: &Core,
    future: Handle,
    run: impl FnOnce() -> Result<Outcome> + Send + 'static,
) -> impl FnOnce() + Send + 'static {
    let inbox = core.inbox();
    move || {
        let result = match run() {
            Ok(Outcome { result, found: Found::Nothing, .. }) => result,
            Err(error) => error.code(),
            Ok(Outcome { found, made: Some(made), .. }) if pool::is_unwanted() == Some(true) => {
                drop(found);
                made.remove();
                Error::ECANCELED.code()
            }
            Ok(outcome) => {
                // The loop waits for what runs before it goes, so it is there.
                let bring = Box::new(move |core: &mut Core| core.bring(future, outcome));
                let _ = inbox.post_from_worker(Message::Apply(bring));
                return;
            }
        };
        let _ = inbox.post_from_worker(Message::Done(future, result));
    }
}

impl Core {
    /// An operation that has nothing to do with an open file.
    pub fn on_path<T: Into<Outcome>>(
        &mut self,
        notify: Notify,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<Handle> {
        let future = self.insert_future(Op::Over, self.handle, notify)?;
        match submit(self, future, move || work().map(T::into)) {
            Ok(job) => {
                self.future_mut(future)?.op = Op::Work(job);
                Ok(future)
            }
            Err(error) => {
                self.withdraw_future(future);
                Err(error)
            }
        }
    }

    /// As `on_path`, for work whose outcome is a file.
    pub fn open_on_path(
        &mut self,
        notify: Notify,
        work: impl FnOnce() -> Result<Outcome> + Send + 'static,
    ) -> Result<Handle> {
        let future = self.on_path(notify, work)?;
        self.future_mut(future)?.gives_handle = true;
        Ok(future)
    }

    /// An operation on an open file.
    pub fn on_file<T: Into<Outcome>>(
        &mut self,
        handle: Handle,
        order: Order,
        notify: Notify,
        work: impl FnOnce(&OpenFile) -> Result<T> + Send + 'static,
    ) -> Result<Handle> {
        self.file_mut(handle)?;
        let future = self.insert_future(Op::OnFile(None), handle, notify)?;
        let file = self.file_mut(handle)?;
        if order == Order::AfterThoseBefore {
            if file.turn.is_some() {
                file.pending += 1;
                file.line.push_back((future, Box::new(move |open: &OpenFile| work(open).map(T::into))));
                return Ok(future);
            }
            file.turn = Some(future);
        }
        let open = file.open.as_ref().map(Arc::downgrade).unwrap_or_default();
        match submit(self, future, move || with_open(open, work).map(T::into)) {
            Ok(job) => {
                self.file_mut(handle)?.pending += 1;
                self.note_begun(handle, future, job);
                Ok(future)
            }
            Err(error) => {
                let file = self.file_mut(handle)?;
                file.turn = file.turn.filter(|turn| *turn != future);
                self.withdraw_future(future);
                Err(error)
            }
        }
    }

    /// Takes over a caller's open file. On failure it stays the caller's.
    pub fn open_file(&mut self, descriptor: i64) -> Result<Handle> {
        self.make_room()?;
        self.check_descriptor_free(descriptor)?;
        let file = File::new(OpenFile::adopt(descriptor)?);
        self.insert(Kind::File, Object::File(Box::new(file)))
    }

    pub fn file_mut(&mut self, handle: Handle) -> Result<&mut File> {
        match &mut self.open_entry(handle)?.object {
            Object::File(file) => Ok(file),
            _ => Err(Error::EKIND),
        }
    }

    /// Also one that is being closed.
    fn any_file(&mut self, handle: Handle) -> Option<&mut File> {
        match &mut self.table.get_mut(handle).ok()?.object {
            Object::File(file) => Some(file),
            _ => None,
        }
    }

    /// An operation came back with more than a number.
    fn bring(&mut self, future: Handle, outcome: Outcome) {
        let Outcome { mut result, found, made } = outcome;
        let Ok(state) = self.future_mut(future) else { return };
        if !state.is_pending() {
            return;
        }
        // What was given up needs nothing of what was found.
        if state.given_up.is_some() {
            drop(found);
            return self.unmake(future, result, made);
        }
        let (open, kept) = match found {
            Found::Nothing => (None, None),
            Found::Bytes(bytes) => (None, Some(Op::Bytes(bytes))),
            Found::Entries(entries) => (None, Some(Op::Entries(entries))),
            Found::Interfaces(interfaces) => (None, Some(Op::Interfaces(interfaces))),
            Found::File(open, path) => (Some(open), path.map(Op::Bytes)),
        };
        if let Some(open) = open {
            match self.insert(Kind::File, Object::File(Box::new(File::new(open)))) {
                Ok(opened) => result = opened.number(),
                Err(error) => {
                    if let Ok(state) = self.future_mut(future) {
                        state.given_up = Some(error);
                    }
                    return self.unmake(future, error.code(), made);
                }
            }
        }
        if let (Some(kept), Ok(state)) = (kept, self.future_mut(future)) {
            state.op = kept;
        }
        self.complete_on_file(future, result);
    }

    /// Completes an operation that is given up, once what it has made is gone again.
    fn unmake(&mut self, future: Handle, result: i64, made: Option<Made>) {
        let Some(made) = made.filter(Made::is_ours) else { return self.complete_on_file(future, result) };
        let job = submit_or_run(self, future, move || {
            made.remove();
            Ok(result.into())
        });
        if let Ok(state) = self.future_mut(future) {
            state.op = Op::Work(job);
        }
    }

    /// Completes an operation, and lets the file it was on go on.
    pub fn complete_on_file(&mut self, future: Handle, result: i64) {
        let origin = self.future_mut(future).map(|future| future.origin);
        self.complete(future, result);
        if let Ok(origin) = origin {
            self.leave_file(origin, future);
        }
    }

    fn leave_file(&mut self, handle: Handle, future: Handle) {
        let Some(file) = self.any_file(handle) else { return };
        file.pending -= 1;
        if file.turn == Some(future) {
            file.turn = None;
            self.begin_next_in_line(handle);
        }
        self.close_if_left(handle);
    }

    /// Whether it waits for its turn on a file.
    fn is_in_line(&self, future: Handle) -> bool {
        matches!(self.table.get(future).map(|entry| &entry.object),
            Ok(Object::Future(state)) if state.is_pending() && matches!(state.op, Op::OnFile(None)))
    }

    /// Whether the pool has it, as far as the loop knows.
    fn has_begun(&self, future: Handle) -> bool {
        matches!(self.table.get(future).map(|entry| &entry.object),
            Ok(Object::Future(state)) if state.is_pending() && matches!(state.op, Op::OnFile(Some(_))))
    }

    /// The pool has got an operation on a file.
    fn note_begun(&mut self, handle: Handle, future: Handle, job: Arc<Job>) {
        if let Ok(state) = self.future_mut(future) {
            state.op = Op::OnFile(Some(job));
        }
        let Some(file) = self.any_file(handle) else { return };
        file.begun.push(future);
        if file.begun.len() >= file.most_begun {
            let mut begun = std::mem::take(&mut file.begun);
            begun.retain(|begun| self.has_begun(*begun));
            if let Some(file) = self.any_file(handle) {
                file.most_begun = FEW_BEGUN.max(2 * begun.len());
                file.begun = begun;
            }
        }
    }

    fn begin_next_in_line(&mut self, handle: Handle) {
        loop {
            let Some(file) = self.any_file(handle) else { return };
            let Some((next, work)) = file.line.pop_front() else { return };
            let open = file.open.as_ref().map(Arc::downgrade).unwrap_or_default();
            if !self.is_in_line(next) {
                if let Some(file) = self.any_file(handle) {
                    file.given_up -= 1;
                }
                continue;
            }
            let submitted = submit(self, next, move || with_open(open, work));
            let Some(file) = self.any_file(handle) else { return };
            match submitted {
                Ok(job) => {
                    file.turn = Some(next);
                    return self.note_begun(handle, next, job);
                }
                // The rest of the line may be long, and fare no better.
                Err(error) => {
                    file.pending -= 1;
                    self.complete(next, error.code());
                }
            }
        }
    }

    /// One that had not begun is about to be given up.
    pub fn cancel_on_file(&mut self, handle: Handle, future: Handle) {
        if !self.is_in_line(future) {
            return;
        }
        let Some(file) = self.any_file(handle) else { return };
        file.given_up += 1;
        if file.given_up * 2 > file.line.len() {
            let mut line = std::mem::take(&mut file.line);
            line.retain(|row| row.0 != future && self.is_in_line(row.0));
            if let Some(file) = self.any_file(handle) {
                (file.line, file.given_up) = (line, 0);
            }
        }
    }

    /// Closes a file once everything that was started on it is done.
    pub fn close_file_when_done(&mut self, handle: Handle, notify: Notify) -> Result<Handle> {
        self.file_mut(handle)?;
        let closer = self.insert_future(Op::Closing, handle, notify)?;
        self.begin_to_close(handle, Closing::Tell(closer));
        Ok(closer)
    }

    /// Cancels what is pending on a file and closes it. What runs already comes back first.
    pub fn close_file(&mut self, handle: Handle) {
        let closer = self.insert_future(Op::Closing, handle, Notify::Nobody);
        self.cancel_all_on_file(handle);
        self.begin_to_close(handle, closer.map_or(Closing::Nobody, Closing::Tell));
    }

    fn cancel_all_on_file(&mut self, handle: Handle) {
        let Some(file) = self.any_file(handle) else { return };
        if file.pending == 0 {
            return;
        }
        // Those in line first, lest one begins because the one before it ends. Some are cancelled already.
        let mut pending: Vec<Handle> = file.line.iter().map(|row| row.0).collect();
        pending.append(&mut file.begun);
        for future in pending {
            let _ = self.cancel(future, Error::ECANCELED);
        }
    }

    fn begin_to_close(&mut self, handle: Handle, closing: Closing) {
        if let Ok(entry) = self.table.get_mut(handle) {
            entry.closing = true;
        }
        if let Some(file) = self.any_file(handle) {
            file.closing = Some(closing);
        }
        self.close_if_left(handle);
    }

    fn close_if_left(&mut self, handle: Handle) {
        let Some(file) = self.any_file(handle) else { return };
        if file.pending > 0 || file.closing.is_none() {
            return;
        }
        // In a child after a fork somebody who is not there may hold it too: then it stays open.
        let open = file.open.take().and_then(Arc::into_inner);
        match file.closing.take() {
            Some(Closing::Tell(closer)) => {
                let close = move || Ok(open.map_or(Ok(()), OpenFile::close)?.into());
                submit_or_run(self, closer, close);
            }
            Some(Closing::Nobody) | None => {
                drop(open);
                self.retire(handle);
            }
        }
    }

    fn file_closed(&mut self, closer: Handle, result: i64) {
        let file = self.future_mut(closer).map(|closer| closer.origin);
        self.complete(closer, result);
        if let Ok(file) = file {
            self.retire(file);
        }
    }

    /// What followed a file operation that is complete: `was` is what its future stood for until then.
    pub fn after_on_file(&mut self, was: Was, file: Handle, future: Handle) {
        match was {
            Was::OnFile => self.leave_file(file, future),
            Was::Closing => self.retire(file),
            Was::Else => {}
        }
    }

    /// In a child after a fork, where nobody works any more for what is pending.
    pub fn forget_file_work(&mut self, future: Handle) {
        let Ok(state) = self.future_mut(future) else { return };
        let (closes, file) = (matches!(state.op, Op::Closing), state.origin);
        if !closes {
            self.complete_on_file(future, Error::ECANCELED.code());
        } else if self.any_file(file).is_some_and(|file| file.open.is_none()) {
            self.file_closed(future, Error::ECANCELED.code());
        }
    }
}

/// What a future stands for, as far as files are concerned.
#[derive(Clone, Copy)]
pub enum Was {
    OnFile,
    Closing,
    Else,
}

impl Op {
    pub fn on_file(&self) -> Was {
        match self {
            Op::OnFile(_) => Was::OnFile,
            Op::Closing => Was::Closing,
            _ => Was::Else,
        }
    }
}

/// Does the work, and lets go of the file before anybody hears of the outcome.
fn with_open<T>(open: Weak<OpenFile>, work: impl FnOnce(&OpenFile) -> Result<T>) -> Result<T> {
    work(&*open.upgrade().ok_or(Error::EGONE)?)
}
