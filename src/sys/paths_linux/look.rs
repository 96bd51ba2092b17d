// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a path leads, and what has to be watched to know of it.

use super::{CHANGES, ENTRIES, GUARD, Guard, LEAVES, Paths};
use crate::error::{Error, Result};
use crate::handle::Handle;
use crate::watch::{Change, Told, What};
use rustix::fs::inotify::{self, WatchFlags};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// As many as the system follows.
const LINKS: usize = 40;

impl Paths {
    pub(super) fn look_anew(&mut self, id: Handle, known: bool, told: &mut Told) {
        if !self.looked.insert(id) {
            return;
        }
        if let Err(_lost) = self.look(id, Some(known), told) {
            // It cannot be watched, for want of memory or of the watches that a user may have.
            told.push((id, Change::new(self.watches[&id].root.told(), What::OVERFLOW)));
        }
    }

    /// Looks where the path leads now, and watches that. `known`: what happened is told already; `None`: it is the first
    /// look.
    pub(super) fn look(&mut self, id: Handle, known: Option<bool>, told: &mut Told) -> Result<()> {
        let moved = self.guard(id)?;
        let Some(watched) = self.watches.get(&id) else { return Ok(()) };
        let (path, before, missing) = (watched.root.absolute().to_owned(), watched.target, watched.missing);
        let mut folder = true;
        let mut found = self.add(&path, ENTRIES | LEAVES | libc::IN_ONLYDIR);
        if found == Err(Error::ENOTDIR) {
            folder = false;
            found = self.add(&path, CHANGES | LEAVES);
        }
        let target = match found {
            Ok(number) => Some(number),
            Err(error) if error == Error::ENOSPC || error == Error::ENOMEM => return Err(error),
            Err(error) if known.is_none() && (!missing || error == Error::EACCES) => return Err(error),
            Err(_) => None,
        };
        if target == before {
            return Ok(());
        }
        // What is at the path now may have been one of the folders below: that is not let go of.
        let former = self.folders_below(id, Path::new(""));
        if let Some(number) = target {
            if folder {
                self.use_folder(id, number, Path::new(""));
            } else {
                self.use_file(id, number);
            }
        }
        self.drop_target(id);
        for (place, number) in former {
            self.drop_folder(id, number, &place);
        }
        if let Some(watched) = self.watches.get_mut(&id) {
            watched.target = target;
            watched.identity = identity(&path);
        }
        let what = match (known, before, target) {
            (None, ..) => None,
            // The folder that it is in now was not watched when it came there.
            (Some(true), ..) if !moved => None,
            (_, None, Some(_)) => Some(What::CREATED),
            (_, Some(_), Some(_)) => Some(What::REMOVED | What::CREATED),
            (Some(known), ..) => (!known).then_some(What::REMOVED),
        };
        let root = &self.watches[&id].root;
        told.extend(what.map(|what| (id, Change::new(root.told(), what))));
        if target.is_none() || !folder {
            return Ok(());
        }
        match known {
            None if !self.watches[&id].recursive => Ok(()),
            None => self.walk(id, Path::new(""), None),
            Some(_) => self.walk(id, Path::new(""), Some(told)),
        }
    }

    /// The system has let go of what the path led to.
    pub(super) fn gone(&mut self, id: Handle, told: &mut Told) {
        self.gone_quietly(id);
        told.push((id, Change::new(self.watches[&id].root.told(), What::REMOVED)));
    }

    pub(super) fn gone_quietly(&mut self, id: Handle) {
        self.looked.remove(&id);
        self.drop_target(id);
        for (place, number) in self.folders_below(id, Path::new("")) {
            self.drop_folder(id, number, &place);
        }
    }

    /// Watches the folders in which the path, and each link that it leads through, has its name; where one is missing,
    /// the nearest that is there. Whether the path's own is another one than before.
    fn guard(&mut self, id: Handle) -> Result<bool> {
        let mut guards = Vec::new();
        let Some(watched) = self.watches.get(&id) else { return Ok(false) };
        let before = watched.own_guard();
        for (index, path) in ways(watched.root.absolute()).iter().enumerate() {
            let mut place = path.as_path();
            // Whether `place` was not there a moment ago.
            let mut missing = false;
            while let (Some(parent), Some(name)) = (place.parent(), place.file_name()) {
                let parent_path = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
                match self.add(parent_path, GUARD) {
                    Ok(number) => {
                        let guard = Guard { number, name: name.to_owned(), own: index == 0 && place == path };
                        self.use_guard(id, &guard);
                        // What has come in between the guard does not tell of: that is to be watched instead.
                        if missing && place.is_dir() {
                            (place, missing) = (path, false);
                            continue;
                        }
                        guards.push(guard);
                        break;
                    }
                    Err(error) if error == Error::ENOSPC || error == Error::ENOMEM => return Err(error),
                    Err(error) => {
                        missing = error == Error::ENOENT || error == Error::ENOTDIR;
                        place = parent;
                    }
                }
            }
        }
        let mut surplus = self.watches.get(&id).map(|watched| watched.guards.clone()).unwrap_or_default();
        surplus.retain(|guard| !guards.contains(guard));
        for guard in surplus {
            self.drop_guard(id, guard);
        }
        Ok(self.watches.get(&id).is_some_and(|watched| watched.own_guard() != before))
    }

    pub(super) fn add(&self, path: &Path, mask: u32) -> Result<i32> {
        let inotify = self.inotify.as_ref().ok_or(Error::EBADF)?;
        let flags = WatchFlags::from_bits_retain(mask | libc::IN_MASK_ADD);
        Ok(inotify::add_watch(inotify, path, flags).map_err(io::Error::from)?)
    }
}

/// What the system knows a file by.
pub(super) fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

/// The path, and all that it leads through by way of symbolic links, in its last part or further up: the links and what
/// they lead to.
fn ways(path: &Path) -> Vec<PathBuf> {
    let mut ways = vec![path.to_owned()];
    let mut links = BTreeSet::new();
    let mut next = 0;
    while let Some(way) = ways.get(next).cloned() {
        next += 1;
        for place in way.ancestors().filter(|place| place.file_name().is_some()) {
            if links.len() < LINKS
                && !links.contains(place)
                && let Ok(leads_to) = fs::read_link(place)
            {
                links.insert(place.to_owned());
                let parent = place.parent().unwrap_or(Path::new("/"));
                ways.extend((place != way).then(|| place.to_owned()));
                ways.push(parent.join(leads_to));
            }
        }
    }
    ways
}
