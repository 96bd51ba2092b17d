// SPDX-License-Identifier: MIT OR Apache-2.0
//! Circles: futures that wait for each other, and that nothing else can end.
//!
//! Cancelling one of them would not help: what it asks to end asks what it waits for. So a circle that is cancelled, or
//! that is left when all is to end, is broken in one place. Whoever waits for it from outside, or elsewhere in it, then
//! hears how it ended, as it should.

use super::{Op, Waiter};
use crate::combine::Verdict;
use crate::core::Core;
use crate::error::Error;
use crate::handle::Handle;
use crate::lifecycle::Object;
use crate::sys;
use std::collections::BTreeMap;

/// For each pending future those that it waits for.
type Waits = BTreeMap<Handle, Vec<Handle>>;

/// How long a look for circles is not made again, for each future that was looked at: some sixteen times of what it took.
const PAUSE: i64 = 8_000;

impl Core {
    /// As the loop is being freed and nothing goes on any more: ends what nobody will, and if there is nothing of the
    /// kind the circles. Whether there is something to do then.
    pub fn end_the_stuck(&mut self) -> bool {
        let waits = self.waits();
        for (handle, _) in waits.iter().filter(|(_, on)| on.is_empty()) {
            self.end_stuck(*handle);
        }
        if self.ready.len() == 0 && self.closing.is_empty() {
            self.break_circles(&waits);
        }
        self.ready.len() > 0 || !self.closing.is_empty()
    }

    /// As a program ends: breaks the circles, but leaves alone what something may end yet, such as another thread. How
    /// long until it has to look again; `None`: not before something has happened.
    pub fn check_circles(&mut self) -> Option<i64> {
        let now = sys::clock();
        if now < self.next_circle_check {
            return Some(self.next_circle_check - now);
        }
        let mut waits = self.waits();
        // By their number, as the clock also counts while the process is stopped.
        self.next_circle_check = now + waits.len() as i64 * PAUSE;
        self.leave_out_what_may_end(&mut waits);
        self.break_circles(&waits);
        None
    }

    fn waits(&self) -> Waits {
        let mut waits = Waits::new();
        for (handle, future) in self.pending_futures() {
            waits.entry(handle).or_default();
            for waiter in future.waiters.iter() {
                match waiter {
                    Waiter::Task(task) => waits.entry(task).or_default().push(handle),
                    Waiter::Part(whole, _) => {
                        for whole in self.futures_of(whole) {
                            waits.entry(whole).or_default().push(handle);
                        }
                    }
                    Waiter::Caller(_) | Waiter::Thread(_) => {}
                }
            }
        }
        waits
    }

    /// Those that end when the parts of something do: itself, if it is a future.
    fn futures_of(&self, whole: Handle) -> Vec<Handle> {
        match self.table.get(whole).map(|entry| &entry.object) {
            Ok(Object::Future(future)) if future.is_pending() => vec![whole],
            Ok(Object::AsCompleted(iterator)) => iterator.asked().collect(),
            Ok(Object::Group(group)) => group.pending_join().into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// What waits for nothing may end by itself, or by its owner, and what has a deadline then; and with it whoever waits
    /// for it.
    fn leave_out_what_may_end(&self, waits: &mut Waits) {
        let mut waiters = Waits::new();
        for (handle, on) in &*waits {
            for other in on {
                waiters.entry(*other).or_default().push(*handle);
            }
        }
        let has_deadline = |handle: Handle| {
            matches!(self.table.get(handle).map(|entry| &entry.object),
                Ok(Object::Future(future)) if future.deadline.is_some())
        };
        let may_end = waits.iter().filter(|(handle, on)| on.is_empty() || has_deadline(**handle));
        let mut may_end: Vec<Handle> = may_end.map(|(handle, _)| *handle).collect();
        while let Some(handle) = may_end.pop() {
            if waits.remove(&handle).is_some() {
                may_end.extend(waiters.remove(&handle).into_iter().flatten());
            }
        }
    }

    /// Of those that all wait for others among them.
    fn break_circles(&mut self, waits: &Waits) {
        let waits_for = |_: &Core, handle| waits.get(&handle).cloned().unwrap_or_default();
        self.break_circles_from(waits.keys().copied(), waits_for, |_, _| true);
    }

    /// These were reached twice as something was cancelled. Where one waits for itself nothing in that circle would ever
    /// end. (As the loop is freed all are cancelled, in whatever order.)
    pub(super) fn break_circles_of(&mut self, starts: Vec<Handle>) {
        if !self.freeing {
            // Behind a join there may be tasks that are not cancelled now.
            let may = |core: &Core, handle| core.is_task(handle) && core.is_reached_again(handle);
            self.break_circles_from(starts.into_iter(), Core::waited_for_by, may);
        }
    }

    /// In each circle that can be reached from these the wait of a task ends, or if it has none what it begins with, of
    /// those that `may` be ended.
    fn break_circles_from(
        &mut self,
        starts: impl Iterator<Item = Handle>,
        waits_for: impl Fn(&Core, Handle) -> Vec<Handle>,
        may: impl Fn(&Core, Handle) -> bool,
    ) {
        // What was followed, with its place on the path to where this is; `None`: to its end.
        let mut followed: BTreeMap<Handle, Option<usize>> = BTreeMap::new();
        for start in starts {
            // Each with what is still to be followed from there.
            let mut path = Vec::new();
            let mut next = Some(start);
            loop {
                if let Some(next) = next.filter(|next| self.is_pending(*next)) {
                    match followed.get(&next) {
                        None => {
                            followed.insert(next, Some(path.len()));
                            path.push((next, waits_for(self, next)));
                        }
                        Some(Some(begin)) => {
                            let mut tasks =
                                (*begin..path.len()).rev().filter(|index| self.is_task(path[*index].0)).peekable();
                            let weakest = match tasks.peek() {
                                Some(_) => tasks.find(|index| may(self, path[*index].0)),
                                None => Some(*begin).filter(|begin| may(self, path[*begin].0)),
                            };
                            if let Some(index) = weakest {
                                self.end_stuck(path[index].0);
                                // From there the others are reached no more, but they may be from elsewhere.
                                for (other, _) in path.drain(index + 1..) {
                                    followed.remove(&other);
                                }
                            }
                        }
                        Some(None) => {}
                    }
                }
                let Some((last, rest)) = path.last_mut() else { break };
                next = rest.pop();
                if next.is_none() {
                    followed.insert(*last, None);
                    path.pop();
                }
            }
        }
    }

    fn is_task(&self, handle: Handle) -> bool {
        self.table.get(handle).is_ok_and(|entry| entry.is_pending_task())
    }

    /// What a future would end with, if that is other futures.
    fn waited_for_by(&self, handle: Handle) -> Vec<Handle> {
        let Ok(Object::Future(future)) = self.table.get(handle).map(|entry| &entry.object) else { return Vec::new() };
        match &future.op {
            Op::Task(task) => task.awaited().into_iter().collect(),
            Op::Whole(whole) => whole.awaited().collect(),
            Op::Join => match self.table.get(future.origin).map(|entry| &entry.object) {
                Ok(Object::Group(group)) => group.children().collect(),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    fn end_stuck(&mut self, handle: Handle) {
        let Ok(future) = self.future_mut(handle) else { return };
        let origin = future.origin;
        match future.op {
            Op::Task(_) => self.end_await_of(handle),
            Op::Whole(_) => self.end_whole(handle, Verdict::Result(Error::ECANCELED.code())),
            Op::Join => self.end_join(origin),
            _ => self.complete(handle, Error::ECANCELED.code()),
        }
    }
}
