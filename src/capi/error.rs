// SPDX-License-Identifier: MIT OR Apache-2.0
//! The error codes, their names and messages.

use crate::error;
use std::ffi::c_char;

/// Operation not permitted.
pub const RONDEL_EPERM: i64 = -1;
/// No such file or directory.
pub const RONDEL_ENOENT: i64 = -2;
/// No such process.
pub const RONDEL_ESRCH: i64 = -3;
/// Interrupted system call.
pub const RONDEL_EINTR: i64 = -4;
/// Input/output error.
pub const RONDEL_EIO: i64 = -5;
/// No such device or address.
pub const RONDEL_ENXIO: i64 = -6;
/// Argument list too long.
pub const RONDEL_E2BIG: i64 = -7;
/// Not in a format that can be executed.
pub const RONDEL_ENOEXEC: i64 = -8;
/// Bad file descriptor.
pub const RONDEL_EBADF: i64 = -9;
/// No child processes.
pub const RONDEL_ECHILD: i64 = -10;
/// Not ready yet, try again.
pub const RONDEL_EAGAIN: i64 = -11;
/// Out of memory.
pub const RONDEL_ENOMEM: i64 = -12;
/// Permission denied.
pub const RONDEL_EACCES: i64 = -13;
/// Bad address.
pub const RONDEL_EFAULT: i64 = -14;
/// Busy with another such operation.
pub const RONDEL_EBUSY: i64 = -16;
/// File exists.
pub const RONDEL_EEXIST: i64 = -17;
/// Cross-device link.
pub const RONDEL_EXDEV: i64 = -18;
/// No such device.
pub const RONDEL_ENODEV: i64 = -19;
/// Not a directory.
pub const RONDEL_ENOTDIR: i64 = -20;
/// Is a directory.
pub const RONDEL_EISDIR: i64 = -21;
/// Invalid argument.
pub const RONDEL_EINVAL: i64 = -22;
/// Too many open files in the system.
pub const RONDEL_ENFILE: i64 = -23;
/// Too many open files in this process.
pub const RONDEL_EMFILE: i64 = -24;
/// Not a terminal.
pub const RONDEL_ENOTTY: i64 = -25;
/// Text file busy.
pub const RONDEL_ETXTBSY: i64 = -26;
/// File too large.
pub const RONDEL_EFBIG: i64 = -27;
/// No space left on device.
pub const RONDEL_ENOSPC: i64 = -28;
/// Illegal seek.
pub const RONDEL_ESPIPE: i64 = -29;
/// Read-only file system.
pub const RONDEL_EROFS: i64 = -30;
/// Too many links.
pub const RONDEL_EMLINK: i64 = -31;
/// Broken pipe: the stream takes no more bytes.
pub const RONDEL_EPIPE: i64 = -32;
/// Argument out of domain.
pub const RONDEL_EDOM: i64 = -33;
/// Result out of range.
pub const RONDEL_ERANGE: i64 = -34;
/// Would wait for itself for ever.
pub const RONDEL_EDEADLK: i64 = -35;
/// File name too long.
pub const RONDEL_ENAMETOOLONG: i64 = -36;
/// Function not implemented.
pub const RONDEL_ENOSYS: i64 = -38;
/// Directory not empty.
pub const RONDEL_ENOTEMPTY: i64 = -39;
/// Too many symbolic links.
pub const RONDEL_ELOOP: i64 = -40;
/// Protocol error.
pub const RONDEL_EPROTO: i64 = -71;
/// Value too large.
pub const RONDEL_EOVERFLOW: i64 = -75;
/// Invalid byte sequence.
pub const RONDEL_EILSEQ: i64 = -84;
/// Not a socket.
pub const RONDEL_ENOTSOCK: i64 = -88;
/// Destination address required.
pub const RONDEL_EDESTADDRREQ: i64 = -89;
/// Message too long for the buffer.
pub const RONDEL_EMSGSIZE: i64 = -90;
/// Wrong protocol type for the socket.
pub const RONDEL_EPROTOTYPE: i64 = -91;
/// Protocol option not available.
pub const RONDEL_ENOPROTOOPT: i64 = -92;
/// Protocol not supported.
pub const RONDEL_EPROTONOSUPPORT: i64 = -93;
/// Socket type not supported.
pub const RONDEL_ESOCKTNOSUPPORT: i64 = -94;
/// Operation not supported.
pub const RONDEL_EOPNOTSUPP: i64 = -95;
/// Address family not supported.
pub const RONDEL_EAFNOSUPPORT: i64 = -97;
/// Address already in use.
pub const RONDEL_EADDRINUSE: i64 = -98;
/// Address not available on this machine.
pub const RONDEL_EADDRNOTAVAIL: i64 = -99;
/// Network is down.
pub const RONDEL_ENETDOWN: i64 = -100;
/// Network unreachable.
pub const RONDEL_ENETUNREACH: i64 = -101;
/// Connection dropped by the network.
pub const RONDEL_ENETRESET: i64 = -102;
/// Connection aborted.
pub const RONDEL_ECONNABORTED: i64 = -103;
/// Connection reset by the peer.
pub const RONDEL_ECONNRESET: i64 = -104;
/// No buffer space.
pub const RONDEL_ENOBUFS: i64 = -105;
/// Already connected.
pub const RONDEL_EISCONN: i64 = -106;
/// Not connected.
pub const RONDEL_ENOTCONN: i64 = -107;
/// Cannot send after shutdown.
pub const RONDEL_ESHUTDOWN: i64 = -108;
/// Too many descriptors on their way.
pub const RONDEL_ETOOMANYREFS: i64 = -109;
/// Timed out.
pub const RONDEL_ETIMEDOUT: i64 = -110;
/// Connection refused.
pub const RONDEL_ECONNREFUSED: i64 = -111;
/// Host is down.
pub const RONDEL_EHOSTDOWN: i64 = -112;
/// Host unreachable.
pub const RONDEL_EHOSTUNREACH: i64 = -113;
/// Already in progress.
pub const RONDEL_EALREADY: i64 = -114;
/// Now in progress.
pub const RONDEL_EINPROGRESS: i64 = -115;
/// Stale file handle.
pub const RONDEL_ESTALE: i64 = -116;
/// Disk quota exceeded.
pub const RONDEL_EDQUOT: i64 = -122;
/// Cancelled.
pub const RONDEL_ECANCELED: i64 = -125;
/// The owner died.
pub const RONDEL_EOWNERDEAD: i64 = -130;
/// End of stream.
pub const RONDEL_EOF: i64 = -4097;
/// The handle is closed, freed or never was.
pub const RONDEL_EGONE: i64 = -4098;
/// The handle is of another kind than this function takes.
pub const RONDEL_EKIND: i64 = -4099;
/// The loop belongs to another thread just now.
pub const RONDEL_ETHREAD: i64 = -4100;
/// Not called from within a task.
pub const RONDEL_ENOTASK: i64 = -4101;
/// Not possible in the present state.
pub const RONDEL_ESTATE: i64 = -4102;
/// An error the system gave and Rondel has no number for.
pub const RONDEL_EUNKNOWN: i64 = -4103;
/// The barrier was reset or aborted.
pub const RONDEL_EBROKEN: i64 = -4104;
/// The working folder for the process cannot be entered.
pub const RONDEL_ECWD: i64 = -4105;
/// Host or service not known.
pub const RONDEL_EAI_NONAME: i64 = -4202;
/// The name server gave no answer for now, try again later.
pub const RONDEL_EAI_AGAIN: i64 = -4203;
/// The name server failed for good.
pub const RONDEL_EAI_FAIL: i64 = -4204;
/// The host has no address.
pub const RONDEL_EAI_NODATA: i64 = -4205;
/// Address family not supported for this host.
pub const RONDEL_EAI_FAMILY: i64 = -4206;
/// Socket type not supported for this host.
pub const RONDEL_EAI_SOCKTYPE: i64 = -4207;
/// Service not known for this socket type.
pub const RONDEL_EAI_SERVICE: i64 = -4208;
/// Invalid look-up flags.
pub const RONDEL_EAI_BADFLAGS: i64 = -4209;
/// Look-up result too large.
pub const RONDEL_EAI_OVERFLOW: i64 = -4212;

/// The name of a code: "RONDEL_ECONNREFUSED" for -111, "RONDEL_OK" for what is no error.
///
/// Never NULL; the text lives as long as the program. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_error_name(code: i64) -> *const c_char {
    error::name(code).as_ptr()
}

/// What a code means, in a few words: "connection refused".
///
/// Never NULL; the text lives as long as the program. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_error_message(code: i64) -> *const c_char {
    error::message(code).as_ptr()
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_code_of_the_core_has_its_constant() {
        let source = include_str!("error.rs");
        for (code, name, _) in crate::error::TABLE {
            let name = name.to_str().unwrap();
            assert!(source.contains(&format!("pub const {name}: i64 = {code};")), "{name} {code}");
        }
    }
}
