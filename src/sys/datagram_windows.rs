// SPDX-License-Identifier: MIT OR Apache-2.0
//! Datagrams on Windows: one a call, through socket2. What it tells of them beside bytes and sender is not asked for.

pub use super::datagram_types::*;
use super::{Source, raw_source};
use crate::error::{Error, Result};
use socket2::{InterfaceIndexOrAddress, SockAddr, SockRef, Socket};
use std::io;
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::windows::io::{AsRawSocket, BorrowedSocket};
use windows_sys::Win32::Networking::WinSock as ws;

/// Nothing is joined here.
#[derive(Clone, Copy)]
pub struct Joining;

impl Joining {
    pub const OFF: Joining = Joining;

    pub fn new() -> Joining {
        Joining
    }
}

/// Places for messages to arrive at.
pub struct Arrivals {
    memory: Box<[u8]>,
    came: Vec<(usize, Option<SocketAddr>, bool)>,
}

impl Arrivals {
    pub fn new() -> Arrivals {
        Arrivals { memory: vec![0; SLOTS * SLOT].into_boxed_slice(), came: Vec::new() }
    }

    /// Receives up to `most` messages; how many came. Nothing comes beside bytes and sender, from whatever socket.
    pub fn receive(&mut self, source: &Source, most: usize, _local: bool) -> io::Result<usize> {
        self.came.clear();
        for slot in self.memory.chunks_exact_mut(SLOT).take(most.clamp(1, SLOTS)) {
            // SAFETY: bytes that are initialized are also bytes that may not be, and recvfrom writes initialized ones only.
            let room = unsafe { &mut *(std::ptr::from_mut(slot) as *mut [MaybeUninit<u8>]) };
            match source.socket().recv_from(room) {
                Ok((length, peer)) => self.came.push((length, peer.as_socket(), false)),
                Err(error) if error.raw_os_error() == Some(ws::WSAEMSGSIZE) => self.came.push((SLOT, None, true)),
                Err(error) if self.came.is_empty() => return Err(error),
                // The next call meets what is still so then.
                Err(_) => break,
            }
        }
        Ok(self.came.len())
    }

    /// Who sent a message, for a socket of this machine: datagrams have none here.
    pub fn sender(&self, _index: usize) -> Vec<u8> {
        Vec::new()
    }

    /// One of the messages that the last call brought.
    pub fn message(&self, index: usize) -> Message<'_> {
        let (length, peer, truncated) = self.came[index];
        let bytes = &self.memory[index * SLOT..index * SLOT + length];
        Message { bytes, peer, local: None, ecn: 0, segment: 0, truncated }
    }
}

pub struct Sender;

impl Sender {
    pub fn new() -> Sender {
        Sender
    }

    /// Sends what it can of these: how many left, at least one. An error is the first one's.
    pub fn send<'a>(
        &mut self,
        source: &Source,
        list: impl Iterator<Item = Outgoing<'a>> + Clone,
        _joining: &mut Joining,
    ) -> io::Result<usize> {
        let mut sent = 0;
        for outgoing in list {
            let socket = source.socket();
            let result = match outgoing.to {
                Name::Peer => socket.send(outgoing.bytes),
                Name::Inet(address) => socket.send_to(outgoing.bytes, &SockAddr::from(*address)),
                Name::Other(name) => socket.send_to(outgoing.bytes, name),
            };
            match result {
                Ok(_) => sent += 1,
                Err(error) if sent == 0 => return Err(error),
                // The next call begins with this one, and meets the error again, or does not.
                Err(_) => break,
            }
        }
        Ok(sent)
    }
}

/// Looks at a caller's datagram socket without changing it: its own address, and its peer's if it has one.
pub fn look_at_datagram_socket(number: i64) -> Result<(SocketAddr, Option<SocketAddr>)> {
    let number = raw_source(number)?;
    // SAFETY: borrowed for this call only; a number that is no socket makes the first look fail.
    let borrowed = unsafe { BorrowedSocket::borrow_raw(number) };
    let socket = SockRef::from(&borrowed);
    if socket.r#type()? != socket2::Type::DGRAM {
        return Err(Error::EPROTOTYPE);
    }
    let own = socket.local_addr()?.as_socket().ok_or(Error::EAFNOSUPPORT)?;
    Ok((own, socket.peer_addr().ok().and_then(|peer| peer.as_socket())))
}

/// There is no queue of them here: the next call tells.
pub fn next_returned(_source: &Source) -> Option<Returned> {
    None
}

fn unsupported() -> io::Result<()> {
    Err(io::Error::from_raw_os_error(ws::WSAEOPNOTSUPP))
}

/// What every new datagram socket is set to. Windows would tell a socket without a peer, too, that somebody it sent to is
/// not there, as the error of whatever call comes next.
pub fn prepare_datagrams(socket: &Socket) -> io::Result<()> {
    report_returned(socket.as_raw_socket() as ws::SOCKET, false)
}

fn report_returned(socket: ws::SOCKET, on: bool) -> io::Result<()> {
    let on = u32::from(on);
    let mut length = 0;
    // SAFETY: the option is a number, readable for its size, and gives nothing back but that length.
    let status = unsafe {
        ws::WSAIoctl(
            socket,
            ws::SIO_UDP_CONNRESET,
            (&raw const on).cast(),
            size_of::<u32>() as u32,
            std::ptr::null_mut(),
            0,
            &mut length,
            std::ptr::null_mut(),
            None,
        )
    };
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Several sockets may be bound to one port; each gets what is sent to a group.
pub fn share_address(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_address(true)
}

pub fn share_port(_socket: &Socket) -> io::Result<()> {
    unsupported()
}

pub fn join_arrivals(_source: &Source) -> io::Result<()> {
    unsupported()
}

pub fn part_arrivals(_source: &Source) -> io::Result<bool> {
    Ok(true)
}

pub fn joins_arrivals(_source: &Source) -> bool {
    false
}

/// A peer's errors are told by the next call; those of others could not be told apart.
pub fn keep_returned(source: &Source, _ipv6: bool, on: bool) -> io::Result<()> {
    if source.socket().peer_addr().is_ok() {
        report_returned(source.raw() as ws::SOCKET, on)?;
    }
    if on { unsupported() } else { Ok(()) }
}

pub fn tell_ecn(_source: &Source, _ipv6: bool, on: bool) -> io::Result<()> {
    if on { unsupported() } else { Ok(()) }
}

pub fn tell_local(_source: &Source, _ipv6: bool, on: bool) -> io::Result<()> {
    if on { unsupported() } else { Ok(()) }
}

/// Windows leaves it to the administrator.
pub fn set_traffic_class(_source: &Source, _ipv6: bool, _class: u8) -> io::Result<()> {
    unsupported()
}

/// Gives the socket a peer, or another one.
pub fn set_peer(source: &Source, address: &SocketAddr) -> io::Result<()> {
    source.socket().connect(&SockAddr::from(*address))
}

/// Takes the socket's peer away: that is connecting to nowhere.
pub fn disconnect(source: &Source) -> io::Result<()> {
    let nowhere: SocketAddr = match source.socket().local_addr()?.as_socket() {
        Some(SocketAddr::V6(_)) => (std::net::Ipv6Addr::UNSPECIFIED, 0).into(),
        _ => (Ipv4Addr::UNSPECIFIED, 0).into(),
    };
    source.socket().connect(&SockAddr::from(nowhere))
}

fn index_of(interface: Interface) -> io::Result<u32> {
    match interface {
        Interface::Any => Ok(0),
        Interface::Index(index) => Ok(index),
        Interface::Address(_) => Err(io::ErrorKind::InvalidInput.into()),
    }
}

/// Joins a group at an interface, or leaves it. `from`: what this sender sends, nobody else.
pub fn set_membership(
    source: &Source,
    join: bool,
    group: IpAddr,
    interface: Interface,
    from: Option<IpAddr>,
) -> io::Result<()> {
    let socket = source.socket();
    let v4 = match interface {
        Interface::Any => InterfaceIndexOrAddress::Address(Ipv4Addr::UNSPECIFIED),
        Interface::Index(index) => InterfaceIndexOrAddress::Index(index),
        Interface::Address(address) => InterfaceIndexOrAddress::Address(address),
    };
    match (group, from, v4) {
        (IpAddr::V4(group), None, v4) => match join {
            true => socket.join_multicast_v4_n(&group, &v4),
            false => socket.leave_multicast_v4_n(&group, &v4),
        },
        (IpAddr::V4(group), Some(IpAddr::V4(from)), InterfaceIndexOrAddress::Address(at)) => match join {
            true => socket.join_ssm_v4(&from, &group, &at),
            false => socket.leave_ssm_v4(&from, &group, &at),
        },
        (IpAddr::V6(group), None, _) => match join {
            true => socket.join_multicast_v6(&group, index_of(interface)?),
            false => socket.leave_multicast_v6(&group, index_of(interface)?),
        },
        _ => unsupported(),
    }
}

/// Where what is sent to groups leaves.
pub fn set_multicast_interface(source: &Source, ipv6: bool, interface: Interface) -> io::Result<()> {
    if ipv6 {
        return source.socket().set_multicast_if_v6(index_of(interface)?);
    }
    match interface {
        Interface::Any => source.socket().set_multicast_if_v4(&Ipv4Addr::UNSPECIFIED),
        Interface::Address(address) => source.socket().set_multicast_if_v4(&address),
        // In this place the system reads 0.x.x.x as an interface's number.
        Interface::Index(index) => source.socket().set_multicast_if_v4(&Ipv4Addr::from(index & 0xff_ffff)),
    }
}
