// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is in folders, and names made up for what is to be put there.

use super::outcome::{Bytes, Entry};
use super::whole::stop_if_unwanted;
use crate::error::{Error, Result};
use crate::sys::file::{self as system, OpenFile};
use crate::sys::file_types::{Existence, How};
use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::BuildHasher;
use std::io;
use std::path::{Path, PathBuf};

/// How often another name is tried.
const TRIES: u32 = 1000;
const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The names in a folder but "." and "..", in the order of their bytes.
pub fn scan(path: &Path) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(path)? {
        stop_if_unwanted()?;
        let entry = entry?;
        entries.try_reserve(1).map_err(|_| Error::ENOMEM)?;
        let kind = system::entry_type(&entry);
        entries.push(Entry { name: Bytes::new(system::path_bytes(entry.file_name())?), kind });
    }
    entries.sort_unstable_by(|a, b| a.name.slice().cmp(b.name.slice()));
    Ok(entries)
}

/// Up to `most` names of an open folder, which come after those that were read before, in its own order.
pub fn read(open: &OpenFile, most: usize) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    open.names.read(open.file(), most, |name, kind| {
        stop_if_unwanted()?;
        entries.try_reserve(1).map_err(|_| Error::ENOMEM)?;
        entries.push(Entry { name: Bytes::new(name), kind });
        Ok(())
    })?;
    Ok(entries)
}

/// Makes a folder and those above it.
pub fn make_all(path: &Path, mode: u32) -> Result<()> {
    // For std there is nothing left to make.
    if path.as_os_str().is_empty() {
        return Err(Error::ENOENT);
    }
    Ok(system::make_folder(path, mode, true)?)
}

/// Letters and digits that nobody can tell beforehand.
fn random_name(length: usize) -> String {
    let hasher = RandomState::new();
    (0..length).map(|index| char::from(LETTERS[(hasher.hash_one(index) % LETTERS.len() as u64) as usize])).collect()
}

/// Makes something under a name that begins with `start` and was not there before.
fn make_under_new_name<T>(start: &Path, mut make: impl FnMut(&Path) -> io::Result<T>) -> Result<(T, PathBuf)> {
    for _ in 0..TRIES {
        let mut name = start.as_os_str().to_owned();
        name.push(random_name(6));
        match make(Path::new(&name)) {
            Ok(made) => return Ok((made, name.into())),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::EEXIST)
}

/// A new file to read and write.
pub fn make_temporary_file(start: &Path, mode: u32) -> Result<(OpenFile, PathBuf)> {
    let how = How { read: true, write: true, existence: Existence::Refused, ..How::default() };
    make_under_new_name(start, |path| OpenFile::open(path, how, mode))
}

/// A new folder, which nobody else may enter.
pub fn make_temporary_folder(start: &Path) -> Result<PathBuf> {
    make_under_new_name(start, |path| system::make_folder(path, 0o700, false)).map(|made| made.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_all_different_and_plain() {
        let mut names: Vec<String> = (0..1000).map(|_| random_name(12)).collect();
        assert!(names.iter().all(|name| name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_alphanumeric())));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 1000);
    }
}
