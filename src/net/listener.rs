// SPDX-License-Identifier: MIT OR Apache-2.0
//! Listeners: connections told by callback as they come, or taken one by one.
//!
//! A listener that runs out of descriptors tells so once, stops watching, and tries again when this loop has closed
//! something or a moment has passed: connections wait in the backlog meanwhile, and nothing spins.

use crate::callback::Notify;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::future::Op;
use crate::handle::Handle;
use crate::lifecycle::{Kind, Object};
use crate::net::address::Place;
use crate::net::stream::Stream;
use crate::net::tcp::{self, Bound};
use crate::reactor::Interest;
use crate::ready::Step;
use crate::sys::local::SocketFile;
use crate::sys::{self, Source};
use crate::timers::TimerId;
use std::collections::VecDeque;

pub struct Listener {
    /// Of a local socket. It is removed before the socket is closed.
    file: Option<SocketFile>,
    source: Source,
    /// Of the connections.
    kind: Kind,
    /// Told of every connection; `None`: only `accept` takes them.
    on_accept: Option<Notify>,
    /// Accepts that wait.
    waiting: VecDeque<Handle>,
    watched: bool,
    /// Out of descriptors until this deadline.
    starved: Option<TimerId>,
}

const RETRY_AFTER: i64 = 100_000_000;

impl Listener {
    pub fn new(source: Source, kind: Kind, on_accept: Option<Notify>) -> Listener {
        Listener { file: None, source, kind, on_accept, waiting: VecDeque::new(), watched: false, starved: None }
    }

    pub fn with_file(self, file: Option<SocketFile>) -> Listener {
        Listener { file, ..self }
    }

    pub fn source(&self) -> &Source {
        &self.source
    }

    /// In words.
    pub fn doing(&self) -> String {
        let place = self.source.socket().local_addr().ok().and_then(|place| place.as_socket());
        let place = place.map_or_else(String::new, |place| format!(" at {place}"));
        let starved = if self.starved.is_some() { ", waits for a descriptor to become free" } else { "" };
        format!("listening{place}{starved}, descriptor {}", self.source.raw())
    }

    fn wants_connections(&self) -> bool {
        self.starved.is_none() && (self.on_accept.is_some() || !self.waiting.is_empty())
    }
}

impl Core {
    /// Binds, listens and tells of connections.
    pub fn tcp_listen(&mut self, place: &Place, on_accept: Option<Notify>) -> Result<Handle> {
        if self.freeing {
            return Err(Error::EGONE);
        }
        let bound = tcp::bind(place, false)?;
        tcp::listen_on(&bound, 0, true)?;
        let handle =
            self.insert(Kind::Tcp, Object::Listener(Box::new(Listener::new(bound.source, Kind::Tcp, on_accept))))?;
        match self.start_listening(handle) {
            Ok(()) => Ok(handle),
            Err(error) => {
                self.table.discard(handle);
                Err(error)
            }
        }
    }

    /// Makes a bound handle listen.
    pub fn listen(&mut self, handle: Handle, backlog: i32, on_accept: Option<Notify>) -> Result<()> {
        if let Ok(listener) = self.listener_mut(handle) {
            // One that came in as a descriptor listens already and may get its callback here.
            if listener.on_accept.is_some() || on_accept.is_none() || !listener.waiting.is_empty() {
                return Err(Error::EINVAL);
            }
            listener.on_accept = on_accept;
            return self.start_listening(handle);
        }
        if self.open_entry(handle)?.kind == Kind::Pipe {
            return self.listen_pipe(handle, backlog, on_accept);
        }
        let socket = self.unconnected_mut(handle)?;
        if socket.connecting.is_some() {
            return Err(Error::EALREADY);
        }
        let bound = match socket.bound.take() {
            Some(bound) => bound,
            None => tcp::bind(&Place::Everywhere(0), socket.reuse_port)?,
        };
        if let Err(error) = tcp::listen_on(&bound, backlog, socket.nodelay) {
            socket.bound = Some(Bound { ..bound });
            return Err(error);
        }
        self.open_entry(handle)?.object = Object::Listener(Box::new(Listener::new(bound.source, Kind::Tcp, on_accept)));
        self.start_listening(handle)
    }

    pub fn start_listening(&mut self, handle: Handle) -> Result<()> {
        self.watch_listener(handle)?;
        let tells = self.listener_mut(handle)?.on_accept.is_some();
        self.set_active(handle, tells);
        Ok(())
    }

    /// Takes one connection; the result is its handle.
    pub fn accept_one(&mut self, handle: Handle, notify: Notify) -> Result<Handle> {
        if self.listener_mut(handle)?.on_accept.is_some() {
            return Err(Error::EBUSY);
        }
        let future = self.insert_future(Op::Accept, handle, notify)?;
        self.future_mut(future)?.gives_handle = true;
        self.listener_mut(handle)?.waiting.push_back(future);
        if let Err(error) = self.watch_listener(handle) {
            let _ = self.cancel(future, error);
        }
        Ok(future)
    }

    pub fn cancel_accept(&mut self, handle: Handle, future: Handle) {
        if let Ok(listener) = self.listener_mut(handle) {
            listener.waiting.retain(|waiting| *waiting != future);
        }
    }

    fn listener_mut(&mut self, handle: Handle) -> Result<&mut Listener> {
        let entry = self.open_entry(handle)?;
        match &mut entry.object {
            Object::Listener(listener) => Ok(listener),
            Object::Stream(_) if entry.kind == Kind::Tty => Err(Error::EKIND),
            Object::Stream(_) | Object::Unconnected(_) | Object::Unbound(_) => Err(Error::EINVAL),
            _ => Err(Error::EKIND),
        }
    }

    /// Watches if connections are wanted. One that is watched without need is unwatched when it tells.
    fn watch_listener(&mut self, handle: Handle) -> Result<()> {
        let Core { table, reactor, .. } = self;
        let Object::Listener(listener) = &mut table.get_mut(handle)?.object else { return Err(Error::EKIND) };
        if listener.wants_connections() && !listener.watched {
            reactor.watch(&listener.source, handle.key(), Interest::READABLE)?;
            listener.watched = true;
        }
        Ok(())
    }

    fn unwatch_listener(&mut self, handle: Handle) {
        let Core { table, reactor, .. } = self;
        if let Ok(Object::Listener(listener)) = table.get_mut(handle).map(|entry| &mut entry.object)
            && listener.watched
        {
            reactor.unwatch(&listener.source);
            listener.watched = false;
        }
    }

    /// The next connection, as the step that tells of it; `None` when there is none for now.
    pub fn accept_next(&mut self, handle: Handle) -> Option<Step> {
        if self.is_astray() {
            return None;
        }
        let listener = self.listener_mut(handle).ok()?;
        if !listener.wants_connections() {
            self.unwatch_listener(handle);
            return None;
        }
        let kind = listener.kind;
        match listener.source.accept() {
            Ok(source) => {
                if kind == Kind::Tcp && sys::SETS_NODELAY_ON_ACCEPT {
                    // As where it is inherited. It fails only for a connection that is gone already, which its reader
                    // finds out.
                    let nodelay = listener.source.socket().tcp_nodelay();
                    let _ = nodelay.and_then(|on| source.socket().set_tcp_nodelay(on));
                }
                // A full table costs this connection; it is closed by being dropped here.
                let peer = self.insert(kind, Object::Stream(Box::new(Stream::new(source))));
                Some(self.tell_of_connection(handle, peer))
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => None,
            Err(error) => {
                let error = Error::from(error);
                // The connection went away before it was taken: the next one may be there.
                if matches!(
                    error,
                    Error::ECONNABORTED
                        | Error::EPROTO
                        | Error::EPERM
                        | Error::ENETDOWN
                        | Error::EHOSTUNREACH
                        | Error::ENETUNREACH
                ) {
                    return Some(Step::Nothing);
                }
                self.starve(handle);
                Some(self.tell_of_connection(handle, Err(error)))
            }
        }
    }

    fn tell_of_connection(&mut self, handle: Handle, peer: Result<Handle>) -> Step {
        let result = crate::error::to_code(peer.map(Handle::number));
        let Ok(listener) = self.listener_mut(handle) else { return Step::Nothing };
        if let Some(notify) = listener.on_accept {
            return self.step_for(notify, handle, result);
        }
        let Some(future) = listener.waiting.pop_front() else { return Step::Nothing };
        if let (Ok(peer), false) = (peer, self.future_mut(future).is_ok_and(|future| future.is_awaited())) {
            // Nobody would ever close it.
            let _ = self.close(peer);
        }
        self.complete(future, result);
        Step::Nothing
    }

    fn starve(&mut self, handle: Handle) {
        self.unwatch_listener(handle);
        let deadline = self.timers.insert(sys::clock() + RETRY_AFTER, handle);
        if let Ok(listener) = self.listener_mut(handle) {
            listener.starved = Some(deadline);
        }
        self.starved.push(handle);
    }

    /// A moment has passed, or a descriptor became free: try again.
    pub fn resume_listener(&mut self, handle: Handle) {
        self.starved.retain(|starved| *starved != handle);
        let Ok(listener) = self.listener_mut(handle) else { return };
        if let Some(deadline) = listener.starved.take() {
            self.timers.remove(deadline);
        }
        if self.watch_listener(handle).is_err() {
            self.starve(handle);
        }
    }

    /// This loop has closed a descriptor.
    #[inline]
    pub fn descriptor_freed(&mut self) {
        if let Some(handle) = self.starved.pop() {
            self.resume_listener(handle);
        }
    }

    /// Gives the descriptor away, which listens on, and the file of a local one with it; the handle is closed.
    pub fn detach_listener(&mut self, handle: Handle) -> Result<i64> {
        self.close_listener(handle);
        let entry = self.open_entry(handle)?;
        let Object::Listener(listener) = std::mem::replace(&mut entry.object, Object::Closed) else {
            return Err(Error::EKIND);
        };
        self.retire(handle);
        let Listener { file, source, .. } = *listener;
        if let Some(file) = file {
            file.leave();
        }
        Ok(source.into_raw() as i64)
    }

    pub fn close_listener(&mut self, handle: Handle) {
        self.unwatch_listener(handle);
        self.starved.retain(|starved| *starved != handle);
        let Ok(listener) = self.listener_mut(handle) else { return };
        let (waiting, deadline) = (std::mem::take(&mut listener.waiting), listener.starved.take());
        if let Some(deadline) = deadline {
            self.timers.remove(deadline);
        }
        for future in waiting {
            self.complete(future, Error::ECANCELED.code());
        }
    }
}
