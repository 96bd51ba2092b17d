// SPDX-License-Identifier: MIT OR Apache-2.0
//! The bytes that a stream still has to send, and the writes they belong to.
//!
//! Bytes and writes are kept apart: small writes share one buffer, and a write is done when the stream has sent up to
//! its end. A stream has a queue only while it has something to send; queues and buffers are used again.

use crate::error::{Error, Result};
use crate::handle::Handle;
use crate::net::stream::FilePart;
use crate::sys::lent::LentBytes;
use crate::sys::passing::{self, Passed};
use crate::sys::{RawSource, Source};
use std::collections::VecDeque;
use std::io::{self, IoSlice};

enum Segment {
    Copied {
        bytes: Vec<u8>,
        start: usize,
    },
    /// The caller's bytes. `whole`: until the write completes; else only during the present call.
    Lent {
        bytes: LentBytes,
        start: usize,
        whole: bool,
    },
    /// Not in memory, and all of one write.
    File(Box<FilePart>),
}

impl Segment {
    /// What is in memory.
    fn rest(&self) -> &[u8] {
        match self {
            Segment::Copied { bytes, start } => &bytes[*start..],
            Segment::Lent { bytes, start, .. } => &bytes.slice()[*start..],
            Segment::File(_) => &[],
        }
    }

    fn length(&self) -> u64 {
        match self {
            Segment::File(part) => part.left,
            _ => self.rest().len() as u64,
        }
    }

    fn skip(&mut self, count: usize) {
        match self {
            Segment::Copied { start, .. } | Segment::Lent { start, .. } => *start += count,
            Segment::File(part) => part.advance(count),
        }
    }

    /// Cuts out what lies between two places. Whether nothing is left: one that is not copied is all of one write.
    fn cut(&mut self, from: u64, to: u64) -> bool {
        let Segment::Copied { bytes, start } = self else { return true };
        bytes.drain(*start + from as usize..*start + to as usize);
        bytes.len() == *start
    }
}

struct Write {
    future: Handle,
    length: u64,
    /// Where in the stream its last byte is.
    end: u64,
}

/// Descriptors that go with a byte.
struct Cargo {
    /// Where in the stream that byte is.
    at: u64,
    passed: Vec<Passed>,
}

#[derive(Default)]
pub struct WriteQueue {
    segments: VecDeque<Segment>,
    /// In the order of the bytes they go with.
    cargo: VecDeque<Cargo>,
    writes: VecDeque<Write>,
    /// Bytes of the stream queued and sent since the queue was taken out of the spares.
    queued: u64,
    sent: u64,
    /// Where the last byte is of a write that was cancelled after it had begun.
    owed: u64,
}

/// Buffers to copy into, used again.
#[derive(Default)]
pub struct Buffers(Vec<Vec<u8>>);

/// Small writes are gathered in buffers of this size.
const BUFFER: usize = 16 * 1024;
/// How many of them a loop keeps for later.
const KEPT: usize = 64;
/// How many pieces go out in one call.
const PIECES: usize = 32;

impl Buffers {
    /// It fails for want of memory.
    fn take(&mut self, size: usize) -> Result<Vec<u8>> {
        // What needs a larger one must not use up one that is kept.
        let kept = if size <= BUFFER { self.0.pop() } else { None };
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let mut buffer = Vec::new();
        buffer.try_reserve_exact(size.max(BUFFER)).map_err(|_| Error::ENOMEM)?;
        Ok(buffer)
    }

    fn put(&mut self, mut buffer: Vec<u8>) {
        if self.0.len() < KEPT && buffer.capacity() == BUFFER {
            buffer.clear();
            self.0.push(buffer);
        }
    }
}

impl WriteQueue {
    pub fn size(&self) -> u64 {
        self.queued - self.sent
    }

    /// Whether bytes are left that must be sent though no write waits for them any more.
    pub fn owes(&self) -> bool {
        self.sent < self.owed
    }

    pub fn has_bytes(&self) -> bool {
        self.size() > 0
    }

    pub fn is_empty(&self) -> bool {
        self.writes.is_empty() && !self.has_bytes()
    }

    /// Notes that what was pushed since the last call belongs to this write.
    pub fn push_write(&mut self, future: Handle, length: u64) {
        self.writes.push_back(Write { future, length, end: self.queued });
    }

    /// Without memory for it nothing has changed.
    pub fn push_copy(&mut self, bytes: &[u8], buffers: &mut Buffers) -> Result<()> {
        if let Some(Segment::Copied { bytes: last, .. }) = self.segments.back_mut()
            && last.capacity() - last.len() >= bytes.len()
        {
            last.extend_from_slice(bytes);
        } else {
            self.segments.push_back(copied(bytes, buffers)?);
        }
        self.queued += bytes.len() as u64;
        Ok(())
    }

    /// Whether some of the bytes of a write were sent.
    pub fn has_begun(&self, future: Handle) -> bool {
        self.writes.iter().any(|write| write.future == future && write.end - write.length < self.sent)
    }

    /// Has these descriptors go with the byte that is pushed next.
    pub fn push_cargo(&mut self, passed: Vec<Passed>) {
        if !passed.is_empty() {
            self.cargo.push_back(Cargo { at: self.queued, passed });
        }
    }

    /// Counts bytes of the write that is pushed next, which have been sent past the (empty) queue.
    pub fn note_sent(&mut self, count: u64) {
        self.queued += count;
        self.sent += count;
    }

    /// `whole`: the bytes are lent until the write completes; else call `own_the_rest` before this call ends.
    pub fn push_lent(&mut self, bytes: LentBytes, whole: bool) {
        self.queued += bytes.slice().len() as u64;
        self.segments.push_back(Segment::Lent { bytes, start: 0, whole });
    }

    pub fn push_file(&mut self, part: Box<FilePart>) {
        self.queued += part.left;
        self.segments.push_back(Segment::File(part));
    }

    /// The file that is to be sent next, if what is next is one.
    pub fn file_in_front(&mut self) -> Option<&mut FilePart> {
        match self.segments.front_mut() {
            Some(Segment::File(part)) => Some(part),
            _ => None,
        }
    }

    /// The file of this write.
    pub fn file_of(&mut self, future: Handle) -> Option<&mut FilePart> {
        self.segments.iter_mut().find_map(|segment| match segment {
            Segment::File(part) if part.future == future => Some(&mut **part),
            _ => None,
        })
    }

    /// The file in front has no more: its write ends here, and what follows moves up. Gives the write, if it is there still.
    pub fn cut_file_short(&mut self) -> Option<Handle> {
        let Some(Segment::File(part)) = self.segments.front() else { return None };
        let (future, missing) = (part.future, part.left);
        self.segments.pop_front();
        self.queued -= missing;
        if self.owed > self.sent {
            self.owed -= missing;
        }
        self.cargo.iter_mut().filter(|cargo| cargo.at > self.sent).for_each(|cargo| cargo.at -= missing);
        let mut found = None;
        for write in self.writes.iter_mut().filter(|write| write.end > self.sent) {
            write.end -= missing;
            if write.future == future {
                write.length -= missing;
                found = Some(future);
            }
        }
        found
    }

    /// The file in front, of this write, has so much more than was thought: what follows moves down.
    pub fn file_grew(&mut self, future: Handle, more: u64) {
        self.queued += more;
        if self.owed > self.sent {
            self.owed += more;
        }
        self.cargo.iter_mut().filter(|cargo| cargo.at > self.sent).for_each(|cargo| cargo.at += more);
        for write in self.writes.iter_mut().filter(|write| write.end > self.sent) {
            write.end += more;
            if write.future == future {
                write.length += more;
            }
        }
    }

    /// Takes a write out of which nothing is queued any more.
    pub fn forget_write(&mut self, future: Handle) {
        self.writes.retain(|write| write.future != future);
    }

    /// Copies what is left of bytes that were lent for this call only. If it fails they must not stay here.
    pub fn own_the_rest(&mut self, buffers: &mut Buffers) -> Result<()> {
        for segment in self.segments.iter_mut().rev() {
            match segment {
                Segment::Lent { whole: false, .. } => *segment = copied(segment.rest(), buffers)?,
                _ => break,
            }
        }
        Ok(())
    }

    /// Sends once, as much as it can, of what is in memory and in front. Gives what was sent and what was tried.
    pub fn send(&mut self, source: &Source, buffers: &mut Buffers) -> io::Result<(usize, usize)> {
        let (sent, tried) = match self.segments.len() {
            0 => return Ok((0, 0)),
            _ if !self.cargo.is_empty() => self.send_with_cargo(source)?,
            1 => {
                let bytes = self.segments[0].rest();
                (source.send(bytes)?, bytes.len())
            }
            _ => {
                let mut slices = [IoSlice::new(&[]); PIECES];
                let mut tried = 0;
                let mut count = 0;
                for (slice, segment) in slices.iter_mut().zip(&self.segments) {
                    if matches!(segment, Segment::File(_)) {
                        break;
                    }
                    *slice = IoSlice::new(segment.rest());
                    tried += segment.rest().len();
                    count += 1;
                }
                let more = matches!(self.segments.get(count), Some(Segment::File(part)) if part.follows_at_once());
                (source.send_vectored(&slices[..count], more)?, tried)
            }
        };
        self.advance(sent, buffers);
        Ok((sent, tried))
    }

    /// Sends up to where the next descriptors go, or those and what follows them. What arrives with a byte must not
    /// leave with an earlier one.
    fn send_with_cargo(&mut self, source: &Source) -> io::Result<(usize, usize)> {
        let here = self.cargo.front().is_some_and(|cargo| cargo.at == self.sent);
        let end = self.cargo.get(usize::from(here)).map_or(self.queued, |cargo| cargo.at);
        let tried = (end - self.sent) as usize;
        let mut slices = [IoSlice::new(&[]); PIECES];
        let (mut left, mut count) = (tried, 0);
        for (slice, segment) in slices.iter_mut().zip(&self.segments) {
            if matches!(segment, Segment::File(_)) {
                break;
            }
            let rest = segment.rest();
            *slice = IoSlice::new(&rest[..rest.len().min(left)]);
            left -= rest.len().min(left);
            count += 1;
            if left == 0 {
                break;
            }
        }
        let tried = tried - left;
        match (here, self.cargo.front()) {
            (true, Some(cargo)) => {
                let numbers: Vec<RawSource> = cargo.passed.iter().map(passing::raw).collect();
                let sent = source.send_passing(&slices[..count], &numbers)?;
                self.cargo.pop_front();
                Ok((sent, tried))
            }
            _ => Ok((source.send_vectored(&slices[..count], false)?, tried)),
        }
    }

    /// So much has left.
    pub fn advance(&mut self, sent: usize, buffers: &mut Buffers) {
        self.drop_front(sent as u64, buffers);
    }

    fn drop_front(&mut self, mut sent: u64, buffers: &mut Buffers) {
        self.sent += sent;
        while let Some(first) = self.segments.front_mut() {
            let rest = first.length();
            if sent < rest {
                if sent > 0 {
                    first.skip(sent as usize);
                }
                return;
            }
            sent -= rest;
            if let Some(Segment::Copied { bytes, .. }) = self.segments.pop_front() {
                buffers.put(bytes);
            }
        }
    }

    /// The next write that is done: its future and its length.
    pub fn pop_done(&mut self) -> Option<(Handle, u64)> {
        let first = self.writes.front()?;
        if first.end > self.sent {
            return None;
        }
        self.writes.pop_front().map(|write| (write.future, write.length))
    }

    /// Drops everything; the writes that were not done.
    pub fn clear(&mut self, buffers: &mut Buffers) -> impl Iterator<Item = Handle> + use<> {
        self.drop_front(self.queued - self.sent, buffers);
        self.cargo.clear();
        std::mem::take(&mut self.writes).into_iter().map(|write| write.future)
    }

    /// Takes a write out. If none of its bytes was sent they will not be; else the rest goes out without it. Without memory
    /// for that nothing here can go out any more.
    pub fn cancel(&mut self, future: Handle, buffers: &mut Buffers) -> Result<()> {
        let Some(index) = self.writes.iter().position(|write| write.future == future) else { return Ok(()) };
        let Some(Write { length, end, .. }) = self.writes.remove(index) else { return Ok(()) };
        let begin = end - length;
        let keep = begin < self.sent;
        let mut at = 0;
        let mut last = self.sent;
        while last < end
            && let Some(segment) = self.segments.get_mut(at)
        {
            let first = last;
            last += segment.length();
            let gone = last > begin && !keep && segment.cut(begin.max(first) - first, end.min(last) - first);
            if keep && matches!(segment, Segment::Lent { .. }) {
                // It has begun: what is left of it must follow, from memory of ours.
                *segment = copied(segment.rest(), buffers)?;
            }
            if !gone {
                at += 1;
            } else if let Some(Segment::Copied { bytes, .. }) = self.segments.remove(at) {
                buffers.put(bytes);
            }
        }
        if keep {
            self.owed = end;
        } else {
            self.queued -= length;
            self.cargo.retain(|cargo| cargo.at < begin || cargo.at >= end);
            self.cargo.iter_mut().filter(|cargo| cargo.at >= end).for_each(|cargo| cargo.at -= length);
            self.writes.iter_mut().skip(index).for_each(|write| write.end -= length);
        }
        Ok(())
    }
}

fn copied(bytes: &[u8], buffers: &mut Buffers) -> Result<Segment> {
    let mut buffer = buffers.take(bytes.len())?;
    buffer.extend_from_slice(bytes);
    Ok(Segment::Copied { bytes: buffer, start: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn future(n: i64) -> Handle {
        Handle::from_caller(n).unwrap()
    }

    fn left(queue: &WriteQueue) -> Vec<u8> {
        queue.segments.iter().flat_map(|segment| segment.rest().to_vec()).collect()
    }

    fn queue_of(parts: &[&str], buffers: &mut Buffers) -> WriteQueue {
        let mut queue = WriteQueue::default();
        for (n, part) in parts.iter().enumerate() {
            queue.push_copy(part.as_bytes(), buffers).unwrap();
            queue.push_write(future(n as i64 + 1), part.len() as u64);
        }
        queue
    }

    #[test]
    fn a_write_not_begun_is_taken_out_whole() {
        let mut buffers = Buffers::default();
        let mut queue = queue_of(&["one", "two", "three"], &mut buffers);
        queue.advance(1, &mut buffers);
        queue.cancel(future(2), &mut buffers).unwrap();
        assert_eq!(left(&queue), b"nethree");
        assert_eq!(queue.size(), 7);
        queue.advance(2, &mut buffers);
        assert_eq!(queue.pop_done(), Some((future(1), 3)));
        assert_eq!(queue.pop_done(), None);
        queue.advance(5, &mut buffers);
        assert_eq!(queue.pop_done(), Some((future(3), 5)));
        assert!(queue.is_empty());
    }

    #[test]
    fn writes_that_are_taken_out_leave_no_more_buffers_than_there_were() {
        let mut buffers = Buffers::default();
        let parts = vec!["seven b"; 10_000];
        let mut queue = queue_of(&parts, &mut buffers);
        let before = queue.segments.len();
        for n in (1..=10_000).filter(|n| n % 10 != 0) {
            queue.cancel(future(n), &mut buffers).unwrap();
            assert!(queue.segments.len() <= before);
        }
        assert_eq!(left(&queue), "seven b".repeat(1000).as_bytes());
        queue.advance(700, &mut buffers);
        for n in 1..=100 {
            assert_eq!(queue.pop_done(), Some((future(n * 10), 7)));
        }
        assert_eq!(queue.pop_done(), None);
        for n in (101..=1000).rev() {
            queue.cancel(future(n * 10), &mut buffers).unwrap();
        }
        assert!(queue.segments.is_empty() && queue.is_empty());
    }

    #[test]
    fn a_write_that_has_begun_is_sent_whole() {
        let mut buffers = Buffers::default();
        let mut queue = queue_of(&["one", "two"], &mut buffers);
        queue.advance(1, &mut buffers);
        queue.cancel(future(1), &mut buffers).unwrap();
        assert_eq!(left(&queue), b"netwo");
        queue.advance(5, &mut buffers);
        assert_eq!(queue.pop_done(), Some((future(2), 3)));
        assert!(queue.is_empty());
    }

    #[test]
    fn empty_writes_are_done_in_their_turn() {
        let mut buffers = Buffers::default();
        let mut queue = queue_of(&["", "x", ""], &mut buffers);
        assert_eq!(queue.pop_done(), Some((future(1), 0)));
        assert_eq!(queue.pop_done(), None);
        queue.advance(1, &mut buffers);
        assert_eq!(queue.pop_done(), Some((future(2), 1)));
        assert_eq!(queue.pop_done(), Some((future(3), 0)));
    }
}
