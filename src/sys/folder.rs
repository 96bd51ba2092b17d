// SPDX-License-Identifier: MIT OR Apache-2.0
//! Folders on Unix: their names one after the other, and a walk that removes all that is in them. Everything here may
//! block.

use super::file_types::FileType;
use crate::error::{Error, Result};
use once_cell::race::OnceBox;
use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::ffi::{CStr, CString};
use std::fs::{self, File};
use std::io;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::{Mutex, TryLockError};

/// How far the names of an open folder are read. They are read by one at a time.
#[derive(Default)]
pub struct Names {
    place: Mutex<Place>,
    /// In a child after a fork, if somebody who is not there was reading.
    in_child: OnceBox<Names>,
}

#[derive(Default)]
enum Place {
    #[default]
    NotBegun,
    At(Box<Dir>),
    End,
}

impl Names {
    /// Hands over up to `most` names that come next, but "." and "..". Without any it is at the end, and stays there.
    pub fn read(
        &self,
        folder: &File,
        most: usize,
        mut take: impl FnMut(Vec<u8>, FileType) -> Result<()>,
    ) -> Result<()> {
        let mut place = match self.place.try_lock() {
            Ok(place) => place,
            Err(TryLockError::Poisoned(place)) => place.into_inner(),
            Err(TryLockError::WouldBlock) => return self.in_child.get_or_init(Box::default).read(folder, most, take),
        };
        let mut taken = 0;
        while taken < most {
            let names = match &mut *place {
                // Another number of the same open folder, which needs no right to look into it by name.
                Place::NotBegun => {
                    let own = rustix::io::fcntl_dupfd_cloexec(folder, 0).and_then(Dir::new).map_err(io::Error::from)?;
                    *place = Place::At(Box::new(own));
                    continue;
                }
                Place::At(names) => names,
                Place::End => break,
            };
            match names.read() {
                None => *place = Place::End,
                Some(Ok(entry)) => {
                    if !is_dots(entry.file_name()) {
                        take(entry.file_name().to_bytes().to_vec(), file_type(entry.file_type()))?;
                        taken += 1;
                    }
                }
                Some(Err(error)) => {
                    *place = Place::NotBegun;
                    // What has come so far counts; the next read tells the error again.
                    return if taken > 0 { Ok(()) } else { Err(io::Error::from(error).into()) };
                }
            }
        }
        Ok(())
    }
}

fn is_dots(name: &CStr) -> bool {
    matches!(name.to_bytes(), b"." | b"..")
}

fn file_type(kind: rustix::fs::FileType) -> FileType {
    use rustix::fs::FileType as System;
    match kind {
        System::RegularFile => FileType::Regular,
        System::Directory => FileType::Folder,
        System::Symlink => FileType::Link,
        System::Fifo => FileType::Fifo,
        System::Socket => FileType::Socket,
        System::CharacterDevice => FileType::Character,
        System::BlockDevice => FileType::Block,
        _ => FileType::Unknown,
    }
}

/// How many folders on the way down are open at a time; those above are opened again on the way up.
const OPEN_LEVELS: usize = 32;

/// A folder that is being emptied.
struct Level {
    /// In the folder above.
    name: CString,
    names: Dir,
    id: Id,
    /// Whether anything in it has gone since its names were read from the start.
    shrank: bool,
}

type Id = (u64, u64);

/// One further up, which is not open.
struct Shut {
    name: CString,
    id: Id,
}

enum Removed {
    Gone,
    /// It is a folder that is not empty.
    Full,
}

/// Removes a folder with all that is in it, without following links, however deep. `stop` is asked before each name,
/// and ends it with its error.
pub fn remove_tree(path: &Path, stop: impl Fn() -> Result<()>) -> Result<()> {
    if fs::symlink_metadata(path)?.is_symlink() {
        return Ok(fs::remove_file(path)?);
    }
    if let Removed::Gone = remove_folder(CWD, path).map_err(io::Error::from)? {
        return Ok(());
    }
    let mut shut: Vec<Shut> = Vec::new();
    let mut open: VecDeque<Level> = VecDeque::from([Level::enter(CWD, path, CString::default())?]);
    while let Some(here) = open.back_mut() {
        stop()?;
        if let Some((name, kind)) = here.next_name()? {
            match remove_entry(here.folder()?, &name, kind)? {
                Removed::Gone => here.shrank = true,
                Removed::Full => {
                    match Level::enter(here.folder()?, name.as_c_str(), name.clone()) {
                        Ok(below) => open.push_back(below),
                        // Somebody else was faster.
                        Err(error) if error.kind() == io::ErrorKind::NotFound => here.shrank = true,
                        Err(error) => return Err(error.into()),
                    }
                    if open.len() > OPEN_LEVELS {
                        shut.extend(open.pop_front().map(|level| Shut { name: level.name, id: level.id }));
                    }
                }
            }
            continue;
        }
        let Some(mut emptied) = open.pop_back() else { break };
        if open.is_empty()
            && let Some(above) = shut.pop()
        {
            open.push_back(Level::enter_above(&emptied, above)?);
        }
        let removed = match open.back_mut() {
            Some(above) => {
                above.shrank = true;
                remove_folder(above.folder()?, emptied.name.as_c_str())
            }
            None => remove_folder(CWD, path),
        };
        match removed {
            Ok(Removed::Gone) => {}
            // Systems may pass over names while others go, and somebody may put new ones there.
            Ok(Removed::Full) if emptied.shrank => {
                emptied.shrank = false;
                emptied.names.rewind();
                open.push_back(emptied);
            }
            Ok(Removed::Full) => return Err(Error::ENOTEMPTY),
            Err(Errno::NOENT) if !open.is_empty() => {}
            Err(error) => return Err(io::Error::from(error).into()),
        }
    }
    Ok(())
}

impl Level {
    fn enter<P: rustix::path::Arg>(above: BorrowedFd<'_>, path: P, name: CString) -> io::Result<Level> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = rustix::fs::openat(above, path, flags, Mode::empty())?;
        let about = rustix::fs::fstat(&folder)?;
        #[allow(clippy::unnecessary_cast)]
        let id = (about.st_dev as u64, about.st_ino as u64);
        Ok(Level { name, names: Dir::new(folder)?, id, shrank: false })
    }

    /// Back into the folder above one, which must be the one that was left.
    fn enter_above(below: &Level, above: Shut) -> Result<Level> {
        let level = Level::enter(below.folder()?, c"..", above.name)?;
        // Somebody has moved the folder: what is above it now is none of ours.
        if level.id == above.id { Ok(level) } else { Err(Error::EBUSY) }
    }

    fn folder(&self) -> io::Result<BorrowedFd<'_>> {
        Ok(self.names.fd()?)
    }

    fn next_name(&mut self) -> io::Result<Option<(CString, FileType)>> {
        loop {
            match self.names.read().transpose()? {
                Some(entry) if is_dots(entry.file_name()) => {}
                Some(entry) => return Ok(Some((entry.file_name().to_owned(), file_type(entry.file_type())))),
                None => return Ok(None),
            }
        }
    }
}

fn remove_folder<P: rustix::path::Arg>(above: BorrowedFd<'_>, path: P) -> rustix::io::Result<Removed> {
    match rustix::fs::unlinkat(above, path, AtFlags::REMOVEDIR) {
        Ok(()) => Ok(Removed::Gone),
        Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(Removed::Full),
        Err(error) => Err(error),
    }
}

fn remove_entry(above: BorrowedFd<'_>, name: &CStr, kind: FileType) -> io::Result<Removed> {
    let mut removed = Err(Errno::NOTDIR);
    if matches!(kind, FileType::Folder | FileType::Unknown) {
        removed = remove_folder(above, name);
    }
    if matches!(removed, Err(Errno::NOTDIR)) {
        removed = rustix::fs::unlinkat(above, name, AtFlags::empty()).map(|()| Removed::Gone);
    }
    match removed {
        // Here, too.
        Err(Errno::NOENT) => Ok(Removed::Gone),
        removed => Ok(removed?),
    }
}
