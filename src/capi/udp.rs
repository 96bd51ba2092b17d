// SPDX-License-Identifier: MIT OR Apache-2.0
//! UDP: datagrams, sent one by one or many at a time, received in batches.

use super::resolve::{from_socket_addr, to_socket_addr};
use super::types::*;
use super::{done, notify, number, plain_listener, with_core, with_loop_core};
use crate::callback::UserData;
use crate::core::Core;
use crate::error::{Error, Result, to_code};
use crate::handle::Handle;
use crate::net::address;
use crate::net::udp::{Binding, Parcel, Tells};
use crate::sys::datagram::Local;
use crate::sys::lent::{LentBuffer, LentBytes, LentDatagram, c_string};
use std::ffi::{c_char, c_int, c_void};
use std::net::{IpAddr, SocketAddr};

/// A UDP socket.
pub type rondel_udp = i64;

/// A datagram that came, or one to be sent: what was received can be sent back as it is.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rondel_datagram {
    /// The first byte; may be NULL if `length` is 0.
    pub bytes: *const u8,
    /// How many.
    pub length: usize,
    /// The other side: the sender of what came, the destination of what is to be sent. A family of 0 is nobody: an
    /// unknown sender, or the socket's peer as the destination.
    pub peer: rondel_address,
    /// The address on this machine that it was sent to, with `RONDEL_TELL_LOCAL`, and of IPv6 the interface as `scope`; the
    /// one to send from, unless it is a group's. A family of 0 is no address: not told, or the system's choice.
    pub local: rondel_address,
    /// Not 0: these are several datagrams of so many bytes each, the last of what is left. Received ones come so only with
    /// `RONDEL_TELL_COALESCED`.
    pub segment: u32,
    /// Explicit congestion notification (RFC 3168), 0 to 3; received ones have it with `RONDEL_TELL_ECN`, else 0.
    pub ecn: u32,
    /// `RONDEL_TRUNCATED` or 0; of no meaning in what is to be sent.
    pub flags: u32,
}

/// Told of datagrams that came in: `n` of them, which like their bytes are valid until the function returns; or a
/// negative `n`, with NULL: an error that came back for a datagram sent before, and receiving goes on.
pub type rondel_datagram_fn =
    Option<extern "C" fn(udp: rondel_udp, batch: *const rondel_datagram, n: i64, user_data: *mut c_void)>;

/// `rondel_kind`: a UDP socket.
pub const RONDEL_KIND_UDP: i64 = 10;

/// `rondel_datagram`: there was more of it than there was room for.
pub const RONDEL_TRUNCATED: u32 = 1;

/// `rondel_udp_bind`: other sockets that ask for it too may have the same address; each gets what is sent to a group.
pub const RONDEL_UDP_REUSE_ADDRESS: i32 = 1;
/// `rondel_udp_bind`: other sockets that ask for it too may have the same address, and the system spreads the senders over
/// them.
pub const RONDEL_UDP_REUSE_PORT: i32 = 2;
/// `rondel_udp_bind`: without a host, IPv6 only; else both.
pub const RONDEL_UDP_IPV6_ONLY: i32 = 4;
/// `rondel_udp_bind`: no segmentation offload, which joins datagrams on their way through the system (see udp(7)).
pub const RONDEL_UDP_NO_OFFLOAD: i32 = 8;

/// `rondel_udp_tell`: `ecn`.
pub const RONDEL_TELL_ECN: i32 = 1;
/// `rondel_udp_tell`: `local`.
pub const RONDEL_TELL_LOCAL: i32 = 2;
/// `rondel_udp_tell`: datagrams that the system joined are told as one, with `segment`.
pub const RONDEL_TELL_COALESCED: i32 = 4;
/// `rondel_udp_tell`: errors that come back for datagrams sent to anybody. Those of a peer are told without.
pub const RONDEL_TELL_ERRORS: i32 = 8;

// SAFETY: nothing here follows the pointer; whoever is told of a datagram does, while its bytes are there.
unsafe impl Send for rondel_datagram {}

const NO_ADDRESS: rondel_address = rondel_address { family: 0, port: 0, scope: 0, bytes: [0; 16] };

impl rondel_datagram {
    pub(crate) fn new(
        bytes: &[u8],
        peer: Option<SocketAddr>,
        local: Option<SocketAddr>,
        ecn: u8,
        segment: usize,
        truncated: bool,
    ) -> rondel_datagram {
        rondel_datagram {
            bytes: bytes.as_ptr(),
            length: bytes.len(),
            peer: peer.as_ref().map_or(NO_ADDRESS, from_socket_addr),
            local: local.as_ref().map_or(NO_ADDRESS, from_socket_addr),
            segment: segment as u32,
            ecn: ecn.into(),
            flags: if truncated { RONDEL_TRUNCATED } else { 0 },
        }
    }

    pub(crate) fn is_truncated(&self) -> bool {
        self.flags & RONDEL_TRUNCATED != 0
    }

    /// The same, with its bytes elsewhere.
    pub(crate) fn moved_to(&self, bytes: &[u8], truncated: bool) -> rondel_datagram {
        let flags = if truncated { RONDEL_TRUNCATED } else { 0 };
        rondel_datagram { bytes: bytes.as_ptr(), length: bytes.len(), flags, ..*self }
    }
}

/// Binds a UDP socket to a numeric address, "localhost" (127.0.0.1), or every interface: NULL for IPv6 and IPv4, "::" for
/// IPv6 alone, "0.0.0.0" for IPv4 alone. Port 0 is any free one, see `rondel_local_addr`.
///
/// `flags`: any of `RONDEL_UDP_`. `RONDEL_EINVAL` for others or a port outside 0 to 65535, `RONDEL_EAI_NONAME` for a name,
/// `RONDEL_EADDRINUSE`, `RONDEL_EACCES`… as bind(2) has them, `RONDEL_EOPNOTSUPP` for a flag that the system does not know. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_udp_bind(
    r#loop: rondel_loop,
    host: *const c_char,
    port: c_int,
    flags: i32,
) -> rondel_udp {
    number(with_loop_core(r#loop, |core| {
        if !(0..16).contains(&flags) {
            return Err(Error::EINVAL);
        }
        // SAFETY: what the caller of this function promises.
        let place = address::place(unsafe { c_string(host) }, port)?;
        let has = |flag| flags & flag != 0;
        let how = Binding {
            reuse_address: has(RONDEL_UDP_REUSE_ADDRESS),
            reuse_port: has(RONDEL_UDP_REUSE_PORT),
            ipv6_only: has(RONDEL_UDP_IPV6_ONLY),
            plain: has(RONDEL_UDP_NO_OFFLOAD),
        };
        core.udp_bind(&place, how)
    }))
}

/// Makes a UDP socket with a peer, by name or numeric address: the result is a UDP handle.
///
/// It sends to its peer, receives from it only, and is told when there is nobody (`RONDEL_ECONNREFUSED`). Names are looked
/// up on the worker pool, and the first address that there is a way to is taken; nothing is sent. If nobody hears of the
/// result it is closed. `RONDEL_EINVAL` for NULL, an empty host or a port outside 1 to 65535. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_udp_connect(
    r#loop: rondel_loop,
    host: *const c_char,
    port: c_int,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_loop_core(r#loop, |core| {
        // SAFETY: what the caller of this function promises.
        let host = unsafe { c_string(host) }.ok_or(Error::EINVAL)?;
        core.udp_connect(host, port, notify(r#fn, user_data))
    }))
}

/// Takes over a UDP socket of yours: it is the handle's to close, and does not block any more.
///
/// `RONDEL_EBADF`, `RONDEL_ENOTSOCK`, `RONDEL_EPROTOTYPE` if it is no datagram socket, `RONDEL_EAFNOSUPPORT` if it is
/// neither of the internet nor of this machine (see `rondel_udp_bind_path`), `RONDEL_EEXIST` if a handle of this loop has it already: it is then still yours. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_udp_open(r#loop: rondel_loop, fd: i64) -> rondel_udp {
    number(with_loop_core(r#loop, |core| core.udp_open(fd)))
}

/// Gives a socket a peer, or another one; NULL takes it away. As `rondel_udp_connect`, by address, at once.
///
/// `RONDEL_EINVAL` for an address that is none, `RONDEL_EAFNOSUPPORT` for IPv6 from an IPv4 socket, `RONDEL_ENOTCONN` if there
/// is no peer to take away, `RONDEL_EBUSY` while datagrams wait to be sent. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_udp_set_peer(udp: rondel_udp, peer: *const rondel_address) -> i64 {
    done(with_core(udp, |core, handle| {
        core.udp_mut(handle)?;
        // SAFETY: the caller promises NULL or an address.
        let peer = unsafe { peer.as_ref() }.map(to_socket_addr).transpose()?;
        core.udp_set_peer(handle, peer)
    }))
}

/// Sends a datagram to an address, or to the socket's peer (NULL): the result is its length.
///
/// What one callback sends leaves together when it returns; what the system does not take yet waits, and can be cancelled
/// until it leaves. The bytes are copied where they do not leave at once. The future fails with `RONDEL_EMSGSIZE` for a
/// datagram that is too long (65535 bytes are the most, also on this machine), `RONDEL_EACCES` for a broadcast without
/// `rondel_udp_broadcast`, `RONDEL_ENETUNREACH`… as sendto(2) has them, but not with an error that came back for an earlier
/// one: those wait for who receives, and nobody's datagram is lost to them. `RONDEL_EDESTADDRREQ` without address and peer,
/// `RONDEL_EISCONN` for another address than the peer's, `RONDEL_EAFNOSUPPORT` for an IPv6 address from an IPv4 socket,
/// `RONDEL_EINVAL` for one that is none or has port 0. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_udp_send(
    udp: rondel_udp,
    bytes: *const c_void,
    length: usize,
    to: *const rondel_address,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_core(udp, |core, handle| {
        // SAFETY: what the caller of this function promises.
        let parcel = unsafe { parcel(core, handle, bytes, length, to) }?;
        core.udp_send(handle, parcel, notify(r#fn, user_data))
    }))
}

/// As `rondel_udp_send`, but only if it leaves at once: gives its length, `RONDEL_EAGAIN` if it does not, or the error that
/// the future would have. What waits leaves first. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_udp_try_send(
    udp: rondel_udp,
    bytes: *const c_void,
    length: usize,
    to: *const rondel_address,
) -> i64 {
    to_code(with_core(udp, |core, handle| {
        // SAFETY: what the caller of this function promises.
        let parcel = unsafe { parcel(core, handle, bytes, length, to) }?;
        core.udp_try_send(handle, &parcel)
    }))
}

/// Sends datagrams, in as few system calls as the system can: the result is how many left, each segment counted, or the
/// first error if none did.
///
/// Each goes to its `peer`, from its `local` if it has one, with its `ecn`, cut at its `segment`. They leave at once, after
/// what waits; those that the system does not take yet are copied and wait. One that fails keeps no other from leaving.
/// Refused as a whole as `rondel_udp_send` is, also with `RONDEL_EINVAL` for an `ecn` above 3 or NULL. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_udp_send_batch(
    udp: rondel_udp,
    batch: *const rondel_datagram,
    n: usize,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_core(udp, |core, handle| {
        core.udp_mut(handle)?;
        if (batch.is_null() && n > 0) || n > MOST_AT_ONCE {
            return Err(Error::EINVAL);
        }
        let mut parcels = std::mem::take(&mut core.datagrams.batch);
        parcels.clear();
        let mut failed = None;
        for index in 0..n {
            // SAFETY: the caller promises `n` datagrams, each with readable bytes.
            if let Err(error) = unsafe { add_parcels(core, handle, &*batch.add(index), &mut parcels) } {
                failed = Some(error);
                break;
            }
        }
        core.datagrams.batch = parcels;
        match failed {
            Some(error) => Err(error),
            None => core.udp_send_batch(handle, notify(r#fn, user_data)),
        }
    }))
}

/// More datagrams than this in one batch are a mistake.
const MOST_AT_ONCE: usize = 1 << 20;

/// Receives whatever comes, batch by batch, until `rondel_udp_recv_stop` or `rondel_close`.
///
/// `fn(udp, batch, n, user_data)` is called once for all that the system hands over at a time. A negative `n` is an error
/// that came back, such as `RONDEL_ECONNREFUSED`: nobody is there, see `rondel_udp_error_addr`. `RONDEL_EBUSY` if somebody
/// receives from it already, `RONDEL_EINVAL` without a function, or for `rondel_keep` or `rondel_enqueue`: who asks for what
/// comes uses `rondel_udp_recv`. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_udp_recv_start(udp: rondel_udp, r#fn: rondel_datagram_fn, user_data: *mut c_void) -> i64 {
    done(with_core(udp, |core, handle| {
        core.udp_mut(handle)?;
        core.udp_recv_start(handle, plain_listener(r#fn, |f| f as *const ())?, UserData::new(user_data))
    }))
}

/// Stops what `rondel_udp_recv_start` began; what comes meanwhile waits. 0 also if nothing was received. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_udp_recv_stop(udp: rondel_udp) -> i64 {
    done(with_core(udp, |core, handle| core.udp_recv_stop(handle)))
}

/// Receives one datagram: the result is its length, which may be 0.
///
/// `out` (which may be NULL) is set to what is known of it: the sender, and `RONDEL_TRUNCATED` if it did not fit into
/// `capacity` bytes. Without `out` a datagram that does not fit is lost with `RONDEL_EMSGSIZE`. Errors that came back end a
/// receive as they would be told to `rondel_datagram_fn`. Several may wait, and are served in order. Both memories are
/// Rondel's until it completes. `RONDEL_EINVAL` for NULL or a capacity of 0, `RONDEL_EBUSY` after `rondel_udp_recv_start`.
/// Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_udp_recv(
    udp: rondel_udp,
    bytes: *mut c_void,
    capacity: usize,
    out: *mut rondel_datagram,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_core(udp, |core, handle| {
        core.udp_mut(handle)?;
        // SAFETY: the caller promises memory of these sizes until the receive completes.
        let (buffer, out) = unsafe { (LentBuffer::new(bytes.cast(), capacity), LentDatagram::new(out)) };
        core.udp_recv(handle, buffer.ok_or(Error::EINVAL)?, out, notify(r#fn, user_data))
    }))
}

/// Where the datagram was sent to that the last error told came back for. `RONDEL_ENOENT` if that is not known,
/// `RONDEL_EINVAL` for NULL. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_udp_error_addr(udp: rondel_udp, out: *mut rondel_address) -> i64 {
    done(with_core(udp, |core, handle| {
        core.udp_mut(handle)?;
        if out.is_null() {
            return Err(Error::EINVAL);
        }
        let address = core.udp_error_address(handle)?;
        // SAFETY: the caller promises a place for an address.
        unsafe { out.write(from_socket_addr(&address)) };
        Ok(())
    }))
}

/// Sets what received datagrams tell beside their bytes and sender: any of `RONDEL_TELL_`, and no others from now on.
///
/// `RONDEL_EINVAL` for anything else; `RONDEL_EOPNOTSUPP` for what the system cannot tell. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_udp_tell(udp: rondel_udp, what: i32) -> i64 {
    done(with_core(udp, |core, handle| {
        core.udp_mut(handle)?;
        if !(0..16).contains(&what) {
            return Err(Error::EINVAL);
        }
        let has = |flag| what & flag != 0;
        let tells = Tells {
            ecn: has(RONDEL_TELL_ECN),
            local: has(RONDEL_TELL_LOCAL),
            coalesced: has(RONDEL_TELL_COALESCED),
            errors: has(RONDEL_TELL_ERRORS),
        };
        core.udp_tell(handle, tells)
    }))
}

/// How many bytes wait to be sent. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_udp_send_queue_size(udp: rondel_udp) -> i64 {
    to_code(with_core(udp, |core, handle| core.udp_send_queue(handle).map(|(bytes, _)| bytes)))
}

/// How many datagrams wait to be sent. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_udp_send_queue_count(udp: rondel_udp) -> i64 {
    to_code(with_core(udp, |core, handle| core.udp_send_queue(handle).map(|(_, count)| count)))
}

/// Allows sending to broadcast addresses (on), or does not, as from the start. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_udp_broadcast(udp: rondel_udp, on: c_int) -> i64 {
    done(with_core(udp, |core, handle| core.udp_broadcast(handle, on != 0)))
}

/// How many routers a datagram may pass, 1 to 255. `RONDEL_EINVAL` for others. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_udp_ttl(udp: rondel_udp, ttl: c_int) -> i64 {
    done(with_core(udp, |core, handle| {
        core.udp_mut(handle)?;
        let ttl = u8::try_from(ttl).ok().filter(|ttl| *ttl > 0).ok_or(Error::EINVAL)?;
        core.udp_ttl(handle, ttl.into())
    }))
}

/// The traffic class of what is sent, 0 to 255: six bits for the kind of service, two for congestion (RFC 2474, RFC 3168).
/// `RONDEL_EINVAL` for others. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_udp_traffic_class(udp: rondel_udp, class: c_int) -> i64 {
    done(with_core(udp, |core, handle| {
        core.udp_mut(handle)?;
        core.udp_traffic_class(handle, u8::try_from(class).map_err(|_| Error::EINVAL)?)
    }))
}

/// Reads a numeric address, of IPv6 with its scope if it has one ("fe80::1%eth0"), and puts a port to it.
///
/// `RONDEL_EINVAL` for NULL or a port outside 0 to 65535, `RONDEL_EAI_NONAME` for anything but a numeric address. Any
/// thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_address_parse(text: *const c_char, port: c_int, out: *mut rondel_address) -> i64 {
    // SAFETY: the caller promises NULL or a string.
    done(unsafe { c_string(text) }.ok_or(Error::EINVAL).and_then(|text| {
        let port = address::check_port(port)?;
        if out.is_null() {
            return Err(Error::EINVAL);
        }
        let address = address::numeric(text, port).ok_or(Error::EAI_NONAME)?;
        // SAFETY: the caller promises a place for an address.
        unsafe { out.write(from_socket_addr(&address)) };
        Ok(())
    }))
}

unsafe fn parcel(
    core: &mut Core,
    handle: Handle,
    bytes: *const c_void,
    length: usize,
    to: *const rondel_address,
) -> Result<Parcel> {
    let udp = core.udp_mut(handle)?;
    // SAFETY: the caller promises `length` readable bytes for the time of the call, and NULL or an address.
    let (bytes, to) = unsafe { (LentBytes::new(bytes.cast(), length).ok_or(Error::EINVAL)?, to.as_ref()) };
    let to = to.map(to_socket_addr).transpose()?;
    Ok(Parcel { bytes, to: udp.name(to)?, ecn: 0, local: None })
}

/// Adds one, or all that it is to be cut into.
unsafe fn add_parcels(core: &mut Core, handle: Handle, one: &rondel_datagram, parcels: &mut Vec<Parcel>) -> Result<()> {
    let udp = core.udp_mut(handle)?;
    let to = if one.peer.family == 0 { None } else { Some(to_socket_addr(&one.peer)?) };
    let to = udp.name(to)?;
    let ecn = u8::try_from(one.ecn).ok().filter(|ecn| *ecn < 4).ok_or(Error::EINVAL)?;
    let local = if one.local.family == 0 { None } else { from_local(&to_socket_addr(&one.local)?) };
    // SAFETY: the caller promises as many readable bytes, for the time of the call.
    unsafe { LentBytes::new(one.bytes, one.length) }.ok_or(Error::EINVAL)?;
    let segment = if one.segment == 0 { usize::MAX } else { one.segment as usize };
    let mut at = 0;
    loop {
        let length = (one.length - at).min(segment);
        if parcels.len() == MOST_AT_ONCE {
            return Err(Error::EINVAL);
        }
        // SAFETY: this is a part of those bytes.
        let bytes = unsafe { LentBytes::new(one.bytes.wrapping_add(at), length) }.ok_or(Error::EINVAL)?;
        parcels.push(Parcel { bytes, to: to.clone(), ecn, local });
        at += length;
        if at == one.length {
            return Ok(());
        }
    }
}

/// The address to send from. A group's or broadcast address is nobody's own; interfaces matter where addresses need them.
fn from_local(address: &SocketAddr) -> Option<Local> {
    match address {
        _ if address.ip().is_multicast() || address.ip().is_unspecified() => None,
        SocketAddr::V4(v4) if v4.ip().is_broadcast() => None,
        SocketAddr::V4(v4) => Some(Local { ip: IpAddr::V4(*v4.ip()), interface: 0 }),
        SocketAddr::V6(v6) => {
            let interface = if v6.ip().is_unicast_link_local() { v6.scope_id() } else { 0 };
            Some(Local { ip: IpAddr::V6(*v6.ip()), interface })
        }
    }
}
