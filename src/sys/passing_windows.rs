// SPDX-License-Identifier: MIT OR Apache-2.0
//! Descriptors that go through a local socket: Windows passes none.

use super::RawSource;
use super::windows::Source;
use std::io::{self, IoSlice};

/// A descriptor that is on its way: there is none.
pub enum Passed {}

pub const MOST: usize = 253;

pub fn duplicate(_fd: RawSource) -> io::Result<Passed> {
    Err(unsupported())
}

impl Source {
    pub fn send_passing(&self, _slices: &[IoSlice<'_>], _fds: &[RawSource]) -> io::Result<usize> {
        Err(unsupported())
    }

    pub fn receive_passed(&self, buffer: &mut [u8], _take: impl FnMut(Passed)) -> io::Result<(usize, bool)> {
        Ok((self.receive(buffer)?, false))
    }
}

fn unsupported() -> io::Error {
    io::Error::from_raw_os_error(windows_sys::Win32::Networking::WinSock::WSAEOPNOTSUPP)
}

pub fn raw(passed: &Passed) -> RawSource {
    match *passed {}
}

pub fn into_raw(passed: Passed) -> i64 {
    match passed {}
}
