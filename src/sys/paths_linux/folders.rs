// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is in folders, and below them: each folder by its place below the root, wherever that is by now.

use super::look::identity;
use super::{ENTRIES, Event, Paths};
use crate::error::{Error, Result, is_for_want_of_means};
use crate::handle::Handle;
use crate::watch::{Change, Told, What};
use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

/// How a folder was found.
#[derive(PartialEq, Eq)]
enum Found {
    /// It is watched there already.
    Known,
    New,
    /// It was elsewhere, and what tells that it is here is still to be read.
    Moving,
}

impl Paths {
    pub(super) fn folder_tells(&mut self, id: Handle, at: &Path, event: &Event, told: &mut Told) {
        let root = &self.watches[&id].root;
        if event.name.is_empty() {
            // A folder below the root is an entry of another one, which tells of it.
            if at.as_os_str().is_empty() && event.mask & libc::IN_ATTRIB != 0 {
                told.push((id, Change::new(root.told(), What::ATTRIBUTES)));
            }
            return;
        }
        let place = at.join(&event.name);
        let path = root.below(&place);
        let deep = event.mask & libc::IN_ISDIR != 0 && self.watches[&id].recursive;
        if event.mask & libc::IN_MOVED_FROM != 0 {
            self.leave(id, place, event, told);
        } else if event.mask & (libc::IN_MOVED_TO | libc::IN_CREATE) != 0 {
            match self.moves.get_mut(&(event.cookie, id)).and_then(VecDeque::pop_front) {
                Some(old) if event.mask & libc::IN_MOVED_TO != 0 => self.renamed(id, &old.place, &place, deep, told),
                _ => told.push((id, Change::new(path, What::CREATED))),
            }
            // Whatever is in it, and was there before the watch, is told of as well.
            if deep {
                self.unwalked.insert((id, place));
            }
        } else if event.mask & libc::IN_DELETE != 0 {
            told.push((id, Change::new(path, What::REMOVED)));
        } else if event.mask & libc::IN_MODIFY != 0 {
            told.push((id, Change::new(path, What::MODIFIED)));
        } else if event.mask & libc::IN_ATTRIB != 0 {
            told.push((id, Change::new(path, What::ATTRIBUTES)));
            // It may not have been ours to look into until now.
            if deep && !self.is_known(id, &place) {
                self.unwalked.insert((id, place));
            }
        }
    }

    /// `deep`: it is a folder, and what is in it is told of.
    fn renamed(&mut self, id: Handle, old: &Path, new: &Path, deep: bool, told: &mut Told) {
        let root = &self.watches[&id].root;
        let (old_path, new_path) = (root.below(old), root.below(new));
        let is_new = || self.unwalked.contains(&(id, old.to_owned()));
        if deep && self.is_known(id, new) && !self.is_known(id, old) && !is_new() {
            // A walk has found it under the new name, and told so of all that is in it.
            told.push((id, Change::new(old_path, What::REMOVED)));
            told.push((id, Change::new(new_path, What::CREATED)));
            return;
        }
        told.push((id, Change::renamed(old_path, new_path)));
        if deep {
            self.carry_over(id, old, new);
        }
    }

    fn is_known(&self, id: Handle, place: &Path) -> bool {
        let there = (place.to_owned(), i32::MIN)..=(place.to_owned(), i32::MAX);
        self.watches[&id].folders.range(there).next().is_some()
    }

    /// A folder has another name: those below it have, too.
    fn carry_over(&mut self, id: Handle, old: &Path, new: &Path) {
        self.forget_below(id, new);
        let carried = |at: &Path| {
            let rest = at.strip_prefix(old).ok()?;
            Some(if rest.as_os_str().is_empty() { new.to_owned() } else { new.join(rest) })
        };
        for (at, number) in self.folders_below(id, old) {
            if let Some(place) = carried(&at) {
                self.use_folder(id, number, &place);
                self.drop_folder(id, number, &at);
            }
        }
        for place in self.unwalked_below(id, old) {
            self.unwalked.extend(carried(&place).map(|place| (id, place)));
            self.unwalked.remove(&(id, place));
        }
    }

    /// A folder below the root is watched no more, nor is what is in it.
    pub(super) fn forget_below(&mut self, id: Handle, place: &Path) {
        for (place, number) in self.folders_below(id, place) {
            self.drop_folder(id, number, &place);
        }
        for place in self.unwalked_below(id, place) {
            self.unwalked.remove(&(id, place));
        }
    }

    fn unwalked_below(&self, id: Handle, place: &Path) -> Vec<PathBuf> {
        let below = |next: &&(Handle, PathBuf)| next.0 == id && next.1.starts_with(place);
        self.unwalked.range((id, place.to_owned())..).take_while(below).map(|(_, place)| place.clone()).collect()
    }

    pub(super) fn walk_or_tell(&mut self, id: Handle, place: &Path, told: &mut Told) {
        if self.walk(id, place, Some(told)).is_err() {
            told.push((id, Change::new(self.watches[&id].root.below(place), What::OVERFLOW)));
        }
    }

    /// Watches a folder and all below it. With `told`, what is in folders that were not watched is told of: it may have
    /// been there before the watch; of the root, all is.
    pub(super) fn walk(&mut self, id: Handle, place: &Path, mut told: Option<&mut Told>) -> Result<()> {
        // With each, whether the one it is in was there to tell that it came.
        let mut folders = vec![(place.to_owned(), false)];
        let is_root = place.as_os_str().is_empty();
        while let Some((place, awaited)) = folders.pop() {
            let Some(watched) = self.watches.get(&id) else { return Ok(()) };
            let (path, recursive) = (watched.root.absolute().join(&place), watched.recursive);
            let mut found = Found::New;
            if !place.as_os_str().is_empty() {
                match self.add(&path, ENTRIES | libc::IN_ONLYDIR | libc::IN_DONT_FOLLOW) {
                    Ok(number) => found = self.find(id, number, &place, awaited),
                    Err(error) if error == Error::ENOSPC || error == Error::ENOMEM => return Err(error),
                    // It is gone, or not ours to look into.
                    Err(_) => continue,
                }
            }
            if found == Found::Moving {
                continue;
            }
            let entries = match fs::read_dir(&path) {
                Ok(entries) => entries,
                Err(error) if is_for_want_of_means(&error) => return Err(error.into()),
                Err(_) => {
                    // It has gone meanwhile. Should it come up elsewhere, it is a new one.
                    if !place.as_os_str().is_empty() {
                        self.forget_below(id, &place);
                    }
                    continue;
                }
            };
            for entry in entries.flatten() {
                let place = place.join(entry.file_name());
                if let (Some(told), true) = (&mut told, is_root || found == Found::New) {
                    told.push((id, Change::new(self.watches[&id].root.below(&place), What::CREATED)));
                }
                if recursive && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push((place, found == Found::Known));
                }
            }
        }
        Ok(())
    }

    /// A folder is at this place. If it is told of at another one, where it is no more, that ends.
    fn find(&mut self, id: Handle, number: i32, place: &Path, awaited: bool) -> Found {
        let mut others: Vec<PathBuf> = match self.nodes.get(&number) {
            Some(node) => node.places_of(id).cloned().collect(),
            None => Vec::new(),
        };
        if others.iter().any(|other| other == place) {
            return Found::Known;
        }
        let root = self.watches[&id].root.absolute().to_owned();
        let this = identity(&root.join(place));
        // What is mounted at several places is told of at each.
        others.retain(|other| !other.as_os_str().is_empty() && identity(&root.join(other)) != this);
        if awaited && !others.is_empty() {
            return Found::Moving;
        }
        self.use_folder(id, number, place);
        for other in others {
            self.drop_folder(id, number, &other);
        }
        Found::New
    }
}
