// SPDX-License-Identifier: MIT OR Apache-2.0
//! Watches of paths on Linux and Android: inotify, read by the loop itself, so no thread stands between.
//!
//! inotify watches files, not paths. So beside what a path leads to, each folder is watched in which the path, or a
//! symbolic link it goes through, has its name: a guard, which tells when something else stands under the name.

mod folders;
mod look;

use super::{Means, Source, Ways, forks};
use crate::error::Result;
use crate::handle::Handle;
use crate::watch::{Change, Outlet, Root, Told, What};
use look::identity;
use rustix::fs::inotify::{self, CreateFlags};
use std::collections::{BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// All watches of a loop.
#[derive(Default)]
pub struct Paths {
    inotify: Option<Source>,
    /// What is watched, by inotify's number, and on whose behalf.
    nodes: HashMap<i32, Vec<Arc<User>>>,
    watches: HashMap<Handle, Watched>,
    /// Which process it is for, in the way of `forks`.
    process: u32,
    /// Names that were left, and come up as new ones among the events that were read.
    moves: Vec<Move>,
    /// The folders in which they come up, by what the system tells a move by.
    arrivals: HashMap<u32, i32>,
    /// New folders to be walked once all that was read is handled: only then have they the names they have by now.
    unwalked: BTreeSet<(Handle, PathBuf)>,
    buffer: Vec<u8>,
}

struct Watched {
    root: Root,
    recursive: bool,
    /// It need not be there from the start.
    missing: bool,
    /// inotify's number for what the path leads to, and the system's.
    target: Option<i32>,
    identity: Option<(u64, u64)>,
    guards: Vec<Guard>,
    /// All its numbers.
    nodes: BTreeSet<i32>,
}

/// What guards a name, by inotify's number.
type Guard = (i32, Arc<User>);

#[derive(PartialEq, Eq)]
struct User {
    id: Handle,
    role: Role,
}

#[derive(PartialEq, Eq)]
enum Role {
    /// A folder in which this name leads to the target. `own`: it is the last one of the watched path.
    Guard { name: OsString, own: bool },
    /// What the path leads to, if it is no folder.
    File,
    /// A folder whose entries are told of, by its place below the root.
    Folder(PathBuf),
}

struct Move {
    cookie: u32,
    id: Handle,
    from: Left,
    folder: bool,
}

/// What was left.
enum Left {
    /// A name beside the watched path; `None`: the watched path itself.
    Beside(Option<OsString>),
    Below(PathBuf),
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
            self.open()?;
        }
        let watched = Watched {
            root,
            recursive,
            missing,
            target: None,
            identity: None,
            guards: Vec::new(),
            nodes: BTreeSet::new(),
        };
        self.watches.insert(id, watched);
        self.look(id, None, &mut Vec::new()).inspect_err(|_| self.stop(id))
    }

    fn open(&mut self) -> Result<()> {
        let fd = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).map_err(io::Error::from)?;
        self.inotify = Some(Source::new(fd, Means::Device(Ways::In)));
        self.buffer = vec![0; BUFFER];
        self.process = forks::count();
        Ok(())
    }

    /// In the child of a fork, where all is shared with the parent: a list of its own. The old source is unwatched. What
    /// happened in between went to the parent.
    pub fn renew(&mut self, told: &mut Told) -> Result<()> {
        self.open()?;
        self.nodes.clear();
        self.moves.clear();
        self.unwalked.clear();
        let all: Vec<Handle> = self.watches.keys().copied().collect();
        for id in &all {
            if let Some(watched) = self.watches.get_mut(id) {
                (watched.target, watched.identity) = (None, None);
                watched.guards.clear();
                watched.nodes.clear();
            }
            let _lost = self.look(*id, None, &mut Vec::new());
            told.push((*id, Change::new(self.watches[id].root.told(), What::OVERFLOW)));
        }
        Ok(())
    }

    pub fn stop(&mut self, id: Handle) {
        let Some(watched) = self.watches.remove(&id) else { return };
        for number in watched.nodes {
            self.drop_users(number, |user| user.id == id);
        }
        self.moves.retain(|left| left.id != id);
        self.unwalked.retain(|(other, _)| *other != id);
        if self.watches.is_empty() {
            self.nodes.clear();
        }
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
        let (mut events, mut more) = (Vec::new(), true);
        let mut buffer = std::mem::take(&mut self.buffer);
        for _ in 0..READS {
            let Some(inotify) = &self.inotify else { return false };
            let count = inotify.receive(&mut buffer).unwrap_or(0);
            let mut rest = &buffer[..count];
            while let Some(event) = Event::take(&mut rest) {
                events.push(event);
            }
            // The new name comes with the old one, if not in the same breath.
            let halfway = count > 0 && events.last().is_some_and(|event| event.mask & libc::IN_MOVED_FROM != 0);
            // Less than the longest event was left free: there may be more.
            if count < BUFFER - 1024 && !halfway {
                more = false;
                break;
            }
        }
        self.buffer = buffer;
        let arrives = |event: &&Event| event.mask & libc::IN_MOVED_TO != 0;
        self.arrivals = events.iter().filter(arrives).map(|event| (event.cookie, event.number)).collect();
        for event in &events {
            self.handle(event, told);
        }
        for left in std::mem::take(&mut self.moves) {
            self.left_for_good(left, told);
        }
        for (id, place) in std::mem::take(&mut self.unwalked) {
            self.walk_or_tell(id, &place, told);
        }
        more
    }

    fn handle(&mut self, event: &Event, told: &mut Told) {
        if event.mask & libc::IN_Q_OVERFLOW != 0 {
            self.look_everywhere(told);
            return;
        }
        let Some(users) = self.nodes.get(&event.number).cloned() else { return };
        if event.mask & libc::IN_IGNORED != 0 {
            // The system has let go of it.
            self.nodes.remove(&event.number);
            for user in &users {
                if let Some(watched) = self.watches.get_mut(&user.id) {
                    watched.nodes.remove(&event.number);
                    watched.guards.retain(|guard| guard.0 != event.number);
                    if watched.target == Some(event.number) {
                        watched.target = None;
                        self.gone(user.id, told);
                    }
                }
            }
        }
        for user in &users {
            // It may have been stopped to be watched on behalf of this one by an event before.
            if !self.watches.contains_key(&user.id) {
                continue;
            }
            match &user.role {
                _ if event.mask & (LEAVES | libc::IN_UNMOUNT | libc::IN_IGNORED) != 0 => match &user.role {
                    Role::Folder(at) if !at.as_os_str().is_empty() => {}
                    _ => self.look_anew(user.id, false, told),
                },
                Role::Guard { name, own } => self.guard_tells(user.id, name, *own, event, told),
                Role::File => self.file_tells(user.id, event, told),
                Role::Folder(at) => self.folder_tells(user.id, at, event, told),
            }
        }
    }

    fn guard_tells(&mut self, id: Handle, name: &OsStr, own: bool, event: &Event, told: &mut Told) {
        if event.name.is_empty() {
            return;
        }
        let ours = event.name == name;
        if !own {
            if ours && event.mask & (libc::IN_CREATE | libc::IN_DELETE | libc::IN_MOVE) != 0 {
                self.look_anew(id, false, told);
            }
            return;
        }
        if event.mask & libc::IN_MOVED_FROM != 0 {
            self.leave(id, Left::Beside((!ours).then(|| event.name.clone())), event, told);
            return;
        }
        let came = event.mask & libc::IN_MOVED_TO != 0;
        let old = if came { self.take_move(id, event.cookie, |from| matches!(from, Left::Beside(_))) } else { None };
        let root = &self.watches[&id].root;
        let change = match (old, ours) {
            (Some(Left::Beside(Some(old))), true) => Change::renamed(root.beside(&old), root.told()),
            (Some(Left::Beside(None)), false) => Change::renamed(root.told(), root.beside(&event.name)),
            (_, true) if came || event.mask & libc::IN_CREATE != 0 => Change::new(root.told(), What::CREATED),
            (_, true) if event.mask & libc::IN_DELETE != 0 => Change::new(root.told(), What::REMOVED),
            _ => return,
        };
        told.push((id, change));
        self.look_anew(id, true, told);
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

    fn take_move(&mut self, id: Handle, cookie: u32, kind: impl Fn(&Left) -> bool) -> Option<Left> {
        let index = self.moves.iter().position(|left| left.cookie == cookie && left.id == id && kind(&left.from))?;
        Some(self.moves.swap_remove(index).from)
    }

    /// A name was left. It is gone at once, before anything else is told that came later, unless it comes up again.
    fn leave(&mut self, id: Handle, from: Left, event: &Event, told: &mut Told) {
        let takes = |user: &Arc<User>| {
            user.id == id
                && match from {
                    Left::Beside(_) => matches!(user.role, Role::Guard { own: true, .. }),
                    Left::Below(_) => matches!(user.role, Role::Folder(_)),
                }
        };
        let users = self.arrivals.get(&event.cookie).and_then(|number| self.nodes.get(number));
        let comes = users.is_some_and(|users| users.iter().any(takes));
        let left = Move { cookie: event.cookie, id, from, folder: event.mask & libc::IN_ISDIR != 0 };
        if comes { self.moves.push(left) } else { self.left_for_good(left, told) }
    }

    /// It has no new name that is watched.
    fn left_for_good(&mut self, left: Move, told: &mut Told) {
        let Some(watched) = self.watches.get(&left.id) else { return };
        match left.from {
            Left::Beside(Some(_)) => {}
            Left::Beside(None) => {
                told.push((left.id, Change::new(watched.root.told(), What::REMOVED)));
                self.look_anew(left.id, true, told);
            }
            Left::Below(place) => {
                told.push((left.id, Change::new(watched.root.below(&place), What::REMOVED)));
                if left.folder {
                    self.forget_below(left.id, &place);
                }
            }
        }
    }

    /// Events were lost, and with them folders to be watched.
    fn look_everywhere(&mut self, told: &mut Told) {
        self.moves.clear();
        self.unwalked.clear();
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
        let Watched { target, nodes, .. } = &self.watches[&id];
        let (target, nodes) = (*target, nodes.clone());
        for number in nodes {
            if Some(number) != target {
                self.drop_users(number, |user| user.id == id && matches!(&user.role, Role::Folder(_)));
            }
        }
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
