// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rondel: an event loop with asyncio's vocabulary behind a C ABI.
//!
//! The C API is in [`capi`], one file a noun; each checks, translates and calls the core. The core knows no C
//! beyond the callback shapes of [`callback`]. `include/rondel.h` is generated from `capi`.
#![deny(unsafe_code)]
#![warn(missing_docs, rust_2018_idioms)]

mod abroad;
mod as_completed;
mod callback;
mod combine;
mod core;
mod debug;
mod dump;
mod error;
mod event_loop;
mod fd_watch;
mod file;
/// Nobody forks on Windows.
#[cfg_attr(windows, allow(dead_code))]
mod fork;
mod future;
mod handle;
mod hook;
mod inbox;
mod interface;
mod lifecycle;
mod pool;
mod process;
mod process_run;
mod program;
mod random;
mod reactor;
mod ready;
mod registry;
mod signal;
mod stack;
mod task;
mod task_group;
mod timer;
mod timers;
mod trace;
mod watch;
mod work;

mod dns;
mod net;
mod sync;
mod sys;

pub mod capi;
