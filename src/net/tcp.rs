// SPDX-License-Identifier: MIT OR Apache-2.0
//! TCP handles step by step: made, bound, and then connected or listening.

use crate::core::Core;
use crate::error::{Error, Result};
use crate::handle::Handle;
use crate::lifecycle::{Kind, Object};
use crate::net::address::{self, Place};
use crate::net::listener::Listener;
use crate::net::stream::Stream;
use crate::sys::taken::may_be_taken;
use crate::sys::{self, Source};
use socket2::{Domain, SockAddr, SockRef, TcpKeepalive, Type};
use std::net::SocketAddr;
use std::time::Duration;

/// A TCP handle that is neither connected nor listening yet.
pub struct Unconnected {
    pub bound: Option<Bound>,
    pub nodelay: bool,
    pub reuse_port: bool,
    /// The connect that goes on.
    pub connecting: Option<Handle>,
}

pub struct Bound {
    pub source: Source,
}

impl Core {
    pub fn new_tcp(&mut self) -> Result<Handle> {
        let socket = Unconnected { bound: None, nodelay: true, reuse_port: false, connecting: None };
        self.insert(Kind::Tcp, Object::Unconnected(Box::new(socket)))
    }

    pub fn unconnected_mut(&mut self, handle: Handle) -> Result<&mut Unconnected> {
        match &mut self.open_entry(handle)?.object {
            Object::Unconnected(socket) => Ok(socket),
            Object::Stream(_) => Err(Error::EISCONN),
            Object::Listener(_) => Err(Error::EINVAL),
            _ => Err(Error::EKIND),
        }
    }

    pub fn bind_tcp(&mut self, handle: Handle, place: &Place) -> Result<()> {
        let socket = self.unconnected_mut(handle)?;
        if socket.bound.is_some() || socket.connecting.is_some() {
            return Err(Error::EINVAL);
        }
        socket.bound = Some(bind(place, socket.reuse_port)?);
        Ok(())
    }

    /// Takes over a caller's connected or listening socket. On failure it stays the caller's.
    pub fn open_tcp(&mut self, descriptor: i64) -> Result<Handle> {
        self.make_room()?;
        let what = sys::look_at_socket(descriptor)?;
        self.check_descriptor_free(descriptor)?;
        if what.listens {
            let source = Source::adopt_socket(descriptor)?;
            return self.insert(Kind::Tcp, Object::Listener(Box::new(Listener::new(source, Kind::Tcp, None))));
        }
        if !what.connected {
            return Err(Error::ENOTCONN);
        }
        let source = Source::adopt_socket(descriptor)?;
        self.insert(Kind::Tcp, Object::Stream(Box::new(Stream::new(source))))
    }

    /// Refuses what a handle of this loop has already, be it to watch for its owner.
    pub fn check_descriptor_free(&mut self, descriptor: i64) -> Result<()> {
        let taken = self.watches_descriptor(descriptor) || self.owns_descriptor(descriptor);
        if taken { Err(Error::EEXIST) } else { Ok(()) }
    }

    /// Whether a handle that is read from or written to has the descriptor.
    pub fn owns_descriptor(&self, descriptor: i64) -> bool {
        if sys::raw_source(descriptor).is_ok_and(|raw| !may_be_taken(raw)) {
            return false;
        }
        let is_it = |source: &Source| source.raw() as i64 == descriptor;
        self.table.handles().any(|(_, entry)| match &entry.object {
            Object::Stream(stream) => is_it(stream.source()),
            Object::Udp(udp) => is_it(udp.source()),
            Object::Listener(listener) => is_it(listener.source()),
            Object::Unconnected(socket) => socket.bound.as_ref().is_some_and(|bound| is_it(&bound.source)),
            Object::Unbound(socket) => socket.bound.as_ref().is_some_and(|bound| is_it(&bound.source)),
            Object::Attempt(attempt) => is_it(&attempt.source),
            Object::File(file) => file.has(descriptor),
            _ => false,
        })
    }

    pub fn close_unconnected(&mut self, handle: Handle) {
        if let Ok(Some(connect)) = self.unconnected_mut(handle).map(|socket| socket.connecting) {
            let _ = self.cancel(connect, Error::ECANCELED);
        }
    }

    /// Runs `f` on the socket of any handle that has one.
    pub fn with_socket<R>(&mut self, handle: Handle, f: impl FnOnce(SockRef<'_>) -> std::io::Result<R>) -> Result<R> {
        if self.open_entry(handle)?.kind == Kind::Tty {
            return Err(Error::EKIND);
        }
        let source = self.source_of(handle)?;
        f(source.socket()).map_err(Error::from)
    }

    /// The descriptor of a handle that owns one.
    pub fn source_of(&mut self, handle: Handle) -> Result<&Source> {
        match &self.open_entry(handle)?.object {
            Object::Stream(stream) => Ok(stream.source()),
            Object::Udp(udp) => Ok(udp.source()),
            Object::Listener(listener) => Ok(listener.source()),
            Object::Unconnected(socket) => socket.bound.as_ref().map(|bound| &bound.source).ok_or(Error::ENOTCONN),
            Object::Unbound(socket) => socket.bound.as_ref().map(|bound| &bound.source).ok_or(Error::ENOTCONN),
            _ => Err(Error::EKIND),
        }
    }

    pub fn set_nodelay(&mut self, handle: Handle, on: bool) -> Result<()> {
        if let Ok(socket) = self.unconnected_mut(handle) {
            socket.nodelay = on;
            if let Some(connect) = socket.connecting {
                // It fails only for an attempt that has failed already.
                self.for_each_attempt(connect, |source| drop(source.socket().set_tcp_nodelay(on)));
            }
            return Ok(());
        }
        self.with_socket(handle, |socket| socket.set_tcp_nodelay(on))
    }

    pub fn set_reuse_port(&mut self, handle: Handle, on: bool) -> Result<()> {
        let socket = self.unconnected_mut(handle)?;
        if socket.bound.is_some() {
            return Err(Error::EINVAL);
        }
        socket.reuse_port = on;
        Ok(())
    }

    /// Probes after `idle` seconds of silence; 0 turns them off. What the system refuses changes nothing.
    pub fn set_keepalive(&mut self, handle: Handle, idle_seconds: u64) -> Result<()> {
        self.with_socket(handle, |socket| {
            if idle_seconds == 0 {
                return socket.set_keepalive(false);
            }
            let before = socket.keepalive()?;
            let time = TcpKeepalive::new().with_time(Duration::from_secs(idle_seconds));
            socket.set_tcp_keepalive(&time).inspect_err(|_| drop(socket.set_keepalive(before)))
        })
    }

    /// The own address as text, and the port.
    pub fn local_address(&mut self, handle: Handle) -> Result<(Vec<u8>, u16)> {
        self.with_socket(handle, |socket| socket.local_addr()).and_then(|address| describe(&address))
    }

    pub fn peer_address(&mut self, handle: Handle) -> Result<(Vec<u8>, u16)> {
        self.with_socket(handle, |socket| socket.peer_addr()).and_then(|address| describe(&address))
    }

    /// Closes with a reset: what was not sent is lost, the peer is told so.
    pub fn reset_tcp(&mut self, handle: Handle) -> Result<()> {
        self.stream_mut(handle)?;
        self.with_socket(handle, |socket| socket.set_linger(Some(Duration::ZERO)))?;
        self.forget_writes(handle);
        self.close(handle)
    }
}

fn describe(address: &SockAddr) -> Result<(Vec<u8>, u16)> {
    match address.as_socket() {
        Some(address) => Ok((address::text(&address).into_bytes(), address.port())),
        None => Ok((sys::local::name(address).ok_or(Error::EAFNOSUPPORT)?, 0)),
    }
}

/// A bound socket: the first of the place's addresses that the system has.
pub fn bind(place: &Place, reuse_port: bool) -> Result<Bound> {
    let mut last = Error::EADDRNOTAVAIL;
    for address in place.addresses() {
        match bind_to(address, matches!(place, Place::Everywhere(_)), reuse_port) {
            Ok(source) => return Ok(Bound { source }),
            // Without IPv6 the next address may do; a port that is taken is taken.
            Err(error) if matches!(error, Error::EAFNOSUPPORT | Error::EADDRNOTAVAIL) => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

/// `everywhere`: an IPv6 socket takes IPv4 too.
pub fn bind_to(address: SocketAddr, everywhere: bool, reuse_port: bool) -> Result<Source> {
    let socket = sys::new_socket(Domain::for_address(address), Type::STREAM)?;
    sys::allow_quick_rebind(&socket)?;
    if reuse_port {
        sys::reuse_port(&socket)?;
    }
    if address.is_ipv6() {
        socket.set_only_v6(!everywhere)?;
    }
    socket.bind(&SockAddr::from(address))?;
    Ok(Source::from_socket(socket)?)
}

/// A listening socket whose connections are as this library wants them.
pub fn listen_on(bound: &Bound, backlog: i32, nodelay: bool) -> Result<()> {
    let socket = bound.source.socket();
    // Connections inherit it where systems know inheritance; `accept` sets it elsewhere.
    socket.set_tcp_nodelay(nodelay)?;
    socket.listen(if backlog == 0 { DEFAULT_BACKLOG } else { backlog })?;
    Ok(())
}

/// The system cuts it down to what it allows.
pub const DEFAULT_BACKLOG: i32 = 4096;
