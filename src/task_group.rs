// SPDX-License-Identifier: MIT OR Apache-2.0
//! Task groups: futures that live and end together.
//!
//! A group waits for each of its children. The first that fails has the others cancelled; the join tells when the last
//! of them has ended, whatever ended it. A group that is closed stays, closing, as long as a child does.

use crate::callback::{Notify, UserData, WorkFunction};
use crate::combine::Part;
use crate::core::Core;
use crate::dump::count;
use crate::error::{Error, Result};
use crate::future::Op;
use crate::handle::Handle;
use crate::lifecycle::{Kind, Object};
use std::collections::BTreeMap;

#[derive(Default)]
pub struct Group {
    /// By the order in which they were added.
    children: BTreeMap<u64, Handle>,
    added: u64,
    errors: Vec<i64>,
    /// The children were cancelled, and so is whatever is still added.
    ending: bool,
    /// Why, if it was the join that was cancelled.
    reason: Option<Error>,
    join: Join,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Join {
    #[default]
    NotAsked,
    Pending(Handle),
    Over,
}

impl Group {
    /// In words.
    pub fn doing(&self) -> String {
        count(self.children.len(), "child", "children") + if self.ending { ", ending" } else { "" }
    }

    pub fn pending_join(&self) -> Option<Handle> {
        match self.join {
            Join::Pending(join) => Some(join),
            Join::NotAsked | Join::Over => None,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.children.is_empty()
    }

    pub fn children(&self) -> impl Iterator<Item = Handle> {
        self.children.values().copied()
    }
}

impl Core {
    pub fn new_group(&mut self) -> Result<Handle> {
        self.insert(Kind::Group, Object::Group(Box::default()))
    }

    pub fn check_group(&mut self, handle: Handle) -> Result<()> {
        self.group_mut(handle).map(|_| ())
    }

    fn group_mut(&mut self, handle: Handle) -> Result<&mut Group> {
        match &mut self.open_entry(handle)?.object {
            Object::Group(group) => Ok(group),
            _ => Err(Error::EKIND),
        }
    }

    /// As `group_mut`, also of one that is being closed.
    fn any_group_mut(&mut self, handle: Handle) -> Option<&mut Group> {
        match &mut self.table.get_mut(handle).ok()?.object {
            Object::Group(group) => Some(group),
            _ => None,
        }
    }

    /// Makes a future of this loop a child, and takes what the caller holds of it. What is no future any more, or never
    /// was, is a child that has failed.
    pub fn add_to_group(&mut self, handle: Handle, mut child: Part) -> Result<Handle> {
        let group = self.group_mut(handle)?;
        let (join, number) = (group.join, group.added);
        self.check_parts(std::slice::from_mut(&mut child))?;
        let child = match child {
            Ok(child) => child,
            Err(error) => {
                if join != Join::Over {
                    self.note_end(handle, error.code());
                }
                return Err(error);
            }
        };
        if join == Join::Over {
            return Err(Error::ESTATE);
        }
        if join == Join::Pending(child) {
            return Err(Error::EDEADLK);
        }
        if let Err(result) = self.wait_for_part(Ok(child), handle, number) {
            self.take_parts(&[Ok(child)]);
            self.note_end(handle, result);
            return Ok(child);
        }
        self.take_parts(&[Ok(child)]);
        let group = self.group_mut(handle)?;
        group.added += 1;
        group.children.insert(number, child);
        if group.ending {
            let _ = self.cancel(child, Error::ECANCELED);
        }
        Ok(child)
    }

    /// A task as a child.
    pub fn spawn_in_group(&mut self, handle: Handle, function: WorkFunction, arg: UserData) -> Result<Handle> {
        let group = self.group_mut(handle)?;
        if group.join == Join::Over {
            return Err(Error::ESTATE);
        }
        if group.ending {
            return Err(Error::ECANCELED);
        }
        let task = self.spawn(function, arg, 0)?;
        self.add_to_group(handle, Ok(task))
    }

    /// A child has told that it is done.
    pub fn child_done(&mut self, handle: Handle, number: u64, result: i64) {
        let Some(group) = self.any_group_mut(handle) else { return };
        group.children.remove(&number);
        self.note_end(handle, result);
        self.end_if_empty(handle);
    }

    /// A child that failed ends the group; one that was cancelled has not failed.
    fn note_end(&mut self, handle: Handle, result: i64) {
        let Some(group) = self.any_group_mut(handle) else { return };
        if result < 0 && result != Error::ECANCELED.code() {
            group.errors.push(result);
            self.end_group(handle);
        }
    }

    /// Cancels the children, once.
    fn end_group(&mut self, handle: Handle) {
        let Some(group) = self.any_group_mut(handle) else { return };
        if std::mem::replace(&mut group.ending, true) {
            return;
        }
        let children: Vec<Handle> = group.children.values().copied().collect();
        for child in children {
            self.cancel_too(child, None);
        }
        self.cancel_the_rest();
    }

    fn end_if_empty(&mut self, handle: Handle) {
        let Ok(entry) = self.table.get(handle) else { return };
        let closing = entry.closing;
        let Some(group) = self.any_group_mut(handle) else { return };
        if !group.is_empty() {
            return;
        }
        self.end_join(handle);
        if closing {
            self.retire(handle);
        }
    }

    /// Tells the joiner, if there is one, how it all ended.
    pub fn end_join(&mut self, handle: Handle) {
        let Some(group) = self.any_group_mut(handle) else { return };
        let Join::Pending(join) = group.join else { return };
        group.join = Join::Over;
        let reason = group.reason.map_or(0, Error::code);
        let result = group.errors.first().copied().unwrap_or(reason);
        self.complete(join, result);
    }

    /// A future that ends when all children have.
    pub fn join_group(&mut self, handle: Handle, notify: Notify) -> Result<Handle> {
        if self.group_mut(handle)?.join != Join::NotAsked {
            return Err(Error::ESTATE);
        }
        let join = self.insert_future(Op::Join, handle, notify)?;
        self.group_mut(handle)?.join = Join::Pending(join);
        self.end_if_empty(handle);
        Ok(join)
    }

    /// Cancelling the join cancels the children; it ends after them. It is refused, so that a task that awaits it knows
    /// that it has still to be cancelled, when it will end otherwise anyway.
    pub fn cancel_join(&mut self, handle: Handle, reason: Error) -> Result<()> {
        let group = self.any_group_mut(handle).ok_or(Error::ESTATE)?;
        let (failed, ending, join) = (!group.errors.is_empty(), group.ending, group.pending_join());
        if let (true, Some(join)) = (ending, join) {
            // The children are cancelled already, perhaps just now: one that waits for it would wait for itself.
            self.look_for_circle_of(join);
        }
        if failed {
            return Err(Error::ESTATE);
        }
        let group = self.any_group_mut(handle).ok_or(Error::ESTATE)?;
        let children: Vec<Handle> = group.children.values().copied().collect();
        if !children.into_iter().any(|child| self.can_be_cancelled(child)) {
            return Err(Error::ESTATE);
        }
        self.any_group_mut(handle).ok_or(Error::ESTATE)?.reason.get_or_insert(reason);
        self.end_group(handle);
        Ok(())
    }

    /// Cancels the children, with no error to report.
    pub fn cancel_group(&mut self, handle: Handle) -> Result<()> {
        if self.group_mut(handle)?.join == Join::Over {
            return Err(Error::ESTATE);
        }
        self.end_group(handle);
        Ok(())
    }

    /// The errors of the children, in the order in which they failed.
    pub fn group_errors(&mut self, handle: Handle) -> Result<&[i64]> {
        self.group_mut(handle).map(|group| &*group.errors)
    }

    /// Cancels the children; the close notice comes after the last of them.
    pub fn close_group(&mut self, handle: Handle) -> Result<()> {
        let group = self.group_mut(handle)?;
        group.reason.get_or_insert(Error::ECANCELED);
        self.table.get_mut(handle)?.closing = true;
        self.end_group(handle);
        self.end_if_empty(handle);
        Ok(())
    }
}
