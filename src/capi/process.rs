// SPDX-License-Identifier: MIT OR Apache-2.0
//! Child processes.

use super::types::*;
use super::{done, notify, number, optional_listener, with_core, with_loop_core};
use crate::error::{Error, Result, to_code};
use crate::handle::Handle;
use crate::process::Stdio;
use crate::sys::lent::{LentBytes, LentStrings, c_string};
use crate::sys::process::{self, Flow, Order};
use std::ffi::{c_char, c_void};
use std::mem::{MaybeUninit, offset_of};

/// What a process is to have under one descriptor number.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rondel_stdio {
    /// One of `RONDEL_STDIO_`.
    pub kind: i32,
    /// With `RONDEL_STDIO_SAME` the other number.
    pub other: i32,
    /// With `RONDEL_STDIO_FD` the descriptor, with `RONDEL_STDIO_STREAM` the stream.
    pub fd: i64,
}

/// `rondel_stdio`: what this process has under the same number.
pub const RONDEL_STDIO_INHERIT: i32 = 0;
/// `rondel_stdio`: the null device, which swallows everything and is empty.
pub const RONDEL_STDIO_NULL: i32 = 1;
/// `rondel_stdio`: nothing; the number is not open.
pub const RONDEL_STDIO_CLOSED: i32 = 2;
/// `rondel_stdio`: a descriptor of yours, `fd`, which stays yours (on Windows a handle). The open file is shared, and with
/// it whether reads and writes block: those of a stream's descriptor do not (see `RONDEL_STDIO_STREAM`). Those of a file of
/// this loop that `rondel_file_open` opened do from then on, as programs expect (also with `RONDEL_STDIO_INHERIT`): the file
/// is then as one of `rondel_file_open_fd`. If no process could be started it stays as it was.
pub const RONDEL_STDIO_FD: i32 = 3;
/// `rondel_stdio`: the same as the lower number `other`, as `2>&1` in a shell.
pub const RONDEL_STDIO_SAME: i32 = 4;
/// `rondel_stdio`: a new pipe that the process reads from and you write to, by `rondel_process_stream`.
pub const RONDEL_STDIO_PIPE_IN: i32 = 5;
/// `rondel_stdio`: a new pipe that the process writes to and you read from.
pub const RONDEL_STDIO_PIPE_OUT: i32 = 6;
/// `rondel_stdio`: a new pair of sockets, for both ways.
pub const RONDEL_STDIO_PIPE_BOTH: i32 = 7;
/// `rondel_stdio`: a stream of this loop, `fd`, goes over to the process: one that was accepted, an end of
/// `rondel_pipe_pair`, or what `rondel_process_stream` gives of another process, whose output is then this one's input.
/// There its reads and writes block, as programs expect, and here the handle is closed. If no process could be started it
/// stays as it was. `RONDEL_EBUSY` as for `rondel_detach`, `RONDEL_EOPNOTSUPP` on Windows.
pub const RONDEL_STDIO_STREAM: i32 = 8;

/// How a process is to be run. Set `size`, and whatever else is not to be 0: zeros are the usual.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rondel_process_options {
    /// `sizeof(rondel_process_options)`. Fields beyond it, from `grace` on, are taken to be 0; what lies beyond the fields
    /// known here has to be 0.
    pub size: usize,
    /// The program. A name without a slash is searched in the PATH of the environment that the process gets.
    pub file: *const c_char,
    /// Its arguments, the program's name first, NULL last. NULL: only the name.
    pub argv: *const *const c_char,
    /// Its environment, `NAME=value` each, NULL last. NULL: that of this process.
    pub env: *const *const c_char,
    /// The folder it starts in; NULL: that of this process. A relative `file` is meant from there.
    pub cwd: *const c_char,
    /// What it has under the descriptor numbers 0, 1, 2 and further. Of the first three, those not given are inherited;
    /// everything else is closed.
    pub stdio: *const rondel_stdio,
    /// How many those are; at most 1024.
    pub stdio_count: usize,
    /// Any of `RONDEL_PROCESS_`.
    pub flags: u32,
    /// With `RONDEL_PROCESS_UMASK` the bits that files it makes do not get.
    pub umask: u32,
    /// With `RONDEL_PROCESS_GROUP` the process group it joins; 0: a new one, which it leads.
    pub process_group: i32,
    /// With `RONDEL_PROCESS_UID` the user it runs as.
    pub uid: u32,
    /// With `RONDEL_PROCESS_GID` the group it runs as.
    pub gid: u32,
    /// With `RONDEL_PROCESS_GROUPS` how many further groups it is in; at most 65536.
    pub group_count: u32,
    /// And these.
    pub groups: *const u32,
    /// What `rondel_process_run` gives up is asked to end, by SIGTERM, and has so many nanoseconds for that before it is
    /// killed; 0: it is killed at once, as on Windows always.
    pub grace: i64,
}

/// `rondel_process_options`: a new session, without a terminal, and so a new process group; on Windows no console.
pub const RONDEL_PROCESS_DETACHED: u32 = 1;
/// `rondel_process_options`: `process_group` counts. Not together with `RONDEL_PROCESS_DETACHED`.
pub const RONDEL_PROCESS_GROUP: u32 = 2;
/// `rondel_process_options`: `uid` counts. The further groups are dropped, if they can be and are not given.
pub const RONDEL_PROCESS_UID: u32 = 4;
/// `rondel_process_options`: `gid` counts. The further groups are dropped, if they can be and are not given.
pub const RONDEL_PROCESS_GID: u32 = 8;
/// `rondel_process_options`: `groups` counts.
pub const RONDEL_PROCESS_GROUPS: u32 = 16;
/// `rondel_process_options`: `umask` counts.
pub const RONDEL_PROCESS_UMASK: u32 = 32;
/// `rondel_process_options`: signals that are ignored or blocked here are so there; else none is.
pub const RONDEL_PROCESS_KEEP_SIGNALS: u32 = 64;
/// `rondel_process_options`: it also gets every descriptor beyond those of `stdio` that is not close-on-exec.
pub const RONDEL_PROCESS_KEEP_FDS: u32 = 128;

/// The status of a process that was ended by a signal is this and the signal.
pub const RONDEL_EXIT_SIGNAL: i64 = 4_294_967_296;

/// Any other flag or field is from a version to come.
const FLAGS: u32 = 255;
const MOST_STDIO: usize = 1024;
const MOST_GROUPS: u32 = 65536;

/// Starts a program. When it ends, `fn(process, status, user_data)` is told, once; `fn` may be NULL. If the handle is closed
/// or the loop freed before that, `fn` is not told: free what `user_data` points to in `rondel_on_close`.
///
/// The status is what the program exits with (0 to 255; on Windows any number of 32 bits), or `RONDEL_EXIT_SIGNAL` and
/// the signal that ended it: see `rondel_exit_code` and `rondel_exit_signal`. `RONDEL_ECHILD`: somebody else in this
/// program has taken the status.
///
/// A program that cannot be run is refused here: `RONDEL_ENOENT` where there is none, `RONDEL_EACCES` if it may not be
/// run, `RONDEL_ENOEXEC` for no program, `RONDEL_ECWD` if `cwd` cannot be entered, whatever the reason, as each may be the
/// program's too (`rondel_file_access` of it with `RONDEL_ACCESS_EXECUTE` tells which it is), `RONDEL_EPERM` for a user, group
/// or process group it may not have, `RONDEL_EBADF` for a descriptor that is not open, `RONDEL_EAGAIN`, `RONDEL_ENOMEM`,
/// `RONDEL_EMFILE`. `RONDEL_EINVAL` for options that make no sense, `RONDEL_EOPNOTSUPP` for those that the system does not
/// have. The options are yours again when this returns.
///
/// The process gets no descriptor but those of `stdio`, and every signal as it is by default. It keeps `rondel_run` going
/// until it ends. Closing its handle, or freeing the loop, does not end it, and no zombie is left of it (one that leads a
/// group is a zombie from its end until its handle is closed: see `rondel_process_kill_group`), as a thread of the
/// library's own waits for those that outlive their loop; pipes that
/// `rondel_process_stream` never gave out are closed with the handle. What it wrote to its pipes can be read after its
/// end: read until `RONDEL_EOF`. SIGCHLD is handled, as by `rondel_signal_start`, only while there are children on a system
/// without pidfds (Linux has them from 5.3 on). Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_process_spawn(
    r#loop: rondel_loop,
    options: *const rondel_process_options,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_process {
    number(with_loop_core(r#loop, |core| {
        // SAFETY: what the caller of this function promises.
        let (order, stdio, _) = unsafe { take_options(options, [Stdio::Inherited; 3])? };
        core.spawn_process(order, &stdio, optional_listener(r#fn, user_data)?)
    }))
}

/// Waits for the end of the process: the result is its status, as for `rondel_process_spawn`.
///
/// Any number may wait, also when it has ended. Cancelled, the process goes on. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_process_wait(
    process: rondel_process,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_core(process, |core, handle| core.wait_for_process(handle, notify(r#fn, user_data))))
}

/// Sends the process a signal; 0 only asks whether it can be sent. On Windows SIGTERM, SIGKILL and SIGINT end it.
///
/// It never hits another process that got the number later: `RONDEL_ESRCH` if this one has ended. `RONDEL_EINVAL` for no
/// signal, `RONDEL_EPERM` if it may not be sent. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_process_kill(process: rondel_process, signum: i32) -> i64 {
    done(with_core(process, |core, handle| core.kill_process(handle, signum, false)))
}

/// As `rondel_process_kill`, to every process of the group that this one leads, as one does that was started with
/// `RONDEL_PROCESS_DETACHED`, or with `RONDEL_PROCESS_GROUP` and 0: it and what it started.
///
/// Also when the leader has ended: until its handle is closed it is not reaped, so that the group's number is no other's,
/// and what it left behind can be ended. A signal to a group of which only the leader is left, ended, reaches nobody, and
/// is mostly no error. `RONDEL_ESRCH` if somebody else in this program has taken the status, `RONDEL_EINVAL` if it leads no
/// group. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_process_kill_group(process: rondel_process, signum: i32) -> i64 {
    done(with_core(process, |core, handle| core.kill_process(handle, signum, true)))
}

/// The number by which the system knows the process, also when it has ended. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_process_pid(process: rondel_process) -> i64 {
    to_code(with_core(process, |core, handle| core.process_id(handle)))
}

/// Your end of the pipe that the process has under descriptor `fd`: a stream to write to for `RONDEL_STDIO_PIPE_IN`, to
/// read from for `RONDEL_STDIO_PIPE_OUT`. From now on it is yours to close.
///
/// The process sees the end of its input when the stream is closed. `RONDEL_EINVAL` if it has no new pipe there. Loop
/// thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_process_stream(process: rondel_process, fd: i32) -> rondel_pipe {
    number(with_core(process, |core, handle| {
        core.process_id(handle)?;
        core.process_stream(handle, usize::try_from(fd).map_err(|_| Error::EINVAL)?)
    }))
}

/// Runs a program to its end: the result is its status, as for `rondel_process_spawn`; `rondel_process_output` gives what
/// it wrote.
///
/// It is fed `length` bytes of `input`, and what it writes to its standard output and error is collected, up to `limit`
/// bytes of each (0: without limit). Where `stdio` says otherwise of one of the three, it is so: only new pipes are fed and
/// collected, and there may be none beyond the third. It is done when the process has ended and so have its pipes, which
/// processes that it left behind may still have.
///
/// Cancelled, timed out, or with more output than `limit` (`RONDEL_EMSGSIZE`), the process is killed by SIGKILL, with its
/// group if it leads one, also when it has ended itself, and this completes when it is reaped; what was collected until then
/// stays. With a `grace` in the options they get SIGTERM instead, and SIGKILL only if the process has not ended, or others
/// of its group have its pipes, when that time is over: until then it is fed, and what is said is collected.
/// `rondel_loop_free` kills at once, and waits for nothing. Fails at once as `rondel_process_spawn` does, and with
/// `RONDEL_EINVAL` if `input` is NULL with a length. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_process_run(
    r#loop: rondel_loop,
    options: *const rondel_process_options,
    input: *const c_void,
    length: usize,
    limit: usize,
    r#fn: rondel_fn,
    user_data: *mut c_void,
) -> rondel_future {
    number(with_loop_core(r#loop, |core| {
        // SAFETY: what the caller of this function promises.
        let input = unsafe { LentBytes::new(input.cast(), length) }.ok_or(Error::EINVAL)?;
        let stdin = if length == 0 { Stdio::Null } else { Stdio::Pipe(Flow::ToChild) };
        let usual = [stdin, Stdio::Pipe(Flow::FromChild), Stdio::Pipe(Flow::FromChild)];
        // SAFETY: what the caller of this function promises.
        let (order, stdio, grace) = unsafe { take_options(options, usual)? };
        let limit = if limit == 0 { usize::MAX } else { limit };
        core.run_process(order, &stdio, input.slice(), limit, grace, notify(r#fn, user_data))
    }))
}

/// Points `*bytes` to what a process of `rondel_process_run` wrote to its standard output (`fd` 1) or error (2), and gives
/// how many bytes there are. A NUL follows them. `bytes` may be NULL.
///
/// They stay valid as long as the future: in its callback, or while it is kept; also if it failed. `RONDEL_EAGAIN` while it
/// is pending, `RONDEL_EINVAL` for another `fd`, `RONDEL_EKIND` for the future of another operation. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_process_output(future: rondel_future, fd: i32, bytes: *mut *const u8) -> i64 {
    to_code(with_core(future, |core, handle| {
        let output = core.process_output(handle, usize::try_from(fd).unwrap_or(0))?;
        if !bytes.is_null() {
            // SAFETY: the caller promises a place for a pointer.
            unsafe { bytes.write(output.as_ptr()) };
        }
        Ok(output.len() as i64)
    }))
}

/// The code that a process exited with, of its status; `RONDEL_EINTR` if a signal ended it. A negative status comes back
/// as it is. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_exit_code(status: i64) -> i64 {
    if status >= RONDEL_EXIT_SIGNAL { Error::EINTR.code() } else { status }
}

/// The signal that ended a process, of its status; 0 if it exited by itself. A negative status comes back as it is. Any
/// thread.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_exit_signal(status: i64) -> i64 {
    if status >= RONDEL_EXIT_SIGNAL { status - RONDEL_EXIT_SIGNAL } else { status.min(0) }
}

/// # Safety
/// `options` is NULL or points to as many bytes as its size says, and everything it points to lives as long as `'a`.
/// `usual`: what the first three are that are not given.
unsafe fn take_options<'a>(
    options: *const rondel_process_options,
    usual: [Stdio; 3],
) -> Result<(Order<'a>, Vec<Stdio>, i64)> {
    // SAFETY: the promise of this function.
    let options = unsafe { options_of(options) }?;
    let flag = |flag: u32| options.flags & flag != 0;
    // SAFETY: the promise of this function.
    let (file, cwd, argv, env) = unsafe {
        (c_string(options.file), c_string(options.cwd), LentStrings::new(options.argv), LentStrings::new(options.env))
    };
    let no_sense = options.flags & !FLAGS != 0
        || (flag(RONDEL_PROCESS_DETACHED) && flag(RONDEL_PROCESS_GROUP))
        || (flag(RONDEL_PROCESS_GROUP) && options.process_group < 0)
        || (flag(RONDEL_PROCESS_UMASK) && options.umask > 0o777)
        || (flag(RONDEL_PROCESS_GROUPS) && options.group_count > 0 && options.groups.is_null())
        || options.group_count > MOST_GROUPS
        || options.grace < 0
        || options.stdio_count > MOST_STDIO
        || (options.stdio_count > 0 && options.stdio.is_null())
        || argv.is_some_and(LentStrings::is_empty);
    if no_sense {
        return Err(Error::EINVAL);
    }
    // SAFETY: the promise of this function.
    let (stdio, groups) =
        unsafe { (slice(options.stdio, options.stdio_count), slice(options.groups, options.group_count as usize)) };
    let mut stdio = stdio.iter().map(take_stdio).collect::<Result<Vec<Stdio>>>()?;
    stdio.extend((stdio.len()..3).map(|number| usual[number]));
    let order = Order {
        file: file.ok_or(Error::EINVAL)?,
        argv,
        env,
        cwd,
        ends: Vec::new(),
        new_session: flag(RONDEL_PROCESS_DETACHED),
        process_group: flag(RONDEL_PROCESS_GROUP).then_some(options.process_group),
        umask: flag(RONDEL_PROCESS_UMASK).then_some(options.umask),
        user: flag(RONDEL_PROCESS_UID).then_some(options.uid),
        group: flag(RONDEL_PROCESS_GID).then_some(options.gid),
        groups: flag(RONDEL_PROCESS_GROUPS).then(|| groups.to_vec()),
        keeps_signals: flag(RONDEL_PROCESS_KEEP_SIGNALS),
        keeps_descriptors: flag(RONDEL_PROCESS_KEEP_FDS),
    };
    Ok((order, stdio, options.grace))
}

/// A caller's options, which may be of an earlier or a later version.
///
/// # Safety
/// `options` is NULL or points to as many bytes as its size says.
unsafe fn options_of(options: *const rondel_process_options) -> Result<rondel_process_options> {
    const KNOWN: usize = size_of::<rondel_process_options>();
    const MOST: usize = KNOWN + 4096;
    // Where fields end that were the last ones once, and what fills a struct up behind them.
    let ends = offset_of!(rondel_process_options, groups) + size_of::<*const u32>();
    let without_grace = ends..=offset_of!(rondel_process_options, grace);
    if options.is_null() {
        return Err(Error::EINVAL);
    }
    let mut taken = MaybeUninit::<rondel_process_options>::zeroed();
    // SAFETY: the size stands first, and the promise of this function. All fields may be zero.
    unsafe {
        let size = options.cast::<usize>().read();
        if !without_grace.contains(&size) && !(KNOWN..=MOST).contains(&size) {
            return Err(Error::EINVAL);
        }
        let (from, to) = (options.cast::<u8>(), taken.as_mut_ptr().cast::<u8>());
        to.copy_from_nonoverlapping(from, size.min(KNOWN));
        if size > KNOWN && std::slice::from_raw_parts(from.add(KNOWN), size - KNOWN).iter().any(|byte| *byte != 0) {
            return Err(Error::EINVAL);
        }
        Ok(taken.assume_init())
    }
}

fn take_stdio(stdio: &rondel_stdio) -> Result<Stdio> {
    Ok(match stdio.kind {
        RONDEL_STDIO_INHERIT => Stdio::Inherited,
        RONDEL_STDIO_NULL => Stdio::Null,
        RONDEL_STDIO_CLOSED => Stdio::Closed,
        RONDEL_STDIO_FD => Stdio::Given(stdio.fd),
        RONDEL_STDIO_SAME => Stdio::Same(usize::try_from(stdio.other).map_err(|_| Error::EINVAL)?),
        RONDEL_STDIO_PIPE_IN => Stdio::Pipe(Flow::ToChild),
        RONDEL_STDIO_PIPE_OUT => Stdio::Pipe(Flow::FromChild),
        RONDEL_STDIO_PIPE_BOTH => Stdio::Pipe(Flow::BothWays),
        RONDEL_STDIO_STREAM => Stdio::Stream(Handle::from_caller(stdio.fd)?),
        _ => return Err(Error::EINVAL),
    })
}

/// # Safety
/// `start` points to so many items if there are any, which live as long as `'a`.
unsafe fn slice<'a, T>(start: *const T, count: usize) -> &'a [T] {
    // SAFETY: the promise of this function.
    if count == 0 || start.is_null() { &[] } else { unsafe { std::slice::from_raw_parts(start, count) } }
}

const _: () = assert!(RONDEL_EXIT_SIGNAL == process::BY_SIGNAL);
