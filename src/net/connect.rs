// SPDX-License-Identifier: MIT OR Apache-2.0
//! Connecting by name in the manner of RFC 8305 (happy eyeballs).
//!
//! The addresses are tried in turn, families alternating. The next attempt starts when the last one failed or has
//! taken 250 ms; the first to connect wins and the others are dropped.

use crate::callback::Notify;
use crate::core::Core;
use crate::dns;
use crate::dump::count;
use crate::error::{Error, Result};
use crate::future::Op;
use crate::handle::Handle;
use crate::lifecycle::{Kind, Object};
use crate::net::address;
use crate::net::stream::Stream;
use crate::net::tcp;
use crate::pool::Job;
use crate::reactor::Interest;
use crate::sys::{self, Hints, Source};
use crate::timers::TimerId;
use socket2::{Domain, Type};
use std::ffi::CStr;
use std::net::SocketAddr;
use std::sync::Arc;

const ATTEMPT_DELAY: i64 = 250_000_000;

/// What a pending connect holds.
pub struct Connecting {
    look_up: Option<Arc<Job>>,
    /// Still to be tried, the next one last.
    addresses: Vec<SocketAddr>,
    attempts: Vec<Handle>,
    stagger: Option<TimerId>,
    last_error: Error,
    /// The handle that becomes the stream; `None`: a new one is made.
    target: Option<Handle>,
    /// Where the target was bound.
    local: Option<SocketAddr>,
}

impl Connecting {
    /// In words.
    pub fn doing(&self) -> String {
        match (&self.look_up, self.attempts.len(), self.addresses.len()) {
            (Some(job), ..) => format!("looks up the host, {}", job.doing()),
            (None, tried, left) => {
                let to_go = if left > 0 { format!(", {left} to go") } else { String::new() };
                format!("tries {}{to_go}", count(tried, "address", "addresses"))
            }
        }
    }

    pub fn is_looking_up(&self) -> bool {
        self.look_up.is_some()
    }
}

/// One address being tried.
pub struct Attempt {
    pub source: Source,
    pub future: Handle,
}

/// The address as a socket bound to `local` has to name it.
fn from_place(local: Option<SocketAddr>, address: SocketAddr) -> Result<SocketAddr> {
    match (local, address) {
        (Some(SocketAddr::V6(local)), SocketAddr::V4(v4)) if local.ip().is_unspecified() => {
            Ok(SocketAddr::new(v4.ip().to_ipv6_mapped().into(), v4.port()))
        }
        (Some(local), address) if local.is_ipv4() != address.is_ipv4() => Err(Error::EAFNOSUPPORT),
        _ => Ok(address),
    }
}

impl Core {
    /// Connects a new handle; the result is that handle.
    pub fn tcp_connect(&mut self, host: &CStr, port: i32, notify: Notify) -> Result<Handle> {
        self.start_connect(host, port, None, None, notify)
    }

    /// Connects an existing handle; the result is 0.
    pub fn connect(&mut self, target: Handle, host: &CStr, port: i32, notify: Notify) -> Result<Handle> {
        let socket = self.unconnected_mut(target)?;
        if socket.connecting.is_some() {
            return Err(Error::EALREADY);
        }
        let local = match &socket.bound {
            Some(bound) => bound.source.socket().local_addr()?.as_socket(),
            None => None,
        };
        let future = self.start_connect(host, port, Some(target), local, notify)?;
        if self.is_pending(future) {
            self.unconnected_mut(target)?.connecting = Some(future);
        }
        Ok(future)
    }

    fn start_connect(
        &mut self,
        host: &CStr,
        port: i32,
        target: Option<Handle>,
        local: Option<SocketAddr>,
        notify: Notify,
    ) -> Result<Handle> {
        let port = address::check_port(port)?;
        if port == 0 || host.is_empty() {
            return Err(Error::EINVAL);
        }
        let connecting = Connecting {
            look_up: None,
            addresses: Vec::new(),
            attempts: Vec::new(),
            stagger: None,
            last_error: Error::EAI_NODATA,
            target,
            local,
        };
        let future = self.insert_future(Op::Connect(Box::new(connecting)), target.unwrap_or(self.handle), notify)?;
        self.future_mut(future)?.gives_handle = target.is_none();
        if let Some(address) = address::numeric(host, port) {
            self.connect_found(future, Ok(vec![address]), port);
            return Ok(future);
        }
        let hints = match local {
            Some(local) if local.is_ipv4() => Hints { ipv4: true, ..Hints::default() },
            Some(local) if !local.ip().is_unspecified() => Hints { ipv6: true, ..Hints::default() },
            _ => Hints::default(),
        };
        match dns::look_up_on_pool(self, Some(host), None, hints, move |core, found| {
            core.connect_found(future, found.map(|found| found.addresses), port)
        }) {
            Ok(job) => {
                if let Some(connecting) = self.connecting_mut(future) {
                    connecting.look_up = Some(job);
                }
                Ok(future)
            }
            Err(error) => {
                self.withdraw_future(future);
                Err(error)
            }
        }
    }

    fn connecting_mut(&mut self, future: Handle) -> Option<&mut Connecting> {
        match &mut self.future_mut(future).ok()?.op {
            Op::Connect(connecting) => Some(connecting),
            _ => None,
        }
    }

    /// The sockets that are being tried.
    pub fn for_each_attempt(&mut self, future: Handle, mut f: impl FnMut(&Source)) {
        let attempts = self.connecting_mut(future).map_or_else(Vec::new, |connecting| connecting.attempts.clone());
        for attempt in attempts {
            if let Ok(Object::Attempt(attempt)) = self.table.get(attempt).map(|entry| &entry.object) {
                f(&attempt.source);
            }
        }
    }

    fn connect_found(&mut self, future: Handle, found: Result<Vec<SocketAddr>>, port: u16) {
        let Some(connecting) = self.connecting_mut(future) else { return };
        connecting.look_up = None;
        match found {
            Ok(found) => {
                connecting.addresses = address::interleave(&found);
                connecting.addresses.reverse();
                connecting.addresses.iter_mut().for_each(|address| address.set_port(port));
                self.next_attempt(future);
            }
            Err(error) => self.connect_over(future, Err(error)),
        }
    }

    /// Starts the next attempt that can be started; ends the connect when none is left and none goes on.
    pub fn next_attempt(&mut self, future: Handle) {
        loop {
            let Some(connecting) = self.connecting_mut(future) else { return };
            let stagger = connecting.stagger.take();
            let next = connecting.addresses.pop();
            let (going, error, target) = (!connecting.attempts.is_empty(), connecting.last_error, connecting.target);
            let local = connecting.local;
            if let Some(stagger) = stagger {
                self.timers.remove(stagger);
            }
            let Some(address) = next else {
                if !going {
                    self.connect_over(future, Err(error));
                }
                return;
            };
            match self.attempt(future, address, target, local) {
                Ok(attempt) => {
                    let due = sys::clock() + ATTEMPT_DELAY;
                    let Some(connecting) = self.connecting_mut(future) else { return };
                    connecting.attempts.push(attempt);
                    if !connecting.addresses.is_empty() {
                        let stagger = self.timers.insert(due, future);
                        if let Some(connecting) = self.connecting_mut(future) {
                            connecting.stagger = Some(stagger);
                        }
                    }
                    return;
                }
                Err(error) => {
                    if let Some(connecting) = self.connecting_mut(future) {
                        connecting.last_error = error;
                    }
                }
            }
        }
    }

    fn attempt(
        &mut self,
        future: Handle,
        address: SocketAddr,
        target: Option<Handle>,
        local: Option<SocketAddr>,
    ) -> Result<Handle> {
        let address = from_place(local, address)?;
        let mut unconnected = target.and_then(|target| self.unconnected_mut(target).ok());
        let nodelay = unconnected.as_ref().is_none_or(|socket| socket.nodelay);
        let bound = unconnected.as_mut().and_then(|socket| socket.bound.take());
        let source = match (bound, local) {
            (Some(bound), _) => bound.source,
            // The socket that was bound had its attempt: this one leaves from the same place.
            (None, Some(local)) => tcp::bind_to(local, local.ip().is_unspecified(), false)?,
            (None, None) => Source::from_socket(sys::new_socket(Domain::for_address(address), Type::STREAM)?)?,
        };
        if nodelay {
            source.socket().set_tcp_nodelay(true)?;
        }
        sys::start_connect(&source, address)?;
        self.insert_attempt(Attempt { source, future })
    }

    pub fn insert_attempt(&mut self, attempt: Attempt) -> Result<Handle> {
        let attempt = self.insert(Kind::Internal, Object::Attempt(attempt))?;
        if let Ok(Object::Attempt(made)) = self.table.get(attempt).map(|entry| &entry.object)
            && let Err(error) = self.reactor.watch(&made.source, attempt.key(), Interest::WRITABLE)
        {
            self.table.discard(attempt);
            return Err(error);
        }
        Ok(attempt)
    }

    /// An attempt has connected or failed.
    pub fn attempt_ready(&mut self, handle: Handle) {
        let Ok(Object::Attempt(attempt)) = self.table.get(handle).map(|entry| &entry.object) else { return };
        let future = attempt.future;
        let socket = attempt.source.socket();
        let outcome = match socket.take_error() {
            Ok(None) => match socket.peer_addr() {
                Ok(_) => Ok(()),
                // Connected and reset before anybody looked.
                Err(error) => Err(Error::from(error)),
            },
            Ok(Some(error)) | Err(error) => Err(Error::from(error)),
        };
        let Some(attempt) = self.end_attempt(handle) else { return };
        if self.future_mut(future).is_ok_and(|future| matches!(future.op, Op::ConnectLocal(_))) {
            return self.local_connect_over(future, outcome.map(|()| attempt.source));
        }
        if let Some(connecting) = self.connecting_mut(future) {
            connecting.attempts.retain(|other| *other != handle);
        }
        match outcome {
            Ok(()) => self.connect_over(future, Ok(attempt.source)),
            Err(error) => {
                if let Some(connecting) = self.connecting_mut(future) {
                    connecting.last_error = error;
                }
                self.next_attempt(future);
            }
        }
    }

    pub fn end_attempt(&mut self, handle: Handle) -> Option<Attempt> {
        match self.table.remove(handle)?.object {
            Object::Attempt(attempt) => {
                self.reactor.unwatch(&attempt.source);
                Some(attempt)
            }
            _ => None,
        }
    }

    fn connect_over(&mut self, future: Handle, outcome: Result<Source>) {
        let Some(target) = self.connecting_mut(future).map(|connecting| connecting.target) else { return };
        let awaited = self.future_mut(future).is_ok_and(|future| future.is_awaited());
        self.drop_connecting(future);
        let result = outcome.and_then(|source| match target {
            Some(target) => {
                let entry = self.open_entry(target)?;
                entry.object = Object::Stream(Box::new(Stream::new(source)));
                Ok(0)
            }
            // Nobody would ever close it.
            None if !awaited => Ok(0),
            None => self.insert(Kind::Tcp, Object::Stream(Box::new(Stream::new(source)))).map(Handle::number),
        });
        self.complete(future, crate::error::to_code(result));
    }

    /// Drops the attempts that go on, and the look-up.
    pub fn drop_connecting(&mut self, future: Handle) {
        let Some(connecting) = self.connecting_mut(future) else { return };
        let attempts = std::mem::take(&mut connecting.attempts);
        let (stagger, look_up, target) = (connecting.stagger.take(), connecting.look_up.take(), connecting.target);
        if let Some(stagger) = stagger {
            self.timers.remove(stagger);
        }
        if let Some(look_up) = look_up {
            look_up.give_up();
        }
        for attempt in attempts {
            drop(self.end_attempt(attempt));
            self.descriptor_freed();
        }
        if let Some(socket) = target.and_then(|target| self.unconnected_mut(target).ok()) {
            socket.connecting = None;
        }
    }
}
