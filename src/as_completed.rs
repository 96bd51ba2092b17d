// SPDX-License-Identifier: MIT OR Apache-2.0
//! Iterators over futures in the order in which they are done.
//!
//! What is done and was not asked for waits in one queue, whoever asks and has to wait in the other; one of the two is
//! always empty. So a caller who gives up waiting loses nothing: the next one is told instead.

use crate::callback::Notify;
use crate::combine::{Part, awaited_parts};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::future::{Awaited, Op};
use crate::handle::Handle;
use crate::lifecycle::{Kind, Object};
use std::collections::VecDeque;

pub struct AsCompleted {
    /// What is waited for, by position; `None` where it has told.
    parts: Vec<Option<Awaited>>,
    left: usize,
    /// Positions of those that are done and were not handed out.
    done: VecDeque<usize>,
    /// Futures of those who asked for the next one.
    asked: VecDeque<Handle>,
}

impl AsCompleted {
    /// In words.
    pub fn doing(&self) -> String {
        format!("{} of {} to come, {} not asked for", self.left, self.parts.len(), self.done.len())
    }

    /// The futures of those who wait for a position.
    pub fn asked(&self) -> impl Iterator<Item = Handle> + '_ {
        self.asked.iter().copied()
    }

    /// Whether every position was handed out.
    pub fn is_exhausted(&self) -> bool {
        self.left == 0 && self.done.is_empty()
    }
}

impl Core {
    /// An iterator over futures of this loop, which stay the caller's.
    pub fn as_completed(&mut self, parts: &mut [Part]) -> Result<Handle> {
        self.check_parts(parts)?;
        let (left, done, asked) = (parts.len(), VecDeque::new(), VecDeque::new());
        let iterator = AsCompleted { parts: awaited_parts(parts)?, left, done, asked };
        let handle = self.insert(Kind::Iterator, Object::AsCompleted(Box::new(iterator)))?;
        for (index, part) in parts.iter().enumerate() {
            match self.wait_for_part(*part, handle, index as u64) {
                Ok(awaited) => self.as_completed_mut(handle)?.parts[index] = Some(awaited),
                Err(_) => self.iterator_part_done(handle, index),
            }
        }
        Ok(handle)
    }

    fn as_completed_mut(&mut self, handle: Handle) -> Result<&mut AsCompleted> {
        match &mut self.open_entry(handle)?.object {
            Object::AsCompleted(iterator) => Ok(iterator),
            _ => Err(Error::EKIND),
        }
    }

    /// Asks for the next position.
    pub fn next_completed(&mut self, handle: Handle, notify: Notify) -> Result<Handle> {
        self.as_completed_mut(handle)?;
        let future = self.insert_future(Op::Next, handle, notify)?;
        let iterator = self.as_completed_mut(handle)?;
        iterator.asked.push_back(future);
        self.hand_out_completed(handle);
        Ok(future)
    }

    pub fn iterator_part_done(&mut self, handle: Handle, index: usize) {
        let Ok(iterator) = self.as_completed_mut(handle) else { return };
        iterator.parts[index] = None;
        iterator.left -= 1;
        iterator.done.push_back(index);
        self.hand_out_completed(handle);
    }

    /// Brings together what is done and who asked; at the end, all who ask are told so.
    fn hand_out_completed(&mut self, handle: Handle) {
        while let Ok(iterator) = self.as_completed_mut(handle) {
            let exhausted = iterator.is_exhausted();
            if iterator.asked.is_empty() || (iterator.done.is_empty() && !exhausted) {
                return;
            }
            let result = iterator.done.pop_front().map_or(Error::EOF.code(), |index| index as i64);
            if let Some(future) = iterator.asked.pop_front() {
                self.complete(future, result);
            }
        }
    }

    /// One who asked gives up; whoever asked next moves up.
    pub fn withdraw_next(&mut self, handle: Handle, future: Handle) {
        if let Ok(iterator) = self.as_completed_mut(handle) {
            iterator.asked.retain(|asked| *asked != future);
        }
    }

    /// Lets go of the futures, which go on, and ends whoever asked.
    pub fn close_as_completed(&mut self, handle: Handle) {
        let Ok(iterator) = self.as_completed_mut(handle) else { return };
        let (parts, asked) = (std::mem::take(&mut iterator.parts), std::mem::take(&mut iterator.asked));
        for part in parts.into_iter().flatten() {
            self.stop_waiting(part);
        }
        for future in asked {
            self.complete(future, Error::ECANCELED.code());
        }
    }
}
