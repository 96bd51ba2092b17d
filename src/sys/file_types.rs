// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is said of files, the same on every platform.

use std::time::{SystemTime, UNIX_EPOCH};

/// What opening does with a file that is there, and with one that is not.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Existence {
    #[default]
    Required,
    Optional,
    Refused,
}

/// How a file is to be opened.
#[derive(Clone, Copy, Default)]
pub struct How {
    pub read: bool,
    pub write: bool,
    /// Every write goes to the end.
    pub append: bool,
    pub existence: Existence,
    pub truncate: bool,
    /// The last part of the path must not be a symbolic link.
    pub no_follow: bool,
    /// It must be a folder.
    pub folder: bool,
    /// Writes return when they are on the disk.
    pub sync: bool,
}

/// The numbers as callers know them.
#[cfg_attr(windows, allow(dead_code))]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum FileType {
    Unknown = 0,
    Regular = 1,
    Folder = 2,
    Link = 3,
    Fifo = 4,
    Socket = 5,
    Character = 6,
    Block = 7,
}

/// A time of the file system: nanoseconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Time {
    Ns(i64),
    Now,
    /// Not known, or not to be changed.
    Unknown,
}

impl Time {
    /// What lies beyond the years 1678 to 2262 is the nearest of those.
    pub fn at(seconds: i64, ns: i64) -> Time {
        let nearest = if seconds < 0 { i64::MIN } else { i64::MAX };
        let ns = seconds.checked_mul(1_000_000_000).and_then(|whole| whole.checked_add(ns)).unwrap_or(nearest);
        // The two numbers at the ends stand for other things.
        Time::Ns(ns.clamp(i64::MIN + 1, i64::MAX - 1))
    }
}

impl From<SystemTime> for Time {
    fn from(time: SystemTime) -> Time {
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => Time::at(i64::try_from(after.as_secs()).unwrap_or(i64::MAX), after.subsec_nanos().into()),
            Err(before) => {
                let before = before.duration();
                Time::at(i64::try_from(before.as_secs()).map_or(i64::MIN, |s| -s), -i64::from(before.subsec_nanos()))
            }
        }
    }
}

pub struct Stat {
    pub kind: FileType,
    pub mode: u32,
    pub device: u64,
    pub inode: u64,
    pub links: u64,
    pub user: u32,
    pub group: u32,
    /// The device that a device file stands for.
    pub special: u64,
    pub size: u64,
    pub block_size: u64,
    /// Of 512 bytes.
    pub blocks: u64,
    pub accessed: Time,
    pub modified: Time,
    pub changed: Time,
    pub born: Time,
}

impl Stat {
    pub fn is_same_file(&self, other: &Stat) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

pub struct StatFs {
    /// The system's own number of what kind it is, or 0.
    pub kind: u64,
    pub block_size: u64,
    pub blocks: u64,
    pub blocks_free: u64,
    pub blocks_available: u64,
    pub files: u64,
    pub files_free: u64,
    pub name_max: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn times_before_1970_and_beyond_the_range_are_kept_in_order() {
        assert_eq!(Time::at(-1, 999_999_999), Time::Ns(-1));
        // Windows counts in hundreds.
        assert_eq!(Time::from(UNIX_EPOCH - Duration::from_nanos(100)), Time::Ns(-100));
        assert_eq!(Time::at(i64::MAX, 0), Time::Ns(i64::MAX - 1));
        assert_eq!(Time::at(i64::MIN, 0), Time::Ns(i64::MIN + 1));
    }
}
