// SPDX-License-Identifier: MIT OR Apache-2.0
//! Futures: what every one-shot operation is while it goes on, and its result after that.
//!
//! A future completes exactly once, and then tells everybody who waits for it, in a later step of the loop. It is freed
//! when it is done, has told, and nobody holds it. Cancelling asks the operation behind it to end; each noun knows
//! how to end its own.

mod cancel;
mod circles;
mod tell;
mod waiters;

pub use cancel::Cancels;
pub use waiters::{Awaited, LineEnd, Waiter};

use crate::callback::Notify;
use crate::combine::Whole;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::file::outcome::{Bytes, Entry as FolderEntry};
use crate::handle::Handle;
use crate::lifecycle::{Entry, Kind, Object};
use crate::net::connect::Connecting;
use crate::net::local;
use crate::pool::Job;
use crate::process_run::Run;
use crate::ready::Step;
use crate::sync::Claim;
use crate::sync::queue::Rank;
use crate::sys::Found;
use crate::sys::interface_types::Interface;
use crate::task::Task;
use crate::timers::TimerId;
use cancel::NO_ROUND;
use std::sync::Arc;
use waiters::Waiters;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum State {
    Pending = 0,
    Running = 1,
    Done = 2,
    Cancelled = 3,
}

/// The operation that a pending future stands for: what cancelling it has to end.
pub enum Op {
    /// A promise, completed by its owner.
    Promise,
    /// A promise that its owner completes also when it is cancelled, once what stands behind it has ended.
    Foreign(Notify),
    /// Done when its turn in the ready queue comes.
    Soon,
    Later(TimerId),
    Accept,
    Read,
    Write,
    /// A datagram, with the number that it has if it waits.
    Send(u32),
    /// A batch of datagrams: how many are left, how many were sent, the first error, and the number of the first one that
    /// had to wait.
    Sends {
        left: u32,
        sent: u32,
        error: Option<Error>,
        first: Option<u32>,
    },
    /// One datagram; the number that it has among those who wait for one.
    Receive(u32),
    Shutdown,
    /// The end of a process, which is the origin.
    Exit,
    /// A signal, of this number.
    Signal(i32),
    /// A command that is run to its end.
    Run(Box<Run>),
    /// One that was: its output and error.
    Ran(Box<[Bytes; 2]>),
    Connect(Box<Connecting>),
    ConnectLocal(Box<local::Connecting>),
    Work(Arc<Job>),
    LookUp(Arc<Job>),
    /// On the pool, or waiting for its turn on the file, which is the origin.
    OnFile(Option<Arc<Job>>),
    /// The end of the file that is the origin.
    Closing,
    Task(Box<Task>),
    /// Several futures, waited for as one.
    Whole(Box<Whole>),
    /// Another future, which goes on when this one is cancelled.
    Shield(Awaited),
    /// A shield that is done with a value which has to go back if nobody hears of it: the future whose it is, held.
    Shielded(Handle),
    /// The end of a group's last child; the group is the origin.
    Join,
    /// The next position of an iterator, which is the origin.
    Next,
    /// Done when its turn comes.
    InLine(Claim),
    /// A get that is done: the place that its item had in the queue.
    Got(Rank),
    /// A look-up that is done: what it found.
    Found(Box<Found>),
    /// Done: bytes that belong to the result.
    Bytes(Bytes),
    /// A look into a folder that is done: the names in it.
    Entries(Box<[FolderEntry]>),
    /// A look at the interfaces that is done: they.
    Interfaces(Box<[Interface]>),
    /// Nothing to end any more.
    Over,
}

pub struct Future {
    state: State,
    /// Queued to tell those who wait.
    queued: bool,
    /// Everybody was told, or nobody waited.
    told: bool,
    /// The task that awaits it, and nobody else, is queued itself to go on.
    woke: bool,
    /// Somebody has heard of the result.
    seen: bool,
    /// Nobody need hear of its error.
    dismissed: bool,
    pub was_task: bool,
    /// Its value is a handle, to be closed if nobody ever asks for it.
    pub gives_handle: bool,
    notify: Notify,
    holders: u32,
    result: i64,
    /// What the operation works on: a stream, a listener, the loop.
    pub origin: Handle,
    pub op: Op,
    pub deadline: Option<TimerId>,
    /// Why it is being ended although its operation cannot be stopped: the result it will have.
    pub given_up: Option<Error>,
    /// In which round of `Cancels` it was cancelled last.
    cancelled_in: u32,
    waiters: Waiters,
}

impl Future {
    #[inline(always)]
    pub fn new(op: Op, origin: Handle, notify: Notify) -> Future {
        let holders = u32::from(matches!(notify, Notify::Keep));
        Future {
            state: State::Pending,
            queued: false,
            told: false,
            woke: false,
            seen: false,
            was_task: matches!(op, Op::Task(_)),
            dismissed: matches!(notify, Notify::Nobody),
            gives_handle: false,
            notify,
            holders,
            result: 0,
            origin,
            op,
            deadline: None,
            given_up: None,
            cancelled_in: NO_ROUND,
            waiters: Waiters::None,
        }
    }

    pub fn is_pending(&self) -> bool {
        matches!(self.state, State::Pending | State::Running)
    }

    /// Its function runs from now on.
    pub fn begin(&mut self) {
        self.state = State::Running;
    }

    pub fn state(&self) -> State {
        self.state
    }

    /// The result, for something that only wants to know that it is there.
    pub fn result(&self) -> Result<i64> {
        if self.is_pending() { Err(Error::EAGAIN) } else { Ok(self.result) }
    }

    /// The result, for somebody who wants to know it.
    pub fn look(&mut self) -> Result<i64> {
        self.seen |= !self.is_pending();
        self.result()
    }

    /// Its error need not be reported, whether or not anybody looks at it.
    pub fn dismiss_error(&mut self) {
        self.dismissed = true;
    }

    /// The error with which it failed, if nobody has looked at it who should have.
    pub fn unseen_error(&self) -> Option<i64> {
        let unseen = self.state == State::Done && self.result < 0 && !self.seen && !self.dismissed;
        unseen.then_some(self.result)
    }

    /// A promise is somebody else's to keep, a turn in a line comes by somebody else's leave, and what waits for other
    /// futures is alive as far as they are; everything else goes on in the loop.
    pub fn keeps_loop_alive(&self) -> bool {
        !matches!(
            self.op,
            Op::Promise | Op::Foreign(_) | Op::InLine(_) | Op::Whole(_) | Op::Shield(_) | Op::Join | Op::Next
        )
    }

    /// Whether it ends by the end of other futures only, or by its owner's call.
    fn waits_for_others(&self) -> bool {
        matches!(self.op, Op::Foreign(_) | Op::Task(_) | Op::Whole(_) | Op::Shield(_) | Op::Join | Op::Next)
    }

    pub fn is_held(&self) -> bool {
        self.holders > 0
    }

    /// The future, `this` or one that it shields, that has to give back the value if nobody hears of it.
    pub fn owner_of_value(&self, this: Handle) -> Option<Handle> {
        match self.op {
            _ if self.seen || self.result < 0 => None,
            Op::Shielded(owner) => Some(owner),
            Op::Got(_) => Some(this),
            _ => self.gives_handle.then_some(this),
        }
    }

    /// Whether anybody will ever hear of its result.
    pub fn is_awaited(&self) -> bool {
        self.holders > 0 || self.has_to_tell()
    }

    /// Whether it is done, has told, and nothing would have to be dropped with it.
    #[inline]
    fn is_spent(&self) -> bool {
        self.told && matches!(self.op, Op::Over | Op::Got(_)) && matches!(self.waiters, Waiters::None)
    }

    /// Whether it is of an operation that owns nothing, and nobody will hear of its end.
    #[inline]
    fn is_unheard(&self) -> bool {
        matches!((&self.op, self.notify), (Op::Write | Op::Send(_), Notify::Nobody))
            && self.holders == 0
            && matches!(self.waiters, Waiters::None)
            && self.deadline.is_none()
    }

    /// The task to go on, if it is all there is to tell: it holds the future and awaits it, as is nearly always so.
    #[inline]
    fn wake(&mut self) -> Option<Handle> {
        if !matches!(self.notify, Notify::Keep) {
            return None;
        }
        let task = self.waiters.pop_only_task()?;
        self.queued = true;
        self.woke = true;
        Some(task)
    }

    fn has_to_tell(&self) -> bool {
        self.tells_starter() || !self.waiters.is_empty()
    }

    #[inline]
    fn tells_starter(&self) -> bool {
        matches!(self.notify, Notify::Call(_) | Notify::Enqueue(_))
    }

    /// Up to where those who wait are told, as this begins.
    #[inline]
    fn line_end(&mut self) -> LineEnd {
        self.waiters.end(self.tells_starter())
    }
}

impl Core {
    #[inline]
    pub fn future_mut(&mut self, handle: Handle) -> Result<&mut Future> {
        match &mut self.open_entry(handle)?.object {
            Object::Future(future) => Ok(future),
            _ => Err(Error::EKIND),
        }
    }

    pub fn is_pending(&self, handle: Handle) -> bool {
        matches!(self.table.get(handle).map(|entry| &entry.object), Ok(Object::Future(future)) if future.is_pending())
    }

    /// A promise: a future whose owner sets the result.
    pub fn new_promise(&mut self) -> Result<Handle> {
        self.insert_future(Op::Promise, self.handle, Notify::Keep)
    }

    pub fn insert_future(&mut self, op: Op, origin: Handle, notify: Notify) -> Result<Handle> {
        self.make_room()?;
        let future = Future::new(op, origin, notify);
        let active = future.keeps_loop_alive();
        let made = self.made_now();
        let handle = self.table.place(Entry::new(Kind::Future, Object::Future(future), made));
        if active {
            self.set_active(handle, true);
        }
        Ok(handle)
    }

    /// A future that is done from the start.
    #[inline(always)]
    pub fn insert_done(&mut self, op: Op, origin: Handle, notify: Notify, result: i64) -> Result<Handle> {
        self.make_room()?;
        if matches!(notify, Notify::Nobody) {
            return Ok(self.table.spend());
        }
        let future = Future::new(op, origin, notify);
        let tells = future.has_to_tell();
        let future = Future { state: State::Done, result, queued: tells, told: !tells, ..future };
        let made = self.made_now();
        let handle = self.table.place(Entry::new(Kind::Future, Object::Future(future), made));
        if tells {
            self.ready.push_future(handle);
        }
        Ok(handle)
    }

    pub fn call_soon(&mut self, notify: Notify) -> Result<Handle> {
        let handle = self.insert_future(Op::Soon, self.handle, notify)?;
        self.future_mut(handle)?.queued = true;
        self.ready.push_future(handle);
        Ok(handle)
    }

    /// `when` is a time of the monotonic clock. One that has gone by lines up behind what is due already: ahead of it, a
    /// callback that starts the next such call each time would keep everything else from its turn.
    pub fn call_at(&mut self, when: i64, notify: Notify) -> Result<Handle> {
        let handle = self.insert_future(Op::Over, self.handle, notify)?;
        let deadline = self.timers.insert(when.max(self.now), handle);
        self.future_mut(handle)?.op = Op::Later(deadline);
        Ok(handle)
    }

    fn free_if_unused(&mut self, handle: Handle) {
        let Ok(future) = self.future_mut(handle) else { return };
        if !future.told || future.holders > 0 {
            return;
        }
        let (result, seen, gives_handle) = (future.result, future.seen, future.gives_handle);
        let error = future.unseen_error();
        let shielded = match future.op {
            Op::Shielded(owner) => Some(owner),
            _ => None,
        };
        let unclaimed = match future.op {
            Op::Got(rank) if !seen => Some((future.origin, rank)),
            _ => None,
        };
        if let (true, Some(error)) = (self.debug.on, error) {
            self.report_unseen(handle, error);
        }
        let spent = self.table.forget_if(handle, |entry| entry.plain_future().is_some_and(Future::is_spent));
        if !spent {
            self.table.discard(handle);
        }
        if let (true, false, Ok(unclaimed)) = (gives_handle, seen, Handle::from_caller(result)) {
            let _ = self.close(unclaimed);
        }
        if let Some((queue, rank)) = unclaimed {
            self.give_back(queue, rank, result);
        }
        if let Some(owner) = shielded {
            self.let_go_of_shielded(owner, seen);
        }
    }

    /// A shield of it is gone. What was heard there need not go back.
    #[cold]
    fn let_go_of_shielded(&mut self, owner: Handle, seen: bool) {
        if let (true, Ok(future)) = (seen, self.future_mut(owner)) {
            future.seen = true;
        }
        let _ = self.release(owner);
    }

    pub fn retain(&mut self, handle: Handle) -> Result<()> {
        let future = self.future_mut(handle)?;
        future.holders = future.holders.checked_add(1).ok_or(Error::EOVERFLOW)?;
        Ok(())
    }

    pub fn release(&mut self, handle: Handle) -> Result<()> {
        let future = self.future_mut(handle)?;
        future.holders = future.holders.checked_sub(1).ok_or(Error::ESTATE)?;
        self.free_if_forgotten(handle);
        Ok(())
    }

    fn free_if_forgotten(&mut self, handle: Handle) {
        let Ok(future) = self.future_mut(handle) else { return };
        // A promise that nobody holds or waits for can never be heard of.
        if future.holders == 0 && matches!(future.op, Op::Promise) && future.waiters.is_empty() {
            self.finish(handle, Error::ECANCELED.code());
            self.table.discard(handle);
        } else {
            self.free_if_unused(handle);
        }
    }

    /// The result of a future that is done, which is let go with it; nobody need hold it. `EAGAIN` while it is pending.
    #[inline(always)]
    pub fn take_result(&mut self, handle: Handle) -> Result<i64> {
        let mut result = 0;
        let taken = self.table.forget_if(handle, |entry| {
            let spent = entry.plain_future().filter(|future| future.holders == 1 && future.is_spent());
            result = spent.map_or(0, |future| future.result);
            spent.is_some()
        });
        if taken {
            return Ok(result);
        }
        let future = self.future_mut(handle)?;
        let result = future.look()?;
        if future.holders > 1 {
            future.holders -= 1;
            return Ok(result);
        }
        if self.release(handle) == Err(Error::ESTATE) {
            self.free_if_unused(handle);
        }
        Ok(result)
    }

    /// Closing a future: it is let go and cancelled, in this order, so that what it gets for being cancelled is not kept
    /// for somebody who will not look at it.
    pub fn close_future(&mut self, handle: Handle) -> Result<()> {
        let released = self.release(handle);
        if self.is_pending(handle) {
            let _ = self.cancel(handle, Error::ECANCELED);
        }
        match released {
            // Nobody held it: it frees itself once it has told.
            Err(Error::ESTATE) => Ok(()),
            result => result,
        }
    }

    /// Sets a promise: a value, or a negative code.
    pub fn settle(&mut self, handle: Handle, result: i64) -> Result<()> {
        let future = self.future_mut(handle)?;
        if !future.is_pending() {
            return Err(Error::ESTATE);
        }
        if !matches!(future.op, Op::Promise | Op::Foreign(_)) {
            return Err(Error::EKIND);
        }
        self.complete(handle, result);
        Ok(())
    }

    /// The owner of a promise wants to hear of its being cancelled, and to complete it then.
    pub fn on_cancel(&mut self, handle: Handle, notify: Notify) -> Result<()> {
        let future = self.future_mut(handle)?;
        match future.op {
            Op::Promise => future.op = Op::Foreign(notify),
            Op::Foreign(_) => return Err(Error::EALREADY),
            _ if !future.is_pending() => return Err(Error::ESTATE),
            _ => return Err(Error::EKIND),
        }
        Ok(())
    }

    /// The step that tells the owner of a promise that it was cancelled, unless it is done by now.
    pub fn cancel_step(&mut self, handle: Handle) -> Step {
        match self.future_mut(handle) {
            Ok(Future { op: Op::Foreign(notify), given_up: Some(reason), .. }) => {
                let (notify, reason) = (*notify, reason.code());
                self.step_for(notify, handle, reason)
            }
            _ => Step::Nothing,
        }
    }
}
