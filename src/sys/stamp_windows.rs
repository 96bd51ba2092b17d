// SPDX-License-Identifier: MIT OR Apache-2.0
//! By what a change of a file is seen when the system does not tell of it.

use std::fs::{self, Metadata};
use std::hash::Hash;
use std::io;
use std::os::windows::fs::MetadataExt;
use std::path::Path;

pub struct Stamp(Metadata);

impl Stamp {
    pub fn of(path: &Path, follow: bool) -> io::Result<Stamp> {
        if follow { fs::metadata(path) } else { fs::symlink_metadata(path) }.map(Stamp)
    }

    pub fn is_folder(&self) -> bool {
        self.0.is_dir()
    }

    /// Without opening each file, its time of creation is what tells it apart.
    pub fn is_same_file(&self, later: &Stamp) -> bool {
        let file = |stamp: &Metadata| (stamp.creation_time(), stamp.file_type());
        file(&self.0) == file(&later.0)
    }

    /// Whether nobody has made, renamed or removed anything in a folder, as far as the clock of its file system can tell.
    pub fn has_same_names(&self, later: &Stamp) -> bool {
        self.is_same_file(later) && self.0.last_write_time() == later.0.last_write_time()
    }

    /// A folder's own times change with every entry, which is told of as such.
    pub fn differs_in_content(&self, later: &Stamp) -> bool {
        let content = |stamp: &Metadata| (stamp.file_size(), stamp.last_write_time());
        !self.is_folder() && content(&self.0) != content(&later.0)
    }

    pub fn differs_in_attributes(&self, later: &Stamp) -> bool {
        self.0.file_attributes() != later.0.file_attributes()
    }

    /// By which a file is found again under another name.
    pub fn likeness(&self) -> impl Hash + Eq + use<> {
        let Stamp(stamp) = self;
        let content = (!self.is_folder()).then(|| (stamp.file_size(), stamp.last_write_time()));
        (stamp.creation_time(), stamp.file_type(), content)
    }
}
