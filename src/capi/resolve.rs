// SPDX-License-Identifier: MIT OR Apache-2.0
//! Name look-ups.

use super::tcp::put_text;
use super::types::*;
use super::{done, notify, number, with_core, with_loop_core};
use crate::error::{Error, Result, to_code};
use crate::net::address;
use crate::sys::lent::c_string;
use crate::sys::{Hints, NameFlags};
use std::ffi::{c_char, c_void};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

/// `rondel_resolve`: IPv4 addresses; only those, unless `RONDEL_RESOLVE_IPV6` is given too. With neither both come.
pub const RONDEL_RESOLVE_IPV4: i32 = 1;
/// `rondel_resolve`: IPv6 addresses; only those, unless `RONDEL_RESOLVE_IPV4` is given too.
pub const RONDEL_RESOLVE_IPV6: i32 = 2;
/// `rondel_resolve`: the host is a numeric address; no name server is asked.
pub const RONDEL_RESOLVE_NUMERIC: i32 = 4;
/// `rondel_resolve`: addresses to bind to; a host of NULL is every interface.
pub const RONDEL_RESOLVE_PASSIVE: i32 = 8;
/// `rondel_resolve`: only families of which this machine has an address itself.
pub const RONDEL_RESOLVE_CONFIGURED: i32 = 16;
/// `rondel_resolve`: also the canonical name of the host, for `rondel_resolve_host`.
pub const RONDEL_RESOLVE_CANONICAL: i32 = 32;
/// `rondel_resolve`: the service is one of datagrams (UDP), not of streams.
pub const RONDEL_RESOLVE_DATAGRAM: i32 = 64;

/// `rondel_resolve_name`: the host as a numeric address; no name server is asked.
pub const RONDEL_NAME_NUMERIC_HOST: i32 = 1;
/// `rondel_resolve_name`: the service as a number.
pub const RONDEL_NAME_NUMERIC_SERVICE: i32 = 2;
/// `rondel_resolve_name`: a host that has no name is an error, `RONDEL_EAI_NONAME`.
pub const RONDEL_NAME_REQUIRED: i32 = 4;
/// `rondel_resolve_name`: the service is one of datagrams (UDP), not of streams.
pub const RONDEL_NAME_DATAGRAM: i32 = 8;
/// `rondel_resolve_name`: of a host in this machine's own domain, only the first part of the name.
pub const RONDEL_NAME_LOCAL: i32 = 16;

/// Looks up the addresses of a host, of a service ("http", "80"), or of both: the result is how many there are, best
/// first; `rondel_resolve_addr` gives them.
///
/// It runs on the worker pool, apart from other work; what nobody need be asked for (a numeric host, none at all) is
/// answered without. "localhost" and the names below it are this machine. `flags`: any of `RONDEL_RESOLVE_`. Failed
/// look-ups have the codes `RONDEL_EAI_`. Cancelled, it completes at once. `RONDEL_EINVAL` if both are NULL, one is empty
/// or too long, or for other flags. See getaddrinfo(3). Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_resolve(
    r#loop: rondel_loop,
    host: *const c_char,
    service: *const c_char,
    flags: i32,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_loop_core(r#loop, |core| {
        if !(0..128).contains(&flags) {
            return Err(Error::EINVAL);
        }
        let has = |flag: i32| flags & flag != 0;
        let hints = Hints {
            ipv4: has(RONDEL_RESOLVE_IPV4),
            ipv6: has(RONDEL_RESOLVE_IPV6),
            numeric: has(RONDEL_RESOLVE_NUMERIC),
            passive: has(RONDEL_RESOLVE_PASSIVE),
            configured: has(RONDEL_RESOLVE_CONFIGURED),
            canonical: has(RONDEL_RESOLVE_CANONICAL),
            datagram: has(RONDEL_RESOLVE_DATAGRAM),
        };
        // SAFETY: what the caller of this function promises.
        let (host, service) = unsafe { (c_string(host), c_string(service)) };
        core.resolve(host, service, hints, notify(r#fn, user_data))
    }))
}

/// Looks up the names of an address and of its port: the result is 0; `rondel_resolve_host` and `rondel_resolve_service`
/// give them. What has no name is told by number.
///
/// As `rondel_resolve`, it runs on the worker pool, unless both are to be numbers, and completes at once when it is
/// cancelled. `flags`: any of `RONDEL_NAME_`. `RONDEL_EINVAL` for NULL, an address that makes no sense, other flags, or
/// a name that is both required and to be a number. See getnameinfo(3). Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_resolve_name(
    r#loop: rondel_loop,
    address: *const rondel_address,
    flags: i32,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_loop_core(r#loop, |core| {
        if !(0..32).contains(&flags) {
            return Err(Error::EINVAL);
        }
        let has = |flag: i32| flags & flag != 0;
        let flags = NameFlags {
            numeric_host: has(RONDEL_NAME_NUMERIC_HOST),
            numeric_service: has(RONDEL_NAME_NUMERIC_SERVICE),
            required: has(RONDEL_NAME_REQUIRED),
            datagram: has(RONDEL_NAME_DATAGRAM),
            local: has(RONDEL_NAME_LOCAL),
        };
        // SAFETY: the caller promises that it is NULL or points to an address.
        let address = unsafe { address.as_ref() }.ok_or(Error::EINVAL).and_then(to_socket_addr)?;
        core.resolve_name(address, flags, notify(r#fn, user_data))
    }))
}

/// One of the addresses that a look-up found, counted from 0. The future must still live: in its callback, or kept.
///
/// `RONDEL_EINVAL` beyond the last one or for NULL, `RONDEL_EAGAIN` while it is pending, `RONDEL_EKIND` for the future of
/// another operation. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_resolve_addr(future: rondel_future, index: usize, out: *mut rondel_address) -> i64 {
    done(with_core(future, |core, handle| {
        let found = *core.found_addresses(handle)?.get(index).ok_or(Error::EINVAL)?;
        if out.is_null() {
            return Err(Error::EINVAL);
        }
        // SAFETY: the caller promises a place for an address.
        unsafe { out.write(from_socket_addr(&found)) };
        Ok(())
    }))
}

/// Writes the name of the host that `rondel_resolve_name` found, or the canonical one that `rondel_resolve` was asked
/// for, to `text` (which may be NULL), and gives its length without its NUL: at most 1024. The future must still live.
///
/// `RONDEL_ENOBUFS` if `size` is too small, `RONDEL_EINVAL` if there is no such name; else as `rondel_resolve_addr`.
/// Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_resolve_host(future: rondel_future, text: *mut c_char, size: usize) -> i64 {
    to_code(with_core(future, |core, handle| {
        let name = core.found(handle)?.host.as_deref().ok_or(Error::EINVAL)?;
        // SAFETY: the caller promises `size` bytes of room at `text`, or NULL.
        unsafe { put_text(name, text, size) }
    }))
}

/// As `rondel_resolve_host`, of the service that `rondel_resolve_name` found: at most 31 bytes. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_resolve_service(future: rondel_future, text: *mut c_char, size: usize) -> i64 {
    to_code(with_core(future, |core, handle| {
        let name = core.found_service(handle)?;
        // SAFETY: the caller promises `size` bytes of room at `text`, or NULL.
        unsafe { put_text(name, text, size) }
    }))
}

/// Writes an address without its port as text, and gives the length without its NUL. `text` may be NULL.
///
/// `RONDEL_ENOBUFS` if `size` is too small, `RONDEL_EINVAL` for NULL or a family that is neither 4 nor 6. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_address_text(address: *const rondel_address, text: *mut c_char, size: usize) -> i64 {
    // SAFETY: the caller promises that `address` is NULL or points to one, and `size` bytes of room at `text`.
    to_code(unsafe {
        address
            .as_ref()
            .ok_or(Error::EINVAL)
            .and_then(to_socket_addr)
            .and_then(|address| put_text(&address::text(&address), text, size))
    })
}

pub(super) fn from_socket_addr(address: &SocketAddr) -> rondel_address {
    let mut bytes = [0; 16];
    let (family, scope) = match address {
        SocketAddr::V4(v4) => {
            bytes[..4].copy_from_slice(&v4.ip().octets());
            (4, 0)
        }
        SocketAddr::V6(v6) => {
            bytes = v6.ip().octets();
            (6, v6.scope_id())
        }
    };
    rondel_address { family, port: address.port().into(), scope, bytes }
}

pub(super) fn to_socket_addr(address: &rondel_address) -> Result<SocketAddr> {
    let port = address::check_port(address.port)?;
    let [a, b, c, d, ..] = address.bytes;
    match address.family {
        4 => Ok((Ipv4Addr::new(a, b, c, d), port).into()),
        6 => Ok(SocketAddrV6::new(Ipv6Addr::from(address.bytes), port, 0, address.scope).into()),
        _ => Err(Error::EINVAL),
    }
}
