// SPDX-License-Identifier: MIT OR Apache-2.0
//! Child processes: starting them, hearing of their end, and never leaving a zombie.
//!
//! On Linux the child shares the parent's memory until it runs its program (`clone` with `CLONE_VM | CLONE_VFORK`), so
//! a large heap costs nothing; elsewhere it is a plain fork. Everything the child needs is made ready before. Its end is
//! told by a pidfd where the kernel has them, else by SIGCHLD.

mod abandoned;
mod child;
mod start;

use crate::error::{Error, Result};
use crate::sys::Source;
use crate::sys::forks;
use crate::sys::lent::LentStrings;
use crate::sys::pipes;
use crate::sys::unix::{Means, Ways};
use child::{Plan, Stage};
use std::ffi::{CStr, CString, c_char};
use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// The signal that tells of a child's end.
pub const CHILD_ENDED: i32 = libc::SIGCHLD;
/// Ends a process whatever it does.
pub const KILL: i32 = libc::SIGKILL;
/// Asks a process to end, if the system has such a thing.
pub const STOP: Option<i32> = Some(libc::SIGTERM);
/// More than any status of a process that ended by itself; with a signal added, that of one that the signal ended.
pub const BY_SIGNAL: i64 = 1 << 32;

/// What a child is to have under one descriptor number.
pub enum End {
    Closed,
    /// What the parent has under this number.
    Inherited,
    /// A descriptor of the caller's.
    Given(RawFd),
    Owned(OwnedFd),
    /// What it has under this lower number.
    Same(usize),
}

/// A caller's descriptor.
pub fn given(number: i64) -> Result<End> {
    let raw = super::raw_source(number)?;
    if super::is_open(raw) { Ok(End::Given(raw)) } else { Err(Error::EBADF) }
}

/// What this process has under the same number. It may have closed one of the standard ones; a further one was asked for.
pub fn inherited(number: usize) -> Result<End> {
    match given(number as i64) {
        Ok(_) => Ok(End::Inherited),
        Err(_) if number <= 2 => Ok(End::Closed),
        Err(error) => Err(error),
    }
}

/// What is to be run, and how.
pub struct Order<'a> {
    pub file: &'a CStr,
    pub argv: Option<LentStrings>,
    pub env: Option<LentStrings>,
    pub cwd: Option<&'a CStr>,
    pub ends: Vec<End>,
    pub new_session: bool,
    /// The process group to join; 0: one of its own.
    pub process_group: Option<i32>,
    pub umask: Option<u32>,
    pub user: Option<u32>,
    pub group: Option<u32>,
    pub groups: Option<Vec<u32>>,
    pub keeps_signals: bool,
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
    let (ours, theirs) = match flow {
        Flow::BothWays => {
            let (ours, theirs) = socket2::Socket::pair(socket2::Domain::UNIX, socket2::Type::STREAM, None)?;
            ours.set_nonblocking(true)?;
            return Ok((Source::from_socket(ours)?, End::Owned(theirs.into())));
        }
        Flow::ToChild => {
            let (read, write) = pipes::pipe()?;
            (write, read)
        }
        Flow::FromChild => pipes::pipe()?,
    };
    Ok((Source::from_descriptor(ours)?, End::Owned(theirs)))
}

/// What swallows everything and has nothing to read.
pub fn null_device() -> Result<End> {
    // SAFETY: the path is a C string.
    let fd = unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) };
    if fd < 0 {
        return Err(io::Error::last_os_error().into());
    }
    // SAFETY: it was just made and has no other owner.
    Ok(End::Owned(unsafe { OwnedFd::from_raw_fd(fd) }))
}

/// A child that has not been reaped: as long as that is so, its number is no other process's.
pub struct Child {
    pid: libc::pid_t,
    pidfd: Option<Source>,
    /// In which process it was started: to a child of that one it is nothing.
    parent: u32,
}

/// Starts a process. What kept its program from running is the error; the child's ends of pipes are closed here.
pub fn spawn(order: &Order<'_>) -> Result<Child> {
    let candidates = candidates(order)?;
    let mut plan = Plan::new(order, &candidates);
    let (pid, pidfd) = start::start(&mut plan).map_err(|failure| match failure.stage {
        Stage::Cwd => Error::ECWD,
        _ => Error::from_os(failure.errno),
    })?;
    let pidfd = pidfd.map(|fd| Source::new(fd, Means::Device(Ways::In)));
    Ok(Child { pid, pidfd, parent: forks::count() })
}

/// Where the program may be, in the order in which it is looked for: a name without a slash is searched in the PATH that
/// the child gets.
fn candidates(order: &Order<'_>) -> Result<Vec<CString>> {
    let file = order.file.to_bytes();
    if file.is_empty() {
        return Err(Error::ENOENT);
    }
    if file.contains(&b'/') {
        return Ok(vec![order.file.to_owned()]);
    }
    let mut env = order.env.or_else(environment).into_iter().flat_map(LentStrings::iter);
    let path = env.find_map(|text| text.to_bytes().strip_prefix(b"PATH="));
    let folders = path.unwrap_or(b"/bin:/usr/bin").split(|byte| *byte == b':');
    folders
        .map(|folder| {
            let slash: &[u8] = if folder.is_empty() { b"" } else { b"/" };
            CString::new([folder, slash, file].concat()).map_err(|_| Error::EINVAL)
        })
        .collect()
}

/// The environment of this process; `None`: it has cleared it.
fn environment() -> Option<LentStrings> {
    #[cfg(target_vendor = "apple")]
    // SAFETY: it gives the place of the variable, which is always there.
    let start: *const *const c_char = unsafe { (*libc::_NSGetEnviron()).cast_const().cast() };
    #[cfg(not(target_vendor = "apple"))]
    // SAFETY: every Unix has this variable; it is read as the C library itself reads it.
    let start = unsafe {
        unsafe extern "C" {
            static environ: *const *const c_char;
        }
        environ
    };
    // SAFETY: whoever changes the environment while a program is started breaks every caller of the C library, too.
    unsafe { LentStrings::new(start) }
}

impl Child {
    pub fn pid(&self) -> i64 {
        self.pid.into()
    }

    /// What becomes readable when it has ended; `None`: SIGCHLD tells.
    pub fn source(&self) -> Option<&Source> {
        self.pidfd.as_ref()
    }

    /// Its status, if it has ended: it is reaped, and this is not to be called again. `ECHILD` if somebody else has done
    /// that.
    pub fn try_reap(&mut self) -> Option<Result<i64>> {
        self.look(0)
    }

    /// As `try_reap`, and leaves it where it is: until it is reaped its number, and that of a group that it leads, is
    /// nobody else's.
    pub fn try_see(&self) -> Option<Result<i64>> {
        self.look(libc::WNOWAIT)
    }

    fn look(&self, how: libc::c_int) -> Option<Result<i64>> {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if let Some(pidfd) = &self.pidfd {
            // This very child: whatever else has its number by now is left alone.
            match start::wait(libc::P_PIDFD, pidfd.raw(), how) {
                // The kernel waits by number only.
                Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {}
                ended => return ended.map_err(Error::from).transpose(),
            }
        }
        start::wait(libc::P_PID, self.pid, how).map_err(Error::from).transpose()
    }

    /// Has `tell` called from some thread when it has ended, if the system can do that.
    pub fn call_when_ended(&mut self, _tell: impl FnOnce() + Send + 'static) -> bool {
        false
    }

    fn check_parent(&self) -> Result<()> {
        if self.parent == forks::count() { Ok(()) } else { Err(Error::ESRCH) }
    }

    /// Sends it a signal.
    pub fn kill(&self, signal: i32) -> Result<()> {
        self.check_parent()?;
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if let Some(pidfd) = &self.pidfd {
            match start::pidfd_send_signal(pidfd.raw(), signal) {
                Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => {}
                result => return result.map_err(Error::from),
            }
        }
        // SAFETY: no pointer is passed. It is not reaped, so the number is still its own.
        if unsafe { libc::kill(self.pid, signal) } == 0 { Ok(()) } else { Err(io::Error::last_os_error().into()) }
    }

    /// Sends a signal to every process of the group that it leads, also when it has ended itself.
    pub fn kill_group(&self, signal: i32) -> Result<()> {
        self.check_parent()?;
        // Somebody else may have reaped it.
        if let Some(Err(_)) = self.try_see() {
            return Err(Error::ESRCH);
        }
        // SAFETY: as above; a group's number is not used again as long as its leader's is not.
        if unsafe { libc::kill(-self.pid, signal) } == 0 { Ok(()) } else { Err(io::Error::last_os_error().into()) }
    }

    /// Nobody wants to know of its end any more, but it is reaped all the same, by a thread that waits for it.
    pub fn abandon(mut self) {
        self.pidfd = None;
        if self.try_reap().is_none() {
            abandoned::take(self);
        }
    }
}

/// Whether a signal can be sent: 0 only asks.
pub fn is_signal(signal: i32) -> bool {
    (0..super::signals::LIMIT).contains(&signal)
}
