// SPDX-License-Identifier: MIT OR Apache-2.0
//! Local streams: Unix sockets and pipes.

use crate::core::Core;
use crate::error::{Error, Result};
use crate::handle::Handle;
use crate::lifecycle::{Kind, Object};
use crate::net::listener::Listener;
use crate::net::stream::Stream;
use crate::reactor::Interest;
use crate::sys::pipes::{self, Nature};
use crate::sys::{self, Source};

impl Core {
    /// Takes over a caller's local socket, end of a pipe, or device. On failure it stays the caller's.
    pub fn open_pipe(&mut self, descriptor: i64) -> Result<Handle> {
        self.make_room()?;
        let nature = pipes::look_at(descriptor)?;
        self.check_descriptor_free(descriptor)?;
        if nature == Nature::Socket {
            let what = sys::look_at_socket(descriptor)?;
            if !what.local {
                return Err(Error::EAFNOSUPPORT);
            }
            if what.listens {
                let listener = Listener::new(Source::adopt(descriptor)?, Kind::Pipe, None);
                return self.insert(Kind::Pipe, Object::Listener(Box::new(listener)));
            }
            if !what.connected {
                return Err(Error::ENOTCONN);
            }
        }
        if nature == Nature::Device {
            // Some devices cannot be waited for: better known now.
            let raw = sys::raw_source(descriptor)?;
            let key = self.handle.key();
            self.reactor.watch_borrowed(raw, key, Interest::READABLE)?;
            self.reactor.unwatch_borrowed(raw, key);
        }
        let source = Source::adopt(descriptor)?;
        self.insert_stream(Kind::Pipe, source)
    }

    /// A handle for a source that is connected.
    pub fn insert_stream(&mut self, kind: Kind, source: Source) -> Result<Handle> {
        self.insert(kind, Object::Stream(Box::new(Stream::new(source))))
    }

    /// Two handles, each the other's other end.
    pub fn pipe_pair(&mut self, one_way: bool) -> Result<[Handle; 2]> {
        self.make_room()?;
        let (one, other) = pipes::pair(one_way)?;
        let one = self.insert_stream(Kind::Pipe, one)?;
        match self.insert_stream(Kind::Pipe, other) {
            Ok(other) => Ok([one, other]),
            Err(error) => {
                self.table.discard(one);
                Err(error)
            }
        }
    }
}
