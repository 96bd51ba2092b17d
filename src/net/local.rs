// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sockets of this machine, by path or abstract name: bound, listening, connecting.
//!
//! The file of a path is the listener's: it is removed with it. A system that has no room for one more connection says
//! only that, and not when there is room; so such a connect is tried again and again until it is cancelled.

use crate::callback::Notify;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::future::Op;
use crate::handle::Handle;
use crate::lifecycle::{Kind, Object};
use crate::net::connect::Attempt;
use crate::net::listener::Listener;
use crate::net::tcp::DEFAULT_BACKLOG;
use crate::sys::local::{self, Connect, Credentials, SocketFile};
use crate::sys::{self, Source};
use crate::timers::TimerId;
use socket2::SockAddr;

/// A pipe handle that is not listening yet.
#[derive(Default)]
pub struct Unbound {
    pub bound: Option<Bound>,
    /// The permissions that the file is to have.
    mode: Option<u32>,
    /// Take the place of a socket at which nobody listens.
    replace: bool,
}

pub struct Bound {
    /// Removed before the socket is closed: as long as that is open, no other file can be taken for its own.
    file: Option<SocketFile>,
    pub source: Source,
}

/// What a pending connect holds.
pub struct Connecting {
    address: SockAddr,
    /// The time until the next try.
    pause: i64,
    retry: Option<TimerId>,
    attempt: Option<Handle>,
}

const FIRST_PAUSE: i64 = 1_000_000;
const LONGEST_PAUSE: i64 = 64_000_000;

impl Core {
    pub fn new_pipe(&mut self) -> Result<Handle> {
        self.insert(Kind::Pipe, Object::Unbound(Box::default()))
    }

    pub fn check_pipe(&mut self, handle: Handle) -> Result<()> {
        match self.open_entry(handle)?.kind {
            Kind::Pipe => Ok(()),
            _ => Err(Error::EKIND),
        }
    }

    fn unbound_mut(&mut self, handle: Handle) -> Result<&mut Unbound> {
        self.check_pipe(handle)?;
        match &mut self.open_entry(handle)?.object {
            Object::Unbound(socket) => Ok(socket),
            Object::Stream(_) => Err(Error::EISCONN),
            _ => Err(Error::EINVAL),
        }
    }

    /// As `unbound_mut`, of one that has no name yet.
    fn nameless_mut(&mut self, handle: Handle) -> Result<&mut Unbound> {
        let socket = self.unbound_mut(handle)?;
        if socket.bound.is_some() { Err(Error::EINVAL) } else { Ok(socket) }
    }

    pub fn set_pipe_mode(&mut self, handle: Handle, mode: u32) -> Result<()> {
        self.nameless_mut(handle)?.mode = Some(mode);
        Ok(())
    }

    pub fn set_pipe_replace(&mut self, handle: Handle, on: bool) -> Result<()> {
        self.nameless_mut(handle)?.replace = on;
        Ok(())
    }

    pub fn bind_pipe(&mut self, handle: Handle, name: &[u8]) -> Result<()> {
        let socket = self.nameless_mut(handle)?;
        socket.bound = Some(bind(name, socket.mode, socket.replace)?);
        Ok(())
    }

    /// Makes a bound handle listen.
    pub fn listen_pipe(&mut self, handle: Handle, backlog: i32, on_accept: Option<Notify>) -> Result<()> {
        let socket = self.unbound_mut(handle)?;
        let bound = socket.bound.as_ref().ok_or(Error::EINVAL)?;
        bound.source.socket().listen(if backlog == 0 { DEFAULT_BACKLOG } else { backlog })?;
        let Some(Bound { file, source }) = socket.bound.take() else { return Err(Error::EINVAL) };
        let listener = Listener::new(source, Kind::Pipe, on_accept).with_file(file);
        self.open_entry(handle)?.object = Object::Listener(Box::new(listener));
        self.start_listening(handle)
    }

    /// Binds, listens and tells of connections.
    pub fn pipe_listen(&mut self, name: &[u8], on_accept: Option<Notify>) -> Result<Handle> {
        let handle = self.new_pipe()?;
        let outcome = self.bind_pipe(handle, name).and_then(|()| self.listen_pipe(handle, 0, on_accept));
        match outcome {
            Ok(()) => Ok(handle),
            Err(error) => {
                self.table.discard(handle);
                Err(error)
            }
        }
    }

    /// Connects a new handle; the result is that handle.
    pub fn pipe_connect(&mut self, name: &[u8], notify: Notify) -> Result<Handle> {
        if name == b"@" {
            return Err(Error::EINVAL);
        }
        let address = local::address(name)?;
        let connecting = Connecting { address, pause: FIRST_PAUSE, retry: None, attempt: None };
        let future = self.insert_future(Op::ConnectLocal(Box::new(connecting)), self.handle, notify)?;
        self.future_mut(future)?.gives_handle = true;
        self.try_local_connect(future);
        Ok(future)
    }

    fn local_connecting_mut(&mut self, future: Handle) -> Option<&mut Connecting> {
        match &mut self.future_mut(future).ok()?.op {
            Op::ConnectLocal(connecting) => Some(connecting),
            _ => None,
        }
    }

    /// Tries to connect, for the first time or once more.
    pub fn try_local_connect(&mut self, future: Handle) {
        let Some(connecting) = self.local_connecting_mut(future) else { return };
        connecting.retry = None;
        let outcome = local::new_source().and_then(|source| {
            let came = local::connect(&source, &connecting.address)?;
            Ok((source, came))
        });
        match outcome {
            Ok((source, Connect::Done)) => self.local_connect_over(future, Ok(source)),
            Ok((source, Connect::GoesOn)) => match self.insert_attempt(Attempt { source, future }) {
                Ok(attempt) => {
                    if let Some(connecting) = self.local_connecting_mut(future) {
                        connecting.attempt = Some(attempt);
                    }
                }
                Err(error) => self.local_connect_over(future, Err(error)),
            },
            Ok((_, Connect::Crowded)) => {
                let due = sys::clock() + connecting.pause;
                connecting.pause = (connecting.pause * 2).min(LONGEST_PAUSE);
                let retry = self.timers.insert(due, future);
                if let Some(connecting) = self.local_connecting_mut(future) {
                    connecting.retry = Some(retry);
                }
            }
            Err(error) => self.local_connect_over(future, Err(error)),
        }
    }

    /// The attempt of a local connect has connected or failed.
    pub fn local_connect_over(&mut self, future: Handle, outcome: Result<Source>) {
        let awaited = self.future_mut(future).is_ok_and(|future| future.is_awaited());
        let result = outcome.and_then(|source| match awaited {
            true => self.insert_stream(Kind::Pipe, source).map(Handle::number),
            // Nobody would ever close it.
            false => Ok(0),
        });
        self.complete(future, crate::error::to_code(result));
    }

    /// Drops what a connect waits for.
    pub fn drop_local_connecting(&mut self, future: Handle) {
        let Some(connecting) = self.local_connecting_mut(future) else { return };
        let (retry, attempt) = (connecting.retry.take(), connecting.attempt.take());
        if let Some(retry) = retry {
            self.timers.remove(retry);
        }
        if let Some(attempt) = attempt {
            drop(self.end_attempt(attempt));
            self.descriptor_freed();
        }
    }

    pub fn peer_credentials(&mut self, handle: Handle) -> Result<Credentials> {
        self.check_pipe(handle)?;
        self.stream_mut(handle)?;
        self.with_socket(handle, local::credentials)
    }
}

fn bind(name: &[u8], mode: Option<u32>, replace: bool) -> Result<Bound> {
    let address = local::address(name)?;
    let source = local::new_source()?;
    let mut outcome = source.socket().bind(&address);
    if replace
        && outcome.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::AddrInUse)
        && local::remove_stale(name, &address, socket2::Type::STREAM)?
    {
        outcome = source.socket().bind(&address);
    }
    outcome?;
    let file = SocketFile::of(name);
    if let Some(mode) = mode {
        // Nobody can connect before it listens.
        file.as_ref().ok_or(Error::EINVAL)?.set_mode(mode)?;
    }
    Ok(Bound { file, source })
}
