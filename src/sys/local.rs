// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sockets of this machine: their names, the files they leave, and who is at the other end.

use super::unix::{Source, new_socket};
use crate::error::{Error, Result};
use socket2::{Domain, SockAddr, SockRef, Type};
use std::ffi::OsStr;
use std::io;
use std::mem::ManuallyDrop;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

const HAS_ABSTRACT_NAMES: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// The address that a caller means: a path, or after an `@` a name that is no file's. `@` alone is any free name.
pub fn address(name: &[u8]) -> Result<SockAddr> {
    match name {
        [] => Err(Error::EINVAL),
        [b'@', ..] if !HAS_ABSTRACT_NAMES => Err(Error::EOPNOTSUPP),
        // A name without bytes: the system chooses one.
        [b'@'] => to_address(b""),
        [b'@', rest @ ..] => to_address(&[b"\0", rest].concat()),
        path => to_address(path),
    }
}

fn to_address(bytes: &[u8]) -> Result<SockAddr> {
    // Nothing but the length can be wrong.
    SockAddr::unix(OsStr::from_bytes(bytes)).map_err(|_| Error::ENAMETOOLONG)
}

/// The name of an address, as `address` takes it; empty if it has none. `None` if it is no address of this machine.
pub fn name(address: &SockAddr) -> Option<Vec<u8>> {
    if !address.is_unix() {
        return None;
    }
    if let Some(name) = address.as_abstract_namespace() {
        return Some([b"@", name].concat());
    }
    Some(address.as_pathname().map(|path| path.as_os_str().as_bytes().to_vec()).unwrap_or_default())
}

/// A file that a socket has made by being bound. It goes with the value, if it is still the same file by then.
pub struct SocketFile {
    path: PathBuf,
    device: u64,
    number: u64,
    /// A child that has got a copy of everything leaves the file to its parent.
    process: u32,
    removes: bool,
}

impl SocketFile {
    /// The file of a name that was just bound; `None` for one that is no path.
    pub fn of(name: &[u8]) -> Option<SocketFile> {
        if name.first() == Some(&b'@') {
            return None;
        }
        // The program may be elsewhere when it is to be removed.
        let path = std::path::absolute(OsStr::from_bytes(name)).ok()?;
        let file = path.symlink_metadata().ok()?;
        Some(SocketFile { path, device: file.dev(), number: file.ino(), process: std::process::id(), removes: true })
    }

    pub fn set_mode(&self, mode: u32) -> Result<()> {
        Ok(std::fs::set_permissions(&self.path, std::fs::Permissions::from_mode(mode))?)
    }

    fn is_still_there(&self) -> bool {
        self.path.symlink_metadata().is_ok_and(|file| (file.dev(), file.ino()) == (self.device, self.number))
    }

    /// Whoever has the socket now has it, too.
    pub fn leave(self) {
        ManuallyDrop::new(self).path = PathBuf::new();
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.removes && self.process == std::process::id() && self.is_still_there() {
            // What cannot be removed stays, and whoever binds next hears of it.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Removes the file of a socket at which nobody listens, or receives. Whether there was one.
pub fn remove_stale(name: &[u8], address: &SockAddr, of: Type) -> Result<bool> {
    let path = Path::new(OsStr::from_bytes(name));
    if name.first() == Some(&b'@') || !path.symlink_metadata().is_ok_and(|file| file.file_type().is_socket()) {
        return Ok(false);
    }
    let probe = new_socket(Domain::UNIX, of)?;
    let Some(mut file) = SocketFile::of(name) else { return Ok(false) };
    let refused = matches!(probe.connect(address), Err(error) if error.kind() == io::ErrorKind::ConnectionRefused);
    // Where somebody is, it stays.
    file.removes &= refused;
    Ok(refused)
}

/// What came of the start of a connect.
pub enum Connect {
    Done,
    /// The descriptor tells when it is done.
    GoesOn,
    /// The listener has as many waiting as it may; nothing tells when it has not.
    Crowded,
}

/// Starts to connect a source.
pub fn connect(source: &Source, address: &SockAddr) -> io::Result<Connect> {
    match source.socket().connect(address) {
        Ok(()) => Ok(Connect::Done),
        Err(error) => match error.raw_os_error() {
            Some(libc::EINPROGRESS | libc::EINTR) => Ok(Connect::GoesOn),
            Some(libc::EAGAIN) => Ok(Connect::Crowded),
            _ => Err(error),
        },
    }
}

/// Whether a datagram socket has so much under way, to whomever, that the system takes no more from it.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn has_sent_its_fill(source: &Source) -> bool {
    let mut under_way: libc::c_int = 0;
    // SAFETY: there is room for the answer.
    let status = unsafe { libc::ioctl(source.raw(), libc::TIOCOUTQ, &mut under_way) };
    status == 0 && source.socket().send_buffer_size().is_ok_and(|most| under_way as usize >= most)
}

/// Elsewhere what is under way is the receivers' affair.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn has_sent_its_fill(_source: &Source) -> bool {
    false
}

/// Who is at the other end, as it was when the connection was made; -1 for what the system does not tell.
pub struct Credentials {
    pub process: i64,
    pub user: i64,
    pub group: i64,
}

#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn credentials(socket: SockRef<'_>) -> io::Result<Credentials> {
    let peer: libc::ucred = option(&socket, libc::SOL_SOCKET, libc::SO_PEERCRED)?;
    if peer.pid == 0 {
        // Of a socket that is not connected the system tells this.
        return Err(io::Error::from_raw_os_error(libc::ENOTCONN));
    }
    Ok(Credentials { process: peer.pid.into(), user: peer.uid.into(), group: peer.gid.into() })
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn credentials(socket: SockRef<'_>) -> io::Result<Credentials> {
    use std::os::fd::AsRawFd;
    let (mut user, mut group): (libc::uid_t, libc::gid_t) = (0, 0);
    // SAFETY: there is room for both answers.
    if unsafe { libc::getpeereid(socket.as_raw_fd(), &mut user, &mut group) } != 0 {
        return Err(io::Error::last_os_error());
    }
    #[cfg(target_vendor = "apple")]
    let process = option::<libc::pid_t>(&socket, libc::SOL_LOCAL, libc::LOCAL_PEERPID).map_or(-1, i64::from);
    #[cfg(not(target_vendor = "apple"))]
    let process = -1;
    Ok(Credentials { process, user: user.into(), group: group.into() })
}

/// An option of a socket whose value is a `T`, which any bytes make.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn option<T: Copy>(socket: &SockRef<'_>, level: libc::c_int, name: libc::c_int) -> io::Result<T> {
    use std::os::fd::AsRawFd;
    let mut value = std::mem::MaybeUninit::<T>::zeroed();
    let mut size = size_of::<T>() as libc::socklen_t;
    // SAFETY: there is room for a value of this size; those asked for are plain numbers.
    unsafe {
        if libc::getsockopt(socket.as_raw_fd(), level, name, value.as_mut_ptr().cast(), &mut size) != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(value.assume_init())
    }
}

/// A new local stream socket that is not connected.
pub fn new_source() -> Result<Source> {
    Ok(Source::from_socket(new_socket(Domain::UNIX, Type::STREAM)?)?)
}

/// Whether a caller's datagram socket has a peer. `EAFNOSUPPORT` if it is not of this machine.
pub fn has_peer(number: i64) -> Result<bool> {
    let number = super::raw_source(number)?;
    // SAFETY: borrowed for this call only; a number that is no socket makes the first look fail.
    let borrowed = unsafe { std::os::fd::BorrowedFd::borrow_raw(number) };
    let socket = SockRef::from(&borrowed);
    if socket.local_addr()?.is_unix() { Ok(socket.peer_addr().is_ok()) } else { Err(Error::EAFNOSUPPORT) }
}
