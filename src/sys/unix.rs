// SPDX-License-Identifier: MIT OR Apache-2.0
//! What every Unix has alike.

use super::held::Held;
use crate::error::{Error, Result};
use socket2::{SockAddr, SockRef, Socket};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// The number by which the system knows a descriptor.
pub type RawSource = std::os::fd::RawFd;

/// A caller's number, if a descriptor can have it.
pub fn raw_source(number: i64) -> io::Result<RawSource> {
    RawSource::try_from(number).ok().filter(|n| *n >= 0).ok_or_else(|| io::Error::from_raw_os_error(libc::EBADF))
}

/// A caller's descriptor, for a call that does nothing but name it to the system.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn borrow_source(number: &RawSource) -> BorrowedFd<'_> {
    // SAFETY: `raw_source` made it, so it is not -1. If its owner closed it, the system refuses the call.
    unsafe { BorrowedFd::borrow_raw(*number) }
}

/// The error of a number that is no open descriptor's.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub const NOT_OPEN: i32 = libc::EBADF;

/// Whether a number is an open descriptor's.
pub fn is_open(number: RawSource) -> bool {
    // SAFETY: asks about a number.
    unsafe { libc::fcntl(number, libc::F_GETFD) >= 0 }
}

/// Has the numbers of standard input, output and error open, be it as the null device, lest a descriptor of ours gets one:
/// what is said on standard error must not go there, nor a child have it for its standard input.
pub fn fill_standard_numbers() {
    while (0..3).any(|number| !is_open(number)) {
        // SAFETY: the path is a C string. The number stays open for whoever comes to use it, children too.
        let fd = unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) };
        if fd > 2 {
            // Somebody else was faster.
            // SAFETY: it was just made and has no other owner.
            drop(unsafe { OwnedFd::from_raw_fd(fd) });
        } else if fd < 0 {
            return;
        }
    }
}

/// Where a callback's code is, to know one of the library's own by its address.
pub fn entry(function: *const ()) -> usize {
    function as usize
}

/// An owned descriptor that does not block.
pub struct Source {
    fd: Held<OwnedFd>,
    pub(super) means: Means,
}

/// By which calls bytes go through a descriptor.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Means {
    Socket,
    Pipe(Ways),
    /// A terminal, say.
    Device(Ways),
}

/// Which ways a descriptor is open.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ways {
    In,
    Out,
    Both,
}

#[cfg(any(
    target_os = "linux",
    target_os = "android",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd",
    target_os = "dragonfly"
))]
pub(super) const SEND_FLAGS: libc::c_int = libc::MSG_NOSIGNAL;
#[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd",
    target_os = "dragonfly"
)))]
pub(super) const SEND_FLAGS: libc::c_int = 0;

#[cfg(any(target_os = "linux", target_os = "android"))]
const MORE: libc::c_int = libc::MSG_MORE;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const MORE: libc::c_int = 0;

impl Source {
    pub(super) fn new(fd: OwnedFd, means: Means) -> Source {
        Source { fd: Held::new(fd), means }
    }

    /// Takes over a socket, which must not block already.
    pub fn from_socket(socket: Socket) -> io::Result<Source> {
        #[cfg(target_vendor = "apple")]
        socket.set_nosigpipe(true)?;
        Ok(Source::new(socket.into(), Means::Socket))
    }

    /// Takes over a caller's descriptor, if it is a socket, and makes it non-blocking. On failure it stays the caller's.
    pub fn adopt_socket(number: i64) -> io::Result<Source> {
        let number = raw_source(number)?;
        // SAFETY: borrowed for the checks below only; a number that is no open descriptor fails them.
        let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
        let socket = SockRef::from(&borrowed);
        socket.r#type()?;
        socket.set_nonblocking(true)?;
        // SAFETY: it is open, and the caller gives it away with this call.
        Source::from_socket(unsafe { Socket::from_raw_fd(number) })
    }

    pub fn socket(&self) -> SockRef<'_> {
        SockRef::from(&*self.fd)
    }

    pub fn raw(&self) -> RawSource {
        self.fd.as_raw_fd()
    }

    /// Gives the descriptor away.
    pub fn into_raw(self) -> RawSource {
        self.fd.into_raw()
    }

    #[inline]
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.means != Means::Socket {
            return self.read(buffer);
        }
        // SAFETY: `buffer` is writable for its length.
        retry(|| unsafe { libc::recv(self.raw(), buffer.as_mut_ptr().cast(), buffer.len(), 0) })
    }

    #[inline]
    pub fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        if self.means != Means::Socket {
            return self.write(&[IoSlice::new(bytes)]);
        }
        // SAFETY: `bytes` is readable for its length.
        retry(|| unsafe { libc::send(self.raw(), bytes.as_ptr().cast(), bytes.len(), SEND_FLAGS) })
    }

    /// `more`: something follows at once, and had best leave with it.
    pub fn send_vectored(&self, slices: &[IoSlice<'_>], more: bool) -> io::Result<usize> {
        if self.means != Means::Socket {
            return self.write(slices);
        }
        // SAFETY: a msghdr of zeros is a valid, empty one.
        let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
        // IoSlice has the layout of iovec on Unix; sendmsg does not write to it.
        message.msg_iov = slices.as_ptr().cast_mut().cast();
        message.msg_iovlen = slices.len() as _;
        // SAFETY: the message points to `slices`, which lives through the call.
        retry(|| unsafe { libc::sendmsg(self.raw(), &message, if more { SEND_FLAGS | MORE } else { SEND_FLAGS }) })
    }

    /// Ends what is sent; what comes in goes on. (See `can_half_close`.)
    pub fn shut_down_writing(&self) -> io::Result<()> {
        if self.means != Means::Socket {
            return self.close_write_end();
        }
        self.socket().shutdown(std::net::Shutdown::Write)
    }

    /// The next connection of a listener, not blocking.
    pub fn accept(&self) -> io::Result<Source> {
        #[cfg(any(
            target_os = "linux",
            target_os = "android",
            target_os = "freebsd",
            target_os = "netbsd",
            target_os = "openbsd",
            target_os = "dragonfly"
        ))]
        {
            let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
            // SAFETY: no address is asked for.
            let fd = retry(|| unsafe {
                libc::accept4(self.raw(), std::ptr::null_mut(), std::ptr::null_mut(), flags) as isize
            })?;
            // SAFETY: the descriptor was just made and has no other owner.
            Ok(Source::new(unsafe { OwnedFd::from_raw_fd(fd as RawSource) }, Means::Socket))
        }
        #[cfg(not(any(
            target_os = "linux",
            target_os = "android",
            target_os = "freebsd",
            target_os = "netbsd",
            target_os = "openbsd",
            target_os = "dragonfly"
        )))]
        {
            let (socket, _) = self.socket().accept()?;
            socket.set_nonblocking(true)?;
            Source::from_socket(socket)
        }
    }
}

impl AsFd for Source {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Does a system call again as long as a signal interrupts it.
pub(super) fn retry(mut call: impl FnMut() -> isize) -> io::Result<usize> {
    loop {
        let result = call();
        if result >= 0 {
            return Ok(result as usize);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// A new socket that does not block and is not inherited.
pub fn new_socket(domain: socket2::Domain, kind: socket2::Type) -> io::Result<Socket> {
    let socket = Socket::new(domain, kind, None)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Whether accepted connections need the option set that their listener has.
pub const SETS_NODELAY_ON_ACCEPT: bool = !cfg!(any(target_os = "linux", target_os = "android", target_os = "freebsd"));

/// A server that restarts gets its port although old connections linger.
pub fn allow_quick_rebind(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_address(true)
}

pub fn reuse_port(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_port(true)
}

/// What a caller's stream socket is.
pub struct SocketState {
    /// Of this machine, with a path for its address if any.
    pub local: bool,
    pub listens: bool,
    pub connected: bool,
}

/// Looks at a caller's descriptor without changing it.
pub fn look_at_socket(number: i64) -> Result<SocketState> {
    let number = raw_source(number)?;
    // SAFETY: borrowed for this call only; a number that is no open descriptor makes the first look fail.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    let socket = SockRef::from(&borrowed);
    if socket.r#type()? != socket2::Type::STREAM {
        return Err(Error::EPROTOTYPE);
    }
    let mut listens: libc::c_int = 0;
    let mut size = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the option is an int, and there is room for one.
    let status = unsafe {
        libc::getsockopt(number, libc::SOL_SOCKET, libc::SO_ACCEPTCONN, (&raw mut listens).cast(), &mut size)
    };
    let local = socket.local_addr()?.domain() == socket2::Domain::UNIX;
    Ok(SocketState { local, listens: status == 0 && listens != 0, connected: socket.peer_addr().is_ok() })
}

/// Whether a connect that was started without blocking goes on.
pub fn connect_goes_on(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINPROGRESS | libc::EINTR))
}

/// Starts a connect.
pub fn start_connect(source: &Source, address: SocketAddr) -> io::Result<()> {
    match source.socket().connect(&SockAddr::from(address)) {
        Err(error) if !connect_goes_on(&error) => Err(error),
        _ => Ok(()),
    }
}

/// Nanoseconds of the monotonic clock.
pub fn clock() -> i64 {
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: the place for the time is writable; this clock exists on every Unix and the call then fills it.
    let time = unsafe {
        libc::clock_gettime(libc::CLOCK_MONOTONIC, time.as_mut_ptr());
        time.assume_init()
    };
    time.tv_sec as i64 * 1_000_000_000 + time.tv_nsec as i64
}

/// The errno of a Unix that numbers them otherwise, as Linux's.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn unix_errno(os_error: i32) -> i32 {
    macro_rules! table {
        ($($name:ident $linux:literal)*) => { match os_error { $(libc::$name => $linux,)* _ => 4103 } };
    }
    table! {
        EPERM 1 ENOENT 2 ESRCH 3 EINTR 4 EIO 5 ENXIO 6 E2BIG 7 ENOEXEC 8 EBADF 9 ECHILD 10 EAGAIN 11 ENOMEM 12 EACCES 13
        EFAULT 14 EBUSY 16 EEXIST 17 EXDEV 18 ENODEV 19 ENOTDIR 20 EISDIR 21 EINVAL 22 ENFILE 23 EMFILE 24 ENOTTY 25
        ETXTBSY 26 EFBIG 27 ENOSPC 28 ESPIPE 29 EROFS 30 EMLINK 31 EPIPE 32 EDOM 33 ERANGE 34 EDEADLK 35
        ENAMETOOLONG 36 ENOSYS 38 ENOTEMPTY 39 ELOOP 40 EPROTO 71 EOVERFLOW 75 EILSEQ 84 ENOTSOCK 88 EDESTADDRREQ 89
        EMSGSIZE 90 EPROTOTYPE 91 ENOPROTOOPT 92 EPROTONOSUPPORT 93 ESOCKTNOSUPPORT 94 EOPNOTSUPP 95 EAFNOSUPPORT 97
        EADDRINUSE 98 EADDRNOTAVAIL 99 ENETDOWN 100 ENETUNREACH 101 ENETRESET 102 ECONNABORTED 103 ECONNRESET 104
        ENOBUFS 105 EISCONN 106 ENOTCONN 107 ESHUTDOWN 108 ETOOMANYREFS 109 ETIMEDOUT 110 ECONNREFUSED 111 EHOSTDOWN 112
        EHOSTUNREACH 113 EALREADY 114 EINPROGRESS 115 ESTALE 116 EDQUOT 122 ECANCELED 125 EOWNERDEAD 130
    }
}
