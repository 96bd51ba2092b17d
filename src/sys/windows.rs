// SPDX-License-Identifier: MIT OR Apache-2.0
//! Windows: sockets of Winsock, through socket2.

use super::taken::Taken;
use crate::error::{Error, Result};
use once_cell::sync::Lazy;
use socket2::{SockAddr, SockRef, Socket};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::windows::io::{AsRawSocket, AsSocket, BorrowedSocket, FromRawSocket, IntoRawSocket, OwnedSocket};
use std::time::Instant;
use windows_sys::Win32::Foundation::ERROR_INVALID_HANDLE;
use windows_sys::Win32::Networking::WinSock as ws;

/// The number by which the system knows a socket.
pub type RawSource = std::os::windows::io::RawSocket;

/// A caller's number, if a socket can have it.
pub fn raw_source(number: i64) -> io::Result<RawSource> {
    RawSource::try_from(number).map_err(|_| io::Error::from_raw_os_error(NOT_OPEN))
}

/// A caller's socket, for a call that does nothing but name it to the system.
pub fn borrow_source(number: &RawSource) -> BorrowedSocket<'_> {
    // SAFETY: `raw_source` made it, so it is not INVALID_SOCKET. If its owner closed it, the system refuses the call.
    unsafe { BorrowedSocket::borrow_raw(*number) }
}

/// The error of a number that is no open socket's.
pub const NOT_OPEN: i32 = ERROR_INVALID_HANDLE as i32;

/// Whether a number is an open socket's.
pub fn is_open(number: RawSource) -> bool {
    SockRef::from(&borrow_source(&number)).r#type().is_ok()
}

/// Standard input, output and error have no numbers here that anything else could get.
pub fn fill_standard_numbers() {}

/// Where a callback's code is, to know one of the library's own by its address. A program that was not told that a
/// function is a DLL's has a jump to it, and takes the address of that.
pub fn entry(function: *const ()) -> usize {
    let mut at = function as usize;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a function's code can be read, and whatever a jump goes to as well; what it goes through is a pointer in
    // the program's memory. Of each instruction only as much is read as it has, if it is the one looked for.
    unsafe {
        let byte = |at: usize| (at as *const u8).read();
        let offset = |at: usize| (at as *const i32).read_unaligned() as isize;
        if byte(at) == 0xe9 {
            // As MSVC's linker has it between a function's name and its code in a debug build.
            at = (at + 5).wrapping_add_signed(offset(at + 1));
        }
        if byte(at) == 0xff && byte(at + 1) == 0x25 {
            at = ((at + 6).wrapping_add_signed(offset(at + 2)) as *const usize).read_unaligned();
        }
    }
    at
}

/// An owned socket that does not block.
pub struct Source {
    /// Ends before the socket is closed.
    taken: Taken,
    socket: OwnedSocket,
}

impl Source {
    /// Takes over a socket, which must not block already.
    pub fn from_socket(socket: Socket) -> io::Result<Source> {
        // Urgent data out of line would make the socket readable, with nothing to read.
        let _ = socket.set_out_of_band_inline(true);
        Ok(Source { taken: Taken::new(socket.as_raw_socket()), socket: socket.into() })
    }

    /// Takes over a caller's socket and makes it non-blocking. On failure it stays the caller's.
    pub fn adopt_socket(number: i64) -> io::Result<Source> {
        let number = number as RawSource;
        // SAFETY: borrowed for the call below only, which fails for a number that is no socket.
        let borrowed = unsafe { BorrowedSocket::borrow_raw(number) };
        SockRef::from(&borrowed).set_nonblocking(true)?;
        // SAFETY: it is a socket, and the caller gives it away with this call.
        Source::from_socket(unsafe { Socket::from_raw_socket(number) })
    }

    pub fn socket(&self) -> SockRef<'_> {
        SockRef::from(&self.socket)
    }

    pub fn raw(&self) -> RawSource {
        self.socket.as_raw_socket()
    }

    /// Gives the socket away.
    pub fn into_raw(self) -> RawSource {
        drop(self.taken);
        self.socket.into_raw_socket()
    }

    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        // SAFETY: bytes that are initialized are also bytes that may not be, and recv writes initialized ones only.
        let buffer = unsafe { &mut *(std::ptr::from_mut(buffer) as *mut [MaybeUninit<u8>]) };
        self.socket().recv(buffer)
    }

    pub fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.socket().send(bytes)
    }

    pub fn send_vectored(&self, slices: &[IoSlice<'_>], _more: bool) -> io::Result<usize> {
        self.socket().send_vectored(slices)
    }

    pub fn shut_down_writing(&self) -> io::Result<()> {
        self.socket().shutdown(std::net::Shutdown::Write)
    }

    /// The next connection of a listener, not blocking.
    pub fn accept(&self) -> io::Result<Source> {
        let (socket, _) = self.socket().accept()?;
        socket.set_nonblocking(true)?;
        Source::from_socket(socket)
    }
}

impl AsSocket for Source {
    fn as_socket(&self) -> BorrowedSocket<'_> {
        self.socket.as_socket()
    }
}

/// Whether accepted connections need the option set that their listener has.
pub const SETS_NODELAY_ON_ACCEPT: bool = true;

/// Windows lets a server that restarts have its port; its SO_REUSEADDR would let two servers share one.
pub fn allow_quick_rebind(_socket: &Socket) -> io::Result<()> {
    Ok(())
}

pub fn reuse_port(_socket: &Socket) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// What a caller's stream socket is.
pub struct SocketState {
    /// Of this machine, with a path for its address if any.
    pub local: bool,
    pub listens: bool,
    pub connected: bool,
}

/// Looks at a caller's socket without changing it.
pub fn look_at_socket(number: i64) -> Result<SocketState> {
    let number = number as RawSource;
    // SAFETY: borrowed for this call only; a number that is no socket makes the first look fail.
    let borrowed = unsafe { BorrowedSocket::borrow_raw(number) };
    let socket = SockRef::from(&borrowed);
    if socket.r#type()? != socket2::Type::STREAM {
        return Err(Error::EPROTOTYPE);
    }
    let mut listens: i32 = 0;
    let mut size = size_of::<i32>() as i32;
    // SAFETY: the option is an int, and there is room for one.
    let status = unsafe {
        ws::getsockopt(number as usize, ws::SOL_SOCKET, ws::SO_ACCEPTCONN, (&raw mut listens).cast(), &mut size)
    };
    // One that is not bound yet has no address, and is of no use anyway.
    let peer = socket.peer_addr();
    // A connection over loopback is what a pair is made of.
    let local = socket.local_addr().is_ok_and(|address| address.domain() == socket2::Domain::UNIX)
        || peer.as_ref().is_ok_and(|peer| peer.as_socket().is_some_and(|peer| peer.ip().is_loopback()));
    Ok(SocketState { local, listens: status == 0 && listens != 0, connected: peer.is_ok() })
}

/// A new socket that does not block and is not inherited.
pub fn new_socket(domain: socket2::Domain, kind: socket2::Type) -> io::Result<Socket> {
    let socket = Socket::new(domain, kind, None)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Starts a connect.
pub fn start_connect(source: &Source, address: SocketAddr) -> io::Result<()> {
    match source.socket().connect(&SockAddr::from(address)) {
        Err(error) if error.raw_os_error() == Some(ws::WSAEWOULDBLOCK) => Ok(()),
        result => result,
    }
}

/// Nanoseconds of the monotonic clock, since it was first asked.
pub fn clock() -> i64 {
    static START: Lazy<Instant> = Lazy::new(Instant::now);
    START.elapsed().as_nanos() as i64
}

/// A Windows error number as Linux's errno.
pub fn windows_errno(os_error: i32) -> i32 {
    const SYSTEM: &[(i32, i32)] = &[
        (2, 2),     // ERROR_FILE_NOT_FOUND
        (3, 2),     // ERROR_PATH_NOT_FOUND
        (4, 24),    // ERROR_TOO_MANY_OPEN_FILES
        (5, 13),    // ERROR_ACCESS_DENIED
        (6, 9),     // ERROR_INVALID_HANDLE
        (8, 12),    // ERROR_NOT_ENOUGH_MEMORY
        (14, 12),   // ERROR_OUTOFMEMORY
        (17, 18),   // ERROR_NOT_SAME_DEVICE
        (19, 30),   // ERROR_WRITE_PROTECT
        (23, 5),    // ERROR_CRC
        (25, 29),   // ERROR_SEEK
        (32, 16),   // ERROR_SHARING_VIOLATION
        (33, 16),   // ERROR_LOCK_VIOLATION
        (39, 28),   // ERROR_HANDLE_DISK_FULL
        (50, 95),   // ERROR_NOT_SUPPORTED
        (80, 17),   // ERROR_FILE_EXISTS
        (87, 22),   // ERROR_INVALID_PARAMETER
        (109, 32),  // ERROR_BROKEN_PIPE
        (112, 28),  // ERROR_DISK_FULL
        (123, 2),   // ERROR_INVALID_NAME
        (131, 22),  // ERROR_NEGATIVE_SEEK
        (145, 39),  // ERROR_DIR_NOT_EMPTY
        (161, 2),   // ERROR_BAD_PATHNAME
        (183, 17),  // ERROR_ALREADY_EXISTS
        (206, 36),  // ERROR_FILENAME_EXCED_RANGE
        (267, 20),  // ERROR_DIRECTORY
        (995, 125), // ERROR_OPERATION_ABORTED
        (1117, 5),  // ERROR_IO_DEVICE
        (1142, 31), // ERROR_TOO_MANY_LINKS
        (1314, 1),  // ERROR_PRIVILEGE_NOT_HELD
        (1921, 40), // ERROR_CANT_RESOLVE_FILENAME
        (4390, 22), // ERROR_NOT_A_REPARSE_POINT
    ];
    const SOCKETS: &[(i32, i32)] = &[
        (ws::WSAEINTR, 4),
        (ws::WSAEBADF, 9),
        (ws::WSAEACCES, 13),
        (ws::WSAEFAULT, 14),
        (ws::WSAEINVAL, 22),
        (ws::WSAEMFILE, 24),
        (ws::WSAEWOULDBLOCK, 11),
        (ws::WSAEINPROGRESS, 115),
        (ws::WSAEALREADY, 114),
        (ws::WSAENOTSOCK, 88),
        (ws::WSAEDESTADDRREQ, 89),
        (ws::WSAEMSGSIZE, 90),
        (ws::WSAEPROTOTYPE, 91),
        (ws::WSAENOPROTOOPT, 92),
        (ws::WSAEPROTONOSUPPORT, 93),
        (ws::WSAESOCKTNOSUPPORT, 94),
        (ws::WSAEOPNOTSUPP, 95),
        (ws::WSAEAFNOSUPPORT, 97),
        (ws::WSAEADDRINUSE, 98),
        (ws::WSAEADDRNOTAVAIL, 99),
        (ws::WSAENETDOWN, 100),
        (ws::WSAENETUNREACH, 101),
        (ws::WSAENETRESET, 102),
        (ws::WSAECONNABORTED, 103),
        (ws::WSAECONNRESET, 104),
        (ws::WSAENOBUFS, 105),
        (ws::WSAEISCONN, 106),
        (ws::WSAENOTCONN, 107),
        (ws::WSAESHUTDOWN, 32),
        (ws::WSAETIMEDOUT, 110),
        (ws::WSAECONNREFUSED, 111),
        (ws::WSAEHOSTDOWN, 112),
        (ws::WSAEHOSTUNREACH, 113),
    ];
    SYSTEM.iter().chain(SOCKETS).find(|row| row.0 == os_error).map_or(4103, |row| row.1)
}
