// SPDX-License-Identifier: MIT OR Apache-2.0
//! A loop in words: what there is, what each thing does or waits for, how old it is, and what of it keeps the loop going.
//!
//! The nouns say what they do; here are the operations, which the futures stand for.

use crate::core::Core;
use crate::error;
use crate::future::{Future, Op, State};
use crate::handle::Handle;
use crate::lifecycle::{Entry, Kind, Object};
use crate::sync::Claim;
use crate::sys;
use std::fmt::Write;

impl Core {
    /// Everything that lives, what keeps the loop going first, the oldest first.
    pub fn dump(&self) -> String {
        let now = sys::clock();
        let known = |(handle, entry): &(Handle, &Entry)| *handle != self.handle && entry.kind != Kind::Internal;
        let mut entries: Vec<_> = self.table.handles().filter(known).collect();
        entries.sort_by_key(|(_, entry)| std::cmp::Reverse(entry.made.until(now)));
        let (keeping, others): (Vec<_>, Vec<_>) =
            entries.iter().partition(|(_, entry)| entry.active && entry.referenced);
        let handles = count(entries.len(), "handle", "handles");
        let mut text = format!("{}: turn {}, {handles}", self.describe(self.handle), self.metrics.turns);
        text += if self.running { "\n" } else { ", not running\n" };
        text += if keeping.is_empty() { "nothing keeps it going\n" } else { "these keep it going:\n" };
        self.list(&mut text, &keeping, now);
        if !others.is_empty() {
            text += "these are there too:\n";
            self.list(&mut text, &others, now);
        }
        for (count, what) in [
            (self.ready.len(), "callbacks are due"),
            (self.closing.len(), "close notices are due"),
            (self.completions.len(), "completions wait for rondel_next"),
        ] {
            if count > 0 {
                let _ = writeln!(text, "{what}: {count}");
            }
        }
        if self.has_messages() {
            text += "other threads have sent something\n";
        }
        text
    }

    fn list(&self, text: &mut String, entries: &[&(Handle, &Entry)], now: i64) {
        for (handle, entry) in entries {
            let _ = write!(text, "{:>12}  {}", age(entry.made.until(now)), self.describe(*handle));
            let doing = self.doing(entry);
            let _ = if doing.is_empty() { writeln!(text) } else { writeln!(text, ": {doing}") };
        }
    }

    /// What a handle is, in a word.
    pub fn word(&self, entry: &Entry) -> &'static str {
        match (&entry.object, entry.kind) {
            (Object::Future(future), _) => future.word(),
            (_, Kind::Loop) => "loop",
            (_, Kind::Timer) => "timer",
            (_, Kind::Future) => "future",
            (_, Kind::Tcp) => "tcp",
            (_, Kind::Udp) => "udp",
            (_, Kind::Pipe) => "pipe",
            (_, Kind::Tty) => "tty",
            (_, Kind::File) => "file",
            (_, Kind::Process) => "process",
            (_, Kind::Idle) => "idle",
            (_, Kind::Prepare) => "prepare",
            (_, Kind::Check) => "check",
            (_, Kind::FdWatch) => "fd_watch",
            (_, Kind::Signal) => "signal",
            (_, Kind::Watch) => "watch",
            (_, Kind::Group) => "group",
            (_, Kind::Iterator) => "iterator",
            (_, Kind::Lock) => "lock",
            (_, Kind::Event) => "event",
            (_, Kind::Condition) => "condition",
            (_, Kind::Semaphore) => "semaphore",
            (_, Kind::Barrier) => "barrier",
            (_, Kind::Queue) => "queue",
            (_, Kind::Internal) => "operation",
        }
    }

    /// What something does or waits for; nothing if there is nothing to say.
    fn doing(&self, entry: &Entry) -> String {
        if entry.closing {
            return "closing".to_owned();
        }
        let mut words = match &entry.object {
            Object::Future(future) => self.operation(future),
            Object::Timer(timer) => timer.doing(&self.timers),
            Object::Stream(stream) => stream.doing(),
            Object::Listener(listener) => listener.doing(),
            Object::Unconnected(socket) if socket.connecting.is_some() => "connecting".to_owned(),
            Object::Unconnected(_) => "neither connected nor listening".to_owned(),
            Object::Udp(udp) => udp.doing(),
            Object::FdWatch(watch) => watch.doing(),
            Object::Signal(signal) => signal.doing(),
            Object::Watch(watch) => watch.doing(),
            Object::File(file) => file.doing(),
            Object::Process(process) => process.doing(),
            Object::AsCompleted(iterator) => iterator.doing(),
            Object::Group(group) => group.doing(),
            Object::Lock(lock) => lock.doing(),
            Object::Event(event) => event.doing(),
            Object::Condition(condition) => waiting(condition.waiting.count()),
            Object::Semaphore(semaphore) => semaphore.doing(),
            Object::Barrier(barrier) => waiting(barrier.waiting.count()),
            Object::Queue(queue) => queue.doing(),
            _ => String::new(),
        };
        if entry.active && !entry.referenced {
            words += if words.is_empty() { "unreferenced" } else { ", unreferenced" };
        }
        words
    }

    fn operation(&self, future: &Future) -> String {
        let mut words = match &future.op {
            _ if !future.is_pending() => future.outcome(),
            Op::Later(timer) => self.timers.due(*timer).map_or_else(String::new, due_in),
            Op::Connect(connecting) => connecting.doing(),
            Op::Work(job) | Op::LookUp(job) | Op::OnFile(Some(job)) => job.doing(),
            Op::OnFile(None) => "waits for its turn on the file".to_owned(),
            Op::Task(task) => match task.awaited() {
                Some(awaited) => format!("awaits {}", self.describe(awaited)),
                None if future.state() == State::Pending => "has not begun".to_owned(),
                None => "goes on".to_owned(),
            },
            Op::Whole(whole) => whole.doing(),
            Op::Shield(inner) => format!("of {}", self.describe(inner.future)),
            Op::InLine(Claim::Relock(lock)) => format!("waits for {}", self.describe(*lock)),
            _ => String::new(),
        };
        if future.origin != self.handle {
            let gap = if words.is_empty() { "" } else { ", " };
            words = format!("on {}{gap}{words}", self.describe(future.origin));
        }
        if let Some(due) = future.deadline.and_then(|deadline| self.timers.due(deadline)) {
            words += if words.is_empty() { "times out " } else { ", times out " };
            words += due_in(due).trim_start_matches("due ");
        }
        if future.given_up.is_some() {
            words += if words.is_empty() { "cancelled" } else { ", cancelled" };
        }
        words
    }
}

impl Future {
    /// The function that started it, in a word.
    fn word(&self) -> &'static str {
        if self.was_task {
            return "task";
        }
        match &self.op {
            Op::Promise | Op::Foreign(_) if self.is_pending() => "promise",
            Op::Promise | Op::Foreign(_) => "future",
            Op::Soon => "call_soon",
            Op::Later(_) => "call_later",
            Op::Exit => "process_wait",
            Op::Signal(_) => "signal_wait",
            Op::Run(_) | Op::Ran(_) => "process_run",
            Op::Accept => "accept",
            Op::Read => "read",
            Op::Write => "write",
            Op::Send(_) | Op::Sends { .. } => "udp_send",
            Op::Receive(_) => "udp_recv",
            Op::Shutdown => "shutdown",
            Op::Connect(_) => "tcp_connect",
            Op::ConnectLocal(_) => "pipe_connect",
            Op::Work(job) | Op::LookUp(job) | Op::OnFile(Some(job)) => job.word(),
            Op::Found(_) => "resolve",
            Op::Interfaces(_) => "interfaces",
            Op::Closing => "file_close",
            Op::Task(_) => "task",
            Op::Whole(whole) => whole.word(),
            Op::Shield(_) | Op::Shielded(_) => "shield",
            Op::Join => "group_join",
            Op::Next => "as_completed_next",
            Op::InLine(claim) => match claim {
                Claim::Lock => "lock_acquire",
                Claim::Relock(_) | Claim::Condition => "condition_wait",
                Claim::Event => "event_wait",
                Claim::Semaphore => "semaphore_acquire",
                Claim::Barrier => "barrier_wait",
                Claim::Put { .. } => "queue_put",
                Claim::Get => "queue_get",
                Claim::Join => "queue_join",
            },
            Op::Got(_) => "queue_get",
            Op::OnFile(None) | Op::Bytes(_) | Op::Entries(_) => "file_operation",
            Op::Over => "future",
        }
    }

    fn outcome(&self) -> String {
        match self.result() {
            Ok(code) if code < 0 => format!("done, {}", error::message(code).to_string_lossy()),
            Ok(value) => format!("done, {value}"),
            Err(_) => String::new(),
        }
    }
}

/// How many wait for something that does no more than be waited for.
pub fn waiting(count: usize) -> String {
    if count == 0 { String::new() } else { format!("{count} waiting") }
}

/// A number of things.
pub fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// When a time of the clock comes.
pub fn due_in(due: i64) -> String {
    match due - sys::clock() {
        left if left > 0 => format!("due in {}", age(left)),
        _ => "due now".to_owned(),
    }
}

/// A span of time, to two figures or so.
pub fn age(ns: i64) -> String {
    const SECOND: i64 = 1_000_000_000;
    const MINUTE: i64 = 60 * SECOND;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    match ns {
        ns if ns < SECOND => format!("{} ms", ns / 1_000_000),
        ns if ns < MINUTE => format!("{}.{} s", ns / SECOND, ns % SECOND / (SECOND / 10)),
        ns if ns < HOUR => format!("{} min {} s", ns / MINUTE, ns % MINUTE / SECOND),
        ns if ns < DAY => format!("{} h {} min", ns / HOUR, ns % HOUR / MINUTE),
        ns => format!("{} d {} h", ns / DAY, ns % DAY / HOUR),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_to_what_matters() {
        const SECOND: i64 = 1_000_000_000;
        let told = [0, 999_999_999, SECOND, 59 * SECOND + 990_000_000, 61 * SECOND, 3_599 * SECOND].map(age);
        assert_eq!(told, ["0 ms", "999 ms", "1.0 s", "59.9 s", "1 min 1 s", "59 min 59 s"]);
        assert_eq!(
            [3_600 * SECOND, 86_399 * SECOND, 90_000 * SECOND].map(age),
            ["1 h 0 min", "23 h 59 min", "1 d 1 h"]
        );
    }
}
