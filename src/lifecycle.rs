// SPDX-License-Identifier: MIT OR Apache-2.0
//! What every handle has: a kind, an owner's pointer, whether it keeps the loop alive, and an end.
//!
//! Closing is in two steps. `close` ends what the object does, now; its close notices come in the close phase, after
//! every completion that was due before. Between the two the handle answers only what it is.

use crate::as_completed::AsCompleted;
use crate::callback::{Notify, UserData};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::fd_watch::FdWatch;
use crate::file::File;
use crate::future::{Future, Op};
use crate::handle::Handle;
use crate::hook::Hook;
use crate::net::connect::Attempt;
use crate::net::listener::Listener;
use crate::net::local::Unbound;
use crate::net::stream::Stream;
use crate::net::tcp::Unconnected;
use crate::net::udp::Udp;
use crate::process::Process;
use crate::process_run::Tube;
use crate::ready::Step;
use crate::signal::Signal;
use crate::sync::barrier::Barrier;
use crate::sync::condition::Condition;
use crate::sync::event::Event;
use crate::sync::lock::Lock;
use crate::sync::queue::Queue;
use crate::sync::semaphore::Semaphore;
use crate::sys::process::Child;
use crate::task_group::Group;
use crate::timer::Timer;
use crate::watch::Watch;
use std::collections::VecDeque;

/// The kinds as callers see them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// Not for callers' eyes.
    Internal = 0,
    Loop = 1,
    Timer = 2,
    Future = 3,
    Tcp = 4,
    Idle = 5,
    Prepare = 6,
    Check = 7,
    FdWatch = 8,
    Signal = 9,
    Udp = 10,
    Watch = 15,
    Pipe = 11,
    Tty = 12,
    File = 13,
    Process = 14,
    Group = 30,
    Iterator = 31,
    Lock = 20,
    Event = 21,
    Condition = 22,
    Semaphore = 23,
    Barrier = 24,
    Queue = 25,
}

pub enum Object {
    Loop,
    Timer(Timer),
    Future(Future),
    Hook(Hook),
    Unconnected(Box<Unconnected>),
    Unbound(Box<Unbound>),
    Listener(Box<Listener>),
    Stream(Box<Stream>),
    Udp(Box<Udp>),
    Attempt(Attempt),
    FdWatch(FdWatch),
    Signal(Signal),
    File(Box<File>),
    Process(Box<Process>),
    /// A child whose handle was closed, until it is reaped.
    Orphan(Child),
    Tube(Box<Tube>),
    Watch(Box<Watch>),
    /// What tells of all watches of paths.
    Paths,
    AsCompleted(Box<AsCompleted>),
    Group(Box<Group>),
    Lock(Lock),
    Event(Event),
    Condition(Condition),
    Semaphore(Semaphore),
    Barrier(Barrier),
    Queue(Box<Queue>),
    /// What it was has ended; only the close notices are left.
    Closed,
}

pub struct Entry {
    pub kind: Kind,
    pub active: bool,
    pub referenced: bool,
    pub closing: bool,
    /// When it was made, to the turn.
    pub made: Stamp,
    pub object: Object,
    extra: Option<Box<Extra>>,
}

/// A time in units of 8 ms, which come round after more than a year: it takes no room in an entry, and next to no time.
#[derive(Clone, Copy)]
pub struct Stamp(u32);

const STAMP_SHIFT: u32 = 23;

impl Stamp {
    #[inline(always)]
    pub fn of(ns: i64) -> Stamp {
        Stamp((ns >> STAMP_SHIFT) as u32)
    }

    /// Nanoseconds from this to a time.
    pub fn until(self, ns: i64) -> i64 {
        i64::from(Stamp::of(ns).0.wrapping_sub(self.0)) << STAMP_SHIFT
    }
}

/// What few handles have.
#[derive(Default)]
struct Extra {
    data: Option<UserData>,
    name: Option<Box<str>>,
    notices: VecDeque<Notify>,
}

/// Handles whose close notices are due, each after so many items of the ready queue.
#[derive(Default)]
pub struct Closing(VecDeque<(Handle, u64)>);

impl Closing {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Entry {
    #[inline(always)]
    pub fn new(kind: Kind, object: Object, made: Stamp) -> Entry {
        Entry { kind, active: false, referenced: true, closing: false, made, object, extra: None }
    }

    pub fn name(&self) -> Option<&str> {
        self.extra.as_ref()?.name.as_deref()
    }

    pub fn is_pending_task(&self) -> bool {
        matches!(&self.object, Object::Future(future) if future.is_pending() && matches!(future.op, Op::Task(_)))
    }

    /// The future, if that is all there is to the handle and it is not being closed.
    #[inline]
    pub fn plain_future(&self) -> Option<&Future> {
        match self {
            Entry { closing: false, extra: None, object: Object::Future(future), .. } => Some(future),
            _ => None,
        }
    }

    pub fn is_future(&self) -> bool {
        matches!(self.object, Object::Future(_))
    }
}

impl Core {
    /// The entry of a handle that is not being closed and is not internal.
    #[inline]
    pub fn open_entry(&mut self, handle: Handle) -> Result<&mut Entry> {
        match self.table.get_mut(handle) {
            Ok(entry) if !entry.closing && entry.kind != Kind::Internal => Ok(entry),
            _ => Err(Error::EGONE),
        }
    }

    /// The entry of a handle, also of one that waits for its close notice.
    fn any_entry(&mut self, handle: Handle) -> Result<&mut Entry> {
        match self.table.get_mut(handle) {
            Ok(entry) if entry.kind != Kind::Internal => Ok(entry),
            _ => Err(Error::EGONE),
        }
    }

    pub fn check_loop(&mut self, handle: Handle) -> Result<()> {
        match self.open_entry(handle)?.object {
            Object::Loop => Ok(()),
            _ => Err(Error::EKIND),
        }
    }

    pub fn check_tcp(&mut self, handle: Handle) -> Result<()> {
        match self.open_entry(handle)?.kind {
            Kind::Tcp => Ok(()),
            _ => Err(Error::EKIND),
        }
    }

    /// Whether it is of a kind that can listen.
    pub fn check_listening(&mut self, handle: Handle) -> Result<()> {
        match self.open_entry(handle)?.kind {
            Kind::Tcp | Kind::Pipe => Ok(()),
            _ => Err(Error::EKIND),
        }
    }

    pub fn set_active(&mut self, handle: Handle, active: bool) {
        let Core { table, alive, .. } = self;
        if let Ok(entry) = table.get_mut(handle)
            && entry.active != active
        {
            entry.active = active;
            if entry.referenced {
                *alive = if active { *alive + 1 } else { *alive - 1 };
            }
        }
    }

    pub fn set_referenced(&mut self, handle: Handle, referenced: bool) -> Result<()> {
        let entry = self.open_entry(handle)?;
        if matches!(entry.object, Object::Loop) {
            return Err(Error::EKIND);
        }
        if entry.referenced != referenced {
            entry.referenced = referenced;
            if entry.active {
                self.alive = if referenced { self.alive + 1 } else { self.alive - 1 };
            }
        }
        Ok(())
    }

    pub fn kind(&mut self, handle: Handle) -> Result<Kind> {
        self.any_entry(handle).map(|entry| entry.kind)
    }

    pub fn is_closing(&mut self, handle: Handle) -> Result<bool> {
        self.any_entry(handle).map(|entry| entry.closing)
    }

    pub fn is_active(&mut self, handle: Handle) -> Result<bool> {
        let entry = self.open_entry(handle)?;
        Ok(match &entry.object {
            Object::Loop => self.is_alive(),
            Object::Future(future) => future.is_pending(),
            Object::Stream(stream) => stream.is_busy(),
            Object::Udp(udp) => udp.is_busy(),
            Object::Listener(_) => true,
            Object::File(file) => file.is_busy(),
            Object::Unconnected(socket) => socket.connecting.is_some(),
            Object::AsCompleted(iterator) => !iterator.is_exhausted(),
            Object::Group(group) => !group.is_empty(),
            _ => entry.active,
        })
    }

    /// The number of the descriptor of a handle that has one.
    pub fn descriptor(&mut self, handle: Handle) -> Result<i64> {
        match &self.open_entry(handle)?.object {
            Object::FdWatch(watch) => Ok(watch.raw() as i64),
            Object::File(file) => Ok(file.raw()),
            _ => self.source_of(handle).map(|source| source.raw() as i64),
        }
    }

    pub fn set_data(&mut self, handle: Handle, data: UserData) -> Result<()> {
        self.open_entry(handle)?.extra.get_or_insert_default().data = Some(data);
        Ok(())
    }

    pub fn data(&mut self, handle: Handle) -> Result<UserData> {
        let entry = self.any_entry(handle)?;
        Ok(entry.extra.as_ref().and_then(|extra| extra.data).unwrap_or(UserData::NULL))
    }

    /// Names the handle, for people; `None` takes the name away.
    pub fn set_name(&mut self, handle: Handle, name: Option<Box<str>>) -> Result<()> {
        self.open_entry(handle)?.extra.get_or_insert_default().name = name;
        Ok(())
    }

    pub fn name(&mut self, handle: Handle) -> Result<&str> {
        Ok(self.any_entry(handle)?.name().unwrap_or(""))
    }

    /// Registers one more close notice.
    pub fn on_close(&mut self, handle: Handle, notify: Notify) -> Result<()> {
        let entry = self.open_entry(handle)?;
        if entry.is_future() {
            return Err(Error::EKIND);
        }
        entry.extra.get_or_insert_default().notices.push_back(notify);
        Ok(())
    }

    pub fn close(&mut self, handle: Handle) -> Result<()> {
        if self.open_entry(handle)?.kind == Kind::Tty {
            self.end_tty(handle);
        }
        match self.open_entry(handle)?.object {
            Object::Loop => return Err(Error::EKIND),
            Object::Future(_) => return self.close_future(handle),
            Object::Timer(_) => {
                let _ = self.stop_timer(handle);
            }
            Object::Hook(_) => self.stop_hook(handle),
            Object::Signal(_) => self.unwatch_signal(handle),
            Object::Watch(_) => self.close_watch(handle),
            Object::Unconnected(_) => self.close_unconnected(handle),
            Object::Unbound(_) => {}
            Object::Listener(_) => self.close_listener(handle),
            Object::Stream(_) => self.close_stream(handle),
            Object::Udp(_) => self.close_udp(handle),
            Object::FdWatch(_) => self.close_fd_watch(handle),
            Object::File(_) => {
                // It is retired when the pool has closed it.
                self.close_file(handle);
                return Ok(());
            }
            Object::Process(_) => self.close_process(handle),
            Object::AsCompleted(_) => self.close_as_completed(handle),
            Object::Group(_) => return self.close_group(handle),
            Object::Lock(_) => self.close_lock(handle),
            Object::Event(_) => self.close_event(handle),
            Object::Condition(_) => self.close_condition(handle),
            Object::Semaphore(_) => self.close_semaphore(handle),
            Object::Barrier(_) => self.close_barrier(handle),
            Object::Queue(_) => self.close_queue(handle),
            Object::Attempt(_) | Object::Orphan(_) | Object::Tube(_) | Object::Paths | Object::Closed => {
                return Err(Error::EGONE);
            }
        }
        self.retire(handle);
        Ok(())
    }

    /// Drops the object, and its descriptor with it, now; the close notices come later.
    pub fn retire(&mut self, handle: Handle) {
        self.set_active(handle, false);
        if let Ok(entry) = self.table.get_mut(handle) {
            entry.closing = true;
            entry.object = Object::Closed;
        }
        self.closing.0.push_back((handle, self.ready.pushed()));
        self.descriptor_freed();
    }

    /// The next close notice, of the first `left` handles whose completions have all been told.
    pub fn next_close_notice(&mut self, left: &mut usize) -> Option<Step> {
        while *left > 0 {
            let (handle, after) = *self.closing.0.front()?;
            if after > self.ready.popped() {
                return None;
            }
            let notice = self.table.get_mut(handle).ok().and_then(|entry| entry.extra.as_mut()?.notices.pop_front());
            if let Some(notice) = notice {
                return Some(self.step_for(notice, handle, 0));
            }
            self.table.discard(handle);
            self.closing.0.pop_front();
            *left -= 1;
        }
        None
    }

    /// The next close notice of the loop itself, the last thing it says.
    pub fn next_loop_notice(&mut self) -> Option<Step> {
        let handle = self.handle;
        let notice = self.table.get_mut(handle).ok()?.extra.as_mut()?.notices.pop_front()?;
        Some(self.step_for(notice, handle, 0))
    }

    /// Closes and cancels everything, as the loop is being freed.
    pub fn abandon_everything(&mut self) {
        let (mut handles, mut futures) = (Vec::new(), Vec::new());
        for (handle, entry) in self.table.handles() {
            match entry.object {
                Object::Future(_) => futures.push(handle),
                _ => handles.push(handle),
            }
        }
        for handle in handles {
            let _ = self.close(handle);
        }
        self.abandon_orphans();
        // In one go, lest those that wait for each other are cancelled again and again.
        for future in futures {
            self.cancel_too(future, None);
        }
        self.cancel_the_rest();
    }

    /// Live handles that callers know of, with their kinds.
    pub fn open_handles(&self) -> Vec<(Handle, Kind)> {
        let known = self.table.handles().filter(|(_, entry)| !entry.closing && entry.kind != Kind::Internal);
        known.map(|(handle, entry)| (handle, entry.kind)).collect()
    }
}
