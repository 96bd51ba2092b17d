// SPDX-License-Identifier: MIT OR Apache-2.0
//! Random bytes from the system, fit for keys.

use crate::error::{Error, Result};

/// How much is filled between two looks whether to go on: a few milliseconds' worth.
const CHUNK: usize = 1 << 20;

/// Blocks as long as the system has not gathered enough to begin with, which is only soon after it was started.
/// `go_on` may end it early.
pub fn fill(room: &mut [u8], go_on: impl Fn() -> Result<()>) -> Result<()> {
    for chunk in room.chunks_mut(CHUNK) {
        go_on()?;
        getrandom::fill(chunk).map_err(|error| error.raw_os_error().map_or(Error::EIO, Error::from_os))?;
    }
    Ok(())
}
