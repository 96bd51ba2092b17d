// SPDX-License-Identifier: MIT OR Apache-2.0
//! The interfaces of this machine, under the names that people see ("Ethernet 2").

use super::interface_types::{Interface, InterfaceAddress, InterfaceFlags};
use crate::error::{Error, Result};
use std::ffi::{CStr, CString};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use windows_sys::Win32::Foundation::{ERROR_BUFFER_OVERFLOW, ERROR_NO_DATA, NO_ERROR};
use windows_sys::Win32::NetworkManagement::IpHelper as ip;
use windows_sys::Win32::NetworkManagement::Ndis::{IfOperStatusUp, NET_LUID_LH};
use windows_sys::Win32::Networking::WinSock as ws;

/// What mostly does, as its manual says.
const ROOM: usize = 16 << 10;
/// With its NUL.
const LONGEST_NAME: usize = 257;

/// All of them, in the order of their numbers. `go_on` may end it early.
pub fn interfaces(go_on: impl Fn() -> Result<()>) -> Result<Vec<Interface>> {
    const FLAGS: u32 = ip::GAA_FLAG_SKIP_ANYCAST | ip::GAA_FLAG_SKIP_MULTICAST | ip::GAA_FLAG_SKIP_DNS_SERVER;
    // Of numbers, for their alignment.
    let mut room: Vec<u64> = Vec::new();
    let mut wanted = ROOM;
    loop {
        go_on()?;
        let missing = wanted.div_ceil(size_of::<u64>()).saturating_sub(room.len());
        room.try_reserve_exact(missing).map_err(|_| Error::ENOMEM)?;
        room.resize(room.len() + missing, 0);
        let mut size = u32::try_from(room.len() * size_of::<u64>()).map_err(|_| Error::ENOMEM)?;
        let (family, start) = (u32::from(ws::AF_UNSPEC), room.as_mut_ptr().cast());
        // SAFETY: there is as much room as is told.
        match unsafe { ip::GetAdaptersAddresses(family, FLAGS, std::ptr::null(), start, &mut size) } {
            NO_ERROR => break,
            ERROR_NO_DATA => return Ok(Vec::new()),
            // There may be more by the next time.
            ERROR_BUFFER_OVERFLOW => wanted = size as usize + ROOM,
            error => return Err(Error::from_os(error as i32)),
        }
    }
    let mut found = Vec::new();
    let mut next = room.as_ptr().cast::<ip::IP_ADAPTER_ADDRESSES_LH>();
    // SAFETY: `next` is NULL or an entry of the list, which lives as long as the room.
    while let Some(adapter) = unsafe { next.as_ref() } {
        go_on()?;
        next = adapter.Next;
        // SAFETY: the entry is one of a list.
        found.push(unsafe { interface_of(adapter) });
    }
    // Those without a number cannot be named to anybody.
    found.retain(|interface: &Interface| interface.index != 0);
    found.sort_by_key(|interface| interface.index);
    Ok(found)
}

/// The number of the interface of this name, or of this number.
pub fn interface_index(name: &CStr) -> Result<u32> {
    let text = name.to_str().map_err(|_| Error::ENODEV)?;
    let wide: Vec<u16> = text.encode_utf16().chain([0]).collect();
    if wide.len() > LONGEST_NAME {
        return Err(Error::ENODEV);
    }
    let (mut luid, mut index) = (NET_LUID_LH::default(), 0);
    // SAFETY: the name is terminated, and there is a place for either answer.
    unsafe {
        if ip::ConvertInterfaceAliasToLuid(wide.as_ptr(), &mut luid) == NO_ERROR
            && ip::ConvertInterfaceLuidToIndex(&luid, &mut index) == NO_ERROR
        {
            return Ok(index);
        }
        match text.parse() {
            Ok(index) if ip::ConvertInterfaceIndexToLuid(index, &mut luid) == NO_ERROR => Ok(index),
            _ => Err(Error::ENODEV),
        }
    }
}

/// The name of the interface of this number.
pub fn interface_name(index: u32) -> Result<Vec<u8>> {
    let (mut luid, mut name) = (NET_LUID_LH::default(), [0u16; LONGEST_NAME]);
    // SAFETY: there is a place for the answer, and for a name of the length that is told.
    unsafe {
        if ip::ConvertInterfaceIndexToLuid(index, &mut luid) != NO_ERROR
            || ip::ConvertInterfaceLuidToAlias(&luid, name.as_mut_ptr(), LONGEST_NAME) != NO_ERROR
        {
            return Err(Error::ENODEV);
        }
    }
    let end = name.iter().position(|unit| *unit == 0).unwrap_or(0);
    Ok(String::from_utf16_lossy(&name[..end]).into_bytes())
}

/// # Safety
/// The entry is one of a list of GetAdaptersAddresses.
unsafe fn interface_of(adapter: &ip::IP_ADAPTER_ADDRESSES_LH) -> Interface {
    // SAFETY: either reading of the numbers is one.
    let (index, settings) = unsafe { (adapter.Anonymous1.Anonymous.IfIndex, adapter.Anonymous2.Flags) };
    let index = if index == 0 { adapter.Ipv6IfIndex } else { index };
    let up = adapter.OperStatus == IfOperStatusUp;
    let loopback = adapter.IfType == ip::IF_TYPE_SOFTWARE_LOOPBACK;
    let point_to_point = matches!(adapter.IfType, ip::IF_TYPE_PPP | ip::IF_TYPE_TUNNEL);
    let flags = InterfaceFlags {
        up,
        running: up,
        loopback,
        broadcast: matches!(adapter.IfType, ip::IF_TYPE_ETHERNET_CSMACD | ip::IF_TYPE_IEEE80211),
        point_to_point,
        multicast: settings & ip::IP_ADAPTER_NO_MULTICAST == 0,
    };
    let length = (adapter.PhysicalAddressLength as usize).min(adapter.PhysicalAddress.len());
    let hardware = adapter.PhysicalAddress[..length].to_vec();
    let mut addresses = Vec::new();
    let mut next = adapter.FirstUnicastAddress;
    // SAFETY: `next` is NULL or an entry of the list, and so is what it leads to; the name is terminated.
    let name = unsafe {
        while let Some(entry) = next.as_ref() {
            next = entry.Next;
            if let Some(address) = socket_addr(entry.Address.lpSockaddr, index) {
                addresses.push(address_of(address, entry.OnLinkPrefixLength.into(), flags));
            }
        }
        text_of(adapter.FriendlyName)
    };
    // It says so where it has no limit.
    let mtu = if adapter.Mtu == u32::MAX { 0 } else { adapter.Mtu };
    Interface { name: CString::new(name).unwrap_or_default(), index, mtu, flags, hardware, addresses }
}

fn address_of(address: SocketAddr, prefix: u32, flags: InterfaceFlags) -> InterfaceAddress {
    let broadcast = match address.ip() {
        // With no more than two addresses in a network there is none for all.
        IpAddr::V4(own) if flags.broadcast && prefix < 31 => {
            Some(Ipv4Addr::from_bits(own.to_bits() | (u32::MAX >> prefix)))
        }
        _ => None,
    };
    InterfaceAddress { address, prefix, broadcast, peer: None }
}

/// # Safety
/// NULL, or an address of the family that it says.
unsafe fn socket_addr(place: *const ws::SOCKADDR, index: u32) -> Option<SocketAddr> {
    // SAFETY: the promise of this function.
    unsafe {
        match place.as_ref()?.sa_family {
            ws::AF_INET => {
                let raw = place.cast::<ws::SOCKADDR_IN>().read_unaligned();
                Some(SocketAddr::new(Ipv4Addr::from(u32::from_be(raw.sin_addr.S_un.S_addr)).into(), 0))
            }
            ws::AF_INET6 => {
                let raw = place.cast::<ws::SOCKADDR_IN6>().read_unaligned();
                let address = Ipv6Addr::from(raw.sin6_addr.u.Byte);
                let scope = if address.is_unicast_link_local() { index } else { 0 };
                Some(SocketAddrV6::new(address, 0, 0, scope).into())
            }
            _ => None,
        }
    }
}

/// # Safety
/// NULL, or text that a 0 ends.
unsafe fn text_of(start: *const u16) -> String {
    if start.is_null() {
        return String::new();
    }
    // SAFETY: the promise of this function.
    let units = unsafe {
        let length = (0..).take_while(|at| *start.add(*at) != 0).count();
        std::slice::from_raw_parts(start, length)
    };
    String::from_utf16_lossy(units)
}
