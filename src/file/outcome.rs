// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an operation on the pool brings back: a number, and what its future keeps for those who ask.

use crate::core::Core;
use crate::error::{Error, Result};
use crate::future::Op;
use crate::handle::Handle;
use crate::sys::file::OpenFile;
use crate::sys::file_types::FileType;
use crate::sys::forks;
use crate::sys::interface_types::Interface;
use std::fs;
use std::path::PathBuf;

/// Bytes that a future keeps. A NUL follows them, so that text is a C string.
pub struct Bytes(Vec<u8>);

impl Bytes {
    pub fn new(mut bytes: Vec<u8>) -> Bytes {
        bytes.push(0);
        Bytes(bytes)
    }

    pub fn slice(&self) -> &[u8] {
        &self.0[..self.0.len() - 1]
    }
}

/// One name in a folder.
pub struct Entry {
    pub name: Bytes,
    pub kind: FileType,
}

pub enum Found {
    Nothing,
    Bytes(Bytes),
    Entries(Box<[Entry]>),
    Interfaces(Box<[Interface]>),
    /// A file, and the name that was made up for it.
    File(OpenFile, Option<Bytes>),
}

pub struct Outcome {
    pub result: i64,
    pub found: Found,
    pub made: Option<Made>,
}

/// Something under a name that only the outcome tells: nobody will look for it if the outcome is given up.
pub struct Made {
    path: PathBuf,
    folder: bool,
    /// The process for which it was made, in the way of `forks`.
    process: u32,
}

impl Made {
    pub fn file(path: PathBuf) -> Made {
        Made { path, folder: false, process: forks::count() }
    }

    pub fn folder(path: PathBuf) -> Made {
        Made { path, folder: true, process: forks::count() }
    }

    /// In a child after a fork it is the parent's, whatever becomes of the copied outcome.
    pub fn is_ours(&self) -> bool {
        self.process == forks::count()
    }

    pub fn remove(self) {
        // Whoever has done so before, or does not let us, knows of it.
        let _ = if self.folder { fs::remove_dir(self.path) } else { fs::remove_file(self.path) };
    }
}

impl Outcome {
    pub fn new(result: i64, found: Found) -> Outcome {
        Outcome { result, found, made: None }
    }

    pub fn made(self, made: Made) -> Outcome {
        Outcome { made: Some(made), ..self }
    }
}

impl From<i64> for Outcome {
    fn from(result: i64) -> Outcome {
        Outcome::new(result, Found::Nothing)
    }
}

impl From<()> for Outcome {
    fn from(_: ()) -> Outcome {
        Outcome::from(0)
    }
}

impl From<Bytes> for Outcome {
    fn from(bytes: Bytes) -> Outcome {
        Outcome::new(bytes.slice().len() as i64, Found::Bytes(bytes))
    }
}

impl From<Vec<Entry>> for Outcome {
    fn from(entries: Vec<Entry>) -> Outcome {
        Outcome::new(entries.len() as i64, Found::Entries(entries.into()))
    }
}

impl From<OpenFile> for Outcome {
    fn from(open: OpenFile) -> Outcome {
        Outcome::new(0, Found::File(open, None))
    }
}

impl Core {
    /// The bytes that belong to a future's result.
    pub fn found_bytes(&mut self, handle: Handle) -> Result<&[u8]> {
        let future = self.future_mut(handle)?;
        match (future.look(), &future.op) {
            (Err(error), _) => Err(error),
            (Ok(0..), Op::Bytes(bytes)) => Ok(bytes.slice()),
            (Ok(0..), Op::Ran(output)) => Ok(output[0].slice()),
            // What failed has none; any other future never had.
            (Ok(..0), _) => Err(Error::EINVAL),
            _ => Err(Error::EKIND),
        }
    }

    /// One of the names that a future found in a folder.
    pub fn found_entry(&mut self, handle: Handle, index: usize) -> Result<&Entry> {
        let future = self.future_mut(handle)?;
        match (future.look(), &future.op) {
            (Err(error), _) => Err(error),
            (Ok(0..), Op::Entries(entries)) => entries.get(index).ok_or(Error::EINVAL),
            (Ok(..0), _) => Err(Error::EINVAL),
            _ => Err(Error::EKIND),
        }
    }
}
