// SPDX-License-Identifier: MIT OR Apache-2.0
//! Local sockets and pipes.

use super::types::*;
use super::{done, number, with_loop_core};
use crate::error::Error;
use std::ffi::c_int;

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
/// sockets only. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_pipe_open(r#loop: rondel_loop, fd: i64) -> rondel_pipe {
    number(with_loop_core(r#loop, |core| core.open_pipe(fd)))
}

/// Makes two handles of this loop that are each other's other end, and puts them into `out`, which has room for two.
///
/// `how`: `RONDEL_PIPE_BOTH_WAYS`, or `RONDEL_PIPE_ONE_WAY`: `out[0]` reads what `out[1]` writes. 0 or `RONDEL_EINVAL` for
/// another `how` or NULL, `RONDEL_EMFILE`… On failure nothing is put. Loop thread only.
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
