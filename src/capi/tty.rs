// SPDX-License-Identifier: MIT OR Apache-2.0
//! Terminals.

use super::types::*;
use super::{done, number, optional_listener, with_core, with_loop_core};
use crate::error::{Error, to_code};
use crate::sys::{fd_kind, ttys};
use std::ffi::c_void;

/// A terminal.
pub type rondel_tty = i64;

/// `rondel_kind`: a terminal.
pub const RONDEL_KIND_TTY: i64 = 12;

/// `rondel_tty_mode`: as it was found.
pub const RONDEL_TTY_NORMAL: i32 = 0;
/// `rondel_tty_mode`: each key comes at once, and is not shown; Ctrl-C and its kin are signals as before.
pub const RONDEL_TTY_CBREAK: i32 = 1;
/// `rondel_tty_mode`: each key comes at once, also Ctrl-C, and is not shown; what is written is made into lines as before.
pub const RONDEL_TTY_RAW: i32 = 2;
/// `rondel_tty_mode`: as raw, and what is written leaves as it is: for bytes that are no text.
pub const RONDEL_TTY_BINARY: i32 = 3;

/// Opens the terminal that `fd` leads to, as a stream: standard input, say, to read keys as they come.
///
/// It is opened anew, the same ways as `fd` is, and does not block; `fd` stays yours and blocks as before, as it does for
/// the shell that it was inherited from. (The other side of a pseudo-terminal, which cannot be opened anew, is duplicated:
/// that one does not block any more, and it is at its end, `RONDEL_EOF`, when nobody has the terminal open any more.) The end
/// of what is typed (Ctrl-D) is the end of the stream.
///
/// `RONDEL_EBADF`, `RONDEL_ENOTTY` if it is no terminal, `RONDEL_EACCES` and others if it may not be opened; `rondel_pipe_open`
/// takes a descriptor as it is. `RONDEL_ENOSYS` on Windows. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_tty_open(r#loop: rondel_loop, fd: i64) -> rondel_tty {
    number(with_loop_core(r#loop, |core| core.open_tty(fd)))
}

/// Sets the mode of the terminal: `RONDEL_TTY_NORMAL` as it was found, `RONDEL_TTY_CBREAK`, `_RAW` or `_BINARY`.
///
/// The terminal is given back as it was found when the handle is closed or its loop is freed (with several handles: the
/// last one that changed it); by exit(3); and when a signal kills the process: as long as the mode is not normal, Rondel
/// handles the signals that would, as far as nobody else does, and then lets them. A program with handlers of its own for
/// such signals calls `rondel_tty_reset` there. A child after a fork gives nothing back.
///
/// A shell that stops a program (Ctrl-Z, SIGSTOP) sets its own mode; set yours again on SIGCONT.
///
/// `RONDEL_EINVAL` for another mode, `RONDEL_EIO` if the terminal is gone. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_tty_mode(tty: rondel_tty, mode: i32) -> i64 {
    done(with_core(tty, |core, handle| {
        core.check_tty(handle)?;
        core.set_tty_mode(
            handle,
            match mode {
                RONDEL_TTY_NORMAL => ttys::Mode::Normal,
                RONDEL_TTY_CBREAK => ttys::Mode::Cbreak,
                RONDEL_TTY_RAW => ttys::Mode::Raw,
                RONDEL_TTY_BINARY => ttys::Mode::Binary,
                _ => return Err(Error::EINVAL),
            },
        )
    }))
}

/// Gives every terminal whose mode this process has changed back as it was found, whatever happens next. 0.
///
/// Any thread, and any signal handler.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_tty_reset() -> i64 {
    ttys::reset();
    0
}

/// Puts the size of the terminal's window, in characters, into `columns` and `rows`, each of which may be NULL. A terminal
/// that does not know has 0.
///
/// 0, or `RONDEL_EIO` if the terminal is gone. Loop thread only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rondel_tty_size(tty: rondel_tty, columns: *mut i32, rows: *mut i32) -> i64 {
    done(with_core(tty, |core, handle| {
        let size = core.tty_size(handle)?;
        for (out, value) in [(columns, size.0), (rows, size.1)] {
            if !out.is_null() {
                // SAFETY: the caller promises room for a number.
                unsafe { out.write(value) };
            }
        }
        Ok(())
    }))
}

/// Has `fn(tty, 0, user_data)` called when the window has got another size; NULL: no more. `rondel_tty_size` tells which.
///
/// The system says so (by SIGWINCH) to programs that the terminal controls, and to those in its foreground only. This does
/// not keep the loop alive. Errors as for `rondel_signal_start` and `rondel_tty_size`. Loop thread only.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_tty_on_resize(tty: rondel_tty, r#fn: rondel_fn, user_data: *mut c_void) -> i64 {
    done(with_core(tty, |core, handle| {
        core.check_tty(handle)?;
        core.watch_tty_size(handle, optional_listener(r#fn, user_data)?)
    }))
}

/// What a descriptor is, as the kind of the handle that can be made of it: `RONDEL_KIND_TTY` for a terminal,
/// `RONDEL_KIND_TCP`, `RONDEL_KIND_UDP`, `RONDEL_KIND_PIPE` for a Unix stream socket, pipe or FIFO, `RONDEL_KIND_FILE` for a
/// file; 0 for anything else.
///
/// `RONDEL_EBADF` if it is not open; on Windows `RONDEL_ENOTSOCK` for what is no socket. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn rondel_fd_kind(fd: i64) -> i64 {
    to_code(fd_kind::look(fd))
}
