// SPDX-License-Identifier: MIT OR Apache-2.0
//! Name look-ups.

use super::tcp::put_text;
use super::types::*;
use super::{done, notify, number, with_core, with_loop_core};
use crate::error::{Error, Result, to_code};
use crate::net::address;
use crate::sys::Hints;
use crate::sys::lent::c_string;
use std::ffi::{c_char, c_void};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

/// Looks up the addresses of a host, of a service ("http", "80"), or of both: the result is how many there are, best
/// first; `rondel_resolve_addr` gives them.
///
/// It runs on the worker pool, apart from other work; a numeric host is answered without. `flags`: any of
/// `RONDEL_RESOLVE_`. Failed look-ups have the codes `RONDEL_EAI_`. Cancelled, it completes at once. `RONDEL_EINVAL` if
/// both are NULL, one is empty or too long, or for other flags. See getaddrinfo(3). Loop thread only.
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
        if !(0..16).contains(&flags) {
            return Err(Error::EINVAL);
        }
        let hints = Hints {
            ipv4: flags & RONDEL_RESOLVE_IPV4 != 0,
            ipv6: flags & RONDEL_RESOLVE_IPV6 != 0,
            numeric: flags & RONDEL_RESOLVE_NUMERIC != 0,
            passive: flags & RONDEL_RESOLVE_PASSIVE != 0,
        };
        // SAFETY: what the caller of this function promises.
        let (host, service) = unsafe { (c_string(host), c_string(service)) };
        core.resolve(host, service, hints, notify(r#fn, user_data))
    }))
}

/// One of the addresses that a look-up found, counted from 0. The future must still live: in its callback, or kept.
///
/// `RONDEL_EINVAL` beyond the last one or for NULL, `RONDEL_EAGAIN` while it is pending, `RONDEL_EKIND` for the future of
/// another operation. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_resolve_addr(future: rondel_future, index: usize, out: *mut rondel_address) -> i64 {
    done(with_core(future, |core, handle| {
        let found = core.found_address(handle, index)?;
        if out.is_null() {
            return Err(Error::EINVAL);
        }
        // SAFETY: the caller promises a place for an address.
        unsafe { out.write(from_socket_addr(&found)) };
        Ok(())
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

fn from_socket_addr(address: &SocketAddr) -> rondel_address {
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

fn to_socket_addr(address: &rondel_address) -> Result<SocketAddr> {
    let port = address::check_port(address.port)?;
    let [a, b, c, d, ..] = address.bytes;
    match address.family {
        4 => Ok((Ipv4Addr::new(a, b, c, d), port).into()),
        6 => Ok(SocketAddrV6::new(Ipv6Addr::from(address.bytes), port, 0, address.scope).into()),
        _ => Err(Error::EINVAL),
    }
}
