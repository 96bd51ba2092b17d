// SPDX-License-Identifier: MIT OR Apache-2.0
//! Watches of paths where threads of the system, or of the `notify` crate, tell: FSEvents, kqueue, Windows.
//!
//! Each watch has a watcher of its own, which watches what the path leads to and the folder in which it has its name.
//! When something else stands under the name the loop has it watched anew. The crate's threads end by themselves once
//! their watcher is gone, on Windows and BSD a moment later.

use super::Source;
use crate::error::{Error, Result};
use crate::handle::Handle;
use crate::watch::{Change, Outlet, Root, Told, What};
use notify::event::{EventKind, ModifyKind, RenameMode};
use notify::{ErrorKind, Event, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// All watches of a loop.
#[derive(Default)]
pub struct Paths {
    watches: HashMap<Handle, Watched>,
}

/// What the child of a fork needs for all watches to go on: nothing beforehand.
pub struct Renewal;

impl Renewal {
    pub fn new() -> Result<Renewal> {
        Ok(Renewal)
    }
}

struct Watched {
    watcher: RecommendedWatcher,
    root: Root,
    recursive: bool,
    outlet: Outlet,
}

/// What turns the system's words for paths into ours.
struct Listener {
    root: Root,
    /// What the system calls the path, and what it leads to.
    names: Vec<PathBuf>,
    recursive: bool,
    outlet: Outlet,
    /// A name that was left, whose new one comes next.
    left: Option<PathBuf>,
}

impl Paths {
    /// Watches from now on: what happens after this is told.
    pub fn start(&mut self, id: Handle, root: Root, recursive: bool, missing: bool, outlet: Outlet) -> Result<()> {
        if let (Err(error), false) = (fs::metadata(root.absolute()), missing) {
            return Err(error.into());
        }
        let watcher = begin(&root, recursive, &outlet)?;
        self.watches.insert(id, Watched { watcher, root, recursive, outlet });
        Ok(())
    }

    pub fn stop(&mut self, id: Handle) {
        self.watches.remove(&id);
    }

    /// Something else stands under the name now.
    pub fn look_again(&mut self, id: Handle) {
        let Some(watched) = self.watches.get_mut(&id) else { return };
        match begin(&watched.root, watched.recursive, &watched.outlet) {
            Ok(watcher) => watched.watcher = watcher,
            Err(_lost) => watched.outlet.tell_lost(&watched.root.told()),
        }
    }

    /// In the child of a fork, where the threads are not.
    pub fn renew(&mut self, _: Renewal, told: &mut Told) -> Result<()> {
        for (id, watched) in &mut self.watches {
            let watcher = begin(&watched.root, watched.recursive, &watched.outlet)?;
            // Its end would wait for a thread.
            std::mem::forget(std::mem::replace(&mut watched.watcher, watcher));
            told.push((*id, Change::new(watched.root.told(), What::OVERFLOW)));
        }
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.watches.is_empty()
    }

    /// The threads send messages instead.
    pub fn source(&self) -> Option<&Source> {
        None
    }

    pub fn close(&mut self) {}

    pub fn read(&mut self, _: &mut Told) -> bool {
        false
    }
}

fn begin(root: &Root, recursive: bool, outlet: &Outlet) -> Result<RecommendedWatcher> {
    let path = root.absolute();
    let mut names = vec![path.to_owned()];
    // FSEvents tells of files by their real names.
    if let (Some(parent), Some(name)) = (path.parent(), path.file_name()) {
        names.extend(parent.canonicalize().map(|parent| parent.join(name)));
    }
    names.extend(path.canonicalize());
    names.dedup();
    let outlet = outlet.clone();
    let mut listener = Listener { root: root.clone(), names, recursive, outlet, left: None };
    let mut watcher = notify::recommended_watcher(move |event| listener.hear(event)).map_err(translate)?;
    let ancestors = || path.ancestors().skip(1);
    if let Some(guard) = ancestors().find(|ancestor| ancestor.is_dir()) {
        // With more than the last name missing, what is to come lies deeper.
        let deep = path.parent() != Some(guard);
        watcher.watch(guard, mode(deep)).map_err(translate)?;
    }
    match watcher.watch(path, mode(recursive)) {
        // It is waited for.
        Err(error) if path.exists() => Err(translate(error)),
        _ => Ok(watcher),
    }
}

fn mode(recursive: bool) -> RecursiveMode {
    if recursive { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive }
}

fn translate(error: notify::Error) -> Error {
    match error.kind {
        ErrorKind::Io(error) => error.into(),
        ErrorKind::PathNotFound => Error::ENOENT,
        ErrorKind::MaxFilesWatch => Error::ENOSPC,
        _ => Error::EUNKNOWN,
    }
}

impl Listener {
    fn hear(&mut self, event: notify::Result<Event>) {
        let Ok(event) = event else { return self.outlet.tell_lost(&self.root.told()) };
        if event.need_rescan() {
            self.outlet.tell_lost(&self.root.told());
        }
        let what = match event.kind {
            EventKind::Access(_) | EventKind::Other => return,
            EventKind::Create(_) => What::CREATED,
            EventKind::Remove(_) => What::REMOVED,
            EventKind::Modify(ModifyKind::Metadata(_)) => What::ATTRIBUTES,
            EventKind::Modify(ModifyKind::Name(mode)) => return self.hear_of_names(mode, event.paths),
            EventKind::Any | EventKind::Modify(_) => What::MODIFIED,
        };
        for path in &event.paths {
            self.tell(path, what);
        }
    }

    fn hear_of_names(&mut self, mode: RenameMode, paths: Vec<PathBuf>) {
        match (mode, &paths[..]) {
            (RenameMode::Both, [old, new]) => self.tell_renamed(old, new),
            (RenameMode::From, [old]) => {
                if let Some(lost) = self.left.replace(old.clone()) {
                    self.tell(&lost, What::REMOVED);
                }
            }
            (RenameMode::To, [new]) => match self.left.take() {
                Some(old) => self.tell_renamed(&old, new),
                None => self.tell(new, What::CREATED),
            },
            // Which of the two names it is shows on the disk.
            (_, paths) => {
                for path in paths {
                    let there = fs::symlink_metadata(path).is_ok();
                    self.tell(path, if there { What::CREATED } else { What::REMOVED });
                }
            }
        }
    }

    fn tell(&self, path: &Path, what: What) {
        if let Some(path) = self.name_of(path) {
            self.outlet.tell(Change::new(path, what), &self.root.told());
        }
    }

    fn tell_renamed(&self, old: &Path, new: &Path) {
        let change = match (self.name_of(old), self.name_of(new)) {
            (Some(old), Some(new)) => Change::renamed(old, new),
            (Some(old), None) if old == self.root.told() => match self.name_beside(new) {
                Some(new) => Change::renamed(old, new),
                None => Change::new(old, What::REMOVED),
            },
            (Some(old), None) => Change::new(old, What::REMOVED),
            (None, Some(new)) if new == self.root.told() => match self.name_beside(old) {
                Some(old) => Change::renamed(old, new),
                None => Change::new(new, What::CREATED),
            },
            (None, Some(new)) => Change::new(new, What::CREATED),
            (None, None) => return,
        };
        self.outlet.tell(change, &self.root.told());
    }

    /// How a path is told of; `None`: not at all.
    fn name_of(&self, path: &Path) -> Option<PathBuf> {
        let place = self.names.iter().find_map(|name| path.strip_prefix(name).ok())?;
        (self.recursive || place.components().count() < 2).then(|| self.root.below(place))
    }

    fn name_beside(&self, path: &Path) -> Option<PathBuf> {
        let beside = self.names.iter().any(|name| name.parent() == path.parent());
        path.file_name().filter(|_| beside).map(|name| self.root.beside(name))
    }
}
