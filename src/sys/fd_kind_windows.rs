// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a descriptor is, as the kind of the handle that could be made of it: on Windows, a socket.

use super::look_at_socket;
use crate::error::Result;
use crate::lifecycle::Kind;

/// Only stream sockets are told apart.
pub fn look(number: i64) -> Result<i64> {
    Ok(if look_at_socket(number)?.local { Kind::Pipe } else { Kind::Tcp } as i64)
}
