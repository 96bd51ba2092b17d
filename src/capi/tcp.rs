// SPDX-License-Identifier: MIT OR Apache-2.0
//! TCP: connect, listen, accept, and the options of sockets.

use super::types::*;
use super::{done, notify, number, optional_listener, with_core, with_loop_core};
use crate::core::Core;
use crate::error::{Error, Result, to_code};
use crate::handle::Handle;
use crate::net::address;
use crate::sys::lent::c_string;
use std::ffi::{c_char, c_int, c_void};

/// Connects to a host by name or numeric address: the result is a TCP handle.
///
/// Names are looked up on the worker pool and their addresses tried in the manner of RFC 8305 (happy eyeballs); the
/// error is that of the last address, or of the look-up (`RONDEL_EAI_NONAME`…). If nobody hears of the result (`fn` is
/// NULL) the connection is closed. `RONDEL_EINVAL` for NULL, an empty host or a port outside 1 to 65535. Loop thread
/// only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_tcp_connect(
    r#loop: rondel_loop,
    host: *const c_char,
    port: c_int,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_loop_core(r#loop, |core| {
        // SAFETY: what the caller of this function promises.
        let host = unsafe { c_string(host) }.ok_or(Error::EINVAL)?;
        core.tcp_connect(host, port, notify(r#fn, user_data))
    }))
}

/// Listens at a numeric address, "localhost" (127.0.0.1), or every interface: NULL for IPv6 and IPv4, "::" for IPv6 alone,
/// "0.0.0.0" for IPv4 alone. Port 0 is any free one, see `rondel_local_addr`.
///
/// `fn(server, peer, user_data)` for every connection: `peer` is a TCP handle, yours to close, or a negative code, such
/// as `RONDEL_EMFILE` when descriptors ran out; the server then goes on by itself when there are some. Without a
/// function `rondel_accept` takes the connections. `RONDEL_EINVAL` for a port outside 0 to 65535, `RONDEL_EAI_NONAME` for a
/// name, `RONDEL_EADDRINUSE`, `RONDEL_EACCES`… as bind(2) has them. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_tcp_listen(
    r#loop: rondel_loop,
    host: *const c_char,
    port: c_int,
    on_accept: rondel_fn,
    user_data: *mut c_void,
) -> rondel_tcp {
    number(with_loop_core(r#loop, |core| {
        // SAFETY: what the caller of this function promises.
        let place = address::place(unsafe { c_string(host) }, port)?;
        core.tcp_listen(&place, optional_listener(on_accept, user_data)?)
    }))
}

/// Makes a TCP handle to bind, and to connect or listen with, step by step. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_tcp_new(r#loop: rondel_loop) -> rondel_tcp {
    number(with_loop_core(r#loop, Core::new_tcp))
}

/// Binds a TCP handle to a numeric address, "localhost", or every interface (NULL); port 0 is any free one.
///
/// `RONDEL_EINVAL` if it is bound already or for a port outside 0 to 65535, `RONDEL_EADDRINUSE`… as bind(2) has them.
/// Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_tcp_bind(tcp: rondel_tcp, host: *const c_char, port: c_int) -> i64 {
    done(with_core(tcp, |core, handle| {
        core.check_tcp(handle)?;
        core.unconnected_mut(handle)?;
        // SAFETY: what the caller of this function promises.
        let place = address::place(unsafe { c_string(host) }, port)?;
        core.bind_tcp(handle, &place)
    }))
}

/// Lets several sockets listen at the same address and share its connections, where the system can. Before
/// `rondel_tcp_bind`, else `RONDEL_EINVAL`. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_tcp_reuse_port(tcp: rondel_tcp, on: c_int) -> i64 {
    done(with_core(tcp, |core, handle| {
        core.check_tcp(handle)?;
        core.set_reuse_port(handle, on != 0)
    }))
}

/// Connects a handle of `rondel_tcp_new`: the result is 0. Otherwise as `rondel_tcp_connect`.
///
/// A handle that was bound is not any more when it could not connect. `RONDEL_EISCONN` if it is connected,
/// `RONDEL_EALREADY` if it is connecting. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_connect(
    tcp: rondel_tcp,
    host: *const c_char,
    port: c_int,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_core(tcp, |core, handle| {
        core.check_tcp(handle)?;
        core.unconnected_mut(handle)?;
        // SAFETY: what the caller of this function promises.
        let host = unsafe { c_string(host) }.ok_or(Error::EINVAL)?;
        core.connect(handle, host, port, notify(r#fn, user_data))
    }))
}

/// Makes a handle of `rondel_tcp_new` or `rondel_pipe_new` listen; a TCP handle that is not bound gets any free port of
/// every interface.
///
/// `backlog`: how many connections may wait (0: as many as the system allows). `on_accept` as for `rondel_tcp_listen`.
/// `RONDEL_EINVAL` for a negative backlog, for a pipe handle that is not bound, or if it listens already. Loop thread
/// only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_listen(
    handle: rondel_handle,
    backlog: c_int,
    on_accept: rondel_fn,
    user_data: *mut c_void,
) -> i64 {
    done(with_core(handle, |core, handle| {
        core.check_listening(handle)?;
        if backlog < 0 {
            return Err(Error::EINVAL);
        }
        core.listen(handle, backlog, optional_listener(on_accept, user_data)?)
    }))
}

/// Takes over a connected or listening stream socket of yours: it is the handle's to close, and does not block any more.
///
/// `RONDEL_EBADF`, `RONDEL_ENOTSOCK`, `RONDEL_EPROTOTYPE` if it is no stream socket, `RONDEL_ENOTCONN`, `RONDEL_EEXIST` if a
/// handle of this loop has it already: it is then still yours, unchanged. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_tcp_open(r#loop: rondel_loop, fd: i64) -> rondel_tcp {
    number(with_loop_core(r#loop, |core| core.open_tcp(fd)))
}

/// Takes one connection of a listener that has no `on_accept`: the result is a handle of its kind, or an error such as
/// `RONDEL_EMFILE`.
///
/// Several may wait; they are served in order. `RONDEL_EBUSY` if the listener has an `on_accept`, `RONDEL_EINVAL` if it
/// does not listen. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_accept(listener: rondel_handle, r#fn: rondel_fn, user_data: *mut c_void) -> rondel_future {
    number(with_core(listener, |core, handle| core.accept_one(handle, notify(r#fn, user_data))))
}

/// Sends small segments at once (on, as from the start) or gathers them (0: Nagle's algorithm). A listener's connections
/// begin as the listener is. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_tcp_nodelay(tcp: rondel_tcp, on: c_int) -> i64 {
    done(with_core(tcp, |core, handle| {
        core.check_tcp(handle)?;
        core.set_nodelay(handle, on != 0)
    }))
}

/// Probes a silent peer after `idle_ns` nanoseconds, in whole seconds rounded up; 0 turns it off.
///
/// `RONDEL_EINVAL` for a negative time, or one longer than the system takes (Linux: 32767 seconds), and then nothing is
/// changed. `RONDEL_ENOTCONN` while there is no socket. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_tcp_keepalive(tcp: rondel_tcp, idle_ns: i64) -> i64 {
    done(with_core(tcp, |core, handle| {
        core.check_tcp(handle)?;
        let seconds = u64::try_from(idle_ns).map_err(|_| Error::EINVAL)?.div_ceil(RONDEL_SECOND as u64);
        core.set_keepalive(handle, seconds)
    }))
}

/// Closes a connected handle with a reset: what was not sent is dropped, the peer sees `RONDEL_ECONNRESET`. Loop thread
/// only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_tcp_reset(tcp: rondel_tcp) -> i64 {
    done(with_core(tcp, |core, handle| {
        core.check_tcp(handle)?;
        core.reset_tcp(handle)
    }))
}

/// Sets the system's send buffer to about `bytes` (0: leaves it), and gives its size. Systems may double or cut it.
/// `RONDEL_EINVAL` for a negative size, `RONDEL_ENOTCONN` while there is no socket. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_send_buffer(handle: rondel_handle, bytes: i64) -> i64 {
    to_code(with_core(handle, |core, handle| {
        let size = buffer_size(core, handle, bytes)?;
        core.with_socket(handle, |socket| {
            size.map_or(Ok(()), |size| socket.set_send_buffer_size(size))?;
            socket.send_buffer_size().map(|size| size as i64)
        })
    }))
}

/// Sets the system's receive buffer to about `bytes` (0: leaves it), and gives its size. Systems may double or cut it.
/// `RONDEL_EINVAL` for a negative size, `RONDEL_ENOTCONN` while there is no socket. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_receive_buffer(handle: rondel_handle, bytes: i64) -> i64 {
    to_code(with_core(handle, |core, handle| {
        let size = buffer_size(core, handle, bytes)?;
        core.with_socket(handle, |socket| {
            size.map_or(Ok(()), |size| socket.set_recv_buffer_size(size))?;
            socket.recv_buffer_size().map(|size| size as i64)
        })
    }))
}

fn buffer_size(core: &mut Core, handle: Handle, bytes: i64) -> Result<Option<usize>> {
    core.source_of(handle)?;
    match i32::try_from(bytes) {
        Ok(0) => Ok(None),
        Ok(size) if size > 0 => Ok(Some(size as usize)),
        _ => Err(Error::EINVAL),
    }
}

/// The local address of a socket: its text goes to `text` (which may be NULL), the port to `*port` (which may be NULL).
///
/// Of a local socket it is the path or the abstract name with an `@` before it, empty if it has none, and the port is 0.
/// Gives the length of the text without its NUL. `RONDEL_ENOBUFS` if `size` is too small for it (46 and a scope always do,
/// for local sockets 110), `RONDEL_ENOTCONN` while there is no socket, `RONDEL_ENOTSOCK` for what is none. Loop thread
/// only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_local_addr(
    handle: rondel_handle,
    text: *mut c_char,
    size: usize,
    port: *mut c_int,
) -> i64 {
    // SAFETY: what the caller of this function promises.
    to_code(with_core(handle, |core, handle| unsafe { put_address(core.local_address(handle)?, text, size, port) }))
}

/// The peer's address, as `rondel_local_addr` gives the own one. `RONDEL_ENOTCONN` if there is no peer. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_peer_addr(
    handle: rondel_handle,
    text: *mut c_char,
    size: usize,
    port: *mut c_int,
) -> i64 {
    // SAFETY: what the caller of this function promises.
    to_code(with_core(handle, |core, handle| unsafe { put_address(core.peer_address(handle)?, text, size, port) }))
}

unsafe fn put_address(
    (address, own_port): (Vec<u8>, u16),
    text: *mut c_char,
    size: usize,
    port: *mut c_int,
) -> Result<i64> {
    // SAFETY: the caller's promise: `text` is NULL or has `size` bytes of room, `port` is NULL or a place for a number.
    unsafe {
        let length = put_bytes(&address, text, size)?;
        if !port.is_null() {
            *port = own_port.into();
        }
        Ok(length)
    }
}

pub(super) unsafe fn put_text(value: &str, text: *mut c_char, size: usize) -> Result<i64> {
    // SAFETY: the caller's promise is the same.
    unsafe { put_bytes(value.as_bytes(), text, size) }
}

/// As `put_text`, of what need not be UTF-8.
pub(super) unsafe fn put_bytes(value: &[u8], text: *mut c_char, size: usize) -> Result<i64> {
    if !text.is_null() {
        if value.len() >= size {
            return Err(Error::ENOBUFS);
        }
        // SAFETY: the caller's promise: there are `size` bytes of room, which is more than the text and its NUL take.
        unsafe {
            text.cast::<u8>().copy_from_nonoverlapping(value.as_ptr(), value.len());
            *text.add(value.len()) = 0;
        }
    }
    Ok(value.len() as i64)
}
