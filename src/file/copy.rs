// SPDX-License-Identifier: MIT OR Apache-2.0
//! Copies of files: shared blocks where the file system can, else inside the kernel, else through memory.

use super::opening;
use super::whole::stop_if_unwanted;
use crate::error::{Error, Result};
use crate::sys::file::{self as system, OpenFile};
use crate::sys::file_types::{Existence, FileType, How, Stat};
use std::fs;
use std::io::{self, IoSlice, IoSliceMut};
use std::path::Path;

/// How much is copied between two looks whether it is still wanted.
const STEP: usize = 16 << 20;
const BUFFER: usize = 256 << 10;

/// What a copy may do.
#[derive(Clone, Copy)]
pub struct Manner {
    /// There must be nothing at the new path.
    pub exclusive: bool,
    /// Fail where blocks cannot be shared.
    pub clone_only: bool,
}

/// Copies the bytes and the permissions of a file. How many bytes it were.
pub fn copy(from: &Path, to: &Path, manner: Manner) -> Result<i64> {
    let source = opening::open(from, How { read: true, ..How::default() }, 0)?;
    let about = source.stat()?;
    match about.kind {
        FileType::Regular => {}
        FileType::Folder => return Err(Error::EISDIR),
        _ => return Err(Error::EINVAL),
    }
    let (target, made) = open_target(to, about.mode & 0o777, manner.exclusive)?;
    let copied = copy_into(&source, &about, &target, made, manner).and_then(|count| {
        target.close()?;
        Ok(count)
    });
    if copied.is_err() && made {
        let _ = fs::remove_file(to);
    }
    copied
}

/// The file to copy to, and whether it was made.
fn open_target(path: &Path, mode: u32, exclusive: bool) -> Result<(OpenFile, bool)> {
    let how = |existence| How { write: true, existence, ..How::default() };
    match opening::open(path, how(Existence::Refused), mode) {
        Ok(open) => Ok((open, true)),
        Err(Error::EEXIST) if !exclusive => Ok((opening::open(path, how(Existence::Optional), mode)?, false)),
        Err(error) => Err(error),
    }
}

fn copy_into(source: &OpenFile, about: &Stat, target: &OpenFile, made: bool, manner: Manner) -> Result<i64> {
    let present = target.stat()?;
    if !made && present.is_same_file(about) {
        return Err(Error::EINVAL);
    }
    let regular = present.kind == FileType::Regular;
    if regular && !made {
        target.truncate(0)?;
    }
    if regular {
        match target.chmod(about.mode & 0o777) {
            // Somebody else's file that may be written to keeps its permissions.
            Err(_) if !made => {}
            result => result?,
        }
    }
    match system::clone_file(source, target) {
        Ok(()) => return Ok(target.stat()?.size as i64),
        Err(error) if manner.clone_only => return Err(error.into()),
        Err(_) => {}
    }
    let mut all = 0;
    loop {
        stop_if_unwanted()?;
        match system::copy_range(source, target, STEP) {
            // Files that are made as they are read, as in /proc, look empty to it.
            Ok(0) if all == 0 => break,
            Ok(0) => return Ok(all),
            Ok(count) => all += count as i64,
            Err(error) if error.kind() == io::ErrorKind::Unsupported && all == 0 => break,
            Err(error) => return Err(error.into()),
        }
    }
    copy_through_memory(source, target)
}

fn copy_through_memory(source: &OpenFile, target: &OpenFile) -> Result<i64> {
    let mut buffer = vec![0; BUFFER];
    let mut all = 0;
    loop {
        stop_if_unwanted()?;
        let count = source.read(&mut [IoSliceMut::new(&mut buffer)], None)?;
        if count == 0 {
            return Ok(all);
        }
        let mut left = &buffer[..count];
        while !left.is_empty() {
            left = &left[target.write(&[IoSlice::new(left)], None)?..];
        }
        all += count as i64;
    }
}
