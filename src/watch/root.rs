// SPDX-License-Identifier: MIT OR Apache-2.0
//! The path that is watched, and how it and what is near it are called when they are told of.

use crate::error::Result;
use std::ffi::OsStr;
use std::path::{Path, PathBuf, absolute};

#[derive(Clone)]
pub struct Root {
    /// As the caller calls it.
    told: PathBuf,
    /// As it is found wherever the process goes.
    absolute: PathBuf,
}

impl Root {
    pub fn new(path: PathBuf) -> Result<Root> {
        let mut place = absolute(&path)?;
        if place.file_name().is_none()
            && let Ok(plain) = place.canonicalize()
        {
            // It ends in "..", and has another name by which it can go and come.
            place = plain;
        }
        Ok(Root { told: path, absolute: place })
    }

    pub fn absolute(&self) -> &Path {
        &self.absolute
    }

    pub fn told(&self) -> PathBuf {
        self.told.clone()
    }

    /// What lies below it.
    pub fn below(&self, place: &Path) -> PathBuf {
        if place.as_os_str().is_empty() { self.told.clone() } else { self.told.join(place) }
    }

    /// What lies beside it.
    #[allow(dead_code)] // where nothing is watched
    pub fn beside(&self, name: &OsStr) -> PathBuf {
        if self.told.file_name().is_some() && self.told.file_name() == self.absolute.file_name() {
            self.told.with_file_name(name)
        } else {
            self.absolute.with_file_name(name)
        }
    }
}
