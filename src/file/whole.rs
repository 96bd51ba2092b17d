// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whole files: read into memory at once, and replaced at once.

use super::folder::make_temporary_file;
use super::opening;
use super::outcome::Bytes;
use crate::error::{Error, Result};
use crate::pool;
use crate::sys::file::{self as system, OpenFile};
use crate::sys::file_types::{FileType, How, Stat};
use std::fs;
use std::io::{self, IoSlice, Read};
use std::path::{Path, PathBuf};

/// How much is read or written between two looks whether it is still wanted.
const CHUNK: usize = 4 << 20;
/// As many symbolic links in a row as Linux follows.
const LINKS: usize = 40;

/// Everything that is in a file, of which there may be `most` bytes.
pub fn slurp(path: &Path, most: u64) -> Result<Bytes> {
    let open = opening::open(path, How { read: true, ..How::default() }, 0)?;
    let size = open.stat()?.size;
    if size > most {
        return Err(Error::EFBIG);
    }
    let mut bytes = Vec::new();
    // Room for the NUL, too. What the system says is a hint: files grow, and some have no size at all.
    let room = usize::try_from(size).ok().and_then(|size| size.checked_add(1)).ok_or(Error::ENOMEM)?;
    bytes.try_reserve_exact(room).map_err(|_| Error::ENOMEM)?;
    while open.file().take(CHUNK as u64).read_to_end(&mut bytes)? > 0 {
        if bytes.len() as u64 > most {
            return Err(Error::EFBIG);
        }
        stop_if_unwanted()?;
    }
    Ok(Bytes::new(bytes))
}

/// Puts a new file in the place of the one at a path, or of none, so that at any time there is either the whole old one
/// or the whole new one.
pub fn spew(path: &Path, bytes: &[u8], mode: u32) -> Result<i64> {
    let path = follow_links(path.to_owned())?;
    let old = match system::stat(&path, false) {
        Ok(old) => Some(old),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    match old.as_ref().map(|old| old.kind) {
        None | Some(FileType::Regular) => {}
        Some(FileType::Folder) => return Err(Error::EISDIR),
        // A device or a fifo is not to be replaced by a file.
        Some(_) => return Err(Error::EINVAL),
    }
    if path.as_os_str().is_empty() {
        return Err(Error::ENOENT);
    }
    if path.file_name().is_none() || ends_in_separator(&path) {
        return Err(Error::EISDIR);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (open, temporary) = make_temporary_file(&folder.join(".rondel-"), if old.is_some() { 0o600 } else { mode })?;
    let done = fill(open, bytes, old.as_ref()).and_then(|()| Ok(fs::rename(&temporary, &path)?));
    if let Err(error) = done {
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    match system::sync_folder(folder).map_err(Error::from) {
        // There are folders that cannot be synced, or not be opened by whom they can be changed.
        Ok(()) | Err(Error::EACCES | Error::EINVAL) => Ok(bytes.len() as i64),
        Err(error) => Err(error),
    }
}

fn fill(open: OpenFile, bytes: &[u8], old: Option<&Stat>) -> Result<()> {
    for chunk in bytes.chunks(CHUNK) {
        let mut left = chunk;
        while !left.is_empty() {
            stop_if_unwanted()?;
            let count = open.write(&[IoSlice::new(left)], None)?;
            left = &left[count..];
        }
    }
    if let Some(old) = old {
        system::dress_as(&open, old)?;
    }
    open.file().sync_all()?;
    stop_if_unwanted()?;
    Ok(open.close()?)
}

fn ends_in_separator(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().last().is_some_and(|last| std::path::is_separator(char::from(*last)))
}

/// Where symbolic links lead in the end, be there a file or not.
fn follow_links(mut path: PathBuf) -> Result<PathBuf> {
    for _ in 0..LINKS {
        match fs::read_link(&path) {
            // A relative one begins at the folder of the link; an absolute one replaces all of it.
            Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
            Err(_) => return Ok(path),
        }
    }
    Err(Error::ELOOP)
}

pub fn stop_if_unwanted() -> Result<()> {
    if pool::is_unwanted() == Some(true) { Err(Error::ECANCELED) } else { Ok(()) }
}
