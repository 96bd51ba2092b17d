// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the child does until it runs its program.
//!
//! It may share its memory with the parent, whose other threads go on, and it may have been forked while one of them held
//! any lock. So nothing here allocates, locks or touches anything but the plan and the kernel; on Linux the calls that
//! the C library extends to all threads of a process (which would be the parent's) go to the kernel directly.

use super::{End, Order, environment};
use crate::sys::lent::LentStrings;
use std::ffi::{CString, c_char, c_void};
use std::os::fd::{AsRawFd, RawFd};
use std::ptr::{null, null_mut};

/// An environment of nothing.
static NO_STRINGS: [usize; 1] = [0];

/// Everything the child needs, made ready by the parent.
pub struct Plan {
    candidates: Vec<*const c_char>,
    argv: *const *const c_char,
    own_argv: [*const c_char; 2],
    env: *const *const c_char,
    cwd: *const c_char,
    ends: Vec<Slot>,
    new_session: bool,
    process_group: Option<libc::pid_t>,
    umask: Option<libc::mode_t>,
    user: Option<libc::uid_t>,
    group: Option<libc::gid_t>,
    groups: Option<Vec<libc::gid_t>>,
    must_set_groups: bool,
    keeps_signals: bool,
    /// Others than those of `ends` are closed; `None`: they are kept. On old systems they are looked for up to this one.
    last_descriptor: Option<RawFd>,
    /// Where to tell the parent what went wrong, if its memory is not shared.
    pub report: RawFd,
    /// What the parent sees of the child if its memory is shared.
    pub began: bool,
    pub failure: Option<Failure>,
    /// The signals that the caller's thread has blocked.
    pub mask: Mask,
}

/// What the child has under one number.
#[derive(Clone, Copy)]
enum Slot {
    Closed,
    Inherited,
    From(RawFd),
    Same(usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Stage {
    Start = 0,
    Descriptors = 1,
    Cwd = 2,
    Identity = 3,
    Program = 4,
}

#[derive(Clone, Copy)]
pub struct Failure {
    pub stage: Stage,
    pub errno: i32,
}

impl Plan {
    pub fn new(order: &Order<'_>, candidates: &[CString]) -> Plan {
        let ends = order.ends.iter().map(|end| match end {
            End::Closed => Slot::Closed,
            End::Inherited => Slot::Inherited,
            End::Given(fd) => Slot::From(*fd),
            End::Owned(fd) => Slot::From(fd.as_raw_fd()),
            End::Same(index) => Slot::Same(*index),
        });
        Plan {
            candidates: candidates.iter().map(|path| path.as_ptr()).collect(),
            argv: order.argv.map_or(null(), LentStrings::start),
            own_argv: [order.file.as_ptr(), null()],
            env: order.env.or_else(environment).map_or((&raw const NO_STRINGS).cast(), LentStrings::start),
            cwd: order.cwd.map_or(null(), |cwd| cwd.as_ptr()),
            ends: ends.collect(),
            new_session: order.new_session,
            process_group: order.process_group,
            umask: order.umask.map(|mask| mask as libc::mode_t),
            user: order.user,
            group: order.group,
            must_set_groups: order.groups.is_some(),
            groups: order.groups.clone().or((order.user.is_some() || order.group.is_some()).then(Vec::new)),
            keeps_signals: order.keeps_signals,
            last_descriptor: (!order.keeps_descriptors).then(last_descriptor),
            report: -1,
            began: false,
            failure: None,
            mask: Mask::NONE,
        }
    }

    /// Whether the program gets the signals blocked that the caller's thread has blocked.
    pub fn keeps_mask(&self) -> bool {
        self.keeps_signals
    }

    /// Turns the child into its program. Comes back only if that cannot be.
    fn carry_out(&mut self) -> Failure {
        let failed = |stage| move |errno| Failure { stage, errno };
        let prepared = self
            .reset_signals()
            .and_then(|()| self.take_its_place())
            .map_err(failed(Stage::Start))
            .and_then(|()| self.arrange_descriptors().map_err(failed(Stage::Descriptors)))
            .and_then(|()| self.enter_folder().map_err(failed(Stage::Cwd)))
            .and_then(|()| self.change_identity().map_err(failed(Stage::Identity)));
        match prepared {
            Ok(()) => Failure { stage: Stage::Program, errno: self.run_program() },
            Err(failure) => failure,
        }
    }

    /// No handler of the parent's must run here: signals stay blocked until none is left.
    fn reset_signals(&self) -> Result<(), i32> {
        for signal in 1..=LAST_SIGNAL {
            if !matches!(signal, libc::SIGKILL | libc::SIGSTOP) {
                reset_signal(signal, self.keeps_signals);
            }
        }
        Ok(())
    }

    fn take_its_place(&self) -> Result<(), i32> {
        // SAFETY: no pointer is passed.
        unsafe {
            if self.new_session {
                check(libc::setsid())?;
            }
            if let Some(group) = self.process_group {
                check(libc::setpgid(0, group))?;
            }
            if let Some(mask) = self.umask {
                libc::umask(mask);
            }
        }
        Ok(())
    }

    /// First everything that stands where something else is to be is moved out of the way, then each goes to its place.
    fn arrange_descriptors(&mut self) -> Result<(), i32> {
        let count = self.ends.len() as RawFd;
        if self.report < count {
            self.report = copy_above(self.report, count)?;
        }
        for (index, slot) in self.ends.iter_mut().enumerate() {
            if let Slot::From(fd) = slot
                && *fd < count
                && *fd != index as RawFd
            {
                *fd = copy_above(*fd, count)?;
            }
        }
        for (index, slot) in self.ends.iter().enumerate() {
            let number = index as RawFd;
            // SAFETY: no pointer is passed.
            unsafe {
                match slot {
                    Slot::Closed => {
                        libc::close(number);
                    }
                    Slot::Inherited => pass_on(number)?,
                    Slot::From(fd) if *fd == number => pass_on(number)?,
                    Slot::From(fd) => check(libc::dup2(*fd, number))?,
                    Slot::Same(other) => check(libc::dup2(*other as RawFd, number))?,
                }
            }
        }
        if let Some(last) = self.last_descriptor {
            keep_to_itself(count, last);
        }
        Ok(())
    }

    fn enter_folder(&self) -> Result<(), i32> {
        // SAFETY: it is a C string.
        if self.cwd.is_null() { Ok(()) } else { check(unsafe { libc::chdir(self.cwd) }) }
    }

    /// The groups first: who has become somebody else may not change them any more.
    fn change_identity(&self) -> Result<(), i32> {
        if let Some(groups) = &self.groups {
            match identity::set_groups(groups) {
                // To drop them is well meant, but whoever may not do that has none to lose.
                Err(libc::EPERM) if !self.must_set_groups => {}
                result => result?,
            }
        }
        self.group.map_or(Ok(()), identity::set_group)?;
        self.user.map_or(Ok(()), identity::set_user)
    }

    /// As execvp does: what is not there is looked for further on, what may not be run is remembered.
    fn run_program(&self) -> i32 {
        self.mask.apply();
        let argv = if self.argv.is_null() { self.own_argv.as_ptr() } else { self.argv };
        let mut reason = libc::ENOENT;
        for path in &self.candidates {
            // SAFETY: the path is a C string, and the arrays end with NULL.
            unsafe { libc::execve(*path, argv, self.env) };
            match errno() {
                libc::ENOENT | libc::ENOTDIR | libc::ENODEV | libc::ESTALE | libc::ETIMEDOUT => {}
                libc::EACCES => reason = libc::EACCES,
                errno => return errno,
            }
            if self.candidates.len() == 1 {
                return errno();
            }
        }
        reason
    }
}

/// The child's whole life before its program. `plan` points to a `Plan`.
pub extern "C" fn child_main(plan: *mut c_void) -> libc::c_int {
    // SAFETY: the parent passes its plan, which it does not touch before the child has run its program or ended; if the
    // memory is not shared this one is the child's own.
    unsafe {
        let plan = &mut *plan.cast::<Plan>();
        plan.began = true;
        let failure = plan.carry_out();
        plan.failure = Some(failure);
        let told = [failure.stage as i32, failure.errno];
        libc::write(plan.report, (&raw const told).cast(), size_of_val(&told));
    }
    end()
}

/// Not as a function that is known not to return: a sanitizer would tidy up the parent's stack first.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn end() -> libc::c_int {
    // SAFETY: no pointer is passed.
    unsafe { libc::syscall(libc::SYS_exit_group, 127) as libc::c_int }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn end() -> libc::c_int {
    // SAFETY: it ends the process at once.
    unsafe { libc::_exit(127) }
}

fn errno() -> i32 {
    // It only reads the thread's errno, which the parent's thread, if it is the same one, does not use meanwhile.
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

fn check(status: libc::c_int) -> Result<(), i32> {
    if status < 0 { Err(errno()) } else { Ok(()) }
}

fn copy_above(fd: RawFd, least: RawFd) -> Result<RawFd, i32> {
    // SAFETY: no pointer is passed.
    let copy = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, least) };
    check(copy).map(|()| copy)
}

/// Lets the program have a descriptor that stands in its place already.
fn pass_on(fd: RawFd) -> Result<(), i32> {
    // SAFETY: no pointer is passed.
    unsafe {
        let flags = libc::fcntl(fd, libc::F_GETFD);
        check(flags)?;
        check(libc::fcntl(fd, libc::F_SETFD, flags & !libc::FD_CLOEXEC))
    }
}

/// Has every descriptor from `first` on closed when the program runs, be it some library's that did not care.
fn keep_to_itself(first: RawFd, last: RawFd) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    // SAFETY: no pointer is passed.
    unsafe {
        const CLOSE_RANGE_CLOEXEC: libc::c_uint = 4;
        if libc::syscall(libc::SYS_close_range, first as libc::c_uint, libc::c_uint::MAX, CLOSE_RANGE_CLOEXEC) == 0 {
            return;
        }
    }
    for fd in first..=last {
        // SAFETY: no pointer is passed; it fails for what is not open.
        unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}

/// The highest descriptor that is looked for where the system cannot be asked for all at once.
fn last_descriptor() -> RawFd {
    // SAFETY: a limit of zeros is a place for one.
    let limit = unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
        limit.rlim_cur
    };
    RawFd::try_from(limit).unwrap_or(RawFd::MAX).min(65536)
}

/// A set of signals as the kernel knows it.
pub use signals::{LAST_SIGNAL, Mask, reset_signal};

#[cfg(any(target_os = "linux", target_os = "android"))]
mod signals {
    use super::{null, null_mut};

    pub const LAST_SIGNAL: i32 = 64;

    // Of the kernel itself, as the C library keeps two signals to itself, which it neither blocks nor resets.
    #[derive(Clone, Copy)]
    pub struct Mask([u8; SIZE]);

    /// Bytes of the kernel's set of signals.
    const SIZE: usize = if cfg!(any(target_arch = "mips", target_arch = "mips64")) { 16 } else { 8 };

    impl Mask {
        pub const NONE: Mask = Mask([0; SIZE]);
        pub fn all() -> Mask {
            Mask([255; SIZE])
        }

        /// Sets the mask of this thread; gives the one before.
        pub fn apply(&self) -> Mask {
            let mut before = Mask::NONE;
            // SAFETY: both sets have the size that is passed.
            unsafe {
                libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const self.0, &raw mut before.0, SIZE)
            };
            before
        }
    }

    /// As the kernel has it on every architecture: zeros are SIG_DFL without flags, whatever the order of the fields.
    #[repr(C)]
    struct Action([usize; 8]);

    pub fn reset_signal(signal: i32, keeps_ignored: bool) {
        let default = Action([0; 8]);
        // SAFETY: the places are at least as large as the kernel's sigaction.
        unsafe {
            if keeps_ignored {
                let mut present: libc::sigaction = std::mem::zeroed();
                if libc::sigaction(signal, null(), &mut present) == 0 && present.sa_sigaction == libc::SIG_IGN {
                    return;
                }
            }
            let nothing: *mut Action = null_mut();
            libc::syscall(libc::SYS_rt_sigaction, signal, &raw const default, nothing, SIZE);
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod signals {
    use super::{null, null_mut};

    pub const LAST_SIGNAL: i32 = 64;

    #[derive(Clone, Copy)]
    pub struct Mask(libc::sigset_t);

    impl Mask {
        // SAFETY: a set of zeros is the empty one on these systems.
        pub const NONE: Mask = Mask(unsafe { std::mem::zeroed() });

        pub fn all() -> Mask {
            let mut mask = Mask::NONE;
            // SAFETY: the set is writable.
            unsafe { libc::sigfillset(&mut mask.0) };
            mask
        }

        /// Sets the mask of this thread; gives the one before.
        pub fn apply(&self) -> Mask {
            let mut before = Mask::NONE;
            // SAFETY: both are sets.
            unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.0, &mut before.0) };
            before
        }
    }

    pub fn reset_signal(signal: i32, keeps_ignored: bool) {
        // SAFETY: a sigaction of zeros is SIG_DFL without flags, or a place for one. It fails for what is no signal.
        unsafe {
            let mut present: libc::sigaction = std::mem::zeroed();
            let kept = keeps_ignored
                && libc::sigaction(signal, null(), &mut present) == 0
                && present.sa_sigaction == libc::SIG_IGN;
            if !kept {
                let default: libc::sigaction = std::mem::zeroed();
                libc::sigaction(signal, &default, null_mut());
            }
        }
    }
}

/// Of this one thread, as the kernel sees it: the C library would have every thread of the parent do the same.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod identity {
    use super::errno;

    // On these the calls of old know 16 bits only.
    #[cfg(not(any(target_arch = "x86", target_arch = "arm", target_arch = "sparc", target_arch = "m68k")))]
    use libc::{SYS_setgid as SETGID, SYS_setgroups as SETGROUPS, SYS_setuid as SETUID};
    #[cfg(any(target_arch = "x86", target_arch = "arm", target_arch = "sparc", target_arch = "m68k"))]
    use libc::{SYS_setgid32 as SETGID, SYS_setgroups32 as SETGROUPS, SYS_setuid32 as SETUID};

    fn check(status: libc::c_long) -> Result<(), i32> {
        if status < 0 { Err(errno()) } else { Ok(()) }
    }

    pub fn set_groups(groups: &[libc::gid_t]) -> Result<(), i32> {
        // SAFETY: there are so many groups.
        check(unsafe { libc::syscall(SETGROUPS, groups.len(), groups.as_ptr()) })
    }

    pub fn set_group(group: libc::gid_t) -> Result<(), i32> {
        // SAFETY: no pointer is passed.
        check(unsafe { libc::syscall(SETGID, group) })
    }

    pub fn set_user(user: libc::uid_t) -> Result<(), i32> {
        // SAFETY: no pointer is passed.
        check(unsafe { libc::syscall(SETUID, user) })
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod identity {
    use super::check;

    pub fn set_groups(groups: &[libc::gid_t]) -> Result<(), i32> {
        // SAFETY: there are so many groups.
        check(unsafe { libc::setgroups(groups.len() as _, groups.as_ptr()) })
    }

    pub fn set_group(group: libc::gid_t) -> Result<(), i32> {
        // SAFETY: no pointer is passed.
        check(unsafe { libc::setgid(group) })
    }

    pub fn set_user(user: libc::uid_t) -> Result<(), i32> {
        // SAFETY: no pointer is passed.
        check(unsafe { libc::setuid(user) })
    }
}
