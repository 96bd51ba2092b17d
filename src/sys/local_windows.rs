// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sockets of this machine on Windows, which has them with paths only and tells of the peer its process at most.

use super::windows::{Source, new_socket};
use crate::error::{Error, Result};
use socket2::{Domain, SockAddr, SockRef, Socket, Type};
use std::io;
use std::mem::ManuallyDrop;
use std::os::windows::io::AsRawSocket;
use std::path::{Path, PathBuf};
use windows_sys::Win32::Networking::WinSock as ws;

/// The address that a caller means: a path in UTF-8.
pub fn address(name: &[u8]) -> Result<SockAddr> {
    match name {
        [] => Err(Error::EINVAL),
        [b'@', ..] => Err(Error::EOPNOTSUPP),
        path => SockAddr::unix(path_of(path)?).map_err(|_| Error::ENAMETOOLONG),
    }
}

fn path_of(name: &[u8]) -> Result<&Path> {
    std::str::from_utf8(name).map(Path::new).map_err(|_| Error::EILSEQ)
}

/// The path of an address; empty if it has none. `None` if it is no address of this machine.
pub fn name(address: &SockAddr) -> Option<Vec<u8>> {
    if !address.is_unix() {
        return None;
    }
    let size = (address.len() as usize).saturating_sub(size_of::<ws::ADDRESS_FAMILY>());
    // SAFETY: an address holds as many bytes as it says, the first of them its family.
    let bytes = unsafe {
        let start = address.as_ptr().cast::<u8>().add(size_of::<ws::ADDRESS_FAMILY>());
        std::slice::from_raw_parts(start, size)
    };
    Some(bytes.iter().take_while(|byte| **byte != 0).copied().collect())
}

/// A file that a socket has made by being bound. It goes with the value.
pub struct SocketFile {
    path: PathBuf,
}

impl SocketFile {
    pub fn of(name: &[u8]) -> Option<SocketFile> {
        Some(SocketFile { path: std::path::absolute(path_of(name).ok()?).ok()? })
    }

    pub fn set_mode(&self, _mode: u32) -> Result<()> {
        Err(Error::EOPNOTSUPP)
    }

    /// Whoever has the socket now has it, too.
    pub fn leave(self) {
        ManuallyDrop::new(self).path = PathBuf::new();
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // What cannot be removed stays, and whoever binds next hears of it.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Removes the file of a socket at which nobody listens, or receives. Whether there was one.
pub fn remove_stale(name: &[u8], address: &SockAddr, of: Type) -> Result<bool> {
    let path = path_of(name)?;
    // It is a reparse point, neither a file nor a folder nor a link to one.
    if !path.symlink_metadata().is_ok_and(|file| !file.is_file() && !file.is_dir() && !file.is_symlink()) {
        return Ok(false);
    }
    let probe = Socket::new(Domain::UNIX, of, None)?;
    match probe.connect(address) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path)?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// What came of the start of a connect.
#[allow(dead_code)] // Crowded is Unix's.
pub enum Connect {
    Done,
    /// The socket tells when it is done.
    GoesOn,
    Crowded,
}

/// Starts to connect a source.
pub fn connect(source: &Source, address: &SockAddr) -> io::Result<Connect> {
    match source.socket().connect(address) {
        Ok(()) => Ok(Connect::Done),
        Err(error) if error.raw_os_error() == Some(ws::WSAEWOULDBLOCK) => Ok(Connect::GoesOn),
        Err(error) => Err(error),
    }
}

/// Who is at the other end; -1 for what the system does not tell.
pub struct Credentials {
    pub process: i64,
    pub user: i64,
    pub group: i64,
}

/// Asks an AF_UNIX socket for the process of its peer.
const SIO_AF_UNIX_GETPEERPID: u32 = 0x5800_0100;

pub fn credentials(socket: SockRef<'_>) -> io::Result<Credentials> {
    let (mut process, mut size) = (0u32, 0u32);
    // SAFETY: there is room for the answer, and nothing goes on after the call.
    let status = unsafe {
        ws::WSAIoctl(
            socket.as_raw_socket() as usize,
            SIO_AF_UNIX_GETPEERPID,
            std::ptr::null(),
            0,
            (&raw mut process).cast(),
            size_of::<u32>() as u32,
            &mut size,
            std::ptr::null_mut(),
            None,
        )
    };
    if status != 0 {
        // SAFETY: asks for this thread's last error.
        return Err(io::Error::from_raw_os_error(unsafe { ws::WSAGetLastError() }));
    }
    Ok(Credentials { process: process.into(), user: -1, group: -1 })
}

/// A new local stream socket that is not connected.
pub fn new_source() -> Result<Source> {
    Ok(Source::from_socket(new_socket(Domain::UNIX, Type::STREAM)?)?)
}

/// Datagram sockets of this machine there are none.
pub fn has_sent_its_fill(_source: &Source) -> bool {
    false
}

/// As above.
pub fn has_peer(_number: i64) -> Result<bool> {
    Err(Error::EAFNOSUPPORT)
}
