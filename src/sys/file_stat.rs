// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a Unix system knows of a file. Linux is asked with statx(2) at once; elsewhere, and where that is not to be had,
//! std knows how.

use super::file_types::{FileType, Stat, Time};
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

pub fn of_path(path: &Path, follow: bool) -> io::Result<Stat> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Some(found) = statx::of_path(path, follow) {
        return found;
    }
    let data = if follow { fs::metadata(path) } else { fs::symlink_metadata(path) };
    data.map(|data| from_metadata(&data))
}

pub fn of_open(file: &File) -> io::Result<Stat> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Some(found) = statx::of_open(file) {
        return found;
    }
    file.metadata().map(|data| from_metadata(&data))
}

pub fn file_type(kind: fs::FileType) -> FileType {
    if kind.is_file() {
        FileType::Regular
    } else if kind.is_dir() {
        FileType::Folder
    } else if kind.is_symlink() {
        FileType::Link
    } else if kind.is_fifo() {
        FileType::Fifo
    } else if kind.is_socket() {
        FileType::Socket
    } else if kind.is_char_device() {
        FileType::Character
    } else if kind.is_block_device() {
        FileType::Block
    } else {
        FileType::Unknown
    }
}

fn from_metadata(data: &Metadata) -> Stat {
    Stat {
        kind: file_type(data.file_type()),
        mode: data.mode(),
        device: data.dev(),
        inode: data.ino(),
        links: data.nlink(),
        user: data.uid(),
        group: data.gid(),
        special: data.rdev(),
        size: data.size(),
        block_size: data.blksize(),
        blocks: data.blocks(),
        accessed: Time::at(data.atime(), data.atime_nsec()),
        modified: Time::at(data.mtime(), data.mtime_nsec()),
        changed: Time::at(data.ctime(), data.ctime_nsec()),
        born: data.created().map_or(Time::Unknown, Time::from),
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod statx {
    use super::*;
    use rustix::fs::{AtFlags, CWD, Statx, StatxFlags, StatxTimestamp, makedev};
    use rustix::io::{Errno, Result};

    const WANTED: StatxFlags = StatxFlags::BASIC_STATS.union(StatxFlags::BTIME);

    /// `None` where the system has no such call.
    pub fn of_path(path: &Path, follow: bool) -> Option<io::Result<Stat>> {
        let flags = if follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
        answer(rustix::fs::statx(CWD, path, flags, WANTED))
    }

    pub fn of_open(file: &File) -> Option<io::Result<Stat>> {
        answer(rustix::fs::statx(file, c"", AtFlags::EMPTY_PATH, WANTED))
    }

    fn answer(found: Result<Statx>) -> Option<io::Result<Stat>> {
        match found {
            Ok(found) => Some(Ok(from_statx(&found))),
            Err(Errno::NOSYS) => None,
            Err(error) => Some(Err(error.into())),
        }
    }

    fn time(time: &StatxTimestamp) -> Time {
        Time::at(time.tv_sec, time.tv_nsec.into())
    }

    fn from_statx(found: &Statx) -> Stat {
        Stat {
            kind: match rustix::fs::FileType::from_raw_mode(found.stx_mode.into()) {
                rustix::fs::FileType::RegularFile => FileType::Regular,
                rustix::fs::FileType::Directory => FileType::Folder,
                rustix::fs::FileType::Symlink => FileType::Link,
                rustix::fs::FileType::Fifo => FileType::Fifo,
                rustix::fs::FileType::Socket => FileType::Socket,
                rustix::fs::FileType::CharacterDevice => FileType::Character,
                rustix::fs::FileType::BlockDevice => FileType::Block,
                rustix::fs::FileType::Unknown => FileType::Unknown,
            },
            mode: found.stx_mode.into(),
            device: makedev(found.stx_dev_major, found.stx_dev_minor),
            inode: found.stx_ino,
            links: found.stx_nlink.into(),
            user: found.stx_uid,
            group: found.stx_gid,
            special: makedev(found.stx_rdev_major, found.stx_rdev_minor),
            size: found.stx_size,
            block_size: found.stx_blksize.into(),
            blocks: found.stx_blocks,
            accessed: time(&found.stx_atime),
            modified: time(&found.stx_mtime),
            changed: time(&found.stx_ctime),
            born: if found.stx_mask & StatxFlags::BTIME.bits() == 0 { Time::Unknown } else { time(&found.stx_btime) },
        }
    }
}
