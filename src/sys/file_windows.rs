// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files on Windows: what std gives, in the words of the core. Everything here may block.
//!
//! A read or write at an offset moves the system's own position of a file, so the one that callers know is kept here.

use super::file_types::{Existence, FileType, How, Stat, StatFs, Time};
use super::folder::Names;
use super::taken::Taken;
use super::windows::RawSource;
use std::ffi::{CStr, OsString};
use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{self, IoSlice, IoSliceMut, Read, Seek, Write};
use std::mem::MaybeUninit;
use std::ops::Deref;
use std::os::windows::ffi::OsStrExt;
use std::os::windows::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::os::windows::io::{AsRawHandle, FromRawHandle, RawHandle};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use windows_sys::Win32::Foundation::{ERROR_ACCESS_DENIED, ERROR_CANT_RESOLVE_FILENAME, ERROR_DIRECTORY};
use windows_sys::Win32::Foundation::{ERROR_INVALID_HANDLE, ERROR_INVALID_NAME};
use windows_sys::Win32::Storage::FileSystem as fsys;

/// A path of a caller's: UTF-8.
pub struct CallersPath(PathBuf);

impl CallersPath {
    pub fn new(text: &CStr) -> io::Result<CallersPath> {
        text.to_str().map(|text| CallersPath(text.into())).map_err(|_| io::ErrorKind::InvalidInput.into())
    }
}

impl Deref for CallersPath {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

pub fn path_bytes(path: OsString) -> io::Result<Vec<u8>> {
    path.into_string().map(String::into_bytes).map_err(|_| os_error(ERROR_INVALID_NAME))
}

fn os_error(number: u32) -> io::Error {
    io::Error::from_raw_os_error(number as i32)
}

/// An open file, used by any number of threads.
pub struct OpenFile {
    /// Ends before the file is closed.
    taken: Taken,
    file: File,
    appends: bool,
    /// `None` for what has no positions, such as a pipe.
    position: Mutex<Option<u64>>,
    /// If it is a folder.
    pub names: Names,
}

impl OpenFile {
    pub fn open(path: &Path, how: How, mode: u32) -> io::Result<OpenFile> {
        let mut options = OpenOptions::new();
        let mut flags = fsys::FILE_FLAG_BACKUP_SEMANTICS;
        if how.no_follow {
            flags |= fsys::FILE_FLAG_OPEN_REPARSE_POINT;
        }
        if how.sync {
            flags |= fsys::FILE_FLAG_WRITE_THROUGH;
        }
        if how.existence != Existence::Required && mode & 0o200 == 0 {
            options.attributes(fsys::FILE_ATTRIBUTE_READONLY);
        }
        options.read(how.read).write(how.write && !how.append).append(how.append).custom_flags(flags);
        match how.existence {
            Existence::Required => {}
            Existence::Optional => drop(options.create(true)),
            Existence::Refused => drop(options.create_new(true)),
        }
        // Together, std takes these two for a mistake.
        options.truncate(how.truncate && !how.append);
        let file = options.open(path)?;
        if how.truncate && how.append {
            OpenOptions::new().write(true).truncate(true).open(path)?;
        }
        let kind = file.metadata()?.file_type();
        if how.no_follow && kind.is_symlink() {
            return Err(os_error(ERROR_CANT_RESOLVE_FILENAME));
        }
        if how.folder && !kind.is_dir() {
            return Err(os_error(ERROR_DIRECTORY));
        }
        Ok(OpenFile::new(file, how.append, Some(0)))
    }

    /// Takes over a caller's HANDLE. On failure it stays the caller's.
    pub fn adopt(number: i64) -> io::Result<OpenFile> {
        let handle = number as isize as RawHandle;
        // SAFETY: a number that is no handle is answered with an error.
        let kind = unsafe { fsys::GetFileType(handle.cast()) };
        // std ends the process over a read that goes on without it, as those of sockets do.
        let is_socket = kind == fsys::FILE_TYPE_PIPE && super::windows::is_open(number as RawSource);
        if number <= 0 || kind == fsys::FILE_TYPE_UNKNOWN || is_socket {
            return Err(os_error(ERROR_INVALID_HANDLE));
        }
        // SAFETY: it is open, and the caller gives it away with this call.
        let mut file = unsafe { File::from_raw_handle(handle) };
        let position = if kind == fsys::FILE_TYPE_DISK { file.stream_position().ok() } else { None };
        Ok(OpenFile::new(file, false, position))
    }

    fn new(file: File, appends: bool, position: Option<u64>) -> OpenFile {
        let taken = Taken::new(file.as_raw_handle() as RawSource);
        OpenFile { taken, file, appends, position: Mutex::new(position), names: Names::default() }
    }

    pub fn raw(&self) -> i64 {
        self.file.as_raw_handle() as isize as i64
    }

    pub fn file(&self) -> &File {
        &self.file
    }

    /// Here all of them wait, as programs expect.
    pub fn set_blocking(&self, _: bool) -> io::Result<bool> {
        Ok(false)
    }

    /// Whether every write goes to the end.
    pub fn appends(&self) -> bool {
        self.appends
    }

    pub fn read(&self, slices: &mut [IoSliceMut<'_>], offset: Option<u64>) -> io::Result<usize> {
        let mut all = 0;
        for slice in slices {
            let wanted = slice.len();
            let count = match (offset, self.position()) {
                (Some(offset), _) => self.file.seek_read(slice, offset + all as u64),
                (None, Some(position)) => self.file.seek_read(slice, position),
                (None, None) => (&self.file).read(slice),
            };
            match count {
                Ok(count) => {
                    all += count;
                    self.advance(offset, count);
                    if count < wanted {
                        break;
                    }
                }
                // What has come so far counts; the next read tells the error again.
                Err(_) if all > 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    /// As much as the system takes at once of the first piece.
    pub fn write(&self, slices: &[IoSlice<'_>], offset: Option<u64>) -> io::Result<usize> {
        let Some(slice) = slices.iter().find(|slice| !slice.is_empty()) else { return Ok(0) };
        let count = match (offset, self.position()) {
            _ if self.appends => (&self.file).write(slice),
            (Some(offset), _) => self.file.seek_write(slice, offset),
            (None, Some(position)) => self.file.seek_write(slice, position),
            (None, None) => (&self.file).write(slice),
        }?;
        self.advance(offset, count);
        Ok(count)
    }

    fn position(&self) -> Option<u64> {
        *self.position.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn advance(&self, offset: Option<u64>, count: usize) {
        if let (None, Some(position)) = (offset, self.position.lock().unwrap_or_else(PoisonError::into_inner).as_mut())
        {
            *position += count as u64;
        }
    }

    pub fn stat(&self) -> io::Result<Stat> {
        let kind = self.file.metadata()?.file_type();
        let mut data = MaybeUninit::<fsys::BY_HANDLE_FILE_INFORMATION>::uninit();
        let mut basic = MaybeUninit::<fsys::FILE_BASIC_INFO>::uninit();
        let handle = self.file.as_raw_handle().cast();
        // SAFETY: the handle is open, and there is room for what each call writes.
        let (data, basic) = unsafe {
            if fsys::GetFileInformationByHandle(handle, data.as_mut_ptr()) == 0
                || fsys::GetFileInformationByHandleEx(
                    handle,
                    fsys::FileBasicInfo,
                    basic.as_mut_ptr().cast(),
                    size_of::<fsys::FILE_BASIC_INFO>() as u32,
                ) == 0
            {
                return Err(io::Error::last_os_error());
            }
            (data.assume_init(), basic.assume_init())
        };
        let join = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
        let (kind, type_bits) = match file_type(kind) {
            FileType::Folder => (FileType::Folder, 0o040000),
            FileType::Link => (FileType::Link, 0o120000),
            kind => (kind, 0o100000),
        };
        let readonly = data.dwFileAttributes & fsys::FILE_ATTRIBUTE_READONLY != 0;
        let size = join(data.nFileSizeHigh, data.nFileSizeLow);
        Ok(Stat {
            kind,
            mode: type_bits | if readonly { 0o444 } else { 0o666 } | if kind == FileType::Folder { 0o111 } else { 0 },
            device: data.dwVolumeSerialNumber.into(),
            inode: join(data.nFileIndexHigh, data.nFileIndexLow),
            links: data.nNumberOfLinks.into(),
            user: 0,
            group: 0,
            special: 0,
            size,
            block_size: 4096,
            blocks: size.div_ceil(512),
            accessed: from_file_time(basic.LastAccessTime),
            modified: from_file_time(basic.LastWriteTime),
            changed: from_file_time(basic.ChangeTime),
            born: from_file_time(basic.CreationTime),
        })
    }

    pub fn truncate(&self, length: u64) -> io::Result<()> {
        self.file.set_len(length)
    }

    /// Of permissions there is only whether it may be written to.
    pub fn chmod(&self, mode: u32) -> io::Result<()> {
        let mut permissions = self.file.metadata()?.permissions();
        permissions.set_readonly(mode & 0o200 == 0);
        self.file.set_permissions(permissions)
    }

    pub fn chown(&self, _user: Option<u32>, _group: Option<u32>) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn utime(&self, accessed: Time, modified: Time) -> io::Result<()> {
        let mut times = FileTimes::new();
        if let Some(accessed) = to_system_time(accessed) {
            times = times.set_accessed(accessed);
        }
        if let Some(modified) = to_system_time(modified) {
            times = times.set_modified(modified);
        }
        self.file.set_times(times)
    }

    pub fn close(self) -> io::Result<()> {
        drop(self.taken);
        drop(self.file);
        Ok(())
    }
}

/// 100 nanoseconds since 1601.
fn from_file_time(time: i64) -> Time {
    const UNTIL_1970: i64 = 116_444_736_000_000_000;
    let since = time - UNTIL_1970;
    Time::at(since.div_euclid(10_000_000), since.rem_euclid(10_000_000) * 100)
}

fn to_system_time(time: Time) -> Option<SystemTime> {
    match time {
        Time::Now => Some(SystemTime::now()),
        Time::Unknown => None,
        Time::Ns(ns @ 0..) => Some(UNIX_EPOCH + Duration::from_nanos(ns as u64)),
        Time::Ns(ns) => Some(UNIX_EPOCH - Duration::from_nanos(ns.unsigned_abs())),
    }
}

fn file_type(kind: fs::FileType) -> FileType {
    if kind.is_symlink() || kind.is_symlink_dir() {
        FileType::Link
    } else if kind.is_dir() {
        FileType::Folder
    } else if kind.is_file() {
        FileType::Regular
    } else {
        FileType::Unknown
    }
}

/// What the name in a folder stands for, where the system tells it without another look.
pub fn entry_type(entry: &fs::DirEntry) -> FileType {
    entry.file_type().map_or(FileType::Unknown, file_type)
}

/// Opens whatever is there for what needs no right to read or write it.
fn open_to(rights: u32, path: &Path, follow: bool) -> io::Result<OpenFile> {
    let reparse = if follow { 0 } else { fsys::FILE_FLAG_OPEN_REPARSE_POINT };
    let file =
        OpenOptions::new().access_mode(rights).custom_flags(fsys::FILE_FLAG_BACKUP_SEMANTICS | reparse).open(path)?;
    Ok(OpenFile::new(file, false, None))
}

pub fn stat(path: &Path, follow: bool) -> io::Result<Stat> {
    open_to(fsys::FILE_READ_ATTRIBUTES, path, follow)?.stat()
}

pub fn real_path(path: &Path) -> io::Result<PathBuf> {
    let found = fs::canonicalize(path)?;
    // Without the prefix that turns off the rules for names, where they hold anyway.
    let plain = found.to_str().and_then(|text| text.strip_prefix(r"\\?\")).filter(|text| !text.starts_with("UNC\\"));
    Ok(plain.map_or_else(|| found.clone(), PathBuf::from))
}

pub fn make_folder(path: &Path, _mode: u32, parents: bool) -> io::Result<()> {
    fs::DirBuilder::new().recursive(parents).create(path)
}

pub fn symlink(target: &Path, path: &Path, folder: bool) -> io::Result<()> {
    if folder {
        std::os::windows::fs::symlink_dir(target, path)
    } else {
        std::os::windows::fs::symlink_file(target, path)
    }
}

/// Whatever is there may be read and executed, as far as is known without trying it.
pub fn access(path: &Path, wanted: u32) -> io::Result<()> {
    let about = fs::metadata(path)?;
    let refused = wanted & 2 != 0 && !about.is_dir() && about.permissions().readonly();
    if refused { Err(os_error(ERROR_ACCESS_DENIED)) } else { Ok(()) }
}

pub fn chmod(path: &Path, mode: u32) -> io::Result<()> {
    let mut permissions = fs::metadata(path)?.permissions();
    permissions.set_readonly(mode & 0o200 == 0);
    fs::set_permissions(path, permissions)
}

pub fn chown(_path: &Path, _user: Option<u32>, _group: Option<u32>, _follow: bool) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn utime(path: &Path, accessed: Time, modified: Time, follow: bool) -> io::Result<()> {
    open_to(fsys::FILE_WRITE_ATTRIBUTES, path, follow)?.utime(accessed, modified)
}

pub fn statfs(path: &Path) -> io::Result<StatFs> {
    const LONGEST: usize = 32768;
    let wide: Vec<u16> = path.as_os_str().encode_wide().chain([0]).collect();
    let mut volume = vec![0u16; LONGEST];
    let (mut sectors, mut sector_size, mut free, mut all) = (0, 0, 0, 0);
    fs::metadata(path)?;
    // SAFETY: both texts end in a NUL, and there is room for what each call writes.
    let done = unsafe {
        fsys::GetVolumePathNameW(wide.as_ptr(), volume.as_mut_ptr(), LONGEST as u32) != 0
            && fsys::GetDiskFreeSpaceW(volume.as_ptr(), &mut sectors, &mut sector_size, &mut free, &mut all) != 0
    };
    if !done {
        return Err(io::Error::last_os_error());
    }
    Ok(StatFs {
        kind: 0,
        block_size: u64::from(sectors) * u64::from(sector_size),
        blocks: all.into(),
        blocks_free: free.into(),
        blocks_available: free.into(),
        files: 0,
        files_free: 0,
        name_max: 255,
    })
}

/// Windows keeps its folders itself.
pub fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Gives a new file the mode of the one that it is to replace.
pub fn dress_as(new: &OpenFile, old: &Stat) -> io::Result<()> {
    if old.mode & 0o200 == 0 { new.chmod(old.mode) } else { Ok(()) }
}

pub fn clone_file(_from: &OpenFile, _to: &OpenFile) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn copy_range(_from: &OpenFile, _to: &OpenFile, _length: usize) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}
