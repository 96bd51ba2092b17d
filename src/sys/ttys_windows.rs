// SPDX-License-Identifier: MIT OR Apache-2.0
//! Windows: a console is no socket, and nothing else can be waited for here.

use super::Source;
use crate::error::{Error, Result};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Normal,
    Cbreak,
    Raw,
    Binary,
}

/// A signal that does not come.
pub const RESIZED: i32 = 28;

pub struct Hold;

pub fn hold() -> Hold {
    Hold
}

pub fn open(_number: i64) -> Result<Source> {
    Err(Error::ENOSYS)
}

pub fn size(_source: &Source) -> Result<(i32, i32)> {
    Err(Error::ENOSYS)
}

pub fn set_mode(_source: &Source, _mode: Mode, _holds: bool) -> Result<bool> {
    Err(Error::ENOSYS)
}

pub fn leave(_source: &Source) {}

pub fn reset() {}
