// SPDX-License-Identifier: MIT OR Apache-2.0
//! Numbers of sockets are no small ones here, of which bits could be kept: any may be taken.

use super::RawSource;

pub fn may_be_taken(_: RawSource) -> bool {
    true
}
