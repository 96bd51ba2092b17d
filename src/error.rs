// SPDX-License-Identifier: MIT OR Apache-2.0
//! Error codes: the same numbers on every platform. Where errno has the error it is Linux's errno, negated;
//! what only Rondel knows lies below -4096; failed name look-ups have a block of their own below -4200.

use std::io;

/// A negative code, ready to cross the boundary.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Error(i64);

pub type Result<T> = std::result::Result<T, Error>;

macro_rules! codes {
    ($($name:ident $value:literal $message:literal)*) => {
        impl Error {
            $(#[allow(dead_code)] pub const $name: Error = Error($value);)*
        }

        pub const TABLE: &[(i64, &std::ffi::CStr, &std::ffi::CStr)] = &[
            $(($value, c_str(concat!("RONDEL_", stringify!($name), "\0")), c_str(concat!($message, "\0"))),)*
        ];
    };
}

const fn c_str(text: &'static str) -> &'static std::ffi::CStr {
    match std::ffi::CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(text) => text,
        Err(_) => panic!("a name or message holds a NUL"),
    }
}

codes! {
    EPERM -1 "operation not permitted"
    ENOENT -2 "no such file or directory"
    ESRCH -3 "no such process"
    EINTR -4 "interrupted system call"
    EIO -5 "input/output error"
    ENXIO -6 "no such device or address"
    E2BIG -7 "argument list too long"
    ENOEXEC -8 "not in a format that can be executed"
    EBADF -9 "bad file descriptor"
    ECHILD -10 "no child processes"
    EAGAIN -11 "not ready yet, try again"
    ENOMEM -12 "out of memory"
    EACCES -13 "permission denied"
    EFAULT -14 "bad address"
    EBUSY -16 "busy with another such operation"
    EEXIST -17 "file exists"
    EXDEV -18 "cross-device link"
    ENODEV -19 "no such device"
    ENOTDIR -20 "not a directory"
    EISDIR -21 "is a directory"
    EINVAL -22 "invalid argument"
    ENFILE -23 "too many open files in the system"
    EMFILE -24 "too many open files in this process"
    ENOTTY -25 "not a terminal"
    ETXTBSY -26 "text file busy"
    EFBIG -27 "file too large"
    ENOSPC -28 "no space left on device"
    ESPIPE -29 "illegal seek"
    EROFS -30 "read-only file system"
    EMLINK -31 "too many links"
    EPIPE -32 "broken pipe: the stream takes no more bytes"
    EDOM -33 "argument out of domain"
    ERANGE -34 "result out of range"
    EDEADLK -35 "would wait for itself for ever"
    ENAMETOOLONG -36 "file name too long"
    ENOSYS -38 "function not implemented"
    ENOTEMPTY -39 "directory not empty"
    ELOOP -40 "too many symbolic links"
    EPROTO -71 "protocol error"
    EOVERFLOW -75 "value too large"
    EILSEQ -84 "invalid byte sequence"
    ENOTSOCK -88 "not a socket"
    EDESTADDRREQ -89 "destination address required"
    EMSGSIZE -90 "message too long for the buffer"
    EPROTOTYPE -91 "wrong protocol type for the socket"
    ENOPROTOOPT -92 "protocol option not available"
    EPROTONOSUPPORT -93 "protocol not supported"
    ESOCKTNOSUPPORT -94 "socket type not supported"
    EOPNOTSUPP -95 "operation not supported"
    EAFNOSUPPORT -97 "address family not supported"
    EADDRINUSE -98 "address already in use"
    EADDRNOTAVAIL -99 "address not available on this machine"
    ENETDOWN -100 "network is down"
    ENETUNREACH -101 "network unreachable"
    ENETRESET -102 "connection dropped by the network"
    ECONNABORTED -103 "connection aborted"
    ECONNRESET -104 "connection reset by the peer"
    ENOBUFS -105 "no buffer space"
    EISCONN -106 "already connected"
    ENOTCONN -107 "not connected"
    ESHUTDOWN -108 "cannot send after shutdown"
    ETOOMANYREFS -109 "too many descriptors on their way"
    ETIMEDOUT -110 "timed out"
    ECONNREFUSED -111 "connection refused"
    EHOSTDOWN -112 "host is down"
    EHOSTUNREACH -113 "host unreachable"
    EALREADY -114 "already in progress"
    EINPROGRESS -115 "now in progress"
    ESTALE -116 "stale file handle"
    EDQUOT -122 "disk quota exceeded"
    ECANCELED -125 "cancelled"
    EOWNERDEAD -130 "the owner died"

    EOF -4097 "end of stream"
    EGONE -4098 "the handle is closed, freed or never was"
    EKIND -4099 "the handle is of another kind than this function takes"
    ETHREAD -4100 "the loop belongs to another thread just now"
    ENOTASK -4101 "not called from within a task"
    ESTATE -4102 "not possible in the present state"
    EUNKNOWN -4103 "an error the system gave and Rondel has no number for"
    EBROKEN -4104 "the barrier was reset or aborted"
    ECWD -4105 "the working folder for the process cannot be entered"

    EAI_NONAME -4202 "host or service not known"
    EAI_AGAIN -4203 "the name server gave no answer for now, try again later"
    EAI_FAIL -4204 "the name server failed for good"
    EAI_NODATA -4205 "the host has no address"
    EAI_FAMILY -4206 "address family not supported for this host"
    EAI_SOCKTYPE -4207 "socket type not supported for this host"
    EAI_SERVICE -4208 "service not known for this socket type"
    EAI_BADFLAGS -4209 "invalid look-up flags"
    EAI_OVERFLOW -4212 "look-up result too large"
}

impl Error {
    /// The number that crosses the boundary.
    pub fn code(self) -> i64 {
        self.0
    }

    /// An error of the operating system, by its own number.
    pub fn from_os(os_error: i32) -> Error {
        Error(-i64::from(crate::sys::linux_errno(os_error)))
    }

    /// A negative code that came in from a caller.
    pub fn from_code(code: i64) -> Option<Error> {
        (code < 0).then_some(Error(code))
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        match (error.raw_os_error(), error.kind()) {
            (Some(os), _) => Error::from_os(os),
            (None, io::ErrorKind::OutOfMemory) => Error::ENOMEM,
            (None, io::ErrorKind::InvalidInput) => Error::EINVAL,
            (None, io::ErrorKind::Unsupported) => Error::ENOSYS,
            (None, io::ErrorKind::WouldBlock) => Error::EAGAIN,
            (None, io::ErrorKind::UnexpectedEof) => Error::EOF,
            (None, io::ErrorKind::AlreadyExists) => Error::EEXIST,
            (None, _) => Error::EUNKNOWN,
        }
    }
}

/// What a call or an operation gives back: a value or 0, or a negative code.
pub fn to_code(result: Result<i64>) -> i64 {
    result.unwrap_or_else(Error::code)
}

/// "RONDEL_EINVAL" for -22; "RONDEL_OK" for what is no error.
pub fn name(code: i64) -> &'static std::ffi::CStr {
    match TABLE.iter().find(|row| row.0 == code) {
        Some(row) => row.1,
        None if code >= 0 => c"RONDEL_OK",
        None => c"RONDEL_EUNKNOWN",
    }
}

/// "invalid argument" for -22.
pub fn message(code: i64) -> &'static std::ffi::CStr {
    match TABLE.iter().find(|row| row.0 == code) {
        Some(row) => row.2,
        None if code >= 0 => c"no error",
        None => c"unknown error",
    }
}

/// Whether something failed for want of descriptors or memory, which says nothing of what it was about.
pub fn is_for_want_of_means(error: &io::Error) -> bool {
    let error = error.raw_os_error().map(Error::from_os);
    matches!(error, Some(Error::EMFILE | Error::ENFILE | Error::ENOMEM))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_negative_and_stands_once() {
        for (i, row) in TABLE.iter().enumerate() {
            assert!(row.0 < 0);
            assert!(TABLE[i + 1..].iter().all(|other| other.0 != row.0 && other.1 != row.1));
        }
    }

    #[test]
    fn what_is_no_error_says_so() {
        assert_eq!(name(0), c"RONDEL_OK");
        assert_eq!(name(i64::MIN), c"RONDEL_EUNKNOWN");
        assert_eq!(message(-22), c"invalid argument");
    }
}
