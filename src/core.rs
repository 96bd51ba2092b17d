// SPDX-License-Identifier: MIT OR Apache-2.0
//! The state of a loop. Every operation borrows it as a whole, and no callback runs meanwhile.

use crate::abroad::Abroad;
use crate::debug::Debug;
use crate::error::{Error, Result};
use crate::fd_watch::FdWatches;
use crate::future::Cancels;
use crate::handle::{Handle, Table};
use crate::hook::{Hooks, Phase};
use crate::inbox::{Inbox, Message};
use crate::lifecycle::{Closing, Entry, Kind, Object, Stamp};
use crate::net::stream::Spares;
use crate::net::tty::Tty;
use crate::net::udp::Datagrams;
use crate::process::Unwatched;
use crate::reactor::Reactor;
use crate::ready::{Completion, Ready};
use crate::stack::Stacks;
use crate::sys::{self, paths::Paths};
use crate::timers::Timers;
use crate::trace::Trace;
use std::collections::VecDeque;

/// What `rondel_metric` tells.
#[derive(Default)]
pub struct Metrics {
    pub turns: i64,
    pub polls: i64,
    pub events: i64,
    /// Those that were there already when the loop looked for some.
    pub events_waiting: i64,
    pub callbacks: i64,
    pub idle: i64,
    pub started: i64,
    /// Time spent in runs that ended.
    pub ran: i64,
}

pub struct Core {
    pub handle: Handle,
    pub table: Table<Entry>,
    pub ready: Ready,
    pub timers: Timers,
    pub reactor: Reactor,
    pub hooks: Hooks,
    pub fd_watches: FdWatches,
    pub closing: Closing,
    pub spares: Spares,
    pub datagrams: Datagrams,
    pub completions: VecDeque<Completion>,
    /// Futures whose completions were handed out and that live until more is asked for.
    pub handed_out: Vec<Handle>,
    /// Streams and sockets with small writes that leave when the callback returns.
    pub dirty: Vec<Handle>,
    /// Listeners that wait for a descriptor to become free.
    pub starved: Vec<Handle>,
    pub cancels: Cancels,
    /// The task whose step it is.
    pub current_task: Option<Handle>,
    pub stacks: Stacks,
    pub abroad: Abroad,
    /// The task that Ctrl-C cancels.
    pub program: Option<Handle>,
    /// Not before this time are circles looked for again, as it ends.
    pub next_circle_check: i64,
    /// The signals that are watched, and by whom.
    pub signals: Vec<(i32, Handle)>,
    pub ttys: Vec<Tty>,
    /// Children that only SIGCHLD tells of.
    pub unwatched: Unwatched,
    /// How many children were closed before they ended.
    pub orphans: usize,
    /// What the system watches paths with.
    pub paths: Paths,
    pub paths_key: Option<Handle>,
    pub debug: Debug,
    pub trace: Option<Box<Trace>>,
    pub metrics: Metrics,
    /// Time of this turn.
    pub now: i64,
    /// How many things keep the loop running.
    pub alive: usize,
    pub running: bool,
    pub freeing: bool,
    pub stop: bool,
    inbox: &'static Inbox,
}

/// When a run ends, beside `rondel_stop`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Until {
    NothingAlive,
    OneCallback,
    OneTurn,
    Stopped,
    Done(Handle),
    /// As `Done`, as a program ends: what waits for itself in a circle is ended.
    Ended(Handle),
    /// A completion can be handed out, or this time has come.
    Completion(Option<i64>),
    /// As `Completion`, without a wait: a wake-up that came is for the next one.
    CompletionNow,
}

/// The shorter of two times; `None` is for ever.
fn sooner(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// How many turns in a row may do without a poll when callbacks are ready.
const TURNS_WITHOUT_POLL: u32 = 4;
/// Whether and how long to wait for events.
pub enum Wait {
    Skip,
    /// Nanoseconds; `None` is without limit.
    Until(Option<i64>),
}

impl Core {
    pub fn new(handle: Handle, table: Table<Entry>, reactor: Reactor, inbox: &'static Inbox) -> Core {
        Core {
            handle,
            table,
            ready: Ready::default(),
            timers: Timers::default(),
            reactor,
            hooks: Hooks::default(),
            fd_watches: FdWatches::default(),
            closing: Closing::default(),
            spares: Spares::default(),
            datagrams: Datagrams::default(),
            completions: VecDeque::new(),
            handed_out: Vec::new(),
            dirty: Vec::new(),
            starved: Vec::new(),
            cancels: Cancels::default(),
            current_task: None,
            stacks: Stacks::default(),
            abroad: Abroad::default(),
            program: None,
            next_circle_check: 0,
            signals: Vec::new(),
            ttys: Vec::new(),
            unwatched: Unwatched::default(),
            orphans: 0,
            paths: Paths::default(),
            paths_key: None,
            debug: Debug::default(),
            trace: None,
            metrics: Metrics::default(),
            now: sys::clock(),
            alive: 0,
            running: false,
            freeing: false,
            stop: false,
            inbox,
        }
    }

    /// Nothing new begins from here on, and everything pending is cancelled.
    pub fn begin_to_free(&mut self) {
        if self.debug.on {
            self.report_pending_tasks();
            self.report_kept();
        }
        self.running = true;
        self.freeing = true;
        self.inbox.close_to_callers();
        self.abandon_everything();
    }

    /// Whether messages of other threads wait.
    pub fn has_messages(&self) -> bool {
        self.inbox.is_filled()
    }

    pub fn is_alive(&self) -> bool {
        self.alive > 0 || self.ready.len() > 0 || !self.closing.is_empty() || self.inbox.is_filled()
    }

    /// Time spent in runs without waiting, the present run included.
    pub fn busy_time(&self) -> i64 {
        let present = if self.running { sys::clock() - self.metrics.started } else { 0 };
        self.metrics.ran + present - self.metrics.idle
    }

    pub fn update_now(&mut self) {
        self.now = sys::clock();
    }

    pub fn take_messages(&mut self) {
        self.return_handles();
        self.take_signals();
        if self.inbox.is_filled() {
            let (messages, spawns) = self.inbox.take(self.ready.spare_messages());
            if spawns {
                for message in messages {
                    match message {
                        // Its handle is known elsewhere already.
                        Message::Spawn(handle, function, arg) => self.spawn_at(handle, function, arg),
                        message => self.ready.push_messages(VecDeque::from([message])),
                    }
                }
            } else {
                self.ready.push_messages(messages);
            }
        }
    }

    /// `called`: a callback has been made in this turn already.
    pub fn poll_timeout(&mut self, until: Until, called: bool) -> Wait {
        let until_circles = if matches!(until, Until::Ended(_)) { self.check_circles() } else { None };
        let hooked = self.hooks.any();
        if self.ready.len() > 0
            && !hooked
            && until != Until::OneTurn
            && self.ready.turns_without_poll < TURNS_WITHOUT_POLL
        {
            self.ready.turns_without_poll += 1;
            return Wait::Skip;
        }
        self.ready.turns_without_poll = 0;
        let until_checks = self.check_fd_watches();
        let ended = match until {
            Until::OneTurn => true,
            Until::NothingAlive => !self.is_alive(),
            Until::OneCallback => called || !self.is_alive(),
            Until::Done(future) | Until::Ended(future) => !self.is_pending(future),
            Until::Completion(limit) => !self.completions.is_empty() || (limit.is_none() && !self.is_alive()),
            Until::CompletionNow => true,
            Until::Stopped => false,
        };
        if ended || self.stop || self.hooks.active(Phase::Idle) || self.something_is_due_now() {
            return Wait::Until(Some(0));
        }
        let due = match (self.timers.next_due(), until) {
            (Some(due), Until::Completion(Some(limit))) => Some(due.min(limit)),
            (None, Until::Completion(limit)) => limit,
            (due, _) => due,
        };
        let until_due = due.map(|due| (due - sys::clock()).max(0));
        Wait::Until(sooner(sooner(until_due, until_checks), until_circles))
    }

    fn something_is_due_now(&self) -> bool {
        self.something_is_ready() || self.inbox.is_wanted()
    }

    fn something_is_ready(&self) -> bool {
        self.ready.len() > 0 || !self.closing.is_empty() || self.inbox.is_filled()
    }

    /// Nanoseconds until something is due by itself; `None`: nothing will be. (A wake-up ends a wait, be it this one.)
    pub fn time_to_next(&mut self) -> Option<i64> {
        if self.stop || self.hooks.active(Phase::Idle) || self.something_is_ready() || !self.completions.is_empty() {
            return Some(0);
        }
        if self.found_lost_fd_watch() {
            return Some(0);
        }
        self.timers.next_due().map(|due| (due - sys::clock()).max(0))
    }

    pub fn wait(&mut self, timeout: Option<i64>) -> Result<usize> {
        self.metrics.polls += 1;
        if self.trace.is_some() && timeout != Some(0) {
            // What is there already is told apart from what one had to wait for.
            let count = self.look()?;
            if count > 0 {
                return Ok(count);
            }
        }
        if timeout == Some(0) {
            return self.look();
        }
        let before = sys::clock();
        self.reactor.wait(timeout)?;
        self.update_now();
        self.metrics.idle += self.now - before;
        let count = self.reactor.count();
        self.metrics.events += count as i64;
        Ok(count)
    }

    /// Looks for events without waiting.
    fn look(&mut self) -> Result<usize> {
        self.reactor.wait(Some(0))?;
        self.update_now();
        let count = self.reactor.count();
        self.metrics.events += count as i64;
        self.metrics.events_waiting += count as i64;
        Ok(count)
    }

    /// When what is made now was made. (Between runs the time of the last turn may be long gone.)
    #[inline]
    pub fn made_now(&self) -> Stamp {
        Stamp::of(if self.running { self.now } else { sys::clock() })
    }

    /// What a new handle needs: room in the table, and a loop that is not on its way out.
    pub fn make_room(&mut self) -> Result<()> {
        if self.freeing { Err(Error::EGONE) } else { self.table.make_room() }
    }

    pub fn insert(&mut self, kind: Kind, object: Object) -> Result<Handle> {
        self.make_room()?;
        Ok(self.table.place(Entry::new(kind, object, self.made_now())))
    }

    /// Takes back a future whose operation could not be started.
    pub fn withdraw_future(&mut self, future: Handle) {
        self.set_active(future, false);
        self.table.discard(future);
    }

    pub fn inbox(&self) -> &'static Inbox {
        self.inbox
    }
}
