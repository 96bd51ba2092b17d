// SPDX-License-Identifier: MIT OR Apache-2.0
//! Terminals: streams that have a mode and a window.

use crate::callback::Notify;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::handle::Handle;
use crate::lifecycle::{Kind, Object};
use crate::ready::Step;
use crate::sys::{Source, forks, ttys};

/// What a terminal's handle has beside its stream.
pub struct Tty {
    handle: Handle,
    /// In which process it wants another mode than the normal one.
    holds: Option<u32>,
    on_resize: Option<Notify>,
    /// Columns and rows, as they were told last.
    size: (i32, i32),
}

impl Tty {
    fn holds(&self) -> bool {
        self.holds == Some(forks::count())
    }
}

impl Core {
    pub fn open_tty(&mut self, descriptor: i64) -> Result<Handle> {
        self.make_room()?;
        let source = ttys::open(descriptor)?;
        let handle = self.insert_stream(Kind::Tty, source)?;
        self.ttys.push(Tty { handle, holds: None, on_resize: None, size: (0, 0) });
        Ok(handle)
    }

    /// The terminal's row and its descriptor.
    fn tty_mut(&mut self, handle: Handle) -> Result<(&mut Tty, &Source)> {
        self.open_entry(handle)?;
        let Core { table, ttys, .. } = self;
        let tty = ttys.iter_mut().find(|tty| tty.handle == handle).ok_or(Error::EKIND)?;
        match &table.get(handle)?.object {
            Object::Stream(stream) => Ok((tty, stream.source())),
            _ => Err(Error::EKIND),
        }
    }

    pub fn check_tty(&mut self, handle: Handle) -> Result<()> {
        self.tty_mut(handle).map(|_| ())
    }

    pub fn set_tty_mode(&mut self, handle: Handle, mode: ttys::Mode) -> Result<()> {
        let (tty, source) = self.tty_mut(handle)?;
        let holds = ttys::set_mode(source, mode, tty.holds())?;
        tty.holds = holds.then(forks::count);
        Ok(())
    }

    /// Columns and rows.
    pub fn tty_size(&mut self, handle: Handle) -> Result<(i32, i32)> {
        let (_, source) = self.tty_mut(handle)?;
        ttys::size(source)
    }

    /// Tells of changes of the window's size from now on; `None`: no more.
    pub fn watch_tty_size(&mut self, handle: Handle, notify: Option<Notify>) -> Result<()> {
        let (tty, source) = self.tty_mut(handle)?;
        let size = ttys::size(source)?;
        let (before, after) = (tty.on_resize.is_some(), notify.is_some());
        if before == after {
            (tty.on_resize, tty.size) = (notify, size);
            return Ok(());
        }
        match after {
            true => self.add_signal_watcher(ttys::RESIZED, handle)?,
            false => self.unwatch_signal(handle),
        }
        let (tty, _) = self.tty_mut(handle)?;
        (tty.on_resize, tty.size) = (notify, size);
        Ok(())
    }

    /// The window may have got another size: the step that tells of it, if it has.
    pub fn tty_step(&mut self, handle: Handle) -> Step {
        let Ok((tty, source)) = self.tty_mut(handle) else { return Step::Nothing };
        let Ok(size) = ttys::size(source) else { return Step::Nothing };
        if std::mem::replace(&mut tty.size, size) == size {
            return Step::Nothing;
        }
        let notify = tty.on_resize.unwrap_or(Notify::Nobody);
        self.step_for(notify, handle, 0)
    }

    /// Before its stream is closed or given away: the mode is given back.
    pub fn end_tty(&mut self, handle: Handle) {
        let Ok((tty, source)) = self.tty_mut(handle) else { return };
        if tty.holds() {
            ttys::leave(source);
        }
        if tty.on_resize.is_some() {
            self.unwatch_signal(handle);
        }
        self.ttys.retain(|tty| tty.handle != handle);
    }
}
