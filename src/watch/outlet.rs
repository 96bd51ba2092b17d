// SPDX-License-Identifier: MIT OR Apache-2.0
//! The way of changes from a thread of the system's to the loop: one message for all that gathers until it is taken.

use super::changes::Changes;
use super::{Change, Told, What};
use crate::core::Core;
use crate::handle::Handle;
use crate::inbox::{Inbox, Message};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Clone)]
pub struct Outlet {
    handle: Handle,
    inbox: &'static Inbox,
    gathered: Arc<Mutex<Changes>>,
}

#[allow(dead_code)] // where the loop reads the system's events itself
impl Outlet {
    pub fn new(handle: Handle, inbox: &'static Inbox) -> Outlet {
        Outlet { handle, inbox, gathered: Arc::default() }
    }

    /// Any thread. `root`: the path to tell an overflow of.
    pub fn tell(&self, change: Change, root: &Path) {
        let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        let first = gathered.is_empty();
        gathered.add(change, || root.to_owned());
        drop(gathered);
        if first {
            self.wake();
        }
    }

    /// Any thread: something may have been lost.
    pub fn tell_lost(&self, root: &Path) {
        self.tell(Change::new(root.to_owned(), What::OVERFLOW), root);
    }

    fn wake(&self) {
        let (handle, gathered) = (self.handle, self.gathered.clone());
        let take = move |core: &mut Core| {
            let changes = std::mem::take(&mut *gathered.lock().unwrap_or_else(PoisonError::into_inner));
            let list = changes.into_list();
            core.see_what_came_back(handle, &list);
            let told: Told = list.into_iter().map(|change| (handle, change)).collect();
            core.paths_changed(told);
        };
        // Refused only by a loop that is being freed, and its watches with it.
        let _ = self.inbox.post(handle, Message::Apply(Box::new(take)));
    }
}
