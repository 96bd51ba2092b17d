// SPDX-License-Identifier: MIT OR Apache-2.0
//! The network interfaces of this machine, which the pool looks at.

use crate::core::Core;
use crate::error::{Error, Result};
use crate::file::outcome::{Found, Outcome};
use crate::future::Op;
use crate::handle::Handle;
use crate::sys::interface_types::Interface;

impl From<Vec<Interface>> for Outcome {
    fn from(interfaces: Vec<Interface>) -> Outcome {
        Outcome::new(interfaces.len() as i64, Found::Interfaces(interfaces.into()))
    }
}

impl Core {
    /// One of the interfaces that a look found.
    pub fn found_interface(&mut self, handle: Handle, index: usize) -> Result<&Interface> {
        let future = self.future_mut(handle)?;
        match (future.look(), &future.op) {
            (Err(error), _) => Err(error),
            (Ok(0..), Op::Interfaces(interfaces)) => interfaces.get(index).ok_or(Error::EINVAL),
            (Ok(..0), _) => Err(Error::EINVAL),
            _ => Err(Error::EKIND),
        }
    }
}
