// SPDX-License-Identifier: MIT OR Apache-2.0
//! Datagrams that wait to be sent: their bytes lie in one buffer, one behind the other, so that what is gathered for
//! one destination can leave as one piece.

use super::numbered::Numbered;
use crate::error::{Error, Result};
use crate::handle::Handle;
use crate::sys::datagram::{Local, Name, Outgoing};

#[derive(Default)]
pub struct SendQueue {
    bytes: Vec<u8>,
    entries: Numbered<Entry>,
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

/// Bytes that were sent or cancelled are given up for others when they are so many, and more than half.
const WASTE: usize = 64 * 1024;
/// A queue that has held more than this gives the memory back.
const KEPT: usize = 256 * 1024;

impl SendQueue {
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn count(&self) -> usize {
        self.entries.count()
    }

    pub fn size(&self) -> usize {
        self.size
    }

    /// Its number is what it can be cancelled by.
    pub fn push(&mut self, future: Handle, outgoing: &Outgoing<'_>, to: Name) -> Result<u32> {
        let (start, length) = (self.bytes.len(), outgoing.bytes.len());
        self.bytes.try_reserve(length).map_err(|_| Error::ENOMEM)?;
        self.entries.make_room()?;
        self.bytes.extend_from_slice(outgoing.bytes);
        self.size += length;
        Ok(self.entries.push(Entry { future, start, length, to, ecn: outgoing.ecn, local: outgoing.local }))
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
        let first = self.entries.pop()?;
        self.size -= first.length;
        self.give_up_waste();
        Some((first.future, first.length))
    }

    /// Takes out all that belong to a future; the first of them was pushed with this number.
    pub fn cancel(&mut self, number: u32, future: Handle) {
        self.entries.take_out(number, |entry| entry.future == future, |entry| self.size -= entry.length);
        self.give_up_waste();
    }

    /// Drops everything. The futures, each once for each datagram of its.
    pub fn clear(&mut self) -> Vec<Handle> {
        self.size = 0;
        let futures = std::iter::from_fn(|| self.entries.pop()).map(|entry| entry.future).collect();
        self.give_up_waste();
        futures
    }

    fn give_up_waste(&mut self) {
        if self.entries.is_empty() {
            self.bytes.clear();
            if self.bytes.capacity() > KEPT {
                self.bytes = Vec::new();
            }
            return;
        }
        let waste = self.bytes.len() - self.size;
        if waste >= WASTE && waste > self.size && waste > self.entries.count() {
            let mut end = 0;
            for entry in self.entries.iter_mut() {
                self.bytes.copy_within(entry.start..entry.start + entry.length, end);
                entry.start = end;
                end += entry.length;
            }
            self.bytes.truncate(end);
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
            queue.push(Handle::from_caller(n as i64 + 1).unwrap(), &outgoing, Name::Peer).unwrap();
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
        queue.cancel(3, Handle::from_caller(4).unwrap());
        assert_eq!(queue.pop().map(|(_, length)| length), Some(40_000));
        assert_eq!(queue.pop().map(|(_, length)| length), Some(40_000));
        assert_eq!(left(&queue), [(2, 1), (4, 3)]);
        assert_eq!(queue.size(), 4);
        assert!(queue.bytes.len() < 10);
        assert_eq!(queue.clear().len(), 2);
        assert!(queue.is_empty() && queue.bytes.is_empty());
    }

    #[test]
    fn what_was_cancelled_behind_one_that_waits_takes_no_memory() {
        let mut queue = queue_of(&[10]);
        for n in 0..1000 {
            let bytes = [7; 1000];
            let future = Handle::from_caller(n + 2).unwrap();
            let outgoing = Outgoing { bytes: &bytes, to: &Name::Peer, ecn: 0, local: None };
            let number = queue.push(future, &outgoing, Name::Peer).unwrap();
            queue.cancel(number, future);
            assert_eq!((queue.size(), queue.count()), (10, 1));
        }
        assert!(queue.bytes.len() < 2 * WASTE);
        assert_eq!(left(&queue), [(0, 10)]);
    }
}
