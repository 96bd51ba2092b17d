// SPDX-License-Identifier: MIT OR Apache-2.0
//! The writing side: what is small waits for the callback to return and leaves with its neighbours in one system
//! call; what is large is tried at once, from the caller's memory. Only what the system does not take is copied.

use super::Stream;
use super::send_file::{FileStep, Load, PIECES_A_TURN};
use crate::callback::Notify;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::future::Op;
use crate::handle::Handle;
use crate::lifecycle::Object;
use crate::net::write_queue::{Buffers, WriteQueue};
use crate::sys::lent::LentBytes;
use std::io;

/// One piece of a write.
pub type Piece = LentBytes;

/// Queues and buffers that streams give back when they have nothing to send.
#[derive(Default)]
pub struct Spares {
    #[allow(clippy::vec_box)] // They go into streams as they are, and a stream without one is smaller.
    queues: Vec<Box<WriteQueue>>,
    buffers: Buffers,
}

impl Spares {
    pub fn copy_to(&mut self, queue: &mut WriteQueue, bytes: &[u8]) -> Result<()> {
        queue.push_copy(bytes, &mut self.buffers)
    }
}

/// How many queues a loop keeps for later.
const KEPT: usize = 64;
/// Writes up to this size wait for the callback to return.
const SMALL: usize = 8 * 1024;
/// When so much has gathered it leaves before.
const GATHERED: u64 = 64 * 1024;

/// What came up about files while a queue was sent.
#[derive(Default)]
struct OfFiles {
    pieces: usize,
    load: Option<Load>,
    failed: Vec<(Handle, Error)>,
}

/// Whether and when the stream stops sending for good.
pub enum Ending {
    Open,
    /// After what is queued.
    Asked(Handle),
    Done,
}

pub struct Watermarks {
    pub low: u64,
    pub high: u64,
    /// `None`: reading from the same stream pauses instead.
    pub notify: Option<Notify>,
    above: bool,
}

impl Stream {
    fn queue_size(&self) -> u64 {
        self.out.as_ref().map_or(0, |out| out.size())
    }

    pub fn has_queue(&self) -> bool {
        self.out.is_some()
    }

    /// The queue, made if there is none.
    pub fn queue(&mut self, spares: &mut Spares) -> &mut WriteQueue {
        self.out.get_or_insert_with(|| spares.queues.pop().unwrap_or_default())
    }

    pub fn check_writable(&self) -> Result<()> {
        match (self.write_end, &self.ending) {
            (Some(error), _) => Err(error),
            (None, Ending::Open) if !self.closes_when_sent => Ok(()),
            (None, _) => Err(Error::EPIPE),
        }
    }
}

impl Core {
    /// Queues a write of these pieces. `lent`: they stay the caller's until it completes; else they are copied where
    /// they do not leave at once.
    pub fn write(&mut self, handle: Handle, pieces: &[Piece], lent: bool, notify: Notify) -> Result<Handle> {
        self.stream_mut(handle)?.check_writable()?;
        let length =
            pieces.iter().try_fold(0usize, |sum, piece| sum.checked_add(piece.slice().len())).ok_or(Error::EINVAL)?;
        let future = self.insert_future(Op::Write, handle, notify)?;
        let running = self.running;
        let Core { table, spares, dirty, .. } = self;
        let Ok(Object::Stream(stream)) = table.get_mut(handle).map(|entry| &mut entry.object) else {
            return Err(Error::EKIND);
        };
        let out = stream.out.get_or_insert_with(|| spares.queues.pop().unwrap_or_default());
        let waits = stream.blocked || (running && length <= SMALL && out.size() < GATHERED);
        let (mut pushed, mut copied) = (0, Ok(()));
        for piece in pieces {
            match lent || !waits {
                true => out.push_lent(*piece, lent),
                false => copied = out.push_copy(piece.slice(), &mut spares.buffers),
            }
            if copied.is_err() {
                break;
            }
            pushed += piece.slice().len() as u64;
        }
        out.push_write(future, pushed);
        if let Err(error) = copied {
            return self.refuse_write(handle, future, error);
        }
        if waits {
            if !stream.blocked && !stream.dirty {
                stream.dirty = true;
                dirty.push(handle);
            }
            if stream.marks.is_some() {
                self.check_high_mark(handle);
            }
            return Ok(future);
        }
        self.flush(handle);
        if !lent {
            let Core { table, spares, .. } = self;
            if let Ok(Object::Stream(stream)) = table.get_mut(handle).map(|entry| &mut entry.object)
                && let Some(out) = &mut stream.out
                && let Err(error) = out.own_the_rest(&mut spares.buffers)
            {
                if !out.has_begun(future) {
                    return self.refuse_write(handle, future, error);
                }
                self.break_writing(handle, error);
            }
        }
        self.check_high_mark(handle);
        Ok(future)
    }

    /// Takes a write out again of which nothing was sent.
    fn refuse_write(&mut self, handle: Handle, future: Handle, error: Error) -> Result<Handle> {
        self.cancel_write(handle, future);
        self.withdraw_future(future);
        Err(error)
    }

    /// Some of what is queued is lost, so nothing can follow.
    pub fn break_writing(&mut self, handle: Handle, error: Error) {
        let Ok(stream) = self.stream_mut(handle) else { return };
        stream.write_end = Some(error);
        let was_blocked = std::mem::take(&mut stream.blocked);
        for write in self.take_pending_writes(handle) {
            self.complete(write, error.code());
        }
        if was_blocked {
            self.settle_writing(handle);
        }
        self.settle_active(handle);
    }

    /// Sends what the system takes now, without queueing the rest.
    pub fn try_write(&mut self, handle: Handle, bytes: Piece) -> Result<i64> {
        self.stream_mut(handle)?.check_writable()?;
        self.flush(handle);
        let stream = self.stream_mut(handle)?;
        stream.check_writable()?;
        if stream.out.is_some() {
            return Err(Error::EAGAIN);
        }
        if bytes.slice().is_empty() {
            return Ok(0);
        }
        match stream.source.send(bytes.slice()) {
            Ok(sent) => Ok(sent as i64),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(Error::EAGAIN),
            Err(error) => {
                let error = Error::from(error);
                stream.write_end = Some(error);
                Err(error)
            }
        }
    }

    /// Lets the small writes of the callback that has returned leave.
    #[inline]
    pub fn flush_dirty(&mut self) {
        if !self.dirty.is_empty() && self.is_foreign() {
            return;
        }
        while let Some(handle) = self.dirty.pop() {
            match self.table.get(handle).map(|entry| &entry.object) {
                Ok(Object::Udp(_)) => self.flush_udp(handle),
                _ => self.flush(handle),
            }
        }
    }

    /// Sends until the queue is empty or the system takes no more, and completes the writes that are done.
    pub fn flush(&mut self, handle: Handle) {
        // What the parent has queued the parent sends.
        while !self.is_foreign() && self.send_queue(handle) {}
    }

    /// Whether to begin again: a file in front has failed since.
    fn send_queue(&mut self, handle: Handle) -> bool {
        let Core { table, spares, .. } = self;
        let Ok(Object::Stream(stream)) = table.get_mut(handle).map(|entry| &mut entry.object) else { return false };
        stream.dirty = false;
        let Some(mut out) = stream.out.take() else {
            if stream.blocked {
                stream.blocked = false;
                self.settle_writing(handle);
            }
            return false;
        };
        let owed = out.owes();
        let mut blocked = false;
        let mut broken = None;
        let mut of_files = OfFiles::default();
        while out.has_bytes() && !blocked && broken.is_none() {
            if let Some(part) = out.file_in_front() {
                match part.send(&stream.source) {
                    FileStep::Sent(sent) => {
                        out.advance(sent, &mut spares.buffers);
                        of_files.pieces += 1;
                        // Others get their turn; being ready, it will get its next one.
                        blocked = of_files.pieces == PIECES_A_TURN;
                    }
                    FileStep::Blocked => blocked = true,
                    FileStep::Broken(error) => broken = Some(error),
                    FileStep::Loading => break,
                    FileStep::Load(load) => {
                        of_files.load = Some(load);
                        break;
                    }
                    FileStep::Ended => {
                        out.cut_file_short();
                        stream.source.push();
                    }
                    FileStep::Failed(error) => {
                        if let Some(write) = out.cut_file_short() {
                            out.forget_write(write);
                            of_files.failed.push((write, error));
                        }
                        stream.source.push();
                    }
                }
                continue;
            }
            match out.send(&stream.source, &mut spares.buffers) {
                Ok((sent, tried)) => blocked = sent < tried,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => blocked = true,
                Err(error) => broken = Some(Error::from(error)),
            }
        }
        let changed = stream.blocked != blocked;
        stream.blocked = blocked;
        stream.write_end = stream.write_end.or(broken);
        let plain = stream.marks.is_none() && matches!(stream.ending, Ending::Open) && !stream.closes_when_sent;
        while let Some((write, length)) = out.pop_done() {
            self.complete(write, length as i64);
        }
        for (write, error) in of_files.failed {
            self.complete(write, error.code());
        }
        if let Some(error) = broken {
            for write in out.clear(&mut self.spares.buffers) {
                self.complete(write, error.code());
            }
        }
        self.put_queue(handle, out);
        if changed {
            self.settle_writing(handle);
        }
        if owed {
            self.settle_active(handle);
        }
        let again = of_files.load.is_some_and(|load| !self.load_file(handle, load));
        if !plain {
            self.check_low_mark(handle);
            self.finish_shutdown(handle);
            self.finish_closing(handle);
        }
        again
    }

    /// Gives the queue back to its stream if anything is in it, else to the spares.
    fn put_queue(&mut self, handle: Handle, out: Box<WriteQueue>) {
        if !out.is_empty()
            && let Ok(stream) = self.stream_mut(handle)
        {
            stream.out = Some(out);
            return;
        }
        if self.spares.queues.len() < KEPT {
            self.spares.queues.push(out);
        }
    }

    /// Watches for room, or no more. A descriptor that cannot be watched can never send again.
    fn settle_writing(&mut self, handle: Handle) {
        if let Err(error) = self.update_interest(handle, false) {
            if let Ok(stream) = self.stream_mut(handle) {
                stream.blocked = false;
                stream.write_end = Some(error);
            }
            for write in self.take_pending_writes(handle) {
                self.complete(write, error.code());
            }
        }
    }

    pub fn take_pending_writes(&mut self, handle: Handle) -> Vec<Handle> {
        let Ok(stream) = self.stream_mut(handle) else { return Vec::new() };
        let Some(mut out) = stream.out.take() else { return Vec::new() };
        let writes = out.clear(&mut self.spares.buffers).collect();
        self.put_queue(handle, out);
        writes
    }

    /// In the child of a fork: what the parent has queued the parent sends, and it ends the stream after that.
    pub fn forget_output(&mut self, handle: Handle) {
        let cancelled = Error::ECANCELED.code();
        for write in self.take_pending_writes(handle) {
            self.complete(write, cancelled);
        }
        let Ok(stream) = self.stream_mut(handle) else { return };
        (stream.dirty, stream.blocked) = (false, false);
        if let Ending::Asked(shutdown) = stream.ending {
            stream.ending = Ending::Open;
            self.complete(shutdown, cancelled);
        }
        self.settle_writing(handle);
        self.settle_active(handle);
        self.check_low_mark(handle);
        self.finish_closing(handle);
    }

    pub fn cancel_write(&mut self, handle: Handle, future: Handle) {
        let Core { table, spares, .. } = self;
        let Ok(Object::Stream(stream)) = table.get_mut(handle).map(|entry| &mut entry.object) else { return };
        let Some(mut out) = stream.out.take() else { return };
        let cancelled = out.cancel(future, &mut spares.buffers);
        self.put_queue(handle, out);
        if let Err(error) = cancelled {
            self.break_writing(handle, error);
        }
        self.settle_active(handle);
        self.check_low_mark(handle);
        self.finish_shutdown(handle);
        self.finish_closing(handle);
    }

    /// Half-closes after what is queued.
    pub fn shutdown(&mut self, handle: Handle, notify: Notify) -> Result<Handle> {
        let stream = self.stream_mut(handle)?;
        stream.check_writable()?;
        if !stream.source.can_half_close() {
            return Err(Error::EOPNOTSUPP);
        }
        let future = self.insert_future(Op::Shutdown, handle, notify)?;
        self.stream_mut(handle)?.ending = Ending::Asked(future);
        self.flush(handle);
        self.finish_shutdown(handle);
        Ok(future)
    }

    pub fn cancel_shutdown(&mut self, handle: Handle) {
        if let Ok(stream) = self.stream_mut(handle)
            && matches!(stream.ending, Ending::Asked(_))
        {
            stream.ending = Ending::Open;
        }
    }

    fn finish_shutdown(&mut self, handle: Handle) {
        let Ok(stream) = self.stream_mut(handle) else { return };
        let Ending::Asked(future) = stream.ending else { return };
        if stream.out.is_some() {
            return;
        }
        stream.ending = Ending::Done;
        if std::mem::take(&mut stream.blocked) {
            // A cancelled write was the last one. What is closed must not be watched: the system would go on to tell of a
            // pipe that somebody else has open, too, and nobody could stop that.
            self.settle_writing(handle);
        }
        let Ok(stream) = self.stream_mut(handle) else { return };
        let result = match stream.write_end {
            Some(error) => Err(error),
            None => stream.source.shut_down_writing().map(|()| 0).map_err(Error::from),
        };
        self.complete(future, crate::error::to_code(result));
    }

    pub fn write_queue_size(&mut self, handle: Handle) -> Result<i64> {
        self.stream_mut(handle).map(|stream| stream.queue_size() as i64)
    }

    pub fn set_watermarks(&mut self, handle: Handle, low: u64, high: u64, notify: Option<Notify>) -> Result<()> {
        let stream = self.stream_mut(handle)?;
        if low > high {
            return Err(Error::EINVAL);
        }
        let was_paused = stream.paused;
        stream.marks = Some(Box::new(Watermarks { low, high, notify, above: false }));
        if was_paused {
            self.resume_reading(handle);
        }
        self.check_high_mark(handle);
        Ok(())
    }

    pub fn check_high_mark(&mut self, handle: Handle) {
        let Ok(stream) = self.stream_mut(handle) else { return };
        let size = stream.queue_size();
        let Some(marks) = &mut stream.marks else { return };
        if marks.above || size <= marks.high {
            return;
        }
        marks.above = true;
        match marks.notify {
            Some(_) => self.ready.push_watermark(handle, 1),
            None => stream.paused = true,
        }
    }

    fn check_low_mark(&mut self, handle: Handle) {
        let Ok(stream) = self.stream_mut(handle) else { return };
        let size = stream.queue_size();
        let Some(marks) = &mut stream.marks else { return };
        if !marks.above || size > marks.low {
            return;
        }
        marks.above = false;
        match marks.notify {
            Some(_) => self.ready.push_watermark(handle, 0),
            None => self.resume_reading(handle),
        }
    }
}
