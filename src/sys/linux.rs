// SPDX-License-Identifier: MIT OR Apache-2.0
//! Linux and Android: the wait goes straight to the epoll descriptor, the wake-up is an eventfd.

use crate::reactor::{Interest, Readiness};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

pub fn linux_errno(os_error: i32) -> i32 {
    os_error
}

/// An eventfd that is watched edge-triggered and never read: one system call a wake-up, none to take it in.
pub struct Waker(OwnedFd);

impl Waker {
    pub fn new() -> io::Result<Waker> {
        // SAFETY: no pointer is passed.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just made and has no other owner.
        Ok(Waker(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Safe in a signal handler; errno is left as it was.
    pub fn wake(&self) {
        let one = 1u64.to_ne_bytes();
        // SAFETY: eight bytes are readable at `one`; errno's location is this thread's.
        unsafe {
            let errno = errno_location();
            let saved = *errno;
            libc::write(self.0.as_raw_fd(), one.as_ptr().cast(), one.len());
            *errno = saved;
        }
    }
}

impl Waker {
    /// In the child of a fork: the number is a copy, and closing it is nothing to the parent.
    pub fn leave(self) {}
}

impl AsFd for Waker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

unsafe fn errno_location() -> *mut libc::c_int {
    #[cfg(target_os = "android")]
    // SAFETY: takes nothing, always gives this thread's location.
    return unsafe { libc::__errno() };
    #[cfg(not(target_os = "android"))]
    // SAFETY: takes nothing, always gives this thread's location.
    return unsafe { libc::__errno_location() };
}

/// Has `number`, whatever it was, name the same as `source`.
pub fn replace_number(source: BorrowedFd<'_>, number: libc::c_int) -> io::Result<()> {
    // Android's library has no dup3.
    // SAFETY: no pointer is passed; the caller owns the number.
    let status = unsafe { libc::syscall(libc::SYS_dup3, source.as_raw_fd(), number, libc::O_CLOEXEC) };
    if status < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// A place for events, and how to read one.
pub struct Events {
    events: Vec<libc::epoll_event>,
    count: usize,
}

/// How many events one wait can bring.
const CAPACITY: usize = 1024;
const READABLE: u32 = (libc::EPOLLIN | libc::EPOLLRDHUP | libc::EPOLLHUP | libc::EPOLLERR | libc::EPOLLPRI) as u32;
const WRITABLE: u32 = (libc::EPOLLOUT | libc::EPOLLHUP | libc::EPOLLERR) as u32;

impl Events {
    pub fn new() -> Events {
        Events { events: vec![libc::epoll_event { events: 0, u64: 0 }; CAPACITY], count: 0 }
    }

    pub fn count(&self) -> usize {
        self.count
    }

    #[inline]
    pub fn get(&self, index: usize) -> Readiness {
        let event = self.events[index];
        let (flags, key) = (event.events, event.u64);
        let any = |mask: i32| flags & mask as u32 != 0;
        Readiness {
            key: key as usize,
            readable: flags & READABLE != 0,
            writable: flags & WRITABLE != 0,
            exact: Interest {
                readable: any(libc::EPOLLIN | BROKEN),
                writable: any(libc::EPOLLOUT | BROKEN),
                disconnected: any(libc::EPOLLRDHUP | BROKEN),
                priority: any(libc::EPOLLPRI),
            },
        }
    }
}

/// Both directions are at an end, which reading and writing tell.
const BROKEN: i32 = libc::EPOLLHUP | libc::EPOLLERR;

/// Registers a caller's descriptor for one event (`EPOLL_CTL_ADD`), arms it again (`_MOD`) or takes it out (`_DEL`).
/// The kernel goes by number and file: a number that is another file's by now is refused.
pub fn epoll_borrow(
    epoll: BorrowedFd<'_>,
    operation: libc::c_int,
    raw: libc::c_int,
    key: usize,
    interest: Interest,
) -> io::Result<()> {
    let flag = |wanted: bool, flag: i32| if wanted { flag } else { 0 };
    let flags = flag(interest.readable, libc::EPOLLIN)
        | flag(interest.writable, libc::EPOLLOUT)
        | flag(interest.disconnected, libc::EPOLLRDHUP)
        | flag(interest.priority, libc::EPOLLPRI);
    let mut event = libc::epoll_event { events: (flags | libc::EPOLLONESHOT) as u32, u64: key as u64 };
    // SAFETY: the event lives through the call; a number that is no descriptor is answered with EBADF.
    let status = unsafe { libc::epoll_ctl(epoll.as_raw_fd(), operation, raw, &mut event) };
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Waits until `timeout` nanoseconds have passed (`None`: without limit) or something is ready.
pub fn wait(epoll: BorrowedFd<'_>, events: &mut Events, timeout: Option<i64>) -> io::Result<()> {
    events.count = 0;
    let room = events.events.as_mut_ptr();
    let epoll = epoll.as_raw_fd();
    let found = match timeout {
        Some(ns) if ns % 1_000_000 != 0 && HAS_PWAIT2.load(Ordering::Relaxed) => {
            let timeout =
                libc::timespec { tv_sec: (ns / 1_000_000_000) as _, tv_nsec: (ns % 1_000_000_000) as libc::c_long };
            // SAFETY: `room` has CAPACITY places, `timeout` lives through the call, no signal mask is passed.
            let found = unsafe {
                libc::syscall(
                    libc::SYS_epoll_pwait2,
                    epoll,
                    room,
                    CAPACITY as libc::c_int,
                    &timeout,
                    std::ptr::null::<libc::sigset_t>(),
                    0usize,
                ) as libc::c_int
            };
            if found < 0 && io::Error::last_os_error().raw_os_error() == Some(libc::ENOSYS) {
                HAS_PWAIT2.store(false, Ordering::Relaxed);
                return Ok(());
            }
            found
        }
        _ => {
            // Rounded up: a wait that ends early would only be done again.
            let ms = timeout.map_or(-1, |ns| ns.div_euclid(1_000_000) + i64::from(ns % 1_000_000 != 0));
            // SAFETY: `room` has CAPACITY places.
            unsafe {
                libc::epoll_wait(epoll, room, CAPACITY as libc::c_int, ms.min(i64::from(i32::MAX)) as libc::c_int)
            }
        }
    };
    if found < 0 {
        let error = io::Error::last_os_error();
        return if error.kind() == io::ErrorKind::Interrupted { Ok(()) } else { Err(error) };
    }
    events.count = found as usize;
    Ok(())
}

/// Kernels before 5.11 have no epoll_pwait2, and then waits last whole milliseconds.
static HAS_PWAIT2: AtomicBool = AtomicBool::new(true);
