// SPDX-License-Identifier: MIT OR Apache-2.0
//! Watches of paths: told once a turn of all that has happened, by a mask; the names are asked for.
//!
//! What the system tells comes from `sys::paths`, by way of the loop's own poll or, from a thread of the system's, through
//! an `Outlet` and the inbox; what polling finds out comes from the pool. Either way it is gathered here first.

mod changes;
mod outlet;
mod polling;
mod root;

pub use changes::{Change, What};
pub use outlet::Outlet;
pub use root::Root;

use self::polling::Polling;
use crate::callback::Notify;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::handle::Handle;
use crate::lifecycle::{Kind, Object};
use crate::reactor::Interest;
use crate::ready::Step;
use crate::sys::paths::Renewal;
use changes::Changes;
use std::path::PathBuf;

/// How often is read, at most, before a watch begins. The system keeps less, but somebody may add to it meanwhile.
const BACKLOG: usize = 64;

/// What has happened, and to whose watches.
pub type Told = Vec<(Handle, Change)>;

pub struct Watch {
    notify: Notify,
    root: Root,
    /// It looks by itself, again and again.
    polling: Option<Polling>,
    coming: Changes,
    /// What was told last, to be asked for.
    present: Changes,
}

/// How a path is to be watched.
#[derive(Clone, Copy, Default)]
pub struct Manner {
    pub recursive: bool,
    /// It need not be there yet.
    pub missing: bool,
    /// Nanoseconds between two looks, where the system is not to be asked.
    pub every: Option<i64>,
}

impl Core {
    pub fn watch_path(&mut self, path: PathBuf, manner: Manner, notify: Notify) -> Result<Handle> {
        if !cfg!(feature = "watch") {
            return Err(Error::ENOSYS);
        }
        let root = Root::new(path)?;
        let watch = Watch {
            notify,
            root: root.clone(),
            polling: None,
            coming: Changes::default(),
            present: Changes::default(),
        };
        let handle = self.insert(Kind::Watch, Object::Watch(Box::new(watch)))?;
        let started = match manner.every {
            Some(every) => self.start_polling(handle, &root, manner, every),
            None => self.start_watching(handle, root, manner),
        };
        if let Err(error) = started {
            self.table.discard(handle);
            return Err(error);
        }
        self.set_active(handle, true);
        Ok(handle)
    }

    fn start_watching(&mut self, handle: Handle, root: Root, manner: Manner) -> Result<()> {
        // What has happened by now is for the others.
        for _ in 0..BACKLOG {
            if !self.paths_ready() {
                break;
            }
        }
        let outlet = Outlet::new(handle, self.inbox());
        let before = self.paths.source().is_some();
        let started = self.paths.start(handle, root, manner.recursive, manner.missing, outlet);
        if !before && let (Ok(()), Some(_)) = (&started, self.paths.source()) {
            let registered = self.listen_to_paths();
            if registered.is_err() {
                self.paths.stop(handle);
            }
            self.rest_paths();
            return registered;
        }
        self.rest_paths();
        started
    }

    fn listen_to_paths(&mut self) -> Result<()> {
        let key = self.insert(Kind::Internal, Object::Paths)?;
        let Some(source) = self.paths.source() else { return Ok(()) };
        if let Err(error) = self.reactor.watch(source, key.key(), Interest::READABLE) {
            self.table.discard(key);
            return Err(error);
        }
        self.paths_key = Some(key);
        Ok(())
    }

    /// The system watches files; if another one stands under the name that is watched, that is to be watched.
    fn see_what_came_back(&mut self, handle: Handle, changes: &[Change]) {
        let Ok(watch) = self.watch_mut(handle) else { return };
        let root = watch.root.told();
        let came = What::CREATED | What::RENAMED;
        if changes.iter().any(|change| change.path == root && change.what.0 & came.0 != 0) {
            self.paths.look_again(handle);
        }
    }

    /// In the child of a fork: what `watch_paths_anew` needs of the system, which may refuse it.
    pub fn renewal_of_paths(&self) -> Result<Option<Renewal>> {
        if self.paths.is_empty() { Ok(None) } else { Renewal::new().map(Some) }
    }

    /// In the child of a fork, whose reactor is a new one.
    pub fn watch_paths_anew(&mut self, renewal: Option<Renewal>) {
        let mut told = Told::new();
        if let (Some(key), Some(source)) = (self.paths_key.take(), self.paths.source()) {
            self.reactor.unwatch(source);
            self.table.discard(key);
        }
        if let Some(renewal) = renewal
            && (self.paths.renew(renewal, &mut told).is_err() || self.listen_to_paths().is_err())
        {
            // There is nothing any more that could tell of them.
            told.clear();
        }
        self.paths_changed(told);
        self.poll_anew();
    }

    /// Lets go of the system's means when nothing is watched.
    fn rest_paths(&mut self) {
        if !self.paths.is_empty() {
            return;
        }
        if let Some(key) = self.paths_key.take() {
            if let Some(source) = self.paths.source() {
                self.reactor.unwatch(source);
            }
            self.table.discard(key);
        }
        self.paths.close();
    }

    pub fn close_watch(&mut self, handle: Handle) {
        if self.stop_polling(handle) {
            return;
        }
        self.paths.stop(handle);
        self.rest_paths();
    }

    /// The system has something to tell. Whether there may be more.
    pub fn paths_ready(&mut self) -> bool {
        let mut told = Told::new();
        let more = self.paths.read(&mut told);
        self.paths_changed(told);
        more
    }

    pub fn paths_changed(&mut self, told: Told) {
        for (handle, change) in told {
            let Ok(watch) = self.watch_mut(handle) else { continue };
            let first = watch.coming.is_empty();
            let Watch { coming, root, .. } = watch;
            coming.add(change, || root.told());
            if first {
                self.ready.push_watch(handle);
            }
        }
    }

    /// The step that tells what has gathered.
    pub fn watch_step(&mut self, handle: Handle) -> Step {
        let Ok(watch) = self.watch_mut(handle) else { return Step::Nothing };
        let coming = std::mem::take(&mut watch.coming);
        let (notify, what) = (watch.notify, coming.what);
        if coming.is_empty() {
            return Step::Nothing;
        }
        if matches!(notify, Notify::Enqueue(_))
            && let Some(told) = self.completions.iter_mut().find(|told| told.source == handle.number())
        {
            // Nobody has asked for the last yet: it becomes part of that.
            told.result |= what.0;
            if let Ok(watch) = self.watch_mut(handle) {
                let Watch { present, root, .. } = watch;
                for change in coming.into_list() {
                    present.add(change, || root.told());
                }
            }
            return Step::Nothing;
        }
        if let Ok(watch) = self.watch_mut(handle) {
            watch.present = coming;
        }
        self.step_for(notify, handle, what.0)
    }

    pub fn watch_mut(&mut self, handle: Handle) -> Result<&mut Watch> {
        match &mut self.open_entry(handle)?.object {
            Object::Watch(watch) => Ok(watch),
            _ => Err(Error::EKIND),
        }
    }
}

impl Watch {
    /// For people.
    pub fn doing(&self) -> String {
        self.root.told().display().to_string()
    }

    pub fn root(&self) -> PathBuf {
        self.root.told()
    }

    /// How many changes were told last.
    pub fn count(&self) -> usize {
        self.present.len()
    }

    pub fn change(&self, index: usize) -> Result<&Change> {
        self.present.get(index).ok_or(Error::EINVAL)
    }
}
