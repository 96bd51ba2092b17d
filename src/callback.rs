// SPDX-License-Identifier: MIT OR Apache-2.0
//! The callback shapes of the API, and what the loop keeps of a caller's wish to be told.

/// The one shape that comes in arrays: these are filled in as callers get them.
pub use crate::capi::udp::rondel_datagram as Datagram;
use std::ffi::c_void;

/// Told once, or each time: (source, result, user_data).
pub type Function = extern "C" fn(i64, i64, *mut c_void);
/// Told of bytes: (stream, bytes, n, user_data).
pub type ReadFunction = extern "C" fn(i64, *const u8, i64, *mut c_void);
/// Asked for memory to read into: (stream, size in and out, user_data).
pub type AllocFunction = extern "C" fn(i64, *mut usize, *mut c_void) -> *mut u8;
/// Told of datagrams: (udp, batch, n, user_data).
pub type DatagramFunction = extern "C" fn(i64, *const Datagram, i64, *mut c_void);
/// A caller's function that takes one argument and gives one result: work for the pool.
pub type WorkFunction = extern "C" fn(*mut c_void) -> i64;

/// A function and the pointer that goes with it, carried and never looked into.
#[derive(Clone, Copy)]
pub struct Callback {
    pub function: Function,
    pub data: UserData,
}

/// A caller's pointer. It crosses threads with `call_soon_threadsafe` and `work`, which is its owner's business:
/// here it is a number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct UserData(usize);

impl UserData {
    pub const NULL: UserData = UserData(0);

    pub fn new(pointer: *mut c_void) -> UserData {
        UserData(pointer.expose_provenance())
    }

    pub fn pointer(self) -> *mut c_void {
        std::ptr::with_exposed_provenance_mut(self.0)
    }
}

/// How the starter of an operation hears of its end.
#[derive(Clone, Copy)]
pub enum Notify {
    /// Not at all: the future frees itself.
    Nobody,
    /// By this call.
    Call(Callback),
    /// By a completion in the queue that `rondel_next` hands out.
    Enqueue(UserData),
    /// By looking at the future, which is kept.
    Keep,
}

impl Notify {
    /// Whether it would tell the same, in the same way, to the same pointer.
    pub fn is_like(self, other: Notify) -> bool {
        match (self, other) {
            (Notify::Call(a), Notify::Call(b)) => std::ptr::fn_addr_eq(a.function, b.function) && a.data == b.data,
            (Notify::Enqueue(a), Notify::Enqueue(b)) => a == b,
            _ => false,
        }
    }
}

/// A call that is due: everything it needs, taken out of the loop's state before it is made.
#[derive(Clone, Copy)]
pub struct Call {
    pub callback: Callback,
    pub source: i64,
    pub result: i64,
}

impl Call {
    pub fn make(self) {
        (self.callback.function)(self.source, self.result, self.callback.data.pointer());
    }
}
