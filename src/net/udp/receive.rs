// SPDX-License-Identifier: MIT OR Apache-2.0
//! The receiving side: whole batches to one function, or one datagram to each who asks for one.
//!
//! What the system gives as one message is cut up again here. All sockets of a loop receive into the same memory, so
//! what a callback does not get at once is copied and kept.

use super::{Udp, plain};
use crate::callback::{Datagram, DatagramFunction, Notify, UserData};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::file::outcome::Bytes;
use crate::future::Op;
use crate::handle::Handle;
use crate::sys::datagram::{Arrivals, Local, Message, Returned, SLOTS, join_arrivals, part_arrivals};
use crate::sys::lent::{LentBuffer, LentDatagram};
use std::io;
use std::net::SocketAddr;

pub enum Reader {
    Nobody,
    Push { function: DatagramFunction, data: UserData },
}

/// One who waits for one datagram.
pub struct Once {
    pub future: Handle,
    buffer: LentBuffer,
    /// Where to tell what else is known of it.
    out: Option<LentDatagram>,
}

/// A datagram that came before anybody wanted it.
pub struct Kept {
    bytes: Box<[u8]>,
    peer: Option<SocketAddr>,
    local: Option<Local>,
    ecn: u8,
    truncated: bool,
    /// Who sent it, for a socket of this machine.
    sender: Option<Vec<u8>>,
}

/// What a loop receives into, and what it tells of it.
pub struct Batch {
    arrivals: Arrivals,
    pub list: Vec<Datagram>,
    kept: Vec<Kept>,
}

impl Batch {
    pub fn new() -> Batch {
        Batch { arrivals: Arrivals::new(), list: Vec::new(), kept: Vec::new() }
    }
}

/// What the driver is to tell.
pub enum ToldOf {
    Nothing,
    /// The batch's list. `more`: there may be more at once.
    Datagrams {
        function: DatagramFunction,
        data: UserData,
        more: bool,
    },
    Error {
        function: DatagramFunction,
        data: UserData,
        code: Error,
    },
    /// Nothing yet: those who wait for one have been served, and there may be more.
    Again,
}

/// How many batches are kept at a time. The system has far fewer.
const BATCHES_KEPT: usize = 1024;

/// What one attempt to receive brought.
enum Got {
    Messages(usize),
    NotNow,
    Failed(Error),
}

impl Udp {
    fn receive(&mut self, arrivals: &mut Arrivals, most: usize) -> Got {
        let received = arrivals.receive(&self.source, most, self.side.is_some());
        if self.parting {
            // It fails only for a socket of which nothing more is to be had.
            let _ = self.join_arrivals(false);
        }
        match received {
            Ok(count) => Got::Messages(count),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                // An event may have come for the queue of errors alone.
                if self.keeps_returned {
                    self.take_returned();
                }
                self.next_returned().map_or(Got::NotNow, Got::Failed)
            }
            Err(error) => {
                if self.keeps_returned {
                    self.take_returned();
                }
                let error = Error::from(error);
                if self.returned.is_empty() {
                    self.note_returned(Returned { error, to: self.peer });
                }
                self.next_returned().map_or(Got::NotNow, Got::Failed)
            }
        }
    }

    fn next_returned(&mut self) -> Option<Error> {
        let returned = self.returned.pop_front()?;
        self.returned_to = returned.to;
        Some(returned.error)
    }

    /// Asks the system, before the first who receives, to give several datagrams as one message.
    fn ask_for_joined(&mut self) {
        if self.joined_arrivals.is_none() {
            self.joined_arrivals = Some(self.join_arrivals(true).is_ok());
        }
    }

    /// Has the system join what arrives, or not join it any more as soon as that can be.
    pub(super) fn join_arrivals(&mut self, on: bool) -> io::Result<()> {
        self.parting = if on {
            join_arrivals(&self.source)?;
            false
        } else {
            !part_arrivals(&self.source)?
        };
        Ok(())
    }
}

/// What is told of a datagram.
fn datagram(
    bytes: &[u8],
    peer: Option<SocketAddr>,
    local: Option<SocketAddr>,
    ecn: u8,
    segment: usize,
    truncated: bool,
) -> Datagram {
    Datagram::new(bytes, peer.map(plain), local, ecn, segment, truncated)
}

/// The address of this machine that a datagram was sent to, with the interface as its scope.
fn local_address(local: Option<Local>, port: u16) -> Option<SocketAddr> {
    local.map(|local| match local.ip {
        std::net::IpAddr::V4(ip) => (ip, port).into(),
        std::net::IpAddr::V6(ip) => std::net::SocketAddrV6::new(ip, port, 0, local.interface).into(),
    })
}

impl Once {
    /// Gives it a datagram; the result.
    fn take(&mut self, from: &Datagram, bytes: &[u8]) -> i64 {
        let room = self.buffer.slice();
        let count = bytes.len().min(room.len());
        room[..count].copy_from_slice(&bytes[..count]);
        let truncated = from.is_truncated() || count < bytes.len();
        match &mut self.out {
            Some(out) => out.set(from.moved_to(&room[..count], truncated)),
            // Nobody would know.
            None if truncated => return Error::EMSGSIZE.code(),
            None => {}
        }
        count as i64
    }
}

impl Core {
    pub fn udp_recv_start(&mut self, handle: Handle, function: DatagramFunction, data: UserData) -> Result<()> {
        let udp = self.udp_mut(handle)?;
        if udp.is_read() {
            return Err(Error::EBUSY);
        }
        udp.ask_for_joined();
        udp.reader = Reader::Push { function, data };
        self.begin_to_receive(handle).inspect_err(|_| {
            if let Ok(udp) = self.udp_mut(handle) {
                udp.reader = Reader::Nobody;
            }
        })?;
        self.set_active(handle, true);
        Ok(())
    }

    pub fn udp_recv_stop(&mut self, handle: Handle) -> Result<()> {
        let udp = self.udp_mut(handle)?;
        if let Reader::Push { .. } = udp.reader {
            udp.reader = Reader::Nobody;
            self.set_active(handle, false);
        }
        Ok(())
    }

    /// Receives one datagram into the caller's memory.
    pub fn udp_recv(
        &mut self,
        handle: Handle,
        buffer: LentBuffer,
        out: Option<LentDatagram>,
        notify: Notify,
    ) -> Result<Handle> {
        let udp = self.udp_mut(handle)?;
        if let Reader::Push { .. } = udp.reader {
            return Err(Error::EBUSY);
        }
        let number = udp.once.next_number();
        let future = self.insert_future(Op::Receive(number), handle, notify)?;
        self.udp_mut(handle)?.once.push(Once { future, buffer, out });
        if let Err(error) = self.begin_to_receive(handle) {
            self.cancel_udp_recv(handle, future, number);
            self.withdraw_future(future);
            return Err(error);
        }
        Ok(future)
    }

    /// Watches, and has told what no event will tell of.
    fn begin_to_receive(&mut self, handle: Handle) -> Result<()> {
        self.udp_interest(handle, false)?;
        self.tell_what_is_kept(handle)
    }

    /// Has told what the system does not tell of any more.
    pub(super) fn tell_what_is_kept(&mut self, handle: Handle) -> Result<()> {
        let udp = self.udp_mut(handle)?;
        if udp.is_read() && !(udp.kept.is_empty() && udp.returned.is_empty()) {
            self.ready.push_datagrams(handle);
        }
        Ok(())
    }

    pub fn cancel_udp_recv(&mut self, handle: Handle, future: Handle, number: u32) {
        if let Ok(udp) = self.udp_mut(handle) {
            udp.once.take_out(number, |once| once.future == future, drop);
        }
    }

    /// Receives for whoever wants it: those who wait for one are served here, the others by the driver.
    pub fn receive_datagrams(&mut self, handle: Handle, batch: &mut Batch) -> ToldOf {
        if self.is_astray() {
            return ToldOf::Nothing;
        }
        let told = self.ready.popped();
        let Ok(udp) = self.udp_mut(handle) else { return ToldOf::Nothing };
        match udp.reader {
            Reader::Push { .. } if told < udp.once_told => {
                // Somebody has a datagram and was not told yet: what comes after it must not be told before.
                self.ready.push_datagrams(handle);
                ToldOf::Nothing
            }
            Reader::Push { function, data } => {
                let more = match udp.next_batch(batch) {
                    Got::NotNow => return ToldOf::Nothing,
                    Got::Failed(code) => return ToldOf::Error { function, data, code },
                    Got::Messages(count) => count == SLOTS,
                };
                ToldOf::Datagrams { function, data, more }
            }
            Reader::Nobody if udp.once.is_empty() => {
                // Nobody wants it: this is where watching ends.
                let _ = self.udp_interest(handle, true);
                ToldOf::Nothing
            }
            Reader::Nobody => self.serve_udp_once(handle, batch),
        }
    }

    /// Serves those who wait for one.
    fn serve_udp_once(&mut self, handle: Handle, batch: &mut Batch) -> ToldOf {
        let Ok(udp) = self.udp_mut(handle) else { return ToldOf::Nothing };
        if udp.kept.is_empty() {
            let got = match udp.next_returned() {
                Some(error) => Got::Failed(error),
                None => udp.receive(&mut batch.arrivals, udp.once.count()),
            };
            match got {
                Got::NotNow => return ToldOf::Nothing,
                Got::Failed(error) => {
                    let once = udp.once.pop();
                    self.once_done(handle, once, error.code());
                    return self.serve_the_rest(handle);
                }
                Got::Messages(count) => {
                    for index in 0..count {
                        let sender = udp.side.is_some().then(|| batch.arrivals.sender(index));
                        udp.keep(&batch.arrivals.message(index), sender);
                    }
                }
            }
        }
        while let Ok(udp) = self.udp_mut(handle)
            && !udp.once.is_empty()
            && let Some(kept) = udp.kept.pop_front()
        {
            let mut once = udp.once.pop();
            let from = kept.datagram(udp.own.port());
            let result = once.as_mut().map_or(0, |once| once.take(&from, &kept.bytes));
            if let (Some(sender), Some(once)) = (kept.sender, &once)
                && let Ok(future) = self.future_mut(once.future)
            {
                future.op = Op::Bytes(Bytes::new(sender));
            }
            self.once_done(handle, once, result);
        }
        self.serve_the_rest(handle)
    }

    /// Those who were served have not been told, and most will receive again: watching goes on, and ends with an event
    /// for nobody.
    fn serve_the_rest(&mut self, handle: Handle) -> ToldOf {
        let waiting = self.udp_mut(handle).is_ok_and(|udp| !udp.once.is_empty());
        if waiting { ToldOf::Again } else { ToldOf::Nothing }
    }

    fn once_done(&mut self, handle: Handle, once: Option<Once>, result: i64) {
        if let Some(once) = once {
            self.complete(once.future, result);
        }
        let told = self.ready.pushed();
        if let Ok(udp) = self.udp_mut(handle) {
            udp.once_told = told;
        }
    }

    /// Others get their turn first. What the system still has it will tell of; what is kept here it will not.
    pub fn receive_datagrams_later(&mut self, handle: Handle) {
        // One that was closed has nothing to tell.
        let _ = self.tell_what_is_kept(handle);
    }

    /// Where the datagram went that the last error told was for.
    pub fn udp_error_address(&mut self, handle: Handle) -> Result<SocketAddr> {
        self.udp_mut(handle)?.returned_to.map(plain).ok_or(Error::ENOENT)
    }
}

impl Udp {
    /// Errors first, then what was kept, then what the system has.
    fn next_batch(&mut self, batch: &mut Batch) -> Got {
        batch.list.clear();
        if let Some(error) = self.next_returned() {
            return Got::Failed(error);
        }
        if !self.kept.is_empty() {
            batch.kept.clear();
            batch.kept.extend(self.kept.drain(..));
            if let Some(side) = &mut self.side {
                side.senders.clear();
                side.senders.extend(batch.kept.iter_mut().map(|kept| kept.sender.take().unwrap_or_default()));
            }
            let port = self.own.port();
            batch.list.extend(batch.kept.iter().map(|kept| kept.datagram(port)));
            // There may be more with the system, of which it tells.
            return Got::Messages(1);
        }
        let got = self.receive(&mut batch.arrivals, SLOTS);
        if let Got::Messages(count) = got {
            if let Some(side) = &mut self.side {
                side.senders.clear();
                side.senders.extend((0..count).map(|index| batch.arrivals.sender(index)));
            }
            for index in 0..count {
                let message = batch.arrivals.message(index);
                let local = local_address(message.local, self.own.port());
                if message.segment == 0 || self.tells.coalesced {
                    batch.list.push(datagram(
                        message.bytes,
                        message.peer,
                        local,
                        message.ecn,
                        message.segment,
                        message.truncated,
                    ));
                    continue;
                }
                for bytes in message.bytes.chunks(message.segment) {
                    batch.list.push(datagram(bytes, message.peer, local, message.ecn, 0, message.truncated));
                }
            }
        }
        got
    }

    /// Receives all that the system has, into memory of this socket's own. (The loop's may be being told.)
    pub(super) fn keep_what_came(&mut self) {
        let mut arrivals = Arrivals::new();
        // A sender who is faster than this does not keep us here for good.
        for _ in 0..BATCHES_KEPT {
            match arrivals.receive(&self.source, SLOTS, self.side.is_some()) {
                Ok(count) => {
                    for index in 0..count {
                        let sender = self.side.is_some().then(|| arrivals.sender(index));
                        self.keep(&arrivals.message(index), sender);
                    }
                    if count < SLOTS {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => self.note_returned(Returned { error: error.into(), to: self.peer }),
            }
        }
    }

    /// Keeps what a message brought, datagram by datagram.
    fn keep(&mut self, message: &Message<'_>, sender: Option<Vec<u8>>) {
        let length = if message.segment > 0 { message.segment } else { message.bytes.len().max(1) };
        let mut keep = |bytes: &[u8]| {
            let (peer, local, ecn, truncated) = (message.peer, message.local, message.ecn, message.truncated);
            let sender = sender.clone();
            self.kept.push_back(Kept { bytes: bytes.into(), peer, local, ecn, truncated, sender });
        };
        if message.bytes.is_empty() {
            keep(&[]);
        }
        message.bytes.chunks(length).for_each(keep);
    }
}

impl Kept {
    fn datagram(&self, port: u16) -> Datagram {
        datagram(&self.bytes, self.peer, local_address(self.local, port), self.ecn, 0, self.truncated)
    }
}
