// SPDX-License-Identifier: MIT OR Apache-2.0
//! Datagrams: sockets that receive in batches and send what was gathered in one callback together.
//!
//! `receive` has the receiving side, `send` the sending side, `options` what can be set. Errors that the network sends
//! back for a datagram are not the fault of the call that meets them: they go to whoever receives, and the call is made
//! again.

mod connect;
mod local;
mod numbered;
mod options;
mod receive;
mod send;
mod send_queue;

pub use options::Tells;
pub use receive::{Batch, ToldOf};
pub use send::{Datagrams, Parcel};

use crate::core::Core;
use crate::error::{Error, Result};
use crate::handle::Handle;
use crate::lifecycle::{Kind, Object};
use crate::net::address::Place;
use crate::reactor::Interest;
use crate::sys::datagram::{self, Joining, Name, Returned};
use crate::sys::{self, Source};
use local::Side;
use numbered::Numbered;
use receive::{Kept, Once, Reader};
use send_queue::SendQueue;
use socket2::{Domain, SockAddr, Type};
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

/// How `rondel_udp_bind` is to bind.
#[derive(Clone, Copy, Default)]
pub struct Binding {
    pub reuse_address: bool,
    pub reuse_port: bool,
    pub ipv6_only: bool,
    /// Neither joins what it sends nor lets be joined what it receives.
    pub plain: bool,
}

pub struct Udp {
    /// What a socket of this machine has beside; `None` for one of the internet. It goes before the socket does.
    side: Option<Box<Side>>,
    source: Source,
    ipv6: bool,
    /// Where it is bound.
    own: SocketAddr,
    peer: Option<SocketAddr>,
    watched: Option<Interest>,
    reader: Reader,
    /// Receives of one datagram each that wait.
    once: Numbered<Once>,
    /// The last one-shot receive has been told once so many items were taken from the ready queue.
    once_told: u64,
    /// Datagrams that came and that nobody has got yet.
    kept: VecDeque<Kept>,
    /// Errors that came back and that nobody has heard of yet.
    returned: VecDeque<Returned>,
    /// Where the datagram went that the last error told was for.
    returned_to: Option<SocketAddr>,
    /// The system keeps errors that come back, for us to take.
    keeps_returned: bool,
    tells: Tells,
    /// Whether the system may give several datagrams as one message, whatever is told; `None`: it has not been asked to.
    joined_arrivals: Option<bool>,
    /// It is not to any more, from when nothing has arrived.
    parting: bool,
    /// Datagrams to send; there only while there are any.
    out: Option<Box<SendQueue>>,
    /// The system takes no more for now.
    blocked: bool,
    /// What was gathered waits for the callback to return.
    dirty: bool,
    joining: Joining,
}

/// How many errors that came back are kept for one who does not ask for them.
const RETURNED_KEPT: usize = 64;

impl Udp {
    fn new(source: Source, own: SocketAddr, peer: Option<SocketAddr>, plain: bool) -> Udp {
        Udp {
            side: None,
            source,
            ipv6: own.is_ipv6(),
            own,
            peer,
            watched: None,
            reader: Reader::Nobody,
            once: Numbered::default(),
            once_told: 0,
            kept: VecDeque::new(),
            returned: VecDeque::new(),
            returned_to: None,
            keeps_returned: false,
            tells: Tells::default(),
            joined_arrivals: plain.then_some(false),
            parting: false,
            out: None,
            blocked: false,
            dirty: false,
            joining: if plain { Joining::OFF } else { Joining::new() },
        }
    }

    pub fn source(&self) -> &Source {
        &self.source
    }

    pub fn is_busy(&self) -> bool {
        self.is_read() || self.out.is_some()
    }

    fn is_read(&self) -> bool {
        !matches!(self.reader, Reader::Nobody) || !self.once.is_empty()
    }

    /// An address as this socket has to name it.
    fn address(&self, address: SocketAddr) -> Result<SocketAddr> {
        match (self.ipv6, address) {
            (true, SocketAddr::V4(v4)) => Ok(SocketAddr::new(v4.ip().to_ipv6_mapped().into(), v4.port())),
            (false, SocketAddr::V6(v6)) => match v6.ip().to_ipv4_mapped() {
                Some(v4) => Ok(SocketAddr::new(v4.into(), v6.port())),
                None => Err(Error::EAFNOSUPPORT),
            },
            _ => Ok(address),
        }
    }

    /// Where a datagram goes for which this address was given, or none.
    pub fn name(&self, to: Option<SocketAddr>) -> Result<Name> {
        if self.side.is_some() {
            return if to.is_none() { self.path(None) } else { Err(Error::EAFNOSUPPORT) };
        }
        match (to, self.peer) {
            (None, Some(_)) => Ok(Name::Peer),
            (None, None) => Err(Error::EDESTADDRREQ),
            (Some(to), _) if to.port() == 0 => Err(Error::EINVAL),
            (Some(to), Some(peer)) => match self.address(to)? == peer {
                true => Ok(Name::Peer),
                false => Err(Error::EISCONN),
            },
            (Some(to), None) => self.address(to).map(Name::Inet),
        }
    }

    /// Takes the errors that the system has kept. Whether there were any.
    fn take_returned(&mut self) -> bool {
        let mut any = false;
        while let Some(returned) = datagram::next_returned(&self.source) {
            self.note_returned(returned);
            any = true;
        }
        any
    }

    fn note_returned(&mut self, returned: Returned) {
        if self.returned.len() == RETURNED_KEPT {
            self.returned.pop_front();
        }
        self.returned.push_back(returned);
    }

    /// Has the system keep the errors that come back, if somebody may want to know them. It always does for a peer.
    fn settle_returned(&mut self) -> std::io::Result<()> {
        let wanted = self.peer.is_some() || self.tells.errors;
        if wanted != self.keeps_returned {
            datagram::keep_returned(&self.source, self.ipv6, wanted)?;
            self.keeps_returned = wanted;
        }
        Ok(())
    }
}

impl Udp {
    /// In words.
    pub fn doing(&self) -> String {
        let reading = match &self.reader {
            Reader::Nobody if self.once.is_empty() => "nobody receives",
            Reader::Nobody => "a receive waits",
            _ => "receiving",
        };
        let sending = if self.out.is_some() { ", datagrams to send" } else { "" };
        let peer = self.peer.map_or_else(String::new, |peer| format!(", peer {peer}"));
        let own = if self.side.is_some() { "of this machine".into() } else { format!("bound to {}", self.own) };
        format!("{reading}{sending}, {own}{peer}, descriptor {}", self.source.raw())
    }
}

impl Core {
    pub fn udp_mut(&mut self, handle: Handle) -> Result<&mut Udp> {
        match &mut self.open_entry(handle)?.object {
            Object::Udp(udp) => Ok(udp),
            _ => Err(Error::EKIND),
        }
    }

    pub fn udp_bind(&mut self, place: &Place, how: Binding) -> Result<Handle> {
        self.make_room()?;
        let mut last = Error::EADDRNOTAVAIL;
        for address in place.addresses() {
            let everywhere = matches!(place, Place::Everywhere(_));
            match bind(address, everywhere && !how.ipv6_only, how) {
                Ok((source, own)) => return self.insert_udp(Udp::new(source, own, None, how.plain)),
                // Without IPv6 the next address may do; a port that is taken is taken.
                Err(error) if matches!(error, Error::EAFNOSUPPORT | Error::EADDRNOTAVAIL) => last = error,
                Err(error) => return Err(error),
            }
            if how.ipv6_only {
                break;
            }
        }
        Err(last)
    }

    fn insert_udp(&mut self, udp: Udp) -> Result<Handle> {
        self.insert(Kind::Udp, Object::Udp(Box::new(udp)))
    }

    /// Takes over a caller's datagram socket. On failure it stays the caller's.
    pub fn udp_open(&mut self, descriptor: i64) -> Result<Handle> {
        self.make_room()?;
        let (own, peer) = match datagram::look_at_datagram_socket(descriptor) {
            Err(Error::EAFNOSUPPORT) => return self.udp_open_local(descriptor),
            seen => seen?,
        };
        self.check_descriptor_free(descriptor)?;
        let mut udp = Udp::new(Source::adopt_socket(descriptor)?, own, peer, false);
        // Whoever else has the socket may not know of datagrams that come as one message.
        udp.joined_arrivals = Some(datagram::joins_arrivals(&udp.source));
        // Not every system can, and then the next call on the socket tells such errors.
        let _ = udp.settle_returned();
        self.insert_udp(udp)
    }

    /// Gives the socket a peer, to which it sends and from which alone it receives; `None` takes it away.
    pub fn udp_set_peer(&mut self, handle: Handle, peer: Option<SocketAddr>) -> Result<()> {
        if self.udp_mut(handle)?.side.is_some() {
            return if peer.is_none() { self.udp_set_peer_path(handle, None) } else { Err(Error::EAFNOSUPPORT) };
        }
        self.flush_udp(handle);
        let udp = self.udp_mut(handle)?;
        if udp.out.is_some() {
            return Err(Error::EBUSY);
        }
        match peer {
            Some(peer) if peer.port() == 0 => return Err(Error::EINVAL),
            Some(peer) => {
                let peer = udp.address(peer)?;
                datagram::set_peer(&udp.source, &peer)?;
                udp.peer = Some(peer);
            }
            None if udp.peer.is_none() => return Err(Error::ENOTCONN),
            None => {
                datagram::disconnect(&udp.source)?;
                udp.peer = None;
                // Linux takes a port away with the peer, if nobody asked for it by number.
                let port = udp.source.socket().local_addr()?.as_socket().map(|own| own.port());
                if port != Some(udp.own.port()) {
                    udp.source.socket().bind(&SockAddr::from(udp.own))?;
                }
            }
        }
        // As above.
        let _ = udp.settle_returned();
        Ok(())
    }

    /// Watches for what the socket wants. `strictly`: also gives up what it does not want to receive any more.
    fn udp_interest(&mut self, handle: Handle, strictly: bool) -> Result<()> {
        let Core { table, reactor, .. } = self;
        let Object::Udp(udp) = &mut table.get_mut(handle)?.object else { return Ok(()) };
        let mut wanted = Interest { readable: udp.is_read(), writable: udp.blocked, ..Interest::default() };
        let present = udp.watched.unwrap_or_default();
        if !strictly {
            wanted.readable |= present.readable;
        }
        if wanted == present {
            return Ok(());
        }
        match (udp.watched, wanted == Interest::default()) {
            (None, _) => reactor.watch(&udp.source, handle.key(), wanted)?,
            // An error is reported whatever one watches for, so what wants nothing must not be watched.
            (Some(_), true) => reactor.unwatch(&udp.source),
            (Some(_), false) => reactor.rewatch(&udp.source, handle.key(), wanted)?,
        }
        udp.watched = (wanted != Interest::default()).then_some(wanted);
        Ok(())
    }

    /// What was sent and can leave at once leaves; everything else that is pending is cancelled.
    pub fn close_udp(&mut self, handle: Handle) {
        self.flush_udp(handle);
        let cancelled = Error::ECANCELED.code();
        let Ok(udp) = self.udp_mut(handle) else { return };
        let mut once = std::mem::take(&mut udp.once);
        let out = udp.out.take();
        while let Some(once) = once.pop() {
            self.complete(once.future, cancelled);
        }
        for future in out.into_iter().flat_map(|mut out| out.clear()) {
            self.complete(future, cancelled);
        }
        let Core { table, reactor, .. } = self;
        if let Ok(Object::Udp(udp)) = table.get_mut(handle).map(|entry| &mut entry.object)
            && udp.watched.take().is_some()
        {
            reactor.unwatch(&udp.source);
        }
    }
}

/// A bound socket and its own address. `dual`: an IPv6 socket takes IPv4 too.
fn bind(address: SocketAddr, dual: bool, how: Binding) -> Result<(Source, SocketAddr)> {
    let socket = new_socket(address)?;
    if how.reuse_address {
        datagram::share_address(&socket)?;
    }
    if how.reuse_port {
        datagram::share_port(&socket)?;
    }
    if address.is_ipv6() {
        socket.set_only_v6(!dual)?;
    }
    socket.bind(&SockAddr::from(address))?;
    let own = socket.local_addr()?.as_socket().ok_or(Error::EAFNOSUPPORT)?;
    Ok((Source::from_socket(socket)?, own))
}

fn new_socket(address: SocketAddr) -> Result<socket2::Socket> {
    let socket = sys::new_socket(Domain::for_address(address), Type::DGRAM)?;
    datagram::prepare_datagrams(&socket)?;
    Ok(socket)
}

/// IPv4 addresses come in over IPv6 sockets too, and are told as what they are.
fn plain(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V6(v6) => match v6.ip().to_ipv4_mapped() {
            Some(v4) => SocketAddr::new(IpAddr::V4(v4), v6.port()),
            None => address,
        },
        SocketAddr::V4(_) => address,
    }
}
