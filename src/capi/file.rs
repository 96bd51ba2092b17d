// SPDX-License-Identifier: MIT OR Apache-2.0
//! Open files.

use super::types::*;
use super::{notify, number, with_core, with_loop_core};
use crate::error::{Error, Result};
use crate::file::transfer::offset as checked_offset;
use crate::file::{Order, opening, outcome::Outcome};
use crate::sys::file::{CallersPath, OpenFile};
use crate::sys::file_types::{Existence, How, Stat, Time};
use crate::sys::lent::{LentBuffer, LentBytes, LentPlace, c_string, lent_pieces};
use std::ffi::{c_char, c_void};

/// An open file.
pub type rondel_file = i64;

/// `rondel_kind`: an open file.
pub const RONDEL_KIND_FILE: i64 = 13;

/// `rondel_file_open`: to read from.
pub const RONDEL_OPEN_READ: i32 = 1;
/// `rondel_file_open`: to write to.
pub const RONDEL_OPEN_WRITE: i32 = 2;
/// `rondel_file_open`: to write to, always at the end.
pub const RONDEL_OPEN_APPEND: i32 = 4;
/// `rondel_file_open`: make it if it is not there.
pub const RONDEL_OPEN_CREATE: i32 = 8;
/// `rondel_file_open`: with `RONDEL_OPEN_CREATE`, fail with `RONDEL_EEXIST` if it is there.
pub const RONDEL_OPEN_EXCLUSIVE: i32 = 16;
/// `rondel_file_open`: empty it first.
pub const RONDEL_OPEN_TRUNCATE: i32 = 32;
/// `rondel_file_open`: fail with `RONDEL_ELOOP` if the last part of the path is a symbolic link.
pub const RONDEL_OPEN_NOFOLLOW: i32 = 64;
/// `rondel_file_open`: fail with `RONDEL_ENOTDIR` if it is no folder.
pub const RONDEL_OPEN_FOLDER: i32 = 128;
/// `rondel_file_open`: each write completes when it is on the disk.
pub const RONDEL_OPEN_SYNC: i32 = 256;

/// In the place of an offset: the file's own position, which moves with what is read or written there.
pub const RONDEL_POSITION: i64 = -1;

/// `rondel_stat`, `rondel_dir_entry`: the system does not say, or it is something else.
pub const RONDEL_FILE_UNKNOWN: i64 = 0;
/// `rondel_stat`, `rondel_dir_entry`: a regular file.
pub const RONDEL_FILE_REGULAR: i64 = 1;
/// `rondel_stat`, `rondel_dir_entry`: a folder.
pub const RONDEL_FILE_FOLDER: i64 = 2;
/// `rondel_stat`, `rondel_dir_entry`: a symbolic link.
pub const RONDEL_FILE_LINK: i64 = 3;
/// `rondel_stat`, `rondel_dir_entry`: a fifo.
pub const RONDEL_FILE_FIFO: i64 = 4;
/// `rondel_stat`, `rondel_dir_entry`: a local socket.
pub const RONDEL_FILE_SOCKET: i64 = 5;
/// `rondel_stat`, `rondel_dir_entry`: a character device.
pub const RONDEL_FILE_CHARACTER: i64 = 6;
/// `rondel_stat`, `rondel_dir_entry`: a block device.
pub const RONDEL_FILE_BLOCK: i64 = 7;

/// In the place of a time: the present.
pub const RONDEL_TIME_NOW: i64 = i64::MAX;
/// In the place of a time: leave it as it is; in a `rondel_stat`: not known.
pub const RONDEL_TIME_OMIT: i64 = i64::MIN;

/// What is known of a file. Times are in nanoseconds since 1970; those beyond the years 1678 to 2262 are the nearest
/// ones.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rondel_stat {
    /// Which `RONDEL_FILE_` it is.
    pub r#type: i64,
    /// Its type and permissions in the numbers of Unix; 07777 masks the permissions.
    pub mode: i64,
    /// Bytes.
    pub size: i64,
    /// When it was read last.
    pub atime: i64,
    /// When it was written last.
    pub mtime: i64,
    /// When what is said here of it changed last.
    pub ctime: i64,
    /// When it was made; `RONDEL_TIME_OMIT` where that is not known.
    pub birthtime: i64,
    /// The device it is on; with `ino` it names the file as long as it lives.
    pub dev: u64,
    /// Its number on the device.
    pub ino: u64,
    /// How many names it has.
    pub nlink: u64,
    /// Its owner's number.
    pub uid: i64,
    /// Its group's number.
    pub gid: i64,
    /// The device that a device file stands for, else 0.
    pub rdev: u64,
    /// The size of reads and writes that suits it.
    pub blksize: i64,
    /// What it takes on the device, in units of 512 bytes.
    pub blocks: i64,
    /// Zero, for what is to come.
    pub reserved: [u64; 5],
}

/// Room for some of the bytes of a read.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rondel_room {
    /// Where the first byte goes.
    pub bytes: *mut c_void,
    /// How many there is room for; not 0.
    pub length: usize,
}

/// A caller's path, copied.
pub(super) unsafe fn path(text: *const c_char) -> Result<CallersPath> {
    // SAFETY: what the caller of this function promises.
    let text = unsafe { c_string(text) }.ok_or(Error::EINVAL)?;
    Ok(CallersPath::new(text)?)
}

/// Opens a file: the result is its handle. The path is copied; what opens it is never inherited by other programs.
///
/// `flags`: any of `RONDEL_OPEN_`, at least one of READ, WRITE and APPEND. `mode`: the permissions of a file that is
/// made, less what umask(2) takes away. Where somebody has a lease on the file, see fcntl(2), it waits until the system has
/// broken that, or it is cancelled.
///
/// What may keep one waiting for ever, as fifos, terminals and other devices do, and some files that the system makes up,
/// is not waited for (O_NONBLOCK). A fifo opens at once to read from, and fails with `RONDEL_ENXIO` to write to while
/// nobody reads. A read gives `RONDEL_EAGAIN` where nothing is there yet. A write of which not all fits tells how much of
/// it went, and the rest is yours to write again; `RONDEL_EAGAIN` if nothing did. To wait for such things, open(2) them
/// and give them to `rondel_pipe_open` or `rondel_tty_open`. Whoever else gets the descriptor, by dup(2) say, does not wait
/// either, but for programs that are given it when they are started: see `RONDEL_STDIO_FD`. On Windows all of it waits.
///
/// As all that has to do with files, it runs on the worker pool; cancelled before it begins it never happens, and
/// afterwards it completes, with `RONDEL_ECANCELED`, when it has come back, be it that all of it has happened. A file that
/// nobody takes is closed. Refused with `RONDEL_EINVAL` for NULL, for other flags, for a mode beyond 07777, on Windows for
/// a path that is not UTF-8. Else the errors of open(2). Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_file_open(
    r#loop: rondel_loop,
    path: *const c_char,
    flags: i32,
    mode: i32,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_loop_core(r#loop, |core| {
        // SAFETY: what the caller of this function promises.
        let path = unsafe { self::path(path) }?;
        let (how, mode) = (how(flags)?, permissions(mode)?);
        core.open_on_path(notify(r#fn, user_data), move || Ok(Outcome::from(opening::open(&path, how, mode)?)))
    }))
}

fn how(flags: i32) -> Result<How> {
    let has = |flag| flags & flag != 0;
    let existence = match (has(RONDEL_OPEN_CREATE), has(RONDEL_OPEN_EXCLUSIVE)) {
        (true, true) => Existence::Refused,
        (true, false) => Existence::Optional,
        (false, false) => Existence::Required,
        (false, true) => return Err(Error::EINVAL),
    };
    let how = How {
        read: has(RONDEL_OPEN_READ),
        write: has(RONDEL_OPEN_WRITE),
        append: has(RONDEL_OPEN_APPEND),
        existence,
        truncate: has(RONDEL_OPEN_TRUNCATE),
        no_follow: has(RONDEL_OPEN_NOFOLLOW),
        folder: has(RONDEL_OPEN_FOLDER),
        sync: has(RONDEL_OPEN_SYNC),
    };
    let writes = how.write || how.append;
    let sensible = writes || (how.read && !how.truncate);
    if sensible && (0..512).contains(&flags) { Ok(how) } else { Err(Error::EINVAL) }
}

/// A caller's permission bits.
pub(super) fn permissions(mode: i32) -> Result<u32> {
    u32::try_from(mode).ok().filter(|mode| *mode <= 0o7777).ok_or(Error::EINVAL)
}

/// Takes over an open descriptor (on Windows a file's HANDLE) and gives it a handle. It is used as it is.
///
/// Reading from a pipe or a terminal, or writing to one, may block. Each operation on such a file keeps a thread of the
/// pool's lane for files until the system lets it go, and nothing can end it before: not a cancel, and `rondel_loop_free`
/// waits for it. Other files wait while all threads are kept so. `rondel_pipe_open` and `rondel_tty_open` are for those;
/// `rondel_pool_lane_size` says how many threads there are.
///
/// When the handle of descriptor 0, 1 or 2 is closed, in whichever way, /dev/null stands there from then on, lest the
/// next file or socket to be opened be taken for standard input, output or error.
///
/// `RONDEL_EBADF` if it is none, `RONDEL_EEXIST` if a handle of this loop has it already: it is then still yours. Loop
/// thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_file_open_fd(r#loop: rondel_loop, fd: i64) -> rondel_file {
    number(with_loop_core(r#loop, |core| core.open_file(fd)))
}

/// Closes a file once everything that was started on it is done: the result is 0, or the error with which the system
/// closed it (closed it is in any case), as it may tell of writes that failed late. The descriptors 0, 1 and 2 lead to
/// /dev/null from then on.
///
/// What `rondel_send_file` has still to send of it is not waited for: until that is over the descriptor stays open, and
/// the result tells nothing of its end.
///
/// The handle is refused from now on, and its close notices come after this completes. `rondel_close` is for those who
/// do not care for the rest: it cancels what has not begun. Cancelling the future does not keep the file open. Loop
/// thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_file_close(file: rondel_file, r#fn: rondel_fn, user_data: *mut c_void) -> rondel_future {
    number(with_core(file, |core, handle| core.close_file_when_done(handle, notify(r#fn, user_data))))
}

/// Reads: the result is how many bytes came, at most `capacity`; 0 at the end of the file.
///
/// `offset`: where, counted from the start; `RONDEL_POSITION`: where the last such read or write ended. Operations of
/// one file run side by side, except those at `RONDEL_POSITION` and the writes of a file that appends: they run one
/// after the other, in the order in which they were started. The memory is Rondel's until it completes, also if it is
/// cancelled. `RONDEL_EINVAL` for NULL, a capacity of 0 or another negative offset; else the errors of pread(2), such
/// as `RONDEL_EISDIR`. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_file_read(
    file: rondel_file,
    bytes: *mut c_void,
    capacity: usize,
    offset: i64,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    let room = rondel_room { bytes, length: capacity };
    // SAFETY: what the caller of this function promises.
    unsafe { rondel_file_readv(file, &room, 1, offset, r#fn, user_data) }
}

/// As `rondel_file_read`, into several pieces of memory, one after the other. The array is copied.
///
/// `RONDEL_EINVAL` if there is no piece, more than 1024, or one of them is NULL or of length 0. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_file_readv(
    file: rondel_file,
    pieces: *const rondel_room,
    count: usize,
    offset: i64,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_core(file, |core, handle| {
        core.file_mut(handle)?;
        // SAFETY: what the caller of this function promises.
        let pieces = unsafe { lent_pieces(pieces, count, |room| LentBuffer::new(room.bytes.cast(), room.length)) };
        let pieces = pieces.filter(|pieces| !pieces.is_empty()).ok_or(Error::EINVAL)?;
        core.read_file(handle, pieces, checked_offset(offset)?, notify(r#fn, user_data))
    }))
}

/// Writes: the result is `length`, or an error; how much was written before it is then not told. Only of what has no room
/// for all of it at the moment, and does not wait, the result may be less: see `rondel_file_open`.
///
/// `offset` as for `rondel_file_read`; a file that appends writes at its end whatever it is. The bytes are not copied:
/// they must stay as they are until it completes, also if it is cancelled. `RONDEL_EINVAL` for NULL, an impossible
/// length or another negative offset; else the errors of pwrite(2), such as `RONDEL_ENOSPC`. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_file_write(
    file: rondel_file,
    bytes: *const c_void,
    length: usize,
    offset: i64,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    let buffer = rondel_buffer { bytes, length };
    // SAFETY: what the caller of this function promises.
    unsafe { rondel_file_writev(file, &buffer, 1, offset, r#fn, user_data) }
}

/// As `rondel_file_write`, of several pieces of memory, one after the other. The array is copied.
///
/// `RONDEL_EINVAL` for more than 1024 pieces. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_file_writev(
    file: rondel_file,
    pieces: *const rondel_buffer,
    count: usize,
    offset: i64,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_core(file, |core, handle| {
        core.file_mut(handle)?;
        // SAFETY: what the caller of this function promises.
        let pieces = unsafe { lent_pieces(pieces, count, |piece| LentBytes::new(piece.bytes.cast(), piece.length)) };
        core.write_file(handle, pieces.ok_or(Error::EINVAL)?, checked_offset(offset)?, notify(r#fn, user_data))
    }))
}

/// An operation on a file whose result is 0.
fn simply(
    file: rondel_file,
    r#fn: rondel_fn,
    user_data: *mut c_void,
    check: impl FnOnce() -> Result<()>,
    work: impl FnOnce(&OpenFile) -> std::io::Result<()> + Send + 'static,
) -> rondel_future {
    number(with_core(file, |core, handle| {
        core.file_mut(handle)?;
        check()?;
        core.on_file(handle, Order::Any, notify(r#fn, user_data), |open| Ok(work(open)?))
    }))
}

/// Writes what is known of a file to `*out`, which is Rondel's until it completes. `RONDEL_EINVAL` for NULL. Loop
/// thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_file_fstat(
    file: rondel_file,
    out: *mut rondel_stat,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_core(file, |core, handle| {
        core.file_mut(handle)?;
        // SAFETY: what the caller of this function promises.
        let out = unsafe { LentPlace::new(out) }.ok_or(Error::EINVAL)?;
        core.on_file(handle, Order::Any, notify(r#fn, user_data), |open| {
            out.put(to_stat(&open.stat()?));
            Ok(())
        })
    }))
}

pub(super) fn to_stat(stat: &Stat) -> rondel_stat {
    rondel_stat {
        r#type: stat.kind as i64,
        mode: stat.mode.into(),
        size: stat.size as i64,
        atime: from_time(stat.accessed),
        mtime: from_time(stat.modified),
        ctime: from_time(stat.changed),
        birthtime: from_time(stat.born),
        dev: stat.device,
        ino: stat.inode,
        nlink: stat.links,
        uid: stat.user.into(),
        gid: stat.group.into(),
        rdev: stat.special,
        blksize: stat.block_size as i64,
        blocks: stat.blocks as i64,
        reserved: [0; 5],
    }
}

fn from_time(time: Time) -> i64 {
    match time {
        Time::Ns(ns) => ns,
        Time::Now => RONDEL_TIME_NOW,
        Time::Unknown => RONDEL_TIME_OMIT,
    }
}

/// A caller's time.
pub(super) fn to_time(time: i64) -> Time {
    match time {
        RONDEL_TIME_NOW => Time::Now,
        RONDEL_TIME_OMIT => Time::Unknown,
        ns => Time::Ns(ns),
    }
}

/// A caller's number of a user or group; -1 leaves it as it is.
pub(super) fn to_id(id: i64) -> Result<Option<u32>> {
    match id {
        -1 => Ok(None),
        id => u32::try_from(id).ok().filter(|id| *id != u32::MAX).map(Some).ok_or(Error::EINVAL),
    }
}

/// Cuts a file off at `length` bytes, or fills it up to there with zeros. `RONDEL_EINVAL` for a negative length. See
/// ftruncate(2). Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_file_truncate(
    file: rondel_file,
    length: i64,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    let check = || if length < 0 { Err(Error::EINVAL) } else { Ok(()) };
    simply(file, r#fn, user_data, check, move |open| open.truncate(length as u64))
}

/// Completes when all that was written before it began is on the disk: of writes, those that had completed. See
/// fsync(2). Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_file_sync(file: rondel_file, r#fn: rondel_fn, user_data: *mut c_void) -> rondel_future {
    simply(file, r#fn, user_data, || Ok(()), |open| open.file().sync_all())
}

/// As `rondel_file_sync`, without what reading the bytes back does not need, such as times. See fdatasync(2). Loop
/// thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_file_datasync(file: rondel_file, r#fn: rondel_fn, user_data: *mut c_void) -> rondel_future {
    simply(file, r#fn, user_data, || Ok(()), |open| open.file().sync_data())
}

/// Sets a file's permissions. `RONDEL_EINVAL` for a mode beyond 07777. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_file_fchmod(
    file: rondel_file,
    mode: i32,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    simply(file, r#fn, user_data, || permissions(mode).map(drop), move |open| open.chmod(mode as u32))
}

/// Sets a file's owner and group; -1 leaves one as it is. `RONDEL_EINVAL` for what is no number of one; on Windows
/// `RONDEL_ENOSYS`. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_file_fchown(
    file: rondel_file,
    uid: i64,
    gid: i64,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    let check = || to_id(uid).and(to_id(gid)).map(drop);
    simply(file, r#fn, user_data, check, move |open| open.chown(to_id(uid).unwrap_or(None), to_id(gid).unwrap_or(None)))
}

/// Sets when a file was read and written last: nanoseconds since 1970, `RONDEL_TIME_NOW` or `RONDEL_TIME_OMIT`. Loop
/// thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_file_futime(
    file: rondel_file,
    atime: i64,
    mtime: i64,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    simply(file, r#fn, user_data, || Ok(()), move |open| open.utime(to_time(atime), to_time(mtime)))
}
