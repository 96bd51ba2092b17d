// SPDX-License-Identifier: MIT OR Apache-2.0
//! Descriptors that go through a local socket along with bytes (SCM_RIGHTS).

use super::RawSource;
use super::unix::{SEND_FLAGS, Source, retry};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// A descriptor that is on its way.
pub type Passed = OwnedFd;

/// How many can go with one message: Linux's limit.
pub const MOST: usize = 253;

/// Room for that many, aligned as the kernel's records need it.
const ROOM: usize = (16 + MOST * size_of::<libc::c_int>()).div_ceil(8) + 1;
type Control = [MaybeUninit<u64>; ROOM];

/// Another descriptor of the same file.
pub fn duplicate(fd: RawSource) -> io::Result<Passed> {
    // SAFETY: borrowed for this call only; a number that is no open descriptor makes it fail.
    unsafe { BorrowedFd::borrow_raw(fd) }.try_clone_to_owned()
}

impl Source {
    /// Sends bytes (some of them, at least one) and these descriptors with the first of them.
    pub fn send_passing(&self, slices: &[IoSlice<'_>], fds: &[RawSource]) -> io::Result<usize> {
        let mut control: Control = [MaybeUninit::zeroed(); ROOM];
        // SAFETY: a msghdr of zeros is a valid, empty one.
        let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
        // IoSlice has the layout of iovec on Unix; sendmsg does not write to it.
        message.msg_iov = slices.as_ptr().cast_mut().cast();
        message.msg_iovlen = slices.len() as _;
        let size = size_of_val(fds) as u32;
        message.msg_control = control.as_mut_ptr().cast();
        // SAFETY: `control` has room for MOST descriptors and the head before them, and there are no more than that;
        // the head lies at its start, the data behind it.
        unsafe {
            message.msg_controllen = libc::CMSG_SPACE(size) as _;
            let head = libc::CMSG_FIRSTHDR(&message);
            (*head).cmsg_level = libc::SOL_SOCKET;
            (*head).cmsg_type = libc::SCM_RIGHTS;
            (*head).cmsg_len = libc::CMSG_LEN(size) as _;
            libc::CMSG_DATA(head).cast::<RawSource>().copy_from_nonoverlapping(fds.as_ptr(), fds.len());
        }
        // SAFETY: the message points to what lives through the call.
        retry(|| unsafe { libc::sendmsg(self.raw(), &message, SEND_FLAGS) })
    }

    /// As `receive`; descriptors that came along go to `take`. Beside the count, whether some were lost.
    pub fn receive_passed(&self, buffer: &mut [u8], mut take: impl FnMut(Passed)) -> io::Result<(usize, bool)> {
        let mut control: Control = [MaybeUninit::uninit(); ROOM];
        let mut slice = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
        // SAFETY: a msghdr of zeros is a valid, empty one.
        let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
        message.msg_iov = &mut slice;
        message.msg_iovlen = 1;
        let count = retry(|| {
            message.msg_control = control.as_mut_ptr().cast();
            message.msg_controllen = size_of_val(&control) as _;
            // SAFETY: the message points to what lives through the call and is writable.
            unsafe { libc::recvmsg(self.raw(), &mut message, RECEIVE_FLAGS) }
        })?;
        // SAFETY: the kernel has filled in the records that these walk over; each descriptor is new and has no owner.
        unsafe {
            let mut head = libc::CMSG_FIRSTHDR(&message);
            while !head.is_null() {
                if ((*head).cmsg_level, (*head).cmsg_type) == (libc::SOL_SOCKET, libc::SCM_RIGHTS) {
                    let data = libc::CMSG_DATA(head);
                    let size = (*head).cmsg_len as usize - (data as usize - head as usize);
                    for index in 0..size / size_of::<RawSource>() {
                        let fd = data.cast::<RawSource>().add(index).read_unaligned();
                        take(not_inherited(OwnedFd::from_raw_fd(fd)));
                    }
                }
                head = libc::CMSG_NXTHDR(&message, head);
            }
        }
        Ok((count, message.msg_flags & libc::MSG_CTRUNC != 0))
    }
}

#[cfg(not(target_vendor = "apple"))]
const RECEIVE_FLAGS: libc::c_int = libc::MSG_CMSG_CLOEXEC;
#[cfg(target_vendor = "apple")]
const RECEIVE_FLAGS: libc::c_int = 0;

fn not_inherited(fd: Passed) -> Passed {
    #[cfg(target_vendor = "apple")]
    // SAFETY: no pointer is passed.
    unsafe {
        libc::fcntl(fd.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC)
    };
    fd
}

/// The number of one that is on its way.
pub fn raw(passed: &Passed) -> RawSource {
    passed.as_raw_fd()
}

/// Gives one to the caller.
pub fn into_raw(passed: Passed) -> i64 {
    use std::os::fd::IntoRawFd;
    i64::from(passed.into_raw_fd())
}
