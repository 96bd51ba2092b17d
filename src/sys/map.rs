// SPDX-License-Identifier: MIT OR Apache-2.0
//! Memory mapped for stacks: reserved in one piece, touched page by page, guarded in places.

use std::io;
use std::ptr::null_mut;

/// A private mapping of zeros, given back when dropped.
pub struct Map {
    start: usize,
    length: usize,
}

impl Map {
    /// `length` is a multiple of the page size.
    pub fn new(length: usize) -> io::Result<Map> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANON | MAP_NORESERVE | MAP_STACK;
        // SAFETY: a new mapping at a place of the system's choice touches nothing that exists.
        let start = unsafe { libc::mmap(null_mut(), length, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // One huge page would make hundreds of untouched stacks resident.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        // SAFETY: the range is this mapping; the advice changes no contents. A kernel without it has no huge pages.
        unsafe {
            libc::madvise(start, length, libc::MADV_NOHUGEPAGE);
        }
        Ok(Map { start: start as usize, length })
    }

    pub fn start(&self) -> usize {
        self.start
    }

    /// Makes a range fault when touched. Where the kernel can, without splitting the mapping in two.
    pub fn guard(&self, offset: usize, length: usize) -> io::Result<()> {
        assert!(offset + length <= self.length);
        let start = (self.start + offset) as *mut libc::c_void;
        #[cfg(any(target_os = "linux", target_os = "android"))]
        // SAFETY: the range lies in this mapping, and nothing lives there yet.
        if unsafe { libc::madvise(start, length, MADV_GUARD_INSTALL) } == 0 {
            return Ok(());
        }
        // SAFETY: as above.
        match unsafe { libc::mprotect(start, length, libc::PROT_NONE) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Gives the pages of a range back; it reads as zeros then. Guards stay.
    pub fn discard(&self, offset: usize, length: usize) {
        assert!(offset + length <= self.length);
        // SAFETY: the range lies in this mapping, and its contents are not needed any more.
        unsafe { libc::madvise((self.start + offset) as *mut libc::c_void, length, libc::MADV_DONTNEED) };
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        // SAFETY: the mapping is this one's own, and whoever used parts of it is gone.
        unsafe { libc::munmap(self.start as *mut libc::c_void, self.length) };
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "openbsd", target_os = "netbsd"))]
const MAP_STACK: libc::c_int = libc::MAP_STACK;
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "openbsd", target_os = "netbsd")))]
const MAP_STACK: libc::c_int = 0;

/// FreeBSD and DragonFly never reserve.
#[cfg(not(any(target_os = "freebsd", target_os = "dragonfly")))]
const MAP_NORESERVE: libc::c_int = libc::MAP_NORESERVE;
#[cfg(any(target_os = "freebsd", target_os = "dragonfly"))]
const MAP_NORESERVE: libc::c_int = 0;

/// Linux 6.13 and later.
#[cfg(any(target_os = "linux", target_os = "android"))]
const MADV_GUARD_INSTALL: libc::c_int = 102;

pub fn page_size() -> usize {
    // SAFETY: asks for a number.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}
