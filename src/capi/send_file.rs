// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files to streams.

use super::file::rondel_file;
use super::types::*;
use super::{notify, number, with_core};
use crate::error::Error;
use crate::handle::Handle;
use std::ffi::c_void;

/// Sends some of a file, `length` bytes from `offset` on, without a way through the program's memory where the system has
/// one; it takes its turn among the stream's writes. The result is how many bytes were sent: fewer than `length` if the
/// file ends before, or ended before while it was sent. `INT64_MAX` for a length is the rest of the file. A file that
/// says it is empty, as those of /proc do, is read to its end.
///
/// The file may be closed at once. Waiting for a disk is done on the pool, in its lane for files. What is cancelled before
/// its first byte left is not sent; what has begun is sent whole, but completes with `RONDEL_ECANCELED`, as with
/// `rondel_write`: close the stream if that is too long. If the file cannot be read any more, or no thread be had to read
/// it (`RONDEL_EAGAIN`), it completes with the error, and what was written behind it follows all the same.
///
/// `RONDEL_EINVAL` for a negative offset or length and for what is no regular file, `RONDEL_EISDIR`, `RONDEL_EBADF` (as the
/// result) for a file that is not open for reading, `RONDEL_EINVAL` for a file of another loop. Errors of the stream as for
/// `rondel_write`. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_send_file(
    stream: rondel_stream,
    file: rondel_file,
    offset: i64,
    length: i64,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_core(stream, |core, handle| {
        core.stream_mut(handle)?;
        let file = Handle::from_caller(file)?;
        if file.loop_index() != handle.loop_index() {
            // Another loop's, if it is one at all.
            with_core(file.number(), |other, file| other.file_mut(file).map(|_| ()))?;
            return Err(Error::EINVAL);
        }
        core.file_mut(file)?;
        let (Ok(offset), Ok(length)) = (u64::try_from(offset), u64::try_from(length)) else {
            return Err(Error::EINVAL);
        };
        core.send_file(handle, file, offset, length, notify(r#fn, user_data))
    }))
}
