// SPDX-License-Identifier: MIT OR Apache-2.0
//! Addresses as text and numbers.

use crate::error::{Error, Result};
use crate::sys;
use std::ffi::CStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What a caller wants to bind to.
pub enum Place {
    /// Every interface, IPv6 and IPv4 alike where the system can.
    Everywhere(u16),
    At(SocketAddr),
}

pub fn check_port(port: i32) -> Result<u16> {
    u16::try_from(port).map_err(|_| Error::EINVAL)
}

/// A numeric address, with a scope if it has one (`fe80::1%eth0`); `None` if it is a name.
pub fn numeric(host: &CStr, port: u16) -> Option<SocketAddr> {
    let text = host.to_str().ok()?;
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(SocketAddr::new(ip, port));
    }
    if !text.contains('%') {
        return None;
    }
    // Only the system knows the numbers of its interfaces. This look-up asks nobody else, so it does not block.
    let hints = sys::Hints { numeric: true, ..sys::Hints::default() };
    let mut address = *sys::look_up(Some(host), None, hints).ok()?.addresses.first()?;
    address.set_port(port);
    Some(address)
}

/// Where to bind: a numeric address, "localhost", or nothing for every interface.
pub fn place(host: Option<&CStr>, port: i32) -> Result<Place> {
    let port = check_port(port)?;
    match host {
        None => Ok(Place::Everywhere(port)),
        Some(host) if host.is_empty() => Err(Error::EINVAL),
        Some(host) => match numeric(host, port) {
            Some(address) => Ok(Place::At(address)),
            None if host == c"localhost" => Ok(Place::At(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port))),
            None => Err(Error::EAI_NONAME),
        },
    }
}

impl Place {
    /// The addresses to try, best first.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        match *self {
            Place::At(address) => vec![address],
            Place::Everywhere(port) => {
                vec![
                    SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port),
                    SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port),
                ]
            }
        }
    }
}

/// The address as text without the port. An IPv4 address that came in over an IPv6 socket reads as IPv4.
pub fn text(address: &SocketAddr) -> String {
    match address {
        SocketAddr::V4(v4) => v4.ip().to_string(),
        SocketAddr::V6(v6) => match v6.ip().to_ipv4_mapped() {
            Some(v4) => v4.to_string(),
            None if v6.scope_id() != 0 => format!("{}%{}", v6.ip(), v6.scope_id()),
            None => v6.ip().to_string(),
        },
    }
}

/// Alternates the families, beginning with the first one's, as RFC 8305 has it (section 4).
pub fn interleave(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let Some(first) = addresses.first() else { return Vec::new() };
    let (same, other): (Vec<_>, Vec<_>) = addresses.iter().partition(|address| address.is_ipv4() == first.is_ipv4());
    let mut mixed = Vec::with_capacity(addresses.len());
    for index in 0..same.len().max(other.len()) {
        mixed.extend(same.get(index));
        mixed.extend(other.get(index));
    }
    mixed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_alternate_and_nothing_is_lost() {
        let parse = |text: &str| text.parse::<SocketAddr>().unwrap();
        let given = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"].map(parse);
        let wanted = ["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"].map(parse);
        assert_eq!(interleave(&given), wanted);
        assert!(interleave(&[]).is_empty());
    }

    #[test]
    fn only_numbers_are_numeric() {
        assert_eq!(numeric(c"::1", 7).unwrap().to_string(), "[::1]:7");
        assert!(numeric(c"localhost", 7).is_none());
        assert!(numeric(c"127.1", 7).is_none());
    }
}
