// SPDX-License-Identifier: MIT OR Apache-2.0
//! Watches of paths on Linux and Android: inotify, read by the loop itself, so no thread stands between.
//!
//! inotify watches files, not paths. So beside what a path leads to, each folder is watched in which the path, or a
//! symbolic link it goes through, has its name: a guard, which tells when something else stands under the name.

mod folders;
mod look;
mod nodes;

use super::{Means, Source, Ways, forks};
use crate::error::Result;
use crate::handle::Handle;
use crate::watch::{Change, Outlet, Root, Told, What};
use look::identity;
use nodes::Node;
use rustix::fs::inotify::{self, CreateFlags};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// All watches of a loop.
#[derive(Default)]
pub struct Paths {
    inotify: Option<Source>,
    nodes: HashMap<i32, Node>,
    watches: HashMap<Handle, Watched>,
    /// Which process it is for, in the way of `forks`.
    process: u32,
    /// The moves among the events that were read, by what the system tells one by: the folder and the name that is left,
    /// and the folder in which it comes up.
    departures: HashMap<u32, (i32, OsString)>,
    arrivals: HashMap<u32, i32>,
    /// The watched paths, and what is below them, that were left by a move and are still to come up.
    roots_moving: BTreeMap<u32, Vec<Handle>>,
    moves: BTreeMap<(u32, Handle), VecDeque<Move>>,
    /// New folders, and watched ones that came anew, to be walked once all that was read is handled: only then have they the
    /// names they have by now.
    unwalked: BTreeSet<(Handle, PathBuf)>,
    /// Of what was read together, the folders that were moved, and the watches whose paths were looked at because of it. One
    /// look is enough: all of what was read had happened by then.
    moved: HashSet<i32>,
    looked: HashSet<Handle>,
    buffer: Vec<u8>,
}

/// What the child of a fork needs for all watches to go on.
pub struct Renewal(Source);

struct Watched {
    root: Root,
    recursive: bool,
    /// It need not be there from the start.
    missing: bool,
    /// inotify's number for what the path leads to, and the system's.
    target: Option<i32>,
    identity: Option<(u64, u64)>,
    guards: Vec<Guard>,
    /// The folders whose entries are told of, by their places below the root, and inotify's numbers for them.
    folders: BTreeSet<(PathBuf, i32)>,
}

/// A folder, by inotify's number, in which a name leads to the target. `own`: it is the last name of the watched path.
#[derive(PartialEq, Eq, Clone)]
struct Guard {
    number: i32,
    name: OsString,
    own: bool,
}

/// What was left.
struct Move {
    place: PathBuf,
    folder: bool,
}

struct Event {
    number: i32,
    mask: u32,
    cookie: u32,
    name: OsString,
}

const GUARD: u32 = libc::IN_CREATE | libc::IN_DELETE | libc::IN_MOVE | LEAVES | libc::IN_ONLYDIR;
const LEAVES: u32 = libc::IN_DELETE_SELF | libc::IN_MOVE_SELF;
const CHANGES: u32 = libc::IN_MODIFY | libc::IN_ATTRIB;
const ENTRIES: u32 = CHANGES | libc::IN_CREATE | libc::IN_DELETE | libc::IN_MOVE | libc::IN_EXCL_UNLINK;
/// How much is read before other things get their turn.
const READS: usize = 16;
const BUFFER: usize = 64 * 1024;

impl Paths {
    /// Watches from now on: what happens after this is told.
    pub fn start(&mut self, id: Handle, root: Root, recursive: bool, missing: bool, _outlet: Outlet) -> Result<()> {
        if self.inotify.is_none() {
            self.begin(open()?);
        }
        let watched = Watched {
            root,
            recursive,
            missing,
            target: None,
            identity: None,
            guards: Vec::new(),
            folders: BTreeSet::new(),
        };
        self.watches.insert(id, watched);
        self.look(id, None, &mut Vec::new()).inspect_err(|_| self.stop(id))
    }

    fn begin(&mut self, inotify: Source) {
        self.inotify = Some(inotify);
        self.buffer = vec![0; BUFFER];
        self.process = forks::count();
    }

    /// In the child of a fork, where all is shared with the parent: a list of its own. The old source is unwatched. What
    /// happened in between went to the parent.
    pub fn renew(&mut self, Renewal(inotify): Renewal, told: &mut Told) -> Result<()> {
        self.begin(inotify);
        self.nodes.clear();
        let all: Vec<Handle> = self.watches.keys().copied().collect();
        for id in &all {
            if let Some(watched) = self.watches.get_mut(id) {
                (watched.target, watched.identity) = (None, None);
                watched.guards.clear();
                watched.folders.clear();
            }
            let _lost = self.look(*id, None, &mut Vec::new());
            told.push((*id, Change::new(self.watches[id].root.told(), What::OVERFLOW)));
        }
        Ok(())
    }

    pub fn stop(&mut self, id: Handle) {
        self.gone_quietly(id);
        for guard in self.watches.get(&id).map(|watched| watched.guards.clone()).unwrap_or_default() {
            self.drop_guard(id, guard);
        }
        self.watches.remove(&id);
    }

    /// It is found out from what is read.
    pub fn look_again(&mut self, _: Handle) {}

    pub fn is_empty(&self) -> bool {
        self.watches.is_empty()
    }

    /// What becomes readable when there is something to tell.
    pub fn source(&self) -> Option<&Source> {
        self.inotify.as_ref()
    }

    /// Nothing is watched any more; the source is unwatched.
    pub fn close(&mut self) {
        *self = Paths::default();
    }

    /// Reads what has happened. Whether there may be more.
    pub fn read(&mut self, told: &mut Told) -> bool {
        let (mut events, mut reads) = (Vec::new(), 0);
        let mut buffer = std::mem::take(&mut self.buffer);
        let more = loop {
            let Some(inotify) = &self.inotify else { return false };
            let count = inotify.receive(&mut buffer).unwrap_or(0);
            let mut rest = &buffer[..count];
            while let Some(event) = Event::take(&mut rest) {
                events.push(event);
            }
            reads += 1;
            // The new name comes with the old one, if not in the same breath.
            let halfway = count > 0 && events.last().is_some_and(|event| event.mask & libc::IN_MOVED_FROM != 0);
            // Less than the longest event was left free: there may be more.
            let more = count >= BUFFER - 1024;
            if !halfway && (!more || reads >= READS) {
                break more;
            }
        };
        self.buffer = buffer;
        self.moved.clear();
        self.looked.clear();
        let arrives = |event: &&Event| event.mask & libc::IN_MOVED_TO != 0;
        self.arrivals = events.iter().filter(arrives).map(|event| (event.cookie, event.number)).collect();
        let leaves = |event: &&Event| event.mask & libc::IN_MOVED_FROM != 0;
        let departure = |event: &Event| (event.cookie, (event.number, event.name.clone()));
        self.departures = events.iter().filter(leaves).map(departure).collect();
        for event in &events {
            self.handle(event, told);
        }
        for id in std::mem::take(&mut self.roots_moving).into_values().flatten() {
            self.root_left_for_good(id, told);
        }
        for ((_, id), all) in std::mem::take(&mut self.moves) {
            for left in all {
                self.left_for_good(id, left, told);
            }
        }
        for (id, place) in std::mem::take(&mut self.unwalked) {
            // The whole may have become a file, or have gone.
            if !place.as_os_str().is_empty() || self.watches.get(&id).is_some_and(Watched::is_folder) {
                self.walk_or_tell(id, &place, told);
            }
        }
        more
    }

    fn handle(&mut self, event: &Event, told: &mut Told) {
        if event.mask & libc::IN_Q_OVERFLOW != 0 {
            self.look_everywhere(told);
            return;
        }
        if event.mask & libc::IN_MOVE_SELF != 0 && !self.moved.insert(event.number) {
            return;
        }
        if event.mask & (LEAVES | libc::IN_UNMOUNT | libc::IN_IGNORED) != 0 {
            let concerned = self.nodes.get(&event.number).map(Node::on_the_way_of).unwrap_or_default();
            if event.mask & libc::IN_IGNORED != 0 {
                for id in self.lose_node(event.number) {
                    self.gone(id, told);
                }
            }
            for id in concerned {
                self.look_anew(id, false, told);
            }
            return;
        }
        let Some(node) = self.nodes.get(&event.number) else { return };
        let (guards, files, folders) = (node.guards_of(&event.name), node.files().clone(), node.folders().clone());
        for (id, own) in guards {
            self.guard_tells(id, own, event, told);
        }
        if event.mask & libc::IN_MOVED_TO != 0 {
            for id in self.roots_moving.remove(&event.cookie).into_iter().flatten() {
                self.root_comes_up(id, event, told);
            }
        }
        for id in files {
            self.file_tells(id, event, told);
        }
        for (id, at) in folders {
            self.folder_tells(id, &at, event, told);
        }
    }

    /// Something happened to the name that a guard is for.
    fn guard_tells(&mut self, id: Handle, own: bool, event: &Event, told: &mut Told) {
        if event.mask & (libc::IN_CREATE | libc::IN_DELETE | libc::IN_MOVE) == 0 {
            return;
        }
        if !own {
            self.look_anew(id, false, told);
            return;
        }
        let guarded = |number: &&i32| self.watches[&id].own_guard() == Some(**number);
        if event.mask & libc::IN_MOVED_FROM != 0 {
            // Its new name is told if it is one beside it.
            if self.arrivals.get(&event.cookie).filter(guarded).is_some() {
                self.roots_moving.entry(event.cookie).or_default().push(id);
            } else {
                self.root_left_for_good(id, told);
            }
            return;
        }
        let root = &self.watches[&id].root;
        let old = if event.mask & libc::IN_MOVED_TO != 0 { self.departures.get(&event.cookie) } else { None };
        let change = match old {
            Some((number, old)) if *number == event.number => Change::renamed(root.beside(old), root.told()),
            _ if event.mask & libc::IN_DELETE != 0 => Change::new(root.told(), What::REMOVED),
            _ => Change::new(root.told(), What::CREATED),
        };
        self.root_changed(id, change, told);
    }

    /// Something happened to a watched path by which it is there anew, or no more.
    fn root_changed(&mut self, id: Handle, change: Change, told: &mut Told) {
        let (before, came) = (self.watches[&id].target, change.what == What::CREATED);
        told.push((id, change));
        self.look_anew(id, true, told);
        if !came && self.watches[&id].target == before {
            // An earlier look has found what is there now and told what is in it. That has to come after this.
            self.unwalked.insert((id, PathBuf::new()));
        }
    }

    /// A watched path has been renamed to another name in a folder.
    fn root_comes_up(&mut self, id: Handle, event: &Event, told: &mut Told) {
        let watched = &self.watches[&id];
        if watched.own_guard() != Some(event.number) {
            self.root_left_for_good(id, told);
            return;
        }
        let change = Change::renamed(watched.root.told(), watched.root.beside(&event.name));
        self.root_changed(id, change, told);
    }

    fn root_left_for_good(&mut self, id: Handle, told: &mut Told) {
        let change = Change::new(self.watches[&id].root.told(), What::REMOVED);
        self.root_changed(id, change, told);
    }

    fn file_tells(&mut self, id: Handle, event: &Event, told: &mut Told) {
        let watched = &self.watches[&id];
        let what = match event.mask & CHANGES {
            libc::IN_MODIFY => What::MODIFIED,
            // A name less is a change of attributes, too; if it was ours, the guard tells.
            libc::IN_ATTRIB if watched.identity == identity(watched.root.absolute()) => What::ATTRIBUTES,
            _ => return,
        };
        told.push((id, Change::new(watched.root.told(), what)));
    }

    /// A place below the root was left. It is gone at once, before anything else is told that came later, unless it comes
    /// up again.
    fn leave(&mut self, id: Handle, place: PathBuf, event: &Event, told: &mut Told) {
        let node = self.arrivals.get(&event.cookie).and_then(|number| self.nodes.get(number));
        let left = Move { place, folder: event.mask & libc::IN_ISDIR != 0 };
        if node.is_some_and(|node| node.places_of(id).next().is_some()) {
            self.moves.entry((event.cookie, id)).or_default().push_back(left);
        } else {
            self.left_for_good(id, left, told);
        }
    }

    /// It has no new name that is watched.
    fn left_for_good(&mut self, id: Handle, left: Move, told: &mut Told) {
        told.push((id, Change::new(self.watches[&id].root.below(&left.place), What::REMOVED)));
        if left.folder {
            self.forget_below(id, &left.place);
        }
    }

    /// Events were lost, and with them folders to be watched.
    fn look_everywhere(&mut self, told: &mut Told) {
        self.roots_moving.clear();
        self.moves.clear();
        self.unwalked.clear();
        self.looked.clear();
        let all: Vec<Handle> = self.watches.keys().copied().collect();
        for id in all {
            told.push((id, Change::new(self.watches[&id].root.told(), What::OVERFLOW)));
            self.look_anew(id, false, told);
            if self.watches[&id].recursive && self.watches[&id].target.is_some() {
                self.forget_strays(id);
                if self.walk(id, Path::new(""), None).is_err() {
                    told.push((id, Change::new(self.watches[&id].root.told(), What::OVERFLOW)));
                }
            }
        }
    }

    /// Forgets folders that were moved, unseen.
    fn forget_strays(&mut self, id: Handle) {
        for (place, number) in self.folders_below(id, Path::new("")) {
            if !place.as_os_str().is_empty() {
                self.drop_folder(id, number, &place);
            }
        }
    }
}

impl Renewal {
    pub fn new() -> Result<Renewal> {
        open().map(Renewal)
    }
}

fn open() -> Result<Source> {
    let fd = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).map_err(io::Error::from)?;
    Ok(Source::new(fd, Means::Device(Ways::In)))
}

impl Watched {
    /// Whether the path leads to a folder now.
    fn is_folder(&self) -> bool {
        self.target.is_some_and(|number| self.folders.contains(&(PathBuf::new(), number)))
    }

    /// The folder that the watched path has its name in, by inotify's number, if it is there.
    fn own_guard(&self) -> Option<i32> {
        self.guards.iter().find(|guard| guard.own).map(|guard| guard.number)
    }
}

impl Event {
    /// The next event of those that were read.
    fn take(rest: &mut &[u8]) -> Option<Event> {
        let (head, tail) = rest.split_first_chunk::<16>()?;
        let word = |at: usize| u32::from_ne_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (name, tail) = tail.split_at_checked(word(12) as usize)?;
        *rest = tail;
        let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
        Some(Event { number: word(0) as i32, mask: word(4), cookie: word(8), name: OsStr::from_bytes(name).to_owned() })
    }
}
