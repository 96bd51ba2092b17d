// SPDX-License-Identifier: MIT OR Apache-2.0
//! The interfaces of this machine: getifaddrs, which has a row for each address and, where it may, for each link.

use super::interface_types::{Interface, InterfaceAddress, InterfaceFlags};
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

/// All of them, in the order of their numbers. `go_on` may end it early.
pub fn interfaces(go_on: impl Fn() -> Result<()>) -> Result<Vec<Interface>> {
    let rows = Rows::new()?;
    let asked = mtu::Asked::new()?;
    let mut found = BTreeMap::new();
    let mut next = rows.0;
    // SAFETY: `next` is NULL or a row of the list, which lives as long as `rows`.
    while let Some(row) = unsafe { next.as_ref() } {
        go_on()?;
        next = row.ifa_next;
        // SAFETY: the name is a terminated string of the list.
        let name = without_label(unsafe { CStr::from_ptr(row.ifa_name) }.to_bytes());
        let interface = found.entry(name).or_insert_with(|| Interface {
            name: CString::new(name).unwrap_or_default(),
            index: 0,
            mtu: 0,
            flags: flags_of(row),
            hardware: Vec::new(),
            addresses: Vec::new(),
        });
        // SAFETY: the row is one of the list.
        unsafe { note(row, interface) };
    }
    let mut found: Vec<Interface> = found.into_values().collect();
    for interface in &mut found {
        go_on()?;
        if interface.index == 0 {
            interface.index = interface_index(&interface.name).unwrap_or(0);
        }
        if interface.mtu == 0 {
            interface.mtu = asked.of(&interface.name);
        }
        for address in &mut interface.addresses {
            place(&mut address.address, interface.index);
        }
    }
    // What has no number any more has gone meanwhile.
    found.retain(|interface| interface.index != 0);
    found.sort_by_key(|interface| interface.index);
    Ok(found)
}

/// The number of the interface of this name.
pub fn interface_index(name: &CStr) -> Result<u32> {
    // Some systems would take the beginning of a longer name.
    if name.count_bytes() >= libc::IF_NAMESIZE {
        return Err(Error::ENODEV);
    }
    // SAFETY: the name is a terminated string.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(not_found()),
        index => Ok(index),
    }
}

/// Why there was no answer: systems may ask by a socket, and then do not say that they had none.
fn not_found() -> Error {
    mtu::Asked::new().map_or_else(Error::from, |_| Error::ENODEV)
}

/// The name of the interface of this number.
pub fn interface_name(index: u32) -> Result<Vec<u8>> {
    let mut name = [0u8; libc::IF_NAMESIZE];
    // SAFETY: there is as much room as names may take.
    if unsafe { libc::if_indextoname(index, name.as_mut_ptr().cast()) }.is_null() {
        return Err(match io::Error::last_os_error().into() {
            Error::ENXIO | Error::ENOENT => not_found(),
            error => error,
        });
    }
    CStr::from_bytes_until_nul(&name).map(|name| name.to_bytes().to_vec()).map_err(|_| Error::ENODEV)
}

struct Rows(*mut libc::ifaddrs);

impl Rows {
    fn new() -> io::Result<Rows> {
        let mut list = std::ptr::null_mut();
        // SAFETY: there is a place for the list.
        if unsafe { libc::getifaddrs(&mut list) } == 0 { Ok(Rows(list)) } else { Err(io::Error::last_os_error()) }
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        // SAFETY: the list came from getifaddrs, and nothing of it is kept.
        unsafe { libc::freeifaddrs(self.0) };
    }
}

/// Linux gives an address that has a label ("eth0:1") under that. No interface has a colon in its name.
fn without_label(name: &[u8]) -> &[u8] {
    let linux = cfg!(any(target_os = "linux", target_os = "android"));
    let end = if linux { name.iter().position(|byte| *byte == b':') } else { None };
    &name[..end.unwrap_or(name.len())]
}

fn flags_of(row: &libc::ifaddrs) -> InterfaceFlags {
    let has = |flag: libc::c_int| row.ifa_flags as libc::c_int & flag != 0;
    InterfaceFlags {
        up: has(libc::IFF_UP),
        running: has(libc::IFF_RUNNING),
        loopback: has(libc::IFF_LOOPBACK),
        broadcast: has(libc::IFF_BROADCAST),
        point_to_point: has(libc::IFF_POINTOPOINT),
        multicast: has(libc::IFF_MULTICAST),
    }
}

/// Takes over what a row tells.
///
/// # Safety
/// The row is one of a list of getifaddrs.
unsafe fn note(row: &libc::ifaddrs, interface: &mut Interface) {
    if row.ifa_addr.is_null() {
        return;
    }
    // SAFETY: it is an address, of the family it says, and so are those beside it.
    unsafe {
        let family = libc::c_int::from((*row.ifa_addr).sa_family);
        if link::is_one(family) {
            link::note(row, interface);
        } else if let Some(address) = ip_of(row.ifa_addr, family) {
            let mask = (!row.ifa_netmask.is_null()).then(|| ip_of(row.ifa_netmask, family)).flatten();
            let other = link::other_end(row);
            let other = (!other.is_null()).then(|| ip_of(other, family)).flatten();
            interface.addresses.push(address_of(address, mask, other, interface.flags));
        }
    }
}

fn address_of(own: IpAddr, mask: Option<IpAddr>, other: Option<IpAddr>, flags: InterfaceFlags) -> InterfaceAddress {
    let prefix = match mask {
        Some(IpAddr::V4(mask)) => mask.to_bits().leading_ones(),
        Some(IpAddr::V6(mask)) => mask.to_bits().leading_ones(),
        None => {
            if own.is_ipv4() {
                32
            } else {
                128
            }
        }
    };
    let mut found = InterfaceAddress { address: SocketAddr::new(own, 0), prefix, broadcast: None, peer: None };
    match (own, other) {
        // Where there is neither peer nor broadcast address, Linux tells the own one again.
        (_, Some(other)) if other == own || other.is_unspecified() => {}
        (IpAddr::V4(own), Some(IpAddr::V4(other))) if flags.broadcast && !flags.point_to_point => {
            let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
            // An address for all is in the network of the own one; a peer may be told in its place, and need not be.
            match other.is_broadcast() || (own.to_bits() ^ other.to_bits()) & mask == 0 {
                true => found.broadcast = Some(other),
                false => found.peer = Some(other.into()),
            }
        }
        (_, other) => found.peer = other,
    }
    found
}

/// Gives a link-local address its scope, which systems write in different places.
fn place(address: &mut SocketAddr, index: u32) {
    if let SocketAddr::V6(v6) = address
        && v6.ip().is_unicast_link_local()
    {
        let mut bytes = v6.ip().octets();
        // The BSDs' kernels put it into the address.
        if cfg!(not(any(target_os = "linux", target_os = "android"))) {
            bytes[2..4].fill(0);
        }
        *address = SocketAddrV6::new(bytes.into(), 0, 0, index).into();
    }
}

/// An address of this family, whatever it says itself: masks say all sorts of things.
///
/// # Safety
/// There is an address of this family, or the beginning of one with its length.
unsafe fn ip_of(place: *const libc::sockaddr, family: libc::c_int) -> Option<IpAddr> {
    // SAFETY: the promise of this function.
    unsafe {
        match family {
            libc::AF_INET => {
                let raw: libc::sockaddr_in = link::read(place);
                Some(Ipv4Addr::from(u32::from_be(raw.sin_addr.s_addr)).into())
            }
            libc::AF_INET6 => {
                let raw: libc::sockaddr_in6 = link::read(place);
                Some(Ipv6Addr::from(raw.sin6_addr.s6_addr).into())
            }
            _ => None,
        }
    }
}

/// A hardware address; where there is none, some systems tell zeros.
fn hardware(bytes: &[u8]) -> Vec<u8> {
    if bytes.iter().all(|byte| *byte == 0) { Vec::new() } else { bytes.to_vec() }
}

/// Rows of links.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod link {
    use super::{Interface, hardware};

    /// How much of a hardware address there is room for in a row, beyond what the type says.
    const MOST: usize = if cfg!(target_os = "android") { 8 } else { 24 };

    pub fn is_one(family: libc::c_int) -> bool {
        family == libc::AF_PACKET
    }

    /// # Safety
    /// The row is one of a link, in a list of getifaddrs.
    pub unsafe fn note(row: &libc::ifaddrs, interface: &mut Interface) {
        // SAFETY: the promise of this function; there is room for MOST bytes at the end.
        let (raw, bytes) = unsafe {
            let raw: libc::sockaddr_ll = read(row.ifa_addr);
            let start = row.ifa_addr.cast::<u8>().add(std::mem::offset_of!(libc::sockaddr_ll, sll_addr));
            (raw, std::slice::from_raw_parts(start, usize::from(raw.sll_halen).min(MOST)))
        };
        interface.index = raw.sll_ifindex as u32;
        interface.hardware = hardware(bytes);
    }

    /// A broadcast address or a peer.
    pub fn other_end(row: &libc::ifaddrs) -> *const libc::sockaddr {
        row.ifa_ifu
    }

    /// # Safety
    /// There is an address of this type.
    pub unsafe fn read<T: Copy>(place: *const libc::sockaddr) -> T {
        // SAFETY: the promise of this function.
        unsafe { place.cast::<T>().read_unaligned() }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod link {
    use super::Interface;

    pub fn is_one(family: libc::c_int) -> bool {
        family == libc::AF_LINK
    }

    /// # Safety
    /// The row is one of a link, in a list of getifaddrs.
    pub unsafe fn note(_row: &libc::ifaddrs, _interface: &mut Interface) {
        #[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
        // SAFETY: the promise of this function: the address is as long as it says, and there are numbers of the link.
        unsafe {
            let raw: libc::sockaddr_dl = read(_row.ifa_addr);
            let start = std::mem::offset_of!(libc::sockaddr_dl, sdl_data) + usize::from(raw.sdl_nlen);
            if start + usize::from(raw.sdl_alen) <= usize::from(raw.sdl_len) {
                let bytes = _row.ifa_addr.cast::<u8>().add(start);
                _interface.hardware = super::hardware(std::slice::from_raw_parts(bytes, raw.sdl_alen.into()));
            }
            _interface.index = raw.sdl_index.into();
            if let Some(data) = _row.ifa_data.cast::<libc::if_data>().as_ref() {
                _interface.mtu = data.ifi_mtu;
            }
        }
    }

    /// A broadcast address or a peer.
    pub fn other_end(row: &libc::ifaddrs) -> *const libc::sockaddr {
        row.ifa_dstaddr
    }

    /// What an address leaves out at its end is zeros.
    ///
    /// # Safety
    /// There is an address of this type, or the beginning of one with its length.
    pub unsafe fn read<T: Copy>(place: *const libc::sockaddr) -> T {
        // SAFETY: plain data, for which zeros are valid; and the promise of this function.
        unsafe {
            let mut whole: T = std::mem::zeroed();
            let length = usize::from((*place).sa_len).min(size_of::<T>());
            std::ptr::copy_nonoverlapping(place.cast::<u8>(), (&raw mut whole).cast(), length);
            whole
        }
    }
}

/// What rows do not tell.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod mtu {
    use socket2::{Domain, Socket, Type};
    use std::ffi::CStr;
    use std::io;
    use std::os::fd::AsRawFd;

    /// By any socket.
    pub struct Asked(Socket);

    impl Asked {
        pub fn new() -> io::Result<Asked> {
            Socket::new(Domain::UNIX, Type::DGRAM, None).map(Asked)
        }

        pub fn of(&self, name: &CStr) -> u32 {
            // SAFETY: plain data, for which zeros are valid.
            let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
            let bytes = name.to_bytes();
            if bytes.len() >= request.ifr_name.len() {
                return 0;
            }
            for (place, byte) in request.ifr_name.iter_mut().zip(bytes) {
                *place = *byte as libc::c_char;
            }
            // SAFETY: the name is terminated, and the request has the place for the answer.
            let status = unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SIOCGIFMTU as _, &raw mut request) };
            // SAFETY: that is what the answer is.
            if status == 0 { unsafe { request.ifr_ifru.ifru_mtu }.try_into().unwrap_or(0) } else { 0 }
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod mtu {
    use std::ffi::CStr;
    use std::io;

    pub struct Asked;

    impl Asked {
        pub fn new() -> io::Result<Asked> {
            Ok(Asked)
        }

        pub fn of(&self, _name: &CStr) -> u32 {
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ETHERNET: InterfaceFlags = InterfaceFlags {
        up: true,
        running: true,
        loopback: false,
        broadcast: true,
        point_to_point: false,
        multicast: true,
    };

    fn v4(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    fn told(own: &str, mask: &str, other: &str, flags: InterfaceFlags) -> (u32, Option<IpAddr>, Option<IpAddr>) {
        let found = address_of(own.parse().unwrap(), v4(mask), v4(other), flags);
        (found.prefix, found.broadcast.map(IpAddr::V4), found.peer)
    }

    #[test]
    fn a_peer_is_not_taken_for_a_broadcast_address() {
        assert_eq!(told("10.0.0.1", "255.255.255.0", "10.0.0.255", ETHERNET), (24, v4("10.0.0.255"), None));
        assert_eq!(told("10.0.0.1", "255.255.255.0", "10.0.0.1", ETHERNET), (24, None, None));
        assert_eq!(told("10.0.0.1", "255.255.255.255", "10.9.9.2", ETHERNET), (32, None, v4("10.9.9.2")));
        assert_eq!(told("10.0.0.1", "0.0.0.0", "10.9.9.2", ETHERNET), (0, v4("10.9.9.2"), None));
        let line = InterfaceFlags { broadcast: false, point_to_point: true, ..ETHERNET };
        assert_eq!(told("10.0.0.1", "255.255.255.0", "10.0.0.255", line), (24, None, v4("10.0.0.255")));
        assert_eq!(told("fd00::1", "ffff:ffff::", "fd00::1", ETHERNET), (32, None, None));
        assert_eq!(told("fd00::1", "ffff:ffff::", "fd00::2", ETHERNET), (32, None, v4("fd00::2")));
    }

    #[test]
    fn labels_are_no_names() {
        assert_eq!(without_label(b"eth0"), b"eth0");
        let linux = cfg!(any(target_os = "linux", target_os = "android"));
        assert_eq!(without_label(b"eth0:1") == b"eth0", linux);
    }

    #[test]
    fn a_hardware_address_of_zeros_is_none() {
        assert!(hardware(&[0; 6]).is_empty());
        assert_eq!(hardware(&[0, 0, 1]), [0, 0, 1]);
    }
}
