// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is due now: futures to tell of, messages of other threads, completions to hand out.
//!
//! First in, first out. Both ends are counted, so that a close notice can wait for what was queued before it.

use crate::callback::{Call, Notify, UserData};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::future::LineEnd;
use crate::handle::Handle;
use crate::inbox::Message;
use std::collections::VecDeque;

enum Item {
    /// A future that is done (or a `call_soon`, done by being due).
    Future(Handle),
    /// What came from other threads at a time, as one item: a burst may be large, and is not moved again.
    Messages(VecDeque<Message>),
    /// A task that has not begun.
    Task(Handle),
    /// A signal came, for this watcher.
    Signal(Handle),
    /// A stream's write queue crossed a watermark.
    Watermark(Handle, i64),
    /// A stream has bytes, or an end, that its reader has not seen and no event will tell of.
    Receive(Handle),
    /// Something happened to a watched path.
    Watch(Handle),
    /// The owner of a promise is to end what stands behind it.
    Cancelled(Handle),
    /// The same of a socket for datagrams.
    Datagrams(Handle),
    /// A watched descriptor was closed by its owner.
    Lost(Handle),
    /// A child may have ended.
    Child(Handle),
}

/// What the driver is to do next.
pub enum Step {
    Nothing,
    Call(Call),
    /// Tell everybody who waits for this future, up to there.
    Tell(Handle, LineEnd),
    /// Let this task go on.
    Resume(Handle),
    Receive(Handle),
    ReceiveDatagrams(Handle),
}

/// One entry of the queue that `rondel_next` hands out.
#[derive(Clone, Copy)]
pub struct Completion {
    pub source: i64,
    pub result: i64,
    pub data: UserData,
}

/// A queue that grew beyond this many messages in a burst is given back once there are few.
const KEEP: usize = 1 << 16;

#[derive(Default)]
pub struct Ready {
    queue: VecDeque<Item>,
    pushed: u64,
    pub turns_without_poll: u32,
    spare_messages: VecDeque<Message>,
    /// How many messages came the last time.
    burst: usize,
}

impl Ready {
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// How many items were ever queued.
    pub fn pushed(&self) -> u64 {
        self.pushed
    }

    /// How many of them were taken out.
    pub fn popped(&self) -> u64 {
        // More are left than were queued if one came back that never was: none was taken out.
        self.pushed.saturating_sub(self.queue.len() as u64)
    }

    fn push(&mut self, item: Item) {
        self.pushed += 1;
        self.queue.push_back(item);
    }

    pub fn push_future(&mut self, future: Handle) {
        self.push(Item::Future(future));
    }

    /// As if it had not been taken out.
    pub fn put_back_future(&mut self, future: Handle) {
        self.queue.push_front(Item::Future(future));
    }

    pub fn push_task(&mut self, task: Handle) {
        self.push(Item::Task(task));
    }

    pub fn push_signal(&mut self, watcher: Handle) {
        self.push(Item::Signal(watcher));
    }

    pub fn push_messages(&mut self, messages: VecDeque<Message>) {
        self.burst = messages.len();
        if messages.is_empty() {
            self.spare_messages = messages;
        } else {
            self.push(Item::Messages(messages));
        }
    }

    /// An empty queue for messages.
    pub fn spare_messages(&mut self) -> VecDeque<Message> {
        std::mem::take(&mut self.spare_messages)
    }

    /// The next message of the burst that is first in line; with its last one the burst's turn is over.
    fn pop_message(&mut self, left: &mut usize) -> Option<Message> {
        let Some(Item::Messages(messages)) = self.queue.front_mut() else { return None };
        let message = messages.pop_front();
        if messages.is_empty() {
            *left -= 1;
            match self.queue.pop_front() {
                Some(Item::Messages(empty)) if empty.capacity() <= KEEP || self.burst > empty.capacity() / 4 => {
                    self.spare_messages = empty;
                }
                _ => {}
            }
        }
        message
    }

    pub fn push_watermark(&mut self, stream: Handle, above: i64) {
        self.push(Item::Watermark(stream, above));
    }

    pub fn push_lost(&mut self, watch: Handle) {
        self.push(Item::Lost(watch));
    }

    pub fn push_watch(&mut self, watch: Handle) {
        self.push(Item::Watch(watch));
    }

    pub fn push_cancelled(&mut self, promise: Handle) {
        self.push(Item::Cancelled(promise));
    }

    pub fn push_child(&mut self, process: Handle) {
        self.push(Item::Child(process));
    }

    pub fn push_receive(&mut self, stream: Handle) {
        self.push(Item::Receive(stream));
    }

    pub fn push_datagrams(&mut self, udp: Handle) {
        self.push(Item::Datagrams(udp));
    }
}

impl Core {
    /// The next step of what is ready. `left` items are to be taken in this turn, of which this may be one.
    pub fn pop_ready(&mut self, left: &mut usize) -> Step {
        if let Some(message) = self.ready.pop_message(left) {
            return self.take_message(message);
        }
        *left -= 1;
        match self.ready.queue.pop_front() {
            None => Step::Nothing,
            Some(Item::Future(future)) => {
                // A `call_soon` is done by being due; anything else here is done already.
                self.complete_now(future, 0)
            }
            Some(Item::Signal(watcher)) => self.signal_step(watcher),
            Some(Item::Task(task)) => Step::Resume(task),
            Some(Item::Watermark(stream, above)) => self.watermark_step(stream, above),
            Some(Item::Receive(stream)) => Step::Receive(stream),
            Some(Item::Watch(watch)) => self.watch_step(watch),
            Some(Item::Cancelled(promise)) => self.cancel_step(promise),
            Some(Item::Datagrams(udp)) => Step::ReceiveDatagrams(udp),
            Some(Item::Lost(watch)) => self.fd_lost_step(watch),
            Some(Item::Messages(_)) => Step::Nothing,
            Some(Item::Child(process)) => self.process_ready(process),
        }
    }

    fn take_message(&mut self, message: Message) -> Step {
        match message {
            Message::Call(callback) => {
                let result = if self.freeing { Error::ECANCELED.code() } else { 0 };
                return self.step_for(Notify::Call(callback), self.handle, result);
            }
            Message::Enqueue(data) => return self.step_for(Notify::Enqueue(data), self.handle, 0),
            // The handle may be gone by now: whoever sent this from another thread could not know.
            Message::Close(handle) => {
                let _ = self.close(handle);
            }
            Message::Release(future) => {
                let _ = self.release(future);
            }
            Message::Settle(future, result) => {
                let _ = self.settle(future, result);
            }
            Message::Spawn(handle, function, arg) => self.spawn_at(handle, function, arg),
            Message::Stop => self.stop = true,
            Message::Done(future, result) => return self.work_done(future, result),
            Message::Apply(apply) => apply(self),
        }
        Step::Nothing
    }

    /// The step that tells a handle's owner something: a call, or an entry in the completion queue.
    pub fn step_for(&mut self, notify: Notify, source: Handle, result: i64) -> Step {
        match notify {
            Notify::Call(callback) => Step::Call(Call { callback, source: source.number(), result }),
            Notify::Enqueue(data) => {
                // It fails only for a source that is gone, and this one is just telling.
                let _ = self.enqueue(source, result, data);
                Step::Nothing
            }
            Notify::Nobody | Notify::Keep => Step::Nothing,
        }
    }

    /// Puts something into the queue that `rondel_next` hands out. A future lives until it was handed out and more is
    /// asked for.
    pub fn enqueue(&mut self, source: Handle, result: i64, data: UserData) -> Result<()> {
        if self.table.get(source)?.is_future() {
            self.retain(source)?;
        }
        self.completions.push_back(Completion { source: source.number(), result, data });
        Ok(())
    }

    /// Lets go of the futures that were handed out last.
    pub fn take_back(&mut self) -> Result<()> {
        if self.running {
            return Err(Error::EBUSY);
        }
        for future in std::mem::take(&mut self.handed_out) {
            let _ = self.release(future);
        }
        Ok(())
    }

    /// Hands out up to `capacity` completions.
    pub fn hand_out(&mut self, mut give: impl FnMut(Completion), capacity: usize) -> i64 {
        let count = capacity.min(self.completions.len());
        let Core { table, handed_out, completions, .. } = self;
        for completion in completions.drain(..count) {
            let source = Handle::from_caller(completion.source);
            handed_out.extend(source.ok().filter(|source| table.get(*source).is_ok_and(|entry| entry.is_future())));
            give(completion);
        }
        count as i64
    }
}
