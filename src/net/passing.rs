// SPDX-License-Identifier: MIT OR Apache-2.0
//! Passing descriptors through local sockets: sent with the first byte of a write, received with it.
//!
//! They are taken in only where the program asked for them; else the system closes what a peer passes. Those that wait
//! to be taken are counted, so that no peer can fill a process with descriptors.

use crate::callback::Notify;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::future::Op;
use crate::handle::Handle;
use crate::lifecycle::{Kind, Object};
use crate::net::write_queue::WriteQueue;
use crate::sys::lent::LentBytes;
use crate::sys::passing::{self, Passed};
use crate::sys::pipes::{self, Nature};
use crate::sys::{self, RawSource, Source};
use std::collections::VecDeque;
use std::io::{self, IoSlice};

/// Descriptors that came and wait to be taken.
#[derive(Default)]
pub struct Arrivals {
    /// `None`: here some were lost.
    waiting: VecDeque<Option<Passed>>,
    limit: usize,
}

impl Arrivals {
    /// Receives bytes, and keeps what comes with them.
    pub fn receive(&mut self, source: &Source, buffer: &mut [u8]) -> io::Result<usize> {
        let Arrivals { waiting, limit } = self;
        let mut beyond = false;
        let (count, lost) = source.receive_passed(buffer, |passed| match waiting.len() < *limit {
            true => waiting.push_back(Some(passed)),
            false => beyond = true,
        })?;
        if (lost || beyond) && !matches!(waiting.back(), Some(None)) {
            waiting.push_back(None);
        }
        Ok(count)
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

impl Core {
    /// The descriptors behind handles that are to be passed.
    pub fn descriptors_to_pass(&mut self, handles: impl Iterator<Item = i64>) -> Result<Vec<RawSource>> {
        let mut fds = Vec::new();
        for number in handles {
            let handle = Handle::from_caller(number)?;
            if handle.loop_index() != self.handle.loop_index() {
                return Err(Error::EGONE);
            }
            if self.stream_mut(handle).is_ok_and(|stream| stream.holds_input()) {
                // It would never be read: not here, and not there.
                return Err(Error::EBUSY);
            }
            fds.push(sys::raw_source(self.descriptor(handle)?)?);
        }
        Ok(fds)
    }

    /// Writes bytes and passes descriptors, which stay the caller's: others of the same files are sent.
    pub fn write_passing(
        &mut self,
        handle: Handle,
        bytes: LentBytes,
        fds: &[RawSource],
        notify: Notify,
    ) -> Result<Handle> {
        self.check_passing(handle)?;
        self.stream_mut(handle)?.check_writable()?;
        let length = bytes.slice().len();
        if fds.is_empty() {
            return self.write(handle, &[bytes], false, notify);
        }
        if length == 0 || fds.len() > passing::MOST {
            return Err(Error::EINVAL);
        }
        self.flush(handle);
        let stream = self.stream_mut(handle)?;
        stream.check_writable()?;
        let sent = match stream.has_queue() {
            true => 0,
            false => match stream.source().send_passing(&[IoSlice::new(bytes.slice())], fds) {
                Ok(sent) => sent,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
                Err(error) => return Err(error.into()),
            },
        };
        if sent == length {
            return self.insert_done(Op::Over, handle, notify, length as i64);
        }
        let cargo = match sent {
            0 => fds.iter().map(|fd| passing::duplicate(*fd)).collect::<io::Result<Vec<Passed>>>()?,
            _ => Vec::new(),
        };
        let future = self.insert_future(Op::Write, handle, notify)?;
        let Core { table, spares, .. } = self;
        let Ok(Object::Stream(stream)) = table.get_mut(handle).map(|entry| &mut entry.object) else {
            return Err(Error::EKIND);
        };
        let out: &mut WriteQueue = stream.queue(spares);
        out.note_sent(sent as u64);
        out.push_cargo(cargo);
        let copied = spares.copy_to(out, &bytes.slice()[sent..]);
        out.push_write(future, length as u64);
        if let Err(error) = copied {
            self.break_writing(handle, error);
            return Ok(future);
        }
        self.flush(handle);
        self.check_high_mark(handle);
        Ok(future)
    }

    /// Takes descriptors in from now on, so many waiting at most; 0: none.
    pub fn allow_passing(&mut self, handle: Handle, limit: usize) -> Result<()> {
        self.check_passing(handle)?;
        let stream = self.stream_mut(handle)?;
        match (&mut stream.arrivals, limit) {
            (arrivals, 0) => *arrivals = None,
            (Some(arrivals), limit) => arrivals.limit = limit,
            (arrivals, limit) => *arrivals = Some(Box::new(Arrivals { waiting: VecDeque::new(), limit })),
        }
        Ok(())
    }

    /// The next descriptor that came.
    pub fn take_passed(&mut self, handle: Handle) -> Result<i64> {
        self.check_passing(handle)?;
        match self.next_arrival(handle)? {
            Some(passed) => Ok(passing::into_raw(passed)),
            None => Err(Error::EMSGSIZE),
        }
    }

    /// The next descriptor that came, as a handle of its kind. One that there is no handle for waits on.
    pub fn take_passed_handle(&mut self, handle: Handle) -> Result<Handle> {
        self.check_passing(handle)?;
        let Some(passed) = self.next_arrival(handle)? else { return Err(Error::EMSGSIZE) };
        match self.open_any(passing::raw(&passed) as i64) {
            Ok(opened) => {
                passing::into_raw(passed);
                Ok(opened)
            }
            Err(error) => {
                if let Some(arrivals) = &mut self.stream_mut(handle)?.arrivals {
                    arrivals.waiting.push_front(Some(passed));
                }
                Err(error)
            }
        }
    }

    fn next_arrival(&mut self, handle: Handle) -> Result<Option<Passed>> {
        let arrivals = self.stream_mut(handle)?.arrivals.as_mut();
        arrivals.and_then(|arrivals| arrivals.waiting.pop_front()).ok_or(Error::EAGAIN)
    }

    /// Takes over a descriptor, as a handle of the kind that it is. On failure it stays the caller's.
    fn open_any(&mut self, descriptor: i64) -> Result<Handle> {
        match pipes::look_at(descriptor)? {
            Nature::Socket => match sys::look_at_socket(descriptor) {
                Ok(socket) if socket.local => self.open_pipe(descriptor),
                Ok(_) => self.open_tcp(descriptor),
                Err(Error::EPROTOTYPE) => self.udp_open(descriptor),
                Err(error) => Err(error),
            },
            Nature::Other => self.open_file(descriptor),
            Nature::Pipe | Nature::Device => match self.open_pipe(descriptor) {
                // A device that cannot be waited for.
                Err(Error::EPERM) => self.open_file(descriptor),
                outcome => outcome,
            },
        }
    }

    /// Whether the handle is a stream through which descriptors can go.
    pub fn check_passing(&mut self, handle: Handle) -> Result<()> {
        if self.open_entry(handle)?.kind != Kind::Pipe {
            return Err(Error::EKIND);
        }
        match self.stream_mut(handle)?.source().is_socket() {
            true if cfg!(unix) => Ok(()),
            true => Err(Error::EOPNOTSUPP),
            false => Err(Error::ENOTSOCK),
        }
    }
}
