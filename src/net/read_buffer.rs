// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where push reads go. It starts on a page: the kernel copies several times slower to an address just off an alignment.

pub struct ReadBuffer {
    bytes: Vec<u8>,
    start: usize,
}

pub const READ_SIZE: usize = 256 * 1024;
const PAGE: usize = 4096;

impl ReadBuffer {
    pub fn new() -> ReadBuffer {
        let bytes = vec![0; READ_SIZE + PAGE];
        let start = bytes.as_ptr().align_offset(PAGE).min(PAGE);
        ReadBuffer { bytes, start }
    }

    pub fn room(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.start + READ_SIZE]
    }
}
