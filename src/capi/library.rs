// SPDX-License-Identifier: MIT OR Apache-2.0
//! The library as a whole.

use crate::sys;
use std::ffi::c_char;

/// The version of the library that runs, "1.2.3"; `RONDEL_VERSION` is that of the header.
///
/// Never NULL; the text lives as long as the program. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The monotonic clock that all times of Rondel are on, in nanoseconds. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_clock() -> i64 {
    sys::clock()
}
