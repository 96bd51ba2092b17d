// SPDX-License-Identifier: MIT OR Apache-2.0
//! By what a change of a file is seen when the system does not tell of it.

use std::fs::{self, Metadata};
use std::hash::Hash;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

pub struct Stamp(Metadata);

impl Stamp {
    pub fn of(path: &Path, follow: bool) -> io::Result<Stamp> {
        if follow { fs::metadata(path) } else { fs::symlink_metadata(path) }.map(Stamp)
    }

    pub fn is_folder(&self) -> bool {
        self.0.is_dir()
    }

    pub fn is_same_file(&self, later: &Stamp) -> bool {
        let file = |stamp: &Metadata| (stamp.dev(), stamp.ino(), stamp.file_type());
        file(&self.0) == file(&later.0)
    }

    /// Whether nobody has made, renamed or removed anything in a folder, as far as the clock of its file system can tell.
    pub fn has_same_names(&self, later: &Stamp) -> bool {
        let times = |stamp: &Metadata| (stamp.mtime(), stamp.mtime_nsec(), stamp.ctime(), stamp.ctime_nsec());
        self.is_same_file(later) && times(&self.0) == times(&later.0)
    }

    /// A folder's own times change with every entry, which is told of as such.
    pub fn differs_in_content(&self, later: &Stamp) -> bool {
        let content = |stamp: &Metadata| (stamp.size(), stamp.mtime(), stamp.mtime_nsec());
        !self.is_folder() && content(&self.0) != content(&later.0)
    }

    pub fn differs_in_attributes(&self, later: &Stamp) -> bool {
        let attributes = |stamp: &Metadata| (stamp.mode(), stamp.uid(), stamp.gid());
        attributes(&self.0) != attributes(&later.0)
    }

    /// By which a file is found again under another name. The number of one that is gone is soon another's, so it has to
    /// look the same, too.
    pub fn likeness(&self) -> impl Hash + Eq + use<> {
        let Stamp(stamp) = self;
        let content = (!self.is_folder()).then(|| (stamp.size(), stamp.mtime(), stamp.mtime_nsec()));
        (stamp.dev(), stamp.ino(), stamp.file_type(), content)
    }
}
