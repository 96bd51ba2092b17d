// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names of hosts and services by Winsock's resolver: getaddrinfo and getnameinfo, which block.

use super::resolver::{Found, Hints, NameFlags};
use crate::error::{Error, Result};
use once_cell::sync::Lazy;
use socket2::SockAddr;
use std::ffi::CStr;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use windows_sys::Win32::Networking::WinSock as ws;

/// getaddrinfo: blocks, for as long as the resolver does.
pub fn look_up(host: Option<&CStr>, service: Option<&CStr>, hints: Hints) -> Result<Found> {
    start_winsock();
    // SAFETY: an ADDRINFOA of zeros is a valid set of hints.
    let mut wanted: ws::ADDRINFOA = unsafe { std::mem::zeroed() };
    wanted.ai_family = i32::from(match (hints.ipv4, hints.ipv6) {
        (true, false) => ws::AF_INET,
        (false, true) => ws::AF_INET6,
        _ => ws::AF_UNSPEC,
    });
    wanted.ai_socktype = if hints.datagram { ws::SOCK_DGRAM } else { ws::SOCK_STREAM };
    let flag = |set: bool, flag: u32| if set { flag } else { 0 };
    wanted.ai_flags = (flag(hints.numeric, ws::AI_NUMERICHOST)
        | flag(hints.passive, ws::AI_PASSIVE)
        | flag(hints.configured, ws::AI_ADDRCONFIG)
        | flag(hints.canonical && host.is_some(), ws::AI_CANONNAME)) as i32;
    let mut list: *mut ws::ADDRINFOA = std::ptr::null_mut();
    let text = |text: Option<&CStr>| text.map_or(std::ptr::null(), |text| text.as_ptr().cast());
    // SAFETY: both strings are NULL or terminated, the hints and the place for the list live through the call.
    let status = unsafe { ws::getaddrinfo(text(host), text(service), &wanted, &mut list) };
    if status != 0 {
        return Err(look_up_error(status));
    }
    let mut found = Found::default();
    let mut next = list;
    // SAFETY: `next` is NULL or an entry of the list, which is freed only below.
    while let Some(entry) = unsafe { next.as_ref() } {
        if let Some(address) = socket_addr(entry)
            && !found.addresses.contains(&address)
        {
            found.addresses.push(address);
        }
        if found.host.is_none() && !entry.ai_canonname.is_null() {
            // SAFETY: it is a terminated string of the list.
            found.host = Some(unsafe { CStr::from_ptr(entry.ai_canonname.cast()) }.to_string_lossy().into());
        }
        next = entry.ai_next;
    }
    // SAFETY: the list came from getaddrinfo and is not used after this.
    unsafe { ws::freeaddrinfo(list) };
    Ok(found)
}

/// getnameinfo: blocks as `look_up` does, unless both are to be numeric.
pub fn look_up_name(address: SocketAddr, flags: NameFlags) -> Result<Found> {
    const HOST: usize = 1025;
    const SERVICE: usize = 32;
    start_winsock();
    let address = SockAddr::from(address);
    let (mut host, mut service) = ([0u8; HOST], [0u8; SERVICE]);
    let flag = |set: bool, flag: u32| if set { flag } else { 0 };
    let flags = flag(flags.numeric_host, ws::NI_NUMERICHOST)
        | flag(flags.numeric_service, ws::NI_NUMERICSERV)
        | flag(flags.required, ws::NI_NAMEREQD)
        | flag(flags.datagram, ws::NI_DGRAM)
        | flag(flags.local, ws::NI_NOFQDN);
    // SAFETY: the address is as long as it says, and so is the room for either name.
    let status = unsafe {
        ws::getnameinfo(
            address.as_ptr().cast(),
            address.len() as _,
            host.as_mut_ptr(),
            HOST as u32,
            service.as_mut_ptr(),
            SERVICE as u32,
            flags as i32,
        )
    };
    if status != 0 {
        return Err(look_up_error(status));
    }
    Ok(Found::named(&host, &service))
}

/// socket2 and std start Winsock with their first socket; a look-up may come before that.
fn start_winsock() {
    static STARTED: Lazy<()> = Lazy::new(|| drop(std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))));
    Lazy::force(&STARTED);
}

fn socket_addr(entry: &ws::ADDRINFOA) -> Option<SocketAddr> {
    match entry.ai_family as u16 {
        // SAFETY: an entry of this family holds an address of this type; it is read without asking for alignment.
        ws::AF_INET => unsafe {
            let raw = entry.ai_addr.cast::<ws::SOCKADDR_IN>().read_unaligned();
            let ip = Ipv4Addr::from(u32::from_be(raw.sin_addr.S_un.S_addr));
            Some(SocketAddrV4::new(ip, u16::from_be(raw.sin_port)).into())
        },
        // SAFETY: as above.
        ws::AF_INET6 => unsafe {
            let raw = entry.ai_addr.cast::<ws::SOCKADDR_IN6>().read_unaligned();
            let (ip, port) = (Ipv6Addr::from(raw.sin6_addr.u.Byte), u16::from_be(raw.sin6_port));
            Some(SocketAddrV6::new(ip, port, raw.sin6_flowinfo, raw.Anonymous.sin6_scope_id).into())
        },
        _ => None,
    }
}

fn look_up_error(status: i32) -> Error {
    match status {
        ws::WSAHOST_NOT_FOUND => Error::EAI_NONAME,
        ws::WSATRY_AGAIN => Error::EAI_AGAIN,
        ws::WSANO_RECOVERY => Error::EAI_FAIL,
        ws::WSANO_DATA => Error::EAI_NODATA,
        ws::WSAEAFNOSUPPORT => Error::EAI_FAMILY,
        ws::WSAESOCKTNOSUPPORT => Error::EAI_SOCKTYPE,
        ws::WSATYPE_NOT_FOUND => Error::EAI_SERVICE,
        ws::WSAEINVAL => Error::EAI_BADFLAGS,
        ws::WSA_NOT_ENOUGH_MEMORY => Error::ENOMEM,
        _ => Error::EAI_NONAME,
    }
}
