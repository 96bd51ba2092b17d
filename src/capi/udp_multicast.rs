// SPDX-License-Identifier: MIT OR Apache-2.0
//! Multicast: groups that are joined, and how datagrams for groups are sent.

use super::udp::rondel_udp;
use super::{done, with_core};
use crate::error::Error;
use crate::sys::lent::c_string;
use std::ffi::{c_char, c_int};

/// Joins a group (multicast): what is sent to it is received from now on.
///
/// `interface`: where to join, by name ("eth0", as `rondel_interfaces` tells it) or, for an IPv4 group, by one of its IPv4
/// addresses; NULL: the system's choice. `source`: receives from this address only, in the manner of RFC 4607; NULL:
/// from all. Several can be joined.
/// `RONDEL_EINVAL` for an address that is no group's, `RONDEL_EAI_NONAME` for one that is not numeric, `RONDEL_ENODEV` for an
/// interface that is not there, `RONDEL_EADDRINUSE` if it is joined there already. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_udp_join(
    udp: rondel_udp,
    group: *const c_char,
    interface: *const c_char,
    source: *const c_char,
) -> i64 {
    // SAFETY: what the caller of this function promises.
    unsafe { membership(udp, true, group, interface, source) }
}

/// Leaves a group that was joined with the same arguments. `RONDEL_EADDRNOTAVAIL` if it was not. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_udp_leave(
    udp: rondel_udp,
    group: *const c_char,
    interface: *const c_char,
    source: *const c_char,
) -> i64 {
    // SAFETY: what the caller of this function promises.
    unsafe { membership(udp, false, group, interface, source) }
}

unsafe fn membership(
    udp: rondel_udp,
    join: bool,
    group: *const c_char,
    interface: *const c_char,
    source: *const c_char,
) -> i64 {
    done(with_core(udp, |core, handle| {
        core.udp_mut(handle)?;
        // SAFETY: the caller's promise: each is NULL or a string.
        let (group, interface, source) = unsafe { (c_string(group), c_string(interface), c_string(source)) };
        core.udp_membership(handle, join, group.ok_or(Error::EINVAL)?, interface, source)
    }))
}

/// Where datagrams for groups leave: an interface as for `rondel_udp_join`. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_udp_multicast_interface(udp: rondel_udp, interface: *const c_char) -> i64 {
    done(with_core(udp, |core, handle| {
        core.udp_mut(handle)?;
        // SAFETY: the caller promises NULL or a string.
        core.udp_multicast_interface(handle, unsafe { c_string(interface) })
    }))
}

/// How many routers a datagram for a group may pass, 0 (none leaves this machine) to 255; at first 1. `RONDEL_EINVAL` for
/// others. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_udp_multicast_ttl(udp: rondel_udp, ttl: c_int) -> i64 {
    done(with_core(udp, |core, handle| {
        core.udp_mut(handle)?;
        core.udp_multicast_ttl(handle, u8::try_from(ttl).map_err(|_| Error::EINVAL)?.into())
    }))
}

/// Whether this machine's own members of a group get what the socket sends to it; at first they do. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_udp_multicast_loop(udp: rondel_udp, on: c_int) -> i64 {
    done(with_core(udp, |core, handle| core.udp_multicast_loop(handle, on != 0)))
}
