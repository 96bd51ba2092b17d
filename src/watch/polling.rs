// SPDX-License-Identifier: MIT OR Apache-2.0
//! Watching by looking again and again, where the system tells nothing: network file systems, /proc and the like.
//!
//! Each look is a job of the pool; the next one begins so long after the last has ended.

use super::{Change, Manner, Root, Told, What};
use crate::core::Core;
use crate::error::{Error, Result, is_for_want_of_means};
use crate::handle::Handle;
use crate::inbox::Message;
use crate::lifecycle::{Entry, Object};
use crate::pool::{self, Job, Lane};
use crate::sys::{self, stamp::Stamp};
use crate::timers::TimerId;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;

pub struct Polling {
    every: i64,
    next: Next,
    /// How many looks have begun. In the child of a fork, one of the parent's may still be heard of.
    looks: u64,
    recursive: bool,
    /// What there was at the last look.
    seen: Arc<Seen>,
}

enum Next {
    Due(TimerId),
    Looks(Arc<Job>),
}

/// Files by their places below the root, whose own is empty.
type Seen = BTreeMap<PathBuf, Stamp>;

impl Core {
    pub(super) fn start_polling(&mut self, handle: Handle, root: &Root, manner: Manner, every: i64) -> Result<()> {
        if every <= 0 {
            return Err(Error::EINVAL);
        }
        match Stamp::of(root.absolute(), true) {
            Err(error) if manner.missing && matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => {}
        }
        let seen = Arc::new(look(root, manner.recursive)?);
        let due = self.timers.insert(sys::clock().saturating_add(every), handle);
        let watch = self.watch_mut(handle)?;
        watch.polling = Some(Polling { every, next: Next::Due(due), looks: 0, recursive: manner.recursive, seen });
        Ok(())
    }

    /// Whether it was one of these.
    pub(super) fn stop_polling(&mut self, handle: Handle) -> bool {
        let Ok(watch) = self.watch_mut(handle) else { return false };
        match watch.polling.take().map(|polling| polling.next) {
            None => return false,
            Some(Next::Due(due)) => self.timers.remove(due),
            Some(Next::Looks(job)) => drop(job.give_up()),
        }
        true
    }

    /// It is time to look.
    pub fn look_at_path(&mut self, handle: Handle) {
        let inbox = self.inbox();
        let Ok(watch) = self.watch_mut(handle) else { return };
        let root = watch.root.clone();
        let Some(polling) = &mut watch.polling else { return };
        polling.looks += 1;
        let (number, recursive, before, every) =
            (polling.looks, polling.recursive, polling.seen.clone(), polling.every);
        let looks = pool::submit(Lane::Files, move || {
            // Nothing is known of what there is when there are no means to look.
            let seen = look(&root, recursive).ok().map(|now| {
                let changes = differences(&root, &before, &now);
                (now, changes)
            });
            if pool::is_unwanted() != Some(true) {
                // A loop that is gone does not care any more.
                let seen = move |core: &mut Core| core.path_looked_at(handle, number, seen);
                let _ = inbox.post_from_worker(Message::Apply(Box::new(seen)));
            }
        });
        let next = match looks {
            Ok(job) => Next::Looks(job),
            // No thread can be had for now.
            Err(_) => Next::Due(self.timers.insert(sys::clock().saturating_add(every), handle)),
        };
        if let Ok(watch) = self.watch_mut(handle)
            && let Some(polling) = &mut watch.polling
        {
            polling.next = next;
        }
    }

    /// In the child of a fork, where no look will come back.
    pub(super) fn poll_anew(&mut self) {
        let looks = |entry: &Entry| match &entry.object {
            Object::Watch(watch) => matches!(&watch.polling, Some(Polling { next: Next::Looks(_), .. })),
            _ => false,
        };
        let handles: Vec<Handle> =
            self.table.handles().filter(|(_, entry)| looks(entry)).map(|(handle, _)| handle).collect();
        for handle in handles {
            self.look_at_path(handle);
        }
    }

    fn path_looked_at(&mut self, handle: Handle, number: u64, seen: Option<(Seen, Vec<Change>)>) {
        let Ok(watch) = self.watch_mut(handle) else { return };
        let present = watch.polling.as_ref().filter(|polling| polling.looks == number);
        let Some(every) = present.map(|polling| polling.every) else { return };
        let due = self.timers.insert(sys::clock().saturating_add(every), handle);
        let mut changes = Vec::new();
        if let Ok(watch) = self.watch_mut(handle)
            && let Some(polling) = &mut watch.polling
        {
            if let Some((now, found)) = seen {
                polling.seen = Arc::new(now);
                changes = found;
            }
            polling.next = Next::Due(due);
        }
        let told: Told = changes.into_iter().map(|change| (handle, change)).collect();
        self.paths_changed(told);
    }
}

/// Where somebody makes, removes and renames without end, a look does with what it has after so many attempts: what passes
/// all of them by is rare. Of few files it sees as many as this before.
const ATTEMPTS: usize = 3;
const PATIENCE: usize = 10_000;

fn look(root: &Root, recursive: bool) -> io::Result<Seen> {
    let mut names = 0;
    let mut former = Vec::new();
    loop {
        let mut seen = Seen::new();
        let patience = match look_once(root, recursive, &mut seen) {
            Ok(()) => return Ok(seen),
            Err(Torn::Failed(error)) => return Err(error),
            Err(Torn::Gone) => PATIENCE,
            Err(Torn::Changed) => 0,
        };
        if pool::is_unwanted() == Some(true) {
            return Ok(seen);
        }
        names += seen.len().max(1);
        if names >= patience && former.len() + 1 >= ATTEMPTS {
            add_missed(&mut seen, former);
            return Ok(seen);
        }
        former.push(seen);
    }
}

/// What the last attempt did not see, and one before it did, may be there: if it is gone, the next look tells.
fn add_missed(seen: &mut Seen, former: Vec<Seen>) {
    let mut known: HashSet<_> = seen.values().map(Stamp::likeness).collect();
    for (place, stamp) in former.into_iter().rev().flatten() {
        if !seen.contains_key(&place) && known.insert(stamp.likeness()) {
            seen.insert(place, stamp);
        }
    }
}

/// What was renamed may have been seen under neither name.
enum Torn {
    /// Something went away while this looked.
    Gone,
    /// A folder is younger than the look. There are file systems on which one always is.
    Changed,
    /// There are no means to look.
    Failed(io::Error),
}

fn look_once(root: &Root, recursive: bool, seen: &mut Seen) -> std::result::Result<(), Torn> {
    let (mut folders, mut read) = (Vec::new(), Vec::new());
    let mut torn = Ok(());
    if let Ok(stamp) = unless_for_want_of_means(Stamp::of(root.absolute(), true))? {
        if stamp.is_folder() {
            folders.push(PathBuf::new());
        }
        seen.insert(PathBuf::new(), stamp);
    }
    while let Some(folder) = folders.pop() {
        let path = root.absolute().join(&folder);
        let entries = unless_for_want_of_means(fs::read_dir(&path))?;
        if is_gone(&entries) {
            torn = Err(Torn::Gone);
        }
        // All names before the first file, so that none is seen under two.
        let entries = entries.into_iter().flatten().flatten().take_while(|_| pool::is_unwanted() != Some(true));
        let names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
        for name in names {
            if pool::is_unwanted() == Some(true) {
                return torn;
            }
            let stamp = unless_for_want_of_means(Stamp::of(&path.join(&name), false))?;
            if is_gone(&stamp) {
                torn = Err(Torn::Gone);
            }
            let Ok(stamp) = stamp else { continue };
            let place = folder.join(name);
            if recursive && stamp.is_folder() {
                folders.push(place.clone());
            }
            seen.insert(place, stamp);
        }
        read.push(folder);
    }
    for folder in read {
        // The first stamp is older than the first name that was read, this one is later than the last file.
        let later = Stamp::of(&root.absolute().join(&folder), folder.as_os_str().is_empty());
        if is_gone(&later) {
            return Err(Torn::Gone);
        }
        if let (Ok(later), Some(stamp)) = (later, seen.get(&folder))
            && !stamp.has_same_names(&later)
        {
            torn = torn.and(Err(Torn::Changed));
        }
    }
    torn
}

fn unless_for_want_of_means<T>(found: io::Result<T>) -> std::result::Result<io::Result<T>, Torn> {
    match found {
        Err(error) if is_for_want_of_means(&error) => Err(Torn::Failed(error)),
        found => Ok(found),
    }
}

fn is_gone<T>(found: &io::Result<T>) -> bool {
    found.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

fn differences(root: &Root, before: &Seen, now: &Seen) -> Vec<Change> {
    let mut changes = Vec::new();
    // What is gone, by what it was; of those that are alike the last is taken first.
    let mut gone: HashMap<_, Vec<&PathBuf>> = HashMap::new();
    for (place, stamp) in before.iter().rev().filter(|(place, _)| !now.contains_key(*place)) {
        gone.entry(stamp.likeness()).or_default().push(place);
    }
    for (place, stamp) in now {
        if pool::is_unwanted() == Some(true) {
            return changes;
        }
        let path = root.below(place);
        match before.get(place) {
            None => match gone.get_mut(&stamp.likeness()).and_then(Vec::pop) {
                Some(old) => changes.push(Change::renamed(root.below(old), path)),
                None => changes.push(Change::new(path, What::CREATED)),
            },
            Some(old) if !old.is_same_file(stamp) => changes.push(Change::new(path, What::REMOVED | What::CREATED)),
            Some(old) => {
                let mut what = What::default();
                if old.differs_in_content(stamp) {
                    what = what | What::MODIFIED;
                }
                if old.differs_in_attributes(stamp) {
                    what = what | What::ATTRIBUTES;
                }
                if what != What::default() {
                    changes.push(Change::new(path, what));
                }
            }
        }
    }
    let mut gone: Vec<&PathBuf> = gone.into_values().flatten().collect();
    gone.sort_unstable();
    changes.extend(gone.into_iter().map(|place| Change::new(root.below(place), What::REMOVED)));
    changes
}
