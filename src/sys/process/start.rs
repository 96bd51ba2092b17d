// SPDX-License-Identifier: MIT OR Apache-2.0
//! The moment at which one process becomes two, as the parent sees it.

use super::BY_SIGNAL;
use super::child::{Failure, Mask, Plan, Stage, child_main};
use crate::sys::pipes;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

/// Starts the child and waits until it runs its program, or cannot. On Linux, beside its number, the pidfd.
pub fn start(plan: &mut Plan) -> Result<(libc::pid_t, Option<OwnedFd>), Failure> {
    let (told, report) = pipes::pipe().map_err(failed_here)?;
    plan.report = report.as_raw_fd();
    // A handler that ran in the child would run in the parent's memory.
    let mask = Mask::all().apply();
    plan.mask = if plan.keeps_mask() { mask } else { Mask::NONE };
    let started = divide(plan);
    mask.apply();
    let (pid, pidfd) = started.map_err(failed_here)?;
    drop(report);
    // SAFETY: the child may have written to the plan through its own pointer, behind the compiler's back.
    let (began, failure) =
        unsafe { ((&raw const plan.began).read_volatile(), (&raw const plan.failure).read_volatile()) };
    // If the child has this memory too, it is done with it by now, and there is nothing to wait for: a process that some
    // other thread forked at this moment may have the pipe open for long.
    let failure = if began { failure } else { read_failure(&told) };
    match failure {
        None => Ok((pid, pidfd)),
        Some(failure) => {
            reap(pid);
            Err(failure)
        }
    }
}

fn failed_here(error: io::Error) -> Failure {
    Failure { stage: Stage::Start, errno: error.raw_os_error().unwrap_or(libc::EAGAIN) }
}

/// What a child that has memory of its own tells; nothing if its program runs.
fn read_failure(told: &OwnedFd) -> Option<Failure> {
    let mut words = [0i32; 2];
    loop {
        // SAFETY: there is room for two words.
        let count = unsafe { libc::read(told.as_raw_fd(), (&raw mut words).cast(), size_of_val(&words)) };
        if count as usize == size_of_val(&words) {
            let stage = if words[0] == Stage::Cwd as i32 { Stage::Cwd } else { Stage::Program };
            return Some(Failure { stage, errno: words[1] });
        }
        if count >= 0 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return None;
        }
    }
}

/// Takes in a child that could not run its program and ends at once.
fn reap(pid: libc::pid_t) {
    // SAFETY: nothing is asked for but the end.
    while unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) } < 0
        && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
    {}
}

/// The status of a child, if it has ended.
pub fn wait(kind: libc::idtype_t, id: libc::c_int, how: libc::c_int) -> io::Result<Option<i64>> {
    loop {
        // SAFETY: a siginfo of zeros is a place for one, and says that nothing came.
        let (status, info) = unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            let status = libc::waitid(kind, id as libc::id_t, &mut info, libc::WEXITED | libc::WNOHANG | how);
            (status, info)
        };
        if status == 0 {
            // SAFETY: it is of a child, or zeros.
            let value = i64::from(unsafe { info.si_status() });
            return Ok((info.si_signo != 0).then_some(match info.si_code {
                libc::CLD_EXITED => value & 255,
                _ => BY_SIGNAL + value,
            }));
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn divide(plan: &mut Plan) -> io::Result<(libc::pid_t, Option<OwnedFd>)> {
    // SAFETY: the child makes only calls that are safe after a fork, and ends in them.
    unsafe {
        match libc::fork() {
            -1 => Err(io::Error::last_os_error()),
            0 => {
                child_main((&raw mut *plan).cast());
                libc::_exit(127)
            }
            pid => Ok((pid, None)),
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
use linux::divide;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub use linux::pidfd_send_signal;

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux {
    use super::{Plan, child_main};
    use std::io;
    use std::os::fd::{FromRawFd, OwnedFd, RawFd};

    /// Bytes of stack for the child, far more than its few calls need.
    const STACK: usize = 64 * 1024;

    /// The calling thread stands still until the child runs its program or has ended.
    pub fn divide(plan: &mut Plan) -> io::Result<(libc::pid_t, Option<OwnedFd>)> {
        let mut stack: Vec<u128> = Vec::with_capacity(STACK / size_of::<u128>());
        let top = stack.as_mut_ptr_range().start.wrapping_add(stack.capacity());
        let mut pidfd: libc::c_int = -1;
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        // SAFETY: the stack grows down from `top` and lives until the child has left this memory, as does the plan; all
        // signals are blocked, and `child_main` does only what a child that shares its parent's memory may do.
        let mut clone =
            |flags| unsafe { libc::clone(child_main, top.cast(), flags, (&raw mut *plan).cast(), &raw mut pidfd) };
        let mut pid = clone(flags | libc::CLONE_PIDFD);
        if pid < 0 && io::Error::last_os_error().raw_os_error() == Some(libc::EINVAL) {
            pid = clone(flags);
        }
        if pid < 0 {
            return Err(io::Error::last_os_error());
        }
        if pidfd < 0 {
            // The child is not reaped, so the number is still its own.
            // SAFETY: no pointer is passed.
            pidfd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) } as RawFd;
        }
        // SAFETY: it was just made and has no other owner.
        Ok((pid, (pidfd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(pidfd) })))
    }

    pub fn pidfd_send_signal(pidfd: RawFd, signal: i32) -> io::Result<()> {
        let nothing: *const libc::siginfo_t = std::ptr::null();
        // SAFETY: no information goes with the signal.
        let status = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, pidfd, signal, nothing, 0) };
        if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}
