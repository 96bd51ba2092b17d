// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sending side: what a callback sends waits for it to return and leaves with its neighbours in one system call; a
//! batch leaves at once, from the caller's memory. Only what the system does not take is copied then.

use super::{Udp, send_queue::SendQueue};
use crate::callback::Notify;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::future::Op;
use crate::handle::Handle;
use crate::lifecycle::Object;
use crate::sys::datagram::{LONGEST, Local, Name, Outgoing, Returned, Sender};
use crate::sys::lent::LentBytes;
use std::io;

/// What the sockets of a loop share for sending.
#[derive(Default)]
pub struct Datagrams {
    sender: Option<Box<Sender>>,
    /// Queues that sockets gave back when they were empty.
    #[allow(clippy::vec_box)] // They go into sockets as they are, and a socket without one is smaller.
    queues: Vec<Box<SendQueue>>,
    /// What the present batch has.
    pub batch: Vec<Parcel>,
}

/// A datagram of a batch, in the caller's memory.
pub struct Parcel {
    pub bytes: LentBytes,
    pub to: Name,
    pub ecn: u8,
    pub local: Option<Local>,
}

impl Parcel {
    fn outgoing(&self) -> Outgoing<'_> {
        Outgoing { bytes: self.bytes.slice(), to: &self.to, ecn: self.ecn, local: self.local }
    }
}

impl Datagrams {
    fn send<'a>(
        sender: &mut Option<Box<Sender>>,
        udp: &mut Udp,
        list: impl Iterator<Item = Outgoing<'a>> + Clone,
    ) -> io::Result<usize> {
        let sender = sender.get_or_insert_with(|| Box::new(Sender::new()));
        match sender.send(&udp.source, list.clone(), &mut udp.joining) {
            // Was it the receiver who was full, or this socket, until somebody received just now? The second try shows.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && udp.would_wait_in_vain() => {
                sender.send(&udp.source, list, &mut udp.joining)
            }
            outcome => outcome,
        }
    }
}

/// How many queues a loop keeps for later.
const KEPT: usize = 16;
/// Datagrams up to this size wait for the callback to return.
const SMALL: usize = 16 * 1024;
/// When so much has gathered it leaves before.
const GATHERED: usize = 64;
const GATHERED_BYTES: usize = 128 * 1024;

/// An error of a send: is it this datagram's, or should it be sent again?
enum Blame {
    Datagram(Error),
    Nobody,
}

/// Errors that come back for something sent before, where the system tells them by the next call.
fn comes_back(error: Error) -> bool {
    matches!(
        error,
        Error::ECONNREFUSED
            | Error::ECONNRESET
            | Error::EHOSTUNREACH
            | Error::ENETUNREACH
            | Error::EHOSTDOWN
            | Error::ENETRESET
    )
}

impl Core {
    pub fn udp_send(&mut self, handle: Handle, parcel: Parcel, notify: Notify) -> Result<Handle> {
        self.udp_mut(handle)?;
        let future = self.insert_future(Op::Send(0), handle, notify)?;
        let length = parcel.bytes.slice().len();
        if length > LONGEST {
            // Not worth a copy.
            self.complete(future, Error::EMSGSIZE.code());
            return Ok(future);
        }
        let running = self.running;
        let udp = self.udp_mut(handle)?;
        if udp.blocked || (running && length <= SMALL) {
            let full = self.gather(handle, future, &parcel);
            if full {
                self.flush_udp(handle);
            }
            return Ok(future);
        }
        self.flush_udp(handle);
        match self.send_now(handle, &parcel) {
            Ok(()) => self.complete(future, length as i64),
            Err(Error::EAGAIN) if !self.udp_mut(handle)?.would_wait_in_vain() => {
                self.gather(handle, future, &parcel);
                // The system takes no more: this has it tell when it does.
                self.flush_udp(handle);
            }
            Err(error) => self.complete(future, error.code()),
        }
        Ok(future)
    }

    /// Sends without queueing: `EAGAIN` if it cannot leave at once.
    pub fn udp_try_send(&mut self, handle: Handle, parcel: &Parcel) -> Result<i64> {
        self.udp_mut(handle)?;
        self.flush_udp(handle);
        self.send_now(handle, parcel)?;
        Ok(parcel.bytes.slice().len() as i64)
    }

    fn send_now(&mut self, handle: Handle, parcel: &Parcel) -> Result<()> {
        let mut retried = None;
        loop {
            let Core { table, datagrams, .. } = self;
            let Ok(Object::Udp(udp)) = table.get_mut(handle).map(|entry| &mut entry.object) else {
                return Err(Error::EGONE);
            };
            if udp.out.is_some() {
                return Err(Error::EAGAIN);
            }
            match Datagrams::send(&mut datagrams.sender, udp, std::iter::once(parcel.outgoing())) {
                Ok(_) => {
                    self.note_retried(handle, &mut retried);
                    return Ok(());
                }
                Err(error) => {
                    if let Blame::Datagram(error) = self.blame(handle, error.into(), &mut retried) {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Sends all of `datagrams.batch`: the result is how many left, or the first error if none did.
    pub fn udp_send_batch(&mut self, handle: Handle, notify: Notify) -> Result<Handle> {
        let batch = std::mem::take(&mut self.datagrams.batch);
        let made = self.send_parcels(handle, &batch, notify);
        self.datagrams.batch = batch;
        self.datagrams.batch.clear();
        made
    }

    fn send_parcels(&mut self, handle: Handle, batch: &[Parcel], notify: Notify) -> Result<Handle> {
        self.udp_mut(handle)?;
        let future = self.insert_future(
            Op::Sends { left: batch.len() as u32, sent: 0, error: None, first: None },
            handle,
            notify,
        )?;
        if batch.is_empty() {
            self.complete(future, 0);
            return Ok(future);
        }
        self.flush_udp(handle);
        let mut rest = batch;
        let mut retried = None;
        while !rest.is_empty() {
            let Core { table, datagrams, .. } = self;
            let Ok(Object::Udp(udp)) = table.get_mut(handle).map(|entry| &mut entry.object) else { break };
            if udp.out.is_some() {
                break;
            }
            match Datagrams::send(&mut datagrams.sender, udp, rest.iter().map(Parcel::outgoing)) {
                Ok(sent) => {
                    rest = &rest[sent..];
                    self.note_retried(handle, &mut retried);
                    self.batch_sent(future, sent as u32, Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && !udp.would_wait_in_vain() => {
                    self.note_retried(handle, &mut retried);
                    break;
                }
                Err(error) => {
                    if let Blame::Datagram(error) = self.blame(handle, error.into(), &mut retried) {
                        rest = &rest[1..];
                        self.batch_sent(future, 1, Err(error));
                    }
                }
            }
        }
        if !rest.is_empty() {
            for parcel in rest {
                self.gather(handle, future, parcel);
            }
            self.flush_udp(handle);
        }
        Ok(future)
    }

    /// Puts a copy into the queue; one for which there is no memory fails. Whether so much has gathered that it should leave.
    fn gather(&mut self, handle: Handle, future: Handle, parcel: &Parcel) -> bool {
        let Core { table, datagrams, dirty, .. } = self;
        let Ok(Object::Udp(udp)) = table.get_mut(handle).map(|entry| &mut entry.object) else { return false };
        let out = udp.out.get_or_insert_with(|| datagrams.queues.pop().unwrap_or_default());
        let pushed = out.push(future, &parcel.outgoing(), parcel.to.clone());
        if !udp.blocked && !udp.dirty {
            udp.dirty = true;
            dirty.push(handle);
        }
        let full = !udp.blocked && (out.count() >= GATHERED || out.size() >= GATHERED_BYTES);
        match (pushed, self.future_mut(future).map(|future| &mut future.op)) {
            (Ok(number), Ok(Op::Send(own))) => *own = number,
            (Ok(number), Ok(Op::Sends { first: first @ None, .. })) => *first = Some(number),
            (Err(error), _) => self.queued_done(future, Err(error)),
            _ => {}
        }
        full
    }

    /// Sends until the queue is empty or the system takes no more, and completes what is done.
    pub fn flush_udp(&mut self, handle: Handle) {
        if self.is_foreign() {
            return;
        }
        let Ok(udp) = self.udp_mut(handle) else { return };
        udp.dirty = false;
        let was_blocked = std::mem::replace(&mut udp.blocked, false);
        let mut blocked = false;
        if let Some(mut out) = udp.out.take() {
            blocked = self.send_queued(handle, &mut out);
            self.put_send_queue(handle, out);
        }
        if let Ok(udp) = self.udp_mut(handle) {
            udp.blocked = blocked;
        }
        if blocked != was_blocked
            && let Err(error) = self.udp_interest(handle, false)
        {
            // What cannot be watched can never send again.
            self.fail_queued(handle, error);
        }
    }

    /// Whether the system takes no more.
    fn send_queued(&mut self, handle: Handle, out: &mut SendQueue) -> bool {
        let mut retried = None;
        while !out.is_empty() {
            let Core { table, datagrams, .. } = self;
            let Ok(Object::Udp(udp)) = table.get_mut(handle).map(|entry| &mut entry.object) else { return false };
            match Datagrams::send(&mut datagrams.sender, udp, out.iter()) {
                Ok(sent) => {
                    self.note_retried(handle, &mut retried);
                    for _ in 0..sent {
                        let Some((future, length)) = out.pop() else { break };
                        self.queued_done(future, Ok(length));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && !udp.would_wait_in_vain() => {
                    self.note_retried(handle, &mut retried);
                    return true;
                }
                Err(error) => {
                    if let Blame::Datagram(error) = self.blame(handle, error.into(), &mut retried)
                        && let Some((future, _)) = out.pop()
                    {
                        self.queued_done(future, Err(error));
                    }
                }
            }
        }
        false
    }

    fn put_send_queue(&mut self, handle: Handle, out: Box<SendQueue>) {
        if !out.is_empty()
            && let Ok(udp) = self.udp_mut(handle)
        {
            udp.out = Some(out);
        } else if self.datagrams.queues.len() < KEPT {
            self.datagrams.queues.push(out);
        }
    }

    fn fail_queued(&mut self, handle: Handle, error: Error) {
        let Ok(udp) = self.udp_mut(handle) else { return };
        udp.blocked = false;
        let Some(mut out) = udp.out.take() else { return };
        while let Some((future, _)) = out.pop() {
            self.queued_done(future, Err(error));
        }
        self.put_send_queue(handle, out);
    }

    fn queued_done(&mut self, future: Handle, result: Result<usize>) {
        if self.future_mut(future).is_ok_and(|future| matches!(future.op, Op::Sends { .. })) {
            self.batch_sent(future, 1, result.map(|_| ()));
        } else {
            self.complete(future, result.map_or_else(Error::code, |length| length as i64));
        }
    }

    /// So many of a batch have left, or failed.
    fn batch_sent(&mut self, handle: Handle, count: u32, result: Result<()>) {
        let Ok(future) = self.future_mut(handle) else { return };
        let Op::Sends { left, sent, error, .. } = &mut future.op else { return };
        *left -= count;
        match result {
            Ok(()) => *sent += count,
            Err(failed) => *error = error.or(Some(failed)),
        }
        if *left == 0 {
            let result = match (*sent, *error) {
                (0, Some(error)) => error.code(),
                (sent, _) => sent.into(),
            };
            self.complete(handle, result);
        }
    }

    /// Whose error it is that a send met. What came back for an earlier datagram the system tells by not sending this one:
    /// it is kept for who receives next, and this one is sent again.
    fn blame(&mut self, handle: Handle, error: Error, retried: &mut Option<Error>) -> Blame {
        if error == Error::EAGAIN {
            self.note_retried(handle, retried);
            return Blame::Datagram(error);
        }
        let Ok(udp) = self.udp_mut(handle) else { return Blame::Datagram(error) };
        if udp.keeps_returned && udp.take_returned() {
            if udp.is_read() {
                self.ready.push_datagrams(handle);
            }
            return Blame::Nobody;
        }
        // A system that keeps none, or had no room for it, may mean this one or an earlier one: the second try shows.
        let maybe_earlier = match udp.side {
            None => udp.peer.is_some() && comes_back(error),
            // Whoever had it has let it go unread.
            Some(_) => error == Error::ECONNRESET,
        };
        if maybe_earlier && retried.is_none() {
            *retried = Some(error);
            return Blame::Nobody;
        }
        *retried = None;
        Blame::Datagram(udp.refused(error))
    }

    /// The second try met no error: the one that the first met was another datagram's.
    fn note_retried(&mut self, handle: Handle, retried: &mut Option<Error>) {
        if let Some(error) = retried.take()
            && let Ok(udp) = self.udp_mut(handle)
        {
            let to = udp.peer;
            udp.note_returned(Returned { error, to });
            if udp.is_read() {
                self.ready.push_datagrams(handle);
            }
        }
    }

    /// In the child of a fork: what the parent has queued the parent sends.
    pub fn forget_datagrams(&mut self, handle: Handle) {
        self.fail_queued(handle, Error::ECANCELED);
        if let Ok(udp) = self.udp_mut(handle) {
            udp.dirty = false;
        }
        // A descriptor that cannot be watched shows it when it is next sent from.
        let _ = self.udp_interest(handle, false);
    }

    /// `number`: of its first datagram in the queue.
    pub fn cancel_udp_send(&mut self, handle: Handle, future: Handle, number: u32) {
        let Ok(udp) = self.udp_mut(handle) else { return };
        let Some(mut out) = udp.out.take() else { return };
        out.cancel(number, future);
        self.put_send_queue(handle, out);
        if self.udp_mut(handle).is_ok_and(|udp| udp.blocked && udp.out.is_none()) {
            self.flush_udp(handle);
        }
    }

    /// How many bytes, and how many datagrams, wait to be sent.
    pub fn udp_send_queue(&mut self, handle: Handle) -> Result<(i64, i64)> {
        let udp = self.udp_mut(handle)?;
        Ok(udp.out.as_ref().map_or((0, 0), |out| (out.size() as i64, out.count() as i64)))
    }
}
