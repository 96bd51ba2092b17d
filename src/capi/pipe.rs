// SPDX-License-Identifier: MIT OR Apache-2.0
//! Local sockets and pipes.

use super::types::*;
use super::{done, notify, number, optional_listener, with_core, with_loop_core};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::sys::lent::c_string;
use std::ffi::{c_char, c_int, c_void};

/// Connects to a local socket: the result is a pipe handle.
///
/// `name` is a path, or an `@` and then an abstract name, which is no file's and which Linux alone has (a path that begins
/// with an `@` is written `./@`). `RONDEL_ENAMETOOLONG` for one that the system's addresses have no room for (107 bytes on
/// Linux, 103 on others): it is never cut short. `RONDEL_EINVAL` for NULL or an empty name, `RONDEL_EOPNOTSUPP` for an
/// abstract one where there are none.
///
/// It fails with `RONDEL_ENOENT` if there is no such file, `RONDEL_ECONNREFUSED` if nobody listens there,
/// `RONDEL_EACCES`… as connect(2) has them. While as many connections wait as the listener allows it waits too: give it
/// a deadline. If nobody hears of the result (`fn` is NULL) the connection is closed. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_pipe_connect(
    r#loop: rondel_loop,
    name: *const c_char,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    // SAFETY: what the caller of this function promises.
    number(with_loop_core(r#loop, |core| core.pipe_connect(unsafe { local_name(name) }?, notify(r#fn, user_data))))
}

/// Listens at a local socket's path or abstract name, as `rondel_pipe_connect` has them; `@` alone is any free name, see
/// `rondel_local_addr`.
///
/// `fn(server, peer, user_data)` for every connection: `peer` is a pipe handle, yours to close, or a negative code, such
/// as `RONDEL_EMFILE` when descriptors ran out; the server then goes on by itself when there are some. Without a
/// function `rondel_accept` takes the connections.
///
/// The path becomes a file, which is removed when the handle is closed, unless another has taken its place meanwhile, or
/// it is a forked child that closes it. Who may connect is a matter of that file's permissions and its folder's: see
/// `rondel_pipe_mode`. A path where there is a file already is `RONDEL_EADDRINUSE`, also if it is a socket that a server
/// left behind when it crashed: see `rondel_pipe_replace`. Else `RONDEL_ENOENT`, `RONDEL_EACCES`… as bind(2) has them.
/// Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_pipe_listen(
    r#loop: rondel_loop,
    name: *const c_char,
    on_accept: rondel_fn,
    user_data: *mut c_void,
) -> rondel_pipe {
    number(with_loop_core(r#loop, |core| {
        // SAFETY: what the caller of this function promises.
        core.pipe_listen(unsafe { local_name(name) }?, optional_listener(on_accept, user_data)?)
    }))
}

/// Makes a pipe handle to listen with step by step: `rondel_pipe_mode` and `rondel_pipe_replace` if they are wanted,
/// `rondel_pipe_bind`, `rondel_listen`. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_pipe_new(r#loop: rondel_loop) -> rondel_pipe {
    number(with_loop_core(r#loop, Core::new_pipe))
}

/// Sets the permissions of the file that `rondel_pipe_bind` will make, as chmod(2) has them (0600, say); else they follow
/// the process's umask. They hold before anybody can connect.
///
/// `RONDEL_EINVAL` for other bits than 07777, or if the handle is bound already. An abstract name has no permissions, and
/// Windows none of this form: there the bind fails, with `RONDEL_EINVAL` and `RONDEL_EOPNOTSUPP`. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_pipe_mode(pipe: rondel_pipe, mode: c_int) -> i64 {
    done(with_core(pipe, |core, handle| {
        core.check_pipe(handle)?;
        let mode = u32::try_from(mode).ok().filter(|mode| *mode <= 0o7777).ok_or(Error::EINVAL)?;
        core.set_pipe_mode(handle, mode)
    }))
}

/// Lets `rondel_pipe_bind` take the place of a socket's file at which nobody listens, as a server leaves it that has
/// crashed. (on, or 0: off, as from the start.) A socket at which somebody listens and any other file stay:
/// `RONDEL_EADDRINUSE`.
///
/// Whether anybody listens is found out by connecting. A server that is bound and does not listen yet cannot be told
/// from one that is gone: two that start at the same moment need a lock of their own. `RONDEL_EINVAL` if the handle is
/// bound already. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_pipe_replace(pipe: rondel_pipe, on: c_int) -> i64 {
    done(with_core(pipe, |core, handle| core.set_pipe_replace(handle, on != 0)))
}

/// Binds a handle of `rondel_pipe_new` to a path or abstract name, with errors as for `rondel_pipe_listen`;
/// `RONDEL_EINVAL` if it is bound already. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_pipe_bind(pipe: rondel_pipe, name: *const c_char) -> i64 {
    done(with_core(pipe, |core, handle| {
        core.check_pipe(handle)?;
        // SAFETY: what the caller of this function promises.
        core.bind_pipe(handle, unsafe { local_name(name) }?)
    }))
}

/// Who is at the other end of a connected local socket: process, user and group, each where the pointer is not NULL, as
/// they were when the connection was made (listening, for the side that connected). -1 for what the system does not tell:
/// Windows tells the process alone, some BSDs do not.
///
/// A process may have ended since, and its number be another's. `RONDEL_ENOTCONN` if it is not connected,
/// `RONDEL_ENOTSOCK` for ends of pipes. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_pipe_peer_credentials(
    pipe: rondel_pipe,
    process: *mut i64,
    user: *mut i64,
    group: *mut i64,
) -> i64 {
    done(with_core(pipe, |core, handle| {
        let peer = core.peer_credentials(handle)?;
        for (place, value) in [(process, peer.process), (user, peer.user), (group, peer.group)] {
            if !place.is_null() {
                // SAFETY: the caller promises a place for a number.
                unsafe { place.write(value) };
            }
        }
        Ok(())
    }))
}

/// # Safety
/// As of `c_string`.
unsafe fn local_name<'a>(name: *const c_char) -> Result<&'a [u8]> {
    // SAFETY: the promise of this function.
    Ok(unsafe { c_string(name) }.ok_or(Error::EINVAL)?.to_bytes())
}

/// Takes over a descriptor of yours that carries bytes on this machine: a connected or listening Unix stream socket, an
/// end of a pipe or FIFO, or a device such as a terminal. It is the handle's to close.
///
/// A handle that is open one way only refuses the other with `RONDEL_EBADF`. `rondel_shutdown` of a pipe's write end
/// closes it, which is how its reader hears of the end; where there is neither a socket nor a write end alone it is
/// refused with `RONDEL_EOPNOTSUPP`. A FIFO that nobody has opened for writing yet is waited at, not at its end.
///
/// It does not block any more, and neither does it for other processes that got it from the same open(2) or pipe(2), as
/// with standard input and output that were inherited: programs that share them may be surprised. When the handle of a
/// descriptor 0, 1 or 2 is closed, /dev/null stands there from then on, lest the next file to be opened be taken for it.
///
/// `RONDEL_EBADF`, `RONDEL_EPROTOTYPE` for files and sockets that are no streams, `RONDEL_EAFNOSUPPORT` for sockets of
/// other families (see `rondel_tcp_open`), `RONDEL_ENOTCONN`, `RONDEL_EPERM` for devices that cannot be waited for,
/// `RONDEL_EEXIST` if a handle of this loop has it already: it is then still yours, unchanged. On Windows there are
/// sockets only, and those of `rondel_pipe_pair` are connected over loopback. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_pipe_open(r#loop: rondel_loop, fd: i64) -> rondel_pipe {
    number(with_loop_core(r#loop, |core| core.open_pipe(fd)))
}

/// Makes two handles of this loop that are each other's other end, and puts them into `out`, which has room for two.
///
/// `how`: `RONDEL_PIPE_BOTH_WAYS`, or `RONDEL_PIPE_ONE_WAY`: `out[0]` reads what `out[1]` writes. 0 or `RONDEL_EINVAL` for
/// another `how` or NULL, `RONDEL_EMFILE`… On failure nothing is put. A child process gets an end by `RONDEL_STDIO_STREAM`.
/// Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_pipe_pair(r#loop: rondel_loop, how: c_int, out: *mut rondel_pipe) -> i64 {
    done(with_loop_core(r#loop, |core| {
        let one_way = match how {
            RONDEL_PIPE_BOTH_WAYS => false,
            RONDEL_PIPE_ONE_WAY => true,
            _ => return Err(Error::EINVAL),
        };
        if out.is_null() {
            return Err(Error::EINVAL);
        }
        let pair = core.pipe_pair(one_way)?;
        // SAFETY: the caller promises room for two.
        unsafe {
            out.write(pair[0].number());
            out.add(1).write(pair[1].number());
        }
        Ok(())
    }))
}
