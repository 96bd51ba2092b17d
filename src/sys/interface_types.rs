// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is told of an interface, on every platform.

use std::ffi::CString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

pub struct Interface {
    pub name: CString,
    pub index: u32,
    /// 0 where it is not known.
    pub mtu: u32,
    pub flags: InterfaceFlags,
    /// Empty where it has none.
    pub hardware: Vec<u8>,
    pub addresses: Vec<InterfaceAddress>,
}

#[derive(Clone, Copy, Default)]
pub struct InterfaceFlags {
    pub up: bool,
    pub running: bool,
    pub loopback: bool,
    pub broadcast: bool,
    pub point_to_point: bool,
    pub multicast: bool,
}

pub struct InterfaceAddress {
    /// With the interface as scope where it needs one.
    pub address: SocketAddr,
    /// How many bits of it all in its network share.
    pub prefix: u32,
    pub broadcast: Option<Ipv4Addr>,
    pub peer: Option<IpAddr>,
}
