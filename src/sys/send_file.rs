// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a file to a stream without a way through the program's memory, where the system has one.

use super::Source;
use super::file::OpenFile;
use std::io;
use std::os::fd::AsRawFd;

/// Whether there is such a way at all.
pub const DIRECT: bool =
    cfg!(any(target_os = "linux", target_os = "android", target_os = "freebsd", target_vendor = "apple"));

/// The kernel has whole pages of a file at hand, of this size or larger.
#[cfg(any(target_os = "linux", target_os = "android"))]
const PAGE: u64 = 4096;

/// Whether a file's bytes can be had now, without waiting for a disk, as far as the system tells.
pub fn is_at_hand(file: &OpenFile, at: u64, length: usize) -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        // The kernel reads ahead, so the ends tell for what is between.
        let has = |at: u64| {
            let mut byte = 0u8;
            let mut place = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
            // SAFETY: there is room for the one byte that is asked for. On a 32-bit machine the offset comes in two halves.
            let got = unsafe {
                libc::syscall(
                    libc::SYS_preadv2,
                    file.file().as_raw_fd(),
                    &raw mut place,
                    1,
                    at as libc::c_long,
                    (if size_of::<libc::c_long>() == 4 { at >> 32 } else { 0 }) as libc::c_long,
                    libc::RWF_NOWAIT as libc::c_long,
                )
            };
            got >= 0
        };
        let last = at + length as u64 - 1;
        has(at) && (at / PAGE == last / PAGE || has(last))
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = (file, at, length);
        true
    }
}

/// Sends some of a file; 0 at its end.
pub fn send_file(stream: &Source, file: &OpenFile, at: u64, length: usize) -> io::Result<usize> {
    #[cfg(any(target_vendor = "apple", target_os = "netbsd"))]
    return send(stream, file, at, length);
    #[cfg(not(any(target_vendor = "apple", target_os = "netbsd")))]
    super::pipes::with_signal_blocked(length, || send(stream, file, at, length))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn send(stream: &Source, file: &OpenFile, at: u64, length: usize) -> io::Result<usize> {
    let mut at = at as libc::off64_t;
    // SAFETY: the offset lives through the call.
    super::unix::retry(|| unsafe { libc::sendfile64(stream.raw(), file.file().as_raw_fd(), &mut at, length) })
}

#[cfg(any(target_os = "freebsd", target_vendor = "apple"))]
fn send(stream: &Source, file: &OpenFile, at: u64, length: usize) -> io::Result<usize> {
    // How much is to be sent on one of them, on the other only how much was.
    let mut sent = if cfg!(target_os = "freebsd") { 0 } else { length as libc::off_t };
    let (from, to) = (file.file().as_raw_fd(), stream.raw());
    // SAFETY: the count lives through the call; there is nothing to send before or behind the file.
    #[cfg(target_vendor = "apple")]
    let status = unsafe { libc::sendfile(from, to, at as libc::off_t, &mut sent, std::ptr::null_mut(), 0) };
    // SAFETY: as above.
    #[cfg(target_os = "freebsd")]
    let status = unsafe { libc::sendfile(from, to, at as libc::off_t, length, std::ptr::null_mut(), &mut sent, 0) };
    if status == 0 {
        return Ok(sent as usize);
    }
    // What was sent counts, whatever ended it.
    let error = io::Error::last_os_error();
    let some = matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EINTR | libc::EBUSY)) && sent > 0;
    if some { Ok(sent as usize) } else { Err(error) }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd", target_vendor = "apple")))]
fn send(_stream: &Source, _file: &OpenFile, _at: u64, _length: usize) -> io::Result<usize> {
    Err(io::Error::from_raw_os_error(libc::ENOSYS))
}

/// Whether an error says that there is no such way for these two.
pub fn has_no_way(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EINVAL | libc::ENOSYS | libc::EOPNOTSUPP | libc::ENOTSOCK | libc::EOVERFLOW)
    )
}

impl Source {
    /// Sends what was held back for what was to follow it at once.
    pub fn push(&self) {
        // It fails for what is no TCP socket, and there nothing is held back.
        let socket = self.socket();
        if let Ok(nodelay) = socket.tcp_nodelay() {
            let _ = socket.set_tcp_nodelay(true);
            if !nodelay {
                let _ = socket.set_tcp_nodelay(false);
            }
        }
    }
}
