// SPDX-License-Identifier: MIT OR Apache-2.0
//! Child processes on Windows: started by the standard library, which knows how arguments are quoted and programs are
//! found there. The thread pool of the system tells of their end.
//!
//! A pipe is a connection over loopback whose other end is no overlapped socket, so that a program can read and write it
//! as any handle. There are no descriptors beyond the third, no users and no signals; what ends a process by force is
//! said to be the signal it was asked for by.

use crate::error::{Error, Result};
use crate::sys::Source;
use crate::sys::lent::LentStrings;
use socket2::{Domain, SockAddr, Socket, Type};
use std::cell::Cell;
use std::ffi::{CStr, OsStr, c_void};
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::os::windows::io::{
    AsRawHandle, BorrowedHandle, FromRawHandle, FromRawSocket, IntoRawSocket, OwnedHandle, RawHandle,
};
use std::os::windows::process::CommandExt;
use std::process::{Command, Stdio};
use windows_sys::Win32::Foundation::{GetHandleInformation, HANDLE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::Networking::WinSock as ws;
use windows_sys::Win32::System::Console::{CTRL_BREAK_EVENT, GenerateConsoleCtrlEvent};
use windows_sys::Win32::System::Threading::{
    CREATE_NEW_PROCESS_GROUP, DETACHED_PROCESS, INFINITE, RegisterWaitForSingleObject, TerminateProcess,
    UnregisterWaitEx, WT_EXECUTEONLYONCE,
};

/// There is no signal that tells of a child's end.
pub const CHILD_ENDED: i32 = 0;
/// Ends a process whatever it does.
pub const KILL: i32 = 9;
/// There is no way to ask a process to end.
pub const STOP: Option<i32> = None;
/// More than any status of a process that ended by itself; with a signal added, that of one that was ended by force.
pub const BY_SIGNAL: i64 = 1 << 32;

const INTERRUPT: i32 = 2;
const TERMINATE: i32 = 15;
/// The working folder is none.
const ERROR_DIRECTORY: i32 = 267;
const ERROR_BAD_EXE_FORMAT: i32 = 193;

/// What a child is to have as its standard input, output or error.
pub enum End {
    Closed,
    Inherited,
    Given(RawHandle),
    Owned(OwnedHandle),
    Null,
    /// What it has under this lower number.
    Same(usize),
}

/// A caller's handle.
pub fn given(number: i64) -> Result<End> {
    let mut flags = 0;
    // SAFETY: there is a place for the flags; the system refuses what is no handle.
    if number <= 0 || unsafe { GetHandleInformation(number as isize as HANDLE, &mut flags) } == 0 {
        return Err(Error::EBADF);
    }
    Ok(End::Given(number as isize as RawHandle))
}

/// What this process has under the same number.
pub fn inherited(_: usize) -> Result<End> {
    Ok(End::Inherited)
}

/// What is to be run, and how.
pub struct Order<'a> {
    pub file: &'a CStr,
    pub argv: Option<LentStrings>,
    pub env: Option<LentStrings>,
    pub cwd: Option<&'a CStr>,
    pub ends: Vec<End>,
    pub new_session: bool,
    pub process_group: Option<i32>,
    pub umask: Option<u32>,
    pub user: Option<u32>,
    pub group: Option<u32>,
    pub groups: Option<Vec<u32>>,
    #[allow(dead_code)] // There are no signals,
    pub keeps_signals: bool,
    #[allow(dead_code)] // and no handle is inherited that was not made for it.
    pub keeps_descriptors: bool,
}

/// Who reads from a pipe and who writes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    ToChild,
    FromChild,
    BothWays,
}

/// A pipe to a child: our end, which does not block, and the child's.
pub fn pipe(flow: Flow) -> Result<(Source, End)> {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    listener.bind(&SockAddr::from(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))))?;
    listener.listen(1)?;
    let plain = ws::WSA_FLAG_NO_HANDLE_INHERIT;
    // SAFETY: no protocol is given. Winsock was started by the listener.
    let raw =
        unsafe { ws::WSASocketW(i32::from(ws::AF_INET), ws::SOCK_STREAM, ws::IPPROTO_TCP, std::ptr::null(), 0, plain) };
    if raw == ws::INVALID_SOCKET {
        return Err(io::Error::last_os_error().into());
    }
    // SAFETY: it was just made and has no other owner.
    let theirs = unsafe { Socket::from_raw_socket(raw as _) };
    theirs.connect(&listener.local_addr()?)?;
    let (ours, peer) = listener.accept()?;
    if peer.as_socket() != theirs.local_addr()?.as_socket() {
        return Err(Error::ECONNABORTED);
    }
    theirs.set_tcp_nodelay(true)?;
    ours.set_tcp_nodelay(true)?;
    ours.set_nonblocking(true)?;
    match flow {
        Flow::ToChild => theirs.shutdown(Shutdown::Write)?,
        Flow::FromChild => ours.shutdown(Shutdown::Write)?,
        Flow::BothWays => {}
    }
    // SAFETY: a socket is a handle, and this one has no other owner any more.
    let theirs = unsafe { OwnedHandle::from_raw_handle(theirs.into_raw_socket() as RawHandle) };
    Ok((Source::from_socket(ours)?, End::Owned(theirs)))
}

/// What swallows everything and has nothing to read.
pub fn null_device() -> Result<End> {
    Ok(End::Null)
}

fn copy(handle: RawHandle) -> Result<Stdio> {
    // SAFETY: the caller lends it for the time of the call; if it is no handle the system refuses.
    let borrowed = unsafe { BorrowedHandle::borrow_raw(handle) };
    Ok(borrowed.try_clone_to_owned().map_err(|_| Error::EBADF)?.into())
}

fn stdio(ends: &[End], number: usize) -> Result<Stdio> {
    match ends.get(number) {
        None | Some(End::Inherited) => Ok(Stdio::inherit()),
        Some(End::Closed | End::Null) => Ok(Stdio::null()),
        Some(End::Given(handle)) => copy(*handle),
        Some(End::Owned(handle)) => copy(handle.as_raw_handle()),
        Some(End::Same(other)) => match &ends[*other] {
            // The parent's own of that number cannot be named here.
            End::Inherited => Err(Error::EOPNOTSUPP),
            _ => stdio(ends, *other),
        },
    }
}

fn text(text: &CStr) -> Result<&OsStr> {
    text.to_str().map(OsStr::new).map_err(|_| Error::EINVAL)
}

/// Starts a process. The child's ends of pipes are closed with the order.
pub fn spawn(order: &Order<'_>) -> Result<Child> {
    let asks_too_much = order.umask.is_some()
        || order.user.is_some()
        || order.group.is_some()
        || order.groups.is_some()
        || order.process_group.is_some_and(|group| group != 0)
        || order.ends.iter().skip(3).any(|end| !matches!(end, End::Closed));
    if asks_too_much {
        return Err(Error::EOPNOTSUPP);
    }
    let mut command = Command::new(text(order.file)?);
    for argument in order.argv.into_iter().flat_map(|argv| argv.iter().skip(1)) {
        command.arg(text(argument)?);
    }
    if let Some(env) = order.env {
        command.env_clear();
        for variable in env.iter() {
            let (name, value) = variable.to_str().ok().and_then(|v| v.split_once('=')).ok_or(Error::EINVAL)?;
            command.env(name, value);
        }
    }
    if let Some(cwd) = order.cwd {
        command.current_dir(text(cwd)?);
    }
    command.creation_flags(match (order.new_session, order.process_group) {
        (true, _) => DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP,
        (false, Some(_)) => CREATE_NEW_PROCESS_GROUP,
        (false, None) => 0,
    });
    command.stdin(stdio(&order.ends, 0)?).stdout(stdio(&order.ends, 1)?).stderr(stdio(&order.ends, 2)?);
    match command.spawn() {
        Ok(process) => Ok(Child { wait: None, process, ended_by: Cell::new(0) }),
        Err(error) => Err(match error.raw_os_error() {
            Some(ERROR_DIRECTORY) => Error::ECWD,
            Some(ERROR_BAD_EXE_FORMAT) => Error::ENOEXEC,
            None if error.kind() == io::ErrorKind::NotFound => Error::ENOENT,
            _ => error.into(),
        }),
    }
}

pub struct Child {
    /// Before the process, whose handle it uses: it is dropped first.
    wait: Option<Wait>,
    process: std::process::Child,
    /// The signal by which it was ended here.
    ended_by: Cell<i32>,
}

/// A registered wait for the end of a process.
struct Wait {
    handle: HANDLE,
    tell: *mut Tell,
}

struct Tell(Option<Box<dyn FnOnce() + Send>>);

// SAFETY: the system's thread uses `tell` only until `drop` has unregistered the wait.
unsafe impl Send for Wait {}

unsafe extern "system" fn on_end(tell: *mut c_void, _timed_out: bool) {
    // SAFETY: it is the `Tell` that was registered, called once, and freed only after the wait was unregistered.
    if let Some(tell) = unsafe { (*tell.cast::<Tell>()).0.take() } {
        tell();
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        // SAFETY: the wait was registered; with this handle the call waits until the function has returned, if it runs.
        unsafe {
            UnregisterWaitEx(self.handle, INVALID_HANDLE_VALUE);
            drop(Box::from_raw(self.tell));
        }
    }
}

impl Child {
    pub fn pid(&self) -> i64 {
        self.process.id().into()
    }

    /// No descriptor tells of its end: see `call_when_ended`.
    pub fn source(&self) -> Option<&Source> {
        None
    }

    /// Its status, if it has ended.
    pub fn try_reap(&mut self) -> Option<Result<i64>> {
        match self.process.try_wait() {
            Ok(None) => None,
            Ok(Some(_)) if self.ended_by.get() != 0 => Some(Ok(BY_SIGNAL + i64::from(self.ended_by.get()))),
            Ok(Some(status)) => Some(Ok(i64::from(status.code().unwrap_or(0) as u32))),
            Err(error) => Some(Err(error.into())),
        }
    }

    /// The same: as long as its handle is there, its number is no other process's.
    pub fn try_see(&mut self) -> Option<Result<i64>> {
        self.try_reap()
    }

    /// Has `tell` called from some thread when it has ended.
    pub fn call_when_ended(&mut self, tell: impl FnOnce() + Send + 'static) -> bool {
        self.wait = None;
        let tell = Box::into_raw(Box::new(Tell(Some(Box::new(tell)))));
        let mut handle: HANDLE = std::ptr::null_mut();
        // SAFETY: the process's handle and `tell` live until the wait is unregistered.
        let registered = unsafe {
            let process = self.process.as_raw_handle() as HANDLE;
            RegisterWaitForSingleObject(&mut handle, process, Some(on_end), tell.cast(), INFINITE, WT_EXECUTEONLYONCE)
        };
        if registered == 0 {
            // SAFETY: nobody else has it.
            drop(unsafe { Box::from_raw(tell) });
            return false;
        }
        self.wait = Some(Wait { handle, tell });
        true
    }

    /// Ends it, if the signal is one that does.
    pub fn kill(&self, signal: i32) -> Result<()> {
        match signal {
            0 => Ok(()),
            KILL | TERMINATE | INTERRUPT => {
                // SAFETY: the handle is the process's own.
                if unsafe { TerminateProcess(self.process.as_raw_handle() as HANDLE, 1) } == 0 {
                    return Err(Error::ESRCH);
                }
                self.ended_by.set(signal);
                Ok(())
            }
            _ => Err(Error::EOPNOTSUPP),
        }
    }

    /// Sends Ctrl-Break to every process of the group that it leads.
    pub fn kill_group(&self, signal: i32) -> Result<()> {
        if signal == 0 {
            return Ok(());
        }
        // SAFETY: no pointer is passed.
        if unsafe { GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, self.process.id()) } == 0 {
            return Err(io::Error::last_os_error().into());
        }
        Ok(())
    }

    /// Nobody wants to know of its end any more. Windows keeps nothing of it.
    pub fn abandon(self) {}
}

/// Whether it is a signal, or 0.
pub fn is_signal(signal: i32) -> bool {
    (0..=64).contains(&signal)
}
