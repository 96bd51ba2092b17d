// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a loop in debug mode tells its programmer, on standard error: callbacks and steps that held up the loop, errors
//! that nobody looked at, and at the end tasks that are not done and futures that were kept for nothing.

use crate::core::Core;
use crate::dump::count;
use crate::error;
use crate::handle::Handle;
use crate::lifecycle::Object;
use std::io::Write;

/// How many of many are told by name.
const NAMED: usize = 3;

pub struct Debug {
    pub on: bool,
    /// What takes longer than so many nanoseconds is slow.
    pub slow: i64,
}

impl Default for Debug {
    fn default() -> Debug {
        let on = std::env::var_os("RONDEL_DEBUG").is_some_and(|value| !value.is_empty() && value != "0");
        Debug { on, slow: 100_000_000 }
    }
}

impl Core {
    /// A callback told by `source`, or a step of it, took `ns` nanoseconds.
    pub fn check_speed(&self, source: i64, ns: i64) {
        if ns > self.debug.slow {
            let what =
                Handle::from_caller(source).map_or_else(|_| "a callback".to_owned(), |source| self.describe(source));
            say(&format!("{what} held up the loop for {} ms", ns / 1_000_000));
        }
    }

    /// A future is being freed whose error nobody has looked at.
    pub fn report_unseen(&self, future: Handle, result: i64) {
        let message = error::message(result).to_string_lossy();
        say(&format!("nobody looked at the error of {}: {message}", self.describe(future)));
    }

    /// As `report_unseen`, of every future that is still held as the loop goes.
    pub fn report_all_unseen(&self) {
        for (handle, entry) in self.table.handles() {
            let Object::Future(future) = &entry.object else { continue };
            if let Some(error) = future.unseen_error() {
                self.report_unseen(handle, error);
            }
        }
    }

    pub fn report_pending_tasks(&self) {
        for task in self.tasks() {
            say(&format!("{} is not done, and its loop is being freed", self.describe(task)));
        }
    }

    /// Futures that are done, and that somebody has kept and not let go of.
    pub fn report_kept(&self) {
        let kept = self.table.handles().filter(
            |(_, entry)| matches!(&entry.object, Object::Future(future) if !future.is_pending() && future.is_held()),
        );
        let kept: Vec<Handle> = kept.map(|(handle, _)| handle).collect();
        if !kept.is_empty() {
            let some: Vec<String> = kept.iter().take(NAMED).map(|handle| self.describe(*handle)).collect();
            let (number, some) = (count(kept.len(), "future", "futures"), some.join(", "));
            let more = if kept.len() > NAMED { " and so on" } else { "" };
            say(&format!("kept and never released, though done: {number}: {some}{more}"));
        }
    }

    /// A handle in words.
    pub fn describe(&self, handle: Handle) -> String {
        let Ok(entry) = self.table.get(handle) else { return format!("handle {} (gone by now)", handle.number()) };
        let kind = self.word(entry);
        match entry.name() {
            Some(name) => format!("{kind} \"{name}\" ({})", handle.number()),
            None => format!("{kind} {}", handle.number()),
        }
    }
}

/// Says a text of many lines.
pub fn print(text: &str) {
    // Without a standard error there is nobody to tell.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

fn say(text: &str) {
    // Without a standard error there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "rondel: {text}");
}
