// SPDX-License-Identifier: MIT OR Apache-2.0
//! Datagrams that wait to be sent: their bytes lie in one buffer, one behind the other, so that what is gathered for
//! one destination can leave as one piece.

use crate::handle::Handle;
use crate::sys::datagram::{Local, Name, Outgoing};
use std::collections::VecDeque;

#[derive(Default)]
pub struct SendQueue {
    bytes: Vec<u8>,
    entries: VecDeque<Entry>,
    /// How many bytes of it are still to be sent.
    size: usize,
}

struct Entry {
    future: Handle,
    start: usize,
    length: usize,
    to: Name,
    ecn: u8,
    local: Option<Local>,
}

/// Bytes that were sent are given up for others when they are so many, and more than half.
const WASTE: usize = 64 * 1024;
/// A queue that has held more than this gives the memory back.
const KEPT: usize = 256 * 1024;

impl SendQueue {
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn count(&self) -> usize {
        self.entries.len()
    }

    pub fn size(&self) -> usize {
        self.size
    }

    pub fn push(&mut self, future: Handle, outgoing: &Outgoing<'_>, to: Name) {
        let (start, length) = (self.bytes.len(), outgoing.bytes.len());
        self.bytes.extend_from_slice(outgoing.bytes);
        self.size += length;
        self.entries.push_back(Entry { future, start, length, to, ecn: outgoing.ecn, local: outgoing.local });
    }

    pub fn iter(&self) -> impl Iterator<Item = Outgoing<'_>> + Clone {
        self.entries.iter().map(|entry| Outgoing {
            bytes: &self.bytes[entry.start..entry.start + entry.length],
            to: &entry.to,
            ecn: entry.ecn,
            local: entry.local,
        })
    }

    /// Takes the first one out: its future and its length.
    pub fn pop(&mut self) -> Option<(Handle, usize)> {
        let first = self.entries.pop_front()?;
        self.size -= first.length;
        self.give_up_waste();
        Some((first.future, first.length))
    }

    /// Takes out all that belong to a future.
    pub fn cancel(&mut self, future: Handle) {
        self.entries.retain(|entry| entry.future != future);
        self.size = self.entries.iter().map(|entry| entry.length).sum();
        self.give_up_waste();
    }

    /// Drops everything. The futures, each once for each datagram of its.
    pub fn clear(&mut self) -> Vec<Handle> {
        self.size = 0;
        let futures = self.entries.drain(..).map(|entry| entry.future).collect();
        self.give_up_waste();
        futures
    }

    fn give_up_waste(&mut self) {
        let Some(first) = self.entries.front() else {
            self.bytes.clear();
            if self.bytes.capacity() > KEPT {
                self.bytes = Vec::new();
            }
            return;
        };
        let waste = first.start;
        if waste >= WASTE && waste > self.bytes.len() / 2 {
            self.bytes.drain(..waste);
            self.entries.iter_mut().for_each(|entry| entry.start -= waste);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue_of(lengths: &[usize]) -> SendQueue {
        let mut queue = SendQueue::default();
        for (n, length) in lengths.iter().enumerate() {
            let bytes = vec![n as u8; *length];
            let outgoing = Outgoing { bytes: &bytes, to: &Name::Peer, ecn: 0, local: None };
            queue.push(Handle::from_caller(n as i64 + 1).unwrap(), &outgoing, Name::Peer);
        }
        queue
    }

    fn left(queue: &SendQueue) -> Vec<(u8, usize)> {
        queue.iter().map(|one| (one.bytes[0], one.bytes.len())).collect()
    }

    #[test]
    fn bytes_stay_with_their_datagram_when_others_leave() {
        let mut queue = queue_of(&[40_000, 40_000, 1, 2, 3]);
        assert_eq!((queue.size(), queue.count()), (80_006, 5));
        queue.cancel(Handle::from_caller(4).unwrap());
        assert_eq!(queue.pop().map(|(_, length)| length), Some(40_000));
        assert_eq!(queue.pop().map(|(_, length)| length), Some(40_000));
        assert_eq!(left(&queue), [(2, 1), (4, 3)]);
        assert_eq!(queue.size(), 4);
        assert!(queue.bytes.len() < 10);
        assert_eq!(queue.clear().len(), 2);
        assert!(queue.is_empty() && queue.bytes.is_empty());
    }
}
