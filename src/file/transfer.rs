// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reading and writing an open file, with callers' memory.

use crate::callback::Notify;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::handle::Handle;
use crate::pool;
use crate::sys::file::OpenFile;
use crate::sys::lent::{LentBuffer, LentBytes};
use std::io::{self, IoSlice, IoSliceMut};

/// A caller's offset: -1 is the file's own position.
pub fn offset(offset: i64) -> Result<Option<u64>> {
    match offset {
        -1 => Ok(None),
        offset => u64::try_from(offset).map(Some).map_err(|_| Error::EINVAL),
    }
}

impl Core {
    pub fn read_file(
        &mut self,
        handle: Handle,
        mut pieces: Vec<LentBuffer>,
        offset: Option<u64>,
        notify: Notify,
    ) -> Result<Handle> {
        let order = self.file_mut(handle)?.order(offset, false);
        self.on_file(handle, order, notify, move |open| read(open, &mut pieces, offset))
    }

    pub fn write_file(
        &mut self,
        handle: Handle,
        pieces: Vec<LentBytes>,
        offset: Option<u64>,
        notify: Notify,
    ) -> Result<Handle> {
        let order = self.file_mut(handle)?.order(offset, true);
        self.on_file(handle, order, notify, move |open| write(open, &pieces, offset))
    }
}

/// As much as the system gives at once, into the pieces in turn.
fn read(open: &OpenFile, pieces: &mut [LentBuffer], offset: Option<u64>) -> Result<i64> {
    let mut slices: Vec<IoSliceMut<'_>> = pieces.iter_mut().map(|piece| IoSliceMut::new(piece.slice())).collect();
    Ok(open.read(&mut slices, offset)? as i64)
}

/// Everything, or an error; of a file that does not wait for room, as much as there is room for.
fn write(open: &OpenFile, pieces: &[LentBytes], offset: Option<u64>) -> Result<i64> {
    let mut slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece.slice())).collect();
    let mut slices = &mut slices[..];
    let mut all = 0;
    IoSlice::advance_slices(&mut slices, 0);
    while !slices.is_empty() {
        if all > 0 && pool::is_unwanted() == Some(true) {
            return Err(Error::ECANCELED);
        }
        let count = match open.write(slices, offset.map(|offset| offset.saturating_add(all))) {
            Err(error) if all > 0 && error.kind() == io::ErrorKind::WouldBlock => break,
            count => count?,
        };
        if count == 0 {
            return Err(Error::EIO);
        }
        all += count as u64;
        IoSlice::advance_slices(&mut slices, count);
    }
    Ok(all as i64)
}
