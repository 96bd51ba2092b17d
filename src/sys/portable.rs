// SPDX-License-Identifier: MIT OR Apache-2.0
//! Platforms whose error numbers are not Linux's.

#[cfg(unix)]
pub use super::unix::unix_errno as linux_errno;
#[cfg(windows)]
pub use super::windows::windows_errno as linux_errno;
