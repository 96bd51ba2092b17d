// SPDX-License-Identifier: MIT OR Apache-2.0
//! Datagrams on this machine: the same sockets, with paths and abstract names for addresses.
//!
//! A receiver that is full takes no more for now. Of a peer the system tells when it does again, of any other it never
//! does: a datagram to a name fails where one to a peer waits. The system takes from one socket only so much that nobody
//! has received yet: of that it tells too.

use super::Udp;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::handle::Handle;
use crate::sys::datagram::{self, Name};
use crate::sys::local::{self, SocketFile};
use crate::sys::{self, Source};
use socket2::{Domain, SockAddr, Type};
use std::net::{Ipv4Addr, SocketAddr};

/// What a socket of this machine has beside what all have.
#[derive(Default)]
pub struct Side {
    /// Goes before the socket is closed: as long as that is open, no other file can be taken for its own.
    _file: Option<SocketFile>,
    has_peer: bool,
    /// Who sent the datagrams of the batch that is being told.
    pub senders: Vec<Vec<u8>>,
}

impl Udp {
    fn on_this_machine(source: Source, side: Side) -> Udp {
        let nowhere = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0);
        Udp { side: Some(Box::new(side)), ..Udp::new(source, nowhere, None, true) }
    }

    fn side_mut(&mut self) -> Result<&mut Side> {
        self.side.as_deref_mut().ok_or(Error::EAFNOSUPPORT)
    }

    /// Where a datagram goes for which this path was given, or none.
    pub fn path(&self, to: Option<&[u8]>) -> Result<Name> {
        let side = self.side.as_ref().ok_or(Error::EAFNOSUPPORT)?;
        match (to, side.has_peer) {
            (None, true) => Ok(Name::Peer),
            (None, false) => Err(Error::EDESTADDRREQ),
            (Some(_), true) => Err(Error::EISCONN),
            (Some(to), false) => Ok(Name::Other(Box::new(destination(to)?))),
        }
    }

    /// Whether the system never tells when there is room for the datagram that it has just not taken: it does of a peer,
    /// and of what this socket may have under way, but not of any other receiver.
    pub(super) fn would_wait_in_vain(&self) -> bool {
        self.side.as_ref().is_some_and(|side| !side.has_peer) && !local::has_sent_its_fill(&self.source)
    }

    /// The error of a datagram, as it is told. A peer that has gone the system takes away by itself as it refuses what is
    /// sent to it, and of what follows it says that there is none.
    pub(super) fn refused(&mut self, error: Error) -> Error {
        let Some(side) = self.side.as_deref_mut() else { return error };
        if !matches!(error, Error::ECONNREFUSED | Error::ENOTCONN | Error::EDESTADDRREQ) {
            return error;
        }
        side.has_peer = side.has_peer && self.source.socket().peer_addr().is_ok();
        Error::ECONNREFUSED
    }
}

fn destination(name: &[u8]) -> Result<SockAddr> {
    // What a bind takes for any free name is nobody's.
    if name == b"@" { Err(Error::EINVAL) } else { local::address(name) }
}

impl Core {
    /// A socket at a path or abstract name; one without can send. `replace`: takes the place of a socket's file at which
    /// nobody receives.
    pub fn udp_bind_path(&mut self, name: Option<&[u8]>, replace: bool) -> Result<Handle> {
        self.make_room()?;
        let socket = sys::new_socket(Domain::UNIX, Type::DGRAM)?;
        let mut side = Side::default();
        if let Some(name) = name {
            let address = local::address(name)?;
            let mut outcome = socket.bind(&address);
            if replace
                && outcome.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::AddrInUse)
                && local::remove_stale(name, &address, Type::DGRAM)?
            {
                outcome = socket.bind(&address);
            }
            outcome?;
            side._file = SocketFile::of(name);
        }
        self.insert_udp(Udp::on_this_machine(Source::from_socket(socket)?, side))
    }

    /// Takes over a caller's socket that is not of the internet.
    pub(super) fn udp_open_local(&mut self, descriptor: i64) -> Result<Handle> {
        let has_peer = local::has_peer(descriptor)?;
        self.check_descriptor_free(descriptor)?;
        let side = Side { has_peer, ..Side::default() };
        self.insert_udp(Udp::on_this_machine(Source::adopt_socket(descriptor)?, side))
    }

    /// Gives the socket a peer, to which it sends and from which alone it receives; `None` takes it away.
    pub fn udp_set_peer_path(&mut self, handle: Handle, name: Option<&[u8]>) -> Result<()> {
        self.flush_udp(handle);
        let udp = self.udp_mut(handle)?;
        if udp.out.is_some() {
            return Err(Error::EBUSY);
        }
        let had_peer = udp.side_mut()?.has_peer;
        if had_peer {
            // With the peer the system gives up what it has of it, and tells those who sent it of an error.
            udp.keep_what_came();
            self.tell_what_is_kept(handle)?;
        }
        let udp = self.udp_mut(handle)?;
        match name {
            Some(name) => udp.source.socket().connect(&destination(name)?)?,
            None if !had_peer => return Err(Error::ENOTCONN),
            None => datagram::disconnect(&udp.source)?,
        }
        udp.side_mut()?.has_peer = name.is_some();
        Ok(())
    }

    /// Who sent a datagram of the batch that is being told; empty for a socket without a name.
    pub fn udp_sender_path(&mut self, handle: Handle, index: usize) -> Result<&[u8]> {
        self.udp_mut(handle)?.side_mut()?.senders.get(index).map(Vec::as_slice).ok_or(Error::EINVAL)
    }
}
