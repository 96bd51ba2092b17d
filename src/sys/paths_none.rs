// SPDX-License-Identifier: MIT OR Apache-2.0
//! No watches of paths: they were left out of the build.

use super::Source;
use crate::error::{Error, Result};
use crate::handle::Handle;
use crate::watch::{Outlet, Root, Told};

#[derive(Default)]
pub struct Paths {}

/// What the child of a fork needs for all watches to go on: nothing beforehand.
pub struct Renewal;

impl Renewal {
    pub fn new() -> Result<Renewal> {
        Ok(Renewal)
    }
}

impl Paths {
    pub fn start(&mut self, _: Handle, _: Root, _recursive: bool, _missing: bool, _: Outlet) -> Result<()> {
        Err(Error::ENOSYS)
    }

    pub fn renew(&mut self, _: Renewal, _: &mut Told) -> Result<()> {
        Ok(())
    }

    pub fn stop(&mut self, _: Handle) {}

    pub fn look_again(&mut self, _: Handle) {}

    pub fn is_empty(&self) -> bool {
        true
    }

    pub fn source(&self) -> Option<&Source> {
        None
    }

    pub fn close(&mut self) {}

    pub fn read(&mut self, _: &mut Told) -> bool {
        false
    }
}
