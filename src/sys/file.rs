// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files on Unix: what std and rustix give, in the words of the core. Everything here may block.

use super::file_types::{Existence, FileType, How, Stat, StatFs, Time};
use super::folder::Names;
use super::held::Held;
use rustix::fs::{Access, AtFlags, CWD, Mode, OFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use smallvec::SmallVec;
use std::ffi::{CStr, OsStr, OsString};
use std::fs::{self, File, Permissions};
use std::io::{self, IoSlice, IoSliceMut};
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A caller's path, copied: any bytes. A short one, as most are, needs no memory of its own, which it would be given on
/// one thread and give back on another.
pub struct CallersPath(SmallVec<[u8; 96]>);

impl CallersPath {
    pub fn new(text: &CStr) -> io::Result<CallersPath> {
        Ok(CallersPath(SmallVec::from_slice(text.to_bytes())))
    }
}

impl Deref for CallersPath {
    type Target = Path;

    fn deref(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }
}

pub fn path_bytes(path: OsString) -> io::Result<Vec<u8>> {
    Ok(path.into_vec())
}

/// An open file, used by any number of threads.
pub struct OpenFile {
    file: Held<File>,
    appends: bool,
    /// A caller's own is used as it is.
    opened_here: bool,
    /// If it is a folder.
    pub names: Names,
}

/// The mode that a file is made with, less what the process's mask takes away.
fn mode_bits(mode: u32) -> Mode {
    Mode::from_raw_mode((mode & 0o7777) as _)
}

impl OpenFile {
    /// It never waits for the other end of a fifo, nor do reads and writes: nobody could end that wait.
    pub fn open(path: &Path, how: How, mode: u32) -> io::Result<OpenFile> {
        let mut flags = OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        flags |= match (how.read, how.write || how.append) {
            (_, false) => OFlags::RDONLY,
            (false, true) => OFlags::WRONLY,
            (true, true) => OFlags::RDWR,
        };
        for (wanted, flag) in [
            (how.append, OFlags::APPEND),
            (how.existence != Existence::Required, OFlags::CREATE),
            (how.existence == Existence::Refused, OFlags::EXCL),
            (how.truncate, OFlags::TRUNC),
            (how.no_follow, OFlags::NOFOLLOW),
            (how.folder, OFlags::DIRECTORY),
            (how.sync, OFlags::SYNC),
        ] {
            if wanted {
                flags |= flag;
            }
        }
        let fd = rustix::io::retry_on_intr(|| rustix::fs::open(path, flags, mode_bits(mode)))?;
        Ok(OpenFile { opened_here: true, ..OpenFile::new(fd, how.append) })
    }

    /// Takes over a caller's descriptor. On failure it stays the caller's.
    pub fn adopt(number: i64) -> io::Result<OpenFile> {
        let number = super::raw_source(number)?;
        // SAFETY: borrowed for the look below only, which fails for a number that is no open descriptor.
        let flags = rustix::fs::fcntl_getfl(unsafe { BorrowedFd::borrow_raw(number) })?;
        // SAFETY: it is open, and the caller gives it away with this call.
        let fd = unsafe { OwnedFd::from_raw_fd(number) };
        Ok(OpenFile::new(fd, flags.contains(OFlags::APPEND)))
    }

    fn new(fd: OwnedFd, appends: bool) -> OpenFile {
        OpenFile { file: Held::new(fd.into()), appends, opened_here: false, names: Names::default() }
    }

    pub fn raw(&self) -> i64 {
        self.file.as_raw_fd().into()
    }

    pub fn file(&self) -> &File {
        &self.file
    }

    /// Whether every write goes to the end.
    pub fn appends(&self) -> bool {
        self.appends
    }

    pub fn read(&self, slices: &mut [IoSliceMut<'_>], offset: Option<u64>) -> io::Result<usize> {
        let fd = &self.file;
        Ok(rustix::io::retry_on_intr(|| match (offset, &mut *slices) {
            (None, [one]) => rustix::io::read(fd, &mut **one),
            (None, many) => rustix::io::readv(fd, many),
            (Some(offset), [one]) => rustix::io::pread(fd, &mut **one, offset),
            (Some(offset), many) => rustix::io::preadv(fd, many, offset),
        })?)
    }

    pub fn write(&self, slices: &[IoSlice<'_>], offset: Option<u64>) -> io::Result<usize> {
        let fd = &self.file;
        Ok(rustix::io::retry_on_intr(|| match (offset, slices) {
            (None, [one]) => rustix::io::write(fd, one),
            (None, many) => rustix::io::writev(fd, many),
            (Some(offset), [one]) => rustix::io::pwrite(fd, one, offset),
            (Some(offset), many) => rustix::io::pwritev(fd, many, offset),
        })?)
    }

    /// Whether reads and writes wait, here and for whoever else has the same open file. Whether that is a change: what
    /// somebody else has opened stays as it is.
    pub fn set_blocking(&self, blocking: bool) -> io::Result<bool> {
        if !self.opened_here {
            return Ok(false);
        }
        let mut flags = rustix::fs::fcntl_getfl(&self.file)?;
        if flags.contains(OFlags::NONBLOCK) != blocking {
            return Ok(false);
        }
        flags.set(OFlags::NONBLOCK, !blocking);
        rustix::fs::fcntl_setfl(&self.file, flags)?;
        Ok(true)
    }

    pub fn stat(&self) -> io::Result<Stat> {
        super::file_stat::of_open(&self.file)
    }

    pub fn truncate(&self, length: u64) -> io::Result<()> {
        Ok(rustix::io::retry_on_intr(|| rustix::fs::ftruncate(&self.file, length))?)
    }

    pub fn chmod(&self, mode: u32) -> io::Result<()> {
        Ok(rustix::fs::fchmod(&self.file, mode_bits(mode))?)
    }

    pub fn chown(&self, user: Option<u32>, group: Option<u32>) -> io::Result<()> {
        std::os::unix::fs::fchown(&self.file, user, group)
    }

    pub fn utime(&self, accessed: Time, modified: Time) -> io::Result<()> {
        Ok(rustix::fs::futimens(&self.file, &timestamps(accessed, modified))?)
    }

    /// Closes it. Whatever the system says, it is closed then.
    pub fn close(self) -> io::Result<()> {
        self.file.close()
    }
}

/// What the name in a folder stands for, where the system tells it without another look.
pub fn entry_type(entry: &fs::DirEntry) -> FileType {
    entry.file_type().map_or(FileType::Unknown, super::file_stat::file_type)
}

pub use super::file_stat::of_path as stat;

/// The absolute path without symbolic links, "." and "..".
pub fn real_path(path: &Path) -> io::Result<PathBuf> {
    fs::canonicalize(path)
}

pub fn make_folder(path: &Path, mode: u32, parents: bool) -> io::Result<()> {
    fs::DirBuilder::new().recursive(parents).mode(mode & 0o7777).create(path)
}

/// A link to a file and one to a folder are the same here.
pub fn symlink(target: &Path, path: &Path, _folder: bool) -> io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

/// For the real user: may it be read (4), written (2), executed (1)? 0: is it there?
pub fn access(path: &Path, wanted: u32) -> io::Result<()> {
    let mut access = Access::EXISTS;
    for (bit, flag) in [(4, Access::READ_OK), (2, Access::WRITE_OK), (1, Access::EXEC_OK)] {
        if wanted & bit != 0 {
            access |= flag;
        }
    }
    Ok(rustix::fs::accessat(CWD, path, access, AtFlags::empty())?)
}

pub fn chmod(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode & 0o7777))
}

pub fn chown(path: &Path, user: Option<u32>, group: Option<u32>, follow: bool) -> io::Result<()> {
    if follow { std::os::unix::fs::chown(path, user, group) } else { std::os::unix::fs::lchown(path, user, group) }
}

fn timestamps(accessed: Time, modified: Time) -> Timestamps {
    let spec = |time| match time {
        Time::Now => Timespec { tv_sec: 0, tv_nsec: UTIME_NOW as _ },
        Time::Unknown => Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT as _ },
        Time::Ns(ns) => {
            Timespec { tv_sec: ns.div_euclid(1_000_000_000) as _, tv_nsec: ns.rem_euclid(1_000_000_000) as _ }
        }
    };
    Timestamps { last_access: spec(accessed), last_modification: spec(modified) }
}

pub fn utime(path: &Path, accessed: Time, modified: Time, follow: bool) -> io::Result<()> {
    let flags = if follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
    Ok(rustix::fs::utimensat(CWD, path, &timestamps(accessed, modified), flags)?)
}

pub fn statfs(path: &Path) -> io::Result<StatFs> {
    let about = rustix::fs::statvfs(path)?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let kind = rustix::fs::statfs(path)?.f_type as u64;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let kind = 0;
    Ok(StatFs {
        kind,
        block_size: about.f_frsize,
        blocks: about.f_blocks,
        blocks_free: about.f_bfree,
        blocks_available: about.f_bavail,
        files: about.f_files,
        files_free: about.f_ffree,
        name_max: about.f_namemax,
    })
}

/// Makes what was written so far part of a folder, so that a crash cannot undo it.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    let how = How { read: true, folder: true, ..How::default() };
    OpenFile::open(path, how, 0)?.file.sync_all()
}

/// Gives a new file the owner and the mode of the one that it is to replace.
pub fn dress_as(new: &OpenFile, old: &Stat) -> io::Result<()> {
    let present = new.stat()?;
    let mut mode = old.mode & 0o7777;
    if (present.user, present.group) != (old.user, old.group)
        && new.chown(Some(old.user), Some(old.group)).is_err()
        && new.chown(None, Some(old.group)).is_err()
    {
        // Whoever's it is now, it shall not act with the rights of others.
        mode &= 0o1777;
    }
    new.chmod(mode)
}

/// Whether the second is to be a copy that shares its blocks with the first until one is written to.
pub fn clone_file(from: &OpenFile, to: &OpenFile) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return Ok(rustix::fs::ioctl_ficlone(&to.file, &from.file)?);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = (from, to);
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Copies up to `length` bytes between the files' positions inside the kernel; `Unsupported` where it cannot.
pub fn copy_range(from: &OpenFile, to: &OpenFile, length: usize) -> io::Result<usize> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use rustix::io::Errno;
        match rustix::io::retry_on_intr(|| rustix::fs::copy_file_range(&from.file, None, &to.file, None, length)) {
            // What exactly it refuses differs from system to system of files.
            Err(Errno::XDEV | Errno::NOSYS | Errno::INVAL | Errno::OPNOTSUPP | Errno::PERM | Errno::BADF) => {
                Err(io::ErrorKind::Unsupported.into())
            }
            result => Ok(result?),
        }
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = (from, to, length);
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl AsFd for OpenFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}
