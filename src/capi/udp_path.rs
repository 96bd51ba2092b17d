// SPDX-License-Identifier: MIT OR Apache-2.0
//! Datagrams between processes of one machine, by path or abstract name.

use super::tcp::put_bytes;
use super::types::*;
use super::udp::{RONDEL_UDP_REUSE_ADDRESS, rondel_udp};
use super::{done, notify, number, with_core, with_loop_core};
use crate::error::{Error, to_code};
use crate::net::udp::Parcel;
use crate::sys::lent::{LentBytes, c_string};
use std::ffi::{c_char, c_void};

/// Binds a datagram socket of this machine to a path or abstract name, as `rondel_pipe_connect` has them ("@" alone is any
/// free name); NULL: it has none and can only send.
///
/// The handle is used as one of UDP; the other sides are named by `rondel_udp_send_path`, `rondel_udp_sender_path` and
/// `rondel_udp_set_peer_path`. Datagrams arrive in order, and none is lost on the way (but see there, where a peer goes): a
/// peer that is full is waited for, and so is room in the socket's own send buffer, which what nobody has received yet takes
/// up. A datagram to a name that is full fails with `RONDEL_EAGAIN`, as the system does not tell when there is room.
/// Descriptors that are passed with one are closed (see `rondel_pipe_receive_fds`).
///
/// The path becomes a file, which is removed when the handle is closed. `flags`: 0, or `RONDEL_UDP_REUSE_ADDRESS` to take
/// the place of a socket's file at which nobody receives. `RONDEL_EADDRINUSE`, `RONDEL_ENAMETOOLONG`… as for
/// `rondel_pipe_listen`, `RONDEL_EINVAL` for other flags. Windows has no such sockets, and refuses. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_udp_bind_path(r#loop: rondel_loop, name: *const c_char, flags: i32) -> rondel_udp {
    number(with_loop_core(r#loop, |core| {
        if flags & !RONDEL_UDP_REUSE_ADDRESS != 0 {
            return Err(Error::EINVAL);
        }
        // SAFETY: what the caller of this function promises.
        core.udp_bind_path(unsafe { c_string(name) }.map(|name| name.to_bytes()), flags != 0)
    }))
}

/// As `rondel_udp_send`, from a socket of `rondel_udp_bind_path` to a path or abstract name (NULL: to its peer).
///
/// The future fails with `RONDEL_ECONNREFUSED` or `RONDEL_ENOENT` if nobody receives there, `RONDEL_EPERM` if who does has
/// another peer, `RONDEL_EAGAIN` if it is full. `RONDEL_EAFNOSUPPORT` for a socket of the internet. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_udp_send_path(
    udp: rondel_udp,
    bytes: *const c_void,
    length: usize,
    to: *const c_char,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_core(udp, |core, handle| {
        let udp = core.udp_mut(handle)?;
        // SAFETY: what the caller of this function promises.
        let (bytes, to) = unsafe { (LentBytes::new(bytes.cast(), length).ok_or(Error::EINVAL)?, c_string(to)) };
        let to = udp.path(to.map(|to| to.to_bytes()))?;
        core.udp_send(handle, Parcel { bytes, to, ecn: 0, local: None }, notify(r#fn, user_data))
    }))
}

/// Who sent a datagram of the batch that `rondel_datagram_fn` is being told: writes the name into `text` (may be NULL) of
/// `size` bytes, with a NUL, and gives its length; 0 for a sender without a name.
///
/// Of a datagram that `rondel_udp_recv` received, `rondel_future_bytes` of its future is the sender's name.
/// `RONDEL_EINVAL` beyond the batch, `RONDEL_ENOBUFS` if there is no room, `RONDEL_EAFNOSUPPORT` for a socket of the
/// internet. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_udp_sender_path(udp: rondel_udp, index: usize, text: *mut c_char, size: usize) -> i64 {
    // SAFETY: what the caller of this function promises.
    to_code(with_core(udp, |core, handle| unsafe { put_bytes(core.udp_sender_path(handle, index)?, text, size) }))
}

/// As `rondel_udp_set_peer`, for a socket of `rondel_udp_bind_path`: a path or abstract name, or NULL for none.
///
/// What came until then is received as ever. That a peer has gone shows when something is sent to it: this, and what waits
/// behind it, fails with `RONDEL_ECONNREFUSED`, and the socket has no peer from then on, until it is given one again. Linux
/// drops at that moment what this peer had sent and nobody has received yet: who needs it receives before sending on.
///
/// `RONDEL_ECONNREFUSED` or `RONDEL_ENOENT` if nobody receives there, `RONDEL_EPERM` if who does has another peer,
/// `RONDEL_EAFNOSUPPORT` for a socket of the internet. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_udp_set_peer_path(udp: rondel_udp, name: *const c_char) -> i64 {
    done(with_core(udp, |core, handle| {
        // SAFETY: what the caller of this function promises.
        core.udp_set_peer_path(handle, unsafe { c_string(name) }.map(|name| name.to_bytes()))
    }))
}
