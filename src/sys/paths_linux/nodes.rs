// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is watched, by inotify's number, and on whose behalf.
//!
//! Each watch knows its own part of it: its guards, its target, and its folders with their places. The two are kept in
//! step here, and each is ordered by what it is asked for, so that an event costs what it tells, however much is watched.

use super::{Guard, Paths};
use crate::handle::Handle;
use crate::sys::forks;
use rustix::fs::inotify;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

#[derive(Default)]
pub(super) struct Node {
    /// It is a folder in which these names lead to the watches' targets. `true`: the name is the last of the watched path.
    guards: BTreeMap<OsString, BTreeSet<(Handle, bool)>>,
    /// The watches' paths lead to it, and it is no folder.
    files: BTreeSet<Handle>,
    /// It is a folder of which the entries are told of, by its place below the watch's root. There may be several places:
    /// it can be mounted at each.
    folders: BTreeSet<(Handle, PathBuf)>,
}

impl Node {
    fn is_unused(&self) -> bool {
        self.guards.is_empty() && self.files.is_empty() && self.folders.is_empty()
    }

    /// Who has a guard for this name.
    pub fn guards_of(&self, name: &OsStr) -> BTreeSet<(Handle, bool)> {
        self.guards.get(name).cloned().unwrap_or_default()
    }

    pub fn files(&self) -> &BTreeSet<Handle> {
        &self.files
    }

    pub fn folders(&self) -> &BTreeSet<(Handle, PathBuf)> {
        &self.folders
    }

    /// Where it is for this watch.
    pub fn places_of(&self, id: Handle) -> impl Iterator<Item = &PathBuf> {
        self.folders.range((id, PathBuf::new())..).take_while(move |folder| folder.0 == id).map(|(_, place)| place)
    }

    /// Whose path leads to it, or to something that has its name in it.
    pub fn on_the_way_of(&self) -> BTreeSet<Handle> {
        let guards = self.guards.values().flatten().map(|guard| guard.0);
        let roots = self.folders.iter().filter(|(_, place)| place.as_os_str().is_empty()).map(|folder| folder.0);
        guards.chain(self.files.iter().copied()).chain(roots).collect()
    }
}

impl Paths {
    pub(super) fn use_guard(&mut self, id: Handle, guard: &Guard) {
        let Some(watched) = self.watches.get_mut(&id) else { return };
        if !watched.guards.contains(guard) {
            watched.guards.push(guard.clone());
        }
        let guards = &mut self.nodes.entry(guard.number).or_default().guards;
        guards.entry(guard.name.clone()).or_default().insert((id, guard.own));
    }

    pub(super) fn drop_guard(&mut self, id: Handle, guard: Guard) {
        if let Some(watched) = self.watches.get_mut(&id) {
            watched.guards.retain(|other| *other != guard);
        }
        let Some(node) = self.nodes.get_mut(&guard.number) else { return };
        if let Entry::Occupied(mut guards) = node.guards.entry(guard.name) {
            guards.get_mut().remove(&(id, guard.own));
            if guards.get().is_empty() {
                guards.remove();
            }
        }
        self.rest_node(guard.number);
    }

    /// The caller makes it the watch's target.
    pub(super) fn use_file(&mut self, id: Handle, number: i32) {
        self.nodes.entry(number).or_default().files.insert(id);
    }

    pub(super) fn use_folder(&mut self, id: Handle, number: i32, place: &Path) {
        if let Some(watched) = self.watches.get_mut(&id) {
            watched.folders.insert((place.to_owned(), number));
            self.nodes.entry(number).or_default().folders.insert((id, place.to_owned()));
        }
    }

    pub(super) fn drop_folder(&mut self, id: Handle, number: i32, place: &Path) {
        if let Some(watched) = self.watches.get_mut(&id) {
            watched.folders.remove(&(place.to_owned(), number));
        }
        if let Some(node) = self.nodes.get_mut(&number) {
            node.folders.remove(&(id, place.to_owned()));
            self.rest_node(number);
        }
    }

    /// The watch's folders at a place and below it. (At one place there can be two for a moment, while what tells that the
    /// old one has left is still to be read.)
    pub(super) fn folders_below(&self, id: Handle, place: &Path) -> Vec<(PathBuf, i32)> {
        let Some(watched) = self.watches.get(&id) else { return Vec::new() };
        let below = watched.folders.range((place.to_owned(), i32::MIN)..).take_while(|(at, _)| at.starts_with(place));
        below.cloned().collect()
    }

    /// What the watch's path leads to is no more its target.
    pub(super) fn drop_target(&mut self, id: Handle) {
        let Some(watched) = self.watches.get_mut(&id) else { return };
        if let Some(number) = watched.target.take()
            && let Some(node) = self.nodes.get_mut(&number)
        {
            node.files.remove(&id);
            self.rest_node(number);
        }
    }

    fn rest_node(&mut self, number: i32) {
        if !self.nodes.get(&number).is_some_and(Node::is_unused) {
            return;
        }
        self.nodes.remove(&number);
        // The child of a fork leaves the parent's list as it is.
        if let (Some(inotify), true) = (&self.inotify, self.process == forks::count()) {
            // It fails for what the system has let go of already.
            let _ = inotify::remove_watch(inotify, number);
        }
    }

    /// The system has let go of it. Gives those whose target it was.
    pub(super) fn lose_node(&mut self, number: i32) -> BTreeSet<Handle> {
        let Some(node) = self.nodes.remove(&number) else { return BTreeSet::new() };
        for (id, _) in node.guards.into_values().flatten() {
            if let Some(watched) = self.watches.get_mut(&id) {
                watched.guards.retain(|guard| guard.number != number);
            }
        }
        let mut bereft = node.files;
        for (id, place) in node.folders {
            if place.as_os_str().is_empty() {
                bereft.insert(id);
            }
            if let Some(watched) = self.watches.get_mut(&id) {
                watched.folders.remove(&(place, number));
            }
        }
        for id in &bereft {
            if let Some(watched) = self.watches.get_mut(id) {
                watched.target = None;
            }
        }
        bereft
    }
}
