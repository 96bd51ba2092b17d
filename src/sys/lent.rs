// SPDX-License-Identifier: MIT OR Apache-2.0
//! Memory that a caller lends for the time of a call or an operation.
//!
//! The promise is made once, where the pointer comes in; from there on it is a slice.

use crate::callback::{AllocFunction, Datagram, UserData};
use std::ffi::{CStr, c_char};

/// Bytes to read from, the caller's until the operation completes.
#[derive(Clone, Copy)]
pub struct LentBytes {
    start: *const u8,
    length: usize,
}

/// Bytes to write to, the caller's until the operation completes.
pub struct LentBuffer {
    start: *mut u8,
    length: usize,
}

/// Numbers to read, the caller's for the time of a call.
pub struct LentNumbers {
    start: *const i64,
    count: usize,
}

/// Numbers to write, the caller's until the operation completes.
pub struct LentResults {
    start: *mut i64,
    count: usize,
}

// SAFETY: the lender promises that the memory stays valid until the operation completes, on whichever thread the
// loop then runs.
unsafe impl Send for LentBytes {}
// SAFETY: as for LentBytes.
unsafe impl Send for LentBuffer {}
// SAFETY: as for LentBytes.
unsafe impl Send for LentResults {}

/// No object of this size can exist, so a length beyond it is a caller's mistake (a negative number, say).
fn possible(length: usize) -> bool {
    isize::try_from(length).is_ok()
}

impl LentBytes {
    /// `None` when it makes no sense: bytes are promised, but there is no pointer.
    ///
    /// # Safety
    /// `start` points to `length` readable bytes, which stay so and are not written to as long as the value is used.
    pub unsafe fn new(start: *const u8, length: usize) -> Option<LentBytes> {
        (possible(length) && (length == 0 || !start.is_null())).then_some(LentBytes { start, length })
    }

    pub fn slice(&self) -> &[u8] {
        if self.length == 0 {
            return &[];
        }
        // SAFETY: the promise of `new`.
        unsafe { std::slice::from_raw_parts(self.start, self.length) }
    }
}

impl LentBuffer {
    /// `None` when it makes no sense: no pointer, or no room.
    ///
    /// # Safety
    /// `start` points to `length` writable bytes, which stay so and are touched by nobody else as long as the value
    /// is used.
    pub unsafe fn new(start: *mut u8, length: usize) -> Option<LentBuffer> {
        (possible(length) && length > 0 && !start.is_null()).then_some(LentBuffer { start, length })
    }

    pub fn length(&self) -> usize {
        self.length
    }

    pub fn slice(&mut self) -> &mut [u8] {
        // SAFETY: the promise of `new`. The bytes may be uninitialized for Rust's eyes; they are only written, or
        // read where they were written before.
        unsafe { std::slice::from_raw_parts_mut(self.start, self.length) }
    }
}

/// A place for what is known of a datagram, the caller's until the operation completes.
pub struct LentDatagram(*mut Datagram);

// SAFETY: as for LentBytes.
unsafe impl Send for LentDatagram {}

impl LentDatagram {
    /// `None` for NULL.
    ///
    /// # Safety
    /// `place` is NULL, or may be written to as long as the value is used.
    pub unsafe fn new(place: *mut Datagram) -> Option<LentDatagram> {
        (!place.is_null()).then_some(LentDatagram(place))
    }

    pub fn set(&mut self, datagram: Datagram) {
        // SAFETY: the promise of `new`.
        unsafe { self.0.write_unaligned(datagram) };
    }
}

/// As `possible`, of numbers.
fn possible_numbers(start: *const i64, count: usize) -> bool {
    count.checked_mul(size_of::<i64>()).is_some_and(possible) && (count == 0 || !start.is_null())
}

impl LentNumbers {
    /// `None` when it makes no sense: numbers are promised, but there is no pointer.
    ///
    /// # Safety
    /// `start` points to `count` numbers, which are there and are not written to as long as the value is used.
    pub unsafe fn new(start: *const i64, count: usize) -> Option<LentNumbers> {
        possible_numbers(start, count).then_some(LentNumbers { start, count })
    }

    pub fn count(&self) -> usize {
        self.count
    }

    pub fn iter(&self) -> impl Iterator<Item = i64> {
        // SAFETY: the promise of `new`.
        (0..self.count).map(|index| unsafe { self.start.add(index).read_unaligned() })
    }
}

impl LentResults {
    /// `None` when it makes no sense: room is promised, but there is no pointer.
    ///
    /// # Safety
    /// `start` points to room for `count` numbers, which is there as long as the value is used.
    pub unsafe fn new(start: *mut i64, count: usize) -> Option<LentResults> {
        possible_numbers(start, count).then_some(LentResults { start, count })
    }

    pub fn set(&mut self, index: usize, result: i64) {
        if index < self.count {
            // SAFETY: the promise of `new`.
            unsafe { self.start.add(index).write_unaligned(result) };
        }
    }
}

/// Room for one value, the caller's until the operation completes.
pub struct LentPlace<T>(*mut T);

// SAFETY: as for LentBytes.
unsafe impl<T: Send> Send for LentPlace<T> {}

impl<T> LentPlace<T> {
    /// `None` for NULL.
    ///
    /// # Safety
    /// `place` points to room for a value, which is there and touched by nobody else as long as this is used.
    pub unsafe fn new(place: *mut T) -> Option<LentPlace<T>> {
        (!place.is_null()).then_some(LentPlace(place))
    }

    pub fn put(self, value: T) {
        // SAFETY: the promise of `new`.
        unsafe { self.0.write_unaligned(value) };
    }
}

/// An array of C strings with NULL at its end, the caller's for the time of a call.
#[derive(Clone, Copy)]
pub struct LentStrings(*const *const c_char);

impl LentStrings {
    /// `None` for NULL.
    ///
    /// # Safety
    /// `start` is NULL or points to such an array, which lives and is not written to as long as the value is used.
    pub unsafe fn new(start: *const *const c_char) -> Option<LentStrings> {
        (!start.is_null()).then_some(LentStrings(start))
    }

    pub fn is_empty(self) -> bool {
        self.iter().next().is_none()
    }

    #[cfg(unix)]
    pub fn start(self) -> *const *const c_char {
        self.0
    }

    pub fn iter<'a>(self) -> impl Iterator<Item = &'a CStr> {
        let mut next = self.0;
        std::iter::from_fn(move || {
            // SAFETY: the promise of `new`; `next` does not go beyond the NULL.
            unsafe {
                let text = *next;
                (!text.is_null()).then(|| {
                    next = next.add(1);
                    CStr::from_ptr(text)
                })
            }
        })
    }
}

/// The most pieces in one array.
const PIECES: usize = 1024;

/// Buffers that a caller's array names, as `each` makes them of its elements; `None` if it makes no sense.
///
/// # Safety
/// `start` points to `count` elements, which are there for the time of this call.
pub unsafe fn lent_pieces<T: Copy, P>(start: *const T, count: usize, each: impl Fn(T) -> Option<P>) -> Option<Vec<P>> {
    if count > PIECES || (count > 0 && start.is_null()) {
        return None;
    }
    // SAFETY: the promise of this function.
    (0..count).map(|index| each(unsafe { start.add(index).read_unaligned() })).collect()
}

/// A caller's function that lends memory when asked for it.
#[derive(Clone, Copy)]
pub struct Lender {
    function: AllocFunction,
    data: UserData,
}

impl Lender {
    /// # Safety
    /// The function returns NULL, or memory of at least the size it leaves, which is the asker's until the asker says
    /// what became of it.
    pub unsafe fn new(function: AllocFunction, data: UserData) -> Lender {
        Lender { function, data }
    }

    /// Asks for `wanted` bytes; less may be lent, or none. Beside the memory, the pointer by which it is given back.
    pub fn ask(self, stream: i64, wanted: usize) -> (*const u8, Option<LentBuffer>) {
        let mut size = wanted;
        let start = (self.function)(stream, &mut size, self.data.pointer());
        // SAFETY: the promise of `new`.
        (start, unsafe { LentBuffer::new(start, size) })
    }
}

/// A caller's C string, or `None` for NULL.
///
/// # Safety
/// `text` is NULL or points to a NUL-terminated string that lives as long as `'a`.
pub unsafe fn c_string<'a>(text: *const c_char) -> Option<&'a CStr> {
    // SAFETY: the promise of this function.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) })
}
