// SPDX-License-Identifier: MIT OR Apache-2.0
//! Terminals: opened anew, put into other modes, and given back as they were found, also by a process that dies.
//!
//! The mode belongs to the terminal, not to a descriptor, so what was found is noted once for each terminal of the
//! process. Whoever wants to give it back in a signal's handler needs no lock for that: notes are published. A signal that
//! would kill the process is handled, as long as a mode is another one, where nobody else handles it.

use super::published::Published;
use super::{Source, forks, raw_source};
use crate::error::{Error, Result};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// As it was found.
    Normal,
    /// Each key at once and unseen; those that send signals still do.
    Cbreak,
    /// Each key at once, as it is; what is written is still turned into lines.
    Raw,
    /// Nothing is changed either way.
    Binary,
}

/// Sent to the terminal's programs when its window has got another size.
pub const RESIZED: i32 = libc::SIGWINCH;

/// What a handler needs to give a terminal back.
struct Found {
    fd: OwnedFd,
    mode: libc::termios,
    process: u32,
}

/// A terminal in another mode than it was found in.
struct Changed {
    device: u64,
    /// How many handles want it so.
    holders: usize,
    place: usize,
    process: u32,
}

/// More terminals than a process has.
const PLACES: usize = 32;

static FOUND: [Published<Found>; PLACES] = [const { Published::new() }; PLACES];
static CHANGED: Mutex<Vec<Changed>> = Mutex::new(Vec::new());

/// Keeps everybody else from changing modes, as long as it is held.
pub struct Hold(#[allow(dead_code)] MutexGuard<'static, Vec<Changed>>);

pub fn hold() -> Hold {
    Hold(lock())
}

fn lock() -> MutexGuard<'static, Vec<Changed>> {
    CHANGED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens the terminal behind a caller's descriptor once more, so that it blocks for nobody else less than before.
pub fn open(number: i64) -> Result<Source> {
    let fd = raw_source(number)?;
    let mut name = [0 as libc::c_char; 128];
    // SAFETY: no pointer is passed but that of a buffer with its size.
    let (flags, terminal, status) = unsafe {
        let flags = libc::fcntl(fd, libc::F_GETFL);
        (flags, libc::isatty(fd) == 1, libc::ttyname_r(fd, name.as_mut_ptr(), name.len()))
    };
    if flags < 0 {
        return Err(io::Error::last_os_error().into());
    }
    if !terminal {
        return Err(Error::ENOTTY);
    }
    if is_master(fd) {
        // To open it by name would make another terminal. Its program knows it best, and shares it with none.
        // SAFETY: no pointer is passed.
        let copy = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 3) };
        return own(copy);
    }
    let wanted = flags & libc::O_ACCMODE | libc::O_NOCTTY | libc::O_CLOEXEC | libc::O_NONBLOCK;
    // Where the name leads nowhere, in another root folder say, the descriptor itself still does.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let by_number = std::ffi::CString::new(format!("/proc/self/fd/{fd}")).ok();
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let by_number = std::ffi::CString::new(format!("/dev/fd/{fd}")).ok().filter(|_| false);
    // SAFETY: both names are C strings.
    let again = unsafe {
        let again = if status == 0 { libc::open(name.as_ptr(), wanted) } else { -1 };
        match &by_number {
            Some(path) if again < 0 => libc::open(path.as_ptr(), wanted),
            _ => again,
        }
    };
    own(again)
}

fn own(fd: libc::c_int) -> Result<Source> {
    if fd < 0 {
        return Err(io::Error::last_os_error().into());
    }
    // SAFETY: it was just made and has no other owner.
    Source::from_descriptor(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Whether it is the side of a pseudo-terminal that plays the terminal.
fn is_master(fd: libc::c_int) -> bool {
    #[cfg(target_os = "linux")]
    {
        #[cfg(target_os = "linux")]
        use libc::TIOCGPTN;
        // libc does not name it for Android, whose machines all have this number.
        #[cfg(target_os = "android")]
        const TIOCGPTN: libc::Ioctl = 0x8004_5430_u32 as libc::Ioctl;
        let mut number: libc::c_uint = 0;
        // SAFETY: the request fills an unsigned int.
        unsafe { libc::ioctl(fd, TIOCGPTN, &mut number) == 0 }
    }
    #[cfg(not(target_os = "linux"))]
    {
        // SAFETY: it looks at the descriptor, and gives NULL for all others.
        unsafe { !libc::ptsname(fd).is_null() }
    }
}

/// The terminal, whichever descriptor leads there.
fn device(source: &Source) -> Result<u64> {
    // SAFETY: a stat of zeros is a valid place for the answer, which lives through the call.
    unsafe {
        let mut stat: libc::stat = std::mem::zeroed();
        if libc::fstat(source.raw(), &mut stat) != 0 {
            return Err(io::Error::last_os_error().into());
        }
        Ok(stat.st_rdev as u64)
    }
}

/// Columns and rows.
pub fn size(source: &Source) -> Result<(i32, i32)> {
    // SAFETY: the request fills a winsize.
    unsafe {
        let mut size: libc::winsize = std::mem::zeroed();
        if libc::ioctl(source.raw(), libc::TIOCGWINSZ, &mut size) != 0 {
            return Err(io::Error::last_os_error().into());
        }
        Ok((i32::from(size.ws_col), i32::from(size.ws_row)))
    }
}

/// Sets the mode. `holds`: the handle wanted another one than the normal one already. Gives whether it does now.
pub fn set_mode(source: &Source, mode: Mode, holds: bool) -> Result<bool> {
    let device = device(source)?;
    let mut changed = lock();
    forget_parents(&mut changed);
    let index = changed.iter().position(|row| row.device == device);
    match (index, mode) {
        (None, Mode::Normal) => Ok(false),
        (Some(index), Mode::Normal) => {
            let before = found(changed[index].place).ok_or(Error::ESTATE)?;
            apply(source.raw(), &before)?;
            if holds {
                let_go(&mut changed, index);
            }
            Ok(false)
        }
        (index, mode) => {
            let new = index.is_none();
            let index = match index {
                Some(index) => index,
                None => note(&mut changed, source, device)?,
            };
            let before = found(changed[index].place).ok_or(Error::ESTATE)?;
            if !holds {
                changed[index].holders += 1;
            }
            apply(source.raw(), &made(mode, before)).inspect_err(|_| {
                if !holds || new {
                    let_go(&mut changed, index);
                }
            })?;
            Ok(true)
        }
    }
}

/// A handle that holds a mode goes: the last one leaves the terminal as it was found.
pub fn leave(source: &Source) {
    let Ok(device) = device(source) else { return };
    let mut changed = lock();
    let process = forks::count();
    if let Some(index) = changed.iter().position(|row| row.device == device && row.process == process) {
        if changed[index].holders == 1 {
            give_back(changed[index].place);
        }
        let_go(&mut changed, index);
    }
}

/// Gives every terminal back as it was found. Safe in a signal handler.
pub fn reset() {
    for place in 0..PLACES {
        give_back(place);
    }
}

fn note(changed: &mut Vec<Changed>, source: &Source, device: u64) -> Result<usize> {
    let place = (0..PLACES).find(|place| changed.iter().all(|row| row.place != *place)).ok_or(Error::ENOMEM)?;
    // SAFETY: no pointer is passed but that of a termios, which is filled.
    let (fd, status, mode) = unsafe {
        let mut mode: libc::termios = std::mem::zeroed();
        let status = libc::tcgetattr(source.raw(), &mut mode);
        (libc::fcntl(source.raw(), libc::F_DUPFD_CLOEXEC, 3), status, mode)
    };
    if fd < 0 || status != 0 {
        let error = io::Error::last_os_error();
        if fd >= 0 {
            // SAFETY: it was just made and has no other owner.
            drop(unsafe { OwnedFd::from_raw_fd(fd) });
        }
        return Err(error.into());
    }
    let process = forks::count();
    // SAFETY: it was just made and has no other owner.
    FOUND[place].publish(Found { fd: unsafe { OwnedFd::from_raw_fd(fd) }, mode, process });
    if changed.is_empty() {
        watch_over();
    }
    changed.push(Changed { device, holders: 0, place, process });
    Ok(changed.len() - 1)
}

fn let_go(changed: &mut Vec<Changed>, index: usize) {
    changed[index].holders = changed[index].holders.saturating_sub(1);
    if changed[index].holders == 0 {
        drop(FOUND[changed[index].place].withdraw());
        changed.swap_remove(index);
        if changed.is_empty() {
            watch_over_no_more();
        }
    }
}

/// In a child: what its parent has changed its parent gives back.
fn forget_parents(changed: &mut Vec<Changed>) {
    let process = forks::count();
    for row in changed.extract_if(.., |row| row.process != process) {
        drop(FOUND[row.place].withdraw());
    }
}

fn found(place: usize) -> Option<libc::termios> {
    FOUND[place].with(|found| found.mode)
}

fn made(mode: Mode, before: libc::termios) -> libc::termios {
    let mut made = before;
    match mode {
        Mode::Normal => {}
        Mode::Cbreak => made.c_lflag &= !(libc::ICANON | libc::ECHO),
        Mode::Raw => {
            made.c_iflag &= !(libc::BRKINT | libc::ICRNL | libc::INPCK | libc::ISTRIP | libc::IXON);
            made.c_lflag &= !(libc::ECHO | libc::ICANON | libc::IEXTEN | libc::ISIG);
            made.c_cflag = made.c_cflag & !(libc::CSIZE | libc::PARENB) | libc::CS8;
        }
        // SAFETY: it changes what it is given, and nothing else.
        Mode::Binary => unsafe { libc::cfmakeraw(&mut made) },
    }
    made.c_cc[libc::VMIN] = 1;
    made.c_cc[libc::VTIME] = 0;
    made
}

/// At once: to wait until all that was written has left could take for ever.
fn apply(fd: libc::c_int, mode: &libc::termios) -> io::Result<()> {
    // SAFETY: the mode is one that tcgetattr gave, or was made from one.
    super::unix::retry(|| unsafe { libc::tcsetattr(fd, libc::TCSANOW, mode) as isize }).map(|_| ())
}

/// Safe in a signal handler. Not refused to a program in the background either.
fn give_back(place: usize) {
    FOUND[place].with(|found| {
        if found.process != forks::count() {
            return;
        }
        // SAFETY: the sets are filled before they are used; all of these calls are allowed in a handler.
        unsafe {
            let (mut stop, mut before): (libc::sigset_t, libc::sigset_t) = (std::mem::zeroed(), std::mem::zeroed());
            libc::sigemptyset(&mut stop);
            libc::sigaddset(&mut stop, libc::SIGTTOU);
            libc::pthread_sigmask(libc::SIG_BLOCK, &stop, &mut before);
            let _ = apply(found.fd.as_raw_fd(), &found.mode);
            libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut());
        }
    });
}

/// What kills a process that does not handle it.
const DEADLY: [libc::c_int; 19] = [
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGILL,
    libc::SIGTRAP,
    libc::SIGABRT,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGUSR1,
    libc::SIGSEGV,
    libc::SIGUSR2,
    libc::SIGPIPE,
    libc::SIGALRM,
    libc::SIGTERM,
    libc::SIGXCPU,
    libc::SIGXFSZ,
    libc::SIGVTALRM,
    libc::SIGPROF,
    libc::SIGSYS,
];

extern "C" fn on_deadly(signal: libc::c_int, info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    reset();
    // SAFETY: SIG_DFL is a valid action; the kernel passes a valid siginfo. What the kernel itself found wrong comes again
    // when this returns; what was sent has to be sent again, and comes then too, as it is blocked until that.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        if !(FAULTS.contains(&signal) && (*info).si_code > 0) {
            libc::raise(signal);
        }
    }
}

const FAULTS: [libc::c_int; 4] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL];

extern "C" fn at_exit() {
    reset();
}

fn watch_over() {
    static REGISTERED: AtomicBool = AtomicBool::new(false);
    // SAFETY: the function lives as long as the process does. Without memory for it an exit gives nothing back, and
    // closing the handle still does.
    if !REGISTERED.swap(true, Ordering::SeqCst) && unsafe { libc::atexit(at_exit) } != 0 {
        REGISTERED.store(false, Ordering::SeqCst);
    }
    for signal in DEADLY {
        // SAFETY: actions of zeros are valid places, and the handler has the signature that SA_SIGINFO asks for.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            let known = libc::sigaction(signal, std::ptr::null(), &mut action) == 0;
            if known && action.sa_flags & libc::SA_SIGINFO == 0 && action.sa_sigaction == libc::SIG_DFL {
                action.sa_sigaction = handler();
                action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
                libc::sigfillset(&mut action.sa_mask);
                libc::sigaction(signal, &action, std::ptr::null_mut());
            }
        }
    }
}

fn watch_over_no_more() {
    for signal in DEADLY {
        // SAFETY: as in `watch_over`.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            if libc::sigaction(signal, std::ptr::null(), &mut action) == 0 && action.sa_sigaction == handler() {
                libc::signal(signal, libc::SIG_DFL);
            }
        }
    }
}

fn handler() -> libc::sighandler_t {
    on_deadly as extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) as libc::sighandler_t
}
