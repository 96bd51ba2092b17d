// SPDX-License-Identifier: MIT OR Apache-2.0
//! What other threads send to a loop, and the wake-up.
//!
//! A queue behind a lock, swapped out whole; the loop is woken only when it turns from empty to non-empty. Nothing
//! is coalesced and the order of each thread is kept.

use crate::callback::{Callback, UserData, WorkFunction};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::handle::{HIGH_SLOTS, Handle};
use crate::reactor::Waker;
use crate::sys::forks;
use crate::sys::published::Published;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub enum Message {
    Call(Callback),
    /// A completion for the queue that `rondel_next` hands out.
    Enqueue(UserData),
    Close(Handle),
    Release(Handle),
    /// A promise is to get its result.
    Settle(Handle, i64),
    /// A task, and the handle that its spawner got for it.
    Spawn(Handle, WorkFunction, UserData),
    Stop,
    /// Work of the pool is done, with this result.
    Done(Handle, i64),
    /// Work done elsewhere brings more than a number.
    Apply(Box<dyn FnOnce(&mut Core) + Send>),
}

/// Who may still post.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Nobody,
    /// The loop is being freed and waits for work that runs.
    Workers,
    Everybody,
}

struct State {
    open: Open,
    messages: VecDeque<Message>,
    /// A task is spawned by one of them.
    spawns: bool,
    /// Handles for tasks that other threads spawn: some that were used before, and how many were ever given out.
    handles: Vec<Handle>,
    given: u32,
}

pub struct Inbox {
    state: Mutex<State>,
    filled: AtomicBool,
    /// Somebody wants the loop's wait to end, whether there are messages or not.
    wanted: AtomicBool,
    waker: Published<Waker>,
    /// A bit for each signal that the loop watches, and for each that has come.
    signals_wanted: AtomicU64,
    signals_came: AtomicU64,
    /// The handle of the loop that listens; 0: none.
    listener: AtomicI64,
    /// Which process it is for, in the way of `forks`.
    process: AtomicU32,
}

/// Keeps everybody from posting, as long as it is held.
pub struct Hold(#[allow(dead_code)] MutexGuard<'static, State>);

impl Inbox {
    pub const fn new() -> Inbox {
        Inbox {
            state: Mutex::new(State {
                open: Open::Nobody,
                messages: VecDeque::new(),
                spawns: false,
                handles: Vec::new(),
                given: 0,
            }),
            filled: AtomicBool::new(false),
            wanted: AtomicBool::new(false),
            waker: Published::new(),
            signals_wanted: AtomicU64::new(0),
            signals_came: AtomicU64::new(0),
            listener: AtomicI64::new(0),
            process: AtomicU32::new(0),
        }
    }

    pub fn open(&self, listener: Handle, waker: Waker) {
        self.process.store(forks::count(), Ordering::SeqCst);
        self.waker.publish(waker);
        self.listener.store(listener.number(), Ordering::SeqCst);
        self.lock().open = Open::Everybody;
    }

    /// Whether it is another process's, of which this one has a copy.
    #[inline]
    pub fn is_foreign(&self) -> bool {
        self.process.load(Ordering::Relaxed) != forks::count()
    }

    pub fn hold(&'static self) -> Hold {
        Hold(self.lock())
    }

    /// Just after a fork, in the child: forgets what came to the parent and the threads that were at it there.
    pub fn begin_child(&self) {
        self.signals_came.store(0, Ordering::SeqCst);
        self.waker.forget_users();
    }

    /// The loop that listens has become this process's, with a wake-up of its own.
    pub fn adopt(&self, waker: Waker) {
        if let Some(parents) = self.waker.replace(waker) {
            parents.leave();
        }
        self.process.store(forks::count(), Ordering::SeqCst);
        if self.is_filled() {
            self.wake_up();
        }
    }

    /// The parent's wake-up is not for a copy to use.
    fn wake_up(&self) -> bool {
        !self.is_foreign() && self.waker.with(Waker::wake).is_some()
    }

    /// From now on only work that already runs may post.
    pub fn close_to_callers(&self) {
        self.lock().open = Open::Workers;
    }

    pub fn close(&self) {
        let mut state = self.lock();
        state.open = Open::Nobody;
        let left = std::mem::take(&mut state.messages);
        state.handles.clear();
        state.given = 0;
        self.filled.store(false, Ordering::SeqCst);
        self.wanted.store(false, Ordering::SeqCst);
        drop(state);
        drop(left);
        self.signals_wanted.store(0, Ordering::SeqCst);
        self.signals_came.store(0, Ordering::SeqCst);
        self.listener.store(0, Ordering::SeqCst);
        if let Some(waker) = self.waker.withdraw()
            && self.is_foreign()
        {
            waker.leave();
        }
    }

    /// Any thread, for a loop's handle: `EGONE` once that very loop is gone.
    pub fn post_to(&self, listener: Handle, message: Message) -> Result<()> {
        self.post_if(message, Open::Everybody, |inbox| inbox.listener.load(Ordering::SeqCst) == listener.number())
    }

    /// Any thread, for a handle of the loop that lives here: `EGONE` if it is an earlier loop's. Whether it is stale else
    /// the loop itself finds out.
    pub fn post(&self, handle: Handle, message: Message) -> Result<()> {
        self.post_if(message, Open::Everybody, |inbox| {
            let listener = Handle::from_caller(inbox.listener.load(Ordering::SeqCst));
            listener.is_ok_and(|listener| listener.generation() <= handle.generation())
        })
    }

    /// A worker whose loop is known to wait for it.
    pub fn post_from_worker(&self, message: Message) -> Result<()> {
        self.post_if(message, Open::Workers, |_| true)
    }

    fn post_if(&self, message: Message, who: Open, meant: impl Fn(&Inbox) -> bool) -> Result<()> {
        let state = self.lock();
        let welcome = state.open == Open::Everybody || state.open == who;
        if self.is_foreign() {
            return Err(Error::ESTATE);
        }
        if !welcome || !meant(self) {
            return Err(Error::EGONE);
        }
        self.push(state, message)
    }

    fn push(&self, mut state: MutexGuard<'_, State>, message: Message) -> Result<()> {
        if state.messages.len() == state.messages.capacity() && state.messages.try_reserve(1).is_err() {
            return Err(Error::ENOMEM);
        }
        state.spawns |= matches!(message, Message::Spawn(..));
        state.messages.push_back(message);
        let first = state.messages.len() == 1;
        if first {
            self.filled.store(true, Ordering::Release);
        }
        drop(state);
        if first {
            self.wake_up();
        }
        Ok(())
    }

    /// Any thread: spawns a task. `ENOMEM` when there are as many tasks of other threads as there can be.
    pub fn spawn(&self, listener: Handle, function: WorkFunction, arg: UserData) -> Result<Handle> {
        let mut state = self.lock();
        if self.is_foreign() {
            return Err(Error::ESTATE);
        }
        if state.open != Open::Everybody || self.listener.load(Ordering::SeqCst) != listener.number() {
            return Err(Error::EGONE);
        }
        let handle = match state.handles.pop() {
            Some(handle) => handle,
            None if state.given < HIGH_SLOTS => {
                state.given += 1;
                listener.high(state.given - 1)
            }
            None => return Err(Error::ENOMEM),
        };
        match self.push(state, Message::Spawn(handle, function, arg)) {
            Ok(()) => Ok(handle),
            Err(error) => {
                self.lock().handles.push(handle);
                Err(error)
            }
        }
    }

    /// Takes handles that can be given out again, if there is memory for them.
    pub fn give_handles(&self, handles: &mut Vec<Handle>) {
        let mut state = self.lock();
        if state.handles.try_reserve(handles.len()).is_ok() {
            state.handles.append(handles);
        }
    }

    /// Any thread or signal handler: ends the wait of the loop with this handle.
    pub fn wake(&self, listener: Handle) -> Result<()> {
        if self.is_foreign() {
            return Err(Error::ESTATE);
        }
        if self.listener.load(Ordering::SeqCst) != listener.number() {
            return Err(Error::EGONE);
        }
        self.wanted.store(true, Ordering::SeqCst);
        if self.wake_up() { Ok(()) } else { Err(Error::EGONE) }
    }

    /// Whether `wake` was called since the last time. That the wait ended says nothing: the wake-up for a message may come
    /// when the message was long taken.
    pub fn take_wake(&self) -> bool {
        self.is_wanted() && self.wanted.swap(false, Ordering::SeqCst)
    }

    /// Whether `wake` was called, and nobody has taken note.
    pub fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::SeqCst)
    }

    pub fn is_filled(&self) -> bool {
        self.filled.load(Ordering::Acquire) || self.signals_came.load(Ordering::Acquire) != 0
    }

    /// In a signal's handler: notes it, if the loop watches it.
    pub fn deliver_signal(&self, bit: u64) {
        if self.signals_wanted.load(Ordering::SeqCst) & bit != 0 {
            self.signals_came.fetch_or(bit, Ordering::SeqCst);
            self.wake_up();
        }
    }

    pub fn want_signals(&self, wanted: u64) {
        self.signals_wanted.store(wanted, Ordering::SeqCst);
    }

    pub fn take_signals(&self) -> u64 {
        if self.signals_came.load(Ordering::Relaxed) == 0 { 0 } else { self.signals_came.swap(0, Ordering::SeqCst) }
    }

    /// Takes what came, and leaves an empty queue for it. Whether there are tasks to be spawned. The loop's thread only.
    pub fn take(&self, empty: VecDeque<Message>) -> (VecDeque<Message>, bool) {
        let mut state = self.lock();
        let came = std::mem::replace(&mut state.messages, empty);
        self.filled.store(false, Ordering::Release);
        (came, std::mem::take(&mut state.spawns))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
