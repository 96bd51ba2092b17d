// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sources that are no sockets: on Windows there are none, so all of them are read and written both ways.

use super::windows::Source;
use crate::error::{Error, Result};
use socket2::{Domain, SockAddr, Socket, Type};
use std::net::Ipv4Addr;

/// What a number is, as far as bytes can run over it.
#[derive(Clone, Copy, PartialEq, Eq)]
#[allow(dead_code)] // The others are Unix's.
pub enum Nature {
    Socket,
    Pipe,
    Device,
    Other,
}

/// What a caller's number is: taken for a socket, until a call on it says otherwise.
pub fn look_at(_number: i64) -> Result<Nature> {
    Ok(Nature::Socket)
}

impl Source {
    /// Takes over a caller's stream socket and makes it non-blocking. On failure it stays the caller's.
    pub fn adopt(number: i64) -> Result<Source> {
        Ok(Source::adopt_socket(number)?)
    }

    pub fn is_socket(&self) -> bool {
        true
    }

    pub fn reads(&self) -> bool {
        true
    }

    pub fn writes(&self) -> bool {
        true
    }

    pub fn can_half_close(&self) -> bool {
        true
    }

    /// A program could not read or write these sockets as handles anyway, which are overlapped ones.
    pub fn set_blocking(&self, _: bool) -> Result<()> {
        Err(Error::EOPNOTSUPP)
    }
}

/// Two sources, each the other's other end. `one_way`: the first is to read from, the second to write to.
///
/// Windows makes no pairs of sockets: a connection over loopback is one, once it is known to be ours.
pub fn pair(one_way: bool) -> Result<(Source, Source)> {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    listener.bind(&SockAddr::from(std::net::SocketAddr::from((Ipv4Addr::LOCALHOST, 0))))?;
    listener.listen(1)?;
    let one = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    one.connect(&listener.local_addr()?)?;
    let (other, peer) = listener.accept()?;
    if peer.as_socket() != one.local_addr()?.as_socket() {
        return Err(Error::ECONNABORTED);
    }
    for end in [&one, &other] {
        end.set_nonblocking(true)?;
        end.set_tcp_nodelay(true)?;
    }
    if one_way {
        one.shutdown(std::net::Shutdown::Write)?;
        other.shutdown(std::net::Shutdown::Read)?;
    }
    Ok((Source::from_socket(one)?, Source::from_socket(other)?))
}
