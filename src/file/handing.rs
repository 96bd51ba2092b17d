// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files that a child process is given. It shares the open file, and expects what it reads and writes to wait.

use crate::core::Core;
use crate::error::Result;
use crate::lifecycle::Object;
use crate::sys::{self, file::OpenFile, taken::may_be_taken};
use std::sync::Arc;

/// Files that wait from now on and did not before, unless this is undone.
#[derive(Default)]
pub struct Waiting(Vec<Arc<OpenFile>>);

impl Waiting {
    pub fn undo(self) {
        for open in self.0 {
            // What could be set can be set back.
            let _ = open.set_blocking(false);
        }
    }
}

impl Core {
    /// Has those files wait that handles of this loop have under these numbers, and that were opened here.
    pub fn let_files_wait(&self, descriptors: impl Iterator<Item = i64>) -> Result<Waiting> {
        let mut waiting = Waiting::default();
        let may_be_ours = |descriptor: &i64| !sys::raw_source(*descriptor).is_ok_and(|raw| !may_be_taken(raw));
        let descriptors: Vec<i64> = descriptors.filter(may_be_ours).collect();
        if descriptors.is_empty() {
            return Ok(waiting);
        }
        for (_, entry) in self.table.handles() {
            if let Object::File(file) = &entry.object
                && descriptors.contains(&file.raw())
                && let Some(open) = file.shared()
            {
                match open.set_blocking(true) {
                    Ok(true) => waiting.0.push(open),
                    Ok(false) => {}
                    Err(error) => {
                        waiting.undo();
                        return Err(error.into());
                    }
                }
            }
        }
        Ok(waiting)
    }
}
