// SPDX-License-Identifier: MIT OR Apache-2.0
//! The deadline heap: everything of a loop that waits for a time.
//!
//! A 4-ary heap of (due, sequence, id), ordered by time and then by start. Each deadline knows its place, so it can
//! be moved and removed. One that only moves later keeps its place until it comes up: re-arming a timeout on every
//! message costs a store.

use crate::handle::Handle;

/// Names a deadline as long as it is set; the number is used again after that.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TimerId(u32);

#[derive(Clone, Copy)]
struct Node {
    due: i64,
    sequence: u64,
    id: u32,
}

impl Node {
    fn before(&self, other: &Node) -> bool {
        (self.due, self.sequence) < (other.due, other.sequence)
    }
}

struct Deadline {
    owner: Handle,
    /// The real time and order; the node's own may be earlier.
    due: i64,
    sequence: u64,
    place: u32,
}

const ARITY: usize = 4;

#[derive(Default)]
pub struct Timers {
    heap: Vec<Node>,
    deadlines: Vec<Option<Deadline>>,
    free: Vec<u32>,
    sequence: u64,
}

impl Timers {
    /// Sets a deadline; `owner` is who is told of it.
    pub fn insert(&mut self, due: i64, owner: Handle) -> TimerId {
        let sequence = self.next_sequence();
        let id = self.free.pop().unwrap_or_else(|| {
            self.deadlines.push(None);
            (self.deadlines.len() - 1) as u32
        });
        self.deadlines[id as usize] = Some(Deadline { owner, due, sequence, place: self.heap.len() as u32 });
        self.heap.push(Node { due, sequence, id });
        self.rise(self.heap.len() - 1);
        TimerId(id)
    }

    /// Sets the deadline anew, as if it had been started now.
    pub fn update(&mut self, timer: TimerId, due: i64) {
        let sequence = self.next_sequence();
        let Some(deadline) = &mut self.deadlines[timer.0 as usize] else { return };
        let place = deadline.place as usize;
        deadline.due = due;
        deadline.sequence = sequence;
        if due < self.heap[place].due {
            self.heap[place] = Node { due, sequence, id: timer.0 };
            self.rise(place);
        }
    }

    pub fn remove(&mut self, timer: TimerId) {
        let Some(deadline) = self.deadlines[timer.0 as usize].take() else { return };
        self.free.push(timer.0);
        self.remove_node(deadline.place as usize);
    }

    pub fn due(&self, timer: TimerId) -> Option<i64> {
        self.deadlines[timer.0 as usize].as_ref().map(|deadline| deadline.due)
    }

    /// The next deadline that was set before `mark` and is due at `now`: its name, its owner and its time. It is removed.
    pub fn pop(&mut self, now: i64, mark: u64) -> Option<(TimerId, Handle, i64)> {
        self.settle();
        let first = *self.heap.first()?;
        if first.due > now || first.sequence >= mark {
            return None;
        }
        let deadline = self.deadlines[first.id as usize].take()?;
        self.free.push(first.id);
        self.remove_node(0);
        Some((TimerId(first.id), deadline.owner, deadline.due))
    }

    /// When the first deadline is due.
    pub fn next_due(&mut self) -> Option<i64> {
        self.settle();
        self.heap.first().map(|node| node.due)
    }

    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// What is set from now on comes after this mark.
    pub fn mark(&self) -> u64 {
        self.sequence
    }

    fn next_sequence(&mut self) -> u64 {
        let sequence = self.sequence;
        self.sequence += 1;
        sequence
    }

    /// Moves deadlines that were put off to where they belong, until the first one is in its right place.
    fn settle(&mut self) {
        while let Some(first) = self.heap.first() {
            let Some(deadline) = &self.deadlines[first.id as usize] else { return };
            if deadline.sequence == first.sequence {
                return;
            }
            self.heap[0] = Node { due: deadline.due, sequence: deadline.sequence, id: first.id };
            self.sink(0);
        }
    }

    fn remove_node(&mut self, place: usize) {
        let Some(last) = self.heap.pop() else { return };
        if place < self.heap.len() {
            self.heap[place] = last;
            self.rise(place);
            self.sink(self.place_of(last.id));
        }
    }

    fn place_of(&self, id: u32) -> usize {
        self.deadlines[id as usize].as_ref().map_or(0, |deadline| deadline.place as usize)
    }

    fn set(&mut self, place: usize, node: Node) {
        self.heap[place] = node;
        if let Some(deadline) = &mut self.deadlines[node.id as usize] {
            deadline.place = place as u32;
        }
    }

    fn rise(&mut self, mut place: usize) {
        let node = self.heap[place];
        while place > 0 {
            let parent = (place - 1) / ARITY;
            if !node.before(&self.heap[parent]) {
                break;
            }
            self.set(place, self.heap[parent]);
            place = parent;
        }
        self.set(place, node);
    }

    fn sink(&mut self, mut place: usize) {
        let node = self.heap[place];
        loop {
            let first = place * ARITY + 1;
            let end = (first + ARITY).min(self.heap.len());
            let Some(least) = (first..end).reduce(|a, b| if self.heap[b].before(&self.heap[a]) { b } else { a }) else {
                break;
            };
            if !self.heap[least].before(&node) {
                break;
            }
            self.set(place, self.heap[least]);
            place = least;
        }
        self.set(place, node);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(n: i64) -> Handle {
        Handle::from_caller(n + 1).unwrap()
    }

    fn pop(timers: &mut Timers, now: i64, mark: u64) -> Option<(Handle, i64)> {
        timers.pop(now, mark).map(|(_, owner, due)| (owner, due))
    }

    #[test]
    fn comes_up_in_the_order_of_a_sorted_list() {
        let mut timers = Timers::default();
        let mut random = 12345u64;
        let mut next = move || {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (random >> 33) as i64
        };
        let mut model: Vec<(i64, u64, i64)> = Vec::new();
        let mut ids = Vec::new();
        for n in 0..5000 {
            let due = next() % 1000;
            ids.push(timers.insert(due, owner(n)));
            model.push((due, n as u64, n));
        }
        let mut sequence = 5000;
        for n in 0..5000 {
            match next() % 3 {
                0 => {
                    timers.remove(ids[n]);
                    model[n].0 = -1;
                }
                1 => {
                    let due = next() % 1000;
                    timers.update(ids[n], due);
                    model[n] = (due, sequence, n as i64);
                    sequence += 1;
                }
                _ => {}
            }
        }
        model.retain(|row| row.0 >= 0);
        model.sort();
        for row in model {
            assert_eq!(timers.next_due(), Some(row.0));
            assert_eq!(pop(&mut timers, i64::MAX, u64::MAX), Some((owner(row.2), row.0)));
        }
        assert_eq!(pop(&mut timers, i64::MAX, u64::MAX), None);
    }

    #[test]
    fn nothing_comes_up_early_nor_what_was_set_after_the_mark() {
        let mut timers = Timers::default();
        timers.insert(10, owner(1));
        assert_eq!(pop(&mut timers, 9, u64::MAX), None);
        let mark = timers.mark();
        timers.insert(5, owner(2));
        assert_eq!(pop(&mut timers, 10, mark), None);
        let mark = timers.mark();
        assert_eq!(pop(&mut timers, 10, mark), Some((owner(2), 5)));
        assert_eq!(pop(&mut timers, 10, mark), Some((owner(1), 10)));
    }
}
