// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names of hosts and services by the system's resolver: getaddrinfo and getnameinfo, which block.

use super::resolver::{Found, Hints, NameFlags};
use crate::error::{Error, Result};
use socket2::SockAddr;
use std::ffi::CStr;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// getaddrinfo: blocks, for as long as the resolver does.
pub fn look_up(host: Option<&CStr>, service: Option<&CStr>, hints: Hints) -> Result<Found> {
    // SAFETY: an addrinfo of zeros is a valid set of hints.
    let mut wanted: libc::addrinfo = unsafe { std::mem::zeroed() };
    wanted.ai_family = match (hints.ipv4, hints.ipv6) {
        (true, false) => libc::AF_INET,
        (false, true) => libc::AF_INET6,
        _ => libc::AF_UNSPEC,
    };
    wanted.ai_socktype = if hints.datagram { libc::SOCK_DGRAM } else { libc::SOCK_STREAM };
    let flag = |set: bool, flag: libc::c_int| if set { flag } else { 0 };
    wanted.ai_flags = flag(hints.numeric, libc::AI_NUMERICHOST)
        | flag(hints.passive, libc::AI_PASSIVE)
        | flag(hints.configured, libc::AI_ADDRCONFIG)
        | flag(hints.canonical && host.is_some(), libc::AI_CANONNAME);
    let mut list: *mut libc::addrinfo = std::ptr::null_mut();
    let text = |text: Option<&CStr>| text.map_or(std::ptr::null(), CStr::as_ptr);
    // SAFETY: both strings are NULL or terminated, the hints and the place for the list live through the call.
    let status = unsafe { libc::getaddrinfo(text(host), text(service), &wanted, &mut list) };
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
            found.host = Some(unsafe { CStr::from_ptr(entry.ai_canonname) }.to_string_lossy().into());
        }
        next = entry.ai_next;
    }
    // SAFETY: the list came from getaddrinfo and is not used after this.
    unsafe { libc::freeaddrinfo(list) };
    Ok(found)
}

/// getnameinfo: blocks as `look_up` does, unless both are to be numeric.
pub fn look_up_name(address: SocketAddr, flags: NameFlags) -> Result<Found> {
    const HOST: usize = 1025;
    const SERVICE: usize = 32;
    let address = SockAddr::from(address);
    let (mut host, mut service) = ([0u8; HOST], [0u8; SERVICE]);
    let flag = |set: bool, flag: libc::c_int| if set { flag } else { 0 };
    let flags = flag(flags.numeric_host, libc::NI_NUMERICHOST)
        | flag(flags.numeric_service, libc::NI_NUMERICSERV)
        | flag(flags.required, libc::NI_NAMEREQD)
        | flag(flags.datagram, libc::NI_DGRAM)
        | flag(flags.local, libc::NI_NOFQDN);
    // SAFETY: the address is as long as it says, and so is the room for either name.
    let status = unsafe {
        libc::getnameinfo(
            address.as_ptr().cast(),
            address.len(),
            host.as_mut_ptr().cast(),
            HOST as _,
            service.as_mut_ptr().cast(),
            SERVICE as _,
            flags,
        )
    };
    if status != 0 {
        return Err(look_up_error(status));
    }
    Ok(Found::named(&host, &service))
}

fn socket_addr(entry: &libc::addrinfo) -> Option<SocketAddr> {
    match entry.ai_family {
        // SAFETY: an entry of this family holds an address of this type; it is read without asking for alignment.
        libc::AF_INET => unsafe {
            let raw = entry.ai_addr.cast::<libc::sockaddr_in>().read_unaligned();
            Some(
                SocketAddrV4::new(Ipv4Addr::from(u32::from_be(raw.sin_addr.s_addr)), u16::from_be(raw.sin_port)).into(),
            )
        },
        // SAFETY: as above.
        libc::AF_INET6 => unsafe {
            let raw = entry.ai_addr.cast::<libc::sockaddr_in6>().read_unaligned();
            Some(
                SocketAddrV6::new(
                    Ipv6Addr::from(raw.sin6_addr.s6_addr),
                    u16::from_be(raw.sin6_port),
                    raw.sin6_flowinfo,
                    raw.sin6_scope_id,
                )
                .into(),
            )
        },
        _ => None,
    }
}

fn look_up_error(status: libc::c_int) -> Error {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if status == libc::EAI_NODATA {
        return Error::EAI_NODATA;
    }
    // "Address family for hostname not supported", which libc has no name for.
    #[cfg(target_os = "linux")]
    if status == -9 {
        return Error::EAI_FAMILY;
    }
    match status {
        libc::EAI_NONAME => Error::EAI_NONAME,
        libc::EAI_AGAIN => Error::EAI_AGAIN,
        libc::EAI_FAIL => Error::EAI_FAIL,
        libc::EAI_FAMILY => Error::EAI_FAMILY,
        libc::EAI_SOCKTYPE => Error::EAI_SOCKTYPE,
        libc::EAI_SERVICE => Error::EAI_SERVICE,
        libc::EAI_BADFLAGS => Error::EAI_BADFLAGS,
        libc::EAI_OVERFLOW => Error::EAI_OVERFLOW,
        libc::EAI_MEMORY => Error::ENOMEM,
        libc::EAI_SYSTEM => io::Error::last_os_error().into(),
        _ => Error::EAI_NONAME,
    }
}
