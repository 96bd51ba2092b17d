// SPDX-License-Identifier: MIT OR Apache-2.0
//! Streams, and the networks they run over.

pub mod address;
pub mod connect;
pub mod listener;
pub mod local;
pub mod passing;
pub mod pipe;
pub mod read_buffer;
pub mod stream;
pub mod tcp;
pub mod tty;
pub mod udp;
pub mod write_queue;
