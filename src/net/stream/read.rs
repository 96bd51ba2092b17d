// SPDX-License-Identifier: MIT OR Apache-2.0
//! The reading side: push (`read_start`), push into the reader's memory, and one-shot reads.
//!
//! Nothing received is ever lost: what a one-shot read took and does not need, or had when it was cancelled, goes
//! back and is the first thing the next reader gets.

use super::Stream;
use crate::callback::{Notify, ReadFunction, UserData};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::future::Op;
use crate::handle::Handle;
use crate::lifecycle::Object;
use crate::sys::lent::{Lender, LentBuffer};
use std::io;

pub enum Reader {
    Nobody,
    Push { function: ReadFunction, data: UserData },
    Into { lender: Lender, function: ReadFunction, data: UserData },
    Once(Once),
}

/// Bytes that were received and go to the next reader.
#[derive(Default)]
pub struct Leftover {
    bytes: Vec<u8>,
    start: usize,
}

impl Leftover {
    fn rest(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    pub fn is_empty(&self) -> bool {
        self.start == self.bytes.len()
    }

    /// Moves out as much as there is room for.
    fn take(&mut self, room: &mut [u8]) -> usize {
        let count = self.rest().len().min(room.len());
        room[..count].copy_from_slice(&self.rest()[..count]);
        self.start += count;
        if self.is_empty() {
            *self = Leftover::default();
        }
        count
    }

    fn put_back(&mut self, bytes: &[u8]) {
        match self.start.checked_sub(bytes.len()) {
            Some(start) => {
                self.bytes[start..self.start].copy_from_slice(bytes);
                self.start = start;
            }
            None => {
                self.bytes.splice(..self.start, bytes.iter().copied());
                self.start = 0;
            }
        }
    }
}

/// A one-shot read.
pub struct Once {
    future: Handle,
    buffer: LentBuffer,
    filled: usize,
    goal: Goal,
}

pub enum Goal {
    /// Whatever comes first.
    Some,
    /// The whole buffer.
    Full,
    /// Up to and with these bytes.
    Delimiter(Box<[u8]>),
}

/// What the driver is to tell a reader.
pub enum Received {
    Nothing,
    Bytes { function: ReadFunction, data: UserData, count: usize, more: bool },
    End { function: ReadFunction, data: UserData, code: Error },
    WantsMemory { lender: Lender, function: ReadFunction, data: UserData },
}

/// What one attempt to receive brought.
enum Got {
    /// `more`: there may be more at once.
    Bytes {
        count: usize,
        more: bool,
    },
    End(Error),
    NotNow,
}

impl Stream {
    /// Leftover bytes first, then the descriptor.
    fn get(&mut self, buffer: &mut [u8]) -> Got {
        if !self.leftover.is_empty() {
            return Got::Bytes { count: self.leftover.take(buffer), more: true };
        }
        if let Some(end) = self.read_end {
            return Got::End(end);
        }
        let received = match &mut self.arrivals {
            None => self.source.receive(buffer),
            Some(arrivals) => arrivals.receive(&self.source, buffer),
        };
        let end = match received {
            Ok(0) => self.end_of_input(),
            // Less than there was room for: that was all, for now.
            Ok(count) => return Got::Bytes { count, more: count == buffer.len() },
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Got::NotNow,
            Err(error) => error.into(),
        };
        self.read_end = Some(end);
        Got::End(end)
    }

    /// What an end without an error is. The system tells an error once: if a write met it, what looks like the peer's
    /// orderly end is none. (EPIPE says only that writing is over, EBADF that it never could be done.)
    fn end_of_input(&self) -> Error {
        match self.write_end {
            Some(Error::EPIPE | Error::EBADF) | None => Error::EOF,
            Some(error) => error,
        }
    }

    fn check_readable(&self) -> Result<()> {
        if !self.source.reads() {
            return Err(Error::EBADF);
        }
        if matches!(self.reader, Reader::Nobody) { Ok(()) } else { Err(Error::EBUSY) }
    }

    /// Whether a reader can be served without an event.
    fn has_something(&self) -> bool {
        !self.leftover.is_empty() || self.read_end.is_some()
    }
}

impl Once {
    /// Whether it has received something, and waits for more.
    pub fn holds_input(&self) -> bool {
        self.filled > 0
    }

    /// Takes what the stream has; the result once the goal is reached or cannot be any more.
    fn fill(&mut self, stream: &mut Stream) -> Option<Result<i64>> {
        loop {
            let (count, more) = match stream.get(self.room_for(stream)) {
                Got::NotNow => return None,
                Got::End(end) => {
                    self.give_back(stream);
                    return Some(Err(end));
                }
                Got::Bytes { count, more } => (count, more),
            };
            let before = self.filled;
            self.filled += count;
            let full = self.filled == self.buffer.length();
            match &self.goal {
                Goal::Some => return Some(Ok(self.filled as i64)),
                Goal::Full if full => return Some(Ok(self.filled as i64)),
                Goal::Full => {}
                Goal::Delimiter(delimiter) => {
                    // It may have begun in what was there before.
                    let from = before.saturating_sub(delimiter.len() - 1);
                    let bytes = &self.buffer.slice()[..self.filled];
                    if let Some(at) = find(&bytes[from..], delimiter) {
                        let end = from + at + delimiter.len();
                        stream.leftover.put_back(&bytes[end..]);
                        return Some(Ok(end as i64));
                    }
                    if full {
                        self.give_back(stream);
                        return Some(Err(Error::EMSGSIZE));
                    }
                }
            }
            if !more {
                return None;
            }
        }
    }

    /// Where to receive to. Of leftover bytes no more are moved than up to the delimiter: many short lines in one
    /// packet would else be moved to and fro once a line.
    fn room_for(&mut self, stream: &Stream) -> &mut [u8] {
        let room = &mut self.buffer.slice()[self.filled..];
        let leftover = stream.leftover.rest();
        match &self.goal {
            Goal::Delimiter(delimiter) => match find(&leftover[..leftover.len().min(room.len())], delimiter) {
                Some(at) => &mut room[..at + delimiter.len()],
                None => room,
            },
            _ => room,
        }
    }

    fn give_back(&mut self, stream: &mut Stream) {
        let filled = std::mem::take(&mut self.filled);
        stream.leftover.put_back(&self.buffer.slice()[..filled]);
    }
}

fn find(bytes: &[u8], delimiter: &[u8]) -> Option<usize> {
    bytes.windows(delimiter.len()).position(|window| window == delimiter)
}

impl Core {
    pub fn read_start(&mut self, handle: Handle, function: ReadFunction, data: UserData) -> Result<()> {
        self.start_pushing(handle, Reader::Push { function, data })
    }

    pub fn read_start_into(
        &mut self,
        handle: Handle,
        lender: Lender,
        function: ReadFunction,
        data: UserData,
    ) -> Result<()> {
        self.start_pushing(handle, Reader::Into { lender, function, data })
    }

    fn start_pushing(&mut self, handle: Handle, reader: Reader) -> Result<()> {
        let stream = self.stream_mut(handle)?;
        stream.check_readable()?;
        stream.reader = reader;
        let waiting = stream.has_something();
        if let Err(error) = self.update_interest(handle, false) {
            self.stream_mut(handle)?.reader = Reader::Nobody;
            return Err(error);
        }
        self.settle_active(handle);
        if waiting {
            self.ready.push_receive(handle);
        }
        Ok(())
    }

    pub fn read_stop(&mut self, handle: Handle) -> Result<()> {
        let stream = self.stream_mut(handle)?;
        if matches!(stream.reader, Reader::Push { .. } | Reader::Into { .. }) {
            stream.reader = Reader::Nobody;
            self.settle_active(handle);
        }
        Ok(())
    }

    /// A one-shot read into the caller's memory.
    pub fn read_once(&mut self, handle: Handle, buffer: LentBuffer, goal: Goal, notify: Notify) -> Result<Handle> {
        self.stream_mut(handle)?.check_readable()?;
        let future = self.insert_future(Op::Read, handle, notify)?;
        let stream = self.stream_mut(handle)?;
        let waiting = stream.has_something();
        stream.reader = Reader::Once(Once { future, buffer, filled: 0, goal });
        if waiting {
            self.serve_once(handle);
        }
        if let Err(error) = self.update_interest(handle, false)
            && let Some(read) = self.take_pending_read(handle)
        {
            self.complete(read, error.code());
        }
        Ok(future)
    }

    /// Serves a one-shot read with what there is.
    fn serve_once(&mut self, handle: Handle) {
        let Ok(stream) = self.stream_mut(handle) else { return };
        let Reader::Once(mut once) = std::mem::replace(&mut stream.reader, Reader::Nobody) else { return };
        match once.fill(stream) {
            Some(result) => {
                self.complete(once.future, crate::error::to_code(result));
                let told = self.ready.pushed();
                if let Ok(stream) = self.stream_mut(handle) {
                    stream.read_told = told;
                }
            }
            None => stream.reader = Reader::Once(once),
        }
    }

    /// Takes the one-shot read out; what it had received is put back.
    pub fn take_pending_read(&mut self, handle: Handle) -> Option<Handle> {
        let stream = self.stream_mut(handle).ok()?;
        match std::mem::replace(&mut stream.reader, Reader::Nobody) {
            Reader::Once(mut once) => {
                once.give_back(stream);
                Some(once.future)
            }
            other => {
                stream.reader = other;
                None
            }
        }
    }

    pub fn cancel_read(&mut self, handle: Handle) {
        self.take_pending_read(handle);
    }

    /// Receives for the stream's reader: a one-shot read is served here, a push reader by the driver.
    pub fn receive(&mut self, handle: Handle, buffer: &mut [u8]) -> Received {
        if self.is_astray() {
            return Received::Nothing;
        }
        let told = self.ready.popped();
        let Ok(stream) = self.stream_mut(handle) else { return Received::Nothing };
        if told < stream.read_told && !matches!(stream.reader, Reader::Once(_)) {
            // A read has its bytes and its callback not yet: what comes after them must not be told before.
            self.receive_later(handle);
            return Received::Nothing;
        }
        match stream.reader {
            Reader::Push { function, data } if !stream.paused => {
                let got = stream.get(buffer);
                self.received(handle, got, function, data)
            }
            Reader::Into { lender, function, data } if !stream.paused => {
                if stream.leftover.is_empty() && stream.read_end.is_some() {
                    let got = stream.get(&mut []);
                    return self.received(handle, got, function, data);
                }
                Received::WantsMemory { lender, function, data }
            }
            Reader::Once(_) if !stream.paused => {
                self.serve_once(handle);
                // After an end there is nothing left to watch for.
                self.settle_interest(handle);
                Received::Nothing
            }
            // Nobody wants it: this is where watching ends.
            _ => {
                let _ = self.update_interest(handle, true);
                Received::Nothing
            }
        }
    }

    /// Others get their turn first. What the descriptor still has it will tell of; what is left over it will not.
    pub fn receive_later(&mut self, handle: Handle) {
        let wanted =
            |stream: &Stream| !matches!(stream.reader, Reader::Nobody) && !stream.paused && stream.has_something();
        if self.stream_mut(handle).is_ok_and(|stream| wanted(stream)) {
            self.ready.push_receive(handle);
        }
    }

    /// Receives into memory that the reader lends. Nothing comes of it if the reader is gone.
    pub fn receive_into(&mut self, handle: Handle, memory: Option<&mut LentBuffer>) -> Received {
        if self.is_astray() {
            return Received::Nothing;
        }
        let Ok(stream) = self.stream_mut(handle) else { return Received::Nothing };
        let Reader::Into { function, data, .. } = stream.reader else { return Received::Nothing };
        match memory {
            Some(memory) => match stream.get(memory.slice()) {
                // It is told all the same: the memory goes back to its owner.
                Got::NotNow => Received::Bytes { function, data, count: 0, more: false },
                got => self.received(handle, got, function, data),
            },
            None => {
                stream.reader = Reader::Nobody;
                self.settle_active(handle);
                Received::End { function, data, code: Error::ENOBUFS }
            }
        }
    }

    fn received(&mut self, handle: Handle, got: Got, function: ReadFunction, data: UserData) -> Received {
        match got {
            Got::Bytes { count, more } => Received::Bytes { function, data, count, more },
            Got::NotNow => Received::Nothing,
            Got::End(code) => {
                if let Ok(stream) = self.stream_mut(handle) {
                    stream.reader = Reader::Nobody;
                }
                self.settle_active(handle);
                self.settle_interest(handle);
                Received::End { function, data, code }
            }
        }
    }

    fn settle_interest(&mut self, handle: Handle) {
        // It fails only when the descriptor cannot be watched, and then the next operation on it fails and tells.
        let _ = self.update_interest(handle, false);
    }

    /// The write queue has drained: a reader that waited for that goes on.
    pub fn resume_reading(&mut self, handle: Handle) {
        let Ok(Object::Stream(stream)) = self.table.get_mut(handle).map(|entry| &mut entry.object) else { return };
        stream.paused = false;
        if !matches!(stream.reader, Reader::Nobody) && stream.has_something() {
            self.ready.push_receive(handle);
        }
        self.settle_interest(handle);
    }
}
