// SPDX-License-Identifier: MIT OR Apache-2.0
//! Options of datagram sockets, groups, and what each Unix has of them. What it has not is EOPNOTSUPP.

use super::Interface;
use crate::sys::Source;
use socket2::{InterfaceIndexOrAddress, SockAddr, Socket};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

#[allow(dead_code)]
fn unsupported() -> io::Result<()> {
    Err(io::Error::from_raw_os_error(libc::EOPNOTSUPP))
}

/// Sets an option that is a number.
#[allow(dead_code)]
fn set(source: &Source, level: libc::c_int, option: libc::c_int, value: libc::c_int) -> io::Result<()> {
    set_bytes(source, level, option, &value)
}

fn set_bytes<T>(source: &Source, level: libc::c_int, option: libc::c_int, value: &T) -> io::Result<()> {
    // SAFETY: the value is readable for its size.
    let status = unsafe {
        libc::setsockopt(source.raw(), level, option, (&raw const *value).cast(), size_of::<T>() as libc::socklen_t)
    };
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// What every new datagram socket is set to.
pub fn prepare_datagrams(_socket: &Socket) -> io::Result<()> {
    Ok(())
}

/// Several sockets may be bound to one port; each gets what is sent to a group or by broadcast.
pub fn share_address(socket: &Socket) -> io::Result<()> {
    // The BSDs let multicast listeners share a port by this option only.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    socket.set_reuse_port(true)?;
    socket.set_reuse_address(true)
}

/// Several sockets may be bound to one port, and the system spreads the senders over them.
pub fn share_port(_socket: &Socket) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return _socket.set_reuse_port(true);
    #[cfg(target_os = "freebsd")]
    return _socket.set_reuse_port_lb(true);
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
    unsupported()
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const UDP_GRO: libc::c_int = 104;

/// Lets the system give several datagrams as one message.
pub fn join_arrivals(_source: &Source) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return set(_source, libc::SOL_UDP, UDP_GRO, 1);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    unsupported()
}

/// Has the system give each datagram as a message of its own again; not yet, and then `false`, if some have arrived: of
/// those that it has joined already it would not tell where one ends.
pub fn part_arrivals(_source: &Source) -> io::Result<bool> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        set(_source, libc::SOL_UDP, UDP_GRO, 0)?;
        let mut look = libc::pollfd { fd: _source.raw(), events: libc::POLLIN, revents: 0 };
        // SAFETY: there is one to look at, which lives through the call.
        let looked = unsafe { libc::poll(&mut look, 1, 0) };
        // What arrives from now on is not joined, so nothing can be missed between the two.
        if looked < 0 || look.revents & libc::POLLIN != 0 {
            join_arrivals(_source)?;
            return Ok(false);
        }
        Ok(true)
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    Ok(true)
}

/// Whether the system gives several datagrams as one message.
pub fn joins_arrivals(_source: &Source) -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let (mut on, mut size): (libc::c_int, _) = (0, size_of::<libc::c_int>() as libc::socklen_t);
        let place = (&raw mut on).cast();
        // SAFETY: the place has room for the number, and its size is told.
        let status = unsafe { libc::getsockopt(_source.raw(), libc::SOL_UDP, UDP_GRO, place, &mut size) };
        status == 0 && on != 0
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    false
}

/// Has errors for datagrams sent before put into a queue, from which `next_returned` takes them.
pub fn keep_returned(_source: &Source, _ipv6: bool, _on: bool) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        if _ipv6 {
            set(_source, libc::IPPROTO_IPV6, libc::IPV6_RECVERR, _on.into())?;
        }
        set(_source, libc::IPPROTO_IP, libc::IP_RECVERR, _on.into())
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    unsupported()
}

/// Has the bits of explicit congestion notification told.
pub fn tell_ecn(_source: &Source, _ipv6: bool, _on: bool) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", target_os = "freebsd"))]
    {
        if _ipv6 {
            set(_source, libc::IPPROTO_IPV6, libc::IPV6_RECVTCLASS, _on.into())?;
        }
        if !_ipv6 || cfg!(any(target_os = "linux", target_os = "android")) {
            set(_source, libc::IPPROTO_IP, libc::IP_RECVTOS, _on.into())?;
        }
        Ok(())
    }
    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple", target_os = "freebsd")))]
    unsupported()
}

/// Has the address told that a datagram was sent to.
pub fn tell_local(_source: &Source, _ipv6: bool, _on: bool) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", target_os = "freebsd"))]
    {
        if _ipv6 {
            set(_source, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, _on.into())?;
        }
        #[cfg(target_os = "freebsd")]
        const TOLD: libc::c_int = libc::IP_RECVDSTADDR;
        #[cfg(not(target_os = "freebsd"))]
        const TOLD: libc::c_int = libc::IP_PKTINFO;
        if !_ipv6 || cfg!(any(target_os = "linux", target_os = "android")) {
            set(_source, libc::IPPROTO_IP, TOLD, _on.into())?;
        }
        Ok(())
    }
    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple", target_os = "freebsd")))]
    unsupported()
}

/// The whole traffic class of what is sent.
pub fn set_traffic_class(source: &Source, ipv6: bool, class: u8) -> io::Result<()> {
    let class = libc::c_int::from(class);
    if ipv6 {
        set(source, libc::IPPROTO_IPV6, libc::IPV6_TCLASS, class)?;
    }
    if !ipv6 || cfg!(any(target_os = "linux", target_os = "android")) {
        set(source, libc::IPPROTO_IP, libc::IP_TOS, class)?;
    }
    Ok(())
}

/// Takes the socket's peer away.
pub fn disconnect(source: &Source) -> io::Result<()> {
    // SAFETY: plain data, for which zeros are valid.
    let mut nobody: libc::sockaddr = unsafe { std::mem::zeroed() };
    nobody.sa_family = libc::AF_UNSPEC as _;
    // SAFETY: the address lives through the call.
    let status = unsafe { libc::connect(source.raw(), &nobody, size_of::<libc::sockaddr>() as libc::socklen_t) };
    match (status, io::Error::last_os_error()) {
        (0, _) => Ok(()),
        // The BSDs do it, and answer this.
        (_, error) if matches!(error.raw_os_error(), Some(libc::EAFNOSUPPORT | libc::EINVAL)) => {
            match source.socket().peer_addr() {
                Err(_) => Ok(()),
                Ok(_) => Err(error),
            }
        }
        (_, error) => Err(error),
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
    match (group, from, interface) {
        (IpAddr::V4(group), None, interface) => {
            let interface = match interface {
                Interface::Any => InterfaceIndexOrAddress::Address(Ipv4Addr::UNSPECIFIED),
                Interface::Index(index) => InterfaceIndexOrAddress::Index(index),
                Interface::Address(address) => InterfaceIndexOrAddress::Address(address),
            };
            match join {
                true => socket.join_multicast_v4_n(&group, &interface),
                false => socket.leave_multicast_v4_n(&group, &interface),
            }
        }
        (IpAddr::V6(group), None, interface) => {
            let index = index_of(interface)?;
            match join {
                true => socket.join_multicast_v6(&group, index),
                false => socket.leave_multicast_v6(&group, index),
            }
        }
        (IpAddr::V4(group), Some(IpAddr::V4(from)), Interface::Any | Interface::Address(_)) => {
            let at = match interface {
                Interface::Address(address) => address,
                _ => Ipv4Addr::UNSPECIFIED,
            };
            source_specific_v4(source, join, group, from, at)
        }
        (group, Some(from), interface) => source_specific(source, join, group, from, index_of(interface)?),
    }
}

fn index_of(interface: Interface) -> io::Result<u32> {
    match interface {
        Interface::Any => Ok(0),
        Interface::Index(index) => Ok(index),
        Interface::Address(_) => Err(io::Error::from_raw_os_error(libc::EINVAL)),
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", target_os = "freebsd"))]
fn source_specific_v4(source: &Source, join: bool, group: Ipv4Addr, from: Ipv4Addr, at: Ipv4Addr) -> io::Result<()> {
    match join {
        true => source.socket().join_ssm_v4(&from, &group, &at),
        false => source.socket().leave_ssm_v4(&from, &group, &at),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple", target_os = "freebsd")))]
fn source_specific_v4(_: &Source, _: bool, _: Ipv4Addr, _: Ipv4Addr, _: Ipv4Addr) -> io::Result<()> {
    unsupported()
}

/// By RFC 3678, which goes by the interface's number.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", target_os = "freebsd"))]
fn source_specific(source: &Source, join: bool, group: IpAddr, from: IpAddr, index: u32) -> io::Result<()> {
    // SAFETY: plain data, for which zeros are valid.
    let mut request: libc::group_source_req = unsafe { std::mem::zeroed() };
    request.gsr_interface = index;
    // Apple packs the request: its places cannot be lent.
    for (address, is_group) in [(group, true), (from, false)] {
        // SAFETY: as above.
        let mut place = unsafe { std::mem::zeroed() };
        super::put_address(&SocketAddr::new(address, 0), &mut place);
        if is_group {
            request.gsr_group = place;
        } else {
            request.gsr_source = place;
        }
    }
    let level = if group.is_ipv4() { libc::IPPROTO_IP } else { libc::IPPROTO_IPV6 };
    let option = if join { libc::MCAST_JOIN_SOURCE_GROUP } else { LEAVE_SOURCE_GROUP };
    set_bytes(source, level, option, &request)
}

/// The one after MCAST_JOIN_SOURCE_GROUP, wherever there is that.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", target_os = "freebsd"))]
const LEAVE_SOURCE_GROUP: libc::c_int = libc::MCAST_JOIN_SOURCE_GROUP + 1;

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple", target_os = "freebsd")))]
fn source_specific(_: &Source, _: bool, _: IpAddr, _: IpAddr, _: u32) -> io::Result<()> {
    unsupported()
}

/// Where what is sent to groups leaves.
pub fn set_multicast_interface(source: &Source, ipv6: bool, interface: Interface) -> io::Result<()> {
    if ipv6 {
        return source.socket().set_multicast_if_v6(index_of(interface)?);
    }
    match interface {
        Interface::Any => source.socket().set_multicast_if_v4(&Ipv4Addr::UNSPECIFIED),
        Interface::Address(address) => source.socket().set_multicast_if_v4(&address),
        Interface::Index(_index) => {
            #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", target_os = "freebsd"))]
            {
                let request = libc::ip_mreqn {
                    imr_multiaddr: libc::in_addr { s_addr: 0 },
                    imr_address: libc::in_addr { s_addr: 0 },
                    imr_ifindex: _index as _,
                };
                set_bytes(source, libc::IPPROTO_IP, libc::IP_MULTICAST_IF, &request)
            }
            #[cfg(not(any(
                target_os = "linux",
                target_os = "android",
                target_vendor = "apple",
                target_os = "freebsd"
            )))]
            unsupported()
        }
    }
}

/// Gives the socket a peer, or another one.
pub fn set_peer(source: &Source, address: &SocketAddr) -> io::Result<()> {
    source.socket().connect(&SockAddr::from(*address))
}
