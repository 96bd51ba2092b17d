// SPDX-License-Identifier: MIT OR Apache-2.0
//! Byte streams: what all of them have, whatever they run over.
//!
//! `read` has the reading side, `write` the writing side. Interest in the descriptor follows what the two want, and
//! lags behind in one case: a stream that nobody reads for the moment stays watched until an event comes for nothing,
//! as the next read is mostly not far.

mod read;
mod send_file;
mod write;

pub use read::{Goal, Received};
pub use send_file::FilePart;
pub use write::Spares;

use crate::callback::Notify;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::handle::Handle;
use crate::lifecycle::Object;
use crate::net::passing::Arrivals;
use crate::net::write_queue::WriteQueue;
use crate::reactor::Interest;
use crate::sys::Source;
use read::{Leftover, Reader};
use write::{Ending, Watermarks};

pub struct Stream {
    source: Source,
    watched: Option<Interest>,
    reader: Reader,
    /// The last one-shot read has been told once so many items were taken from the ready queue.
    read_told: u64,
    /// Bytes that were received and not wanted yet.
    leftover: Leftover,
    /// The end of what can be received: EOF, or an error.
    read_end: Option<Error>,
    /// Bytes to send; there only while there are any.
    out: Option<Box<WriteQueue>>,
    /// The system takes no more for now.
    blocked: bool,
    /// Small writes wait for the callback to return.
    dirty: bool,
    write_end: Option<Error>,
    ending: Ending,
    marks: Option<Box<Watermarks>>,
    /// Reading waits for the write queue to drain.
    paused: bool,
    closes_when_sent: bool,
    /// Descriptors that come with the bytes, where they are wanted.
    pub arrivals: Option<Box<Arrivals>>,
}

impl Stream {
    pub fn new(source: Source) -> Stream {
        let write_end = if source.writes() { None } else { Some(Error::EBADF) };
        Stream {
            source,
            watched: None,
            reader: Reader::Nobody,
            read_told: 0,
            leftover: Leftover::default(),
            read_end: None,
            out: None,
            blocked: false,
            dirty: false,
            write_end,
            ending: Ending::Open,
            marks: None,
            paused: false,
            closes_when_sent: false,
            arrivals: None,
        }
    }

    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Whether something was received that nobody has got yet; a read that is not done has not got it.
    pub fn holds_input(&self) -> bool {
        let by_a_read = matches!(&self.reader, Reader::Once(once) if once.holds_input());
        by_a_read || !self.leftover.is_empty() || self.arrivals.as_ref().is_some_and(|arrivals| !arrivals.is_empty())
    }

    /// Whether something would be lost with the handle.
    pub fn holds_bytes(&self) -> bool {
        self.out.is_some() || self.holds_input()
    }

    /// Whether anything goes on.
    pub fn is_busy(&self) -> bool {
        !matches!(self.reader, Reader::Nobody) || self.out.is_some() || matches!(self.ending, Ending::Asked(_))
    }

    /// In words.
    pub fn doing(&self) -> String {
        let mut words = match &self.reader {
            _ if self.read_end.is_some() => "at its end",
            Reader::Nobody => "nobody reads",
            _ if self.paused => "reading waits for writes to leave",
            Reader::Push { .. } | Reader::Into { .. } => "reading",
            Reader::Once(_) => "a read waits",
        }
        .to_owned();
        let unsent = self.out.as_ref().map_or(0, |out| out.size());
        if unsent > 0 {
            words += &format!(", {unsent} bytes to send");
        }
        if matches!(self.ending, Ending::Asked(_)) {
            words += ", then to be shut down";
        }
        if let Some(peer) = self.source.socket().peer_addr().ok().and_then(|peer| peer.as_socket()) {
            words += &format!(", peer {peer}");
        }
        words + &format!(", descriptor {}", self.source.raw())
    }

    fn wants_to_read(&self) -> bool {
        !matches!(self.reader, Reader::Nobody) && !self.paused && self.read_end.is_none()
    }
}

impl Core {
    pub fn stream_mut(&mut self, handle: Handle) -> Result<&mut Stream> {
        match &mut self.open_entry(handle)?.object {
            Object::Stream(stream) => Ok(stream),
            Object::Unconnected(_) | Object::Unbound(_) | Object::Listener(_) => Err(Error::ENOTCONN),
            _ => Err(Error::EKIND),
        }
    }

    /// Watches for what the stream wants. `strictly`: also gives up what it does not want to read any more.
    fn update_interest(&mut self, handle: Handle, strictly: bool) -> Result<()> {
        let Core { table, reactor, .. } = self;
        let Object::Stream(stream) = &mut table.get_mut(handle)?.object else { return Ok(()) };
        let mut wanted = Interest { readable: stream.wants_to_read(), writable: stream.blocked, ..Interest::default() };
        let present = stream.watched.unwrap_or_default();
        if !strictly && stream.read_end.is_none() {
            wanted.readable |= present.readable;
        }
        if wanted == present {
            return Ok(());
        }
        match (stream.watched, wanted == Interest::default()) {
            (None, _) => reactor.watch(&stream.source, handle.key(), wanted)?,
            // A hang-up is reported whatever one watches for, so what wants nothing must not be watched.
            (Some(_), true) => reactor.unwatch(&stream.source),
            (Some(_), false) => reactor.rewatch(&stream.source, handle.key(), wanted)?,
        }
        stream.watched = (wanted != Interest::default()).then_some(wanted);
        Ok(())
    }

    /// A stream keeps its loop running by itself while it tells of whatever comes, or owes its peer the rest of a write;
    /// everything else that goes on has a future that does.
    fn settle_active(&mut self, handle: Handle) {
        let Ok(stream) = self.stream_mut(handle) else { return };
        let pushes = matches!(stream.reader, Reader::Push { .. } | Reader::Into { .. });
        let owes = stream.out.as_ref().is_some_and(|out| out.owes());
        self.set_active(handle, pushes || owes);
    }

    /// What was written and can leave at once leaves; everything else that is pending is cancelled.
    pub fn close_stream(&mut self, handle: Handle) {
        self.flush(handle);
        self.end_stream(handle);
    }

    /// Cancels what is pending and stops watching.
    fn end_stream(&mut self, handle: Handle) {
        let cancelled = Error::ECANCELED.code();
        if let Some(read) = self.take_pending_read(handle) {
            self.complete(read, cancelled);
        }
        for write in self.take_pending_writes(handle) {
            self.complete(write, cancelled);
        }
        let Core { table, reactor, .. } = self;
        let Ok(Object::Stream(stream)) = table.get_mut(handle).map(|entry| &mut entry.object) else { return };
        if stream.watched.take().is_some() {
            reactor.unwatch(&stream.source);
        }
        if let Ending::Asked(shutdown) = std::mem::replace(&mut stream.ending, Ending::Done) {
            self.complete(shutdown, cancelled);
        }
    }

    /// Closes the stream once everything written has left; it is not read from any more.
    pub fn close_when_sent(&mut self, handle: Handle) -> Result<()> {
        let stream = self.stream_mut(handle)?;
        stream.closes_when_sent = true;
        let _ = self.read_stop(handle);
        if let Some(read) = self.take_pending_read(handle) {
            self.complete(read, Error::ECANCELED.code());
        }
        self.flush(handle);
        self.finish_closing(handle);
        Ok(())
    }

    fn finish_closing(&mut self, handle: Handle) {
        if self.stream_mut(handle).is_ok_and(|stream| stream.closes_when_sent && stream.out.is_none()) {
            let _ = self.close(handle);
        }
    }

    /// Drops what is not sent yet, as for a reset.
    pub fn forget_writes(&mut self, handle: Handle) {
        for write in self.take_pending_writes(handle) {
            self.complete(write, Error::ECANCELED.code());
        }
    }

    /// Gives the descriptor away; the handle is closed.
    pub fn detach(&mut self, handle: Handle) -> Result<i64> {
        if let Object::Listener(_) = self.open_entry(handle)?.object {
            return self.detach_listener(handle);
        }
        self.flush(handle);
        let stream = self.stream_mut(handle)?;
        if stream.holds_bytes() {
            return Err(Error::EBUSY);
        }
        self.end_tty(handle);
        self.end_stream(handle);
        let entry = self.open_entry(handle)?;
        let Object::Stream(stream) = std::mem::replace(&mut entry.object, Object::Closed) else {
            return Err(Error::EKIND);
        };
        self.retire(handle);
        Ok(stream.source.into_raw() as i64)
    }

    /// The step that tells of a watermark that was crossed, if the stream is still there to be told of.
    pub fn watermark_step(&mut self, handle: Handle, above: i64) -> crate::ready::Step {
        let notify = self.stream_mut(handle).ok().and_then(|stream| stream.marks.as_ref()?.notify);
        self.step_for(notify.unwrap_or(Notify::Nobody), handle, above)
    }
}
