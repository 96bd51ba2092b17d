// SPDX-License-Identifier: MIT OR Apache-2.0
//! What other threads send to a loop, and the wake-up.
//!
//! A vector behind a lock, swapped out whole; the loop is woken only when it turns from empty to non-empty. Nothing
//! is coalesced and the order of each thread is kept.

use crate::callback::{Callback, UserData, WorkFunction};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::handle::Handle;
use crate::reactor::Waker;
use crate::sys::published::Published;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

pub enum Message {
    Call(Callback),
    /// A completion for the queue that `rondel_next` hands out.
    Enqueue(UserData),
    Close(Handle),
    Release(Handle),
    /// A promise is to get its result.
    Settle(Handle, i64),
    /// A task, under a handle that was reserved for it.
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
    messages: Vec<Message>,
    /// Handles set aside for threads that spawn tasks.
    reserved: Vec<Handle>,
}

pub struct Inbox {
    state: Mutex<State>,
    filled: AtomicBool,
    /// How many more handles are to be set aside.
    wanted: AtomicUsize,
    /// Rung when there are some again.
    bell: Condvar,
    waker: Published<Waker>,
    /// A bit for each signal that the loop watches, and for each that has come.
    signals_wanted: AtomicU64,
    signals_came: AtomicU64,
    /// The handle of the loop that listens; 0: none.
    listener: AtomicI64,
}

/// How many handles are set aside from the start, and once any was used.
const FEW: usize = 8;
const MANY: usize = 256;

/// A vector that grew beyond this many messages in a burst is given back.
const KEEP: usize = 1 << 16;

impl Inbox {
    pub const fn new() -> Inbox {
        Inbox {
            state: Mutex::new(State { open: Open::Nobody, messages: Vec::new(), reserved: Vec::new() }),
            filled: AtomicBool::new(false),
            wanted: AtomicUsize::new(0),
            bell: Condvar::new(),
            waker: Published::new(),
            signals_wanted: AtomicU64::new(0),
            signals_came: AtomicU64::new(0),
            listener: AtomicI64::new(0),
        }
    }

    pub fn open(&self, listener: Handle, waker: Waker) {
        self.waker.publish(waker);
        self.listener.store(listener.number(), Ordering::SeqCst);
        self.wanted.store(FEW, Ordering::Relaxed);
        self.lock().open = Open::Everybody;
    }

    /// From now on only work that already runs may post.
    pub fn close_to_callers(&self) {
        self.lock().open = Open::Workers;
        self.bell.notify_all();
    }

    pub fn close(&self) {
        let mut state = self.lock();
        state.open = Open::Nobody;
        let left = std::mem::take(&mut state.messages);
        state.reserved.clear();
        self.filled.store(false, Ordering::SeqCst);
        drop(state);
        drop(left);
        self.signals_wanted.store(0, Ordering::SeqCst);
        self.signals_came.store(0, Ordering::SeqCst);
        self.listener.store(0, Ordering::SeqCst);
        self.waker.withdraw();
    }

    /// Any thread, for a loop's handle: `EGONE` once that very loop is gone.
    pub fn post_to(&self, listener: Handle, message: Message) -> Result<()> {
        self.post_if(message, Open::Everybody, |inbox| inbox.listener.load(Ordering::SeqCst) == listener.number())
    }

    /// Any thread, for a handle of whatever loop lives here; the loop itself finds out whether it is stale.
    pub fn post(&self, message: Message) -> Result<()> {
        self.post_if(message, Open::Everybody, |_| true)
    }

    /// A worker whose loop is known to wait for it.
    pub fn post_from_worker(&self, message: Message) -> Result<()> {
        self.post_if(message, Open::Workers, |_| true)
    }

    fn post_if(&self, message: Message, who: Open, meant: impl Fn(&Inbox) -> bool) -> Result<()> {
        let state = self.lock();
        let welcome = state.open == Open::Everybody || state.open == who;
        if !welcome || !meant(self) {
            return Err(Error::EGONE);
        }
        self.push(state, message)
    }

    fn push(&self, mut state: MutexGuard<'_, State>, message: Message) -> Result<()> {
        if state.messages.len() == state.messages.capacity() && state.messages.try_reserve(1).is_err() {
            return Err(Error::ENOMEM);
        }
        state.messages.push(message);
        let first = state.messages.len() == 1;
        if first {
            self.filled.store(true, Ordering::Release);
        }
        drop(state);
        if first {
            self.waker.with(Waker::wake);
        }
        Ok(())
    }

    /// Any thread: spawns a task under one of the handles set aside. When there is none it waits for the loop's next turn.
    pub fn spawn(&self, listener: Handle, function: WorkFunction, arg: UserData) -> Result<Handle> {
        let mut state = self.lock();
        loop {
            if state.open != Open::Everybody || self.listener.load(Ordering::SeqCst) != listener.number() {
                return Err(Error::EGONE);
            }
            let Some(handle) = state.reserved.pop() else {
                self.wanted.store(MANY, Ordering::Relaxed);
                self.waker.with(Waker::wake);
                state = self.bell.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            if state.reserved.len() < MANY / 2 {
                self.wanted.store(MANY - state.reserved.len(), Ordering::Relaxed);
            }
            return match self.push(state, Message::Spawn(handle, function, arg)) {
                Ok(()) => Ok(handle),
                Err(error) => {
                    self.lock().reserved.push(handle);
                    Err(error)
                }
            };
        }
    }

    /// How many handles the loop is to set aside now.
    pub fn wants_reserved(&self) -> usize {
        if self.wanted.load(Ordering::Relaxed) == 0 { 0 } else { self.wanted.swap(0, Ordering::Relaxed) }
    }

    pub fn give_reserved(&self, handles: Vec<Handle>) {
        self.lock().reserved.extend(handles);
        self.bell.notify_all();
    }

    /// Any thread or signal handler: ends the wait of the loop with this handle.
    pub fn wake(&self, listener: Handle) -> Result<()> {
        if self.listener.load(Ordering::SeqCst) != listener.number() {
            return Err(Error::EGONE);
        }
        self.waker.with(Waker::wake).ok_or(Error::EGONE)
    }

    pub fn is_filled(&self) -> bool {
        self.filled.load(Ordering::Acquire) || self.signals_came.load(Ordering::Acquire) != 0
    }

    /// In a signal's handler: notes it, if the loop watches it.
    pub fn deliver_signal(&self, bit: u64) {
        if self.signals_wanted.load(Ordering::SeqCst) & bit != 0 {
            self.signals_came.fetch_or(bit, Ordering::SeqCst);
            self.waker.with(Waker::wake);
        }
    }

    pub fn want_signals(&self, wanted: u64) {
        self.signals_wanted.store(wanted, Ordering::SeqCst);
    }

    pub fn take_signals(&self) -> u64 {
        if self.signals_came.load(Ordering::Relaxed) == 0 { 0 } else { self.signals_came.swap(0, Ordering::SeqCst) }
    }

    /// Swaps what came for an empty vector. The loop's thread only.
    pub fn take(&self, empty: &mut Vec<Message>) {
        if empty.capacity() > KEEP {
            *empty = Vec::new();
        }
        let mut state = self.lock();
        std::mem::swap(&mut state.messages, empty);
        self.filled.store(false, Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
