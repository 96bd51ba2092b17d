// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the system tells, and is told, of a datagram beside its bytes (control messages, cmsg(3)).

use super::{Local, Outgoing};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// More than all of what is asked for takes.
pub const ROOM: usize = 256;

#[repr(C, align(8))]
pub struct Controls([u8; ROOM]);

#[derive(Default)]
pub struct Told {
    pub local: Option<Local>,
    pub ecn: u8,
    pub segment: usize,
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const UDP_SEGMENT: libc::c_int = 103;
#[cfg(any(target_os = "linux", target_os = "android"))]
const UDP_GRO: libc::c_int = 104;

/// What the system calls the byte with an IPv4 datagram's traffic class, when it tells it.
#[cfg(any(target_os = "linux", target_os = "android"))]
const TOLD_TOS: libc::c_int = libc::IP_TOS;
#[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
const TOLD_TOS: libc::c_int = libc::IP_RECVTOS;

impl Controls {
    pub fn new() -> Controls {
        Controls([0; ROOM])
    }

    pub fn start(&mut self) -> *mut libc::c_void {
        self.0.as_mut_ptr().cast()
    }

    /// What is told in a message that was received with these.
    pub fn read(&self, message: &libc::msghdr) -> Told {
        let mut told = Told::default();
        for_each(message, |level, kind, data| match (level, kind) {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            (libc::SOL_UDP, UDP_GRO) => told.segment = number(data) as usize,
            #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", target_os = "freebsd"))]
            (libc::IPPROTO_IP, TOLD_TOS) => told.ecn = data.first().copied().unwrap_or(0) & 3,
            (libc::IPPROTO_IPV6, libc::IPV6_TCLASS) => told.ecn = number(data) as u8 & 3,
            #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
            (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                // in_pktinfo: the interface, the address to answer from, the address it was sent to.
                let ip = data.get(8..12).and_then(|ip| <[u8; 4]>::try_from(ip).ok()).map(Ipv4Addr::from);
                told.local = ip.map(|ip| Local { ip: ip.into(), interface: number(data) });
            }
            #[cfg(target_os = "freebsd")]
            (libc::IPPROTO_IP, libc::IP_RECVDSTADDR) => {
                let ip = data.get(..4).and_then(|ip| <[u8; 4]>::try_from(ip).ok()).map(Ipv4Addr::from);
                told.local = ip.map(|ip| Local { ip: ip.into(), interface: 0 });
            }
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                // in6_pktinfo: the address it was sent to, the interface.
                let ip = data.get(..16).and_then(|ip| <[u8; 16]>::try_from(ip).ok()).map(Ipv6Addr::from);
                let interface = data.get(16..20).map_or(0, number);
                told.local = ip.map(|ip| Local { ip: ip.to_canonical(), interface });
            }
            _ => {}
        });
        told
    }

    /// Tells the system of a message to be sent. `segment`: into pieces of which length to cut it.
    pub fn write(&mut self, message: &mut libc::msghdr, outgoing: &Outgoing<'_>, segment: u16) {
        let mut length = 0;
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if segment > 0 {
            length = self.put(length, libc::SOL_UDP, UDP_SEGMENT, &segment.to_ne_bytes());
        }
        let _ = segment;
        let to_ipv4 = match (outgoing.to, outgoing.local) {
            (super::Name::Inet(address), _) => address.ip().to_canonical().is_ipv4(),
            (_, Some(local)) => local.ip.is_ipv4(),
            // The peer's family is not known here: each socket looks at what concerns it.
            _ => true,
        };
        if outgoing.ecn > 0 {
            let class = libc::c_int::from(outgoing.ecn).to_ne_bytes();
            if to_ipv4 {
                #[cfg(not(target_os = "freebsd"))]
                let class = &class;
                #[cfg(target_os = "freebsd")]
                let class = &[outgoing.ecn];
                length = self.put(length, libc::IPPROTO_IP, libc::IP_TOS, class);
            }
            if !to_ipv4 || matches!(outgoing.to, super::Name::Peer) {
                length = self.put(length, libc::IPPROTO_IPV6, libc::IPV6_TCLASS, &class);
            }
        }
        match outgoing.local {
            #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
            Some(Local { ip: IpAddr::V4(ip), interface }) => {
                let mut info = [0; 12];
                info[..4].copy_from_slice(&interface.to_ne_bytes());
                info[4..8].copy_from_slice(&ip.octets());
                length = self.put(length, libc::IPPROTO_IP, libc::IP_PKTINFO, &info);
            }
            #[cfg(target_os = "freebsd")]
            Some(Local { ip: IpAddr::V4(ip), .. }) => {
                length = self.put(length, libc::IPPROTO_IP, libc::IP_SENDSRCADDR, &ip.octets());
            }
            Some(Local { ip: IpAddr::V6(ip), interface }) => {
                let mut info = [0; 20];
                info[..16].copy_from_slice(&ip.octets());
                info[16..].copy_from_slice(&interface.to_ne_bytes());
                length = self.put(length, libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, &info);
            }
            _ => {}
        }
        message.msg_control = if length > 0 { self.start() } else { std::ptr::null_mut() };
        message.msg_controllen = length as _;
    }

    /// Appends one, and gives how many bytes are used then.
    fn put(&mut self, at: usize, level: libc::c_int, kind: libc::c_int, data: &[u8]) -> usize {
        // SAFETY: these only compute.
        let (space, length) =
            unsafe { (libc::CMSG_SPACE(data.len() as u32) as usize, libc::CMSG_LEN(data.len() as u32)) };
        assert!(at + space <= ROOM);
        self.0[at..at + space].fill(0);
        let header = self.0[at..].as_mut_ptr().cast::<libc::cmsghdr>();
        // SAFETY: there is room for the header and its data, by the assertion; the memory is aligned as CMSG_SPACE
        // aligns what follows the first.
        unsafe {
            (*header).cmsg_level = level;
            (*header).cmsg_type = kind;
            (*header).cmsg_len = length as _;
            libc::CMSG_DATA(header).copy_from_nonoverlapping(data.as_ptr(), data.len());
        }
        at + space
    }

    /// The error that a message of the error queue tells of, if it came from the network.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn returned_error(&self, message: &libc::msghdr) -> Option<crate::error::Error> {
        let mut found = None;
        for_each(message, |level, kind, data| {
            let ours = matches!(
                (level, kind),
                (libc::IPPROTO_IP, libc::IP_RECVERR) | (libc::IPPROTO_IPV6, libc::IPV6_RECVERR)
            );
            // sock_extended_err: the number, then where it comes from.
            let came_back = matches!(data.get(4), Some(&libc::SO_EE_ORIGIN_ICMP | &libc::SO_EE_ORIGIN_ICMP6));
            if ours && came_back {
                found = Some(crate::error::Error::from_os(number(data) as i32));
            }
        });
        found
    }
}

/// The number that control data begins with, as the machine has it.
fn number(data: &[u8]) -> u32 {
    data.get(..4).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok()).map_or(0, u32::from_ne_bytes)
}

/// Calls `f` with the level, the kind and the data of each control message.
#[allow(clippy::unnecessary_cast)] // Lengths have other types on other systems.
fn for_each(message: &libc::msghdr, mut f: impl FnMut(libc::c_int, libc::c_int, &[u8])) {
    if message.msg_controllen as usize == 0 {
        return;
    }
    // SAFETY: the system has filled the memory that the message points to, up to the length it says; `next` is NULL or
    // a header within it, followed by the data its length tells of.
    unsafe {
        let mut next = libc::CMSG_FIRSTHDR(message);
        while let Some(header) = next.as_ref() {
            let length = (header.cmsg_len as usize).saturating_sub(libc::CMSG_LEN(0) as usize);
            f(header.cmsg_level, header.cmsg_type, std::slice::from_raw_parts(libc::CMSG_DATA(next), length));
            next = libc::CMSG_NXTHDR(message, next);
        }
    }
}
