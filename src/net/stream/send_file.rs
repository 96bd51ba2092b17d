// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files as items of a write queue.
//!
//! What the system has at hand goes from the file to the stream in the loop's thread, a bounded piece at a time. For what
//! it would have to wait for a disk for, a thread of the pool waits; and where there is no way past the program's memory,
//! such a thread reads.

use crate::callback::Notify;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::future::Op;
use crate::handle::Handle;
use crate::inbox::Message;
use crate::lifecycle::Object;
use crate::pool::{self, Lane};
use crate::sys::file::OpenFile;
use crate::sys::file_types::FileType;
use crate::sys::{Source, send_file};
use std::io::{self, IoSliceMut};
use std::sync::Arc;

/// What is left of a file to send.
pub struct FilePart {
    pub future: Handle,
    pub left: u64,
    /// How much there may be beyond that, of a file that does not say how long it is.
    unsaid: u64,
    open: Arc<OpenFile>,
    at: u64,
    direct: bool,
    stage: Stage,
}

enum Stage {
    Ready,
    /// A thread of the pool waits for the disk.
    Loading,
    /// Bytes in our memory, and how many of them were sent.
    Loaded(Vec<u8>, usize),
    Failed(Error),
}

/// What came of an attempt to send some.
pub enum FileStep {
    Sent(usize),
    /// The system takes no more.
    Blocked,
    /// To be sent when it has been loaded.
    Load(Load),
    Loading,
    /// The file is shorter than was said.
    Ended,
    /// It cannot be read.
    Failed(Error),
    /// The stream is broken.
    Broken(Error),
}

/// How much is sent at a time, how much is loaded, and how much goes out before others get their turn.
const PIECE: usize = 256 * 1024;
pub const PIECES_A_TURN: usize = 4;

/// What the pool is to do.
pub struct Load {
    future: Handle,
    open: Arc<OpenFile>,
    at: u64,
    length: usize,
    /// To be kept, not only to have been read.
    keep: bool,
}

impl Load {
    /// On the pool.
    fn run(self) -> Result<Vec<u8>> {
        let mut bytes = vec![0; self.length];
        let mut filled = 0;
        while filled < bytes.len() {
            let count = self.open.read(&mut [IoSliceMut::new(&mut bytes[filled..])], Some(self.at + filled as u64))?;
            if count == 0 {
                break;
            }
            filled += count;
        }
        bytes.truncate(if self.keep { filled } else { 0 });
        Ok(bytes)
    }
}

impl FilePart {
    fn load(&mut self, length: usize, keep: bool) -> FileStep {
        self.stage = Stage::Loading;
        let length = if self.unsaid > 0 { (self.left + self.unsaid).min(PIECE as u64) as usize } else { length };
        FileStep::Load(Load { future: self.future, open: self.open.clone(), at: self.at, length, keep })
    }

    /// Sends a piece. The caller counts what was sent by `advance`.
    pub fn send(&mut self, source: &Source) -> FileStep {
        let length = self.left.min(PIECE as u64) as usize;
        let warm = match &self.stage {
            Stage::Loading => return FileStep::Loading,
            Stage::Failed(error) => return FileStep::Failed(*error),
            Stage::Loaded(bytes, start) if *start < bytes.len() => {
                return match source.send(&bytes[*start..]) {
                    Ok(sent) => FileStep::Sent(sent),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => FileStep::Blocked,
                    Err(error) => FileStep::Broken(error.into()),
                };
            }
            Stage::Loaded(bytes, _) if bytes.is_empty() && !self.direct => return FileStep::Ended,
            // Loaded, if only for the system to have it at hand.
            Stage::Loaded(bytes, _) => bytes.is_empty(),
            Stage::Ready => false,
        };
        if !self.direct {
            return self.load(length, true);
        }
        if !warm && !send_file::is_at_hand(&self.open, self.at, length) {
            return self.load(length, false);
        }
        match send_file::send_file(source, &self.open, self.at, length) {
            Ok(0) => FileStep::Ended,
            Ok(sent) => FileStep::Sent(sent),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => FileStep::Blocked,
            Err(error) if send_file::has_no_way(&error) => {
                self.direct = false;
                self.load(length, true)
            }
            // Which of the two it was: a disk says so, or a file that is not open for reading, a stream never does.
            Err(error) if matches!(error.raw_os_error(), Some(EIO | EBADF)) => FileStep::Failed(error.into()),
            Err(error) => FileStep::Broken(error.into()),
        }
    }

    pub fn advance(&mut self, sent: usize) {
        self.at += sent as u64;
        self.left -= sent as u64;
        match &mut self.stage {
            Stage::Loaded(bytes, start) if *start + sent <= bytes.len() && !bytes.is_empty() => *start += sent,
            stage => *stage = Stage::Ready,
        }
    }

    /// By how much there is more than was known, now that so many bytes were found at once.
    fn found(&mut self, count: usize) -> u64 {
        let most = self.left + self.unsaid;
        if self.unsaid == 0 || count == 0 {
            return 0;
        }
        // A full piece may be followed by another; until that is known it counts as one byte.
        let left = if count == PIECE { most.min(count as u64 + 1) } else { count as u64 };
        let more = left - self.left;
        self.left = left;
        self.unsaid = if left > count as u64 { most - left } else { 0 };
        more
    }

    pub fn loaded(&mut self, result: Result<Vec<u8>>) {
        self.stage = match result {
            Ok(bytes) => Stage::Loaded(bytes, 0),
            Err(error) => Stage::Failed(error),
        };
    }

    /// Whether what is before it should wait for its first bytes, to leave with them.
    pub fn follows_at_once(&self) -> bool {
        self.direct && self.left > 0
    }
}

// The same everywhere.
const EIO: i32 = 5;
const EBADF: i32 = 9;

impl Core {
    /// Queues some of a file. The result is how many bytes of it were sent.
    pub fn send_file(
        &mut self,
        handle: Handle,
        file: Handle,
        offset: u64,
        length: u64,
        notify: Notify,
    ) -> Result<Handle> {
        self.stream_mut(handle)?.check_writable()?;
        let open = self.file_mut(file)?.shared().ok_or(Error::EGONE)?;
        let stat = open.stat()?;
        match stat.kind {
            FileType::Regular => {}
            FileType::Folder => return Err(Error::EISDIR),
            _ => return Err(Error::EINVAL),
        }
        // Files that are made as they are read, as in /proc, say that they are empty.
        let says_length = stat.size > 0;
        // What the file grows by meanwhile is not meant.
        let (left, unsaid) = match says_length {
            true => (length.min(stat.size.saturating_sub(offset)), 0),
            false => (length.min(1), length - length.min(1)),
        };
        let future = self.insert_future(Op::Write, handle, notify)?;
        let direct = send_file::DIRECT && says_length;
        let part = FilePart { future, left, unsaid, open, at: offset, direct, stage: Stage::Ready };
        let running = self.running;
        let Core { table, spares, dirty, .. } = self;
        let Ok(Object::Stream(stream)) = table.get_mut(handle).map(|entry| &mut entry.object) else {
            return Err(Error::EKIND);
        };
        let out = stream.queue(spares);
        if left > 0 {
            out.push_file(Box::new(part));
        }
        out.push_write(future, left);
        if !running {
            self.flush(handle);
        } else if !stream.blocked && !stream.dirty {
            stream.dirty = true;
            dirty.push(handle);
        }
        self.check_high_mark(handle);
        Ok(future)
    }

    /// Has the pool wait for a disk. Whether it will: else the file has failed.
    pub fn load_file(&mut self, stream: Handle, load: Load) -> bool {
        let (future, inbox) = (load.future, self.inbox());
        let submitted = pool::submit(Lane::Files, move || {
            let result = load.run();
            // A loop that is gone does not care any more.
            let _ = inbox.post_from_worker(Message::Apply(Box::new(move |core| {
                core.file_loaded(stream, future, result);
                core.flush(stream);
            })));
        });
        match submitted {
            Ok(_) => true,
            Err(error) => {
                self.file_loaded(stream, future, Err(error));
                false
            }
        }
    }

    fn file_loaded(&mut self, stream: Handle, future: Handle, result: Result<Vec<u8>>) {
        if let Ok(stream) = self.stream_mut(stream)
            && let Some(out) = &mut stream.out
            && let Some(part) = out.file_of(future)
        {
            let more = result.as_ref().map_or(0, |bytes| part.found(bytes.len()));
            part.loaded(result);
            out.file_grew(future, more);
        }
        self.check_high_mark(stream);
    }
}
