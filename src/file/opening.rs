// SPDX-License-Identifier: MIT OR Apache-2.0
//! Opening files that may be leased.
//!
//! Opening waits for nobody, so that no fifo keeps a thread. But where somebody has a lease on a file, as servers of files
//! do, the system has asked for it back by then, and will have it soon: that is waited for here.

use super::whole::stop_if_unwanted;
use crate::error::Result;
use crate::pool;
use crate::sys::file::{self as system, OpenFile};
use crate::sys::file_types::{FileType, How};
use std::io;
use std::path::Path;
use std::time::Duration;

const STEP: Duration = Duration::from_millis(5);

pub fn open(path: &Path, how: How, mode: u32) -> Result<OpenFile> {
    let mut aside = None;
    loop {
        match OpenFile::open(path, how, mode) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && is_regular(path, how) => {}
            opened => return Ok(opened?),
        }
        stop_if_unwanted()?;
        aside.get_or_insert_with(pool::stand_aside);
        std::thread::sleep(STEP);
    }
}

fn is_regular(path: &Path, how: How) -> bool {
    system::stat(path, !how.no_follow).is_ok_and(|about| about.kind == FileType::Regular)
}
