// SPDX-License-Identifier: MIT OR Apache-2.0
//! Descriptors that are Rondel's to close.
//!
//! The numbers 0 to 2 are not given back to the system by that: the next file to be opened would get one, and be taken
//! for standard input, output or error by all of the program. They lead to nothing from then on.

use super::RawSource;
use super::taken::Taken;
use super::unix::{fill_standard_numbers, retry};
use std::io;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};

/// A descriptor that was made by Rondel or given to it, until it is closed or given away.
pub(super) struct Held<F: AsRawFd + Into<OwnedFd>> {
    /// Closed by `end`.
    descriptor: ManuallyDrop<F>,
    /// Ends before the descriptor does.
    taken: Option<Taken>,
}

impl<F: AsRawFd + Into<OwnedFd>> Held<F> {
    pub fn new(descriptor: F) -> Held<F> {
        Held { taken: Some(Taken::new(descriptor.as_raw_fd())), descriptor: ManuallyDrop::new(descriptor) }
    }

    /// Gives it away.
    pub fn into_raw(self) -> RawSource {
        let mut held = ManuallyDrop::new(self);
        held.taken = None;
        held.descriptor.as_raw_fd()
    }

    /// Closes it. Whatever the system says, it is closed then.
    pub fn close(self) -> io::Result<()> {
        let mut held = ManuallyDrop::new(self);
        // SAFETY: `held` is neither used nor dropped after this.
        unsafe { held.end() }
    }

    /// # Safety
    /// The descriptor is not used any more, and this is not called again.
    unsafe fn end(&mut self) -> io::Result<()> {
        self.taken = None;
        // SAFETY: the promise of this function.
        close(unsafe { ManuallyDrop::take(&mut self.descriptor) }.into())
    }
}

impl<F: AsRawFd + Into<OwnedFd>> Deref for Held<F> {
    type Target = F;

    fn deref(&self) -> &F {
        &self.descriptor
    }
}

impl<F: AsRawFd + AsFd + Into<OwnedFd>> AsFd for Held<F> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl<F: AsRawFd + Into<OwnedFd>> Drop for Held<F> {
    fn drop(&mut self) {
        // SAFETY: it is being dropped. What could be told of late failures nobody asks for.
        let _ = unsafe { self.end() };
    }
}

fn close(descriptor: OwnedFd) -> io::Result<()> {
    let number = descriptor.into_raw_fd();
    if number > libc::STDERR_FILENO {
        return close_number(number);
    }
    // What failed late is told to whoever closes any number of the open file, but not where another file takes its place.
    // SAFETY: no pointer is passed.
    let other = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, libc::STDERR_FILENO + 1) };
    if other < 0 {
        // Without room for one more number it is free for an instant. What somebody else has closed is not ours to close.
        let told = match io::Error::last_os_error() {
            error if error.raw_os_error() == Some(libc::EBADF) => Err(error),
            _ => close_number(number),
        };
        fill_standard_numbers();
        return told;
    }
    let told = close_number(other);
    if replace(number, nothing()).is_err() {
        // As above; of what failed late it was told already.
        let _ = close_number(number);
        fill_standard_numbers();
    }
    told
}

/// What leads nowhere, for `replace`.
pub(super) fn nothing() -> RawSource {
    // SAFETY: the path is a C string.
    unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) }
}

fn close_number(number: RawSource) -> io::Result<()> {
    // SAFETY: the caller had it from its owner, so it is this function's own.
    match unsafe { libc::close(number) } {
        0 => Ok(()),
        _ => match io::Error::last_os_error() {
            // It is closed, or is being closed: there is nothing to do again.
            error if matches!(error.raw_os_error(), Some(libc::EINTR | libc::EINPROGRESS)) => Ok(()),
            error => Err(error),
        },
    }
}

/// Closes the file behind a number of ours and puts another there, which is consumed (and which may not be there: then
/// the error is the system's last one). Programs that are started get it.
pub(super) fn replace(number: RawSource, by: RawSource) -> io::Result<()> {
    if by < 0 {
        return Err(io::Error::last_os_error());
    }
    if by == number {
        // Somebody else had closed the number.
        // SAFETY: no pointer is passed.
        unsafe { libc::fcntl(number, libc::F_SETFD, 0) };
        return Ok(());
    }
    // SAFETY: both are open, and this number stays its owner's.
    let replaced = retry(|| unsafe { libc::dup2(by, number) as isize });
    // SAFETY: it was just made for this, and has no other owner.
    drop(unsafe { OwnedFd::from_raw_fd(by) });
    replaced.map(drop)
}
