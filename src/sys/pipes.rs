// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sources that are no sockets: ends of pipes, and devices such as terminals.
//!
//! They have read(2) and write(2), and a write to a pipe that nobody reads raises SIGPIPE, which must not reach the
//! program. Linux has a flag for one write since 6.18, macOS and NetBSD one for the descriptor; elsewhere the signal is
//! blocked around the write and taken back if it came.

use super::held::{nothing, replace};
use super::unix::{Means, Source, Ways, retry};
use super::{RawSource, raw_source};
use crate::error::{Error, Result};
use std::io::{self, IoSlice};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// What a descriptor is, as far as bytes can run over it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    Socket,
    Pipe,
    Device,
    /// A file, a folder, or what only the system knows.
    Other,
}

/// What a caller's descriptor is.
pub fn look_at(number: i64) -> Result<Nature> {
    nature(raw_source(number)?).map_err(Error::from)
}

fn nature(fd: RawSource) -> io::Result<Nature> {
    // SAFETY: a stat of zeros is a valid place for the answer, which lives through the call.
    let (status, stat) = unsafe {
        let mut stat: libc::stat = std::mem::zeroed();
        (libc::fstat(fd, &mut stat), stat)
    };
    if status != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(match stat.st_mode & libc::S_IFMT {
        libc::S_IFSOCK => Nature::Socket,
        libc::S_IFIFO => Nature::Pipe,
        libc::S_IFCHR => Nature::Device,
        _ => Nature::Other,
    })
}

impl Source {
    /// Takes over a caller's stream socket, pipe or device and makes it non-blocking. On failure it stays the caller's.
    pub fn adopt(number: i64) -> Result<Source> {
        let fd = raw_source(number)?;
        let means = match nature(fd)? {
            Nature::Socket => return Ok(Source::adopt_socket(number)?),
            Nature::Pipe => Means::Pipe(not_blocking(fd)?),
            Nature::Device => Means::Device(not_blocking(fd)?),
            Nature::Other => return Err(Error::EPROTOTYPE),
        };
        // SAFETY: it is open, and the caller gives it away with this call.
        Ok(Source::new(unsafe { OwnedFd::from_raw_fd(fd) }, means))
    }

    /// As `adopt`, of a descriptor that is ours. On failure it is closed.
    pub fn from_descriptor(fd: OwnedFd) -> Result<Source> {
        let source = Source::adopt(i64::from(fd.as_raw_fd()))?;
        std::mem::forget(fd);
        Ok(source)
    }

    pub fn is_socket(&self) -> bool {
        self.means == Means::Socket
    }

    pub fn reads(&self) -> bool {
        !matches!(self.means, Means::Pipe(Ways::Out) | Means::Device(Ways::Out))
    }

    pub fn writes(&self) -> bool {
        !matches!(self.means, Means::Pipe(Ways::In) | Means::Device(Ways::In))
    }

    /// Whether what is sent can be ended by itself.
    pub fn can_half_close(&self) -> bool {
        matches!(self.means, Means::Socket | Means::Pipe(Ways::Out))
    }

    #[cold]
    #[inline(never)]
    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        // SAFETY: `buffer` is writable for its length.
        let read = retry(|| unsafe { libc::read(self.raw(), buffer.as_mut_ptr().cast(), buffer.len()) });
        match read {
            Err(error) if error.raw_os_error() == Some(libc::EIO) && plays_terminal(self.raw()) => Ok(0),
            read => read,
        }
    }

    #[inline(never)]
    pub(super) fn write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self.means {
            Means::Pipe(_) => write_to_pipe(self.raw(), slices),
            // Only pipes and sockets raise the signal.
            _ => write_plainly(self.raw(), slices),
        }
    }

    /// A pipe's write end has no half to close: it is closed, and its number kept for the handle.
    pub(super) fn close_write_end(&self) -> io::Result<()> {
        if self.raw() <= libc::STDERR_FILENO {
            // As when it is closed. Programs that are started have it too.
            return replace(self.raw(), nothing());
        }
        // SAFETY: no pointer is passed.
        let stand_in = unsafe { libc::socket(libc::AF_UNIX, libc::SOCK_DGRAM, 0) };
        replace(self.raw(), stand_in)?;
        // SAFETY: no pointer is passed.
        unsafe { libc::fcntl(self.raw(), libc::F_SETFD, libc::FD_CLOEXEC) };
        Ok(())
    }

    /// Whether reads and writes wait, here and for whoever else has the same open file.
    pub fn set_blocking(&self, blocking: bool) -> Result<()> {
        // SAFETY: no pointer is passed.
        let flags = retry(|| unsafe { libc::fcntl(self.raw(), libc::F_GETFL) as isize })? as libc::c_int;
        let flags = if blocking { flags & !libc::O_NONBLOCK } else { flags | libc::O_NONBLOCK };
        // SAFETY: no pointer is passed.
        retry(|| unsafe { libc::fcntl(self.raw(), libc::F_SETFL, flags) as isize })?;
        Ok(())
    }
}

/// Whether it is the master's side of a pseudo-terminal whose reads fail, on Linux, when nobody has the other side open any
/// more: elsewhere they come to their end.
fn plays_terminal(fd: RawSource) -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let mut other_side = [0; 64];
        // SAFETY: there is so much room for the name of the other side, which only a master has.
        unsafe { libc::ptsname_r(fd, other_side.as_mut_ptr(), other_side.len()) == 0 }
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = fd;
        false
    }
}

/// Makes a descriptor non-blocking; which ways it is open.
fn not_blocking(fd: RawSource) -> io::Result<Ways> {
    // SAFETY: no pointer is passed.
    let flags = retry(|| unsafe { libc::fcntl(fd, libc::F_GETFL) as isize })? as libc::c_int;
    if flags & libc::O_NONBLOCK == 0 {
        // SAFETY: no pointer is passed.
        retry(|| unsafe { libc::fcntl(fd, libc::F_SETFL, flags | libc::O_NONBLOCK) as isize })?;
    }
    #[cfg(any(target_vendor = "apple", target_os = "netbsd"))]
    // SAFETY: no pointer is passed. A descriptor that does not know the flag raises no signal.
    unsafe {
        libc::fcntl(fd, libc::F_SETNOSIGPIPE, 1)
    };
    Ok(match flags & libc::O_ACCMODE {
        libc::O_RDONLY => Ways::In,
        libc::O_WRONLY => Ways::Out,
        _ => Ways::Both,
    })
}

/// The two ends of a new pipe, of which both block: to read from, to write to.
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [-1; 2];
    #[cfg(not(target_vendor = "apple"))]
    // SAFETY: there is room for two descriptors.
    let status = unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) };
    #[cfg(target_vendor = "apple")]
    // SAFETY: as above.
    let status = unsafe { libc::pipe(ends.as_mut_ptr()) };
    if status != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: both were just made and have no other owner.
    let made = ends.map(|end| unsafe { OwnedFd::from_raw_fd(end) });
    #[cfg(target_vendor = "apple")]
    for end in ends {
        // SAFETY: no pointer is passed.
        unsafe { libc::fcntl(end, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
    let [read, write] = made;
    Ok((read, write))
}

/// Two sources, each the other's other end. `one_way`: the first is to read from, the second to write to.
pub fn pair(one_way: bool) -> Result<(Source, Source)> {
    if one_way {
        let (read, write) = pipe()?;
        return Ok((Source::from_descriptor(read)?, Source::from_descriptor(write)?));
    }
    let (one, other) = socket2::Socket::pair(socket2::Domain::UNIX, socket2::Type::STREAM, None)?;
    one.set_nonblocking(true)?;
    other.set_nonblocking(true)?;
    Ok((Source::from_socket(one)?, Source::from_socket(other)?))
}

fn write_plainly(fd: RawSource, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    // SAFETY: IoSlice has the layout of iovec on Unix; the slices live through the call.
    retry(|| unsafe { libc::writev(fd, slices.as_ptr().cast(), slices.len() as libc::c_int) })
}

#[cfg(any(target_vendor = "apple", target_os = "netbsd"))]
fn write_to_pipe(fd: RawSource, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    write_plainly(fd, slices)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn write_to_pipe(fd: RawSource, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    use std::sync::atomic::{AtomicBool, Ordering};
    /// The kernel knows the flag.
    static HAS_FLAG: AtomicBool = AtomicBool::new(true);
    const RWF_NOSIGNAL: libc::c_long = 0x100;
    const NO_POSITION: libc::c_long = -1;
    if HAS_FLAG.load(Ordering::Relaxed) {
        // SAFETY: as in `write_plainly`.
        let written = retry(|| unsafe {
            libc::syscall(libc::SYS_pwritev2, fd, slices.as_ptr(), slices.len(), NO_POSITION, NO_POSITION, RWF_NOSIGNAL)
                as isize
        });
        match written.as_ref().map_err(io::Error::raw_os_error) {
            Err(Some(libc::EOPNOTSUPP | libc::ENOSYS | libc::EINVAL)) => HAS_FLAG.store(false, Ordering::Relaxed),
            _ => return written,
        }
    }
    write_with_signal_blocked(fd, slices)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple", target_os = "netbsd")))]
fn write_to_pipe(fd: RawSource, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    write_with_signal_blocked(fd, slices)
}

#[cfg(not(any(target_vendor = "apple", target_os = "netbsd")))]
fn write_with_signal_blocked(fd: RawSource, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    with_signal_blocked(slices.iter().map(|slice| slice.len()).sum(), || write_plainly(fd, slices))
}

/// The signal comes to the thread that writes, and waits there while it is blocked.
#[cfg(not(any(target_vendor = "apple", target_os = "netbsd")))]
pub(super) fn with_signal_blocked(wanted: usize, write: impl FnOnce() -> io::Result<usize>) -> io::Result<usize> {
    // SAFETY: sets of zeros are valid places for the calls to fill; each lives through the calls that use it. SIGPIPE is
    // a signal, so none of the calls can fail.
    unsafe {
        let (mut signal, mut pending, mut before): (libc::sigset_t, libc::sigset_t, libc::sigset_t) =
            (std::mem::zeroed(), std::mem::zeroed(), std::mem::zeroed());
        libc::sigemptyset(&mut signal);
        libc::sigaddset(&mut signal, libc::SIGPIPE);
        libc::sigpending(&mut pending);
        // One that waits already is the program's.
        let was_pending = libc::sigismember(&pending, libc::SIGPIPE) == 1;
        libc::pthread_sigmask(libc::SIG_BLOCK, &signal, &mut before);
        let written = write();
        // What ends in the middle may have raised it too.
        let broken = match &written {
            Ok(count) => *count < wanted,
            Err(error) => error.raw_os_error() == Some(libc::EPIPE),
        };
        if broken && !was_pending {
            take_signal(&signal);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut());
        written
    }
}

/// Takes a blocked signal that waits, if one does.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
unsafe fn take_signal(signal: &libc::sigset_t) {
    let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: both live through the call; what it was is not asked for.
    while unsafe { libc::sigtimedwait(signal, std::ptr::null_mut(), &at_once) } < 0
        && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
    {}
}

/// Takes a blocked signal that waits, if one does.
#[cfg(any(target_os = "openbsd", target_os = "dragonfly"))]
unsafe fn take_signal(signal: &libc::sigset_t) {
    // SAFETY: the places live through the calls; the wait is for what is there already.
    unsafe {
        let mut pending: libc::sigset_t = std::mem::zeroed();
        libc::sigpending(&mut pending);
        if libc::sigismember(&pending, libc::SIGPIPE) == 1 {
            let mut came = 0;
            libc::sigwait(signal, &mut came);
        }
    }
}

#[cfg(all(test, not(any(target_vendor = "apple", target_os = "netbsd"))))]
mod tests {
    use super::*;

    /// Only old kernels come here by themselves. With the signal's default action in force a failure kills the test.
    #[test]
    fn a_broken_pipe_raises_no_signal_where_it_has_to_be_blocked() {
        // SAFETY: the default action is no function of anybody's.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        let (read, write) = pipe().unwrap();
        let bytes = [IoSlice::new(b"abc"), IoSlice::new(b"de")];
        assert_eq!(write_with_signal_blocked(write.as_raw_fd(), &bytes).unwrap(), 5);
        drop(read);
        for _ in 0..2 {
            let error = write_with_signal_blocked(write.as_raw_fd(), &bytes).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EPIPE));
            // SAFETY: the set is a valid place for the answer.
            let pending = unsafe {
                let mut pending: libc::sigset_t = std::mem::zeroed();
                libc::sigpending(&mut pending);
                libc::sigismember(&pending, libc::SIGPIPE)
            };
            assert_eq!(pending, 0);
        }
        // SAFETY: as Rust's own start of a program has it.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    }
}
