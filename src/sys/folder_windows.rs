// SPDX-License-Identifier: MIT OR Apache-2.0
//! Folders on Windows: their names one after the other, and the removal of all that is in them. Everything here may
//! block.

use super::file_types::FileType;
use crate::error::Result;
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
use std::mem::offset_of;
use std::os::windows::fs::FileTypeExt;
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use windows_sys::Win32::Foundation::{ERROR_DIRECTORY, ERROR_INVALID_NAME, ERROR_NO_MORE_FILES};
use windows_sys::Win32::Storage::FileSystem as fsys;

/// In units of 8 bytes, as what the system tells of each name begins at such a place.
const ROOM: usize = 4096;
/// The bit of a reparse point's tag by which it stands for another path.
const NAME_SURROGATE: u32 = 0x2000_0000;

/// How far the names of an open folder are read. They are read by one at a time.
#[derive(Default)]
pub struct Names(Mutex<Place>);

#[derive(Default)]
struct Place {
    /// What has come of the system and was not asked for yet.
    ahead: VecDeque<(Vec<u16>, FileType)>,
    ended: bool,
}

impl Names {
    /// Hands over up to `most` names that come next, but "." and "..". Without any it is at the end, and stays there.
    pub fn read(
        &self,
        folder: &File,
        most: usize,
        mut take: impl FnMut(Vec<u8>, FileType) -> Result<()>,
    ) -> Result<()> {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !folder.metadata()?.is_dir() {
            return Err(os_error(ERROR_DIRECTORY).into());
        }
        let mut taken = 0;
        while taken < most {
            match place.ahead.pop_front() {
                Some((name, kind)) => {
                    let name = String::from_utf16(&name).map_err(|_| os_error(ERROR_INVALID_NAME))?;
                    take(name.into_bytes(), kind)?;
                    taken += 1;
                }
                None if place.ended => break,
                None => match place.fill(folder) {
                    Ok(()) => {}
                    // What has come so far counts; the next read tells the error again.
                    Err(_) if taken > 0 => break,
                    Err(error) => return Err(error.into()),
                },
            }
        }
        Ok(())
    }
}

impl Place {
    fn fill(&mut self, folder: &File) -> io::Result<()> {
        let mut room = vec![0u64; ROOM];
        let bytes = ROOM * size_of::<u64>();
        // SAFETY: the handle is open, and there is as much room as is said.
        let done = unsafe {
            fsys::GetFileInformationByHandleEx(
                folder.as_raw_handle().cast(),
                fsys::FileFullDirectoryInfo,
                room.as_mut_ptr().cast(),
                bytes as u32,
            )
        };
        if done == 0 {
            let error = io::Error::last_os_error();
            self.ended = error.raw_os_error() == Some(ERROR_NO_MORE_FILES as i32);
            return if self.ended { Ok(()) } else { Err(error) };
        }
        let mut at = 0;
        loop {
            // SAFETY: the system has put one there, at a multiple of 8.
            let entry = unsafe { &*room.as_ptr().byte_add(at).cast::<fsys::FILE_FULL_DIR_INFO>() };
            let start = (at + offset_of!(fsys::FILE_FULL_DIR_INFO, FileName)) / size_of::<u16>();
            let length = entry.FileNameLength as usize / size_of::<u16>();
            debug_assert!((start + length) * size_of::<u16>() <= bytes);
            // SAFETY: the name is in the room, as far as the system says.
            let name = unsafe { std::slice::from_raw_parts(room.as_ptr().cast::<u16>().add(start), length) };
            if !matches!(String::from_utf16_lossy(name).as_str(), "." | "..") {
                self.ahead.push_back((name.to_vec(), file_type(entry.FileAttributes, entry.EaSize)));
            }
            if entry.NextEntryOffset == 0 {
                return Ok(());
            }
            at += entry.NextEntryOffset as usize;
        }
    }
}

/// Of a reparse point the second number is the tag.
fn file_type(attributes: u32, tag: u32) -> FileType {
    if attributes & fsys::FILE_ATTRIBUTE_REPARSE_POINT != 0 && tag & NAME_SURROGATE != 0 {
        FileType::Link
    } else if attributes & fsys::FILE_ATTRIBUTE_DIRECTORY != 0 {
        FileType::Folder
    } else {
        FileType::Regular
    }
}

fn os_error(number: u32) -> io::Error {
    io::Error::from_raw_os_error(number as i32)
}

/// Removes a folder with all that is in it, without following links. `stop` is asked before each name of the folder
/// itself, and ends it with its error; what is further down goes by std, which does not ask.
pub fn remove_tree(path: &Path, stop: impl Fn() -> Result<()>) -> Result<()> {
    if !fs::symlink_metadata(path)?.is_dir() {
        return Ok(fs::remove_dir_all(path)?);
    }
    for entry in fs::read_dir(path)? {
        stop()?;
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else if kind.is_symlink_dir() {
            fs::remove_dir(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(fs::remove_dir(path)?)
}
