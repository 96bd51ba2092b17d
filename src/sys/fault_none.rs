// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the system itself tells of an overflowed stack.

use std::ops::Range;

pub fn is_installed() -> bool {
    false
}

pub fn install() {}

pub fn enter(_guard: Range<usize>, _size: usize, _name: &str) {}

pub fn leave() {}
