// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a descriptor is, as the kind of the handle that could be made of it.

use super::pipes::{self, Nature};
use super::raw_source;
use crate::error::Result;
use crate::lifecycle::Kind;
use socket2::{Domain, SockRef, Type};
use std::io;
use std::os::fd::BorrowedFd;

/// 0: of none.
pub fn look(number: i64) -> Result<i64> {
    let fd = raw_source(number)?;
    let kind = match pipes::look_at(number)? {
        Nature::Pipe => Some(Kind::Pipe),
        Nature::Socket => {
            // SAFETY: borrowed for the looks below only; it is open, or they fail.
            let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
            let socket = SockRef::from(&borrowed);
            let domain = socket.local_addr()?.domain();
            match (domain, socket.r#type()?) {
                (Domain::IPV4 | Domain::IPV6, Type::STREAM) => Some(Kind::Tcp),
                (Domain::IPV4 | Domain::IPV6, Type::DGRAM) => Some(Kind::Udp),
                (Domain::UNIX, Type::STREAM) => Some(Kind::Pipe),
                _ => None,
            }
        }
        // SAFETY: no pointer is passed.
        Nature::Device if unsafe { libc::isatty(fd) } == 1 => Some(Kind::Tty),
        Nature::Device => None,
        Nature::Other => {
            // SAFETY: a stat of zeros is a valid place for the answer, which lives through the call.
            let (status, stat) = unsafe {
                let mut stat: libc::stat = std::mem::zeroed();
                (libc::fstat(fd, &mut stat), stat)
            };
            if status != 0 {
                return Err(io::Error::last_os_error().into());
            }
            (stat.st_mode & libc::S_IFMT == libc::S_IFREG).then_some(Kind::File)
        }
    };
    Ok(kind.map_or(0, |kind| kind as i64))
}
