// SPDX-License-Identifier: MIT OR Apache-2.0
//! What datagrams are, on every platform.

use crate::error::Error;
use socket2::SockAddr;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// How many messages one call receives at most.
pub const SLOTS: usize = 32;
/// Room for the longest datagram. Not a power of two, lest all slots compete for the same lines of the cache.
pub const SLOT: usize = 64 * 1024 + 5 * 64;
/// How many bytes a datagram has at most, whatever a system would take on this machine: no more are received at once.
pub const LONGEST: usize = 65535;

/// Where a datagram goes.
#[derive(Clone, PartialEq, Debug)]
pub enum Name {
    /// To the socket's peer.
    Peer,
    Inet(SocketAddr),
    /// A path or abstract name of this machine.
    #[cfg_attr(windows, allow(dead_code))]
    Other(Box<SockAddr>),
}

/// An address of this machine, and the interface it was seen at.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Local {
    pub ip: IpAddr,
    pub interface: u32,
}

/// Which interface of this machine.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Interface {
    /// The system's choice.
    Any,
    Index(u32),
    /// The one with this address.
    Address(Ipv4Addr),
}

/// A message that came.
pub struct Message<'a> {
    pub bytes: &'a [u8],
    /// `None`: the sender has no internet address.
    pub peer: Option<SocketAddr>,
    /// Where it was sent to, if that was asked for.
    pub local: Option<Local>,
    /// The last two bits of the traffic class, if they were asked for.
    pub ecn: u8,
    /// The length of each datagram in it but the last; 0: it is one.
    pub segment: usize,
    /// There was more of it than there was room.
    pub truncated: bool,
}

/// A datagram to send.
#[derive(Clone, Copy)]
#[cfg_attr(windows, allow(dead_code))] // Neither ECN nor the address to send from are asked for there.
pub struct Outgoing<'a> {
    pub bytes: &'a [u8],
    pub to: &'a Name,
    pub ecn: u8,
    /// The address to send from.
    pub local: Option<Local>,
}

/// An error that came back for a datagram sent before.
pub struct Returned {
    pub error: Error,
    /// Where it was sent to.
    pub to: Option<SocketAddr>,
}
