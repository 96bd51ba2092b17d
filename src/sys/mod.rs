// SPDX-License-Identifier: MIT OR Apache-2.0
//! What Rondel needs of a platform, and the few memory primitives that rest on `unsafe`.
//!
//! The contract that each platform's file fulfils:
//! - `linux_errno(os_error)`: the platform's error number as Linux's errno.
//! - `Source`: an owned descriptor that does not block, of a byte stream or a listener: `receive`, `send`,
//!   `send_vectored`, `shut_down_writing`, `accept`; `WouldBlock` when nothing can be done now, interrupted calls
//!   are never seen, no signal is ever raised.
//! - `passing`: descriptors that go through a local socket, where the platform passes such.
//! - `pipes`: sources that are no sockets, where the platform has such: `reads`, `writes`, `can_half_close`, `look_at`,
//!   `Source::adopt`, `pair`.
//! - `local`: sockets of this machine: names to addresses and back, the files they leave, who is at the other end.
//! - `look_up(host, service, hints)`, `look_up_name(address, flags)`: getaddrinfo and getnameinfo, blocking; failures as
//!   Rondel's codes.
//! - `datagram`: sends and receives datagrams, many a call, with what is told of each beside its bytes.
//! - `interfaces`: the network interfaces of this machine, with their addresses; their names and numbers.
//! - `Waker`: ends the wait of a loop from any thread and from a signal handler.
//! - `file`: what files need beside std, all of it blocking.
//! - `folder`: the names in an open folder piece by piece, and the removal of a whole one, which can be stopped.
//! - `entry(function)`: where a callback's code is, whatever the linker put in between.
//! - `is_open(number)`: whether a caller's descriptor is still one.
//! - `fill_standard_numbers()`: what is opened later is never standard input, output or error.
//! - `paths::Paths`: watches of paths, of a loop. What happens after `start` is told, by `read` when `source` is readable
//!   or through the outlet; the path stays watched when what it leads to is another file or none.
//! - `stamp::Stamp`: what a file looks like, to be compared with how it looks later.
//! - `taken::may_be_taken(raw)`: false only where no `Source` and no open file has the descriptor.
//! - `wait(...)`: waits on the reactor's descriptor in one system call, where the platform has such a descriptor.
#![allow(unsafe_code)]

#[cfg_attr(windows, path = "datagram_windows.rs")]
pub mod datagram;
mod datagram_types;
#[cfg(unix)]
pub mod fault;
#[cfg(windows)]
#[path = "fault_none.rs"]
pub mod fault;
#[cfg_attr(windows, path = "fd_kind_windows.rs")]
pub mod fd_kind;
#[cfg_attr(windows, path = "file_windows.rs")]
pub mod file;
#[cfg(unix)]
pub mod file_stat;
pub mod file_types;
#[cfg_attr(windows, path = "folder_windows.rs")]
pub mod folder;
#[cfg_attr(windows, path = "forks_windows.rs")]
pub mod forks;
#[cfg(unix)]
mod held;
pub mod interface_types;
#[cfg_attr(windows, path = "interfaces_windows.rs")]
pub mod interfaces;
pub mod lent;
#[cfg_attr(windows, path = "local_windows.rs")]
pub mod local;
#[cfg(unix)]
pub mod map;
#[cfg_attr(windows, path = "names_windows.rs")]
mod names;
pub use names::*;
pub mod owned;
#[cfg_attr(windows, path = "passing_windows.rs")]
pub mod passing;
#[cfg_attr(all(feature = "watch", any(target_os = "linux", target_os = "android")), path = "paths_linux/mod.rs")]
#[cfg_attr(all(feature = "watch", not(any(target_os = "linux", target_os = "android"))), path = "paths_notify.rs")]
#[cfg_attr(not(feature = "watch"), path = "paths_none.rs")]
pub mod paths;
pub mod per_process;
#[cfg_attr(windows, path = "pipes_windows.rs")]
pub mod pipes;
#[cfg_attr(windows, path = "process_windows.rs")]
pub mod process;
pub mod published;
mod resolver;
pub use resolver::*;
#[cfg_attr(windows, path = "send_file_windows.rs")]
pub mod send_file;
#[cfg_attr(windows, path = "signals_windows.rs")]
pub mod signals;
#[cfg_attr(windows, path = "stamp_windows.rs")]
pub mod stamp;
#[cfg_attr(windows, path = "taken_windows.rs")]
pub mod taken;
#[cfg_attr(windows, path = "ttys_windows.rs")]
pub mod ttys;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::*;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::*;

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub use linux::*;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod portable;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub use portable::*;
