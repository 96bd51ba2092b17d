// SPDX-License-Identifier: MIT OR Apache-2.0
//! Windows has no forks.

use crate::reactor::Interest;
use crate::sys::{RawSource, Source};
use std::io;

#[inline]
pub fn count() -> u32 {
    0
}

pub fn notice() -> io::Result<()> {
    Ok(())
}

#[derive(Default)]
pub struct Watched;

impl Watched {
    pub fn set(&mut self, _source: &Source, _key: usize, _interest: Interest) {}

    pub fn clear(&mut self, _source: &Source) {}

    pub fn iter(&self) -> impl Iterator<Item = (RawSource, usize, Interest)> + '_ {
        std::iter::empty()
    }
}
